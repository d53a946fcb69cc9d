"""What the library offers, called with what it cannot take: every refusal is a ValueError with a repair.

`VALID` has one good call of everything public. Each argument in turn is replaced by bad values of its kind. What is no
mistake, though it looks like one, stands in `RIGHT` with the reason.
"""

import inspect
import re
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from IPython.display import HTML
from library import public
from torch import nn

from casestudies_lib import (
    alexnet,
    blocks,
    efficientnet,
    figures,
    inception,
    lenet,
    measure,
    mobilenet,
    network,
    nin,
    page,
    pretrained,
    resnet,
    training,
    vgg,
)
from casestudies_lib.checks import ImageSpec
from casestudies_lib.experiments import degradation, digit, surface, timing
from casestudies_lib.measure import inside
from casestudies_lib.training import Split, datasets

ROOT = Path(__file__).resolve().parent.parent
few = Split(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3]))
photo = torch.rand(1, 3, 8, 8)
small = partial(resnet.cifar_resnet, 8, width=1, in_channels=1)
lenet5, tiny, learner = lenet.lenet5(), small(), small()
with torch.device("meta"):
    google, nin10 = inception.googlenet(), nin.nin_cifar()
block = resnet.ResidualBlock(4, 4)
nodes = measure.wiring(block, (4, 8, 8))
stack = nn.Sequential(nn.Conv2d(2, 2, 3, bias=False), nn.Conv2d(2, 2, 3, bias=False))
separable = nn.Sequential(nn.Conv2d(3, 3, 3, groups=3, bias=False), nn.Conv2d(3, 1, 1, bias=False))
taken = measure.anatomy(lenet5)
whole = measure.anatomy(small, whole=resnet.ResidualBlock)
class_map = inside.class_activation_map(tiny, torch.rand(1, 1, 8, 8), 0)
place = inside.Place(0, 0, 0, 1.0, 0, 0, 3)
drawn, _ = figures.figure()
page.ask(("key", "Which?", ["this", "that"]))

