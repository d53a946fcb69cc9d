"""Formulas as MathML, written when the book is built: browsers draw it themselves, so that a page needs no script."""

from __future__ import annotations

from bs4 import NavigableString, Tag
from docutils import nodes
from markupsafe import escape
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

LOG = logging.getLogger(__name__)
CONVERT = LatexToMathML(annotation=True)  # with the TeX, which a copied formula then brings along


def mathml(tex: str, display: bool, place: nodes.Node) -> str:
    """A formula as a `math` element; as the TeX it was, with a warning, where it cannot be read."""
    try:
        return CONVERT.convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        LOG.warning("expected a formula in TeX, got %r: %s", tex, error, location=place)
        return escape(tex)


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext(), False, node))
    raise nodes.SkipNode


def display(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="formula">{mathml(node.astext(), True, node)}</div>\n')
    raise nodes.SkipNode


def spoken(formula: Tag | NavigableString) -> str:
    """A formula in a line of text: a_b, a^b, a/b, √a, and everything else as it stands."""
    if isinstance(formula, NavigableString):
        return formula.strip()
    parts = [spoken(part) for part in formula.children if isinstance(part, (Tag, NavigableString))]
    parts = [part for part in parts if part]
    match formula.name:
        case "annotation":
            return ""
        case "msub" | "munder":
            return "_".join(parts)
        case "msup" | "mover":
            return "^".join(parts)
        case "msubsup" | "munderover":
            return "{}_{}^{}".format(*parts)
        case "mfrac":
            return "/".join(parts)
        case "msqrt":
            return "√" + "".join(parts)
    return "".join(parts)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
