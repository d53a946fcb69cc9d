"""GoogLeNet: Inception modules, which see with kernels of several sizes at once and concatenate what they see.

Szegedy et al.: Going deeper with convolutions, CVPR 2015 (arXiv:1409.4842), Table 1 and Figures 2 and 3.

| variant         | kernels in a module | normalisation  | parameters | with both auxiliary classifiers |
| --------------- | ------------------- | -------------- | ---------- | ----------------------- |
| `"2014"`        | 1, 3, 5             | local response | 6,998,552  | 13,378,280              |
| `"torchvision"` | 1, 3, 3             | batch          | 6,624,904  | 13,004,888              |
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from casestudies_lib.checks import ImageSpec, checked, odd, one_of, positive_int
from casestudies_lib.network import Network, he_initialised

# Table 1, in its columns: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
TABLE = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
# Table 1's last two columns, as printed: thousands of parameters (of 1,024 each), millions of operations.
PRINTED = {
    "conv 7×7": (2.7, 34), "conv 3×3": (112, 360), "3a": (159, 128), "3b": (380, 304), "4a": (364, 73),
    "4b": (437, 88), "4c": (463, 100), "4d": (580, 119), "4e": (840, 170), "5a": (1072, 54), "5b": (1388, 71),
    "linear": (1000, 1),
}  # fmt: skip
AUX_WEIGHT = 0.3  # of each auxiliary classifier's loss in training (sec. 5)
AUX_CLASSIFIERS = {"inception4a": "aux1", "inception4d": "aux2"}  # module -> the auxiliary classifier that reads it


@checked
def conv_relu(
    in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, batch_norm: bool = False
) -> nn.Sequential:
    """A convolution and its ReLU, with batch normalisation between them or a bias; odd kernels keep height and width.

    `(N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride)`.
    """
    odd("kernel_size", kernel_size)
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=not batch_norm)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv)
    if batch_norm:
        layers["bn"] = nn.BatchNorm2d(out_channels, eps=1e-3)
    layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


class Inception(nn.Module):
    """Four branches side by side, concatenated: `(N, in_channels, H, W) -> (N, sum of the widths, H, W)`.

    Args:
        in_channels: of the input.
        widths: channels in the columns of Table 1, such as `TABLE["3a"]`. Without the two reductions and the
            projection after the pool, None for each, it is the naive module of Fig. 2(a).
        batch_norm: whether batch normalisation follows every convolution.
        largest_kernel: the kernel of the third branch, 5 in the paper.

    Raises:
        ValueError: not six widths, numbers that are not whole and at least 1, another largest kernel than 3 or 5.
    """

    @checked
    def __init__(
        self, in_channels: int, widths: Sequence[Any], *, batch_norm: bool = False, largest_kernel: int = 5
    ) -> None:
        super().__init__()
        check_widths(in_channels, widths, largest_kernel)
        n1, reduce3, n3, reduce5, n5, project = widths
        layer = partial(conv_relu, batch_norm=batch_norm)

        def branch(reduce: int | None, out_channels: int, kernel_size: int) -> nn.Sequential:
            if reduce is None:
                return layer(in_channels, out_channels, kernel_size)
            return nn.Sequential(layer(in_channels, reduce, 1), layer(reduce, out_channels, kernel_size))

        pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.branch1 = layer(in_channels, n1, 1)
        self.branch2 = branch(reduce3, n3, 3)
        self.branch3 = branch(reduce5, n5, largest_kernel)
        self.branch4 = nn.Sequential(pool, layer(in_channels, project, 1)) if project else pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], dim=1)


def check_widths(in_channels: int, widths: Sequence[int | None], largest_kernel: int) -> None:
    """Refuse what no `Inception` module can be built of, by the columns of Table 1."""
    if not isinstance(widths, Sequence) or len(widths) != 6:
        raise ValueError(f"expected six widths, the columns of Table 1, got {widths!r}: see TABLE['3a']")
    n1, reduce3, n3, reduce5, n5, project = widths
    for name, width in {"in_channels": in_channels, "#1x1": n1, "#3x3": n3, "#5x5": n5}.items():
        positive_int(name, width)
    for name, width in {"#3x3 reduce": reduce3, "#5x5 reduce": reduce5, "pool proj": project}.items():
        if width is not None:
            positive_int(name, width)
    one_of("largest_kernel", largest_kernel, (3, 5))


class InceptionAux(nn.Module):
    """An auxiliary classifier, on a hidden layer (sec. 5): average pool, 1 x 1 convolution, two fully connected layers.

    `(N, in_channels, 14, 14) -> (N, classes)` logits. With `adaptive` it pools
    to 4 x 4 from any size, as public checkpoints expect; from 14 x 14 that is another pool than the paper's.
    """

    @checked
    def __init__(self, in_channels: int, classes: int, *, adaptive: bool = False, batch_norm: bool = False) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(4) if adaptive else nn.AvgPool2d(5, stride=3)
        self.conv = conv_relu(in_channels, 128, 1, batch_norm=batch_norm)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(4 * 4 * 128, 1024)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.flatten(self.conv(self.pool(x)))
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


class GoogLeNet(Network):
    """A chain of layers with classifiers on hidden layers, which only training uses; see `googlenet`."""

    def chain(self) -> list[tuple[str, nn.Module]]:
        """What an image passes on its way to the logits, `(name, layer)` in order; no auxiliary classifier is on it."""
        return [(name, layer) for name, layer in self.named_children() if not isinstance(layer, InceptionAux)]

    def forward_with_aux(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits `(N, classes)` of the network and of its auxiliary classifiers on 4a and 4d.

        The paper's training loss is `loss(logits) + AUX_WEIGHT * (loss(aux1) + loss(aux2))`.

        Raises:
            ValueError: a network built without auxiliary classifiers, or an input that does not fit.
        """
        if not hasattr(self, "aux1"):
            raise ValueError(
                "expected a network with auxiliary classifiers, got one without: build googlenet(aux=True)"
            )
        self.expects.check(x, self)
        side = []
        for name, layer in self.chain():
            x = layer(x)
            if name in AUX_CLASSIFIERS:
                side.append(self.get_submodule(AUX_CLASSIFIERS[name])(x))
        return x, *side


