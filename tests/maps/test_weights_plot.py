"""The connectivity map: every link once, by id, over the right points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PatchCollection, PathCollection, PolyCollection
from shapely import Point, Polygon, box

from spatial.errors import AlignmentError, DataError
from spatial.maps import connectivity as plot
from spatial.maps.connectivity import connectivity_map
from spatial.weights import Meta, Weights

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


def squares(n: int = 4, crs: int | None = 4326) -> gpd.GeoDataFrame:
    shapes = [box(k, 50 + 0.1 * k, k + 1, 51 + 0.1 * k) for k in range(n)]
    return gpd.GeoDataFrame({"id": list("abcdefghij")[:n]}, geometry=shapes, crs=crs).set_index("id")


CHAIN = Weights.from_dense(
    [[0, 1.0, 0, 0], [1, 0, 0.5, 0], [0, 0, 0, 0], [0, 0, 0, 0]], ids=list("abcd"), meta=Meta("given")
)


def lines_of(ax: Any) -> set[tuple[tuple[float, float], ...]]:
    collection = next(c for c in ax.collections if isinstance(c, LineCollection))
    return {tuple(sorted(map(tuple, np.round(s, 6).tolist()))) for s in collection.get_segments()}


def test_each_pair_is_drawn_once_between_centroids() -> None:
    ax = connectivity_map(CHAIN, squares())
    a, b, c = (0.5, 50.5), (1.5, 50.6), (2.5, 50.7)
    assert lines_of(ax) == {(a, b), (b, c)}
    strong, weak = sorted(
        next(c for c in ax.collections if isinstance(c, LineCollection)).get_colors()[:, 3]
    )[::-1]
    assert strong > weak
    assert ax.get_title(loc="left") == "Given weights: 4 units, 3 links"
    assert [t.get_text() for t in ax.texts] == ["0.8 neighbours on average"]
    ax.figure.canvas.draw()


def test_order_of_the_cities_does_not_matter() -> None:
    one = lines_of(connectivity_map(CHAIN, squares()))
    assert lines_of(connectivity_map(CHAIN, squares().iloc[[2, 0, 3, 1]])) == one
    assert lines_of(connectivity_map(CHAIN.reordered(list("dbca")), squares())) == one


def test_cities_of_another_map_are_refused() -> None:
    with pytest.raises(
        AlignmentError, match=r"the cities and the weights must have the same ids.*weights only: 'd'"
    ):
        connectivity_map(CHAIN, squares(3))
    with pytest.raises(DataError, match="needs cities with geometry, a GeoDataFrame; got DataFrame"):
        connectivity_map(CHAIN, pd.DataFrame(index=list("abcd")))
    with pytest.raises(DataError, match=r"The cities have no column 'saet'\. Did you mean 'seat'\?"):
        connectivity_map(CHAIN, squares().assign(seat=0), points="saet")
    empty = squares()
    empty.loc["b", "geometry"] = Polygon()
    with pytest.raises(DataError, match="needs a point for each unit; some geometries are empty or missing"):
        connectivity_map(CHAIN, empty)


def test_seats_are_taken_where_there_are_any() -> None:
    cities = squares()
    cities["seat"] = gpd.GeoSeries([Point(k + 0.2, 50.4) for k in range(4)], index=cities.index, crs=4326)
    cities["port"] = cities["seat"].translate(0, 0.1)
    assert lines_of(connectivity_map(CHAIN, cities)) == {
        ((0.2, 50.4), (1.2, 50.4)),
        ((1.2, 50.4), (2.2, 50.4)),
    }
    assert ((0.2, 50.5), (1.2, 50.5)) in lines_of(connectivity_map(CHAIN, cities, points="port"))


def test_islands_stand_out_and_are_counted() -> None:
    ax = connectivity_map(CHAIN, squares())
    dots = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert [len(c.get_offsets()) for c in dots] == [2, 2]  # c is reached by b, but has no neighbour itself
    assert ax.get_legend().get_texts()[0].get_text() == "2 islands (no neighbours)"
    tint = next(c for c in ax.collections if isinstance(c, PolyCollection))
    assert len(tint.get_paths()) == 2
    full = Weights.from_dense(np.ones((4, 4)) - np.eye(4), ids=list("abcd"))
    assert connectivity_map(full, squares()).get_legend() is None


def test_equal_kilometres_in_degrees_and_in_the_plane() -> None:
    degrees = connectivity_map(CHAIN, squares())
    assert degrees.get_aspect() == pytest.approx(1 / np.cos(np.radians(50.65)), rel=1e-3)
    assert connectivity_map(CHAIN, squares(crs=3857)).get_aspect() == 1.0
    assert connectivity_map(CHAIN, squares(crs=None)).get_aspect() == 1.0


def test_links_over_the_antimeridian_do_not_cross_the_map() -> None:
    points = gpd.GeoDataFrame(
        {"id": list("ab")}, geometry=[Point(179, 0), Point(-178, 2)], crs=4326
    ).set_index("id")
    W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=list("ab"))
    ax = connectivity_map(W, points)
    assert lines_of(ax) == {((179.0, 0.0), (182.0, 2.0))}
    assert 178 < ax.get_xlim()[0] < 179 < 182 < ax.get_xlim()[1] < 183
    world = points.set_geometry([box(170, -10, 180, 10), box(-180, -10, 170, 10)], crs=4326)
    world["seat"] = points.geometry
    ax = connectivity_map(W, world)
    assert lines_of(ax) == {((179.0, 0.0), (182.0, 2.0)), ((-181.0, 0.0), (-178.0, 2.0))}
    assert -200 < ax.get_xlim()[0] < -180 < 180 < ax.get_xlim()[1] < 200
    plane = points.set_crs(3857, allow_override=True)
    assert lines_of(connectivity_map(W, plane)) == {((-178.0, 2.0), (179.0, 0.0))}


def test_many_neighbours_of_different_strength_show_the_strongest() -> None:
    n = 40
    place = np.arange(n)
    apart = np.abs(place[:, None] - place)
    with np.errstate(divide="ignore"):
        matrix = np.where(apart > 0, 1.0 / apart, 0.0)
    cities = gpd.GeoDataFrame(geometry=gpd.points_from_xy(place, place % 7), crs=3857)
    W = Weights.from_dense(matrix)
    ax = connectivity_map(W, cities)
    assert (
        ax.texts[0].get_text()
        == "39.0 neighbours on average; drawn are the 4 strongest links of each unit, 83 pairs"
    )
    assert len(lines_of(ax)) == 83  # two steps to each side, further from the two units at either end
    assert (
        len(lines_of(connectivity_map(W, cities, strongest=1))) == n - 1
    )  # both neighbours at distance 1 tie
    assert len(lines_of(connectivity_map(W, cities, strongest=n))) == n * (n - 1) // 2
    alike = connectivity_map(W.binary(), cities)
    assert len(lines_of(alike)) == n * (n - 1) // 2
    assert "strongest" not in alike.texts[0].get_text()


def test_more_lines_are_paler() -> None:
    bounds = np.array([0.0, 0, 1, 1])
    ends = np.random.default_rng(0).random((5000, 2, 2))
    opacity = [plot._opacity(ends[:m], bounds, 0.8) for m in (10, 500, 5000)]
    assert opacity[0] == 0.85
    assert opacity[0] >= opacity[1] > opacity[2] >= 0.008
    assert plot._opacity(ends[:0], bounds, 0.8) == 1.0


@pytest.mark.parametrize(
    ("meta", "title"),
    [
        (Meta("contiguity", {"rook": False}), "Queen contiguity: 2 units, 2 links"),
        (Meta("contiguity", {"rook": True}), "Rook contiguity: 2 units, 2 links"),
        (Meta("knn", {"k": 6}), "K nearest neighbours (k = 6): 2 units, 2 links"),
        (Meta("distance_band", {"km": 250.0}), "Distance band (within 250 km): 2 units, 2 links"),
        (
            Meta("inverse_distance", {"power": 2.0, "cutoff_km": None}),
            "Inverse distance (power 2): 2 units, 2 links",
        ),
    ],
)
def test_titles(meta: Meta, title: str) -> None:
    W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=list("ab"), meta=meta)
    assert connectivity_map(W, squares(2)).get_title(loc="left") == title
    assert connectivity_map(W, squares(2), title="Mine").get_title(loc="left") == "Mine"


def test_given_axes_outlines_and_holes() -> None:
    figure, ax = plt.subplots()
    assert CHAIN.plot(squares(), ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    ring = squares()
    ring.loc["a", "geometry"] = box(0, 50, 1, 51).difference(box(0.4, 50.4, 0.6, 50.6))
    ax = connectivity_map(CHAIN, ring)
    land = next(c for c in ax.collections if isinstance(c, PatchCollection))
    assert len(land.get_paths()) == 4
    assert len(land.get_paths()[0].vertices) == 10
    bare = connectivity_map(CHAIN, squares(), outlines=False)
    assert not any(isinstance(c, PatchCollection) for c in bare.collections)


def test_weights_without_links_and_libpysal_weights() -> None:
    ax = connectivity_map(Weights.from_dense(np.zeros((4, 4)), ids=list("abcd")), squares())
    assert lines_of(ax) == set()
    ax.figure.canvas.draw()
    full = Weights.from_dense(np.ones((4, 4)) - np.eye(4), ids=list("abcd"))
    assert len(lines_of(connectivity_map(full.to_graph(), squares()))) == 6
    own = Weights.from_dense(np.eye(4), ids=list("abcd"))
    assert lines_of(connectivity_map(own, squares())) == set()
