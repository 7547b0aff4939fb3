"""Tables on their way to a panel: what a reader is told, what it gives, and frames of other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from spatial.errors import DataError, name_ids

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

__all__ = ["MISSING", "Options", "Source", "Table", "as_pandas", "one_row_of_names"]

MISSING = ("", ".", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "<NA>")

Source: TypeAlias = "str | Path | IntoFrame"
"""A file, an address or the name of a sample; or a frame of pandas, polars, Arrow or another library."""


@dataclass(frozen=True)
class Options:
    """What a reader may need to know."""

    unit: str
    sheet: str | int | None = None
    encoding: str | None = None
    time: str = ""
    decimal: str = "."


@dataclass(frozen=True)
class Table:
    """A long table as the file has it."""

    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def as_pandas(data: Any, what: str, *, copy: bool = True) -> pd.DataFrame:
    """Return a frame of pandas, polars, Arrow or any other that narwhals knows, as pandas'.

    Raises
    ------
    DataError
        Where it is no frame, or has several rows of column names.

    Examples
    --------
    >>> import pyarrow as pa
    >>> as_pandas(pa.table({"city": ["a", "b"], "x": [1, None]}), "A panel")
      city    x
    0    a  1.0
    1    b  NaN
    """
    if isinstance(data, pd.DataFrame):
        one_row_of_names(data.columns, "The table")
        return data.copy() if copy else data
    import narwhals as nw

    try:
        found = nw.from_native(data)
        frame = found.collect() if isinstance(found, nw.LazyFrame) else found
        columns = {name: _column(frame[name]) for name in frame.columns}
    except (TypeError, AttributeError):
        kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}".removeprefix("builtins.")
        raise DataError(
            f"{what} is read from a path, a URL or a DataFrame of pandas, polars or Arrow; got {kind}. "
            "If it can be turned into one, as with .to_pandas(), do that first."
        ) from None
    return pd.DataFrame(columns)


def _column(series: Any) -> Any:
    """Return a column's values without Arrow, which polars and narwhals would need to hand them on."""
    import narwhals as nw

    kind = series.dtype
    if kind == nw.Boolean or not kind.is_numeric() or series.null_count():
        values = series.to_list()
        if kind.is_numeric() and not kind.is_decimal() and None in values:
            if kind.is_integer() and any(abs(v) >= 2**53 for v in values if v is not None):
                return pd.array(values, dtype="UInt64" if kind.is_unsigned_integer() else "Int64")
            values = [np.nan if value is None else value for value in values]
        if kind == nw.Date or kind == nw.Datetime:
            return pd.to_datetime(pd.Series(values, dtype=object))
        return pd.Series(values, dtype=None if any(v is not None for v in values) else object)
    return np.asarray(series.to_numpy())


def one_row_of_names(columns: pd.Index[Any], what: str) -> None:
    """Refuse columns with several rows of names, as two header rows of a workbook give."""
    if columns.nlevels > 1:
        raise DataError(
            f"{what} needs one row of column names; it has {columns.nlevels}, e.g. {name_ids(columns, 3)}. "
            "Join them, e.g. frame.columns = ['_'.join(map(str, c)).strip('_') for c in frame.columns]."
        )
