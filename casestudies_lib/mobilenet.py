"""MobileNets: convolutions split into a depthwise and a pointwise part, for phones.

Howard et al.: MobileNets, arXiv:1704.04861, 2017, Table 1 (V1); Sandler et al.: MobileNetV2: Inverted residuals and
linear bottlenecks, CVPR 2018 (arXiv:1801.04381), Table 2; Howard et al.: Searching for MobileNetV3, ICCV 2019
(arXiv:1905.02244), Tables 1 and 2.

| network                      | parameters | MACs at 224 pixels |
| ---------------------------- | ---------- | ------------------ |
| `mobilenet_v1()`             | 4,231,976  | 568,740,352        |
| `mobilenet_v2()`             | 3,504,872  | 300,774,272        |
| `mobilenet_v3("small")`      | 2,542,856  | 56,510,400         |
| `mobilenet_v3("large")`      | 5,483,032  | 216,589,760        |
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation, conv_bn, round_channels, set_batch_norm
from casestudies_lib.checks import checked, one_of, positive_int, positive_number
from casestudies_lib.network import Network, five_strides, he_initialised

# V1, Table 1, after the first convolution: (channels out, stride) of each separable block.
V1 = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
# V2, Table 2: expansion t, channels c, repetitions n, stride s of the first.
V2 = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
]  # fmt: skip
# V3, Tables 1 and 2: kernel, expanded size, channels out, squeeze-excitation, nonlinearity, stride.
RE, HS = nn.ReLU, nn.Hardswish
V3 = {
    "large": [
        (3, 16, 16, False, RE, 1), (3, 64, 24, False, RE, 2), (3, 72, 24, False, RE, 1), (5, 72, 40, True, RE, 2),
        (5, 120, 40, True, RE, 1), (5, 120, 40, True, RE, 1), (3, 240, 80, False, HS, 2), (3, 200, 80, False, HS, 1),
        (3, 184, 80, False, HS, 1), (3, 184, 80, False, HS, 1), (3, 480, 112, True, HS, 1), (3, 672, 112, True, HS, 1),
        (5, 672, 160, True, HS, 2), (5, 960, 160, True, HS, 1), (5, 960, 160, True, HS, 1),
    ],
    "small": [
        (3, 16, 16, True, RE, 2), (3, 72, 24, False, RE, 2), (3, 88, 24, False, RE, 1), (5, 96, 40, True, HS, 2),
        (5, 240, 40, True, HS, 1), (5, 240, 40, True, HS, 1), (5, 120, 48, True, HS, 1), (5, 144, 48, True, HS, 1),
        (5, 288, 96, True, HS, 2), (5, 576, 96, True, HS, 1), (5, 576, 96, True, HS, 1),
    ],
}  # fmt: skip


class DepthwiseSeparable(nn.Sequential):
    """A depthwise separable convolution: 3 x 3 in each channel by itself, then 1 x 1 across the channels (V1, Fig. 3).

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`.
    """

    @checked
    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__(
            conv_bn(in_channels, in_channels, 3, stride=stride, groups=in_channels),
            conv_bn(in_channels, out_channels, 1),
        )


class InvertedResidual(nn.Module):
    """Expand by t with 1 x 1, 3 x 3 in each channel, project back with 1 x 1 and no activation (Sandler 2018, Table 1).

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`. Where stride and channels allow it, the input
    is added to the output: the shortcut joins the narrow ends, which the paper calls linear bottlenecks.
    """

    @checked
    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, expand_ratio: int = 6) -> None:
        super().__init__()
        wide = in_channels * expand_ratio
        self.use_res_connect = stride == 1 and in_channels == out_channels
        self.conv = nn.Sequential(
            *([conv_bn(in_channels, wide, 1, activation=nn.ReLU6)] if expand_ratio != 1 else []),
            conv_bn(wide, wide, 3, stride=stride, groups=wide, activation=nn.ReLU6),
            *conv_bn(wide, out_channels, 1, activation=None),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV3Block(nn.Module):
    """An inverted residual with a choice of kernel, squeeze-excitation and nonlinearity (Howard 2019, Fig. 4).

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`. The squeeze-excitation reads the expanded
    channels.
    """

    @checked
    def __init__(
        self,
        in_channels: int,
        expanded: int,
        out_channels: int,
        *,
        kernel_size: int,
        use_se: bool,
        activation: type[nn.Module],
        stride: int,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if expanded != in_channels:
            layers.append(conv_bn(in_channels, expanded, 1, activation=activation))
        layers.append(conv_bn(expanded, expanded, kernel_size, stride=stride, groups=expanded, activation=activation))
        if use_se:
            layers.append(SqueezeExcitation(expanded, round_channels(expanded / 4), gate=nn.Hardsigmoid))
        layers.append(conv_bn(expanded, out_channels, 1, activation=None))
        self.block = nn.Sequential(*layers)
        self.use_res_connect = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.block(x) if self.use_res_connect else self.block(x)


def mobilenet_v1(*, width_mult: float = 1.0, size: int = 224, classes: int = 1000) -> Network:
    """MobileNet, Howard 2017, Table 1: `(N, 3, H, W) -> (N, classes)` logits, H and W at least 33.

    Args:
        width_mult: the width multiplier alpha, from 0.25 to 1 in the paper; every layer has that share of its channels.
        size: the image size that the network is made for, 224 times the resolution multiplier rho; tables use it.
        classes: number of classes.

    Raises:
        ValueError: a width_mult that leaves the first layer without channels, a size below 33, classes below 1; in
            `forward`, anything but a float batch of RGB images of at least 33 pixels.

    Differs from the paper: Table 1 prints stride 2 for the last depthwise layer, which its own output sizes contradict.
    Public checkpoints have ReLU6 where the paper has ReLU, which is used here.

    >>> sum(p.numel() for p in mobilenet_v1().parameters())
    4231976
    """
    positive_int("classes", classes)
    positive_int("size", size)
    if size < 33:
        raise ValueError(f"expected size to be at least 33 pixels, got {size}: the paper has 224, 192, 160 and 128")
    positive_number("width_mult", width_mult)
    if 32 * width_mult < 1:
        raise ValueError(
            f"expected width_mult to leave a channel of 32, got {width_mult!r}: the paper has 1, 0.75, 0.5 and 0.25"
        )
    channels = int(32 * width_mult)
    features = [conv_bn(3, channels, 3, stride=2)]
    for table_channels, stride in V1:
        out_channels = int(table_channels * width_mult)
        features.append(DepthwiseSeparable(channels, out_channels, stride=stride))
        channels = out_channels
    layers = {
        "features": nn.Sequential(*features),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "classifier": nn.Linear(channels, classes),
    }
    title = "MobileNetV1" + (f", width {width_mult:g}" if width_mult != 1 else "")
    names = {"features.0.0": "conv1"} | {f"features.{block}": f"block {block}" for block in range(1, len(features))}
    return he_initialised(Network(title, five_strides(size), layers, names))


def mobilenet_v2(*, width_mult: float = 1.0, classes: int = 1000) -> Network:
    """MobileNetV2, Sandler 2018, Table 2: `(N, 3, H, W) -> (N, classes)` logits, H and W at least 33.

    Args:
        width_mult: the width multiplier; channels are rounded to multiples of 8.
        classes: number of classes.

    Raises:
        ValueError: a width_mult that is not positive, classes below 1; in `forward` as for `mobilenet_v1`.

    Differs from the paper: no convolution before the depthwise one where t is 1, as in the authors' code.

    >>> sum(p.numel() for p in mobilenet_v2().parameters())
    3504872
    """
    positive_int("classes", classes)
    positive_number("width_mult", width_mult)
    channels = round_channels(32 * width_mult)
    features: list[nn.Module] = [conv_bn(3, channels, 3, stride=2, activation=nn.ReLU6)]
    for t, c, n, s in V2:
        out_channels = round_channels(c * width_mult)
        for place in range(n):
            stride = s if place == 0 else 1
            features.append(InvertedResidual(channels, out_channels, stride=stride, expand_ratio=t))
            channels = out_channels
    last = round_channels(1280 * max(1.0, width_mult))
    features.append(conv_bn(channels, last, 1, activation=nn.ReLU6))
    layers = {
        "features": nn.Sequential(*features),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "classifier": nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes)),
    }
    return he_initialised(
        Network("MobileNetV2" + (f", width {width_mult:g}" if width_mult != 1 else ""), five_strides(), layers)
    )


def mobilenet_v3(variant: str, *, classes: int = 1000) -> Network:
    """MobileNetV3, Howard 2019, Tables 1 and 2: `(N, 3, H, W) -> (N, classes)` logits, H and W at least 33.

    Args:
        variant: `"small"` or `"large"`.
        classes: number of classes.

    Raises:
        ValueError: an unknown variant, classes below 1; in `forward` as for `mobilenet_v1`.

    Squeeze-excitation's hidden layer has a quarter of the expanded channels, rounded to a multiple of 8, and batch
    normalisation an eps of 1e-3 and a momentum of 0.01, as public checkpoints expect.

    >>> sum(p.numel() for p in mobilenet_v3("small").parameters())
    2542856
    """
    one_of("variant", variant, V3)
    positive_int("classes", classes)
    channels = 16
    features: list[nn.Module] = [conv_bn(3, channels, 3, stride=2, activation=nn.Hardswish)]
    for kernel_size, expanded, out_channels, use_se, activation, stride in V3[variant]:
        block = partial(MobileNetV3Block, kernel_size=kernel_size, use_se=use_se, activation=activation, stride=stride)
        features.append(block(channels, expanded, out_channels))
        channels = out_channels
    features.append(conv_bn(channels, 6 * channels, 1, activation=nn.Hardswish))
    last = {"small": 1024, "large": 1280}[variant]
    layers = {
        "features": nn.Sequential(*features),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "classifier": nn.Sequential(
            nn.Linear(6 * channels, last), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(last, classes)
        ),
    }
    network = Network(f"MobileNetV3-{variant}", five_strides(), layers)
    set_batch_norm(network, eps=1e-3, momentum=0.01)
    return he_initialised(network)
