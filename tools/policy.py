"""What a page may do, in its own head: run its own scripts and no others, and ask no other host for anything.

A Content-Security-Policy names each inline script of the page by its hash, so that one that somebody smuggles in does
not run. Event handlers in attributes cannot be named, so the theme's two buttons get theirs from companion.js.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

HANDLERS = {"window.print()": "print", "toggleFullScreen()": "fullscreen"}
INLINE = re.compile(r"(?s)<script(?![^>]* src=)(?![^>]*application/ld\+json)[^>]*>(.*?)</script>")
META = re.compile(r'\s*<meta http-equiv="Content-Security-Policy"[^>]*>')


def policy(page: str) -> str:
    """The policy of a page. Only the box with the trained network starts a worker, from code that its file brought."""
    digests = [sha256(script.replace("\r\n", "\n").encode()).digest() for script in INLINE.findall(page)]
    hashes = [f"'sha256-{b64encode(digest).decode()}'" for digest in dict.fromkeys(digests)]
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *hashes]),
        "style-src": "'self' 'unsafe-inline'",  # figures carry styles
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    if re.search(r' data-network="[^"]*\.js"', page):
        rules["worker-src"] = "blob:"
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def guarded(page: str) -> str:
    """The page with its policy, and with no handler in an attribute that we know."""
    for handler, name in HANDLERS.items():
        page = page.replace(f'onclick="{handler}"', f'data-does="{name}"')
    page = META.sub("", page)
    meta = f'\n    <meta http-equiv="Content-Security-Policy" content="{policy(page)}">'
    return re.sub(r"<meta charset=[^>]*>", lambda found: found[0] + meta, page, count=1)


def guard(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        root = Path(app.outdir)
        for path in root.rglob("*.html"):
            if not path.is_relative_to(root / "_static"):
                path.write_text(guarded(path.read_text("utf-8")), "utf-8", newline="")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("build-finished", guard, priority=950)  # when nothing changes the pages any more
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
