"""Pictures of what `measure` found in the live module, and of live data, each with alt text made from the same."""

from casestudies_lib.figures.branches import draw_branches, draw_channels, draw_position, draw_side_branches
from casestudies_lib.figures.charts import digits_grid, figure, show
from casestudies_lib.figures.diagrams import draw_block, draw_columns, draw_scaled, symbols_of
from casestudies_lib.figures.volumes import draw, draw_connections

__all__ = [
    "digits_grid",
    "draw",
    "draw_block",
    "draw_branches",
    "draw_channels",
    "draw_columns",
    "draw_connections",
    "draw_position",
    "draw_scaled",
    "draw_side_branches",
    "figure",
    "show",
    "symbols_of",
]
