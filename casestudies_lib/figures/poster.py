"""The networks of the book on one sheet, from the photograph to the class: a slice for each layer, all to one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from math import sqrt
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import matplotlib
import torch
from IPython.display import HTML
from markupsafe import Markup
from matplotlib import patches
from matplotlib.figure import Figure
from matplotlib.path import Path as Route
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.checks import checked, one_of
from casestudies_lib.efficientnet import MBConv
from casestudies_lib.figures.photo import credit_line, jpeg
from casestudies_lib.figures.svg import line
from casestudies_lib.inception import Inception
from casestudies_lib.lenet import SparseConv2d, Subsampling
from casestudies_lib.measure.anatomy import Anatomy, anatomy, written
from casestudies_lib.measure.graph import Node, main_path, shortcuts, wiring
from casestudies_lib.measure.op import Family, Op
from casestudies_lib.mobilenet import DepthwiseSeparable, InvertedResidual, MobileNetV3Block
from casestudies_lib.models import MODELS, PUBLISHED
from casestudies_lib.page.html import drawing, joined, tag
from casestudies_lib.page.palette import BLOCK_COLOURS, COLOURS
from casestudies_lib.resnet import Bottleneck
from casestudies_lib.training.photographs import credit_of, photograph


class Entry(NamedTuple):
    """What the sheet says of a network in words: who made it, and the idea that it brought."""

    authors: str
    idea: str


# Authors are those of book/references.bib; where they are more than five, the first stands for all.
POSTER = {
    "lenet5_1998": Entry("LeCun, Bottou, Bengio, Haffner", "convolutions and pools, trained from pixel to answer"),
    "alexnet_2012": Entry("Krizhevsky, Sutskever, Hinton", "deep and wide: ReLU, dropout and two graphics cards"),
    "nin_cifar10": Entry("Lin, Chen, Yan", "1×1 convolutions, and averages in the place of fully connected layers"),
    "vgg16": Entry("Simonyan, Zisserman", "one rule for all layers: small kernels, stacked"),
    "googlenet": Entry("Szegedy and others", "kernels of several sizes side by side, 1×1 reductions in front"),
    "resnet50": Entry("He, Zhang, Ren, Sun", "a shortcut around every few layers"),
    "mobilenet_v1": Entry("Howard and others", "the convolution split into filtering and mixing"),
    "mobilenet_v2": Entry("Sandler, Howard, Zhu, Zhmoginov, Chen", "a block wide inside, and linear where narrow"),
    "mobilenet_v3_large": Entry("Howard and others", "gates on channels, sizes found by search, a cheap swish"),
    "efficientnet_b0": Entry("Tan, Le", "depth, width and resolution grown together by one rule"),
}  # fmt: skip

_BLOCKS: dict[type[nn.Module], str] = {
    Inception: "Inception module",
    Bottleneck: "bottleneck",
    DepthwiseSeparable: "depthwise separable",
    InvertedResidual: "inverted residual",
    MobileNetV3Block: "inverted residual",
    MBConv: "inverted residual",
}
_ONE_STEP = (SqueezeExcitation, SparseConv2d, Subsampling)
_DRAWN = (Family.CONV, Family.POOL, Family.FULLY_CONNECTED, Family.OUTPUT)
GLOBAL_POOL = "global average pool"
FULL, PALE = 0.92, 0.45  # how strong colours are


class Slice(NamedTuple):
    """One layer as the sheet shows it: what it does and what it makes, `(channels, height, width)` or `(units,)`."""

    op: Op
    shape: tuple[int, ...]

    @property
    def side(self) -> int:
        """Height of the map in pixels; 1 where there is none."""
        return self.shape[1] if len(self.shape) == 3 else 1


class Part(NamedTuple):
    """A layer by itself, or a block of several.

    Attributes:
        kind: a name of `BLOCK_COLOURS`, or a layer's family in words.
        slices: its layers on the longest way through.
        shortcut: whether something goes around them and is added.
        gate: whether a squeeze-and-excitation stands in it.
    """

    kind: str
    slices: tuple[Slice, ...]
    shortcut: bool = False
    gate: bool = False

    @property
    def colour(self) -> str:
        """Of the block, or of the layer's family."""
        return BLOCK_COLOURS[self.kind] if self.kind in BLOCK_COLOURS else COLOURS[self.slices[0].op.family]


