"""ResNets and plain nets against the paper's tables, and the details that are easily got wrong."""

from functools import partial

import pytest
import torch
from torch import nn

from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.resnet import (
    BLOCKS,
    Bottleneck,
    PlainBlock,
    PreActivationBlock,
    PreActivationBottleneck,
    ResidualBlock,
    ZeroPadding,
    cifar_plain,
    cifar_resnet,
    plain,
    resnet,
)

OTHER_COUNTS = {  # variants that have no name of their own: parameters, MACs
    "resnet18 A": (partial(resnet, 18, shortcut="A"), 11_515_688, 1_794_805_760),
    "resnet34 A": (partial(resnet, 34, shortcut="A"), 21_623_848, 3_644_493_824),
    "resnet34 C": (partial(resnet, 34, shortcut="C"), 22_716_840, 3_830_747_136),
    "resnet101 paper": (partial(resnet, 101, stride_in="1x1"), 44_549_160, 7_570_194_432),
    "resnet152 paper": (partial(resnet, 152, stride_in="1x1"), 60_192_808, 11_282_415_616),
    "cifar 20 B": (partial(cifar_resnet, 20, shortcut="B"), 272_474, 40_813_184),
    "cifar 110 B": (partial(cifar_resnet, 110, shortcut="B"), 1_730_714, 253_149_824),
    "cifar 20 pre-activation": (partial(cifar_resnet, 20, preactivation=True), 269_722, 40_551_040),
    "cifar 110 pre-activation": (partial(cifar_resnet, 110, preactivation=True), 1_727_962, 252_887_680),
    "resnet50 pre-activation": (partial(resnet, 50, preactivation=True), 25_549_352, 4_089_184_256),
}


@pytest.mark.parametrize("what", OTHER_COUNTS)
def test_counts_of_the_variants(what):
    build, parameters, macs = OTHER_COUNTS[what]
    found = anatomy(build)
    assert (found.parameters, found.macs) == (parameters, macs)


@pytest.mark.parametrize("depth", [18, 34])
def test_plain_and_option_a_have_the_same_weights(depth):
    """Also the same initial ones under one seed, so that only the shortcuts differ."""
    networks = []
    for build in (partial(plain, depth), partial(resnet, depth, shortcut="A")):
        torch.manual_seed(0)
        networks.append(build(classes=3))
    one, other = (network.state_dict() for network in networks)
    assert list(one) == list(other) and all(torch.equal(one[key], other[key]) for key in one)


# Table 1: output side and channels of each stage
@pytest.mark.parametrize("depth", BLOCKS)
def test_stages_of_table_1(depth):
    found = anatomy(f"resnet{depth}")
    wide = 4 if depth >= 50 else 1
    for stage, (blocks, channels, side) in enumerate(zip(BLOCKS[depth], (64, 128, 256, 512), (56, 28, 14, 7)), 1):
        last = f"layer{stage}.{blocks - 1}.bn{3 if wide == 4 else 2}"
        assert found[last].shape == (channels * wide, side, side)
    assert str(found["conv1"].op) == "conv 7×7, stride 2" and str(found["maxpool"].op) == "max pool 3×3, stride 2"


@pytest.mark.parametrize("stride_in", ["3x3", "1x1"])
def test_where_a_bottleneck_strides(stride_in):
    found = anatomy(partial(resnet, 50, stride_in=stride_in))
    strided = {x.name: str(x.op) for x in found.layers if x.op.stride == 2 and x.name.startswith("layer")}
    first, second = ("conv1", "conv 1×1") if stride_in == "1x1" else ("conv2", "conv 3×3"), ("downsample.0", "conv 1×1")
    wanted = {f"layer{stage}.0.{name}": f"{kind}, stride 2" for stage in (2, 3, 4) for name, kind in (first, second)}
    assert strided == wanted


def images(n, channels, side):
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(0))


def normalised(z):
    """Each channel with mean 0 and variance 1 over the batch."""
    mean, variance = z.mean((0, 2, 3), keepdim=True), z.var((0, 2, 3), keepdim=True, correction=0)
    return (z - mean) / (variance + 1e-5).sqrt()


def test_blocks_are_their_equations():
    torch.manual_seed(0)
    a = images(2, 8, 6).relu()
    for block in (PlainBlock(8, 8), ResidualBlock(8, 8)):
        a1 = normalised(block.conv1(a)).clamp(min=0)
        z2 = normalised(block.conv2(a1))
        wanted = (z2 + a if isinstance(block, ResidualBlock) else z2).clamp(min=0)
        assert torch.allclose(block(a), wanted, atol=1e-5)


@pytest.mark.parametrize("block", [ResidualBlock, Bottleneck, PreActivationBlock, PreActivationBottleneck])
@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_shortcuts_stand_where_the_paper_has_them(block, shortcut):
    same, changing = block(8, 8, shortcut=shortcut), block(4, 8, stride=2, shortcut=shortcut)
    assert isinstance(same.downsample, nn.Sequential if shortcut == "C" else nn.Identity)
    assert isinstance(changing.downsample, ZeroPadding if shortcut == "A" else nn.Sequential)
    assert changing(images(2, 4, 7)).shape == (2, 8, 4, 4)


def test_zero_padding_keeps_every_second_position_and_pads_both_ends():
    a = images(2, 4, 6)
    padded = ZeroPadding(4, 8, 2)(a)
    assert torch.equal(padded[:, 2:6], a[:, :, ::2, ::2])
    assert padded[:, :2].abs().sum() == padded[:, 6:].abs().sum() == 0
    assert ZeroPadding(3, 8, 1)(images(1, 3, 2)).shape == (1, 8, 2, 2)
    with pytest.raises(ValueError, match='at least the 8 channels, got 4: use shortcut="B"'):
        ResidualBlock(8, 4, shortcut="A")


