"""What the built pages leave out: styles that no page uses, scripts that none needs, icons that none shows.

The theme brings nine style sheets and a script that draws two thousand icons. On a slow phone that kept the page blank
for seven seconds. Once the pages are written, they get one sheet with the rules that can apply to any of them, and
scripts that wait until the page stands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import tinycss2
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

SHEET = "_static/styles/book.css"
ICONS = "_static/vendor/fontawesome/webfonts"
LINK = re.compile(r'\s*<link [^>]*href="([^"?]*\.css)[^"]*"[^>]*>')
SCRIPT = re.compile(r'<script (?!defer)([^>]*src="[^>]*)>')
# Icons are glyphs of a font; deferred scripts need no head start; and the name of the page is for books with versions.
DROPPED = re.compile(
    r"\s*<!-- So that users can add custom icons -->\s*<script [^>]*></script>"
    r"|\s*<!-- Pre-loaded scripts that we\'ll load fully later -->"
    r'|\s*<link rel="preload" as="script" [^>]*>'
    r"|\s*<script>DOCUMENTATION_OPTIONS\.pagename = '[^']*';</script>"
)


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
    scripts = [path.read_text("utf-8") for path in (root / "_static").rglob("*.js") if path.name != "fontawesome.js"]
    used = set(re.findall(r"[\w-]+", " ".join([*pages.values(), *scripts])))
    styles = "".join(moved(pruned(sheet.read_text("utf-8"), used), sheet.parent, root / SHEET) for sheet in sheets)
    styles = with_icons(styles, root)
    (root / SHEET).write_text(styles, "utf-8", newline="")
    sheet = f"{SHEET}?v={sha256(styles.encode()).hexdigest()[:8]}"  # another address when it changes
    for path, page in pages.items():
        link = f'\n  <link rel="stylesheet" href="{"../" * len(path.relative_to(root).parent.parts)}{sheet}">'
        before, *between, after = LINK.split(page)
        page = before + link + "".join(between[1::2]) + after
        path.write_text(SCRIPT.sub(r"<script defer \1>", DROPPED.sub("", page)), "utf-8", newline="")


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
    font = TTFont(root / ICONS / "fa-solid-900.ttf")
    subsetter = Subsetter(Options(notdef_outline=True))
    subsetter.populate(unicodes=used)
    subsetter.subset(font)
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
    app.connect("build-finished", lighten, priority=900)  # the theme writes the colours of code at 500
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
