"""One treated unit: no standard error, a note that says why, and an interval by random calendars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from policy_cases import policy_panel

import spatial as sp
from spatial.errors import DataError
from spatial.models import did
from spatial.models.policy.placebo import _inverted
from spatial.panel import Panel


def _panel(cohorts: tuple[int, ...], times: int = 6, seed: int = 0) -> Panel:
    """Return unit and time effects, an effect of 1, and a column of provinces of five."""
    rng, n = np.random.default_rng(seed), len(cohorts)
    start = np.array(cohorts)
    y = rng.normal(size=(n, 1)) + rng.normal(size=times) + rng.normal(size=(n, times))
    y = y + ((start[:, None] > 0) & (np.arange(times) >= start[:, None]))
    index = pd.MultiIndex.from_product([range(n), range(times)], names=["city", "year"])
    columns = {
        "y": y.ravel(),
        "first": np.repeat(start, times),
        "province": np.repeat(np.arange(n) // 5, times),
    }
    return Panel(pd.DataFrame(columns, index=index))


ONE = (3,) + (0,) * 29
METHODS = ("twfe", "callaway-santanna", "borusyak-jaravel-spiess", "gardner")


@pytest.mark.parametrize("method", METHODS)
def test_one_treated_unit_has_an_effect_without_a_standard_error_and_a_note_says_why(method: Any) -> None:
    fit = did(_panel(ONE), "y", "first", method=method)
    row = fit.tidy().iloc[0]
    assert np.isfinite(row["estimate"])
    assert row[["std_error", "p_value", "conf_low", "conf_high"]].isna().all()
    path = fit.event_study()
    assert path[["conf_low", "band_low"]].isna().all(axis=None)
    assert "one unit (or cluster) alone is treated" in fit.summary()
    assert "intervals by" not in fit.summary()
    with sp.language("zh"):
        assert "只有一个个体（或聚类）受处理" in fit.summary()
        assert "事前趋势检验：未计算" in fit.summary()
        assert "t 分布（按批次的 Welch 自由度，" in did(_panel((3,) * 4 + (0,) * 26), "y", "first").summary()
    assert fit.pretrend().reason == "one unit alone is treated, or not treated"
    with pytest.raises(DataError, match="Robust intervals need"):
        fit.honest()
    assert fit.plot().get_xlabel()
    assert "NaN" not in str(sp.regression_table([fit]))


def test_one_treated_cluster_is_one_however_many_units_it_has() -> None:
    panel = _panel((3,) * 5 + (0,) * 25)
    assert np.isfinite(did(panel, "y", "first").std_error)
    fit = did(panel, "y", "first", cov="cluster:province")
    assert np.isnan(fit.std_error)
    assert any("one unit (or cluster) alone" in note for note in fit.notes)


def test_two_treated_units_have_a_standard_error() -> None:
    fit = did(_panel((3,) * 2 + (0,) * 28), "y", "first")
    assert np.isfinite(fit.std_error)
    assert not fit.notes


def test_cohorts_of_one_unit_are_named_and_averaged_together_by_imputation() -> None:
    panel = _panel((1, 2, 3, 4) + (0,) * 26)
    fit = did(panel, "y", "first", method="borusyak-jaravel-spiess")
    assert any("cohorts of one treated unit (1, 2, 3, 4)" in note for note in fit.notes)
    # By hand: effects less their mean over cohorts at the same time since the policy; at the last, one alone.
    cells = fit._specification.cells
    influence = np.zeros(30)
    used = cells.free
    dummies = np.column_stack([np.eye(30)[cells.unit], np.eye(6)[cells.time][:, 1:]])
    inverse = np.linalg.pinv(dummies[used].T @ dummies[used])
    b = inverse @ dummies[used].T @ cells.y[used]
    tau, post = cells.y - dummies @ b, cells.post
    weight = post / post.sum()
    v = np.where(used, -(dummies @ inverse @ (dummies.T @ weight)), weight)
    means = pd.Series(tau).groupby(cells.since).transform("mean").to_numpy()
    np.add.at(influence, cells.unit, v * np.where(post, tau - means, tau))
    assert fit.std_error == pytest.approx(np.sqrt(np.sum(influence**2)), rel=1e-9)
    errors = fit.event_study().set_index("time")["std_error"]
    assert errors.index[errors.isna()].tolist() == [-4, 4]  # the last cohort, and the first
    assert any("one treated unit alone has reached" in note for note in fit.notes)
    # What is joint is of the others.
    path = fit.event_study().set_index("time")
    assert path.index[path["band_low"].isna()].tolist() == [-4, 4]
    assert fit.pretrend().df == 2
    assert len(fit.honest([0.5]).frame) == 2


@pytest.mark.evidence(
    "models.DifferenceInDifferences.placebo",
    kind="hand",
    source="effects that the permutation test does not reject",
)
def test_the_interval_of_random_calendars_holds_the_effects_that_they_do_not_reject() -> None:
    fit = did(_panel(ONE), "y", "first", method="twfe")
    found = fit.placebo(99, level=0.9, seed=3, progress=False)
    assert fit.placebo(99, seed=3, progress=False).tidy().columns.tolist()[-1] == "draws"
    assert (found.tidy()[["conf_low", "conf_high"]].to_numpy() == [found.conf_low, found.conf_high]).all()
    assert found.conf_low < fit.att < found.conf_high
    assert f"90% interval, one effect for all: [{found.conf_low:.5f}" in found.summary()

    def p_value(effect: float) -> float:
        cells = fit._specification.cells
        frame = pd.DataFrame(
            {"y": cells.y - effect * cells.post, "first": np.array(ONE)[cells.unit]},
            index=pd.MultiIndex.from_arrays([cells.unit, cells.time], names=["city", "year"]),
        )
        less = did(Panel(frame), "y", "first", method="twfe")
        return less.placebo(99, seed=3, progress=False).p_value

    for end, outward in ((found.conf_low, -1e-6), (found.conf_high, 1e-6)):
        assert p_value(end - outward) > 0.1
        assert p_value(end + outward) <= 0.1


def test_calendars_that_are_all_the_true_one_bound_nothing() -> None:
    assert _inverted(1.0, np.ones(99), np.ones(99), 0.95) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("options", "level", "message"),
    [
        ({"method": "synthetic"}, 0.95, "linear in the outcome"),
        ({}, 0.999, "needs 999 draws or more; got 99"),
        ({}, 95, "level must lie between 0 and 1"),
    ],
)
def test_intervals_that_calendars_cannot_give_are_refused(
    options: dict[str, Any], level: float, message: str
) -> None:
    fit = did(_panel((3,) * 4 + (0,) * 26), "y", "first", **options)
    with pytest.raises(DataError, match=message):
        fit.placebo(99, level=level)


def test_each_random_calendar_is_tested_as_the_fit_is() -> None:
    panel = policy_panel(np.random.default_rng(6))
    fit = did(panel, "y", "first", method="twfe")
    found = fit.placebo(40, seed=1)
    first = panel.frame["first"].groupby(level=0).first()
    order = np.random.default_rng([1, 0]).permutation(len(first))
    calendar = pd.Series(first.to_numpy()[order], first.index)
    again = did(panel, "y", calendar[calendar > 0], method="twfe").tidy().iloc[0]
    assert found.estimates[0] == pytest.approx(again["estimate"], rel=1e-10)
    assert found.p_values[0] == pytest.approx(again["p_value"], rel=0.05)  # by the law of the fit
    assert found.tidy()["significant"][0] == np.mean(found.p_values < 0.05) < 0.25
    assert "of them are significant at 5 %" in found.summary()
    alone = did(_panel(ONE), "y", "first", method="twfe").placebo(20, seed=3, progress=False)
    assert np.isnan(alone.share_significant) == ("significant" not in alone.summary())
    assert "nan" not in alone.summary() + alone.plot().figure.axes[0].get_title()
