"""What can be taken along: one document of the whole book, an EPUB, flash cards, and the links to them."""

import re
import sqlite3
import zipfile
from types import SimpleNamespace
from xml.etree import ElementTree

import deck
import epub
import front
import genanki
import nbformat
import pdf
import pytest
import whole
from address import ROOT
from bs4 import BeautifulSoup

PAGE = '<html><body><article class="bd-article"><section id="{0}"><h1>{0}</h1>{1}</section></article></body></html>'
START = PAGE.format(
    "cnn-case-studies", '<p><a href="notebooks/01_a.html#figure-1-1">See</a> <a href="book/library.html">x</a></p>'
)
CHAPTER = PAGE.format(
    "one",
    """<p class="legend">signs</p><p>So it is.<a class="proof-mark checked" href="#claim-a-1">✓</a>
<a href="../book/claims.html#claim-a-2">a claim</a><br><a href="https://doi.org/1">paper</a></p>
<section id="part"><h2>Part of <math><mi>c</mi></math></h2>
<figure class="fig" id="figure-1-1"><div class="drawing">
<svg viewbox="0 0 1 1" aria-labelledby="t"><title id="t">T</title>
<marker id="m" markerwidth="2"></marker><path marker-end="url(#m)"></path><clippath id="c"></clippath>
<use href="#m"></use></svg>
<style>#t { color: red }</style><input type="range"><button>run</button></div></figure>
<div class="explorer"><canvas></canvas></div><p hidden>secret</p></section>
<section id="exercises"><h2>Exercises</h2><p>How many?</p><details><summary>Solution</summary>seven</details></section>
<details class="discussion"><summary>For the curious</summary>more</details>
<details class="checks"><summary>Checks</summary><div class="claim" id="claim-a-1">proof</div></details>
<script>alert(1 < 2)</script>""",
)
CLAIMS = PAGE.format(
    "all-claims",
    """<div class="entry" id="claim-a-1"><a href="../notebooks/01_a.html#claim-a-1">A-1</a></div>
<div class="entry" id="claim-a-2">second</div>""",
)
SOLUTIONS = PAGE.format(
    "solutions", '<section id="exercises-1"><h2>Chapter 1</h2><details class="solution">seven</details></section>'
)
NAMES = ["index", "notebooks/01_a", "book/claims", "book/solutions"]


@pytest.fixture
def html(tmp_path):
    for name, content in zip(NAMES, (START, CHAPTER, CLAIMS, SOLUTIONS), strict=True):
        path = tmp_path / f"{name}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path


def read(html, pages=None):
    return BeautifulSoup(pdf.document(whole.gather(html, NAMES), pages or {}), "html.parser")


def test_the_whole_document_has_each_id_once_and_no_dead_link(html):
    book = read(html)
    ids = [part["id"] for part in book.find_all(id=True)]
    inner = [link["href"][1:] for link in book.select("a[href^='#']")]
    assert len(ids) == len(set(ids)) and set(inner) <= set(ids) and len(inner) > 6
    assert not [link for link in book.select("a[href]") if not re.match("#|https://doi.org", link["href"])]
    assert book.svg["aria-labelledby"] == book.svg.title["id"] == "chapter-1--t"
    assert book.svg.path["marker-end"] == "url(#chapter-1--m)" and book.svg.use["href"] == "#chapter-1--m"
    assert "#chapter-1--t {" in str(book.main)


def test_marks_and_claims_lead_to_each_other(html):
    book = read(html)
    mark = book.select_one("a.proof-mark")
    entry = book.find(id=mark["href"][1:])
    assert entry["class"] == ["entry"] and entry.a["href"] == f"#{mark['id']}"


def test_what_only_the_site_can_show_is_left_out_and_said(html):
    book = read(html)
    chapter = book.find(id="chapter-1")
    gone = "script, button, canvas, details, .legend, .claim, [hidden]"
    assert not chapter.select(gone) and "secret" not in book.text and "proof" not in book.main.text
    assert "seven" not in chapter.text and "seven" in book.find(id="solutions").text
    assert chapter.select_one("section[id$='exercises'] .still a")["href"] == "#solutions--exercises-1"
    assert "screen to draw on" in chapter.select_one(".explorer").text
    assert chapter.select_one(".unfolded .unfolds").text == "For the curious"
    assert "evidence cards" in book.header.text


