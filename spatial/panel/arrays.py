"""Cleaning as functions of arrays.  Rows are sorted by unit, then by time; missing is NaN.

Nothing here knows names: `spatial.panel.cleaning` brings columns in, and records what was done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Interpolated",
    "Winsorized",
    "interpolate",
    "lagged_rows",
    "largest_block",
    "longest_run",
    "price_level",
    "winsorize",
]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


# ---- filling
@dataclass(frozen=True)
class Interpolated:
    """`values` (R,) with gaps filled, and `filled` (R,), true where."""

    values: Float
    filled: Bool


def interpolate(
    values: Float,
    unit: Int,
    time: Float,
    *,
    extrapolate: bool = False,
    method: Literal["linear", "growth"] = "linear",
) -> Interpolated:
    r"""Fill gaps inside each unit on the line through the known values on either side.

    .. math:: x_t = x_p + (x_q - x_p) \frac{t - p}{q - p}, \qquad p < t < q

    `method="growth"` draws the line through logarithms: growth at a constant rate.  With `extrapolate`, cells
    before the first or after the last known value lie on the line through the nearest two, as with Stata's
    ``ipolate, epolate``; a unit with fewer than two known values stays as it is.

    Parameters
    ----------
    values : ndarray (R,)
        Positive, for ``growth``.
    unit : ndarray (R,)
        Number of the unit, ascending.
    time : ndarray (R,)
        Ascending within a unit; distances weigh.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, np.nan, 4.0, np.nan])
    >>> interpolate(x, np.zeros(4, int), np.array([2000.0, 2001, 2003, 2004])).values
    array([ 1.,  2.,  4., nan])
    """
    rows = np.arange(len(values))
    known = ~np.isnan(values)
    before = np.maximum.accumulate(np.where(known, rows, -1)) if len(rows) else rows
    after = np.minimum.accumulate(np.where(known, rows, len(rows))[::-1])[::-1] if len(rows) else rows
    p, q = _within(before, unit), _within(after, unit)
    inside = ~known & (p >= 0) & (q >= 0)
    low, high, fill = p.copy(), q.copy(), inside
    if extrapolate:
        second_after = _within(np.where(q >= 0, np.append(after, len(rows))[q + 1], -1), unit)
        second_before = _within(np.where(p >= 1, before[np.maximum(p - 1, 0)], -1), unit)
        early = ~known & (p < 0) & (q >= 0) & (second_after >= 0)
        late = ~known & (p >= 0) & (q < 0) & (second_before >= 0)
        low[early], high[early] = q[early], second_after[early]
        low[late], high[late] = second_before[late], p[late]
        fill = inside | early | late
    scale = np.log(np.where(known, values, 1.0)) if method == "growth" else values
    i, a, b = rows[fill], low[fill], high[fill]
    line = scale[a] + (scale[b] - scale[a]) * (time[i] - time[a]) / (time[b] - time[a])
    out = values.copy()
    out[i] = np.exp(line) if method == "growth" else line
    return Interpolated(out, fill)


def _within(rows: Int, unit: Int) -> Int:
    """Keep row numbers that point into the same unit; -1 for the others."""
    if not len(unit):
        return rows
    valid = (rows >= 0) & (rows < len(unit))
    return np.where(valid & (unit[np.clip(rows, 0, len(unit) - 1)] == unit), rows, -1)


# ---- limits
@dataclass(frozen=True)
class Winsorized:
    """`values` (R,) within the limits, `changed` (R,) true where they were not, `limits` (G, 2)."""

    values: Float
    changed: Bool
    limits: Float


def winsorize(
    values: Float, group: Int, lower: float, upper: float, *, quantile: str = "linear"
) -> Winsorized:
    """Set values beyond the quantiles `lower` and 1 - `upper` of their group to these; NaN stays NaN.

    Parameters
    ----------
    values : ndarray (R,)
    group : ndarray (R,)
        0, ..., G - 1.
    lower, upper : float
        Shares of each tail, as 0.01.
    quantile : str
        Definition of the quantile, as `numpy.quantile` names it.

    Examples
    --------
    >>> import numpy as np
    >>> winsorize(np.array([1.0, 2, 3, 4, 100]), np.zeros(5, int), 0.25, 0.25).values
    array([2., 2., 3., 4., 4.])
    """
    out = values.copy()
    limits = np.full((int(group.max(initial=-1)) + 1, 2), np.nan)
    for g in range(len(limits)):
        rows = np.flatnonzero((group == g) & ~np.isnan(values))
        if len(rows):
            limits[g] = np.quantile(values[rows], [lower, 1.0 - upper], method=quantile)  # type: ignore[call-overload]
            out[rows] = np.clip(values[rows], *limits[g])
    return Winsorized(out, (out != values) & ~np.isnan(values), limits)


# ---- time shifts and prices
def lagged_rows(unit: Int, ordinal: Int, periods: int) -> Int:
    """Return for each row the row of its unit `periods` steps earlier, or -1 where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> lagged_rows(np.array([0, 0, 0]), np.array([2000, 2001, 2003]), 1)
    array([-1,  0, -1])
    """
    if not len(unit):
        return np.zeros(0, dtype=np.int64)
    start = ordinal - ordinal.min()
    span = int(start.max()) + 1
    key, wanted = unit * span + start, start - periods
    place = np.searchsorted(key, unit * span + wanted)
    found = (wanted >= 0) & (wanted < span) & (place < len(key))
    found &= key[np.minimum(place, len(key) - 1)] == unit * span + wanted
    return np.where(found, place, -1)


def price_level(index: Float, unit: Int, ordinal: Int, base: int, *, chained: bool) -> Float:
    """Return the price level relative to the base time, by unit; NaN where it cannot be known.

    A fixed-base index is divided by its value at the base.  A chained one (previous period = 100) is
    multiplied up step by step; a gap in it, or a missing value, breaks the chain and makes the rest NaN.

    Parameters
    ----------
    index : ndarray (R,)
        Positive or NaN.
    unit, ordinal : ndarray (R,)
        Number of the unit and of the time, ascending.
    base : int
        Ordinal of the base time.
    chained : bool
        Whether each value is relative to the period before.

    Examples
    --------
    >>> import numpy as np
    >>> price_level(np.array([100.0, 110, 120]), np.zeros(3, int), np.array([0, 1, 2]), 0, chained=True)
    array([1.  , 1.1 , 1.32])
    """
    if not chained:
        level = index
    else:
        first = np.ones(len(unit), dtype=bool)
        first[1:] = (np.diff(unit) != 0) | (np.diff(ordinal) != 1)
        # A new link starts at each unit, gap or missing value: levels are comparable within one only.
        first |= np.isnan(index)
        link = np.cumsum(first)
        growth = np.where(first, 0.0, np.log(np.where(first, 100.0, index) / 100.0))
        total = np.cumsum(growth)
        level = np.exp(total - total[np.flatnonzero(first)[link - 1]]) if len(unit) else index
        unit = link
    at_base = np.flatnonzero(ordinal == base)
    value = np.full(int(unit.max(initial=-1)) + 1, np.nan)
    value[unit[at_base]] = level[at_base]
    return np.asarray(level / value[unit])


# ---- balance
def longest_run(complete: Bool) -> tuple[int, int]:
    """Return start and end (exclusive) of the longest run of true; the earliest of equals; (0, 0) if none.

    Examples
    --------
    >>> longest_run(np.array([True, False, True, True]))
    (2, 4)
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], complete, [False]]).astype(np.int8)))
    if not len(edges):
        return 0, 0
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best])


def largest_block(present: Bool) -> tuple[int, int]:
    """Return the window of times (start, end exclusive) that, with the units complete in it, has most cells.

    `present` is (T, N).  Of equals the longest window wins, then the earliest.
    """
    best, window = (0, 0), (0, 0)
    for start in range(len(present)):
        complete = np.ones(present.shape[1], dtype=bool)
        for end in range(start + 1, len(present) + 1):
            complete &= present[end - 1]
            size = (int(complete.sum()) * (end - start), end - start)
            if size > best and size[0]:
                best, window = size, (start, end)
    return window
