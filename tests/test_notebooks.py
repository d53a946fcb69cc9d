"""The guards of the notebooks: what nbval's comparison does not see, and what makes the book's promise true.

Each guard is a function that lists what is wrong with a notebook; `test_guards_can_fail` breaks a copy for each.
"""

from __future__ import annotations

import ast
import copy
import json
import re
import resource
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient

import notebooks as tool
from casestudies_lib import claims, drawing

ROOT = Path(__file__).resolve().parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
YEARS = {"1998", "2012", "2014"}  # the papers' years: the only numbers that nothing needs to measure
KNOWN = {"text/html", "text/plain", "text/markdown", claims.MIME, drawing.MIME}

# The fact-check of the lecture notes: what each section has to claim, quote or correct.
LEDGER = {
    "01_classic_networks": [
        "GEN-2",
        *(f"LENET-{n}" for n in range(1, 15)),
        *(f"ALEX-{n}" for n in range(1, 18)),
        *(f"VGG-{n}" for n in range(1, 16)),
    ]
}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def records(notebook):
    return [record for output in outputs(notebook) for record in shown_in(output)]


def shown_in(output) -> list[dict]:
    return output.get("data", {}).get(claims.MIME, [])


def visible_text(output) -> str:
    data = output.get("data", {})
    page = BeautifulSoup(data.get("text/html", ""), "html.parser").get_text(" ")
    return " ".join([output.get("text", ""), data.get("text/plain", ""), data.get("text/markdown", ""), page])


# ------------------------------------------------------------------ numbers in prose (rule 2)
UNITS = r"%|k\b|M\b|G\b|million|billion|px\b|pixels?\b|s\b|seconds?\b"
NUMERAL = re.compile(rf"(?<![\w.-])(\d[\d,]*(?:\.\d+)?)(?:\s?({UNITS}))?")
MAGNITUDE = {"k": 1e3, "M": 1e6, "million": 1e6, "G": 1e9, "billion": 1e9}


def numerals(text: str) -> list[tuple[str, str, float]]:
    """Numbers that need a measurement (three digits, a decimal, %, a unit): as written, digits, magnitude."""
    found = []
    for written, unit in NUMERAL.findall(re.sub(r"https?://\S+", "", text)):
        written = written.rstrip(",")
        digits = written.replace(",", "")
        if unit or "." in digits or len(digits) >= 3:
            found.append((f"{written} {unit}".strip(), digits, MAGNITUDE.get(unit, 1.0)))
    return found


