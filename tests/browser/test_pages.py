"""The built pages in a real browser: no error, no failed request, no other host, nothing cut off.

Needs Chromium, and the book in _build/html (`make book`). With SCREENSHOTS=1 in the environment, pictures of every page
in every view are kept in _build/screenshots.
"""

from __future__ import annotations

import functools
import http.server
import io
import json
import os
import random
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import judge
import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from axe_playwright_python.base import AXE_SCRIPT
from PIL import Image
from site_audit import sent

from casestudies_lib.explorers import Row
from casestudies_lib.explorers.compare import COLUMNS, PRICES, front
from casestudies_lib.training.photographs import photograph

ROOT = Path(__file__).resolve().parent.parent.parent
HTML = ROOT / "_build" / "html"
SHOTS = ROOT / "_build" / "screenshots"
VIEWS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
PAGES = sorted(
    str(path.relative_to(HTML)) for path in HTML.rglob("*.html") if not path.is_relative_to(HTML / "_static")
)


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
def opened(browser, address):
    """`opened(name, view) -> (page, problems)`: the page when all is quiet, and what went wrong on the way."""

    def opened(name: str, view: str):
        width, scheme = VIEWS[view]
        page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
        problems = []
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

    return opened


@pytest.fixture
def open_page(opened):
    """The same, for a test that moves the page: a load of its own, closed after it."""
    pages = []

    def open_page(name: str, view: str = "light"):
        pages.append(opened(name, view))
        return pages[-1]

    yield open_page
    for page, _ in pages:
        page.context.close()


# Folds are closed here, and axe-core passes over what is hidden; but it looks there first, up to half of its time.
# Without it, it objects to the same: on pages 01, 03 and 08 every rule passed as many elements, but for one that counts
# what is hidden and cannot be focused.
TAKE_OUT_FOLDED = """() => {
  window.folded = [];
  for (const fold of document.querySelectorAll('details:not([open])'))
    for (const part of [...fold.childNodes].filter(part => part.nodeName !== 'SUMMARY')) {
      const place = document.createComment('');
      part.replaceWith(place);
      window.folded.push([place, part]);
    }
}"""
# Where a part and all that it stands in have the colours, letters and tags of a part before, the first speaks for both:
# what holds nothing new is taken out when colours are asked. axe-core has no verdict on the words of drawings.
TAKE_OUT_REPEATED = """() => {
  const LOOKS = ['color', 'backgroundColor', 'backgroundImage', 'fontSize', 'fontWeight', 'opacity', 'textDecoration'];
  const takeOut = part => {
    const place = document.createComment('');
    part.replaceWith(place);
    window.folded.push([place, part]);
  };
  document.querySelectorAll('svg').forEach(takeOut);
  const kinds = new Map(), numbers = new Map(), seen = new Set(), repeated = [];
  for (const part of document.body.querySelectorAll('*')) {
    const look = getComputedStyle(part);
    const kind = [part.tagName, kinds.get(part.parentElement), ...LOOKS.map(name => look[name])].join();
    kinds.set(part, numbers.set(kind, numbers.get(kind) ?? numbers.size).get(kind));
  }
  const walk = part => {
    if ([part, ...part.querySelectorAll('*')].every(one => seen.has(kinds.get(one)))) return repeated.push(part);
    seen.add(kinds.get(part));
    [...part.children].forEach(walk);
  };
  [...document.body.children].forEach(walk);
  repeated.forEach(takeOut);
}"""
PUT_BACK = "() => window.folded.reverse().forEach(([place, part]) => place.replaceWith(part))"
ALL = {"resultTypes": ["violations"]}  # of what is right, one example is enough
COLOURS = ("color-contrast", "link-in-text-block")  # the rules that compare colours, of which each lays out the page
CONTRAST = ALL | {"runOnly": COLOURS}
RULES = {"target-size": {"enabled": True}}  # 24 pixels, or as much room around it: axe-core asks it only on demand
ALL_BUT_CONTRAST = ALL | {"rules": RULES | {rule: {"enabled": False} for rule in COLOURS}}
# What axe-core is asked: colours in every view, and the other rules once for each width.
BOTH = (ALL_BUT_CONTRAST, CONTRAST)
ASKED = {"light": BOTH, "dark": (CONTRAST,), "phone": BOTH, "phone-dark": (CONTRAST,)}


# The views that one load shows: the second after the reader's machine changed between light and dark.
LOADS = (("light", "dark"), ("phone-dark", "phone"))


