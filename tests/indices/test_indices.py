"""Composite indices: by hand on three cities, identities, invariances, every message."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import DataError
from spatial.indices.composite import CompositeIndex, composite_index, entropy_index
from spatial.panel.panel import Panel
from spatial.weights import Weights

THREE = pd.DataFrame({"income": [1.0, 2.0, 4.0], "smoke": [5.0, 5.0, 9.0]}, index=["a", "b", "c"])
POSITIVE, NEGATIVE = ["x0", "x1", "x2"], ["x3", "x4"]
DIMENSIONS = {"growth": ["x0", "x3"], "people": ["x1", "x2"], "air": ["x4"]}
METHODS = ["entropy", "critic", "variation", "pca", "equal"]


def make_panel(seed: int = 0, n: int = 8, t: int = 4) -> Panel:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.gamma(2.0, 10.0, (n * t, 5)), columns=[f"x{k}" for k in range(5)])
    frame["city"], frame["year"] = (
        np.repeat([f"c{k}" for k in range(n)], t),
        np.tile(range(2001, 2001 + t), n),
    )
    return Panel.from_frame(frame, unit="city", time="year")


# ---- by hand
@pytest.mark.evidence("entropy_index", source="three cities, two indicators", kind="hand")
def test_entropy_by_hand() -> None:
    # z: income 0, 1/3, 1, so p = 0, 1/4, 3/4; smoke reversed 1, 1, 0, so p = 1/2, 1/2, 0
    income = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / np.log(3)
    smoke = np.log(2) / np.log(3)
    w = np.array([1 - income, 1 - smoke]) / (2 - income - smoke)
    index, weights = entropy_index(THREE, ["income"], ["smoke"])
    assert weights.to_dict() == pytest.approx({"income": w[0], "smoke": w[1]})
    assert index.tolist() == pytest.approx([w[1], w[0] / 3 + w[1], w[0]])


def test_shift_by_hand() -> None:
    z = np.array([[0, 1], [1 / 3, 1], [1, 0]]) + 0.01
    p = z / z.sum(axis=0)
    divergence = 1 + (p * np.log(p)).sum(axis=0) / np.log(3)
    _, weights = entropy_index(THREE, ["income"], ["smoke"], shift=0.01)
    assert weights.tolist() == pytest.approx((divergence / divergence.sum()).tolist())


def test_other_weights_by_hand() -> None:
    z = np.array([[0, 1], [1 / 3, 1], [1, 0]])
    sd, mean = z.std(axis=0), z.mean(axis=0)
    found = {m: composite_index(THREE, ["income"], ["smoke"], weights=m).weights.tolist() for m in METHODS}
    assert found["equal"] == [0.5, 0.5]
    assert found["variation"] == pytest.approx(((sd / mean) / (sd / mean).sum()).tolist())
    # two indicators have the same conflict 1 - r: only the spreads count
    assert found["critic"] == pytest.approx((sd / sd.sum()).tolist())
    # correlation -.945: the first component loads on both alike, and its eigenvalue alone is above 1
    assert found["pca"] == pytest.approx([0.5, 0.5])


@pytest.mark.evidence("composite_index", source="three cities", kind="hand")
def test_critic_by_hand() -> None:
    data = pd.DataFrame({"u": [0.0, 1, 2], "v": [0.0, 2, 1], "w": [2.0, 1, 0]})
    # z are all 0, 1/2, 1 in some order: equal spreads; r_uv = .5, r_uw = -1, r_vw = -.5
    conflict = np.array([0.5 + 2, 0.5 + 1.5, 2 + 1.5])
    found = composite_index(data, list("uvw"), weights="critic").weights
    assert found.tolist() == pytest.approx((conflict / conflict.sum()).tolist())


def test_principal_weights_against_the_definition() -> None:
    data = make_panel(3).frame
    correlation = np.corrcoef(data.to_numpy(), rowvar=False)
    values, vectors = np.linalg.eig(correlation)
    keep = values > 1
    expected = (vectors[:, keep] ** 2 @ values[keep]) / values[keep].sum()
    found = composite_index(data, data.columns, weights="pca").weights
    assert 1 < keep.sum() < 5
    assert found.tolist() == pytest.approx(expected.tolist())


@pytest.mark.evidence("composite_index", source="three cities", kind="hand")
def test_topsis_by_hand() -> None:
    found = composite_index(
        THREE, ["income"], ["smoke"], weights={"income": 0.75, "smoke": 0.25}, aggregate="topsis"
    ).index
    # weighted: a (0, .25), b (.25, .25), c (.75, 0); best (.75, .25), worst (0, 0)
    root = np.sqrt
    assert found["a"] == pytest.approx(0.25 / (0.25 + 0.75))
    assert found["b"] == pytest.approx(root(0.125) / (root(0.125) + 0.5))
    assert found["c"] == pytest.approx(0.75 / (0.75 + 0.25))


def test_two_levels_by_hand() -> None:
    data = THREE.assign(jobs=[1.0, 3.0, 2.0])
    found = entropy_index(
        data, ["income", "jobs"], ["smoke"], dimensions={"economy": ["income", "jobs"], "air": ["smoke"]}
    )
    inside = entropy_index(data, ["income", "jobs"])
    sub = pd.DataFrame({"economy": inside.index, "air": [1.0, 1.0, 0.0]})
    pd.testing.assert_frame_equal(found.dimensions, sub)
    p = sub / sub.sum()
    spread = 1 + np.where(p > 0, p * np.log(p.where(p > 0, 1)), 0).sum(axis=0) / np.log(3)
    between = spread / spread.sum()
    expected = [*(between[0] * inside.weights), between[1]]
    assert found.weights.tolist() == pytest.approx(expected)
    assert found.index.tolist() == pytest.approx((sub @ between).tolist())
    assert found.levels["dimension"].tolist() == ["economy", "economy", "air"]


# ---- scopes
def test_scopes_agree_with_their_definitions() -> None:
    panel = make_panel()
    by_year = entropy_index(panel, POSITIVE, NEGATIVE, "year")
    assert entropy_index(panel, POSITIVE, NEGATIVE, "time").index.equals(by_year.index)
    for year in panel.times:
        alone = entropy_index(panel.at(year), POSITIVE, NEGATIVE)
        np.testing.assert_allclose(by_year.index.xs(year, level=1), alone.index, rtol=1e-13)
        assert by_year.weights.loc[year].tolist() == pytest.approx(alone.weights.tolist())
    base = entropy_index(panel, POSITIVE, NEGATIVE, 2002)
    alone = entropy_index(panel.at(2002), POSITIVE, NEGATIVE)
    assert base.weights.tolist() == pytest.approx(alone.weights.tolist())
    np.testing.assert_allclose(base.index.xs(2002, level=1), alone.index, rtol=1e-13)
    low, high = panel.at(2002).min(), panel.at(2002).max()
    z = (panel.frame - low) / (high - low)
    z[NEGATIVE] = 1 - z[NEGATIVE]
    np.testing.assert_allclose(base.index, z @ base.weights, rtol=1e-11)
    pooled = entropy_index(panel, POSITIVE, NEGATIVE)
    flat = panel.frame.reset_index(drop=True)
    assert pooled.weights.tolist() == pytest.approx(entropy_index(flat, POSITIVE, NEGATIVE).weights.tolist())


def test_a_year_on_a_cross_section_is_the_whole() -> None:
    a, b = (entropy_index(THREE, ["income"], ["smoke"], scope) for scope in ("pooled", "year"))
    pd.testing.assert_series_equal(a.index, b.index)
    pd.testing.assert_series_equal(a.weights, b.weights)


# ---- identities, bounds, invariances
@pytest.mark.parametrize("scope", ["pooled", "year", 2003])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dimensions", [None, DIMENSIONS], ids=["one level", "two levels"])
def test_weights_sum_to_one_and_contributions_to_the_index(scope: Any, method: Any, dimensions: Any) -> None:
    found = composite_index(make_panel(1), POSITIVE, NEGATIVE, scope, weights=method, dimensions=dimensions)
    total = found.weights.sum(axis=1) if scope == "year" else found.weights.sum()
    np.testing.assert_allclose(total, 1, rtol=1e-13)
    assert (np.asarray(found.weights) >= 0).all()
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.index, rtol=1e-12, atol=1e-14)
    if scope != 2003:
        assert found.index.between(0, 1).all()
    if dimensions:
        sizes = found.levels.groupby([c for c in ("time", "dimension") if c in found.levels])["within"].sum()
        np.testing.assert_allclose(sizes, 1, rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("aggregate", ["sum", "topsis"])
def test_scale_shift_and_direction(method: Any, aggregate: Any) -> None:
    panel = make_panel(2)
    straight = composite_index(panel, POSITIVE, NEGATIVE, weights=method, aggregate=aggregate)
    scaled = Panel(panel.frame * [1e3, 1, 1e-3, 7, 1] + [0, 100, 0, -5, 3])
    found = composite_index(scaled, POSITIVE, NEGATIVE, weights=method, aggregate=aggregate)
    np.testing.assert_allclose(found.index, straight.index, rtol=1e-9)
    mirrored = Panel(panel.frame.assign(x3=-panel.frame["x3"]))  # less of x is more of -x
    found = composite_index(mirrored, [*POSITIVE, "x3"], ["x4"], weights=method, aggregate=aggregate)
    np.testing.assert_allclose(found.index, straight.index, rtol=1e-12)
    assert straight.index.between(0, 1).all()


def test_reversing_all_directions_reverses_an_equal_index() -> None:
    panel = make_panel(2)
    up = composite_index(panel, POSITIVE, NEGATIVE, weights="equal").index
    down = composite_index(panel, NEGATIVE, POSITIVE, weights="equal").index
    np.testing.assert_allclose(up + down, 1, rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scope", ["pooled", "year", 2001])
def test_order_of_rows_does_not_matter(method: Any, scope: Any) -> None:
    frame = make_panel(4).frame
    shuffled = frame.sample(frac=1, random_state=7).iloc[:, ::-1]
    a = composite_index(frame, POSITIVE, NEGATIVE, scope, weights=method, dimensions=DIMENSIONS)
    b = composite_index(shuffled, POSITIVE, NEGATIVE, scope, weights=method, dimensions=DIMENSIONS)
    pd.testing.assert_series_equal(b.index, a.index.loc[shuffled.index], check_exact=True)
    pd.testing.assert_frame_equal(b.contributions, a.contributions.loc[shuffled.index], check_exact=True)
    pd.testing.assert_frame_equal(b.dimensions, a.dimensions.loc[shuffled.index], check_exact=True)
    pd.testing.assert_frame_equal(b.levels, a.levels, check_exact=True)


def test_unbalanced_panels_and_mixed_ids() -> None:
    frame = make_panel().frame.drop(("c3", 2002))
    assert len(entropy_index(frame, POSITIVE, NEGATIVE, "year").index) == 31
    mixed = THREE.set_axis(pd.Index(["x", 1, 2.5], dtype=object))
    assert entropy_index(mixed, ["income"], ["smoke"]).index.tolist() == pytest.approx(
        entropy_index(THREE, ["income"], ["smoke"]).index.tolist()
    )


def test_single_indicator_and_single_dimensions() -> None:
    for method in METHODS:
        found = composite_index(THREE, ["income"], weights=method)
        assert found.weights.tolist() == [1.0]
        assert found.index.tolist() == pytest.approx([0, 1 / 3, 1])


# ---- result
def test_result_forms() -> None:
    panel = make_panel()
    found = entropy_index(panel, POSITIVE, NEGATIVE, "year", dimensions=DIMENSIONS)
    assert isinstance(found, CompositeIndex)
    index, weights = found
    assert index is found.index
    assert weights.shape == (4, 5)
    assert list(found.tidy()) == [
        "time", "term", "direction", "dimension", "within", "dimension_weight", "estimate",
    ]  # fmt: skip
    assert found.tidy()["direction"].tolist()[:5] == ["+", "+", "+", "-", "-"]
    assert found.glance()["n_indicators"].iloc[0] == 5
    assert found.summary().startswith("entropy weights, sum, year: 32 rows, index from 0.")
    assert str(found) == found.summary()
    assert repr(found).startswith("<CompositeIndex ")
    assert len(found.plot().patches) == 5
    assert found.index.attrs["label_zh"] == "综合指数"
    assert entropy_index(panel, POSITIVE, scope=2002).method == "entropy weights, sum, base 2002"


def test_index_flows_into_lags_and_panels() -> None:
    panel = make_panel()
    index, _ = entropy_index(panel, POSITIVE, NEGATIVE)
    W = Weights.from_dense(np.eye(8, k=1) + np.eye(8, k=-1), ids=panel.units)
    assert W.lag(index).loc[("c0", 2003)] == index.loc[("c1", 2003)]
    assert panel.with_columns(index=index).frame["index"].equals(index)


# ---- messages
def refuse(match: str, data: Any = THREE, *args: Any, **options: Any) -> None:
    with pytest.raises(DataError, match=match):
        composite_index(data, *(args or (["income"], ["smoke"])), **options)


def test_refuses_indicators_that_do_not_fit() -> None:
    refuse("positive or negative; both lists have 'income'", THREE, ["income"], ["income"])
    refuse("listed once; 'income' repeat", THREE, ["income", "income"])
    refuse("Name at least one indicator", THREE, [], [])
    refuse(
        r"no indicator 'incom'. Did you mean 'income'\? The columns are: 'income', 'smoke'", THREE, ["incom"]
    )
    refuse("A Panel or a DataFrame by unit is needed; got list", [1, 2])


def test_refuses_cells_by_name() -> None:
    frame = make_panel().frame
    frame.loc[("c1", 2002), "x3"] = np.nan
    refuse(r"1 cells are missing or infinite: \('c1', 2002, 'x3'\). Fill them", frame, POSITIVE, NEGATIVE)
    refuse(r"infinite: \('b', 'income'\)", THREE.replace(2.0, np.inf))
    refuse("Indicator 'income' must hold numbers", THREE.assign(income=["x", "y", "z"]))
    refuse("appear more than once: 'a'", THREE.set_axis(["a", "a", "c"]))


def test_refuses_constant_indicators() -> None:
    refuse(
        "vary over the 3 rows that set their range; these are constant: 'smoke'. Leave them out.",
        THREE.assign(smoke=1.0),
    )
    frame = make_panel().frame
    frame.loc[(slice(None), 2003), "x1"] = 4.0
    for scope in ("year", 2003):
        refuse(
            r'over the 8 rows .* at 2003; .* constant: \'x1\'. .* scope="pooled"',
            frame,
            POSITIVE,
            NEGATIVE,
            scope,
        )
    entropy_index(frame, POSITIVE, NEGATIVE)


def test_refuses_unknown_scopes() -> None:
    refuse(
        "or a time of the panel, which has the times 2001, 2002, 2003, 2004; got 1999",
        make_panel(),
        ["x0"],
        [],
        1999,
    )
    refuse("which has no times; got 2001", THREE, ["income"], [], 2001)


@pytest.mark.parametrize(
    ("dimensions", "match"),
    [
        ({"d": ["income"]}, "these are in no dimension: 'smoke'"),
        (
            {"d": ["income", "smoke"], "e": ["smok"]},
            r"neither positive nor negative: 'smok'. Did you mean 'smoke'",
        ),
        ({"d": ["income", "smoke"], "e": ["smoke"]}, "in more than one dimension: 'smoke'"),
        ({"d": ["income", "smoke"], "e": []}, "dimensions without an indicator: 'e'"),
    ],
)
def test_refuses_dimensions_that_are_no_partition(dimensions: Any, match: str) -> None:
    refuse(match, dimensions=dimensions)


def test_refuses_weights_that_do_not_fit() -> None:
    refuse(
        "weights must be one of 'entropy', 'critic', 'variation', 'pca', 'equal'; got 'ahp'", weights="ahp"
    )
    refuse(
        "one value for each indicator; 'smoke' have none; 'soot' are no", weights={"income": 0.5, "soot": 0.5}
    )
    refuse("not be negative and sum to one; they sum to 2", weights={"income": 1, "smoke": 1})
    refuse("not be negative", weights={"income": 2, "smoke": -1})
    refuse("leave out dimensions", weights={"income": 1, "smoke": 0}, dimensions={"d": ["income", "smoke"]})
    refuse("aggregate must be one of 'sum', 'topsis'", aggregate="product")
    refuse("shift must be zero or positive, such as 0.0001; got -1", shift=-1)
    same = THREE.assign(twin=THREE["income"])
    refuse(
        "leave the weights open: the indicators are perfectly correlated",
        same,
        ["income", "twin"],
        weights="critic",
    )


def test_refuses_dimensions_that_cancel() -> None:
    # equal weights of opposite indicators: both sub-indices are 1/2 everywhere
    data = pd.DataFrame({"u": [0.0, 1, 2], "v": [2.0, 1, 0], "p": [0.0, 2, 1], "q": [2.0, 0, 1]})
    dimensions = {"d": ["u", "v"], "e": ["p", "q"]}
    refuse("the entropies of all indicators are one", data, list("uvpq"), dimensions=dimensions)
    refuse("no indicator varies", data, list("uvpq"), weights="variation", dimensions=dimensions)
