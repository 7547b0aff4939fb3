"""Rasters: neighbours of cells as libpysal has them, values and lags in and out of xarray."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.weights import Weights, as_weights, grid, knn, raster_values, values_to_raster

HEAT = xr.DataArray(
    [[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]], dims=("lat", "lon"), coords={"lat": [50, 40], "lon": [1, 2, 3]}
)


@pytest.mark.evidence("weights.grid", digits=10, source="libpysal lat2W")
@pytest.mark.parametrize("rook", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (4, 7)])
def test_grids_as_in_libpysal(shape: tuple[int, int], rook: bool) -> None:
    from libpysal.weights import lat2W

    W = grid(shape, rook=rook)
    if shape == (1, 1):
        assert (W.n, W.n_links) == (1, 0)
        return
    theirs = as_weights(lat2W(*shape, rook=rook))
    np.testing.assert_array_equal(W.sparse.toarray(), theirs.sparse.toarray())
    assert W.meta.kind == "grid"
    assert W.meta.parameters == {"rook": rook, "shape": list(shape)}


def test_cells_without_a_value_are_no_units() -> None:
    W = grid(HEAT)
    assert W.ids.tolist() == [0, 2, 3, 4, 5]
    assert W.neighbors(0).index.tolist() == [3, 4]
    assert grid(HEAT, rook=True).neighbors(2).index.tolist() == [5]
    bands = xr.concat([HEAT, HEAT.where(HEAT != 6)], dim="band")
    assert grid(bands).ids.tolist() == [0, 2, 3, 4]
    assert list(raster_values(bands).columns) == [0, 1]


@pytest.mark.evidence(
    "weights.raster_values",
    "weights.values_to_raster",
    source="a raster of six cells, there and back",
    kind="hand",
)
def test_values_and_lags_go_out_as_rasters() -> None:
    W = grid(HEAT, rook=True).row_standardized()
    lag = W.lag(HEAT)
    assert isinstance(lag, xr.DataArray)
    assert lag.dims == HEAT.dims
    assert lag["lat"].values.tolist() == [50, 40]
    np.testing.assert_array_equal(lag.values, [[4, np.nan, 6], [3, 5, 4]])
    np.testing.assert_array_equal(values_to_raster(W.lag(raster_values(HEAT)), HEAT).values, lag.values)
    both = W.lag(xr.concat([HEAT, 2 * HEAT], dim="band"))
    np.testing.assert_array_equal(both.values, [lag.values, 2 * lag.values])
    part = W.subset([0, 3, 4])
    np.testing.assert_array_equal(part.lag(HEAT).values, [[4, np.nan, np.nan], [3, 4, np.nan]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: grid((3,)), DataError, r"shape of a raster is \(rows, columns\); got \(3,\)"),
        (lambda: grid((0, 3)), WeightsError, "rows must be a whole number, 1 or more; got 0"),
        (lambda: grid((10**5, 10**5)), WeightsError, "would have 80.0 billion links"),
        (lambda: grid(np.ones((2, 2))), DataError, "an xarray.DataArray, or a shape .*; got ndarray"),
        (lambda: grid(HEAT[0]), DataError, r"rows and columns; this one has the dimensions \['lon'\]"),
        (lambda: grid(HEAT * np.nan), DataError, "all of this one are missing"),
        (lambda: grid(HEAT.astype(str)), DataError, "must be numbers; they are <U"),
        (lambda: values_to_raster(pd.Series([1.0], index=[9]), HEAT), AlignmentError, "from 0 to 5.*got 9"),
        (lambda: values_to_raster(pd.Series([1.0], index=["a"]), HEAT), AlignmentError, "belong to another"),
        (lambda: values_to_raster([1.0], HEAT), DataError, "are a Series; got list"),
        (lambda: grid((2, 2)).lag(HEAT), AlignmentError, r"needs cells of shape .2, 2."),
        (lambda: Weights.from_dense(np.ones((2, 2))).lag(HEAT), AlignmentError, "made with spatial.weights"),
    ],
)
def test_what_is_no_raster(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_same_links_as_nearest_cells() -> None:
    import geopandas as gpd

    x, y = np.meshgrid(np.arange(9), np.arange(9))
    cells = gpd.GeoDataFrame(geometry=gpd.points_from_xy(1e3 * x.ravel(), 1e3 * y.ravel()), crs=32650)
    assert knn(cells, 8).neighbors(40).index.tolist() == grid((9, 9)).neighbors(40).index.tolist()
