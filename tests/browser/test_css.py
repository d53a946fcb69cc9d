"""Our style sheets as Chromium reads them: it drops without a word what it does not understand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SHEETS = [*(ROOT / "casestudies_lib").rglob("*.css"), *(ROOT / "book" / "_static").glob("*.css")]


def not_understood(browser, sheet: str) -> list[str]:
    """The selectors and declarations of a style sheet that the browser would drop."""
    conditions = []
    for selector, inside in re.findall(r"([^{};]+)\{([^{}]*)\}", re.sub(r"(?s)/\*.*?\*/", "", sheet)):
        selectors = [] if selector.lstrip().startswith("@") else [f"selector({one.strip()})" for one in parts(selector)]
        conditions += selectors + [f"({line.strip()})" for line in inside.split(";") if line.strip()]
    page = browser.new_page()
    supported = page.evaluate("conditions => conditions.map(condition => CSS.supports(condition))", conditions)
    page.close()
    assert conditions
    return [condition for condition, understood in zip(conditions, supported, strict=True) if not understood]


def parts(selectors: str) -> list[str]:
    """A list of selectors one by one; a comma in brackets separates none."""
    return re.split(r",(?![^(]*\))", selectors)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_every_rule_is_understood(browser, path):
    assert not_understood(browser, path.read_text()) == []


def test_what_is_not_understood_is_found(browser):
    sheet = "a:hovered, b { colour: red; margin: 1em } @media print { i { width: 3 } }"
    assert not_understood(browser, sheet) == ["selector(a:hovered)", "(colour: red)", "(width: 3)"]
