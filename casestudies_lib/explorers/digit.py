"""Draw a digit: LeNet-5 reads it while it is drawn, and every layer shows what it makes of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from math import floor

import torch
from IPython.display import HTML
from markupsafe import Markup
from PIL import Image
from torch import nn

from casestudies_lib.checks import one_of
from casestudies_lib.explorers.explorer import explorer
from casestudies_lib.explorers.weights import unpack
from casestudies_lib.figures.photo import framed
from casestudies_lib.lenet import C3_TABLE, RBFOutput, ScaledTanh, SparseConv2d, Subsampling, lenet5
from casestudies_lib.network import Network
from casestudies_lib.page.html import bar, tag
from casestudies_lib.page.palette import COLOURS, MARKER

PAD = 280  # the side of the pad in pixels: ten for one of a digit's 28
BRUSH = 28  # as thick on the pad as MNIST's strokes are on the digit, 2.9 pixels in the median
NAMES = {"modern": "modern", "1998": "as in 1998"}
# The layers that light up: name, family, how many maps stand side by side, and how wide they are shown.
LAYERS = (
    ("input", "input", 1, 5.2),
    ("C1", "conv", 2, 5.2),
    ("S2", "pool", 2, 3.9),
    ("C3", "conv", 4, 6.1),
    ("S4", "pool", 4, 4.4),
    ("C5", "conv", 10, 4.4),
    ("F6", "fully connected", 7, 3.1),
)
MEANS = {
    "modern": "",
    "1998": "An output is minus the squared distance between F6 and the bitmap of its digit; the shares are the "
    "softmax of the ten, as in training. F6 need not look like the bitmap: training asks only that it is nearer to "
    "this one than to the other nine.",
}


def draw_a_digit(record: Mapping) -> HTML:
    """A pad to draw on, and LeNet-5, modern or as in 1998, which reads the digit and shows all its maps meanwhile.

    Args:
        record: what `casestudies_lib.experiments.digit.recorded()` returns: trained weights in eight bits, how many
            test digits they get wrong, and a few test digits to try.

    Raises:
        ValueError: a record without the weights of both networks, or with others.
    """
    networks = {variant: trained(record, variant) for variant in NAMES}
    given = {
        "networks": {variant: _sent(record, network) for variant, network in networks.items()},
        "names": NAMES,
        "means": {variant: f"{MEANS[variant]} {_wrong(record, variant)}".strip() for variant in NAMES},
        "pixels": record["pixels"],
        "digits": record["digits"],
        "layers": [(name, across) for name, _, across, _ in LAYERS],
        "brush": BRUSH,
    }
    first = digits(record)[0]
    image = _standardised(record, first)
    shares = _shares(networks["modern"], image)
    sizes = _sizes(networks["modern"], image)
    label = record["digits"]["labels"][0]
    controls = tag(
        "div",
        tag("label", "LeNet-5 ", tag("select", *(tag("option", name, value=v) for v, name in NAMES.items()))),
        tag("button", "clear", type="button", value="clear"),
        tag("button", "a digit from the test set", type="button", value="digit"),
        class_="controls",
    )
    pad = tag("canvas", width=PAD, height=PAD, tabindex=0, role="application", aria_label=_PAD_LABEL)
    pen = tag("span", class_="point", aria_hidden="true", style=f"color:{MARKER}")
    bars = [_row(digit, share, share == max(shares)) for digit, share in enumerate(shares)]
    figures = [
        _figure(sizes[name], _still(first) if name == "input" else "", name, family, width)
        for name, family, _, width in LAYERS
    ]
    return explorer(
        "digit",
        tag("p", "Drawing needs a script, which this viewer does not run.", class_="without"),
        controls,
        tag("div", tag("div", pad, pen, class_="pad"), tag("div", *bars, class_="shares"), class_="desk"),
        tag("output", f"This test digit is {_a(label)}. {said(shares)}", aria_live="polite"),
        tag("div", *figures, _bitmap(), class_="layers"),
        tag("div", given["means"]["modern"], class_="under means"),
        tag("div", *_HELP, class_="under"),
        given=given,
        width="40em",
    )


_PAD_LABEL = (
    "Pad to draw a digit on. Arrow keys move the pen, two together diagonally; space puts it down or lifts it; "
    "Escape clears the pad."
)
_HELP = (
    "With the keyboard: arrow keys move the pen, space puts it down or lifts it, Escape clears. The pen is ",
    tag("span", "up", class_="pen", aria_live="polite"),
    ".",
)


def trained(record: Mapping, variant: str) -> Network:
    """LeNet-5 with the recorded weights, in evaluation mode.

    Raises:
        ValueError: a network that the record does not hold, or weights of another.
    """
    one_of("variant", variant, record["networks"])
    network = lenet5(variant)
    unpack(network, record["networks"][variant]["weights"])
    return network.eval()


def digits(record: Mapping) -> torch.Tensor:
    """The recorded test digits as they were scanned, `(N, 28, 28)`, uint8."""
    return torch.frombuffer(bytearray(base64.b64decode(record["digits"]["bytes"])), dtype=torch.uint8).view(-1, 28, 28)


def centred(drawing: torch.Tensor) -> torch.Tensor:
    """A drawing, as MNIST's makers prepared their scans: `(H, W) -> (28, 28)`, values in [0, 1], 1 for ink.

    What is drawn is scaled to fit a box of 20 x 20 pixels, its proportions kept, each pixel the mean of those that it
    replaces; the box is put where its centre of mass comes nearest to the middle, in whole pixels (LeCun 1998,
    sec. III.A, and the description of MNIST).

    Raises:
        ValueError: another shape, other values, or no ink at all.
    """
    if drawing.dim() != 2 or not drawing.is_floating_point() or drawing.min() < 0 or drawing.max() > 1:
        raise ValueError(
            f"expected a drawing (H, W) of floats in [0, 1], got {tuple(drawing.shape)} of {drawing.dtype}: "
            "scale its values, 1 for ink"
        )
    down, across = (drawing.amax(axis).nonzero().flatten() for axis in (1, 0))
    if not len(down):
        raise ValueError("expected a drawing with ink on it, got an empty one: draw something first")
    box = drawing[down[0] : down[-1] + 1, across[0] : across[-1] + 1].double()
    height, width = (max(1, floor(20 * side / max(box.shape) + 0.5)) for side in box.shape)
    small = _means(box.shape[0], height) @ box @ _means(box.shape[1], width).T
    whole = torch.zeros(28, 28, dtype=torch.float64)
    top, left = _place(small.sum(1)), _place(small.sum(0))
    whole[top : top + height, left : left + width] = small
    return whole.to(drawing.dtype)


def _means(pixels: int, fewer: int) -> torch.Tensor:
    """The matrix `(fewer, pixels)` that replaces a column of pixels by fewer, each the mean of its share of them."""
    edges = torch.arange(fewer + 1, dtype=torch.float64)[:, None] * pixels / fewer
    place = torch.arange(pixels)
    return (torch.minimum(edges[1:], place + 1) - torch.maximum(edges[:-1], place)).clamp(min=0) * fewer / pixels


def _place(ink: torch.Tensor) -> int:
    """Where a row of pixels begins among 28 so that its centre of mass is nearest to pixel 14; a tie goes up."""
    mass = ((ink * torch.arange(len(ink))).sum() / ink.sum()).item()
    return min(max(floor(14.5 - mass + 1e-6), 0), 28 - len(ink))


def _standardised(record: Mapping, scan: torch.Tensor) -> torch.Tensor:
    """A scan `(28, 28)` in its border, as the networks saw it in training: `(1, 1, 32, 32)`."""
    low, high = record["pixels"]
    return nn.functional.pad(low + (high - low) * scan / 255, (2, 2, 2, 2), value=low)[None, None]


@torch.no_grad()
def _shares(network: Network, image: torch.Tensor) -> list[float]:
    return network(image)[0].softmax(0).tolist()


def _sent(record: Mapping, network: Network) -> list[dict]:
    """What JavaScript computes with: the chain of layers, each with its kind and its recorded weights."""
    variant = "1998" if isinstance(network.output, RBFOutput) else "modern"
    weights = record["networks"][variant]["weights"]
    layers = []
    for name, layer in network.chain():
        own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
        match layer:
            case nn.Conv2d() | nn.Linear():
                parts = {"filters": [own["weight"]], "bias": own["bias"]["values"]}
                size = layer.kernel_size[0] if isinstance(layer, nn.Conv2d) else 1
                layers.append({"name": name, "kind": "conv", "size": size, **parts})
            case SparseConv2d():
                count = len(layer.table)
                filters = [own[f"maps.{at}.weight"] for at in range(count)]
                bias = [own[f"maps.{at}.bias"]["values"][0] for at in range(count)]
                about = {"size": layer.kernel_size, "filters": filters, "bias": bias, "reads": C3_TABLE}
                layers.append({"name": name, "kind": "conv", **about})
            case Subsampling():
                about = {"coefficient": own["coefficient"]["values"], "bias": own["bias"]["values"]}
                layers.append({"name": name, "kind": "pool", **about})
            case nn.AvgPool2d():
                layers.append({"name": name, "kind": "pool"})
            case ScaledTanh() | nn.Tanh():
                layers.append({"name": name, "kind": "squash", "scaled": isinstance(layer, ScaledTanh)})
            case RBFOutput():
                layers.append({"name": name, "kind": "distances", "codes": layer.codes.int().tolist()})
    return layers


def percent(share: float) -> str:
    """A share as it is written.

    >>> percent(0.254), percent(0.996), percent(0.004)
    ('25%', '>99%', '<1%')
    """
    return ">99%" if share > 0.995 else "<1%" if share < 0.005 else f"{floor(100 * share + 0.5)}%"


def said(shares: list[float]) -> str:
    """What is said of the ten shares: the two largest.

    >>> said([0.0, 0.02, 0.98, 0, 0, 0, 0, 0, 0, 0])
    'Reads a 2 (98%), next a 1 (2%).'
    """
    first, second = sorted(range(len(shares)), key=lambda digit: -shares[digit])[:2]
    return f"Reads {_a(first)} ({percent(shares[first])}), next {_a(second)} ({percent(shares[second])})."


def _a(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def _wrong(record: Mapping, variant: str) -> str:
    """How good the network is with the weights that the page carries, as the record says."""
    wrong, count = record["networks"][variant]["wrong"], record["tested_on"]
    return f"This network gets {wrong['in eight bits']} of {count:,} test digits wrong. In its maps grey is 0."


def _row(digit: int, share: float, most: bool) -> Markup:
    drawn = tag("div", bar(floor(100 * share + 0.5) / 100, COLOURS["output"], 12), class_="room")
    return tag("div", tag("span", digit), drawn, tag("span", percent(share)), class_="share most" if most else "share")


def _sizes(network: Network, image: torch.Tensor) -> dict[str, str]:
    """Height, width and channels of what each layer makes of an image, as a caption says them."""
    sizes = {"input": "32×32×1"}
    for name, layer in network.chain():
        image = layer(image)
        channels, *sides = image.shape[1:]
        sizes[name] = "×".join(map(str, (*sides, channels)))
    return sizes


def _figure(size: str, inside: object, name: str, family: str, width: float) -> Markup:
    """The frame of a layer's maps, which JavaScript draws."""
    style = f"width:{width}em;border-top:3px solid {COLOURS[family]}"
    caption = tag("figcaption", tag("strong", name), " ", tag("span", size))
    return tag("figure", tag("div", inside, class_="maps"), caption, style=style, data_layer=name)


def _bitmap() -> Markup:
    """The frame of the bitmap that F6 comes nearest to, which only the network of 1998 has."""
    style = f"width:3.1em;border-top:3px solid {COLOURS['output']}"
    caption = tag("figcaption", tag("strong", "nearest"), " ", tag("span", "bitmap"))
    return tag("figure", tag("div", class_="maps"), caption, style=style, data_layer="bitmap", hidden="")


def _still(scan: torch.Tensor) -> Markup:
    """A digit in its border, as a PNG whose bytes no version of zlib changes, since they are not compressed."""
    file = io.BytesIO()
    Image.fromarray(nn.functional.pad(scan, (2, 2, 2, 2)).numpy()).save(file, "PNG", compress_level=0)
    data = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return framed("The first test digit.", 32, tag("image", href=data, width=32, height=32))
