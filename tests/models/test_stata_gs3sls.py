"""The Stata command, as its ado says: reg3 of stacked data with the instruments it builds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spatial.errors import FormulaError, SpatialWarning
from spatial.models import SpatialSystem, stata_gs3sls
from spatial.panel.panel import Panel
from spatial.weights import Weights

N, T = 30, 4

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*instruments for an effective sample:spatial.errors.SpatialWarning"
)


@pytest.fixture(scope="module")
def W() -> Weights:
    matrix = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1) + np.roll(np.eye(N), 4, axis=1)
    return Weights.from_dense(matrix, ids=[f"c{k}" for k in range(N)])


@pytest.fixture(scope="module")
def panel(W: Weights) -> Panel:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.normal(size=(N * T, 6)), columns=["y1", "y2", "x1", "x2", "x3", "z"])
    frame["y1"] += frame["x1"]
    frame["y2"] += frame["x2"] + 0.4 * frame["y1"]
    frame["city"], frame["year"] = np.tile(W.ids, T), np.repeat(range(T), N)
    return Panel.from_frame(frame, unit="city", time="year")


def by_hand(panel: Panel, W: Weights, aux: list[str], powers: int = 2, stand: bool = False) -> tuple:
    """reg3 (y1 Wy1 Wy2 y2 X1 aux) (y2 Wy2 Wy1 y1 X2 aux), exog(x Wx W2x aux) small; by dense matrices."""
    matrix = W.sparse.toarray()
    if stand:
        matrix = matrix / matrix.sum(axis=1, keepdims=True)
    big = np.kron(np.eye(T), matrix)
    columns = panel.cube(["y1", "y2", "x1", "x2", "x3", *aux], units=W.ids).reshape(N * T, -1)
    y1, y2, x1, x2, x3 = columns[:, :5].T
    extra = columns[:, 5:]
    one = np.ones((N * T, 1))
    X = np.column_stack([x1, x3, x2])
    H = np.hstack([one, X, *(np.linalg.matrix_power(big, k) @ X for k in range(1, powers + 1)), extra])
    Z = [
        np.column_stack([big @ y1, big @ y2, y2, x1, x3, extra, one]),
        np.column_stack([big @ y2, big @ y1, y1, x2, x3, extra, one]),
    ]
    hat = H @ np.linalg.pinv(H)
    fitted = [hat @ z for z in Z]
    first = [np.linalg.solve(f.T @ z, f.T @ y) for f, z, y in zip(fitted, Z, (y1, y2), strict=True)]
    E = np.column_stack([y - z @ d for y, z, d in zip((y1, y2), Z, first, strict=True)])
    inverse = np.linalg.inv(E.T @ E / (N * T))
    A = np.block([[inverse[g, h] * fitted[g].T @ fitted[h] for h in (0, 1)] for g in (0, 1)])
    v = np.concatenate([sum(inverse[g, h] * fitted[g].T @ (y1, y2)[h] for h in (0, 1)) for g in (0, 1)])
    return np.linalg.solve(A, v), np.sqrt(np.diag(np.linalg.inv(A)))


FORMULAS = ["y1 ~ x1 + x3", "y2 ~ x2 + x3"]


@pytest.mark.evidence("models.stata_gs3sls", source="the steps of the ado, composed by hand", kind="hand")
@pytest.mark.parametrize("stand", [False, True])
@pytest.mark.parametrize("aux", [[], ["z"]])
@pytest.mark.parametrize(("order", "powers"), [(1, 2), (2, 2), (3, 3), (4, 4)])
def test_equals_reg3(panel: Panel, W: Weights, aux: list[str], order: int, powers: int, stand: bool) -> None:
    fit = stata_gs3sls(FORMULAS, panel, W, aux=aux or None, order=order, stand=stand)
    expected, errors = by_hand(panel, W, aux, powers, stand)
    np.testing.assert_allclose(fit.params, expected, rtol=1e-6)
    np.testing.assert_allclose(fit.std_errors, errors, rtol=1e-6)


def test_order_of_terms_and_degrees_of_freedom(panel: Panel, W: Weights) -> None:
    fit = stata_gs3sls(FORMULAS, panel, W)
    assert list(fit.params["y1"].index) == ["W(y1)", "W(y2)", "y2", "x1", "x3", "Intercept"]
    assert list(fit.params["y2"].index) == ["W(y2)", "W(y1)", "y1", "x2", "x3", "Intercept"]
    assert fit.df == 2 * N * T - 12
    table = fit.tidy()
    expected = 2 * stats.t(fit.df).sf(np.abs(table["statistic"]))
    np.testing.assert_allclose(table["p_value"], expected)
    assert fit.n_obs == N * T


def test_it_is_stamped(panel: Panel, W: Weights) -> None:
    fit = stata_gs3sls(FORMULAS, panel, W)
    assert "Stata gs3sls: pooled" in fit.stamps[0]
    assert "STATA GS3SLS" in fit.summary()
    assert "Stata gs3sls" in fit.glance()["stamps"][0]


def test_same_regressors_are_stamped_as_not_identified(panel: Panel, W: Weights) -> None:
    """The published form (Bai): numbers come out, and the stamp says what they are worth."""
    with pytest.warns(SpatialWarning, match="not identified, though the command prints numbers"):
        fit = stata_gs3sls(["y1 ~ x1 + x2", "y2 ~ x1 + x2"], panel, W)
    assert fit.stamps[1] == "not identified"
    assert np.isfinite(fit.params).all()


def test_dummies_in_aux_give_the_within_estimator(panel: Panel, W: Weights) -> None:
    """GS3SLS.md 12.1: with city and year dummies the command is our two-way within 3SLS."""
    pooled = stata_gs3sls(FORMULAS, panel, W, aux="C(city) + C(year)", stand=True)
    formulas = ["y1 ~ W(y1) + W(y2) + y2 + x1 + x3", "y2 ~ W(y2) + W(y1) + y1 + x2 + x3"]
    within = SpatialSystem(formulas, panel, W.row_standardized(), effects=("unit", "time")).fit(
        "3sls", cov="hom"
    )
    np.testing.assert_allclose(pooled.params[within.params.index], within.params, rtol=1e-7)
    factor = np.sqrt((N - 1) * (T - 1) / (N * T))
    np.testing.assert_allclose(pooled.std_errors[within.params.index], within.std_errors * factor, rtol=1e-6)


def test_names_of_equations_and_no_constant(panel: Panel, W: Weights) -> None:
    fit = stata_gs3sls({"first": "y1 ~ x1", "second": "y2 ~ x2"}, panel, W, constant=False)
    assert list(fit.params["first"].index) == ["W(y1)", "W(y2)", "y2", "x1"]


def test_what_the_command_has_not(panel: Panel, W: Weights) -> None:
    with pytest.raises(FormulaError, match="has two equations; got 1"):
        stata_gs3sls(["y1 ~ x1"], panel, W)
    with pytest.raises(FormulaError, match="a list or a dict of two formulas; got 'y1 ~ x1'"):
        stata_gs3sls("y1 ~ x1", panel, W)
    with pytest.raises(FormulaError, match="order is 1, 2, 3 or 4; got 5"):
        stata_gs3sls(FORMULAS, panel, W, order=5)
    with pytest.raises(FormulaError, match="no effects and no declared instruments"):
        stata_gs3sls(["y1 ~ x1 | unit", "y2 ~ x2"], panel, W)
