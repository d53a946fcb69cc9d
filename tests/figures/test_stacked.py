"""Stacked convolutions and what one unit sees through them."""

import pytest
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.figures import draw_stack


def texts(*layers):
    drawn = BeautifulSoup(draw_stack({"a stack": nn.Sequential(*layers)}).data, "html.parser")
    return [text.text for text in drawn.find_all("text")], drawn.find(role="img")["aria-label"]


def test_three_small_kernels_see_as_far_as_a_large_one():
    small = [layer for _ in range(3) for layer in (nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())]
    said, alt = texts(*small)
    assert [word for word in said if "×" in word] == ["7×7", "3×3", "5×5", "3×3", "3×3", "3×3", "1×1"]
    assert said[0] == "a stack: 27C² weights" and "sees 3×3, then 5×5, then 7×7 positions" in alt
    said, alt = texts(nn.Conv2d(4, 4, 7, padding=3))
    assert said == ["a stack: 49C² weights", "7×7", "7×7", "1×1"] and "49 weights" in alt


def test_several_stacks_stand_below_each_other():
    drawn = BeautifulSoup(draw_stack({n: nn.Sequential(nn.Conv2d(1, 1, 3)) for n in "ab"}).data, "html.parser")
    first, second = (next(t for t in drawn.find_all("text") if t.text.startswith(n)) for n in "ab")
    assert first["x"] == second["x"] and float(second["y"]) > float(first["y"]) + 3 * 12


def test_what_cannot_be_drawn_as_one_stack_is_refused():
    for layers in ([nn.ReLU()], [nn.Conv2d(4, 4, 3, stride=2)], [nn.Conv2d(4, 8, 3)]):
        with pytest.raises(ValueError, match="expected convolutions with stride 1"):
            texts(*layers)
