"""What cannot be estimated and is left out or refused by name; what a user should be warned of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids, warn
from spatial.models.formula.structure import Equation, Structure
from spatial.weights.value import Weights

from .effects import Effects
from .instruments import column_norms, independent_columns, triangular_factor

if TYPE_CHECKING:
    from .design import Design

__all__ = [
    "checked",
    "own_instruments",
    "refuse_own_instruments",
    "warn_system",
    "without_absorbed",
    "without_empty",
]

Float = NDArray[np.float64]

_ABSORBED = 1e-10
_ILL = 1e8


def own_instruments(structure: Structure, what: str) -> str:
    """Say that something takes one set of instruments where equations name different ones; empty else."""
    if not structure.has_own_instruments:
        return ""
    told = "; ".join(f"{e.name}: {', '.join(e.instruments or ('all',))}" for e in structure.equations)
    return (
        f"the equations name different instruments ({told}), and {what} takes one set for all: use '3sls', "
        "'gs3sls' or 'gmm' and their usual covariances, or one equation by itself"
    )


def refuse_own_instruments(structure: Structure, what: str) -> None:
    """Refuse what takes one set of instruments where equations name different ones."""
    reason = own_instruments(structure, what)
    if reason:
        raise DataError(f"{reason[0].upper()}{reason[1:]}.")


def warn_system(design: Design, given: Mapping[str, Weights]) -> None:
    _check_past(design)
    for name, w in given.items():
        _warn_cut(name, w)
    for name, w in design.weights.items():
        _warn_row_sums(name, w)
    if not design.external or not design.effects.any:
        return
    kept = {n for g in range(design.structure.n_equations) for n in design.seen_by(g).kept_instruments}
    gone = [v for v in design.external if v in design.instrument_names and v not in kept]
    if gone:
        warn(
            f"The instruments {', '.join(gone)} are absorbed by the effects, or depend on the others: they "
            "identify nothing. A time-invariant instrument needs a product with a variable of time."
        )


def _check_past(design: Design) -> None:
    lagged = [t.name for _, t in design.structure.terms if t.role == "predetermined"]
    if lagged and design.random:
        raise DataError(
            f"Random effects of units are part of {', '.join(dict.fromkeys(lagged))}, which would be taken "
            "for exogenous: estimates are then inconsistent. Take effects='unit': method='ml' takes the bias "
            "of few times off, method='gmm' instruments the past."
        )
    if lagged and ("unit",) in design.effects.names:
        warn(
            f"Nickell bias: {', '.join(dict.fromkeys(lagged))} with unit effects and T = "
            f"{design.layout.n_times} is biased by about -(1 + b)/(T - 1), however many units there are. "
            "Read it with care for T below about 20."
        )


def _warn_cut(name: str, weights: Weights) -> None:
    note = weights.meta.cut_note(weights.n)
    if note:
        warn(f"Weights {name!r}: {note}. Spatial lags leave out what the neighbours beyond the cut do.")


def _warn_row_sums(name: str, weights: Weights) -> None:
    if weights.is_row_standardized or weights.n_links == 0:
        return
    sums = np.abs(weights.sparse).sum(axis=1)
    typical = float(np.median(sums[sums > 0]))
    if sums.max() > 20 * typical:
        unit = pd.Index(weights.ids)[int(np.argmax(sums))]
        warn(
            f"Row sums of weights {name!r} are far apart (at most {sums.max():.3g}, at {unit!r}; median "
            f"{typical:.3g}): the theory needs them bounded. Row-standardise them, or cut distances off."
        )


# ---- what cannot be estimated
def without_absorbed(design: Design) -> Design:
    """Leave out the terms that the effects absorb, and say so."""
    left = design.sizes if design.projected is design.columns else column_norms(design.projected)
    gone = left <= _ABSORBED * design.sizes
    for equation, column in zip(design.structure.equations, design.outcomes, strict=True):
        if gone[column]:
            why = f"the effects {_written(design.effects)} absorb it" if design.effects.any else "it is 0"
            raise DataError(f"The outcome {equation.outcome!r} has nothing left to explain: {why}.")
    dropped = [
        (e.name, t.name)
        for e, row in zip(design.structure.equations, design.regressors, strict=True)
        for t, j in zip(e.terms, row, strict=True)
        if gone[j]
    ]
    if not dropped:
        return design
    if not design.effects.any:
        raise DataError(f"These terms are 0 in every cell: {name_ids(t for _, t in dropped)}.")
    names = list(dict.fromkeys(t for _, t in dropped))
    warn(
        f"The effects {_written(design.effects)} absorb {', '.join(names)}: left out. A variable that "
        "does not vary within the effects can enter as a product with one that does, as x:trend."
    )
    return _without(replace(design, absorbed=(*design.absorbed, *dropped)), dropped)


def _without(design: Design, dropped: Sequence[tuple[str, str]]) -> Design:
    """Leave terms out of the structure, by (equation, term)."""
    gone, equations, regressors = set(dropped), [], []
    for e, row in zip(design.structure.equations, design.regressors, strict=True):
        kept = [(t, j) for t, j in zip(e.terms, row, strict=True) if (e.name, t.name) not in gone]
        if not kept:
            raise DataError(f"The effects absorb every term of equation {e.name!r}.")
        equations.append(replace(e, terms=tuple(t for t, _ in kept)))
        regressors.append(tuple(j for _, j in kept))
    structure = replace(design.structure, equations=tuple(equations))
    return replace(design, structure=structure, regressors=tuple(regressors))


def _written(effects: Effects) -> str:
    return " + ".join(":".join(name) for name in effects.names)


def checked(design: Design) -> Design:
    """Refuse constants beside the constant, and perfect collinearity, by name."""
    size, notes = design.sizes, design.notes
    for g, equation in enumerate(design.structure.equations):
        places = design.equation_columns(g)
        R = triangular_factor(design.of_columns(places))
        kept = independent_columns(R[:, 1:], size[places[1:]])
        if len(kept) < len(equation.terms):
            _refuse_collinear(equation, kept, design)
        notes += _digits_lost(equation, R[:, 1:])
    return replace(design, notes=notes) if notes != design.notes else design


def _digits_lost(equation: Equation, R: Float) -> tuple[str, ...]:
    """Say how many digits are left where the condition number eats more than half of sixteen."""
    values = np.linalg.svd(R / np.linalg.norm(R, axis=0), compute_uv=False)
    condition = float(values[0] / max(values[-1], 1e-300))
    if condition < _ILL:
        return ()
    left = max(0, int(15.95 - np.log10(condition)))
    return (
        f"the regressors of {equation.name} are nearly dependent (condition number {condition:.1e}): about "
        f"{left} digits of its coefficients are left",
    )


def _refuse_collinear(equation: Equation, kept: Sequence[int], design: Design) -> None:
    bad = [t.name for j, t in enumerate(equation.terms) if j not in kept]
    g = design.structure.equations.index(equation)
    flat = [
        t.name
        for t, j in zip(equation.terms, design.regressors[g], strict=True)
        if t.role != "constant" and np.ptp(design.columns[:, j]) == 0
    ]
    if flat:
        raise DataError(
            f"Equation {equation.name!r}: {', '.join(flat)} is the same in every cell, as is the constant. "
            "Leave it out."
        )
    raise DataError(
        f"Equation {equation.name!r}: perfect collinearity. {', '.join(bad)} is a combination of the others "
        f"({', '.join(t.name for j, t in enumerate(equation.terms) if j in kept)}). Leave one out."
    )


def without_empty(design: Design) -> Design:
    """Leave out levels of categories that the chosen rows lack, or of which one has become the base."""
    size = design.sizes
    dropped: list[tuple[str, str]] = []
    for g, (equation, row) in enumerate(zip(design.structure.equations, design.regressors, strict=True)):
        kept = independent_columns(triangular_factor(design.of_columns(row)), size[list(row)])
        for j, term in enumerate(equation.terms):
            if size[row[j]] == 0 or (j not in kept and "C(" in term.name):
                dropped.append((design.structure.names[g], term.name))
    if not dropped:
        return design
    names = ", ".join(dict.fromkeys(t for _, t in dropped))
    return replace(
        _without(design, dropped), notes=(*design.notes, f"left out, 0 or redundant here: {names}")
    )
