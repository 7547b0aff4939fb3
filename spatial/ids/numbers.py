"""The one gate to float64, for columns, Series and arrays; and numbers that are kept as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids, plain

__all__ = [
    "ById",
    "Ids",
    "Parsed",
    "Refused",
    "Values",
    "numbers_if_all",
    "parse_numbers",
    "read_float",
    "to_float",
]

Bool = NDArray[np.bool_]
Float = NDArray[np.float64]
Values: TypeAlias = "pd.Series[Any] | pd.DataFrame | NDArray[Any] | Sequence[float]"
"""Numbers by unit: a Series by id, which is matched; or an array or list in the order of the units."""
ById: TypeAlias = "pd.Series[Any] | Mapping[Any, Any]"
"""Something of each unit or column, by its id or name."""
Ids: TypeAlias = "pd.Index[Any] | Sequence[Any]"
"""Ids of units, in order."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LEADING_ZERO = re.compile(r"[+-]?0\d")
_CURES = {
    "text": "Read it as numbers first, with panel.parse_numbers or pandas.to_numeric.",
    "dates": "Take the number that is meant, as dates.dt.year.",
    "durations": "Take the number that is meant, as durations.dt.days.",
    "complex numbers": "Take their real part or absolute value.",
    "categories": "If they are numbers, convert them: column.astype(float).",
    "True and False": "Convert them: column.astype(float).",
}


# ---- the gate
@dataclass(frozen=True)
class Refused:
    """Why values are no numbers: their kind in words, their type, and the places of some of them."""

    kind: str
    dtype: str
    places: NDArray[np.intp]
    count: int


def to_float(values: Any, what: str, *, booleans: bool = True, verb: Literal["be", "hold"] = "be") -> Float:
    """Return `values` as float64, missing and masked ones as NaN; refuse what is no real number.

    Parameters
    ----------
    values : Series, DataFrame, array or list
        Numbers of any type; text, dates, durations, complex numbers and categories are refused even where
        numpy would find a number in them.
    what : str
        Name in the message.
    booleans : bool
        Whether True and False count as 1 and 0.
    verb : {"be", "hold"}
        Of the message: values are numbers, a column holds them.

    Raises
    ------
    DataError

    Examples
    --------
    >>> to_float(np.ma.masked_equal([1.0, -9999.0], -9999.0), "x")
    array([ 1., nan])
    >>> to_float(pd.Series([1, None], dtype="Int64"), "x")
    array([ 1., nan])
    """
    found = read_float(values, booleans=booleans)
    if isinstance(found, Refused):
        sample = name_ids([plain(v) for v in _flat(values)[found.places][:3]]) if len(found.places) else ""
        shown = f", e.g. {sample}" if sample else ""
        held = "got" if verb == "be" else "it holds"
        kind = found.kind if found.dtype in (found.kind, "") else f"{found.kind} ({found.dtype})"
        raise DataError(f"{what} must {verb} numbers; {held} {kind}{shown}. {_cure(found.kind)}")
    return found


def read_float(values: Any, *, booleans: bool = True) -> Float | Refused:
    """Return `values` as float64, or say why they are not numbers; see `to_float`."""
    if isinstance(values, pd.DataFrame):
        return _table(values, booleans)
    if isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        # What a mask hides may be of any kind: only the rest is asked.
        shown = np.asarray(values.data)
        if shown.dtype.kind == "O":
            shown = shown.copy()
            shown[mask] = None
        found = read_float(shown, booleans=booleans)
        return found if isinstance(found, Refused) else np.where(mask, np.nan, found)
    if isinstance(values, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        return _column(values, booleans)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # lists of unequal length
        return Refused(f"a {type(values).__name__} of several shapes", "", np.zeros(0, dtype=np.intp), 0)
    return _array(array, booleans)


def _cure(kind: str) -> str:
    return _CURES.get(kind, "Convert it first.")


def _flat(values: Any) -> NDArray[Any]:
    array = values.to_numpy(dtype=object) if hasattr(values, "to_numpy") else np.asarray(values, dtype=object)
    return np.asarray(array, dtype=object).reshape(-1)


def _table(frame: pd.DataFrame, booleans: bool) -> Float | Refused:
    if all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in frame.dtypes):
        return np.asarray(frame.to_numpy(dtype=np.float64))
    out = np.empty(frame.shape)
    for k in range(frame.shape[1]):
        found = _column(frame.iloc[:, k], booleans)
        if isinstance(found, Refused):
            places = found.places * frame.shape[1] + k
            return Refused(found.kind, found.dtype, places, found.count)
        out[:, k] = found
    return out


def _column(column: Any, booleans: bool) -> Float | Refused:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _array(np.asarray(column), booleans)
    types = pd.api.types
    if isinstance(dtype, pd.CategoricalDtype):
        return _refused("categories", dtype, len(column))
    if types.is_bool_dtype(dtype) and not booleans:
        return _refused("True and False", dtype, len(column))
    if types.is_complex_dtype(dtype) or not (types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype)):
        # Dates with a zone, periods, text and Arrow's own types: told apart by their values.
        return _array(np.asarray(column, dtype=object), booleans, str(dtype))
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _array(array: NDArray[Any], booleans: bool, dtype: str = "") -> Float | Refused:
    kind = array.dtype.kind
    if kind in "fiu":
        return np.asarray(array, dtype=np.float64)
    if kind == "b":
        if booleans:
            return np.asarray(array, dtype=np.float64)
        return _refused("True and False", array.dtype, array.size)
    named = {"c": "complex numbers", "M": "dates", "m": "durations", "U": "text", "S": "text"}
    if kind in named:
        return _refused(named[kind], array.dtype, array.size)
    if kind != "O":
        return _refused("records", array.dtype, array.size)
    return _objects(array, booleans, dtype)


