"""What the built pages leave out: styles that no page uses, scripts that none needs, letters and icons that none shows.

The theme brings nine style sheets and a script that draws two thousand icons. On a slow phone that kept the page blank
for seven seconds. Once the pages are written, they get one sheet with the rules that can apply to any of them, scripts
that wait until the page stands, and faces with no other letters than the book's. Photographs that a figure holds pixel
by pixel are sent as JPEG.
"""

from __future__ import annotations

import logging
import os
import re
import string
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from html import unescape
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import tinycss2
from companion import NETWORK_FILE
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

SHEET = "_static/styles/book.css"
ICONS = "_static/vendor/fontawesome/webfonts"
FACES = "_static/vendor/fonts"
# What letters do beside each other, the figures that companion.css asks for, and the small letters of formulas.
FEATURES = ["kern", "liga", "calt", "ccmp", "locl", "mark", "mkmk", "lnum", "tnum", "ssty", "flac", "dtls"]
WEIGHTS = (400, 700)  # normal and bold, and what lies between; lighter or heavier text is drawn as the nearest
ITALICS = 400  # alone: bold italics, which hardly ever stand, are made of these by browsers
FORMULA = re.compile(r"(?s)<math.*?</math>")
ITALIC = {
    chr(int(unicodedata.decomposition(letter).removeprefix("<font> "), 16)): letter
    for letter in map(chr, [0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)])  # h; a to z; Greek
    if unicodedata.decomposition(letter)
}
# Where a page names classes and ids; its own scripts; and the parts of Bootstrap that its header and its menu ask for.
NAMED = re.compile(r"""\s(?:class|id)=(?:"([^"]*)"|'([^']*)')""")
INLINE = re.compile(r"(?s)<script\b[^>]*>(.*?)</script>")
BOOTSTRAP = re.compile(r"(bs-)?tooltip|drop|show|fade|active|disabled")
STRING = r""""[^"]*"|'[^']*'"""
INSIDE = rf"""\((?:[^()"']|{STRING}|\([^()]*\))*\)"""
VALUE = re.compile(rf"""(?<=[{{;])\s*(--[\w-]+)\s*:(?:[^;{{}}"'()]|{STRING}|{INSIDE})*;?""")
PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
PHOTOGRAPH = 4  # bits a pixel: what a PNG of one takes at least, and a PNG of a drawing does not
LEAST = 64 * 64  # pixels; digits and maps have fewer, and are looked at pixel by pixel
QUALITY = 90  # of 100, where no difference was seen beside the PNG
LINK = re.compile(r'\s*<link [^>]*href="([^"?]*\.css)[^"]*"[^>]*>')
SCRIPT = re.compile(r'<script (?!defer)([^>]*src="[^>]*)>')
# Icons are glyphs of a font; deferred scripts need no head start; and the name of the page is for books with versions.
DROPPED = re.compile(
    r"\s*<!-- So that users can add custom icons -->\s*<script [^>]*></script>"
    r"|\s*<!-- Pre-loaded scripts that we\'ll load fully later -->"
    r'|\s*<link rel="preload" as="script" [^>]*>'
    r"|\s*<script>DOCUMENTATION_OPTIONS\.pagename = '[^']*';</script>"
)
# Scripts that copy code, and in code the names, points and gaps, which have the colour of text.
COPIES = re.compile(r'\s*<script [^>]*src="([^"]*(?:clipboard\.min|copybutton)\.js[^"]*)"></script>')
CODE = re.compile(r'(?s)<div class="highlight">.*?</pre>')
PLAIN = re.compile(r'<span class="(?:n|nn|p|pm|w)">([^<]*)</span>')
# A chart of matplotlib's, and what draws nothing in it: gaps, and groups that are empty or hold no style.
CHART = re.compile(r'(?s)<svg [^>]*>\s*<defs>\s*<style type="text/css">\*\{stroke-linejoin.*?</svg>')
GAP = re.compile(r"(?<=>)\s*\n\s*(?=<)|<g/>")
WAY = re.compile(r' d="[^"]*"')
GROUP = re.compile(r"(?s)<g>((?:(?!</?g\b).)*)</g>")
# A movement with a name, which some rule may ask for.
MOVEMENT = re.compile(r"@keyframes\s+([\w-]+)\s*\{(?:[^{}]*\{[^}]*\})*\s*\}\n?")


