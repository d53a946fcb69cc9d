"""What the built pages leave out, and formulas without a script."""

import re
import shutil
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import formulas
import lean
import numpy as np
import pytest
from address import ROOT
from docutils import nodes
from fontTools.ttLib import TTFont
from lean import moved, pruned
from PIL import Image
from skimage.data import astronaut


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


def test_classes_are_read_where_pages_and_scripts_name_them():
    pages = ["""<p class="one two" id='three'>four</p><script>box.className = "five";</script>"""]
    scripts = {
        Path("own.js"): 'classList.add("six")',
        Path("bootstrap.js"): '"carousel" "dropdown-menu" "bs-tooltip-top"',
    }
    found = lean.styled(pages, scripts)
    assert {"one", "two", "three", "five", "six", "dropdown-menu", "bs-tooltip-top"} <= found
    assert not {"four", "carousel"} & found


def test_named_values_stay_that_something_reads():
    css = 'a{--kept:var(--deep);--gone:url("x;y");color:var(--kept)}b{--deep:1;--own:2;--gone-too:var(--gone)}'
    drawn = """url("data:image/svg+xml,%3csvg fill='rgba(1, 2)'/%3e")"""
    other = f".tip--left:hover{{--file:url(data:image/png;base64,AA);--icon:{drawn};top:calc(var(--own) + 1px)}}"
    assert lean.without_unread(other, "") == ".tip--left:hover{top:calc(var(--own) + 1px)}"
    named = "@keyframes spin{0%{left:0}}d{--how:spin 1s;animation:var(--how)}"
    assert lean.without_unread(named, "") == named
    moves = "@keyframes turn{from{left:0}to{left:1px}}@keyframes fade-in{0%{left:0}}c{animation:turn .3s}"
    assert lean.without_unread(css + moves, "style='top: var(--own)'") == (
        "a{--kept:var(--deep);color:var(--kept)}b{--deep:1;--own:2;}"
        "@keyframes turn{from{left:0}to{left:1px}}c{animation:turn .3s}"
    )


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


def png(image: Image.Image) -> str:
    image.save(made := BytesIO(), "PNG")
    return f"data:image/png;base64,{b64encode(made.getvalue()).decode()}"


def test_an_opaque_photograph_is_sent_smaller_and_looks_the_same():
    photograph = Image.fromarray(astronaut()).resize((180, 180)).convert("RGBA")
    sent = lean.as_sent(png(photograph))
    assert sent.startswith("data:image/jpeg;") and 4 * len(sent) < len(png(photograph))
    seen = Image.open(BytesIO(b64decode(sent.partition(",")[2]))).convert("RGB")
    assert np.abs(np.asarray(seen, float) - np.asarray(photograph.convert("RGB"), float)).mean() < 4  # of 255


COPY = '<script defer src="../_static/copybutton.js?v=1"></script>'
CHART = """<svg viewBox="0 0 9 9">
 <defs>
  <style type="text/css">*{stroke-linejoin: round}</style>
 </defs>
 <g>
  <g>
   <path d="M 0 9~
L 9 9~
" style="fill: none"/>
   <g/>
  </g>
  <g transform="scale(2)">
   <g>
    <text x="1">two words</text>
    <path d="M 0 1~
L 2 3~
" style="stroke: red"/>
   </g>
  </g>
 </g>
</svg>""".replace("~", " ")
DRAWN_BY_HAND = "<svg><g><g/> <text>a</text>\n<text>b</text></g></svg>"


def test_code_marks_what_has_a_colour_and_is_copied_where_there_is_some():
    code = '<div class="highlight"><pre><span class="n">a</span> <span class="o">=</span><span class="p">(</span></pre>'
    beside = '<span class="n">no code</span>'
    light = '<div class="highlight"><pre>a <span class="o">=</span>(</pre>'
    assert lean.with_light_code(f"<body class='a'>{COPY}{code}{beside}") == (
        f"""<body data-copies="../_static/copybutton.js?v=1" class='a'>{light}{beside}"""
    )
    assert lean.with_light_code(f"<body>{COPY}{beside}") == f"<body>{beside}"


def test_charts_lose_what_draws_nothing():
    light = lean.CHART.sub(lambda found: lean.as_light(found[0]), CHART + DRAWN_BY_HAND)
    assert light == (
        '<svg viewBox="0 0 9 9"><defs><style type="text/css">*{stroke-linejoin: round}</style></defs>'
        '<g><path d="M 0 9L 9 9" style="fill: none"/>'
        '<g transform="scale(2)"><text x="1">two words</text><path d="M 0 1L 2 3" style="stroke: red"/></g></g>'
        f"</svg>{DRAWN_BY_HAND}"
    )


def test_letters_of_formulas_bring_their_italics():
    drawn = "".join(sorted(map(chr, lean.slanted("<math><mi>h</mi><mi>ϕ</mi><mn>1</mn></math>"))))
    assert drawn == "1hϕℎ√𝜙"


@pytest.mark.parametrize("what", ["a drawing", "few pixels", "a photograph that shows what lies behind it"])
def test_what_would_suffer_is_sent_as_it_is(what):
    photograph = Image.fromarray(astronaut()).resize((180, 180)).convert("RGBA")
    photograph.putalpha(128)
    drawing = Image.new("RGB", (180, 180), "white")
    drawing.paste("black", (40, 40, 90, 90))
    few = Image.fromarray(astronaut()).resize((28, 28))
    address = png({"a drawing": drawing, "few pixels": few}.get(what, photograph))
    assert lean.as_sent(address) == address


def test_faces_keep_the_letters_that_are_read_and_lose_their_names(tmp_path):
    whole = ROOT / "book" / lean.FACES
    faces = shutil.copytree(whole, tmp_path / "faces")
    formula = "<math><mi>&alpha;</mi><annotation>\\beta</annotation></math>"
    lean.with_the_letters_of(r"caf&eacute; \u00b1 α" + formula, faces)
    for path in sorted(faces.glob("*.woff2")):
        before, after = TTFont(whole / path.name), TTFont(path)
        asked = set(map(ord, "α𝛼" if "math" in path.name else "aZ09~é±α")) & set(before.getBestCmap())
        assert asked <= set(after.getBestCmap()) and len(after.getBestCmap()) < len(before.getBestCmap())
        assert path.stat().st_size < 0.7 * (whole / path.name).stat().st_size
        family = {1, 3, 4, 6, 16, 25}  # where a face says what it is called
        assert not family & {name.nameID for name in after["name"].names}
        if "fvar" in after:
            (axis,) = after["fvar"].axes
            assert (axis.axisTag, axis.minValue, axis.maxValue) == ("wght", *lean.WEIGHTS)
        assert ("fvar" in after) == ("fvar" in before and "italic" not in path.name)


def test_the_sheet_says_that_italics_have_one_weight():
    """Browsers make bold italics only of faces that do not say they have them."""
    faces = re.findall(r"@font-face.*", (ROOT / "book" / lean.FACES / "fonts.css").read_text("utf-8"))
    italic = [face for face in faces if "italic" in face]
    assert len(italic) == 2 and all(f"font-weight: {lean.ITALICS};" in face for face in italic)


def test_the_faces_keep_the_kinds_of_figures_that_the_sheet_asks_for():
    kinds = {"lining-nums": "lnum", "tabular-nums": "tnum"}
    sheet = (ROOT / "book/_static/companion.css").read_text("utf-8")
    asked = re.findall(r"font-variant-numeric: *([\w -]+);", sheet)
    assert asked and {kinds[one] for line in asked for one in line.split()} <= set(lean.FEATURES)
    assert "font-feature-settings" not in sheet
