"""What a page folds away: its checks and its code, and the marks that lead there."""

import formulas
from bs4 import BeautifulSoup
from folds import fold

MARK = '<a class="reference internal" href="#claim-{0}">{1}</a>'


def cell(output: str, code: str = "pass") -> str:
    hidden = f'<details class="admonition hide above-input"><summary>Show code</summary><pre>{code}</pre></details>'
    return f'<div class="cell tag_hide-input">{hidden}<div class="cell_output">{output}</div></div>'


def card(name: str) -> str:
    return f'<div class="claim" id="claim-{name}"><div>It is so.</div><div>✓ measured</div></div>'


def checks(*names: str) -> str:
    return f'<details class="checks"><summary>Checks of this section</summary>{"".join(map(card, names))}</details>'


FIGURE = (
    '<figure class="fig" id="figure-1-1"><div><svg></svg></div>'
    "<figcaption><strong>Figure 1.1.</strong> See.</figcaption></figure>"
)
PAGE = f"""<section id="title"><h1><span class="section-number">1 </span>Title<a class="headerlink">#</a></h1>
<p>First words.</p><div class="cell tag_hide-input"><details class="hide"><summary>Show code</summary><pre>setup</pre>
</details></div>{cell(FIGURE, "draw()")}
<section id="one"><h2>One<a class="headerlink">#</a></h2>
<p>It is so.{MARK.format("x-1", "✓")}{MARK.format("x-2", "❝")} And <em>more</em>{MARK.format("x-3", "⏺")}.</p>
{cell(checks("x-1", "x-2"), "claim(1)")}</section>
<section id="two"><h2>Two</h2><section id="three"><h3>Three</h3>{cell(checks("x-3"), "claim(3)")}</section>
{cell('<details class="discussion"><summary>Discussion</summary><p>So.</p></details>', "discuss()")}
{cell('<div class="answer">Right.</div>', "answer()")}{cell(card("x-4"), "claim(4)")}</section></section>"""


def folded(body: str = PAGE) -> tuple[BeautifulSoup, list[str]]:
    lost: list[str] = []
    return BeautifulSoup(fold(body, lost.append), "html.parser"), lost


def test_checks_of_all_sections_stand_in_one_fold_at_the_end_with_their_code():
    page, lost = folded()
    whole, rest = page.section.find_all("details", recursive=False)
    assert (whole["class"], rest["class"]) == (["checks"], ["rest"]) and lost == []
    assert whole.summary.text == "Checks of this page (3)"
    assert [(line.text, line.a["href"]) for line in whole.select("h3")] == [("One", "#one"), ("Two", "#two")]
    assert [card["id"] for card in whole.select(".claim")] == ["claim-x-1", "claim-x-2", "claim-x-3"]
    assert [code.pre.text for code in whole.select("details.code")] == ["claim(1)", "claim(3)"]
    assert len(whole.select("summary")) == 3 and len(whole.select(".section-checks")) == 2
    assert [line["class"] for line in whole.select(".claim")[0].select("div")] == [["says"], ["found"]]
    assert not page.select("details details details") and len(page.select("details.checks")) == 1


def test_no_code_stands_loose():
    page, _ = folded()
    assert "Show code" not in page.text and not page.select("details.hide")
    assert page.select_one("figure.fig > details.code pre").text == "draw()"
    assert page.select_one("figure.fig > details.code > summary").text == "Code of Figure 1.1"
    assert page.select_one("figure.fig > details.code .visually-hidden").text == " of Figure 1.1"
    assert page.select_one("details.discussion > details.code > summary").text == "Code"
    assert page.select_one("details.discussion > details.code pre").text == "discuss()"
    assert page.select_one("#two > .cell .claim > details.code pre").text == "claim(4)"
    rest = page.select_one("#rest-of-this-page")
    assert [pre.text for pre in rest.select("pre")] == ["setup", "answer()"] and not rest.select("details")
    assert [line.text for line in rest.select("h3")] == ["Title", "Two"]
    assert len(page.select(".cell")) == 4  # those that show nothing any more are gone


def test_marks_are_named_and_stay_with_the_word_before_them():
    page, _ = folded()
    marks = page.select("a.proof-mark")
    assert [mark["aria-label"] for mark in marks] == ["checked: X-1", "quoted: X-2", "recorded: X-3"]
    assert [mark["class"][1] for mark in marks] == ["checked", "quoted", "recorded"]
    together = page.select_one(".proven")
    assert together.text == "so." and together.select("a") == marks[:2]
    assert marks[2].previous_sibling == "\u2060"
    assert page.select_one("#one p").text.replace("\u2060", "") == "It is so. And more."


def test_what_a_screen_reader_lists_has_names():
    exercises = "<p><strong>1. Count.</strong></p><p><strong>2. Guess the <em>sum</em>.</strong> How large?</p>"
    discussion = '<details class="discussion"><summary>{}</summary><p>So.</p></details>'
    outputs = '<div class="output stream"><pre>3</pre></div><div class="output text_html"><p>3</p></div>'
    more = f"{exercises}{discussion.format('Discussion')}{discussion.format('More')}{outputs}</section></section>"
    page, _ = folded(PAGE.removesuffix("</section></section>") + more)
    assert [title.get("aria-label") for title in page.select("h1, h2")][:2] == ["Title", "One"]
    assert {link["aria-label"] for link in page.select(".headerlink")} == {"Link to this section"}
    assert page.select_one("#figure-1-1")["aria-label"] == "Figure 1.1"
    part = "<figure><figcaption><strong>a part</strong></figcaption></figure>"
    nested = folded(PAGE.replace("<div><svg></svg></div>", f"<div>{part}</div>"))[0]
    assert nested.select_one("#figure-1-1")["aria-label"] == "Figure 1.1"
    assert [fold.summary.text for fold in page.select("details.discussion")][1:] == ["Discussion of exercise 2", "More"]
    assert [result.get("aria-label") for result in page.select(".output")] == ["Output", None]


def test_the_legend_names_the_marks_that_the_page_has():
    page, _ = folded()
    legend = page.select_one("#title > p + p.legend")
    assert len(legend.select("svg")) == 3 and "quoted from a paper, " in legend.text
    page, _ = folded(PAGE.replace("❝", "✓"))
    assert len(page.select_one(".legend").select("svg")) == 2 and "quoted" not in page.select_one(".legend").text


def test_a_mark_without_a_claim_is_told():
    assert folded(PAGE.replace('href="#claim-x-2"', 'href="#claim-x-9"'))[1] == ["claim-x-9"]


def test_other_pages_stay_as_they_are():
    body = PAGE.replace('class="checks"', "")
    assert fold(body, list) is body


def test_what_scrolls_takes_the_focus_and_headings_of_tables_have_words():
    wide = '<div class="drawing" style="overflow-x:auto"></div><table><tr><th></th><th>'
    wide += f"{formulas.mathml('g(a_1^2)', False, None)}</th></tr></table>"
    page, _ = folded(PAGE.replace("<p>First", wide + "<p>First"))
    assert page.select_one(".drawing")["tabindex"] == "0"
    assert [cell.name for cell in page.select("tr > *")] == ["td", "th"]
    assert page.select_one("th math")["aria-label"] == "g(a_1^2)"
