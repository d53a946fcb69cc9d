"""What all networks share: a chain of layers that checks its input and knows what the paper calls its layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeVar

import torch
from torch import nn

from casestudies_lib.checks import ImageSpec, checked


class Network(nn.Sequential):
    """A chain of layers that checks its input, and knows what the paper calls its layers.

    `forward` passes the images through the children in the order in which they were added, whether by `layers` or, in
    a subclass, one by one.

    Args:
        title: the name that figures and tables print.
        expects: the images that `forward` accepts.
        layers: child name -> module, in order; the names are the checkpoint's.
        paper_names: module path -> the paper's name, such as `{"features.0": "conv1"}`.
    """

    @checked
    def __init__(
        self,
        title: str,
        expects: ImageSpec,
        layers: Mapping[str, nn.Module] = MappingProxyType({}),
        paper_names: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        for name, module in layers.items():
            self.add_module(name, module)
        self.title = title
        self.expects = expects
        self.paper_names = dict(paper_names or {})

    def __getitem__(self, index: int | slice) -> nn.Module:
        """One layer, or a part of the chain as a plain `nn.Sequential` that takes any input."""
        if isinstance(index, slice):
            return nn.Sequential(OrderedDict(self.chain()[index]))
        return [layer for _, layer in self.chain()][index]

    def chain(self) -> list[tuple[str, nn.Module]]:
        """What an image passes on its way to the logits, `(name, layer)` in order."""
        return list(self.named_children())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W) -> (N, classes)` logits.

        Raises:
            ValueError: an input that does not fit `expects`.
        """
        self.expects.check(x, self)
        for _, layer in self.chain():
            x = layer(x)
        return x


def _five_strides_leave(to: str, height: int, width: int) -> str:
    return f"five strides of 2 leave {-(-height // 32)} x {-(-width // 32)} positions to {to}"


@checked
def five_strides(size: int = 224, *, to: str = "the last blocks", repair: str | None = None) -> ImageSpec:
    """Colour images for a network of five layers with stride 2, made for `size` pixels.

    At least 33 pixels are wanted, which leave 2 x 2 positions. `to`, which reads these, and `repair` complete the
    refusal of smaller images.
    """
    return ImageSpec(
        3,
        size,
        exact=False,
        min_size=33,
        why=partial(_five_strides_leave, to),
        repair=repair,
    )


@checked
def name_weight_layers(chain: nn.Module, names: list[str]) -> dict[str, str]:
    """Module path -> paper's name, for the convolutions, pools and linear layers of `chain` in order."""
    kinds = (nn.Conv2d, nn.MaxPool2d, nn.Linear)
    paths = [path for path, module in chain.named_modules() if isinstance(module, kinds)]
    if len(paths) != len(names):
        raise ValueError(
            f"expected a name for each of {paths}, got {len(names)} names: name convolutions, pools and fc"
        )
    return dict(zip(paths, names))


AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


@checked
def he_initialised(network: AnyNetwork) -> AnyNetwork:
    """He's normal initialisation of every convolution (fan-out); its biases 0; linear layers as they are.

    He et al.: Delving deep into rectifiers, ICCV 2015, eq. 14. PyTorch counts the fan-out of a grouped convolution as
    if it had no groups, so depthwise weights start smaller than in eq. 14; torchvision's networks start the same way.
    On the meta device there is nothing to fill.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
