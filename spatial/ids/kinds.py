"""Ids and times as they are told apart: text or whole numbers; years, dates or periods."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, name_ids

__all__ = ["clean_ids", "clean_times"]

# Above this, a float no longer tells neighbouring whole numbers apart.
_EXACT = 2.0**53


def clean_ids(values: pd.Series[Any], what: str) -> pd.Series[Any]:
    """Return ids as text or int64; refuse missing, fractional and mixed ones.

    Whole numbers that were kept as floats, as in a .dbf, become integers; text is kept to the letter,
    leading zeros with it.

    Examples
    --------
    >>> clean_ids(pd.Series([110000.0, 310000.0]), "adcode").tolist()
    [110000, 310000]
    >>> clean_ids(pd.Series(["01001", "01003"]), "fips").tolist()
    ['01001', '01003']
    """
    values = _plain(values)
    _refuse_missing(values, what)
    if pd.api.types.is_bool_dtype(values.dtype):
        raise DataError(f"{what} must hold ids, text or whole numbers; it holds True and False.")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _whole(values, what, "ids must be text or whole numbers")
    kinds = {type(value) for value in values}
    if all(issubclass(kind, str) for kind in kinds):
        return pd.Series(
            values.tolist(), index=values.index, name=values.name, dtype=None if len(values) else object
        )
    raise DataError(
        f"{what} must hold ids all of one kind, text or whole numbers; it holds "
        f"{', '.join(sorted(kind.__name__ for kind in kinds))}, e.g. {name_ids(values.iloc[:3])}. "
        f"Convert it first, e.g. frame[{values.name!r}].astype(str)."
    )


def clean_times(values: pd.Series[Any], what: str) -> pd.Series[Any]:
    """Return times as int64 (years), datetimes or periods; text is read as one of these.

    Text may be years (``2001``, ``2001年``), months (``2001-03``, ``2001m3``), quarters (``2001Q1``) or
    dates (``2001-03-31``).  Other text has no order and no distance, and is refused.

    Examples
    --------
    >>> clean_times(pd.Series(["2001年", "2002年"]), "year").tolist()
    [2001, 2002]
    >>> clean_times(pd.Series(["2001Q4"]), "quarter")[0]
    Period('2001Q4', 'Q-DEC')
    """
    values = _plain(values)
    _refuse_missing(values, what)
    dtype = values.dtype
    if isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return values
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
        return _whole(values, what, "times must be whole numbers, dates or periods")
    if all(isinstance(value, datetime.date) for value in values):
        return pd.to_datetime(values)
    if all(isinstance(value, str) for value in values):
        return _from_text(values, what)
    raise DataError(
        f"{what} must hold times: years, dates or periods; it holds {name_ids(values.iloc[:3])} ({dtype})."
    )


def _plain(values: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    return values.infer_objects()


def _refuse_missing(values: pd.Series[Any], what: str) -> None:
    missing = values.isna() | values.map(lambda value: isinstance(value, str) and not value.strip()).astype(
        bool
    )
    if missing.any():
        raise DataError(
            f"{what} must be filled in each row; {int(missing.sum())} of {len(values)} are missing, at rows "
            f"{name_ids(np.flatnonzero(missing))} (counted from 0). Fill or drop those rows."
        )


def _whole(values: pd.Series[Any], what: str, rule: str) -> pd.Series[Any]:
    if not pd.api.types.is_integer_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64)
        bad = (numbers != np.round(numbers)) | (np.abs(numbers) >= _EXACT)
        if bad.any():
            raise DataError(f"{what}: {rule}; got {name_ids(numbers[bad])}.")
    return values.astype(np.int64)


def _from_text(values: pd.Series[Any], what: str) -> pd.Series[Any]:
    text = values.astype(object).map(str.strip)
    years = text.map(lambda value: value.removesuffix("年"))
    if years.str.fullmatch(r"[+-]?\d{1,9}").all():
        return years.astype(np.int64)
    for pattern, frequency in ((r"\d{4}[Qq][1-4]", "Q"), (r"\d{4}[-mM](0?[1-9]|1[0-2])", "M")):
        if text.str.fullmatch(pattern).all():
            periods = [_period(value, frequency) for value in text]
            return pd.Series(periods, index=values.index, name=values.name)
    if text.str.fullmatch(r"\d{4}-\d\d?-\d\d?([T ].*)?").all():
        try:
            return pd.to_datetime(text, format="ISO8601")
        except ValueError:
            pass
    raise DataError(
        f"{what} must hold times: years, months (2001-03), quarters (2001Q1) or dates (2001-03-31); "
        f"got {name_ids(text.unique(), 5)}. Recode it so that its order and distances are known."
    )


def _period(text: str, frequency: str) -> pd.Period:
    year, number = int(text[:4]), int(text[5:])
    if frequency == "Q":
        return pd.Period(year=year, quarter=number, freq="Q")
    return pd.Period(year=year, month=number, freq="M")
