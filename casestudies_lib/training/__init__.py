"""Real images as one tensor, and a short training loop."""

from casestudies_lib.training.augmentation import shifted
from casestudies_lib.training.datasets import Split, digits, mnist
from casestudies_lib.training.gradients import first_gradient, gradients_in_training, jacobian_error, pytorch_default
from casestudies_lib.training.loop import error, one_thread, predict, train
from casestudies_lib.training.photographs import photograph

__all__ = [
    "Split",
    "digits",
    "error",
    "first_gradient",
    "gradients_in_training",
    "jacobian_error",
    "mnist",
    "one_thread",
    "photograph",
    "predict",
    "pytorch_default",
    "shifted",
    "train",
]
