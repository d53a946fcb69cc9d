"""Experiments that take longer than a page may: run by hand, recorded, and shipped with the command that made them."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from pathlib import Path


def processor() -> str:
    """What the machine calls its processor."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", path.read_text()) if path.exists() else None
    return found.group(1) if found else platform.processor() or platform.machine()


def made(records: Iterable[dict]) -> str:
    """When and on what machine records were made, as a page says it.

    >>> made([{"made_by": {"date": "2026-11-22", "device": "x86_64"}}])
    '2026-11-22, x86_64'
    """
    by = [record["made_by"] for record in records]
    dates = sorted({one["date"] for one in by})
    machines = sorted({one.get("processor") or one["device"] for one in by})
    return f"{' to '.join(dict.fromkeys([dates[0], dates[-1]]))}, {', '.join(machines)}"