def _refused(kind: str, dtype: Any, size: int) -> Refused:
    return Refused(kind, str(dtype), np.arange(min(size, 3)), size)


def _objects(array: NDArray[Any], booleans: bool, dtype: str) -> Float | Refused:
    flat = array.reshape(-1)
    kinds = [_kind_of(value, booleans) for value in flat]
    bad = np.flatnonzero([kind is not None for kind in kinds])
    if len(bad):
        # Text is what most often stands among numbers, and what can be cured.
        kind = "text" if "text" in kinds else str(kinds[bad[0]])
        places = np.flatnonzero([found == kind for found in kinds])
        return Refused(kind, dtype, places, len(places))
    try:
        numbers = [
            np.nan if value is None or value is pd.NA or value is np.ma.masked else float(value)
            for value in flat
        ]
    except OverflowError:
        return Refused("whole numbers beyond 1e308", dtype, np.zeros(0, dtype=np.intp), 0)
    return np.array(numbers, dtype=np.float64).reshape(array.shape)


def _kind_of(value: Any, booleans: bool) -> str | None:
    """Return what `value` is in words, or None for a real number or a missing one."""
    if isinstance(value, (bool, np.bool_)):
        return None if booleans else "True and False"
    if value is None or value is pd.NA or value is np.ma.masked:
        return None
    if isinstance(value, (int, float, np.integer, np.floating, Decimal, Fraction)):
        return None
    if isinstance(value, (str, bytes)):
        return "text"
    if isinstance(value, (complex, np.complexfloating)):
        return "complex numbers"
    if isinstance(value, (np.timedelta64, pd.Timedelta)) or type(value).__name__ == "timedelta":
        return "durations"
    if value is pd.NaT or isinstance(value, (np.datetime64, pd.Period)) or hasattr(value, "isoformat"):
        return "dates"
    return f"values of type {type(value).__name__}"


# ---- numbers that are kept as text
@dataclass(frozen=True)
class Parsed:
    """`values` (R,) float64; `parsed`, `missing`, `bad` (R,): text that was a number, a mark, neither."""

    values: Float
    parsed: Bool
    missing: Bool
    bad: Bool


def parse_numbers(
    column: pd.Series[Any], missing: Sequence[str], thousands: str = ",", decimal: str = "."
) -> Parsed:
    """Read each text of `column` as a number; full-width digits and blanks around are forgiven.

    A separator of thousands stands before groups of three digits, and never after a lone 0: with the
    defaults ``"0,512"`` is no number, as it is a decimal comma.

    Examples
    --------
    >>> parse_numbers(pd.Series(["1.234,5", "0,5"]), (), ".", ",").values
    array([1.2345e+03, 5.0000e-01])
    """
    marks = set(missing) | {""}
    codes, found = pd.factorize(column.astype(object), use_na_sentinel=True)
    values = np.full(len(found) + 1, np.nan)
    kinds = np.zeros((3, len(found) + 1), dtype=bool)
    for k, value in enumerate(found):
        if not isinstance(value, str):
            number = read_float([value])
            if isinstance(number, Refused):
                kinds[2, k] = True
            else:
                values[k] = number[0]
        elif value.strip() in marks:
            kinds[1, k] = True
        elif (number_of := _number(value, thousands, decimal)) is not None:
            values[k], kinds[0, k] = number_of, True
        else:
            kinds[2, k] = True
    return Parsed(values[codes], *kinds[:, codes])


def _number(text: str, thousands: str, decimal: str) -> float | None:
    digits = text.strip().translate(_FULL_WIDTH)
    if thousands and thousands.strip() == "":
        digits, thousands = re.sub(r"[ \u00a0\u2009\u202f]", " ", digits), " "
    if thousands and thousands in digits:
        # Groups of three only, and none after a lone 0: "1,5" and "0,512" are decimal commas.
        mark, point = re.escape(thousands), re.escape(decimal)
        if not re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}({mark}\d{{3}})+({point}\d*)?", digits):
            return None
        digits = digits.replace(thousands, "")
    if decimal != ".":
        if "." in digits:
            return None
        digits = digits.replace(decimal, ".")
    return float(digits) if _NUMBER.fullmatch(digits) else None


_FULL_WIDTH = {ord(a): b for a, b in zip("０１２３４５６７８９．－＋，−", "0123456789.-+,-", strict=True)}


def numbers_if_all(column: pd.Series[Any]) -> pd.Series[Any]:
    """Turn a column of text into numbers if each value is one and none has a leading zero, as a code has.

    Examples
    --------
    >>> numbers_if_all(pd.Series(["1", None, "2.5"])).tolist()
    [1.0, nan, 2.5]
    >>> numbers_if_all(pd.Series(["010", "020"])).tolist()
    ['010', '020']
    """
    text = [value for value in column if isinstance(value, str)]
    if not text or not all(_NUMBER.fullmatch(value) and not _LEADING_ZERO.match(value) for value in text):
        return column
    return pd.to_numeric(column)
