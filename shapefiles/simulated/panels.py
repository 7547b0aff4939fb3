"""What the simulated panels share: their cities, nearest neighbours, and slopes of two-way fixed effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.places.points import points_of
from spatial.places.sphere import great_circle_km
from spatial.shapefiles._load import load

__all__ = ["city_seats", "distances_km", "nearest_weights", "rows_of", "slopes", "within"]

Float = NDArray[np.float64]
_CITY = ("municipality", "provincial capital", "sub-provincial", "prefecture-level city")
_YOUNG = ("儋州市", "海东市", "吐鲁番市", "哈密市", "毕节市", "铜仁市")
"""Cities only since 2011 to 2016."""


def city_seats(count: int) -> Any:
    """Return the map of 284, 283 or 241 cities; none of the papers lists its own, so the rules are ours.

    284: all cities but those of Tibet and the six youngest.  283: without Zhongwei too, a city since 2004.
    241: all above prefecture level, and the prefecture-level cities whose fifth neighbour is nearest.
    """
    cities = load("china_cities").sort_index()
    keep = cities["level"].isin(_CITY) & (cities["province"] != "西藏自治区") & ~cities["name"].isin(_YOUNG)
    cities = cities[keep]
    if count == 283:
        cities = cities[cities["name"] != "中卫市"]
    if count == 241:
        fifth = pd.Series(np.sort(distances_km(cities), axis=1)[:, 5], cities.index)
        low = cities["level"] == "prefecture-level city"
        near = fifth[low].nsmallest(241 - int((~low).sum())).index
        cities = cities[~low | cities.index.isin(near)]
    assert len(cities) == count
    return cities


def distances_km(cities: Any) -> Float:
    """Return the great-circle distances between the seats, (N, N)."""
    points = points_of(cities)
    lon, lat = points.x, points.y
    return np.asarray(great_circle_km(lon[:, None], lat[:, None], lon[None], lat[None]))


def nearest_weights(km: Float, k: int) -> Float:
    """Return row-standardised weights of the k nearest, (N, N)."""
    weights = np.zeros_like(km)
    near = np.argsort(km + np.diag(np.full(len(km), 1e9)), axis=1)[:, :k]
    weights[np.arange(len(km))[:, None], near] = 1 / k
    return weights


def within(values: Float) -> Float:
    """Take unit and time means out of (N, T)."""
    rows, columns = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    return np.asarray(values - rows - columns + values.mean())


def slopes(y: Float, regressors: Sequence[Float]) -> tuple[Float, Float, float]:
    """Return slopes with two-way effects, their errors clustered by unit, and R2 within, years counted."""
    n, t = y.shape
    Z = np.stack([within(x).ravel() for x in regressors], axis=1)
    v = within(y).ravel()
    bread = np.linalg.inv(Z.T @ Z)
    b = bread @ Z.T @ v
    u = v - Z @ b
    scores = (Z * u[:, None]).reshape(n, t, -1).sum(axis=1)
    factor = n / (n - 1) * (n * t - 1) / (n * t - len(b) - t)
    cov = bread @ scores.T @ scores @ bread * factor
    around = y - y.mean(axis=1, keepdims=True)
    return b, np.sqrt(np.diag(cov)), float(1 - u @ u / (around**2).sum())


def rows_of(cities: Any, times: Sequence[int], columns: dict[str, Float], time: str = "year") -> pd.DataFrame:
    """Return (N, T) arrays as the columns of a long frame by unit and time."""
    index = pd.MultiIndex.from_product([cities.index, list(times)], names=[str(cities.index.name), time])
    shape = (len(cities), len(times))
    return pd.DataFrame({name: np.broadcast_to(v, shape).ravel() for name, v in columns.items()}, index=index)