@pytest.fixture(scope="module")
def look(opened):
    """`look(name, view)`: all that tests ask of a page as it stands; each load is looked at twice."""

    @functools.cache
    def visit(name: str, views: tuple[str, str]) -> dict[str, SimpleNamespace]:
        page, problems = opened(name, views[0])
        seen = {}
        asked = {name, *page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")}
        for view in views:
            page.emulate_media(color_scheme=VIEWS[view][1])
            seen[view] = looked_at(page, name, view, problems)
            seen[view].asked = asked  # before it is scrolled, when nothing else has come near
            problems.clear()  # of axe, which reads the style sheets again
        page.context.close()
        return seen

    return lambda name, view: visit(name, next(views for views in LOADS if view in views))[view]


def violations_of(page, view: str) -> dict[str, str]:
    """What axe-core objects to: one example of each rule that is broken."""
    page.evaluate(f"window.axe || (() => {{ {AXE_SCRIPT} }})()")
    page.evaluate(TAKE_OUT_FOLDED)
    found = []
    for options in ASKED[view]:
        if options is CONTRAST:
            page.evaluate(TAKE_OUT_REPEATED)
        found += page.evaluate("options => axe.run(options)", options)["violations"]
    page.evaluate(PUT_BACK)
    return {violation["id"]: violation["nodes"][0]["html"] for violation in found}


def looked_at(page, name: str, view: str, problems: list[str]) -> SimpleNamespace:
    """What tests ask of a page, and its screenshot where one is wanted."""
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(200)
    seen = SimpleNamespace(
        problems=list(problems),
        theme=page.evaluate("document.documentElement.dataset.theme"),
        width=page.evaluate("document.documentElement.scrollWidth"),
        formulas=page.locator("math").evaluate_all(
            "all => all.map(m => [m.textContent, m.getBoundingClientRect().width, getComputedStyle(m).fontFamily])"
        ),
        faces=faces_of_formulas(page) if view == "light" else None,
        figures=page.locator(".drawing").evaluate_all(
            "all => all.map(f => [f.ariaLabel, f.getBoundingClientRect().width, f.getBoundingClientRect().height])"
        ),
        ink=page.evaluate("(p => p && getComputedStyle(p).color)(document.querySelector('article p'))"),
        words=page.locator(".drawing text").evaluate_all(
            "all => all.filter(t => getComputedStyle(t).display != 'none')"
            ".map(t => [getComputedStyle(t).fill, t.getBoundingClientRect().height, t.textContent, t.style.fill])"
        ),
        violations=violations_of(page, view),
    )
    page.evaluate("window.scrollTo(0, 0)")
    if "SCREENSHOTS" in os.environ:
        SHOTS.mkdir(parents=True, exist_ok=True)
        shot = SHOTS / f"{name.removesuffix('.html').replace('/', '-')}-{view}.jpg"
        page.screenshot(path=shot, type="jpeg", quality=80, full_page=True)
    return seen


def faces_of_formulas(page) -> set[bool]:
    """Whether the glyphs of formulas come from the book's own face, of each kind that there is."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    parts = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": "math *"})["nodeIds"]
    drawn = [session.send("CSS.getPlatformFontsForNode", {"nodeId": part})["fonts"] for part in parts]
    session.detach()
    return {face["isCustomFont"] for faces in drawn for face in faces}


def test_there_is_a_book_to_open():
    assert {"index.html", "search.html", "book/claims.html", "notebooks/01_classic_networks.html"} <= set(PAGES)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES)
def test_page_opens_clean(look, name, view):
    seen = look(name, view)
    assert seen.problems == []
    assert seen.theme == VIEWS[view][1]
    assert seen.width <= VIEWS[view][0]
    assert seen.violations.keys() <= {"region"}, seen.violations  # the theme's logo stands outside its landmarks


def test_what_is_wrong_is_found_and_folds_are_put_back(open_page):
    page, _ = open_page("notebooks/10_recorded_experiments.html")
    before = violations_of(page, "light")
    parts = page.evaluate("document.querySelectorAll('*').length")
    page.evaluate("""() => {
      const last = [...document.querySelectorAll('article p')].filter(words => !words.closest('details')).at(-1);
      last.insertAdjacentHTML('beforeend', "<span style='color: #ccc'>pale words</span><img src='' width=9 height=9>");
      const hidden = "<div aria-hidden='true'><button>hidden, and reached by keyboard</button></div>";
      document.querySelector('article h1').insertAdjacentHTML('afterend', hidden);
    }""")
    assert violations_of(page, "light").keys() - before.keys() == {
        "color-contrast",
        "image-alt",
        "aria-hidden-focus",
    }
    assert page.evaluate("document.querySelectorAll('*').length") == parts + 4, "folds are put back"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_not_heavy(look, address, name):
    """What is sent decides how long a page stays blank on a slow phone, and what it costs. Formulas bring a face."""
    seen = look(name, "phone")
    files = {url.removeprefix(address).partition("?")[0] for url in seen.asked}
    files = {file for file in files if not file.startswith("data:")} - {"_static/search-index.js"}
    kilobytes = sum(len(sent(HTML / file)) for file in files) / 1e3
    assert 100 < kilobytes < (300 if seen.formulas else 200)
    assert len(files) < 25


# The fewest drawings of a page, and words in them: the last one draws little.
FEWEST = {"notebooks/10_recorded_experiments.html": (2, 10)}


@pytest.mark.parametrize("name", [page for page in PAGES if page.startswith("notebooks/")])
def test_mathematics_and_figures_are_there(look, name):
    seen = look(name, "light")
    cells = nbformat.read(ROOT / Path(name).with_suffix(".ipynb"), as_version=4).cells
    written = any(re.search(r"\$[^$]+\$", cell.source) for cell in cells if cell.cell_type == "markdown")
    assert bool(seen.formulas) == written
    for tex, width, face in seen.formulas:
        assert width > 3 and "STIX Math" in face, tex
    assert seen.faces == ({True} if written else set()), "a letter of a formula is drawn by a face of the machine's"
    assert len(seen.figures) >= FEWEST.get(name, (5, 21))[0]
    for label, width, height in seen.figures:
        assert width > 100 and height > 50, label


@pytest.mark.parametrize("name", [page for page in PAGES if page.startswith("notebooks/")])
@pytest.mark.parametrize("view", ["light", "dark", "phone-dark"])
def test_text_in_figures_can_be_read(look, view, name):
    """Words of a figure have the page's own colour, or are white on a box, in every mode, and not tiny on a phone."""
    seen = look(name, view)
    assert len(seen.words) >= FEWEST.get(name, (5, 21))[1]
    for colour, height, word, own in seen.words:
        assert colour == ("rgb(255, 255, 255)" if own else seen.ink) and height >= 8, (word, colour, height)


def slide(page, where: str, name: str, place: int) -> None:
    """Put one of several sliders on its `place`-th value, as dragging does."""
    page.locator(f"{where} input[name={name}]").evaluate(
        "(slider, place) => { slider.value = place; slider.dispatchEvent(new Event('input', {bubbles: true})); }", place
    )


def slide_through(page, settings: list[dict[str, int]]) -> list[dict]:
    """What the explorer shows at each of many settings, in one call to the browser: its counts, words and bars."""
    return page.locator(".explorer").evaluate(
        """(box, settings) => settings.map(places => {
            for (const [name, place] of Object.entries(places)) {
                const slider = box.querySelector(`input[name=${name}]`);
                slider.value = place;
                slider.dispatchEvent(new Event('input', {bubbles: true}));
            }
            return {
                counts: [...box.querySelectorAll('.counts')].map(count => count.textContent),
                words: box.querySelector('output').textContent,
                bars: [...box.querySelectorAll('.bar')].map(bar => parseFloat(bar.style.width)),
            };
        })""",
        settings,
    )


def settings(page, count: int) -> list[dict[str, int]]:
    """Places of all sliders of a page's explorer: as they stand, both ends, and random ones, `count` together."""
    sliders = {
        slider.get_attribute("name"): int(slider.get_attribute("max"))
        for slider in page.locator(".explorer input").all()
    }
    chance = random.Random(0)
    ends = [dict.fromkeys(sliders, 0), sliders]
    return ends + [{name: chance.randint(0, most) for name, most in sliders.items()} for _ in range(count - 2)]


@pytest.mark.parametrize(
    ("name", "judged"),
    [("05_inception", judge.cost), ("06_mobilenet", judge.cost), ("07_efficientnet", judge.scaling)],
)
def test_explorer_counts_as_anatomy_does(open_page, name, judged):
    """A few settings of the sliders, each beside what the library builds; test_outputs.py tries hundreds."""
    page, problems = open_page(f"notebooks/{name}.html", "phone")
    box = page.locator(".explorer")
    given = json.loads(box.get_attribute("data-given"))
    before = box.inner_text()
    box.evaluate("box => box.dispatchEvent(new Event('input'))")
    assert box.inner_text() == before, "what Python wrote and what JavaScript writes differ"
    values = {s.get_attribute("name"): json.loads(s.get_attribute("data-values")) for s in box.locator("input").all()}
    tried = settings(page, 6)
    for places, shown in zip(tried, slide_through(page, tried), strict=True):
        judged(given, {knob: values[knob][place] for knob, place in places.items()}, shown)
    assert problems == []


def test_comparing_networks_by_price_family_and_order(open_page):
    """The front and the table that Chromium shows, for every price and choices of families, against Python's."""
    page, problems = open_page("notebooks/08_side_by_side.html")
    box = page.locator(".explorer")
    given = json.loads(box.get_attribute("data-given"))["rows"]
    rows = [Row(**{field: row[field] for field in Row._fields}) for row in given]
    before = box.inner_text(), box.locator("svg").inner_html()
    box.evaluate("box => box.dispatchEvent(new Event('input'))")
    assert (box.inner_text(), box.locator("svg").inner_html()) == before, "Python and JavaScript differ"
    box.locator("summary").click()
    families = list(dict.fromkeys(row.family for row in rows))
    for hidden in ([], ["EfficientNet"], ["EfficientNet", "MobileNet", "VGG"], families):
        for family in families:
            box.locator(f"input[value={family}]").set_checked(family not in hidden)
        kept = [row for row in rows if row.family not in hidden]
        for price in PRICES:
            box.locator("select").select_option(price)
            best = [row.title for row in front(kept, price)]
            said = f"On the front: {', '.join(best)}."
            assert box.locator("output").text_content() == (said if best else "No network is shown.")
            shown = box.locator("circle:visible")
            ringed = shown.evaluate_all(
                "all => all.filter(o => o.getAttribute('stroke-width') > 0).map(o => o.textContent)"
            )
            assert shown.count() == len(kept) and set(ringed) == set(best), (price, hidden)
            assert box.locator("tbody tr:visible").count() == len(kept)
    for family in families:
        box.locator(f"input[value={family}]").check()
    for column in COLUMNS:
        button = box.locator(f"th button[value={column}]")
        first = "ascending" if column == "title" else "descending"
        for wanted in (first, {"ascending": "descending", "descending": "ascending"}[first]):
            button.focus()
            page.keyboard.press("Enter")
            titles = box.locator("tbody th").all_text_contents()
            values = [getattr(next(row for row in rows if row.title == title), column) for title in titles]
            how = box.locator(f"th:has(button[value={column}])").get_attribute("aria-sort")
            assert values == sorted(values, reverse=how == "descending"), (column, how)
            assert how == wanted and box.locator("th[aria-sort=none]").count() == len(COLUMNS) - 1
    box.locator("circle").nth(3).hover()
    assert box.locator("output").text_content().startswith(f"{rows[3].title}, {rows[3].year}: {rows[3].accuracy:g}%")
    hidden = next(at for at, row in enumerate(rows) if row.title == "plain-18")  # under ResNet-18
    box.locator("select").select_option("macs")
    box.locator("circle").nth(hidden).hover(force=True)
    assert {"plain-18, 2015", "ResNet-18, 2015"} <= set(
        re.findall(r"[\w-]+, \d{4}", box.locator("output").text_content())
    )
    box.locator("tbody th button").nth(2).focus()
    page.keyboard.press("Enter")
    assert box.locator("output").text_content().startswith(box.locator("tbody th").nth(2).text_content() + ", ")
    assert problems == []


def test_explorer_moves_by_keyboard(open_page):
    page, problems = open_page("notebooks/01_classic_networks.html")
    box = page.locator(".explorer", has=page.locator("svg rect"))  # the one with a square over a photograph
    slider, words, square = (box.locator(part) for part in ("input", "output", "svg rect"))
    before = words.text_content(), square.get_attribute("width")
    slider.focus()
    page.keyboard.press("End")
    assert words.text_content().startswith("pool5: one unit sees 212 × 212") and square.get_attribute("width") == "212"
    assert (words.text_content(), square.get_attribute("width")) != before
    assert slider.get_attribute("aria-valuetext") == words.text_content()
    page.keyboard.press("Home")
    assert words.text_content().startswith("conv1_1: one unit sees 3 × 3")
    assert square.get_attribute("width") == "3" and problems == []


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


@pytest.mark.parametrize("name", ["04_networks_in_networks", "05_inception", "06_mobilenet", "07_efficientnet"])
def test_every_slider_moves_by_keyboard_and_says_so(open_page, name):
    page, problems = open_page(f"notebooks/{name}.html")
    everything = page.locator(".explorer")
    for slider in page.locator(".explorer input").all():
        before = everything.inner_html(), slider.get_attribute("aria-valuetext")
        slider.focus()
        last = slider.input_value() == slider.get_attribute("max")
        page.keyboard.press("ArrowLeft" if last else "ArrowRight")
        assert everything.inner_html() != before[0] and slider.get_attribute("aria-valuetext") != before[1]
        shown = slider.locator("xpath=following-sibling::span").text_content()
        assert shown == slider.get_attribute("aria-valuetext") != ""
    assert problems == []


def test_a_slider_moves_by_touch(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 900}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address + "notebooks/05_inception.html", wait_until="networkidle")
    slider = page.locator(".explorer input[name=kernel_size]")
    slider.scroll_into_view_if_needed()
    box, before = slider.bounding_box(), page.locator(".explorer output").text_content()
    page.touchscreen.tap(box["x"] + 3, box["y"] + box["height"] / 2)
    assert slider.input_value() == "0" and page.locator(".explorer output").text_content() != before
    context.close()


