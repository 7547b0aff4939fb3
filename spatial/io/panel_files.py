"""Readers of panel files: CSV, Stata, Excel, Parquet; each gives a table, its labels and notes."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean, name_ids
from spatial.ids.numbers import numbers_if_all

from .encoding import check_encoding, decode, sniff
from .panel_writing import LABELS_KEY, LABELS_SHEET
from .sources import need

__all__ = ["Options", "Table", "read_csv", "read_dta", "read_parquet", "read_xlsx"]

_MISSING = ("", ".", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "<NA>")
# From pandas 3.1 on, which warns of the option, numbers are read exactly without it.
_EXACT_FLOATS: dict[str, Any] = (
    {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
)
_WHOLE = re.compile(r"([+-]?(?:0|[1-9]\d{0,17}))(?:\.0*)?")


@dataclass(frozen=True)
class Options:
    """What a reader may need to know."""

    unit: str
    sheet: str | int | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Table:
    """A long table as the file has it."""

    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# ---- CSV
def read_csv(path: Path, options: Options) -> Table:
    """Read separated text; the unit column is read as text first."""
    _refuse_sheet(path, options)
    data = path.read_bytes()
    name = sniff(data, path.name) if options.encoding is None else check_encoding(options.encoding)
    text = decode(data, name, path.name).removeprefix("\ufeff")
    header, separator = _header(text, path)
    _check_last_row(text, separator, len(header), path)
    others = [column for column in header if column != options.unit]
    frame = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        dtype={options.unit: str},
        keep_default_na=False,
        na_values={options.unit: [""], **{column: list(_MISSING) for column in others}},
        low_memory=False,
        **_EXACT_FLOATS,
    )
    if options.unit in frame.columns:
        frame[options.unit] = ids_from_text(frame[options.unit])
    return Table(frame, notes=(f"text in {name}",))


def ids_from_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return ids as integers if all are whole numbers without leading zeros, else as the text they are.

    Examples
    --------
    >>> ids_from_text(pd.Series(["110000", "120000.0"])).tolist()
    [110000, 120000]
    >>> ids_from_text(pd.Series(["110000", "010000"])).tolist()
    ['110000', '010000']
    """
    found = [None if pd.isna(value) else _WHOLE.fullmatch(value) for value in column]
    if not found or any(match is None for match in found):
        return column
    return pd.Series([int(match[1]) for match in found if match], index=column.index, name=column.name)


def _header(text: str, path: Path) -> tuple[list[str], str]:
    """Return the names in the first row, and the separator that gives most of them."""
    lines = (line for line in io.StringIO(text, newline="") if line.strip("\r\n,;\t "))
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path.name} is empty: it has no row.")
    separator = max(",;\t", key=first.count)
    names = next(csv.reader([first], delimiter=separator))
    _refuse_twins(names, path)
    return names, separator


def _refuse_twins(names: Iterable[Any], path: Path) -> None:
    index = pd.Index([name for name in names if name not in ("", None)], dtype=object)
    if index.has_duplicates:
        raise DataError(
            f"{path.name} has more than one column {name_ids(index[index.duplicated()].unique())}; "
            "rename them."
        )


def _check_last_row(text: str, separator: str, width: int, path: Path) -> None:
    """Refuse a file that ends inside a row: pandas would fill the rest with missing values."""
    last = text.rstrip("\r\n").rsplit("\n", 1)[-1]
    if last.count('"') % 2:
        return  # the end of a text with a line break in it; pandas checks the quotes
    found = len(next(csv.reader([last], delimiter=separator), []))
    if 0 < found < width:
        raise DataError(
            f"{path.name} ends inside a row: the last one has {found} of {width} columns. "
            "If it is cut short, copy it again; if that row is a note, delete it."
        )


