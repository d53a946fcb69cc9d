"""Residual networks, and the plain networks that they are compared with.

He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016 (arXiv:1512.03385), Tables 1 and 6;
pre-activation: the same authors, Identity mappings in deep residual networks, ECCV 2016 (arXiv:1603.05027).

| ImageNet   | blocks per stage | parameters, option B | CIFAR      | blocks per stage | parameters, option A |
| ---------- | ---------------- | -------------------- | ---------- | ---------------- | -------------------- |
| ResNet-18  | 2, 2, 2, 2       | 11,689,512           | ResNet-20  | 3, 3, 3          | 269,722              |
| ResNet-34  | 3, 4, 6, 3       | 21,797,672           | ResNet-32  | 5, 5, 5          | 464,154              |
| ResNet-50  | 3, 4, 6, 3       | 25,557,032           | ResNet-44  | 7, 7, 7          | 658,586              |
| ResNet-101 | 3, 4, 23, 3      | 44,549,160           | ResNet-56  | 9, 9, 9          | 853,018              |
| ResNet-152 | 3, 8, 36, 3      | 60,192,808           | ResNet-110 | 18, 18, 18       | 1,727,962            |

The two families are not one network at two sizes: ImageNet's start with a 7 x 7 convolution and a pool and are 64 to
512 channels wide (bottlenecks four times that), CIFAR's start with a 3 x 3 convolution and are 16 to 64 wide.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.checks import ImageSpec, checked, one_of, positive_int, whole_number
from casestudies_lib.network import Network, five_strides, he_initialised

# Table 1: residual blocks in the four stages of 64, 128, 256 and 512 channels.
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
SHORTCUTS = ("A", "B", "C")


class PlainBlock(nn.Module):
    """Two 3 x 3 convolutions with nothing around them.

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`. a[l+2] = g(z[l+2]), where g is ReLU and every
    z is normalised (He 2015, sec. 3.4).
    """

    expansion = 1

    @checked
    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, batch_norm: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=not batch_norm)
        self.bn1 = nn.BatchNorm2d(out_channels) if batch_norm else nn.Identity()
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=not batch_norm)
        self.bn2 = nn.BatchNorm2d(out_channels) if batch_norm else nn.Identity()
        self.relu2 = nn.ReLU()

    def main_path(self, a: torch.Tensor) -> torch.Tensor:
        """z[l+2], what the two layers make of a[l]."""
        a1 = self.relu1(self.bn1(self.conv1(a)))
        return self.bn2(self.conv2(a1))

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return self.relu2(self.main_path(a))


class ResidualBlock(PlainBlock):
    """The same two layers with a shortcut around them: a[l+2] = g(z[l+2] + a[l]) (He 2015, eq. 1 and Fig. 2).

    Where the dimensions change, a[l] goes through W_s, the option `shortcut` of `shortcut_path` (eq. 2).
    """

    @checked
    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, batch_norm: bool = True, shortcut: str = "B"
    ) -> None:
        super().__init__(in_channels, out_channels, stride=stride, batch_norm=batch_norm)
        self.downsample = shortcut_path(shortcut, in_channels, out_channels, stride, batch_norm)

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return self.relu2(self.main_path(a) + self.downsample(a))


def _quarter(out_channels: int) -> int:
    """A bottleneck's width. Raises ValueError: channels that have no quarter."""
    if out_channels % 4:
        repair = f"pass {4 * (out_channels // 4 + 1)}"
        raise ValueError(f"expected out_channels to be a multiple of 4, got {out_channels}: {repair}")
    return out_channels // 4


class Bottleneck(nn.Module):
    """1 x 1 down to a quarter of `out_channels`, 3 x 3, 1 x 1 up again, and a shortcut around the three (Fig. 5).

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`. `stride_in` says which convolution strides:
    `"1x1"`, the first, as in the authors' model files, or `"3x3"`, as in the public checkpoints.
    """

    expansion = 4

    @checked
    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, shortcut: str = "B", stride_in: str = "3x3"
    ) -> None:
        super().__init__()
        one_of("stride_in", stride_in, ("3x3", "1x1"))
        width = _quarter(out_channels)
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu3 = nn.ReLU()
        self.downsample = shortcut_path(shortcut, in_channels, out_channels, stride)

    def main_path(self, a: torch.Tensor) -> torch.Tensor:
        """z[l+3], what the three layers make of a[l]."""
        a1 = self.relu1(self.bn1(self.conv1(a)))
        a2 = self.relu2(self.bn2(self.conv2(a1)))
        return self.bn3(self.conv3(a2))

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return self.relu3(self.main_path(a) + self.downsample(a))


class PreActivationBlock(nn.Module):
    """BN and ReLU before each of two convolutions, and nothing after the addition (He 2016, Fig. 4e).

    x[l+2] = x[l] + F(relu(bn(x[l]))). Where the dimensions change, the shortcut reads relu(bn(x[l])) as well, as in the
    authors' code. `activated` says that the input has been through BN and ReLU already, as in a network's first block,
    where the stem does it (He 2016, appendix): the block then leaves out its own.
    """

    expansion = 1

    @checked
    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, shortcut: str = "B", activated: bool = False
    ) -> None:
        super().__init__()
        self.bn1 = nn.Identity() if activated else nn.BatchNorm2d(in_channels)
        self.relu1 = nn.Identity() if activated else nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.downsample = shortcut_path(shortcut, in_channels, out_channels, stride, batch_norm=False)
        self.same = stride == 1 and in_channels == out_channels

    def main_path(self, active: torch.Tensor) -> torch.Tensor:
        """F, what the layers make of relu(bn(x))."""
        return self.conv2(self.relu2(self.bn2(self.conv1(active))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        active = self.relu1(self.bn1(x))
        return self.main_path(active) + self.downsample(x if self.same else active)


class PreActivationBottleneck(nn.Module):
    """The three convolutions of a bottleneck, each after its BN and ReLU; strides in the 3 x 3, as torchvision's.

    The shortcut and `activated` are those of `PreActivationBlock`.
    """

    expansion = 4

    @checked
    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, shortcut: str = "B", activated: bool = False
    ) -> None:
        super().__init__()
        width = _quarter(out_channels)
        self.bn1 = nn.Identity() if activated else nn.BatchNorm2d(in_channels)
        self.relu1 = nn.Identity() if activated else nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.relu3 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.downsample = shortcut_path(shortcut, in_channels, out_channels, stride, batch_norm=False)
        self.same = stride == 1 and in_channels == out_channels

    def main_path(self, active: torch.Tensor) -> torch.Tensor:
        """F, what the layers make of relu(bn(x))."""
        z = self.conv2(self.relu2(self.bn2(self.conv1(active))))
        return self.conv3(self.relu3(self.bn3(z)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        active = self.relu1(self.bn1(x))
        return self.main_path(active) + self.downsample(x if self.same else active)


class ZeroPadding(nn.Module):
    """Option A: every `stride`-th position, and zeros for the missing channels, half of them on each side.

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`, with nothing to learn.

    Raises:
        ValueError: fewer channels to come than there are.
    """

    @checked
    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        if out_channels < in_channels:
            raise ValueError(
                f'expected out_channels to be at least the {in_channels} channels, got {out_channels}: use shortcut="B"'
            )
        self.stride = stride
        self.front = (out_channels - in_channels) // 2
        self.back = out_channels - in_channels - self.front

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return F.pad(a[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.front, self.back))


@checked
def shortcut_path(option: str, in_channels: int, out_channels: int, stride: int, batch_norm: bool = True) -> nn.Module:
    """What a[l] passes on its way to the addition (He 2015, sec. 3.3 and 4.1).

    Args:
        option: `"A"` pads with zeros where the dimensions change, `"B"` projects there, `"C"` projects everywhere.
        in_channels, out_channels: of a[l] and of the block's output.
        stride: of the block.
        batch_norm: whether a projection is normalised.

    Raises:
        ValueError: another option.
    """
    one_of("shortcut", option, SHORTCUTS)
    same = stride == 1 and in_channels == out_channels
    if same and option != "C":
        return nn.Identity()
    if option == "A":
        return ZeroPadding(in_channels, out_channels, stride)
    projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
    return nn.Sequential(projection, nn.BatchNorm2d(out_channels)) if batch_norm else nn.Sequential(projection)


class ResNet(Network):
    """Stem, stages of blocks, head: `(N, in_channels, H, W) -> (N, classes)` logits.

    Args:
        title: the name that figures and tables print.
        expects: the images that it takes.
        block: the class of block that is stacked.
        counts: blocks in each stage; each stage after the first halves height and width and doubles the channels.
        stem: `"7x7"`, with a pool after it, for ImageNet, or `"3x3"` for small images.
        width: channels of the stem; stage s, from 0, has width * 2**s * expansion output channels.
        in_channels: image channels.
        classes: number of classes.
        options: passed to every block.
    """

    @checked
    def __init__(
        self,
        title: str,
        expects: ImageSpec,
        block: type[PlainBlock | Bottleneck | PreActivationBlock | PreActivationBottleneck],
        counts: tuple[int, ...],
        *,
        stem: str,
        width: int,
        in_channels: int = 3,
        classes: int,
        **options: Any,
    ) -> None:
        super().__init__(title, expects)
        one_of("stem", stem, ("7x7", "3x3"))
        whole_number("the number of stages", len(counts), range(1, 11))
        for count in counts:
            whole_number("blocks in a stage", count, range(1, 1001))
        batch_norm = options.get("batch_norm", True)
        preactivation = block in (PreActivationBlock, PreActivationBottleneck)

        if stem == "7x7":
            self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=not batch_norm)
        else:
            self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=not batch_norm)
        self.bn1 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.relu = nn.ReLU()
        if stem == "7x7":
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)

        channels = width
        for stage, count in enumerate(counts):
            out_channels = width * 2**stage * block.expansion
            blocks = []
            for place in range(count):
                stride = 2 if stage > 0 and place == 0 else 1
                first: dict[str, Any] = {"activated": True} if preactivation and stage == place == 0 else {}
                blocks.append(block(channels, out_channels, stride=stride, **first, **options))
                channels = out_channels
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))

        if preactivation:  # the last block ends in an addition
            self.bn_last = nn.BatchNorm2d(channels)
            self.relu_last = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, classes)
        he_initialised(self)


_IMAGENET = five_strides(
    to="the last stage's 3 x 3",
    repair="use cifar_resnet for small images, or resize with torch.nn.functional.interpolate(x, size=(224, 224))",
)


def resnet(
    depth: int, *, shortcut: str = "B", stride_in: str = "3x3", preactivation: bool = False, classes: int = 1000
) -> Network:
    """ResNet for ImageNet, He 2015, Table 1: `(N, 3, H, W) -> (N, classes)` logits, H and W at least 33.

    Args:
        depth: 18 or 34 (two layers a block), 50, 101 or 152 (bottlenecks); projections do not count.
        shortcut: `"A"` zero padding where dimensions change, `"B"` projection there, `"C"` projection everywhere.
        stride_in: which convolution of a bottleneck strides, `"3x3"` as in public checkpoints, or the paper's `"1x1"`.
        preactivation: BN and ReLU before each convolution, and once more after the last block (He 2016).
        classes: number of classes.

    Raises:
        ValueError: an unknown depth or option, `stride_in="1x1"` where no block has a 1 x 1 to stride in, classes below
            1; in `forward`, anything but a float batch of RGB images of at least 33 pixels.

    Differs from the paper: bottlenecks stride in the 3 x 3 unless told otherwise, as torchvision's checkpoints expect
    (4.1 instead of 3.9 GMACs for ResNet-50, the same parameters).

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in resnet(34).parameters())
    21797672
    """
    one_of("depth", depth, BLOCKS)
    one_of("shortcut", shortcut, SHORTCUTS)
    one_of("stride_in", stride_in, ("3x3", "1x1"))
    one_of("preactivation", preactivation, (True, False))
    blocks = (ResidualBlock, Bottleneck) if not preactivation else (PreActivationBlock, PreActivationBottleneck)
    block = blocks[depth >= 50]
    options: dict[str, Any] = {"shortcut": shortcut}
    if block is Bottleneck:
        options["stride_in"] = stride_in
    elif stride_in == "1x1":
        what = "pre-activation blocks stride" if preactivation else "blocks of depth 18 and 34 stride"
        raise ValueError(f'expected stride_in="3x3", got "1x1": {what} in a 3 x 3; drop the argument')
    title = f"ResNet-{depth}"
    if shortcut != "B":
        title += f", option {shortcut}"
    if preactivation:
        title += ", pre-activation"
    if stride_in == "1x1":
        title += ", stride in the 1×1"
    return ResNet(title, _IMAGENET, block, BLOCKS[depth], stem="7x7", width=64, classes=classes, **options)


def plain(depth: int, *, classes: int = 1000) -> Network:
    """ResNet without its shortcuts, He 2015, sec. 3.3 and Fig. 3: `(N, 3, H, W) -> (N, classes)` logits.

    Args:
        depth: 18 or 34.
        classes: number of classes.

    Raises:
        ValueError: another depth, or classes below 1; in `forward` as for `resnet`.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in plain(34).parameters())
    21623848
    """
    one_of("depth", depth, (18, 34))
    return ResNet(f"plain-{depth}", _IMAGENET, PlainBlock, BLOCKS[depth], stem="7x7", width=64, classes=classes)


def _cifar(depth: int, width: int, in_channels: int, classes: int) -> tuple[tuple[int, int, int], ImageSpec]:
    """`(n, n, n)` blocks in the three stages of a network of 6n + 2 layers, and the images that it takes (sec. 4.2)."""
    positive_int("depth", depth, why="6n + 2, for example depth=20")
    if depth < 8 or depth % 6 != 2:
        below = max(8, depth - (depth - 2) % 6)
        raise ValueError(f"expected depth to be 6n + 2 with n of 1 or more, got {depth}: try {below} or {below + 6}")
    for name, value in {"width": width, "in_channels": in_channels, "classes": classes}.items():
        positive_int(name, value)
    if in_channels not in (1, 3):
        raise ValueError(f"expected in_channels to be 1 (grey) or 3 (RGB), got {in_channels}: convert the images")
    n = (depth - 2) // 6
    return (n, n, n), ImageSpec(
        in_channels,
        32,
        exact=False,
        min_size=5,
        why=_two_strides_leave,
    )


def cifar_resnet(
    depth: int,
    *,
    shortcut: str = "A",
    preactivation: bool = False,
    width: int = 16,
    in_channels: int = 3,
    classes: int = 10,
    batch_norm: bool = True,
) -> Network:
    """ResNet for small images, He 2015, sec. 4.2 and Table 6: `(N, in_channels, H, W) -> (N, classes)` logits.

    Args:
        depth: 6n + 2 layers: 20, 32, 44, 56, 110, 1202 in the paper, 8 or more here; projections do not count.
        shortcut: `"A"` zero padding where dimensions change (the paper's choice here), `"B"` projection there, `"C"`
            projection everywhere.
        preactivation: BN and ReLU before each convolution, and once more after the last block (He 2016).
        width: channels of the first stage; the second and third have two and four times as many.
        in_channels: image channels, 1 (grey) or 3 (RGB).
        classes: number of classes.
        batch_norm: whether batch normalisation follows every convolution; without it convolutions have biases.

    Raises:
        ValueError: a depth that is not 6n + 2, an unknown option, a number below 1, pre-activation without batch norm;
            in `forward`, anything but a float batch of such images of at least 5 pixels.

    Differs from the paper: nothing at the defaults. Zero padding puts half of the zeros on each side of the channels,
    which the paper leaves open and public checkpoints expect.

    >>> sum(p.numel() for p in cifar_resnet(20).parameters())
    269722
    """
    one_of("shortcut", shortcut, SHORTCUTS)
    one_of("preactivation", preactivation, (True, False))
    if preactivation and not batch_norm:
        raise ValueError("expected batch_norm=True with preactivation=True, got False: leave out one of the two")
    counts, expects = _cifar(depth, width, in_channels, classes)
    title = f"ResNet-{depth} for CIFAR"
    if shortcut != "A":
        title += f", option {shortcut}"
    if preactivation:
        title += ", pre-activation"
    title += _variation(width, batch_norm)
    block = PreActivationBlock if preactivation else ResidualBlock
    options: dict[str, Any] = {"shortcut": shortcut} | ({} if preactivation else {"batch_norm": batch_norm})
    size: dict[str, int] = {"width": width, "in_channels": in_channels, "classes": classes}
    return ResNet(title, expects, block, counts, stem="3x3", **size, **options)


def cifar_plain(
    depth: int, *, width: int = 16, in_channels: int = 3, classes: int = 10, batch_norm: bool = True
) -> Network:
    """`cifar_resnet` without its shortcuts: the plain network of He 2015, sec. 4.2; arguments and errors as there.

    >>> sum(p.numel() for p in cifar_plain(20).parameters())
    269722
    """
    counts, expects = _cifar(depth, width, in_channels, classes)
    title = f"plain-{depth} for CIFAR" + _variation(width, batch_norm)
    size = {"width": width, "in_channels": in_channels, "classes": classes}
    return ResNet(title, expects, PlainBlock, counts, stem="3x3", **size, batch_norm=batch_norm)


def _two_strides_leave(height: int, width: int) -> str:
    return f"two strides of 2 leave {-(-height // 4)} x {-(-width // 4)} positions to the last stage's 3 x 3"


def _variation(width: int, batch_norm: bool) -> str:
    """What a title says of a network that is not the paper's."""
    return (f", width {width}" if width != 16 else "") + ("" if batch_norm else ", no batch norm")
