"""Bias and coverage of maximum likelihood, model by model, into docs/simulation.md.

    python docs/simulation_likelihood.py          # cells of which the file has fewer draws, then the table
    python docs/simulation_likelihood.py --page   # the table alone

A row of the file is one quantity of one cell: mean error, root mean squared error, and how often the 95 %
interval covered the truth.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy import linalg
from scipy.spatial import cKDTree

from spatial.models import SpatialSystem, SystemFit
from spatial.models.impacts.errors import EFFECTS
from spatial.models.likelihood.held import effect_weights
from spatial.models.likelihood.ratios import Reading, position, ratio_statistic
from spatial.panel.panel import Panel
from spatial.weights import Weights

FILE = Path(__file__).with_suffix(".csv")
START = "<!-- likelihood: written by docs/simulation_likelihood.py -->"
END = "<!-- end of likelihood -->"
LAM, RHO, DURBIN, TAU, ETA, ALPHA = 0.4, 0.3, 0.5, 0.4, -0.1, 0.5
SHOWN = ["W(y)", "rho", "x", "W(x)", "lag(y, 1)", "direct", "indirect", "total", "total, long run"]


@dataclass(frozen=True)
class Cell:
    """A model, the effects that are out, units and times, innovations, covariance.

    `random` is the form of random effects, where `effects` is "random"; `by` is "lr" for likelihood
    ratios with small=True.
    """

    model: str
    effects: str = "unit, time"
    n: int = 100
    times: int = 5
    errors: str = "normal"
    cov: str = ""
    random: str = ""
    by: str = ""

    @property
    def has(self) -> dict[str, bool]:
        """Which parts the model has."""
        lag = self.model in ("SAR", "SDM", "SAC", "MESS", "dynamic SAR")
        return {
            "lag": lag,
            "error": self.model in ("SEM", "SDEM", "SAC"),
            "durbin": self.model in ("SLX", "SDM", "SDEM"),
            "past": self.model.startswith("dynamic"),
        }


KEYS = [field.name for field in fields(Cell)]
CELLS = [
    *(Cell(model) for model in ("OLS", "SLX", "SAR", "SEM", "SDM", "SDEM", "SAC", "MESS")),
    *(Cell(model, n=250) for model in ("SAR", "SDM", "SAC")),
    Cell("SAC", n=500),
    *(Cell(model, "", n=100, times=1) for model in ("SAR", "SEM", "SDM")),
    *(Cell(model, "unit", times=2) for model in ("SAR", "SEM", "SDM")),
    *(Cell(model, errors="skewed", cov="qml") for model in ("SAR", "SDM", "SEM")),
    Cell("dynamic SAR", times=4),
    Cell("dynamic SAR", times=10),
    Cell("SAR", "random"),
    Cell("SDM", "random"),
    Cell("SEM", "random", random="kkp"),
    Cell("SEM", "random", random="bsk"),
    Cell("SAC", "random", random="kkp"),
    *(Cell(model, "", n=100, times=1, by="lr") for model in ("SAR", "SEM", "SDM")),
    *(Cell(model, "unit", times=2, by="lr") for model in ("SAR", "SEM", "SDM")),
    Cell("SAC", by="lr"),
    Cell("SAC", "random", random="kkp", by="lr"),
]
DRAWS = 1000


class Simulator:
    """Draws panels of a cell and knows the truth."""

    def __init__(self, cell: Cell) -> None:
        self.cell, n = cell, cell.n
        points = np.random.default_rng(5).random((n, 2))
        near = cKDTree(points).query(points, 6)[1][:, 1:]
        self.W = np.zeros((n, n))
        self.W[np.repeat(np.arange(n), 5), near.ravel()] = 0.2
        eye, has = np.eye(n), cell.has
        exponential = cell.model == "MESS"
        self.S = linalg.expm(ALPHA * self.W) if exponential else linalg.inv(eye - LAM * has["lag"] * self.W)
        self.R = linalg.inv(eye - RHO * has["error"] * self.W)
        self.B = eye + DURBIN * has["durbin"] * self.W
        self.weights = Weights.from_sparse(sp.csr_array(self.W), ids=range(n))

    @cached_property
    def truth(self) -> dict[str, float]:
        """Coefficients, and the effects of x."""
        has, E, n = self.cell.has, self.S @ self.B, self.cell.n
        out = {"x": 1.0}
        if has["lag"]:
            out["W(y)"] = ALPHA if self.cell.model == "MESS" else LAM
        if has["error"]:
            out["rho"] = RHO
        if has["durbin"]:
            out["W(x)"] = DURBIN
        if has["past"]:
            out |= {"lag(y, 1)": TAU, "W(lag(y, 1))": ETA, "total, long run": 1 / (1 - LAM - TAU - ETA)}
        if has["lag"] or has["durbin"]:
            direct, total = float(np.trace(E)) / n, float(E.sum()) / n
            out |= {"direct": direct, "indirect": total - direct, "total": total}
        return out

    def panel(self, rng: np.random.Generator) -> Panel:
        """Draw one panel; fixed effects go with x, random ones do not."""
        cell, n = self.cell, self.cell.n
        burn = 40 if cell.has["past"] else 0
        times = cell.times + burn + cell.has["past"]
        random, shape = cell.effects == "random", (times, n)
        mu = rng.normal(size=n) * (cell.times > 1)
        x, z = rng.normal(size=(2, *shape)) + (0.0 if random else 0.3) * mu
        e = (
            (rng.chisquare(3, size=shape) - 3) / np.sqrt(6)
            if cell.errors == "skewed"
            else rng.normal(size=shape)
        )
        u = (e + mu) @ self.R.T if random and cell.random != "bsk" else e @ self.R.T + mu
        gamma = rng.normal(size=(times, 1)) * ("time" in cell.effects)
        right, past, rows = x @ self.B.T - 0.5 * z + u + gamma, np.zeros(n), []
        for t in range(times):
            moved = TAU * past + ETA * self.W @ past if cell.has["past"] else 0.0
            past = self.S @ (right[t] + moved)
            rows.append(past)
        cube = np.stack([np.array(rows), x, z])[:, burn:]
        index = pd.MultiIndex.from_product([range(cube.shape[1]), range(n)], names=["t", "i"])
        frame = pd.DataFrame(cube.reshape(3, -1).T, columns=["y", "x", "z"], index=index)
        return Panel.from_frame(frame.reset_index(), unit="i", time="t")

    def fit(self, panel: Panel) -> SystemFit:
        """Estimate the model of the cell."""
        cell, has = self.cell, self.cell.has
        terms = ["x", "z"] + ["W(x)"] * has["durbin"] + ["W(y)"] * has["lag"]
        terms += ["lag(y, 1)", "W(lag(y, 1))"] * has["past"]
        effects = tuple(e for e in cell.effects.split(", ") if e)
        data: Any = panel if cell.times > 1 else panel.frame.reset_index("t", drop=True)
        options: dict[str, Any] = {"cov": cell.cov} if cell.cov else {}
        options |= {"random": cell.random} if cell.random else {}
        options |= {"small": True} if cell.by else {}
        system = SpatialSystem(
            f"y ~ {' + '.join(terms)}",
            data,
            self.weights,
            effects=effects,
            error="W" if has["error"] else None,
        )
        return system.fit("mess" if cell.model == "MESS" else "ml", **options)


def simulate(cell: Cell, draws: int, after: int) -> pd.DataFrame:
    """Return one row for each quantity and draw; draw k has a seed of its own."""
    simulator, rows = Simulator(cell), []
    truth = simulator.truth
    for seed in np.random.SeedSequence(16).spawn(after + draws)[after:]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            fit = simulator.fit(simulator.panel(np.random.default_rng(seed)))
            tables = [fit.tidy().set_index("term")]
            if "total" in truth:
                effects = fit.impacts(draws=0).tidy().query("term == 'x'")
                tables.append(effects.set_index("effect"))
            if "total, long run" in truth:
                effects = (
                    fit.impacts(draws=0, horizon="long").tidy().query("term == 'x' and effect == 'total'")
                )
                tables.append(effects.set_index(pd.Index(["total, long run"])))
        found = pd.concat([table[["estimate", "conf_low", "conf_high"]] for table in tables])
        held = held_by_ratios(fit, truth) if cell.by else {}
        for name, value in truth.items():
            estimate, low, high = found.loc[name]
            if not cell.by or name in held:
                rows.append((name, estimate - value, held.get(name, low <= value <= high)))
    return pd.DataFrame(rows, columns=["quantity", "error", "covers"])


def held_by_ratios(fit: SystemFit, truth: dict[str, float]) -> dict[str, bool]:
    """Return whether the interval by likelihood ratios of each quantity holds the truth."""
    estimate: Any = fit.estimate
    model, found = estimate.model, estimate.found
    limit = Reading(estimate.inference.law, model.n).threshold(0.95)
    out = {}
    names = [*(t.name for t in model.equation.terms), "rho"]
    for k in range(len(estimate.inference.cov)):
        if names[k] in truth and not fit.estimate.design.random:  # of these the effects alone
            place = position(model, k)
            out[names[k]] = ratio_statistic(model.profile, found, place, truth[names[k]]) <= limit
    if "total" in truth:
        effects = fit.impacts()._map
        combine, x = effect_weights(effects, list(model.terms)), effects.terms.index("x")
        for e, name in enumerate(EFFECTS):
            value = truth[name]
            out[name] = estimate.held.statistic(lambda lam, e=e: combine(lam)[e, x], value) <= limit
    return out


def summed(rows: pd.DataFrame, cell: Cell, draws: int) -> pd.DataFrame:
    """Return the rows of the file for some draws of a cell."""
    rows = rows.assign(square=rows["error"] ** 2, covers=rows["covers"].astype(float))
    out = rows.groupby("quantity", sort=False).mean().reset_index()
    for name, value in zip(KEYS, astuple(cell), strict=True):
        out[name] = value
    out = out.rename(columns={"error": "bias", "covers": "coverage"}).assign(draws=draws)
    out["rmse"] = np.sqrt(out.pop("square"))
    return out[[*KEYS, "quantity", "draws", "bias", "rmse", "coverage"]]


def stored() -> pd.DataFrame:
    """Return the file; an empty frame where there is none."""
    if not FILE.exists():
        return pd.DataFrame(columns=[*KEYS, "quantity", "draws", "bias", "rmse", "coverage"])
    return pd.read_csv(FILE, keep_default_na=False)


def of(cell: Cell, found: pd.DataFrame) -> Any:
    """Return which rows of the file are of this cell."""
    return (found[KEYS] == list(astuple(cell))).all(axis=1) if len(found) else np.zeros(0, dtype=bool)


def go_on(cell: Cell, draws: int) -> None:
    """Add draws to a cell of the file, which has its cells in the order of the list."""
    known = stored()
    mine = known[of(cell, known)]
    done = int(mine["draws"].max()) if len(mine) else 0
    new = summed(simulate(cell, draws, done), cell, draws)
    if done:
        a, b = mine.set_index("quantity"), new.set_index("quantity")
        share = draws / (done + draws)
        for name in ("bias", "coverage"):
            b[name] = share * b[name] + (1 - share) * a[name]
        b["rmse"] = np.sqrt(share * b["rmse"] ** 2 + (1 - share) * a["rmse"] ** 2)
        new = b.reset_index().assign(draws=done + draws)[mine.columns]
    rest = known[~of(cell, known)]
    found = pd.concat([rest, new]) if len(rest) else new
    pd.concat([found[of(one, found)] for one in CELLS]).round(5).to_csv(FILE, index=False)


def main() -> None:
    """Draw what the file lacks, a hundred draws at a time."""
    for total in range(100, DRAWS + 1, 100):
        for cell in CELLS:
            known = stored()
            done = int(known.loc[of(cell, known), "draws"].max()) if of(cell, known).any() else 0
            while done < total:
                step = min(100, total - done)
                print(cell, done, flush=True)
                go_on(cell, step)
                done += step


def label(cell: Cell) -> str:
    """Name a cell as the page does."""
    extra = [cell.errors] * (cell.errors != "normal") + [f'`cov="{cell.cov}"`'] * bool(cell.cov)
    extra += ["likelihood ratios, `small=True`"] * bool(cell.by)
    effects = {"unit, time": "unit and time", "": "none"}.get(cell.effects, cell.effects)
    return ", ".join([cell.model, *extra]) + f" | {effects}{f', {cell.random}' * bool(cell.random)}"


def write_page() -> None:
    """Put the table into docs/simulation.md."""
    found = stored()
    lines = [
        f"| model | effects | N, T | draws | {' | '.join(SHOWN)} |",
        f"|---|---|---|---:|{'---:|' * len(SHOWN)}",
    ]
    for cell in CELLS:
        mine = found[of(cell, found)].set_index("quantity")
        if len(mine):
            shown = [f"{mine['coverage'][q]:.3f}" if q in mine.index else "" for q in SHOWN]
            draws = int(mine["draws"].max())
            lines.append(f"| {label(cell)} | {cell.n}, {cell.times} | {draws} | {' | '.join(shown)} |")
    page = Path(__file__).with_name("simulation.md")
    before, rest = page.read_text(encoding="utf-8").split(START)
    page.write_text(before + "\n".join([START, "", *lines, "", END]) + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    if "--page" not in sys.argv:
        main()
    write_page()
