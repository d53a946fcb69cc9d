"""All networks in one picture and one table: choose what to pay with, filter by family, sort, point at a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import floor, log, log10
from typing import NamedTuple

from IPython.display import HTML

from casestudies_lib.checks import one_of
from casestudies_lib.figures.svg import line, words
from casestudies_lib.page.html import tag, text


class Row(NamedTuple):
    """One network: what was counted and measured of it, and what its paper says.

    `sees` is in pixels, `time` relative to that of ResNet-18, `views` what of an image one prediction of
    the paper's averaged.
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


# What the horizontal axis can be, and the columns of the table.
PRICES = {"macs": "MACs", "parameters": "parameters", "time": "time, × ResNet-18", "depth": "layers with weights"}
COLUMNS = {"title": "network", "year": "year", "accuracy": "top-1 %", "parameters": "parameters", "macs": "MACs"}
COLUMNS |= {"depth": "layers", "sees": "sees", "time": "× time"}
FAMILY_COLOURS = ("#8c8c8c", "#e08214", "#54a24b", "#b279a2", "#4c78a8", "#c8372d", "#17a2a2")
LEFT, RIGHT, TOP, BOTTOM = 34, 352, 14, 236  # of the picture's frame
LEAST, MOST = 55, 86  # percent at its bottom and top

_DRAW = """
const box = this, rows = JSON.parse(box.dataset.rows), price = box.querySelector('select').value;
const chosen = new Set([...box.querySelectorAll('input:checked')].map(one => one.value));
const seen = rows.map(row => chosen.has(row.family));
const values = rows.map(row => row[price]), low = Math.min(...values) / 1.3, high = Math.max(...values) * 1.3;
const x = v => LEFT + (RIGHT - LEFT) * Math.log(v / low) / Math.log(high / low);
const y = v => BOTTOM - (BOTTOM - TOP) * (v - LEAST) / (MOST - LEAST);
const best = rows.map((row, i) => seen[i] && !rows.some((other, j) => seen[j]
  && other[price] <= row[price] && other.accuracy >= row.accuracy
  && (other[price] < row[price] || other.accuracy > row.accuracy)));
box.querySelectorAll('.dot').forEach((dot, i) => {
  dot.style.display = seen[i] ? '' : 'none';
  dot.setAttribute('cx', x(rows[i][price]).toFixed(1));
  dot.setAttribute('r', 5);
  dot.setAttribute('stroke-width', best[i] ? 2 : 0);
});
const front = rows.filter((row, i) => best[i]).sort((a, b) => a[price] - b[price]);
box.querySelector('.front').setAttribute('d', front.map((row, i) =>
  (i ? 'L' : 'M') + x(row[price]).toFixed(1) + ',' + y(row.accuracy).toFixed(1)).join(' '));
const first = Math.floor(Math.log10(low));
box.querySelectorAll('.tick').forEach((tick, i) => {
  const power = first + Math.floor(i / 3), digit = [1, 2, 5][i % 3], v = digit * 10 ** power;
  const inside = low < v && v < high;
  tick.style.display = inside ? '' : 'none';
  tick.setAttribute('x', inside ? x(v).toFixed(1) : 0);
  tick.textContent = !inside ? '' : power < 0 ? Number(v.toPrecision(1))
    : digit * 10 ** (power % 3) + ['', 'K', 'M', 'G'][Math.floor(power / 3)];
});
const label = box.querySelector('option:checked').textContent;
box.querySelector('.axis').textContent = label;
box.querySelector('svg').setAttribute('aria-label', ALT);
const [column, up] = JSON.parse(box.dataset.sort), body = box.querySelector('tbody');
const order = rows.map((row, i) => i).sort((i, j) => {
  const [a, b] = [rows[i][column], rows[j][column]], how = a < b ? -1 : a > b ? 1 : i - j;
  return up ? how : -how;
});
const lines = Object.fromEntries([...body.children].map(one => [one.dataset.at, one]));
order.forEach(i => { lines[i].hidden = !seen[i]; body.append(lines[i]); });
body.querySelectorAll('tr').forEach(line => line.style.background = '');
box.querySelectorAll('thead button').forEach(one => {
  const sorted = one.value == column;
  one.parentElement.setAttribute('aria-sort', sorted ? (up ? 'ascending' : 'descending') : 'none');
  one.lastElementChild.textContent = sorted ? (up ? ' ▲' : ' ▼') : '';
});
box.querySelector('output').textContent = front.length
  ? 'On the front: ' + front.map(row => row.title).join(', ') + '.' : 'No network is shown.';
"""
_SORT = """
const button = event.target.closest('thead button'), row = event.target.closest('[data-at]');
if (button) {
  const [column, up] = JSON.parse(this.dataset.sort);
  this.dataset.sort = JSON.stringify([button.value, button.value == column ? !up : button.value == 'title']);
  this.dispatchEvent(new Event('input'));
} else if (row) { POINT }
"""
_POINT = """
const at = row.dataset.at, all = JSON.parse(this.dataset.rows), dots = [...this.querySelectorAll('.dot')];
const place = ['cx', 'cy'].map(name => dots[at].getAttribute(name));
const near = all.filter((_, i) => dots[i].style.display != 'none' && (row.tagName == 'TR' ? i == at : Math.hypot(
  ...['cx', 'cy'].map((name, k) => dots[i].getAttribute(name) - place[k])) < 6));
dots.forEach(dot => dot.setAttribute('r', dot.dataset.at == at ? 8 : 5));
this.querySelectorAll('tbody tr').forEach(line => line.style.background = line.dataset.at == at ? '#4c78a840' : '');
this.querySelector('output').textContent = near.map(one => one.title + ', ' + one.year + ': ' + one.accuracy + '% ('
  + one.source + '; ' + one.views + '), ' + one.macs.toLocaleString('en-US') + ' MACs, '
  + one.parameters.toLocaleString('en-US') + ' parameters, ' + one.depth + ' layers, time × ' + one.time).join('. ');
"""


