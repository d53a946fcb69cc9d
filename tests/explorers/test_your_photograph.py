"""Your photograph, as markup and numbers; tests/browser/test_photograph.py runs the network in a browser."""

import json
import re
from types import SimpleNamespace

import companion
import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.explorers import your_photograph
from casestudies_lib.explorers.photograph import GUESSES, NETWORK, PLACE, SAMPLES, network_file, seen_by, shares_of
from casestudies_lib.pretrained import class_names, pretrained
from casestudies_lib.training.photographs import PHOTOGRAPHS, photograph


@pytest.fixture(scope="module")
def output():
    return your_photograph()


@pytest.fixture(scope="module")
def shares():
    network = pretrained(NETWORK)
    return shares_of(network, [seen_by(network, name) for name in SAMPLES])


def test_without_a_site_the_stored_guesses_are_shown(output, shares):
    page = BeautifulSoup(output.data, "html.parser")
    cards = page.select(".samples > li")
    for card, name, share in zip(cards, SAMPLES, shares, strict=True):
        first = share.topk(GUESSES)
        assert [one.text for one in card.select("ol .name")] == [class_names()[n] for n in first.indices]
        shown = [one.text for one in card.select("ol .percent")]
        assert shown == [f"{100 * p:.0f}%" if p >= 0.005 else "under 1%" for p in first.values.tolist()]
        assert SAMPLES[name] in card.svg["aria-label"]
        credit = PHOTOGRAPHS[name]
        assert {credit.photographer, credit.licence} == {link.text for link in card.select(".credit a")}
    assert page.select_one(".own").has_attr("hidden") and not page.select_one(".off").has_attr("hidden")
    assert all(button.has_attr("hidden") for button in page.select(".run, .choose"))


def test_what_is_stored_is_the_same_on_every_processor(shares):
    """No share lies so near to half a percent, and no two guesses so near to each other, that a last digit decides."""
    first = shares.topk(GUESSES + 1).values
    assert ((100 * first[:, :-1]) % 1 - 0.5).abs().min() > 1e-3
    assert (first[:, :-1] - first[:, 1:]).min() > 1e-5


def test_a_sample_is_what_the_network_prepares(shares):
    """The JPEGs change what is said less than a reader would notice, but for near ties."""
    network = pretrained(NETWORK)
    with torch.inference_mode():
        full = torch.cat([network(network.prepare(photograph(name, None))) for name in SAMPLES]).softmax(1)
    assert (full - shares).abs().max() < 0.15 and (full - shares).abs().topk(5).values.mean() < 0.05


def test_the_output_is_small_and_asks_nobody(output):
    page = BeautifulSoup(output.data, "html.parser")
    pictures = [image["href"] for image in page.select("svg image")]
    assert sum(map(len, pictures)) < 250_000 and all(picture.startswith("data:image/jpeg") for picture in pictures)
    assert len(output.data) < 300_000
    assert not [one for one in page.find_all(True) if any(name.startswith("on") for name in one.attrs)]
    assert not page.find_all(src=True) and not page.find_all("link")


def test_the_network_comes_with_the_photographs_that_the_page_shows(output):
    brought = re.search(r"window\.CaseStudies\.network\.pictures = (.*);\n", network_file())[1]
    cards = BeautifulSoup(output.data, "html.parser").select(".samples > li")
    assert json.loads(brought) == [card.image["href"] for card in cards]
    assert [card.button["aria-label"].rpartition(" ")[2] for card in cards] == list(SAMPLES)


def test_the_site_puts_the_network_beside_the_page(output, tmp_path):
    context = {"body": output.data}
    companion.mend(None, "notebooks/09", "page.html", context, None)
    assert output.data.count(PLACE) == 1 and PLACE not in context["body"]
    address = BeautifulSoup(context["body"], "html.parser").select_one(".explorer")["data-network"]
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    (tmp_path / "_static").mkdir()
    companion.write_network(app, ValueError("a build that failed"))
    assert not (tmp_path / "notebooks" / address).resolve().exists()
    companion.write_network(app, None)
    written = (tmp_path / "notebooks" / address).resolve()
    assert written.read_bytes().decode() == network_file()
    before = written.stat().st_mtime_ns
    companion.write_network(app, None)
    assert written.stat().st_mtime_ns == before, "what is there is left alone"
