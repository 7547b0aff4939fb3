"""Staggered difference-in-differences: published numbers, other programs, identities, refusals."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import moderndid
import numpy as np
import pandas as pd
import pytest
from policy_cases import policy_panel, seats
from scipy import stats

import spatial as sp
from spatial.figures import decay_plot
from spatial.models import did
from spatial.panel import Panel

METHODS = [
    "twfe",
    "callaway-santanna",
    "sun-abraham",
    "borusyak-jaravel-spiess",
    "gardner",
    "stacked",
    "etwfe",
]

NEIGHBOURS: dict[str, Any] = {"rings": [0, 60], "cities": seats()}


@cache
def counties() -> Panel:
    """Return teen employment in 500 US counties, 2003-2007 (Callaway and Sant'Anna 2021)."""
    frame = (
        moderndid.load_mpdta().to_pandas().rename(columns={"first.treat": "first", "countyreal": "county"})
    )
    return Panel.from_frame(frame, unit="county", time="year")


@cache
def simulated(seed: int = 0, **options: Any) -> Panel:
    return policy_panel(np.random.default_rng(seed), **options)


# ---- numbers that others printed
@pytest.mark.evidence(
    "models.did",
    "models.did:callaway-santanna",
    digits=3,
    source="R did, mpdta, as printed in its vignette",
    differs="printed to four decimals",
)
def test_group_time_effects_with_a_control_are_those_of_callaway_and_santanna() -> None:
    """R's did, att_gt(lemp ~ lpop) on mpdta, as printed in its vignette: 12 effects."""
    found = did(counties(), "lemp", "first", controls=["lpop"], base="varying").att_gt
    printed = [
        -0.0145,
        -0.0764,
        -0.1404,
        -0.1069,
        -0.0005,
        -0.0062,
        0.0010,
        -0.0413,
        0.0267,
        -0.0046,
        -0.0284,
        -0.0288,
    ]
    np.testing.assert_allclose(found["estimate"], printed, atol=5.1e-5)


def test_simple_and_grouped_averages_are_those_of_callaway_and_santanna() -> None:
    """R's did without controls: simple -.0400 (.0120), by group -.0310 (.0124)."""
    fit = did(counties(), "lemp", "first")
    table = fit.tidy().set_index("term")
    assert fit.att == pytest.approx(-0.0400, abs=5e-5)
    assert table.loc["ATT", "std_error"] == pytest.approx(0.0120, abs=5e-5)
    assert table.loc["ATT by cohort", "estimate"] == pytest.approx(-0.0310, abs=5e-5)
    assert table.loc["ATT by cohort", "std_error"] == pytest.approx(0.0124, abs=6e-5)


@pytest.mark.evidence("models.did:callaway-santanna", digits=10, source="diff-diff, mpdta")
@pytest.mark.parametrize("group", ["never", "not-yet"])
def test_group_time_effects_and_errors_equal_those_of_diff_diff(group: Any) -> None:
    import diff_diff

    names = {"never": "never_treated", "not-yet": "not_yet_treated"}
    other = diff_diff.CallawaySantAnna(control_group=names[group], base_period="varying").fit(
        counties().to_frame(), outcome="lemp", unit="county", time="year", first_treat="first"
    )
    fit = did(counties(), "lemp", "first", base="varying", control_group=group)
    mine = fit.att_gt.set_index(["cohort", "time"])[["estimate", "std_error"]]
    effects = other.group_time_effects.items()
    theirs = pd.DataFrame({k: {"estimate": v["effect"], "std_error": v["se"]} for k, v in effects}).T
    np.testing.assert_allclose(mine.to_numpy(), theirs.loc[list(mine.index)].to_numpy(), rtol=1e-9)
    assert fit.std_error == pytest.approx(other.overall_se, rel=1e-9)


def test_doubly_robust_effects_and_errors_equal_those_of_moderndid() -> None:
    """diff-diff stops its logit earlier and differs from both in the fifth digit."""
    other = moderndid.att_gt(
        moderndid.load_mpdta(), yname="lemp", tname="year", idname="countyreal", gname="first.treat",
        xformla="~ lpop", boot=False,
    )  # fmt: skip
    found = did(counties(), "lemp", "first", controls=["lpop"], base="varying").att_gt
    np.testing.assert_allclose(found["estimate"], other.att_gt, rtol=1e-7)
    np.testing.assert_allclose(found["std_error"], other.se_gt, rtol=5e-3)


@pytest.mark.evidence("models.DifferenceInDifferences.event_study", source="diff-diff ImputationDiD")
@pytest.mark.evidence("models.did:borusyak-jaravel-spiess", digits=9, source="diff-diff, mpdta")
def test_imputation_and_its_errors_equal_those_of_diff_diff() -> None:
    import diff_diff

    frame = counties().to_frame()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = diff_diff.ImputationDiD().fit(
            frame, outcome="lemp", unit="county", time="year", first_treat="first", aggregate="event_study"
        )
    fit = did(counties(), "lemp", "first", method="borusyak-jaravel-spiess")
    assert fit.att == pytest.approx(other.overall_att, rel=1e-7)
    assert fit.std_error == pytest.approx(other.overall_se, rel=1e-7)
    path = fit.event_study().set_index("time")
    for k in (0, 1, 2, 3):
        assert path.loc[k, "estimate"] == pytest.approx(other.event_study_effects[k]["effect"], rel=1e-7)
        assert path.loc[k, "std_error"] == pytest.approx(other.event_study_effects[k]["se"], rel=1e-7)


# pyfixest 0.60 calls reset_index(inplace=True), which pandas 3.1 deprecates.
@pytest.mark.evidence(
    "models.DifferenceInDifferences.bacon",
    source="pyfixest: the weighted parts add up to the two-way estimate",
)
@pytest.mark.evidence(
    "models.did:twfe",
    digits=10,
    source="pyfixest, mpdta",
    differs="standard errors differ by another small-sample factor, at most 2e-3",
)
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_the_two_way_estimate_is_that_of_pyfixest_and_the_bacon_weights_add_up_to_it() -> None:
    import pyfixest

    fit = did(counties(), "lemp", "first", method="twfe")
    frame = counties().to_frame()
    frame["D"] = ((frame["first"] > 0) & (frame["year"] >= frame["first"])).astype(int)
    other = pyfixest.feols("lemp ~ D | county + year", frame, vcov={"CRV1": "county"})
    assert fit.att == pytest.approx(float(other.coef()["D"]), rel=1e-9)
    assert fit.std_error == pytest.approx(float(other.se()["D"]), rel=2e-3)  # another small-sample factor
    bacon = fit.bacon()
    assert bacon.twfe == pytest.approx(fit.att, rel=1e-9)
    assert bacon.frame["weight"].sum() == pytest.approx(1.0)


# pyfixest 0.60 calls reset_index(inplace=True), which pandas 3.1 deprecates.
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_the_effects_of_castle_doctrine_laws_are_those_of_other_programs() -> None:
    """50 states, 2000-2010, laws from 2006 on (Cheng and Hoekstra 2013)."""
    import diff_diff
    import pyfixest
    from causaldata import castle

    raw = castle.load_pandas().data[["sid", "year", "l_homicide", "post"]]
    panel = Panel.from_frame(raw, unit="sid", time="year")
    two_way = pyfixest.feols("l_homicide ~ post | sid + year", raw)
    assert did(panel, "l_homicide", "post", method="twfe").att == pytest.approx(float(two_way.coef()["post"]))
    first = raw[raw["post"] > 0].groupby("sid")["year"].min()
    raw = raw.assign(first=raw["sid"].map(first).fillna(0).astype(int))
    names = {"outcome": "l_homicide", "unit": "sid", "time": "year", "first_treat": "first"}
    other = diff_diff.CallawaySantAnna().fit(raw, **names)
    fit = did(panel, "l_homicide", "post")
    assert fit.att == pytest.approx(other.overall_att)
    assert fit.std_error == pytest.approx(other.overall_se)
    assert fit.cohorts == {int(g): int(n) for g, n in first.value_counts().sort_index().items()}


# ---- identities
@pytest.mark.evidence(
    "models.did:twfe",
    "models.did:callaway-santanna",
    "models.did:sun-abraham",
    "models.did:borusyak-jaravel-spiess",
    "models.did:gardner",
    "models.did:stacked",
    "models.did:etwfe",
    "models.did:synthetic",
    source="an effect of 1, 60 units x 10 times",
    kind="simulation",
)
@pytest.mark.parametrize("method", METHODS)
def test_each_method_finds_an_effect_that_is_the_same_for_all(
    method: Any, record_property: Callable[[str, object], None]
) -> None:
    fit = did(simulated(), "y", "first", method=method)
    record_property(f"{method}:", f"{fit.att:.3f} ({fit.std_error:.3f})")
    assert fit.att == pytest.approx(1.0, abs=4 * fit.std_error)
    assert 0.02 < fit.std_error < 0.3
    assert fit.tidy().shape[0] >= 1
    assert fit.glance().shape[0] == 1
    assert fit.pretrend().p_value > 0.001 or not fit.pretrend().computed


def test_with_one_cohort_and_no_controls_all_estimates_are_one_difference() -> None:
    panel = simulated().where("first == 0 or first == 2003")
    wide = panel.frame["y"].unstack()
    treated = panel.frame["first"].groupby(level=0).first() > 0
    late = wide.columns >= 2003
    change = wide.loc[:, late].mean(axis=1) - wide.loc[:, ~late].mean(axis=1)
    by_hand = change[treated].mean() - change[~treated].mean()
    for method in ("twfe", "borusyak-jaravel-spiess", "gardner", "etwfe"):
        # Wooldridge's, with the not-yet treated as controls, averages all times before the policy too.
        fit = did(panel, "y", "first", method=method, control_group="not-yet")  # type: ignore[arg-type]
        assert fit.att == pytest.approx(by_hand, rel=1e-6)


def test_a_column_of_zeros_and_ones_a_calendar_and_a_first_time_say_the_same() -> None:
    panel = simulated()
    calendar = panel.frame["first"].groupby(level=0).first()
    expected = did(panel, "y", "first").att
    assert did(panel, "y", "D").att == expected
    assert did(panel, "y", calendar[calendar > 0]).att == expected
    assert did(panel, "y", calendar.to_dict()).att == expected


def test_the_order_of_rows_does_not_matter() -> None:
    frame = simulated().to_frame().sample(frac=1.0, random_state=1)
    again = did(Panel.from_frame(frame, unit="city", time="year"), "y", "first")
    assert again.att == pytest.approx(did(simulated(), "y", "first").att, rel=1e-12)


def test_entropy_balance_gives_equal_means_and_matching_says_how_many() -> None:
    fit = did(simulated(), "y", "first", method="twfe", controls=["x"], match="entropy")
    cells = fit._specification.cells
    never = cells.adoption.never[cells.unit]
    early = cells.time < 3
    means = [
        np.average(cells.X[rows & early, 0], weights=cells.row_weights[rows & early])
        for rows in (never, ~never)
    ]
    assert means[0] == pytest.approx(means[1], abs=1e-8)
    matched = did(simulated(), "y", "first", controls=["x"], match="psm")
    assert any("matched on propensity scores" in note for note in matched.notes)
    assert matched.n_units < fit.n_units


def test_anticipation_moves_the_reference_and_the_window_bins_the_ends() -> None:
    fit = did(simulated(), "y", "first", anticipation=1)
    assert fit.reference == -2
    assert -2 not in fit.event_study()["time"].tolist()
    binned = did(simulated(), "y", "first", method="twfe", window=(-2, 2))
    assert binned.event_study()["time"].tolist() == [-2, 0, 1, 2]
    assert any("binned" in note for note in binned.notes)


def test_errors_by_cluster_and_by_distance_are_those_of_the_influences() -> None:
    panel = simulated()
    by_unit = did(panel, "y", "first", method="borusyak-jaravel-spiess")
    by_province = did(panel, "y", "first", method="borusyak-jaravel-spiess", cov="cluster:province")
    near = did(panel, "y", "first", method="borusyak-jaravel-spiess", cov="conley:1", cities=seats())
    assert near.std_error == pytest.approx(by_unit.std_error, rel=1e-12)  # nobody lives within 1 km
    assert by_province.att == by_unit.att
    assert by_province.std_error != by_unit.std_error


def test_bands_are_wider_than_intervals_and_seeded() -> None:
    fit = did(simulated(), "y", "first")
    path = fit.event_study()
    assert (path["band_low"] < path["conf_low"]).all()
    assert (path["band_high"] > path["conf_high"]).all()
    assert did(simulated(), "y", "first").event_study().equals(path)


def test_with_two_times_the_test_is_that_of_welch_and_the_plain_one_is_normal() -> None:
    """scipy's ttest_ind(equal_var=False) on the changes; small=False is what csdid prints."""
    rng = np.random.default_rng(11)
    start, change = np.where(np.arange(30) < 5, 2001, 0), rng.normal(size=30)
    index = pd.MultiIndex.from_product([range(30), [2000, 2001]], names=["city", "year"])
    y = np.column_stack([rng.normal(size=30), np.zeros(30)])
    y[:, 1] = y[:, 0] + change
    panel = Panel(pd.DataFrame({"y": y.ravel(), "first": np.repeat(start, 2)}, index=index))
    other = stats.ttest_ind(change[:5], change[5:], equal_var=False)
    ends = other.confidence_interval(0.95)
    for method in ("callaway-santanna", "borusyak-jaravel-spiess"):
        fit = did(panel, "y", "first", method=method)  # type: ignore[arg-type]
        row, plain = fit.tidy().iloc[0], fit.tidy(small=False).iloc[0]
        assert row["p_value"] == pytest.approx(other.pvalue, rel=1e-9)
        assert (row["conf_low"], row["conf_high"]) == pytest.approx((ends.low, ends.high), rel=1e-9)
        assert fit.df == pytest.approx(other.df, rel=1e-9)
        assert plain["std_error"] == row["std_error"]
        assert plain["p_value"] == pytest.approx(2 * stats.norm.sf(abs(plain["statistic"])), rel=1e-9)
        assert "Welch's degrees of freedom by cohort" in fit.summary()


# ---- neighbours
def test_rings_recover_what_neighbours_get_and_without_them_the_effect_is_too_small() -> None:
    panel = simulated(3, ring=0.5)
    plain = did(panel, "y", "first", method="borusyak-jaravel-spiess")
    rings = did(panel, "y", "first", method="borusyak-jaravel-spiess", **NEIGHBOURS)
    table = rings.tidy().set_index("term")
    assert rings.att == pytest.approx(1.0, abs=3 * rings.std_error)
    assert table.loc["ring 0-60 km", "estimate"] == pytest.approx(
        0.5, abs=3 * table.loc["ring 0-60 km", "std_error"]
    )
    assert plain.att < rings.att - 0.05
    assert "30 never-treated" in rings.assumes
    axes = decay_plot(rings, lang="zh")  # what the untreated of each ring get, at its middle
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0–60"]
    assert axes.get_xticks().tolist() == [30.0]
    assert axes.get_ylabel() == "对未处理个体的效应"
    wider = sp.models.robustness(rings, {"rings [0, 40]": {"rings": [0, 40]}})
    own = decay_plot(wider, term="ATT")  # of variants, their own numbers
    assert own.get_xticks().tolist() == [40.0]
    assert own.get_ylabel() == "Average effect on the treated"
    assert "Intervals of 95%" in own.figure.note
    assert axes.lines[-2].get_ydata().tolist() == [table.loc["ring 0-60 km", "estimate"]]
    assert "Untreated units may be affected within 60 km" in rings.assumes
    far = did(panel, "y", "first", **NEIGHBOURS)
    assert far.att == pytest.approx(1.0, abs=3 * far.std_error)


# pyfixest 0.60 calls reset_index(inplace=True), which pandas 3.1 deprecates.
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_the_treatment_of_neighbours_is_a_regressor() -> None:
    panel = simulated(3)
    W = sp.weights.knn(seats(), 2)
    both = did(panel, "y", "first", method="twfe", exposure="both", W=W)
    assert both.terms == ("ATT", "W(D)")
    lagged = sp.spatial_lag(panel, "D", W).frame
    import pyfixest

    other = pyfixest.feols("y ~ D + W_D | city + year", lagged.reset_index(), vcov={"CRV1": "city"})
    np.testing.assert_allclose(both.estimates, other.coef()[["D", "W_D"]], rtol=1e-8)
    only = did(panel, "y", "first", method="twfe", exposure="neighbours", W=W)
    assert only.terms == ("W(D)",)


# ---- what may be wrong
@pytest.mark.evidence(
    "models.DifferenceInDifferences.placebo", source="rank of the estimate among 40 draws", kind="hand"
)
def test_placebos_keep_cohorts_are_seeded_and_find_the_effect() -> None:
    fit = did(simulated(), "y", "first", method="twfe")
    placebo = fit.placebo(40, seed=1)
    assert placebo.p_value == pytest.approx(1 / 41)
    assert abs(placebo.estimates.mean()) < 0.1
    for workers in (1, 2, 3):
        assert np.array_equal(fit.placebo(40, seed=1, workers=workers).estimates, placebo.estimates)


@pytest.mark.evidence(
    "models.DifferenceInDifferences.honest",
    source="at M = 0 the interval of the event study by the normal distribution",
    kind="identity",
)
def test_robust_intervals_widen_with_M_and_start_at_the_plain_one() -> None:
    fit = did(counties(), "lemp", "first")
    honest = fit.honest([0.5, 1.0])
    width = (honest.frame["conf_high"] - honest.frame["conf_low"]).to_numpy()
    assert (np.diff(width) > 0).all()
    assert honest.frame["M"].tolist() == [0.0, 0.5, 1.0]
    first = fit.event_study(small=False).set_index("time").loc[0]
    assert honest.frame["conf_low"][0] == pytest.approx(first["conf_low"])


@pytest.mark.evidence(
    "models.DifferenceInDifferences.drop_one", source="estimates without a cohort", kind="identity"
)
def test_leaving_one_out_equals_estimating_without_it() -> None:
    fit = did(simulated(), "y", "first", method="borusyak-jaravel-spiess")
    dropped = fit.drop_one("cohort")
    without = did(simulated().where("first != 2003"), "y", "first", method="borusyak-jaravel-spiess")
    row = dropped.frame.set_index("left_out").loc[2003]
    assert row["estimate"] == pytest.approx(without.att)
    assert row["std_error"] == pytest.approx(without.std_error)
    ends = ["conf_low", "conf_high"]
    assert row[ends].tolist() == pytest.approx(without.tidy().iloc[0][ends].tolist())
    assert len(fit.drop_one().frame) == 30
    provinces = simulated().frame["province"].groupby(level=0).first()
    assert len(fit.drop_one(provinces).frame) == 15


def test_results_draw_and_stand_in_tables() -> None:
    fit = did(counties(), "lemp", "first", compare=["twfe"])
    assert fit.comparison()["method"].tolist() == ["callaway-santanna", "twfe"]
    for result in (fit, fit.bacon(), fit.honest([1.0]), fit.placebo(20), fit.drop_one("cohort")):
        assert result.plot().get_ylabel()
        assert "\n" not in repr(result)
        assert result.summary()
        assert len(result.tidy())
        assert len(result.glance()) == 1
    for result in (fit.honest([1.0], level=0.9), fit.drop_one("cohort")):
        level = "90" if hasattr(result, "level") else "95"
        assert f"Bars: {level}% intervals" in result.plot().figure.note
    assert "ATT" in sp.regression_table([fit, fit.compared["twfe"]]).to_markdown()
