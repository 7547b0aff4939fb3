"""Coverage, bias and root mean squared error of systems with spatial lags and errors, cell by cell.

    python docs/simulation_grid.py            # cells of which the file has fewer draws, then table and figure
    python docs/simulation_grid.py --figure   # the table and the figure alone

A row of the file is one estimate of one estimator in one cell: its bias and root mean squared error, and how
often the interval of a kind covered the truth, with the number of draws.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree
from simulation_cells import CELLS, KEYS, Cell, array
from simulation_page import draw_figure, write_page

from spatial.models import SpatialSystem
from spatial.models.estimation.covariance import Cluster
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.formula.structure import Structure
from spatial.models.impacts.map import EffectMap
from spatial.models.impacts.result import impacts
from spatial.models.instrumental.choice import fewer_lags
from spatial.models.methods import run
from spatial.models.quasi_score.distance import Coordinate
from spatial.models.quasi_score.effects import EffectTargets
from spatial.models.quasi_score.estimator import QuasiScoreEstimate
from spatial.panel.panel import Panel
from spatial.weights import Weights

Row = tuple[str, str, str, float, bool]
"""Estimator, quantity, kind of interval, error, whether the interval covers."""
FILE = Path(__file__).with_suffix(".csv")
ARRAY_FILE = Path(__file__).with_name("simulation_array.csv")
KEPT = ("y1:W(y1)", "y2:W(y2)", "y1:y2", "y2:y1", "y1:x1", "rho1", "rho2", "total x1", "no root", "beyond")
"""Quantities of the array that its file has."""
FORMULAS = ["y1 ~ y2 + W(y1) + x1 + x2", "y2 ~ y1 + W(y2) + x3 + x4", "y3 ~ y1 + W(y3) + x5 + x6"]
TRUTH = {
    ("y1", "y2"): 0.3, ("y1", "W(y1)"): 0.4, ("y1", "x1"): 1.0, ("y1", "x2"): 0.5,
    ("y2", "y1"): 0.2, ("y2", "W(y2)"): 0.3, ("y2", "x3"): 1.0, ("y2", "x4"): -0.5,
    ("y3", "y1"): 0.2, ("y3", "W(y3)"): 0.3, ("y3", "x5"): 1.0, ("y3", "x6"): -0.5,
}  # fmt: skip


class Simulator:
    """Draws panels of a cell; the reduced form is factored once."""

    def __init__(self, cell: Cell) -> None:
        self.cell, times = cell, range(cell.times)
        self.present = np.random.default_rng(11).random((cell.times, cell.n)) >= cell.absent
        self.present[:2, self.present.sum(axis=0) < 2] = True  # none is there once, or never
        own = [_weights(cell.weights, cell.n, t) for t in times] if cell.moving else []
        self.W = dict(enumerate(own)) if own else _weights(cell.weights, cell.n)
        self.M = _weights(cell.others, cell.n) if cell.others else self.W
        self.scale = 0.5 + np.random.default_rng(8).random(cell.n) * 0.9
        if cell.moving or cell.absent:
            self.factors = [self._factored(t) for t in times]
        else:
            self.factors = [self._factored(0)] * cell.times

    @property
    def system(self) -> Any:
        """Of the outcomes, where it is one for all times."""
        return self.factors[0][0]

    def _factored(self, t: int) -> tuple[Any, list[Any]]:
        """Factor the system of the outcomes, and the filters of the errors, of the units that are there."""
        here = np.flatnonzero(self.present[t])
        W, M = (_among(w[t] if isinstance(w, dict) else w, here) for w in (self.W, self.M))
        G, eye = self.cell.equations, sp.eye_array(len(here))
        B = np.array([[0, 0.3, 0], [0.2, 0, 0], [0.2, 0, 0]])[:G, :G]
        Lambda = np.diag([0.4, 0.3, 0.3])[:G, :G]
        system = _factor(sp.kron(np.eye(G) - B, eye) - sp.kron(Lambda, W))
        return system, [_factor(eye - r * M) for r in self.rho]

    @property
    def rho(self) -> list[float]:
        """Of each equation, two at least, as the draws are made."""
        first, second = self.cell.rho or (0.0, 0.0)
        return [first, second, second][: self._count]

    @property
    def _count(self) -> int:
        return max(2, self.cell.equations)

    @property
    def formulas(self) -> list[str]:
        """Of one equation, two or three."""
        return FORMULAS[: self.cell.equations] if self.cell.equations > 1 else ["y1 ~ W(y1) + x1 + x2"]

    def panel(self, rng: np.random.Generator) -> Panel:
        """Draw one panel; regressors persist and go with the effects."""
        n, times, G = self.cell.n, self.cell.times, self.cell.equations
        count, kept = self._count, self.cell.kept
        mu = rng.normal(size=(n, count)) * ("unit" in kept)
        X = _autoregression(rng.normal(size=(times, n, 2 * count))) + 0.7 * np.repeat(mu, 2, axis=1)
        e, blocks = self._innovations(rng), []
        for t in range(times):
            here = np.flatnonzero(self.present[t])
            system, filters = self.factors[t]
            u = np.column_stack([f.solve(np.ascontiguousarray(e[t, here, g])) for g, f in enumerate(filters)])
            right = X[t, :, ::2] + np.array([0.5, -0.5, -0.5])[:count] * X[t, :, 1::2]
            whole = ((right + mu)[here] + rng.normal(size=count) * ("time" in kept) + u)[:, :G]
            outcomes = system.solve(whole.T.ravel()).reshape(G, -1)
            blocks.append(np.column_stack([np.full(len(here), t), here, *outcomes, X[t, here]]))
        names = ["t", "i", *(f"y{g + 1}" for g in range(G)), *(f"x{k + 1}" for k in range(2 * count))]
        frame = pd.DataFrame(np.vstack(blocks), columns=names).astype({"t": int, "i": int})
        if self.cell.regions:
            frame["region"] = self._regions()[frame["i"]]
        return Panel(frame.set_index(["i", "t"]).sort_index())

    def _regions(self) -> Any:
        """Return the region of each unit: strips of equal numbers, from west to east."""
        order = np.argsort(np.argsort(np.random.default_rng(7).random((self.cell.n, 2))[:, 0]))
        return order * self.cell.regions // self.cell.n

    def _innovations(self, rng: np.random.Generator) -> Any:
        kind, shape = self.cell.errors, (self.cell.times, self.cell.n, self._count)
        v = (rng.chisquare(3, size=shape) - 3) / np.sqrt(6) if kind == "skewed" else rng.normal(size=shape)
        v = v @ np.linalg.cholesky(0.5 + 0.5 * np.eye(self._count)).T
        v = _autoregression(v) if kind == "serial" else v
        return v * self.scale[:, None] if kind in ("serial", "heteroskedastic") else v

    def system_of(self, panel: Panel, iv_order: int | None = None) -> SpatialSystem:
        """Return the system on one panel."""
        weights = {"W": self.W, "M": self.M} if self.cell.others else self.W
        error = None if self.cell.rho is None else "M" if self.cell.others else "W"
        return SpatialSystem(
            self.formulas,
            panel,
            weights,
            effects=("unit", "region:time") if self.cell.regions else self.cell.kept,
            error=error,
            iv_order=iv_order,
            unbalanced="induced" if self.cell.absent else "raise",
        )


def _among(weights: Weights, here: Any) -> Any:
    """Return the matrix among some units, its rows standardised again."""
    matrix = sp.csr_array(weights.sparse)
    if len(here) == matrix.shape[0]:
        return matrix
    matrix = matrix[here][:, here]
    sums = np.asarray(matrix.sum(axis=1))
    assert (sums > 0).all(), "a unit without neighbours"
    return sp.diags_array(1 / sums) @ matrix


def _factor(matrix: Any) -> Any:
    """Factor a matrix; one of few zeros as a dense one."""
    if matrix.nnz < 0.2 * matrix.shape[0] ** 2:
        return splu(sp.csc_array(matrix))
    return _Dense(np.linalg.inv(matrix.toarray()))


@dataclass(frozen=True)
class _Dense:
    inverse: Any

    def solve(self, right: Any) -> Any:
        return self.inverse @ right


def _weights(kind: str, n: int, time: int = 0) -> Weights:
    points = np.random.default_rng(7).random((n, 2))
    if time:  # places move
        points = points + 0.03 * time * np.random.default_rng(9).normal(size=(n, 2))
    if kind == "queen":
        side = max(k for k in range(1, round(np.sqrt(n)) + 1) if n % k == 0)
        points = np.stack(np.meshgrid(range(n // side), range(side)), axis=-1).reshape(-1, 2).astype(float)
        near = np.abs(points[:, None] - points[None]).max(axis=-1) == 1
        return Weights.from_dense(near.astype(float), ids=range(n)).row_standardized()
    if kind == "inverse":
        distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
        np.fill_diagonal(distance, np.inf)
        return Weights.from_dense(1 / distance, ids=range(n)).row_standardized()
    k = int(kind.removeprefix("knn"))
    near = cKDTree(points).query(points, k + 1)[1][:, 1:]
    matrix = sp.csr_array((np.full(k * n, 1 / k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))
    return Weights.from_sparse(matrix, ids=range(n)).row_standardized()


def _autoregression(v: Any) -> Any:
    out = v.copy()
    for t in range(1, len(v)):
        out[t] = 0.7 * out[t - 1] + np.sqrt(1 - 0.49) * v[t]
    return out


@dataclass(frozen=True)
class Truth:
    """The coefficients of a cell, and the effects of x1 on y1 that they imply."""

    simulator: Simulator
    structure: Structure

    @cached_property
    def delta(self) -> Any:
        """Coefficients in the order of the system."""
        return np.array([TRUTH.get((e, t.name), 0.0) for e, t in self.structure.terms])  # a constant is 0

    @property
    def has_effects(self) -> bool:
        """Whether one reduced form serves all times."""
        return not (self.simulator.cell.absent or self.simulator.cell.moving)

    @cached_property
    def effects(self) -> Any:
        """Direct, indirect and total effect of x1 on y1."""
        n, right = self.simulator.cell.n, np.zeros((self.simulator.cell.equations * self.simulator.cell.n,))
        total = right.copy()
        total[:n] = 1.0
        rows = self.simulator.system.solve(total)[:n].mean()
        diagonal = 0.0
        for i in range(n):
            unit = right.copy()
            unit[i] = 1.0
            diagonal += self.simulator.system.solve(unit)[i]
        return np.array([diagonal / n, rows - diagonal / n, rows])


def measured(
    simulator: Simulator, truth: Truth, rng: np.random.Generator, only: tuple[str, ...] = ()
) -> Iterator[Row]:
    """Yield what one draw says; of an estimate without a root only that there is none.

    Roots beyond the admissible region are counted, and used; `only` some estimators are asked.
    """
    system = simulator.system_of(simulator.panel(rng))
    many = system._arrays
    rho = [] if simulator.cell.rho is None else simulator.rho[: simulator.cell.equations]
    names = [f"{e}:{t.name}" for e, t in system.structure.terms] + [f"rho{g + 1}" for g in range(len(rho))]
    values = np.concatenate([truth.delta, rho])
    asked = {"gs3sls, WX and W2X": Request(many, system._source, "gs3sls", Cluster())}
    if rho:
        asked["gs3sls"] = replace(asked["gs3sls, WX and W2X"], design=fewer_lags(many))
        asked["gs3sls, best"] = replace(asked["gs3sls"], iv="best")
    asked["aqs"] = replace(asked["gs3sls, WX and W2X"], method="aqs")
    if simulator.cell.absent or simulator.cell.moving:  # costly: each value of rho has effects of its own
        only = only or ("gs3sls", "aqs")
    asked = {label: asked[label] for label in only or asked}
    for label, request in asked.items():
        found = run(request)
        if isinstance(found, QuasiScoreEstimate) and not found.solved:
            yield label, "beyond" if found.has_distance else "no root", "-", 0.0, False
            if not found.has_distance:
                continue
        error = np.concatenate([found.delta, found.inference.rho]) - values
        half = found.inference.law.quantile(0.95) * np.sqrt(np.diag(found.inference.cov))
        for name, e, h in zip(names, error, half, strict=True):
            yield label, name, "wald", float(e), bool(abs(e) <= h)
        if isinstance(found, QuasiScoreEstimate):
            yield from _by_distance(found, truth, names, values)
        elif label == ("gs3sls" if rho else "gs3sls, WX and W2X"):
            yield from _by_errors(found, truth, label)


def _by_errors(found: Estimate, truth: Truth, label: str) -> Iterator[Row]:
    """Yield whether intervals of the effects of x1 on y1 cover, by the delta method and simulated."""
    if not truth.has_effects:
        return
    simulated = truth.simulator.cell.effects
    frame = impacts(found, draws=300 if simulated else 0).tidy()
    rows = frame[(frame["outcome"] == "y1") & (frame["term"] == "x1")].to_dict("records")
    for row, true in zip(rows, truth.effects, strict=True):
        error, name = row["estimate"] - true, f"{row['effect']} x1"
        half = found.inference.law.quantile(0.95) * row["std_error_delta"]
        yield label, name, "delta", error, abs(error) <= half
        if simulated:
            yield label, name, "simulated", error, row["conf_low"] <= true <= row["conf_high"]


def _by_distance(found: QuasiScoreEstimate, truth: Truth, names: list[str], values: Any) -> Iterator[Row]:
    """Yield whether the distance at the truth is within its quantile, as the interval is its inversion."""
    for k, name in enumerate(names):
        p = found.p_value(Coordinate(k, len(values)), float(values[k]))
        yield "aqs", name, "distance", float(found.theta[k] - values[k]), bool(p > 0.05)
    if not truth.has_effects:
        return
    effects = EffectMap(found.structure, {"W": truth.simulator.W.sparse}, "short", 0)
    targets = EffectTargets(effects, len(values)).of(0, effects.terms.index("x1"))
    for name, target, true in zip(("direct", "indirect", "total"), targets, truth.effects, strict=True):
        p = found.p_value(target, float(true))
        if np.isfinite(p):  # else the solution has no reduced form, and the fit takes the delta method
            yield "aqs", f"{name} x1", "distance", target(found.theta)[0] - true, bool(p > 0.05)


def simulate(
    cell: Cell, draws: int, seed: int = 0, after: int = 0, only: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Return the rows of one cell; each draw has a seed of its own, the first follows `after` others."""
    simulator = Simulator(cell)
    found: list[Row] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        first = simulator.system_of(simulator.panel(np.random.default_rng(0)))
        truth = Truth(simulator, first.structure)
        for child in np.random.SeedSequence(seed).spawn(after + draws)[after:]:
            found += measured(simulator, truth, np.random.default_rng(child), only)
    frame = pd.DataFrame(found, columns=["estimator", "quantity", "interval", "bias", "coverage"])
    frame = frame.assign(used=1, rmse=frame["bias"].abs())
    for name, value in zip(KEYS[:7], cell.key, strict=True):
        frame[name] = value
    return pooled(frame, draws)


