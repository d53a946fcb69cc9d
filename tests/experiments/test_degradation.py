"""The large experiment in small: killed, shared out or resumed anywhere, its results are those of one quiet process."""

import contextlib
import io
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from casestudies_lib.experiments import degradation
from casestudies_lib.experiments.degradation import Run, append, augmented, load, main, pending, rate, read, train
from casestudies_lib.models import MODELS

MODULE = "casestudies_lib.experiments.degradation"
TINY = Run("digits", "residual", 8, seed=3, width=4, size=8, images=120, epochs=4, batch=50)  # three steps an epoch
GRID = shlex.split("--dataset digits --depths 8 --seeds 0 1 --width 4 --images 120 --epochs 15 --batch 40 --device cpu")
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def by_run(out):
    """What each run measured, by run, and that none was done twice."""
    results = read(out)
    measured = {
        Run(**result["run"]): {k: v for k, v in result.items() if k not in ("run", "made_by")} for result in results
    }
    assert len(measured) == len(results)
    return measured


def left(out):
    """What stands in the folder of checkpoints, but for the locks."""
    return sorted(path.name for path in out.with_suffix(".runs").iterdir() if path.suffix != ".lock")


@pytest.fixture(scope="module")
def splits():
    return load(TINY)


@pytest.fixture(scope="module")
def reference(splits, tmp_path_factory):
    """The grid's results without interruption."""
    folder = tmp_path_factory.mktemp("reference")
    train(replace(TINY, epochs=1), *splits, folder / "warm.pt")  # the first epoch ever loads half of torch
    main([*GRID, "--out", str(folder / "out.jsonl")])
    results = by_run(folder / "out.jsonl")
    assert {(run.kind, run.seed) for run in results} == {(kind, seed) for kind in degradation.KINDS for seed in (0, 1)}
    assert len({json.dumps(measured) for measured in results.values()}) == 4
    assert left(folder / "out.jsonl") == []
    return results


