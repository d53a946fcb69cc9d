"""Experiments that take longer than a page may: run by hand, recorded, and shipped with the command that made them."""

from casestudies_lib.experiments.record import made

__all__ = ["made"]
