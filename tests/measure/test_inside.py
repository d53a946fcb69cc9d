"""Inside a network: activations, class activation maps, kernels, and what excites a channel."""

import pytest
import torch
from torch import nn

from casestudies_lib.blocks import conv_bn
from casestudies_lib.checks import ImageSpec
from casestudies_lib.lenet import lenet5
from casestudies_lib.measure import anatomy
from casestudies_lib.measure.inside import (
    WITH_CLASS_MAPS,
    activations,
    class_activation_map,
    kernels,
    strongest,
)
from casestudies_lib.mobilenet import mobilenet_v1
from casestudies_lib.models import MODELS
from casestudies_lib.network import Network
from casestudies_lib.resnet import cifar_resnet, resnet

SUITABLE = [name for name in MODELS if name.startswith(WITH_CLASS_MAPS)]


def chain(*layers, side=16, channels=1):
    return Network("test", ImageSpec(channels, side), {f"l{i}": layer for i, layer in enumerate(layers)})


@pytest.fixture
def network():
    torch.manual_seed(0)
    return resnet(18, classes=10)


# ------------------------------------------------------------------ activations
@pytest.mark.parametrize(("layer", "steps"), [("conv1", 1), ("maxpool", 4), ("layer1", 5), ("avgpool", 9)])
def test_activations_are_those_of_a_partial_forward_pass(network, layer, steps):
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        wanted = network.eval()[:steps](x)
    assert torch.equal(activations(network, layer, x), wanted) and wanted.shape[0] == 2


def test_a_layer_inside_a_block_is_found_by_its_path(network):
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        wanted = network.eval().layer1[0].conv1(network[:4](x))
    found = activations(network, "layer1.0.conv1", x)
    assert torch.equal(found, wanted) and not found.requires_grad


def test_every_name_of_anatomy_names_a_layer():
    network = lenet5()
    x = torch.randn(2, 1, 32, 32)
    for layer in anatomy(network).layers:
        assert activations(network, layer.name, x).shape == (2, *layer.shape), layer.name


def test_a_papers_name_stands_for_a_path():
    network, x = mobilenet_v1(), torch.randn(1, 3, 33, 33)
    found = activations(network, "block 13", x)
    assert torch.equal(found, activations(network, "features.13", x)) and found.shape == (1, 1024, 2, 2)
    assert torch.equal(kernels(network, "conv1"), network.features[0][0].weight)


def test_the_network_is_left_as_it_was(network):
    network.train()
    network.bn1.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = {name: module.training for name, module in network.named_modules()}
    x = torch.randn(2, 3, 64, 64)
    activations(network, "layer2", x)
    class_activation_map(network, x[:1])
    strongest(network, "layer2", 0, x)
    assert {name: module.training for name, module in network.named_modules()} == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_what_has_no_activations_is_refused(network):
    x = torch.randn(1, 3, 64, 64)
    with pytest.raises(ValueError, match=r"a layer of ResNet-18, got 'layer5': did you mean 'layer"):
        activations(network, "layer5", x)
    with pytest.raises(ValueError, match=r"got 'xyzzy': anatomy\(network\) shows their names"):
        activations(network, "xyzzy", x)
    with pytest.raises(ValueError, match=r"got one image \(3, 64, 64\): add the batch axis"):
        activations(network, "layer1", x[0])
    with pytest.raises(ValueError, match="one image or more in training, got none"):
        activations(network, "layer1", x[:0])
    with pytest.raises(ValueError, match="says what images it expects, got a Sequential: wrap its layers"):
        activations(nn.Sequential(nn.Conv2d(3, 3, 1)), "0", x)
    relu = nn.ReLU()
    with pytest.raises(ValueError, match=r"got 'l0\.0', which runs 2 times: choose the block"):
        activations(chain(nn.Sequential(relu), relu), "l0.0", torch.zeros(1, 1, 16, 16))


# ------------------------------------------------------------------ class activation maps
@pytest.mark.parametrize("name", [name for name in MODELS if name not in SUITABLE])
def test_the_other_networks_are_refused(name):
    with torch.device("meta"):
        network = MODELS[name]()
    with pytest.raises(ValueError, match=r"global average pooling.*start with plain, resnet.*efficientnet$"):
        class_activation_map(network, torch.zeros(1, *network.expects.shape))


