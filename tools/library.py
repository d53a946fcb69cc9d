"""The reference of the library, made from its docstrings, which are Markdown and stay readable where they stand."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature
from sphinx.util.typing import ExtensionMetadata

SECTIONS = {"Args:": "Arguments", "Raises:": "Raises", "Yields:": "Yields", "Returns:": "Returns"}


def public(module: ModuleType) -> Iterator[tuple[str, Callable]]:
    """The functions and classes of a module in its own order, or those that a package hands out."""
    names = getattr(module, "__all__", None) or [
        name
        for name, one in vars(module).items()
        if not name.startswith("_") and getattr(one, "__module__", "") == module.__name__
    ]
    for name in names:
        if inspect.isclass(one := getattr(module, name)) or inspect.isfunction(one):
            yield name, one


def signature(of: Callable) -> str:
    """`(depth: int, *, stride: int = 1) -> Network`; a default that is a class or a function by its name.

    >>> def f(act=dict, times=2): ...
    >>> signature(f)
    '(act=dict, times=2)'
    """
    try:
        written = stringify_signature(inspect.signature(of), unqualified_typehints=True)
    except ValueError:  # some classes have none
        return ""
    return re.sub(r"<(?:class|function) '?(?:[\w]+\.)*(\w+)[^>]*>", r"\1", written)


def as_markdown(docstring: str) -> list[str]:
    """A docstring with its arguments as a list and its examples as code, line by line.

    >>> as_markdown("Do.\\n\\nArgs:\\n    a: this\\n        and that.\\n\\n>>> do(1)\\n1")
    ['Do.', '', '**Arguments**', '', '- `a`: this', '  and that.', '', '```python', '>>> do(1)', '1', '```']
    """
    lines: list[str] = []
    example = section = False
    for line in inspect.cleandoc(docstring).split("\n"):
        if example and not line:
            lines.append("```")
        elif line.startswith(">>>") and not example:
            lines.append("```python")
        example = bool(line) and (example or line.startswith(">>>"))
        section = line in SECTIONS or (section and (not line or line.startswith(" ")))
        if line in SECTIONS:
            lines += [f"**{SECTIONS[line]}**", ""]
        elif section and line:
            lines.append(re.sub(r"^ {4}(\S[^:]*): ", r"- `\1`: ", line) if line[4:5].strip() else f"  {line.strip()}")
        else:
            lines.append(line)
    return [*lines, "```"] if example else lines


class Library(SphinxDirective):
    """`{library} casestudies_lib.lenet`: what a module says of itself, its functions and its classes."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = import_module(self.arguments[0])
        self.env.note_dependency(str(module.__file__))
        lines = [*as_markdown(module.__doc__ or ""), ""]
        for name, one in public(module):
            kind = "class" if inspect.isclass(one) else "function"
            lines += [f"`````{{py:{kind}}} {name}{signature(one)}", f":module: {module.__name__}", ""]
            lines += [*as_markdown(inspect.getdoc(one) or ""), "`````", ""]
        found = nodes.container(classes=["library"])
        self.state.nested_parse(StringList(lines, source=str(module.__file__)), self.content_offset, found)
        return found.children


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("library", Library)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
