"""Shapefiles with Chinese names: read whatever the encoding, written so that they can be read back.

A Shapefile keeps ten bytes of each field name.  Three Chinese characters in UTF-8 fill nine of them, the
fourth is cut in its middle, and GDAL then refuses the file it wrote.  Here the fields get ASCII names, and
``<name>.fields.csv`` beside them keeps what they stand for.
"""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.errors import DataError, name_ids

from .atomic import atomic_path, guarded_cell, unguarded_cell
from .dbf import DbfHeader, dbf_encoding, decode_names, decode_value, read_dbf_header
from .encoding import check_encoding, decode

__all__ = ["field_names", "read_shapefile", "sidecar_path", "write_shapefile"]

_HEADER = ["field", "alias", "original", "label"]
# One byte, one character, both ways.  GDAL reads with it whatever the text is in; "latin-1" it does not know.
_BYTES = "ISO-8859-1"


# ---- names
def field_names(names: Iterable[str]) -> list[str]:
    """Give each name an ASCII field name of at most ten bytes, unique without regard to case.

    A name that fits is kept.  Of another, the ASCII part is the stem, or ``field`` if there is none; a
    number makes it unique.  The same names give the same fields.

    Examples
    --------
    >>> field_names(["adcode", "地区生产总值", "GDP总量", "population_density", "population_share"])
    ['adcode', 'field1', 'GDP1', 'population', 'populatio1']
    """
    wanted = [str(name) for name in names]
    kept: dict[str, str] = {}
    for name in wanted:
        if _fits(name):
            kept.setdefault(name.lower(), name)
    taken, out = set(kept), []
    for name in wanted:
        field = name if kept.get(name.lower()) == name else _free(name, taken)
        taken.add(field.lower())
        out.append(field)
    return out


def _fits(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,9}", name) is not None


