"""Drawings of positions, branches and side branches: what they show follows the live module."""

import re

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.figures.branches import draw_branches, draw_channels, draw_position, draw_side_branches
from casestudies_lib.inception import TABLE, Inception, googlenet
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
    assert "4 windows of 3×3, each output channel reading 1 of 4, 576 multiply-accumulates, give 4 channels" in alt
    assert words == ["6×6×4", "4 windows 3×3", "576 MACs", "4×4×4"]
    with pytest.raises(ValueError, match=r"convolutions only, got \['ReLU'\]"):
        strokes(nn.Conv2d(4, 4, 1), nn.ReLU())
    with pytest.raises(ValueError, match="a square image, got 6×8×4"):
        draw_channels(nn.Sequential(nn.Conv2d(4, 4, 1)), (4, 6, 8), "x")


class Joined(nn.Module):
    """Two branches, joined in a way of their own."""

    def __init__(self, join):
        super().__init__()
        self.one, self.two, self.join = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), join

    def forward(self, x):
        return self.join(self.one(x), self.two(x), x)


@pytest.mark.parametrize(
    "join",
    [
        lambda a, b, x: torch.cat([a, a], 1),
        lambda a, b, x: torch.cat([a, b], 2),
        lambda a, b, x: torch.cat([a, x], 1),
        lambda a, b, x: torch.cat([a + b, b], 1),
    ],
    ids=["the same twice", "rows, not channels", "a branch without layers", "a sum inside"],
)
def test_joins_that_no_picture_of_branches_shows_are_refused(join):
    with pytest.raises(ValueError, match="draw its parts"):
        draw_branches(Joined(join), (3, 8, 8), "x")


def test_branches_in_their_order():
    alt, words = drawn(draw_branches(Inception(192, TABLE["3a"]), (192, 28, 28), "3a"))
    assert alt == (
        "3a: 4 branches read the same 28×28×192. From left to right: 1×1 conv, 64 channels; 1×1 conv, 96 channels then "
        "3×3 conv, 128 channels; 1×1 conv, 16 channels then 5×5 conv, 32 channels; 3×3 max pool then 1×1 conv, 32 "
        "channels. Their outputs are stacked, 64 + 128 + 32 + 32, to 28×28×256."
    )
    assert words[-1] == "28×28×256, stacked: 64 + 128 + 32 + 32"

    class Reordered(Inception):
        def forward(self, x):
            return torch.cat([self.branch2(x), self.branch1(x), self.branch3(x), self.branch4(x)], dim=1)

    _, words = drawn(draw_branches(Reordered(192, TABLE["3a"]), (192, 28, 28), "3a"))
    assert words[-1].endswith("128 + 64 + 32 + 32")
    alt, _ = drawn(draw_branches(Inception(192, (64, None, 128, None, 32, None)), (192, 28, 28), "naive"))
    assert "3×3 max pool, 192 channels" in alt and alt.endswith("to 28×28×416.")
    with pytest.raises(ValueError, match="ends in a concatenation, got ReLU: draw it with draw_block"):
        draw_branches(mlpconv(3, (4, 4, 4), 3), (3, 8, 8), "x")


def test_the_bar_is_to_scale():
    page = BeautifulSoup(draw_branches(Inception(192, TABLE["3a"]), (192, 28, 28), "3a").data, "html.parser")
    bar = [float(r["width"]) + 2 for r in page.find_all("rect") if r["height"] == "20"]
    assert bar == pytest.approx([360 * n / 256 for n in (64, 128, 32, 32)], abs=0.1)


def test_side_branches_leave_the_modules_that_they_read():
    with torch.device("meta"):
        alt, words = drawn(draw_side_branches(googlenet(aux=True)))
    assert "from 4a 5×5 average pool, /3, 1×1 conv, 128, fc 1024, fc 1000; from 4d" in alt
    assert [w for w in words if "Inception" in w] == [
        f"{name}: Inception, {n1 + n3 + n5 + pool}" for name, (n1, _, n3, _, n5, pool) in TABLE.items()
    ]
    sizes = [w for w in words if re.fullmatch(r"\d+×\d+", w)]
    assert sizes == ["112×112", "56×56", "28×28", "14×14", "7×7", "1×1"]
    with torch.device("meta"):
        alt, _ = drawn(draw_side_branches(googlenet()))
        adaptive, _ = drawn(draw_side_branches(googlenet("torchvision", aux=True)))
    assert alt.endswith("fc 1000. No side branches.")
    assert "from 4a adaptive pool to 4×4, 1×1 conv, 128" in adaptive
    with pytest.raises(ValueError, match=r"expected a GoogLeNet, got a Sequential: pass googlenet"):
        draw_side_branches(mlpconv(3, (4, 4, 4), 3))
