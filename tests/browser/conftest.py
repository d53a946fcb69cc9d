"""Chromium, and who tests what: all that look at one page in one process, which then loads it once."""

import re

import pytest
from playwright.sync_api import sync_playwright
from site_audit import chromium
from xdist.scheduler import LoadScopeScheduling

NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"


class ByPage(LoadScopeScheduling):  # not --dist loadgroup: of pytest-xdist 3.8 it groups nothing under pytest 9.2
    def _split_scope(self, nodeid: str) -> str:
        page = re.search(r"[\w/]+\.html", nodeid)
        return page[0] if page else nodeid


def pytest_xdist_make_scheduler(config, log):
    return ByPage(config, log)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", NO_OTHER_HOST]
        )
        yield running
        running.close()


@pytest.fixture
def tab(browser):
    """`tab(*outputs)`: a page with these outputs; whatever its scripts complain about fails the test."""
    context, problems = browser.new_context(), []
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("console", lambda m: problems.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None)

    def tab(*outputs, through=str):
        body = "".join(f'<div class="cell">{output.data}</div>' for output in outputs)
        page.set_content("<!doctype html>" + through(body))
        return page

    yield tab
    context.close()
    assert problems == []
