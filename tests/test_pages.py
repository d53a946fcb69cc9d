import json
from functools import partial

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.anatomy import anatomy
from casestudies_lib.blocks import name_weight_layers
from casestudies_lib.data import PHOTOGRAPHS, photograph
from casestudies_lib.explorers import depth_slider, fade, mix, receptive_field
from casestudies_lib.lenet import Subsampling, lenet5
from casestudies_lib.pages import mark, source, table
from casestudies_lib.resnet import PlainBlock, ResidualBlock


def test_source_is_the_librarys_own_less_docstrings():
    code = source(Subsampling, lenet5).data
    assert "class Subsampling(nn.Module):\n    one_row = True" in code and "def lenet5(" in code
    assert '"""' not in code and code.count("```python") == 2
    for block in code.split("```python\n")[1:]:
        compile(block.removesuffix("\n```").rstrip("`\n"), "page", "exec")


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (lambda: [1, 2], "✓ Ex: solved."),
        (lambda: [2, 1], "✗ Ex: not yet, got [2, 1]."),
        (lambda: (1, 2), "✗ Ex: not yet, got (1, 2)."),
        (lambda: ..., "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: torch.zeros(2), "✗ Ex: not yet, got tensor([0., 0.])."),
        (lambda: None, "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: [None, None], "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: [], "✗ Ex: not yet, got []."),
        (lambda: [][0], "✗ Ex: not yet, your code stopped with IndexError: list index out of range"),
    ],
)
def test_marking(attempt, says):
    assert BeautifulSoup(mark("Ex", attempt, [1, 2]).data, "html.parser").text == says


class Shy:
    def __repr__(self):
        raise RuntimeError("no words")


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def mute():
    raise Mute


TWO = [torch.zeros(2), torch.ones(2)]


@pytest.mark.parametrize(
    ("got", "wanted", "equal"),
    [
        (np.int64(3), 3, True),
        (np.float64(3), 3, True),
        (3.0, 3, True),
        (4.0, 3, False),
        (True, 1, False),
        (1, True, False),
        (np.bool_(True), True, True),
        (np.bool_(False), True, False),
        (torch.Size([3]), (3,), True),
        (torch.Size([4]), (3,), False),
        ((3,), [3], False),
        ([1, True], [1, 1], False),
        ([np.int64(1), (2, 3.0)], [1, (2, 3)], True),
        ([1, 2], [1, 2, 3], False),
        ("3", 3, False),
        ("ab", "ab", True),
        (TWO, [torch.zeros(2), torch.ones(2)], True),
        (TWO, [torch.zeros(2), torch.zeros(2)], False),
        (TWO, [1, 2], False),
        ([1, 2], TWO, False),
        (torch.zeros(2), torch.zeros(2), True),
        (torch.zeros(2), torch.zeros(3), False),
        (np.arange(3), np.arange(3), True),
        (np.arange(3), [0, 1, 2], False),
        (float("nan"), 3, False),
    ],
)
def test_what_counts_as_equal(got, wanted, equal):
    assert ("solved" in mark("Ex", lambda: got, wanted).data) == equal


def test_marking_never_stops_the_page():
    shown = BeautifulSoup(mark("Ex", Shy, 3).data, "html.parser").text
    assert shown == "✗ Ex: not yet, got Shy that cannot be shown (RuntimeError)."
    shown = BeautifulSoup(mark("Ex", mute, 3).data, "html.parser").text
    assert shown.endswith("stopped with Mute: Mute that cannot be shown (RuntimeError)")


def test_explorer_takes_its_numbers_from_anatomy():
    vgg = anatomy("vgg16")
    page = BeautifulSoup(receptive_field(vgg, torch.zeros(1, 3, 224, 224), start="conv3_3").data, "html.parser")
    rows = json.loads(page.div["data-rows"])
    seen = [layer for layer in vgg.rows if len(layer.shape) == 3]
    assert [row["rect"]["width"] for row in rows] == [layer.receptive_field for layer in seen]
    assert all(row["rect"]["x"] * 2 + row["rect"]["width"] == 224 for row in rows)
    assert rows[int(page.input["value"])]["text"] == page.output.text == page.input["aria-valuetext"]
    assert page.output.text.startswith("conv3_3: one unit sees 40 × 40")
    assert page.svg["role"] == "img" and page.svg["aria-label"]
    with pytest.raises(
        ValueError, match=r"expected a photograph \(1, 3, 224, 224\).*got \(1, 3, 227, 227\): load it with"
    ):
        receptive_field(vgg, torch.zeros(1, 3, 227, 227), start="conv3_3")
    with pytest.raises(ValueError, match="expected start to be one of"):
        receptive_field(vgg, torch.zeros(1, 3, 224, 224), start="fc6")


