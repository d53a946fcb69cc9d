"""A pytest plugin of tools/mutants.py: records which test runs which line of the library, or runs chosen tests.

`REACH_RECORD` names the JSON file to write, `REACH_CHOSEN` the one that lists ids to skip and the order of the rest,
`REACH_MUTANT` the module that should be a mutant.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import coverage
import pytest

RECORD, CHOSEN = os.environ.get("REACH_RECORD"), os.environ.get("REACH_CHOSEN")
LIBRARY = "casestudies_lib"
seconds: dict[str, float] = {}
booked = ""
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
        chosen = json.loads(Path(CHOSEN).read_text(encoding="utf-8"))
        place = {test: number for number, test in enumerate(chosen["order"])}
        skip = set(chosen["skip"])
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in skip])
        items[:] = sorted((i for i in items if i.nodeid not in skip), key=lambda i: place.get(i.nodeid, -1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    start = time.perf_counter()
    with lines_of(item.nodeid.partition("::")[0]):  # fixtures included, which tests of one file may share
        result = yield
    seconds[item.nodeid] = time.perf_counter() - start
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with lines_of(item.nodeid):
        return (yield)


@contextmanager
def lines_of(name: str) -> Iterator[None]:
    """Record the lines that run in here under `name`. Lines that run outside, on import, are recorded under no name."""
    global booked
    before, booked = booked, name
    if RECORD:
        here.switch_context(booked)
    try:
        yield
    finally:
        booked = before
        if RECORD:
            here.switch_context(booked)


def pytest_unconfigure() -> None:
    mutant = sys.modules.get(os.environ.get("REACH_MUTANT", ""))
    if mutant and not hasattr(mutant, "__mutant__"):
        print("the mutant was not there")
    if not RECORD:
        return
    here.stop()
    seconds[""] = time.perf_counter() - seconds[""]
    names = list(dict.fromkeys([*seconds, *(test.partition("::")[0] for test in seconds)]))
    number = {name: place for place, name in enumerate(names)}
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
    Path(RECORD).write_text(json.dumps({"names": names, "seconds": seconds, "lines": lines}), encoding="utf-8")
