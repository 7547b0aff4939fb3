"""Panels with a staggered policy whose effect is known, with and without spillovers to neighbours."""

from __future__ import annotations

from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.panel.panel import Panel

TIMES = 8
OWN = 1.0
RING = 0.5


@cache
def seats(n: int = 90) -> Any:
    """Return n places on a line along a parallel, 40 km apart, in three clusters far from each other."""
    lon = np.concatenate([100 + 8 * block + 0.4 * np.arange(n // 3) / 3 for block in range(3)])
    return gpd.GeoDataFrame({"geometry": gpd.points_from_xy(lon, np.full(n, 30.0))}, index=range(n), crs=4326)


def policy_panel(
    rng: np.random.Generator, n: int = 90, *, ring: float = 0.0, growing: float = 0.0, early: bool = True
) -> Panel:
    """Return a panel: cohorts 3 and 5 among the first sixty units, the last thirty never treated.

    With `ring` each untreated unit within 60 km of a treated one gets that much; without `early`, only those
    that are never treated.
    """
    start = np.full(n, -1)
    start[rng.permutation(2 * n // 3)[: n // 3]] = rng.permutation(np.repeat([3, 5], n // 6))
    times = np.arange(TIMES)
    treated = (start[:, None] >= 0) & (times >= start[:, None])
    since = np.where(treated, times - start[:, None], 0)
    lon = seats(n).geometry.x.to_numpy()
    near = np.abs(lon[:, None] - lon[None, :]) * np.cos(np.radians(30)) * 111.19 <= 60
    np.fill_diagonal(near, False)
    exposed = ((near.astype(float) @ treated) > 0) & ~treated & (early | (start[:, None] < 0))
    error = rng.normal(0, 0.5, (n, TIMES))
    x = rng.normal(0, 1, (n, TIMES)) + 0.5 * (start[:, None] >= 0)
    unit, time = rng.normal(0, 1, (n, 1)), rng.normal(0, 1, (1, TIMES))
    y = unit + time + 0.3 * x + treated * (OWN + growing * since) + ring * exposed + error
    frame = pd.DataFrame(
        {
            "city": np.repeat(np.arange(n), TIMES),
            "year": np.tile(2000 + times, n),
            "y": y.ravel(),
            "x": x.ravel(),
            "first": np.repeat(np.where(start < 0, 0, 2000 + start), TIMES),
            "D": treated.astype(int).ravel(),
            "province": np.repeat(np.arange(n) // 6, TIMES),
        }
    )
    return Panel.from_frame(frame, unit="city", time="year")