def test_the_contents_say_where_a_section_begins(html):
    lines = [line.text for line in read(html, {"chapter-1--part": 7}).select("nav ol ol li")]
    assert lines == ["Part of c 7", "Exercises"]


def test_a_link_that_leads_nowhere_stops_the_book(html):
    path = html / "index.html"
    path.write_text(path.read_text().replace("#figure-1-1", "#figure-9-9"))
    with pytest.raises(ValueError, match="figure-9-9"):
        whole.gather(html, NAMES)


def test_places_that_moved_are_no_excuse_for_lost_ones():
    kept = {"chapter-1": {"mark-claim-a-1"}, "claims": {"claim-a-1"}}
    assert whole.where("chapter-1", "claim-a-1", {"claim-a-1"}, kept, "notebooks/01_a: #x") == "claims--claim-a-1"
    assert whole.where("chapter-1", "claim-a-1", {"claim-a-1"}, kept, "book/claims: #x") == "chapter-1--mark-claim-a-1"
    assert whole.where("chapter-1", "rest", {"rest"}, kept, "notebooks/01_a: #rest") == "chapter-1"


# ------------------------------------------------------------------ the EPUB
def wrong_with(book: dict[str, bytes]) -> list[str]:
    """What an EPUB's files say that a reader stumbles over."""
    wrong, places = [], []
    trees = {name: ElementTree.fromstring(text) for name, text in book.items() if name.endswith(("xhtml", "opf"))}
    for name, tree in trees.items():
        ids = [part.get("id") for part in tree.iter() if part.get("id")]
        wrong += [f"{name}: an id twice"] * (len(ids) != len(set(ids)))
        places += [name, *(f"{name}#{one}" for one in ids)]
    for name, tree in trees.items():
        links = [part.get("href") for part in tree.iter() if part.tag.endswith("}a")]
        wrong += [f"{name}: {link}" for link in links if link not in places and not link.startswith("http")]
        wrong += [f"{name}: {part.tag}" for part in tree.iter() if part.tag.endswith(("}script", "}input", "}details"))]
        foreign = [f"{{http://www.w3.org/1999/xhtml}}{kind}" for kind in ("svg", "math", "path")]
        wrong += [f"{name}: {part.tag} without its namespace" for part in tree.iter() if part.tag in foreign]
    package = trees["package.opf"]
    items = {part.get("href"): part for part in package.iter() if part.tag.endswith("}item")}
    wrong += [f"not listed: {name}" for name in set(book) ^ {*items, "package.opf"}]
    for name, item in items.items():
        for kind in ("svg", "math"):
            has = f"<{kind}".encode() in book[name] and name.endswith("xhtml")
            wrong += [f"{name}: {kind}"] * (has != (kind in (item.get("properties") or "")))
    return wrong


@pytest.fixture
def book(html):
    epub.write(whole.gather(html, NAMES), html / "a.epub")
    with zipfile.ZipFile(html / "a.epub") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        names = [name for name in archive.namelist() if name.startswith("book/")]
        return {name.removeprefix("book/"): archive.read(name) for name in names}


def test_an_epub_of_a_small_book_is_whole(book):
    assert wrong_with(book) == []
    chapter = book["chapter-1.xhtml"].decode()
    assert (
        "<svg" in chapter and 'viewBox="0 0 1 1"' in chapter and "<clipPath" in chapter and 'markerWidth="2"' in chapter
    )
    assert 'href="claims.xhtml#claims--claim-a-1"' in chapter and "color: red" in chapter.partition("<body")[0]
    assert book["cover.png"].startswith(b"\x89PNG") and b"<nav" in book["nav.xhtml"]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("claims.xhtml", b"claims--claim-a-1", b"elsewhere", "#claims--claim-a-1"),
        ("chapter-1.xhtml", b"chapter-1--part", b"chapter-1--m", "twice"),
        ("package.opf", b'properties="svg mathml"', b'properties="svg"', "math"),
        ("package.opf", b'href="epub.css"', b'href="cover.png"', "not listed: epub.css"),
    ],
)
def test_the_guard_of_the_epub_can_fail(book, file, old, new, says):
    assert old in book[file]
    assert says in " ".join(wrong_with(book | {file: book[file].replace(old, new)}))


