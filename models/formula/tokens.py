"""Read the text of a formula into a small tree: names, numbers, operators and calls, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from spatial.errors import FormulaError, warn
from spatial.panel.nodes import DEEPEST, depth

__all__ = [
    "Binary",
    "Call",
    "Level",
    "Name",
    "Node",
    "Number",
    "Unary",
    "canonical",
    "check_depth",
    "factors",
    "fail",
    "parse_expression",
    "readable",
    "say_repeated",
    "tokens",
    "walk",
]

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<quoted>`[^`]*`)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<operator>\*\*|>=|<=|==|!=|[-+*/^:(),~|<>])"
)
_POWER = 50
_BINDING = {
    **dict.fromkeys((">=", "<=", "==", "!=", "<", ">"), 5),
    "+": 10,
    "-": 10,
    "*": 20,
    "/": 20,
    ":": 30,
    "**": _POWER,
    "^": _POWER,
}
_SIGN = 40
_DEEP = "This formula is nested too deeply, or too long."
_SHOWN = 400  # characters of a formula in a message


@dataclass(frozen=True)
class Number:
    """A literal number."""

    value: float
    start: int
    end: int


@dataclass(frozen=True)
class Name:
    """A column."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Call:
    """A named function, or named weights, with its arguments."""

    function: str
    arguments: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Unary:
    """A sign."""

    operator: str
    operand: Node
    start: int
    end: int


@dataclass(frozen=True)
class Binary:
    """Two operands and an operator."""

    operator: str
    left: Node
    right: Node
    start: int
    end: int


@dataclass(frozen=True)
class Level:
    """One level of a category, as 0 and 1; only made from ``C(column)`` when the data are known."""

    column: str
    level: object
    label: str
    start: int
    end: int


Node = Number | Name | Call | Unary | Binary | Level


@dataclass(frozen=True)
class Token:
    """A piece of text, with its place."""

    kind: str
    text: str
    start: int
    end: int


def fail(text: str, start: int, end: int, message: str) -> NoReturn:
    """Raise a FormulaError that points at ``text[start:end]``."""
    if len(text) > _SHOWN:
        first = max(0, min(start, len(text) - _SHOWN))
        text, start = f"... {text[first : first + _SHOWN]} ...", start - first + 4
        end = min(max(end - first + 4, start + 1), len(text))
    mark = " " * start + "^" * max(1, end - start)
    raise FormulaError(f"{message}\n    {text}\n    {mark}")


@contextmanager
def readable(text: str) -> Iterator[None]:
    """Refuse a text whose reading calls itself too often."""
    try:
        yield
    except RecursionError:
        fail(text, 0, 1, _DEEP)


def check_depth(text: str, product: tuple[Node, ...]) -> None:
    """Refuse a term whose parts are nested deeper than what evaluates them can follow."""
    for factor in product:
        if depth(factor) > DEEPEST:
            fail(text, factor.start, factor.start + 1, _DEEP)


