"""The ways through residual blocks: as many rows and boxes as there are paths and main paths on them."""

from math import comb

import pytest
from bs4 import BeautifulSoup

from casestudies_lib.figures import draw_paths


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_each_path_is_a_row_with_its_main_paths(blocks):
    page = BeautifulSoup(draw_paths(blocks).data, "html.parser")
    said = [text.text for text in page.find_all("text")]
    rows = [words for words in said if words.startswith("through ")]
    names = ["through none", *(f"through {k}" for k in range(1, blocks + 1))]
    assert [rows.count(name) for name in names] == [comb(blocks, k) for k in range(blocks + 1)]
    assert rows == sorted(rows, key=names.index), "short ones first"
    at = [(round(float(text["y"])), text.text) for text in page.find_all("text")]
    for y, words in at:
        if words.startswith("through "):
            beside = sum(near in (y - 1, y, y + 1) and one.startswith("F") for near, one in at)
            assert beside == names.index(words), "as many main paths as the row says"
    boxes = [words for words in said if words.startswith("F")]
    assert len(boxes) == blocks + blocks * 2 ** (blocks - 1), "once in the chain, and on half of the paths each"
    assert len({boxes.count(name) for name in boxes}) == 1
    bows = sum(line["d"].count("C") for line in page.svg.find_all("path"))
    assert bows == len(boxes), "on the other half of the paths a bow around it, and a shortcut each"
    alt = page.div["aria-label"]
    assert f"the {2**blocks} ways" in alt and f"{blocks} through {blocks - 1}" in alt


@pytest.mark.parametrize("blocks", [0, 5, True, 2.0])
def test_refuses_what_nobody_can_read(blocks):
    with pytest.raises(ValueError, match="expected blocks"):
        draw_paths(blocks)
