"""Evaluate expressions of a formula on arrays: columns, numbers, operators, and the functions named here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.models.formula.tokens import Binary, Call, Level, Name, Node, Number, Unary, canonical, walk

from .layout import LagOperator, Layout
from .source import Source

__all__ = ["RowEvaluator", "base_expressions", "cell_values", "largest_shift"]

Float = NDArray[np.float64]

_FUNCTIONS: dict[str, Callable[[Float], Float]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "sqrt": np.sqrt,
}
_DOMAIN = {"log": "values above 0", "log10": "values above 0", "log2": "values above 0"}
_DOMAIN |= {"log1p": "values above -1", "sqrt": "values of 0 or more", "exp": "smaller values"}
_OPERATORS: dict[str, Callable[[Float, Float], Float]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    ":": np.multiply,
    "/": np.divide,
    "**": np.power,
    "^": np.power,
    ">": lambda a, b: _compare(np.greater, a, b),
    "<": lambda a, b: _compare(np.less, a, b),
    ">=": lambda a, b: _compare(np.greater_equal, a, b),
    "<=": lambda a, b: _compare(np.less_equal, a, b),
    "==": lambda a, b: _compare(np.equal, a, b),
    "!=": lambda a, b: _compare(np.not_equal, a, b),
}


def _compare(function: Callable[[Float, Float], NDArray[np.bool_]], a: Float, b: Float) -> Float:
    # A comparison with a missing value is missing, not False.
    return np.where(np.isnan(a) | np.isnan(b), np.nan, function(a, b).astype(np.float64))


def base_expressions(nodes: Iterable[Node], weights: tuple[str, ...]) -> dict[str, Node]:
    """Return the largest parts without a spatial lag, by canonical spelling."""
    out: dict[str, Node] = {}
    for node in nodes:
        if any(isinstance(n, Call) and n.function in weights for n in walk(node)):
            out.update(base_expressions(_operands(node), weights))
        elif not isinstance(node, Number):
            out.setdefault(canonical(node), node)
    return out


def _operands(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Unary):
        return (node.operand,)
    assert isinstance(node, Binary)
    return (node.left, node.right)


def largest_shift(nodes: Iterable[Node]) -> int:
    """Return the most times that any lag( ) shifts by."""
    shifts = [0]
    for node in nodes:
        for n in walk(node):
            if isinstance(n, Call) and n.function == "lag":
                assert isinstance(n.arguments[1], Number)
                shifts.append(int(n.arguments[1].value))
    return max(shifts)


def cell_values(node: Node, source: Source) -> Float:
    """Evaluate an expression without spatial lags; (T, N), NaN where missing.

    Raises
    ------
    DataError
        Where a function is not defined at a value that is there, as log(0); the units are named.
    """
    match node:
        case Number(value=value):
            return np.full((1, 1), value)
        case Name(name=name):
            return source.numbers(name)
        case Level(column=column, level=level):
            codes, levels = source.categories(column)
            return np.where(np.isnan(codes), np.nan, (codes == levels.index(level)).astype(np.float64))
        case Unary(operator=operator, operand=operand):
            signed = cell_values(operand, source)
            return -signed if operator == "-" else signed
        case Binary(operator=operator, left=left, right=right):
            a, b = cell_values(left, source), cell_values(right, source)
            with np.errstate(all="ignore"):
                out = np.asarray(_OPERATORS[operator](a, b), dtype=np.float64)
            return _defined(out, np.isfinite(a) & np.isfinite(b), node, source, "finite results")
        case Call(function="lag", arguments=(inner, Number(value=shift))):
            source.check_spacing()
            return _shifted(np.broadcast_to(cell_values(inner, source), _shape(source)), int(shift))
        case Call(function="I", arguments=(inner,)):
            return cell_values(inner, source)
        case Call(function=function, arguments=(inner,)) if function in _FUNCTIONS:
            argument = cell_values(inner, source)
            with np.errstate(all="ignore"):
                out = _FUNCTIONS[function](argument)
            return _defined(out, np.isfinite(argument), node, source, _DOMAIN.get(function, "numbers"))
    raise DataError(f"{canonical(node)} cannot be evaluated here; C( ) stands alone or in products.")


def _shape(source: Source) -> tuple[int, int]:
    return len(source.times), len(source.units)


def _shifted(values: Float, shift: int) -> Float:
    out = np.full(values.shape, np.nan)
    out[shift:] = values[: max(len(values) - shift, 0)]
    return out


def _defined(out: Float, given: NDArray[np.bool_], node: Node, source: Source, needs: str) -> Float:
    bad = given & ~np.isfinite(out)
    if bad.any():
        where = np.flatnonzero(np.broadcast_to(bad, _shape(source)).any(axis=0))
        raise DataError(
            f"{canonical(node)} needs {needs}; it is not defined in {int(bad.sum())} cells, of units "
            f"{name_ids(pd.Index(source.units)[where])}."
        )
    return out


@dataclass(frozen=True, eq=False)
class RowEvaluator:
    """Evaluate expressions on the rows of a layout, with spatial lags.

    Parameters
    ----------
    base : mapping of str to array (R,)
        Values of the expressions without spatial lags.
    operators : mapping of str to LagOperator
        By weights name.
    """

    base: dict[str, Float]
    operators: Mapping[str, LagOperator]
    layout: Layout
    _lags: dict[str, Float] = field(default_factory=dict, repr=False)

    def __call__(self, node: Node) -> Float:
        """Return the values of `node`; (R,)."""
        key = canonical(node)
        if key in self.base:
            return self.base[key]
        if isinstance(node, Number):
            return np.full(self.layout.n_rows, node.value)
        if key not in self._lags:
            self._lags[key] = self._compute(node)
        return self._lags[key]

    def _compute(self, node: Node) -> Float:
        match node:
            case Call(function=function, arguments=(inner,)) if function in self.operators:
                return self.operators[function](self(inner))
            case Call(function="I", arguments=(inner,)):
                return self(inner)
            case Call(function=function, arguments=(inner,)) if function in _FUNCTIONS:
                with np.errstate(all="ignore"):
                    return self._finite(_FUNCTIONS[function](self(inner)), node)
            case Unary(operator=operator, operand=operand):
                return -self(operand) if operator == "-" else self(operand)
            case Binary(operator=operator, left=left, right=right):
                with np.errstate(all="ignore"):
                    return self._finite(_OPERATORS[operator](self(left), self(right)), node)
        raise DataError(f"{canonical(node)} cannot be evaluated.")

    def _finite(self, values: Float, node: Node) -> Float:
        bad = ~np.isfinite(values)
        if bad.any():
            units = self.layout.units[np.unique(self.layout.unit[bad])]
            raise DataError(
                f"{canonical(node)} is not defined in {int(bad.sum())} cells, of units {name_ids(units)}."
            )
        return values
