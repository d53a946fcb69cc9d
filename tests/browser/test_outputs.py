"""The explorers' own functions, called in Chromium at hundreds of settings, and outputs as notebooks show them.

Needs Chromium, and no built book.
"""

from __future__ import annotations

import functools
import json
import random
from dataclasses import replace
from itertools import chain, combinations, product

import companion
import judge
import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.experiments import digit
from casestudies_lib.explorers import (
    Conv,
    Knob,
    Row,
    compare,
    cost,
    depth_slider,
    draw_a_digit,
    fade,
    mix,
    receptive_field,
    scaling,
)
from casestudies_lib.explorers.compare import COLUMNS, LIMITS, PRICES, bought, front, within
from casestudies_lib.explorers.mix import summed
from casestudies_lib.explorers.scaling import KNOBS, combined
from casestudies_lib.measure.anatomy import anatomy

CHANNELS = (1, 3, 16, 64, 96, 192, 512, 832)
SIZES = {
    "size": Knob("height and width", (1, 7, 28, 112), 28),
    "in_channels": Knob("channels in", CHANNELS, 192),
    "out_channels": Knob("channels out", CHANNELS, 16),
    "kernel_size": Knob("window", (1, 3, 5, 7, 9), 5),
}
BOTTLENECK = SIZES | {"width": Knob("bottleneck channels", (1, 2, 24, 128, 256), 24)}
DIRECTLY = [Conv("kernel_size", "in_channels", "out_channels")]
SQUEEZED = [Conv(1, "in_channels", "width"), Conv("kernel_size", "width", "out_channels")]
SPLIT = [Conv("kernel_size", "in_channels", "in_channels", "in_channels"), Conv(1, "in_channels", "out_channels")]
NASTY = """<b>x</b> & "y" 'z' </script><i>"""


def given_of(output):
    return json.loads(BeautifulSoup(output.data, "html.parser").find(class_="explorer")["data-given"])


def shown(page, name: str, given: object, settings: list[dict]) -> list[dict]:
    """What an explorer's function makes of many settings, in one call to the browser."""
    call = "([name, given, all]) => all.map(at => window.CaseStudies[name].show(given, at))"
    return page.evaluate(call, [name, given, settings])


def settings(knobs: dict[str, Knob], count: int) -> list[dict]:
    """Where the sliders stand at first, both ends of each alone and of all together, and random places."""
    chance, first = random.Random(0), {name: knob.start for name, knob in knobs.items()}
    ends = [first | {name: knob.values[place]} for name, knob in knobs.items() for place in (0, -1)]
    ends += [{name: knob.values[place] for name, knob in knobs.items()} for place in (0, -1)]
    tried = [first, *ends]
    return tried + [{n: chance.choice(knob.values) for n, knob in knobs.items()} for _ in range(count - len(tried))]


@pytest.mark.parametrize(
    ("way", "knobs", "breakeven"), [(SQUEEZED, BOTTLENECK, "width"), (SPLIT, SIZES, None)], ids=["squeezed", "split"]
)
def test_cost_counts_as_anatomy_does(tab, way, knobs, breakeven):
    output = cost({"Directly": DIRECTLY, "Otherwise": way}, knobs, breakeven=breakeven)
    given, tried = given_of(output), settings(knobs, 200)
    for at, changes in zip(tried, shown(tab(output), "cost", given, tried), strict=True):
        judge.cost(given, at, judge.said(changes))


def test_cost_names_groups_and_words_as_python_does(tab):
    """What the first state says of many pairs of ways, in Python and in JavaScript."""
    knobs = {"size": Knob("size", (7,), 7)}
    outputs = [
        cost({"One": [Conv(3, 8, 8, groups)], "2": [Conv(1, 8, width), Conv(3, width, 8)]}, knobs)
        for groups, width in product((1, 2, 8), range(1, 40))
    ]
    outputs += [cost({"One": [Conv(1, 1, 20)], "2": [Conv(1, 1, n)]}, knobs) for n in range(1, 80)]  # halves of tenths
    call = "all => all.map(given => window.CaseStudies.cost.show(given, {size: 7}))"
    found = tab(outputs[0]).evaluate(call, [given_of(output) for output in outputs])
    for python, changes in zip((BeautifulSoup(output.data, "html.parser") for output in outputs), found, strict=True):
        assert changes["output"] == [{"text": python.output.text}]
        assert [c["text"] for c in changes[".chain"]] == [c.text for c in python.find_all(class_="chain")]


