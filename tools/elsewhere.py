"""Run the notebooks that the built site offers where a reader would: in an empty folder of a bare environment.

python tools/elsewhere.py SETTING [NOTEBOOK ...] [--quick]

The environment holds torch, numpy and matplotlib, for `colab` also what Colab brings along, and a kernel. Every
notebook gets a fresh copy of it, so each has to bring or to fetch what it needs, and none may touch torch or numpy.
With --store, what came of it goes into book/measured/elsewhere-SETTING.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import measured
import nbformat
from address import ROOT
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SITE = ROOT / "_build" / "html"
KEPT = ("torch", "numpy")
LIBRARY = "casestudies-lib"
KERNEL = "elsewhere"
# What Colab publishes of itself (`pip-freeze.txt` in the repository backend-info of googlecolab), as of 2026-08-19: of
# its packages those that the library or its kernel uses. Colab lacks the packages of the two networks.
COLAB_PYTHON = "3.13"
COLAB = {
    "torch": "2.11.0",
    "numpy": "2.1.3",
    "matplotlib": "3.10.0",
    "filelock": "3.32.3",
    "ipykernel": "6.17.1",
    "ipython": "7.34.0",
    "jupyter_client": "7.4.9",
    "markupsafe": "3.0.3",
    "mlxtend": "0.23.4",
    "pandas": "2.2.3",
    "pillow": "11.3.0",
    "pyzmq": "26.2.1",
    "scikit-image": "0.25.2",
    "scikit-learn": "1.6.1",
    "scipy": "1.16.3",
    "setuptools": "75.2.0",
    "tornado": "6.5.7",
    "tqdm": "4.67.3",
    "traitlets": "5.7.1",
}
VERSIONS = (
    "import json, importlib.metadata as m; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)


@dataclass(frozen=True)
class Setting:
    """A version of Python, and what pip is asked to install beside a kernel."""

    python: str
    packages: list[str]


def settings() -> dict[str, Setting]:
    """Colab's versions, the oldest that pyproject.toml claims, and the newest there are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = [needed.replace(">=", "==") for needed in project["dependencies"]]
    return {
        "colab": Setting(COLAB_PYTHON, [f"{name}=={version}" for name, version in COLAB.items()]),
        "oldest": Setting(project["requires-python"].removeprefix(">="), [*oldest, "ipykernel"]),
        "newest": Setting(COLAB_PYTHON, ["torch", "numpy", "matplotlib", "ipykernel"]),
    }


def outside() -> dict[str, str]:
    """The environment variables without what leads to this repository."""
    ours = ("PYTHON", "IPYTHON", "JUPYTER", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"PYTHONNOUSERSITE": "1"}


def interpreter(version: str) -> str:
    """A Python of that version, on the path or the one that runs this."""
    for python in (sys.executable, f"python{version}"):
        if shutil.which(python):
            told = subprocess.run([python, "--version"], capture_output=True, encoding="utf-8").stdout
            if told.startswith(f"Python {version}."):
                return python
    sys.exit(f"no Python {version} found: install it, or name one with --python")


def make(folder: Path, python: str, packages: list[str]) -> None:
    """A virtual environment with these packages, unless it is there."""
    done = folder / "made"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True, env=outside())
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if index := os.environ.get("TORCH_INDEX_URL"):  # it is asked for torch alone, as in the Makefile
            torch = [package for package in packages if package.partition("==")[0] == "torch"]
            subprocess.run([*pip, "--no-deps", "--index-url", index, *torch], check=True, env=outside())
        subprocess.run([*pip, *packages], check=True, env=outside())
        done.touch()


def versions(environment: Path) -> dict[str, str]:
    """The packages of an environment."""
    command = [str(environment / "bin" / "python"), "-I", "-c", VERSIONS]  # and not those of the folder we are in
    return json.loads(subprocess.run(command, check=True, env=outside(), capture_output=True, encoding="utf-8").stdout)


def execute(notebook: nbformat.NotebookNode, environment: Path, folder: Path) -> None:
    """Run a notebook from top to bottom in that folder, with the environment's kernel."""
    kernels = environment / "kernels"
    (kernels / KERNEL).mkdir(parents=True)
    command = [str(environment / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": KERNEL, "language": "python"}
    (kernels / KERNEL / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    manager = AsyncKernelManager(kernel_name=KERNEL, kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)]))
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, km=manager, timeout=1800, startup_timeout=600, resources=where)
    client.execute(cleanup_kc=True, env=outside() | {"CASESTUDIES_DATA": str(environment / "data")})


