"""Small maps and panels that the questions stand on."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from libpysal.weights import W
from shapely.geometry import box


def squares(side: int) -> gpd.GeoDataFrame:
    """`side` x `side` unit squares of 1 km, named u000, u001, ..., in metres."""
    cells = [
        box(1000 * i, 1000 * j, 1000 * i + 1000, 1000 * j + 1000) for i in range(side) for j in range(side)
    ]
    names = [f"u{k:03d}" for k in range(side * side)]
    return gpd.GeoDataFrame(geometry=cells, index=pd.Index(names, name="id"), crs="EPSG:32650")


def rooks(side: int) -> np.ndarray:
    """Rook neighbours of the squares as 0 and 1, in their order."""
    at = np.array([(i, j) for i in range(side) for j in range(side)])
    return (np.abs(at[:, None] - at[None]).sum(axis=2) == 1).astype(float)


def rook_w(side: int) -> W:
    """The same as libpysal's W, row-standardised, its ids the squares' names."""
    names = [f"u{k:03d}" for k in range(side * side)]
    links = rooks(side)
    w = W({a: [names[j] for j in np.flatnonzero(links[i])] for i, a in enumerate(names)}, id_order=names)
    w.transform = "r"
    return w


def noise(n: int, seed: int = 0) -> np.ndarray:
    """Standard normal draws."""
    return np.random.default_rng(seed).standard_normal(n)


def values(side: int, seed: int = 0) -> pd.Series:
    """Noise smoothed by the squares' rows: a Series by name with plain positive dependence."""
    draws = noise(side * side, seed)
    links = rooks(side)
    smooth = draws + links @ draws / links.sum(axis=1)
    return pd.Series(smooth, index=[f"u{k:03d}" for k in range(side * side)])


def shuffled(frame: Any, seed: int = 1) -> Any:
    """The same rows in another order, each with its name."""
    return frame.iloc[np.random.default_rng(seed).permutation(len(frame))]


def moran_by_hand(x: np.ndarray, links: np.ndarray) -> float:
    """I = z'Wz / z'z with rows of W that sum to one."""
    z = np.asarray(x, float) - np.mean(x)
    rows = links / links.sum(axis=1, keepdims=True)
    return float(z @ rows @ z / (z @ z))


def panel(units: int = 30, times: int = 6, seed: int = 0) -> pd.DataFrame:
    """A balanced panel with columns unit, year, x, y: y = 2 x + unit and year effects + noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"unit": np.repeat(np.arange(units), times), "year": np.tile(np.arange(2001, 2001 + times), units)}
    )
    unit, year = rng.standard_normal(units), rng.standard_normal(times)
    frame["x"] = rng.standard_normal(len(frame)) + unit[frame["unit"]]
    frame["y"] = (
        2 * frame["x"] + unit[frame["unit"]] + year[frame["year"] - 2001] + rng.standard_normal(len(frame))
    )
    return frame


def slope_by_dummies(frame: pd.DataFrame, y: str = "y", x: str = "x") -> float:
    """The two-way slope by least squares on a dummy for each unit and each year."""
    unit = pd.get_dummies(frame["unit"], dtype=float).to_numpy()
    year = pd.get_dummies(frame["year"], dtype=float).to_numpy()[:, 1:]
    right = np.column_stack([frame[x] / np.abs(frame[x]).max(), unit, year])
    scale = np.abs(frame[y]).max()
    solved = np.linalg.lstsq(right, frame[y] / scale, rcond=None)[0]
    return float(solved[0] * scale / np.abs(frame[x]).max())
