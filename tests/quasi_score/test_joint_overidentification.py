"""J at the joint estimate: an identity, where it is used, its size and its power."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from gs3sls_simulation import FORMULAS, Simulator
from gs3sls_simulation import Design as Panels
from scipy import stats
from test_estimator import golden_fit, golden_system

from spatial.models import SpatialSystem
from spatial.models.diagnostics.subject import Subject
from spatial.models.diagnostics.systems import uncentred_j
from spatial.panel.panel import Panel

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")


def _expected(fit: Any, equations: tuple[int, ...]) -> tuple[float, int]:
    """Return m'[S^-1 - S^-1 D (D'S^-1 D)^-1 D'S^-1] m and its degrees of freedom, term by term."""
    found = fit.estimate
    Q, e = found.design.basis.Q, found.numbers.residuals
    m = np.concatenate([Q.T @ e[g] for g in equations])
    p, sizes = Q.shape[1], [len(eq.terms) for eq in found.structure.equations]
    starts = np.cumsum([0, *sizes])
    rows = np.concatenate([np.arange(g * p, (g + 1) * p) for g in equations])
    columns = np.concatenate([np.arange(starts[g], starts[g + 1]) for g in equations])
    D = found.expected[np.ix_(rows, columns)]
    S = np.zeros((len(m), len(m)))
    for i in range(found.design.layout.n_units):
        mine = found.design.layout.unit == i
        s = np.concatenate([Q[mine].T @ e[g][mine] for g in equations])
        S += np.outer(s, s)
    inverse = np.linalg.inv(S)
    middle = inverse - inverse @ D @ np.linalg.inv(D.T @ inverse @ D) @ D.T @ inverse
    return float(m @ middle @ m), len(m) - len(columns)


@pytest.mark.parametrize(("equation", "equations"), [("", (0, 1)), ("y1", (0,)), ("y2", (1,))])
def test_j_is_the_quadratic_form_of_the_design_page(equation: str, equations: tuple[int, ...]) -> None:
    fit = golden_fit()
    test = fit.diagnostics().test("Hansen J (clustered)", equation)
    value, q = _expected(fit, equations)
    assert test.detail.startswith("at the joint estimate")
    assert uncentred_j(test) == pytest.approx(value, rel=1e-8)
    # The law of Hotelling for 60 clusters.
    assert (test.df, test.df_denominator) == (q, 60 - q)
    assert test.p_value == pytest.approx(stats.f.sf((60 - q) / q * value / (60 - value), q, 60 - q), rel=1e-8)


def test_the_homoskedastic_j_is_at_the_joint_estimate_too() -> None:
    fit = golden_fit()
    test = fit.diagnostics().test("Hansen-Sargan J")
    found = fit.estimate
    m, D = found.linear_moments((0, 1))
    weights = np.kron(np.linalg.inv(found.numbers.sigma), np.eye(len(m) // 2))
    value = m @ weights @ (m - D @ np.linalg.solve(D.T @ weights @ D, D.T @ weights @ m))
    assert test.statistic == pytest.approx(value, rel=1e-8)
    assert "at the joint estimate" in test.detail


def test_by_instruments_it_stays_that_of_two_step_gmm() -> None:
    fit = golden_system().fit("gs3sls")
    assert Subject(fit.estimate).joint is None
    assert fit.diagnostics().test("Hansen J (clustered)").detail.startswith("two-step GMM")


def _j(simulator: Simulator, rng: np.random.Generator, left_out: float) -> float:
    panel = simulator.panel(rng)
    if left_out:
        frame = panel.frame.copy()
        cube = frame["x2"].unstack("i").sort_index(axis=1)
        lagged = pd.DataFrame(cube.to_numpy() @ simulator.W.sparse.T, cube.index, cube.columns)
        frame["y1"] += left_out * lagged.stack().reorder_levels(frame.index.names).reindex(frame.index)
        panel = Panel(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = SpatialSystem(FORMULAS, panel, simulator.W, effects=("unit", "time"), error="W").fit("aqs")
    test = Subject(fit.estimate)
    return float("nan") if test.joint is None else _p_value(fit)


def _p_value(fit: Any) -> float:
    return float(fit.diagnostics().test("Hansen J (clustered)").p_value)


@pytest.mark.slow
def test_it_keeps_its_size_with_many_instruments_and_sees_a_lag_that_is_left_out() -> None:
    simulator = Simulator(Panels(n=60, times=6, rho=(0.7, 0.7)))
    rng = np.random.default_rng(20150701)
    size = np.array([_j(simulator, rng, 0.0) for _ in range(80)])
    power = np.array([_j(simulator, rng, 1.0) for _ in range(20)])
    assert np.nanmean(size < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)
    assert np.nanmean(size < 0.5) > 0.25  # and is not all but never below a half
    assert np.nanmean(power < 0.05) > 0.2  # .4 here; five of twenty have a probability of .003 without power
