"""Branches and auxiliary classifiers: what the drawings show follows the live module."""

import re

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.figures.branches import draw_auxiliary_classifiers, draw_branches
from casestudies_lib.inception import TABLE, Inception, googlenet
from casestudies_lib.nin import mlpconv


def drawn(html):
    """Alt text, and the words in the picture."""
    page = BeautifulSoup(html.data, "html.parser")
    return page.div["aria-label"], [words.text for words in page.find_all("text")]


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
        "channels. Their outputs are concatenated, 64 + 128 + 32 + 32, to 28×28×256."
    )
    assert words[-1] == "28×28×256, concatenated: 64 + 128 + 32 + 32"

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


def test_auxiliary_classifiers_leave_the_modules_that_they_read():
    with torch.device("meta"):
        alt, words = drawn(draw_auxiliary_classifiers(googlenet(aux=True)))
    assert "from 4a 5×5 average pool, /3, 1×1 conv, 128, fc 1024, fc 1000; from 4d" in alt
    assert [w for w in words if "Inception" in w] == [
        f"{name}: Inception, {n1 + n3 + n5 + pool}" for name, (n1, _, n3, _, n5, pool) in TABLE.items()
    ]
    sizes = [w for w in words if re.fullmatch(r"\d+×\d+", w)]
    assert sizes == ["112×112", "56×56", "28×28", "14×14", "7×7", "1×1"]
    with torch.device("meta"):
        alt, _ = drawn(draw_auxiliary_classifiers(googlenet()))
        adaptive, _ = drawn(draw_auxiliary_classifiers(googlenet("torchvision", aux=True)))
    assert alt.endswith("fc 1000. No auxiliary classifiers.")
    assert "from 4a adaptive pool to 4×4, 1×1 conv, 128" in adaptive
    with pytest.raises(ValueError, match=r"expected a GoogLeNet, got a Sequential: pass googlenet"):
        draw_auxiliary_classifiers(mlpconv(3, (4, 4, 4), 3))
