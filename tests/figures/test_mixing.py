"""A photograph's channels, filtered and mixed."""

import base64
import io

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image
from torch import nn

from casestudies_lib.figures.mixing import draw_filter_and_mix
from casestudies_lib.training.photographs import PHOTOGRAPHS, photograph


def two_steps(kernels, weights):
    chain = nn.Sequential(
        nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False), nn.Conv2d(3, len(weights), 1, bias=False)
    )
    with torch.no_grad():
        chain[0].weight.copy_(torch.tensor(kernels).view(3, 1, 3, 3))
        chain[1].weight.copy_(torch.tensor(weights).view(-1, 3, 1, 1))
    return chain


def pixels(image):
    data = base64.b64decode(image["href"].partition("base64,")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float) / 255


def test_each_channel_is_filtered_by_its_own_kernel_and_the_results_are_mixed():
    photo = photograph("flower", 48)
    copies, nothing = [0.0, 0, 0, 0, 1, 0, 0, 0, 0], [0.0] * 9
    chain = two_steps([copies, nothing, [-w for w in copies]], [[0.0, 1, 0], [1.0, 1, 1]])
    page = BeautifulSoup(draw_filter_and_mix(photo, chain).data, "html.parser")
    shown = list(map(pixels, page.find_all("image")))
    assert len(shown) == 8
    red, red_filtered, green, green_filtered, blue, blue_filtered, first, second = shown
    for channel, drawn in zip(photo[0], (red, green, blue)):
        assert drawn.mean() == pytest.approx(channel.mean().item(), abs=0.02)
    assert red_filtered.mean() > 0.55 and blue_filtered.mean() < 0.45, "copied, and copied with its sign changed"
    assert np.abs(green_filtered - 0.5).max() < 0.01 and np.abs(first - 0.5).max() < 0.01, "nothing is middle grey"
    assert np.corrcoef(second.ravel(), (photo[0, 0] - photo[0, 2]).ravel())[0, 1] > 0.95
    said = [text.text for text in page.find_all("text")]
    assert said.count("−1") == 1 and said.count("0") == 8 + 9 + 8 and said.count("+1") == 4
    assert {"green", "red + green + blue", "its kernel"} <= set(said)
    assert "blue by the kernel 0 0 0 / 0 -1 0 / 0 0 0" in page.div["aria-label"]
    assert PHOTOGRAPHS["flower"].photographer in page.find(class_="credit").text


@pytest.mark.parametrize(
    "chain",
    [
        nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.Conv2d(3, 2, 1, bias=False)),
        nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False), nn.Conv2d(3, 4, 1, bias=False)),
        nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.Conv2d(3, 2, 1)),
        nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)),
    ],
)
def test_other_chains_are_refused(chain):
    with pytest.raises(ValueError, match="expected a depthwise 3x3 convolution of three channels"):
        draw_filter_and_mix(torch.rand(1, 3, 8, 8), chain)
