"""What an operation is, as data: counts, drawings and colours go by its family and sizes, only readers by its words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.checks import checked
from casestudies_lib.efficientnet import MBConv, StochasticDepth
from casestudies_lib.inception import Inception, InceptionAux
from casestudies_lib.lenet import RBFOutput, ScaledTanh, SparseConv2d, Subsampling
from casestudies_lib.mobilenet import DepthwiseSeparable, InvertedResidual, MobileNetV3Block
from casestudies_lib.resnet import (
    Bottleneck,
    PlainBlock,
    PreActivationBlock,
    PreActivationBottleneck,
    ResidualBlock,
    ZeroPadding,
)


class Family(StrEnum):
    """What an operation belongs to. A member equals its value, so that a page can write `op.family == "conv"`."""

    INPUT = "input"
    CONV = "conv"
    POOL = "pool"  # of windows, or of the whole map
    ADAPTIVE_POOL = "adaptive pool"  # to a size other than 1×1
    FULLY_CONNECTED = "fully connected"
    OUTPUT = "output"  # a last layer that is no linear map
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    DROPOUT = "dropout"  # in use it does nothing
    FLATTEN = "flatten"
    GATE = "gate"
    ADDITION = "addition"
    CONCATENATION = "concatenation"
    BLOCK = "block"  # several layers in one piece
    OTHER = "other"


@dataclass(frozen=True)
class Op:
    """One operation; `str(op)` has it in words, such as `conv 11×11, stride 4`.

    Attributes:
        family: what counts, drawings and colours go by.
        name: what it is, without sizes: `max pool`, or the class's name where the papers have no word of their own.
        kernel_size: the window's side in pixels; None where there is no window.
        stride: from one window to the next, in pixels.
        groups: parts of the channels that a convolution keeps apart.
        depthwise: whether each channel is a group of its own.
    """

    family: Family
    name: str
    kernel_size: int | None = None
    stride: int = 1
    groups: int = 1
    depthwise: bool = False

    @property
    def is_global_pool(self) -> bool:
        """Whether it makes one number of each map."""
        return self.family is Family.POOL and self.kernel_size is None

    @property
    def title(self) -> str:
        """What it is in words, without sizes: `depthwise conv`."""
        return f"depthwise {self.name}" if self.depthwise else self.name

    @property
    def details(self) -> list[str]:
        """Its stride and groups in words, unless they are 1."""
        stride = [f"stride {self.stride}"] if self.stride > 1 else []
        groups = [f"{self.groups} groups"] if self.groups > 1 and not self.depthwise else []
        return stride + groups

    @property
    def window(self) -> str:
        """Its window, `3×3`, or nothing."""
        return f"{self.kernel_size}×{self.kernel_size}" if self.kernel_size else ""

    def __str__(self) -> str:
        return ", ".join([f"{self.title} {self.window}".rstrip(), *self.details])


# A class of modules -> its family and the papers' word for it; None: the class's own name.
_KNOWN: dict[type[nn.Module], tuple[Family, str | None]] = {
    nn.Conv2d: (Family.CONV, "conv"),
    SparseConv2d: (Family.CONV, "sparse conv"),
    DepthwiseSeparable: (Family.CONV, "separable conv"),
    nn.MaxPool2d: (Family.POOL, "max pool"),
    nn.AvgPool2d: (Family.POOL, "average pool"),
    Subsampling: (Family.POOL, "trainable pool"),
    nn.AdaptiveAvgPool2d: (Family.ADAPTIVE_POOL, "adaptive average"),
    nn.Linear: (Family.FULLY_CONNECTED, "fully connected"),
    RBFOutput: (Family.OUTPUT, "RBF output"),
    nn.LocalResponseNorm: (Family.NORMALISATION, "LRN"),
    nn.Dropout: (Family.DROPOUT, None),
    StochasticDepth: (Family.DROPOUT, "stochastic depth"),
    nn.Flatten: (Family.FLATTEN, None),
    SqueezeExcitation: (Family.GATE, "squeeze-excitation"),
    PlainBlock: (Family.BLOCK, "plain block"),
    ResidualBlock: (Family.BLOCK, "residual block"),
    Bottleneck: (Family.BLOCK, "bottleneck block"),
    PreActivationBlock: (Family.BLOCK, "pre-activation block"),
    PreActivationBottleneck: (Family.BLOCK, "pre-activation bottleneck"),
    Inception: (Family.BLOCK, "Inception module"),
    InceptionAux: (Family.BLOCK, "auxiliary classifier"),
    InvertedResidual: (Family.BLOCK, "inverted residual block"),
    MobileNetV3Block: (Family.BLOCK, "inverted residual block"),
    MBConv: (Family.BLOCK, "MBConv block"),
}
for norm in (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm, nn.LayerNorm):
    _KNOWN[norm] = (Family.NORMALISATION, None)
for activation in (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.Tanh, nn.Sigmoid, nn.Hardsigmoid, ScaledTanh):
    _KNOWN[activation] = (Family.ACTIVATION, None)


@checked
def op_of(module: nn.Module) -> Op:
    """What a module does.

    A subclass is what its nearest known class is. A module of a class that is not known here is called as its attribute
    `kind` says, or else as its class.

    Raises:
        ValueError: a window that is no square.

    >>> str(op_of(nn.Conv2d(3, 96, 11, stride=4)))
    'conv 11×11, stride 4'
    """
    about: Any = module  # its sizes
    family, word = next((_KNOWN[one] for one in type(module).__mro__ if one in _KNOWN), (Family.OTHER, None))
    name = str(word or getattr(about, "kind", type(module).__name__))
    if isinstance(module, nn.AdaptiveAvgPool2d) and square_side(about.output_size) == 1:
        return Op(Family.POOL, "global average pool")
    if isinstance(module, Subsampling):
        return Op(family, name, 2, 2)
    if isinstance(module, DepthwiseSeparable):
        return Op(family, name, 3, square_side(about[0][0].stride))
    if isinstance(module, ZeroPadding):
        return Op(family, name, stride=module.stride)
    if family not in (Family.CONV, Family.POOL):
        return Op(family, name)
    groups = getattr(about, "groups", 1)
    depthwise = groups > 1 and groups == about.in_channels
    kernel_size, stride = square_side(about.kernel_size), square_side(getattr(about, "stride", 1))
    return Op(family, name, kernel_size, stride, groups, depthwise)


def square_side(size: int | tuple[int, ...]) -> int:
    """The side of a square window; other windows are refused, since one number would misstate them."""
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise ValueError(f"expected a square window, got {size}: count its receptive field by hand")
    return sides.pop()
