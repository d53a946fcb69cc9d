"""Trained weights as a page carries them: eight bits each, with one scale for each output channel."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import torch
from torch import nn


def packed(network: nn.Module) -> dict[str, dict]:
    """The parameters of a network by name, ready for JSON.

    A parameter with two axes or more becomes `{"bytes": ..., "scales": [...]}`: whole numbers from -127 to 127, one
    byte each, in base64, and the number that each output channel (the first axis) multiplies them by. One with a
    single axis, such as a bias, becomes `{"values": [...]}`. Scales and values have six digits.
    """
    return {name: _packed(parameter.detach()) for name, parameter in network.named_parameters()}


def _packed(parameter: torch.Tensor) -> dict:
    if parameter.dim() < 2:
        return {"values": _six_digits(parameter)}
    largest = parameter.flatten(1).abs().amax(1).clamp(min=1e-12)  # a channel of zeros stays one
    scales = _six_digits(largest / 127)
    steps = (parameter.flatten(1) / torch.tensor(scales)[:, None]).round().to(torch.int8)
    return {"bytes": base64.b64encode(steps.numpy().tobytes()).decode(), "scales": scales}


def _six_digits(numbers: torch.Tensor) -> list[float]:
    return [float(f"{number:.6g}") for number in numbers.tolist()]


def unpack(network: nn.Module, weights: Mapping[str, dict]) -> None:
    """Give a network the weights that `packed` made.

    Raises:
        ValueError: weights of another network.
    """
    wanted = dict(network.named_parameters())
    if list(wanted) != list(weights):
        raise ValueError(
            f"expected weights of {', '.join(wanted)}, got {', '.join(weights)}: take those of the same network"
        )
    with torch.no_grad():
        for name, parameter in wanted.items():
            values = unpacked(weights[name])
            if values.numel() != parameter.numel():
                raise ValueError(
                    f"expected {parameter.numel():,} weights for {name}, got {values.numel():,}: "
                    "take those of the same network"
                )
            parameter.copy_(values.view_as(parameter))


def unpacked(parameter: Mapping) -> torch.Tensor:
    """What one parameter of `packed` stands for, float32: a row for each output channel, or the values."""
    if "values" in parameter:
        return torch.tensor(parameter["values"])
    scales = torch.tensor(parameter["scales"])
    steps = torch.frombuffer(bytearray(base64.b64decode(parameter["bytes"])), dtype=torch.int8)
    return steps.view(len(scales), -1) * scales[:, None]
