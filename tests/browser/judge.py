"""What an explorer shows, held against the library: for functions called in Chromium and for boxes of built pages."""

from __future__ import annotations

import re

import pytest

from casestudies_lib.explorers import Conv
from casestudies_lib.explorers.cost import counted
from casestudies_lib.explorers.scaling import combined
from casestudies_lib.explorers.scaling import counted as scaled


def said(changes: dict) -> dict:
    """Counts, words and bars that a function wants an explorer to show."""
    return {
        "counts": [change["text"] for change in changes[".counts"]],
        "words": changes["output"][0]["text"],
        "bars": [float(change["style"]["width"].removesuffix("%")) for change in changes[".bar"]],
    }


def cost(given: dict, at: dict[str, int], shown: dict) -> None:
    """Counts of real convolutions taken apart by the library, their ratio, the break-even, and bars as long."""
    ways = [[Conv(**conv) for conv in chain] for _, chain in given["ways"]]
    found = [counted(way, at) for way in ways]
    assert shown["counts"] == [f"{macs:,} MACs, {parameters:,} parameters" for macs, parameters in found], at
    words = shown["words"]
    ratio = found[0][0] / found[1][0]
    if times := re.search(r"([\d.]+) times (more|fewer) MACs", words):
        assert float(times.group(1)) == pytest.approx(max(ratio, 1 / ratio), abs=0.0501), at
        assert (times.group(2) == "fewer") == (ratio > 1), at
    else:
        assert max(ratio, 1 / ratio) < 1.05 and ("about as many" in words) == (ratio != 1), at
    if best := re.search(r"pays with up to ([\d,]+)", words):
        widths = [int(best.group(1).replace(",", "")) + more for more in (0, 1)]
        saved = [counted(ways[1], at | {given["even"]: width})[0] < found[0][0] for width in widths]
        assert saved == [True, False], at
    elif "even" in given:
        assert "It never pays" in words and counted(ways[1], at | {given["even"]: 1})[0] >= found[0][0], at
    else:
        assert "pays" not in words, at
    most = max(macs for macs, _ in found)
    assert shown["bars"] == pytest.approx([100 * macs / most for macs, _ in found], rel=1e-3), at


def scaling(given: dict, at: dict[str, float], shown: dict) -> None:
    """Counts of a network built with these multipliers and taken apart, the words about them, and bars as long."""
    made = combined(**at)
    wanted = scaled(**made)
    assert shown["counts"] == [f"{count:,}" for count in wanted], at
    bars = [100 * min(1, count / most) for count, most in zip(wanted, given["most"], strict=True)]
    assert shown["bars"] == pytest.approx(bars, rel=1e-3), at
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", shown["words"])]
    smooth = made["depth_mult"] * made["width_mult"] ** 2 * (made["resolution"] / 224) ** 2
    assert numbers == pytest.approx([wanted[-1] / 385_814_752, smooth, 2 ** at["phi"]], abs=0.0051), at
