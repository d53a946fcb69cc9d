"""The guards of the notebooks: what nbval's comparison does not see, and what makes the book's promise true.

Each guard is a function that lists what is wrong with a notebook; `test_guards_can_fail` breaks a copy for each.
"""

from __future__ import annotations

import ast
import builtins
import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

import notebooks as tool
from casestudies_lib import claims, drawing

ROOT = Path(__file__).resolve().parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
YEARS = {
    "1998",
    "2012",
    "2013",
    "2014",
    "2015",
    "2016",
    "2017",
    "2018",
    "2019",
}  # the papers' years: the only numbers that nothing needs to measure
KNOWN = {"text/html", "text/plain", "text/markdown", claims.MIME, drawing.MIME}

# The fact-check of the lecture notes: what each section has to claim or quote, what may only be quoted because nothing
# but the paper can settle it, and the verdict on each line of the notes.
LEDGER = {
    "01_classic_networks": [
        "GEN-2",
        *(f"LENET-{n}" for n in range(1, 15)),
        *(f"ALEX-{n}" for n in range(1, 19)),
        *(f"VGG-{n}" for n in (*range(1, 16), 20, 21)),
    ],
    "02_resnets": [*(f"RES-{n}" for n in range(1, 19)), *(f"DEEP-{n}" for n in (1, 2, 3, 4, 7, 8, 9, 11, 13))],
    "03_why_resnets_work": ["DEEP-5", "DEEP-6", "DEEP-10", "DEEP-14", *(f"WHY-{n}" for n in (*range(1, 11), 17))],
    "04_networks_in_networks": [*(f"NIN-{n}" for n in range(1, 9)), "NIN-17"],
    "05_inception": [f"INC-{n}" for n in range(1, 17)],
    "06_mobilenet": [*(f"MOB-{n}" for n in range(1, 17)), *(f"MV2-{n}" for n in range(1, 12)), "MV3-1"],
    "07_efficientnet": [f"EFF-{n}" for n in range(1, 16)],
    "08_side_by_side": ["GEN-3", "GEN-4"],
}
QUOTED = {
    *("LENET-14", "ALEX-6", "ALEX-15", "ALEX-18", "VGG-17", "VGG-19", "VGG-20"),
    *("RES-17", "RES-18", "DEEP-8", "DEEP-9", "DEEP-12", "DEEP-14", "WHY-8", "WHY-9", "WHY-16", "WHY-17"),
    *("NIN-6", "NIN-8", "NIN-16", "INC-13", "INC-14", "INC-16"),
    *("MOB-16", "MV2-11", "EFF-1", "EFF-11", "EFF-13"),
}
VERDICTS = {
    "true": {"ALEX-4", "ALEX-5", "VGG-5", "VGG-6", "VGG-7", "VGG-8", "RES-4", "RES-8"},
    "true with a condition": {
        *("GEN-2", "LENET-1", "ALEX-2", "VGG-2", "VGG-4"),
        *("RES-6", "RES-10", "DEEP-1", "DEEP-2", "DEEP-3", "DEEP-6", "WHY-1", "WHY-5"),
        *("NIN-4", "INC-6", "INC-11"),
        *("MOB-13", "MV2-8", "EFF-3", "EFF-4", "GEN-6", "GEN-7", "GEN-9", "GEN-11"),
    },
    "imprecise": {
        *("LENET-6", "VGG-3", "RES-3", "RES-5", "RES-9", "DEEP-4", "DEEP-5", "NIN-5", "INC-9", "INC-13"),
        *("MOB-4", "MV2-6", "EFF-5", "EFF-15", "GEN-3"),
    },
    "wrong": {
        *("ALEX-1", "VGG-1", "NIN-6", "INC-10", "INC-15"),
        *("MOB-6", "MOB-11", "MOB-12", "MV2-4", "MV2-5", "EFF-7", "GEN-4"),
    },
}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def records(notebook):
    return [record for output in outputs(notebook) for record in shown_in(output)]


def shown_in(output) -> list[dict]:
    return output.get("data", {}).get(claims.MIME, [])


