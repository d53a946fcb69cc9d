"""What a trained network sees: kernels, the maps of a layer, the places that decide for a class or excite a channel.

Trained numbers differ in their last bits between processors, so the drawings are marked as trained: a test compares
the words, captions and credits beside them, and claims hold what they show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from IPython.display import HTML
from markupsafe import Markup
from PIL import ImageColor

from casestudies_lib.checks import checked
from casestudies_lib.figures.photo import check_photograph, credit_line, jpeg, png
from casestudies_lib.figures.svg import words
from casestudies_lib.measure.inside import ClassMap, Place
from casestudies_lib.page.html import drawing, joined, tag
from casestudies_lib.page.palette import AGAINST, COLOURS, FOR, LIT, MARKER

WIDTH, GAP = 360, 4  # of every picture, and between its tiles, in its own units
FINEST = 64  # pixels of a tile's side at most: it is drawn smaller
STRENGTH = 0.75  # of the colour over the strongest place of a photograph


@checked
def kernel_images(kernels: torch.Tensor, layer: str) -> HTML:
    """Kernels as pictures in a grid: middle grey is 0, and each has its own scale, the same above and below 0.

    Args:
        kernels: `(n, 1, k, k)` or `(n, 3, k, k)`, see `measure.inside.kernels`.
        layer: what caption and alt text call the layer.

    Raises:
        ValueError: a tensor of another shape.
    """
    _check_values("kernels", kernels)
    if kernels.dim() != 4 or kernels.shape[1] not in (1, 3):
        raise ValueError(
            f"expected kernels (n, 1, k, k) or (n, 3, k, k), got {tuple(kernels.shape)}: see measure.inside.kernels()"
        )
    grid = _Grid(8)
    parts = [_tile(png(_enlarged(_around_zero(kernel))), *grid.spot(i)) for i, kernel in enumerate(kernels)]
    many, channels, tall, wide = kernels.shape
    size = f"{wide}×{tall} pixels" + (" in colour" if channels == 3 else "")
    caption = f"The {many} kernels of {layer}, {size}. Middle grey is a weight of 0; each kernel has its own scale."
    alt = f"A grid of {many} small pictures, the kernels of {layer}, each {size}; {_kinds(kernels)}."
    return _shown(alt, parts, grid.height(many), caption)


@checked
def activation_maps(
    maps: torch.Tensor,
    photo: torch.Tensor,
    layer: str,
    *,
    channels: Sequence[int] | None = None,
    taken_from: torch.Tensor | None = None,
) -> HTML:
    """Channels of a layer in a grid beside the photograph that they were made from, white where a channel responds.

    Each map has its own scale, from black at 0 to white at its largest value; a map with values below 0 has middle grey
    there.

    Args:
        maps: what the layer makes of the photograph, `(C, h, w)` or `(1, C, h, w)`, see `measure.inside.activations`.
        photo: the photograph as the network saw it, `(1, 3, side, side)` with values in [0, 1].
        layer: what caption and alt text call the layer.
        channels: which maps, in order; the first 20 unless given.
        taken_from: the photograph that `photo` is a part of, as `photograph` made it, where it is not `photo` itself:
            whose it is is known by its pixels.

    Raises:
        ValueError: another tensor of maps, a channel that it lacks, or no photograph.
    """
    check_photograph(photo)
    _check_values("maps", maps)
    maps = maps[0] if maps.dim() == 4 and len(maps) == 1 else maps
    if maps.dim() != 3:
        raise ValueError(
            f"expected the maps of one image (C, h, w), got {tuple(maps.shape)}: choose one, such as maps[0]"
        )
    channels = range(min(20, len(maps))) if channels is None else channels
    wrong = [channel for channel in channels if not 0 <= channel < len(maps)]
    if wrong or not channels:
        raise ValueError(
            f"expected channels from 0 to {len(maps) - 1}, got {wrong or 'none'}: {layer} has {len(maps)} of them"
        )
    grid = _Grid(6)
    free = [i for i in range(len(channels) + 4) if i not in (0, 1, grid.columns, grid.columns + 1)]
    parts = [_tile(jpeg(photo[0]), 0, 0, 2 * grid.side + GAP)]
    for spot, channel in zip(free, channels):
        picture = png(_enlarged(_from_zero(maps[channel])))
        parts.append(_tile(picture, *grid.spot(spot), title=f"channel {channel}"))
    many, tall, wide = maps.shape
    caption = (
        f"What {len(channels)} of the {many} channels of {layer} make of the photograph, {wide}×{tall} positions each. "
        "The brighter, the stronger; each map has its own scale."
    )
    alt = (
        f"A photograph, and beside it {len(channels)} grey maps of {wide} by {tall} positions, channels of {layer}; "
        f"{_busy(maps[list(channels)])}."
    )
    tiles = max(grid.columns, free[len(channels) - 1]) + 1
    return _shown(alt, parts, grid.height(tiles), caption, photo if taken_from is None else taken_from)


@checked
def class_activation(
    found: ClassMap, photo: torch.Tensor, name: str, *, taken_from: torch.Tensor | None = None, explained: bool = True
) -> HTML:
    """A photograph, and beside it in colour which of its places speak for a class and which against it.

    The map is enlarged to the size of the photograph, which turns grey and pale; the scale is the same for and against.

    Args:
        found: see `measure.inside.class_activation_map`.
        photo: the photograph as the network saw it, `(1, 3, side, side)` with values in [0, 1].
        name: the class's name.
        taken_from: the photograph that `photo` is a part of, as `photograph` made it, where it is not `photo` itself:
            whose it is is known by its pixels.
        explained: False where a caption of the page's own says what the colours mean.

    Raises:
        ValueError: no photograph.
    """
    check_photograph(photo)
    most = found.values.abs().max().item() or 1.0
    side, scale, tall = (WIDTH - GAP) / 2, 120, 10
    share = F.interpolate(found.values[None, None] / most, photo.shape[2:], mode="bilinear")[0]
    colour = torch.where(share > 0, _rgb(FOR), _rgb(AGAINST))
    seen = torch.lerp(0.2 + 0.55 * photo[0].mean(0, keepdim=True), colour, STRENGTH * share.abs())
    left, below = (WIDTH - scale) / 2, side + 8
    parts = [
        _tile(jpeg(photo[0]), 0, 0, side),
        _tile(jpeg(seen.clamp(0, 1)), side + GAP, 0, side, title=name),
        *_scale(left, below, scale, tall),
        words(f"against: −{most:.3g}", left - 4, below + 9, "end", small=True),
        words(f"for: {most:.3g}", left + scale + 4, below + 9, "start", small=True),
    ]
    rows, columns = found.values.shape
    caption = joined(
        "Where the network sees ",
        tag("strong", name),
        f": the class map of {columns}×{rows} places, enlarged. Orange "
        "speaks for the class, violet against it; the mean of the map, plus a constant, is the class's logit.",
    )
    alt = (
        f"A photograph, and the same in grey with the class map of {name} in colour on it, {columns} by {rows} places; "
        f"{_said_for(found.values)}."
    )
    return _shown(
        alt, parts, below + tall + 4, caption if explained else "", photo if taken_from is None else taken_from
    )


def _scale(left: float, top: float, wide: float, tall: float, steps: int = 24) -> list[Markup]:
    """What colours mean, from all against to all for, over grey as over a photograph."""
    parts = [tag("rect", x=left, y=top, width=wide, height=tall, fill=COLOURS["input"])]
    for step in range(steps):
        share = (2 * step + 1) / steps - 1
        look = {"fill": FOR if share > 0 else AGAINST, "fill-opacity": f"{STRENGTH * abs(share):.2f}"}
        at, width = f"{left + step * wide / steps:.1f}", f"{wide / steps:.1f}"
        parts.append(tag("rect", x=at, y=top, width=width, height=tall, **look, shape_rendering="crispEdges"))
    return parts


@checked
def class_map_grid(
    found: Mapping[str, ClassMap], photo: torch.Tensor, *, taken_from: torch.Tensor | None = None
) -> HTML:
    """A photograph in grey, once for each class, and on it the numbers of the class's map, each on its square.

    Nothing is smoothed, and the scale is the same for all classes. The class's bias is added to every number, so that
    their mean, which stands above each picture, is the logit.

    Args:
        found: what picture and alt text call a class -> its map, see `measure.inside.class_activation_map`.
        photo: the photograph as the network saw it, `(1, 3, side, side)` with values in [0, 1].
        taken_from: as for `class_activation`.

    Raises:
        ValueError: no maps, maps of different sizes, or no photograph.
    """
    check_photograph(photo)
    sizes = {tuple(one.values.shape) for one in found.values()}
    if len(sizes) != 1:
        raise ValueError(f"expected maps of one size, got {sorted(sizes) or 'none'}: show maps of one network together")
    [(rows, columns)] = sizes
    most = max(one.values.abs().max().item() for one in found.values()) or 1.0
    grid, head, foot = _Grid(2), 18, 8
    grey = jpeg((0.2 + 0.55 * photo[0].mean(0, keepdim=True)).expand(3, -1, -1))
    # As a style: matplotlib's drawings bring one for every text of the page, which an attribute would not overrule.
    ink = {"text-anchor": "middle", "font-size": 10}
    outlined = f"fill:{LIT};stroke:black;stroke-width:2;paint-order:stroke"
    parts: list[Markup | str] = []
    spoken = []
    for number, (name, one) in enumerate(found.items()):
        left, top = number % 2 * (grid.side + GAP), number // 2 * (head + grid.side + foot) + head
        logit = f"{one.values.mean().item() + one.bias:.1f}".replace("-", "−")
        parts.append(words(f"{name}: mean {logit}", left, top - 6, "start"))
        parts.append(_tile(grey, left, top, grid.side, title=name))
        wide, tall = grid.side / columns, grid.side / rows
        for place, value in enumerate(one.values.flatten().tolist()):
            x, y = left + place % columns * wide, top + place // columns * tall
            look = {"fill": FOR if value > 0 else AGAINST, "fill-opacity": f"{STRENGTH * abs(value) / most:.2f}"}
            square = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{wide:.1f}", "height": f"{tall:.1f}"}
            at = {"x": f"{x + wide / 2:.1f}", "y": f"{y + tall / 2 + 3.5:.1f}"}
            written = f"{value + one.bias:.0f}".replace("-0", "0").replace("-", "−")
            parts.append(tag("rect", **square, **look, stroke=LIT, stroke_opacity=0.25, stroke_width=0.4))
            parts.append(tag("text", written, **at, **ink, style=outlined))
        spoken.append(f"{name}, {_said_for(one.values)}")
    alt = f"A photograph in grey, with the {columns} by {rows} numbers of class maps on it: " + "; ".join(spoken)
    height = -(-len(found) // 2) * (head + grid.side + foot)
    return _shown(f"{alt}.", parts, height, "", photo if taken_from is None else taken_from)


@checked
def strongest_crops(
    rows: Mapping[str, Sequence[Place]], photographs: torch.Tensor, *, taken_from: Sequence[torch.Tensor] | None = None
) -> HTML:
    """The squares of photographs that excite channels most, a row for each channel, all drawn to one size.

    Each square is what one unit sees, its receptive field, as far as the photograph has it; a ring marks the middle of
    a field that is more than half of the photograph. A bar below says how strong the response is, the row's first being
    the longest.

    Args:
        rows: what picture and alt text call a channel -> its places, see `measure.inside.strongest`.
        photographs: those that the places are in, as the network saw them, `(n, 3, side, side)` with values in [0, 1].
        taken_from: the photographs that these are parts of, in the same order, as for `class_activation`.

    Raises:
        ValueError: no rows, a row without places, or no photographs.
    """
    for photo in photographs:
        check_photograph(photo[None])
    if not rows or not all(rows.values()):
        raise ValueError("expected places in every row, got none: see measure.inside.strongest()")
    whole = photographs.split(1) if taken_from is None else taken_from
    most = max(place.image for places in rows.values() for place in places)
    if most >= min(len(photographs), len(whole)):
        raise ValueError(
            f"expected photographs for all places, up to number {most}, got {len(photographs)} and {len(whole)} that "
            "they are taken from: pass those that strongest() read"
        )
    side, head, foot = _Grid(max(map(len, rows.values()))).side, 16, 8
    sizes = {name: min(places[0].side, photographs.shape[-1]) for name, places in rows.items()}
    parts: list[Markup | str] = []
    for number, (name, places) in enumerate(rows.items()):
        top = number * (head + side + foot)
        parts.append(words(f"{name}: {sizes[name]}×{sizes[name]} pixels", 0, top + 11, "start", small=True))
        for column, place in enumerate(places):
            left = column * (side + GAP)
            parts += _crop(photographs[place.image], place, left, top + head, side)
            long = max(0.0, place.value) / max(places[0].value, 1e-12) * side
            bar = {"x": f"{left:.1f}", "y": f"{top + head + side + 1.5:.1f}", "width": f"{long:.1f}", "height": 2}
            parts.append(tag("rect", **bar, class_="bar"))
    shown = sorted({place.image for places in rows.values() for place in places})
    caption = (
        "What excites a channel most, one channel a row: the place of each photograph where it responds most strongly, "
        "as much of it as one unit sees. The bars compare the responses of a row."
    )
    alt = f"{len(rows)} rows of squares cut from photographs: " + "; ".join(
        f"{name}, {len(places)} squares of {sizes[name]} pixels" for name, places in rows.items()
    )
    return _shown(f"{alt}.", parts, len(rows) * (head + side + foot), caption, *(whole[i] for i in shown))


def _crop(photo: torch.Tensor, place: Place, x: float, y: float, side: float) -> list[Markup]:
    """The square that a unit sees, moved into the photograph, and if it is large a ring where its middle was."""
    most, ring = photo.shape[-1], 5
    size = min(place.side, most)
    middle = [start + place.side / 2 for start in (place.top, place.left)]
    top, left = (min(max(round(at - size / 2), 0), most - size) for at in middle)
    parts = [_tile(jpeg(_enlarged(photo[:, top : top + size, left : left + size], 2 * FINEST)), x, y, side)]
    if size > most / 2:
        down, across = (
            min(max((at - start) / size * side, ring), side - ring) for at, start in zip(middle, (top, left))
        )
        look = {"fill": "none", "stroke": MARKER, "stroke-width": 2}
        parts.append(tag("circle", cx=f"{x + across:.1f}", cy=f"{y + down:.1f}", r=ring, **look))
    return parts


def _tile(href: str, x: float, y: float, side: float, title: str | None = None) -> Markup:
    """A square picture with a thin edge, which black and white tiles need on a page of the same colour."""
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{side:.1f}", "height": f"{side:.1f}"}
    image = tag("image", href=href, preserveAspectRatio="none", **place)
    edge = tag("rect", **place, fill="none", stroke="currentColor", stroke_opacity=0.35, stroke_width=0.5)
    return tag("g", *([tag("title", title)] if title else []), image, edge)


def _check_values(name: str, values: torch.Tensor) -> None:
    """Refuse what cannot be drawn as shades of grey."""
    if not values.numel() or values.is_meta or not values.is_floating_point() or not values.isfinite().all():
        came = f"{values.dtype} {tuple(values.shape)} on {values.device}"
        raise ValueError(f"expected {name} to be finite floats, one or more, got {came}: convert or choose others")


@dataclass(frozen=True)
class _Grid:
    """Square tiles in rows as wide as the picture."""

    columns: int

    @property
    def side(self) -> float:
        return (WIDTH + GAP) / self.columns - GAP

    def spot(self, number: int) -> tuple[float, float, float]:
        """Where the tile of that number stands, and its side."""
        row, column = divmod(number, self.columns)
        return column * (self.side + GAP), row * (self.side + GAP), self.side

    def height(self, tiles: int) -> float:
        """Of so many tiles."""
        return -(-tiles // self.columns) * (self.side + GAP) - GAP


def _around_zero(values: torch.Tensor) -> torch.Tensor:
    """Middle grey at 0, and as far up as down."""
    return 0.5 + values / (2 * values.abs().max().clamp(min=1e-12))


def _from_zero(values: torch.Tensor) -> torch.Tensor:
    """One map `(h, w)` as an image `(1, h, w)`, black at 0 unless there are values below."""
    if values.min() < 0:
        return _around_zero(values)[None]
    return (values / values.max().clamp(min=1e-12))[None]


def _enlarged(image: torch.Tensor, finest: int = FINEST) -> torch.Tensor:
    """Few pixels as squares of pixels, so that no browser smooths them; more than `finest` a side become so many."""
    side = image.shape[-1]
    if side > finest:
        return F.interpolate(image[None], (finest, finest), mode="bilinear", antialias=True)[0].clamp(0, 1)
    times = finest // side
    return image.repeat_interleave(times, 1).repeat_interleave(times, 2)


def _rgb(colour: str) -> torch.Tensor:
    return torch.tensor(ImageColor.getrgb(colour)).view(3, 1, 1) / 255


def _kinds(kernels: torch.Tensor) -> str:
    """How many kernels weigh the three colours nearly alike, and so look for light and dark."""
    if kernels.shape[1] == 1:
        return f"{int((kernels.amin((1, 2, 3)) < 0).sum())} of them with weights below 0"
    alike = kernels.mean(1).square().sum((1, 2)) * 3 / kernels.square().sum((1, 2, 3)).clamp(min=1e-12)
    grey = int((alike > 0.8).sum())
    return f"{grey} of them nearly grey, {len(kernels) - grey} in colour"


def _busy(maps: torch.Tensor) -> str:
    """How many maps respond strongly in few places only."""
    strong = maps.flatten(1).abs()
    few = int(((strong > strong.amax(1, keepdim=True) / 2).double().mean(1) < 0.1).sum())
    return f"{few} of them bright in less than a tenth of the positions"


def _said_for(values: torch.Tensor) -> str:
    """Where what speaks for a class is strongest, in thirds of the picture, and how far it reaches."""
    if values.max() <= 0:
        return "no place speaks for the class"
    rows, columns = values.shape
    row, column = divmod(int(values.argmax()), columns)
    down = ("upper", "middle", "lower")[3 * (2 * row + 1) // (2 * rows)]
    across = ("left", "middle", "right")[3 * (2 * column + 1) // (2 * columns)]
    where = "middle" if down == across else " ".join(word for word in (down, across) if word != "middle")
    many = int((values > values.max() / 2).sum())
    return f"strongest in the {where} part of the picture, and more than half as strong in {many} places"


def _shown(alt: str, parts: Sequence[str], height: float, caption: object, *photos: torch.Tensor) -> HTML:
    """The picture with its words: a caption below, and whose the photographs are."""
    look = {"viewBox": f"-1 -1 {WIDTH + 2} {height + 2:.0f}", "fill": "currentColor", "font-size": 13}
    svg = tag("svg", *parts, **look, aria_hidden="true", style="width:100%;max-width:34em")
    below = tag(
        "figcaption", caption, tag("div", credit_line(*photos), style="font-size:.85em"), style="font-size:.85em"
    )
    return HTML(
        str(tag("figure", drawing(alt, svg, kind="drawing trained"), below, style="margin:1em 0;text-align:center"))
    )
