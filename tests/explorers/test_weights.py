"""Weights in eight bits: how far they are from what was learned, and whose they are."""

import json

import pytest
import torch
from torch import nn

from casestudies_lib.explorers.weights import packed, unpack, unpacked
from casestudies_lib.lenet import lenet5


@pytest.mark.parametrize("variant", ["modern", "1998"])
def test_a_weight_moves_by_half_a_step_at_most(variant):
    network, other = lenet5(variant), lenet5(variant)
    weights = json.loads(json.dumps(packed(network)))
    unpack(other, weights)
    assert list(weights) == [name for name, _ in network.named_parameters()]
    for (name, wanted), got in zip(network.named_parameters(), other.parameters(), strict=True):
        if wanted.dim() < 2:
            assert torch.allclose(got, wanted, rtol=1e-5), name
            continue
        step = wanted.flatten(1).abs().amax(1) / 127
        assert ((got - wanted).flatten(1).abs().amax(1) <= 0.501 * step).all(), name
        whole = (got.flatten(1) / step[:, None]).abs()
        assert torch.allclose(whole.amax(1), torch.tensor(127.0), rtol=1e-4), "the largest weight uses the last step"
        assert torch.allclose(whole, whole.round(), atol=0.002), name
    assert not torch.equal(network.F6.weight, other.F6.weight)


def test_each_output_channel_has_its_own_scale():
    layer = nn.Linear(2, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -0.4], [100.0, 1.0], [0.0, 0.0]]))
    weights = packed(layer)["weight"]
    assert weights["scales"][:2] == [0.00787402, 0.787402]
    assert torch.allclose(unpacked(weights), torch.tensor([[1.0, -0.401575], [100.0, 0.787402], [0.0, 0.0]]))


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match=r"expected weights of C1.weight, .*got weight, bias: take those of the same"):
        unpack(lenet5(), packed(nn.Linear(2, 3)))
    with pytest.raises(ValueError, match="expected 8 weights for weight, got 6: take those of the same network"):
        unpack(nn.Linear(2, 4), packed(nn.Linear(2, 3)))