CHANNELS = {"in_channels": 4, "out_channels": 8}
PRE = {**CHANNELS, "stride": 1, "shortcut": "B", "activated": False}
CLAIM = {"name": "BAD-1", "sentence": "So.", "source": "here", "notes": "n", "verdict": "true", "by": "b"}
# A class or a function -> one good call, every argument by name.
VALID = {
    lenet.Subsampling: {"maps": 6},
    lenet.SparseConv2d: {"table": ((0, 1), (1, 2)), "kernel_size": 5},
    lenet.modern_layers: {"classes": 10, "in_channels": 1},
    lenet.lenet5: {"variant": "modern", "classes": 10, "in_channels": 1},
    alexnet.published_layers: {"groups": 1, "classes": 10},
    alexnet.alexnet: {"variant": "2012", "classes": 10},
    vgg.layers_of: {"stages": [(8, [3])], "batch_norm": False, "classes": 10},
    vgg.vgg: {"variant": 11, "batch_norm": False, "classes": 10},
    resnet.PlainBlock: {**CHANNELS, "stride": 1, "batch_norm": True},
    resnet.ResidualBlock: {**CHANNELS, "stride": 1, "batch_norm": True, "shortcut": "B"},
    resnet.Bottleneck: {**CHANNELS, "stride": 1, "shortcut": "B", "stride_in": "3x3"},
    resnet.PreActivationBlock: PRE,
    resnet.PreActivationBottleneck: PRE,
    resnet.ZeroPadding: {**CHANNELS, "stride": 1},
    resnet.shortcut_path: {"option": "B", **CHANNELS, "stride": 2, "batch_norm": True},
    resnet.ResNet: {
        "title": "t",
        "expects": ImageSpec(3, 32),
        "block": resnet.ResidualBlock,
        "counts": (1, 1),
        "stem": "3x3",
        "width": 4,
        "in_channels": 3,
        "classes": 10,
    },
    resnet.resnet: {"depth": 18, "shortcut": "B", "stride_in": "3x3", "preactivation": False, "classes": 10},
    resnet.plain: {"depth": 18, "classes": 10},
    resnet.cifar_resnet: {
        "depth": 8,
        "shortcut": "A",
        "preactivation": False,
        "width": 4,
        "in_channels": 3,
        "classes": 10,
        "batch_norm": True,
    },
    resnet.cifar_plain: {"depth": 8, "width": 4, "in_channels": 3, "classes": 10, "batch_norm": True},
    nin.mlpconv: {"in_channels": 3, "out_channels": (4, 4, 4), "kernel_size": 3},
    nin.nin_cifar: {"classes": 10},
    inception.conv_relu: {**CHANNELS, "kernel_size": 3, "stride": 1, "batch_norm": False},
    inception.Inception: {"in_channels": 4, "widths": (4,) * 6, "batch_norm": False, "largest_kernel": 5},
    inception.InceptionAux: {"in_channels": 4, "classes": 10, "adaptive": False, "batch_norm": False},
    inception.googlenet: {"variant": "2014", "aux": False, "classes": 10},
    mobilenet.DepthwiseSeparable: {**CHANNELS, "stride": 1},
    mobilenet.InvertedResidual: {**CHANNELS, "stride": 1, "expand_ratio": 6},
    mobilenet.MobileNetV3Block: {
        **CHANNELS,
        "expanded": 8,
        "kernel_size": 3,
        "use_se": True,
        "activation": nn.ReLU,
        "stride": 1,
    },
    mobilenet.mobilenet_v1: {"width_mult": 1.0, "size": 224, "classes": 10},
    mobilenet.mobilenet_v2: {"width_mult": 1.0, "classes": 10},
    mobilenet.mobilenet_v3: {"variant": "small", "classes": 10},
    efficientnet.StochasticDepth: {"drop": 0.2},
    efficientnet.lite_conv: {**CHANNELS, "kernel_size": 3, "stride": 1, "groups": 1},
    efficientnet.MBConv: {
        **CHANNELS,
        "expand_ratio": 6,
        "kernel_size": 3,
        "stride": 1,
        "drop": 0.0,
        "lite": False,
    },
    efficientnet.compound: {"phi": 1.0},
    efficientnet.scaled: {"width_mult": 1.0, "depth_mult": 1.0},
    efficientnet.efficientnet: {"variant": "b0", "classes": 10},
    efficientnet.scaled_b0: {
        "depth_mult": 1.0,
        "width_mult": 1.0,
        "resolution": 224,
        "dropout": 0.2,
        "classes": 10,
    },
    blocks.conv_bn: {**CHANNELS, "kernel_size": 3, "stride": 1, "groups": 1, "activation": nn.ReLU},
    blocks.set_batch_norm: {"network": tiny, "eps": 1e-3, "momentum": 0.1},
    blocks.round_channels: {"channels": 32.0, "divisor": 8},
    blocks.SqueezeExcitation: {
        "channels": 4,
        "squeeze_channels": 2,
        "activation": nn.ReLU,
        "gate": nn.Sigmoid,
    },
    network.Network: {
        "title": "t",
        "expects": ImageSpec(1, 8),
        "layers": {"flatten": nn.Flatten()},
        "paper_names": {"flatten": "flat"},
    },
    network.five_strides: {"size": 224, "to": "the last", "repair": "resize"},
    network.name_weight_layers: {"chain": stack, "names": ["a", "b"]},
    network.he_initialised: {"network": tiny},
    learner.forward: {"x": few.images},
    measure.anatomy: {"model": lenet5, "whole": nn.Tanh},
    measure.main_path: {"nodes": nodes},
    measure.shortcuts: {"nodes": nodes},
    measure.op_of: {"module": block},
    measure.wiring: {"module": block, "shape": (4, 8, 8), "whole": (nn.ReLU,), "method": "forward"},
    measure.written: {"shape": (6, 28, 28)},
    inside.activations: {"network": tiny, "layer": "conv1", "images": few.images},
    inside.class_activation_map: {"network": tiny, "image": few.images[:1], "class_": 3},
    inside.kernels: {"network": tiny, "layer": "conv1"},
    inside.strongest: {"network": tiny, "layer": "conv1", "channel": 0, "images": few.images, "count": 2},
    training.digits: {"size": 8},
    training.mnist: {"size": 28},
    datasets.fashion_mnist: {"size": 28, "folder": ROOT},
    datasets.cifar10: {"size": 32, "folder": ROOT},
    training.photograph: {"name": "cat", "size": 8},
    training.error: {"network": tiny, "data": few},
    training.first_gradient: {"build": small, "batch": few, "seed": 0, "init": training.pytorch_default},
    training.gradients_in_training: {
        "build": small,
        "data": few,
        "seed": 0,
        "steps": 1,
        "batch_size": 2,
        "lr": 0.1,
    },
    training.jacobian_error: {"build": small, "images": few.images, "seed": 0, "h": 1e-8},
    training.predict: {"network": tiny, "images": few.images},
    training.pytorch_default: {"network": tiny},
    training.shifted: {"images": few.images, "reach": 1, "fill": 0.0, "mirror": False, "generator": torch.Generator()},
    training.train: {
        "build": small,
        "data": few,
        "seed": 0,
        "epochs": 1,
        "batch_size": 2,
        "lr": 0.1,
        "augment": training.shifted,
    },
    pretrained.pretrained: {"name": "efficientnet_lite0", "folder": ROOT},
    figures.activation_maps: {
        "maps": torch.rand(4, 3, 3),
        "photo": photo,
        "layer": "conv1",
        "channels": [0, 1],
        "taken_from": photo,
    },
    figures.class_activation: {
        "found": class_map,
        "photo": photo,
        "name": "cat",
        "taken_from": photo,
        "explained": True,
    },
    figures.class_map_grid: {"found": {"cat": class_map}, "photo": photo, "taken_from": photo},
    figures.digits_grid: {"images": [np.zeros((8, 8))], "titles": ["0"], "columns": 1, "white": 1.0},
    figures.draw: {"network": taken, "height": 120},
    figures.draw_auxiliary_classifiers: {"network": google},
    figures.draw_block: {
        "block": block,
        "shape": (4, 8, 8),
        "title": "t",
        "results": True,
        "coloured": False,
        "said": {"ReLU": "a"},
    },
    figures.draw_branches: {"module": inception.Inception(4, (4,) * 6), "shape": (4, 8, 8), "title": "t"},
    figures.draw_channels: {"chain": stack, "shape": (2, 8, 8), "title": "t"},
    figures.draw_columns: {"columns": {"t": tiny[:]}, "shape": (1, 8, 8)},
    figures.draw_connections: {"table": ((0, 1), (1, 2))},
    figures.draw_depths: {"networks": {"t": "resnet18"}},
    figures.draw_filter_and_mix: {"photo": photo, "chain": separable},
    figures.draw_gates: {"photo": photo, "module": blocks.SqueezeExcitation(3, 2)},
    figures.draw_paths: {"blocks": 2},
    figures.draw_position: {"chain": nin.mlpconv(3, (4, 4, 4), 3), "shape": (3, 8, 8), "title": "t"},
    figures.draw_poster: {"networks": ("lenet5_1998",)},
    figures.draw_residual: {"photo": photo, "wanted": photo},
    figures.draw_scaled: {"columns": {"t": whole}, "work": True},
    figures.draw_stack: {"chains": {"t": stack}},
    figures.figure: {"width": 4.6, "height": 2.8},
    figures.kernel_images: {"kernels": torch.rand(2, 3, 3, 3), "layer": "conv1"},
    figures.parts_of: {"name": "lenet5_1998"},
    figures.save_poster: {"path": Path("poster.png"), "networks": ("lenet5_1998",), "dots": 10},
    figures.show: {
        "drawn": drawn,
        "name": "bad",
        "alt": "alt",
        "trained": False,
        "photographs": [photo],
        "number": "1.1",
        "caption": "See.",
    },
    figures.strongest_crops: {"rows": {"c": [place]}, "photographs": photo, "taken_from": [photo]},
    figures.symbols_of: {"nodes": nodes},
    figures.you_are_here: {"networks": ("ResNet",)},
    surface.around: {
        "kind": "plain",
        "data": few,
        "depth": 8,
        "seed": 0,
        "epochs": 1,
        "side": 3,
        "measured": 2,
    },
    timing.timed: {"builders": {"small": small}, "rounds": 1},
    digit.distorted: {"images": few.images, "generator": torch.Generator()},
    degradation.Run: {
        "dataset": "digits",
        "kind": "plain",
        "depth": 8,
        "seed": 0,
        "width": 1,
        "size": 8,
        "images": 4,
        "epochs": 1,
        "batch": 2,
        "lr": 0.1,
        "augment": True,
    },
    page.answer: {"key": "key", "right": "this", "words": "So.", "holds": True},
    page.ask: {"questions": (("key", "Which?", ["this", "that"]),)},
    page.captioned: {"number": "1.1", "caption": "See.", "pictures": (HTML("<p></p>"),)},
    page.claim: {**CLAIM, "measured": 3, "holds": True, "recorded": "2026-11-24, a machine"},
    page.quotation: CLAIM,
    page.folded: {"title": "t", "kind": "checks"},
    page.discussion: {"paragraphs": ("So.",), "title": "t"},
    page.numbers: {"questions": (("How many?", 3),), "hint": "Count."},
    page.source: {"objects": (vgg.vgg,)},
    page.table: {"caption": "t", "head": ["a", "b"], "rows": [("x", 1)], "words": False},
}

