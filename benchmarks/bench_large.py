"""Large maps and panels: how each work grows with its size, up to `LARGEST` (default 1,000,000).

``LARGEST=1e7 TIMES=5 python benchmarks/bench_large.py --write`` puts the curve of growth into README.md: all
works from 10,000 to ten million, some 15 minutes of two cores and 8 GB; ``PANEL=folder`` takes a panel that
is written already.  ``LARGEST=1e8 python benchmarks/bench_large.py --only "on disk, 100,000,000"`` runs LISA
of 10^8 cells: 15 minutes, 6 GB of memory and 7 of disk.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from harness import Case, main

LARGEST = int(float(os.environ.get("LARGEST", "1e6")))
TIMES = int(os.environ.get("TIMES", "20"))


def grid(n: int) -> object:
    import spatial as sp

    return sp.weights.grid((n // 1000 or 1, min(n, 1000))).row_standardized()


def places(n: int) -> object:
    import spatial as sp

    rng = np.random.default_rng(0)
    return sp.points(rng.uniform(80, 130, n), rng.uniform(20, 50, n))


def local(n: int) -> Callable[[], object]:
    import spatial as sp

    W = sp.weights.grid((n // 1000 or 1, min(n, 1000)), stored=False).row_standardized()
    x = np.random.default_rng(2).normal(size=n)
    return lambda: sp.local_moran(x, W, permutations=999, progress=False)


def written(n: int) -> Callable[[], object]:
    """Return local Moran of values on disk, written to disk."""
    import spatial as sp

    W = sp.weights.grid((n // 1000 or 1, min(n, 1000)), stored=False).row_standardized()
    folder = Path(tempfile.mkdtemp(prefix="spatial-bench-"))
    atexit.register(shutil.rmtree, folder)
    np.save(folder / "x.npy", np.random.default_rng(2).normal(size=n))
    x, turn = np.load(folder / "x.npy", mmap_mode="r"), itertools.count()
    return lambda: sp.local_moran(x, W, permutations=999, folder=folder / f"{next(turn)}", progress=False)


def whole(n: int) -> Callable[[], object]:
    import spatial as sp

    W = sp.weights.grid((n // 1000 or 1, min(n, 1000)), stored=False).row_standardized()
    x = np.random.default_rng(2).normal(size=n)
    return lambda: sp.moran(x, W, permutations=999, progress=False)


def near(n: int) -> Callable[[], object]:
    import spatial as sp

    cities = places(n)
    return lambda: sp.weights.knn(cities, 8)


def decay(n: int) -> Callable[[], object]:
    import spatial as sp

    cities, jobs = places(n), pd.Series(np.random.default_rng(1).uniform(size=n), name="jobs")
    return lambda: sp.distance_decay(jobs, cities, tolerance=1e-3, progress=False)


def disk(n: int) -> Callable[[], object]:
    """Return GS3SLS of two equations with two-way effects and spatial errors, clustered, from Parquet."""
    import spatial as sp

    W, folder = grid(n), os.environ.get("PANEL", "")
    if not folder:
        folder = tempfile.mkdtemp(prefix="spatial-bench-")
        atexit.register(shutil.rmtree, folder)
        write(Path(folder), W)
    panel = sp.open_panel(folder, unit="cell", time="year")
    system = sp.models.SpatialSystem(
        ["y ~ p + W(y) + a", "p ~ y + W(p) + b"], panel, W, effects=("unit", "time"), error="W"
    )
    return lambda: system.fit("gs3sls", cov="cluster", progress=False)


def write(folder: Path, W: object) -> None:
    """Write `TIMES` years of the system, solved by its series."""
    rng = np.random.default_rng(0)
    M, n = W.sparse, W.n
    mu = rng.normal(size=(2, n))
    for year in range(TIMES):
        a, b, e, v = rng.normal(size=(4, n))
        y, p = a + e + 0.4 * (M @ e) + mu[0], b + v + mu[1]
        first, second = y, p
        for _ in range(12):
            y, p = first + 0.3 * (M @ y) + 0.4 * p, second + 0.2 * (M @ p) - 0.2 * y
        table = pd.DataFrame({"cell": W.ids, "year": 2000 + year, "y": y, "p": p, "a": a, "b": b})
        table.to_parquet(folder / f"{2000 + year}.parquet", index=False)


WORKS = {
    "kNN 8": near,
    "local Moran": local,
    "local Moran on disk": written,
    f"GS3SLS from disk with {TIMES} years": disk,
    "decay 1e-3": decay,
    "global Moran": whole,
}

if __name__ == "__main__":
    sizes = [n for n in (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000) if n <= LARGEST]
    main(
        [
            Case(
                f"{work}, {n:,} units",
                "spatial",
                lambda make=make, n=n: make(n),
                2 if n < 1_000_000 else 1,
                n,
            )
            for work, make in WORKS.items()
            for n in sizes
            if n < 100_000_000 or make is written
        ],
        curve="bench_large.py",
    )
