"""Where each city is: one point a unit, with distances in kilometres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, WeightsError, hinted, name_ids
from spatial.ids.alignment import aligned_values, check_ids
from spatial.ids.numbers import Ids, Values, to_float
from spatial.words import tell

from .centroids import centroids
from .crs import Frame, frame_of
from .sphere import (
    arc_km,
    chord_km,
    ellipsoid_ratios,
    geodesic_km,
    haversine_km,
    lonlat_fault,
    unit_vectors,
)

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["SAME_PLACE_KM", "TIE_KM", "CitiesLike", "Points", "geometry_of", "points", "points_of"]

Float = NDArray[np.float64]
Rows = NDArray[np.integer[Any]]
CitiesLike: TypeAlias = "gpd.GeoDataFrame | gpd.GeoSeries"
"""Cities with their geometry, indexed by id, as `spatial.read_cities` gives them."""

TIE_KM = 1e-9
"""Distances that differ by less than a micrometre are the same distance."""

SAME_PLACE_KM = 1e-6
"""Points within a millimetre of each other are one place."""

_NEAR, _CHUNK = 2.5e-8, 1 << 15  # squared chord of 1 km; pairs that fit in the cache


@dataclass(frozen=True, eq=False)
class Points:
    """One point a unit.

    Parameters
    ----------
    ids : Index, length N
    x, y : array, (N,)
        Degrees where `lonlat`, else planar kilometres.
    lonlat : bool
        Whether distances are those of the sphere, or of `ellipsoid`.
    source : str
        ``"seat"``, ``"centroid"`` or ``"point"``.
    """

    ids: pd.Index[Any]
    x: Float
    y: Float
    lonlat: bool
    source: str
    crs: str
    ellipsoid: str | None = None

    def __repr__(self) -> str:
        """Say how many there are, and where."""
        return f"<Points {self.n:,} {tell('places', '个点')}, {self.crs}>"

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.ids)

    @property
    def distance(self) -> str:
        """Name of the distance, for `Meta`."""
        if not self.lonlat:
            return "planar"
        return f"geodesic on {self.ellipsoid}" if self.ellipsoid else "great circle, R = 6371.0088 km"

    @property
    def facts(self) -> dict[str, Any]:
        """What `Meta.parameters` keeps of the points."""
        return {"points": self.source, "distance": self.distance, "crs": self.crs}

    @cached_property
    def axes(self) -> Float:
        """Coordinates of the k-d tree: unit vectors (N, 3), or planar kilometres (N, 2)."""
        return unit_vectors(self.x, self.y) if self.lonlat else np.column_stack([self.x, self.y])

    @cached_property
    def tree(self) -> Any:
        """The k-d tree; its distances are chords of the unit sphere, or planar kilometres."""
        from scipy.spatial import cKDTree

        # Splits at the middle, not at the median: built 1.5 times as fast, searched as fast.
        return cKDTree(self.axes, balanced_tree=False)

    @cached_property
    def rank(self) -> NDArray[np.intp]:
        """Rank of each id among the ids, which breaks ties whatever the order of the rows."""
        try:
            order = np.argsort(self.ids.to_numpy(), kind="stable")
        except TypeError:  # ids of mixed types have no order of their own
            order = np.argsort([f"{type(i).__name__} {i}" for i in self.ids], kind="stable")
        out = np.empty(self.n, dtype=np.intp)
        out[order] = np.arange(self.n)
        return out

    @cached_property
    def _columns(self) -> list[Float]:
        return [np.ascontiguousarray(column) for column in self.axes.T]

    def km(self, i: Rows, j: Rows) -> Float:
        """Return the distance between points `i` and `j`, elementwise; the same for (j, i) to the bit."""
        out = np.empty(len(i))
        for start in range(0, len(i), _CHUNK):
            part = slice(start, start + _CHUNK)
            out[part] = self._km(i[part], j[part])
        return out

    def _km(self, i: Rows, j: Rows) -> Float:
        if self.ellipsoid is not None:
            return geodesic_km(self.x[i], self.y[i], self.x[j], self.y[j], self.ellipsoid)
        squares = np.zeros(len(i))
        for column in self._columns:
            step = column[i] - column[j]
            step *= step
            squares += step
        chord = np.sqrt(squares)
        if not self.lonlat:
            return chord
        out = arc_km(chord)
        # Chords lose digits below 1 km, and near the antipode: there the haversine is taken.
        weak = np.flatnonzero((squares < _NEAR) | (squares > 2.0))
        if len(weak):
            a, b = i[weak], j[weak]
            out[weak] = haversine_km(self.x[a], self.y[a], self.x[b], self.y[b])
        return out

    def reach(self, km: float) -> float:
        """Return a tree radius that surely holds all points within `km`."""
        if not self.lonlat:
            return km + 2 * TIE_KM
        low = ellipsoid_ratios(self.ellipsoid)[0] if self.ellipsoid else 1.0
        return chord_km(km / low + 2 * TIE_KM) + 1e-15

    def floor_km(self, radius: Float) -> Float:
        """Return the least distance that a point beyond the tree distance `radius` can have."""
        if not self.lonlat:
            return radius * (1 - 1e-15) - TIE_KM
        low = ellipsoid_ratios(self.ellipsoid)[0] if self.ellipsoid else 1.0
        return low * arc_km(np.maximum(radius - 1e-15, 0.0)) - TIE_KM

    def refuse_coincident(self, what: str, cure: str = "") -> None:
        """Raise `WeightsError` naming the points that are within a millimetre of another."""
        both = np.sort(self.x + 1j * self.y)
        twice = np.zeros(self.n, dtype=bool)
        if (both[1:] == both[:-1]).any():
            twice |= np.array(pd.DataFrame({"x": self.x, "y": self.y}).duplicated(keep=False))
        del both
        if not twice.any():  # exact copies first: many of them would make very many pairs
            pairs = self.tree.query_pairs(self.reach(SAME_PLACE_KM), output_type="ndarray")
            twice[pairs[self.km(pairs[:, 0], pairs[:, 1]) <= SAME_PLACE_KM].ravel()] = True
        if twice.any():
            raise_coincident(self, np.flatnonzero(twice), what, cure)


@hinted
def points(x: Values, y: Values, *, ids: Ids | None = None, crs: int | str = 4326) -> Points:
    """Return places by their coordinates alone: 16 bytes a place, where a GeoDataFrame takes 200.

    For millions of places, in `weights.knn`, `weights.distance_band`, `distance_decay`, `market_potential`
    and `map_raster`.

    Parameters
    ----------
    x, y : Series or array, (N,)
        Longitude and latitude in degrees, or coordinates in the unit of `crs`.  A Series has the ids of the
        places, and y is matched to x.
    ids : sequence, optional
        Of arrays; 0 to N - 1 by default.
    crs : int or str
        As ``4326`` or ``"EPSG:32650"``.

    Returns
    -------
    Points

    Raises
    ------
    DataError
        For coordinates that are missing or out of range, by id, and a CRS that is not known.
    AlignmentError
        Where the ids of x and y differ, or their lengths.

    Examples
    --------
    >>> import numpy as np
    >>> import spatial as sp
    >>> places = sp.points([0.0, 0.0, 0.0], [0.0, 1.0, 3.0], ids=["a", "b", "c"])
    >>> sp.weights.knn(places, 1).neighbors("c").index.tolist()
    ['b']
    >>> sp.distance_decay(np.ones(3), places, unit_km=111.19508).round(3).tolist()
    [2.333, 2.5, 1.833]
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        frame = frame_of(CRS.from_user_input(crs))
    except CRSError as error:
        raise DataError(f"crs is a code, as 4326, or what PROJ understands; got {crs!r} ({error}).") from None
    if isinstance(x, pd.Series):
        if ids is not None:
            raise DataError("ids are of arrays; a Series of x has its own: leave ids out.")
        ids = x.index
    first = to_float(x, "x")
    if first.ndim != 1:
        raise DataError(f"x must be one number for each place; got the shape {first.shape}.")
    index = check_ids(pd.RangeIndex(len(first)) if ids is None else ids, "Places")
    if len(index) != len(first) or not len(index):
        raise DataError(
            f"Places need an id each, and there must be some; got {len(first)} x and {len(index)} ids."
        )
    second = aligned_values(y, index, "y", "x")
    if second.ndim != 1:
        raise DataError(f"y must be one number for each place; got the shape {second.shape}.")
    return _placed(index, first, second, frame, "point", None)


