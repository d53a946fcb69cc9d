"""Squeeze-and-excitation on a photograph: averages, two small layers, a factor for each channel."""

from __future__ import annotations

from itertools import product

import torch
from IPython.display import HTML
from markupsafe import Markup
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.checks import checked
from casestudies_lib.figures.photo import check_photograph, credit_line, jpeg
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, words
from casestudies_lib.page.html import joined, tag
from casestudies_lib.page.palette import COLOURS

_SIDE, _ROW, _TOP = 78, 112, 34  # of a picture, from row to row, and the height of the heads
_AVERAGE, _HIDDEN, _FACTOR, _OUT = 132, 196, 260, 320  # the middles of the numbers, and where the results begin
_WIDE, _TALL = 38, 22  # of a number's box
_NAMES = ("red", "green", "blue")


@checked
def draw_gates(photo: torch.Tensor, module: SqueezeExcitation) -> HTML:
    """A photograph's three channels, the average and the factor of each, and each channel times its factor.

    Args:
        photo: `(1, 3, side, side)` with values in [0, 1].
        module: a squeeze-and-excitation of three channels with two hidden units at most.

    Raises:
        ValueError: no such photograph, or a module of another size.
    """
    check_photograph(photo)
    hidden_units, channels = module.fc1.weight.shape[:2]
    if channels != 3 or hidden_units > 2:
        raise ValueError(
            f"expected a squeeze-and-excitation of 3 channels with 2 hidden units at most, got {channels} channels "
            f"and {hidden_units} hidden units: build SqueezeExcitation(3, 2)"
        )
    passed: dict[str, torch.Tensor] = {}
    steps: dict[str, nn.Module] = {"average": module.avgpool, "hidden": module.activation, "factor": module.gate}
    hooks = [
        step.register_forward_hook(lambda _, __, out, name=name: passed.update({name: out.flatten()}))
        for name, step in steps.items()
    ]
    with torch.no_grad():
        scaled = module(photo.to(module.fc1.weight.dtype))[0]
    for hook in hooks:
        hook.remove()
    average, hidden, factor = ([f"{number:.2f}" for number in passed[name].tolist()] for name in steps)
    middles = [_TOP + place * _ROW + _SIDE / 2 for place in range(3)]
    between = [middles[1] + (place - (len(hidden) - 1) / 2) * 40 for place in range(len(hidden))]
    head = head_name("gates")
    parts = [arrowhead(head)]
    heads = (("channel", _SIDE / 2), ("average", _AVERAGE), ("two layers", _HIDDEN), ("factor", _FACTOR))
    for title, x in (*heads, ("channel × factor", _OUT + _SIDE / 2)):
        parts.append(words(title, x, 14, small=True))
    for start, left, end, right in ((middles, _AVERAGE, between, _HIDDEN), (between, _HIDDEN, middles, _FACTOR)):
        for y, goal in product(start, end):
            parts.append(line(f"M{left + _WIDE / 2},{y} L{right - _WIDE / 2},{goal}", width=0.7))
    for place, y in enumerate(middles):
        parts += _image(jpeg(photo[0, place].expand(3, -1, -1)), 0, y - _SIDE / 2, _NAMES[place])
        parts.append(line(f"M{_SIDE + 2},{y} H{_AVERAGE - _WIDE / 2 - 2}", head=head))
        parts += box(average[place], _AVERAGE, y, _WIDE, _TALL, COLOURS["pool"], small=True)
        parts += box(factor[place], _FACTOR, y, _WIDE, _TALL, COLOURS["output"], small=True)
        parts.append(line(f"M{_FACTOR + _WIDE / 2 + 2},{y} H{_OUT - 2}", head=head))
        past = y + _SIDE / 2 - 6  # the channel itself, below its numbers
        parts.append(line(f"M{_SIDE + 2},{past} H{_OUT - 2}", width=2, head=head))
        result = jpeg(scaled[place].float().expand(3, -1, -1))
        parts += _image(result, _OUT, y - _SIDE / 2, f"{_NAMES[place]} × {factor[place]}")
    for number, y in zip(hidden, between):
        parts += box(number, _HIDDEN, y, _WIDE, _TALL, COLOURS["fully connected"], small=True)
    each = "; ".join(f"{name}: average {a}, factor {f}" for name, a, f in zip(_NAMES, average, factor))
    alt = (
        f"A photograph's three channels. Each is averaged to one number. A first small layer makes {len(hidden)} "
        f"hidden numbers of the averages, {' and '.join(hidden)}; a second makes a factor for each channel. {each}. "
        "At the right each channel times its factor: a channel with a small factor is dark."
    )
    drawn = picture(parts, _OUT + _SIDE + 2, _TOP + 2 * _ROW + _SIDE + 18, alt, "36em", font_size=12)
    credit = tag("div", credit_line(photo), style="font-size:.75em;text-align:center")
    return HTML(str(joined(Markup(drawn.data), credit)))


def _image(address: str, x: float, y: float, name: str) -> list[str]:
    """A framed picture, and below it what it is called."""
    corner = {"x": x, "y": y, "width": _SIDE, "height": _SIDE}
    frame = {"fill": "none", "stroke": "currentColor", "stroke-width": 0.6}
    named = words(name, x + _SIDE / 2, y + _SIDE + 13, small=True)
    return [tag("image", href=address, **corner), tag("rect", **corner, **frame), named]
