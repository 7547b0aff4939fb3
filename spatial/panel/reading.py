"""Panels from files: what the reader of each kind gives, and how it becomes a `Panel`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.io.frames import Options, Source, Table, as_pandas, one_row_of_names
from spatial.io.panel_files import read_dta, read_parquet, read_xlsx
from spatial.io.samples import Sample, sample_labels, sample_of
from spatial.io.separated import read_csv
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


@hinted
def read_panel(
    source: Source,
    unit: str | None = None,
    time: str | None = None,
    *,
    sheet: str | int | None = None,
    encoding: str | None = None,
    decimal: Literal[".", ","] = ".",
    columns: Iterable[str] | Mapping[str, str] | None = None,
) -> Panel:
    """Read a panel: one row per unit and time.

    Parameters
    ----------
    source : path, URL, DataFrame or name of a sample
        A .csv (comma, semicolon or tab), .dta, .xlsx or .parquet file, a .zip with one of them, its http(s)
        address, a database ``postgresql://user@host/db``, which needs the extra ``postgis``, a frame of
        pandas, polars, Arrow or another library that narwhals knows, which is never changed, or
        ``"nc_crime"``, a panel that ships (`spatial.shapefiles.catalogue`).
    unit, time : str
        Columns of the ids and of the times: years, dates, periods, or text that says so.  A sample knows
        its own.
    sheet : str or int, optional
        Of a workbook that has several; in a database the table or view, ``schema.table``.
    encoding : str, optional
        Of a .csv, or of a .dta older than Stata 14; found from all the bytes (UTF-8, else GB18030) if left
        out.
    decimal : {".", ","}
        Decimal sign of the numbers in a .csv; columns of other numbers stay text, see
        `Panel.parse_numbers`.
    columns : list or mapping, optional
        The variables to keep; a mapping renames them, file's name to new name.

    Returns
    -------
    Panel
        Sorted by unit and time.

    Notes
    -----
    *Rows* of a .csv have as many cells as the header has names; only an empty last cell may stand beyond.

    *Ids* in a .csv stay text, to the letter, if any has a leading zero or is no whole number; otherwise they
    are integers.  *Missing* are empty cells and ``NA``, ``N/A``, ``NaN``, ``null``, ``None`` and ``.``, but
    not in the unit column, where ``NA`` is Namibia.  Other marks, as ``—``, leave the column text, and the
    panel refuses to compute with it until `Panel.parse_numbers` is told what they mean.

    *Stata.*  Variable labels become `Panel.labels`.  Variables with value labels keep their codes, which is
    what Stata computes with; the labels are listed in `Panel.history`.  Only the unit column takes its labels
    as ids, if each code has one of its own, and the time column if all its labels are times: codes from
    ``encode`` mean nothing outside of the file.

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
    for argument, name in (("unit", unit), ("time", time)):
        if not (name is None or isinstance(name, (str, int))):
            raise DataError(f"{argument}= must be the name of a column; got {type(name).__name__}.")
    ships = sample_of(source, "panel")
    if ships is not None:
        unit, time = unit or ships.id, time or ships.time
    options = Options(unit or "", sheet, encoding, time or "", decimal)
    if ships is not None:
        _refuse_options(options, "a sample", ())
        table, what = _read_sample(ships), f"The sample {source!r}"
    elif isinstance(source, str) and is_database(source):
        from spatial.io.postgis import read_database_table

        _refuse_options(options, "a database", ("sheet", "encoding"))
        table = read_database_table(source, options)
        what = "The table" if sheet is None else f"The table {sheet!r}"
    elif isinstance(source, (str, Path)):
        table, what = _read(source, options), Path(str(source)).name
    else:
        table, what = Table(as_pandas(source, "A panel")), "The table"
        _refuse_options(options, "a DataFrame", ())
    if unit is None or time is None:
        raise DataError(_which_columns(table.frame, what))
    table = _chosen(table, unit, time, columns, what)
    if not len(table.frame):
        raise DataError(f"{what} is empty: it has column names and no rows.")
    panel = Panel.from_frame(table.frame, unit=unit, time=time, labels=table.labels)
    step = Step("read_panel", tuple(map(str, panel.columns)), panel.frame.size, _summary(what, panel, table))
    return panel._begun(step)


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
        _refuse_options(options, path.name, _OPTIONS.get(path.suffix.lower(), ()))
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


