"""What this book adds to Sphinx: the address, a Colab link, folded code, all claims, a trained network, the poster."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import address
import nbformat
from docutils import nodes
from folds import drawn, fold
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from casestudies_lib.explorers.photograph import NETWORK, PLACE, network_file
from casestudies_lib.figures.poster import BELOW_IT, OPENS, save_poster
from casestudies_lib.figures.poster import PLACE as SHEET
from casestudies_lib.page.claims import MIME, VERDICTS, anchor, as_html
from casestudies_lib.page.html import tag

NETWORK_FILE = f"_static/{NETWORK}.js"
# A link that a cell made to another page, which in Jupyter is a notebook.
LINK = re.compile(r'href="(\d\d_\w+)\.ipynb(#[\w-]+)?"')
PARAGRAPH = re.compile(r"(?s)<p>.*?</p>")
POSTER_FILES = {"PDF": "_static/cnn-poster.pdf", "picture": "_static/cnn-poster.png"}
# What a claim is about, by the beginning of its name, and what it rests on, by its kind.
ABOUT = {
    "LENET": "LeNet-5",
    "ALEX": "AlexNet",
    "VGG": "VGG",
    "RES": "ResNet",
    "DEEP": "ResNet",
    "WHY": "ResNet",
    "NIN": "NiN",
    "INC": "Inception",
    "MOB": "MobileNet",
    "MV2": "MobileNet",
    "MV3": "MobileNet",
    "EFF": "EfficientNet",
    "USE": "EfficientNet",
    "GEN": "several networks",
    "REC": "several networks",
}
PROOF = {"claim": "measured", "recorded": "recorded", "quotation": "quoted"}
NOT_TRIED = "not yet tried. Complete the function, then run this cell again."
LOG = logging.getLogger(__name__)


def follow_address(app: Sphinx, config: Config) -> None:
    """Show repository, edit and issue buttons once the book has an address, and none before."""
    url = address.published()
    options: dict[str, object] = (
        {"repository_url": url, "repository_branch": address.branch(), "path_to_docs": ""} if url else {}
    )
    options |= {f"use_{button}_button": bool(url) for button in ("repository", "edit_page", "issues", "source")}
    config.html_theme_options = {k: v for k, v in config.html_theme_options.items() if k != "repository_url"} | options


def add_colab(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """A notebook's page opens its notebook in Colab, from the branch that this build publishes."""
    url = address.published()
    if page.startswith("notebooks/") and url.startswith("https://github.com/"):
        place = url.removeprefix("https://github.com/")
        context["header_buttons"].insert(0, {
            "type": "link",
            "url": f"https://colab.research.google.com/github/{place}/blob/{address.notebook_branch()}/{page}.ipynb",
            "text": "Colab",
            "tooltip": "Run this page in Colab",
            "icon": "fas fa-play",
            "label": "launch-colab-button",
        })  # fmt: skip