def test_mixing_channels_in_the_browser_is_a_convolution(open_page):
    """The picture as Chromium paints it, against the library's photograph through PyTorch's 1x1 convolution."""
    page, problems = open_page("notebooks/04_networks_in_networks.html")
    box = page.locator(".explorer")
    before = box.inner_text()
    box.evaluate("box => box.dispatchEvent(new Event('input'))")
    assert box.inner_text() == before, "what Python wrote and what JavaScript writes differ"
    values = json.loads(box.locator("input").first.get_attribute("data-values"))
    photo = photograph("flower", 224)
    for weights in ((1.0, -1.0, 0.0, 0.0), (0.3, 0.6, 0.1, 0.0), (-1.0, 2.0, 0.5, 0.2), (0.0, 0.0, 1.0, -0.1)):
        for name, weight in zip(("red", "green", "blue", "bias"), weights, strict=True):
            slide(page, ".explorer", name, values.index(weight))
        painted = Image.open(io.BytesIO(box.locator("svg").last.screenshot())).convert("RGB")
        painted = painted.crop((1, 1, painted.width - 1, painted.height - 1))  # half a pixel of its edge is the page's
        painted = torch.tensor(np.asarray(painted.resize((28, 28), Image.Resampling.BOX)) / 255).movedim(-1, 0)
        kernel = torch.tensor(weights[:3]).view(1, 3, 1, 1)
        wanted = F.adaptive_avg_pool2d(F.conv2d(photo, kernel, torch.tensor(weights[3:])).clamp(0, 1), 28)[0]
        apart = (painted - wanted).abs()
        assert apart.mean() < 0.02 and apart.flatten().quantile(0.95) < 0.08, weights
    assert problems == []