def tokens(text: str) -> list[Token]:
    """Split `text`; refuse characters that no formula has."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            _refuse_character(text, position)
        kind = str(match.lastgroup)
        if kind != "space":
            found.append(Token(kind, match.group(), position, match.end()))
        position = match.end()
    return found


def _refuse_character(text: str, position: int) -> NoReturn:
    advice = {
        '"': "Text is not allowed in a formula.",
        "'": "Text is not allowed in a formula.",
        ".": "Attributes are not part of a formula: Stata's l.x is lag(x, 1), i.x is C(x); a column name "
        "that holds a dot stands in backticks: `a.b`.",
        "[": "Subscripts are not part of a formula.",
        "`": "A backtick is not closed.",
        "=": "A single '=' is not part of a formula; the two sides are parted by '~'.",
    }.get(text[position], "A formula holds columns, numbers, operators and named functions.")
    fail(text, position, position + 1, f"Cannot read {text[position]!r} in this formula. {advice}")


class _Reader:
    """One pass of precedence climbing over the tokens between two places."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self.text, self.found, self.place = text, found, 0

    def peek(self) -> Token | None:
        return self.found[self.place] if self.place < len(self.found) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            end = self.found[-1].end if self.found else len(self.text)
            fail(self.text, end, end + 1, "The formula ends where a column, a number or ')' is needed.")
        self.place += 1
        return token

    def expression(self, floor: int = 0) -> Node:
        left = self.operand()
        while (token := self.peek()) is not None and _BINDING.get(token.text, -1) >= max(floor, 0):
            if token.kind != "operator":
                break
            self.take()
            binding = _BINDING[token.text]
            # ** is right-associative: its right side may hold another **.
            right = self.expression(binding if binding == _POWER else binding + 1)
            left = Binary(token.text, left, right, left.start, right.end)
        return left

    def operand(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Number(float(token.text), token.start, token.end)
        if token.kind == "quoted":
            return Name(token.text[1:-1], token.start, token.end)
        if token.kind == "name":
            following = self.peek()
            if following is not None and following.text == "(" and following.kind == "operator":
                return self.call(token)
            return Name(token.text, token.start, token.end)
        if token.text == "(":
            inner = self.expression()
            self.close(token)
            return inner
        if token.text in "+-":
            operand = self.expression(_SIGN)
            return Unary(token.text, operand, token.start, operand.end)
        return fail(
            self.text, token.start, token.end, f"A column or a number is needed before {token.text!r}."
        )

    def call(self, name: Token) -> Call:
        opening = self.take()
        arguments: list[Node] = []
        while (token := self.peek()) is not None and token.text != ")":
            arguments.append(self.expression())
            after = self.peek()
            if after is not None and after.text == ",":
                self.take()
            else:
                break
        closing = self.close(opening)
        if not arguments:
            fail(self.text, name.start, closing.end, f"{name.text}() needs an argument.")
        return Call(name.text, tuple(arguments), name.start, closing.end)

    def close(self, opening: Token) -> Token:
        token = self.peek()
        if token is None or token.text != ")":
            if token is not None:
                self.unexpected(token)
            fail(self.text, opening.start, opening.end, "This '(' is not closed.")
        return self.take()

    def unexpected(self, token: Token) -> NoReturn:
        if token.text in "~|":
            fail(self.text, token.start, token.end, f"{token.text!r} is not expected here.")
        fail(self.text, token.start, token.end, f"An operator, such as '+', is needed before {token.text!r}.")


def parse_expression(text: str, found: list[Token]) -> Node:
    """Read all of `found` as one expression; places refer to `text`."""
    reader = _Reader(text, found)
    node = reader.expression()
    rest = reader.peek()
    if rest is not None:
        reader.unexpected(rest)
    return node


def say_repeated(expression: Node) -> None:
    """Warn of summands that stand twice, which count once; `x * z` holds `x` on purpose."""
    kept: set[str] = set()
    twice: set[str] = set()
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Binary) and node.operator == "+":
            waiting += [node.left, node.right]
            continue
        (twice if canonical(node) in kept else kept).add(canonical(node))
    if twice:
        said = ", ".join(sorted(twice))
        warn(f"Written twice in a formula, used once: {said}.")


def canonical(node: Node) -> str:
    """Write `node` in one spelling: ``log( x )`` and ``log(x)`` are the same variable.

    Examples
    --------
    >>> text = "z:log( x )"
    >>> canonical(parse_expression(text, tokens(text)))
    'log(x):z'
    """
    match node:
        case Number(value=value):
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case Level(label=label):
            return label
        case Name(name=name):
            return name if _plain_name(name) else f"`{name}`"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(canonical, arguments))})"
        case Unary(operator=operator, operand=operand):
            return f"{operator}{_inside(operand)}"
        case Binary(operator=":"):
            return ":".join(sorted(canonical(f) for f in factors(node)))
        case Binary(operator=operator, left=left, right=right):
            return f"{_inside(left)} {operator} {_inside(right)}"
    raise TypeError(f"not a node: {node!r}")


def _plain_name(name: str) -> bool:
    match = _TOKEN.fullmatch(name)
    return match is not None and match.lastgroup == "name"


def _inside(node: Node) -> str:
    return f"({canonical(node)})" if isinstance(node, (Binary, Unary)) else canonical(node)


def factors(node: Node) -> list[Node]:
    """Return the factors of a product written with ``:``."""
    if isinstance(node, Binary) and node.operator == ":":
        return [*factors(node.left), *factors(node.right)]
    return [node]


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and all nodes below it."""
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)
    elif isinstance(node, Unary):
        yield from walk(node.operand)
    elif isinstance(node, Binary):
        yield from walk(node.left)
        yield from walk(node.right)
