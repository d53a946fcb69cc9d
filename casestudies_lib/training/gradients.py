"""How large the gradient is that reaches a network's first layer, and whether it is right."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from casestudies_lib.checks import SEEDS, checked, image_batch, positive_int, positive_number
from casestudies_lib.network import Network
from casestudies_lib.resnet import PlainBlock, ResidualBlock
from casestudies_lib.training.datasets import Split
from casestudies_lib.training.loop import built, cross_entropy, one_thread


@checked
def pytorch_default(network: nn.Module) -> None:
    """Draw all weights anew, as PyTorch does unless told otherwise: smaller than He's."""
    for module in network.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()


@checked(seed=SEEDS)
def first_gradient(
    build: Callable[[], nn.Module], batch: Split, *, seed: int, init: Callable[[nn.Module], None] | None = None
) -> float:
    """Norm of the gradient of the loss at the first convolution's weights, before any training.

    Args:
        build: makes the network.
        batch: images and labels.
        seed: decides the initial weights.
        init: draws the weights anew.
    """
    batch.check()
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = built(build)
        if init:
            init(network)
        loss = cross_entropy(network(batch.images), batch.labels)
        (gradient,) = torch.autograd.grad(loss, _first(network))
    return gradient.norm().item()


def _first(network: nn.Module) -> nn.Parameter:
    """The first convolution's weights, by the name that it has in all networks of the experiments on depth."""
    if not isinstance(getattr(network, "conv1", None), nn.Conv2d):
        raise ValueError(f"expected a network that begins with conv1, got a {type(network).__name__}: take a ResNet")
    return network.get_parameter("conv1.weight")


@checked(seed=SEEDS)
def gradients_in_training(
    build: Callable[[], nn.Module], data: Split, *, seed: int, steps: int, batch_size: int = 50, lr: float = 5e-3
) -> tuple[list[float], list[float]]:
    """The norm of the first convolution's gradient, and the loss, at each of the first steps of training with Adam.

    Raises:
        ValueError: steps or batch_size below 1.
    """
    positive_int("steps", steps)
    positive_int("batch_size", batch_size)
    positive_number("lr", lr, example=5e-3)
    data.check()
    norms: list[float] = []
    losses: list[float] = []
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = built(build).train()
        _first(network).register_hook(lambda gradient: norms.append(gradient.norm().item()))
        # foreach: all weights in one call, to the same bit and in 0.45 to 0.65 of the time
        optimizer = torch.optim.Adam(network.parameters(), lr=lr, foreach=True)
        for _ in range(steps):
            chosen = torch.randint(len(data.images), (batch_size,))
            loss = cross_entropy(network(data.images[chosen]), data.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
    return norms, losses


@checked(seed=SEEDS)
def jacobian_error(build: Callable[[], nn.Module], images: torch.Tensor, *, seed: int, h: float = 1e-8) -> float:
    """How far finite differences are from the Jacobian of each block, relative, the worst of all blocks.

    The Jacobian of a residual block without projection is D (I + dF/da), that of a plain one D dF/da: F is the main
    path, and D is 1 where the ReLU at the end lets through, else 0. It is applied, transposed, to a random direction u;
    along the direction v that comes out, u (block(a + h v) - block(a - h v)) / 2h must be the length of v squared.

    Args:
        build: makes a network of plain or residual blocks.
        images: what goes in.
        seed: decides weights and directions.
        h: the step of the differences; everything is computed in double precision.

    Returns:
        The worst block's error; NaN if one of them computes NaN, or has no slope to compare.

    Raises:
        ValueError: a step that is not positive and finite, or a network without a block to test.
    """
    positive_number("h", h, most=1, example=1e-8)
    image_batch("images", images, values=False)
    errors = []
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = built(build).double().train()
        a = images.double()
        if isinstance(network, Network):
            network.expects.check(a, network)
        for layer in network.children():
            for block in layer if isinstance(layer, nn.Sequential) else [layer]:
                a = a.detach().requires_grad_()
                out = block(a)
                if isinstance(block, PlainBlock) and out.shape == a.shape:
                    u = torch.randn_like(out)
                    masked = u * (out > 0)
                    (v,) = torch.autograd.grad(block.main_path(a), a, masked)
                    if isinstance(block, ResidualBlock):
                        v = v + masked
                    length = v.norm()
                    with torch.no_grad():
                        step = h * a.norm() / length
                        slope = (u * (block(a + step * v) - block(a - step * v))).sum() / (2 * step)
                    errors.append((slope / length**2 - 1).abs())
                a = out
    if not errors:
        raise ValueError(
            "expected a network of plain or residual blocks of which one keeps its dimensions, got "
            f"{type(network).__name__} without any: pass for example partial(cifar_resnet, 8)"
        )
    return torch.stack(errors).max().item()  # torch's maximum keeps a NaN, Python's may drop it
