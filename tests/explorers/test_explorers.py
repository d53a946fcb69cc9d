"""Explorers of several sliders, as markup; tests/browser moves them."""

import json

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.checks import ImageSpec
from casestudies_lib.explorers import Conv, Knob, Row, compare, cost, mix, scaling
from casestudies_lib.explorers.compare import COLUMNS, LIMITS, bought, front, within
from casestudies_lib.explorers.cost import counted
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.network import Network

WAYS = {
    "Directly": [Conv("kernel_size", "in_channels", "out_channels")],
    "Bottleneck": [Conv(1, "in_channels", "width"), Conv("kernel_size", "width", "out_channels")],
}
KNOBS = {
    "size": Knob("height and width", (7, 28), 28),
    "in_channels": Knob("channels in", (16, 192), 192),
    "out_channels": Knob("channels out", (32, 64), 32),
    "kernel_size": Knob("window", (1, 3, 5), 5),
    "width": Knob("bottleneck channels", (16, 256), 16),
}


def page(html):
    return BeautifulSoup(html.data, "html.parser")


def test_cost_starts_with_what_anatomy_counts():
    shown = page(cost(WAYS, KNOBS, breakeven="width"))
    chains = [
        [nn.Conv2d(192, 32, 5, padding=2)],
        [nn.Conv2d(192, 16, 1), nn.Conv2d(16, 32, 5, padding=2)],
    ]
    for row, chain in zip(shown.find_all(class_="way"), chains, strict=True):
        found = anatomy(Network("x", ImageSpec(192, 28), {str(i): layer for i, layer in enumerate(chain)}))
        assert row.find(class_="counts").text == f"{found.macs:,} MACs, {found.parameters:,} parameters"
    assert [row.find(class_="chain").text for row in shown.find_all(class_="way")] == [
        "5×5 conv, 32",
        "1×1 conv, 16 → 5×5 conv, 32",
    ]
    assert shown.output.text == "Bottleneck: 9.7 times fewer MACs. It pays with up to 154 bottleneck channels."
    most = {"size": 28, "in_channels": 192, "out_channels": 32, "kernel_size": 5}
    direct = counted(WAYS["Directly"], most)[0]
    assert counted(WAYS["Bottleneck"], most | {"width": 154})[0] < direct
    assert counted(WAYS["Bottleneck"], most | {"width": 155})[0] >= direct
    assert [slider["name"] for slider in shown.find_all("input")] == list(KNOBS)
    assert all(slider.find_parent("label").span.text for slider in shown.find_all("input"))


def test_cost_of_a_way_that_never_saves():
    wide = {"Directly": [Conv(1, 8, 1)], "Bottleneck": [Conv(1, 8, "width"), Conv(1, "width", 1)]}
    knobs = {"size": Knob("size", (7,), 7), "width": Knob("channels", (1, 2), 2)}
    assert page(cost(wide, knobs, breakeven="width")).output.text == "Bottleneck: 2.3 times more MACs. It never pays."
    assert page(cost(wide, knobs)).output.text == "Bottleneck: 2.3 times more MACs."


