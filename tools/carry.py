"""The notebooks that the site offers for download carry the library, so that each runs alone in an empty folder.

A notebook whose setup cell already fetches one revision from the book's address, as `tools/notebooks.py publish` writes
it, keeps that cell. The notebooks of the repository are never changed.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
import zipfile
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import nbformat
from address import ROOT
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from notebooks import published_cell

DOWNLOADS = "_sources/notebooks"  # where Sphinx puts what the download button offers


def contents() -> dict[str, bytes]:
    """The files of the library by their places: its modules, and the data that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    [(package, data)] = project["tool"]["setuptools"]["package-data"].items()
    files = [*(ROOT / package).rglob("*.py"), *(path for glob in data for path in (ROOT / package).glob(glob))]
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted(files)}


def wheel() -> tuple[str, bytes]:
    """Name and bytes of the library as a wheel: made here, because that takes neither a network nor setuptools.

    The same library makes the same bytes, and its version ends in a digest of them.
    """
    files = contents()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    name = project["name"].replace("-", "_")
    version = f"{project['version']}+{sha256(repr([files, project]).encode()).hexdigest()[:8]}"
    about = {"Metadata-Version": "2.1", "Name": project["name"], "Version": version, "Summary": project["description"]}
    fields = [*about.items(), ("Requires-Python", project["requires-python"])]
    fields += [("Requires-Dist", needed) for needed in project["dependencies"]]
    made = {"Wheel-Version": "1.0", "Generator": "carry", "Root-Is-Purelib": "true", "Tag": "py3-none-any"}
    folder = f"{name}-{version}.dist-info"
    files[f"{folder}/METADATA"] = "".join(f"{key}: {value}\n" for key, value in fields).encode()
    files[f"{folder}/WHEEL"] = "".join(f"{key}: {value}\n" for key, value in made.items()).encode()
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for place, content in files.items():
        rows.writerow(
            (place, f"sha256={urlsafe_b64encode(sha256(content).digest()).decode().rstrip('=')}", len(content))
        )
    rows.writerow((f"{folder}/RECORD", "", ""))
    files[f"{folder}/RECORD"] = record.getvalue().encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for place, content in files.items():
            entry = zipfile.ZipInfo(place)  # of 1980, on every day
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return f"{name}-{version}-py3-none-any.whl", packed.getvalue()


def carrying_cell() -> str:
    """The setup cell of a notebook that carries the library."""
    name, content = wheel()
    return published_cell(name, b64encode(content).decode())


def carry(app: Sphinx, exception: Exception | None) -> None:
    """Give the library to the notebooks that the site offers, once it is built."""
    if exception is None and app.builder.name == "html":
        load(Path(app.outdir, DOWNLOADS))


def load(folder: Path) -> None:
    """Give the library to the notebooks of a folder, but for those that fetch a revision."""
    cell = carrying_cell()
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        [setup] = [one for one in notebook.cells if one.id == "setup"]
        if not re.search(r"git\+\S+@\w+\"", setup.source):
            setup.source = cell
            path.write_text(nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n", "utf-8", newline="")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("build-finished", carry)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