def front(rows: Sequence[Row], price: str) -> list[Row]:
    """The networks than which none is cheaper and at least as good, or better and at most as dear; cheapest first.

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


def compare(rows: Sequence[Row]) -> HTML:
    """A picture of accuracy against a price that the reader chooses, with its Pareto front, and a table that sorts.

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
    price = next(iter(PRICES))
    values = [getattr(row, price) for row in rows]
    low, high = min(values) / 1.3, max(values) * 1.3

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * log(value / low) / log(high / low)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - LEAST) / (MOST - LEAST)

    best = front(rows, price)
    path = " ".join(f"{'L' if i else 'M'}{x(getattr(r, price)):.1f},{y(r.accuracy):.1f}" for i, r in enumerate(best))
    parts = [line(f"M{LEFT},{TOP} V{BOTTOM} H{RIGHT}", width=0.8)]
    parts.append(tag("path", d=path, class_="front", fill="none", stroke="currentColor", **{"stroke-dasharray": "3 2"}))
    for percent in range(60, MOST, 10):
        parts.append(words(str(percent), LEFT - 5, y(percent) + 4, "end", small=True))
    parts.append(words("top-1 %", 2, 10, "start", small=True))
    for tick in range(15):
        power, digit = floor(log10(low)) + tick // 3, (1, 2, 5)[tick % 3]
        value = digit * 10**power
        inside = low < value < high
        label = f"{digit * 10 ** (power % 3)}{('', 'K', 'M', 'G')[power // 3]}" if inside else ""
        place = {"x": f"{x(value):.1f}" if inside else 0, "y": BOTTOM + 14, "text-anchor": "middle", "font-size": 10}
        parts.append(tag("text", label, class_="tick", **place, style="" if inside else "display:none"))
    place = {"x": (LEFT + RIGHT) / 2, "y": BOTTOM + 30, "text-anchor": "middle", "font-size": 10}
    parts.append(tag("text", PRICES[price], class_="axis", **place))
    colour = dict(zip(families, FAMILY_COLOURS))
    for at, row in enumerate(rows):
        about = {"cx": f"{x(getattr(row, price)):.1f}", "cy": f"{y(row.accuracy):.1f}", "r": 5, "data-at": at}
        look = {"fill": colour[row.family], "stroke": "currentColor", "stroke-width": 2 if row in best else 0}
        parts.append(tag("circle", tag("title", text(row.title)), class_="dot", **about, **look))
    box = {"viewBox": f"0 0 360 {BOTTOM + 36}", "fill": "currentColor", "font-size": 13, "role": "img"}
    alt = f"{len(rows)} networks by accuracy and "
    more = "; the table below has the same numbers."
    svg = tag("svg", *parts, **box, aria_label=alt + PRICES[price] + more, style="width:100%")
    options = [tag("option", text(label), value=name) for name, label in PRICES.items()]
    chooser = tag("label", "pay with ", tag("select", *options), style="display:block")
    checks = [
        tag(
            "label",
            tag("input", type="checkbox", value=family, checked="checked"),
            tag("span", "⬤ ", aria_hidden="true", style=f"color:{colour[family]}"),
            text(family),
            style="margin-right:.8em;white-space:nowrap",
        )
        for family in families
    ]
    plain = "background:none;border:0;padding:0;font:inherit;font-weight:bold;color:inherit;cursor:pointer"
    head = [
        tag(
            "th",
            tag(
                "button",
                text(label),
                tag("span", " ▲" if name == "year" else "", aria_hidden="true"),
                value=name,
                type="button",
                style=plain,
            ),
            scope="col",
            aria_sort="none" if name != "year" else "ascending",
            style=f"text-align:{'left' if name == 'title' else 'right'}",
        )
        for name, label in COLUMNS.items()
    ]
    pad = "padding:.1em .4em"
    order = sorted(range(len(rows)), key=lambda at: (rows[at].year, at))
    lines = [
        tag(
            "tr",
            tag(
                "th",
                tag("button", text(rows[at].title), type="button", style=plain),
                scope="row",
                style=f"text-align:left;white-space:nowrap;{pad}",
            ),
            *(tag("td", _written(rows[at], name), style=f"text-align:right;{pad}") for name in list(COLUMNS)[1:]),
            data_at=at,
        )
        for at in order
    ]
    grid = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *lines), style="width:100%;font-size:.8em")
    wrapped = tag(
        "div", grid, style="overflow-x:auto", tabindex=0, role="region", aria_label="All networks; heads sort the table"
    )
    said = f"On the front: {', '.join(row.title for row in best)}."
    output = tag("output", said, style="display:block;min-height:6em;margin:.5em 0;font-size:.9em;text-align:left")
    draw = _DRAW
    for name, value in (("LEFT", LEFT), ("RIGHT", RIGHT), ("TOP", TOP), ("BOTTOM", BOTTOM), ("LEAST", LEAST)):
        draw = draw.replace(name, str(value))
    draw = draw.replace("MOST", str(MOST)).replace("ALT", f"'{alt}' + label + '{more}'")
    point = f"const row = event.target.closest('.dot'); if (row) {{ {_POINT} }}"
    return HTML(
        tag(
            "div",
            chooser,
            svg,
            tag("div", *checks, style="font-size:.9em"),
            output,
            wrapped,
            class_="drawing explorer",
            oninput=draw,
            onclick=_SORT.replace("POINT", _POINT),
            onpointerover=point,
            data_rows=json.dumps([row._asdict() for row in rows]),
            data_sort=json.dumps(["year", True]),
            style="max-width:34em;margin:auto",
        )
    )


def _written(row: Row, column: str) -> str:
    value = getattr(row, column)
    if column in ("parameters", "macs"):
        return f"{value / 1e6:,.1f}M" if value < 1e9 else f"{value / 1e9:,.2f}G"
    return f"{value:.2f}" if column == "time" else f"{value}"
