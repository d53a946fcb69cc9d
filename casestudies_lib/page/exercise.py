"""What marks a reader's answer to an exercise."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Number

import numpy as np
import torch
from IPython.display import HTML
from markupsafe import Markup

from casestudies_lib.checks import checked
from casestudies_lib.page.html import rich, tag


@checked
def numbers(*questions: tuple[str, object], hint: str) -> HTML:
    """Questions whose answers are whole numbers, each `(question, answer)`: the site marks what a reader types.

    Jupyter and Colab show each answer behind a fold.

    Args:
        questions: with answers that the page worked out.
        hint: what the site says when some are wrong.

    Raises:
        ValueError: an answer that is no whole number.
    """
    lines: list[Markup] = []
    for question, wanted in questions:
        if not isinstance(wanted, Integral) or isinstance(wanted, bool):
            raise ValueError(f"expected a whole number as the answer to {question!r}, got {wanted!r}: round it")
        fold = tag("details", tag("summary", "answer"), f"{wanted:,}")
        lines.append(tag("li", tag("span", rich(question)), fold, data_wants=int(wanted)))
    return HTML(str(tag("ol", *lines, class_="numbers", data_hint=hint)))


@checked
def discussion(*paragraphs: str, title: str = "Discussion") -> HTML:
    """What is to be said of an open exercise, or only for the curious, behind a fold with a title.

    Paragraphs may have `code`, *emphasis* and marks of proof.
    """
    words = [tag("p", rich(paragraph)) for paragraph in paragraphs]
    return HTML(str(tag("details", tag("summary", title), *words, class_="discussion")))


def mark(name: str, attempt: Callable[[], object], wanted: object) -> HTML:
    """Mark an exercise: run the reader's `attempt` and compare its result with what was `wanted`.

    A wrong answer, or an error in it, is shown and stops nothing; nothing at all, None or `...`, counts as not tried.
    Numbers are compared by value, whatever their type, but True is not 1; tensors and arrays by shape and entries;
    lists and tuples item by item, and a list is no tuple.
    """
    try:
        got = attempt()
    except Exception as problem:  # whatever the reader's code does wrong is shown to them
        return _marked(f"✗ {name}: not yet, your code stopped with {type(problem).__name__}: {_shown(str, problem)}")
    answers = got if isinstance(got, list) else [got]
    if answers and all(item is None or item is ... for item in answers):
        return _marked(f"○ {name}: not yet tried. Complete the function, then run this cell again.")
    try:
        solved = _equal(got, wanted)
    except Exception:  # an answer that cannot be compared is not the wanted one
        solved = False
    return _marked(f"✓ {name}: solved." if solved else f"✗ {name}: not yet, got {_shown(repr, got)}.")


def _equal(got: object, wanted: object) -> bool:
    if isinstance(wanted, torch.Tensor):
        return isinstance(got, torch.Tensor) and torch.equal(got, wanted)
    if isinstance(wanted, np.ndarray):
        return isinstance(got, np.ndarray) and np.array_equal(got, wanted)
    for kind in (list, tuple):
        if isinstance(wanted, kind):
            return isinstance(got, kind) and len(got) == len(wanted) and all(map(_equal, got, wanted))
    truths = [isinstance(value, (bool, np.bool_)) for value in (got, wanted)]
    if any(truths) or not (isinstance(got, Number) and isinstance(wanted, Number)):
        return (all(truths) or type(got) is type(wanted)) and bool(got == wanted)
    return bool(got == wanted)


def _shown(how: Callable[[object], str], value: object) -> str:
    """An answer or an error in words, also if its own code for that fails."""
    try:
        return how(value)
    except Exception as problem:
        return f"{type(value).__name__} that cannot be shown ({type(problem).__name__})"


def _marked(words: str) -> HTML:
    return HTML(str(tag("p", tag("strong", words), role="status")))
