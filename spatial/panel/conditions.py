"""Conditions on rows: ``level != 'capital' and year >= 2010``.  Nothing in one is ever run as Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from spatial.errors import FormulaError

from .nodes import (
    DEEPEST,
    Aggregate,
    Arithmetic,
    Column,
    Comparison,
    Constant,
    Function,
    Junction,
    Membership,
    Negation,
    Node,
    Presence,
    Truth,
    depth,
)

__all__ = ["AGGREGATES", "FUNCTIONS", "Condition", "parse_condition"]

FUNCTIONS = ("abs", "exp", "log", "sqrt")
AGGREGATES = ("mean", "median", "quantile")
_RELATIONS = ("==", "!=", "<", "<=", ">", ">=")
_WORDS = frozenset(("and", "or", "not", "in", "is", "missing", "true", "false"))
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<quoted>`[^`]+`)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<operator>==|!=|<=|>=|[-+*/(),<>])"
)
_ADVICE = {
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not', or '!=' for unequal",
    "=": "write '==' for equal",
    ".": "attributes are not part of a condition; put a name that holds a dot in backticks",
    "[": "brackets are ( )",
    "~": "write 'not'",
    "'": "a text is not closed",
    '"': "a text is not closed",
    "`": "a backtick is not closed",
}


@dataclass(frozen=True)
class Condition:
    """A condition, read.

    Parameters
    ----------
    text : str
        As written.
    node : node
    """

    text: str
    node: Node

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order, ``unit`` and ``time`` among them.

        Examples
        --------
        >>> parse_condition("level != 'capital' and time >= 2010").columns
        ('level', 'time')
        """
        return tuple(dict.fromkeys(_columns(self.node)))


def _columns(node: Node) -> list[str]:
    if isinstance(node, Column):
        return [node.name]
    parts: list[Any] = []
    for value in vars(node).values():
        parts += value if isinstance(value, tuple) else [value]
    return [name for part in parts if hasattr(part, "__dataclass_fields__") for name in _columns(part)]


def parse_condition(text: str) -> Condition:
    """Read a condition on rows.

    Parameters
    ----------
    text : str
        Comparisons (``== != < <= > >=``, also in chains), ``in ('a', 'b')``, ``is missing``, columns of true
        and false, joined by ``and``, ``or``, ``not``.  Values are columns (with other characters in
        backticks), ``unit``, ``time``, numbers, texts in quotes, ``+ - * /``, ``log exp sqrt abs``, and
        ``mean(x)``, ``median(x)``, ``quantile(x, .25)`` over the rows of the same time.

    Raises
    ------
    FormulaError
        For anything else, with the place.

    Examples
    --------
    >>> parse_condition("region in ('east', 'west') and not x > mean(x)").columns
    ('region', 'x')
    """
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(f"A condition is a text such as \"level != 'capital'\"; got {text!r}.")
    with suppress(RecursionError):
        node = _Reader(text).whole()
        if depth(node) <= DEEPEST:
            return Condition(text, node)
    raise FormulaError(f"{text[:40]!r}... is nested too deeply, or too long.")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            _fail(text, place, _ADVICE.get(text[place], "nothing of a condition is written so"))
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match.group(), place))
        place = match.end()
    return found


