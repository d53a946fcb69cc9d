"""The whole book without its site: the built pages one after the other, for paper (`pdf.py`) and readers (`epub.py`).

What needs a script stays as it stands, or is left out; checks and the code of figures are left out, because the site
has them. Each id gets the name of its page in front, so that every link leads to a place in the book itself.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, join, normpath

import address
import yaml
from address import ROOT
from bs4 import BeautifulSoup, Tag
from bs4.element import Stylesheet
from formulas import spoken
from later import LATER
from markupsafe import Markup, escape

BUILT = ROOT / "_build/html"
TITLE = "CNN Case Studies"
AUTHOR = f"The {TITLE} authors"
# What can be taken along, made by `make pdf`, `make epub` and `make cards`, and lying beside the start page.
FILES = {kind: f"cnn-case-studies.{kind}" for kind in ("pdf", "epub", "apkg")}
POSTER = "_static/cnn-poster.pdf"
START = "index"
BACK = ("glossary", "claims", "checks", "pictures", "bibliography", "solutions")
LEFT_OUT = (
    "script, .headerlink, .copybtn, .legend, .filters, .permalink, .downloads, .toctree-wrapper, .start, "
    ".sheet, .whole, details.code, details.checks, details.rest, .without, .off, .controls, [hidden]"
)
# What in the exercises of a chapter gives the answers away; they stand at the end of the book.
ANSWERS = "#exercises details"
MARK = "a.proof-mark"


@dataclass(frozen=True)
class Part:
    """A page of the book: the name that stands before its ids, its title, and what it holds."""

    name: str
    title: Markup
    body: Tag


def documents() -> list[str]:
    """The pages that the whole book has, in order, as Sphinx names them."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [START, *(name for name in listed if name.startswith("notebooks/")), *(f"book/{name}" for name in BACK)]


def short(document: str) -> str:
    """What stands before the ids of a page.

    >>> short("notebooks/01_classic_networks"), short("book/claims"), short("index")
    ('chapter-1', 'claims', 'index')
    """
    name = document.rpartition("/")[2]
    return f"chapter-{int(name[:2])}" if name[:2].isdigit() else name


def gather(html: Path = BUILT, names: list[str] | None = None) -> list[Part]:
    """The pages of the whole book, ready for a document without scripts, with links from one to another.

    Raises:
        ValueError: a link leads to a page of the book, and to no place there.
    """
    names = documents() if names is None else names
    pages = {name: BeautifulSoup((html / f"{name}.html").read_text("utf-8"), "html.parser") for name in names}
    bodies = {name: page.select_one("article > section") for name, page in pages.items()}
    built = {name: ids(body) for name, body in bodies.items() if body}
    parts = []
    for name, body in bodies.items():
        assert body is not None, f"{name} has no section"
        for image in body.select(f"img.{LATER}"):
            embed(image, html / name)
        lighten(body, name)
        assert body.h1 is not None
        if name == START:  # the title stands on a page of its own
            body.h1.string = "About this book"
        title = heading(body.h1)
        parts.append(Part(short(name), Markup(re.sub(r"^\d+\s+", "", title)), body))
    kept = {part.name: ids(part.body) for part in parts}
    for name, part in zip(names, parts, strict=True):
        link(part.body, name, names, built, kept)
        rename(part.body, part.name)
    return parts


def ids(body: Tag) -> set[str]:
    return {str(part["id"]) for part in body.find_all(id=True)} | {str(body["id"])}


def lighten(body: Tag, name: str) -> None:
    """Leave out what only the site can show, and open what is folded."""
    chapter = name.startswith("notebooks/")
    answers = body.select(ANSWERS) if chapter else []
    for mark in body.select(MARK):  # where the page of claims leads back to
        place = f"mark-{str(mark['href'])[1:]}"
        if not body.find(id=place):
            mark["id"] = place
    for part in [*body.select(LEFT_OUT), *answers]:
        if not part.decomposed:
            part.decompose()
    for button in body.select("button"):
        if button.find_parent("table"):  # a heading that sorts, or a name
            button.unwrap()
        else:
            button.decompose()
    for box in body.select(".explorer"):
        told = "To move this picture, open the page on the site of the book."
        if box.select_one("canvas"):  # there is nothing to see before the reader draws
            told = "This needs a screen to draw on: open the page on the site of the book."
            box.clear()
        box.append(made("p", told, {"class": "still"}))
    if answers:
        where = made("p", "", {"class": "still"})
        sheet = f"../book/solutions.html#exercises-{short(name).removeprefix('chapter-')}"
        lead = made("a", "Answers stand at the end of the book.", {"href": sheet})
        where.append(lead)
        exercises = body.find(id="exercises")
        assert isinstance(exercises, Tag)
        exercises.append(where)
    for fold in body.select("details"):
        fold.name = "div"
        fold["class"] = " ".join(["unfolded", *(fold.get("class") or [])])
        if summary := fold.summary:
            summary.name, summary["class"] = "p", "unfolds"


