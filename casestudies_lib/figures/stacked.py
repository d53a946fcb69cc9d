"""How far one unit sees through stacked convolutions: a grid for each map, smaller from left to right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import ImageSpec, checked
from casestudies_lib.figures.svg import line, picture, words
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.network import Network
from casestudies_lib.page.palette import COLOURS

_CELL, _GAP, _TOP = 12, 56, 36  # a position, the way from grid to grid, the words above


@checked
def draw_stack(chains: Mapping[str, nn.Sequential]) -> HTML:
    """What one unit behind a chain of convolutions sees of each map on the way, and the weights per pair of channels.

    The grids hold the positions that the unit depends on, and the shaded window is what one position of the next grid
    reads. Several chains stand below each other, to one scale.

    Args:
        chains: by title, convolutions with stride 1 that keep the number of channels, and activations, which are not
            drawn.

    Raises:
        ValueError: no convolution, or one with another stride or another number of channels.
    """
    if not chains:
        raise ValueError("expected at least one chain to draw, got none: pass a title and convolutions")
    parts: list[str] = []
    spoken, y, wide = [], 0.0, 0.0
    for title, chain in chains.items():
        convs = [layer for layer in chain if isinstance(layer, nn.Conv2d)]
        if not convs or any(c.stride != (1, 1) or c.in_channels != c.out_channels for c in convs):
            raise ValueError(
                f"expected convolutions with stride 1 that keep the number of channels, got {convs or 'none'}: pass "
                "one stage without its pool"
            )
        sides = [_seen(nn.Sequential(*convs[place:]), convs[0].in_channels) for place in range(len(convs))] + [1]
        weights = sum(c.kernel_size[0] * c.kernel_size[1] for c in convs)
        tall, x = sides[0] * _CELL, 4.0
        parts.append(words(f"{title}: {weights}C² weights", x, y + 14, "start"))
        for place, side in enumerate(sides):
            parts += _grid(x, y + _TOP + (tall - side * _CELL) / 2, side, COLOURS["conv" if place else "input"])
            parts.append(words(f"{side}×{side}", x + side * _CELL / 2, y + _TOP + tall + 13, small=True))
            x += side * _CELL
            if place < len(convs):
                parts += _cone(x, y + _TOP, tall, side, sides[place + 1], convs[place].kernel_size[0])
                x += _GAP
        spoken.append(
            f"{title}: one unit at the right sees "
            + ", then ".join(f"{side}×{side}" for side in reversed(sides[:-1]))
            + f" positions, layer by layer back to what goes in; {weights} weights for each pair of channels."
        )
        y, wide = y + _TOP + tall + 28, max(wide, x + 6)
    return picture(parts, wide, y - 8, " ".join(spoken), f"{wide * 1.35:.0f}px")


def _seen(chain: nn.Sequential, channels: int) -> int:
    """Positions, along one side, of what goes into the chain that one unit behind it sees."""
    spec = ImageSpec(channels, 64)  # any side that is larger than what is seen
    return anatomy(partial(Network, "a stack", spec, {"stack": chain})).layers[-1].receptive_field


def _grid(x: float, y: float, side: int, colour: str) -> list[str]:
    """Positions as squares, faintly filled."""
    long = side * _CELL
    rules = "".join(
        f"M{x:.1f},{y + i * _CELL:.1f} h{long} M{x + i * _CELL:.1f},{y:.1f} v{long} " for i in range(side + 1)
    )
    outline = f"M{x:.1f},{y:.1f} h{long} v{long} h{-long} z"
    return [line(outline, width=0, fill=colour), line(rules, width=0.5)]


def _cone(x: float, top: float, tall: float, side: int, after: int, window: int) -> list[str]:
    """The window of the first position of the next grid, and the lines that converge on that position."""
    y, next_y = (top + (tall - n * _CELL) / 2 for n in (side, after))
    left, long = x - side * _CELL, window * _CELL
    edge = left + long
    shaded = f"M{left:.1f},{y:.1f} h{long} v{long} h{-long} z"
    target = x + _GAP
    rays = (
        f"M{edge:.1f},{y:.1f} L{target:.1f},{next_y:.1f} M{edge:.1f},{y + long:.1f} L{target:.1f},{next_y + _CELL:.1f}"
    )
    return [
        line(shaded, width=1.8, fill=COLOURS["pool"]),
        line(rays, width=0.9),
        words(f"{window}×{window}", x + _GAP / 2, top - 4, small=True),
    ]
