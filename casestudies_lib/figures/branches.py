"""Diagrams of what runs side by side: channels at one position, branches of a module, classifiers at the side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import ImageSpec
from casestudies_lib.figures.diagrams import colour_of, is_drawn, label_of, short_of
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, words
from casestudies_lib.inception import GoogLeNet, Inception
from casestudies_lib.measure.anatomy import anatomy, written
from casestudies_lib.measure.graph import Node, main_path, wiring
from casestudies_lib.network import Network
from casestudies_lib.page.palette import COLOURS

MOST_DOTS = 7  # of a layer's units that are drawn; more are told by dots and the number


def draw_position(chain: nn.Module, shape: tuple[int, int, int], title: str) -> HTML:
    """What a chain of convolutions does at one position: a fully connected network over the channels of a window.

    Args:
        chain: convolutions, of which only the first may read more than one pixel, and ReLUs, which are not drawn.
        shape: its input for one image, `(channels, height, width)`.
        title: what the alt text calls it.

    Raises:
        ValueError: anything else, which is no fully connected network on one window.
    """
    nodes = list(wiring(nn.Sequential(chain), shape).values())[1:]
    convs = [node for node in nodes if node.kind.startswith("conv")]
    strange = [node.kind for node in nodes if node not in convs and node.kind != "ReLU"]
    strange += [node.kind for node in convs if "groups" in node.kind or node.module.dilation != (1, 1)]
    strange += [node.kind for node in convs[1:] if node.kind != "conv 1×1"]
    if strange or not convs:
        raise ValueError(
            "expected convolutions and ReLUs, of which only the first reads more than one pixel, "
            f"got {strange or 'no convolution'}: pass a part of it"
        )
    window = convs[0].module.kernel_size[0]
    channels, side, _ = shape
    read = window * window * channels
    widths = [read, *(node.shape[0] for node in convs)]
    head = head_name(title)
    grid, lift, tall = 62, 14, 150
    cell = grid / side
    parts = [arrowhead(head), *_stack(4, tall / 2 + 20, side, cell, lift, window, COLOURS["input"])]
    parts.append(words(written(shape), 4 + grid / 2 + lift / 2, tall / 2 + grid / 2 + 36, small=True))
    left, right = 4 + grid + lift + 30, 360 - grid - lift - 36
    step = (right - left) / (len(widths) - 1)
    columns = [(left + place * step, width) for place, width in enumerate(widths)]
    dots = [_column(x, tall / 2 + 20, width) for x, width in columns]
    for before, after in pairwise(dots):
        parts += [line(f"M{x + 4:.1f},{y:.1f} L{u - 4:.1f},{v:.1f}", width=0.35) for x, y in before for u, v in after]
    for place, ((x, width), column) in enumerate(zip(columns, dots)):
        colour = COLOURS["input" if place == 0 else "conv"]
        parts += [_dot(x, y, colour) for x, y in column]
        if width > len(column):
            parts.append(words("⋮", x, column[-1][1] + 17))
        parts.append(words(f"{width:,}", x, tall + 26, small=True))
    parts.append(words(f"{window}×{window}×{channels} numbers", columns[0][0], 12, small=True))
    parts.append(words("in, one position", columns[0][0], tall + 42, small=True))
    parts.append(words("depth not to scale", 360, tall + 42, "end", small=True))
    out = convs[-1].shape
    start = 360 - grid - lift - 6
    parts += _stack(start, tall / 2 + 20, side, cell, lift, 1, COLOURS["conv"])
    parts.append(words(written(out), start + grid / 2 + lift / 2, tall / 2 + grid / 2 + 36, small=True))
    parts.append(line(f"M{4 + grid + lift + 3},{tall / 2 + 20} H{left - 9}", head=head))
    parts.append(line(f"M{columns[-1][0] + 9},{tall / 2 + 20} H{start - 3}", head=head))
    sizes = " to ".join(f"{width:,}" for width in widths[1:]) + (" unit" if widths[1:] == [1] else " units")
    alt = (
        f"{title}: of an input of {written(shape)}, one position, {window}×{window} pixels through all {channels} "
        f"channels, goes as {read:,} numbers into a fully connected network of {sizes}, whose results are the "
        f"channels of one position of the output, {written(out)}."
    )
    return picture(parts, 360, tall + 50, alt, "30em")


def _stack(left: float, middle: float, side: int, cell: float, lift: float, window: int, colour: str) -> Iterator[str]:
    """A volume from the front as a grid, with the window in its middle running into the page."""
    top = middle - side * cell / 2
    long = side * cell
    block = f"M{left},{top} l{lift},{-lift} h{long} v{long} l{-lift},{lift} M{left + long},{top} l{lift},{-lift}"
    yield line(block, width=0.7)
    lines = range(side + 1) if side <= 12 else (0, side)
    rules = "".join(f"M{left + i * cell:.1f},{top} v{long} M{left},{top + i * cell:.1f} h{long} " for i in lines)
    yield line(rules, width=0.5)
    wide = max(window * cell, 5)  # a single pixel of a large image is drawn larger than it is
    x, y = (f"{edge + (side - window) // 2 * cell:.1f}" for edge in (left, top))
    front = f"M{x},{y} h{wide:.1f} v{wide:.1f} h{-wide:.1f} z"
    above = f"M{x},{y} l{lift},{-lift} h{wide:.1f} l{-lift},{lift} z"
    beside = f"M{x},{y} m{wide:.1f},0 l{lift},{-lift} v{wide:.1f} l{-lift},{lift} z"
    yield line(f"{front} {above} {beside}", fill=colour)


def _column(x: float, middle: float, width: int) -> list[tuple[float, float]]:
    """Where a layer's dots stand."""
    shown = min(width, MOST_DOTS)
    return [(x, middle + (place - (shown - 1) / 2) * 17) for place in range(shown)]


