"""Bias and coverage of maximum likelihood by seeded simulation: light here, by cells in the slow suite."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import fitted, nearest, simulated

from spatial.models import SystemFit


@dataclass(frozen=True)
class Cell:
    """One design of the simulation.

    Parameters
    ----------
    model : "SDM", "SEM" or "SAC"
    n, times : int
    draw : "normal" or "skewed"
    cov : str
    """

    model: str
    n: int
    times: int
    draw: str = "normal"
    cov: str = "expected"

    @property
    def truth(self) -> dict[str, float]:
        """The parameters, and the effects of x by the multiplier of row-standardised weights."""
        lam = 0.0 if self.model == "SEM" else 0.4
        d = 0.5 if self.model == "SDM" else 0.0
        out = {"x": 1.0, "z": -0.5}
        if lam:
            out |= {"W(y)": lam, "total": (1 + d) / (1 - lam)}
        if self.model == "SDM":
            out["W(x)"] = d
        if self.model != "SDM":
            out["rho"] = 0.3
        return out

    def fit(self, seed: int, W: np.ndarray) -> SystemFit:
        """Return the fit of one sample."""
        truth = self.truth
        panel = simulated(
            W,
            self.times,
            seed,
            lam=truth.get("W(y)", 0.0),
            rho=truth.get("rho", 0.0),
            durbin=truth.get("W(x)", 0.0),
            draw=self.draw,
        )
        right = ["x", "z", *(["W(x)"] if "W(x)" in truth else []), *(["W(y)"] if "W(y)" in truth else [])]
        error = "W" if "rho" in truth else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return fitted(
                f"y ~ {' + '.join(right)}", panel, W, error=error, effects=("unit", "time"), cov=self.cov
            )


def measured(cell: Cell, draws: int, seed: int = 0) -> pd.DataFrame:
    """Return bias, root mean squared error, and coverage of 95 % intervals, by parameter and effect."""
    W = nearest(cell.n, 5, 5).toarray()
    inverse = np.linalg.inv(np.eye(cell.n) - cell.truth.get("W(y)", 0.0) * W)
    E = inverse @ (np.eye(cell.n) + cell.truth.get("W(x)", 0.0) * W)
    truth = dict(cell.truth)
    if "total" in truth:
        truth["direct"] = float(np.trace(E)) / cell.n
        truth["indirect"] = truth["total"] - truth["direct"]
    rows = []
    for draw in range(draws):
        fit = cell.fit(10_000 * (seed + 1) + draw, W)
        found = fit.tidy().set_index("term")[["estimate", "conf_low", "conf_high"]]
        if "total" in truth:
            impacts = fit.impacts(draws=0).tidy()
            own = impacts[impacts["term"] == "x"].set_index("effect")
            found = pd.concat([found, own[["estimate", "conf_low", "conf_high"]]])
        for name, value in truth.items():
            estimate, low, high = found.loc[name]
            rows.append((name, estimate - value, (estimate - value) ** 2, low <= value <= high))
    frame = pd.DataFrame(rows, columns=["parameter", "bias", "square", "coverage"])
    out = frame.groupby("parameter", sort=False).mean()
    return out.assign(rmse=np.sqrt(out["square"])).drop(columns="square")


@pytest.mark.evidence("models.SpatialSystem:ml", source="15 panels: bias and coverage", kind="simulation")
def test_a_small_simulation_is_unbiased_and_covers(
    record_property: Callable[[str, object], None],
) -> None:
    found = measured(Cell("SDM", 60, 4), 15)
    record_property("mean coverage", f"{found['coverage'].mean():.2f} in 15 draws")
    assert (found["bias"].abs() < 0.8 * found["rmse"]).all()
    assert found.loc[["x", "z", "W(y)"], "bias"].abs().max() < 0.05
    assert found["coverage"].between(0.73, 1.0).all()


CELLS = [
    Cell("SDM", 100, 2),
    Cell("SDM", 240, 5),
    Cell("SEM", 100, 5),
    Cell("SAC", 200, 5),
    Cell("SDM", 100, 5, "skewed", "qml"),
]


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c.model}-{c.n}-{c.times}-{c.draw}")
def test_coverage_by_cell(cell: Cell) -> None:
    found = measured(cell, 200, seed=1)
    # Three standard errors of 200 draws beside .92-.98: lag and error together are told apart slowly.
    assert found["coverage"].between(0.88, 0.995).all(), found
    assert (found["bias"].abs() < 0.35 * found["rmse"]).all(), found
