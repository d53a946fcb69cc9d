"""Does anything notice when the library is wrong? Mutants of it, one small change each, and what turns red.

    make mutants                                      60 mutants drawn with seed 0, an hour or two on one core
    python tools/mutants.py --sample 120 --jobs 2     the same 60 and as many again, two at a time
    python tools/mutants.py --all | --only vgg.py     all of them, or of one file; --list runs nothing

Each mutant of the last commit meets the notebooks that run its lines, compared by nbval, and where they stay green the
tests and doctests that do. Results are in _build/mutants/COMMIT.json, written after each mutant: stop whenever you like
and give the same command again. A larger sample contains the smaller one, so it goes on from there. With --store, the
figures become a line of book/measured/mutation.json, which a page shows.

The mutant is put where Python keeps compiled modules, and its source stays as it was: a page that prints the library's
source is no proof that anything was measured.

No tool fitted. mutmut 3.8 changes only functions, not the tables that most networks are made of, and its wrappers would
show in the pages' listings; cosmic-ray 8.7 takes one command and no sample, edits in place and drops neither calls
nor arguments; mutatest 3.1, of 2022, needs a coverage below 6.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import os
import py_compile
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import measured
from address import ROOT

from notebooks import COMPARED

# Networks, blocks, counting, data, training; not what draws, writes pages or records times.
NAMES = """
    lenet alexnet vgg resnet nin inception mobilenet efficientnet network blocks models checks
    measure/op measure/anatomy measure/receptive_field measure/graph measure/inside
    training/datasets training/photographs training/augmentation training/download training/loop training/gradients
    pretrained/checkpoints pretrained/classify pretrained/transform explorers/quantised explorers/weights
    experiments/degradation experiments/digit experiments/surface
"""
FILES = [f"casestudies_lib/{name}.py" for name in NAMES.split()]
ACCEPTED = ROOT / "tests" / "tools" / "mutants-accepted.json"
# Plain asserts: pytest compiles a module with doctests anew to rewrite its asserts, and would miss the mutant.
PYTEST = [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "--assert=plain", "-p", "no:cacheprovider", "-p", "reach"]
NBVAL = [*PYTEST, *COMPARED]
TESTS = [*PYTEST, "--doctest-modules"]
LEFT_OUT = [
    "--ignore=tests/browser",  # needs a browser, and the built pages show stored outputs
    "--ignore=tests/book/test_book.py",  # the same, without the browser
    "--ignore=tests/tools/test_mutants.py",  # of this tool
    "--ignore=tests/tools/test_processors.py",  # runs no network
    "--deselect=tests/book/test_notebooks.py::test_a_page_that_breaks_its_promise_of_time_is_red",  # runs no network
    "--deselect=tests/test_parity.py::test_the_library_never_imports_torchvision",  # no token changed here imports it
    "--deselect=tests/experiments/test_timing.py::test_more_work_takes_more_time",  # may fail on a busy machine
]

Task = TypeVar("Task")
Result = TypeVar("Result")

SWAPS: dict[type[ast.AST], str] = {
    **{ast.Add: "+ -", ast.Sub: "- +", ast.Mult: "* /", ast.Div: "/ *", ast.FloorDiv: "// /", ast.Mod: "% //"},
    **{ast.Pow: "** *", ast.LShift: "<< >>", ast.BitOr: "| &", ast.BitAnd: "& |", ast.And: "and or", ast.Or: "or and"},
    **{ast.Lt: "< <=", ast.LtE: "<= <", ast.Gt: "> >=", ast.GtE: ">= >", ast.Eq: "== !=", ast.NotEq: "!= =="},
    **{ast.Is: "is is_not", ast.IsNot: "is_not is", ast.In: "in not_in", ast.NotIn: "not_in in"},
}
TWINS = {"min": "max", "any": "all", "argmin": "argmax", "floor": "ceil"}
TWINS |= {two: one for one, two in TWINS.items()}
# A message's words, names of types, and what only runs from the command line.
SKIPPED = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: bytes `start` to `end` become `new`; `lines` are those of the statement around it."""

    file: str
    line: int
    kind: str
    before: str
    after: str
    start: int
    end: int
    new: str
    lines: tuple[int, int]

    @property
    def key(self) -> str:
        return f"{self.file}:{self.start}-{self.end}:{self.new.strip()}"

    @property
    def words(self) -> dict[str, str]:
        """How tests/tools/mutants-accepted.json names it: by the text before and after, because line numbers change."""
        return {"file": self.file, "before": self.before, "after": self.after}


