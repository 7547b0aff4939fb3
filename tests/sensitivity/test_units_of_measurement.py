"""No statistic depends on the units of columns: GDP in yuan beside shares gives what unit sizes give."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial import models
from spatial.panel.panel import Panel
from spatial.weights import Weights

N, T = 40, 6
UNITS: dict[str, dict[str, float]] = {
    "yuan and shares": {"x": 1e9, "z": 1e-9, "m": 1e-9, "y": 1.0},
    "outcome of 1e-9": {"x": 1.0, "z": 1.0, "m": 1.0, "y": 1e-9},
    "outcome of 1e9": {"x": 1.0, "z": 1.0, "m": 1.0, "y": 1e9},
}
RING = Weights.from_dense(
    np.roll(np.eye(N), 1, axis=1) / 2 + np.roll(np.eye(N), -1, axis=1) / 2, ids=range(N)
)


@cache
def _panel(units: str) -> Panel:
    rng = np.random.default_rng(5)
    unit, D = rng.normal(size=N), RING.to_dense().to_numpy()
    cohort, before, rows = rng.choice([0, 2002, 2004], N), np.zeros(N), []
    for t in range(2000, 2000 + T):
        x, z, m = rng.normal(size=(3, N)) + 0.5 * unit
        policy = (cohort > 0) & (t >= cohort)
        right = x + 0.5 * z + unit + 0.5 * policy + 0.2 * before + rng.normal(size=N)
        before = np.linalg.solve(np.eye(N) - 0.3 * D, right)
        columns = {"x": x, "z": z, "m": m + x, "y": before, "cohort": cohort}
        rows.append(pd.DataFrame({"i": range(N), "t": t} | columns))
    data = pd.concat(rows)
    data = data.assign(**{c: data[c] * k for c, k in UNITS.get(units, {}).items()})
    data["limited"] = data["y"].clip(lower=0)
    return Panel.from_frame(data, unit="i", time="t")


def _fixed(panel: Panel, formula: str = "y ~ x + z", **options: Any) -> models.SystemFit:
    return models.fixed_effects(formula, panel, effects="unit", **options)


def _space(panel: Panel, formula: str, method: str, **options: Any) -> models.SystemFit:
    return models.SpatialSystem(formula, panel, RING, effects=("unit",), **options).fit(method)


CASES: dict[str, Callable[[Panel], Any]] = {
    "random effects": lambda p: models.random_effects("y ~ x + z", p),
    "Mundlak": lambda p: models.hausman(_fixed(p), kind="mundlak"),
    "CR2": lambda p: _fixed(p, cov=models.Cluster("unit", small="cr2")),
    "serial correlation": lambda p: models.serial_correlation(_fixed(p)),
    "Oster": lambda p: models.oster(_fixed(p), "x"),
    "Tobit": lambda p: models.tobit("limited ~ x + z", p, effects=None),
    "Tobit, random effects": lambda p: models.tobit("limited ~ x + z", p),
    "marginal effects of a Tobit": lambda p: models.tobit(
        "limited ~ x + z", p, effects=None
    ).marginal_effects(),
    "tests after least squares": lambda p: _space(p, "y ~ x + z", "2sls").diagnostics(),
    "tests after instruments": lambda p: _space(p, "y ~ W(y) + x + z", "gs2sls").diagnostics(),
    "MESS": lambda p: _space(p, "y ~ W(y) + x + z", "mess"),
    "dynamic likelihood": lambda p: _space(p, "y ~ W(y) + lag(y, 1) + x + z", "ml"),
    "simulated effects": lambda p: _space(p, "y ~ W(y) + x + z", "gs2sls").impacts(draws=40),
    "choice of a model": lambda p: models.select("y ~ x + z", p, RING),
    **{
        name: lambda p, name=name: models.did(p, "y", "cohort", method=name)
        for name in ("gardner", "sun-abraham", "stacked", "etwfe", "callaway-santanna")
    },
}


@cache
def _found(case: str, units: str) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = CASES[case](_panel(units))
    frame = result if isinstance(result, pd.DataFrame) else result.tidy() if hasattr(result, "tidy") else None
    if frame is None:
        frame = pd.DataFrame([{"statistic": result.statistic, "p_value": result.p_value}])
    return frame[[c for c in ("statistic", "p_value", "df", "delta") if c in frame]].astype(float)


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("case", CASES)
def test_units_change_no_statistic(case: str, units: str) -> None:
    plain, found = _found(case, ""), _found(case, units)
    assert np.isfinite(plain.to_numpy()).any()
    # Searches end within 1e-8 or so of a standard error.
    np.testing.assert_allclose(found.to_numpy(), plain.to_numpy(), rtol=2e-5, atol=1e-9)
