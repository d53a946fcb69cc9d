import json

import pytest
from bs4 import BeautifulSoup

from casestudies_lib.page import answer, ask, predict
from casestudies_lib.page.claims import ClaimError


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    monkeypatch.setattr(predict, "_asked", {})


def test_a_question_lists_its_choices_and_gives_nothing_away():
    page = BeautifulSoup(ask(("a", "Which *one*?", ["8", "<44>"]), ("b", "How?", ["so", "not"])).data, "html.parser")
    questions = page.select(".question")
    assert [question["data-ask"] for question in questions] == ["a", "b"]
    assert [item.text for item in questions[0].find_all("li")] == ["8", "<44>"]
    assert questions[1].p.text == "2. How?" and "right" not in str(page)


def test_an_answer_begins_with_the_right_choice():
    ask(("a", "Which?", ["8", "<44>"]), ("b", "How?", ["so", "not"]))
    box = BeautifulSoup(answer("b", "not", "Because.[✓](#claim-x-1)", holds=True).data, "html.parser").div
    assert box.text == "Prediction 2: not. Because.✓" and (box["data-answers"], box["data-right"]) == ("b", "1")
    assert json.loads(box["data-choices"]) == ["so", "not"]


def test_what_was_not_asked_cannot_be_answered():
    with pytest.raises(ValueError, match="two choices or more for 'a'"):
        ask(("a", "Which?", ["8"]))
    ask(("a", "Which?", ["8", "44"]))
    with pytest.raises(ValueError, match=r"asks \(a\), got 'c'"):
        answer("c", "8", "So.", holds=True)
    with pytest.raises(ValueError, match="answer to 'a' to be one of '8', '44', got '9'"):
        answer("a", "9", "So.", holds=True)


def test_an_answer_that_was_measured_otherwise_is_no_answer():
    ask(("a", "Which?", ["8", "44"]))
    with pytest.raises(ClaimError, match="'a' is not '44'"):
        answer("a", "44", "So.", holds=len("8") > 1)
