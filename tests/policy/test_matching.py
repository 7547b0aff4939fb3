"""Matched policies: Stata's printed effect, weights and balance by hand, bias and coverage by simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api as sm
from scipy import stats

import spatial as sp
from spatial.errors import DataError
from spatial.models import did
from spatial.models.policy.matching import balance_weights


def two_times(x: np.ndarray, treated: np.ndarray, change: np.ndarray) -> sp.Panel:
    """A panel of two times: nobody is treated at the first, and the outcome is 0 there."""
    n, names = len(change), [f"x{k}" for k in range(x.shape[1])]
    cells = pd.MultiIndex.from_product([range(n), [2000, 2001]], names=["city", "year"])
    y = np.column_stack([np.zeros(n), change]).ravel()
    frame = pd.DataFrame(np.repeat(x, 2, axis=0), columns=names, index=cells)
    return sp.Panel(frame.assign(y=y, first=np.repeat(np.where(treated, 2001, 0), 2)))


def sample(rng: np.random.Generator, n: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Controls, who is treated because of them, and changes that bend with them; the effect is 1."""
    x = rng.normal(size=(n, 2))
    treated = rng.random(n) < 1 / (1 + np.exp(0.8 - 0.8 * x[:, 0] - 0.4 * x[:, 1]))
    change = treated + 0.5 * x[:, 0] + 0.3 * x[:, 0] ** 2 + 0.2 * x[:, 1] + rng.normal(0, 0.7, size=n)
    return x, treated, change


def drawn(match: str | None, seed: int = 1, **options: Any) -> Any:
    x, treated, change = sample(np.random.default_rng(seed))
    panel = two_times(x, treated, change)
    return did(panel, "y", "first", method="twfe", controls=["x0", "x1"], match=match, **options)


def scores(x: np.ndarray, treated: np.ndarray) -> np.ndarray:
    return np.asarray(sm.Logit(treated.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-12).predict())


def test_the_effect_is_that_which_stata_prints() -> None:
    """`teffects psmatch (bweight) (mbsmoke mmarried c.mage##c.mage fbaby medu), atet` of Stata's manual.

    The births of Cattaneo (2010), as statsmodels ships them; with many ties, which are all kept.
    """
    path = Path(statsmodels.__file__).parent / "treatment/tests/results/cataneo2.csv"
    births = pd.read_csv(path)
    x = births[["mmarried_", "mage", "fbaby_", "medu"]].assign(square=births["mage"] ** 2).to_numpy(float)
    panel = two_times(x, births["mbsmoke_"].to_numpy() == 1, births["bweight"].to_numpy(float))
    names = [f"x{k}" for k in range(5)]
    fit = did(panel, "y", "first", method="twfe", controls=names, match="psm:1:1000")
    assert fit.att == pytest.approx(-236.7848, abs=5e-5)
    found = fit.balance().scores
    assert found.to_numpy() == pytest.approx(scores(x, births["mbsmoke_"].to_numpy() == 1), abs=1e-8)


@pytest.mark.parametrize("match", ["psm", "psm:3", "psm:2:0.02", "kernel", "kernel:0.2"])
def test_the_effect_is_the_mean_difference_between_the_treated_and_their_matches(match: str) -> None:
    x, treated, change = sample(np.random.default_rng(1))
    p = scores(x, treated)
    odds, gaps = np.log(p / (1 - p)), []
    weights = np.zeros(len(p))
    how, *given = match.split(":")
    for i in np.nonzero(treated)[0]:
        if how == "psm":
            caliper = float(given[1]) if len(given) > 1 else 0.2
            far = np.abs(odds - odds[i]) + np.where(treated, np.inf, 0)
            chosen = np.argsort(far)[: int(given[0]) if given else 1]
            chosen = chosen[far[chosen] <= caliper * odds.std()]
            own = np.zeros(len(p))
            own[chosen] = 1
        else:
            width = float(given[0]) if given else 0.06
            own = np.where(treated, 0, np.maximum(1 - ((p - p[i]) / width) ** 2, 0))
        if own.sum():
            own /= own.sum()
            gaps.append(change[i] - own @ change)
            weights += own
            weights[i] = 1
    fit = drawn(match)
    assert fit.att == pytest.approx(np.mean(gaps), rel=1e-8)
    found = fit.balance()
    assert found.weights.to_numpy() == pytest.approx(weights, abs=1e-7)
    assert found.glance().iloc[0]["n_treated"] == len(gaps)
    assert f"{len(gaps)} of {treated.sum()} treated units are matched" in " ".join(fit.notes)


@pytest.mark.evidence(
    "models.DifferenceInDifferences.balance", source="Rosenbaum and Rubin's bias and scipy's t", kind="hand"
)
def test_the_balance_is_the_standardised_bias_t_and_variance_ratio() -> None:
    x, treated, _ = sample(np.random.default_rng(1))
    found = drawn("psm:2").balance()
    w = found.weights.to_numpy()
    frame = found.tidy().set_index(["term", "sample"])
    for k in range(2):
        one, other = x[treated, k], x[~treated, k]
        scale = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2)
        before, after = frame.loc[(f"x{k}", "before")], frame.loc[(f"x{k}", "after")]
        t = stats.ttest_ind(one, other, equal_var=False)
        assert before["std_bias"] == pytest.approx(100 * (one.mean() - other.mean()) / scale)
        assert (before["statistic"], before["p_value"]) == pytest.approx((t.statistic, t.pvalue))
        assert before["variance_ratio"] == pytest.approx(one.var(ddof=1) / other.var(ddof=1))
        means = [np.average(x[g, k], weights=w[g]) for g in (treated, ~treated)]
        assert (after["treated"], after["untreated"]) == pytest.approx(tuple(means))
        assert after["std_bias"] == pytest.approx(100 * (means[0] - means[1]) / scale)
        less = 100 * (1 - abs(after["std_bias"] / before["std_bias"]))
        assert after["reduction"] == pytest.approx(less)
    assert np.isnan(frame.loc[("x0", "before"), "reduction"])
    row = found.glance().iloc[0]
    assert row["largest_bias_after"] < 0.3 * row["largest_bias_before"]
    assert "mean standardised bias" in found.summary()
    assert "largest bias" in found.headline()