def measured_text(output) -> str:
    """The words of an output that the test compares and that count as measured: no listing, no quotation, no drawing of
    trained weights."""
    data = output.get("data", {})
    if claims.MIME in data:
        checked = [record for record in data[claims.MIME] if record["kind"] == "claim"]
        return " ".join(f"{record['sentence']} {record['measured']}" for record in checked)
    page = BeautifulSoup(data.get("text/html", ""), "html.parser")
    for drawn in page.find_all(class_="trained"):
        drawn.decompose()
    return " ".join(
        [output.get("text", ""), "" if "text/html" in data else data.get("text/plain", ""), page.get_text(" ")]
    )


# ------------------------------------------------------------------ numbers in prose (rule 2)
MAGNITUDE = {"thousand": 1e3, "k": 1e3, "million": 1e6, "M": 1e6, "MMACs": 1e6, "billion": 1e9, "G": 1e9, "GMACs": 1e9}
UNITS = (
    *MAGNITUDE,
    "%",
    "GB",
    "MB",
    "kB",
    "ms",
    "s",
    "seconds?",
    "min",
    "minutes?",
    "hours?",
    "times",
    "pixels?",
    "px",
)
PIXELS = {"pixel", "pixels", "px"}
NUMBER = rf"(\d[\d,]*(?:\.\d+)?)(?:\s?((?:{'|'.join(UNITS)})(?!\w)|×(?!\s?\d)))?"


def numerals(text: str) -> list[tuple[str, str, str]]:
    """Numbers that need a measurement (three digits, a decimal, a unit): as written, digits, unit."""
    found = []
    for written, unit in re.findall(r"(?<![\w.-])" + NUMBER, re.sub(r"https?://\S+", "", text)):
        written = written.rstrip(",")
        digits = written.replace(",", "")
        if (unit or "." in digits or len(digits) >= 3) and written not in YEARS:
            found.append((f"{written} {unit}".strip(), digits, unit))
    return found


def numbers_in(text: str) -> set[tuple[float, str]]:
    """Every number of a text with its unit; pixels are plain numbers."""
    found = re.findall(NUMBER, text)
    return {(float(digits.replace(",", "").rstrip(".")), "" if unit in PIXELS else unit) for digits, unit in found}


def backed(digits: str, unit: str, known: set[tuple[float, str]]) -> bool:
    """Whether a measured number is this one, to the digits in which it is written (`138M` backs on 138,357,544)."""
    value, places = float(digits), len(digits.partition(".")[2])
    if unit in MAGNITUDE:
        return any(round(number / MAGNITUDE[unit], places) == value for number, _ in known)
    return (value, "" if unit in PIXELS else unit) in known


def loose_numerals(notebook) -> list[str]:
    known = numbers_in(" ".join(measured_text(output) for output in outputs(notebook)))
    wrong = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
            wrong += [written for written, digits, unit in numerals(prose) if not backed(digits, unit, known)]
    return wrong


def calls_in(cell, *names: str) -> list[ast.Call]:
    nodes = ast.walk(ast.parse(cell.source))
    return [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in names]


def argument(call: ast.Call, place: int, name: str) -> ast.expr:
    return call.args[place] if len(call.args) > place else next(k.value for k in call.keywords if k.arg == name)


def claims_that_say_more_than_they_measure(notebook) -> list[str]:
    """Numbers in a claim's sentence that neither its measurement nor the comparison that decides it contains."""
    wrong = []
    for cell in code_cells(notebook):
        compared = {}
        for call in calls_in(cell, "claim"):
            nodes = ast.walk(argument(call, 3, "holds"))
            numbers = [
                float(n.value) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, (int, float))
            ]
            both = {(number, unit) for number in numbers for unit in ("", "times")}
            both |= {(round(100 * number, 6), "%") for number in numbers}
            compared[argument(call, 0, "name").value] = both
        for record in (record for output in cell.outputs for record in shown_in(output)):
            if record["kind"] == "claim":
                known = compared.get(record["name"], set()) | numbers_in(record["measured"])
                needed = numerals(record["sentence"])
                wrong += [f"{record['name']}: {w}" for w, digits, unit in needed if not backed(digits, unit, known)]
    return wrong


