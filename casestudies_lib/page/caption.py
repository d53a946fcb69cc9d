"""A figure's number and its caption, which says what to see."""

from __future__ import annotations

import re

from IPython.display import HTML
from markupsafe import Markup

from casestudies_lib.checks import checked
from casestudies_lib.page.html import rich, tag


@checked
def captioned(number: str, caption: str, *pictures: HTML | Markup) -> HTML:
    """Pictures, side by side where the page is wide enough, above their number and caption.

    Args:
        number: page and place on it, such as `2.3`; a text refers to it as Figure 2.3.
        caption: what to see, with `code`, *emphasis* and marks of proof.
        pictures: what a drawing, a table or an explorer made.

    Raises:
        ValueError: another number, an empty caption, or no picture.
    """
    if not re.fullmatch(r"\d+\.\d+", number):
        raise ValueError(f"expected a figure's number such as '2.3', got {number!r}: write page and place")
    if not caption.strip() or not pictures:
        raise ValueError(
            f"expected a caption and a picture for Figure {number}, got {caption!r} and {len(pictures)} pictures: "
            "say what to see"
        )
    inside = [Markup(one.data) if isinstance(one, HTML) else one for one in pictures]
    beside = "display:flex;flex-wrap:wrap;gap:1em;justify-content:center;align-items:flex-start"
    shown = tag("div", *inside, class_="beside", style=beside) if len(inside) > 1 else inside[0]
    words = tag("figcaption", tag("strong", f"Figure {number}."), " ", rich(caption), style="font-size:.9em")
    place = f"figure-{number.replace('.', '-')}"
    return HTML(str(tag("figure", tag("div", shown), words, class_="fig", id=place, style="margin:1.2em 0")))
