"""Distances on the Earth: the sphere, and an ellipsoid where it is asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, hinted
from spatial.ids.numbers import Values, to_float

__all__ = [
    "EARTH_RADIUS_KM",
    "arc_km",
    "chord_km",
    "ellipsoid_ratios",
    "geodesic_km",
    "great_circle_km",
    "haversine_km",
    "lonlat_fault",
    "unit_vectors",
]

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth, (2a + b) / 3 of WGS84 (IUGG)."""

Float = NDArray[np.float64]


@hinted
def great_circle_km(
    lon1: Values | float,
    lat1: Values | float,
    lon2: Values | float,
    lat2: Values | float,
    *,
    ellipsoid: str | None = None,
) -> Any:
    r"""Return the distance in kilometres between points given in degrees.

    On the sphere of mean radius :math:`R = 6371.0088` km, by the haversine formula

    .. math::

        d = 2R \arctan\sqrt{h / (1 - h)}, \qquad
        h = \sin^2\frac{\phi_2 - \phi_1}{2} + \cos\phi_1 \cos\phi_2 \sin^2\frac{\lambda_2 - \lambda_1}{2},

    where :math:`1 - h` is the haversine to the antipode, so that the result is exact to rounding for
    points a metre apart and for antipodes alike.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : float, array or Series
        Degrees east and north; arrays broadcast, Series must have the same index.
    ellipsoid : str, optional
        A name pyproj knows, such as ``"WGS84"``: the geodesic on that ellipsoid instead of the sphere
        (Karney 2013).  The two differ by up to 0.56 percent.

    Returns
    -------
    float, array or Series
        Kilometres.

    Raises
    ------
    DataError
        Where a coordinate is missing or out of range (lon and lat swapped?), or the ellipsoid unknown.
    AlignmentError
        Where two Series have different indexes.

    Examples
    --------
    >>> round(great_circle_km(116.4074, 39.9042, 121.4737, 31.2304), 3)  # Beijing, Shanghai
    1067.312
    >>> round(great_circle_km(116.4074, 39.9042, 121.4737, 31.2304, ellipsoid="WGS84"), 3)
    1065.846
    >>> round(great_circle_km(179.9, 0, -179.9, 0), 3)
    22.239
    """
    given = [lon1, lat1, lon2, lat2]
    series = [x for x in given if isinstance(x, pd.Series)]
    for other in series[1:]:
        if not other.index.equals(series[0].index):
            raise AlignmentError(
                "Coordinates given as Series must have the same index in the same order; these differ "
                f"({len(series[0])} and {len(other)} rows). Align them first, e.g. with a.align(b)."
            )
    try:
        arrays = np.broadcast_arrays(*[to_float(x, "Coordinates") for x in given])
    except ValueError as error:
        raise DataError(f"Coordinates must be numbers that broadcast together; {error}.") from None
    for lon, lat in (arrays[:2], arrays[2:]):
        fault = lonlat_fault(lon.ravel(), lat.ravel())
        if fault is not None:
            raise DataError(f"{fault[1]} Position {int(fault[0][0])} of {lon.size}.")
    a, b, c, d = (np.ascontiguousarray(x.ravel()) for x in arrays)
    out = haversine_km(a, b, c, d) if ellipsoid is None else geodesic_km(a, b, c, d, ellipsoid)
    if series:
        return pd.Series(out, index=series[0].index, name="km")
    return out.reshape(arrays[0].shape) if arrays[0].shape else float(out[0])


