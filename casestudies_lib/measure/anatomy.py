"""What is in a network: one row a layer, counted on the meta device, where a VGG weighs nothing.

One forward pass says which layers there are, in which order, and what they make. Multiply-accumulates (MACs) are one
per weight of a convolution or linear layer and position of its output. Receptive fields are followed in the same pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from markupsafe import Markup
from torch import nn

from casestudies_lib.checks import checked, one_of
from casestudies_lib.measure.op import Family, Op, op_of
from casestudies_lib.measure.receptive_field import ReceptiveField
from casestudies_lib.models import MODELS
from casestudies_lib.network import Network
from casestudies_lib.page.html import LEFT, RIGHT, bar, joined, table
from casestudies_lib.page.palette import COLOURS


@dataclass(frozen=True)
class Layer:
    """One layer of a network, for one image.

    Attributes:
        name: the paper's name, or the module's path.
        op: what it does, such as `conv 5×5` in words.
        shape: the output, `(channels, height, width)` or `(units,)`.
        parameters: trainable parameters.
        macs: multiply-accumulates of its convolutions and linear maps.
        receptive_field: pixels of the input, along one side, that one output unit sees, padding included; at least
            the image's side where a unit sees the whole of it.
        module: the live module.
    """

    name: str
    op: Op
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
        return self.parameters > 0 and self.op.family is not Family.NORMALISATION


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
        """The layers that a table shows: those with weights, the pools, and a fixed output as in 1998."""
        return tuple(x for x in self.layers if x.has_weights or x.op.family in (Family.POOL, Family.OUTPUT))

    @property
    def weight_layers(self) -> tuple[Layer, ...]:
        """Convolutional and fully connected layers: what the 16 of VGG-16 counts."""
        return tuple(x for x in self.layers if x.macs)

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "MACs", "sees")
        body = [
            (x.name, f"{x.op}", x.size, f"{x.parameters:,}", f"{x.macs:,}", f"{x.receptive_field}") for x in self.rows
        ]
        table = [head, *body, ("total", "", "", f"{self.parameters:,}", f"{self.macs:,}", "")]
        width = [max(len(row[i]) for row in table) for i in range(len(head))]
        lines = [" ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(r, width))) for r in table]
        return "\n".join([f"{self.title}, input {written(self.input_shape)}", *(line.rstrip() for line in lines)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
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
                x.op,
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


@checked
def written(shape: tuple[int, ...]) -> str:
    """A shape as the notes write it: `(C, H, W)` becomes `H×W×C`, `(units,)` the number.

    >>> written((6, 28, 28))
    '28×28×6'
    """
    if not shape:
        raise ValueError("expected the shape of one image or vector, got (): pass for example (3, 224, 224)")
    return "×".join(str(n) for n in (*shape[1:], shape[0]))


@checked
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
        ValueError: an unknown name, a module that does not say what it expects, a parameter that no layer owns, or a
            layer whose multiplications are not counted.

    >>> anatomy("vgg16").macs
    15470264320
    """
    network = _built(model)
    layers, called, counted = _layers(network, set(_units(network, whole)))
    outside = [
        path
        for path, parameter in network.named_parameters()
        if parameter.requires_grad
        and parameter not in counted
        and network.get_submodule(path.rpartition(".")[0]) in called
    ]
    if outside:
        raise ValueError(
            f"expected every parameter to belong to a layer, got {outside} outside: set one_row on its module"
        )
    return Anatomy(network.title, network.expects.shape, tuple(layers))


def _built(model: nn.Module | str | Callable[[], nn.Module]) -> Network:
    """The network that a name, a function or a network stands for."""
    if isinstance(model, str):
        one_of("the model's name", model, MODELS)
        model = MODELS[model]
    if not isinstance(model, nn.Module):
        with torch.device("meta"):
            model = model()
    if not isinstance(model, Network):
        raise ValueError(
            f"expected a network that says what images it expects, got a {type(model).__name__}: "
            "wrap its layers in casestudies_lib.network.Network"
        )
    return model


def _units(module: nn.Module, whole: type[nn.Module] | tuple[type[nn.Module], ...]) -> Iterator[nn.Module]:
    """What gets a row: modules that stay in one piece, and those that hold no others."""
    parts = list(module.children())
    if not parts or hasattr(module, "one_row") or isinstance(module, whole):
        yield module
    else:
        for part in parts:
            yield from _units(part, whole)


def _layers(network: Network, units: set[nn.Module]) -> tuple[list[Layer], set[nn.Module], set[nn.Parameter]]:
    """A layer for each call of a unit in one forward pass; all modules that were called, and the layers' parameters."""
    names = {module: network.paper_names.get(path, path) for path, module in network.named_modules()}
    first = next(network.parameters(), torch.empty(0))
    image = torch.zeros(1, *network.expects.shape, device=first.device, dtype=first.dtype)
    field_of_view = ReceptiveField(image)
    called: set[nn.Module] = set()
    found: list[tuple[nn.Module, tuple[int, ...], int, int]] = []  # each call of a unit: its output, MACs, field
    running = 0  # MACs of the modules called since the last unit was done: its own and those inside it

    def done(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal running
        called.add(module)
        running += _macs(module, output)
        if module in units:
            found.append((module, tuple(output.shape[1:]), running, field_of_view.seen[output].size))
            running = 0

    with watched(network, done), torch.no_grad(), field_of_view:
        try:
            network(image)
        except ValueError:  # a refusal
            raise
        except Exception as problem:  # whatever a layer raises
            raise ValueError(
                f"expected layers that take an image {network.expects.shape} one after the other, got {problem!r}: "
                f"mend the chain of {network.title}"
            ) from problem

    layers: list[Layer] = []
    counted: set[nn.Parameter] = set()
    for module, shape, macs, seen in found:
        op, weights = op_of(module), list(module.parameters())
        if not macs and op.family is not Family.NORMALISATION and any(p.dim() > 1 for p in weights):
            raise ValueError(
                "expected layers whose multiplications are counted, of Conv2d and Linear, got a "
                f"{type(module).__name__}: build it of these, or leave it out"
            )
        own = {p for p in weights if p.requires_grad} - counted  # a layer that is called twice counts once
        counted |= own
        parameters = sum(p.numel() for p in own)
        layers.append(Layer(names[module], op, shape, parameters, macs, seen, module))
    return layers, called, counted


@contextmanager
def watched(network: nn.Module, hook: Callable) -> Iterator[None]:
    """`hook` is called after every module, in evaluation mode; afterwards all is as it was, training as well."""
    training = [module for module in network.modules() if module.training]
    hooks = [module.register_forward_hook(hook) for module in network.modules()]
    try:
        if training:
            network.eval()
        yield
    finally:
        for handle in hooks:
            handle.remove()
        for module in training:
            module.training = True


def _macs(module: nn.Module, output: torch.Tensor) -> int:
    """Multiply-accumulates of a module itself, for one image.

    This is what the notes work out by hand, so it stands here. torch's own `torch.utils.flop_counter` counts products
    of matrices wherever they come from, and tests hold this formula to it: as the counter it could check nothing.
    """
    if isinstance(module, nn.Conv2d):
        return module.weight.numel() * prod(output.shape[2:])
    if isinstance(module, nn.Linear):
        return module.weight.numel() * prod(output.shape[1:-1])
    return 0
