"""Dynamic models by bias-corrected quasi-maximum likelihood: bias, coverage, long-run effects, refusals."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import moving, nearest, ring

from spatial.errors import DataError
from spatial.models import SpatialSystem, SystemFit
from spatial.models.likelihood.dynamic import _Score
from spatial.models.likelihood.model import model_of
from spatial.panel import Panel
from spatial.weights import Weights

TRUTH = {"lag(y, 1)": 0.4, "W(lag(y, 1))": -0.1, "x": 1.0, "W(y)": 0.3}
FORMULA = "y ~ lag(y, 1) + W(lag(y, 1)) + x + W(y)"


def fitted(panel: Panel, W: np.ndarray, formula: str = FORMULA, **options: object) -> SystemFit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of Nickell, whose bias is what is taken off
        system = SpatialSystem(formula, panel, Weights.from_dense(W), effects=("unit", "time"))
        return system.fit("ml", **options)


def measured(n: int, times: int, draws: int, seed: int) -> pd.DataFrame:
    """Return bias of the likelihood, bias of the corrected estimates, and coverage, by term."""
    W = nearest(n, 5, 5).toarray()
    rows = []
    for draw in range(draws):
        fit = fitted(moving(W, times, 1_000 * seed + draw), W)
        found, first = fit.tidy().set_index("term"), fit.estimate.dynamic.first
        plain = dict(zip(list(TRUTH)[:3], first.point.slopes, strict=True)) | {"W(y)": first.place[0]}
        for name, value in TRUTH.items():
            estimate, low, high = found.loc[name, ["estimate", "conf_low", "conf_high"]]
            rows.append((name, plain[name] - value, estimate - value, low <= value <= high))
    frame = pd.DataFrame(rows, columns=["term", "likelihood", "corrected", "coverage"])
    return frame.groupby("term", sort=False).mean()


@pytest.mark.evidence(
    "models.SpatialSystem:ml", source="30 dynamic panels: bias and coverage", kind="simulation"
)
def test_the_bias_of_few_times_is_taken_off(record_property: Callable[[str, object], None]) -> None:
    found = measured(60, 4, 30, 1)
    bias = found.loc["lag(y, 1)"]
    record_property("bias of the memory", f"{bias['likelihood']:.3f} before, {bias['corrected']:.3f} after")
    record_property("mean coverage", f"{found['coverage'].mean():.2f} in 30 draws")
    assert found.loc["lag(y, 1)", "likelihood"] < -0.15
    assert abs(found.loc["lag(y, 1)", "corrected"]) < 0.05
    assert found["corrected"].abs().max() < 0.1
    assert found["coverage"].between(0.8, 1.0).all()


@pytest.mark.slow
@pytest.mark.parametrize(("n", "times"), [(50, 4), (100, 10), (200, 3)])
def test_bias_and_coverage_by_cell(n: int, times: int) -> None:
    found = measured(n, times, 200, 7)
    assert found["corrected"].abs().max() < 0.03, found
    assert found["coverage"].between(0.89, 0.99).all(), found


def test_a_spatial_error_beside_the_past_has_no_bias_of_its_own() -> None:
    W = nearest(80, 5, 5).toarray()
    rows = []
    for seed in range(20):
        panel = moving(W, 5, 900 + seed, rho=0.4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            system = SpatialSystem(FORMULA, panel, Weights.from_dense(W), effects=("unit", "time"), error="W")
            fit = system.fit("ml")
        found = fit.tidy().set_index("term")
        for name, value in {**TRUTH, "rho": 0.4}.items():
            estimate, low, high = found.loc[name, ["estimate", "conf_low", "conf_high"]]
            rows.append((name, estimate - value, low <= value <= high))
        first = fit.estimate.dynamic.first
        rows.append(("likelihood", first.point.slopes[0] - 0.4, True))
    measured = pd.DataFrame(rows, columns=["term", "bias", "coverage"]).groupby("term").mean()
    assert measured.loc["likelihood", "bias"] < -0.1
    assert abs(measured.loc["lag(y, 1)", "bias"]) < 0.04
    assert measured["bias"].drop("likelihood").abs().max() < 0.09
    assert measured["coverage"].between(0.75, 1.0).all()
    assert fit.diagnostics().test("Wald: spatial error", "y").df == 1
    assert fit.rho_std_errors.iloc[0] > 0


def test_the_past_is_no_exogenous_regressor_beside_random_effects() -> None:
    W = ring(20)
    with pytest.raises(DataError, match=r"Random effects of units are part of lag\(y, 1\)"):
        SpatialSystem("y ~ lag(y, 1) + x", moving(W, 5, 2), Weights.from_dense(W), effects="random")


def test_the_expected_score_is_that_of_simulation() -> None:
    """With parameters at the truth the adjusted score is zero on average, the plain one is not."""
    W = ring(20)
    plain, adjusted = [], []
    for seed in range(40):
        panel = moving(W, 3, 5_000 + seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            design = SpatialSystem(FORMULA, panel, Weights.from_dense(W), effects=("unit", "time")).design
        score = _Score(model_of(design))
        theta = np.array([0.4, -0.1, 1.0, 0.3, 1.0])
        plain.append(score(theta, False))
        adjusted.append(score(theta))
    size = np.std(plain, axis=0) / np.sqrt(40)
    assert (np.abs(np.mean(adjusted, axis=0)) < 3.5 * size).all()
    assert abs(np.mean(plain, axis=0)[0]) > 5 * size[0]


def test_without_unit_effects_it_is_the_likelihood() -> None:
    W = ring(30)
    system = SpatialSystem("y ~ lag(y, 1) + x + W(y)", moving(W, 6, 1), Weights.from_dense(W), effects="time")
    fit = system.fit("ml")
    first = fit.estimate.dynamic.first
    assert fit.params["y", "W(y)"] == first.place[0]
    assert "Dynamic spatial lag model (SAR)" in fit.summary()


def test_long_run_effects_are_those_of_the_multiplier() -> None:
    W = ring(40)
    fit = fitted(moving(W, 8, 3), W)
    b = fit.params["y"]
    total = b["x"] / (1 - b["W(y)"] - b["lag(y, 1)"] - b["W(lag(y, 1))"])
    found = fit.impacts(draws=0, horizon="long").tidy().set_index("effect")
    assert found.loc["total", "estimate"] == pytest.approx(total, rel=1e-8)
    assert any("stationary" in note for note in fit.notes)
    assert any("it moved lag(y, 1) by" in note for note in fit.notes)
    tests = fit.diagnostics()
    assert tests.test("Wald: past of the outcome", "y").df == 2
    assert tests.test("Wald: past of the outcome", "y").p_value < 1e-6


def test_without_a_root_one_step_is_made_and_said() -> None:
    W = ring(20)
    fit = fitted(moving(W, 3, 5_000), W)
    assert not fit.estimate.dynamic.rooted
    assert any("has no root: the correction is that of one step" in note for note in fit.notes)
    first = fit.estimate.dynamic.first.point.slopes[0]
    assert fit.params["y", "lag(y, 1)"] > first + 0.1


def test_what_dynamic_models_refuse() -> None:
    W = ring(20)
    panel = moving(W, 5, 2)
    weights = {"W": Weights.from_dense(W), "V": Weights.from_dense(ring(20, seed=3))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        cases = {
            "have one lag in time, and there is lag": ("y ~ lag(y, 2) + x + W(y)", None),
            "take one matrix for": ("y ~ V(lag(y, 1)) + x + W(y)", None),
        }
        for message, (formula, error) in cases.items():
            with pytest.raises(DataError, match=message):
                SpatialSystem(formula, panel, weights, error=error, effects="unit").fit("ml")
    with pytest.raises(DataError, match="one covariance, of the bias-corrected score"):
        fitted(panel, W, cov="expected")
    with pytest.raises(DataError, match="in dynamic ones its bias is taken off"):
        fitted(panel, W, compat="direct")
    fit = fitted(panel, W)
    with pytest.raises(DataError, match="likelihood, which is biased in dynamic models"):
        fit.confint(method="lr")
    with pytest.raises(DataError, match="not offered for dynamic models"):
        fit.moran()
