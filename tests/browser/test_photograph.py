"""Your photograph in Chromium, served and from disk: the network in the page against the library's, and every way in.

Needs Chromium, and no built book.
"""

from __future__ import annotations

import functools
import http.server
import io
import re
import threading

import companion
import pytest
import torch
from PIL import Image

from casestudies_lib.explorers import your_photograph
from casestudies_lib.explorers.photograph import NETWORK, SAMPLES, network_file, seen_by, shares_of
from casestudies_lib.explorers.quantised import quantised
from casestudies_lib.pretrained import class_names, pretrained
from casestudies_lib.training.photographs import photograph

PAGE = "notebooks/09.html"
# As strict as a page of the site can be that holds its outputs' scripts and styles; its own files and one worker.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; worker-src blob:"
)
START = '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">'


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A folder with a page as the site has it, and the network's file where `tools/companion.py` writes it."""
    folder = tmp_path_factory.mktemp("site")
    for inside in ("notebooks", "_static"):
        (folder / inside).mkdir()
    (folder / companion.NETWORK_FILE).write_text(network_file(), "utf-8", newline="")
    output = your_photograph().data
    context = {"body": output}
    companion.mend(None, "notebooks/09", "page.html", context, None)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    (folder / PAGE).write_text(f"{START}{policy}<main>{context['body']}</main>")
    (folder / "notebook.html").write_text(f"{START}<main>{output}</main>")
    return folder