@checked
@cache
def parts_of(name: str) -> tuple[Part, ...]:
    """What the longest way through a network passes, from the image to the class: convolutions, pools, linear layers.

    The layers of a block of one class stand together. An Inception module is two layers deep: its reductions side by
    side, with the channels of all, and then what it makes.

    Raises:
        ValueError: a network that is not in `POSTER`.
    """
    one_of("network", name, POSTER)
    with torch.device("meta"):
        network = MODELS[name]()
    nodes = wiring(network[:], None, whole=(*_BLOCKS, *_ONE_STEP))
    x = torch.empty(1, *network.expects.shape, device="meta")
    alike: dict[tuple[str, torch.Size], Part] = {}  # a block in words and its input -> what was found of the first such
    found = []
    for node in (nodes[step] for step in main_path(nodes)[1:]):
        assert node.module is not None, "between blocks the networks are chains"
        before, x = x, node.module(x)
        kind = next((kind for block, kind in _BLOCKS.items() if isinstance(node.module, block)), None)
        if kind is not None:
            same = (repr(node.module), before.shape)
            if same not in alike:
                alike[same] = _block(kind, wiring(node.module, tuple(before.shape[1:]), whole=_ONE_STEP))
            found.append(alike[same])
        elif node.op.family in _DRAWN:
            kind = GLOBAL_POOL if node.op.is_global_pool else node.op.family
            found.append(Part(kind, (Slice(node.op, tuple(x.shape[1:])),)))
    return tuple(found)


def _block(kind: str, nodes: dict[str, Node]) -> Part:
    inside = [nodes[step] for step in main_path(nodes)]
    slices = [Slice(node.op, node.shape) for node in inside if node.op.family in _DRAWN]
    joint = next((node for node in inside if node.op.family is Family.CONCATENATION), None)
    if joint is not None:
        first = _reductions(nodes)
        slices = [
            Slice(slices[0].op, (sum(node.shape[0] for node in first), *first[0].shape[1:])),
            Slice(joint.op, joint.shape),
        ]
    gated = any(node.op.family is Family.GATE for node in nodes.values())
    return Part(kind, tuple(slices), bool(shortcuts(nodes)), gated)


def _reductions(nodes: dict[str, Node]) -> list[Node]:
    """The convolutions of a module that another of its convolutions reads, with what stands between them."""
    found = []
    for node in nodes.values():
        if node.op.family is Family.CONV:
            above = nodes[node.reads[0]]
            while above.reads and above.op.family is not Family.CONV:
                above = nodes[above.reads[0]]
            found += [above] if above.op.family is Family.CONV else []
    return found


# ------------------------------------------------------------------ shapes, in points of the printed sheet
class Box(NamedTuple):
    """A filled rectangle."""

    x: float
    y: float
    wide: float
    tall: float
    colour: str
    opacity: float = FULL


class Words(NamedTuple):
    """A line of words that starts, ends or is centred at a place."""

    said: str
    x: float
    y: float
    size: float
    anchor: str = "start"
    bold: bool = False
    italic: bool = False
    opacity: float = 1


class Arc(NamedTuple):
    """A curve over a part, as high as it says; flat where that is 0."""

    left: float
    right: float
    y: float
    high: float
    width: float = 0.9


class Picture(NamedTuple):
    """The photograph."""

    x: float
    y: float
    side: float


Shape = Box | Words | Arc | Picture

WIDE, TALL, EDGE = 1684, 1191, 48  # A2, across
SIDE = 4.7  # points for the square root of one pixel of a map's side
START, STOP, CLASS = 136, 1336, 108  # where the first layer starts and the last class ends, and room for its words
TOP, FOOT = 125, 1050  # where the rows start and end
ABOVE, BELOW = 21, 14  # room for a network's name, and for sizes below its layers
GATE = 3.6  # the side of a dot
SMALL, LETTER = 10, 6.8  # the smallest words, and about as wide as one of their digits
COLUMNS = {"layers": 1392, "parameters": 1482, "MACs": 1560, "top-1": WIDE - EDGE}  # their right ends
_IN, _AFTER, _STAGE = 0.5, 2.0, 5.0  # gaps: in a block, after it, and where the side changes