# What is asked, the page that teaches it (and the section, where only one does), and words of the snippet.
SOUGHT = [
    ("skip connection", "02_resnets.html#the-residual-block", "the shortcut, or skip connection"),
    ("227", "01_classic_networks.html#for-the-curious-lrn", "227"),
    ("1×1", "04_networks_in_networks.html", "1×1"),
    ("1x1", "04_networks_in_networks.html", "1×1"),
    ("bottleneck", "02_resnets.html#", "bottleneck"),
    ("SiLU", "07_efficientnet.html#b0", "which PyTorch calls SiLU"),
    ("residual block", "02_resnets.html#the-residual-block", "residual block"),
    ("global average pooling", "04_networks_in_networks.html#", "by global average pooling"),
    ("degradation", "02_resnets.html#the-puzzle-of-depth", "the degradation problem"),
    ("normalization", "0", "normalisation"),
]
NO_PROSE = re.compile(r"\bimport\b|\\|Show code|Hide code|\$|[a-z]{3}[.?!][A-Z]")


@pytest.mark.parametrize(("asked", "first", "said"), SOUGHT)
def test_search_finds_first_where_a_thing_is_taught(open_page, asked, first, said):
    page, problems = open_page(f"search.html?q={asked}")
    hit = page.locator("ul.hits li").first
    assert re.sub(r"\?[^#]*", "", hit.locator("a").get_attribute("href")).startswith(f"notebooks/{first}")
    snippets = page.locator(".hits .snippet").all_text_contents()
    assert said in snippets[0] and len(snippets[0]) < 500
    assert hit.locator("mark").count() and not [text for text in snippets if NO_PROSE.search(text)]
    pages = [link.get_attribute("href").partition("/")[0] for link in page.locator(".hits li > a").all()]
    assert pages == sorted(pages, key=lambda folder: folder == "book"), "what gathers comes last"
    assert page.locator(".hits + p a").get_attribute("href").startswith("book/claims.html?words=")
    assert problems == []


