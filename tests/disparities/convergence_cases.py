"""A growing panel, a ring of neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from spatial.panel.panel import Panel
from spatial.weights import Weights


@contextmanager
def quiet() -> Iterator[None]:
    """Nickell's warning has its own test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def ring(units: Any) -> Weights:
    n = len(units)
    near = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    return Weights.from_dense(near, ids=units).row_standardized()


def make_panel(seed: int = 0, n: int = 30, t: int = 6) -> Panel:
    rng = np.random.default_rng(seed)
    logs, x = np.empty((n, t)), rng.normal(size=(n, t))
    logs[:, 0] = rng.normal(2, 1, n)
    for k in range(1, t):
        logs[:, k] = 0.7 * logs[:, k - 1] + 0.8 + 0.2 * x[:, k - 1] + 0.1 * rng.normal(size=n)
    index = pd.MultiIndex.from_product(
        [[f"c{k:02d}" for k in range(n)], range(2001, 2001 + t)], names=["city", "year"]
    )
    return Panel(pd.DataFrame({"gdp": np.exp(logs).ravel(), "x": x.ravel()}, index))
