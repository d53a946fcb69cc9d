"""The start page and the pages for teachers: cards, a figure to move, lectures, exercises, how to cite.

What these pages say of the notebooks is gathered from the notebooks' cells and stored outputs when the book is built.
"""

from __future__ import annotations

import ast
import io
import os
import re
from base64 import b64decode, b64encode
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import ClassVar

import address
import nbformat
import yaml
from bs4 import BeautifulSoup, Tag
from companion import PROOF, notebooks_of, stored_claims
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from markupsafe import Markup
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from whole import FILES

from casestudies_lib.page.claims import MARK, VERDICTS
from casestudies_lib.page.html import joined, tag

WORDS_A_MINUTE = 200
TOLD = ".fig > figcaption, .ask, .answer"  # prose that comes out of a code cell
THUMBNAIL = 200  # pixels along a side of a photograph on a card
DETAILS = re.compile(r"(?s)<details>\s*<summary>.*?</summary>(.*?)</details>")
PROOFS = re.compile(r"\[[✓❝⏺]\]\(#claim-[\w-]+\)")


class Page:
    """One notebook as it is stored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells = nbformat.read(path, as_version=4).cells
        self.title = re.findall(r"^# (.+)$", self.cells[0].source, re.MULTILINE)[0]
        self.number = int(path.stem[:2])

    @cached_property
    def outputs(self) -> list[tuple[str, BeautifulSoup]]:
        """What the cells show, each with the name of its cell."""
        htmls = [(cell.id, html_of(cell)) for cell in self.cells if cell.cell_type == "code"]
        return [(name, BeautifulSoup(html, "html.parser")) for name, html in htmls if html]

    def minutes(self) -> int:
        """How long it takes to read what the page shows unfolded, code aside."""
        prose = [prose_of(cell.source) for cell in self.cells if cell.cell_type == "markdown"]
        told = [part.get_text(" ") for _, output in self.outputs for part in output.select(TOLD)]
        return ceil(sum(len(text.split()) for text in prose + told) / WORDS_A_MINUTE)

    def shown(self, selector: str) -> Tag:
        """The first element of an output that a selector finds.

        Raises:
            ValueError: there is none.
        """
        found = next((part for _, output in self.outputs for part in output.select(selector)), None)
        if found is None:
            raise ValueError(f"expected a page that shows {selector!r}, got {self.path.name}: name another")
        return found

    def figure(self, cell: str) -> Tag:
        """The figure that a cell shows, with its caption.

        Raises:
            ValueError: there is none.
        """
        shown = (figure for name, output in self.outputs if name == cell for figure in output.select("figure.fig"))
        if (found := next(shown, None)) is None:
            raise ValueError(f"expected a cell of {self.path.name} that shows a figure, got {cell!r}: name another")
        return found

    def picture(self, cell: str | None) -> Tag | None:
        """The drawing of a cell; where it has none, the first of the page that is neither strip nor explorer."""
        drawn = [
            (name, drawing)
            for name, output in self.outputs
            for drawing in output.select(".drawing:not(.explorer)")
            if drawing.svg and name not in ("strip", "here")
        ]
        return next((drawing for name, drawing in drawn if name == cell), drawn[0][1] if drawn else None)


def html_of(cell: nbformat.NotebookNode) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))


def prose_of(source: str) -> str:
    """A Markdown cell without code, folds and marks of proof."""
    return PROOFS.sub("", re.sub(r"(?s)```.*?```", "", DETAILS.sub("", source)))


# ------------------------------------------------------------------ exercises
@dataclass(frozen=True)
class Part:
    """A piece of an exercise: Markdown or HTML, and whether it gives the answer away."""

    text: str
    answer: bool = False
    html: bool = False


def exercises(page: Page) -> list[Part]:
    """The exercises of a page in order, each part followed by its answer where it has one."""
    parts: list[Part] = []
    inside = False
    for place, cell in enumerate(page.cells):
        if cell.cell_type == "markdown":
            source = cell.source
            if "## Exercises" in source.splitlines():
                inside, source = True, source.partition("## Exercises")[2]
            elif inside and re.search(r"(?m)^## ", source):
                source = re.split(r"(?m)^## ", source)[0]
                parts += asked_and_answered(source)
                inside = False
            if inside:
                parts += asked_and_answered(source)
        elif inside and "exercise" in cell.metadata.get("tags", []):
            parts.append(Part(f"```python\n{stub(cell.source, page.cells[place + 1].source)}\n```"))
        elif inside:
            parts += questions_and_discussions(BeautifulSoup(html_of(cell), "html.parser"))
    return parts


def asked_and_answered(source: str) -> list[Part]:
    """A Markdown cell cut at its folds, which hold the answers."""
    pieces = DETAILS.split(source)
    return [Part(PROOFS.sub("", one).strip(), answer=at % 2 == 1) for at, one in enumerate(pieces) if one.strip()]


def stub(source: str, solution: str) -> str:
    """Of an exercise's cell the function that the solution completes."""
    name = re.findall(r"(?m)^def (\w+)", solution)[0]
    defined = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return "\n".join(source.splitlines()[defined[0].lineno - 1 : defined[0].end_lineno])  # with its comments


