"""The tour in CONTRIBUTING.md leads to files and names that exist."""

import re

from address import ROOT

TOUR = (ROOT / "CONTRIBUTING.md").read_text().partition("## A tour")[2].partition("\n## ")[0]
STEPS = re.findall(r"(?ms)^\d\. (.+?)(?=^\d\. |\n\n)", TOUR)


def lost(step: str) -> list[str]:
    """The names that stand in none of the files which the step names, and the files that are not there."""
    marked = re.findall(r"`(.+?)`", step)
    files = [ROOT / name for name in marked if re.search(r"\w/.*\.(py|ipynb)$", name)]
    text = "".join(file.read_text() for file in files if file.exists())
    return [name for name in marked if not ((ROOT / name).exists() or name.startswith("make ") or name in text)]


def test_the_tour_leads_to_what_is_there():
    pages = (ROOT / "notebooks" / "07_efficientnet.ipynb").read_text()
    quoted = re.findall(r'"(.+?)"', TOUR)
    assert quoted and all(words in pages for words in quoted)
    assert [lost(step) for step in STEPS] == [[]] * 5


def test_a_step_that_leads_nowhere_is_found():
    step = "`anatomy` in `tools/nowhere.py`, `ROOT` and `LEAF` in `tools/address.py`."
    assert lost(step) == ["anatomy", "tools/nowhere.py", "LEAF"]
