"""Sigma and beta convergence: by hand, against other packages, Monte Carlo, invariances, messages."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from convergence_cases import make_panel, quiet, ring

from spatial.disparities.convergence import _nickell, beta_convergence, sigma_convergence
from spatial.errors import DataError, SpatialWarning
from spatial.panel.panel import Panel
from spatial.weights import Weights


# ---- sigma
@pytest.mark.evidence("sigma_convergence", source="three regions", kind="hand")
def test_sigma_by_hand() -> None:
    rows = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]])
    y = pd.DataFrame({"y": [1.0, 2.0, 2.0, 3.0, 6.0, 4.0]}, rows)  # 1, 2, 6, then 2, 3, 4
    found = sigma_convergence(y, "y")
    assert found.frame["cv"].tolist() == pytest.approx([np.sqrt(14 / 2) / 3, 1 / 3])
    logs = np.log([1, 2, 6])
    assert found.frame["sd_log"].iloc[0] == pytest.approx(np.sqrt(((logs - logs.mean()) ** 2).sum() / 2))
    assert found.frame["mean"].tolist() == [3, 3]
    assert found.converges
    assert found.trends.set_index("term").loc["cv", "estimate"] == pytest.approx(1 / 3 - np.sqrt(7) / 3)


def test_sigma_about_the_neighbours_by_hand() -> None:
    rows = pd.MultiIndex.from_product([["a", "b", "c"], [1]])
    y = pd.DataFrame({"y": np.exp([1.0, 2.0, 6.0])}, rows)
    W = Weights.from_dense(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0.0]]), ids=["a", "b", "c"])
    found = sigma_convergence(y, "y", W.row_standardized())
    gaps = np.array([1 - 2, 2 - 3.5, 6 - 2])
    assert found.frame["sd_log_local"].iloc[0] == pytest.approx(gaps.std(ddof=1))
    with pytest.raises(DataError, match=r"needs W.row_standardized\(\)"):
        sigma_convergence(y, "y", W)


@pytest.mark.evidence("sigma_convergence", digits=10, source="pandas, incomes of the US states")
def test_sigma_of_the_us_states_against_pandas() -> None:
    from libpysal.examples import get_path

    # Income a head of the 48 US states, 1929-2009 (usjoin.csv of libpysal): they converge until 1980.
    wide = pd.read_csv(get_path("usjoin.csv")).set_index("Name").drop(columns="STATE_FIPS")
    wide.columns = wide.columns.astype(int)
    long = wide.rename_axis(columns="year").stack().rename("income").to_frame().astype(float)
    found = sigma_convergence(long, "income").frame
    np.testing.assert_allclose(found["sd_log"], np.log(wide).std(), rtol=1e-12)
    np.testing.assert_allclose(found["cv"], wide.std() / wide.mean(), rtol=1e-12)
    assert found.loc[1980, "sd_log"] < found.loc[1950, "sd_log"] < found.loc[1930, "sd_log"]


def test_sigma_scale_and_order() -> None:
    panel = make_panel()
    W = ring(panel.units)
    straight = sigma_convergence(panel, "gdp", W)
    shuffled = sigma_convergence(panel.frame.sample(frac=1, random_state=1), "gdp", W.reordered(W.ids[::-1]))
    pd.testing.assert_frame_equal(shuffled.frame, straight.frame, check_exact=True)
    scaled = sigma_convergence(panel.frame * 100, "gdp", W)
    columns = ["sd_log", "cv", "sd_log_local"]
    pd.testing.assert_frame_equal(scaled.frame[columns], straight.frame[columns], rtol=1e-10)


def test_the_trend_of_dispersion_is_clustered_by_unit() -> None:
    panel = make_panel()
    found = sigma_convergence(panel, "gdp")
    y = panel.cube(["gdp"])[:, :, 0]
    for name, measure in (
        ("sd_log", lambda v: np.log(v).std(axis=1, ddof=1)),
        ("cv", lambda v: v.std(axis=1, ddof=1) / v.mean(axis=1)),
    ):
        row = found.trends.set_index("term").loc[name]
        steps = np.arange(len(y), dtype=float)
        assert row["estimate"] == pytest.approx(np.polyfit(steps, measure(y), 1)[0])
        # The jackknife over units has the same variance to first order.
        left = [np.polyfit(steps, measure(np.delete(y, i, axis=1)), 1)[0] for i in range(y.shape[1])]
        n = y.shape[1]
        jackknife = np.sqrt((n - 1) / n * ((np.array(left) - np.mean(left)) ** 2).sum())
        assert row["std_error"] == pytest.approx(jackknife, rel=0.25)


def test_sigma_result_forms() -> None:
    found = sigma_convergence(make_panel(), "gdp")
    assert list(found.tidy()) == [
        "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    assert found.glance()["n_units"].iloc[0] == 30
    assert "sd_log" in found.summary()
    assert str(found) == found.summary()
    assert repr(found).startswith("<SigmaConvergence sd of logs from ")
    assert len(found.plot().lines) == 2


# ---- beta by hand
def test_beta_by_hand() -> None:
    # ln y: 0, 1, 2 grow by 1.1, 0.6, 0.1: exactly beta -1/2 with intercept 1.1
    rows = pd.MultiIndex.from_product([["a", "b", "c"], [2000, 2010]])
    logs = np.array([[0, 1.1], [1, 1.6], [2, 2.1]])
    found = beta_convergence(pd.DataFrame({"y": np.exp(logs).ravel()}, rows), "y", effects=())
    estimates = found.estimates.set_index("term")["estimate"]
    assert estimates.to_dict() == pytest.approx({"Intercept": 1.1, "log(y)": -0.5})
    assert found.speed == pytest.approx(np.log(2) / 10)  # a step is ten years
    assert found.half_life == pytest.approx(10)
    assert found.nickell_bias == 0


@pytest.mark.parametrize(
    ("slope", "speed", "half_life"),
    [(0.0, 0.0, np.inf), (0.25, -np.log(1.25), np.inf), (-1.5, np.nan, np.nan)],
)
def test_no_convergence_and_overshooting(slope: float, speed: float, half_life: float) -> None:
    rows = pd.MultiIndex.from_product([["a", "b", "c", "d"], [1, 2]])
    start = np.arange(4.0)
    noise = np.array([1, -1, -1, 1]) * 1e-3  # orthogonal to start and to one
    logs = np.column_stack([start, start * (1 + slope) + noise])
    found = beta_convergence(pd.DataFrame({"y": np.exp(logs).ravel()}, rows), "y", effects=())
    assert found.beta == pytest.approx(slope, abs=1e-12)
    assert found.speed == pytest.approx(speed, abs=1e-12, nan_ok=True)
    if slope == 0.0:
        assert found.half_life > 1e10  # infinite but for the rounding of the speed
    else:
        assert found.half_life == pytest.approx(half_life, nan_ok=True)


# ---- against other packages
@pytest.mark.evidence("beta_convergence", digits=10, source="statsmodels OLS with HC1 errors")
def test_cross_section_against_statsmodels() -> None:
    import statsmodels.api as sm

    panel = make_panel(1)
    ends = panel.frame.loc[(slice(None), [2001, 2006]), :]
    found = beta_convergence(ends, "gdp", controls=["x"], effects=())
    first, last = panel.at(2001), panel.at(2006)
    x = sm.add_constant(np.column_stack([np.log(first["gdp"]), first["x"]]))
    oracle = sm.OLS(np.log(last["gdp"] / first["gdp"]).to_numpy(), x).fit(cov_type="HC1")
    np.testing.assert_allclose(found.estimates["estimate"], oracle.params, rtol=1e-10)
    np.testing.assert_allclose(found.estimates["std_error"], oracle.bse, rtol=1e-10)
    assert found.r2_within == pytest.approx(oracle.rsquared)


def long_frame(panel: Panel, W: Weights) -> pd.DataFrame:
    """Growth, start, controls and their lags, made by pandas."""
    logs = np.log(panel.frame["gdp"]).unstack()
    growth = logs.diff(axis=1).iloc[:, 1:].set_axis(logs.columns[:-1], axis=1)
    x = panel.frame["x"].unstack().iloc[:, :-1]
    w = W.to_dense().loc[logs.index, logs.index]
    parts = {"g": growth, "y": logs.iloc[:, :-1], "x": x}
    parts |= {f"W{k}": w @ v for k, v in parts.items()}
    parts |= {f"WW{k}": w @ parts[f"W{k}"] for k in "yx"} | {f"WWW{k}": w @ w @ parts[f"W{k}"] for k in "yx"}
    return pd.DataFrame({k: v.stack() for k, v in parts.items()}).rename_axis(["city", "year"]).reset_index()


@pytest.mark.parametrize(
    ("effects", "absorb"),
    [(("unit", "time"), "| city + year"), (("unit",), "| city"), (("time",), "| year"), ((), "")],
)
def test_least_squares_against_pyfixest(effects: Any, absorb: str) -> None:
    panel = make_panel(2)
    W = ring(panel.units)
    with quiet():
        import pyfixest

        found = beta_convergence(
            panel, "gdp", W, controls=["x"], lags=["initial", "controls"], effects=effects
        )
        oracle = pyfixest.feols(f"g ~ y + x + Wy + Wx {absorb}", long_frame(panel, W), vcov={"CRV1": "city"})
    tidy = oracle.tidy()
    np.testing.assert_allclose(found.estimates["estimate"], tidy["Estimate"], rtol=1e-8)
    np.testing.assert_allclose(found.estimates["std_error"], tidy["Std. Error"], rtol=1e-8)
    np.testing.assert_allclose(found.estimates["p_value"], tidy["Pr(>|t|)"], rtol=1e-6, atol=1e-14)
    assert found.method == "OLS"


@pytest.mark.evidence("beta_convergence", digits=10, source="linearmodels IV2SLS")
def test_two_stage_least_squares_against_linearmodels() -> None:
    from linearmodels.iv import IV2SLS

    panel = make_panel(3)
    W = ring(panel.units)
    with quiet():
        found = beta_convergence(panel, "gdp", W, controls=["x"])
    frame = long_frame(panel, W)
    body = frame.drop(columns=["city", "year"])
    city, year = body.groupby(frame["city"]).transform("mean"), body.groupby(frame["year"]).transform("mean")
    within = body - city - year + body.mean()
    oracle = IV2SLS(
        within["g"], within[["y", "x", "Wy"]], within[["Wg"]], within[["Wx", "WWy", "WWx", "WWWy", "WWWx"]]
    ).fit(cov_type="clustered", clusters=pd.factorize(frame["city"])[0], debiased=False)
    assert found.estimates["term"].tolist() == ["log(gdp)", "x", "W(log(gdp))", "W(growth of gdp)"]
    np.testing.assert_allclose(found.estimates["estimate"], oracle.params, rtol=1e-8)
    n, t, k = 30, 5, 4  # linearmodels has no small-sample factor here
    factor = n / (n - 1) * (n * t - 1) / (n * t - k - t)
    np.testing.assert_allclose(found.estimates["std_error"], oracle.std_errors * np.sqrt(factor), rtol=1e-8)
    assert found.method == "2SLS"
    # The F of the excluded instruments against its definition: a clustered Wald test in the first stage.
    import statsmodels.api as sm

    excluded = ["Wx", "WWy", "WWx", "WWWy", "WWWx"]
    first = sm.OLS(within["Wg"], within[["y", "x", "Wy", *excluded]]).fit(
        cov_type="cluster",
        cov_kwds={"groups": pd.factorize(frame["city"])[0], "use_correction": False},
    )
    wald = float(np.squeeze(first.wald_test(np.eye(8)[3:], use_f=False, scalar=True).statistic))
    assert found.first_stage_f == pytest.approx(wald / 5 * (n - 5) / n, rel=1e-6)


# ---- Monte Carlo
@pytest.mark.slow
def test_two_stage_least_squares_recovers_the_spatial_lag() -> None:
    # No unit effects, so no Nickell bias; lambda 0.4, beta -0.3, theta 0.1.
    n, t, draws = 100, 8, 60
    units = [f"c{k:03d}" for k in range(n)]
    W = ring(units)
    inverse = np.linalg.inv(np.eye(n) - 0.4 * W.to_dense().to_numpy())
    index = pd.MultiIndex.from_product([units, range(t)])
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        logs, x = np.empty((t, n)), rng.normal(size=(t, n))
        logs[0] = rng.normal(2, 1, n)
        for k in range(1, t):
            push = -0.3 * logs[k - 1] + 0.1 * W.lag(logs[k - 1]) + 0.5 * x[k - 1]
            logs[k] = logs[k - 1] + inverse @ (push + 0.3 * rng.normal(size=n))
        frame = pd.DataFrame({"y": np.exp(logs.T).ravel(), "x": x.T.ravel()}, index)
        table = beta_convergence(frame, "y", W, controls=["x"], effects=("time",)).estimates
        found.append(table.set_index("term")[["estimate", "std_error"]].stack())
    table = pd.DataFrame(found)
    truth = {"log(y)": -0.3, "x": 0.5, "W(log(y))": 0.1, "W(growth of y)": 0.4}
    for term, value in truth.items():
        estimate, error = table[(term, "estimate")], table[(term, "std_error")]
        assert abs(estimate.mean() - value) < 3.5 * estimate.std() / np.sqrt(draws)
        coverage = (abs(estimate - value) < 1.984 * error).mean()
        assert 0.83 <= coverage <= 1.0  # 95 percent of 60: within four standard deviations


def test_nickell_bias_is_of_the_size_that_is_said() -> None:
    n, t, draws, rho = 400, 7, 20, 0.5
    index = pd.MultiIndex.from_product([range(n), range(t)])
    betas, said = [], []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        effect, logs = rng.normal(size=n), np.empty((n, t + 30))
        logs[:, 0] = effect / (1 - rho)
        for k in range(1, t + 30):
            logs[:, k] = effect + rho * logs[:, k - 1] + rng.normal(size=n)
        with quiet():
            frame = pd.DataFrame({"y": np.exp(logs[:, 30:]).ravel()}, index)
            found = beta_convergence(frame, "y", effects=("unit",))
        betas.append(found.beta)
        said.append(found.nickell_bias)
    assert np.mean(said) == pytest.approx(np.mean(betas) - (rho - 1), rel=0.05)


def test_nickell_bias_of_two_periods_is_half_of_one_plus_rho() -> None:
    # Nickell (1981): -(1 + rho)/2 with two growth rates, so that the estimate is (rho - 1)/2.
    for rho in (0.2, 0.5, 0.9):
        assert _nickell((rho - 1) / 2 - 1, 2) == pytest.approx(-(1 + rho) / 2)
    # No persistence is expected to show as more than 1 - 3/(T + 1): the bias of a random walk.
    assert _nickell(-0.1, 5) == -0.5


# ---- warnings, invariances, forms
def test_warns_of_nickell_bias_once_and_names_its_size() -> None:
    panel = make_panel(4)
    with pytest.warns(
        SpatialWarning, match=r"With unit effects and T = 5 periods, beta .* \(Nickell 1981; less"
    ) as caught:
        found = beta_convergence(panel, "gdp")
    assert len(caught) == 1
    assert f"{found.nickell_bias:.4f}" in str(caught[0].message)
    assert "(Nickell)" in found.summary()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert beta_convergence(panel, "gdp", effects=("time",)).nickell_bias == 0


def test_warns_of_a_lag_that_is_not_to_be_trusted() -> None:
    # Growth that has nothing to do with the neighbours, and no controls: nothing tells lambda.
    rng = np.random.default_rng(22)
    logs = np.cumsum(rng.normal(size=(40, 4)), axis=1)
    rows = pd.MultiIndex.from_product([range(40), range(4)])
    panel, W = pd.DataFrame({"y": np.exp(logs).ravel()}, rows), ring(range(40))
    with pytest.warns(
        SpatialWarning, match=r"lag of growth is not to be trusted: .*instruments are weak \(F = \d"
    ) as caught:
        found = beta_convergence(panel, "y", W, effects=("time",))
    assert found.first_stage_f < 10
    assert found.glance()["first_stage_f"].iloc[0] == found.first_stage_f
    assert "its coefficient (1.921) is not below 1 in size" in str(caught[0].message)
    assert len(caught) == 1


def test_order_does_not_matter() -> None:
    panel = make_panel(5)
    W = ring(panel.units)
    with quiet():
        straight = beta_convergence(panel, "gdp", W, controls=["x"], lags=["growth", "initial", "controls"])
        order = np.random.default_rng(0).permutation(len(panel.units))
        found = beta_convergence(
            panel.frame.sample(frac=1, random_state=1).iloc[:, ::-1],
            "gdp",
            W.reordered(W.ids[order]),
            controls=["x"],
            lags=["growth", "initial", "controls"],
        )
    pd.testing.assert_frame_equal(found.estimates, straight.estimates, check_exact=True)


def test_unit_of_measurement_does_not_matter_for_beta() -> None:
    panel = make_panel(6)
    W = ring(panel.units)
    for effects in ((), ("time",)):
        with quiet():
            a = beta_convergence(panel, "gdp", W, effects=effects)  # type: ignore[arg-type]
            b = beta_convergence(panel.frame * [1e4, 1], "gdp", W, effects=effects)  # type: ignore[arg-type]
        assert a.beta == pytest.approx(b.beta, rel=1e-8)


def test_graphs_and_steps() -> None:
    panel = make_panel(7, t=7)
    W = ring(panel.units)
    a = beta_convergence(panel, "gdp", W, lags="initial", effects=("time",), steps=3)
    assert (a.n_times, a.n_units) == (2, 30)
    every_third = panel.frame.loc[(slice(None), [2001, 2004, 2007]), :]
    b = beta_convergence(every_third, "gdp", W.to_graph(), lags="initial", effects=("time",))
    pd.testing.assert_frame_equal(a.estimates, b.estimates)
    assert a.speed == pytest.approx(-np.log1p(a.beta) / 3)
    assert b.speed == pytest.approx(a.speed)


def test_beta_result_forms() -> None:
    with quiet():
        found = beta_convergence(make_panel(), "gdp", controls=["x"])
    tidy = found.tidy().set_index("term")
    assert tidy.index.tolist() == ["log(gdp)", "x", "speed"]
    delta = tidy.loc["log(gdp)", "std_error"] / (1 + found.beta)
    assert tidy.loc["speed", "std_error"] == pytest.approx(delta)
    assert found.glance()["effects"].iloc[0] == "unit + time"
    assert found.glance()["n"].iloc[0] == 150
    assert found.summary().startswith("beta convergence by OLS: 30 units x 5 periods, effects: unit + time")
    assert str(found) == found.summary()
    assert repr(found).startswith("<BetaConvergence beta = ")
    assert found.plot().get_yticklabels()[0].get_text() == "log(gdp)"
