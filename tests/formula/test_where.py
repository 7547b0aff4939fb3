"""Rows by a condition: lags of the whole map, then rows; or W cut too."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError, FormulaError, SpatialWarning
from spatial.models import SpatialSystem
from spatial.panel import Panel
from spatial.weights import Weights

N, T = 80, 6
UNITS = [f"c{i:02d}" for i in range(N)]


def weights() -> Weights:
    ring = np.zeros((N, N))
    for step in (1, 2):
        ring += np.roll(np.eye(N), step, axis=1) + np.roll(np.eye(N), -step, axis=1)
    return Weights.from_dense(ring, ids=UNITS).row_standardized()


def panel(seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([UNITS, range(2000, 2000 + T)], names=["city", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 3)), columns=["x", "z", "e"], index=index)
    data["region"] = np.where(index.get_level_values(0) < "c40", "east", "west")
    S = np.linalg.inv(np.eye(N) - 0.4 * weights().sparse.toarray())
    wide = (data.x - 0.5 * data.z + data.e).unstack("year")
    data["y"] = pd.DataFrame(S @ wide.to_numpy(), index=wide.index, columns=wide.columns).stack()
    return Panel(data)


def lagged() -> Panel:
    """The panel with its spatial lags as plain columns."""
    whole, W = panel(), weights()
    found = sp.spatial_lag(whole, ["y", "x", "z"], W)
    found = sp.spatial_lag(found, ["W_x", "W_z"], W)
    return sp.spatial_lag(found, ["W_W_x", "W_W_z"], W)


EAST = "region == 'east'"


@pytest.mark.evidence(
    "models.SpatialSystem.where", source="lags made before rows are chosen", kind="identity"
)
def test_lags_are_of_the_whole_map_and_then_rows_are_chosen() -> None:
    W = weights()
    fit = SpatialSystem("y ~ x + W(x)", panel(), W, effects=("unit", "time")).fit("2sls", where=EAST)
    rows = lagged().where(EAST)
    plain = SpatialSystem("y ~ x + W_x", rows, effects=("unit", "time")).fit("2sls")
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(fit.std_errors, plain.std_errors, rtol=1e-10)
    assert (fit.n_units, fit.n_obs) == (40, 240)


def test_a_lag_of_the_outcome_has_the_instruments_of_the_whole_map() -> None:
    W = weights()
    fit = SpatialSystem("y ~ x + z + W(y)", panel(), W, effects=("time",)).fit("2sls", where=EAST)
    rows = lagged().where(EAST)
    formula = "y ~ x + z + W_y | time | W_y ~ W_x + W_z + W_W_x + W_W_z"
    plain = SpatialSystem(formula, rows).fit("2sls")
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, plain.std_errors, rtol=1e-8)


@pytest.mark.filterwarnings("ignore:Weights .W.. 40 of 80 units:spatial.errors.SpatialWarning")
def test_within_is_the_fit_of_the_chosen_panel_with_its_own_weights() -> None:
    W = weights()
    system = SpatialSystem("y ~ x + z + W(y)", panel(), W, effects=("unit", "time"), error="W")
    fit = system.fit("gs2sls", where=EAST, lags="within")
    rows = panel().where(EAST)
    own = SpatialSystem(
        "y ~ x + z + W(y)", rows, W.subset(rows.units), effects=("unit", "time"), error="W"
    ).fit("gs2sls")
    np.testing.assert_allclose(fit.params, own.params, rtol=1e-10)
    np.testing.assert_allclose(fit.rho, own.rho, rtol=1e-10)
    np.testing.assert_allclose(fit.joint_cov, own.joint_cov, rtol=1e-8)
    choice = fit.estimate.design.choice
    assert choice is not None
    # Of 40 x 4 links from the east, 3 at each end of the arc lead to the west.
    assert choice.links == {"W": 154}
    assert choice.outside["W"] == pytest.approx(6 / 160)
    assert any(note.endswith("% of the links of W from them were cut") for note in fit.notes)


def test_a_condition_on_time_with_full_lags_is_a_shorter_panel() -> None:
    system = SpatialSystem(["y ~ x + W(y)", "z ~ y + x + W(z)"], panel(), weights(), effects=("unit",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = system.fit("3sls", where="year >= 2002", force=True)
        short = SpatialSystem(
            ["y ~ x + W(y)", "z ~ y + x + W(z)"], panel().where("year >= 2002"), weights(), effects=("unit",)
        ).fit("3sls", force=True)
    np.testing.assert_allclose(fit.params, short.params, rtol=1e-8)


def test_time_lags_reach_before_the_chosen_rows() -> None:
    with pytest.warns(SpatialWarning, match="Nickell"):
        system = SpatialSystem("y ~ lag(y, 1) + x", panel(), effects=("unit",))
    fit = system.fit("2sls", where="year >= 2002")
    assert fit.n_times == 4
    assert fit.n_obs == N * 4


def test_a_chosen_unit_may_lose_all_its_neighbours_and_keeps_its_lags() -> None:
    condition = f"{EAST} or city == 'c60'"
    system = SpatialSystem("y ~ x + z + W(y)", panel(), weights(), effects=("unit", "time"), error="W")
    fit = system.fit("gs2sls", where=condition)
    assert fit.n_units == 41
    assert np.isfinite(fit.tidy()["std_error"]).all()
    lag = sp.spatial_lag(panel(), ["y"], weights())["W_y"]
    place = fit.estimate.design.regressors[0][2]
    rows = fit.estimate.design.columns[:, place]
    np.testing.assert_allclose(
        rows, lag.unstack("year").loc[fit.estimate.design.layout.units].to_numpy().T.ravel()
    )


def test_rows_that_differ_between_times_are_an_unbalanced_fit() -> None:
    condition = "x > quantile(x, .25)"
    system = SpatialSystem("y ~ x + z + W(y)", panel(), weights(), effects=("unit", "time"), error="W")
    for lags in ("full", "within"):
        fit = system.fit("gs2sls", where=condition, lags=lags)
        assert fit.n_obs == 360
        assert np.isfinite(fit.tidy()["std_error"]).all()
        assert len(fit.residuals) == 360


def test_effects_in_equilibrium_are_those_of_the_whole_map() -> None:
    system = SpatialSystem("y ~ x + z + W(y)", panel(), weights(), effects=("time",))
    fit = system.fit("2sls", where=EAST)
    lam, beta = fit.params["y", "W(y)"], fit.params["y", "x"]
    total = fit.impacts(draws=0).tidy().query("term == 'x' and effect == 'total'")["estimate"]
    assert float(total.iloc[0]) == pytest.approx(beta / (1 - lam))
    assert len(fit.impacts(draws=0).by_unit("y", "x")) == N


@pytest.mark.filterwarnings("ignore:Weights .W.. 40 of 80 units:spatial.errors.SpatialWarning")
def test_missing_cells_outside_the_chosen_rows_do_no_harm_where_nothing_reaches_them() -> None:
    whole = panel()
    holed = whole.with_columns(z=whole["z"].where(whole["region"] == "east"))
    fit = SpatialSystem("y ~ x + z", holed, effects=("unit",), where=EAST).fit("2sls")
    plain = SpatialSystem("y ~ x + z", whole.where(EAST), effects=("unit",)).fit("2sls")
    np.testing.assert_allclose(fit.params, plain.params)
    within = SpatialSystem("y ~ x + z + W(z)", holed, weights(), where=EAST, lags="within").fit("2sls")
    assert within.n_obs == 240
    with pytest.raises(DataError, match="z missing in 240 of 480 cells"):
        SpatialSystem("y ~ x + W(z)", holed, weights(), where=EAST)
    with pytest.raises(DataError, match="z missing in 120"):
        SpatialSystem("y ~ x + z", holed, where="year >= 2003 and x > -99 and year < 2006").fit("2sls")


def test_fixed_effects_take_a_sample_whatever_is_missing_outside_it() -> None:
    whole = panel()
    holed = whole.with_columns(z=whole["z"].where(whole["region"] == "east"))
    fit = sp.models.fixed_effects("y ~ x + z", holed, where=EAST)
    plain = sp.models.fixed_effects("y ~ x + z", whole.where(EAST))
    np.testing.assert_allclose(fit.params, plain.params)
    np.testing.assert_allclose(fit.std_errors, plain.std_errors)


def test_categories_that_the_rows_lack_are_left_out_and_named() -> None:
    whole = panel()
    thirds = whole.with_columns(
        part=np.where(whole.frame.index.get_level_values(0) < "c10", "a", whole["region"])
    )
    fit = SpatialSystem("y ~ x + C(part) + W(x)", thirds, weights()).fit("2sls", where="part != 'a'")
    assert fit.params.index.get_level_values(1).tolist() == ["Intercept", "x", "C(part)[T.east]", "W(x)"]
    assert "left out, 0 or redundant here: C(part)[T.west]" in fit.notes


def test_a_sample_chosen_by_an_outcome_is_warned_of() -> None:
    system = SpatialSystem("log(crmrte) ~ log(prbarr)", sp.shapefiles.load("nc_crime"), effects=("unit",))
    with pytest.warns(SpatialWarning, match="chooses rows by crmrte, an outcome of the system"):
        system.fit("2sls", where="crmrte > mean(crmrte)")


def test_a_system_can_be_built_again_with_its_rows() -> None:
    system = SpatialSystem("y ~ x + W(y)", panel(), weights(), effects=("unit",)).where(EAST)
    again = system.again(effects=("unit", "time"))
    assert again.given.where == EAST
    np.testing.assert_allclose(
        again.fit("2sls").params,
        SpatialSystem("y ~ x + W(y)", panel(), weights(), effects=("unit", "time"))
        .fit("2sls", where=EAST)
        .params,
    )
    assert system.fit("2sls").asked.given is system.given


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"where": "regon == 'east'"}, FormulaError, "no column 'regon'. Did you mean 'region'"),
        ({"where": "region == 'eats'"}, DataError, "region is one of: 'east', 'west'. Did you mean 'east'"),
        (
            {"where": EAST, "lags": "withn"},
            DataError,
            "lags is 'full' .* or 'within' .* Did you mean 'within'",
        ),
        ({"where": "year == 2003"}, DataError, "Unit effects need at least two times"),
        ({"where": "year > 1999"}, DataError, "Every one of the 480 rows"),
    ],
)
def test_conditions_that_cannot_be_met_are_refused(
    options: dict[str, str], error: type[Exception], message: str
) -> None:
    system = SpatialSystem("y ~ x + W(y)", panel(), weights(), effects=("unit",))
    with pytest.raises(error, match=message):
        system.fit("2sls", **options)  # type: ignore[arg-type]


def test_rows_are_chosen_once_and_only_arguments_can_be_changed() -> None:
    chosen = SpatialSystem("y ~ x", panel()).where(EAST)
    with pytest.raises(DataError, match="Rows were chosen before, by region == 'east'"):
        chosen.fit("2sls", where="year > 2001")
    with pytest.raises(DataError, match=r"A system has no 'effect'; .* Did you mean 'effects'"):
        chosen.again(effect="unit")


def test_each_table_shows_the_sample_and_its_links() -> None:
    system = SpatialSystem("y ~ x + W(y)", panel(), weights(), effects=("unit", "time"))
    fits = [system.fit("2sls"), system.fit("2sls", where=EAST), system.fit("2sls", where=EAST, lags="within")]
    frame = sp.regression_table(fits).frame
    assert frame.loc["Sample"].tolist() == ["", EAST, EAST]
    assert frame.loc["Observations"].tolist() == ["480", "240", "240"]
    assert frame.loc["Units N"].tolist() == ["80", "40", "40"]
    assert frame.loc["Spatial links"].tolist() == ["", "160", "154"]
    assert "样本" in sp.regression_table(fits, lang="zh").frame.index
