"""From parsed formulas to the structure of a system: categories spread out, roles given, columns named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from spatial.errors import DataError, FormulaError, did_you_mean
from spatial.models.formula.grammar import Formula, ParsedTerm, multiply
from spatial.models.formula.structure import CONSTANT, Equation, Role, Structure, Term
from spatial.models.formula.tokens import Call, Level, Name, Node, Number, canonical, factors, fail, walk

from .source import Source

__all__ = ["Blueprint", "build_blueprint"]

_MOST_LEVELS = 500


@dataclass(frozen=True)
class Blueprint:
    """A structure, and the expression behind each of its names.

    Parameters
    ----------
    structure : Structure
    outcomes : tuple of node
    terms : tuple of tuple of node
        For each equation, for each term.
    instruments : mapping of str to node
        Exogenous variables of all equations, and declared instruments: the level-0 columns of H.
    """

    structure: Structure
    outcomes: tuple[Node, ...]
    terms: tuple[tuple[Node, ...], ...]
    instruments: Mapping[str, Node]


def build_blueprint(
    formulas: Mapping[str, Formula],
    source: Source,
    weights: tuple[str, ...],
    errors: Mapping[str, str | None],
    extra: tuple[ParsedTerm, ...],
    extra_text: str,
    has_effects: bool,
) -> Blueprint:
    """Give each term its variable, weights, time shift and role.

    Parameters
    ----------
    formulas : mapping of equation name to Formula
    source : Source
    weights : tuple of str
        Names that are spatial lags when called.
    errors : mapping of equation name to the name of its error weights
    extra : tuple of ParsedTerm
        Instruments for the whole system.
    has_effects : bool
        Effects absorb the constant.
    """
    for formula in formulas.values():
        _check_columns(formula.text, _nodes_of(formula), source)
    _check_columns(extra_text, [f for t in extra for f in t.factors], source)
    endogenous = _endogenous_columns(formulas.values())
    outcomes = _outcomes(formulas)
    equations, nodes = [], []
    for name, formula in formulas.items():
        pairs = _equation_terms(formula, source, weights, endogenous, outcomes, has_effects)
        equations.append(
            Equation(name, canonical(_single(formula.outcome)), tuple(t for t, _ in pairs), errors[name])
        )
        nodes.append(tuple(n for _, n in pairs))
    declared = _declared_instruments(formulas, source, weights, endogenous, extra, extra_text)
    valid = _valid_instruments(formulas, source, weights, extra)
    equations = [replace(e, instruments=valid.get(e.name)) for e in equations]
    used = tuple(w for w in weights if any(t.weights == w for e in equations for t in e.terms))
    structure = Structure(tuple(equations), used, tuple(t for t, _ in declared))
    columns = _instrument_columns(structure, nodes, declared)
    return Blueprint(structure, tuple(_single(f.outcome) for f in formulas.values()), tuple(nodes), columns)


def _single(term: ParsedTerm) -> Node:
    return multiply(term.factors)


def _nodes_of(formula: Formula) -> list[Node]:
    terms = (formula.outcome, *formula.terms, *formula.endogenous, *formula.instruments)
    return [f for t in terms for f in t.factors]


def _check_columns(text: str, nodes: Iterable[Node], source: Source) -> None:
    for node in nodes:
        for n in walk(node):
            if isinstance(n, Name) and not source.has(n.name):
                weights = n.name == "W"
                hint = " A spatial lag is W(x)." if weights else did_you_mean(n.name, source.columns)
                fail(text, n.start, n.end, f"The data have no column {n.name!r}.{hint}")


def _outcomes(formulas: Mapping[str, Formula]) -> frozenset[str]:
    return frozenset(canonical(_single(f.outcome)) for f in formulas.values())


def _columns(node: Node) -> set[str]:
    return {n.name for n in walk(node) if isinstance(n, Name)}


def _endogenous_columns(formulas: Iterable[Formula]) -> frozenset[str]:
    """Columns on a left-hand side, or declared endogenous: whatever is made of them is endogenous too."""
    found: set[str] = set()
    for formula in formulas:
        found |= _columns(_single(formula.outcome))
        for term in formula.endogenous:
            columns = _columns(_single(term))
            # Of a declared product, x:z, nobody said that z alone is endogenous.
            found |= columns if len(columns) == 1 else {canonical(_single(term))}
    return frozenset(found)


def _role(node: Node, endogenous: frozenset[str]) -> Role:
    if isinstance(node, Number):
        return "constant"
    if _has_now(node, endogenous):
        return "endogenous"
    return "predetermined" if _columns(node) & endogenous else "exogenous"


def _has_now(node: Node, endogenous: frozenset[str]) -> bool:
    """Whether an endogenous column enters without a time shift."""
    if isinstance(node, Name) and node.name in endogenous:  # also of names that are written in backticks
        return True
    if canonical(node) in endogenous:
        return True
    if isinstance(node, Level):
        return node.column in endogenous
    if isinstance(node, Call) and node.function == "lag":
        return False
    return any(_has_now(child, endogenous) for child in _children(node))


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Call):
        return node.arguments
    operands = (getattr(node, name, None) for name in ("operand", "left", "right"))
    return tuple(o for o in operands if o is not None)


def _equation_terms(
    formula: Formula,
    source: Source,
    weights: tuple[str, ...],
    endogenous: frozenset[str],
    outcomes: frozenset[str],
    has_effects: bool,
) -> list[tuple[Term, Node]]:
    constant = formula.intercept and not has_effects
    out: list[tuple[Term, Node]] = []
    if constant:
        out.append((Term(CONSTANT, CONSTANT, role="constant"), Number(1.0, 0, 0)))
    spread = _spread(formula.terms, source, weights, constant or has_effects)
    own = canonical(_single(formula.outcome))
    for name, node in spread:
        term = _term(name, node, weights, _role(node, endogenous), outcomes)
        if term.variable == own and term.operator == "level" and term.shift == 0:
            fail(formula.text, node.start, node.end, f"{name} is the outcome of this equation itself.")
        out.append((term, node))
    if not out:
        raise FormulaError(f"The equation {formula.text!r} has no terms.")
    return out


def _term(name: str, node: Node, weights: tuple[str, ...], role: Role, outcomes: frozenset[str]) -> Term:
    inner, lagged = node, None
    if isinstance(node, Call) and node.function in weights:
        inner, lagged = node.arguments[0], node.function
    variable, shift = canonical(inner), 0
    if isinstance(inner, Call) and inner.function == "lag" and canonical(inner.arguments[0]) in outcomes:
        variable = canonical(inner.arguments[0])
        shift = _shift(inner)
    return Term(name, variable, "level" if lagged is None else "lag", lagged, shift, role)


def _shift(node: Call) -> int:
    number = node.arguments[1]
    assert isinstance(number, Number)
    return int(number.value)


# ---- categories
def _spread(
    terms: tuple[ParsedTerm, ...], source: Source, weights: tuple[str, ...], has_constant: bool
) -> list[tuple[str, Node]]:
    """Replace C(column) by its levels, leaving one out wherever the others would add up to a term present."""
    present = {frozenset(canonical(f) for f in t.factors) for t in terms}
    if has_constant:
        present.add(frozenset())
    out: list[tuple[str, Node]] = []
    for term in terms:
        if not any(isinstance(n, Call) and n.function == "C" for f in term.factors for n in walk(f)):
            out.append((term.name, multiply(term.factors)))
            continue
        choices = [_choices(f, term, present, source, weights) for f in term.factors]
        for chosen in product(*choices):
            node = multiply(chosen)
            out.append((_label(chosen), node))
        present.add(frozenset())  # a full set of levels adds up to the constant
    return out


def _label(chosen: tuple[Node, ...]) -> str:
    return ":".join(canonical(f) for f in chosen)


def _choices(
    factor: Node, term: ParsedTerm, present: set[frozenset[str]], source: Source, weights: tuple[str, ...]
) -> list[Node]:
    if isinstance(factor, Call) and factor.function == "C":
        others = frozenset(canonical(f) for f in term.factors) - {canonical(factor)}
        return list(_levels(factor, source, reduced=others in present))
    if isinstance(factor, Call) and factor.function in (*weights, "lag"):
        inner = [
            list(_levels(f, source, reduced=True)) if isinstance(f, Call) and f.function == "C" else [f]
            for f in factors(factor.arguments[0])
        ]
        rest = factor.arguments[1:]
        return [replace(factor, arguments=(multiply(chosen), *rest)) for chosen in product(*inner)]
    return [factor]


def _levels(call: Call, source: Source, *, reduced: bool) -> Iterable[Level]:
    column = call.arguments[0]
    assert isinstance(column, Name)
    _, levels = source.categories(column.name)
    if len(levels) < 2 or len(levels) > _MOST_LEVELS:
        raise DataError(
            f"C({column.name}) needs 2 to {_MOST_LEVELS} levels; the column has {len(levels)}. "
            "Many levels are effects: effects=(..., " + repr(column.name) + ")."
        )
    mark = "T." if reduced else ""
    for level in levels[1:] if reduced else levels:
        yield Level(column.name, level, f"C({column.name})[{mark}{level}]", call.start, call.end)


# ---- instruments
def _declared_instruments(
    formulas: Mapping[str, Formula],
    source: Source,
    weights: tuple[str, ...],
    endogenous: frozenset[str],
    extra: tuple[ParsedTerm, ...],
    extra_text: str,
) -> list[tuple[Term, Node]]:
    texts = [(f.text, t) for f in formulas.values() for t in f.instruments]
    texts += [(extra_text, t) for t in extra]
    out: dict[str, tuple[Term, Node]] = {}
    for text, term in texts:
        for name, node in _spread((term,), source, weights, True):
            role = _role(node, endogenous)
            if role == "endogenous":
                fail(text, term.start, term.end, f"{name} cannot be an instrument: it is endogenous.")
            out.setdefault(canonical(node), (Term(name, canonical(node), role=role), node))
    return list(out.values())


def _valid_instruments(
    formulas: Mapping[str, Formula],
    source: Source,
    weights: tuple[str, ...],
    extra: tuple[ParsedTerm, ...],
) -> dict[str, tuple[str, ...]]:
    """Return which declared instruments each equation may use, where they name different ones.

    An equation that names some uses these and those of the system; one that names none uses all.
    """

    def variables(terms: tuple[ParsedTerm, ...]) -> tuple[str, ...]:
        return tuple(canonical(n) for t in terms for _, n in _spread((t,), source, weights, True))

    own = {name: variables((*f.instruments, *extra)) for name, f in formulas.items() if f.instruments}
    return own if len({frozenset(names) for names in own.values()}) > 1 else {}


def _instrument_columns(
    structure: Structure, nodes: list[tuple[Node, ...]], declared: list[tuple[Term, Node]]
) -> dict[str, Node]:
    out: dict[str, Node] = {}
    for equation, row in zip(structure.equations, nodes, strict=True):
        for term, node in zip(equation.terms, row, strict=True):
            if term.role in ("exogenous", "predetermined"):
                inner = node.arguments[0] if isinstance(node, Call) and term.weights is not None else node
                out.setdefault(canonical(inner), inner)
    for _, node in declared:
        out.setdefault(canonical(node), node)
    return out
