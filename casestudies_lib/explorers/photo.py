"""A photograph in an explorer: what it must be, how it travels, and whose it is."""

from __future__ import annotations

import base64
import io

import torch
from markupsafe import Markup
from PIL import Image

from casestudies_lib.measure.anatomy import Anatomy
from casestudies_lib.page.html import joined, tag
from casestudies_lib.training.datasets import credit_of


def check_photograph(photo: torch.Tensor, network: Anatomy | None = None) -> None:
    """Refuse what is no square colour photograph with values in [0, 1], or not of the size that a network expects."""
    shape = tuple(photo.shape)
    if network is not None and shape != (1, *network.input_shape):
        raise ValueError(
            f"expected a photograph {(1, *network.input_shape)} for {network.title}, got {shape}: "
            f"load it with photograph(size={network.input_shape[-1]})"
        )
    if len(shape) != 4 or shape[:2] != (1, 3) or shape[2] != shape[3]:
        raise ValueError(f"expected one colour photograph (1, 3, side, side), got {shape}: see photograph()")
    if not photo.is_floating_point() or photo.min() < 0 or photo.max() > 1:
        came = f"{photo.dtype} from {photo.min():g} to {photo.max():g}"
        raise ValueError(f"expected a float photograph with values in [0, 1], got {came}: scale it, see photograph()")


def framed(alt: str, side: int, *inside: object, style: str | None = None) -> Markup:
    """An image of that side, in pixels, and what is drawn over it."""
    return tag("svg", *inside, viewBox=f"0 0 {side} {side}", role="img", aria_label=alt, style=style)


def credit_line(photo: torch.Tensor) -> Markup:
    """The line below a photograph `(1, 3, side, side)` that names photographer, source and licence; else nothing."""
    credit = credit_of(photo)
    if credit is None:
        return joined()
    by = tag("a", credit.photographer, href=credit.source)
    licence = tag("a", credit.licence, href=credit.licence_url)
    return tag("div", "Photograph: ", by, ", ", licence, "; cut and scaled here", class_="credit")


def jpeg(image: torch.Tensor, quality: int = 75, subsampling: str = "4:2:0") -> str:
    """An image `(3, H, W)` with values in [0, 1] as a data URL; "4:4:4" keeps the colours of each pixel apart."""
    data = io.BytesIO()
    pixels = (image.permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality, subsampling=subsampling)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