def test_every_capital_in_a_drawing_is_known():
    drawn = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for svg in re.findall(r"(?s)<svg.*?</svg>", front.html_of(cell)):
                for tag in re.findall(r"<[a-zA-Z][^>]*>", svg):
                    names = re.sub(r'"[^"]*"', "", tag)
                    drawn |= set(re.findall(r"[a-z]+[A-Z]\w*", names))
    assert {"viewBox", "clipPath"} <= drawn == set(epub.CAPITALS.values())


# ------------------------------------------------------------------ the flash cards
GLOSSARY = """<dl class="glossary"><dt id="term-batch">batch</dt><dd><p>The images of one step.</p><p>Page 01</p></dd>
<dt id="term-a">A</dt><dt id="term-b">B</dt><dd>
<p>Both <math><semantics><mi>x</mi><annotation>x_1</annotation></semantics></math>,
see <a href="../notebooks/01_a.html#x">there</a>.</p><p>Page 02</p></dd></dl>"""


@pytest.fixture
def cards(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book/glossary.html").write_text(GLOSSARY)
    (tmp_path / "02_resnets.ipynb").symlink_to(ROOT / "notebooks/02_resnets.ipynb")
    return deck.cards(tmp_path, tmp_path)


def test_the_deck_has_every_term_question_and_verdict(cards, tmp_path):
    page = front.Page(ROOT / "notebooks/02_resnets.ipynb")
    asked = sum(len(output.select("[data-ask]")) for _, output in page.outputs)
    judged = [record for record in front.stored_claims(page.path) if "verdict" in record]
    count = {name: sum(card.deck == name for card in cards) for name in deck.DECKS}
    assert count == {"Terms": 2, "Predictions": asked, "Is it true?": len(judged)} and asked > 1 < len(judged)
    assert cards[1].question == "A / B" and "\\(x_1\\), \nsee there." in cards[1].answer.replace(",\n", ", \n")
    assert all(card.question and card.answer and card.where for card in cards)
    assert not any("proof-mark" in card.answer or "#claim" in card.answer for card in cards)
    shown = {card.key: card for card in cards}
    assert judged[0]["verdict"] in shown[judged[0]["name"]].answer
    assert judged[0]["verdict"] not in shown[judged[0]["name"]].question


def test_importing_the_deck_again_updates_its_cards(cards, tmp_path):
    deck.write(cards, tmp_path / "a.apkg")
    with zipfile.ZipFile(tmp_path / "a.apkg") as archive:
        archive.extract("collection.anki2", tmp_path)
    notes = dict(sqlite3.connect(tmp_path / "collection.anki2").execute("select guid, flds from notes").fetchall())
    assert len(notes) == len(cards)
    assert notes[genanki.guid_for("Terms", "term-batch")].startswith("batch\x1f<p>The images")
    assert (deck.KIND, *deck.DECKS.values()) == (1790467201, 1790467202, 1790467203, 1790467204), "Anki knows these"


# ------------------------------------------------------------------ the start page
def test_the_start_page_links_to_what_it_is_told_is_there(monkeypatch):
    page = SimpleNamespace(said=front.Downloads.said, html=lambda made: BeautifulSoup(made, "html.parser"))
    monkeypatch.delenv("DOWNLOADS", raising=False)
    assert front.Downloads.run(page) == []
    monkeypatch.setenv("DOWNLOADS", "1")
    (line,) = front.Downloads.run(page)
    assert [link["href"] for link in line.select("a")] == list(whole.FILES.values())
    assert {pdf.OUT.name, epub.OUT.name, deck.OUT.name} == set(whole.FILES.values())
    make, published = ((ROOT / name).read_text() for name in ("Makefile", ".github/workflows/book.yml"))
    assert "cp _build/cnn-case-studies.* _build/html" in make and "make downloads" in published
