"""Run the notebooks and store their outputs in one normal form, so that running them twice changes nothing.

python tools/notebooks.py run [NOTEBOOK ...]     what `make notebooks` does
python tools/notebooks.py publish REVISION       write this build's address and revision into the setup cells
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from address import ROOT, configured, published

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# How pytest compares a notebook. Without conftest, which holds a page to its CPU time: on a busy machine, or a slow
# processor that is only played, that would be red where no output differs.
COMPARED = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with=tests/book/nbval.cfg", "--noconftest"]
SETUP = """\
# @title Setup: does nothing where the library is already installed
import importlib.util
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

library = "{library}"  # written by `make notebooks`

if importlib.util.find_spec("casestudies_lib") is None:
    if not library:
        raise ImportError(
            "no address to install the library from: clone it and run `pip install -e .` there"
        )
    try:
        kept = [f"torch=={{version('torch')}}"]
    except PackageNotFoundError:
        raise ImportError(
            "install PyTorch first, with `pip install torch`: this cell leaves it to you"
        ) from None
    if importlib.util.find_spec("numpy"):
        kept.append(f"numpy=={{version('numpy')}}")
    pins = Path(tempfile.mkdtemp(), "kept.txt")
    pins.write_text("\\n".join(kept), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--constraint", str(pins), library], check=True)
    importlib.invalidate_caches()"""


def setup_cell(url: str) -> str:
    """The setup cell of a stored notebook whose library lives at `url`, if that is known."""
    return SETUP.format(library=f"casestudies-lib @ git+{url}" if url else "")


def published_cell(library: str, wheel: str = "") -> str:
    """The setup cell of a notebook that leaves the repository: `library` is what pip installs, in base64 if carried."""
    cell = (ROOT / "tools" / "setup_cell.py").read_text("utf-8").rstrip()
    for name, value in (("library", library), ("wheel", wheel)):
        cell = cell.replace(f'\n{name} = ""', f'\n{name} = "{value}"', 1)
    return cell


def normal(notebook: nbformat.NotebookNode) -> str:
    """One notebook, one text: readable ids, tags only, no times, no versions, streams merged, counts from 1."""
    count = 0
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if "hide-input" in cell.metadata.get("tags", []):
            cell.metadata.update(cellView="form", jupyter={"source_hidden": True})  # folded in Colab and Jupyter too
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = count
                if "metadata" in output:
                    output["metadata"] = {}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def run(path: Path) -> None:
    """Run one notebook from top to bottom and store its outputs; nothing is written if a cell fails."""
    from nbclient import NotebookClient  # only here: publishing needs no kernel

    notebook = nbformat.read(path, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    cells["setup"].source = setup_cell(configured())
    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False, resources=where)
    client.coalesce_streams = True
    client.execute()
    write(path, normal(notebook))


def write(path: Path, text: str) -> None:
    """Replace a file as a whole, or leave it as it was."""
    if path.read_text(encoding="utf-8") == text:
        print(f"{path.name}: unchanged")
        return
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, suffix=".part") as part:
        part.write(text)
    Path(part.name).chmod(path.stat().st_mode)
    Path(part.name).replace(path)
    print(f"{path.name}: stored")


def publish(revision: str) -> None:
    """Give every notebook a setup cell that installs this very revision from this very repository."""
    if not published():
        sys.exit("no address: set REPOSITORY_URL, or repository: url in _config.yml")
    if not re.fullmatch(r"[0-9a-f]{40}|main", revision):
        sys.exit(f"expected a commit of 40 hexadecimal digits, got {revision!r}: pass $(git rev-parse HEAD)")
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        library = f"casestudies-lib @ git+{published()}@{revision}"
        next(cell for cell in notebook.cells if cell.id == "setup").source = published_cell(library)
        write(path, nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("notebooks", nargs="*", type=Path, default=NOTEBOOKS)
    commands.add_parser("publish").add_argument("revision")
    arguments = parser.parse_args()
    if arguments.command == "run":
        for notebook_path in arguments.notebooks:
            run(notebook_path)
    else:
        publish(arguments.revision)