def with_light_code(page: str) -> str:
    """A page that marks in its code only what has a colour, and leaves it to `companion.js` to bring what copies it."""
    copies = COPIES.findall(page) if "<pre" in page else []
    page = COPIES.sub("", CODE.sub(lambda found: PLAIN.sub(r"\1", found[0]), page))
    return re.sub(r"<body(?=[\s>])", f'<body data-copies="{" ".join(copies)}"', page, count=1) if copies else page


def as_light(chart: str) -> str:
    """A chart without what draws nothing."""
    chart = WAY.sub(lambda found: found[0].replace(" \n", ""), GAP.sub("", chart))
    less = GROUP.sub(r"\1", chart)
    return chart if less == chart else as_light(less)


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite what was built; after a build that failed, or that wrote no page anew, nothing."""
    if exception is not None or app.builder.name != "html":
        return
    root = Path(app.outdir)
    files = [path for path in root.rglob("*.html") if not path.is_relative_to(root / "_static")]
    pages = {path: path.read_text("utf-8") for path in files}
    linked = [(path.parent / name).resolve() for path, page in pages.items() for name in LINK.findall(page)]
    sheets = [sheet for sheet in dict.fromkeys(linked) if sheet != (root / SHEET).resolve()]
    if not sheets:
        return
    unread = {"fontawesome.js", Path(NETWORK_FILE).name}  # the icons that no page shows, and numbers
    scripts = {path: path.read_text("utf-8") for path in (root / "_static").rglob("*.js") if path.name not in unread}
    texts = "".join([*pages.values(), *scripts.values()])
    used = styled(pages.values(), scripts)
    styles = "".join(moved(pruned(sheet.read_text("utf-8"), used), sheet.parent, root / SHEET) for sheet in sheets)
    styles = with_icons(without_unread(styles, texts), root)
    with_the_letters_of(texts, root / FACES)
    (root / SHEET).write_text(styles, "utf-8", newline="")
    sheet = f"{SHEET}?v={sha256(styles.encode()).hexdigest()[:8]}"  # another address when it changes
    for path, page in pages.items():
        link = f'\n  <link rel="stylesheet" href="{"../" * len(path.relative_to(root).parent.parts)}{sheet}">'
        before, *between, after = LINK.split(page)
        page = before + link + "".join(between[1::2]) + after
        page = SCRIPT.sub(r"<script defer \1>", DROPPED.sub("", page))
        page = CHART.sub(lambda found: as_light(found[0]), with_light_code(page))
        path.write_text(PNG.sub(lambda found: as_sent(found[0]), page), "utf-8", newline="")


@cache
def as_sent(address: str) -> str:
    """The address of a PNG, or where that is an opaque photograph, of the same as JPEG."""
    image = Image.open(BytesIO(b64decode(address.partition(",")[2])))
    pixels = image.width * image.height
    if pixels < LEAST or 6 * len(address) < PHOTOGRAPH * pixels:
        return address
    if "A" in image.mode and image.getextrema()[-1] != (255, 255):
        return address
    image.convert("RGB").save(made := BytesIO(), "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(made.getvalue()).decode()}"


def cut(path: Path, characters: set[int], **options: object) -> TTFont:
    """A face with these characters only."""
    font, subsetter = TTFont(path), Subsetter(Options(notdef_outline=True, **options))
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    return font


def with_the_letters_of(texts: str, folder: Path) -> None:
    """The faces of a folder, with the characters that stand in these texts, or can be typed, and no others.

    They lose their names, because a face that was changed may not be called by a reserved one.
    """
    spelt = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), texts)
    read = set(map(ord, string.printable + unescape(spelt)))
    written = slanted("".join(FORMULA.findall(texts)))
    for path in sorted(folder.glob("*.woff2")):
        font = cut(path, written if "math" in path.name else read, layout_features=FEATURES, name_IDs=[0, 13, 14])
        if "fvar" in font:
            font = instantiateVariableFont(font, {"wght": ITALICS if "italic" in path.name else WEIGHTS})
        font.flavor = "woff2"
        font.save(path)


def slanted(formulas: str) -> set[int]:
    """The characters of formulas with the root sign, and the italic of each letter, as which one alone is drawn."""
    read = {"√", *unescape(re.sub(r"(?s)<annotation.*?</annotation>|<[^>]+>", "", formulas))}
    return set(map(ord, read)) | {ord(italic) for plain, italic in ITALIC.items() if plain in read}


def styled(pages: Iterable[str], scripts: Mapping[Path, str]) -> set[str]:
    """The classes and ids of pages, and what may be one in a script; of Bootstrap's, only in what the pages ask for."""
    words = set(" ".join(found[1] or found[2] for page in pages for found in NAMED.finditer(page)).split())
    for path, script in [*scripts.items(), *((Path(), script) for page in pages for script in INLINE.findall(page))]:
        named = re.findall(r"[\w-]+", script)
        words.update(filter(BOOTSTRAP.match, named) if path.name == "bootstrap.js" else named)
    return words


