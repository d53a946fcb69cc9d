"""Plain against residual networks at full size: does depth help or hurt, when everything else is the same?

    python -m casestudies_lib.experiments.degradation --smoke      seconds, on the digits: does it work here?
    python -m casestudies_lib.experiments.degradation              full size, on Fashion-MNIST: a GPU and hours
    torchrun --nproc-per-node 8 -m casestudies_lib.experiments.degradation      the same, its runs shared out

He 2015, sec. 4.2 and Fig. 6: networks of 6n + 2 layers, SGD with momentum 0.9 and weight decay 0.0001 at a learning
rate of 0.1 that falls to a tenth after half and again after three quarters of the epochs. Here the rate also rises
through the first epoch.

Each finished run is one JSON line, appended as a whole. An unfinished run leaves a checkpoint after every epoch in the
folder beside the results, so that a kill at any moment costs the current epoch and nothing else: give the same command
again. Runs share nothing. So any number of processes, also on several machines that share the folder, take them one by
one, longest first, and each run's result is the one that a single process would get.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import platform
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from filelock import FileLock, Timeout
from torch import nn
from tqdm import tqdm

from casestudies_lib.checks import number_within, one_of, positive_int, positive_number, whole_number
from casestudies_lib.experiments.record import command_of, made_by, parser_of, processor, refusals
from casestudies_lib.resnet import cifar_plain, cifar_resnet
from casestudies_lib.training.augmentation import shifted
from casestudies_lib.training.datasets import Split, cifar10, digits, fashion_mnist
from casestudies_lib.training.loop import error, predict, share_wrong

DATASETS = {"digits": (8, 1400), "fashion": (28, 60_000), "cifar10": (32, 50_000)}  # pixels along a side, images
KINDS: dict[str, Callable[..., nn.Module]] = {"plain": cifar_plain, "residual": cifar_resnet}
BEGINNING = b'{"run": {"dataset": "'  # of each line
MOST_PARAMETERS = 10**9  # with gradients and momentum 12 GB
RECORDED = Path(__file__).parent / "results" / "degradation-fashion.jsonl"


@lru_cache(typed=True)  # True is no 1 here
def _buildable(kind: str, depth: int, width: int, size: int) -> None:
    """Refuse a depth or a width that makes no network or a huge one, and images that are too small for it."""
    with torch.device("meta"):
        network = KINDS[kind](depth, width=width)
        network(torch.empty(2, 3, size, size))
    if (count := sum(p.numel() for p in network.parameters())) > MOST_PARAMETERS:
        raise ValueError(
            f"expected a network of at most {MOST_PARAMETERS:,} parameters, got {count:,}: pass a width below {width}"
        )


@dataclass(frozen=True)
class Run:
    """One network, trained once: everything that its result depends on.

    Attributes:
        dataset: `digits`, `fashion` or `cifar10`.
        kind: `plain` or `residual`.
        depth: 6n + 2 layers.
        seed: of the initial weights, the order of the images and their augmentation.
        width: channels of the first stage.
        size: height and width of the images in pixels.
        images: how many of the training images are used, from the first on.
        epochs: how often the network sees all of them.
        batch: images a step.
        lr: learning rate.
        augment: whether images are shifted by up to an eighth of their side, at most 4 pixels, and, but for digits,
            mirrored.
    """

    dataset: str
    kind: str
    depth: int
    seed: int
    width: int = 16
    size: int = 28
    images: int = 60_000
    epochs: int = 140
    batch: int = 128
    lr: float = 0.1
    augment: bool = True

    def __post_init__(self) -> None:
        one_of("dataset", self.dataset, DATASETS)
        one_of("kind", self.kind, KINDS)
        for name in ("width", "size", "epochs", "batch"):
            positive_int(name, getattr(self, name))
        positive_number("lr", self.lr, example=0.1)
        one_of("augment", self.augment, (True, False))
        whole_number("seed", self.seed, range(2**31))
        most = DATASETS[self.dataset][1]
        positive_int("images", self.images, most=most, why=f"at most the {most:,} of {self.dataset}")
        _buildable(self.kind, self.depth, self.width, self.size)

    @property
    def name(self) -> str:
        """What the progress bar calls it: `plain-20, seed 0`."""
        return f"{self.kind}-{self.depth}, seed {self.seed}"

    @property
    def images_of(self) -> tuple[str, int, int]:
        """Which images it learns from: runs in which this is the same share them."""
        return self.dataset, self.size, self.images

    @property
    def key(self) -> str:
        """What its checkpoint is called: 16 hexadecimal digits that no other run has."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def cost(self) -> int:
        """How long it takes, in units that say only which of two runs takes longer."""
        return self.depth * self.images * self.epochs * self.size**2 * self.width

    def build(self, in_channels: int, classes: int) -> nn.Module:
        """The network; its weights are drawn from torch's random state as it is."""
        return KINDS[self.kind](self.depth, width=self.width, in_channels=in_channels, classes=classes)