def raise_coincident(points: Points, rows: Rows, what: str, cure: str = "") -> None:
    """Raise for the units in `rows`, in the order of their place and id."""
    order = np.lexsort((points.rank[rows], points.y[rows], points.x[rows]))
    raise WeightsError(
        f"{what} need points in distinct places; {len(rows)} of {points.n} points lie within a millimetre "
        f"of another: {name_ids(points.ids[rows[order]])}. Points are never moved for you: correct or "
        f"dissolve them, or give each its own seat point.{cure}"
    )


def geometry_of(cities: Any) -> Any:
    """Return the active geometry of `cities` as a GeoSeries, or refuse what has none."""
    geometry = getattr(cities, "geometry", None) if hasattr(cities, "crs") else None
    if geometry is None or not hasattr(type(geometry), "geom_type"):
        raise DataError(
            f"Cities must be a GeoDataFrame indexed by unit id; got {type(cities).__name__}. "
            "Read them with sp.read_cities(path, id=...)."
        )
    return geometry


def points_of(cities: Any, *, ellipsoid: str | None = None) -> Points:
    """Return one point a unit of `cities`: the seat if there is one, else the point or the centroid.

    What `points` made is returned as it is.

    The seat is the geometry column ``seat``, or the column (or the pair of columns, in the CRS of the
    layer) that ``cities.attrs["seat"]`` names.  Points stand for themselves.  The centroid of a polygon
    in degrees is that of its area on the sphere (the direction of the mean unit vector), right across the
    antimeridian and round a pole; in a projected CRS it is the planar centroid.

    Raises
    ------
    DataError
        Without a CRS, with missing, empty or invalid geometry, with coordinates out of range.
    """
    if isinstance(cities, Points):
        if ellipsoid is None:
            return cities
        frame = Frame(cities.lonlat, 1.0, cities.crs)
        return _placed(cities.ids, cities.x, cities.y, frame, cities.source, ellipsoid)
    geometry = geometry_of(cities)
    ids = check_ids(geometry.index, "Cities")
    if len(ids) == 0:
        raise DataError("Cities must have at least one unit; the table is empty.")
    seat = _seat_of(cities, geometry)
    frame = frame_of(geometry.crs if seat is None else seat.crs)
    if seat is None:
        x, y, source = centroids(np.asarray(geometry.values), ids, frame)
    else:
        x, y, source = *_seat_coordinates(seat, ids), "seat"
    return _placed(ids, x, y, frame, source, ellipsoid)


