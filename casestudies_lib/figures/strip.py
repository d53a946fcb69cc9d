"""Where a page stands in the story: the error of each year's best network, and the networks of this book below it."""

from __future__ import annotations

from collections.abc import Iterator

from IPython.display import HTML
from markupsafe import Markup

from casestudies_lib.checks import checked, one_of
from casestudies_lib.figures.svg import line
from casestudies_lib.models import PERSON, WINNERS
from casestudies_lib.page.html import drawing, tag
from casestudies_lib.page.palette import COLOURS, LIT

# The networks of the book, by the year of their paper, as the strip writes them.
NETWORKS = {
    1998: ("LeNet-5",),
    2012: ("AlexNet",),
    2013: ("NiN",),
    2014: ("VGG", "GoogLeNet"),
    2015: ("ResNet",),
    2017: ("MobileNet",),
    2018: ("MobileNetV2",),
    2019: ("EfficientNet",),
}
_STEP, _WIDE, _BASE, _SCALE = 62, 40, 160, 4.1
_LETTER = 6.6  # about as wide as one is drawn
YEARS = sorted({*NETWORKS, *WINNERS})
_OTHER = COLOURS["input"]
_HERE = COLOURS["conv"]


@checked
def you_are_here(*networks: str) -> HTML:
    """The ImageNet competition year by year, its winner's top-5 error, and the book's networks with these marked.

    Args:
        networks: those of the page, such as `ResNet`.

    Raises:
        ValueError: a network that is not in `NETWORKS`.
    """
    known = [name for names in NETWORKS.values() for name in names]
    for name in networks:
        one_of("network of the book", name, known)
    level = _BASE - PERSON.error * _SCALE
    parts: list[Markup] = []
    for place, year in enumerate(YEARS):
        parts += _column(8 + place * _STEP, year, networks, _row(year))
    won = [place for place, year in enumerate(YEARS) if year in WINNERS]
    end = 8 + (won[-1] + 1) * _STEP
    parts.append(Markup(line(f"M{8 + won[0] * _STEP - 6},{level:.1f} H{end}", dashes="4 4", width=0.9)))
    parts.append(_words(f"a person: {PERSON.error:g}", end + 4, level + 4.5, "start"))
    errors = ", ".join(f"{year} {winner.name} {winner.error:.1f}" for year, winner in WINNERS.items())
    alt = (
        f"Top-5 error, in percent, of the winner of the ImageNet competition: {errors}. A person makes about "
        f"{PERSON.error:g}. Below, this book's networks by year; those of this page, {', '.join(networks)}, are marked."
    )
    parts.append(_words("winner of each year, and its top-5 error in %", 8 + 5 * _STEP, 34, "start"))
    parts.append(Markup(line(f"M8,{_BASE + 24} H{8 + len(YEARS) * _STEP}", width=0.5)))
    parts.append(_words("networks of this book", 8, _BASE + 41, "start", size=12))
    frame: dict[str, object] = {
        "viewBox": f"0 0 {8 + len(YEARS) * _STEP + 12} {_BASE + 86}",
        "fill": "currentColor",
        "font-size": 13,
    }
    svg = tag("svg", *parts, **frame, aria_hidden="true", style="width:100%;max-width:720px;min-width:500px")
    return HTML(str(drawing(alt, svg, style="text-align:center;overflow-x:auto")))


def _row(year: int) -> int:
    """The row in which a year's networks start: the second where the names of the year before would touch them."""
    before = YEARS[YEARS.index(year) - 1]
    names = (max(map(len, NETWORKS.get(one, [""]))) for one in (before, year))
    touching = before in NETWORKS and year in NETWORKS and sum(names) * _LETTER / 2 > _STEP
    return int(touching and before < year and not _row(before))


def _column(x: float, year: int, here: tuple[str, ...], row: int) -> Iterator[Markup]:
    """One year: its winner's error as a bar, and the networks of the book from a row on."""
    middle = x + _WIDE / 2
    mine = [name for name in NETWORKS.get(year, ()) if name in here]
    if year in WINNERS:
        winner = WINNERS[year]
        tall = winner.error * _SCALE
        colour = _HERE if winner.name in here else _OTHER
        top = f"{_BASE - tall:.1f}"
        yield tag("rect", x=x, y=top, width=_WIDE, height=f"{tall:.1f}", fill=colour, fill_opacity=0.75, rx=1.5)
        foot = min(_BASE - tall, _BASE - PERSON.error * _SCALE) - 5  # on the dashed line no number can be read
        yield _words(f"{winner.error:.1f}", middle, foot, bold=winner.name in here)
        yield _words(winner.name, middle, foot - 15, bold=winner.name in here, size=12)
    yield _words(str(year), middle, _BASE + 17, bold=bool(mine))
    for place, name in enumerate(NETWORKS.get(year, ()), start=row):
        y = _BASE + 60 + 19 * place
        if name in here:
            wide = _LETTER * len(name) + 10
            yield tag("rect", x=f"{middle - wide / 2:.1f}", y=y - 13, width=f"{wide:.1f}", height=18, rx=8, fill=_HERE)
        yield _words(name, middle, y, bold=name in here, colour=LIT if name in here else None, size=12)


def _words(
    said: str,
    x: float,
    y: float,
    anchor: str = "middle",
    *,
    bold: bool = False,
    colour: str | None = None,
    size: int = 13,
) -> Markup:
    look: dict[str, object] = {"text-anchor": anchor, "font-size": size, "font-weight": 700 if bold else None}
    return tag("text", said, x=f"{x:.1f}", y=f"{y:.1f}", style=f"fill:{colour}" if colour else None, **look)