def load(run: Run, folder: Path | None = None) -> tuple[Split, Split]:
    """The run's training and test images, standardised.

    Raises:
        ValueError: CIFAR-10 without a folder, or a damaged file.
        OSError: Fashion-MNIST is not on the machine and cannot be downloaded.
    """
    if run.dataset == "cifar10":
        if folder is None:
            raise ValueError("expected a folder with CIFAR-10, got none: pass --data cifar-10-batches-py")
        train, test = cifar10(run.size, folder=folder)
    elif run.dataset == "fashion":
        train, test = fashion_mnist(run.size, folder=folder)
    else:
        train, test = digits(run.size)
    return Split(train.images[: run.images], train.labels[: run.images]), test


def train(
    run: Run, train_set: Split, test_set: Split, checkpoint: Path, *, device: str = "cpu", bar: tqdm | None = None
) -> dict:
    """Train one network, going on from `checkpoint` where there is one, and measure it.

    Each epoch draws the order of the images and their augmentation from the seed and its own number alone, so a resumed
    run does what an uninterrupted one does.

    Returns:
        `training_error` and `test_error`, shares between 0 and 1, and `training_loss` in nats, in evaluation mode;
        `curve`, the training error of each epoch, counted while the network learned.

    Raises:
        ValueError: a checkpoint that cannot be read, or a training that diverges.
    """
    train_set, test_set = (Split(*(t.to(device) for t in split)) for split in (train_set, test_set))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        network = run.build(train_set.images.shape[1], 10).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=run.lr, momentum=0.9, weight_decay=1e-4)
    curve: list[float] = []
    if checkpoint.exists():
        try:
            if damaged := zipfile.ZipFile(checkpoint).testzip():  # torch itself checks no sums
                raise ValueError(f"{damaged} is not what was written")
            saved = torch.load(checkpoint, map_location=device, weights_only=True)
            network.load_state_dict(saved["network"])
            optimizer.load_state_dict(saved["optimizer"])
            curve = list(saved["curve"])
        except Exception as problem:  # torch and zipfile raise half a dozen kinds
            raise ValueError(
                f"expected a checkpoint of this run in {checkpoint}, got a damaged file ({type(problem).__name__}): "
                "delete it, and this run starts anew"
            ) from None
    if bar is not None:
        bar.update(len(curve))
    steps = -(-run.images // run.batch)
    for epoch in range(len(curve), run.epochs):
        generator = torch.Generator().manual_seed(run.seed * 1_000_003 + epoch)
        network.train()
        wrong = torch.zeros((), dtype=torch.int64, device=device)
        for step, chosen in enumerate(torch.randperm(run.images, generator=generator).split(run.batch)):
            for group in optimizer.param_groups:
                group["lr"] = rate(run, epoch, (step + 1) / steps)
            images, labels = train_set.images[chosen.to(device)], train_set.labels[chosen.to(device)]
            if run.augment:
                images = augmented(images, generator, mirror=run.dataset != "digits")
            logits = network(images)
            loss = F.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            wrong += (logits.argmax(1) != labels).sum()
        curve.append(wrong.item() / run.images)
        save(checkpoint, {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "curve": curve})
        if bar is not None:
            bar.set_postfix_str(f"training error {curve[-1]:.1%}", refresh=False)
            bar.update()
    logits = predict(network, train_set.images)
    training_loss = F.cross_entropy(logits.double(), train_set.labels).item()
    if not isfinite(training_loss):
        raise ValueError(f"expected {run.name} to have a loss, got {training_loss}: pass an lr below {run.lr:g}")
    return {
        "training_error": share_wrong(logits, train_set.labels),
        "training_loss": training_loss,
        "test_error": error(network, test_set),
        "curve": curve,
    }


def rate(run: Run, epoch: int, progress: float) -> float:
    """The learning rate: it rises through the first epoch, of which `progress` is done, then falls twice to a tenth."""
    if epoch == 0:
        return run.lr * progress
    return run.lr * 0.1 ** sum(epoch >= share * run.epochs for share in (0.5, 0.75))


def augmented(images: torch.Tensor, generator: torch.Generator, *, mirror: bool) -> torch.Tensor:
    """Images `(N, C, H, W)`, each shifted by up to 4 pixels, or an eighth of its height where that is less.

    About half of them are mirrored too, where `mirror` says so. What comes in from outside is 0.
    """
    reach = min(4, images.shape[2] // 8)
    return shifted(images, reach, fill=0.0, mirror=mirror, generator=generator)


def save(path: Path, state: dict) -> None:
    """Replace a checkpoint as a whole: the new one is on disk before the old one goes."""
    part = path.with_suffix(".part")
    content = io.BytesIO()  # on a full disk torch's own writer would end in another error than OSError
    torch.save(state, content)
    with part.open("wb") as file:
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read(path: Path) -> list[dict]:
    """The results in a file, oldest first. A last line that a kill cut off does not count.

    Raises:
        ValueError: any other line that is not a result.
    """
    if not path.exists():
        return []
    results: list[dict] = []
    for number, line in enumerate(_whole(path.read_bytes()).split(b"\n")[:-1], start=1):
        try:
            results.append(_result(line, [other["run"] for other in results]))
        except (ValueError, TypeError, KeyError) as problem:
            raise ValueError(
                f"expected line {number} of {path} to be a result of this experiment, got {line[:60]!r} ({problem}): "
                "mend or remove the line, or pass another --out"
            ) from None
    return results


def _whole(content: bytes) -> bytes:
    """All lines but a last one that a kill cut off. A last line that lacks only its end gets it."""
    before, newline, last = content.rpartition(b"\n")
    begun = last[: len(BEGINNING)] == BEGINNING[: len(last)]
    try:
        json.loads(last)
    except ValueError:
        if begun:
            return before + newline
    return content + b"\n"


def _result(line: bytes, others: list[dict]) -> dict:
    """The result in a line. Raises ValueError: no such result, or one of a run that is among the others."""
    result = json.loads(line)
    run = Run(**result["run"])
    if result["run"] in others:
        raise ValueError(f"another line has {run.name} as well")
    if len(result["curve"]) != run.epochs:
        raise ValueError(f"the curve has {len(result['curve'])} of {run.epochs} epochs")
    for share in (result["training_error"], result["test_error"], *result["curve"]):
        number_within("an error", share, 0, 1)
    number_within("training_loss", result["training_loss"], 0, 1e9)
    return result


def recorded() -> list[dict]:
    """The results that ship with the library; every line says with which command, seeds and environment it was made."""
    return read(RECORDED)


def append(path: Path, result: dict) -> None:
    """Add one line to the results, whole and on disk, or not at all. A last line that a kill cut off is removed."""
    with FileLock(f"{path}.lock"), path.open("ab+") as file:
        file.seek(0)
        content = file.read()
        whole = _whole(content)
        file.truncate(min(len(whole), len(content)))
        file.write(whole[len(content) :] + json.dumps(result, allow_nan=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def pending(grid: list[Run], out: Path) -> Iterator[tuple[Run, Path]]:
    """The runs that no process has finished and none works on, longest first, each with the path of its checkpoint.

    Each is locked while the caller works on it. The lock of a process that dies is free again, so another process takes
    its run over.
    """
    folder = out.with_suffix(".runs")
    folder.mkdir(parents=True, exist_ok=True)
    for run in sorted(grid, key=lambda run: (-run.cost, run.kind, run.seed)):
        checkpoint = folder / f"{run.key}.pt"
        try:
            with FileLock(f"{checkpoint}.lock", timeout=0):
                if any(result["run"] == asdict(run) for result in read(out)):
                    checkpoint.unlink(missing_ok=True)  # left by a kill right after its result was written
                else:
                    yield run, checkpoint
        except Timeout:
            continue


def study(
    grid: list[Run], out: Path, *, data: Path | None = None, device: str = "cpu", command: str = "", position: int = 0
) -> None:
    """Finish every run of the grid that is not finished yet, one JSON line each in `out`.

    Args:
        grid: the runs.
        out: the file of results; checkpoints stand in the folder beside it until their run is done.
        data: the folder of the images.
        device: where to compute.
        command: what to record as the command that made the results.
        position: line of the terminal for this process's progress bar.

    Raises:
        ValueError, OSError: as `load`, `train` and `read`.
    """
    torch.set_num_threads(1)  # sums come out in one order, whoever does the run
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    done = read(out)
    finished = len(done)
    due = [run for run in grid if asdict(run) not in [result["run"] for result in done]]
    loaded = {run.images_of: load(run, data) for run in due[:1]}  # before anything is written
    while True:
        before = finished
        for run, checkpoint in pending(grid, out):
            if run.images_of not in loaded:
                loaded = {run.images_of: load(run, data)}
            start = time.perf_counter()
            with tqdm(total=run.epochs, desc=run.name, unit="epoch", position=position, disable=None) as bar:
                measured = train(run, *loaded[run.images_of], checkpoint, device=device, bar=bar)
            how = made_by(
                command,
                device=torch.cuda.get_device_name(device) if device.startswith("cuda") else processor(),
                python=platform.python_version(),
                seconds=round(time.perf_counter() - start),
            )
            append(out, {"run": asdict(run), **measured, "made_by": how})
            checkpoint.unlink(missing_ok=True)
            finished += 1
        if finished == before:  # all that is left is another process's work
            return


def table(results: list[dict]) -> str:
    """Training and test error by kind and depth: mean, least and most over the seeds."""
    lines = [f"{'network':<14}{'training error':>24}{'test error':>24}   seeds"]
    groups: dict[tuple, list[dict]] = {}
    for result in results:
        groups.setdefault((result["run"]["kind"], result["run"]["depth"]), []).append(result)
    for (kind, depth), group in sorted(groups.items()):
        cells = []
        for what in ("training_error", "test_error"):
            values = [result[what] for result in group]
            cells.append(f"{sum(values) / len(values):.2%} ({min(values):.2%}-{max(values):.2%})")
        lines.append(f"{f'{kind}-{depth}':<14}{cells[0]:>24}{cells[1]:>24}   {len(group)}")
    return "\n".join(lines)


def _rank(name: str) -> int:
    """The number that torchrun gives this process; 0 without it."""
    value = os.environ.get(name, "0")
    if not value.isdecimal():
        raise ValueError(f"expected {name} to be a whole number, as torchrun sets it, got {value!r}: unset it")
    return int(value)


def main(arguments: list[str] | None = None) -> None:
    """What the command line does; see the module's text and `--help`."""
    parser = parser_of("degradation", __doc__)
    parser.add_argument("--smoke", action="store_true", help="two tiny runs on the digits, in seconds")
    parser.add_argument("--dataset", choices=DATASETS)
    parser.add_argument("--data", type=Path, help="folder of the images, where they are not found by themselves")
    parser.add_argument("--kinds", nargs="+", choices=KINDS)
    parser.add_argument("--depths", nargs="+", type=int)
    parser.add_argument("--seeds", nargs="+", type=int)
    for field in fields(Run):
        if field.name in ("width", "size", "images", "epochs", "batch", "lr"):
            parser.add_argument(f"--{field.name}", type=float if field.name == "lr" else int)
    parser.add_argument("--augment", action=argparse.BooleanOptionalAction)
    parser.add_argument("--out", type=Path, help="file of the results; degradation.jsonl unless given")
    parser.add_argument("--device", help="cpu, cuda or cuda:1; a GPU where there is one unless given")
    given = {key: value for key, value in vars(parser.parse_args(arguments)).items() if value is not None}

    smoke = given.pop("smoke")
    settings: dict[str, Any] = {
        "kinds": list(KINDS),
        "depths": [20, 32, 44, 56, 110],
        "seeds": [0, 1, 2],
        "dataset": "fashion",
    }
    settings |= {"out": Path("degradation.jsonl"), "data": None, "device": None}
    if smoke:
        settings |= {"dataset": "digits", "depths": [8, 14], "seeds": [0], "width": 4, "epochs": 2, "lr": 0.05}
        settings["out"] = Path("degradation-smoke.jsonl")
    settings |= given
    settings = dict(zip(("size", "images"), DATASETS[settings["dataset"]])) | settings
    kinds, depths, seeds = settings.pop("kinds"), settings.pop("depths"), settings.pop("seeds")
    out, data, device = settings.pop("out"), settings.pop("data"), settings.pop("device")
    with refusals(parser):
        rank, first = _rank("LOCAL_RANK"), _rank("RANK") == 0
        if device is None:
            device = f"cuda:{rank % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"
        names = ("kind", "depth", "seed")
        grid = [Run(**dict(zip(names, those)), **settings) for those in product(kinds, depths, seeds)]
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as problem:
            raise ValueError(f"expected device to be one that this machine has, got {device!r}: {problem}") from None
        study(grid, out, data=data, device=device, command=command_of(parser, arguments), position=rank)
    if first:
        wanted = [asdict(run) for run in grid]
        results = [result for result in read(out) if result["run"] in wanted]
        print(table(results))
        if len(results) < len(grid):
            print(f"{len(grid) - len(results)} of {len(grid)} runs are still with other processes, or were cut off.")


if __name__ == "__main__":
    main()
