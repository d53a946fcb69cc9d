"""What was measured about the book's own checks, in book/measured: a JSON file each, shown by `{measured} NAME`.

A file holds when, where and of which commit it was measured, the command that does it again, tables, and lists of what
is shown folded. `store` writes it, the directive draws it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from address import ROOT
from docutils import nodes
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from casestudies_lib.experiments.record import processor
from casestudies_lib.page.html import LEFT, RIGHT, table, tag

FOLDER = ROOT / "book" / "measured"


class Table(NamedTuple):
    """What is shown as a table: its caption, the heads of its columns, and its rows, the first cell of each a head."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def commit() -> str:
    """The commit of the working tree, with a plus sign where anything but measurements has changed since it.

    Files that were unpacked rather than cloned have none, and say so.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout.strip()

    changed = git("status", "--porcelain", "-uno", "--", ".", ":!book/measured")
    return git("rev-parse", "--short", "HEAD") + "+" * bool(changed) or "of no repository"


def about() -> dict[str, object]:
    """When, where and of what something is measured."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "torch": version("torch"),
        "numpy": version("numpy"),
    }


def store(
    name: str,
    command: str,
    tables: Iterable[Table],
    lists: Mapping[str, Sequence[str]] | None = None,
    folder: Path | None = None,
    **more: object,
) -> None:
    """Write a measurement as a whole or not at all, and `more` that no page shows."""
    found = {"command": command, "tables": [table._asdict() for table in tables], "lists": dict(lists or {}), **more}
    folder = folder or FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.json.part"
    part.write_text(json.dumps(about() | found, indent=1, ensure_ascii=False) + "\n", "utf-8", newline="")
    part.replace(folder / f"{name}.json")


class Measured(SphinxDirective):
    """`{measured} NAME`: the tables of a stored measurement, its lists folded, and when, where and how it was made."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir, "book", "measured", f"{self.arguments[0]}.json")
        if not path.exists():
            known = ", ".join(sorted(file.stem for file in path.parent.glob("*.json")))
            raise self.error(f"expected one of {known}, got {self.arguments[0]}: measure it first")
        self.env.note_dependency(str(path))
        found = json.loads(path.read_text("utf-8"))
        return [nodes.raw("", str(shown(compared(found) if "made_by" in str(found) else found)), format="html")]


def shown(found: dict) -> Markup:
    """A stored measurement as HTML."""
    parts = [drawn(Table(**table)) for table in found["tables"]]
    parts += [
        tag(
            "details",
            tag("summary", f"{title} ({len(lines)})"),
            tag("ul", *(tag("li", tag("code", line)) for line in lines)),
        )
        for title, lines in found["lists"].items()
        if lines
    ]
    made = f"Measured on {found['date']} at commit {found['commit']}, {found['processor']}, {found['cores']} cores, "
    made += f"torch {found['torch']}, numpy {found['numpy']}. To measure it again: "
    return tag("div", *parts, tag("p", made, tag("code", found["command"]), ".", class_="made"), class_="measured")


def compared(parts: dict[str, dict]) -> dict:
    """What tools/bench.py stored, a part each, as any other measurement."""
    rows, slower = [], []
    for part, found in parts.items():
        for label, of in found.get("comparisons", {}).items():
            number = len(of["items"])
            equal = f"{of['equal']} of {number}" if "equal" in of else "–"
            shares = (f"{of[key]:.2f}" for key in ("geometric_mean", "largest"))
            seconds = (f"{of[key]:.2f}" for key in ("ours_s", "theirs_s"))
            rows.append([f"{part}: {label}", *seconds, *shares, f"{len(of['slower'])} of {number}", equal])
            slower += [f"{part}, {label}, {name}: {of['items'][name]['ratio']:.3f}" for name in of["slower"]]
    heads = ["What, and beside whom", "ours, s", "theirs, s", "ratio, mean", "largest", "slower in", "same count"]
    tables = [Table("CPU seconds of all networks together, and ratios of ours to theirs.", heads, rows)]
    pages = parts.get("tests", {}).get("notebooks_cpu_s", {})
    if pages:
        tables.append(Table("CPU seconds that each notebook takes.", ["Notebook", "CPU seconds"], [*pages.items()]))
    about = next(iter(parts.values()))["made_by"]
    last = max(found["made_by"]["date"] for found in parts.values())
    lists = {"Where ours is slower": slower}
    made = about | {"date": last, "commit": about["commit"][:7], "command": "make bench"}
    return made | {"tables": [table._asdict() for table in tables], "lists": lists}


def drawn(found: Table) -> Markup:
    """A table whose first column is of words, and whose others are of numbers."""
    columns = [(head, {"style": LEFT if place == 0 else RIGHT}) for place, head in enumerate(found.columns)]
    return table(found.caption, columns, found.rows, caption=found.caption)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("measured", Measured)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
