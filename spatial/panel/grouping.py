"""Groups of rows: by value, or high and low by the mean or quantiles of each time, all, or each unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted
from spatial.ids.numbers import Values, to_float

__all__ = ["Of", "Split", "default_split", "group"]

Split = Literal["values", "mean", "median", "quantiles"]
Of = Literal["time", "all", "unit"]


@hinted
def group(
    values: Values,
    *,
    split: Split | None = None,
    parts: int = 2,
    of: Of = "time",
    labels: Sequence[str] | None = None,
) -> pd.Series[Any]:
    """Divide rows into groups, for ``by=``.

    Parameters
    ----------
    values : Series
        By (unit, time), as ``panel["PSS"]``, or by unit.
    split : "mean", "median", "quantiles" or "values", optional
        At the mean or the median (high is above it); into `parts` of the same size; or the values themselves.
        Default the mean of numbers, and the values of text and of true and false.
    parts : int
        For ``"quantiles"``: 2 to 10.
    of : "time", "all" or "unit"
        Each time's own mean or quantiles; those of all rows; or of the units' means, so that a unit stays in
        its group.
    labels : list of str, optional
        Names of the groups from the lowest; default ``low`` and ``high``, or ``1``, ``2`` and so on.

    Returns
    -------
    Series
        Labels, missing where the value is; its name is that of `values`.

    Raises
    ------
    DataError
        If `values` is no Series of numbers, or `split`, `parts`, `of` or `labels` are none that exist.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a", "b"], [2000, 2001]], names=["city", "year"])
    >>> group(pd.Series([1.0, 5.0, 3.0, 4.0], index=index, name="x")).tolist()
    ['low', 'high', 'high', 'low']
    """
    if not isinstance(values, pd.Series):
        raise DataError(f"group takes a Series, as panel['x']; got {type(values).__name__}.")
    split = default_split(values) if split is None else split
    for name, given, allowed in (("split", split, get_args(Split)), ("of", of, get_args(Of))):
        if given not in allowed:
            shown = ", ".join(map(repr, allowed))
            raise DataError(f"{name} is one of {shown}; got {given!r}.{did_you_mean(given, allowed)}")
    if split == "values":
        return values.copy()
    count = _count(split, parts)
    names = _labels(labels, count)
    numbers = pd.Series(to_float(values, f"Column {values.name!r}"), index=values.index, name=values.name)
    place = _places(numbers, split, count, of)
    found = pd.Series(
        np.array(names, dtype=object)[np.where(place < 0, 0, place)], values.index, name=values.name
    )
    return found.where(place >= 0)


def default_split(values: pd.Series[Any]) -> Split:
    """Return how a column is divided where nothing is said: numbers at their mean, labels as they are."""
    is_number = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    return "mean" if is_number else "values"


def _count(split: str, parts: int) -> int:
    if split != "quantiles":
        return 2
    if isinstance(parts, bool) or not isinstance(parts, int) or not 2 <= parts <= 10:
        raise DataError(f"parts is a whole number from 2 to 10; got {parts!r}.")
    return parts


def _labels(labels: Any, count: int) -> list[str]:
    if labels is None:
        return ["low", "high"] if count == 2 else [str(k + 1) for k in range(count)]
    found = list(labels)
    if len(found) != count or len(set(found)) < count:
        raise DataError(f"labels needs {count} different names, from the lowest; got {labels!r}.")
    return found


def _places(values: pd.Series[Any], split: str, count: int, of: str) -> Any:
    """Return 0..count-1 for each row, -1 where the value is missing."""
    two = values.index.nlevels == 2
    if of == "unit" and two:
        unit = values.index.get_level_values(0)
        means = values.groupby(unit).mean()
        return _cut(means, split, count).reindex(unit).to_numpy()
    if of == "time" and two:
        time = values.index.get_level_values(1)
        return values.groupby(time).transform(lambda v: _cut(v, split, count)).to_numpy(dtype=int)
    return _cut(values, split, count).to_numpy()


def _cut(values: pd.Series[Any], split: str, count: int) -> pd.Series[Any]:
    edges = [values.mean()] if split == "mean" else [values.quantile(k / count) for k in range(1, count)]
    place = np.searchsorted(np.asarray(edges, dtype=float), values.to_numpy(), side="left")
    return pd.Series(np.where(values.isna(), -1, place), index=values.index).astype(int)
