"""No title, name or alt text becomes markup, in whatever a page shows."""

from dataclasses import replace

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.efficientnet import MBConv, scaled_b0
from casestudies_lib.explorers import Conv, Knob, Row, compare, cost, fade, mix, receptive_field
from casestudies_lib.figures import (
    activation_maps,
    charts,
    class_activation,
    class_map_grid,
    draw,
    draw_auxiliary_classifiers,
    draw_block,
    draw_branches,
    draw_channels,
    draw_columns,
    draw_position,
    draw_scaled,
    figure,
    kernel_images,
    show,
    strongest_crops,
)
from casestudies_lib.inception import TABLE, Inception, googlenet
from casestudies_lib.measure import anatomy
from casestudies_lib.measure.inside import ClassMap, Place
from casestudies_lib.page import claims, mark, table
from casestudies_lib.resnet import ResidualBlock

NASTY = """<b>x</b> & "y" 'z' </script><i>"""
SIZES = {"size": Knob("size", (7,), 7), "n": Knob(NASTY, (1, 2), 1)}
WAYS = {NASTY: [Conv(1, 8, 8)], f"{NASTY} 2": [Conv(1, 8, "n"), Conv(1, "n", 8)]}
ROW = Row(NASTY, NASTY, 2015, 70, 10**6, 10**8, 8, 100, 1.0, source=NASTY, views=NASTY)


def photo():
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def called(name: str):
    """A network taken apart, under another title, with a layer of that name too."""
    found = anatomy(name)
    first = replace(found.layers[0], name=NASTY)
    return replace(found, title=NASTY, layers=(first, *found.layers[1:]))


def side_branches():
    network = googlenet(aux=True)
    network.title = NASTY
    return draw_auxiliary_classifiers(network)


SHOWN = {
    "draw": lambda: draw(called("lenet5")),
    "draw_block": lambda: draw_block(ResidualBlock(8, 8), (8, 8, 8), NASTY),
    "draw_branches": lambda: draw_branches(Inception(192, TABLE["3a"]), (192, 28, 28), NASTY),
    "draw_channels": lambda: draw_channels(nn.Sequential(nn.Conv2d(2, 2, 3, padding=1)), (2, 4, 4), NASTY),
    "draw_columns": lambda: draw_columns({NASTY: nn.Sequential(nn.Conv2d(1, 2, 3))}, (1, 8, 8)),
    "draw_position": lambda: draw_position(nn.Sequential(nn.Conv2d(2, 3, 1)), (2, 4, 4), NASTY),
    "draw_scaled": lambda: draw_scaled({NASTY: anatomy(scaled_b0, whole=MBConv)}),
    "draw_auxiliary_classifiers": side_branches,
    "activation_maps": lambda: activation_maps(torch.rand(2, 4, 4), photo(), NASTY),
    "class_map_grid": lambda: class_map_grid({NASTY: ClassMap(torch.rand(4, 4), 0, 0.0)}, photo()),
    "class_activation": lambda: class_activation(ClassMap(torch.rand(4, 4), 0, 0.0), photo(), NASTY),
    "kernel_images": lambda: kernel_images(torch.rand(2, 1, 3, 3), NASTY),
    "strongest_crops": lambda: strongest_crops({NASTY: [Place(0, 0, 0, 1.0, 0, 0, 8)]}, photo()),
    "anatomy": lambda: called("lenet5"),
    "table": lambda: table(NASTY, (NASTY, "n"), [(NASTY, NASTY)]),
    "mark": lambda: mark(NASTY, lambda: NASTY, 1),
    "cost": lambda: cost(WAYS, SIZES, breakeven="n"),
    "compare": lambda: compare([ROW]),
    "fade": lambda: fade(photo(), {NASTY: lambda scale: nn.Identity()}, [1, 0]),
    "mix": lambda: mix(photo(), what=NASTY, pixel=(1, 1)),
    "receptive_field": lambda: receptive_field(replace(called("vgg16"), input_shape=(3, 32, 32)), photo(), start=NASTY),
}


def check(html: str) -> None:
    assert type(html) is str, "what leaves the library is no longer markup that escapes what is added to it"
    page = BeautifulSoup(html, "html.parser")
    for script in page.find_all(["script", "style"]):
        script.decompose()
    assert not page.find_all(["b", "i"]), page.find_all(["b", "i"])
    words = page.get_text() + " ".join(str(value) for one in page.find_all(True) for value in one.attrs.values())
    assert NASTY in words and "&amp;" not in words and "&lt;" not in words


@pytest.mark.parametrize("name", SHOWN)
def test_words_stay_words(name):
    check(SHOWN[name]()._repr_html_())


def test_words_of_claims_and_figures_stay_words(monkeypatch):
    seen = []
    for module in (claims, charts):
        monkeypatch.setattr(module, "display", lambda data, raw: seen.append(data["text/html"]))
    monkeypatch.setattr(claims, "_shown", {})
    notes = {"source": NASTY, "notes": NASTY, "verdict": "wrong", "by": NASTY}
    with claims.folded(NASTY):
        claims.claim("X-1", NASTY, NASTY + "!", True, **notes)
    claims.claim("X-2", NASTY, 1, True, source=NASTY, recorded=f"2026-11-20, {NASTY}")
    claims.quotation("X-3", NASTY, **notes)
    drawn, axes = figure()
    axes.set_title(NASTY)
    show(drawn, "x", NASTY)
    assert len(seen) == 4
    for html in seen:
        check(html)
