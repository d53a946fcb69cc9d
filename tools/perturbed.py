"""Imitate another processor: results that its kernels might round differently are changed in their last bit.

Processors differ in their kernels: with AVX-512 or without, numpy and torch compute powers, logarithms, sums and
convolutions in another order or by another formula, and the last bit of some results differs. One machine cannot have
all these kernels, so `install()` imitates them: it moves the results of such functions in numpy, torch and `math` by
one unit in the last place, up, down or not at all. Which of the three depends on nothing but the function, the shapes
of what it read, the result itself, and the environment variable PERTURBED, a number that stands for the processor. So
the same computation gives the same result, as it does on a real machine.

Results that every kernel gets right are left as they are: zeros, whole numbers (2³, log10(100), a sum of whole
numbers), infinities, numbers whose last bits are zero (those of exact sums of binary fractions are, rounded ones
seldom), sums of one term (a convolution with a single weight a filter), and what IEEE 754 rounds correctly: + - × ÷ and
square roots. Python's own `**` on floats cannot be reached.

While a network is trained, only its gradients are moved, at each step of the optimizer, because everything in the next
step follows from them; to move each operation's result as well took half of the time. A training begins with an
optimizer's step, or when a network that an optimizer has is put into training mode, as at the beginning of an epoch:
so a training that is resumed there gives the same as one that went on. All is moved again as soon as gradients are
turned off, the network is put into evaluation mode, or a cell begins.
"""

from __future__ import annotations

import ctypes
import math
import os
import zlib
from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any

import numpy as np
import torch
from IPython import get_ipython
from numpy._core import _methods
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

