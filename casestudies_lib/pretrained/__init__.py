"""Networks with their public weights, which classify a photograph after one line."""

from casestudies_lib.pretrained.checkpoints import CHECKPOINTS
from casestudies_lib.pretrained.classify import Guess, Guesses, Pretrained, class_names, pretrained

__all__ = ["CHECKPOINTS", "Guess", "Guesses", "Pretrained", "class_names", "pretrained"]
