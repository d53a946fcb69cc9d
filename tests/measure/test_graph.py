"""What reads what: change the forward pass and the steps change."""

import pytest
import torch
from torch import nn

from casestudies_lib.alexnet import alexnet
from casestudies_lib.measure.graph import main_path, shortcuts, wiring
from casestudies_lib.resnet import ResidualBlock, cifar_plain, cifar_resnet, plain, resnet

SHAPE = (8, 6, 6)


def test_steps_of_a_residual_block():
    nodes = wiring(ResidualBlock(8, 8), SHAPE)
    assert main_path(nodes) == ["a", "conv1", "bn1", "relu1", "conv2", "bn2", "add", "relu2"]
    [around] = shortcuts(nodes)
    assert (around.start, around.end, around.through) == ("a", "add", ())
    assert all(node.shape == SHAPE for node in nodes.values())


@pytest.mark.parametrize(
    ("network", "count", "changing"),
    [
        (lambda: plain(34), 0, 0),
        (lambda: cifar_plain(20), 0, 0),
        (lambda: resnet(34), 16, 3),
        (lambda: resnet(34, shortcut="A"), 16, 3),
        (lambda: resnet(34, shortcut="C"), 16, 16),
        (lambda: resnet(50), 16, 4),
        (lambda: cifar_resnet(20), 9, 2),
        (lambda: cifar_resnet(20, preactivation=True), 9, 2),
    ],
)
def test_shortcuts_of_whole_networks(network, count, changing):
    with torch.device("meta"):
        built = network()
    found = shortcuts(wiring(built[:], built.expects.shape))
    assert (len(found), sum(bool(s.through) for s in found)) == (count, changing)


def test_a_forward_pass_that_looks_at_its_data_is_refused():
    class Choosy(nn.Module):
        def forward(self, x):
            return x.relu() if x.sum() > 0 else x

    with pytest.raises(ValueError, match=r"expected a Choosy .*got one that does .*: pass a part of it"):
        wiring(Choosy(), SHAPE)


def test_a_networks_check_is_no_step():
    network = alexnet()
    assert list(wiring(network, (3, 227, 227)))[1:] == list(wiring(network[:], (3, 227, 227)))[1:]
    assert type(network.expects).__name__ == "ImageSpec", "the live one still checks"


def test_the_live_module_is_untouched():
    block = ResidualBlock(8, 8).train()
    before = {key: value.clone() for key, value in block.state_dict().items()}
    assert wiring(block, SHAPE)["conv1"].module is block.conv1 and block.training
    assert all(torch.equal(value, before[key]) for key, value in block.state_dict().items())


@pytest.mark.parametrize(
    "add",
    [lambda a, b: a + b, torch.add, lambda a, b: a.add(b), lambda a, b: b.add_(a)],
    ids=["+", "add", ".add", ".add_"],
)
def test_every_way_to_write_an_addition_is_one(add):
    class Adds(ResidualBlock):
        def forward(self, a):
            return add(a, self.main_path(a))

    assert len(shortcuts(wiring(Adds(8, 8), SHAPE))) == 1
