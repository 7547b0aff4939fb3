"""The one rule for ids, whatever they come from: text or whole numbers, exact, and told apart by the eye.

``110000``, ``110000.0`` and ``1e+05`` are the ways in which programs write a code; they mean one thing.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids

__all__ = [
    "clean_ids",
    "code_points",
    "fold",
    "id_text",
    "ids_from_text",
    "plain_columns",
    "refuse_missing",
    "whole_ids",
]

# The largest whole number that a float tells apart from its neighbours, by the float's bytes.
_EXACT = {2: 2.0**11, 4: 2.0**24, 8: 2.0**53}
_LONGEST = np.iinfo(np.int64)
_WHOLE = re.compile(r"([+-]?(?:0|[1-9]\d*))(?:\.0*)?")
# As R and C write 100000; "1E5" without the sign is a code like any other.
_POWER = re.compile(r"([+-]?)([1-9])(?:\.(\d+))?[eE]\+(\d{2,3})")
_DIGITS_SHOWN = 6  # of R, pandas and Excel, unless told


def clean_ids(values: pd.Series[Any], what: str) -> pd.Series[Any]:
    """Return ids as text or int64; refuse missing, fractional, mixed and cut ones, and look-alikes.

    Whole numbers that were kept as floats, as in a .dbf, become integers; text is kept to the letter, leading
    zeros with it, unless each is a number and some are written ``110000.0`` or ``1e+05``.  Whole numbers too
    long for int64, as the unsigned ids of grids, become text.

    Examples
    --------
    >>> clean_ids(pd.Series([110000.0, 310000.0]), "adcode").tolist()
    [110000, 310000]
    >>> clean_ids(pd.Series(["01001", "01003"]), "fips").tolist()
    ['01001', '01003']
    >>> clean_ids(pd.Series(["110000.0", "120000"]), "adcode").tolist()
    ['110000', '120000']
    """
    values = plain_columns(values)
    codes, found = refuse_missing(values, what)
    if pd.api.types.is_bool_dtype(values.dtype):
        raise DataError(f"{what} must hold ids, text or whole numbers; it holds True and False.")
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_complex_dtype(values.dtype):
        return whole_numbers(values, what, "ids must be text or whole numbers")
    kinds = {type(value) for value in found}
    if all(issubclass(kind, str) for kind in kinds):
        return _taken(_clean_text(list(found), what), codes, values)
    if all(issubclass(kind, (int, float, np.number, Decimal)) and kind is not bool for kind in kinds):
        numbers = whole_numbers(pd.Series(list(found)), what, "ids must be text or whole numbers")
        return _taken(numbers.tolist(), codes, values)
    raise DataError(
        f"{what} must hold ids all of one kind, text or whole numbers; it holds "
        f"{', '.join(sorted(kind.__name__ for kind in kinds))}, e.g. {name_ids(values.iloc[:3])}. "
        f"Convert it first, e.g. frame[{values.name!r}].astype(str)."
    )


def ids_from_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return ids of a table file as integers if all are whole numbers without leading zeros, else as text.

    A file of separated text does not say whether 110000 is text or a number.

    Examples
    --------
    >>> ids_from_text(pd.Series(["110000", "120000.0"])).tolist()
    [110000, 120000]
    >>> ids_from_text(pd.Series(["110000", "010000"])).tolist()
    ['110000', '010000']
    """
    codes, found = _distinct(column)
    if not len(found) or (codes < 0).any():
        return column
    if not _plain(found):
        found = [id_text(value, str(column.name)) for value in found]
        if not all(_WHOLE.fullmatch(text) and len(text.lstrip("+-")) <= 18 for text in found):
            return column
    return pd.Series(np.array([int(text) for text in found])[codes], index=column.index, name=column.name)


def _plain(found: list[str]) -> bool:
    """Whether all are digits without a leading zero, as nearly always; the quick way."""
    if not all(map(str.isdecimal, found)) or max(map(len, found)) > 18 or not "".join(found).isascii():
        return False
    return not any(text[0] == "0" and len(text) > 1 for text in found)


