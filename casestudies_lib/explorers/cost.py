"""Sliders over the sizes of a convolution: what do two ways of computing the same output cost?"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from IPython.display import HTML
from torch import nn

from casestudies_lib.checks import ImageSpec, one_of
from casestudies_lib.explorers.slider import Knob, explorer_of_many
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.network import Network
from casestudies_lib.page.html import tag, text


class Conv(NamedTuple):
    """A convolution that keeps height and width; each field is a number or the name of a knob."""

    kernel: int | str
    channels: int | str
    width: int | str
    groups: int | str = 1


MOST = 10_000  # where the search for a break-even ends

# `count` is the only formula: a weight for each of k x k window positions, input channel of the group and output
# channel, a bias for each output channel, and a multiplication per weight and output position.
_MOVE = """
const ways = JSON.parse(box.dataset.ways), even = box.dataset.even;
const count = (way, at) => {
  let macs = 0, parameters = 0;
  for (const fields of way) {
    const [k, c, w, g] = fields.map(field => at[field] ?? field), weights = k * k * (c / g) * w;
    parameters += weights + w; macs += weights * at.size * at.size;
  }
  return [macs, parameters];
};
const titles = Object.keys(ways), counts = Object.values(ways).map(way => count(way, at));
const most = Math.max(...counts.map(both => both[0])), written = n => n.toLocaleString('en-US');
box.querySelectorAll('.way').forEach((row, i) => {
  row.querySelector('.bar').style.width = 100 * counts[i][0] / most + '%';
  const chain = Object.values(ways)[i].map(fields => fields.map(field => at[field] ?? field));
  row.querySelector('.chain').textContent = chain.map(([k, c, w, g]) =>
    k + '×' + k + (g == 1 ? '' : g == c ? ' depthwise' : ' grouped') + ' conv, ' + w).join(' → ');
  row.querySelector('.counts').textContent = written(counts[i][0]) + ' MACs, ' + written(counts[i][1]) + ' parameters';
});
const ratio = counts[0][0] / counts[1][0];
const times = Math.max(ratio, 1 / ratio);
words = titles[1] + ': ' + (ratio == 1 ? 'as many' : times < 1.05 ? 'about as many'
  : times.toFixed(1) + (ratio < 1 ? ' times more' : ' times fewer')) + ' MACs.';
if (even) {
  let best = 0;
  while (best < MOST - 1 && count(Object.values(ways)[1], {...at, [even]: best + 1})[0] < counts[0][0]) best += 1;
  words += best ? ' It pays with up to ' + written(best) + ' ' + box.dataset.evenLabel + '.' : ' It never pays.';
}
""".replace("MOST", str(MOST))


def cost(ways: Mapping[str, Sequence[Conv]], knobs: Mapping[str, Knob], *, breakeven: str | None = None) -> HTML:
    """Bars of multiply-accumulates and counts of parameters for two ways to compute an output, and a slider a size.

    Args:
        ways: title -> chain of convolutions; the second is compared with the first.
        knobs: name -> slider; one is called `size`, the height and width, in pixels.
        breakeven: the knob of which the largest value is told with which the second way saves.

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
        convs = [Conv(*(at.get(field, field) for field in conv)) for conv in way]
        chain = " → ".join(f"{conv.kernel}×{conv.kernel}{_groups(conv)} conv, {conv.width}" for conv in convs)
        bar = f"height:10px;background:#4c78a8;width:{100 * macs / most}%"
        rows.append(
            tag(
                "div",
                tag("div", tag("strong", text(title)), ": ", tag("span", text(chain), class_="chain")),
                tag("div", class_="bar", style=bar),
                tag("div", f"{macs:,} MACs, {parameters:,} parameters", class_="counts", style="font-size:.9em"),
                class_="way",
                style="text-align:left;margin-bottom:.5em",
            )
        )
    (_, second), ((before, _), (after, _)) = ways, counts.values()
    times = max(before / after, after / before)
    more = f"{times:.1f} times {'more' if after > before else 'fewer'}" if times >= 1.05 else "about as many"
    more = "as many" if after == before else more
    words = f"{second}: {more} MACs."
    about = {}
    if breakeven:
        best = bisect_left(range(1, MOST), before, key=lambda value: counted(ways[second], at | {breakeven: value})[0])
        label = knobs[breakeven].label
        words += f" It pays with up to {best:,} {label}." if best else " It never pays."
        about = {"data_even": breakeven, "data_even_label": label}
    return explorer_of_many(
        "".join(rows), knobs, words, move=_MOVE, data_ways=json.dumps({t: list(w) for t, w in ways.items()}), **about
    )


def _groups(conv: Conv) -> str:
    return "" if conv.groups == 1 else " depthwise" if conv.groups == conv.channels else " grouped"


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
            if before.width != after.channels:
                raise ValueError(f"expected {after} to read the output of {before}: pass channels={before.width!r}")
        for kernel in (conv.kernel for conv in way):
            sides = knobs[kernel].values if isinstance(kernel, str) else (kernel,)
            if any(side % 2 == 0 for side in sides):
                raise ValueError(f"expected odd kernels, which keep height and width, got {sides}: leave out even ones")
    squeezes = {field for conv in list(ways.values())[1] for field in conv[1:3] if isinstance(field, str)}
    if breakeven is not None:
        one_of("breakeven", breakeven, squeezes)


def counted(way: Sequence[Conv], at: Mapping[str, int]) -> tuple[int, int]:
    """MACs and parameters of a chain of convolutions, built with the knobs' values and taken apart by `anatomy`."""
    layers = {}
    with torch.device("meta"):
        for number, conv in enumerate(way):
            kernel, channels, width, groups = (at.get(field, field) for field in conv)
            layers[str(number)] = nn.Conv2d(channels, width, kernel, padding=kernel // 2, groups=groups)
    found = anatomy(Network("a chain", ImageSpec(layers["0"].in_channels, at["size"]), layers))
    return found.macs, found.parameters
