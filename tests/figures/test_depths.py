"""Networks as bars of layers."""

import re
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup

from casestudies_lib.figures.depths import draw_depths
from casestudies_lib.page.palette import COLOURS


def test_a_slice_for_each_layer_and_an_arc_for_each_shortcut():
    page = BeautifulSoup(draw_depths({"Small": "alexnet_2012", "Deep": "resnet34"}).data, "html.parser")
    assert page.div["aria-label"].endswith(
        "Small, 2012: 8 layers, no arcs; Deep, 2015: 34 layers, 16 arcs over 2 layers each."
    )
    assert [t.text for t in page.find_all("text")] == ["Small  2012: 8 layers", "Deep  2015: 34 layers"]
    slices = page.find_all("rect")
    tops = [float(s["y"]) for s in slices]
    assert [tops.count(y) for y in sorted(set(tops))] == [8, 34]
    fully_connected = [s["fill"] == COLOURS["fully connected"] for s in slices]
    assert fully_connected == [False] * 5 + [True] * 3 + [False] * 33 + [True]
    ends = [tuple(map(float, re.findall(r"([\d.]+),", path["d"])[::3])) for path in page.find_all("path")]
    unit = 600 / 34
    assert len(ends) == 16 and ends[0] == pytest.approx((unit - 0.45, 3 * unit - 0.45), abs=0.1)
    assert all(before[1] == after[0] for before, after in pairwise(ends)) and ends[-1][1] < 600 - unit + 0.1


def test_networks_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="at least one network"):
        draw_depths({})
    with pytest.raises(ValueError, match="network"):
        draw_depths({"VGG": "vgg_99"})