def test_preactivation_splits_after_the_first_bn_and_relu_only_where_it_should():
    """Without main paths, what is left of each block is what its shortcut reads."""
    network = cifar_resnet(20, preactivation=True).eval()
    names = [name for name, _ in network.named_children()]
    assert names[:3] == ["conv1", "bn1", "relu"]
    assert names[-5:] == ["bn_last", "relu_last", "avgpool", "flatten", "fc"]
    assert not [name for name, _ in network.layer1[0].named_parameters() if name.startswith("bn1")], "once in the stem"
    x = images(2, 16, 4)
    for block in (network.layer1[0], network.layer1[1]):
        nn.init.zeros_(block.conv2.weight)
        assert torch.equal(block(x), x), "the identity also for negative x: nothing follows the addition"
    for option in "BC":
        changing, later, _ = cifar_resnet(20, preactivation=True, shortcut=option).eval().layer2
        nn.init.zeros_(changing.conv2.weight), nn.init.zeros_(later.conv2.weight)
        with torch.no_grad():
            assert torch.equal(changing(x), changing.downsample(changing.relu1(changing.bn1(x))))
            between = images(2, 32, 4)
            assert torch.equal(later(between), later.downsample(between))


@pytest.mark.parametrize("block", [PreActivationBlock, PreActivationBottleneck])
@pytest.mark.parametrize(("channels", "stride"), [((8, 16), 1), ((8, 8), 2), ((8, 16), 2)])
def test_a_preactivation_shortcut_that_changes_the_shape_reads_what_is_activated(block, channels, stride):
    torch.manual_seed(0)
    changing, x = block(*channels, stride=stride).eval(), torch.randn(2, channels[0], 6, 6)
    nn.init.zeros_(changing.conv2.weight if block is PreActivationBlock else changing.conv3.weight)
    active = changing.relu1(changing.bn1(x))
    assert torch.equal(changing(x), changing.downsample(active))
    assert not torch.equal(changing(x), changing.downsample(x))


@pytest.mark.parametrize("depth", [18, 50])
def test_a_preactivation_network_has_the_weights_of_the_other_and_builds_as_fast(depth):
    """Normalisations stand elsewhere; no convolution is made and thrown away."""
    made = []

    class Counted(nn.Conv2d):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            made.append(self.weight.numel())

    convolutions = []
    for preactivation in (False, True):
        made.clear()
        with torch.device("meta"), pytest.MonkeyPatch.context() as patched:
            patched.setattr(nn, "Conv2d", Counted)
            resnet(depth, preactivation=preactivation)
        convolutions.append(sorted(made))
    assert convolutions[0] == convolutions[1]


@pytest.mark.parametrize("preactivation", [False, True])
@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_gradients_reach_every_weight(shortcut, preactivation):
    torch.manual_seed(0)
    network = cifar_resnet(8, shortcut=shortcut, preactivation=preactivation, width=4, in_channels=1)
    network(images(4, 1, 8)).square().mean().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in network.parameters())


def test_without_batch_norm_convolutions_have_biases_and_nothing_normalises():
    for build in (cifar_plain, cifar_resnet):
        network = build(20, batch_norm=False)
        convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
        assert all(conv.bias is not None and not conv.bias.any() for conv in convs)
        assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())


def test_one_image_trains():
    """The smallest image allowed leaves the last stage four positions, so even a batch of one has a variance."""
    assert resnet(18, classes=2).train()(images(1, 3, 33)).isfinite().all()
    assert cifar_resnet(8, width=4).train()(images(1, 3, 5)).isfinite().all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resnet(17), r"depth to be one of 18, 34, 50, 101, 152, got 17"),
        (lambda: resnet("50"), r"got '50': did you mean 50"),
        (lambda: resnet(20), r"got 20"),
        (lambda: resnet(50, shortcut="D"), r"shortcut to be one of 'A', 'B', 'C', got 'D'"),
        (lambda: resnet(50, stride_in="5x5"), r"stride_in to be one of"),
        (lambda: resnet(34, stride_in="1x1"), r"blocks of depth 18 and 34 stride in a 3 x 3; drop the argument"),
        (lambda: resnet(50, stride_in="1x1", preactivation=True), r"pre-activation blocks stride"),
        (
            lambda: cifar_resnet(True),
            "depth to be a whole number of at least 1, got True: pass 6n \\+ 2, for example depth=20",
        ),
        (lambda: resnet(18, classes=0), r"classes to be a whole number of at least 1"),
        (lambda: plain(50), r"depth to be one of 18, 34, got 50"),
        (lambda: cifar_resnet(21), r"6n \+ 2 .*got 21: try 20 or 26"),
        (lambda: cifar_plain(2), r"6n \+ 2 .*got 2: try 8 or 14"),
        (lambda: cifar_resnet(20.0), r"depth to be a whole number"),
        (lambda: cifar_resnet(20, width=0), r"width to be a whole number"),
        (lambda: cifar_resnet(20, in_channels=2), r"in_channels to be 1 \(grey\) or 3 \(RGB\), got 2"),
        (lambda: cifar_resnet(20, shortcut="a"), r"one of 'A', 'B', 'C', got 'a'"),
        (lambda: cifar_resnet(20, preactivation=True, batch_norm=False), r"got False: leave out one of the two"),
        (lambda: resnet(18)(images(1, 3, 32)), r"at least 33 x 33 pixels, got 32 x 32 .*use cifar_resnet for small"),
        (lambda: cifar_resnet(8)(images(1, 3, 4)), r"at least 5 x 5 pixels, got 4 x 4 \(two strides of 2 leave 1 x 1"),
        (lambda: cifar_resnet(8)(images(1, 1, 8)), r"got 1 channels .*repeat the grey channel"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
