"""How fast the library is beside what others use, measured in turns, and how long the book and its tests take.

    make bench                                   the first five parts, ten minutes of CPU
    make bench BENCH="forward step"              only these; what the file has of the others stays
    make bench BENCH="tests --report _build/tests.xml"     after PYTEST_ADDOPTS=--junitxml=_build/tests.xml make tests

    forward, step   a forward pass, and a step of training, of every network that torchvision has too, with its weights
    build           building these networks, with their first weights and on the meta device, where they have no numbers
    count           the MACs of every network, beside the counters that are installed
    epoch           an epoch of LeNet-5 and ResNet-20, beside a loop over a Dataset of pictures and a DataLoader
    book            one build of the book
    tests           the CPU seconds of every notebook and the seconds of the tests, from a report of pytest's

Both sides of a comparison take turns, and who begins changes from round to round. Their ratio is taken round by round,
in CPU seconds of this process on one thread, so that others on the machine disturb it little; above 1, ours is slower.
"""

from __future__ import annotations

import argparse
import copy
import gc
import importlib
import json
import os
import resource
import subprocess
import time
import warnings
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from address import ROOT
from measured import commit
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision_cpu import torchvision

from casestudies_lib.checks import positive_int
from casestudies_lib.experiments.record import command_of, made_by, processor, refusals
from casestudies_lib.lenet import lenet5
from casestudies_lib.measure import anatomy
from casestudies_lib.models import MODELS
from casestudies_lib.network import he_initialised
from casestudies_lib.pretrained.checkpoints import CHECKPOINTS, load_checkpoint
from casestudies_lib.resnet import cifar_resnet
from casestudies_lib.training import Split, one_thread, shifted, train

OUT = ROOT / "book" / "measured" / "speed.json"
SHARED = {name: name.removesuffix("_torchvision") for name in CHECKPOINTS if "lite0" not in name}
LEAST = 0.05  # seconds of CPU that one turn takes, in as many calls as that needs
BUILT = 3  # pairs of networks of each name
PAGE = "CPU seconds of the page"  # what notebooks/conftest.py adds to a report

Seconds = dict[str, list[float]]  # of one call, a number for each round


# ------------------------------------------------------------------------------------------------ taking turns
def in_turns(sides: Mapping[str, Callable[[], object]], *, rounds: int, least: float = LEAST) -> Seconds:
    """CPU seconds of one call of each side, `rounds` times.

    A turn takes at least `least` seconds, in several calls where one is shorter. How many, a first call says, which
    does not count; without `least` there is no such call.

    Raises:
        ValueError: rounds below 1.
    """
    positive_int("rounds", rounds)
    names, calls = list(sides), 1
    if least:
        calls = ceil(least / max(min(_cpu_seconds(call, 1) for call in sides.values()), 1e-6))
    taken: Seconds = {name: [] for name in names}
    gc.freeze()  # what stood before is not searched again for garbage at every turn
    try:
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                taken[name].append(_cpu_seconds(sides[name], calls))
    finally:
        gc.unfreeze()
    return taken


