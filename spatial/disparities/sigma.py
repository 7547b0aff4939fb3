"""Sigma convergence, and what it shares with beta: balanced cubes, ordered weights, rows of estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy import sparse

from spatial.errors import DataError, WeightsError, hinted, name_ids
from spatial.ids.alignment import check_scale, indexer
from spatial.ids.rows import balanced_axes, canonical, read_columns, row_names
from spatial.languages.shown import digits, frame_text
from spatial.panel.panel import Panel
from spatial.results import Result
from spatial.weights.value import Weights, WeightsLike, as_weights
from spatial.words import tell

__all__ = ["SigmaConvergence", "estimate_row", "lagged", "ordered_weights", "read_logs", "sigma_convergence"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cube:
    """A balanced panel as an array, units and times sorted."""

    values: Float  # (T, N, k)
    units: pd.Index[Any]
    times: pd.Index[Any]


def read_logs(panel: Panel | pd.DataFrame, columns: list[str], why: str) -> Cube:
    """Return `columns` as (T, N, k), the first of them positive; refuse gaps, by id."""
    frame, values = read_columns(panel, columns)
    check_scale(values, f"{why}: the table")
    order = canonical(frame.index)
    rows = frame.index.take(order)
    units, times = balanced_axes(rows, why)
    bad = values[:, 0] <= 0
    if bad.any():
        raise DataError(
            f"{why} takes logarithms: {columns[0]!r} must be positive; it is not at "
            f"{row_names(frame.index, bad)}. Drop these units, or measure another variable."
        )
    cube = values[order].reshape(len(units), len(times), -1).transpose(1, 0, 2)
    return Cube(np.ascontiguousarray(cube), units, times)


def ordered_weights(weights: Any, units: pd.Index[Any]) -> Weights:
    """Return the weights in the order of `units`; refuse other ids."""
    w = as_weights(weights)
    indexer(units, w.ids, "the panel")
    return w.reordered(units)


def lagged(W: Weights, values: Float) -> Float:
    """Return the lag of (T, N) or (T, N, k) values over units."""
    return np.asarray(W.lag(values, axis=1))


@dataclass(frozen=True, eq=False, repr=False)
class SigmaConvergence(Result):
    """Dispersion between units over time, and its linear trend.

    Parameters
    ----------
    frame : DataFrame
        By time: ``n, mean, sd_log, cv`` and, with weights, ``sd_log_local``.
    trends : DataFrame
        By measure: slope on time with the standard columns.
    """

    figure: ClassVar[str] = "dispersion_plot"

    frame: pd.DataFrame
    trends: pd.DataFrame

    @property
    def converges(self) -> bool:
        """Whether the standard deviation of logs falls from the first to the last time."""
        return bool(self.frame["sd_log"].iloc[-1] < self.frame["sd_log"].iloc[0])

    def tidy(self) -> pd.DataFrame:
        """Return the trends: ``term, estimate, std_error, statistic, p_value, conf_low, conf_high``."""
        return self.trends.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: times, units, dispersion at the first and the last time."""
        first, last = self.frame.iloc[0], self.frame.iloc[-1]
        ends = {
            f"{m}_{end}": row[m] for m in ("sd_log", "cv") for end, row in (("first", first), ("last", last))
        }
        return pd.DataFrame([{"n_times": len(self.frame), "n_units": int(first["n"]), **ends}])

    def summary(self) -> str:
        """Return frame and trends as text."""
        trends = frame_text(self.trends, digits(4))
        assumed = tell(
            "Trends: units independent of each other, clustered by unit over time.",
            "趋势：各个体相互独立，按个体跨期聚类。",
        )
        return f"{frame_text(self.frame, digits(4), index=True)}\n\n{trends}\n{assumed}"

    def headline(self) -> str:
        """Say how dispersion went."""
        first, last = self.frame["sd_log"].iloc[0], self.frame["sd_log"].iloc[-1]
        times = len(self.frame)
        return tell(
            f"sd of logs from {first:.4f} to {last:.4f} in {times} times",
            f"对数标准差在 {times} 期内由 {first:.4f} 变为 {last:.4f}",
        )


