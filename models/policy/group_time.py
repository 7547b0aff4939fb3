"""Group-time effects of Callaway and Sant'Anna (2021), doubly robust, with the influence of each unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError

__all__ = ["GroupTime", "aggregate", "group_time", "logit"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GroupTime:
    """ATT(g, t) of each cohort and time.

    Parameters
    ----------
    cohort, time : int array (K,)
        Positions of the first treated time and of the time.
    att : array (K,)
    influence : array (N, K)
        `att` minus its limit is the sum over units.
    """

    cohort: Int
    time: Int
    att: Float
    influence: Float


def group_time(
    Y: Float,
    X: Float,
    start: Int,
    *,
    not_yet: bool = False,
    anticipation: int = 0,
    universal: bool = True,
    weights: Float | None = None,
) -> GroupTime:
    r"""Return the average effect on each cohort at each time,

    .. math:: ATT(g, t) = E[Y_t - Y_{g-\delta-1} - m(X) \mid G = g]
              - \frac{E[w(X)(Y_t - Y_{g-\delta-1} - m(X)) \mid C]}{E[w(X) \mid C]},

    with the odds :math:`w` of a logit of cohort on controls and the outcome regression :math:`m` of controls
    (Callaway and Sant'Anna 2021, eq. 2.4; influence: Sant'Anna and Zhao 2020, eq. 3.1).

    Parameters
    ----------
    Y : array (T, N)
    X : array (T, N, k)
        Controls; taken at the base time.
    start : int array (N,)
        Position of the first treated time; -1 for never.
    not_yet : bool
        Whether units that are not treated yet are controls too.
    anticipation : int
    universal : bool
        Whether the base is the last time before the policy for each time, or for times before it the time
        before.
    weights : array (N,), optional
        Of units in all means, the logit and the outcome regression; taken as fixed.
    """
    times, units = Y.shape
    size = np.ones(units) if weights is None else np.asarray(weights, dtype=np.float64)
    cohorts = np.unique(start[start >= 0])
    never = start < 0
    rows: list[tuple[int, int, float, Float]] = []
    for g in cohorts:
        base = int(g) - 1 - anticipation
        if base < 0:
            continue
        for t in range(0 if universal else 1, times):
            before = t < int(g) - anticipation
            b = base if universal or not before else t - 1
            if t == b:
                continue
            treated = start == g
            late = (start > max(t, b) + anticipation) & ~treated if not_yet else np.zeros(units, dtype=bool)
            control = never | late
            if not control.any():
                continue
            att, influence = _doubly_robust(Y[t] - Y[b], X[min(b, t)], treated, control, size)
            rows.append((int(g), t, att, influence))
    if not rows:
        raise DataError(
            "No cohort has a time before the policy and units to compare with: each unit is treated from "
            f"{anticipation + 1} times after the first on, or all are treated at once."
        )
    return GroupTime(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        np.column_stack([row[3] for row in rows]),
    )


def _doubly_robust(dy: Float, X: Float, treated: Bool, control: Bool, size: Float) -> tuple[float, Float]:
    """Return one ATT and the influence of each unit, (N,)."""
    used = treated | control
    n = int(used.sum())
    D, d = treated[used].astype(float), dy[used]
    w = size[used] / size[used].mean()
    Z = np.column_stack([np.ones(n), X[used]])
    scale = np.sqrt(np.mean(Z**2, axis=0))
    Z = Z / np.where(scale > 0, scale, 1.0)
    C = 1.0 - D
    p = np.full(n, np.average(D, weights=w)) if Z.shape[1] == 1 else logit(Z, D, w)
    if (p[D == 0] > 1 - 1e-6).any():
        raise DataError(
            f"Controls separate {int(D.sum())} treated from {int(C.sum())} untreated units: their odds of "
            "treatment "
            f"are without bound. Use fewer controls, or match first (match='psm')."
        )
    root = np.sqrt(w[D == 0])
    beta = np.linalg.lstsq(Z[D == 0] * root[:, None], d[D == 0] * root, rcond=None)[0]
    rest = d - Z @ beta
    D, C = w * D, w * C
    odds = p * C / (1 - p)
    eta_t, eta_c = np.sum(D * rest) / D.sum(), np.sum(odds * rest) / odds.sum()
    # Influence: of the means, of the outcome regression, of the logit.
    ols = (C * rest)[:, None] * Z @ np.linalg.pinv((Z * C[:, None]).T @ Z / n)
    ps = (D - w * p)[:, None] * Z @ np.linalg.pinv((Z * (w * p * (1 - p))[:, None]).T @ Z / n)
    one = (D * (rest - eta_t) - ols @ (D @ Z / n)) / D.mean()
    two = odds * (rest - eta_c) + ps @ ((odds * (rest - eta_c)) @ Z / n) - ols @ (odds @ Z / n)
    influence = np.zeros(len(dy))
    influence[used] = (one - two / odds.mean()) / n
    return float(eta_t - eta_c), influence


def logit(Z: Float, D: Float, weights: Float | None = None) -> Float:
    """Return fitted probabilities of a logit by Newton steps, (n,)."""
    b = np.zeros(Z.shape[1])
    w = np.ones(len(D)) if weights is None else weights
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(Z @ b, -35, 35)))
        step = np.linalg.pinv((Z * (w * p * (1 - p))[:, None]).T @ Z) @ (Z.T @ (w * (D - p)))
        b = b + step
        if np.max(np.abs(step)) < 1e-10 * max(1.0, float(np.max(np.abs(b)))):
            break
    return np.asarray(1 / (1 + np.exp(-np.clip(Z @ b, -35, 35))))


def aggregate(found: GroupTime, which: Bool, start: Int, by_cohort: bool = False) -> tuple[float, Float]:
    r"""Average some ATT(g, t) by the size of their cohort; return it and its influence, (N,).

    Parameters
    ----------
    found : GroupTime
    which : bool array (K,)
    start : int array (N,)
    by_cohort : bool
        Average within cohorts first, so that each counts by its size and not by its number of times (Callaway
        and Sant'Anna 2021, eq. 3.11).

    Notes
    -----
    The weights are estimated shares of cohorts, and the influence says so.
    """
    n = len(start)
    cohort = found.cohort[which]
    share = np.array([(start == g).mean() for g in cohort])
    if by_cohort:
        share = share / np.array([(cohort == g).sum() for g in cohort])
    weights = share / share.sum()
    member = np.column_stack([(start == g).astype(float) for g in cohort])
    if by_cohort:
        member = member / np.array([(cohort == g).sum() for g in cohort])
    moved = (member - share) / share.sum() - (member - share).sum(
        axis=1, keepdims=True
    ) * share / share.sum() ** 2
    att = found.att[which]
    return float(weights @ att), found.influence[:, which] @ weights + moved @ att / n
