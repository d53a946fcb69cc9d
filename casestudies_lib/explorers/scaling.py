"""Sliders over depth, width and resolution of EfficientNet-B0, and one over all three together: what does it cost?"""

from __future__ import annotations

import json
from math import floor

from IPython.display import HTML

from casestudies_lib.efficientnet import ALPHA, B0, BETA, GAMMA, compound, scaled, scaled_b0
from casestudies_lib.explorers.slider import Knob, explorer_of_many
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.page.html import tag, text

KNOBS = {
    "phi": Knob("all three: φ", [half / 2 for half in range(15)], 0.0),
    "depth": Knob("depth alone, times", (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4), 1),
    "width": Knob("width alone, times", (0.5, 0.75, 1, 1.1, 1.2, 1.4, 1.6, 1.8, 2), 1),
    "resolution": Knob("resolution alone, times", (0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5), 1),
}
WHAT = ("blocks", "channels of the last", "pixels", "parameters", "MACs")

# `count` walks through B0's table as `scaled_b0` builds it: stem, blocks (expand, depthwise, squeeze and excite,
# project), head. Batch normalisation adds two parameters a channel, squeeze-excitation biases.
_MOVE = """
const round8 = c => { const r = Math.max(8, Math.floor((c + 4) / 8) * 8); return r + 8 * (r < 0.9 * c); };
const count = (depth, width, pixels) => {
  let size = Math.ceil(pixels / 2), c = round8(32 * width), blocks = 0, out = 0;
  let macs = 27 * c * size * size, parameters = 29 * c;
  for (const [t, k, s, channels, layers] of JSON.parse(box.dataset.table)) {
    out = round8(channels * width);
    for (let i = 0; i < Math.ceil(layers * depth); i += 1) {
      const wide = t * c, hidden = Math.max(1, Math.floor(c / 4));
      if (t > 1) { macs += c * wide * size * size; parameters += c * wide + 2 * wide; }
      size = Math.ceil(size / (i ? 1 : s));
      macs += k * k * wide * size * size + 2 * wide * hidden + wide * out * size * size;
      parameters += k * k * wide + 2 * wide + 2 * wide * hidden + hidden + wide + wide * out + 2 * out;
      c = out; blocks += 1;
    }
  }
  const last = 4 * c;
  macs += c * last * size * size + last * 1000;
  parameters += c * last + 2 * last + last * 1000 + 1000;
  return [blocks, out, pixels, parameters, macs];
};
const [alpha, beta, gamma] = JSON.parse(box.dataset.rule);
const exact = v => Math.round(v * 1e9) / 1e9;
const depth = exact(at.depth * exact(alpha ** at.phi)), width = exact(at.width * exact(beta ** at.phi));
const pixels = Math.floor(Math.floor(224 * gamma ** at.phi + .5) * at.resolution + .5);
const base = count(1, 1, 224), here = count(depth, width, pixels), most = JSON.parse(box.dataset.most);
box.querySelectorAll('.way').forEach((row, i) => {
  row.querySelector('.bar').style.width = 100 * Math.min(1, here[i] / most[i]) + '%';
  row.querySelector('.counts').textContent = here[i].toLocaleString('en-US');
});
const times = (here[4] / base[4]).toFixed(2);
words = times + ' times the MACs of B0; depth × width² × resolution² says '
  + (depth * width ** 2 * (pixels / 224) ** 2).toFixed(2) + ', 2 to the power of φ ' + (2 ** at.phi).toFixed(2) + '.';
"""


def scaling() -> HTML:
    """Bars of blocks, channels, pixels, parameters and multiply-accumulates of a scaled B0, and four sliders.

    The bars end at seven steps of the rule; longer ones are cut off there.
    """
    base = counted(depth_mult=1, width_mult=1, resolution=224)
    most = counted(**compound(7))
    rows = [
        tag(
            "div",
            tag("div", text(name), ": ", tag("strong", f"{value:,}", class_="counts")),
            tag("div", class_="bar", style=f"height:8px;background:#4c78a8;width:{100 * value / full}%"),
            class_="way",
            style="text-align:left;margin-bottom:.35em",
        )
        for name, value, full in zip(WHAT, base, most)
    ]
    words = "1.00 times the MACs of B0; depth × width² × resolution² says 1.00, 2 to the power of φ 1.00."
    data = {"data_table": json.dumps(B0), "data_rule": json.dumps([ALPHA, BETA, GAMMA]), "data_most": json.dumps(most)}
    return explorer_of_many("".join(rows), KNOBS, words, move=_MOVE, **data)


def combined(phi: float, depth: float, width: float, resolution: float) -> dict[str, float]:
    """What four sliders together make, for `scaled_b0`."""
    rule = compound(phi)
    multiplied = {
        "depth_mult": round(depth * rule["depth_mult"], 9),
        "width_mult": round(width * rule["width_mult"], 9),
    }
    return multiplied | {"resolution": floor(rule["resolution"] * resolution + 0.5)}


def counted(*, depth_mult: float, width_mult: float, resolution: int) -> tuple[int, int, int, int, int]:
    """What the bars show, from the network built with these multipliers and taken apart by `anatomy`."""
    found = anatomy(lambda: scaled_b0(depth_mult=depth_mult, width_mult=width_mult, resolution=resolution))
    stages = scaled(width_mult, depth_mult)
    return sum(n for *_, n in stages), stages[-1][3], resolution, found.parameters, found.macs
