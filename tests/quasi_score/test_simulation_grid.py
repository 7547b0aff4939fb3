"""The stored grid of coverages: what the package and its page say of it, and a small part drawn again."""

from __future__ import annotations

import importlib
import sys
import warnings
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.models.estimation.covariance import Cluster
from spatial.models.estimation.estimate import Request
from spatial.models.impacts.result import impacts
from spatial.models.methods import run
from spatial.models.quasi_score.coverage import APART, APART_WHERE, COVERAGE, JOINT, WHERE

DOCS = Path(__file__).parents[2] / "docs"


sys.path.insert(0, str(DOCS))
GRID: Any = importlib.import_module("simulation_grid")
PAGE: Any = importlib.import_module("simulation_page")
PLAN: Any = importlib.import_module("simulation_cells")
FOUND = GRID.stored()
ARRAY = GRID.stored(GRID.ARRAY_FILE)
LAGS = FOUND[FOUND["quantity"].isin(["y1:W(y1)", "y2:W(y2)", "rho1", "rho2"])]
SPARSE = LAGS[(LAGS["rho1"] < 1) & (LAGS["weights"] != "inverse")]
SAME = SPARSE[~SPARSE["weights"].str.contains(", ")]
OTHER = SPARSE[SPARSE["weights"].str.contains(PLAN.OTHERS)]
KINDS = {"lags": "gs3sls, WX and W2X", "one lag": "gs3sls", "best": "gs3sls, best", "aqs": "aqs"}


def _of(kind: str, rows: pd.DataFrame) -> pd.DataFrame:
    interval = "distance" if kind == "aqs" else "wald"
    return rows[(rows["estimator"] == KINDS[kind]) & (rows["interval"] == interval)]


def _range(share: pd.Series) -> str:
    return "-".join(f"{v:.2f}".removeprefix("0") for v in (share.min(), share.max()))


@pytest.mark.parametrize("cell", PLAN.CELLS, ids=lambda cell: "-".join(map(str, cell.key)))
def test_the_file_has_draws_of_every_cell(cell: Any) -> None:
    rows = FOUND[cell.of(FOUND)]
    draws = GRID.drawn(cell, FOUND)
    assert draws >= 50
    assert (rows["draws"] == draws).all()
    roots = rows[(rows["estimator"] != "aqs") & (rows["quantity"] != "no root")]
    assert (roots["used"] == draws).all()
    solved = rows[(rows["estimator"] == "aqs") & (rows["quantity"] == "y1:W(y1)")]["used"]
    none = rows[rows["quantity"] == "no root"]["used"].sum()
    assert (solved + none == draws).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_fit_says_of_its_coverage_is_what_the_file_has(kind: str) -> None:
    assert COVERAGE[kind] == _range(_of(kind, SAME)["coverage"])
    assert APART[kind] == _range(_of(kind, OTHER)["coverage"])
    for name, values in (("N", SAME["n"]), ("T", SAME["times"])):
        assert f"{name} {values.min()}-{values.max()}" in WHERE
    assert f"N {OTHER['n'].min()}-{OTHER['n'].max()}, T {OTHER['times'].min()}" in APART_WHERE
    assert OTHER["times"].nunique() == 1


@pytest.mark.parametrize("where", JOINT)
def test_what_a_joint_fit_says_of_its_cell_is_what_the_file_has(where: str) -> None:
    slopes = FOUND["quantity"].isin(["y1:y2", "y2:y1"])
    lags = FOUND["quantity"].isin(LAGS["quantity"].unique())
    rows = {
        "two times": lags & (FOUND["times"] == 2),
        "other outcomes at two times": slopes & (FOUND["times"] == 2),
        "regions by time": (lags | slopes) & FOUND["weights"].str.contains("regions by time"),
        "all pairs": (lags | slopes) & (FOUND["weights"] == "inverse"),
        "unbalanced": (lags | slopes) & FOUND["weights"].str.contains("of cells absent"),
        "weights by time": (lags | slopes) & FOUND["weights"].str.contains("weights by time"),
    }[where]
    assert JOINT[where] == _range(_of("aqs", FOUND[rows])["coverage"])


def test_the_joint_estimator_covers_in_every_cell() -> None:
    found = _of("aqs", SPARSE)
    error = np.sqrt(0.95 * 0.05 / found["used"])
    two_times = found["times"] == 2
    assert ((found["coverage"] - 0.95).abs() < 0.02 + 3 * error)[~two_times].all()
    assert (found["coverage"] >= 0.88).all()
    assert found["used"].min() >= 40


def test_fewer_lags_and_the_best_cover_more_often_where_intervals_are_short() -> None:
    first = SAME[(SAME["quantity"] == "y1:W(y1)") & (SAME["interval"] == "wald")]
    wide = first.pivot_table(index=PLAN.KEYS[:7], columns="estimator", values="coverage")
    short = wide[(wide.index.get_level_values("equations") == 2) & (wide["gs3sls"] < 0.93)]
    assert len(short) > 15
    assert (short["gs3sls, WX and W2X"] <= short["gs3sls"]).all()
    assert (short["gs3sls"] < short["gs3sls, best"]).all()
    bias = first.pivot_table(index=PLAN.KEYS[:7], columns="estimator", values="bias")
    part = (bias["gs3sls"] / bias["gs3sls, WX and W2X"])[short.index]
    assert (part < 1).all()
    assert (part < 0.95)[part.index.get_level_values("times") > 2].all()


