"""What a page fetches only when a reader comes near: photographs, and the numbers that a large explorer works with.

In a notebook every output carries all that it needs. On the site that made a page of photographs weigh half a megabyte
before its first section was read. So photographs below the opening of a chapter become files, each kept once, which
browsers fetch when they are about to be seen, also for print, without a script, and on pages from disk. They stand in
their drawings as HTML, because browsers fetch an image of SVG at once. What a script moves stays as it is.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from casestudies_lib.page.html import tag

PLACE = "_static/later"
LEAST = 1500  # bytes of a picture that are worth a request
MUCH = 50_000  # characters of what an explorer works with
DRAWING = re.compile(r'<img\b([^>]*) src="data:image/svg\+xml,([^"]*)"')  # as the poster's, which no style reaches
IMAGE = re.compile(r"<image\b([^>]*?)\s*/?>(?:</image>)?")
ATTRIBUTE = re.compile(r'([\w:-]+)="([^"]*)"')
DATA = re.compile(r"data:image/(jpeg|png);base64,(.+)", re.DOTALL)
# Between these an explorer stands. The script of the one that shows photographs leaves their pictures as they are.
MOVED, STILL, AFTER = 'class="drawing explorer"', 'data-explorer="photograph"', "window.CaseStudies.mount();</script>"
GIVEN = re.compile(r"""data-explorer="(\w+)" data-given=(?:"([^"]*)"|'([^']*)')""")
LATER = "later"  # the class of such a picture


def thinned(page: str, up: str, files: dict[str, bytes]) -> str:
    """A page that leaves to files what can wait; `files` gets them by name, `up` leads to the root of the site."""
    opening = page.find("<h2", page.find("<article"))

    def picture(found: re.Match[str]) -> str:
        about = dict(ATTRIBUTE.findall(found[1]))
        data = DATA.fullmatch(about.pop("href", "") or about.pop("xlink:href", ""))
        if data is None or found.start() < opening or "style" in about or moves(page, found.start()):
            return found[0]
        content = b64decode(data[2])
        if len(content) < LEAST:
            return found[0]
        name = kept(content, data[1], files)
        fit = "fill" if about.pop("preserveAspectRatio", "") == "none" else "contain"  # as SVG does
        image = tag("img", src=f"{up}{PLACE}/{name}", alt="", loading="lazy", class_=LATER, style=f"object-fit:{fit}")
        return str(tag("foreignObject", image, **about))

    def drawing(found: re.Match[str]) -> str:
        content = unquote(unescape(found[2])).encode()
        if found.start() < opening or len(content) < LEAST:
            return found[0]
        return f'<img{found[1]} class="{LATER}" loading="lazy" src="{up}{PLACE}/{kept(content, "svg", files)}"'

    def numbers(found: re.Match[str]) -> str:
        given = found[2] or found[3]
        if len(given) < MUCH:
            return found[0]
        brought = f"window.CaseStudies.brought = {json.dumps(unescape(given))};\n"
        return f'data-brings="{found[1]}" data-from="{up}{PLACE}/{kept(brought.encode(), "js", files)}"'

    return GIVEN.sub(numbers, DRAWING.sub(drawing, IMAGE.sub(picture, page))) if opening > 0 else page


def moves(page: str, place: int) -> bool:
    """Whether a script may move what stands at that place, or other elements repeat it."""
    moved, still, after, repeated, end = (
        page.rfind(what, 0, place) for what in (MOVED, STILL, AFTER, "<defs", "</defs>")
    )
    return (moved > after and still < moved) or repeated > end


def kept(content: bytes, kind: str, files: dict[str, bytes]) -> str:
    """The name of a file with that content."""
    name = f"{sha256(content).hexdigest()[:12]}.{kind}"
    files[name] = content
    return name


def put_off(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        root = Path(app.outdir)
        folder = root / PLACE
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(root.glob("notebooks/*.html")):
            files: dict[str, bytes] = {}
            page = path.read_text("utf-8")
            thin = thinned(page, "../", files)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            if thin != page:
                path.write_text(thin, "utf-8", newline="")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("build-finished", put_off, priority=910)  # when photographs are JPEG, and before scripts are hashed
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