def mend(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Name folded cells after what they hold, drop roles that screen readers no longer know, and find the network."""
    if "body" in context:
        body = share(context["body"]).replace('<summary aria-label="Toggle hidden content"', "<summary")
        body = body.replace(PLACE, f'data-network="{"../" * page.count("/")}{NETWORK_FILE}"')
        body = body.replace(SHEET, poster_links("../" * page.count("/")))
        body = body.replace(OPENS, f'href="{"../" * page.count("/")}{POSTER_FILES["picture"]}"')
        body = LINK.sub(r'href="\1.html\2"', body)
        body = body.replace(NOT_TRIED, "Try it in Jupyter or Colab, where the page marks your answer.")
        body = body.replace("⏺ recorded", f"{drawn('recorded')} recorded")
        body = re.sub(r' role="(doc-biblioentry|list)"', "", body)
        body = PARAGRAPH.sub(lambda found: unbroken(found[0]), body)
        context["body"] = fold(body, lambda place: LOG.warning("no claim for the mark #%s", place, location=page))


def unbroken(words: str) -> str:
    """No line ends within a product such as 28 · 28 · 32."""
    return re.sub(r"(?<=\d) · (?=\d)", "\u00a0·\u00a0", words)


def poster_links(up: str) -> str:
    """Where the printed sheet is, below its picture: browsers save what these links lead to."""
    links = [tag("a", kind, href=up + file, download=Path(file).name) for kind, file in POSTER_FILES.items()]
    said = (
        "A click opens the sheet large. To print it on A2 or A3, take it as a ",
        links[0],
        " or as a ",
        links[1],
        ".",
    )
    return str(tag("p", *said, class_="sheet", style=BELOW_IT))


class Marks(SphinxTransform):
    """Links to claims are taken as they stand: cells put the claims there, of which Sphinx sees only the output."""

    default_priority = 870  # MyST looks for the places of such links at 879

    def apply(self, **kwargs: object) -> None:
        for link in self.document.findall(nodes.reference):
            if link.get("id_link") and link["refuri"].startswith("#claim-"):
                del link["id_link"]
                link["internal"] = True


def add_filters(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Only the page of claims needs the script that narrows it."""
    if "all-claims" in context.get("body", ""):
        app.add_js_file("claims.js")


def share(body: str) -> str:
    """A page with the code and the style sheet that each of its explorers brings along only where they stand first."""
    seen: set[str] = set()

    def first(found: re.Match[str]) -> str:
        again = found[0] in seen
        seen.add(found[0])
        return "" if again else found[0]

    return re.sub(r'(?s)<(script|style) data-shared="">.*?</\1>', first, body)


def write_network(app: Sphinx, exception: Exception | None) -> None:
    """Put the trained network beside the pages, for the box that runs it in the reader's browser."""
    if exception is None and app.builder.format == "html":
        path = Path(app.outdir, NETWORK_FILE)
        content = network_file()
        if not path.exists() or path.read_text("utf-8") != content:
            path.write_text(content, "utf-8", newline="")


def write_poster(app: Sphinx, exception: Exception | None) -> None:
    """Put the printed sheet of all networks beside the pages."""
    if exception is None and app.builder.format == "html":
        for file in POSTER_FILES.values():
            save_poster(Path(app.outdir, file))


def notebooks_of(directive: SphinxDirective) -> list[Path]:
    """The notebooks of the book that a directive stands in, in order."""
    return sorted((Path(directive.env.srcdir) / "notebooks").glob("*.ipynb"))


def stored_claims(path: Path) -> list[dict]:
    """The claims and quotations that a notebook has shown, from its stored outputs."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [record for output in outputs for record in output.get("data", {}).get(MIME, [])]


class OneClaim(SphinxDirective):
    """`{claim} NAME`: one claim, as it stands in its notebook."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for path in notebooks_of(self):
            for record in stored_claims(path):
                if record["name"] == self.arguments[0]:
                    self.env.note_dependency(str(path))
                    up = "../" * self.env.docname.count("/")
                    link = f"{up}notebooks/{path.stem}.html#{anchor(record['name'])}"
                    return [nodes.raw("", str(as_html(record, link=link)), format="html")]
        raise self.error(f"no notebook shows a claim called {self.arguments[0]}")


class AllClaims(SphinxDirective):
    """`{all-claims}`: every claim and quotation of the notebooks, gathered from their stored outputs.

    Each says what it is of: claims.js narrows the list to a verdict, a network, a page or a kind of proof.
    """

    def run(self) -> list[nodes.Node]:
        orders = {"data_verdict": "|".join(reversed(VERDICTS)), "data_network": "|".join(dict.fromkeys(ABOUT.values()))}
        found: list[nodes.Node] = [nodes.raw("", str(tag("div", class_="all-claims", **orders)), format="html")]
        for path in notebooks_of(self):
            self.env.note_dependency(str(path))
            records = stored_claims(path)
            first = nbformat.read(path, as_version=4).cells[0].source
            title = re.findall(r"^# (.+)$", first, re.MULTILINE)[0]
            section = nodes.section(ids=[f"from-{path.stem.replace('_', '-')}"])
            section += nodes.title(title, title)
            kinds = Counter(record["kind"] for record in records)
            said = {"claim": "claims checked", "recorded": "recorded", "quotation": "sentences quoted"}
            counts = ", ".join(f"{kinds[kind]} {words}" for kind, words in said.items() if kinds[kind]) + "."
            section += nodes.paragraph(text=counts)
            page = f"../notebooks/{path.stem}.html"
            for record in records:
                card = as_html(record, link=f"{page}#{anchor(record['name'])}")
                about = {
                    "data_verdict": record.get("verdict"),
                    "data_network": ABOUT[record["name"].partition("-")[0]],
                    "data_page": title,
                    "data_proof": PROOF[record["kind"]],
                }
                section += nodes.raw(
                    "", str(tag("div", card, class_="entry", id=anchor(record["name"]), **about)), format="html"
                )
            found.append(section)
        return found


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("config-inited", follow_address)
    app.connect("html-page-context", add_colab, priority=502)
    app.connect("html-page-context", add_filters)
    app.connect("html-page-context", mend, priority=900)
    app.connect("build-finished", write_network)
    app.connect("build-finished", write_poster)
    app.add_transform(Marks)
    app.add_directive("claim", OneClaim)
    app.add_directive("all-claims", AllClaims)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
