"""The guards of the notebooks: what nbval's comparison does not see, and what makes the book's promise true.

Each guard is a function that lists what is wrong with a notebook; `test_notebooks.py` breaks a copy for each of them.
"""

from __future__ import annotations

import ast
import builtins
import copy
import hashlib
import re
from collections.abc import Iterator
from functools import cache

import nbformat
from address import ROOT
from bs4 import BeautifulSoup

import notebooks as tool
from casestudies_lib.figures import charts
from casestudies_lib.page import claims

PATHS = tool.NOTEBOOKS
WORDS = ROOT / "tests" / "book" / "words.json"
PROSE = [ROOT / "index.md", *sorted((ROOT / "book").glob("*.md"))]  # the pages without code
RESULTS = ROOT / "casestudies_lib" / "experiments" / "results"
MEASURED = ROOT / "book" / "measured"
BIBLIOGRAPHY = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
SOURCES = set(re.findall(r"@\w+{(\w+),", BIBLIOGRAPHY))  # such as `he2015`
AUTHORS = {key[:-4] for key in SOURCES}
YEARS = {key[-4:] for key in SOURCES}
KNOWN = {"text/html", "text/plain", "text/markdown", claims.MIME, charts.MIME}
# What a page calls in order to say and show things, and not to measure them.
SAYS = {"claim", "quotation", "checks", "folded", "show", "captioned", "figure", "table"}
SAYS |= {"ask", "answer", "mark", "numbers", "discussion", "source", "made"}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def records(notebook):
    return [record for output in outputs(notebook) for record in shown_in(output)]


def shown_in(output) -> list[dict]:
    return output.get("data", {}).get(claims.MIME, [])


def html_of(output) -> str:
    return output.get("data", {}).get("text/html", "")


TOLD = ".fig > figcaption, .ask, .answer, .discussion, .numbers"  # prose that comes out of a code cell


def measured_text(output) -> str:
    """The words of an output that the test compares and that count as measured: no listing, no quotation, no drawing of
    trained weights, and nothing that a page tells in an output."""
    data = output.get("data", {})
    if claims.MIME in data:
        checked = [record for record in data[claims.MIME] if record["kind"] != "quotation"]
        return " ".join(f"{record['sentence']} {record['measured']}" for record in checked)
    plain = "" if "text/html" in data else data.get("text/plain", "")
    return " ".join([output.get("text", ""), plain, measured_words(html_of(output))])


@cache
def measured_words(html: str) -> str:
    page = BeautifulSoup(html, "html.parser")
    for drawn in page.select(f".trained, {TOLD}"):
        drawn.decompose()
    return page.get_text(" ")


# ------------------------------------------------------------------ numbers in prose (rule 2)
MAGNITUDE = {"thousand": 1e3, "k": 1e3, "K": 1e3, "million": 1e6, "M": 1e6, "MMACs": 1e6, "billion": 1e9}
MAGNITUDE |= {"G": 1e9, "GMACs": 1e9, "trillion": 1e12}
UNITS = (
    *(*MAGNITUDE, "%", "percent", "per cent", "TB", "GB", "MB", "KB", "kB", "ms", "s", "seconds?", "min", "minutes?"),
    *("hours?", "days?", "weeks?", "months?", "years", "times", "points?", "pixels?", "px", "megapixels?", "Hz"),
)
SAME_UNIT = {"percent": "%", "per cent": "%", "pixel": "", "pixels": "", "px": "", "point": "points"}
NUMBER = rf"(\d[\d,]*(?:\.\d+)?)(?:\s?((?:{'|'.join(UNITS)})(?!\w)|×(?!\s?\d)))?"
ALONE = rf"(?<![\w.,])(?<![A-Za-z][-–]){NUMBER}"  # not the 18 of ResNet-18
DATED = r"(?:\b(?:[Ii]n|of|[Ss]ince|by|from|until|before|after|and|to|early|late|for)\s|[(,;]\s*|[A-Z][\w.-]+\s|^)$"


def powers_written_out(text: str) -> str:
    """`3 \\cdot 10^9` and 10⁹ as the numbers that they are."""
    plain = text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    power = r"(?:(\d+(?:\.\d+)?)\s?(?:\\cdot|\\times|·|×)\s?)?10(?:\^{?(\d+)}?|(?=[⁰¹²³⁴⁵⁶⁷⁸⁹])([⁰¹²³⁴⁵⁶⁷⁸⁹]+))"

    def written(found: re.Match) -> str:
        raised = found[2] or plain[found.start(3) : found.end(3)]
        return f"{float(found[1] or 1) * 10 ** int(raised):.0f}"

    return re.sub(power, written, text)


