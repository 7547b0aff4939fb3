"""Specialisation indices: worked by hand on three cities, identities, invariances, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from specialization_cases import THREE, make_panel

from spatial.agglomeration.concentration import (
    gini_specialization,
    herfindahl,
    hoover_index,
    krugman_index,
    specialization,
    theil_specialization,
)
from spatial.agglomeration.quotients import location_quotient
from spatial.panel.panel import Panel
from spatial.weights import Weights

MEASURES: list[Callable[..., Any]] = [
    location_quotient,
    specialization,
    krugman_index,
    herfindahl,
    hoover_index,
    gini_specialization,
    theil_specialization,
]


# ---- by hand
@pytest.mark.evidence("location_quotient", source="three cities, three industries", kind="hand")
def test_location_quotient_by_hand() -> None:
    expected = [[2.0, 0.6, 0.8], [0.8, 1.4, 0.4], [0.6, 1.0, 1.4]]
    np.testing.assert_allclose(location_quotient(THREE), expected, rtol=1e-15)


def test_symmetric_and_log_by_hand() -> None:
    symmetric = location_quotient(THREE, form="symmetric")
    np.testing.assert_allclose(symmetric.loc["a"], [1 / 3, -0.25, -1 / 9], rtol=1e-14)
    np.testing.assert_allclose(
        location_quotient(THREE, form="log").loc["c"], np.log([0.6, 1.0, 1.4]), atol=1e-15
    )


@pytest.mark.evidence("specialization", source="three cities, three industries", kind="hand")
def test_specialization_by_hand() -> None:
    assert specialization(THREE).tolist() == pytest.approx([2.0, 1.4, 1.4])
    assert specialization(THREE, kind="absolute").tolist() == pytest.approx([0.5, 0.7, 0.5])


@pytest.mark.evidence("krugman_index", source="three cities, three industries", kind="hand")
def test_krugman_by_hand() -> None:
    # a: |.50-.25| + |.30-.50| + |.20-.25|
    assert krugman_index(THREE).tolist() == pytest.approx([0.5, 0.4, 0.2])
    # a against b and c: 50/300, 170/300, 80/300
    others = [0.5 - 1 / 6 + 17 / 30 - 0.3 + 8 / 30 - 0.2, None, None]
    assert krugman_index(THREE, leave_out=True)["a"] == pytest.approx(others[0])


@pytest.mark.evidence("herfindahl", source="three cities, three industries", kind="hand")
def test_herfindahl_by_hand() -> None:
    assert herfindahl(THREE).tolist() == pytest.approx([0.38, 0.54, 0.395])
    assert herfindahl(THREE, normalized=True)["a"] == pytest.approx((0.38 - 1 / 3) / (2 / 3))


@pytest.mark.evidence("hoover_index", source="three cities, three industries", kind="hand")
def test_hoover_by_hand() -> None:
    assert hoover_index(THREE).tolist() == pytest.approx([0.25, 0.2, 0.1])
    # of mining a, b, c have .5, .2, .3; of retail .15, .35, .5; of bank .2, .1, .7; of all .25, .25, .5
    expected = {"mining": 0.25, "retail": 0.1, "bank": 0.2}
    assert hoover_index(THREE, by="industry").to_dict() == pytest.approx(expected)


@pytest.mark.evidence("gini_specialization", source="three cities, three industries", kind="hand")
def test_gini_by_hand() -> None:
    # a: quotients .6, .8, 2 at national shares .5, .25, .25:
    # .5*.25*.2 + .5*.25*1.4 + .25*.25*1.2
    assert gini_specialization(THREE)["a"] == pytest.approx(0.125 * 0.2 + 0.125 * 1.4 + 0.0625 * 1.2)
    # bank: quotients .8, .4, 1.4 at sizes .25, .25, .5
    expected = 0.0625 * 0.4 + 0.125 * 0.6 + 0.125 * 1.0
    assert gini_specialization(THREE, by="industry")["bank"] == pytest.approx(expected)


@pytest.mark.evidence("theil_specialization", source="three cities, three industries", kind="hand")
def test_theil_by_hand() -> None:
    expected = 0.5 * np.log(2.0) + 0.3 * np.log(0.6) + 0.2 * np.log(0.8)
    assert theil_specialization(THREE)["a"] == pytest.approx(expected)


# ---- identities and bounds
@pytest.mark.evidence(
    "location_quotient", source="the weighted mean of all quotients is one", kind="identity"
)
def test_weighted_mean_of_quotients_is_one() -> None:
    panel = make_panel()
    quotient = location_quotient(panel)
    assert isinstance(quotient, Panel)
    x = panel.cube(list(panel.columns))
    lq = quotient.cube(list(panel.columns))
    sizes = x.sum(axis=2) / x.sum(axis=(1, 2))[:, None]
    national = x.sum(axis=1) / x.sum(axis=(1, 2))[:, None]
    np.testing.assert_allclose(np.einsum("tn,tns->ts", sizes, lq), 1, rtol=1e-13)
    np.testing.assert_allclose(np.einsum("ts,tns->tn", national, lq), 1, rtol=1e-13)


def test_measures_agree_where_theory_says_so() -> None:
    panel = make_panel(1)
    pd.testing.assert_series_equal(
        krugman_index(panel) / 2, hoover_index(panel), check_names=False, rtol=1e-13
    )
    quotient = location_quotient(panel)
    assert isinstance(quotient, Panel)
    np.testing.assert_allclose(specialization(panel), quotient.frame.max(axis=1), rtol=1e-15)
    two = panel.select(["i0", "i1"])  # with two industries the Lorenz curve has one corner
    np.testing.assert_allclose(gini_specialization(two), krugman_index(two) / 2, rtol=1e-11)


def test_gini_equals_its_double_sum() -> None:
    panel = make_panel(2)
    x = panel.cube(list(panel.columns))
    national = x.sum(axis=1) / x.sum(axis=(1, 2))[:, None]
    lq = (x / x.sum(axis=2, keepdims=True)) / national[:, None, :]
    gaps = np.abs(lq[..., :, None] - lq[..., None, :])
    expected = 0.5 * np.einsum("ti,tk,tnik->tn", national, national, gaps)
    found = gini_specialization(panel).unstack("city").to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_gini_of_industries_is_that_of_the_transposed_table() -> None:
    across = gini_specialization(THREE, by="industry")
    pd.testing.assert_series_equal(across, gini_specialization(THREE.T), check_names=False)
    pd.testing.assert_series_equal(
        hoover_index(THREE, by="industry"), hoover_index(THREE.T), check_names=False
    )


def test_bounds() -> None:
    panel = make_panel(3)
    s = len(panel.columns)
    assert krugman_index(panel).between(0, 2).all()
    assert hoover_index(panel).between(0, 1).all()
    assert gini_specialization(panel).between(0, 1).all()
    assert gini_specialization(panel, by="industry").between(0, 1).all()
    assert herfindahl(panel).between(1 / s, 1).all()
    assert herfindahl(panel, normalized=True).between(0, 1).all()
    assert (theil_specialization(panel) >= 0).all()
    symmetric = location_quotient(panel, form="symmetric")
    assert isinstance(symmetric, Panel)
    assert symmetric.frame.stack().between(-1, 1).all()


def test_extremes() -> None:
    alone = pd.DataFrame({"x": [10, 0], "y": [0, 30]}, index=["a", "b"])
    assert herfindahl(alone, normalized=True).tolist() == [1, 1]
    assert krugman_index(alone, leave_out=True).tolist() == [2, 2]
    assert theil_specialization(alone).tolist() == pytest.approx([np.log(4), np.log(4 / 3)])
    same = pd.DataFrame({"x": [10, 30], "y": [20, 60]}, index=["a", "b"])
    for measure in (krugman_index, hoover_index, gini_specialization, theil_specialization):
        np.testing.assert_allclose(measure(same), 0, atol=1e-15)


# ---- panels, labels, totals, reference
def test_each_time_has_its_own_nation() -> None:
    panel = make_panel(4)
    for measure in MEASURES:
        whole = measure(panel)
        frame = whole.frame if isinstance(whole, Panel) else whole
        for time in panel.times:
            alone = measure(panel.at(time))
            got = frame.xs(time, level=1)
            np.testing.assert_allclose(got, alone.loc[got.index], rtol=1e-13)


def test_unbalanced_panels_are_taken_row_by_row() -> None:
    panel = make_panel(5)
    part = Panel(panel.frame.drop(("c3", 2002)))
    found = krugman_index(part)
    assert len(found) == len(panel) - 1
    expected = krugman_index(panel.at(2002).drop("c3"))
    np.testing.assert_allclose(found.xs(2002, level=1), expected, rtol=1e-13)


def test_a_panel_gives_a_panel_with_labels_and_history() -> None:
    quotient = location_quotient(make_panel())
    assert isinstance(quotient, Panel)
    assert quotient.label("i0") == "Location quotient: 采矿业"
    assert quotient.history[-1].action == "location quotient"
    assert krugman_index(THREE).attrs["label_zh"] == "克鲁格曼专业化指数"
    assert krugman_index(make_panel()).name == "krugman_index"


def test_results_flow_into_lags() -> None:
    panel = make_panel()
    ring = np.eye(7, k=1) + np.eye(7, k=-1)
    W = Weights.from_dense(ring, ids=panel.units).row_standardized()
    assert W.lag(location_quotient(panel)).columns[0] == "W_i0"
    lagged = W.lag(krugman_index(panel))
    assert lagged.loc[("c0", 2001)] == pytest.approx(krugman_index(panel).loc[("c1", 2001)])


def test_total_beside_the_industries() -> None:
    table = THREE.assign(all=[200, 200, 400])
    found = location_quotient(table, ["mining"], total="all")
    # a: 50/200 over 100/800
    assert found["mining"].tolist() == pytest.approx([2.0, 0.8, 0.6])
    assert list(found.columns) == ["mining"]
    assert list(location_quotient(table, total="all").columns) == ["mining", "retail", "bank"]


def test_national_reference() -> None:
    nation = pd.Series({"bank": 100, "mining": 100, "retail": 200})
    found = krugman_index(THREE, reference=nation)
    assert found.tolist() == pytest.approx(krugman_index(THREE).tolist())
    panel = make_panel(6)
    totals = panel.frame.groupby(level=1).sum().iloc[::-1, ::-1]
    pd.testing.assert_series_equal(krugman_index(panel, reference=totals), krugman_index(panel))
    rare = pd.DataFrame({"x": [0, 0], "y": [1, 2]}, index=["a", "b"])
    assert krugman_index(rare, reference=pd.Series({"x": 1, "y": 3})).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("policy", "expected"), [("keep", 0.0), ("missing", np.nan)], ids=["keep", "missing"]
)
def test_zero_cells(policy: Any, expected: float) -> None:
    table = THREE.copy()
    table.loc["a", "bank"] = 0
    found = location_quotient(table, zeros=policy)
    assert isinstance(found, pd.DataFrame)
    np.testing.assert_equal(found.loc["a", "bank"], expected)
    assert found.attrs["cells"] == 1
    symmetric = location_quotient(table, form="symmetric", zeros=policy)
    np.testing.assert_equal(symmetric.loc["a", "bank"], -1.0 if policy == "keep" else np.nan)


# ---- invariances
@pytest.mark.parametrize("measure", MEASURES)
def test_order_of_rows_and_columns_does_not_matter(measure: Callable[..., Any]) -> None:
    panel, rng = make_panel(7), np.random.default_rng(1)
    flat = panel.frame
    rows, columns = rng.permutation(len(flat)), rng.permutation(flat.shape[1])
    shuffled = measure(flat.iloc[rows, columns])
    straight = measure(flat)
    if isinstance(straight, pd.DataFrame):
        pd.testing.assert_frame_equal(shuffled, straight.iloc[rows, columns], check_exact=True)
    else:
        pd.testing.assert_series_equal(shuffled, straight.iloc[rows], check_exact=True)
    cross = measure(THREE.iloc[[2, 0, 1], [1, 2, 0]])
    pd.testing.assert_index_equal(cross.index, pd.Index(["c", "a", "b"]))
    np.testing.assert_array_equal(
        cross.loc[["a", "b", "c"]].T, measure(THREE).T.loc[getattr(cross, "columns", slice(None))]
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_unit_of_employment_does_not_matter(measure: Callable[..., Any]) -> None:
    np.testing.assert_allclose(measure(THREE * 1e4), measure(THREE), rtol=1e-12)


@pytest.mark.parametrize("by", ["unit", "industry"])
def test_order_does_not_matter_by_industry(by: Any) -> None:
    panel = make_panel(8)
    shuffled = panel.frame.sample(frac=1, random_state=3).iloc[:, ::-1]
    for measure in (hoover_index, gini_specialization):
        a, b = measure(panel, by=by), measure(shuffled, by=by)
        pd.testing.assert_series_equal(a, b.loc[a.index], check_exact=True)


def test_ids_may_be_numbers_text_or_both() -> None:
    for ids in ([3, 1, 2], ["x", 1, 2.5]):
        found = krugman_index(THREE.set_axis(pd.Index(ids, dtype=object)))
        assert found.tolist() == pytest.approx([0.5, 0.4, 0.2])


def test_the_input_is_not_changed() -> None:
    table = THREE.copy()
    for measure in MEASURES:
        measure(table)
    pd.testing.assert_frame_equal(table, THREE)