def id_text(value: Any, what: str = "An id") -> str:
    """Return the text that an id means, however it is written.

    Examples
    --------
    >>> [id_text(value) for value in (110000, 110000.0, "110000.0", "1e+05", "01001", "12E3")]
    ['110000', '110000', '110000', '100000', '01001', '12E3']
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    if (whole := _WHOLE.fullmatch(text)) is not None:
        return whole[1].removeprefix("+") if text[0] == "+" or "." in text else text
    if (power := _POWER.fullmatch(text)) is not None:
        sign, first, rest, exponent = power[1], power[2], power[3] or "", int(power[4])
        if len(rest) <= exponent <= 18:
            if len(rest) >= _DIGITS_SHOWN - 1 and exponent > len(rest):
                raise DataError(
                    f"{what}: {text!r} shows {len(rest) + 1} digits of a number of {exponent + 1}; the "
                    "others were lost when it was written. Write the ids again as text, with all digits."
                )
            return sign.removeprefix("+") + first + rest.ljust(exponent, "0")
    return text


def _clean_text(found: list[str], what: str) -> list[str]:
    if (every := "".join(found)).isascii() and every.isdecimal():
        return found  # digits alone mean what they are, and look as they are
    if all(value[:1] in "+-0123456789" for value in found):
        means = [id_text(value, what) for value in found]
        if all(_WHOLE.fullmatch(text) or re.fullmatch(r"\d+", text) for text in means):
            found = means
    refuse_look_alikes(found, what)
    return found


def _taken(found: list[Any], codes: NDArray[Any], values: pd.Series[Any]) -> pd.Series[Any]:
    distinct = pd.Series(found, dtype=None if found else object)
    return pd.Series(distinct.array[codes], index=values.index, name=values.name)


# ---- the eye
def fold(text: str) -> str:
    """Return what a reader sees: one form of accents and widths, no blanks round, no invisible characters.

    Examples
    --------
    >>> fold("\\u3000Orle\\u0301ans １") == fold("Orléans 1")
    True
    """
    seen = unicodedata.normalize("NFKC", text)
    if not seen.isascii():
        seen = "".join(" " if c.isspace() else c for c in seen if unicodedata.category(c) not in ("Cf", "Cc"))
    return " ".join(seen.split())


def refuse_look_alikes(found: list[str], what: str) -> None:
    """Refuse ids that differ and look the same, naming the characters that differ."""
    if all(text.isascii() and text.isprintable() for text in found) and not any(
        text != text.strip() or "  " in text for text in found
    ):
        return
    seen: dict[str, str] = {}
    for text in found:
        other = seen.setdefault(fold(text), text)
        if other != text:
            raise DataError(
                f"{what} holds ids that look alike and are not the same: {code_points(other, text)}. "
                f"Write them alike, e.g. frame[column].str.normalize('NFKC').str.strip()."
            )


def code_points(a: str, b: str) -> str:
    """Name two texts that look alike with the characters by which they differ.

    Examples
    --------
    >>> code_points("北京", "北京\\u3000")
    "'北京' and '北京\\\\u3000' (with U+3000)"
    """
    parts = []
    for own, other in ((a, b), (b, a)):
        extra = [f"U+{ord(c):04X}" for c in dict.fromkeys(own) if own.count(c) > other.count(c)]
        parts.append(f"{own!r}" + (f" (with {', '.join(extra)})" if extra else ""))
    return " and ".join(parts)


# ---- types
def plain_columns(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return categories and Arrow's types as the values that they hold."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if isinstance(values.dtype, pd.ArrowDtype):
        import pyarrow as pa

        kind = values.dtype.pyarrow_dtype
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return pd.Series(pd.to_datetime(values.astype(object)), index=values.index, name=values.name)
        values = values.astype(object)
    if values.dtype == object and pd.api.types.infer_dtype(values, skipna=False) == "string":
        return values  # a type for text would be made of a million objects, to be taken apart again
    return values.infer_objects()


def _distinct(values: pd.Series[Any]) -> tuple[NDArray[Any], list[Any]]:
    """Return which of the distinct values each row has, -1 where it is missing, and these."""
    if isinstance(values.dtype, pd.StringDtype):
        codes, found = values.array.factorize()
        return codes, found.to_numpy(dtype=object).tolist()
    codes, found = pd.factorize(values.to_numpy(dtype=object))
    return codes, list(found)


def refuse_missing(values: pd.Series[Any], what: str) -> tuple[NDArray[Any], list[Any]]:
    """Refuse missing ids or times and empty text, by row; return codes and values of what is no number."""
    codes: NDArray[Any] = np.zeros(0, dtype=np.intp)
    found: list[Any] = []
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_complex_dtype(values.dtype):
        missing = values.isna().to_numpy(dtype=bool)
    else:
        codes, found = _distinct(values)
        missing = np.array([isinstance(value, str) and not value.strip() for value in found] + [True])[codes]
    if missing.any():
        raise DataError(
            f"{what} must be filled in each row; {int(missing.sum())} of {len(values)} are missing, at rows "
            f"{name_ids(np.flatnonzero(missing))} (counted from 0). Fill or drop those rows."
        )
    return codes, found


def whole_numbers(values: pd.Series[Any], what: str, rule: str) -> pd.Series[Any]:
    """Return whole numbers as int64, or as text where they are too long; refuse what a float has rounded."""
    dtype = values.dtype
    if pd.api.types.is_object_dtype(dtype):  # Python's own numbers, of any length
        if any(value != int(value) for value in values):
            bad = [value for value in values if value != int(value)]
            raise DataError(f"{what}: {rule}; got {name_ids(bad)}.")
        wide = [int(value) for value in values]
        return _in_64_bits(pd.Series(wide, index=values.index, name=values.name, dtype=object))
    if pd.api.types.is_integer_dtype(dtype):
        if pd.api.types.is_unsigned_integer_dtype(dtype) and int(values.max() or 0) > _LONGEST.max:
            return _in_64_bits(values.astype(object))
        return values.astype(np.int64)
    size = getattr(getattr(dtype, "numpy_dtype", dtype), "itemsize", 8)
    exact = _EXACT.get(size, 2.0**53)
    numbers = values.to_numpy(dtype=np.float64)
    fractional = numbers != np.round(numbers)
    if fractional.any():
        raise DataError(f"{what}: {rule}; got {name_ids(numbers[fractional])}.")
    long = np.abs(numbers) >= exact
    if long.any():
        raise DataError(
            f"{what}: {rule}, to the last digit; got {name_ids(numbers[long])}, kept as {dtype}, which has "
            f"no exact whole numbers from {exact:.0f} on: neighbouring ids may have become one. Store them "
            f"as text{', or in Stata as double or long' if size == 4 else ''}, where the file was made."
        )
    return values.astype(np.int64)


def whole_ids(ids: pd.Index[Any], what: str) -> pd.Index[Any]:
    """Return ids that are kept as floats as whole numbers; refuse fractional ones and those with lost digits.

    Examples
    --------
    >>> whole_ids(pd.Index([110000.0, 120000.0]), "Weights")
    Index([110000, 120000], dtype='int64')
    """
    if not pd.api.types.is_float_dtype(ids.dtype):
        return ids
    return pd.Index(whole_numbers(ids.to_series(), what, "ids must be text or whole numbers"), name=ids.name)


def _in_64_bits(values: pd.Series[Any]) -> pd.Series[Any]:
    if all(_LONGEST.min <= value <= _LONGEST.max for value in values):
        return values.astype(np.int64)
    return pd.Series([str(value) for value in values], index=values.index, name=values.name)