def _cpu_seconds(call: Callable[[], object], calls: int) -> float:
    """Without the garbage collector, as timeit: it may clear up in one side's turn what the other left."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    for _ in range(calls):
        call()
    seconds = (time.process_time() - start) / calls
    gc.enable()
    return seconds


def ratio(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """Median seconds of both, and the median and the quartiles of their ratio, round by round."""
    low, middle, high = np.percentile(np.divide(ours, theirs), [25, 50, 75])
    return {
        "ours_s": _rounded(np.median(ours)),
        "theirs_s": _rounded(np.median(theirs)),
        "ratio": _rounded(middle),
        "quartiles": [_rounded(low), _rounded(high)],
    }


def comparison(items: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Ratios of several things, the largest first: who is slower, all of them together, and their geometric mean."""
    items = dict(sorted(items.items(), key=lambda item: -item[1]["ratio"]))
    return {
        "ours_s": _rounded(sum(item["ours_s"] for item in items.values())),
        "theirs_s": _rounded(sum(item["theirs_s"] for item in items.values())),
        "geometric_mean": _rounded(np.exp(np.mean([np.log(item["ratio"]) for item in items.values()]))),
        "largest": next(iter(items.values()))["ratio"],
        "slower": [name for name, item in items.items() if item["ratio"] > 1],
        "items": items,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


# ----------------------------------------------------------------------------------------------- torchvision's
def reference(name: str) -> nn.Module:
    """torchvision's network of that name of ours; its GoogLeNet without more than ours has, and started as ours is."""
    models = torchvision().models
    if name != "googlenet_torchvision":
        return models.get_model(SHARED[name], weights=None)
    plain = {"aux_logits": False, "init_weights": False, "transform_input": False}
    return he_initialised(models.googlenet(weights=None, **plain))


def pair(name: str) -> tuple[dict[str, nn.Module], torch.Tensor]:
    """Our network and torchvision's on the same weights in memory, and one image of at least 96 pixels for both."""
    torch.manual_seed(0)
    theirs = reference(name)
    with torch.device("meta"):
        ours = MODELS[name]()
    load_checkpoint(ours, theirs.state_dict())
    side = max(96, ours.expects.min_size or ours.expects.size)
    return {"ours": ours, "theirs": theirs}, torch.randn(1, 3, side, side)


def shared(names: Iterable[str]) -> list[str]:
    """Those that torchvision has too. Raises ValueError: none of them."""
    found = [name for name in names if name in SHARED]
    if not found:
        raise ValueError(f"expected networks that torchvision has too, got {list(names)}: name some of {list(SHARED)}")
    return found


# ------------------------------------------------------------------------------------------------------- parts
def forward(given: argparse.Namespace) -> dict[str, Any]:
    def side(network: nn.Module, image: torch.Tensor) -> Callable[[], object]:
        return torch.inference_mode()(partial(network.eval(), image))

    what = f"one image forward, in evaluation mode; {BUILT} pairs of networks, `rounds` with each"
    return {"what": what, "comparisons": {"torchvision": _of_pairs(side, given)}}


def step(given: argparse.Namespace) -> dict[str, Any]:
    def side(network: nn.Module, image: torch.Tensor) -> Callable[[], object]:
        return partial(_step, network.train(), _sgd(network), image)

    what = (
        "one step of training with one image: forward, cross-entropy, backward, SGD with momentum; "
        f"{BUILT} pairs of networks, `rounds` with each"
    )
    return {"what": what, "comparisons": {"torchvision": _of_pairs(side, given)}}


def _of_pairs(
    side: Callable[[nn.Module, torch.Tensor], Callable[[], object]], given: argparse.Namespace
) -> dict[str, Any]:
    """All rounds with each of several pairs of every network: by its place in memory, one took up to a tenth longer."""
    items = {}
    for name in shared(given.networks):
        taken: Seconds = {"ours": [], "theirs": []}
        for _ in range(BUILT):
            networks, image = pair(name)
            sides = {whose: side(network, image) for whose, network in networks.items()}
            for whose, seconds in in_turns(sides, rounds=given.rounds).items():
                taken[whose] += seconds
        items[name] = told(name, ratio(**taken))
    return comparison(items)


def _sgd(network: nn.Module) -> torch.optim.Optimizer:
    """It does its work, but leaves the weights as they are."""
    return torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)


def _step(network: nn.Module, optimizer: torch.optim.Optimizer, image: torch.Tensor) -> None:
    loss = F.cross_entropy(network(image), torch.zeros(1, dtype=torch.int64))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def build(given: argparse.Namespace) -> dict[str, Any]:
    settings = {}
    for device in ("cpu", "meta"):
        items = {}
        for name in shared(given.networks):
            with torch.device("meta") if device == "meta" else nullcontext():
                sides: dict[str, Callable] = {"ours": MODELS[name], "theirs": partial(reference, name)}
                items[name] = told(f"{name}, {device}", ratio(**in_turns(sides, rounds=given.rounds)))
        settings[f"torchvision, on the {device} device"] = comparison(items)
    what = (
        "building a network, first weights included; torchvision's MobileNets and EfficientNets draw those of their "
        "last layers twice"
    )
    return {"what": what, "comparisons": settings}


def count(given: argparse.Namespace) -> dict[str, Any]:
    present = {name: counter for name, counter in COUNTERS.items() if find_spec(name.partition(".")[0])}
    settings = {}
    for device in ("meta", "cpu"):
        tools = {name: one for name, one in present.items() if device == "cpu" or name not in NUMBERS_ONLY}
        _counted("lenet5", tools, device, 1)  # they are imported, and each has counted once
        items: dict[str, dict[str, dict]] = defaultdict(dict)
        for name in given.networks:
            taken, equal = _counted(name, tools, device, given.rounds)
            ours = taken.pop("ours")
            for tool, theirs in taken.items():
                label = f"{tool}, on the {device} device"
                items[label][name] = told(f"{name}, {label}", ratio(ours, theirs) | {"equal": equal[tool]})
        for label, of in items.items():
            settings[label] = comparison(of) | {"equal": sum(item["equal"] for item in of.values())}
    what = (
        "the MACs of a network for one image. On the meta device all get the network built there; on the CPU the "
        "others get it built, and ours its name, so that its time holds the building. `equal`: whether the counts are"
    )
    missing = [name for name in COUNTERS if name not in present]
    versions = {name: _version(name) for name in present}
    return {"what": what, "versions": versions, "missing": missing, "comparisons": settings}


