"""Networks as chains of volumes."""

import re

from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.checks import ImageSpec
from casestudies_lib.figures import draw
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.network import Network


def boxes(name, **options):
    return BeautifulSoup(draw(anatomy(name), **options).data, "html.parser")


def test_volumes_are_to_scale():
    volumes = [svg for svg in boxes("vgg16", height=224).find_all("svg") if svg.path]
    front = [path["d"] for svg in volumes for path in svg.find_all("path") if path["fill-opacity"] == "0.9"]
    heights = [float(re.search(r"v([\d.]+)", d).group(1)) for d in front]
    assert heights[:3] == [224, 224, 112] and heights[-1] == 7
    widths = [float(re.search(r"h([\d.]+)", d).group(1)) for d in front]
    assert widths[-1] == 8 * widths[1]  # 512 channels against 64


def test_networks_without_vectors_and_with_global_pooling_can_be_drawn():
    layers = {"c": nn.Conv2d(1, 4, 3), "n": nn.GroupNorm(2, 4), "g": nn.AdaptiveAvgPool2d(1), "f": nn.Flatten()}
    found = anatomy(Network("pooled", ImageSpec(1, 16), layers))
    assert [str(layer.op) for layer in found.rows] == ["conv 3×3", "global average pool"]
    assert "global average pool gives 1×1×4" in draw(found).data


def test_vectors_stay_together_and_are_half_as_tall_as_the_tallest_map():
    row = boxes("alexnet", height=150).find(role="img")
    *maps, vectors = row.find_all("div", recursive=False)
    assert (
        len(maps) == 8 and len(vectors.find_all("div", recursive=False)) == 3
    )  # the image, conv1 to pool5 with conv3 and conv4 as one; fc6 to fc8
    assert vectors.rect["height"] == "75.0"


def test_two_groups_have_a_seam():
    assert len(boxes("alexnet_2012").find_all("path", {"stroke-dasharray": True})) == 3
    assert not boxes("alexnet").find_all("path", {"stroke-dasharray": True})