def embed(image: Tag, page: Path) -> None:
    """Put a picture that a page fetches later back into its drawing, as an image of SVG."""
    frame, file = image.parent, page.parent / str(image["src"])
    if file.suffix == ".svg":  # a drawing of its own
        image["src"] = f"data:image/svg+xml;base64,{b64encode(file.read_bytes()).decode()}"
        del image["loading"]
        return
    assert frame is not None and frame.name == "foreignobject", frame
    frame.name = "image"
    frame["href"] = f"data:image/{file.suffix[1:]};base64,{b64encode(file.read_bytes()).decode()}"
    if "fill" in str(image["style"]):
        frame["preserveAspectRatio"] = "none"
    frame.clear()


def made(name: str, words: str, about: dict[str, str]) -> Tag:
    tag = BeautifulSoup("", "html.parser").new_tag(name, attrs=about)
    tag.string = words
    return tag


def link(body: Tag, name: str, names: list[str], built: dict[str, set[str]], kept: dict[str, set[str]]) -> None:
    """Point links at places of the whole book; to a page that it lacks, at the site; without a site, words remain."""
    site = address.site()
    for anchor in body.select("a[href]"):
        href = str(anchor["href"])
        if re.match(r"[a-z]+:", href):
            continue
        page, _, place = href.partition("#")
        goal = normpath(join(dirname(name), page.removesuffix(".html"))) if page else name
        if goal in names:
            anchor["href"] = f"#{where(short(goal), place, built[goal], kept, f'{name}: {href}')}"
        elif site:
            anchor["href"] = f"{site}{normpath(join(dirname(name), page))}{'#' + place if place else ''}"
        else:
            anchor.unwrap()


def where(page: str, place: str, built: set[str], kept: dict[str, set[str]], link: str) -> str:
    """The id of a place in the whole book; of a claim that is left out, its entry, or the sentence that it proves."""
    if not place:
        return page
    if place not in built:
        raise ValueError(f"expected a link to a place of the book, got {link}: build the book again")
    if place in kept[page]:
        return f"{page}--{place}"
    if f"mark-{place}" in kept[page] and link.startswith("book/claims"):
        return f"{page}--mark-{place}"
    if place in kept.get("claims", set()) and not link.startswith("book/claims"):
        return f"claims--{place}"
    return page


def rename(body: Tag, name: str) -> None:
    """Put the page's name before its ids, and before all that refers to them but links, which are done."""
    own = ids(body)

    def renamed(found: re.Match[str]) -> str:
        return f"{found[1]}{name}--{found[2]}" if found[2] in own else found[0]

    for part in [body, *body.find_all(True)]:
        for key, value in part.attrs.items():
            if key in ("id", "for", "aria-labelledby", "aria-describedby", "aria-controls"):
                part[key] = " ".join(f"{name}--{one}" if one in own else one for one in str(value).split())
            elif part.name in ("use", "textpath") and key.endswith("href"):
                part[key] = re.sub(r"^(#)(.+)$", renamed, str(value))
            elif "url(#" in str(value):
                part[key] = re.sub(r"(url\(#)([^)]+)", renamed, str(value))
        if part.name == "style" and part.string:
            part.string = Stylesheet(re.sub(r"(#)([\w-]+)", renamed, part.string))


def contents(parts: list[Part], link: Callable[[Part, Tag | None], str], number: Callable[[str], str]) -> Iterator[str]:
    """The lines of the contents: each page with its sections, and what `number` says of where they begin."""
    for part in parts:
        sections = [(section, section.h2) for section in part.body.find_all("section", recursive=False)]
        inner = "".join(
            f'<li><a href="{link(part, section)}">{heading(head)}</a>{number(str(section["id"]))}</li>'
            for section, head in sections
            if head and part.name.startswith("chapter")
        )
        lead = part.name.removeprefix("chapter-") + " " if part.name.startswith("chapter") else ""
        words = f'<a href="{link(part, None)}">{lead}{part.title}</a>{number(part.name)}'
        yield f"<li>{words}{f'<ol>{inner}</ol>' if inner else ''}</li>"


def heading(head: Tag) -> Markup:
    """The words of a heading, formulas as one would say them."""
    head = copy(head)
    for formula in head.select("math"):
        formula.replace_with(spoken(formula))
    return escape(head.get_text())
