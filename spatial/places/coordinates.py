"""Coordinates that can be right: finite, in range, longitude first, of the kind that the CRS says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids

__all__ = ["check_geometry", "check_lonlat"]

Float = NDArray[np.float64]

_SLACK = 1e-6  # degrees: rounding in the file, a tenth of a metre


def check_geometry(geometry: Any, ids: pd.Index[Any], what: str) -> None:
    """Refuse missing and empty geometries by id, and coordinates that the layer's CRS cannot have.

    Parameters
    ----------
    geometry : GeoSeries
        One a unit, with its CRS.
    ids : Index
        Names of the units.
    what : str
        The layer's name in the messages.
    """
    bounds = geometry.bounds.to_numpy()  # minx, miny, maxx, maxy; NaN where nothing is
    bad = ~np.isfinite(bounds).all(axis=1)
    if bad.any():
        for kind, none in (("missing", geometry.isna().to_numpy()), ("empty", geometry.is_empty.to_numpy())):
            if none.any():
                raise DataError(
                    f"{what} must have a geometry for each unit; it is {kind} for {name_ids(ids[none])}. "
                    "Drop these units, as read_cities(..., drop_empty=True) does, or give them a shape."
                )
        raise DataError(f"{what} has coordinates that are not finite, for {name_ids(ids[bad])}.")
    if geometry.crs is not None and geometry.crs.is_geographic:
        area = geometry.crs.area_of_use
        check_lonlat(bounds[:, [0, 2]], bounds[:, [1, 3]], ids, what, None if area is None else area.bounds)


def check_lonlat(
    lon: Float, lat: Float, ids: pd.Index[Any], what: str, area: Sequence[float] | None = None
) -> None:
    """Refuse longitudes and latitudes out of range, saying whether they look swapped or projected.

    Parameters
    ----------
    lon, lat : ndarray (N,) or (N, m)
        Degrees; a row a unit.
    ids : Index
        Names of the rows.
    what : str
        Name in the messages.
    area : (west, south, east, north), optional
        Where they can be expected: tells a swap where both ranges would allow it.
    """
    lon, lat = lon.reshape(len(ids), -1), lat.reshape(len(ids), -1)
    bad = ((np.abs(lon) > 180 + _SLACK) | (np.abs(lat) > 90 + _SLACK)).any(axis=1)
    if not bad.any():
        if area is not None and _in_area(lat, lon, area) and not _in_area(lon, lat, area):
            west, south, east, north = area
            raise DataError(
                _swapped(
                    what,
                    f"none lies where it should (longitude {west:g} to {east:g}, latitude {south:g} to "
                    f"{north:g}), and they do if swapped",
                )
            )
        return
    named = name_ids(ids[bad])
    extent = f"x from {lon.min():g} to {lon.max():g}, y from {lat.min():g} to {lat.max():g}"
    if max(np.abs(lon).max(), np.abs(lat).max()) > 360 + _SLACK:
        raise DataError(
            f"{what} has a CRS in degrees and coordinates that look projected ({extent}), for {named}. "
            "The CRS is wrong: find the right one and pass it as crs=, e.g. crs='EPSG:32650'."
        )
    if (np.abs(lon[bad]) <= 90 + _SLACK).all() and (np.abs(lat) <= 180 + _SLACK).all():
        raise DataError(_swapped(what, f"{extent}; latitudes beyond 90 for {named}"))
    if (np.abs(lat) <= 90 + _SLACK).all() and lon.min() >= -180 - _SLACK and lon.max() <= 360 + _SLACK:
        raise DataError(
            f"{what} has longitudes beyond 180 ({extent}), for {named}. "
            "If they run from 0 to 360, subtract 360 from those above 180."
        )
    raise DataError(f"{what} has coordinates out of range for degrees ({extent}), for {named}.")


def _swapped(what: str, reason: str) -> str:
    return (
        f"The coordinates of {what} look swapped: {reason}. Longitude comes first, x, then latitude, y; "
        "e.g. frame.set_geometry(shapely.transform(frame.geometry, lambda xy: xy[:, ::-1]))."
    )


def _in_area(lon: Float, lat: Float, area: Sequence[float]) -> bool:
    """Whether any coordinate lies in `area`; a margin of 5 degrees is granted."""
    west, south, east, north = area[0] - 5, area[1] - 5, area[2] + 5, area[3] + 5
    within = (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
    return bool((within & (lat >= south) & (lat <= north)).any())
