"""Centroids that are right: of the area on the sphere for degrees, planar on a map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids

from .crs import Frame
from .sphere import lonlat_fault, unit_vectors

__all__ = [
    "areas_of",
    "centroids",
    "refuse_empty",
    "refuse_invalid",
    "ring_coordinates",
    "spherical_centroid",
]

Float = NDArray[np.float64]
_POLYGONS = (3, 6)  # shapely's numbers of Polygon and MultiPolygon
_MULTIPLE, _COLLECTION = 4, 7  # the first type of several parts, and a GeometryCollection, in GEOS
_LONGEST_EDGE = 0.5  # degrees; longer ones follow the map, not the great circle


def centroids(geometry: Any, ids: pd.Index[Any], frame: Frame) -> tuple[Float, Float, str]:
    """Return x, y (N,) and ``"point"`` or ``"centroid"``, in the coordinates of the layer."""
    import shapely

    refuse_empty(geometry, ids)
    geometry = areas_of(geometry)
    kind = shapely.get_type_id(geometry)
    area = np.isin(kind, _POLYGONS)
    if not (area | (kind == 0)).all():
        bad = ids[~(area | (kind == 0))]
        raise DataError(
            f"Each unit needs a point or a polygon; lines, multipoints or collections at {name_ids(bad)}. "
            "Give the layer a geometry column 'seat' of points."
        )
    if not area.any():
        return shapely.get_x(geometry), shapely.get_y(geometry), "point"
    refuse_invalid(geometry[area], ids[area])
    x, y = np.empty(len(ids)), np.empty(len(ids))
    x[~area], y[~area] = shapely.get_x(geometry[~area]), shapely.get_y(geometry[~area])
    if frame.lonlat:
        x[area], y[area] = spherical_centroid(geometry[area], ids[area], frame.factor)
    else:
        middle = shapely.centroid(geometry[area])
        x[area], y[area] = shapely.get_x(middle), shapely.get_y(middle)
    return x, y, "centroid"


def areas_of(geometry: Any) -> Any:
    """Return geometry with each collection that holds polygons as these alone.

    ``make_valid`` leaves such collections, of polygons and of the lines and points into which parts collapse.
    """
    import shapely

    mixed = np.flatnonzero(shapely.get_type_id(geometry) == _COLLECTION)
    if not len(mixed):
        return geometry
    geometry = geometry.copy()
    for k in mixed:
        parts = shapely.get_parts(geometry[k])
        while (shapely.get_type_id(parts) >= _MULTIPLE).any():
            parts = shapely.get_parts(parts)
        areas = parts[shapely.get_type_id(parts) == 3]
        if len(areas):
            geometry[k] = areas[0] if len(areas) == 1 else shapely.multipolygons(areas)
    return geometry


def refuse_empty(geometry: Any, ids: pd.Index[Any]) -> None:
    """Refuse missing and empty geometry by id."""
    import shapely

    bad = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    if bad.any():
        raise DataError(
            f"Each unit needs a geometry; missing or empty at {name_ids(ids[bad])}. "
            "Drop them, as read_cities(..., drop_empty=True) does, or fill them."
        )


def refuse_invalid(geometry: Any, ids: pd.Index[Any], cure: str = "") -> None:
    """Refuse invalid geometry by id, with the reason for the first."""
    import shapely

    bad = ~shapely.is_valid(geometry)
    if bad.any():
        why = str(shapely.is_valid_reason(geometry[bad][0]))
        raise DataError(
            f"Polygons must be valid; {int(bad.sum())} are not: {name_ids(ids[bad])} "
            f"(the first: {why}). {cure}Repair them with "
            "cities.geometry = cities.make_valid(method='structure', keep_collapsed=False)."
        )


def ring_coordinates(polygons: Any) -> tuple[Float, NDArray[np.intp], NDArray[np.intp]]:
    """Return the vertices (V, 2), the ring of each vertex, and the polygon of each ring."""
    import shapely

    if (shapely.get_type_id(polygons) == 3).all() and not shapely.get_num_interior_rings(polygons).any():
        xy, ring = shapely.get_coordinates(polygons, return_index=True)  # without a copy of each ring
        return xy, ring, np.arange(len(polygons))
    # get_rings passes over multipolygons, without a word.
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    return xy, ring, owner[part]


def spherical_centroid(polygons: Any, ids: pd.Index[Any], factor: float = 1.0) -> tuple[Float, Float]:
    r"""Return longitude and latitude of the centre of area on the sphere, in the unit of the layer.

    The mean unit vector over a region with edges :math:`a_k b_k` is in the direction of

    .. math:: \int r \, dA = \tfrac12 \sum_k \theta_k \frac{a_k \times b_k}{|a_k \times b_k|},

    where :math:`\theta_k` is the length of the edge in radians.  With a corner p of the region taken off,
    :math:`a = p + u, b = p + v`, the terms in p of the cross products add up to nothing round a ring and
    are left out, so that regions of a metre keep their digits.
    """
    import shapely

    cut = shapely.segmentize(shapely.orient_polygons(polygons), _LONGEST_EDGE / factor)
    xy, ring, owner = ring_coordinates(cut)
    lon, lat = np.ascontiguousarray(xy[:, 0] * factor), np.ascontiguousarray(xy[:, 1] * factor)
    fault = lonlat_fault(lon, lat)
    if fault is not None:
        raise DataError(f"{fault[1]} Units: {name_ids(ids[np.unique(owner[ring[fault[0]]])])}.")
    place, unit = unit_vectors(lon, lat), owner[ring]
    corner = np.searchsorted(unit, np.arange(len(polygons)))
    u = place - place[corner[unit]]
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    normal = np.cross(place[edge], place[edge + 1])
    sine = np.minimum(np.sqrt((normal**2).sum(axis=1)), 1.0)
    longer = np.where(sine > 1e-4, np.arcsin(sine) / np.maximum(sine, 1e-4) - 1, sine**2 / 6)
    terms = np.cross(u[edge], u[edge + 1]) + normal * longer[:, None]
    total = [np.bincount(unit[edge], weights=terms[:, c], minlength=len(polygons)) for c in range(3)]
    flat = np.hypot(total[0], total[1])
    return np.degrees(np.arctan2(total[1], total[0])) / factor, np.degrees(
        np.arctan2(total[2], flat)
    ) / factor
