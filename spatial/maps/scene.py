"""What a map shows, in the coordinates of the paper: all of it projected, far parts moved into frames."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import DataError

from .insets import Part, far_parts, find_room
from .projection import Bounds, Projection, geographic_bounds, moved, projection_of
from .shapes import check_extent

__all__ = ["Inset", "Scene", "parts_apart"]

Float = NDArray[np.float64]

_FRAME = 0.36  # of the map's height, for the frame of an inset
_SMALLEST, _LARGEST = 0.35, 0.60  # scale of such a frame against the map
_FAR = 0.20  # of the map's height, for a part whose scale is its own
_MANY = 20_000  # coordinates above which a map is simplified
_PIXELS = 4252.0  # half pixels of a page 180 mm wide at 300 dpi


@dataclass(frozen=True)
class Inset:
    """One frame: what lies in `window` of `source`, moved by `origin`, `scale` and `shift` onto the paper."""

    part: Part
    projection: Projection
    window: Bounds
    scale: float
    shift: tuple[float, float]

    @property
    def box(self) -> Bounds:
        """The frame on the paper."""
        west, south, east, north = self.window
        x, y = self.shift
        return x, y, x + (east - west) * self.scale, y + (north - south) * self.scale

    def place(self, drawn: NDArray[Any]) -> NDArray[Any]:
        """Return shapes in the inset's projection cut to its window and moved to the paper."""
        west, south, east, north = self.window
        dimension = shapely.get_dimensions(drawn)
        cut = (
            _within(drawn, self.window)
            if (dimension == 0).all()
            else shapely.clip_by_rect(shapely.make_valid(drawn), west, south, east, north)
        )
        return np.asarray(
            shapely.transform(cut, lambda xy: (xy - [west, south]) * self.scale + np.asarray(self.shift))
        )


@dataclass(frozen=True)
class Scene:
    """Shapes as they are drawn.

    Attributes
    ----------
    source : CRS or None
        Of the cities.
    projection : Projection
        Of the main map.
    shapes : array of geometries
        One for each unit, in the order of the cities; a unit seen twice has both shapes in one.
    main : array of geometries
        Without what is in frames; None where a unit is in a frame only.
    extent : bounds
        Of all that is drawn.
    insets : tuple of Inset
    home : array of int
        The inset that holds a unit alone, or -1.
    """

    source: Any
    projection: Projection
    shapes: NDArray[Any]
    main: NDArray[Any]
    extent: Bounds
    insets: tuple[Inset, ...] = ()
    home: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    @classmethod
    def of(
        cls,
        cities: Any,
        *,
        crs: Any = None,
        extent: Any = None,
        inset: Any = "auto",
        layers: tuple[Any, ...] = (),
    ) -> Scene:
        """Project the cities, and move far parts into frames.

        Parameters
        ----------
        cities : GeoDataFrame
        crs : CRS, optional
        extent, inset : bounds, optional
            In the coordinates of the cities; inset may be "auto" or None too.
        layers : GeoDataFrames
            A background stretches the map.
        """
        shapes, source = np.asarray(cities.geometry.array), cities.crs
        parts = parts_apart(shapes, source, inset)
        apart = np.any([part.units for part in parts], axis=0) if parts else np.zeros(len(shapes), dtype=bool)
        projection = projection_of(shapes[~apart], source, crs)
        main = np.asarray(projection.shapes(shapes[~apart], source))
        main = _simplified(main)
        box = _total(main)
        for layer in layers:
            box = _union(box, _total(projection.shapes(layer.geometry.array, layer.crs)))
        if extent is not None:
            given = shapely.box(*check_extent(extent, "extent"))
            box = _total(projection.shapes(np.array([given]), source))
        every = np.full(len(shapes), None, dtype=object)
        every[~apart] = main
        scene = cls(
            source, projection, every.copy(), every, box, home=np.full(len(shapes), -1, dtype=np.intp)
        )
        for part in parts:
            scene = scene._with(part, shapes, extent is None)
        return scene

    def _with(self, part: Part, shapes: NDArray[Any], grows: bool) -> Scene:
        """Return the scene with one more frame."""
        from pyproj import CRS

        projection = self.projection if part.crs is None else Projection(CRS(part.crs))
        if self.source is not None and not part.crs and part.window is None:
            projection = projection_of(shapes[part.units], self.source, None)
        whole = projection.shapes(shapes, self.source)
        window = part.window or part.framed
        if window is not None and self.source is not None:
            edge = shapely.segmentize(shapely.box(*window), 0.5)
            source = 4326 if projection.crs is not None else None
            window = _total(
                np.array([edge]) if source is None else moved(np.array([edge]), source, projection.crs)
            )
        box = _total(whole[part.units]) if window is None else window
        if part.window is None and part.framed is None:
            margin = 0.05 * max(box[2] - box[0], box[3] - box[1], 1e-9)
            box = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
        scale = self._scale(part, box)
        size = (box[2] - box[0]) * scale, (box[3] - box[1]) * scale
        drawn = self.shapes[[shape is not None for shape in self.shapes]]
        land = shapely.get_parts(drawn)
        x, y = find_room(land, [inset.box for inset in self.insets], size, part.corner, self.extent)
        inset = Inset(part, projection, box, scale, (x, y))
        placed = inset.place(whole if part.window is not None else whole[part.units])
        rows = np.arange(len(shapes)) if part.window is not None else np.flatnonzero(part.units)
        together, home = self.shapes.copy(), self.home.copy()
        for row, shape in zip(rows, placed, strict=True):
            if shape is not None and not shape.is_empty:
                together[row] = shape if together[row] is None else _both(together[row], shape)
        home[part.units] = len(self.insets)
        extent = _union(self.extent, inset.box) if grows else self.extent
        return replace(self, shapes=together, extent=extent, insets=(*self.insets, inset), home=home)

    def _scale(self, part: Part, box: Bounds) -> float:
        high = self.extent[3] - self.extent[1]
        wide = self.extent[2] - self.extent[0]
        if part.scale is not None:
            return part.scale
        fitting = min(_FRAME * high / (box[3] - box[1]), 0.3 * wide / (box[2] - box[0]))
        if part.window is not None:
            return float(np.clip(fitting, _SMALLEST, _LARGEST))
        return min(_FAR * high / (box[3] - box[1]), _FAR * wide / (box[2] - box[0]))

    # ---- what else is drawn
    def layer(self, layer: Any) -> NDArray[Any]:
        """Return the shapes of a layer as they are drawn, in the map and in its frames."""
        given = np.asarray(layer.geometry.array)
        drawn = self.projection.shapes(given, layer.crs)
        window = shapely.box(*_total(self.main[[shape is not None for shape in self.main]]))
        if self.insets:
            drawn = drawn[shapely.intersects(drawn, window)]
        pieces = [drawn]
        for inset in self.insets:
            placed = inset.place(inset.projection.shapes(given, layer.crs))
            pieces.append(placed[~shapely.is_empty(placed)])
        return np.concatenate(pieces)

    def points(self, points: NDArray[Any], source: Any) -> Float:
        """Return where points, one for each unit, lie on the paper."""
        xy = shapely.get_coordinates(self.projection.shapes(points, source))
        for number, inset in enumerate(self.insets):
            rows = self.home == number
            there = shapely.get_coordinates(inset.projection.shapes(points[rows], source))
            xy[rows] = (there - inset.window[:2]) * inset.scale + np.asarray(inset.shift)
        return np.asarray(xy)

    @property
    def centers(self) -> Float:
        """A point within the main shape of each unit, or within that in a frame."""
        spots = [shape if main is None else main for main, shape in zip(self.main, self.shapes, strict=True)]
        return np.asarray(shapely.get_coordinates(shapely.point_on_surface(spots)))

    def notes(self, lang: str) -> list[str]:
        """Return what the note must say of projection and frames."""
        words = [self.projection.name(lang)] if self.projection.name(lang) else []
        chinese = lang == "zh"
        named = [inset for inset in self.insets if inset.part.name[0]]
        for inset in named:
            name = inset.part.name[chinese]
            share = f"{inset.scale:.0%}"
            if inset.part.crs is None:
                words.append(f"{name}比例为主图的 {share}" if chinese else f"{name} at {share} of the scale")
            elif inset.scale == 1:
                words.append(f"{name}为主图比例，已移位" if chinese else f"{name} at full scale, moved")
            else:
                words.append(
                    f"{name}为主图比例的 {share}，已移位"
                    if chinese
                    else f"{name} at {share} of the scale, moved"
                )
        far = sum(int(inset.part.units.sum()) for inset in self.insets if not inset.part.name[0])
        if far:
            words.append(
                f"{far} 个远处单元另框绘出，比例不同"
                if chinese
                else f"{far} far units are drawn in frames, not to scale"
            )
        return words


