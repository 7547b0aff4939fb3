"""Weights by name: those of the formulas and of the errors, in one order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spatial.errors import FormulaError, WeightsError, did_you_mean
from spatial.models.formula.grammar import FUNCTIONS, Formula
from spatial.models.formula.structure import Structure
from spatial.models.formula.tokens import Call, walk
from spatial.weights.value import Weights, as_weights

__all__ = ["error_weights", "lags_outcomes", "named_weights", "used_weights"]


def named_weights(weights: Any) -> dict[str, Weights]:
    """Return weights by name, all in the order of the first."""
    if weights is None:
        return {}
    given = (
        dict(weights) if isinstance(weights, Mapping) and not isinstance(weights, Weights) else {"W": weights}
    )
    out: dict[str, Weights] = {}
    for name, value in given.items():
        if not str(name).isidentifier() or name in (*FUNCTIONS, "C", "I", "lag"):
            raise WeightsError(f"Weights are called in formulas: {name!r} is not a name that can be.")
        out[name] = as_weights(value)
    return _same_order(out) if out else out


def _same_order(weights: dict[str, Weights]) -> dict[str, Weights]:
    first = next(iter(weights.values()))
    return {name: w if w.ids.equals(first.ids) else w.reordered(first.ids) for name, w in weights.items()}


def error_weights(
    error: Any, equations: tuple[str, ...], named: dict[str, Weights]
) -> tuple[dict[str, str | None], dict[str, Weights]]:
    """Return the name of the error weights of each equation, and all weights by name."""
    given = (
        error
        if isinstance(error, Mapping) and not isinstance(error, Weights)
        else dict.fromkeys(equations, error)
    )
    unknown = [name for name in given if name not in equations]
    if unknown:
        raise FormulaError(
            f"error= names {unknown[0]!r}, which is no equation; there are {', '.join(equations)}."
        )
    out: dict[str, str | None] = {}
    found = dict(named)
    for name in equations:
        value = given.get(name)
        if value is None or isinstance(value, str):
            if value is not None and value not in found:
                known = ", ".join(found) or "none"
                raise WeightsError(
                    f"error={value!r} names no weights; there are {known}.{did_you_mean(value, found)}"
                )
            out[name] = value
        else:
            out[name] = _add_weights(as_weights(value), name, found, isinstance(error, Mapping))
    return out, _same_order(found) if found else found


def _add_weights(weights: Weights, equation: str, found: dict[str, Weights], several: bool) -> str:
    for name, known in found.items():
        if known is weights or known.equals(weights):
            return name
    name = f"M_{equation}" if several and "M" in found else "M"
    found[name] = weights
    return name


def used_weights(
    formulas: Mapping[str, Formula], errors: Mapping[str, str | None], named: Mapping[str, Weights]
) -> dict[str, Weights]:
    called = {
        n.function
        for formula in formulas.values()
        for term in (*formula.terms, *formula.endogenous, *formula.instruments)
        for factor in term.factors
        for n in walk(factor)
        if isinstance(n, Call)
    }
    return {name: w for name, w in named.items() if name in called or name in errors.values()}


def lags_outcomes(structure: Structure, name: str) -> bool:
    in_errors = any(e.error == name for e in structure.equations)
    return in_errors or any(t.weights == name and t.role != "exogenous" for _, t in structure.terms)