def mutants(file: str, source: bytes) -> list[Mutant]:
    """All changes of a file that still compile, in the order of its lines."""
    starts = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
    found = []

    def head(node: ast.stmt | ast.expr | ast.keyword) -> int:
        return starts[node.lineno - 1] + node.col_offset

    def tail(node: ast.stmt | ast.expr | ast.keyword) -> int:
        assert node.end_lineno and node.end_col_offset, "the parser says where everything ends"
        return starts[node.end_lineno - 1] + node.end_col_offset

    def swap(operator: ast.AST, start: int, end: int, after: str = "") -> Iterator[tuple[str, int, int, str]]:
        if type(operator) in SWAPS:
            old, new = (word.replace("_", " ") for word in SWAPS[type(operator)].split())
            region = re.sub(rb"#.*", lambda comment: b" " * len(comment[0]), source[start:end])
            words = [re.escape(word.encode()) for word in (old + after).split()]
            place = next(re.finditer(rb"\s+".join(words), region))
            yield old, start + place.start(), start + place.end(), new + after

    def changes(node: ast.AST) -> Iterator[tuple[str, int, int, str]]:
        """Kind, first byte, last byte, new text."""
        match node:
            case ast.BinOp():
                yield from swap(node.op, tail(node.left), head(node.right))
            case ast.AugAssign():
                yield from swap(node.op, tail(node.target), head(node.value), "=")
            case ast.BoolOp():
                for left, right in zip(node.values, node.values[1:]):
                    yield from swap(node.op, tail(left), head(right))
            case ast.Compare():
                for operator, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators):
                    yield from swap(operator, tail(left), head(right))
            case ast.UnaryOp(op=ast.USub()):
                yield "-", head(node), head(node) + 1, "+"
            case ast.UnaryOp(op=ast.Not()):
                yield "not", head(node), head(node) + len("not"), ""
            case ast.Constant(value=bool() as value):
                yield "constant", head(node), tail(node), str(not value)
            case ast.Constant(value=int() as value):
                yield "constant", head(node), tail(node), str({0: 1, 1: 0}.get(value, value + 1))
            case ast.Constant(value=float() as value):
                yield "constant", head(node), tail(node), repr(2 * value or 1.0)
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in TWINS:
                yield name, tail(node) - len(name), tail(node), TWINS[name]
            case ast.Call():
                for keyword in node.keywords:
                    if keyword.arg:
                        comma = re.match(rb"\s*,", source[tail(keyword) :])
                        yield "argument", head(keyword), tail(keyword) + (comma.end() if comma else 0), ""
            case ast.Expr(value=ast.Call()):
                yield "call", head(node), tail(node), "pass"

    def visit(node: ast.AST, lines: tuple[int, int]) -> None:
        by_hand = isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
        if isinstance(node, SKIPPED) or by_hand:
            return
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            lines = (node.lineno, max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno)
        for kind, start, end, new in changes(node):
            new += "\n" * source[start:end].count(b"\n")  # lines stay where they are, in listings and tracebacks
            changed = source[:start] + new.encode() + source[end:]
            first = source.rfind(b"\n", 0, start) + 1
            if not new.strip() and not source[first:start].strip():  # without its first line, told with the one before
                first = source.rfind(b"\n", 0, first - 1) + 1
            last = (source + b"\n").index(b"\n", end)
            both = source[first:last], changed[first : last + len(changed) - len(source)]
            before, after = (" ".join(text.decode().split()) for text in both)
            if compiles(changed):
                line = source.count(b"\n", 0, start) + 1
                found.append(Mutant(file, line, kind, before, after, start, end, new, lines))
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and name not in SKIPPED_FIELDS:
                    visit(child, lines)

    visit(ast.parse(source), (1, 1))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.new))


