"""Growth regressions of balanced panels, by the parts of `spatial.models`; clustered by unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, NotIdentifiedError, name_ids
from spatial.ids.alignment import check_scale
from spatial.models.data.effects import Effects, build_effects
from spatial.models.data.instruments import independent_columns, orthonormal_basis, triangular_factor
from spatial.models.data.layout import balanced_layout
from spatial.models.estimation.least_squares import two_stage
from spatial.models.estimation.scores import cluster_scores, cluster_sums, outer_meat
from spatial.models.identification.strength import first_stage

__all__ = ["WithinFit", "first_stage_f", "within_fit"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WithinFit:
    """Estimates (k,), their covariance (k, k) clustered by unit, R-squared within and residuals (T, N)."""

    estimates: Float
    covariance: Float
    r2_within: float
    residuals: Float


def _effects(shape: tuple[int, ...], unit: bool, time: bool) -> Effects:
    names = tuple((name,) for name, wanted in (("unit", unit), ("time", time)) if wanted)
    return build_effects(names, {}, balanced_layout(pd.RangeIndex(shape[1]), pd.RangeIndex(shape[0])))


def _rows(values: Float) -> Float:
    return values.reshape(values.shape[0] * values.shape[1], -1)


def within_fit(
    y: Float, x: Float, instruments: Float | None, names: list[str], *, unit: bool, time: bool
) -> WithinFit:
    """Fit y (T, N) on x (T, N, k) after the effects; by 2SLS where `instruments` (T, N, m) are given.

    The covariance clusters by unit, with the factor G/(G - 1) x (n - 1)/(n - K); K counts the
    coefficients and the time effects (or one constant); unit effects are nested in the clusters, and not
    counted (fixest's default).
    """
    t, n, k = x.shape
    effects = _effects(x.shape, unit, time)
    target, X = effects.project(_rows(y)[:, 0]), effects.project(_rows(x))
    for column, name in zip(_rows(x).T, names, strict=True):
        check_scale(column, name, 4)
    _refuse_collinear(X, np.linalg.norm(_rows(x), axis=0), names)
    H = _rows(x if instruments is None else instruments)
    Q = orthonormal_basis(effects.project(H), np.linalg.norm(H, axis=0)).Q
    R = Q.T @ X
    if len(R) < k or np.linalg.cond(R / np.maximum(np.linalg.norm(R, axis=0), 1e-300)) > 1e10:
        raise NotIdentifiedError(
            "The instruments do not tell the coefficients apart: the lagged growth has no instrument beside "
            'the regressors. Add controls, or leave "growth" out of lags.'
        )
    fit = two_stage([R], [Q.T @ target])
    e = target - X @ fit.delta
    counted = k + (t if time else int(unit))
    meat = outer_meat(cluster_scores(Q, e[None], fit.gamma, effects.layout.unit))
    total = target @ target if effects.any else ((target - target.mean()) ** 2).sum()
    return WithinFit(
        fit.delta,
        np.asarray(fit.bread @ meat @ fit.bread * (t * n - 1) / (t * n - counted)),
        float(1 - e @ e / total),
        e.reshape(t, n),
    )


def first_stage_f(
    endogenous: Float, exogenous: Float, instruments: Float, *, unit: bool, time: bool
) -> float:
    """Return the F statistic, clustered by unit, of the instruments beside the exogenous regressors.

    All are (T, N, .), `endogenous` (T, N); NaN where the instruments add nothing.
    """
    effects = _effects(exogenous.shape, unit, time)
    every = np.concatenate([_rows(exogenous), _rows(instruments)], axis=1)
    Q = orthonormal_basis(effects.project(every), np.linalg.norm(every, axis=0)).Q
    n = effects.layout.n_units
    stage = first_stage(
        effects.project(_rows(endogenous)), effects.project(_rows(exogenous)), Q, n_effective=len(every)
    )
    m = stage.n_instruments
    if m == 0 or n <= m:
        return np.nan
    sums = cluster_sums(stage.Z * stage.residuals, effects.layout.unit)
    slope = stage.pi[:, 0]
    return float(slope @ np.linalg.solve(sums.T @ sums, slope) / m * (n - m) / n)


def _refuse_collinear(x: Float, size: Float, names: list[str]) -> None:
    absorbed = np.linalg.norm(x, axis=0) <= 1e-10 * np.maximum(size, 1e-300)
    if absorbed.any():
        lost = [name for name, gone in zip(names, absorbed, strict=True) if gone]
        raise DataError(
            f"These regressors do not vary beside the effects: {name_ids(lost)}. Leave them out, or take "
            "fewer effects."
        )
    # In order, so that the later of two equal columns is named.
    kept = independent_columns(triangular_factor(x), size, 1e-8)
    if len(kept) < x.shape[1]:
        lost = [name for j, name in enumerate(names) if j not in kept]
        raise DataError(f"These regressors are combinations of the others: {name_ids(lost)}. Leave them out.")