def numerals(text: str, *, least: int = 3) -> list[tuple[str, str, str]]:
    """Numbers that need a measurement (`least` digits, a decimal, a unit): as written, digits, unit."""
    found = []
    text = powers_written_out(re.sub(r"https?://\S+", "", text))
    for match in re.finditer(ALONE, text):
        written, unit = match[1].rstrip(","), match[2] or ""
        digits = written.replace(",", "")
        is_year = written in YEARS and not unit and re.search(DATED, text[: match.start()])
        if (unit or "." in digits or len(digits) >= least) and not is_year:
            found.append((f"{written} {unit}".strip(), digits, unit))
    return found


def numbers_in(text: str) -> set[tuple[float, str]]:
    """Every number of a text with its unit; pixels are plain numbers."""
    found = re.findall(NUMBER, powers_written_out(text))
    return {(float(digits.replace(",", "").rstrip(".")), SAME_UNIT.get(unit, unit)) for digits, unit in found}


def backed(digits: str, unit: str, known: set[tuple[float, str]]) -> bool:
    """Whether a measured number is this one, to the digits in which it is written (`138M` backs on 138,357,544)."""
    value, places = float(digits), len(digits.partition(".")[2])
    if unit in MAGNITUDE and (value, unit) not in known:
        return any(round(number / MAGNITUDE[unit], places) == value for number, _ in known)
    return (value, SAME_UNIT.get(unit, unit)) in known


def prose_of(source: str) -> str:
    """What a reader reads of a Markdown cell; the code of a solution is run by a test instead."""
    return re.sub(r"```python\n.*?```", "", source, flags=re.DOTALL)


PAGE_WIDE = r"(?i)predict|take away|they say|notes say|exercises"  # headings under which prose looks back or ahead


@cache
def told_by(source: str) -> list[str]:
    """What a code cell has typed of the words that it tells a reader: alt texts, captions, answers, discussions."""
    cell = ast.parse(source)
    texts = [argument(call, 2, "alt") for call in calls_in(cell, "show")]
    texts += [key.value for call in calls_in(cell, "show") for key in call.keywords if key.arg == "caption"]
    texts += [argument(call, 1, "caption") for call in calls_in(cell, "captioned")]
    texts += [argument(call, 2, "words") for call in calls_in(cell, "answer")]
    texts += [text for call in calls_in(cell, "discussion") for text in call.args]
    # of a question to predict, not the choices: most of them are wrong
    texts += [part for call in calls_in(cell, "ask") for asked in call.args for part in asked.elts[1:2]]
    texts += [asked.elts[0] for call in calls_in(cell, "numbers") for asked in call.args]
    return [part for text in texts for part in literal_parts(text)]


MARKS = {"✓": "claim", "⏺": "recorded", "❝": "quotation"}  # what ends a sentence that the page proves, or quotes
MARK = rf"\[([{''.join(MARKS)}])\]\(#claim-([a-z0-9-]+)\)"


def sections(notebook) -> Iterator[tuple[str, list[str], list]]:
    """The page cut at its headings: heading, prose and alt texts of its figures, and the outputs beside them."""
    heading, prose, beside = "", [], []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            beside += cell.outputs
            prose += told_by(cell.source)
            continue
        first, *rest = re.split(r"(?m)^(#{1,3} .*)$", prose_of(cell.source))
        prose.append(first)
        for title, text in zip(rest[::2], rest[1::2]):
            yield heading, prose, beside
            heading, prose, beside = title, [text], []
    yield heading, prose, beside


def loose_numerals(notebook) -> list[str]:
    """Numbers in prose and alt text that no output of the same section measured; some sections look back or ahead.

    The number of a figure of the page (`Figure 3.4`) needs no measurement, but that of one that it does not have does.
    """
    shown = {number.replace("-", ".") for number in re.findall(r'id="figure-(\d+-\d+)"', str(outputs(notebook)))}
    everything = numbers_in(" ".join(map(measured_text, outputs(notebook))))
    wrong = []
    for heading, prose, beside in sections(notebook):
        page_wide = not heading or heading.startswith("# ") or re.search(PAGE_WIDE, heading)
        marked = {name.upper() for _, name in re.findall(MARK, "\n".join(prose))}
        said = [r["sentence"] + " " + r.get("measured", "") for r in records(notebook) if r["name"] in marked]
        known = everything if page_wide else numbers_in(" ".join(map(measured_text, beside)))
        known |= numbers_in(" ".join(said))
        text = "\n\n".join([heading.lstrip("# "), *prose])
        found = numerals(re.sub(r"Figure (\d+\.\d+)", lambda figure: "" if figure[1] in shown else figure[0], text))
        wrong += [f"{heading}: {written}" for written, digits, unit in found if not backed(digits, unit, known)]
    return wrong


SIDES = r"(?<![\w.,·/×(])(\d)×(\d)(?![\d.×])"