def test_smoke(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", MODULE, "--smoke", "--device", "cpu"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    out = tmp_path / "degradation-smoke.jsonl"
    content = out.read_bytes()
    lines = [json.loads(line) for line in content.splitlines()]
    assert len(lines) == 4 and content.endswith(b"\n") and left(out) == []
    settings = {"dataset": "digits", "seed": 0, "width": 4, "size": 8, "images": 1400, "epochs": 2, "batch": 128}
    assert all(settings.items() <= line["run"].items() and line["run"]["lr"] == 0.05 for line in lines)
    for line in lines:
        assert len(line["curve"]) == line["run"]["epochs"] and line["training_loss"] > 0
        assert all(0 <= error <= 1 for error in (line["training_error"], line["test_error"], *line["curve"]))
        assert line["made_by"]["command"] == f"python -m {MODULE} --smoke --device cpu"
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["network", "training", "error", "test", "error", "seeds"]
    assert [row.split()[0] for row in rows] == ["plain-8", "plain-14", "residual-8", "residual-14"]
    for row in rows:
        kind, depth = row.split()[0].split("-")
        (line,) = [line for line in lines if (line["run"]["kind"], line["run"]["depth"]) == (kind, int(depth))]
        assert f" {line['training_error']:.2%} " in row and f" {line['test_error']:.2%} " in row
    main(["--smoke", "--device", "cpu"])
    assert capsys.readouterr().out == done.stdout and out.read_bytes() == content


def progress(out):
    """Changes with every epoch that a process finishes."""
    seen = {}
    for path in (out, *out.with_suffix(".runs").glob("*.pt")):
        with contextlib.suppress(FileNotFoundError):
            seen[path.name] = path.stat().st_mtime_ns
    return seen


# Loads torch once, 5 s, for all that are killed. It alone waits for them, so that a kill never meets a stranger.
NURSERY = """
import os, signal, sys
import torch._dynamo
from casestudies_lib.experiments.degradation import main
while sys.stdin.readline():
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        main(sys.argv[1:])
        os._exit(0)
    sys.stdin.readline()
    os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_five_kills_change_nothing(reference, tmp_path):
    out = tmp_path / "out.jsonl"
    arguments = [*GRID, "--out", str(out)]
    moments, codes, unfinished = random.Random(5), [], 0
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
    with subprocess.Popen([sys.executable, "-c", NURSERY, *arguments], **pipes) as nursery:
        for _ in range(5):
            print("start", file=nursery.stdin, flush=True)
            took = 0.0
            for _ in range(moments.randint(2, 7)):  # of the grid's sixty epochs: the five together do not end it
                before, start = progress(out), time.monotonic()
                while progress(out) == before and time.monotonic() < start + 60:
                    time.sleep(0.002)
                took = time.monotonic() - start
            time.sleep(moments.uniform(0, took))  # anywhere in the next epoch
            print("kill", file=nursery.stdin, flush=True)
            codes.append(int(nursery.stdout.readline()))
            unfinished += any(name.endswith(".pt") for name in left(out))
            if len(read(out)) == len(reference):
                break
    assert codes.count(-signal.SIGKILL) >= 3, codes  # these were hit at work,
    assert unfinished >= 3  # and in the middle of a run
    main(arguments)
    assert by_run(out) == reference
    assert left(out) == []


def test_two_processes_share_the_grid(reference, tmp_path):
    out = tmp_path / "out.jsonl"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", MODULE]
    done = subprocess.run([*launch, *GRID, "--out", str(out)], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert by_run(out) == reference
    assert left(out) == []
    assert done.stdout.count("training error") == 1  # one of them reports


def result_of(run):
    return {
        "run": degradation.asdict(run),
        "training_error": 0.5,
        "training_loss": 1.0,
        "test_error": 0.5,
        "curve": [0.5] * run.epochs,
    }


def test_torn_last_line_is_ignored_and_removed(tmp_path):
    out = tmp_path / "new" / "out.jsonl"
    assert read(out) == []
    first, second, third = (result_of(replace(TINY, seed=seed)) for seed in range(3))
    append(out, first)
    append(out, second)
    whole, line = out.read_bytes(), json.dumps(third).encode()
    for cut in (1, 9, len(line) // 2, len(line) - 1):
        out.write_bytes(whole + line[:cut])
        assert read(out) == [first, second]
        append(out, third)
        assert out.read_bytes() == whole + line + b"\n"
        assert read(out) == [first, second, third]
    out.write_bytes(line[:9])
    assert read(out) == []
    append(out, third)
    assert read(out) == [third]


def test_last_line_that_lacks_only_its_end_is_kept(tmp_path):
    out = tmp_path / "out.jsonl"
    first, second = (result_of(replace(TINY, seed=seed)) for seed in range(2))
    out.write_text(json.dumps(first))  # as an editor may leave it
    assert read(out) == [first]
    append(out, second)
    assert read(out) == [first, second]


def test_a_file_of_something_else_is_left_as_it_is(tmp_path, capsys):
    out = tmp_path / "notes.txt"
    out.write_text("call the plumber")
    with pytest.raises(SystemExit):
        main([*GRID, "--out", str(out)])
    assert "expected line 1" in capsys.readouterr().err and out.read_text() == "call the plumber"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"training_error": float("nan")}, "an error to be a number from 0 to 1, got nan"),
        ({"test_error": -5}, "an error to be a number from 0 to 1, got -5"),
        ({"training_loss": "low"}, "training_loss to be a number from 0 to .*, got 'low'"),
        ({"curve": []}, "the curve has 0 of 4 epochs"),
        ({"curve": [0.5, 0.5, 2, 0.5]}, "an error to be a number from 0 to 1, got 2"),
        ({"run": degradation.asdict(replace(TINY, seed=1))}, "another line has residual-8, seed 1 as well"),
    ],
)
def test_results_that_cannot_be_are_refused(tmp_path, changed, says):
    lines = [result_of(replace(TINY, seed=1)), result_of(TINY) | changed]
    out = tmp_path / "out.jsonl"
    out.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ValueError, match=rf"expected line 2 of .*{says}"):
        read(out)


def test_a_training_that_diverges_is_no_result(splits, tmp_path, monkeypatch):
    monkeypatch.setattr(degradation, "predict", lambda _, images: torch.full((len(images), 10), float("nan")))
    with pytest.raises(ValueError, match=r"expected residual-8, seed 3 to have a loss, got nan: pass an lr below 0\.1"):
        train(TINY, *splits, tmp_path / "run.pt")


def test_a_rank_that_is_no_number_is_refused_in_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LOCAL_RANK", "x")
    with pytest.raises(SystemExit):
        main([*GRID, "--out", str(tmp_path / "out.jsonl")])
    assert "expected LOCAL_RANK to be a whole number, as torchrun sets it, got 'x'" in capsys.readouterr().err


def test_the_writer_of_torch_meets_no_disk(tmp_path, monkeypatch):
    """On a full one it ends in a RuntimeError, which no command line expects; Python's own ends in an OSError."""
    seen, save = [], torch.save
    monkeypatch.setattr(torch, "save", lambda state, file: [seen.append(type(file)), save(state, file)])
    degradation.save(tmp_path / "run.pt", {"curve": [1.0]})
    assert seen == [io.BytesIO] and torch.load(tmp_path / "run.pt", weights_only=True) == {"curve": [1.0]}


@pytest.mark.parametrize("broken", [b'{"run": {"dataset": "di', b"", b"[1]", b"{}", b'{"run": {"depth": 8}}', b"\xff"])
def test_broken_line_is_refused_by_number(tmp_path, broken, capsys):
    out = tmp_path / "out.jsonl"
    good = json.dumps(result_of(TINY)).encode()
    content = b"\n".join([good, broken, good, b""])
    out.write_bytes(content)
    with pytest.raises(ValueError, match=r"expected line 2 of .* mend or remove") as told:
        read(out)
    assert str(out) in str(told.value)
    with pytest.raises(SystemExit) as exit:
        main([*GRID, "--out", str(out)])
    assert exit.value.code == 2 and "line 2" in capsys.readouterr().err and out.read_bytes() == content


def test_what_is_measured_is_of_the_trained_network(splits, tmp_path):
    measured = train(TINY, *splits, tmp_path / "run.pt")
    network = TINY.build(1, 10)
    network.load_state_dict(torch.load(tmp_path / "run.pt", weights_only=True)["network"])
    for what, (images, labels) in zip(("training", "test"), splits):
        with torch.no_grad():
            logits = network.eval()(images)
        right = sum(int(row.argmax()) == label for row, label in zip(logits, labels.tolist()))
        assert measured[f"{what}_error"] == pytest.approx(1 - right / len(labels))
        if what == "training":
            assert measured["training_loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item())


def test_damaged_checkpoint_is_refused(splits, tmp_path):
    checkpoint = tmp_path / "run.pt"
    run = replace(TINY, epochs=1)
    expected = train(run, *splits, checkpoint)
    whole = checkpoint.read_bytes()
    for content in (b"", whole[:100], whole[: len(whole) // 2], whole[:-1], b"no checkpoint"):
        checkpoint.write_bytes(content)
        with pytest.raises(ValueError, match=r"(?s)damaged file .* delete it, and this run starts anew") as told:
            train(run, *splits, checkpoint)
        assert str(checkpoint) in str(told.value) and checkpoint.read_bytes() == content
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 1  # one bit, which torch itself would not notice
    checkpoint.write_bytes(flipped)
    with pytest.raises(ValueError, match="damaged file"):
        train(run, *splits, checkpoint)
    torch.save({}, checkpoint)  # whole, but not of this run
    with pytest.raises(ValueError, match="damaged file"):
        train(run, *splits, checkpoint)
    checkpoint.unlink()  # as it said
    assert train(run, *splits, checkpoint) == expected


def test_checkpoint_left_by_a_kill_after_its_result_goes(tmp_path):
    out = tmp_path / "out.jsonl"
    ((_, checkpoint),) = list(pending([TINY], out))
    checkpoint.write_bytes(b"left")
    append(out, result_of(TINY))
    assert list(pending([TINY], out)) == [] and left(out) == []


def test_no_result_is_reported_that_is_not_there(tmp_path, capsys, monkeypatch):
    """Rank 0 says so when others are still at work."""
    monkeypatch.setattr(degradation, "study", lambda grid, out, **rest: append(out, result_of(grid[0])))
    main([*GRID, "--out", str(tmp_path / "out.jsonl")])
    assert "3 of 4 runs are still with other processes" in capsys.readouterr().out


HOLD = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""
TRY = "import sys; from filelock import FileLock; FileLock(sys.argv[1]).acquire(timeout=0)"


def test_pending_runs_come_longest_first_without_those_done_or_in_work(tmp_path):
    out = tmp_path / "out.jsonl"
    grid = [
        replace(TINY, depth=depth, kind=kind, seed=seed)
        for depth in (8, 14)
        for seed in (1, 0)
        for kind in ("residual", "plain")
    ]
    order = [(run.depth, run.kind, run.seed) for run, _ in pending(grid, out)]
    assert order == [(depth, kind, seed) for depth in (14, 8) for kind in ("plain", "residual") for seed in (0, 1)]
    longer = [replace(TINY, epochs=9), replace(TINY, images=200), replace(TINY, size=16), replace(TINY, width=5)]
    assert [run for run, _ in pending([TINY, *longer], out)][-1] == TINY
    done, worked_on = replace(TINY, depth=14, seed=0), replace(TINY, depth=14, seed=1)
    append(out, result_of(done))
    checkpoints = dict(pending(grid, out))
    assert set(checkpoints) == set(grid) - {done} and len(set(checkpoints.values())) == len(grid) - 1
    holder = subprocess.Popen([sys.executable, "-c", HOLD, f"{checkpoints[worked_on]}.lock"], stdout=subprocess.PIPE)
    with holder:
        try:
            assert holder.stdout.readline() == b"held\n"
            assert {run for run, _ in pending(grid, out)} == set(grid) - {done, worked_on}
        finally:
            holder.kill()
    assert holder.returncode == -signal.SIGKILL
    for run, checkpoint in pending(grid, out):  # the dead process's run is free, and ours while we have it
        if run == worked_on:
            attempt = [sys.executable, "-c", TRY, f"{checkpoint}.lock"]
            assert b"Timeout" in subprocess.run(attempt, capture_output=True).stderr
            break
    else:
        pytest.fail("the lock of a dead process holds")


def test_run_done_meanwhile_is_not_done_again(tmp_path):
    out = tmp_path / "out.jsonl"
    grid = [replace(TINY, seed=seed) for seed in range(3)]
    seen = []
    for run, _ in pending(grid, out):
        seen.append(run.seed)
        if run.seed == 0:
            append(out, result_of(grid[1]))  # another process finishes it
    assert seen == [0, 2]


def test_images_are_read_once_for_all_runs_that_share_them(tmp_path, monkeypatch, splits):
    asked = []
    monkeypatch.setattr(degradation, "load", lambda run, data: asked.append(run.size) or splits)
    short = replace(TINY, epochs=1)
    grid = [short, replace(short, seed=4), replace(short, images=80)]
    degradation.study(grid, tmp_path / "out.jsonl")
    assert len(read(tmp_path / "out.jsonl")) == 3 and len(asked) == 2, "for two runs, and for one with fewer images"


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("dataset", ["digits", "fashion"])  # mirrored or not, but digits both
def test_resuming_equals_not_stopping(splits, tmp_path, monkeypatch, dataset, augment):
    run = replace(TINY, dataset=dataset, augment=augment)
    expected = train(run, *splits, tmp_path / "whole.pt")
    assert len(expected["curve"]) == run.epochs
    save = degradation.save
    for epochs in range(run.epochs + 1):
        checkpoint, saved = tmp_path / f"{epochs}.pt", []

        def failing(path, state, saved=saved, epochs=epochs):
            if len(saved) == epochs:
                raise KeyboardInterrupt
            save(path, state)
            saved.append(len(state["curve"]))

        monkeypatch.setattr(degradation, "save", failing)
        torch.manual_seed(epochs)  # the state of the world does not matter,
        if epochs < run.epochs:
            with pytest.raises(KeyboardInterrupt):
                train(run, *splits, checkpoint)
        else:
            train(run, *splits, checkpoint)  # stopped after its last epoch
        rest = []
        monkeypatch.setattr(degradation, "save", lambda path, state, rest=rest: rest.append(len(state["curve"])))
        torch.manual_seed(100 + epochs)
        state = torch.get_rng_state()
        assert train(run, *splits, checkpoint) == expected
        assert saved + rest == [1, 2, 3, 4]  # no epoch is done twice
        assert torch.equal(state, torch.get_rng_state())  # nor is it touched


def test_checkpoint_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    degradation.save(path, {"curve": [1.0]})

    def fails(file):
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fails)
        with pytest.raises(OSError, match="no space"):
            degradation.save(path, {"curve": [2.0]})
    assert torch.load(path, weights_only=True) == {"curve": [1.0]}
    degradation.save(path, {"curve": [3.0]})  # over what was left
    assert torch.load(path, weights_only=True) == {"curve": [3.0]}
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize(("size", "reach"), [(7, 0), (8, 1), (28, 3), (32, 4), (40, 4)])
@pytest.mark.parametrize("mirror", [False, True])
def test_augmented_images_are_shifted_copies_of_their_own(size, reach, mirror):
    n = 300
    images = torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(size)) + 1  # 0 is the padding's
    before = images.clone()
    state = torch.get_rng_state()
    result = augmented(images, torch.Generator().manual_seed(0), mirror=mirror)
    assert torch.equal(images, before) and torch.equal(state, torch.get_rng_state())
    assert result.shape == images.shape and result.dtype == images.dtype
    matches = {}
    far = reach + 1  # one further than allowed
    for flipped in (False, True):
        padded = torch.nn.functional.pad(images.flip(3) if flipped else images, (far,) * 4)
        for down in range(-far, far + 1):
            for right in range(-far, far + 1):
                shifted = padded[:, :, far - down : far - down + size, far - right : far - right + size]
                for i in (shifted == result).flatten(1).all(1).nonzero()[:, 0].tolist():
                    matches.setdefault(i, []).append((flipped, down, right))
    assert sorted(matches) == list(range(n)) and all(len(found) == 1 for found in matches.values())
    found = [match for (match,) in matches.values()]
    mirrored = sum(flipped for flipped, _, _ in found)
    assert 0.4 * n < mirrored < 0.6 * n if mirror else mirrored == 0
    for axis in (1, 2):
        assert {match[axis] for match in found} == set(range(-reach, reach + 1))
    assert len({match[1:] for match in found}) > 0.9 * (2 * reach + 1) ** 2  # the two axes are drawn apart
    again = augmented(images, torch.Generator().manual_seed(0), mirror=mirror)
    other = augmented(images, torch.Generator().manual_seed(1), mirror=mirror)
    assert torch.equal(result, again) and (torch.equal(result, other) == (reach == 0 and not mirror))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"augment": False}, []), ({}, [False]), ({"dataset": "fashion"}, [True]), ({"dataset": "cifar10"}, [True])],
)
def test_only_digits_are_never_mirrored(splits, tmp_path, monkeypatch, settings, expected):
    seen = []
    monkeypatch.setattr(degradation, "augmented", lambda images, _, mirror: [images, seen.append(mirror)][0])
    train(replace(TINY, epochs=1, batch=120, **settings), *splits, tmp_path / "run.pt")
    assert seen == expected


