"""Every whole number that the library asks for is refused where it is none, by name."""

import ast
from functools import partial
from pathlib import Path

import pytest
import torch

from casestudies_lib.alexnet import alexnet
from casestudies_lib.efficientnet import efficientnet, scaled_b0
from casestudies_lib.experiments import surface, timing
from casestudies_lib.figures import draw_paths
from casestudies_lib.inception import googlenet
from casestudies_lib.lenet import lenet5
from casestudies_lib.measure.inside import strongest
from casestudies_lib.mobilenet import mobilenet_v1, mobilenet_v2, mobilenet_v3
from casestudies_lib.nin import mlpconv, nin_cifar
from casestudies_lib.pretrained import pretrained
from casestudies_lib.resnet import cifar_resnet, resnet
from casestudies_lib.training import digits, photograph, train
from casestudies_lib.training.datasets import Split, cifar10, fashion_mnist
from casestudies_lib.training.gradients import gradients_in_training
from casestudies_lib.vgg import vgg

LIBRARY = Path(surface.__file__).parents[1]
few = Split(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3]))
small = partial(cifar_resnet, 8, width=1, in_channels=1)
# Of a file: what asks for a whole number of that name.
ASK = {
    "alexnet": [(alexnet, "classes")],
    "efficientnet": [
        (partial(efficientnet, "b0"), "classes"),
        (scaled_b0, "resolution"),
        (scaled_b0, "classes"),
    ],
    "experiments/surface": [
        (partial(surface.around, "plain", few, depth=8, seed=0, epochs=1, measured=2), "side"),
    ],
    "experiments/timing": [(partial(timing.timed, {}), "rounds")],
    "figures/paths": [(draw_paths, "blocks")],
    "inception": [(googlenet, "classes")],
    "lenet": [(lenet5, "classes"), (lenet5, "in_channels")],
    "measure/inside": [(partial(strongest, lenet5(), "conv1", 0, torch.rand(1, 1, 32, 32)), "count")],
    "mobilenet": [
        (mobilenet_v1, "classes"),
        (mobilenet_v1, "size"),
        (mobilenet_v2, "classes"),
        (partial(mobilenet_v3, "small"), "classes"),
    ],
    "nin": [
        (partial(mlpconv, out_channels=(1, 2, 3), kernel_size=3), "in_channels"),
        (partial(mlpconv, 3, (1, 2, 3)), "kernel_size"),
        (nin_cifar, "classes"),
    ],
    "pretrained/classify": [(lambda k: pretrained("efficientnet_lite0").guesses(torch.rand(3, 224, 224), k=k), "k")],
    "resnet": [(partial(resnet, 18), "classes"), (cifar_resnet, "depth"), (partial(cifar_resnet, 8), "classes")],
    "training/datasets": [(digits, "size"), (fashion_mnist, "size"), (partial(cifar10, folder="nowhere"), "size")],
    "training/gradients": [
        (partial(gradients_in_training, small, few, seed=0), "steps"),
        (partial(gradients_in_training, small, few, seed=0, steps=1), "batch_size"),
    ],
    "training/loop": [
        (partial(train, small, few, seed=0, lr=0.1), "epochs"),
        (partial(train, small, few, seed=0, epochs=1, lr=0.1), "batch_size"),
    ],
    "training/photographs": [(partial(photograph, "cat"), "size")],
    "vgg": [(partial(vgg, 11), "classes")],
}
# Of a command line, which says it and ends: tested with the commands.
BY_COMMAND = {"experiments/digit": ["digits"], "experiments/surface": ["digits", "measured"]}


@pytest.mark.parametrize("bad", [0, -1, True, 64.0, "64"])
@pytest.mark.parametrize(
    ("ask", "name"),
    [pytest.param(ask, name, id=f"{file}-{name}") for file, those in ASK.items() for ask, name in those],
)
def test_what_is_no_whole_number_is_refused_by_name(ask, name, bad):
    with torch.device("meta"), pytest.raises(ValueError, match=f"expected {name} to be a whole number of at least 1"):
        ask(**{name: bad})


def test_no_whole_number_is_asked_for_without_such_a_test():
    asked = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name("positive_int"), args=[ast.Constant(name), *_]):
                    file = path.relative_to(LIBRARY).with_suffix("").as_posix()
                    asked.setdefault(file, []).append(name)
    tested = {file: sorted([name for _, name in those] + BY_COMMAND.get(file, [])) for file, those in ASK.items()}
    tested |= {file: names for file, names in BY_COMMAND.items() if file not in ASK}
    assert {file: sorted(names) for file, names in asked.items()} == tested
