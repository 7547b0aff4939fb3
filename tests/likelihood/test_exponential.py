"""The matrix exponential model: the density written out, multipliers, equivalence with a lag, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import columbus, moving, nearest, ring, simulated
from scipy import linalg, stats

from spatial.errors import DataError
from spatial.models import SpatialSystem, SystemFit
from spatial.panel import Panel
from spatial.weights import Weights


def exponential(W: np.ndarray, times: int, seed: int, alpha: float = 0.5, effects: bool = True) -> Panel:
    """Return e^(-alpha W) y = x + W x/2 + effects + e."""
    n, random = len(W), np.random.default_rng(seed)
    x, e = random.normal(size=(2, times, n))
    right = x + 0.5 * x @ W.T + e
    if effects:
        right = right + random.normal(size=n) + random.normal(size=(times, 1))
    y = (linalg.expm(alpha * W) @ right.T).T
    index = pd.MultiIndex.from_product([range(times), range(n)], names=["t", "i"])
    data = pd.DataFrame({"y": y.ravel(), "x": x.ravel()}, index=index).reset_index()
    return Panel.from_frame(data, unit="i", time="t")


def fitted(
    formula: str, data: Panel | pd.DataFrame, W: np.ndarray, *effects: str, **options: object
) -> SystemFit:
    return SpatialSystem(formula, data, Weights.from_dense(W), effects=effects).fit("mess", **options)


@pytest.mark.evidence("models.SpatialSystem:mess", source="the normal density written out", kind="identity")
@pytest.mark.parametrize("effects", [(), ("unit",), ("unit", "time")])
def test_likelihood_and_errors_are_those_of_the_density(effects: tuple[str, ...]) -> None:
    n, times = 14, 4
    W = ring(n, seed=2)
    fit = fitted("y ~ x + W(x) + W(y)", exponential(W, times, 3), W, *effects)
    design = fit.estimate.design
    places = design.equation_columns(0)
    names = [t.name for t in design.structure.equations[0].terms]
    y = design.columns[:, places[0]]
    Z = design.columns[:, [p for p, t in zip(places[1:], names, strict=True) if t != "W(y)"]]
    own = [j for j, t in enumerate(names) if t != "W(y)"]

    def complement(k: int, out: bool) -> np.ndarray:
        full = np.linalg.qr(np.column_stack([np.ones(k), np.eye(k)[:, : k - 1]]))[0]
        return full[:, 1:] if out else np.eye(k)

    F = np.kron(complement(times, "unit" in effects), complement(n, "time" in effects))
    big = np.kron(np.eye(times), W)

    def density(theta: np.ndarray) -> float:
        S = F.T @ linalg.expm(-theta[names.index("W(y)")] * big) @ F
        back = np.linalg.inv(S)
        mean = back @ (F.T @ Z @ theta[own])
        return float(stats.multivariate_normal(mean, theta[-1] * back @ back.T).logpdf(F.T @ y))

    theta = np.array([*fit.params, fit.sigma.iloc[0, 0]])
    assert density(theta) == pytest.approx(dict(fit.facts)["log_likelihood"], abs=1e-7)
    random = np.random.default_rng(1)
    for _ in range(15):
        assert density(theta + 1e-3 * random.normal(size=len(theta)) * np.abs(theta)) < density(theta)
    step, place = 1e-4, names.index("W(y)")
    # Of alpha with the others at their values: minus the second derivative of the density.
    up, down = theta.copy(), theta.copy()
    up[place] += step
    down[place] -= step
    curve = -(density(up) - 2 * density(theta) + density(down)) / step**2
    V = np.linalg.inv(fit.cov.to_numpy())
    assert V[place, place] <= curve * 1.001  # the variance is concentrated out of V


@pytest.mark.filterwarnings("ignore::spatial.models.likelihood.estimator.HeteroskedasticityWarning")
@pytest.mark.evidence("models.SpatialSystem:mess", source="spatialreg 1.2-6 lagmess, columbus")
def test_a_cross_section_is_that_of_spatialreg() -> None:
    """lagmess(CRIME ~ INC + HOVAL, listw, method = "BFGS") in R 4.2.2; its alpha has the other sign."""
    data, W = columbus()
    fit = SpatialSystem("CRIME ~ INC + HOVAL + W(CRIME)", data, W).fit("mess")
    found = fit.tidy().set_index("term")
    assert found.loc["W(CRIME)", "estimate"] == pytest.approx(0.515255737699, rel=1e-6)
    # Of the Hessian of the profile, by differences there.
    assert found.loc["W(CRIME)", "std_error"] == pytest.approx(0.178814546694, rel=1e-5)
    own = ["Intercept", "INC", "HOVAL"]
    assert found.loc[own, "estimate"].tolist() == pytest.approx(
        [46.704917069723, -1.066849964750, -0.267752601524], rel=1e-7
    )
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(-182.476182516, abs=1e-8)
    assert fit.diagnostics().test("LR: spatial lag", "CRIME").statistic == pytest.approx(9.80211259, abs=1e-7)
    assert "lambda = 0.4027" in " ".join(fit.notes)  # Implied rho: 0.402652189272


def test_effects_are_those_of_the_exponential() -> None:
    W = nearest(60, 5, 2).toarray()
    fit = fitted("y ~ x + W(x) + W(y)", exponential(W, 5, 1), W, "unit", "time")
    b = fit.params["y"]
    E = linalg.expm(b["W(y)"] * W) @ (b["x"] * np.eye(60) + b["W(x)"] * W)
    found = fit.impacts().tidy().set_index("effect")
    assert found.loc["direct", "estimate"] == pytest.approx(np.trace(E) / 60, rel=1e-9)
    assert found.loc["total", "estimate"] == pytest.approx(E.sum() / 60, rel=1e-9)
    lam = 1 - np.exp(-b["W(y)"])
    assert found.loc["total", "estimate"] == pytest.approx((b["x"] + b["W(x)"]) / (1 - lam), rel=1e-9)
    assert f"lambda = {lam:.4f}" in " ".join(fit.notes)
    assert (found["std_error"] > 0).all()
    orders = fit.impacts().by_order(4)
    powers = linalg.expm(0 * W), W, W @ W
    alpha = b["W(y)"]
    for m, slope in enumerate(
        (b["x"], alpha * b["x"] + b["W(x)"], alpha**2 / 2 * b["x"] + alpha * b["W(x)"])
    ):
        assert orders["direct"][m] == pytest.approx(slope * np.trace(powers[m]) / 60, abs=1e-12)
        assert orders["total"][m] == pytest.approx(slope * powers[m].sum() / 60, abs=1e-12)
    assert orders["total"].sum() == pytest.approx(found.loc["total", "estimate"], rel=1e-12)
    units = fit.impacts().units("y", "x")
    for kind, known in (("sent", E.sum(axis=0)), ("received", E.sum(axis=1)), ("direct", np.diag(E))):
        assert units[kind].to_numpy() == pytest.approx(known, rel=1e-9)
    # The mean of all that is received is the total effect, with its error where all rows are alike.
    assert units["received_std_error"].to_numpy() == pytest.approx(found.loc["total", "std_error"], rel=1e-4)
    assert "e^(alpha W) has an inverse" in str(fit.stability().notes)
    assert fit.stability().stable


def test_it_recovers_alpha_and_its_fit_is_one() -> None:
    W = nearest(80, 5, 4).toarray()
    panel = exponential(W, 6, 5, alpha=0.6)
    fit = fitted("y ~ x + W(x) + W(y)", panel, W, "unit", "time")
    row = fit.tidy().set_index("term").loc["W(y)"]
    assert row["conf_low"] < 0.6 < row["conf_high"]
    outcome = panel.frame["y"].sort_index().to_numpy()
    structural = fit.predict()["y"].to_numpy()
    assert np.allclose(outcome - structural, fit.residuals["y"].to_numpy(), atol=1e-9)
    reduced = fit.predict("reduced")["y"].to_numpy()
    assert np.corrcoef(reduced, outcome)[0, 1] > 0.7
    tests = fit.diagnostics()
    assert tests.test("LR: spatial lag", "y").p_value < 1e-6
    assert tests.test("Wald: no spatial lags of regressors", "y").p_value < 0.05
    assert "MESS" in fit.to_markdown()
    assert "Matrix exponential" in fit.summary()


def test_intervals_by_likelihood_ratios_are_those_of_restricted_fits() -> None:
    W = nearest(60, 5, 2).toarray()
    panel = exponential(W, 4, 1)
    fit = fitted("y ~ x + W(x) + W(y)", panel, W, "unit", "time")
    found = fit.confint(method="lr").set_index("term")
    tests = fit.diagnostics()
    assert found.loc["W(y)", "p_value"] == pytest.approx(tests.test("LR: spatial lag", "y").p_value, rel=1e-6)
    without = fitted("y ~ W(x) + W(y)", panel, W, "unit", "time")
    top, lower = (dict(one.facts)["log_likelihood"] for one in (fit, without))
    assert found.loc["x", "p_value"] == pytest.approx(stats.chi2.sf(2 * (top - lower), 1), rel=1e-6)
    for end in ("conf_low", "conf_high"):
        moved = panel.frame.assign(y=panel.frame["y"])
        alpha = float(found.loc["W(y)", end])
        big = linalg.expm(-alpha * W)
        moved["y"] = moved["y"].unstack().apply(lambda column, big=big: big @ column).stack()
        held = SpatialSystem("y ~ x + W(x)", Panel(moved), Weights.from_dense(W), effects=("unit", "time"))
        value = dict(held.fit("ml").facts)["log_likelihood"] + 3 * alpha  # (T - 1) of a row of sum 1
        assert 2 * (top - value) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-5)


def test_far_means_change_nothing_without_even_rows() -> None:
    W = ring(40)
    W[3] *= 0.5
    data = exponential(W, 1, 4, effects=False).frame.droplevel(1)
    first = fitted("y ~ x + W(y)", data, W)
    moved = fitted("y ~ x + W(y)", data.assign(x=data["x"] + 1e5), W)
    assert moved.params["y", "W(y)"] == pytest.approx(first.params["y", "W(y)"], abs=1e-5)
    assert moved.params["y", "x"] == pytest.approx(first.params["y", "x"], abs=1e-5)


def test_what_it_refuses() -> None:
    W = ring(20)
    panel = simulated(W, 4, 1, lam=0.3)
    both = {"W": Weights.from_dense(W), "V": Weights.from_dense(ring(20, seed=3))}
    with pytest.raises(DataError, match=r"write W\(y\) into the formula"):
        fitted("y ~ x", panel, W)
    with pytest.raises(DataError, match="has no spatial error beside it"):
        SpatialSystem("y ~ x + W(y)", panel, both, error="W").fit("mess")
    with pytest.raises(DataError, match=r"in the weights of W\(y\), not V\(x\)"):
        SpatialSystem("y ~ x + V(x) + W(y)", panel, both).fit("mess")
    with pytest.raises(DataError, match="cov='observed'; got clustered by unit"):
        fitted("y ~ x + W(y)", panel, W, cov="cluster")
    with pytest.raises(DataError, match="for static models"):
        fitted("y ~ lag(y, 1) + x + W(y)", moving(W, 4, 1), W)
    with pytest.raises(DataError, match=r"effects='random' is for method"):
        SpatialSystem("y ~ x + W(y)", panel, both, effects="random").fit("mess")
