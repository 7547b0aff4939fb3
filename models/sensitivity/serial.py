"""Serial correlation of the errors of a panel, from residuals in differences or within units."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, hinted
from spatial.ids.times import times_after_gaps
from spatial.models.data.design import Design
from spatial.models.hypothesis import CLUSTERED, HypothesisTest, cluster_sums, score_test
from spatial.models.results import SystemFit
from spatial.models.solving import least_squares

from .specification import linear_parts

__all__ = ["serial_correlation"]

Float = NDArray[np.float64]


@hinted
def serial_correlation(
    fit: SystemFit,
    *,
    kind: Literal["differences", "within"] = "differences",
    covariance: Literal["scores"] | None = None,
) -> HypothesisTest:
    r"""Test whether the errors of a panel are serially correlated (Wooldridge 2010, 10.5.4 and 10.6.3).

    Parameters
    ----------
    fit : SystemFit
        One equation with exogenous regressors.
    kind : "differences" or "within"
        ``"differences"``: of :math:`\Delta y` on :math:`\Delta x`; without serial correlation in levels the
        residuals have first-order correlation -1/2 (Stata's ``xtserial``; Drukker 2003).  ``"within"``: of
        the residuals with unit effects, whose correlation is then :math:`-1/(T-1)` (balanced panels).
        Both are F(1, N - 1) with errors clustered by unit.
    covariance : "scores", optional
        Left out, the variance of the correlation is that at its estimate, as ``xtserial`` and plm's
        ``pwartest`` have it (which leaves out the factor N/(N - 1)).  It is too small with few units or
        times: 5 % tests reject .065 of true nulls with 60 units and 4 times, .088 where variances differ
        between units.  With ``"scores"`` the variance is that of the scores under the null, which rejects
        .057 and .052.

    Returns
    -------
    HypothesisTest
        With ``covariance="scores"``

        .. math:: F = \frac{N - 1}{N} \frac{(\sum_i s_i)^2}{\sum_i (s_i - \bar s)^2}, \qquad
                  s_i = \sum_t e_{i,t-1}(e_{it} - \rho_0 e_{i,t-1})

    Raises
    ------
    DataError
        If `fit` is no single equation with exogenous regressors, has fewer than three times, or is unbalanced
        where the within form is asked for.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(6)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(480, 2)), columns=["x", "e"], index=index)
    >>> data["y"] = data.x + data.groupby("city")["e"].cumsum()
    >>> serial_correlation(fixed_effects("y ~ x", data)).p_value < 0.01
    True
    """
    if covariance not in (None, "scores"):
        raise DataError(f"covariance is 'scores' or left out; got {covariance!r}.")
    if kind not in ("differences", "within"):
        raise DataError(f"kind is 'differences' or 'within'; got {kind!r}.")
    design, X, y = linear_parts(fit, "serial_correlation")
    layout = design.layout
    if layout.n_times < 3:
        raise DataError(f"Serial correlation needs three times or more; the fit has {layout.n_times}.")
    before = _row_before(design)
    if kind == "within":
        if not layout.is_balanced:
            raise DataError("The within form needs each unit at each time: use kind='differences'.")
        residual, target = fit.estimate.numbers.residuals[0], -1.0 / (layout.n_times - 1)
        rows, centre = before >= 0, True
    else:
        moved = before >= 0
        dX, dy = X[moved] - X[before[moved]], y[moved] - y[before[moved]]
        residual = np.full(len(y), np.nan)
        residual[moved] = dy - dX @ least_squares(dX, dy)
        target = -0.5
        rows, centre = moved & (before >= 0), False
        rows[moved] &= np.isfinite(residual[before[moved]])
    now, past, unit = residual[rows], residual[before[rows]], layout.unit[rows]
    return _autoregression(now, past, unit, target, centre, by_scores=covariance is not None)


def _row_before(design: Design) -> NDArray[np.intp]:
    """Return the row of the same unit one time earlier, -1 where there is none or times have a gap."""
    layout = design.layout
    place = np.full((layout.n_times + 1, layout.n_units), -1, dtype=np.intp)
    place[layout.time + 1, layout.unit] = np.arange(layout.n_rows)
    late = layout.times.isin(times_after_gaps(layout.times))
    return np.where(late[layout.time], -1, place[layout.time, layout.unit])


def _autoregression(
    now: Float, past: Float, unit: NDArray[np.intp], target: float, centre: bool, *, by_scores: bool
) -> HypothesisTest:
    if centre:
        now, past = now - now.mean(), past - past.mean()
    energy = float(past @ past)
    slope = float(past @ now) / energy
    codes = np.unique(unit, return_inverse=True)[1].astype(np.intp)
    name, null = "Wooldridge", "the errors are not serially correlated"
    found = f"correlation of the residuals {slope:.4f}, under the null {target:.4f}"
    if by_scores:
        sums = cluster_sums((past * (now - target * past))[:, None], codes)
        return score_test(name, null, sums, detail=f"{found}; scores at the null, {CLUSTERED}")
    sums = cluster_sums((past * (now - slope * past))[:, None], codes)[:, 0]
    count = len(sums)
    variance = float(sums @ sums) / energy**2 * count / (count - 1)
    statistic = (slope - target) ** 2 / variance
    return HypothesisTest(name, null, statistic, "F", 1, count - 1, detail=f"{found}; {CLUSTERED}")
