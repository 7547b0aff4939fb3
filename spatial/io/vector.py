"""Map files: known by their first bytes, read by the one driver that their name calls for, and by no other.

GDAL chooses a driver by what it finds: a text of a few lines that is called map.gpkg may name any other file
of this disk, or a web address.  So the bytes are looked at before GDAL is, and nothing is fetched by it.
"""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.compute.threads import free_bytes
from spatial.errors import DataError, did_you_mean, name_ids, warn

from .encoding import check_encoding, decode, sniff
from .shapefile import read_shapefile
from .sources import need

__all__ = ["READERS", "Window", "is_folder", "read_layer", "read_parts", "within"]

Window: TypeAlias = tuple[float, float, float, float]
"""West, south, east and north, in the unit of the map."""

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
    with _damage_said(path), _offline(), _own_warnings(path.name):
        return READERS[path.suffix.lower()](path, layer, encoding, id)


@contextmanager
def _damage_said(path: Path) -> Iterator[None]:
    try:
        yield
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
    # Alike geometries are rare, and looking for them takes longer than reading them.
    options = {"arrow_to_pandas_kwargs": {"deduplicate_objects": False}} if arrow else {}
    frame = pyogrio.read_dataframe(
        path, layer=chosen, encoding=encoding, fid_as_index=own_fid, use_arrow=arrow, **options
    )
    if own_fid:
        frame = frame.rename_axis(id).reset_index()
    return _as_without_arrow(frame) if arrow else frame


