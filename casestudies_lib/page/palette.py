"""The book's colours, each with one meaning."""

from __future__ import annotations

CENTRED = "text-align:center"

COLOURS = {
    "input": "#8c8c8c",
    "conv": "#4c78a8",
    "pool": "#e08214",
    "fully connected": "#54a24b",
    "output": "#b279a2",
}
