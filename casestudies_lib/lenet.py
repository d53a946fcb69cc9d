"""LeNet-5: the network of 1998 as the paper describes it, and the version that courses draw.

LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition,
Proceedings of the IEEE 86(11), 1998, section II.B and Table I.

| variant    | parameters          | C3           | sub-sampling                 | output               |
| ---------- | ------------------- | ------------ | ---------------------------- | -------------------- |
| `"1998"`   | 60,000 (trainable)  | Table I      | trainable, then squashed     | distances to bitmaps |
| `"modern"` | 61,706              | dense        | average pooling              | linear               |
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.checks import ImageSpec, checked, one_of, positive_int
from casestudies_lib.network import Network

# Table I: the S2 maps that each of the 16 C3 maps reads.
C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip

# Ten digits on a 7 x 12 grid, in the spirit of the paper's Fig. 3: 84 pixels, hence the 84 units of F6.
BITMAPS = """
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
..###.. ...#... ..###.. .#####. ....##. .#####. ...###. ####### ..###.. ..###..
.##.##. ..##... .##.##. ....##. ...###. .##.... ..##... ....##. .##.##. .##.##.
##...## .###... ##...## ...##.. ..#.##. .##.... .##.... ....##. ##...## ##...##
##...## ...#... .....## ..###.. .##.##. .####.. ##.###. ...##.. .##.##. ##...##
##...## ...#... ....##. ....##. ##..##. ....##. ###..## ...##.. ..###.. .######
##...## ...#... ...##.. .....## #######  .....## ##...## ..##... .##.##. ..##.##
##...## ...#... ..##... .....## ....##. .....## ##...## ..##... ##...## .....##
.##.##. ...#... .##.... ##..##. ....##. ##..##. .##.##. .##.... ##...## ...##..
..###.. .#####. ####### .####.. ....##. .####.. ..###.. .##.... .#####. .###...
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
"""


class ScaledTanh(nn.Module):
    """The squashing function f(a) = 1.7159 tanh(2a/3), so that f(1) = 1 and f(-1) = -1 (equation 6, appendix A)."""

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        """Any shape -> the same shape, within (-1.7159, 1.7159)."""
        return 1.7159 * torch.tanh(2 / 3 * a)


class Subsampling(nn.Module):
    """Add 2 x 2 neighbours, times a trainable coefficient, plus a trainable bias, squashed: two parameters a map.

    `(N, maps, H, W) -> (N, maps, H/2, W/2)`; section II.B.
    """

    one_row = True  # a layer table shows this module as one layer

    @checked
    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.full((maps,), 0.25))
        self.bias = nn.Parameter(torch.zeros(maps))
        self.squash = ScaledTanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = F.avg_pool2d(x, kernel_size=2, stride=2, divisor_override=1)
        scaled = total * self.coefficient[:, None, None] + self.bias[:, None, None]
        return self.squash(scaled)


class SparseConv2d(nn.Module):
    """A convolution whose every output map reads its own choice of input maps (Table I).

    `(N, maps, H, W) -> (N, len(table), H - kernel_size + 1, W - kernel_size + 1)`

    Args:
        table: for each output map, the input maps that it reads.
        kernel_size: height and width of the kernels, in pixels.
    """

    one_row = True

    @checked
    def __init__(self, table: tuple[tuple[int, ...], ...], kernel_size: int) -> None:
        super().__init__()
        if not all((table, *table)):
            raise ValueError(f"expected one input map or more for each output map, got {table}: see C3_TABLE")
        self.table = table
        self.kernel_size = kernel_size
        self.maps = nn.ModuleList(nn.Conv2d(len(reads), 1, kernel_size) for reads in table)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([conv(x[:, list(reads)]) for conv, reads in zip(self.maps, self.table)], dim=1)


class RBFOutput(nn.Module):
    """Minus the squared distance between F6 and each class's fixed bitmap of +1 and -1 (equation 7).

    `(N, 84) -> (N, 10)`. The paper's smallest distance wins; with the sign turned, the largest logit does.
    The codes are a buffer: fixed, saved with the network, not trained, not counted as parameters.
    """

    one_row = True
    codes: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        rows = [line.split() for line in BITMAPS.split("\n") if line]
        codes = [[1.0 if ink == "#" else -1.0 for row in rows for ink in row[digit]] for digit in range(10)]
        self.register_buffer("codes", torch.tensor(codes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -(x[:, None, :] - self.codes).square().sum(-1)


@checked
def modern_layers(classes: int = 10, in_channels: int = 1) -> dict[str, nn.Module]:
    """LeNet-5 as courses draw it, layer by layer."""
    return {
        "C1": nn.Conv2d(in_channels, 6, kernel_size=5),  # 28x28x6
        "tanh1": nn.Tanh(),
        "S2": nn.AvgPool2d(kernel_size=2, stride=2),     # 14x14x6
        "C3": nn.Conv2d(6, 16, kernel_size=5),           # 10x10x16
        "tanh3": nn.Tanh(),
        "S4": nn.AvgPool2d(kernel_size=2, stride=2),     # 5x5x16
        "C5": nn.Conv2d(16, 120, kernel_size=5),         # 1x1x120
        "tanh5": nn.Tanh(),
        "flatten": nn.Flatten(),
        "F6": nn.Linear(120, 84),
        "tanh6": nn.Tanh(),
        "output": nn.Linear(84, classes),
    }  # fmt: skip


def published_layers() -> dict[str, nn.Module]:
    """LeNet-5 as the paper of 1998 describes it, layer by layer."""
    return {
        "C1": nn.Conv2d(1, 6, kernel_size=5),            # 28x28x6
        "squash1": ScaledTanh(),
        "S2": Subsampling(6),                            # 14x14x6
        "C3": SparseConv2d(C3_TABLE, kernel_size=5),     # 10x10x16
        "squash3": ScaledTanh(),
        "S4": Subsampling(16),                           # 5x5x16
        "C5": nn.Conv2d(16, 120, kernel_size=5),         # 1x1x120
        "squash5": ScaledTanh(),
        "flatten": nn.Flatten(),
        "F6": nn.Linear(120, 84),
        "squash6": ScaledTanh(),
        "output": RBFOutput(),
    }  # fmt: skip


def lenet5(variant: str = "modern", *, classes: int = 10, in_channels: int = 1) -> Network:
    """LeNet-5, LeCun et al. 1998, Fig. 2: `(N, 1, 32, 32) -> (N, classes)` logits.

    Args:
        variant: `"modern"`, as courses draw it, or `"1998"`, as the paper describes it.
        classes: number of classes; the 1998 network has bitmaps for ten digits and no other number.
        in_channels: image channels of the modern network; the paper's images are grey.

    Raises:
        ValueError: an unknown variant, classes below 1, or other than 10 classes or 1 channel in 1998;
            in `forward`, anything but a float batch of 32 x 32 images.

    Differs from the paper: `"modern"` connects C3 densely, pools by plain averaging with no squashing
    after it, uses tanh without the scale, and ends in a linear layer. `"1998"` draws the bitmaps anew
    and returns minus the distances, so that larger means likelier, as in every other network here. Both start from
    PyTorch's default weights.

    >>> sum(p.numel() for p in lenet5("1998").parameters())
    60000
    >>> sum(p.numel() for p in lenet5().parameters())
    61706
    """
    one_of("variant", variant, ("modern", "1998"))
    positive_int("classes", classes)
    positive_int("in_channels", in_channels, why="1 for grey or 3 for RGB images")
    if variant == "1998" and (classes, in_channels) != (10, 1):
        raise ValueError(
            f'expected classes=10 and in_channels=1 for the "1998" network, which has bitmaps for ten grey digits, '
            f'got classes={classes} and in_channels={in_channels}: take lenet5("modern", ...)'
        )
    layers = published_layers() if variant == "1998" else modern_layers(classes, in_channels)
    title = "LeNet-5 (1998)" if variant == "1998" else "LeNet-5 (modern)"
    expects = ImageSpec(
        in_channels,
        32,
        why=_why_32,
        repair="pad 28 x 28 digits with torch.nn.functional.pad(x, (2, 2, 2, 2)), "
        "resize others with torch.nn.functional.interpolate(x, size=(32, 32))",
    )
    return Network(title, expects, layers)


def _why_32(height: int, width: int) -> str:
    return "its layers are made for 5 x 5 positions in S4, one for C5"
