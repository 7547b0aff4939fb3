"""Least squares and 2SLS on demeaned panels, clustered by unit: functions of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, NotIdentifiedError, name_ids

__all__ = ["WithinFit", "demeaned", "first_stage_f", "within_fit"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WithinFit:
    """Estimates (k,), their covariance (k, k) clustered by unit, R-squared within and residuals (T, N)."""

    estimates: Float
    covariance: Float
    r2_within: float
    residuals: Float


def demeaned(values: Float, *, unit: bool, time: bool) -> Float:
    """Return (T, N, k) values less their unit and time means; balanced panels only."""
    out = values
    if unit:
        out = out - out.mean(axis=0, keepdims=True)
    if time:
        out = out - out.mean(axis=1, keepdims=True)
    return out


def within_fit(
    y: Float, x: Float, instruments: Float | None, names: list[str], *, unit: bool, time: bool
) -> WithinFit:
    """Fit y (T, N) on x (T, N, k) after the effects; by 2SLS where `instruments` (T, N, m) are given.

    The covariance clusters by unit, with the factor G/(G - 1) x (n - 1)/(n - K); K counts the
    coefficients and the time effects (or one constant); unit effects are nested in the clusters, and not
    counted (fixest's default).
    """
    t, n, k = x.shape
    flat_y = demeaned(y[:, :, None], unit=unit, time=time).reshape(t * n)
    flat_x = demeaned(x, unit=unit, time=time).reshape(t * n, k)
    _refuse_collinear(flat_x, x.reshape(t * n, k), names)
    projected = flat_x
    if instruments is not None:
        h = demeaned(instruments, unit=unit, time=time).reshape(t * n, -1)
        projected = _project(flat_x, h)
    bread = projected.T @ flat_x
    if np.linalg.cond(_scaled(projected)) > 1e10:
        raise NotIdentifiedError(
            "The instruments do not tell the coefficients apart: the lagged growth has no instrument beside "
            'the regressors. Add controls, or leave "growth" out of lags.'
        )
    estimates = np.linalg.solve(bread, projected.T @ flat_y)
    residuals = flat_y - flat_x @ estimates
    scores = (projected * residuals[:, None]).reshape(t, n, k).sum(axis=0)  # (N, k): sums over time
    inverse = np.linalg.inv(bread)
    counted = k + (t if time else int(unit))
    factor = n / (n - 1) * (t * n - 1) / (t * n - counted)
    covariance = factor * inverse @ (scores.T @ scores) @ inverse.T
    total = flat_y @ flat_y if unit or time else ((flat_y - flat_y.mean()) ** 2).sum()
    r2 = 1 - residuals @ residuals / total
    return WithinFit(
        np.asarray(estimates, np.float64),
        np.asarray(covariance, np.float64),
        float(r2),
        residuals.reshape(t, n),
    )


def first_stage_f(
    endogenous: Float, exogenous: Float, instruments: Float, *, unit: bool, time: bool
) -> float:
    """Return the F statistic, clustered by unit, of the instruments beside the exogenous regressors.

    All are (T, N, .), `endogenous` (T, N); NaN where the instruments add nothing.
    """
    t, n = endogenous.shape
    flat = [
        demeaned(v, unit=unit, time=time).reshape(t * n, -1)
        for v in (endogenous[:, :, None], exogenous, instruments)
    ]
    w = flat[0] - _project(flat[0], flat[1])
    basis = _basis(flat[2] - _project(flat[2], flat[1]), np.sqrt((flat[2] ** 2).sum(axis=0)))
    m = basis.shape[1]
    if m == 0 or n <= m:
        return np.nan
    slope = basis.T @ w  # the basis is orthonormal
    scores = (basis * (w - basis @ slope)).reshape(t, n, m).sum(axis=0)
    wald = slope.T @ np.linalg.solve(scores.T @ scores, slope)
    return float(wald.item() / m * (n - m) / n)


def _basis(h: Float, size: Float) -> Float:
    """Return an orthonormal basis of the columns of `h`, each beside its `size` before partialling out."""
    from scipy.linalg import qr

    q, r, _ = qr(h / np.maximum(size, 1e-300), mode="economic", pivoting=True)
    return np.asarray(q[:, : int((np.abs(np.diag(r)) > 1e-9).sum())])


def _scaled(x: Float) -> Float:
    return np.asarray(x / np.maximum(np.sqrt((x**2).sum(axis=0)), 1e-300))


def _refuse_collinear(x: Float, raw: Float, names: list[str]) -> None:
    size = np.sqrt((x**2).sum(axis=0))
    absorbed = size <= 1e-10 * np.maximum(np.sqrt((raw**2).sum(axis=0)), 1e-300)
    if absorbed.any():
        lost = [name for name, gone in zip(names, absorbed, strict=True) if gone]
        raise DataError(
            f"These regressors do not vary beside the effects: {name_ids(lost)}. Leave them out, or take "
            "fewer effects."
        )
    # In order, so that the later of two equal columns is named.
    corner = np.abs(np.diag(np.linalg.qr(_scaled(x), mode="r")))
    if (corner < 1e-8).any() or len(x) < x.shape[1]:
        lost = [name for name, c in zip(names, corner, strict=False) if c < 1e-8]
        raise DataError(
            f"These regressors are combinations of the others: {name_ids(lost or names)}. Leave them out."
        )


def _project(x: Float, h: Float) -> Float:
    basis = _basis(h, np.sqrt((h**2).sum(axis=0)))
    return np.asarray(basis @ (basis.T @ x))
