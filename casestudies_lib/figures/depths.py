"""How deep networks are: a slice for each layer, and an arc for each shortcut."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from IPython.display import HTML

from casestudies_lib.checks import checked, one_of
from casestudies_lib.figures.look import colour_of
from casestudies_lib.figures.svg import line
from casestudies_lib.measure.graph import main_path, shortcuts, wiring
from casestudies_lib.measure.op import Family, Op
from casestudies_lib.models import MODELS, PUBLISHED
from casestudies_lib.page.html import drawing, tag

WIDE, TALL, GAP = 600, 28, 18  # of the longest bar, of every bar, and between two networks
ARC, WORDS = 26, 18  # room above a bar for its arcs, and for its words


@checked
def draw_depths(networks: Mapping[str, str]) -> HTML:
    """Networks as bars to one scale, a slice for each layer with weights, from the image at the left to the answer.

    Shortcuts are arcs over the layers that they pass. A projection stands on a shortcut, so it is no slice.

    Args:
        networks: title -> name in `PUBLISHED`, which knows the year.

    Raises:
        ValueError: no network, or one of which nothing is published.
    """
    if not networks:
        raise ValueError("expected at least one network to draw, got none: pass a title and a name of PUBLISHED")
    found = {title: _layers(name) for title, name in networks.items()}
    unit = WIDE / max(len(layers) for layers, _ in found.values())
    parts: list[str] = []
    spoken, y = [], 0.0
    for title, name in networks.items():
        layers, arcs = found[title]
        said = f"{PUBLISHED[name].year}: {len(layers)} layers"
        parts.append(tag("text", title, tag("tspan", f"  {said}", font_weight=400), y=y + 15, font_weight=700))
        y += WORDS + 6 + bool(arcs) * ARC
        for place, op in enumerate(layers):
            slot = {"x": f"{place * unit:.2f}", "y": y, "width": f"{unit - 0.9:.2f}", "height": TALL}
            parts.append(tag("rect", **slot, fill=colour_of(op), fill_opacity=0.85))
        for start, end in arcs:
            left, right, top = start * unit - 0.45, end * unit - 0.45, y - ARC + 3
            parts.append(
                line(f"M{left:.1f},{y - 2} C{left:.1f},{top} {right:.1f},{top} {right:.1f},{y - 2}", width=1.6)
            )
        y += TALL + GAP
        over = f", {len(arcs)} arcs over {arcs[0][1] - arcs[0][0]} layers each" if arcs else ", no arcs"
        spoken.append(f"{title}, {said}{over}")
    box = {"viewBox": f"0 0 {WIDE} {y - GAP + 4:.0f}", "fill": "currentColor", "font-size": 17}
    svg = tag("svg", *parts, **box, aria_hidden="true", style="width:100%;max-width:46em")
    return HTML(str(drawing(f"Networks as bars, a slice for each layer with weights. {'; '.join(spoken)}.", svg)))


def _layers(name: str) -> tuple[list[Op], list[tuple[int, int]]]:
    """The layers with weights of a network's main path, and how many of them stand before and up to each shortcut."""
    one_of("network", name, PUBLISHED)
    with torch.device("meta"):
        network = MODELS[name]()
    nodes = wiring(network[:], network.expects.shape)
    path = main_path(nodes)
    weighted = [nodes[step].op.family in (Family.CONV, Family.FULLY_CONNECTED) for step in path]

    def before(step: str) -> int:
        return sum(weighted[: path.index(step) + 1])

    ops = [nodes[step].op for step, has in zip(path, weighted, strict=True) if has]
    return ops, [(before(shortcut.start), before(shortcut.end)) for shortcut in shortcuts(nodes)]
