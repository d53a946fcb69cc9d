"""What is read and written as text is UTF-8 on every machine, whatever its locale says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for room in ("casestudies_lib", "tools", "notebooks") for path in (ROOT / room).rglob("*.py"))


def in_the_locale(code: str) -> list[int]:
    """The lines that leave the encoding of text to the locale."""
    return [call.lineno for call in ast.walk(ast.parse(code)) if isinstance(call, ast.Call) and leaves_it_open(call)]


def leaves_it_open(call: ast.Call) -> bool:
    given = {keyword.arg for keyword in call.keywords}
    if "encoding" in given:
        return False
    match call.func:
        case ast.Attribute(attr="read_text"):
            return not call.args
        case ast.Attribute(attr="write_text"):
            return len(call.args) < 2
        case ast.Name(id="open"):
            return not any("b" in ast.unparse(mode) for mode in call.args[1:2])
    return "text" in given and ast.unparse(call.func).startswith("subprocess.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_is_utf_8_everywhere(path):
    assert in_the_locale(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    ["p.read_text()", "p.write_text(x)", "subprocess.run(command, text=True)", "open(p)", "open(p, 'w')"],
)
def test_text_in_the_locale_is_found(code):
    assert in_the_locale(code) == [1]


@pytest.mark.parametrize("code", ["p.read_text('utf-8')", "p.write_text(x, encoding='utf-8')", "open(p, 'rb')"])
def test_text_in_utf_8_is_left_alone(code):
    assert in_the_locale(code) == []
