"""Which channels a convolution reads: at one position, channel by channel, and as LeNet-5's Table I says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import ImageSpec, checked
from casestudies_lib.figures.look import colour_of
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, words
from casestudies_lib.measure.anatomy import anatomy, written
from casestudies_lib.measure.graph import Node, wiring
from casestudies_lib.measure.op import Family
from casestudies_lib.network import Network
from casestudies_lib.page.html import tag
from casestudies_lib.page.palette import COLOURS

MOST_DOTS = 7  # of a layer's units that are drawn; more are told by dots and the number
GRID, LIFT, HEIGHT = (
    62,
    20,
    150,
)  # of draw_position: a volume's front, the deeper one's depth, and the units between


@checked
def draw_position(chain: nn.Module, shape: tuple[int, int, int], title: str) -> HTML:
    """What a chain of convolutions does at one position: a fully connected network over the channels of a window.

    The two volumes have one scale for their depth, so that few channels look thin beside many.

    Args:
        chain: convolutions, of which only the first may read more than one pixel, and ReLUs, which are not drawn.
        shape: its input for one image, `(channels, height, width)`.
        title: what the alt text calls it.

    Raises:
        ValueError: anything else, which is no fully connected network on one window.
    """
    convs = _convolutions_at_one_position(chain, shape)
    window = convs[0].op.kernel_size or 1
    channels, side, _ = shape
    read, out = window * window * channels, convs[-1].shape
    deep, deeper = (LIFT * depth / max(channels, out[0]) for depth in (channels, out[0]))
    widths = [read, *(node.shape[0] for node in convs)]
    head = head_name(title)
    middle, cell = HEIGHT / 2 + 20, GRID / side
    left, right, start = 4 + GRID + LIFT + 30, 360 - GRID - LIFT - 36, 360 - GRID - LIFT - 6
    step = (right - left) / (len(widths) - 1)
    columns = [(left + place * step, width) for place, width in enumerate(widths)]
    last = columns[-1][0]
    parts = [
        arrowhead(head),
        *_stack(4, middle, side, cell, deep, window, COLOURS["input"]),
        words(written(shape), 4 + GRID / 2 + LIFT / 2, HEIGHT / 2 + GRID / 2 + 36, small=True),
        *_units(columns, middle),
        words(f"{window}×{window}×{channels} numbers", left, 12, small=True),
        words("in, one position", left, HEIGHT + 42, small=True),
        *_stack(start, middle, side, cell, deeper, 1, COLOURS["conv"]),
        words(written(out), start + GRID / 2 + LIFT / 2, HEIGHT / 2 + GRID / 2 + 36, small=True),
        line(f"M{4 + GRID + LIFT + 3},{middle} H{left - 9}", head=head),
        line(f"M{last + 9},{middle} H{start - 3}", head=head),
    ]
    sizes = " to ".join(f"{width:,}" for width in widths[1:]) + (" unit" if widths[1:] == [1] else " units")
    alt = (
        f"{title}: of an input of {written(shape)}, one position, {window}×{window} pixels through all {channels} "
        f"channels, goes as {read:,} numbers into a fully connected network of {sizes}, whose results are the "
        f"channels of one position of the output, {written(out)}."
    )
    return picture(parts, 360, HEIGHT + 50, alt, "30em")


def _convolutions_at_one_position(chain: nn.Module, shape: tuple[int, int, int]) -> list[Node]:
    """The chain's convolutions, if at each position they are a fully connected network on one window."""
    nodes = [
        node for node in list(wiring(nn.Sequential(chain), shape).values())[1:] if not isinstance(node.module, nn.ReLU)
    ]
    convs = [node for node in nodes if isinstance(node.module, nn.Conv2d)]
    strange = [
        str(node.op)
        for node in nodes
        if not isinstance(node.module, nn.Conv2d)
        or node.module.groups > 1
        or node.module.dilation != (1, 1)
        or (node is not convs[0] and (node.op.kernel_size, node.op.stride) != (1, 1))
    ]
    if strange or not convs:
        raise ValueError(
            "expected convolutions and ReLUs, of which only the first reads more than one pixel, "
            f"got {strange or 'no convolution'}: pass a part of it"
        )
    return convs


def _units(columns: list[tuple[float, int]], middle: float) -> Iterator[str]:
    """Layers of units at their places, `(x, units)`, each unit joined to all of the layer before."""
    dots = [_column(x, middle, width) for x, width in columns]
    for before, after in pairwise(dots):
        for x, y in before:
            for u, v in after:
                yield line(f"M{x + 4:.1f},{y:.1f} L{u - 4:.1f},{v:.1f}", width=0.35)
    for place, ((x, width), column) in enumerate(zip(columns, dots)):
        for dot in column:
            yield _dot(*dot, COLOURS["input" if place == 0 else "conv"])
        if width > len(column):
            yield words("⋮", x, column[-1][1] + 17)
        yield words(f"{width:,}", x, HEIGHT + 26, small=True)


