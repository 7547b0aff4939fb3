r"""Least squares with unit effects swept out, and the imputation of untreated outcomes; functions of arrays.

Rows are cells. Unit effects are taken out by means; time (or region by time) effects and regressors stand in
one small system, so that the cost is linear in the number of cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Imputed", "Regressed", "impute", "regress"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

_RANK = 1e-10


@dataclass(frozen=True, eq=False)
class Regressed:
    """Coefficients of regressors beside two-way effects.

    Parameters
    ----------
    b : array (k,)
    scores : array (R, k)
        Influence of each row: `b` minus its limit is their sum.
    residuals : array (R,)
    aliased : bool array (k,)
        Regressors that the effects, or those before them, explain; their b is NaN.
    rank : int
        Of effects and regressors together, unit effects included.
    """

    b: Float
    scores: Float
    residuals: Float
    aliased: Bool
    rank: int


@dataclass(frozen=True, eq=False)
class Imputed:
    """Weighted effects on treated cells.

    Parameters
    ----------
    estimates : array (K,)
    scores : array (R, K)
        Influence of each row, with the residuals of Borusyak, Jaravel and Spiess (2024), eq. 7.
    effects : array (R,)
        Outcome minus its imputed value; NaN where the cell's effects are not identified.
    b : array (k,)
        Slopes of the regressors, from untreated cells.
    slope_scores : array (R, k)
    aliased : bool array (k,)
    """

    estimates: Float
    scores: Float
    effects: Float
    b: Float
    slope_scores: Float
    aliased: Bool


@dataclass(frozen=True, eq=False)
class _Swept:
    """Time dummies and regressors beside unit effects, on the rows that estimate them."""

    M: Float  # (R, L + k), all rows, raw
    means: Float  # (N, L + k), unit means over the rows used
    used: Bool
    unit: Int
    counts: Float
    inverse: Float  # generalised inverse of the Gram matrix
    aliased: Bool  # of the k regressors
    rank: int


def _sweep(X: Float, unit: Int, time: Int, used: Bool, row_weights: Float) -> _Swept:
    levels = int(time.max()) + 1
    dummies = np.zeros((len(time), levels))
    dummies[np.arange(len(time)), time] = 1.0
    scale = np.sqrt(np.mean(X[used] ** 2, axis=0)) if X.shape[1] else np.ones(0)
    M = np.column_stack([dummies, X])
    counts = np.bincount(unit[used], minlength=int(unit.max()) + 1).astype(float)
    means = _unit_means(M, unit, used, counts)
    inside = (M - means[unit])[used] * np.sqrt(row_weights[used])[:, None]
    # A regressor is aliased where the columns before it leave nothing of it.
    # Rows of `spanned` are the basis, so that each is one piece of memory.
    spanned, aliased, kept = np.empty(inside.shape[::-1]), np.zeros(X.shape[1], dtype=bool), list[int]()
    for k in range(inside.shape[1]):
        column, basis = inside[:, k], spanned[: len(kept)].T
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        size = np.linalg.norm(rest)
        reference = np.sqrt(used.sum()) * (scale[k - levels] if k >= levels else 1.0)
        if size <= _RANK * max(reference, 1e-300):
            if k >= levels:
                aliased[k - levels] = True
            continue
        spanned[len(kept)] = rest / size
        kept.append(k)
    inverse = np.zeros((M.shape[1], M.shape[1]))
    upper = spanned[: len(kept)] @ inside[:, kept]
    half = np.linalg.inv(upper)
    inverse[np.ix_(kept, kept)] = half @ half.T
    return _Swept(M, means, used, unit, counts, inverse, aliased, len(kept) + int((counts > 0).sum()))


def _unit_means(values: Float, unit: Int, used: Bool, counts: Float) -> Float:
    own, rows = unit[used], values[used]
    sums = [np.bincount(own, weights=column, minlength=len(counts)) for column in rows.T]
    whole = np.column_stack(sums) if sums else np.zeros((len(counts), 0))
    return np.asarray(whole / np.where(counts, counts, 1.0)[:, None])


def regress(
    y: Float, X: Float, unit: Int, time: Int, used: Bool | None = None, *, weights: Float | None = None
) -> Regressed:
    r"""Regress y on X beside unit and time effects.

    .. math:: y_{it} = x_{it}'b + \mu_i + \gamma_t + \varepsilon_{it}

    Parameters
    ----------
    y : array (R,)
    X : array (R, k)
    unit, time : int array (R,)
        Codes from 0; `time` may be any second effect, as region by time.
    used : bool array (R,), optional
        Rows that are used; all by default.
    weights : array (R,), optional
        Of the rows, constant within units.
    """
    rows = np.ones(len(y), dtype=bool) if used is None else used
    row_weights = np.ones(len(y)) if weights is None else weights
    swept = _sweep(X, unit, time, rows, row_weights)
    levels = swept.M.shape[1] - X.shape[1]
    inside = np.where(rows[:, None], swept.M - swept.means[unit], 0.0)
    weighted = inside * row_weights[:, None]
    centred = np.where(rows, y - _unit_means(y[:, None], unit, rows, swept.counts)[unit, 0], 0.0)
    theta = swept.inverse @ (weighted.T @ centred)
    residuals = centred - inside @ theta
    scores = (weighted * residuals[:, None]) @ swept.inverse[:, levels:]
    b = np.where(swept.aliased, np.nan, theta[levels:])
    return Regressed(b, scores, residuals, swept.aliased, swept.rank)


def impute(
    y: Float,
    X: Float,
    unit: Int,
    time: Int,
    free: Bool,
    targets: Float,
    groups: Int,
    *,
    weights: Float | None = None,
) -> Imputed:
    r"""Impute untreated outcomes, and weight the effects on treated cells.

    .. math:: \hat\tau_{it} = y_{it} - \hat\mu_i - \hat\gamma_t - x_{it}'\hat b, \qquad
              \hat\theta_k = \sum_{it} w_{itk} \hat\tau_{it},

    with effects and slopes from untreated cells (Borusyak, Jaravel and Spiess 2024).

    Parameters
    ----------
    y : array (R,)
    X : array (R, k)
    unit, time : int array (R,)
    free : bool array (R,)
        Cells without treatment.
    targets : array (R, K)
        Weights of the effects; zero on untreated cells.
    groups : int array (R,)
        Cells within which effects are averaged for the variance: cohort by time; -1 on untreated cells.
    weights : array (R,), optional
        Of the rows, constant within units.

    Notes
    -----
    The caller gives no weight to cells whose unit or time has no untreated cell.
    """
    row_weights = np.ones(len(y)) if weights is None else weights
    swept = _sweep(X, unit, time, free, row_weights)
    levels = swept.M.shape[1] - X.shape[1]
    inside = np.where(free[:, None], swept.M - swept.means[unit], 0.0)
    y_means = _unit_means(y[:, None], unit, free, swept.counts)[:, 0]
    centred = np.where(free, y - y_means[unit], 0.0)
    weighted = inside * row_weights[:, None]
    theta = swept.inverse @ (weighted.T @ centred)
    mu = y_means - swept.means @ theta
    tau = y - mu[unit] - swept.M @ theta
    residuals = centred - inside @ theta

    # The estimates are linear in y: their weights on untreated cells.
    a = np.zeros((len(swept.counts), targets.shape[1]))
    np.add.at(a, unit, targets)
    solved = swept.inverse @ (swept.M.T @ targets - swept.means.T @ a)
    own = np.ones(len(swept.counts))
    own[unit] = row_weights
    m = a / (np.where(swept.counts, swept.counts, 1.0) * own)[:, None] - swept.means @ solved
    v = np.where(free[:, None], -row_weights[:, None] * (m[unit] + swept.M @ solved), targets)

    averaged = np.empty_like(v)
    for k in range(v.shape[1]):
        square = np.where(free, 0.0, v[:, k] ** 2)
        top = np.bincount(groups[~free], weights=(square * np.where(free, 0.0, tau))[~free])
        low = np.bincount(groups[~free], weights=square[~free])
        mean = top / np.where(low > 0, low, 1.0)
        averaged[:, k] = np.where(free, residuals, tau - mean[np.where(free, 0, groups)])
    slope_scores = (weighted * residuals[:, None]) @ swept.inverse[:, levels:]
    return Imputed(
        targets.T @ np.where(free, 0.0, tau),
        v * averaged,
        np.where(free, np.nan, tau),
        np.where(swept.aliased, np.nan, theta[levels:]),
        slope_scores,
        swept.aliased,
    )