def test_paper_names_must_fit():
    with pytest.raises(ValueError, match="zip"):
        name_weight_layers(lenet5(), ["C1"])


def test_a_table_of_numbers():
    html = table("Sizes", ("layer", "K", "M"), [("a<b", 1234, 0.25), ("c", None, "6 or 7")]).data
    shown = BeautifulSoup(html, "html.parser")
    cells = ["layer", "K", "M", "a<b", "1,234", "0.2", "c", "", "6 or 7"]
    assert [cell.text for cell in shown.find_all(["th", "td"])] == cells
    assert shown.caption.text == shown.div["aria-label"] == "Sizes"
    for row, message in (
        (("a", 1), "3 cells in every row, got 2"),
        (("a", 1, float("nan")), "finite numbers, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            table("Sizes", ("layer", "K", "M"), [row])


def test_none_among_answers_is_an_answer():
    assert "solved" in mark("Exercise 1", lambda: [None, 3], [None, 3]).data
    assert "✗" in mark("Exercise 1", lambda: [None, 4], [None, 3]).data


def result(kind, depth, seed, curve):
    return {"run": {"kind": kind, "depth": depth, "seed": seed}, "curve": curve}


def test_depth_slider_shows_the_recorded_curves():
    results = [result(kind, depth, 0, [0.8, depth / 100]) for kind in ("plain", "residual") for depth in (8, 44)]
    results.append(result("plain", 44, 1, [0.9, 0.5]))
    page = BeautifulSoup(depth_slider(results, start=44).data, "html.parser")
    rows = json.loads(page.div["data-rows"])
    assert [row["text"][:9] for row in rows] == ["8 layers,", "44 layers"]
    assert rows[1]["text"].endswith("plain 44.0% to 50.0%, residual 44.0% to 44.0%")
    curves = [path["d"] for path in page.find_all("path", class_="curve")]
    assert curves == rows[1]["curves"] and [bool(curve) for curve in curves] == [True, True, True, False]
    assert curves[1] == "M34.0,23.0 L334.0,83.0", "90% and 50% of the height"
    assert page.input["value"] == "1" and page.output.text == page.input["aria-valuetext"] == rows[1]["text"]
    with pytest.raises(ValueError, match=r"a recorded depth, one of \[8, 44\], got 20"):
        depth_slider(results, start=20)


def test_fade_ends_in_what_the_blocks_leave():
    def scaled(kind, scale):
        torch.manual_seed(0)
        block = kind(3, 3, batch_norm=False)
        with torch.no_grad():
            for p in block.parameters():
                p.mul_(scale)
        return block

    photo = torch.rand(1, 3, 16, 16)
    blocks = {"plain": partial(scaled, PlainBlock), "residual": partial(scaled, ResidualBlock)}
    page = BeautifulSoup(fade(photo, blocks, [1, 0]).data, "html.parser")
    rows = json.loads(page.div["data-rows"])
    assert rows[1] == {
        "captions": ["plain: 100% away from what went in", "residual: exactly what went in"],
        "text": "weights × 0",
    }
    assert [caption.text for caption in page.find_all("figcaption")] == rows[0]["captions"]
    assert ["display:none" in svg["style"] for svg in page.select("figure svg")] == [False, True] * 2
    assert page.svg["aria-label"] == "The photograph that goes in."
    with pytest.raises(ValueError, match=r"expected one colour photograph \(1, 3, H, W\), got \(3, 16, 16\)"):
        fade(photo[0], blocks, [1, 0])


def test_every_explorer_names_the_photographer():
    for name, credit in PHOTOGRAPHS.items():
        photo = photograph(name, 224)
        shown = (
            receptive_field(anatomy("vgg16"), photo, start="pool5"),
            fade(photo, {"plain": lambda scale: PlainBlock(3, 3, batch_norm=False)}, [1]),
            mix(photo, what=name, pixel=(1, 1)),
        )
        for explorer in shown:
            line = BeautifulSoup(explorer.data, "html.parser").find(class_="credit")
            assert line.text == f"Photograph: {credit.photographer}, {credit.licence}; cut and scaled here"
            assert [link["href"] for link in line.find_all("a")] == [credit.source, credit.licence_url]
    nobodys = mix(torch.rand(1, 3, 8, 8), what="noise", pixel=(1, 1))
    assert not BeautifulSoup(nobodys.data, "html.parser").find(class_="credit")
