"""The built book: complete, linked, self-contained, and right about its address."""

from __future__ import annotations

import json
import re
import tomllib
from base64 import b64encode
from collections.abc import Iterator
from copy import copy
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import address
import carry
import deck
import lean
import nbformat
import pdf
import pytest
import whole
import yaml
from address import ROOT
from bs4 import BeautifulSoup, NavigableString, Tag
from fontTools.ttLib import TTFont
from guards import SOURCES
from PIL import Image

import notebooks
from casestudies_lib.page import claims
from casestudies_lib.training.photographs import PHOTOGRAPHS

# Whose pictures and data the book shows: a licence wants them linked.
CREDITS = {link for credit in PHOTOGRAPHS.values() for link in (credit.source, credit.licence_url)}
CREDITS |= {f"https://creativecommons.org/licenses/{licence}/" for licence in ("by/4.0", "by-sa/3.0")}
FORK = "https://github.com/an_owner/a_fork"


def pages(book: Path) -> dict[Path, BeautifulSoup]:
    return {
        path: BeautifulSoup(path.read_text(), "html.parser")
        for path in sorted(book.rglob("*.html"))
        if "_static" not in path.parts
    }


@pytest.fixture(scope="session")
def site(book):
    return pages(book)


def broken_links(site: dict[Path, BeautifulSoup]) -> list[str]:
    """Links from page to page, and to places on pages, that lead nowhere."""
    wrong = []
    places = {path: {element["id"] for element in page.find_all(id=True)} for path, page in site.items()}
    for path, page in site.items():
        for link in page.find_all("a", href=True):
            target, place = urldefrag(link["href"])
            if re.match(r"[a-z]+:", target):
                continue
            goal = (path.parent / unquote(urlsplit(target).path)).resolve() if target else path
            if not goal.is_file():
                wrong.append(f"{path.name}: {link['href']}")
            elif place and goal in site and unquote(place) not in places[goal]:
                wrong.append(f"{path.name}: no place {link['href']}")
    return wrong


def other_hosts(site: dict[Path, BeautifulSoup]) -> list[str]:
    """What opening a page would ask of another host."""
    wrong = []
    for path, page in site.items():
        for element in page.find_all(["script", "img", "link", "iframe", "source", "image", "use"]):
            for key in ("src", "href", "xlink:href", "srcset"):
                if re.match(r"(https?:)?//", element.get(key, "")) and element.get("rel") != ["canonical"]:
                    wrong.append(f"{path.name}: {element.name} {element[key]}")
    return wrong


def taught(site: dict[Path, BeautifulSoup]) -> dict[Path, BeautifulSoup]:
    """The pages that teach first: their proof stands one click behind."""
    return {path: page for path, page in site.items() if page.select_one("details.checks")}


def share_of_proof(page: BeautifulSoup) -> float:
    """How much of what a reader sees unfolded, in words, is proof: open cards and the legend of the marks."""
    unseen = set(map(id, page.article.select("details:not([open]) > :not(summary), script, style")))
    proof = set(map(id, page.article.select(".claim, .legend, details.checks")))

    def words(part: Tag, inside: bool = False) -> Iterator[bool]:
        """Whether it is proof, for each word."""
        for child in part.children:
            if type(child) is NavigableString:
                yield from [inside] * len(child.split())
            elif isinstance(child, Tag) and id(child) not in unseen:
                yield from words(child, inside or id(child) in proof)

    seen = list(words(page.article))
    return sum(seen) / len(seen)


def against_the_pattern(site: dict[Path, BeautifulSoup]) -> list[str]:
    """Where a page that teaches first lets proof or code stand in the way, or does not explain a picture."""
    wrong = []
    for path, page in taught(site).items():
        if (share := share_of_proof(page)) > 1 / 5:
            wrong.append(f"{path.name}: {share:.0%} of the visible words are proof")
        wrong += [f"{path.name}: code stands loose: {fold.pre.text[:40]}" for fold in page.select("details.hide")]
        pictures = page.select(".cell :is(.drawing, .explorer, .table-wide, img, canvas)")
        wrong += [
            f"{path.name}: no figure: {str(one)[:80]}" for one in pictures if not one.find_parent("figure", "fig")
        ]
        for figure in page.select("figure.fig"):
            caption = figure.select_one(":scope > figcaption")
            words = caption.get_text() if caption else ""
            if not re.match(r"Figure \d+\.\d+\. .{20}", words):
                wrong.append(f"{path.name}: {figure['id']} has no number with a caption: {words!r}")
        cards = {card["id"] for card in page.select(".claim[id]")}
        for link in page.select('article a[href^="#claim-"]:not(.permalink)'):
            if link["href"][1:] not in cards or "proof-mark" not in link["class"] or not link.get("aria-label"):
                wrong.append(f"{path.name}: a mark leads nowhere: {link}")
    return wrong


