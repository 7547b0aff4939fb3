"""Rows of the list: limited outcomes, and what is asked of mechanisms, groups and thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from size_engine import Design, Size

from spatial.models import tobit
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

TOOLKIT = [
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
