"""Contiguity: against spdep and libpysal, on maps with T-junctions, gaps, overlaps and turns of the globe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from polygon_cases import layer, pairs
from shapely import MultiPolygon, Point, Polygon, box

import spatial as sp
from spatial.errors import AlignmentError, DataError, WeightsError

SPDEP = json.loads((Path(__file__).parent.parent / "reference" / "weights_spdep.json").read_text())


def lattice(m: int, step: float = 1.0, origin: float = 0.0, turn: float = 0.0) -> Any:
    """Return m x m cells, turned by `turn` degrees so that no coordinate is a round number."""
    x, y = np.meshgrid(np.arange(m), np.arange(m))
    lines = origin + step * np.arange(m + 1)
    cells = shapely.box(lines[x.ravel()], lines[y.ravel()], lines[x.ravel() + 1], lines[y.ravel() + 1])
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    cells = shapely.transform(cells, lambda xy: xy @ np.array([[cosine, sine], [-sine, cosine]]))
    return gpd.GeoDataFrame(geometry=cells)


@pytest.fixture(scope="module")
def columbus() -> Any:
    from libpysal.examples import get_path

    return gpd.read_file(get_path("columbus.shp"))


# ---- spdep and libpysal
@pytest.mark.evidence("weights.contiguity", digits=10, source="spdep 1.4.2 poly2nb, columbus")
@pytest.mark.parametrize("kind", ["queen", "rook"])
def test_columbus_as_in_spdep(columbus: Any, kind: str) -> None:
    W, expected = sp.weights.contiguity(columbus, rook=kind == "rook"), SPDEP["columbus"][kind]
    assert [W.neighbors(i).index.tolist() for i in W.ids] == expected["neighbours"]
    assert W.n_links == expected["nonzero"]
    for constants, weights in ((expected["constants_W"], W.row_standardized()), (expected["constants_B"], W)):
        matrix = weights.sparse.toarray()
        assert matrix.sum() == pytest.approx(constants["S0"], rel=1e-14)
        assert ((matrix + matrix.T) ** 2).sum() / 2 == pytest.approx(constants["S1"], rel=1e-13)
        assert ((matrix.sum(0) + matrix.sum(1)) ** 2).sum() == pytest.approx(constants["S2"], rel=1e-13)


@pytest.mark.parametrize("rook", [False, True])
def test_counties_as_in_libpysal(nc: Any, rook: bool) -> None:
    from libpysal.graph import Graph

    graph = Graph.build_contiguity(nc, rook=rook, strict=True)
    W = sp.weights.contiguity(nc, rook=rook)
    assert W.equals(sp.weights.Weights.from_graph(graph).reordered(W.ids))


@pytest.mark.parametrize("turn", [0.0, 17.0])
@pytest.mark.parametrize("step", [1.0, 0.1, 1234.5])
def test_lattices_by_count(turn: float, step: float) -> None:
    m = 9
    cells = lattice(m, step, 7.3, turn)
    assert sp.weights.contiguity(cells, rook=True).n_links == 4 * m * (m - 1)
    assert sp.weights.contiguity(cells).n_links == 4 * m * (m - 1) + 4 * (m - 1) ** 2


# ---- geometry decides, not vertices
def test_t_junctions_are_found() -> None:
    wall = layer({"long": box(0, 0, 1, 3), "low": box(1, 0.5, 2, 1.25), "high": box(1, 1.25, 2, 2.75)})
    for rook in (False, True):
        W = sp.weights.contiguity(wall, rook=rook)
        assert pairs(W) == {"highlong", "highlow", "longlow"}
        assert W.cardinalities.tolist() == [2, 2, 2]


@pytest.mark.parametrize("turn", [11.0, 29.0, 63.0, 200.0])
def test_t_junctions_on_slanted_borders_are_found(turn: float) -> None:
    # In floating point the junction is beside the border, by a rounding, on one side or the other.
    shapes = [box(0, 0, 1, 3), box(1, 0.3, 2, 1.1), box(1, 1.1, 2, 2.7), box(-1, 3, 2, 4)]
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    shapes = shapely.transform(shapes, lambda xy: 100 + xy @ np.array([[cosine, sine], [-sine, cosine]]))
    cities = layer(dict(zip("abcd", shapes, strict=True)))
    assert pairs(sp.weights.contiguity(cities, rook=True)) == {"ab", "ac", "bc", "ad"}
    assert pairs(sp.weights.contiguity(cities)) == {"ab", "ac", "bc", "ad"}


@pytest.mark.parametrize("rook", [False, True])
def test_more_vertices_on_one_side_of_a_border_change_nothing(nc: Any, rook: bool) -> None:
    finer = nc.copy()
    finer.geometry = [g if i % 2 else g.segmentize(0.03) for i, g in enumerate(nc.geometry)]
    assert sp.weights.contiguity(finer, rook=rook).equals(sp.weights.contiguity(nc, rook=rook))


@pytest.mark.parametrize("seed", range(3))
def test_random_maps_against_every_pair(seed: int) -> None:
    points = shapely.MultiPoint(np.random.default_rng(seed).uniform(-9, 9, (60, 2)))
    cells = np.asarray(shapely.get_parts(shapely.voronoi_polygons(points)))
    # On a map of round numbers some cells meet in one point only.
    cells = shapely.set_precision(cells, 0.5)
    cells = cells[(shapely.area(cells) > 0) & (shapely.get_type_id(cells) == 3)]
    rows = cells[:, None].copy()  # shapely locks its arguments: a view of the other cannot be unlocked
    common = shapely.intersection(rows, cells)
    touch = shapely.intersects(rows, cells) & ~np.eye(len(cells), dtype=bool)
    border = touch & ((shapely.length(common) > 0) | (shapely.area(common) > 0))
    map_ = gpd.GeoDataFrame(geometry=cells)
    queen = sp.weights.contiguity(map_, islands="keep")
    rook = sp.weights.contiguity(map_, rook=True, islands="keep")
    np.testing.assert_array_equal(queen.sparse.toarray(), touch)
    np.testing.assert_array_equal(rook.sparse.toarray(), border)
    assert queen.n_links > rook.n_links


def test_where_overlays_fail_predicates_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    from spatial.weights.build import borders

    def fail(*_: Any) -> Any:
        raise shapely.errors.GEOSException("TopologyException")

    monkeypatch.setattr(borders, "_border_length", fail)
    shapes = {"a": box(0, 0, 1, 3), "b": box(1, 1, 2, 2), "c": box(2, 2, 3, 4), "d": box(0.5, 0.5, 0.6, 0.6)}
    assert pairs(sp.weights.contiguity(layer(shapes), rook=True, islands="keep")) == {"ab", "ad"}


# ---- the globe
def test_neighbours_across_180_degrees() -> None:
    shapes = {
        "east": box(170, 0, 180, 10),
        "west": box(-180, 0, -170, 10),
        "split": MultiPolygon([box(178, 10, 180, 12), box(-180, 10, -178, 12)]),
        "corner": box(-180, -5, -170, 0),
        "far": box(-170, 0, -160, 10),
    }
    cities = layer(shapes, 4326)
    queen = {"eastwest", "eastsplit", "splitwest", "cornereast", "cornerwest", "farwest", "cornerfar"}
    assert pairs(sp.weights.contiguity(cities)) == queen
    rook = pairs(sp.weights.contiguity(cities, rook=True))
    assert rook == {"eastwest", "eastsplit", "splitwest", "cornerwest", "farwest"}
    planar = sp.weights.contiguity(cities.set_crs(None, allow_override=True), islands="keep")
    assert "eastwest" not in pairs(planar)  # without a CRS nobody knows that the plane is a globe


def test_neighbours_at_the_pole_share_a_point() -> None:
    cities = layer({"a": box(0, 80, 20, 90), "b": box(90, 80, 120, 90), "c": box(20, 80, 40, 90)}, 4326)
    assert pairs(sp.weights.contiguity(cities)) == {"ab", "ac", "bc"}
    assert pairs(sp.weights.contiguity(cities, rook=True, islands="keep")) == {"ac"}
    south = layer({"a": box(0, -90, 20, -80), "b": box(90, -90, 120, -80)}, 4326)
    assert pairs(sp.weights.contiguity(south)) == {"ab"}


# ---- gaps
def test_snap_closes_gaps_in_kilometres_on_lon_lat() -> None:
    degree = 111.195080233533  # of latitude, on the sphere
    north = layer({"a": box(0, 60, 1, 61), "b": box(0, 61 + 2 / degree, 1, 62)}, 4326)
    east = layer(
        {"a": box(0, 60, 1, 60.001), "b": box(1 + 2 / (degree * np.cos(np.radians(60.001))), 60, 3, 61)}, 4326
    )
    around = layer({"a": box(179, 60, 179.99, 61), "b": box(-180, 60, -179, 61)}, 4326)
    for rook in (False, True):
        assert sp.weights.contiguity(north, rook=rook, snap_km=2.001).n_links == 2
        assert sp.weights.contiguity(north, rook=rook, snap_km=1.999, islands="keep").n_links == 0
    assert sp.weights.contiguity(east, snap_km=2.001).n_links == 2
    assert sp.weights.contiguity(east, snap_km=1.999, islands="keep").n_links == 0
    assert sp.weights.contiguity(around, snap_km=0.6).n_links == 2
    assert sp.weights.contiguity(around, rook=True, snap_km=0.6).n_links == 2
    assert sp.weights.contiguity(around, snap_km=0.5, islands="keep").n_links == 0
    assert sp.weights.contiguity(north, snap_km=2.001).meta.parameters["snap_km"] == 2.001


def test_snap_on_a_plane() -> None:
    shapes = {"a": box(0, 0, 1000, 1000), "b": box(1010, 0, 2000, 1000), "c": box(1000, 1010, 2000, 2000)}
    cities = layer(shapes, 32650)
    assert pairs(sp.weights.contiguity(cities, snap_km=0.0101)) == {"ab", "ac", "bc"}
    assert pairs(sp.weights.contiguity(cities, rook=True, snap_km=0.0101)) == {"ab", "bc"}
    feet = cities.set_crs(2264, allow_override=True)
    assert sp.weights.contiguity(feet, snap_km=0.0031).n_links == 6
    assert sp.weights.contiguity(feet, snap_km=0.0030, islands="keep").n_links == 0


def test_snap_adds_links_and_takes_none_away(columbus: Any) -> None:
    cities = columbus.set_crs(32650)
    for rook in (False, True):
        plain = sp.weights.contiguity(cities, rook=rook)
        snapped = sp.weights.contiguity(cities, rook=rook, snap_km=0.0005)
        assert snapped.n_links > plain.n_links or rook
        assert (plain.sparse > snapped.sparse).nnz == 0


def test_snap_near_the_pole() -> None:
    cities = layer({"a": box(0, 89.9, 10, 89.95), "b": box(180 - 1e-6, 89.9, 180, 89.95)}, 4326)
    assert sp.weights.contiguity(cities, snap_km=12).n_links == 2  # over the pole
    assert sp.weights.contiguity(cities, snap_km=11, islands="keep").n_links == 0
    cities = layer({"a": box(0, 89.5, 10, 89.6), "b": box(10.5, 89.5, 30, 89.6)}, 4326)
    gap = sp.weights.great_circle_km(10, 89.6, 10.5, 89.6)
    assert sp.weights.contiguity(cities, snap_km=gap * 1.001).n_links == 2
    assert sp.weights.contiguity(cities, snap_km=gap * 0.999, islands="keep").n_links == 0


# ---- islands and bridges
def test_islands_are_refused_kept_or_linked(quarters: Any) -> None:
    with pytest.raises(WeightsError, match=r"1 of 5 have none: 'e'.*bridge=.*islands='nearest'.*snap_km"):
        sp.weights.contiguity(quarters)
    kept = sp.weights.contiguity(quarters, islands="keep")
    assert kept.meta.islands == "keep"
    degrees = quarters.set_crs(4326)
    W = sp.weights.contiguity(degrees, islands="nearest")
    assert W.neighbors("e").to_dict() == {"b": 1.0}
    assert W.neighbors("b").index.tolist() == ["a", "c", "d", "e"]
    assert W.meta.islands == "nearest"
    shuffled = sp.weights.contiguity(degrees.sample(frac=1, random_state=3), islands="nearest")
    assert shuffled.reordered(W.ids).equals(W)
    with pytest.raises(DataError, match="need a coordinate reference system"):
        sp.weights.contiguity(quarters, islands="nearest")


def test_bridges_by_id_and_by_name(quarters: Any) -> None:
    W = sp.weights.contiguity(quarters, bridge=[("e", "b"), ("b", "e"), ("a", "b")])
    assert W.neighbors("e").to_dict() == {"b": 1.0}
    assert W.neighbors("b").to_dict() == {"a": 1.0, "c": 1.0, "d": 1.0, "e": 1.0}
    assert W.meta.parameters["bridge"] == [("e", "b"), ("b", "e"), ("a", "b")]
    named = quarters.assign(name=["甲", "乙", "丙", "丁", "海口"], name_en=["A", "B", "A", "D", "Haikou"])
    assert sp.weights.contiguity(named, bridge=[("Haikou", "乙")]).equals(W)
    with pytest.raises(AlignmentError, match=r"'A' is the name_en of 2 units: 'a', 'c'. Bridge by id"):
        sp.weights.contiguity(named, bridge=[("Haikou", "A")])
    with pytest.raises(
        AlignmentError, match=r"'Haiku' is not an id or in name, name_en .*Did you mean 'Haikou'"
    ):
        sp.weights.contiguity(named, bridge=[("Haiku", "A")])
    with pytest.raises(AlignmentError, match="'z' is not an id of these 5 cities"):
        sp.weights.contiguity(quarters, bridge=[("z", "a")])
    with pytest.raises(WeightsError, match=r"links two units; .* is one unit, 'e'"):
        sp.weights.contiguity(named, bridge=[("e", "Haikou")])
    for wrong in ("ab", ("a",), 5):
        with pytest.raises(WeightsError, match="a list of pairs of ids or names"):
            sp.weights.contiguity(quarters, bridge=[wrong])


def test_bridges_between_the_shipped_cities(china: Any) -> None:
    apart = sp.weights.contiguity(china)
    W = sp.weights.contiguity(china, bridge=[("Haikou", "Shenzhen")])
    assert W.n_links == apart.n_links + 2
    haikou, shenzhen = W.meta.parameters["bridge"][0]
    assert china["name_en"][haikou] == "Haikou"
    assert W.neighbors(shenzhen)[haikou] == 1.0
    by_chinese_name = [(china["name"][haikou], china["name"][shenzhen])]
    assert sp.weights.contiguity(china, bridge=by_chinese_name).equals(W)


# ---- geometry that cannot be used
def test_invalid_geometry_is_named_or_repaired() -> None:
    bowtie = Polygon([(1, 0), (3, 2), (3, 0), (1, 2)])
    cities = layer({"a": box(0, 0, 1, 2), "bow": bowtie, "c": box(3, 0, 4, 2)})
    with pytest.raises(DataError, match=r"1 are not: 'bow' \(the first: Self-intersection.*repair=True"):
        sp.weights.contiguity(cities)
    W = sp.weights.contiguity(cities, repair=True)
    assert pairs(W) == {"abow", "bowc"}
    assert W.meta.parameters["repair"] is True
    assert not cities.geometry["bow"].is_valid  # the caller's own is as it was
    lonely = layer({"a": box(0, 0, 1, 2), "bow": bowtie, "c": box(9, 0, 10, 2)}, 4326)
    assert pairs(sp.weights.contiguity(lonely, repair=True, islands="nearest")) == {"abow", "bowc"}


@pytest.mark.parametrize(
    ("cities", "message"),
    [
        (layer({"a": box(0, 0, 1, 1), "b": None}), "missing or empty at 'b'"),
        (layer({"a": box(0, 0, 1, 1), "b": Polygon()}), "missing or empty at 'b'"),
        (
            layer({"a": box(0, 0, 1, 1), "b": Point(0, 0)}),
            r"needs polygons; got Point at 'b'.*knn\(cities, k\)",
        ),
        (layer({"a": box(30, 100, 31, 101)}, 4326), r"swapped\? Units: 'a'"),
        (layer({"a": box(190, 30, 200, 31)}, 4326), "Wrap longitudes"),
        (layer({"a": box(5e5, 4e6, 6e5, 5e6)}, 4326), "Projected coordinates"),
        (layer({}, 4326), "the table is empty"),
        (gpd.GeoDataFrame(index=["a", "a"], geometry=[box(0, 0, 1, 1)] * 2), "must have unique ids.*'a'"),
        ("cities.shp", "must be a GeoDataFrame.*got str"),
    ],
)
def test_layers_that_cannot_be_used(cities: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        sp.weights.contiguity(cities)


def test_repair_of_a_polygon_without_area() -> None:
    flat = layer({"a": box(0, 0, 1, 1), "flat": Polygon([(0, 0), (1, 1), (0, 0), (1, 1)])})
    with pytest.raises(DataError, match="missing or empty at 'flat'"):
        sp.weights.contiguity(flat, repair=True)


def test_arguments_of_contiguity(quarters: Any) -> None:
    with pytest.raises(WeightsError, match=r"islands must be one of 'raise', 'keep', 'nearest'; got 'drop'"):
        sp.weights.contiguity(quarters, islands="drop")
    with pytest.raises(WeightsError, match="snap_km must be a finite number above zero; got 0"):
        sp.weights.contiguity(quarters, snap_km=0)
    with pytest.raises(DataError, match="need a coordinate reference system"):
        sp.weights.contiguity(quarters, snap_km=1)


# ---- invariance
@pytest.mark.parametrize("options", [{}, {"rook": True}, {"snap_km": 5.0}, {"rook": True, "snap_km": 2.0}])
def test_order_of_the_rows_does_not_matter(nc: Any, options: Any) -> None:
    W = sp.weights.contiguity(nc, **options)
    shuffled = sp.weights.contiguity(nc.sample(frac=1, random_state=5), **options)
    assert shuffled.reordered(W.ids).equals(W)
    labels = [f"x{i}" for i in range(len(nc))]
    renamed = sp.weights.contiguity(nc.set_axis(labels, axis=0), **options)
    assert renamed.ids.tolist() == labels
    assert (renamed.sparse != W.sparse).nnz == 0


def test_two_maps_apart_are_two_blocks(nc: Any) -> None:
    import pandas as pd

    moved = nc.set_geometry(nc.translate(60, 5)).rename(index=lambda i: f"copy of {i}")
    both = pd.concat([nc[["geometry"]], moved[["geometry"]]])
    W, one = sp.weights.contiguity(both), sp.weights.contiguity(nc)
    n = len(nc)
    assert (W.sparse[:n, :n] != one.sparse).nnz == 0
    assert (W.sparse[n:, n:] != one.sparse).nnz == 0
    assert W.n_links == 2 * one.n_links


def test_a_geoseries_will_do(quarters: Any) -> None:
    series = quarters.geometry.iloc[:4]
    assert sp.weights.contiguity(series).n_links == 12
    lonely = gpd.GeoSeries([box(0, 0, 1, 1), box(3, 0, 4, 1)], ["a", "b"], crs=4326)
    assert sp.weights.contiguity(lonely, islands="nearest").n_links == 2
