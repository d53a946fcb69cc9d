"""Sliders over the sizes of a convolution: what do two ways of computing the same output cost?"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import ImageSpec, one_of
from casestudies_lib.explorers.explorer import Knob, explorer_of_knobs, rounded
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.network import Network
from casestudies_lib.page.html import bar, joined, tag
from casestudies_lib.page.palette import COLOURS


class Conv(NamedTuple):
    """A convolution that keeps height and width; each field is a number or the name of a knob."""

    kernel_size: int | str
    in_channels: int | str
    out_channels: int | str
    groups: int | str = 1

    def at(self, values: Mapping[str, float]) -> tuple[int, ...]:
        """Its four numbers where the knobs have these values."""
        return tuple(int(values[field]) if isinstance(field, str) else field for field in self)


MOST = 9_999  # the largest break-even that is looked for


def cost(ways: Mapping[str, Sequence[Conv]], knobs: Mapping[str, Knob], *, breakeven: str | None = None) -> HTML:
    """Bars of multiply-accumulates and counts of parameters for two ways to compute an output, and a slider a size.

    Args:
        ways: title -> chain of convolutions; the second is compared with the first.
        knobs: name -> slider; one is called `size`, the height and width, in pixels.
        breakeven: a knob; its largest value with which the second way still saves is told.

    Raises:
        ValueError: not two ways, no knob called `size`, a field that names no knob, convolutions that do not fit each
            other, an even kernel, or a break-even of anything but channels of the second way.
    """
    _check(ways, knobs, breakeven)
    at = {name: knob.start for name, knob in knobs.items()}
    counts = {title: counted(way, at) for title, way in ways.items()}
    most = max(macs for macs, _ in counts.values())
    rows = []
    for (title, way), (macs, parameters) in zip(ways.items(), counts.values()):
        convs = [Conv(*conv.at(at)) for conv in way]
        chain = " → ".join(f"{c.kernel_size}×{c.kernel_size}{_groups(c)} conv, {c.out_channels}" for c in convs)
        rows.append(
            tag(
                "div",
                tag("div", tag("strong", title), ": ", tag("span", chain, class_="chain")),
                bar(macs / most, COLOURS["conv"], 10),
                tag("div", f"{macs:,} MACs, {parameters:,} parameters", class_="counts"),
                class_="way",
            )
        )
    (_, second), ((before, _), (after, _)) = ways, counts.values()
    words = f"{second}: {_compared(before, after)} MACs."
    given: dict[str, object] = {"ways": [(title, [conv._asdict() for conv in way]) for title, way in ways.items()]}
    if breakeven:
        tried = range(1, MOST + 1)
        best = bisect_left(tried, before, key=lambda value: counted(ways[second], at | {breakeven: value})[0])
        given |= {"even": breakeven, "label": knobs[breakeven].label, "most": MOST}
        words += f" It pays with up to {best:,} {knobs[breakeven].label}." if best else " It never pays."
    return explorer_of_knobs("cost", joined(*rows), knobs, words, given=given)


def _compared(before: int, after: int) -> str:
    times = max(before / after, after / before)
    if times < 1.05:
        return "as many" if before == after else "about as many"
    return f"{rounded(times, 10):.1f} times {'more' if after > before else 'fewer'}"


def _groups(conv: Conv) -> str:
    return "" if conv.groups == 1 else " depthwise" if conv.groups == conv.in_channels else " grouped"


def _check(ways: Mapping[str, Sequence[Conv]], knobs: Mapping[str, Knob], breakeven: str | None) -> None:
    if len(ways) != 2:
        raise ValueError(f"expected two ways to compare, got {len(ways)}: pass a chain of convolutions for each")
    one_of("a knob", "size", knobs)
    for title, way in ways.items():
        if not way or not all(isinstance(conv, Conv) for conv in way):
            raise ValueError(f"expected {title!r} to be a chain of convolutions, got {way!r}: pass a list of Conv")
        for field in (field for conv in way for field in conv if isinstance(field, str)):
            one_of("a field of a convolution", field, knobs)
        for before, after in pairwise(way):
            if before.out_channels != after.in_channels:
                raise ValueError(
                    f"expected {after} to read the output of {before}: pass in_channels={before.out_channels!r}"
                )
        for kernel in (conv.kernel_size for conv in way):
            sides = knobs[kernel].values if isinstance(kernel, str) else (kernel,)
            if any(side % 2 == 0 for side in sides):
                raise ValueError(f"expected odd kernels, which keep height and width, got {sides}: leave out even ones")
    squeezes = {field for conv in list(ways.values())[1] for field in conv[1:3] if isinstance(field, str)}
    if breakeven is not None:
        one_of("breakeven", breakeven, squeezes)


def counted(way: Sequence[Conv], at: Mapping[str, float]) -> tuple[int, int]:
    """MACs and parameters of a chain of convolutions, built with the knobs' values and taken apart by `anatomy`."""
    layers = {}
    with torch.device("meta"):
        for number, conv in enumerate(way):
            kernel_size, in_channels, out_channels, groups = conv.at(at)
            padding = kernel_size // 2
            layers[str(number)] = nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, groups=groups)
    found = anatomy(Network("a chain", ImageSpec(layers["0"].in_channels, int(at["size"])), layers))
    return found.macs, found.parameters
