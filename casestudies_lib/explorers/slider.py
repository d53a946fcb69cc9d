"""What every explorer shares: a picture, one slider or several below it, and the words for where they stand."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from IPython.display import HTML
from PIL import Image

from casestudies_lib.page.html import tag, text
from casestudies_lib.training.datasets import credit_of

# Runs in the slider's oninput: `this` is the slider, and every number comes from the list in the box around it.
_BEFORE = "const box = this.closest('.explorer'), row = JSON.parse(box.dataset.rows)[this.value];"
_AFTER = "box.querySelector('output').textContent = row.text; this.setAttribute('aria-valuetext', row.text);"


def explorer(
    picture: str, rows: list[dict], *, start: int, label: str, move: str, width: str = "34em", **data: str
) -> HTML:
    """A picture with a slider over `rows`, which needs no kernel, no other file and no mouse.

    Args:
        picture: markup that shows `rows[start]`.
        rows: what the slider runs through; `text` of each is shown below it and read aloud.
        start: the row that the slider stands on at first.
        label: the slider's name.
        move: JavaScript that makes the picture in the element `box` show `row`.
        width: of the whole at most, as CSS writes it.
        data: further attributes of the box.
    """
    words = rows[start]["text"]
    about = {"type": "range", "min": 0, "max": len(rows) - 1, "value": start, "aria_valuetext": words}
    slider = tag("input", **about, style="width:75%", oninput=f"{_BEFORE} {move} {_AFTER}")
    said = tag("output", text(words), style="font-size:.9em")
    parts = (picture, tag("label", f"{label} ", slider, style="display:block"), said)
    style = f"max-width:{width};margin:auto;text-align:center"
    return HTML(tag("div", *parts, class_="drawing explorer", data_rows=json.dumps(rows), **data, style=style))


@dataclass(frozen=True)
class Knob:
    """One of several sliders: its label, what it runs through from left to right, and where it stands at first.

    Raises:
        ValueError: a start that is not among the values.
    """

    label: str
    values: Sequence[float]
    start: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        if self.start not in self.values:
            raise ValueError(
                f"expected the start of {self.label!r} to be one of {', '.join(map(_written, self.values))}, "
                f"got {self.start!r}: choose one of them"
            )


def _written(value: float) -> str:
    """A knob's value as it is shown, with a true minus."""
    return f"{value:g}".replace("-", "−")


# Runs in the box's oninput, which hears of every slider inside: `this` is the box, `at` has the value of every knob.
_READ = (
    "const box = this, at = {}; let words = '';"
    "for (const slider of box.querySelectorAll('input')) {"
    "const value = JSON.parse(slider.dataset.values)[slider.value];"
    "const shown = String(value).replace('-', '−');"
    "at[slider.name] = value; slider.nextElementSibling.textContent = shown;"
    "slider.setAttribute('aria-valuetext', shown); }"
)
_SAY = "box.querySelector('output').textContent = words;"


def explorer_of_many(
    picture: str, knobs: Mapping[str, Knob], words: str, *, move: str, width: str = "34em", **data: str
) -> HTML:
    """A picture with several sliders, which needs no kernel, no other file and no mouse.

    Args:
        picture: markup that shows where the knobs stand at first.
        knobs: short name -> slider.
        words: what is said of the first stand, below the sliders and to screen readers.
        move: JavaScript that makes the picture in the element `box` show `at`, the values of the knobs by their short
            names, and sets `words`.
        width: of the whole at most, as CSS writes it.
        data: further attributes of the box.
    """
    rows = []
    for name, knob in knobs.items():
        values = list(knob.values)
        about = {"type": "range", "min": 0, "max": len(values) - 1, "value": values.index(knob.start), "name": name}
        slider = tag(
            "input",
            **about,
            data_values=json.dumps(values),
            aria_valuetext=_written(knob.start),
            style="flex:1;min-width:0",
        )
        named = tag("span", text(knob.label), style="width:9.5em;text-align:left;line-height:1.2")
        stands = tag("span", _written(knob.start), style="width:2.6em;text-align:right")
        rows.append(tag("label", named, slider, stands, style="display:flex;gap:.6em;align-items:center"))
    said = tag("output", text(words), style="display:block;margin-top:.5em;font-size:.9em")
    style = f"max-width:{width};margin:auto;text-align:center"
    return HTML(
        tag(
            "div",
            picture,
            *rows,
            said,
            class_="drawing explorer",
            oninput=f"{_READ} {move} {_SAY}",
            **data,
            style=style,
        )
    )


def credit_line(photo: torch.Tensor) -> str:
    """The line below a photograph `(1, 3, side, side)` that names photographer, source and licence; else nothing."""
    credit = credit_of(photo)
    if credit is None:
        return ""
    by = tag("a", text(credit.photographer), href=credit.source)
    licence = tag("a", text(credit.licence), href=credit.licence_url)
    return tag("div", f"Photograph: {by}, {licence}; cut and scaled here", class_="credit", style="font-size:.75em")


def jpeg(image: torch.Tensor, quality: int = 75) -> str:
    """An image `(3, H, W)` with values in [0, 1] as a data URL."""
    data = io.BytesIO()
    Image.fromarray((image.permute(1, 2, 0) * 255).round().byte().numpy()).save(data, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