def _stack(left: float, middle: float, side: int, cell: float, lift: float, window: int, colour: str) -> Iterator[str]:
    """A volume from the front as a grid, with the window in its middle running into the page."""
    top = middle - side * cell / 2
    long = side * cell
    lift = round(lift, 1)
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


@checked
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
    if strange := [str(node.op) for node in nodes[1:] if node.op.family is not Family.CONV]:
        raise ValueError(f"expected a chain of convolutions only, got {strange}: pass a part of it")
    counted = anatomy(Network(title, ImageSpec(shape[0], shape[1]), {"layers": chain})).layers
    macs = {layer.module: layer.macs for layer in counted}
    cell, gap, between, top = 5, 11, 112, 40
    tall = max(node.shape[0] * (node.shape[1] * cell + gap) for node in nodes)
    parts: list[str] = []
    x, spoken = 2, [f"{nodes[0].shape[0]} channels of {_sides(nodes[0])}"]
    behind: list[float] = []
    for node in nodes:
        count, side = node.shape[0], node.shape[1] * cell
        first = top + (tall - count * (side + gap) + gap) / 2
        maps = [first + place * (side + gap) + side / 2 for place in range(count)]
        if isinstance(node.module, nn.Conv2d):
            parts += _readings(node.module, behind, maps, x - between + 5, x - 5)
            reads, window = node.module.in_channels // node.op.groups, node.op.window
            parts.append(words(f"{reads * count} kernels {window}", x - between / 2, 12, small=True))
            parts.append(words(f"{macs[node.module]:,} MACs", x - between / 2, 26, small=True))
            spoken.append(
                f"{reads * count} kernels of {window}, each output channel reading {reads} of "
                f"{node.module.in_channels}, {macs[node.module]:,} multiply-accumulates, give {count} channels of "
                f"{_sides(node)}"
            )
        for y in maps:
            parts += _map(node, x, y, cell)
        parts.append(words(written(node.shape), x + side / 2, top + tall + 12, small=True))
        x, behind = x + side + between, maps
    alt = f"{title}, from left to right: {'; '.join(spoken)}."
    return picture(parts, x - between + 8, top + tall + 18, alt, f"{0.075 * x:.0f}em")


def _readings(conv: nn.Conv2d, sources: list[float], maps: list[float], left: float, right: float) -> Iterator[str]:
    """A line from each channel that a convolution reads, at `left`, to the channel that it makes of it, at `right`."""
    reads = conv.in_channels // conv.groups
    for place, y in enumerate(maps):
        start = place * conv.groups // len(maps) * reads
        for source in sources[start : start + reads]:
            yield line(f"M{left:.1f},{source:.1f} L{right:.1f},{y:.1f}", width=2 if conv.kernel_size != (1, 1) else 0.7)


def _map(node: Node, x: float, y: float, cell: int) -> list[str]:
    """One channel as a grid of its positions."""
    side = node.shape[1] * cell
    grid = "".join(
        f"M{x + i * cell},{y - side / 2:.1f} v{side} M{x},{y - side / 2 + i * cell:.1f} h{side} "
        for i in range(1, node.shape[1])
    )
    return [*box("", x + side / 2, y, side, side, colour_of(node.op)), line(grid, width=0.3)]


def _sides(node: Node) -> str:
    return "×".join(map(str, node.shape[1:]))


@checked
def draw_connections(table: Sequence[Sequence[int]]) -> HTML:
    """Which input maps each output map of a sparse convolution reads, as in LeNet-5's Table I.

    Args:
        table: for each output map, the input maps that it reads, such as the `table` of a `SparseConv2d`.
    """
    if not all((table, *table)):
        raise ValueError(f"expected one input map or more for each output map, got {table}: see lenet.C3_TABLE")
    inputs = max(max(reads) for reads in table) + 1
    cell, top, left = 20, 36, 76
    width, height = left + cell * len(table), top + cell * inputs

    def label(said: object, x: float, y: float, anchor: str = "middle") -> str:
        return tag("text", str(said), x=x, y=y, **{"text-anchor": anchor})

    def square(out: int, into: int, filled: bool) -> str:
        size = {"x": left + cell * out, "y": top + cell * into, "width": cell - 3, "height": cell - 3}
        edge = {"stroke": "currentColor", "stroke-width": 0.6}
        return tag("rect", **size, fill=COLOURS["conv"] if filled else "none", **edge)

    parts = [
        label("map of C3", (left + width) / 2, 13),
        label("map of S2", 0, (top + height) / 2 + 4, "start"),
        *(label(out, left + cell * out + 8.5, top - 6) for out in range(len(table))),
        *(label(into, left - 8, top + cell * into + 13, "end") for into in range(inputs)),
        *(square(out, into, into in reads) for out, reads in enumerate(table) for into in range(inputs)),
    ]
    fans = [f"{len(list(same))} read {fan}" for fan, same in groupby(len(reads) for reads in table)]
    alt = (
        f"Table of {len(table)} columns, the C3 maps, and {inputs} rows, the S2 maps; a filled square "
        f"is a connection. From left to right, {', '.join(fans)} of the {inputs} maps."
    )
    return picture(parts, width, height, alt, f"{width * 1.5:.0f}px", font_size=11)
