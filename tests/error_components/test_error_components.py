"""Random effects in systems: dense generalised least squares, the within limit, coverage, size."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import SpatialError
from spatial.models import SpatialSystem
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")

N, T = 60, 4
_near = np.argsort(np.linalg.norm((_p := np.random.default_rng(7).random((N, 2)))[:, None] - _p, axis=-1))
_dense = np.zeros((N, N))
np.put_along_axis(_dense, _near[:, 1:6], 0.2, axis=1)
W = Weights.from_dense(_dense, ids=range(N))
FORMULAS = ["y1 ~ y2 + W(y1) + x1 + x2", "y2 ~ y1 + W(y2) + x3"]


def draw(seed: int, rho: float = 0.0, share: float = 1.0, related: float = 0.0) -> sp.Panel:
    """Two equations with random effects of variance `share`, related to x1 by `related`."""
    rng = np.random.default_rng(seed)
    mu = rng.normal(size=(N, 2)) @ np.array([[1.0, 0.4], [0.0, 0.9]]) * np.sqrt(share)
    B, Lambda = np.array([[0, 0.3], [0.2, 0]]), np.diag([0.4, 0.3])
    S = np.kron(np.eye(2) - B, np.eye(N)) - np.kron(Lambda, _dense)
    rows = []
    for t in range(T):
        x = rng.normal(size=(N, 3))
        x[:, 0] += related * mu[:, 0]
        e = mu + rng.normal(size=(N, 2)) @ np.array([[1.0, 0.5], [0.0, 0.8]])
        u = np.linalg.solve(np.eye(N) - rho * _dense, e)
        right = np.column_stack([1 + x[:, 0] + 0.5 * x[:, 1], x[:, 2]]) + u
        y = np.linalg.solve(S, right.T.ravel()).reshape(2, N)
        rows.append(pd.DataFrame({"i": range(N), "t": t, "y1": y[0], "y2": y[1], "x1": x[:, 0]}))
        rows[-1] = rows[-1].assign(x2=x[:, 1], x3=x[:, 2])
    return sp.Panel.from_frame(pd.concat(rows), unit="i", time="t")


def test_without_endogenous_regressors_it_is_generalised_least_squares() -> None:
    """Omega by dense Kronecker products, both equations together."""
    data = draw(0)
    fit = SpatialSystem(["y1 ~ x1 + x2", "y2 ~ x3"], data, W, effects="random").fit("3sls")
    found = fit.estimate
    Q1 = np.kron(np.ones((T, T)) / T, np.eye(N))
    Q0 = np.eye(N * T) - Q1
    inverse = np.linalg.inv(np.kron(found.sigma_1, Q1) + np.kron(found.sigma_v, Q0))
    design = found.design
    y = np.concatenate([design.columns[:, j] for j in design.outcomes])
    Z = np.zeros((2 * N * T, 5))
    Z[: N * T, :3] = design.columns[:, list(design.regressors[0])]
    Z[N * T :, 3:] = design.columns[:, list(design.regressors[1])]
    wanted = np.linalg.solve(Z.T @ inverse @ Z, Z.T @ inverse @ y)
    assert fit.params.to_numpy() == pytest.approx(wanted, rel=1e-9)
    # The cluster-robust sandwich of that estimator, by units.
    bread, e = np.linalg.inv(Z.T @ inverse @ Z), y - Z @ wanted
    weighted = inverse @ Z
    unit = np.tile(np.arange(N), 2 * T)
    sums = np.array([(weighted[unit == i] * e[unit == i, None]).sum(axis=0) for i in range(N)])
    V = bread @ sums.T @ sums @ bread * N / (N - 1)
    assert fit.std_errors.to_numpy() == pytest.approx(np.sqrt(np.diag(V)), rel=1e-8)


def test_it_tends_to_the_within_estimator_as_effects_grow() -> None:
    data, formulas = draw(1, share=1e8), ["y1 ~ x1 + x2", "y2 ~ x3"]
    random = SpatialSystem(formulas, data, W, effects="random").fit("2sls").params
    fixed = SpatialSystem(formulas, data, W, effects="unit").fit("2sls").params
    for key in fixed.index:
        assert random[key] == pytest.approx(fixed[key], abs=1e-3)


@pytest.mark.parametrize("method", ["gs3sls", "gs2sls", "3sls", "2sls"])
def test_results_are_like_all_others(method: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = SpatialSystem(FORMULAS, draw(2, rho=0.4), W, effects=("random", "time"), error="W").fit(method)
    assert "error components" in fit.summary()
    assert fit.impacts().tidy()["std_error"].gt(0).all()
    assert fit.vcov("cluster").std_errors.equals(fit.std_errors)
    assert fit.diagnostics().test("Mundlak", "y1").reference.startswith("F(2, 58)")
    assert np.isnan(fit.rho_std_errors).all() if method.startswith("gs") else not len(fit.rho)
    assert sp.regression_table([fit]).frame.shape[1] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cov": "hom"}, "With random effects cov is 'cluster'"),
        ({"iv": "best"}, "iv is 'lags'"),
        ({"method": "aqs"}, "effects='random' is for method"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    system = SpatialSystem(FORMULAS, draw(3), W, effects="random")
    with pytest.raises(SpatialError, match=message):
        system.fit(**({"method": "3sls"} | options))


def test_several_equations_with_random_effects_default_to_three_stages() -> None:
    assert SpatialSystem(FORMULAS, draw(4), W, effects="random").fit().method == "gs3sls"


TRUTH = [1.0, 0.3, 0.4, 1.0, 0.5, 0.0, 0.2, 0.3, 1.0]


def _simulated(draws: int, rho: float) -> tuple[pd.DataFrame, list[float]]:
    rows, p = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for seed in range(draws):
            system = SpatialSystem(
                FORMULAS, draw(100 + seed, rho), W, effects="random", error="W" if rho else None
            )
            fit = system.fit("gs3sls")
            table = fit.confint().query("term != 'rho'")
            inside = (table["conf_low"] <= TRUTH) & (table["conf_high"] >= TRUTH)
            rows.append(pd.DataFrame({"error": table["estimate"] - TRUTH, "covered": inside}))
            p += [t.p_value for t in fit.diagnostics().tests]
    return pd.concat(rows), p


def test_estimates_are_near_the_truth_in_a_light_simulation() -> None:
    found, _ = _simulated(8, 0.0)
    assert found["covered"].mean() > 0.8
    assert found.groupby(level=0)["error"].mean().abs().max() < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.4])
def test_intervals_cover_and_mundlak_keeps_its_size(rho: float) -> None:
    found, p = _simulated(150, rho)
    share = found.groupby(level=0)["covered"].mean()
    moved = [0, 2, 5, 7] if rho else []  # constants and lags: the bias of GS3SLS, as with fixed effects
    assert (share.drop(moved) > 0.88).all()
    assert (share > 0.65).all()
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.1


def test_mundlak_finds_effects_that_go_with_a_regressor() -> None:
    fit = SpatialSystem(FORMULAS, draw(5, related=1.0), W, effects="random").fit("3sls")
    tests = fit.diagnostics()
    assert tests.test("Mundlak", "y1").p_value < 0.01 < tests.test("Mundlak", "y2").p_value