def test_search_says_when_there_is_nothing(open_page):
    page, problems = open_page("search.html?q=zebrafish")
    assert page.get_by_role("status").text_content() == "No section has all of these words." and problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_search_works_from_disk_and_leads_into_a_fold_with_the_words_marked(browser, scheme):
    page, problems = browser.new_context(color_scheme=scheme).new_page(), []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.goto((HTML / "book" / "bibliography.html").as_uri())
    page.keyboard.press("Control+k")
    page.locator("dialog input[name=q]").fill("227")
    page.keyboard.press("Enter")
    page.locator(".hits li a").first.wait_for()
    page.locator(".hits li a").first.click()
    page.wait_for_url(re.compile(r"/01_classic_networks\.html(\?highlight=227)?#for-the-curious"))
    page.locator("details[open] span.highlighted", has_text="227").first.wait_for(state="visible")
    wait_until(page, "document.querySelector(location.hash).getBoundingClientRect().top < innerHeight")
    colours = page.locator("details[open] span.highlighted").first.evaluate(
        "word => [getComputedStyle(word).color, getComputedStyle(word).backgroundColor]"
    )
    assert contrast(*colours) > 4.5 and problems == []
    page.context.close()


def wait_until(page, holds: str) -> None:
    """Wait until it is so; Playwright's own waiting evaluates a string in the page, which the policy refuses."""
    for _ in range(100):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"not so in ten seconds: {holds}")


