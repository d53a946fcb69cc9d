"""`make epub`: the whole book as an EPUB 3, from the built pages, with formulas as MathML and figures as SVG."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from uuid import NAMESPACE_URL, uuid5

from address import ROOT, site
from bs4 import Tag
from cards import FACE, INK, QUIET, volumes
from markupsafe import escape
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from whole import AUTHOR, BUILT, FILES, TITLE, Part, contents, gather, made

OUT = ROOT / "_build" / FILES["epub"]
SPACES = {"svg": "http://www.w3.org/2000/svg", "math": "http://www.w3.org/1998/Math/MathML"}
# XML tells capitals from small letters, and a page of HTML has lost them: the names that our drawings use.
CAPITALS = {
    name.lower(): name
    for name in (
        *("viewBox", "preserveAspectRatio", "clipPath", "feColorMatrix"),
        *("markerWidth", "markerHeight", "markerUnits", "refX", "refY"),
    )
}
# Attributes that in MathML 3, which EPUB has, only these elements know.
STYLED = {"displaystyle": ("math", "mstyle", "mtable"), "scriptlevel": ("mstyle",)}
LEAVES_OUT = """This edition leaves out the evidence cards at the end of each chapter, the code behind figures, the plan
for teachers, the reference of the library and the search, because only the site has room for them. The small mark
behind a sentence leads to its entry among the claims. Pictures that a reader can move stand still here."""
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""


def as_xml(part: Part) -> tuple[str, str]:
    """The style of a page's explorers, which in XML stands in the head, and its body, with links to files."""
    body = part.body
    for field in body.select("input, select, output:empty"):
        field.decompose()  # they do nothing without a script
    styles = [style.extract() for style in body.select("style") if not style.find_parent("svg")]
    for tag in body.find_all(True):
        settle(tag)
    return "".join(dict.fromkeys(style.get_text() for style in styles)), str(body)


def settle(tag: Tag) -> None:
    """What XML, and EPUB with it, wants otherwise than HTML."""
    if tag.name in SPACES:
        tag["xmlns"] = SPACES[tag.name]
    drawn = tag.name == "svg" or tag.find_parent("svg") is not None
    for key in list(tag.attrs):
        if drawn and key in CAPITALS:
            tag[CAPITALS[key]] = tag.attrs.pop(key)
        elif key == "xlink:href":
            tag["href"] = tag.attrs.pop(key)
        elif key.startswith(("data-", "aria-live", "tabindex")) or tag.name not in STYLED.get(key, (tag.name,)):
            del tag[key]
    if drawn:
        tag.name = CAPITALS.get(tag.name, tag.name)
    if tag.name == "a" and str(tag.get("href", "")).startswith("#"):
        place = str(tag["href"])[1:]
        name, _, inner = place.partition("--")
        tag["href"] = f"{name}.xhtml" + (f"#{place}" if inner else "")


def page(title: str, body: str, style: str = "", kind: str = "bodymatter") -> str:
    sheet = '<link rel="stylesheet" href="epub.css"/>' + (f"<style>{escape(style)}</style>" if style else "")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>{escape(title)}</title>{sheet}</head><body epub:type="{kind}">{body}</body></html>"""


def cover() -> bytes:
    """The title above VGG-16 as a row of volumes, upright."""
    figure = Figure(figsize=(12, 16), dpi=100, facecolor="#ffffff")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1200), ylim=(0, 1600))
    axes.axis("off")
    axes.text(90, 1420, "\n".join(wrap(TITLE, 12)), size=80, color=INK, va="top", weight="bold", family=FACE)
    axes.text(90, 1020, "From LeNet-5 to EfficientNet", size=32, color=QUIET, va="top", family=FACE)
    for corners, colour in volumes():
        moved = [(x, y + 240) for x, y in corners]
        axes.add_patch(Polygon(moved, facecolor=colour, edgecolor="#ffffff", linewidth=0.8))
    made = BytesIO()
    figure.savefig(made, format="png")
    return made.getvalue()


def files(parts: list[Part]) -> dict[str, str | bytes]:
    """All files of the book by name, the package last."""
    lines = "".join(
        contents(
            parts, lambda part, section: f"{part.name}.xhtml" + (f"#{section['id']}" if section else ""), lambda _: ""
        )
    )
    parts[0].body.insert(1, made("p", LEAVES_OUT, {"class": "quiet"}))
    nav = f'<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{lines}</ol></nav>'
    found: dict[str, str | bytes] = {
        "cover.png": cover(),
        "epub.css": Path(__file__).with_name("epub.css").read_text("utf-8"),
        "cover.xhtml": page(TITLE, f'<img src="cover.png" alt="{TITLE}"/>', kind="cover"),
        "nav.xhtml": page("Contents", nav, kind="frontmatter"),
    }
    for part in parts:
        style, body = as_xml(part)
        found[f"{part.name}.xhtml"] = page(part.title, body, style)
    return found | {"package.opf": package(found, [part.name for part in parts])}


def package(found: dict[str, str | bytes], order: list[str]) -> str:
    """What the book is, which files it has, and in which order they are read."""
    kinds = {"png": "image/png", "css": "text/css", "xhtml": "application/xhtml+xml"}
    items = []
    for name, content in found.items():
        drawn = (("svg", "<svg"), ("mathml", "<math")) if name.endswith("xhtml") else ()
        has = [kind for kind, start in drawn if start in str(content)]
        has += {"nav.xhtml": ["nav"], "cover.png": ["cover-image"]}.get(name, [])
        about = f'id="{name.replace(".", "-")}" href="{name}" media-type="{kinds[name.rpartition(".")[2]]}"'
        about += f' properties="{" ".join(has)}"' if has else ""
        items.append(f"<item {about}/>")
    spine = "".join(f'<itemref idref="{name}-xhtml"/>' for name in ("cover", "nav", *order))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid5(NAMESPACE_URL, site() or TITLE)}</dc:identifier>
<dc:title>{TITLE}</dc:title><dc:creator>{AUTHOR}</dc:creator><dc:language>en</dc:language>
<meta property="dcterms:modified">{now}</meta></metadata>
<manifest>{"".join(items)}</manifest><spine>{spine}</spine></package>"""


def write(parts: list[Part], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)  # first and as it is, says the standard
        book.writestr("META-INF/container.xml", CONTAINER)
        for name, content in files(parts).items():
            book.writestr(f"book/{name}", content)


def main() -> None:
    write(gather(BUILT), OUT)
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
