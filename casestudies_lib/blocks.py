"""Blocks that several papers share."""

from __future__ import annotations

import torch
from torch import nn


def conv_bn(
    channels: int,
    width: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
    eps: float = 1e-5,
    momentum: float = 0.1,
) -> nn.Sequential:
    """A convolution without bias, batch normalisation, and an activation unless it is None; odd kernels keep the size.

    `(N, channels, H, W) -> (N, width, H / stride, W / stride)`; `eps` and `momentum` are the normalisation's.
    """
    layers = [
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(width, eps=eps, momentum=momentum),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def round_channels(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, at least one, and not more than a tenth below `channels`.

    Sandler 2018 and Tan 2019 round so in their published code.

    >>> [round_channels(n) for n in (3, 32 * 1.4, 20.3, 11)]
    [8, 48, 24, 16]
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor * (rounded < 0.9 * channels)


class SqueezeExcitation(nn.Module):
    """Each channel times a number between 0 and 1, worked out from the averages of all channels.

    `(N, channels, H, W)` to the same shape (Hu 2018, eq. 2 to 4).

    Args:
        channels: of the input.
        squeezed: units of the hidden layer.
        activation: after the hidden layer.
        gate: what brings the numbers between 0 and 1.
    """

    kind = "squeeze-excitation"

    def __init__(
        self, channels: int, squeezed: int, *, activation: type[nn.Module] = nn.ReLU, gate: type[nn.Module] = nn.Sigmoid
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.activation = activation()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.gate = gate()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(self.fc2(self.activation(self.fc1(self.avgpool(x)))))
