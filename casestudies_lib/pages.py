"""What a page does besides claims and figures: it shows the library's own source, a table, and marks an exercise."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from math import isfinite
from numbers import Integral, Real

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
    """
    try:
        got = attempt()
    except Exception as problem:  # whatever the reader's code does wrong is shown to them
        return _marked(f"✗ {name}: not yet, your code stopped with {type(problem).__name__}: {problem}")
    answers = got if isinstance(got, list) else [got]
    if answers and all(item is None or item is ... for item in answers):
        return _marked(f"○ {name}: not yet tried. Complete the function, then run this cell again.")
    if type(got) is type(wanted) and got == wanted:
        return _marked(f"✓ {name}: solved.")
    return _marked(f"✗ {name}: not yet, got {got!r}.")


def _marked(words: str) -> HTML:
    return HTML(tag("p", tag("strong", text(words)), role="status"))
