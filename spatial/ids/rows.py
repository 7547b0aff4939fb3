"""Rows by unit, or by (unit, time): one canonical order, and values matched to them by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, did_you_mean, name_ids, plain

from .alignment import check_ids
from .matching import in_kind_of, why_apart
from .numbers import to_float
from .times import ordinals, times_after_gaps

__all__ = [
    "balanced_axes",
    "canonical",
    "check_rows",
    "check_spacing",
    "check_steps",
    "checked_option",
    "codes_of",
    "cross_section_or_panel",
    "labelled",
    "match_rows",
    "numbers",
    "one_text",
    "plain",
    "read_columns",
    "refuse_cells",
    "row_names",
]

Float = NDArray[np.float64]
Rows = NDArray[np.intp]


def row_names(index: pd.Index[Any], bad: NDArray[np.bool_]) -> str:
    """Name the rows in `bad`: units, or (unit, time) pairs."""
    return name_ids([plain(row) for row in index[bad]])


def codes_of(values: pd.Index[Any]) -> tuple[Rows, pd.Index[Any]]:
    """Return sorted codes and the distinct values; mixed types are sorted by type, then text."""
    try:
        codes, found = pd.factorize(values, sort=True)
    except TypeError:
        codes, found = pd.factorize(values)
        order = np.argsort([f"{type(v).__name__} {v}" for v in found], kind="stable")
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        codes, found = rank[codes], found[order]
    return np.asarray(codes, dtype=np.intp), pd.Index(found, name=values.name)


def canonical(index: pd.Index[Any]) -> Rows:
    """Return the positions that sort `index`: sums in this order do not depend on the order of the rows."""
    keys = [codes_of(index.get_level_values(level))[0] for level in reversed(range(index.nlevels))]
    return np.asarray(np.lexsort(keys), dtype=np.intp)


def check_rows(index: pd.Index[Any], what: str) -> None:
    """Refuse rows that are neither by unit nor by (unit, time), or that repeat, by name."""
    if index.nlevels == 1:
        check_ids(index, what)
        return
    if index.nlevels != 2:
        raise DataError(
            f"{what} must be indexed by unit, or by (unit, time); the index has {index.nlevels} levels: "
            f"{list(index.names)}. Use frame.set_index([unit, time])."
        )
    missing = index.get_level_values(0).isna() | index.get_level_values(1).isna()
    if missing.any():
        raise DataError(
            f"{what} need a unit and a time in each row; {int(missing.sum())} are missing, at rows "
            f"{name_ids(np.flatnonzero(missing))} (counted from 0). Fill or drop those rows."
        )
    if index.has_duplicates:
        raise DataError(
            f"{what} need one row for each (unit, time); these repeat: "
            f"{row_names(index, index.duplicated())}. Aggregate or drop them."
        )


def cross_section_or_panel(index: pd.Index[Any]) -> tuple[Rows, pd.Index[Any] | None]:
    """Return the period of each row and the times; one period, and None, for a cross-section."""
    if index.nlevels == 1:
        return np.zeros(len(index), dtype=np.intp), None
    return codes_of(index.get_level_values(1))


def numbers(values: pd.Series[Any], what: str) -> Float:
    """Return a column as float64; refuse text, by name, with a sample of it."""
    return to_float(values, what, booleans=False, verb="hold")


def match_rows(given: Any, index: pd.Index[Any], what: str) -> pd.Series[Any]:
    """Return `given` in the order of `index`, matched by id.

    Parameters
    ----------
    given : Series, mapping, scalar
        By unit, also where `index` is (unit, time): it then holds at each time; or by (unit, time).
    index : Index
        Rows by unit or by (unit, time).
    what : str
        Name in the messages.

    Raises
    ------
    AlignmentError
        Where ids are on one side only, or a bare array is given.
    """
    if isinstance(given, Mapping):
        given = pd.Series(given)
    if not isinstance(given, pd.Series):
        raise AlignmentError(
            f"{what} must be a Series (or a mapping) by id, so that it can be matched; got "
            f"{type(given).__name__}. Use pandas.Series(values, index=ids)."
        )
    check_rows(given.index, what)
    if given.index.nlevels > index.nlevels:
        raise AlignmentError(f"{what} is by (unit, time) and the data by unit: take one time of it.")
    own = given.index.nlevels == index.nlevels
    wanted = index if own else index.get_level_values(0)
    if given.index.nlevels == 1:
        given = given.set_axis(in_kind_of(given.index, pd.Index(wanted.unique())))
    found = given.index.get_indexer(wanted)
    absent = wanted[found < 0].unique()
    extra = given.index.difference(wanted.unique(), sort=False)
    if len(absent) or len(extra):
        raise AlignmentError(_mismatch(absent, extra, what, given.index))
    return given.iloc[found].set_axis(index)


def _mismatch(absent: pd.Index[Any], extra: pd.Index[Any], what: str, given: pd.Index[Any]) -> str:
    parts = [f"{what} and the data must have the same ids."]
    if len(absent):
        parts.append(f"In the data only: {name_ids(plain(i) for i in absent)}.")
    if len(extra):
        parts.append(f"In {what} only: {name_ids(plain(i) for i in extra)}.")
    reason = why_apart(extra, absent, what, "the data") if given.nlevels == 1 and len(extra) else ""
    parts.append(reason or "Restrict one to the other, e.g. series.loc[frame.index].")
    return " ".join(parts)


def labelled(
    values: Any, index: pd.Index[Any], name: str, label: str, label_zh: str, source: str = ""
) -> pd.Series[Any]:
    """Return a Series whose ``attrs`` hold its labels, for tables and figures, and its source."""
    found = pd.Series(values, index=index, name=name)
    found.attrs = {"label": label, "label_zh": label_zh, "source": source}
    return found


def one_text(value: Any, what: str) -> str:
    """Return a name as it is; refuse whatever is no text.

    Examples
    --------
    >>> one_text(["x"], "column")
    Traceback (most recent call last):
    spatial.errors.DataError: column must be one name, as a text; got list.
    """
    if not isinstance(value, str):
        raise DataError(f"{what} must be one name, as a text; got {type(value).__name__}.")
    return value


def checked_option(value: Any, allowed: Iterable[str], what: str) -> None:
    """Refuse an unknown option, listing the allowed ones."""
    options = list(allowed)
    if not isinstance(value, str) or value not in options:
        raise DataError(f"{what} must be one of {', '.join(map(repr, options))}; got {value!r}.")


def read_columns(data: Any, names: list[str]) -> tuple[pd.DataFrame, Float]:
    """Return the frame and the columns as (R, k) finite numbers."""
    # A Panel is known by its frame: this floor lies below it.
    frame = getattr(data, "frame", data)
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"A Panel or a DataFrame by id is needed; got {type(data).__name__}.")
    for name in names:
        if name not in frame.columns:
            raise DataError(
                f"There is no column {name!r}.{did_you_mean(name, frame.columns)} "
                f"The columns are: {name_ids(frame.columns, 12)}."
            )
    check_rows(frame.index, "Rows")
    if not names:
        return frame, np.empty((len(frame), 0))
    values = np.column_stack([numbers(frame[name], f"Column {name!r}") for name in names])
    refuse_cells(~np.isfinite(values), frame.index, names, "missing or infinite")
    return frame, values


def refuse_cells(
    bad: NDArray[np.bool_], index: pd.Index[Any], names: list[str], kind: str, cure: str = ""
) -> None:
    if bad.any():
        i, j = np.nonzero(bad)
        cells = [
            (*(row if isinstance(row := plain(index[r]), tuple) else (row,)), names[c])
            for r, c in zip(i, j, strict=True)
        ]
        raise DataError(
            f"{len(cells)} cells are {kind}: {name_ids(cells)}.{cure or ' Correct, fill or drop them.'}"
        )


def balanced_axes(rows: pd.Index[Any], why: str) -> tuple[pd.Index[Any], pd.Index[Any]]:
    """Return the units and times of sorted (unit, time) rows; refuse gaps, by unit and by time.

    Parameters
    ----------
    rows : MultiIndex
        In canonical order.
    why : str
        What needs each unit at each time, to begin the message.
    """
    if rows.nlevels == 1:
        raise DataError(
            f"{why} compares times: a Panel, or a DataFrame by (unit, time), is needed; got a cross-section."
        )
    units, (_, times) = rows.get_level_values(0).unique(), codes_of(rows.get_level_values(1))
    if len(rows) != len(units) * len(times):
        count = pd.Series(1, index=rows).groupby(level=0, sort=False).sum()
        lost = count[count < len(times)].index
        raise DataError(
            f"{why} needs each unit at each of the {len(times)} times; some are absent for "
            f"{name_ids(map(plain, lost))}. Drop these units (panel.balance), or fill them."
        )
    check_spacing(times)
    return units, times


def check_spacing(times: pd.Index[Any]) -> None:
    """Refuse times, or dates, between which steps are not all as long."""
    if len(times_after_gaps(times)):
        gaps = np.unique(np.diff(ordinals(times)))
        raise DataError(
            f"Times must be equally spaced, so that a step is always as long; the gaps between "
            f"{name_ids(map(plain, times), 30)} are {name_ids(gaps)}. Fill or cut the panel."
        )


def check_steps(steps: Any, n_times: int) -> None:
    """Refuse a number of steps that is no whole number from 1 to T - 1."""
    if n_times < 2:
        raise DataError(f"A step in time needs two times or more; the panel has {n_times}.")
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or not 1 <= steps < n_times:
        raise DataError(
            f"steps must be a whole number from 1 to {n_times - 1}, as the panel has {n_times} times; "
            f"got {steps!r}."
        )