def test_rate_rises_through_the_first_epoch_and_falls_twice():
    run = replace(TINY, epochs=8, lr=0.2)
    assert [rate(run, 0, progress) for progress in (0.25, 0.5, 1.0)] == pytest.approx([0.05, 0.1, 0.2])
    for progress in (0.01, 1.0):
        falling = [rate(run, epoch, progress) for epoch in range(1, 8)]
        assert falling == pytest.approx([0.2] * 3 + [0.02] * 2 + [0.002] * 2)
    assert [rate(replace(run, epochs=5), epoch, 1.0) for epoch in range(5)] == pytest.approx([0.2] * 3 + [0.02, 0.002])
    assert [rate(replace(run, epochs=140), epoch, 1.0) for epoch in (69, 70, 104, 105)] == pytest.approx(
        [0.2, 0.02, 0.02, 0.002]
    )


def test_training_keeps_to_the_rate_and_the_paper(splits, tmp_path):
    seen = []

    def watch(optimizer, *_):
        (group,) = optimizer.param_groups
        assert (group["momentum"], group["weight_decay"], group["nesterov"]) == (0.9, 1e-4, False)
        seen.append(group["lr"])

    hook = register_optimizer_step_pre_hook(watch)
    try:
        train(TINY, *splits, tmp_path / "run.pt")
    finally:
        hook.remove()
    assert seen == pytest.approx([0.1 / 3, 0.2 / 3, 0.1] + [0.1] * 3 + [0.01] * 3 + [0.001] * 3)


