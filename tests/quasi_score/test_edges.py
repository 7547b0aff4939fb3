"""Solutions beyond the admissible region, effects that the filter changes, other endogenous regressors."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_simulation_grid import GRID, PLAN

from spatial.errors import DataError, SpatialWarning
from spatial.models import BoundaryWarning, SpatialSystem
from spatial.models.estimation.covariance import Cluster
from spatial.models.estimation.estimate import Request
from spatial.models.instrumental.choice import FAR_OFF
from spatial.models.methods import run
from spatial.models.quasi_score.distance import Coordinate
from spatial.models.quasi_score.estimator import NoRootWarning
from spatial.models.quasi_score.weights import score_covariance
from spatial.panel.panel import Panel

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")


@cache
def _drawn(cell: Any, draw: int) -> SpatialSystem:
    """Return the system of one draw of a cell of the grid."""
    child = np.random.SeedSequence(0).spawn(draw + 1)[draw]
    simulator = GRID.Simulator(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found: SpatialSystem = simulator.system_of(simulator.panel(np.random.default_rng(child)))
    return found


DENSE = PLAN.Cell(100, 6, weights="inverse")


@cache
def _edge() -> Any:
    """Return a fit with inverse distances whose solution has a rho above one."""
    with pytest.warns(BoundaryWarning, match=r"solution beyond the admissible region \(rho of y1 1\.\d\d"):
        return _drawn(DENSE, 1).fit("aqs")


def test_beyond_the_region_the_score_with_the_same_weights_is_zero() -> None:
    found = _edge().estimate
    assert not found.solved
    assert found.has_distance
    centre = found.root.centre
    score = found.a @ found.moments.values(centre)
    scale = np.sqrt(np.diag(score_covariance(found.moments, found.a, centre, "cluster")))
    np.testing.assert_allclose(score / scale, 0.0, atol=1e-8)
    assert abs(centre[8]) > 1 >= np.abs(_edge().rho).max()


def test_a_fit_at_the_edge_says_so_and_has_intervals_by_distance_inside_the_region() -> None:
    fit = _edge()
    assert not fit.converged
    assert "beyond the admissible region" in fit.summary()
    frame = fit.confint()
    assert (frame["method"] == "distance").all()
    rho = frame[frame["term"] == "rho"]
    assert (rho["conf_low"] >= -1).all()
    assert (rho["conf_high"] <= 1).all()
    # The interval is where the distance is below its quantile: its ends have p = .05.
    low = float(frame.loc[(frame["equation"] == "y1") & (frame["term"] == "W(y1)"), "conf_low"].iloc[0])
    assert fit.estimate.p_value(Coordinate(1, 10), low) == pytest.approx(0.05, abs=1e-4)


def test_without_a_root_the_nearest_point_comes_with_a_warning_that_says_what_to_do() -> None:
    system = _drawn(PLAN.Cell(50, 2), 18)
    with (
        pytest.warns(BoundaryWarning),
        pytest.warns(NoRootWarning, match="2 times and 12 instruments.*iv_order=1.*anderson_rubin"),
    ):
        fit = system.fit("aqs")
    assert fit.estimate.root.centre is None
    assert not fit.converged
    assert "no solution near" in fit.summary()
    assert (fit.confint()["method"] == "wald").all()
    with pytest.raises(DataError, match="have no solution here: use method='wald'"):
        fit.confint(method="distance")
    assert fit.diagnostics().test("Hansen J (clustered)", "y1").detail.startswith("two-step GMM")


@pytest.mark.slow
def test_with_dense_weights_each_sample_has_intervals_and_they_cover() -> None:
    truth, hits = np.array([0.3, 0.4, 1.0, 0.5, 0.2, 0.3, 1.0, -0.5, 0.7, 0.7]), []
    for draw in range(40):
        system = _drawn(DENSE, draw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = run(Request(system._arrays, system._source, "aqs", Cluster()))
        assert found.has_distance
        hits.append([found.p_value(Coordinate(k, 10), float(v)) > 0.05 for k, v in enumerate(truth)])
    # 400 intervals of 40 samples: .95, with a standard error of .035 if those of a sample were one.
    assert 0.9 < np.mean(hits) < 0.99
    assert np.min(np.mean(hits, axis=0)) > 0.8


def test_best_instruments_that_lead_far_off_are_said_to() -> None:
    far = _drawn(PLAN.Cell(50, 6), 19)
    with pytest.warns(SpatialWarning, match="no stable equilibrium, and are likely far off"):
        fit = far.fit("gs3sls", iv="best")
    assert abs(fit.params["y1", "W(y1)"]) > 3
    assert FAR_OFF in fit.notes
    near = _drawn(PLAN.Cell(50, 6), 20).fit("gs3sls", iv="best")
    assert FAR_OFF not in near.notes


def test_clustered_covariances_count_the_effects_that_the_filter_changes() -> None:
    simulator = GRID.Simulator(PLAN.Cell(60, 4))
    data = simulator.panel(np.random.default_rng(3)).frame.copy()
    data["region"] = data.index.get_level_values(0) // 20
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = (
            SpatialSystem(
                simulator.formulas, Panel(data), simulator.W, effects=("unit", "region:time"), error="W"
            )
            .fit("aqs")
            .estimate
        )
    moments, a, unit = found.moments, found.a, found.design.layout.unit
    p = moments.columns.Q.shape[1]
    # The part of the linear moments alone, where the forms have no weight.
    alone = np.concatenate([a[:, : 2 * p], np.zeros((len(a), len(moments.forms)))], axis=1)
    sums = np.zeros((60, len(a)))
    for g, e in enumerate(moments.residuals(found.theta)):
        for i in range(60):
            sums[i] += a[:, g * p : (g + 1) * p] @ (moments.columns.Q[unit == i].T @ e[unit == i])
    rank = np.linalg.matrix_rank(_dummies_and_lags(found.design))
    assert moments.n == 240 - rank
    expected = sums.T @ sums * 60 / 59 * (240 - 60) / (240 - rank)
    np.testing.assert_allclose(score_covariance(moments, alone, found.theta, "cluster"), expected, rtol=1e-8)


def _dummies_and_lags(design: Any) -> np.ndarray:
    """Return units, regions by times, and their lags, as columns of ones and zeros; (240, ...)."""
    layout, W = design.layout, design.operators["W"]
    region = layout.unit // 20
    columns = [layout.unit == i for i in range(60)]
    columns += [(region == r) & (layout.time == t) for r in range(3) for t in range(4)]
    D = np.column_stack(columns).astype(float)
    return np.hstack([D, W(D)])


# ---- endogenous regressors without an equation
def _with_policy(seed: int, n: int = 60, times: int = 6) -> SpatialSystem:
    """Return y = x1 + x2 / 2 + p / 2 + .4 W y + u, with an endogenous p and rho = .7."""
    rng, W = np.random.default_rng([7, seed]), GRID._weights("knn5", n)
    reduced, errors = (np.linalg.inv(np.eye(n) - r * W.sparse.toarray()) for r in (0.4, 0.7))
    mu, rows = rng.normal(size=n), []
    X = GRID._autoregression(rng.normal(size=(times, n, 4))) + 0.7 * mu[:, None]
    for t, x in enumerate(X):
        e = rng.normal(size=n)
        p = 0.5 * (x[:, 2] + x[:, 3]) + 0.6 * e + 0.8 * rng.normal(size=n)
        y = reduced @ (x[:, 0] + 0.5 * x[:, 1] + 0.5 * p + mu + rng.normal() + errors @ e)
        rows.append(pd.DataFrame(x, columns=["x1", "x2", "z1", "z2"]).assign(y=y, p=p, i=range(n), t=t))
    data = Panel(pd.concat(rows).set_index(["i", "t"]).sort_index())
    return SpatialSystem("y ~ x1 + x2 + W(y) | unit + time | p ~ z1 + z2", data, W, error="W")


def test_an_endogenous_regressor_without_an_equation_is_estimated_jointly_by_default() -> None:
    fit = _with_policy(0).fit()
    assert fit.method == "aqs"
    assert any("p without an equation: instrumented as in 2SLS" in note for note in fit.notes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_lag_and_error_cover_beside_it_where_by_gs3sls_they_do_not() -> None:
    truth, hits = {"x1": 1.0, "x2": 0.5, "W(y)": 0.4, "p": 0.5, "rho": 0.7}, []
    for seed in range(60):
        system = _with_policy(seed)
        for method in ("aqs", "gs3sls"):
            frame = system.fit(method).confint().set_index("term")  # type: ignore[arg-type]
            inside = {k: frame.loc[k, "conf_low"] <= v <= frame.loc[k, "conf_high"] for k, v in truth.items()}
            hits.append({"method": method} | inside)
    found = pd.DataFrame(hits).groupby("method").mean()
    assert (found.loc["aqs", ["W(y)", "rho"]] > 0.87).all()
    assert (found.loc["aqs", ["x1", "x2", "p"]] > 0.82).all()
    assert found.loc["gs3sls", "W(y)"] < 0.9