# ------------------------------------------------------------------ claims (rule 1)
def unread_claims(notebook) -> list[str]:
    """Claims and figures in the code that the stored outputs lack, and claims whose result is typed in."""
    wrong = []
    for cell in code_cells(notebook):
        written = [argument(call, 0, "name").value for call in calls_in(cell, "claim", "quotation")]
        shown = [record["name"] for output in cell.outputs for record in shown_in(output)]
        if sorted(written) != sorted(shown):
            wrong.append(f"{cell.id}: the code claims {written}, the outputs show {shown}")
        if len(calls_in(cell, "show")) != sum(drawing.MIME in o.get("data", {}) for o in cell.outputs):
            wrong.append(f"{cell.id}: figures in the code and in the outputs differ in number")
        for call in calls_in(cell, "claim"):
            name = argument(call, 0, "name").value
            for place, what in ((2, "measured"), (3, "holds")):
                nodes = list(ast.walk(argument(call, place, what)))
                if not any(isinstance(n, ast.Name) and not hasattr(builtins, n.id) for n in nodes):
                    wrong.append(f"{name}: {what} is typed in, not worked out")
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
        ignores = [tag for tag in tags if tag.startswith("nbval") or tag == "raises-exception"]
        ignores += re.findall(r"#\s*(?:NBVAL|PYTEST_VALIDATE)_\w+", cell.source)
        if ignores and "# nbval:" not in cell.source:
            wrong.append(f"{cell.id}: {ignores} without a reason in a comment that starts with '# nbval:'")
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


def uncredited(notebook) -> list[str]:
    """Photographs without the line that names photographer and licence, in whatever way a cell shows them."""
    wrong, photographs = [], {"photograph"}
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        for one in sorted(assignments, key=lambda node: node.lineno):
            names = set().union(*map(names_in, one.targets))
            photographs = photographs | names if photographs & names_in(one.value) else photographs - names
        for page in map(visible_html, cell.outputs):
            shows = "data:image/jpeg" in page or ("data:image/" in page and photographs & names_in(tree))
            if shows and not BeautifulSoup(page, "html.parser").select(".credit a[href]"):
                wrong.append(f"{cell.id}: a photograph without its credit")
    return wrong


def names_in(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def unseeded(notebook) -> list[str]:
    """Random numbers that differ from run to run: torch's generator starts anywhere until it is seeded."""
    imports = next(cell.source for cell in notebook.cells if cell.id == "imports")
    last = ast.unparse(ast.parse(imports).body[-1])
    return [] if re.fullmatch(r"rng = torch\.manual_seed\(\d+\)", last) else ["imports: does not end by seeding torch"]


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
    uncredited,
    unseeded,
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


def against_ledger(notebooks: dict) -> list[str]:
    """Claims that are missing, twice, demoted to a quotation, or answer a line of the notes with another verdict."""
    wrong = []
    shown = {name: records(notebook) for name, notebook in notebooks.items()}
    everything = [record for section in shown.values() for record in section]
    names = [record["name"] for record in everything]
    wrong += [f"{name}: twice" for name in names if names.count(name) > 1]
    for section, needed in LEDGER.items():
        wrong += [f"{name}: missing" for name in set(needed) - {record["name"] for record in shown[section]}]
    quoted = {record["name"] for record in everything if record["kind"] == "quotation"}
    wrong += [f"{name}: quoted, not checked, or the reverse" for name in quoted ^ QUOTED]
    verdicts = {record["name"]: record["verdict"] for record in everything if "verdict" in record}
    wanted = {name: verdict for verdict, those in VERDICTS.items() for name in those}
    for name in verdicts.keys() | wanted.keys():
        if verdicts.get(name) != wanted.get(name):
            wrong.append(f"{name}: {verdicts.get(name)}, the ledger says {wanted.get(name)}")
    return wrong


def test_the_ledger_is_kept():
    stored = {path.stem: nbformat.read(path, as_version=4) for path in PATHS}
    assert set(stored) == set(LEDGER)
    assert against_ledger(stored) == []
    for change in ({"kind": "quotation"}, {"verdict": "true"}, {"name": "NEW-1"}):
        broken = copy.deepcopy(stored)
        record = next(r for n in broken.values() for r in records(n) if r.get("verdict") == "wrong")
        record.update(change)
        assert against_ledger(broken), change


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


def hide_credit(notebook):
    for output in outputs(notebook):
        if "credit" in visible_html(output):
            output["data"]["text/html"] = visible_html(output).replace('class="credit"', "")


def show_a_photograph(notebook):
    """As a plain image, and through another name."""
    cell = drawn(notebook)
    cell.source = "picture = photograph()\nother = picture[0]\n" + cell.source + "\nother"
    cell.outputs[0]["data"]["text/html"] += '<img src="data:image/png;base64,"/>'


def first_record(notebook):
    return next(record for output in claiming(notebook).outputs for record in shown_in(output))


def overstate(notebook):
    first_record(notebook)["sentence"] += " 98.6%"


def type_in(notebook, place, code):
    cell = claiming(notebook)
    tree = ast.parse(cell.source)
    call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "claim")
    call.args[place] = ast.parse(code, mode="eval").body
    cell.source = ast.unparse(tree)


