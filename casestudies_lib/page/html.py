"""HTML and SVG without string soup: one function that writes a tag."""

from __future__ import annotations

import html

EMPTY = {"br", "image", "input", "path", "rect"}  # tags that hold nothing


def tag(name: str, /, *inside: str, **attributes: object) -> str:
    """`<name attribute="value">inside</name>`, with every attribute escaped.

    Children are markup and go in as they are; escape plain text with `text`. A trailing underscore
    in an attribute's name is dropped (`class_`), other underscores become hyphens (`aria_label`).

    >>> tag("p", text("1 < 2"), class_="note", aria_label='a "quoted" label')
    '<p class="note" aria-label="a &quot;quoted&quot; label">1 &lt; 2</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in EMPTY:
        return f"<{name}{written}/>"
    return f"<{name}{written}>{''.join(inside)}</{name}>"


def text(plain: object) -> str:
    """Plain text made safe to stand between tags; quotation marks stay as they are."""
    return html.escape(str(plain), quote=False)


def scrolling_table(label: str, *inside: str) -> str:
    """A table that scrolls by itself on a narrow screen, also by keyboard, under a name for screen readers."""
    table = tag("table", *inside, style="width:100%;min-width:34em")
    return tag(
        "div",
        table,
        class_="table-wide",
        style="overflow-x:auto",
        tabindex=0,
        role="region",
        aria_label=label,
    )