def test_groups_count_as_torch_counts_them():
    depthwise = [Conv(3, "channels", "channels", "channels"), Conv(1, "channels", 10)]
    macs, parameters = counted(depthwise, {"channels": 6, "size": 4})
    assert (macs, parameters) == (4 * 4 * (9 * 6 + 60), 9 * 6 + 6 + 60 + 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cost({"One": WAYS["Directly"]}, KNOBS), "expected two ways to compare, got 1"),
        (lambda: cost(WAYS, {k: v for k, v in KNOBS.items() if k != "size"}), "got 'size'"),
        (lambda: cost(WAYS, KNOBS, breakeven="widht"), "did you mean width"),
        (lambda: Knob("x", (1, 2), 3), "the start of 'x' to be one of 1, 2, got 3"),
        (
            lambda: mix(torch.rand(1, 1, 8, 8), what="noise", pixel=(1, 1)),
            r"one colour photograph \(1, 3, side, side\), got",
        ),
        (
            lambda: mix(torch.rand(1, 3, 8, 8), what="noise", pixel=(9, 1)),
            r"a row and a column from 0 to 7, got \(9, 1\)",
        ),
        (lambda: noise(start=(5.0, 0, 0, 0)), "the start of 'weight of red' to be one of −2, −1.9"),
        (lambda: noise(start=(1, 0, 0)), "three weights and a bias, got"),
        (lambda: noise(255 * torch.rand(1, 3, 8, 8)), r"with values in \[0, 1\], got torch.float32 from"),
        (lambda: cost({**WAYS, "Bottleneck": []}, KNOBS), "expected 'Bottleneck' to be a chain of convolutions, got"),
        (lambda: cost({**WAYS, "Bottleneck": [(1, 2, 3, 1)]}, KNOBS), "pass a list of Conv"),
        (lambda: cost({**WAYS, "Bottleneck": [Conv(1, 8, 4), Conv(1, 8, 4)]}, KNOBS), "pass in_channels=4"),
        (lambda: cost({**WAYS, "Bottleneck": [Conv(2, 8, 4)]}, KNOBS), r"odd kernels, .* got \(2,\)"),
        (lambda: cost(WAYS, KNOBS, breakeven="kernel_size"), "breakeven to be one of"),
    ],
)
def test_explorers_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def noise(photo=None, **options):
    torch.manual_seed(0)
    return mix(torch.rand(1, 3, 8, 8) if photo is None else photo, what="noise", pixel=(1, 1), **options)


def test_equal_and_nearly_equal_costs_are_said_so():
    knobs = {"size": Knob("size", (7,), 7), "width": Knob("channels", (7, 8), 8)}
    for width, words in ((16, "as many MACs."), (15, "1.1 times fewer MACs."), (33, "2.1 times more MACs.")):
        ways = {"Directly": [Conv(1, 32, 32)], "Bottleneck": [Conv(1, 32, width), Conv(1, width, 32)]}
        assert page(cost(ways, knobs)).output.text == f"Bottleneck: {words}"
    depthwise = {"Full": [Conv(3, 8, 8)], "Split": [Conv(3, 8, 8, 8), Conv(1, 8, 8)]}
    assert page(cost(depthwise, knobs)).find_all(class_="chain")[1].text == "3×3 depthwise conv, 8 → 1×1 conv, 8"


def test_a_knob_takes_any_iterable_and_any_number_type():
    assert Knob("x", (n / 2 for n in range(4)), 1).values == (0.0, 0.5, 1.0, 1.5)


def row(title, accuracy, macs, family="a", **others):
    counts = {"parameters": 10_000_000, "depth": 10, "sees": 100, "time": 1.0} | others
    return Row(title, family, 2015, accuracy, macs=macs, source="He 2015", **counts)


def test_the_front_is_what_nothing_beats():
    rows = [row("dear", 80, 9e9), row("cheap", 60, 1e8), row("beaten", 70, 5e9), row("good", 75, 4e9)]
    assert [r.title for r in front(rows, "macs")] == ["cheap", "good", "dear"]
    twins = [row("one", 70, 1e9), row("two", 70, 1e9), row("worse", 69, 1e9)]
    assert [r.title for r in front(twins, "macs")] == ["one", "two"], "equals do not beat each other"
    with pytest.raises(ValueError, match="price to be one of"):
        front(rows, "beauty")


