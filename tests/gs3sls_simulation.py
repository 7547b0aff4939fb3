"""Draws from a two-equation panel with effects and spatial errors, and what the estimators make of them.

Run as a script, it prints the table of the documentation: ``python tests/gs3sls_simulation.py 1000``.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from spatial.models import SpatialSystem
from spatial.models.diagnostics.space import anselin_kelejian
from spatial.models.diagnostics.systems import clustered_j, system_j
from spatial.models.estimation.covariance import as_covariance
from spatial.models.estimation.inference import infer
from spatial.models.estimation.steps import estimate
from spatial.panel.panel import Panel
from spatial.weights import Weights

Errors = Literal["iid", "heteroskedastic", "serial"]

FORMULAS = ["y1 ~ y2 + W(y1) + x1 + x2", "y2 ~ y1 + W(y2) + x3 + x4"]
TRUTH = {
    ("y1", "y2"): 0.3, ("y1", "W(y1)"): 0.4, ("y1", "x1"): 1.0, ("y1", "x2"): 0.5,
    ("y2", "y1"): 0.2, ("y2", "W(y2)"): 0.3, ("y2", "x3"): 1.0, ("y2", "x4"): -0.5,
}  # fmt: skip
RHO = (0.4, -0.3)


@dataclass(frozen=True)
class Design:
    """N units on random points with 5 neighbours each, T times, and a kind of innovation."""

    n: int = 250
    times: int = 6
    errors: Errors = "iid"
    cov: str = "hom"
    rho: tuple[float, float] = RHO

    @property
    def weights(self) -> Weights:
        points = np.random.default_rng(7).random((self.n, 2))
        near = cKDTree(points).query(points, 6)[1][:, 1:]
        matrix = sp.csr_array((np.full(5 * self.n, 0.2), (np.repeat(np.arange(self.n), 5), near.ravel())))
        return Weights.from_sparse(matrix, ids=range(self.n))


def autoregression(v: Any) -> Any:
    """Give (T, ...) draws a first-order autocorrelation of 0.7, the variance unchanged."""
    out = v.copy()
    for t in range(1, len(v)):
        out[t] = 0.7 * out[t - 1] + np.sqrt(1 - 0.49) * v[t]
    return out


class Simulator:
    """Draws panels; the reduced form is factored once."""

    def __init__(self, design: Design) -> None:
        self.design, self.W = design, design.weights
        n, W, eye = design.n, self.W.sparse, sp.eye_array(design.n)
        B, Lambda = np.array([[0, 0.3], [0.2, 0]]), np.diag([0.4, 0.3])
        self.system = splu(sp.csc_array(sp.kron(np.eye(2) - B, eye) - sp.kron(Lambda, W)))
        self.filters = [splu(sp.csc_array(eye - r * W)) for r in design.rho]
        # Standard deviations of units between 0.5 and 1.4: a mean variance of about one.
        self.scale = 0.5 + np.random.default_rng(8).random(n) * 0.9

    def panel(self, rng: np.random.Generator) -> Panel:
        n, times = self.design.n, self.design.times
        mu = rng.normal(size=(n, 2))
        # Regressors persist, as in practice: without it serial correlation of errors would do no harm.
        X = autoregression(rng.normal(size=(times, n, 4))) + 0.7 * mu[:, [0, 0, 1, 1]]
        e = self.innovations(rng)
        blocks = []
        for t in range(times):
            u = np.column_stack(
                [f.solve(np.ascontiguousarray(e[t, :, g])) for g, f in enumerate(self.filters)]
            )
            right = np.column_stack([X[t, :, 0] + 0.5 * X[t, :, 1], X[t, :, 2] - 0.5 * X[t, :, 3]])
            y = self.system.solve((right + mu + rng.normal(size=2) + u).T.ravel()).reshape(2, n)
            blocks.append(np.column_stack([*y, X[t]]))
        index = pd.MultiIndex.from_product([range(times), range(n)], names=["t", "i"])
        frame = pd.DataFrame(np.vstack(blocks), index=index, columns=["y1", "y2", "x1", "x2", "x3", "x4"])
        return Panel(frame.swaplevel().sort_index())

    def innovations(self, rng: np.random.Generator) -> Any:
        n, times = self.design.n, self.design.times
        mix = np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]]))
        v = rng.normal(size=(times, n, 2)) @ mix.T
        if self.design.errors == "serial":
            v = autoregression(v)
        return v if self.design.errors == "iid" else v * self.scale[:, None]


def replicate(simulator: Simulator, rng: np.random.Generator) -> dict[str, float]:
    """Return the error, and whether the 95 % interval covers, of each coefficient; p-values of J and AK."""
    design = simulator.design
    with_error = any(design.rho)
    system = SpatialSystem(
        FORMULAS,
        simulator.panel(rng),
        simulator.W,
        effects=("unit", "time"),
        error="W" if with_error else None,
    )
    arrays = system.design
    cov = as_covariance(design.cov)
    # The identification check is the same in each replication: the steps are called as `fit` calls them.
    numbers, space = estimate(arrays, "gs3sls", "kp2010", 1, arrays.layout.unit)
    found = infer(space, numbers, cov, "kp2010", system._source.lookup(system.design.layout))
    truth = np.array([*TRUTH.values(), *(design.rho if with_error else ())])
    error = np.concatenate([numbers.fit.delta, found.rho]) - truth
    covered = np.abs(error) <= 1.959964 * np.sqrt(np.diag(found.cov))
    names = [f"{e}:{t}" for e, t in TRUTH] + (["rho1", "rho2"] if with_error else [])
    out = {f"error {k}": v for k, v in zip(names, error, strict=True)}
    out |= {f"cover {k}": float(v) for k, v in zip(names, covered, strict=True)}
    Z = [space.filtered(g, float(r)) for g, r in enumerate(numbers.rho)]
    Q, count = arrays.basis.Q, len(numbers.fit.delta)
    out["J hom"] = system_j(Q, numbers.residuals.T, numbers.sigma, count).p_value
    outcomes = np.column_stack([z[:, 0] for z in Z])
    out["J cluster"] = clustered_j(
        Q, [z[:, 1:] for z in Z], outcomes, numbers.residuals.T, arrays.layout.unit
    ).p_value
    if not with_error:
        out |= kelejian(system, numbers, found.cov, Z)
    return out


def kelejian(system: SpatialSystem, numbers: Any, V: Any, Z: list[Any]) -> dict[str, float]:
    out = {}
    for g, place in enumerate(system.structure.slices):
        found = anselin_kelejian(
            numbers.residuals[g],
            Z[g][:, 1:],
            V[place, place],
            system.design.operators["W"],
            n_effective=system.design.n_effective,
            time_effects=True,
            clustered=True,
        )
        out[f"AK {g + 1}"] = found.p_value
    return out


def run(design: Design, replications: int, seed: int = 0) -> pd.DataFrame:
    """Return one row for each replication; each has a seed of its own."""
    simulator = Simulator(design)
    seeds = np.random.SeedSequence(seed).spawn(replications)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return pd.DataFrame([replicate(simulator, np.random.default_rng(s)) for s in seeds])


def summary(found: pd.DataFrame) -> pd.Series[float]:
    """Return bias and coverage by coefficient, and the share of p-values below 5 %."""
    bias = found.filter(regex="^error").mean().rename(lambda k: k.replace("error", "bias"))
    cover = found.filter(regex="^cover").mean()
    size = (found.filter(regex="^(J|AK)") < 0.05).mean().rename(lambda k: f"size {k}")
    return pd.concat([bias, cover, size])


DESIGNS = {
    "iid, homoskedastic": Design(),
    "iid, cluster": Design(cov="cluster"),
    "heteroskedastic, cluster": Design(errors="heteroskedastic", cov="cluster"),
    "AR(1) and heteroskedastic, homoskedastic": Design(errors="serial"),
    "AR(1) and heteroskedastic, cluster": Design(errors="serial", cov="cluster"),
    "iid, no spatial error, cluster": Design(rho=(0.0, 0.0), cov="cluster"),
    "AR(1), no spatial error, cluster": Design(errors="serial", rho=(0.0, 0.0), cov="cluster"),
}


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    table = pd.DataFrame({name: summary(run(design, count)) for name, design in DESIGNS.items()})
    print(table.round(3).to_csv(sep="|"))
