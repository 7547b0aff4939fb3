"""Cities: a layer of units with unique ids, a geometry each, and a CRS that can be right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted, name_ids, warn
from spatial.ids.alignment import check_ids
from spatial.ids.kinds import clean_ids
from spatial.ids.numbers import to_float
from spatial.io.frames import Source
from spatial.places.coordinates import check_geometry, check_lonlat

from .frames import one_row_of_names
from .samples import sample_of
from .sources import is_database, local_path, reader_for
from .vector import READERS, Window, is_folder, read_layer, read_parts, within

if TYPE_CHECKING:
    from pyproj import CRS

__all__ = ["read_cities"]

_LONLAT = "EPSG:4326"
_NUMBERS = ("fid", "FID", "id", "ogc_fid", "OBJECTID")


@hinted
def read_cities(
    source: Source,
    id: str | None = None,
    *,
    crs: str | int | CRS | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    seat: tuple[str, str] | str | None = None,
    drop_empty: bool = False,
    bbox: tuple[float, float, float, float] | None = None,
) -> gpd.GeoDataFrame:
    """Read a layer of cities, counties or other units, and check what everything later rests on.

    Parameters
    ----------
    source : path, URL, GeoDataFrame or name of a sample
        A .shp, .gpkg, .geojson, .json, .fgb, .gdb or .parquet file, a .zip with one of them, its http(s)
        address, a PostGIS database ``postgresql://user@host/db``, which needs the extra ``postgis``, a
        GeoDataFrame, which is copied and never changed, or ``"nc"``, ``"china_cities"``: a map that ships;
        or a folder of GeoParquet files with the same columns, as maps of millions of units are kept.
    id : str
        Column of the ids: unique, text or whole numbers.  It becomes the index.  Whole numbers that the
        file keeps as decimals become integers; text keeps its leading zeros.  The features' own numbers are
        read as ``"fid"`` (or how the file calls them) from a GeoPackage, as ``"id"`` from a GeoJSON.  A
        sample knows its own.
    crs : optional
        The coordinate reference system, as geopandas takes it, for a file that states none or only a local
        plane, or states degrees where its coordinates cannot be that.  Another one than the file's is refused
        otherwise: this names the system, it does not transform.
    layer : str, optional
        Layer of a file that has several; in a database a table or view ``schema.table``, with the geometry
        column in brackets, ``schema.table(geom)``, where it has more than one.
    encoding : str, optional
        Of the text in a Shapefile or GeoJSON; found from the bytes (UTF-8, else GB18030) if left out.
    seat : (str, str) or str, optional
        Columns with the longitude and latitude, in EPSG:4326 degrees, of the unit's seat or centre; or one
        column that holds points.  They become a column ``seat`` of points in the layer's CRS.

    drop_empty : bool
        Leave out units without a geometry, with a warning that names them; by default they are refused.
    bbox : (west, south, east, north), optional
        Only units whose bounds meet this window, in the unit of the file's CRS.  Of GeoParquet only the files
        and groups of rows that meet it are read, by the bounds in their footers and by the column of bounds
        that ``to_parquet(write_covering_bbox=True)`` adds; ``cities.attrs["read"]`` says how much that was.
        Other files are read whole first.

    Returns
    -------
    GeoDataFrame
        Indexed by id (the index is named as the column was), in the order of the file, or from a database
        in that of the ids.  Invalid polygons
        pass: `spatial.weights.contiguity` refuses or repairs them.

    Raises
    ------
    DataError
        Missing or unreadable file, layer or column; missing or repeated ids; missing or empty geometries;
        coordinates out of range, swapped, or projected under a CRS in degrees; a folder whose units take more
        memory than there is, with its size; a window that none of the units meets.

    Warns
    -----
    SpatialWarning
        Where no place on Earth is stated: who touches whom is then known, and no distance.

    Examples
    --------
    >>> import shapely
    >>> frame = gpd.GeoDataFrame(
    ...     {"adcode": ["110000", "120000"], "gdp": [3.6, 1.4]},
    ...     geometry=[shapely.box(115, 39, 117, 41), shapely.box(117, 38, 118, 40)],
    ...     crs=4326,
    ... )
    >>> cities = read_cities(frame, id="adcode")
    >>> cities.loc["120000", "gdp"]
    np.float64(1.4)
    """
    window = None if bbox is None else _as_window(bbox)
    ships, column = sample_of(source, "cities"), id
    if ships is not None:
        column, seat = column or ships.id, seat or ships.seat
        frame, what = read_layer(ships.file("gpkg"), None, None, column), f"The sample {source!r}"
        frame.attrs = {"name": ships.name, "source": ships.source, "licence": ships.licence}
        frame.attrs |= {"note": ships.note, "note_zh": ships.note_zh} if ships.note else {}
    elif isinstance(source, gpd.GeoDataFrame):
        one_row_of_names(source.columns, "The layer")
        frame, what = source.copy(), "The layer"
    elif isinstance(source, str) and is_database(source):
        from .postgis import read_database_layer

        if id is None:
            raise DataError("Pass id=, the column of the ids, to read a table of a database.")
        frame = read_database_layer(source, layer, encoding, id)
        what = "The table" if layer is None else f"The table {layer!r}"
    elif isinstance(source, (str, Path)):
        frame, what = _read(source, layer, encoding, id, window), Path(str(source)).name
    else:
        raise DataError(
            f"Cities are read from a path, a URL or a GeoDataFrame; got {type(source).__name__}. "
            "For a table with coordinates: geopandas.GeoDataFrame(table, geometry=geopandas.points_from_xy("
            "table.lon, table.lat), crs=4326)."
        )
    if getattr(frame, "_geometry_column_name", None) not in frame.columns:
        raise DataError(f"{what} has no geometry. Set one with frame.set_geometry(...).")
    if window is not None:
        frame = _in_window(frame, window, what)
    frame = _with_ids(frame, column, what)
    frame = _with_crs(frame, crs, what)
    if drop_empty:
        frame = _without_empty(frame, what)
    check_geometry(frame.geometry, frame.index, what)
    return frame if seat is None else _with_seat(frame, seat, what)


def _read(
    source: str | Path, layer: str | None, encoding: str | None, id: str | None, window: Window | None
) -> gpd.GeoDataFrame:
    path = Path(source).expanduser()
    parquet = path.suffix.lower() in (".parquet", ".geoparquet") and path.is_file()
    if is_folder(path) or (parquet and window is not None):
        if layer is not None or encoding is not None:
            raise DataError("Parquet has one layer and is UTF-8: leave layer= and encoding= out.")
        return read_parts(path, window)
    # A zip is unpacked to one of the others; a database is read elsewhere, and named among the kinds.
    reader_for(source, {**READERS, ".zip": READERS[".gpkg"], "postgresql": READERS[".gpkg"]}, "Cities")
    with local_path(source, READERS) as path:
        reader_for(path, READERS, "Cities")
        return read_layer(path, layer, encoding, id)


def _as_window(bbox: Any) -> Window:
    try:
        west, south, east, north = (float(edge) for edge in bbox)
    except (TypeError, ValueError):
        raise DataError(f"bbox is (west, south, east, north), four numbers; got {bbox!r}.") from None
    if not (np.isfinite([west, south, east, north]).all() and west < east and south < north):
        raise DataError(
            f"bbox is (west, south, east, north) with west below east and south below north; got {bbox!r}."
        )
    return west, south, east, north


def _in_window(frame: gpd.GeoDataFrame, window: Window, what: str) -> gpd.GeoDataFrame:
    found = within(frame, window)
    if not len(found):
        raise DataError(
            f"No unit of {what} meets bbox={window}, which is (west, south, east, north) in the unit of its "
            f"CRS, {getattr(frame.crs, 'name', 'which is not stated')}."
        )
    return found


# ---- checks
def _with_ids(frame: gpd.GeoDataFrame, id: str | None, what: str) -> gpd.GeoDataFrame:
    if id is None:
        raise DataError(
            f"Which column of {what} holds the ids? Pass id=. {_candidates(frame)}It has: "
            f"{name_ids([c for c in frame.columns if c != frame.geometry.name], 20)}."
        )
    if id not in frame.columns and id in frame.index.names:
        frame = frame.reset_index(id)
    columns = [column for column in frame.columns if column != frame.geometry.name]
    if id not in columns:
        numbers = " The numbers of features are places in this file, not ids." if id in _NUMBERS else ""
        raise DataError(
            f"{what} has no column {id!r} for the ids.{did_you_mean(id, columns)}{numbers} "
            f"It has: {name_ids(columns, 20)}."
        )
    if not len(frame):
        raise DataError(f"{what} is empty: it has no units.")
    if list(frame.columns).count(id) > 1:
        raise DataError(f"{what} has more than one column {id!r}; the ids need one.")
    ids = pd.Index(clean_ids(frame[id].reset_index(drop=True), f"Column {id!r} of {what}"), name=id)
    return frame.drop(columns=id).set_axis(check_ids(ids, what), axis=0)


def _without_empty(frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    empty = (frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    if empty.any():
        warn(f"{what}: left out without a geometry: {name_ids(frame.index[empty])}.")
    return frame[~empty]


def _candidates(frame: gpd.GeoDataFrame) -> str:
    """Name the columns that could be ids: filled, all different, and no measurements."""
    found = [
        str(c)
        for c in frame.columns
        if c != frame.geometry.name
        and not pd.api.types.is_float_dtype(frame[c].dtype)
        and frame[c].notna().all()
        and frame[c].astype(str).is_unique
    ]
    return f"Different in each row: {name_ids(found, 8)}. " if found else ""


def _with_crs(frame: gpd.GeoDataFrame, crs: Any, what: str) -> gpd.GeoDataFrame:
    given = None if crs is None else _as_crs(crs)
    found = frame.crs
    # A local plane, as R's sf writes for "none", says as little as none.
    local = found is not None and found.type_name == "Engineering CRS"
    if found is None or local:
        if given is None:
            but = f" but a local one ({found.name})" if local else ""
            warn(
                f"{what} states no coordinate reference system{but}: distances have no unit and are refused; "
                "only who touches whom is known. Pass crs=, e.g. crs='EPSG:4326' for longitude and latitude, "
                "'EPSG:4490' for CGCS2000."
            )
            return frame.set_crs(None, allow_override=True)
        frame = frame.set_crs(given, allow_override=local)
        _warn_of_degrees(frame, what)
    elif given is not None and not _equal(found, given):
        # Degrees are refuted by the coordinates: GeoJSON without a CRS counts as degrees, whatever it holds.
        if not (found.is_geographic and _beyond_degrees(frame)):
            raise DataError(
                f"{what} is in {found.name}; crs= says {given.name}. crs= names the system of a file that "
                "states none. To transform, read without it, then cities.to_crs(...)."
            )
        frame = frame.set_crs(given, allow_override=True)
    if not (frame.crs.is_geographic or frame.crs.is_projected):
        raise DataError(
            f"{what} is in {frame.crs.name} ({frame.crs.type_name}); "
            "a geographic or projected system is needed."
        )
    return frame


def _as_crs(crs: Any) -> Any:
    import pyproj

    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise DataError(f"crs={crs!r} is not known; use e.g. 'EPSG:4326'. ({error})") from None


def _equal(a: Any, b: Any) -> bool:
    return bool(
        a.equals(b, ignore_axis_order=True) or (a.to_epsg() is not None and a.to_epsg() == b.to_epsg())
    )


def _beyond_degrees(frame: gpd.GeoDataFrame) -> bool:
    west, south, east, north = frame.total_bounds
    return bool(west < -360 or east > 360 or south < -90 or north > 90)


def _warn_of_degrees(frame: gpd.GeoDataFrame, what: str) -> None:
    if frame.crs.is_projected and not _beyond_degrees(frame):
        west, south, east, north = frame.total_bounds
        warn(
            f"{what} was given the projected {frame.crs.name}, yet its coordinates look like degrees "
            f"(x from {west:g} to {east:g}, y from {south:g} to {north:g}). "
            "If they are, pass crs='EPSG:4326'."
        )


# ---- seats
def _with_seat(frame: gpd.GeoDataFrame, seat: tuple[str, str] | str, what: str) -> gpd.GeoDataFrame:
    names = [seat] if isinstance(seat, str) else list(seat)
    for name in names:
        if name not in frame.columns:
            raise DataError(
                f"{what} has no column {name!r} for the seat.{did_you_mean(name, frame.columns)} "
                f"It has: {name_ids(frame.columns, 20)}."
            )
    if "seat" in frame.columns and names != ["seat"]:
        raise DataError(
            f"{what} already has a column 'seat'; rename it, or pass seat='seat' if it holds points."
        )
    if frame.crs is None:
        raise DataError(f"Seats are places on Earth, and {what} states no CRS to bring them into: pass crs=.")
    points = _seat_points(frame, names, what)
    return frame.assign(seat=points.to_crs(frame.crs))


def _seat_points(frame: gpd.GeoDataFrame, names: list[str], what: str) -> gpd.GeoSeries:
    if len(names) == 1:
        return _given_points(frame[names[0]], frame, what)
    if len(names) != 2:
        raise DataError(f"seat= takes (longitude, latitude) columns, or one column of points; got {names}.")
    lon, lat = (to_float(frame[n], f"Column {n!r} of {what}", verb="hold") for n in names)
    missing = ~(np.isfinite(lon) & np.isfinite(lat))
    if missing.any():
        raise DataError(
            f"Each unit needs a seat; columns {name_ids(names)} of {what} are missing for "
            f"{name_ids(frame.index[missing])}."
        )
    check_lonlat(lon, lat, frame.index, f"the seats (columns {name_ids(names)})", _extent(frame))
    return gpd.GeoSeries(gpd.points_from_xy(lon, lat), index=frame.index, crs=_LONLAT)


def _given_points(column: Any, frame: gpd.GeoDataFrame, what: str) -> gpd.GeoSeries:
    if not isinstance(column, gpd.GeoSeries):
        raise DataError(
            f"seat={column.name!r} must be a column of points; it is {column.dtype}. "
            "For coordinates name two columns: seat=('lon', 'lat')."
        )
    points = column if column.crs is not None else column.set_crs(frame.crs)
    check_geometry(points, frame.index, f"seat column {column.name!r} of {what}")
    other = (points.geom_type != "Point").to_numpy()
    if other.any():
        raise DataError(
            f"Seats must be points; column {column.name!r} is not for {name_ids(frame.index[other])}."
        )
    return points


def _extent(frame: gpd.GeoDataFrame) -> Any:
    """The layer's bounds in degrees."""
    import shapely

    return gpd.GeoSeries([shapely.box(*frame.total_bounds)], crs=frame.crs).to_crs(_LONLAT).total_bounds
