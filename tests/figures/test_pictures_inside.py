"""Pictures of what a network sees: each shows the numbers that it was given, in words as well."""

import base64
import io

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image

from casestudies_lib.figures.inside import (
    activation_maps,
    class_activation,
    class_map_grid,
    kernel_images,
    strongest_crops,
)
from casestudies_lib.measure.inside import ClassMap, Place, class_activation_map
from casestudies_lib.page.palette import AGAINST, FOR
from casestudies_lib.resnet import cifar_resnet
from casestudies_lib.training.photographs import credit_of, photograph

MOST = 150_000  # bytes of a picture


def page(html):
    return BeautifulSoup(html.data, "html.parser")


def pixels(image):
    """What a tile shows, `(H, W)` or `(H, W, 3)` from 0 to 255."""
    data = base64.b64decode(image["href"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


def alt(html):
    return page(html).find(role="img")["aria-label"]


@pytest.fixture(scope="module")
def photo():
    return photograph("flower", 64)


# ------------------------------------------------------------------ kernels
def test_kernels_are_middle_grey_at_zero_and_alike_above_and_below():
    weights = torch.zeros(3, 1, 2, 2)
    weights[0, 0] = torch.tensor([[-2.0, 2.0], [0.0, 1.0]])
    weights[1, 0] = torch.tensor([[0.0, 0.0], [0.5, 0.25]])
    first, second, zero = map(pixels, page(kernel_images(weights, "C1")).find_all("image"))
    corners = [(0, 0), (0, -1), (-1, 0), (-1, -1)]
    assert [first[at] for at in corners] == [0, 255, 128, 191]
    assert [second[at] for at in corners] == [128, 128, 255, 191], "each has its own scale"
    assert set(zero.flatten()) == {128}


def test_colours_of_kernels_are_those_of_the_channels():
    weights = torch.zeros(3, 3, 1, 1)
    weights[0, :, 0, 0] = torch.tensor([1.0, 0.0, -1.0])
    weights[1], weights[2] = -1, 1
    html = kernel_images(weights, "the stem")
    assert [tuple(pixels(image)[0, 0]) for image in page(html).find_all("image")] == [
        (255, 128, 0),
        (0, 0, 0),
        (255, 255, 255),
    ]
    assert "3 small pictures, the kernels of the stem, each 1×1 pixels in colour; 2 of them nearly grey, 1 in" in alt(
        html
    )
    assert "The 3 kernels of the stem, 1×1 pixels in colour" in page(html).figcaption.text
    assert not page(html).select(".credit"), "no photograph is shown"


# ------------------------------------------------------------------ activations
def test_maps_stand_beside_the_photograph(photo):
    maps = torch.zeros(4, 8, 8)
    maps[0, 2, 3] = 5
    maps[1] = 1
    maps[3, 0, 0], maps[3, 7, 7] = 2, -1
    html = activation_maps(maps[None], photo, "block 2", channels=[0, 1, 3])
    first, *tiles = page(html).find_all("image")
    assert first["href"].startswith("data:image/jpeg")
    spot, flat, signed = map(pixels, tiles)
    assert spot.shape == (64, 64) and spot.max() == 255 and (spot > 0).sum() == 64, "one position is a square"
    assert spot[2 * 8, 3 * 8] == 255 and set(flat.flatten()) == {255}
    assert (signed[0, 0], signed[8, 8], signed[-1, -1]) == (255, 128, 64), "middle grey is 0 where some are below"
    assert [one.text for one in page(html).find_all("title")] == ["channel 0", "channel 1", "channel 3"]
    assert "3 grey maps of 8 by 8 positions, channels of block 2; 2 of them bright in less than a tenth" in alt(html)
    assert "3 of the 4 channels of block 2" in page(html).figcaption.text


def test_tiles_do_not_overlap(photo):
    for many in (1, 4, 7, 8, 9, 20, 21):
        parts = page(activation_maps(torch.rand(many, 4, 4), photo, "x", channels=range(many)))
        boxes = [tuple(float(image[key]) for key in ("x", "y", "width")) for image in parts.find_all("image")]
        assert len(boxes) == many + 1
        for i, (x, y, side) in enumerate(boxes):
            left, top, wide, tall = map(float, parts.svg["viewbox"].split())
            assert left <= x and x + side <= left + wide and top <= y and y + side <= top + tall
            for other, below, size in boxes[:i]:
                assert x >= other + size or other >= x + side or y >= below + size or below >= y + side


def test_maps_of_large_images_stay_small():
    photo = photograph("china", 224)
    html = activation_maps(torch.rand(64, 112, 112), photo, "the stem")
    assert len(page(html).find_all("image")) == 1 + 20 and len(html.data) < MOST
    assert pixels(page(html).find_all("image")[1]).shape == (64, 64)


# ------------------------------------------------------------------ class activation maps
def test_colour_lies_where_the_class_is_decided(photo):
    values = torch.zeros(8, 8)
    values[1:3, 5:7], values[6, 1] = 4, -4
    html = class_activation(ClassMap(values, 7, 0.0), photo, "daisy")
    before, after = map(pixels, page(html).find_all("image"))
    assert before.shape == after.shape == (64, 64, 3)
    hue = after.max(2) - after.min(2)
    orange, violet, grey = after[16, 48], after[6 * 8 + 4, 1 * 8 + 4], hue[28:36, 20:36]
    assert orange[0] > orange[2] + 60 and violet[2] > violet[0] + 60 and grey.max() < 30
    assert "the class map of daisy in colour on it, 8 by 8 places; strongest in the upper right" in alt(html)
    assert "part of the picture, and more than half as strong in 4 places." in alt(html)
    words = page(html).svg.text
    assert "against: −4" in words and "for: 4" in words and "daisy" in page(html).figcaption.strong
    scale = [(bar["fill"], float(bar["fill-opacity"])) for bar in page(html).select("rect[fill-opacity]")]
    assert [colour for colour, _ in scale] == [AGAINST] * 12 + [FOR] * 12
    strengths = [much for _, much in scale]
    assert strengths == strengths[::-1] and strengths[12:] == sorted(strengths[12:])
    assert strengths[12] < 0.05 and strengths[-1] > 0.7, "0 has no colour"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ((3, 3), "in the middle part of"),
        ((0, 3), "in the upper part of"),
        ((6, 6), "in the lower right part of"),
        ((3, 0), "in the left part of"),
        (None, "no place speaks for the class."),
    ],
)
def test_alt_text_says_where(photo, place, said):
    values = torch.full((7, 7), -1.0)
    if place:
        values[place] = 2
    assert said in alt(class_activation(ClassMap(values, 0, 0.0), photo, "x"))


