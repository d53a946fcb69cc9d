"""The mutants that `make mutants` makes, which tests it lets them meet, and that it goes on from where it stopped."""

import json
import shutil
import sys
import time

import mutants as tool
import nbformat
import pytest
from address import ROOT

SMALL = '''
"""A docstring with 1 and True."""
from __future__ import annotations
SIZES: dict[int, float] = {1: 0.5}

@decorated(deep=True)
def area(side: Literal[1] = 0, *, deep: bool = False) -> float:
    if side < 1 and not deep:
        raise ValueError(f"{side + 1}" + str(side - 1))
    call(
        side,  # - is no minus
        deep=deep,
    )
    side *= -2
    return min(side // 2, SIZES[1]) if deep is None else f"{side - 1}"

if __name__ == "__main__":
    area(3)
'''
CHANGED = [
    "SIZES: dict[int, float] = {0: 0.5}",
    "SIZES: dict[int, float] = {1: 1.0}",
    "def area(side: Literal[1] = 1, *, deep: bool = False) -> float:",
    "def area(side: Literal[1] = 0, *, deep: bool = True) -> float:",
    "if side <= 1 and not deep:",
    "if side < 0 and not deep:",
    "if side < 1 or not deep:",
    "if side < 1 and deep:",
    "pass",
    "side, # - is no minus",
    "side /= -2",
    "side *= +2",
    "side *= -3",
    'return max(side // 2, SIZES[1]) if deep is None else f"{side - 1}"',
    'return min(side / 2, SIZES[1]) if deep is None else f"{side - 1}"',
    'return min(side // 3, SIZES[1]) if deep is None else f"{side - 1}"',
    'return min(side // 2, SIZES[0]) if deep is None else f"{side - 1}"',
    'return min(side // 2, SIZES[1]) if deep is not None else f"{side - 1}"',
]


def changed(mutant, source):
    return source[: mutant.start] + mutant.new.encode() + source[mutant.end :]


def test_the_mutants_of_a_small_file():
    source = SMALL.encode()
    found = tool.mutants("small.py", source)
    assert [mutant.after for mutant in found] == CHANGED
    for mutant in found:
        assert changed(mutant, source).count(b"\n") == source.count(b"\n"), "listings show other lines"
        assert SMALL.splitlines()[mutant.line - 1].strip() in mutant.before
    assert [m.lines for m in found if m.kind in ("call", "argument")] == [(10, 13)] * 2, "the statement"
    assert {m.lines for m in found if m.kind in ("<", "and")} == {(8, 8)}, "its head, not what it holds"


@pytest.mark.parametrize("source", ["area = '×' * 2 if not(a) else b * (\n    c)", "a = b is  not c and d not  in e"])
def test_wide_characters_brackets_and_spaces(source):
    for mutant in tool.mutants("odd.py", source.encode()):
        assert tool.compiles(changed(mutant, source.encode()))
    kinds = [mutant.kind for mutant in tool.mutants("odd.py", source.encode())]
    assert sorted(kinds) == (["*", "*", "constant", "not"] if "×" in source else ["and", "is not", "not in"])


@pytest.fixture(scope="module")
def everything():
    return [mutant for file in tool.FILES for mutant in tool.mutants(file, (ROOT / file).read_bytes())]


def test_what_once_survived_is_among_the_mutants_and_what_is_accepted_too(everything):
    told = "\n".join(map(tool.told, everything))
    for change in (
        "+ channels = round_channels(32 / width_mult)",
        "+ fits, wanted = max(height, width) >= smallest",
        "- nn.init.normal_(module.weight, std=0.01)\n    + pass",
        '(size, size), mode="bilinear", antialias=False) for p in images',
    ):
        assert change in told
    words = [mutant.words for mutant in everything]
    for entry in json.loads(tool.ACCEPTED.read_text()):
        assert len(entry["reason"]) > 20 and {k: v for k, v in entry.items() if k != "reason"} in words


def test_a_sample_is_drawn_by_its_seed_and_a_larger_one_begins_with_it():
    found = tool.mutants("small.py", SMALL.encode())
    assert tool.drawn(found, 5, 0) == tool.drawn(list(found), 5, 0) == tool.drawn(found, 9, 0)[:5] != found[:5]
    assert tool.drawn(found, 5, 0) != tool.drawn(found, 5, 1)
    assert sorted(tool.drawn(found, 99, 0), key=lambda m: m.start) == sorted(found, key=lambda m: m.start)


