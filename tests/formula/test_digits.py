"""Digits: means that dwarf the variation, regressors that nearly depend on each other, iterated 3SLS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import DataError, FormulaError, SpatialWarning
from spatial.models import SpatialSystem, WildBootstrap, stata_gs3sls
from spatial.panel.panel import Panel
from spatial.weights import Weights

N = 80


@pytest.fixture(scope="module")
def W() -> Weights:
    rng = np.random.default_rng(3)
    graph = np.zeros((N, N))
    for i in range(N):
        graph[i, rng.choice(np.delete(np.arange(N), i), 4, replace=False)] = 1.0
    return Weights.from_dense(graph, ids=range(N)).row_standardized()


@pytest.fixture(scope="module")
def data(W: Weights) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    lag, eye = W.sparse.toarray(), np.eye(N)
    frame = pd.DataFrame(rng.normal(size=(N, 3)), columns=["a", "b", "c"])
    u = np.linalg.solve(eye - 0.4 * lag, rng.normal(size=N))
    frame["y"] = np.linalg.solve(eye - 0.3 * lag, 1 + frame["a"] - 0.5 * frame["b"] + u)
    frame["z"] = 0.5 * frame["y"] + frame["c"] + rng.normal(size=N)
    return frame


def numbers(fit: Any) -> np.ndarray:
    table = fit.tidy()
    kept = table[table["term"] != "Intercept"]
    return kept[["estimate", "std_error"]].to_numpy()


@pytest.mark.parametrize("constant", [1e4, 1e6, 1e8])
@pytest.mark.parametrize("column", ["y", "a"])
def test_a_constant_added_to_a_column_moves_the_intercept_alone(
    data: pd.DataFrame, W: Weights, column: str, constant: float
) -> None:
    formula = "y ~ a + b + W(y)"
    plain = SpatialSystem(formula, data, W, error="W", iv_order=2).fit("gs2sls", cov="hom")
    moved = SpatialSystem(formula, data.assign(**{column: data[column] + constant}), W, error="W", iv_order=2)
    fit = moved.fit("gs2sls", cov="hom")
    np.testing.assert_allclose(numbers(fit), numbers(plain), rtol=max(1e-6, 1e-14 * constant))
    slope = 1 - plain.params["y", "W(y)"] if column == "y" else -plain.params["y", "a"]
    expected = plain.params["y", "Intercept"] + constant * slope
    assert fit.params["y", "Intercept"] == pytest.approx(expected, rel=1e-9)


def test_predictions_and_errors_of_the_intercept_are_those_of_the_data(
    data: pd.DataFrame, W: Weights
) -> None:
    """Against least squares before a number was added to the outcome."""
    moved = data.assign(y=data["y"] + 5e5)
    fit = SpatialSystem("y ~ a + b", moved, W).fit("ols", cov="hom", small=True)
    X = np.column_stack([np.ones(N), data[["a", "b"]]])
    b = np.linalg.lstsq(X, data["y"], rcond=None)[0]
    e = data["y"] - X @ b
    V = np.linalg.inv(X.T @ X) * (e @ e) / (N - 3)
    np.testing.assert_allclose(fit.params["y"], b + np.array([5e5, 0, 0]), rtol=1e-9)
    np.testing.assert_allclose(fit.cov, V, rtol=1e-8)
    np.testing.assert_allclose(fit.predict()["y"], X @ b + 5e5, rtol=1e-12)


def test_nearly_dependent_regressors_say_how_many_digits_are_left(data: pd.DataFrame) -> None:
    near = data.assign(d=data["a"] + 1.6e-8 * data["c"])
    notes = SpatialSystem("y ~ a + d", near).design.notes
    assert any("about 7 digits of its coefficients are left" in note for note in notes)
    assert not any("digits" in note for note in SpatialSystem("y ~ a + b", data).fit("ols").notes)


# ---- passes
def test_iterated_3sls_is_that_of_linearmodels(data: pd.DataFrame) -> None:
    from linearmodels.system import IV3SLS

    frame = data.assign(one=1.0)
    exog = frame[["one", "a", "b", "c"]]
    equations = {
        "y": {
            "dependent": frame["y"],
            "exog": frame[["one", "a", "b"]],
            "endog": frame["z"],
            "instruments": frame["c"],
        },
        "z": {
            "dependent": frame["z"],
            "exog": frame[["one", "c"]],
            "endog": frame["y"],
            "instruments": frame[["a", "b"]],
        },
    }
    oracle = IV3SLS(equations).fit(
        method="gls", iterate=True, iter_limit=200, tol=1e-12, cov_type="unadjusted"
    )
    assert exog.shape == (N, 4)
    system = SpatialSystem(["y ~ a + b + z", "z ~ c + y"], data)
    fit = system.fit("3sls", cov="hom", passes=200)
    ours = [fit.params["y"][t] for t in ("Intercept", "a", "b", "z")]
    ours += [fit.params["z"][t] for t in ("Intercept", "c", "y")]
    np.testing.assert_allclose(ours, oracle.params, rtol=1e-7)
    assert any("nothing changes any more" in note for note in fit.notes)
    two_step = system.fit("3sls", cov="hom")
    assert np.abs(fit.params - two_step.params).max() > 1e-5
    cut = system.fit("3sls", cov="hom", passes=2)
    assert any("the coefficients still change" in note for note in cut.notes)


def test_methods_with_nothing_to_iterate_refuse_passes(data: pd.DataFrame, W: Weights) -> None:
    for method in ("2sls", "ols", "gs2sls", "gmm"):
        with pytest.raises(DataError, match=f"passes=3: {method} without spatial errors has nothing"):
            SpatialSystem("y ~ a + b", data, W).fit(method, passes=3)  # type: ignore[arg-type]


def test_stata_gs3sls_says_that_it_adds_the_lags(data: pd.DataFrame, W: Weights) -> None:
    with pytest.raises(
        FormulaError, match=r"adds the spatial lags W\(y1\), W\(y2\).* leave W\(y\) out of 'y ~ a"
    ):
        stata_gs3sls(["y ~ a + W(y)", "z ~ c"], data, W)


# ---- what a fit warns of
def test_weights_that_were_cut_are_said_in_a_fit(data: pd.DataFrame, W: Weights) -> None:
    kept = list(range(60))
    cut = W.subset(kept)
    with pytest.warns(SpatialWarning, match=r"Weights 'W': 60 of 80 units; .* of their links led to units"):
        SpatialSystem("y ~ a + W(y)", data.loc[kept], cut)


def test_the_wild_bootstrap_warns_of_few_treated_clusters() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"i": np.repeat(np.arange(15), 6), "t": np.tile(np.arange(6), 15)})
    frame["d"] = ((frame["i"] < 2) & (frame["t"] > 2)).astype(float)
    frame["y"] = rng.normal(size=90)
    panel = Panel.from_frame(frame, unit="i", time="t")
    fit = SpatialSystem("y ~ d", panel, effects=("unit", "time")).fit(
        "ols", cov=WildBootstrap(replications=99)
    )
    with pytest.warns(SpatialWarning, match=r"few clusters are treated: d \(2 of 15 clusters\)"):
        fit.tidy()