def test_pages_that_teach_first_keep_proof_and_code_out_of_the_way(site):
    assert len(taught(site)) >= 10  # all notebooks
    assert against_the_pattern(site) == []
    for path, page in taught(site).items():  # pages 01, 02, 03 and 10 have marks for 46, 62, 81 and 73% of their claims
        assert len(page.select("a.proof-mark")) >= 0.4 * len(page.select(".claim")) > 0, path


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda page: page.select_one("details.checks").__setitem__("open", ""), "of the visible words are proof"),
        (lambda page: page.select_one("details.code").__setitem__("class", "hide"), "code stands loose"),
        (lambda page: page.select_one("figure.fig .drawing").find_parent("figure").unwrap(), "no figure"),
        (lambda page: page.select_one("figure.fig > figcaption").decompose(), "no number with a caption"),
        (lambda page: page.select_one("figure.fig > figcaption > strong").decompose(), "no number with a caption"),
        (lambda page: page.select_one("details.checks .claim").decompose(), "a mark leads nowhere"),
        (lambda page: page.select_one("a.proof-mark").__delitem__("aria-label"), "a mark leads nowhere"),
    ],
)
def test_the_guard_of_the_pattern_can_fail(site, damage, says):
    path, page = min(taught(site).items(), key=lambda one: one[0].stat().st_size)
    page = copy(page)
    damage(page)
    assert says in " ".join(against_the_pattern({path: page}))


def test_no_page_asks_to_run_a_cell_where_none_can_run(site):
    pages = [page for path, page in site.items() if path.parent.name == "notebooks"]
    assert pages and not any("run this cell again" in page.article.text for page in pages)


def test_pages_bring_one_style_sheet_and_scripts_that_wait(site, book):
    icons = TTFont(book / lean.ICONS / "icons.woff").getBestCmap()
    sheet = (book / lean.SHEET).read_text()
    for path, page in site.items():
        (link,) = page.select("link[rel=stylesheet]")
        assert (path.parent / link["href"].partition("?")[0]).resolve() == (book / lean.SHEET).resolve(), path.name
        assert all(script.has_attr("defer") for script in page.select("script[src]")), path.name
        for icon in page.select("i[class*=fa-]"):
            (drawn,) = {
                glyph for name in icon["class"] for glyph in re.findall(rf'\.{name}:before\{{content:"(.)"', sheet)
            }
            assert ord(drawn) in icons, icon
    assert not [path for path, page in site.items() if page.select("script[src*=fontawesome], script[src*=mathjax]")]


def test_faces_have_every_letter_of_the_pages_that_the_whole_ones_have(site, book):
    letters = {ord(letter) for path in site for letter in unescape(path.read_text("utf-8"))}
    parts = [part for page in site.values() for part in page.select("math :is(mi, mn, mo, mtext)")]
    formulas = {ord(letter) for part in parts for letter in part.text}
    alone = {part.text for part in parts if part.name == "mi" and re.fullmatch("[a-z]", part.text)}
    italics = {0x210E if letter == "h" else 0x1D44E + ord(letter) - ord("a") for letter in alone}
    assert len(italics) > 5 and any(page.select("msqrt") for page in site.values())
    formulas |= italics | {ord("√")}
    built = sorted((book / lean.FACES).glob("*.woff2"))
    assert built and sum(path.stat().st_size for path in built) < 110e3
    for path in built:
        whole = TTFont(ROOT / "book" / lean.FACES / path.name).getBestCmap()
        read = formulas if "math" in path.name else letters
        assert read & set(whole) <= set(TTFont(path).getBestCmap()), path.name


