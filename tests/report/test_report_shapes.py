"""The shapes of a report: shared borders stay shared, far parts have frames, no unit disappears."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from browser.reports import payload, unpacked, write

from spatial.errors import DataError
from spatial.report.shapes import GRID, build_shapes, simplified


def test_shared_borders_stay_shared(china: Any) -> None:
    shapes = np.asarray(china.to_crs(3857).geometry.values)
    less = simplified(shapes, budget=6000)
    assert shapely.get_num_coordinates(less).sum() <= 6000 < shapely.get_num_coordinates(shapes).sum()
    assert shapely.coverage_is_valid(less)
    before = shapely.area(shapely.union_all(shapes))
    # A gap or an overlap would part the sum of the areas from the area of the union.
    assert shapely.area(less).sum() == pytest.approx(shapely.area(shapely.union_all(less)), rel=1e-9)
    assert shapely.area(less).sum() == pytest.approx(before, rel=0.01)


def rings_of(found: Any) -> list[list[Any]]:
    """Return the rings of each unit as floats."""
    rings = np.split(found.xy, np.cumsum(found.sizes)[:-1])
    first = np.concatenate([[0], np.cumsum(found.of)])
    return [[r.astype(float) for r in rings[first[u] : first[u + 1]]] for u in range(len(found.of))]


def test_shapes_come_back_from_the_grid(nc: Any) -> None:
    shapes = build_shapes(nc, nc.index[::-1])
    assert max(shapes.size) == GRID
    flat = nc.to_crs(
        "+proj=aea +lat_1=34.336 +lat_2=36.135 +lat_0=35.235 +lon_0=-79.891 +datum=WGS84"
    ).geometry
    bounds = flat.total_bounds
    scale = (bounds[2] - bounds[0]) / GRID
    area = [sum(shapely.Polygon(r).area for r in rings) * scale**2 for rings in rings_of(shapes.rings)]
    np.testing.assert_allclose(area, flat.area[::-1], rtol=2e-3)
    xy = shapes.rings.xy
    assert xy.min() >= 0
    assert (xy.max(axis=0) <= np.array(shapes.size) + 1).all()


def test_borders_are_drawn_once_and_by_kind(grid: Any) -> None:
    cities, _, _ = grid
    grouped = cities.assign(province=list("xxxyyyyyy"))
    shapes = build_shapes(grouped, grouped.index, "province")
    step = GRID / 3
    lengths = []
    for lines in shapes.borders:
        parts = np.split(lines.xy, np.cumsum(lines.sizes)[:-1]) if len(lines.sizes) else []
        lengths.append(round(sum(np.abs(np.diff(part, axis=0)).sum() for part in parts) / step, 2))
    assert lengths == [9, 3, 12]  # 12 edges inside, 3 of them between the groups; 12 round the land
    with pytest.raises(DataError, match="group must be a column of the cities; 'state' is none"):
        build_shapes(cities, cities.index, "state")


def test_an_outline_replaces_the_coast(grid: Any) -> None:
    cities, _, _ = grid
    base = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 3, 3)], crs=cities.crs)
    coast = build_shapes(cities, cities.index).borders[2]
    given = build_shapes(cities, cities.index, outline=base).borders[2]
    assert given.sizes.tolist() == [5]
    assert given.xy.max() == coast.xy.max() == GRID
    with pytest.raises(DataError, match="outline must be a GeoDataFrame; got str"):
        build_shapes(cities, cities.index, outline="map.gpkg")
    with pytest.raises(DataError, match="outline and the cities must both have a CRS, or neither"):
        build_shapes(cities, cities.index, outline=base.set_crs(None, allow_override=True))


def test_no_unit_disappears_however_small() -> None:
    cells = [shapely.box(0, 0, 1e6, 1e6), shapely.box(1e6, 0, 1e6 + 1, 1), shapely.box(2e6, 0, 3e6, 1e6)]
    cities = gpd.GeoDataFrame(geometry=cells, index=list("abc"), crs=None)
    shapes = build_shapes(cities, cities.index)
    assert (shapes.rings.of >= 1).all()
    assert (shapes.outline.of >= 1).all()


def test_the_south_china_sea_has_a_frame(china: Any) -> None:
    island = (
        china.iloc[[0]].set_axis(["460300"]).set_geometry([shapely.box(112, 16, 112.4, 16.4)], crs=china.crs)
    )
    shapes = build_shapes(pd.concat([china, island]), china.index.append(island.index))
    assert [frame.name for frame in shapes.frames] == [("South China Sea Islands", "南海诸岛")]
    x0, y0, x1, y1 = shapes.frames[0].box
    x, y = shapes.points[-1]
    assert x0 < x < x1
    assert y0 < y < y1
    assert any("of the scale" in text for text in shapes.notes[0])


def test_points_are_drawn_as_points(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    points = cities.set_geometry(cities.geometry.centroid)
    data = payload(write((points, panel, W), tmp_path))
    assert "rings" not in data["map"]
    places = np.cumsum(np.reshape(unpacked(data["map"]["centres"]), (9, 2)), axis=0)
    assert places[0].tolist() == [0, GRID]  # y runs downwards
    assert places[8].tolist() == [GRID, 0]


def test_without_a_map_there_is_none(grid: Any, tmp_path: Path) -> None:
    _, panel, W = grid
    path = write((None, panel, W), tmp_path)
    data = payload(path)
    assert data["map"] is None
    assert data["ids"] == list("abcdefghi")
    assert "Units by rank." in path.read_text(encoding="utf-8")


def test_shapes_that_cannot_be_drawn_are_refused(grid: Any) -> None:
    cities, _, _ = grid
    lines = cities.set_geometry(cities.boundary)
    with pytest.raises(DataError, match="draws polygons, or points only; got LineString at 'a'"):
        build_shapes(lines, lines.index)
    empty = cities.copy()
    empty.loc["b", "geometry"] = shapely.Polygon()
    with pytest.raises(DataError, match="missing or empty at 'b'"):
        build_shapes(empty, empty.index)
    place = cities.set_geometry(gpd.GeoSeries([shapely.Point(1, 1)] * 9, index=cities.index, crs=3857))
    with pytest.raises(DataError, match="all lie at one place"):
        build_shapes(place, place.index)
