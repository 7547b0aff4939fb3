"""Which projection a map is drawn in: area-true, chosen by what is drawn, and said in the note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.places.crs import transformer_of
from spatial.words import check_language

__all__ = ["Projection", "area_true", "geographic_bounds", "moved", "projection_of"]

Float = NDArray[np.float64]
Bounds = tuple[float, float, float, float]

_WIDE, _TALL = 200.0, 120.0  # degrees from which a map is one of the world
_STEP = 1.0  # degrees: longer edges are bent with the parallels
_UNEVEN = 1.02  # a projection whose areas differ by more over the map is not kept


@dataclass(frozen=True)
class Projection:
    """A coordinate reference system, what to say of it, and the meridian at which the world is cut.

    Attributes
    ----------
    crs : CRS or None
        None where the cities have none: coordinates are drawn as they are.
    words : (English, Chinese)
    cut : float, optional
        Longitude at which shapes are cut in two, for maps of the world.
    """

    crs: Any
    words: tuple[str, str] = ("", "")
    cut: float | None = None

    def name(self, lang: str) -> str:
        """What the note says."""
        return self.words[check_language(lang) == "zh"]

    def shapes(self, shapes: Any, source: Any) -> NDArray[Any]:
        """Return `shapes`, given in the CRS `source`, as they are drawn."""
        array = np.asarray(shapes)
        if self._is_of(source):
            return array
        drawn = moved(self._bent(array, source), source, self.crs)
        self._require_finite(shapely.bounds(drawn))
        return drawn

    def bounds(self, shapes: Any, source: Any) -> Bounds:
        """Return the bounds of `shapes` as they are drawn, without drawing them."""
        array = np.asarray(shapes)
        if self._is_of(source):
            west, south, east, north = shapely.total_bounds(array).tolist()
            return west, south, east, north
        xy = _mover(source, self.crs)(shapely.get_coordinates(self._bent(array, source)))
        self._require_finite(xy)
        (west, south), (east, north) = xy.min(axis=0).tolist(), xy.max(axis=0).tolist()
        return west, south, east, north

    def _is_of(self, source: Any) -> bool:
        return self.crs is None or source is None or source == self.crs

    def _bent(self, array: NDArray[Any], source: Any) -> NDArray[Any]:
        """Return shapes whose long edges follow the parallels, and which are cut where the map is."""
        if not source.is_geographic:
            return array
        array = _segmented(array, _STEP)
        if self.cut is None:
            return array
        return np.array([_cut(shape, self.cut) for shape in array], dtype=object)

    def _require_finite(self, places: Float) -> None:
        if not np.isfinite(places).all():
            raise DataError(
                f"Some shapes have no place in the projection {self.crs.name}: choose another with crs=, "
                "or restrict the cities."
            )


def moved(shapes: NDArray[Any], source: Any, target: Any) -> NDArray[Any]:
    """Return `shapes` in the CRS `target`."""
    return np.asarray(shapely.transform(shapes, _mover(source, target)))


def _mover(source: Any, target: Any) -> Callable[[Float], Float]:
    """Return the function that takes (n, 2) places from one CRS to another."""
    transformer = transformer_of(source, target)
    return lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))


def _segmented(shapes: NDArray[Any], step: float) -> NDArray[Any]:
    """Put places on edges longer than `step`; most shapes of large maps are smaller than it."""
    west, south, east, north = shapely.bounds(shapes).T
    large = np.hypot(east - west, north - south) > step
    out = shapes.copy()
    out[large] = shapely.segmentize(shapes[large], step)
    return out


def _parts(shapes: NDArray[Any]) -> NDArray[Any]:
    several = shapely.get_num_geometries(shapes) > 1
    return np.append(shapes[~several], shapely.get_parts(shapes[several]))


def _part_bounds(shapes: NDArray[Any], crs: Any) -> Float:
    """Return the bounds of each part in degrees; those of a projected map without making its shapes anew."""
    if crs is None or crs.is_geographic:
        return np.asarray(shapely.bounds(_parts(shapes)))
    parts = _parts(_segmented(shapes, _edge(shapes)))
    xy, owner = shapely.get_coordinates(parts, return_index=True)
    xy, first = _mover(crs, 4326)(xy), np.flatnonzero(np.diff(owner, prepend=-1))
    return np.hstack([np.minimum.reduceat(xy, first), np.maximum.reduceat(xy, first)])


def geographic_bounds(shapes: Any, crs: Any) -> Bounds:
    """Return (west, south, east, north) in degrees; east exceeds 180 where the map crosses the antimeridian.

    Examples
    --------
    >>> geographic_bounds([shapely.box(170, 0, 180, 1), shapely.box(-180, 0, -170, 1)], None)
    (170.0, 0.0, 190.0, 1.0)
    """
    parts = _part_bounds(np.asarray(shapes), crs)
    order = np.argsort(parts[:, 0])
    west, reached = parts[order, 0], np.maximum.accumulate(parts[order, 2])
    gaps = west[1:] - reached[:-1]
    south, north = float(parts[:, 1].min()), float(parts[:, 3].max())
    if len(gaps) and gaps.max() > 360 - (reached[-1] - west[0]):
        place = int(gaps.argmax())
        return float(west[place + 1]), south, float(reached[place]) + 360, north
    return float(west[0]), south, float(reached[-1]), north


def _edge(array: NDArray[Any]) -> float:
    west, south, east, north = shapely.total_bounds(array)
    return float(max(east - west, north - south, 1e-9) / 50)


def area_true(bounds: Bounds) -> Projection:
    """Return the area-true projection for what lies within `bounds`.

    Examples
    --------
    >>> area_true((73.5, 18.0, 135.1, 53.6)).name("en")
    'Albers equal-area conic, 24° and 48° N'
    >>> area_true((-180.0, -60.0, 180.0, 80.0)).name("en")
    'Equal Earth projection'
    """
    from pyproj import CRS

    west, south, east, north = bounds
    dx, dy, middle = east - west, north - south, (south + north) / 2
    lon = round((((west + east) / 2) + 180) % 360 - 180, 3)
    if dx > _WIDE or dy > _TALL:
        crs = CRS(f"+proj=eqearth +lon_0={lon} +datum=WGS84 +units=m")
        return Projection(crs, ("Equal Earth projection", "Equal Earth 等积投影"), (lon + 360) % 360 - 180)
    # A cone whose parallels are the equator, or lie round it, is none.
    near_equator = abs(middle) < 1 or (south < 0 < north and abs(middle) < 15)
    if abs(middle) > 70 or near_equator or dy <= 0 or dx / dy < 0.8:
        crs = CRS(f"+proj=laea +lat_0={middle:.3f} +lon_0={lon} +datum=WGS84 +units=m")
        at = f"{_degrees(middle, 'NS')}, {_degrees(lon, 'EW')}"
        return Projection(
            crs, (f"Lambert azimuthal equal-area, centred on {at}", f"兰勃特等积方位投影，中心 {at}")
        )
    one, two = south + dy / 6, north - dy / 6
    crs = CRS(
        f"+proj=aea +lat_1={one:.3f} +lat_2={two:.3f} +lat_0={middle:.3f} +lon_0={lon} +datum=WGS84 +units=m"
    )
    side = "N" if middle > 0 else "S"
    low, high = (_plain(value, dy) for value in sorted((one, two), key=abs))
    return Projection(
        crs,
        (
            f"Albers equal-area conic, {low}° and {high}° {side}",
            f"阿尔伯斯等积圆锥投影，标准纬线 {low}°、{high}°",
        ),
    )


def _plain(value: float, spread: float) -> str:
    return f"{abs(value):.0f}" if spread > 6 else f"{abs(value):.1f}"


def _degrees(value: float, sides: str) -> str:
    return f"{abs(value):.0f}° {sides[value < 0]}"


def projection_of(shapes: Any, source: Any, crs: Any, whole: Any = None) -> Projection:
    """Return the projection that a map of `shapes` is drawn in.

    Parameters
    ----------
    shapes : array of geometries
        Those that the main map shows, without what goes to insets.
    source : CRS or None
        Of the shapes.
    crs : CRS or anything that pyproj reads, optional
        The user's choice.  Default: a projected CRS whose areas are even over the map is kept; else an
        area-true one is made for the map.
    whole : array of geometries, optional
        All shapes, where `crs` must hold for them too.
    """
    from pyproj import CRS

    if source is None:
        if crs is not None:
            raise DataError(
                "cities has no CRS, so it cannot be put into another: name it with set_crs first."
            )
        return Projection(None)
    if crs is not None:
        chosen = CRS(crs)
        return Projection(chosen, (f"Projection: {chosen.name}", f"投影：{chosen.name}"))
    bounds = geographic_bounds(shapes, source)
    if not source.is_geographic and _is_even(
        source, bounds if whole is None else geographic_bounds(whole, source)
    ):
        return Projection(source, (f"Projection: {source.name}", f"投影：{source.name}"))
    return area_true(bounds)


def _is_even(crs: Any, bounds: Bounds) -> bool:
    """Return whether areas in `crs` are alike over the map, as in a zone used within its zone."""
    from pyproj import Proj
    from pyproj.exceptions import ProjError

    lon, lat = np.meshgrid(np.linspace(bounds[0], bounds[2], 5), np.linspace(bounds[1], bounds[3], 5))
    try:
        scale = np.asarray(Proj(crs).get_factors(lon.ravel(), lat.ravel()).areal_scale)
    except ProjError:  # not for every projection
        return True
    return bool(np.isfinite(scale).all() and scale.max() <= _UNEVEN * scale.min())


def _cut(shape: Any, cut: float) -> Any:
    """Return `shape` in two where it crosses the meridian `cut`, a hair on either side of it."""
    west, south, east, north = shapely.bounds(shape)
    if not west < cut < east:
        return shape
    hair = 1e-7
    sides = (
        shapely.clip_by_rect(shape, west - 1, south - 1, cut - hair, north + 1),
        shapely.clip_by_rect(shape, cut + hair, south - 1, east + 1, north + 1),
    )
    parts = np.concatenate([shapely.get_parts(side) for side in sides])
    kept = [part for part in parts if not part.is_empty]
    if kept and kept[0].geom_type == "Point":
        return shape
    return shapely.MultiPolygon([part for part in kept if part.geom_type == "Polygon"])
