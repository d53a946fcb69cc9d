"""One short training loop, on one thread, and how many images a trained network gets wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.checks import SEEDS, checked, positive_int, positive_number
from casestudies_lib.training.datasets import Split


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: on a busy machine two are slower, and sums come out in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def built(build: Callable[[], nn.Module]) -> nn.Module:
    """What a function builds. Raises ValueError: no network."""
    network = build()
    if not isinstance(network, nn.Module):
        raise ValueError(f"expected build to make a network, got a {type(network).__name__}: return the network")
    return network


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean loss (nats) of logits `(N, classes)`. Raises ValueError: a label that the network has no logit for."""
    _check_classes(logits, labels)
    return F.cross_entropy(logits, labels)


def _check_classes(logits: torch.Tensor, labels: torch.Tensor) -> None:
    if (most := int(labels.max())) >= logits.shape[1]:
        classes = logits.shape[1]
        raise ValueError(f"expected labels below the network's {classes}, got {most}: build it with classes={most + 1}")


@checked(seed=SEEDS)
def train(
    build: Callable[[], nn.Module],
    data: Split,
    *,
    seed: int,
    epochs: int,
    batch_size: int = 50,
    lr: float = 3e-3,
    augment: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> tuple[nn.Module, list[float]]:
    """Build a network from `seed` and train it with Adam and cross-entropy.

    Args:
        build: makes the network.
        data: training images and labels.
        seed: decides the initial weights and the order of the images.
        epochs: how often the network sees all the data.
        batch_size: images a step.
        lr: Adam's learning rate at the start; it falls linearly to 0.
        augment: makes the images of each step over, such as `shifted`; torch's random numbers come from `seed`.

    Returns:
        The trained network in evaluation mode, and the mean training loss (nats) of each epoch.

    Raises:
        ValueError: epochs or batch_size below 1, a learning rate that is not above 0, nothing that is built, images
            or labels that `Split.check` refuses, or a label that the network has no logit for.
    """
    positive_int("epochs", epochs)
    positive_int("batch_size", batch_size)
    positive_number("lr", lr, example=3e-3)
    data.check()
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = built(build).train()
        # foreach: all weights in one call, to the same bit and in 0.45 to 0.65 of the time
        optimizer = torch.optim.Adam(network.parameters(), lr=lr, foreach=True)
        total = epochs * -(-len(data.images) // batch_size)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=total)
        losses = []
        for _ in range(epochs):
            running = 0.0
            for chosen in torch.randperm(len(data.images)).split(batch_size):
                images = data.images[chosen]
                if augment:
                    images = augment(images)
                loss = cross_entropy(network(images), data.labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                running += loss.item() * len(chosen)
            losses.append(running / len(data.images))
    return network.eval(), losses


@torch.no_grad()
@checked
def predict(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits `(N, classes)` of `images` `(N, C, H, W)`, on one thread; the network is in evaluation mode afterwards."""
    with one_thread():
        return torch.cat([network.eval()(part) for part in images.split(500)])


@checked
def error(network: nn.Module, data: Split) -> float:
    """Share of `data` that the network gets wrong, between 0 and 1."""
    data.check()
    return share_wrong(predict(network, data.images), data.labels)


@checked
def share_wrong(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the images, between 0 and 1, whose highest logit is not that of their label.

    Args:
        logits: `(N, classes)`.
        labels: `(N,)`.
    """
    _check_classes(logits, labels)
    return (logits.argmax(1) != labels).sum().item() / len(labels)
