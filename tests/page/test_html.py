"""Tags escape what is not markup; a table, a bar and a frame."""

from bs4 import BeautifulSoup
from markupsafe import Markup

from casestudies_lib.page.html import bar, drawing, joined, table, tag

NASTY = """<b>"x" & 'y'</script>"""


def test_plain_text_is_escaped_and_markup_is_not():
    made = tag("p", NASTY, tag("b", NASTY), 3, title=NASTY, data_x=Markup(NASTY), id=None)
    shown = BeautifulSoup(made, "html.parser")
    assert type(made) is Markup and len(shown.find_all(True)) == 2
    assert shown.p.text == NASTY + NASTY + "3" and shown.p.attrs == {"title": NASTY, "data-x": NASTY}
    assert tag("br") == "<br/>" and joined("<", tag("br")) == "&lt;<br/>"


def test_a_table_has_a_name_heads_and_sums():
    columns = [(NASTY, {"style": "text-align:left"}), (tag("i", "n"), {"style": "color:red", "aria_sort": "none"})]
    shown = BeautifulSoup(table(NASTY, columns, [(NASTY, 1), ("b", 2)], caption=NASTY, foot=("all", 3)), "html.parser")
    assert shown.div["aria-label"] == shown.caption.text == shown.th.text == shown.tbody.th.text == NASTY
    assert [cell.text for cell in shown.find_all("td")] == ["1", "2", "3"] and shown.tfoot.th["scope"] == "row"
    assert {cell["style"] for cell in shown.select("tr > :nth-child(2)")} == {"color:red"}
    assert shown.thead.find_all("th")[1]["aria-sort"] == "none" and shown.thead.i
    unnamed = BeautifulSoup(table("x", columns, [("a", 1)], named=False), "html.parser")
    assert not unnamed.tbody.th and not unnamed.caption and not unnamed.tfoot


def test_a_bar_and_a_frame():
    assert bar(0.125, "red", 4, style=";margin:0", title="x") == (
        '<div class="bar" style="height:4px;background:red;width:12.5%;margin:0" title="x"></div>'
    )
    shown = BeautifulSoup(drawing(NASTY, tag("svg"), kind="drawing trained"), "html.parser")
    assert shown.div["aria-label"] == NASTY and shown.div["role"] == "img" and shown.div["class"][0] == "drawing"