def test_a_map_of_a_network_and_one_of_zeros_can_be_drawn():
    image = photograph("flower", 32)
    for found in (class_activation_map(cifar_resnet(8), image), ClassMap(torch.zeros(8, 8), 0, 0.0)):
        assert len(class_activation(found, image, "a class").data) < MOST


def test_class_maps_write_each_number_on_its_square_and_their_mean_is_the_logit(photo):
    first = ClassMap(torch.tensor([[4.0, -2.2], [0.0, 1.4]]), 0, 0.5)
    second = ClassMap(torch.tensor([[0.0, 0.0], [0.0, 2.0]]), 1, 0.0)
    shown = page(class_map_grid({"daisy": first, "rose": second}, photo))
    told = [text.text for text in shown.find_all("text")]
    assert told == ["daisy: mean 1.3", "4", "−2", "0", "2", "rose: mean 0.5", "0", "0", "0", "2"]
    squares = shown.select("rect[fill-opacity]")
    assert [float(one["fill-opacity"]) for one in squares] == [0.75, 0.41, 0, 0.26, 0, 0, 0, 0.38], "one scale for all"
    assert [one["fill"] for one in squares[:2]] == [FOR, AGAINST]
    assert float(squares[1]["x"]) > float(squares[0]["x"]) == float(squares[2]["x"])
    assert "daisy, strongest in the upper left part" in alt(class_map_grid({"daisy": first}, photo))
    for wrong in ({}, {"a": first, "b": ClassMap(torch.zeros(3, 3), 1, 0.0)}):
        with pytest.raises(ValueError, match="one size"):
            class_map_grid(wrong, photo)


# ------------------------------------------------------------------ what excites a channel
def test_crops_are_the_squares_that_units_see():
    photos = torch.zeros(2, 3, 64, 64)
    photos[0, 0, 8:16, 24:32] = 1  # a red square on black
    photos[1, :, :, 32:] = 1
    rows = {
        "edge": [Place(0, 0, 0, 4.0, 8, 24, 8), Place(1, 0, 0, 1.0, 8, 28, 8)],
        "object": [Place(1, 0, 0, -2.0, -100, -100, 300)],
    }
    html = strongest_crops(rows, photos)
    red, half, whole = map(pixels, page(html).find_all("image"))
    assert red[..., 0].min() > 200 and red[..., 1].max() < 50, "the red square and nothing else"
    assert half[:, :56].max() < 60 and half[:, 72:].min() > 200, "four dark columns and four bright ones"
    assert whole[:, :56].max() < 60 and whole[:, 72:].min() > 200, "a field beyond the photograph is the photograph"
    longs = [float(bar["width"]) for bar in page(html).select("rect.bar")]
    assert longs[0] == pytest.approx(4 * longs[1], rel=0.01) and longs[2] == 0
    assert len(page(html).find_all("circle")) == 1, "only the large square has a ring"
    assert alt(html) == (
        "2 rows of squares cut from photographs: edge, 2 squares of 8 pixels; object, 1 squares of 64 pixels."
    )
    assert "edge: 8×8 pixels" in page(html).svg.text


def test_a_crop_at_the_edge_is_moved_into_the_photograph():
    photos = torch.zeros(1, 3, 64, 64)
    photos[..., :8, :8] = 1
    html = strongest_crops({"corner": [Place(0, 0, 0, 1.0, -4, -4, 8)]}, photos)
    assert pixels(page(html).image).min() > 200, "the corner, not what padding adds"