def unsourced(notebook):
    first_record(notebook)["source"] = "Nobody 1999"


BREAKS = {
    "a loose number": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " It has 4,321 parts.")),
    "a loose percentage": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " Over 77% of it.")),
    "a loose magnitude": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " About 333M of them.")),
    "a claim that says more": (claims_that_say_more_than_they_measure, overstate),
    "a claim without its output": (unread_claims, lambda n: claiming(n).update(outputs=[])),
    "a typed-in result": (unread_claims, lambda n: type_in(n, 3, "1 < 2")),
    "a typed-in measurement": (unread_claims, lambda n: type_in(n, 2, "f'{999:,} layers'")),
    "a source nobody knows": (unknown_sources, unsourced),
    "a role": (not_portable, lambda n: prose(n).update(source="See {ref}`here`.")),
    "a relative image": (not_portable, lambda n: prose(n).update(source="![a](images/a.png)")),
    "a cell never run": (bad_outputs, lambda n: claiming(n).update(execution_count=None)),
    "a cell without output": (bad_outputs, lambda n: drawn(n).update(outputs=[])),
    # planted here so that the guard must object to it; no notebook carries this tag
    "a cell that nothing compares": (bad_outputs, lambda n: claiming(n).metadata.update(tags=["nbval-ignore-output"])),
    "a cell that nbval skips": (
        bad_outputs,
        lambda n: claiming(n).update(source="# NBVAL_SKIP\n" + claiming(n).source),
    ),
    "a loose unit": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " It needs 16 GB.")),
    "a loose share": (loose_numerals, lambda n: prose(n).update(source=prose(n).source + " It reads 55% of them.")),
    "a picture without words": (bad_alt_text, break_alt),
    "a photograph without its credit": (uncredited, hide_credit),
    "a photograph shown in another way": (uncredited, show_a_photograph),
    "a page without a seed": (
        unseeded,
        lambda n: first(n, lambda c: c.id == "imports").update(source="import torch"),
    ),
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


def test_a_page_that_breaks_its_promise_of_time_is_red(tmp_path):
    """The budget of notebooks/conftest.py, on a notebook that computes for two seconds."""
    slow = "import time\nwhile time.process_time() < 2.5:\n    pass"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(slow, execution_count=1)])
    nbformat.write(notebook, tmp_path / "slow.ipynb")
    budget = (ROOT / "notebooks" / "conftest.py").read_text()
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "slow.ipynb"]
    for most, outcome in ((60, 0), (2, 1)):
        (tmp_path / "conftest.py").write_text(budget.replace("path.stem, 60)", f"path.stem, {most})"))
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == outcome, done.stdout
        assert ("slow promises less than 2 s of CPU, took" in done.stdout) == bool(outcome)


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
