"""Whole networks side by side: layer by layer with their shortcuts, and block by block to scale."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import checked
from casestudies_lib.figures.look import colour_of, has_box, label
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, words
from casestudies_lib.measure.anatomy import Anatomy, Layer
from casestudies_lib.measure.graph import Node, Shortcut, main_path, shortcuts, wiring
from casestudies_lib.measure.op import Family
from casestudies_lib.page.palette import COLOURS

LEFT, TOP, ROW, GAP = 34, 34, 15, 7  # of draw_columns: the column of sizes, the titles, a row, between two sizes
ACROSS = 352  # the width that its columns share


@checked
def draw_columns(columns: dict[str, nn.Module], shape: tuple[int, ...]) -> HTML:
    """Networks side by side, layer by layer from top to bottom, rows of equal output size at the same height.

    Layers with weights and pools are boxes (normalisation and activation go with them), shortcuts are arcs, dotted if
    something stands on them.

    Args:
        columns: title -> network or chain of blocks, as a chain without an input check, such as `network[:]`.
        shape: the input for one image.
    """
    if not columns:
        raise ValueError("expected at least one network to draw, got none: pass a title and a network")
    found = {title: wiring(module, shape) for title, module in columns.items()}
    boxes = {title: [nodes[x] for x in main_path(nodes) if has_box(nodes[x])] for title, nodes in found.items()}
    starts, height = _rows_of_sizes(list(boxes.values()))
    wide = ACROSS / len(columns)
    head = head_name("-".join(columns))
    parts = [arrowhead(head)]
    for side, start in starts.items():
        parts.append(words(str(side), 0, start + 12, "start", small=True))
        parts.append(line(f"M0,{start - GAP / 2} H{LEFT + ACROSS}", width=0.4, dashes="2 3"))
    parts.append(words("size", 0, TOP - 10, "start", small=True))
    spoken = []
    for number, (title, nodes) in enumerate(found.items()):
        x = LEFT + (number + 0.44) * wide
        around = shortcuts(nodes)
        place = _places(boxes[title], starts)
        width = min(wide * 0.8, 92)
        parts.append(words(title, x, TOP - 18))
        for above, below in pairwise(boxes[title]):
            parts.append(line(f"M{x:.1f},{place[above.name] + 6} V{place[below.name] - 6}"))
        for node in boxes[title]:
            parts += box(_label(node), x, place[node.name], width, 12, colour_of(node.op), small=True)
        order = main_path(nodes)
        parts += [_arc(shortcut, order, place, x + width / 2, head) for shortcut in around]
        spoken.append(f"{title}: {_runs(boxes[title])}; {_arcs(around)}.")
    alt = f"{len(columns)} networks side by side, from top to bottom. " + " ".join(spoken)
    return picture(parts, LEFT + ACROSS, height, alt, f"{17 * len(columns)}em")


def _side(node: Node) -> int:
    """Height of a step's output."""
    return node.shape[1] if len(node.shape) == 3 else 1


def _rows_of_sizes(columns: list[list[Node]]) -> tuple[dict[int, float], float]:
    """Where the rows of each output size start, which the longest column of that size decides; and where all end."""
    most: Counter[int] = Counter()
    for column in columns:
        most |= Counter(map(_side, column))
    starts: dict[int, float] = {}
    y: float = TOP
    for side in sorted(most, reverse=True):
        starts[side] = y
        y += most[side] * ROW + GAP
    return starts, y + 4


def _places(column: list[Node], starts: dict[int, float]) -> dict[str, float]:
    """The middle of each box of a column."""
    place = {}
    above: Counter[int] = Counter()  # rows of that size that are taken
    for node in column:
        place[node.name] = starts[_side(node)] + above[_side(node)] * ROW + ROW / 2
        above[_side(node)] += 1
    return place


def _label(node: Node) -> str:
    """A pool without its stride, which the next size tells: the boxes are small."""
    pool = node.op.family is Family.POOL
    return label(replace(node.op, stride=1) if pool else node.op, node.shape[0])


def _arc(shortcut: Shortcut, order: list[str], place: dict[str, float], edge: float, head: str) -> str:
    """From below the last box before the shortcut to below the last box that it goes around."""
    last = [name for name in order[: order.index(shortcut.start) + 1] if name in place]
    start = place[last[-1]] + ROW / 2 if last else min(place.values()) - ROW / 2
    inside = [name for name in order[: order.index(shortcut.end)] if name in place]
    end = place[inside[-1]] + ROW / 2
    out = edge + 15
    arc = f"M{edge - 8:.1f},{start} H{edge:.1f} C{out:.1f},{start} {out:.1f},{end} {edge:.1f},{end} H{edge - 8:.1f}"
    return line(arc, head=head, dashes="3 2" if shortcut.through else None)


def _runs(column: list[Node]) -> str:
    return ", ".join(f"{len(list(same))} × {said}" for said, same in groupby(column, _label))


def _arcs(around: list[Shortcut]) -> str:
    dotted = sum(bool(shortcut.through) for shortcut in around)
    return f"{len(around)} shortcuts, {dotted} of them dotted" if around else "no shortcuts"


@checked
def draw_scaled(columns: dict[str, Anatomy], *, work: bool = True) -> HTML:
    """Networks of one family side by side: the image to scale, and a bar for each block, as wide as its channels.

    Args:
        columns: title -> network, taken apart with its blocks in one piece.
        work: whether the picture says how many times the multiply-accumulates of the first each takes.

    Raises:
        ValueError: no network, or one without blocks in one piece.
    """
    blocks = {title: [x for x in found.layers if x.op.family is Family.BLOCK] for title, found in columns.items()}
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
        x, size, times = (number + 0.5) * step, found.input_shape[1] * side, found.macs / first.macs
        parts.append(words(title, x, 11))
        parts += box("", x, 72 - size / 2, size, round(size, 1), COLOURS["input"])
        for place, layer in enumerate(blocks[title]):
            parts += box("", x, top + place * 5, layer.shape[0] * channel, 3.4, colour_of(layer.op))
        if work:
            parts.append(words(f"{times:.2f} × MACs", x, top + 5 * len(blocks[title]) + 12, small=True))
        spoken.append(_spoken(title, found, blocks[title], times if work else None))
    height = top + 5 * max(map(len, blocks.values())) + (20 if work else 4)
    return picture(parts, 372, height, f"Networks side by side. {'; '.join(spoken)}.", "32em")


def _spoken(title: str, found: Anatomy, blocks: list[Layer], times: float | None) -> str:
    most = max(layer.shape[0] for layer in blocks)
    said = f"{title}: image of {found.input_shape[1]} pixels, {len(blocks)} blocks with up to {most} channels"
    return said if times is None else f"{said}, {times:.2f} times the multiply-accumulates of the first"
