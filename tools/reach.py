"""A pytest plugin of tools/mutants.py: records which test runs which line of the library, or runs chosen tests.

`REACH_RECORD` names the JSON file to write, `REACH_CHOSEN` the one that lists ids to skip and the order of the rest.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

RECORD, CHOSEN = os.environ.get("REACH_RECORD"), os.environ.get("REACH_CHOSEN")
LIBRARY = "casestudies_lib"
seconds: dict[str, float] = {}
here = coverage.Coverage(data_file=None, source=[LIBRARY])
here.set_option("run:disable_warnings", ["no-data-collected"])  # notebooks run in a kernel


def pytest_configure(config: pytest.Config) -> None:
    seconds[""] = time.perf_counter()
    if RECORD:
        config.option.cov_source, config.option.cov_config = [LIBRARY], False  # nbval then measures in its kernel
        here.start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if CHOSEN:
        chosen = json.loads(Path(CHOSEN).read_text())
        place = {test: number for number, test in enumerate(chosen["order"])}
        skip = set(chosen["skip"])
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in skip])
        items[:] = sorted((i for i in items if i.nodeid not in skip), key=lambda i: place.get(i.nodeid, -1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    start = time.perf_counter()
    try:
        return (yield)
    finally:
        seconds[item.nodeid] = time.perf_counter() - start


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Lines of the call are the test's own; those of fixtures may be shared, and go to nobody."""
    if not RECORD:
        return (yield)
    here.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        here.switch_context("")


def pytest_unconfigure() -> None:
    if not RECORD:
        return
    here.stop()
    seconds[""] = time.perf_counter() - seconds[""]
    names = [name for name in seconds if name]
    number = {name: place for place, name in enumerate(names)} | {"": -1}
    data = [here.get_data()]
    for kernel in Path.cwd().glob(".coverage*nbval*"):
        data.append(coverage.CoverageData(str(kernel)))
        data[-1].read()
    lines = {
        os.path.relpath(file): {
            line: sorted({number[context] for context in contexts})
            for line, contexts in found.contexts_by_lineno(file).items()
        }
        for found in data
        for file in found.measured_files()
    }
    for kernel in Path.cwd().glob(".coverage*nbval*"):
        kernel.unlink()
    Path(RECORD).write_text(json.dumps({"names": names, "seconds": seconds, "lines": lines}))
