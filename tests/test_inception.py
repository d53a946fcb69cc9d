"""GoogLeNet against its paper's table, and what is easily got wrong: branches, their order, auxiliary classifiers."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.inception import AUX_WEIGHT, PRINTED, TABLE, Inception, InceptionAux, googlenet
from casestudies_lib.measure.anatomy import anatomy


def on_meta(*arguments, **options):
    with torch.device("meta"):
        return googlenet(*arguments, **options)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_counts_with_auxiliary_classifiers():
    assert parameters(on_meta(aux=True)) == 13_378_280
    assert parameters(on_meta("torchvision", aux=True)) == 13_004_888
    assert parameters(on_meta(classes=10)) == 6_998_552 - 990 * 1025


def test_table_1_row_by_row():
    """Output sizes, and the printed operations to 1%, but for the first row and 5a, which the paper prints wrong."""
    found = anatomy("googlenet")
    side = {"3": 28, "4": 14, "5": 7}
    whole = anatomy("googlenet", whole=(Inception,))
    for name, widths in TABLE.items():
        assert whole[name].shape == (sum(widths[i] for i in (0, 2, 4, 5)), side[name[0]], side[name[0]])
        if name != "5a":
            assert whole[name].macs == pytest.approx(PRINTED[name][1] * 1e6, rel=0.01)
    assert [whole[name].shape[0] for name in TABLE] == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert [whole[f"maxpool{n}"].shape[1] for n in (1, 2, 3, 4)] == [56, 28, 14, 7]
    assert all(str(whole[f"maxpool{n}"].op) == "max pool 3×3, stride 2" for n in (1, 2, 3, 4))
    assert (str(found["conv1"].op), found["conv1"].macs) == ("conv 7×7, stride 2", 118_013_952)
    assert PRINTED["5a"][1] * 1e6 > 1.05 * whole["5a"].macs


def test_branches_are_what_figure_2_shows_and_in_its_order():
    torch.manual_seed(0)
    module, x = Inception(6, (1, 2, 3, 4, 5, 2)).double(), torch.randn(2, 6, 5, 5, dtype=torch.float64)

    def conv(unit, a):
        return F.conv2d(a, unit.conv.weight, unit.conv.bias, padding=unit.conv.weight.shape[-1] // 2).relu()

    one, three, five, pool = module.branch1, module.branch2, module.branch3, module.branch4
    assert [u.conv.kernel_size[0] for u in (one, *three, *five, pool[1])] == [1, 1, 3, 1, 5, 1]
    wanted = [
        conv(one, x),
        conv(three[1], conv(three[0], x)),
        conv(five[1], conv(five[0], x)),
        conv(pool[1], F.max_pool2d(x, 3, stride=1, padding=1)),
    ]
    assert torch.allclose(module(x), torch.cat(wanted, 1), atol=1e-12)
    naive = Inception(6, (1, None, 3, None, 5, None)).double()
    assert torch.equal(naive(x)[:, 9:], F.max_pool2d(x, 3, stride=1, padding=1)) and naive(x).shape[1] == 15
    assert Inception(6, TABLE["3a"], largest_kernel=3).branch3[1].conv.kernel_size == (3, 3)


def test_auxiliary_classifiers_read_4a_and_4d_and_are_no_part_of_the_network():
    torch.manual_seed(0)
    network = googlenet(aux=True, classes=5).eval()
    read = {}
    for name in ("inception4a", "inception4d"):
        network.get_submodule(name).register_forward_hook(lambda m, i, out, name=name: read.update({name: out}))
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        logits, aux1, aux2 = network.forward_with_aux(x)
        assert torch.equal(network(x), logits) and logits.shape == aux1.shape == aux2.shape == (2, 5)
        assert torch.equal(network.aux1(read["inception4a"]), aux1)
        assert torch.equal(network.aux2(read["inception4d"]), aux2)
    assert torch.equal(network.train()(x[:1]), network(x[:1])) is False, "dropout works in training"
    assert isinstance(network(x), torch.Tensor), "logits also in training"
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.7, 0.7, 0.4]
    assert isinstance(network.aux1.pool, nn.AvgPool2d)
    assert isinstance(googlenet("torchvision", aux=True).aux1.pool, nn.AdaptiveAvgPool2d)
    assert network[:5][0] is network.conv1 and not any(isinstance(m, InceptionAux) for m in network[:].children())


def test_gradients_reach_every_weight_through_the_papers_loss():
    torch.manual_seed(0)
    network = googlenet(aux=True, classes=5).eval()
    labels = torch.tensor([1, 3])
    main, *side = (F.cross_entropy(logits, labels) for logits in network.forward_with_aux(torch.randn(2, 3, 224, 224)))
    (main + AUX_WEIGHT * sum(side)).backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in network.parameters())


def test_normalisation_of_the_variants():
    ours, loaded = on_meta(), on_meta("torchvision")
    assert not any(isinstance(m, nn.BatchNorm2d) for m in ours.modules())
    assert all(m.bias is not None for m in ours.modules() if isinstance(m, nn.Conv2d))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in InceptionAux(8, 3).modules())
    norms = [m for m in ours.modules() if isinstance(m, nn.LocalResponseNorm)]
    assert [(m.size, m.alpha, m.beta, m.k) for m in norms] == [(5, 1e-4, 0.75, 1.0)] * 2
    names = [name for name, _ in ours.named_children()][:7]
    assert names == ["conv1", "maxpool1", "norm1", "conv2", "conv3", "norm2", "maxpool2"], "Fig. 3"
    assert {m.eps for m in loaded.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}
    assert not any(isinstance(m, nn.LocalResponseNorm) for m in loaded.modules())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: googlenet("2015"), "variant to be one of '2014', 'torchvision', got '2015'.*did you mean 2014"),
        (lambda: googlenet(aux="yes"), "aux to be one of True, False, got 'yes'"),
        (lambda: googlenet(classes=0), "classes to be a whole number"),
        (lambda: Inception(192, (64, 128)), r"expected six widths, the columns of Table 1, got \(64, 128\)"),
        (
            lambda: on_meta().forward_with_aux(torch.rand(1, 3, 224, 224)),
            r"without: build googlenet\(aux=True\)",
        ),
        (lambda: on_meta()(torch.empty(1, 3, 62, 62, device="meta")), "at least 63 x 63 .*leave a single position"),
        (lambda: on_meta("torchvision")(torch.empty(1, 3, 46, 46, device="meta")), "at least 47 x 47"),
        (lambda: Inception(192, (None, 1, 1, 1, 1, 1)), "expected #1x1 to be a whole number of at least 1, got None"),
        (lambda: Inception(192, (1, 1, 1, 1, 1, 0)), "expected pool proj to be a whole number of at least 1, got 0"),
        (lambda: Inception(0, TABLE["3a"]), "expected in_channels to be a whole number"),
        (lambda: Inception(192, TABLE["3a"], largest_kernel=4), "largest_kernel to be one of 3, 5, got 4"),
        (lambda: on_meta(aux=True)(torch.empty(1, 3, 256, 256, device="meta")), "of 224 x 224 .*build without aux"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("variant", "least"), [("2014", 63), ("torchvision", 47)])
def test_the_smallest_images_leave_the_last_modules_more_than_one_position(variant, least):
    network = on_meta(variant)
    before_5a = network[: [name for name, _ in network.chain()].index("inception5a")]
    for side, left in ((least, 2), (least - 1, 1)):
        assert before_5a(torch.empty(1, 3, side, side, device="meta")).shape[2:] == (left, left)


def test_auxiliary_classifiers_drop_out_in_training():
    torch.manual_seed(0)
    branch, x = InceptionAux(8, 3), torch.randn(2, 8, 14, 14)
    assert not torch.equal(branch(x), branch(x)) and torch.equal(branch.eval()(x), branch(x))


def test_other_sizes_where_nothing_forbids_them():
    for build in (partial(on_meta), partial(on_meta, "torchvision"), partial(on_meta, "torchvision", aux=True)):
        assert build()(torch.empty(2, 3, 65, 97, device="meta")).shape == (2, 1000)