class _ReadingError(FormulaError):
    """A refusal that knows its place, so that of two readings the one that came further is told."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


def _fail(text: str, place: int, why: str) -> NoReturn:
    rest = text[place:].split()
    where = f"stops at {rest[0]!r}" if rest else "ends too early"
    raise _ReadingError(f"{text!r} {where}: {why}.", place)


class _Reader:
    """One pass over the tokens; a bracket is read as a condition, and as a value where that fails."""

    def __init__(self, text: str) -> None:
        self.text, self.found, self.place = text, _tokens(text), 0

    # ---- tokens
    def peek(self) -> _Token | None:
        return self.found[self.place] if self.place < len(self.found) else None

    def fail(self, why: str, back: int = 0) -> NoReturn:
        place = self.place - back
        _fail(self.text, self.found[place].start if place < len(self.found) else len(self.text), why)

    def take(self, *allowed: str) -> str | None:
        token = self.peek()
        if token is None or token.kind in ("text", "quoted") or token.text not in allowed:
            return None
        self.place += 1
        return token.text

    def need(self, mark: str) -> None:
        if self.take(mark) is None:
            self.fail(f"{mark!r} is needed")

    # ---- conditions
    def whole(self) -> Node:
        node = self.either()
        if self.peek() is not None:
            self.fail("'and' or 'or' is needed before it")
        return node

    def either(self) -> Node:
        node = self.both()
        while self.take("or"):
            node = Junction("or", node, self.both())
        return node

    def both(self) -> Node:
        node = self.each()
        while self.take("and"):
            node = Junction("and", node, self.each())
        return node

    def each(self) -> Node:
        if self.take("not"):
            return Negation(self.each())
        mark, first = self.place, None
        if self.take("("):
            try:
                node = self.either()
                self.need(")")
                following = self.peek()
                if following is None or following.text not in (*_RELATIONS, *"+-*/", "in", "is"):
                    return node
            except _ReadingError as failure:
                first = failure
            self.place = mark
        try:
            return self.plain()
        except _ReadingError as second:
            raise (first if first is not None and first.place >= second.place else second) from None

    def plain(self) -> Node:
        start = self.place
        value = self.value()
        if self.take("is"):
            negated = self.take("not") is not None
            self.need("missing")
            return Negation(Presence(value)) if negated else Presence(value)
        negated = self.take("not") is not None
        following = self.peek()
        if negated or (following is not None and following.text == "in" and following.kind == "name"):
            self.need("in")
            return Negation(self.membership(value)) if negated else self.membership(value)
        relations, values = [], [value]
        while (relation := self.take(*_RELATIONS)) is not None:
            relations.append(relation)
            values.append(self.value())
        if relations:
            return Comparison(tuple(relations), tuple(values))
        if isinstance(value, (Column, Constant)) and not isinstance(
            getattr(value, "value", True), (float, str)
        ):
            return Truth(value)
        return self.fail("a condition is needed, as x > 0", self.place - start)

    def membership(self, value: Node) -> Membership:
        if self.take("(") is None:
            self.fail("a list in brackets is needed, as in ('a', 'b')")
        items = [self.constant()]
        while self.take(","):
            following = self.peek()
            if following is not None and following.text == ")":
                break
            items.append(self.constant())
        self.need(")")
        return Membership(value, tuple(items))

    # ---- values
    def constant(self) -> Constant:
        sign = -1.0 if self.take("-") else 1.0
        token = self.peek()
        if token is not None and token.kind == "number":
            self.place += 1
            return Constant(sign * float(token.text))
        if token is not None and sign > 0 and token.kind == "text":
            self.place += 1
            return Constant(token.text[1:-1])
        if sign > 0 and (found := self.take("true", "false")):
            return Constant(found == "true")
        return self.fail("a number or a text in quotes is needed")

    def value(self) -> Node:
        node = self.term()
        while operator := self.take("+", "-"):
            node = Arithmetic(operator, node, self.term())
        return node

    def term(self) -> Node:
        node = self.factor()
        while operator := self.take("*", "/"):
            node = Arithmetic(operator, node, self.factor())
        return node

    def factor(self) -> Node:
        if self.take("("):
            node = self.value()
            self.need(")")
            return node
        if self.take("-"):
            return Arithmetic("-", Constant(0.0), self.factor())
        token = self.peek()
        if token is None:
            self.fail("a column, a number or a text is needed")
        if token.kind in ("number", "text") or token.text in ("true", "false"):
            return self.constant()
        if token.kind not in ("name", "quoted") or (token.kind == "name" and token.text in _WORDS):
            self.fail("a column, a number or a text is needed")
        self.place += 1
        following = self.peek()
        if token.kind == "name" and following is not None and following.text == "(":
            return self.call(token.text)
        return Column(token.text.strip("`"))

    def call(self, name: str) -> Node:
        if name not in (*FUNCTIONS, *AGGREGATES):
            known: Sequence[str] = (*FUNCTIONS, *AGGREGATES)
            self.fail(f"there is no function {name!r}; there are {', '.join(known)}", 1)
        self.need("(")
        argument = self.value()
        share = 0.5
        if name == "quantile":
            self.need(",")
            given = self.constant().value
            if isinstance(given, (bool, str)) or not 0 <= given <= 1:
                self.fail("the share of a quantile is a number from 0 to 1", 1)
            share = given
        self.need(")")
        return Function(name, argument) if name in FUNCTIONS else Aggregate(name, argument, share)
