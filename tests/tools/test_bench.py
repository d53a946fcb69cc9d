"""What `make bench` measures and stores: every part on little, and a file that no failure damages."""

import json
from pathlib import Path

import bench
import pytest

LITTLE = ["--networks", "lenet5", "mobilenet_v3_small", "--rounds", "2", "--images", "2"]
REPORT = """<testsuites><testsuite>
<testcase classname="notebooks.08_side_by_side.ipynb" name="Cell 0" time="1.5"/>
<testcase classname="notebooks.08_side_by_side.ipynb" name="Cell 1" time="2.5"><properties>
<property name="CPU seconds of the page" value="31.25"/></properties></testcase>
<testcase classname="tests.test_vgg" name="one" time="0.25"/></testsuite></testsuites>"""


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "commit", lambda: "a commit")
    return tmp_path / "speed.json"


def test_every_comparison_is_stored_with_its_machine(out, torchvision):
    bench.main([*LITTLE, "--out", str(out)])
    parts = json.loads(out.read_text())
    assert list(parts) == list(bench.ROUNDS)
    for name, part in parts.items():
        made_by = {"command", "date", "commit", "processor", "cores", "threads", "torch", "numpy", "torchvision"}
        assert set(part["made_by"]) == made_by and part["made_by"]["commit"] == "a commit"
        assert part["rounds"] == 2 and part["what"] and part["comparisons"], name
        for comparison in part["comparisons"].values():
            items = comparison["items"]
            ratios = [item["ratio"] for item in items.values()]
            assert ratios == sorted(ratios, reverse=True) and comparison["largest"] == ratios[0], "the losers first"
            assert comparison["slower"] == [key for key, item in items.items() if item["ratio"] > 1]
            assert min(ratios) <= comparison["geometric_mean"] <= max(ratios)
            for item in items.values():
                low, high = item["quartiles"]
                assert 0 < low <= item["ratio"] <= high and item["ours_s"] > 0 and item["theirs_s"] > 0
    assert set(parts["forward"]["comparisons"]["torchvision"]["items"]) == {"mobilenet_v3_small"}
    counts = parts["count"]["comparisons"]
    exact = counts["torch.utils.flop_counter, on the meta device"]
    assert exact["equal"] == 2 and set(exact["items"]) == {"lenet5", "mobilenet_v3_small"}
    assert counts["torchinfo, on the cpu device"]["equal"] == 0, "it counts biases and normalisation as well"
    assert {"fvcore", "thop", "ptflops"} == set(parts["count"]["missing"]) | (
        {label.partition(",")[0] for label in counts} - {"torch.utils.flop_counter", "torchinfo"}
    )


def test_a_part_that_fails_leaves_the_others_as_they_were(out, monkeypatch, torchvision):
    little = [*LITTLE, "--out", str(out)]
    bench.main(["epoch", *little])
    before = json.loads(out.read_text())
    monkeypatch.setitem(bench.PARTS, "epoch", lambda given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bench.main(["forward", "epoch", "step", *little])
    after = json.loads(out.read_text())
    assert list(after) == ["forward", "epoch"] and after["epoch"] == before["epoch"]
    monkeypatch.setitem(bench.PARTS, "epoch", lambda given: {"unwritable": out})
    before = out.read_text()
    with pytest.raises(TypeError):
        bench.main(["epoch", *little])
    assert out.read_text() == before


def test_each_side_begins_in_turn_and_ratios_are_taken_round_by_round(monkeypatch):
    """With a scripted clock, on a machine that is ten times slower in the second round."""
    called, clock = [], iter([0, 2, 2, 4, 4, 24, 24, 44, 44, 47, 47, 49])
    monkeypatch.setattr(bench.time, "process_time", lambda: next(clock))
    sides = {side: lambda side=side: called.append(side) for side in ("ours", "theirs")}
    taken = bench.in_turns(sides, rounds=3, least=0)
    assert called == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert taken == {"ours": [2, 20, 3], "theirs": [2, 20, 2]}
    assert bench.ratio(**taken) == {"ours_s": 3, "theirs_s": 2, "ratio": 1, "quartiles": [1, 1.25]}


def test_the_book_and_a_report_of_the_tests_are_stored(out, tmp_path, monkeypatch):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    asked = []
    monkeypatch.setattr(bench.subprocess, "run", lambda command, **options: asked.append(command))
    bench.main(["tests", "book", "--report", str(report), "--out", str(out)])
    parts = json.loads(out.read_text())
    assert asked == [["make", "--no-print-directory", "book"]] and set(parts["book"]) >= {"wall_s", "cpu_s"}
    assert parts["tests"]["notebooks_cpu_s"] == {"08_side_by_side": 31.25} and parts["tests"]["total_s"] == 4.25
    assert parts["tests"]["files_s"] == {"notebooks.08_side_by_side.ipynb": 4, "tests.test_vgg": 0.25}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["forward", "--networks", "lenet5"], "networks that torchvision has too, got ['lenet5']"),
        (["epoch", "--rounds", "0"], "expected rounds to be a whole number of at least 1, got 0"),
        (["epoch", "--images", "0"], "expected images to be a whole number of at least 1, got 0"),
        (["tests"], "expected a report of pytest's, got none"),
        (["forwards"], "invalid choice: 'forwards'"),
    ],
)
def test_what_cannot_be_measured_is_refused(out, capsys, torchvision, arguments, said):
    with pytest.raises(SystemExit):
        bench.main([*arguments, "--out", str(out)])
    assert said in capsys.readouterr().err and not out.exists()


def test_a_folder_that_is_not_there_is_refused(out, capsys):
    with pytest.raises(SystemExit):
        bench.main(["book", "--out", str(out / "nowhere" / "speed.json")])
    assert "make the folder first" in capsys.readouterr().err


def test_the_file_that_the_book_has_is_whole():
    parts = json.loads(Path(bench.OUT).read_text())
    assert set(bench.ROUNDS) <= set(parts) <= set(bench.PARTS)
    assert not any(part["made_by"]["commit"].endswith(("+", "-dirty")) for part in parts.values())
