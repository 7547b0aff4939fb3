"""A variable over units, time by time, sorted by value so that sums do not depend on the order of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.ids.alignment import check_scale
from spatial.ids.rows import (
    check_rows,
    codes_of,
    cross_section_or_panel,
    match_rows,
    numbers,
    plain,
    row_names,
)

__all__ = ["Sample", "Samples", "read_samples"]

Float = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Sample:
    """The values of one time, ascending, (n,), with their weights and groups."""

    time: Any
    values: Float
    weights: Float
    codes: Rows


@dataclass(frozen=True, eq=False)
class Samples:
    """One sample a time; `times` is None for a cross-section, `groups` without a grouping."""

    samples: tuple[Sample, ...]
    times: pd.Index[Any] | None
    groups: pd.Index[Any]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def series(self, values: list[float], name: str) -> float | pd.Series[Any]:
        """Return one number, or a Series by time."""
        return float(values[0]) if self.times is None else pd.Series(values, index=self.times, name=name)


def read_samples(x: Any, *, weights: Any = None, groups: Any = None, positive: bool = False) -> Samples:
    """Read a variable by unit or (unit, time), weights and groups; refuse what has no inequality.

    Raises
    ------
    DataError
        For missing, infinite, negative values (with `positive`: zeros too), by id.
    AlignmentError
        For weights or groups of other ids.
    """
    series = x if isinstance(x, pd.Series) else pd.Series(_flat(x))
    what = repr(series.name) if series.name is not None else "the variable"
    check_rows(series.index, what)
    values = numbers(series, what)
    check_scale(values, what)
    _check(values, series.index, what, positive)
    mass = np.ones(len(values)) if weights is None else _weights(weights, series.index)
    codes, names = _groups(groups, series.index)
    period, times = cross_section_or_panel(series.index)
    order = np.lexsort((mass, codes, values, period))
    starts = np.searchsorted(period[order], np.arange(1 if times is None else len(times)))
    parts = []
    for k, rows in enumerate(np.split(order, starts[1:])):
        time = None if times is None else plain(times[k])
        if not values[rows].sum() > 0:
            at = "" if times is None else f" at {time!r}"
            raise DataError(f"Inequality needs a positive total; {what} is zero everywhere{at}.")
        parts.append(Sample(time, values[rows], mass[rows], codes[rows]))
    return Samples(tuple(parts), times, names)


def _flat(x: Any) -> Float:
    try:
        values = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty((0, 0))
    if values.ndim != 1 or not len(values):
        raise DataError(
            "A Series by unit or by (unit, time), such as panel.frame[column], or an array of numbers of "
            f"one dimension is needed; got {type(x).__name__} of shape {np.shape(x)}."
        )
    return values


def _check(values: Float, index: pd.Index[Any], what: str, positive: bool) -> None:
    if not len(values):
        raise DataError(f"At least one unit is needed; {what} is empty.")
    bad = ~np.isfinite(values)
    if bad.any():
        raise DataError(
            f"{what} must be finite; missing or infinite at {row_names(index, bad)}. Fill or drop these rows."
        )
    bad = values <= 0 if positive else values < 0
    if bad.any():
        kind = "positive" if positive else "not negative"
        raise DataError(
            f"{what} must be {kind} for this measure of inequality; it is not at {row_names(index, bad)}. "
            "Drop these rows, or measure another variable."
        )


def _weights(weights: Any, index: pd.Index[Any]) -> Float:
    mass = numbers(match_rows(weights, index, "weights"), "weights")
    bad = ~(np.isfinite(mass) & (mass > 0))
    if bad.any():
        raise DataError(f"weights must be positive; they are not at {row_names(index, bad)}.")
    return mass


def _groups(groups: Any, index: pd.Index[Any]) -> tuple[Rows, pd.Index[Any]]:
    if groups is None:
        return np.zeros(len(index), dtype=np.intp), pd.Index(["all"])
    found = match_rows(groups, index, "groups")
    lost = found.isna().to_numpy()
    if lost.any():
        raise DataError(f"groups must name a group for each unit; missing at {row_names(index, lost)}.")
    return codes_of(pd.Index(found.to_numpy(), name=found.name))
