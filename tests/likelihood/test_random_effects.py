"""Random effects by maximum likelihood: the numbers of splm, the density written out, Mundlak, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lattice import columbus, spdep_weights
from likelihood_cases import fitted, produc, ring, simulated
from scipy import stats

from spatial.errors import DataError, FormulaError
from spatial.models import SpatialSystem, hausman
from spatial.models.likelihood.contrast import hausman_test
from spatial.models.likelihood.random_effects import maximise_random
from spatial.models.mechanisms.stacked import stacked_covariance
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings(
    "ignore::spatial.models.likelihood.estimator.HeteroskedasticityWarning"
)

# splm 1.6-5: spml(lgsp ~ lpcap + lpc + lemp + unemp, usaww, model = "random", lag =, spatial.error =).
# (log-likelihood, slopes, phi = s_mu^2/s_v^2 and its error, rho and its error, lambda)
SPLM = {
    ("lag", None): (
        1426.57670518143,
        [1.65814986638002, 0.0129450521126896, 0.225553750217634, 0.670810736268143, -0.00579715838775576],
        (21.317508155578, 8.29294557330185),
        None,
        0.161614536533676,
    ),
    ("", "kkp"): (
        1491.91155855788,
        [2.32467073337855, 0.0445475103307694, 0.246112407592879, 0.742631924593757, -0.00360450947695452],
        (6.62477473029457, 1.54918932719234),
        (0.526464761290712, 0.0333398460133188),
        None,
    ),
    ("", "bsk"): (
        1491.65884978501,
        [2.38682747770257, 0.0424138369134454, 0.241839581553833, 0.742345427131156, -0.00342793180853438],
        (7.49517905068001, 1.7308139838887),
        (0.538876461801092, 0.0337103504739975),
        None,
    ),
    ("lag", "kkp"): (
        1491.94160792931,
        [2.28871127493264, 0.0453980155298462, 0.244890616470204, 0.742066775189497, -0.00367203925929237],
        (6.68250038469467, None),
        (0.521849157205531, None),
        0.00426675138736323,
    ),
    ("lag", "bsk"): (
        1491.66381122842,
        [2.37357691439801, 0.0425016652991322, 0.241507523256777, 0.741906307083228, -0.00345602136376896],
        (7.53078011521427, None),
        (0.53683105082887, None),
        0.00182039574818215,
    ),
}
TERMS = ["Intercept", "lpcap", "lpc", "lemp", "unemp"]


@pytest.mark.evidence(
    "models.SpatialSystem:ml",
    source="splm 1.6-5 random effects, Produc",
    differs="splm stops its search at 1e-6 in lambda, and differentiates for standard errors",
)
@pytest.mark.parametrize(("lag", "form"), SPLM)
def test_estimates_are_those_of_splm(lag: str, form: str | None) -> None:
    loglik, slopes, (phi, phi_error), rho, lam = SPLM[lag, form]
    formula = "lgsp ~ lpcap + lpc + lemp + unemp" + (" + W(lgsp)" if lag else "")
    options = {} if form is None else {"random": form}
    fit = fitted(formula, *produc(), error=None if form is None else "W", effects=("random",), **options)
    facts, found = dict(fit.facts), fit.tidy().set_index("term")
    assert facts["log_likelihood"] == pytest.approx(loglik, abs=1e-7)
    # splm stops its search at 1e-6 or so in lambda.
    assert found.loc[TERMS, "estimate"].tolist() == pytest.approx(slopes, rel=1e-5)
    assert (facts["sigma_u"] / facts["sigma_e"]) ** 2 == pytest.approx(phi, rel=1e-5)
    if rho is not None:
        assert found.loc["rho", "estimate"] == pytest.approx(rho[0], rel=2e-6)
        if rho[1] is not None:
            assert found.loc["rho", "std_error"] == pytest.approx(rho[1], rel=5e-4)
    if lam is not None:
        assert found.loc["W(lgsp)", "estimate"] == pytest.approx(lam, abs=1e-6)
    if phi_error is not None:
        place, V = fit.estimate.found.place, fit.estimate.found.covariance
        own = np.sqrt(V[-1, -1]) / place[2] ** 2 / 17
        assert own == pytest.approx(phi_error, rel=3e-3)
    assert "with random effects of units" in fit.summary().splitlines()[0]


@pytest.mark.parametrize("form", ["kkp", "bsk"])
def test_likelihood_is_that_of_the_density(form: str) -> None:
    n, times = 12, 3
    W = ring(n, seed=4)
    panel = simulated(W, times, 3, lam=0.3, rho=0.3)
    fit = fitted("y ~ x + z + W(y)", panel, W, error="W", effects=("random",), random=form)
    facts = dict(fit.facts)
    design = fit.estimate.design
    places = design.equation_columns(0)
    names = [t.name for t in design.structure.equations[0].terms]
    y = design.columns[:, places[0]]
    Z = design.columns[:, [p for p, t in zip(places[1:], names, strict=True) if t != "W(y)"]]
    b = fit.params.drop(("y", "W(y)")).to_numpy()
    S = np.linalg.inv(np.eye(n) - fit.params["y", "W(y)"] * W)
    R = np.linalg.inv(np.eye(n) - fit.rho.iloc[0] * W)
    J, RR = np.ones((times, times)), R @ R.T
    mu = RR if form == "kkp" else np.eye(n)
    V = facts["sigma_e"] ** 2 * np.kron(np.eye(times), RR) + facts["sigma_u"] ** 2 * np.kron(J, mu)
    full = np.kron(np.eye(times), S)
    density = stats.multivariate_normal(full @ Z @ b, full @ V @ full.T)
    assert facts["log_likelihood"] == pytest.approx(float(density.logpdf(y)), abs=1e-8)


def test_correlated_effects_are_found_and_no_others() -> None:
    W = ring(80)
    panel = simulated(W, 4, 5, lam=0.3, effects=False)
    data = panel.frame.copy()
    random = np.random.default_rng(1)
    units = data.index.get_level_values(0)
    mu = random.normal(size=80)
    data["y"] += (np.linalg.inv(np.eye(80) - 0.3 * W) @ mu)[units]
    plain = fitted("y ~ x + z + W(y)", data, W, effects=("random",))
    assert dict(plain.facts)["sigma_u"] == pytest.approx(1.0, abs=0.25)
    tests = plain.diagnostics()
    name = "LR: Mundlak, random against fixed effects"
    assert tests.test(name, "y").p_value > 0.05
    assert tests.test("LR: random effects", "y").p_value < 1e-6
    data["x"] += 2 * mu[units]
    related = fitted("y ~ x + z + W(y)", data, W, effects=("random",))
    assert related.diagnostics().test(name, "y").p_value < 1e-6
    fixed = fitted("y ~ x + z + W(y)", data, W, effects=("unit",))
    found = hausman_test(fixed.estimate, related.estimate)
    assert found.df == 3
    assert found.p_value < 1e-6


def test_without_effects_the_estimates_are_those_pooled() -> None:
    W = ring(40)
    # Negative correlation within units: the variance of effects would be below 0.
    panel = simulated(W, 2, 8, lam=0.3, effects=False)
    data = panel.frame.copy()
    e = data["y"].unstack()
    data["y"] -= 0.8 * (e.mean(axis=1) - e.mean().mean()).reindex(data.index.get_level_values(0)).to_numpy()
    fit = fitted("y ~ x + z + W(y)", data, W, effects=("random",))
    pooled = fitted("y ~ x + z + W(y)", data, W)
    assert any("at its bound of 0" in note for note in fit.notes)
    assert fit.params.to_numpy() == pytest.approx(pooled.params.to_numpy(), abs=1e-5)
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(dict(pooled.facts)["log_likelihood"], abs=1e-7)
    assert fit.diagnostics().test("LR: random effects", "y").p_value == 1.0


def test_time_effects_stand_beside_random_ones() -> None:
    W = ring(30)
    fit = fitted("y ~ x + W(y)", simulated(W, 4, 2, lam=0.3), W, error="W", effects=("random", "time"))
    assert fit.effects == ("time",)
    assert fit.n_effective == 29 * 4
    page = fit.to_markdown(lang="zh")
    assert "个体随机效应" in page
    assert fit.impacts(draws=0).tidy()["std_error"].gt(0).all()


def test_intervals_by_likelihood_ratios_are_those_of_restricted_fits() -> None:
    W = ring(30, seed=4)
    panel = simulated(W, 4, 3, lam=0.3)
    fit = fitted("y ~ x + z + W(y)", panel, W, effects=("random",))
    found = fit.confint(method="lr").set_index("term")
    top, tests = dict(fit.facts)["log_likelihood"], fit.diagnostics()
    assert found.loc["W(y)", "p_value"] == pytest.approx(tests.test("LR: spatial lag", "y").p_value, rel=1e-5)
    without = dict(fitted("y ~ z + W(y)", panel, W, effects=("random",)).facts)["log_likelihood"]
    assert found.loc["x", "p_value"] == pytest.approx(stats.chi2.sf(2 * (top - without), 1), rel=1e-5)
    for end in ("conf_low", "conf_high"):
        profile = replace(
            fit.estimate.profile, fixed=(fit.estimate.model.terms.index(1), found.loc["x", end])
        )
        assert 2 * (top - maximise_random(profile).value) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-4)
    both = fitted("y ~ x + z + W(y)", panel, W, error="W", effects=("random",), random="kkp")
    bounds = both.confint(method="lr")
    assert (bounds["conf_low"] < bounds["estimate"]).all()
    assert (bounds["estimate"] < bounds["conf_high"]).all()


def test_what_random_effects_refuse() -> None:
    W = Weights.from_dense(ring(20))
    panel = simulated(ring(20), 4, 1, lam=0.3)
    system = SpatialSystem("y ~ x + W(y)", panel, W, error="W", effects=("random", "time"))
    with pytest.raises(DataError, match=r"effects='random' is for method .*'ml'.*; got 'gmm'"):
        system.fit("gmm")
    assert system.fit().method == "ml"
    with pytest.raises(DataError, match="random is 'kkp' or 'bsk'; got 'kp'"):
        system.fit("ml", random="kp")
    with pytest.raises(DataError, match="random='bsk' has no time effects beside it"):
        system.fit("ml", random="bsk")
    with pytest.raises(DataError, match="cov='observed'; got clustered by unit"):
        system.fit("ml", cov="cluster")
    with pytest.raises(DataError, match=r"all rows count"):
        system.fit("ml", compat="direct")
    alone = SpatialSystem("y ~ x + W(y)", panel, W, error="W", effects="random").fit("ml", random="bsk")
    with pytest.raises(DataError, match="not offered for random='bsk' with a spatial error"):
        alone.moran()
    with pytest.raises(FormulaError, match="effects of units are fixed or random: choose one"):
        SpatialSystem("y ~ x", panel, effects=("unit", "random"))
    one = simulated(ring(20), 1, 1)
    with pytest.raises(DataError, match="at least two times"):
        SpatialSystem("y ~ x + W(y)", one, W, effects="random").fit("ml")


# ---- the one door to these tests
@pytest.mark.evidence("models.hausman", source="d'V^{-1}d of the two fits by hand", kind="hand")
@pytest.mark.filterwarnings("ignore::spatial.models.system.WeakInstrumentWarning")
def test_hausman_in_space_is_the_test_of_the_likelihood_and_of_the_moments() -> None:
    """By ml it is the test above; by instruments the difference with its clustered variance, by hand."""
    panel = simulated(ring(40), 4, 5, lam=0.3)
    fixed, random = (
        SpatialSystem("y ~ x + z + W(y)", panel, Weights.from_dense(ring(40)), effects=e)
        for e in ("unit", "random")
    )
    by_ml = hausman(fixed.fit("ml"), random.fit("ml"), kind="spatial")
    same = hausman_test(fixed.fit("ml").estimate, random.fit("ml").estimate)
    assert by_ml.statistic == pytest.approx(same.statistic, rel=1e-9)
    a, b = fixed.fit("gs2sls"), random.fit("gs2sls")
    found = hausman(a, b, kind="spatial")
    assert (found.df, found.name) == (3, "Hausman, spatial")
    # Each block of the joint variance is the fit's own; the rest is d'V^{-1}d.
    stacked = stacked_covariance({"a": a, "b": b}).cov
    keys = list(a.params.index)
    A, B = [("a", *k) for k in keys], [("b", *k) for k in keys]
    np.testing.assert_allclose(stacked.loc[A, A], a.cov, rtol=1e-8)
    np.testing.assert_allclose(stacked.loc[B, B], b.cov.loc[keys, keys], rtol=1e-8)
    V = stacked.loc[A, A].to_numpy() + stacked.loc[B, B].to_numpy()
    V -= stacked.loc[A, B].to_numpy() + stacked.loc[B, A].to_numpy()
    d = (a.params - b.params[keys]).to_numpy()
    assert found.statistic == pytest.approx(d @ np.linalg.solve(V, d), rel=1e-8)
    mundlak = random.fit("ml").diagnostics().test("LR: Mundlak, random against fixed effects", "y")
    assert hausman(random.fit("ml"), kind="mundlak").statistic == pytest.approx(mundlak.statistic)
    assert "Mundlak" in hausman(b, kind="mundlak").name
    for pair, message in (
        ((a, None), "The spatial test compares two fits"),
        ((a, by_ml), "takes fits of SpatialSystem; b is HypothesisTest"),
        ((b, b), "needs fixed effects of units in the first fit"),
        ((fixed.fit("ml"), b), "takes both fits by one method; got ml and gs2sls"),
        ((a, a), "compares fixed with random effects, as hausman"),
        ((a, random.where("time >= 2").fit("gs2sls")), "of the same outcomes on the same rows"),
    ):
        with pytest.raises(DataError, match=message):
            hausman(*pair, kind="spatial")


@pytest.mark.evidence(
    "models.hausman", source="spatialreg 1.2-6, columbus, its own V made symmetric", digits=6
)
def test_least_squares_against_the_spatial_error_model_is_the_test_of_pace_and_lesage() -> None:
    # R 4.2.2, spatialreg 1.2-6, errorsarlm(CRIME ~ INC + HOVAL, columbus): d'(V1 - V2)^{-1}d with V1 =
    # s2 B B', B = (X'X)^{-1}X'(I - lambda W)^{-1}, V2 = s2 (X'S'SX)^{-1}, from its lambda and s2.  Its own
    # Hausman.test prints 5.61324: its V1 (element Hcov) is not symmetric, as a covariance is.
    data = pd.DataFrame({name: columbus(name) for name in ("CRIME", "INC", "HOVAL")})
    system = SpatialSystem("CRIME ~ INC + HOVAL", data, spdep_weights("queen", "W"))
    error = system.again(error="W").fit("ml")
    assert error.rho.iloc[0] == pytest.approx(0.546753074806, abs=1e-6)
    found = hausman(system.fit("ols"), error, kind="spatial")
    assert found.statistic == pytest.approx(5.25565722808, rel=1e-6)
    assert found.df == 3
    with pytest.raises(DataError, match="of the same terms"):
        hausman(
            SpatialSystem("CRIME ~ INC", data, spdep_weights("queen", "W")).fit("ols"), error, kind="spatial"
        )
