"""Sliders over the weights of a 1 x 1 convolution: what does it make of the three channels of a photograph?"""

from __future__ import annotations

import torch
from IPython.display import HTML

from casestudies_lib.explorers.slider import Knob, credit_line, explorer_of_many, jpeg
from casestudies_lib.page.html import tag

CHANNELS = ("red", "green", "blue")

# The browser's colour matrix is a 1 x 1 convolution from three channels to three; here its three filters are the same.
_MOVE = """
const row = [at.red, at.green, at.blue, 0, at.bias].join(' ');
box.querySelector('feColorMatrix').setAttribute('values', row + ' ' + row + ' ' + row + ' 0 0 0 1 0');
const pixel = [...JSON.parse(box.dataset.pixel), 1], weights = [at.red, at.green, at.blue, at.bias];
const sum = Math.round(100 * weights.reduce((total, weight, i) => total + weight * pixel[i], 0)) / 100 + 0;
words = 'The marked pixel: ' + weights.map((weight, i) => (weight < 0 ? '−' : i ? '+' : '') + (i ? ' ' : '')
  + Math.abs(weight).toFixed(1) + (i < 3 ? ' · ' + pixel[i].toFixed(2) : '')).join(' ')
  + ' = ' + sum.toFixed(2).replace('-', '−') + (sum < 0 ? ', and 0 after the ReLU' : '');
"""


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
    if photo.dim() != 4 or photo.shape[:2] != (1, 3) or photo.shape[2] != photo.shape[3]:
        raise ValueError(
            f"expected one colour photograph (1, 3, side, side), got {tuple(photo.shape)}: see photograph()"
        )
    side = photo.shape[-1]
    if not photo.is_floating_point() or photo.min() < 0 or photo.max() > 1:
        came = f"{photo.dtype} from {photo.min():g} to {photo.max():g}"
        raise ValueError(f"expected a float photograph with values in [0, 1], got {came}: scale it, see photograph()")
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
    data = jpeg(photo[0])
    y, x = pixel
    ring = {"x": x - 5, "y": y - 5, "width": 10, "height": 10, "fill": "none", "stroke": "#ff2d95", "stroke-width": 2}
    panels = []
    for words, style in (("what goes in", None), ("what comes out", f"filter:url(#{name})")):
        image = tag("image", href=data, width=side, height=side, style=style)
        about = {"viewBox": f"0 0 {side} {side}", "role": "img", "style": "width:100%"}
        alt = f"A photograph of {what}: {words}{' of the 1×1 convolution' if style else ''}."
        svg = tag("svg", tag("defs", mixed) if style else "", image, tag("rect", **ring), aria_label=alt, **about)
        panels.append(tag("div", svg, tag("div", words, style="font-size:.85em"), style="flex:1"))
    seen = [round(value, 2) for value in photo[0, :, y, x].tolist()]
    terms = [(weight, f" · {value:.2f}") for weight, value in zip(start, seen)] + [(start[3], "")]
    summed = [
        ("−" if weight < 0 else "+" if place else "") + " " * (place > 0) + f"{abs(weight):.1f}{value}"
        for place, (weight, value) in enumerate(terms)
    ]
    total = round(sum(weight * value for weight, value in zip(start, [*seen, 1])), 2) + 0.0  # and not -0.00
    words = f"The marked pixel: {' '.join(summed)} = {total:.2f}".replace("-", "−")
    words += ", and 0 after the ReLU" if total < 0 else ""
    pair = tag("div", *panels, style="display:flex;gap:1em") + credit_line(photo)
    return explorer_of_many(pair, knobs, words, move=_MOVE, width="30em", data_pixel=seen)
