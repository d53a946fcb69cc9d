"""All networks in one picture and one table: choose what to pay with, set a budget, filter, sort, point at networks."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log, log10
from typing import NamedTuple

from IPython.display import HTML
from markupsafe import Markup

from casestudies_lib.checks import one_of
from casestudies_lib.explorers.explorer import Knob, explorer, sliders
from casestudies_lib.figures.svg import line, words
from casestudies_lib.page.html import LEFT as AT_LEFT
from casestudies_lib.page.html import RIGHT as AT_RIGHT
from casestudies_lib.page.html import table, tag
from casestudies_lib.page.palette import FAMILY_COLOURS


class Row(NamedTuple):
    """One network: what was counted and measured of it, and what its paper says.

    `sees` is in pixels, `time` relative to that of ResNet-18, `views` what of an image one prediction of
    the paper's averaged, `side` that of the image, in pixels.
    """

    title: str
    family: str
    year: int
    accuracy: float
    parameters: int
    macs: int
    depth: int
    sees: int
    time: float
    source: str
    views: str = "not said"
    side: int = 224


# What the horizontal axis can be, and the columns of the table.
PRICES = {"macs": "MACs", "parameters": "parameters", "time": "time, × ResNet-18", "depth": "layers with weights"}
COLUMNS = {"title": "network", "year": "year", "accuracy": "top-1 %", "side": "px", "parameters": "params"}
COLUMNS |= {"macs": "MACs", "depth": "layers", "sees": "sees", "time": "× time"}
# What can be had at most; where both stand at first, every network of the book fits.
LIMITS = {
    "gigamacs": Knob("at most, billion MACs", (0.06, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 4, 6, 10, 20, 40), 40),
    "megabytes": Knob("at most, MB", (10, 12, 15, 20, 25, 30, 40, 50, 80, 100, 180, 250, 400, 600), 600),
}
BYTES = 4  # of a weight, as PyTorch stores it at first
LEFT, RIGHT, TOP, BOTTOM = 34, 352, 14, 236  # of the picture's frame
FADED = 0.2  # what a budget leaves out
LEAST, MOST = 55, 86  # percent at its bottom and top


def front(rows: Sequence[Row], price: str) -> list[Row]:
    """The Pareto front: the networks that no other network beats, the cheapest first.

    One network beats another if its price is at most as high and its accuracy at least as high, and one of the two is
    better.

    Args:
        rows: the networks.
        price: one of `PRICES`.

    Raises:
        ValueError: another price.
    """
    one_of("price", price, PRICES)

    def beaten(row: Row) -> bool:
        cost = getattr(row, price)
        return any(
            getattr(o, price) <= cost
            and o.accuracy >= row.accuracy
            and (getattr(o, price) < cost or o.accuracy > row.accuracy)
            for o in rows
        )

    return sorted((row for row in rows if not beaten(row)), key=lambda row: getattr(row, price))


def within(rows: Sequence[Row], *, gigamacs: float, megabytes: float) -> list[Row]:
    """The networks that keep to a budget of multiply-accumulates, in billions, and of memory for their weights."""
    return [row for row in rows if row.macs <= gigamacs * 1e9 and BYTES * row.parameters <= megabytes * 1e6]


def bought(rows: Sequence[Row], *, gigamacs: float, megabytes: float) -> Row | None:
    """The most accurate network within a budget, of equally accurate ones the one with the fewest MACs, or None."""
    fitting = within(rows, gigamacs=gigamacs, megabytes=megabytes)
    return max(fitting, key=lambda row: (row.accuracy, -row.macs), default=None)


def _buys(rows: Sequence[Row], **limits: float) -> str:
    """What is said of a budget."""
    budget = f"{limits['gigamacs']:g} billion MACs and {limits['megabytes']:g} MB"
    best = bought(rows, **limits)
    return f"{budget} buy {best.title}, {best.accuracy:g}%." if best else f"No network fits into {budget}."


def compare(rows: Sequence[Row]) -> HTML:
    """A picture of accuracy against a price that the reader chooses, with its Pareto front, and a table that sorts.

    Two sliders set a budget; what does not keep to it fades in the picture and leaves the front and the table.

    Args:
        rows: the networks, each with what was counted of it.

    Raises:
        ValueError: no rows, more families than colours, or an accuracy outside the picture.
    """
    families = list(dict.fromkeys(row.family for row in rows))
    if not rows or len(families) > len(FAMILY_COLOURS):
        raise ValueError(f"expected networks of 1 to {len(FAMILY_COLOURS)} families, got {families}: leave some out")
    if outside := [row.title for row in rows if not LEAST <= row.accuracy <= MOST]:
        raise ValueError(f"expected accuracies from {LEAST} to {MOST} percent, got another for {outside}: leave it out")
    colours = dict(zip(families, FAMILY_COLOURS))
    heights = [round(_height(row.accuracy), 1) for row in rows]
    prices = {
        price: {"label": label, **_axis([getattr(row, price) for row in rows])} for price, label in PRICES.items()
    }
    alt = (f"{len(rows)} networks by accuracy and ", "; the table folded below has the same numbers.")
    checks = [
        tag(
            "label",
            tag("input", type="checkbox", value=family, checked="checked"),
            tag("span", "⬤ ", aria_hidden="true", style=f"color:{colour}"),
            family,
        )
        for family, colour in colours.items()
    ]
    options = [tag("option", label, value=price) for price, label in PRICES.items()]
    given = {
        "rows": [row._asdict() | {"said": _said(row)} for row in rows],
        "y": heights,
        "prices": prices,
        "columns": list(COLUMNS),
        "alt": alt,
        "bytes": BYTES,
        "faded": FADED,
    }
    first = next(iter(PRICES))
    budget = {name: knob.start for name, knob in LIMITS.items()}
    return explorer(
        "compare",
        tag("label", "pay with ", tag("select", *options)),
        _picture(rows, heights, first, prices[first], colours, alt),
        tag("div", *checks, class_="families"),
        *sliders(LIMITS),
        tag("p", tag("strong", _buys(rows, **budget), class_="buys"), aria_live="polite"),
        tag("output", _front_said(within(rows, **budget), first)),
        _table(rows),
        given=given,
    )


def _front_said(rows: Sequence[Row], price: str) -> str:
    return f"On the front: {', '.join(row.title for row in front(rows, price))}." if rows else "No network is shown."


def _height(accuracy: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (accuracy - LEAST) / (MOST - LEAST)


def _axis(values: Sequence[float]) -> dict[str, list]:
    """Where on a logarithmic axis the values stand, and its ticks: place and label, the same number on every axis."""
    low, high = min(values) / 1.3, max(values) * 1.3

    def place(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * log(value / low) / log(high / low), 1)

    ticks = []
    for tick in range(15):
        power, digit = floor(log10(low)) + tick // 3, (1, 2, 5)[tick % 3]
        value = digit * 10**power
        label = f"{value:g}" if power < 0 else f"{digit * 10 ** (power % 3)}{('', 'K', 'M', 'G', 'T')[power // 3]}"
        ticks.append((place(value), label) if low < value < high else (0, ""))
    return {"x": [place(value) for value in values], "ticks": ticks}


def _picture(
    rows: Sequence[Row], y: list[float], price: str, axis: dict, colours: dict[str, str], alt: tuple[str, str]
) -> Markup:
    x = axis["x"]
    fitting = within(rows, **{name: knob.start for name, knob in LIMITS.items()})
    best = front(fitting, price)
    corners = " L".join(f"{x[at]:g},{y[at]:g}" for at in map(rows.index, best))
    parts = [line(f"M{LEFT},{TOP} V{BOTTOM} H{RIGHT}", width=0.8)]
    dashes = {"stroke-dasharray": "3 2"}
    parts.append(tag("path", d=f"M{corners}", class_="front", fill="none", stroke="currentColor", **dashes))
    for percent in range(60, MOST, 10):
        parts.append(words(str(percent), LEFT - 5, _height(percent) + 4, "end", small=True))
    parts.append(words("top-1 %", 2, 10, "start", small=True))
    middle = {"text-anchor": "middle", "font-size": 10}
    for place, label in axis["ticks"]:
        about = {"x": f"{place:g}", "y": BOTTOM + 14, "display": "inline" if label else "none"}
        parts.append(tag("text", label, class_="tick", **about, **middle))
    parts.append(tag("text", axis["label"], class_="axis", x=(LEFT + RIGHT) / 2, y=BOTTOM + 30, **middle))
    for at, row in enumerate(rows):
        about = {"cx": f"{x[at]:g}", "cy": f"{y[at]:g}", "r": 5, "display": "inline", "data-at": at}
        about["opacity"] = 1 if row in fitting else FADED
        look = {"fill": colours[row.family], "stroke": "currentColor", "stroke-width": 2 if row in best else 0}
        parts.append(tag("circle", tag("title", row.title), class_="dot", **about, **look))
    box = {"viewBox": f"0 0 360 {BOTTOM + 36}", "fill": "currentColor", "font-size": 13, "role": "img"}
    return tag("svg", *parts, **box, aria_label=axis["label"].join(alt))


def _table(rows: Sequence[Row]) -> Markup:
    """The networks by year; each head sorts them, each name points at its network in the picture."""
    columns = []
    for name, label in COLUMNS.items():
        arrow = tag("span", " ▲" if name == "year" else "", aria_hidden="true")
        about = {
            "style": AT_LEFT if name == "title" else AT_RIGHT,
            "aria_sort": "ascending" if name == "year" else "none",
        }
        columns.append((tag("button", label, arrow, value=name, type="button"), about))
    lines = [
        (tag("button", row.title, type="button", data_at=at), *(_written(row, name) for name in list(COLUMNS)[1:]))
        for at, row in sorted(enumerate(rows), key=lambda one: one[1].year)
    ]
    listed = table("All networks; heads sort the table", columns, lines)
    return tag("details", tag("summary", f"All {len(rows)} networks in a table"), listed)


def _said(row: Row) -> str:
    """What is said of the network that is pointed at."""
    return (
        f"{row.title}, {row.year}: {row.accuracy:g}% ({row.source}; {row.views}), {row.macs:,} MACs, "
        f"{row.parameters:,} parameters, {row.depth} layers, time × {row.time:g}"
    )


def _written(row: Row, column: str) -> str:
    value = getattr(row, column)
    if column in ("parameters", "macs"):
        return f"{value / 1e6:,.1f}M" if value < 1e9 else f"{value / 1e9:,.2f}G"
    return f"{value:.2f}" if column == "time" else f"{value}"