def numbers_in(text: str) -> set[float]:
    return {float(n.replace(",", "").rstrip(".")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def backed(digits: str, unit: float, known: set[float]) -> bool:
    """Whether a measured number is this one, to the digits in which it is written (`138M` backs on 138,357,544)."""
    value, places = float(digits), len(digits.partition(".")[2])
    return any(round(number / unit, places) == value for number in known) if unit > 1 else value in known


def loose_numerals(notebook) -> list[str]:
    known = numbers_in(" ".join(visible_text(output) for output in outputs(notebook)))
    wrong = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
            wrong += [w for w, digits, unit in numerals(prose) if w not in YEARS and not backed(digits, unit, known)]
    return wrong


def claims_that_say_more_than_they_measure(notebook) -> list[str]:
    """Numbers in a claim's sentence that neither its measurement nor a number in its cell's code backs."""
    wrong = []
    for cell in code_cells(notebook):
        nodes = ast.walk(ast.parse(cell.source))
        literals = {float(n.value) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, (int, float))}
        literals |= {round(100 * value, 6) for value in literals}
        for output in cell.outputs:
            for record in shown_in(output):
                if record["kind"] == "claim":
                    known = literals | numbers_in(record["measured"])
                    needed = [n for n in numerals(record["sentence"]) if n[0] not in YEARS]
                    wrong += [f"{record['name']}: {w}" for w, digits, unit in needed if not backed(digits, unit, known)]
    return wrong


# ------------------------------------------------------------------ claims (rule 1)
def unread_claims(notebook) -> list[str]:
    """Claims and figures in the code that the stored outputs lack, and claims whose result is typed in."""
    wrong = []
    for cell in code_cells(notebook):
        calls = [
            n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        ]
        written = [n.args[0].value for n in calls if n.func.id in ("claim", "quotation")]
        shown = [record["name"] for output in cell.outputs for record in shown_in(output)]
        if sorted(written) != sorted(shown):
            wrong.append(f"{cell.id}: the code claims {written}, the outputs show {shown}")
        if sum(n.func.id == "show" for n in calls) != sum(drawing.MIME in o.get("data", {}) for o in cell.outputs):
            wrong.append(f"{cell.id}: figures in the code and in the outputs differ in number")
        wrong += [
            f"{n.args[0].value}: holds is the constant {n.args[3].value}"
            for n in calls
            if n.func.id == "claim" and isinstance(n.args[3], ast.Constant)
        ]
    return wrong


def unknown_sources(notebook) -> list[str]:
    """Sources that neither the bibliography nor the page itself holds."""
    known = set(re.findall(r"@\w+{(\w+),", (ROOT / "book" / "references.bib").read_text()))
    keys = {r["name"]: "".join(r["source"].split(",")[0].split(" ")[:2]).lower() for r in records(notebook)}
    return [f"{name}: {key}" for name, key in keys.items() if key not in known | {"countedhere", "measuredhere"}]


# ------------------------------------------------------------------ portable Markdown (rule 3)
NOT_PORTABLE = {
    "a role": r"{[\w:-]+}`",
    "a directive": r"```{|~~~{",
    "a colon fence": r"(?m)^:::",
    "a target": r"(?m)^\([\w-]+\)=",
    "a relative image": r"!\[[^\]]*\]\((?!https:|data:)",
    "a relative link": r"(?<!!)\[[^\]]+\]\((?!https:|#)",
    "an attribute block": r"\]{[.#]",
}


def not_portable(notebook) -> list[str]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return [f"{c.id}: {what}" for c in cells for what, how in NOT_PORTABLE.items() if re.search(how, c.source)]


# ------------------------------------------------------------------ stored outputs (rule 5)
SILENT = (ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.If)


def bad_outputs(notebook) -> list[str]:
    wrong = []
    for count, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != count:
            wrong.append(f"{cell.id}: execution count {cell.execution_count}, not {count}")
        if not cell.outputs and not isinstance(ast.parse(cell.source).body[-1], SILENT):
            wrong.append(f"{cell.id}: no stored output")
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                wrong.append(f"{cell.id}: stores an error")
            if strange := set(output.get("data", {})) - KNOWN:
                wrong.append(f"{cell.id}: stores {sorted(strange)}, which nothing compares")
        tags = cell.metadata.get("tags", [])
        if any(tag.startswith("nbval") or tag == "raises-exception" for tag in tags) and "# nbval:" not in cell.source:
            wrong.append(f"{cell.id}: {tags} without a reason in a comment that starts with '# nbval:'")
    return wrong


def bad_alt_text(notebook) -> list[str]:
    """Pictures without words for those who do not see them."""
    wrong = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            page = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser")
            for picture in page.find_all(["svg", "img"]):
                spoken = [picture, *picture.parents]
                if not any(p.get("role") == "img" and len(p.get("aria-label", "")) > 20 for p in spoken):
                    wrong.append(f"{cell.id}: a picture without alt text")
    return wrong


# ------------------------------------------------------------------ form
def not_normal(notebook) -> list[str]:
    wrong = [] if tool.normal(copy.deepcopy(notebook)) == as_stored(notebook) else ["not as `make notebooks` stores it"]
    ids = [cell.id for cell in notebook.cells]
    wrong += [f"{cell_id}: twice" for cell_id in set(ids) if ids.count(cell_id) > 1]
    wrong += [f"{cell_id}: not a readable id" for cell_id in ids if not re.fullmatch(r"[a-z][a-z0-9-]+", cell_id)]
    setup = next(cell for cell in notebook.cells if cell.id == "setup")
    wrong += [] if setup.source == tool.setup_cell(tool.configured()) else ["setup: not the cell of tools/notebooks.py"]
    return wrong


def as_stored(notebook) -> str:
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def too_long(notebook) -> list[str]:
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    words = sum(len(re.sub(r"```.*?```", "", source, flags=re.DOTALL).split()) for source in cells)
    return [f"{words} words, over 1,500"] if words > 1500 else []


GUARDS = [
    loose_numerals,
    claims_that_say_more_than_they_measure,
    unread_claims,
    unknown_sources,
    not_portable,
    bad_outputs,
    bad_alt_text,
    not_normal,
    too_long,
]


@pytest.fixture(params=PATHS, ids=lambda path: path.stem, scope="module")
def path(request) -> Path:
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_guard(guard, notebook):
    assert guard(notebook) == []


def test_the_ledger_is_covered_and_names_are_unique():
    names = {path.stem: [record["name"] for record in records(nbformat.read(path, as_version=4))] for path in PATHS}
    everything = [name for section in names.values() for name in section]
    assert len(everything) == len(set(everything))
    assert set(names) == set(LEDGER)
    for section, needed in LEDGER.items():
        assert set(needed) <= set(names[section])


def first(notebook, what):
    return next(cell for cell in notebook.cells if what(cell))


def prose(notebook):
    return first(notebook, lambda cell: cell.cell_type == "markdown")


def claiming(notebook):
    return first(notebook, lambda c: c.cell_type == "code" and any(claims.MIME in o.get("data", {}) for o in c.outputs))


def drawn(notebook):
    return first(notebook, lambda c: c.cell_type == "code" and any("svg" in visible_html(o) for o in c.outputs))


def visible_html(output) -> str:
    return output.get("data", {}).get("text/html", "")


def break_alt(notebook):
    for output in drawn(notebook).outputs:
        output["data"]["text/html"] = re.sub(r'aria-label="[^"]*"', 'aria-label=""', visible_html(output))


def first_record(notebook):
    return next(record for output in claiming(notebook).outputs for record in shown_in(output))


def overstate(notebook):
    first_record(notebook)["sentence"] += " 98.6%"


def type_in_the_result(notebook):
    cell = claiming(notebook)
    tree = ast.parse(cell.source)
    call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "claim")
    call.args[3] = ast.Constant(True)
    cell.source = ast.unparse(tree)


