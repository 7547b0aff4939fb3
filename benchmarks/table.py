"""The table of the README: what it lists is what this file lists."""

from __future__ import annotations

from collections.abc import Callable

import bench_cli as cli
import bench_decay as decay
import bench_files as files
import bench_gs3sls as systems
import bench_likelihood as likelihood
import bench_moran as moran
import bench_weights as weights
import numpy as np
from harness import Case, main
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

LAG = "lag of (20, 100,000, 10), random order"
ORDERED = "lag of (20, 100,000, 10), neighbours near each other in the table"
PANEL = (20, 100_000, 10)


def links_of(ordered: bool) -> csr_array:
    """Return 8 neighbours each, of units in no order; or in one of a map, as tables of places often are."""
    W = moran.links(PANEL[1])
    if not ordered:
        return W
    near = reverse_cuthill_mckee(W)
    return csr_array(W[near][:, near])


def ours_lag(ordered: bool = False) -> Callable[[], object]:
    import spatial as sp

    W = sp.Weights.from_sparse(links_of(ordered))
    x = np.random.default_rng(0).random(PANEL)
    return lambda: W.lag(x)


def scipy_lag(whole: bool, ordered: bool = False) -> Callable[[], object]:
    """Return the product by scipy: of all columns at once, or time by time."""
    W, x = links_of(ordered), np.random.default_rng(0).random(PANEL)
    if whole:
        return lambda: W @ np.ascontiguousarray(x.swapaxes(0, 1)).reshape(PANEL[1], -1)
    return lambda: np.stack([W @ values for values in x])


def bytes_of_lag() -> float:
    """Return what must move once: the values read and written, and the links."""
    n = PANEL[1]
    return 16.0 * np.prod(PANEL) + 12.0 * 8 * n


def bytes_of_moran(n: int) -> float:
    """Return what 999 permutations must move: N values read and dealt."""
    return 999 * 16.0 * n


FEW, KNN = "cold `spatial moran`, 300 cities", weights.KNN
LOCAL, GLOBAL = "local Moran 999, N = {:,}", "global Moran 999, N = {:,}"
FEWER = "global Moran 99, N = 1,000,000"
DECAY, TREE = "exact distance decay, N = {:,}", "distance decay by the tree 1e-3, N = {:,}"
EXPONENTIAL = "exponential decay of 300 km, 10,000 places"
NEAR = "kNN 8, N = {:,}"
SYSTEM = "GS3SLS 2 equations T = 10, N = {:,}"
ML_PANEL = "ML lag, unit effects, N = {:,}, T = 20"
ML_LARGE = "ML lag, kNN 6, N = 1,000,000, log-determinant exact to 1e-6"
SPATIAL_LAG, ML = "GS2SLS spatial lag, N = 100,000", "ML lag, N = 1,000"


def grown(work: str, make: Callable[[int], Callable[[], object]], sizes: tuple[int, ...]) -> list[Case]:
    """Return a case for each size; the largest runs once."""
    last = {sizes[-1]: {"repeats": 1, "rounds": 1}}
    return [
        Case(work.format(n), "spatial", lambda n=n: make(n), size=n, **last.get(n, {}))  # type: ignore[misc]
        for n in sizes
    ]


