"""Shapes for the screen: projected, simplified as a coverage, on a grid of 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.places.centroids import areas_of

__all__ = ["Shapes", "build_shapes"]

_STEPS = 65535  # of the longer side: 76 m for a country of 5,000 km


@dataclass(frozen=True, eq=False)
class Shapes:
    """Polygons or points of N units in one frame.

    Parameters
    ----------
    points : uint16 array (N, 2)
        A place inside each unit.
    coordinates : uint16 array (M, 2)
        Vertices of all rings; empty for points.
    rings, polygons, units : uint32 arrays
        Where each ring begins among the vertices, each polygon among the rings (the first is its outside),
        each unit among the polygons.
    extent : (float, float)
        Width and height in steps of the grid.
    """

    points: NDArray[np.uint16]
    coordinates: NDArray[np.uint16]
    rings: NDArray[np.uint32]
    polygons: NDArray[np.uint32]
    units: NDArray[np.uint32]
    extent: tuple[float, float]

    @property
    def are_points(self) -> bool:
        """Whether there is nothing to fill."""
        return not len(self.coordinates)


def build_shapes(cities: Any, ids: Any) -> Shapes:
    """Return what the page draws for `cities`, in the order of `ids`."""
    import shapely

    geometry = display_projection(cities.geometry.loc[ids])
    shapes = areas_of(np.asarray(geometry.values))
    _check(shapes, ids)
    kinds = shapely.get_type_id(shapes)
    if np.isin(kinds, (0,)).all():
        grid, extent = _grid(shapely.get_coordinates(shapes))
        none = np.zeros(0, np.uint32)
        return Shapes(grid, np.zeros((0, 2), np.uint16), none, none, none, extent)
    if not np.isin(kinds, (3, 6)).all():
        odd = ~np.isin(kinds, (3, 6))
        names = sorted(set(geometry.geom_type[odd]))
        raise DataError(
            f"A report draws polygons, or points only; got {', '.join(names)} at {name_ids(ids[odd])}."
        )
    simple = simplified(shapes)
    inside = shapely.get_coordinates(shapely.point_on_surface(simple))
    _, coordinates, offsets = shapely.to_ragged_array(
        np.array([shapely.multipolygons(shapely.get_parts(shape)) for shape in simple])
    )
    grid, extent = _grid(np.vstack([inside, coordinates[:, :2]]))
    rings, polygons, units = (np.asarray(part, dtype=np.uint32) for part in offsets)
    return Shapes(grid[: len(ids)], grid[len(ids) :], rings, polygons, units, extent)


def display_projection(geometry: Any) -> Any:
    """Return degrees as an equal-area map about their middle; planar coordinates as they are."""
    if geometry.crs is None or not geometry.crs.is_geographic:
        return geometry
    west, south, east, north = geometry.total_bounds
    if east - west > 150:
        return geometry.to_crs("+proj=eqearth +datum=WGS84")
    centre = f"+lat_0={(south + north) / 2:.4f} +lon_0={(west + east) / 2:.4f}"
    return geometry.to_crs(f"+proj=laea {centre} +datum=WGS84")


def _check(shapes: NDArray[Any], ids: Any) -> None:
    import shapely

    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if absent.any():
        raise DataError(f"Each unit of a map needs a geometry; missing or empty at {name_ids(ids[absent])}.")
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        wrong = [not np.isfinite(shapely.get_coordinates(shape)).all() for shape in shapes]
        raise DataError(
            f"Coordinates of the map must be finite; they are not at {name_ids(ids[wrong])}. "
            "Check the coordinate system: degrees must lie within 180 and 90."
        )


def simplified(shapes: NDArray[Any], *, budget: int | None = None) -> NDArray[Any]:
    """Simplify as a coverage until all vertices fit the budget: borders are shared before and after."""
    import shapely

    most = max(20_000, 40 * len(shapes)) if budget is None else budget
    xmin, ymin, xmax, ymax = shapely.total_bounds(shapes)
    tolerance = max(xmax - xmin, ymax - ymin) / 3000
    found = shapes
    for _ in range(12):
        if shapely.get_num_coordinates(found).sum() <= most:
            break
        found = np.asarray(shapely.coverage_simplify(shapes, tolerance))
        tolerance *= 1.6
    gone = shapely.is_empty(found)
    return np.where(gone, shapes, found)


def _grid(coordinates: NDArray[np.float64]) -> tuple[NDArray[np.uint16], tuple[float, float]]:
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    side = float((high - low).max())
    if not side > 0:
        raise DataError("The units of the map all lie at one place: there is nothing to draw.")
    step = side / _STEPS
    width, height = ((high - low) / step).tolist()
    return np.round((coordinates - low) / step).astype(np.uint16), (float(width), float(height))