def loose_small_numbers(notebook) -> list[str]:
    """Whole numbers of two digits, and windows such as 3×4, that neither an output nor the code of the page has.

    They are too many for each to be measured in its section; but a wrong one is seldom found elsewhere on the page.
    """
    code = " ".join(cell.source for cell in code_cells(notebook))
    said = " ".join(f"{record['sentence']} {record.get('measured', '')}" for record in records(notebook))
    found = " ".join([said, *map(measured_text, outputs(notebook))])
    known = {int(value) for value, _ in numbers_in(found) if value.is_integer()} | set(
        map(int, re.findall(r"\b\d\d\b", code))
    )
    windows = set(re.findall(SIDES, found))
    wrong = []
    for heading, prose, _ in sections(notebook):
        text = re.sub(
            r"Figure \d+\.\d+|[Cc]hapter \d+|[Pp]age \d+|\]\([^)]*\)", "", "\n\n".join([heading.lstrip("# "), *prose])
        )
        small = [
            (written, digits) for written, digits, unit in numerals(text, least=2) if not unit and "." not in digits
        ]
        wrong += [f"{heading}: {written}" for written, digits in small if len(digits) == 2 and int(digits) not in known]
        wrong += [f"{heading}: {a}×{b}" for a, b in re.findall(SIDES, text) if a != b and (a, b) not in windows]
    return wrong


def typed_numerals(notebook) -> list[str]:
    """Numbers typed into what a cell prints or heads a table with: they would count as measured."""
    wrong = []
    for cell in code_cells(notebook):
        for call in calls_in(ast.parse(cell.source), "print", "table"):
            parts = [part for argument in call.args[:2] for part in literal_parts(argument)]
            wrong += [f"{cell.id}: {written}" for part in parts for written, *_ in numerals(part)]
    return wrong


def false_equations(notebook) -> list[str]:
    """Sums in the prose, such as 6 · 26 = 156, that do not come out."""
    wrong = []
    sides = r"(?<![\w.,·+−×/(-])(\d[\d,.]*(?:\s?[·+×−]\s?\d[\d,.]*)+)\s?=\s?(\d[\d,]*(?:\.\d+)?)"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for left, right in re.findall(sides, re.sub(r"\$|\\cdot|\\times", "", cell.source)):
                terms = left.replace(",", "").translate(str.maketrans("·×−", "**-"))
                if abs(eval(terms) - float(right.rstrip(",").replace(",", ""))) > 1e-9:
                    wrong.append(f"{cell.id}: {left} = {right}")
    return wrong


def unknown_papers(notebook) -> list[str]:
    """`Tan and Le (2019)` or `Lin 2013` in the prose, where the bibliography has no such author and year."""
    return papers_nobody_knows(" ".join(prose_of(c.source) for c in notebook.cells if c.cell_type == "markdown"))


def papers_nobody_knows(text: str) -> list[str]:
    pair = (
        r"\b([A-Z][a-zé]+)(?:(?:,| and| et al\.)? (?:and )?(?:others|colleagues|[A-Z][a-zé]+))?,? \(?((?:19|20)\d\d)\)?"
    )
    said = {f"{name.lower()}{year}" for name, year in re.findall(pair, text) if name not in NOT_AUTHORS}
    dated = re.findall(r"\bIn ((?:19|20)\d\d)\b([^.:;]{0,80})", text)  # In 2013 Lin and others ...
    for year, after in dated:
        authors = [name.lower() for name in re.findall(r"\b[A-Z][a-zé]+\b", after) if name.lower() in AUTHORS]
        said |= {f"{authors[0]}{year}"} if authors else set()
    return sorted(said - SOURCES)


NOT_AUTHORS = {"In", "Since", "Until", "Before", "After", "From", "By", "Of"}


def unproved_prose(text: str) -> list[str]:
    """What a page without code may not say: numbers, which nothing there measures, and papers that nobody knows."""
    # What directives and roles bring was measured, and the number of a licence belongs to its name.
    brought = r"```.*?```|{[\w:]+}`[^`]*`|(?:CC BY(?:-SA)?|Apache) [\d.]+"
    typed = re.sub(r"```{(?:cards|lecture)}(.*?)```", r"\1", text, flags=re.DOTALL)  # their words are the page's own
    own = re.sub(brought, "", typed, flags=re.DOTALL)
    return [written for written, *_ in numerals(own)] + papers_nobody_knows(own)


# ------------------------------------------------------------------ claims (rule 1)
def calls_in(tree: ast.AST, *names: str) -> list[ast.Call]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") in names]


def argument(call: ast.Call, place: int, name: str) -> ast.expr:
    return call.args[place] if len(call.args) > place else next(k.value for k in call.keywords if k.arg == name)


def name_of(call: ast.Call) -> str:
    return argument(call, 0, "name").value


COUNTED = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen")
SMALL = {word: number for number, word in enumerate(COUNTED, start=2)}  # "one" is said of too much


FRACTIONS = "halves|thirds|quarters|fifths|sixths|sevenths|eighths|ninths|tenths"


