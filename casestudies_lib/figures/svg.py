"""The shapes that every diagram is drawn with: inline SVG in the page's own colours, sizes in its own units."""

from __future__ import annotations

import re

from IPython.display import HTML

from casestudies_lib.page.html import drawing, tag


def box(label: str, x: float, y: float, wide: float, tall: float, colour: str, small: bool = False) -> list[str]:
    """A rounded box around a centre, with its words if there are any."""
    place = {"x": f"{x - wide / 2:.1f}", "y": f"{y - tall / 2:.1f}", "width": f"{wide:.1f}", "height": tall, "rx": 3}
    look = {"fill": colour, "fill-opacity": 0.28, "stroke": colour, "stroke-width": 1}
    return [tag("rect", **place, **look)] + [words(label, x, y + (3.2 if small else 4.5), small=small)] * bool(label)


def plus(x: float, y: float, ink: str = "currentColor") -> list[str]:
    """A plus in a circle: an addition."""
    circle = f"M{x - 12},{y} a12,12 0 1,0 24,0 a12,12 0 1,0 -24,0"
    return [line(circle, ink=ink), line(f"M{x - 6},{y} h12 M{x},{y - 6} v12", ink=ink)]


def words(said: str, x: float, y: float, anchor: str = "middle", *, small: bool = False, italic: bool = False) -> str:
    """Text that stands, ends or is centred at a place."""
    size = {"font-size": 10} if small else {}
    style = {"font-style": "italic"} if italic else {}
    return tag("text", said, x=f"{x:.1f}", y=f"{y:.1f}", **{"text-anchor": anchor}, **size, **style)


def line(
    path: str,
    *,
    width: float = 1.2,
    head: str | None = None,
    dashes: str | None = None,
    fill: str = "none",
    ink: str = "currentColor",
) -> str:
    """A line along an SVG path, with the arrowhead of that name; what it encloses is filled."""
    extra: dict[str, object] = {"marker-end": f"url(#{head})"} if head else {}
    if fill != "none":
        extra["fill-opacity"] = 0.4
    if dashes:
        extra["stroke-dasharray"] = dashes
    return tag("path", d=path, fill=fill, stroke=ink, **{"stroke-width": width}, **extra)


def head_name(title: str) -> str:
    """A name for the picture's arrowhead that no other picture of the page has."""
    return "head-" + re.sub(r"[^a-z0-9]+", "-", title.lower())


def arrowhead(name: str, ink: str = "currentColor") -> str:
    """The definition of an arrowhead, for lines that end in it."""
    point = tag("path", d="M0,0 L7,3.5 L0,7 z", fill=ink)
    size = {"markerWidth": 7, "markerHeight": 7, "refX": 6, "refY": 3.5, "markerUnits": "userSpaceOnUse"}
    return tag("defs", tag("marker", point, id=name, orient="auto", **size))


def picture(parts: list[str], width: float, height: float, alt: str, most: str, *, font_size: int = 13) -> HTML:
    """The parts as one picture with alt text, at most `most` wide, as CSS writes it."""
    box = {"viewBox": f"0 0 {width:.0f} {height:.0f}", "fill": "currentColor", "font-size": font_size}
    svg = tag("svg", *parts, **box, aria_hidden="true", style=f"width:100%;max-width:{most}")
    return HTML(str(drawing(alt, svg)))
