"""The chain of layers that all networks are."""

import pickle

import pytest
import torch

from casestudies_lib.inception import googlenet
from casestudies_lib.lenet import lenet5
from casestudies_lib.models import MODELS
from casestudies_lib.network import name_weight_layers


def test_paper_names_must_fit():
    with pytest.raises(ValueError, match=r"a name for each of .*got 1 names: name"):
        name_weight_layers(lenet5(), ["C1"])


@pytest.mark.parametrize("name", [name for name in MODELS if name != "cifar_resnet1202"])
def test_networks_travel_to_other_processes(name):
    """They can be pickled, with what they say of a wrong image."""
    with torch.device("meta"):
        network = MODELS[name]()
    again = pickle.loads(pickle.dumps(network))
    assert again.title == network.title and len(list(again.parameters())) == len(list(network.parameters()))
    told = []
    for one in (network, again):
        with pytest.raises(ValueError, match="expected images of") as refused:
            one(torch.empty(1, *one.expects.shape[:1], 4, 4, device="meta"))
        told.append(str(refused.value))
    assert told[0] == told[1]


def test_torch_fx_follows_a_network():
    network, x = lenet5().eval(), torch.rand(2, 1, 32, 32)
    assert torch.equal(torch.fx.symbolic_trace(network)(x), network(x))


def test_an_index_counts_what_an_image_passes():
    with torch.device("meta"):
        network = googlenet(aux=True)
    chain = [layer for _, layer in network.chain()]
    assert [network[place] for place in range(-len(chain), len(chain))] == chain * 2
    assert [*network[:]] == chain
