"""Training images made over, so that a network sees more of them than there are."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from casestudies_lib.checks import checked, image_batch


@checked(reach=range(1_000))
def shifted(
    images: torch.Tensor,
    reach: int = 2,
    *,
    fill: float | None = None,
    mirror: bool = False,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Images `(N, C, H, W)`, each shifted along both axes by a whole number of pixels of its own.

    Args:
        images: a float batch.
        reach: how many pixels far at most; each shift from `-reach` to `reach` is as likely.
        fill: what comes in from outside; the pixel at the edge, repeated, unless given.
        mirror: whether about half of the images are mirrored too, left to right.
        generator: where the random numbers come from; torch's own unless given.

    Raises:
        ValueError: a reach below 0.
    """
    image_batch("images", images, values=False)
    n, channels, height, width = images.shape
    around = (reach,) * 4
    padded = F.pad(images, around, mode="replicate") if fill is None else F.pad(images, around, value=fill)
    top, left = torch.randint(0, 2 * reach + 1, (2, n), generator=generator)
    rows = (top[:, None] + torch.arange(height))[:, None, :, None]
    columns = left[:, None] + torch.arange(width)
    if mirror:
        flip = torch.rand(n, generator=generator) < 0.5
        columns = torch.where(flip[:, None], columns.flip(1), columns)
    columns = columns[:, None, None, :]
    which = torch.arange(n)[:, None, None, None]
    channel = torch.arange(channels)[None, :, None, None]
    return padded[tuple(index.to(images.device) for index in (which, channel, rows, columns))]
