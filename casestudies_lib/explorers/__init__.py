"""Pictures that a reader can move without a kernel: on the static page, in Colab and in Jupyter, by keyboard and touch.

The numbers are worked out in Python and travel with the picture; the few lines of JavaScript only choose
among them.
"""

from casestudies_lib.explorers.depth import depth_slider
from casestudies_lib.explorers.fade import fade
from casestudies_lib.explorers.receptive_field import receptive_field

__all__ = ["depth_slider", "fade", "receptive_field"]
