r"""Instruments for a lag and an error in the same weights: fewer lags, or the best (Lee 2003).

Lagged regressors are smooth in space: each W^k X adds tr(Q'W Q) to the bias of the spatial lag and little
strength, so that [X, WX] does better there than [X, WX, W^2 X].
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spatial.errors import warn
from spatial.models.data.design import Design
from spatial.models.estimation.estimate import Estimate
from spatial.models.estimation.steps import METHODS, SPATIAL_ERRORS
from spatial.models.formula.structure import CONSTANT
from spatial.models.impacts.prediction import reduced_form
from spatial.models.impacts.stability import stability

__all__ = ["best_instruments", "checked_for_far_off", "fewer_lags", "filters_by_lags", "highest_lag"]

Float = NDArray[np.float64]

FAR_OFF = (
    "the estimates by the best instruments have no stable equilibrium, and are likely far off: of 400 "
    "samples with 50 units 31 had a spatial lag that was wrong by more than .8, and 28 of these looked so. "
    "Use fit('aqs'), or iv='lags'"
)


def filters_by_lags(method: str) -> bool:
    """Whether a method filters errors and takes lagged regressors for instruments of the spatial lag."""
    return method in METHODS and method in SPATIAL_ERRORS


def lags_of(design: Design) -> list[int]:
    """Return how often each instrument is a spatial lag of a variable."""
    variables = {*design.levels, *design.external, CONSTANT}
    out = []
    for given in design.instrument_names:
        name, count = given, 0
        while name not in variables:
            outer = next(
                (w for w in design.operators if name.startswith(f"{w}(") and name.endswith(")")), None
            )
            if outer is None:
                break
            # Weights of errors alone lag all instruments once more, whatever the order.
            count += not design.structure.weights or outer in design.structure.weights
            name = name[len(outer) + 1 : -1]
        out.append(count)
    return out


def highest_lag(design: Design) -> int:
    """Return the highest spatial lag among the instruments."""
    return max(lags_of(design), default=0)


def fewer_lags(design: Design) -> Design:
    """Return the design without the highest lags among its instruments, where there are two or more."""
    lags = lags_of(design)
    highest = max(lags, default=0)
    if highest < 2:
        return design
    kept = [j for j, count in enumerate(lags) if count < highest]
    names = tuple(design.instrument_names[j] for j in kept)
    return replace(
        design, instruments=np.ascontiguousarray(design.instruments[:, kept]), instrument_names=names
    )


def best_instruments(found: Estimate) -> Design:
    r"""Return the design with the instruments that are best at a first estimate (Lee 2003, eq. 2.8).

    .. math:: H_g = (I - \hat\rho_g M_g)[X_g,\; E(Z^{end}_g \mid X)], \qquad
              E(W_r y_h \mid X) = W_r [\hat S^{-1}]_{h\cdot} X\hat\beta

    for each equation as many as it has coefficients: its regressors, the outcomes among them replaced by what
    the reduced form predicts from the exogenous variables, and endogenous regressors without an equation by
    their first stage; filtered as its errors are.

    Parameters
    ----------
    found : Estimate
        A first estimate by instruments.
    """
    design, structure = found.design, found.structure
    predicted = _predicted(found)
    columns: list[Float] = []
    names: list[str] = []
    own: list[tuple[int, ...]] = []
    for g, equation in enumerate(structure.equations):
        operator, rho = design.error_operator(g), float(found.numbers.rho[g])
        own.append(tuple(range(len(names), len(names) + len(equation.terms))))
        for term, place in zip(equation.terms, design.regressors[g], strict=True):
            values = design.columns[:, place]
            is_predicted = structure.is_outcome(term) and not term.shift
            if is_predicted:
                values = predicted[:, structure.outcomes.index(term.variable)]
                values = values if term.weights is None else design.operators[term.weights](values)
            elif term.is_endogenous:
                values = design.basis.Q @ (design.basis.Q.T @ values)
            if operator is not None and rho != 0.0:
                values = values - rho * operator(values)
            columns.append(values)
            expected = is_predicted or term.is_endogenous
            names.append(f"{equation.name}: {f'E[{term.name}]' if expected else term.name}")
    return replace(
        design,
        instruments=np.column_stack(columns),
        instrument_names=tuple(names),
        own_instruments=tuple(own),
    )


def checked_for_far_off(found: Estimate) -> Estimate:
    """Return an estimate by the best instruments, with a warning and a note where it is likely far off."""
    if stability(found).stable:
        return found
    warn(f"{FAR_OFF[0].upper()}{FAR_OFF[1:]}.")
    return replace(found, numbers=replace(found.numbers, notes=(*found.numbers.notes, FAR_OFF)))


def _predicted(found: Estimate) -> Float:
    """Return the outcomes that the exogenous terms imply, without effects and errors; (R, G)."""
    design, structure = found.design, found.structure
    out = np.zeros((design.layout.n_rows, structure.n_equations))
    for g, (equation, place) in enumerate(zip(structure.equations, structure.slices, strict=True)):
        for term, column, slope in zip(equation.terms, design.regressors[g], found.delta[place], strict=True):
            if term.role in ("exogenous", "predetermined", "constant") or structure.is_outcome(term):
                out[:, g] += slope * design.raw[:, column]
    return reduced_form(found, out)
