"""GCJ-02, the offset datum of Chinese web maps, back to WGS-84."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_wgs84", "geometry_to_wgs84", "to_wgs84"]

Float = NDArray[np.float64]

# Krasovsky 1940, as the published formula has it.
SEMI_MAJOR = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
# Nothing is moved outside this box: west, south, east, north.
BOX = (72.004, 0.8293, 137.8347, 55.8271)
STEPS = 5  # each gains two digits, from a shift below 0.01 degree


def _waves(x: Float, *periods: tuple[float, float]) -> Float:
    """Return the sum of amplitude * sin(pi * x * frequency), two thirds of it."""
    terms = (amplitude * np.sin(np.pi * x * frequency) for amplitude, frequency in periods)
    return np.asarray(sum(terms, np.zeros_like(x)) * (2.0 / 3.0))


def _offset(lon: Float, lat: Float) -> tuple[Float, Float]:
    """Return the shift in degrees, (dlon, dlat), at WGS-84 coordinates."""
    x, y = lon - 105.0, lat - 35.0
    common = _waves(x, (20.0, 6.0), (20.0, 2.0))
    root = np.sqrt(np.abs(x))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += _waves(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += _waves(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    phi = np.radians(lat)
    magic = 1.0 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    along_parallel = SEMI_MAJOR / np.sqrt(magic) * np.cos(phi)
    along_meridian = SEMI_MAJOR * (1.0 - ECCENTRICITY_SQUARED) / magic**1.5
    return np.degrees(east / along_parallel), np.degrees(north / along_meridian)


def _inside(lon: Float, lat: Float) -> NDArray[np.bool_]:
    west, south, east, north = BOX
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _replaced(values: Float, where: NDArray[np.bool_], new: Float) -> Float:
    out = np.array(values, dtype=np.float64)
    out[where] = new
    return out


def from_wgs84(lon: Float, lat: Float) -> tuple[Float, Float]:
    """Return GCJ-02 coordinates, in degrees, by the published formula.

    Examples
    --------
    >>> lon, lat = from_wgs84(np.array([116.404]), np.array([39.915]))
    >>> float(lon[0].round(8)), float(lat[0].round(8))
    (116.4102445, 39.91640428)
    """
    inside = _inside(lon, lat)
    dlon, dlat = _offset(lon[inside], lat[inside])
    return _replaced(lon, inside, lon[inside] + dlon), _replaced(lat, inside, lat[inside] + dlat)


def to_wgs84(lon: Float, lat: Float) -> tuple[Float, Float]:
    """Return the WGS-84 coordinates that `from_wgs84` sends to these, by fixed-point iteration.

    The shift itself changes by less than one hundredth of the distance moved, so that each step gains two
    digits and the round trip is exact to 1e-9 degree.  Within the shift of the edge of the box (0.01 degree)
    the formula has no inverse; no land of China lies there.

    Examples
    --------
    >>> lon, lat = to_wgs84(*from_wgs84(np.array([121.4737]), np.array([31.2304])))
    >>> bool(abs(lon[0] - 121.4737) < 1e-9 and abs(lat[0] - 31.2304) < 1e-9)
    True
    """
    inside = _inside(lon, lat)
    w_lon, w_lat = lon[inside], lat[inside]
    for _ in range(STEPS):
        dlon, dlat = _offset(w_lon, w_lat)
        w_lon, w_lat = lon[inside] - dlon, lat[inside] - dlat
    return _replaced(lon, inside, w_lon), _replaced(lat, inside, w_lat)


def geometry_to_wgs84(geometry: Any) -> Any:
    """Convert every vertex of an array of geometries; vertices that were shared stay shared."""
    import shapely

    def convert(xy: Float) -> Float:
        return np.column_stack(to_wgs84(xy[:, 0], xy[:, 1]))

    return shapely.transform(geometry, convert)
