"""Where each unit is: centroids, seats, coincident points; islands and refusals."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from distance_cases import BUILDERS, cities_at, sphere

import spatial as sp
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.places.points import points_of
from spatial.weights import checks


@pytest.fixture
def square() -> Any:
    return cities_at([0, 1000, 0, 1000, 5000], [0, 0, 1000, 1000, 0], list("abcde"), 32650)


# ---- points
def test_centroids_of_degrees_are_those_of_the_sphere() -> None:
    cities = gpd.GeoDataFrame(
        index=["split", "pole", "plain", "holed"],
        geometry=[
            shapely.MultiPolygon([shapely.box(179, -1, 180, 1), shapely.box(-180, -1, -177, 1)]),
            shapely.box(-180, 80, 180, 90),
            shapely.box(10, 40, 12, 60),
            shapely.box(0, 0, 9, 3).difference(shapely.box(0.1, 0.1, 3, 2.9)),
        ],
        crs=4326,
    )
    points = points_of(cities)
    assert points.source == "centroid"
    assert points.x[0] == pytest.approx(-179, abs=1e-6)
    assert points.y[0] == pytest.approx(0, abs=1e-9)
    assert points.y[1] == pytest.approx(90, abs=1e-6)
    # The integral of the unit vector over a small grid of the same box.
    lat = np.radians(np.linspace(40, 60, 20001))
    lon = np.radians(np.linspace(-1, 1, 2001))
    up, out = (np.cos(lat) * np.sin(lat)).sum(), (np.cos(lat) ** 2).sum() * np.cos(lon).mean()
    assert points.x[2] == pytest.approx(11, abs=1e-9)
    assert points.y[2] == pytest.approx(np.degrees(np.arctan2(up, out)), abs=1e-3)
    assert points.x[3] > 4.5


def test_small_polygons_keep_their_place() -> None:
    metre = 1e-5
    corner = np.array([116.123456, 39.876543])
    cell = shapely.box(*corner, *(corner + metre))
    points = points_of(gpd.GeoDataFrame(geometry=[cell], crs=4326))
    np.testing.assert_allclose([points.x[0], points.y[0]], corner + metre / 2, atol=1e-7)


def test_planar_centroids_and_points_as_they_are() -> None:
    mixed = gpd.GeoSeries([shapely.box(0, 0, 2000, 2000), shapely.Point(4000, 1000)], ["a", "b"], crs=32650)
    points = points_of(mixed)
    np.testing.assert_allclose(np.column_stack([points.x, points.y]), [[1, 1], [4, 1]])
    assert sp.weights.knn(mixed, 1).meta.parameters["points"] == "centroid"
    assert sp.weights.knn(cities_at([0, 1], [0, 1]), 1).meta.parameters["points"] == "point"


def test_seats_come_first() -> None:
    cells = gpd.GeoDataFrame(
        {"lon": [1.0, 12.0], "lat": [1.0, 1.0]},
        index=["a", "b"],
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)],
        crs=4326,
    )
    seats = gpd.points_from_xy(cells["lon"], cells["lat"], crs=4326)
    by_column = cells.assign(seat=gpd.GeoSeries(seats, index=cells.index))
    by_pair = cells.copy()
    by_pair.attrs["seat"] = ("lon", "lat")
    by_name = by_column.rename(columns={"seat": "town_hall"})
    by_name.attrs["seat"] = "town_hall"
    elsewhere = by_column.assign(seat=by_column["seat"].to_crs(32631))
    bare = by_column.copy()
    bare["seat"] = gpd.GeoSeries(np.asarray(by_column["seat"].values), index=cells.index)
    for cities in (by_column, by_pair, by_name, elsewhere, bare):
        points = points_of(cities)
        assert points.source == "seat"
        np.testing.assert_allclose(points.x, [1, 12], atol=1e-9)
    named = cells.assign(seat=["the name of the seat", "another"])
    assert points_of(named).source == "centroid"


def test_shipped_cities_are_measured_from_their_seats(china: Any) -> None:
    W = sp.weights.knn(china, 4)
    assert W.meta.parameters["points"] == "seat"
    names = china["name_en"]
    beijing = names.index[names == "Beijing"][0]
    assert "Langfang" in set(names[W.neighbors(beijing).index])


def test_seats_that_cannot_be_used() -> None:
    cells = gpd.GeoDataFrame(
        {"x": [1.0, 12.0], "y": [1.0, 1.0]},
        index=["a", "b"],
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)],
        crs=32650,
    )
    gap = cells.assign(seat=gpd.GeoSeries([shapely.Point(1, 1), None], index=cells.index))
    with pytest.raises(DataError, match="seat that is one point; missing or not a point at 'b'"):
        sp.weights.knn(gap, 1)
    cells.attrs["seat"] = ("x", "y")
    with pytest.raises(DataError, match="look like degrees, and the CRS of the layer is projected"):
        sp.weights.knn(cells, 1)
    cells.attrs["seat"] = ("lon", "y")
    with pytest.raises(DataError, match="names columns that are not there: 'lon'"):
        sp.weights.knn(cells, 1)


# ---- coincident points
@pytest.mark.parametrize(
    "build",
    [
        lambda c: sp.weights.knn(c, 1),
        lambda c: sp.weights.distance_band(c, 2000),
        lambda c: sp.weights.inverse_distance(c),
        lambda c: sp.weights.inverse_distance(c, cutoff_km=100),
        lambda c: sp.weights.kernel(c, bandwidth_km=2000),
        lambda c: sp.weights.kernel(c, neighbors=1),
        lambda c: sp.weights.gravity(c, pd.Series(1.0, c.index)),
    ],
)
@pytest.mark.parametrize("shift", [0.0, 1e-9])
def test_coincident_points_are_named_never_moved(build: Any, shift: float) -> None:
    cities = cities_at([100, 100 + shift, 110, 105], [30, 30, 30, 31], ["b", "a", "c", "d"])
    before = cities.geometry.to_wkb().tolist()
    with pytest.raises(
        WeightsError, match=r"2 of 4 points lie within a millimetre.*'[ab]', '[ab]'\..*never moved"
    ):
        build(cities)
    assert cities.geometry.to_wkb().tolist() == before


def test_coincident_across_180_and_at_the_pole() -> None:
    with pytest.raises(WeightsError, match="'a', 'b', 'c', 'd'"):
        sp.weights.knn(cities_at([10, 170, 180, -180, 5], [90, 90, 3, 3, 5], ["a", "b", "c", "d", "e"]), 1)


def test_coincident_points_kept_where_asked() -> None:
    cities = cities_at([0, 0, 1000, 5000], [0, 0, 0, 0], list("badc"), 32650)
    W = sp.weights.knn(cities, 1, coincident="keep")
    assert W.neighbors("b").index.tolist() == ["a"]
    assert W.neighbors("d").index.tolist() == ["a"]
    assert sp.weights.distance_band(cities, 0.5, coincident="keep").n_links == 2
    kernel = sp.weights.kernel(cities, bandwidth_km=2, coincident="keep")
    assert kernel.neighbors("b").to_dict() == {"a": 1.0, "d": 0.5}
    with pytest.raises(WeightsError, match=r"Bandwidths by neighbours need points.*neighbors above 1"):
        sp.weights.kernel(cities, neighbors=1, coincident="keep")
    adaptive = sp.weights.kernel(cities, neighbors=2, coincident="keep")
    assert adaptive.neighbors("b").to_dict() == {"a": 1.0}


# ---- islands
def test_islands_of_a_band(square: Any) -> None:
    assert sp.weights.distance_band(square, 1.2).islands.tolist() == ["e"]
    with pytest.raises(WeightsError, match=r"1 of 5 have none: 'e'. Lengthen the distance"):
        sp.weights.distance_band(square, 1.2, islands="raise")
    W = sp.weights.distance_band(square, 1.2, islands="nearest")
    assert W.neighbors("e").to_dict() == {"b": 1.0}
    assert W.neighbors("b").to_dict() == {"a": 1.0, "d": 1.0, "e": 1.0}
    assert W.meta.islands == "nearest"
    inverse = sp.weights.inverse_distance(square, cutoff_km=1.2, islands="nearest")
    assert inverse.neighbors("e").to_dict() == {"b": 0.25}
    with pytest.raises(WeightsError, match=r"1 of 5 have none: 'e'. Widen the bandwidth"):
        sp.weights.kernel(square, bandwidth_km=1.2, islands="raise")
    one = cities_at([0], [0], ["a"])
    assert sp.weights.distance_band(one, 5).islands.tolist() == ["a"]
    with pytest.raises(WeightsError, match="needs two units or more"):
        sp.weights.distance_band(one, 5, islands="nearest")


# ---- refusals
@pytest.mark.parametrize(
    "build", [BUILDERS["knn"], BUILDERS["band"], BUILDERS["inverse"], BUILDERS["kernel"]]
)
@pytest.mark.parametrize(
    ("cities", "message"),
    [
        (cities_at([0, 1], [0, 1], crs=None), r"need a coordinate reference system.*set_crs\(4326\)"),
        (cities_at([39.9, 31.2], [116.4, 121.5], ["x", "y"]), r"swapped\? Units: 'x', 'y'"),
        (cities_at([5e5, 6e5], [4e6, 4e6]), "Projected coordinates"),
        (cities_at([190, 200], [30, 40]), "Wrap longitudes"),
        (cities_at([0, np.inf], [0, 1], ["a", "b"]), "must be finite.*Units: 'b'"),
        (cities_at([0, np.inf], [0, 1], ["a", "b"], 32650), "missing or infinite at 'b'"),
        (cities_at([0, 1], [0, 1], ["a", "a"]), "must have unique ids.*'a'"),
        (cities_at([0, 1], [0, 1], ["a", None]), "1 are missing, at rows 1"),
        (gpd.GeoDataFrame(geometry=[shapely.Point(0, 0), None], crs=4326), "missing or empty at 1"),
        (gpd.GeoDataFrame(geometry=[shapely.Point()], crs=4326), "missing or empty at 0"),
        (gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326), "a point or a polygon"),
        (
            gpd.GeoDataFrame(geometry=[shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], crs=4326),
            r"must be valid; 1 are not: 0 \(the first: Self-intersection.*make_valid",
        ),
        (gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 300, 1)], crs=4326), "Wrap longitudes.*Units: 0"),
        (gpd.GeoDataFrame(geometry=[], crs=4326), "the table is empty"),
        (cities_at([0, 1], [0, 1], crs='LOCAL_CS["x", UNIT["m", 1]]'), "a geographic or a projected CRS"),
        (pd.DataFrame({"x": [1]}), "must be a GeoDataFrame indexed by unit id; got DataFrame"),
        (np.zeros((2, 2)), "must be a GeoDataFrame.*got ndarray"),
    ],
)  # fmt: skip
def test_cities_that_cannot_be_measured(build: Any, cities: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build(cities)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: sp.weights.knn(c, 5), "got k = 5 and 5 units. Take k at most 4"),
        (lambda c: sp.weights.knn(c, 0), "k must be a whole number, 1 or more; got 0"),
        (lambda c: sp.weights.knn(c, 2.5), r"got 2\.5"),
        (lambda c: sp.weights.knn(c, True), "got True"),
        (lambda c: sp.weights.knn(c, 1, coincident="jitter"), "one of 'raise', 'keep'; got 'jitter'"),
        (lambda c: sp.weights.distance_band(c, -1), "km must be a finite number above zero; got -1"),
        (lambda c: sp.weights.distance_band(c, np.nan), "got nan"),
        (lambda c: sp.weights.distance_band(c, "200 km"), "got '200 km'"),
        (lambda c: sp.weights.distance_band(c, 5, islands="keeep"), r"got 'keeep'. Did you mean 'keep'\?"),
        (lambda c: sp.weights.inverse_distance(c, power=0), "power must be a finite number above zero"),
        (lambda c: sp.weights.inverse_distance(c, own=-1), "own must be a finite number, zero or more"),
        (lambda c: sp.weights.inverse_distance(c, cutoff_km=0), "cutoff_km must be"),
        (lambda c: sp.weights.inverse_distance(c, cutoff_km=True), "cutoff_km must be"),
        (lambda c: sp.weights.kernel(c, bandwidth_km=5, function="triangle"), "Did you mean 'triangular'"),
        (lambda c: sp.weights.kernel(c), "either bandwidth_km.*or neighbors"),
        (lambda c: sp.weights.kernel(c, bandwidth_km=1, neighbors=2), "either bandwidth_km.*or neighbors"),
        (lambda c: sp.weights.kernel(c, neighbors=5), "Take k at most 4"),
        (lambda c: sp.weights.kernel(c, bandwidth_km=5, cutoff_km=9), "'triangular' ends at its bandwidth"),
        (lambda c: sp.weights.kernel(c, neighbors=2, cutoff_km=9), "cutoff_km goes with bandwidth_km"),
        (lambda c: sp.weights.kernel(c, bandwidth_km=5, own="K"), "own must be"),
        (lambda c: sp.weights.kernel(c, bandwidth_km=5, islands="nearest"), "islands must be one of"),
        (
            lambda c: sp.weights.gravity(c, pd.Series(0.0, c.index)),
            "Masses must be above zero; not so at 'a'",
        ),
    ],
)
def test_arguments_that_make_no_sense(square: Any, call: Any, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        call(square)


def test_ellipsoids_need_degrees(square: Any) -> None:
    with pytest.raises(DataError, match="needs longitudes and latitudes; the CRS is EPSG:32650"):
        sp.weights.knn(square, 1, ellipsoid="WGS84")


def test_masses_are_matched_by_label(square: Any) -> None:
    with pytest.raises(AlignmentError, match="In the cities only: 'e'"):
        sp.weights.gravity(square, pd.Series(1.0, list("abcd")))
    with pytest.raises(DataError, match="Masses must be finite; NaN or infinity at 'c'"):
        sp.weights.gravity(square, pd.Series([1, 1, np.nan, 1, 1], list("abcde")))
    with pytest.raises(DataError, match=r"mass must be a Series indexed by unit id.*got ndarray"):
        sp.weights.gravity(square, np.ones(5))


def test_full_matrices_are_refused_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    many = cities_at(np.linspace(0, 100, 20_002), np.zeros(20_002))
    with pytest.raises(
        WeightsError, match=r"all pairs of 20,002 units would have 400 million links.*4\.8 GB.*cutoff_km"
    ):
        sp.weights.inverse_distance(many)
    with pytest.raises(WeightsError, match="Give cutoff_km"):
        sp.weights.gravity(many, pd.Series(1.0, many.index))
    monkeypatch.setattr(checks, "MAX_LINKS", 1000)
    with pytest.raises(WeightsError, match=r"A band of 50 km would have .* million links.*knn"):
        sp.weights.distance_band(many, 50)


def test_weights_beyond_the_numbers_are_refused() -> None:
    near = cities_at([0, 0.01, 900], [0, 0, 0], ["a", "b", "c"], 32650)
    with pytest.raises(WeightsError, match=r"Weights must be finite.*'a', 'b'"):
        sp.weights.inverse_distance(near, power=70)
    with pytest.raises(WeightsError, match=r"Weights must be finite.*'a', 'b'"):
        sp.weights.economic(pd.Series([1.0, 1 + 1e-12, 3], ["a", "b", "c"]), power=30)


def test_indices_are_32_bit() -> None:
    cities = sphere(50, 1)
    for build in BUILDERS.values():
        matrix = build(cities).sparse
        assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
