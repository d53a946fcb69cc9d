"""What the experiments share: a command line that refuses in one line, and a record of how a result was made."""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch


def parser_of(module: str, text: str | None) -> argparse.ArgumentParser:
    """The parser of `python -m casestudies_lib.experiments.MODULE`, whose help begins with the module's own text."""
    return argparse.ArgumentParser(
        prog=f"python -m casestudies_lib.experiments.{module}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def command_of(parser: argparse.ArgumentParser, arguments: list[str] | None) -> str:
    """The command as one would type it again; `arguments` of None are those that this process was started with."""
    return shlex.join([*parser.prog.split(), *(sys.argv[1:] if arguments is None else arguments)])


@contextmanager
def refusals(parser: argparse.ArgumentParser) -> Iterator[None]:
    """A ValueError or an OSError in here ends the command with its usage and the message instead of a traceback."""
    try:
        yield
    except (ValueError, OSError) as problem:
        parser.error(str(problem))


def processor() -> str:
    """What the machine calls its processor."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", path.read_text(encoding="utf-8")) if path.exists() else None
    return found.group(1) if found else platform.processor() or platform.machine()


def made_by(command: str, **more: object) -> dict[str, object]:
    """How a result is made, for its record: the command, today's date, the version of torch, and more."""
    return {"command": command, "date": datetime.date.today().isoformat(), "torch": torch.__version__, **more}


def check_out(path: Path) -> None:
    """Refuse a file in no folder, before anything is computed."""
    if not path.absolute().parent.is_dir():
        raise ValueError(f"expected --out in a folder that exists, got {path}: make the folder first")


def write(path: Path, record: dict[str, object], *, indent: int | None = None) -> None:
    """Put a record into a file, whole or not at all.

    Raises:
        ValueError: numbers that JSON does not have.
    """
    try:
        text = json.dumps(record, indent=indent, allow_nan=False)
    except ValueError as problem:
        raise ValueError(f"expected finite numbers, got others ({problem}): a training diverged, try others") from None
    part = path.with_name(f"{path.name}.part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def made(records: Iterable[dict]) -> str:
    """When and on what machine records were made, as a page says it.

    >>> made([{"made_by": {"date": "2026-11-22", "device": "x86_64"}}])
    '2026-11-22, x86_64'
    """
    by = [record["made_by"] for record in records]
    dates = sorted({one["date"] for one in by})
    machines = sorted({one.get("processor") or one["device"] for one in by})
    return f"{' to '.join(dict.fromkeys([dates[0], dates[-1]]))}, {', '.join(machines)}"
