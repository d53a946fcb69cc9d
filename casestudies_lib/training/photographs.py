"""Real photographs that ship with scikit-learn and scikit-image, and whose they are."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from casestudies_lib.checks import one_of, positive_int
from casestudies_lib.training.datasets import scaled
from casestudies_lib.training.download import packaged


class Credit(NamedTuple):
    """Who took a photograph, and under which licence. Both are named wherever it is shown, also where nobody asks."""

    photographer: str
    source: str
    licence: str
    licence_url: str


_CC_BY = ("CC BY 2.0", "https://creativecommons.org/licenses/by/2.0/")
_CC0 = ("CC0", "https://creativecommons.org/publicdomain/zero/1.0/")
# scikit-learn's are from its `datasets/images/README.txt`, which names danielbuechele under the flower as well, but the
# address that it gives there is vultilion's. scikit-image's are from the docstrings of `skimage.data`; where these give
# no address of a source or of a licence, it is that of the docstring itself, of NASA's and of Middlebury's own terms.
_DOCSTRING = "https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data."
PHOTOGRAPHS = {
    "china": Credit("danielbuechele", "https://www.flickr.com/photos/danielbuechele/6061409035/", *_CC_BY),
    "flower": Credit("vultilion", "https://www.flickr.com/photos/vultilion/6056698931/", *_CC_BY),
    "cat": Credit("Stefan van der Walt", f"{_DOCSTRING}chelsea", *_CC0),
    "coffee": Credit("Rachel Michetti", f"{_DOCSTRING}coffee", *_CC0),
    "motorcycle": Credit(
        "D. Scharstein and others, Middlebury College",
        "http://vision.middlebury.edu/stereo/data/scenes2014/",
        "free to use and publish",
        "https://vision.middlebury.edu/stereo/data/",
    ),
    "camera": Credit("Lav Varshney", f"{_DOCSTRING}camera", *_CC0),
    "rocket": Credit(
        "SpaceX",
        "https://www.flickr.com/photos/spacexphotos/16511594820/",
        "public domain",
        "http://arstechnica.com/tech-policy/2015/03/elon-musk-puts-spacex-photos-into-the-public-domain/",
    ),
    "astronaut": Credit(
        "NASA", "https://flic.kr/p/r9qvLn", "public domain", "https://www.nasa.gov/nasa-brand-center/images-and-media/"
    ),
    "brick": Credit("CC0Textures", "https://cc0textures.com/view.php?tex=Bricks25", *_CC0),
    "grass": Credit("linolafett", "https://www.deviantart.com/linolafett/art/Grass-01-434853879", *_CC0),
    "gravel": Credit("CC0Textures", "https://cc0textures.com/view.php?tex=Gravel04", *_CC0),
}
FILES = {
    "china": (
        "scikit-learn",
        "sklearn/datasets/images/china.jpg",
        "sha256:8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ),
    "flower": (
        "scikit-learn",
        "sklearn/datasets/images/flower.jpg",
        "sha256:a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    ),
    "cat": (
        "scikit-image",
        "skimage/data/chelsea.png",
        "sha256:596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    "coffee": (
        "scikit-image",
        "skimage/data/coffee.png",
        "sha256:cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    "motorcycle": (
        "scikit-image",
        "skimage/data/motorcycle_left.png",
        "sha256:db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    ),
    "camera": (
        "scikit-image",
        "skimage/data/camera.png",
        "sha256:b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    ),
    "rocket": (
        "scikit-image",
        "skimage/data/rocket.jpg",
        "sha256:c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
    "astronaut": (
        "scikit-image",
        "skimage/data/astronaut.png",
        "sha256:88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    "brick": (
        "scikit-image",
        "skimage/data/brick.png",
        "sha256:7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    ),
    "grass": (
        "scikit-image",
        "skimage/data/grass.png",
        "sha256:b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    ),
    "gravel": (
        "scikit-image",
        "skimage/data/gravel.png",
        "sha256:c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    ),
}


def photograph(name: str = "china", size: int | None = 224) -> torch.Tensor:
    """A photograph, cut to its central square and scaled: `(1, 3, size, size)`, values in [0, 1].

    They ship with scikit-learn and scikit-image, so that nothing is downloaded. `camera`, `brick`, `grass` and `gravel`
    are grey: their three channels are the same. Name the photographer in `PHOTOGRAPHS` wherever one is shown; the
    explorers do so.

    Args:
        name: one of `PHOTOGRAPHS`.
        size: height and width in pixels; None for the whole photograph as it is, `(1, 3, H, W)`.

    Raises:
        ValueError: another name, a size below 1, or a damaged file.
        ImportError: the package that ships it is not installed.
    """
    one_of("the photograph's name", name, PHOTOGRAPHS)
    photo = torch.tensor(_pixels(name)).permute(2, 0, 1)[None] / 255
    if size is None:
        return photo
    positive_int("size", size, most=4096, why="224 for VGG or 227 for AlexNet")
    side = min(photo.shape[2:])
    top, left = (photo.shape[2] - side) // 2, (photo.shape[3] - side) // 2
    photo = photo[:, :, top : top + side, left : left + side]
    return scaled(photo, size).clamp(0, 1)  # the weights of a mean add up to 1 only to the last digit


@cache
def _pixels(name: str) -> np.ndarray:
    """All of a photograph as bytes `(H, W, 3)`."""
    with Image.open(packaged(*FILES[name])) as image:
        return np.asarray(image.convert("RGB"))


def credit_of(photo: torch.Tensor) -> Credit | None:
    """The credit of an image that `photograph` made, cut or whole; None for any other image."""
    for name, credit in PHOTOGRAPHS.items():
        whole = photograph(name, None)
        same = whole if whole.shape == photo.shape else photograph(name, photo.shape[-1])
        if torch.equal(same.to(photo), photo):
            return credit
    return None