def first_cells(notebook: nbformat.NotebookNode) -> None:
    """Leave only the cells up to the imports."""
    last = [cell.id for cell in notebook.cells].index("imports")
    del notebook.cells[last + 1 :]


def compared(before: dict[str, str], after: dict[str, str]) -> tuple[str, list[str]]:
    """What a notebook did to the packages, in words, and what of it is wrong."""
    wrong = [f"touched {name}" for name in KEPT if before.get(name) != after.get(name)]
    wrong += ["found the library before it was installed"] if LIBRARY in before else []
    wrong += ["did not install the library"] if LIBRARY not in after else []
    kept = ", ".join(f"{name} {before.get(name)} -> {after.get(name)}" for name in KEPT)
    changed = [f"{name} {before[name]} -> {after.get(name)}" for name in before if before[name] != after.get(name)]
    added = sorted(set(after) - set(before))
    return f"{kept}; changed: {', '.join(changed) or 'none'}; added: {', '.join(added) or 'none'}", wrong


def elsewhere(path: Path, base: Path, *, quick: bool) -> tuple[str, list[str]]:
    """Run one notebook in a copy of the environment; what it did, and what went wrong."""
    notebook = nbformat.read(path, as_version=4)
    if quick:
        first_cells(notebook)
    with tempfile.TemporaryDirectory(dir=base.parent) as place:
        environment, folder = Path(place, "environment"), Path(place, "empty")
        # Links, because torch is large; pip and Python replace files as a whole, so the original stays as it is.
        shutil.copytree(base, environment, symlinks=True, copy_function=os.link)
        folder.mkdir()
        before = versions(environment)
        raised = []
        try:
            execute(notebook, environment, folder)
        except CellExecutionError as error:
            raised = [f"a cell raised {error.ename}: {error.evalue}"]
        did, wrong = compared(before, versions(environment))
    return did, raised + wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("setting", choices=list(settings()))
    parser.add_argument("notebooks", nargs="*", help="the beginnings of their names, such as 04; all if none is given")
    parser.add_argument("--quick", action="store_true", help="only the cells up to the imports")
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--python", help="the Python of the environment, if none of its version is on the path")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where environments stay for the next time")
    parser.add_argument("--site", type=Path, metavar="FOLDER", default=SITE, help="the built site, if not _build/html")
    arguments = parser.parse_intermixed_args()
    offered = sorted((arguments.site / "_sources" / "notebooks").glob("*.ipynb"))
    chosen = [path for path in offered if path.name.startswith(tuple(arguments.notebooks) or "")]
    if not chosen:
        sys.exit("no such notebook in the built site: run `make book` first")
    setting = settings()[arguments.setting]
    red, rows = 0, []
    with tempfile.TemporaryDirectory() as passing:
        base = (arguments.keep or Path(passing)).resolve() / arguments.setting
        make(base, arguments.python or interpreter(setting.python), setting.packages)
        for path in chosen:
            start = time.monotonic()
            did, wrong = elsewhere(path, base, quick=arguments.quick)
            red += bool(wrong)
            seconds = f"{time.monotonic() - start:.0f} s"
            rows.append([path.stem, "; ".join(wrong) or ("starts" if arguments.quick else "runs to its end"), seconds])
            print(f"{arguments.setting} {path.stem}: {'; '.join(wrong) or 'runs'} ({seconds}; {did})", flush=True)
        has = versions(base)
    print(f"{len(chosen) - red} passed, {red} failed")
    if arguments.store:
        packages = ", ".join(f"{name} {has[name]}" for name in ("torch", "numpy", "matplotlib"))
        caption = f"In an empty folder of a bare environment, {arguments.setting}: Python {setting.python}, {packages}."
        table = measured.Table(caption, ["Notebook", "what came of it", "took"], rows)
        command = f'make elsewhere ELSEWHERE="{arguments.setting}{" --quick" * arguments.quick} --store"'
        measured.store(f"elsewhere-{arguments.setting}", command, [table], torch=has["torch"], numpy=has["numpy"])
    sys.exit(red > 0)


if __name__ == "__main__":
    main()
