"""The loss around a trained network: what a direction is, that walking leaves no trace, and how a record is made."""

import argparse
import copy
import json

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from casestudies_lib.experiments import digit, surface, timing
from casestudies_lib.resnet import cifar_resnet
from casestudies_lib.training.datasets import Split, digits


@pytest.fixture
def network():
    torch.manual_seed(0)
    return cifar_resnet(8, width=4, in_channels=1).eval()


@pytest.fixture
def few():
    training, _ = digits(size=8)
    return Split(training.images[:20], training.labels[:20])


def test_each_filter_of_a_direction_is_as_long_as_the_networks_own(network):
    direction = surface.filter_normalised(network, torch.Generator().manual_seed(3))
    for weight, drawn in zip(network.parameters(), direction, strict=True):
        assert drawn.shape == weight.shape
        if weight.dim() > 1:
            assert torch.allclose(drawn.flatten(1).norm(dim=1), weight.flatten(1).norm(dim=1))
        else:
            assert not drawn.any(), "biases and batch norm stay"
    again = surface.filter_normalised(network, torch.Generator().manual_seed(3))
    assert all(torch.equal(one, other) for one, other in zip(direction, again, strict=True))


def test_networks_of_the_book_are_eight_channels_wide(few, monkeypatch):
    built = []

    def one_step(build, data, **settings):
        built.append(build().eval())
        return built[0], [0.0]

    monkeypatch.setattr(surface, "train", one_step)
    surface.around("residual", few, depth=8, seed=0, epochs=1, side=3, measured=2)
    assert built[0].conv1.weight.shape == (8, 1, 3, 3)


@pytest.mark.parametrize("module", [surface, digit, timing])
def test_every_option_of_a_command_line_says_what_it_is_for(module, monkeypatch):
    parsers = []
    monkeypatch.setattr(
        argparse.ArgumentParser, "parse_args", lambda parser, arguments: parsers.append(parser) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        module.main([])
    assert len(parsers[0]._actions) > 3 and all(action.help for action in parsers[0]._actions)


@pytest.mark.parametrize("statistics", surface.STATISTICS)
def test_the_middle_is_the_networks_loss_and_the_walk_leaves_no_trace(network, few, statistics):
    generator = torch.Generator().manual_seed(1)
    across, up = (surface.filter_normalised(network, generator) for _ in range(2))
    before = copy.deepcopy(network)
    rows = surface.surface(network, few, across, up, [-1.0, 0.0, 0.5], statistics=statistics)
    assert not network.training
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, before.state_dict()[name]), name
    assert {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}
    with torch.no_grad():
        before.train(statistics == "own")
        assert rows[1][1] == pytest.approx(F.cross_entropy(before(few.images), few.labels).item(), rel=1e-5)
        before = copy.deepcopy(network).train(statistics == "own")
        for weight, right in zip(before.parameters(), across, strict=True):
            weight += 0.5 * right
        assert rows[1][2] == pytest.approx(F.cross_entropy(before(few.images), few.labels).item(), rel=1e-4)
    assert rows[1][2] != rows[2][1], "columns go along the first direction, rows along the second"


def test_one_command_writes_a_record(tmp_path, capsys):
    out = tmp_path / "surface.json"
    small = ["--depth", "8", "--epochs", "1", "--digits", "60", "--measured", "20", "--side", "3", "--seeds", "4"]
    surface.main([*small, "--out", str(out)])
    record, shipped = json.loads(out.read_text()), surface.recorded()
    assert set(record) == set(shipped) and set(record["made_by"]) == set(shipped["made_by"])
    assert [(one["kind"], one["seed"]) for one in record["slices"]] == [("plain", 4), ("residual", 4)]
    assert record["made_by"]["command"].endswith(f"--out {out}") and record["measured"] == 20
    for one in record["slices"]:
        assert 0 <= one["training_error"] <= 1 and set(one["log10_loss"]) == set(surface.STATISTICS)
        assert all([len(row) for row in rows] == [3, 3, 3] for rows in one["log10_loss"].values())
    for arguments, message in (
        (["--side", "4"], "expected side to be odd"),
        (["--side", "1"], "side to be a whole number from 3"),
        (["--digits", "0"], "digits to be a whole number"),
        (["--measured", "0"], "measured to be a whole number"),
        (["--out", str(tmp_path / "nowhere" / "surface.json")], "make the folder first"),
    ):
        with pytest.raises(SystemExit):
            surface.main([*small, "--out", str(tmp_path / "none.json"), *arguments])
        assert message in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()


def test_the_record_that_ships_is_what_the_command_makes(tmp_path, monkeypatch):
    record = surface.recorded()
    monkeypatch.setattr(surface, "around", lambda kind, data, *, seed, **settings: {"kind": kind, "seed": seed})
    surface.main(["--out", str(tmp_path / "surface.json")])  # the settings that it has by itself
    unasked = json.loads((tmp_path / "surface.json").read_text())
    for key in ("depth", "epochs", "side", "measured", "digits"):
        assert unasked[key] == record[key], key
    assert unasked["slices"] == [{key: one[key] for key in ("kind", "seed")} for one in record["slices"]]
    assert record["made_by"]["command"] == "python -m casestudies_lib.experiments.surface"
    assert {"command", "date", "torch", "processor", "threads"} == set(record["made_by"])
    made = [(one["kind"], one["seed"]) for one in record["slices"]]
    assert made == [(kind, seed) for seed in (0, 1, 2) for kind in surface.KINDS]
    for one in record["slices"]:
        for rows in one["log10_loss"].values():
            assert {len(rows), *map(len, rows)} == {record["side"]}
            middle = record["side"] // 2
            assert rows[middle][middle] == min(map(min, rows)), "training ended in the lowest place of its slice"
