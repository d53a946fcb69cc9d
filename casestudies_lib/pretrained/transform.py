"""From a photograph to what a network was trained on: resized, cut to the centre, standardised."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError

Channels = tuple[float, float, float]
# Mean and standard deviation of ImageNet's training images, in [0, 1]: red, green, blue.
IMAGENET: tuple[Channels, Channels] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Transform(NamedTuple):
    """What a checkpoint's publisher does to an image in evaluation; `transform(image)` does it.

    Attributes:
        resize: the shorter side after resizing, in pixels; the other keeps the aspect ratio.
        crop: height and width of the centre that is cut out then, in pixels.
        interpolation: `"bilinear"` or `"bicubic"`, with antialiasing.
        mean: what is subtracted from each channel, values being in [0, 1].
        std: what it is divided by then.
    """

    resize: int = 256
    crop: int = 224
    interpolation: str = "bilinear"
    mean: Channels = IMAGENET[0]
    std: Channels = IMAGENET[1]

    def __call__(self, image: Image.Image | torch.Tensor | Path | str) -> torch.Tensor:
        """`(1, 3, crop, crop)`, float32, standardised.

        Args:
            image: a Pillow image, the path of one, or a tensor `(3, H, W)` or `(1, 3, H, W)` with values in [0, 1]. A
                file is turned as its camera says. Pillow rounds to whole steps of 255 where it resizes, and tensors
                stay as they are, so that the two differ a little.

        Raises:
            ValueError: anything else, or a file that is no image.
            OSError: a file that cannot be read.
        """
        if isinstance(image, torch.Tensor):
            batch = _checked(image)
            size = self._resized(*batch.shape[2:])
            pixels = F.interpolate(batch, size, mode=self.interpolation, align_corners=False, antialias=True)
        else:
            picture = _opened(image).convert("RGB")
            height, width = self._resized(picture.height, picture.width)
            picture = picture.resize((width, height), Image.Resampling[self.interpolation.upper()])
            pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
        top, left = (round((side - self.crop) / 2) for side in pixels.shape[2:])
        pixels = pixels[:, :, top : top + self.crop, left : left + self.crop]
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (pixels - mean) / std

    def from_bytes(self) -> str:
        """Code that standardises a batch `x` of bytes `(N, 3, H, W)`, which are as large as they shall be.

        >>> Transform(mean=(127 / 255,) * 3, std=(128 / 255,) * 3).from_bytes()
        'x.float().sub(127).div(128)'
        """
        mean, std = ([round(255 * value, 3) for value in values] for values in (self.mean, self.std))
        if len({*mean}) == len({*std}) == 1:
            return f"x.float().sub({mean[0]:g}).div({std[0]:g})"
        made = (f"torch.tensor({values})[:, None, None]" for values in (mean, std))
        return "x.float().sub({}).div({})".format(*made)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        short = min(height, width)
        return self.resize * height // short, self.resize * width // short


def _checked(image: torch.Tensor) -> torch.Tensor:
    """A tensor as `(1, 3, H, W)` with values in [0, 1]."""
    wanted = "expected an image as a float tensor (3, H, W) or (1, 3, H, W) with values from 0 to 1"
    shape = tuple(image.shape)
    if shape[:-2] not in ((3,), (1, 3)) or not image.numel():
        batch = len(shape) == 4 and shape[1] == 3
        repair = (
            "pass one image at a time" if batch else "open files with PIL.Image.open, which keeps track of channels"
        )
        raise ValueError(f"{wanted}, got {shape}: {repair}")
    if not image.is_floating_point():
        raise ValueError(f"{wanted}, got {image.dtype}: divide by 255")
    low, high = image.aminmax()
    if not 0 <= low <= high <= 1:
        raise ValueError(
            f"{wanted}, got {low:.3g} to {high:.3g}: pass it before it is standardised, and divide bytes by 255"
        )
    return image.detach().to("cpu", torch.float32).reshape(1, *shape[-3:])


def _opened(image: Image.Image | Path | str) -> Image.Image:
    """A Pillow image itself, or the one in a file, turned as its camera says."""
    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, (str, Path)):
        raise ValueError(
            f"expected an image, the path of one or a tensor, got a {type(image).__name__}: "
            "make an array of bytes an image with PIL.Image.fromarray(array)"
        )
    try:
        with Image.open(image) as opened:
            return ImageOps.exif_transpose(opened)
    except UnidentifiedImageError:
        raise ValueError(f"expected {image} to be an image, got another file: choose a PNG or a JPEG") from None
