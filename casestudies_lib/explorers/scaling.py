"""Sliders over depth, width and resolution of EfficientNet-B0, and one over all three together: what does it cost?"""

from __future__ import annotations

from math import floor

from IPython.display import HTML

from casestudies_lib.efficientnet import B0, compound, scaled, scaled_b0
from casestudies_lib.explorers.explorer import Knob, explorer_of_knobs, rounded
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.page.html import bar, joined, tag
from casestudies_lib.page.palette import COLOURS

KNOBS = {
    "phi": Knob("φ, all three", [half / 2 for half in range(15)], 0.0),
    "depth": Knob("depth ×", (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4), 1),
    "width": Knob("width ×", (0.5, 0.75, 1, 1.1, 1.2, 1.4, 1.6, 1.8, 2), 1),
    "resolution": Knob("resolution ×", (0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5), 1),
}
WHAT = ("blocks", "channels of the last block", "pixels", "parameters", "MACs")


def scaling() -> HTML:
    """Bars of blocks, channels, pixels, parameters and multiply-accumulates of a scaled B0, and four sliders.

    The bars end at seven steps of the rule; longer ones are cut off there. A button brings back B0.
    """
    base = counted(depth_mult=1, width_mult=1, resolution=224)
    most = counted(**compound(7))
    rows = [
        tag(
            "div",
            tag("div", name, ": ", tag("strong", f"{value:,}", class_="counts")),
            bar(value / full, COLOURS["conv"], 8),
            class_="way",
        )
        for name, value, full in zip(WHAT, base, most)
    ]
    words = "1.00 times the MACs of B0; depth × width² × resolution² says 1.00, 2 to the power of φ 1.00."
    given = {
        "table": B0,
        "rule": {f"{phi:g}": compound(phi) for phi in KNOBS["phi"].values},
        "base": base,
        "most": most,
    }
    back = tag("div", tag("button", "back to B0", type="button"), class_="controls", style="margin-bottom:.5em")
    return explorer_of_knobs("scaling", joined(*rows, back), KNOBS, words, given=given)


def combined(phi: float, depth: float, width: float, resolution: float) -> dict[str, float]:
    """What four sliders together make, for `scaled_b0`."""
    rule = compound(phi)
    return {
        "depth_mult": rounded(depth * rule["depth_mult"], 1e9),
        "width_mult": rounded(width * rule["width_mult"], 1e9),
        "resolution": floor(rule["resolution"] * resolution + 0.5),
    }


def counted(*, depth_mult: float, width_mult: float, resolution: float) -> tuple[int, int, int, int, int]:
    """What the bars show, from the network built with these multipliers and taken apart by `anatomy`."""
    found = anatomy(lambda: scaled_b0(depth_mult=depth_mult, width_mult=width_mult, resolution=int(resolution)))
    stages = scaled(width_mult, depth_mult)
    return sum(n for *_, n in stages), stages[-1][3], int(resolution), found.parameters, found.macs