def compiles(source: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(compile(source, "mutant", "exec"))
        except SyntaxError:
            return False


def drawn(everything: list[Mutant], number: int, seed: int) -> list[Mutant]:
    """A random sample; a larger one with the same seed begins with it."""
    shuffled = list(everything)
    random.Random(seed).shuffle(shuffled)
    return shuffled[:number]


@contextmanager
def planted(mutant: Mutant, copy: Path) -> Iterator[None]:
    """In here Python imports the mutant from that copy of the tree, while whoever reads the file sees the original."""
    path = copy / mutant.file
    source = path.read_bytes()
    compiled = Path(importlib.util.cache_from_source(str(path)))
    with tempfile.NamedTemporaryFile(suffix=".py") as changed:
        changed.write(source[: mutant.start] + mutant.new.encode() + source[mutant.end :] + b"\n__mutant__ = True\n")
        changed.flush()
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            py_compile.compile(changed.name, str(compiled), str(path), doraise=True, invalidation_mode=unchecked)
    try:
        yield
    finally:
        compiled.unlink()


RUNNING: set[subprocess.Popen] = set()


def stop() -> None:
    """End the tests that are running. Notebooks' kernels end too, because they notice that their parent is gone."""
    for process in RUNNING:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def run(command: list[str], copy: Path, limit: float | None = None, **environment: str) -> tuple[str, str]:
    """What a command says of the tree in `copy`: `green`, `red` or `timeout`, and the first test that failed."""
    environment |= {"PYTHONPATH": f"{copy}{os.pathsep}{copy / 'tools'}", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=copy, env=environment, stdout=said, stderr=said, start_new_session=True)
        RUNNING.add(process)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            return "timeout", ""
        finally:
            RUNNING.discard(process)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        text = said.read()
    if "the mutant was not there" in text:
        raise RuntimeError(f"expected {command} to run the mutant, got the library as it was: {text[-500:]}")
    if code in (0, 5):  # 5: nothing was left to run
        return "green", ""
    if re.search(r"Timeout of \d+ seconds exceeded", text):
        return "timeout", ""
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", text, re.MULTILINE)
    return "red", failed[1] if failed else text[-500:]


def copied(folder: Path) -> Path:
    """The last commit's files, in a folder of their own."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return folder


def reached(copies: list[Path], cache: Path) -> dict[str, dict]:
    """Which lines of the library each notebook and each test runs, and its seconds; worked out once for a commit."""
    known = json.loads(cache.read_text(encoding="utf-8")) if cache.exists() else {}
    pages = [str(path.relative_to(copies[0])) for path in sorted((copies[0] / "notebooks").glob("*.ipynb"))]
    suites = {"tests": [*TESTS, *LEFT_OUT, "casestudies_lib", "tests"]}  # first, because they take longest
    suites |= {page: [*NBVAL, "--nbval-cell-timeout=1800", page] for page in pages}

    def recorded(name: str, copy: Path) -> dict:
        print(f"which lines does it run? {name}", flush=True)
        record = copy / "reach.json"
        result, failed = run(suites[name], copy, REACH_RECORD=str(record))
        if result != "green":
            sys.exit(f"expected {name} to be green without any mutant, got {result} ({failed}): mend it first")
        return json.loads(record.read_text(encoding="utf-8"))

    for name, lines in shared_out([name for name in suites if name not in known], recorded, copies):
        known[name] = lines
        written(cache, known)
    return known


def shared_out(
    tasks: Sequence[Task], work: Callable[[Task, Path], Result], copies: list[Path]
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, as soon as it is there; as many at once as there are copies of the tree."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def alone(task: Task) -> Result:
        copy = free.get()
        try:
            return work(task, copy)
        finally:
            free.put(copy)

    pool = ThreadPoolExecutor(len(copies))
    jobs = {pool.submit(alone, task): task for task in tasks}
    try:
        for job in as_completed(jobs):
            yield jobs[job], job.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        stop()


def written(path: Path, content: dict) -> None:
    """Replace a file as a whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=None if "tests" in content else 1), encoding="utf-8")
    part.replace(path)


