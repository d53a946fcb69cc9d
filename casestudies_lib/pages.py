"""What a page does besides claims and figures: it shows the library's own source, a table, and marks an exercise."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from math import isfinite
from numbers import Integral, Number, Real

import numpy as np
import torch
from IPython.display import HTML, Markdown

from casestudies_lib.markup import scrolling_table, tag, text


def source(*objects: object) -> Markdown:
    """The source of classes and functions as the library runs it, less the docstrings."""
    return Markdown("\n\n".join(f"```python\n{_without_docstrings(item)}\n```" for item in objects))


def _without_docstrings(item: object) -> str:
    code = inspect.getsource(item)
    lines = code.splitlines()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            docstring = node.body[0]
            lines[docstring.lineno - 1 : docstring.end_lineno] = [None] * (docstring.end_lineno - docstring.lineno + 1)
            if lines[docstring.end_lineno] == "":  # the empty line below it
                lines[docstring.end_lineno] = None
    return "\n".join(line.removesuffix("  # fmt: skip") for line in lines if line is not None).rstrip()


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> HTML:
    """A table that a page works out: the first column names the rows, the others are numbers at the right.

    Whole numbers get thousands separators, floats one decimal, None an empty cell.

    Raises:
        ValueError: a row of another length than the head, or a number that is not finite.
    """
    if wrong := [row for row in rows if len(row) != len(head)]:
        raise ValueError(f"expected {len(head)} cells in every row, got {len(wrong[0])} in {wrong[0]}: fill with None")

    def cell(value: object) -> str:
        if isinstance(value, Real):
            if not isfinite(value):
                raise ValueError(f"expected finite numbers, got {value}: show None, or say in words what is missing")
            return f"{value:,}" if isinstance(value, Integral) else f"{value:,.1f}"
        return "" if value is None else text(value)

    aligned = ["text-align:left", *["text-align:right"] * (len(head) - 1)]
    heads = [tag("th", text(words), scope="col", style=style) for words, style in zip(head, aligned)]
    body = [
        tag(
            "tr",
            tag("th", text(name), scope="row", style=aligned[0]),
            *(tag("td", cell(v), style=aligned[1]) for v in rest),
        )
        for name, *rest in rows
    ]
    parts = tag("caption", text(caption)), tag("thead", tag("tr", *heads)), tag("tbody", *body)
    return HTML(scrolling_table(caption, *parts))


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
    for kind, same in ((torch.Tensor, torch.equal), (np.ndarray, np.array_equal)):
        if isinstance(wanted, kind):
            return isinstance(got, kind) and same(got, wanted)
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
    return HTML(tag("p", tag("strong", text(words)), role="status"))