def test_large_seeds_are_taken():
    assert replace(TINY, seed=2**31 - 1).seed == 2**31 - 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("--depths 21", "expected depth to be 6n + 2 with n of 1 or more, got 21: try 20 or 26"),
        ("--depths 2", "expected depth to be 6n + 2"),
        (
            "--images 1401",
            "images to be a whole number from 1 to 1,400, got 1401: pass at most the 1,400 of digits",
        ),
        ("--lr 0", "expected lr to be a finite number above 0, got 0.0"),
        ("--lr -1", "expected lr to be a finite number above 0, got -1.0"),
        ("--lr nan", "expected lr to be a finite number above 0, got nan"),
        ("--epochs 0", "expected epochs to be a whole number of at least 1, got 0"),
        ("--batch 0", "expected batch to be a whole number of at least 1, got 0"),
        ("--width 100000", "expected a network of at most 1,000,000,000 parameters, got"),
        ("--width 0", "expected width to be a whole number of at least 1, got 0"),
        ("--size 4", "expected images of at least 5 x 5 pixels, got 4 x 4"),
        (
            "--dataset cifar10 --images 100",
            "expected a folder with CIFAR-10, got none: pass --data cifar-10",
        ),
        ("--dataset cifar10 --images 100 --data nowhere", "got none: unpack cifar-10-python.tar.gz there"),
        ("--dataset imagenet", "invalid choice: 'imagenet'"),
        ("--kinds dense", "invalid choice: 'dense'"),
        ("--seeds one", "invalid int value: 'one'"),
        ("--seeds 2147483648", "expected seed to be a whole number of at most 2,147,483,647, got 2147483648"),
    ],
)
def test_bad_settings_are_refused(tmp_path, monkeypatch, capsys, settings, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        main([*GRID, "--out", "out.jsonl", *settings.split()])
    told = capsys.readouterr()
    assert (
        exit.value.code == 2
        and told.err.startswith(f"usage: python -m {MODULE} ")
        and says in told.err
        and "Traceback" not in told.err
        and told.out == ""
    )
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_bad_runs_are_refused():
    for settings in ({"dataset": "mnist"}, {"kind": "dense"}, {"depth": True}, {"size": 8.0}, {"images": 0}):
        with pytest.raises(ValueError, match="expected"):
            replace(TINY, **settings)


def test_no_two_runs_share_a_checkpoint():
    changes = {"dataset": "fashion", "kind": "plain", "depth": 14, "seed": 4, "width": 5, "size": 9, "images": 121}
    changes |= {"epochs": 5, "batch": 51, "lr": 0.2, "augment": False}
    assert set(changes) == {field.name for field in degradation.fields(Run)}
    runs = [TINY, *(replace(TINY, **{name: value}) for name, value in changes.items())]
    assert len({run.key for run in runs}) == len(runs) and replace(TINY).key == TINY.key
    assert {len(run.key) for run in runs} == {16} and not set("".join(run.key for run in runs)) - set(
        "0123456789abcdef"
    )


def test_plain_and_residual_differ_only_in_the_shortcut(splits, tmp_path, monkeypatch):
    seen = {}

    def watched(kind, build):
        def building(*arguments, **options):
            network, batches = build(*arguments, **options), []
            seen[kind] = {name: tensor.clone() for name, tensor in network.state_dict().items()}, batches
            network.register_forward_pre_hook(lambda module, x: batches.append(x[0].clone()))
            return network

        return building

    runs = {kind: replace(TINY, kind=kind, epochs=2) for kind in degradation.KINDS}
    builders = {kind: watched(kind, build) for kind, build in degradation.KINDS.items()}
    monkeypatch.setattr(degradation, "KINDS", builders)
    measured = {}
    for kind, run in runs.items():
        torch.rand(3)
        measured[kind] = train(run, *splits, tmp_path / f"{kind}.pt")
    (plain, plain_batches), (residual, residual_batches) = seen["plain"], seen["residual"]
    assert set(plain) == set(residual) and sum("conv" in name for name in plain) == 7
    assert all(torch.equal(plain[name], residual[name]) for name in plain)
    assert len(plain_batches) == len(residual_batches) == 2 * 3 + 2  # two epochs, two measurements
    assert all(torch.equal(*pair) for pair in zip(plain_batches, residual_batches))
    assert not torch.equal(plain_batches[0], plain_batches[3])  # each epoch has its own order
    assert measured["plain"]["curve"] != measured["residual"]["curve"]
    train(replace(runs["plain"], seed=4, epochs=1), *splits, tmp_path / "other.pt")
    assert not torch.equal(seen["plain"][0]["conv1.weight"], plain["conv1.weight"])
    assert not torch.equal(seen["plain"][1][0], plain_batches[0])


def test_the_scaling_runs_that_ship_can_be_read():
    runs = degradation.read(degradation.RECORDED.with_name("scaling-fashion.jsonl"))
    assert len(runs) == 15 and {run["run"]["seed"] for run in runs} == {0, 1, 2}
    assert all("--kinds residual --seeds 0 1 2" in run["made_by"]["command"] for run in runs)


def test_the_command_line_decides_what_is_trained_and_where(tmp_path, monkeypatch):
    seen = []

    def trained(run, *splits, device, bar):
        seen.append((run.augment, device))
        return {"training_loss": 0.0, "training_error": 0.0, "test_error": 0.0, "curve": [0.0] * run.epochs}

    monkeypatch.setattr(degradation, "train", trained)
    for number, words in enumerate((["--augment"], ["--no-augment"])):
        main(
            [
                *GRID,
                *words,
                "--seeds",
                "0",
                "--kinds",
                "plain",
                "--device",
                "meta",
                "--out",
                f"{tmp_path}/{number}.jsonl",
            ]
        )
    assert seen == [(True, "meta"), (False, "meta")]


def test_a_line_has_left_the_process_before_the_disk_is_asked_to_keep_it(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append((tmp_path / "out.jsonl").read_bytes()))
    append(tmp_path / "out.jsonl", {"run": 1})
    assert seen == [b'{"run": 1}\n']


def test_what_is_trained_unless_told_otherwise(tmp_path, monkeypatch):
    """Fashion-MNIST, three seeds, at the depths of the plain networks for small images in the paper."""
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(degradation, "study", lambda grid, out, **how: asked.append((grid, out, how)))
    main(["--device", "cpu"])
    [(grid, out, how)] = asked
    depths = [int(name.removeprefix("cifar_plain")) for name in MODELS if name.startswith("cifar_plain")]
    wanted = [
        Run("fashion", kind, depth, seed=seed) for kind in degradation.KINDS for depth in depths for seed in range(3)
    ]
    assert sorted(grid, key=str) == sorted(wanted, key=str) and len(grid) == 30
    assert (str(out), how["data"], how["device"], how["position"]) == ("degradation.jsonl", None, "cpu", 0)


def test_results_may_go_into_a_folder_that_is_not_there_yet(tmp_path):
    out = tmp_path / "new" / "and" / "deep" / "out.jsonl"
    for run, checkpoint in pending([TINY], out):
        checkpoint.write_bytes(b"")
        append(out, result_of(run))
    assert len(read(out)) == 1


@pytest.mark.parametrize(("dataset", "most"), [("digits", 1400), ("fashion", 60_000), ("cifar10", 50_000)])
def test_a_run_asks_for_no_more_images_than_there_are(dataset, most):
    """As many as the sets of training images that their authors published."""
    assert replace(TINY, dataset=dataset, images=most).images == most
    with pytest.raises(ValueError, match=f"from 1 to {most:,}, got {most + 1}: pass at most the {most:,} of {dataset}"):
        replace(TINY, dataset=dataset, images=most + 1)
