"""Residual networks, and the plain networks that they are compared with.

He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016 (arXiv:1512.03385), Tables 1 and 6;
pre-activation: the same authors, Identity mappings in deep residual networks, ECCV 2016 (arXiv:1603.05027).

| ImageNet   | blocks per stage | parameters, option B |   | CIFAR      | blocks per stage | parameters, option A |
| ---------- | ---------------- | -------------------- | - | ---------- | ---------------- | -------------------- |
| ResNet-18  | 2, 2, 2, 2       | 11,689,512           |   | ResNet-20  | 3, 3, 3          | 269,722              |
| ResNet-34  | 3, 4, 6, 3       | 21,797,672           |   | ResNet-32  | 5, 5, 5          | 464,154              |
| ResNet-50  | 3, 4, 6, 3       | 25,557,032           |   | ResNet-44  | 7, 7, 7          | 658,586              |
| ResNet-101 | 3, 4, 23, 3      | 44,549,160           |   | ResNet-56  | 9, 9, 9          | 853,018              |
| ResNet-152 | 3, 8, 36, 3      | 60,192,808           |   | ResNet-110 | 18, 18, 18       | 1,727,962            |

The two families are not one network at two sizes: ImageNet's start with a 7 x 7 convolution and a pool and are 64 to
512 channels wide (bottlenecks four times that), CIFAR's start with a 3 x 3 convolution and are 16 to 64 wide.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.checks import Images, one_of, positive_int
from casestudies_lib.network import Network, five_strides, he_initialised

# Table 1: residual blocks in the four stages of 64, 128, 256 and 512 channels.
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
SHORTCUTS = ("A", "B", "C")


class PlainBlock(nn.Module):
    """Two 3 x 3 convolutions, nothing around them: `(N, channels, H, W) -> (N, width, H / stride, W / stride)`.

    a[l+2] = g(z[l+2]), where g is ReLU and every z is normalised (He 2015, sec. 3.4).
    """

    expansion = 1
    kind = "plain block"

    def __init__(self, channels: int, width: int, *, stride: int = 1, batch_norm: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=not batch_norm)
        self.bn1 = norm(width, batch_norm)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=not batch_norm)
        self.bn2 = norm(width, batch_norm)
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

    kind = "residual block"

    def __init__(
        self, channels: int, width: int, *, stride: int = 1, batch_norm: bool = True, shortcut: str = "B"
    ) -> None:
        super().__init__(channels, width, stride=stride, batch_norm=batch_norm)
        self.downsample = shortcut_path(shortcut, channels, width, stride, batch_norm)

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return self.relu2(self.main_path(a) + self.downsample(a))


class Bottleneck(nn.Module):
    """1 x 1 down to `width`, 3 x 3, 1 x 1 up to four times `width`, and a shortcut around the three (Fig. 5).

    `stride_in` says which convolution strides: `"1x1"`, the first, as in the authors' model files, or `"3x3"`, as in
    the public checkpoints.
    """

    expansion = 4
    kind = "bottleneck block"

    def __init__(
        self, channels: int, width: int, *, stride: int = 1, shortcut: str = "B", stride_in: str = "3x3"
    ) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        self.conv1 = nn.Conv2d(channels, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu3 = nn.ReLU()
        self.downsample = shortcut_path(shortcut, channels, 4 * width, stride)

    def main_path(self, a: torch.Tensor) -> torch.Tensor:
        """z[l+3], what the three layers make of a[l]."""
        a1 = self.relu1(self.bn1(self.conv1(a)))
        a2 = self.relu2(self.bn2(self.conv2(a1)))
        return self.bn3(self.conv3(a2))

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return self.relu3(self.main_path(a) + self.downsample(a))


class PreActivationBlock(nn.Module):
    """BN and ReLU before each of two convolutions, and nothing after the addition (He 2016, Fig. 4e).

    x[l+2] = x[l] + F(relu(bn(x[l]))). Where `before_split` is true, the shortcut reads relu(bn(x[l])) as well: in a
    network's first block (He 2016, appendix), and where the dimensions change (the authors' code).
    """

    expansion = 1
    kind = "pre-activation block"

    def __init__(self, channels: int, width: int, *, stride: int = 1, shortcut: str = "B") -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.downsample = shortcut_path(shortcut, channels, width, stride, batch_norm=False)
        self.before_split = stride != 1 or channels != width

    def main_path(self, active: torch.Tensor) -> torch.Tensor:
        """F, what the layers make of relu(bn(x))."""
        return self.conv2(self.relu2(self.bn2(self.conv1(active))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        active = self.relu1(self.bn1(x))
        return self.main_path(active) + self.downsample(active if self.before_split else x)


class PreActivationBottleneck(PreActivationBlock):
    """The three convolutions of a bottleneck, each after its BN and ReLU; always strides in the 3 x 3."""

    expansion = 4
    kind = "pre-activation bottleneck"

    def __init__(self, channels: int, width: int, *, stride: int = 1, shortcut: str = "B") -> None:
        super().__init__(channels, 4 * width, stride=stride, shortcut=shortcut)
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.relu3 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)

    def main_path(self, active: torch.Tensor) -> torch.Tensor:
        """F, what the layers make of relu(bn(x))."""
        z = self.conv2(self.relu2(self.bn2(self.conv1(active))))
        return self.conv3(self.relu3(self.bn3(z)))


class ZeroPadding(nn.Module):
    """Option A: every `stride`-th position, and zeros for the missing channels, half of them on each side.

    `(N, channels, H, W) -> (N, width, H / stride, W / stride)`, with nothing to learn.

    Raises:
        ValueError: fewer channels to come than there are.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        if width < channels:
            raise ValueError(f'expected width to be at least the {channels} channels, got {width}: use shortcut="B"')
        self.stride = stride
        self.front = (width - channels) // 2
        self.back = width - channels - self.front

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return F.pad(a[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.front, self.back))


