"""Diagrams of what reads what: a block with its shortcut, and whole networks side by side, drawn from their wiring."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby, pairwise

from IPython.display import HTML
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, plus, words
from casestudies_lib.measure.anatomy import Anatomy, Layer, written
from casestudies_lib.measure.graph import Node, Shortcut, main_path, shortcuts, wiring
from casestudies_lib.page.palette import COLOURS


def draw_block(block: nn.Module, shape: tuple[int, ...], title: str) -> HTML:
    """One block from top to bottom: the main path, the shortcut around it, and what the notes call each result.

    Args:
        block: a block of a plain or residual network.
        shape: its input for one image, `(channels, height, width)`.
        title: what the alt text calls it.
    """
    nodes = wiring(block, shape, whole=(SqueezeExcitation,))
    path = main_path(nodes)
    around = shortcuts(nodes)
    symbols = symbols_of(nodes)
    wide = max(150, *(6.6 * len(short_of(nodes[name])) for name in path))
    middle, tall, gap = 21 + wide / 2, 28, 34
    centre = {name: 26 + place * (tall + gap) for place, name in enumerate(path)}
    height = centre[path[-1]] + tall / 2 + gap
    head = head_name(title)
    parts = [arrowhead(head)]
    for above, below in pairwise(path):
        top, bottom = centre[above] + _half(nodes[above], tall), centre[below] - _half(nodes[below], tall)
        parts.append(line(f"M{middle},{top} V{bottom - 1}", head=head))
    parts.append(line(f"M{middle},{centre[path[-1]] + _half(nodes[path[-1]], tall)} V{height - 6}", head=head))
    for name in path:
        node = nodes[name]
        if node.kind == "addition":
            parts += plus(middle, centre[name])
        elif node.kind == "input":
            parts.append(words(written(node.shape), middle, centre[name] + 4))
        else:
            parts += box(short_of(node), middle, centre[name], wide, tall, colour_of(node))
        if name in symbols:
            parts.append(words(symbols[name], middle + 10, centre[name] + _half(node, tall) + 21, "start", italic=True))
    for shortcut in around:
        right = middle + wide / 2 + 79
        top, bottom = centre[shortcut.start] + _half(nodes[shortcut.start], tall) + 6, centre[shortcut.end]
        half = (tall + 8) * len(shortcut.through) / 2
        out = f"M{middle},{top} C{right},{top} {right},{top} {right},{top + 50} V{(top + bottom) / 2 - half}"
        back = f"M{right},{(top + bottom) / 2 + half} V{bottom - 50} "
        back += f"C{right},{bottom} {right},{bottom} {middle + 13},{bottom}"
        parts += [line(out, width=2), line(back, width=2, head=head)]
        for place, name in enumerate(shortcut.through):
            y = (top + bottom) / 2 + (place - (len(shortcut.through) - 1) / 2) * (tall + 8)
            parts += box(short_of(nodes[name]), right, y, 120, tall, colour_of(nodes[name]))
        parts.append(words("shortcut", right, top - 4, "start"))
    start = 1 + (symbols[path[0]] == "x")
    parts.append(words("main path", 0, centre[path[start]] - tall / 2 - 10, "start"))
    spoken = ", ".join(_spoken(nodes[name], symbols) for name in path[1:])
    alt = f"{title}, from top to bottom. Main path: input {written(shape)}, {spoken}."
    for shortcut in around:
        start = symbols.get(shortcut.start, nodes[shortcut.start].kind)
        way = " through ".join(["A shortcut", *(short_of(nodes[name]) for name in shortcut.through)])
        alt += f" {way} carries {start} to the addition."
    if not around:
        alt += " No shortcut."
    return picture(parts, 180 + wide, height, alt, "24em")


def symbols_of(nodes: dict[str, Node]) -> dict[str, str]:
    """What the notes call the output of a step, worked out along the main path.

    A convolution and the normalisation after it make z, an activation makes a, an addition a sum of the two that it
    adds: `{"conv2": "z[l+2]", ...}`. Of a convolution that is normalised only the normalised output has a name.
    """
    path = main_path(nodes)
    symbols = {path[0]: "a[l]"}
    if hasattr(nodes[path[1]].module, "kind"):  # a network in one piece: what it makes is where the block begins
        symbols = {path[0]: "x", path[1]: "a[l]"}
    layer = 0
    for name, after in zip(path[1:], [*path[2:], None]):
        kind = nodes[name].kind
        if "conv" in kind:
            layer += 1
        normalised_next = after is not None and "Norm" in nodes[after].kind
        if ("conv" in kind and not normalised_next) or ("Norm" in kind and layer):
            symbols[name] = f"z[l+{layer}]"
        elif kind in ("ReLU", "ReLU6", "SiLU", "Hardswish"):
            symbols[name] = f"a[l+{layer}]" if layer else "g(a[l])"  # before the first layer: a pre-activation
        elif kind == "addition":
            symbols[name] = " + ".join(_through(nodes, other, symbols) for other in nodes[name].reads)
    return symbols


def _through(nodes: dict[str, Node], name: str, symbols: dict[str, str]) -> str:
    """The symbol of a step, or that of the step behind it, with W_s in front where there is a projection between."""
    if name in symbols:
        return symbols[name]
    behind = _through(nodes, nodes[name].reads[0], symbols).removeprefix("Wₛ ")
    return behind if nodes[name].kind == "stochastic depth" else f"Wₛ {behind}"


def draw_columns(columns: dict[str, nn.Module], shape: tuple[int, ...]) -> HTML:
    """Networks side by side, layer by layer from top to bottom, rows of equal output size at the same height.

    Layers with weights and pools are boxes (normalisation and activation go with them), shortcuts are arcs, dotted if
    something stands on them.

    Args:
        columns: title -> network or chain of blocks, as a chain without an input check, such as `network[:]`.
        shape: the input for one image.
    """
    found = {title: wiring(module, shape) for title, module in columns.items()}
    boxes = {title: [nodes[x] for x in main_path(nodes) if is_drawn(nodes[x])] for title, nodes in found.items()}
    sides = sorted({side_of(node) for column in boxes.values() for node in column}, reverse=True)
    most = {side: max(sum(side_of(node) == side for node in column) for column in boxes.values()) for side in sides}
    row, gap, left, top = 19, 7, 34, 34
    wide = 352 / len(columns)
    starts, y = {}, top
    for side in sides:
        starts[side] = y
        y += most[side] * row + gap
    height = y + 4
    head = head_name("-".join(columns))
    parts = [arrowhead(head)]
    for side in sides:
        parts.append(words(str(side), 0, starts[side] + 12, "start", small=True))
        parts.append(line(f"M0,{starts[side] - gap / 2} H{left + 352}", width=0.4, dashes="2 3"))
    parts.append(words("size", 0, top - 10, "start", small=True))
    spoken = []
    for number, (title, nodes) in enumerate(found.items()):
        x = left + (number + 0.44) * wide
        parts.append(words(title, x, top - 18))
        place: dict[str, float] = {}
        count: Counter[int] = Counter()
        for node in boxes[title]:
            place[node.name] = starts[side_of(node)] + count[side_of(node)] * row + row / 2
            count[side_of(node)] += 1
        around = shortcuts(nodes)
        for above, below in zip(boxes[title], boxes[title][1:]):
            parts.append(line(f"M{x:.1f},{place[above.name] + 6.5} V{place[below.name] - 6.5}"))
        width = min(wide * 0.8, 92)
        for node in boxes[title]:
            parts += box(label_of(node), x, place[node.name], width, 13, colour_of(node), small=True)
        order = main_path(nodes)
        for shortcut in around:
            parts.append(_arc(shortcut, order, place, x + width / 2, head))
        runs = [f"{len(list(same))} × {label}" for label, same in groupby(boxes[title], label_of)]
        dotted = sum(bool(shortcut.through) for shortcut in around)
        arcs = f"{len(around)} shortcuts, {dotted} of them dotted" if around else "no shortcuts"
        spoken.append(f"{title}: {', '.join(runs)}; {arcs}.")
    alt = f"{len(columns)} networks side by side, from top to bottom. " + " ".join(spoken)
    return picture(parts, left + 352, height, alt, f"{13 * len(columns)}em")


def draw_scaled(columns: dict[str, Anatomy]) -> HTML:
    """Networks of one family side by side: the image to scale, and a bar for each block, as wide as its channels.

    Args:
        columns: title -> network, taken apart with its blocks in one piece.

    Raises:
        ValueError: no network, or one without blocks in one piece.
    """
    blocks = {title: [x for x in found.layers if "block" in x.kind] for title, found in columns.items()}
    if not blocks:
        raise ValueError("expected at least one network to draw, got none: pass a title and what anatomy found")
    if empty := [title for title, those in blocks.items() if not those]:
        raise ValueError(f"expected networks taken apart in blocks, got no block in {empty[0]!r}: pass whole=MBConv")
    side = 48 / max(found.input_shape[1] for found in columns.values())
    channel = 66 / max(layer.shape[0] for those in blocks.values() for layer in those)
    step = 372 / len(columns)
    first = next(iter(columns.values()))
    top, parts, spoken = 82, [], []
    for number, (title, found) in enumerate(columns.items()):
        x, size = (number + 0.5) * step, found.input_shape[1] * side
        parts.append(words(title, x, 11))
        parts += box("", x, 72 - size / 2, size, round(size, 1), COLOURS["input"])
        for place, layer in enumerate(blocks[title]):
            wide = layer.shape[0] * channel
            parts += box("", x, top + place * 5, wide, 3.4, colour_of(layer))
        parts.append(words(f"{found.macs / first.macs:.2f} × MACs", x, top + 5 * len(blocks[title]) + 12, small=True))
        spoken.append(
            f"{title}: image of {found.input_shape[1]} pixels, {len(blocks[title])} blocks with up to "
            f"{max(layer.shape[0] for layer in blocks[title])} channels, {found.macs / first.macs:.2f} times the "
            "multiply-accumulates of the first"
        )
    height = top + 5 * max(map(len, blocks.values())) + 20
    return picture(parts, 372, height, f"Networks side by side. {'; '.join(spoken)}.", "32em")


def _arc(shortcut: Shortcut, order: list[str], place: dict[str, float], edge: float, head: str) -> str:
    """From below the last box before the shortcut to below the last box that it goes around."""
    last = [name for name in order[: order.index(shortcut.start) + 1] if name in place]
    start = place[last[-1]] + 9.5 if last else min(place.values()) - 9.5
    inside = [name for name in order[: order.index(shortcut.end)] if name in place]
    end = place[inside[-1]] + 9.5
    out = edge + 15
    arc = f"M{edge - 8:.1f},{start} H{edge:.1f} C{out:.1f},{start} {out:.1f},{end} {edge:.1f},{end} H{edge - 8:.1f}"
    return line(arc, head=head, dashes="3 2" if shortcut.through else None)


def is_drawn(node: Node) -> bool:
    """Whether a step has its own box: layers with weights, and pools."""
    return any(word in node.kind for word in ("conv", "pool", "fully connected"))


def side_of(node: Node) -> int:
    """Height of a step's output."""
    return node.shape[1] if len(node.shape) == 3 else 1


