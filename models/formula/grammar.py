"""Formulas: what may be written, and what it means.  Nothing in a formula is ever run as Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spatial.errors import FormulaError, did_you_mean, hinted

from .tokens import (
    Binary,
    Call,
    Name,
    Node,
    Number,
    Token,
    Unary,
    canonical,
    check_depth,
    fail,
    parse_expression,
    readable,
    say_repeated,
    walk,
)
from .tokens import tokens as read_tokens

__all__ = ["FUNCTIONS", "Formula", "ParsedTerm", "multiply", "parse_effects", "parse_formula", "parse_terms"]

FUNCTIONS = ("abs", "exp", "log", "log10", "log1p", "log2", "sqrt")
"""Functions of one column, each as in numpy."""

_SPECIAL = ("C", "I", "lag")
_ELSEWHERE = {"ln": "log", "l": "lag", "L": "lag", "i": "C", "factor": "C"}  # of Stata, fixest and R


@dataclass(frozen=True)
class ParsedTerm:
    """One term of a formula before it meets data.

    Parameters
    ----------
    name : str
        As written.
    factors : tuple of node
        Factors of the product, as written; one unless the term is an interaction.
    start, end : int
        Its place in the text.
    """

    name: str
    factors: tuple[Node, ...]
    start: int
    end: int

    @property
    def key(self) -> str:
        """Canonical spelling: equal for ``x:z`` and ``z : x``."""
        return ":".join(sorted(canonical(f) for f in self.factors))


@dataclass(frozen=True)
class Formula:
    """A formula, taken apart.

    Parameters
    ----------
    text : str
        As given.
    outcome : ParsedTerm
        The left-hand side.
    terms : tuple of ParsedTerm
        The regressors, in order, without the constant.
    intercept : bool
        False after ``- 1`` or ``+ 0``.
    effects : tuple of tuple of str, or None
        From ``| unit + region:time``; None where the formula has no such part.
    endogenous, instruments : tuple of ParsedTerm
        From ``| endog ~ instruments``.
    """

    text: str
    outcome: ParsedTerm
    terms: tuple[ParsedTerm, ...]
    intercept: bool
    effects: tuple[tuple[str, ...], ...] | None = None
    endogenous: tuple[ParsedTerm, ...] = ()
    instruments: tuple[ParsedTerm, ...] = ()


@hinted
def parse_formula(text: str, weights: Sequence[str] = ()) -> Formula:
    """Read ``"y ~ x + W(y) | unit + time | endog ~ instruments"``.

    Parameters
    ----------
    text : str
        ``outcome ~ terms``, then optionally the effects, then optionally ``endog ~ instruments``.  Terms
        are parted by ``+``; ``x:z`` is a product and ``x * z`` is ``x + z + x:z``; ``- 1`` leaves the
        constant out.  Inside ``I( )`` and the functions, operators are arithmetic.
    weights : sequence of str
        Names that are spatial lags when called: ``W(x)``; ``W(x1 + x2)`` is ``W(x1) + W(x2)``.
        ``lag(x, 1)`` is the value of the same unit one time earlier; times must be evenly spaced.

    Raises
    ------
    FormulaError
        For anything else; the message points at the place.

    Examples
    --------
    >>> formula = parse_formula("crmrte ~ W(crmrte + polpc) + log(density) | unit + time", ["W"])
    >>> [term.name for term in formula.terms], formula.effects
    (['W(crmrte)', 'W(polpc)', 'log(density)'], (('unit',), ('time',)))
    """
    if not isinstance(text, str):
        fail(str(text), 0, 1, f"A formula is a text such as 'y ~ x + W(y)'; got {type(text).__name__}.")
    with readable(text):
        return _parse(text, tuple(weights))


def _parse(text: str, weights: tuple[str, ...]) -> Formula:
    parts = _split(read_tokens(text), "|")
    sides = _split(parts[0], "~")
    if len(sides) != 2 or not sides[0]:
        fail(text, 0, len(text), "A formula has one outcome, '~' and its terms, as in 'y ~ x + W(y)'.")
    reader = _TermReader(text, weights)
    outcome = reader.outcome(sides[0])
    terms, intercept = reader.read(sides[1])
    effects, endogenous, instruments = _further_parts(reader, parts[1:])
    known = {t.key for t in terms}
    terms = (*terms, *(t for t in endogenous if t.key not in known))
    return Formula(text, outcome, terms, intercept, effects, endogenous, instruments)


def parse_terms(text: str, weights: Sequence[str] = ()) -> tuple[ParsedTerm, ...]:
    """Read a right-hand side alone, as for extra instruments: ``"z1 + log(z2)"``."""
    with readable(text):
        return _TermReader(text, tuple(weights)).read(read_tokens(text))[0]


def _split(found: list[Token], mark: str) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in found:
        if token.kind == "operator" and token.text == mark:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _further_parts(
    reader: _TermReader, parts: list[list[Token]]
) -> tuple[tuple[tuple[str, ...], ...] | None, tuple[ParsedTerm, ...], tuple[ParsedTerm, ...]]:
    effects: tuple[tuple[str, ...], ...] | None = None
    endogenous: tuple[ParsedTerm, ...] = ()
    instruments: tuple[ParsedTerm, ...] = ()
    for part in parts:
        sides = _split(part, "~")
        if len(sides) == 2 and not instruments:
            endogenous, instruments = reader.read(sides[0])[0], reader.read(sides[1])[0]
        elif len(sides) == 1 and effects is None and not instruments:
            effects = reader.effects(part)
        else:
            start = part[0].start if part else len(reader.text)
            fail(
                reader.text,
                start,
                part[-1].end if part else start + 1,
                "After the terms there may be '| effects' and then '| endog ~ instruments', nothing else.",
            )
    return effects, endogenous, instruments


class _TermReader:
    """Expands expressions into terms; knows the text, for messages, and the names of the weights."""

    def __init__(self, text: str, weights: tuple[str, ...]) -> None:
        self.text, self.weights = text, weights

    def outcome(self, found: list[Token]) -> ParsedTerm:
        node = parse_expression(self.text, found)
        if any(isinstance(n, Call) and n.function in (*self.weights, "C", "lag") for n in walk(node)):
            fail(self.text, node.start, node.end, "The outcome is a column or a function of columns.")
        if not any(isinstance(n, Name) for n in walk(node)):
            fail(self.text, node.start, node.end, "The outcome must name a column.")
        self.arithmetic(node)
        return self.term((node,))

    def read(self, found: list[Token]) -> tuple[tuple[ParsedTerm, ...], bool]:
        """Return the terms without repetition, and whether the constant stays."""
        if not found:
            fail(self.text, len(self.text), len(self.text) + 1, "A term is needed here.")
        kept: dict[str, ParsedTerm] = {}
        intercept = True
        expression = parse_expression(self.text, found)
        say_repeated(expression)
        for sign, product in self.summands(expression, "+"):
            if len(product) == 1 and isinstance(product[0], Number):
                intercept = self.constant(product[0], sign)
                continue
            term = self.term(product)
            if sign == "+":
                kept.setdefault(term.key, term)
            elif kept.pop(term.key, None) is None:
                said = f"{term.name} cannot be left out: it is not in the formula."
                fail(self.text, term.start, term.end, said)
        return tuple(kept.values()), intercept

    def constant(self, number: Number, sign: str) -> bool:
        if number.value not in (0, 1):
            fail(
                self.text, number.start, number.end, "As a term a number is 1 (constant) or 0 (no constant)."
            )
        return (number.value == 1) == (sign == "+")

    def term(self, product: tuple[Node, ...]) -> ParsedTerm:
        check_depth(self.text, product)
        name = ":".join(self.written(f) for f in product)
        return ParsedTerm(name, product, product[0].start, max(f.end for f in product))

    def written(self, node: Node) -> str:
        # A part of a distributed sum, W(x1 + x2), stands nowhere in the text as it is: spell it out.
        if isinstance(node, Call) and node.function in (*self.weights, "lag"):
            source = self.text[node.start : node.end]
            inner = ", ".join(canonical(a) for a in node.arguments)
            compact = source.replace(" ", "")
            return (
                source
                if compact == f"{node.function}({inner})".replace(" ", "")
                else f"{node.function}({inner})"
            )
        return self.text[node.start : node.end].strip("`")

    # ---- the algebra of terms
    def summands(self, node: Node, sign: str) -> list[tuple[str, tuple[Node, ...]]]:
        """Return (sign, factors) for each term of `node`."""
        if isinstance(node, Unary):
            return self.summands(node.operand, node.operator if sign == "+" else _other(node.operator))
        if isinstance(node, Binary) and node.operator in "+-":
            right = sign if node.operator == "+" else _other(sign)
            return [*self.summands(node.left, sign), *self.summands(node.right, right)]
        if isinstance(node, Binary):
            return [(sign, product) for product in self.products(node)]
        if isinstance(node, Call):
            return [(sign, (factor,)) for factor in self.calls(node)]
        return [(sign, (node,))]

    def products(self, node: Binary) -> list[tuple[Node, ...]]:
        if node.operator not in (":", "*"):
            fail(
                self.text,
                node.start,
                node.end,
                f"{node.operator!r} between terms is not part of a formula; for arithmetic write "
                f"I({self.text[node.start : node.end]}).",
            )
        left, right = self.plain_terms(node.left), self.plain_terms(node.right)
        crossed = [_merged(a, b) for a in left for b in right]
        return crossed if node.operator == ":" else [*left, *right, *crossed]

    def plain_terms(self, node: Node) -> list[tuple[Node, ...]]:
        found = []
        for sign, product in self.summands(node, "+"):
            if sign == "-" or (len(product) == 1 and isinstance(product[0], Number)):
                fail(
                    self.text,
                    node.start,
                    node.end,
                    "Numbers and '-' are not allowed inside a product or a lag.",
                )
            found.append(product)
        return found

    def calls(self, node: Call) -> list[Node]:
        """Return the factors that a call stands for; lags of sums are sums of lags."""
        if node.function in self.weights:
            if len(node.arguments) != 1:
                fail(self.text, node.start, node.end, f"{node.function}( ) takes one argument.")
            inner = node.arguments[0]
            self.refuse_nested_lag(node, inner)
            return [
                Call(node.function, (multiply(p),), node.start, node.end) for p in self.plain_terms(inner)
            ]
        if node.function == "lag":
            shift = self.shift_of(node)
            inner = node.arguments[0]
            for n in walk(inner):
                if isinstance(n, Call) and n.function in (*self.weights, "lag"):
                    advice = "write W(lag(x, 1))" if n.function != "lag" else "write lag(x, 2)"
                    fail(self.text, n.start, n.end, f"{n.function}( ) inside lag( ): {advice}.")
            return [Call("lag", (multiply(p), shift), node.start, node.end) for p in self.plain_terms(inner)]
        self.arithmetic(node)
        return [node]

    def refuse_nested_lag(self, node: Call, inner: Node) -> None:
        for n in walk(inner):
            if isinstance(n, Call) and n.function in self.weights:
                fail(
                    self.text,
                    n.start,
                    n.end,
                    f"A spatial lag of a spatial lag: name weights of higher order, "
                    f"weights={{..., 'W2': W.higher_order(2)}}, instead of {node.function}({n.function}( )).",
                )

    def shift_of(self, node: Call) -> Number:
        if len(node.arguments) == 1:
            return Number(1, node.end, node.end)
        shift = node.arguments[1]
        whole = isinstance(shift, Number) and shift.value >= 1 and shift.value == int(shift.value)
        if len(node.arguments) > 2 or not whole:
            why = "lag(x, s) takes a column and a whole number s >= 1; panel.shift('x', -1) makes a lead."
            fail(self.text, node.start, node.end, why)
        assert isinstance(shift, Number)
        return shift

    # ---- arithmetic inside functions
    def arithmetic(self, node: Node) -> None:
        """Refuse what may not stand inside a function."""
        for n in walk(node):
            if isinstance(n, Call):
                self.check_call(n)
            if isinstance(n, Binary) and n.operator == ":":
                fail(self.text, n.start, n.end, "Inside a function write a product with '*'.")

    def check_call(self, node: Call) -> None:
        allowed = (*FUNCTIONS, *_SPECIAL, *self.weights)
        if node.function not in allowed:
            hint = did_you_mean(_ELSEWHERE.get(node.function, node.function), allowed)
            fail(
                self.text,
                node.start,
                node.start + len(node.function),
                f"{node.function!r} is not a function of formulas.{hint}"
                f"{'' if self.weights else ' No weights were given.'} There are {', '.join(allowed)}.",
            )
        if node.function in (*FUNCTIONS, "I", "C") and len(node.arguments) != 1:
            fail(self.text, node.start, node.end, f"{node.function}( ) takes one argument.")
        if node.function == "C" and not isinstance(node.arguments[0], Name):
            fail(self.text, node.start, node.end, "C( ) takes the name of a column.")
        if node.function in ("lag", "C") or node.function in self.weights:
            for outer in node.arguments:
                self.arithmetic(outer)

    # ---- effects
    def effects(self, found: list[Token]) -> tuple[tuple[str, ...], ...]:
        """Read ``unit + region:time``; ``0`` is none."""
        if len(found) == 1 and found[0].text == "0":
            return ()
        if not found:
            fail(
                self.text,
                len(self.text),
                len(self.text) + 1,
                "Effects are needed after '|', as in '| unit + time'.",
            )
        out = []
        for _, product in self.summands(parse_expression(self.text, found), "+"):
            for factor in product:
                if not isinstance(factor, Name):
                    fail(
                        self.text,
                        factor.start,
                        factor.end,
                        "Effects are columns, or products such as region:time.",
                    )
            out.append(tuple(f.name for f in product if isinstance(f, Name)))
        return tuple(out)


def parse_effects(effects: str | Iterable[str] | None) -> tuple[tuple[str, ...], ...]:
    """Read ``("unit", "region:time")`` or ``"unit"``; None is no effect."""
    if effects is not None and not isinstance(effects, Iterable):
        raise FormulaError(f"effects are texts such as 'unit' and 'time'; got {effects!r}.")
    given = [effects] if isinstance(effects, str) else [] if effects is None else list(effects)
    out: list[tuple[str, ...]] = []
    for text in given:
        with readable(str(text)):
            out.extend(_TermReader(str(text), ()).effects(read_tokens(str(text))))
    return tuple(dict.fromkeys(out))


def _other(sign: str) -> str:
    return "-" if sign == "+" else "+"


def _merged(a: tuple[Node, ...], b: tuple[Node, ...]) -> tuple[Node, ...]:
    """Multiply: a factor that stands twice stands once, as in ``x:x``."""
    known = {canonical(f) for f in a}
    return (*a, *(f for f in b if canonical(f) not in known))


def multiply(product: tuple[Node, ...]) -> Node:
    """Join factors into one product."""
    node = product[0]
    for factor in product[1:]:
        node = Binary(":", node, factor, min(node.start, factor.start), max(node.end, factor.end))
    return node
