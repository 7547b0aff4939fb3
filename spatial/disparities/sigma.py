"""Sigma convergence, and what it shares with beta: balanced cubes, ordered weights, rows of estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from spatial.errors import DataError
from spatial.ids.alignment import indexer
from spatial.ids.rows import balanced_axes, canonical, read_columns, row_names
from spatial.panel.panel import Panel
from spatial.weights.value import Weights, as_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
class SigmaConvergence:
    """Dispersion between units over time, and its linear trend.

    Parameters
    ----------
    frame : DataFrame
        By time: ``n, mean, sd_log, cv`` and, with weights, ``sd_log_local``.
    trends : DataFrame
        By measure: slope on time with the standard columns.
    """

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
        numbers = {"float_format": lambda v: f"{v:.4f}"}
        return f"{self.frame.to_string(**numbers)}\n\n{self.trends.to_string(index=False, **numbers)}"

    def __repr__(self) -> str:
        """Return the summary."""
        return self.summary()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the dispersion over time."""
        from spatial.figures.canvas import drawing

        with drawing(ax, []) as axes:
            for column in self.frame.columns.drop(["n", "mean"]):
                axes.plot(np.arange(len(self.frame)), self.frame[column].to_numpy(), marker="o", label=column)
            axes.set_xticks(np.arange(len(self.frame)), [str(time) for time in self.frame.index])
            axes.legend()
        return axes


def sigma_convergence(panel: Panel | pd.DataFrame, column: str, W: Any = None) -> SigmaConvergence:
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
        ...), per step; errors over time are not independent, so take its p-values as description.

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
    logs = np.log(y)
    frame = pd.DataFrame(
        {
            "n": y.shape[1],
            "mean": y.mean(axis=1),
            "sd_log": logs.std(axis=1, ddof=1),
            "cv": y.std(axis=1, ddof=1) / y.mean(axis=1),
        },
        index=cube.times,
    )
    if W is not None:
        w = ordered_weights(W, cube.units)
        if not w.is_row_standardized:
            raise DataError("Dispersion about the neighbours' mean needs W.row_standardized().")
        frame["sd_log_local"] = (logs - lagged(w, logs)).std(axis=1, ddof=1)
    measures = [c for c in frame.columns if c not in ("n", "mean")]
    return SigmaConvergence(frame, pd.DataFrame([_trend(m, frame[m].to_numpy()) for m in measures]))


def _trend(name: str, values: Float) -> dict[str, Any]:
    steps = np.arange(len(values), dtype=np.float64)
    if len(values) < 3:
        slope = float(np.polyfit(steps, values, 1)[0]) if len(values) == 2 else np.nan
        return estimate_row(name, slope, np.nan, np.inf)
    fit = stats.linregress(steps, values)
    return estimate_row(name, float(fit.slope), float(fit.stderr), len(values) - 2)


def estimate_row(term: str, estimate: float, std_error: float, dof: float) -> dict[str, Any]:
    """Return the standard columns, with a t distribution of `dof` degrees of freedom."""
    statistic = estimate / std_error if std_error > 0 else np.nan
    reach = stats.t.ppf(0.975, dof) * std_error
    return {
        "term": term,
        "estimate": estimate,
        "std_error": std_error,
        "statistic": statistic,
        "p_value": 2 * stats.t.sf(abs(statistic), dof),
        "conf_low": estimate - reach,
        "conf_high": estimate + reach,
    }
