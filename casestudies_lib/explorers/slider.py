"""What every explorer shares: a picture, a slider below it, and the words for where it stands."""

from __future__ import annotations

import json

from IPython.display import HTML

from casestudies_lib.markup import tag, text

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
