"""What branches off: the branches of a module up to their concatenation, and GoogLeNet's auxiliary classifiers."""

from __future__ import annotations

from collections.abc import Iterator

from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import checked
from casestudies_lib.figures.look import colour_of, has_box, label, label_of
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, words
from casestudies_lib.inception import GoogLeNet, Inception
from casestudies_lib.measure.anatomy import written
from casestudies_lib.measure.graph import Node, main_path, wiring
from casestudies_lib.measure.op import Family
from casestudies_lib.page.palette import COLOURS

TOP, TALL, PITCH = 48, 30, 62  # of draw_branches: the first row, a box, and from one row to the next


@checked
def draw_branches(module: nn.Module, shape: tuple[int, int, int], title: str) -> HTML:
    """A module whose branches run side by side and are joined: each branch a column, the joined channels a bar.

    The bar is to scale and in the order in which the channels are concatenated.

    Args:
        module: a module that ends in a concatenation.
        shape: its input for one image, `(channels, height, width)`.
        title: what the alt text calls it.

    Raises:
        ValueError: a module that does not end in a concatenation of channels, or a branch that is no chain of layers.
    """
    join, branches = _branches(module, shape)
    wide, rows = 360 / len(branches), max(map(len, branches))
    head, bottom = head_name(title), TOP + rows * PITCH
    parts = [arrowhead(head), words(written(shape), 180, 14)]
    from_left = 0.0
    for number, branch in enumerate(branches):
        x, first = (number + 0.5) * wide, rows - len(branch)
        parts.append(line(f"M180,20 C180,36 {x},24 {x},{TOP + first * PITCH - 2}", head=head))
        for row, node in enumerate(branch, start=first):
            parts += _layer(node, x, TOP + row * PITCH, wide - 8, head, row + 1 < rows)
        long = 360 * branch[-1].shape[0] / join.shape[0]
        parts += _to_bar(branch[-1], x, bottom, from_left, long, head)
        from_left += long
    widths = " + ".join(str(branch[-1].shape[0]) for branch in branches)
    parts.append(words(f"{written(join.shape)}, concatenated: {widths}", 180, bottom + 54))
    alt = (
        f"{title}: {len(branches)} branches read the same {written(shape)}. From left to right: "
        f"{'; '.join(map(_spoken, branches))}. Their outputs are concatenated, {widths}, to {written(join.shape)}."
    )
    return picture(parts, 360, bottom + 62, alt, "34em")


def _branches(module: nn.Module, shape: tuple[int, int, int]) -> tuple[Node, list[list[Node]]]:
    """The concatenation that a module ends in, and the layers of each of its branches."""
    nodes = wiring(module, shape)
    join = nodes[next(reversed(nodes))]
    if join.op.family is not Family.CONCATENATION:
        raise ValueError(f"expected a module that ends in a concatenation, got {join.op}: draw it with draw_block")
    branches = [list(_branch(nodes, name)) for name in join.reads]
    boxes = [[node for node in branch if has_box(node)] for branch in branches]
    if not all(boxes) or sum(nodes[name].shape[0] for name in join.reads) != join.shape[0]:
        raise ValueError(
            "expected branches of at least one layer each, from the input to one concatenation of channels, got "
            f"{[[str(node.op) for node in branch] for branch in branches]}: draw its parts"
        )
    return join, boxes


def _branch(nodes: dict[str, Node], name: str) -> Iterator[Node]:
    """The steps from a module's input to `name`, in order."""
    node = nodes[name]
    if len(node.reads) > 1:
        raise ValueError(f"expected branches that are chains, got {node.op} inside one: draw its parts")
    if node.op.family is not Family.INPUT:
        yield from _branch(nodes, node.reads[0])
        yield node


def _layer(node: Node, x: float, y: float, wide: float, head: str, goes_on: bool) -> Iterator[str]:
    """A box with its operation and, of a convolution, its channels below; an arrow if another layer follows."""
    conv = node.op.family is Family.CONV
    yield from box("", x, y + TALL / 2, wide, TALL, colour_of(node.op))
    yield words(label(node.op) if conv else label_of(node), x, y + (12 if conv else 19), small=True)
    if conv:
        yield words(f"{node.shape[0]} channels", x, y + 25, small=True)
    if goes_on:
        yield line(f"M{x},{y + TALL} V{y + PITCH - 2}", head=head)