def test_effects_cover_by_the_delta_method_where_simulated_ones_do_not() -> None:
    found = FOUND[FOUND["interval"].isin(["delta", "simulated"])]
    away = (found["coverage"] - 0.95).abs().groupby(found["interval"]).mean()
    assert away["delta"] < 0.03 < 0.1 < away["simulated"]
    assert found[found["interval"] == "delta"]["coverage"].min() > 0.84
    delta, simulated = (_range(found[found["interval"] == k]["coverage"]) for k in ("delta", "simulated"))
    words = " ".join((impacts.__doc__ or "").split())
    assert f"its intervals cover in {delta} of samples where the simulated cover in {simulated}," in words
    page = " ".join((DOCS / "simulation.md").read_text(encoding="utf-8").split())
    assert f"by the delta method cover in {delta} " in page
    assert f"simulated intervals in {simulated}," in page


def test_the_page_has_the_table_of_the_file() -> None:
    page = (DOCS / "simulation.md").read_text(encoding="utf-8")
    for row in PAGE.covers(FOUND).to_dict("records"):
        assert f"| {row['cell']} | " in page
        assert f" | {row['aqs: W(y1)']:.3f} | " in page
    assert f"{FOUND['draws'].min()} to {FOUND['draws'].max()} draws a cell:" in " ".join(page.split())


def test_any_levels_of_three_factors_stand_together_in_the_array() -> None:
    cells = [(c.n, c.times, c.rho, c.weights, c.errors, c.equations) for c in PLAN.array()]
    assert len(set(cells)) == 64
    sizes = (4, 3, 4, 4, 4, 2)
    for three in combinations(range(6), 3):
        together = {tuple(cell[k] for k in three) for cell in cells}
        assert len(together) == np.prod([sizes[k] for k in three])


def test_the_file_has_draws_of_every_cell_of_the_array_but_the_costly() -> None:
    cells = PLAN.array()
    lacking = [(c.n, c.weights, c.times) for c in cells if GRID.drawn(c, ARRAY) < 50]
    assert lacking == [(1000, "inverse", 15), (1000, "inverse", 2)]
    page = " ".join((DOCS / "simulation.md").read_text(encoding="utf-8").split())
    assert f"{ARRAY['draws'].min()} or {ARRAY['draws'].max()} draws a cell" in page


def test_the_joint_estimator_covers_at_each_level_of_the_array() -> None:
    found = PAGE.levels(ARRAY)
    assert found["aqs"].between(0.92, 0.98).all()
    assert (found["aqs"] > found["GS3SLS, WX and W2X"]).all()
    page = (DOCS / "simulation.md").read_text(encoding="utf-8")
    for row in found.to_dict("records"):
        assert f"| {row['level']} | {row['cells']} | {row['GS3SLS, WX and W2X']:.3f} (" in page


def test_draws_in_parts_are_the_draws_at_once() -> None:
    cell = PLAN.Cell(50, 6, None)
    parts = pd.concat([GRID.simulate(cell, 2), GRID.simulate(cell, 1, after=2)])
    pd.testing.assert_frame_equal(GRID.pooled(parts, 3), GRID.simulate(cell, 3), atol=2e-4)


def test_a_small_part_drawn_again() -> None:
    found = GRID.simulate(PLAN.Cell(50, 6), draws=5, seed=1).set_index(["estimator", "quantity", "interval"])
    used = found.loc[("aqs", "y1:W(y1)", "distance"), "used"]
    assert used >= 4
    # Five draws: fewer than three that cover have a probability of .001 each.
    for name in ("y1:W(y1)", "y2:W(y2)", "rho1", "total x1"):
        assert found.loc[("aqs", name, "distance"), "coverage"] * used >= 3
    assert found.loc[("gs3sls, WX and W2X", "y1:W(y1)", "wald"), "bias"] > 0.05


@pytest.mark.slow
def test_more_of_it_drawn_again_within_the_bounds_of_400_draws() -> None:
    found = GRID.simulate(PLAN.Cell(60, 6, effects=False), draws=400, seed=2, only=("aqs",))
    found = found.set_index(["estimator", "quantity", "interval"])
    for name in ("y1:W(y1)", "y2:W(y2)", "rho1", "rho2", "total x1", "y1:y2"):
        assert 0.92 <= found.loc[("aqs", name, "distance"), "coverage"] <= 0.98


@pytest.mark.parametrize("draw", [29, 69])
def test_the_last_steps_never_lead_away_from_the_root(draw: int) -> None:
    """Two draws of N = 50, T = 2 where undamped steps did, to rho = -9694 and to negative variances."""
    simulator = GRID.Simulator(PLAN.Cell(50, 2, PLAN.LOW))
    child = np.random.SeedSequence(0).spawn(draw + 1)[draw]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        system = simulator.system_of(simulator.panel(np.random.default_rng(child)))
        found = run(Request(system._arrays, system._source, "aqs", Cluster()))
    assert np.abs(found.inference.rho).max() <= 1.0
    assert (np.diag(found.inference.cov) > 0).all()
