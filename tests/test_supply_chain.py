"""What comes from others is named and checked: binary files, weights, data, packages, and what the workflow runs."""

import ast
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import elsewhere
import pytest
import yaml
from address import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import notebooks

VENDORED = ROOT / "book" / "_static" / "vendor" / "README.txt"
MADE = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())]


def our_files() -> list[Path]:
    """All files but those that git ignores; an archive without git has them too."""

    def ours(name: str) -> bool:
        return not any(fnmatch(name, pattern) for pattern in MADE)

    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = filter(ours, folders)
        found += [Path(folder, name) for name in filter(ours, files)]
    return sorted(found)


# ------------------------------------------------------------------ binary files
def is_binary(content: bytes) -> bool:
    try:
        return "\0" in content.decode()
    except UnicodeDecodeError:
        return True


def binaries(files: list[Path], root: Path) -> dict[str, str]:
    """Path -> checksum of every file that is no text."""
    contents = {str(path.relative_to(root)): path.read_bytes() for path in files}
    return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items() if is_binary(content)}


def test_every_binary_file_is_listed_with_its_licence_and_checksum():
    listed = re.findall(r"(?m)^([0-9a-f]{64}) (\S+) \(.{3,}\)$", VENDORED.read_text())
    assert binaries(our_files(), ROOT) == {path: checksum for checksum, path in listed}


def test_a_new_binary_file_and_a_changed_one_are_found(tmp_path):
    (tmp_path / "text.md").write_text("× is text")
    (tmp_path / "new.bin").write_bytes(b"a\0b")
    before = binaries(sorted(tmp_path.iterdir()), tmp_path)
    (tmp_path / "new.bin").write_bytes(b"\xff")
    after = binaries(sorted(tmp_path.iterdir()), tmp_path)
    assert before.keys() == after.keys() == {"new.bin"} and before != after


# ------------------------------------------------------------------ code and data from the network
NETWORK = {"aiohttp", "ftplib", "gdown", "http", "httpx", "huggingface_hub", "pooch", "requests", "smtplib", "socket"}
NETWORK |= {"socketserver", "ssl", "telnetlib", "urllib3", "xmlrpc"}
URLLIB = {"urllib.error", "urllib.request"}  # urllib.parse reaches nothing
TRUST = ("allow_pickle", "trust_remote_code", "weights_only")
MAY_DOWNLOAD = "casestudies_lib/training/download.py"
FETCHING = r"fetch_\w+|urlopen|urlretrieve|load_state_dict_from_url|download_url_to_file|_?download"
CHECKING = ("verified", "unpacked")


def dotted(node: ast.AST) -> str:
    """`a.b.c`; of what is no name, only what follows it."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(nodes: Iterable[ast.AST]) -> list[ast.Call]:
    return [node for node in nodes if isinstance(node, ast.Call)]


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports, and what it imports of them: `a` and `a.b` of `from a import b`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def trusting(code: str) -> list[str]:
    """What lets a file run code when it is read, or takes code from the network."""
    nodes, wrong = list(ast.walk(ast.parse(code))), []
    for call in calls(nodes):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg in TRUST}
        if dotted(call.func) == "torch.load" and given.pop("weights_only", "") != "True":
            wrong.append("torch.load without weights_only=True")
        wrong += [f"{name}=True" for name, value in given.items() if value == "True" and name != "weights_only"]
    for node in nodes:
        found = [dotted(node)] if isinstance(node, ast.Attribute) else imported(node)
        wrong += [name for name in found if name == "torch.hub" or (name == "torch.load" and imported(node))]
    return wrong


def evaluated(code: str) -> list[str]:
    """What makes code of text."""
    names = [dotted(call.func) for call in calls(ast.walk(ast.parse(code)))]
    return [name for name in names if name in ("exec", "eval", "compile", "__import__")]


def unchecked(code: str) -> list[str]:
    """What the library must not do outside of its one module that downloads: reach the network, trust what came."""
    nodes = list(ast.walk(ast.parse(code)))
    wrong = [name for node in nodes for name in imported(node) if name.split(".")[0] in NETWORK or name in URLLIB]
    checked = {id(part) for call in calls(nodes) if dotted(call.func) in CHECKING for part in ast.walk(call)}
    for call in calls(nodes):
        name = dotted(call.func)
        if re.fullmatch(FETCHING, name.rpartition(".")[2]) and id(call) not in checked:
            wrong.append(f"{name} without a checksum")
    for function in (node for node in nodes if isinstance(node, ast.FunctionDef | ast.Module)):
        inside = {dotted(call.func) for call in calls(ast.walk(function))}
        if inside & {"pickle.load", "pickle.loads"} and not inside & set(CHECKING):
            wrong.append("pickle without a checksum")
    return list(dict.fromkeys(wrong))


def code_of(path: Path) -> str:
    """The code of a module or of a notebook's cells."""
    if path.suffix == ".py":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


