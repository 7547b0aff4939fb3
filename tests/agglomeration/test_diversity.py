"""Diversity, varieties and co-location: by hand on three cities, identities, invariances, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy

from spatial.agglomeration.localization import coagglomeration, coagglomeration_matrix, ellison_glaeser
from spatial.agglomeration.variety import diversity, related_variety, unrelated_variety
from spatial.errors import AlignmentError, DataError, SpatialWarning
from spatial.panel.panel import Panel

THREE = pd.DataFrame(
    {"mining": [50, 20, 30], "retail": [30, 70, 100], "bank": [20, 10, 70]}, index=["a", "b", "c"]
)
GROUPS = {"retail": "services", "bank": "services", "mining": "goods"}
PLANTS = {"mining": 0.1, "retail": 0.01, "bank": 0.05}


def make_panel(seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.gamma(1.0, 100.0, (18, 3)), columns=["mining", "retail", "bank"])
    frame["city"], frame["year"] = np.repeat(list("abcdef"), 3), np.tile([2001, 2002, 2003], 6)
    return Panel.from_frame(frame, unit="city", time="year")


# ---- by hand
@pytest.mark.evidence("diversity", source="three industries; scipy.stats.entropy", kind="hand")
def test_entropy_by_hand() -> None:
    expected = -(0.5 * np.log(0.5) + 0.3 * np.log(0.3) + 0.2 * np.log(0.2))
    assert diversity(THREE)["a"] == pytest.approx(expected)
    assert diversity(THREE, base=2)["a"] == pytest.approx(expected / np.log(2))
    # scipy.stats.entropy is a second opinion
    np.testing.assert_allclose(diversity(THREE), entropy(THREE.to_numpy(), axis=1), rtol=1e-14)


def test_other_measures_by_hand() -> None:
    assert diversity(THREE, measure="inverse_herfindahl")["a"] == pytest.approx(1 / 0.38)
    assert diversity(THREE, measure="simpson")["a"] == pytest.approx(0.62)
    assert diversity(THREE, measure="relative").tolist() == pytest.approx([2.0, 2.5, 5.0])


@pytest.mark.evidence(
    "related_variety", "unrelated_variety", source="three industries in two groups", kind="hand"
)
def test_varieties_by_hand() -> None:
    # a: half in goods, half in services, and there 30 to 20
    inside = 0.5 * -(0.6 * np.log2(0.6) + 0.4 * np.log2(0.4))
    assert unrelated_variety(THREE, GROUPS)["a"] == pytest.approx(1.0)
    assert related_variety(THREE, GROUPS)["a"] == pytest.approx(inside)


@pytest.mark.evidence("ellison_glaeser", source="three regions", kind="hand")
def test_ellison_glaeser_by_hand() -> None:
    found = ellison_glaeser(THREE, PLANTS)
    # bank: shares .2, .1, .7 against sizes .25, .25, .5; 1 - sum of squared sizes = .625
    raw = 0.05**2 + 0.15**2 + 0.2**2
    assert found.loc["bank", "concentration"] == pytest.approx(raw)
    assert found.loc["bank", "gamma"] == pytest.approx((raw / 0.625 - 0.05) / 0.95)


@pytest.mark.evidence("coagglomeration", source="three regions, two industries", kind="hand")
def test_coagglomeration_by_hand() -> None:
    # quotients of mining 2, .8, .6 and of bank .8, .4, 1.4
    balance = [1 - 1.2 / 2.8, 1 - 0.4 / 1.2, 1 - 0.8 / 2.0]
    assert coagglomeration(THREE, "mining", "bank", form="balance").tolist() == pytest.approx(balance)
    expected = [balance[0] + 2.8, balance[1] + 1.2, balance[2] + 2.0]
    assert coagglomeration(THREE, "mining", "bank").tolist() == pytest.approx(expected)


@pytest.mark.evidence("coagglomeration_matrix", source="three regions, three industries", kind="hand")
def test_coagglomeration_matrix_by_hand() -> None:
    # shares of mining .5 .2 .3, of bank .2 .1 .7, of retail .15 .35 .5; means .85/3, .65/3, 1.5/3
    x = np.array([0.85, 0.65, 1.5]) / 3
    expected = (np.array([0.5, 0.2, 0.3]) - x) @ (np.array([0.2, 0.1, 0.7]) - x) / (1 - x @ x)
    found = coagglomeration_matrix(THREE)
    assert found.loc["mining", "bank"] == pytest.approx(expected)
    assert found.loc["bank", "mining"] == found.loc["mining", "bank"]
    assert list(found) == list(found.index) == ["mining", "retail", "bank"]


# ---- identities and bounds
cells = st.floats(0.0, 1e6, allow_subnormal=False)


@pytest.mark.evidence(
    "related_variety",
    "unrelated_variety",
    source="related and unrelated variety sum to entropy",
    kind="identity",
)
@given(arrays(np.float64, (3, 5), elements=cells), st.lists(st.integers(0, 2), min_size=5, max_size=5))
@settings(deadline=None, max_examples=60)
def test_varieties_add_up_to_entropy(values: Any, codes: list[int]) -> None:
    table = pd.DataFrame(values + np.array([1.0, 0, 0, 0, 0]) + np.eye(3, 5) * 10 + 1e-3)
    groups = dict(enumerate(codes))
    total = diversity(table, base=2)
    parts = related_variety(table, groups) + unrelated_variety(table, groups)
    np.testing.assert_allclose(parts, total, rtol=1e-11, atol=1e-12)
    assert total.between(0, np.log2(5) + 1e-12).all()


def test_one_group_or_all_groups() -> None:
    apart = {c: c for c in THREE}
    np.testing.assert_allclose(related_variety(THREE, apart), 0, atol=1e-15)
    together = dict.fromkeys(THREE, "all")
    np.testing.assert_allclose(unrelated_variety(THREE, together), 0, atol=1e-15)
    np.testing.assert_allclose(related_variety(THREE, together, base=np.e), diversity(THREE), rtol=1e-14)


def test_bounds_at_the_extremes() -> None:
    table = pd.DataFrame(np.eye(4) * 9 + np.array([[0, 0, 0, 0]] * 3 + [[9, 9, 9, 0]]))
    found = diversity(table)
    assert found.tolist() == pytest.approx([0, 0, 0, np.log(4)])


def test_ellison_glaeser_is_zero_in_expectation_for_random_plants() -> None:
    # 40 plants of equal size at random over 30 units of given size: the mean of gamma is 0.
    rng = np.random.default_rng(5)
    size = rng.dirichlet(np.full(30, 5.0))
    draws = rng.multinomial(40, size, size=800).T  # units x industries
    rest = size * 1e9 - draws.sum(axis=1)  # makes the total follow the sizes
    table = pd.DataFrame(np.column_stack([draws, rest]))
    gamma = ellison_glaeser(table, dict.fromkeys(range(801), 1 / 40))["gamma"].iloc[:800]
    error = gamma.std(ddof=1) / np.sqrt(800)
    assert abs(gamma.mean()) < 3 * error
    assert error < 1e-3


def test_zero_plant_herfindahl_gives_raw_concentration() -> None:
    found = ellison_glaeser(THREE, dict.fromkeys(THREE, 0.0))
    np.testing.assert_allclose(found["gamma"], found["concentration"] / 0.625, rtol=1e-14)


# ---- panels
def test_panels_are_taken_time_by_time() -> None:
    panel = make_panel()
    measures: list[Callable[[Any], Any]] = [
        diversity,
        lambda t: related_variety(t, GROUPS),
        lambda t: unrelated_variety(t, GROUPS),
        lambda t: coagglomeration(t, "mining", "bank"),
    ]
    for measure in measures:
        whole = measure(panel)
        for time in panel.times:
            np.testing.assert_allclose(whole.xs(time, level=1), measure(panel.at(time)), rtol=1e-13)
    plants = pd.DataFrame(
        [[0.1, 0.2, 0.3], [0.0, 0.1, 0.2], [0.3, 0.2, 0.1]], [2003, 2001, 2002], ["bank", "mining", "retail"]
    ).stack()
    whole = ellison_glaeser(panel, plants)
    for time in panel.times:
        alone = ellison_glaeser(panel.at(time), plants.xs(time))
        np.testing.assert_allclose(whole.loc[time], alone, rtol=1e-13)
    same = ellison_glaeser(panel, PLANTS)
    assert (
        same["plant_herfindahl"].loc[2001].to_dict() == same["plant_herfindahl"].loc[2003].to_dict() == PLANTS
    )


# ---- invariances
@pytest.mark.parametrize(
    "measure",
    [
        diversity,
        lambda t: diversity(t, measure="relative"),
        lambda t: related_variety(t, GROUPS),
        lambda t: unrelated_variety(t, pd.Series(GROUPS)),
        lambda t: coagglomeration(t, "mining", "bank"),
    ],
)
def test_order_and_unit_do_not_matter(measure: Callable[[Any], Any]) -> None:
    frame = make_panel(2).frame
    shuffled = frame.sample(frac=1, random_state=1).iloc[:, [2, 0, 1]]
    pd.testing.assert_series_equal(measure(shuffled), measure(frame).loc[shuffled.index], check_exact=True)
    np.testing.assert_allclose(measure(frame * 1e4), measure(frame), rtol=1e-12)


def test_order_does_not_matter_for_industries() -> None:
    frame = make_panel(2).frame
    shuffled = frame.sample(frac=1, random_state=1).iloc[:, [2, 0, 1]]
    a, b = ellison_glaeser(frame, PLANTS), ellison_glaeser(shuffled, PLANTS)
    pd.testing.assert_frame_equal(a, b.loc[a.index], check_exact=True)
    a, b = coagglomeration_matrix(THREE), coagglomeration_matrix(THREE.iloc[::-1, ::-1])
    pd.testing.assert_frame_equal(a, b.iloc[::-1, ::-1], check_exact=True)


# ---- warnings and messages
def test_warns_where_relative_diversity_is_infinite() -> None:
    same = pd.DataFrame({"x": [10, 20, 30], "y": [20, 40, 60]}, index=["a", "b", "c"])
    with pytest.warns(SpatialWarning, match="infinite for 3 rows, .*: 'a', 'b', 'c'. Krugman"):
        assert np.isinf(diversity(same, measure="relative")).all()


def test_warns_of_units_with_neither_industry() -> None:
    table = THREE.copy()
    table.loc["b", ["mining", "bank"]] = 0
    with pytest.warns(SpatialWarning, match="no value for 1 rows with neither 'mining' nor 'bank': 'b'"):
        found = coagglomeration(table, "mining", "bank")
    assert found.isna().tolist() == [False, True, False]


def test_refuses_industries_without_a_group() -> None:
    with pytest.raises(DataError, match=r"it has none for 'bank'. Pass a mapping"):
        related_variety(THREE, {"mining": 1, "retail": 2})


def test_refuses_options_that_do_nothing() -> None:
    with pytest.raises(DataError, match='base is that of the logarithm of measure="entropy"'):
        diversity(THREE, measure="simpson", base=2)
    with pytest.raises(DataError, match='reference is used by measure="relative" only'):
        diversity(THREE, reference=pd.Series({"mining": 1.0}))
    with pytest.raises(DataError, match="measure must be one of 'entropy'"):
        diversity(THREE, measure="shannon")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="form must be one of"):
        coagglomeration(THREE, "mining", "bank", form="sum")  # type: ignore[arg-type]


@pytest.mark.parametrize("base", [1.0, 0.5, np.nan, -2.0])
def test_refuses_bases_without_a_logarithm(base: float) -> None:
    with pytest.raises(DataError, match="base of the logarithm must be above 1"):
        diversity(THREE, base=base)


def test_refuses_pairs_that_are_none() -> None:
    for second in ("farm", "mining"):
        with pytest.raises(DataError, match="must be two industries of the table; got 'mining' and"):
            coagglomeration(THREE, "mining", second)


def test_refuses_plants_that_do_not_fit() -> None:
    with pytest.raises(AlignmentError, match="it lacks 'bank'"):
        ellison_glaeser(THREE, {"mining": 0.1, "retail": 0.2})
    for value in (1.0, -0.1, np.nan):
        with pytest.raises(DataError, match="at least 0 and below 1; it is not for 'bank'"):
            ellison_glaeser(THREE, {**PLANTS, "bank": value})
    by_time = pd.Series(0.1, pd.MultiIndex.from_product([[2001, 2002], ["mining", "retail", "bank"]]))
    with pytest.raises(AlignmentError, match="plant_herfindahl has no time 2003"):
        ellison_glaeser(make_panel(), by_time)


def test_refuses_one_unit_and_many_times() -> None:
    with pytest.raises(DataError, match="at least two units at each time"):
        ellison_glaeser(THREE.loc[["a"]], PLANTS)
    with pytest.raises(DataError, match=r"the table has 3 times. Take panel.at\(time\)"):
        coagglomeration_matrix(make_panel())  # type: ignore[arg-type]


def test_refuses_negative_employment() -> None:
    with pytest.raises(DataError, match=r"negative, at \(unit, industry\): \('a', 'bank'\)"):
        diversity(THREE.replace(20, -20).drop("b"))