def contrast(*colours: str) -> float:
    """How far apart two colours are in brightness, as WCAG counts it."""

    def brightness(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted(map(brightness, colours))
    return (light + 0.05) / (dark + 0.05)


PLANTED = "<script>window.planted = 1</script><img src='_static/favicon.svg' alt='' onload='window.planted = 1'>"


@pytest.mark.parametrize("guarded", [True, False])
def test_a_planted_script_is_refused_by_the_policy_and_by_nothing_else(browser, address, guarded):
    page, problems = browser.new_context().new_page(), []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)

    def plant(route) -> None:
        body = (HTML / "index.html").read_text().replace("<main", f"{PLANTED}<main", 1)
        meta = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
        route.fulfill(body=body if guarded else re.sub(meta, "", body), content_type="text/html")

    page.route("**/index.html", plant)
    page.goto(address + "index.html", wait_until="networkidle")
    assert page.evaluate("window.planted") == (None if guarded else 1)
    assert len([text for text in problems if "Content Security Policy" in text]) == (2 if guarded else 0)
    page.context.close()


def test_the_themes_buttons_work_without_handlers_in_the_page(open_page):
    page, problems = open_page("index.html")
    page.evaluate("window.print = () => { window.printed = true; }")
    page.locator("[data-does=print]").evaluate("button => button.click()")
    page.locator("[data-does=fullscreen]").click()
    wait_until(page, "Boolean(window.printed && document.fullscreenElement)")
    assert problems == []


@pytest.mark.parametrize("start", ["served", "from disk"])
def test_the_trained_network_starts_under_the_policy_of_its_page(browser, address, start):
    page, problems = browser.new_context().new_page(), []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.goto((address if start == "served" else f"{HTML.as_uri()}/") + "notebooks/09_use_a_trained_network.html")
    page.locator(".explorer .load").click()
    page.locator("output", has_text="The network is here.").wait_for()
    page.locator(".samples .run").first.click()
    page.locator("output", has_text="First guess: tiger cat").wait_for()
    assert problems == []
    page.context.close()


DRAWN = """() => [...document.querySelectorAll('[data-layer] canvas')]
  .filter(canvas => canvas.checkVisibility())
  .map(one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(value => value > 0))"""


@pytest.mark.parametrize("start", ["served", "from disk"])
def test_the_numbers_of_the_pad_come_when_it_comes_near(browser, address, start):
    page, problems, scripts = browser.new_context(viewport={"width": 390, "height": 800}).new_page(), [], []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("request", lambda request: "_static/later/" in request.url and scripts.append(request.url))
    root = address if start == "served" else f"{HTML.as_uri()}/"
    page.goto(root + "notebooks/01_classic_networks.html", wait_until="networkidle")
    assert [url for url in scripts if url.endswith(".js")] == [] and page.locator("[data-layer] canvas").count() == 0
    page.locator(".pad").scroll_into_view_if_needed()
    page.locator("[data-layer=F6] canvas").wait_for()
    assert page.evaluate(DRAWN) == [True] * 7
    page.get_by_role("button", name="a digit from the test set").click()
    assert not page.locator(".without").count() and problems == []
    page.context.close()


def test_code_can_be_copied_once_it_comes_near(open_page):
    page, _ = open_page("notebooks/04_networks_in_networks.html")
    assert page.locator(".copybtn").count() == 0
    code = page.locator("div.highlight:visible").first
    code.scroll_into_view_if_needed()
    code.locator(".copybtn").wait_for(state="attached")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code.locator(".copybtn").dispatch_event("click")
    copied = page.evaluate("""async () => {
      for (let tries = 0; tries < 100; tries++) {
        const text = await navigator.clipboard.readText();
        if (text) return text;
        await new Promise(done => setTimeout(done, 50));
      }
      return "";
    }""")
    assert copied.split() == code.locator("pre").inner_text().split()


def test_numbers_that_do_not_come_are_said_to_be_missing(browser, address):
    page = browser.new_context().new_page()
    page.route("**/_static/later/*.js", lambda route: route.abort())
    page.goto(address + "notebooks/01_classic_networks.html")
    page.locator(".pad").scroll_into_view_if_needed()
    page.locator(".without", has_text="could not be loaded. Please reload the page.").wait_for()
    page.context.close()


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
    page.locator("#claim-lenet-4").wait_for(state="visible")
    assert "340,908 connections" in page.locator("#claim-lenet-4").inner_text() and problems == []


TAUGHT = "notebooks/02_resnets.html"  # a page whose proof stands one click behind, with predictions and numbers


