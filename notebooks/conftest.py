"""nbval runs every notebook; here each is held to the CPU time that its page promises, in one process or several."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

# Of CPU; a minute for every other page. The experiment of page 02 alone took 50 s on a busy machine, the page 76 s.
# Page 01 trains for four small experiments: 52 s alone, 62 s beside another page.
SECONDS = {
    "01_classic_networks": 80,
    "02_resnets": 100,
    "03_why_resnets_work": 90,
    "04_networks_in_networks": 45,
    "05_inception": 45,
    "06_mobilenet": 45,
    "07_efficientnet": 45,
    "08_side_by_side": 45,
}

PROPERTY = "CPU seconds of the page"  # of the report of its last cell
before: dict[Path, float] = {}  # by notebook, in the process that runs it
spent: dict[str, float] = {}  # by page, in the process that reports


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
        least, most = 1, SECONDS.get(item.path.stem, 60)
        if not least < seconds < most:
            pytest.fail(
                f"{item.path.stem} promises less than {most} s of CPU, took {seconds:.0f}"
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