def calibrated(name):
    """A network with random weights whose normalisations fit them, so that its maps neither vanish nor overflow."""
    torch.manual_seed(0)
    network = MODELS[name]()
    side = 32 if network.expects.size == 32 else network.expects.min_size
    x = torch.randn(2, 3, side, side)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(x)
    return network.eval(), x


@pytest.mark.parametrize("name", [name for name in SUITABLE if name != "cifar_resnet1202"])
def test_the_mean_of_a_class_map_and_the_bias_are_the_logit(name):
    """Not for the 1,202 layers, whose forward pass takes ten times as long as all of the others of its kind."""
    network, x = calibrated(name)
    with torch.no_grad():
        logits = network(x[:1])[0]
    for asked, class_ in ((3, 3), (None, int(logits.argmax()))):
        found = class_activation_map(network, x[:1], asked)
        assert found.class_ == class_
        assert found.values.dim() == 2 and found.values.numel() > 1
        mean = found.values.double().mean().item()
        assert mean + found.bias == pytest.approx(logits[class_].item(), rel=1e-4, abs=1e-4)
    assert found.values.mean().abs() > 1e-3, "a map of zeros would make the identity trivial"


def bright_and_dark(side=16):
    """Class 0 is voted for by bright pixels, class 1 by dark ones."""
    network = chain(
        nn.Conv2d(1, 2, 1),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2, 2),
        side=side,
    )
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        network[0].bias.copy_(torch.tensor([0.0, 1.0]))
        network[-1].weight.copy_(torch.tensor([[2.0, -1.0], [-1.0, 1.0]]))
        network[-1].bias.copy_(torch.tensor([0.5, 0.25]))
    return network


def test_a_map_lies_where_the_class_is_decided():
    image = torch.zeros(1, 1, 16, 16)
    image[:, :, 3:7, 9:12] = 1
    bright = class_activation_map(bright_and_dark(), image, 0)
    assert torch.equal(bright.values > 0, image[0, 0] > 0), "only the bright square speaks for it"
    assert (bright.values[4, 10], bright.values[0, 0], bright.bias) == (2, -1, 0.5)
    dark = class_activation_map(bright_and_dark(), image)
    assert dark.class_ == 1 and torch.equal(dark.values > 0, image[0, 0] == 0)


def test_a_last_layer_without_bias_adds_none():
    network = chain(nn.Conv2d(1, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2, bias=False))
    assert class_activation_map(network, torch.ones(1, 1, 16, 16), 1).bias == 0


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)],
        [nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2)],
        [nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 2)],
        [nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(392, 2)],
        [nn.Conv2d(1, 2, 3)],
    ],
)
def test_a_network_that_ends_otherwise_has_no_class_map(layers):
    with pytest.raises(ValueError, match=r"ends in global average pooling and at most one linear layer, got test:"):
        class_activation_map(chain(*layers), torch.zeros(1, 1, 16, 16))


def test_what_has_no_class_map_is_refused():
    network, image = bright_and_dark(), torch.zeros(1, 1, 16, 16)
    for class_ in (2, -1, True, 1.0):
        with pytest.raises(ValueError, match=f"class_ to be a whole number from 0 to 1, got {class_!r}"):
            class_activation_map(network, image, class_)
    with pytest.raises(ValueError, match=r"expected one image \(1, C, H, W\), got 2: choose one with images\[:1\]"):
        class_activation_map(network, torch.cat([image, image]))
    with pytest.raises(ValueError, match="got 3 channels"):
        class_activation_map(network, image.expand(1, 3, 16, 16))
    with pytest.raises(ValueError, match=r"expected a float batch of images .* got a int"):
        class_activation_map(network, 7)


