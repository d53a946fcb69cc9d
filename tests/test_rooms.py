"""The rooms of the library: the map in its first file is complete, and imports run one way."""

import ast
import re
from pathlib import Path

import pytest

import casestudies_lib

HOME = Path(casestudies_lib.__file__).parent
FLOORS = [line.split()[0] for line in re.findall(r"(?m)^ {4}(.+)$", casestudies_lib.__doc__)]
PAPERS = re.search(r"(?m)^ {4}papers +(.+)$", casestudies_lib.__doc__).group(1).split()
MODULES = sorted(path for path in HOME.rglob("*.py") if path != HOME / "__init__.py")


def floor(module: str) -> int:
    """On which line of the map a module such as `measure.anatomy` stands."""
    room = module.split(".")[0]
    return FLOORS.index("papers" if room in PAPERS else room)


def wrong_imports(module: str, code: str) -> list[str]:
    """What a module must not import: from below in the map, from another paper, or a network into `page`."""
    names, wrong = [], []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            wrong.append("." * node.level + (node.module or ""))  # the map speaks of whole names
        elif isinstance(node, ast.ImportFrom):
            whole = node.module == "casestudies_lib"
            names += [f"{node.module}.{alias.name}" for alias in node.names] if whole else [node.module]
    for name in (n.removeprefix("casestudies_lib.") for n in names if n.startswith("casestudies_lib.")):
        mine, other = module.split(".")[0], name.split(".")[0]
        if floor(name) > floor(module) or (mine != other and floor(name) == floor(module)):
            wrong.append(name)
    return wrong


def test_the_map_names_every_room_once():
    rooms = {path.relative_to(HOME).parts[0].removesuffix(".py") for path in MODULES}
    named = [*PAPERS, *(line for line in FLOORS if line != "papers")]
    assert sorted(named) == sorted(rooms)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOME)))
def test_imports_run_one_way(path):
    module = ".".join(path.relative_to(HOME).with_suffix("").parts)
    assert wrong_imports(module, path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "code", "wrong"),
    [
        ("vgg", "from casestudies_lib.resnet import plain", ["resnet"]),
        ("page.claims", "import casestudies_lib.network", ["network"]),
        ("vgg", "from casestudies_lib import resnet", ["resnet"]),
        ("vgg", "from .resnet import plain\nfrom . import resnet", [".resnet", "."]),
        ("measure.anatomy", "def f():\n    from casestudies_lib.figures.svg import box", ["figures.svg"]),
        ("figures.svg", "from casestudies_lib.page.html import tag\nfrom casestudies_lib.figures.svg import box", []),
    ],
)
def test_a_wrong_import_is_found(module, code, wrong):
    assert wrong_imports(module, code) == wrong