def test_a_ring_stands_where_the_unit_stood_and_in_its_tile():
    photos = torch.zeros(1, 3, 64, 64)
    fields = [(-18, -18, 100, 0.5, 0.5), (-50, -50, 100, 0.0, 0.0), (-18, 14, 100, 1.0, 0.5), (10, -18, 40, 0.05, 0.5)]
    for top, left, size, x, y in fields:
        parts = page(strongest_crops({"late": [Place(0, 0, 0, 1.0, top, left, size)]}, photos))
        image, ring = parts.image, parts.circle
        side = float(image["width"])
        inset = float(ring["r"]) / side
        for key, at, wanted in (("cx", "x", x), ("cy", "y", y)):
            found = (float(ring[key]) - float(image[at])) / side
            assert found == pytest.approx(min(max(wanted, inset), 1 - inset), abs=0.01)


# ------------------------------------------------------------------ what all share
def pictures(photo):
    maps = torch.rand(8, 8, 8)
    place = Place(0, 0, 0, 1.0, 0, 0, 16)
    return {
        "kernels": kernel_images(torch.randn(8, 3, 3, 3), "x"),
        "maps": activation_maps(maps, photo, "x"),
        "class": class_activation(ClassMap(maps[0], 0, 0.0), photo, "x"),
        "crops": strongest_crops({"x": [place]}, photo),
    }


def test_each_names_the_photographer_and_is_left_out_of_the_comparison(photo):
    for name, html in pictures(photo).items():
        figure = page(html).figure
        assert figure.div["class"] == ["drawing", "trained"] and figure.svg["aria-hidden"] == "true"
        assert html.data.count("</svg>") == 1, "what nbval leaves out ends at the first"
        assert len(figure.div["aria-label"]) > 40 and len(figure.figcaption.text) > 40
        links = [link["href"] for link in figure.select(".credit a")]
        credit = credit_of(photo)
        assert links == ([] if name == "kernels" else [credit.source, credit.licence_url]), name


def test_several_photographs_have_one_line():
    photos = torch.cat([photograph(name, 64) for name in ("flower", "china", "flower")])
    rows = {"x": [Place(image, 0, 0, 1.0, 0, 0, 16) for image in range(3)]}
    (line,) = page(strongest_crops(rows, photos)).select(".credit")
    assert line.text == "Photographs: vultilion, CC BY 2.0; danielbuechele, CC BY 2.0; cut and scaled here"
    only = {"x": [Place(1, 0, 0, 1.0, 0, 0, 16)]}
    (line,) = page(strongest_crops(only, photos)).select(".credit")
    assert line.text == "Photograph: danielbuechele, CC BY 2.0; cut and scaled here", "only of what is shown"


def test_a_part_of_a_photograph_has_the_credit_of_the_whole(photo):
    part, other = photo[..., 8:56, 8:56], photograph("china", 48)
    found, maps = ClassMap(torch.rand(4, 4), 0, 0.0), torch.rand(2, 4, 4)
    rows = {"x": [Place(1, 0, 0, 1.0, 0, 0, 16)]}
    pair = torch.cat([other, part])
    for draw in (
        lambda **whole: class_activation(found, part, "x", **whole),
        lambda **whole: activation_maps(maps, part, "x", **whole),
    ):
        assert not page(draw()).select(".credit")
        assert page(draw(taken_from=photo)).select_one(".credit").text.startswith("Photograph: vultilion")
    assert not page(strongest_crops(rows, pair)).select(".credit")
    (line,) = page(strongest_crops(rows, pair, taken_from=[other, photo])).select(".credit")
    assert line.text == "Photograph: vultilion, CC BY 2.0; cut and scaled here"


def test_what_cannot_be_drawn_is_refused(photo):
    maps, found, place = torch.rand(8, 4, 4), ClassMap(torch.rand(4, 4), 0, 0.0), Place(0, 0, 0, 1.0, 0, 0, 16)
    for wrong in (photo[0], photo * 2, photo[..., :32]):
        with pytest.raises(ValueError, match="photograph"):
            activation_maps(maps, wrong, "x")
        with pytest.raises(ValueError, match="photograph"):
            class_activation(found, wrong, "x")
    with pytest.raises(ValueError, match="photograph"):
        strongest_crops({"x": [place]}, photo * 2)
    with pytest.raises(ValueError, match=r"maps of one image \(C, h, w\), got \(2, 8, 4, 4\)"):
        activation_maps(maps.expand(2, 8, 4, 4), photo, "x")
    with pytest.raises(ValueError, match=r"channels from 0 to 7, got \[8, -1\]: x has 8"):
        activation_maps(maps, photo, "x", channels=[8, 0, -1])
    with pytest.raises(ValueError, match="channels from 0 to 7, got none"):
        activation_maps(maps, photo, "x", channels=[])
    for rows in ({}, {"x": []}):
        with pytest.raises(ValueError, match="expected places in every row"):
            strongest_crops(rows, photo)
    for wrong in (torch.rand(3, 3, 3), torch.rand(2, 4, 3, 3)):
        with pytest.raises(ValueError, match=r"expected kernels \(n, 1, k, k\) or \(n, 3, k, k\)"):
            kernel_images(wrong, "x")
