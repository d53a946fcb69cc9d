"""Most of a page's HTML is drawings and code, which nothing that mends the page looks into.

So they are set aside before the page is parsed and put back afterwards as they were: that takes a fifth of the time.
"""

from __future__ import annotations

import re

WHOLE = re.compile(r"(?s)<(script|style|svg|pre)\b.*?</\1>")
PLACE = re.compile(r'<(\w+) data-aside="(\d+)">…?</\1>')


def set_aside(html: str) -> tuple[str, list[str]]:
    """The HTML with an empty tag in the place of each drawing, script, style sheet and listing, and what stood there.

    A listing keeps an ellipsis, so that it is still text.
    """
    parts: list[str] = []

    def place(found: re.Match[str]) -> str:
        parts.append(found[0])
        text = "…" if found[1] == "pre" else ""
        return f'<{found[1]} data-aside="{len(parts) - 1}">{text}</{found[1]}>'

    return WHOLE.sub(place, html), parts


def put_back(html: str, parts: list[str]) -> str:
    """The HTML with `parts` in their places."""
    return PLACE.sub(lambda found: parts[int(found[2])], html)
