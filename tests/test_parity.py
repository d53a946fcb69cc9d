"""The same weights give the same outputs as torchvision's networks, so public checkpoints load and mean the same."""

import pytest
import torch
from torch import nn

from casestudies_lib.inception import googlenet
from casestudies_lib.models import MODELS
from casestudies_lib.pretrained.checkpoints import CHECKPOINTS, load_checkpoint

# Lite0 is compared with its own package, and GoogLeNet below, with its auxiliary classifiers.
PAIRS = {name: name.removesuffix("_torchvision") for name in CHECKPOINTS if "lite0" not in name}
del PAIRS["googlenet_torchvision"]


def with_random_statistics(network):
    """Untrained statistics are 0 and 1, and would hide a misplaced normalisation."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
    return network.eval()


@pytest.mark.parametrize("ours", PAIRS)
def test_outputs_equal_torchvision(torchvision, ours):
    torch.manual_seed(1)
    theirs = with_random_statistics(torchvision.models.get_model(PAIRS[ours], weights=None))
    with torch.device("meta"):
        mine = MODELS[ours]().eval()
    load_checkpoint(mine, theirs.state_dict())
    assert list(mine.state_dict()) == list(theirs.state_dict())
    least = mine.expects.min_size or mine.expects.size
    for images, side in ((2, max(96, least)), (1, max(129, least + 32))):  # even and odd, where the network takes them
        x = torch.randn(images, 3, side, side)
        with torch.no_grad():
            wanted, got = theirs(x), mine(x)
        assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_googlenet_equals_torchvision_with_both_auxiliary_classifiers(torchvision):
    torch.manual_seed(1)
    build = torchvision.models.googlenet
    theirs = with_random_statistics(build(weights=None, aux_logits=True, init_weights=False, transform_input=False))
    for module in theirs.modules():  # PyTorch's own start keeps what 22 layers pass on in range
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    with torch.device("meta"):
        mine = googlenet("torchvision", aux=True).eval()
    load_checkpoint(mine, theirs.state_dict())
    assert list(mine.state_dict()) == list(theirs.state_dict())
    theirs.training = (
        True  # only at the root: it then returns the auxiliary classifiers' logits, and every layer stays in eval
    )
    for size in (224, 256, 193):
        x = torch.randn(2, 3, size, size)
        with torch.no_grad():
            wanted, got = theirs(x), mine.forward_with_aux(x)
            assert torch.equal(mine(x), got[0])
        for one, other in zip((wanted.logits, wanted.aux_logits1, wanted.aux_logits2), got, strict=True):
            assert (one - other).abs().max() <= 1e-5 * one.abs().max()


def test_the_library_never_imports_torchvision():
    import subprocess
    import sys

    code = (
        "import pkgutil, importlib, sys, casestudies_lib as lib\n"
        "for m in pkgutil.walk_packages(lib.__path__, 'casestudies_lib.'): importlib.import_module(m.name)\n"
        "sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
