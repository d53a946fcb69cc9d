"""nbval runs every notebook; here each is held to the CPU time that its page promises."""

from __future__ import annotations

import resource

import pytest

# Of CPU; a minute for every other page. The experiment of page 02 alone took 50 s on a busy machine, the page 76 s.
SECONDS = {
    "02_resnets": 100,
    "03_why_resnets_work": 90,
    "04_networks_in_networks": 45,
    "05_inception": 45,
    "06_mobilenet": 45,
    "07_efficientnet": 45,
    "08_side_by_side": 45,
}

before = 0.0
spent: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None):
    """After a notebook's last cell its kernel has ended, and what that used is what the page costs."""
    global before
    result = yield
    if nextitem is None or nextitem.path != item.path:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        now = used.ru_utime + used.ru_stime
        spent[item.path.stem], before = now - before, now
        least, most = 1, SECONDS.get(item.path.stem, 60)
        if not least < spent[item.path.stem] < most:
            pytest.fail(
                f"{item.path.stem} promises less than {most} s of CPU, took {spent[item.path.stem]:.0f}"
            )
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, seconds in spent.items():
        terminalreporter.write_line(
            f"{name}: {seconds:.0f} s of CPU, promised {SECONDS.get(name, 60)}"
        )
