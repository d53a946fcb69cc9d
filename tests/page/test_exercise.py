import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.page.exercise import discussion, mark, numbers


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (lambda: [1, 2], "✓ Ex: solved."),
        (lambda: [2, 1], "✗ Ex: not yet, got [2, 1]."),
        (lambda: (1, 2), "✗ Ex: not yet, got (1, 2)."),
        (lambda: ..., "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: torch.zeros(2), "✗ Ex: not yet, got tensor([0., 0.])."),
        (lambda: None, "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: [None, None], "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: [], "✗ Ex: not yet, got []."),
        (lambda: [][0], "✗ Ex: not yet, your code stopped with IndexError: list index out of range"),
    ],
)
def test_marking(attempt, says):
    assert BeautifulSoup(mark("Ex", attempt, [1, 2]).data, "html.parser").text == says


class Shy:
    def __repr__(self):
        raise RuntimeError("no words")


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def mute():
    raise Mute


TWO = [torch.zeros(2), torch.ones(2)]


@pytest.mark.parametrize(
    ("got", "wanted", "equal"),
    [
        (np.int64(3), 3, True),
        (np.float64(3), 3, True),
        (3.0, 3, True),
        (4.0, 3, False),
        (True, 1, False),
        (1, True, False),
        (np.bool_(True), True, True),
        (np.bool_(False), True, False),
        (torch.Size([3]), (3,), True),
        (torch.Size([4]), (3,), False),
        ((3,), [3], False),
        ([1, True], [1, 1], False),
        ([np.int64(1), (2, 3.0)], [1, (2, 3)], True),
        ([1, 2], [1, 2, 3], False),
        ("3", 3, False),
        ("ab", "ab", True),
        (TWO, [torch.zeros(2), torch.ones(2)], True),
        (TWO, [torch.zeros(2), torch.zeros(2)], False),
        (TWO, [1, 2], False),
        ([1, 2], TWO, False),
        (torch.zeros(2), torch.zeros(2), True),
        (torch.zeros(2), torch.zeros(3), False),
        (np.arange(3), np.arange(3), True),
        (np.arange(3), [0, 1, 2], False),
        (float("nan"), 3, False),
    ],
)
def test_what_counts_as_equal(got, wanted, equal):
    assert ("solved" in mark("Ex", lambda: got, wanted).data) == equal


def test_marking_never_stops_the_page():
    shown = BeautifulSoup(mark("Ex", Shy, 3).data, "html.parser").text
    assert shown == "✗ Ex: not yet, got Shy that cannot be shown (RuntimeError)."
    shown = BeautifulSoup(mark("Ex", mute, 3).data, "html.parser").text
    assert shown.endswith("stopped with Mute: Mute that cannot be shown (RuntimeError)")


def test_none_among_answers_is_an_answer():
    assert "solved" in mark("Exercise 1", lambda: [None, 3], [None, 3]).data
    assert "✗" in mark("Exercise 1", lambda: [None, 4], [None, 3]).data


def test_numbers_stand_behind_a_fold_and_are_whole():
    page = BeautifulSoup(numbers(("How *many*?", 1849), ("And?", np.int64(2)), hint="Count.").data, "html.parser")
    lines = page.find_all("li")
    assert [line["data-wants"] for line in lines] == ["1849", "2"] and page.ol["data-hint"] == "Count."
    assert lines[0].span.text == "How many?" and lines[0].details.text == "answer1,849"
    for wrong in (1.5, True, "3"):
        with pytest.raises(ValueError, match=f"a whole number as the answer to 'How', got {wrong!r}"):
            numbers(("How", wrong), hint="Count.")


def test_a_discussion_is_folded():
    page = BeautifulSoup(discussion("One.[✓](#claim-x-1)", "*Two*.").data, "html.parser")
    assert [p.text for p in page.details.find_all("p")] == ["One.✓", "Two."] and not page.details.has_attr("open")
