"""Rows of the list: limited outcomes, and what is asked of mechanisms, groups and thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from size_engine import Design, Size

from spatial.models import threshold, tobit
from spatial.panel import Panel

N, T = 60, 4
GRID = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"]).to_frame(index=False)


def _rows(by_unit: np.ndarray) -> np.ndarray:
    return by_unit[GRID.city.to_numpy()]


def _tobit(rng: np.random.Generator) -> dict[str, Any]:
    """Effects that do not depend on x, and no effects at all."""
    x = _rows(rng.normal(size=N)) + rng.normal(size=N * T)
    error, effect = rng.normal(size=N * T), _rows(rng.normal(size=N))
    panel = Panel.from_frame(
        GRID.assign(x=x, y=np.maximum(x + effect + error, 0), free=np.maximum(x + error, 0)),
        unit="city",
        time="year",
    )
    fit = tobit("y ~ x", panel, effects="correlated", points=8, cov="hom")
    row = fit.tidy().set_index("term").loc["x"]
    average = fit.marginal_effects().tidy().set_index("effect").loc["latent"]
    none = tobit("free ~ x", panel, points=8, cov="hom")
    return {
        "cre tobit": bool(row["conf_low"] <= 1 <= row["conf_high"]),
        "marginal effect": bool(average["conf_low"] <= 1 <= average["conf_high"]),
        "tobit mundlak": next(t.p_value for t in fit.tests if t.name == "Mundlak"),
        "tobit sigma_u": next(t.p_value for t in none.tests if t.name == "LR of sigma_u"),
    }


CENSORED = Design(f"Tobit, half censored, N = {N}, T = {T}", _tobit, full=500, light=8)
LIMITED = "spatial.models.limited.censored"


def _threshold(rng: np.random.Generator) -> dict[str, Any]:
    """No threshold, with errors of AR(1) and of another variance in each unit; and one that is there."""
    q, x = rng.uniform(size=N * T), rng.normal(size=N * T)
    plain = rng.normal(size=N * T)
    series = plain.copy()
    for t in range(1, T):
        series[GRID.year == t] = 0.5 * series[GRID.year == t - 1] + plain[GRID.year == t]
    series = series * _rows(rng.uniform(0.5, 1.5, size=N))
    made = GRID.assign(q=q, x=x, none=x + series, one=x * np.where(q <= 0.5, 1.0, 1.7) + plain)
    panel = Panel.from_frame(made, unit="city", time="year")
    test = threshold("none ~ x", panel, "q", bootstrap=99, grid=40, seed=int(rng.integers(1 << 30)))
    found = threshold("one ~ x", panel, "q", bootstrap=0, trim=0.1)
    row, slope = found.thresholds.iloc[0], found.tidy().iloc[0]
    return {
        "threshold F": float(test.tests["p_value"].iloc[0]),
        "threshold interval": bool(row["conf_low"] <= 0.5 <= row["conf_high"]),
        "threshold slope": bool(slope["conf_low"] <= 1 <= slope["conf_high"]),
    }


REGIMES = Design(f"threshold, N = {N}, T = {T}, AR(1) under the null", _threshold, full=1000, light=8)

TOOLKIT = [
    Size("Threshold, bootstrap F", "threshold F", REGIMES, 0.03, 0.07),
    Size(
        "Threshold, likelihood-ratio interval", "threshold interval", REGIMES, 0.9, 0.995, (), "conservative"
    ),
    Size("Threshold, interval of a slope", "threshold slope", REGIMES, 0.92, 0.97),
    Size("Correlated random-effects Tobit, interval", "cre tobit", CENSORED, 0.92, 0.975),
    Size("Tobit marginal effect, interval", "marginal effect", CENSORED, 0.92, 0.975),
    Size("Tobit, Mundlak", "tobit mundlak", CENSORED, 0.03, 0.075, (f"{LIMITED}:_tests",)),
    Size(
        "Tobit, LR of sigma_u (half chi2)",
        "tobit sigma_u",
        CENSORED,
        0.025,
        0.065,
        (f"{LIMITED}:_tests",),
        "sigma_u at its bound under the null",
    ),
]
