"""The loss around a trained network, with shortcuts and without, in two random directions of all its weights.

    python -m casestudies_lib.experiments.surface      ten minutes on one core; writes surface.json

After Li, Xu, Taylor, Studer, Goldstein: Visualizing the loss landscape of neural nets, NeurIPS 2018 (arXiv:1712.09913),
sections 4 and 5. Each filter of a random direction is as long as the network's own filter (*filter-normalised*), biases
and the parameters of batch norm stay as they are, so a step of 1 replaces each filter's size once over, whatever the
network. The loss is that of training digits in evaluation mode, as in the authors' code: batch norm goes on dividing by
the statistics of the trained network. The record has it once more with the statistics of these digits, which are those
that batch norm would measure at each place.
"""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from casestudies_lib.checks import SEEDS, checked, odd, one_of, positive_int, whole_number
from casestudies_lib.experiments.record import check_out, command_of, made_by, parser_of, processor, refusals, write
from casestudies_lib.resnet import cifar_plain, cifar_resnet
from casestudies_lib.training.datasets import Split, digits
from casestudies_lib.training.loop import error, one_thread, train

RECORDED = Path(__file__).parent / "results" / "surface.json"
KINDS = {"plain": cifar_plain, "residual": cifar_resnet}
STATISTICS = ("trained", "own")  # whose mean and variance batch norm uses
Direction = list[torch.Tensor]


def filter_normalised(network: nn.Module, generator: torch.Generator) -> Direction:
    """A random direction, one tensor a parameter: each filter as long as the network's own, vectors zero (sec. 4)."""
    direction = []
    for weight in network.parameters():
        drawn = torch.zeros_like(weight)
        if weight.dim() > 1:
            drawn = torch.randn(weight.shape, generator=generator)
            own, random = weight.detach().flatten(1).norm(dim=1), drawn.flatten(1).norm(dim=1)
            drawn = drawn * (own / random).reshape(-1, *[1] * (weight.dim() - 1))
        direction.append(drawn)
    return direction


@torch.no_grad()
def surface(
    network: nn.Module, data: Split, across: Direction, up: Direction, places: list[float], *, statistics: str
) -> list[list[float]]:
    """Loss (nats) at each place: rows along `up`, columns along `across`, each of the `places` times the direction.

    Args:
        network: with its trained weights; it has them again afterwards.
        data: what the loss is of.
        across, up: directions, as `filter_normalised` makes them.
        places: how far along each.
        statistics: `"trained"` for those that batch norm has stored, `"own"` for those of `data`.
    """
    start = [weight.clone() for weight in network.parameters()]
    momenta = {m: m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)}
    network.train(statistics == "own")
    for norm in momenta:
        norm.momentum = 0.0  # what is stored stays
    rows = []
    with one_thread():
        for y in places:
            row = []
            for x in places:
                for weight, here, right, above in zip(network.parameters(), start, across, up, strict=True):
                    weight.copy_(here + x * right + y * above)
                row.append(F.cross_entropy(network(data.images), data.labels).item())
            rows.append(row)
    for weight, here in zip(network.parameters(), start, strict=True):
        weight.copy_(here)
    for norm, momentum in momenta.items():
        norm.momentum = momentum
    network.eval()
    return rows


@checked(seed=SEEDS)
def around(kind: str, data: Split, *, depth: int, seed: int, epochs: int, side: int, measured: int) -> dict:
    """Train one network and walk around it: its training error, and the logarithm to base 10 of the losses.

    Args:
        kind: of `KINDS`.
        data: what it learns from.
        depth: layers.
        seed: decides first weights, order of the digits and directions.
        epochs: how often it sees them.
        side: places along each direction.
        measured: how many of the digits, from the first, the loss is of.

    Raises:
        ValueError: an even side, which has no middle, or a number below 1.
    """
    one_of("kind", kind, KINDS)
    whole_number("side", side, range(3, 1001), repair="pass for example side=21")
    odd("side", side)
    data.check()
    build = partial(KINDS[kind], depth, width=8, in_channels=1)
    network, _ = train(build, data, seed=seed, epochs=epochs, lr=5e-3)
    generator = torch.Generator().manual_seed(seed)
    across, up = (filter_normalised(network, generator) for _ in range(2))
    half = side // 2
    places = [place / half for place in range(-half, half + 1)]
    part = Split(data.images[:measured], data.labels[:measured])
    losses = {s: surface(network, part, across, up, places, statistics=s) for s in STATISTICS}
    return {
        "kind": kind,
        "seed": seed,
        "training_error": error(network, data),
        "log10_loss": {s: [[round(math.log10(v), 2) for v in row] for row in rows] for s, rows in losses.items()},
    }


def recorded() -> dict:
    """The record that ships with the library: `made_by`, the settings, and `slices`, one a network and seed."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """What the command line does; see the module's text and `--help`."""
    parser = parser_of("surface", __doc__)
    parser.add_argument("--depth", type=int, default=44, help="layers, 6n + 2")
    parser.add_argument("--epochs", type=int, default=20, help="how often a network sees each digit")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="SEED", help="one network of each")
    parser.add_argument("--digits", type=int, default=1400, help="how many of the training digits")
    parser.add_argument("--measured", type=int, default=500, help="how many of those the loss is of")
    parser.add_argument("--side", type=int, default=21, help="places along each direction, from -1 to 1")
    parser.add_argument("--out", type=Path, default=Path("surface.json"), help="file of the results")
    given = parser.parse_args(arguments)
    with refusals(parser):
        check_out(given.out)
        positive_int("digits", given.digits)
        positive_int("measured", given.measured)
        training, _ = digits(size=8)
        data = Split(training.images[: given.digits], training.labels[: given.digits])
        runs = [(kind, seed) for seed in given.seeds for kind in KINDS]
        options = {key: getattr(given, key) for key in ("depth", "epochs", "side", "measured")}
        record = {
            "made_by": made_by(command_of(parser, arguments), processor=processor(), threads=1),
            **options,
            "digits": len(data.labels),
            "slices": [around(kind, data, seed=seed, **options) for kind, seed in tqdm(runs, unit="run", disable=None)],
        }
        write(given.out, record)


if __name__ == "__main__":
    main()