def test_scaling_counts_as_anatomy_does(tab):
    """Steps of the compound rule, both ends of each slider and random settings, beside networks built so."""
    given = given_of(scaling())
    first = {name: knob.start for name, knob in KNOBS.items()}
    tried = [first | {"phi": phi} for phi in KNOBS["phi"].values[::3]] + settings(KNOBS, 22)
    page = tab(scaling())
    for at, changes in zip(tried, shown(page, "scaling", given, tried), strict=True):
        judge.scaling(given, at, judge.said(changes))
    many = settings(KNOBS, 500)
    call = "([rule, all]) => all.map(at => window.CaseStudies.scaling.combined(rule, at))"
    assert page.evaluate(call, [given["rule"], many]) == [combined(**at) for at in many]


def test_scaling_goes_back_to_b0(tab):
    """The button undoes all sliders at once, and they can be moved again."""
    box = tab(scaling()).locator(".explorer")
    state = "b => [b.innerText, ...[...b.querySelectorAll('input')].map(i => i.value + i.ariaValueText)]"
    first = box.evaluate(state)
    for _ in range(2):
        for slider in box.locator("input").all():
            slider.evaluate("one => {one.value = one.max; one.dispatchEvent(new Event('input', {bubbles: true}))}")
        assert box.evaluate(state) != first
        box.get_by_role("button", name="back to B0").click()
        assert box.evaluate(state) == first


def test_mix_is_a_convolution_at_the_marked_pixel(tab):
    torch.manual_seed(0)
    output, pixel = mix(torch.rand(1, 3, 8, 8), what="noise", pixel=(2, 3)), [0.37, 0.51, 0.89]
    tenths = [tenth / 10 for tenth in range(-20, 21)]
    tried = settings({name: Knob(name, tenths, 0.0) for name in ("red", "green", "blue", "bias")}, 400)
    conv = nn.Conv2d(3, 1, 1, dtype=torch.float64)
    for at, changes in zip(tried, shown(tab(output), "mix", pixel, tried), strict=True):
        weights = list(at.values())
        words = changes["output"][0]["text"]
        assert words == summed(weights, pixel)
        with torch.no_grad():
            conv.weight.copy_(torch.tensor(weights[:3]).view(1, 3, 1, 1))
            conv.bias.fill_(weights[3])
            wanted = conv(torch.tensor(pixel, dtype=torch.float64).view(1, 3, 1, 1)).item()
        written = float(words.split(" = ")[1].split(",")[0].replace("−", "-"))
        assert written == pytest.approx(wanted, abs=0.00501) and ("after the ReLU" in words) == (written < 0), at
        matrix = [float(number) for number in changes["feColorMatrix"][0]["values"].split()]
        assert matrix == [*weights[:3], 0, weights[3]] * 3 + [0, 0, 0, 1, 0]


def networks(count: int = 24) -> list[Row]:
    """Networks of seven families, some alike in price or accuracy."""
    chance = random.Random(0)
    return [
        Row(
            title=f"net {number}",
            family=f"family {number % 7}",
            year=2012 + number % 5,
            accuracy=chance.choice((60, 65.5, 70, 75, 80.25)),
            parameters=chance.choice((10**6, 5 * 10**6, 10**8)),
            macs=chance.randint(1, 9) * 10 ** chance.choice((7, 8, 9)),
            depth=chance.randint(8, 30),
            sees=chance.randint(50, 900),
            time=chance.choice((0.02, 0.5, 1.0, 3.5)),
            source="Table 1",
        )
        for number in range(count)
    ]