def _dot(x: float, y: float, colour: str) -> str:
    return line(f"M{x - 4:.1f},{y:.1f} a4,4 0 1,0 8,0 a4,4 0 1,0 -8,0", width=0.7, fill=colour)


def draw_channels(chain: nn.Sequential, shape: tuple[int, int, int], title: str) -> HTML:
    """Which channel each convolution of a chain reads for which: a line for each window, thick where it is not 1 x 1.

    Args:
        chain: convolutions, of few channels.
        shape: its input for one image, `(channels, side, side)`.
        title: what the alt text calls it.

    Raises:
        ValueError: another layer than a convolution, or an image that is no square.
    """
    if shape[1] != shape[2]:
        raise ValueError(f"expected a square image, got {written(shape)}: draw a square one")
    nodes = list(wiring(chain, shape).values())
    if strange := [node.kind for node in nodes[1:] if "conv" not in node.kind]:
        raise ValueError(f"expected a chain of convolutions only, got {strange}: pass a part of it")
    counted = anatomy(Network(title, ImageSpec(shape[0], shape[1]), {"layers": chain})).layers
    cell, gap, between, top = 5, 11, 112, 40
    tall = max(node.shape[0] * (node.shape[1] * cell + gap) for node in nodes)
    x, parts, spoken, behind = 2, [], [f"{nodes[0].shape[0]} channels of {_sides(nodes[0])}"], []
    for node in nodes:
        count, side = node.shape[0], node.shape[1] * cell
        first = top + (tall - count * (side + gap) + gap) / 2
        maps = [first + place * (side + gap) + side / 2 for place in range(count)]
        if node.module is not None:
            conv = node.module
            reads = conv.in_channels // conv.groups
            window = conv.kernel_size[0]
            macs = next(layer.macs for layer in counted if layer.module is conv)
            for place, y in enumerate(maps):
                start = place * conv.groups // count * reads
                for source in behind[start : start + reads]:
                    ends = f"M{x - between + 5:.1f},{source:.1f} L{x - 5:.1f},{y:.1f}"
                    parts.append(line(ends, width=2 if window > 1 else 0.7))
            windows = f"{reads * count} windows {window}×{window}"
            parts.append(words(windows, x - between / 2, 12, small=True))
            parts.append(words(f"{macs:,} MACs", x - between / 2, 26, small=True))
            spoken.append(
                f"{reads * count} windows of {window}×{window}, each output channel reading {reads} of "
                f"{conv.in_channels}, {macs:,} multiply-accumulates, give {count} channels of {_sides(node)}"
            )
        for y in maps:
            parts += box("", x + side / 2, y, side, side, colour_of(node))
            grid = "".join(
                f"M{x + i * cell},{y - side / 2:.1f} v{side} M{x},{y - side / 2 + i * cell:.1f} h{side} "
                for i in range(1, node.shape[1])
            )
            parts.append(line(grid, width=0.3))
        parts.append(words(written(node.shape), x + side / 2, top + tall + 12, small=True))
        x, behind = x + side + between, maps
    return picture(
        parts,
        x - between + 8,
        top + tall + 18,
        f"{title}, from left to right: {'; '.join(spoken)}.",
        f"{0.075 * x:.0f}em",
    )


