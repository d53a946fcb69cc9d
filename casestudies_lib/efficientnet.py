"""EfficientNets: one network, found by search, the rule that makes seven larger ones of it, and one for phones.

Tan, Le: EfficientNet: Rethinking model scaling for convolutional neural networks, ICML 2019 (arXiv:1905.11946), Table 1
and section 3; the sizes of B1 to B7 are those of the authors' code. Lite0 is in no paper: it comes from TensorFlow's
release of EfficientNet-Lite, March 2020 (tensorflow/tpu, models/official/efficientnet/lite).

| variant   | width | depth | resolution | parameters |
| --------- | ----- | ----- | ---------- | ---------- |
| `"b0"`    | 1.0   | 1.0   | 224        | 5,288,548  |
| `"b1"`    | 1.0   | 1.1   | 240        | 7,794,184  |
| `"b2"`    | 1.1   | 1.2   | 260        | 9,109,994  |
| `"b3"`    | 1.2   | 1.4   | 300        | 12,233,232 |
| `"b4"`    | 1.4   | 1.8   | 380        | 19,341,616 |
| `"b5"`    | 1.6   | 2.2   | 456        | 30,389,784 |
| `"b6"`    | 1.8   | 2.6   | 528        | 43,040,704 |
| `"b7"`    | 2.0   | 3.1   | 600        | 66,347,960 |
| `"lite0"` | 1.0   | 1.0   | 224        | 4,652,008  |
"""

from __future__ import annotations

from functools import partial
from math import ceil, floor

import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation, conv_bn, round_channels, set_batch_norm
from casestudies_lib.checks import checked, number_within, one_of, positive_int, positive_number
from casestudies_lib.network import Network, five_strides, he_initialised

# Table 1, B0: expansion, kernel, stride of the first, channels, layers of each stage.
B0 = [
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
]  # fmt: skip
# Width and depth multipliers, resolution, dropout.
SCALES = {
    "b0": (1.0, 1.0, 224, 0.2), "b1": (1.0, 1.1, 240, 0.2), "b2": (1.1, 1.2, 260, 0.3), "b3": (1.2, 1.4, 300, 0.3),
    "b4": (1.4, 1.8, 380, 0.4), "b5": (1.6, 2.2, 456, 0.4), "b6": (1.8, 2.6, 528, 0.5), "b7": (2.0, 3.1, 600, 0.5),
}  # fmt: skip
# Section 4: what one unit of phi multiplies depth, width and resolution by, found by a small grid search.
ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15


class StochasticDepth(nn.Module):
    """In training, replace a whole image's values by 0 with probability `drop`, and scale those that stay.

    `(N, ...)` to the same shape; in evaluation the identity. Huang 2016 drops for a whole batch and scales in
    evaluation instead; EfficientNet's code does as here.

    Raises:
        ValueError: `drop` outside 0 to below 1.
    """

    @checked
    def __init__(self, drop: float) -> None:
        super().__init__()
        if not 0 <= drop < 1:
            raise ValueError(f"expected drop to be a probability from 0 to below 1, got {drop!r}: pass for example 0.2")
        self.drop = drop

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.drop == 0:
            return x
        stays = torch.empty(len(x), *[1] * (x.dim() - 1), dtype=x.dtype, device=x.device).bernoulli_(1 - self.drop)
        return x * stays / (1 - self.drop)


class SameConv2d(nn.Conv2d):
    """A convolution that pads with zeros as TensorFlow's "same" does, and so keeps ceil(H / stride) positions.

    `(N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))`. An even side at stride 2 gets
    (kernel_size - 2) // 2 zeros before and the rest after, one more; PyTorch's networks pad both ends alike.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel_size, stride = self.kernel_size[0], self.stride[0]
        zeros = [kernel_size - 1 - (side - 1) % stride for side in (x.shape[3], x.shape[2])]
        return super().forward(F.pad(x, [part for n in zeros for part in (n // 2, n - n // 2)]))


@checked
def lite_conv(in_channels: int, out_channels: int, kernel_size: int, *, stride: int, groups: int = 1) -> nn.Sequential:
    """`blocks.conv_bn` as EfficientNet-Lite has it, with TensorFlow's padding and ReLU6."""
    conv = SameConv2d(in_channels, out_channels, kernel_size, stride, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU6())


