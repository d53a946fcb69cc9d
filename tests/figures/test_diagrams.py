"""Blocks and columns, as drawn from their wiring."""

import re

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.efficientnet import MBConv, scaled_b0
from casestudies_lib.figures.diagrams import draw_block, draw_columns, draw_scaled
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.resnet import (
    PlainBlock,
    ResidualBlock,
    plain,
    resnet,
)

SHAPE = (8, 6, 6)


class AddedLate(ResidualBlock):
    """The mistake of many transcripts: added after the ReLU."""

    def forward(self, a):
        return self.relu2(self.main_path(a)) + self.downsample(a)


def picture(html):
    page = BeautifulSoup(html.data, "html.parser")
    return page, page.div["aria-label"], [t.text for t in page.find_all("text")]


def test_a_block_is_drawn_as_it_computes():
    _, alt, words = picture(draw_block(ResidualBlock(8, 8), SHAPE, "A block"))
    assert {"main path", "shortcut", "6×6×8", "3×3 conv, 8", "z[l+2] + a[l]"} <= set(words)
    assert alt.startswith("A block, from top to bottom. Main path: input 6×6×8, 3×3 conv, 8, batch norm makes z[l+1]")
    assert alt.endswith("A shortcut carries a[l] to the addition.")
    late = picture(draw_block(AddedLate(8, 8), SHAPE, "A block"))
    assert late[1] != alt and "a[l+2] + a[l]" in late[2]
    _, alt, words = picture(draw_block(PlainBlock(8, 8), SHAPE, "A plain block"))
    assert alt.endswith("No shortcut.") and "shortcut" not in words
    _, alt, words = picture(draw_block(ResidualBlock(8, 16, stride=2, shortcut="A"), SHAPE, "W_s"))
    assert "A shortcut through zero padding carries a[l]" in alt and "zero padding" in words


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


def test_every_picture_has_its_own_arrowhead():
    pages = [draw_block(ResidualBlock(8, 8), SHAPE, title).data for title in ("One", "Two")]
    heads = [re.search(r'marker [^>]*id="([^"]+)"|id="([^"]+)" [^>]*orient', page).group() for page in pages]
    assert heads[0] != heads[1] and all(page.count("<marker") == 1 for page in pages)


def test_a_network_in_one_piece_is_drawn_before_the_block():
    class Big(nn.Module):
        kind = "a big network"

        def forward(self, x):
            return x.relu()

    _, alt, words = picture(draw_block(nn.Sequential(Big(), ResidualBlock(8, 8)), SHAPE, "Rest"))
    assert words.index("x") < words.index("a[l]") and "a big network makes a[l]" in alt
    assert alt.endswith("A shortcut carries a[l] to the addition.")


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
    for wrong, message in (
        ({}, "at least one network"),
        ({"one": anatomy(scaled_b0)}, "no block in 'one': pass whole="),
    ):
        with pytest.raises(ValueError, match=message):
            draw_scaled(wrong)


def test_a_block_with_a_gate_is_drawn_in_one_piece():
    _, alt, words = picture(draw_block(MBConv(8, 8, expand_ratio=6, kernel_size=5, stride=1), (8, 6, 6), "MBConv"))
    assert words.count("squeeze-excitation") == 1 and "5×5 depthwise conv, 48" in words
    assert "a[l] + z[l+3]" in words and "SiLU makes a[l+2], squeeze-excitation, 1×1 conv, 8" in alt
    assert not any("Wₛ" in word for word in words), "nothing is projected"
