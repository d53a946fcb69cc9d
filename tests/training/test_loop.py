"""The short training loop."""

import os

import pytest
import torch
from torch import nn

from casestudies_lib.lenet import lenet5
from casestudies_lib.training.augmentation import shifted
from casestudies_lib.training.datasets import Split, digits
from casestudies_lib.training.loop import error, one_thread, predict, train


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
    with pytest.raises(ValueError, match="expected batch_size"):
        train(lenet5, some, seed=0, epochs=1, batch_size=0)


def test_each_step_learns_from_images_made_over():
    training, _ = digits(size=32)
    some = Split(training.images[:120], training.labels[:120])
    sizes = []

    def negative(images):
        sizes.append(len(images))
        return -images

    first, _ = train(lenet5, some, seed=3, epochs=2, augment=negative)
    second, _ = train(lenet5, some._replace(images=-some.images), seed=3, epochs=2)
    plain, _ = train(lenet5, some, seed=3, epochs=2)
    assert torch.equal(first.C1.weight, second.C1.weight) and not torch.equal(first.C1.weight, plain.C1.weight)
    assert sizes == [50, 50, 20] * 2
    once, again = (train(lenet5, some, seed=3, epochs=1, augment=shifted)[0] for _ in range(2))
    assert torch.equal(once.C1.weight, again.C1.weight), "the shifts do not come from the seed"


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


def test_one_layer_learns_from_what_a_network_makes_of_images():
    features = Split(torch.eye(3).repeat(20, 1), torch.arange(3).repeat(20))
    network, _ = train(lambda: nn.Linear(3, 3), features, seed=0, epochs=20, lr=0.1)
    assert error(network, features) == 0
