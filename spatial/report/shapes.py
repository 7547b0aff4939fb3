"""Shapes for the screen: projected as every map is, simplified as a coverage, on a grid of whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.maps.borders import border_lines
from spatial.maps.frame import checked_layer, group_codes
from spatial.maps.scene import Scene
from spatial.maps.shapes import boundary_lines
from spatial.places.centroids import areas_of

__all__ = ["GRID", "Frame", "Lines", "Rings", "Shapes", "build_shapes", "simplified"]

GRID = 10_000  # steps of the longer side: finer than any screen
_SPECK = 16  # square steps: rings smaller than this are left out where the unit has others

Grid = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rings:
    """Rings of N units on the grid: `of` units the number of rings each, `sizes` their vertices."""

    of: Grid
    sizes: Grid
    xy: Grid


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines on the grid: vertices of each, one after the other."""

    sizes: Grid
    xy: Grid


@dataclass(frozen=True)
class Frame:
    """A far part of the map in a frame of its own: its box on the grid, and what it is called."""

    box: tuple[int, int, int, int]
    name: tuple[str, str]
    closed: bool


@dataclass(frozen=True, eq=False)
class Shapes:
    """Polygons or points of N units in one frame; y runs downwards, as on a screen.

    Parameters
    ----------
    size : (int, int)
        Width and height in steps of the grid.
    points : int array (N, 2)
        A place inside each unit.
    rings : Rings
        None of any unit where the units are points.
    borders : three Lines
        Within a group, between groups, round the land.
    frames : tuple of Frame
    notes : (list of str, list of str)
        What to say of projection and frames, in English and Chinese.
    outline : Rings
        The same units much coarser.
    """

    size: tuple[int, int]
    points: Grid
    rings: Rings
    borders: tuple[Lines, ...]
    frames: tuple[Frame, ...]
    notes: tuple[list[str], list[str]]
    outline: Rings

    @property
    def are_points(self) -> bool:
        """Whether there is nothing to fill."""
        return not len(self.rings.xy)


def build_shapes(cities: Any, ids: Any, group: str | None = None, outline: Any = None) -> Shapes:
    """Return what the page draws for `cities`, in the order of `ids`; `outline` replaces the coast."""
    chosen = cities.loc[ids]
    chosen = chosen.set_geometry(areas_of(np.asarray(chosen.geometry.array)), crs=cities.crs)
    _check(chosen, ids)
    scene = Scene.of(chosen)
    shapes = scene.shapes
    notes = scene.notes("en"), scene.notes("zh")
    west, south, east, north = scene.extent
    side = max(east - west, north - south)
    if not side > 0:
        raise DataError("The units of the map all lie at one place: there is nothing to draw.")
    step = side / GRID

    def fit(xy: NDArray[np.float64]) -> Grid:
        return np.round(np.column_stack([xy[:, 0] - west, north - xy[:, 1]]) / step).astype(np.int64)

    def box(bounds: Any) -> tuple[int, int, int, int]:
        (x0, y1), (x1, y0) = fit(np.array([bounds[:2], bounds[2:]])).tolist()
        return x0, y0, x1, y1

    frames = tuple(Frame(box(i.box), i.part.name, i.part.closed) for i in scene.insets)
    size = int(np.ceil((east - west) / step)), int(np.ceil((north - south) / step))
    none = Rings(np.zeros(len(ids), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    empty = Lines(none.sizes, none.xy)
    if (shapely.get_dimensions(shapes) == 0).all():
        return Shapes(size, fit(scene.centers), none, (empty,) * 3, frames, notes, none)
    simple = simplified(shapes)
    points = fit(shapely.get_coordinates(shapely.point_on_surface(_main(simple))))
    lines = list(border_lines(simple, group_codes(chosen, group)))
    above = checked_layer(outline, cities.crs, "outline")
    if above is not None:
        lines[2] = boundary_lines(shapely.simplify(scene.layer(above), side / 4000))
    borders = tuple(_lines(kind, fit) for kind in lines)
    coarse = simplified(shapes, budget=max(3_000, 6 * len(ids)))
    return Shapes(size, points, _rings(simple, fit), borders, frames, notes, _rings(coarse, fit, 5))


def _check(cities: Any, ids: Any) -> None:
    shapes = np.asarray(cities.geometry.values)
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if absent.any():
        raise DataError(f"Each unit of a map needs a geometry; missing or empty at {name_ids(ids[absent])}.")
    kinds = shapely.get_type_id(shapes)
    if not (kinds == 0).all() and not np.isin(kinds, (3, 6)).all():
        odd = ~np.isin(kinds, (3, 6))
        names = sorted(set(cities.geometry.geom_type[odd]))
        raise DataError(
            f"A report draws polygons, or points only; got {', '.join(names)} at {name_ids(ids[odd])}."
        )
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        wrong = [not np.isfinite(shapely.get_coordinates(shape)).all() for shape in shapes]
        raise DataError(
            f"Coordinates of the map must be finite; they are not at {name_ids(ids[wrong])}. "
            "Check the coordinate system: degrees must lie within 180 and 90."
        )


def _main(shapes: NDArray[Any]) -> NDArray[Any]:
    """Return the largest part of each unit: its label, hover and selection are there."""
    parts, unit = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((-shapely.area(parts), unit))
    first = np.unique(unit[order], return_index=True)[1]
    return np.asarray(parts[order[first]])


def simplified(shapes: NDArray[Any], *, budget: int | None = None) -> NDArray[Any]:
    """Simplify as a coverage until all vertices fit the budget: borders are shared before and after."""
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


def _rings(shapes: NDArray[Any], fit: Any, coarser: int = 1) -> Rings:
    """Return rings without repeated vertices; specks go where their unit has a larger ring."""
    parts, unit = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    owner = unit[part]
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    xy = fit(coordinates) // coarser
    # The last vertex of a ring is its first; others that fall on their predecessor say nothing.
    last = np.append(ring[1:] != ring[:-1], True)
    same = np.append(False, (xy[1:] == xy[:-1]).all(axis=1) & (ring[1:] == ring[:-1]))
    xy, ring = xy[~last & ~same], ring[~last & ~same]
    sizes = np.bincount(ring, minlength=len(rings))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    # Twice the area, by the shoelace rule with the next vertex of the same ring.
    after = np.arange(1, len(xy) + 1)
    after[starts[1:][sizes > 0] - 1] = starts[:-1][sizes > 0]
    cross = xy[:, 0] * xy[after, 1] - xy[after, 0] * xy[:, 1]
    area = np.abs(np.bincount(ring, weights=cross, minlength=len(rings))) / 2
    drawn = (sizes >= 3) & (area >= (_SPECK if coarser == 1 else 1))
    # The largest ring of each unit stays, whatever its size: no unit disappears.
    order = np.lexsort((-area, owner))
    drawn[order[np.unique(owner[order], return_index=True)[1]]] = True
    keep = drawn[ring]
    xy, sizes = xy[keep], sizes[drawn]
    return Rings(np.bincount(owner[drawn], minlength=len(shapes)), sizes, xy)


def _lines(lines: list[NDArray[np.float64]], fit: Any) -> Lines:
    if not lines:
        return Lines(np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    sizes = np.array([len(line) for line in lines])
    xy, line = fit(np.concatenate(lines)), np.repeat(np.arange(len(lines)), sizes)
    same = np.append(False, (xy[1:] == xy[:-1]).all(axis=1) & (line[1:] == line[:-1]))
    return Lines(np.bincount(line[~same], minlength=len(lines)), xy[~same])