def pooled(rows: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Return means over all draws, of rows that are means over `used` draws each."""
    used = rows["used"]
    sums = rows.assign(
        bias=rows["bias"] * used,
        rmse=rows["rmse"] ** 2 * used,
        coverage=np.rint(rows["coverage"].astype(float) * used),
    )
    out = sums.groupby(KEYS, sort=False)[["used", "bias", "rmse", "coverage"]].sum()
    out[["bias", "rmse", "coverage"]] = out[["bias", "rmse", "coverage"]].div(out["used"], axis=0)
    out["rmse"] = np.sqrt(out["rmse"])
    return (
        out.reset_index().assign(draws=draws)[[*KEYS, "draws", "used", "bias", "rmse", "coverage"]].round(4)
    )


def stored(file: Path = FILE) -> pd.DataFrame:
    """Return a file; an empty frame where there is none."""
    return pd.read_csv(file) if file.exists() else pd.DataFrame(columns=[*KEYS, "draws"])


def drawn(cell: Cell, known: pd.DataFrame) -> int:
    """Return how many draws of a cell a file has."""
    return int(known.loc[cell.of(known), "draws"].max()) if cell.of(known).any() else 0


def go_on(cell: Cell, draws: int, cells: list[Cell], file: Path) -> None:
    """Add draws to a cell of a file, which has its cells in the order of the list."""
    print(cell, draws, flush=True)
    known = stored(file)
    done, mine = drawn(cell, known), cell.of(known)
    rows = simulate(cell, draws, after=done)
    rows = rows if file == FILE else rows[rows["quantity"].isin(KEPT)]
    rows = pooled(pd.concat([known[mine], rows]), done + draws) if done else rows
    found = pd.concat([known[~mine], rows]) if len(known) else rows
    pd.concat([found[one.of(found)] for one in cells]).to_csv(file, index=False)


def main() -> None:
    """Draw what the files lack, in parts of a hundred draws, each kept when it is done."""
    for cells, file in ((CELLS, FILE), (array(), ARRAY_FILE)):
        for cell in cells:
            while (done := drawn(cell, stored(file))) < cell.draws:
                go_on(cell, min(100, cell.draws - done), cells, file)


if __name__ == "__main__":
    if "--figure" not in sys.argv:
        main()
    both = stored(), stored(ARRAY_FILE)
    write_page(*both)
    draw_figure(*both, Path(__file__).parent / "images" / "simulation_grid.png")
