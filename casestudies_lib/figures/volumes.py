"""A network as a chain of volumes to scale."""

from __future__ import annotations

from dataclasses import dataclass

from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import checked
from casestudies_lib.figures.look import colour_of, label
from casestudies_lib.measure.anatomy import Anatomy, Layer
from casestudies_lib.measure.op import Family, Op
from casestudies_lib.page.html import drawing, tag
from casestudies_lib.page.palette import COLOURS


@checked
def draw(network: Anatomy, *, height: int = 120) -> HTML:
    """The network as a chain of volumes, to scale, with the operations between them and the sizes below.

    Heights and widths share one scale, channels have a second, vectors a third; a volume's front is n_h tall and
    n_c wide, and n_w runs into the page. Layers that repeat are drawn once. The chain wraps on a narrow screen.

    Args:
        network: what `anatomy` found.
        height: pixels for the tallest volume.
    """
    image = Layer("input", Op(Family.INPUT, "input"), network.input_shape, 0, 0, 1, nn.Identity())
    groups = _repeats([image, *network.rows])
    scale = _scale([group[0] for group in groups], height)
    parts = [_part([image], [], "", scale)]
    vectors: list[str] = []  # they stay together where the chain wraps
    spoken = [f"input {image.size}"]
    for group in groups[1:]:
        times = f" ×{len(group)}" if len(group) > 1 else ""
        above = _lines(group[0].op)
        above[-1] += times
        part = _part(group, above + _between(network, group), tag("span", "→", style=_ARROW), scale)
        (vectors if _is_vector(group[0]) else parts).append(part)
        spoken.append(f"{_names(group)}: {group[0].op}{times} gives {group[0].size}")
    alt = f"{network.title} as a chain of volumes drawn to scale. " + "; ".join(spoken) + "."
    row = "display:flex;flex-wrap:wrap;justify-content:center;row-gap:1em"
    last = tag("div", *vectors, style="display:flex;align-items:flex-end")
    return HTML(str(drawing(alt, *parts, last, style=row)))


@dataclass(frozen=True)
class _Scale:
    """Pixels for one position of a side, for one channel, and for one unit of a vector."""

    side: float
    channel: float
    unit: float


def _repeats(layers: list[Layer]) -> list[list[Layer]]:
    """The layers, neighbours that do the same and make maps of the same shape together."""
    groups: list[list[Layer]] = []
    for layer in layers:
        same = groups and (layer.op, layer.shape) == (groups[-1][0].op, groups[-1][0].shape)
        if same and len(layer.shape) == 3:
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return groups


def _is_vector(layer: Layer) -> bool:
    return layer.shape[1:] in ((), (1, 1))


def _scale(layers: list[Layer], height: int) -> _Scale:
    """The tallest map is `height` tall, the longest vector half of that, the most channels 60 wide."""
    volumes = [layer.shape for layer in layers if not _is_vector(layer)]
    vectors = [layer.shape[0] for layer in layers if _is_vector(layer)]
    most, tallest = max(shape[0] for shape in volumes), max(shape[1] for shape in volumes)
    return _Scale(height / tallest, 60 / most, height / 2 / max(vectors, default=1))


_SMALL = "font-size:.75em;text-align:center;line-height:1.25"
_COLUMN = "display:flex;flex-direction:column;align-items:center;justify-content:flex-end;margin:.2em .3em"
_ARROW = "align-self:center;margin:0 .2em"


def _part(group: list[Layer], above: list[str], arrow: str, scale: _Scale) -> str:
    """One volume or vector, what makes it above, its size and its names below."""
    layer = group[0]
    picture = _vector(layer, scale) if _is_vector(layer) else _volume(layer, scale)
    return tag(
        "div",
        tag("div", tag("br").join(above), style=_SMALL),
        tag("div", arrow, picture, style="display:flex;align-items:flex-end"),
        tag("div", tag("strong", layer.size), tag("br"), _names(group), style=_SMALL),
        style=_COLUMN,
    )


def _names(group: list[Layer]) -> str:
    return group[0].name if len(group) == 1 else f"{group[0].name} … {group[-1].name}"


def _lines(op: Op) -> list[str]:
    """What stands above a volume, line by line: what, how large, what else."""
    what = op.title.split() if op.family is Family.FULLY_CONNECTED else [op.title]
    return [*what, *([op.window] if op.window else []), *op.details]


def _between(network: Anatomy, group: list[Layer]) -> list[str]:
    """What stands between this layer and the next one that is drawn: ReLU, LRN, dropout, …"""
    after = []
    for layer in network.layers[network.layers.index(group[-1]) + 1 :]:
        if layer in network.rows:
            break
        if layer.op.family not in (Family.FLATTEN, Family.ADAPTIVE_POOL):
            after.append(label(layer.op))
    return [", ".join(after)] if after else []


def _colour(layer: Layer) -> str:
    return COLOURS["output"] if layer.name in ("output", "fc8") else colour_of(layer.op)


_EDGE = {"stroke": "currentColor", "stroke-width": 0.7}


def _volume(layer: Layer, scale: _Scale) -> str:
    """Three faces, and a seam between the maps of two groups."""
    channels, rows, columns = layer.shape
    w, h, d = (max(n, 1.5) for n in (channels * scale.channel, rows * scale.side, columns * scale.side))
    d *= 0.35
    faces = (
        (f"M{d:.1f},0 h{w:.1f} l{-d:.1f},{d:.1f} h{-w:.1f} z", 0.45),
        (f"M{w:.1f},{d:.1f} l{d:.1f},{-d:.1f} v{h:.1f} l{-d:.1f},{d:.1f} z", 0.65),
        (f"M0,{d:.1f} h{w:.1f} v{h:.1f} h{-w:.1f} z", 0.9),
    )
    edge = {**_EDGE, "stroke-linejoin": "round"}
    paths = [tag("path", d=path, fill=_colour(layer), **{"fill-opacity": shade}, **edge) for path, shade in faces]
    if layer.op.groups == 2:
        seam = f"M{w / 2:.1f},{d + h:.1f} v{-h:.1f} l{d:.1f},{-d:.1f}"
        paths.append(tag("path", d=seam, fill="none", **{"stroke-dasharray": "3 2"}, **edge))
    return _svg(w + d, h + d, *paths)


def _vector(layer: Layer, scale: _Scale) -> str:
    h = f"{max(layer.shape[0] * scale.unit, 1.5):.1f}"
    return _svg(8, float(h), tag("rect", width=8, height=h, fill=_colour(layer), **_EDGE))


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
