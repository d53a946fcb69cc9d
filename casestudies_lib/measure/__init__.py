"""What is in a network, measured on the live module: operations, parameters, MACs, receptive fields, the graph."""

from casestudies_lib.measure.anatomy import anatomy, written
from casestudies_lib.measure.graph import main_path, shortcuts, wiring
from casestudies_lib.measure.op import Family, Op, op_of

__all__ = ["Family", "Op", "anatomy", "main_path", "op_of", "shortcuts", "wiring", "written"]