def _counted(name: str, tools: dict[str, Callable], device: str, rounds: int) -> tuple[Seconds, dict[str, bool]]:
    """The seconds of ours and of each tool on one network, and which of the tools count what ours does."""
    with torch.device("meta"):
        network = MODELS[name]().eval()
    known: nn.Module | str = network if device == "meta" else name
    if device == "cpu":  # zeros, because no count depends on the weights
        network = network.to_empty(device="cpu")
        for tensor in network.state_dict().values():
            tensor.zero_()
    image = torch.zeros(1, *network.expects.shape, device=device)
    macs: dict[str, int] = {}

    def ours() -> None:
        macs["ours"] = anatomy(known).macs

    def theirs(tool: str, own: nn.Module) -> None:
        macs[tool] = tools[tool](own, image)

    sides = {tool: partial(theirs, tool, copy.deepcopy(network)) for tool in tools}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracers warn of checks that depend on the image
        taken = in_turns({"ours": ours, **sides}, rounds=rounds, least=0)
    return taken, {tool: macs[tool] == macs["ours"] for tool in tools}


def _flop_counter(network: nn.Module, image: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        network(image)
    return counter.get_total_flops() // 2


def _torchinfo(network: nn.Module, image: torch.Tensor) -> int:
    summary = importlib.import_module("torchinfo").summary
    return summary(network, input_data=image, device=image.device, verbose=0).total_mult_adds


def _fvcore(network: nn.Module, image: torch.Tensor) -> int:
    analysis = importlib.import_module("fvcore.nn").FlopCountAnalysis(network, image)
    return analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()


def _thop(network: nn.Module, image: torch.Tensor) -> int:
    return importlib.import_module("thop").profile(network, inputs=(image,), verbose=False)[0]


def _ptflops(network: nn.Module, image: torch.Tensor) -> int:
    torchvision()  # which it imports
    count = importlib.import_module("ptflops").get_model_complexity_info
    quiet = {"as_strings": False, "print_per_layer_stat": False, "verbose": False}
    return count(network, tuple(image.shape[1:]), **quiet)[0]


COUNTERS: dict[str, Callable[[nn.Module, torch.Tensor], int]] = {
    "torch.utils.flop_counter": _flop_counter,
    "torchinfo": _torchinfo,
    "fvcore": _fvcore,
    "thop": _thop,
    "ptflops": _ptflops,
}
NUMBERS_ONLY = ("fvcore",)  # it traces, which stops at a tensor without numbers


def _version(module: str) -> str:
    return version(module.partition(".")[0])


class Pictures(Dataset):
    """Images of bytes `(N, H, W)` or `(N, H, W, 3)`, handed out as torchvision's CIFAR10 does: one by one, by PIL."""

    def __init__(self, images: np.ndarray, labels: list[int], transform: Callable[[Image.Image], torch.Tensor]) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def epoch(given: argparse.Namespace) -> dict[str, Any]:
    transforms = torchvision().transforms
    random = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    moved = partial(shifted, reach=4, fill=0, mirror=True)
    settings: dict[str, tuple] = {
        "lenet5": (lenet5, 1, 10 * given.images, None, []),
        "cifar_resnet20": (partial(cifar_resnet, 20), 3, given.images, moved, random),
    }
    items = {}
    for name, (network, channels, images, augment, theirs) in settings.items():
        draw = np.random.default_rng(0)
        pixels = draw.integers(0, 256, (images, 32, 32, channels), dtype=np.uint8)
        labels = draw.integers(0, 10, images).tolist()
        theirs += [transforms.ToTensor(), transforms.Normalize((0.5,) * channels, (0.25,) * channels)]
        pictures = Pictures(pixels[..., 0] if channels == 1 else pixels, labels, transforms.Compose(theirs))
        sides = {
            "ours": partial(_our_epoch, network, pixels, labels, augment),
            "theirs": partial(_their_epoch, network, pictures),
        }
        items[name] = told(name, ratio(**in_turns(sides, rounds=given.rounds)))
    what = (
        "one epoch of training with Adam in batches of 50, from bytes of 32×32 pixels: "
        f"{10 * given.images} grey images for LeNet-5, {given.images} in colour, shifted and mirrored, for ResNet-20. "
        "Ours first makes them one tensor, which its time holds"
    )
    return {"what": what, "comparisons": {"Dataset and DataLoader": comparison(items)}}


def _our_epoch(
    network: Callable[[], nn.Module], pixels: np.ndarray, labels: list[int], augment: Callable | None
) -> None:
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.25).contiguous()
    train(network, Split(images, torch.tensor(labels)), seed=0, epochs=1, batch_size=50, augment=augment)


