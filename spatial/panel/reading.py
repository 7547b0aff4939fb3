"""Panels from files: what the reader of each kind gives, and how it becomes a `Panel`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean, name_ids
from spatial.io.panel_files import Options, Table, read_csv, read_dta, read_parquet, read_xlsx
from spatial.io.sources import is_database, local_path, reader_for

from .panel import Panel, Step

__all__ = ["read_panel", "read_table"]

_Reader = Callable[[Path, Options], Table]
_READERS: dict[str, _Reader] = {
    ".csv": read_csv,
    ".txt": read_csv,
    ".tsv": read_csv,
    ".dta": read_dta,
    ".xlsx": read_xlsx,
    ".xlsm": read_xlsx,
    ".parquet": read_parquet,
}


def read_panel(
    source: Any,
    *,
    unit: str,
    time: str,
    sheet: str | int | None = None,
    encoding: str | None = None,
    columns: Iterable[str] | Mapping[str, str] | None = None,
) -> Panel:
    """Read a panel: one row per unit and time.

    Parameters
    ----------
    source : path, URL or DataFrame
        A .csv (comma, semicolon or tab), .dta, .xlsx or .parquet file, a .zip with one of them, its http(s)
        address, a database ``postgresql://user@host/db``, which needs the extra ``postgis``, or a DataFrame,
        which is never changed.
    unit, time : str
        Columns of the ids and of the times: years, dates, periods, or text that says so.
    sheet : str or int, optional
        Of a workbook that has several; in a database the table or view, ``schema.table``.
    encoding : str, optional
        Of a .csv, or of a .dta older than Stata 14; found from all the bytes (UTF-8, else GB18030) if left
        out.
    columns : list or mapping, optional
        The variables to keep; a mapping renames them, file's name to new name.

    Returns
    -------
    Panel
        Sorted by unit and time.

    Notes
    -----
    *Ids* in a .csv stay text, to the letter, if any has a leading zero or is no whole number; otherwise they
    are integers.  *Missing* are empty cells and ``NA``, ``N/A``, ``NaN``, ``null``, ``None`` and ``.``, but
    not in the unit column, where ``NA`` is Namibia.  Other marks, as ``—``, leave the column text, and the
    panel refuses to compute with it until `Panel.parse_numbers` is told what they mean.

    *Stata.*  Variable labels become `Panel.labels`.  Variables with value labels keep their codes, which is
    what Stata computes with; the labels are listed in `Panel.history`.  Only the unit column takes its labels
    as ids, if each code has one of its own: codes from ``encode`` mean nothing outside of the file.

    *Databases.*  Columns keep their types, NULL is missing, comments on columns become labels, and geometry
    is left out.  The password is best kept in ``~/.pgpass`` or ``PGPASSWORD``; no message shows it.

    Raises
    ------
    DataError
        Missing, empty or truncated file; missing column; missing ids; repeated (unit, time).

    Examples
    --------
    >>> frame = pd.DataFrame({"city": ["b", "a"], "year": [2000, 2000], "gdp": [2.0, 1.0]})
    >>> read_panel(frame, unit="city", time="year", columns={"gdp": "地区生产总值"}).frame
               地区生产总值
    city year
    a    2000     1.0
    b    2000     2.0
    """
    if isinstance(source, pd.DataFrame):
        if sheet is not None or encoding is not None:
            raise DataError("sheet= and encoding= are for files; the source is a DataFrame.")
        table, what = Table(source.copy()), "The table"
    elif isinstance(source, str) and is_database(source):
        from spatial.io.postgis import read_database_table

        table = read_database_table(source, Options(unit, sheet, encoding))
        what = "The table" if sheet is None else f"The table {sheet!r}"
    elif isinstance(source, (str, Path)):
        table, what = _read(source, Options(unit, sheet, encoding)), Path(str(source)).name
    else:
        raise DataError(f"A panel is read from a path, a URL or a DataFrame; got {type(source).__name__}.")
    table = _chosen(table, unit, time, columns, what)
    if not len(table.frame):
        raise DataError(f"{what} is empty: it has column names and no rows.")
    panel = Panel.from_frame(table.frame, unit=unit, time=time, labels=table.labels)
    step = Step("read_panel", tuple(map(str, panel.columns)), panel.frame.size, _summary(what, panel, table))
    return Panel(panel.frame, panel.labels, (step,))


def read_table(
    source: Any, *, unit: str = "", sheet: str | int | None = None, encoding: str | None = None
) -> pd.DataFrame:
    """Read a file as it is, a row a row; or copy a DataFrame."""
    if isinstance(source, pd.DataFrame):
        return source.copy()
    return _read(source, Options(unit, sheet, encoding)).frame


def _read(source: str | Path, options: Options) -> Table:
    reader_for(source, {**_READERS, ".zip": read_csv, "postgresql": read_csv}, "A panel")
    with local_path(source, _READERS) as path:
        reader = reader_for(path, _READERS, "A panel")
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty: it has no bytes.")
        try:
            return reader(path, options)
        except DataError:
            raise
        except Exception as error:
            raise DataError(
                f"{path.name} cannot be read; it may be cut short or of another kind than its name says. "
                f"The reader reports: {error}"
            ) from error


def _chosen(
    table: Table, unit: str, time: str, columns: Iterable[str] | Mapping[str, str] | None, what: str
) -> Table:
    frame = table.frame
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    frame = frame.reset_index(levels) if levels else frame
    chosen = (
        [columns] if isinstance(columns, str) else list(columns if columns is not None else frame.columns)
    )
    for name in (unit, time, *chosen):
        if name not in frame.columns:
            raise DataError(
                f"{what} has no column {name!r}.{did_you_mean(name, frame.columns)} "
                f"It has: {name_ids(frame.columns, 20)}."
            )
    frame = frame[[unit, time, *(name for name in chosen if name not in (unit, time))]]
    new = columns if isinstance(columns, Mapping) else {}
    if unit in new or time in new:
        raise DataError(f"columns= renames variables; {unit!r} and {time!r} keep their names.")
    labels = {new.get(name, name): label for name, label in table.labels.items()}
    return Table(frame.rename(columns=dict(new)), labels, table.notes)


def _summary(what: str, panel: Panel, table: Table) -> str:
    size = f"{what}: {len(panel)} rows, {panel.n_units} units, {panel.n_times} times"
    return "; ".join([size, *table.notes])
