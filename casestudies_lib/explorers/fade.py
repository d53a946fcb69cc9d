"""A slider that shrinks the weights of two blocks: what is left of a picture that goes through them?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from IPython.display import HTML

from casestudies_lib.explorers.slider import credit_line, explorer, jpeg
from casestudies_lib.page.html import tag, text

_MOVE = (
    "box.querySelectorAll('figure').forEach((figure, i) => {"
    "figure.querySelectorAll('svg').forEach((svg, k) => svg.style.display = k == this.value ? '' : 'none');"
    "figure.querySelector('figcaption').textContent = row.captions[i]; });"
)


def fade(
    photo: torch.Tensor, blocks: Mapping[str, Callable[[float], torch.nn.Module]], scales: Sequence[float]
) -> HTML:
    """A photograph, beside it what blocks make of it while their weights shrink, and a slider over the scales.

    Args:
        photo: one image `(1, 3, side, side)` with values in [0, 1].
        blocks: title -> function that makes the block with its weights multiplied by a scale.
        scales: what the slider runs through, from left to right.

    Raises:
        ValueError: a photograph of another shape.
    """
    if photo.dim() != 4 or photo.shape[:2] != (1, 3):
        raise ValueError(f"expected one colour photograph (1, 3, H, W), got {tuple(photo.shape)}: see photograph()")
    rows, figures = [], {title: [] for title in blocks}
    for scale in scales:
        captions = []
        for title, make in blocks.items():
            with torch.no_grad():
                out = make(scale)(photo)
            gap = (out - photo).square().sum() / photo.square().sum()
            captions.append(f"{title}: {_apart(gap.sqrt().item())}")
            figures[title].append(jpeg(out[0].clamp(0, 1)))
        rows.append({"captions": captions, "text": f"weights × {scale:g}"})
    side = photo.shape[-1]
    given = _image(jpeg(photo[0]), side, "The photograph that goes in.")
    shown = [tag("div", given, tag("div", "what goes in", style="font-size:.85em"), style="flex:1")]
    for number, (title, pictures) in enumerate(figures.items()):
        alt = f"The photograph after {title}, with the weights that the slider sets."
        svgs = [_image(data, side, alt, "" if place == 0 else ";display:none") for place, data in enumerate(pictures)]
        caption = tag("figcaption", text(rows[0]["captions"][number]), style="font-size:.85em")
        shown.append(tag("figure", *svgs, caption, style="flex:1;margin:0"))
    pair = tag("div", *shown, style="display:flex;gap:1em") + credit_line(photo)
    return explorer(pair, rows, start=0, label="shrink", move=_MOVE)


def _apart(gap: float) -> str:
    """How far the result is from the photograph, in words that survive another processor."""
    return "exactly what went in" if gap == 0 else f"{gap:.0%} away from what went in"


def _image(data: str, side: int, alt: str, style: str = "") -> str:
    picture = tag("image", href=data, width=side, height=side)
    box = f"0 0 {side} {side}"
    return tag("svg", picture, viewBox=box, role="img", aria_label=alt, style=f"width:100%{style}")
