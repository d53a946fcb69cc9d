from pathlib import Path

import pytest
import sklearn.datasets
import torch

from casestudies_lib.training.datasets import PHOTOGRAPHS, credit_of, digits, photograph


def test_digits_are_real_split_once_and_standardised():
    training, testing = digits(size=8)
    assert training.images.shape == (1400, 1, 8, 8) and testing.images.shape == (397, 1, 8, 8)
    assert training.images.mean().abs() < 1e-5 and abs(training.images.std() - 1) < 1e-5
    everything = torch.cat([training.images, testing.images]).flatten(1)
    assert len(everything.unique(dim=0)) == 1797
    assert torch.equal(digits(size=8)[1].labels, testing.labels)
    assert digits()[0].images.shape == (1400, 1, 32, 32)
    assert set(training.labels.tolist()) == set(range(10)) == set(testing.labels.tolist())


def test_photographs():
    for name in PHOTOGRAPHS:
        photo = photograph(name, size=64)
        assert photo.shape == (1, 3, 64, 64) and 0 <= photo.min() < 0.1 and 0.9 < photo.max() <= 1
    with pytest.raises(ValueError, match="one of 'china', 'flower', got 'cat'"):
        photograph("cat")
    for function in (digits, photograph):
        with pytest.raises(ValueError, match="expected size"):
            function(size=0)


def test_photographs_are_known_by_their_pixels():
    for name, credit in PHOTOGRAPHS.items():
        assert credit_of(photograph(name, 48)) == credit_of(photograph(name, 48).double()) == credit
        assert credit_of(photograph(name, 48) * 0.5) is None
    assert credit_of(torch.zeros(1, 3, 48, 48)) is None


def test_credits_are_those_of_scikit_learns_own_readme():
    """It names both pictures' licence and address; the licence's version stands in the address."""
    words = (Path(sklearn.datasets.__file__).parent / "images" / "README.txt").read_text()
    for name, part in zip(PHOTOGRAPHS, words.split("Image: ")[1:], strict=True):
        credit = PHOTOGRAPHS[name]
        assert part.startswith(f"{name}.jpg")
        assert f"{credit.source}sizes/" in part and credit.licence_url in part
        assert f"flickr.com/photos/{credit.photographer}/" in part
        assert credit.licence == f"CC BY {credit.licence_url.rstrip('/').rpartition('/')[2]}"