# What is not in the table.
NOT_CALLED = {
    "they take no argument": [
        "lenet.ScaledTanh",
        "lenet.RBFOutput",
        "lenet.published_layers",
        "alexnet.local_response_norm",
        "training.one_thread",
        "page.checks",
    ],
    "what calls them is in the table": [
        "nin.check_mlpconv",
        "inception.check_widths",
        "inception.GoogLeNet",
        "efficientnet.SameConv2d",
        "pretrained.Pretrained",
    ],
    "records, which the library makes and reads": [
        "models.OneCrop",
        "models.Published",
        "models.Winner",
        "measure.Op",
        "training.Split",
        "pretrained.Guess",
        "pretrained.Guesses",
        "measure.inside.ClassMap",
        "measure.inside.Place",
        "experiments.made",
    ],
    "it refuses by itself": ["measure.Family"],
    "what a reader hands in is marked, never refused: tests/page/test_exercise.py": ["page.mark"],
}
# Why it is no mistake -> function, argument, and the label that `bad` gives the value.
RIGHT = {
    "one counts from 0": [
        "class_activation_map class_ zero",
        "strongest channel zero",
        "first_gradient seed zero",
        "gradients_in_training seed zero",
        "jacobian_error seed zero",
        "train seed zero",
        "around seed zero",
        "Run seed zero",
    ],
    "any seed will do": [
        "first_gradient seed huge",
        "gradients_in_training seed huge",
        "jacobian_error seed huge",
        "train seed huge",
        "around seed huge",
    ],
    "nothing is dropped, moved, said or shown": [
        "StochasticDepth drop zero",
        "MBConv drop zero",
        "scaled_b0 dropout zero",
        "set_batch_norm momentum zero",
        "shifted reach zero",
        "draw_block said empty",
        "show photographs empty",
        "table rows empty",
        "Network layers empty",
        "Network paper_names empty",
        "timed builders empty",
    ],
    "None has a meaning of its own": [
        "conv_bn activation none",
        "wiring shape none",
        "photograph size none",
        "digits_grid images list",
    ],
    "smaller than B0": ["compound phi zero", "compound phi negative"],
    "any value of a pixel": ["shifted fill zero", "shifted fill negative", "shifted fill huge"],
    "any number of stages, axes or channels": [
        "ResNet counts short",
        "ResNet counts long",
        "written shape short",
        "written shape long",
        "written shape zero",
        "written shape negative",
        "written shape huge",
        "shifted images channels",
        "distorted images channels",
    ],
    "a network computes what it is given, as torch does; what learns or counts refuses": [
        "Network.forward x nan",
        "Network.forward x infinite",
        "predict images nan",
        "predict images infinite",
        "shifted images nan",
        "shifted images infinite",
        "distorted images nan",
        "distorted images infinite",
    ],
    "NaN is the answer, which page 03 does not let pass": [
        "jacobian_error images nan",
        "jacobian_error images infinite",
    ],
    "no images, no logits": ["predict images empty"],
    "any module": [
        "set_batch_norm network other",
        "he_initialised network other",
        "op_of module other",
        "pytorch_default network other",
    ],
    "a module of torch's own speaks torch's words": ["error network other", "predict network other"],
    "what it returns is not read": ["first_gradient init nothing built", "first_gradient init something else built"],
    "any words": [
        "activation_maps layer unknown",
        "class_activation name unknown",
        "kernel_images layer unknown",
        "show name unknown",
        "claim measured text",
    ],
    "any number can be measured": ["claim measured zero", "claim measured negative", "claim measured huge"],
}
ACCEPTED = {name for names in RIGHT.values() for name in names}
BUILDERS = {"lenet", "alexnet", "vgg", "resnet", "nin", "inception", "mobilenet", "efficientnet", "blocks"}
CHOICES = {"variant", "name", "shortcut", "stride_in", "option", "stem", "layer", "key", "right", "verdict", "method"}
CHOICES |= {"model", "number", "recorded", "dataset"}
NUMBERS = {"text": "8", "truth": True, "nan": float("nan"), "infinite": float("inf"), "none": None}
OTHERS = {"none": None, "number": 3, "text": "text", "list": [None]}


