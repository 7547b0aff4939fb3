"""A fit as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .methods import estimator_of

if TYPE_CHECKING:
    from spatial.weights.value import Weights

    from .results import SystemFit

__all__ = ["equation_table", "fit_summary"]

_SHOWN = ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]


def equation_table(frame: pd.DataFrame) -> str:
    """Write the rows of one equation."""
    shown = frame[_SHOWN].copy()
    for column in _SHOWN[1:]:
        digits = 3 if column in ("statistic", "p_value") else 5
        shown[column] = [_number(v, digits) for v in shown[column]]
    width = max(len("term"), *(len(t) for t in shown["term"]))
    lines = ["  ".join([f"{'term':<{width}}", *(f"{c:>10}" for c in _SHOWN[1:])])]
    for row in shown.itertuples(index=False):
        lines.append("  ".join([f"{row[0]:<{width}}", *(f"{v:>10}" for v in row[1:])]))
    return "\n".join(lines)


def _number(value: float, digits: int) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.{digits}f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.{digits - 1}g}"


def fit_summary(fit: SystemFit) -> str:
    """Return all that is known of the fit: size, stamps, coefficients, definitions, stability."""
    lines = [fit.estimate.title or estimator_of(fit.method).title]
    lines += [f"*** {stamp.upper()} ***" for stamp in fit.stamps]
    lines += _size(fit)
    table = fit.tidy()
    for name in fit.structure.names:
        own = pd.concat([table[table["equation"] == name], fit.cons[fit.cons["equation"] == name]])
        lines += ["", f"{name}    {_fitness(fit, name)}", equation_table(own)]
    if fit.mcelroy_r_squared == fit.mcelroy_r_squared:  # not where Sigma has no inverse
        lines += ["", f"McElroy system R2 = {fit.mcelroy_r_squared:.4f}"]
    lines += [
        "R2 = 1 - u'u / y'y, u = y - Z delta, y about its mean (within: effects out); it may be negative.",
        "Coefficients are structural slopes, the other endogenous variables held fixed: see impacts().",
    ]
    lines += [f"Note: {note}." for note in fit.notes]
    lines += [f"Left out, absorbed by the effects: {term} ({equation})." for equation, term in fit.absorbed]
    if fit.dropped_instruments and fit.estimate.uses_instruments:
        lines.append(f"Instruments left out as dependent: {', '.join(fit.dropped_instruments)}.")
    lines += ["", str(fit.stability())]
    return "\n".join(lines)


def _fitness(fit: SystemFit, name: str) -> str:
    """Write R2 and, with effects, R2 within; and the first-stage F of one equation."""
    shown = f"R2 = {fit.r_squared[name]:.4f}"
    if fit.effects:
        shown += f", within = {fit.r_squared_within[name]:.4f}"
    if fit.structure.n_equations == 1:
        shown += f", adjusted = {fit.r_squared_adjusted[name]:.4f}"
    tests = fit.equation_tests().loc[name]
    first, least = float(tests["first_stage_f"]), float(tests["first_stage_critical"])
    if first != first:
        return shown
    weak = f" (weak: below {least:.2f}; read anderson_rubin())" if first < least else ""
    return f"{shown}; first-stage F = {first:.2f}{weak}"


def _alone(w: Weights) -> str:
    """Say how many units have no neighbours: their lags are 0."""
    count = len(w.islands)
    return f", {count} of {w.n} units without neighbours (lags of 0)" if count else ""


def _size(fit: SystemFit) -> list[str]:
    weights = [
        f"{name}: {w.meta.kind}, normalisation {w.meta.normalization}{_alone(w)}"
        for name, w in fit.estimate.design.weights.items()
    ]
    return [
        f"N = {fit.n_units}, T = {fit.n_times}, observations = {fit.n_obs}, effective = {fit.n_effective}",
        f"Effects: {' + '.join(fit.effects) or 'none'}.  Standard errors: {fit.covariance.label}; "
        f"statistics against {fit.estimate.inference.law.words}.",
        f"{_means(fit)}.  Weights: {'; '.join(weights) or 'none'}.",
    ]


def _means(fit: SystemFit) -> str:
    """Return what the estimate was made of: how many instruments, or the likelihood that it reached."""
    if fit.estimate.uses_instruments:
        return f"Instruments: {len(fit.instruments)}"
    shown = {"log_likelihood": "Log-likelihood", "aic": "AIC", "bic": "BIC"}
    return ", ".join(f"{shown[key]} = {value:.4f}" for key, value in fit.facts if key in shown)
