"""What the library offers, called with what it cannot take: every refusal is a ValueError with a repair.

`VALID` has one good call of everything that the book's reference lists or a page imports. Each argument is then replaced
by bad values of its kind. What is accepted all the same stands in `RIGHT`, with the reason.
"""

import ast
import inspect
import json
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

from casestudies_lib import alexnet, blocks, efficientnet, inception, lenet, mobilenet, network, nin, resnet, vgg
from casestudies_lib import figures, measure, page, pretrained, training
from casestudies_lib.checks import ImageSpec
from casestudies_lib.experiments import made
from casestudies_lib.measure import inside
from casestudies_lib.training import Split, datasets

ROOT = Path(__file__).resolve().parent.parent
few = Split(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3]))
photo = torch.rand(1, 3, 8, 8)
small = partial(resnet.cifar_resnet, 8, width=1, in_channels=1)
lenet5, tiny = lenet.lenet5(), small()
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
    tiny.forward: {"x": few.images},
    google.forward: {"x": torch.empty(2, 3, 64, 64, device="meta")},
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

# Not to be called by themselves: what is a type of data, and what only the library builds.
NOT_CALLED = {
    "lenet.ScaledTanh": "it takes no argument",
    "lenet.RBFOutput": "it takes no argument",
    "lenet.published_layers": "it takes no argument",
    "alexnet.local_response_norm": "it takes no argument",
    "nin.check_mlpconv": "mlpconv calls it, and is in the table",
    "inception.check_widths": "Inception calls it, and is in the table",
    "inception.GoogLeNet": "googlenet builds it",
    "efficientnet.SameConv2d": "lite_conv builds it",
    "models.Published": "a record of facts",
    "models.Winner": "a record of facts",
    "measure.Family": "an enumeration, which refuses by itself",
    "measure.Op": "a record; op_of makes it",
    "training.Split": "a record; what reads one checks it",
    "training.one_thread": "it takes no argument",
    "page.mark": "what a reader hands in is never refused: tests/page/test_exercise.py",
    "page.checks": "it takes no argument",
    "pretrained.Guess": "a record",
    "pretrained.Guesses": "a record",
    "pretrained.Pretrained": "pretrained builds it",
    "pretrained.class_names": "it takes no argument",
    "measure.inside.ClassMap": "a record",
    "measure.inside.Place": "a record",
    "experiments.made": "it reads the records that ship",
}
CHOICES = {"variant", "name", "shortcut", "stride_in", "option", "stem", "layer", "key", "right", "verdict", "method"}
CHOICES |= {"model", "number", "recorded"}
NUMBERS = {"text": "8", "truth": True, "nan": float("nan"), "infinite": float("inf"), "none": None}
OTHERS = {"none": None, "number": 3, "text": "text", "list": [None]}


def bad(argument: str, value: object) -> dict[str, object]:
    """What could come instead of a good value by mistake, each with a label."""
    match value:
        case bool():
            return {"text": "no", "number": 1, "none": None}
        case int():
            return NUMBERS | {"zero": 0, "negative": -1, "fraction": 2.5, "huge": 10**12}
        case float():
            return NUMBERS | {"zero": 0.0, "negative": -1.0, "huge": 1e30}
        case str():
            return {"number": 3, "none": None, "list": [value]} | ({"unknown": "Unknown"} if argument in CHOICES else {})
        case Path():
            return {"number": 3, "list": [value]}
        case torch.Tensor() if value.is_meta:
            return {"axes": value[0], "channels": value[:, :1], "bytes": value.byte(), "cpu": torch.rand(2, 3, 64, 64)}
        case torch.Tensor():
            return {
                "axes": value[0],
                "more axes": value[None, None],
                "channels": value.repeat(1, 2, 1, 1) if value.dim() == 4 else value[:0],
                "bytes": value.byte(),
                "bits": value > 0.5,
                "nan": value * float("nan"),
                "infinite": value / 0,
                "empty": value[:0],
                "no pixels": value[..., :0],
                "meta": value.to("meta"),
                "list": value.tolist(),
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
                "none": None,
                **{key: Split(one, labels) for key, one in bad("", images).items() if key != "empty"},
            }
        case nn.Module():
            return {"none": None, "text": "resnet", "class": nn.ReLU, "other": nn.Bilinear(2, 2, 2)}
        case type():
            return OTHERS | {"object": object()}
        case tuple() if value and all(type(n) is int for n in value):  # a shape, widths or counts
            return OTHERS | {
                "short": value[:1],
                "long": value * 3,
                "empty": (),
                "zero": tuple(0 for _ in value),
                "negative": tuple(-n for n in value),
                "fraction": tuple(n + 0.5 for n in value),
                "huge": tuple(10**12 for _ in value),
                "none inside": (None, *value[1:]),
            }
        case tuple() | list():
            return OTHERS | {"empty": value[:0]}
        case dict():
            return OTHERS | {"empty": {}, "keys": {3: one for one in value.values()}, "values": dict.fromkeys(value)}
        case HTML() | ImageSpec() | measure.anatomy.__wrapped__.__class__:
            return OTHERS
        case _ if callable(value):
            return OTHERS | {"nothing built": lambda *_: None, "something else built": lambda *_: 3}
        case _:
            return OTHERS


def cases() -> list:
    found = []
    for callable_, good in VALID.items():
        name = getattr(callable_, "__qualname__", type(callable_).__name__)
        for argument in good:
            found.append(pytest.param(callable_, argument, id=f"{name}-{argument}"))
    return found


def called(callable_, good: dict) -> None:
    """The call; under what stands for the memory that networks would take."""
    signature = inspect.signature(callable_)
    order = [n for n in signature.parameters if n in good]
    bound = inspect.BoundArguments(signature, {n: good[n] for n in order})
    with torch.device("meta" if callable_ in BUILDS else "cpu"):
        callable_(*bound.args, **bound.kwargs)


BUILDS = {one for one in VALID if one.__module__ in (f"casestudies_lib.{m}" for m in (
    "lenet alexnet vgg resnet nin inception mobilenet efficientnet blocks network".split()))
    and inspect.ismethod(one) is False} - {blocks.set_batch_norm, network.he_initialised, network.name_weight_layers}
RIGHT = {}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("callable_", VALID, ids=lambda one: getattr(one, "__qualname__", type(one).__name__))
def test_the_good_calls_are_good(callable_):
    if callable_ not in (datasets.fashion_mnist, datasets.cifar10):
        called(callable_, VALID[callable_])


@pytest.mark.parametrize(("callable_", "argument"), cases())
def test_what_does_not_fit_is_refused_with_a_repair(callable_, argument):
    good = VALID[callable_]
    about = inspect.signature(callable_).parameters[argument]
    several = about.kind is about.VAR_POSITIONAL
    wrong = {}
    for label, value in bad(argument, good[argument][0] if several else good[argument]).items():
        if value is about.default:
            continue
        try:
            called(callable_, good | {argument: (value,) if several else value})
        except ValueError as refusal:
            if not re.search(r"(?s)expected .*got .*: .", str(refusal)):
                wrong[label] = f"unclear: {refusal}"[:160]
        except Exception as problem:
            wrong[label] = f"bare: {type(problem).__name__}: {problem}"[:160]
        else:
            wrong[label] = "accepted"
    print("WRONG", json.dumps([callable_.__class__.__name__ if isinstance(callable_, nn.Module) else callable_.__qualname__, argument, wrong])) if wrong else None
    assert not wrong
