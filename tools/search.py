"""The search of the site: an index of the sections' prose, which `search.js` ranks in the reader's browser.

Sphinx's own search drops every number of a question, finds pages and no sections, and reads whole pages, with their
code, for its snippets, which browsers refuse for pages from disk. Here snippets come from the index, which is a script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from aside import set_aside
from bs4 import BeautifulSoup, Tag
from folds import name_lines
from formulas import spoken
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

INDEX = "_static/search-index.js"
# Pages of this folder gather what others teach: their hits come after all hits of other pages.
LAST = "book/"
# The page of claims has a search of its own, to which ours leads; solutions stand in their chapters too; and of changes
# nobody learns about networks.
LEFT_OUT = {"search.html", "404.html", "book/claims.html", "book/solutions.html", "book/changelog.html"}
# Between these invisible signs stands what a text stresses, for `search.js`.
STRESSED = "\ufff9", "\ufffb"
TERMS = ":is(em, strong, dt):not(:is(em, strong, dt) *)"
# What is no prose: code, folds, tables, what a reader moves, evidence, and what only leads elsewhere. Most of a page is
# drawings and code, and a selector asks every part, so what its tag tells goes first: that takes half as long.
NO_PROSE_TAGS = ["svg", "pre", "table", "script", "style", "canvas", "form", "button"]
NO_PROSE = (
    "details, .ask, .numbers, .claim > :not(.says), figure.fig > :not(figcaption), figcaption > strong:first-child, "
    ".drawing, .explorer, .headerlink, .section-number, .proof-mark, .legend, .toctree-wrapper, "
    ".tableofcontents-wrapper, .visually-hidden, dl.py ul, dl.py p:has(+ ul)"
)
BLOCKS = ["p", "li", "dt", "dd", "figcaption", "blockquote", "div", "h1", "h2", "h3", "h4"]


def sections(page: BeautifulSoup) -> Iterator[tuple[str, str, str]]:
    """Each section of a page, inner ones and last ones first: its place, its title, and its prose.

    Terms that the prose stresses stand between two signs. A fold with a title and a place is a section of its own.
    """
    article = page.article
    if article is None:
        return
    for part in article.find_all(NO_PROSE_TAGS):
        if not part.decomposed:
            part.decompose()
    for card in article.select(".claim"):
        name_lines(card)
    for fold in article.select("details.discussion[id]"):
        fold.name = "section"
    for part in article.select(NO_PROSE):
        if not part.decomposed:
            part.decompose()
    for signature in article.select("dt.sig"):
        for name in signature.select(".descname"):
            signature.string = words(name)
    for formula in article.select(".formula"):
        formula.replace_with(" … ")
    for formula in article.select("math"):
        formula.replace_with(spoken(formula))
    for section in reversed(article.select("section[id]")):
        head = section.find(["h1", "h2", "h3", "h4", "summary"])
        title = words(head.extract()) if isinstance(head, Tag) else ""
        for term in section.select(TERMS):
            term.insert(0, STRESSED[0])
            term.append(STRESSED[1])
        for block in section.find_all(BLOCKS):
            block.append(" ")
        yield str(section["id"]), title, words(section.extract())


def words(tag: Tag) -> str:
    """What a reader sees of it, with single spaces."""
    return re.sub(r"[\s\u2061\u2062]+", " ", tag.get_text().replace("\u2060", "")).strip()  # signs of MathML as well


def index(root: Path) -> list[list]:
    """Every section of every page: its address, page, title and prose, and whether it comes last."""
    found = []
    for path in sorted(path for path in root.rglob("*.html") if not path.is_relative_to(root / "_static")):
        name = path.relative_to(root).as_posix()
        if name in LEFT_OUT:
            continue
        own = list(sections(BeautifulSoup(set_aside(path.read_text("utf-8"))[0], "html.parser")))[::-1]
        for place, title, prose in own:
            first = place == own[0][0]
            address = name if first else f"{name}#{place}"
            found.append([address, own[0][1], "" if first else title, prose, int(name.startswith(LAST))])
    return found


def write_index(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        root = Path(app.outdir)
        text = json.dumps(index(root), ensure_ascii=False, separators=(",", ":"))
        (root / INDEX).write_text(f"window.SECTIONS = {text};\n", "utf-8", newline="")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("build-finished", write_index, priority=910)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