def meeting(mutant: Mutant, reach: dict[str, dict], copy: Path) -> tuple[list[str], list[str]]:
    """The notebooks and the tests that run the mutant's lines, those about its file first, then the quickest."""
    name = Path(mutant.file).stem
    first, last = mutant.lines

    def about(test: str) -> bool:
        return name in re.split(r"\W|_", file_of(test))

    lines = [str(line) for line in range(first, last + 1)]
    notebooks = [suite for suite in reach if suite != "tests"]
    pages = [page for page in notebooks if any(n in reach[page]["lines"].get(mutant.file, {}) for n in lines)]
    pages.sort(key=lambda page: (f".{name} " not in (copy / page).read_text("utf-8"), reach[page]["seconds"][""]))

    names, seconds = reach["tests"]["names"], reach["tests"]["seconds"]
    runs = {names[n] for line in lines for n in reach["tests"]["lines"].get(mutant.file, {}).get(line, [])}
    # A line that runs on import has no name, and may matter to every test; one that runs in a fixture has its file's.
    chosen = [test for test in seconds if test and ("" in runs or {test, file_of(test)} & runs or about(test))]
    total: dict[str, float] = defaultdict(float)
    for test in chosen:
        total[file_of(test)] += seconds[test]
    chosen.sort(key=lambda test: (not about(test), total[file_of(test)], file_of(test), seconds[test]))
    return pages, chosen


def file_of(test: str) -> str:
    return test.partition("::")[0]


def judged(mutant: Mutant, reach: dict[str, dict], copy: Path) -> dict:
    """Whether the notebooks alone notice the mutant, and if not, whether the tests do."""
    start = time.monotonic()
    pages, tests = meeting(mutant, reach, copy)
    result: dict[str, Any] = {"notebooks": "unreached", "tests": "unreached", "by": ""}
    with planted(mutant, copy):
        if pages:
            limit = 3 * sum(reach[page]["seconds"][""] for page in pages) + 60
            result["notebooks"], result["by"] = run([*NBVAL, f"--nbval-cell-timeout={limit:.0f}", *pages], copy, limit)
        result["notebooks_seconds"] = round(time.monotonic() - start)
        if result["notebooks"] in ("red", "timeout"):
            result["tests"] = "not asked"
        elif tests:
            chosen = copy / "chosen.json"
            others = sorted(set(reach["tests"]["seconds"]) - set(tests))
            chosen.write_text(json.dumps({"order": tests, "skip": others}), encoding="utf-8")
            limit = 3 * sum(reach["tests"]["seconds"][test] for test in tests) + 60
            command = [*TESTS, *LEFT_OUT, *dict.fromkeys(file_of(test) for test in tests)]
            module = mutant.file.removesuffix(".py").replace("/", ".")
            result["tests"], result["by"] = run(command, copy, limit, REACH_CHOSEN=str(chosen), REACH_MUTANT=module)
    fate = "killed by the tests" if result["tests"] in ("red", "timeout") else "survived"
    fate = "killed by the notebooks" if result["notebooks"] in ("red", "timeout") else fate
    return {"fate": fate, **result, "seconds": round(time.monotonic() - start)}


def study(
    chosen: list[Mutant], out: Path, judge: Callable[[Mutant, Path], dict], copies: list[Path], commit: str
) -> dict[str, object]:
    """Judge those mutants that `out` does not know yet, and write it after each of them."""
    known = json.loads(out.read_text(encoding="utf-8"))["mutants"] if out.exists() else {}
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))

    def store() -> dict[str, object]:
        figures = totals(chosen, known, accepted)
        written(out, {"commit": commit, **figures, "mutants": known})
        return figures

    missing = [mutant for mutant in chosen if mutant.key not in known]
    for number, (mutant, result) in enumerate(shared_out(missing, judge, copies), start=1):
        known[mutant.key] = {"line": mutant.line, "kind": mutant.kind, **mutant.words, **result}
        store()
        print(f"{number} of {len(missing)}, {result['seconds']} s, {result['fate']}: {told(mutant)}", flush=True)
    return store()


