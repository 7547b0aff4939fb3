"""Spatial lags as columns: arrays, labels, panels, round trips and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice import SPDEP, columbus, grid, spdep_weights
from scipy import sparse

from spatial.compute import products
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.panel.panel import Panel
from spatial.weights import Weights
from spatial.weights.columns import spatial_lag


def panel_and_weights(units: int = 9, times: int = 4) -> tuple[Panel, Weights]:
    _, W = grid(3)
    rng = np.random.default_rng(0)
    rows = [(i, t, *rng.normal(size=2)) for i in W.ids[:units] for t in range(times)]
    frame = pd.DataFrame(rows, columns=["city", "year", "x", "y"])
    return Panel.from_frame(frame, unit="city", time="year", labels={"x": "Income"}), W


@pytest.mark.evidence("spatial_lag", digits=10, source="spdep 1.4.2 lag.listw, columbus")
@pytest.mark.parametrize("case", sorted(SPDEP["local"]))
def test_lags_are_spdeps(case: str) -> None:
    # R 4.2.2, spdep 1.4.2, lag.listw.
    which, style, name = case.split("_")
    lagged = spatial_lag(columbus(name).to_frame(), name, spdep_weights(which, style))
    np.testing.assert_allclose(lagged[f"W_{name}"], SPDEP["local"][case]["lag"], rtol=1e-12)


def test_panel_lags_are_the_kronecker_product() -> None:
    panel, W = panel_and_weights()
    lagged = spatial_lag(panel, ["x", "y"], W)
    assert list(lagged.columns) == ["x", "y", "W_x", "W_y"]
    big = np.kron(np.eye(4), W.sparse.toarray())
    for column in ("x", "y"):
        stacked = panel.cube([column], units=W.ids).ravel()
        np.testing.assert_allclose(
            lagged.cube([f"W_{column}"], units=W.ids).ravel(), big @ stacked, rtol=1e-12, atol=1e-15
        )
    assert lagged.label("W_x") == "W Income"
    assert lagged.label("W_y") == "W_y"
    assert lagged.history[-1].action == "spatial lag"
    assert "W_x" not in panel.columns


def test_tables_series_and_arrays_agree() -> None:
    panel, W = panel_and_weights()
    from_panel = spatial_lag(panel, "x", W)
    frame = spatial_lag(panel.frame.sample(frac=1, random_state=1), "x", W)
    pd.testing.assert_series_equal(frame["W_x"].sort_index(), from_panel.frame["W_x"])
    one = spatial_lag(panel.at(2), "x", W, name="lag of {column}")
    np.testing.assert_allclose(one["lag of x"], from_panel.at(2)["W_x"])
    series = spatial_lag(panel.at(2)["x"], None, W)
    assert series.name == "W_x"
    np.testing.assert_allclose(series, from_panel.at(2)["W_x"])
    cube = spatial_lag(panel.cube(["x", "y"], units=W.ids), None, W)
    np.testing.assert_allclose(cube[:, :, 0], from_panel.cube(["W_x"], units=W.ids)[:, :, 0])
    unnamed = spatial_lag(pd.Series(panel.at(2)["x"].to_numpy(), index=W.ids), None, W)
    assert unnamed.name is None


def test_maps_keep_their_geometry() -> None:
    import geopandas as gpd
    from shapely.geometry import Point

    x, W = grid(3)
    cities = gpd.GeoDataFrame({"x": x}, geometry=[Point(k, 0) for k in range(9)], crs=3857)
    lagged = spatial_lag(cities, ["x"], W.to_graph())
    assert isinstance(lagged, gpd.GeoDataFrame)
    assert lagged.crs == cities.crs
    np.testing.assert_allclose(lagged["W_x"], W.lag(x))


@pytest.mark.evidence("Weights.reordered", source="lags in any order of the units", kind="identity")
@settings(max_examples=25, deadline=None)
@given(st.permutations(range(9)), st.permutations(range(9)), st.integers(0, 1000))
def test_order_of_rows_and_weights_does_not_matter(rows: list[int], units: list[int], seed: int) -> None:
    _, W = grid(3)
    x = pd.DataFrame({"x": np.random.default_rng(seed).normal(size=9)}, index=W.ids)
    first = spatial_lag(x, "x", W)
    second = spatial_lag(x.iloc[rows], "x", W.reordered(W.ids[units]))
    assert list(second.index) == list(x.index[rows])
    pd.testing.assert_frame_equal(first, second.loc[first.index], check_exact=False, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(0, 1000))
def test_a_lag_is_linear(a: float, b: float, seed: int) -> None:
    _, W = grid(3)
    frame = pd.DataFrame(np.random.default_rng(seed).normal(size=(9, 2)), index=W.ids, columns=["x", "y"])
    frame["mix"] = a * frame["x"] + b * frame["y"]
    lagged = spatial_lag(frame, ["x", "y", "mix"], W)
    np.testing.assert_allclose(lagged["W_mix"], a * lagged["W_x"] + b * lagged["W_y"], atol=1e-12)


def test_missing_values_spread_to_neighbours_only() -> None:
    x, W = grid(3)
    x.iloc[0] = np.nan
    lagged = spatial_lag(x.to_frame(), "x", W)["W_x"]
    assert list(lagged.index[lagged.isna()]) == ["u001", "u003"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p, W: spatial_lag(p, "z", W), DataError, "no column 'z'"),
        (
            lambda p, W: spatial_lag(p.at(0), "xx", W),
            DataError,
            "The table has no column 'xx'. Did you mean 'x'",
        ),
        (lambda p, W: spatial_lag(p.with_columns(W_x=1.0), "x", W), DataError, "there already: 'W_x'"),
        (lambda p, W: spatial_lag(p, None, W), DataError, "columns must name the columns to lag"),
        (lambda p, W: spatial_lag(p, ["x", "y"], W, name="lag"), DataError, "one name for each column"),
        (lambda p, W: spatial_lag(p, "x", W, name="{col}"), DataError, "one name for each column"),
        (lambda p, W: spatial_lag(p.at(0)["x"], "x", W), DataError, "for a Series pass None"),
        (lambda _, W: spatial_lag(np.ones(9), "x", W), DataError, "for an array pass None"),
        (lambda _, W: spatial_lag(np.ones(8), None, W), AlignmentError, "got shape"),
        (lambda p, W: spatial_lag(p.at(0).assign(x="a"), "x", W), DataError, "'x' must hold numbers"),
        (lambda p, W: spatial_lag(p, "x", W.subset(W.ids[:-1])), AlignmentError, "'u008'"),
        (lambda p, W: spatial_lag(p, "x", W.sparse), WeightsError, "A bare matrix has no ids"),
    ],
)
def test_bad_input_is_refused_with_its_cause(call: Any, error: type[Exception], message: str) -> None:
    panel, W = panel_and_weights()
    with pytest.raises(error, match=message):
        call(panel, W)


def test_large_blocks_have_the_bits_of_scipys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of 0 to 12 links, one to three panels of columns, missing values, any number of threads."""
    monkeypatch.setattr(products, "_ROWS", 100)
    rng = np.random.default_rng(1)
    n = 700
    matrix = sparse.random_array((n, n), density=5 / n, rng=rng).tocsr()
    W = Weights.from_sparse(matrix)
    x = rng.normal(size=(4, n, 9))
    x[2, 17, 3] = np.nan
    narrow = np.stack([matrix @ values for values in x])
    np.testing.assert_array_equal(W.lag(x), narrow)
    monkeypatch.setattr(products, "_WORK", 0)
    np.testing.assert_array_equal(W.lag(x), narrow)
    np.testing.assert_array_equal(W.lag(x.swapaxes(1, 2)), narrow.swapaxes(1, 2))
    flat = x[0].repeat(4, axis=1)
    np.testing.assert_array_equal(W.lag(flat, axis=0), matrix @ flat)
    for workers in (1, 2):
        some = products.product(matrix[:300], x, workers=workers)
        np.testing.assert_array_equal(some, narrow[:, :300])
    with pytest.raises(ValueError, match="mismatch"):
        products.product(matrix, x[:, :600])