def numbers_said(sentence: str) -> list[tuple[str, str, str]]:
    """All numbers of a claim, also small ones and number words; not the sizes of a kernel or a volume, such as 3×3."""
    bare = re.sub(r"`[^`]*`|\d+(?:×[\w.]+)+|(?:Fig\.|Table|sec\.|[Qq]uestion) \d+", "", sentence)
    bare = re.sub(rf"\w+ (?:{FRACTIONS})\b", "", bare)
    halves = re.findall(r"(\w+) and a half", bare)
    words = [(word, str(SMALL[word]), "") for word in re.findall(r"[a-z]+", bare.lower()) if word in SMALL]
    words = [(w, f"{n}.5" if w in halves else n, unit) for w, n, unit in words]
    return [number for number in numerals(bare, least=1) + words if number[1:] not in (("0", ""), ("1", ""))]


def claims_that_say_more_than_they_measure(notebook) -> list[str]:
    """Numbers in a claim's sentence that neither its measurement contains nor the comparison that decides it, with what
    the cell defines for that comparison."""
    wrong = []
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        calls, given = {name_of(call): call for call in calls_in(tree, "claim")}, definitions(tree)
        for record in (record for output in cell.outputs for record in shown_in(output)):
            if record["kind"] == "quotation" or record["name"] not in calls:
                continue
            holds, measured = (argument(calls[record["name"]], *place) for place in ((3, "holds"), (2, "measured")))
            compared = constants_of(holds, given)
            known = worked_out(measured, record["measured"]) | {(number, "") for number in compared}
            for written, digits, unit in numbers_said(record["sentence"]):
                shares = {round(100 * number, 6) for number in compared} if unit in ("%", "points", "") else set()
                if float(digits) not in compared | shares and not backed(digits, unit, known):
                    wrong.append(f"{record['name']}: {written}")
    return wrong


def definitions(cell: ast.Module) -> dict[str, list[ast.AST]]:
    """What a cell gives each name: what is assigned to it, and functions."""
    given: dict[str, list[ast.AST]] = {}
    for statement in ast.walk(cell):
        if isinstance(statement, ast.Assign):
            for name in set().union(*map(names_in, statement.targets)):
                given.setdefault(name, []).append(statement.value)
        elif isinstance(statement, ast.FunctionDef):
            given.setdefault(statement.name, []).append(statement)
    return given


def constants_of(holds: ast.expr, given: dict[str, list[ast.AST]]) -> set[float]:
    """The numbers in a comparison, and in what the cell gives the names that it compares."""
    reached, names = [holds], set()
    for node in reached:
        for name in loaded(node) - names:
            names.add(name)
            reached += given.get(name, [])
    found = [n.value for node in reached for n in ast.walk(node) if isinstance(n, ast.Constant)]
    numbers = {float(value) for value in found if type(value) in (int, float)}
    return numbers | {number for value in found if isinstance(value, str) for number, _ in numbers_in(value)}


def literal_parts(text: ast.expr) -> list[str]:
    """What is typed in an expression that makes a text, and not worked out."""
    match text:
        case ast.Constant(value=str()):
            return [text.value]
        case ast.JoinedStr():
            inside = text.values
        case ast.BinOp():
            inside = [text.left, text.right]
        case ast.IfExp():
            inside = [text.body, text.orelse]
        case ast.Call():  # "; ".join(...)
            inside = text.args
        case ast.GeneratorExp() | ast.ListComp():
            inside = [text.elt]
        case _:
            inside = []
    return [part for one in inside for part in literal_parts(one)]


def worked_out(measured: ast.expr, shown: str) -> set[tuple[float, str]]:
    """The numbers of a measured text that the code worked out: those that stand in its literal parts do not count."""
    for part in literal_parts(measured):
        for number in re.findall(r"\d[\d,.]*\d|\d", part):
            shown = re.sub(rf"(?<![\d,.]){re.escape(number)}(?![,.]?\d)", " ", shown, count=1)
    return numbers_in(shown)


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement in the order of the page, those inside `with`, `for` and `if` after their head."""
    for statement in body:
        yield statement
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            for field in ("body", "orelse", "finalbody"):
                yield from statements(getattr(statement, field, []))


def loaded(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - set(dir(builtins))


def names_in(target: ast.AST) -> set[str]:
    """The names in an expression, such as those that an assignment changes: `a`, `a[0]`, `a.b`, `a, b`."""
    return {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}


RECORDS = tuple(f"casestudies_lib.experiments.{name}" for name in ("timing", "degradation", "surface", "digit"))
# What records hold that nothing remakes.
FIELDS = {"seconds", "training_error", "test_error", "training_loss", "curve", "log10_loss", "as learned"}


def reads_a_record(node: ast.AST) -> bool:
    """Whether an expression takes such a field out of a record, or a row's `time`, for more than to put it in a row."""
    kept = {id(part) for k in ast.walk(node) if isinstance(k, ast.keyword) and k.arg == "time" for part in ast.walk(k)}
    fields = [n for n in ast.walk(node) if id(n) not in kept and isinstance(n, (ast.Constant, ast.Attribute))]
    return any(n.attr == "time" if isinstance(n, ast.Attribute) else n.value in FIELDS for n in fields)


