"""A chain of residual blocks, and below it, one row each, all the ways through: every shortcut doubles their number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import comb

from IPython.display import HTML

from casestudies_lib.checks import positive_int
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, picture, plus, words
from casestudies_lib.page.palette import COLOURS

_FIRST, _STEP, _TOP, _ROWS, _TALL = 88, 96, 52, 118, 25
_MAIN = COLOURS["conv"]


def draw_paths(blocks: int = 3) -> HTML:
    """Residual blocks in a row, and their 2ⁿ paths, each through some main paths F and past the others.

    After Veit, Wilber, Belongie: Residual networks behave like ensembles of relatively shallow networks, NIPS 2016
    (arXiv:1605.06431), Fig. 1.

    Args:
        blocks: how many, from 1 to 4.

    Raises:
        ValueError: fewer, or more than a page has room for.
    """
    positive_int("blocks", blocks)
    if blocks > 4:
        raise ValueError(f"expected blocks from 1 to 4, got {blocks}: {2**blocks} rows are more than one can read")
    head = head_name(f"paths {blocks}")
    end = _FIRST + blocks * _STEP
    parts = [arrowhead(head), words("in", 26, _TOP + 4.5), words("out", end + 14, _TOP + 4.5, "start")]
    for place in range(blocks):
        x = _FIRST + place * _STEP
        shortcut = f"M{x - 34},{_TOP} C{x - 34},{_TOP - 50} {x + 42},{_TOP - 50} {x + 42},{_TOP - 13}"
        parts.append(line(shortcut, head=head))
        parts += _block(place, x, _TOP, 26)
        parts += plus(x + 42, _TOP)
        parts.append(line(f"M{x - 42 if place else 40},{_TOP} H{x - 20} M{x + 20},{_TOP} H{x + 30}"))
    parts.append(line(f"M{end - _STEP + 54},{_TOP} H{end + 8}", head=head))
    ways = sorted(product((False, True), repeat=blocks), key=lambda way: (sum(way), [not one for one in way]))
    for row, way in enumerate(ways):
        y = _ROWS + row * _TALL
        parts.append(line(_route(way, y, end), head=head))
        for place, through in enumerate(way):
            if through:
                parts += _block(place, _FIRST + place * _STEP, y, 17, small=True)
        parts.append(words(_through(sum(way)), end + 14, y + 3.5, "start", small=True))
    parts.append(words(f"the {len(ways)} paths:", 12, _ROWS - 26, "start", small=True))
    counted = ", ".join(f"{comb(blocks, k)} through {k}" for k in range(blocks + 1))
    alt = (
        f"{blocks} residual blocks in a row, each a main path F with a shortcut around it and an addition behind it. "
        f"Below, the {len(ways)} ways from the input to the output, one a row, sorted by how many F they go through: "
        f"{counted}. Without shortcuts only the last row would be left."
    )
    return picture(parts, end + 92, _ROWS + len(ways) * _TALL, alt, "560px")


def _block(place: int, x: float, y: float, tall: int, *, small: bool = False) -> list[str]:
    """The main path of one block."""
    return box("F" + "₁₂₃₄"[place], x, y, 40, tall, _MAIN, small=small)


def _route(way: Sequence[bool], y: float, end: float) -> str:
    """Straight on through a main path, in a bow around one that is left out."""
    path = f"M40,{y}"
    for place, through in enumerate(way):
        x = _FIRST + place * _STEP
        bow = f" H{x - 24} C{x - 14},{y - 13} {x + 14},{y - 13} {x + 24},{y}"
        path += f" H{x - 20} M{x + 20},{y}" if through else bow
    return f"{path} H{end + 8}"


def _through(count: int) -> str:
    return "through none" if count == 0 else f"through {count}"
