"""Gradients at the first layer, and blocks whose Jacobian is not what the equation says."""

from functools import partial
from math import isnan

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.checks import ImageSpec
from casestudies_lib.lenet import lenet5
from casestudies_lib.network import Network
from casestudies_lib.resnet import PlainBlock, ResidualBlock, cifar_plain, cifar_resnet
from casestudies_lib.training.datasets import Split, digits
from casestudies_lib.training.gradients import first_gradient, gradients_in_training, jacobian_error, pytorch_default

SMALL = {"width": 4, "in_channels": 1}
IMAGES = digits(8)[0].images[:8]
BATCH = Split(IMAGES, digits(8)[0].labels[:8])


@pytest.mark.parametrize("build", [cifar_plain, cifar_resnet])
def test_first_gradient_is_the_slope_of_the_loss(build):
    """Along its own direction the loss falls by the gradient's norm."""

    def double():
        return build(8, **SMALL).double()

    batch = Split(BATCH.images.double(), BATCH.labels)
    norm = first_gradient(double, batch, seed=3)
    torch.manual_seed(3)
    network = double()
    F.cross_entropy(network(batch.images), batch.labels).backward()
    direction = network.conv1.weight.grad / network.conv1.weight.grad.norm()
    losses = []
    for step in (1e-6, -1e-6):
        with torch.no_grad():
            moved = network.conv1.weight + step * direction
            parameters = {**dict(network.named_parameters()), "conv1.weight": moved}
            logits = torch.func.functional_call(network, parameters, batch.images)
            losses.append(F.cross_entropy(logits, batch.labels).item())
    assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(norm, rel=1e-4)


def test_the_seed_and_the_start_decide():
    build = partial(cifar_plain, 8, batch_norm=False, **SMALL)
    he, again, other = (first_gradient(build, BATCH, seed=seed) for seed in (0, 0, 1))
    assert he == again != other
    assert first_gradient(build, BATCH, seed=0, init=pytorch_default) < he / 10


def test_training_records_every_step_and_leaves_the_random_state_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    norms, losses = gradients_in_training(partial(cifar_resnet, 8, **SMALL), digits(8)[0], seed=0, steps=12)
    assert torch.equal(before, torch.get_rng_state()) and len(norms) == len(losses) == 12
    assert min(norms) > 0 and losses[-1] < losses[0]
    with pytest.raises(ValueError, match="expected steps to be a whole number"):
        gradients_in_training(partial(cifar_resnet, 8, **SMALL), digits(8)[0], seed=0, steps=0)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("build", [cifar_plain, cifar_resnet])
def test_jacobians_are_the_equations(build, batch_norm):
    assert jacobian_error(partial(build, 14, batch_norm=batch_norm, **SMALL), IMAGES, seed=0) < 1e-6


class Half(ResidualBlock):
    def forward(self, a):
        return self.relu2(self.main_path(a) + 0.5 * self.downsample(a))


class Late(ResidualBlock):
    def forward(self, a):
        return self.relu2(self.main_path(a)) + self.downsample(a)


class Secret(PlainBlock):
    def forward(self, a):
        return self.relu2(self.main_path(a) + a)


@pytest.mark.parametrize("wrong", [Half, Late, Secret])
def test_a_block_that_computes_something_else_is_noticed(wrong):
    def build():
        network = (cifar_plain if wrong is Secret else cifar_resnet)(8, **SMALL)
        network.layer1[0] = wrong(4, 4)
        return network

    assert jacobian_error(build, IMAGES, seed=0) > 1e-3


class NotANumber(ResidualBlock):
    def forward(self, a):
        return super().forward(a) * float("nan")


@pytest.mark.parametrize("place", [("layer1", 0), ("layer2", 0), ("layer3", -1)])
def test_a_block_that_computes_nan_is_not_called_exact(place):
    """The first, one that changes dimensions, whose NaN the next blocks get, and the last."""

    def build():
        network = cifar_resnet(14, **SMALL)
        stage, at = place
        old = getattr(network, stage)[at]
        width, channels = old.conv1.weight.shape[:2]
        getattr(network, stage)[at] = NotANumber(channels, width, stride=old.conv1.stride[0], shortcut="A")
        return network

    assert isnan(jacobian_error(build, IMAGES, seed=0))


def test_the_seed_decides_what_is_compared():
    """Same weights and directions for one seed, whatever was drawn before; others for another."""

    def error(seed, before):
        torch.manual_seed(before)
        return jacobian_error(partial(cifar_resnet, 8, **SMALL), IMAGES, seed=seed)

    assert error(0, before=1) == error(0, before=2) != error(1, before=1)


def test_images_of_nan_are_not_called_exact():
    assert isnan(jacobian_error(partial(cifar_resnet, 8, **SMALL), IMAGES * float("nan"), seed=0))


@pytest.mark.parametrize("build", [lenet5, lambda: Network("no block", ImageSpec(1, 32), {"conv": nn.Conv2d(1, 4, 3)})])
def test_a_network_without_blocks_is_refused(build):
    with pytest.raises(ValueError, match="of which one keeps its dimensions, got Network without any"):
        jacobian_error(build, torch.rand(2, 1, 32, 32), seed=0)


def test_a_seed_alone_decides_what_training_and_jacobians_give():
    small, few = partial(cifar_resnet, 8, **SMALL), digits(8)[0]

    def found(seed):
        torch.rand(seed + 3)  # torch's own state, which must not matter
        return gradients_in_training(small, few, seed=seed, steps=3), jacobian_error(small, IMAGES[:2], seed=seed)

    first, again, other = found(0), found(0), found(1)
    assert first == again
    assert first[0] != other[0] and first[1] != other[1]
