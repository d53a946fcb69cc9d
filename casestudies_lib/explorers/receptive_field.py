"""A slider over the layers of a network: how much of a photograph does one unit see?"""

from __future__ import annotations

import torch
from IPython.display import HTML

from casestudies_lib.checks import one_of
from casestudies_lib.explorers.slider import credit_line, explorer, jpeg
from casestudies_lib.measure.anatomy import Anatomy
from casestudies_lib.page.html import tag

_MOVE = "for (const key of ['x', 'y', 'width', 'height']) box.querySelector('rect').setAttribute(key, row.rect[key]);"


def receptive_field(network: Anatomy, photo: torch.Tensor, *, start: str) -> HTML:
    """A photograph with the square that one central unit of a layer sees, and a slider over the layers.

    Args:
        network: what `anatomy` found.
        photo: one image `(1, 3, side, side)` with values in [0, 1], side as the network expects.
        start: the layer that the slider stands on at first.

    Raises:
        ValueError: an unknown layer, or a photograph of another size than the network's input.
    """
    side = network.input_shape[-1]
    if tuple(photo.shape) != (1, *network.input_shape):
        raise ValueError(
            f"expected a photograph {(1, *network.input_shape)} for {network.title}, got {tuple(photo.shape)}: "
            f"load it with photograph(size={side})"
        )
    seen = [layer for layer in network.rows if len(layer.shape) == 3]
    one_of("start", start, [layer.name for layer in seen])
    rows = [
        {
            "rect": {"x": (side - width) / 2, "y": (side - width) / 2, "width": width, "height": width},
            "text": f"{layer.name}: one unit sees {width} × {width} of the {side} × {side} pixels",
        }
        for layer in seen
        for width in [min(layer.receptive_field, side)]
    ]
    at = [layer.name for layer in seen].index(start)
    data = jpeg(photo[0], quality=80)
    alt = f"A photograph with the square that one unit in the middle of {network.title} sees, layer by layer."
    square = {"fill": "#ffffff", "fill-opacity": 0.25, "stroke": "#ff2d95", "stroke-width": 3}
    svg = tag(
        "svg",
        tag("image", href=data, width=side, height=side),
        tag("rect", **rows[at]["rect"], **square),
        viewBox=f"0 0 {side} {side}",
        role="img",
        aria_label=alt,
        style="width:100%",
    )
    seen_as = f"{side}×{side}, brightness {photo.mean():.2f}"  # what a test compares of the photograph
    return explorer(
        svg + credit_line(photo), rows, start=at, label="layer", move=_MOVE, width="26em", data_photo=seen_as
    )
