"""A slider over depth: how do a plain and a residual network of that depth train?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from IPython.display import HTML

from casestudies_lib.explorers.explorer import explorer_of_rows
from casestudies_lib.page.html import tag
from casestudies_lib.page.palette import PLAIN_COLOURS

_WIDTH, _HEIGHT, _LEFT = 300, 150, 34
_LOOK: dict[str, dict[str, Any]] = {kind: {"stroke": colour} for kind, colour in PLAIN_COLOURS.items()}
_LOOK["plain"]["stroke-dasharray"] = "5 3"


def depth_slider(results: Iterable[dict], *, start: int) -> HTML:
    """Recorded training errors of the plain and residual networks of one depth; a slider over depths.

    Lines are the running errors of each epoch, counted while the weights change; dots, and the words below, the errors
    of the trained networks.

    Args:
        results: lines of the degradation experiment, all of the same setting.
        start: the depth that the slider stands on at first.

    Raises:
        ValueError: no results, or none of that depth.
    """
    results = list(results)
    depths = sorted({result["run"]["depth"] for result in results})
    if start not in depths:
        raise ValueError(f"expected start to be a recorded depth, one of {depths}, got {start}: choose one of them")
    seeds = max(sum(_is(result, kind, depth) for result in results) for kind in _LOOK for depth in depths)
    rows: list[dict[str, Any]] = []
    for depth in depths:
        curves, dots, words = [], [], []
        for kind in _LOOK:
            of_kind = [result for result in results if _is(result, kind, depth)]
            missing = [""] * (seeds - len(of_kind))
            ends = [result["training_error"] for result in of_kind]
            curves += [_path(result["curve"]) for result in of_kind] + missing
            dots += [f"M{_LEFT + _WIDTH + 7},{_y(end):.1f} h.01" for end in ends] + missing
            words.append(f"{kind} {_percent(min(ends))} to {_percent(max(ends))}" if ends else f"{kind} not recorded")
        text = f"{depth} layers, training error after the last epoch: {', '.join(words)}"
        drawn = {"path.curve": curves, "path.dot": dots}
        rows.append({"text": text} | {path: [{"d": d} for d in each] for path, each in drawn.items()})
    at = depths.index(start)
    epochs = max(len(result["curve"]) for result in results)
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _y(share)
        line: dict[str, Any] = {"stroke": "currentColor", "stroke-width": 0.4, "stroke-opacity": 0.6}
        parts.append(tag("path", d=f"M{_LEFT},{y} h{_WIDTH}", **line))
        parts.append(tag("text", f"{share:.0%}", x=_LEFT - 4, y=y + 3.5, **{"text-anchor": "end"}))
    for number, kind in enumerate(kind for kind in _LOOK for _ in range(seeds)):
        look = {"fill": "none", "stroke-width": 1.8, **_LOOK[kind]}
        parts.append(tag("path", **rows[at]["path.curve"][number], class_="curve", **look))
        # As a style: matplotlib's drawings bring one for every line of the page, which an attribute would not overrule.
        dot = {"stroke": look["stroke"], "stroke-width": 6, "style": "stroke-linecap:round"}
        parts.append(tag("path", **rows[at]["path.dot"][number], class_="dot", **dot))
    step = _WIDTH / max(epochs - 1, 1)
    for epoch in sorted({1, *range(5, epochs + 1, 5), epochs}):
        at_x = f"{_LEFT + (epoch - 1) * step:.1f}"
        parts.append(tag("path", d=f"M{at_x},{_y(0)} v4", stroke="currentColor", **{"stroke-width": 0.6}))
        parts.append(tag("text", epoch, x=at_x, y=_HEIGHT + 22, **{"text-anchor": "middle"}))
    parts.append(tag("text", "epoch", x=_LEFT + _WIDTH / 2, y=_HEIGHT + 37, **{"text-anchor": "middle"}))
    parts.append(tag("text", "training error", x=_LEFT + 4, y=_y(1) + 11))
    for place, (kind, look) in enumerate(_LOOK.items()):
        x = _LEFT + 170 + 66 * place
        parts.append(tag("path", d=f"M{x},{_y(1) + 8} h16", **{"stroke-width": 1.8}, **look))
        parts.append(tag("text", kind, x=x + 19, y=_y(1) + 11))
    alt = f"Training error against epochs for plain and residual networks of {depths[0]} to {depths[-1]} layers."
    box = {"viewBox": f"0 0 {_LEFT + _WIDTH + 14} {_HEIGHT + 42}", "fill": "currentColor", "font-size": 10}
    svg = tag("svg", *parts, **box, role="img", aria_label=alt)
    return explorer_of_rows(svg, rows, start=at, label="layers", marks=depths)


def _is(result: dict, kind: str, depth: int) -> bool:
    return result["run"]["kind"] == kind and result["run"]["depth"] == depth


def _path(curve: list[float]) -> str:
    step = _WIDTH / max(len(curve) - 1, 1)
    return "M" + " L".join(f"{_LEFT + i * step:.1f},{_y(value):.1f}" for i, value in enumerate(curve))


def _y(share: float) -> float:
    return 8 + _HEIGHT * (1 - share)


def _percent(share: float) -> str:
    return f"{share:.1%}"
