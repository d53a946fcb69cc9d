"""What is quoted of the papers: real networks, sources in the bibliography, plausible numbers."""

import re
from pathlib import Path

import pytest

from casestudies_lib.models import MODELS
from casestudies_lib.published import PUBLISHED

BIBLIOGRAPHY = (Path(__file__).resolve().parent.parent / "book" / "references.bib").read_text()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_entry_is_a_network_with_a_source(name):
    entry = PUBLISHED[name]
    assert name in MODELS
    key = "".join(entry.source.split(",")[0].split(" ")).lower()
    assert f"{{{key}," in BIBLIOGRAPHY, entry.source
    assert entry.images in ("ImageNet", "CIFAR-10", "MNIST") and 50 < entry.accuracy < 100
    year = int(re.search(r"\d{4}", entry.source).group())
    assert entry.year <= year, "a source before the network"


def test_accuracies_are_near_those_of_the_public_checkpoints(torchvision):
    """A row of another network would show: first public weights come within four points of the paper."""
    first = {
        name: torchvision.models.get_model_weights(name).IMAGENET1K_V1.meta["_metrics"]["ImageNet-1K"]["acc@1"]
        for name in set(PUBLISHED) & set(torchvision.models.list_models())
    }
    assert len(first) == 21
    assert {name: PUBLISHED[name].accuracy for name in first} == pytest.approx(first, abs=4)