@hinted
def sigma_convergence(
    panel: Panel | pd.DataFrame, column: str, W: WeightsLike | None = None
) -> SigmaConvergence:
    r"""Return the dispersion of a variable between units at each time,

    .. math::

        \sigma_t = \mathrm{sd}_i(\ln y_{it}), \qquad CV_t = \frac{\mathrm{sd}_i(y_{it})}{\bar y_t}, \qquad
        \sigma^W_t = \mathrm{sd}_i\Big( \ln y_{it} - \sum_j w_{ij} \ln y_{jt} \Big) ,

    with n - 1 in the standard deviations; falling dispersion is sigma convergence (Barro and
    Sala-i-Martin 1992).  The last, with row-standardised W, is dispersion about the neighbours.

    Parameters
    ----------
    panel : Panel or DataFrame
        By (unit, time), balanced, times equally spaced.
    column : str
        Positive.
    W : Weights, Graph or W, optional
        Matched by id.

    Returns
    -------
    SigmaConvergence
        ``frame`` by time and ``trends``: least squares of each measure on the number of the time (0, 1,
        ...), per step, :math:`\sum_t a_t s_t`.  Standard errors are clustered by unit,

        .. math::

            \psi_i = \sum_t a_t \frac{z_{it}^2 - s_t^2}{2 s_t}, \qquad
            SE = \frac{1}{n - 1} \Big( \sum_i \psi_i^2 \Big)^{1/2},

        with t(n - 1) (about the neighbours, of the quadratic form in all units).  Units are taken as
        independent of each other, and as dependent over time in any way: the T points of a trend are made of
        the same units, and least squares on them as if they were independent finds convergence in a quarter
        of the samples that have none.

    Raises
    ------
    DataError
        If there is no such column, a value is missing or not positive, or times are not equally spaced.
    WeightsError
        If `W` is not row-standardised, or a unit has no neighbours.
    AlignmentError
        If the units of the panel are not those of the weights.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.MultiIndex.from_product([["a", "b", "c"], [2001, 2002, 2003]])
    >>> gdp = pd.DataFrame({"gdp": [1.0, 2.0, 3.0, 2.0, 3.0, 4.0, 4.0, 4.5, 5.0]}, rows)
    >>> found = sigma_convergence(gdp, "gdp")
    >>> found.frame["sd_log"].round(3).tolist(), found.converges
    ([0.693, 0.405, 0.256], True)
    """
    cube = read_logs(panel, [column], "Sigma convergence")
    y = cube.values[:, :, 0]
    if y.shape[1] < 2:
        raise DataError("Dispersion between units needs two units or more; there is one.")
    logs = np.log(y)
    mean, sd = y.mean(axis=1), y.std(axis=1, ddof=1)
    columns = {"n": y.shape[1], "mean": mean, "sd_log": logs.std(axis=1, ddof=1), "cv": sd / mean}
    frame = pd.DataFrame(columns, index=cube.times)
    slopes = _slopes(len(y))
    apart = logs - logs.mean(axis=1, keepdims=True)
    centred = y - mean[:, None]
    # Of s / m: what moves s, over m, less what moves m.
    moved = _moved_by(centred, sd) / mean[:, None] - (sd / mean**2)[:, None] * centred
    errors = {
        "sd_log": _clustered(slopes @ _moved_by(apart, columns["sd_log"])),
        "cv": _clustered(slopes @ moved),
    }
    if W is not None:
        w = ordered_weights(W, cube.units)
        if not w.is_row_standardized:
            raise DataError("Dispersion about the neighbours' mean needs W.row_standardized().")
        if len(w.islands):
            raise WeightsError(
                f"Dispersion about the neighbours' mean needs neighbours; these units have none: "
                f"{name_ids(w.islands)}. Leave them out of panel and weights, or build weights that link "
                "them."
            )
        local = (logs - lagged(w, logs)).std(axis=1, ddof=1)
        frame["sd_log_local"] = local
        errors["sd_log_local"] = _about_neighbours(w, apart, slopes, local)
    rows = [
        estimate_row(name, float(slopes @ frame[name].to_numpy()), error, y.shape[1] - 1)
        for name, error in errors.items()
    ]
    return SigmaConvergence(frame, pd.DataFrame(rows))


def _slopes(t: int) -> Float:
    """Return the weights of least squares on time: the trend of v is their product with v."""
    if t < 2:
        return np.full(t, np.nan)
    steps = np.arange(t, dtype=np.float64)
    return np.asarray((steps - steps.mean()) / ((steps - steps.mean()) ** 2).sum())


def _moved_by(deviations: Float, sd: Float) -> Float:
    """Return :math:`(z_{it}^2 - s_t^2) / (2 s_t)`, (T, N): what a unit moves s by, times n - 1."""
    s = sd[:, None]
    return np.divide(deviations**2 - s**2, 2 * s, out=np.zeros_like(deviations), where=s > 0)


def _clustered(psi: Float) -> float:
    """Return the standard error of a sum over units, (N,)."""
    return float(np.sqrt(psi @ psi)) / (len(psi) - 1)


def _about_neighbours(W: Weights, z: Float, slopes: Float, sd: Float) -> float:
    r"""Return the standard error of the trend about the neighbours' mean, units independent.

    A unit moves its own deviation and those of its neighbours.  With :math:`A = (I - W)'(I - W)/(n - 1)` and
    :math:`g_{ij} = \sum_t a_t z_{it} z_{jt} / (2 s_t)` the trend is :math:`\sum_{ij} A_{ij} g_{ij}`, of
    variance
    :math:`\sum_i A_{ii}^2 (g_{ii} - \bar g)^2 + 2 \sum_{i \ne j} A_{ij}^2 g_{ij}^2`.
    """
    n = z.shape[1]
    apart = sparse.eye_array(n, format="csr") - W.sparse
    pairs = sparse.coo_array(apart.T @ apart / (n - 1))
    i, j = pairs.coords
    scaled = z * np.divide(slopes, 2 * sd, out=np.zeros_like(sd), where=sd > 0)[:, None]
    g = np.zeros(len(i))
    for now, then in zip(scaled, z, strict=True):
        g += now[i] * then[j]
    own = i == j
    weights = pairs.data
    mean = float(weights[own] @ g[own] / weights[own].sum())
    variance = float(((weights[own] * (g[own] - mean)) ** 2).sum())
    variance += 2 * float(((weights[~own] * g[~own]) ** 2).sum())
    return float(np.sqrt(variance))


def estimate_row(term: str, estimate: float, std_error: float, dof: float) -> dict[str, Any]:
    """Return the standard columns, with a t distribution of `dof` degrees of freedom."""
    statistic = estimate / std_error if std_error > 0 else np.nan
    reach = scipy.stats.t.ppf(0.975, dof) * std_error
    return {
        "term": term,
        "estimate": estimate,
        "std_error": std_error,
        "statistic": statistic,
        "p_value": 2 * scipy.stats.t.sf(abs(statistic), dof),
        "conf_low": estimate - reach,
        "conf_high": estimate + reach,
    }
