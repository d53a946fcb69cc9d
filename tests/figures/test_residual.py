"""The residual of a photograph."""

import base64
import io

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image

from casestudies_lib.figures.residual import draw_residual
from casestudies_lib.training.photographs import PHOTOGRAPHS, photograph


def pixels(image):
    data = base64.b64decode(image["href"].partition("base64,")[2])
    return np.asarray(Image.open(io.BytesIO(data)), dtype=float).mean() / 255


def test_what_is_missing_is_drawn_around_grey():
    photo = photograph("flower", 48)
    page = BeautifulSoup(draw_residual(photo, photo * 0.8 + 0.1).data, "html.parser")
    a, h, again, f, last = map(pixels, page.find_all("image"))
    assert a == again == pytest.approx(photo.mean().item(), abs=0.01) and h == last
    assert h == pytest.approx(0.8 * a + 0.1, abs=0.01) and f == pytest.approx(0.5 + 1.5 * (h - a), abs=0.01)
    assert [t.text for t in page.find_all("text")][:5] == [
        "plain block",
        "a",
        "two layers",
        "H",
        "must make the whole picture",
    ]
    assert "F plus a is H" in page.div["aria-label"] and page.svg["aria-hidden"] == "true"
    assert PHOTOGRAPHS["flower"].photographer in page.find(class_="credit").text


def test_photographs_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        draw_residual(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 9, 9))
    with pytest.raises(ValueError, match="values in"):
        draw_residual(torch.rand(1, 3, 8, 8), 2 + torch.rand(1, 3, 8, 8))
