"""A photograph in a figure or an explorer: what it must be, how it travels, and whose it is."""

from __future__ import annotations

import base64
import io
from typing import Any

import torch
from markupsafe import Markup
from PIL import Image

from casestudies_lib.measure.anatomy import Anatomy
from casestudies_lib.page.html import joined, tag
from casestudies_lib.training.photographs import credit_of


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
    check_picture(photo)


def check_picture(photo: torch.Tensor) -> None:
    """Refuse what is no colour photograph `(1, 3, H, W)`, of any sides, with values in [0, 1]."""
    if photo.dim() != 4 or photo.shape[:2] != (1, 3) or not photo.numel() or photo.is_meta:
        came = f"{tuple(photo.shape)} on {photo.device}"
        raise ValueError(f"expected one colour photograph (1, 3, H, W), got {came}: see photograph()")
    if not photo.is_floating_point() or not 0 <= photo.min() <= photo.max() <= 1:  # NaN is neither
        came = f"{photo.dtype} from {photo.min():g} to {photo.max():g}"
        raise ValueError(f"expected a float photograph with values in [0, 1], got {came}: scale it, see photograph()")


def framed(alt: str, side: int, *inside: object, style: str | None = None) -> Markup:
    """An image of that side, in pixels, and what is drawn over it."""
    return tag("svg", *inside, viewBox=f"0 0 {side} {side}", role="img", aria_label=alt, style=style)


def credit_line(*photos: torch.Tensor) -> Markup:
    """The line below photographs `(1, 3, side, side)` that names photographers, sources and licences; else nothing."""
    for photo in photos:
        check_picture(photo)
    credits = list(dict.fromkeys(credit for photo in photos if (credit := credit_of(photo))))
    if not credits:
        return joined()
    named: list[object] = []
    for credit in credits:
        by = tag("a", credit.photographer, href=credit.source)
        named += [by, ", ", tag("a", credit.licence, href=credit.licence_url), "; "]
    head = "Photograph: " if len(credits) == 1 else "Photographs: "
    return tag("div", head, *named, "cut and scaled here", class_="credit")


def jpeg(image: torch.Tensor, quality: int = 75, subsampling: str = "4:2:0") -> str:
    """An image `(3, H, W)` with values in [0, 1] as a data URL; "4:4:4" keeps the colours of each pixel apart."""
    return _data_url(image, "jpeg", quality=quality, subsampling=subsampling)


def png(image: torch.Tensor) -> str:
    """An image `(1, H, W)` or `(3, H, W)` with values in [0, 1] as a data URL without loss: for hard edges."""
    return _data_url(image, "png", optimize=True)


def _data_url(image: torch.Tensor, kind: str, **options: Any) -> str:
    data = io.BytesIO()
    pixels = (image.permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels.squeeze(-1) if len(image) == 1 else pixels).save(data, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"
