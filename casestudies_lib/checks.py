"""Input checks at the door: every refusal names what came, what is allowed and the repair."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from math import isfinite
from numbers import Real
from types import UnionType
from typing import Any, ParamSpec, TypeVar, Union

import torch
from torch import fx, nn

P = ParamSpec("P")
R = TypeVar("R")
SIZES = range(1, 1_000_001)  # what no machine has the memory for is refused before it is tried
SEEDS = range(2**63)


def one_of(name: str, value: object, allowed: Iterable[object]) -> None:
    """Refuse a `value` that is not among `allowed`, naming the nearest one.

    Raises:
        ValueError: the value, the allowed ones, and the closest match where there is one.
    """
    allowed = list(allowed)
    if any(value == item and type(value) is type(item) for item in allowed):
        return
    near = difflib.get_close_matches(str(value), [str(item) for item in allowed])
    hint = f"did you mean {near[0]}?" if near else "pass one of these"
    listed = ", ".join(repr(item) for item in allowed)
    raise ValueError(f"expected {name} to be one of {listed}, got {value!r}: {hint}")


def whole_number(name: str, value: object, allowed: range = SIZES, *, repair: str = "") -> None:
    """Refuse anything but a whole number that is `allowed` (True is not a number here).

    Raises:
        ValueError: the value, the bound that it breaks, and what to pass instead.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        large = isinstance(value, int) and value > allowed[-1]
        bound = f"of at most {allowed[-1]:,}" if large else f"of at least {allowed[0]}"
        bound = bound if allowed[-1] >= SIZES[-1] else f"from {allowed[0]} to {allowed[-1]:,}"
        repair = repair or f"pass for example {name}={min(max(10, allowed[0]), allowed[-1])}"
        raise ValueError(f"expected {name} to be a whole number {bound}, got {value!r}: {repair}")


def positive_int(name: str, value: object, *, most: int = SIZES[-1], why: str = "") -> None:
    """Refuse anything but a whole number from 1 to `most`.

    Raises:
        ValueError: the value, and what to pass instead.
    """
    whole_number(name, value, range(1, most + 1), repair=why and f"pass {why}")


def odd(name: str, value: int) -> None:
    """Refuse an even number, such as the side of a kernel, which then has no middle.

    Raises:
        ValueError: the value, and the nearest one to pass instead.
    """
    if value % 2 == 0:
        raise ValueError(f"expected {name} to be odd, so that there is a middle, got {value}: pass {value + 1}")


def number_within(name: str, value: object, least: float, most: float) -> None:
    """Refuse anything but a number from `least` to `most`, both included (True is not a number here).

    Raises:
        ValueError: the value, and what is allowed instead.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) <= most:
        middle = (least + most) / 2
        raise ValueError(
            f"expected {name} to be a number from {least} to {most}, got {value!r}: pass for example {name}={middle:g}"
        )


def positive_number(name: str, value: object, *, most: float = 1000, example: float = 0.5) -> None:
    """Refuse anything but a finite number above 0 and up to `most` (True is not a number here).

    Raises:
        ValueError: the value, and what to pass instead.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) <= most:
        large = isinstance(value, (int, float)) and value > most
        bound = f"of at most {most:,}" if large else "above 0"
        raise ValueError(
            f"expected {name} to be a finite number {bound}, got {value!r}: pass for example {name}={example}"
        )


def image_batch(name: str, images: object, *, values: bool = True, rows: bool = False) -> None:
    """Refuse what is no float batch of images `(N, C, H, W)`, one or more, with finite `values`.

    With `rows`, vectors `(N, units)` will do as well, such as what a network makes of images.

    Raises:
        ValueError: what came, what is allowed, the repair.
    """
    wanted = f"expected {name} to be a float batch of images (N, C, H, W)" + " or of vectors (N, units)" * rows
    if not isinstance(images, torch.Tensor):
        raise ValueError(f"{wanted}, got a {type(images).__name__}: make it a tensor with torch.as_tensor")
    if images.dim() not in ((2, 4) if rows else (4,)) or not images.numel():
        raise ValueError(f"{wanted}, got {tuple(images.shape)}: bring one or more into these axes")
    if not images.is_floating_point() or images.is_meta:
        raise ValueError(f"{wanted}, got {images.dtype} on {images.device}: convert bytes with images.float() / 255")
    if values and not images.isfinite().all():
        raise ValueError(f"{wanted} and finite values, got NaN or infinity: see where images.isfinite() is False")


