"""What holds for every network: counts against the papers' and the public implementations' figures, depth, drawing."""

import functools
import json
import re
from pathlib import Path

import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.figures import draw
from casestudies_lib.lenet import lenet5
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.models import MODELS, ONE_CROP, PUBLISHED

# parameters and MACs of one image; batch normalisation adds two parameters a channel and no MACs
COUNTS = json.loads((Path(__file__).parent / "counts.json").read_text())
taken_apart = functools.cache(anatomy)  # seconds for 1,202 layers; none of these tests changes it


def test_every_network_has_a_count():
    assert set(COUNTS) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_counts_are_exact(name):
    network = taken_apart(name)
    assert {"parameters": network.parameters, "macs": network.macs} == COUNTS[name]


@pytest.mark.parametrize("name", MODELS)
def test_anatomy_adds_up_to_the_module(name):
    with torch.device("meta"):
        module = MODELS[name]()
    assert taken_apart(name).parameters == sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert all(p.is_meta for layer in taken_apart(name).layers for p in layer.module.parameters())


@pytest.mark.parametrize("name", [name for name in MODELS if "res" in name or "plain" in name])
def test_names_say_the_depth(name):
    """Layers with weights, projections not counted, as the paper counts."""
    depth = sum("downsample" not in layer.name for layer in taken_apart(name).weight_layers)
    assert depth == int(re.search(r"\d+", name).group())


@pytest.mark.parametrize("name", MODELS)
def test_every_size_is_written_and_spoken(name):
    page = BeautifulSoup(draw(taken_apart(name)).data, "html.parser")
    sizes = {layer.size for layer in taken_apart(name).rows}
    assert sizes <= {strong.text for strong in page.find_all("strong")}
    alt = page.div["aria-label"]
    assert page.div["role"] == "img" and all(f"gives {size}" in alt for size in sizes)


def test_accuracies_of_one_crop_are_those_that_torchvision_tells(torchvision):
    assert ONE_CROP.keys() < PUBLISHED.keys()
    for name, said in ONE_CROP.items():
        weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
        told = weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]
        assert (said.accuracy, said.side) == (told, weights.transforms.keywords["crop_size"]), name
        assert weights.meta["num_params"] == taken_apart(name).parameters, name


def test_grey_and_colour_lenet():
    assert anatomy(lambda: lenet5(in_channels=3)).parameters == 62_006


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998", "alexnet", "alexnet_2012", "vgg11", "vgg11_bn"])
def test_forward_gives_finite_logits_and_gradients_reach_every_weight(name):
    torch.manual_seed(0)
    network = MODELS[name]().train()
    logits = network(torch.rand(2, *network.expects.shape))
    assert logits.shape == ((2, 10) if "lenet" in name else (2, 1000))
    logits.square().mean().backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), path
        assert parameter.grad.abs().sum() > 0, path


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
