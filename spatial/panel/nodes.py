"""The parts of a condition on rows, as they are read: values, comparisons, and what joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "DEEPEST",
    "Aggregate",
    "Arithmetic",
    "Column",
    "Comparison",
    "Constant",
    "Function",
    "Junction",
    "Membership",
    "Negation",
    "Node",
    "Presence",
    "Truth",
    "depth",
]

DEEPEST = 200  # nodes below each other that a text may have: what reads them calls itself


@dataclass(frozen=True)
class Constant:
    """A number, a text, true or false."""

    value: float | str | bool


@dataclass(frozen=True)
class Column:
    """A column, or ``unit`` or ``time``."""

    name: str


@dataclass(frozen=True)
class Arithmetic:
    """Two values and one of ``+ - * /``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Function:
    """One of `FUNCTIONS` of a value."""

    name: str
    argument: Node


@dataclass(frozen=True)
class Aggregate:
    """The mean, the median or a quantile of a value over the rows of the same time."""

    name: str
    argument: Node
    share: float


@dataclass(frozen=True)
class Comparison:
    """A chain, as ``2000 <= time < 2010``: one relation less than values."""

    relations: tuple[str, ...]
    values: tuple[Node, ...]


@dataclass(frozen=True)
class Membership:
    """A value among constants."""

    value: Node
    items: tuple[Constant, ...]


@dataclass(frozen=True)
class Presence:
    """Whether a value is missing."""

    value: Node


@dataclass(frozen=True)
class Truth:
    """A column of true and false as a condition by itself."""

    value: Node


@dataclass(frozen=True)
class Negation:
    """``not``."""

    operand: Node


@dataclass(frozen=True)
class Junction:
    """``and`` or ``or``."""

    operator: str
    left: Node
    right: Node


Node = (
    Constant
    | Column
    | Arithmetic
    | Function
    | Aggregate
    | Comparison
    | Membership
    | Presence
    | Truth
    | Negation
    | Junction
)


def depth(node: Any) -> int:
    """Return how many nodes of any tree of frozen values stand below each other, at most; without recursion.

    Examples
    --------
    >>> depth(Arithmetic("+", Column("x"), Constant(1.0)))
    2
    """
    deepest, left = 0, [(node, 1)]
    while left:
        part, level = left.pop()
        if isinstance(part, tuple):
            left += [(inner, level) for inner in part]
        elif hasattr(part, "__dataclass_fields__"):
            deepest = max(deepest, level)
            left += [(inner, level + 1) for inner in vars(part).values()]
    return deepest
