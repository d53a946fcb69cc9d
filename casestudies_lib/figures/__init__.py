"""Pictures of what `measure` found in the live module, and of live data, each with alt text made from the same."""

from casestudies_lib.figures.block import draw_block, symbols_of
from casestudies_lib.figures.branches import draw_auxiliary_classifiers, draw_branches
from casestudies_lib.figures.channels import draw_channels, draw_connections, draw_position
from casestudies_lib.figures.charts import digits_grid, figure, show
from casestudies_lib.figures.columns import draw_columns, draw_scaled
from casestudies_lib.figures.depths import draw_depths
from casestudies_lib.figures.gates import draw_gates
from casestudies_lib.figures.inside import (
    activation_maps,
    class_activation,
    class_map_grid,
    kernel_images,
    strongest_crops,
)
from casestudies_lib.figures.mixing import draw_filter_and_mix
from casestudies_lib.figures.paths import draw_paths
from casestudies_lib.figures.poster import draw_poster, parts_of, save_poster
from casestudies_lib.figures.residual import draw_residual
from casestudies_lib.figures.stacked import draw_stack
from casestudies_lib.figures.strip import you_are_here
from casestudies_lib.figures.volumes import draw

__all__ = [
    "activation_maps",
    "class_activation",
    "class_map_grid",
    "digits_grid",
    "draw",
    "draw_auxiliary_classifiers",
    "draw_block",
    "draw_branches",
    "draw_channels",
    "draw_columns",
    "draw_connections",
    "draw_depths",
    "draw_filter_and_mix",
    "draw_gates",
    "draw_paths",
    "draw_position",
    "draw_poster",
    "draw_residual",
    "draw_scaled",
    "draw_stack",
    "figure",
    "kernel_images",
    "parts_of",
    "save_poster",
    "show",
    "strongest_crops",
    "symbols_of",
    "you_are_here",
]