def _their_epoch(build: Callable[[], nn.Module], pictures: Pictures) -> None:
    network = build().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for images, labels in DataLoader(pictures, batch_size=50, shuffle=True):
        loss = F.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def book(given: argparse.Namespace) -> dict[str, Any]:
    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    start, before = time.perf_counter(), used()
    subprocess.run(["make", "--no-print-directory", "book"], cwd=ROOT, check=True)
    seconds = {"wall_s": _rounded(time.perf_counter() - start), "cpu_s": _rounded(used() - before)}
    print("book", *(f"{value:.0f} s {name}" for name, value in seconds.items()))
    return {"what": "make book", **seconds}


def tests(given: argparse.Namespace) -> dict[str, Any]:
    if not given.report:
        raise ValueError("expected a report of pytest's, got none: pass --report with what pytest --junitxml wrote")
    notebooks: dict[str, float] = {}
    files: dict[str, float] = defaultdict(float)
    for case in ET.parse(given.report).iter("testcase"):
        files[case.get("classname", "")] += float(case.get("time", 0))
        for prop in case.iter("property"):
            if prop.get("name") == PAGE:
                page = case.get("classname", "").removesuffix(".ipynb").rpartition(".")[2]
                notebooks[page] = _rounded(float(prop.get("value", 0)))
    return {
        "what": "CPU seconds of every notebook, and seconds of every file of tests",
        "notebooks_cpu_s": dict(sorted(notebooks.items(), key=lambda item: -item[1])),
        "files_s": {name: _rounded(files[name]) for name in sorted(files, key=lambda name: -files[name])},
        "total_s": _rounded(sum(files.values())),
    }


def told(name: str, item: dict[str, Any]) -> dict[str, Any]:
    """The item, after a line about it."""
    low, high = item["quartiles"]
    seconds = f"{item['ours_s']:.4f} s  {item['theirs_s']:.4f} s"
    print(f"{item['ratio']:7.3f} ({low:.3f} to {high:.3f})  {seconds}  {name}", flush=True)
    return item


# -------------------------------------------------------------------------------------------------- the record
ROUNDS = {"forward": 4, "step": 2, "build": 3, "count": 1, "epoch": 7}  # of the parts that compare
PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "forward": forward, "step": step, "build": build, "count": count, "epoch": epoch, "book": book, "tests": tests,
}  # fmt: skip


def store(out: Path, part: str, record: dict[str, Any]) -> None:
    """Put one part into the file, which keeps the others and is never half-written."""
    parts = json.loads(out.read_text("utf-8")) if out.exists() else {}
    parts = {name: record if name == part else parts[name] for name in PARTS if name == part or name in parts}
    half = out.with_suffix(".part")
    half.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n", "utf-8")
    half.replace(out)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python tools/bench.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", default=[])
    parser.add_argument("--networks", nargs="+", choices=MODELS, default=list(MODELS), metavar="NAME")
    parser.add_argument("--rounds", type=int, help="how often both sides of a comparison take turns")
    parser.add_argument(
        "--images", type=int, default=200, help="in an epoch of ResNet-20; in LeNet-5's ten times as many"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="what pytest --junitxml=FILE wrote, for `tests`")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE")
    given = parser.parse_intermixed_args(arguments)
    asked = given.rounds
    with refusals(parser), one_thread():
        positive_int("images", given.images)
        if not given.out.absolute().parent.is_dir():
            raise ValueError(f"expected --out in a folder that exists, got {given.out}: make the folder first")
        for part in given.parts or ROUNDS:
            given.rounds = ROUNDS.get(part) if asked is None else asked
            about = made_by(
                command_of(parser, arguments),
                commit=commit(),
                processor=processor(),
                cores=os.cpu_count(),
                threads=1,
                numpy=np.__version__,
                torchvision=_version("torchvision"),
            )
            print(f"\n{part}: ours/theirs (quartiles)  ours  theirs" if part in ROUNDS else f"\n{part}", flush=True)
            found = PARTS[part](given)
            for label, one in found.get("comparisons", {}).items():
                print(f"{one['geometric_mean']:7.3f} in the mean, {one['largest']:.3f} at most: {label}", flush=True)
            store(given.out, part, {"made_by": about, "rounds": given.rounds, **found})


if __name__ == "__main__":
    main()
