"""What a page shows besides claims and figures: the library's own source, and tables."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from math import isfinite
from numbers import Integral, Real

from IPython.display import HTML, Markdown
from markupsafe import Markup

from casestudies_lib.checks import checked
from casestudies_lib.page import html
from casestudies_lib.page.html import LEFT, RIGHT


@checked
def source(*objects: type | Callable) -> Markdown:
    """The source of classes and functions as the library runs it, less the docstrings."""
    return Markdown("\n\n".join(f"```python\n{_without_docstrings(item)}\n```" for item in objects))


def _without_docstrings(item: type | Callable) -> str:
    try:
        code = inspect.getsource(item)
        tree = ast.parse(code)
    except (OSError, TypeError, SyntaxError) as problem:
        raise ValueError(
            f"expected a class or function of a file, got {item!r} ({problem}): name one of the library"
        ) from None
    lines = code.splitlines()
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            start, end = node.body[0].lineno, node.body[0].end_lineno or 0
            left_out.update(range(start - 1, end))
            if lines[end] == "":  # the empty line below it
                left_out.add(end)
    kept = (line for number, line in enumerate(lines) if number not in left_out)
    return "\n".join(line.removesuffix("  # fmt: skip") for line in kept).rstrip()


@checked
def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]], *, words: bool = False) -> HTML:
    """A table that a page works out: the first column names the rows, the others are numbers at the right, or words.

    Whole numbers get thousands separators, floats one decimal, None an empty cell; markup stays markup.

    Raises:
        ValueError: a row of another length than the head, or a number that is not finite.
    """
    if wrong := [row for row in rows if len(row) != len(head)]:
        raise ValueError(f"expected {len(head)} cells in every row, got {len(wrong[0])} in {wrong[0]}: fill with None")

    def cell(value: object) -> str:
        if isinstance(value, Real) and not isinstance(value, bool):
            if not isfinite(value):
                raise ValueError(f"expected finite numbers, got {value}: show None, or say in words what is missing")
            return f"{value:,}" if isinstance(value, Integral) else f"{value:,.1f}"
        return "" if value is None else value if isinstance(value, Markup) else str(value)

    columns = [(title, {"style": LEFT if words or not place else RIGHT}) for place, title in enumerate(head)]
    body = [(name, *map(cell, rest)) for name, *rest in rows]
    return HTML(str(html.table(caption, columns, body, caption=caption)))
