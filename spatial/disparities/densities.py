"""Kernel densities of a variable over units, by time: the numbers under a ridge plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted, name_ids
from spatial.ids.alignment import check_scale
from spatial.ids.rows import check_rows, checked_option, codes_of, numbers, plain
from spatial.ids.times import find_times
from spatial.panel.panel import Panel

__all__ = ["density_by_time"]

Float = NDArray[np.float64]


@hinted
def density_by_time(
    panel: Panel | pd.DataFrame,
    column: str,
    *,
    times: Sequence[Any] | None = None,
    bandwidth: float | None = None,
    kernel: Literal["gaussian", "epanechnikov"] = "gaussian",
    points: int = 200,
) -> pd.DataFrame:
    r"""Return the kernel density of a variable over the units at each time,

    .. math:: \hat f_t(x) = \frac{1}{N_t h} \sum_i K\!\left( \frac{x - x_{it}}{h} \right) ,

    on one grid and with one bandwidth, so that the times can be compared; `spatial.figures.density_ridges`
    draws it.

    Parameters
    ----------
    panel : Panel or DataFrame
        By (unit, time).
    column : str
        Missing cells are left out.
    times : list, optional
        Default: all.
    bandwidth : float, optional
        h, in the unit of the variable; default Silverman's (1986, eq. 3.31) of one cross-section of the
        pooled values, :math:`0.9 \min(s, IQR/1.34)\, n^{-1/5}` with n the mean number of units.
    kernel : {"gaussian", "epanechnikov"}
        Both scaled to a standard deviation of h.
    points : int
        Length of the grid, which reaches 4 h beyond the extremes.

    Returns
    -------
    DataFrame
        The densities, indexed by grid point (named as the column), a column each time; ``attrs`` hold
        ``bandwidth`` and ``kernel``.

    Raises
    ------
    DataError
        If there is no such column, it is constant, or a time has fewer than two numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.MultiIndex.from_product([["a", "b", "c"], [2001, 2002]], names=["city", "year"])
    >>> found = density_by_time(pd.DataFrame({"y": [1.0, 2.0, 2.0, 2.5, 4.0, 3.0]}, rows), "y", bandwidth=0.5)
    >>> list(found.columns), round(float(found[2002].max()), 3)
    ([2001, 2002], 0.588)
    """
    checked_option(kernel, _KERNELS, "kernel")
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise DataError(f"points must be a whole number above 1; got {points!r}.")
    samples = _samples(panel, column, times)
    h = _silverman(list(samples.values()), column) if bandwidth is None else bandwidth
    if not (np.isfinite(h) and h > 0):
        raise DataError(f"bandwidth must be positive; got {bandwidth!r}.")
    low, high = min(s[0] for s in samples.values()), max(s[-1] for s in samples.values())
    grid = np.linspace(low - 4 * h, high + 4 * h, points)
    curves = {time: _density(sample, grid, h, _KERNELS[kernel]) for time, sample in samples.items()}
    found = pd.DataFrame(curves, index=pd.Index(grid, name=column))
    found.columns.name = "time"
    found.attrs = {"bandwidth": float(h), "kernel": kernel}
    return found


def _gaussian(u: Float) -> Float:
    return np.asarray(np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi))


def _epanechnikov(u: Float) -> Float:
    # sqrt(5) gives the kernel a variance of one
    return np.asarray(0.75 / np.sqrt(5) * np.maximum(1 - u**2 / 5, 0.0))


_KERNELS: Mapping[str, Callable[[Float], Float]] = {"gaussian": _gaussian, "epanechnikov": _epanechnikov}


def _density(sample: Float, grid: Float, h: float, kernel: Callable[[Float], Float]) -> Float:
    found = np.zeros(len(grid))
    for part in np.array_split(sample, max(1, len(sample) * len(grid) // 2_000_000)):  # 16 MB at a time
        found += kernel((grid[:, None] - part[None, :]) / h).sum(axis=1)
    return found / (len(sample) * h)


def _samples(panel: Any, column: str, times: Sequence[Any] | None) -> dict[Any, Float]:
    frame = panel.frame if isinstance(panel, Panel) else panel
    if not isinstance(frame, pd.DataFrame) or frame.index.nlevels != 2:
        raise DataError("A Panel, or a DataFrame by (unit, time), is needed.")
    if column not in frame.columns:
        raise DataError(f"There is no column {column!r}. The columns are: {name_ids(frame.columns, 12)}.")
    check_rows(frame.index, "Rows")
    values = numbers(frame[column], f"Column {column!r}")
    check_scale(values, f"Column {column!r}")
    if np.isinf(values).any():
        raise DataError(f"Column {column!r} has {int(np.isinf(values).sum())} infinite cells. Correct them.")
    codes, have = codes_of(frame.index.get_level_values(1))
    chosen = list(map(plain, have)) if times is None else find_times(have, times)
    samples = {time: np.sort(values[(codes == have.get_loc(time)) & np.isfinite(values)]) for time in chosen}
    few = [time for time, sample in samples.items() if len(sample) < 2]
    if few:
        raise DataError(f"{column!r} has fewer than two numbers at {name_ids(few)}: choose other times.")
    return samples


def _silverman(samples: list[Float], column: str) -> float:
    pooled = np.concatenate(samples)
    quarter, three = np.quantile(pooled, [0.25, 0.75])
    spreads = [s for s in (pooled.std(ddof=1), (three - quarter) / 1.34) if s > 0]
    if not spreads:
        raise DataError(f"{column!r} must vary; all {len(pooled)} values are {pooled[0]:g}.")
    return float(0.9 * min(spreads) * (len(pooled) / len(samples)) ** -0.2)
