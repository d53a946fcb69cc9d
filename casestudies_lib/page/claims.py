"""A claim is a sentence, what was measured, and whether it holds: shown beside each other, and red when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from numbers import Integral
from typing import Any

from IPython.display import display
from markupsafe import Markup

from casestudies_lib.checks import checked, one_of
from casestudies_lib.page.html import rich, tag
from casestudies_lib.page.palette import KIND_COLOURS, VERDICT_COLOURS

MIME = "application/vnd.casestudies.claim+json"
VERDICTS = ("true", "true with a condition", "imprecise", "wrong")
_shown: dict[str, dict] = {}
_folding: list[dict] | None = None


class ClaimError(AssertionError):
    """A sentence of the book is not true of the code beside it."""


@checked
def claim(
    name: str,
    sentence: str,
    measured: object,
    holds: bool,
    *,
    source: str,
    notes: str | None = None,
    verdict: str | None = None,
    by: str | None = None,
    recorded: str | None = None,
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
        by: who says these words, where it is not the notes, such as `the lecture` or `often said`.
        recorded: when and on what machine, where the measurement is a stored record that nothing makes again here.

    Raises:
        ClaimError: the claim does not hold; the message has the sentence and the measurement.
        ValueError: a name, verdict, measurement or result that cannot be shown honestly.
    """
    _check(name, sentence, source, notes, verdict, by)
    if recorded is not None and not re.search(r"\d{4}-\d\d-\d\d, \S", recorded):
        raise ValueError(
            f"expected date and machine of a record, such as '2026-11-24, AMD EPYC', got {recorded!r}: write both"
        )
    if not isinstance(measured, (str, Integral)) or isinstance(measured, bool) or not str(measured).strip():
        raise ValueError(
            f"expected a measurement as a whole number or as text that survives another CPU, got {measured!r}: "
            "put it into an f-string, rounded"
        )
    if not isinstance(holds, bool):
        raise ValueError(f"expected holds to be True or False, got {holds!r}: compare the measurement with something")
    found = measured if isinstance(measured, str) else f"{measured:,}"
    if not holds:
        raise ClaimError(f"{name} does not hold: {sentence!r}; measured: {found}")
    about = {"measured": found, "source": source, "notes": notes, "verdict": verdict, "by": by, "recorded": recorded}
    _show("recorded" if recorded else "claim", name=name, sentence=sentence, **about)


@checked
def quotation(
    name: str,
    sentence: str,
    *,
    source: str,
    notes: str | None = None,
    verdict: str | None = None,
    by: str | None = None,
) -> None:
    """Show a sentence that only a paper can settle, marked as quoted and not as checked; arguments as for `claim`.

    Raises:
        ValueError: a name, verdict or source that cannot be shown honestly.
    """
    _check(name, sentence, source, notes, verdict, by)
    _show("quotation", name=name, sentence=sentence, source=source, notes=notes, verdict=verdict, by=by)


@contextmanager
@checked
def folded(title: str, *, kind: str | None = None) -> Iterator[None]:
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
            cards = [tag("summary", title.format(len(records))), *(as_html(record) for record in records)]
            _display(tag("details", *cards, class_=kind, style="margin:.6em 0"), records)
    finally:
        _folding = None


def checks() -> AbstractContextManager[None]:
    """The claims of one section, behind one line that says how many there are.

    A sentence of the prose ends in a mark that leads to the claim which proves it, such as `[✓](#claim-res-2)`; ❝ marks
    a quotation and ⏺ a record. The site gathers the checks of all sections, with their code, at the end of the page.
    """
    return folded("Checks of this section ({})", kind="checks")


# Each verdict's mark, beside its colour.
MARK = {"true": "✓", "true with a condition": "◐", "imprecise": "≈", "wrong": "✗"}


def _badge(verdict: str) -> Markup:
    words = f"{MARK[verdict]} {verdict}"
    return tag("strong", words, class_=f"verdict {verdict.split()[-1]}", style=f"color:{VERDICT_COLOURS[verdict]}")


def as_html(record: dict, *, link: str | None = None) -> Markup:
    """One claim or quotation as it stands on its page, or, with a `link` to that place, on the page of all claims.

    The bar at its left has the colour of the verdict on the notes, that of its kind where it answers no line of theirs.
    """
    lines = []
    if "notes" in record:
        lines.append(tag("div", f"{_who(record, 'The notes: ')}“{record['notes']}” ", _badge(record["verdict"])))
    lines.append(tag("div", rich(record["sentence"])))
    if record["kind"] == "quotation":
        proof = ["❝ quoted, not checked"]
    else:
        proof = [f"⏺ recorded {record['recorded']}" if "recorded" in record else "✓ measured"]
        if record["measured"] not in record["sentence"]:  # else it need not be said twice
            proof += [": ", tag("strong", record["measured"])]
    name = tag("a", record["name"], href=link) if link else record["name"]
    lines.append(tag("div", *proof, f" · {record['source']} · ", name, style="font-size:.8em"))
    colour = VERDICT_COLOURS[record["verdict"]] if "verdict" in record else KIND_COLOURS[record["kind"]]
    style = f"border-left:4px solid {colour};padding:.1em .8em;margin:.6em 0"
    return tag("div", *lines, class_="claim", id=None if link else anchor(record["name"]), style=style)


def _who(record: dict, notes: str) -> str:
    """Who says what a record answers; `notes` where the notes do."""
    return record["by"][0].upper() + record["by"][1:] + ": " if "by" in record else notes


def anchor(name: str) -> str:
    """Where a claim stands on its page.

    >>> anchor("LENET-3")
    'claim-lenet-3'
    """
    return f"claim-{name.lower()}"


def _check(name: str, sentence: str, source: str, notes: str | None, verdict: str | None, by: str | None) -> None:
    if not re.fullmatch(r"[A-Z0-9]+-\d+", name):
        raise ValueError(f"expected a claim's name like LENET-3, got {name!r}: capitals, a hyphen, a number")
    for what, words in (("sentence", sentence), ("source", source)):
        if not words.strip():
            raise ValueError(f"expected a {what} for claim {name}, got {words!r}: say it in words")
    if (notes is None) != (verdict is None):
        raise ValueError(f"expected notes and verdict together, got notes={notes!r}, verdict={verdict!r}: pass both")
    if verdict is not None:
        one_of("verdict", verdict, VERDICTS)
    if by is not None and (notes is None or not by.strip()):
        raise ValueError(f"expected words that {by!r} says, got notes={notes!r}: pass them as notes")


def _show(kind: str, **record: Any) -> None:
    record = {"kind": kind, **{key: value for key, value in record.items() if value is not None}}
    _shown[record["name"]] = record
    if _folding is None:
        _display(as_html(record), [record])
    else:
        _folding.append(record)


def _display(page: Markup, records: list[dict]) -> None:
    display({"text/html": str(page), "text/plain": "\n".join(map(_plain, records)), MIME: records}, raw=True)


def _plain(record: dict) -> str:
    if record["kind"] == "quotation":
        mark, found = "❝", "quoted, not checked"
    else:
        when = record.get("recorded")
        mark, found = ("⏺", f"recorded {when}") if when else ("✓", "measured")
        found += f": {record['measured']}"
    return f"{mark} {record['name']}: {record['sentence']} [{found}; {record['source']}]"