def test_entropy_balances_the_means_and_not_the_variances() -> None:
    found = drawn("entropy").balance()
    after = found.frame[found.frame["sample"] == "after"]
    assert after["std_bias"].abs().max() < 1e-6
    assert (after["variance_ratio"] - 1).abs().max() > 0.01
    assert found.scores.isna().all()
    x, treated, _ = sample(np.random.default_rng(1))
    weights = balance_weights(x[~treated], x[treated].mean(axis=0))
    assert found.weights[~treated].to_numpy() == pytest.approx(weights * (~treated).sum(), rel=1e-8)


def test_neither_units_of_columns_nor_the_order_of_controls_change_the_matches() -> None:
    x, treated, change = sample(np.random.default_rng(3))
    plain = did(
        two_times(x, treated, change), "y", "first", method="twfe", controls=["x0", "x1"], match="psm:2"
    )
    scaled = two_times(x * [1e8, 1e-8] + [5, 0], treated, change)
    other = did(scaled, "y", "first", method="twfe", controls=["x1", "x0"], match="psm:2")
    assert other.att == pytest.approx(plain.att, rel=1e-8)
    assert other.balance().weights.to_numpy() == pytest.approx(plain.balance().weights.to_numpy(), abs=1e-8)


@pytest.mark.evidence(
    "models.did:match", source="200 draws with trends that bend with the controls", kind="simulation"
)
def test_matching_takes_the_bias_of_bent_trends_away() -> None:
    """Without it the effect of 1 is too large by .44; the intervals, by unit, are wide rather than short."""
    found: dict[str | None, list[tuple[float, bool]]] = {
        m: [] for m in (None, "psm", "psm:4", "kernel", "entropy")
    }
    rng = np.random.default_rng(11)
    for _ in range(200):
        x, treated, change = sample(rng)
        panel = two_times(x, treated, change)
        for match, rows in found.items():
            fit = did(panel, "y", "first", method="twfe", controls=["x0", "x1"], match=match)
            row = fit.tidy().iloc[0]
            rows.append((fit.att, bool(row["conf_low"] <= 1 <= row["conf_high"])))
    bias = {match: np.mean([att for att, _ in rows]) - 1 for match, rows in found.items()}
    cover = {match: np.mean([inside for _, inside in rows]) for match, rows in found.items()}
    assert bias[None] > 0.35
    for match in ("psm", "psm:4", "kernel", "entropy"):
        assert abs(bias[match]) < 0.07
        assert 0.93 <= cover[match] <= 1


def test_a_placebo_moves_the_weight_of_a_unit_with_its_calendar() -> None:
    fit = drawn("psm")
    cells = fit._specification.cells
    order = np.random.default_rng(0).permutation(cells.layout.n_units)
    again = cells.reassigned(order)
    weights, start = (
        pd.Series(values, cells.unit).groupby(level=0).first()
        for values in (again.row_weights, again.adoption.start[again.unit])
    )
    own = pd.Series(cells.row_weights, cells.unit).groupby(level=0).first()
    assert weights.to_numpy() == pytest.approx(own.to_numpy()[order])
    assert np.array_equal(start.to_numpy(), cells.adoption.start[order])
    same = np.random.default_rng(0).permutation(cells.adoption.start)
    assert np.array_equal(again.adoption.start, same)  # the draws of before
    found = fit.placebo(40, seed=2)
    assert abs(found.estimates.mean()) < 0.3
    assert found.p_value < 0.1


@pytest.mark.parametrize(
    "match",
    ["psn", "psm:0", "psm:1.5", "psm:1:0", "psm:1:2:3", "kernel:-1", "kernel:x", "entropy:2", 4, "psm:1:inf"],
)
def test_a_way_of_matching_that_does_not_exist_is_refused(match: Any) -> None:
    with pytest.raises(DataError, match=r"match is 'psm', 'psm:NEIGHBOURS' or .*got"):
        drawn(match)


def test_what_cannot_be_matched_is_refused() -> None:
    with pytest.raises(DataError, match="Only a matched sample has a balance"):
        drawn(None).balance()
    x, treated, change = sample(np.random.default_rng(1))
    panel = two_times(np.column_stack([treated * 10.0 + x[:, 0], x[:, 1]]), treated, change)
    for match, message in (("psm", "within 0.2 standard deviations"), ("kernel:0.001", "is within 0.001")):
        with pytest.raises(DataError, match=message):
            did(panel, "y", "first", method="twfe", controls=["x0", "x1"], match=match)
    with pytest.raises(DataError, match="match= weights units, which gardner does not take here"):
        did(two_times(x, treated, change), "y", "first", method="gardner", controls=["x0", "x1"], match="psm")
