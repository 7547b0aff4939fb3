"""Pairs of places by their distance: values and places matched, edges of bands, pairs within reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from spatial.autocorrelation.sample import check_missing, one_column, sorted_order
from spatial.errors import DataError, name_ids
from spatial.ids.alignment import aligned_values
from spatial.places.points import Points, points_of
from spatial.places.sphere import EARTH_RADIUS_KM, unit_vectors

__all__ = ["Places", "band_edges", "band_row", "near_pairs", "read_places"]

Float = NDArray[np.float64]

_MOST_PAIRS = 50_000_000


@dataclass(frozen=True, eq=False)
class Places:
    """Values over a power of two, by sorted id, and where they are."""

    name: str
    values: Float
    exponent: int
    points: Points
    dropped: pd.Index[Any]


def read_places(x: Any, cities: Any, missing: str, what: str) -> Places:
    check_missing(missing)
    points = points_of(cities)
    name, given = one_column(x, "x")
    values = aligned_values(given, points.ids, name, "the cities")
    bad = ~np.isfinite(values)
    if bad.any() and missing == "raise":
        raise DataError(
            f"{name!r} must be finite; NaN or infinity at {name_ids(points.ids[bad])}. Fill these, or pass "
            'missing="drop".'
        )
    kept = np.flatnonzero(~bad)
    if len(kept) < 4:
        raise DataError(f"{what} needs at least 4 units with values; got {len(kept)}.")
    kept = kept[sorted_order(points.ids[kept])]
    values = values[kept]
    _, exponent = np.frexp(np.abs(values).max())
    values = np.ldexp(values, -exponent)
    if np.ptp(values) <= 1e-13:
        raise DataError(f"{what} needs values that vary; {name!r} does not.")
    x_, y_ = points.x[kept], points.y[kept]
    return Places(
        name,
        values,
        int(exponent),
        Points(points.ids[kept], x_, y_, points.lonlat, points.source, points.crs, points.ellipsoid),
        points.ids[bad],
    )


def _tree(points: Points) -> tuple[cKDTree, Float]:
    """Return a tree of the places, on the unit sphere or in planar kilometres."""
    places = unit_vectors(points.x, points.y) if points.lonlat else np.column_stack([points.x, points.y])
    return cKDTree(places), places


def band_edges(points: Points, bands: int | Iterable[float], reach_km: float | None) -> Float:
    """Return the edges of the bands in km, or refuse what are none."""
    if isinstance(bands, (int, np.integer)) and not isinstance(bands, bool):
        if bands < 1:
            raise DataError(f"bands must be 1 or more, or the edges of the bands in km; got {bands}.")
        reach = _half_extent(points) if reach_km is None else reach_km
        if not (np.isfinite(reach) and reach > 0):
            raise DataError(f"reach_km must be a positive number of kilometres; got {reach_km!r}.")
        return np.linspace(0.0, float(reach), int(bands) + 1)
    try:
        edges = np.asarray(list(bands), dtype=np.float64)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        edges = np.empty(0)
    if (
        edges.ndim != 1
        or len(edges) < 2
        or not np.isfinite(edges).all()
        or edges[0] < 0
        or (np.diff(edges) <= 0).any()
    ):
        raise DataError(
            "bands must be a whole number, or rising edges in km from 0 or more, as [0, 100, 200]; got "
            f"{bands!r}."
        )
    return edges


def _half_extent(points: Points) -> float:
    """Return half of the distance between the corners of the places."""
    if not points.lonlat:
        return float(np.hypot(np.ptp(points.x), np.ptp(points.y))) / 2
    places = unit_vectors(points.x, points.y)
    chord = min(float(np.sqrt((np.ptp(places, axis=0) ** 2).sum())), 2.0)
    return EARTH_RADIUS_KM * float(np.arcsin(chord / 2))


def near_pairs(points: Points, reach: float) -> tuple[NDArray[Any], NDArray[Any], Float]:
    """Return the pairs i < j not farther apart than `reach`, and their distances in km."""
    tree, places = _tree(points)
    radius = reach
    if points.lonlat:
        radius = 2 * float(np.sin(min(reach / EARTH_RADIUS_KM, np.pi) / 2))
    radius *= 1 + 1e-12
    count = int(tree.count_neighbors(tree, radius) - len(places)) // 2
    if count > _MOST_PAIRS:
        raise DataError(
            f"{count:,} pairs of units are within {reach:g} km, more than {_MOST_PAIRS:,}: pass a smaller "
            "reach_km, or edges of fewer kilometres."
        )
    found = tree.query_pairs(radius, output_type="ndarray")
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    i, j = found[:, 0], found[:, 1]
    apart = np.sqrt(((places[i] - places[j]) ** 2).sum(axis=1))
    km = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(apart / 2, 1.0)) if points.lonlat else apart
    return i, j, np.asarray(km)


def band_row(edges: Float, b: int, km: Float) -> dict[str, Any]:
    mean = float(km.mean()) if len(km) else np.nan
    return {"low_km": edges[b], "high_km": edges[b + 1], "mean_km": mean, "pairs": len(km)}
