"""Questions that a reader answers before reading on, and the places where the page answers them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from IPython.display import HTML

from casestudies_lib.checks import checked, one_of
from casestudies_lib.page.claims import ClaimError
from casestudies_lib.page.html import rich, tag

_asked: dict[str, tuple[int, list[str]]] = {}


@checked
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


@checked
def answer(key: str, right: str, words: str, holds: bool) -> HTML:
    """The answer to the question asked as `key`: which of its choices is right, and why.

    Args:
        key: of the question.
        right: the choice, in its own words.
        words: the reason, as the page tells it.
        holds: whether what the page measured says so.

    Raises:
        ClaimError: another choice is the right one.
        ValueError: a key that no question has, or a choice that it lacks.
    """
    if key not in _asked:
        raise ValueError(f"expected a question that the page asks ({', '.join(_asked)}), got {key!r}: ask it first")
    number, choices = _asked[key]
    one_of(f"the answer to {key!r}", right, choices)
    if not holds:
        raise ClaimError(f"the answer to {key!r} is not {right!r}, by what the page measured")
    lead = tag("strong", f"Prediction {number}: ", rich(right), class_="right")
    place, listed = choices.index(right), json.dumps(choices, ensure_ascii=False)
    about = {"data_answers": key, "data_right": place, "data_choices": listed}
    style = "border-left:3px solid;padding:.2em .9em;margin:1em 0"
    return HTML(str(tag("div", lead, ". ", rich(words), class_="answer", **about, style=style)))
