"""Weights by distance: against spdep, against brute force, and every refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distance_cases import BUILDERS, cities_at, sphere
from hypothesis import given, settings
from hypothesis import strategies as st

import spatial as sp
from spatial.errors import AlignmentError, DataError, SpatialWarning

SPDEP = json.loads((Path(__file__).parent.parent / "reference" / "weights_spdep.json").read_text())


SEATS = SPDEP["nc"]


R = 6371.0088


def brute_km(cities: Any) -> Any:
    lon, lat = np.radians(cities.geometry.x.to_numpy()), np.radians(cities.geometry.y.to_numpy())
    h = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    return 2 * R * np.arctan2(np.sqrt(h), np.sqrt(1 - h))


@pytest.fixture(scope="module")
def nc_seats() -> Any:
    return cities_at(SEATS["lon"], SEATS["lat"])


@pytest.fixture
def square() -> Any:
    return cities_at([0, 1000, 0, 1000, 5000], [0, 0, 1000, 1000, 0], list("abcde"), 32650)


# ---- spdep
@pytest.mark.evidence("weights.knn", source="spdep 1.4.2 knearneigh, 100 counties")
@pytest.mark.parametrize("k", [1, 4, 8])
def test_nearest_neighbours_as_in_spdep(nc_seats: Any, k: int) -> None:
    # spdep measures on the WGS84 ellipsoid.
    W = sp.weights.knn(nc_seats, k, ellipsoid="WGS84")
    assert [set(W.neighbors(i).index) for i in W.ids] == [set(x) for x in SEATS["knn"][str(k)]]


def test_order_of_neighbours_as_in_spdep(nc_seats: Any) -> None:
    W = sp.weights.inverse_distance(nc_seats, ellipsoid="WGS84")
    for i in W.ids:
        order = W.neighbors(i).sort_values(ascending=False).index[:8].tolist()
        assert order == SEATS["knn"]["8"][i]


@pytest.mark.evidence("weights.distance_band", source="spdep 1.4.2 dnearneigh, 100 counties")
@pytest.mark.parametrize("km", [50, 80])
def test_bands_as_in_spdep(nc_seats: Any, km: int) -> None:
    W = sp.weights.distance_band(nc_seats, km, ellipsoid="WGS84")
    assert [set(W.neighbors(i).index) for i in W.ids] == [set(x) for x in SEATS["band"][str(km)]]
    # On the sphere one pair of 14 (50 km) or 23 (80 km) hundred links falls on the other side.
    ball = sp.weights.distance_band(nc_seats, km)
    assert abs(ball.sparse - W.sparse).nnz == 2


@pytest.mark.evidence(
    "weights.great_circle_km",
    digits=5,
    source="sf 1.0.9 st_distance, haversine and geodesic; spdep",
    differs="spdep approximates the geodesic: 1e-6 of it; 1e-12 of the others",
)
def test_distances_against_haversine_and_geodesic() -> None:
    pairs, lon, lat = SEATS["pairs"], np.array(SEATS["lon"]), np.array(SEATS["lat"])
    i, j = pairs["i"], pairs["j"]
    ball = sp.weights.great_circle_km(lon[i], lat[i], lon[j], lat[j])
    # The reference took R = 6371 km.
    np.testing.assert_allclose(ball * 6371 / R, pairs["haversine6371"], rtol=1e-12)
    geoid = sp.weights.great_circle_km(lon[i], lat[i], lon[j], lat[j], ellipsoid="WGS84")
    np.testing.assert_allclose(geoid, pairs["geodesic"], rtol=1e-12)
    np.testing.assert_allclose(geoid, pairs["spdep"], rtol=1e-5)  # its own approximation


@pytest.mark.evidence(
    "weights.inverse_distance", digits=10, source="sf 1.0.9 st_distance, haversine and geodesic"
)
@pytest.mark.parametrize(("ellipsoid", "column"), [(None, "haversine6371"), ("WGS84", "geodesic")])
def test_inverse_distances_against_the_same_columns(nc_seats: Any, ellipsoid: Any, column: str) -> None:
    W, pairs = sp.weights.inverse_distance(nc_seats, ellipsoid=ellipsoid), SEATS["pairs"]
    expected = np.array(pairs[column]) * (R / 6371 if ellipsoid is None else 1)
    np.testing.assert_allclose(1 / W.sparse[pairs["i"], pairs["j"]], expected, rtol=1e-11)


# ---- great circles
def test_great_circle_known_arcs() -> None:
    km = sp.weights.great_circle_km
    assert km(0, 0, 180, 0) == pytest.approx(np.pi * R, rel=1e-15)
    assert km(10, 90, -70, 90) == pytest.approx(0, abs=1e-12)
    assert km(180, 5, -180, 5) == 0.0
    assert km(0, -90, 33, 90) == pytest.approx(np.pi * R, rel=1e-15)
    assert isinstance(km(0, 0, 1, 1), float)
    assert km([0, 0], [0, 0], 1, [[0], [1]]).shape == (2, 2)


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9, 1e-11])
@pytest.mark.parametrize("lon", [0.0, 116.375, 180.0])
def test_great_circle_keeps_digits_when_near_and_when_opposite(step: float, lon: float) -> None:
    # Along a meridian from latitude 0, the arc is the latitude itself.
    near = sp.weights.great_circle_km(lon, 0, lon, step)
    assert near == pytest.approx(np.radians(step) * R, rel=1e-14)
    far = sp.weights.great_circle_km(lon, 0, lon - 180, step)
    assert np.pi * R - far == pytest.approx(np.radians(step) * R, rel=1e-3, abs=1e-11)


def test_tiny_and_opposite_distances_in_weights() -> None:
    cities = cities_at([100.0, 100.0, -80.0, -80.0], [0.0, 2e-8, 0.0, 1e-6])
    W = sp.weights.inverse_distance(cities)
    assert 1 / W.sparse[0, 1] == pytest.approx(np.radians(2e-8) * R, rel=1e-13)
    assert 1 / W.sparse[0, 3] == pytest.approx((np.pi - np.radians(1e-6)) * R, rel=1e-14)
    band = sp.weights.distance_band(cities, 25_000)
    assert band.n_links == 12  # half the Earth's girth holds everybody


def test_great_circle_series_keep_their_index() -> None:
    lon, lat = pd.Series([0.0, 1.0], ["a", "b"]), pd.Series([0.0, 0.0], ["a", "b"])
    out = sp.weights.great_circle_km(lon, lat, 0, 0)
    assert out.index.tolist() == ["a", "b"]
    with pytest.raises(AlignmentError, match="must have the same index in the same order"):
        sp.weights.great_circle_km(lon, lat.iloc[::-1], 0, 0)


@pytest.mark.parametrize(
    ("coordinates", "message"),
    [
        ((120, 30, 31, 121), r"-90\.\.90 north.*swapped\?"),
        ((200, 30, 120, 30), "Wrap longitudes"),
        ((500, 30, 120, 30), "Projected coordinates"),
        ((np.nan, 30, 120, 30), "must be finite"),
        (("x", 30, 120, 30), "must be numbers"),
        (([1, 2], [1, 2, 3], 120, 30), "broadcast together"),
    ],
)
def test_great_circle_refuses(coordinates: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        sp.weights.great_circle_km(*coordinates)


def test_unknown_ellipsoid(nc_seats: Any) -> None:
    with pytest.raises(DataError, match=r"a name that pyproj knows, such as 'WGS84'.*'mars_colony'"):
        sp.weights.great_circle_km(0, 0, 1, 1, ellipsoid="mars_colony")
    with pytest.raises(DataError, match="'mars_colony'"):
        sp.weights.knn(nc_seats, 2, ellipsoid="mars_colony")


# ---- brute force
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(3, 60), share=st.floats(0.05, 1))
def test_knn_and_bands_are_those_of_brute_force(seed: int, n: int, share: float) -> None:
    cities = sphere(n, seed)
    km = brute_km(cities)
    np.fill_diagonal(km, np.inf)
    k = max(1, int(share * (n - 1)))
    W = sp.weights.knn(cities, k)
    expected = np.zeros((n, n))
    np.put_along_axis(expected, np.argsort(km, axis=1)[:, :k], 1, axis=1)
    np.testing.assert_array_equal(W.sparse.toarray(), expected)
    reach = share * np.pi * R
    np.testing.assert_array_equal(sp.weights.distance_band(cities, reach).sparse.toarray(), km <= reach)
    full = sp.weights.inverse_distance(cities, power=1.5)
    np.testing.assert_allclose(full.sparse.toarray(), km**-1.5, rtol=1e-9)


def test_ellipsoid_neighbours_are_those_of_brute_force() -> None:
    cities = sphere(120, 4)
    x, y = cities.geometry.x.to_numpy(), cities.geometry.y.to_numpy()
    km = sp.weights.great_circle_km(x[:, None], y[:, None], x, y, ellipsoid="WGS84")
    np.fill_diagonal(km, np.inf)
    expected = np.zeros(km.shape)
    np.put_along_axis(expected, np.argsort(km, axis=1)[:, :7], 1, axis=1)
    np.testing.assert_array_equal(sp.weights.knn(cities, 7, ellipsoid="WGS84").sparse.toarray(), expected)
    np.testing.assert_array_equal(
        sp.weights.distance_band(cities, 3000, ellipsoid="WGS84").sparse.toarray(), km <= 3000
    )


@pytest.mark.parametrize("name", BUILDERS)
def test_order_of_the_rows_does_not_matter(name: str) -> None:
    cities = sphere(80, 7)
    W = BUILDERS[name](cities)
    shuffled = BUILDERS[name](cities.sample(frac=1, random_state=1))
    assert shuffled.reordered(W.ids).equals(W)


@pytest.mark.parametrize("name", BUILDERS)
def test_new_labels_give_the_same_weights(name: str) -> None:
    cities = sphere(80, 8)
    renamed = cities.rename(index=lambda i: "z" + i[1:])  # the same order among ids, which breaks ties
    W, V = BUILDERS[name](cities), BUILDERS[name](renamed)
    assert V.ids.tolist() == renamed.index.tolist()
    assert (V.sparse != W.sparse).nnz == 0


# ---- poles, antimeridian, ties
def test_across_the_antimeridian_and_round_the_poles() -> None:
    cities = cities_at(
        [179.9, -179.9, 178, 0, 120, -120, 10], [0, 0, 0, 89.9, 89.9, 89.9, 80], list("abcdefg")
    )
    W = sp.weights.knn(cities, 2)
    assert set(W.neighbors("a").index) == {"b", "c"}
    assert set(W.neighbors("d").index) == {"e", "f"}
    band = sp.weights.distance_band(cities, 25)
    assert band.to_frame()[["i", "j"]].to_numpy().tolist() == [
        ["a", "b"], ["b", "a"], ["d", "e"], ["d", "f"], ["e", "d"], ["e", "f"], ["f", "d"], ["f", "e"]
    ]  # fmt: skip


def test_ties_go_to_the_lower_id_whatever_the_rows(square: Any) -> None:
    # a has b and c at 1 km, d at 1.4 km: for k = 1 the lower id is taken.
    W = sp.weights.knn(square, 1)
    assert [W.neighbors(i).index[0] for i in "abcde"] == ["b", "a", "a", "b", "b"]
    for seed in range(5):
        shuffled = sp.weights.knn(square.sample(frac=1, random_state=seed), 1)
        assert shuffled.reordered(W.ids).equals(W)


def test_ties_on_a_lattice_of_degrees() -> None:
    x, y = np.meshgrid(np.arange(100, 112), np.arange(-6, 6))
    rng = np.random.default_rng(0)
    cities = cities_at(x.ravel(), y.ravel(), rng.permutation(144))
    W = sp.weights.knn(cities, 3)
    np.testing.assert_array_equal(W.cardinalities, 3)
    assert sp.weights.knn(cities.sort_index(), 3).reordered(W.ids).equals(W)
    km = np.round(brute_km(cities), 8)
    np.fill_diagonal(km, np.inf)
    order = np.lexsort((np.broadcast_to(cities.index, km.shape), km), axis=1)[:, :3]
    expected = np.zeros(km.shape)
    np.put_along_axis(expected, order, 1, axis=1)
    np.testing.assert_array_equal(W.sparse.toarray(), expected)


def test_ids_of_mixed_types_have_an_order_too() -> None:
    cities = cities_at([0, 1000, -1000], [0, 0, 0], ["b", 1, "a"], 32650)
    assert sp.weights.knn(cities, 1).neighbors("b").index.tolist() == [1]


# ---- units
@pytest.mark.parametrize(
    ("crs", "unit_km"), [(32650, 0.001), (2264, 1200 / 3937 / 1000), ("ESRI:102008", 0.001)]
)
def test_planar_distances_in_the_unit_of_the_crs(crs: Any, unit_km: float) -> None:
    cities = cities_at([0, 3000], [0, 4000], ["a", "b"], crs)
    W = sp.weights.inverse_distance(cities)
    assert 1 / W.sparse[0, 1] == pytest.approx(5000 * unit_km, rel=1e-14)
    assert W.meta.distance_unit == "km"
    assert W.meta.parameters["distance"] == "planar"
    assert sp.weights.distance_band(cities, 5000 * unit_km).n_links == 2  # the end is included


def test_degrees_of_another_kind_are_converted() -> None:
    # EPSG:4807 counts in grads, 400 to the circle.
    cities = cities_at([0, 0], [0, 100], ["a", "b"], 4807)
    assert 1 / sp.weights.inverse_distance(cities).sparse[0, 1] == pytest.approx(np.pi / 2 * R, rel=1e-12)


def test_bands_are_kilometres_never_degrees() -> None:
    cities = cities_at([116.4, 117.2, 121.5], [39.9, 39.1, 31.2], ["Beijing", "Tianjin", "Shanghai"])
    assert sp.weights.distance_band(cities, 2).n_links == 0  # 2 degrees would link the first two
    assert sp.weights.distance_band(cities, 120).n_links == 2
    assert sp.weights.knn(cities, 1).meta.parameters["distance"].startswith("great circle")


def test_kernel_bandwidths_are_kilometres_never_radians_or_degrees() -> None:
    cities = cities_at([113.26, 116.4], [23.13, 39.9], ["Guangzhou", "Beijing"])
    km = sp.weights.great_circle_km(113.26, 23.13, 116.4, 39.9)
    W = sp.weights.kernel(cities, bandwidth_km=2500, function="triangular")
    assert W.sparse[0, 1] == pytest.approx(1 - km / 2500, rel=1e-13)


def test_mercator_lengths_are_warned_of() -> None:
    with pytest.warns(SpatialWarning, match=r"EPSG:3857 is a Mercator map.*2\.0\d times"):
        sp.weights.knn(cities_at([0, 1e5], [8.4e6, 8.4e6], crs=3857), 1)
    sp.weights.knn(cities_at([0, 1e5], [1e5, 1e5], crs=3857), 1)  # near the equator all is well


# ---- formulas
def test_inverse_distance_by_hand(square: Any) -> None:
    W = sp.weights.inverse_distance(square, power=2, cutoff_km=1.2, own=0.5)
    expected = np.array(
        [[0.5, 1, 1, 0, 0], [1, 0.5, 0, 1, 0], [1, 0, 0.5, 1, 0], [0, 1, 1, 0.5, 0], [0, 0, 0, 0, 0.5]]
    )
    np.testing.assert_allclose(W.to_dense(), expected, rtol=1e-14)
    assert W.islands.tolist() == ["e"]
    assert W.meta.parameters["power"] == 2
    assert W.meta.parameters["cutoff_km"] == 1.2
    full = sp.weights.inverse_distance(square)
    assert full.n_links == 20
    assert full.sparse[0, 4] == pytest.approx(0.2)


KERNELS = {
    "triangular": lambda u: 1 - u,
    "bartlett": lambda u: 1 - u,
    "uniform": lambda u: 0.5 + 0 * u,
    "epanechnikov": lambda u: 0.75 * (1 - u * u),
    "quartic": lambda u: 15 / 16 * (1 - u * u) ** 2,
    "parzen": lambda u: 1 - 6 * u**2 + 6 * u**3 if u <= 0.5 else 2 * (1 - u) ** 3,
    "gaussian": lambda u: np.exp(-u * u / 2) / np.sqrt(2 * np.pi),
    "exponential": lambda u: np.exp(-u),
}


@pytest.mark.parametrize("function", KERNELS)
def test_kernels_by_hand(function: str) -> None:
    cities = cities_at([0, 1000, 3000, 9000], [0, 0, 0, 0], list("abcd"), 32650)
    W = sp.weights.kernel(cities, bandwidth_km=4, function=function, own="kernel").to_dense()
    K = KERNELS[function]
    assert W.loc["a", "b"] == pytest.approx(K(0.25), rel=1e-14)
    assert W.loc["a", "c"] == pytest.approx(K(0.75), rel=1e-14)
    assert W.loc["c", "d"] == (pytest.approx(K(1.5)) if function in ("gaussian", "exponential") else 0)
    np.testing.assert_allclose(np.diag(W), K(0.0), rtol=1e-15)
    bare = sp.weights.kernel(cities, bandwidth_km=4, function=function)
    np.testing.assert_array_equal(bare.sparse.diagonal(), 0)
    adaptive = sp.weights.kernel(cities, neighbors=2, function=function).to_dense()
    assert adaptive.loc["d", "c"] == pytest.approx(K(6 / 8), rel=1e-14)
    assert adaptive.loc["a", "b"] == pytest.approx(K(1 / 3), rel=1e-14)


def test_kernels_without_an_end_are_cut_where_asked() -> None:
    cities = cities_at([0, 1000, 3000], [0, 0, 0], list("abc"), 32650)
    W = sp.weights.kernel(cities, bandwidth_km=0.5, function="gaussian")
    assert W.n_links == 4  # 4 bandwidths: a-b and b-c
    assert W.meta.parameters["cutoff_km"] == 2.0
    assert sp.weights.kernel(cities, bandwidth_km=1, function="gaussian", cutoff_km=1).n_links == 2


@pytest.mark.evidence("weights.kernel", digits=10, source="libpysal Graph.build_kernel")
def test_kernels_as_in_libpysal() -> None:
    from libpysal.graph import Graph

    cities = cities_at(*np.random.default_rng(3).uniform(0, 1e5, (2, 60)), crs=32650)
    for theirs, ours in (("triangular", "triangular"), ("bisquare", "quartic")):
        graph = Graph.build_kernel(cities, bandwidth=30_000, kernel=theirs)
        W = sp.weights.kernel(cities, bandwidth_km=30, function=ours)
        expected = sp.weights.Weights.from_graph(graph).sparse.toarray()
        np.testing.assert_allclose(W.sparse.toarray(), expected, atol=1e-12)


@pytest.mark.evidence("weights.gravity", source="three units", kind="hand")
def test_gravity_by_hand() -> None:
    cities = cities_at([0, 2000, 5000], [0, 0, 0], list("abc"), 32650)
    mass = pd.Series({"c": 5.0, "a": 3.0, "b": 4.0}, name="population")
    W = sp.weights.gravity(cities, mass)
    np.testing.assert_allclose(W.to_dense().loc["a"], [0, 12 / 4, 15 / 25], rtol=1e-14)
    np.testing.assert_allclose(W.to_dense().loc["b"], [12 / 4, 0, 20 / 9], rtol=1e-14)
    assert W.meta.parameters["mass"] == "population"
    assert sp.weights.gravity(cities, mass, power=1, cutoff_km=2.5).neighbors("a").to_dict() == {"b": 6.0}
