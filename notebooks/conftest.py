"""nbval runs every notebook; here each is held to the CPU time that its page promises, in one process or several."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path

import nbval.kernel
import pytest

# Of CPU, on a processor where `slowness` is 1; a minute for every other page. Page 01 took 61 s there and page 02 55 s.
# Where the same small layers take 1.5 times as long, pages 01 and 02 took 112 and 107 s.
SECONDS = {
    "01_classic_networks": 80,
    "02_resnets": 100,
    "03_why_resnets_work": 80,
    "04_networks_in_networks": 90,
    "05_inception": 80,
    "08_side_by_side": 45,
    "09_use_a_trained_network": 75,
}

# Played as another processor (tools/processors.py), pages took 1.3 to 2.1 times as long: last bits are moved in Python.
PLAYED = 2 if "PERTURBED" in os.environ else 1
REFERENCE = 0.032  # seconds that the layers of `slowness` took there
PROPERTY = "CPU seconds of the page"  # of the report of its last cell
before: dict[Path, float] = {}  # by notebook, in the process that runs it
spent: dict[str, float] = {}  # by page, in the process that reports


def once_more(start: Callable) -> Callable:
    """Start a kernel again that died before it answered: one in some hundreds did, and the next did not."""

    @wraps(start)
    def started(*arguments: object, **options: object) -> object:
        try:
            return start(*arguments, **options)
        except RuntimeError as problem:
            if "Kernel died before" not in str(problem):
                raise
            return start(*arguments, **options)

    return started


nbval.kernel.start_new_kernel = once_more(nbval.kernel.start_new_kernel)


@cache
def slowness() -> float:
    """How many times as long as on the processor of `SECONDS` small layers take here, forward and backward; at least 1."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    x = torch.randn(50, 8, 8, 8)
    layers = [nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    network = nn.Sequential(*layers, *layers, *layers)
    fastest = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(20):
            network(x).sum().backward()
        fastest = min(fastest, time.process_time() - start)
    return max(1.0, fastest / REFERENCE)


def used() -> float:
    """CPU seconds of all child processes that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    before.setdefault(item.path, used())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None):
    """After a notebook's last cell its kernel has ended, and what that used is what the page costs."""
    result = yield
    if nextitem is None or nextitem.path != item.path:
        seconds = used() - before[item.path]
        item.user_properties.append((PROPERTY, seconds))
        promised = SECONDS.get(item.path.stem, 60)
        least, most = 1, promised * slowness() * PLAYED
        if not least < seconds < most:
            pytest.fail(
                f"{item.path.stem} promises less than {promised} s of CPU, {most:.0f} s on this processor, "
                f"took {seconds:.0f}"
            )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """What a red cell wrote to stderr: nbval says only that it wrote something."""
    report = yield
    if report.failed:
        for output in getattr(item, "test_outputs", None) or []:
            if output.get("name") == "stderr":
                report.sections.append(("stderr of the cell", output["text"]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, seconds in report.user_properties:
        if name == PROPERTY:
            spent[Path(report.location[0]).stem] = seconds


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, seconds in sorted(spent.items()):
        terminalreporter.write_line(
            f"{name}: {seconds:.0f} s of CPU, promised {SECONDS.get(name, 60)}"
        )
