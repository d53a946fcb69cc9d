"""A claim is a sentence, what was measured, and whether it holds: shown beside each other, and red when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral

from IPython.display import HTML, display

from casestudies_lib.checks import one_of
from casestudies_lib.markup import scrolling_table, tag, text

MIME = "application/vnd.casestudies.claim+json"
VERDICTS = ("true", "true with a condition", "imprecise", "wrong")
_shown: dict[str, dict] = {}
_folding: list[dict] | None = None


class ClaimError(AssertionError):
    """A sentence of the book is not true of the code beside it."""


def claim(
    name: str,
    sentence: str,
    measured: object,
    holds: bool,
    *,
    source: str,
    notes: str | None = None,
    verdict: str | None = None,
) -> None:
    """Show a sentence with what was measured for it, or fail.

    Args:
        name: the claim's short name, unique in the book, such as `LENET-3`.
        sentence: what is claimed, in words.
        measured: what the cell found: a whole number, or the text to show.
        holds: whether the measurement supports the sentence.
        source: the paper and place that says so, or `measured here`.
        notes: the words of the lecture notes that the sentence answers, if any.
        verdict: what is to be said of those words: one of `VERDICTS`.

    Raises:
        ClaimError: the claim does not hold; the message has the sentence and the measurement.
        ValueError: a name, verdict, measurement or result that cannot be shown honestly.
    """
    _check(name, sentence, source)
    if (notes is None) != (verdict is None):
        raise ValueError(f"expected notes and verdict together, got notes={notes!r}, verdict={verdict!r}: pass both")
    if verdict is not None:
        one_of("verdict", verdict, VERDICTS)
    if not isinstance(measured, (str, Integral)) or isinstance(measured, bool):
        raise ValueError(
            f"expected a measurement as a whole number or as text that survives another CPU, got {measured!r}: "
            "put it into an f-string, rounded"
        )
    if not isinstance(holds, bool):
        raise ValueError(f"expected holds to be True or False, got {holds!r}: compare the measurement with something")
    found = measured if isinstance(measured, str) else f"{measured:,}"
    if not holds:
        raise ClaimError(f"{name} does not hold: {sentence!r}; measured: {found}")
    _show("claim", name=name, sentence=sentence, measured=found, source=source, notes=notes, verdict=verdict)


def quotation(name: str, sentence: str, *, source: str) -> None:
    """Show a sentence that only a paper can settle, marked as quoted and not as checked.

    Raises:
        ValueError: a name or source that cannot be shown honestly.
    """
    _check(name, sentence, source)
    _show("quotation", name=name, sentence=sentence, source=source)


@contextmanager
def folded(title: str) -> Iterator[None]:
    """Claims inside this block are checked all the same, and shown together behind a title that unfolds.

    >>> with folded("Also counted"):
    ...     pass
    """
    global _folding
    if _folding is not None:
        raise ValueError(f"expected no folded block inside another, got {title!r}: close the outer one first")
    _folding = []
    try:
        yield
        records, _folding = _folding, None
        if records:
            cards = [tag("summary", text(title)), *(as_html(record) for record in records)]
            _display(tag("details", *cards, style="margin:.6em 0"), records)
    finally:
        _folding = None


def what_the_notes_say() -> HTML:
    """Every sentence of the notes that a claim of this notebook has answered so far, with its verdict."""
    left = "text-align:left"
    rows = [
        tag(
            "tr",
            tag("td", text(f"“{record['notes']}”"), style=left),
            tag("td", f"{MARK[record['verdict']]} {record['verdict']}", style=f"{left};white-space:nowrap"),
            tag("td", _rich(record["sentence"]), style=left),
        )
        for record in _shown.values()
        if "notes" in record
    ]
    heads = ("the notes say", "verdict", "we found")
    head = tag("tr", *(tag("th", words, scope="col", style=left) for words in heads))
    return HTML(scrolling_table("What the notes say, what we found", tag("thead", head), tag("tbody", *rows)))


MARK = {"true": "✓", "true with a condition": "◐", "imprecise": "≈", "wrong": "✗"}


def as_html(record: dict, *, link: str | None = None) -> str:
    """One claim or quotation as it stands on its page, or, with a `link` to that place, on the page of all claims."""
    checked = record["kind"] == "claim"
    mark, colour, word = ("✓", "#1a7f4b", "checked") if checked else ("❝", "#8a6d00", "quoted")
    lines = []
    if "notes" in record:
        verdict = f"{MARK[record['verdict']]} {record['verdict']}"
        lines.append(tag("div", text(f"The notes say: “{record['notes']}” {verdict}")))
    sign = tag("span", mark, style=f"color:{colour};font-weight:bold", role="img", aria_label=word)
    lines.append(tag("div", sign, " ", _rich(record["sentence"])))
    found = f"measured: {tag('strong', text(record['measured']))}" if checked else "quoted, not checked"
    name = tag("a", record["name"], href=link) if link else record["name"]
    lines.append(tag("div", f"{found} · {text(record['source'])} · {name}", style="font-size:.85em"))
    style = f"border-left:4px solid {colour};padding:.1em .8em;margin:.6em 0"
    return tag("div", *lines, class_="claim", id=None if link else anchor(record["name"]), style=style)


def anchor(name: str) -> str:
    """Where a claim stands on its page.

    >>> anchor("LENET-3")
    'claim-lenet-3'
    """
    return f"claim-{name.lower()}"


def _rich(sentence: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(sentence))


def _check(name: str, sentence: str, source: str) -> None:
    if not re.fullmatch(r"[A-Z0-9]+-\d+", name):
        raise ValueError(f"expected a claim's name like LENET-3, got {name!r}: capitals, a hyphen, a number")
    for what, words in (("sentence", sentence), ("source", source)):
        if not words.strip():
            raise ValueError(f"expected a {what} for claim {name}, got {words!r}: say it in words")


def _show(kind: str, **record: object) -> None:
    record = {"kind": kind, **{key: value for key, value in record.items() if value is not None}}
    _shown[record["name"]] = record
    if _folding is None:
        _display(as_html(record), [record])
    else:
        _folding.append(record)


def _display(page: str, records: list[dict]) -> None:
    display({"text/html": page, "text/plain": "\n".join(map(_plain, records)), MIME: records}, raw=True)


def _plain(record: dict) -> str:
    checked = record["kind"] == "claim"
    found = f"measured: {record['measured']}" if checked else "quoted, not checked"
    return f"{'✓' if checked else '❝'} {record['name']}: {record['sentence']} [{found}; {record['source']}]"