def bad(argument: str, good: object) -> dict[str, object]:
    """What may come by mistake instead of a good value, by a label."""
    match good:
        case bool():
            return {"text": "no", "number": 1, "none": None}
        case int():
            return NUMBERS | {"zero": 0, "negative": -1, "fraction": 2.5, "huge": 10**12}
        case float():
            return NUMBERS | {"zero": 0.0, "negative": -1.0, "huge": 1e30}
        case str():
            return {"number": 3, "none": None, "list": [good]} | ({"unknown": "Unknown"} if argument in CHOICES else {})
        case Path():
            return {"number": 3, "list": [good]}
        case torch.Tensor():
            of_images = good.dim() == 4
            return {
                "axes": good[0],
                "more axes": good[None, None],
                "channels": torch.cat([good, good], 1) if of_images else good[:0],
                "bytes": good.to(torch.uint8),
                "bits": good.to(torch.bool),
                "nan": good * float("nan"),
                "infinite": good / 0,
                "empty": good[:0],
                "no pixels": good[..., :0],
                "elsewhere": good.to("meta"),
                "list": good.tolist(),
                "none": None,
            }
        case Split(images, labels):
            return {
                "surplus labels": Split(images, labels.repeat(2)),
                "one label": Split(images, labels[:1]),
                "labels below 0": Split(images, labels - 100),
                "labels without a class": Split(images, labels + 100),
                "labels as numbers": Split(images, labels / 2),
                "labels in a list": Split(images, labels.tolist()),
                "a pair": (images, labels),
                "nothing": Split(images[:0], labels[:0]),
                **{key: Split(one, labels) for key, one in bad(argument, images).items()},
            }
        case nn.Module():
            return {"none": None, "text": "resnet", "class": nn.ReLU, "other": nn.Bilinear(2, 2, 2)}
        case type():
            return OTHERS | {"object": object()}
        case tuple() if {type(one) for one in good} == {int}:
            return OTHERS | {
                "short": good[:1],
                "long": good * 3,
                "empty": (),
                "zero": (0,) * len(good),
                "negative": tuple(-one for one in good),
                "fraction": tuple(one + 0.5 for one in good),
                "huge": (10**12,) * len(good),
                "none inside": (None, *good[1:]),
            }
        case tuple() | list():
            return OTHERS | {"empty": good[:0]}
        case dict():
            return OTHERS | {"empty": {}, "keys": dict(enumerate(good.values())), "values": dict.fromkeys(good)}
        case _ if inspect.isroutine(good) or isinstance(good, partial):
            return OTHERS | {"nothing built": lambda *_: None, "something else built": lambda *_: 3}
    return OTHERS