LIBRARY = """
FACTOR = 2

def double(x):
    return FACTOR * x

def half(x):
    return x / 2

def third(x):
    '''
    >>> third(6)
    2.0
    '''
    return x / 3

def idle(x):
    return x - 1

def shared(x):
    return x - 3
"""
TESTS = """
from casestudies_lib.one import double, half

def test_b():
    assert double(0) == 0

def test_a():
    assert half(6) == 3
"""


SLOW = """
import pytest, time
from casestudies_lib.one import shared

@pytest.fixture(scope="module", autouse=True)
def three():
    return shared(6)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A library of three functions: a notebook notices one, a test another, nobody the third."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in ("casestudies_lib", "tests", "tools", "notebooks"):
        (tree / folder).mkdir()
    (tree / "casestudies_lib" / "__init__.py").touch()
    (tree / "casestudies_lib" / "one.py").write_text(LIBRARY)
    (tree / "tests" / "test_one.py").write_text(TESTS)
    (tree / "tests" / "test_slow.py").write_text(SLOW + TESTS + "    time.sleep(0.5)\n")
    (tree / "tests" / "test_two.py").write_text("import time\n\ndef test():\n    time.sleep(1)\n")
    (tree / "tests" / "book").mkdir()
    shutil.copy(ROOT / "tests" / "book" / "nbval.cfg", tree / "tests" / "book")
    shutil.copy(ROOT / "tools" / "reach.py", tree / "tools")
    six = nbformat.v4.new_output("execute_result", {"text/plain": "6"}, execution_count=1)
    cell = nbformat.v4.new_code_cell("from casestudies_lib.one import double\n\ndouble(3)", execution_count=1)
    cell.outputs = [six]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tree / "notebooks" / "01.ipynb")
    return tree


@pytest.fixture(scope="module")
def reach(tree):
    return tool.reached([tree], tree / "reach-cache.json")


def mutant_of(tree, after):
    source = (tree / "casestudies_lib" / "one.py").read_bytes()
    return next(m for m in tool.mutants("casestudies_lib/one.py", source) if m.after == after)


def test_each_mutant_meets_what_runs_its_lines(tree, reach):
    assert tool.reached([tree], tree / "reach-cache.json") == reach, "worked out once"
    page, one, slow = "notebooks/01.ipynb", "tests/test_one.py::test_", "tests/test_slow.py::test_"
    about = [
        "casestudies_lib/one.py::casestudies_lib.one.third",
        f"{one}a",
        f"{one}b",
    ]  # whatever the lines: it may run them in another process
    pages, tests = tool.meeting(mutant_of(tree, "return FACTOR / x"), reach, tree)
    assert pages == [page] and sorted(tests[:3]) == about and tests[3:] == [f"{slow}b"]
    pages, tests = tool.meeting(mutant_of(tree, "return x * 2"), reach, tree)
    assert pages == [] and sorted(tests[:3]) == about and tests[3:] == [f"{slow}a"]
    pages, tests = tool.meeting(mutant_of(tree, "FACTOR = 3"), reach, tree)  # on import: any test may need it
    assert (
        pages == [page]
        and sorted(tests[:3]) == about
        and tests[3:] == [f"{slow}b", f"{slow}a", "tests/test_two.py::test"]
    )
    pages, tests = tool.meeting(mutant_of(tree, "return x + 3"), reach, tree)  # in a fixture: any test of its file
    assert pages == [] and sorted(tests[:3]) == about and tests[3:] == [f"{slow}b", f"{slow}a"]
    pages, tests = tool.meeting(mutant_of(tree, "return x + 1"), reach, tree)
    assert pages == [] and sorted(tests) == about


def test_chosen_tests_run_in_their_order(tree):
    one, slow = "tests/test_one.py::test_b", "tests/test_slow.py::test_b"
    rest = [one.replace("_b", "_a"), slow.replace("_b", "_a")]
    with tool.planted(mutant_of(tree, "return FACTOR / x"), tree):
        for order, skip, outcome in (
            ([one, slow], rest, ("red", one)),
            ([slow, one], rest, ("red", slow)),
            (rest, [one, slow], ("green", "")),
        ):
            (tree / "chosen.json").write_text(json.dumps({"order": order, "skip": skip}))
            assert tool.run([*tool.TESTS, "tests"], tree, REACH_CHOSEN=str(tree / "chosen.json")) == outcome


@pytest.mark.parametrize(
    ("after", "fate", "by"),
    [
        ("return FACTOR / x", "killed by the notebooks", "notebooks/01.ipynb::Cell 0"),
        ("return x * 2", "killed by the tests", "tests/test_one.py::test_a"),
        ("return x * 3", "killed by the tests", "casestudies_lib/one.py::casestudies_lib.one.third"),
        ("return x + 1", "survived", ""),
    ],
)
def test_a_mutant_is_killed_or_survives(tree, reach, after, fate, by):
    result = tool.judged(mutant_of(tree, after), reach, tree)
    assert (result["fate"], result["by"]) == (fate, by)
    assert (tree / "casestudies_lib" / "one.py").read_text() == LIBRARY
    assert not list(tree.rglob("one*.pyc")), "the next one would meet this one too"


def test_the_mutant_runs_and_its_source_stays_as_it_was(tree):
    code = "import inspect; from casestudies_lib.one import idle; print(idle(1)); print(inspect.getsource(idle)); 1 / 0"
    with tool.planted(mutant_of(tree, "return x + 1"), tree):
        result, said = tool.run([sys.executable, "-c", code], tree)
    assert result == "red" and said.startswith("2\n") and "return x - 1" in said
    assert tool.run([sys.executable, "-c", code], tree)[1].startswith("0\n")


def test_what_never_ends_is_stopped(tree):
    code = "import pathlib, time; time.sleep(1.5); pathlib.Path('ended').touch()"
    assert tool.run([sys.executable, "-c", code], tree, limit=0.5) == ("timeout", "")
    time.sleep(1.5)
    assert not (tree / "ended").exists() and not tool.RUNNING


def test_it_goes_on_from_where_it_stopped(tmp_path, monkeypatch):
    found, out = tool.mutants("small.py", SMALL.encode())[:4], tmp_path / "commit.json"
    (tmp_path / "accepted.json").write_text(json.dumps([{**found[3].words, "reason": "It changes nothing."}]))
    monkeypatch.setattr(tool, "ACCEPTED", tmp_path / "accepted.json")
    fates = dict(zip(found, ["killed by the notebooks", "killed by the tests", "survived", "survived"]))
    asked = []

    def judge(mutant, copy):
        asked.append(mutant)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return {"fate": fates[mutant], "tests": "timeout" if mutant == found[1] else "red", "seconds": 2}

    with pytest.raises(KeyboardInterrupt):
        tool.study(found, out, judge, [tmp_path], "abc")
    assert len(json.loads(out.read_text())["mutants"]) == 2
    figures = tool.study(found, out, judge, [tmp_path, tmp_path], "abc")
    assert asked.count(found[0]) == asked.count(found[1]) == 1 and asked.count(found[2]) == 2, (
        "only the interrupted one"
    )
    assert figures == {
        "counted": 3,
        "killed by the notebooks alone": "1 (33%)",
        "killed by all tests": "2 (67%)",
        "of these by the clock": 1,
        "seconds": 6,
        "survivors": [tool.told(found[2])],
        "accepted": [tool.told(found[3]) + "\n    It changes nothing."],
    }
    stored = json.loads(out.read_text())
    assert stored["commit"] == "abc" and len(stored["mutants"]) == 4 and stored | figures == stored
    assert tool.study(found, out, None, [tmp_path], "abc") == figures
    assert tool.study(found[:1], out, None, [tmp_path], "abc")["counted"] == json.loads(out.read_text())["counted"] == 1


def test_figures_of_a_sample_stand_below_earlier_ones_and_replace_their_own(tmp_path):
    figures = {"counted": 9, "killed by the notebooks alone": "8 (89%)", "killed by all tests": "9 (100%)"}
    figures |= {"survivors": [], "accepted": ["a.py:3 and why"]}
    for seed in (1, 2, 1):
        tool.store(seed, 10, figures, tmp_path)
    found = json.loads((tmp_path / "mutation.json").read_text())
    rows = found["tables"][0]["rows"]
    assert [row[0] for row in rows] == ["seed 2", "seed 1"] and rows[0][3:] == [9, "8 (89%)", "9 (100%)"]
    assert found["lists"]["Changes that change nothing"] == ["a.py:3 and why"] and "--seed 1" in found["command"]
