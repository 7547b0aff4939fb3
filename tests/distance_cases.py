"""Small cases that several test files share."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

import spatial as sp


def cities_at(lon: Any, lat: Any, ids: Any = None, crs: Any = 4326) -> Any:
    return gpd.GeoDataFrame(index=ids, geometry=gpd.points_from_xy(lon, lat), crs=crs)


def sphere(n: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return cities_at(
        rng.uniform(-180, 180, n),
        np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
        [f"c{i:03d}" for i in rng.permutation(n)],
    )


BUILDERS = {
    "knn": lambda c: sp.weights.knn(c, 5),
    "knn_wgs84": lambda c: sp.weights.knn(c, 5, ellipsoid="WGS84"),
    "band": lambda c: sp.weights.distance_band(c, 1500),
    "band_nearest": lambda c: sp.weights.distance_band(c, 700, islands="nearest"),
    "inverse": lambda c: sp.weights.inverse_distance(c, power=2),
    "inverse_cut": lambda c: sp.weights.inverse_distance(c, cutoff_km=1500, own=1.0),
    "inverse_wgs84": lambda c: sp.weights.inverse_distance(c, cutoff_km=1500, ellipsoid="WGS84"),
    "kernel": lambda c: sp.weights.kernel(c, bandwidth_km=1500, function="parzen", own="kernel"),
    "kernel_adaptive": lambda c: sp.weights.kernel(c, neighbors=6, function="gaussian"),
    "gravity": lambda c: sp.weights.gravity(c, pd.Series(c.index.str[1:].astype(float) + 1, c.index)),
}
