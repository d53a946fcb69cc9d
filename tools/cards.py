"""The picture that others show beside a link to a page: its title, and a network drawn from its live module."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.measure.op import Family
from casestudies_lib.page.palette import COLOURS

WIDTH, HEIGHT = 1200, 630  # what those who show such pictures ask for
INK, QUIET, PAGE = "#1c2229", "#56606c", "#ffffff"
FACE = "DejaVu Serif"


def draw(title: str, book: str, path: Path) -> None:
    """Write the picture of one page; the book's own, without a title, says what the book is."""
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAGE)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.axis("off")
    lines = wrap(title or book, 30)
    size = 42 if len(lines) < 3 else 34
    if title:
        axes.text(70, HEIGHT - 70, book, size=22, color=QUIET, va="top", family=FACE)
    else:
        axes.text(
            70, HEIGHT - 195, "A course companion that checks itself", size=27, color=QUIET, va="top", family=FACE
        )
    axes.text(70, HEIGHT - 115, "\n".join(lines), size=size, color=INK, va="top", weight="bold", family=FACE)
    for corners, colour in volumes():
        axes.add_patch(Polygon(corners, facecolor=colour, edgecolor=PAGE, linewidth=0.8))
    figure.savefig(path)


def volumes() -> list[tuple[list[tuple[float, float]], tuple[float, float, float]]]:
    """The faces of VGG-16's volumes, side by side on one floor: sides and channels to scale."""
    x, floor, faces = 70.0, 60.0, []
    for layer in anatomy("vgg16").rows:
        if len(layer.shape) != 3:
            continue
        high, wide = float(layer.shape[1]), layer.shape[0] / 11
        deep = 0.3 * high
        colour = COLOURS["pool" if layer.op.family is Family.POOL else "conv"]
        left, right, top = x, x + wide, floor + high
        above = [(left, top), (left + deep, top + deep), (right + deep, top + deep), (right, top)]
        beside = [(right, floor), (right + deep, floor + deep), (right + deep, top + deep), (right, top)]
        front = [(left, floor), (right, floor), (right, top), (left, top)]
        faces += [(above, lighter(colour, 0.45)), (beside, lighter(colour, 0.25)), (front, lighter(colour, 0))]
        x += wide + 0.55 * deep + 14
    return faces


def lighter(colour: str, by: float) -> tuple[float, float, float]:
    red, green, blue = to_rgb(colour)
    return red + by * (1 - red), green + by * (1 - green), blue + by * (1 - blue)
