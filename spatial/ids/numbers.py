"""Numbers that are kept as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Parsed", "numbers_if_all", "parse_numbers"]

Bool = NDArray[np.bool_]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LEADING_ZERO = re.compile(r"[+-]?0\d")


@dataclass(frozen=True)
class Parsed:
    """`values` (R,) float64; `parsed`, `missing`, `bad` (R,): text that was a number, a mark, neither."""

    values: NDArray[np.float64]
    parsed: Bool
    missing: Bool
    bad: Bool


def parse_numbers(column: pd.Series[Any], missing: Sequence[str], thousands: str) -> Parsed:
    """Read each text of `column` as a number; full-width digits and blanks around are forgiven."""
    marks = set(missing) | {""}
    values = np.full(len(column), np.nan)
    kinds = np.zeros((3, len(column)), dtype=bool)
    for row, value in enumerate(column):
        if not isinstance(value, str):
            values[row] = np.nan if pd.isna(value) else float(value)
        elif value.strip() in marks:
            kinds[1, row] = True
        elif (number := _number(value, thousands)) is not None:
            values[row], kinds[0, row] = number, True
        else:
            kinds[2, row] = True
    return Parsed(values, *kinds)


def _number(text: str, thousands: str) -> float | None:
    digits = text.strip().translate(_FULL_WIDTH)
    if thousands and thousands in digits:
        # Groups of three only: "1,5" is a decimal comma, not fifteen.
        mark = re.escape(thousands)
        if not re.fullmatch(rf"[+-]?\d{{1,3}}({mark}\d{{3}})+(\.\d*)?", digits):
            return None
        digits = digits.replace(thousands, "")
    return float(digits) if _NUMBER.fullmatch(digits) else None


_FULL_WIDTH = {ord(a): b for a, b in zip("０１２３４５６７８９．－＋，", "0123456789.-+,", strict=True)}


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
