"""What every explorer shares: a box with the code that moves it, sliders, and the words for where they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path

from IPython.display import HTML
from markupsafe import Markup

from casestudies_lib.page.html import joined, tag

HERE = Path(__file__).parent


def explorer(name: str, *parts: object, given: object, width: str = "34em", **data: object) -> HTML:
    """A box that a reader moves by hand, which needs no kernel, no other file and no mouse.

    Args:
        name: what `window.CaseStudies` calls the code that moves it, from the file of that name if there is one.
        parts: markup that shows where it stands at first, for viewers that run no script too.
        given: what that code works with, as JSON writes it.
        width: of the whole at most, as CSS writes it.
        data: further attributes of the box.
    """
    files = [file for file in (HERE / "explorer.js", HERE / f"{name}.js") if file.exists()]
    box = tag(
        "div",
        *parts,
        class_="drawing explorer",
        data_explorer=name,
        data_given=json.dumps(given),
        **data,
        style=f"max-width:{width}",
    )
    # Of an output that a reader of JupyterLab lets run, the first element is removed: a script, which has run by then.
    # What is marked as shared the site keeps once a page; a notebook may show each output in a frame of its own.
    whole = (
        *(tag("script", Markup(file.read_text(encoding="utf-8")), data_shared="") for file in files),
        tag("style", Markup((HERE / "explorer.css").read_text(encoding="utf-8")), data_shared=""),
        box,
        tag("script", Markup("window.CaseStudies.mount();")),
    )
    return HTML(str(joined(*whole)))


def explorer_of_rows(
    picture: Markup,
    rows: list[dict],
    *,
    start: int,
    label: str,
    marks: Sequence[object] = (),
    width: str = "34em",
    **data: object,
) -> HTML:
    """A picture with a slider over `rows`, all of which is worked out here.

    Args:
        picture: markup that shows `rows[start]`.
        rows: what the slider runs through: `text` is shown below it and read aloud; everything else is a CSS selector
            and, for each element of the picture that it finds, its attributes.
        start: the row that the slider stands on at first.
        label: the slider's name.
        marks: what stands below the slider at each row, if anything.
        width: of the whole at most, as CSS writes it.
        data: further attributes of the box.
    """
    words = rows[start]["text"]
    track = _slider("row", range(len(rows)), start, words)
    if marks:
        below = tag("span", *(tag("span", mark) for mark in marks), class_="marks", aria_hidden="true")
        track = tag("span", track, below, class_="track")
    slider = tag("label", label, track, class_="slider")
    return explorer("row", picture, slider, tag("output", words), given=rows, width=width, **data)


def explorer_of_knobs(
    name: str, picture: Markup, knobs: Mapping[str, Knob], words: str, *, given: object, width: str = "34em"
) -> HTML:
    """A picture with several sliders, which the code called `name` moves.

    Args:
        name: as for `explorer`.
        picture: markup that shows where the knobs stand at first.
        knobs: short name -> slider.
        words: what is said of the first stand, below the sliders and to screen readers.
        given: as for `explorer`.
        width: of the whole at most, as CSS writes it.
    """
    return explorer(name, picture, *sliders(knobs), tag("output", words), given=given, width=width)


def sliders(knobs: Mapping[str, Knob]) -> list[Markup]:
    """Each knob as a slider between its label and, in an element of class `stand`, the value on which it stands."""
    return [
        tag(
            "label",
            tag("span", knob.label, class_="name"),
            _slider(short, knob.values, knob.start, _written(knob.start)),
            tag("span", _written(knob.start), class_="stand", aria_hidden="true"),  # the slider says it too
            class_="slider",
        )
        for short, knob in knobs.items()
    ]


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


def rounded(number: float, scale: float) -> float:
    """To a digit of which `scale` make one, halves upwards, by the steps that `explorer.js` takes.

    >>> rounded(2.25, 10)
    2.3
    """
    return floor(scale * number + 0.5) / scale


def _slider(name: str, values: Sequence[float], start: float, words: str) -> Markup:
    about = {"type": "range", "min": 0, "max": len(values) - 1, "value": values.index(start), "name": name}
    return tag("input", **about, data_values=json.dumps(list(values)), aria_valuetext=words)


def _written(value: float) -> str:
    """A knob's value as it is shown, with a true minus."""
    return f"{value:g}".replace("-", "−")
