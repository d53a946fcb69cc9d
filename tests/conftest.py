"""Shared fixtures: torchvision beside a CPU torch, the notebooks, and the built book."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONG = ("test_models.py", "test_parity.py", "test_book.py", "test_degradation.py", "test_notebooks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the notebooks come the files that take longest, so that parallel processes end together."""
    items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path.name not in LONG))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Imported here, since the process that only shares out the tests needs no torch."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def torchvision():
    """torchvision, also where its compiled operators do not fit torch's CPU build: the models need none of them."""
    import torch

    try:
        import torchvision
    except RuntimeError:
        torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        import torchvision
    return torchvision


@pytest.fixture(scope="session")
def build_book(tmp_path_factory):
    """Build the book from a copy of the tree, with warnings as errors: `build(**environment) -> html folder`."""

    def build(**environment: str) -> Path:
        home = tmp_path_factory.mktemp("book")
        ignore = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info", "tests")
        shutil.copytree(ROOT, home / "source", ignore=ignore)
        clean = {key: value for key, value in os.environ.items() if key != "REPOSITORY_URL"}
        command = [
            str(Path(sys.executable).with_name("jupyter-book")),
            "build",
            "source",
            "-W",
            "-n",
            "--keep-going",
            "-q",
        ]
        done = subprocess.run(command, cwd=home, env=clean | environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return home / "source" / "_build" / "html"

    return build


@pytest.fixture(scope="session")
def book(build_book) -> Path:
    """The book as it is, without an address."""
    return build_book()
