"""Economic, nested, product, intersected, higher-order and block weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spatial as sp
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.weights import Weights, checks

IDS = ["a", "b", "c", "d"]


@pytest.fixture
def path() -> Weights:
    """a - b - c - d, both ways."""
    return Weights.from_dense(np.eye(4, k=1) + np.eye(4, k=-1), ids=IDS)


# ---- economic
@pytest.mark.evidence("weights.economic", source="four units", kind="hand")
@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_economic_by_hand(power: float) -> None:
    x = pd.Series([10.0, 12.0, 20.0, 5.0], IDS, name="gdp")
    W = sp.weights.economic(x, power=power)
    gap = np.abs(x.to_numpy()[:, None] - x.to_numpy())
    np.fill_diagonal(gap, np.inf)
    np.testing.assert_allclose(W.to_dense(), gap**-power, rtol=1e-14)
    assert W.meta.kind == "economic"
    assert W.meta.parameters == {"power": power, "values": "gdp"}
    assert W.meta.distance_unit is None
    shuffled = sp.weights.economic(x.iloc[::-1], power=power)
    assert shuffled.reordered(IDS).equals(W)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (
            pd.Series([1.0, 2, 2, 1], IDS),
            WeightsError,
            r"4 of 4 units share theirs.*'a', 'd', 'b', 'c'\. Use a finer",
        ),
        (pd.Series([1.0, 2, np.nan, 4], IDS), DataError, r"Economic values must be finite.*'c'"),
        (pd.Series([1.0, 2], ["a", "a"]), DataError, r"Values must have unique ids.*'a'"),
        (pd.Series(list("wxyz"), IDS), DataError, r"must be numbers"),
        (np.arange(4.0), DataError, r"values must be a Series indexed by unit id.*got ndarray"),
    ],
)
def test_values_that_cannot_be_used(values: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        sp.weights.economic(values)


def test_economic_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="power must be a finite number above zero; got -1"):
        sp.weights.economic(pd.Series([1.0, 2.0]), power=-1)
    monkeypatch.setattr(checks, "MAX_LINKS", 5)
    with pytest.raises(
        WeightsError, match=r"Economic weights of all pairs of 3 units would have .*W\.intersect"
    ):
        sp.weights.economic(pd.Series([1.0, 2.0, 4.0]))


# ---- nested
@pytest.mark.evidence("weights.nested", source="the weighted sum, entry by entry", kind="hand")
def test_nested_is_the_mixture_by_label(path: Weights) -> None:
    B = Weights.from_dense(np.arange(16.0).reshape(4, 4), ids=["d", "b", "c", "a"])
    W = sp.weights.nested(path, B, 0.3)
    expected = 0.3 * path.to_dense() + 0.7 * B.to_dense().loc[IDS, IDS]
    pd.testing.assert_frame_equal(W.to_dense(), expected)
    assert W.ids.tolist() == IDS
    assert sp.weights.nested(path, B, 1).equals(path)
    assert W.meta.parameters["share"] == 0.3
    assert W.meta.normalization == "none"
    standard = sp.weights.nested(path, B, 0.3, row_standardize=True)
    np.testing.assert_allclose(standard.sparse.sum(axis=1), 1, rtol=1e-14)
    assert standard.meta.normalization == "row"
    assert standard.meta.parameters["row_standardize"] is True
    assert sp.weights.nested(path.row_standardized(), B.row_standardized(), 0.3).equals(standard)
    assert sp.weights.nested(path.to_graph(), B.to_w(), 0.3).equals(W)


def test_nested_with_an_island_is_not_called_row_standardised(path: Weights) -> None:
    lonely = Weights.from_dense(np.diag([1.0, 0, 0], k=1) + np.diag([1.0, 0, 0], k=-1), ids=IDS)
    W = sp.weights.nested(path, lonely, 0.5, row_standardize=True)
    assert W.meta.normalization == "none"


def test_nested_refuses(path: Weights) -> None:
    other = Weights.from_dense(np.eye(4), ids=["a", "b", "c", "e"])
    with pytest.raises(AlignmentError, match=r"In the weights only: 'd'.*In the second weights only: 'e'"):
        sp.weights.nested(path, other, 0.5)
    with pytest.raises(WeightsError, match=r"share must lie between 0 and 1; got 1\.5"):
        sp.weights.nested(path, path, 1.5)
    with pytest.raises(WeightsError, match="share must be a finite number, zero or more; got -1"):
        sp.weights.nested(path, path, -1)
    with pytest.raises(WeightsError, match="A bare matrix has no ids"):
        sp.weights.nested(path, np.eye(4), 0.5)


@pytest.mark.evidence("weights.nested_product", source="the matrix product", kind="hand")
def test_product_form(path: Weights) -> None:
    x = pd.Series({"d": 4.0, "c": 3.0, "b": 2.0, "a": 1.0}, name="income")
    W = sp.weights.nested_product(path.row_standardized(), x)
    expected = path.row_standardized().to_dense().to_numpy() @ np.diag([1, 2, 3, 4.0]) / 2.5
    np.testing.assert_allclose(W.to_dense(), expected, rtol=1e-14)
    assert W.meta.parameters["values"] == "income"
    with pytest.raises(WeightsError, match="Values must be above zero; not so at 'a', 'b'"):
        sp.weights.nested_product(path, pd.Series([0.0, -1, 1, 1], IDS))
    with pytest.raises(DataError, match="Values must be finite; NaN or infinity at 'b'"):
        sp.weights.nested_product(path, pd.Series([1.0, np.nan, 1, 1], IDS))
    with pytest.raises(DataError, match="must be a Series"):
        sp.weights.nested_product(path, [1, 2, 3, 4])


# ---- intersect, higher order
def test_intersect_keeps_the_weights_of_the_first(path: Weights) -> None:
    B = Weights.from_dense([[0, 9, 9, 9], [0, 0, 0, 9], [9, 9, 0, 9], [9, 9, 0, 0]], ids=IDS)
    W = path.row_standardized().intersect(B.reordered(IDS[::-1]))
    assert W.to_frame().to_numpy().tolist() == [["a", "b", 1.0], ["c", "b", 0.5], ["c", "d", 0.5]]
    assert W.meta.normalization == "none"
    assert W.meta.parameters["intersected_with"] == "given"


def test_higher_order_on_a_path(path: Weights) -> None:
    assert path.higher_order(1).equals(path)
    assert path.scaled(3).higher_order(1).equals(path)
    assert path.higher_order(2).neighbors("a").to_dict() == {"c": 1.0}
    assert path.higher_order(3).neighbors("a").to_dict() == {"d": 1.0}
    assert path.higher_order(4).n_links == 0
    assert path.higher_order(3, lower=True).neighbors("b").to_dict() == {"a": 1.0, "c": 1.0, "d": 1.0}
    assert path.higher_order(2).meta.parameters["k"] == 2
    with pytest.raises(WeightsError, match="k must be a whole number, 1 or more; got 0"):
        path.higher_order(0)


@pytest.mark.evidence("Weights.higher_order", source="scipy shortest_path of random graphs")
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 14), k=st.integers(1, 5))
def test_higher_order_is_the_shortest_path(seed: int, n: int, k: int) -> None:
    from scipy.sparse.csgraph import shortest_path

    rng = np.random.default_rng(seed)
    dense = (rng.uniform(size=(n, n)) < 0.2) * rng.uniform(
        0.5, 2, (n, n)
    )  # own weights and one-way links too
    W = Weights.from_dense(dense)
    steps = shortest_path(W.binary().sparse, unweighted=True)
    np.testing.assert_array_equal(W.higher_order(k).sparse.toarray(), steps == k)
    reached = (steps <= k) & (steps > 0)
    np.testing.assert_array_equal(W.higher_order(k, lower=True).sparse.toarray(), reached)


def test_higher_order_as_in_libpysal(nc: Any) -> None:
    W = sp.weights.contiguity(nc)
    theirs = Weights.from_graph(W.to_graph().higher_order(2)).reordered(W.ids)
    assert W.higher_order(2).equals(theirs)


# ---- groups
@pytest.mark.evidence("weights.block", source="five units in three groups", kind="hand")
def test_blocks_by_hand() -> None:
    groups = pd.Series(["x", "y", "x", "x", "z"], ["a", "b", "c", "d", "e"], name="province")
    W = sp.weights.block(groups)
    assert W.neighbors("c").to_dict() == {"a": 1.0, "d": 1.0}
    assert W.n_links == 6
    assert W.islands.tolist() == ["b", "e"]
    assert W.meta.parameters == {"groups": "province"}
    shuffled = sp.weights.block(groups.sample(frac=1, random_state=0))
    assert shuffled.reordered(groups.index).equals(W)


@settings(max_examples=25, deadline=None)
@given(codes=st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_blocks_are_the_outer_equality(codes: list[int]) -> None:
    expected = np.equal.outer(codes, codes) & ~np.eye(len(codes), dtype=bool)
    np.testing.assert_array_equal(sp.weights.block(pd.Series(codes)).sparse.toarray(), expected)


def test_links_within_groups(path: Weights) -> None:
    groups = pd.Series({"d": 1, "c": 1, "b": 2, "a": 2}, name="region")
    W = path.row_standardized().block(groups)
    assert W.to_frame().to_numpy().tolist() == [
        ["a", "b", 1],
        ["b", "a", 0.5],
        ["c", "d", 0.5],
        ["d", "c", 1],
    ]
    assert W.meta.normalization == "none"
    assert W.meta.parameters["groups"] == "region"
    assert path.row_standardized().block([2, 2, 1, 1]).equals(W)


def test_groups_that_cannot_be_used(path: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="Each unit needs a group; missing at 'b'"):
        path.block(pd.Series(["x", None, "x", "x"], IDS))
    with pytest.raises(DataError, match="Each unit needs a group; missing at 'b'"):
        sp.weights.block(pd.Series(["x", None, "x", "x"], IDS))
    with pytest.raises(AlignmentError, match=r"groups and the weights.*In the weights only: 'd'"):
        path.block(pd.Series("x", IDS[:3]))
    with pytest.raises(
        AlignmentError, match=r"or 4 labels in the order of the weights; got list of shape \(2,\)"
    ):
        path.block(["x", "y"])
    with pytest.raises(DataError, match="groups must be a Series indexed by unit id; got list"):
        sp.weights.block(["x", "y"])
    with pytest.raises(DataError, match="Groups must have unique ids"):
        sp.weights.block(pd.Series("x", ["a", "a"]))
    monkeypatch.setattr(checks, "MAX_LINKS", 10)
    with pytest.raises(WeightsError, match="Blocks of up to 4 units would have"):
        sp.weights.block(pd.Series("x", IDS))
