"""Far parts of a country in frames of their own: which there are, and where the map has room for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from .projection import Bounds

__all__ = ["SOUTH_CHINA_SEA", "Part", "far_parts", "find_room"]

Float = NDArray[np.float64]

SOUTH_CHINA_SEA: Bounds = (105.8, 2.6, 123.2, 24.2)
_CHINA: Bounds = (73.0, 2.6, 136.0, 54.5)
_STATES: Bounds = (-125.5, 24.0, -66.0, 50.0)
_FEW = 0.10  # of the units that a far part may hold
_UNITS = 4000  # units up to which far parts are looked for


@dataclass(frozen=True)
class Part:
    """A part of the map that is drawn apart.

    Attributes
    ----------
    name : (English, Chinese)
        Empty where the part has no name that we know.
    units : array of bool
        Those drawn in the frame and not in the map.
    window : bounds, optional
        In degrees: whatever lies within is drawn in the frame, also what the map shows; else the frame holds
        the units alone.
    crs : str, optional
        A projection of its own; default that of the map.
    scale : float, optional
        Against the map; default so that the frame has a third of the map's height, at 0.35 to 0.60.
    corner : str
    closed : bool
        A full frame, or an open corner.
    """

    name: tuple[str, str]
    units: NDArray[np.bool_]
    window: Bounds | None = None
    crs: str | None = None
    scale: float | None = None
    corner: str = "lower left"
    closed: bool = False
    framed: Bounds | None = None


def _albers(one: float, two: float, lat: float, lon: float) -> str:
    return f"+proj=aea +lat_1={one} +lat_2={two} +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m"


# Name, where its units lie, what the frame shows, projection, scale.
_AMERICAN: tuple[tuple[tuple[str, str], Bounds, Bounds | None, str, float], ...] = (
    (("Alaska", "阿拉斯加"), (170.0, 50.5, 231.5, 72.0), None, _albers(55, 65, 62, -152), 0.34),
    (
        ("Hawaii", "夏威夷"),
        (181.0, 18.0, 206.0, 29.0),
        (199.3, 18.5, 205.5, 22.6),
        _albers(19, 21.5, 20.5, -157),
        1.0,
    ),
    (("Puerto Rico", "波多黎各"), (292.0, 17.5, 295.0, 19.0), None, _albers(17.8, 18.6, 18.2, -66.5), 1.0),
)


def far_parts(lonlat: NDArray[Any]) -> list[Part]:
    """Return the parts that a map of these shapes, in degrees, draws apart: none for most maps."""
    bounds = shapely.bounds(lonlat)
    everywhere = _inside(bounds, _CHINA)
    if everywhere.all():
        south = _inside(bounds, SOUTH_CHINA_SEA) & (bounds[:, 1] < 18.0)  # beyond Hainan
        rest = bounds[~south]
        if south.any() and len(rest) and rest[:, 2].max() - rest[:, 0].min() > 30:
            name = ("South China Sea Islands", "南海诸岛")
            return [Part(name, south, SOUTH_CHINA_SEA, None, None, "lower right", True)]
    states = _inside(bounds, _STATES)
    if states.mean() > 0.5 and not states.all():
        found = []
        left = ~states
        turned = bounds + np.where(bounds[:, :1] < 0, 360.0, 0.0) * np.array([1, 0, 1, 0])
        # A unit on both sides of the antimeridian, as the Aleutians West.
        crossing = bounds[:, 2] - bounds[:, 0] > 180
        turned[crossing, 0], turned[crossing, 2] = 172.0, 200.0
        for name, home, window, crs, scale in _AMERICAN:
            units = left & _inside(turned, home)
            if units.any():
                found.append(Part(name, units, None, crs, scale, framed=window))
                left &= ~units
        if not left.any():
            return found
    return _lonely(lonlat)


def _inside(bounds: Float, box: Bounds) -> NDArray[np.bool_]:
    return np.asarray(
        (bounds[:, 0] >= box[0])
        & (bounds[:, 1] >= box[1])
        & (bounds[:, 2] <= box[2])
        & (bounds[:, 3] <= box[3])
    )


def _lonely(lonlat: NDArray[Any]) -> list[Part]:
    """Return groups of few units, farther from the rest than the rest is wide."""
    n = len(lonlat)
    if not 10 <= n <= _UNITS:
        return []
    from scipy.cluster.hierarchy import fcluster, linkage

    points = np.radians(shapely.get_coordinates(shapely.centroid(lonlat)))
    cos = np.cos(points[:, 1])
    sphere = np.column_stack([cos * np.cos(points[:, 0]), cos * np.sin(points[:, 0]), np.sin(points[:, 1])])
    joined = linkage(sphere, "single")
    gap = joined[:, 2]
    found: list[Part] = []
    # The widest gaps first: what they leave together must be narrower than they are.
    for height in gap[::-1][:12]:
        group = fcluster(joined, height * (1 - 1e-9), "distance")
        labels, counts = np.unique(group, return_counts=True)
        main = group == labels[counts.argmax()]
        if (~main).sum() >= _FEW * n:
            break
        box = sphere[main].max(axis=0) - sphere[main].min(axis=0)
        if np.linalg.norm(box) < height:
            others = [label for label in labels if label != labels[counts.argmax()]]
            found = [Part(("", ""), group == label, corner="lower right", closed=True) for label in others]
    return found


def find_room(
    land: NDArray[Any], taken: Sequence[Bounds], size: tuple[float, float], corner: str, extent: Bounds
) -> tuple[float, float]:
    """Return the lower left corner of a box of `size` that lies on no land and on nothing `taken`.

    Lower left: at the left edge, as high as it can be; lower right: at the lower edge, as far left as it can
    be.  Where the map has no room, it grows.
    """
    west, south, east, north = extent
    wide, high = east - west, north - south
    gap = 0.015 * max(wide, high)
    tree = shapely.STRtree(land)
    steps = np.linspace(0, 1.2, 61)
    places = (
        [(west + 0.4 * wide + step * wide, south) for step in steps]
        if corner == "lower right"
        else [
            (west + across * wide, south + 0.4 * high - step * high)
            for step in steps
            for across in (0.0, 0.12, 0.24, 0.36)
        ]
    )
    best, least = places[-1], np.inf
    for x, y in places:
        box = (x - gap, y - gap, x + size[0] + gap, y + size[1] + gap)
        if any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken):
            continue
        window = shapely.box(*box)
        if len(tree.query(window)) and shapely.intersects(land[tree.query(window)], window).any():
            continue
        grown = (max(east, x + size[0]) - min(west, x)) * (max(north, y + size[1]) - min(south, y))
        if grown < least * (1 - 1e-9):
            best, least = (x, y), grown
    return best
