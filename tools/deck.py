"""`make cards`: flash cards for Anki, from the glossary, the predictions, and the verdicts on what others say.

A card is known by its term, its question's key or its claim's name, so that importing a newer deck updates the cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import address
import genanki
from address import ROOT
from bs4 import BeautifulSoup, Tag
from companion import stored_claims
from front import Page
from markupsafe import Markup, escape
from whole import BUILT, FILES, TITLE

from casestudies_lib.page.claims import MARK, as_html
from casestudies_lib.page.html import tag

OUT = ROOT / "_build" / FILES["apkg"]
# Numbers by which Anki knows the decks and the kind of card: they stay as they are.
KIND = 1_790_467_201
DECKS = {"Terms": 1_790_467_202, "Predictions": 1_790_467_203, "Is it true?": 1_790_467_204}
LOOK = """.card { font: 20px/1.45 sans-serif; max-width: 34em; margin: auto; }
.where, .where a { color: #777; font-size: 15px; } ol { text-align: left; } .claim > div:last-child { color: #777; }"""


@dataclass(frozen=True)
class Card:
    """Question, answer and place in the book, as HTML; `key` never changes."""

    deck: str
    key: str
    question: str
    answer: str
    where: str


def anki(part: Tag, site: str) -> str:
    """HTML as a card shows it: formulas in TeX for Anki's MathJax, links to the site or none, no marks of proof."""
    for formula in part.select("math"):
        formula.replace_with(f"\\({formula.annotation.get_text() if formula.annotation else formula.get_text()}\\)")
    for mark in part.select(".proof-mark, .headerlink, a[href^='#claim-']"):
        mark.decompose()
    for link in part.select("a[href]"):
        href = str(link["href"])
        if re.match(r"https?:", href):
            link.attrs = {"href": href}
        elif site:
            link.attrs = {"href": site + re.sub(r"^(\.\./|(?=\w+\.html))", lambda up: "" if up[0] else "book/", href)}
        else:
            link.unwrap()
    return part.decode_contents().strip()


def terms(glossary: BeautifulSoup, site: str) -> Iterator[Card]:
    """A card for each entry of the glossary; terms of one meaning share it."""
    for entry in glossary.select("dl.glossary > dd"):
        names: list[Tag] = []
        before = entry.find_previous_sibling()
        while isinstance(before, Tag) and before.name == "dt":
            names.insert(0, before)
            before = before.find_previous_sibling()
        *said, where = entry.find_all("p", recursive=False)
        answer = "".join(f"<p>{anki(one, site)}</p>" for one in said)
        key = str(names[0]["id"])
        yield Card("Terms", key, " / ".join(anki(name, site) for name in names), answer, anki(where, site))


def predictions(page: Page, link: str) -> Iterator[Card]:
    """A card for each question that a chapter asks, with the choices, and the answer that it measured."""
    asked = {str(one["data-ask"]): one for _, output in page.outputs for one in output.select("[data-ask]")}
    told = {str(one["data-answers"]): one for _, output in page.outputs for one in output.select("[data-answers]")}
    for key, question in asked.items():
        for number in question.select("p > strong:first-child"):
            number.decompose()
        for words in told[key].find_all(string=re.compile(r"^Prediction \d+: ")):
            words.replace_with(re.sub(r"^Prediction \d+: ", "", words))
        yield Card("Predictions", key, anki(question, ""), anki(told[key], ""), link)


def verdicts(page: Page, link: str) -> Iterator[Card]:
    """A card for each line of the notes, or of others, on which the chapter has a verdict."""
    for record in stored_claims(page.path):
        if "verdict" in record:
            by = record.get("by", "the lecture notes say")
            question = tag("p", f"Is it true? {by[0].upper()}{by[1:]}: ", tag("q", record["notes"]))
            verdict = tag("p", tag("strong", f"{MARK[record['verdict']]} {record['verdict']}"))
            bare = {key: value for key, value in record.items() if key not in ("notes", "verdict")}
            proof = anki(BeautifulSoup(str(as_html(bare)), "html.parser"), "")
            yield Card("Is it true?", record["name"], str(question), verdict + Markup(proof), link)


def cards(html: Path = BUILT, notebooks: Path = ROOT / "notebooks") -> list[Card]:
    """All cards, in the order of the book."""
    site = address.site()
    found = list(terms(BeautifulSoup((html / "book/glossary.html").read_text("utf-8"), "html.parser"), site))
    for path in sorted(notebooks.glob("*.ipynb")):
        page = Page(path)
        words = f"Chapter {page.number}. {page.title}"
        link = str(tag("a", words, href=f"{site}notebooks/{path.stem}.html")) if site else str(escape(words))
        found += [*predictions(page, link), *verdicts(page, link)]
    return found


def write(found: list[Card], path: Path) -> None:
    sides = [{
        "name": "Card",
        "qfmt": "{{Question}}",
        "afmt": '{{FrontSide}}<hr id="answer">{{Answer}}<p class="where">{{Where}}</p>',
    }]  # fmt: skip
    fields = [{"name": name} for name in ("Question", "Answer", "Where")]
    model = genanki.Model(KIND, TITLE, fields=fields, templates=sides, css=LOOK)
    decks = {name: genanki.Deck(number, f"{TITLE}::{name}") for name, number in DECKS.items()}
    for card in found:
        guid = genanki.guid_for(card.deck, card.key)
        note = genanki.Note(model=model, fields=[card.question, card.answer, card.where], guid=guid)
        decks[card.deck].add_note(note)
    genanki.Package(list(decks.values())).write_to_file(str(path))


def main() -> None:
    found = cards()
    write(found, OUT)
    print(f"{OUT.relative_to(ROOT)}: {len(found)} cards, {OUT.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
