"""Photographs from two packages: what they are as tensors, and whether each is credited as its package says."""

import re
from pathlib import Path

import pytest
import skimage.data
import sklearn.datasets
import torch

from casestudies_lib.training import photographs
from casestudies_lib.training.photographs import FILES, PHOTOGRAPHS, credit_of, photograph

FUNCTIONS = {"cat": "chelsea", "motorcycle": "stereo_motorcycle"}  # of skimage.data, where called otherwise
SCIKIT_LEARN, SCIKIT_IMAGE = ([n for n, f in FILES.items() if f[0] == p] for p in ("scikit-learn", "scikit-image"))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_squares_with_values_between_0_and_1(name):
    photo = photograph(name, size=64)
    assert photo.shape == (1, 3, 64, 64) and photo.dtype == torch.float32
    assert 0 <= photo.min() < 0.4 and 0.6 < photo.max() <= 1 and photo.std() > 0.05  # a ground is nearly even
    grey = torch.equal(photo[:, 0], photo[:, 1]) and torch.equal(photo[:, 0], photo[:, 2])
    assert grey == (name in ("camera", "brick", "grass", "gravel"))


@pytest.mark.parametrize("name", SCIKIT_IMAGE)
def test_a_whole_photograph_is_what_scikit_image_hands_out(name):
    wanted = getattr(skimage.data, FUNCTIONS.get(name, name))()
    wanted = torch.tensor(wanted[0] if name == "motorcycle" else wanted)
    wanted = wanted[..., None].expand(-1, -1, 3) if wanted.dim() == 2 else wanted
    assert torch.equal((photograph(name, None) * 255).round().byte()[0].permute(1, 2, 0), wanted)


@pytest.mark.parametrize("name", SCIKIT_LEARN)
def test_a_whole_photograph_is_what_scikit_learn_hands_out(name):
    wanted = torch.tensor(sklearn.datasets.load_sample_image(f"{name}.jpg"))
    assert torch.equal((photograph(name, None) * 255).round().byte()[0].permute(1, 2, 0), wanted)


@pytest.mark.parametrize(("name", "side", "top", "left"), [("cat", 300, 0, 75), ("astronaut", 512, 0, 0)])
def test_the_square_is_cut_from_the_centre(name, side, top, left):
    whole = photograph(name, None)
    assert torch.equal(photograph(name, side), whole[:, :, top : top + side, left : left + side])


def test_refusals():
    with pytest.raises(ValueError, match=r"one of 'china', 'flower', .* got 'chelsea'"):
        photograph("chelsea")
    with pytest.raises(ValueError, match=r"from 1 to 4,096, got 0: .*224 for VGG or 227 for AlexNet"):
        photograph(size=0)


def test_a_damaged_photograph_is_refused(monkeypatch):
    package, file, checksum = FILES["coffee"]
    other = checksum[:-1] + ("0" if checksum[-1] != "0" else "1")
    monkeypatch.setitem(photographs.FILES, "coffee", (package, file, other))
    photographs._pixels.cache_clear()
    with pytest.raises(ValueError, match="pip install --force-reinstall --no-deps scikit-image"):
        photograph("coffee")


def test_photographs_are_known_by_their_pixels():
    for name, credit in PHOTOGRAPHS.items():
        assert credit_of(photograph(name, 48)) == credit_of(photograph(name, 48).double()) == credit
        assert credit_of(photograph(name, None)) == credit
        assert credit_of(photograph(name, 48) * 0.5) is None
    assert credit_of(torch.zeros(1, 3, 48, 48)) is None


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_every_photograph_has_a_file_and_a_whole_credit(name):
    package, file, checksum = FILES[name]
    assert package in ("scikit-learn", "scikit-image") and re.fullmatch("sha256:[0-9a-f]{64}", checksum)
    assert all(PHOTOGRAPHS[name]) and Path(file).name.count(".") == 1
    assert re.match("https?://", PHOTOGRAPHS[name].source) and re.match("https?://", PHOTOGRAPHS[name].licence_url)
    assert list(FILES) == list(PHOTOGRAPHS)


def test_credits_are_those_of_scikit_learns_own_readme():
    """It names both pictures' licence and address; the licence's version stands in the address."""
    words = (Path(sklearn.datasets.__file__).parent / "images" / "README.txt").read_text()
    for name, part in zip(("china", "flower"), words.split("Image: ")[1:], strict=True):
        credit = PHOTOGRAPHS[name]
        assert part.startswith(f"{name}.jpg")
        assert f"{credit.source}sizes/" in part and credit.licence_url in part
        assert f"flickr.com/photos/{credit.photographer}/" in part
        assert credit.licence == f"CC BY {credit.licence_url.rstrip('/').rpartition('/')[2]}"


@pytest.mark.parametrize("name", SCIKIT_IMAGE)
def test_credits_are_those_of_scikit_images_own_docstrings(name):
    """Each names who made the picture, and CC0, the public domain or the benchmark that it is from."""
    credit, function = PHOTOGRAPHS[name], FUNCTIONS.get(name, name)
    words = " ".join(getattr(skimage.data, function).__doc__.split())
    if name in ("brick", "grass", "gravel"):
        assert credit.licence == "CC0" and "CC0 License" in words
        assert credit.source in words and credit.photographer.lower() in credit.source.lower()
    elif credit.licence.startswith("CC0"):
        assert f"CC0 by the photographer ({credit.photographer})" in words
        assert credit.source.endswith(f"#skimage.data.{function}")
    elif credit.licence == "public domain":
        assert "the public domain" in words and credit.photographer in words and credit.source in words
    else:
        assert "Daniel Scharstein" in words and credit.source in words
    if name == "rocket":
        assert credit.licence_url in words
