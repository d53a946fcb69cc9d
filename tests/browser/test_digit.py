"""Draw a digit in Chromium: its functions against the library, and the pad by mouse and by keyboard.

Needs Chromium, and no built book.
"""

from __future__ import annotations

import base64
import json
import re
from math import cos, radians, sin

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from playwright.sync_api import expect
from torch import nn

from casestudies_lib.experiments import digit
from casestudies_lib.explorers import draw_a_digit
from casestudies_lib.explorers.digit import centred, digits, percent, said, trained
from casestudies_lib.training.datasets import mnist

RECORD = digit.recorded()
OUTPUT = draw_a_digit(RECORD)
GIVEN = json.loads(BeautifulSoup(OUTPUT.data, "html.parser").find(class_="explorer")["data-given"])

# All layers of many images, as base64 of 32-bit floats, layer by layer of one image after the other.
FORWARD = """async ([layers, text]) => {
    const { unpacked, forward } = window.CaseStudies.digit;
    const images = new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
    const ready = unpacked(layers), all = [];
    let names;
    for (let at = 0; at < images.length; at += 1024) {
        const steps = forward(ready, images.subarray(at, at + 1024));
        names = steps.map((step) => step.name);
        all.push(...steps.map((step) => Float32Array.from(step.values)));
    }
    const reader = new FileReader();
    await new Promise((done) => { reader.onload = done; reader.readAsDataURL(new Blob(all)); });
    return [names, reader.result];
}"""


@pytest.mark.parametrize("variant", ["modern", "1998"])
@torch.no_grad()
def test_forward_is_the_librarys_at_every_layer_on_500_digits(tab, variant):
    """Within a hundred-thousandth of the largest value of the layer: JavaScript adds in 64 bits, the library in 32."""
    images = mnist()[1].images[:500]
    sent = base64.b64encode(images.numpy().tobytes()).decode()
    names, data = tab(OUTPUT).evaluate(FORWARD, [GIVEN["networks"][variant], sent])
    found = np.frombuffer(base64.b64decode(data.split(",")[1]), dtype=np.float32).reshape(500, -1)
    wanted, at = {"input": images}, images
    for name, layer in trained(RECORD, variant).chain():
        at = layer(at)
        if not isinstance(layer, nn.Flatten):
            wanted[name] = at
    assert names == list(wanted) and found.shape[1] == sum(values[0].numel() for values in wanted.values())
    for name, values in wanted.items():
        mine, found = np.split(found, [values[0].numel()], axis=1)
        furthest = np.abs(mine - values.flatten(1).numpy()).max() / values.abs().max().item()
        assert furthest < 1e-5, (variant, name)


def drawings():
    """Random dots, blots and bars, at the edges too, symmetrical ones, and a single pixel."""
    chance = torch.Generator().manual_seed(0)
    for side in (28, 60, 97):
        for number in range(12):
            drawing = torch.rand(side, side, generator=chance)
            kept = torch.rand(side, side, generator=chance) < (0.002, 0.05, 1)[number % 3]
            top, left, high, wide = torch.randint(1, side, (4,), generator=chance).tolist()
            window = torch.zeros(side, side)
            window[top : top + high, left : left + wide] = 1
            yield drawing * kept * (window if number % 2 else 1)
        for rows, columns in (
            (slice(3, 25), slice(10, 15)),
            (slice(7, 8), slice(0, side)),
            (slice(9, 10), slice(4, 5)),
        ):
            bar = torch.zeros(side, side)
            bar[rows, columns] = 1
            yield bar


def test_drawings_are_centred_as_in_python(tab):
    tried = [drawing for drawing in drawings() if drawing.any()]
    assert len(tried) > 30
    call = "all => all.map(([ink, wide]) => [...window.CaseStudies.digit.centred(ink, wide)])"
    found = tab(OUTPUT).evaluate(call, [[drawing.flatten().tolist(), len(drawing)] for drawing in tried])
    for drawing, values in zip(tried, found, strict=True):
        assert values == pytest.approx(centred(drawing.double()).flatten().tolist(), abs=1e-9)
    assert tab(OUTPUT).evaluate("() => window.CaseStudies.digit.centred(new Float64Array(9), 3)") is None