@dataclass(frozen=True)
class Row:
    """One network on the sheet: its parts and what was counted, and where its middle is."""

    name: str
    parts: tuple[Part, ...]
    found: Anatomy
    top: float
    axis: float

    @property
    def title(self) -> str:
        """Its name without the variant."""
        return self.found.title.partition(" (")[0].removesuffix(" for CIFAR").replace("Network in Network", "NiN")

    @property
    def layers(self) -> int:
        """Layers with weights on the longest way through, as papers count them."""
        return sum(s.op.family is not Family.POOL and s.op.family is not Family.OUTPUT for s in _slices(self.parts))


def _slices(parts: Sequence[Part]) -> list[Slice]:
    return [one for part in parts for one in part.slices]


class Placed(NamedTuple):
    """A slice on the sheet, and whether a part ends with it."""

    slice: Slice
    left: float
    right: float
    ends: bool


def _gap(before: Slice, one: Slice, inside: bool) -> float:
    """Points between two neighbours: little in a block, more after it, most where the side changes."""
    if inside:
        return _IN if before.side == one.side else _AFTER
    return _AFTER if before.side == one.side else _STAGE


def _channel_unit(rows: Sequence[tuple[Part, ...]]) -> float:
    """Points for the square root of one channel: the longest network fills the sheet."""
    room = STOP - CLASS - START
    units = []
    for parts in rows:
        flat = [(one, place > 0) for part in parts for place, one in enumerate(part.slices)]
        gaps = sum(_gap(before, one, inside) for (before, _), (one, inside) in pairwise(flat))
        units.append((room - gaps) / sum(sqrt(one.shape[0]) for one in _slices(parts)))
    return min(units)


def _tall(side: int) -> float:
    """Points for a map of that side."""
    return sqrt(side) * SIDE


@cache
def _counted(name: str) -> Anatomy:
    return anatomy(name)


def _rows(names: Sequence[str]) -> list[Row]:
    found = [(name, parts_of(name), _counted(name)) for name in names]
    above = [ABOVE + _tall(min(a.input_shape[1], 112)) / 2 for _, _, a in found]  # larger maps stand before the name
    below = [_tall(max(a.input_shape[1], 112)) / 2 + BELOW for _, _, a in found]  # small ones keep the next name away
    gap = (FOOT - TOP - sum(above) - sum(below)) / len(found)
    rows, top = [], float(TOP)
    for (name, parts, a), up, down in zip(found, above, below, strict=True):
        rows.append(Row(name, parts, a, top, top + up))
        top += up + down + gap
    return rows


def poster(networks: Sequence[str] = tuple(POSTER)) -> list[Shape]:
    """All shapes of the sheet, 1684 × 1191 points, A2 across.

    Args:
        networks: names of `POSTER`, from top to bottom; at most as many as it has.

    Raises:
        ValueError: no network, more than fit, or one that is not in `POSTER`.
    """
    if not 1 <= len(networks) <= len(POSTER):
        raise ValueError(
            f"expected 1 to {len(POSTER)} networks on the sheet, got {len(networks)}: pass names of POSTER, each once"
        )
    for name in networks:
        one_of("network", name, POSTER)
    rows = _rows(networks)
    unit = _channel_unit([row.parts for row in rows])
    shapes = [*_head(rows), *_foot(unit)]
    for row in rows:
        shapes += _row(row, unit)
    return shapes


def _head(rows: Sequence[Row]) -> Iterator[Shape]:
    years = [PUBLISHED[row.name].year for row in rows]
    yield Words("From the photograph to the class", EDGE, 74, 40, bold=True)
    about = (
        f"{min(years)} to {max(years)}: {len(rows)} convolutional networks, layer by layer, to one scale. Each slice "
        "is a layer, as tall as the square root of its map's side, and as wide as that of its channels."
    )
    yield Words(about, EDGE, 101, 14)
    for title, right in COLUMNS.items():
        yield Words(title, right, 87, 12, "end", bold=True)
    for title, under in (("parameters", "million"), ("MACs", "million"), ("top-1", "%")):
        yield Words(under, COLUMNS[title], 101, 11, "end", opacity=0.8)
    yield Arc(EDGE, WIDE - EDGE, 112, 0, 0.8)


