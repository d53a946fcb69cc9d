"""Real images that need no download: scikit-learn's handwritten digits and its two photographs."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits, load_sample_image

from casestudies_lib.checks import one_of, positive_int


class Split(NamedTuple):
    """Images `(N, C, H, W)`, float32, and labels `(N,)`, int64."""

    images: torch.Tensor
    labels: torch.Tensor


def digits(size: int = 32) -> tuple[Split, Split]:
    """The UCI handwritten digits that ship with scikit-learn: 1,400 to train on and 397 to test on.

    Real scans of 8 x 8 grey values, scaled to `size` pixels, with mean 0 and standard deviation 1 over the
    training images. The split is a fixed permutation.

    Raises:
        ValueError: a size below 1.
    """
    positive_int("size", size, why="32 for LeNet-5 or 8 for the scans as they are")
    raw = load_digits()
    images = torch.as_tensor(raw.images, dtype=torch.float32)[:, None]
    labels = torch.as_tensor(raw.target, dtype=torch.int64)
    if size != images.shape[-1]:
        images = F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    train, test = order[:1400], order[1400:]
    images = (images - images[train].mean()) / images[train].std()
    return Split(images[train], labels[train]), Split(images[test], labels[test])


def photograph(name: str = "china", size: int = 224) -> torch.Tensor:
    """One of scikit-learn's two photographs, cut to its central square: `(1, 3, size, size)`, values in [0, 1].

    Raises:
        ValueError: another name than `china` or `flower`, or a size below 1.
    """
    one_of("the photograph's name", name, ("china", "flower"))
    positive_int("size", size, why="224 for VGG or 227 for AlexNet")
    photo = torch.tensor(load_sample_image(f"{name}.jpg")).permute(2, 0, 1)[None] / 255
    side = min(photo.shape[2:])
    top, left = (photo.shape[2] - side) // 2, (photo.shape[3] - side) // 2
    photo = photo[:, :, top : top + side, left : left + side]
    return F.interpolate(photo, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
