import os
from pathlib import Path

import pytest
import sklearn.datasets
import torch
from torch import nn

from casestudies_lib.data import PHOTOGRAPHS, Split, credit_of, digits, photograph
from casestudies_lib.lenet import lenet5
from casestudies_lib.training import error, one_thread, predict, train


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


def test_training_learns_repeats_and_leaves_the_world_alone():
    training, _ = digits(size=32)
    some = Split(training.images[:200], training.labels[:200])
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, losses = train(lenet5, some, seed=3, epochs=4)
    second, _ = train(lenet5, some, seed=3, epochs=4)
    other, _ = train(lenet5, some, seed=4, epochs=4)
    assert torch.equal(first.C1.weight, second.C1.weight) and not torch.equal(first.C1.weight, other.C1.weight)
    assert torch.equal(state, torch.get_rng_state()) and threads == torch.get_num_threads()
    assert len(losses) == 4 and losses[-1] < losses[0] / 2 and not first.training
    assert error(first, some) < 0.3
    with pytest.raises(ValueError, match="expected epochs"):
        train(lenet5, some, seed=0, epochs=0)
    with pytest.raises(ValueError, match="expected batch"):
        train(lenet5, some, seed=0, epochs=1, batch=0)


def test_error_counts_and_predict_evaluates():
    class Constant(nn.Module):
        def forward(self, x):
            assert not self.training
            return torch.tensor([[0.0, 1.0, 0.0]]).repeat(len(x), 1)

    images = torch.zeros(1200, 1, 2, 2)
    assert error(Constant().train(), Split(images, torch.arange(1200) % 3)) == pytest.approx(2 / 3)
    assert predict(Constant(), images).shape == (1200, 3)


@pytest.mark.parametrize("fails", [False, True])
def test_one_thread_is_handed_back(fails):
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, os.cpu_count()))
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert torch.get_num_threads() == min(2, os.cpu_count())
    torch.set_num_threads(before)
