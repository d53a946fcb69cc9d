"""The same weights give the same outputs as torchvision's networks, so public checkpoints load and mean the same."""

import pytest
import torch
from torch import nn

from casestudies_lib.models import MODELS

PAIRS = {"alexnet_torchvision": "alexnet"} | {
    f"vgg{depth}{norm}": f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")
}
PAIRS |= {f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)}


@pytest.mark.parametrize("ours", PAIRS)
def test_outputs_equal_torchvision(torchvision, ours):
    torch.manual_seed(1)
    theirs = torchvision.models.get_model(PAIRS[ours], weights=None).eval()
    for module in theirs.modules():  # untrained statistics are 0 and 1, and would hide a misplaced normalisation
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
    with torch.device("meta"):
        mine = MODELS[ours]().eval()
    mine.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for size in (224, 256):
        x = torch.randn(2, 3, size, size)
        with torch.no_grad():
            wanted, got = theirs(x), mine(x)
        assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_the_library_never_imports_torchvision():
    import subprocess
    import sys

    code = (
        "import pkgutil, importlib, sys, casestudies_lib as lib\n"
        "for m in pkgutil.walk_packages(lib.__path__, 'casestudies_lib.'): importlib.import_module(m.name)\n"
        "sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