def _row(row: Row, unit: float) -> Iterator[Shape]:
    paper, entry = PUBLISHED[row.name], POSTER[row.name]
    base = row.top + 13
    yield Words(row.title, 190, base, 19, bold=True)
    yield Words(f"{paper.year} · {entry.authors}", 416, base, 12, opacity=0.85)
    yield Words(entry.idea, 740, base, 13.5, italic=True)
    size = _tall(row.found.input_shape[1])
    left = START - 10 - size
    if row.found.input_shape[0] == 3:
        yield Picture(left, row.axis - size / 2, size)
    else:
        yield from _digit(left, row.axis - size / 2, size)
    yield from _chain(row, unit)
    numbers = {
        "layers": f"{row.layers}",
        "parameters": f"{row.found.parameters / 1e6:,.{1 if row.found.parameters > 1e6 else 2}f}",
        "MACs": f"{row.found.macs / 1e6:,.{0 if row.found.macs > 1e6 else 1}f}",
        "top-1": f"{paper.accuracy:.{1 if round(paper.accuracy, 1) == paper.accuracy else 2}f}",
    }
    for title, said in numbers.items():
        yield Words(said, COLUMNS[title], row.axis + 2, 16, "end", bold=title == "top-1")
    yield Words(f"{paper.images}; {paper.source}", WIDE - EDGE, row.axis + 17, SMALL, "end", opacity=0.8)


def _digit(x: float, y: float, size: float) -> Iterator[Shape]:
    """A seven in a frame, for the network that reads digits."""
    yield Box(x, y, size, size, COLOURS["input"], 0.35)
    yield Words("7", x + size / 2, y + size * 0.76, 20, "middle", bold=True)


def _chain(row: Row, unit: float) -> Iterator[Shape]:
    """The slices from left to right, arcs over shortcuts, a dot where a gate stands, and each stage's size below it."""
    x = float(START)
    placed: list[Placed] = []
    for part in row.parts:
        first = x
        for place, one in enumerate(part.slices):
            if placed:
                x += _gap(placed[-1].slice, one, place > 0)
            first = first if place else x
            wide, tall = sqrt(one.shape[0]) * unit, _tall(one.side)
            pale = one.op.depthwise or part.kind == Family.POOL
            yield Box(x, row.axis - tall / 2, wide, tall, part.colour, PALE if pale else FULL)
            if part.gate and one.op.depthwise:
                yield Box(x + (wide - GATE) / 2, row.axis - GATE / 2, GATE, GATE, part.colour, 1)
            placed.append(Placed(one, x, x + wide, place == len(part.slices) - 1))
            x += wide
        if part.shortcut:
            yield Arc(first, x, row.axis - _tall(max(one.side for one in part.slices)) / 2 - 1.5, 5)
    yield from _sizes(row.axis, placed)
    yield Words(f"→ 1 of {placed[-1].slice.shape[0]:,} classes", x + 5, row.axis + 4, 11)


def _sizes(axis: float, placed: list[Placed]) -> Iterator[Shape]:
    """Below each run of maps of one side what its last block makes, or only the side, where there is room for words."""
    taken = 0.0
    for side, group in groupby(placed, key=lambda one: one.slice.side):
        stage = list(group)
        if side > 1:
            left, right = stage[0].left, stage[-1].right
            made = [one.slice for one in stage if one.ends] or [stage[-1].slice]
            long = written(made[-1].shape)
            said = long if right - left > LETTER * len(long) else f"{side}"
            half = LETTER * len(said) / 2
            middle = max((left + right) / 2, START + half)
            if middle - half > taken:
                yield Words(said, middle, axis + _tall(side) / 2 + 13, SMALL, "middle", opacity=0.85)
                taken = middle + half


