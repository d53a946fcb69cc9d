"""A depthwise separable convolution on a photograph: each channel filtered by itself, then all of them mixed."""

from __future__ import annotations

from typing import cast

import torch
from IPython.display import HTML
from markupsafe import Markup
from torch import nn

from casestudies_lib.checks import checked
from casestudies_lib.figures.photo import check_photograph, credit_line, jpeg
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, words
from casestudies_lib.page.html import joined, tag
from casestudies_lib.page.palette import COLOURS

_SIDE, _ROW, _TOP = 78, 104, 34  # of a picture, from row to row, and the height of the heads
_KERNEL, _FILTERED, _MIXED = 98, 176, 322  # where the columns begin


@checked
def draw_filter_and_mix(photo: torch.Tensor, chain: nn.Sequential) -> HTML:
    """A photograph's three channels, the kernel of each, what it makes of its channel, and sums of the three.

    Filtered and mixed pictures are drawn around middle grey, which is 0, each to its own scale.

    Args:
        photo: `(1, 3, side, side)` with values in [0, 1].
        chain: a depthwise 3 x 3 convolution of three channels and a 1 x 1 convolution to one, two or three, both
            without bias.

    Raises:
        ValueError: no such photograph, or another chain.
    """
    check_photograph(photo)
    if not _is_separable(chain):
        raise ValueError(
            f"expected a depthwise 3x3 convolution of three channels and a 1x1 convolution to three at most, both "
            f"without bias, got {chain}: take batch norm and ReLU out"
        )
    depthwise, pointwise = (cast(nn.Conv2d, layer) for layer in chain)
    with torch.no_grad():
        filtered = depthwise(photo)[0]
        mixed = pointwise(filtered[None])[0]
    kernels, weights = depthwise.weight.detach()[:, 0], pointwise.weight.detach()[:, :, 0, 0]
    head = head_name("filter and mix")
    parts = [arrowhead(head)]
    for title, x in (("channel", 39), ("its kernel", 128), ("filtered", 215), ("mixed", 361)):
        parts.append(words(title, x, 14))
    rows: list[float] = [_TOP + place * _ROW for place in range(3)]
    ends = [_TOP + (place + 0.5) * 3 * _ROW / len(mixed) - _ROW / 2 for place in range(len(mixed))]
    for name, channel, kernel, result, y in zip(("red", "green", "blue"), photo[0], kernels, filtered, rows):
        middle = y + _SIDE / 2
        parts += _image(jpeg(channel.expand(3, -1, -1)), 0, y, name)
        parts.append(line(f"M{_SIDE + 2},{middle} H{_KERNEL - 2}", head=head))
        parts += _numbers(kernel, _KERNEL, middle - 30)
        parts.append(line(f"M{_KERNEL + 62},{middle} H{_FILTERED - 2}", head=head))
        parts += _image(jpeg(_around_grey(result)), _FILTERED, y)
    for place, (result, top) in enumerate(zip(mixed, ends)):
        for row, weight in zip(rows, weights[place]):
            if weight:
                start, end = row + _SIDE / 2, top + _SIDE / 2 + (row - rows[1]) * 0.12
                parts.append(line(f"M{_FILTERED + _SIDE + 2},{start} L{_MIXED - 2},{end:.1f}", head=head))
                at = 0.72  # of the way, where the lines of one output are still apart
                along = _FILTERED + _SIDE + 2 + at * (_MIXED - _FILTERED - _SIDE)
                parts.append(words(_signed(weight), along, start + at * (end - start) - 5, small=True))
        parts += _image(jpeg(_around_grey(result)), _MIXED, top, _sum(weights[place]))
    each = "; ".join(
        f"{name} by the kernel {' / '.join(' '.join(f'{w:g}' for w in row) for row in (kernel + 0.0).tolist())}"
        for name, kernel in zip(("red", "green", "blue"), kernels)
    )
    alt = (
        f"A photograph's three channels, each filtered by its own kernel: {each}. Of the three filtered pictures "
        f"{len(mixed)} sums are made: {'; '.join(_sum(row) for row in weights)}."
    )
    drawn = picture(parts, _MIXED + _SIDE + 2, _TOP + 3 * _ROW - 6, alt, "36em", font_size=12)
    credit = tag("div", credit_line(photo), style="font-size:.75em;text-align:center")
    return HTML(str(joined(Markup(drawn.data), credit)))


def _is_separable(chain: nn.Sequential) -> bool:
    convs = [layer for layer in chain if isinstance(layer, nn.Conv2d)]
    if len(convs) != 2 or len(chain) != 2 or any(conv.bias is not None for conv in convs):
        return False
    first, second = convs
    shapes = tuple(first.weight.shape), tuple(second.weight.shape[1:])
    return shapes == ((3, 1, 3, 3), (3, 1, 1)) and first.groups == 3 and second.out_channels <= 3


def _around_grey(values: torch.Tensor) -> torch.Tensor:
    """A map as a grey picture `(3, h, w)`, 0 in the middle; the strongest hundredth of its places is cut off."""
    most = values.abs().flatten().quantile(0.99).clamp(min=1e-12)
    return (0.5 + values / (2 * most)).clamp(0, 1).expand(3, -1, -1)


def _signed(weight: torch.Tensor) -> str:
    return f"{'−' if weight < 0 else '+'}{abs(weight.item()):g}"


def _sum(row: torch.Tensor) -> str:
    """Which channels a sum takes, such as `red + green` or `red − blue`."""
    said = ""
    for name, weight in zip(("red", "green", "blue"), row.tolist()):
        if weight:
            sign = ("−" if weight < 0 else "+") if said or weight < 0 else ""
            times = "" if abs(weight) == 1 else f"{abs(weight):g} "
            said += f"{' ' if said else ''}{sign}{' ' if sign and said else ''}{times}{name}"
    return said


def _image(address: str, x: float, y: float, name: str = "") -> list[str]:
    """A framed picture, and below it what it is called."""
    corner = {"x": x, "y": y, "width": _SIDE, "height": _SIDE}
    frame = {"fill": "none", "stroke": "currentColor", "stroke-width": 0.6}
    named = [words(name, x + _SIDE / 2, y + _SIDE + 12, small=True)] if name else []
    return [tag("image", href=address, **corner), tag("rect", **corner, **frame), *named]


def _numbers(kernel: torch.Tensor, x: float, y: float) -> list[str]:
    """The nine weights of a kernel in their squares."""
    parts: list[str] = []
    for row, line_of_weights in enumerate((kernel + 0.0).tolist()):  # so that no zero has a sign
        for column, weight in enumerate(line_of_weights):
            said = f"{weight:g}".replace("-", "−")
            parts += box(said, x + 10 + 20 * column, y + 10 + 20 * row, 20, 20, COLOURS["conv"], small=True)
    return parts
