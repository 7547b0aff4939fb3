"""Small fits that the tests of tables share: two identified equations on a ring of cities."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import spatial as sp
from spatial.models import SpatialSystem, fixed_effects
from spatial.panel.panel import Panel
from spatial.weights import Weights

N, T = 40, 4
FORMULAS = ["ER ~ PSS + W(ER) + gov + open", "PSS ~ ER + W(PSS) + gov + road"]
LABELS = {"ER": "经济韧性", "PSS": "生产性服务业集聚", "gov": "政府干预", "open": "对外开放", "road": "道路"}


@cache
def ring() -> Weights:
    links = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    return Weights.from_dense(links, [f"c{i:02d}" for i in range(N)]).row_standardized()


@cache
def panel() -> Panel:
    """Draw a stable system: B = [[0, .3], [.2, 0]], own lags .3 and .2."""
    rng = np.random.default_rng(7)
    W = ring().to_dense()
    S = np.eye(2 * N) - np.kron([[0, 0.3], [0.2, 0]], np.eye(N)) - np.kron(np.diag([0.3, 0.2]), W)
    rows = []
    for year in range(2010, 2010 + T):
        x = rng.normal(size=(N, 3))
        right = np.concatenate([x @ [0.5, 1.0, 0.0], x @ [0.4, 0.0, 1.2]]) + rng.normal(scale=0.4, size=2 * N)
        y = np.linalg.solve(S, right)
        frame = pd.DataFrame(x, columns=["gov", "open", "road"]).assign(ER=y[:N], PSS=y[N:])
        rows.append(frame.assign(city=ring().ids, year=year))
    return Panel.from_frame(pd.concat(rows), unit="city", time="year", labels=LABELS)


@cache
def system(error: str | None = "W") -> Any:
    return SpatialSystem(FORMULAS, panel(), ring(), effects=("unit", "time"), error=error)


@cache
def system_fit() -> Any:
    return system().fit("gs3sls")


@cache
def plain_fit() -> Any:
    return fixed_effects("ER ~ gov + open", panel())


@cache
def forced_fit() -> Any:
    """Estimate a system that no instrument identifies."""
    formulas = [
        "ER ~ PSS + W(ER) + W(PSS) + gov + open + road",
        "PSS ~ ER + W(ER) + W(PSS) + gov + open + road",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpatialWarning)
        return SpatialSystem(formulas, panel(), ring()).fit("2sls", force=True)


@cache
def stata_fit() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpatialWarning)
        return sp.models.stata_gs3sls(["ER ~ gov + open", "PSS ~ gov + road"], panel(), ring())