@pytest.fixture(scope="session")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def tab(browser, address):
    """An empty tab that remembers its requests; whatever its scripts complain about fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.problems, page.asked = [], []
    page.on("pageerror", lambda error: page.problems.append(f"page error: {error}"))
    page.on(
        "console", lambda m: page.problems.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None
    )
    page.on("request", lambda r: page.asked.append(r.url) if not r.url.startswith(("data:", "blob:")) else None)
    yield page
    context.close()
    assert page.problems == []


@pytest.fixture
def loaded(tab, address):
    """The served page with the network in it."""
    tab.goto(address + PAGE)
    load(tab)
    return tab


def load(page) -> None:
    page.locator(".load").click()
    page.locator(".choose").wait_for()


def said(page) -> str:
    """What the box says of a picture, once the network is done with it."""
    page.wait_for_function(
        "() => !/at work|The network is here/.test(document.querySelector('output').textContent)", timeout=60_000
    )
    return page.locator("output").text_content()


def choose(page, name: str, content: bytes, kind: str = "image/png") -> str:
    page.locator("input[name=file]").set_input_files({"name": name, "mimeType": kind, "buffer": content})
    return said(page)


def as_file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


@functools.cache
def whole(name: str) -> Image.Image:
    """A photograph as its file has it."""
    return Image.fromarray((photograph(name, None)[0].permute(1, 2, 0) * 255).round().byte().numpy())


def shown(page) -> list[tuple[str, str]]:
    rows = page.locator(".stage label")
    return list(zip(rows.locator(".name").all_text_contents(), rows.locator(".percent").all_text_contents()))


def whole_percent(words: str) -> int:
    return 0 if words == "under 1%" else int(words.removesuffix("%"))


ASK = """async ([address, image]) => {
    const { started, ask } = window.CaseStudies.photograph;
    window.own ??= await started(address, 224);
    const { guesses, logits } = await ask(window.own.worker, { image: new Float32Array(image) }, [], () => {});
    return { logits: [...logits], guesses: guesses.map(one => ({ ...one, map: [...one.map] })) };
}"""


def test_the_forward_pass_is_the_librarys(tab, address):
    """Noise, black, a photograph and one of large values: logits, shares and class activation maps."""
    network = pretrained(NETWORK)
    small = quantised(network)
    chance = torch.Generator().manual_seed(0)
    images = [
        torch.randn(1, 3, 224, 224, generator=chance),
        torch.zeros(1, 3, 224, 224),
        network.prepare(photograph("coffee", None)),
        20 * torch.randn(1, 3, 224, 224, generator=chance),
    ]
    tab.goto(address + PAGE)
    for image in images:
        with torch.inference_mode():
            wanted, maps = small(image)[0], small.features(image)[0]
        found = tab.evaluate(ASK, [f"../{companion.NETWORK_FILE}", image[0].permute(1, 2, 0).flatten().tolist()])
        assert torch.tensor(found["logits"]).sub(wanted).abs().max() < 1e-4 * max(1, wanted.abs().max())
        first = wanted.softmax(0).topk(5)
        assert [guess["label"] for guess in found["guesses"]] == first.indices.tolist()
        assert [guess["share"] for guess in found["guesses"]] == pytest.approx(first.values.tolist(), abs=1e-5)
        for guess in found["guesses"]:
            values = torch.einsum("c,chw->hw", small.classifier[1].weight[guess["label"]].detach(), maps).flatten()
            assert torch.tensor(guess["map"]).sub(values).abs().max() < 1e-3 * max(1, values.abs().max())


def test_the_forward_pass_has_all_layers(tab, address):
    """The box counts the layers that are done; the last is the one before the classifier."""
    tab.goto(address + PAGE)
    done = tab.evaluate(
        """async address => {
            const { started, ask } = window.CaseStudies.photograph;
            const { worker } = await started(address, 224);
            const steps = [];
            await ask(worker, { image: new Float32Array(3 * 224 * 224) }, [], step => steps.push(step));
            return steps;
        }""",
        f"../{companion.NETWORK_FILE}",
    )
    convs = [m for m in pretrained(NETWORK).modules() if isinstance(m, torch.nn.Conv2d)]
    assert done == list(range(1, len(convs) + 1))


@pytest.mark.parametrize("way", ["served", "from disk"])
def test_a_click_loads_the_network_and_nothing_does_before(tab, address, site, way):
    start = address if way == "served" else site.as_uri() + "/"
    tab.goto(start + PAGE, wait_until="networkidle")
    assert tab.asked == [start + PAGE]
    assert tab.locator(".load").is_visible() and not tab.locator(".choose").is_visible()
    load(tab)
    assert tab.asked == [start + PAGE, start + companion.NETWORK_FILE]
    network = pretrained(NETWORK)
    shares = shares_of(network, [seen_by(network, name) for name in SAMPLES])
    for place, share in enumerate(shares):
        tab.locator(".run").nth(place).click()
        tab.wait_for_function(
            "name => document.querySelector('output').textContent.startsWith(`First guess: ${name},`)",
            arg=class_names()[int(share.argmax())],
        )
        card = tab.locator(".samples > li").nth(place)
        assert [name for name, _ in shown(tab)] == card.locator("ol .name").all_text_contents()
        assert "0%" not in [percent for _, percent in shown(tab)]
        stored = card.locator("ol .percent").all_text_contents()
        for (_, here), there in zip(shown(tab), stored, strict=True):
            assert abs(whole_percent(here) - whole_percent(there)) <= 1, "decoders of JPEG differ by a step of 255"
    assert len(tab.asked) == 2, "nothing leaves the page"


def test_a_notebook_shows_stored_guesses_only(tab, address):
    tab.goto(address + "notebook.html")
    assert tab.locator(".off").is_visible() and not tab.locator(".own").is_visible()
    assert tab.locator(".samples ol").count() == len(SAMPLES) and not tab.locator(".run").first.is_visible()


def test_a_network_that_does_not_come_is_told_and_can_be_asked_for_again(tab, address):
    tab.route("**/_static/*.js", lambda route: route.abort())
    tab.goto(address + PAGE)
    tab.locator(".load").click()
    tab.locator("output", has_text="could not be loaded").wait_for()
    tab.unroute("**/_static/*.js")
    tab.problems.clear()
    load(tab)
    assert "coffee" not in choose(tab, "cat.png", as_file(whole("cat")))


@pytest.mark.parametrize("name", list(SAMPLES))
def test_a_file_is_prepared_much_as_the_library_does(loaded, name):
    """The browser scales otherwise than Pillow: measured 1.4 points on average among the first five, 11 at most."""
    network = pretrained(NETWORK)
    with torch.inference_mode():
        wanted = quantised(network)(network.prepare(whole(name))).softmax(1)[0]
    assert choose(loaded, f"{name}.png", as_file(whole(name))).startswith("First guess: ")
    for label, percent in shown(loaded):
        there = 100 * wanted[class_names().index(label)].item()
        assert whole_percent(percent) == pytest.approx(there, abs=16), shown(loaded)


def test_what_is_no_picture_is_said_to_be_none(loaded):
    picture = as_file(whole("coffee"))
    for name, content, kind in (
        ("notes.txt", b"some words", "text/plain"),
        ("broken.png", picture[:40] + bytes(100), "image/png"),
        ("empty.jpg", b"", "image/jpeg"),
        ("nameless", b"some words", ""),
    ):
        words = choose(loaded, name, content, kind)
        assert words == f"{name} cannot be read as a picture: please choose one, such as a JPEG or a PNG."
        assert not loaded.locator(".stage").is_visible() and not loaded.locator("progress").is_visible()
    for name, kind in (("coffee.png", "image/png"), ("coffee", "application/octet-stream")):
        assert choose(loaded, name, picture, kind).startswith("First guess: espresso")


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (8000, 6000)], ids=str)
def test_a_tiny_and_a_huge_picture_work(loaded, size):
    assert choose(loaded, "plain.png", as_file(Image.new("RGB", size, "red"))).startswith("First guess: ")
    assert len({name for name, _ in shown(loaded)}) == 5
    colour = loaded.evaluate("""async () => {
        const source = Object.assign(document.createElement("canvas"), { width: 10, height: 30 });
        const canvas = window.CaseStudies.photograph.prepared(source, { resize: 256, crop: 224 });
        return [canvas.width, canvas.height, ...canvas.getContext("2d").getImageData(0, 0, 1, 1).data];
    }""")
    assert colour == [224, 224, 255, 255, 255, 255], "what is transparent is white"


def test_a_camera_that_was_turned_is_turned_back(loaded):
    """A photograph lying on its side, with the note of the camera that it does."""
    note = Image.Exif()
    note[0x0112] = 6  # to be turned clockwise by a quarter
    lying = whole("coffee").rotate(90, expand=True)
    upright = choose(loaded, "coffee.png", as_file(whole("coffee")))
    turned = choose(loaded, "coffee.jpg", as_file(lying, "JPEG", quality=95, exif=note), "image/jpeg")
    before, after = (int(re.search(r"espresso, (\d+)%", words)[1]) for words in (upright, turned))
    assert abs(before - after) < 10


GIVE = """([kind, content]) => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(content)], "coffee.png", { type: "image/png" }));
    const how = { bubbles: true, cancelable: true };
    const event = kind === "paste"
        ? new ClipboardEvent("paste", { ...how, clipboardData: files })
        : new DragEvent("drop", { ...how, dataTransfer: files });
    return document.querySelector(kind === "paste" ? "body" : ".own").dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped(loaded, kind):
    left_to_the_browser = loaded.evaluate(GIVE, [kind, list(as_file(whole("coffee")))])
    assert not left_to_the_browser and said(loaded).startswith("First guess: espresso")


