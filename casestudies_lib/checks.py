"""Input checks at the door: every refusal names what came, what is allowed and the repair."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from numbers import Real

import torch
from torch import fx, nn


def one_of(name: str, value: object, allowed: Iterable[object]) -> None:
    """Refuse a `value` that is not among `allowed`, naming the nearest one.

    Raises:
        ValueError: the value, the allowed ones, and the closest match where there is one.
    """
    allowed = list(allowed)
    if any(value == item and type(value) is type(item) for item in allowed):
        return
    near = difflib.get_close_matches(str(value), [str(item) for item in allowed])
    hint = f": did you mean {near[0]}?" if near else ""
    listed = ", ".join(repr(item) for item in allowed)
    raise ValueError(f"expected {name} to be one of {listed}, got {value!r}{hint}")


def positive_int(name: str, value: object, *, why: str = "") -> None:
    """Refuse anything but a whole number of at least 1 (True is not a number here).

    Raises:
        ValueError: the value, and what to pass instead.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(
            f"expected {name} to be a whole number of at least 1, got {value!r}: pass {why or f'for example {name}=10'}"
        )


def positive_number(name: str, value: object) -> None:
    """Refuse anything but a finite number above 0 (True is not a number here).

    Raises:
        ValueError: the value, and what to pass instead.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < inf:
        raise ValueError(f"expected {name} to be a finite number above 0, got {value!r}: pass for example {name}=0.5")


@dataclass(frozen=True)
class ImageSpec:
    """What images a network accepts: a float batch `(N, channels, size, size)`.

    Args:
        channels: image channels, 1 (grey) or 3 (RGB).
        size: height and width in pixels, as the paper has them.
        exact: whether `size` is the only size allowed.
        min_size: the smallest height and width where others are allowed; `size` unless given.
        why: `(height, width) -> sentence` that explains a refused size.
        repair: code that mends a refused size.
        from_bytes: code that makes of bytes what the network was trained on, as far as the network knows that.
    """

    channels: int
    size: int
    exact: bool = True
    min_size: int | None = None
    why: Callable[[int, int], str] | None = None
    repair: str | None = None
    from_bytes: str = "x.float() / 255"

    @property
    def shape(self) -> tuple[int, int, int]:
        """One image, `(C, H, W)`."""
        return (self.channels, self.size, self.size)

    def check(self, x: object, network: nn.Module) -> None:
        """Refuse an input that the network would fail on, or that it would silently misread.

        Raises:
            ValueError: what came, what is allowed, the repair.
        """
        if isinstance(x, fx.Proxy):  # torch.fx follows the layers; it has no numbers to check
            return
        wanted = f"expected a float batch of images (N, {self.channels}, H, W)"
        if not isinstance(x, torch.Tensor):
            raise ValueError(f"{wanted}, got a {type(x).__name__}: make it a tensor with torch.as_tensor(x)")
        weights = next(network.parameters(), x)
        if problem := self._wrong_axes(x) or self._wrong_channels(x) or _wrong_numbers(x, weights):
            raise ValueError(f"{wanted}{problem}")
        self._check_size(*x.shape[2:])

    def _wrong_axes(self, x: torch.Tensor) -> str:
        """What is wrong with the axes of an input; nothing if they are right."""
        c, shape = self.channels, tuple(x.shape)
        if x.dim() == 3 and shape[0] == c:
            return f", got one image {shape}: add the batch axis with x[None]"
        if x.dim() == 3 and shape[2] == c:
            return f", got one image {shape} with the channels last: write x.permute(2, 0, 1)[None]"
        if x.dim() == 3 and c == 1:
            return f", got a batch without channels {shape}: add the channel axis with x[:, None]"
        if x.dim() == 2:
            return f", got one grey image {shape}: write x[None, None]" + (
                "" if c == 1 else f".expand(-1, {c}, -1, -1)"
            )
        if x.dim() != 4:
            return f", got {x.dim()} axes {shape}: bring the images into these four axes"
        if shape[1] != c and shape[3] == c:
            return f", got {shape} with the channels last: write x.permute(0, 3, 1, 2)"
        return ""

    def _wrong_channels(self, x: torch.Tensor) -> str:
        """What is wrong with the kind of numbers and of the channels of an input `(N, C, H, W)`."""
        c, came = self.channels, x.shape[1]
        if not x.is_floating_point():
            return f", got {x.dtype}: convert with {self.from_bytes if x.dtype == torch.uint8 else 'x.float()'}"
        if came == c:
            return ""
        if c == 1:
            repair = "make it grey with x.mean(1, keepdim=True)"
        elif came == 1:
            repair = f"repeat the grey channel with x.expand(-1, {c}, -1, -1)"
        else:
            repair = f"choose {c} channels, for example x[:, :{c}]"
        return f", got {came} channels {tuple(x.shape)}: {repair}"

    def _check_size(self, height: int, width: int) -> None:
        smallest = self.min_size or self.size
        if self.exact:
            fits, wanted = height == width == self.size, f"{self.size} x {self.size}"
        else:
            fits, wanted = min(height, width) >= smallest, f"at least {smallest} x {smallest}"
        if not fits:
            reason = f" ({self.why(height, width)})" if self.why else ""
            repair = self.repair or f"resize with torch.nn.functional.interpolate(x, size=({self.size}, {self.size}))"
            raise ValueError(f"expected images of {wanted} pixels, got {height} x {width}{reason}: {repair}")


def _wrong_numbers(x: torch.Tensor, weights: torch.Tensor) -> str:
    """What keeps an input from meeting the weights: another device, or another precision outside autocast."""
    device = weights.device
    if x.device != device:
        return f" on the weights' device {device}, got {x.device}: move it with x.to({str(device)!r})"
    mixed = device.type != "meta" and torch.is_autocast_enabled(device.type)
    if x.dtype != weights.dtype and not (mixed and x.dtype != torch.float64):
        return f" in the weights' {weights.dtype}, got {x.dtype}: convert with x.to({weights.dtype})"
    return ""