def test_compare_finds_the_front_for_every_price_and_choice_of_families(tab):
    rows = networks()
    output = compare(rows)
    given, families = given_of(output), sorted({row.family for row in rows})
    choices = list(chain.from_iterable(combinations(families, n) for n in range(len(families) + 1)))
    about = {"column": "year", "up": True, "pointed": None, "inPicture": False}
    about |= {name: knob.start for name, knob in LIMITS.items()}
    tried = [{"price": price, "families": chosen, **about} for chosen in choices for price in PRICES]
    page = tab(output)
    for at, made in zip(tried, shown(page, "compare", given, tried), strict=True):
        kept = [row for row in rows if row.family in at["families"]]
        best = front(kept, at["price"])
        changes = made["changes"]
        said = f"On the front: {', '.join(row.title for row in best)}." if best else "No network is shown."
        assert changes["output"] == [{"text": said}], at
        assert [rows[n] for n, dot in enumerate(changes[".dot"]) if dot["display"] == "inline"] == kept, at
        ringed = [rows[n] for n, dot in enumerate(changes[".dot"]) if dot["stroke-width"]]
        assert sorted(ringed, key=rows.index) == sorted(best, key=rows.index), at
        assert made["seen"] == [row in kept for row in rows], at
        places = [given["prices"][at["price"]]["x"][rows.index(row)] for row in best]
        corners = [corner for corner in changes[".front"][0]["d"].lstrip("M").split(" L") if corner]
        assert [float(corner.split(",")[0]) for corner in corners] == places, at
    orders = [{"price": "macs", "families": families, **about, "column": c, "up": up} for c in COLUMNS for up in (1, 0)]
    for at, made in zip(orders, shown(page, "compare", given, orders), strict=True):
        values = [getattr(rows[place], at["column"]) for place in made["order"]]
        assert values == sorted(values, reverse=not at["up"]) and sorted(made["order"]) == list(range(len(rows))), at


def test_compare_buys_what_python_buys_for_every_budget(tab):
    rows, price = [row._replace(macs=7 * row.macs) for row in networks(40)], "time"
    output = compare(rows)
    given, families = given_of(output), sorted({row.family for row in rows})
    about = {"column": "year", "up": True, "pointed": None, "inPicture": False, "price": price}
    budgets = [dict(zip(LIMITS, values)) for values in product(*(knob.values for knob in LIMITS.values()))]
    tried = [budget | about | {"families": chosen} for budget in budgets for chosen in (families, families[:2])]
    found = {True: 0, False: 0}
    for at, made in zip(tried, shown(tab(output), "compare", given, tried), strict=True):
        budget = {name: at[name] for name in LIMITS}
        kept = [row for row in rows if row.family in at["families"]]
        best, fitting = bought(kept, **budget), within(kept, **budget)
        words = f"{at['gigamacs']:g} billion MACs and {at['megabytes']:g} MB"
        said = f"{words} buy {best.title}, {best.accuracy:g}%." if best else f"No network fits into {words}."
        assert made["changes"][".buys"] == [{"text": said}], at
        assert made["seen"] == [row in fitting for row in rows], at
        strong = [rows[n] for n, dot in enumerate(made["changes"][".dot"]) if dot["opacity"] == 1]
        assert strong == within(rows, **budget), at
        ringed = [rows[n] for n, dot in enumerate(made["changes"][".dot"]) if dot["stroke-width"]]
        assert sorted(ringed, key=rows.index) == sorted(front(fitting, price), key=rows.index), at
        found[best is None] += 1
    assert min(found.values()) > 10


def result(kind, depth, curve):
    run = {"kind": kind, "depth": depth, "seed": 0}
    return {"run": run, "curve": curve, "training_error": curve[-1]}


@functools.cache
def every_explorer(title: str = "One"):
    photo = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    seen = replace(anatomy("vgg16"), input_shape=(3, 64, 64))
    results = [result(kind, depth, [0.8, depth / 100]) for kind in ("plain", "residual") for depth in (8, 44)]
    rows = [row._replace(title=f"{title}{n}", family=title, source=title) for n, row in enumerate(networks())]
    knobs = BOTTLENECK | {"width": Knob(title, (16, 32), 16)}
    return {
        "receptive_field": receptive_field(seen, photo, start="conv3_3"),
        "depth": depth_slider(results, start=44),
        "fade": fade(photo, {title: lambda scale: nn.Conv2d(3, 3, 1), "b": lambda scale: nn.Identity()}, [1, 0]),
        "mix": mix(photo, what=title, pixel=(1, 1)),
        "cost": cost({title: DIRECTLY, f"{title} 2": SQUEEZED}, knobs, breakeven="width"),
        "scaling": scaling(),
        "compare": compare(rows),
        "digit": draw_a_digit(digit.recorded()),
    }


EXPLORERS = ("receptive_field", "depth", "fade", "mix", "cost", "scaling", "compare", "digit")


