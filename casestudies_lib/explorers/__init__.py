"""Pictures that a reader can move without a kernel: on the static page, in Colab and in Jupyter, by keyboard and touch.

Where one slider moves, all that it can show is worked out in Python and travels with the picture, and JavaScript only
chooses. Where a reader moves more, there are too many numbers, so a function in the `.js` file beside the Python works
them out; tests in a real browser compare it with the library at hundreds of settings. All else is handed over as data.
The reader's own photograph alone needs a file of the site, with a trained network; elsewhere it shows stored results.
"""

from casestudies_lib.explorers.compare import Row, compare
from casestudies_lib.explorers.cost import Conv, cost
from casestudies_lib.explorers.depth import depth_slider
from casestudies_lib.explorers.digit import draw_a_digit
from casestudies_lib.explorers.explorer import Knob
from casestudies_lib.explorers.fade import fade
from casestudies_lib.explorers.mix import mix
from casestudies_lib.explorers.photograph import your_photograph
from casestudies_lib.explorers.receptive_field import receptive_field
from casestudies_lib.explorers.scaling import scaling

__all__ = [
    "Conv",
    "Knob",
    "Row",
    "compare",
    "cost",
    "depth_slider",
    "draw_a_digit",
    "fade",
    "mix",
    "receptive_field",
    "scaling",
    "your_photograph",
]