def test_a_digit_is_standardised_as_for_training(tab):
    """The pad's way to the network, for the digits that it offers: what was a test image comes out as that image."""
    call = "([all, pixels]) => all.map(scan => [...window.CaseStudies.digit.standardised(scan, pixels)])"
    scans = (digits(RECORD).double() / 255).flatten(1).tolist()
    found = torch.tensor(tab(OUTPUT).evaluate(call, [scans, RECORD["pixels"]]))
    wanted = mnist()[1].images[: len(scans)].flatten(1)
    assert torch.allclose(found, wanted, atol=1e-5)


def test_what_is_said_is_what_python_says(tab):
    chance = torch.Generator().manual_seed(0)
    shares = [(8 * torch.rand(10, generator=chance)).softmax(0).tolist() for _ in range(200)]
    shares += [[k / 1000, *[0] * 8, 1 - k / 1000] for k in range(0, 1001, 3)]
    page = tab(OUTPUT)
    assert page.evaluate("all => all.map(window.CaseStudies.digit.said)", shares) == [said(one) for one in shares]
    call = "all => all.map(all => all.map(window.CaseStudies.digit.percent))"
    assert page.evaluate(call, shares) == [list(map(percent, one)) for one in shares]


def test_the_page_starts_as_python_wrote_it(tab):
    written = BeautifulSoup(OUTPUT.data, "html.parser")
    box = tab(OUTPUT).locator(".explorer")
    assert box.locator("output").text_content() == written.output.text
    shown = box.locator(".share").evaluate_all("all => all.map(one => [one.className, one.textContent])")
    assert shown == [[" ".join(one["class"]), one.text] for one in written.find_all(class_="share")]
    widths = box.locator(".bar").evaluate_all("all => all.map(one => one.style.width)")
    assert widths == [re.search(r"width:(.+)$", one["style"])[1] for one in written.find_all(class_="bar")]
    assert written.find(class_="without") and box.locator(".without").count() == 0
    assert box.locator(".layers canvas").count() == 8 and box.locator(".layers svg").count() == 0


def arc(x, y, wide, tall, start, end):
    """Points of an ellipse, in degrees from the right, against the clock."""
    angles = [radians(start + (end - start) * step / 16) for step in range(17)]
    return [(x + wide * cos(angle), y - tall * sin(angle)) for angle in angles]


# The grey values of a canvas, read from a copy, as long as Chromium warns of the same one read twice.
GREY = """canvas => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    return [...copy.getImageData(0, 0, canvas.width, canvas.height).data].filter((_, at) => at % 4 === 0);
}"""

# Digits as one might draw them, in parts of the pad.
DRAWN = [
    (0, [arc(0.5, 0.5, 0.2, 0.33, 90, 450)]),
    (1, [[(0.5, 0.15), (0.5, 0.85)]]),
    (1, [[(0.38, 0.3), (0.53, 0.15), (0.53, 0.85)]]),
    (1, [[(0.38, 0.3), (0.52, 0.15), (0.52, 0.85)], [(0.34, 0.85), (0.7, 0.85)]]),
    (2, [[*arc(0.5, 0.32, 0.18, 0.17, 165, -35), (0.32, 0.84), (0.7, 0.84)]]),
    (3, [[*arc(0.48, 0.32, 0.17, 0.16, 150, -90), *arc(0.48, 0.66, 0.2, 0.18, 90, -150)]]),
    (4, [[(0.6, 0.15), (0.28, 0.6), (0.75, 0.6)], [(0.6, 0.15), (0.6, 0.85)]]),
    (4, [[(0.34, 0.17), (0.32, 0.5), (0.68, 0.5)], [(0.66, 0.17), (0.62, 0.86)]]),
    (5, [[(0.7, 0.17), (0.38, 0.17), (0.36, 0.46), *arc(0.48, 0.63, 0.2, 0.2, 115, -140)]]),
    (6, [[(0.62, 0.15), (0.45, 0.3), (0.36, 0.5), (0.34, 0.65), *arc(0.5, 0.67, 0.16, 0.16, 180, -180)]]),
    (7, [[(0.3, 0.18), (0.7, 0.18), (0.46, 0.85)]]),
    (7, [[(0.3, 0.18), (0.7, 0.18), (0.48, 0.85)], [(0.38, 0.5), (0.68, 0.5)]]),
    (8, [[*arc(0.5, 0.33, 0.14, 0.16, -90, -450), *arc(0.5, 0.67, 0.17, 0.18, 90, 450)]]),
    (9, [[*arc(0.5, 0.33, 0.16, 0.17, 0, 360), (0.66, 0.33), (0.64, 0.6), (0.58, 0.85)]]),
]


