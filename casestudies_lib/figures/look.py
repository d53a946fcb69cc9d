"""How an operation looks: its colour, by its family, and its label."""

from __future__ import annotations

from casestudies_lib.measure.graph import Node
from casestudies_lib.measure.op import Family, Op
from casestudies_lib.page.palette import COLOURS

_SAME_AS = {Family.BLOCK: Family.CONV, Family.ADAPTIVE_POOL: Family.POOL}  # families that share a colour
_WORDS = {
    "BatchNorm2d": "batch norm",
    "Dropout": "dropout",
    "ScaledTanh": "scaled tanh",
    "Tanh": "tanh",
    "ZeroPadding": "zero padding",
}  # an operation's name -> what a label says instead


def colour_of(op: Op) -> str:
    """The colour of an operation's family; grey where it has none."""
    return COLOURS.get(_SAME_AS.get(op.family, op.family), COLOURS["input"])


def label(op: Op, channels: int | None = None) -> str:
    """`3×3 conv, 64, /2`, as the ResNet paper writes it; without `channels`, only the operation."""
    if op.family is Family.FULLY_CONNECTED and channels:
        return f"fc {channels}"
    if op.is_global_pool:
        return "average pool"
    parts = [f"{op.window} {op.title}" if op.window else _WORDS.get(op.name, op.name)]
    if op.family is Family.CONV and channels:
        parts.append(f"{channels}")
    if op.stride > 1:
        parts.append(f"/{op.stride}")
    if op.groups > 1 and not op.depthwise:
        parts.append(f"{op.groups} groups")
    return ", ".join(parts)


def label_of(node: Node) -> str:
    """The label of a step, with the channels that it makes."""
    return label(node.op, node.shape[0])


def has_box(node: Node) -> bool:
    """Whether a step has a box of its own where normalisation and activation have none: layers with weights, pools."""
    return node.op.family in (Family.CONV, Family.POOL, Family.FULLY_CONNECTED)
