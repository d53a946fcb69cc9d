"""Operations as data, and their words."""

import pytest
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.efficientnet import MBConv, StochasticDepth
from casestudies_lib.figures import draw
from casestudies_lib.lenet import C3_TABLE, RBFOutput, ScaledTanh, SparseConv2d, Subsampling
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.measure.op import Family, Op, op_of
from casestudies_lib.mobilenet import DepthwiseSeparable
from casestudies_lib.resnet import ResidualBlock


class Doubled(nn.Conv2d):
    """A convolution of one's own is still one."""


@pytest.mark.parametrize(
    ("module", "family", "words"),
    [
        (nn.Conv2d(3, 96, 11, stride=4), "conv", "conv 11×11, stride 4"),
        (nn.Conv2d(4, 6, 5, groups=2), "conv", "conv 5×5, 2 groups"),
        (nn.Conv2d(4, 6, 5, 2, groups=2), "conv", "conv 5×5, stride 2, 2 groups"),
        (nn.Conv2d(1, 6, 5), "conv", "conv 5×5"),
        (nn.Conv2d(4, 8, 3, stride=2, groups=4), "conv", "depthwise conv 3×3, stride 2"),
        (Doubled(1, 1, 1), "conv", "conv 1×1"),
        (SparseConv2d(C3_TABLE, 5), "conv", "sparse conv 5×5"),
        (DepthwiseSeparable(4, 8), "conv", "separable conv 3×3"),
        (DepthwiseSeparable(4, 8, stride=2), "conv", "separable conv 3×3, stride 2"),
        (nn.MaxPool2d(3, 2), "pool", "max pool 3×3, stride 2"),
        (nn.AvgPool2d(3, 1), "pool", "average pool 3×3"),
        (Subsampling(6), "pool", "trainable pool 2×2, stride 2"),
        (nn.AdaptiveAvgPool2d(1), "pool", "global average pool"),
        (nn.AdaptiveAvgPool2d((6, 6)), "adaptive pool", "adaptive average"),
        (nn.Linear(4, 2), "fully connected", "fully connected"),
        (RBFOutput(), "output", "RBF output"),
        (nn.BatchNorm2d(4), "normalisation", "BatchNorm2d"),
        (nn.GroupNorm(2, 4), "normalisation", "GroupNorm"),
        (nn.LocalResponseNorm(5), "normalisation", "LRN"),
        (nn.ReLU6(), "activation", "ReLU6"),
        (ScaledTanh(), "activation", "ScaledTanh"),
        (nn.Dropout(), "dropout", "Dropout"),
        (StochasticDepth(0.1), "dropout", "stochastic depth"),
        (nn.Flatten(), "flatten", "Flatten"),
        (SqueezeExcitation(8, 2), "gate", "squeeze-excitation"),
        (MBConv(8, 8, expand_ratio=6, kernel_size=5, stride=1), "block", "MBConv block"),
        (ResidualBlock(8, 8), "block", "residual block"),
        (nn.PixelShuffle(2), "other", "PixelShuffle"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_families_and_words(module, family, words):
    op = op_of(module)
    assert (op.family, str(op), f"{op}") == (family, words, words)


def test_sizes_are_numbers():
    assert op_of(nn.Conv2d(4, 8, 3, stride=2, groups=4)) == Op(Family.CONV, "conv", 3, 2, 4, depthwise=True)
    assert op_of(nn.MaxPool2d((2, 2))) == Op(Family.POOL, "max pool", 2, 2)
    assert op_of(nn.AdaptiveAvgPool2d((1, 1))).is_global_pool and not op_of(nn.AvgPool2d(7)).is_global_pool
    with pytest.raises(ValueError, match=r"expected a square window, got \(7, 1\)"):
        op_of(nn.Conv2d(1, 1, (7, 1)))


def test_a_module_of_an_unknown_class_is_called_as_it_says():
    class Big(nn.Module):
        kind = "a big network"

    class Late(ResidualBlock):
        """A subclass is what its nearest known class is."""

    assert op_of(Big()) == Op(Family.OTHER, "a big network")
    assert op_of(Late(4, 4)) == Op(Family.BLOCK, "residual block")


@pytest.mark.parametrize("name", ["lenet5_1998", "alexnet_2012", "googlenet"])
def test_nothing_goes_by_the_words(name, monkeypatch):
    """Replaced words change neither what is counted nor what is drawn."""

    def shapes(found):
        return BeautifulSoup(draw(found).data, "html.parser").find_all("svg")

    before = anatomy(name)
    drawn = shapes(before)
    monkeypatch.setattr(Op, "__str__", lambda op: "conv pool BatchNorm2d, 2 groups")
    after = anatomy(name)
    assert (after.rows, after.weight_layers) == (before.rows, before.weight_layers)
    assert shapes(after) == drawn
