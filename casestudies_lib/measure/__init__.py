"""What is in a network, measured on the live module: layers, parameters, MACs, receptive fields, what reads what."""

from casestudies_lib.measure.anatomy import anatomy, written
from casestudies_lib.measure.graph import main_path, shortcuts, wiring

__all__ = ["anatomy", "main_path", "shortcuts", "wiring", "written"]
