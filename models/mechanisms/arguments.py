"""What the functions of this room share: one equation made ready, terms by name, clusters by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from spatial.errors import DataError, FormulaError, did_you_mean
from spatial.models.data.design import Design
from spatial.models.data.given import Lags
from spatial.models.estimation.covariance import is_whole
from spatial.models.formula.grammar import parse_formula
from spatial.models.formula.structure import CONSTANT
from spatial.models.system import SpatialSystem

__all__ = ["divisions_of", "names_of", "single_equation", "term_places", "whole_number"]


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Return a whole number within bounds, or refuse."""
    if not is_whole(value, low) or int(value) > high:
        raise DataError(f"{name} is a whole number from {low} to {high}; got {value!r}.")
    return int(value)


def names_of(value: Any, what: str) -> list[str]:
    """Return one name, or several, as a list of texts."""
    found: list[Any] = [None]
    if isinstance(value, Iterable):
        found = [value] if isinstance(value, str) else list(value)
    if not found or any(not isinstance(name, str) for name in found):
        raise FormulaError(f"{what} is a name, or a list of names; got {value!r}.")
    if len(set(found)) < len(found):
        raise FormulaError(f"{what} names {max(found, key=found.count)!r} twice.")
    return found


def single_equation(
    formula: Any,
    panel: Any,
    weights: Any,
    effects: str | Iterable[str],
    where: str | None,
    lags: Lags,
    what: str,
) -> SpatialSystem:
    """Return the system of one formula; effects in the formula replace `effects`; no lags of the outcome."""
    if not isinstance(formula, str):
        raise FormulaError(f"{what} takes one formula; got {type(formula).__name__}.")
    names = tuple(weights) if isinstance(weights, dict) else ("W",) if weights is not None else ()
    inside = parse_formula(formula, names).effects
    system = SpatialSystem(
        formula,
        panel,
        weights,
        effects=() if inside is not None else effects,
        iv_order=0,
        where=where,
        lags=lags,
    )
    for _, term in system.structure.terms:
        if system.structure.is_outcome(term):
            raise FormulaError(
                f"{term.name} is a lag of the outcome, which {what} does not take. Leave it out, or use "
                "SpatialSystem(formula, panel, weights, effects=...)."
            )
    return system


def term_places(design: Design, term: str | Iterable[str] | None, what: str) -> list[int]:
    """Return where terms stand among the regressors of the one equation; all but the constant for None."""
    terms = [t.name for t in design.structure.equations[0].terms]
    if term is None:
        return [j for j, name in enumerate(terms) if name != CONSTANT]
    wanted = names_of(term, "term")
    for name in wanted:
        if name not in terms:
            raise DataError(
                f"{what}: the equation has no term {name!r}.{did_you_mean(name, terms)} "
                f"It has {', '.join(terms)}."
            )
    return [terms.index(name) for name in wanted]


def divisions_of(by: Any) -> dict[str, Any]:
    """Return divisions of the rows by name: columns, or Series of labels."""
    if isinstance(by, Mapping):
        given = {str(k): v for k, v in by.items()}
    else:
        several = list(by) if isinstance(by, list | tuple) else [by]
        given = {}
        for one in several:
            name = one if isinstance(one, str) else str(getattr(one, "name", None) or "groups")
            given[name if name not in given else f"{name} {len(given) + 1}"] = one
    if not given:
        raise DataError("by needs a column, or labels of the rows.")
    for one in given.values():
        if not isinstance(one, (str, pd.Series)):
            raise DataError(
                f"by is a column or a Series of labels, or a list of these; got {type(one).__name__}."
            )
    return given
