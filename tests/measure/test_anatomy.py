import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from casestudies_lib.checks import ImageSpec
from casestudies_lib.efficientnet import MBConv
from casestudies_lib.measure.anatomy import anatomy, kind_of, written
from casestudies_lib.models import MODELS
from casestudies_lib.network import Network


@pytest.mark.parametrize(
    "name", ["lenet5", "lenet5_1998", "alexnet", "alexnet_2012", "alexnet_torchvision", "vgg16_c", "vgg19"]
)
def test_macs_are_half_of_what_torch_counts(name):
    with torch.device("meta"):
        network = MODELS[name]().eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, *network.expects.shape))
    assert 2 * anatomy(name).macs == counter.get_total_flops()


@pytest.mark.parametrize("name", ["lenet5", "alexnet_2012", "vgg16_c"])
def test_receptive_fields_are_what_gradients_reach(name):
    """Every window made to sum, the gradient of one central unit reaches exactly the receptive field."""
    with torch.device("meta"):
        spatial = [layer for layer in anatomy(name).rows if len(layer.shape) == 3 and layer.shape[1] > 1]
    chain, channels = [], 1
    for layer in spatial:
        m = layer.module
        kernel, stride, padding = (v if isinstance(v, int) else v[0] for v in (m.kernel_size, m.stride, m.padding))
        conv = nn.Conv2d(channels, 1, kernel, stride, padding, bias=False).double()
        nn.init.constant_(conv.weight, 1 / kernel**2)
        chain.append(conv)
        side = 600
        x = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
        y = nn.Sequential(*chain)(x)
        y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
        assert int((x.grad[0, 0].abs().sum(0) > 0).sum()) == layer.receptive_field, layer.name


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(1, 2, 5, padding=2), nn.Conv2d(1, 2, 1)

    def forward(self, x):
        return torch.cat(tensors=[self.narrow(x) + self.wide(x), self.narrow(x)], dim=1)


def fields(*layers, side=16):
    names = {f"l{i}": layer for i, layer in enumerate(layers)}
    return [layer.receptive_field for layer in anatomy(Network("test", ImageSpec(1, side), names)).layers]


def test_a_branch_sees_what_its_widest_input_sees_and_a_shared_layer_counts_once():
    network = Network("branches", ImageSpec(1, 16), {"sum": Branches(), "after": nn.Conv2d(4, 1, 3, padding=1)})
    found = [(x.name, x.parameters, x.receptive_field) for x in anatomy(network).layers]
    assert found == [("sum.narrow", 4, 1), ("sum.wide", 52, 5), ("sum.narrow", 0, 1), ("after", 37, 7)]
    assert anatomy(network).parameters == sum(p.numel() for p in network.parameters())


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class Chunk(nn.Module):
    def forward(self, x):
        return x.chunk(2, dim=1)[1]


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        ([nn.Conv2d(1, 1, 3, dilation=2)], [5]),
        ([nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 1, 1)], [3, 16, 16]),
        ([nn.Conv2d(1, 1, 3), Mean(), nn.Linear(1, 2)], [3, 16, 16]),
        ([nn.Conv2d(1, 2, 3), Chunk(), nn.Conv2d(1, 1, 3)], [3, 3, 5]),
        ([nn.AdaptiveAvgPool2d(8), nn.Conv2d(1, 1, 3)], [2, 6]),
        ([nn.AdaptiveAvgPool2d(16), nn.Conv2d(1, 1, 3)], [1, 3]),
        ([nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3)], [3, 3, 4, 8]),
    ],
)
def test_receptive_fields_of_what_later_networks_need(layers, wanted):
    assert fields(*layers) == wanted


class AddsItsAverage(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return x + self.pool(x)


def test_a_gate_says_how_much_not_what():
    """The windows of an MBConv block decide what a unit sees, though its gate averages the whole image."""
    for stride, wanted in ((1, 5), (2, 5)):
        block = MBConv(8, 8, expand_ratio=6, kernel_size=5, stride=stride)
        found = anatomy(Network("x", ImageSpec(8, 32), {"block": block}))
        assert found.layers[-1].receptive_field == wanted
    added = anatomy(Network("x", ImageSpec(8, 32), {"block": AddsItsAverage(), "last": nn.Conv2d(8, 8, 3)}))
    assert added.layers[-1].receptive_field > 32, "an average that is added says what"
    averaged = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1))
    assert anatomy(Network("x", ImageSpec(8, 32), {"all": averaged})).layers[-1].receptive_field == 32


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
    with pytest.raises(ValueError, match=r"expected a square window, got \(7, 1\)"):
        kind_of(nn.Conv2d(1, 1, (7, 1)))


def test_double_precision_networks_are_taken_apart_too():
    assert str(anatomy(MODELS["lenet5"]().double())) == str(anatomy("lenet5"))


def test_anatomy_leaves_the_network_as_it_was():
    network = MODELS["lenet5"]().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    anatomy(network)
    assert network.training and not network.C1._forward_hooks
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
