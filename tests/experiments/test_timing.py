"""Recorded times: what is timed, that a record says how it was made, and that it fits the live networks."""

import json
from pathlib import Path

import pytest

from casestudies_lib.experiments import timing
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.models import MODELS, PUBLISHED


def test_one_command_writes_a_record(tmp_path, capsys):
    out = tmp_path / "timing.json"
    timing.main(["--rounds", "1", "--networks", "lenet5_1998", "cifar_resnet20", "--out", str(out)])
    record = json.loads(out.read_text())
    assert set(record["networks"]) == {"lenet5_1998", "cifar_resnet20"}
    assert set(record["convolutions"]) == set(timing.CONVOLUTIONS)
    assert record["made_by"]["command"].endswith(f"--out {out}") and record["made_by"]["rounds"] == 1
    entry = record["networks"]["cifar_resnet20"]
    assert 0 < entry["seconds"] < 10 and entry["macs"] == anatomy("cifar_resnet20").macs
    with pytest.raises(SystemExit):
        timing.main(["--rounds", "0", "--out", str(tmp_path / "none.json")])
    with pytest.raises(SystemExit):
        timing.main(["--rounds", "1", "--out", str(tmp_path / "nowhere" / "timing.json")])
    assert "rounds to be a whole number" in capsys.readouterr().err and not (tmp_path / "none.json").exists()


def test_more_work_takes_more_time():
    found = timing.timed({name: MODELS[name] for name in ("cifar_resnet20", "resnet50")}, rounds=3)
    assert found["resnet50"]["seconds"] > 3 * found["cifar_resnet20"]["seconds"], "a hundred times the MACs"


def test_the_median_of_the_rounds_counts(monkeypatch):
    """With a scripted clock: two passes that do not count, then rounds of 3, 9 and 4 seconds."""
    ticks = iter([0, 60, 0, 1, 0, 3, 0, 9, 0, 4])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    assert timing.timed({"lenet5": MODELS["lenet5"]}, rounds=3)["lenet5"]["seconds"] == 4.0


def test_the_record_that_ships_is_of_these_networks():
    record = timing.recorded()
    assert set(record["networks"]) == set(PUBLISHED) and set(record["convolutions"]) == set(timing.CONVOLUTIONS)
    counts = json.loads((Path(__file__).parent.parent / "counts.json").read_text())
    for name in PUBLISHED:
        assert record["networks"][name]["macs"] == counts[name]["macs"], f"{name} changed: time it again"
    for name, build in timing.CONVOLUTIONS.items():
        assert record["convolutions"][name]["macs"] == anatomy(build).macs, name
    assert {"processor", "date", "threads", "torch", "rounds", "command"} == set(record["made_by"])
