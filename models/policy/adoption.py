"""When each unit was first treated: read from a column, a calendar or a 0/1 treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, did_you_mean, name_ids, plain
from spatial.ids.times import times_after_gaps
from spatial.panel.panel import Panel

__all__ = ["Adoption", "Calendar", "read_adoption"]

Int = NDArray[np.int64]

Calendar: TypeAlias = "str | Mapping[Any, Any] | pd.Series[Any]"
"""A column of the panel (first treated time, or 0/1), or unit to first treated time."""


@dataclass(frozen=True, eq=False)
class Adoption:
    """The first treated time of each unit of a panel.

    Parameters
    ----------
    units, times : Index
        Of the panel; times are evenly spaced.
    start : int array (N,)
        Position in `times` of the first treated time; -1 for units that are never treated in the sample.
    later : tuple
        Units whose first treated time is after the last time: not treated in the sample.
    """

    units: pd.Index[Any]
    times: pd.Index[Any]
    start: Int
    later: tuple[Any, ...] = ()

    @property
    def never(self) -> NDArray[np.bool_]:
        """Whether a unit is never treated in the sample, (N,)."""
        return np.asarray(self.start < 0)

    @property
    def always(self) -> NDArray[np.bool_]:
        """Whether a unit is treated at the first time already, (N,): it has no time before."""
        return np.asarray(self.start == 0)

    @property
    def fewest(self) -> int:
        """The fewer of treated and untreated units; of all units where each is treated at some time."""
        never = int(self.never.sum())
        return min(len(self.start) - never, never or len(self.start))

    @property
    def cohorts(self) -> dict[Any, int]:
        """First treated time to number of units, without the never treated."""
        found, counts = np.unique(self.start[self.start >= 0], return_counts=True)
        return {self.times[k]: int(n) for k, n in zip(found, counts, strict=True)}

    def treated(self) -> NDArray[np.bool_]:
        """Return whether a unit is treated at a time, (N, T)."""
        times = np.arange(len(self.times))
        return np.asarray((self.start[:, None] >= 0) & (times >= self.start[:, None]))


def read_adoption(panel: Panel, cohort: Calendar) -> Adoption:
    """Return the first treated time of each unit.

    Parameters
    ----------
    panel : Panel
    cohort : str, mapping or Series
        A column that holds the first treated time (0 or missing: never) and is constant within units; a
        column of 0 and 1 that is never switched off; or unit to first treated time (units that are not
        named are never treated).

    Raises
    ------
    DataError
        Where a treatment is switched off, is constant within all units, or starts at a time that is not one
        of the panel's.
    """
    times = panel.times
    _even(times)
    if not isinstance(cohort, str):
        return _from_calendar(panel, cohort)
    if cohort not in panel.columns:
        raise DataError(f"The panel has no column {cohort!r}.{did_you_mean(cohort, panel.columns)}")
    wide = panel.frame[cohort].unstack().reindex(index=panel.units, columns=times)
    values = wide.to_numpy(dtype=object)
    known = pd.unique(pd.Series([v for v in values.ravel() if not pd.isna(v)], dtype=object))
    if set(known) <= {0, 1} and len(known) == 2 and 1 not in times:
        return _from_indicator(wide, cohort)
    varying = [u for u, row in zip(panel.units, values, strict=True) if len(set(_known(row))) > 1]
    if varying:
        raise DataError(
            f"{cohort!r} must be a first treated time that is constant within each unit, or a 0/1 "
            "treatment; it "
            f"changes within {name_ids(varying)}."
        )
    first = {u: next(iter(_known(row)), None) for u, row in zip(panel.units, values, strict=True)}
    return _from_calendar(panel, first, repr(cohort))


def _known(row: Sequence[Any]) -> list[Any]:
    return [v for v in row if not pd.isna(v)]


def _even(times: pd.Index[Any]) -> None:
    """Refuse times with a hole: years since treatment would count it as one step."""
    if len(late := times_after_gaps(times)):
        place = times.get_loc(late[0])
        raise DataError(
            f"Difference-in-differences counts times from the policy, so times must be evenly spaced; "
            "between "
            f"{plain(times[place - 1])} and {plain(times[place])} there is a hole. Restrict the panel with "
            "panel.at, or fill it."
        )


def _from_indicator(wide: pd.DataFrame, name: str) -> Adoption:
    treated = wide.fillna(0).to_numpy(dtype=float) > 0
    off = [u for u, row in zip(wide.index, treated, strict=True) if (row[:-1] & ~row[1:]).any()]
    if off:
        raise DataError(
            f"{name!r} is switched off again in {name_ids(off)}; these estimators compare before and after a "
            f"policy that stays. Give the first treated time as the cohort if later 0s are errors, or "
            "estimate a "
            f"treatment that comes and goes with SpatialSystem and unit and time effects."
        )
    group = treated.any(axis=1) & treated.all(axis=1)
    if group.any() and not (treated.any(axis=1) & ~group).any():
        raise DataError(
            f"{name!r} is 1 at all times in {name_ids(wide.index[group])} and never starts: it says who, "
            "and not "
            f"when. Give the first treated time of each unit, or a treatment that is 0 before the policy."
        )
    start = np.where(treated.any(axis=1), treated.argmax(axis=1), -1)
    return Adoption(wide.index, wide.columns, start.astype(np.int64))


def _from_calendar(
    panel: Panel, calendar: Mapping[Any, Any] | pd.Series[Any], what: str = "The calendar"
) -> Adoption:
    if not isinstance(calendar, (Mapping, pd.Series)):
        raise DataError(
            "cohort is the name of a column, or a Series or dict of unit to first treated time; got "
            f"{type(calendar).__name__}."
        )
    given = dict(calendar.items())
    if strange := [u for u in given if u not in panel.units]:
        raise AlignmentError(
            f"{what} names units that the panel does not have: {name_ids(strange)}. Leave them out, or "
            "check the ids."
        )
    place = {time: k for k, time in enumerate(panel.times)}
    first, last = panel.times[0], panel.times[-1]
    start = np.full(panel.n_units, -1, dtype=np.int64)
    later, wrong = [], {}
    for k, unit in enumerate(panel.units):
        value = given.get(unit)
        if value is None or pd.isna(value) or value == np.inf or (np.ndim(value) == 0 and value == 0):
            continue
        try:
            if value in place:
                start[k] = place[value]
            elif value <= first:
                start[k] = 0
            elif value > last:
                later.append(unit)
            else:
                wrong[unit] = value
        except TypeError:
            wrong[unit] = value
    if wrong:
        raise DataError(
            f"{what} has first treated times that are no times of the panel ({first} to {last}): "
            f"{name_ids(wrong.items())}. Write 0 for never."
        )
    return Adoption(panel.units, panel.times, start, tuple(later))