def googlenet(variant: str = "2014", *, aux: bool = False, classes: int = 1000) -> GoogLeNet:
    """GoogLeNet, Szegedy 2014, Table 1: `(N, 3, H, W) -> (N, classes)` logits; 224 pixels, or at least 63 (47).

    Args:
        variant: `"2014"`, the paper's, or `"torchvision"`, whose public checkpoints people load (with `aux=True`).
        aux: whether to build the two auxiliary classifiers. `forward` never uses them; `forward_with_aux` returns their
            logits.
        classes: number of classes.

    Raises:
        ValueError: an unknown variant or classes below 1; in `forward`, anything but a float batch of RGB images of at
            least 63 or 47 pixels, or of exactly 224 with the paper's auxiliary classifiers, which read 4 x 4 positions.

    Differs from the paper: Table 1 omits the local response normalisation of Fig. 3; its constants here are those of
    the model zoo's replication (5 maps, alpha 1e-4, beta 0.75). Pools round up, as there. Initialisation is He's.
    `"torchvision"` differs in more, and public checkpoints depend on it: batch normalisation with eps 1e-3 instead of
    response normalisation and biases, kernels of 3 x 3 in the branch that the paper makes 5 x 5, a fourth pool of
    2 x 2, auxiliary classifiers that pool adaptively, dropout of 0.2 before the classifier instead of 0.4. Its
    checkpoint wants images scaled to (-1, 1).

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in googlenet().parameters())
    6998552
    """
    one_of("variant", variant, ("2014", "torchvision"))
    one_of("aux", aux, (True, False))
    positive_int("classes", classes)
    paper = variant == "2014"
    norm = {"batch_norm": not paper}

    layers: dict[str, nn.Module] = {
        "conv1": conv_relu(3, 64, 7, stride=2, **norm),                                   # 112x112x64
        "maxpool1": nn.MaxPool2d(3, stride=2, ceil_mode=True),                      # 56x56x64
        "norm1": nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
        "conv2": conv_relu(64, 64, 1, **norm),                                             # 56x56x64
        "conv3": conv_relu(64, 192, 3, **norm),                                            # 56x56x192
        "norm2": nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
        "maxpool2": nn.MaxPool2d(3, stride=2, ceil_mode=True),                      # 28x28x192
    }  # fmt: skip
    channels, before = 192, {}
    for name, widths in TABLE.items():
        if name == "4a":
            layers["maxpool3"] = nn.MaxPool2d(3, stride=2, ceil_mode=True)  # 14x14x480
        if name == "5a":
            layers["maxpool4"] = nn.MaxPool2d(3 if paper else 2, stride=2, ceil_mode=True)  # 7x7x832
        layers[f"inception{name}"] = Inception(channels, widths, largest_kernel=5 if paper else 3, **norm)
        n1, _, n3, _, n5, project = widths
        channels = before[f"inception{name}"] = n1 + n3 + n5 + project
    if aux:
        layers |= {
            branch: InceptionAux(before[module], classes, adaptive=not paper, **norm)
            for module, branch in AUX_CLASSIFIERS.items()
        }
    layers |= {
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "dropout": nn.Dropout(0.4 if paper else 0.2),
        "fc": nn.Linear(channels, classes),
    }
    if not paper:
        del layers["norm1"], layers["norm2"]

    expects = ImageSpec(
        3,
        224,
        exact=paper and aux,
        min_size=63 if paper else 47,
        why=_why_224 if paper and aux else _four_poolings_leave,
    )
    title = ("GoogLeNet" if paper else "GoogLeNet (torchvision)") + (", with auxiliary classifiers" if aux else "")
    network = GoogLeNet(title, expects, layers)
    network.paper_names = {
        path: path.replace("inception", "").removesuffix(".conv") for path, _ in network.named_modules() if path
    }
    return he_initialised(network)


def _why_224(height: int, width: int) -> str:
    return "the auxiliary classifiers read the 4 x 4 positions that 224 pixels leave them; build without aux"


def _four_poolings_leave(height: int, width: int) -> str:
    return "four poolings would leave a single position to the last modules"