def traced(notebook) -> Iterator[tuple[ast.Call, set[str]]]:
    """Each claim and answer of the page with the imports that it was measured and compared with, on whatever way."""
    made: dict[str, set[str]] = {}

    def roots(node: ast.AST) -> set[str]:
        found = set().union(*(made.get(name, {name}) for name in loaded(node)))
        from_records = any(name.startswith(RECORDS) for name in found) and reads_a_record(node)
        return found | {"a record"} if from_records else found

    def bind(names: set[str], found: set[str], *, more: bool = False) -> None:
        for name in names:
            made[name] = found | (made.get(name, set()) if more else set())

    for cell in code_cells(notebook):
        for statement in statements(ast.parse(cell.source).body):
            if isinstance(statement, ast.ImportFrom):
                bind_import = {a.asname or a.name: {f"{statement.module}.{a.name}"} for a in statement.names}
                made.update(bind_import)
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    inside = isinstance(target, (ast.Subscript, ast.Attribute))  # a part of it, not the whole
                    bind(names_in(target), roots(statement.value), more=inside)
            elif isinstance(statement, ast.AugAssign):
                bind(names_in(statement.target), roots(statement.value), more=True)
            elif isinstance(statement, (ast.For, ast.With)):
                heads = [statement] if isinstance(statement, ast.For) else statement.items
                for head in heads:
                    target = head.target if isinstance(head, ast.For) else head.optional_vars
                    source = head.iter if isinstance(head, ast.For) else head.context_expr
                    bind(names_in(target) if target else set(), roots(source))
            elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                bind({statement.name}, roots(statement))
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                call = statement.value
                if isinstance(call.func, ast.Attribute):  # a list grows by append
                    bind(names_in(call.func.value) & made.keys(), roots(call), more=True)
                for found in calls_in(call, "claim", "answer"):
                    yield found, roots(argument(found, 2, "measured")) | roots(argument(found, 3, "holds"))


def unmeasured_claims(notebook) -> list[str]:
    """Claims that do not measure the library, or that a stored record decides without being marked as recorded."""
    wrong = []
    for call, found in traced(notebook):
        if not any(name.startswith("casestudies_lib.") and name.split(".")[-1] not in SAYS for name in found):
            wrong.append(f"{name_of(call)}: measures nothing of the library")
        marked = any(keyword.arg == "recorded" for keyword in call.keywords)
        if call.func.id == "claim" and ("a record" in found) != marked:
            wrong.append(f"{name_of(call)}: {'no record' if marked else 'a record'}, marked otherwise")
    return wrong


class Written(ast.NodeTransformer):
    """Writes for each name what the cell gives it, where that is done once."""

    def __init__(self, assigned: dict[str, list[ast.expr]]) -> None:
        self.assigned = assigned

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known = self.assigned.get(node.id, [])
        fixed = len(known) == 1 and node.id not in loaded(known[0])
        if not fixed or isinstance(known[0], (ast.Dict, ast.List)):  # what grows is no constant
            return node
        return self.visit(copy.deepcopy(known[0]))


def decides(holds: ast.expr) -> bool:
    """Whether an expression compares, or asks for all, any, equal or not."""
    asks = {"all", "any", "equal", "allclose", "isinstance", "issubset"}
    calls = [getattr(n.func, "id", getattr(n.func, "attr", "")) for n in ast.walk(holds) if isinstance(n, ast.Call)]
    return bool(asks & set(calls)) or any(isinstance(n, (ast.Compare, ast.Not)) for n in ast.walk(holds))


def empty_comparisons(notebook) -> list[str]:
    """What is compared with itself, or a constant with a constant, also behind names that the cell gives them."""
    wrong = []
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                assigned.setdefault(node.targets[0].id, []).append(node.value)

        for call in calls_in(tree, "claim", "answer"):
            holds = Written(assigned).visit(copy.deepcopy(argument(call, 3, "holds")))
            written = argument(call, 3, "holds")
            for part in written.values if isinstance(written, ast.BoolOp) else [written]:
                given = Written(assigned).visit(copy.deepcopy(part)) if isinstance(part, ast.Name) else part
                if not decides(given):
                    wrong.append(f"{name_of(call)}: {ast.unparse(part)} compares nothing")
            for node in ast.walk(holds):
                if isinstance(node, ast.Compare):
                    sides = [node.left, *node.comparators]
                    same = len({ast.dump(side) for side in sides}) < len(sides)
                    if same or not any(map(loaded, sides)):
                        wrong.append(f"{name_of(call)}: {ast.unparse(node)} compares nothing")
                if isinstance(node, ast.BoolOp) and any(isinstance(value, ast.Constant) for value in node.values):
                    wrong.append(f"{name_of(call)}: {ast.unparse(node)} is decided by a constant")
    return wrong


