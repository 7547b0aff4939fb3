"""Identities of the likelihood: the density of transformed data written out, numeric derivatives, nesting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import fitted, ring, simulated
from scipy import stats

from spatial.models import SpatialSystem, WildBootstrap
from spatial.models.likelihood.estimator import LikelihoodEstimate
from spatial.models.likelihood.profile import maximise
from spatial.panel import Panel
from spatial.weights import Weights

N, T = 14, 4
CASES = {
    "SAR, unit": ("y ~ x + z + W(y)", None, ("unit",)),
    "SEM, time": ("y ~ x + z", "W", ("time",)),
    "SAC, both": ("y ~ x + z + W(y)", "W", ("unit", "time")),
    "SAC of two weights, both": ("y ~ x + z + W(y)", "M", ("unit", "time")),
    "SDM, none": ("y ~ x + z + W(x) + W(y)", None, ()),
}


def _complement(n: int) -> np.ndarray:
    """Orthonormal columns that are orthogonal to the constant."""
    return np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, : n - 1]]))[0][:, 1:]


class Density:
    """The normal density of F'y, as a function of (terms, rho, variance)."""

    def __init__(self, formula: str, error: str | None, effects: tuple[str, ...]) -> None:
        W, M = ring(N, seed=2), ring(N)
        self.panel = simulated(W, T, 5, lam=0.3, rho=0.2)
        weights = {"W": Weights.from_dense(W), "M": Weights.from_dense(M)}
        self.system = SpatialSystem(formula, self.panel, weights, error=error, effects=effects)
        F_N = _complement(N) if "time" in effects else np.eye(N)
        F_T = _complement(T) if "unit" in effects else np.eye(T)
        self.F = np.kron(F_T, F_N)
        self.W, self.M = np.kron(np.eye(T), W), np.kron(np.eye(T), M if error == "M" else W)
        design = self.system.design
        places = design.equation_columns(0)
        self.y = design.columns[:, places[0]]
        self.terms = [t.name for t in design.structure.equations[0].terms]
        self.Z = design.columns[:, [p for p, t in zip(places[1:], self.terms, strict=True) if t != "W(y)"]]
        self.has_lag, self.has_rho = "W(y)" in self.terms, error is not None

    def split(self, theta: np.ndarray) -> tuple[np.ndarray, float, float, float]:
        terms = theta[: len(self.terms)]
        lam = float(terms[self.terms.index("W(y)")]) if self.has_lag else 0.0
        b = np.array([v for v, t in zip(terms, self.terms, strict=True) if t != "W(y)"])
        return b, lam, float(theta[len(self.terms)]) if self.has_rho else 0.0, float(theta[-1])

    def moments(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of F'y: F'(I - aW) = [F'(I - aW)F]F' where effects commute."""
        b, lam, rho, s2 = self.split(theta)
        F = self.F
        S = F.T @ (np.eye(len(F)) - lam * self.W) @ F
        R = F.T @ (np.eye(len(F)) - rho * self.M) @ F
        back = np.linalg.inv(R @ S)
        return np.linalg.solve(S, F.T @ self.Z @ b), s2 * back @ back.T

    def __call__(self, theta: np.ndarray) -> float:
        mean, V = self.moments(theta)
        return float(stats.multivariate_normal(mean, V, allow_singular=False).logpdf(self.F.T @ self.y))

    def expected(self, theta: np.ndarray) -> np.ndarray:
        """tr(V^-1 V_i V^-1 V_j)/2 + m_i'V^-1 m_j, with derivatives by differences."""
        step, k = 1e-5, len(theta)
        slopes = []
        for i in range(k):
            up, down = theta.copy(), theta.copy()
            up[i] += step
            down[i] -= step
            (m1, V1), (m0, V0) = self.moments(up), self.moments(down)
            slopes.append(((m1 - m0) / (2 * step), (V1 - V0) / (2 * step)))
        V = np.linalg.inv(self.moments(theta)[1])
        turned = [V @ d for _, d in slopes]
        out = np.empty((k, k))
        for i in range(k):
            for j in range(k):
                out[i, j] = np.sum(turned[i] * turned[j].T) / 2 + slopes[i][0] @ V @ slopes[j][0]
        return out

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        k, step = len(theta), 1e-4
        out = np.empty((k, k))
        for i in range(k):
            for j in range(k):
                total = 0.0
                for a in (1, -1):
                    for b in (1, -1):
                        moved = theta.copy()
                        moved[i] += a * step
                        moved[j] += b * step
                        total += a * b * self(moved)
                out[i, j] = total / (4 * step**2)
        return out


@pytest.mark.evidence(
    "models.SpatialSystem:ml",
    source="the normal density written out",
    kind="identity",
    differs="second derivatives of the density are differences",
)
@pytest.mark.parametrize("name", CASES)
def test_likelihood_and_information_are_those_of_the_density(name: str) -> None:
    density = Density(*CASES[name])
    fit = density.system.fit("ml")
    found = fit.estimate
    assert isinstance(found, LikelihoodEstimate)
    theta = np.array([*fit.params, *fit.rho, fit.sigma.iloc[0, 0]])
    top = density(theta)
    assert top == pytest.approx(found.log_likelihood, abs=1e-8)
    # Nothing nearby is higher.
    random = np.random.default_rng(1)
    for _ in range(20):
        assert density(theta + 1e-3 * random.normal(size=len(theta)) * np.abs(theta)) < top
    expected = np.linalg.inv(density.expected(theta))[:-1, :-1]
    assert fit.joint_cov.to_numpy() == pytest.approx(expected, rel=2e-5, abs=1e-9)
    observed = np.linalg.inv(-density.hessian(theta))[:-1, :-1]
    assert fit.vcov("observed").joint_cov.to_numpy() == pytest.approx(observed, rel=2e-3, abs=1e-6)


def test_without_spatial_terms_it_is_least_squares() -> None:
    panel = simulated(ring(20), 5, 1)
    system = SpatialSystem("y ~ x + z", panel, ring_weights(20), effects=("unit", "time"))
    ml, ols = system.fit("ml"), system.fit("ols", cov="hom")
    assert ml.params.to_numpy() == pytest.approx(ols.params.to_numpy(), rel=1e-12)
    assert ml.std_errors.to_numpy() == pytest.approx(ols.std_errors.to_numpy(), rel=1e-12)
    assert "(OLS)" in ml.summary()


def test_the_general_model_nests_the_others() -> None:
    W = ring(30, seed=4)
    panel = simulated(W, 4, 2, lam=0.3, rho=0.2, durbin=0.4)
    effects = ("unit", "time")

    def top(formula: str, error: str | None = None, **options: bool) -> float:
        fit = fitted(formula, panel, W, error=error, effects=effects, **options)
        return float(dict(fit.facts)["log_likelihood"])

    whole = fitted("y ~ x + z + W(x) + W(z) + W(y)", panel, W, error="W", effects=effects, force=True)
    tests = whole.diagnostics()
    value = float(dict(whole.facts)["log_likelihood"])
    for label, formula, error in (
        ("LR: spatial error", "y ~ x + z + W(x) + W(z) + W(y)", None),
        ("LR: spatial lag", "y ~ x + z + W(x) + W(z)", "W"),
        ("LR: no spatial lags of regressors", "y ~ x + z + W(y)", "W"),
    ):
        gap = 2 * (value - top(formula, error))
        assert gap > 0
        assert tests.test(label, "y").statistic == pytest.approx(gap, abs=1e-7)


def ring_weights(n: int) -> Weights:
    return Weights.from_dense(ring(n))


def test_one_time_of_time_effects_is_a_constant() -> None:
    W = ring(30, seed=4)
    frame = simulated(W, 1, 2, lam=0.4).frame.droplevel(1)
    plain = fitted("y ~ x + z + W(y)", frame, W, compat="direct")
    effect = fitted("y ~ x + z + W(y)", frame, W, effects=("time",), compat="direct")
    # The direct likelihood does not count the constant that is out: it is that of Columbus without effects.
    own = dict(plain.facts)["log_likelihood"]
    assert dict(effect.facts)["log_likelihood"] == pytest.approx(own, abs=1e-9)
    slopes = plain.params.drop(("y", "Intercept")).to_numpy()
    assert effect.params.to_numpy() == pytest.approx(slopes, rel=1e-7)


def test_the_order_of_units_and_the_scale_of_weights_change_nothing() -> None:
    W = ring(24, seed=6)
    panel = simulated(W, 3, 4, lam=0.3, rho=0.3)
    ids = list(range(24))
    first = fitted("y ~ x + W(y)", panel, Weights.from_dense(W, ids=ids), error="W", effects=("unit",))
    order = np.random.default_rng(3).permutation(24)
    turned = Weights.from_dense(W[np.ix_(order, order)], ids=[ids[i] for i in order])
    again = fitted("y ~ x + W(y)", panel, turned, error="W", effects=("unit",))
    assert again.params.to_numpy() == pytest.approx(first.params.to_numpy(), rel=1e-7)
    scaled = fitted("y ~ x + W(y)", panel, Weights.from_dense(3 * W, ids=ids), error="W", effects=("unit",))
    assert 3 * scaled.params["y", "W(y)"] == pytest.approx(first.params["y", "W(y)"], rel=1e-7)
    assert 3 * scaled.rho.iloc[0] == pytest.approx(first.rho.iloc[0], rel=1e-7)
    own = dict(first.facts)["log_likelihood"]
    assert dict(scaled.facts)["log_likelihood"] == pytest.approx(own, abs=1e-9)


def test_far_means_cost_no_digits() -> None:
    W = ring(24, seed=6)
    panel = simulated(W, 1, 4, lam=0.3, effects=False).frame.droplevel(1)
    moved = panel.assign(y=panel["y"] + 1e6, x=panel["x"] - 1e6)
    first, far = (fitted("y ~ x + W(y)", data, W) for data in (panel, moved))
    for term in ("x", "W(y)"):
        assert far.params["y", term] == pytest.approx(first.params["y", term], rel=1e-6)
        assert far.std_errors["y", term] == pytest.approx(first.std_errors["y", term], rel=1e-6)


@pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")
@pytest.mark.parametrize("method", ["ml", "aqs", "wild"])
def test_the_constant_beside_far_columns_keeps_its_interval_by_standard_errors(method: str) -> None:
    """Columns far from zero are estimated from their means: what is inverted is of another constant."""
    panel = simulated(ring(24, seed=6), 1, 4, lam=0.3, effects=False).frame.droplevel(1)
    far = panel.assign(y=panel["y"] + 1e6, x=panel["x"] + 1e6, half=np.arange(24) // 3)
    W, how = Weights.from_dense(ring(24, seed=6)), {"ml": "lr"}.get(method)
    found = []
    for data in (panel.assign(half=far["half"]), far):
        system = SpatialSystem("y ~ x + W(y)", data, W, error="W" if method == "aqs" else None)
        wild = WildBootstrap(by="half", replications=99, seed=1)
        fit = system.fit("2sls", cov=wild) if method == "wild" else system.fit(method)  # type: ignore[arg-type]
        found.append(fit.confint(method=how).set_index("term"))  # type: ignore[arg-type]
    near, moved = found
    constant = moved.loc["Intercept"]
    half = (constant["conf_high"] - constant["conf_low"]) / 2
    assert (constant["conf_low"] + constant["conf_high"]) / 2 == pytest.approx(constant["estimate"])
    assert half / constant["std_error"] == pytest.approx(1.96, rel=0.25)
    assert constant["method"] == "wald"
    others = moved.index.difference(["Intercept"])
    assert moved.loc[others, "conf_low"].to_numpy() == pytest.approx(
        near.loc[others, "conf_low"].to_numpy(), rel=1e-4
    )


def test_intervals_by_ratios_end_where_the_ratio_is_the_quantile() -> None:
    W = ring(30)
    panel = simulated(W, 3, 8, lam=0.4)
    fit = fitted("y ~ x + z + W(y)", panel, W, effects=("unit", "time"))
    found = fit.confint(method="lr").set_index("term")
    model, top = fit.estimate.model, fit.estimate.log_likelihood
    for term, column in (("W(y)", None), ("x", 0)):
        for end in found.loc[term, ["conf_low", "conf_high"]]:
            fixed = model.profile.fixing(-2 if column is None else column, end)
            assert 2 * (top - maximise(fixed).value) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-6)
    # The p-value is that of the likelihood ratio test.
    test = fit.diagnostics().test("LR: spatial lag", "y")
    assert found.loc["W(y)", "p_value"] == pytest.approx(test.p_value, rel=1e-6)
    assert (found["method"] == "lr").all()
    wald = fit.confint()
    assert (wald["method"] == "wald").all()
    assert np.allclose(wald["conf_low"], found["conf_low"].to_numpy(), atol=0.05)


def test_an_unbalanced_panel_with_time_effects_has_the_likelihood_of_its_blocks() -> None:
    W = ring(16)
    panel = simulated(W, 3, 9, lam=0.4)
    kept = panel.frame.drop(index=[(2, 0), (5, 1), (11, 2)])
    data = Panel.from_frame(kept.reset_index(), unit="i", time="t")
    system = SpatialSystem("y ~ x + W(y)", data, Weights.from_dense(W), effects="time", unbalanced="induced")
    fit = system.fit("ml")
    value, design = 0.0, system.design
    lam, b, s2 = fit.params["y", "W(y)"], fit.params["y", "x"], fit.sigma.iloc[0, 0]
    places = design.equation_columns(0)
    for first, last, matrix in design.operators["W"].blocks():
        F = _complement(last - first)
        y, x = design.columns[first:last, [places[0], places[1]]].T
        S = F.T @ (np.eye(last - first) - lam * matrix.toarray()) @ F
        e = S @ (F.T @ y) - F.T @ x * b
        count = last - first - 1
        value += np.linalg.slogdet(S)[1] - count / 2 * np.log(2 * np.pi * s2) - e @ e / (2 * s2)
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(value, abs=1e-8)


def test_moments_of_errors_behind_residuals_are_found_again() -> None:
    """Third and fourth moments of the errors, from residuals that have lost effects, on average."""
    W = ring(60)
    found = []
    for seed in range(25):
        panel = simulated(W, 4, seed, draw="two points")
        fit = fitted("y ~ x + z + W(y)", panel, W, effects=("unit", "time"), cov="qml")
        found.append(fit.estimate.information.moments)
    third, fourth = np.mean(found, axis=0)
    assert third == pytest.approx(2 / np.sqrt(3), rel=0.1)
    assert fourth == pytest.approx(7 / 3, rel=0.1)


def test_residuals_predictions_and_tables_are_those_of_a_fit() -> None:
    W = ring(25)
    panel = simulated(W, 4, 2, lam=0.4)
    fit = fitted("y ~ x + z + W(x) + W(y)", panel, W, effects=("unit", "time"))
    structural, reduced = fit.predict(), fit.predict("reduced")
    outcome = panel.frame["y"].sort_index()
    assert np.allclose(outcome.to_numpy() - structural["y"].to_numpy(), fit.residuals["y"].to_numpy())
    assert np.corrcoef(reduced["y"], outcome)[0, 1] > 0.5
    row = fit.glance().iloc[0]
    assert {"log_likelihood", "aic", "bic"} <= set(row.index)
    assert "first_stage_f" not in row.index
    page = fit.to_markdown(lang="zh")
    assert "对数似然" in page
    assert "第一阶段" not in page
    impacts = fit.impacts()
    total = (fit.params["y", "x"] + fit.params["y", "W(x)"]) / (1 - fit.params["y", "W(y)"])
    found = impacts.tidy().set_index(["term", "effect"])
    assert found.loc[("x", "total"), "estimate"] == pytest.approx(total, rel=1e-9)
    assert isinstance(fit.diagnostics().frame, pd.DataFrame)
    assert "Log-likelihood" in fit.summary()
    assert "Instruments" not in fit.summary()
