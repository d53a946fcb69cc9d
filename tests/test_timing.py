"""Recorded times: what is timed, that a record says how it was made, and that it fits the live networks."""

import json

import pytest

from casestudies_lib.anatomy import anatomy
from casestudies_lib.experiments import degradation, timing
from casestudies_lib.models import MODELS
from casestudies_lib.published import PUBLISHED


def test_one_command_writes_a_record(tmp_path, capsys):
    out = tmp_path / "timing.json"
    timing.main(["--rounds", "1", "--networks", "lenet5_1998", "cifar_resnet20", "--out", str(out)])
    record = json.loads(out.read_text())
    assert set(record["networks"]) == {"lenet5_1998", "cifar_resnet20"}
    assert set(record["convolutions"]) == set(timing.CONVOLUTIONS)
    assert record["made_by"]["command"].endswith(f"--out {out}") and record["made_by"]["rounds"] == 1
    entry = record["networks"]["cifar_resnet20"]
    assert 0 < entry["least"] <= entry["seconds"] < 10 and entry["macs"] == anatomy("cifar_resnet20").macs
    with pytest.raises(SystemExit):
        timing.main(["--rounds", "0", "--out", str(tmp_path / "none.json")])
    assert "rounds to be a whole number" in capsys.readouterr().err and not (tmp_path / "none.json").exists()


def test_more_work_takes_more_time():
    found = timing.timed({name: MODELS[name] for name in ("cifar_resnet20", "resnet50")}, rounds=3)
    assert found["resnet50"]["least"] > 3 * found["cifar_resnet20"]["least"], "a hundred times the MACs"


def test_the_record_that_ships_is_of_these_networks():
    record = timing.recorded()
    assert set(record["networks"]) == set(PUBLISHED) and set(record["convolutions"]) == set(timing.CONVOLUTIONS)
    for name in ("resnet18", "mobilenet_v2", "efficientnet_b0"):
        assert record["networks"][name]["macs"] == anatomy(name).macs, f"{name} changed: time it again"
    for name, build in timing.CONVOLUTIONS.items():
        assert record["convolutions"][name]["macs"] == anatomy(build).macs, name
    assert {"processor", "date", "threads", "torch", "rounds", "command"} == set(record["made_by"])


def test_the_scaling_runs_that_ship_can_be_read():
    runs = degradation.read(degradation.RECORDED.with_name("scaling-fashion.jsonl"))
    assert len(runs) == 15 and {run["run"]["seed"] for run in runs} == {0, 1, 2}
    assert all("--kinds residual --seeds 0 1 2" in run["made_by"]["command"] for run in runs)