# ------------------------------------------------------------------ kernels
def test_kernels_are_the_weights_of_a_layer_that_reads_pictures(network):
    found = kernels(network, "conv1")
    assert torch.equal(found, network.conv1.weight) and not found.requires_grad
    with torch.device("meta"):
        deep = MODELS["mobilenet_v1"]()
    assert kernels(deep, "features.1.0.0").shape == (32, 1, 3, 3)
    assert kernels(lenet5(), "C1").shape == (6, 1, 5, 5)
    with pytest.raises(ValueError, match="1 or 3 channels, which are pictures, got 64 in"):
        kernels(network, "layer1.0.conv1")
    with pytest.raises(ValueError, match="to be a convolution, got 'layer1', a Sequential: name the convolution"):
        kernels(network, "layer1")


# ------------------------------------------------------------------ what excites a channel
def summing(module):
    """The module with every weight positive and every normalisation passing all on, so that nothing cancels."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.constant_(part.weight, 1 / part.weight[0].numel())
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    return module


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Conv2d(2, 1, 3, stride=2, padding=1)],
        [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(1, 1, 3, stride=2), nn.Conv2d(1, 1, 5, padding="same")],
        [nn.Conv2d(1, 1, 7, stride=2, padding=3), nn.AvgPool2d(3, 2, 1), nn.Conv2d(1, 1, 3, dilation=2, padding=2)],
        [nn.Conv2d(1, 1, 5, padding="valid"), nn.AvgPool2d(2), nn.ReflectionPad2d(1), nn.Conv2d(1, 1, 3)],
        [conv_bn(1, 2, 3, stride=2), conv_bn(2, 2, 3, stride=2, groups=2), conv_bn(2, 1, 5)],
    ],
)
def test_the_square_is_what_gradients_reach(layers):
    """Of a unit in the middle of an image large enough for its receptive field, to the pixel."""
    network = summing(chain(*layers, side=64)).eval()
    x = torch.ones(1, 1, 64, 64)
    x[:, :, 30:33, 33:36] = 5
    (place,) = strongest(network, f"l{len(layers) - 1}", 0, x)
    x.requires_grad_()
    network(x)[0, 0, place.row, place.column].backward()
    reached = x.grad[0, 0].abs().nonzero()
    assert reached.min(0).values.tolist() == [place.top, place.left]
    assert reached.max(0).values.tolist() == [place.top + place.side - 1, place.left + place.side - 1]


def test_the_strongest_places_of_a_channel():
    """A detector of bright pixels finds the brightest of each image, and the images in order of that."""
    images = torch.zeros(3, 1, 16, 16)
    images[0, 0, 2, 3], images[0, 0, 8, 8], images[1, 0, 5, 6], images[2, 0, 15, 0] = 1, 0.5, 3, 2
    network = summing(chain(nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1)))
    with torch.no_grad():
        network[0].weight[1] = torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    places = strongest(network, "l0", 1, images)
    assert [place.image for place in places] == [1, 2, 0]
    assert [(place.row, place.column, place.value) for place in places] == [(5, 6, 3), (15, 0, 2), (2, 3, 1)]
    assert [(place.top, place.left, place.side) for place in places] == [(4, 5, 3), (14, -1, 3), (1, 2, 3)]
    assert strongest(network, "l0", 1, images, count=2) == places[:2]
    images[0] = -images[0]
    assert strongest(network, "l0", 1, images) == places[:2], "an image that does not excite the channel is left out"


def test_the_strongest_value_is_that_of_the_activations(network):
    """Behind normalisations and ReLUs, which run where there are numbers."""
    x = torch.randn(1, 3, 64, 64)
    (place,) = strongest(network, "layer1", 0, x)
    assert place.value == activations(network, "layer1", x)[0, 0].max().item()


def test_what_excites_no_channel_is_refused():
    network, image = cifar_resnet(8), torch.zeros(1, 3, 32, 32)
    for channel in (16, -1, True):
        with pytest.raises(ValueError, match=f"channel to be a whole number from 0 to 15, got {channel!r}"):
            strongest(network, "conv1", channel, image)
    with pytest.raises(ValueError, match=r"makes maps \(N, C, H, W\), got \(1, 10\) from 'fc'"):
        strongest(network, "fc", 0, image)
    with pytest.raises(ValueError, match="expected count to be a whole number"):
        strongest(network, "conv1", 0, image, count=0)
    with pytest.raises(ValueError, match="got 1 channels"):
        strongest(network, "conv1", 0, image[:, :1])
