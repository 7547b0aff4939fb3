"""Local and global Moran's I with 999 permutations, 8 nearest neighbours, beside esda."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sparse
from harness import Case, main
from scipy.spatial import cKDTree


def links(n: int) -> sparse.csr_array:
    """Return row-standardised weights of the 8 nearest of n random points, in no spatial order."""
    rng = np.random.default_rng(1)
    points = rng.random((n, 2))
    _, found = cKDTree(points).query(points, 9, workers=-1)
    heads = np.repeat(np.arange(n), 8)
    return sparse.csr_array((np.full(8 * n, 1 / 8), (heads, found[:, 1:].ravel())), shape=(n, n))


def values(n: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=n)


def ours_local(n: int, keep: bool = False) -> Callable[[], object]:
    import spatial as sp

    W, x = sp.Weights.from_sparse(links(n)), values(n)

    def work() -> object:
        # Imported here: the first call is to pay for the kernels.
        from spatial.autocorrelation.lisa import local_moran

        return local_moran(x, W, keep_simulations=keep)

    return work


def ours_global(n: int, permutations: int = 999) -> Callable[[], object]:
    import spatial as sp

    W, x = sp.Weights.from_sparse(links(n)), values(n)

    def work() -> object:
        from spatial.autocorrelation.global_moran import moran

        return moran(x, W, permutations=permutations)

    return work


def legacy(n: int) -> Any:
    """Return a libpysal W, the faster of the two for esda."""
    from libpysal.weights import WSP

    warnings.simplefilter("ignore")
    w = WSP(sparse.csr_matrix(links(n))).to_W(silence_warnings=True)
    w.transform = "r"
    return w


def esda_local(n: int, keep: bool = False) -> Callable[[], object]:
    w, x = legacy(n), values(n)

    def work() -> object:
        from esda import Moran_Local

        return Moran_Local(x, w, permutations=999, keep_simulations=keep, n_jobs=1, seed=0)

    return work


def geoda_local(n: int) -> Callable[[], object]:
    """Return the work in C++ of pygeoda, with its neighbours of the same random points, on two threads."""
    import geopandas as gpd
    import pygeoda
    from bench_weights import opened_by_geoda

    rng = np.random.default_rng(1)
    points = rng.random((n, 2))
    opened = opened_by_geoda(gpd.GeoDataFrame(geometry=gpd.points_from_xy(*points.T), crs="EPSG:3857"))
    w, x = pygeoda.knn_weights(opened, 8), values(n).tolist()
    return lambda: pygeoda.local_moran(w, x, permutations=999, cpu_threads=2)


def esda_global(n: int, permutations: int = 999) -> Callable[[], object]:
    from libpysal.graph import Graph

    graph, x = Graph.from_sparse(links(n)), values(n)

    def work() -> object:
        from esda import Moran

        return Moran(x, graph, transformation="O", permutations=permutations)

    return work


if __name__ == "__main__":
    local, whole = "local Moran, {} units, 999 permutations", "global Moran, {} units, 999 permutations"
    kept = local + ", simulations kept"
    main(
        [
            Case(local.format("100,000"), "spatial", lambda: ours_local(100_000)),
            Case(local.format("100,000"), "esda", lambda: esda_local(100_000)),
            Case(local.format("100,000"), "pygeoda", lambda: geoda_local(100_000)),
            Case(kept.format("100,000"), "spatial", lambda: ours_local(100_000, True), 2),
            Case(kept.format("100,000"), "esda", lambda: esda_local(100_000, True), 2),
            Case(whole.format("10,000"), "spatial", lambda: ours_global(10_000)),
            Case(whole.format("10,000"), "esda", lambda: esda_global(10_000)),
            Case(whole.format("1,000,000"), "spatial", lambda: ours_global(1_000_000), 1),
            Case(whole.format("1,000,000"), "esda", lambda: esda_global(1_000_000), 1),
        ]
    )