def _foot(unit: float) -> Iterator[Shape]:
    """The scales, what the colours mean, and where everything comes from."""
    yield Arc(EDGE, WIDE - EDGE, FOOT + 12, 0, 0.8)
    first = FOOT + 34
    axis, x = FOOT + 85, float(EDGE)
    yield Words("side of the map, in pixels", x, first, 11, bold=True)
    for side in (224, 112, 56, 28, 14, 7, 1):
        yield Box(x, axis - _tall(side) / 2, 11, _tall(side), COLOURS["conv"])
        yield Words(f"{side}", x + 16, axis + 4, SMALL)
        x += 45
    x = 400
    yield Words("channels: four times as many, twice as wide", x, first, 11, bold=True)
    for channels in (1, 4, 16, 64, 256, 1024):
        wide = sqrt(channels) * unit
        yield Box(x, axis - _tall(28) / 2, wide, _tall(28), COLOURS["conv"])
        yield Words(f"{channels:,}", x + wide + 5, axis + 4, SMALL)
        x += wide + 38
    keys: list[tuple[str, str, float]] = [
        ("plain convolution", COLOURS["conv"], FULL),
        *(
            (kind if kind.endswith("module") else f"{kind} block", colour, FULL)
            for kind, colour in BLOCK_COLOURS.items()
        ),
        ("faint: depthwise convolution", BLOCK_COLOURS["inverted residual"], PALE),
        ("max or average pool", COLOURS["pool"], PALE),
        (GLOBAL_POOL, COLOURS["pool"], FULL),
        ("fully connected layer", COLOURS["fully connected"], FULL),
        ("LeNet-5's output layer", COLOURS["output"], FULL),
    ]
    for place, (said, colour, opacity) in enumerate(keys):
        left, y = 732 + place // 5 * 202, first + place % 5 * 19
        yield Box(left, y - 9, 18, 10, colour, opacity)
        yield Words(said, left + 25, y, 11)
    yield Arc(1150, 1168, first, 8)
    yield Words("shortcut: what went in is added", 1175, first, 11)
    violet = BLOCK_COLOURS["inverted residual"]
    yield Box(1150, first + 10, 18, 10, violet, PALE)
    yield Box(1159 - GATE / 2, first + 15 - GATE / 2, GATE, GATE, violet, 1)
    yield Words("gate on the channels", 1175, first + 19, 11)
    credit = credit_of(_cat())
    about = [
        "Layers: with weights, on the longest way through. An Inception module: its reductions",
        "side by side, then what it makes. Projections on shortcuts are not drawn. Accuracies as",
        "the papers print them; some average several looks at an image. MACs: of one look.",
        f"Drawn from the networks of CNN Case Studies. Photograph: {credit.photographer if credit else ''}.",
    ]
    for place, said in enumerate(about):
        yield Words(said, 1150, first + 43 + place * 14, SMALL, opacity=0.85)


@cache
def _cat() -> torch.Tensor:
    return photograph("cat", size=224)


# ------------------------------------------------------------------ on the page, and as a file
# What stands below the picture, and what makes a link of it. On the site `tools/companion.py` puts links to the files
# in their place.
BELOW_IT = "font-size:.9em;text-align:center"
PLACE = str(
    tag("p", "The site of this book opens the sheet large, and has it to print.", class_="sheet", style=BELOW_IT)
)
OPENS = 'data-opens="poster"'


@checked
def draw_poster(networks: Sequence[str] = tuple(POSTER)) -> HTML:
    """Networks on one sheet from the photograph to the class, a slice for each layer: a picture as wide as its place.

    On the site a click opens the sheet large. It is ink on white in dark mode as well, like the printed one.

    All have one scale: heights are the square roots of maps' sides, in pixels, and widths those of channels, because
    at a linear scale small maps are hairlines. Colours are those of the blocks. Beside each network stand its authors,
    its idea, and what `anatomy` counts.

    Args:
        networks: names of `POSTER`, from top to bottom; at most as many as it has.

    Raises:
        ValueError: no network, more than fit, or one that is not in `POSTER`.
    """
    shapes = poster(networks)
    cat = tag("image", id="poster-cat", width=1, height=1, href=jpeg(_cat()[0], quality=70))
    box = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDE} {TALL}", "font-family": "sans-serif"}
    svg = tag("svg", tag("defs", cat), *map(_as_svg, shapes), width=WIDE, height=TALL, **box)
    source = "data:image/svg+xml," + quote(svg, safe=" /:;,=()+.'")
    look = "width:100%;height:auto;display:block;background:white"
    page = drawing(_alt(networks), tag("img", src=source, alt="", width=WIDE, height=TALL, style=look))
    over = "position:absolute;inset:0"  # the link lies over the picture, and so the picture keeps its words
    opens = tag("a", data_opens="poster", aria_label="Open the sheet large", style=over)
    credit = tag("div", credit_line(_cat()), style="font-size:.75em;text-align:center")
    sheet = tag("div", page, opens, class_="poster", style="position:relative")
    return HTML(str(joined(sheet, credit, Markup(PLACE))))


def _alt(networks: Sequence[str]) -> str:
    said = []
    for row in _rows(networks):
        kinds = [(kind, len(list(group))) for kind, group in groupby(part.kind for part in row.parts)]
        chain = ", ".join(f"{count} × {kind}" if count > 1 else str(kind) for kind, count in kinds)
        slices = _slices(row.parts)
        sides = ", ".join(str(side) for side, _ in groupby(one.side for one in slices))
        said.append(f"{row.title}, {PUBLISHED[row.name].year}: {chain}; {row.layers} layers, sides {sides}")
    return f"{len(networks)} networks as chains of slices, one for each layer, drawn to one scale. {'. '.join(said)}."


