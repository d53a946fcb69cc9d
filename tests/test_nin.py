"""Network in Network: its widths, its averages, and mlpconv as a small network slid over the image."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.nin import mlpconv, nin_cifar


def test_counts_of_both_data_sets():
    assert sum(p.numel() for p in nin_cifar(classes=100).parameters()) == 984_356
    found = anatomy("nin_cifar10")
    widths = [layer.shape[0] for layer in found.weight_layers]
    assert widths == [192, 160, 96, 192, 192, 192, 192, 192, 10]
    assert [str(layer.op) for layer in found.weight_layers if layer.op.kernel_size > 1] == ["conv 5×5"] * 2 + [
        "conv 3×3"
    ]
    assert [str(found[f"pool{n}"].op) for n in (1, 2)] == ["max pool 3×3, stride 2", "average pool 3×3, stride 2"]
    assert [found[f"pool{n}"].shape[1] for n in (1, 2)] == [16, 8], "rounded up, as in the authors' file"
    assert [m.p for m in nin_cifar().modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]


def test_mlpconv_is_a_network_on_each_window():
    torch.manual_seed(0)
    block, image = mlpconv(2, (7, 5, 3), 3).double(), torch.randn(2, 2, 6, 4, dtype=torch.float64)
    hidden = F.unfold(image, 3, padding=1).transpose(1, 2)
    for conv in block[::2]:
        hidden = F.linear(hidden, conv.weight.flatten(1), conv.bias).relu()
    assert torch.allclose(block(image).flatten(2).transpose(1, 2), hidden, atol=1e-12)


def test_logits_are_averages_of_maps_that_end_in_relu():
    torch.manual_seed(0)
    network, images = nin_cifar().eval(), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        maps = network[:-2](images)
        assert maps.shape == (2, 10, 8, 8) and maps.min() == 0
        assert torch.allclose(network(images), maps.mean((2, 3)), atol=1e-6)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    network = nin_cifar().eval()
    network(torch.rand(2, 3, 32, 32)).square().mean().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nin_cifar(classes=0), "classes to be a whole number of at least 1, got 0"),
        (lambda: nin_cifar()(torch.rand(1, 3, 7, 7)), r"at least 8 x 8 pixels, got 7 x 7 \(two poolings would leave"),
        (lambda: mlpconv(3, (4, 4), 5), r"the units of three layers, got \(4, 4\)"),
        (lambda: mlpconv(3, (4, 0, 4), 5), r"expected out_channels\[1\] to be a whole number of at least 1, got 0"),
        (lambda: mlpconv(3, (4, 4, 4), 4), "kernel_size to be odd, .*got 4: pass 5"),
        (lambda: nin_cifar()(torch.rand(3, 32, 32)), r"add the batch axis with x\[None\]"),
        (lambda: nin_cifar()(torch.zeros(1, 3, 32, 32, dtype=torch.uint8)), r"convert with x.float\(\) / 255"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
