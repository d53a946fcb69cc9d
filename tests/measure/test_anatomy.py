import pytest
import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from casestudies_lib.checks import ImageSpec
from casestudies_lib.measure.anatomy import _macs, anatomy, written
from casestudies_lib.models import MODELS
from casestudies_lib.network import Network


@pytest.mark.parametrize(
    "name",
    [
        "lenet5",
        "lenet5_1998",
        "alexnet_2012",
        "alexnet_torchvision",
        "vgg16_c",
        "resnet50",
        "nin_cifar10",
        "googlenet",
        "mobilenet_v3_small",
        "efficientnet_b0",
        "efficientnet_lite0",
    ],
)
def test_macs_are_half_of_what_torch_counts(name):
    with torch.device("meta"):
        network = MODELS[name]().eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, *network.expects.shape))
    assert 2 * anatomy(name).macs == counter.get_total_flops()


def test_macs_of_a_layer_are_those_of_one_image_of_a_batch():
    several = torch.zeros(3, 5, 7)  # images of five vectors
    assert _macs(nn.Linear(7, 2), nn.Linear(7, 2)(several)) == 5 * 7 * 2
    conv = nn.Conv2d(2, 4, 3)
    assert _macs(conv, conv(torch.zeros(3, 2, 8, 9))) == 6 * 7 * 4 * 2 * 3 * 3


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "mobilenet_v3_small", "efficientnet_lite0"])
def test_layers_and_their_outputs_are_those_that_torchinfo_finds(name):
    with torch.device("meta"):
        network = MODELS[name]()
    found = torchinfo.summary(network, (1, *network.expects.shape), device="meta", mode="eval", depth=99, verbose=0)
    theirs = [(info.module, tuple(info.output_size[1:])) for info in found.summary_list if info.is_leaf_layer]
    assert [(layer.module, layer.shape) for layer in anatomy(network).layers] == theirs


@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v2", "mobilenet_v3_small"])
def test_a_network_without_numbers_has_the_anatomy_of_one_with_numbers(name):
    assert anatomy(name) == anatomy(MODELS[name]())


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(1, 2, 5, padding=2), nn.Conv2d(1, 2, 1)

    def forward(self, x):
        return torch.cat(tensors=[self.narrow(x) + self.wide(x), self.narrow(x)], dim=1)


def test_a_branch_sees_what_its_widest_input_sees_and_a_shared_layer_counts_once():
    network = Network("branches", ImageSpec(1, 16), {"sum": Branches(), "after": nn.Conv2d(4, 1, 3, padding=1)})
    found = [(x.name, x.parameters, x.receptive_field) for x in anatomy(network).layers]
    assert found == [("sum.narrow", 4, 1), ("sum.wide", 52, 5), ("sum.narrow", 0, 1), ("after", 37, 7)]
    assert anatomy(network).parameters == sum(p.numel() for p in network.parameters())


def test_a_linear_layer_at_every_position_costs_as_much_as_a_1x1_convolution():
    class Pointwise(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, x):
            return self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    dense, conv = ({"l": nn.Conv2d(1, 4, 1), "p": p} for p in (Pointwise(), nn.Conv2d(4, 3, 1)))
    assert anatomy(Network("a", ImageSpec(1, 8), dense)).macs == anatomy(Network("b", ImageSpec(1, 8), conv)).macs


def test_what_would_be_counted_wrong_is_refused():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.conv = nn.Parameter(torch.ones(1)), nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return self.scale * self.conv(x)

    with pytest.raises(ValueError, match=r"got \['s.scale'\] outside: set one_row"):
        anatomy(Network("scaled", ImageSpec(1, 8), {"s": Scaled()}))
    with pytest.raises(ValueError, match="got a Sequential: wrap its layers"):
        anatomy(nn.Sequential(nn.Conv2d(1, 1, 3)))


def test_double_precision_networks_are_taken_apart_too():
    assert str(anatomy(MODELS["lenet5"]().double())) == str(anatomy("lenet5"))


def test_anatomy_leaves_the_network_as_it_was():
    network = MODELS["lenet5"]().train()
    network.S2.eval()  # part of it, as whoever freezes a part does
    before = {name: value.clone() for name, value in network.state_dict().items()}
    anatomy(network)
    assert network.training and network.C1.training and not network.S2.training and not network.C1._forward_hooks
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_tables_and_lookups():
    vgg = anatomy("vgg16")
    assert "conv5_3 conv 3×3 14×14×512 2,359,808 462,422,016 196" in " ".join(str(vgg).split())
    aligned = "\nconv1_1 conv 3×3               224×224×64        1,792    86,704,128    3\n"
    assert aligned in str(anatomy("vgg11"))  # words to the left, counts to the right
    assert "138,357,544" in vgg._repr_html_() and 'aria-label="VGG-16, layer by layer"' in vgg._repr_html_()
    assert written((512, 7, 7)) == "7×7×512" and written((10,)) == "10"
    with pytest.raises(ValueError, match="did you mean conv5_3"):
        vgg["conv5_33"]
    with pytest.raises(ValueError, match="did you mean vgg19"):
        anatomy("vgg1")


class Functional(nn.Module):
    """A convolution that no `nn.Conv2d` makes."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 1, 3, 3))

    def forward(self, x):
        return nn.functional.conv2d(x, self.weight)


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d(1, 4, 3), Functional()])
def test_a_layer_whose_multiplications_are_not_counted_is_refused(layer):
    with pytest.raises(ValueError, match=rf"of Conv2d and Linear, got a {type(layer).__name__}: build it of these"):
        anatomy(Network("test", ImageSpec(1, 8), {"layer": layer}))


def test_a_subclass_of_a_convolution_is_counted_as_one():
    layer = type("Own", (nn.Conv2d,), {})(1, 4, 3)
    assert anatomy(Network("test", ImageSpec(1, 8), {"layer": layer})).macs == 4 * 9 * 36