def shortcut_path(option: str, channels: int, width: int, stride: int, batch_norm: bool = True) -> nn.Module:
    """What a[l] passes on its way to the addition (He 2015, sec. 3.3 and 4.1).

    Args:
        option: `"A"` pads with zeros where the dimensions change, `"B"` projects there, `"C"` projects everywhere.
        channels, width: of a[l] and of the block's output.
        stride: of the block.
        batch_norm: whether a projection is normalised.
    """
    same = stride == 1 and channels == width
    if same and option != "C":
        return nn.Identity()
    if option == "A":
        return ZeroPadding(channels, width, stride)
    projection = nn.Conv2d(channels, width, 1, stride, bias=False)
    return nn.Sequential(projection, nn.BatchNorm2d(width)) if batch_norm else nn.Sequential(projection)


def norm(width: int, batch_norm: bool) -> nn.Module:
    """Batch normalisation of `width` channels, or nothing."""
    return nn.BatchNorm2d(width) if batch_norm else nn.Identity()


def layers_of(
    stem: dict[str, nn.Module], block: type[nn.Module], counts: tuple[int, ...], channels: int, classes: int, **options
) -> dict[str, nn.Module]:
    """A network's layers, by the names of public checkpoints: stem, stages, global average pool, classifier.

    Args:
        stem: the layers before the first block, which leave `channels` channels.
        block: the class of block that is stacked.
        counts: blocks in each stage; each stage after the first halves height and width and doubles the channels.
        channels: of the first stage.
        classes: number of classes.
        options: passed to every block.
    """
    layers = dict(stem)
    width = channels
    for stage, count in enumerate(counts, start=1):
        blocks = []
        for place in range(count):
            stride = 2 if stage > 1 and place == 0 else 1
            blocks.append(block(channels, width, stride=stride, **options))
            channels = width * block.expansion
        layers[f"layer{stage}"] = nn.Sequential(*blocks)
        width *= 2
    if issubclass(block, PreActivationBlock):
        layers["layer1"][0].before_split = True
        layers |= {"bn_last": nn.BatchNorm2d(channels), "relu_last": nn.ReLU()}
    return layers | {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(channels, classes)}