MILLION = 1_000_000
CASES = [
    Case(f"{FEW}, no compiled kernels", "spatial", lambda: cli.ours(True), aim="2"),
    Case(f"{FEW}, warm", "spatial", cli.ours, aim="1.2"),
    Case(f"{FEW}, warm", "pygeoda script", cli.pygeoda),
    *files.CASES[:3],
    Case(weights.NPZ, "spatial", lambda: weights.ours_read(".npz"), aim="0.6"),
    Case(weights.NPZ, "scipy load_npz, no ids", weights.scipy_npz),
    Case(weights.PARQUET, "spatial", lambda: weights.ours_read(".parquet"), 2, aim="1.5"),
    Case(weights.PARQUET, "pyarrow, a table only", weights.arrow_parquet, 2),
    Case(weights.QUEEN, "spatial", lambda: weights.ours_queen(100_000), aim="0.6"),
    Case(weights.QUEEN, "pygeoda, from a file", lambda: weights.geoda_queen(100_000)),
    Case(weights.QUEEN, "libpysal Graph", lambda: weights.libpysal_queen(100_000, False), rounds=1),
    Case(SPATIAL_LAG, "spatial", lambda: systems.lag_model(100_000), 5, aim="0.10"),
    Case(SPATIAL_LAG, "spreg, arrays, no checks", lambda: systems.lag_model_spreg(100_000), 5),
    *files.CASES[3:],
    Case(LAG, "spatial", ours_lag, moved=bytes_of_lag()),
    Case(LAG, "scipy, all columns", lambda: scipy_lag(True), moved=bytes_of_lag()),
    Case(LAG, "scipy, time by time", lambda: scipy_lag(False), moved=bytes_of_lag()),
    Case(ORDERED, "spatial", lambda: ours_lag(True), moved=bytes_of_lag()),
    Case(ORDERED, "scipy, time by time", lambda: scipy_lag(False, True), moved=bytes_of_lag()),
    Case(
        GLOBAL.format(MILLION),
        "spatial",
        lambda: moran.ours_global(MILLION),
        1,
        MILLION,
        moved=bytes_of_moran(MILLION),
        aim="6",
    ),
    Case(FEWER, "spatial", lambda: moran.ours_global(MILLION, 99), 1),
    Case(FEWER, "esda", lambda: moran.esda_global(MILLION, 99), 1, rounds=1),
    *grown(GLOBAL, moran.ours_global, (10_000, 100_000)),
    Case(LOCAL.format(MILLION), "spatial", lambda: moran.ours_local(MILLION), 1, MILLION, aim="40"),
    Case(LOCAL.format(100_000), "spatial", lambda: moran.ours_local(100_000), 3, 100_000),
    Case(LOCAL.format(100_000), "pygeoda", lambda: moran.geoda_local(100_000), 1, rounds=1),
    Case(LOCAL.format(100_000), "esda", lambda: moran.esda_local(100_000), 1, rounds=1),
    Case(LOCAL.format(10_000), "spatial", lambda: moran.ours_local(10_000), 3, 10_000),
    Case(DECAY.format(10_000), "spatial", lambda: decay.ours(10_000, 0.0)),
    Case(DECAY.format(10_000), "scikit-learn, dense", lambda: decay.sklearn_dense(10_000), 1, rounds=1),
    Case(DECAY.format(100_000), "spatial", lambda: decay.ours(100_000, 0.0), 1, rounds=2, aim="12"),
    Case(EXPONENTIAL, "spatial", lambda: decay.exponential(10_000, 0.0)),
    Case(EXPONENTIAL, "spatial, to 1e-3", lambda: decay.exponential(10_000, 1e-3)),
    Case(EXPONENTIAL, "scikit-learn, dense", lambda: decay.sklearn_dense(10_000, 300.0), 1, rounds=1),
    *grown(TREE, lambda n: decay.ours(n, 1e-3), (10_000, 100_000, MILLION)),
    Case(KNN, "spatial", weights.ours_knn),
    Case(KNN, "pygeoda, arc, from a file", weights.geoda_knn, 1),
    Case(KNN, "libpysal Graph", weights.libpysal_knn, 1, rounds=1),
    *grown(NEAR, weights.ours_knn, (10_000, 100_000, MILLION)),
    Case(weights.BAND, "spatial", weights.ours_band),
    Case(weights.BAND, "libpysal W, arc", weights.libpysal_arc_band, 1, rounds=1),
    *grown(SYSTEM, lambda n: systems.system(n, 10), (1_000, 10_000, 100_000)),
    Case(ML, "spatial", lambda: likelihood.ours(1_000, 1, likelihood.LAG)),
    Case(ML, "spreg ML_Lag", lambda: likelihood.spreg(1_000, 1, "ML_Lag"), 1, rounds=1),
    Case(ML_PANEL.format(300), "spatial", lambda: likelihood.ours(300, 20, likelihood.LAG), aim="0.3"),
    Case(ML_PANEL.format(300), "spreg Panel_FE_Lag", lambda: likelihood.spreg(300, 20, "Panel_FE_Lag"), 1),
    Case(ML_PANEL.format(3_000), "spatial", lambda: likelihood.ours(3_000, 20, likelihood.LAG), aim="3"),
    Case(ML_LARGE, "spatial", lambda: likelihood.ours(MILLION, 1, likelihood.LAG), 1, rounds=1, aim="20"),
]

if __name__ == "__main__":
    main(CASES)
