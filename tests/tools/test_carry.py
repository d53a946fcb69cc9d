"""The setup cell that a downloaded notebook carries, run in an empty folder, with a pip that takes notes."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import carry
import nbformat
import pytest
from address import ROOT

import notebooks as tool

LIBRARY = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "casestudies_lib").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
]
PIP = """\
import shutil, sys, zipfile
from pathlib import Path
pins, library = sys.argv[sys.argv.index("--constraint") + 1 :]
shutil.copy(pins, "kept.txt")
if library.endswith(".whl"):
    zipfile.ZipFile(library).extractall("installed")
else:
    Path("asked.txt").write_text(library)
"""
OFFLINE = """\
import sys
red = "" if "--no-color" in sys.argv else "\\033[31m"  # a kernel asks programs for colours
said = ["WARNING: Retrying", "ERROR: No version of mlxtend", "ERROR: No matching distribution found", "[notice] hm"]
sys.exit("\\n".join(red + line for line in said))
"""
TORCH, NUMPY = {"torch": "2.4.0+cpu"}, {"numpy": "1.26.0"}


@pytest.fixture(scope="module")
def cell() -> str:
    return carry.carrying_cell()


def run(cell: str, folder: Path, packages: dict[str, str], pip: str = PIP, before: str = "pass") -> tuple[str, str]:
    """Run a cell where only these packages are installed; what it prints, and what it raises.

    The Python that it starts for pip is a program that does nothing else, so no environment can change.
    """
    site, empty, python = folder / "site", folder / "empty", folder / "python"
    empty.mkdir()
    python.write_text(f"#!{sys.executable} -IS\n{pip}")
    python.chmod(0o755)
    for name, version in packages.items():
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").touch()
        about = site / f"{name}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    start = f"import sys; sys.path.append({str(site)!r}); sys.executable = {str(python)!r}; {before}\n"
    command = [sys.executable, "-I", "-S", "-"]
    done = subprocess.run(command, input=start + cell, cwd=empty, capture_output=True, text=True)
    return done.stdout, done.stderr.strip().splitlines()[-1] if done.returncode else ""


def test_it_installs_the_library_of_this_checkout_and_keeps_torch_and_numpy(cell, tmp_path):
    said, raised = run(cell, tmp_path, TORCH | NUMPY)
    assert raised == ""
    assert (tmp_path / "empty" / "kept.txt").read_text().split() == ["torch==2.4.0+cpu", "numpy==1.26.0"]
    unpacked = tmp_path / "empty" / "installed"
    files = {path.relative_to(unpacked).as_posix(): path for path in unpacked.rglob("*") if path.is_file()}
    assert sorted(name for name in files if not name.startswith("casestudies_lib-")) == sorted(LIBRARY)
    assert all(files[name].read_bytes() == (ROOT / name).read_bytes() for name in LIBRARY)
    [line] = said.splitlines()
    assert "this notebook carries" in line and "Kept as they are: torch 2.4.0+cpu, numpy 1.26.0." in line


def test_numpy_is_kept_only_where_it_is(cell, tmp_path):
    said, raised = run(cell, tmp_path, TORCH)
    assert (tmp_path / "empty" / "kept.txt").read_text() == "torch==2.4.0+cpu" and raised == ""
    assert said.endswith("Kept as they are: torch 2.4.0+cpu.\n")


@pytest.mark.parametrize(
    ("packages", "pip", "before", "words"),
    [
        (NUMPY, PIP, "pass", "run `pip install torch`, restart the kernel"),
        (TORCH, OFFLINE, "pass", "What pip said: ERROR: No version of mlxtend ERROR: No matching distribution found"),
        (TORCH, "import sys; sys.exit('No module named pip')", "pass", "What pip said: No module named pip"),
        (TORCH, PIP, "sys.version_info = (3, 10, 4)", "the book needs Python 3.11 or newer"),
    ],
    ids=["no torch", "offline", "no pip", "old Python"],
)
def test_it_says_how_to_repair_what_is_missing(cell, tmp_path, packages, pip, before, words):
    _, raised = run(cell, tmp_path, packages, pip, before)
    assert words in raised and "notice" not in raised and raised.startswith("SetupError: ")
    assert not (tmp_path / "empty" / "installed").exists()


def test_its_words_stand_without_a_traceback(cell):
    from IPython.core.interactiveshell import InteractiveShell

    shown = []
    shell = InteractiveShell()
    shell._showtraceback = lambda kind, error, lines: shown.append(lines)
    definitions = cell.partition("\n# A version")[0]
    assert not shell.run_cell(f"{definitions}\nraise SetupError('PyTorch is missing.')").success
    assert shown == [["Setup: PyTorch is missing."]]


def test_it_does_nothing_where_the_library_is_and_replaces_that_of_another_notebook(cell, tmp_path):
    own = carry.wheel()[0].split("-")[1]
    for place, version in (("clone", "0.1.0"), ("own", own), ("other", "0.1.0+01234567")):
        (tmp_path / place).mkdir()
        said, raised = run(cell, tmp_path / place, TORCH | {"casestudies_lib": version})
        assert raised == ""
        assert bool(said) == (tmp_path / place / "empty" / "installed").exists() == (place == "other")


def test_a_published_notebook_fetches_its_revision(tmp_path):
    library = f"casestudies-lib @ git+https://example.org/book@{'0' * 40}"
    said, raised = run(tool.published_cell(library), tmp_path, TORCH | NUMPY)
    assert (tmp_path / "empty" / "asked.txt").read_text() == library and raised == ""
    assert "pip fetches" in said


def test_the_wheel_is_one_that_pip_takes_and_always_the_same(tmp_path):
    name, content = carry.wheel()
    assert carry.wheel() == (name, content)
    (tmp_path / name).write_bytes(content)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", tmp_path / "there", tmp_path / name], check=True)
    assert (tmp_path / "there" / "casestudies_lib" / "explorers" / "digit.js").is_file()
    about = zipfile.ZipFile(BytesIO(content)).read(f"{name.removesuffix('-py3-none-any.whl')}.dist-info/METADATA")
    assert b"Requires-Dist: torch>=2.4\n" in about and b"Requires-Python: >=3.11\n" in about


def test_only_a_notebook_that_fetches_no_revision_gets_the_library(cell, tmp_path):
    stored = nbformat.read(tool.NOTEBOOKS[-1], as_version=4)
    fetching = tool.published_cell(f"casestudies-lib @ git+https://example.org/book@{'0' * 40}")
    cells = {
        "stored": tool.setup_cell(""),
        "configured": tool.setup_cell("https://example.org/book"),
        "older": tool.published_cell("casestudies_lib-0.1.0+01234567-py3-none-any.whl", "UEs="),
        "published": fetching,
    }
    for name, source in cells.items():
        next(one for one in stored.cells if one.id == "setup").source = source
        nbformat.write(stored, tmp_path / f"{name}.ipynb")
    carry.load(tmp_path)
    for name in cells:
        notebook = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
        [setup] = [one.source for one in notebook.cells if one.id == "setup"]
        assert setup == (fetching if name == "published" else cell), name


def test_the_cell_carries_the_wheel_in_base64(cell):
    [carried] = [line for line in cell.splitlines() if line.startswith('wheel = "')]
    assert b64decode(carried.split('"')[1]) == carry.wheel()[1]
    assert len(cell) < 600_000, "a notebook grows by this: is something in the library that no notebook needs?"
