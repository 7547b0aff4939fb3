"""Numbers as text, and text as numbers: what tables print, and what a reader types from one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from spatial.errors import DataError

__all__ = [
    "Number",
    "Typed",
    "check_digits",
    "check_thresholds",
    "five_figures",
    "format_number",
    "is_aligned",
    "marked",
    "read_number",
    "split_stars",
    "star_text",
    "with_minus",
]

_DECIMAL = re.compile(r"^[(\[]?-?\d+\.\d+[)\]]?\**$")
_HYPHEN = re.compile(r"(?<![^\s(\[])-(?=(?:[\d.,]*\d|∞)(?:[\])\s,*]|$))")
_STARRED = re.compile(r"^(.*?\d)(\*+)$", re.DOTALL)
_PLAIN = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$", re.IGNORECASE)
# What fonts and word processors make of minus signs, stars, points and brackets.
_SAME = str.maketrans("−–—﹣－＊∗⋆．，（）［］", "-----***.,()[]")


class Number(str):
    """A number as printed, and its `value` with all digits, which a workbook keeps."""

    value: float

    def __new__(cls, text: str, value: float) -> Number:
        """Return the text with its value."""
        made = super().__new__(cls, text)
        made.value = value
        return made

    def __getnewargs__(self) -> tuple[str, float]:  # type: ignore[override]
        """Return what a copy is made of."""
        return str(self), self.value


def marked(text: str, before: str = "", after: str = "") -> str:
    """Return a printed number with brackets or stars around it; its value stays.

    Examples
    --------
    >>> shown = marked(format_number(2.31415), "(", ")")
    >>> shown, shown.value
    ('(2.314)', 2.31415)
    """
    found = f"{before}{text}{after}" if text else ""
    return Number(found, text.value) if found and isinstance(text, Number) else found


def with_minus(text: str) -> str:
    """Return a cell with minus signs for hyphens before its numbers.

    Examples
    --------
    >>> with_minus("[-0.543, 0.006]"), with_minus("2003-2010"), with_minus("-0.429**")
    ('[−0.543, 0.006]', '2003-2010', '−0.429**')
    """
    return _HYPHEN.sub("−", text)


def is_aligned(text: str) -> bool:
    """Return whether a cell is a number with decimals, alone, in brackets or with stars: points align.

    Examples
    --------
    >>> [is_aligned(text) for text in ("-0.429**", "(0.202)", "630", "1.2 (0.3)", "Yes")]
    [True, True, False, False, False]
    """
    return bool(_DECIMAL.match(text))


def format_number(value: Any, digits: int = 3) -> str:
    """Write a number with `digits` decimals; one that would round to zero keeps two figures; NaN is empty.

    The text is a `Number`: it keeps the value.

    Examples
    --------
    >>> format_number(-0.12345), format_number(630, 0), format_number(0.0000234), format_number(float("nan"))
    ('-0.123', '630', '0.000023', '')
    >>> with_minus(format_number(-math.inf))
    '−∞'
    """
    number = float(value)
    if math.isnan(number):
        return ""
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    return Number(_digits(number, digits), number)


def _digits(number: float, digits: int) -> str:
    if abs(number) >= 1e9:
        return f"{number:.{digits}e}"
    text = f"{number:.{digits}f}"
    if number != 0 and digits and float(text) == 0:
        places = 1 - math.floor(math.log10(abs(number)))
        return f"{number:.{places}f}" if places <= 9 else f"{number:.1e}"
    return text.removeprefix("-") if float(text) == 0 else text


def five_figures(values: Any) -> int:
    """Return as many decimals as leave a number of a variable five figures, at most three.

    Examples
    --------
    >>> five_figures([0.5]), five_figures([450.0]), five_figures([-45000.0])
    (3, 2, 0)
    """
    largest = max(map(abs, values), default=0.0)
    return sum(largest < size for size in (100, 1000, 10_000))


def star_text(p_value: float, thresholds: tuple[float, ...]) -> str:
    """Return one star for each threshold above the p-value.

    Examples
    --------
    >>> star_text(0.03, (0.1, 0.05, 0.01))
    '**'
    """
    return "" if math.isnan(p_value) else "*" * sum(p_value < level for level in thresholds)


def split_stars(text: str) -> tuple[str, str]:
    """Return a printed coefficient without its stars, and its stars.

    Examples
    --------
    >>> split_stars("0.653***"), split_stars("*")
    (('0.653', '***'), ('*', ''))
    """
    found = _STARRED.match(text)
    return (found[1], found[2]) if found else (text, "")


@dataclass(frozen=True)
class Typed:
    """A printed number: its value, its stars (None where the text had none to show), half its last digit."""

    value: float
    stars: str
    half: float


def read_number(value: Any, what: str) -> Typed | None:
    """Read a number as printed; None for an empty cell.

    Examples
    --------
    >>> read_number("−0.378**", "coefficient")
    Typed(value=-0.378, stars='**', half=0.0005)
    >>> read_number("(2.31)", "t").value
    2.31
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, Real) and not isinstance(value, bool):
        text = repr(float(value))
        return Typed(float(value), "", _half(text) if math.isfinite(float(value)) else 0.0)
    text = str(value).translate(_SAME).replace(" ", "").replace("\u3000", "").strip("()[]")
    if text in ("", "-", "--", "nan", "NaN", "<NA>"):
        return None
    text, stars = split_stars(text.replace(",", ""))
    text = text.strip("()[]")
    if not _PLAIN.match(text):
        raise DataError(f"{what} is a number as printed, such as '-0.378**' or '(2.31)'; got {value!r}.")
    return Typed(float(text), stars, _half(text))


def _half(text: str) -> float:
    """Half a unit of the last printed digit."""
    mantissa, _, exponent = text.lower().partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def check_digits(digits: Any) -> int:
    """Return `digits`, a whole number from 0 to 10."""
    if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 10:
        raise DataError(f"digits is a whole number from 0 to 10; got {digits!r}.")
    return digits


def check_thresholds(stars: Any) -> tuple[float, ...]:
    """Return the thresholds of stars, from the largest; none for a table without stars."""
    wanted = "stars are p-value thresholds between 0 and 1, such as (0.1, 0.05, 0.01), or ()"
    if isinstance(stars, str) or not isinstance(stars, Iterable):
        raise DataError(f"{wanted}; got {stars!r}.")
    levels = tuple(stars)
    if any(isinstance(s, bool) or not isinstance(s, Real) or not 0 < float(s) < 1 for s in levels):
        raise DataError(f"{wanted}; got {stars!r}.")
    if len(set(levels)) < len(levels) or len(levels) > 5:
        raise DataError(f"{wanted}, at most five and all different; got {stars!r}.")
    return tuple(sorted((float(s) for s in levels), reverse=True))