CODE = [path for path in our_files() if path.suffix in (".py", ".ipynb")]
PUBLIC = [path for path in CODE if path.relative_to(ROOT).parts[0] in ("casestudies_lib", "notebooks")]


def test_no_file_is_read_that_could_run_code():
    assert {str(path): found for path in CODE if (found := trusting(code_of(path)))} == {}


def test_the_library_and_the_notebooks_reach_the_network_in_one_place_and_check_what_came():
    assert ROOT / MAY_DOWNLOAD in PUBLIC and set(notebooks.NOTEBOOKS) < set(PUBLIC)
    found = {str(path.relative_to(ROOT)): unchecked(code_of(path)) for path in PUBLIC}
    assert found.pop(MAY_DOWNLOAD)[:3] == ["http.client", "urllib.error", "urllib.request"]
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
    assert [path for path in PUBLIC if path.suffix == ".py" and evaluated(path.read_text())] == []


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("torch.load(path)", ["torch.load without weights_only=True"]),
        ("torch.load(path, weights_only=False)", ["torch.load without weights_only=True"]),
        ("torch.load(path, weights_only=True)", []),
        ("from torch import load", ["torch.load"]),
        ("import torch.hub", ["torch.hub"]),
        ("from torch.hub import load", ["torch.hub"]),
        ("from torch import hub", ["torch.hub"]),
        ("torch.hub.load('a', 'b')", ["torch.hub"]),
        (
            "make(trust_remote_code=True)\nnp.load(path, allow_pickle=True)",
            ["trust_remote_code=True", "allow_pickle=True"],
        ),
        ("import torch\nnetwork.load()", []),
    ],
)
def test_what_could_run_code_is_found(code, wrong):
    assert trusting(code) == wrong


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("def f():\n    import socket", ["socket"]),
        ("import urllib.request as r", ["urllib.request"]),
        ("from urllib import request", ["urllib.request"]),
        ("from urllib.request import urlretrieve", ["urllib.request"]),
        ("from http.client import HTTPSConnection", ["http.client", "http.client.HTTPSConnection"]),
        ("from urllib.parse import quote\nfrom urllib import parse\nfrom .http import a", []),
        ("download(url, path)", ["download without a checksum"]),
        ("verified(a or download(url, path), checksum)\nunpacked(download(url, path), target, checksum)", []),
        ("sklearn.datasets.fetch_openml('a')", ["sklearn.datasets.fetch_openml without a checksum"]),
        ("def f():\n    pickle.loads(a)", ["pickle without a checksum"]),
        ("def f():\n    pickle.loads(verified(a, b).read_bytes())", []),
    ],
)
def test_what_trusts_the_network_is_found(code, wrong):
    assert unchecked(code) == wrong


def test_code_that_is_made_of_text_is_found():
    assert evaluated("eval(text)\nnetwork.eval()\nre.compile(a)\nexec(text)") == ["eval", "exec"]


# ------------------------------------------------------------------ packages
CUDA = ("cuda-", "nvidia-", "triton")  # only builds of torch for CUDA bring them, and torch says which


def pins(name: str) -> dict[str, Requirement]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if re.match(r"\w", line)]
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}


def pulled_in(wanted: list[Requirement]) -> set[str]:
    """The packages that these need, and what those need, on this platform."""
    found, left = set(), [(canonicalize_name(one.name), extra) for one in wanted for extra in ("", *one.extras)]
    while left:
        name, extra = place = left.pop()
        if place not in found:
            found.add(place)
            needs = [Requirement(line) for line in metadata.requires(name) or []]
            needs = [need for need in needs if not need.marker or need.marker.evaluate({"extra": extra})]
            left += [(canonicalize_name(need.name), more) for need in needs for more in ("", *need.extras)]
    return {name for name, _ in found}


def test_every_package_is_pinned_and_installed_as_pinned():
    wanted, pinned = pins("requirements.txt"), pins("constraints.txt")
    assert all([one.operator for one in pin.specifier] == ["=="] for pin in (*wanted.values(), *pinned.values()))
    assert all(pin.specifier == pinned[name].specifier for name, pin in wanted.items() if name in pinned)
    needed = pulled_in(list(wanted.values()))
    assert {name for name in needed if not name.startswith(CUDA)} <= wanted.keys() | pinned.keys()
    installed = {name: metadata.version(name) for name in needed}
    pinned |= wanted
    other = {
        name: version for name, version in installed.items() if name in pinned and version not in pinned[name].specifier
    }
    assert other == {}


