"""The trained network as browsers get it: folded, of eight bits a weight, and in one script."""

import json
import re

import pytest
import torch
from torch import nn

from casestudies_lib.explorers.photograph import AGREEMENT, NETWORK, SAMPLES
from casestudies_lib.explorers.quantised import codes_of, folded, is_exact, layers_of, quantised, site_file
from casestudies_lib.pretrained import pretrained
from casestudies_lib.training.photographs import photograph


@pytest.fixture(scope="module")
def network():
    return pretrained(NETWORK)


@pytest.fixture(scope="module")
def pictures(network):
    """The samples, then a hundred random squares of them, a half to all of the shorter side: `(107, 3, 224, 224)`."""
    chance = torch.Generator().manual_seed(0)
    seen = [network.prepare(photograph(name, None)) for name in SAMPLES]
    for number in range(100):
        whole = photograph([*SAMPLES][number % len(SAMPLES)], None)
        height, width = whole.shape[2:]
        side = int(min(height, width) * (0.5 + 0.5 * torch.rand((), generator=chance)))
        top, left = (int(torch.randint(room - side + 1, (), generator=chance)) for room in (height, width))
        seen.append(network.prepare(whole[:, :, top : top + side, left : left + side]))
    return torch.cat(seen)


@pytest.fixture(scope="module")
def shares(network, pictures):
    """What the full network and the browser's give each class of the pictures."""
    with torch.inference_mode():
        return [
            torch.cat([net(some) for some in pictures.split(8)]).softmax(1) for net in (network, quantised(network))
        ]


def test_agreement_is_as_the_box_tells(shares):
    """The numbers in the box; run with -s to see them."""
    full, small = shares
    same = int((full.argmax(1) == small.argmax(1)).sum())
    five = full.topk(5).indices
    apart = 100 * (full - small).abs().gather(1, five).mean().item()
    print(f"first guesses the same: {same} of {len(full)}; the first five apart: {apart:.2f} percentage points")
    assert len(full) == AGREEMENT["pictures"]
    assert same == pytest.approx(AGREEMENT["same"], abs=2), "near ties may fall otherwise on another processor"
    assert apart == pytest.approx(AGREEMENT["apart"], abs=0.1)
    assert (small.topk(5).indices == full.argmax(1)[:, None]).any(1).all(), "a first guess stays among the five first"


def test_folding_changes_nothing(network, pictures):
    with torch.inference_mode():
        assert torch.allclose(folded(network)(pictures[:2]), network(pictures[:2]), atol=1e-4)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded(network).modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules()), "the network itself stays as it was"


def test_codes_are_half_a_scale_away_at_most():
    torch.manual_seed(0)
    weight = torch.randn(6, 4, 3, 3) * torch.tensor([1e-3, 1, 50, 0, 1, 1])[:, None, None, None]
    codes, scales = codes_of(weight)
    assert codes.dtype is torch.int8 and codes.shape == weight.shape
    error = (codes * scales[:, None, None, None] - weight).abs().flatten(1).amax(1)
    assert (error <= 0.5001 * scales).all() and codes[3].eq(0).all()
    assert codes.flatten(1).abs().amax(1).tolist() == [127, 127, 127, 0, 127, 127], "each channel uses its eight bits"


def test_layers_are_those_of_the_network(network):
    layers = layers_of(folded(network))
    blocks = [m for m in network.modules() if getattr(m, "use_res_connect", False)]
    assert sum(layer["add"] for layer in layers) == sum(layer["start"] for layer in layers) == len(blocks) > 5
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(layer["in"], layer["out"]) for layer in layers] == [(m.in_channels, m.out_channels) for m in convs]
    assert [layer["depthwise"] for layer in layers] == [m.groups > 1 for m in convs]
    assert sum(layer["relu6"] for layer in layers) == sum(isinstance(m, nn.ReLU6) for m in network.modules())
    assert [layer["exact"] for layer in layers] == [m.weight.numel() < 1000 for m in convs]


def numbers_of(script: str) -> bytes:
    """The bytes in a script of `site_file`, read as JavaScript reads its string."""
    text = re.search(r'numbers: "(.*)"};\n\Z', script, re.DOTALL)[1]
    text = re.sub(r'\\(x..|["\\])', lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else m[1], text)
    return bytes((ord(character) - 64) % 256 for character in text)


def test_the_script_holds_every_number(network):
    names = [f"class {number}" for number in range(1000)]
    script = site_file(network, names)
    layers = [m for m in folded(network).modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    floats = sum((m.weight.numel() if is_exact(m) else len(m.bias)) + len(m.bias) for m in layers)
    codes = sum(m.weight.numel() for m in layers if not is_exact(m))
    numbers = numbers_of(script)
    assert len(numbers) == 4 * floats + codes
    last = torch.frombuffer(bytearray(numbers[-1280:]), dtype=torch.int8)
    assert torch.equal(last, codes_of(layers[-1].weight)[0][-1])
    assert script == site_file(network, names) and len(script.encode()) < 5_700_000
    about = json.loads(script[script.index("{...") + 4 : script.index(", numbers:")])
    assert about["classes"] == names and len(about["layers"]) == len(layers) - 1 and "forward" in about["worker"]


def test_a_script_survives_every_byte():
    """Each byte that a code can be, those among them that a string of JavaScript has to escape."""
    network = nn.Sequential(nn.Conv2d(3, 4, 16), nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        network[0].weight[:, 0].copy_(torch.linspace(-127, 127, 256).view(16, 16))
    script = site_file(network, ["a", '</script>"\\'])
    assert set(range(256)) - {128} <= set(numbers_of(script)), "all codes from -127 to 127"
    assert not re.search(r"[\0\n\r]", script.removesuffix("\n")), "a line's end would end the string"


def test_names_that_do_not_fit_are_refused(network):
    with pytest.raises(ValueError, match="expected 1000 names of classes, got 2: pass one for each"):
        site_file(network, ["cat", "dog"])