def test_proof_by_mouse_and_by_keyboard(open_page):
    page, problems = open_page(TAUGHT)
    mark, box = page.locator("p a.proof-mark").nth(2), page.locator("#proof")
    card = page.locator(mark.get_attribute("href"))
    found = card.locator(".found").text_content()
    mark.hover()
    box.wait_for(state="visible")
    assert box.locator(".found").text_content() == found and mark.get_attribute("aria-expanded") == "true"
    place, words = box.bounding_box(), mark.locator("xpath=ancestor::p[1]").bounding_box()
    assert place["x"] >= words["x"] + words["width"], "the next lines stay readable"
    page.mouse.move(5, 5)
    box.wait_for(state="hidden")
    assert mark.get_attribute("aria-expanded") == "false"
    mark.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert box.is_visible() and mark.get_attribute("aria-controls") == "proof"
    page.keyboard.press("Enter")
    assert box.evaluate("box => box === document.activeElement")
    assert box.get_attribute("aria-label") == mark.get_attribute("aria-label")
    page.keyboard.press("Escape")
    assert box.is_hidden() and mark.evaluate("mark => mark === document.activeElement")
    page.keyboard.press("Enter")
    for _ in range(10):  # past the links of the box
        page.keyboard.press("Tab")
        if page.evaluate("!document.activeElement.closest('#proof')"):
            break
    assert mark.get_attribute("aria-expanded") == "false"
    assert page.evaluate("!document.activeElement.closest('#proof')")
    assert not mark.evaluate("mark => mark === document.activeElement"), "the focus goes on from the mark"
    mark.click()
    page.mouse.move(5, 5)
    page.wait_for_timeout(400)
    assert box.is_visible(), "a click holds it"
    box.locator(".more").click()
    card.wait_for(state="visible")
    assert box.is_hidden() and problems == []


def test_proof_by_touch(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address + TAUGHT, wait_until="networkidle")
    mark, box = page.locator("p a.proof-mark").nth(2), page.locator("#proof")
    mark.tap()
    sheet, at = box.bounding_box(), mark.bounding_box()
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 390, 800)
    assert at["y"] + at["height"] + 20 < sheet["y"], "the mark and the next line stay in sight"
    box.locator(".close").tap()
    assert box.is_hidden()
    mark.tap()
    page.touchscreen.tap(200, 80)
    assert box.is_hidden()
    context.close()


def test_predictions_are_kept_and_met_and_numbers_are_marked(open_page):
    page, problems = open_page(TAUGHT)
    questions = page.locator(".ask fieldset")
    asked = [question.get_attribute("data-ask") for question in page.locator(".ask .question").all()]
    answers = [page.locator(f".answer[data-answers='{key}']").first for key in asked]
    assert len(asked) == questions.count() >= 2 and not page.locator(".said").count()
    right = int(answers[0].get_attribute("data-right"))
    questions.nth(0).locator("input").nth(right).check()
    wrong = (int(answers[1].get_attribute("data-right")) + 1) % questions.nth(1).locator("input").count()
    questions.nth(1).locator("label").nth(wrong).click()
    for again in (False, True):
        if again:
            page.reload(wait_until="networkidle")
        assert questions.nth(0).locator("input").nth(right).is_checked()
        assert questions.nth(0).locator("output").text_content() == "Kept. The page answers below."
        words = questions.nth(0).locator("label").nth(right).text_content()
        assert answers[0].locator(".said").text_content() == f"You predicted “{words}”, and that is right."
        words = questions.nth(1).locator("label").nth(wrong).text_content()
        assert answers[1].locator(".said").text_content() == f"You predicted “{words}”. It is otherwise:"
    numbers = page.locator("ol.numbers").first
    wants = [int(item.get_attribute("data-wants")) for item in numbers.locator("li").all()]
    button, result = (numbers.locator(f"xpath=following-sibling::div[1]//{part}") for part in ("button", "output"))
    button.click()
    assert result.text_content() == "Write your numbers first."
    fields = numbers.locator("input")
    fields.nth(0).fill(f" {wants[0]:,} ")
    fields.nth(1).fill(f"{wants[1] + 1}")
    button.click()
    assert result.text_content() == f"1 of {len(wants)} is right. {numbers.get_attribute('data-hint')}"
    assert [fields.nth(place).get_attribute("aria-invalid") for place in (0, 1)] == ["false", "true"]
    assert numbers.locator("details").first.is_visible()
    for place, want in enumerate(wants):
        fields.nth(place).fill(f"{want:,}".replace(",", " "))
    fields.nth(0).press("Enter")
    assert result.text_content() == f"✓ All {len(wants)} are right." and problems == []