def test_an_index_for_torch_is_asked_for_torch_alone(tmp_path, monkeypatch):
    """pip would ask an extra index for every package, and take another one of the same name from there."""
    monkeypatch.setenv("TORCH_INDEX_URL", "https://example.org/cpu")
    told = ["--dry-run", "--always-make", f"VENV={tmp_path}/venv", "TORCH_INDEX_URL=https://example.org/cpu"]
    commands = subprocess.check_output(["make", *told, "environment"], cwd=ROOT, text=True)
    ran = []

    def run(command, **options):
        ran.append(" ".join(map(str, command)))
        (tmp_path / "bare").mkdir(exist_ok=True)

    monkeypatch.setattr(elsewhere.subprocess, "run", run)
    elsewhere.make(tmp_path / "bare", "python3", ["torch==2.4", "torchinfo==1.8", "numpy==1.26"])
    asked = [line for line in [*commands.splitlines(), *ran] if "example.org" in line]
    torch = [str(pins("requirements.txt")[name]) for name in ("torch", "torchvision")]
    assert [line.partition("--no-deps --index-url https://example.org/cpu ")[2] for line in asked] == [
        " ".join(torch),
        "torch==2.4",
    ]
    assert ran[-1].endswith("torch==2.4 torchinfo==1.8 numpy==1.26")
    for path in (ROOT / "Makefile", WORKFLOW, ROOT / "tools" / "elsewhere.py", ROOT / ".ci" / "run"):
        assert not re.search("(?i)extra[-_]index", path.read_text()), path


# ------------------------------------------------------------------ the workflow
WORKFLOW = ROOT / ".github" / "workflows" / "book.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text())["jobs"]
OWN = {"actions/deploy-pages", "actions/download-artifact"}  # what a job that may write uses: none installs anything
PROGRAMS = r"git|bot|commit"  # what its lines begin with: git, and names that get a value


def may_write(job: dict) -> bool:
    return "write" in job["permissions"].values()


def runs_others(job: dict) -> list[str]:
    """The steps of a job that run what was installed or checked out, or that are no fixed version of an action."""
    wrong = []
    for step in job["steps"]:
        action, _, commit = step.get("uses", "").partition("@")
        if action and (action not in OWN or not re.fullmatch("[0-9a-f]{40}", commit)):
            wrong.append(step["uses"])
        lines = step.get("run", "").replace("\\\n", " ").splitlines()
        wrong += [line for line in lines if not re.match(rf"({PROGRAMS})[ =]", line)]
    return wrong


def test_a_job_that_may_write_runs_nothing_that_was_installed():
    writing = {name: job for name, job in JOBS.items() if may_write(job)}
    assert writing.keys() == {"colab", "deploy"}
    assert {name: runs_others(job) for name, job in writing.items()} == {"colab": [], "deploy": []}


def test_a_job_that_runs_what_was_installed_is_found():
    steps = [{"uses": "actions/checkout@v7"}, {"run": "git add a\npip install b"}, {"uses": "actions/deploy-pages@v5"}]
    assert runs_others({"steps": steps}) == ["actions/checkout@v7", "pip install b", "actions/deploy-pages@v5"]
    assert all(runs_others(job) for name, job in JOBS.items() if not may_write(job))


def test_the_branch_for_colab_holds_the_notebooks_and_nothing_else(tmp_path):
    """The step runs as it stands, with a folder in place of the remote."""
    remote, work = tmp_path / "remote.git", tmp_path / "work"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    (work / "notebooks").mkdir(parents=True)
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (work / "notebooks" / name).write_text("{}\n")
    (work / "notebooks" / "stray.py").write_text("")
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{remote}.insteadOf"}
    settings |= {"GIT_CONFIG_VALUE_0": "https://x-access-token:secret@example.org/an_owner/a_fork", "TOKEN": "secret"}
    settings |= {"REPOSITORY_URL": "https://example.org/an_owner/a_fork", "GITHUB_SHA": "0" * 40}
    step = JOBS["colab"]["steps"][-1]["run"]
    for _ in range(2):  # the second time over what the first one left
        subprocess.run(["bash", "-eo", "pipefail", "-c", step], cwd=work, env=os.environ | settings, check=True)
    listed = ["git", "--git-dir", str(remote), "ls-tree", "-r", "--name-only", "colab"]
    assert subprocess.check_output(listed, text=True).split() == ["notebooks/01_a.ipynb", "notebooks/02_b.ipynb"]
    taken = JOBS["colab"]["steps"][0]["with"]
    (left,) = (step["with"] for step in JOBS["book"]["steps"] if "/upload-artifact@" in step.get("uses", ""))
    assert (left["name"], left["path"]) == (taken["name"], f"{taken['path']}/*.ipynb")
