"""The connectivity map: every link once, by id, over the right points."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from shapely import Point, Polygon, box

from spatial.errors import AlignmentError, DataError
from spatial.maps import connectivity as plot
from spatial.maps.connectivity import connectivity_map, title_of
from spatial.weights import Meta, Weights


def squares(n: int = 4, crs: int | None = 4326) -> gpd.GeoDataFrame:
    shapes = [box(k, 50 + 0.1 * k, k + 1, 51 + 0.1 * k) for k in range(n)]
    return gpd.GeoDataFrame({"id": list("abcdefghij")[:n]}, geometry=shapes, crs=crs).set_index("id")


CHAIN = Weights.from_dense(
    [[0, 1.0, 0, 0], [1, 0, 0.5, 0], [0, 0, 0, 0], [0, 0, 0, 0]], ids=list("abcd"), meta=Meta("given")
)


def links(ax: Any) -> LineCollection:
    (found,) = [c for c in ax.collections if c.get_gid() == "links"]
    return found


def lines_of(ax: Any) -> set[tuple[tuple[float, float], ...]]:
    return {tuple(sorted(map(tuple, np.round(s, 6).tolist()))) for s in links(ax).get_segments()}


def drawn(gid: str, ax: Any) -> int:
    return sum(
        len(c.get_offsets()) if c.get_gid() in ("islands", "units-linked") else len(c.get_paths())
        for c in ax.collections
        if c.get_gid() == gid
    )


def test_each_pair_is_drawn_once_between_centroids() -> None:
    ax = connectivity_map(CHAIN, squares(), crs=4326)
    a, b, c = (0.5, 50.5), (1.5, 50.6), (2.5, 50.7)
    assert lines_of(ax) == {(a, b), (b, c)}
    strong, weak = sorted(links(ax).get_colors()[:, 3])[::-1]
    assert strong > weak
    assert (
        ax.figure.alt
        == "Given weights. 3 links, some of one direction, 0.8 neighbours on average, 2 components"
    )
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
    with pytest.raises(DataError, match="cities must be a GeoDataFrame indexed by id; got DataFrame"):
        connectivity_map(CHAIN, pd.DataFrame(index=list("abcd")))
    with pytest.raises(DataError, match=r"The cities have no column 'saet'\. Did you mean 'seat'\?"):
        connectivity_map(CHAIN, squares().assign(seat=0), points="saet")
    empty = squares()
    empty.loc["b", "geometry"] = Polygon()
    with pytest.raises(DataError, match="Each unit needs a shape to be drawn; these have none: 'b'"):
        connectivity_map(CHAIN, empty)
    seats = squares()
    seats["seat"] = gpd.GeoSeries(
        [Point(k, 50) if k else None for k in range(4)], index=seats.index, crs=4326
    )
    with pytest.raises(DataError, match="needs a point for each unit; 'seat' is empty at 'a'"):
        connectivity_map(CHAIN, seats)


def test_units_of_the_map_without_weights_are_hatched() -> None:
    ax = connectivity_map(CHAIN, squares(6))
    assert drawn("missing", ax) == 2
    assert "Hatched units are not in the weights (2)" in ax.figure.note
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["No data (2)"]


def test_seats_are_taken_where_there_are_any() -> None:
    cities = squares()
    cities["seat"] = gpd.GeoSeries([Point(k + 0.2, 50.4) for k in range(4)], index=cities.index, crs=4326)
    cities["port"] = cities["seat"].translate(0, 0.1)
    assert lines_of(connectivity_map(CHAIN, cities, crs=4326)) == {
        ((0.2, 50.4), (1.2, 50.4)),
        ((1.2, 50.4), (2.2, 50.4)),
    }
    ported = connectivity_map(CHAIN, cities, points="port", crs=4326)
    assert ((0.2, 50.5), (1.2, 50.5)) in lines_of(ported)


def test_islands_are_hollow_and_counted() -> None:
    ax = connectivity_map(CHAIN, squares())
    # c is reached by b, but has no neighbour itself
    assert (drawn("units-linked", ax), drawn("islands", ax)) == (2, 2)
    assert "Hollow dots have no neighbours (2)" in ax.figure.note
    full = Weights.from_dense(np.ones((4, 4)) - np.eye(4), ids=list("abcd"))
    assert drawn("islands", connectivity_map(full, squares())) == 0


def test_dots_grow_with_the_number_of_neighbours() -> None:
    star = np.zeros((4, 4))
    star[0, 1:] = star[1:, 0] = 1
    ax = connectivity_map(Weights.from_dense(star, ids=list("abcd")), squares())
    (dots,) = [c for c in ax.collections if c.get_gid() == "units-linked"]
    assert dots.get_sizes()[0] > 2 * dots.get_sizes()[1]


def test_the_ground_has_one_scale() -> None:
    degrees = connectivity_map(CHAIN, squares(), crs=4326)
    assert degrees.get_aspect() == pytest.approx(1 / np.cos(np.radians(50.65)), rel=1e-3)
    assert connectivity_map(CHAIN, squares()).get_aspect() == 1.0
    assert connectivity_map(CHAIN, squares(crs=None)).get_aspect() == 1.0


def test_links_over_the_antimeridian_do_not_cross_the_map() -> None:
    points = gpd.GeoDataFrame(
        {"id": list("ab")}, geometry=[Point(179, 0), Point(-178, 2)], crs=4326
    ).set_index("id")
    W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=list("ab"))
    (line,) = links(connectivity_map(W, points)).get_segments()
    assert np.ptp(line, axis=0)[0] == pytest.approx(3 * 111_320, rel=0.01)  # metres
    # A map of the world is cut there: the link leaves at one side and enters at the other.
    round_it = gpd.GeoDataFrame(geometry=[Point(k, 0) for k in range(-150, 180, 60)], crs=4326)
    around = np.zeros((6, 6))
    around[0, 5] = around[5, 0] = 1
    ax = connectivity_map(Weights.from_dense(around), round_it)
    lines = links(ax).get_segments()
    assert len(lines) == 2
    assert max(np.ptp(line, axis=0)[0] for line in lines) < 0.3 * np.ptp(ax.get_xlim())


@pytest.mark.slow
def test_many_neighbours_of_different_strength_show_the_strongest() -> None:
    n = 40
    place = np.arange(n)
    apart = np.abs(place[:, None] - place)
    with np.errstate(divide="ignore"):
        matrix = np.where(apart > 0, 1.0 / apart, 0.0)
    cities = gpd.GeoDataFrame(geometry=gpd.points_from_xy(place, place % 7), crs=3857)
    W = Weights.from_dense(matrix)
    ax = connectivity_map(W, cities)
    assert "39.0 neighbours on average" in ax.figure.alt
    assert "Drawn are the 4 strongest links of each unit, 83 pairs" in ax.figure.note
    assert len(lines_of(ax)) == 83  # two steps to each side, further from the two units at either end
    assert (
        len(lines_of(connectivity_map(W, cities, strongest=1))) == n - 1
    )  # both neighbours at distance 1 tie
    assert len(lines_of(connectivity_map(W, cities, strongest=n))) == n * (n - 1) // 2
    alike = connectivity_map(W.binary(), cities)
    assert len(lines_of(alike)) == n * (n - 1) // 2
    assert "strongest" not in alike.figure.note


def test_more_lines_are_paler() -> None:
    bounds = np.array([0.0, 0, 1, 1])
    ends = np.random.default_rng(0).random((5000, 2, 2))
    opacity = [plot._opacity(ends[:m], bounds, 0.8) for m in (10, 500, 5000)]
    assert opacity[0] == 0.85
    assert opacity[0] >= opacity[1] > opacity[2] >= 0.008
    assert plot._opacity(ends[:0], bounds, 0.8) == 1.0


@pytest.mark.parametrize(
    ("kind", "parameters", "english", "chinese"),
    [
        ("contiguity", {"rook": False}, "Queen contiguity", "Queen 邻接"),
        ("contiguity", {"rook": True}, "Rook contiguity", "Rook 邻接"),
        ("knn", {"k": 6}, "K nearest neighbours (k = 6)", "K 近邻（k = 6）"),
        ("distance_band", {"km": 250.0}, "Distance band (within 250 km)", "距离带（250 千米内）"),
        (
            "inverse_distance",
            {"power": 2.0, "cutoff_km": None},
            "Inverse distance (power 2)",
            "反距离（幂次 2）",
        ),
        ("union_of_two", {}, "Union of two", "Union of two"),
    ],
)
def test_titles(kind: str, parameters: dict[str, Any], english: str, chinese: str) -> None:
    assert (title_of(kind, parameters), title_of(kind, parameters, "zh")) == (english, chinese)


def test_a_title_of_ones_own() -> None:
    ax = connectivity_map(CHAIN, squares(), title="Mine", lang="zh")
    assert [t.get_text() for t in ax.figure.texts if t.get_gid() == "title"] == ["Mine"]
    assert "3 个有向连接，平均 0.8 个邻居，2 个连通分量" in ax.figure.alt


def test_links_are_counted_once_and_as_entries() -> None:
    full = Weights.from_dense(np.ones((4, 4)) - np.eye(4), ids=list("abcd"))
    alt = connectivity_map(full, squares()).figure.alt
    assert alt == "Given weights. 6 links (12 entries), 3.0 neighbours on average, one component"


def test_given_axes_and_no_outlines() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    ax = Figure().subplots()
    assert CHAIN.plot(squares(), ax=ax) is ax
    assert plt.get_fignums() == before
    bare = connectivity_map(CHAIN, squares(), outlines=False)
    assert {c.get_gid() for c in bare.collections} == {"links", "units-linked", "islands"}


def test_weights_without_links_and_libpysal_weights() -> None:
    ax = connectivity_map(Weights.from_dense(np.zeros((4, 4)), ids=list("abcd")), squares())
    assert lines_of(ax) == set()
    ax.figure.canvas.draw()
    full = Weights.from_dense(np.ones((4, 4)) - np.eye(4), ids=list("abcd"))
    assert len(lines_of(connectivity_map(full.to_graph(), squares()))) == 6
    own = Weights.from_dense(np.eye(4), ids=list("abcd"))
    assert lines_of(connectivity_map(own, squares())) == set()
