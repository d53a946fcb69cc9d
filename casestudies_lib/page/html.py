"""HTML and SVG without string soup: tags, and the table, the bar and the frame that everything is shown in.

What is not `Markup` is plain text, and is escaped where it goes in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

EMPTY = {"br", "image", "img", "input", "link", "meta", "path", "rect"}  # tags that hold nothing
LEFT, RIGHT = "text-align:left", "text-align:right"


def tag(name: str, /, *inside: object, **attributes: object) -> Markup:
    """`<name attribute="value">inside</name>`; what is inside is escaped unless it is markup, attributes always.

    A trailing underscore in an attribute's name is dropped (`class_`), other underscores become hyphens
    (`aria_label`); an attribute that is None is left out.

    >>> print(tag("p", tag("b", 1), " < 2", class_="note", aria_label='a "quoted" label'))
    <p class="note" aria-label="a &#34;quoted&#34; label"><b>1</b> &lt; 2</p>
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in EMPTY:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(*inside)}</{name}>")


def joined(*parts: object) -> Markup:
    """Markup and plain text, one after the other: `"".join` would give up what is markup."""
    return Markup("").join(escape(part) for part in parts)


def rich(words: str) -> Markup:
    """Words with `code`, *emphasis*, **strong words** and links such as the marks of proof; the rest is escaped.

    >>> print(rich("*Why* `n < 3`?[✓](#claim-x-1)"))
    <em>Why</em> <code>n &lt; 3</code>?<a href="#claim-x-1">✓</a>
    """
    written = re.split(r"`([^`]+)`", words)  # code is taken as it stands
    plain = [str(escape(part)) for part in written]
    for place in range(0, len(plain), 2):
        plain[place] = re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", r'<a href="\2">\1</a>', plain[place])
        plain[place] = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", plain[place])
        plain[place] = re.sub(r"\*([^*]+)\*", r"<em>\1</em>", plain[place])
    for place in range(1, len(plain), 2):
        plain[place] = f"<code>{plain[place]}</code>"
    return Markup("".join(plain))


def table(
    label: str,
    columns: Sequence[tuple[object, Mapping[str, object]]],
    rows: Sequence[Sequence[object]],
    *,
    caption: str | None = None,
    foot: Sequence[object] = (),
    named: bool = True,
) -> Markup:
    """A table that scrolls by itself on a narrow screen, also by keyboard, under a name for screen readers.

    Args:
        label: that name.
        columns: title and attributes of each head; a column's cells have its style.
        rows: the cells of each row.
        caption: what stands below.
        foot: the cells of a last row, such as sums.
        named: whether the first cell of a row says what the row is of.
    """

    def written(cells: Sequence[object]) -> Markup:
        line = []
        for place, (cell, (_, about)) in enumerate(zip(cells, columns, strict=True)):
            names = named and place == 0
            line.append(tag("th" if names else "td", cell, scope="row" if names else None, style=about["style"]))
        return tag("tr", *line)

    parts = [tag("caption", caption)] if caption else []
    parts.append(tag("thead", tag("tr", *(tag("th", title, scope="col", **about) for title, about in columns))))
    parts.append(tag("tbody", *map(written, rows)))
    parts += [tag("tfoot", written(foot))] if foot else []
    whole = tag("table", *parts, style="width:100%;min-width:34em")
    return tag("div", whole, class_="table-wide", style="overflow-x:auto", tabindex=0, role="region", aria_label=label)


def drawing(alt: str, *inside: object, kind: str = "drawing", style: str = "text-align:center") -> Markup:
    """The frame of a figure, which says in words what the figure shows."""
    return tag("div", *inside, class_=kind, role="img", aria_label=alt, style=style)


def bar(share: float, colour: str, tall: int, *, style: str = "", **attributes: object) -> Markup:
    """A bar as long as a share, from 0 to 1, of the place that it stands in; `tall` in pixels."""
    look = f"height:{tall}px;background:{colour};width:{100 * share:.4g}%{style}"
    return tag("div", class_="bar", style=look, **attributes)
