"""A network as a chain of volumes to scale, and LeNet-5's Table I."""

from __future__ import annotations

import re
from itertools import groupby

from IPython.display import HTML

from casestudies_lib.lenet import SparseConv2d
from casestudies_lib.measure.anatomy import Anatomy, Layer
from casestudies_lib.page.html import drawing, tag
from casestudies_lib.page.palette import COLOURS


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
                tag("div", tag("br").join(above), style=small),
                tag("div", arrow, picture, style="display:flex;align-items:flex-end"),
                tag("div", tag("strong", layer.size), tag("br"), names, style=small),
                style=column,
            )
        )
        spoken.append(f"{names}: {operation} gives {layer.size}" if operation else f"input {layer.size}")
    alt = f"{network.title} as a chain of volumes drawn to scale. " + "; ".join(spoken) + "."
    row = "display:flex;flex-wrap:wrap;justify-content:center;row-gap:1em"
    return HTML(str(drawing(alt, *parts, style=row)))


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
    return HTML(str(drawing(alt, svg)))
