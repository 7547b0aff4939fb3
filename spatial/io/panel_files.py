"""Readers of panel files of Stata, Excel and Parquet; each gives a table, its labels and notes."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean, name_ids
from spatial.ids.numbers import numbers_if_all
from spatial.ids.times import clean_times

from .encoding import check_encoding, decode, sniff
from .frames import MISSING, Options, Table, one_row_of_names
from .panel_writing import LABELS_KEY, LABELS_SHEET
from .separated import refuse_twins
from .sources import need

__all__ = ["read_dta", "read_parquet", "read_xlsx"]

# A cell with a formula and no value; one whose value is an empty text (t="str") has been computed.
_UNCALCULATED = re.compile(
    rb'<c (?![^>]*\bt="str")[^>]*?\br="([A-Z]+\d+)"[^>]*><f\b[^>]*?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>'
)


# ---- Stata
def read_dta(path: Path, options: Options) -> Table:
    """Read a .dta with the labels of its variables; value labels stay codes, except for the unit."""
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
    if options.time in values:
        frame[options.time] = _labelled_times(frame[options.time], values[options.time])
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


def _labelled_times(column: pd.Series[Any], codes: Mapping[Any, str]) -> pd.Series[Any]:
    """Return the labels of a time's codes where they are times, as ``encode`` of a text leaves them."""
    labels = column.map(codes)
    if labels.isna().any():
        return column
    try:
        clean_times(pd.Series(list(codes.values())), "The labels")
    except DataError:
        return column
    return labels


def _listed(codes: Mapping[Any, str]) -> str:
    shown = [f"{code:g} {label}" for code, label in list(codes.items())[:10]]
    return ", ".join(shown) + (f" and {len(codes) - 10} more" if len(codes) > 10 else "")


# ---- Excel
def read_xlsx(path: Path, options: Options) -> Table:
    """Read a sheet; text stays text, so that codes keep their zeros, unless a whole column is numbers."""
    need("openpyxl", "excel", "Reading .xlsx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl names styles and extensions that it leaves out
        # From memory: a workbook that cannot be read would leave its file open.
        data = path.read_bytes()
        with pd.ExcelFile(io.BytesIO(data), engine="openpyxl") as book:
            sheets = {name: _parse_sheet(book, name) for name in _wanted_sheets(book, options, path)}
            _refuse_uncalculated(book.book[next(iter(sheets))], data, path)
    labels = _labels_of(sheets.pop(LABELS_SHEET, None) if len(sheets) > 1 else None)
    raw = next(iter(sheets.values()))
    if raw.empty:
        raise DataError(f"The sheet {next(iter(sheets))!r} of {path.name} is empty.")
    header = [f"Unnamed: {i}" if pd.isna(name) else str(name) for i, name in enumerate(raw.iloc[0])]
    refuse_twins(header, path)
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


def _refuse_uncalculated(sheet: Any, data: bytes, path: Path) -> None:
    """Refuse formulas that the program which wrote them never computed: their cells would read as missing."""
    part = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        cells = _UNCALCULATED.findall(archive.read(part)) if part in archive.namelist() else []
    if cells:
        raise DataError(
            f"{path.name} holds formulas without a value, at {name_ids(c.decode() for c in cells)}: the "
            "program that wrote the file did not compute them. Open it in Excel or LibreOffice and save it."
        )


def _labels_of(sheet: pd.DataFrame | None) -> dict[str, str]:
    """Take the sheet of labels that `Panel.write` leaves; any other of that name is somebody else's."""
    if sheet is None or sheet.shape[1] != 2 or sheet.iloc[0].tolist() != ["column", "label"]:
        return {}
    return {str(column): str(label) for column, label in sheet.iloc[1:].itertuples(index=False)}


def _cells(column: pd.Series[Any]) -> pd.Series[Any]:
    known = numbers_if_all(column.mask(column.isin(MISSING)))
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in known):
        known = known.map(
            float, na_action="ignore"
        )  # pandas makes whole numbers of 1e300, too long for int64
    return known


# ---- Parquet
def read_parquet(path: Path, _: Options) -> Table:
    """Read Parquet, with the labels that `Panel.write` left."""
    need("pyarrow", "parquet", "Reading Parquet")
    frame = pd.read_parquet(path, engine="pyarrow")
    one_row_of_names(frame.columns, path.name)
    labels = frame.attrs.pop(LABELS_KEY, {})
    return Table(frame, labels if isinstance(labels, dict) else {})
