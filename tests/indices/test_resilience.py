"""Resilience: by hand on three cities, identities, explosions named, the template, messages."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import AlignmentError, DataError, SpatialWarning
from spatial.indices.composite import CompositeIndex, composite_index
from spatial.indices.resilience import (
    RESILIENCE_INDICATORS,
    Indicator,
    Resilience,
    composite_resilience,
    sensitivity_resilience,
)
from spatial.panel.panel import Panel
from spatial.weights import Weights

ROWS = pd.MultiIndex.from_product([["a", "b", "c"], [2001, 2002]], names=["city", "year"])
# Nation: mining 200 to 180 (-10 %), retail 200 to 240 (+20 %), all 400 to 420 (+5 %).
JOBS = pd.DataFrame({"mining": [60.0, 60, 90, 80, 50, 40], "retail": [50.0, 55, 50, 65, 100, 120]}, ROWS)
FORMS = ["martin", "bai", "growth", "sensitivity", "difference"]


def make_panel(seed: int = 0, n: int = 9, t: int = 5) -> Panel:
    """Employment that grows by some 5 to 15 percent: no denominator is near zero."""
    rng = np.random.default_rng(seed)
    growth = rng.uniform(0.05, 0.15, (n, t, 4))
    values = rng.uniform(50, 150, (n, 1, 4)) * np.exp(np.cumsum(growth, axis=1))
    index = pd.MultiIndex.from_product(
        [[f"c{k}" for k in range(n)], range(2001, 2001 + t)], names=["city", "year"]
    )
    return Panel(pd.DataFrame(values.reshape(n * t, 4), index, ["i0", "i1", "i2", "i3"]))


# ---- by hand
@pytest.mark.evidence(
    "sensitivity_resilience", source="three cities, two years; four published forms", kind="hand"
)
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("martin", [(5 - 4) / 4, (5 - 1) / 1, (10 - 15) / 15]),
        ("growth", [(5 / 110 - 0.05) / 0.05, (5 / 140 - 0.05) / 0.05, (10 / 150 - 0.05) / 0.05]),
        ("sensitivity", [5 / 110 / 0.05, 5 / 140 / 0.05, 10 / 150 / 0.05]),
        ("difference", [1 / 110, 4 / 140, -5 / 150]),
    ],
)
def test_forms_by_hand(form: Any, expected: list[float]) -> None:
    found = sensitivity_resilience(JOBS, form=form)
    assert found.index.tolist() == pytest.approx(expected)
    assert found.index.index.tolist() == [("a", 2002), ("b", 2002), ("c", 2002)]


def test_parts_by_hand() -> None:
    parts = sensitivity_resilience(JOBS).parts.loc[("c", 2002)]
    assert parts.to_dict() == pytest.approx(
        {
            "size": 150.0,
            "change": 10.0,
            "expected_change": 15.0,
            "growth": 1 / 15,
            "expected_growth": 0.1,
            "flagged": False,
        }
    )


def test_a_shrinking_nation() -> None:
    # All industries fall by a tenth; a loses a fifth, b nothing: -1 and +1, by the absolute denominator.
    jobs = pd.DataFrame({"x": [50.0, 40, 50, 50, 100, 90]}, ROWS)
    found = sensitivity_resilience(jobs)
    assert found.index.tolist() == pytest.approx([-1.0, 1.0, 0.0], abs=1e-12)


# ---- identities
def test_bai_multiplies_own_growth_by_the_one_national_rate() -> None:
    # Nation 400, 420, 462: rates .05 and .1.  City a gains 10 (mining -5, retail 15), then 3.
    rows = pd.MultiIndex.from_product([["a", "b"], [2001, 2002, 2003]], names=["city", "year"])
    mining, retail = [50.0, 45, 40, 150, 145, 160], [50.0, 65, 73, 150, 165, 189]
    jobs = pd.DataFrame({"mining": mining, "retail": retail}, rows)
    found = sensitivity_resilience(jobs, form="bai", small=0.0)
    assert found.index.index.tolist() == [("a", 2003), ("b", 2003)]
    expected = 0.1 * (-5 + 15)  # of both
    assert found.parts["expected_change"].tolist() == pytest.approx([expected, expected])
    assert found.index.tolist() == pytest.approx([(3 - expected) / expected, (39 - expected) / expected])
    martin = sensitivity_resilience(jobs, form="martin").index
    assert martin["a", 2003] != pytest.approx(found.index["a", 2003])
    refuse(r'form="bai" needs the growth before the growth: 3 times or more; the panel has 2', form="bai")


def test_growth_is_sensitivity_less_one_where_the_nation_grows() -> None:
    panel = make_panel(1)
    a, b = (sensitivity_resilience(panel, form=form).index for form in ("growth", "sensitivity"))
    np.testing.assert_allclose(a, b - 1, rtol=1e-11)


def test_expected_changes_add_up_to_the_nations() -> None:
    panel = make_panel(2)
    sums = sensitivity_resilience(panel).parts[["change", "expected_change"]].groupby(level=1).sum()
    np.testing.assert_allclose(sums["change"], sums["expected_change"], rtol=1e-12)


def test_units_that_follow_the_nation_have_zero() -> None:
    base = np.array([[100.0, 40], [30, 70], [60, 10]])
    growth = np.array([[1, 1], [1.1, 1.3], [1.5, 1.2]])
    values = base[:, None, :] * growth[None]
    rows = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2, 3]])
    found = sensitivity_resilience(pd.DataFrame(values.reshape(9, 2), rows))
    np.testing.assert_allclose(found.index, 0, atol=1e-12)


def test_one_industry_makes_the_mix_irrelevant() -> None:
    panel = make_panel(3)
    a, b = (sensitivity_resilience(panel, ["i0"], form=form).index for form in ("martin", "growth"))
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_steps() -> None:
    panel = make_panel(4)
    found = sensitivity_resilience(panel, steps=3)
    assert found.index.index.get_level_values(1).unique().tolist() == [2004, 2005]
    ends = panel.frame.loc[(slice(None), [2001, 2004]), :]
    alone = sensitivity_resilience(ends).index
    pd.testing.assert_series_equal(found.index.xs(2004, level=1), alone.xs(2004, level=1))


def test_national_reference() -> None:
    panel = make_panel(5)
    nation = panel.frame.groupby(level=1).sum()
    a = sensitivity_resilience(panel).index
    pd.testing.assert_series_equal(a, sensitivity_resilience(panel, reference=nation * 1.0).index)
    doubled = sensitivity_resilience(panel, reference=nation * 2)  # only rates matter
    np.testing.assert_allclose(doubled.index, a, rtol=1e-11)
    with pytest.raises(AlignmentError, match="no row for the times 2003"):
        sensitivity_resilience(panel, reference=nation.drop(2003))


# ---- invariances
@pytest.mark.parametrize("form", FORMS)
def test_order_and_unit_do_not_matter(form: Any) -> None:
    frame = make_panel(6).frame
    straight = sensitivity_resilience(frame, form=form)
    shuffled = frame.sample(frac=1, random_state=2).iloc[:, [3, 1, 0, 2]]
    found = sensitivity_resilience(shuffled, form=form)
    pd.testing.assert_series_equal(found.index, straight.index, check_exact=True)
    pd.testing.assert_frame_equal(found.parts, straight.parts, check_exact=True)
    np.testing.assert_allclose(
        sensitivity_resilience(frame / 1e4, form=form).index, straight.index, rtol=1e-9
    )


# ---- explosions
def exploding() -> pd.DataFrame:
    # Mining falls by a tenth and retail grows by a tenth: of b, with equal parts, no change is expected.
    return pd.DataFrame({"m": [90.0, 80, 50, 45, 60, 55], "r": [50.0, 60, 50, 60, 100, 100]}, ROWS)


def test_exploding_denominators_are_named_and_kept() -> None:
    with pytest.warns(SpatialWarning) as caught:
        found = sensitivity_resilience(exploding())
    text = str(caught[0].message)
    assert len(caught) == 1
    assert "within 0.005 of zero for 1 of 3 rows" in text
    assert "('b', 2002). They are in .flagged and are not clipped" in text
    assert "; 1 are NaN, at zero" in text
    assert found.index.isna().tolist() == [False, True, False]
    assert found.flagged.index.tolist() == [("b", 2002)]
    assert found.parts["flagged"].sum() == 1
    assert "1 with expected growth within 0.005 of zero" in found.summary()


def test_near_zero_denominators_keep_their_size() -> None:
    jobs = exploding()
    jobs.loc[("b", 2001), "r"] = 50.01
    with pytest.warns(SpatialWarning, match=r"any size \(\d+.*\): \('b', 2002\)"):
        found = sensitivity_resilience(jobs)
    assert found.index["b", 2002] > 100
    order = found.flagged["index"].abs()
    assert order.is_monotonic_decreasing


def test_no_explosion_without_a_denominator() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sensitivity_resilience(exploding(), form="difference")
        assert found.index["b", 2002] == pytest.approx(5 / 100)
        sensitivity_resilience(JOBS, small=0)


def test_flags_follow_small() -> None:
    with pytest.warns(SpatialWarning, match="within 0.01 of zero for 1 of 3"):
        assert sensitivity_resilience(JOBS, small=0.01).parts["flagged"].tolist() == [False, True, False]


# ---- result
def test_result_forms() -> None:
    panel = make_panel()
    found = sensitivity_resilience(panel)
    assert isinstance(found, Resilience)
    assert list(found.tidy())[:2] == ["city", "year"]
    assert found.glance()["n"].iloc[0] == 36
    assert found.summary().startswith("resilience (martin): 36 rows, mean")
    assert str(found) == found.summary()
    assert repr(found).startswith("<Resilience martin: 36 rows, ")
    assert found.index.attrs["label_zh"] == "经济韧性"
    assert len(found.plot().collections) == 2
    W = Weights.from_dense(np.eye(9, k=1) + np.eye(9, k=-1), ids=panel.units)
    assert W.lag(found.index)["c0", 2003] == found.index["c1", 2003]
    joined = panel.with_columns(r=found.index.reindex(panel.frame.index))
    assert joined.at(2001)["r"].isna().all()


# ---- the composite
def test_template_has_twelve_indicators_in_three_dimensions() -> None:
    assert len(RESILIENCE_INDICATORS) == 12
    assert len({i.name for i in RESILIENCE_INDICATORS}) == 12
    counts = pd.Series([i.dimension for i in RESILIENCE_INDICATORS]).value_counts()
    assert counts.tolist() == [4, 4, 4]
    assert [i.name for i in RESILIENCE_INDICATORS if i.direction == "-"] == ["unemployment_rate"]
    assert all(i.label and i.label_zh for i in RESILIENCE_INDICATORS)


@pytest.mark.evidence(
    "composite_resilience", source="composite_index of the twelve indicators", kind="identity"
)
@pytest.mark.parametrize("two_levels", [True, False])
def test_composite_is_the_index_of_its_indicators(two_levels: bool) -> None:
    rng = np.random.default_rng(0)
    names = [i.name for i in RESILIENCE_INDICATORS]
    index = pd.MultiIndex.from_product([list("abcdef"), [2001, 2002]], names=["city", "year"])
    panel = Panel(pd.DataFrame(rng.gamma(2, 1, (12, 12)), index, names))
    found = composite_resilience(panel, two_levels=two_levels)
    up = [i.name for i in RESILIENCE_INDICATORS if i.direction == "+"]
    groups: dict[str, list[str]] = {}
    for i in RESILIENCE_INDICATORS:
        groups.setdefault(i.dimension, []).append(i.name)
    expected = composite_index(panel, up, ["unemployment_rate"], dimensions=groups if two_levels else None)
    assert isinstance(found, CompositeIndex)
    pd.testing.assert_series_equal(found.index, expected.index, check_names=False)
    assert found.weights.sum() == pytest.approx(1)
    assert found.index.name == "resilience"
    assert found.index.attrs["label_zh"] == "经济韧性（综合指数）"
    renamed = Panel(panel.frame.rename(columns={"gdp_per_capita": "pgdp"}))
    again = composite_resilience(renamed, columns={"gdp_per_capita": "pgdp"}, two_levels=two_levels)
    pd.testing.assert_series_equal(again.index, found.index)


def test_composite_refuses_missing_columns() -> None:
    data = pd.DataFrame({"gdp_per_capita": [1.0, 2.0]}, index=["a", "b"])
    with pytest.raises(
        DataError, match=r"lacks columns for 11 of 12 indicators: 'unemployment_rate'.*columns=\{"
    ):
        composite_resilience(data)
    mine = [Indicator("gdp_per_capita", "+", "d")]
    with pytest.raises(DataError, match="columns names indicators that are not asked for: 'gdp'"):
        composite_resilience(data, mine, columns={"gdp": "gdp_per_capita"})


# ---- messages
def refuse(match: str, data: Any = JOBS, **options: Any) -> None:
    with pytest.raises(DataError, match=match):
        sensitivity_resilience(data, **options)


def test_refuses_what_has_no_time() -> None:
    refuse("a Panel, or a DataFrame by .* is needed; got a cross-section", JOBS.xs(2001, level=1))
    refuse("steps must be a whole number from 1 to 1, as the panel has 2 times; got 2", steps=2)
    refuse("steps must be a whole number", steps=0)
    refuse("steps must be a whole number", steps=True)
    refuse("steps must be a whole number", steps=1.0)


def test_refuses_unbalanced_panels_by_name() -> None:
    refuse("each unit at each of the 2 times; some are absent for 'b'. Drop these", JOBS.drop(("b", 2002)))


def test_refuses_gaps_in_time() -> None:
    frame = make_panel().frame.drop(2003, level=1)
    refuse("the gaps between 2001, 2002, 2004, 2005 are 1, 2. Fill or cut", frame)
    even = make_panel().frame.drop([2002, 2004], level=1)
    assert len(sensitivity_resilience(even).index) == 18


def test_refuses_bad_cells_and_options() -> None:
    refuse(
        r"negative, at \(unit, time, industry\): \('a', 2001, 'mining'\)",
        JOBS.replace(60.0, -60.0).iloc[[0, 2, 4]],
    )
    refuse(
        r"zero in all units for \(time, industry\) \(2001, 'mining'\)",
        JOBS.assign(mining=[0.0, 1, 0, 1, 0, 1]),
    )
    refuse(r"no industry 'minig'. Did you mean 'mining'", industries=["minig", "retail"])
    refuse("form must be one of 'martin', 'bai'", form="briguglio")
    refuse("small must be a growth rate at or above zero, such as 0.005; got -1", small=-1)
