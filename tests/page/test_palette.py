"""Every colour has one meaning."""

import re
from collections import Counter
from itertools import chain
from pathlib import Path

import casestudies_lib
from casestudies_lib.page import palette


def test_no_two_groups_share_a_colour():
    kinds = {kind: colour for kind, colour in palette.KIND_COLOURS.items() if kind != "claim"}  # measured is as true
    groups = [
        palette.COLOURS.values(),
        palette.BLOCK_COLOURS.values(),
        palette.VERDICT_COLOURS.values(),
        kinds.values(),
        palette.PLAIN_COLOURS.values(),
        palette.FAMILY_COLOURS,
        [palette.MARKER],
        [palette.LIT],
        [palette.FOR],
        [palette.AGAINST],
    ]
    times = Counter(chain.from_iterable(map(set, groups)))
    assert set(times.values()) == {1}, times.most_common(2)
    for group in (palette.COLOURS.values(), palette.BLOCK_COLOURS.values(), kinds.values(), palette.FAMILY_COLOURS):
        assert len(set(group)) == len(group)


def test_colours_are_typed_in_the_palette_only():
    home = Path(casestudies_lib.__file__).parent
    files = [path for path in home.rglob("*") if path.suffix in (".py", ".js", ".css")]
    typed = {path.name for path in files if re.search(r"#[0-9a-fA-F]{6}\b", path.read_text())}
    assert typed == {"palette.py", "charts.py"}, "charts.py names matplotlib's black, to replace it"
