"""What is in a network: one row a layer, counted on the meta device, where a VGG weighs nothing.

Layers, shapes and parameters come from torchinfo. Multiply-accumulates (MACs) are counted here, because torchinfo adds
biases and normalisation to them: one per weight of a convolution or linear layer and output position. Receptive fields
are followed from function to function in the forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import torch
import torchinfo
from markupsafe import Markup
from torch import nn
from torch.overrides import TorchFunctionMode

from casestudies_lib.checks import one_of
from casestudies_lib.models import MODELS
from casestudies_lib.page.html import LEFT, RIGHT, bar, joined, table
from casestudies_lib.page.palette import COLOURS


@dataclass(frozen=True)
class Layer:
    """One layer of a network, for one image.

    Attributes:
        name: the paper's name, or the module's path.
        kind: what it is, such as `conv 5x5`.
        shape: the output, `(channels, height, width)` or `(units,)`.
        parameters: trainable parameters.
        macs: multiply-accumulates of its convolutions and linear maps.
        receptive_field: pixels of the input, along one side, that one output unit sees, padding included; at least
            the image's side where a unit sees the whole of it.
        module: the live module.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    receptive_field: int
    module: nn.Module = field(repr=False, compare=False)

    @property
    def size(self) -> str:
        """The output as the notes write it: `n_h x n_w x n_c`, or the number of units."""
        return written(self.shape)

    @property
    def has_weights(self) -> bool:
        """Whether the layer has trainable parameters and is not a normalisation: what papers count as a layer."""
        return self.parameters > 0 and "Norm" not in self.kind


