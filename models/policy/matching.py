"""Untreated units made comparable before the comparison: nearest propensity scores, and entropy balance."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spatial.errors import ConvergenceError, DataError

from .cells import Cells
from .group_time import logit

__all__ = ["Match", "balance_weights", "matched"]

Float = NDArray[np.float64]

Match = Literal["psm", "entropy"]

CALIPER = 0.2
"""Widest distance of a match, in standard deviations of the log odds (Austin 2011)."""


def matched(cells: Cells, how: str) -> Cells:
    """Return cells whose never-treated units are matched on means of the controls before the first policy.

    Parameters
    ----------
    cells : Cells
    how : "psm" or "entropy"
        Nearest neighbour on the log odds of treatment with replacement, within `CALIPER`; or weights of the
        never treated that make their means equal those of the treated (Hainmueller 2012).
    """
    if how not in ("psm", "entropy"):
        raise DataError(f'match is "psm" or "entropy"; got {how!r}.')
    if not cells.controls:
        raise DataError(f'match="{how}" needs controls, on whose means before the policy units are matched.')
    never = cells.adoption.never
    if not never.any():
        raise DataError(f'match="{how}" needs never-treated units; each unit is treated at some time.')
    first = int(cells.adoption.start[~never].min())
    early = cells.time < first
    counts = np.bincount(cells.unit[early], minlength=cells.layout.n_units)
    means = np.zeros((cells.layout.n_units, cells.X.shape[1]))
    np.add.at(means, cells.unit[early], cells.X[early])
    known = counts > 0
    means[known] /= counts[known, None]
    if how == "psm":
        kept = _nearest(means, ~never, known)
        note = (
            f"{int((kept & never).sum())} of {int(never.sum())} never-treated and "
            f"{int((kept & ~never).sum())} of "
            f"{int((~never).sum())} treated units are matched on propensity scores"
        )
        return cells.keep(kept, note)
    weights = np.ones(cells.layout.n_units)
    weights[never & known] = balance_weights(means[never & known], means[~never & known].mean(axis=0))
    weights[never & known] *= int((never & known).sum())
    balanced = replace(cells, row_weights=weights[cells.unit])
    note = "never-treated units are weighted to the treated's means of the controls before the policy"
    return balanced.keep(known, note)


def _nearest(means: Float, treated: NDArray[np.bool_], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    scale = means[known].std(axis=0)
    Z = np.column_stack(
        [np.ones(len(means)), (means - means[known].mean(axis=0)) / np.where(scale > 0, scale, 1.0)]
    )
    p = np.full(len(means), np.nan)
    p[known] = np.clip(logit(Z[known], treated[known].astype(float)), 1e-12, 1 - 1e-12)
    odds = np.log(p / (1 - p))
    controls, kept = np.nonzero(known & ~treated)[0], np.zeros(len(means), dtype=bool)
    widest = CALIPER * float(np.std(odds[known]))
    for k in np.nonzero(known & treated)[0]:
        gap = np.abs(odds[controls] - odds[k])
        best = int(np.argmin(gap))
        if gap[best] <= widest:
            kept[k] = kept[controls[best]] = True
    if not kept.any():
        raise DataError(
            f"No treated unit has an untreated one within {CALIPER:g} standard deviations of its "
            "propensity score; "
            f"treated and untreated units do not overlap in the controls."
        )
    return kept


def balance_weights(X: Float, target: Float) -> Float:
    r"""Return weights of least relative entropy with given means, summing to one,

    .. math:: \min_w \sum_i w_i \log w_i \quad \text{s.t.} \quad \sum_i w_i x_i = \bar x, \; \sum_i w_i = 1

    (Hainmueller 2012, eq. 9), by Newton steps on its dual.

    Parameters
    ----------
    X : array (n, k)
    target : array (k,)

    Examples
    --------
    >>> import numpy as np
    >>> w = balance_weights(np.array([[0.0], [1.0], [3.0]]), np.array([2.0]))
    >>> round(float(w @ [0.0, 1.0, 3.0]), 10), round(float(w.sum()), 10)
    (2.0, 1.0)
    """
    scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    Z = (X - target) / scale
    b = np.zeros(Z.shape[1])

    def dual(b: Float) -> float:
        e = Z @ b
        return float(np.log(np.exp(e - e.max()).sum()) + e.max())

    for _ in range(200):
        e = Z @ b
        w = np.exp(e - e.max())
        w /= w.sum()
        gradient = Z.T @ w
        if np.max(np.abs(gradient)) < 1e-10:
            return np.asarray(w)
        step = np.linalg.pinv((Z * w[:, None]).T @ Z - np.outer(gradient, gradient)) @ gradient
        size, here = 1.0, dual(b)
        # Near the solution the dual falls by less than its rounding error.
        slack = 1e-14 * (1.0 + abs(here))
        while size > 1e-8 and dual(b - size * step) > here - 1e-4 * size * float(gradient @ step) + slack:
            size /= 2
        b = b - size * step
    raise ConvergenceError(
        "No weights of the untreated units give the means of the treated: they lie outside what the "
        "untreated have. "
        "Use fewer controls, or match='psm'."
    )
