"""Exercises: the stub fails, the solution passes, and what counts as right is worked out here once more.

A page shows the wanted numbers as they are, so that it does not give the answer away; a false solution beside a
matching false number would be marked as solved. `ANSWERS` computes them with the library, or by counting every case.
"""

import ast
import re
from itertools import product

import nbformat
import pytest
from guards import PATHS, argument, calls_in, loaded

from casestudies_lib.efficientnet import compound
from casestudies_lib.explorers.compare import Row, front


def steps(times):
    def work(phi):
        d, w, r = compound(phi).values()
        return d * w**2 * (r / 224 if r > 5 else r) ** 2

    return min((tenth / 10 for tenth in range(150)), key=lambda phi: abs(work(phi) / times - 1))


def pareto(networks):
    rows = [Row("a network", "a", 2014, accuracy, 1, price, 1, 1, 1.0, "") for price, accuracy in networks]
    return [(row.macs, row.accuracy) for row in front(rows, "macs")]


ANSWERS = {
    ("04", 1): lambda: [float(a == b) for a, b in product((0, 1), repeat=2)],
    ("07", 1): lambda: [steps(2), steps(10), steps(100)],
    ("08", 1): lambda: [pareto([(4, 70), (1, 60), (2, 72), (9, 80), (3, 72)]), pareto([(5, 50), (5, 60)])],
}


def exercises(path):
    """Each exercise of a page: its number, the stub's cell, and the Markdown cell with the solution."""
    cells = nbformat.read(path, as_version=4).cells
    places = [place for place, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
    return [(number, cells[place], cells[place + 1]) for number, place in enumerate(places, start=1)]


def wanted(stub) -> ast.expr:
    [call] = calls_in(ast.parse(stub.source), "mark")
    return argument(call, 2, "wanted")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_exercises_fail_as_they_stand_and_their_solutions_pass(path):
    cells = nbformat.read(path, as_version=4).cells
    imports = next(cell for cell in cells if cell.id == "imports").source
    found = exercises(path)
    without_kernel = sum(len(calls_in(ast.parse(c.source), "numbers")) for c in cells if c.cell_type == "code")
    assert found and 2 <= len(found) + without_kernel <= 6
    for number, stub, after in found:
        assert "not yet" in stub.outputs[-1]["data"]["text/html"]
        answer = re.search(r"<details>.*?```python\n(.*?)```.*?</details>", after.source, re.DOTALL).group(1)
        [answered] = ast.parse(answer).body
        tree = ast.parse(stub.source)
        place = next(k for k, node in enumerate(tree.body) if getattr(node, "name", None) == answered.name)
        for body, verdict in ((tree.body[place], "not yet"), (answered, "solved")):
            tree.body[place] = body
            space: dict = {}
            exec(compile(imports, "imports", "exec"), space)
            exec(compile(ast.Module(tree.body[:-1], []), stub.id, "exec"), space)
            marked = eval(compile(ast.Expression(tree.body[-1].value), stub.id, "eval"), space)
            assert verdict in marked.data, (number, stub.id, verdict)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_counts_as_right_is_right(path):
    """Numbers that a page types in are worked out here; what a page works out itself, it does with the library."""
    for number, stub, _ in exercises(path):
        typed = not loaded(wanted(stub)) and ast.unparse(wanted(stub)) != "True"
        assert typed == ((path.stem[:2], number) in ANSWERS), (
            number,
            "an answer in ANSWERS is missing, or too many",
        )
        if typed:
            right = ANSWERS[path.stem[:2], number]()
            assert ast.literal_eval(wanted(stub)) == (right if isinstance(right, list) else [right]), number


def test_a_false_answer_would_be_seen():
    assert ANSWERS["04", 1]() == [1.0, 0.0, 0.0, 1.0] != [0.0, 1.0, 1.0, 0.0]
