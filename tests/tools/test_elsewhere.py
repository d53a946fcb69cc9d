"""What `make elsewhere` sets up and what it objects to; the runs themselves are jobs of the workflow."""

import copy
import sys
from pathlib import Path

import elsewhere
import nbformat
import pytest
import yaml
from address import ROOT

import notebooks as tool


def test_the_oldest_environment_holds_the_floors_of_the_package():
    packages = elsewhere.settings()["oldest"].packages
    assert {"torch==2.4", "numpy==1.26", "matplotlib==3.8"} <= set(packages)
    assert not any(">" in package for package in packages)


def test_the_workflow_runs_every_setting_with_its_python():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    matrix = {one["setting"]: one["python"] for one in jobs["elsewhere"]["strategy"]["matrix"]["include"]}
    assert matrix == {name: setting.python for name, setting in elsewhere.settings().items()}


def test_it_objects_to_a_touched_torch_and_to_a_library_that_did_not_come():
    before = {"torch": "2.4.0", "numpy": "1.26.0", "pillow": "10.0.0"}
    after = before | {"casestudies-lib": "0.1.0+01234567", "pillow": "11.0.0"}
    said, wrong = elsewhere.compared(before, after)
    assert wrong == [] and "changed: pillow 10.0.0 -> 11.0.0; added: casestudies-lib" in said
    assert elsewhere.compared(before, after | {"torch": "2.5.0"})[1] == ["touched torch"]
    assert elsewhere.compared(before, {k: v for k, v in after.items() if k != "numpy"})[1] == ["touched numpy"]
    assert elsewhere.compared(before, before)[1] == ["did not install the library"]
    assert elsewhere.compared(after, after)[1] == ["found the library before it was installed"]


@pytest.mark.parametrize("path", tool.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_quick_run_installs_and_imports(path):
    notebook = nbformat.read(path, as_version=4)
    whole = copy.deepcopy(notebook)
    elsewhere.first_cells(notebook)
    assert [cell.id for cell in notebook.cells] == [cell.id for cell in whole.cells][: len(notebook.cells)]
    assert [cell.id for cell in notebook.cells if cell.cell_type == "code"] == ["setup", "imports"]


def test_the_kernel_sees_nothing_of_this_repository(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("VIRTUAL_ENV", str(ROOT / ".venv"))
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & elsewhere.outside().keys()


def test_the_packages_are_those_of_the_environment_and_not_of_this_folder(tmp_path, monkeypatch):
    (tmp_path / "ghost.egg-info").mkdir()
    (tmp_path / "ghost.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: ghost\nVersion: 1\n")
    monkeypatch.chdir(tmp_path)
    found = elsewhere.versions(Path(sys.prefix))
    assert "pytest" in found and "ghost" not in found
