"""Blocks that several papers share."""

from __future__ import annotations

import torch
from torch import nn

from casestudies_lib.checks import checked, number_within, odd, positive_number


@checked
def conv_bn(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """A convolution without bias, batch normalisation, and an activation unless it is None; odd kernels keep the size.

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`.
    """
    odd("kernel_size", kernel_size)
    layers = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


@checked
def set_batch_norm(network: nn.Module, *, eps: float, momentum: float) -> None:
    """Give all batch normalisations of a network the constants that its public checkpoint was trained with."""
    positive_number("eps", eps)
    number_within("momentum", momentum, 0, 1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = eps, momentum


@checked
def round_channels(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, at least one, and not more than a tenth below `channels`.

    Sandler 2018 and Tan 2019 round so in their published code.

    >>> [round_channels(n) for n in (3, 32 * 1.4, 20.3, 11)]
    [8, 48, 24, 16]
    """
    positive_number("channels", channels, most=1e6, example=32)
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    if rounded < 0.9 * channels:
        rounded += divisor
    return rounded


class SqueezeExcitation(nn.Module):
    """Each channel times a number between 0 and 1, worked out from the averages of all channels.

    `(N, channels, H, W)` to the same shape (Hu 2018, eq. 2 to 4).

    Args:
        channels: of the input.
        squeeze_channels: units of the hidden layer.
        activation: after the hidden layer.
        gate: what brings the numbers between 0 and 1.
    """

    @checked
    def __init__(
        self,
        channels: int,
        squeeze_channels: int,
        *,
        activation: type[nn.Module] = nn.ReLU,
        gate: type[nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeeze_channels, 1)
        self.activation = activation()
        self.fc2 = nn.Conv2d(squeeze_channels, channels, 1)
        self.gate = gate()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(self.fc2(self.activation(self.fc1(self.avgpool(x)))))