# ---- Stata
def read_dta(path: Path, options: Options) -> Table:
    """Read a .dta with the labels of its variables; value labels stay codes, except for the unit."""
    _refuse_sheet(path, options)
    data = path.read_bytes()
    is_old = _release(data, path) < 118
    if options.encoding is not None and not is_old:
        raise DataError(f"{path.name} is of Stata 14 or later, which is UTF-8: leave encoding= out.")
    with warnings.catch_warnings():
        # pandas warns where text is not in the encoding that the format promises, and guesses.
        warnings.simplefilter("error", UnicodeWarning)
        with pd.io.stata.StataReader(io.BytesIO(data)) as reader:
            frame = reader.read(convert_categoricals=False)
            labels = dict(reader.variable_labels())
            has_values = bool(reader.value_labels())
    values = _value_labels(data, frame) if has_values else {}
    if is_old:
        frame, labels, values = _decoded(frame, labels, values, path, options.encoding)
    if options.unit in values:
        frame[options.unit] = _labelled_ids(frame[options.unit], values[options.unit])
    notes = tuple(f"value labels of {name}: {_listed(codes)}" for name, codes in values.items())
    return Table(frame, {name: label for name, label in labels.items() if label}, notes)


def _release(data: bytes, path: Path) -> int:
    found = re.match(rb"<stata_dta><header><release>(\d+)</release>", data)
    if found is None:
        if data[0] not in range(102, 116):
            raise DataError(f"{path.name} does not begin as a .dta does; it may be of another kind.")
        return data[0]
    if not data.rstrip(b"\0\r\n ").endswith(b"</stata_dta>"):
        raise DataError(f"{path.name} is cut short: its end is missing. Copy it again.")
    return int(found[1])


def _value_labels(data: bytes, frame: pd.DataFrame) -> dict[str, dict[Any, str]]:
    """Return column to code to label, for the codes that occur."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labelled = pd.read_stata(io.BytesIO(data), convert_categoricals=True)
    except ValueError:
        return {}  # two codes with one label cannot be told apart: codes it is
    out = {}
    for name in labelled.columns:
        if isinstance(labelled[name].dtype, pd.CategoricalDtype):
            pairs = pd.DataFrame({"code": frame[name], "label": labelled[name].astype(object)})
            pairs = pairs.dropna().drop_duplicates().sort_values("code")
            out[str(name)] = {
                code: label for code, label in pairs.itertuples(index=False) if isinstance(label, str)
            }
    return out


def _decoded(
    frame: pd.DataFrame,
    labels: dict[str, str],
    values: dict[str, dict[Any, str]],
    path: Path,
    encoding: str | None,
) -> tuple[pd.DataFrame, dict[str, str], dict[str, dict[Any, str]]]:
    """Before Stata 14 text had no encoding: pandas takes its bytes as Latin-1, which can be undone."""
    texts = [str(name) for name in frame.columns] + list(labels.values())
    texts += [label for codes in values.values() for label in codes.values()]
    words = [name for name in frame.columns if any(isinstance(value, str) for value in frame[name])]
    for name in words:
        texts += [value for value in frame[name].unique() if isinstance(value, str)]
    data = "\n".join(texts).encode("latin-1", "replace")
    found = sniff(data, path.name) if encoding is None else check_encoding(encoding)

    def again(value: Any) -> Any:
        return decode(value.encode("latin-1"), found, path.name) if isinstance(value, str) else value

    columns = {
        again(str(name)): frame[name].map(again) if name in words else frame[name] for name in frame.columns
    }
    return (
        pd.DataFrame(columns),
        {again(name): again(label) for name, label in labels.items()},
        {
            again(name): {code: again(label) for code, label in codes.items()}
            for name, codes in values.items()
        },
    )


def _labelled_ids(column: pd.Series[Any], codes: Mapping[Any, str]) -> pd.Series[Any]:
    """Return the labels of a unit's codes, if each code has one of its own."""
    labels = column.map(codes)
    return column if labels.isna().any() or len(set(codes.values())) < len(codes) else labels