@typing.overload
def checked(function: Callable[P, R], /) -> Callable[P, R]: ...
@typing.overload
def checked(**allowed: range) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def checked(function: Callable | None = None, /, **allowed: range) -> Callable:
    """Refuse arguments that do not fit the annotations of a function, before it runs.

    Numbers must be finite, whole numbers from 1 to a million or as `allowed` says by name, and True is no number.

    >>> @checked(seed=SEEDS)
    ... def draw(side: int, *, seed: int = 0) -> None: ...
    >>> draw("8")
    Traceback (most recent call last):
    ...
    ValueError: expected side to be a whole number of at least 1, got '8': see help(draw)
    """
    if function is None:
        return lambda function: _checked(function, allowed)
    return _checked(function, allowed)


def _checked(function: Callable[P, R], allowed: Mapping[str, range]) -> Callable[P, R]:
    signature = inspect.signature(function)
    hints = cache(lambda: typing.get_type_hints(function))  # at the first call: by then all classes exist

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            about = signature.parameters[name]
            for one in value if about.kind is about.VAR_POSITIONAL else [value]:
                _check(name, one, hints().get(name, Any), about, allowed.get(name, SIZES), function.__qualname__)
        return function(*args, **kwargs)

    return call


_WORDS = {"bool": "True or False", "float": "a finite number", "str": "text"}


def _check(name: str, value: object, hint: Any, about: inspect.Parameter, allowed: range, owner: str) -> None:
    default = about.default
    known = default is not about.empty and default is not None
    repair = f"pass for example {name}={default!r}" if known else f"see help({owner.removesuffix('.__init__')})"
    arms = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if int in arms and not any(_fits(value, arm) for arm in arms if arm is not int):
        whole_number(name, value, allowed, repair=repair)
    elif about.kind is not about.VAR_KEYWORD and not _fits(value, hint):
        wanted = _WORDS.get(about.annotation, about.annotation)
        came = repr(value) if len(repr(value)) <= 60 else f"a {type(value).__name__}"
        raise ValueError(f"expected {name} to be {wanted}, got {came}: {repair}")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the type that an annotation says, and what it holds as well."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, TypeVar):
        hint = hint.__bound__
    if hint in (Any, object):
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inside)
    if hint is float:
        return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is type:
        return isinstance(value, type) and (inside[0] is Any or issubclass(value, inside[0]))
    if origin is None:
        return isinstance(value, type(None) if hint is None else hint)
    if not isinstance(value, origin) or (isinstance(value, str) and issubclass(origin, Sequence)):
        return False
    if issubclass(origin, Mapping):
        return all(_fits(key, inside[0]) and _fits(item, inside[1]) for key, item in value.items())
    if origin is tuple and inside[-1] is not ...:
        return len(value) == len(inside) and all(map(_fits, value, inside))
    return not issubclass(origin, Sequence) or all(_fits(item, inside[0]) for item in value)


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

    def __post_init__(self) -> None:
        for name in ("channels", "size") if self.min_size is None else ("channels", "size", "min_size"):
            positive_int(name, getattr(self, name))

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
        wrong = self._wrong_axes(x) or self._wrong_channels(x) or _wrong_numbers(x, weights)
        if problem := wrong or _too_short(x, network):
            raise ValueError(f"{wanted}{problem}")
        if network.training and not x.shape[0]:  # batch norm would average nothing, and remember that
            raise ValueError(f"{wanted} with one image or more in training, got none: leave empty batches out")
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
        elif came < c:
            some = [*range(came), *[came - 1] * (c - came)]
            repair = f"repeat one of them with x[:, {some}]" if came else "load the images again"
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


def _too_short(x: torch.Tensor, network: nn.Module) -> str:
    """What is wrong with 16 bits: torch normalises responses on a CPU in no fewer than 32."""
    short = x.device.type == "cpu" and x.dtype.itemsize == 2 and not torch.is_autocast_enabled("cpu")
    if not short or not any(isinstance(module, nn.LocalResponseNorm) for module in network.modules()):
        return ""
    return f" in float32, as response normalisation on a CPU needs, got {x.dtype}: convert both with .float()"


def _wrong_numbers(x: torch.Tensor, weights: torch.Tensor) -> str:
    """What keeps an input from meeting the weights: another device, or another precision outside autocast."""
    device = weights.device
    if x.device != device:
        return f" on the weights' device {device}, got {x.device}: move it with x.to({str(device)!r})"
    mixed = device.type != "meta" and torch.is_autocast_enabled(device.type)
    if x.dtype != weights.dtype and not (mixed and x.dtype != torch.float64):
        return f" in the weights' {weights.dtype}, got {x.dtype}: convert with x.to({weights.dtype})"
    return ""