def _within(points: NDArray[Any], window: Bounds) -> NDArray[Any]:
    kept = points.copy()
    kept[~shapely.intersects(points, shapely.box(*window))] = None
    return kept


def parts_apart(shapes: NDArray[Any], source: Any, inset: Any = "auto") -> list[Part]:
    """Return what a map draws in frames of their own."""
    if inset is None or inset is False:
        return []
    if isinstance(inset, str):
        if inset != "auto":
            raise DataError(f"inset must be 'auto', None, or (west, south, east, north); got {inset!r}.")
        if source is None:
            return []
        geographic = shapes if source.is_geographic else moved(shapes, source, 4326)
        return far_parts(geographic)
    west, south, east, north = window = check_extent(inset, "inset")
    bounds = shapely.bounds(shapes)
    units = (
        (bounds[:, 0] >= west) & (bounds[:, 2] <= east) & (bounds[:, 1] >= south) & (bounds[:, 3] <= north)
    )
    if units.all():
        raise DataError(
            f"The inset {window} holds all units: nothing would be left for the map. Make it smaller."
        )
    if source is not None and not source.is_geographic:
        window = geographic_bounds(np.array([shapely.box(*window)]), source)
    return [Part(("Inset", "附图"), units, window, corner="lower right", closed=True)]


def _both(one: Any, two: Any) -> Any:
    kinds = [*shapely.get_parts(one), *shapely.get_parts(two)]
    if one.geom_type == "Point":
        return shapely.MultiPoint(kinds)
    return shapely.MultiPolygon([part for part in kinds if part.geom_type == "Polygon"])


def _total(shapes: Any) -> Bounds:
    west, south, east, north = shapely.total_bounds(np.asarray(shapes))
    return float(west), float(south), float(east), float(north)


def _union(one: Bounds, two: Bounds) -> Bounds:
    return min(one[0], two[0]), min(one[1], two[1]), max(one[2], two[2]), max(one[3], two[3])


def _simplified(shapes: NDArray[Any]) -> NDArray[Any]:
    """Leave out what no printer shows, with borders still shared."""
    if shapely.get_num_coordinates(shapes).sum() < _MANY or not (shapely.get_dimensions(shapes) == 2).all():
        return shapes
    if not shapely.coverage_is_valid(shapes):
        return shapes
    west, _, east, _ = shapely.total_bounds(shapes)
    simpler = np.asarray(shapely.coverage_simplify(shapes, (east - west) / _PIXELS))
    return np.where(shapely.is_empty(simpler), shapes, simpler)
