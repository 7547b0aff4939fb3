"""What a map carries besides its units: scale bar, north arrow, note."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.figures.words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .corners import Corners

__all__ = ["add_north_arrow", "add_note", "add_scale_bar", "bar_length", "north_angle", "wrap"]

Float = NDArray[np.float64]

_EARTH_KM = 6371.0088  # mean radius, as for the weights
_INK = "#303030"


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
    from pyproj import Transformer

    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    return list(lon), list(lat)


def north_angle(x: float, y: float, crs: Any) -> float:
    """Return the direction of north at (x, y), in degrees counter-clockwise from up."""
    if crs is None or crs.is_geographic:
        return 0.0
    from pyproj import Transformer

    (lon,), (lat,) = _lon_lat(crs, [x], [y])
    x2, y2 = Transformer.from_crs(4326, crs, always_xy=True).transform(lon, min(lat + 0.01, 90.0))
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
    width, height = pixels + 30 * corners.points, 20 * corners.points
    box, _ = corners.best(width, height, ("lower right", "lower left", "upper right", "upper left"))
    corners.take(box)
    left = box[0] + (box[2] - box[0] - pixels) / 2
    to_data = ax.transData.inverted().transform
    start = to_data((left, box[1] + 6 * corners.points))
    length = bar_length(km, x, y, crs)
    for number in range(4):
        ax.plot(
            start[0] + length * np.array([number, number + 1]) / 4,
            [start[1]] * 2,
            color=_INK if number % 2 == 0 else "white",
            linewidth=3.2,
            solid_capstyle="butt",
            zorder=7.1,
            scalex=False,
            scaley=False,
        )
    ax.plot(
        start[0] + length * np.array([-0.006, 1.006]),
        [start[1]] * 2,
        color=_INK,
        linewidth=4.6,
        solid_capstyle="butt",
        zorder=7,
        scalex=False,
        scaley=False,
        gid="scale-bar",
    )
    for share, text in ((0.0, "0"), (1.0, label)):
        at = (start[0] + length * share, start[1])
        ax.annotate(
            text,
            at,
            (0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=_INK,
            zorder=7,
        )
    return km


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
        "color": _INK,
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
        fontsize=8.5,
        color=_INK,
        zorder=7,
    )
    return angle


def add_note(ax: Axes, text: str, width_points: float) -> None:
    """Write `text` below the map, wrapped to its width."""
    ax.annotate(
        wrap(text, width_points / 7.5),
        (0.0, 0.0),
        (2, -5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="left",
        va="top",
        fontsize=7.5,
        color="#606060",
        annotation_clip=False,
        parse_math=False,
        gid="note",
    )


def wrap(text: str, width: float) -> str:
    """Break `text` into lines of at most `width` em: Chinese between any two characters, Latin at spaces.

    Examples
    --------
    >>> wrap("cells, not boundaries", 6.0)
    'cells, not\\nboundaries'
    """
    lines, line, used = [], "", 0.0
    for token in _tokens(text):
        size = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.52 for c in token.rstrip())
        if line and used + size > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line += token
        used += size + (0.3 if token.endswith(" ") else 0.0)
    return "\n".join([*lines, line.rstrip()])


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for character in " ".join(text.split()):
        wide = unicodedata.east_asian_width(character) in "WF"
        # Closing punctuation never begins a line.
        glued = character in "，。、；：）》”" or (not wide and tokens and not tokens[-1].endswith(" "))
        if tokens and glued and not (not wide and unicodedata.east_asian_width(tokens[-1][-1]) in "WF"):
            tokens[-1] += character
        else:
            tokens.append(character)
    return tokens
