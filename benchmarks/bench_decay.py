"""Rows 5 and 6: distance-decayed sums over all pairs, beside dense matrices where they fit in memory."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
from harness import Case, main


def places(n: int, globe: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    if globe:
        return rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    return rng.uniform(75, 134, n), rng.uniform(18, 53, n)


def ours(n: int, tolerance: float, globe: bool = False, **options: object) -> Callable[[], object]:
    import spatial as sp

    cities = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*places(n, globe)), crs="EPSG:4326")
    values = np.random.default_rng(2).random(n)
    return lambda: sp.distance_decay(values, cities, tolerance=tolerance, progress=False, **options)


def exponential(n: int, tolerance: float) -> Callable[[], object]:
    return ours(n, tolerance, decay="exponential", bandwidth_km=300)


def sklearn_dense(n: int, bandwidth_km: float | None = None) -> Callable[[], object]:
    from sklearn.metrics.pairwise import haversine_distances

    lon, lat = np.radians(places(n))
    values = np.random.default_rng(2).random(n)

    def work() -> np.ndarray:
        distance = haversine_distances(np.column_stack([lat, lon])) * 6371.0088
        np.fill_diagonal(distance, 1.0)
        return (np.exp(-distance / bandwidth_km) if bandwidth_km else 1.0 / distance) @ values

    return work


if __name__ == "__main__":
    pairs = "sum over all pairs, {} places"
    main(
        [
            Case(pairs.format("10,000"), "spatial, exact", lambda: ours(10_000, 0.0)),
            Case(pairs.format("10,000"), "scikit-learn haversine, dense", lambda: sklearn_dense(10_000)),
            Case(pairs.format("100,000"), "spatial, exact", lambda: ours(100_000, 0.0), repeats=1),
            Case(pairs.format("100,000"), "spatial, tree 1e-3", lambda: ours(100_000, 1e-3), repeats=2),
            Case(pairs.format("1,000,000 (China)"), "spatial, tree 1e-3", lambda: ours(1_000_000, 1e-3), 1),
            Case(
                pairs.format("1,000,000 (globe)"),
                "spatial, tree 1e-3",
                lambda: ours(1_000_000, 1e-3, True),
                1,
            ),
        ]
    )
