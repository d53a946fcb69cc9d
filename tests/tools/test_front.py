"""What the start page and the pages for teachers gather from the notebooks."""

import io
from base64 import b64encode

import front
import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image

code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
STUB = """from casestudies_lib.page import mark


def helper():
    return 1


def area(side):
    return None  # your formula


mark("Exercise 1", lambda: area(3), 9)"""
SOLVED = """<details><summary>Solution 1</summary>

```python
def area(side):
    return side**2
```

</details>

**2. On paper.** How many?"""
NUMBERS = (
    '<ol class="numbers"><li data-wants="7"><span>Days?</span><details><summary>answer</summary>7</details></li></ol>'
)
TALK = '<details class="discussion"><summary>Discussion</summary><p>So it is.<a href="#claim-x-1">✓</a></p></details>'
FIGURE = """<figure class="fig" id="figure-3-1"><div><div class="drawing" role="img" aria-label="A drawing.">
<svg width="9"><path id="a"/><use href="#a"/><path clip-path="url(#a)"/></svg></div>
<div class="credit">By <a href="x">her</a></div></div>
<figcaption><strong>Figure 3.1.</strong> What to see: a line. And more.✓</figcaption></figure>"""


def shows(html: str, name: str, source: str = "pass", **about):
    cell = code(source, outputs=[nbformat.v4.new_output("display_data", {"text/html": html})], **about)
    cell.id = name
    return cell


@pytest.fixture
def page(tmp_path):
    cells = [
        text("# A title\n\nFirst words."),
        shows(FIGURE.replace("figure-3-1", "figure-3-0"), "strip"),
        shows(FIGURE, "drawn"),
        text("## Exercises\n\n**1. Area.** Of a square?[✓](#claim-x-1)"),
        shows("not yet", "exercise-1", STUB, metadata={"tags": ["exercise"]}),
        text(SOLVED),
        shows(NUMBERS, "asked"),
        text("**3. Open.** Why?"),
        shows(TALK, "talk"),
        shows('<div class="claim">It is so.</div>', "checks"),
        text("Last words.\n\n## After\n\nNot an exercise."),
        shows(NUMBERS, "later"),
    ]
    path = tmp_path / "03_title.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return front.Page(path)


def test_exercises_are_told_from_their_answers(page):
    parts = front.exercises(page)
    assert [part.text for part in parts if not part.answer] == [
        "**1. Area.** Of a square?",
        "```python\ndef area(side):\n    return None  # your formula\n```",
        "**2. On paper.** How many?",
        "<ol><li>Days?</li></ol>",
        "**3. Open.** Why?",
        "Last words.",
    ]
    answers = [part.text for part in parts if part.answer]
    assert answers == [
        "```python\ndef area(side):\n    return side**2\n```",
        "<ol><li>7</li></ol>",
        "<p>So it is.</p>",
    ]


def test_reading_time_counts_what_a_reader_reads(page):
    assert page.minutes() == 1
    unread = "```python\n" + "word " * 900 + "\n```", "<details><summary>S</summary>" + "word " * 900 + "</details>"
    for more, minutes in (("word " * 200, 2), *((folded, 2) for folded in unread)):
        page.cells.append(text(more))
        assert page.minutes() == minutes
    page.outputs[0][1].figcaption.append("word " * 200)
    assert page.minutes() == 3


def test_a_card_has_its_own_picture_without_a_second_description(page):
    drawing = page.picture("drawn")
    assert drawing is page.picture(None) is page.picture("gone") and drawing.find_parent("figure")["id"] == "figure-3-1"
    made = BeautifulSoup(front.thumbnail(drawing, "card-3"), "html.parser")
    assert made.svg["aria-hidden"] == "true" and not made.select("[role], [aria-label], svg[width]")
    assert made.path["id"] == "card-3-a" and made.use["href"] == "#card-3-a" and "url(#card-3-a)" in str(made)
    assert made.select_one(".credit a").text == "her"


def test_photographs_on_cards_are_small():
    def uri(image: Image.Image) -> str:
        made = io.BytesIO()
        image.save(made, "PNG")
        return f"data:image/png;base64,{b64encode(made.getvalue()).decode()}"

    noise = Image.effect_noise((400, 300), 90)
    small = front.lighter(uri(noise))
    assert small.startswith("data:image/jpeg") and len(small) < len(uri(noise)) / 4
    clear = noise.convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 0))
    for kept in (clear, Image.new("RGB", (9, 9))):
        assert front.lighter(uri(kept)) == uri(kept)


def test_the_tally_parts_the_notes_from_others():
    records = [{"kind": "claim", "verdict": "true"}, {"kind": "claim", "verdict": "wrong"}, {"kind": "quotation"}]
    records += [{"kind": "recorded", "verdict": "wrong", "by": "often said"}]
    words = BeautifulSoup(front.tally(records), "html.parser").text
    assert words == (
        "2 measured, 1 recorded, 1 quoted. Of the notes’ lines: ✓ 1 true, ✗ 1 wrong. Of what others say: ✗ 1 wrong."
    )
    assert front.tally([{"kind": "claim"}]) == "<span>1 measured.</span>"


def test_a_figure_is_named_by_the_beginning_of_its_caption(page):
    assert front.caption_of(page.figure("drawn")) == ("Figure 3.1", "What to see")
    caption = "<figure><figcaption>Figure 3.2. Up (red: more. Blue: less) and down. More.</figcaption></figure>"
    other = BeautifulSoup(caption, "html.parser").figure
    assert front.caption_of(other) == ("Figure 3.2", "Up (red: more. Blue: less) and down.")
    with pytest.raises(ValueError, match="got 'talk': name another"):
        page.figure("talk")
    with pytest.raises(ValueError, match="expected a page that shows"):
        page.shown("[data-ask=nothing]")


def test_an_entry_for_a_bibliography():
    cited = {"type": "book", "title": "Cats: a book", "authors": [{"name": "A"}, {"name": "B"}], "year": 2026}
    entry = front.bibtex({"title": "Cats", "preferred-citation": cited}, "https://example.org")
    lines = entry.splitlines()
    assert lines[0] == "@book{cats2026," and lines[-1] == "}"
    assert lines[1:3] == ["  title  = {{Cats: a book}},", "  author = {{A} and {B}},"]
    assert lines[3:5] == ["  year   = {2026},", "  url    = {https://example.org},"]
    assert "url" not in front.bibtex({"title": "Cats", "preferred-citation": cited}, "")
