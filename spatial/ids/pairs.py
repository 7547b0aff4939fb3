"""An index of (unit, time): its levels by their distinct values, and the order of its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError

from .kinds import clean_ids
from .times import clean_times

__all__ = ["level_values", "pairs_of", "row_order"]

_Clean = Callable[["pd.Series[Any]", str], "pd.Series[Any]"]


def pairs_of(units: pd.Series[Any], times: pd.Series[Any]) -> pd.MultiIndex:
    """Return the index of two columns, cleaned; what is wrong with either is refused by row.

    Examples
    --------
    >>> pairs_of(pd.Series(["b", "a"], name="city"), pd.Series(["2001年", "2000年"], name="year")).tolist()
    [('b', 2001), ('a', 2000)]
    """
    found = [
        _cleaned(column, clean, f"Column {column.name!r}")
        for column, clean in ((units, clean_ids), (times, clean_times))
    ]
    return pd.MultiIndex(
        levels=[f.categories for f in found],
        codes=[f.codes for f in found],
        names=[units.name, times.name],
        verify_integrity=False,
    )


def _cleaned(column: pd.Series[Any], clean: _Clean, what: str) -> pd.Categorical:
    """Return a column cleaned; of texts each once, and all again, with their rows, where one is refused."""
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        try:
            codes, values = pd.factorize(column)
            if len(codes) and codes.min() >= 0:
                found = pd.Categorical(clean(pd.Series(values, name=column.name), what))
                return pd.Categorical.from_codes(found.codes[codes], dtype=found.dtype)
        except (DataError, TypeError):
            pass
    return pd.Categorical(clean(column, what))


def row_order(index: pd.Index[Any]) -> NDArray[np.intp] | None:
    """Return the positions that sort an index of pairs, or None where these repeat or cannot be sorted so.

    Rows that are in order already have the positions 0, 1, 2, ...

    Examples
    --------
    >>> row_order(pd.MultiIndex.from_tuples([("b", 1), ("a", 2), ("a", 1)])).tolist()
    [2, 1, 0]
    """
    if not isinstance(index, pd.MultiIndex) or not all(
        level.is_unique and level.is_monotonic_increasing for level in index.levels
    ):
        return None
    unit, time = (np.asarray(codes) for codes in index.codes)
    if len(index) and min(unit.min(), time.min()) < 0:  # missing
        return None
    pairs = len(index.levels[0]) * len(index.levels[1])
    key = unit.astype(np.int32 if pairs < 2**31 else np.int64) * len(index.levels[1]) + time
    if (key[1:] > key[:-1]).all():
        return np.arange(len(key))
    order = np.argsort(key, kind="stable")
    key = key[order]
    return order if (key[1:] > key[:-1]).all() else None


def level_values(index: pd.Index[Any], level: int) -> pd.Index[Any]:
    """Return the sorted distinct values of one level of an index of pairs."""
    if not isinstance(index, pd.MultiIndex):
        return index.get_level_values(level).unique().sort_values()
    codes = np.asarray(index.codes[level])
    used = np.zeros(len(index.levels[level]) + 1, dtype=bool)
    used[codes] = True  # the last place is that of what is missing
    if used[-1]:
        return index.get_level_values(level).unique().sort_values()
    return index.levels[level][used[:-1]].sort_values()
