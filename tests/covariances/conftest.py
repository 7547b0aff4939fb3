"""One panel with two equations, for all covariances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from covariance_cases import FULL, N, T

from spatial.models import (
    SpatialSystem,
)
from spatial.panel.panel import Panel
from spatial.weights import Weights


@pytest.fixture(scope="module")
def W() -> Weights:
    matrix = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1) + np.roll(np.eye(N), 3, axis=1)
    return Weights.from_dense(matrix, ids=range(N)).row_standardized()


@pytest.fixture(scope="module")
def panel(W: Weights) -> Panel:
    rng = np.random.default_rng(11)
    lag = W.sparse.toarray()
    S = np.eye(2 * N) - np.kron([[0, 0.3], [0.2, 0]], np.eye(N)) - np.kron(0.3 * np.eye(2), lag)
    state = rng.normal(size=(2, N))
    rows = []
    for t in range(T):
        state = 0.7 * state + rng.normal(size=(2, N))
        x = rng.normal(size=(2, N))
        right = x + np.linalg.solve(np.eye(N) - 0.3 * lag, state.T).T
        y = np.linalg.solve(S, right.ravel()).reshape(2, N)
        rows.append(pd.DataFrame({"y": y[0], "p": y[1], "x": x[0], "z": x[1], "i": range(N), "t": t}))
    frame = pd.concat(rows)
    frame["lon"] = 100 + (frame["i"] % 8) * 0.9
    frame["lat"] = 30 + (frame["i"] // 8) * 0.8
    frame["group"] = frame["i"] // 4
    return Panel.from_frame(frame, unit="i", time="t")


@pytest.fixture(scope="module")
def system(panel: Panel, W: Weights) -> SpatialSystem:
    return SpatialSystem(FULL, panel, W, effects=("unit", "time"), error="W")
