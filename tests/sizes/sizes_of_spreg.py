"""Rows of the list: the tests that spreg computes, handed on by `sp.models.spreg`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from size_engine import Design, Size

from spatial.models import spreg
from spatial.weights import Weights

N = 150
_ring = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
W = Weights.from_dense(_ring).row_standardized()
TESTS = ("Jarque-Bera", "Breusch-Pagan", "Koenker-Bassett", "White", "LM error", "Robust LM lag", "LM SARMA")


def _cross_section(rng: np.random.Generator) -> dict[str, Any]:
    """Normal errors of one variance, no dependence; an outcome of two values without slopes."""
    data = pd.DataFrame(rng.normal(size=(N, 2)), columns=["x", "z"]).assign(half=["a", "b"] * (N // 2))
    data["y"] = 1 + data.x + rng.normal(size=N)
    data["won"] = rng.integers(0, 2, size=N).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = spreg("OLS", "y ~ x + z", data, W)
        groups = spreg("OLS_Regimes", "y ~ x + z", data, regimes="half")
        probit = spreg("Probit", "won ~ x + z", data)
    found = {f"spreg {name}": fit.test(name).p_value for name in TESTS}
    found |= {"spreg Chow": groups.test("Chow").p_value, "spreg LR": probit.test("LR").p_value}
    return found


NORMAL = Design(f"a cross-section by spreg, normal errors, N = {N}", _cross_section, full=500, light=30)
MADE = ("spatial.models.pysal.battery:_chi2",)
_BOUNDS = {"Jarque-Bera": (0.02, 0.055), "White": (0.02, 0.06)}

SPREG = [
    Size(f"{name} (spreg)", f"spreg {name}", NORMAL, *_BOUNDS.get(name, (0.03, 0.065)), MADE)
    for name in (*TESTS, "Chow", "LR")
]