def unread_claims(notebook) -> list[str]:
    """Claims and figures in the code that the stored outputs lack, and claims whose result is typed in."""
    wrong = []
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        written = [name_of(call) for call in calls_in(tree, "claim", "quotation")]
        shown = [record["name"] for output in cell.outputs for record in shown_in(output)]
        if sorted(written) != sorted(shown):
            wrong.append(f"{cell.id}: the code claims {written}, the outputs show {shown}")
        if len(calls_in(tree, "show")) != sum(charts.MIME in o.get("data", {}) for o in cell.outputs):
            wrong.append(f"{cell.id}: figures in the code and in the outputs differ in number")
        for asked in (asked for call in calls_in(tree, "numbers") for asked in call.args):
            if not loaded(asked.elts[1]):
                wrong.append(f"{cell.id}: the answer {ast.unparse(asked.elts[1])} is typed in, not worked out")
        for call in calls_in(tree, "claim"):
            name = name_of(call)
            for place, what in ((2, "measured"), (3, "holds")):
                if not loaded(argument(call, place, what)):
                    wrong.append(f"{name}: {what} is typed in, not worked out")
            for node in ast.walk(argument(call, 2, "measured")):
                if isinstance(node, ast.IfExp):  # a choice of words may be: "more" if a > b else "fewer"
                    typed = [branch.value for branch in (node.body, node.orelse) if isinstance(branch, ast.Constant)]
                    if any(not words or re.search(r"\d", str(words)) for words in typed):
                        wrong.append(f"{name}: measured is typed in behind a condition")
    return wrong


def unknown_sources(notebook) -> list[str]:
    """Sources that neither the bibliography nor the page itself holds."""
    keys = {r["name"]: "".join(r["source"].split(",")[0].split(" ")[:2]).lower() for r in records(notebook)}
    return [f"{name}: {key}" for name, key in keys.items() if key not in SOURCES | {"countedhere", "measuredhere"}]


def plain_words(text: str) -> str:
    return " ".join(re.sub(r"[*_`]", "", text).split())


NOTES = " ".join(
    plain_words(path.read_text(encoding="utf-8")) for path in (ROOT / "tests/book/lecture_notes").glob("*.md")
)


def unwritten_notes(notebook) -> list[str]:
    """Words that a claim answers as the lecture notes', and that the notes do not have."""
    wrong = []
    for record in records(notebook):
        if "notes" in record and "by" not in record:
            parts = plain_words(record["notes"]).split("[…]")
            wrong += [f"{record['name']}: {part.strip()}" for part in parts if part.strip() not in NOTES]
    return wrong


def taught_first(notebook) -> bool:
    """Whether a page shows its checks behind one line a section, and not where it says what they prove."""
    return any(calls_in(ast.parse(cell.source), "checks") for cell in code_cells(notebook))


def told_in(output) -> Iterator[str]:
    """The paragraphs of what an output tells, its marks of proof as Markdown writes them."""
    page = BeautifulSoup(html_of(output), "html.parser")
    for link in page.select(f":is({TOLD}) a[href^='#claim-']"):
        link.replace_with(f"[{link.text}]({link['href']})")
    for told in page.select(TOLD):
        yield from (part.get_text() for part in told.find_all(["p", "li"]) or [told])