def _free(name: str, taken: set[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9_]", "", name).lstrip("0123456789_").rstrip("_")
    numbered = not name.isascii() or not stem
    stem = stem or "field"
    if not numbered and stem[:10].lower() not in taken:
        return stem[:10]
    number = 1
    while (found := f"{stem[: 10 - len(str(number))]}{number}").lower() in taken:
        number += 1
    return found


def sidecar_path(path: Path) -> Path:
    """Return the place of the table of names beside a Shapefile."""
    return path.with_suffix(".fields.csv")


# ---- reading
def read_shapefile(path: Path, encoding: str | None = None) -> gpd.GeoDataFrame:
    """Read a Shapefile; its text is UTF-8 or GB18030 as found in the bytes, or in `encoding`.

    The .cpg is a hint only, since it is often missing or wrong.  A table of names that `write_shapefile`
    left beside the file gives the fields their names back.
    """
    import pyogrio
    import shapely

    parts = _companions(path)
    _check_complete(path, parts)
    header = read_dbf_header(parts[".dbf"])
    if encoding is None:
        declared = parts[".cpg"].read_text("ascii", "replace").strip() if ".cpg" in parts else None
        found = dbf_encoding(parts[".dbf"], header, declared)
    else:
        found = check_encoding(encoding)
    meta, _, geometry, fields = pyogrio.raw.read(path, encoding=_BYTES)
    names = _restored(path, decode_names(header, found, path.name))
    columns = {
        name: _column(values, header, i, found, path)
        for i, (name, values) in enumerate(zip(names, fields, strict=True))
    }
    return gpd.GeoDataFrame(columns, geometry=shapely.from_wkb(geometry), crs=meta["crs"])


def _companions(path: Path) -> dict[str, Path]:
    """Return the parts of the Shapefile by suffix, in small letters: .DBF and .dbf are the same."""
    return {
        other.suffix.lower(): other
        for other in sorted(path.parent.iterdir())
        if other.stem == path.stem and other.suffix.lower() in (".shp", ".shx", ".dbf", ".prj", ".cpg")
    }


def _check_complete(path: Path, parts: Mapping[str, Path]) -> None:
    missing = [suffix for suffix in (".shx", ".dbf") if suffix not in parts]
    if missing:
        raise DataError(
            f"A Shapefile is several files; {path.name} is without its {' and '.join(missing)}. "
            "Copy all files of that name together."
        )
    promised = {}
    for suffix in (".shp", ".shx"):
        with parts.get(suffix, path).open("rb") as file:
            head = file.read(28)
            size = file.seek(0, os.SEEK_END)
        promised[suffix] = 2 * int.from_bytes(head[24:28], "big")
        if len(head) < 28 or size < max(promised[suffix], 100):
            raise DataError(
                f"{path.with_suffix(suffix).name} is cut short: {size} bytes of "
                f"{max(promised[suffix], 100)}. Copy the file again, all its parts together."
            )
    shapes, rows = (promised[".shx"] - 100) // 8, read_dbf_header(parts[".dbf"]).n_rows
    if shapes != rows:
        raise DataError(
            f"{path.name} has {shapes} geometries and its .dbf has {rows} rows: the parts are of different "
            "files. Copy all files of that name together."
        )


def _column(values: Any, header: DbfHeader, i: int, encoding: str, path: Path) -> Any:
    if header.kinds[i] != "C" or values.dtype != object:
        return values
    out = np.full(len(values), None, dtype=object)
    bad = []
    for row, value in enumerate(values):
        if isinstance(value, str):
            try:
                out[row] = decode_value(value.encode("latin-1"), encoding, header.widths[i])
            except UnicodeDecodeError:
                bad.append(row)
    if bad:
        raise DataError(
            f"Text of {path.name} cannot be read as {encoding}, at rows {name_ids(bad)}. "
            "Leave encoding= out to have it found, or name another one."
        )
    return pd.Series(out).infer_objects()


def _restored(path: Path, names: list[str]) -> list[str]:
    sidecar = sidecar_path(path)
    if not sidecar.exists():
        return names
    text = decode(sidecar.read_bytes(), "utf-8-sig", sidecar.name)
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or rows[0] != _HEADER or any(len(row) != len(_HEADER) for row in rows):
        raise DataError(
            f"{sidecar.name} must be a table with the columns {', '.join(_HEADER)}; it starts with "
            f"{rows[0] if rows else 'nothing'}. Delete it to read the Shapefile with its short names."
        )
    originals = {field.lower(): unguarded_cell(original) for field, _, original, _ in rows[1:]}
    return [originals.get(name.lower(), name) for name in names]


# ---- writing
def write_shapefile(
    frame: gpd.GeoDataFrame, path: str | Path, *, labels: Mapping[str, str] | None = None
) -> Path:
    """Write `frame` as a Shapefile that reads back as it was, with all its parts or not at all.

    Parameters
    ----------
    frame : GeoDataFrame
        Its index is written as a field if it has a name, as `read_cities` gives it.
    path : path
        Ends in .shp; beside it go .shx, .dbf, .prj, .cpg (UTF-8) and .fields.csv, the table of names:
        field, alias (the label, or the name), original, label.
    labels : mapping, optional
        Column to its label.

    Raises
    ------
    DataError
        Where the format would lose something: text over 254 bytes, times, numbers that do not fit.

    Examples
    --------
    >>> import tempfile, shapely
    >>> frame = gpd.GeoDataFrame({"地区生产总值": [1.5]}, geometry=[shapely.Point(116, 40)], crs=4326)
    >>> path = write_shapefile(frame, Path(tempfile.mkdtemp()) / "cities.shp")
    >>> list(read_shapefile(path).columns)
    ['地区生产总值', 'geometry']
    """
    target = Path(path)
    if target.suffix.lower() != ".shp":
        raise DataError(f"A Shapefile's name ends in .shp; got {target.name!r}.")
    flat = frame.reset_index() if frame.index.name is not None else frame.reset_index(drop=True)
    geometry = flat.geometry.name
    others = [c for c in flat.columns if c != geometry and isinstance(flat[c].dtype, gpd.array.GeometryDtype)]
    if others:
        raise DataError(
            f"A Shapefile holds one geometry; {name_ids(others)} are geometries too. "
            "Drop them, or keep their coordinates as two columns of numbers."
        )
    originals = [str(c) for c in flat.columns if c != geometry]
    fields = field_names(originals)
    short = flat.rename(columns=dict(zip([c for c in flat.columns if c != geometry], fields, strict=True)))
    with atomic_path(target) as temporary:
        _write(short, temporary)
        _check_kept(short, read_shapefile(temporary, "utf-8"), dict(zip(fields, originals, strict=True)))
        _write_sidecar(sidecar_path(temporary), fields, originals, labels or {})
        _move_parts(temporary)
    return target


def _write(frame: gpd.GeoDataFrame, path: Path) -> None:
    import pyogrio

    with warnings.catch_warnings():
        # GDAL warns of some values that it cuts or changes, not of all: they are read back and compared.
        warnings.simplefilter("ignore")
        try:
            pyogrio.write_dataframe(frame, path, driver="ESRI Shapefile", encoding="UTF-8")
        except Exception as error:
            raise DataError(
                f"These data do not fit into a Shapefile: {error} "
                "Write a GeoPackage (.gpkg), which has no such limit."
            ) from error


def _check_kept(written: gpd.GeoDataFrame, found: gpd.GeoDataFrame, originals: Mapping[str, str]) -> None:
    lost = [
        originals[field]
        for field in originals
        if field not in found.columns or not _same(written[field], found[field])
    ]
    if lost:
        raise DataError(
            f"A Shapefile cannot hold the values of {name_ids(lost)} as they are (it keeps 15 decimals, "
            "254 bytes of text, no dates with a time). Rescale, shorten or turn them into text, or write a "
            "GeoPackage (.gpkg)."
        )


def _same(written: pd.Series[Any], found: pd.Series[Any]) -> bool:
    if pd.api.types.is_numeric_dtype(written.dtype):
        a, b = (column.to_numpy(dtype=np.float64, na_value=np.nan) for column in (written, found))
        if pd.api.types.is_integer_dtype(written.dtype):
            return bool(np.array_equal(a, b, equal_nan=True) and np.nanmax(np.abs(a), initial=0.0) < 2.0**53)
        # Nine digits counted from the largest value: one that is almost zero need not have nine of its own,
        # but it must not become zero.
        size = np.abs(a[np.isfinite(a)]).max(initial=0.0)
        close = np.allclose(a, b, rtol=1e-9, atol=1e-9 * size, equal_nan=True)
        return bool(close and np.array_equal(a == 0, b == 0))
    # The format pads with blanks, and an empty text is a missing one.
    a, b = (column.astype(object).where(column.notna(), "") for column in (written, found))
    return all(str(x).rstrip(" ") == str(y).rstrip(" ") for x, y in zip(a, b, strict=True))


def _write_sidecar(path: Path, fields: list[str], originals: list[str], labels: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        for field, original in zip(fields, originals, strict=True):
            label = labels.get(original, "")
            writer.writerow(map(guarded_cell, (field, label or original, original, label)))


def _move_parts(temporary: Path) -> None:
    """Put all parts but the .shp in place; indexes of an older file of that name would now be wrong."""
    target = temporary.parent.parent / temporary.name
    for stale in (".sbn", ".sbx", ".qix", ".fix", ".shp.xml", ".prj", ".cpg"):
        target.with_suffix(stale).unlink(missing_ok=True)
    for part in temporary.parent.iterdir():
        if part != temporary:
            os.replace(part, target.with_name(part.name))
