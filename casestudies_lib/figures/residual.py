"""The idea of a residual on a photograph: what two layers must make without a shortcut, and what with one."""

from __future__ import annotations

import torch
from IPython.display import HTML

from casestudies_lib.checks import checked
from casestudies_lib.figures.photo import check_photograph, credit_line, jpeg
from casestudies_lib.figures.svg import arrowhead, box, head_name, line, words
from casestudies_lib.page.html import drawing, joined, tag
from casestudies_lib.page.palette import COLOURS

SIDE, WIDE, TALL = 150, 262, 636  # of a photograph, and of one of the two panels
STRETCH = 1.5  # of the residual's differences from grey: else they could hardly be seen


@checked
def draw_residual(photo: torch.Tensor, wanted: torch.Tensor) -> HTML:
    """Two blocks from top to bottom: of a plain one the two layers make H, of a residual one they make F = H - a.

    F is drawn around middle grey, which is 0.

    Args:
        photo: a, what goes in, `(1, 3, side, side)` with values in [0, 1].
        wanted: H, what the block ought to hand on, of the same shape.

    Raises:
        ValueError: what is no such photograph, or two of different shapes.
    """
    check_photograph(photo)
    check_photograph(wanted)
    if photo.shape != wanted.shape:
        raise ValueError(
            f"expected two photographs of one shape, got {tuple(photo.shape)} and {tuple(wanted.shape)}: scale one"
        )
    residual = (0.5 + STRETCH * (wanted - photo)).clamp(0, 1)
    a, h, f = (jpeg(image[0].float()) for image in (photo, wanted, residual))
    head = head_name("residual")
    x = 110
    plain = [
        words("plain block", x, 14),
        *_image(a, "a", x, 26),
        line(f"M{x},178 V289", head=head),
        *box("two layers", x, 306, 116, 30, COLOURS["conv"]),
        line(f"M{x},321 V453", head=head),
        *_image(h, "H", x, 457),
        words("must make the whole picture", x, 626),
    ]
    y = 407  # of the addition
    past = f"M{x},185 C230,185 230,196 230,236 V369 C230,{y} 220,{y} {x + 13},{y}"
    shortcut = [
        words("residual block", x, 14),
        *_image(a, "a", x, 26),
        line(f"M{x},178 V194", head=head),
        *box("two layers", x, 210, 116, 30, COLOURS["conv"]),
        line(f"M{x},225 V231", head=head),
        *_image(f, "F", x, 235),
        line(f"M{x},387 V{y - 11}", head=head),
        line(f"M{x - 10},{y} a10,10 0 1,0 20,0 a10,10 0 1,0 -20,0 M{x - 5},{y} h10 M{x},{y - 5} v10"),
        line(past, width=2, head=head),
        words("shortcut", 236, 176, "end"),
        line(f"M{x},{y + 10} V453", head=head),
        *_image(h, "H", x, 457),
        words("must make only what is missing", x, 626),
    ]
    moved = tag("g", *shortcut, transform=f"translate({WIDE},0)")
    look = {"viewBox": f"0 0 {2 * WIDE} {TALL}", "fill": "currentColor", "font-size": 13}
    svg = tag("svg", arrowhead(head), *plain, moved, **look, aria_hidden="true", style="width:100%;max-width:36em")
    alt = (
        "Two blocks from top to bottom. Plain: the photograph a, two layers, the photograph H, which they must make "
        "whole. Residual: the photograph a, two layers, the residual F, grey nearly everywhere with faint edges; a "
        "shortcut carries a past the layers, and F plus a is H."
    )
    credit = tag("div", credit_line(photo), style="font-size:.75em;text-align:center")
    return HTML(str(joined(drawing(alt, svg), credit)))


def _image(address: str, name: str, x: float, y: float) -> list[str]:
    """A framed picture around a middle, with its name at the left."""
    corner = {"x": x - SIDE / 2, "y": y, "width": SIDE, "height": SIDE}
    frame = {"fill": "none", "stroke": "currentColor", "stroke-width": 0.8}
    return [
        tag("image", href=address, **corner),
        tag("rect", **corner, **frame),
        words(name, x - SIDE / 2 - 9, y + SIDE / 2 + 5, "end", italic=True),
    ]
