"""What learners get wrong: each refusal says what came, what is allowed, and a repair that works when followed."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.checks import ImageSpec, checked, one_of, positive_int
from casestudies_lib.models import MODELS


@pytest.fixture(scope="module")
def alexnet():
    return MODELS["alexnet_torchvision"]().eval()


@pytest.fixture(scope="module")
def lenet():
    return MODELS["lenet5"]().eval()


@pytest.mark.parametrize(
    ("x", "says", "repair"),
    [
        (torch.zeros(3, 224, 224), r"one image \(3, 224, 224\): add the batch axis with x\[None\]", lambda x: x[None]),
        (torch.zeros(1, 224, 224, 3), r"channels last: write x.permute\(0, 3, 1, 2\)", lambda x: x.permute(0, 3, 1, 2)),
        (
            torch.zeros(224, 224, 3),
            r"channels last: write x.permute\(2, 0, 1\)\[None\]",
            lambda x: x.permute(2, 0, 1)[None],
        ),
        (
            torch.zeros(1, 3, 224, 224, dtype=torch.uint8),
            r"uint8: convert with x.float\(\) / 255",
            lambda x: x.float() / 255,
        ),
        (torch.zeros(1, 3, 224, 224, dtype=torch.int64), r"int64: convert with x.float\(\)", lambda x: x.float()),
        (
            torch.zeros(1, 3, 224, 224).double(),
            r"float64: convert with x.to\(torch.float32\)",
            lambda x: x.to(torch.float32),
        ),
        (torch.zeros(1, 1, 224, 224), r"1 channels .*x.expand\(-1, 3, -1, -1\)", lambda x: x.expand(-1, 3, -1, -1)),
        (torch.zeros(1, 4, 224, 224), r"4 channels .*x\[:, :3\]", lambda x: x[:, :3]),
        (
            torch.zeros(1, 3, 32, 32),
            r"at least 224 x 224 pixels, got 32 x 32 .*interpolate\(x, size=\(224, 224\)\)",
            lambda x: F.interpolate(x, size=(224, 224)),
        ),
        (torch.zeros(1, 3, 300, 32), r"at least 224 x 224 pixels, got 300 x 32", None),
        (torch.zeros(1, 3, 32, 300), r"at least 224 x 224 pixels, got 32 x 300", None),
        (
            torch.zeros(224, 224),
            r"one grey image \(224, 224\): write x\[None, None\].expand\(-1, 3, -1, -1\)",
            lambda x: x[None, None].expand(-1, 3, -1, -1),
        ),
        (torch.zeros(2, 1, 3, 224, 224), r"5 axes \(2, 1, 3, 224, 224\)", None),
        ([[0.0]], r"got a list: make it a tensor with torch.as_tensor\(x\)", None),
    ],
)
def test_images_are_refused_with_a_repair_that_works(alexnet, x, says, repair):
    with pytest.raises(ValueError, match=f"expected .*{says}"):
        alexnet(x)
    if repair is not None:
        with torch.no_grad():
            assert alexnet(repair(x)).shape == (1, 1000)


@pytest.mark.parametrize(
    ("x", "says", "repair"),
    [
        (torch.zeros(64, 32, 32), r"batch without channels \(64, 32, 32\).*x\[:, None\]", lambda x: x[:, None]),
        (torch.zeros(32, 32), r"one grey image \(32, 32\): write x\[None, None\]", lambda x: x[None, None]),
        (
            torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
            r"uint8: convert with",
            lambda x: (x.float() / 255).mean(1, True),
        ),
        (torch.zeros(1, 3, 32, 32), r"3 channels .*x.mean\(1, keepdim=True\)", lambda x: x.mean(1, keepdim=True)),
    ],
)
def test_grey_images_are_refused_with_a_repair_that_works(lenet, x, says, repair):
    with pytest.raises(ValueError, match=f"expected .*{says}"):
        lenet(x)
    assert lenet(repair(x)).shape == (len(repair(x)), 10)


def test_grey_networks(lenet):
    with pytest.raises(ValueError, match=r"3 channels .*x.mean\(1, keepdim=True\)"):
        lenet(torch.zeros(1, 3, 32, 32))
    with pytest.raises(ValueError, match=r"32 x 32 pixels, got 28 x 28 .*pad\(x, \(2, 2, 2, 2\)\)"):
        lenet(torch.zeros(1, 1, 28, 28))
    assert lenet(F.pad(torch.zeros(1, 1, 28, 28), (2, 2, 2, 2))).shape == (1, 10)


def test_another_device_is_named(lenet):
    with pytest.raises(ValueError, match=r"weights' device cpu, got meta: move it with x.to\('cpu'\)"):
        lenet(torch.zeros(1, 1, 32, 32, device="meta", dtype=torch.float64))


def test_response_normalisation_in_16_bits_is_refused_on_a_cpu():
    network = nn.Sequential(nn.LocalResponseNorm(5)).half()
    with pytest.raises(ValueError, match=r"in float32, as response .*got torch.float16: convert both with .float\(\)"):
        ImageSpec(3, 8).check(torch.zeros(1, 3, 8, 8).half(), network)


@pytest.mark.parametrize("came", [1, 2, 4])
def test_the_repair_of_channels_works(came):
    with torch.device("meta"):
        network = MODELS["resnet18"]()
    x = torch.zeros(1, came, 64, 64, device="meta")
    with pytest.raises(ValueError, match="channels") as refused:
        network(x)
    repaired = eval(re.search(r"x[.\[].*", str(refused.value))[0], {"x": x})
    assert network(repaired).shape == (1, 1000)


def test_autocast_is_left_alone(lenet):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert lenet(torch.zeros(1, 1, 32, 32, dtype=torch.bfloat16)).shape == (1, 10)
        with pytest.raises(ValueError, match=r"got torch\.float64"):
            lenet(torch.zeros(1, 1, 32, 32, dtype=torch.float64))


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "10", None])
def test_positive_int(value):
    with pytest.raises(ValueError, match=r"expected classes to be a whole number of at least 1, got .*pass"):
        positive_int("classes", value)


def test_one_of_is_strict_about_kinds_and_helpful():
    one_of("variant", 16, (11, 16))
    for value in ("16", 16.0, True, None):
        with pytest.raises(ValueError, match="expected variant to be one of 11, 16, got"):
            one_of("variant", value, (11, 16))
    with pytest.raises(ValueError, match="did you mean resnet18"):
        one_of("the model's name", "resnet17", ("resnet18", "vgg16"))


def test_checked_follows_annotations():
    @checked(at=range(3))
    def call(size: "int | None" = None, *names: "str", share: "float" = 0.5, kinds: "dict[str, type]", at: "int" = 0):
        return size, names, share, kinds, at

    kinds = {"relu": nn.ReLU}
    assert call(3, "a", "b", kinds=kinds) == (3, ("a", "b"), 0.5, kinds, 0)
    assert call(share=1, kinds={}, at=2) == (None, (), 1, {}, 2)
    for bad, says in (
        ({"size": 0}, "size to be a whole number of at least 1, got 0"),
        ({"size": True}, "size to be a whole number of at least 1, got True"),
        ({"size": 10**9}, "size to be a whole number of at most 1,000,000, got 1000000000"),
        ({"at": 3}, "at to be a whole number from 0 to 2, got 3: pass for example at=0"),
        ({"share": float("nan")}, "share to be a finite number, got nan: pass for example share=0.5"),
        ({"kinds": {"relu": 3}}, r"kinds to be dict\[str, type\], got {'relu': 3}: see help"),
        ({"kinds": [nn.ReLU]}, r"kinds to be dict\[str, type\], got \["),
    ):
        with pytest.raises(ValueError, match=f"expected {says}"):
            call(**{"kinds": kinds} | bad)
    for length, came in ((58, "[a-z']{60}"), (59, "a str")):  # a longer value would hide the message
        with pytest.raises(ValueError, match=f"expected share to be a finite number, got {came}:"):
            call(kinds=kinds, share="a" * length)
    with pytest.raises(ValueError, match="expected names to be text, got 3"):
        call(1, "a", 3, kinds=kinds)
    with pytest.raises(TypeError, match="kinds"):
        call()
