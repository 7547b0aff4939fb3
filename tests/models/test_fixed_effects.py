"""Nonspatial fixed effects: plm's numbers, and the same formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import DataError, FormulaError, NotIdentifiedError, SpatialWarning
from spatial.models import (
    Cluster,
    Conley,
    SpatialSystem,
    TwoWay,
    WildBootstrap,
    fixed_effects,
)
from spatial.panel.panel import Panel
from spatial.weights import Weights

REFERENCE = json.loads(
    (Path(__file__).parent.parent / "reference" / "gs3sls.json").read_text(encoding="utf-8")
)

WAGES = ["wcon", "wtuc", "wtrd", "wfir", "wser", "wmfg", "wfed", "wsta", "wloc"]
OTHERS = ["prbconv", "prbpris", "avgsen", "density", *WAGES, "pctymle"]
CRIME = "log(crmrte) ~ " + " + ".join(f"log({x})" for x in ["prbarr", "polpc", *OTHERS])
CRIME_IV = (
    "log(crmrte) ~ " + " + ".join(f"log({x})" for x in OTHERS) + " | unit + time"
    " | log(prbarr) + log(polpc) ~ log(taxpc) + log(mix)"
)


def compare(fit: Any, expected: dict[str, dict[str, float]], tolerance: float, rel: float) -> None:
    wanted = {k: v for k, v in expected["coefficients"].items() if not k.startswith("factor")}
    for name, value in wanted.items():
        index = (fit.structure.names[0], f"log({name[1:]})")
        assert fit.params[index] == pytest.approx(value, abs=tolerance)
        assert fit.std_errors[index] == pytest.approx(expected["se"][name], rel=rel)


@pytest.mark.evidence(
    "models.fixed_effects",
    digits=3,
    source="plm 2.6, Cornwell and Trumbull (1994), 90 counties x 7 years",
    differs="plm's copy of the data holds rounded logarithms",
)
def test_crime_equals_plm(nc_crime: Panel) -> None:
    """Baltagi (2006), table 1, fixed effects, by plm 2.6 (its file holds rounded logs)."""
    fit = fixed_effects(CRIME, nc_crime, cov="hom")
    compare(fit, REFERENCE["plm_crime_ols_within"], 1e-4, 1e-4)
    assert (fit.n_units, fit.n_times, fit.n_obs) == (90, 7, 630)
    assert fit.params[("log(crmrte)", "log(prbarr)")] == pytest.approx(-0.355, abs=5e-4)


@pytest.mark.filterwarnings("ignore:Weak identification:spatial.errors.SpatialWarning")
def test_crime_with_instruments_equals_plm(nc_crime: Panel) -> None:
    """Baltagi (2006), table 1, FE2SLS: prbarr and polpc by taxpc and mix."""
    fit = fixed_effects(CRIME_IV, nc_crime, cov="hom")
    compare(fit, REFERENCE["plm_crime_iv_within_bvk"], 1e-3, 1e-3)
    assert fit.method == "2sls"
    assert fit.params[("log(crmrte)", "log(polpc)")] == pytest.approx(0.657, abs=1e-3)
    assert 0 < fit.equation_tests().loc["log(crmrte)", "first_stage_f"] < 10


@pytest.mark.filterwarnings("ignore:Weak identification:spatial.errors.SpatialWarning")
def test_the_system_gives_the_same(nc_crime: Panel) -> None:
    """W = 0: the spatial engine on the same formula."""
    fit = fixed_effects(CRIME_IV, nc_crime)
    system = SpatialSystem(CRIME_IV, nc_crime).fit("2sls")
    np.testing.assert_allclose(system.params[fit.params.index], fit.params, rtol=1e-6)


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(8)
    n, t = 40, 5
    frame = pd.DataFrame(rng.normal(size=(n * t, 4)), columns=["y", "x", "z", "p"])
    frame["p"] += frame["z"]
    frame["y"] += frame["x"] + 0.5 * frame["p"]
    frame["i"], frame["t"] = np.repeat(range(n), t), np.tile(range(t), n)
    frame["r"] = frame["i"] // 10
    return Panel.from_frame(frame, unit="i", time="t")


def test_columns_of_the_table(panel: Panel) -> None:
    fit = fixed_effects("y ~ x + p", panel)
    assert list(fit.tidy()) == [
        "equation", "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    assert list(fit.tidy()["term"]) == ["x", "p"]
    assert fit.glance().shape[0] == 1
    assert {"r_squared", "r_squared_within", "r_squared_adjusted", "first_stage_f"} <= set(fit.glance())
    assert "N = 40, T = 5, observations = 200" in fit.summary()
    assert str(fit) == fit.summary()
    assert repr(fit) == "<SystemFit ols: y; N = 40, T = 5>"


def test_spatial_lags_of_exogenous_variables(panel: Panel) -> None:
    W = Weights.from_dense(np.roll(np.eye(40), 1, axis=1), ids=range(40))
    fit = fixed_effects("y ~ x + W(x)", panel, weights=W)
    lagged = panel.with_columns(wx=W.lag(panel.frame["x"]))
    np.testing.assert_allclose(fit.params, fixed_effects("y ~ x + wx", lagged).params, rtol=1e-12)
    same = fixed_effects("y ~ x + D(x)", panel, weights={"D": W})
    np.testing.assert_allclose(fit.params, same.params, rtol=1e-12)


@pytest.mark.parametrize("cov", ["hom", "het", "cluster", Cluster("i"), TwoWay("unit", "r")])
@pytest.mark.filterwarnings("ignore:Only:spatial.errors.SpatialWarning")
def test_covariances_share_estimates(panel: Panel, cov: Any) -> None:
    fit = fixed_effects("y ~ x + p", panel, cov=cov)
    np.testing.assert_allclose(fit.params, fixed_effects("y ~ x + p", panel, cov="hom").params, rtol=1e-12)
    assert np.isfinite(fit.std_errors).all()


def test_effects_in_the_formula_or_beside_it(panel: Panel) -> None:
    one = fixed_effects("y ~ x | unit + r:time", panel)
    two = fixed_effects("y ~ x", panel, effects=("unit", "r:time"))
    np.testing.assert_array_equal(one.params, two.params)
    assert one.effects == ("unit", "r:time")
    pooled = fixed_effects("y ~ x", panel, effects=())
    assert list(pooled.tidy()["term"]) == ["Intercept", "x"]
    without = fixed_effects("y ~ x - 1", panel, effects=())
    assert list(without.tidy()["term"]) == ["x"]


def test_unbalanced_without_lags_needs_no_choice(panel: Panel) -> None:
    short = Panel.from_frame(panel.frame.drop(index=[(3, 2), (9, 0)]).reset_index(), unit="i", time="t")
    fit = fixed_effects("y ~ x", short)
    expected = SpatialSystem("y ~ x", short, effects=("unit", "time")).fit("2sls")
    np.testing.assert_allclose(fit.params, expected.params, rtol=1e-9)


def test_absorbed_terms_are_named(panel: Panel) -> None:
    with pytest.warns(SpatialWarning, match="absorb r: left out"):
        fit = fixed_effects("y ~ x + r", panel)
    assert fit.absorbed == (("y", "r"),)
    assert "absorbed by the effects: r (y)" in fit.summary()


def test_order_of_rows_changes_nothing(panel: Panel) -> None:
    shuffled = Panel.from_frame(panel.frame.sample(frac=1, random_state=0).reset_index(), unit="i", time="t")
    pd.testing.assert_frame_equal(
        fixed_effects("y ~ x + p", panel).tidy(), fixed_effects("y ~ x + p", shuffled).tidy()
    )


def test_the_data_are_not_changed(panel: Panel) -> None:
    before = panel.frame.copy()
    fixed_effects("y ~ log(abs(x)) | unit | p ~ z", panel)
    pd.testing.assert_frame_equal(panel.frame, before)


def test_too_few_instruments_for_two_endogenous_regressors(panel: Panel) -> None:
    data = panel.with_columns(q=lambda f: f["p"] ** 2)
    with pytest.raises(NotIdentifiedError, match=r"rank 1, needs 2"):
        fixed_effects("y ~ x | unit | p + q ~ z", data)


def test_two_endogenous_regressors(panel: Panel) -> None:
    data = panel.with_columns(q=lambda f: f["p"] ** 2 + f["x"], z2=lambda f: f["z"] ** 2)
    fit = fixed_effects("y ~ x | unit | p + q ~ z + z2", data, cov="hom")
    assert (fit.method, fit.df) == ("2sls", 40 * 4 - 3)
    assert fit.glance()["first_stage_f"][0] > 0
    assert "first-stage F = " in fit.summary()
    pooled = fixed_effects("y ~ x | 0 | p + q ~ z + z2", data)
    assert list(pooled.tidy()["term"]) == ["Intercept", "x", "p", "q"]
    expected = SpatialSystem("y ~ x | 0 | p + q ~ z + z2", data).fit("2sls")
    np.testing.assert_allclose(pooled.params, expected.params, rtol=1e-9)


def test_messages(panel: Panel) -> None:
    W = Weights.from_dense(np.roll(np.eye(40), 1, axis=1), ids=range(40))
    with pytest.raises(
        FormulaError, match=r"W\(y\) is a spatial lag of the outcome: least squares is inconsistent"
    ):
        fixed_effects("y ~ x + W(y)", panel, weights=W)
    with pytest.raises(FormulaError, match="takes one formula; got list"):
        fixed_effects(["y ~ x"], panel)  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match=r"I\(y \*\* 2\) is endogenous: name instruments"):
        fixed_effects("y ~ I(y ** 2)", panel)


def test_an_absorbed_instrument_is_not_identified(panel: Panel) -> None:
    """It once printed a coefficient of 1.000*** with an infinite statistic."""
    data = panel.with_columns(fixed=lambda f: f.groupby(level=0)["z"].transform("mean"))
    with (
        pytest.warns(SpatialWarning, match="instruments fixed are absorbed by the effects"),
        pytest.raises(NotIdentifiedError, match="2 coefficients, 1 independent instruments"),
    ):
        fixed_effects("y ~ x | unit + time | p ~ fixed", data)


def test_an_absorbed_instrument_alone_is_not_identified(panel: Panel) -> None:
    """No instrument is left at all: once a foreign ValueError about shapes (found by the audit of rivals)."""
    data = panel.with_columns(fixed=lambda f: f.groupby(level=0)["z"].transform("mean"))
    with (
        pytest.warns(SpatialWarning, match="instruments fixed are absorbed by the effects"),
        pytest.raises(NotIdentifiedError, match="1 coefficients, 0 independent instruments"),
    ):
        fixed_effects("y ~ 1 | unit + time | p ~ fixed", data)


def test_every_covariance_is_there(panel: Panel) -> None:
    rng = np.random.default_rng(1)
    places = pd.DataFrame({"lon": rng.uniform(100, 110, 40), "lat": rng.uniform(30, 40, 40)}, range(40))
    for cov in (Conley(200, lags=1, coordinates=places), WildBootstrap(replications=99)):
        fit = fixed_effects("y ~ x + p", panel, cov=cov)
        assert np.isfinite(fit.tidy()["p_value"]).all()
        assert fit.vcov("hom").covariance.label == "homoskedastic"


@pytest.mark.evidence(
    "models.SystemFit.predict", source="predictions and residuals add up to the outcome", kind="identity"
)
def test_it_is_the_system_of_one_equation(panel: Panel) -> None:
    fit = fixed_effects("y ~ x | unit + time | p ~ z", panel, cov="hom")
    system = SpatialSystem("y ~ x | unit + time | p ~ z", panel, iv_order=0)
    pd.testing.assert_frame_equal(fit.tidy(), system.fit("2sls", cov="hom", small=True).tidy())
    assert fit.diagnostics().test("Durbin-Wu-Hausman", "y").computed
    assert fit.impacts(draws=0).tidy()["estimate"].iloc[0] == pytest.approx(fit.params["y", "x"])
    observed = panel.frame["y"].reindex(fit.residuals.index)
    np.testing.assert_allclose(fit.predict()["y"] + fit.residuals["y"], observed, rtol=1e-10, atol=1e-12)


def test_the_first_stage_is_one_number_in_print_and_table(panel: Panel) -> None:
    import spatial as sp

    fit = fixed_effects("y ~ x | unit + time | p ~ z", panel)
    value = float(fit.equation_tests()["first_stage_f"].iloc[0])
    assert f"first-stage F = {value:.2f}" in fit.summary()
    assert fit.identification().instruments["effective_F"].iloc[0] == pytest.approx(value)
    assert f"{value:.3f}" in sp.regression_table([fit]).to_markdown()
    assert fit.glance()["first_stage_f"].iloc[0] == value


def test_least_squares_refuses_endogenous_regressors(panel: Panel) -> None:
    with pytest.raises(DataError, match="Least squares is inconsistent: p of equation 'y' is endogenous"):
        SpatialSystem("y ~ x | unit | p ~ z", panel).fit("ols")
