"""Questions that a reader answers before reading on, and the places where the page answers them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from IPython.display import HTML

from casestudies_lib.page.html import rich, tag

_asked: dict[str, tuple[int, list[str]]] = {}


def ask(*questions: tuple[str, str, Sequence[str]]) -> HTML:
    """Questions with answers to choose from, each `(key, question, choices)`.

    Jupyter and Colab show a list. On the site a reader chooses; the choice stays on the device and is met again where
    the page answers.

    Raises:
        ValueError: fewer than two choices.
    """
    asked = []
    for number, (key, question, choices) in enumerate(questions, 1):
        if len(choices) < 2:
            raise ValueError(f"expected two choices or more for {key!r}, got {list(choices)}: add one")
        _asked[key] = (number, list(choices))
        options = tag("ol", *(tag("li", rich(choice)) for choice in choices), type="a")
        about = {"class_": "question", "data_ask": key, "style": "margin:0 0 1em"}
        asked.append(tag("div", tag("p", tag("strong", f"{number}. "), rich(question)), options, **about))
    return HTML(str(tag("div", *asked, class_="ask")))


def answer(key: str, right: int, words: str) -> HTML:
    """The answer to the question asked as `key`: which of its choices, from 0, is right, and why.

    Raises:
        ValueError: a key that no question has, or a choice that it lacks.
    """
    if key not in _asked:
        raise ValueError(f"expected a question that the page asks ({', '.join(_asked)}), got {key!r}: ask it first")
    number, choices = _asked[key]
    if not 0 <= right < len(choices):
        raise ValueError(f"expected a choice from 0 to {len(choices) - 1} for {key!r}, got {right}: count from 0")
    lead = tag("strong", f"Prediction {number}: ", rich(choices[right]), class_="right")
    about = {"data_answers": key, "data_right": right, "data_choices": json.dumps(choices, ensure_ascii=False)}
    style = "border-left:3px solid;padding:.2em .9em;margin:1em 0"
    return HTML(str(tag("div", lead, ". ", rich(words), class_="answer", **about, style=style)))
