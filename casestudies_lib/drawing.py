"""Figures drawn from what anatomy found in the live module, each with alt text; that of a network from the same data.

Everything is inline SVG: it takes the page's colours in light and dark, its text can be selected and searched, it
needs no file beside the page, and the notebook's test compares it character by character.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import groupby

import matplotlib
import numpy as np
from IPython.display import HTML, display
from matplotlib.figure import Figure

from casestudies_lib.anatomy import Anatomy, Layer
from casestudies_lib.lenet import SparseConv2d
from casestudies_lib.markup import tag, text

MIME = "application/vnd.casestudies.figure+json"
CENTRED = "text-align:center"
COLOURS = {
    "input": "#8c8c8c",
    "conv": "#4c78a8",
    "pool": "#e08214",
    "fully connected": "#54a24b",
    "output": "#b279a2",
}


def figure(width: float = 4.6, height: float = 2.8, **subplots: object) -> tuple[Figure, object]:
    """A matplotlib figure that stays readable at phone width: `(figure, axes)`; sizes in inches.

    Keyword arguments go to `Figure.subplots`.
    """
    drawn = Figure(figsize=(width, height), layout="constrained")
    with matplotlib.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        return drawn, drawn.subplots(**subplots)


def show(drawn: Figure, name: str, alt: str, *, trained: bool = False) -> None:
    """Show a matplotlib figure as inline SVG in the page's own colours, with alt text, and record what it shows.

    Args:
        drawn: the figure.
        name: a short name, unique on the page.
        alt: what a reader who cannot see the figure should know.
        trained: whether trained weights show in it. Their last digits differ between processors, so the test then
            compares the alt text and the recorded shapes instead of the drawing.

    Raises:
        ValueError: an empty alt text.
    """
    if not alt.strip():
        raise ValueError(f"expected alt text for the figure {name!r}, got none: say what it shows")
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        drawn.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    width = re.search(r'width="([\d.]+)pt"', svg).group(1)
    style = f"width:100%;max-width:{float(width) * 1.45:.0f}px"
    opening = rf'<svg viewBox="\1" fill="currentColor" aria-hidden="true" style="{style}">'
    svg = re.sub(r'<svg .*?viewBox="([^"]*)".*?>', opening, svg, count=1, flags=re.DOTALL)
    svg = svg.replace("#000000", "currentColor")
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"font-family: [^;\"]*; ?", "", svg)
    svg = _rounded(_numbered(svg, name))
    page = tag(
        "div", svg, class_="drawing trained" if trained else "drawing", role="img", aria_label=alt, style=CENTRED
    )
    display({"text/html": page, "text/plain": alt, MIME: _drawn(drawn, trained)}, raw=True)


def _numbered(svg: str, name: str) -> str:
    """The drawing with its ids numbered in order of appearance, and only where something refers to them.

    Matplotlib's own ids are hashes of coordinates in full precision, so a last bit, in which processors differ, changes
    them. It can also make two definitions out of one, which are then written alike: of equal ones the first is kept.
    """
    same: dict[str, str] = {}  # what a definition says -> the first id that says it
    stands_for: dict[str, str] = {}
    number: dict[str, str] = {}

    def once(found: re.Match) -> str:
        stands_for[found[2]] = same.setdefault(found[1] + found[3], found[2])
        return found[0] if stands_for[found[2]] == found[2] else ""

    def referred(found: re.Match) -> str:
        return f"{found[1]}#{number.setdefault(stands_for.get(found[2], found[2]), f'{name}-{len(number) + 1}')}"

    definition = r'<(clipPath|path) id="([^"]+)"([^>]*/>|>\s*<[^>]*/>\s*</clipPath>)'
    svg = re.sub(definition, once, svg)
    svg = re.sub(r'(url\(|href=")#([^")]+)', referred, svg)
    return re.sub(r' id="([^"]+)"', lambda found: f' id="{number[found[1]]}"' if found[1] in number else "", svg)


def _rounded(svg: str) -> str:
    """Coordinates in hundredths of a point, where matplotlib writes six decimals and so, now and then, a last bit.

    A last bit shows where a value stands half-way between two roundings, as round numbers and their halves do; so the
    half-way points are moved a little, to where no round number stands.
    """

    def hundredths(found: re.Match) -> str:
        return found[0] if "(" in found[0] else f"{float(found[0]) + 3.7e-5:.2f}".rstrip("0").rstrip(".")

    def coordinates(found: re.Match) -> str:
        return f' {found[1]}="{re.sub(r"scale[(][^)]*|-?[0-9]+[.][0-9]{3,}", hundredths, found[2])}"'

    svg = re.sub(r' (d|x|y|width|height|transform)="([^"]*)"', coordinates, svg)
    svg = re.sub(r"(?<![\w.])-0(?![\d.])", "0", svg)
    return re.sub(r' transform="rotate\(0 [^"]*"', "", svg)


def _drawn(drawn: Figure, trained: bool) -> list[dict]:
    """What the test cannot compare in the drawing itself: images are compressed, and trained drawings left out.

    Per panel its words, the points of each curve, and the size and coarse brightness of each image.
    """

    def brightness(pixels: np.ndarray) -> str | None:
        return None if trained else f"{np.asarray(pixels, dtype=float).mean():.2g}"

    return [
        {
            "words": [axes.get_xlabel(), axes.get_ylabel(), "" if trained else axes.get_title()],
            "points": [len(line.get_xdata()) for line in axes.get_lines()],
            "images": [[*im.get_array().shape, brightness(im.get_array())] for im in axes.get_images()],
        }
        for axes in drawn.axes
    ]


def draw(network: Anatomy, *, height: int = 120) -> HTML:
    """The network as a chain of volumes, to scale, with the operations between them and the sizes below.

    Heights and widths share one scale, channels have a second, vectors a third; a volume's front is n_h tall and
    n_c wide, and n_w runs into the page. Layers that repeat are drawn once. The chain wraps on a narrow screen.

    Args:
        network: what `anatomy` found.
        height: pixels for the tallest volume.
    """
    first = Layer("input", "input", network.input_shape, 0, 0, 1, None)
    groups = [[first]]
    for layer in network.rows:
        last = groups[-1][-1]
        if (layer.kind, layer.shape) == (last.kind, last.shape) and len(layer.shape) == 3:
            groups[-1].append(layer)
        else:
            groups.append([layer])
    volumes = [g[0].shape for g in groups if len(g[0].shape) == 3 and g[0].shape[1] > 1]
    vectors = [g[0].shape[0] for g in groups if len(g[0].shape) == 1 or g[0].shape[1] == 1]
    side = height / max(shape[1] for shape in volumes)
    deep = 60 / max(shape[0] for shape in volumes)
    tall = height / max(vectors, default=1)
    parts, spoken = [], []
    for group in groups:
        layer = group[0]
        names = layer.name if len(group) == 1 else f"{layer.name} … {group[-1].name}"
        times = f" ×{len(group)}" if len(group) > 1 else ""
        notes = [] if layer is first else _between(network, group)
        halves = ", 2 groups" in layer.kind
        picture = _vector(layer, tall) if layer.shape[1:] in ((), (1, 1)) else _volume(layer, side, deep, halves)
        operation = "" if layer is first else f"{layer.kind}{times}"
        above = re.sub(r" (?=\d+×|connected)|, ", "\n", operation).split("\n") + notes  # what, how large, what follows
        small = "font-size:.75em;text-align:center;line-height:1.25"
        column = "display:flex;flex-direction:column;align-items:center;justify-content:flex-end;margin:.2em .3em"
        arrow = "" if layer is first else tag("span", "→", style="align-self:center;margin:0 .2em")
        parts.append(
            tag(
                "div",
                tag("div", tag("br").join(map(text, above)), style=small),
                tag("div", arrow, picture, style="display:flex;align-items:flex-end"),
                tag("div", tag("strong", layer.size), tag("br"), text(names), style=small),
                style=column,
            )
        )
        spoken.append(f"{names}: {operation} gives {layer.size}" if operation else f"input {layer.size}")
    alt = f"{network.title} as a chain of volumes drawn to scale. " + "; ".join(spoken) + "."
    row = "display:flex;flex-wrap:wrap;justify-content:center;row-gap:1em"
    return HTML(tag("div", *parts, class_="drawing", role="img", aria_label=alt, style=row))


def _between(network: Anatomy, group: list[Layer]) -> list[str]:
    """What stands between this layer and the next one that is drawn: ReLU, LRN, dropout, …"""
    at = network.layers.index(group[-1])
    after = []
    for layer in network.layers[at + 1 :]:
        if layer in network.rows:
            break
        if layer.kind not in ("Flatten", "adaptive average"):
            after.append(
                {
                    "BatchNorm2d": "batch norm",
                    "Dropout": "dropout",
                    "ScaledTanh": "scaled tanh",
                    "Tanh": "tanh",
                }.get(layer.kind, layer.kind)
            )
    return [", ".join(after)] if after else []


def _colour(layer: Layer) -> str:
    kind = "output" if layer.name in ("output", "fc8") else layer.kind
    return next((colour for word, colour in COLOURS.items() if word in kind.lower()), COLOURS["input"])


def _volume(layer: Layer, side: float, deep: float, halves: bool) -> str:
    channels, rows, columns = layer.shape
    w, h, d = max(channels * deep, 1.5), max(rows * side, 1.5), max(columns * side, 1.5) * 0.35
    colour = _colour(layer)
    faces = (
        (f"M{d:.1f},0 h{w:.1f} l{-d:.1f},{d:.1f} h{-w:.1f} z", 0.45),
        (f"M{w:.1f},{d:.1f} l{d:.1f},{-d:.1f} v{h:.1f} l{-d:.1f},{d:.1f} z", 0.65),
        (f"M0,{d:.1f} h{w:.1f} v{h:.1f} h{-w:.1f} z", 0.9),
    )
    line = {"stroke": "currentColor", "stroke-width": 0.7, "stroke-linejoin": "round"}
    paths = [tag("path", d=path, fill=colour, **{"fill-opacity": opacity}, **line) for path, opacity in faces]
    if halves:  # the maps of the two groups
        seam = f"M{w / 2:.1f},{d + h:.1f} v{-h:.1f} l{d:.1f},{-d:.1f}"
        paths.append(tag("path", d=seam, fill="none", **{"stroke-dasharray": "3 2"}, **line))
    return _svg(w + d, h + d, *paths)


def _vector(layer: Layer, tall: float) -> str:
    h = f"{max(layer.shape[0] * tall, 1.5):.1f}"
    line = {"stroke": "currentColor", "stroke-width": 0.7}
    return _svg(8, float(h), tag("rect", width=8, height=h, fill=_colour(layer), **line))


def _svg(width: float, height: float, *inside: str) -> str:
    return tag(
        "svg",
        *inside,
        width=f"{width + 2:.0f}",
        height=f"{height + 2:.0f}",
        viewBox=f"-1 -1 {width + 2:.1f} {height + 2:.1f}",
        aria_hidden="true",
        style="margin:.2em 0",
    )


def draw_connections(layer: SparseConv2d) -> HTML:
    """Which input maps each output map of a sparse convolution reads: LeNet-5's Table I, from the live module."""
    inputs = max(max(reads) for reads in layer.table) + 1
    cell, top, left = 20, 36, 76
    width, height = left + cell * len(layer.table), top + cell * inputs

    def label(words: object, x: float, y: float, anchor: str = "middle") -> str:
        return tag("text", str(words), x=x, y=y, **{"text-anchor": anchor})

    parts = [
        label("map of C3", (left + width) / 2, 13),
        label("map of S2", 0, (top + height) / 2 + 4, "start"),
    ]
    parts += [label(out, left + cell * out + 8.5, top - 6) for out in range(len(layer.table))]
    parts += [label(into, left - 8, top + cell * into + 13, "end") for into in range(inputs)]
    parts += [
        tag(
            "rect",
            x=left + cell * out,
            y=top + cell * into,
            width=cell - 3,
            height=cell - 3,
            fill=COLOURS["conv"] if into in reads else "none",
            **{"stroke": "currentColor", "stroke-width": 0.6},
        )
        for out, reads in enumerate(layer.table)
        for into in range(inputs)
    ]
    fans = [f"{len(list(same))} read {fan}" for fan, same in groupby(len(reads) for reads in layer.table)]
    alt = (
        f"Table of {len(layer.table)} columns, the C3 maps, and {inputs} rows, the S2 maps; a filled square "
        f"is a connection. From left to right, {', '.join(fans)} of the {inputs} maps."
    )
    style = f"width:100%;max-width:{width * 1.5:.0f}px"
    box = {"viewBox": f"0 0 {width} {height}", "fill": "currentColor", "font-size": 11}
    svg = tag("svg", *parts, **box, aria_hidden="true", style=style)
    return HTML(tag("div", svg, class_="drawing", role="img", aria_label=alt, style=CENTRED))


def digits_grid(
    images: Sequence[np.ndarray | None], titles: Sequence[str], *, columns: int = 8, white: float | None = None
) -> Figure:
    """Small grey images `(H, W)` in a grid, each under its title; None leaves a gap.

    Each image has its own scale, from its darkest to its brightest value; with `white`, all run from 0 to that value.
    """
    rows = -(-len(images) // columns)
    drawn, axes = figure(4.6, 0.85 * rows, nrows=rows, ncols=columns, squeeze=False)
    for cell in axes.ravel():
        cell.axis("off")
    for cell, image, title in zip(axes.ravel(), images, titles, strict=False):
        if image is None:
            continue
        cell.imshow(image, cmap="gray", vmin=None if white is None else 0, vmax=white)
        cell.set_title(title, fontsize=9)
        cell.set(xticks=[], yticks=[])
        cell.set_axis_on()
        cell.spines[:].set(visible=True, color=COLOURS["input"], linewidth=0.6)  # white ink on a white page
    return drawn