def _as_svg(shape: Shape) -> Markup:
    if isinstance(shape, Box):
        place = {
            "x": f"{shape.x:.1f}",
            "y": f"{shape.y:.1f}",
            "width": f"{shape.wide:.1f}",
            "height": f"{shape.tall:.1f}",
        }
        return tag("rect", **place, fill=shape.colour, fill_opacity=shape.opacity)
    if isinstance(shape, Words):
        look: dict[str, object] = {
            "font-size": shape.size,
            "text-anchor": None if shape.anchor == "start" else shape.anchor,
            "font-weight": 700 if shape.bold else None,
            "font-style": "italic" if shape.italic else None,
            "fill-opacity": shape.opacity if shape.opacity < 1 else None,
        }
        return tag("text", shape.said, x=f"{shape.x:.1f}", y=f"{shape.y:.1f}", **look)
    if isinstance(shape, Arc):
        return Markup(line(_route(shape), width=shape.width))
    return tag("use", href="#poster-cat", transform=f"translate({shape.x:.1f} {shape.y:.1f}) scale({shape.side:.1f})")


def _route(arc: Arc) -> str:
    if not arc.high:
        return f"M{arc.left:.1f},{arc.y:.1f} H{arc.right:.1f}"
    up = arc.y - arc.high * 4 / 3
    return f"M{arc.left:.1f},{arc.y:.1f} C{arc.left:.1f},{up:.1f} {arc.right:.1f},{up:.1f} {arc.right:.1f},{arc.y:.1f}"


@checked
def save_poster(path: Path | str, networks: Sequence[str] = tuple(POSTER), *, dots: int = 150) -> None:
    """The sheet as a file on white, A2 across: a PDF whose words can be searched, or a picture.

    Args:
        path: where to; ends in `.pdf` or `.png`.
        networks: names of `POSTER`, from top to bottom.
        dots: pixels for an inch of a picture.

    Raises:
        ValueError: another ending, or networks that `draw_poster` refuses.
    """
    kind = Path(path).suffix
    one_of("the ending of the file", kind, (".pdf", ".png"))
    drawn = figure_of(poster(networks))
    metadata = {"CreationDate": None} if kind == ".pdf" else {"Software": None}
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        drawn.savefig(path, dpi=dots, facecolor="white", metadata=metadata)


def figure_of(shapes: Sequence[Shape]) -> Figure:
    """The shapes as a matplotlib figure of the sheet's size, a unit of whose axes is a point."""
    drawn = Figure(figsize=(WIDE / 72, TALL / 72))
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDE), ylim=(TALL, 0))
    axes.axis("off")
    cat = _cat()[0].permute(1, 2, 0).numpy()
    for shape in shapes:
        if isinstance(shape, Box):
            place = ((shape.x, shape.y), shape.wide, shape.tall)
            axes.add_patch(patches.Rectangle(*place, facecolor=shape.colour, alpha=shape.opacity, linewidth=0))
        elif isinstance(shape, Words):
            anchor = {"start": "left", "middle": "center", "end": "right"}[shape.anchor]
            axes.text(
                shape.x,
                shape.y,
                shape.said,
                fontsize=shape.size,
                family="DejaVu Sans",
                ha=anchor,
                va="baseline",
                weight="bold" if shape.bold else "normal",
                style="italic" if shape.italic else "normal",
                alpha=shape.opacity,
            )
        elif isinstance(shape, Arc):
            up = shape.y - shape.high * 4 / 3
            corners = [(shape.left, shape.y), (shape.left, up), (shape.right, up), (shape.right, shape.y)]
            route = Route(corners, [Route.MOVETO, Route.CURVE4, Route.CURVE4, Route.CURVE4])
            axes.add_patch(patches.PathPatch(route, fill=False, linewidth=shape.width))
        else:
            extent = (shape.x, shape.x + shape.side, shape.y + shape.side, shape.y)
            axes.imshow(cat, extent=extent, aspect="auto", interpolation="none")
    axes.set(xlim=(0, WIDE), ylim=(TALL, 0))
    return drawn