def paragraphs(notebook) -> Iterator[str]:
    """Every paragraph that a reader reads, as plain words with the marks of proof in them."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from map(plain_words, re.split(r"\n\s*\n|\n(?=[-*#\d])", prose_of(cell.source)))
        else:
            yield from (plain_words(told) for output in cell.outputs for told in told_in(output))


def homeless_sentences(notebook) -> list[str]:
    """Marks that lead to no claim of their kind, or do not stand right behind the sentence that it proves; sentences of
    unmarked claims that the prose says as well."""
    if not taught_first(notebook):
        return []
    known = {record["name"]: record for record in records(notebook)}
    wrong, marked, read = [], set(), list(paragraphs(notebook))
    for text in read:
        for found in re.finditer(MARK, text):
            name = found[2].upper()
            marked.add(name)
            before = re.sub(MARK, "", text[: found.start()])
            if known.get(name, {}).get("kind") != MARKS[found[1]]:
                wrong.append(f"{found[0]}: no such {MARKS[found[1]]} on this page")
            elif not before.lower().endswith(plain_words(known[name]["sentence"]).lower()):
                wrong.append(f"{name}: its sentence does not end at its mark: …{before[-90:]}")
    bare = " ".join(re.sub(MARK, "", text) for text in read)
    again = [name for name, record in known.items() if name not in marked and plain_words(record["sentence"]) in bare]
    return wrong + [f"{name}: its sentence stands in the prose without its mark" for name in again]


def unnumbered_figures(notebook) -> list[str]:
    """On a page that teaches first, pictures and tables without number and caption, and numbers out of order."""
    if not taught_first(notebook):
        return []
    wrong, numbers = [], []
    for cell in code_cells(notebook):
        for page in (BeautifulSoup(html_of(output), "html.parser") for output in cell.outputs):
            numbers += [
                number.text.split()[-1] for number in page.select("figure.fig > figcaption > strong:first-child")
            ]
            bare = [shown for shown in page.select("[role=img], .table-wide") if not shown.find_parent("figure", "fig")]
            wrong += [f"{cell.id}: {shown.get('aria-label', '')[:40]} has no caption" for shown in bare]
    chapter = numbers[0].split(".")[0] if numbers else ""
    wanted = [f"{chapter}.{place}." for place in range(1, len(numbers) + 1)]
    return wrong + [f"{got}, not {due}" for got, due in zip(numbers, wanted) if got != due]


# What says that pictures were not learned from, in the words that a cell shows.
UNSEEN = r"(?i)unseen|never seen|not seen|test error"


def tests_on_training(notebook) -> list[str]:
    """A cell that speaks of unseen pictures, and measures the errors on those that the page trains with."""
    trees = [ast.parse(cell.source) for cell in code_cells(notebook)]
    learned = {ast.unparse(argument(call, 1, "data")) for tree in trees for call in calls_in(tree, "train")}
    wrong = []
    for cell, tree, after in zip(code_cells(notebook), trees, [*trees[1:], ast.Module([], [])]):
        tested = {ast.unparse(argument(call, 1, "data")) for call in calls_in(tree, "error")}
        words = [n.value for part in (tree, after) for n in ast.walk(part) if isinstance(n, ast.Constant)]
        if tested and tested <= learned and any(re.search(UNSEEN, w) for w in words if isinstance(w, str)):
            wrong.append(f"{cell.id}: {', '.join(sorted(tested))}")
    return wrong


# ------------------------------------------------------------------ words that somebody has to accept
def words_of(notebook) -> dict:
    """What a reader is told by claims, quotations, pictures and exercises: everything but what was measured."""
    told = [{key: value for key, value in record.items() if key != "measured"} for record in records(notebook)]
    alts = [output["data"]["text/plain"] for output in outputs(notebook) if charts.MIME in output.get("data", {})]
    pages = [BeautifulSoup(html_of(output), "html.parser") for output in outputs(notebook)]
    places = {heading: [r["name"] for o in beside for r in shown_in(o)] for heading, _, beside in sections(notebook)}
    typed = {
        name_of(call): " … ".join(literal_parts(argument(call, 2, "measured")))
        for cell in code_cells(notebook)
        for call in calls_in(ast.parse(cell.source), "claim")
    }
    tasks = [text for heading, prose, _ in sections(notebook) for text in prose if re.search("(?i)exercises", heading)]
    return {
        "claims": {record.pop("name"): record for record in told},
        "measured": {name: words for name, words in typed.items() if re.search(r"[A-Za-z]{3}", words)},
        "exercises": "\n".join(tasks).strip(),
        "places": {heading: " ".join(names) for heading, names in places.items() if names},
        "pictures": alts,
        "labels": [" | ".join(words) for page in pages if (words := labels(page))],
    }


def labels(page: BeautifulSoup) -> list[str]:
    """What names the parts of a table, a figure or an explorer: letters, since numbers are measured elsewhere."""
    named = page.select(
        "caption, thead th, tbody th, figcaption, summary, label span:first-child, svg text, .answer, .discussion p"
        ", .question p, .question li, .numbers li > span"
    )
    found = [" ".join(element.get_text(" ").split()) for element in named if not element.find_parent(class_="claim")]
    return [words for words in dict.fromkeys(found) if re.search(r"[A-Za-z]{3}", words)]


def words() -> dict:
    """The words of all pages, and a fingerprint of every stored record and source: what `WORDS` pins."""
    pages = {path.stem: words_of(nbformat.read(path, as_version=4)) for path in PATHS}
    files = sorted(path for folder in (RESULTS, MEASURED) for path in folder.glob("*.json*"))
    sources = {entry.split(",")[0].split("{")[1]: " ".join(entry.split()) for entry in BIBLIOGRAPHY.split("\n@")}
    return {
        "pages": pages,
        "records": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
        "prose": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in PROSE},
        "sources": {key: hashlib.sha256(entry.encode()).hexdigest()[:16] for key, entry in sources.items()},
    }


def changed(pinned: dict, now: dict, where: str = "") -> list[str]:
    """What differs between two versions of the words, one line each: the place, the old words, the new ones."""
    if isinstance(pinned, dict) and isinstance(now, dict):
        lines = [changed(pinned.get(key), now.get(key), f"{where} {key}") for key in {**pinned, **now}]
        return [line for those in lines for line in those]
    if isinstance(pinned, list) and isinstance(now, list) and len(pinned) == len(now):
        return [line for n, pair in enumerate(zip(pinned, now), 1) for line in changed(*pair, f"{where} {n}")]
    return [] if pinned == now else [f"{where.strip()}:\n  was {pinned!r}\n  now {now!r}"]


# ------------------------------------------------------------------ portable Markdown (rule 3)
NOT_PORTABLE = {
    "a role": r"{[\w:-]+}`",
    "a directive": r"```{|~~~{",
    "a colon fence": r"(?m)^:::",
    "a target": r"(?m)^\([\w-]+\)=",
    "a relative image": r"!\[[^\]]*\]\((?!https:|data:)",
    "a relative link": r"(?<!!)\[[^\]]+\]\((?!https:|#)",
    "an attribute block": r"\]{[.#]",
}


def not_portable(notebook) -> list[str]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return [f"{c.id}: {what}" for c in cells for what, how in NOT_PORTABLE.items() if re.search(how, c.source)]


# ------------------------------------------------------------------ stored outputs (rule 5)
SILENT = (ast.Import, ast.ImportFrom, ast.Assign, ast.ClassDef, ast.FunctionDef, ast.If)


def bad_outputs(notebook) -> list[str]:
    wrong = []
    for count, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != count:
            wrong.append(f"{cell.id}: execution count {cell.execution_count}, not {count}")
        if not cell.outputs and not isinstance(ast.parse(cell.source).body[-1], SILENT):
            wrong.append(f"{cell.id}: no stored output")
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                wrong.append(f"{cell.id}: stores an error")
            if strange := set(output.get("data", {})) - KNOWN:
                wrong.append(f"{cell.id}: stores {sorted(strange)}, which nothing compares")
        tags = cell.metadata.get("tags", [])
        ignores = [tag for tag in tags if tag.startswith("nbval") or tag == "raises-exception"]
        ignores += re.findall(r"#\s*(?:NBVAL|PYTEST_VALIDATE)_\w+", cell.source)
        if ignores and "# nbval:" not in cell.source:
            wrong.append(f"{cell.id}: {ignores} without a reason in a comment that starts with '# nbval:'")
    return wrong


def bad_alt_text(notebook) -> list[str]:
    """Pictures without words for those who do not see them."""
    wrong = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            page = BeautifulSoup(html_of(output), "html.parser")
            for picture in page.find_all(["svg", "img"]):
                spoken = [picture, *picture.parents]
                if not any(p.get("role") == "img" and len(p.get("aria-label", "")) > 20 for p in spoken):
                    wrong.append(f"{cell.id}: a picture without alt text")
    return wrong


def uncredited(notebook) -> list[str]:
    """Photographs without the line that names photographer and licence, in whatever way a cell shows them."""
    wrong, photographs = [], {"photograph"}
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        for one in sorted(assignments, key=lambda node: node.lineno):
            names = set().union(*map(names_in, one.targets))
            photographs = photographs | names if photographs & names_in(one.value) else photographs - names
        for page in map(html_of, cell.outputs):
            shows = "data:image/jpeg" in page or ("data:image/" in page and photographs & names_in(tree))
            if shows and not BeautifulSoup(page, "html.parser").select(".credit a[href]"):
                wrong.append(f"{cell.id}: a photograph without its credit")
    return wrong


def unseeded(notebook) -> list[str]:
    """Random numbers that differ from run to run: torch's generator starts anywhere until it is seeded."""
    imports = next(cell.source for cell in notebook.cells if cell.id == "imports")
    last = ast.unparse(ast.parse(imports).body[-1])
    return [] if re.fullmatch(r"rng = torch\.manual_seed\(\d+\)", last) else ["imports: does not end by seeding torch"]