def test_a_paste_of_words_is_left_alone(loaded):
    assert loaded.evaluate("""() => {
        const words = new DataTransfer();
        words.setData("text/plain", "words");
        return document.body.dispatchEvent(
            new ClipboardEvent("paste", { cancelable: true, bubbles: true, clipboardData: words }));
    }""")
    assert "at work" not in loaded.locator("output").text_content()


def test_of_many_clicks_the_last_one_counts(loaded):
    loaded.evaluate("document.querySelectorAll('.run').forEach(button => button.click())")
    last = [*SAMPLES].index("china")
    loaded.wait_for_function("() => document.querySelector('.stage .name').textContent === 'palace'")
    names = loaded.locator(".samples > li").nth(last).locator("ol .name").all_text_contents()
    loaded.wait_for_timeout(1500)
    assert [name for name, _ in shown(loaded)] == names and not loaded.locator("progress").is_visible()


def test_a_second_click_on_load_loads_once(tab, address):
    tab.goto(address + PAGE)
    tab.evaluate("[1, 2, 3].forEach(() => document.querySelector('.load').click())")
    tab.locator(".choose").wait_for()
    tab.wait_for_timeout(1000)
    assert sum(url.endswith(companion.NETWORK_FILE) for url in tab.asked) == len(tab.workers) == 1


def test_each_guess_has_a_map_of_its_own_by_keyboard(loaded):
    choose(loaded, "cat.png", as_file(whole("cat")))
    canvas, words = loaded.locator("canvas"), loaded.locator("figcaption")
    seen = set()
    loaded.locator(".stage input").first.focus()
    for place in range(5):
        assert loaded.locator(".stage input").nth(place).is_checked()
        name = shown(loaded)[place][0]
        assert f"“{name}”" in words.text_content() and name in canvas.get_attribute("aria-label")
        seen.add(canvas.evaluate("canvas => canvas.toDataURL()"))
        loaded.keyboard.press("ArrowDown")
    assert len(seen) == 5


def test_the_map_is_pink_where_it_is_large(loaded):
    """A map with one large place: that place turns pink, its far corner stays as it was."""
    pixels = loaded.evaluate("""() => {
        const { paint } = window.CaseStudies.photograph;
        const make = () => Object.assign(document.createElement("canvas"), { width: 224, height: 224 });
        const [canvas, grey] = [make(), make()];
        canvas.getContext("2d", { willReadFrequently: true });
        Object.assign(grey.getContext("2d"), { fillStyle: "rgb(100 100 100)" }).fillRect(0, 0, 224, 224);
        const at = (x, y) => [...canvas.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3)];
        const map = Float32Array.from({ length: 49 }, (_, place) => (place === 6 ? 3 : -1));
        paint(canvas, grey, map);
        const found = [at(220, 3), at(3, 220)];
        paint(canvas, grey, new Float32Array(49).fill(-1));
        return [...found, at(220, 3)];
    }""")
    assert pixels[0][0] > 180 and pixels[0][1] < 90 and pixels[1:] == [[100] * 3] * 2


def test_buttons_are_large_and_have_names(loaded):
    choose(loaded, "cat.png", as_file(whole("cat")))
    small = loaded.evaluate("""() => [...document.querySelectorAll("button, input[type=file], .stage label")]
        .filter(one => one.offsetParent).map(one => one.getBoundingClientRect())
        .filter(({ width, height }) => width < 24 || height < 24).length""")
    assert small == 0
    assert loaded.evaluate("document.documentElement.scrollWidth") <= 360
    names = loaded.locator(".run").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert len(set(names)) == len(SAMPLES)
    assert loaded.locator("output").get_attribute("aria-live") == "polite"