def _sides(node: Node) -> str:
    return "×".join(map(str, node.shape[1:]))


def draw_branches(module: nn.Module, shape: tuple[int, int, int], title: str) -> HTML:
    """A module whose branches run side by side and are joined: each branch a column, the joined channels a bar.

    The bar is to scale and in the order in which the channels are stacked.

    Args:
        module: a module that ends in a concatenation.
        shape: its input for one image, `(channels, height, width)`.
        title: what the alt text calls it.

    Raises:
        ValueError: a module that does not end in a concatenation of channels, or a branch that is no chain of layers.
    """
    nodes = wiring(module, shape)
    join = nodes[next(reversed(nodes))]
    if join.kind != "concatenation":
        raise ValueError(f"expected a module that ends in a concatenation, got {join.kind}: draw it with draw_block")
    branches = [list(_branch(nodes, name)) for name in join.reads]
    boxes = [[node for node in branch if is_drawn(node)] for branch in branches]
    if not all(boxes) or sum(branch[-1].shape[0] for branch in branches) != join.shape[0]:
        raise ValueError(
            "expected branches of at least one layer each, from the input to one concatenation of channels, got "
            f"{[[node.kind for node in branch] for branch in branches]}: draw its parts"
        )
    wide, tall, rows = 360 / len(branches), 30, max(map(len, boxes))
    head = head_name(title)
    top, pitch = 48, 62
    bottom = top + rows * pitch
    parts = [arrowhead(head), words(written(shape), 180, 14)]
    spoken, from_left = [], 0.0
    for number, (branch, drawn) in enumerate(zip(branches, boxes)):
        x = (number + 0.5) * wide
        first = rows - len(drawn)
        parts.append(line(f"M180,20 C180,36 {x},24 {x},{top + first * pitch - 2}", head=head))
        for row, node in enumerate(drawn, start=first):
            y = top + row * pitch
            kind, _, size = label_of(node).partition(", ")
            parts += box("", x, y + tall / 2, wide - 8, tall, colour_of(node))
            parts.append(words(kind, x, y + (12 if size else 19), small=True))
            parts += [words(f"{size} channels", x, y + 25, small=True)] if size else []
            if row + 1 < rows:
                parts.append(line(f"M{x},{y + tall} V{y + pitch - 2}", head=head))
        width = branch[-1].shape[0]
        long = 360 * width / join.shape[0]
        parts += box(str(width), from_left + long / 2, bottom + 26, long - 2, 20, colour_of(drawn[-1]), small=True)
        end, middle = bottom - pitch + tall, from_left + long / 2
        curve = f"M{x},{end} C{x},{end + 24} {middle:.1f},{end + 16} {middle:.1f},{bottom + 14}"
        parts.append(line(curve, head=head))
        from_left += long
        said = [label_of(node) + " channels" * ("conv" in node.kind) for node in drawn]
        pooled = "conv" not in drawn[-1].kind
        spoken.append(" then ".join(said) + f", {width} channels" * pooled)
    widths = " + ".join(str(branch[-1].shape[0]) for branch in branches)
    parts.append(words(f"{written(join.shape)}, stacked: {widths}", 180, bottom + 54))
    alt = (
        f"{title}: {len(branches)} branches read the same {written(shape)}. From left to right: {'; '.join(spoken)}. "
        f"Their outputs are stacked, {widths}, to {written(join.shape)}."
    )
    return picture(parts, 360, bottom + 62, alt, "34em")


