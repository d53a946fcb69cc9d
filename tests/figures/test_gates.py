"""Squeeze-and-excitation, drawn on a photograph's channels."""

import base64
import io

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.figures.gates import draw_gates
from casestudies_lib.training.photographs import PHOTOGRAPHS, photograph


def more_red_than_blue():
    module = SqueezeExcitation(3, 2, gate=nn.Hardsigmoid)
    with torch.no_grad():
        module.fc1.weight.copy_(torch.tensor([[10.0, 0, -10], [-10, 0, 10]])[:, :, None, None])
        module.fc2.weight.copy_(torch.tensor([[2.0, -2], [0, 0], [-2, 2]])[:, :, None, None])
        module.fc1.bias.zero_()
        module.fc2.bias.zero_()
    return module


def pixels(image):
    data = base64.b64decode(image["href"].partition("base64,")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float) / 255


def drawn(photo):
    page = BeautifulSoup(draw_gates(photo, more_red_than_blue()).data, "html.parser")
    return page, [text.text for text in page.find_all("text")]


def test_averages_hidden_numbers_factors_and_results_are_those_of_the_module():
    photo = photograph("flower", 48)
    page, said = drawn(photo)
    red, green, blue = photo.mean((2, 3))[0].tolist()
    hidden = 10 * (red - blue)
    factors = [(3 + 2 * hidden) / 6, 0.5, (3 - 2 * hidden) / 6]
    assert hidden > 0, "else the example says nothing"
    for number in (red, green, blue, hidden, 0, *factors):
        assert f"{number:.2f}" in said
        assert f"{number:.2f}" in page.div["aria-label"]
    shown = list(map(pixels, page.find_all("image")))
    assert len(shown) == 6
    for channel, before, after, factor in zip(photo[0], shown[::2], shown[1::2], factors):
        assert before.mean() == pytest.approx(channel.mean().item(), abs=0.02)
        assert after.mean() == pytest.approx(factor * channel.mean().item(), abs=0.02)
    assert f"red × {factors[0]:.2f}" in said
    assert PHOTOGRAPHS["flower"].photographer in page.find(class_="credit").text


def test_another_picture_gets_other_factors():
    photo = photograph("flower", 48)
    _, said = drawn(photo)
    _, turned = drawn(photo.flip(1))  # red and blue change places
    first, second = (
        {text.split()[0]: float(text.split()[2]) for text in those if text.startswith(("red × ", "blue × "))}
        for those in (said, turned)
    )
    assert first["red"] == second["blue"] > 0.5 > first["blue"] == second["red"]


def test_nothing_stays_hooked_to_the_module():
    module = more_red_than_blue()
    draw_gates(photograph("flower", 48), module)
    assert not any(part._forward_hooks for part in module.modules())


@pytest.mark.parametrize(("channels", "hidden"), [(4, 2), (3, 3)])
def test_other_sizes_are_refused(channels, hidden):
    with pytest.raises(ValueError, match="expected a squeeze-and-excitation of 3 channels"):
        draw_gates(torch.rand(1, 3, 8, 8), SqueezeExcitation(channels, hidden))