def _listed(codes: Mapping[Any, str]) -> str:
    shown = [f"{code:g} {label}" for code, label in list(codes.items())[:10]]
    return ", ".join(shown) + (f" and {len(codes) - 10} more" if len(codes) > 10 else "")


# ---- Excel
def read_xlsx(path: Path, options: Options) -> Table:
    """Read a sheet; text stays text, so that codes keep their zeros, unless a whole column is numbers."""
    need("openpyxl", "excel", "Reading .xlsx")
    _refuse_encoding(path, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl names styles and extensions that it leaves out
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = {name: _parse_sheet(book, name) for name in _wanted_sheets(book, options, path)}
    labels = _labels_of(sheets.pop(LABELS_SHEET, None) if len(sheets) > 1 else None)
    raw = next(iter(sheets.values()))
    if raw.empty:
        raise DataError(f"The sheet {next(iter(sheets))!r} of {path.name} is empty.")
    header = [f"Unnamed: {i}" if pd.isna(name) else str(name) for i, name in enumerate(raw.iloc[0])]
    _refuse_twins(header, path)
    body = raw.iloc[1:].set_axis(header, axis=1).reset_index(drop=True)
    columns = {name: body[name] if name == options.unit else _cells(body[name]) for name in header}
    return Table(pd.DataFrame(columns).infer_objects(), labels)


def _wanted_sheets(book: Any, options: Options, path: Path) -> list[str]:
    names = [str(name) for name in book.sheet_names]
    data = [name for name in names if name != LABELS_SHEET] or names
    if isinstance(options.sheet, int):
        if not 0 <= options.sheet < len(names):
            raise DataError(
                f"{path.name} has {len(names)} sheets, counted from 0; got sheet={options.sheet}."
            )
        chosen = names[options.sheet]
    elif options.sheet is not None:
        chosen = options.sheet
        if chosen not in names:
            raise DataError(
                f"{path.name} has no sheet {chosen!r}.{did_you_mean(chosen, names)} "
                f"It has: {name_ids(names)}."
            )
    elif len(data) > 1:
        raise DataError(f"{path.name} has {len(data)} sheets: {name_ids(data)}. Name one with sheet=.")
    else:
        chosen = data[0]
    return [chosen] + [name for name in names if name == LABELS_SHEET and name != chosen]


def _parse_sheet(book: Any, name: str) -> pd.DataFrame:
    raw = book.parse(name, header=None, dtype=object, keep_default_na=False, na_values=[""])
    return raw.dropna(how="all").dropna(how="all", axis=1)


def _labels_of(sheet: pd.DataFrame | None) -> dict[str, str]:
    """Take the sheet of labels that `Panel.write` leaves; any other of that name is somebody else's."""
    if sheet is None or sheet.shape[1] != 2 or sheet.iloc[0].tolist() != ["column", "label"]:
        return {}
    return {str(column): str(label) for column, label in sheet.iloc[1:].itertuples(index=False)}


def _cells(column: pd.Series[Any]) -> pd.Series[Any]:
    known = numbers_if_all(column.mask(column.isin(_MISSING)))
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in known):
        known = known.map(
            float, na_action="ignore"
        )  # pandas makes whole numbers of 1e300, too long for int64
    return known


# ---- Parquet
def read_parquet(path: Path, options: Options) -> Table:
    """Read Parquet, with the labels that `Panel.write` left."""
    need("pyarrow", "parquet", "Reading Parquet")
    _refuse_sheet(path, options)
    _refuse_encoding(path, options)
    frame = pd.read_parquet(path, engine="pyarrow")
    labels = frame.attrs.pop(LABELS_KEY, {})
    return Table(frame, labels if isinstance(labels, dict) else {})


def _refuse_sheet(path: Path, options: Options) -> None:
    if options.sheet is not None:
        raise DataError(f"sheet= is for workbooks (.xlsx); the source is {path.name}.")


def _refuse_encoding(path: Path, options: Options) -> None:
    if options.encoding is not None:
        raise DataError(f"encoding= is for .csv and old .dta; {path.name} has its own: leave it out.")
