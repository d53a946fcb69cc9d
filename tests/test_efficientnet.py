"""EfficientNets: one table, scaled; and what its blocks do in training."""

from functools import partial

import pytest
import torch
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.efficientnet import (
    B0,
    SCALES,
    MBConv,
    StochasticDepth,
    compound,
    efficientnet,
    scaled,
    scaled_b0,
)
from casestudies_lib.measure.anatomy import anatomy


def on_meta(variant):
    with torch.device("meta"):
        return efficientnet(variant)


def test_b0_is_the_table_and_b7_its_double():
    assert scaled(1.0, 1.0) == B0
    widths = [(c, n) for *_, c, n in scaled(2.0, 3.1)]
    assert widths == [(32, 4), (48, 7), (80, 7), (160, 10), (224, 10), (384, 13), (640, 4)]


@pytest.mark.parametrize("variant", SCALES)
def test_blocks_of_every_variant(variant):
    network = on_meta(variant)
    blocks = [m for m in network.modules() if isinstance(m, MBConv)]
    wanted = [row for row in scaled(*SCALES[variant][:2]) for _ in range(row[4])]
    assert len(blocks) == len(wanted)
    channels = network.features[0][0].out_channels
    for number, (block, (expansion, kernel, _, out, _)) in enumerate(zip(blocks, wanted)):
        [depthwise] = [m for m in block.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
        [gate] = [m for m in block.modules() if isinstance(m, SqueezeExcitation)]
        assert (depthwise.groups, depthwise.kernel_size[0]) == (channels * expansion, kernel)
        assert gate.fc1.out_channels == channels // 4, "a quarter of the block's input"
        assert block.stochastic_depth.drop == pytest.approx(0.2 * number / len(blocks))
        assert block.block[-1][0].out_channels == out and len(block.block[-1]) == 2
        channels = out
    late = variant in ("b5", "b6", "b7")
    norms = {(m.eps, m.momentum) for m in network.modules() if isinstance(m, nn.BatchNorm2d)}
    assert norms == {(1e-3, 0.01) if late else (1e-5, 0.1)}
    assert network.expects.size == SCALES[variant][2] and network.classifier[0].p == SCALES[variant][3]


def test_scaling_by_hand_makes_the_published_networks():
    for variant in ("b0", "b2", "b4"):
        width, depth, resolution, dropout = SCALES[variant]
        multipliers = {"depth_mult": depth, "width_mult": width, "resolution": resolution}
        by_hand = anatomy(partial(scaled_b0, **multipliers, dropout=dropout))
        published = anatomy(f"efficientnet_{variant}")
        assert (by_hand.macs, by_hand.parameters) == (published.macs, published.parameters)
        assert [layer.name for layer in by_hand.layers] == [layer.name for layer in published.layers]


def test_the_compound_rule():
    assert compound(0) == {"depth_mult": 1.0, "width_mult": 1.0, "resolution": 224}
    assert compound(2) == {"depth_mult": 1.44, "width_mult": 1.21, "resolution": 296}
    deep = anatomy(lambda: scaled_b0(depth_mult=7.5), whole=MBConv)
    names = [layer.name for layer in deep.layers if isinstance(layer.module, MBConv)]
    assert len(names) == sum(n for *_, n in scaled(1, 7.5)) and len(set(names)) == len(names)
    assert names[:2] == ["2.1", "2.2"] and "7.30" in names, "thirty blocks in one stage"


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean():
    torch.manual_seed(0)
    layer, x = StochasticDepth(0.25), torch.ones(4000, 2, 3, 3)
    out = layer(x).flatten(1)
    assert ((out == 0).all(1) | (out == 1 / 0.75).all(1)).all()
    assert out.mean().item() == pytest.approx(1, abs=0.03)
    assert torch.equal(layer.eval()(x), x) and StochasticDepth(0.0)(x) is x


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    network = efficientnet("b0", classes=3).eval()
    network(torch.randn(2, 3, 64, 64)).square().mean().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: efficientnet("b8"), "variant to be one of 'b0', .*got 'b8'"),
        (lambda: efficientnet("b0", classes=0), "classes to be a whole number"),
        (lambda: scaled_b0(classes=0), "classes to be a whole number"),
        (lambda: scaled_b0(depth_mult=0), "depth_mult to be a finite number above 0, got 0"),
        (lambda: scaled_b0(width_mult=-1.0), "width_mult to be a finite number above 0, got -1.0"),
        (lambda: scaled_b0(resolution=16), "resolution to be at least 33 pixels, got 16"),
        (lambda: scaled_b0(dropout=1.5), "dropout to be a share from 0 to 1, got 1.5"),
        (lambda: scaled_b0(dropout="half"), "dropout to be a share from 0 to 1, got 'half'"),
        (lambda: StochasticDepth(1.0), "drop to be a probability from 0 to below 1, got 1.0"),
        (lambda: StochasticDepth(-0.1), "got -0.1"),
        (lambda: on_meta("b0")(torch.empty(1, 3, 32, 32, device="meta")), "at least 33 x 33"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
