"""Delaunay, Gabriel, relative neighbours, Voronoi: as libpysal in the plane, by definition on the sphere."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

import spatial as sp
from spatial.errors import WeightsError
from spatial.places.sphere import unit_vectors
from spatial.weights import Weights, delaunay, from_spec, gabriel, relative_neighbors, voronoi

ALL = (delaunay, gabriel, relative_neighbors, voronoi)


def points(x: Any, y: Any, crs: int = 4326) -> Any:
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=crs)


def links(W: Weights) -> set[tuple[int, int]]:
    return {(int(i), int(j)) for i, j in zip(*W.sparse.nonzero(), strict=True) if i < j}


@pytest.mark.evidence(
    "weights.delaunay",
    "weights.gabriel",
    "weights.relative_neighbors",
    "weights.voronoi",
    source="libpysal Graph.build_triangulation; Voronoi by equality with Delaunay",
)
@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 60])
def test_planar_graphs_as_in_libpysal(n: int) -> None:
    from libpysal.graph import Graph

    cities = points(*np.random.default_rng(1).uniform(0, 1e6, (2, n)), 32650)
    for build, name in (
        (delaunay, "delaunay"),
        (gabriel, "gabriel"),
        (relative_neighbors, "relative_neighborhood"),
    ):
        theirs = Weights.from_graph(Graph.build_triangulation(cities, method=name))
        assert links(build(cities)) == links(theirs)
        assert build(cities).report(spectrum=False).n_components == 1
    assert voronoi(cities).equals(delaunay(cities))  # no four points on one circle


def by_definition(place: Any) -> tuple[set[Any], set[Any], set[Any]]:
    """Empty caps, empty caps about the middle, empty lunes: each pair and triple tried."""
    n = len(place)
    triangles, middles, lunes = set(), set(), set()
    for i, j, k in combinations(range(n), 3):
        axis = np.cross(place[j] - place[i], place[k] - place[i])
        axis *= np.sign(axis @ place[i]) / np.linalg.norm(axis)
        if (place @ axis <= axis @ place[i] + 1e-13).all():
            triangles |= {(i, j), (j, k), (i, k)}
    for i, j in combinations(range(n), 2):
        others = np.delete(place, [i, j], axis=0)
        middle = (place[i] + place[j]) / np.linalg.norm(place[i] + place[j])
        if (np.linalg.norm(others - middle, axis=1) > np.linalg.norm(place[i] - middle)).all():
            middles.add((i, j))
        nearer = np.maximum(*(np.linalg.norm(others - place[e], axis=1) for e in (i, j)))
        if (nearer >= np.linalg.norm(place[i] - place[j])).all():
            lunes.add((i, j))
    return triangles, middles, lunes


@pytest.mark.parametrize("where", ["globe", "china", "antimeridian", "pole", "one city"])
def test_graphs_on_the_sphere_by_their_definitions(where: str) -> None:
    rng = np.random.default_rng(3)
    lon, lat = {
        "globe": (rng.uniform(-180, 180, 25), np.degrees(np.arcsin(rng.uniform(-1, 1, 25)))),
        "china": (rng.uniform(75, 130, 25), rng.uniform(18, 53, 25)),
        "antimeridian": ((rng.uniform(170, 190, 25) + 180) % 360 - 180, rng.uniform(-20, 20, 25)),
        "pole": (rng.uniform(-180, 180, 25), rng.uniform(75, 90, 25)),
        "one city": (rng.uniform(116, 116.5, 25), rng.uniform(39.7, 40.1, 25)),
    }[where]
    triangles, middles, lunes = by_definition(unit_vectors(lon, lat))
    cities = points(lon, lat)
    assert links(delaunay(cities)) == triangles
    assert links(gabriel(cities)) == middles
    assert links(relative_neighbors(cities)) == lunes
    assert links(voronoi(cities)) == links(voronoi(cities, rook=True)) == triangles
    assert lunes <= middles <= triangles


def test_lattices_where_four_points_lie_on_one_circle() -> None:
    from libpysal.weights import lat2W

    x, y = np.meshgrid(np.arange(8.0), np.arange(6.0))
    cities = points(1000 * x.ravel(), 1000 * y.ravel(), 32650)
    queen, rook = (sp.weights.as_weights(lat2W(6, 8, rook=r)) for r in (False, True))
    assert links(voronoi(cities)) == links(queen)
    for build in (gabriel, relative_neighbors, lambda c: voronoi(c, rook=True)):
        assert links(build(cities)) == links(rook)
    assert len(links(delaunay(cities))) == len(links(rook)) + 7 * 5  # one diagonal of each square


@pytest.mark.parametrize("build", ALL)
def test_the_order_of_the_rows_does_not_matter(build: Any) -> None:
    x, y = np.meshgrid(np.arange(5.0), np.arange(4.0))
    for cities in (points(x.ravel() + 100, y.ravel() + 30), points(1e3 * x.ravel(), 1e3 * y.ravel(), 32650)):
        shuffled = cities.iloc[np.random.default_rng(0).permutation(20)]
        assert build(shuffled).reordered(cities.index).equals(build(cities))


@pytest.mark.parametrize(
    ("lon", "lat", "edges", "corners", "sides"),
    [
        ([0], [0], 0, 0, 0),
        ([0, 1], [0, 0], 1, 1, 1),
        ([0, 1, 2], [0, 0, 0], 2, 2, 2),  # on a great circle: a chain
        ([0, 1, 0], [0, 0, 1], 3, 3, 3),
        ([0, 90, 180, -90], [0, 0, 0, 0], 4, 4, 4),  # round the equator: a ring
        ([0, 10, 20, 30], [0, 0, 0, 0], 3, 3, 3),
        ([0, 10, 20, 30], [40, 40, 40, 40], 5, 6, 4),  # a parallel is a circle
        ([0, 72, 144, -144, -72], [60, 60, 60, 60, 60], 7, 10, 5),
    ],
)
def test_few_points_and_points_on_a_line(lon: Any, lat: Any, edges: int, corners: int, sides: int) -> None:
    cities = points(lon, lat)
    found = [delaunay(cities), voronoi(cities), voronoi(cities, rook=True)]
    assert [len(links(W)) for W in found] == [edges, corners, sides]
    assert found[0].report(spectrum=False).n_components == 1


def test_points_on_a_line_of_the_plane() -> None:
    cities = points([0, 3e3, 1e3, 2e3], [0, 3e3, 1e3, 2e3], 32650)
    for build in ALL:
        assert links(build(cities)) == {(0, 2), (2, 3), (1, 3)}


@pytest.mark.parametrize("build", ALL)
def test_coincident_points_are_named(build: Any) -> None:
    with pytest.raises(WeightsError, match=r"need points in distinct places.*: 1, 2"):
        build(points([0, 1, 1], [0, 1, 1]))


def test_meta_and_short_texts() -> None:
    nc = sp.shapefiles.load("nc")
    for text, build in zip(("delaunay", "gabriel", "relative", "voronoi"), ALL, strict=True):
        W = from_spec(nc, text)
        assert W.equals(build(nc))
        assert W.meta.parameters["points"] == "centroid"
        assert W.meta.normalization == "none"
        with pytest.raises(WeightsError, match=f"must be written {text}"):
            from_spec(nc, f"{text}:3")
    assert voronoi(nc, rook=True).meta.parameters["rook"] is True