def questions_and_discussions(output: BeautifulSoup) -> list[Part]:
    """What a code cell among the exercises asks and answers; its checks are neither."""
    for mark in output.select('a[href^="#claim-"]'):
        mark.decompose()
    parts = []
    for asked in output.select("ol.numbers"):
        lines = asked.select("li")
        questions = [tag("li", Markup(line.span.decode_contents())) for line in lines if line.span]
        answers = [tag("li", re.sub("^answer", "", line.details.get_text())) for line in lines if line.details]
        parts += [Part(str(tag("ol", *questions)), html=True), Part(str(tag("ol", *answers)), answer=True, html=True)]
    for told in output.select("details.discussion"):
        if told.summary:
            told.summary.extract()
        parts.append(Part(told.decode_contents(), answer=True, html=True))
    return parts


class Book(SphinxDirective):
    """What all directives here share: the notebooks, links to them, and Markdown that is shown."""

    def pages(self) -> list[Page]:
        paths = notebooks_of(self)
        for path in paths:
            self.env.note_dependency(str(path))
        return [Page(path) for path in paths]

    def page(self, number: str) -> Page:
        return next(page for page in self.pages() if page.number == int(number))

    def link(self, page: Page, place: str = "") -> str:
        return f"{'../' * self.env.docname.count('/')}notebooks/{page.path.stem}.html{place}"

    def markdown(self, text: str) -> list[nodes.Node]:
        shown = nodes.container()
        self.state.nested_parse(StringList(text.splitlines()), self.content_offset, shown)
        return shown.children

    def html(self, *parts: object) -> nodes.Node:
        return nodes.raw("", str(joined(*parts)), format="html")


class Exercises(Book):
    """`{exercises}`: the exercises of all pages; with the option `solutions` the answers follow, folded."""

    option_spec: ClassVar = {"solutions": directives.flag}

    def run(self) -> list[nodes.Node]:
        return [self.sheet(page) for page in self.pages()]

    def sheet(self, page: Page) -> nodes.section:
        section = nodes.section(ids=[f"exercises-{page.number}"], names=[])
        section += nodes.title("", f"Chapter {page.number}. {page.title}")
        for part in exercises(page):
            if not part.answer:
                section += self.shown(part)
            elif "solutions" in self.options:
                section += self.html(Markup('<details class="solution"><summary>Solution</summary>'))
                section += self.shown(part)
                section += self.html(Markup("</details>"))
        to_page = tag("a", "These exercises on their page", href=self.link(page, "#exercises"))
        section += self.html(tag("p", to_page, class_="quiet"))
        return section

    def shown(self, part: Part) -> list[nodes.Node]:
        return [self.html(Markup(part.text))] if part.html else self.markdown(part.text)


