"""Other processors, played on this one: what the perturbed setting moves, what it leaves, and what the line says."""

import json
import subprocess
import sys

import measured
import processors
from address import ROOT

PERTURBED = """
import math
import numpy as np
import torch
import torch.nn.functional as F

values = np.linspace(0.1, 3, 50)
tensor = torch.tensor(values, dtype=torch.float32).reshape(2, 1, 5, 5)
torch.manual_seed(0)
conv = torch.nn.Conv2d(1, 3, 3)
weights = torch.linspace(0, 1, 75).view(3, 25)
identity = torch.zeros(1, 1, 3, 3)
identity[..., 1, 1] = 1
makes = {
    "power": lambda: values**3.1, "log10": lambda: np.log10(values), "sum": lambda: np.array([values.sum()]),
    "linspace": lambda: np.linspace(0, 1, 50), "convolution": lambda: conv(tensor).detach().numpy(),
    "linear": lambda: F.linear(tensor.flatten(1), weights).numpy(),
    "batch norm": lambda: F.batch_norm(tensor, None, None, training=True).numpy(),
    "gradient": lambda: torch.autograd.grad(conv(tensor).square().sum(), conv.weight)[0].numpy(),
    "math": lambda: np.array([math.log(v) for v in values]), "softmax": lambda: tensor.softmax(0).numpy(),
    "square": lambda: values**2, "square root": lambda: np.sqrt(values), "product": lambda: values * 1.7,
    "whole sum": lambda: np.array([np.arange(50.0).sum()]), "powers of ten": lambda: 10.0 ** np.arange(15),
    "share": lambda: (tensor > 1).float().mean().numpy().reshape(1),
    "identity": lambda: F.conv2d(tensor, identity, padding=1).numpy(), "image": lambda: tensor.numpy(),
    "zero": lambda: np.tanh(np.zeros(9)), "whole": lambda: np.arange(9) ** 2,
}
before = {name: make() for name, make in makes.items()}
import sys
sys.path.insert(0, "tools")
import perturbed
perturbed.install()
for name, make in makes.items():
    after, again = make(), make()
    assert (after == again).all(), name
    far = np.abs(after - before[name]) / np.maximum(np.spacing(np.abs(before[name])), 1e-300)
    print(f"{name}: {far.max():.0f} {(far > 0).mean():.1f}")
assert conv.to("meta")(torch.empty(2, 1, 5, 5, device="meta")).shape == (2, 3, 3, 3)
"""
MOVED = {"power", "log10", "sum", "linspace", "convolution", "linear", "batch norm", "gradient", "math", "softmax"}


