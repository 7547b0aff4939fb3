"""Fixed effects against pyfixest: estimates, standard errors, p-values, R2, to the last digits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import DataError
from spatial.models import Cluster, Covariance, DriscollKraay, TwoWay, fixed_effects
from spatial.panel.panel import Panel
from spatial.tables import regression_table

EXOGENOUS = "y ~ a + b"
INSTRUMENTED = "y ~ a | unit + time | b ~ z1 + z2"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Return 60 units over 7 times, with a third factor that no other contains."""
    rng = np.random.default_rng(11)
    i, t = np.repeat(np.arange(60), 7), np.tile(np.arange(7), 60)
    out = pd.DataFrame({"i": i, "t": t, "g": (3 * i + t**2) % 11, "p": i // 4})
    out["a"], out["z1"], out["z2"] = rng.normal(size=(3, 420))
    out["b"] = out["z1"] + 0.5 * out["z2"] + rng.normal(size=420) + 0.1 * i
    out["y"] = 1 + out["a"] + 0.5 * out["b"] + 0.2 * i + t + rng.normal(size=420)
    return out


def feols(text: str, data: pd.DataFrame, vcov: Any, options: dict[str, Any] | None = None) -> Any:
    import pyfixest

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyfixest.feols(text, data, vcov=vcov, vcov_kwargs=options, fixef_rm="none", fixef_tol=1e-13)


def same(formula: str, effects: str, cov: Any, data: pd.DataFrame, oracle: Any, *, law: bool = True) -> None:
    fit = fixed_effects(formula, Panel.from_frame(data, unit="i", time="t"), effects=effects.split(), cov=cov)
    table, mine = oracle.tidy(), fit.tidy().set_index("term").drop(index=["Intercept"], errors="ignore")
    theirs = table.loc[mine.index]
    np.testing.assert_allclose(mine["estimate"], theirs["Estimate"], rtol=1e-10)
    np.testing.assert_allclose(mine["std_error"], theirs["Std. Error"], rtol=1e-10)
    if law:
        np.testing.assert_allclose(mine["p_value"], theirs["Pr(>|t|)"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(mine["conf_low"], theirs["2.5%"], rtol=1e-9)
    if np.isfinite(oracle._r2):
        assert fit.r_squared["y"] == pytest.approx(oracle._r2, abs=1e-12)
        assert fit.r_squared_adjusted["y"] == pytest.approx(oracle._adj_r2, abs=1e-12)
        assert fit.r_squared_within["y"] == pytest.approx(oracle._r2_within, abs=1e-12)


HAC = {"time_id": "t", "panel_id": "i", "lag": 2}


@pytest.mark.evidence("models.fixed_effects", digits=9, source="pyfixest, two-way effects")
@pytest.mark.filterwarnings("ignore:Only:spatial.errors.SpatialWarning")
@pytest.mark.parametrize(
    ("cov", "vcov"),
    [
        ("hom", "iid"),
        ("het", "hetero"),
        ("cluster", {"CRV1": "i"}),
        (Cluster("p"), {"CRV1": "p"}),
        (TwoWay(), {"CRV1": "i+t"}),
    ],
)
def test_two_way_effects_equal_pyfixest(frame: pd.DataFrame, cov: str | Covariance, vcov: Any) -> None:
    same(EXOGENOUS, "unit time", cov, frame, feols("y ~ a + b | i + t", frame, vcov))
    same(EXOGENOUS, "unit", cov, frame, feols("y ~ a + b | i", frame, vcov))
    same(INSTRUMENTED, "unit time", cov, frame, feols("y ~ a | i + t | b ~ z1 + z2", frame, vcov))


def test_driscoll_kraay_errors_equal_pyfixest(frame: pd.DataFrame) -> None:
    """Standard errors only: p-values are read against the fixed-b law, not t(T - 1)."""
    again = pd.concat([frame, frame.assign(t=frame["t"] + 7)])
    again["y"] += np.random.default_rng(3).normal(size=len(again))
    oracle = feols("y ~ a + b | i + t", again, "DK", HAC)
    same(EXOGENOUS, "unit time", DriscollKraay(2), again, oracle, law=False)


def test_unbalanced_panels_and_three_way_effects_equal_pyfixest(frame: pd.DataFrame) -> None:
    short = frame.sample(frac=0.85, random_state=3)
    same(EXOGENOUS, "unit time", "cluster", short, feols("y ~ a + b | i + t", short, {"CRV1": "i"}))
    same(EXOGENOUS, "unit g time", "cluster", frame, feols("y ~ a + b | i + g + t", frame, {"CRV1": "i"}))
    same(EXOGENOUS, "unit g time", "hom", short, feols("y ~ a + b | i + g + t", short, "iid"))


def test_the_constant_is_that_of_a_regression_with_means_added_again(frame: pd.DataFrame) -> None:
    """Stata's xtreg, fe and reghdfe: y and x less their effects, plus their means, on a constant."""
    import statsmodels.api as sm

    body = frame[["y", "a", "b"]]
    inside = body - body.groupby(frame["i"]).transform("mean") + body.mean()
    oracle = sm.OLS(inside["y"], sm.add_constant(inside[["a", "b"]])).fit()
    panel = Panel.from_frame(frame, unit="i", time="t")
    fit = fixed_effects(EXOGENOUS, panel, effects="unit", cov="hom")
    factor = np.sqrt((420 - 3) / (420 - 60 - 2))  # the effects cost degrees of freedom
    cons = fit.cons.iloc[0]
    assert (cons["equation"], cons["term"]) == ("y", "cons")
    assert cons["estimate"] == pytest.approx(oracle.params["const"], rel=1e-10)
    assert cons["std_error"] == pytest.approx(oracle.bse["const"] * factor, rel=1e-9)
    assert "cons" in fit.summary()
    clustered = fit.vcov("cluster").cons["std_error"].iloc[0]
    robust = oracle.get_robustcov_results("cluster", groups=frame["i"], use_correction=False)
    G, K = 60, 3  # the units lie within the clusters: one constant in place of them
    factor = np.sqrt(G / (G - 1) * 419 / (420 - K))
    assert clustered == pytest.approx(robust.bse[0] * factor, rel=1e-9)


def test_the_constant_of_the_first_time_is_that_of_dummies_of_the_others(frame: pd.DataFrame) -> None:
    """Stata's xtreg, fe with i.time: y, x and dummies less their unit means, plus their means."""
    import statsmodels.api as sm

    dummies = pd.get_dummies(frame["t"], drop_first=True, dtype=float)
    body = pd.concat([frame[["y", "a", "b"]], dummies], axis=1)
    inside = body - body.groupby(frame["i"]).transform("mean") + body.mean()
    inside.columns = inside.columns.astype(str)
    oracle = sm.OLS(inside["y"], sm.add_constant(inside.drop(columns="y"))).fit()
    panel = Panel.from_frame(frame, unit="i", time="t")
    fit = fixed_effects(EXOGENOUS, panel, cov="hom", constant="first")
    cons = fit.cons.iloc[0]
    K = 3 + dummies.shape[1]
    assert cons["estimate"] == pytest.approx(oracle.params["const"], rel=1e-10)
    assert cons["std_error"] == pytest.approx(
        oracle.bse["const"] * np.sqrt((420 - K) / (420 - K - 59)), rel=1e-9
    )
    robust = oracle.get_robustcov_results("cluster", groups=frame["i"], use_correction=False)
    slope = fit.vcov("cluster").tidy().set_index("term").loc["a", "std_error"]
    clustered = fit.vcov("cluster").cons["std_error"].iloc[0]
    place = oracle.model.exog_names.index("a")  # both under one factor for few clusters
    assert clustered / slope == pytest.approx(robust.bse[0] / robust.bse[place], rel=1e-9)
    plain = fixed_effects(EXOGENOUS, panel, cov="hom")
    assert (fit.params == plain.params).all()
    assert len(fixed_effects(EXOGENOUS, panel, constant="none").cons) == 0
    notes = " ".join(regression_table([fit, plain]).notes)
    assert "column (1): Constant: that of the first time" in notes
    assert "column (2): Constant: the mean" in notes


def test_a_constant_that_effects_and_cells_do_not_give_is_refused(frame: pd.DataFrame) -> None:
    panel = Panel.from_frame(frame, unit="i", time="t")
    with pytest.raises(
        DataError, match=r"constant is 'mean', 'first' or 'none'; got 'frist'\. Did you mean 'first'"
    ):
        fixed_effects(EXOGENOUS, panel, constant="frist")  # type: ignore[arg-type]
    with pytest.raises(
        DataError, match="it needs effects of time, or of unit and time, and no others; got unit"
    ):
        fixed_effects(EXOGENOUS, panel, effects="unit", constant="first")
    short = Panel.from_frame(frame.drop(index=frame.index[5]), unit="i", time="t")
    with pytest.raises(DataError, match="1 of 420 cells are missing"):
        fixed_effects(EXOGENOUS, short, constant="first")


def test_the_constant_is_not_repeated_where_it_is_estimated(frame: pd.DataFrame) -> None:
    fit = fixed_effects(EXOGENOUS, Panel.from_frame(frame, unit="i", time="t"), effects=())
    assert list(fit.tidy()["term"]) == ["Intercept", "a", "b"]
    assert len(fit.cons) == 0


@pytest.mark.parametrize("scale", [1e-12, 1e-7, 1e12])
def test_the_scale_of_the_data_changes_nothing(frame: pd.DataFrame, scale: float) -> None:
    """GDP in yuan, shares in millionths."""
    whole = fixed_effects(EXOGENOUS, Panel.from_frame(frame, unit="i", time="t"))
    scaled = frame.assign(a=frame["a"] * scale, y=frame["y"] / scale)
    fit = fixed_effects(EXOGENOUS, Panel.from_frame(scaled, unit="i", time="t"))
    assert fit.params["y", "a"] == pytest.approx(whole.params["y", "a"] / scale**2, rel=1e-10)
    np.testing.assert_allclose(fit.tidy()["statistic"], whole.tidy()["statistic"], rtol=1e-10)