# ------------------------------------------------------------------ lectures
class Lecture(Book):
    """`{lecture} NUMBER`: one lecture on a chapter: what to say, to show, to ask before, and to set.

    Figures are named by their cells, questions by their keys, exercises by their numbers; the words come from the page.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = dict.fromkeys(("show", "ask", "set"), directives.unchanged)

    def run(self) -> list[nodes.Node]:
        page = self.page(self.arguments[0])
        try:
            lines = [self.show(page), self.ask(page), self.set(page)]
        except ValueError as problem:
            raise self.error(str(problem)) from problem
        read = tag("li", tag("strong", "To read"), f": the chapter, about {page.minutes()} minutes.")
        section = nodes.section(ids=[f"lecture-{page.number}"], names=[])
        section += nodes.title("", f"Week {page.number}. {page.title}")
        section += self.markdown("\n".join(self.content))
        section += self.html(tag("ul", *(line for line in lines if line), read, class_="lecture"))
        return [section]

    def named(self, option: str) -> list[str]:
        return self.options.get(option, "").split()

    def show(self, page: Page) -> Markup | None:
        figures = [page.figure(cell) for cell in self.named("show")]
        lines = [
            tag("li", tag("a", name, href=self.link(page, f"#{figure['id']}")), ": ", first)
            for figure in figures
            for name, first in [caption_of(figure)]
        ]
        return tag("li", tag("strong", "To show"), tag("ul", *lines)) if lines else None

    def ask(self, page: Page) -> Markup | None:
        lines = []
        for key in self.named("ask"):
            question, answer = (page.shown(f'[data-{kind}="{key}"]') for kind in ("ask", "answers"))
            words = re.sub(r"^\d+\.\s*", "", question.p.get_text()) if question.p else ""
            choices = tag("ul", *(tag("li", choice.get_text()) for choice in question.select("li")))
            right = re.sub(r"^Prediction \d+: |\s*[✓❝⏺]", "", answer.get_text())
            fold = tag("details", tag("summary", "Answer"), tag("p", right), class_="solution")
            lines.append(tag("div", words, choices, fold, class_="asked"))
        return tag("li", tag("strong", "To ask before you show it"), *lines) if lines else None

    def set(self, page: Page) -> Markup | None:
        titles = dict(re.findall(r"\*\*(\d)\. (.+?)\.?\*\*", "\n".join(part.text for part in exercises(page))))
        if missing := [number for number in self.named("set") if number not in titles]:
            raise ValueError(f"expected exercises of {page.path.name}, got {missing}: it has {', '.join(titles)}")
        named = ", ".join(f"{number} ({titles[number]})" for number in self.named("set"))
        link = tag("a", f"exercise {named}", href=self.link(page, "#exercises"))
        return tag("li", tag("strong", "To set"), ": ", link, ".") if named else None


def caption_of(figure: Tag) -> tuple[str, str]:
    """A figure's name, such as Figure 2.1, and the first sentence of its caption."""
    caption = figure.find("figcaption", recursive=False)
    assert isinstance(caption, Tag)
    name, _, words = caption.get_text().partition(". ")
    sentence = ""
    for part in re.split(r"(?<=[.:?]) ", re.sub("[✓❝⏺]", "", words)):
        sentence = f"{sentence} {part}".strip()
        if sentence.count("(") == sentence.count(")"):
            break
    return name, sentence.rstrip(":")


# ------------------------------------------------------------------ the start page
class Start(Book):
    """`{start}`: the way to the first chapter."""

    def run(self) -> list[nodes.Node]:
        page = self.page("1")
        button = tag("a", "Start here", class_="start-here", href=self.link(page))
        return [self.html(tag("p", button, " ", page.title, f", about {page.minutes()} minutes", class_="start"))]


class Move(Book):
    """`{move} NUMBER EXPLORER`: an explorer of a chapter with its caption, which leads to its place there."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        page = self.page(self.arguments[0])
        try:
            box = page.shown(f'[data-explorer="{self.arguments[1]}"]')
        except ValueError as problem:
            raise self.error(str(problem)) from problem
        figure = box.find_parent("figure", {"class": "fig"})
        name = figure.select_one(":scope > figcaption > strong") if figure else None
        if figure is None or name is None:
            raise self.error(f"the explorer {self.arguments[1]} of chapter {page.number} has no caption: give it one")
        link = tag("a", name.get_text().rstrip("."), href=self.link(page, f"#{figure['id']}"))
        words = tag("strong", f"From chapter {page.number}, ", link, ".")
        name.replace_with(BeautifulSoup(str(words), "html.parser"))
        return [self.html(Markup(str(figure)))]


class Cards(Book):
    """`{cards}`: a card for each chapter, with a line `NUMBER [CELL]: sentence` for each; CELL draws its picture."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        said = {}
        for line in self.content:
            about, _, sentence = line.partition(": ")
            number, *cell = about.split()
            said[int(number)] = sentence, cell[0] if cell else None
        pages = self.pages()
        if set(said) != {page.number for page in pages}:
            raise self.error(f"expected a line for each of {len(pages)} chapters, got {sorted(said)}")
        cards = [self.card(page, *said[page.number]) for page in pages]
        return [self.html(tag("ul", *cards, class_="cards"))]

    def card(self, page: Page, sentence: str, cell: str | None) -> Markup:
        drawing = page.picture(cell)
        picture = thumbnail(drawing, f"card-{page.number}") if drawing else Markup()
        title = tag("h3", tag("a", page.title, href=self.link(page)))
        return tag(
            "li",
            tag("div", picture, class_="picture drawing"),
            tag("p", f"Chapter {page.number} · {page.minutes()} minutes", class_="which"),
            title,
            tag("p", sentence),
            tag("p", tally(stored_claims(page.path)), class_="tally"),
            class_="chapter-card",
        )


