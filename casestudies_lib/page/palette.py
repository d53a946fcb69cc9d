"""The book's colours: each has one meaning, and no two groups share one."""

from __future__ import annotations

# Families of layers.
COLOURS = {
    "input": "#8c8c8c",
    "conv": "#4c78a8",
    "pool": "#e08214",
    "fully connected": "#54a24b",
    "output": "#b279a2",
}
# Layers by the block that they stand in, beside those above, which stand by themselves.
BLOCK_COLOURS = {
    "Inception module": "#c7a008",
    "bottleneck": "#b8443c",
    "depthwise separable": "#22958f",
    "inverted residual": "#8556a8",
}
# What is to be said of somebody's words; both in the middle are half true.
VERDICT_COLOURS = {
    "true": "#1a7f4b",
    "true with a condition": "#a86400",
    "imprecise": "#a86400",
    "wrong": "#c8372d",
}
# What a card rests on where it answers nobody: what was measured here is as good as true.
KIND_COLOURS = {"claim": VERDICT_COLOURS["true"], "recorded": "#6f5fc4", "quotation": "#77777a"}
# Networks without and with shortcuts, as matplotlib's C3 and C0 draw them on the same page.
PLAIN_COLOURS = {"plain": "#d62728", "residual": "#1f77b4"}
# Families of networks, in the order in which they appear.
FAMILY_COLOURS = ("#7a869a", "#b8860b", "#3f9b6c", "#c2559d", "#3d7dd8", "#e0604f", "#149a9a")
# The edge of a place that is pointed out in a photograph, and the light that falls on it.
MARKER, LIT = "#ff2d95", "#ffffff"
# What speaks for a class in a photograph, and what speaks against it.
FOR, AGAINST = "#ffa600", "#4b3fd6"
