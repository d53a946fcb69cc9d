"""A slider over the layers of a network: how much of a photograph does one unit see?"""

from __future__ import annotations

from typing import Any

import torch
from IPython.display import HTML

from casestudies_lib.checks import one_of
from casestudies_lib.explorers.explorer import explorer_of_rows
from casestudies_lib.figures.photo import check_photograph, credit_line, framed, jpeg
from casestudies_lib.measure.anatomy import Anatomy
from casestudies_lib.page.html import joined, tag
from casestudies_lib.page.palette import LIT, MARKER


def receptive_field(network: Anatomy, photo: torch.Tensor, *, start: str) -> HTML:
    """A photograph with the square that one central unit of a layer sees, and a slider over the layers.

    Args:
        network: what `anatomy` found.
        photo: one image `(1, 3, side, side)` with values in [0, 1], side as the network expects.
        start: the layer that the slider stands on at first.

    Raises:
        ValueError: an unknown layer, or a photograph of another size than the network's input or of another range.
    """
    check_photograph(photo, network)
    side = network.input_shape[-1]
    seen = [layer for layer in network.rows if len(layer.shape) == 3]
    one_of("start", start, [layer.name for layer in seen])
    rows: list[dict[str, Any]] = [
        {
            "text": f"{layer.name}: one unit sees {width} × {width} of the {side} × {side} pixels",
            "rect": [{"x": edge, "y": edge, "width": width, "height": width}],
        }
        for layer in seen
        for width in [min(layer.receptive_field, side)]
        for edge in [f"{(side - width) / 2:g}"]
    ]
    at = [layer.name for layer in seen].index(start)
    image = tag("image", href=jpeg(photo[0], quality=80), width=side, height=side)
    look = {"fill": LIT, "fill-opacity": 0.25, "stroke": MARKER, "stroke-width": 3}
    alt = f"A photograph with the square that one unit in the middle of {network.title} sees, layer by layer."
    picture = joined(framed(alt, side, image, tag("rect", **rows[at]["rect"][0], **look)), credit_line(photo))
    seen_as = f"{side}×{side}, brightness {photo.mean():.2f}"  # what a test compares of the photograph
    return explorer_of_rows(picture, rows, start=at, label="layer", width="26em", data_photo=seen_as)
