"""A system of two equations that tests of its results and of its messages share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from system_cases import FULL, N, T

from spatial.models import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights import Weights


@pytest.fixture(scope="module")
def W() -> Weights:
    side = int(np.sqrt(N))
    line = np.eye(side, k=1) + np.eye(side, k=-1)
    rook = np.kron(line, np.eye(side)) + np.kron(np.eye(side), line)
    return Weights.from_dense(rook, ids=[f"c{k}" for k in range(N)]).row_standardized()


@pytest.fixture(scope="module")
def panel(W: Weights) -> Panel:
    rng = np.random.default_rng(20)
    lag = W.sparse.toarray()
    S = np.eye(2 * N) - np.kron([[0, 0.3], [0.2, 0]], np.eye(N)) - np.kron([[0.3, 0.1], [0.1, 0.3]], lag)
    rows = []
    for t in range(T):
        x = 2 * rng.normal(size=(3, N))
        right = np.vstack([x[0] + 0.5 * x[2], x[1] + 0.5 * x[2]]) + rng.normal(size=(2, N))
        y = np.linalg.solve(S, right.ravel()).reshape(2, N)
        rows.append(
            pd.DataFrame({"y": y[0], "p": y[1], "x": x[0], "z": x[1], "k": x[2], "city": W.ids, "year": t})
        )
    return Panel.from_frame(pd.concat(rows), unit="city", time="year")


@pytest.fixture(scope="module")
def fit(panel: Panel, W: Weights) -> Any:
    return SpatialSystem(FULL, panel, W, effects=("unit", "time"), error="W").fit("gs3sls")
