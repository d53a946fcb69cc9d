"""MobileNets against their papers' tables, and what is easily got wrong: groups, projections, residuals, roundings."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation, round_channels
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.mobilenet import (
    V1,
    V3,
    DepthwiseSeparable,
    InvertedResidual,
    MobileNetV3Block,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
)


@pytest.mark.parametrize(
    ("width", "parameters", "macs"),
    [(0.75, 2_585_560, 325_400_448), (0.5, 1_331_592, 149_497_088), (0.25, 470_072, 41_030_272)],
)
def test_width_multipliers(width, parameters, macs):
    found = anatomy(partial(mobilenet_v1, width_mult=width))
    assert (found.parameters, found.macs) == (parameters, macs)


def test_a_smaller_resolution_costs_less_and_weighs_the_same():
    whole, small = anatomy(mobilenet_v1), anatomy(partial(mobilenet_v1, size=160))
    assert small.parameters == whole.parameters
    assert small.macs - 1024 * 1000 == (whole.macs - 1024 * 1000) * 160**2 // 224**2


def test_table_1_of_v1():
    found = anatomy(mobilenet_v1)
    convs = [layer for layer in found.weight_layers if layer.name.startswith("features")]
    assert len(found.weight_layers) == 28
    depthwise = [layer for layer in convs if layer.op.depthwise]
    assert [layer.module.groups for layer in depthwise] == [32, *[out for out, _ in V1[:-1]]]
    sides = [layer.shape[1] for layer in depthwise]
    assert sides == [112, 56, 56, 28, 28, 14, 14, 14, 14, 14, 14, 7, 7]


def test_tensors_stand_in_timms_order_and_shapes():
    """timm's checkpoints of MobileNetV1 have other names; in order they fit (recorded)."""
    wanted = json.loads((Path(__file__).parent / "timm_mobilenetv1_100.json").read_text())["shapes"]
    assert [list(tensor.shape) for tensor in mobilenet_v1().state_dict().values()] == wanted


def test_separable_is_depthwise_then_pointwise():
    torch.manual_seed(0)
    block, x = DepthwiseSeparable(4, 6).eval(), torch.randn(2, 4, 5, 5)
    changed = x.clone()
    changed[:, 1] += 1
    with torch.no_grad():
        differs = (block[0](changed) != block[0](x)).flatten(2).any(2)
        assert differs[:, 1].all() and not differs[:, [0, 2, 3]].any(), "each channel by itself"
        assert block[1][0].kernel_size == (1, 1) and block(x).shape == (2, 6, 5, 5)


def test_inverted_residuals_are_linear_where_they_join_and_add_where_they_can():
    blocks = [m for m in mobilenet_v2().modules() if isinstance(m, InvertedResidual)]
    assert (len(blocks), sum(block.use_res_connect for block in blocks)) == (17, 10)
    assert [len(block.conv) for block in blocks] == [3] + [4] * 16, "no expansion where t is 1"
    assert all(isinstance(block.conv[-1], nn.BatchNorm2d) for block in blocks), "no activation after the projection"
    torch.manual_seed(0)
    block, x = InvertedResidual(8, 8).eval(), torch.randn(2, 8, 5, 5)
    assert [m.out_channels for m in block.modules() if isinstance(m, nn.Conv2d)] == [48, 48, 8]
    with torch.no_grad():
        assert torch.equal(block(x), x + block.conv(x))
        for other in (InvertedResidual(8, 8, stride=2).eval(), InvertedResidual(8, 16).eval()):
            assert torch.equal(other(x), other.conv(x))


@pytest.mark.parametrize("variant", V3)
def test_tables_of_v3(variant):
    blocks = [m for m in mobilenet_v3(variant).modules() if isinstance(m, MobileNetV3Block)]
    for block, (kernel, expanded, out, squeeze, activation, stride) in zip(blocks, V3[variant], strict=True):
        [depthwise] = [m for m in block.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
        assert (depthwise.kernel_size[0], depthwise.groups, depthwise.stride[0]) == (kernel, expanded, stride)
        gates = [m for m in block.modules() if isinstance(m, SqueezeExcitation)]
        assert len(gates) == squeeze and all(g.fc1.out_channels == round_channels(expanded / 4) for g in gates)
        assert block.block[-1][0].out_channels == out and len(block.block[-1]) == 2, "a linear projection"
        assert isinstance(block.block[0][2], activation)
    assert {m.eps for m in mobilenet_v3(variant).modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}


def test_squeeze_excitation_weighs_whole_channels():
    torch.manual_seed(0)
    gate, x = SqueezeExcitation(6, 2), torch.rand(2, 6, 4, 4) + 1
    with torch.no_grad():
        ratio = gate(x) / x
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio)) and ratio.min() > 0 and ratio.max() < 1


@pytest.mark.parametrize("build", [mobilenet_v1, mobilenet_v2, partial(mobilenet_v3, "small")])
def test_gradients_reach_every_weight(build):
    torch.manual_seed(0)
    network = build(classes=3)
    network(torch.randn(4, 3, 64, 64)).square().mean().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mobilenet_v1(width_mult=0.01), "width_mult to leave a channel of 32, got 0.01: the paper has 1, 0.75"),
        (lambda: mobilenet_v1(size=16), "size to be at least 33 pixels, got 16"),
        *(
            (
                partial(build, width_mult=width),
                f"expected width_mult to be a finite number above 0, got {width!r}: pass for example",
            )
            for build in (mobilenet_v1, mobilenet_v2)
            for width in (0, -1.0, "half", None, True, float("nan"))
        ),
        (lambda: mobilenet_v3("medium"), "variant to be one of 'large', 'small', got 'medium'"),
        (lambda: mobilenet_v2(classes=0), "classes to be a whole number"),
        (lambda: mobilenet_v2()(torch.rand(1, 3, 32, 32)), r"at least 33 x 33 .*five strides of 2 leave 1 x 1"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("width", [0.35, 0.5, 1.4])
def test_v2_of_other_widths_has_torchvisions_shapes(torchvision, width):
    with torch.device("meta"):
        ours, theirs = mobilenet_v2(width_mult=width), torchvision.models.mobilenet_v2(width_mult=width)
    shapes = [{name: tensor.shape for name, tensor in network.state_dict().items()} for network in (ours, theirs)]
    assert shapes[0] == shapes[1]
