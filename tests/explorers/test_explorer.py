"""Explorers of one slider, as markup; tests/browser moves them."""

import json
import re
from functools import partial

import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.explorers import depth_slider, fade, mix, receptive_field
from casestudies_lib.explorers.explorer import HERE, explorer
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.resnet import PlainBlock, ResidualBlock
from casestudies_lib.training.photographs import PHOTOGRAPHS, photograph


def test_explorer_takes_its_numbers_from_anatomy():
    vgg = anatomy("vgg16")
    page = BeautifulSoup(receptive_field(vgg, torch.zeros(1, 3, 224, 224), start="conv3_3").data, "html.parser")
    rows = json.loads(page.div["data-given"])
    seen = [layer for layer in vgg.rows if len(layer.shape) == 3]
    assert [row["rect"][0]["width"] for row in rows] == [layer.receptive_field for layer in seen]
    assert all(float(row["rect"][0]["x"]) * 2 + row["rect"][0]["width"] == 224 for row in rows)
    assert rows[int(page.input["value"])]["text"] == page.output.text == page.input["aria-valuetext"]
    assert page.output.text.startswith("conv3_3: one unit sees 40 × 40")
    assert page.svg["role"] == "img" and page.svg["aria-label"]
    with pytest.raises(
        ValueError, match=r"expected a photograph \(1, 3, 224, 224\).*got \(1, 3, 227, 227\): load it with"
    ):
        receptive_field(vgg, torch.zeros(1, 3, 227, 227), start="conv3_3")
    with pytest.raises(ValueError, match="expected start to be one of"):
        receptive_field(vgg, torch.zeros(1, 3, 224, 224), start="fc6")


def result(kind, depth, seed, curve):
    run = {"kind": kind, "depth": depth, "seed": seed}
    return {"run": run, "curve": curve, "training_error": curve[-1] - 0.04}


def test_depth_slider_shows_the_recorded_curves():
    results = [result(kind, depth, 0, [0.8, depth / 100]) for kind in ("plain", "residual") for depth in (8, 44)]
    results.append(result("plain", 44, 1, [0.9, 0.5]))
    page = BeautifulSoup(depth_slider(results, start=44).data, "html.parser")
    rows = json.loads(page.div["data-given"])
    assert [row["text"][:9] for row in rows] == ["8 layers,", "44 layers"]
    assert rows[1]["text"].endswith("after the last epoch: plain 40.0% to 46.0%, residual 40.0% to 40.0%")
    curves = [path["d"] for path in page.find_all("path", class_="curve")]
    assert curves == [curve["d"] for curve in rows[1]["path.curve"]] and [bool(curve) for curve in curves] == [
        True,
        True,
        True,
        False,
    ]
    assert curves[1] == "M34.0,23.0 L334.0,83.0", "90% and 50% of the height"
    dots = [path["d"] for path in page.find_all("path", class_="dot")]
    assert dots == ["M341,98.0 h.01", "M341,89.0 h.01", "M341,98.0 h.01", ""], "40% and 46%, of the trained networks"
    assert dots == [dot["d"] for dot in rows[1]["path.dot"]]
    marks = page.find(class_="marks")
    assert [mark.text for mark in marks.find_all("span")] == ["8", "44"] and marks["aria-hidden"] == "true"
    drawn = [text.text for text in page.svg.find_all("text")]
    assert {"1", "2", "epoch", "training error"} <= set(drawn)
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
    rows = json.loads(page.div["data-given"])
    ends = ["plain: 100% away from what went in", "residual: exactly what went in"]
    assert rows[1]["text"] == "weights × 0" and rows[1]["figcaption"] == [{"text": words} for words in ends]
    assert [{"text": caption.text} for caption in page.find_all("figcaption")] == rows[0]["figcaption"]
    assert [svg["style"]["display"] for svg in rows[1]["figure svg"]] == ["none", "inline"] * 2
    assert ["display: none" in svg["style"] for svg in page.select("figure svg")] == [False, True] * 2
    assert page.svg["aria-label"] == "The photograph that goes in."
    with pytest.raises(ValueError, match=r"expected one colour photograph \(1, 3, side, side\), got \(3, 16, 16\)"):
        fade(photo[0], blocks, [1, 0])


def test_every_explorer_names_the_photographer():
    for name, credit in PHOTOGRAPHS.items():
        photo = photograph(name, 224)
        shown = (
            receptive_field(anatomy("vgg16"), photo, start="pool5"),
            fade(photo, {"plain": lambda scale: PlainBlock(3, 3, batch_norm=False)}, [1]),
            mix(photo, what=name, pixel=(1, 1)),
        )
        for one in shown:
            line = BeautifulSoup(one.data, "html.parser").find(class_="credit")
            assert line.text == f"Photograph: {credit.photographer}, {credit.licence}; cut and scaled here"
            assert [link["href"] for link in line.find_all("a")] == [credit.source, credit.licence_url]
    nobodys = mix(torch.rand(1, 3, 8, 8), what="noise", pixel=(1, 1))
    assert not BeautifulSoup(nobodys.data, "html.parser").find(class_="credit")


def test_scripts_and_styles_end_where_they_should():
    files = [path for path in HERE.iterdir() if path.suffix in (".js", ".css")]
    names = ("explorer", "cost", "scaling", "mix", "compare", "digit", "photograph", "photograph_worker")
    assert {"explorer.css", *(f"{name}.js" for name in names)} == {file.name for file in files}
    for path in files:
        assert not re.search(r"</(script|style)|<!--", path.read_text(), re.IGNORECASE), path.name
    page = BeautifulSoup(explorer("cost", "x < y", given={"a": "</script>"}).data, "html.parser")
    assert [part.name for part in page.find_all(recursive=False)] == ["script", "script", "style", "div", "script"]
    assert json.loads(page.div["data-given"]) == {"a": "</script>"} and page.div.text == "x < y"
    code = [script.text for script in page.find_all("script")[:2]]
    assert code == [(HERE / name).read_text() for name in ("explorer.js", "cost.js")]
