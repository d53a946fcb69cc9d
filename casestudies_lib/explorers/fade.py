"""A slider that shrinks the weights of two blocks: what is left of a picture that goes through them?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from IPython.display import HTML

from casestudies_lib.explorers.explorer import explorer_of_rows
from casestudies_lib.figures.photo import check_photograph, credit_line, framed, jpeg
from casestudies_lib.page.html import joined, tag


def fade(
    photo: torch.Tensor, blocks: Mapping[str, Callable[[float], torch.nn.Module]], scales: Sequence[float]
) -> HTML:
    """A photograph, beside it what blocks make of it while their weights shrink, and a slider over the scales.

    Args:
        photo: one image `(1, 3, side, side)` with values in [0, 1].
        blocks: title -> function that makes the block with its weights multiplied by a scale.
        scales: what the slider runs through, from left to right.

    Raises:
        ValueError: a photograph of another shape or range.
    """
    check_photograph(photo)
    side = photo.shape[-1]
    captions, pictures = {}, {}  # by title and scale
    for title, make in blocks.items():
        for scale in scales:
            with torch.no_grad():
                out = make(scale)(photo)
            gap = (out - photo).square().sum() / photo.square().sum()
            captions[title, scale] = f"{title}: {_apart(gap.sqrt().item())}"
            pictures[title, scale] = tag("image", href=jpeg(out[0].clamp(0, 1)), width=side, height=side)
    rows = [
        {
            "text": f"weights × {scale:g}",
            "figcaption": [{"text": captions[title, scale]} for title in blocks],
            "figure svg": [{"style": _shown(scale == other)} for _, other in pictures],
        }
        for scale in scales
    ]
    given = framed("The photograph that goes in.", side, tag("image", href=jpeg(photo[0]), width=side, height=side))
    panels = [tag("div", given, tag("div", "what goes in", class_="under"))]
    for title in blocks:
        alt = f"The photograph after {title}, with the weights that the slider sets."
        svgs = [
            framed(alt, side, pictures[title, scale], style=f"display: {_shown(scale == scales[0])['display']};")
            for scale in scales
        ]
        caption = tag("figcaption", captions[title, scales[0]])
        panels.append(tag("figure", *svgs, caption, style="padding:0"))  # else themes push it below its neighbour
    picture = joined(tag("div", *panels, class_="panels"), credit_line(photo))
    return explorer_of_rows(picture, rows, start=0, label="shrink")


def _shown(visible: bool) -> dict[str, str]:
    return {"display": "inline" if visible else "none"}


def _apart(gap: float) -> str:
    """How far the result is from the photograph, in words that survive another processor."""
    return "exactly what went in" if gap == 0 else f"{gap:.0%} away from what went in"