def test_pages_send_no_photograph_pixel_by_pixel(site):
    addresses = {found[0] for path in site for found in lean.PNG.finditer(path.read_text("utf-8"))}
    assert addresses and {lean.as_sent(address) for address in addresses} == addresses


def against_the_policy(page: BeautifulSoup) -> list[str]:
    """Scripts of a page that its own policy refuses."""
    allowed = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    wrong = [str(one)[:80] for one in page.find_all(lambda tag: any(name.startswith("on") for name in tag.attrs))]
    wrong += [str(link) for link in page.select('a[href^="javascript:"]')]
    for script in page.find_all("script", src=False):
        digest = b64encode(sha256(script.string.encode()).digest()).decode()
        if script.get("type") != "application/ld+json" and f"'sha256-{digest}'" not in allowed:
            wrong.append(script.string[:80])
    return wrong


def test_each_page_has_a_policy_that_lets_its_own_scripts_run_and_no_others(site):
    workers = []
    for path, page in site.items():
        (policy,) = page.find_all("meta", {"http-equiv": "Content-Security-Policy"})
        rules = dict(rule.split(" ", 1) for rule in policy["content"].split("; "))
        workers += [path.name] * ("worker-src" in rules)
        assert rules["default-src"] == rules["base-uri"] == "'none'" and "unsafe" not in rules["script-src"], path
        assert policy.find_previous_sibling() == page.head.meta, "nothing but the encoding stands before it"
        assert against_the_policy(page) == [], path
    assert workers == ["09_use_a_trained_network.html"]
    (page,) = [page for path, page in site.items() if path.name == "index.html"]
    for planted in ("<script>planted()</script>", "<p onclick='planted()'>"):
        assert against_the_policy(BeautifulSoup(str(page).replace("</main>", f"{planted}</main>"), "html.parser"))


def test_each_page_describes_itself(site, book):
    listed = {path: page for path, page in site.items() if path.name not in ("search.html",)}
    said = {}
    for path, page in listed.items():
        metas = {meta.get("name") or meta.get("property"): meta.get("content") for meta in page.select("meta")}
        said[path] = metas["description"]
        assert 40 < len(said[path]) < 320 and said[path] == metas["og:description"], path
        assert metas["og:title"] and metas["og:site_name"] == "CNN Case Studies"
        assert len(page.select("meta[name=theme-color]")) == 2
        data = json.loads(page.find("script", type="application/ld+json").string)
        assert data["@context"] == "https://schema.org" and data["description"] == said[path]
        assert "url" not in data and not {"og:url", "og:image"} & set(metas), "there is no address"
    assert len(set(said.values())) == len(said)
    start = json.loads(site[book / "index.html"].find("script", type="application/ld+json").string)
    assert [part["position"] for part in start["hasPart"]] == list(range(1, 11))
    absent = ("sitemap.xml", "robots.txt", "404.html", "_static/cards")
    assert not [name for name in absent if (book / name).exists()]


def test_links_between_pages(site):
    assert broken_links(site) == []
    assert sum(len(page.find_all("a", href=True)) for page in site.values()) > 100


def test_no_page_asks_another_host(site, book):
    assert other_hosts(site) == []
    for sheet in book.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text()), sheet


def test_every_notebook_is_in_the_book_and_every_page_in_the_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert sorted(f for f in files if f.startswith("notebooks/")) == [
        f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    ]
    assert {f"book/{path.stem}" for path in (ROOT / "book").glob("*.md")} <= set(files)


def test_the_page_of_pictures_names_every_photograph(site, book):
    page = site[book / "book" / "pictures.html"]
    rows = {row.em.text: row for row in page.find_all("li") if row.em}
    assert set(PHOTOGRAPHS) < set(rows)
    for name, credit in PHOTOGRAPHS.items():
        links = {link["href"]: link.text for link in rows[name].find_all("a", href=True)}
        assert links == {credit.source: credit.photographer, credit.licence_url: credit.licence}


