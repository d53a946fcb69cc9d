import re

import pytest
from address import ROOT
from bs4 import BeautifulSoup

from casestudies_lib.figures import you_are_here
from casestudies_lib.figures.strip import NETWORKS
from casestudies_lib.models import PERSON, WINNERS


def test_the_strip_shows_every_winner_and_marks_the_networks_of_the_page():
    page = BeautifulSoup(you_are_here("VGG", "AlexNet").data, "html.parser")
    words = [text.text for text in page.find_all("text")]
    for year, winner in WINNERS.items():
        assert str(year) in words and f"{winner.error:.1f}" in words
        assert f"{year} {winner.name} {winner.error:.1f}" in page.div["aria-label"]
    marked = [text.text for text in page.find_all("text", style=True)]
    assert marked == ["AlexNet", "VGG"] and "VGG, AlexNet, are marked" in page.div["aria-label"]
    bars = page.find_all("rect", attrs={"rx": "1.5"})
    assert [float(bar["height"]) for bar in bars] == pytest.approx([4.1 * w.error for w in WINNERS.values()], abs=0.06)
    assert {bar["fill"] for bar in bars} == {bars[2]["fill"], bars[0]["fill"]}, "only AlexNet won"


def test_long_names_of_two_years_in_a_row_stand_in_two_rows():
    page = BeautifulSoup(you_are_here("NiN").data, "html.parser")
    height = {text.text: float(text["y"]) for text in page.find_all("text")}  # the last one of a name that won
    assert height["MobileNet"] == height["EfficientNet"] == height["LeNet-5"] < height["MobileNetV2"]
    tall = float(page.svg["viewbox"].split()[3])
    assert height["GoogLeNet"] == height["MobileNetV2"] < tall, "the second row, which two networks of a year take"


def test_every_error_has_a_source_that_the_bibliography_knows():
    papers = (ROOT / "book" / "references.bib").read_text()
    for winner in [*WINNERS.values(), PERSON]:
        author, year = re.match(r"(\w+) (\d{4}), \S", winner.source).groups()
        assert f"{{{author.lower()}{year}," in papers


def test_a_network_that_is_not_of_the_book_is_refused():
    with pytest.raises(ValueError, match="network of the book"):
        you_are_here("Inception-v9")
    assert sum(map(len, NETWORKS.values())) == 9
