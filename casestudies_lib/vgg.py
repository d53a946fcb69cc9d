"""VGG: five configurations of one idea, 3 x 3 convolutions stacked deep.

Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition, ICLR 2015
(arXiv:1409.1556), Table 1.

| variant     | column | weight layers | parameters  |
| ----------- | ------ | ------------- | ----------- |
| `11`, `"A"` | A      | 11            | 132,863,336 |
| `13`, `"B"` | B      | 13            | 133,047,848 |
| `"C"`       | C      | 16            | 133,638,952 |
| `16`, `"D"` | D      | 16            | 138,357,544 |
| `19`, `"E"` | E      | 19            | 143,667,240 |
"""

from __future__ import annotations

from torch import nn

from casestudies_lib.checks import ImageSpec, checked, one_of, positive_int
from casestudies_lib.network import Network, he_initialised, name_weight_layers

# Table 1, top to bottom: five stages, each closed by a pool; (width, kernel size of each convolution).
CONFIGURATIONS = {
    "A": [(64, [3]), (128, [3]), (256, [3, 3]), (512, [3, 3]), (512, [3, 3])],
    "B": [(64, [3, 3]), (128, [3, 3]), (256, [3, 3]), (512, [3, 3]), (512, [3, 3])],
    "C": [(64, [3, 3]), (128, [3, 3]), (256, [3, 3, 1]), (512, [3, 3, 1]), (512, [3, 3, 1])],
    "D": [(64, [3, 3]), (128, [3, 3]), (256, [3, 3, 3]), (512, [3, 3, 3]), (512, [3, 3, 3])],
    "E": [(64, [3, 3]), (128, [3, 3]), (256, [3] * 4), (512, [3] * 4), (512, [3] * 4)],
}
COLUMN = {11: "A", 13: "B", 16: "D", 19: "E"}


@checked
def layers_of(
    stages: list[tuple[int, list[int]]], batch_norm: bool = False, classes: int = 1000
) -> tuple[dict[str, nn.Module], list[str]]:
    """The layers of one configuration, and the paper's names of those that have weights or pool."""
    if not all((stages, *stages)):
        raise ValueError(f"expected stages of convolutions, got {stages}: see CONFIGURATIONS")
    features: list[nn.Module] = []
    names, channels = [], 3
    for stage, (width, kernels) in enumerate(stages, start=1):
        for number, kernel in enumerate(kernels, start=1):
            features.append(nn.Conv2d(channels, width, kernel, padding=kernel // 2))
            if batch_norm:
                features.append(nn.BatchNorm2d(width))
            features.append(nn.ReLU())
            names.append(f"conv{stage}_{number}")
            channels = width
        features.append(nn.MaxPool2d(kernel_size=2, stride=2))
        names.append(f"pool{stage}")
    classifier = nn.Sequential(
        nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, classes),
    )  # fmt: skip
    layers = {
        "features": nn.Sequential(*features),
        "avgpool": nn.AdaptiveAvgPool2d(7),
        "flatten": nn.Flatten(),
        "classifier": classifier,
    }
    return layers, [*names, "fc6", "fc7", "fc8"]


def vgg(variant: int | str, *, batch_norm: bool = False, classes: int = 1000) -> Network:
    """VGG, Simonyan and Zisserman 2014, Table 1: `(N, 3, H, W) -> (N, classes)` logits, H and W at least 224.

    Args:
        variant: 11, 13, 16 or 19 weight layers, or a column of Table 1, `"A"` to `"E"`.
        batch_norm: whether batch normalisation follows every convolution.
        classes: number of classes.

    Raises:
        ValueError: an unknown variant or classes below 1; in `forward`, anything but a float batch of RGB images of
            at least 224 pixels, below which five poolings leave less than the 7 x 7 positions that fc6 reads.

    Differs from the paper: an adaptive pool (the identity at 224 pixels) before fc6, as public checkpoints expect;
    He's initialisation instead of growing deep nets from trained shallow ones; batch normalisation came later.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in vgg(16).parameters())
    138357544
    """
    one_of("variant", variant, (*COLUMN, *CONFIGURATIONS))
    positive_int("classes", classes)
    column = variant if isinstance(variant, str) else COLUMN[variant]

    layers, names = layers_of(CONFIGURATIONS[column], batch_norm, classes)
    expects = ImageSpec(
        3,
        224,
        exact=False,
        why=_five_poolings_leave,
    )
    depth = sum("pool" not in name for name in names)
    title = f"VGG-{depth}" + (", column C" if column == "C" else "") + (" with batch norm" if batch_norm else "")
    network = Network(title, expects, layers)
    network.paper_names = name_weight_layers(network, names)
    he_initialised(network)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)
    return network


def _five_poolings_leave(height: int, width: int) -> str:
    return f"five poolings leave {height // 32} x {width // 32} of the 7 x 7 positions that fc6 reads"