def told(mutant: Mutant) -> str:
    return f"{mutant.file}:{mutant.line}\n    - {mutant.before}\n    + {mutant.after}"


def totals(chosen: list[Mutant], known: dict[str, dict], accepted: list[dict]) -> dict[str, object]:
    """The figures of the mutants judged so far. Those that are accepted with a reason are listed but not counted."""
    reasons: dict[tuple[str, ...], str] = {(a["file"], a["before"], a["after"]): a["reason"] for a in accepted}
    excused = {m: reasons[tuple(m.words.values())] for m in chosen if tuple(m.words.values()) in reasons}
    fates = {m: known[m.key]["fate"] for m in chosen if m.key in known and m not in excused}
    count = Counter(fates.values())

    def share(number: int) -> str:
        return f"{number} ({number / max(len(fates), 1):.0%})"

    return {
        "counted": len(fates),
        "killed by the notebooks alone": share(count["killed by the notebooks"]),
        "killed by all tests": share(len(fates) - count["survived"]),
        "of these by the clock": sum("timeout" in known[mutant.key].values() for mutant in fates),
        "seconds": sum(known[mutant.key]["seconds"] for mutant in fates),
        "survivors": [told(mutant) for mutant, fate in fates.items() if fate == "survived"],
        "accepted": [f"{told(mutant)}\n    {reason}" for mutant, reason in excused.items()],
    }


COLUMNS = ["Sample", "measured", "commit", "mistakes counted", "noticed by the notebooks alone", "by all tests"]


def store(seed: int, sample: int, figures: dict, folder: Path = measured.FOLDER) -> None:
    """Put the figures of a sample below those of earlier ones, which they replace if the seed is the same."""
    path = folder / "mutation.json"
    rows = json.loads(path.read_text("utf-8"))["tables"][0]["rows"] if path.exists() else []
    row = [f"seed {seed}", measured.about()["date"], measured.commit(), figures["counted"]]
    row += [figures[f"killed by {who}"] for who in ("the notebooks alone", "all tests")]
    rows = [one for one in rows if one[0] != row[0]] + [row]
    caption = (
        f"Small mistakes in {len(FILES)} files of the library, drawn at random, and how many of them were noticed."
    )
    survivors = {
        "Not noticed in the last sample": figures["survivors"],
        "Changes that change nothing": figures["accepted"],
    }
    command = f'make mutants MUTANTS="--sample {sample} --seed {seed} --store"'
    measured.store("mutation", command, [measured.Table(caption, COLUMNS, rows)], survivors, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=60, help="how many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="every mutant instead of a sample: days")
    parser.add_argument("--only", metavar="TEXT", help="those whose file, line and words have it, such as vgg.py:97")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="list the mutants and run nothing")
    parser.add_argument("--store", action="store_true", help="keep the figures for the book")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left running
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, encoding="utf-8").strip()

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copies = [copied(Path(folder, str(number))) for number in range(arguments.jobs)]
        everything = [mutant for file in FILES for mutant in mutants(file, (copies[0] / file).read_bytes())]
        chosen = [mutant for mutant in everything if (arguments.only or "") in told(mutant)]
        if not arguments.all:
            chosen = drawn(chosen, arguments.sample, arguments.seed)
        if arguments.list:
            print(*map(told, chosen), f"{len(chosen)} of {len(everything)} mutants", sep="\n")
            return
        home = ROOT / "_build" / "mutants"
        home.mkdir(parents=True, exist_ok=True)
        reach = reached(copies, home / f"{commit}.reach.json")
        out = home / f"{commit}.json"
        figures = study(chosen, out, lambda m, copy: judged(m, reach, copy), copies, commit)
        if arguments.store:
            store(arguments.seed, arguments.sample, figures)
        for what, figure in figures.items():
            if isinstance(figure, list):
                print(f"{what}: {len(figure)}", *figure, sep="\n")
            else:
                print(f"{what}: {figure}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on from here")
