"""Groups: one fit each, the interacted system, stacked scores, permuted labels, and what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spatial as sp
from spatial.errors import DataError, FormulaError, SpatialWarning
from spatial.models import SpatialSystem, fixed_effects, heterogeneity
from spatial.models.mechanisms.label_permutation import slopes_by_group
from spatial.models.mechanisms.stacked import stacked_covariance
from spatial.panel import Panel

N, T = 96, 4


def panel(seed: int = 0, gap: float = 1.0) -> Panel:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 4)), columns=["x", "z", "w", "e"], index=index)
    city = index.get_level_values(0)
    data["region"] = np.where(city < 48, "east", "west")
    data["third"] = np.array(["a", "b", "c"])[np.asarray(city) % 3]
    data["code"] = (np.asarray(city) >= 48).astype(float)
    data["y"] = data.x * (1 + gap * (data.region == "east")) + 0.5 * data.z + data.e
    data["d"] = data.w + 0.5 * data.e
    data["iv"] = data.d * (1 + gap * (data.region == "east")) + data.e
    return Panel(data)


def ring() -> sp.Weights:
    matrix = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    return sp.Weights.from_dense(matrix, ids=range(N)).row_standardized()


def test_each_group_is_the_fit_on_its_rows_with_the_lags_of_the_whole_map() -> None:
    base = fixed_effects("y ~ x + z + W(x)", panel(), weights=ring())
    found = heterogeneity(base, "region")
    for label in ("east", "west"):
        own = fixed_effects("y ~ x + z + W(x)", panel(), weights=ring(), where=f"region == '{label}'")
        np.testing.assert_allclose(found.fits[label].params, own.params)
        np.testing.assert_allclose(found.fits[label].cov, own.cov)
    assert found.tidy()["group"].tolist() == ["east"] * 3 + ["west"] * 3


@pytest.mark.evidence("models.heterogeneity", source="fixed_effects with all interactions", kind="identity")
def test_the_wald_test_is_that_of_the_interacted_model() -> None:
    source = panel()
    found = heterogeneity(fixed_effects("y ~ x + z", source), "region")
    east = (source["region"] == "east").astype(float)
    made = source.with_columns(xe=source["x"] * east, ze=source["z"] * east)
    plain = fixed_effects("y ~ x + z + xe + ze", made)
    row = found.tests.set_index("term")
    for term, product in (("x", "xe"), ("z", "ze")):
        t = plain.params["y", product] / plain.std_errors["y", product]
        assert row.loc[term, "statistic"] == pytest.approx(t**2)
    b = plain.params.droplevel(0)[["xe", "ze"]].to_numpy()
    V = plain.cov.droplevel(0).droplevel(0, axis=1).loc[["xe", "ze"], ["xe", "ze"]].to_numpy()
    assert row.loc["all", "statistic"] == pytest.approx(b @ np.linalg.solve(V, b) / 2)
    assert row.loc["x", "p_value"] < 1e-6
    assert row.loc["z", "p_value"] > 0.05
    fewest = min(fit.n_units for fit in found.fits.values()) - 1
    assert row.loc["x", "distribution"] == f"F(1, {fewest})"
    assert row.loc["x", "p_value"] == pytest.approx(stats.f.sf(row.loc["x", "statistic"], 1, fewest))
    # Slopes of the regimes are those of the same model, written the other way.
    regimes = found.regimes["region"].params.droplevel(0)
    assert regimes["x [west]"] == pytest.approx(plain.params["y", "x"])
    assert regimes["x [east]"] == pytest.approx(plain.params["y", "x"] + plain.params["y", "xe"])


def test_stacked_scores_keep_each_fits_own_covariance_and_join_shared_units() -> None:
    source = panel()
    fits = {
        "a": fixed_effects("y ~ x + z", source, where="region == 'east'"),
        "b": fixed_effects("y ~ x + z", source, where="region == 'west'"),
        "c": fixed_effects("y ~ x", source),
    }
    stacked = stacked_covariance(fits)
    for name, fit in fits.items():
        own = [key for key in stacked.cov.index if key[0] == name]
        np.testing.assert_allclose(stacked.cov.loc[own, own], fit.cov, rtol=1e-10)
    assert stacked.cov.loc[("a", "y", "x"), ("b", "y", "x")] == 0.0
    assert stacked.cov.loc[("a", "y", "x"), ("c", "y", "x")] != 0.0
    # The same fit twice: perfectly correlated.
    twice = stacked_covariance({"a": fits["c"], "b": fits["c"]})
    np.testing.assert_allclose(twice.cov.to_numpy(), fits["c"].cov.iloc[0, 0])


def test_suest_of_groups_without_shared_units_adds_their_variances() -> None:
    found = heterogeneity(fixed_effects("y ~ x + z", panel()), "region", test="suest")
    a, b = found.fits["east"], found.fits["west"]
    gap = a.params["y", "x"] - b.params["y", "x"]
    variance = a.std_errors["y", "x"] ** 2 + b.std_errors["y", "x"] ** 2
    row = found.tests.set_index("term").loc["x"]
    assert row["statistic"] == pytest.approx(gap**2 / variance)
    assert row["distribution"] == "F(1, 47)"  # the fewest clusters of a group, less one


def test_quick_slopes_are_those_of_the_fit_of_each_group() -> None:
    for formula, least in (("y ~ x + z", True), ("iv ~ d + z | unit + time | d ~ w", False)):
        fit = fixed_effects(formula, panel(), where="region == 'east'")
        system = SpatialSystem(formula, panel(), effects=("unit", "time"), iv_order=0)
        mask = panel()["region"].unstack("year").to_numpy().T.ravel() == "east"
        keys = list(fit.params.index)
        values, variances = slopes_by_group(system.design, mask, keys, least)
        np.testing.assert_allclose(values, fit.params, rtol=1e-8)
        plain = fit.vcov("cluster")
        assert np.corrcoef(np.sqrt(variances), plain.std_errors)[0, 1] > 0.999


def test_the_permutation_is_exact_seeded_and_of_whole_units() -> None:
    base = fixed_effects("y ~ x + z", panel(gap=0.0, seed=1))
    options: dict[str, Any] = {"test": "permutation", "permutations": 199}
    first = heterogeneity(base, "region", seed=3, **options)
    again = heterogeneity(base, "region", seed=3, **options)
    pd.testing.assert_frame_equal(first.tests, again.tests)
    assert (first.tests["p_value"] > 0.02).all()
    assert first.tests["p_value"].map(lambda p: (p * 200) % 1).abs().max() < 1e-9
    far = heterogeneity(fixed_effects("y ~ x + z", panel()), "region", terms="x", **options)
    assert far.tests["p_value"].tolist() == [1 / 200]
    assert "199 draws, seed 0" in far.notes[-1]


def test_labels_that_move_are_permuted_as_paths_and_stacked_by_unit() -> None:
    source = panel()
    high = sp.group(source["w"], split="mean", of="time")
    found = heterogeneity(
        fixed_effects("y ~ x + z", source), high, test=["suest", "permutation", "wald"], permutations=99
    )
    assert list(found.fits) == ["high", "low"]
    assert found.fits["high"].n_obs + found.fits["low"].n_obs == N * T
    assert set(found.tests["test"]) == {"wald", "suest", "permutation"}
    stacked = stacked_covariance(dict(found.fits))
    assert stacked.cov.loc[("high", "y", "x"), ("low", "y", "x")] != 0.0


def test_several_divisions_have_their_names_and_holms_p() -> None:
    found = heterogeneity(fixed_effects("y ~ x + z", panel()), ["region", "third"], terms="x")
    assert list(found.fits) == ["region: east", "region: west", "third: a", "third: b", "third: c"]
    x = found.tests[found.tests["term"] == "x"].set_index("by")
    p = x["p_value"]
    low, high = sorted(p)
    expected = {p.idxmin(): min(2 * low, 1), p.idxmax(): max(2 * low, high)}
    assert x["p_holm"].to_dict() == pytest.approx(expected)
    table = sp.regression_table([found])
    assert table.frame.loc["Observations"].tolist() == ["192", "192", "128", "128", "128"]
    assert any("Equality of x by region, wald: p = 0.000 (Holm 0.000)." in note for note in table.notes)


def test_a_spatial_system_by_number_and_truth_with_its_figure() -> None:
    source = panel()
    source = source.with_columns(coast=source["code"] == 0)
    system = SpatialSystem("y ~ x + z + W(y)", source, ring(), effects=("unit",), error="W")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no spatial lag in these data: weak
        by_code = heterogeneity(system, "code", method="gs2sls", terms=["x", "W(y)"])
        by_truth = heterogeneity(system, "coast", method="gs2sls", terms=["x"])
    assert list(by_code.fits) == ["0.0", "1.0"]
    np.testing.assert_allclose(by_truth.fits["True"].params, by_code.fits["0.0"].params)
    assert by_code.tests["term"].tolist() == ["x", "W(y)", "all"]
    with pytest.raises(DataError, match=r"There are several terms: x, W\(y\)"):
        by_code.plot()
    axes = by_code.plot(term="x", labels={"0.0": "东部"}, lang="zh")
    assert [t.get_text() for t in axes.get_yticklabels()] == ["东部", "1.0"]
    assert "Tests of equality" in str(by_code)
    assert repr(by_truth) == "<Heterogeneity 2 groups: False, True>"


def test_a_sample_and_groups_together_and_rows_without_a_group() -> None:
    source = panel()
    part = source["region"].where(source["third"] != "c")
    holed = source.with_columns(part=part)
    found = heterogeneity(fixed_effects("y ~ x", holed, where="year >= 1"), "part")
    assert sum(f.n_obs for f in found.fits.values()) == 64 * 3
    assert any("96 rows without a group of part" in note for note in found.notes)
    assert found.regimes["part"].n_obs == 192


def test_groups_made_of_an_outcome_are_warned_of() -> None:
    base = fixed_effects("y ~ x", panel())
    with pytest.warns(SpatialWarning, match="Groups by y are made of an outcome"):
        heterogeneity(base, sp.group(panel()["y"], of="unit"))


@pytest.mark.parametrize(
    ("by", "options", "error", "message"),
    [
        ("regoin", {}, DataError, "no column 'regoin'. Did you mean 'region'"),
        ("region", {"test": "chow"}, DataError, "test is among 'wald', 'suest', 'permutation'; got 'chow'"),
        ("region", {"test": []}, DataError, "test needs at least one"),
        ("region", {"terms": "k"}, DataError, "not every group has 'k'. They have x, z"),
        ("region", {"test": "permutation", "permutations": 10}, DataError, "permutations is a whole number"),
        ("x", {}, DataError, "by='x' has 384 values; groups are at most 12"),
        ("flat", {}, DataError, "by='flat' has 1 group; two or more"),
        ("few", {}, DataError, r"Group 'a' of few has 5 units \(0, 1, 2, 3, 4\); 10 or more are needed"),
        (3, {}, DataError, "by is a column or a Series of labels"),
        ([], {}, DataError, "by needs a column"),
        ("region", {"terms": []}, FormulaError, "terms is a name, or a list"),
    ],
)
def test_what_has_no_answer_is_refused(
    by: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    source = panel()
    source = source.with_columns(flat="a", few=np.where(source.frame.index.get_level_values(0) < 5, "a", "b"))
    with pytest.raises(error, match=message):
        heterogeneity(fixed_effects("y ~ x + z", source), by, **options)


# ---- groups of rows
@pytest.mark.evidence("group", source="pandas group means and quantiles")
def test_groups_by_mean_quantile_and_unit() -> None:
    x = panel()["x"]
    by_time = sp.group(x)
    means = x.groupby("year").transform("mean")
    assert (by_time == "high").equals(x > means)
    of_all = sp.group(x, split="quantiles", parts=4, of="all")
    assert of_all.value_counts().to_dict() == {"1": 96, "2": 96, "3": 96, "4": 96}
    of_unit = sp.group(x, split="median", of="unit", labels=["低", "高"])
    assert of_unit.groupby("city").nunique().max() == 1
    assert of_unit.groupby("city").first().value_counts().to_dict() == {"低": 48, "高": 48}
    holed = x.where(x < 2)
    assert sp.group(holed).isna().sum() == (x >= 2).sum()
    assert sp.group(panel()["region"], split="values").equals(panel()["region"])
    assert sp.group(panel()["region"]).equals(panel()["region"])  # labels are groups as they are


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "means"}, "split is one of .*; got 'means'. Did you mean 'mean'"),
        ({"of": "year"}, "of is one of 'time', 'all', 'unit'; got 'year'"),
        ({"split": "quantiles", "parts": 1}, "parts is a whole number from 2 to 10"),
        ({"labels": ["a"]}, "labels needs 2 different names"),
    ],
)
def test_groups_that_cannot_be_made_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        sp.group(panel()["x"], **options)
    with pytest.raises(DataError, match="group takes a Series"):
        sp.group([1, 2])
    with pytest.raises(DataError, match=r"must hold numbers|must be numbers|text"):
        sp.group(panel()["region"], split="mean")


# ---- one fit a group
@pytest.mark.evidence("models.fixed_effects", source="each group by its condition", kind="identity")
def test_by_fits_each_group_as_its_condition_does() -> None:
    """Whether by a column or by labels, of a regression or a system: the rows of a condition, one table."""
    source = panel()
    found = fixed_effects("y ~ x", source, by="region")
    assert list(found) == ["east", "west"]
    for name, fit in found.items():
        alone = fixed_effects("y ~ x", source, where=f"region == '{name}'")
        pd.testing.assert_frame_equal(fit.tidy(), alone.tidy())
        assert found[name] is fit
    tidy = found.tidy()
    assert tidy.columns[0] == "group"
    assert tidy["estimate"].tolist() == [fit.params.iloc[0] for _, fit in found.items()]
    table = sp.regression_table(found)
    assert [head.text for head in table.header[0]][1:] == ["east", "west"]
    assert found.to_markdown().splitlines()[0] == table.to_markdown().splitlines()[0]
    assert found.glance()["n_obs"].tolist() == [fit.n_obs for _, fit in found.items()]
    assert repr(found) == "<GroupFits by region: east, west>"
    with pytest.raises(DataError, match=r"no group 'easte' of region\. Did you mean 'east'"):
        found["easte"]


def test_by_takes_labels_and_a_condition_and_says_who_is_left_out() -> None:
    source = panel()
    labels = sp.group(source["x"], split="median", of="unit")
    labels = labels.where(labels.index.get_level_values(0) != labels.index[0][0])
    system = SpatialSystem("y ~ x", source, effects=("unit", "time"))
    found = system.fit("ols", by=labels, where="year >= 1", cov="het")
    same = SpatialSystem("y ~ x", source.with_columns(own=labels), effects=("unit", "time"))
    for name, fit in found.items():
        alone = same.fit("ols", where=f"year >= 1 and own == '{name}'", cov="het")
        pd.testing.assert_frame_equal(fit.tidy(), alone.tidy())
        assert "x_group == " in fit.estimate.design.choice.condition
    assert found.notes == ("3 rows without a group of x are left out",)
    assert found.notes[0] in found.summary()
    for by, message in (
        ("regoin", "Did you mean 'region'"),
        (["x"], "by is a column or a Series of labels; got list"),
    ):
        with pytest.raises(DataError, match=message):
            fixed_effects("y ~ x", source, by=by)  # type: ignore[call-overload]
