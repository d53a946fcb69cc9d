"""False edits of the prose: which there are, whose objections count, and what is stored."""

import json

import edits
import guards
import measured
import nbformat
import pytest

TEXT = """## Two things

In 2015 ResNet-50 had 50 layers and 25.6 million weights.[✓](#claim-res-1) It is deeper than VGG-16, not wider, and has
`3` kinds of $5$ blocks, see [four](https://example.org/7).
"""


def made_of(text: str) -> list[edits.Edit]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text, id="told")])
    return list(edits.edits("page", notebook))


def test_words_that_can_be_false_are_changed_and_code_formulas_and_links_are_not():
    found = {(edit.kind, TEXT[edit.start : edit.end], edit.new) for edit in made_of(TEXT)}
    assert found == {
        ("year", "2015", "2016"),
        ("network", "ResNet-50", "MobileNetV2"),
        ("number", "50", "51"),
        ("number", "25.6", "25.7"),
        ("mark", "[✓](#claim-res-1)", ""),
        ("negation", "is", "is not"),
        ("comparison", "deeper", "shallower"),
        ("network", "VGG-16", "GoogLeNet"),
        ("comparison", "wider", "narrower"),
    } | {("negation", "has", "has not")}


def test_a_sentence_with_a_mark_is_told_from_others():
    marked = {edit.kind for edit in made_of(TEXT) if edit.marked}
    assert marked == {"year", "network", "number", "mark"}
    assert next(edit for edit in made_of(TEXT) if edit.kind == "year").before.startswith("In 2015 ResNet-50")


@pytest.fixture(scope="module")
def page():
    path = next(path for path in guards.PATHS if path.stem.startswith("10"))
    return path.stem, nbformat.read(path, as_version=4)


def test_an_edit_of_a_marked_number_is_noticed_and_of_an_unmarked_word_is_not(page):
    name, notebook = page
    accepted = guards.words_of(notebook)
    everything = list(edits.edits(name, notebook))
    marked = next(edit for edit in everything if edit.marked and edit.kind == "number")
    assert edits.noticed(marked, notebook, accepted)
    other = next(edit for edit in everything if not edit.marked and edit.kind == "comparison")
    assert edits.noticed(other, notebook, accepted) == "", "a guard now sees more: this test wants another edit"


def test_the_shares_are_those_of_the_edits():
    year, other = (next(edit for edit in made_of(TEXT) if edit.kind == kind) for kind in ("year", "comparison"))
    table = edits.table([(year, "homeless_sentences"), (year, ""), (other, "")], 10)
    assert table.rows == [["comparison", "–", "0 of 1"], ["year", "1 of 2", "–"], ["all", "1 of 2", "0 of 1"]]


def test_a_measurement_is_stored_as_a_whole_and_shown(tmp_path):
    table = measured.Table("Told <here>", ["what", "how many"], [["edits", "1 of 2"]])
    measured.store("told", "make told", [table], {"Not noticed": ["a < b"], "None": []}, tmp_path, more=[1])
    found = json.loads((tmp_path / "told.json").read_text())
    assert found["more"] == [1] and found["date"] and found["commit"] and found["processor"]
    html = str(measured.shown(found))
    assert "Told &lt;here&gt;" in html and ">1 of 2</td>" in html and "a &lt; b" in html and "None" not in html
    assert found["commit"] in html and "make told" in html
    with pytest.raises(TypeError):
        measured.store("told", "make told", [table], {}, tmp_path, more=object())
    assert json.loads((tmp_path / "told.json").read_text()) == found, "what was stored before is still there"
