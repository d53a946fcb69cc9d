"""A block with its shortcut, drawn from its graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from IPython.display import HTML
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.checks import checked, one_of
from casestudies_lib.figures.look import colour_of, label_of
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, plus, words
from casestudies_lib.measure.anatomy import written
from casestudies_lib.measure.graph import Node, Shortcut, main_path, shortcuts, wiring
from casestudies_lib.measure.op import Family
from casestudies_lib.page.palette import PLAIN_COLOURS

TALL, GAP, SHORT = 28, 34, 14  # height of a box, and from one box to the next with the result between, or without


@checked
def draw_block(
    block: nn.Module,
    shape: tuple[int, ...],
    title: str,
    *,
    results: bool = True,
    coloured: bool = False,
    said: Mapping[str, str] | None = None,
) -> HTML:
    """One block from top to bottom: the main path, the shortcut around it, and what the notes call each result.

    Args:
        block: a block of a plain or residual network.
        shape: its input for one image, `(channels, height, width)`.
        title: what the alt text calls it.
        results: whether the picture names each result; without the names it is a third lower.
        coloured: whether shortcuts and additions have the colour of residual networks.
        said: label of a step -> what to write instead, where one picture stands for several blocks.

    Raises:
        ValueError: a label in `said` that no step has.
    """
    said = said or {}
    nodes = wiring(block, shape, whole=(SqueezeExcitation,))
    path = [nodes[name] for name in main_path(nodes)]
    around = shortcuts(nodes)
    symbols = symbols_of(nodes)
    for label in said:
        one_of("the label to replace", label, [label_of(node) for node in path])
    labels = {node.name: said.get(label_of(node), label_of(node)) for node in nodes.values()}
    wide = max(150, *(6.6 * len(labels[node.name]) for node in path))
    gap = GAP if results else SHORT
    first_gap = GAP if results else 24  # beside it stands what the column is called
    centre: dict[str, float] = {
        node.name: 26 + (place > 0) * (first_gap - gap) + place * (TALL + gap) for place, node in enumerate(path)
    }
    names = symbols if results else {}
    ink = PLAIN_COLOURS["residual"] if coloured else "currentColor"
    column = _Column(nodes, labels, names, 21 + wide / 2, wide, centre, head_name(title), ink)
    height = centre[path[-1].name] + TALL / 2 + gap + 8 * (not results)
    parts = [arrowhead(column.head), *column.arrows(path, height)]
    if coloured:
        parts.append(arrowhead(column.shortcut_head, ink))
    for node in path:
        parts += column.step(node)
    for shortcut in around:
        parts += column.shortcut(shortcut)
    first = path[2 if symbols[path[0].name] == "x" else 1]
    parts.append(words("main path", 0, centre[first.name] - TALL / 2 - 10, "start"))
    alt = f"{title}, from top to bottom. Main path: input {written(shape)}, "
    alt += ", ".join(_spoken(node, labels, symbols) for node in path[1:]) + "."
    alt += "".join(_spoken_shortcut(shortcut, nodes, symbols) for shortcut in around) or " No shortcut."
    return picture(parts, 180 + wide, height, alt, "24em")


@dataclass(frozen=True)
class _Column:
    """Where the steps of a main path stand: their centres on one line, and the names of their results."""

    nodes: dict[str, Node]
    labels: dict[str, str]
    symbols: dict[str, str]
    middle: float
    wide: float
    centre: dict[str, float]
    head: str
    ink: str  # of shortcuts and additions

    @property
    def shortcut_head(self) -> str:
        """The name of the arrowhead of shortcuts."""
        return self.head if self.ink == "currentColor" else f"{self.head}-shortcut"

    def top(self, node: Node) -> float:
        return self.centre[node.name] - _half(node)

    def bottom(self, node: Node) -> float:
        return self.centre[node.name] + _half(node)

    def arrows(self, path: list[Node], height: float) -> list[str]:
        """From each step to the next, and out of the last one."""
        between = [(self.bottom(above), self.top(below) - 1) for above, below in pairwise(path)]
        ends = [*between, (self.bottom(path[-1]), height - 6)]
        return [line(f"M{self.middle},{start} V{end}", head=self.head) for start, end in ends]

    def step(self, node: Node) -> list[str]:
        """A plus, a size or a box, and the name of the result below it."""
        y = self.centre[node.name]
        if node.op.family is Family.ADDITION:
            parts = plus(self.middle, y, self.ink)
        elif node.op.family is Family.INPUT:
            parts = [words(written(node.shape), self.middle, y + 4)]
        else:
            parts = box(self.labels[node.name], self.middle, y, self.wide, TALL, colour_of(node.op))
        if symbol := self.symbols.get(node.name):
            parts.append(words(symbol, self.middle + 10, self.bottom(node) + 21, "start", italic=True))
        return parts

    def shortcut(self, shortcut: Shortcut) -> list[str]:
        """A thick line at the right of the main path, through the boxes that stand on it."""
        right = self.middle + self.wide / 2 + 79
        top, bottom = self.bottom(self.nodes[shortcut.start]) + 6, self.centre[shortcut.end]
        half = ((TALL + 8) * len(shortcut.through) - 8) / 2 if shortcut.through else 0
        out = f"M{self.middle},{top} C{right},{top} {right},{top} {right},{top + 50} V{(top + bottom) / 2 - half}"
        back = f"M{right},{(top + bottom) / 2 + half} V{bottom - 50} "
        back += f"C{right},{bottom} {right},{bottom} {self.middle + 13},{bottom}"
        head = self.shortcut_head
        parts = [
            line(out, width=2, head=head if shortcut.through else None, ink=self.ink),
            line(back, width=2, head=head, ink=self.ink),
        ]
        for place, name in enumerate(shortcut.through):
            y = (top + bottom) / 2 + (place - (len(shortcut.through) - 1) / 2) * (TALL + 8)
            parts += box(label_of(self.nodes[name]), right, y, 120, TALL, colour_of(self.nodes[name].op))
        return [*parts, words("shortcut", right, top - 4, "start")]


def _half(node: Node) -> float:
    """Half the height of what stands for a step."""
    return {Family.ADDITION: 12, Family.INPUT: 10}.get(node.op.family, TALL / 2)


def _spoken(node: Node, labels: dict[str, str], symbols: dict[str, str]) -> str:
    made = f" makes {symbols[node.name]}" if node.name in symbols else ""
    return f"{labels[node.name]}{made}"


def _spoken_shortcut(shortcut: Shortcut, nodes: dict[str, Node], symbols: dict[str, str]) -> str:
    way = " through ".join(["A shortcut", *(label_of(nodes[name]) for name in shortcut.through)])
    carried = symbols.get(shortcut.start, str(nodes[shortcut.start].op))
    return f" {way} carries {carried} to the addition."


@checked
def symbols_of(nodes: dict[str, Node]) -> dict[str, str]:
    """What the notes call the output of a step, worked out along the main path.

    A convolution and the normalisation after it make z, an activation makes a, an addition a sum of the two that it
    adds: `{"conv2": "z[l+2]", ...}`. Of a convolution that is normalised only the normalised output has a name.
    """
    path = main_path(nodes)
    symbols = {path[0]: "a[l]"}
    if nodes[path[1]].op.family in (Family.BLOCK, Family.OTHER):  # a network in one piece: it makes the block's input
        symbols = {path[0]: "x", path[1]: "a[l]"}
    layer = 0
    families = [nodes[name].op.family for name in path[1:]]
    normalised = False  # what goes into the first layer
    for name, family, after in zip(path[1:], families, [*families[1:], None]):
        if family is Family.CONV:
            layer += 1
        of_conv = family is Family.CONV and after is not Family.NORMALISATION
        if of_conv or (family is Family.NORMALISATION and layer):
            symbols[name] = f"z[l+{layer}]"
        elif family is Family.NORMALISATION:  # before the first layer: a pre-activation
            normalised = True
        elif family is Family.ACTIVATION:
            symbols[name] = f"a[l+{layer}]" if layer else "g(BN(a[l]))" if normalised else "g(a[l])"
        elif family is Family.ADDITION:
            symbols[name] = " + ".join(_through(nodes, other, symbols) for other in nodes[name].reads)
    return symbols


def _through(nodes: dict[str, Node], name: str, symbols: dict[str, str]) -> str:
    """The symbol of a step, or that of the step behind it, with W_s in front where there is a projection between."""
    if name in symbols:
        return symbols[name]
    behind = _through(nodes, nodes[name].reads[0], symbols).removeprefix("Wₛ ")
    return behind if nodes[name].op.family is Family.DROPOUT else f"Wₛ {behind}"