def lonlat_fault(lon: Float, lat: Float) -> tuple[NDArray[np.intp], str] | None:
    """Return the positions of coordinates that are no degrees, and what is wrong; None where all are."""
    missing = ~(np.isfinite(lon) & np.isfinite(lat))
    if missing.any():
        return np.flatnonzero(missing), "Coordinates must be finite; some are missing or infinite."
    # A little over the bounds is rounding of the file, and the trigonometry does not mind.
    bad = (np.abs(lon) > 180 + 1e-9) | (np.abs(lat) > 90 + 1e-9)
    if not bad.any():
        return None
    where = np.flatnonzero(bad)
    seen = f"got longitudes {lon.min():g} to {lon.max():g} and latitudes {lat.min():g} to {lat.max():g}."
    need = "Degrees must lie within -180..180 east and -90..90 north;"
    if (np.abs(lon) <= 90).all() and (np.abs(lat) <= 180).all():
        return where, f"{need} {seen} Are lon and lat swapped?"
    if np.abs(lon).max() <= 360 and (np.abs(lat) <= 90).all():
        return where, f"{need} {seen} Wrap longitudes with (lon + 180) % 360 - 180."
    return where, f"{need} {seen} Projected coordinates? Then set the CRS that they are in."


def unit_vectors(lon: Float, lat: Float) -> Float:
    """Return points on the unit sphere, (N, 3), of degrees."""
    east, north = np.radians(lon), np.radians(lat)
    flat = np.cos(north)
    return np.column_stack([flat * np.cos(east), flat * np.sin(east), np.sin(north)])


def haversine_km(lon1: Float, lat1: Float, lon2: Float, lat2: Float) -> Float:
    """Return great-circle kilometres of degrees, elementwise; see `great_circle_km`."""
    # Differences are taken in degrees, where they are exact for near points.
    east = lon2 - lon1
    east = np.where(np.abs(east) > 180, east - np.copysign(360.0, east), east)
    half = np.radians(east) / 2
    flat = np.cos(np.radians(lat1)) * np.cos(np.radians(lat2))
    near = np.sin(np.radians(lat2 - lat1) / 2) ** 2 + flat * np.sin(half) ** 2
    far = np.sin(np.radians(lat2 + lat1) / 2) ** 2 + flat * np.cos(half) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arctan2(np.sqrt(near), np.sqrt(far)))


def geodesic_km(lon1: Float, lat1: Float, lon2: Float, lat2: Float, ellipsoid: str) -> Float:
    """Return geodesic kilometres on `ellipsoid`, elementwise, the same in both directions to the bit."""
    swap = (lon1 > lon2) | ((lon1 == lon2) & (lat1 > lat2))
    pairs = ((lon1, lon2), (lat1, lat2), (lon2, lon1), (lat2, lat1))
    ends: list[Any] = [np.where(swap, b, a) for a, b in pairs]
    if np.size(swap) == 1:  # pyproj takes arrays of one element for scalars, which numpy warns of
        ends = [end.item() for end in ends]
    return np.reshape(_geod(ellipsoid).inv(*ends)[2], np.shape(swap)) / 1000.0


def ellipsoid_ratios(ellipsoid: str) -> tuple[float, float]:
    """Return bounds of geodesic over great-circle distance: the extreme radii of curvature over R."""
    geod = _geod(ellipsoid)
    a, b = geod.a / 1000.0, geod.b / 1000.0
    return min(b * b / a, a) / EARTH_RADIUS_KM, max(a * a / b, a) / EARTH_RADIUS_KM


@lru_cache(maxsize=8)
def _geod(ellipsoid: str) -> Any:
    from pyproj import Geod
    from pyproj.exceptions import GeodError

    try:
        return Geod(ellps=str(ellipsoid))
    except (GeodError, KeyError):
        raise DataError(
            f"ellipsoid must be a name that pyproj knows, such as 'WGS84', 'GRS80' or 'clrk66'; "
            f"got {ellipsoid!r}."
        ) from None


def chord_km(km: float) -> float:
    """Return the chord of the unit sphere under an arc of `km`; all of the sphere beyond half of it."""
    return 2.0 * float(np.sin(min(km / EARTH_RADIUS_KM, np.pi) / 2))


def arc_km(chord: Float) -> Float:
    """Return the arc over a chord of the unit sphere, in kilometres."""
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / 2, 1.0))
