"""Times as they are told apart: whole years, months, quarters, dates; and how long a step is."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids, plain

from .kinds import plain_columns, refuse_missing, whole_numbers

__all__ = ["clean_times", "find_time", "frequency_of", "kept_frequency", "ordinals", "times_after_gaps"]

Int = NDArray[np.int64]

_DAY = 86_400 * 10**9
_MONTHS = {"year": 12, "half-year": 6, "quarter": 3, "month": 1}
_SPANS = {"week": 7 * _DAY, "day": _DAY, "hour": _DAY // 24, "minute": 60 * 10**9, "second": 10**9}
_RULE = "years, months (2001-03), quarters (2001Q1) or dates (2001-03-31)"
_QUARTER = re.compile(r"(\d{4})(?:[-. ]?[Qq]|年第?)([1-4])(?:季度?)?")
_MONTH = re.compile(r"(\d{4})(?:[-/.]|[mM]|年)(0?[1-9]|1[0-2])月?")
_DATE = re.compile(r"(\d{4})([-/.年])(\d\d?)[-/.月](\d\d?)日?(?:[T ](.*))?")


def clean_times(values: pd.Series[Any], what: str) -> pd.Series[Any]:
    """Return times as int64 (years), datetimes or periods; text and codes are read as one of these.

    Text may be years (``2001``, ``2001年``), months (``2001-03``, ``2001m3``, ``2001年3月``), quarters
    (``2001Q1``) or dates (``2001-03-31``, ``2001/3/31``).  Whole numbers are years, or counted steps;
    ``200103`` is a month and ``20010331`` a date if all are.  Refused, with what to do: other text, which has
    no order and no distance; years of two digits that pass a century; fiscal years such as ``2000-01``.

    Examples
    --------
    >>> clean_times(pd.Series(["2001年", "2002年"]), "year").tolist()
    [2001, 2002]
    >>> clean_times(pd.Series(["2001Q4"]), "quarter")[0]
    Period('2001Q4', 'Q-DEC')
    >>> clean_times(pd.Series([200012, 200101]), "month").tolist()
    [Period('2000-12', 'M'), Period('2001-01', 'M')]
    """
    values = plain_columns(values)
    codes, found = refuse_missing(values, what)
    dtype = values.dtype
    if isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return values
    if not found:
        codes, found = pd.factorize(values)
    distinct = _clean_distinct(pd.Series(found, name=values.name), what, dtype)
    return pd.Series(distinct.array[codes], index=values.index, name=values.name)


def _clean_distinct(found: pd.Series[Any], what: str, dtype: Any) -> pd.Series[Any]:
    kind = found.dtype
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
        if pd.api.types.is_complex_dtype(kind):
            raise DataError(f"{what} must hold times: {_RULE}; it holds complex numbers.")
        return _from_numbers(
            whole_numbers(found, what, "times must be whole numbers, dates or periods"), what
        )
    if all(isinstance(value, datetime.date) for value in found):
        return pd.Series(pd.to_datetime(found))
    if all(isinstance(value, str) for value in found):
        return _from_text(found.astype(object).map(str.strip), what)
    raise DataError(
        f"{what} must hold times: years, dates or periods; it holds {name_ids(found.iloc[:3])} ({dtype})."
    )


# ---- numbers
def _from_numbers(found: pd.Series[Any], what: str) -> pd.Series[Any]:
    if not len(found) or pd.api.types.is_object_dtype(found.dtype):
        return found
    numbers = np.sort(found.to_numpy())
    _refuse_two_digits(numbers, what)
    if numbers[0] >= 100001 and numbers[-1] <= 999912 and _all_in(numbers % 100, 1, 12):
        return _periods([(n // 100, n % 100) for n in found], "M", found)
    if numbers[0] >= 10000101 and numbers[-1] <= 99991231 and _all_in(numbers // 100 % 100, 1, 12):
        dates = pd.to_datetime(found.astype(str), format="%Y%m%d", errors="coerce")
        if dates.notna().all():
            return pd.Series(dates)
    if numbers[-1] > 9999 and len(numbers) > 1 and numbers[-1] - numbers[0] >= len(numbers):
        raise DataError(
            f"{what} must hold times: {_RULE}; {name_ids(numbers[numbers > 9999], 5)} are whole numbers "
            "beyond the year 9999. If they are codes, as 20011 for a quarter or a spreadsheet's number of a "
            "day, write them as one of these."
        )
    return found


def _all_in(numbers: Any, low: int, high: int) -> bool:
    return bool(((numbers >= low) & (numbers <= high)).all())


def _refuse_two_digits(numbers: Int, what: str) -> None:
    """Refuse 98, 99, 0: years of two digits that pass a century, whose order is lost."""
    if len(numbers) < 2 or numbers[0] < 0 or numbers[-1] > 99:
        return
    if int(np.diff(numbers).max()) > 100 + int(numbers[0] - numbers[-1]):
        raise DataError(
            f"{what} must hold times: {_RULE}; {name_ids(numbers, 5)} look like years of two digits that "
            "pass a century, so that their order is lost. Write four digits, e.g. year + numpy.where(year < "
            "50, 2000, 1900)."
        )


# ---- text
def _from_text(text: pd.Series[Any], what: str) -> pd.Series[Any]:
    years = text.map(lambda value: value.removesuffix("年").removesuffix(".0"))
    if years.str.fullmatch(r"[+-]?\d{1,9}").all():
        return _from_numbers(years.astype(np.int64), what)
    for pattern, frequency in ((_QUARTER, "Q"), (_MONTH, "M")):
        matches = [pattern.fullmatch(value) for value in text]
        if all(match is not None for match in matches):
            pairs = [(int(match[1]), int(match[2])) for match in matches if match is not None]
            if frequency == "M":
                _refuse_fiscal(pairs, text, what)
            return _periods(pairs, frequency, text)
    if all(_fiscal(value) for value in text):
        raise DataError(_fiscal_message(text, what))
    dates = [_DATE.fullmatch(value) for value in text]
    if all(match is not None for match in dates):
        written = [
            f"{m[1]}-{int(m[3]):02d}-{int(m[4]):02d}" + (f"T{m[5]}" if m[5] else "") for m in dates if m
        ]
        try:
            return pd.Series(pd.to_datetime(pd.Series(written, index=text.index), format="ISO8601"))
        except ValueError:
            pass  # a 31st of February, or several time zones
    raise DataError(
        f"{what} must hold times: {_RULE}; got {name_ids(text.unique(), 5)}. Recode it so that its order and "
        "distances are known."
    )


def _fiscal(text: str) -> bool:
    match = re.fullmatch(r"(?:FY ?)?(\d{4}) ?[-/–] ?(\d{2}|\d{4})", text)
    return match is not None and int(match[2][-2:]) == (int(match[1]) + 1) % 100


def _refuse_fiscal(pairs: list[tuple[int, int]], text: pd.Series[Any], what: str) -> None:
    """Refuse 2000-01, 2001-02: each names two years that follow each other, not a month."""
    if len(pairs) > 1 and all(month == (year + 1) % 100 for year, month in pairs) and all(map(_fiscal, text)):
        raise DataError(_fiscal_message(text, what))


def _fiscal_message(text: pd.Series[Any], what: str) -> str:
    return (
        f"{what} must hold times: {_RULE}; {name_ids(text.unique(), 3)} look like fiscal or school years of "
        "two calendar years each (2000-01 would else be January 2000). Keep the year in which each begins, "
        "e.g. frame[column].str[:4].astype(int)."
    )


def _periods(pairs: list[tuple[int, int]], frequency: str, like: pd.Series[Any]) -> pd.Series[Any]:
    per_year = 4 if frequency == "Q" else 12
    numbers = [(int(year) - 1970) * per_year + int(part) - 1 for year, part in pairs]
    return pd.Series(
        [pd.Period(ordinal=n, freq=frequency) for n in numbers], index=like.index, name=like.name
    )


# ---- one time
def find_time(times: pd.Index[Any], given: Any, what: str = "The panel") -> Any:
    """Return the one of `times` that `given` names, as a value or as text; refuse none and several.

    Examples
    --------
    >>> find_time(pd.period_range("2001-01", periods=3, freq="M"), "2001-02")
    Period('2001-02', 'M')
    """
    try:
        wanted = clean_times(pd.Series([given]), "A time").iloc[0]
        places = np.flatnonzero(times == wanted)
    except (DataError, TypeError, ValueError):
        places = np.zeros(0, dtype=np.intp)
    if not len(places):
        places = _places_within(times, given)
    if len(places) == 1:
        return times[places[0]]
    if len(places):
        raise DataError(
            f"{what} has {len(places)} times in {given!r}: {name_ids(map(str, times[places]))}. "
            "Name one of them."
        )
    raise DataError(f"{what} has no time {plain(given)!r}; it has {name_ids(_named(times))}.")


def find_times(times: pd.Index[Any], given: Iterable[Any]) -> list[Any]:
    """Return those of a panel's `times` that are named, in the order in which they are; refuse none.

    Examples
    --------
    >>> find_times(pd.Index([1981, 1984, 1987]), ["1987", 1981])
    [1987, 1981]
    """
    found = [plain(find_time(times, time)) for time in given]
    if not found:
        raise DataError(f"Name at least one time of the panel; it has {name_ids(_named(times))}.")
    return found


def time_text(time: Any) -> str:
    """Return a time as tables and layers write it, a date without its midnight.

    Examples
    --------
    >>> time_text(pd.Timestamp("2001-02-01")), time_text(1981)
    ('2001-02-01', '1981')
    """
    return f"{time:%Y-%m-%d}" if isinstance(time, pd.Timestamp) else str(time)


def _named(times: pd.Index[Any]) -> list[Any]:
    return [plain(t) if isinstance(t, (int, np.integer)) else str(t) for t in times]


def _places_within(times: pd.Index[Any], given: Any) -> NDArray[np.intp]:
    """Return the places of dates and periods that lie in a longer one, as the months of "2001"."""
    if not isinstance(times, (pd.PeriodIndex, pd.DatetimeIndex)) or isinstance(given, bool):
        return np.zeros(0, dtype=np.intp)
    try:
        span = pd.Period(str(plain(given)))
        bare = times.to_timestamp() if isinstance(times, pd.PeriodIndex) else times.tz_localize(None)
        inside = (bare >= span.start_time) & (bare <= span.end_time)
    except (ValueError, TypeError):  # no time at all
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(inside)


# ---- steps
def frequency_of(times: pd.Index[Any]) -> str:
    """Return how long a step is: "year", "quarter", "month", ..., or "step" for whole numbers.

    Whole numbers are one step apart.  Dates count in the largest calendar step that all their gaps are
    multiples of: years, half-years, quarters or months where they share the day of the month, or are ends of
    months; else weeks, days, hours, minutes or seconds.

    Examples
    --------
    >>> frequency_of(pd.to_datetime(["2001-03-31", "2001-06-30", "2001-12-31"]))
    'quarter'
    """
    if isinstance(times, pd.PeriodIndex):
        return str(times.freqstr)
    if not isinstance(times, pd.DatetimeIndex):
        return "step"
    bare = times.tz_localize(None)
    whole_days = bool((bare == bare.normalize()).all())
    if whole_days and (len(set(bare.day)) <= 1 or bool(bare.is_month_end.all())):
        return _largest(_month_numbers(bare), _MONTHS, "month")
    return _largest(bare.as_unit("ns").asi8, _SPANS, "nanosecond")


def _largest(numbers: Int, steps: dict[str, int], smallest: str) -> str:
    gap = _gap(numbers)
    return next((name for name, step in steps.items() if gap % step == 0), smallest)


def _gap(numbers: Int) -> int:
    """Return the greatest common divisor of the gaps; 0 for one time."""
    return int(np.gcd.reduce(np.diff(np.unique(numbers)))) if len(numbers) else 0


def _month_numbers(times: Any) -> Int:
    return np.asarray(times.year * 12 + times.month, dtype=np.int64)


def ordinals(times: pd.Index[Any], frequency: str | None = None) -> Int:
    """Return times as whole numbers, one a step of `frequency`; differences are distances.

    Parameters
    ----------
    times : Index
    frequency : str, optional
        As `frequency_of` names it; one that does not divide all gaps gives way to that of the times.
    """
    if isinstance(times, pd.PeriodIndex):
        return np.asarray(times.asi8)
    if not isinstance(times, pd.DatetimeIndex):
        return np.asarray(times, dtype=np.int64)
    bare = times.tz_localize(None)
    wanted = kept_frequency(times, frequency)
    numbers = _month_numbers(bare) if wanted in _MONTHS else bare.as_unit("ns").asi8
    step = _MONTHS.get(wanted) or _SPANS.get(wanted, 1)
    start = int(numbers.min()) if len(numbers) else 0
    return np.asarray((numbers - start) // step, dtype=np.int64)


def kept_frequency(times: pd.Index[Any], frequency: str | None) -> str:
    """Return `frequency` while it divides the gaps between the times, else their own.

    So a panel of months stays one when only its Januaries are kept.
    """
    own = frequency_of(times)
    if frequency is None or frequency == own or not isinstance(times, pd.DatetimeIndex):
        return own
    bare = times.tz_localize(None)
    if frequency in _MONTHS:
        divides = own in _MONTHS and _gap(_month_numbers(bare)) % _MONTHS[frequency] == 0
    else:
        divides = _gap(bare.as_unit("ns").asi8) % _SPANS.get(frequency, 1) == 0
    return frequency if divides else own


def times_after_gaps(times: pd.Index[Any]) -> pd.Index[Any]:
    """Return the times that come later after the one before them than others do."""
    if len(times) < 3:
        return times[:0]
    steps = np.diff(ordinals(times))
    return times[1:][steps > steps.min()]
