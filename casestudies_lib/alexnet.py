"""AlexNet: the network of 2012, the single stream that courses draw, and the variant whose checkpoints people load.

Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks, NIPS 2012, section 3.5;
Krizhevsky: One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997, 2014.

| variant           | channels                | groups in conv2, 4, 5 | input | parameters |
| ----------------- | ----------------------- | --------------------- | ----- | ---------- |
| `"single_stream"` | 96, 256, 384, 384, 256  | 1                     | 227   | 62,378,344 |
| `"2012"`          | 96, 256, 384, 384, 256  | 2                     | 227   | 60,965,224 |
| `"torchvision"`   | 64, 192, 384, 256, 256  | 1                     | 224   | 61,100,840 |
"""

from __future__ import annotations

from torch import nn

from casestudies_lib.checks import ImageSpec, checked, one_of, positive_int
from casestudies_lib.network import Network, name_weight_layers

NAMES = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7", "fc8"]


def local_response_norm() -> nn.LocalResponseNorm:
    """The paper's normalisation across 5 neighbouring maps: k = 2, n = 5, alpha = 1e-4, beta = 0.75 (section 3.3).

    `(N, C, H, W) -> (N, C, H, W)`. PyTorch divides its alpha by n, so the paper's 1e-4 is 5e-4 here.
    """
    return nn.LocalResponseNorm(size=5, alpha=5e-4, beta=0.75, k=2.0)


@checked
def published_layers(groups: int, classes: int = 1000) -> dict[str, nn.Module]:
    """AlexNet as section 3.5 describes it; `groups` is 2 there, and 1 in the single stream."""
    features = nn.Sequential(
        nn.Conv2d(3, 96, kernel_size=11, stride=4),                     # 55x55x96
        nn.ReLU(), local_response_norm(),
        nn.MaxPool2d(kernel_size=3, stride=2),                          # 27x27x96
        nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=groups),    # 27x27x256
        nn.ReLU(), local_response_norm(),
        nn.MaxPool2d(kernel_size=3, stride=2),                          # 13x13x256
        nn.Conv2d(256, 384, kernel_size=3, padding=1),                  # 13x13x384
        nn.ReLU(),
        nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=groups),   # 13x13x384
        nn.ReLU(),
        nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=groups),   # 13x13x256
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=3, stride=2),                          # 6x6x256
    )  # fmt: skip
    classifier = nn.Sequential(
        nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, classes),
    )  # fmt: skip
    return {"features": features, "flatten": nn.Flatten(), "classifier": classifier}


def alexnet(variant: str = "single_stream", *, classes: int = 1000) -> Network:
    """AlexNet: `(N, 3, 227, 227) -> (N, classes)` logits; the `"torchvision"` variant takes 224 pixels and more.

    Args:
        variant: `"single_stream"`, `"2012"` (two groups) or `"torchvision"` (see the table above).
        classes: number of classes.

    Raises:
        ValueError: an unknown variant or classes below 1; in `forward`, anything but a float batch of RGB images
            of the right size.

    Differs from the paper: the images are 227 pixels wide, because the paper's 224 does not fit its own conv1.
    `"single_stream"` lets conv2, conv4 and conv5 read all maps. `"torchvision"` has other widths (those of the 2014
    paper, but 256 instead of 384 maps in conv4), padding in conv1, an adaptive pool and no response normalisation;
    public checkpoints load into it.

    >>> sum(p.numel() for p in alexnet("2012").parameters())
    60965224
    """
    one_of("variant", variant, ("single_stream", "2012", "torchvision"))
    positive_int("classes", classes)
    if variant == "torchvision":
        return _torchvision(classes)

    groups = 2 if variant == "2012" else 1
    title = "AlexNet (2012, two groups)" if variant == "2012" else "AlexNet (single stream)"
    expects = ImageSpec(3, 227, why=_why_227)
    network = Network(title, expects, published_layers(groups, classes))
    network.paper_names = name_weight_layers(network, NAMES)
    for path, name in network.paper_names.items():
        if "pool" not in name:
            weight, bias = (network.get_parameter(f"{path}.{part}") for part in ("weight", "bias"))
            nn.init.normal_(weight, std=0.01)  # section 5, biases included
            nn.init.constant_(bias, 1.0 if name in ("conv2", "conv4", "conv5", "fc6", "fc7") else 0.0)
    return network


def _torchvision(classes: int) -> Network:
    features = nn.Sequential(
        nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2), nn.ReLU(),  # 55x55x64
        nn.MaxPool2d(kernel_size=3, stride=2),                             # 27x27x64
        nn.Conv2d(64, 192, kernel_size=5, padding=2), nn.ReLU(),           # 27x27x192
        nn.MaxPool2d(kernel_size=3, stride=2),                             # 13x13x192
        nn.Conv2d(192, 384, kernel_size=3, padding=1), nn.ReLU(),          # 13x13x384
        nn.Conv2d(384, 256, kernel_size=3, padding=1), nn.ReLU(),          # 13x13x256
        nn.Conv2d(256, 256, kernel_size=3, padding=1), nn.ReLU(),          # 13x13x256
        nn.MaxPool2d(kernel_size=3, stride=2),                             # 6x6x256
    )  # fmt: skip
    classifier = nn.Sequential(
        nn.Dropout(0.5), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(),
        nn.Linear(4096, classes),
    )  # fmt: skip
    layers = {
        "features": features,
        "avgpool": nn.AdaptiveAvgPool2d(6),
        "flatten": nn.Flatten(),
        "classifier": classifier,
    }
    expects = ImageSpec(
        3,
        224,
        exact=False,
        why=_why_224,
    )
    network = Network("AlexNet (torchvision)", expects, layers)
    network.paper_names = name_weight_layers(network, NAMES)
    return network


def _why_227(height: int, width: int) -> str:
    side = height if height != 227 else width
    positions = (side - 11) / 4 + 1
    if positions.is_integer():
        return f"conv1 takes ({side} - 11)/4 + 1 = {positions:g} positions there; the layers are made for the 55 of 227"
    return (
        f"conv1 has no padding, so it takes ({side} - 11)/4 + 1 = {positions:g} positions, "
        "which is not a whole number; (227 - 11)/4 + 1 = 55 is"
    )


def _why_224(height: int, width: int) -> str:
    return "the network was made for 224; much smaller images leave fewer than the 6 x 6 positions that fc6 reads"