def _branch(nodes: dict[str, Node], name: str) -> Iterator[Node]:
    """The steps from a module's input to `name`, in order."""
    node = nodes[name]
    if len(node.reads) > 1:
        raise ValueError(f"expected branches that are chains, got {node.kind} inside one: draw its parts")
    if node.kind != "input":
        yield from _branch(nodes, node.reads[0])
        yield node


def draw_side_branches(network: GoogLeNet) -> HTML:
    """GoogLeNet from top to bottom, its modules in one piece, its side branches beside the modules that they read.

    Raises:
        ValueError: another network.
    """
    if not isinstance(network, GoogLeNet):
        raise ValueError(f"expected a GoogLeNet, got a {type(network).__name__}: pass googlenet(aux=True)")
    method = "forward_with_aux" if hasattr(network, "aux1") else "forward"
    nodes = wiring(network, network.expects.shape, whole=(Inception,), method=method)
    main = [nodes[name] for name in main_path(nodes)]
    order = [node for node in main if _shown(node)]
    side: dict[str, list[Node]] = {}
    start: dict[str, str] = {}  # a step beside the main path -> the step of the main path that its branch leaves
    names = {node.name for node in main}
    for node in nodes.values():
        if node.name not in names:
            before = node.reads[0]
            start[node.name] = before if before in names else start[before]
            if _shown(node):
                side.setdefault(start[node.name], []).append(node)
    pitch, top, middle = 27, 46, 124
    head = head_name(network.title)
    place = {node.name: top + row * pitch for row, node in enumerate(order)}
    parts = [arrowhead(head), words("size", 0, 16, "start", small=True)]
    parts.append(words(written(network.expects.shape), middle, 16))
    parts.append(line(f"M{middle},22 V{top - 11}", head=head))
    before = None
    for node, after in zip(order, [*order[1:], None]):
        y = place[node.name]
        height = node.shape[1] if len(node.shape) == 3 else 1
        if height != before:
            parts.append(words(f"{height}×{height}", 0, y + 4, "start", small=True))
        before = height
        parts += box(_named(node), middle, y, 146, 20, _colour(node), small=True)
        if after is not None:
            parts.append(line(f"M{middle},{y + 10} V{place[after.name] - 11}", head=head))
    spoken = []
    for module, branch in side.items():
        y = place[module]
        parts.append(line(f"M{middle + 73},{y} H{234}", head=head))
        for row, node in enumerate(branch):
            parts += box(_named(node), 296, y + row * 19, 124, 16, _colour(node), small=True)
        spoken.append(f"from {_module(nodes[module])} {', '.join(_named(node) for node in branch)}")
    alt = f"{network.title}, from top to bottom: {', '.join(_named(node) for node in order)}."
    alt += f" Side branches: {'; '.join(spoken)}." if spoken else " No side branches."
    return picture(parts, 360, top + len(order) * pitch, alt, "32em")


def _shown(node: Node) -> bool:
    return is_drawn(node) or node.kind == "adaptive average" or isinstance(node.module, Inception)


def _module(node: Node) -> str:
    return node.name.removeprefix("inception")


def _named(node: Node) -> str:
    if isinstance(node.module, Inception):
        return f"{_module(node)}: Inception, {node.shape[0]}"
    if node.kind == "adaptive average":
        return f"adaptive pool to {node.shape[1]}×{node.shape[2]}"
    return short_of(node) if "pool" in node.kind and "global" not in node.kind else label_of(node)


def _colour(node: Node) -> str:
    return COLOURS["output"] if isinstance(node.module, Inception) else colour_of(node)