def test_compare_shows_every_network_twice():
    rows = [row("dear", 80, 9_000_000_000), row("cheap", 60, 100_000_000, "b"), row("beaten", 78.25, 10**10)]
    shown = page(compare(rows))
    assert [dot.title.text for dot in shown.find_all("circle")] == ["dear", "cheap", "beaten"]
    assert [line.th.text for line in shown.tbody.find_all("tr")] == ["dear", "cheap", "beaten"]
    assert [cell.text for cell in shown.tbody.find_all("tr")[2].find_all("td")][1:5] == [
        *("78.25", "224", "10.0M", "10.00G"),
    ]
    assert shown.output.text == "On the front: cheap, dear."
    rings = [float(dot["stroke-width"]) > 0 for dot in shown.find_all("circle")]
    assert rings == [True, True, False]
    assert [head.button["value"] for head in shown.thead.find_all("th")] == list(COLUMNS)
    assert [box["value"] for box in shown.find_all("input", type="checkbox")] == ["a", "b"]
    assert [slider["name"] for slider in shown.find_all("input", type="range")] == list(LIMITS)
    assert shown.find(class_="buys").text == "40 billion MACs and 600 MB buy dear, 80%."


def test_a_budget_buys_the_most_accurate_that_keeps_to_both_limits():
    rows = [
        row("heavy", 90, 1e9, parameters=11_000_000),
        row("slow", 85, 3e9, parameters=1_000_000),
        row("dearer", 80, 2e9, parameters=10_000_000),
        row("good", 80, 1e9, parameters=10_000_000),
        row("small", 60, 1e8, parameters=100),
    ]
    assert bought(rows, gigamacs=2, megabytes=40).title == "good", "at both limits, and the cheaper of two equals"
    assert bought(rows, gigamacs=2, megabytes=44).title == "heavy"
    assert bought(rows, gigamacs=3, megabytes=4).title == "slow"
    assert bought(rows, gigamacs=0.09, megabytes=600) is None
    assert [one.title for one in within(rows, gigamacs=1, megabytes=40)] == ["good", "small"]


def test_what_a_budget_leaves_out_fades_from_the_start():
    shown = page(compare([row("giant", 80, 10**11), row("cheap", 60, 100_000_000)]))
    assert [dot["opacity"] for dot in shown.find_all("circle")] == ["0.2", "1"]
    assert shown.output.text == "On the front: cheap."


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "networks of 1 to 7 families, got"),
        ([row(str(n), 60, 1e9, str(n)) for n in range(8)], "networks of 1 to 7 families, got"),
        ([row("odd", 20, 1e9)], r"accuracies from 55 to 86 percent, got another for \['odd'\]"),
    ],
)
def test_compare_refuses(rows, message):
    with pytest.raises(ValueError, match=message):
        compare(rows)


def test_scaling_starts_at_b0():
    shown = page(scaling())
    found = anatomy("efficientnet_b0")
    counts = [count.text for count in shown.find_all(class_="counts")]
    assert counts == ["16", "320", "224", f"{found.parameters:,}", f"{found.macs:,}"]
    assert [slider["name"] for slider in shown.find_all("input")] == ["phi", "depth", "width", "resolution"]


def test_mix_is_the_convolution_at_the_marked_pixel():
    torch.manual_seed(0)
    photo, start = torch.rand(1, 3, 8, 8), (0.5, -2.0, 1.0, -0.1)
    shown = page(mix(photo, what="noise", pixel=(2, 3), start=start))
    conv = nn.Conv2d(3, 1, 1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(start[:3]).view(1, 3, 1, 1))
        conv.bias.fill_(start[3])
        wanted = conv((photo * 100).round() / 100)[0, 0, 2, 3].item()
    assert shown.output.text.split(" = ")[1].split(",")[0] == f"{wanted:.2f}".replace("-", "−")
    assert ("after the ReLU" in shown.output.text) == (wanted < 0)
    assert json.loads(shown.div["data-given"]) == [round(v, 2) for v in photo[0, :, 2, 3].tolist()]
    stands = [(slider["aria-valuetext"], slider.find_next_sibling("span").text) for slider in shown.find_all("input")]
    assert stands == [("0.5", "0.5"), ("−2", "−2"), ("1", "1"), ("−0.1", "−0.1")]
    assert shown.find("fecolormatrix")["values"] == "0.5 -2 1 0 -0.1 " * 3 + "0 0 0 1 0"