def test_the_claims_page_gathers_every_claim_and_leads_to_it(site, book):
    page = site[book / "book" / "claims.html"]
    gathered = [card.select_one('a[href*="notebooks/"]')["href"] for card in page.find_all(class_="claim")]
    wanted = [
        f"../notebooks/{path.stem}.html#{claims.anchor(record['name'])}"
        for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        for record in output.get("data", {}).get(claims.MIME, [])
    ]
    assert gathered == wanted and len(wanted) > 40
    about = [entry.attrs for entry in page.select(".entry")]
    assert len(about) == len(wanted) and all(entry["data-network"] and entry["data-page"] for entry in about)
    verdicts = [entry["data-verdict"] for entry in about if "data-verdict" in entry]
    assert set(verdicts) == set(claims.VERDICTS) and len(verdicts) == len(page.select(".entry .verdict"))


def test_the_start_page_has_a_card_for_each_chapter(site, book):
    page = site[book / "index.html"]
    cards = page.select("ul.cards > li")
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert [card.h3.a["href"] for card in cards] == [f"notebooks/{path.stem}.html" for path in paths]
    for card, path in zip(cards, paths, strict=True):
        cells = nbformat.read(path, as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        count = len([record for output in outputs for record in output.get("data", {}).get(claims.MIME, [])])
        proofs = card.select_one(".tally > span").text
        assert sum(map(int, re.findall(r"\d+", proofs))) == count, proofs
        assert cells[0].source.startswith(f"# {card.h3.text}\n") and card.svg["aria-hidden"] == "true"
        assert 3 <= int(re.search(r"(\d+) minutes", card.text)[1]) <= 25
        assert "data:image/jpeg" not in str(card.svg) or card.select(".credit a[href]"), card.h3.text
    assert page.select_one("a.start-here")["href"] == cards[0].h3.a["href"]
    assert page.select_one(".explorer[data-explorer=mix]") and page.select_one("figcaption a[href*='#figure-']")
    assert not page.select("em, math"), "for these alone a phone would load a whole face, of up to 70 kB"


def test_what_can_be_taken_along_has_live_links_and_every_term(site, book):
    assert not site[book / "index.html"].select(".downloads") and not list(book.glob("cnn-case-studies.*"))
    assert whole.documents()[1:11] == [
        f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    ]
    small = ["notebooks/10_recorded_experiments", *(f"book/{name}" for name in ("glossary", "checks", "pictures"))]
    page = BeautifulSoup(pdf.document(whole.gather(book, small), {}), "html.parser")
    ids = [part["id"] for part in page.find_all(id=True)]
    inner = {link["href"][1:] for link in page.select("a[href^='#']")}
    assert len(ids) == len(set(ids)) and inner <= set(ids) and len(inner) > 10
    terms = list(deck.terms(copy(site[book / "book" / "glossary.html"]), ""))
    written = (ROOT / "book" / "glossary.md").read_text().partition(":::{glossary}")[2].partition(":::")[0]
    wanted = re.findall(r"(?m)^(\S.*(?:\n\S.*)*)\n  ", written)
    assert [" / ".join(names.split("\n")) for names in wanted] == [term.question for term in terms] and len(terms) > 60


def test_the_sheet_has_every_exercise_and_no_solution(site, book):
    sheet, solved = (site[book / "book" / f"{name}.html"].article for name in ("exercises", "solutions"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        own = site[book / "notebooks" / f"{path.stem}.html"].article.find(id="exercises")
        here, there = (page.find(id=f"exercises-{int(path.stem[:2])}") for page in (sheet, solved))
        numbers = [re.match(r"\d\.", title.text)[0] for title in own.select("p > strong") if title.text[:1].isdigit()]
        for asked in (here, there):
            found = [title.text[:2] for title in asked.select("p > strong:first-child") if title.text[:1].isdigit()]
            assert found == numbers == [f"{number}." for number in range(1, len(numbers) + 1)], path.stem
        solutions = there.select("details.solution")
        assert len(solutions) == len(numbers) and all(len(fold.text.strip()) > 10 for fold in solutions), path.stem
        for fold in solutions:
            fold.extract()
        words = [part.get_text(" ", strip=True) for part in (here, there)]
        assert words[0] == words[1], "the sheet is the other without its folds"
    assert not sheet.select("details") and not sheet.select("[data-wants]") and "Solution" not in sheet.text


def test_a_lecture_for_each_chapter_leads_to_figures_and_answers(site, book):
    lectures = site[book / "book" / "teachers.html"].select("section[id^=lecture-]")
    assert [lecture["id"] for lecture in lectures] == [f"lecture-{week}" for week in range(1, 9)]
    for week, lecture in enumerate(lectures, 1):
        shown = [link["href"] for link in lecture.select("ul.lecture ul a")]
        assert len(shown) >= 3 and all(f"/0{week}_" in link and f"#figure-{week}-" in link for link in shown)
        for asked in lecture.select(".asked"):
            choices = [choice.text for choice in asked.select("li")]
            assert len(choices) >= 2 and asked.select_one("details p").text.startswith(tuple(choices)), asked
        assert lecture.select(".asked") and "#exercises" in lecture.select("ul.lecture > li > a")[-1]["href"]


def test_the_book_is_cited_as_its_files_say(site, book):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    cited = citation["preferred-citation"]
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["type"] == "software"
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["title"] == config["title"] and citation["authors"] == cited["authors"] == [
        {"name": config["author"]}
    ]
    assert str(cited["year"]) == config["copyright"]
    entry = site[book / "index.html"].select_one("div.highlight-bibtex pre").text
    assert all(f"{{{words}}}" in entry for words in (cited["title"], config["author"], config["copyright"]))


def test_the_list_of_changes_has_its_days_in_order(site, book):
    page = site[book / "book" / "changelog.html"]
    days = re.findall(r"(?m)^## (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text())
    assert (
        [title.text.rstrip("#") for title in page.article.select("h2")] == days == sorted(set(days), reverse=True) != []
    )


def notebook_pages(site: dict[Path, BeautifulSoup]) -> list[tuple[Path, BeautifulSoup]]:
    return [(path, page) for path, page in site.items() if path.parent.name == "notebooks"]


def test_first_uses_of_terms_lead_to_the_glossary_with_its_words(site, book):
    says, taught, first = {}, {}, None
    for part in site[book / "book" / "glossary.html"].select("dl.glossary > *"):
        if part.name == "dt":
            first = first or part["id"]  # of several names of one term
        else:
            says[first] = " ".join(part.p.text.split())
            taught[first] = {Path(link["href"].partition("#")[0]).name for link in part.select("p + p a")}
            first = None
    assert len(says) > 80 and all(taught.values())
    for path, page in notebook_pages(site):
        links = page.select("a.term")
        places = [link["href"].removeprefix("../book/glossary.html#") for link in links]
        assert places and len(set(places)) == len(places), path.name
        assert [link["title"] for link in links] == [says[place] for place in places], path.name
        assert not [place for place in places if path.name in taught[place]], path.name
        elsewhere = "h1, h2, h3, td, pre, code, figcaption, .claim, .answer, .ask, .discussion"
        assert page.select(f":is({elsewhere}) a.term") == [], path.name
    assert sum(len(page.select("a.term")) for _, page in notebook_pages(site)) > 100


def test_claims_lead_to_themselves_and_to_their_sources(site, book):
    papers = {entry["id"] for entry in site[book / "book" / "bibliography.html"].select("div.citation[id]")}
    assert papers == SOURCES
    gathered = book / "book" / "claims.html"
    for path, page in [*notebook_pages(site), (gathered, site[gathered])]:
        for card in page.select("article .claim"):
            place = (card.find_parent(class_="entry") or card)["id"]
            (link,) = card.select("a.permalink")
            assert link["href"] == f"#{place}" and link["aria-label"] == f"Link to {place[6:].upper()}", path.name
            source = " ".join(card.find_all("div", recursive=False)[-1].find_all(string=True, recursive=False))
            links = {link["href"].partition("#")[2] for link in card.select("a.source")}
            assert not papers & {f"{a}{y}".lower() for a, y in re.findall(r"(\w+) (\d{4})", source)}, place
            assert links <= papers and (links or re.search(r"measured|counted", card.text)), place
    assert len(site[gathered].select("a.source")) > 200


def test_papers_can_be_looked_up(site, book):
    entries = site[book / "book" / "bibliography.html"].select("div.citation")
    ways = {
        entry["id"]: entry.select('a[href^="https://doi.org/10."], a[href^="https://arxiv.org/abs/"]')
        for entry in entries
    }
    assert {key for key, links in ways.items() if len(links) != 1} == {"hochreiter1991"}  # a thesis of before
    names = [entry.select_one(".label").text.strip("[]") for entry in entries]
    assert "He 2015" in names and names == sorted(names, key=str.lower)


def test_the_reference_has_every_network_and_no_raw_markup(site, book):
    page = site[book / "book" / "library.html"]
    names = {entry["id"].rpartition(".")[2] for entry in page.select("dt.sig[id]")}
    assert {"lenet5", "alexnet", "vgg", "resnet", "mobilenet_v1", "efficientnet"} <= names
    assert {"anatomy", "train", "draw_block", "Network"} <= names
    assert not re.search(r"(?m)^(Args|Raises):|\|\s*---|``", page.article.text)


def test_pages_are_fit_for_everybody(site):
    for path, page in site.items():
        assert page.html.get("lang") == "en" and page.title.text.strip(), path
        ids = [element["id"] for element in page.find_all(id=True)]
        assert len(ids) == len(set(ids)), f"{path}: {sorted({i for i in ids if ids.count(i) > 1})} twice"
        for image in page.find_all("img"):
            if image.find_parent(role="img", attrs={"aria-label": True}):
                continue  # named by what it stands in
            assert image.get("alt") and not image["alt"].startswith("../_images"), image


def test_code_without_a_mark_has_the_colour_that_the_mark_would_give(book):
    """tools/lean.py takes the marks of names, points and gaps away, because the theme gives them the colour of text."""
    sheet = (book / "_static/pygments.css").read_text("utf-8")
    rule = r'html\[data-theme="(\w+)"\] \.highlight(?: \.(n|nn|p|pm|w|o))? *\{[^}]*\bcolor: (#\w+)'
    colours = {(theme, kind): colour for theme, kind, colour in re.findall(rule, sheet)}
    for theme in ("light", "dark"):
        assert {colours[theme, kind] for kind in ("n", "nn", "p", "pm", "w")} == {colours[theme, ""]}
        assert colours[theme, "o"] != colours[theme, ""], "operators keep their mark"


def test_the_book_points_at_its_own_address_and_at_no_other(site, book):
    """While there is no address, nothing points at a repository that a stranger could register."""
    own = address.configured()
    for path, page in site.items():
        links = [
            a["href"]
            for a in page.find_all("a", href=True)
            if re.match(r"https?://(?!doi\.org/|arxiv\.org/abs/)", a["href"])
        ]
        links = [link for link in links if link not in CREDITS]
        assert all(own and own.removeprefix("https://github.com/") in link for link in links), (path, links)


def test_notebooks_for_download_carry_the_library(book):
    downloads = sorted(book.joinpath("_sources").rglob("*.ipynb"))
    assert [path.name for path in downloads] == [path.name for path in notebooks.NOTEBOOKS]
    for path, stored in zip(downloads, notebooks.NOTEBOOKS):
        was, now = nbformat.read(stored, as_version=4), nbformat.read(path, as_version=4)
        next(cell for cell in was.cells if cell.id == "setup").source = carry.carrying_cell()
        assert now == was, "nothing but the setup cell is another"


def all_but_one_without_pictures(source: Path) -> None:
    """The pages that nobody looks at in the fork lose their drawings and claims, which take long to build."""
    for path in (source / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if path.stem != "05_inception":
            for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
                html = output.get("data", {}).get("text/html", "")
                if claims.MIME in output.get("data", {}):
                    del output["data"]["text/html"]
                elif html:
                    output["data"]["text/html"] = re.sub("(?s)(<svg[^>]*>).*?(</svg>)", r"\1\2", html)
        nbformat.write(notebook, path)


def test_a_fork_gets_its_own_links(build_book):
    html = build_book(all_but_one_without_pictures, REPOSITORY_URL=FORK)
    page = BeautifulSoup((html / "notebooks" / "05_inception.html").read_text(), "html.parser")
    links = {link["href"] for link in page.find_all("a", href=True) if link["href"].startswith("https://")}
    assert links >= {
        "https://colab.research.google.com/github/an_owner/a_fork/blob/colab/notebooks/05_inception.ipynb",
        f"{FORK}/edit/main/notebooks/05_inception.ipynb",
        FORK,
    }
    assert all("an_owner/a_fork" in link or "doi.org" in link for link in links - CREDITS), links
    assert_seen_from_outside(html)
    index = (html / "index.html").read_text()
    assert f"{FORK}/edit/main/index.md" in index and "colab.research" not in index


def assert_seen_from_outside(html: Path) -> None:
    """What needs the address of the fork's pages is there, and leads to files of theirs."""
    home = "https://an_owner.github.io/a_fork/"
    places = re.findall("<loc>(.*)</loc>", (html / "sitemap.xml").read_text())
    assert home in places and all((html / (place.removeprefix(home) or "index.html")).is_file() for place in places)
    assert f"{home}notebooks/05_inception.html" in places and len(places) == len(set(places)) > 12
    assert f"Sitemap: {home}sitemap.xml" in (html / "robots.txt").read_text()
    page = BeautifulSoup((html / "notebooks" / "05_inception.html").read_text(), "html.parser")
    card = page.find("meta", property="og:image")["content"]
    with Image.open(html / card.removeprefix(home)) as picture:
        assert picture.size == (1200, 630) and len(picture.getcolors(1 << 20)) > 50
    assert page.find("link", rel="canonical")["href"] == f"{home}notebooks/05_inception.html"
    lost = BeautifulSoup((html / "404.html").read_text(), "html.parser")
    links = [element.get(key) for element in lost.find_all(True) for key in ("href", "src", "action")]
    links = [link.partition("?")[0] for link in links if link and not link.startswith(("#", "https://"))]
    assert len(links) > 20 and all(link.startswith("/a_fork/") for link in links), links
    files = [html / (link.removeprefix("/a_fork/") or "index.html") for link in links]
    assert all(file.is_file() for file in files), [file for file in files if not file.is_file()]


def test_the_address_is_written_in_one_place():
    """No file but _config.yml, and the setup cells that follow it, names a repository."""
    named = re.compile(r"github\.com/(?!an_owner/a_fork|OWNER/NAME)([\w.-]+/[\w.-]+)")
    own = address.configured().removeprefix("https://github.com/")
    suffixes = {".py", ".md", ".yml", ".toml", ".txt", ".ipynb", ".css"}
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT)
        if path.suffix in suffixes and not {".venv", "_build", "vendor"} & set(inside.parts):
            found = set(named.findall(path.read_text(errors="ignore")))
            assert found <= ({own} if inside.name == "_config.yml" or path.suffix == ".ipynb" else set()), inside


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_front_door_lead_somewhere(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / name).read_text())
    assert all((ROOT / link).is_file() for link in links), links
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    assert set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", (ROOT / name).read_text())) <= targets


def test_a_branch_of_another_name_is_followed(monkeypatch):
    monkeypatch.setattr(address, "_repository", lambda: {"url": f"{FORK}.git", "branch": "trunk"})
    monkeypatch.delenv("REPOSITORY_URL", raising=False)
    assert (address.published(), address.branch(), address.notebook_branch()) == (FORK, "trunk", "trunk")
    monkeypatch.setenv("REPOSITORY_URL", "https://github.com/an_owner/a_fork2")
    assert (address.published(), address.notebook_branch()) == ("https://github.com/an_owner/a_fork2", "colab")


@pytest.mark.parametrize("damage", ["link", "place", "script"])
def test_the_guards_of_the_site_can_fail(site, book, damage):
    page = book / "index.html"
    added = {"link": '<a href="nope.html">', "place": '<a href="#nope">', "script": '<script src="//cdn.example/x.js">'}
    broken = page.read_text().replace("<main", added[damage] + "</a></script><main", 1)
    wrong = (other_hosts if damage == "script" else broken_links)(site | {page: BeautifulSoup(broken, "html.parser")})
    assert len(wrong) == 1 and ("cdn.example" if damage == "script" else "nope") in wrong[0]
