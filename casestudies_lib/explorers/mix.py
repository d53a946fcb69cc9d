"""Sliders over the weights of a 1 x 1 convolution: what does it make of the three channels of a photograph?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from IPython.display import HTML

from casestudies_lib.explorers.explorer import Knob, explorer_of_knobs
from casestudies_lib.figures.photo import check_photograph, credit_line, framed, jpeg
from casestudies_lib.page.html import joined, tag
from casestudies_lib.page.palette import MARKER

CHANNELS = ("red", "green", "blue")


def mix(
    photo: torch.Tensor,
    *,
    what: str,
    pixel: tuple[int, int],
    start: tuple[float, float, float, float] = (1.0, -1.0, 0.0, 0.0),
) -> HTML:
    """A photograph, beside it what one 1 x 1 filter with ReLU makes of it, and a slider for each weight and the bias.

    Results above 1 are shown as white.

    Args:
        photo: one image `(1, 3, side, side)` with values in [0, 1].
        what: what the photograph shows, for those who do not see it.
        pixel: row and column of the pixel whose sum is written out.
        start: weights for red, green and blue, and the bias, from -2 to 2 in steps of 0.1.

    Raises:
        ValueError: a photograph of another shape or range, a pixel outside it, or a start that no slider has.
    """
    check_photograph(photo)
    side = photo.shape[-1]
    if len(start) != 4:
        raise ValueError(f"expected a start of three weights and a bias, got {start!r}: pass four numbers")
    if not all(0 <= place < side for place in pixel):
        raise ValueError(
            f"expected pixel to be a row and a column from 0 to {side - 1}, got {pixel}: choose one inside"
        )
    values = [tenth / 10 for tenth in range(-20, 21)]
    labels = {name: f"weight of {name}" for name in CHANNELS} | {"bias": "bias"}
    knobs = {name: Knob(label, values, at) for (name, label), at in zip(labels.items(), start)}
    name = "mix-" + "-".join(f"{10 * value:.0f}" for value in start) + f"-{pixel[0]}-{pixel[1]}"
    row = " ".join(f"{value:g}" for value in (*start[:3], 0, start[3]))
    matrix = tag("feColorMatrix", type="matrix", values=f"{row} {row} {row} 0 0 0 1 0")
    mixed = tag("filter", matrix, id=name, **{"color-interpolation-filters": "sRGB"})
    y, x = pixel
    ring = {"x": x - 5, "y": y - 5, "width": 10, "height": 10, "fill": "none", "stroke": MARKER, "stroke-width": 2}
    data = jpeg(photo[0])
    panels = []
    for words, style in (("what goes in", None), ("what comes out", f"filter:url(#{name})")):
        image = tag("image", href=data, width=side, height=side, style=style)
        alt = f"A photograph of {what}: {words}{' of the 1×1 convolution' if style else ''}."
        svg = framed(alt, side, tag("defs", mixed) if style else "", image, tag("rect", **ring))
        panels.append(tag("div", svg, tag("div", words, class_="under")))
    seen = [round(value, 2) for value in photo[0, :, y, x].tolist()]
    picture = joined(tag("div", *panels, class_="panels"), credit_line(photo))
    return explorer_of_knobs("mix", picture, knobs, summed(start, seen), given=seen, width="30em")


def summed(weights: Sequence[float], seen: Sequence[float]) -> str:
    """The filter's sum at one pixel, written out: weights and bias in tenths, values in hundredths, so it is exact.

    >>> summed((1.0, -1.0, 0.0, 0.0), (0.25, 0.5, 1.0))
    'The marked pixel: 1.0 · 0.25 − 1.0 · 0.50 + 0.0 · 1.00 + 0.0 = −0.25, and 0 after the ReLU'
    """
    terms, thousandths = [], 0
    for place, weight in enumerate(weights):
        sign = "−" if weight < 0 else "+" if place else ""
        value = f" · {seen[place]:.2f}" if place < len(seen) else ""
        terms.append(f"{sign}{' ' if place else ''}{abs(weight):.1f}{value}")
        thousandths += round(10 * weight) * (round(100 * seen[place]) if value else 100)
    hundredths = (thousandths + 5) // 10
    total = f"{hundredths / 100:.2f}".replace("-", "−")
    return f"The marked pixel: {' '.join(terms)} = {total}" + (", and 0 after the ReLU" if hundredths < 0 else "")
