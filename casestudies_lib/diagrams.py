"""Diagrams of what reads what: a block with its shortcut, and whole networks side by side, drawn from their wiring."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby, pairwise

from IPython.display import HTML
from torch import nn

from casestudies_lib.anatomy import written
from casestudies_lib.drawing import CENTRED, COLOURS
from casestudies_lib.markup import tag, text
from casestudies_lib.wiring import Node, Shortcut, main_path, shortcuts, wiring


def draw_block(block: nn.Module, shape: tuple[int, ...], title: str) -> HTML:
    """One block from top to bottom: the main path, the shortcut around it, and what the notes call each result.

    Args:
        block: a block of a plain or residual network.
        shape: its input for one image, `(channels, height, width)`.
        title: what the alt text calls it.
    """
    nodes = wiring(block, shape)
    path = main_path(nodes)
    around = shortcuts(nodes)
    symbols = symbols_of(nodes)
    middle, wide, tall, gap = 96, 150, 28, 34
    centre = {name: 26 + place * (tall + gap) for place, name in enumerate(path)}
    height = centre[path[-1]] + tall / 2 + gap
    head = _head(title)
    parts = [_arrowhead(head)]
    for above, below in pairwise(path):
        top, bottom = centre[above] + _half(nodes[above], tall), centre[below] - _half(nodes[below], tall)
        parts.append(_line(f"M{middle},{top} V{bottom - 1}", head=head))
    parts.append(_line(f"M{middle},{centre[path[-1]] + _half(nodes[path[-1]], tall)} V{height - 6}", head=head))
    for name in path:
        node = nodes[name]
        if node.kind == "addition":
            parts += _plus(middle, centre[name])
        elif node.kind == "input":
            parts.append(_words(written(node.shape), middle, centre[name] + 4))
        else:
            parts += _box(_short(node), middle, centre[name], wide, tall, _colour(node))
        if name in symbols:
            parts.append(
                _words(symbols[name], middle + 10, centre[name] + _half(node, tall) + 21, "start", italic=True)
            )
    for shortcut in around:
        right = 250
        top, bottom = centre[shortcut.start] + _half(nodes[shortcut.start], tall) + 6, centre[shortcut.end]
        half = (tall + 8) * len(shortcut.through) / 2
        out = f"M{middle},{top} C{right},{top} {right},{top} {right},{top + 50} V{(top + bottom) / 2 - half}"
        back = f"M{right},{(top + bottom) / 2 + half} V{bottom - 50} "
        back += f"C{right},{bottom} {right},{bottom} {middle + 13},{bottom}"
        parts += [_line(out, width=2), _line(back, width=2, head=head)]
        for place, name in enumerate(shortcut.through):
            y = (top + bottom) / 2 + (place - (len(shortcut.through) - 1) / 2) * (tall + 8)
            parts += _box(_short(nodes[name]), right, y, 120, tall, _colour(nodes[name]))
        parts.append(_words("shortcut", right, top - 4, "start"))
    start = 1 + (symbols[path[0]] == "x")
    parts.append(_words("main path", 0, centre[path[start]] - tall / 2 - 10, "start"))
    spoken = ", ".join(_spoken(nodes[name], symbols) for name in path[1:])
    alt = f"{title}, from top to bottom. Main path: input {written(shape)}, {spoken}."
    for shortcut in around:
        start = symbols.get(shortcut.start, nodes[shortcut.start].kind)
        way = " through ".join(["A shortcut", *(_short(nodes[name]) for name in shortcut.through)])
        alt += f" {way} carries {start} to the addition."
    if not around:
        alt += " No shortcut."
    return _picture(parts, 330, height, alt, "24em")


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
        if kind.startswith("conv"):
            layer += 1
        normalised_next = after is not None and "Norm" in nodes[after].kind
        if (kind.startswith("conv") and not normalised_next) or ("Norm" in kind and layer):
            symbols[name] = f"z[l+{layer}]"
        elif kind == "ReLU":
            symbols[name] = f"a[l+{layer}]" if layer else "g(a[l])"  # before the first layer: a pre-activation
        elif kind == "addition":
            symbols[name] = " + ".join(_through(nodes, other, symbols) for other in nodes[name].reads)
    return symbols


def _through(nodes: dict[str, Node], name: str, symbols: dict[str, str]) -> str:
    """The symbol of a step, or W_s in front of that of the step behind a projection."""
    if name in symbols:
        return symbols[name]
    return "Wₛ " + _through(nodes, nodes[name].reads[0], symbols).removeprefix("Wₛ ")


def draw_columns(columns: dict[str, nn.Module], shape: tuple[int, ...]) -> HTML:
    """Networks side by side, layer by layer from top to bottom, rows of equal output size at the same height.

    Layers with weights and pools are boxes (normalisation and activation go with them), shortcuts are arcs, dotted if
    something stands on them.

    Args:
        columns: title -> network or chain of blocks, as a chain without an input check, such as `network[:]`.
        shape: the input for one image.
    """
    found = {title: wiring(module, shape) for title, module in columns.items()}
    boxes = {title: [nodes[name] for name in main_path(nodes) if _drawn(nodes[name])] for title, nodes in found.items()}
    sides = sorted({_side(node) for column in boxes.values() for node in column}, reverse=True)
    most = {side: max(sum(_side(node) == side for node in column) for column in boxes.values()) for side in sides}
    row, gap, left, top = 19, 7, 34, 34
    wide = 352 / len(columns)
    starts, y = {}, top
    for side in sides:
        starts[side] = y
        y += most[side] * row + gap
    height = y + 4
    head = _head("-".join(columns))
    parts = [_arrowhead(head)]
    for side in sides:
        parts.append(_words(str(side), 0, starts[side] + 12, "start", small=True))
        parts.append(_line(f"M0,{starts[side] - gap / 2} H{left + 352}", width=0.4, dashes="2 3"))
    parts.append(_words("size", 0, top - 10, "start", small=True))
    spoken = []
    for number, (title, nodes) in enumerate(found.items()):
        x = left + (number + 0.44) * wide
        parts.append(_words(title, x, top - 18))
        place: dict[str, float] = {}
        count: Counter[int] = Counter()
        for node in boxes[title]:
            place[node.name] = starts[_side(node)] + count[_side(node)] * row + row / 2
            count[_side(node)] += 1
        around = shortcuts(nodes)
        for above, below in zip(boxes[title], boxes[title][1:]):
            parts.append(_line(f"M{x:.1f},{place[above.name] + 6.5} V{place[below.name] - 6.5}"))
        width = min(wide * 0.8, 92)
        for node in boxes[title]:
            parts += _box(_label(node), x, place[node.name], width, 13, _colour(node), small=True)
        order = main_path(nodes)
        for shortcut in around:
            parts.append(_arc(shortcut, order, place, x + width / 2, head))
        runs = [f"{len(list(same))} × {label}" for label, same in groupby(boxes[title], _label)]
        dotted = sum(bool(shortcut.through) for shortcut in around)
        arcs = f"{len(around)} shortcuts, {dotted} of them dotted" if around else "no shortcuts"
        spoken.append(f"{title}: {', '.join(runs)}; {arcs}.")
    alt = f"{len(columns)} networks side by side, from top to bottom. " + " ".join(spoken)
    return _picture(parts, left + 352, height, alt, f"{13 * len(columns)}em")


def _arc(shortcut: Shortcut, order: list[str], place: dict[str, float], edge: float, head: str) -> str:
    """From below the last box before the shortcut to below the last box that it goes around."""
    last = [name for name in order[: order.index(shortcut.start) + 1] if name in place]
    start = place[last[-1]] + 9.5 if last else min(place.values()) - 9.5
    inside = [name for name in order[: order.index(shortcut.end)] if name in place]
    end = place[inside[-1]] + 9.5
    out = edge + 15
    arc = f"M{edge - 8:.1f},{start} H{edge:.1f} C{out:.1f},{start} {out:.1f},{end} {edge:.1f},{end} H{edge - 8:.1f}"
    return _line(arc, head=head, dashes="3 2" if shortcut.through else None)


def _drawn(node: Node) -> bool:
    return node.kind.startswith(("conv", "fully")) or "pool" in node.kind


def _side(node: Node) -> int:
    return node.shape[1] if len(node.shape) == 3 else 1


def _short(node: Node) -> str:
    """`3×3 conv, 64, /2` as the paper words it."""
    kind = {"BatchNorm2d": "batch norm", "ZeroPadding": "zero padding", "input": "input"}.get(node.kind, node.kind)
    match = re.fullmatch(r"(conv|max pool|average pool) (\d+×\d+)(?:, stride (\d+))?", kind)
    if match:
        word, window, stride = match.groups()
        channels = f", {node.shape[0]}" if word == "conv" else ""
        return f"{window} {word}{channels}" + (f", /{stride}" if stride else "")
    return kind


def _label(node: Node) -> str:
    if node.kind == "fully connected":
        return f"fc {node.shape[0]}"
    if node.kind == "global average pool":
        return "average pool"
    return _short(node).removesuffix(", /2") if "pool" in node.kind else _short(node)


def _spoken(node: Node, symbols: dict[str, str]) -> str:
    made = f" makes {symbols[node.name]}" if node.name in symbols else ""
    return f"{_short(node)}{made}"


def _colour(node: Node) -> str:
    for word in ("conv", "pool", "fully connected"):
        if word in node.kind:
            return COLOURS[word]
    return COLOURS["input"]


def _half(node: Node, tall: float) -> float:
    return {"addition": 12, "input": 10}.get(node.kind, tall / 2)


def _box(words: str, x: float, y: float, wide: float, tall: float, colour: str, small: bool = False) -> list[str]:
    place = {"x": f"{x - wide / 2:.1f}", "y": f"{y - tall / 2:.1f}", "width": f"{wide:.1f}", "height": tall, "rx": 3}
    look = {"fill": colour, "fill-opacity": 0.28, "stroke": colour, "stroke-width": 1}
    return [tag("rect", **place, **look), _words(words, x, y + (3.2 if small else 4.5), small=small)]


def _plus(x: float, y: float) -> list[str]:
    circle = f"M{x - 12},{y} a12,12 0 1,0 24,0 a12,12 0 1,0 -24,0"
    return [_line(circle), _line(f"M{x - 6},{y} h12 M{x},{y - 6} v12")]


def _words(words: str, x: float, y: float, anchor: str = "middle", *, small: bool = False, italic: bool = False) -> str:
    size = {"font-size": 10} if small else {}
    style = {"font-style": "italic"} if italic else {}
    return tag("text", text(words), x=f"{x:.1f}", y=f"{y:.1f}", **{"text-anchor": anchor}, **size, **style)


def _line(path: str, *, width: float = 1.2, head: str | None = None, dashes: str | None = None) -> str:
    """A line along an SVG path, with the arrowhead of that name."""
    extra = {"marker-end": f"url(#{head})"} if head else {}
    if dashes:
        extra["stroke-dasharray"] = dashes
    return tag("path", d=path, fill="none", stroke="currentColor", **{"stroke-width": width}, **extra)


def _head(title: str) -> str:
    """A name for the picture's arrowhead that no other picture of the page has."""
    return "head-" + re.sub(r"[^a-z0-9]+", "-", title.lower())


def _arrowhead(name: str) -> str:
    point = tag("path", d="M0,0 L7,3.5 L0,7 z", fill="currentColor")
    size = {"markerWidth": 7, "markerHeight": 7, "refX": 6, "refY": 3.5, "markerUnits": "userSpaceOnUse"}
    return tag("defs", tag("marker", point, id=name, orient="auto", **size))


def _picture(parts: list[str], width: float, height: float, alt: str, most: str) -> HTML:
    box = {"viewBox": f"0 0 {width:.0f} {height:.0f}", "fill": "currentColor", "font-size": 13}
    svg = tag("svg", *parts, **box, aria_hidden="true", style=f"width:100%;max-width:{most}")
    return HTML(tag("div", svg, class_="drawing", role="img", aria_label=alt, style=CENTRED))
