"""Collections that make_valid leaves, of polygons and of the lines into which parts collapse."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import shapely

import spatial as sp
from spatial.errors import DataError

BOXES = [shapely.box(i, 0, i + 1, 1) for i in range(4)]


def cities(first: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"v": [1.0, 3.0, 2.0, 5.0]}, geometry=[first, *BOXES[1:]], index=list("abcd"), crs=4326
    )


# A square with a spike: what make_valid makes of it by default is a square and a line.
SPIKED = shapely.Polygon([(0, 0), (0, 1), (0.5, 1), (0.5, 2), (0.5, 1), (1, 1), (1, 0)])
MENDED = shapely.make_valid(SPIKED)


def test_a_collection_of_a_polygon_and_a_line_has_the_neighbours_and_the_centre_of_the_polygon() -> None:
    assert MENDED.geom_type == "GeometryCollection"
    whole, mended = cities(BOXES[0]), cities(MENDED)
    for build in (sp.weights.contiguity, lambda c: sp.weights.knn(c, k=1), sp.weights.inverse_distance):
        given, expected = build(mended), build(whole)
        np.testing.assert_allclose(given.sparse.toarray(), expected.sparse.toarray(), rtol=1e-12)


def test_nested_collections_of_several_polygons_keep_all_of_them() -> None:
    far = shapely.box(5, 0, 6, 1)
    nested = shapely.GeometryCollection([shapely.MultiPolygon([BOXES[0], far]), shapely.Point(9, 9)])
    found = sp.weights.contiguity(cities(nested))
    assert found.neighbors("a").index.tolist() == ["b"]
    polygon = shapely.GeometryCollection([nested, shapely.LineString([(0, 0), (1, 5)])])
    assert sp.weights.contiguity(cities(polygon)).equals(found)


def test_a_collection_without_a_polygon_is_refused_by_id() -> None:
    with pytest.raises(DataError, match="Contiguity needs polygons; got GeometryCollection at 'a'"):
        sp.weights.contiguity(cities(shapely.GeometryCollection([shapely.Point(0, 0)])))


def test_maps_and_reports_draw_the_polygons_of_a_collection(tmp_path: Path) -> None:
    axes = sp.map_values(cities(MENDED), "v")
    plt.close(axes.figure)
    rows = [(c, t, v + t) for c, v in cities(MENDED)["v"].items() for t in (0, 1)]
    panel = sp.Panel.from_frame(pd.DataFrame(rows, columns=["id", "year", "v"]), unit="id", time="year")
    weights = sp.weights.contiguity(cities(MENDED))
    assert sp.explore(cities(MENDED), panel, ["v"], weights, tmp_path / "page.html", permutations=9).exists()
