"""Network in Network: a small fully connected network slid over the image, and averages instead of a classifier.

Lin, Chen, Yan: Network in network, ICLR 2014 (arXiv:1312.4400), section 3; the widths are those of the authors' model
file for CIFAR-10, which the paper does not print.

| block    | kernel | units of the small network |
| -------- | ------ | -------------------------- |
| mlpconv1 | 5 x 5  | 192, 160, 96               |
| mlpconv2 | 5 x 5  | 192, 192, 192              |
| mlpconv3 | 3 x 3  | 192, 192, classes          |
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from casestudies_lib.checks import ImageSpec, odd, positive_int
from casestudies_lib.network import Network, he_initialised

# "cccp": cascaded cross channel parametric pooling, the authors' name for a 1 x 1 convolution and its ReLU.
NAMES = {
    "mlpconv1.0": "conv1", "mlpconv1.2": "cccp1", "mlpconv1.4": "cccp2", "pool1": "pool1",
    "mlpconv2.0": "conv2", "mlpconv2.2": "cccp3", "mlpconv2.4": "cccp4", "pool2": "pool2",
    "mlpconv3.0": "conv3", "mlpconv3.2": "cccp5", "mlpconv3.4": "cccp6", "average": "average",
}  # fmt: skip


def mlpconv(in_channels: int, out_channels: tuple[int, int, int], kernel_size: int) -> nn.Sequential:
    """Three fully connected layers with ReLU, applied at every position.

    `(N, in_channels, H, W) -> (N, out_channels[2], H, W)`. The first layer reads `kernel_size` x `kernel_size` pixels,
    which makes it a convolution; the other two read one pixel, which makes them 1 x 1 convolutions (Lin 2013, eq. 2 and
    Fig. 1b).

    Raises:
        ValueError: numbers that are not whole and at least 1, not three of out_channels, an even kernel.
    """
    check_mlpconv(in_channels, out_channels, kernel_size)
    first, second, third = out_channels
    return nn.Sequential(
        nn.Conv2d(in_channels, first, kernel_size, padding=kernel_size // 2), nn.ReLU(),
        nn.Conv2d(first, second, 1), nn.ReLU(),
        nn.Conv2d(second, third, 1), nn.ReLU(),
    )  # fmt: skip


def check_mlpconv(in_channels: int, out_channels: tuple[int, int, int], kernel_size: int) -> None:
    """Refuse what `mlpconv` cannot be built of."""
    if not isinstance(out_channels, Sequence) or len(out_channels) != 3:
        raise ValueError(f"expected the units of three layers, got {out_channels!r}: pass for example (192, 160, 96)")
    positive_int("in_channels", in_channels)
    positive_int("kernel_size", kernel_size)
    for place, channels in enumerate(out_channels):
        positive_int(f"out_channels[{place}]", channels)
    odd("kernel_size", kernel_size)


def nin_cifar(*, classes: int = 10) -> Network:
    """Network in Network for CIFAR-10 and CIFAR-100: `(N, 3, H, W) -> (N, classes)` logits, H and W at least 8.

    The last block makes one map for each class, and the average of a map is the class's logit: no fully connected
    layer (Lin 2013, sec. 3.2).

    Args:
        classes: number of classes; 10 and 100 in the paper.

    Raises:
        ValueError: classes below 1; in `forward`, anything but a float batch of RGB images of at least 8 pixels.

    Differs from the paper: its text has max pooling after the first two blocks, the authors' model file, followed
    here, averages in the second. He's initialisation instead of a normal one of fixed width. The last block ends in
    ReLU as there, so logits are never negative.

    >>> sum(p.numel() for p in nin_cifar().parameters())
    966986
    """
    positive_int("classes", classes)
    layers = {
        "mlpconv1": mlpconv(3, (192, 160, 96), 5),                          # 32x32x96
        "pool1": nn.MaxPool2d(3, stride=2, ceil_mode=True),                 # 16x16x96
        "drop1": nn.Dropout(0.5),
        "mlpconv2": mlpconv(96, (192, 192, 192), 5),                        # 16x16x192
        "pool2": nn.AvgPool2d(3, stride=2, ceil_mode=True),                 # 8x8x192
        "drop2": nn.Dropout(0.5),
        "mlpconv3": mlpconv(192, (192, 192, classes), 3),                   # 8x8xclasses
        "average": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
    }  # fmt: skip
    expects = ImageSpec(
        3,
        32,
        exact=False,
        min_size=8,
        why=_two_poolings_leave,
    )
    return he_initialised(Network("Network in Network for CIFAR", expects, layers, NAMES))


def _two_poolings_leave(height: int, width: int) -> str:
    return "two poolings would leave a single position to the last block's 3 x 3"