def imagenet(title: str, block: type[nn.Module], depth: int, classes: int, **options: object) -> Network:
    """Table 1: 7 x 7 convolution, pool, four stages."""
    stem = {"conv1": nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)}
    if not issubclass(block, PreActivationBlock):
        stem |= {"bn1": nn.BatchNorm2d(64), "relu": nn.ReLU()}
    stem["maxpool"] = nn.MaxPool2d(3, stride=2, padding=1)
    repair = "use cifar_resnet for small images, or resize with torch.nn.functional.interpolate(x, size=(224, 224))"
    expects = five_strides(to="the last stage's 3 x 3", repair=repair)
    return he_initialised(Network(title, expects, layers_of(stem, block, BLOCKS[depth], 64, classes, **options)))


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
    (4.1 instead of 3.9 GMACs for ResNet-50, the same parameters). Pre-activation nets pool right after the 7 x 7
    convolution and leave its BN and ReLU to the first block; the authors' code activates before it pools.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in resnet(34).parameters())
    21797672
    """
    one_of("depth", depth, BLOCKS)
    one_of("shortcut", shortcut, SHORTCUTS)
    one_of("stride_in", stride_in, ("3x3", "1x1"))
    positive_int("classes", classes)
    options = {"shortcut": shortcut}
    if depth < 50 or preactivation:
        if stride_in == "1x1":
            what = "pre-activation blocks stride" if preactivation else "blocks of depth 18 and 34 stride"
            raise ValueError(f'expected stride_in="3x3", got "1x1": {what} in a 3 x 3; drop the argument')
        block = (PreActivationBlock if depth < 50 else PreActivationBottleneck) if preactivation else ResidualBlock
    else:
        block = Bottleneck
        options["stride_in"] = stride_in
    parts = [f"ResNet-{depth}", f"option {shortcut}" if shortcut != "B" else "", "pre-activation" * preactivation]
    parts.append("stride in the 1×1" if stride_in == "1x1" else "")
    return imagenet(", ".join(filter(None, parts)), block, depth, classes, **options)


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
    positive_int("classes", classes)
    return imagenet(f"plain-{depth}", PlainBlock, depth, classes)


def cifar(
    title: str,
    block: type[nn.Module],
    depth: int,
    width: int,
    channels: int,
    classes: int,
    batch_norm: bool,
    **options: object,
) -> Network:
    """Sec. 4.2: 3 x 3 convolution, three stages of n blocks, 6n + 2 layers."""
    positive_int("depth", depth, why="6n + 2, for example depth=20")
    if depth < 8 or depth % 6 != 2:
        below = max(8, depth - (depth - 2) % 6)
        raise ValueError(f"expected depth to be 6n + 2 with n of 1 or more, got {depth}: try {below} or {below + 6}")
    for name, value in {"width": width, "channels": channels, "classes": classes}.items():
        positive_int(name, value)
    if channels not in (1, 3):
        raise ValueError(f"expected channels to be 1 (grey) or 3 (RGB), got {channels}: convert the images")
    stem = {"conv1": nn.Conv2d(channels, width, 3, padding=1, bias=not batch_norm)}
    if not issubclass(block, PreActivationBlock):
        stem |= {"bn1": norm(width, batch_norm), "relu": nn.ReLU()}
        options["batch_norm"] = batch_norm
    expects = Images(
        channels,
        32,
        exact=False,
        least=5,
        why=lambda h, w: f"two strides of 2 leave {-(-h // 4)} x {-(-w // 4)} positions to the last stage's 3 x 3",
    )
    title += f", width {width}" * (width != 16) + ", no batch norm" * (not batch_norm)
    counts = ((depth - 2) // 6,) * 3
    return he_initialised(Network(title, expects, layers_of(stem, block, counts, width, classes, **options)))


def cifar_resnet(
    depth: int,
    *,
    shortcut: str = "A",
    preactivation: bool = False,
    width: int = 16,
    channels: int = 3,
    classes: int = 10,
    batch_norm: bool = True,
) -> Network:
    """ResNet for small images, He 2015, sec. 4.2 and Table 6: `(N, channels, H, W) -> (N, classes)` logits.

    Args:
        depth: 6n + 2 layers: 20, 32, 44, 56, 110, 1202 in the paper, 8 or more here; projections do not count.
        shortcut: `"A"` zero padding where dimensions change (the paper's choice here), `"B"` projection there, `"C"`
            projection everywhere.
        preactivation: BN and ReLU before each convolution, and once more after the last block (He 2016).
        width: channels of the first stage; the second and third have two and four times as many.
        channels: image channels, 1 (grey) or 3 (RGB).
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
    if preactivation and not batch_norm:
        raise ValueError("expected batch_norm=True with preactivation=True, got False: leave out one of the two")
    block = PreActivationBlock if preactivation else ResidualBlock
    title = f"ResNet-{depth} for CIFAR" + f", option {shortcut}" * (shortcut != "A")
    title += ", pre-activation" * preactivation
    return cifar(title, block, depth, width, channels, classes, batch_norm, shortcut=shortcut)


def cifar_plain(
    depth: int, *, width: int = 16, channels: int = 3, classes: int = 10, batch_norm: bool = True
) -> Network:
    """`cifar_resnet` without its shortcuts: the plain network of He 2015, sec. 4.2; arguments and errors as there.

    >>> sum(p.numel() for p in cifar_plain(20).parameters())
    269722
    """
    return cifar(f"plain-{depth} for CIFAR", PlainBlock, depth, width, channels, classes, batch_norm)