def test_a_browser_that_keeps_nothing_keeps_a_prediction_until_the_page_is_left(browser, address):
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused') }})")
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address + TAUGHT)
    page.locator(".ask input").first.check()
    assert page.locator(".answer .said").first.text_content().startswith("You predicted “")
    assert [problem for problem in problems if "companion" in problem] == []
    context.close()


def test_without_a_script_questions_are_lists_answers_are_folded_and_marks_lead_to_their_cards(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + TAUGHT)
    assert page.locator(".ask li").first.is_visible() and page.locator("ol.numbers summary").first.is_visible()
    mark = page.locator("p a.proof-mark").nth(2)
    mark.click()
    page.locator(mark.get_attribute("href")).wait_for(state="visible")
    context.close()


def test_claims_are_narrowed_by_verdict_network_page_and_words(open_page):
    page, problems = open_page("book/claims.html?verdict=wrong")
    entries, count = page.locator(".entry:visible"), page.locator(".filters output")
    total = page.locator(".entry").count()
    wrong = page.locator(".entry[data-verdict=wrong]").count()
    assert entries.count() == wrong > 5 and count.text_content() == f"{wrong} of {total} claims shown."
    assert page.locator("select[name=verdict] option:checked").text_content() == f"wrong ({wrong})"
    page.locator("select[name=network]").focus()
    page.keyboard.press("ArrowDown")
    network = page.locator("select[name=network]").input_value()
    both = page.locator(f".entry[data-verdict=wrong][data-network='{network}']").count()
    assert entries.count() == both and f"verdict=wrong&network={network}" in page.url
    assert page.locator("section section:visible").count() <= both, "pages without a hit step aside"
    page.locator(".filters button").focus()
    page.keyboard.press("Enter")
    assert entries.count() == total and "?" not in page.url
    page.locator("input[name=words]").fill("PARAMETERS abstract")
    assert 0 < entries.count() < total and "words=PARAMETERS+abstract" in page.url
    assert all("abstract" in entry.lower() for entry in entries.all_text_contents())
    page.locator("select[name=page]").select_option(index=1)
    title = page.locator("select[name=page]").input_value()
    assert {entry.get_attribute("data-page") for entry in entries.all()} <= {title}
    page.reload()
    assert page.locator("input[name=words]").input_value() == "PARAMETERS abstract" and problems == []


PRINTED = """() => {
  const light = color => Math.max(...color.match(/[\\d.]+/g).slice(0, 3).map(Number));
  const words = [...document.querySelectorAll('article pre span')].filter(word => word.getClientRects().length);
  const sheet = document.querySelector('.poster img'), place = sheet.getBoundingClientRect();
  const shown = sheet.naturalWidth === 1684 && getComputedStyle(sheet).backgroundColor === 'rgb(255, 255, 255)';
  const ground = part => {
    const color = getComputedStyle(part).backgroundColor;
    return color.endsWith(', 0)') && part.parentElement ? ground(part.parentElement) : light(color);
  };
  return [words.length, Math.max(...words.map(word => light(getComputedStyle(word).color))),
          Math.min(...words.map(ground)), shown && place.width > 500 && place.right <= innerWidth];
}"""


def test_what_a_dark_screen_prints_can_be_read(open_page):
    """Code in ink, and the whole sheet of networks on white, which opens large."""
    page, problems = open_page("notebooks/08_side_by_side.html", "dark")
    page.locator(".poster img").scroll_into_view_if_needed()  # it is fetched when a reader comes near
    page.locator(".poster img").evaluate("image => image.decode()")
    words, lightest, ground, whole = page.evaluate(PRINTED)
    assert words > 100 and lightest > 200 and ground < 50 and whole, "on the screen"
    opens = page.locator(".poster a")
    assert opens.get_attribute("href") == "../_static/cnn-poster.png" and (HTML / "_static/cnn-poster.png").exists()
    sheet, over = page.locator(".poster img").bounding_box(), opens.bounding_box()
    assert all(abs(sheet[side] - over[side]) < 2 for side in sheet), "the link lies over the picture"
    page.emulate_media(media="print")
    words, lightest, ground, whole = page.evaluate(PRINTED)
    assert words > 100 and lightest == 0 and ground > 230 and whole and problems == []


def test_printed_solutions_are_open(open_page):
    page, problems = open_page("book/solutions.html")
    heights = "[...document.querySelectorAll('details.solution')].map(fold => fold.getBoundingClientRect().height)"
    closed = page.evaluate(heights)
    page.emulate_media(media="print")
    printed = page.evaluate(heights)
    assert len(printed) > 20 and max(closed) < 40 < min(printed) and problems == []


def test_the_start_page_is_light_with_all_that_it_shows(look, address):
    files = {url.removeprefix(address).partition("?")[0] for url in look("index.html", "phone").asked}
    assert sum(len(sent(HTML / file)) for file in files if not file.startswith("data:")) < 240_000