def called(function, arguments: dict) -> object:
    """The result; what makes networks makes them on the meta device, where nothing is too large."""
    signature = inspect.signature(function)
    bound = inspect.BoundArguments(signature, {n: arguments[n] for n in signature.parameters if n in arguments})
    with torch.device("meta" if function.__module__.rpartition(".")[2] in BUILDERS else "cpu"):
        return function(*bound.args, **bound.kwargs)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("function", VALID, ids=lambda function: function.__qualname__)
def test_the_good_calls_are_good(function):
    if function not in (datasets.fashion_mnist, datasets.cifar10):  # their files are on no test's machine
        called(function, VALID[function])


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        pytest.param(function, argument, id=f"{function.__qualname__}-{argument}")
        for function, good in VALID.items()
        for argument in good
    ],
)
def test_what_does_not_fit_is_refused_with_a_repair(function, argument):
    good = VALID[function][argument]
    about = inspect.signature(function).parameters[argument]
    several = about.kind is about.VAR_POSITIONAL
    unlike = {}
    for label, value in bad(argument, good[0] if several else good).items():
        name = f"{function.__qualname__} {argument} {label}"
        if value is about.default:
            continue
        try:
            called(function, VALID[function] | {argument: (value,) if several else value})
            refused = "accepted"
        except Exception as problem:
            clear = isinstance(problem, ValueError) and re.search(r"(?s)expected .*got .*: \S", str(problem))
            refused = "" if clear else f"{type(problem).__name__}: {problem}"
        if bool(refused) != (name in ACCEPTED):
            unlike[label] = refused or "refused, though it stands in RIGHT"
    assert not unlike


def test_every_right_answer_is_to_a_question_of_the_table():
    asked = {f"{function.__qualname__} {argument}" for function, good in VALID.items() for argument in good}
    assert {re.sub(r"^(\S+ \S+) .*", r"\1", name) for name in ACCEPTED} <= asked


def test_everything_public_is_in_the_table_or_says_why_not():
    listed = re.findall(r"\{library\} casestudies_lib\.(\S+)", (ROOT / "book" / "library.md").read_text())
    modules = [*listed, "page", "pretrained", "experiments", "measure.inside"]
    offered = {f"{m}.{name}": one for m in modules for name, one in public(import_module(f"casestudies_lib.{m}"))}
    excepted = [name for names in NOT_CALLED.values() for name in names]
    assert sorted(name for name, one in offered.items() if one not in VALID) == sorted(excepted)
