"""Which channels a convolution reads: what the drawings show follows the live module."""

import pytest
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.figures.channels import draw_channels, draw_connections, draw_position
from casestudies_lib.lenet import C3_TABLE, SparseConv2d
from casestudies_lib.nin import mlpconv


def drawn(html):
    """Alt text, and the words in the picture."""
    page = BeautifulSoup(html.data, "html.parser")
    return page.div["aria-label"], [words.text for words in page.find_all("text")]


def test_a_position_is_a_fully_connected_network():
    alt, words = drawn(draw_position(mlpconv(3, (192, 160, 96), 5), (3, 32, 32), "An mlpconv layer"))
    assert "5×5 pixels through all 3 channels" in alt and "75 numbers" in alt and "192 to 160 to 96 units" in alt
    assert words[0] == "32×32×3" and [w for w in words if w.isdigit()] == ["75", "192", "160", "96"]
    alt, words = drawn(draw_position(nn.Sequential(nn.Conv2d(32, 1, 1)), (32, 6, 6), "One filter"))
    assert "fully connected network of 1 unit, whose" in alt and "6×6×1" in words
    lines = BeautifulSoup(draw_position(nn.Sequential(nn.Conv2d(4, 2, 1)), (4, 6, 6), "x").data, "html.parser")
    assert len(lines.find_all("path", attrs={"stroke-width": "0.35"})) == 4 * 2, "every output reads every input"
    assert drawn(draw_position(nn.Conv2d(4, 2, 1), (4, 6, 6), "x")) == drawn(
        draw_position(nn.Sequential(nn.Conv2d(4, 2, 1)), (4, 6, 6), "x")
    )


@pytest.mark.parametrize(
    ("layers", "got"),
    [
        ([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)], r"got \['conv 3×3'\]"),
        ([nn.Conv2d(3, 4, 1), nn.MaxPool2d(2)], r"got \['max pool 2×2, stride 2'\]"),
        ([nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1, stride=2)], r"got \['conv 1×1, stride 2'\]"),
        ([nn.Conv2d(3, 3, 3, groups=3)], r"got \['depthwise conv 3×3'\]"),
        ([nn.Conv2d(3, 3, 3, dilation=2)], r"got \['conv 3×3'\]"),
        ([nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(256, 2)], "got .*'Flatten', 'fully connected'"),
        ([nn.ReLU()], "got no convolution: pass a part of it"),
    ],
)
def test_what_is_no_network_on_one_window_is_refused(layers, got):
    with pytest.raises(ValueError, match=got):
        draw_position(nn.Sequential(*layers), (3, 8, 8), "x")


def test_channels_are_joined_as_the_groups_say():
    def strokes(*layers):
        page = BeautifulSoup(draw_channels(nn.Sequential(*layers), (4, 6, 6), "x").data, "html.parser")
        return [len(page.find_all("path", attrs={"stroke-width": width})) for width in ("2", "0.7")]

    assert strokes(nn.Conv2d(4, 6, 3)) == [24, 0], "every output reads every input"
    assert strokes(nn.Conv2d(4, 6, 3, groups=2)) == [12, 0], "or half of them"
    assert strokes(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 5, 1)) == [4, 20]
    alt, words = drawn(draw_channels(nn.Sequential(nn.Conv2d(4, 4, 3, groups=4)), (4, 6, 6), "Depthwise"))
    assert "4 kernels of 3×3, each output channel reading 1 of 4, 576 multiply-accumulates, give 4 channels" in alt
    assert words == ["6×6×4", "4 kernels 3×3", "576 MACs", "4×4×4"]
    with pytest.raises(ValueError, match=r"convolutions only, got \['ReLU'\]"):
        strokes(nn.Conv2d(4, 4, 1), nn.ReLU())
    with pytest.raises(ValueError, match="a square image, got 6×8×4"):
        draw_channels(nn.Sequential(nn.Conv2d(4, 4, 1)), (4, 6, 8), "x")


def test_connections_follow_the_module():
    dense = tuple(tuple(range(6)) for _ in range(16))
    for table in (C3_TABLE, dense):
        page = BeautifulSoup(draw_connections(SparseConv2d(table, 5).table).data, "html.parser")
        filled = [rect for rect in page.find_all("rect") if rect["fill"] != "none"]
        assert len(filled) == sum(len(reads) for reads in table)
