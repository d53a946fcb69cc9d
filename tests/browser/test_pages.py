"""The built pages in a real browser: no error, no failed request, no other host, nothing cut off; a screenshot of each.

Needs Chromium, and the book in _build/html (`make book`). Screenshots are kept in _build/screenshots.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
HTML = ROOT / "_build" / "html"
SHOTS = ROOT / "_build" / "screenshots"
VIEWS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
PAGES = sorted(
    str(path.relative_to(HTML)) for path in HTML.rglob("*.html") if not path.is_relative_to(HTML / "_static")
)
NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def address():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=HTML)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "install Chromium, or say where it is in CHROMIUM"
    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", NO_OTHER_HOST]
        )
        yield running
        running.close()


@pytest.fixture
def open_page(browser, address):
    """`open_page(name, view) -> (page, problems)`: the page when all is quiet, and what went wrong on the way."""
    contexts = []

    def opened(name: str, view: str = "light"):
        width, scheme = VIEWS[view]
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme))
        page, problems = contexts[-1].new_page(), []
        page.on("console", lambda m: problems.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.on("response", lambda r: problems.append(f"{r.status}: {r.url}") if r.status >= 400 else None)

        def own(request) -> None:
            if not request.url.startswith((address, "data:")):
                problems.append(f"another host: {request.url}")

        page.on("request", own)
        page.goto(address + name, wait_until="networkidle")
        return page, problems

    yield opened
    for context in contexts:
        context.close()


def test_there_is_a_book_to_open():
    assert {"index.html", "search.html", "book/claims.html", "notebooks/01_classic_networks.html"} <= set(PAGES)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_page_opens_clean(open_page, name, view):
    page, problems = open_page(name, view)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(200)
    assert problems == []
    assert page.evaluate("document.documentElement.dataset.theme") == VIEWS[view][1]
    assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[view][0]
    violations = {v["id"]: v["nodes"][0]["html"] for v in Axe().run(page).response["violations"]}
    violations.pop("region", None)  # the theme's logo stands outside its landmarks
    assert violations == {}
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=SHOTS / f"{name.removesuffix('.html').replace('/', '-')}-{view}.png", full_page=True)


@pytest.mark.parametrize("name", [page for page in PAGES if page.startswith("notebooks/")])
def test_mathematics_and_figures_are_there(open_page, name):
    page, _ = open_page(name)
    assert page.locator("mjx-container").count() == page.locator("span.math, div.math").count() > 0
    figures = page.locator(".drawing")
    assert figures.count() >= 5
    for i in range(figures.count()):
        box = figures.nth(i).bounding_box()
        assert box and box["width"] > 100 and box["height"] > 50, figures.nth(i).get_attribute("aria-label")


@pytest.mark.parametrize("name", [page for page in PAGES if page.startswith("notebooks/")])
@pytest.mark.parametrize("view", ["light", "dark", "phone-dark"])
def test_text_in_figures_can_be_read(open_page, view, name):
    """Words of a figure have the page's own colour, in every mode, and are not tiny on a phone."""
    page, _ = open_page(name, view)
    own = page.evaluate("getComputedStyle(document.querySelector('article p')).color")
    words = page.locator(".drawing text").evaluate_all(
        "all => all.map(t => [getComputedStyle(t).fill, t.getBoundingClientRect().height, t.textContent])"
    )
    assert len(words) > 50
    for colour, height, word in words:
        assert colour == own and height >= 8, (word, colour, height)


def test_explorer_moves_by_keyboard(open_page):
    page, problems = open_page("notebooks/01_classic_networks.html")
    slider, words, square = (page.locator(f".explorer {part}") for part in ("input", "output", "svg rect"))
    before = words.text_content(), square.get_attribute("width")
    slider.focus()
    page.keyboard.press("End")
    assert words.text_content().startswith("pool5: one unit sees 212 × 212") and square.get_attribute("width") == "212"
    assert slider.get_attribute("aria-valuetext") == words.text_content()
    page.keyboard.press("Home")
    assert words.text_content().startswith("conv1_1: one unit sees 3 × 3")
    assert (words.text_content(), square.get_attribute("width")) != before and problems == []


def test_depth_slider_moves_by_keyboard(open_page):
    page, problems = open_page("notebooks/02_resnets.html")
    slider, words = page.locator(".explorer input"), page.locator(".explorer output")
    first = page.locator(".explorer path.curve").first.get_attribute("d")
    slider.focus()
    page.keyboard.press("Home")
    assert words.text_content().startswith("8 layers") == (slider.get_attribute("min") == slider.input_value())
    page.keyboard.press("End")
    assert words.text_content().startswith("110 layers") and slider.get_attribute("aria-valuetext").startswith("110")
    assert page.locator(".explorer path.curve").first.get_attribute("d") != first and problems == []


def test_fading_blocks_end_in_darkness_and_in_the_photograph(open_page):
    page, problems = open_page("notebooks/03_why_resnets_work.html")
    page.locator(".explorer input").focus()
    page.keyboard.press("End")
    captions = page.locator(".explorer figcaption").all_text_contents()
    assert captions == ["plain block: 100% away from what went in", "residual block: exactly what went in"]
    for number in range(2):
        shown = page.locator(".explorer figure").nth(number).locator("svg:visible")
        assert shown.count() == 1
    assert problems == []


def test_search_finds_a_network(open_page):
    page, problems = open_page("search.html?q=sub-sampling")
    page.wait_for_selector("ul.search li a")
    assert "Classic Networks" in page.locator("ul.search").inner_text() and problems == []


def test_solutions_unfold(open_page):
    page, _ = open_page("notebooks/01_classic_networks.html", "phone")
    solution = page.locator("details", has_text="Solution 1").last
    assert not solution.locator("pre").is_visible()
    solution.locator("summary").click()
    assert solution.locator("pre").is_visible()


def test_the_claims_page_leads_into_what_is_folded(open_page):
    page, problems = open_page("book/claims.html")
    page.locator("a", has_text="LENET-4").click()
    page.wait_for_url("**/notebooks/01_classic_networks.html#claim-lenet-4")
    page.locator("#claim-lenet-4").wait_for(state="visible", timeout=5000)
    assert "340,908 connections" in page.locator("#claim-lenet-4").inner_text() and problems == []
