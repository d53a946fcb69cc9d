"""The library's own source and tables, as a page shows them."""

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from casestudies_lib.lenet import Subsampling, lenet5
from casestudies_lib.page.listing import source, table


def test_source_is_the_librarys_own_less_docstrings():
    code = source(Subsampling, lenet5).data
    assert "class Subsampling(nn.Module):\n    one_row = True" in code and "def lenet5(" in code
    assert '"""' not in code and code.count("```python") == 2
    for block in code.split("```python\n")[1:]:
        compile(block.removesuffix("\n```").rstrip("`\n"), "page", "exec")


def test_numbers_stand_at_the_right_and_words_at_the_left():
    rows = [("a", "long"), ("b", "short")]
    number, word = (table("Sizes", ("layer", "size"), rows, words=words).data for words in (False, True))
    assert "text-align:right" in number and "text-align:right" not in word


def test_markup_stays_markup_and_words_do_not_become_it():
    shown = BeautifulSoup(table("Links", ("a", "b", "c"), [("x", Markup("<b>y</b>"), "<b>z</b>")]).data, "html.parser")
    assert [cell.find("b") is not None for cell in shown.find_all("td")] == [True, False]
    assert shown.find_all("td")[1].text == "<b>z</b>"


def test_a_table_of_numbers():
    html = table("Sizes", ("layer", "K", "M"), [("a<b", 1234, 0.25), ("c", None, "6 or 7"), ("d", True, 0)]).data
    shown = BeautifulSoup(html, "html.parser")
    cells = ["layer", "K", "M", "a<b", "1,234", "0.2", "c", "", "6 or 7", "d", "True", "0"]
    assert [cell.text for cell in shown.find_all(["th", "td"])] == cells
    assert shown.caption.text == shown.div["aria-label"] == "Sizes"
    for row, message in (
        (("a", 1), "3 cells in every row, got 2"),
        (("a", 1, float("nan")), "finite numbers, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            table("Sizes", ("layer", "K", "M"), [row])
