"""Faults of the libraries below, each with a test that fails if we inherit it (the design, section 4)."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest

import spatial as sp

KM = {("a", "b"): 111.1950802335329, ("a", "c"): 222.3901604670658}  # one and two degrees of the sphere


@pytest.fixture
def meridian() -> Any:
    """Five points on the equator's meridian, one degree apart."""
    points = gpd.points_from_xy([0.0] * 5, np.arange(5.0))
    return gpd.GeoDataFrame(index=list("abcde"), geometry=points, crs="EPSG:4326")


@pytest.fixture
def columbus() -> Any:
    path = libpysal.examples.get_path("columbus.shp")
    return gpd.read_file(path).set_crs("EPSG:3857").set_index("POLYID")


def test_distances_are_kilometres_not_radians_or_degrees(meridian: Any) -> None:
    """libpysal's haversine kernels stay in radians; its bands on longitude and latitude are degrees."""
    near = sp.weights.inverse_distance(meridian, cutoff_km=250)
    for (i, j), km in KM.items():
        assert 1 / near.neighbors(i)[j] == pytest.approx(km, rel=1e-12)
    assert list(sp.weights.distance_band(meridian, 150).cardinalities) == [1, 2, 2, 2, 1]
    kernel = sp.weights.kernel(meridian, bandwidth_km=2 * KM["a", "b"])
    assert kernel.neighbors("a")["b"] == pytest.approx(0.5, rel=1e-9)  # triangular: 1 - 1/2


def test_longitude_and_latitude_are_not_exchanged() -> None:
    """libpysal's kernel takes (lon, lat) for (lat, lon): Beijing's nearest of the two would be Shanghai."""
    seats = gpd.points_from_xy([116.4, 121.47, 126.53], [39.9, 31.23, 45.8])
    cities = gpd.GeoDataFrame(index=["Beijing", "Shanghai", "Harbin"], geometry=seats, crs="EPSG:4326")
    assert list(sp.weights.knn(cities, 1).neighbors("Beijing").index) == ["Harbin"]


def test_coincident_points_are_named_not_moved_or_made_islands(meridian: Any) -> None:
    """libpysal jitters by up to a unit; d**-1 of coincident points becomes inf and then a row of zeros."""
    twice = meridian.set_geometry(gpd.points_from_xy([0.0] * 5, [0, 1, 1, 3, 4], crs="EPSG:4326"))
    for build in (
        lambda: sp.weights.knn(twice, 1),
        lambda: sp.weights.inverse_distance(twice, cutoff_km=500),
    ):
        with pytest.raises(sp.WeightsError, match="'b', 'c'"):
            build()


def test_the_callers_weights_are_left_alone(columbus: Any) -> None:
    """esda.Moran sets w.transform, esda.G makes the caller's W binary in place."""
    w = libpysal.weights.Queen.from_dataframe(columbus, ids=list(columbus.index), silence_warnings=True)
    before = w.sparse.toarray().copy()
    graph = libpysal.graph.Graph.build_contiguity(columbus, rook=False)
    x = columbus["CRIME"]
    for statistic in (sp.moran, sp.local_moran, sp.geary, sp.getis_ord, sp.general_g):
        statistic(x, w, permutations=9)
        statistic(x, graph, permutations=9)
    assert w.transform == "O"
    np.testing.assert_array_equal(w.sparse.toarray(), before)
    assert graph.transformation == "O"


def test_labels_count_not_positions(columbus: Any) -> None:
    """esda ignores the index of a Series: a shuffled column gives another I, silently."""
    W = sp.weights.contiguity(columbus).row_standardized()
    x = columbus["CRIME"]
    shuffled = x.sample(frac=1, random_state=0)
    assert sp.moran(shuffled, W).I == sp.moran(x, W).I
    assert sp.moran(shuffled, W).p_sim == sp.moran(x, W).p_sim


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_is_refused_and_is_not_significant(columbus: Any, bad: float) -> None:
    """In esda NaN gives p = 0.001, and "LL" at every place."""
    W = sp.weights.contiguity(columbus)
    x = columbus["CRIME"].copy()
    x.iloc[3] = bad
    for statistic in (sp.moran, sp.local_moran, sp.geary, sp.getis_ord):
        with pytest.raises(sp.DataError, match=f"{x.index[3]}"):
            statistic(x, W)


def test_a_constant_is_refused_and_is_not_significant(columbus: Any) -> None:
    W = sp.weights.contiguity(columbus)
    for statistic in (sp.moran, sp.local_moran, sp.geary):
        with pytest.raises(sp.DataError, match="needs values that vary"):
            statistic(pd.Series(2.0, index=columbus.index), W)


def test_local_draws_are_independent_between_units(columbus: Any) -> None:
    """esda shares one set of draws among all units: reference draws of two units correlate at 0.94."""
    W = sp.weights.contiguity(columbus).row_standardized()
    local = sp.local_moran(columbus["CRIME"], W, permutations=999, keep_simulations=True)
    assert local.simulations is not None
    shared = np.corrcoef(local.simulations)[~np.eye(len(columbus), dtype=bool)]
    assert np.abs(shared).mean() < 0.05


def test_islands_and_order_survive_the_way_to_libpysal_and_back() -> None:
    """`Graph` writes an island as a loop of weight 0; W loses the order of rows unless it is told."""
    W = sp.Weights.from_dense(np.array([[0, 2.0, 0], [3.0, 0, 0], [0, 0, 0]]), ids=["z", "a", "m"])
    for back in (sp.Weights.from_graph(W.to_graph()), sp.Weights.from_w(W.to_w())):
        assert back.equals(W)
        assert list(back.islands) == ["m"]
