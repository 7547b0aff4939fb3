"""Rows of the list: the Anderson-Rubin test, in the cells where other tests of slopes fail."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from gs3sls_simulation import FORMULAS, Simulator
from gs3sls_simulation import Design as Panels
from size_engine import Design, Size

from spatial.models import SpatialSystem
from spatial.models.identification.anderson_rubin import anderson_rubin_test

TRUE = np.array([0.3, 0.4])


@cache
def _simulator(n: int, times: int, rho: tuple[float, float]) -> Simulator:
    return Simulator(Panels(n=n, times=times, rho=rho))


def _anderson_rubin(rng: np.random.Generator, n: int, times: int, rho: tuple[float, float]) -> dict[str, Any]:
    simulator = _simulator(n, times, rho)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        system = SpatialSystem(
            FORMULAS,
            simulator.panel(rng),
            simulator.W,
            effects=("unit", "time"),
            error="W" if any(rho) else None,
        )
    return {"anderson-rubin": anderson_rubin_test(system.design, 0, TRUE).p_value}


def _design(words: str, n: int, times: int, rho: tuple[float, float], light: int) -> Design:
    return Design(words, lambda rng: _anderson_rubin(rng, n, times, rho), full=1000, light=light)


AR = "spatial.models.identification.anderson_rubin"
MADE = (f"{AR}:_test", f"{AR}:_slope_set")
STRONG = _design("two equations, N = 50, T = 6, rho = .7, 10 instruments", 50, 6, (0.7, 0.7), 30)
PLAIN = _design("two equations, N = 50, T = 6, no spatial error, 10 instruments", 50, 6, (0.0, 0.0), 20)
SHORT = _design("two equations, N = 50, T = 2, weak, 10 instruments", 50, 2, (0.0, 0.0), 20)

JOINT = [
    Size("Anderson-Rubin, score form", "anderson-rubin", STRONG, 0.03, 0.07, MADE, "rho under the null"),
    Size("Anderson-Rubin, score form", "anderson-rubin", PLAIN, 0.035, 0.07, MADE),
    Size("Anderson-Rubin, score form", "anderson-rubin", SHORT, 0.03, 0.07, MADE),
]
