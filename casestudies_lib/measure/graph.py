"""Which layer reads which: followed through the live module by torch.fx; a picture then shows what `forward` does."""

from __future__ import annotations

import copy
import io
import operator
from contextlib import redirect_stderr
from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from casestudies_lib.checks import checked
from casestudies_lib.measure.op import Family, Op, op_of


@dataclass(frozen=True)
class Node:
    """One step of a forward pass.

    Attributes:
        name: unique, from the module's path or the function.
        op: what it does: a layer's operation, an input, an addition, a concatenation, or another function by its name.
        reads: names of the nodes whose outputs it takes, in order.
        shape: its output for one image, `(channels, height, width)` or `(units,)`; empty where nobody asked.
        module: the live module, if it is one.
    """

    name: str
    op: Op
    reads: tuple[str, ...]
    shape: tuple[int, ...]
    module: nn.Module | None


class _Tracer(fx.Tracer):
    """Steps into containers; a module of a class in `whole`, or without children, is one step."""

    def __init__(self, whole: tuple[type[nn.Module], ...], method: str) -> None:
        super().__init__()
        self.whole = whole
        self.traced_func_name = method

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        return isinstance(module, self.whole) or not any(True for _ in module.children())


@checked
def wiring(
    module: nn.Module,
    shape: tuple[int, ...] | None,
    *,
    whole: tuple[type[nn.Module], ...] = (),
    method: str = "forward",
) -> dict[str, Node]:
    """The steps of a module's forward pass by name, in order, for one input of `shape` without the batch axis.

    Modules that do nothing (`nn.Identity`) are left out: a step that reads one is said to read what comes before it. A
    network's check of its input is no step.

    Args:
        module: what to follow.
        shape: one input, `(channels, height, width)`; None leaves out all shapes, which take most of the time.
        whole: classes of modules that stay in one piece.
        method: the method to follow instead of `forward`.

    Raises:
        ValueError: a forward pass that depends on the data, which no single picture shows.
    """
    nodes: dict[str, Node] = {}
    instead: dict[str, str] = {}  # an identity's name -> the step before it
    for step in _traced(module, shape, whole, method).nodes:
        reads = tuple(instead.get(before.name, before.name) for before in step.all_input_nodes)
        live = module.get_submodule(step.target) if step.op == "call_module" else None
        if isinstance(live, nn.Identity):
            instead[step.name] = reads[0]
        elif step.op != "output":
            made = tuple(step.meta["tensor_meta"].shape[1:]) if shape is not None else ()
            nodes[step.name] = Node(step.name, _op(step, live), reads, made, live)
    return nodes


def _traced(
    module: nn.Module, shape: tuple[int, ...] | None, whole: tuple[type[nn.Module], ...], method: str
) -> fx.Graph:
    """The graph of a copy of the module, with the shape of each result if one of an input is given."""
    meta = copy.deepcopy(module).to("meta").eval()
    if not callable(getattr(meta, method, None)):
        raise ValueError(f"expected method to be one of a {type(module).__name__}, got {method!r}: pass 'forward'")
    try:
        graph = _Tracer(whole, method).trace(meta)
    except (fx.proxy.TraceError, ValueError) as problem:
        raise ValueError(
            f"expected a {type(module).__name__} whose forward pass does not depend on the data, got one that does "
            f"({problem}): pass a part of it"
        ) from None
    if shape is not None:
        try:
            with redirect_stderr(io.StringIO()):  # torch prints what it raises
                ShapeProp(fx.GraphModule(meta, graph)).propagate(torch.empty(1, *shape, device="meta"))
        except (RuntimeError, TypeError, ValueError, IndexError) as problem:
            raise ValueError(
                f"expected shape to be one input of the {type(module).__name__} without the batch axis, got {shape} "
                f"({problem.__cause__ or problem}): pass for example (3, 32, 32)"
            ) from None
    return graph


_FUNCTIONS: dict[object, Op] = {
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), Op(Family.ADDITION, "addition")),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), Op(Family.CONCATENATION, "concatenation")),
}


def _op(step: fx.Node, live: nn.Module | None) -> Op:
    """What a step of the graph does."""
    if live is not None:
        return op_of(live)
    if step.op == "placeholder":
        return Op(Family.INPUT, "input")
    name = getattr(step.target, "__name__", str(step.target))
    return _FUNCTIONS.get(step.target, Op(Family.OTHER, name))


@checked
def main_path(nodes: dict[str, Node]) -> list[str]:
    """The longest way from the input to the last node: what the notes call the main path."""
    if not nodes:
        raise ValueError("expected the steps of a forward pass, got none: pass what wiring() found")
    longest: dict[str, list[str]] = {}
    for node in nodes.values():
        longest[node.name] = [*max((longest[name] for name in node.reads), key=len, default=[]), node.name]
    return longest[next(reversed(nodes))]


@dataclass(frozen=True)
class Shortcut:
    """A way around a part of the main path.

    Attributes:
        start: the node of the main path that it leaves.
        end: the addition where it comes back.
        through: the nodes on the way; none for the identity.
    """

    start: str
    end: str
    through: tuple[str, ...]


@checked
def shortcuts(nodes: dict[str, Node]) -> list[Shortcut]:
    """Every way around a part of the main path that ends in an addition, in order."""
    path = main_path(nodes)
    before = dict(zip(path[1:], path))
    found = []
    for name in path:
        if nodes[name].op.family is Family.ADDITION:
            for other in nodes[name].reads:
                if other != before[name]:
                    through: list[str] = []
                    while other not in before and other != path[0]:
                        through.insert(0, other)
                        other = nodes[other].reads[0]
                    found.append(Shortcut(other, name, tuple(through)))
    return found