PROCESSOR = os.environ.get("PERTURBED", "0")
MATH = ("exp", "expm1", "log", "log10", "log1p", "log2", "pow", "sin", "cos", "tan", "tanh", "atan", "atan2", "erf")
NUMPY = (
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "power", "float_power", "cbrt", "hypot"),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arctan2", "arcsinh", "logaddexp"),
)
NUMPY_SUMS = ("sum", "mean", "var", "std", "dot", "matmul", "inner", "cumsum", "linspace", "interp", "convolve")
TORCH = {
    *("convolution", "convolution_backward", "_slow_conv2d_forward", "mm", "addmm", "bmm", "baddbmm", "addbmm"),
    *("mv", "addmv", "dot", "linear", "native_batch_norm", "_native_batch_norm_legit"),
    *("_native_batch_norm_legit_no_training", "native_batch_norm_backward", "native_layer_norm"),
    *("native_group_norm", "sum", "mean", "var", "std", "var_mean", "std_mean", "cumsum", "prod", "norm"),
    *("linalg_vector_norm", "logsumexp", "_softmax", "_log_softmax", "_softmax_backward_data"),
    *("_log_softmax_backward_data", "nll_loss_forward", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p"),
    *("pow", "rsqrt", "sin", "cos", "tan", "tanh", "atan", "atan2", "erf", "sigmoid", "silu", "gelu", "softplus"),
    *("hardswish", "tanh_backward", "sigmoid_backward", "silu_backward", "gelu_backward", "hardswish_backward"),
    *("avg_pool2d", "_adaptive_avg_pool2d", "avg_pool2d_backward", "_adaptive_avg_pool2d_backward"),
    *("upsample_bilinear2d", "_upsample_bilinear2d_aa", "upsample_bicubic2d", "_upsample_bicubic2d_aa"),
    *("linspace", "normal", "randn"),
}
SUMS = {"sum", "mean", "avg_pool2d", "_adaptive_avg_pool2d", "cumsum"}  # exact where they add whole numbers
PRODUCTS = {"convolution", "mm", "addmm", "linear"}  # exact where they add a single term


@cache
def salt(*what: object) -> int:
    """A number that depends on a function's name, on the shapes that it read, and on the processor that is imitated."""
    return zlib.crc32(repr((PROCESSOR, *what)).encode()) >> 2


# The whole numbers of the same width; an odd one, so that the first bit of its product with the last bits looks random;
# the place of that first bit; and those last bits, which are zero where nothing was rounded.
BITS = {torch.float32: (torch.int32, -1640531535, 31, 15), torch.float64: (torch.int64, -7046029254386353131, 63, 255)}


def moved(result: torch.Tensor, by: int) -> torch.Tensor:
    """A float tensor of which about half the values moved by one unit in the last place; what looks exact stays.

    Whether away from zero or towards it depends on `by`. Few operations, because they come after every one of torch's.
    """
    if result.dtype not in BITS or result.device.type != "cpu" or not result.numel():
        return result
    whole, factor, first, last = BITS[result.dtype]
    bits = result.contiguous().view(whole)
    step = (bits & last).mul_(factor + 2 * (by % 2**28)).bitwise_right_shift_(first)  # -1 or 0
    return torch.add(bits, step, alpha=1 if by & 1 else -1).view(result.dtype)


def is_whole(tensor: torch.Tensor) -> bool:
    """Whether all its numbers are whole. The first few are looked at first: where one is not whole, that saves time."""
    if not tensor.is_floating_point():
        return True
    return all(bool((part == part.round()).all()) for part in (tensor.flatten()[:16], tensor))


def single_terms(weights: torch.Tensor) -> bool:
    """Whether each row of weights has at most one that is not zero, so that a product with it adds nothing up."""
    return weights.dim() > 1 and all(
        bool((part.flatten(1).count_nonzero(1) <= 1).all()) for part in (weights[:1], weights)
    )


@cache
def name_of(func: torch._ops.OpOverload) -> str | None:
    """The operation's name, if kernels may round it differently."""
    name = func.overloadpacket.__name__
    return name if name.removesuffix("_") in TORCH else None


class Perturbed(TorchDispatchMode):
    """Every operation of torch that a processor's kernels may round differently, forward and backward."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; keeping the compiler out of every operation takes a third of their time."""
        return False

    def __torch_dispatch__(
        self, func: torch._ops.OpOverload, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if (name := name_of(func)) is None:
            return out
        read = [argument for argument in args if isinstance(argument, torch.Tensor)]
        if any(tensor.device.type != "cpu" for tensor in read):
            return out
        if (name in SUMS and all(map(is_whole, read))) or (name in PRODUCTS and any(map(single_terms, read))):
            return out
        if name == "pow" and isinstance(args[1], (int, float)) and args[1] in (0.5, 1, 2):
            return out
        by = salt(name, *(tensor.shape for tensor in read))
        if name.endswith("_"):  # in place
            return out.copy_(moved(out, by))
        if isinstance(out, torch.Tensor):
            return moved(out, by)
        return type(out)(moved(one, by) if isinstance(one, torch.Tensor) else one for one in out)


def moved_array(result: Any, name: str, read: Iterable[object]) -> Any:
    """What numpy's function `name` returned after it had `read` its arguments, moved; only floats are moved."""
    if not isinstance(result, (np.ndarray, np.floating)) or result.dtype.str not in ("<f4", "<f8"):
        return result
    shapes = (np.shape(one) for one in read if isinstance(one, (np.ndarray, list, tuple, int, float)))
    array = np.array(result)
    array[...] = moved(torch.from_numpy(array.reshape(-1)), salt(name, *shapes)).numpy().reshape(array.shape)
    return array if isinstance(result, np.ndarray) else array[()]


class Moved:
    """A function of numpy whose results are moved; its attributes are those of the function itself."""

    def __init__(self, function: Callable) -> None:
        self.function = function

    def __call__(self, *args: object, **kwargs: object) -> object:
        if kwargs.get("out") is not None:
            return self.function(*args, **kwargs)
        return moved_array(self.function(*args, **kwargs), self.function.__name__, args)

    def __getattr__(self, name: str) -> object:
        return getattr(self.function, name)


KEPT: list[Any] = []  # functions that the slot of a type points to, and does not keep alive


def move_power_of_arrays() -> None:
    """Move the results of `**` between arrays: no attribute of numpy holds it, so the slot of the type is replaced."""
    ternary = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.py_object)
    numbers = ctypes.c_size_t.from_address(id(np.ndarray) + 12 * ctypes.sizeof(ctypes.c_void_p)).value
    slot = ctypes.c_size_t.from_address(numbers + 5 * ctypes.sizeof(ctypes.c_void_p))
    before = ternary(slot.value)

    def power(base: object, exponent: object, modulus: object) -> object:
        result = before(base, exponent, modulus)
        exact = isinstance(exponent, (int, float)) and exponent in (0.5, 1, 2, -1)
        return result if exact else moved_array(result, "power", (base, exponent))

    KEPT.append(ternary(power))
    slot.value = ctypes.c_size_t.from_buffer(KEPT[-1]).value


class Training:
    """Switches the moving of each operation off when a training begins, and on when it is over."""

    def __init__(self) -> None:
        self.mode, self.moves_all, self.is_stepping = Perturbed(), False, False
        self.trained = WeakTensorKeyDictionary()  # the parameters that an optimizer has

    def begins(self) -> None:
        """Move nothing from here on but the gradients of each step."""
        if self.moves_all:
            self.mode.__exit__(None, None, None)
            self.moves_all = False

    def ends(self, *_: object) -> None:
        """Move each operation's result, unless that is so, or another mode is on that must be switched off first."""
        if not (self.moves_all or self.is_stepping or torch._C._len_torch_dispatch_stack()):
            self.mode.__enter__()
            self.moves_all = True

    def steps(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        """Before a step: move the gradients, and nothing else from here on."""
        self.begins()
        self.is_stepping = True
        for group in optimizer.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    weights.grad.copy_(moved(weights.grad, salt("step", weights.shape)))

    def has_stepped(self, *_: object) -> None:
        self.is_stepping = False

    def modes(self, network: torch.nn.Module, mode: bool = True) -> None:
        """Before a network is put into training or evaluation mode."""
        if not mode:
            self.ends()
        elif any(weights in self.trained for weights in network.parameters()):
            self.begins()

    def takes(self, _: torch.optim.Optimizer, group: dict[str, Any]) -> None:
        """Before an optimizer gets parameters."""
        group["params"] = [group["params"]] if isinstance(group["params"], torch.Tensor) else list(group["params"])
        self.trained.update(dict.fromkeys(group["params"], True))


def preceded(owner: type, name: str, first: Callable[..., None]) -> None:
    """Let `first` see the arguments of a method before the method itself."""
    method = getattr(owner, name)

    @wraps(method)
    def both(*args: Any, **kwargs: Any) -> Any:
        first(*args, **kwargs)
        return method(*args, **kwargs)

    setattr(owner, name, both)


def install() -> None:
    """Make this process compute as another processor might, from here on."""
    for name in MATH:
        function = getattr(math, name)

        def moved_float(*args: float, function: Callable = function) -> float:
            return float(moved_array(np.float64(function(*args)), function.__name__, args))

        setattr(math, name, moved_float)
    for name in (*NUMPY, *NUMPY_SUMS):
        setattr(np, name, Moved(getattr(np, name)))
    _methods.umr_sum = Moved(_methods.umr_sum)  # what an array's own sum() and mean() call
    move_power_of_arrays()
    training = Training()
    training.ends()
    register_optimizer_step_pre_hook(training.steps)
    register_optimizer_step_post_hook(training.has_stepped)
    preceded(torch.nn.Module, "train", training.modes)
    preceded(torch.no_grad, "__enter__", training.ends)
    preceded(torch.optim.Optimizer, "add_param_group", training.takes)
    if shell := get_ipython():
        shell.events.register("pre_run_cell", training.ends)
