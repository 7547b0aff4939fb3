"""Contiguity: polygons that share a border or a point."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import DataError, hinted, name_ids
from spatial.ids.alignment import check_ids
from spatial.places.centroids import areas_of, refuse_empty, refuse_invalid
from spatial.places.crs import frame_of
from spatial.places.points import CitiesLike, geometry_of, points_of
from spatial.places.sphere import lonlat_fault
from spatial.weights.checks import number, one_of
from spatial.weights.csr import owned
from spatial.weights.meta import Meta
from spatial.weights.value import Weights

from .borders import Plane, touching
from .islands import POLICIES, bridged, resolve_bridge, settle_islands

__all__ = ["contiguity"]

_CURE = (
    "Link them by hand with bridge=[(id, id)], with the nearest by islands='nearest', close small gaps "
    "with snap_km=, or keep them with islands='keep'."
)


@hinted
def contiguity(
    cities: CitiesLike,
    *,
    rook: bool = False,
    islands: Literal["raise", "keep", "nearest"] = "raise",
    bridge: Iterable[tuple[Any, Any]] | None = None,
    snap_km: float | None = None,
    repair: bool = False,
) -> Weights:
    r"""Link the polygons that touch.

    .. math:: w_{ij} = 1 \text{ where } i \text{ and } j \text{ share a point (queen) or a border (rook).}

    Geometry decides, not the vertices in the file: neighbours whose borders have different vertices are
    found, gaps of rounding (below 2 mm) are closed, and polygons that overlap are neighbours.  On a
    geographic CRS polygons that meet at 180 degrees are neighbours; so are, for the queen, those that
    meet at a pole.

    Parameters
    ----------
    cities : GeoDataFrame
        Polygons, indexed by unit id.  A CRS is needed only for `snap_km` and ``islands="nearest"``, and
        to know of the meeting at 180 degrees.
    rook : bool
        Ask for a common border; a common point is not enough, however sharp the corners that meet there.
    islands : {"raise", "keep", "nearest"}
        Polygons that touch nobody are refused by name, kept, or linked in both directions with the
        unit whose seat or centroid is nearest to theirs; ``meta.parameters["linked_islands"]`` and the
        report name these pairs.
    bridge : list of pairs, optional
        Links to add in both directions, by id or by a name that only one unit has (any column that
        begins with ``name``).  They are added before islands are looked for.
    snap_km : float, optional
        Polygons with a gap up to this many kilometres touch; for the rook, they must be that near along
        more than ten times `snap_km`.
    repair : bool
        Make invalid polygons valid, instead of refusing them by name.

    Returns
    -------
    Weights
        Binary and symmetric.

    Raises
    ------
    DataError
        Where geometry is missing, empty, invalid, or no polygon.
    WeightsError
        Where units have no neighbour and `islands` is ``"raise"``.

    Notes
    -----
    libpysal's default compares vertices and silently misses neighbours whose borders have different
    ones; its strict way misses polygons that overlap by a sliver.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c", "d"],
    ...     geometry=[box(0, 0, 2, 2), box(2, 0, 3, 1), box(2, 1, 3, 2), box(3, 2, 4, 3)])
    >>> contiguity(cities).neighbors("c").index.tolist()
    ['a', 'b', 'd']
    >>> contiguity(cities, rook=True, bridge=[("c", "d")]).neighbors("d").index.tolist()
    ['c']
    """
    one_of(islands, POLICIES, "islands")
    snap_km = None if snap_km is None else number(snap_km, "snap_km")
    geometry = geometry_of(cities)
    ids = check_ids(geometry.index, "Cities")
    if len(ids) == 0:
        raise DataError("Cities must have at least one unit; the table is empty.")
    plane, crs = _plane_of(geometry.crs, snap_km)
    polygons = _polygons(np.asarray(geometry.values), ids, plane, repair)
    links = resolve_bridge(cities, ids, bridge)
    pairs = touching(polygons, rook=rook, plane=plane, snap_km=snap_km)
    matrix = bridged(_binary(pairs, len(ids)), links)
    matrix, joined = settle_islands(
        matrix,
        ids,
        islands,
        points=lambda: points_of(_with_polygons(cities, polygons)),
        weigh=np.ones_like,
        cure=_CURE,
    )
    parameters = {
        "rook": rook,
        "snap_km": snap_km,
        "repair": repair,
        "bridge": [(ids[i], ids[j]) for i, j in links],
        "crs": crs,
        **joined,
    }
    return Weights(ids, owned(matrix), Meta("contiguity", parameters, None, "none", islands, "cities"))


def _plane_of(crs: Any, snap_km: float | None) -> tuple[Plane, str | None]:
    """Return what the coordinates are; without a CRS, or in a local one, only touching is asked of them."""
    if snap_km is None and (crs is None or not (crs.is_geographic or crs.is_projected)):
        return Plane(), None if crs is None else str(crs.name)
    frame = frame_of(crs)
    return Plane(frame.lonlat, frame.factor), frame.name


def _polygons(geometry: Any, ids: pd.Index[Any], plane: Plane, repair: bool) -> Any:
    import shapely

    refuse_empty(geometry, ids)
    if repair:
        broken = ~shapely.is_valid(geometry)
        geometry = geometry.copy()
        geometry[broken] = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
        refuse_empty(geometry, ids)  # a polygon without area leaves nothing
    geometry = areas_of(geometry)
    other = ~np.isin(shapely.get_type_id(geometry), (3, 6))
    if other.any():
        kinds = sorted({g.geom_type for g in geometry[other]})
        raise DataError(
            f"Contiguity needs polygons; got {', '.join(kinds)} at {name_ids(ids[other])}. "
            "For points use knn(cities, k) or distance_band(cities, km)."
        )
    coarse = shapely.get_precision(geometry) > 0
    if coarse.any():  # overlays of such polygons would be rounded to their grid
        geometry = geometry.copy()
        geometry[coarse] = shapely.set_precision(geometry[coarse], 0, mode="pointwise")
    refuse_invalid(geometry, ids, "Pass repair=True to repair them here. ")
    if plane.lonlat:
        west, south, east, north = shapely.bounds(geometry).T * plane.factor
        for lon, lat in ((west, south), (east, north)):
            fault = lonlat_fault(lon, lat)
            if fault is not None:
                raise DataError(f"{fault[1]} Units: {name_ids(ids[fault[0]])}.")
    return geometry


def _with_polygons(cities: Any, polygons: Any) -> Any:
    import geopandas as gpd

    drawn = gpd.GeoSeries(polygons, index=cities.index, crs=cities.crs)
    return cities.set_geometry(drawn) if hasattr(cities, "set_geometry") else drawn


def _binary(pairs: NDArray[np.int64], n: int) -> sp.csr_array:
    i, j = pairs.astype(np.int32).T
    both = (np.ones(2 * len(pairs)), (np.concatenate([i, j]), np.concatenate([j, i])))
    return sp.csr_array(both, shape=(n, n))
