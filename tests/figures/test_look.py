"""Labels and colours of operations."""

import pytest
from torch import nn

from casestudies_lib.figures.look import colour_of, label
from casestudies_lib.measure.op import Family, Op, op_of
from casestudies_lib.page.palette import COLOURS
from casestudies_lib.resnet import ZeroPadding


@pytest.mark.parametrize(
    ("module", "short", "long"),
    [
        (nn.Conv2d(3, 64, 7, 2), "7×7 conv, /2", "7×7 conv, 64, /2"),
        (nn.Conv2d(64, 64, 3, groups=64), "3×3 depthwise conv", "3×3 depthwise conv, 64"),
        (nn.Conv2d(64, 64, 3, groups=2), "3×3 conv, 2 groups", "3×3 conv, 64, 2 groups"),
        (nn.MaxPool2d(3, 2), "3×3 max pool, /2", "3×3 max pool, /2"),
        (nn.AdaptiveAvgPool2d(1), "average pool", "average pool"),
        (nn.Linear(8, 64), "fully connected", "fc 64"),
        (nn.BatchNorm2d(64), "batch norm", "batch norm"),
        (ZeroPadding(4, 8, 2), "zero padding, /2", "zero padding, /2"),
        (ZeroPadding(4, 8, 1), "zero padding", "zero padding"),
        (nn.ReLU(), "ReLU", "ReLU"),
    ],
)
def test_labels(module, short, long):
    assert (label(op_of(module)), label(op_of(module), 64)) == (short, long)


def test_every_colour_is_a_familys_and_the_others_are_grey():
    assert set(COLOURS) <= {family.value for family in Family}
    shown = {family: colour_of(Op(family, "x")) for family in Family}
    assert [shown[Family(name)] for name in COLOURS] == list(COLOURS.values())
    assert shown[Family.BLOCK] == COLOURS["conv"] and shown[Family.ADAPTIVE_POOL] == COLOURS["pool"]
    assert shown[Family.ACTIVATION] == shown[Family.OTHER] == COLOURS["input"]