def unsourced(notebook):
    first_record(notebook)["source"] = "Nobody 1999"


BREAKS = {
    "a loose number": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " It has 4,321 parts.")),
    "a loose percentage": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " Over 77% of it.")),
    "a loose magnitude": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " About 333M of them.")),
    "a claim that says more": (claims_that_say_more_than_they_measure, overstate),
    "a claim without its output": (unread_claims, lambda n: claiming(n).update(outputs=[])),
    "a typed-in result": (unread_claims, type_in_the_result),
    "a source nobody knows": (unknown_sources, unsourced),
    "a role": (not_portable, lambda n: prose(n).update(source="See {ref}`here`.")),
    "a relative image": (not_portable, lambda n: prose(n).update(source="![a](images/a.png)")),
    "a cell never run": (bad_outputs, lambda n: claiming(n).update(execution_count=None)),
    "a cell without output": (bad_outputs, lambda n: drawn(n).update(outputs=[])),
    "a cell that nothing compares": (bad_outputs, lambda n: claiming(n).metadata.update(tags=["nbval-ignore-output"])),
    "a picture without words": (bad_alt_text, break_alt),
    "a random id": (not_normal, lambda n: prose(n).update(id="A1B2")),
    "timing metadata": (not_normal, lambda n: claiming(n).metadata.update(execution={"iopub": "2026"})),
    "another setup cell": (not_normal, lambda n: first(n, lambda c: c.id == "setup").update(source="!pip install x")),
    "a novel": (too_long, lambda n: prose(n).update(source="word " * 1600)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_guards_can_fail(name):
    guard, damage = BREAKS[name]
    notebook = nbformat.read(PATHS[0], as_version=4)
    damage(notebook)
    assert guard(notebook), f"{guard.__name__} did not notice {name}"


def test_exercises_fail_as_they_stand_and_their_solutions_pass(notebook):
    imports = first(notebook, lambda cell: cell.id == "imports").source
    exercises = [i for i, cell in enumerate(notebook.cells) if "exercise" in cell.metadata.get("tags", [])]
    assert 2 <= len(exercises) <= 5
    for i in exercises:
        stub, solution = notebook.cells[i], notebook.cells[i + 1].source
        assert "not yet" in stub.outputs[-1]["data"]["text/html"]
        answer = re.search(r"<details>.*?```python\n(.*?)```.*?</details>", solution, re.DOTALL).group(1)
        [answered] = ast.parse(answer).body
        tree = ast.parse(stub.source)
        place = next(k for k, node in enumerate(tree.body) if getattr(node, "name", None) == answered.name)
        for body, verdict in ((tree.body[place], "not yet"), (answered, "solved")):
            tree.body[place] = body
            space: dict = {}
            exec(compile(imports, "imports", "exec"), space)
            exec(compile(ast.Module(tree.body[:-1], []), stub.id, "exec"), space)
            marked = eval(compile(ast.Expression(tree.body[-1].value), stub.id, "eval"), space)
            assert verdict in marked.data, (stub.id, verdict)


def test_a_notebook_runs_in_under_a_minute_of_cpu(path, notebook):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert 1 < spent < 60, f"{spent:.0f} s of CPU"


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