def test_what_kernels_may_round_moves_by_a_last_bit_and_nothing_else():
    done = subprocess.run([sys.executable, "-c", PERTURBED], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    far = {line.split(": ")[0]: float(line.split()[-2]) for line in done.stdout.splitlines()}
    assert {name for name, units in far.items() if units} - {"sum"} == MOVED - {"sum"}
    assert all(units <= (40 if name in ("gradient", "sum") else 1) for name, units in far.items()), far
    assert "square" in far and "identity" in far and "whole" in far


TRAINED = """
import sys
import torch
sys.path.insert(0, "tools")
import perturbed

def trained(steps):
    weights = torch.zeros(3, 50, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        (images @ weights.T - 1).square().mean().backward()
        optimizer.step()
        modes.append(torch._C._len_torch_dispatch_stack())
    return weights.detach().clone()

modes, images = [], torch.rand(9, 50)
before = trained(9)
perturbed.install()
trained(1)
modes.clear()
after = trained(9)
assert set(modes) == {0}, "between steps nothing but gradients is moved"
assert torch.equal(after, trained(9)), "the same processor, the same weights"
assert 0 < (after - before).abs().max().item() < 1e-6
for over in (torch.nn.Linear(1, 1).eval, torch.no_grad().__enter__):
    trained(1)
    over()
    assert torch._C._len_torch_dispatch_stack() == 1, "all is moved again"
network = torch.nn.Linear(50, 3)
network.train()
assert torch._C._len_torch_dispatch_stack() == 1, "nobody trains it"
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
network.train()
assert torch._C._len_torch_dispatch_stack() == 0, "an epoch begins"
"""


def test_a_training_moves_by_its_gradients_and_afterwards_all_is_moved_again():
    done = subprocess.run([sys.executable, "-c", TRAINED], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


NOTEBOOK = """{
 "cells": [{"cell_type": "code", "execution_count": 1, "id": "one", "metadata": {}, "outputs": [
   {"name": "stdout", "output_type": "stream", "text": ["%s\\n"]}], "source": ["import numpy as np\\n", "%s"]}],
 "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
 "nbformat": 4, "nbformat_minor": 5}"""


def test_a_line_says_which_cells_were_red_and_nothing_stops(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tests" / "book").mkdir(parents=True)
    (tmp_path / "tests" / "book" / "nbval.cfg").write_text("")
    code = "print(*(f'{value:%s}' for value in np.log10(np.arange(2, 12) / 7)))"
    # Stored on this machine as it is, also where these tests themselves run as on another.
    own = processors.environment({}, tmp_path)
    for name, digits in (("raw", ".17g"), ("rounded", ".3f")):
        command = [sys.executable, "-c", f"import numpy as np; {code % digits}"]
        stored = subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(NOTEBOOK % (stored, code % digits))
    monkeypatch.setattr(processors, "NOTEBOOKS", sorted((tmp_path / "notebooks").glob("*.ipynb")))
    monkeypatch.setattr(processors, "LOGS", tmp_path / "logs")
    monkeypatch.setitem(processors.SETTINGS, "numpy without AVX2", {"NPY_DISABLE_CPU_FEATURES": ""})
    monkeypatch.setattr(measured, "FOLDER", tmp_path / "measured")
    assert processors.main(["as it is", "perturbed", "numpy without AVX2", "--store"]) == 1
    said = capsys.readouterr().out
    assert "as it is: 2 cells, green" in said
    assert "perturbed: 2 cells, 1 red: raw Cell 0" in said
    assert "numpy without AVX2: not run" in said
    assert "log10" in (tmp_path / "logs" / "perturbed-raw.log").read_text()
    found = json.loads((tmp_path / "measured" / "processors.json").read_text())
    rows = {row[0]: row[3:] for row in found["tables"][0]["rows"]}
    assert rows == {"as it is": [2, 0], "numpy without AVX2": ["this processor is one", "–"], "perturbed": [2, 1]}
    assert found["lists"] == {"Different": ["perturbed: raw Cell 0"]}
    processors.store({"perturbed": (3, []), "two threads": (2, ["raw Cell 0"])})
    found = json.loads((tmp_path / "measured" / "processors.json").read_text())
    rows = {row[0]: row[3:] for row in found["tables"][0]["rows"]}
    assert [*rows] == ["as it is", "two threads", "numpy without AVX2", "perturbed"] and rows["perturbed"] == [3, 0]
    assert found["lists"] == {"Different": ["two threads: raw Cell 0"]}


def test_ci_runs_both_perturbed_settings_and_all_others_in_turn():
    turns = {processors.in_turn(day) for day in range(100)}
    tilted = {"perturbed", "perturbed otherwise"}
    here = {name for name, extra in processors.SETTINGS.items() if any(extra.values())}
    assert turns == {(one, other) for one in tilted for other in here - tilted}


def test_ci_runs_two_settings_at_once(monkeypatch, capsys):
    given = []
    monkeypatch.setattr(processors, "nbval", lambda one, name, extra, home: given.append(extra) or (name, "", [], 1))
    monkeypatch.setattr(processors, "in_turn", lambda day: ("perturbed", "torch without AVX2"))
    assert processors.main(["--ci"]) == 0
    assert given == [{"PERTURBED": "0", "ATEN_CPU_CAPABILITY": "default"}] * len(processors.NOTEBOOKS)
    assert f"perturbed and torch without AVX2: {len(given)} cells, green" in capsys.readouterr().out


def test_a_command_runs_on_another_processor_and_so_do_the_notebooks_that_it_runs(monkeypatch, capfd):
    """A kernel of that command is perturbed, and what plays a processor inside it plays that one alone."""
    monkeypatch.setattr(processors, "in_turn", lambda day: ("perturbed otherwise", "torch without AVX2"))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    code = """import os
from IPython.paths import get_ipython_dir
print(os.environ, os.listdir(get_ipython_dir() + "/profile_default/startup"))"""
    assert processors.main(["--run", sys.executable, "-c", code]) == 0
    said = capfd.readouterr().out
    assert "'PERTURBED': '1'" in said and "'ATEN_CPU_CAPABILITY': 'default'" in said and "00-perturbed.py" in said
    assert "SSE41" not in said
    assert processors.main(["--run", sys.executable, "-c", "import sys; sys.exit(3)"]) == 3
