"""Matplotlib's figures as inline SVG, each with alt text.

Inline SVG takes the page's colours in light and dark, its text can be selected and searched, it
needs no file beside the page, and the notebook's test compares it character by character.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
import torch
from IPython.display import display
from markupsafe import Markup
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from casestudies_lib.checks import checked, positive_number
from casestudies_lib.figures.photo import credit_line
from casestudies_lib.page.caption import captioned
from casestudies_lib.page.html import drawing, joined, tag
from casestudies_lib.page.palette import COLOURS

MIME = "application/vnd.casestudies.figure+json"


@checked
def figure(width: float = 4.6, height: float = 2.8, **subplots: Any) -> tuple[Figure, Any]:
    """A matplotlib figure that stays readable at phone width: `(figure, axes)`; sizes in inches.

    Keyword arguments go to `Figure.subplots`.
    """
    positive_number("width", width, most=100, example=4.6)
    positive_number("height", height, most=100, example=2.8)
    drawn = Figure(figsize=(width, height), layout="constrained")
    with matplotlib.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        return drawn, drawn.subplots(**subplots)


@checked
def show(
    drawn: Figure,
    name: str,
    alt: str,
    *,
    trained: bool = False,
    photographs: Sequence[torch.Tensor] = (),
    number: str | None = None,
    caption: str = "",
) -> None:
    """Show a matplotlib figure as inline SVG in the page's own colours, with alt text, and record what it shows.

    Args:
        drawn: the figure.
        name: a short name, unique on the page.
        alt: what a reader who cannot see the figure should know.
        trained: whether trained weights show in it. Their last digits differ between processors, so the test then
            compares the alt text and the recorded shapes instead of the drawing.
        photographs: those that it shows, as `photograph` made them, `(1, 3, H, W)`; whose they are stands below.
        number: of the figure, such as `2.3`, where it has a caption.
        caption: what to see, as for `captioned`.

    Raises:
        ValueError: an empty alt text, a legend on white, or a number or caption that `captioned` refuses.
    """
    if not re.fullmatch(r"[\w -]+", name):
        raise ValueError(f"expected a name of letters, digits and hyphens, got {name!r}: it goes into the page's ids")
    if not alt.strip():
        raise ValueError(f"expected alt text for the figure {name!r}, got none: say what it shows")
    legends = [*drawn.legends, *(axes.get_legend() for axes in drawn.axes)]
    frames = [legend.get_frame() for legend in legends if legend is not None and legend.get_frame_on()]
    if any(to_rgb(frame.get_facecolor()) == (1, 1, 1) for frame in frames):
        raise ValueError(
            f"expected no legend on white in {name!r}, got one: pass frameon=False, because on a dark page its words "
            "are light"
        )
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        drawn.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    width = next(re.finditer(r'width="([\d.]+)pt"', svg))[1]
    style = f"width:100%;max-width:{float(width) * 1.45:.0f}px"
    opening = rf'<svg viewBox="\1" fill="currentColor" aria-hidden="true" style="{style}">'
    svg = re.sub(r'<svg .*?viewBox="([^"]*)".*?>', opening, svg, count=1, flags=re.DOTALL)
    svg = svg.replace("#000000", "currentColor")
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"; font-family: [^;\"]*", "", svg)
    # Words have the page's ink, not a curve's colour, in which they could hardly be read.
    svg = re.sub(r'(<text style="[^"]*?); fill: #(?!fff)[^;"]*', r"\1", svg)
    svg = Markup(_rounded(_numbered(svg, name)))  # matplotlib escapes what it writes
    page = drawing(alt, svg, kind="drawing trained" if trained else "drawing")
    if photographs:
        page = joined(page, tag("div", credit_line(*photographs), style="font-size:.75em;text-align:center"))
    if number is not None:
        page = Markup(captioned(number, caption, page).data)
    display({"text/html": str(page), "text/plain": alt, MIME: _drawn(drawn, trained)}, raw=True)


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

    def image(shown: AxesImage) -> list[int | str | None]:
        pixels = np.asarray(shown.get_array(), dtype=float)
        return [*pixels.shape, None if trained else f"{pixels.mean():.2g}"]

    return [
        {
            "words": [axes.get_xlabel(), axes.get_ylabel(), "" if trained else axes.get_title()],
            "points": [len(np.asarray(line.get_xdata())) for line in axes.get_lines()],
            "images": [image(shown) for shown in axes.get_images()],
        }
        for axes in drawn.axes
    ]


@checked
def digits_grid(
    images: Iterable[np.ndarray | torch.Tensor | None],
    titles: Sequence[str],
    *,
    columns: int = 8,
    white: float | None = None,
) -> Figure:
    """Small grey images `(H, W)` in a grid, each under its title; None leaves a gap.

    Each image has its own scale, from its darkest to its brightest value; with `white`, all run from 0 to that value.
    """
    images = list(images)
    if not images or len(titles) < len(images):
        raise ValueError(
            f"expected a title for each image, got {len(images)} and {len(titles)}: pass one of each or more"
        )
    if white is not None:
        positive_number("white", white, example=1)
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
