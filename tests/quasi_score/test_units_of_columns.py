"""The joint estimator does not depend on the units in which columns are measured."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.models import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")

N, T = 60, 5
FORMULAS = ["y1 ~ y2 + W(y1) + x1 + x2", "y2 ~ y1 + W(y2) + x3 + x4"]
UNITS = {
    "yuan": {"y1": 1e6, "y2": 1e6},
    "shares": {"y1": 1e-6, "y2": 1e-6},
    "each its own": {"y1": 1e8, "y2": 1e-5, "x1": 1e5, "x3": 1e-7},
}


def _near(seed: int) -> np.ndarray[Any, Any]:
    place = np.random.default_rng(seed).random((N, 2))
    order = np.argsort(np.linalg.norm(place[:, None] - place, axis=-1))
    dense = np.zeros((N, N))
    np.put_along_axis(dense, order[:, 1:6], 0.2, axis=1)
    return dense


W, OTHER = (Weights.from_dense(_near(seed), ids=range(N)) for seed in (3, 4))


@cache
def _data() -> pd.DataFrame:
    rng, D = np.random.default_rng(3), _near(3)
    S = np.eye(2 * N) - np.kron([[0, 0.3], [0.2, 0]], np.eye(N)) - np.kron(np.diag([0.4, 0.3]), D)
    mu, rows = rng.normal(size=(N, 2)), []
    for t in range(T):
        x = rng.normal(size=(N, 4))
        u = np.linalg.solve(np.eye(N) - 0.3 * D, rng.normal(size=(N, 2)) @ [[1, 0.5], [0, 0.8]]) + mu
        right = np.concatenate([x[:, 0] + 0.5 * x[:, 1] + u[:, 0], x[:, 2] - 0.5 * x[:, 3] + u[:, 1]])
        y = np.linalg.solve(S, right).reshape(2, N)
        columns = {"y1": y[0], "y2": y[1]} | {f"x{k + 1}": x[:, k] for k in range(4)}
        rows.append(pd.DataFrame({"i": range(N), "t": t} | columns))
    return pd.concat(rows)


@cache
def _fit(units: str, case: str) -> Any:
    data = _data().assign(**{c: _data()[c] * k for c, k in UNITS.get(units, {}).items()})
    if case == "cross-section":
        section = data[data["t"] == 0].drop(columns="t").set_index("i")
        system = SpatialSystem("y1 ~ W(y1) + x1 + x2", section, W, error="W")
    else:
        weights = W if case == "one matrix" else {"W": W, "M": OTHER}
        error = "W" if case == "one matrix" else "M"
        panel = Panel.from_frame(data, unit="i", time="t")
        system = SpatialSystem(FORMULAS, panel, weights, effects=("unit", "time"), error=error)
    return system.fit("aqs")


@pytest.mark.parametrize(
    ("units", "case"),
    [
        ("yuan", "one matrix"),
        ("shares", "one matrix"),
        ("each its own", "one matrix"),
        ("each its own", "two matrices"),
        ("shares", "cross-section"),
    ],
)
@pytest.mark.evidence("models.SpatialSystem:aqs", source="columns in other units", kind="identity", digits=8)
def test_units_change_no_p_value_and_no_interval_in_standard_errors(units: str, case: str) -> None:
    plain, found = _fit("", case), _fit(units, case)
    assert plain.converged and found.converged  # noqa: PT018
    a, b = plain.tidy(), found.tidy()
    # With two matrices the slope that the model implies is solved to 1e-10.
    close = 1e-8 if case == "one matrix" else 1e-6
    for column in ("statistic", "p_value"):
        assert b[column].to_numpy() == pytest.approx(a[column].to_numpy(), rel=close)
    for column in ("conf_low", "conf_high"):
        width = [((t[column] - t["estimate"]) / t["std_error"]).to_numpy() for t in (a, b)]
        assert width[1] == pytest.approx(width[0], rel=close)


@pytest.mark.slow
def test_units_change_no_effect() -> None:
    a, b = (_fit(units, "cross-section").impacts().tidy() for units in ("", "yuan"))
    for column in ("statistic", "p_value"):
        assert b[column].to_numpy() == pytest.approx(a[column].to_numpy(), rel=1e-8)
