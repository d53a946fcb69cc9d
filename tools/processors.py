"""Run every notebook as several processors would, compare with the stored outputs, and print a line for each processor.

python tools/processors.py                    all settings: what `make processors` does
python tools/processors.py SETTING [...]      only these
python tools/processors.py --ci               one run, perturbed and on top of that one of the others, in turn by day
python tools/processors.py --run make test    that command, with all notebooks that it runs, on the processor of --ci

With --store, what came of it goes into book/measured/processors.json, which a page shows. A red setting does not stop
the others; the exit status is then 1. Logs are in _build/processors.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measured
from address import ROOT
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from notebooks import COMPARED, NOTEBOOKS

LOGS = ROOT / "_build" / "processors"
STARTUP = f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import perturbed; perturbed.install()\n"
NEWEST, NEWER = r"AVX512|X86_V4", r"AVX512|AVX2|FMA3|X86_V[34]|ASIMD|SVE"  # instruction sets, as numpy names them


def without(sets: str) -> str:
    """What switches off numpy's kernels for those instruction sets that this machine has; empty if it has none."""
    return " ".join(name for name in __cpu_dispatch__ if re.match(sets, name) and __cpu_features__[name])


SETTINGS = {
    "as it is": {},
    # Threads that wait sleep: spinning, two notebooks on two cores outlast a cell's limit; asleep they take 190 s each.
    "two threads": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
    "numpy without AVX-512": {"NPY_DISABLE_CPU_FEATURES": without(NEWEST)},
    "numpy without AVX2": {"NPY_DISABLE_CPU_FEATURES": without(NEWER)},
    "torch without AVX2": {"ATEN_CPU_CAPABILITY": "default"},
    "torch with AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "oneDNN with SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "perturbed": {"PERTURBED": "0"},
    "perturbed otherwise": {"PERTURBED": "1"},
}


def environment(extra: dict[str, str], home: Path) -> dict[str, str]:
    """The variables of a process that runs under one setting, and under no other that this one may run under."""
    played = {"IPYTHONDIR", *(key for setting in SETTINGS.values() for key in setting)} - {"OMP_NUM_THREADS"}
    left = {key: value for key, value in os.environ.items() if key not in played}
    extra = {key: value for key, value in extra.items() if value}
    if "PERTURBED" in extra:
        extra["IPYTHONDIR"] = str(home)  # its profile perturbs every kernel at its start
    return {"OMP_NUM_THREADS": "1"} | left | extra


def nbval(notebook: Path, setting: str, extra: dict[str, str], home: Path) -> tuple[str, str, list[str], int]:
    """Run one notebook under one setting: setting, notebook, the cells that were red, and how many there were."""
    flags = [*COMPARED, "--nbval-cell-timeout=600", "-p", "no:cacheprovider", "-q", "-rA"]
    command = [sys.executable, "-m", "pytest", str(notebook), *flags]
    done = subprocess.run(command, cwd=ROOT, env=environment(extra, home), capture_output=True, encoding="utf-8")
    (LOGS / f"{setting.replace(' ', '-')}-{notebook.stem}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    outcome = re.findall(r"(?m)^(PASSED|FAILED|ERROR|XFAIL|XPASS) \S*?(?:::(Cell \d+))?(?: |$)", done.stdout)
    red = [cell or "all" for verdict, cell in outcome if verdict != "PASSED"]
    return setting, notebook.stem, red or (["all"] if done.returncode else []), len(outcome)


def in_turn(day: int) -> tuple[str, str]:
    """A perturbed setting and one of the others that this machine can play, which change from day to day.

    CI runs both at once, because results off by a last bit on top of other kernels ask more than either alone, and
    take half the time of one after the other.
    """
    tilted = [name for name, extra in SETTINGS.items() if "PERTURBED" in extra]
    others = [name for name, extra in SETTINGS.items() if name not in tilted and any(extra.values())]
    return tilted[day // len(others) % 2], others[day % len(others)]


def store(found: dict[str, tuple[int | None, list[str]]], folder: Path | None = None) -> None:
    """Keep how many cells each setting compared, and which were red, beside what is known of other settings."""
    path = (folder or measured.FOLDER) / "processors.json"
    before = json.loads(path.read_text("utf-8")) if path.exists() else {"tables": [{"rows": []}], "lists": {}}
    rows = {row[0]: row for row in before["tables"][0]["rows"]}
    different = [line for line in before["lists"].get("Different", []) if line.partition(": ")[0] not in found]
    date = measured.about()["date"]
    for name, (cells, red) in found.items():
        counts = ["this processor is one", "–"] if cells is None else [cells, len(red)]
        rows[name] = [name, date, measured.commit(), *counts]
        different += [f"{name}: {cell}" for cell in red]
    caption = f"All {len(NOTEBOOKS)} notebooks, run as other processors would run them."
    columns = ["Processor", "measured", "commit", "outputs compared", "of them different"]
    table = measured.Table(caption, columns, [rows[name] for name in SETTINGS if name in rows])
    measured.store("processors", 'make processors PROCESSORS="--store"', [table], {"Different": different}, folder)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", choices=[[], *SETTINGS], metavar="SETTING", default=[])
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--run", nargs=argparse.REMAINDER, metavar="COMMAND")
    given = parser.parse_args(arguments)
    settings, chosen = dict(SETTINGS), given.settings or list(SETTINGS)
    if given.ci or given.run:
        both = in_turn(int(time.time() / 86400))
        chosen = [" and ".join(both)]
        settings[chosen[0]] = SETTINGS[both[0]] | SETTINGS[both[1]]
    absent = [name for name in chosen if settings[name] and not any(settings[name].values())]
    LOGS.mkdir(parents=True, exist_ok=True)
    red: dict[str, list[str]] = defaultdict(list)
    cells: dict[str, int] = defaultdict(int)
    left = {name: len(NOTEBOOKS) for name in chosen}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, ThreadPoolExecutor(os.cpu_count()) as pool:
        startup = Path(home, "profile_default", "startup")
        startup.mkdir(parents=True)
        (startup / "00-perturbed.py").write_text(STARTUP, encoding="utf-8")
        if given.run:
            print(f"{chosen[0]}: {' '.join(given.run)}", flush=True)
            return subprocess.run(given.run, env=environment(settings[chosen[0]], Path(home))).returncode
        present = [name for name in chosen if name not in absent]
        work = [(notebook, name, settings[name], Path(home)) for name in present for notebook in NOTEBOOKS]
        for setting, notebook, wrong, count in pool.map(lambda one: nbval(*one), work):
            cells[setting] += count
            red[setting] += [f"{notebook} {cell}" for cell in wrong]
            left[setting] -= 1
            if not left[setting]:
                verdict = f"{len(red[setting])} red: {', '.join(red[setting])}" if red[setting] else "green"
                seconds = time.perf_counter() - started
                print(f"{setting}: {cells[setting]} cells, {verdict} ({seconds:.0f} s)", flush=True)
    for name in absent:
        print(f"{name}: not run, because this processor is one already")
    if given.store:
        store({name: (cells.get(name), red[name]) for name in chosen})
    return 1 if any(red.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
