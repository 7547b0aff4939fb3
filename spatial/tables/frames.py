"""Any small frame as a table of a paper: a head, a row a row, numbers with their digits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from spatial.errors import DataError, hinted
from spatial.words import check_language

from .formats.cells import Row, clean, clean_all, head_row
from .formats.numbers import Number, check_digits, format_number
from .notes import noted
from .table import Table, in_languages
from .words import word

__all__ = ["frame_table"]

_P = ("p", "p_value", "p value", "p 值")  # heads of columns of p-values


@in_languages
@hinted
def frame_table(
    frame: pd.DataFrame,
    *,
    digits: int = 3,
    lang: str | None = None,
    title: str = "",
    notes: str | Iterable[str] = (),
) -> Table:
    """Show a frame as a table with the writers of all tables; the first column holds the rows' names.

    Parameters
    ----------
    frame : DataFrame
        Its index is not shown.
    digits : int
        Of numbers that are not whole.
    lang : "en" or "zh"
    title : str
    notes : str or list of str

    Raises
    ------
    DataError
        If `frame` is no DataFrame, or `digits` is no whole number from 0 to 10.

    Examples
    --------
    >>> frame = pd.DataFrame({"Term": ["x"], "True": [0.5], "Covered": [True]})
    >>> print(frame_table(frame, digits=2))
    -------------------
    Term  True  Covered
    -------------------
    x     0.50    Yes
    -------------------
    """
    if not isinstance(frame, pd.DataFrame) or not len(frame.columns):
        raise DataError(f"A frame with columns is needed; got {type(frame).__name__}.")
    language, places = check_language(lang), check_digits(digits)
    # A p-value of 7e-51 is 0.000 with three digits: nobody wants its exponent here.
    small = [str(column) in _P for column in frame.columns[1:]]
    rows = [
        Row(
            clean(str(name)),
            tuple(_cell(value, places, language, p) for value, p in zip(values, small, strict=True)),
        )
        for name, *values in frame.itertuples(index=False, name=None)
    ]
    said = noted(clean_all(notes), language)
    head = head_row([clean(str(column)) for column in frame.columns])
    return Table((head,), tuple(rows), clean(title), said, language)


def _cell(value: Any, places: int, lang: str, is_p: bool = False) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return word("yes" if value else "no", lang)
    if isinstance(value, str):
        return clean(value)
    number = float(value)
    if is_p:
        return Number(f"{number:.{places}f}", number)
    return (
        f"{number:.0f}"
        if float(number).is_integer() and abs(number) < 1e9 and not isinstance(value, float)
        else format_number(number, places)
    )