def _as_without_arrow(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give columns the types that they have where Arrow is not installed."""
    for name in frame.columns[[kind in ("object", "str") for kind in frame.dtypes.astype(str)]]:
        column = frame[name]
        is_text = isinstance(column.dtype, pd.StringDtype)
        kind = "string" if is_text else pd.api.types.infer_dtype(column, skipna=True)
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
    # To list the layers is to read the whole text; GeoJSON has one.
    chosen = None if layer is None else _choose_layer(source, layer)
    frame = pyogrio.read_dataframe(source, layer=chosen)
    if not isinstance(frame, gpd.GeoDataFrame):
        _choose_layer(source, layer)  # says what is missing
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


# ---- folders of GeoParquet files
_OBJECT = 200
"""Bytes of a geometry beside its coordinates."""


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder of map files, and no file geodatabase, which is a folder too."""
    return path.is_dir() and path.suffix.lower() != ".gdb"


def within(frame: gpd.GeoDataFrame, window: Window) -> gpd.GeoDataFrame:
    """Return the rows whose bounds meet the window."""
    west, south, east, north = window
    box = frame.bounds
    meets = (box["minx"] <= east) & (box["maxx"] >= west) & (box["miny"] <= north) & (box["maxy"] >= south)
    return frame[meets.to_numpy()]


def read_parts(path: Path, window: Window | None) -> gpd.GeoDataFrame:
    """Read a GeoParquet file, or a folder of them; of a window the files and row groups that it meets.

    A file says in its footer where it lies (``bbox``), and GeoParquet 1.1 by a column ``covering`` where each
    group of its rows does.  What was read is in ``attrs["read"]``.
    """
    need("pyarrow", "parquet", "Reading Parquet")
    names = path.rglob("*") if path.is_dir() else [path]
    files = sorted(f for f in names if f.suffix.lower() in (".parquet", ".geoparquet"))
    files = [f for f in files if not any(p.startswith(("_", ".")) for p in f.relative_to(path).parts)]
    if not files:
        raise DataError(f"{str(path)!r} is a folder; name the file in it, or a folder of GeoParquet files.")
    parts = [_Part.of(file, window) for file in files]
    for part in parts[1:]:
        for what, one, other in (("columns", part.names, parts[0].names), ("CRS", part.crs, parts[0].crs)):
            if one != other:
                raise DataError(f"Files of a map differ in their {what}: {part.file} beside {parts[0].file}.")
    met = [part for part in parts if part.groups]
    size = sum(part.size + _OBJECT * part.rows for part in met)
    _refuse_large(str(path), sum(part.rows for part in met), size, window)
    frames = [part.read(path) for part in met or parts[:1]]
    kept = [index for index in frames[0].index.names if index is not None]
    frame = gpd.GeoDataFrame(pd.concat(frames, ignore_index=not kept), crs=frames[0].crs)
    count, of = sum(len(part.groups) for part in parts), sum(part.of_groups for part in parts)
    megabytes = sum(part.size for part in met) / 1e6
    frame.attrs["read"] = (
        f"{len(met)} of {len(parts)} files, {count} of {of} groups of rows, {megabytes:.1f} MB"
    )
    return frame


def _refuse_large(what: str, rows: int, size: float, window: Window | None) -> None:
    free = free_bytes()
    if size > free:
        raise DataError(
            f"The {rows:,} units of {what} take some {size / 1e9:.1f} GB in memory, and {free / 1e9:.1f} GB "
            f"are free. Read a {'smaller ' if window else ''}window of it, bbox=(west, south, east, north), "
            "or coordinates alone, spatial.points(longitude, latitude)."
        )


@dataclass(frozen=True, eq=False)
class _Part:
    """A GeoParquet file: which groups of its rows meet the window, and their bytes."""

    file: Path
    geometry: str
    crs: Any
    covering: str
    names: tuple[str, ...]
    groups: tuple[int, ...]
    of_groups: int
    rows: int
    size: int

    @classmethod
    def of(cls, file: Path, window: Window | None) -> _Part:
        """Read the footer."""
        import pyarrow.parquet as pq

        with _damage_said(file), pq.ParquetFile(file) as opened:
            about, names = opened.metadata, tuple(opened.schema_arrow.names)
        if b"geo" not in (about.metadata or {}):
            raise DataError(f"{file} has no geometry: it is Parquet, not GeoParquet.")
        geo = json.loads(about.metadata[b"geo"])
        name = geo["primary_column"]
        column = geo["columns"][name]
        if column["encoding"] != "WKB":
            raise DataError(f"{file}: its geometry is encoded as {column['encoding']}; write it as WKB.")
        covering = column.get("covering", {}).get("bbox", {})
        paths = [".".join(covering[side]) for side in ("xmin", "ymin", "xmax", "ymax") if side in covering]
        groups = [about.row_group(g) for g in range(about.num_row_groups)]
        met = [g for g, one in enumerate(groups) if window is None or _meets(_bounds(one, paths), window)]
        if window is not None and not _meets(column.get("bbox"), window):
            met = []
        return cls(
            file, name, column.get("crs", "OGC:CRS84"), paths[0].partition(".")[0] if paths else "", names,
            tuple(met), len(groups), sum(groups[g].num_rows for g in met),
            sum(groups[g].total_byte_size for g in met),
        )  # fmt: skip

    def read(self, root: Path) -> gpd.GeoDataFrame:
        """Read the groups; a folder ``province=11`` is a column."""
        import pyarrow.parquet as pq

        asked = [name for name in self.names if name != self.covering]
        with _damage_said(self.file), pq.ParquetFile(self.file) as opened:
            table = opened.read_row_groups(list(self.groups), columns=asked)
        shapes = shapely.from_wkb(table.column(self.geometry).to_numpy())
        frame = table.drop_columns([self.geometry]).to_pandas()
        for part in self.file.relative_to(root).parts[:-1]:
            key, equals, value = part.partition("=")
            if equals and key not in frame:
                frame[key] = value
        crs = json.dumps(self.crs) if isinstance(self.crs, dict) else self.crs
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index, crs=crs))


def _bounds(group: Any, paths: list[str]) -> list[float] | None:
    """Return west, south, east and north of a group of rows, where its statistics have them."""
    every = [group.column(k) for k in range(group.num_columns)]
    known = {c.path_in_schema: c.statistics for c in every if c.statistics and c.statistics.has_min_max}
    if len(paths) < 4 or not all(path in known for path in paths):
        return None
    west, south, east, north = (known[path] for path in paths)
    return [west.min, south.min, east.max, north.max]


def _meets(box: list[float] | None, window: Window) -> bool:
    """Whether bounds meet a window; unknown ones may."""
    if box is None:
        return True
    half = len(box) // 2  # of places with a height there are six
    west, south, east, north = box[0], box[1], box[half], box[half + 1]
    return west <= window[2] and east >= window[0] and south <= window[3] and north >= window[1]


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
