"""torchvision to compare with, which the library itself never imports."""

from __future__ import annotations

import sys
from types import ModuleType

import torch


def torchvision() -> ModuleType:
    """torchvision, also where its compiled operators do not fit torch's CPU build: the models need none of them."""
    try:
        import torchvision
    except RuntimeError:
        for operator in ("nms", "qnms"):
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{operator}", schema)
        for name in [name for name in sys.modules if name.startswith("torchvision") and name != __name__]:
            del sys.modules[name]
        import torchvision
    return torchvision
