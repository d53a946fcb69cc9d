"""Pictures that a reader can move without a kernel: on the static page, in Colab and in Jupyter, by keyboard and touch.

Where one slider moves, the numbers are worked out in Python and travel with the picture, and the few lines of
JavaScript only choose among them. Where several do, there are too many numbers, so JavaScript computes them; a test in
a real browser then compares them with the library's.
"""

from casestudies_lib.explorers.compare import Row, compare
from casestudies_lib.explorers.cost import Conv, cost
from casestudies_lib.explorers.depth import depth_slider
from casestudies_lib.explorers.fade import fade
from casestudies_lib.explorers.mix import mix
from casestudies_lib.explorers.receptive_field import receptive_field
from casestudies_lib.explorers.scaling import scaling
from casestudies_lib.explorers.slider import Knob

__all__ = ["Conv", "Knob", "Row", "compare", "cost", "depth_slider", "fade", "mix", "receptive_field", "scaling"]
