import re

import numpy as np
import pytest
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib import drawing
from casestudies_lib.anatomy import anatomy
from casestudies_lib.blocks import Network
from casestudies_lib.checks import Images
from casestudies_lib.lenet import C3_TABLE, SparseConv2d


def boxes(name, **options):
    return BeautifulSoup(drawing.draw(anatomy(name), **options).data, "html.parser")


def test_volumes_are_to_scale():
    volumes = [svg for svg in boxes("vgg16", height=224).find_all("svg") if svg.path]
    front = [path["d"] for svg in volumes for path in svg.find_all("path") if path["fill-opacity"] == "0.9"]
    heights = [float(re.search(r"v([\d.]+)", d).group(1)) for d in front]
    assert heights[:3] == [224, 224, 112] and heights[-1] == 7
    widths = [float(re.search(r"h([\d.]+)", d).group(1)) for d in front]
    assert widths[-1] == 8 * widths[1]  # 512 channels against 64


def test_networks_without_vectors_and_with_global_pooling_can_be_drawn():
    layers = {"c": nn.Conv2d(1, 4, 3), "n": nn.GroupNorm(2, 4), "g": nn.AdaptiveAvgPool2d(1), "f": nn.Flatten()}
    found = anatomy(Network("pooled", Images(1, 16), layers))
    assert [layer.kind for layer in found.rows] == ["conv 3×3", "global average pool"]
    assert "global average pool gives 1×1×4" in drawing.draw(found).data


def test_two_groups_have_a_seam():
    assert len(boxes("alexnet_2012").find_all("path", {"stroke-dasharray": True})) == 3
    assert not boxes("alexnet").find_all("path", {"stroke-dasharray": True})


def test_connections_follow_the_module():
    dense = tuple(tuple(range(6)) for _ in range(16))
    for table in (C3_TABLE, dense):
        page = BeautifulSoup(drawing.draw_connections(SparseConv2d(table, 5)).data, "html.parser")
        filled = [rect for rect in page.find_all("rect") if rect["fill"] != "none"]
        assert len(filled) == sum(len(reads) for reads in table)


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr(drawing, "display", lambda data, raw: seen.append(data))
    return seen


def plot(values=(1, 2, 3)):
    drawn, axes = drawing.figure()
    axes.plot(values, label="curve")
    axes.set_xlabel("x")
    return drawn


def test_figures_follow_the_page_and_repeat_to_the_letter(shown):
    for _ in range(2):
        drawing.show(plot(), "plot", "Three points.")
    svg = shown[0]["text/html"]
    assert shown[0] == shown[1]
    assert "currentColor" in svg and "#000000" not in svg and "DejaVu" not in svg
    assert 'role="img" aria-label="Three points."' in svg
    identifiers = re.findall(r'id="([^"]+)"', svg)
    assert len(identifiers) == len(set(identifiers)) and all(i.startswith("plot-") for i in identifiers)
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) <= set(identifiers)


def test_images_of_the_same_content_have_no_name_twice(shown):
    drawing.show(drawing.digits_grid([np.eye(3)] * 3, ["a", "b", "c"]), "grid", "Three equal squares.")
    svg = shown[0]["text/html"]
    identifiers = re.findall(r'id="([^"]+)"', svg)
    assert svg.count("<image") == 3 and len(identifiers) == len(set(identifiers))


def test_a_last_bit_shows_nowhere(shown):
    """As other kernels of numpy compute it: matplotlib's own ids, and the number of its definitions, would differ."""
    bits = [np.array([1.1, 2.3, 3.7]) * (1 + k * 2**-52) for k in (0, 1)]
    for first, second in (bits[:1] * 2, bits):
        drawn, axes = drawing.figure(ncols=2)
        for half, right in zip(axes, (first, second)):
            half.plot(bits[0], "o", clip_on=True)
            half.set(xlim=(0, 2), ylim=(0, right[2]))
        drawing.show(drawn, "bits", "Two panels, of equal or nearly equal limits.")
    drawing.show(plot(bits[0]), "plot", "Three points.")
    drawing.show(plot(bits[1]), "plot", "Three points, a last bit away.")
    assert shown[0] == shown[1]
    assert shown[2]["text/html"].replace("Three points.", "Three points, a last bit away.") == shown[3]["text/html"]


def test_coordinates_are_rounded_where_no_round_number_is_near():
    drawn = '<text x="10.5986775" y="-0" transform="rotate(-90 2.125 3.0000004)"/><path d="M 1.005 -0.0001 L 0.12 7"/>'
    rounded = '<text x="10.6" y="0" transform="rotate(-90 2.13 3)"/><path d="M 1.01 0 L 0.12 7"/>'
    assert drawing._rounded(drawn) == rounded
    for value in (2.125, 1.005, 10.5986775, 331.2, 0):
        last_bits = {f'<path d="M {value + k * 1e-6:.6f} 0"/>' for k in (-1, 0, 1)}
        assert len(last_bits) == 3 and len(set(map(drawing._rounded, last_bits))) == 1
    glyph = '<path d="M 0 3" transform="scale(0.015625)"/>'
    assert drawing._rounded(glyph) == glyph, "a scale is no coordinate"


def test_drift_of_what_a_figure_shows_is_seen(shown):
    drawing.show(plot((1, 2, 3)), "plot", "Points.")
    drawing.show(plot((1, 2, 4)), "plot", "Points.")
    assert shown[0]["text/html"] != shown[1]["text/html"]
    grey = np.zeros((5, 5))
    drawing.show(drawing.digits_grid([grey], ["a"]), "grid", "A square.")
    grey[2, 2] = 1  # the drawing differs in compressed pixels only, which the test does not compare
    drawing.show(drawing.digits_grid([grey], ["a"]), "grid", "A square.")
    assert shown[2][drawing.MIME] != shown[3][drawing.MIME]


def test_drift_of_trained_figures_is_left_to_claims_but_not_of_their_make_up(shown):
    for values in ((1, 2, 3), (1, 2, 3.1), (1, 2)):
        drawing.show(plot(values), "plot", "Points.", trained=True)
    assert shown[0][drawing.MIME] == shown[1][drawing.MIME] != shown[2][drawing.MIME]


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(ValueError, match="expected alt text for the figure 'plot'"):
        drawing.show(plot(), "plot", "  ")