def short_of(node: Node) -> str:
    """`3×3 conv, 64, /2` as the paper words it."""
    kind = {"BatchNorm2d": "batch norm", "ZeroPadding": "zero padding", "input": "input"}.get(node.kind, node.kind)
    match = re.fullmatch(r"(conv|depthwise conv|max pool|average pool) (\d+×\d+)(?:, stride (\d+))?", kind)
    if match:
        word, window, stride = match.groups()
        channels = f", {node.shape[0]}" if "conv" in word else ""
        return f"{window} {word}{channels}" + (f", /{stride}" if stride else "")
    return kind


def label_of(node: Node) -> str:
    """What stands in a small box."""
    if node.kind == "fully connected":
        return f"fc {node.shape[0]}"
    if node.kind == "global average pool":
        return "average pool"
    return short_of(node).removesuffix(", /2") if "pool" in node.kind else short_of(node)


def _spoken(node: Node, symbols: dict[str, str]) -> str:
    made = f" makes {symbols[node.name]}" if node.name in symbols else ""
    return f"{short_of(node)}{made}"


def colour_of(node: Node | Layer) -> str:
    """The colour of a step's kind."""
    for word in ("conv", "pool", "fully connected"):
        if word in node.kind.lower():
            return COLOURS[word]
    return COLOURS["input"]


def _half(node: Node, tall: float) -> float:
    return {"addition": 12, "input": 10}.get(node.kind, tall / 2)
