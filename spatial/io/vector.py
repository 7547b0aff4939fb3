"""Map files: known by their first bytes, read by the one driver that their name calls for, and by no other.

GDAL chooses a driver by what it finds: a text of a few lines that is called map.gpkg may name any other file
of this disk, or a web address.  So the bytes are looked at before GDAL is, and nothing is fetched by it.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, name_ids, warn

from .encoding import check_encoding, decode, sniff
from .shapefile import read_shapefile
from .sources import need

__all__ = ["READERS", "read_layer"]

# A kind of file: how it begins, and the name of its driver.
_BEGINS: dict[str, tuple[bytes, str]] = {
    ".gpkg": (b"SQLite format 3\0", "GPKG"),
    ".fgb": (b"fgb\x03", "FlatGeobuf"),
    ".shp": (b"\0\0\x27\x0a", "ESRI Shapefile"),
    ".parquet": (b"PAR1", ""),
    ".geoparquet": (b"PAR1", ""),
}
_JSON = re.compile(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*\{")
# GDAL is to open what lies here and nothing else: an address that cannot answer stands for the network.
_OFFLINE = {"GDAL_HTTP_PROXY": "127.0.0.1:1", "GDAL_HTTP_MAX_RETRY": "0", "GDAL_HTTP_TIMEOUT": "1"}
_SEEN = (
    "as JSON; leaving as string",  # codes of a DataV map: kept as the text they are
    "pandas.DatetimeTZDtype",
)


def read_layer(path: Path, layer: str | None, encoding: str | None, id: str | None) -> gpd.GeoDataFrame:
    """Read a map file of any kind in `READERS`; `id` is needed where ids are not columns."""
    _check_begin(path)
    try:
        with _offline(), _own_warnings(path.name):
            return READERS[path.suffix.lower()](path, layer, encoding, id)
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{path.name} cannot be read; it may be cut short or of another kind than its name says. "
            f"The reader reports: {error}"
        ) from error


# ---- before and around the reader
def _check_begin(path: Path) -> None:
    """Refuse a file that does not begin as its kind does."""
    kind = path.suffix.lower()
    if kind == ".gdb":
        if not path.is_dir() or not any(part.suffix.lower() == ".gdbtable" for part in path.iterdir()):
            raise DataError(f"{path.name} is no file geodatabase: that is a folder of .gdbtable files.")
        return
    with path.open("rb") as file:
        head = file.read(4096)
    if kind == ".shp" and len(head) < 100:
        return  # its reader says by how much it is cut short
    if not head:
        raise DataError(f"{path.name} is empty: it has no bytes.")
    if kind in (".geojson", ".json"):
        begins = _JSON.match(head) is not None
    else:
        begins = head.startswith(_BEGINS[kind][0])
    if not begins:
        raise DataError(
            f"{path.name} cannot be read; it may be cut short or of another kind than its name says: it "
            f"begins with {head[:16]!r}. Export it again as what it is to be."
        )


@contextmanager
def _offline() -> Iterator[None]:
    import pyogrio

    before = {name: pyogrio.get_gdal_config_option(name) for name in _OFFLINE}
    pyogrio.set_gdal_config_options(_OFFLINE)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


@contextmanager
def _own_warnings(name: str) -> Iterator[None]:
    """Hand on what the reader warns of as a warning of ours, without the reader's source lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(item.message) for item in caught if not _is_known(item)):
        warn(text if text.startswith(name) else f"{name}: {text}")


def _is_known(item: warnings.WarningMessage) -> bool:
    return issubclass(item.category, DeprecationWarning) or any(part in str(item.message) for part in _SEEN)


# ---- readers, by kind of file
_Reader = Callable[[Path, str | None, str | None, str | None], gpd.GeoDataFrame]


