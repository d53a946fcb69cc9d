"""Inside a network: what its layers make of images, what decides for a class, and what its kernels look like."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from casestudies_lib.checks import positive_int, whole_number
from casestudies_lib.measure.anatomy import watched
from casestudies_lib.measure.graph import Node, wiring
from casestudies_lib.measure.op import Family
from casestudies_lib.measure.receptive_field import ReceptiveField
from casestudies_lib.network import Network

# What the names in `MODELS` start with that have class activation maps.
WITH_CLASS_MAPS = ("plain", "resnet", "cifar", "nin", "googlenet", "mobilenet_v1", "mobilenet_v2", "efficientnet")


def activations(network: Network, layer: str, images: torch.Tensor) -> torch.Tensor:
    """What one layer makes of images, in evaluation mode: `(N, C, H, W)`, or `(N, units)` behind the last map.

    The network is left as it was, also which of its modules are in training.

    Args:
        network: a network of the library.
        layer: the name that `anatomy` gives it, or its path in `named_modules`, which may also be a block's.
        images: what the network expects.

    Raises:
        ValueError: an unknown layer, one that does not run exactly once, or images that the network refuses.

    >>> from casestudies_lib.lenet import lenet5
    >>> activations(lenet5(), "C3", torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 16, 10, 10])
    """
    found: list[torch.Tensor] = []
    _run(network, _layer(network, layer), images, lambda read, made: found.append(made))
    return found[0]


class ClassMap(NamedTuple):
    """How much each place of the last maps says for one class; the mean plus the bias is the class's logit.

    Attributes:
        values: `(h, w)`, below 0 where a place speaks against the class.
        class_: the class's number.
        bias: what the class gets without any image.
    """

    values: torch.Tensor
    class_: int
    bias: float


def class_activation_map(network: Network, image: torch.Tensor, class_: int | None = None) -> ClassMap:
    """Which places of an image speak for a class: the last maps, weighted with the class's row of the last layer.

    Zhou 2016, "Learning Deep Features for Discriminative Localization", eq. 2. It needs a network that averages its
    last maps and ends in one linear layer, or in the average itself, whose maps then are the class maps.

    Args:
        network: a network of the library; its graph decides whether it ends so.
        image: one image `(1, C, H, W)` that the network accepts.
        class_: the class's number; the network's first guess unless given.

    Raises:
        ValueError: a network that ends otherwise, such as MobileNetV3, which has two layers behind the average; another
            input than one image; a class that the network lacks.

    >>> from casestudies_lib.nin import nin_cifar
    >>> class_activation_map(nin_cifar(), torch.zeros(1, 3, 32, 32), 3).values.shape
    torch.Size([8, 8])
    """
    average, linear = _head(network)
    _check(network, image)
    if len(image) != 1:
        raise ValueError(f"expected one image (1, C, H, W), got {len(image)}: choose one with images[:1]")
    found: list[torch.Tensor] = []
    logits = _run(network, average, image, lambda read, made: found.append(read))[0]
    if class_ is None:
        class_ = int(logits.argmax())
    whole_number("class_", class_, range(len(logits)))
    maps = found[0][0]
    if linear is None:
        return ClassMap(maps[class_], class_, 0.0)
    bias = 0.0 if linear.bias is None else linear.bias[class_].item()
    return ClassMap(torch.einsum("c,chw->hw", linear.weight[class_].detach(), maps), class_, bias)


def kernels(network: Network, layer: str) -> torch.Tensor:
    """A convolution's kernels as pictures: `(out, 3, k, k)` in the first layer, `(out, 1, k, k)` in a depthwise one.

    Args:
        network: a network of the library.
        layer: as for `activations`.

    Raises:
        ValueError: an unknown layer, no convolution, or one whose kernels have other channels than a picture.

    >>> from casestudies_lib.resnet import resnet
    >>> kernels(resnet(18), "conv1").shape
    torch.Size([64, 3, 7, 7])
    """
    module = _layer(network, layer)
    if not isinstance(module, nn.Conv2d):
        raise ValueError(
            f"expected layer to be a convolution, got {layer!r}, a {type(module).__name__}: "
            "name the convolution in it, such as the first layer"
        )
    if module.weight.shape[1] not in (1, 3):
        raise ValueError(
            f"expected kernels of 1 or 3 channels, which are pictures, got {module.weight.shape[1]} in {layer!r}: "
            "take the first layer or a depthwise one"
        )
    return module.weight.detach()


class Place(NamedTuple):
    """A unit of a layer, and the square of the image that it sees, in pixels; padding may reach beyond the image.

    Attributes:
        image: which of the images.
        row: in the layer's map.
        column: in the layer's map.
        value: the unit's activation.
        top: the square's first row of pixels.
        left: the square's first column of pixels.
        side: the square's side: the receptive field.
    """

    image: int
    row: int
    column: int
    value: float
    top: int
    left: int
    side: int


def strongest(network: Network, layer: str, channel: int, images: torch.Tensor, *, count: int = 4) -> list[Place]:
    """Where images excite a channel of a layer most: the strongest place of each image, and of these the `count` first.

    An image whose map is nowhere above 0 does not excite the channel, and is left out.

    Args:
        network: a network of the library.
        layer: as for `activations`.
        channel: which of the layer's maps.
        images: as the network expects them.
        count: places at most.

    Raises:
        ValueError: an unknown layer, one without maps, a channel that it lacks, a count below 1, or images that the
            network refuses.
    """
    positive_int("count", count)
    module = _layer(network, layer)
    _check(network, images)
    field_of_view = ReceptiveField(images)
    found: list[torch.Tensor] = []
    with field_of_view:
        _run(network, module, images, lambda read, made: found.append(made))
    made, sees = found[0], field_of_view.seen[found[0]]
    if made.dim() != 4:
        raise ValueError(f"expected a layer that makes maps (N, C, H, W), got {tuple(made.shape)} from {layer!r}")
    whole_number("channel", channel, range(made.shape[1]))
    places = []
    for image, one in enumerate(made[:, channel]):
        row, column = divmod(int(one.argmax()), one.shape[1])
        top, left = (sees.start + place * sees.step for place in (row, column))
        places.append(Place(image, row, column, one.max().item(), top, left, sees.size))
    excited = [place for place in places if place.value > 0]
    return sorted(excited, key=lambda place: -place.value)[:count]


def _check_network(network: object) -> None:
    """Refuse what does not say what images it expects."""
    if not isinstance(network, Network):
        raise ValueError(
            f"expected a network that says what images it expects, got a {type(network).__name__}: "
            "wrap its layers in casestudies_lib.network.Network"
        )


def _layer(network: Network, name: str) -> nn.Module:
    """The module of that name. Raises ValueError: no such layer, or no network."""
    _check_network(network)
    modules = {path: module for path, module in network.named_modules() if path}
    modules |= {called: modules[path] for path, called in network.paper_names.items() if path in modules}
    if not isinstance(name, str) or name not in modules:
        near = difflib.get_close_matches(str(name), modules)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "anatomy(network) shows their names"
        raise ValueError(f"expected layer to name a layer of {network.title}, got {name!r}: {hint}")
    return modules[name]


def _check(network: Network, images: torch.Tensor) -> None:
    """Refuse what the network refuses, and no images at all."""
    network.expects.check(images, network)
    if not len(images):
        raise ValueError("expected at least one image, got none: pass some")
    if not images.isfinite().all():
        raise ValueError("expected finite images, got NaN or infinity: see where images.isfinite() is False")


def _run(network: Network, module: nn.Module, images: torch.Tensor, see: Callable) -> torch.Tensor:
    """The logits of images; on the way `see` gets what a module reads and what it makes of that."""
    _check(network, images)
    calls = 0

    def hook(called: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal calls
        if called is module:
            calls += 1
            see(inputs[0], output)

    with watched(network, hook), torch.no_grad():
        logits = network(images)
    if calls != 1:
        path = next(path for path, one in network.named_modules() if one is module)
        raise ValueError(
            f"expected a layer that runs once for an image, got {path!r}, which runs {calls} times: "
            "choose the block around it or a layer beside it"
        )
    return logits


def _head(network: Network) -> tuple[nn.Module, nn.Linear | None]:
    """The average over the last maps and the linear layer that reads it, if there is one."""
    _check_network(network)
    nodes = wiring(network, None)
    node = next(reversed(nodes.values()))
    head: list[Node] = []
    while node.reads and len(head) < 2:
        if node.op.family not in (Family.DROPOUT, Family.FLATTEN):
            head.append(node)
        node = nodes[node.reads[0]]
    linear = head.pop(0).module if head and head[0].op.family is Family.FULLY_CONNECTED else None
    if not head or not head[0].op.is_global_pool or head[0].module is None:
        raise ValueError(
            "expected a network that ends in global average pooling and at most one linear layer, "
            f"got {network.title}: of MODELS those have it whose names start with {', '.join(WITH_CLASS_MAPS)}"
        )
    return head[0].module, linear if isinstance(linear, nn.Linear) else None
