"""Receptive fields: what gradients reach, and what later networks need."""

import pytest
import torch
from torch import nn

from casestudies_lib.checks import ImageSpec
from casestudies_lib.efficientnet import MBConv
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.measure.receptive_field import ReceptiveField
from casestudies_lib.network import Network


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


def fields(*layers, side=16):
    names = {f"l{i}": layer for i, layer in enumerate(layers)}
    return [layer.receptive_field for layer in anatomy(Network("test", ImageSpec(1, side), names)).layers]


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class Sums(nn.Module):
    """What is added twice is read again, and a number is no map."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        wide = x + self.conv(x)
        return torch.add(input=torch.add(1, wide) + 1, other=x), x, wide


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
        ([nn.AdaptiveAvgPool2d(10)], [3]),
        ([nn.AdaptiveAvgPool2d(16), nn.Conv2d(1, 1, 3)], [1, 3]),
        ([nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3)], [3, 3, 4, 8]),
    ],
)
def test_receptive_fields_of_what_later_networks_need(layers, wanted):
    assert fields(*layers) == wanted


@pytest.mark.parametrize(("pooled", "wanted"), [(4, 9), (7, 7), (5, 6)])
def test_uneven_windows_are_never_said_to_see_less_than_they_do(pooled, wanted):
    layers = nn.AdaptiveAvgPool2d(pooled), nn.Conv2d(1, 1, 3)
    nn.init.ones_(layers[1].weight)
    image = torch.zeros(1, 1, 10, 10, requires_grad=True)
    reached = []
    for unit in nn.Sequential(*layers)(image)[0, 0, 0]:
        (gradient,) = torch.autograd.grad(unit, image, retain_graph=True)
        reached.append(int((gradient[0, 0].abs().sum(0) > 0).sum()))
    said = fields(*layers, side=10)[-1]
    assert max(reached) <= said == wanted


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


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_a_sum_sees_the_widest_and_leaves_what_it_adds(device):
    x = torch.zeros(1, 1, 8, 8, device=device)
    with torch.no_grad(), ReceptiveField(x) as field:
        total, same, wide = Sums().to(device)(x)
    assert [field.seen[one].size for one in (total, same, wide)] == [3, 1, 3]
    assert total.shape == x.shape
    with torch.no_grad(), ReceptiveField(x):
        assert ((x > 0) + x).dtype == x.dtype
