"""Raw weights in kilometres or in thousands of them are one map: lambda and rho alone have their unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.models import SpatialSystem
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")

N, T = 36, 5
FORMULAS = ["y1 ~ y2 + W(y1) + x1 + x2", "y2 ~ y1 + W(y2) + x3"]


def raw() -> tuple[Weights, pd.DataFrame]:
    """Inverse distances up to 300 km between places in a square of 1,000, and two equations over them."""
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 1000, size=(N, 2))
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    with np.errstate(divide="ignore"):
        M = np.where((apart > 0) & (apart < 300), 1 / apart, 0.0)
    share = M / abs(np.linalg.eigvals(M)).max()
    spread = np.linalg.inv(np.eye(N) - 0.4 * share)
    x1, x2, x3, e1, e2 = rng.normal(size=(5, T, N))
    e1, e2 = e1 @ spread.T, (e2 + 0.4 * e1) @ spread.T
    y1 = (x1 + 0.5 * x2 + e1) @ spread.T
    columns = {"y1": y1, "y2": 0.4 * y1 + x3 + e2, "x1": x1, "x2": x2, "x3": x3}
    rows = pd.MultiIndex.from_product([range(2000, 2000 + T), [f"u{k:02d}" for k in range(N)]])
    frame = pd.DataFrame({k: v.ravel() for k, v in columns.items()}, index=rows).swaplevel()
    frame["half"] = (frame.index.get_level_values(0) < "u18").astype(int)
    return Weights.from_dense(M, ids=[f"u{k:02d}" for k in range(N)]), frame


@pytest.mark.parametrize(
    ("effects", "method", "options"),
    [
        ((), "gs2sls", {}),
        ("unit", "gs3sls", {}),
        ("unit", "gs3sls", {"rho_moments": "kp1999"}),
        (("unit", "time"), "gs3sls", {}),
        (("unit", "half:time"), "gs3sls", {}),
        ("random", "gs3sls", {}),
    ],
)
def test_the_unit_of_distance_is_that_of_lambda_and_rho_alone(
    effects: Any, method: Any, options: dict[str, Any]
) -> None:
    W, data = raw()
    fits = {
        unit: SpatialSystem(FORMULAS, data, W.scaled(unit), effects=effects, error="W").fit(method, **options)
        for unit in (1.0, 1e-3, 1e3)
    }
    for unit, fit in fits.items():
        lags = fit.params.index.get_level_values(1).str.startswith("W(")
        size = np.where(lags, unit, 1.0)
        np.testing.assert_allclose(fit.params * size, fits[1.0].params, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(fit.std_errors * size, fits[1.0].std_errors, rtol=1e-5)
        np.testing.assert_allclose(fit.rho * unit, fits[1.0].rho, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("effects", [(), ("unit", "time")])
def test_the_joint_estimator_and_the_anderson_rubin_test_have_no_unit_of_distance(effects: Any) -> None:
    W, data = raw()
    found = {}
    for unit in (1.0, 1e-3, 1e3):
        fit = SpatialSystem(FORMULAS, data, W.scaled(unit), effects=effects, error="W").fit("aqs")
        lags = fit.params.index.get_level_values(1).str.startswith("W(")
        tests = fit.diagnostics()
        found[unit] = [
            *fit.params * np.where(lags, unit, 1.0),
            *fit.rho * unit,
            *fit.tidy().p_value,
            *(tests.test("Anderson-Rubin", name).statistic for name in ("y1", "y2")),
            float(fit.converged),
        ]
    for unit in (1e-3, 1e3):
        np.testing.assert_allclose(found[unit], found[1.0], rtol=1e-4, atol=1e-6)
