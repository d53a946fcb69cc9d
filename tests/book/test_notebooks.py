"""The guards at work on every notebook; a copy that each of them must object to; exercises, budgets, publishing."""

from __future__ import annotations

import ast
import copy
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import guards
import nbformat
import pytest
from guards import PATHS, ROOT, calls_in, html_of, records, shown_in

import notebooks as tool


@pytest.fixture(params=PATHS, ids=lambda path: path.stem, scope="module")
def path(request) -> Path:
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("guard", guards.GUARDS, ids=lambda guard: guard.__name__)
def test_guard(guard, notebook):
    assert guard(notebook) == []


# ------------------------------------------------------------------ words that somebody accepted
def pinned() -> dict:
    return json.loads(guards.WORDS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def told() -> dict:
    return guards.words()


def test_every_word_of_claims_quotations_and_pictures_was_accepted(told):
    """`make words` accepts the changes, and its diff shows them; `make notebooks` does not."""
    assert "\n".join(guards.changed(pinned(), told)) == ""


def test_what_the_book_checks_is_unique_and_enough():
    names = [name for page in pinned()["pages"].values() for name in page["claims"]]
    assert len(names) == len(set(names)) and len(names) > 190
    for page in PATHS:
        kinds = [record["kind"] for record in records(nbformat.read(page, as_version=4))]
        assert 3 * kinds.count("quotation") <= len(kinds), "more than a third of what a page says is quoted"


def first_claim(page: dict, kind: str) -> dict:
    return next(record for record in page["claims"].values() if record["kind"] == kind)


EDITS = {
    "a negation": lambda page: first_claim(page, "claim").update(sentence="It is not so."),
    "two numbers swapped": lambda page: first_claim(page, "claim").update(sentence="60 and 61, not 61 and 60."),
    "a number of a quotation": lambda page: first_claim(page, "quotation").update(sentence="It has 15.4% errors."),
    "a section of a source": lambda page: first_claim(page, "claim").update(source="LeCun 1998, sec. IX"),
    "the words of the notes": lambda page: page["claims"]["ALEX-1"].update(notes="60M parameters"),
    "a verdict": lambda page: page["claims"]["ALEX-1"].update(verdict="true"),
    "a claim made a quotation": lambda page: first_claim(page, "claim").update(kind="quotation"),
    "a claim deleted": lambda page: page["claims"].pop("LENET-15"),
    "a claim added": lambda page: page["claims"].update({"NEW-1": {"kind": "claim", "sentence": "New."}}),
    "a label of an explorer": lambda page: page["labels"].__setitem__(1, "channels out | channels in"),
    "what a measurement is called": lambda page: page["measured"].update({"LENET-12": "of the other layers"}),
    "the task of an exercise": lambda page: page.update(exercises="**1.** Something else."),
    "a claim in another section": lambda page: page["places"].update({"## AlexNet": "LENET-3"}),
    "an alt text": lambda page: page["pictures"].__setitem__(0, "Another picture."),
}


@pytest.mark.parametrize("edit", EDITS)
def test_no_word_changes_silently(edit, told):
    page = "01_classic_networks"
    now = copy.deepcopy(told)
    EDITS[edit](now["pages"][page])
    [line] = guards.changed(told, now)
    assert line.startswith(f"pages {page}") and "was" in line


def test_a_record_does_not_change_silently(told):
    now = copy.deepcopy(told)
    now["records"]["timing.json"] = "0" * 64
    assert len(guards.changed(told, now)) == 1
    stored = [path for folder in (guards.RESULTS, guards.MEASURED) for path in folder.iterdir()]
    assert len(now["records"]) == len(stored) > 8
    now["sources"]["he2015"] = "0" * 16
    assert len(guards.changed(told, now)) == 2, "another paper behind the same key"


@pytest.mark.parametrize("path", guards.PROSE, ids=lambda path: path.name)
def test_pages_without_code_say_nothing_that_only_code_can_prove(path):
    text = path.read_text(encoding="utf-8")
    assert guards.unproved_prose(text) == []
    for words in ("It has 61,706 weights.", "Over 90 percent.", "$10^9$ of them.", "Nobody (2012) found it."):
        assert guards.unproved_prose(f"{text}\n{words}"), words
        for directive in ("cards", "lecture"):
            assert guards.unproved_prose(f"{text}\n```{{{directive}}}\n{words}\n```\n"), words


# ------------------------------------------------------------------ copies that the guards must object to
def first(notebook, what):
    return next(cell for cell in notebook.cells if what(cell))


def prose(notebook):
    return first(notebook, lambda cell: cell.cell_type == "markdown")


def say(words: str, *, under: str = "", before: str = ""):
    """Adds words to the prose, under a heading that starts so."""

    def change(notebook):
        cell = first(notebook, lambda c: c.cell_type == "markdown" and under in c.source)
        cell.source += f"{before} {words}"

    return change


def claiming(notebook, name: str = ""):
    return first(
        notebook,
        lambda c: c.cell_type == "code" and any(r["name"].startswith(name) for o in c.outputs for r in shown_in(o)),
    )


def drawn(notebook):
    return first(notebook, lambda c: c.cell_type == "code" and any("svg" in html_of(o) for o in c.outputs))


def break_alt(notebook):
    for output in drawn(notebook).outputs:
        output["data"]["text/html"] = re.sub(r'aria-label="[^"]*"', 'aria-label=""', html_of(output))


def move_a_mark(notebook):
    """To the end of the paragraph before it: it then stands behind another sentence."""
    cell = first(notebook, lambda c: c.cell_type == "markdown" and re.search(guards.MARK, c.source))
    mark = re.search(guards.MARK, cell.source)[0]
    cell.source = f"Something else.{mark}\n\n{cell.source.replace(mark, '', 1)}"


def mark_as_checked(notebook):
    cell = first(notebook, lambda c: c.cell_type == "markdown" and "[❝](#" in c.source)
    cell.source = cell.source.replace("[❝](#", "[✓](#", 1)


def repeat_a_sentence(notebook):
    marked = {name.upper() for cell in notebook.cells for _, name in re.findall(guards.MARK, cell.source)}
    say(next(r["sentence"] for r in records(notebook) if r["name"] not in marked))(notebook)


def uncaption(notebook):
    for output in drawn(notebook).outputs:
        output["data"]["text/html"] = html_of(output).replace("<figure", "<div").replace("</figure", "</div")


def hide_credit(notebook):
    for output in guards.outputs(notebook):
        if "credit" in html_of(output):
            output["data"]["text/html"] = html_of(output).replace('class="credit"', "")


def show_a_photograph(notebook):
    """As a plain image, and through another name."""
    cell = drawn(notebook)
    cell.source = "picture = photograph()\nother = picture[0]\n" + cell.source + "\nother"
    cell.outputs[0]["data"]["text/html"] += '<img src="data:image/png;base64,"/>'


def first_record(notebook):
    return next(record for output in claiming(notebook).outputs for record in shown_in(output))


def overstate(words: str):
    return lambda notebook: first_record(notebook).update(sentence=first_record(notebook)["sentence"] + words)


def type_in(place: int, code: str, *, name: str = "LENET-3"):
    """Puts other code at the place of what a claim measured (2) or whether it holds (3)."""

    def change(notebook):
        cell = claiming(notebook, name)
        tree = ast.parse(cell.source)
        call = next(call for call in calls_in(tree, "claim") if guards.name_of(call) == name)
        call.args[place] = ast.parse(code, mode="eval").body
        cell.source = ast.unparse(tree)

    return change


def type_a_number(notebook):
    """98.6% in the sentence, and in the measured text beside something that was measured."""
    type_in(2, "f'98.6% of {network.parameters}'")(notebook)
    [record] = [r for r in records(notebook) if r["name"] == "LENET-3"]
    record.update(sentence="98.6% of it.", measured="98.6% of 60000")


def set_before(code: str, what):
    def change(notebook):
        what(notebook)
        cell = claiming(notebook, "LENET-3")
        cell.source = f"{code}\n{cell.source}"

    return change


def retell_alt(words: str):
    def change(notebook):
        cell = first(notebook, lambda c: c.cell_type == "code" and calls_in(ast.parse(c.source), "show"))
        tree = ast.parse(cell.source)
        calls_in(tree, "show")[0].args[2] = ast.Constant(words)
        cell.source = ast.unparse(tree)

    return change


def unmark_record(notebook):
    cell = claiming(notebook, "MOB-18")
    tree = ast.parse(cell.source)
    for call in calls_in(tree, "claim"):
        call.keywords = [keyword for keyword in call.keywords if keyword.arg != "recorded"]
    cell.source = ast.unparse(tree)


BREAKS = {
    "a loose number": (guards.loose_numerals, say("It has 4,321 parts.")),
    "a figure that is not there": (guards.loose_numerals, say("So it was in Figure 4.99.")),
    "a loose percentage": (guards.loose_numerals, say("Over 77% of it.")),
    "a loose magnitude": (guards.loose_numerals, say("About 333M of them.")),
    "a loose unit": (guards.loose_numerals, say("It needs 16 GB.")),
    "a loose share": (guards.loose_numerals, say("It reads 55% of them.")),
    "percent in letters": (guards.loose_numerals, say("It reads 55 percent of them.")),
    "a loose number of days": (guards.loose_numerals, say("It took 6 days.")),
    "a year with a unit": (guards.loose_numerals, say("It has 2012 million weights.")),
    "a year that counts things": (guards.loose_numerals, say("It has 2021 layers.")),
    "a year without a paper": (guards.loose_numerals, say("So it was in 2005.")),
    "a range": (guards.loose_numerals, say("It reads 5-87.3% of them.")),
    "a power of ten": (guards.loose_numerals, say("It has $10^9$ weights.")),
    "a power in small figures": (guards.loose_numerals, say("It has 3 · 10⁸ weights.")),
    "a number in a code fence": (guards.loose_numerals, say("99.9% of them\n```", before="\n\n```\n")),
    "a number of another network": (guards.loose_numerals, say("LeNet-5 has 138,357,544 weights.", under="## LeNet")),
    "a number in alt text": (guards.loose_numerals, retell_alt("A curve that ends at 77.7% after a while.")),
    "a number in a heading": (guards.loose_numerals, say("It counts\n", before="\n\n## 231, not 227\n\n")),
    "a number beside a solution": (guards.loose_numerals, say("987,654 of them</details>", before="\n\n<details>")),
    "a loose number of two digits": (guards.loose_small_numbers, say("It has 87 layers.")),
    "a window that is not square": (guards.loose_small_numbers, say("It has 4×3 kernels.")),
    "a number typed into a print": (guards.typed_numerals, set_before("print('60,000 digits')", lambda n: None)),
    "a sum that does not come out": (guards.false_equations, say("6 · 26 = 157")),
    "a paper's year in other words": (guards.unknown_papers, say("In 2019 Simonyan and Zisserman built it.")),
    "a paper that nobody knows": (guards.unknown_papers, say("Nobody and others (2012) found it.")),
    "a paper of another year": (guards.unknown_papers, say("Krizhevsky 2013 found it.")),
    "a claim that says more": (guards.claims_that_say_more_than_they_measure, overstate(" 98.6%")),
    "a small number more": (guards.claims_that_say_more_than_they_measure, overstate(" It has 7 parts.")),
    "a number word more": (guards.claims_that_say_more_than_they_measure, overstate(" It has nine parts.")),
    "a number typed into the measurement": (guards.claims_that_say_more_than_they_measure, type_a_number),
    "a claim about nothing of ours": (
        guards.unmeasured_claims,
        set_before("x = torch.ones(3)", lambda n: (type_in(2, "f'{x}'")(n), type_in(3, "bool((x > 0).all())")(n))),
    ),
    "a record not marked": (guards.unmeasured_claims, unmark_record),
    "a comparison with itself": (guards.empty_comparisons, type_in(3, "lenet5() == lenet5()")),
    "a comparison of constants": (guards.empty_comparisons, type_in(3, "lenet5() and 33 == 33")),
    "constants behind names": (
        guards.empty_comparisons,
        set_before("places = 256 - 224 + 1", type_in(3, "places == 33")),
    ),
    "a comparison that a constant decides": (guards.empty_comparisons, type_in(3, "lenet5() is None or True")),
    "true of whatever is there": (guards.empty_comparisons, type_in(3, "lenet5() == 1 and bool(network)")),
    "errors on what was learned": (
        guards.tests_on_training,
        lambda n: first(n, lambda c: "on digits it has never seen" in c.source or "error(" in c.source).update(
            source="network, _ = train(lenet5, training, seed=0, epochs=1)\n"
            "print('Of the unseen digits', error(network, training))"
        ),
    ),
    "a claim without its output": (guards.unread_claims, lambda n: claiming(n).update(outputs=[])),
    "a typed-in result": (guards.unread_claims, type_in(3, "1 < 2")),
    "a typed-in measurement": (guards.unread_claims, type_in(2, "f'{999:,} layers'")),
    "a measurement behind a condition": (guards.unread_claims, type_in(2, "'60,000' if network else ''")),
    "a source nobody knows": (guards.unknown_sources, lambda n: first_record(n).update(source="Nobody 1999")),
    "a mark behind another sentence": (guards.homeless_sentences, move_a_mark),
    "a mark that leads nowhere": (guards.homeless_sentences, say("So it is.[✓](#claim-lenet-99)")),
    "a quotation marked as checked": (guards.homeless_sentences, mark_as_checked),
    "a sentence with two homes": (guards.homeless_sentences, repeat_a_sentence),
    "a figure without a caption": (guards.unnumbered_figures, uncaption),
    "words that are not the notes'": (
        guards.unwritten_notes,
        lambda n: next(r for r in records(n) if r["name"] == "ALEX-1").update(notes="60M parameters"),
    ),
    "a role": (guards.not_portable, lambda n: prose(n).update(source="See {ref}`here`.")),
    "a relative image": (guards.not_portable, lambda n: prose(n).update(source="![a](images/a.png)")),
    "a cell never run": (guards.bad_outputs, lambda n: claiming(n).update(execution_count=None)),
    "a cell without output": (guards.bad_outputs, lambda n: drawn(n).update(outputs=[])),
    "a cell that nothing compares": (
        guards.bad_outputs,
        # planted in a copy, because the guard must object to this tag; no notebook carries it
        lambda n: claiming(n).metadata.update(tags=["nbval-ignore-output"]),
    ),
    "a cell that nbval skips": (
        guards.bad_outputs,
        lambda n: claiming(n).update(source="# NBVAL_SKIP\n" + claiming(n).source),
    ),
    "a picture without words": (guards.bad_alt_text, break_alt),
    "a photograph without its credit": (guards.uncredited, hide_credit),
    "a photograph shown in another way": (guards.uncredited, show_a_photograph),
    "a page without a seed": (
        guards.unseeded,
        lambda n: first(n, lambda c: c.id == "imports").update(source="import torch"),
    ),
    "a random id": (guards.not_normal, lambda n: prose(n).update(id="A1B2")),
    "timing metadata": (guards.not_normal, lambda n: claiming(n).metadata.update(execution={"iopub": "2026"})),
    "another setup cell": (
        guards.not_normal,
        lambda n: first(n, lambda c: c.id == "setup").update(source="!pip install x"),
    ),
    "a novel": (guards.too_long, lambda n: prose(n).update(source="word " * 1600)),
}


OTHER_PAGES = {
    "a record not marked": "06_mobilenet",
}


@pytest.mark.parametrize("name", BREAKS)
def test_guards_can_fail(name):
    guard, damage = BREAKS[name]
    page = OTHER_PAGES.get(name, "01_classic_networks")
    notebook = nbformat.read(ROOT / "notebooks" / f"{page}.ipynb", as_version=4)
    before = guard(notebook)
    damage(notebook)
    assert len(guard(notebook)) > len(before), f"{guard.__name__} did not notice {name}"


def test_numbers_are_read_as_a_reader_reads_them():
    said = [number for number, *_ in guards.numerals("ResNet-18 in 2015 has 11.7M and 5-87.3%, 2012 million, 10^9.")]
    assert said == ["11.7 M", "87.3 %", "2012 million", "1000000000"]
    assert guards.numbers_said("Two of 3 parts, 3×3 kernels, one `n = 7`, Fig. 5") == [("3", "3", ""), ("two", "2", "")]
    assert guards.worked_out(ast.parse("f'7 of {n}'", mode="eval").body, "7 of 12") == {(12.0, "")}


def test_a_kernel_that_died_is_started_once_more_and_no_other():
    about = importlib.util.spec_from_file_location("pages", ROOT / "notebooks" / "conftest.py")
    pages = importlib.util.module_from_spec(about)
    about.loader.exec_module(pages)
    answers = [RuntimeError("Kernel died before replying to kernel_info"), "a kernel"]

    def start():
        answer = answers.pop(0)
        if isinstance(answer, str):
            return answer
        raise answer

    assert pages.once_more(start)() == "a kernel"
    answers[:] = [RuntimeError("Kernel died before replying")] * 2
    with pytest.raises(RuntimeError, match="died"):
        pages.once_more(start)()
    answers[:] = [RuntimeError("Kernel didn't respond in 60 seconds"), "a kernel"]
    with pytest.raises(RuntimeError, match="respond"):
        pages.once_more(start)()


def test_a_page_that_breaks_its_promise_of_time_is_red(tmp_path):
    """The budget of notebooks/conftest.py, on a notebook that computes for more than one second."""
    slow = "import time\nwhile time.process_time() < 1.5:\n    pass"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(slow, execution_count=1)])
    nbformat.write(notebook, tmp_path / "slow.ipynb")
    budget = (ROOT / "notebooks" / "conftest.py").read_text()
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "slow.ipynb"]
    apart = ["-n", "1", "--dist", "loadfile"]  # one process runs the notebook, another reports
    own = {key: value for key, value in os.environ.items() if key not in ("IPYTHONDIR", "PERTURBED")}
    fast, slow_too = "REFERENCE = 1e9", "REFERENCE = 1e-9"  # beside this processor: here slowness is 1, or very large
    for most, reference, outcome, more in (
        (60, fast, 0, apart),
        (1, fast, 1, apart),
        (1, fast, 1, []),
        (1, slow_too, 0, apart),
    ):
        written = re.sub(r"REFERENCE = [\d.]+", reference, budget.replace("path.stem, 60)", f"path.stem, {most})"))
        (tmp_path / "conftest.py").write_text(written)
        done = subprocess.run([*command, *more], cwd=tmp_path, env=own, capture_output=True, text=True)
        assert done.returncode == outcome, done.stdout
        assert ("promises less than 1 s of CPU, 1 s on this processor, took" in done.stdout) == bool(outcome)
        assert re.search(r"(?m)^slow: \d+ s of CPU, promised", done.stdout), "the summary, from whichever process"


def test_publishing_writes_address_and_revision_into_every_notebook(tmp_path, monkeypatch):
    copies = []
    for path in PATHS:
        copies.append(tmp_path / path.name)
        copies[-1].write_text(path.read_text())
    monkeypatch.setattr(tool, "NOTEBOOKS", copies)
    monkeypatch.setenv("REPOSITORY_URL", "https://github.com/an_owner/a_fork/")
    with pytest.raises(SystemExit, match="40 hexadecimal digits"):
        tool.publish("v1")
    tool.publish("0" * 40)
    for path, written in zip(PATHS, copies, strict=True):
        before, after = json.loads(path.read_text()), json.loads(written.read_text())
        changed = [new["source"] for old, new in zip(before["cells"], after["cells"], strict=True) if old != new]
        assert len(changed) == 1
        assert f'library = "casestudies-lib @ git+https://github.com/an_owner/a_fork@{"0" * 40}"' in "".join(changed[0])
    monkeypatch.setenv("REPOSITORY_URL", "")
    monkeypatch.setattr(tool, "published", lambda: "")
    with pytest.raises(SystemExit, match="no address: set REPOSITORY_URL"):
        tool.publish("0" * 40)
