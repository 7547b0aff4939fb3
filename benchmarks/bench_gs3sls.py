"""GS3SLS: two equations, two-way effects, spatial errors, cost by N; and the lag model beside spreg."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy.sparse as sp
from harness import Case, main
from scipy.spatial import cKDTree

from spatial.models import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights import Weights

FORMULAS = ["y1 ~ y2 + W(y1) + W(y2) + x1 + x3", "y2 ~ y1 + W(y1) + W(y2) + x2 + x4"]


def neighbours(n: int, k: int = 6) -> Weights:
    points = np.random.default_rng(0).random((n, 2))
    near = cKDTree(points).query(points, k + 1)[1][:, 1:]
    matrix = sp.csr_array((np.full(n * k, 1 / k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))
    return Weights.from_sparse(matrix, ids=range(n))


def draw(n: int, times: int) -> tuple[pd.DataFrame, Weights]:
    """Draw from the reduced form, by its power series."""
    rng, W = np.random.default_rng(1), neighbours(n)
    B, Lambda = np.array([[0, 0.3], [0.2, 0]]), np.array([[0.3, 0.1], [0.1, 0.3]])
    C = np.array([[1, 0, 0.5, 0], [0, 1, 0, 0.5]])
    X, u = rng.normal(size=(times, n, 4)), rng.normal(size=(times, n, 2))
    e = u.copy()
    for _ in range(40):
        u = e + W.lag(u, axis=1) * np.array([0.4, -0.3])
    y = right = X @ C.T + u + rng.normal(size=(1, n, 2))
    for _ in range(60):
        y = right + y @ B.T + W.lag(y, axis=1) @ Lambda.T
    index = pd.MultiIndex.from_product([range(times), range(n)], names=["time", "unit"])
    columns = ["y1", "y2", "x1", "x2", "x3", "x4"]
    return pd.DataFrame(np.concatenate([y, X], axis=2).reshape(-1, 6), index=index, columns=columns), W


def system(n: int, times: int, *, method: str = "gs3sls", diagnostics: bool = False) -> Callable[[], object]:
    warnings.simplefilter("ignore")
    frame, W = draw(n, times)
    panel = Panel.from_frame(frame.reset_index(), unit="unit", time="time")

    def work() -> object:
        fit = SpatialSystem(FORMULAS, panel, W, effects=("unit", "time"), error="W").fit(method)
        return fit.diagnostics() if diagnostics else fit

    return work


def one_interval(n: int, times: int) -> Callable[[], object]:
    from spatial.models.quasi_score.distance import Coordinate

    found = system(n, times, method="aqs")().estimate  # type: ignore[attr-defined]
    target = Coordinate(1, len(found.theta))
    return lambda: found.interval(target, 0.95)


def impacts(n: int, times: int) -> Callable[[], object]:
    fit = system(n, times)()
    return lambda: fit.impacts(draws=1000)  # type: ignore[attr-defined]


def lag_model(n: int) -> Callable[[], object]:
    warnings.simplefilter("ignore")
    frame, W = draw(n, 1)
    data = frame.droplevel("time")
    return lambda: SpatialSystem("y1 ~ x1 + x2 + x3 + W(y1)", data, W).fit("gs2sls", cov="hom")


def lag_model_spreg(n: int) -> Callable[[], object]:
    from spreg.twosls_sp import BaseGM_Lag

    frame, W = draw(n, 1)
    w = W.to_w()
    y, X = frame[["y1"]].to_numpy(), frame[["x1", "x2", "x3"]].to_numpy()
    X = np.column_stack([np.ones(len(X)), X])
    return lambda: BaseGM_Lag(y, X, w=w, w_lags=2)


if __name__ == "__main__":
    curve = [
        Case("GS3SLS, T = 10", f"spatial, N = {n:,}", lambda n=n: system(n, 10), 1)
        for n in (1_000, 10_000, 100_000)
    ]
    joint = [
        Case("joint estimator aqs, T = 10", f"spatial, N = {n:,}", lambda n=n: system(n, 10, method="aqs"), 1)
        for n in (1_000, 10_000, 100_000)
    ]
    main(
        [
            Case(
                "GS3SLS with diagnostics, T = 20",
                "spatial, N = 300",
                lambda: system(300, 20, diagnostics=True),
            ),
            *curve,
            *joint,
            Case("joint estimator aqs, T = 6", "spatial, N = 150", lambda: system(150, 6, method="aqs")),
            Case("interval by distance, T = 6", "spatial, N = 150", lambda: one_interval(150, 6)),
            Case("impacts, 1,000 draws", "spatial, N = 100,000", lambda: impacts(100_000, 2), 1),
            Case("spatial lag, cross-section", "spatial, N = 100,000", lambda: lag_model(100_000), 5),
            Case("spatial lag, cross-section", "spreg, N = 100,000", lambda: lag_model_spreg(100_000), 5),
        ]
    )