@pytest.mark.parametrize("name", EXPLORERS)
def test_python_draws_what_javascript_shows_at_first(tab, name):
    box = tab(every_explorer()[name]).locator(".explorer")
    as_drawn = "b => [b.innerText, ...[...b.querySelectorAll('svg')].map(svg => svg.outerHTML)]"
    before = box.evaluate(as_drawn)
    box.evaluate("box => box.dispatchEvent(new Event('input'))")
    after = box.evaluate(as_drawn)
    assert after == before


# Counts who listens for moves of a slider.
LISTENERS = """() => {
    window.heard = new Map();
    const listen = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (kind, ...rest) {
        if (kind === "input") heard.set(this, (heard.get(this) ?? 0) + 1);
        return listen.call(this, kind, ...rest);
    };
}"""
# As JupyterLab shows an output: scripts that came by innerHTML do not run until each is replaced by a copy.
AS_JUPYTERLAB = """(cell, html) => {
    cell.innerHTML = html;
    for (const script of cell.querySelectorAll("script")) {
        const copy = document.createElement("script");
        copy.textContent = script.textContent;
        script.replaceWith(copy);
    }
}"""
MOVE = """box => {
    const one = box.querySelector("input[type=range], select");
    if (one.matches("select")) one.selectedIndex = 1; else one.value = one.value === one.max ? one.min : one.max;
    one.dispatchEvent(new Event("input", {bubbles: true}));
}"""


@pytest.mark.parametrize(("through", "scripts"), [(str, 2 * 13), (companion.share, 6)], ids=["notebook", "site"])
def test_many_explorers_on_a_page_each_listen_once(tab, through, scripts):
    page = tab()
    page.evaluate(LISTENERS)
    page = tab(*2 * list(every_explorer().values()), through=through)
    assert page.locator("script[data-shared]").count() == scripts
    boxes = page.locator(".explorer")
    assert boxes.count() == 2 * len(EXPLORERS)
    assert boxes.evaluate_all("all => all.map(box => heard.get(box))") == [1] * boxes.count()
    before = boxes.evaluate_all("all => all.map(box => box.innerHTML)")
    moved = len(EXPLORERS) + EXPLORERS.index("cost")
    boxes.nth(moved).evaluate(MOVE)
    after = boxes.evaluate_all("all => all.map(box => box.innerHTML)")
    assert [place for place, pair in enumerate(zip(before, after)) if pair[0] != pair[1]] == [moved]


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_output_that_runs_again_moves_as_before(tab, name):
    """In JupyterLab: a cell that runs twice, and one that the reader lets run, whose first element is then removed."""
    cell = tab(every_explorer()[name]).locator(".cell")
    for let_run in (False, True):
        cell.evaluate(AS_JUPYTERLAB, every_explorer()[name].data)
        if let_run:
            cell.evaluate("cell => cell.removeChild(cell.firstChild)")
        box = cell.locator(".explorer")
        before = box.inner_html()
        box.evaluate(MOVE)
        assert box.inner_html() != before
        assert box.locator("output").evaluate("one => getComputedStyle(one).display") == "block", "it has its style"


def test_an_output_moves_in_a_frame_of_its_own(tab):
    """As in Colab: every output alone."""
    page = tab()
    page.evaluate(
        "all => all.map(html => document.body.append(Object.assign(document.createElement('iframe'), {srcdoc: html})))",
        [output.data for output in every_explorer().values()],
    )
    for number in range(len(EXPLORERS)):
        box = page.frame_locator("iframe").nth(number).locator(".explorer")
        before = box.inner_html()
        box.evaluate(MOVE)
        assert box.inner_html() != before


@pytest.mark.parametrize("name", ["fade", "mix", "cost", "compare"])
def test_no_title_becomes_markup(tab, name):
    box = tab(every_explorer(NASTY)[name]).locator(".explorer")
    for _ in range(2):
        assert box.locator("b, i").count() == 0
        names = "box => [box, ...box.querySelectorAll('svg')].map(one => one.textContent + one.ariaLabel).join()"
        assert NASTY in box.evaluate(names)
        box.evaluate(MOVE)
    if name == "compare":
        box.locator("summary").click()
        box.locator("tbody button").first.click()
        assert box.locator("output").text_content().startswith(NASTY) and box.locator("b, i").count() == 0
