"""Upgrading, coupling coordination and ratios: by hand on three cities, identities, messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import spatial as sp
from spatial.errors import AlignmentError, DataError, SpatialWarning
from spatial.indices.upgrading import (
    COORDINATION_LEVELS,
    coordination_level,
    coupling_coordination,
    industrial_upgrading,
    interaction_degree,
    per_area,
    per_capita,
)
from spatial.panel.panel import Panel
from spatial.weights import Weights

GDP = pd.DataFrame({"y1": [10.0, 5, 1], "y2": [40.0, 45, 29], "y3": [50.0, 50, 70]}, index=["a", "b", "c"])
LEVELS = pd.DataFrame(
    {"u": [0.2, 0.5, 0.9], "v": [0.8, 0.5, 0.1], "w": [0.4, 0.5, 0.3]}, index=["a", "b", "c"]
)
PAIRS = pd.MultiIndex.from_product([["a", "b", "c"], [2001, 2002]], names=["city", "year"])


def make_panel() -> Panel:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(0.05, 0.95, (6, 3)), PAIRS, ["u", "v", "w"])
    return Panel(frame, {"u": "产业", "v": "数字"})


# ---- industrial upgrading
@pytest.mark.evidence("industrial_upgrading", source="three sectors", kind="hand")
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("tertiary_to_rest", [50 / 50, 50 / 50, 70 / 30]),
        ("tertiary_to_secondary", [50 / 40, 50 / 45, 70 / 29]),
        ("hierarchy", [2.4, 2.45, 2.69]),
    ],
)
def test_upgrading_by_hand(form: Any, expected: list[float]) -> None:
    found = industrial_upgrading(GDP, "y1", "y2", "y3", form=form)
    assert found.tolist() == pytest.approx(expected)
    assert found.attrs["label_zh"].startswith("产业结构")
    shares = GDP.div(GDP.sum(axis=1), axis=0)  # output or shares
    assert industrial_upgrading(shares, "y1", "y2", "y3", form=form).tolist() == pytest.approx(expected)
    shuffled = industrial_upgrading(GDP.loc[["c", "a", "b"]], "y1", "y2", "y3", form=form)
    pd.testing.assert_series_equal(shuffled.loc[["a", "b", "c"]], found)


def test_upgrading_of_a_panel_flows_into_lags() -> None:
    found = industrial_upgrading(make_panel(), "u", "v", "w")
    W = Weights.from_dense(np.eye(3, k=1) + np.eye(3, k=-1), ids=["a", "b", "c"])
    assert W.lag(found)["a", 2002] == found["b", 2002]


def test_upgrading_refuses() -> None:
    with pytest.raises(DataError, match=r"1 cells are negative: \('b', 'y2'\). Correct"):
        industrial_upgrading(GDP.replace(45, -45), "y1", "y2", "y3")
    with pytest.raises(DataError, match=r"1 cells are missing or infinite: \('b', 'y2'\)"):
        industrial_upgrading(GDP.replace(45, np.nan), "y1", "y2", "y3")
    with pytest.raises(DataError, match=r"\(tertiary_to_secondary\) divides by output that is zero at 'b'"):
        industrial_upgrading(GDP.replace(45, 0), "y1", "y2", "y3", form="tertiary_to_secondary")
    with pytest.raises(DataError, match=r"no column 'y4'. The columns are: 'y1'"):
        industrial_upgrading(GDP, "y1", "y2", "y4")
    with pytest.raises(DataError, match="form must be one of 'tertiary_to_rest'"):
        industrial_upgrading(GDP, "y1", "y2", "y3", form="share")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="A Panel or a DataFrame by id is needed; got dict"):
        industrial_upgrading({}, "y1", "y2", "y3")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="Column 'y1' must hold numbers"):
        industrial_upgrading(GDP.assign(y1="x"), "y1", "y2", "y3")
    with pytest.raises(DataError, match="appear more than once: 'a'"):
        industrial_upgrading(GDP.set_axis(["a", "a", "c"]), "y1", "y2", "y3")


# ---- coupling coordination
@pytest.mark.evidence("coupling_coordination", source="two subsystems", kind="hand")
def test_two_subsystems_by_hand() -> None:
    found = coupling_coordination(LEVELS, ["u", "v"])
    assert found["coupling"].tolist() == pytest.approx([2 * 0.4 / 1.0, 1.0, 2 * 0.3 / 1.0])
    assert found["development"].tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert found["coordination"].tolist() == pytest.approx(np.sqrt([0.4, 0.5, 0.3]).tolist())


def test_three_subsystems_by_hand() -> None:
    found = coupling_coordination(LEVELS, weights={"u": 0.5, "v": 0.3, "w": 0.2})
    coupling = (0.2 * 0.8 * 0.4) ** (1 / 3) / (1.4 / 3)
    assert found.loc["a", "coupling"] == pytest.approx(coupling)
    assert found.loc["a", "development"] == pytest.approx(0.1 + 0.24 + 0.08)
    assert found.loc["a", "coordination"] == pytest.approx(np.sqrt(coupling * 0.42))


def test_modified_by_hand() -> None:
    two = coupling_coordination(LEVELS, ["u", "v"], form="modified")
    assert two["coupling"].tolist() == pytest.approx(np.sqrt([0.4 * 0.25, 1.0, 0.2 / 9]).tolist())
    three = coupling_coordination(LEVELS, form="modified")
    # a: gaps .6, .2, .4 over 3; .25 x 1 x .5, to the power 1/2
    assert three.loc["a", "coupling"] == pytest.approx(np.sqrt((1 - 1.2 / 3) * np.sqrt(0.125)))


def test_the_misprint_is_not_what_is_computed() -> None:
    # U1 = U2 = 0.5: full coupling, where the misprinted formula has 1/2 and D = 0.5.
    row = coupling_coordination(LEVELS, ["u", "v"]).loc["b"]
    assert row["coupling"] == 1
    assert row["coordination"] == pytest.approx(np.sqrt(0.5))
    misprinted = np.sqrt(0.5 * 0.5 / (0.5 + 0.5) ** 2)
    assert row["coordination"] == pytest.approx(np.sqrt(2) * np.sqrt(misprinted * 0.5))


@pytest.mark.parametrize("form", ["standard", "modified"])
@given(values=arrays(np.float64, (4, 3), elements=st.floats(1e-6, 1.0)))
@settings(deadline=None, max_examples=30)
def test_bounds_and_equality(form: Any, values: Any) -> None:
    frame = pd.DataFrame(values, columns=["u", "v", "w"])
    found = coupling_coordination(frame, form=form)
    assert found.stack().between(0, 1).all()
    equal = coupling_coordination(pd.DataFrame({"u": values[:, 0], "v": values[:, 0]}), form=form)
    np.testing.assert_allclose(equal["coupling"], 1, rtol=1e-12)
    half = coupling_coordination(frame / 2)  # the standard C does not know the level
    np.testing.assert_allclose(half["coupling"], coupling_coordination(frame)["coupling"], rtol=1e-9)


def test_order_of_rows_and_subsystems_does_not_matter() -> None:
    frame = make_panel().frame
    for form in ("standard", "modified"):
        straight = coupling_coordination(frame, form=form)  # type: ignore[arg-type]
        shuffled = frame.sample(frac=1, random_state=1)
        found = coupling_coordination(shuffled, form=form)  # type: ignore[arg-type]
        pd.testing.assert_frame_equal(found, straight.loc[shuffled.index], check_exact=True)  # type: ignore[union-attr]
        turned = coupling_coordination(frame, ["w", "u", "v"], form=form)  # type: ignore[arg-type]
        pd.testing.assert_frame_equal(turned, straight, rtol=1e-13)


def test_a_panel_gives_a_panel() -> None:
    found = coupling_coordination(make_panel(), ["u", "v"])
    assert isinstance(found, Panel)
    assert list(found.columns) == ["coupling", "development", "coordination"]
    assert "耦合协调度" in found.label("coordination")
    assert found.history[-1].action == "coupling coordination"


def test_a_zero_subsystem_and_all_zero() -> None:
    zero = LEVELS.assign(u=0.0)
    assert coupling_coordination(zero)["coordination"].tolist() == [0, 0, 0]
    with pytest.warns(SpatialWarning, match="all subsystems are zero, for 3 rows: 'a', 'b', 'c'; it is NaN"):
        found = coupling_coordination(LEVELS * 0)
    assert found["coupling"].isna().all()
    assert found["coordination"].tolist() == [0, 0, 0]
    with pytest.warns(SpatialWarning, match="all subsystems are zero"):
        assert interaction_degree(LEVELS * 0, form="modified").isna().all()


@pytest.mark.evidence("interaction_degree", source="coupling of coupling_coordination", kind="identity")
def test_interaction_is_coupling() -> None:
    found = interaction_degree(LEVELS, form="modified")
    pd.testing.assert_series_equal(
        found, coupling_coordination(LEVELS, form="modified")["coupling"], check_names=False
    )
    assert found.attrs["label_zh"] == "互动程度"


def test_coupling_refuses() -> None:
    def refuse(match: str, data: Any = LEVELS, *args: Any, **options: Any) -> None:
        with pytest.raises(DataError, match=match):
            coupling_coordination(data, *args, **options)

    refuse(
        r"2 cells are out of \[0, 1\]: \('a', 'u'\), \('c', 'v'\). Levels are indices",
        LEVELS.replace({0.2: -0.2, 0.1: 1.1}),
    )
    refuse(r"1 cells are missing or infinite: \('a', 'u'\)", LEVELS.replace(0.2, np.nan))
    refuse("two subsystems or more; got 1: 'u'", LEVELS, ["u"])
    refuse("two subsystems or more; got 0", LEVELS, [])
    refuse("listed once; got 'u', 'u'", LEVELS, ["u", "u"])
    refuse("weights must name each subsystem, 'u', 'v', 'w'; got 'u'", weights={"u": 1.0})
    refuse("sum to one; they sum to 3", weights={"u": 1, "v": 1, "w": 1})
    refuse("form must be one of 'standard', 'modified'", form="wrong")
    refuse("A Panel or a DataFrame by id is needed; got list", [1, 2], ["u", "v"])
    with pytest.raises(DataError, match="form must be one of"):
        interaction_degree(LEVELS, form="wrong")  # type: ignore[arg-type]


# ---- classes
@pytest.mark.evidence("coordination_level", source="the ten published levels, at their edges", kind="hand")
def test_levels_by_hand() -> None:
    edges = pd.Series([0.0, 0.0999, 0.1, 3 * 0.1, 0.5, 0.7 - 1e-3, 0.8999, 0.9, 1.0])
    found = coordination_level(edges).cat.codes.tolist()
    assert found == [0, 0, 1, 3, 5, 6, 8, 9, 9]
    zh = coordination_level(edges, lang="zh")
    assert zh.iloc[-1] == "优质协调"
    assert zh.cat.ordered
    assert len(COORDINATION_LEVELS) == 10


def test_levels_refuse() -> None:
    with pytest.raises(DataError, match=r"must lie in \[0, 1\]; it does not at 'b'"):
        coordination_level(pd.Series({"a": 0.2, "b": 1.2}))
    with pytest.raises(DataError, match="A Series of degrees by id is needed; got float"):
        coordination_level(0.5)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="lang must be one of 'en', 'zh'"):
        coordination_level(pd.Series([0.5]), lang="fr")  # type: ignore[arg-type]


# ---- per head, per area
@pytest.mark.evidence("per_capita", source="three cities", kind="hand")
def test_per_capita_by_hand() -> None:
    people = pd.Series({"c": 4.0, "a": 10.0, "b": 5.0})  # another order
    found = per_capita(GDP["y3"], people)
    assert found.tolist() == [5.0, 10.0, 17.5]
    assert found.name == "y3_per_capita"
    assert found.attrs["label_zh"] == "人均y3"
    frame = per_capita(GDP, people, scale=10)
    assert frame.loc["c"].tolist() == [2.5, 72.5, 175.0]
    assert list(frame) == ["y1_per_capita", "y2_per_capita", "y3_per_capita"]


def test_per_capita_of_a_panel() -> None:
    panel = make_panel()
    by_unit = pd.Series({"a": 1.0, "b": 2.0, "c": 4.0})
    found = per_capita(panel, by_unit)
    assert isinstance(found, Panel)
    assert found.frame.loc[("c", 2002), "u_per_capita"] == pytest.approx(
        panel.frame.loc[("c", 2002), "u"] / 4
    )
    assert found.label("u_per_capita") == "产业 (per capita)"
    assert found.history[-1].action == "per capita"
    by_time = pd.Series(np.arange(1.0, 7.0), PAIRS).sample(frac=1, random_state=3)
    found = per_capita(panel.frame["u"], by_time)
    np.testing.assert_allclose(found, panel.frame["u"] / np.arange(1, 7), rtol=1e-15)
    own = per_capita(panel, "w")
    assert list(own.columns) == ["u_per_capita", "v_per_capita"]
    np.testing.assert_allclose(own.frame["u_per_capita"], panel.frame["u"] / panel.frame["w"], rtol=1e-15)


@pytest.mark.evidence("per_area", source="three cities", kind="hand")
def test_per_area_and_order() -> None:
    area = {"b": 2.0, "a": 1.0, "c": 4.0}
    assert per_area(GDP["y3"], area).tolist() == [50.0, 25.0, 17.5]
    shuffled = per_area(GDP["y3"].loc[["b", "c", "a"]], area)
    assert shuffled.loc[["a", "b", "c"]].tolist() == [50.0, 25.0, 17.5]
    assert per_area(GDP["y3"].rename(None), area).name == "values_per_area"


def test_missing_values_stay_missing() -> None:
    found = per_capita(pd.Series({"a": np.nan, "b": 1.0}), {"a": 1.0, "b": 2.0})
    assert found.isna().tolist() == [True, False]


def test_ratios_refuse() -> None:
    def refuse(
        match: str, base: Any, kind: type[Exception] = DataError, values: Any = GDP["y3"], **o: Any
    ) -> None:
        with pytest.raises(kind, match=match):
            per_capita(values, base, **o)

    good = {"a": 1.0, "b": 1.0, "c": 1.0}
    for bad in (0.0, -1.0, np.nan):
        refuse("population must be positive in each row; .* at 'b'. Correct", {**good, "b": bad})
    refuse(
        "population and the data must have the same ids. In the data only: 'c'",
        {"a": 1, "b": 1},
        AlignmentError,
    )
    refuse("In population only: 'd'", {**good, "d": 1}, AlignmentError)
    refuse("must be a Series .* by id, .* got list", [1, 2, 3], AlignmentError)
    refuse("scale must be positive; got 0", good, scale=0)
    refuse("A Series, DataFrame or Panel by id is needed; got list", good, values=[1, 2])
    refuse("no column 'people'", "people", values=GDP)
    refuse("Column 'y3' must hold numbers", good, values=GDP["y3"].astype(str))
    with pytest.raises(DataError, match="area must be positive"):
        per_area(GDP["y3"], {**good, "a": 0})


# ---- levels outside of [0, 1]
def test_levels_outside_of_the_unit_interval_are_normalised_on_request_and_said() -> None:
    rows = pd.DataFrame({"a": [2.0, 4.0, 6.0], "b": [0.2, 0.5, 0.9]}, index=list("xyz"))
    with pytest.raises(sp.SpatialError, match="normalise='minmax'"):
        sp.interaction_degree(rows)
    with pytest.warns(sp.SpatialWarning, match=r"Normalised to \[0, 1\] over all rows.*a from 2 to 6"):
        found = sp.interaction_degree(rows, normalise="minmax")
    by_hand = rows.assign(a=[0.0, 0.5, 1.0])
    pd.testing.assert_series_equal(found, sp.interaction_degree(by_hand))
    with pytest.warns(sp.SpatialWarning, match="Normalised"):
        both = sp.coupling_coordination(rows, normalise="minmax")
    pd.testing.assert_frame_equal(pd.DataFrame(both), pd.DataFrame(sp.coupling_coordination(by_hand)))
    inside = by_hand.assign(a=[0.1, 0.5, 0.6])
    pd.testing.assert_series_equal(
        sp.interaction_degree(inside, normalise="minmax"), sp.interaction_degree(inside)
    )
    with pytest.raises(sp.SpatialError, match="Columns without variation cannot be normalised: 'a'"):
        sp.interaction_degree(rows.assign(a=5.0), normalise="minmax")
    with pytest.raises(sp.SpatialError, match="normalise must be"):
        sp.interaction_degree(rows, normalise="z")  # type: ignore[arg-type]