# The options that each kind of file has a use for.
_OPTIONS: dict[str, tuple[str, ...]] = {
    ".csv": ("encoding", "decimal"),
    ".txt": ("encoding", "decimal"),
    ".tsv": ("encoding", "decimal"),
    ".dta": ("encoding",),
    ".xlsx": ("sheet",),
    ".xlsm": ("sheet",),
}


def _refuse_options(options: Options, what: str, used: tuple[str, ...]) -> None:
    if options.decimal not in (".", ","):
        raise DataError(f"decimal= must be '.' or ','; got {options.decimal!r}.")
    if options.sheet is not None and "sheet" not in used:
        raise DataError(f"sheet= is for workbooks (.xlsx) and databases; the source is {what}.")
    if options.encoding is not None and "encoding" not in used:
        raise DataError(f"encoding= is for .csv and old .dta; {what} has its own: leave it out.")
    if options.decimal != "." and "decimal" not in used:
        raise DataError(f"decimal= is for .csv; the numbers of {what} are numbers: leave it out.")


def _read_sample(found: Sample) -> Table:
    frame = pd.read_csv(found.file(found.formats[0]), dtype={found.id: str})
    return Table(frame, sample_labels(found.name))


_YEAR = re.compile(r"(.*?)((?:19|20)\d\d)")


def _which_columns(frame: pd.DataFrame, what: str) -> str:
    """Ask for the columns of ids and times, naming pairs of columns that tell all rows apart."""
    columns = [c for c in frame.columns if not pd.api.types.is_float_dtype(frame[c].dtype)][:12]
    pairs = [
        f"unit={a!r}, time={b!r}"
        for a in columns
        for b in columns
        if a != b and frame[b].nunique() < frame[a].nunique() and not frame.duplicated([a, b]).any()
    ]
    tell = f" These tell the rows apart: {'; '.join(pairs[:3])}." if pairs else ""
    tell = _why_no_names(frame.columns) or tell
    return (
        f"A panel needs to know which columns hold the ids and the times: pass unit= and time=. {what} has: "
        f"{name_ids(frame.columns, 20)}.{tell}"
    )


def _chosen(
    table: Table, unit: str, time: str, columns: Iterable[str] | Mapping[str, str] | None, what: str
) -> Table:
    frame = table.frame
    one_row_of_names(frame.columns, what)
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    frame = frame.reset_index(levels) if levels else frame
    chosen = (
        [columns] if isinstance(columns, str) else list(columns if columns is not None else frame.columns)
    )
    for name in (unit, time, *chosen):
        if name not in frame.columns:
            raise DataError(
                f"{what} has no column {name!r}.{did_you_mean(name, frame.columns)} "
                f"It has: {name_ids(frame.columns, 20)}.{_why_no_names(frame.columns)}"
            )
    frame = frame[[unit, time, *(name for name in chosen if name not in (unit, time))]]
    new = columns if isinstance(columns, Mapping) else {}
    if unit in new or time in new:
        raise DataError(f"columns= renames variables; {unit!r} and {time!r} keep their names.")
    labels = {new.get(name, name): label for name, label in table.labels.items()}
    return Table(frame.rename(columns=dict(new)), labels, table.notes)


def _why_no_names(columns: pd.Index[Any]) -> str:
    """Say what the first row may be where it holds no names."""
    names = [str(name) for name in columns]
    if len(names) == 1 and (mark := re.search(r"[|^~:]|\s", names[0])) is not None:
        return f" Columns are parted by comma, semicolon or tab, not by {mark[0]!r}: write the file so."
    if len(names) > 1 and sum(name.startswith("Unnamed: ") for name in names) >= len(names) / 2:
        return " If a title stands above the names, delete it: names come first."
    return _how_long(names)


def _how_long(names: list[str]) -> str:
    """Say how a table with a column for each year is made long."""
    years = [found for name in names if (found := _YEAR.fullmatch(name))]
    stubs = list(dict.fromkeys(found[1] for found in years))
    if not stubs or max(sum(found[1] == stub for found in years) for stub in stubs) < 3:
        return ""
    others = [name for name in names if not _YEAR.fullmatch(name)]
    if stubs == [""]:
        how = f'frame.melt({others}, var_name="year", value_name="x")'
    else:
        how = f'pandas.wide_to_long(frame, {stubs}, i={others}, j="year").reset_index()'
    return f" It is wide, with a column for each year, as {years[0][0]!r}: make it long first, {how}."


def _summary(what: str, panel: Panel, table: Table) -> str:
    size = f"{what}: {len(panel)} rows, {panel.n_units} units, {panel.n_times} times"
    return "; ".join([size, *table.notes])
