"""A block as drawn from its graph, and what the notes call its results."""

import re

import pytest
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.efficientnet import MBConv
from casestudies_lib.figures.block import draw_block, symbols_of
from casestudies_lib.measure.graph import wiring
from casestudies_lib.page.palette import PLAIN_COLOURS
from casestudies_lib.resnet import Bottleneck, PlainBlock, PreActivationBlock, ResidualBlock

SHAPE = (8, 6, 6)


class AddedLate(ResidualBlock):
    """The mistake of many transcripts: added after the ReLU."""

    def forward(self, a):
        return self.relu2(self.main_path(a)) + self.downsample(a)


def picture(html):
    page = BeautifulSoup(html.data, "html.parser")
    return page, page.div["aria-label"], [t.text for t in page.find_all("text")]


def symbol_list(block):
    return list(symbols_of(wiring(block, SHAPE)).values())


def test_symbols_of_a_residual_block():
    assert symbol_list(ResidualBlock(8, 8)) == ["a[l]", "z[l+1]", "a[l+1]", "z[l+2]", "z[l+2] + a[l]", "a[l+2]"]


def test_other_blocks_get_other_symbols():
    assert symbol_list(PlainBlock(8, 8)) == ["a[l]", "z[l+1]", "a[l+1]", "z[l+2]", "a[l+2]"]
    assert symbol_list(AddedLate(8, 8))[-2:] == ["a[l+2]", "a[l+2] + a[l]"]
    assert symbol_list(Bottleneck(8, 8))[-2:] == ["z[l+3] + a[l]", "a[l+3]"]
    assert "z[l+2] + Wₛ a[l]" in symbol_list(ResidualBlock(8, 16, stride=2))
    assert symbol_list(ResidualBlock(8, 8, batch_norm=False))[1:3] == ["z[l+1]", "a[l+1]"]
    pre = ["a[l]", "g(BN(a[l]))", "a[l+1]", "z[l+2]", "z[l+2] + a[l]"]
    assert [symbol for symbol in symbol_list(PreActivationBlock(8, 8)) if symbol != "z[l+1]"] == pre
    assert "g(a[l])" in symbol_list(nn.Sequential(nn.ReLU(), nn.Conv2d(8, 8, 3)))


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
    assert "A shortcut through zero padding, /2 carries a[l]" in alt and "zero padding, /2" in words


def test_a_block_without_the_names_of_its_results_is_lower_and_says_as_much():
    block = ResidualBlock(8, 16, stride=2)
    whole, short = (draw_block(block, SHAPE, "A block", results=results) for results in (True, False))
    heights = [float(BeautifulSoup(html.data, "html.parser").svg["viewbox"].split()[3]) for html in (whole, short)]
    assert heights[1] < 0.75 * heights[0] and picture(whole)[1] == picture(short)[1]
    assert set(picture(whole)[2]) - set(picture(short)[2]) == {
        *("a[l]", "z[l+1]", "a[l+1]", "z[l+2]", "z[l+2] + Wₛ a[l]", "a[l+2]")
    }


def test_a_shortcut_and_its_addition_in_colour():
    ink = PLAIN_COLOURS["residual"]
    page, *_ = picture(draw_block(ResidualBlock(8, 8), SHAPE, "A block", coloured=True))
    lit = [path for path in page.find_all("path") if ink in (path.get("stroke"), path.get("fill"))]
    assert len(lit) == 5, "an arrowhead, a circle, its plus, and the way there in two parts"
    assert page.find("marker", id="head-a-block-shortcut").path["fill"] == ink
    assert sum(path.get("marker-end") == "url(#head-a-block-shortcut)" for path in lit) == 1
    plain, *_ = picture(draw_block(ResidualBlock(8, 8), SHAPE, "A block"))
    assert ink not in str(plain) and len(plain.find_all("marker")) == 1


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


def test_a_block_with_a_gate_is_drawn_in_one_piece():
    _, alt, words = picture(draw_block(MBConv(8, 8, expand_ratio=6, kernel_size=5, stride=1), (8, 6, 6), "MBConv"))
    assert words.count("squeeze-excitation") == 1 and "5×5 depthwise conv, 48" in words
    assert "a[l] + z[l+3]" in words and "SiLU makes a[l+2], squeeze-excitation, 1×1 conv, 8" in alt
    assert not any("Wₛ" in word for word in words), "nothing is projected"


def test_one_picture_for_two_kernels():
    block = MBConv(8, 8, expand_ratio=6, kernel_size=3, stride=1)
    either = "3×3 or 5×5 depthwise conv, 48"
    _, alt, words = picture(draw_block(block, SHAPE, "MBConv", said={"3×3 depthwise conv, 48": either}))
    assert words.count(either) == 1 and "3×3 depthwise conv, 48" not in words
    assert f"{either}, batch norm" in alt
    with pytest.raises(ValueError, match="the label to replace"):
        draw_block(block, SHAPE, "MBConv", said={"7×7 depthwise conv, 48": either})