# ------------------------------------------------------------------ form
def not_normal(notebook) -> list[str]:
    wrong = [] if tool.normal(copy.deepcopy(notebook)) == as_stored(notebook) else ["not as `make notebooks` stores it"]
    ids = [cell.id for cell in notebook.cells]
    wrong += [f"{cell_id}: twice" for cell_id in set(ids) if ids.count(cell_id) > 1]
    wrong += [f"{cell_id}: not a readable id" for cell_id in ids if not re.fullmatch(r"[a-z][a-z0-9-]+", cell_id)]
    setup = next(cell for cell in notebook.cells if cell.id == "setup")
    wrong += [] if setup.source == tool.setup_cell(tool.configured()) else ["setup: not the cell of tools/notebooks.py"]
    return wrong


def as_stored(notebook) -> str:
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def too_long(notebook) -> list[str]:
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    words = sum(len(re.sub(r"```.*?```", "", source, flags=re.DOTALL).split()) for source in cells)
    return [f"{words} words, over 2,800"] if words > 2800 else []


GUARDS = [
    loose_numerals,
    loose_small_numbers,
    typed_numerals,
    false_equations,
    unknown_papers,
    claims_that_say_more_than_they_measure,
    unmeasured_claims,
    empty_comparisons,
    unread_claims,
    unknown_sources,
    unwritten_notes,
    homeless_sentences,
    unnumbered_figures,
    tests_on_training,
    not_portable,
    bad_outputs,
    bad_alt_text,
    uncredited,
    unseeded,
    not_normal,
    too_long,
]
