"""What a map carries besides its units: scale bar, north arrow, note."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spatial.errors import DataError
from spatial.figures.palette import color
from spatial.figures.words import word
from spatial.places.crs import transformer_of

if TYPE_CHECKING:
    from .corners import Corners
    from .scene import Scene

__all__ = ["add_north_arrow", "add_scale_bar", "bar_length", "north_angle", "scale_is_even"]


_EARTH_KM = 6371.0088  # mean radius, as for the weights
_EVEN = 1.05  # a scale that varies by more over the map needs no bar


def bar_length(km: float, x: float, y: float, crs: Any) -> float:
    """Return how many units of x span `km` on the ground, from west to east through (x, y).

    On longitude and latitude this is the great circle at latitude y; on a projection, the ground distance
    of a short step, so that Web Mercator's stretching is undone.

    Examples
    --------
    >>> from pyproj import CRS
    >>> [round(bar_length(111.195, 0.0, latitude, CRS(4326)), 3) for latitude in (0.0, 60.0)]
    [1.0, 2.0]
    """
    if crs is None:
        raise DataError("A scale bar needs the cities' CRS, and they have none: name it with set_crs.")
    if crs.is_geographic:
        share = math.sin(km / (2 * _EARTH_KM)) / max(math.cos(math.radians(y)), 1e-9)
        if share >= 1.0:
            raise DataError(f"A scale bar of {km:g} km does not fit round the Earth at latitude {y:g}.")
        return math.degrees(2 * math.asin(share))
    from spatial.places.sphere import great_circle_km

    step = 1000.0 / _unit_metres(crs)
    (lon1, lon2), (lat1, lat2) = _lon_lat(crs, [x - step / 2, x + step / 2], [y, y])
    return km * step / float(great_circle_km(lon1, lat1, lon2, lat2))


def _unit_metres(crs: Any) -> float:
    return float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0


def _lon_lat(crs: Any, x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    lon, lat = transformer_of(crs, 4326).transform(x, y)
    return list(lon), list(lat)


def north_angle(x: float, y: float, crs: Any) -> float:
    """Return the direction of north at (x, y), in degrees counter-clockwise from up."""
    if crs is None or crs.is_geographic:
        return 0.0
    (lon,), (lat,) = _lon_lat(crs, [x], [y])
    x2, y2 = transformer_of(4326, crs).transform(lon, min(lat + 0.01, 90.0))
    return math.degrees(math.atan2(-(x2 - x), y2 - y))


def _nice(km: float) -> float:
    power = 10.0 ** math.floor(math.log10(km))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= km * (1 + 1e-9))


def add_scale_bar(corners: Corners, crs: Any, lang: str) -> float:
    """Add a scale bar of 1, 2 or 5 times a power of ten km, about a fifth of the map wide; return its km."""
    ax = corners.ax
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    km = _nice(0.2 * (x1 - x0) / bar_length(1.0, x, y, crs))
    pixels = bar_length(km, x, y, crs) / (x1 - x0) * ax.get_window_extent().width
    label = f"{km:g} {word('km', lang)}"
    width, height = max(pixels, 30 * corners.points), 14 * corners.points
    box, _ = corners.best(width, height, ("lower right", "lower left", "upper right", "upper left"))
    corners.take(box)
    left = box[0] + (box[2] - box[0] - pixels) / 2
    to_data = ax.transData.inverted().transform
    start = to_data((left, box[1] + 3 * corners.points))
    length = bar_length(km, x, y, crs)
    ax.plot(
        start[0] + length * np.array([0.0, 1.0]),
        [start[1]] * 2,
        color=color("ink-2"),
        linewidth=1.0,
        solid_capstyle="butt",
        zorder=7,
        scalex=False,
        scaley=False,
        gid="scale-bar",
    )
    ax.annotate(
        label,
        (start[0] + length / 2, start[1]),
        (0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=6.5,
        color=color("ink-2"),
        zorder=7,
    )
    return km


def scale_is_even(scene: Scene) -> bool:
    """Return whether a bar holds all over the map: lengths vary by less than a twentieth, and no frames."""
    if scene.projection.crs is None or scene.insets:
        return False
    if scene.projection.crs.is_geographic:
        south, north = (math.cos(math.radians(max(-89.0, min(89.0, y)))) for y in scene.extent[1::2])
        return max(south, north) <= _EVEN * min(south, north)
    from pyproj import Proj
    from pyproj.exceptions import ProjError

    west, south, east, north = scene.extent
    x, y = np.meshgrid(np.linspace(west, east, 3), np.linspace(south, north, 3))
    try:
        projection = Proj(scene.projection.crs)
        lon, lat = projection(x.ravel(), y.ravel(), inverse=True)
        factors = projection.get_factors(lon, lat)
    except ProjError:  # not for every projection
        return False
    scales = np.concatenate([factors.meridional_scale, factors.parallel_scale])
    return bool(np.isfinite(scales).all() and scales.max() <= _EVEN * scales.min())


def add_north_arrow(corners: Corners, crs: Any, lang: str) -> float:
    """Add an arrow towards north where it stands; return its angle."""
    ax = corners.ax
    size = np.array([16.0, 34.0]) * corners.points
    box, _ = corners.best(size[0], size[1], ("upper right", "upper left", "lower right", "lower left"))
    corners.take(box)
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    x, y = ax.transData.inverted().transform(middle)
    angle = north_angle(x, y, crs)
    reach = 12 * np.array([-math.sin(math.radians(angle)), math.cos(math.radians(angle))])
    to_axes = ax.transAxes.inverted().transform
    ends = [to_axes(middle + share * reach * corners.points) for share in (0.35, -1.2)]
    head, tail = ((float(end[0]), float(end[1])) for end in ends)
    arrow = {
        "arrowstyle": "-|>,head_width=0.32,head_length=0.75",
        "color": color("ink-2"),
        "linewidth": 1.2,
        "shrinkA": 0,
    }
    ax.annotate(
        "", head, tail, "axes fraction", "axes fraction", arrowprops={**arrow, "shrinkB": 0}, zorder=7
    )
    ax.annotate(
        word("north", lang),
        head,
        (float(reach[0]) * 0.12, float(reach[1]) * 0.12),
        "axes fraction",
        "offset points",
        ha="center",
        va="bottom" if abs(angle) < 90 else "top",
        fontsize=7.5,
        color=color("ink-2"),
        zorder=7,
    )
    return angle
