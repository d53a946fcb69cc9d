"""What the built pages leave out, and formulas without a script."""

from pathlib import Path
from types import SimpleNamespace

import formulas
import pytest
from docutils import nodes
from lean import moved, pruned


@pytest.mark.parametrize(
    ("rule", "stays"),
    [
        (".here{color:red}", ".here{color:red}"),
        (".gone{color:red}", ""),
        (".here .gone{color:red}", ""),
        (".gone,.here{color:red}", ".here{color:red}"),
        ("#place.here>p::before{content:'a'}", "#place.here>p::before{content:'a'}"),
        ("#nowhere{color:red}", ""),
        ("p:not(.gone){color:#abc123}", "p:not(.gone){color:#abc123}"),
        ('html[data-theme="dark"] .here{color:red}', 'html[data-theme="dark"] .here{color:red}'),
        ("@media print{.gone{color:red}}", ""),
        ("@media print{.here{color:red}.gone{color:red}}", "@media print{\n.here{color:red}\n}"),
        ("@font-face{font-family:A;src:url(a.woff2)}", "@font-face{font-family:A;src:url(a.woff2)}"),
        ("@keyframes turn{from{left:0}to{left:1px}}", "@keyframes turn{from{left:0}to{left:1px}}"),
    ],
)
def test_rules_stay_that_can_apply_to_what_is_there(rule, stays):
    assert pruned(f"/* a note */ {rule}", {"here", "place"}).replace('"a"', "'a'").strip() == stays


def test_addresses_are_right_in_the_sheet_that_rules_move_to():
    css = "url(fonts/a.woff2) url('../b.png') url(data:image/png;base64,AA) url(#c)"
    there = moved(css, Path("/site/_static"), Path("/site/_static/styles/book.css"))
    assert there == "url(../fonts/a.woff2) url(../../b.png) url(data:image/png;base64,AA) url(#c)"


def written(node, tex):
    translator = SimpleNamespace(body=[])
    with pytest.raises(nodes.SkipNode):
        {nodes.math: formulas.inline, nodes.math_block: formulas.display}[node](translator, node(tex, tex))
    return "".join(translator.body)


def test_formulas_are_drawn_by_the_browser_and_copied_as_tex():
    assert written(nodes.math, "a^{[l+2]}").startswith("<math>")
    block = written(nodes.math_block, r"r < \frac{k^2 c\,c'}{c + k^2 c'}.")
    assert block.startswith('<div class="formula"><math display="block">')
    assert "<mfrac>" in block and "k^2 c" in block


def test_a_formula_that_cannot_be_read_fails_the_build(monkeypatch):
    said = []
    monkeypatch.setattr(
        formulas, "LOG", SimpleNamespace(warning=lambda message, *given, **where: said.append(given[0]))
    )
    assert written(nodes.math, r"\frac{1}{") == r"\frac{1}{"
    assert said == [r"\frac{1}{"]