def without_unread(css: str, texts: str) -> str:
    """The style sheet without values and movements whose names nothing reads, neither here nor in pages or scripts."""
    read = set(re.findall(r"--[\w-]++(?!\s*:)", css + texts))
    less = VALUE.sub(lambda found: found[0] if found[1] in read else "", css)
    named = set(re.findall(r"[\w-]+", MOVEMENT.sub("", less) + texts))
    less = MOVEMENT.sub(lambda found: found[0] if found[1] in named else "", less)
    return css if less == css else without_unread(less, texts)


def pruned(css: str, used: set[str]) -> str:
    """The rules of a style sheet that can apply where only these words are used as classes and ids."""
    return "".join(kept(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), used))


def kept(rules: list, used: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [one for one in listed(rule.prelude) if names(one) <= used]
            if selectors:
                body = tinycss2.serialize(rule.content).strip()
                yield f"{','.join(tinycss2.serialize(one).strip() for one in selectors)}{{{body}}}\n"
        elif (
            rule.type == "at-rule"
            and rule.lower_at_keyword in ("media", "supports", "layer", "container")
            and rule.content
        ):
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            body = "".join(kept(inner, used))
            if body:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{\n{body}}}\n"
        elif rule.type != "error":
            yield rule.serialize() + "\n"


def listed(tokens: list) -> list[list]:
    """The selectors of a list, which commas part."""
    selectors: list[list] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def names(selector: list) -> set[str]:
    """The classes and ids that a selector cannot do without; what stands in :not() or :is() is left aside."""
    classes = {name.value for dot, name in pairwise(selector) if dot == "." and name.type == "ident"}
    return classes | {token.value for token in selector if token.type == "hash"}


def moved(css: str, folder: Path, sheet: Path) -> str:
    """The rules of a style sheet in that folder, with addresses that are right in the sheet that they move to."""

    def address(found: re.Match[str]) -> str:
        place = found[1].strip("'\"")
        away = place.startswith(("data:", "#", "/"))
        return found[0] if away else f"url({os.path.relpath(folder / place, sheet.parent)})"

    return re.sub(r"url\(([^)]*)\)", address, css)


def with_icons(css: str, root: Path) -> str:
    """The style sheet with a font of only those icons that it names, in place of the theme's three."""
    faces = re.findall(r"@font-face\{[^}]*fontawesome[^}]*\}", css)
    used = {ord(icon) for icon in re.findall(r"[\ue000-\uf8ff]", css)}
    font = cut(root / ICONS / "fa-solid-900.ttf", used)
    font.flavor = "woff"
    made = BytesIO()
    font.save(made)
    (root / ICONS / "icons.woff").write_bytes(made.getvalue())
    place = os.path.relpath(f"{ICONS}/icons.woff", Path(SHEET).parent)
    for face in faces:
        css = css.replace(face, "")
    face = f'@font-face{{font-family:"Font Awesome 6 Free";font-weight:900;font-display:block;src:url({place})}}\n'
    return face + css


def setup(app: Sphinx) -> ExtensionMetadata:
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every table
    app.connect("build-finished", lighten, priority=900)  # the theme writes the colours of code at 500
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
