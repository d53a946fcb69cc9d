"""Matplotlib's figures as inline SVG in the page's own colours."""

import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from casestudies_lib.figures import charts


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr(charts, "display", lambda data, raw: seen.append(data))
    return seen


def plot(values=(1, 2, 3)):
    drawn, axes = charts.figure()
    axes.plot(values, label="curve")
    axes.set_xlabel("x, in\ntwo lines")
    return drawn


def test_figures_follow_the_page_and_repeat_to_the_letter(shown):
    for _ in range(2):
        charts.show(plot(), "plot", "Three points.")
    svg = shown[0]["text/html"]
    assert shown[0] == shown[1]
    assert "currentColor" in svg and "#000000" not in svg and "DejaVu" not in svg
    assert 'role="img" aria-label="Three points."' in svg
    identifiers = re.findall(r'id="([^"]+)"', svg)
    assert len(identifiers) == len(set(identifiers)) and all(i.startswith("plot-") for i in identifiers)
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) <= set(identifiers)


def test_images_of_the_same_content_have_no_name_twice(shown):
    charts.show(charts.digits_grid([np.eye(3)] * 3, ["a", "b", "c"]), "grid", "Three equal squares.")
    svg = shown[0]["text/html"]
    identifiers = re.findall(r'id="([^"]+)"', svg)
    assert svg.count("<image") == 3 and len(identifiers) == len(set(identifiers))


def test_a_last_bit_shows_nowhere(shown):
    """As other kernels of numpy compute it: matplotlib's own ids, and the number of its definitions, would differ."""
    bits = [np.array([1.1, 2.3, 3.7]) * (1 + k * 2**-52) for k in (0, 1)]
    for first, second in (bits[:1] * 2, bits):
        drawn, axes = charts.figure(ncols=2)
        for half, right in zip(axes, (first, second)):
            half.plot(bits[0], "o", clip_on=True)
            half.set(xlim=(0, 2), ylim=(0, right[2]))
        charts.show(drawn, "bits", "Two panels, of equal or nearly equal limits.")
    charts.show(plot(bits[0]), "plot", "Three points.")
    charts.show(plot(bits[1]), "plot", "Three points, a last bit away.")
    assert shown[0] == shown[1]
    assert shown[2]["text/html"].replace("Three points.", "Three points, a last bit away.") == shown[3]["text/html"]


def test_coordinates_are_rounded_where_no_round_number_is_near():
    drawn = '<text x="10.5986775" y="-0" transform="rotate(-90 2.125 3.0000004)"/><path d="M 1.005 -0.0001 L 0.12 7"/>'
    rounded = '<text x="10.6" y="0" transform="rotate(-90 2.13 3)"/><path d="M 1.01 0 L 0.12 7"/>'
    assert charts._rounded(drawn) == rounded
    for value in (2.125, 1.005, 10.5986775, 331.2, 0):
        last_bits = {f'<path d="M {value + k * 1e-6:.6f} 0"/>' for k in (-1, 0, 1)}
        assert len(last_bits) == 3 and len(set(map(charts._rounded, last_bits))) == 1
    glyph = '<path d="M 0 3" transform="scale(0.015625)"/>'
    assert charts._rounded(glyph) == glyph, "a scale is no coordinate"


def test_drift_of_what_a_figure_shows_is_seen(shown):
    charts.show(plot((1, 2, 3)), "plot", "Points.")
    charts.show(plot((1, 2, 4)), "plot", "Points.")
    assert shown[0]["text/html"] != shown[1]["text/html"]
    grey = np.zeros((5, 5))
    charts.show(charts.digits_grid([grey], ["a"]), "grid", "A square.")
    grey[2, 2] = 1  # the drawing differs in compressed pixels only, which the test does not compare
    charts.show(charts.digits_grid([grey], ["a"]), "grid", "A square.")
    assert shown[2][charts.MIME] != shown[3][charts.MIME]


def test_drift_of_trained_figures_is_left_to_claims_but_not_of_their_make_up(shown):
    for values in ((1, 2, 3), (1, 2, 3.1), (1, 2)):
        charts.show(plot(values), "plot", "Points.", trained=True)
    assert shown[0][charts.MIME] == shown[1][charts.MIME] != shown[2][charts.MIME]


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(ValueError, match="expected alt text for the figure 'plot'"):
        charts.show(plot(), "plot", "  ")


def test_a_legend_on_white_is_refused(shown):
    drawn = plot()
    drawn.axes[0].legend()
    with pytest.raises(ValueError, match="expected no legend on white in 'plot', got one: pass frameon=False"):
        charts.show(drawn, "plot", "A line.")
    drawn.axes[0].legend(frameon=False)
    charts.show(drawn, "plot", "A line.")


def test_words_have_the_ink_of_the_page_or_are_white(shown):
    drawn, axes = charts.figure()
    axes.annotate("8 layers", (0, 0), color="#5b9fd4")
    axes.text(1, 1, "on a dark square", color="white")
    charts.show(drawn, "words", "Two words.", number="2.3", caption="Two words.")
    words = {
        text.text.strip(): text["style"]
        for text in BeautifulSoup(shown[0]["text/html"], "html.parser").find_all("text")
    }
    assert "fill" not in words["8 layers"] and "fill: #ffffff" in words["on a dark square"]
    assert (
        BeautifulSoup(shown[0]["text/html"], "html.parser").select_one("figure.fig > figcaption").text
        == "Figure 2.3. Two words."
    )