class MBConv(nn.Module):
    """An inverted residual with squeeze-excitation, SiLU and stochastic depth (Tan 2019, Table 1).

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`. The squeeze-excitation's hidden layer has a
    quarter of the *input's* channels, not of the expanded ones. With `lite`, as in EfficientNet-Lite, there is no
    squeeze-excitation, ReLU6 instead of SiLU, and the padding of `SameConv2d`.
    """

    @checked
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expand_ratio: int,
        kernel_size: int,
        stride: int,
        drop: float = 0.0,
        lite: bool = False,
    ) -> None:
        super().__init__()
        wide = in_channels * expand_ratio
        conv = lite_conv if lite else partial(conv_bn, activation=nn.SiLU)
        self.block = nn.Sequential(
            *([conv(in_channels, wide, 1, stride=1)] if expand_ratio != 1 else []),
            conv(wide, wide, kernel_size, stride=stride, groups=wide),
            *([] if lite else [SqueezeExcitation(wide, max(1, in_channels // 4), activation=nn.SiLU)]),
            conv_bn(wide, out_channels, 1, activation=None),
        )
        self.use_res_connect = stride == 1 and in_channels == out_channels
        self.stochastic_depth = StochasticDepth(drop)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.stochastic_depth(self.block(x)) if self.use_res_connect else self.block(x)


@checked
def compound(phi: float) -> dict[str, float]:
    """What the compound rule makes of phi, for `scaled_b0`: depth, width and resolution (section 3.3, eq. 3).

    Depth and width are rounded to nine digits, so that a whole number of layers is not missed by a hair.

    >>> compound(1)
    {'depth_mult': 1.2, 'width_mult': 1.1, 'resolution': 258}
    """
    number_within("phi", phi, -20, 20)
    return {
        "depth_mult": round(ALPHA**phi, 9),
        "width_mult": round(BETA**phi, 9),
        "resolution": floor(224 * GAMMA**phi + 0.5),
    }


@checked
def scaled(width_mult: float, depth_mult: float) -> list[tuple[int, int, int, int, int]]:
    """B0's table with `width_mult` times the channels, rounded to multiples of 8, and `depth_mult` times the layers.

    Layers are rounded up.

    >>> scaled(1.1, 1.2)[1]
    (6, 3, 2, 24, 3)
    """
    positive_number("width_mult", width_mult)
    positive_number("depth_mult", depth_mult)
    return [(t, k, s, round_channels(c * width_mult), ceil(n * depth_mult)) for t, k, s, c, n in B0]


def efficientnet(variant: str, *, classes: int = 1000) -> Network:
    """EfficientNet, Tan 2019: `(N, 3, H, W) -> (N, classes)` logits, H and W at least 33.

    Args:
        variant: `"b0"` to `"b7"`, or `"lite0"`: B0's table without squeeze-excitation, with ReLU6 and TensorFlow's
            padding.
        classes: number of classes.

    Raises:
        ValueError: an unknown variant, classes below 1; in `forward`, anything but a float batch of RGB images of at
            least 33 pixels.

    Differs from the paper: nothing in B0 to B7; batch normalisation's eps and momentum are those of public checkpoints
    (1e-5 and 0.1, from B5 on and in Lite0 1e-3 and 0.01). Lite0 is the release's; it is not in the paper.

    >>> sum(p.numel() for p in efficientnet("b0").parameters())
    5288548
    """
    one_of("variant", variant, [*SCALES, "lite0"])
    positive_int("classes", classes)
    lite = variant == "lite0"
    width_mult, depth_mult, resolution, dropout = SCALES["b0" if lite else variant]
    network = _built(
        f"EfficientNet-{variant.capitalize()}",
        width_mult=width_mult,
        depth_mult=depth_mult,
        resolution=resolution,
        dropout=dropout,
        classes=classes,
        lite=lite,
    )
    if variant in ("b5", "b6", "b7", "lite0"):
        set_batch_norm(network, eps=1e-3, momentum=0.01)
    return network


def scaled_b0(
    *,
    depth_mult: float = 1.0,
    width_mult: float = 1.0,
    resolution: int = 224,
    dropout: float = 0.2,
    classes: int = 1000,
) -> Network:
    """EfficientNet-B0 with other multipliers than B1 to B7: `(N, 3, H, W) -> (N, classes)` logits.

    Args:
        depth_mult: times the layers of each stage, rounded up.
        width_mult: times the channels, rounded to multiples of 8.
        resolution: height and width of the images that it is made for, in pixels; tables use it.
        dropout: share of the averaged channels that training leaves out.
        classes: number of classes.

    Raises:
        ValueError: a multiplier that is not positive, a resolution below 33, classes below 1, a dropout outside 0 to
            1; in `forward` as for `efficientnet`.
    """
    positive_int("resolution", resolution)
    positive_int("classes", classes)
    number_within("dropout", dropout, 0, 1)
    if resolution < 33:
        raise ValueError(f"expected resolution to be at least 33 pixels, got {resolution}: the paper has 224 to 600")
    return _built(
        "B0, scaled",
        width_mult=width_mult,
        depth_mult=depth_mult,
        resolution=resolution,
        dropout=dropout,
        classes=classes,
    )


def _built(
    title: str,
    *,
    width_mult: float,
    depth_mult: float,
    resolution: int,
    dropout: float,
    classes: int,
    lite: bool = False,
) -> Network:
    stages = scaled(width_mult, depth_mult)
    total = sum(layers for *_, layers in stages)
    channels, done = round_channels(32 * width_mult), 0
    conv = lite_conv if lite else partial(conv_bn, activation=nn.SiLU)
    features = [conv(3, channels, 3, stride=2)]
    for expand_ratio, kernel_size, stride, out_channels, layers in stages:
        stage = []
        for place in range(layers):
            drop = 0.2 * done / total
            block = partial(MBConv, expand_ratio=expand_ratio, kernel_size=kernel_size, drop=drop, lite=lite)
            stage.append(block(channels, out_channels, stride=stride if place == 0 else 1))
            channels, done = out_channels, done + 1
        features.append(nn.Sequential(*stage))
    last = 4 * channels
    features.append(conv(channels, last, 1, stride=1))
    chain = {
        "features": nn.Sequential(*features),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "classifier": nn.Sequential(nn.Dropout(dropout), nn.Linear(last, classes)),
    }
    names = {"features.0.0": "stage 1", f"features.{len(features) - 1}.0": f"stage {len(features)}"}
    names["classifier.1"] = "classifier"
    for number, blocks in enumerate(features[1:-1], start=1):
        names |= {f"features.{number}.{place}": f"{number + 1}.{place + 1}" for place in range(len(blocks))}
    return he_initialised(Network(title, five_strides(resolution), chain, names))
