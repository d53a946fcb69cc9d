"""How long does a network take, and is it as long as its multiplications say?

    python -m casestudies_lib.experiments.timing      a few minutes on an idle machine; writes timing.json

What is timed is one image on one thread, in evaluation mode, with PyTorch as it comes. Every round times each network
once, so that a busy moment of the machine slows them all. The record holds the median over the rounds; compare it only,
as a ratio, with others of the same record.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from casestudies_lib.blocks import conv_bn
from casestudies_lib.checks import ImageSpec, checked, positive_int
from casestudies_lib.experiments.record import check_out, command_of, made_by, parser_of, processor, refusals, write
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.mobilenet import DepthwiseSeparable
from casestudies_lib.models import MODELS, PUBLISHED
from casestudies_lib.network import Network
from casestudies_lib.training.loop import one_thread

RECORDED = Path(__file__).parent / "results" / "timing.json"
WIDTHS = (16, 32, 64, 128, 256, 512)


def convolution(kind: Callable[[int, int], nn.Module], channels: int, *, side: int = 28) -> Network:
    """A network of the one layer that `kind(channels, channels)` makes, for images `(N, channels, side, side)`."""
    return Network("one convolution", ImageSpec(channels, side), {"layer": kind(channels, channels)})


# What the page of the MobileNets compares: a normal convolution and a separable one of the same output size, with batch
# normalisation and ReLU, and the separable one's two steps without them.
CONVOLUTIONS = {
    f"{name}_{width}": partial(convolution, kind, width)
    for width in WIDTHS
    for name, kind in (
        ("normal", partial(conv_bn, kernel_size=3)),
        ("separable", DepthwiseSeparable),
        ("depthwise", lambda channels, _: nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)),
        ("pointwise", partial(nn.Conv2d, kernel_size=1, bias=False)),
    )
}


@checked
def timed(builders: Mapping[str, Callable[[], nn.Module]], *, rounds: int) -> dict[str, dict]:
    """Seconds of one forward pass, the median over the rounds: `{"resnet18": {"seconds": 0.1, "macs": ...}}`.

    Args:
        builders: name -> function that builds a network.
        rounds: how often each is timed. A round takes about 50 ms a network, or one forward pass where that is longer;
            two forward passes before the first round are not recorded.

    Raises:
        ValueError: rounds below 1.
    """
    positive_int("rounds", rounds)
    networks = {name: build().eval() for name, build in builders.items()}
    counted = {name: anatomy(build) for name, build in builders.items()}
    taken: dict[str, list[float]] = {name: [] for name in networks}

    def seconds(name: str, passes: int) -> float:
        image = torch.rand(1, *counted[name].input_shape)
        start = time.perf_counter()
        for _ in range(passes):
            networks[name](image)
        return (time.perf_counter() - start) / passes

    with one_thread(), torch.inference_mode():
        for name in networks:  # the first forward pass is slower than the others
            seconds(name, 1)
        passes = {name: max(1, round(0.05 / seconds(name, 1))) for name in networks}
        for _ in tqdm(range(rounds), unit="round", disable=None):
            for name in networks:
                taken[name].append(seconds(name, passes[name]))
    return {
        name: {"seconds": float(f"{statistics.median(taken[name]):.3g}"), "macs": counted[name].macs}
        for name in networks
    }


def recorded() -> dict:
    """The record that ships with the library: `made_by`, `networks` and `convolutions`."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """What the command line does; see the module's text and `--help`."""
    parser = parser_of("timing", __doc__)
    parser.add_argument("--rounds", type=int, default=7, help="of which the median counts")
    parser.add_argument(
        "--networks", nargs="*", choices=PUBLISHED, default=list(PUBLISHED), metavar="NAME", help="of PUBLISHED"
    )
    parser.add_argument("--out", type=Path, default=Path("timing.json"), help="file of the results")
    given = parser.parse_args(arguments)
    with refusals(parser):
        check_out(given.out)
        record = {
            "made_by": made_by(command_of(parser, arguments), processor=processor(), threads=1, rounds=given.rounds),
            "convolutions": timed(CONVOLUTIONS, rounds=given.rounds),
            "networks": timed({name: MODELS[name] for name in given.networks}, rounds=given.rounds),
        }
        write(given.out, record, indent=1)


if __name__ == "__main__":
    main()
