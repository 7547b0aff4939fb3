"""Draw units on axes: one shape and one colour for each id, every border once, gaps hatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.figures.palette import color

from .borders import border_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.path import Path as Outline

__all__ = [
    "DOTS",
    "HATCH",
    "Extent",
    "Sketch",
    "aspect_ratio",
    "boundary_lines",
    "check_cities",
    "check_extent",
    "draw_lines",
    "points_a_unit",
    "set_extent",
]

Float = NDArray[np.float64]
Extent = tuple[float, float, float, float]

HATCH = "//////"  # one direction, 3 points apart
DOTS = "......"  # Low-Low where colours are not printed
_TINY = 1.2  # points: smaller units are drawn as a square
_SQUARE = 2.2


def check_cities(cities: Any, crs: Any = None) -> Any:
    """Return the GeoDataFrame, in `crs` where one is given; refuse what cannot be drawn, by id."""
    from spatial.ids.alignment import check_ids
    from spatial.places.centroids import areas_of

    if not hasattr(cities, "geometry") or not hasattr(cities, "crs"):
        raise DataError(
            f"cities must be a GeoDataFrame indexed by id; got {type(cities).__name__}. See read_cities."
        )
    check_ids(cities.index, "cities")
    if len(cities) == 0:
        raise DataError("cities has no rows: there is nothing to draw.")
    shapes = cities.geometry
    bad = shapes.isna() | shapes.is_empty
    if bad.any():
        raise DataError(
            f"Each unit needs a shape to be drawn; these have none: {name_ids(cities.index[bad])}."
        )
    kinds = shapely.get_type_id(shapes.to_numpy())
    if (kinds == shapely.GeometryType.GEOMETRYCOLLECTION).any():
        cities = cities.set_geometry(areas_of(shapes.to_numpy()), crs=cities.crs)
        kinds = shapely.get_type_id(cities.geometry.to_numpy())
    polygons = (kinds == shapely.GeometryType.POLYGON) | (kinds == shapely.GeometryType.MULTIPOLYGON)
    points = kinds == shapely.GeometryType.POINT
    if not (polygons.all() or points.all()):
        names = cities.geometry.geom_type
        raise DataError(
            f"A map draws polygons, or points, one for each unit; got {', '.join(sorted(names.unique()))} "
            f"(first other: {name_ids(cities.index[names != names.iloc[0]], 3)})."
        )
    if crs is None:
        return cities
    if cities.crs is None:
        raise DataError("cities has no CRS, so it cannot be put into another: name it with set_crs first.")
    return cities.to_crs(crs)


def check_extent(extent: Any, what: str) -> Extent:
    """Return (west, south, east, north) as floats, or refuse."""
    try:
        west, south, east, north = (float(side) for side in extent)
    except (TypeError, ValueError):
        raise DataError(f"{what} must be four numbers (west, south, east, north); got {extent!r}.") from None
    if not (west < east and south < north):
        raise DataError(f"{what} must have west < east and south < north; got {(west, south, east, north)}.")
    return west, south, east, north


class Sketch:
    """The paths and borders of one map, made once for all its panels.

    Parameters
    ----------
    shapes : array of polygons or points, one for each unit
    groups : array of int, optional
        Provinces, states: borders between them are grey.
    coast : bool
        Draw the outline of the land; not where a layer of the caller's has it.
    """

    def __init__(
        self, shapes: NDArray[Any], groups: NDArray[Any] | None = None, *, coast: bool = True
    ) -> None:
        self.shapes = shapes
        self.points = bool((shapely.get_dimensions(shapes) == 0).all())
        self.paths = [] if self.points else [outline(shape) for shape in shapes]
        self.lines = ([], [], []) if self.points else border_lines(shapes, groups)
        if not coast:
            self.lines = (*self.lines[:2], [])
        self.bounds = shapely.bounds(shapes)

    def paint(
        self,
        ax: Axes,
        colors: Sequence[str],
        missing: NDArray[np.bool_],
        *,
        edge: str | None = None,
        dotted: NDArray[np.bool_] | None = None,
    ) -> Collection:
        """Fill the units, hatch those that are missing, and draw each border once.

        `ax` has its final limits and place: lines are as wide as the size of a unit on paper allows.

        Returns
        -------
        Collection
            With as many face colours as units, in their order.
        """
        from matplotlib.collections import PathCollection

        if self.points:
            return self._paint_points(ax, colors, missing)
        faces = PathCollection(
            self.paths, facecolors=list(colors), edgecolors=list(colors), linewidths=0.15, zorder=2
        )
        faces.set_gid("units")
        faces.set_transform(ax.transData)
        ax.add_collection(faces, autolim=False)
        self._hatch(ax, missing, HATCH, color("hatch"), "missing")
        if dotted is not None:
            self._hatch(ax, dotted, DOTS, color("paper"), "dotted")
        size = points_a_unit(ax)
        self._borders(ax, size, edge)
        self._squares(ax, colors, missing, size)
        return faces

    def _paint_points(self, ax: Axes, colors: Sequence[str], missing: NDArray[np.bool_]) -> Collection:
        xy = shapely.get_coordinates(self.shapes)
        dots = ax.scatter(
            xy[:, 0],
            xy[:, 1],
            s=16,
            c=list(colors),
            edgecolors=color("coast"),
            linewidths=0.3,
            zorder=2,
            gid="units",
        )
        if missing.any():
            ax.scatter(
                xy[missing, 0],
                xy[missing, 1],
                s=16,
                facecolors="none",
                edgecolors=color("hatch"),
                linewidths=0.45,
                hatch=HATCH,
                zorder=2.1,
                gid="missing",
            )
        return dots

    def _hatch(self, ax: Axes, chosen: NDArray[np.bool_], hatch: str, ink: str, gid: str) -> None:
        from matplotlib.collections import PathCollection

        if not chosen.any():
            return
        some = [path for path, own in zip(self.paths, chosen, strict=True) if own]
        over = PathCollection(
            some, facecolors="none", edgecolors=ink, linewidths=0.0, hatch=hatch, zorder=2.1, gid=gid
        )
        over.set_transform(ax.transData)
        ax.add_collection(over, autolim=False)

    def _borders(self, ax: Axes, scale: float, edge: str | None) -> None:
        from matplotlib.collections import LineCollection

        (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
        size = scale * np.sqrt((x1 - x0) * (y1 - y0) / max(len(self.shapes), 1))
        width = float(np.clip(size / 40, 0.12, 0.5))
        kinds = (
            ("within", edge or color("edge"), width),
            ("between", color("group"), max(0.3, width)),
            ("coast", color("coast"), max(0.35, width)),
        )
        for number, (lines, (name, ink, wide)) in enumerate(zip(self.lines, kinds, strict=True)):
            if lines:
                drawn = LineCollection(
                    list(lines), colors=ink, linewidths=wide, zorder=2.2 + number / 10, gid=f"borders-{name}"
                )
                drawn.set_capstyle("round")
                drawn.set_joinstyle("round")
                ax.add_collection(drawn, autolim=False)

    def _squares(self, ax: Axes, colors: Sequence[str], missing: NDArray[np.bool_], scale: float) -> None:
        """Draw units too small to be seen as squares."""
        size = np.maximum(self.bounds[:, 2] - self.bounds[:, 0], self.bounds[:, 3] - self.bounds[:, 1])
        tiny = np.flatnonzero((size * scale < _TINY) & ~missing).tolist()
        if not len(tiny):
            return
        xy = np.column_stack(
            [self.bounds[tiny][:, [0, 2]].mean(axis=1), self.bounds[tiny][:, [1, 3]].mean(axis=1)]
        )
        ax.scatter(
            xy[:, 0],
            xy[:, 1],
            s=_SQUARE**2,
            marker="s",
            c=[colors[k] for k in tiny],
            edgecolors=color("edge"),
            linewidths=0.25,
            zorder=2.6,
            gid="tiny-units",
        )


def points_a_unit(ax: Axes) -> float:
    """Return how many points one unit of x is wide."""
    from spatial.figures.style.figure import root_figure

    figure = root_figure(ax)
    x0, x1 = ax.get_xlim()
    return float(ax.get_window_extent().width / figure.dpi * 72 / (x1 - x0))


def draw_lines(
    ax: Axes, shapes: NDArray[Any], *, ink: str | None = None, linewidth: float = 0.6, zorder: float = 3.0
) -> None:
    """Add the boundaries of another layer, such as provinces."""
    from matplotlib.collections import LineCollection

    ax.add_collection(
        LineCollection(
            boundary_lines(shapes),
            colors=ink or color("coast"),
            linewidths=linewidth,
            zorder=zorder,
            gid="outline",
        ),
        autolim=False,
    )


def boundary_lines(shapes: NDArray[Any]) -> list[Float]:
    """Return the coordinates of lines, and of the boundaries of polygons."""
    polygonal = shapely.get_dimensions(shapes) == 2
    lines = np.where(polygonal, shapely.boundary(shapes), shapes)
    parts = shapely.get_parts(shapely.get_parts(lines))
    return [shapely.get_coordinates(part) for part in parts if shapely.get_dimensions(part) == 1]


def outline(shape: Any) -> Outline:
    """Return one compound path with the rings of a Polygon or MultiPolygon."""
    from matplotlib.path import Path as Outline

    # In normal form holes run against their shell; otherwise they would be filled.
    rings = shapely.get_rings(shapely.get_parts(shapely.normalize(shape)))
    return Outline.make_compound_path(
        *(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings)
    )


def set_extent(ax: Axes, extent: Extent, crs: Any) -> None:
    """Set limits and proportions: on longitude and latitude a degree east is cos(latitude) of one north."""
    west, south, east, north = extent
    margin = 0.01 * max(east - west, north - south) or 1.0
    ax.set_xlim(west - margin, east + margin)
    ax.set_ylim(south - margin, north + margin)
    ax.set_aspect(aspect_ratio(extent, crs))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_axis_off()


def aspect_ratio(extent: Extent, crs: Any) -> float:
    """Return the height of one unit of y over the width of one of x."""
    if crs is None or not crs.is_geographic:
        return 1.0
    middle = np.clip((extent[1] + extent[3]) / 2, -85.0, 85.0)
    return float(1.0 / np.cos(np.radians(middle)))