def _placed(
    ids: pd.Index[Any], x: Float, y: Float, frame: Frame, source: str, ellipsoid: str | None
) -> Points:
    x, y = x * frame.factor, y * frame.factor
    if not frame.lonlat:
        if ellipsoid is not None:
            raise DataError(
                f"ellipsoid={ellipsoid!r} needs longitudes and latitudes; the CRS is {frame.name}. "
                "Use cities.to_crs(4326), or leave ellipsoid out for planar distances."
            )
        if not (np.isfinite(x) & np.isfinite(y)).all():
            bad = ids[~(np.isfinite(x) & np.isfinite(y))]
            raise DataError(f"Coordinates must be finite; missing or infinite at {name_ids(bad)}.")
        frame.warn_if_distorted(y)
        return Points(ids, x, y, False, source, frame.name)
    fault = lonlat_fault(x, y)
    if fault is not None:
        raise DataError(f"{fault[1]} Units: {name_ids(ids[fault[0]])}. The CRS is {frame.name}.")
    if ellipsoid is not None:
        ellipsoid_ratios(ellipsoid)  # refuses a name that pyproj does not know, before any search
    # One place has one pair of coordinates: -180 is 180, and at a pole there is no longitude.
    x = np.where(np.abs(y) >= 90, 0.0, np.where(x <= -180, 180.0, x)) + 0.0
    return Points(ids, x, np.clip(y, -90, 90) + 0.0, True, source, frame.name, ellipsoid)


def _seat_of(cities: Any, geometry: Any) -> Any:
    """Return the seats as a GeoSeries in the CRS of the layer, or None."""
    import geopandas as gpd

    if not hasattr(cities, "columns"):
        return None
    named = cities.attrs.get("seat", "seat" if "seat" in cities.columns else None)
    if isinstance(named, (tuple, list)) and len(named) == 2:
        return _seat_columns(cities, list(named), geometry.crs)
    if named is None or named not in cities.columns:
        return None
    column = cities[named]
    if not hasattr(type(column), "geom_type"):
        return None  # a column of that name which holds, say, the names of the seats
    if column.crs is None:
        return gpd.GeoSeries(column, crs=geometry.crs)
    return column if geometry.crs is None or column.crs == geometry.crs else column.to_crs(geometry.crs)


def _seat_columns(cities: Any, names: list[str], crs: Any) -> Any:
    import geopandas as gpd

    lost = [name for name in names if name not in cities.columns]
    if lost:
        raise DataError(f"cities.attrs['seat'] names columns that are not there: {name_ids(lost)}.")
    x, y = (cities[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names)
    if not frame_of(crs).lonlat and np.nanmax(np.abs(x)) <= 180 and np.nanmax(np.abs(y)) <= 90:
        raise DataError(
            f"The seat columns {names} look like degrees, and the CRS of the layer is projected. Make a "
            "geometry column 'seat' of points with their own CRS instead."
        )
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=cities.index, crs=crs)


def _seat_coordinates(seat: Any, ids: pd.Index[Any]) -> tuple[Float, Float]:
    import shapely

    values = np.asarray(seat.values)
    bad = shapely.is_missing(values) | shapely.is_empty(values) | (shapely.get_type_id(values) != 0)
    if bad.any():
        raise DataError(
            f"Each unit needs a seat that is one point; missing or not a point at {name_ids(ids[bad])}. "
            "Fill them, or drop the column 'seat' to use the polygons."
        )
    return shapely.get_x(values), shapely.get_y(values)
