"""Weights, values and a panel that tests of figures share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from figure_cases import IDS, RNG

from spatial.panel.panel import Panel
from spatial.weights import Weights


@pytest.fixture
def weights() -> Weights:
    matrix = np.zeros((10, 10))
    for i in range(10):
        matrix[i, (i + 1) % 10] = matrix[i, (i - 1) % 10] = 0.5
    return Weights.from_dense(matrix, IDS)


@pytest.fixture
def x() -> pd.Series:
    return pd.Series(RNG.permutation(np.arange(10.0) ** 2), index=IDS, name="income")


# ---- distributions
@pytest.fixture
def panel() -> Panel:
    rows = [(i, t, RNG.normal() + t) for i in IDS for t in (1, 2, 3)]
    frame = pd.DataFrame(rows, columns=["city", "year", "x"])
    return Panel.from_frame(frame, unit="city", time="year", labels={"x": "income per head"})