def _to_bar(last: Node, x: float, bottom: float, from_left: float, long: float, head: str) -> Iterator[str]:
    """A branch's part of the bar, and the curve that leads to it."""
    middle, end = from_left + long / 2, bottom - PITCH + TALL
    yield from box(str(last.shape[0]), middle, bottom + 26, long - 2, 20, colour_of(last.op), small=True)
    yield line(f"M{x},{end} C{x},{end + 24} {middle:.1f},{end + 16} {middle:.1f},{bottom + 14}", head=head)


def _spoken(branch: list[Node]) -> str:
    said = [label_of(node) + " channels" * (node.op.family is Family.CONV) for node in branch]
    width = "" if branch[-1].op.family is Family.CONV else f", {branch[-1].shape[0]} channels"
    return " then ".join(said) + width


def draw_auxiliary_classifiers(network: GoogLeNet) -> HTML:
    """GoogLeNet from top to bottom, its modules in one piece, the auxiliary classifiers beside the modules they read.

    Raises:
        ValueError: another network.
    """
    if not isinstance(network, GoogLeNet):
        raise ValueError(f"expected a GoogLeNet, got a {type(network).__name__}: pass googlenet(aux=True)")
    method = "forward_with_aux" if hasattr(network, "aux1") else "forward"
    nodes = wiring(network, network.expects.shape, whole=(Inception,), method=method)
    path = main_path(nodes)
    column = [nodes[name] for name in path if _is_shown(nodes[name])]
    beside = _beside(nodes, path)
    pitch, top, middle, head = 27, 46, 124, head_name(network.title)
    place = {node.name: top + row * pitch for row, node in enumerate(column)}
    parts = [arrowhead(head), words("size", 0, 16, "start", small=True)]
    parts.append(words(written(network.expects.shape), middle, 16))
    parts.append(line(f"M{middle},22 V{top - 11}", head=head))
    for before, node, after in zip([None, *column], column, [*column[1:], None]):
        y = place[node.name]
        if before is None or _side(node) != _side(before):
            parts.append(words(f"{_side(node)}×{_side(node)}", 0, y + 4, "start", small=True))
        parts += box(_named(node), middle, y, 146, 20, _colour(node), small=True)
        if after is not None:
            parts.append(line(f"M{middle},{y + 10} V{place[after.name] - 11}", head=head))
    for start, classifier in beside.items():
        parts.append(line(f"M{middle + 73},{place[start]} H{234}", head=head))
        for row, node in enumerate(classifier):
            parts += box(_named(node), 296, place[start] + row * 19, 124, 16, _colour(node), small=True)
    spoken = [
        f"from {_module(nodes[start])} {', '.join(map(_named, classifier))}" for start, classifier in beside.items()
    ]
    alt = f"{network.title}, from top to bottom: {', '.join(map(_named, column))}."
    alt += f" Auxiliary classifiers: {'; '.join(spoken)}." if spoken else " No auxiliary classifiers."
    return picture(parts, 360, top + len(column) * pitch, alt, "32em")


def _beside(nodes: dict[str, Node], path: list[str]) -> dict[str, list[Node]]:
    """A step of the main path -> the steps with boxes that branch off there and never come back."""
    beside: dict[str, list[Node]] = {}
    start = {name: name for name in path}  # a step -> the step of the main path where its branch begins
    for node in nodes.values():
        if node.name not in start:
            start[node.name] = start[node.reads[0]]
            if _is_shown(node):
                beside.setdefault(start[node.name], []).append(node)
    return beside


def _is_shown(node: Node) -> bool:
    return has_box(node) or node.op.family is Family.ADAPTIVE_POOL or isinstance(node.module, Inception)


def _side(node: Node) -> int:
    return node.shape[1] if len(node.shape) == 3 else 1


def _module(node: Node) -> str:
    return node.name.removeprefix("inception")


def _named(node: Node) -> str:
    if isinstance(node.module, Inception):
        return f"{_module(node)}: Inception, {node.shape[0]}"
    if node.op.family is Family.ADAPTIVE_POOL:
        return f"adaptive pool to {node.shape[1]}×{node.shape[2]}"
    return label_of(node)


def _colour(node: Node) -> str:
    return COLOURS["output"] if isinstance(node.module, Inception) else colour_of(node.op)
