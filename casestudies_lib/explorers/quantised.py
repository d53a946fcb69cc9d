"""A trained network for the reader's browser: batch normalisation folded in, eight bits a weight, all in one script.

Jacob 2018 (arXiv:1712.05877), sections 3.1 and 3.2: the convolution takes over what batch normalisation does after
training, and each output channel has a scale of its own. Here zero is always the code 0, and the browser works with
floats: the eight bits only make the file small.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

EXACT_BELOW = 1000  # weights of a layer
FORWARD = Path(__file__).parent / "photograph_worker.js"


def folded(network: nn.Module) -> nn.Module:
    """A copy for evaluation whose convolutions also do what the batch normalisation behind each of them did."""
    network = copy.deepcopy(network).eval()
    for parent in list(network.modules()):
        for (name, conv), (behind, norm) in pairwise(list(parent.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(conv, norm))
                setattr(parent, behind, nn.Identity())
    return network


def codes_of(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Whole numbers from -127 to 127 for the weights `(out, ...)`, int8, and the scale of each output channel `(out,)`.

    A channel's weights are nearly its codes times its scale: none is off by more than half a scale.
    """
    scales = weight.flatten(1).abs().amax(1).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return (weight / scales.view(-1, *[1] * (weight.dim() - 1))).round().to(torch.int8), scales


def is_exact(layer: nn.Conv2d | nn.Linear) -> bool:
    """Whether a layer keeps its weights as they are: the first one does, whose few weights decide most."""
    return layer.weight.numel() < EXACT_BELOW


def quantised(network: nn.Module) -> nn.Module:
    """A copy for evaluation that computes with the weights that the browser gets: folded, and of eight bits."""
    network = folded(network)
    with torch.no_grad():
        for layer in (m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and not is_exact(m)):
            codes, scales = codes_of(layer.weight)
            layer.weight.copy_(codes * scales.view(-1, *[1] * (codes.dim() - 1)))
    return network


def layers_of(network: nn.Module) -> list[dict[str, int | bool]]:
    """What the browser must know of each convolution of a folded network, in the order of the forward pass.

    The network is a chain of convolutions, with a ReLU6 behind some of them. A block that has `use_res_connect` adds
    its input to its output: `start` marks its first convolution, and `add` its last.
    """
    parts = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ReLU6))]
    layers = {
        part: {
            "in": part.in_channels,
            "out": part.out_channels,
            "kernel": part.kernel_size[0],
            "stride": part.stride[0],
            "depthwise": part.groups > 1,
            "exact": is_exact(part),
            "relu6": isinstance(behind, nn.ReLU6),
            "start": False,
            "add": False,
        }
        for part, behind in pairwise([*parts, None])
        if isinstance(part, nn.Conv2d)
    }
    for block in (m for m in network.modules() if getattr(m, "use_res_connect", False)):
        convs = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
        layers[convs[0]]["start"] = layers[convs[-1]]["add"] = True
    return list(layers.values())


def site_file(network: nn.Module, names: Sequence[str]) -> str:
    """The script that brings a network into a page of the site, also where the page is opened from disk.

    Its numbers are bytes: floats, of each layer the scales (or the weights, if it keeps them) and the biases, then the
    codes of all other layers. A byte `b` is written as the character `(b + 64) % 256`, so that most codes, which are
    small, take one byte of UTF-8 each.

    Args:
        network: a chain as for `layers_of`, with one linear layer at its end, the classifier.
        names: of its classes, in order.

    Raises:
        ValueError: a network and names that do not fit each other.
    """
    network = folded(network)
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    [classifier] = [m for m in network.modules() if isinstance(m, nn.Linear)]
    if classifier.out_features != len(names):
        raise ValueError(f"expected {classifier.out_features} names of classes, got {len(names)}: pass one for each")
    floats, codes = [], []
    layers: list[nn.Conv2d | nn.Linear] = [*convs, classifier]
    for layer in layers:
        weight = layer.weight.detach() if layer.weight.dim() == 4 else layer.weight.detach()[..., None, None]
        # The browser takes the channels side by side: of a depthwise convolution all, else those of the input.
        order = (2, 3, 1, 0) if weight.shape[1] == 1 else (0, 2, 3, 1)
        if is_exact(layer):
            floats.append(weight.permute(order).flatten())
        else:
            whole, scales = codes_of(weight)
            codes.append(whole.permute(order).flatten())
            floats.append(scales)
        floats.append(torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach())
    numbers = torch.cat(floats).numpy().astype("<f4").tobytes() + torch.cat(codes).numpy().tobytes()
    text = (np.frombuffer(numbers, np.uint8) + np.uint8(64)).tobytes().decode("latin-1")  # whose sums wrap round
    escaped = re.sub(r"[\0\n\r]", lambda found: f"\\x{ord(found[0]):02x}", re.sub(r'["\\]', r"\\\g<0>", text))
    about = {"layers": layers_of(network), "classes": list(names), "worker": FORWARD.read_text(encoding="utf-8")}
    return f'window.CaseStudies.network = {{...{json.dumps(about)}, numbers: "{escaped}"}};\n'