def draw(page, strokes, jitter=0.0, seed=0):
    """Draw strokes on the pad with the mouse, with a hand that trembles by `jitter` of its side."""
    chance = np.random.default_rng(seed)
    frame = page.locator(".pad canvas").bounding_box()
    for stroke in strokes:
        for number, point in enumerate(stroke):
            x, y = np.add(point, chance.normal(0, jitter, 2))
            page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"], steps=3)
            if number == 0:
                page.mouse.down()
        page.mouse.up()


def reads(page):
    """What the page says of the pad once it has been drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator("output").text_content()


@pytest.mark.parametrize("variant", ["modern", "1998"])
def test_most_digits_that_a_mouse_draws_are_read(tab, variant):
    page = tab(OUTPUT)
    page.locator("select").select_option(variant)
    right = []
    for seed, (label, strokes) in enumerate(DRAWN):
        page.locator("button[value=clear]").click()
        draw(page, strokes, jitter=0.01, seed=seed)
        right.append(bool(re.match(f"Reads an? {label} ", reads(page))))
    assert sum(right) >= len(DRAWN) - 2, [DRAWN[at][0] for at, one in enumerate(right) if not one]


def test_pad_by_mouse_and_buttons(tab):
    page = tab(OUTPUT)
    first = reads(page)
    assert first.startswith("This test digit is a 0. Reads a 0 ")
    draw(page, [[(0.5, 0.15), (0.5, 0.85)]])
    assert reads(page).startswith("Reads a 1 ("), "the test digit made room"
    before = page.locator("[data-layer=C1] canvas").evaluate("one => one.toDataURL()")
    draw(page, [[(0.2, 0.15), (0.5, 0.15)]])
    assert reads(page).startswith("Reads a 7 ("), "a second stroke adds to the first"
    assert page.locator("[data-layer=C1] canvas").evaluate("one => one.toDataURL()") != before
    page.locator("button[value=clear]").click()
    assert reads(page) == "The pad is empty: draw a digit."
    assert page.locator(".share span:last-child").all_text_contents() == ["–"] * 10
    assert page.locator(".share.most").count() == 0
    page.mouse.click(5, 5)
    assert reads(page) == "The pad is empty: draw a digit.", "only the pad takes ink"
    for label in RECORD["digits"]["labels"][1:]:
        page.locator("button[value=digit]").click()
        assert reads(page).startswith(f"This test digit is {'an' if label == 8 else 'a'} {label}. Reads a")
    page.locator("button[value=digit]").click()
    assert reads(page) == first, "after the last comes the first"


def test_an_offered_digit_reaches_the_network_as_it_was_scanned(tab):
    """Ten by ten pixels on the pad for each pixel of the scan, centred again: the scan."""
    page = tab(OUTPUT)
    for number in range(3):
        picture = torch.tensor(page.locator("[data-layer=input] canvas").evaluate(GREY)).view(32, 32)
        assert torch.equal(picture, nn.functional.pad(digits(RECORD)[number], (2, 2, 2, 2)).long())
        page.locator("button[value=digit]").click()


def test_pad_by_keyboard(tab):
    page = tab(OUTPUT)
    pad, pen = page.locator(".pad canvas"), page.locator(".pen")

    def press(**keys):
        for key, times in keys.items():
            for _ in range(times):
                page.keyboard.press(key)

    for _ in range(4):
        page.keyboard.press("Tab")
    assert pad.evaluate("one => one === document.activeElement")
    assert page.locator(".point").evaluate("one => getComputedStyle(one).visibility") == "visible"
    press(Escape=1)
    assert reads(page) == "The pad is empty: draw a digit."
    press(ArrowUp=8, Space=1)
    expect(pen).to_have_text("down")
    press(ArrowDown=16)
    assert reads(page).startswith("Reads a 1 (")
    press(Space=1)
    expect(pen).to_have_text("up")
    before = pad.evaluate("one => one.toDataURL()")
    press(ArrowUp=20, ArrowLeft=8)
    assert pad.evaluate("one => one.toDataURL()") == before, "a pen that is up leaves no ink"
    press(Escape=1, ArrowDown=4, Space=1, ArrowRight=14)
    page.keyboard.down("ArrowLeft")
    press(ArrowDown=6)
    page.keyboard.up("ArrowLeft")
    press(ArrowDown=10)
    assert reads(page).startswith("Reads a 7 (")
    left = float(page.locator(".point").evaluate("one => one.style.left").rstrip("%"))
    press(ArrowDown=1)
    assert float(page.locator(".point").evaluate("one => one.style.left").rstrip("%")) == left, "the key was let go"
    page.keyboard.press("Control+ArrowUp")
    press(ArrowRight=40)
    assert page.locator(".point").evaluate("one => one.style.left") == "100%", "the pen stays on the pad"


def test_pad_by_finger(browser):
    """The page does not scroll while a finger draws, and a second finger leaves no ink."""
    context = browser.new_context(has_touch=True, viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.set_content(f"<!doctype html>{OUTPUT.data}<div style='height:2000px'></div>")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    page.locator("button[value=clear]").tap()
    touch = page.context.new_cdp_session(page)
    frame = page.locator(".pad canvas").bounding_box()

    def fingers(kind, *places):
        points = [
            {"x": frame["x"] + x * frame["width"], "y": frame["y"] + y * frame["height"], "id": number}
            for number, (x, y) in enumerate(places)
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (0.5, 0.15))
    fingers("touchStart", (0.5, 0.15), (0.1, 0.9))
    for step in range(15, 86, 5):
        fingers("touchMove", (0.5, step / 100), (0.1, 0.9))
    fingers("touchEnd")
    assert reads(page).startswith("Reads a 1 (")
    alpha = "(pad, [x, y]) => pad.getContext('2d').getImageData(x * pad.width, y * pad.height, 1, 1).data[3]"
    inks = [page.locator(".pad canvas").evaluate(alpha, place) for place in ((0.5, 0.8), (0.1, 0.9))]
    assert inks == [255, 0]
    assert page.evaluate("() => scrollY") == 0
    context.close()


def test_the_network_of_1998_shows_the_nearest_bitmap(tab):
    page = tab(OUTPUT)
    bitmap = page.locator("[data-layer=bitmap]")
    assert not bitmap.is_visible()
    page.locator("select").select_option("1998")
    assert "squared distance" in page.locator(".means").text_content() and bitmap.is_visible()
    code = trained(RECORD, "1998").output.codes[0]
    assert bitmap.locator("canvas").evaluate(GREY) == [255 if value > 0 else 0 for value in code.tolist()]
    page.locator("button[value=clear]").click()
    assert not bitmap.is_visible()


def test_controls_are_large_enough_to_hit(tab):
    for control in tab(OUTPUT).locator("button, select, .pad canvas").all():
        frame = control.bounding_box()
        assert min(frame["width"], frame["height"]) >= 24
