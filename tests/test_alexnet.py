import pytest
import torch
from torch import nn

from casestudies_lib.alexnet import alexnet, local_response_norm
from casestudies_lib.measure.anatomy import anatomy


def test_shapes_of_the_paper():
    shapes = [layer.size for layer in anatomy("alexnet_2012").rows]
    maps = "55×55×96 27×27×96 27×27×256 13×13×256 13×13×384 13×13×384 13×13×256 6×6×256"
    assert shapes == [*maps.split(), "4096", "4096", "1000"]


def test_order_conv_relu_norm_pool():
    names = [layer.op.name for layer in anatomy("alexnet").layers][:8]
    assert names == ["conv", "ReLU", "LRN", "max pool"] * 2


def test_groups_split_conv2_conv4_conv5():
    network = alexnet("2012")
    grouped = [name for path, name in network.paper_names.items()
               if isinstance(m := network.get_submodule(path), nn.Conv2d) and m.groups == 2]  # fmt: skip
    assert grouped == ["conv2", "conv4", "conv5"]


def test_response_norm_is_the_papers_formula():
    x = 30 * torch.rand(2, 16, 3, 3, dtype=torch.float64)
    wanted = torch.empty_like(x)
    for i in range(16):
        near = x[:, max(0, i - 2) : min(16, i + 3)]
        wanted[:, i] = x[:, i] / (2 + 1e-4 * near.square().sum(1)) ** 0.75
    assert torch.allclose(local_response_norm()(x), wanted, atol=1e-12)


def test_initialisation_of_section_5():
    network = alexnet("2012")
    ones = {name for path, name in network.paper_names.items()
            if hasattr(m := network.get_submodule(path), "bias") and m.bias.min() == 1}  # fmt: skip
    assert ones == {"conv2", "conv4", "conv5", "fc6", "fc7"}
    assert network.features[4].weight.std().item() == pytest.approx(0.01, rel=0.02)


def test_224_is_explained():
    with pytest.raises(
        ValueError, match=r"got 224 x 224.*\(224 - 11\)/4 \+ 1 = 54.25.*\(227 - 11\)/4 \+ 1 = 55.*interpolate"
    ):
        alexnet()(torch.zeros(1, 3, 224, 224))
    with pytest.raises(ValueError, match=r"\(231 - 11\)/4 \+ 1 = 56 positions there; the layers are made for the 55"):
        alexnet()(torch.zeros(1, 3, 231, 231))


@pytest.mark.parametrize("arguments", [("alexnet", {}), ("2012", {"classes": 0}), (2012, {})])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        alexnet(arguments[0], **arguments[1])


def test_pools_overlap_and_dropout_is_a_half():
    for name in ("alexnet", "alexnet_2012", "alexnet_torchvision"):
        layers = anatomy(name).layers
        pools = [str(layer.op) for layer in layers if layer.op.family == "pool"]
        assert pools == ["max pool 3×3, stride 2"] * 3
        assert [layer.module.p for layer in layers if layer.op.family == "dropout"] == [0.5, 0.5]


def test_the_side_that_does_not_fit_is_the_one_that_is_explained():
    with pytest.raises(ValueError, match=r"got 227 x 300 \(conv1 .*\(300 - 11\)/4"):
        alexnet("2012")(torch.zeros(1, 3, 227, 300))
