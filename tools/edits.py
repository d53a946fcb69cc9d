"""Does anything notice when the prose is wrong? Small false edits of the chapters' text, and what turns red.

    make edits                           200 edits drawn with seed 0, some minutes
    python tools/edits.py --sample 20    fewer; --list lists them and asks nobody

Each edit changes one word of a copy of one chapter: a number, a year, a comparison, a negation, a network's name, or
the mark behind a sentence. The guards that need no run are asked, and the file that pins the words. What they let pass
is a sentence that could be false in the published book. Results are in book/measured/edits.json.
"""

from __future__ import annotations

import argparse
import copy
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import guards
import measured
import nbformat

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
PAIRS = """
    more fewer|larger smaller|higher lower|deeper shallower|wider narrower|before after|first last|with without
    |most least|above below|faster slower|increases decreases|better worse|longer shorter|half twice
    |always never|same different
"""
OPPOSITES = {one: two for pair in PAIRS.split("|") for one, two in (pair.split(), pair.split()[::-1])}
ASKED = [guard for guard in guards.GUARDS if guard is not guards.too_long]  # a word more is no mistake
HOW = {"in sentences with a mark": True, "in other sentences": False}
NETWORKS = ["LeNet-5", "AlexNet", "VGG-16", "GoogLeNet", "ResNet-50", "MobileNetV2", "EfficientNet-B0"]
# What each kind of edit looks for, and what it writes instead.
NUMBER = re.compile(r"(?<![\w.,$^_{/#-])\d[\d,]*(?:\.\d+)?(?![\w.,]*[\w/^_}])")
WORD = re.compile(r"\b[a-z]+\b")
NOT = re.compile(r"\b(is|are|was|were|does|do|did|can|cannot|has|have)( not)?\b")
NETWORK = re.compile("|".join(NETWORKS))
LEFT_OUT = re.compile(
    r"(?s)```.*?```|`[^`]*`|\$[^$]+\$|\]\([^)]*\)|<[^>]*>|(?m:^#[^\n]*$)|\[[^\]]*\]\([^)]*\)|Figure \d+\.\d+"
)
SENTENCE_END = re.compile(rf"[.?!:](?:\s*{guards.MARK})*(?=\s|$)|\n\n|\n\d+\. |\n[-*|] ?")


@dataclass(frozen=True)
class Edit:
    """One change of the prose: characters `start` to `end` of a cell become `new`."""

    page: str
    cell: str
    kind: str
    start: int
    end: int
    new: str
    before: str
    after: str
    marked: bool


def edits(page: str, notebook: nbformat.NotebookNode) -> Iterator[Edit]:
    """All edits of a chapter's prose."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = cell.source
        closed = [found.span() for found in LEFT_OUT.finditer(text)]
        for kind, start, end, new in changes(text):
            if kind != "mark" and any(left < end and start < right for left, right in closed):
                continue
            left, right = sentence_around(text, start, end)
            before, after = text[left:right], text[left:start] + new + text[end:right]
            marked = kind == "mark" or bool(re.search(guards.MARK, before))
            before, after = (" ".join(part.split()) for part in (before, after))
            yield Edit(page, cell.id, kind, start, end, new, before, after, marked)


def changes(text: str) -> Iterator[tuple[str, int, int, str]]:
    """Kind, first character, last character, new text."""
    for found in NUMBER.finditer(text):
        number = found[0].rstrip(",")
        last = str((int(number[-1]) + 1) % 10)
        year = re.fullmatch(r"(19|20)\d\d", number)
        yield "year" if year else "number", found.start(), found.start() + len(number), number[:-1] + last
    for found in WORD.finditer(text):
        if found[0] in NUMBERS[1:]:
            yield "number word", *found.span(), NUMBERS[(NUMBERS.index(found[0]) + 1) % len(NUMBERS)]
        elif found[0] in OPPOSITES:
            yield "comparison", *found.span(), OPPOSITES[found[0]]
    for found in NOT.finditer(text):
        if found[0] != "cannot":
            yield "negation", *found.span(), found[1] if found[2] else f"{found[1]} not"
    for found in NETWORK.finditer(text):
        yield "network", *found.span(), NETWORKS[(NETWORKS.index(found[0]) + 1) % len(NETWORKS)]
    for found in re.finditer(guards.MARK, text):
        yield "mark", *found.span(), ""


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the sentence with these characters begins and ends, with its marks."""
    ends = [found.end() for found in SENTENCE_END.finditer(text)]
    return max([at for at in ends if at <= start], default=0), min([at for at in ends if at >= end], default=len(text))


def noticed(edit: Edit, notebook: nbformat.NotebookNode, pinned: dict) -> str:
    """The first guard that objects to a copy with the edit; empty if none does."""
    broken = copy.deepcopy(notebook)
    cell = next(cell for cell in broken.cells if cell.id == edit.cell)
    cell.source = cell.source[: edit.start] + edit.new + cell.source[edit.end :]
    objecting = (guard.__name__ for guard in ASKED if guard(broken))
    return next(objecting, "") or ("words" if guards.changed(pinned, guards.words_of(broken)) else "")


def table(judged: list[tuple[Edit, str]], of: int) -> measured.Table:
    """How many edits were noticed, by kind, in sentences with a mark and without."""

    def share(kind: str | None, marked: bool) -> str:
        guards = [guard for edit, guard in judged if kind in (None, edit.kind) and edit.marked == marked]
        return f"{sum(map(bool, guards))} of {len(guards)}" if guards else "–"

    kinds = sorted({edit.kind for edit, _ in judged})
    rows = [[kind or "all", *(share(kind, marked) for marked in HOW.values())] for kind in [*kinds, None]]
    caption = f"False edits of the prose that a test noticed: {len(judged)} of {of:,} possible ones, drawn at random."
    return measured.Table(caption, ["What was changed", *(f"noticed, {how}" for how in HOW)], rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=200, help="how many edits, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="list the edits and ask nobody")
    given = parser.parse_args(arguments)
    pages = {path.stem: nbformat.read(path, as_version=4) for path in guards.PATHS}
    everything = [edit for page, notebook in pages.items() for edit in edits(page, notebook)]
    chosen = random.Random(given.seed).sample(everything, min(given.sample, len(everything)))
    if given.list:
        print(*(f"{e.page} {e.kind}\n    - {e.before}\n    + {e.after}" for e in chosen), sep="\n")
        return
    accepted = {page: guards.words_of(notebook) for page, notebook in pages.items()}
    judged = []
    for edit in chosen:
        judged.append((edit, noticed(edit, pages[edit.page], accepted[edit.page])))
        print(
            f"{judged[-1][1] or 'NOT NOTICED'}: {edit.page} {edit.kind}\n    - {edit.before}\n    + {edit.after}",
            flush=True,
        )
    by = Counter(guard for _, guard in judged if guard)
    measured.store(
        "edits",
        f'make edits EDITS="--sample {len(chosen)} --seed {given.seed}"',
        [table(judged, len(everything))],
        {
            f"Not noticed: {how}": [f"{e.after}" for e, guard in judged if not guard and e.marked == marked]
            for how, marked in HOW.items()
        },
        noticed_by=dict(by.most_common()),
    )


if __name__ == "__main__":
    main()
