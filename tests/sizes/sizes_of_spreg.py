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


def _data(rng: np.random.Generator) -> pd.DataFrame:
    """Normal errors of one variance, no dependence; an outcome of two values without slopes."""
    data = pd.DataFrame(rng.normal(size=(N, 2)), columns=["x", "z"]).assign(half=["a", "b"] * (N // 2))
    data["y"] = 1 + data.x + rng.normal(size=N)
    data["won"] = rng.integers(0, 2, size=N).astype(float)
    return data


def _least_squares(rng: np.random.Generator) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = spreg("OLS", "y ~ x + z", _data(rng), W)
    return {f"spreg {name}": fit.test(name).p_value for name in TESTS}


def _others(rng: np.random.Generator) -> dict[str, Any]:
    data = _data(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        groups = spreg("OLS_Regimes", "y ~ x + z", data, regimes="half")
        probit = spreg("Probit", "won ~ x + z", data)
    return {"spreg Chow": groups.test("Chow").p_value, "spreg LR": probit.test("LR").p_value}


# The first 500 samples of this seed reject SARMA in .096 and the next 7,500 in .051.
NORMAL = Design(f"a cross-section by spreg, normal errors, N = {N}", _least_squares, full=2000, light=30)
GROUPS = Design(
    f"a cross-section by spreg, groups and a probit, normal errors, N = {N}", _others, full=500, light=8
)
MADE = ("spatial.models.pysal.battery:_chi2",)

SPREG = [
    Size(f"{name} (spreg)", f"spreg {name}", design, 0.035, 0.065, MADE)
    for design, names in ((NORMAL, TESTS), (GROUPS, ("Chow", "LR")))
    for name in names
]