def thumbnail(drawing: Tag, name: str) -> Markup:
    """A drawing for those who see it, with ids of its own, its photographs small, and below it whose they are."""
    svg = BeautifulSoup(str(drawing.svg), "html.parser").svg
    assert svg is not None
    svg["aria-hidden"] = "true"
    for key in ("role", "aria-label", "width", "height", "style"):
        svg.attrs.pop(key, None)
    for image in svg.select("image"):
        key = "href" if image.has_attr("href") else "xlink:href"
        image[key] = lighter(str(image[key]))
    written = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", str(svg))
    whole = drawing.find_parent("figure") or drawing
    credits = whole.select(".credit")
    return joined(Markup(written), *(Markup(str(credit)) for credit in credits[:1]))


def lighter(uri: str) -> str:
    """A bitmap in an address as a small JPEG, unless it is small as it stands."""
    data = b64decode(uri.partition(";base64,")[2])
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    if len(data) < 3000 or image.getchannel("A").getextrema() != (255, 255):  # JPEG knows no transparency
        return uri
    image = image.convert("RGB")
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    made = io.BytesIO()
    image.save(made, "JPEG", quality=60)
    small = f"data:image/jpeg;base64,{b64encode(made.getvalue()).decode()}"
    return min(uri, small, key=len)


def tally(records: list[dict]) -> Markup:
    """How many sentences are measured, recorded and quoted, and what became of what the notes and others say."""
    kinds = Counter(PROOF[record["kind"]] for record in records)
    parts = [tag("span", ", ".join(f"{kinds[kind]} {kind}" for kind in PROOF.values() if kinds[kind]), ".")]
    for who, others in (("Of the notes’ lines", False), ("Of what others say", True)):
        judged = [record for record in records if "verdict" in record and ("by" in record) == others]
        if judged:
            parts.append(tag("span", f"{who}: ", Markup(", ").join(verdicts(judged)), "."))
    return Markup(" ").join(parts)


def verdicts(judged: list[dict]) -> list[Markup]:
    count = Counter(record["verdict"] for record in judged)
    return [
        tag("span", f"{MARK[verdict]} {count[verdict]} {verdict}", class_=f"verdict {verdict.split()[-1]}")
        for verdict in VERDICTS
        if count[verdict]
    ]


class Tally(Book):
    """`{tally}`: the same over the whole book."""

    def run(self) -> list[nodes.Node]:
        records = [record for page in self.pages() for record in stored_claims(page.path)]
        return [self.html(tag("p", "In the whole book: ", tally(records), class_="tally"))]


class Downloads(Book):
    """`{downloads}`: links to what can be taken along, if DOWNLOADS says that it will lie beside the start page."""

    said: ClassVar = {
        "pdf": ("the whole book as a PDF", ", to print"),
        "epub": ("as an EPUB", ", for a phone or a reader"),
        "apkg": ("its terms and questions as flash cards", " for Anki"),
    }

    def run(self) -> list[nodes.Node]:
        if not os.environ.get("DOWNLOADS"):
            return []
        links = [joined(tag("a", name, href=FILES[kind]), what) for kind, (name, what) in self.said.items()]
        return [
            self.html(
                tag(
                    "p", tag("strong", "Take it along."), " Here is ", Markup("; ").join(links), ".", class_="downloads"
                )
            )
        ]


# ------------------------------------------------------------------ how to cite
def bibtex(citation: dict, url: str) -> str:
    """What CITATION.cff prefers to be cited, as BibTeX."""
    cited = citation["preferred-citation"]
    fields = {
        "title": f"{{{cited['title']}}}",
        "author": " and ".join(f"{{{author['name']}}}" for author in cited["authors"]),
        "year": str(cited["year"]),
    } | ({"url": url} if url else {})
    lines = [f"  {key:6} = {{{value}}}," for key, value in fields.items()]
    name = re.sub(r"\W", "", citation["title"]).lower()
    return "\n".join([f"@{cited['type']}{{{name}{cited['year']},", *lines, "}"])


class Citation(Book):
    """`{citation}`: an entry for a bibliography, from CITATION.cff."""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "CITATION.cff"
        self.env.note_dependency(str(path))
        entry = bibtex(yaml.safe_load(path.read_text("utf-8")), address.published())
        return [nodes.literal_block(entry, entry, language="bibtex")]


def setup(app: Sphinx) -> ExtensionMetadata:
    named = {"start": Start, "move": Move, "cards": Cards, "tally": Tally, "downloads": Downloads, "citation": Citation}
    for name, directive in (named | {"exercises": Exercises, "lecture": Lecture}).items():
        app.add_directive(name, directive)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
