"""Borders and corners: who shares a line, who a point."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from polygon_cases import layer, pairs
from shapely import MultiPolygon, Polygon, box

import spatial as sp


def test_rook_and_queen_by_hand(quarters: Any) -> None:
    assert pairs(sp.weights.contiguity(quarters, islands="keep")) == {"ab", "ac", "ad", "bc", "bd", "cd"}
    rook = sp.weights.contiguity(quarters, rook=True, islands="keep")
    assert pairs(rook) == {"ab", "ac", "bd", "cd"}
    assert rook.islands.tolist() == ["e"]
    assert rook.meta.kind == "contiguity"
    assert rook.meta.parameters["rook"] is True


def fan(corner: float, turn: float, noise: float, size: float, centre: tuple[float, float]) -> Any:
    """Return five triangles about a point, the second with a corner of `corner` degrees."""
    cuts = np.radians(turn + np.array([0, 100, 100 + corner, 190, 190 + corner, 360]))
    rim = size * np.column_stack([np.cos(cuts), np.sin(cuts)])
    rng = np.random.default_rng(0)
    shapes = [np.array([np.zeros(2), *rim[k : k + 2]]) + centre for k in range(5)]
    return gpd.GeoDataFrame(geometry=[Polygon(p + rng.uniform(-noise, noise, p.shape)) for p in shapes])


@pytest.mark.parametrize("corner", [0.1, 1, 2, 4, 7])
def test_neighbours_at_a_sharp_corner_are_queens_and_no_rooks(corner: float) -> None:
    ring = {"01", "12", "23", "34", "04"}
    for turn, noise, size, centre in [
        (0, 0, 1, (0, 0)),
        (33, 1e-10, 1, (100, 30)),
        (200, 5e-9, 1, (100, 30)),  # half the tolerance there
        (77, 2e-4, 1e4, (500_000, 4_000_000)),
    ]:
        cities = fan(corner, turn, noise, size, centre)
        assert pairs(sp.weights.contiguity(cities)) == {f"{i}{j}" for i in range(5) for j in range(i + 1, 5)}
        assert pairs(sp.weights.contiguity(cities, rook=True)) == ring


def test_a_sharp_corner_within_the_snap_is_a_point_too() -> None:
    apart = {0: Polygon([(0, 0), (5e4, 0), (5e4, -5e4)]), 1: Polygon([(0, 0), (5e4, 2e3), (0, 5e4)])}
    cities = layer(apart, 32650)  # a gap of 2.3 degrees between them
    assert sp.weights.contiguity(cities, snap_km=0.01).n_links == 2
    assert sp.weights.contiguity(cities, rook=True, snap_km=0.01, islands="keep").n_links == 0
    near = layer({0: apart[0], 1: Polygon([(0, 9), (5e4, 9), (0, 5e4)])}, 32650)
    assert sp.weights.contiguity(near, rook=True, snap_km=0.01).n_links == 2


def test_borders_of_slivers_and_enclaves_beside_sharp_corners() -> None:
    ring = box(0, 0, 10, 10).difference(Polygon([(2, 2), (8, 2), (8, 2.1)]))
    cities = layer(
        {
            "a": ring,
            "b": Polygon([(2, 2), (8, 2.02), (8, 2.05)]),  # in the hole: touches its corner, and its end
            "c": box(10, 0, 12, 10),
            "d": Polygon([(12, 10), (10, 10.2), (12, 10.1)]),  # its lower corner alone touches c
            "e": Polygon([(12, 0), (12, 3), (12.05, 9.9)]),  # a true border of 3 with c, then a corner
        }
    )
    assert pairs(sp.weights.contiguity(cities)) == {"ab", "ac", "cd", "ce"}
    assert pairs(sp.weights.contiguity(cities, rook=True, islands="keep")) == {"ab", "ac", "ce"}
    enclave = layer({"a": ring, "b": Polygon([(2, 2), (7, 2.03), (7, 2.05)])})
    assert pairs(sp.weights.contiguity(enclave)) == {"ab"}
    assert pairs(sp.weights.contiguity(enclave, rook=True, islands="keep")) == set()


@pytest.mark.parametrize("name", ["us48.shp", "stl_hom.shp", "virginia.shp", "G_utm.shp", "10740.shp"])
def test_rooks_of_real_maps_have_a_line_in_common(name: str) -> None:
    from libpysal.examples import get_path

    cities = gpd.read_file(get_path(name)).reset_index(drop=True)
    cities.geometry = cities.geometry.make_valid()
    queen = sp.weights.contiguity(cities, islands="keep").to_frame()
    shapes = np.asarray(cities.geometry)
    matrix = shapely.relate(shapes[queen["i"]], shapes[queen["j"]])  # DE-9IM
    line = np.array([cells[4] == "1" or cells[0] == "2" for cells in matrix])
    assert 0 < line.sum() < len(line)
    rook = sp.weights.contiguity(cities, rook=True, islands="keep").to_frame()
    assert rook[["i", "j"]].equals(queen.loc[line, ["i", "j"]].reset_index(drop=True))


def test_overlaps_holes_and_enclaves_are_neighbours() -> None:
    ring = box(0, 0, 10, 10).difference(box(4, 4, 6, 6))
    cities = layer(
        {"ring": ring, "hole": box(4, 4, 6, 6), "sliver": box(9.9, 2, 12, 3), "inside": box(1, 1, 2, 2)}
    )
    for rook in (False, True):
        assert pairs(sp.weights.contiguity(cities, rook=rook)) == {"holering", "ringsliver", "insidering"}


def test_parts_of_multipolygons_touch_for_the_whole() -> None:
    cities = layer(
        {"a": MultiPolygon([box(0, 0, 1, 1), box(5, 0, 6, 1)]), "b": box(6, 0, 7, 1), "c": box(2, 0, 3, 1)}
    )
    for rook in (False, True):
        W = sp.weights.contiguity(cities, rook=rook, islands="keep")
        assert pairs(W) == {"ab"}
        assert W.islands.tolist() == ["c"]
