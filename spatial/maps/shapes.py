"""Draw units on axes: one shape and one colour for each id, in the right proportions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.path import Path as Outline

__all__ = ["Extent", "check_cities", "check_extent", "draw_lines", "draw_units", "figure_size", "set_extent"]

Float = NDArray[np.float64]
Extent = tuple[float, float, float, float]

_EDGE = "#ffffff"
_PALE_EDGE = "#a8a8a8"
_HATCH_EDGE = "#6e6e6e"


def check_cities(cities: Any, crs: Any = None) -> Any:
    """Return the GeoDataFrame, in `crs` where one is given; refuse what cannot be drawn, by id."""
    from spatial.ids.alignment import check_ids

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
    kinds = shapes.geom_type
    drawable = kinds.isin(["Polygon", "MultiPolygon"]) | kinds.isin(["Point"])
    if not drawable.all() or kinds.str.endswith("Polygon").nunique() > 1:
        raise DataError(
            f"A map draws polygons, or points, one for each unit; got {', '.join(sorted(kinds.unique()))} "
            f"(first other: {name_ids(cities.index[kinds != kinds.iloc[0]], 3)})."
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


def draw_units(
    ax: Axes,
    cities: Any,
    colors: Sequence[str],
    *,
    hatches: Sequence[str | None] | None = None,
    edge: str | None = None,
    linewidth: float = 0.35,
    zorder: float = 2.0,
) -> Collection:
    """Add one collection whose k-th face is the k-th unit; hatched units get their hatch on top.

    Returns
    -------
    Collection
        With as many face colours as units, in the order of `cities`.
    """
    from matplotlib.collections import PathCollection

    shapes = cities.geometry.array
    if cities.geom_type.iloc[0] == "Point":
        xy = shapely.get_coordinates(shapes)
        return ax.scatter(
            xy[:, 0], xy[:, 1], s=14, c=list(colors), edgecolors="#404040", linewidths=0.3, zorder=zorder
        )
    paths = [outline(shape) for shape in shapes]
    # White between colours; grey round white units, which would run together.
    edges = [edge or (_PALE_EDGE if color.lower() == "#ffffff" else _EDGE) for color in colors]
    faces = PathCollection(
        paths, facecolors=list(colors), edgecolors=edges, linewidths=linewidth, zorder=zorder
    )
    faces.set_transform(ax.transData)
    ax.add_collection(faces, autolim=False)
    for hatch in dict.fromkeys(h for h in hatches or () if h):
        some = [path for path, own in zip(paths, hatches or (), strict=True) if own == hatch]
        over = PathCollection(
            some, facecolors="none", edgecolors=_HATCH_EDGE, linewidths=0.0, hatch=hatch, zorder=zorder + 0.1
        )
        over.set_transform(ax.transData)
        ax.add_collection(over, autolim=False)
    return faces


def draw_lines(
    ax: Axes, layer: Any, *, color: str = "#606060", linewidth: float = 0.6, zorder: float = 3.0
) -> None:
    """Add the boundaries of another layer, such as provinces."""
    from matplotlib.collections import LineCollection

    shapes = np.asarray(layer.geometry.array)
    polygonal = shapely.get_dimensions(shapes) == 2
    shapes = np.where(polygonal, shapely.boundary(shapes), shapes)
    parts = shapely.get_parts(shapely.get_parts(shapes))
    lines = [shapely.get_coordinates(part) for part in parts if shapely.get_dimensions(part) == 1]
    ax.add_collection(LineCollection(lines, colors=color, linewidths=linewidth, zorder=zorder), autolim=False)


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
    margin = 0.02 * max(east - west, north - south) or 1.0
    ax.set_xlim(west - margin, east + margin)
    ax.set_ylim(south - margin, north + margin)
    ax.set_aspect(aspect_ratio(extent, crs))
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def aspect_ratio(extent: Extent, crs: Any) -> float:
    """Return the height of one unit of y over the width of one of x."""
    if crs is None or not crs.is_geographic:
        return 1.0
    middle = np.clip((extent[1] + extent[3]) / 2, -85.0, 85.0)
    return float(1.0 / np.cos(np.radians(middle)))


def figure_size(extent: Extent, crs: Any, *, width: float = 6.4, extra: float = 0.55) -> tuple[float, float]:
    """Return the size in inches that the map fills, with `extra` height for title and note."""
    west, south, east, north = extent
    wide, high = max(east - west, 1e-9), max((north - south) * aspect_ratio(extent, crs), 1e-9)
    height = width * high / wide
    if height > 7.5:
        width, height = max(7.5 * wide / high, 3.2), 7.5
    return width, max(height, 1.6) + extra


def total_extent(layers: Sequence[Any], inset: Extent | None = None) -> Extent:
    """Return the bounds of all layers; units that lie wholly in the inset do not stretch the map."""
    bounds = pd.concat([layer.geometry.bounds for layer in layers if layer is not None])
    if inset is not None:
        west, south, east, north = inset
        inside = (
            (bounds["minx"] >= west)
            & (bounds["maxx"] <= east)
            & (bounds["miny"] >= south)
            & (bounds["maxy"] <= north)
        )
        if inside.all():
            raise DataError(
                f"The inset {inset} holds all units: nothing would be left for the map. Make it smaller."
            )
        bounds = bounds[~inside]
    return (
        float(bounds["minx"].min()),
        float(bounds["miny"].min()),
        float(bounds["maxx"].max()),
        float(bounds["maxy"].max()),
    )
