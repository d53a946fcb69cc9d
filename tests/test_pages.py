import json

import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.anatomy import anatomy
from casestudies_lib.blocks import name_weight_layers
from casestudies_lib.explorers import receptive_field
from casestudies_lib.lenet import Subsampling, lenet5
from casestudies_lib.pages import mark, source


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
        (lambda: ..., "✗ Ex: not yet, got Ellipsis."),
        (lambda: None, "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: [None, None], "○ Ex: not yet tried. Complete the function, then run this cell again."),
        (lambda: [], "✗ Ex: not yet, got []."),
        (lambda: [][0], "✗ Ex: not yet, your code stopped with IndexError: list index out of range"),
    ],
)
def test_marking(attempt, says):
    assert BeautifulSoup(mark("Ex", attempt, [1, 2]).data, "html.parser").text == says


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
