"""Rows of the list: the Anderson-Rubin test and the joint estimator, where other tests of slopes fail."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from gs3sls_simulation import FORMULAS, Simulator
from gs3sls_simulation import Design as Panels
from size_engine import Design, Size

from spatial.models import SpatialSystem
from spatial.models.diagnostics.instruments import equation_tests, system_tests
from spatial.models.diagnostics.subject import Subject
from spatial.models.estimation.covariance import as_covariance
from spatial.models.estimation.estimate import Request
from spatial.models.identification.anderson_rubin import anderson_rubin_test
from spatial.models.methods import estimator_of
from spatial.models.quasi_score.distance import Coordinate
from spatial.panel import Panel
from spatial.weights import Weights

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
SYSTEMS = "spatial.models.diagnostics.systems"
MADE = (f"{AR}:_test", f"{AR}:_slope_set")
STRONG = _design("two equations, N = 50, T = 6, rho = .7, 10 instruments", 50, 6, (0.7, 0.7), 30)
PLAIN = _design("two equations, N = 50, T = 6, no spatial error, 10 instruments", 50, 6, (0.0, 0.0), 20)
SHORT = _design("two equations, N = 50, T = 2, weak, 10 instruments", 50, 2, (0.0, 0.0), 20)


def _distance(rng: np.random.Generator) -> dict[str, Any]:
    simulator = _simulator(50, 6, (0.7, 0.7))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        system = SpatialSystem(
            FORMULAS, simulator.panel(rng), simulator.W, effects=("unit", "time"), error="W"
        )
        found = estimator_of("aqs").estimate(
            Request(system.design, system._source, "aqs", as_covariance("cluster"))
        )
    truth = {"y2": 0.3, "W(y1)": 0.4, "x1": 1.0, "rho": 0.7}
    places = {"y2": 0, "W(y1)": 1, "x1": 2, "rho": 8}
    size, subject = len(found.theta), Subject(found)
    tests = [*equation_tests(subject, 0)[:3], *system_tests(subject)[:2]]
    joint = {f"{t.name}, {t.equation or 'system'}": t.p_value for t in tests}
    return joint | {key: found.p_value(Coordinate(places[key], size), value) for key, value in truth.items()}


CELL = Design("two equations, N = 50, T = 6, lag and error with rho = .7", _distance, full=2000, light=12)


@cache
def _ring(n: int) -> Weights:
    return Weights.from_dense(
        np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    ).row_standardized()


def _random(rng: np.random.Generator) -> dict[str, Any]:
    """A system with random effects that are not correlated with the regressors."""
    n, times, W = 60, 4, _ring(60)
    mu, rows = rng.normal(size=(n, 2)), []
    inverse = np.linalg.inv(np.eye(n) - 0.4 * W.sparse.toarray())
    for t in range(times):
        x, e = rng.normal(size=(n, 2)), mu + rng.normal(size=(n, 2)) @ np.array([[1.0, 0.5], [0.0, 0.8]])
        p = x[:, 1] + e[:, 1]
        y = inverse @ (x[:, 0] + 0.5 * p + e[:, 0])
        rows.append(pd.DataFrame({"i": range(n), "t": t, "y": y, "p": p, "x": x[:, 0], "z": x[:, 1]}))
    panel = Panel.from_frame(pd.concat(rows), unit="i", time="t")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = SpatialSystem(["y ~ p + x + W(y)", "p ~ z"], panel, W, effects="random").fit("3sls")
    return {"mundlak of systems": fit.diagnostics().test("Mundlak", "y").p_value}


RANDOM = Design("a system with random effects, N = 60, T = 4", _random, full=2000, light=20)

JOINT = [
    Size(
        "Mundlak, random effects of systems",
        "mundlak of systems",
        RANDOM,
        0.035,
        0.065,
        ("spatial.models.instrumental.error_components:mundlak_tests",),
    ),
    *(
        Size(f"aqs, p-value of {term} by distance", term, CELL, 0.035, 0.065)
        for term in ("y2", "W(y1)", "x1", "rho")
    ),
    *(
        Size(f"{words}, joint estimate", key, CELL, low, high, (f"{SYSTEMS}:{made}",))
        for words, key, low, high, made in (
            ("Sargan J", "Sargan J, y1", 0.035, 0.065, "joint_j"),
            ("Hansen J (clustered)", "Hansen J (clustered), y1", 0.035, 0.065, "_centred_j"),
            ("Difference in J", "Difference in J, y1", 0.035, 0.065, "reduced_j"),
            ("Hansen-Sargan J", "Hansen-Sargan J, system", 0.035, 0.065, "joint_j"),
            ("Hansen J (clustered), system", "Hansen J (clustered), system", 0.035, 0.065, "_centred_j"),
        )
    ),
    Size("Anderson-Rubin, score form", "anderson-rubin", STRONG, 0.03, 0.07, MADE, "rho under the null"),
    Size("Anderson-Rubin, score form", "anderson-rubin", PLAIN, 0.035, 0.065, MADE),
    Size("Anderson-Rubin, score form", "anderson-rubin", SHORT, 0.035, 0.065, MADE),
]