def _read_native(path: Path, layer: str | None, encoding: str | None, id: str | None) -> gpd.GeoDataFrame:
    import pyogrio

    chosen = _choose_layer(path, layer)
    info = pyogrio.read_info(path, layer=chosen)
    wanted = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".gdb": "OpenFileGDB"}[path.suffix.lower()]
    if info["driver"] != wanted:
        raise DataError(f"{path.name} is a file of {info['driver']}, not of {wanted}: name it as what it is.")
    # The number of a feature is its id where the format keeps it: QGIS shows it as a column.
    own_fid = id is not None and id == (info["fid_column"] or None) and id not in list(info["fields"])
    arrow = encoding is None and find_spec("pyarrow") is not None
    frame = pyogrio.read_dataframe(
        path, layer=chosen, encoding=encoding, fid_as_index=own_fid, use_arrow=arrow
    )
    if own_fid:
        frame = frame.rename_axis(id).reset_index()
    return _as_without_arrow(frame) if arrow else frame


def _as_without_arrow(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give columns the types that they have where Arrow is not installed."""
    for name in frame.columns[[kind in ("object", "str") for kind in frame.dtypes.astype(str)]]:
        column = frame[name]
        kind = pd.api.types.infer_dtype(column, skipna=True)
        if kind == "boolean" and column.isna().any():
            frame[name] = column.map({True: 1.0, False: 0.0}).astype(np.float64)
        elif kind == "date":
            frame[name] = pd.to_datetime(column).astype("datetime64[ms]")
        elif column.isna().all():
            frame[name] = pd.Series([None] * len(column), index=column.index, dtype=object)
    return frame


def _choose_layer(path: Path | str, layer: str | None) -> str:
    import pyogrio

    shown = Path(str(path)).name
    # Tables without geometry, as the styles that QGIS keeps, are not layers of cities.
    names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if layer is not None:
        if layer not in names:
            raise DataError(
                f"{shown} has no layer {layer!r}.{did_you_mean(layer, names)} It has: {name_ids(names)}."
            )
        return layer
    if not names:
        raise DataError(f"{shown} has no layer with geometry; it may be cut short.")
    if len(names) != 1:
        raise DataError(
            f"{shown} has {len(names)} layers with geometry: {name_ids(names)}. Name one with layer=."
        )
    return names[0]


def _read_shp(path: Path, layer: str | None, encoding: str | None, _: str | None) -> gpd.GeoDataFrame:
    if layer not in (None, path.stem):
        raise DataError(f"A Shapefile has one layer, {path.stem!r}; got layer={layer!r}.")
    return read_shapefile(path, encoding)


def _read_geojson(path: Path, layer: str | None, encoding: str | None, id: str | None) -> gpd.GeoDataFrame:
    data = path.read_bytes()
    found = sniff(data, path.name) if encoding is None else check_encoding(encoding)
    if found == "utf-8":
        return _open_geojson(path, layer, id, data)
    text = decode(data, found, path.name).removeprefix("\ufeff").encode("utf-8")
    with tempfile.TemporaryDirectory(prefix="spatial-") as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(text)
        return _open_geojson(copy, layer, id, text)


def _open_geojson(path: Path, layer: str | None, id: str | None, data: bytes) -> gpd.GeoDataFrame:
    import pyogrio

    # The prefix names the driver: no other looks at the file.
    source = f"GeoJSON:{path.absolute()}"
    chosen = _choose_layer(source, layer)
    frame = pyogrio.read_dataframe(source, layer=chosen)
    # Text ids of features are read as a column; whole numbers become the features' numbers.
    if id == "id" and "id" not in frame.columns and re.search(rb'"id"\s*:', data) is not None:
        numbered = pyogrio.read_dataframe(source, layer=chosen, fid_as_index=True)
        return numbered.rename_axis("id").reset_index()
    return frame


def _read_parquet(path: Path, layer: str | None, encoding: str | None, _: str | None) -> gpd.GeoDataFrame:
    need("pyarrow", "parquet", "Reading Parquet")
    if layer is not None or encoding is not None:
        raise DataError("Parquet has one layer and is UTF-8: leave layer= and encoding= out.")
    return gpd.read_parquet(path)


READERS: dict[str, _Reader] = {
    ".shp": _read_shp,
    ".gpkg": _read_native,
    ".fgb": _read_native,
    ".gdb": _read_native,
    ".geojson": _read_geojson,
    ".json": _read_geojson,
    ".parquet": _read_parquet,
    ".geoparquet": _read_parquet,
}
