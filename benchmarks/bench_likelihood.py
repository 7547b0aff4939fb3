"""Maximum likelihood beside spreg: spatial lag and spatial error, cross-sections and panels, by size."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy.sparse as sp
from harness import Case, main
from scipy.spatial import cKDTree

from spatial.models import SpatialSystem
from spatial.models.likelihood.determinants import choice as determinants
from spatial.panel.panel import Panel
from spatial.weights import Weights


def neighbours(n: int, k: int = 6) -> sp.csr_array:
    points = np.random.default_rng(0).random((n, 2))
    near = cKDTree(points).query(points, k + 1)[1][:, 1:]
    return sp.csr_array((np.full(n * k, 1 / k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))


def draw(n: int, times: int) -> tuple[pd.DataFrame, sp.csr_array]:
    """Draw y = .5 W y + a - b + c/2 + effects + e, by its power series."""
    rng, W = np.random.default_rng(1), neighbours(n)
    X, e = rng.normal(size=(times, n, 3)), rng.normal(size=(times, n))
    right = X @ np.array([1.0, -1.0, 0.5]) + e + (rng.normal(size=n) if times > 1 else 0)
    y = term = right
    for _ in range(40):
        term = 0.5 * (W @ term.T).T
        y = y + term
    index = pd.MultiIndex.from_product([range(times), range(n)], names=["t", "i"])
    frame = pd.DataFrame(X.reshape(-1, 3), columns=list("abc"), index=index)
    return frame.assign(y=y.ravel()), W


def ours(
    n: int, times: int, formula: str, error: str | None = None, seed: int | None = None
) -> Callable[[], object]:
    warnings.simplefilter("ignore")
    frame, matrix = draw(n, times)
    W = Weights.from_sparse(matrix, ids=range(n))
    data = frame.droplevel("t") if times == 1 else Panel.from_frame(frame.reset_index(), unit="i", time="t")
    effects = ("unit",) if times > 1 else ()

    def work() -> object:
        determinants._CACHE.clear()  # each call computes its log-determinants
        return SpatialSystem(formula, data, W, effects=effects, error=error).fit("ml", seed=seed)

    return work


def spreg(n: int, times: int, name: str) -> Callable[[], object]:
    warnings.simplefilter("ignore")
    import spreg as peer
    from libpysal.weights import WSP, WSP2W

    frame, matrix = draw(n, times)
    w = WSP2W(WSP(sp.csr_matrix(matrix)), silence_warnings=True)
    w.transform = "r"
    y, X = frame[["y"]].to_numpy(), frame[list("abc")].to_numpy()
    options = {"method": "LU"} if times == 1 and n > 3_000 else {}

    def work() -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            return getattr(peer, name)(y, X, w, **options)

    return work


LAG, ERROR = "y ~ a + b + c + W(y)", "y ~ a + b + c"

if __name__ == "__main__":
    main(
        [
            Case("lag, cross-section", "spatial, N = 1,000", lambda: ours(1_000, 1, LAG)),
            Case("lag, cross-section", "spreg ML_Lag, N = 1,000", lambda: spreg(1_000, 1, "ML_Lag"), 1),
            Case("error, cross-section", "spatial, N = 1,000", lambda: ours(1_000, 1, ERROR, "W")),
            Case("error, cross-section", "spreg ML_Error, N = 1,000", lambda: spreg(1_000, 1, "ML_Error"), 1),
            Case("lag, unit effects, T = 20", "spatial, N = 300", lambda: ours(300, 20, LAG)),
            Case("lag, unit effects, T = 20", "spreg, N = 300", lambda: spreg(300, 20, "Panel_FE_Lag"), 1),
            Case("error, unit effects, T = 20", "spatial, N = 300", lambda: ours(300, 20, ERROR, "W")),
            Case(
                "error, unit effects, T = 20", "spreg, N = 300", lambda: spreg(300, 20, "Panel_FE_Error"), 1
            ),
            Case("lag, unit effects, T = 20", "spatial, N = 3,000", lambda: ours(3_000, 20, LAG)),
            Case(
                "lag and error, unit effects, T = 20", "spatial, N = 3,000", lambda: ours(3_000, 20, LAG, "W")
            ),
            Case("lag, cross-section", "spatial, N = 20,000", lambda: ours(20_000, 1, LAG), 1),
            Case("lag, cross-section", "spatial, N = 100,000", lambda: ours(100_000, 1, LAG), 1),
            Case("lag, cross-section", "spatial, N = 1,000,000", lambda: ours(1_000_000, 1, LAG), 1),
        ]
    )
