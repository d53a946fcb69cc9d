"""How much of the image a unit sees, followed from function to function in the forward pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from casestudies_lib.measure.op import square_side


@dataclass(frozen=True)
class Sees:
    """How much of the input a unit sees: `size` pixels, and units stand `step` pixels apart.

    What the first unit sees begins at the pixel `start`, below 0 where the image is padded.
    """

    size: int
    step: int
    start: int = 0

    def through(self, window: int, stride: int, padding: int = 0) -> Sees:
        """What a unit sees that looks at `window` of these units, `stride` apart from the next, after padding."""
        return Sees(self.size + (window - 1) * self.step, self.step * stride, self.start - padding * self.step)


_WINDOWS = {
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation"),
    "max_pool2d": ("input", "kernel_size", "stride", "padding", "dilation"),
    "avg_pool2d": ("input", "kernel_size", "stride", "padding"),
}  # the functions that look at windows, and the names of their first arguments
# These leave shape and receptive field as they are. Where there are no numbers they need not run: torch works their
# shapes out in Python, which took more than half of the time of an `anatomy`.
_UNIT_BY_UNIT = {"batch_norm", "local_response_norm", "relu", "hardtanh", "hardswish", "hardsigmoid", "silu"}


class ReceptiveField(TorchFunctionMode):
    """Follow the receptive field through a forward pass: `seen` holds that of every tensor made from `image`.

    A window of k grows it by (k - 1) steps, and a stride stretches the step. A result that mixes several inputs sees
    what the widest of them sees; a map of which a single position is left, flattened or averaged, saw the whole image.
    One number that weighs a whole map, as in squeeze-excitation, is left aside, because it adds no pixels to the map.
    Where the windows of an adaptive pooling do not fit evenly, as when 10 units become 4, its units are not all equally
    far apart. The largest distance counts, so that later layers see what is said or a little less, never more.

    On the meta device, functions that change neither shape nor receptive field return their input, and sums of one
    shape are not worked out either.
    """

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.side = image.shape[-1]
        self.seen = WeakTensorKeyDictionary({image: Sees(1, 1)})

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> object:
        kwargs = kwargs or {}
        if func.__name__ in _UNIT_BY_UNIT and args and args[0].is_meta:
            return args[0]
        alike = func.__name__ == "add" and _alike_without_numbers(args)
        result = args[0].detach() if alike else func(*args, **kwargs)  # one of its own: both may be read again
        if isinstance(result, torch.Size) or not isinstance(result, (torch.Tensor, list, tuple)):
            return result  # nearly all calls only ask for a shape, a type or a device
        given = [*args, *kwargs.values()]
        inputs = [x for value in given for x in (value if isinstance(value, (list, tuple)) else [value])]
        inputs = [x for x in inputs if isinstance(x, torch.Tensor) and x in self.seen]
        if func.__name__ == "mul":
            inputs = [x for x in inputs if prod(x.shape[2:]) > 1] or inputs
        if inputs:
            widest = max((self.seen[x] for x in inputs), key=lambda sees: (sees.size, sees.step))
            for part in result if isinstance(result, (list, tuple)) else [result]:
                if isinstance(part, torch.Tensor):
                    self.seen[part] = self._after(func.__name__, widest, inputs[0], part, args, kwargs)
        return result

    def _after(
        self, name: str, sees: Sees, before: torch.Tensor, after: torch.Tensor, args: tuple, kwargs: dict
    ) -> Sees:
        if name in _WINDOWS:
            given = dict(zip(_WINDOWS[name], args, strict=False)) | kwargs
            kernel = given["weight"].shape[-1] if name == "conv2d" else square_side(given["kernel_size"])
            stride = given.get("stride") or (1 if name == "conv2d" else kernel)
            window = (kernel - 1) * square_side(given.get("dilation") or 1) + 1
            padding = given.get("padding") or 0
            if isinstance(padding, str):
                padding = (window - 1) // 2 if padding == "same" else 0
            return sees.through(window, square_side(stride), square_side(padding))
        if name == "pad":
            left = (kwargs.get("pad") or args[1])[0]
            return Sees(sees.size, sees.step, sees.start - left * sees.step)
        left = prod(after.shape[2:]) if after.dim() == 4 else 1
        if before.dim() == 4 and prod(before.shape[2:]) > left == 1:
            return Sees(max(self.side, sees.size), sees.step, sees.start)
        if name == "adaptive_avg_pool2d":
            n, m = before.shape[-1], after.shape[-1]
            widest = max(-(-(i + 1) * n // m) - i * n // m for i in range(m))
            return sees.through(widest, -(-n // m))  # rounded up where windows do not fit evenly
        return sees


def _alike_without_numbers(args: tuple) -> bool:
    """Whether these are two tensors of one shape and type on the meta device."""
    return (
        len(args) == 2
        and all(isinstance(x, torch.Tensor) and x.is_meta for x in args)
        and (args[0].shape, args[0].dtype) == (args[1].shape, args[1].dtype)
    )
