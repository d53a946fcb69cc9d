"""Networks side by side."""

import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.efficientnet import MBConv, scaled_b0
from casestudies_lib.figures.columns import draw_columns, draw_scaled
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.resnet import plain, resnet


def picture(html):
    page = BeautifulSoup(html.data, "html.parser")
    return page, page.div["aria-label"], [t.text for t in page.find_all("text")]


def test_columns_align_equal_sizes_and_dot_what_changes():
    with torch.device("meta"):
        networks = {"plain": plain(18)[:], "residual": resnet(18, shortcut="A")[:]}
    page, alt, words = picture(draw_columns(networks, (3, 224, 224)))
    assert "plain: 1 × 7×7 conv, 64, /2, 1 × 3×3 max pool, 4 × 3×3 conv, 64" in alt
    assert alt.count("no shortcuts") == 1 and "8 shortcuts, 3 of them dotted" in alt
    arcs = [path for path in page.find_all("path") if path.get("marker-end")]
    assert len(arcs) == 8 and sum(bool(arc.get("stroke-dasharray")) for arc in arcs) == 3
    boxes = [(float(r["x"]), float(r["y"])) for r in page.find_all("rect")]
    left, right = (sorted(y for x, y in boxes if (x < 200) == side) for side in (True, False))
    assert left == right and len(left) == 20 and words.count("3×3 conv, 512") == 6


def test_scaled_networks_side_by_side():
    columns = {
        "one": anatomy(scaled_b0, whole=MBConv),
        "deep": anatomy(lambda: scaled_b0(depth_mult=2), whole=MBConv),
    }
    html = draw_scaled(columns)
    _, alt, words = picture(html)
    assert words == ["one", "1.00 × MACs", "deep", "2.03 × MACs"]
    assert "deep: image of 224 pixels, 32 blocks with up to 320 channels, 2.03 times" in alt
    assert len(BeautifulSoup(html.data, "html.parser").find_all("rect")) == 2 + 16 + 32
    _, alt, words = picture(draw_scaled(columns, work=False))
    assert words == ["one", "deep"] and "multiply" not in alt and "32 blocks with up to 320 channels." in alt
    for wrong, message in (
        ({}, "at least one network"),
        ({"one": anatomy(scaled_b0)}, "no block in 'one': pass whole="),
    ):
        with pytest.raises(ValueError, match=message):
            draw_scaled(wrong)
