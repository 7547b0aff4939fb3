"""Spatial lags of labelled data, panels and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from value_cases import PLAIN, weights

from spatial.errors import AlignmentError, DataError
from spatial.panel.panel import Panel
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore:.*negative, in rows of")  # drawn ones may be


# ---- the lag
def test_lags_of_labelled_data_go_by_label(W: Weights) -> None:
    x = pd.Series({"d": 4.0, "c": 3.0, "b": 2.0, "a": 1.0}, name="x")
    lag = W.lag(x)
    assert lag.to_dict() == {"d": 0.0, "c": 2.0, "b": 4.0, "a": 10.0}
    assert lag.index.tolist() == ["d", "c", "b", "a"]
    assert lag.name == "W_x"
    frame = W.lag(pd.DataFrame({"x": x, "y": 2 * x}))
    assert list(frame.columns) == ["W_x", "W_y"]
    assert frame["W_y"].tolist() == (2 * lag).tolist()
    assert W.lag(x.rename(None)).name is None


def test_the_product_of_labelled_data_is_their_lag_and_of_arrays_that_of_the_matrix(W: Weights) -> None:
    x = pd.Series({"d": 4.0, "c": 3.0, "b": 2.0, "a": 1.0}, name="x")
    assert (W @ x).equals(W.lag(x))
    assert (W @ x.to_frame()).equals(W.lag(x.to_frame()))
    wide = np.random.default_rng(0).normal(size=(4, 3))
    assert np.array_equal(W @ wide, W.to_dense() @ wide)
    assert (W @ [1.0, 2.0, 3.0, 4.0]).tolist() == W.lag([1.0, 2.0, 3.0, 4.0]).tolist()
    with pytest.raises(AlignmentError, match=r"'x' and the weights.*only: 'e'"):
        W @ x.rename({"d": "e"})
    with pytest.raises(AlignmentError, match=r"needs the 4 units along the first axis.*got shape \(3, 4\)"):
        W @ wide.T
    with pytest.raises(DataError, match=r"W @ x must be numbers"):
        W @ list("abcd")


def test_lags_of_panels(W: Weights) -> None:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([["c", "a", "d", "b"], [3, 1, 2]], names=["unit", "time"])
    long = pd.DataFrame(rng.normal(size=(12, 2)), index, ["x", "y"]).sample(frac=1, random_state=1)
    out = W.lag(long)
    assert out.index.equals(long.index)
    for t in (1, 2, 3):
        cross = long.xs(t, level=1)
        pd.testing.assert_frame_equal(out.xs(t, level=1), W.lag(cross))
    panel = Panel.from_frame(long.reset_index(), unit="unit", time="time")
    lagged = W.lag(panel)
    assert list(lagged.columns) == ["W_x", "W_y"]
    pd.testing.assert_frame_equal(lagged.frame, out.sort_index(), check_names=False)
    assert W.lag(long["x"]).equals(out["W_x"])
    # A cell that is absent is missing, never zero.
    short = long.drop(index=("b", 2))
    gap = W.lag(short)
    assert np.isnan(gap.loc[("a", 2), "W_x"])
    assert gap.loc[("b", 1), "W_x"] == out.loc[("b", 1), "W_x"]
    assert gap.loc[("d", 2), "W_x"] == 0.0


@pytest.mark.evidence("Weights.lag", source="products with the dense matrix", kind="identity")
def test_lags_of_arrays(W: Weights) -> None:
    rng = np.random.default_rng(1)
    dense = np.array(PLAIN)
    x = rng.normal(size=(5, 4))
    np.testing.assert_allclose(W.lag(x), x @ dense.T, rtol=1e-14)
    cube = rng.normal(size=(5, 4, 3))
    np.testing.assert_allclose(W.lag(cube), np.einsum("ij,tjk->tik", dense, cube), rtol=1e-14)
    # Without making it: the Kronecker product of the definition.
    kron = np.kron(np.eye(5), dense)
    np.testing.assert_allclose(W.lag(x).ravel(), kron @ x.ravel(), rtol=1e-13)
    deep = rng.normal(size=(2, 3, 5, 4))
    np.testing.assert_allclose(W.lag(deep), deep @ dense.T, rtol=1e-14)
    square = rng.normal(size=(2, 4, 4))
    np.testing.assert_allclose(W.lag(square, axis=1), np.einsum("ij,tjk->tik", dense, square), rtol=1e-14)
    np.testing.assert_allclose(W.lag(square, axis=2), square @ dense.T, rtol=1e-14)
    np.testing.assert_allclose(W.lag([1, 2, 3, 4]), dense @ [1, 2, 3, 4])
    assert W.lag(np.array([True, False, True, False])).tolist() == [0.0, 2.0, 0.0, 0.0]
    assert W.lag(x.astype(np.float32)).dtype == np.float64


def test_missing_values_reach_only_the_neighbours(W: Weights) -> None:
    lag = W.lag(pd.Series([1.0, np.nan, 3.0, 4.0], W.ids))
    assert lag.isna().to_dict() == {"a": True, "b": False, "c": True, "d": False}
    nullable = pd.Series([1, None, 3, 4], W.ids, dtype="Int64")
    assert W.lag(nullable).equals(lag)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros(5), AlignmentError, r"must have the 4 units.*got shape \(5,\)"),
        (np.zeros((2, 4, 4)), AlignmentError, r"both the second and the third axis have length 4"),
        (np.array(["a"] * 4), DataError, r"must be numbers; got text"),
        (
            pd.Series(1.0, list("abce"), name="gdp"),
            AlignmentError,
            r"'gdp' and the weights.*only: 'd'.*only: 'e'",
        ),
        (pd.Series(1.0, list("abc")), AlignmentError, r"\(3 given, 4 in the weights\).*W\.subset"),
        (pd.Series(1.0, list("abcda")), DataError, r"unique ids.*'a'"),
        (pd.Series(list("wxyz"), list("abcd")), DataError, r"the values must be numbers"),
        (
            pd.Series(1.0, pd.MultiIndex.from_tuples([("a", 1), ("a", 1)])),
            DataError,
            r"one row for each pair; some pairs repeat",
        ),
        (
            pd.Series(1.0, pd.MultiIndex.from_product([[1, 2], list("abcd")])),
            AlignmentError,
            r"the units of the values and the weights",
        ),
        (
            pd.Series("x", pd.MultiIndex.from_product([list("abcd"), [1]])),
            DataError,
            r"the values must be numbers",
        ),
    ],
)
def test_lags_that_cannot_be(W: Weights, x: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        W.lag(x)


def test_the_axis_must_hold_the_units(W: Weights) -> None:
    with pytest.raises(AlignmentError, match=r"Axis 0 of shape \(5, 4\) must have length 4"):
        W.lag(np.zeros((5, 4)), axis=0)
    with pytest.raises(AlignmentError, match=r"Axis 7 of shape"):
        W.lag(np.zeros((5, 4)), axis=7)


def test_codes_of_another_type_are_matched_and_others_told_so() -> None:
    W = Weights.from_dense(np.eye(3), ids=[110000, 120000, 130000])
    x = pd.Series([1.0, 2.0, 3.0], ["110000", "130000", "120000"], name="x")
    assert W.lag(x).to_dict() == {"110000": 1.0, "130000": 2.0, "120000": 3.0}
    with pytest.raises(AlignmentError, match=r"The ids are str in 'x', int in the weights"):
        W.lag(x.set_axis(list("abc")))


def test_units_of_a_panel_must_be_those_of_the_weights(W: Weights) -> None:
    rows = [(u, t, 1.0) for u in "abc" for t in (1, 2)]
    panel = Panel.from_frame(pd.DataFrame(rows, columns=["u", "t", "x"]), unit="u", time="t")
    with pytest.raises(AlignmentError, match=r"the panel and the weights.*In the weights only: 'd'"):
        W.lag(panel)


@settings(max_examples=40, deadline=None)
@given(W=weights(), data=st.data())
def test_lags_do_not_mind_the_order(W: Weights, data: st.DataObject) -> None:
    numbers = st.lists(st.floats(-10, 10), min_size=W.n, max_size=W.n)
    x = pd.Series(data.draw(numbers), W.ids, name="x")
    order = data.draw(st.permutations(list(W.ids)))
    expected = pd.Series(W.sparse.toarray() @ x.to_numpy(), W.ids)
    shuffled = W.lag(x.loc[order])
    assert shuffled.index.tolist() == order
    np.testing.assert_allclose(shuffled.loc[W.ids], expected, atol=1e-12)
    turned = W.reordered(order).lag(x)
    np.testing.assert_allclose(turned, expected, atol=1e-12)
    np.testing.assert_allclose(W.lag(x.to_numpy()), expected, atol=1e-12)