@dataclass(frozen=True)
class Anatomy:
    """The layers of one network in the order in which data meets them; index by the paper's name.

    `str(anatomy)` and the notebook show the layers that have weights or pool; `anatomy.layers` holds all.
    """

    title: str
    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]

    def __getitem__(self, name: str) -> Layer:
        """The layer called `name`. Raises ValueError: no such layer."""
        one_of("the layer's name", name, [layer.name for layer in self.layers])
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def parameters(self) -> int:
        """Trainable parameters of the network."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def rows(self) -> tuple[Layer, ...]:
        """The layers that a table shows: those with weights, the pools, and the fixed output of 1998."""
        return tuple(x for x in self.layers if x.has_weights or "pool" in x.kind or x.kind == "RBF output")

    @property
    def weight_layers(self) -> tuple[Layer, ...]:
        """Convolutional and fully connected layers: what the 16 of VGG-16 counts."""
        return tuple(x for x in self.layers if x.macs)

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "MACs", "sees")
        body = [(x.name, x.kind, x.size, f"{x.parameters:,}", f"{x.macs:,}", f"{x.receptive_field}") for x in self.rows]
        table = [head, *body, ("total", "", "", f"{self.parameters:,}", f"{self.macs:,}", "")]
        width = [max(len(row[i]) for row in table) for i in range(len(head))]
        lines = [" ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, width))) for r in table]
        return "\n".join([f"{self.title}, input {written(self.input_shape)}", *(line.rstrip() for line in lines)])

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        nowrap, wide = f"{LEFT};white-space:nowrap", f"{RIGHT};width:22%"
        styles = {"layer": LEFT, "kind": LEFT, "output": nowrap, "parameters": wide, "MACs": wide, "sees": RIGHT}

        def count(value: int, total: int) -> Markup:
            share = value / total if total else 0
            said = f"{100 * share:.1f}%"
            return joined(f"{value:,}", bar(share, COLOURS["conv"], 4, style=";margin-left:auto", title=said))

        rows = [
            (
                x.name,
                x.kind,
                x.size,
                count(x.parameters, self.parameters),
                count(x.macs, self.macs),
                x.receptive_field,
            )
            for x in self.rows
        ]
        return str(
            table(
                f"{self.title}, layer by layer",
                [(title, {"style": style}) for title, style in styles.items()],
                rows,
                caption=f"{self.title}, input {written(self.input_shape)}; bars show a layer's share of the column",
                foot=("total", "", "", f"{self.parameters:,}", f"{self.macs:,}", ""),
            )
        )


def written(shape: tuple[int, ...]) -> str:
    """A shape as the notes write it: `(C, H, W)` becomes `H×W×C`, `(units,)` the number.

    >>> written((6, 28, 28))
    '28×28×6'
    """
    return "×".join(str(n) for n in (*shape[1:], shape[0]))


def anatomy(
    model: nn.Module | str | Callable[[], nn.Module], *, whole: type[nn.Module] | tuple[type[nn.Module], ...] = ()
) -> Anatomy:
    """Take a network apart: one row a layer, for one image of the size that the network expects.

    Args:
        model: a name of `MODELS`, a function that builds a network (built on the meta device), or a network.
        whole: classes of modules that stay in one piece, such as the blocks of a ResNet.

    Returns:
        The layers with their output shapes, parameters, MACs and receptive fields.

    Raises:
        ValueError: an unknown name, a module that does not say what it expects, or a parameter that no layer owns.

    >>> anatomy("vgg16").macs
    15470264320
    """
    if isinstance(model, str):
        one_of("the model's name", model, MODELS)
        model = MODELS[model]
    if not isinstance(model, nn.Module):
        with torch.device("meta"):
            model = model()
    if not hasattr(model, "expects"):
        raise ValueError(
            f"expected a network that says what images it expects, got a {type(model).__name__}: "
            "wrap its layers in casestudies_lib.blocks.Network"
        )
    shape = model.expects.shape
    weights = next(model.parameters(), torch.empty(0))
    image = torch.zeros(1, *shape, device=weights.device, dtype=weights.dtype)

    calls: dict[nn.Module, list[tuple[int, int]]] = {}  # MACs and receptive field, call by call

    def note(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        positions = {nn.Conv2d: output.shape[2:], nn.Linear: output.shape[1:-1]}.get(type(module))
        macs = 0 if positions is None else module.weight.numel() * prod(positions)
        calls.setdefault(module, []).append((macs, output.sees.size))

    hooks = [module.register_forward_hook(note) for module in model.modules()]
    try:
        with torch.no_grad(), _ReceptiveField(image):
            summary = torchinfo.summary(
                model, input_data=image, device=weights.device, mode="eval", depth=99, row_settings=[], verbose=0
            )
    finally:
        for hook in hooks:
            hook.remove()

    paths = {module: path for path, module in model.named_modules()}
    wholes = [module for module in model.modules() if hasattr(module, "one_row") or isinstance(module, whole)]
    inside = {part for whole in wholes for part in list(whole.modules())[1:]}
    layers, counted = [], set()
    for info in summary.summary_list:
        module = info.module
        if module in inside or not (info.is_leaf_layer or module in wholes):
            continue
        macs, sees = calls[module].pop(0)
        own = {p for p in module.parameters() if p.requires_grad} - counted  # a layer that is called twice counts once
        counted |= own
        layers.append(
            Layer(
                name=model.paper_names.get(paths[module], paths[module]),
                kind=kind_of(module),
                shape=tuple(info.output_size[1:]),
                parameters=sum(p.numel() for p in own),
                macs=macs + sum(calls[part].pop(0)[0] for part in list(module.modules())[1:] if calls.get(part)),
                receptive_field=sees,
                module=module,
            )
        )
    missed = [
        path
        for path, parameter in model.named_parameters()
        if parameter.requires_grad
        and parameter not in counted
        and model.get_submodule(path.rpartition(".")[0]) in calls
    ]
    if missed:
        raise ValueError(
            f"expected every parameter to belong to a layer, got {missed} outside: set one_row on its module"
        )
    return Anatomy(model.title, shape, tuple(layers))


def kind_of(module: nn.Module) -> str:
    """What a layer is, in the papers' words: `conv 11×11, stride 4`, `max pool 3×3, stride 2`, `fully connected`.

    A block of layers says it itself, in its attribute `kind`.
    """
    if hasattr(module, "kind"):
        return module.kind
    name = type(module).__name__
    if name in ("Conv2d", "MaxPool2d", "AvgPool2d"):
        word = {"Conv2d": "conv", "MaxPool2d": "max pool", "AvgPool2d": "average pool"}[name]
        kernel, stride, groups = _side(module.kernel_size), _side(module.stride), getattr(module, "groups", 1)
        depthwise = groups > 1 and groups == module.in_channels
        text = f"{'depthwise ' * depthwise}{word} {kernel}×{kernel}" + (f", stride {stride}" if stride > 1 else "")
        return text + (f", {groups} groups" if groups > 1 and not depthwise else "")
    if name == "SparseConv2d":
        return f"sparse conv {module.kernel_size}×{module.kernel_size}"
    if name == "AdaptiveAvgPool2d":
        return "global average pool" if _side(module.output_size) == 1 else "adaptive average"
    return {
        "Linear": "fully connected",
        "Subsampling": "trainable pool 2×2, stride 2",
        "RBFOutput": "RBF output",
        "LocalResponseNorm": "LRN",
    }.get(name, name)


@dataclass(frozen=True)
class _Sees:
    """How much of the input a unit sees: `size` pixels, and units stand `step` pixels apart."""

    size: int
    step: int

    def through(self, window: int, stride: int) -> _Sees:
        """What a unit sees that looks at `window` of these units, `stride` apart from the next."""
        return _Sees(self.size + (window - 1) * self.step, self.step * stride)


_WINDOWS = {
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation"),
    "max_pool2d": ("input", "kernel_size", "stride", "padding", "dilation"),
    "avg_pool2d": ("input", "kernel_size", "stride"),
}  # the functions that look at windows, and the names of their first arguments


class _ReceptiveField(TorchFunctionMode):
    """Follow the receptive field through a forward pass.

    A window of k grows it by (k - 1) steps, and a stride stretches the step. A result that mixes several inputs sees
    what the widest of them sees; a map of which a single position is left, flattened or averaged, saw the whole image.
    One number that weighs a whole map, as in squeeze-excitation, is left aside: it says how much, not what.
    """

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.side = image.shape[-1]
        image.sees = _Sees(1, 1)

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> object:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given = [*args, *kwargs.values()]
        inputs = [x for value in given for x in (value if isinstance(value, (list, tuple)) else [value])]
        inputs = [x for x in inputs if isinstance(x, torch.Tensor) and hasattr(x, "sees")]
        if func.__name__ == "mul":
            inputs = [x for x in inputs if prod(x.shape[2:]) > 1] or inputs
        if inputs:
            widest = max((x.sees for x in inputs), key=lambda sees: (sees.size, sees.step))
            for part in result if isinstance(result, (list, tuple)) else [result]:
                if isinstance(part, torch.Tensor):
                    part.sees = self._after(func.__name__, widest, inputs[0], part, args, kwargs)
        return result

    def _after(
        self, name: str, sees: _Sees, before: torch.Tensor, after: torch.Tensor, args: tuple, kwargs: dict
    ) -> _Sees:
        if name in _WINDOWS:
            given = dict(zip(_WINDOWS[name], args, strict=False)) | kwargs
            kernel = given["weight"].shape[-1] if name == "conv2d" else _side(given["kernel_size"])
            stride = given.get("stride") or (1 if name == "conv2d" else kernel)
            return sees.through((kernel - 1) * _side(given.get("dilation") or 1) + 1, _side(stride))
        left = prod(after.shape[2:]) if after.dim() == 4 else 1
        if before.dim() == 4 and prod(before.shape[2:]) > left == 1:
            return _Sees(max(self.side, sees.size), sees.step)
        if name == "adaptive_avg_pool2d":
            return sees.through(-(-before.shape[-1] // after.shape[-1]), before.shape[-1] // after.shape[-1])
        return sees


def _side(size: int | tuple[int, ...]) -> int:
    """The side of a square window; other windows are refused, since one number would misstate them."""
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise ValueError(f"expected a square window, got {size}: count its receptive field by hand")
    return sides.pop()
