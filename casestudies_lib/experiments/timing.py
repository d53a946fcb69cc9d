"""How long does a network take, and is it as long as its multiplications say?

    python -m casestudies_lib.experiments.timing      a few minutes on an idle machine; writes timing.json

One image, one thread, evaluation mode, PyTorch as it comes. Every round times everything once, so that a busy moment of
the machine falls on all; what counts is the median over the rounds, and only as a ratio to others of the same record.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from casestudies_lib.blocks import conv_bn
from casestudies_lib.checks import ImageSpec, positive_int
from casestudies_lib.experiments import processor
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.mobilenet import Separable
from casestudies_lib.models import MODELS, PUBLISHED
from casestudies_lib.network import Network
from casestudies_lib.training.loop import one_thread

RECORDED = Path(__file__).parent / "results" / "timing.json"
WIDTHS = (16, 32, 64, 128, 256, 512)


def convolution(kind: Callable[[int, int], nn.Module], channels: int, *, side: int = 28) -> Network:
    """One layer on `channels` maps of `side` x `side`, as a network: `kind` makes it."""
    return Network("one convolution", ImageSpec(channels, side), {"layer": kind(channels, channels)})


# What is compared on the page of the MobileNets: the same output size, computed at once or in two steps, with batch
# norm and ReLU after each; and the two steps without them.
CONVOLUTIONS = {
    f"{name}_{width}": partial(convolution, kind, width)
    for width in WIDTHS
    for name, kind in (
        ("normal", partial(conv_bn, kernel_size=3)),
        ("separable", Separable),
        ("depthwise", lambda channels, _: nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)),
        ("pointwise", partial(nn.Conv2d, kernel_size=1, bias=False)),
    )
}


def timed(builders: Mapping[str, Callable[[], nn.Module]], *, rounds: int) -> dict[str, dict]:
    """Seconds of one forward pass, the median over the rounds: `{"resnet18": {"seconds": 0.1, "macs": ...}}`.

    Args:
        builders: name -> function that builds a network.
        rounds: how often each is timed, over about 50 ms or one pass, after two passes that are not.

    Raises:
        ValueError: rounds below 1.
    """
    positive_int("rounds", rounds)
    networks = {name: build().eval() for name, build in builders.items()}
    taken: dict[str, list[float]] = {name: [] for name in networks}

    def seconds(network: nn.Module, passes: int) -> float:
        image = torch.rand(1, *network.expects.shape)
        start = time.perf_counter()
        for _ in range(passes):
            network(image)
        return (time.perf_counter() - start) / passes

    with one_thread(), torch.inference_mode():
        for network in networks.values():  # the first pass is no measure of the others
            seconds(network, 1)
        passes = {name: max(1, round(0.05 / seconds(network, 1))) for name, network in networks.items()}
        for _ in tqdm(range(rounds), unit="round", disable=None):
            for name, network in networks.items():
                taken[name].append(seconds(network, passes[name]))
    return {
        name: {
            "seconds": float(f"{statistics.median(taken[name]):.3g}"),
            "macs": anatomy(builders[name]).macs,
        }
        for name in networks
    }


def recorded() -> dict:
    """The record that ships with the library: `made_by`, `networks` and `convolutions`."""
    return json.loads(RECORDED.read_text())


def main(arguments: list[str] | None = None) -> None:
    """What the command line does; see the module's text and `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m casestudies_lib.experiments.timing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--networks", nargs="*", choices=PUBLISHED, default=list(PUBLISHED), metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("timing.json"))
    words = sys.argv[1:] if arguments is None else arguments
    given = parser.parse_args(words)
    try:
        if not given.out.absolute().parent.is_dir():
            raise ValueError(f"expected --out in a folder that exists, got {given.out}: make the folder first")
        record = {
            "made_by": {
                "command": shlex.join(["python", "-m", "casestudies_lib.experiments.timing", *words]),
                "processor": processor(),
                "threads": 1,
                "date": datetime.date.today().isoformat(),
                "torch": torch.__version__,
                "rounds": given.rounds,
            },
            "convolutions": timed(CONVOLUTIONS, rounds=given.rounds),
            "networks": timed({name: MODELS[name] for name in given.networks}, rounds=given.rounds),
        }
        given.out.write_text(json.dumps(record, indent=1) + "\n")
    except (ValueError, OSError) as problem:
        parser.error(str(problem))


if __name__ == "__main__":
    main()
