"""A table typed from a paper, read into numbers: the rows of coefficients and the facts of its columns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean
from spatial.tables.formats.numbers import Typed, read_number

__all__ = ["Line", "TypedTable", "read_typed", "system_of"]

# The columns that are understood, and what else they are called.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "column": ("col",),
    "model": (),
    "equation": ("outcome", "depvar"),
    "term": ("variable", "regressor"),
    "coefficient": ("estimate", "coef", "b"),
    "t": ("statistic", "z", "t_value"),
    "std_error": ("se", "standard_error"),
    "p_value": ("p",),
    "stars": ("star",),
    "df": (),
    "N": ("n_obs", "observations", "obs"),
    "units": ("n_units", "cities"),
    "years": ("times", "n_times", "T", "periods"),
    "r2": ("R2", "r_squared"),
    "structural": (),
}
_MATRICES = ("B", "Lambda")
_LAG = r"^W\w*\s*[(.×*·_ ]\s*{name}\s*\)?$"


@dataclass(frozen=True)
class Line:
    """One coefficient as printed; `stars` is None where the table does not show them."""

    where: str
    equation: str
    term: str
    coefficient: Typed | None
    t: Typed | None
    std_error: Typed | None
    stars: str | None
    p_value: float
    df: float
    sample: tuple[tuple[str, Typed | None], ...]
    structural: bool

    def fact(self, name: str) -> Typed | None:
        """Return N, units, years or r2."""
        return dict(self.sample)[name]


@dataclass(frozen=True)
class TypedTable:
    """Lines, and the system matrices where they were given."""

    lines: tuple[Line, ...]
    B: Any = None
    Lambda: Any = None


def read_typed(table: Any) -> TypedTable:
    """Read a DataFrame or a dict of columns; refuse columns that are not understood."""
    matrices: dict[str, Any] = {}
    if isinstance(table, Mapping):
        matrices = {k: table[k] for k in _MATRICES if k in table}
        columns = {k: v for k, v in table.items() if k not in _MATRICES}
        try:
            table = pd.DataFrame(columns) if columns else pd.DataFrame({"coefficient": []})
        except ValueError:
            sizes = {k: len(v) for k, v in columns.items() if np.ndim(v)}
            raise DataError(f"Columns of a typed table need the same length; got {sizes}.") from None
    if not isinstance(table, pd.DataFrame):
        raise DataError(
            "check_table takes a RegressionTable, or a DataFrame or dict with columns equation, term, "
            f"coefficient, t or std_error, stars, N, units, years, r2; got {type(table).__name__}."
        )
    frame = _renamed(table)
    starred = "stars" in frame or any("*" in str(v) for v in frame.get("coefficient", ()))
    lines = [_line(row, k, starred) for k, row in enumerate(frame.to_dict("records"))]
    return TypedTable(tuple(lines), matrices.get("B"), matrices.get("Lambda"))


def _renamed(table: pd.DataFrame) -> pd.DataFrame:
    known = {alias: name for name, aliases in _ALIASES.items() for alias in (name, *aliases)}
    for column in table.columns:
        if column not in known:
            raise DataError(
                f"check_table does not know the column {column!r}.{did_you_mean(column, known)} "
                f"It knows: {', '.join(_ALIASES)}."
            )
    frame = table.rename(columns=known)
    if frame.columns.duplicated().any():
        again = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"Several columns stand for {again!r}; keep one.")
    if not {"coefficient", "N", "r2"} & set(frame.columns):
        raise DataError(
            "check_table needs a column 'coefficient', or one of 'N' and 'r2'; got "
            f"{', '.join(map(str, table.columns)) or 'none'}."
        )
    return frame.astype(object)


def _line(row: Mapping[Any, Any], place: int, starred: bool) -> Line:
    def number(name: str) -> Typed | None:
        return read_number(row.get(name), f"{name} of row {place + 1}")

    def value(name: str, missing: float) -> float:
        found = number(name)
        return missing if found is None else found.value

    equation, term = _text(row.get("equation")), _text(row.get("term"))
    coefficient = number("coefficient")
    parts = [
        _text(row.get("model")),
        f"({_text(row['column'])})" if _text(row.get("column")) else "",
        equation,
    ]
    where = ", ".join(part for part in parts if part) or ("table" if term else f"row {place + 1}")
    sample = tuple((name, number(name)) for name in ("N", "units", "years", "r2"))
    stars = _stars(row.get("stars"), coefficient, place) if starred else None
    return Line(
        where,
        equation,
        term,
        coefficient,
        number("t"),
        number("std_error"),
        stars,
        value("p_value", math.nan),
        value("df", math.nan),
        sample,
        _text(row.get("structural")) == "True",
    )


def _text(value: Any) -> str:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()


def _stars(value: Any, coefficient: Typed | None, place: int) -> str:
    """Return stars from their column (a text or a count), else from the coefficient."""
    text = _text(value).replace("＊", "*").replace("∗", "*").replace(".0", "")
    if text.isdigit():
        text = "*" * int(text)
    if text.strip("*") or len(text) > 5:
        raise DataError(f"stars of row {place + 1} are '', '*', '**', '***' or their number; got {value!r}.")
    return text or ("" if coefficient is None else coefficient.stars)


def system_of(lines: tuple[Line, ...]) -> tuple[tuple[str, ...], Any, Any] | None:
    """Return names, B and Lambda of a typed system, from the names of its terms; None without one.

    A term is another outcome where it has its name, and a spatial lag of one as ``W(name)``, ``W.name``,
    ``W_name`` or ``W×name``.
    """
    names = tuple(dict.fromkeys(line.equation for line in lines if line.equation))
    B, Lambda = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    for line in lines:
        if line.coefficient is None or not line.equation:
            continue
        g = names.index(line.equation)
        for h, name in enumerate(names):
            if line.term == name and g != h:
                B[g, h] = line.coefficient.value
            elif re.match(_LAG.format(name=re.escape(name)), line.term):
                Lambda[g, h] = line.coefficient.value
    return (names, B, Lambda) if np.any(B) or np.any(Lambda) else None
