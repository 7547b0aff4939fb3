"""Projections, frames and borders: what lies where on the paper."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod

from spatial.errors import DataError
from spatial.maps.borders import border_lines
from spatial.maps.insets import far_parts
from spatial.maps.projection import area_true, geographic_bounds, projection_of
from spatial.maps.scene import Scene


def boxes(*places: tuple[float, float], size: float = 1.0) -> gpd.GeoDataFrame:
    shapes = [shapely.box(x, y, x + size, y + size) for x, y in places]
    return gpd.GeoDataFrame(geometry=shapes, index=[f"u{k:03d}" for k in range(len(shapes))], crs=4326)


def grid(west: float, south: float, across: int, up: int, step: float) -> list[tuple[float, float]]:
    return [(west + step * i, south + step * j) for i in range(across) for j in range(up)]


def on_the_ellipsoid(shape: Any) -> float:
    """Return the area in square metres, by pyproj's geodesics along parallels cut into short steps."""
    return abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.segmentize(shape, 0.02))[0])


CHINA = [*grid(75, 30, 14, 6, 4.0), (110.0, 20.0), (120.0, 24.3), (112.0, 16.5)]  # the last: the Paracels
STATES = [*grid(-124, 26, 14, 6, 4.0), (-150.0, 63.0), (-156.0, 19.3), (-179.9, 51.0), (178.5, 51.2)]


# ---- projection
# The usual parallels of China's Albers maps are 25 and 47, those of the contiguous states 29.5 and 45.5;
# by the rule of sixths they are these.
@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((73.5, 18.0, 135.1, 53.6), "Albers equal-area conic, 24° and 48° N"),
        ((-124.7, 24.5, -67.0, 49.4), "Albers equal-area conic, 29° and 45° N"),
        ((-84.3, 33.9, -75.5, 36.6), "Albers equal-area conic, 34.4° and 36.1° N"),
        ((113.0, -44.0, 154.0, -10.0), "Albers equal-area conic, 16° and 38° S"),
        ((-75.0, -55.0, -66.0, -17.0), "Lambert azimuthal equal-area, centred on 36° S, 70° W"),
        ((10.0, 0.0, 11.0, 1.0), "Lambert azimuthal equal-area, centred on 0° N, 10° E"),
        ((95.0, -11.0, 141.0, 6.0), "Lambert azimuthal equal-area, centred on 2° S, 118° E"),
        ((10.0, 74.0, 33.0, 81.0), "Lambert azimuthal equal-area, centred on 78° N, 22° E"),
        ((-180.0, -56.0, 180.0, 83.0), "Equal Earth projection"),
    ],
)
def test_a_map_is_projected_by_its_extent(bounds: Any, words: str) -> None:
    assert area_true(bounds).name("en") == words


@pytest.mark.parametrize("bounds", [(73.5, 18.0, 135.1, 53.6), (-75, -55, -66, -17), (-180, -56, 180, 83)])
def test_areas_are_true(bounds: Any) -> None:
    projection = area_true(bounds)
    west, south, east, north = bounds
    cells = boxes((west + 1, south + 2), ((west + east) / 2, (south + north) / 2), (east - 3, north - 4))
    drawn = projection.shapes(cells.geometry.array, cells.crs)
    # Outside truth: areas on the ellipsoid.
    ellipsoid = [on_the_ellipsoid(cell) for cell in cells.geometry]
    np.testing.assert_allclose(shapely.area(drawn), ellipsoid, rtol=2e-3)


def test_a_zone_used_in_its_zone_is_kept_and_web_mercator_is_not() -> None:
    country = boxes(*CHINA[:84])
    assert projection_of(country.to_crs(3857).geometry.array, CRS(3857), None).name("en").startswith("Albers")
    county = boxes((116.0, 39.0), (117.0, 39.0)).to_crs(32650)
    assert projection_of(county.geometry.array, county.crs, None).crs == county.crs
    chosen = projection_of(country.geometry.array, country.crs, 3857)
    assert chosen.name("en") == "Projection: WGS 84 / Pseudo-Mercator"
    assert projection_of(country.geometry.array, None, None).crs is None
    with pytest.raises(DataError, match="no CRS, so it cannot be put into another"):
        projection_of(country.geometry.array, None, 3857)


def test_bounds_go_over_the_antimeridian() -> None:
    fiji = boxes((177.0, -18.0), (-180.0, -17.0))
    assert geographic_bounds(fiji.geometry.array, fiji.crs) == (177.0, -18.0, 181.0, -16.0)
    scene = Scene.of(fiji)
    assert scene.extent[2] - scene.extent[0] < 500_000


def test_bounds_without_drawing_are_those_of_what_is_drawn() -> None:
    """Shapes far apart in size, in several parts, one of them cut by the edge of the map, and one empty."""
    wide = [shapely.box(100, 10, 179, 60), shapely.box(-60, 0, 179.0, 50), shapely.box(-120, 10, 0, 60)]
    islands = shapely.MultiPolygon([shapely.box(20, 1, 20.1, 1.1), shapely.box(170, -18, 176, -17)])
    world = gpd.GeoSeries([*wide, islands], crs=4326)
    for shapes in (world, world.iloc[3:], gpd.GeoSeries([shapely.box(116, 39, 117, 40)], crs=4326)):
        projection = projection_of(shapes.array, shapes.crs, None)
        drawn = shapely.total_bounds(projection.shapes(shapes.array, shapes.crs))
        assert projection.bounds(shapes.array, shapes.crs) == tuple(drawn)
    mercator = gpd.GeoSeries([islands, shapely.Polygon()], crs=4326).to_crs(3857)
    np.testing.assert_allclose(
        geographic_bounds(mercator.array, mercator.crs), (20, -18, 176, 1.1), rtol=1e-12
    )


def test_the_world_is_cut_at_its_edge() -> None:
    wide = [shapely.box(100, 10, 179, 60), shapely.box(-60, 0, 179.0, 50), shapely.box(-120, 10, 0, 60)]
    cities = gpd.GeoDataFrame(geometry=wide, crs=4326)
    scene = Scene.of(cities)
    assert scene.projection.cut is not None
    # Whole shapes whose area is what the ellipsoid says: none is smeared over the map.
    ellipsoid = [
        abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.segmentize(c, 0.1))[0]) for c in wide
    ]
    np.testing.assert_allclose(shapely.area(scene.shapes), ellipsoid, rtol=5e-3)


# ---- frames
def test_the_south_china_sea_gets_a_frame() -> None:
    cities = boxes(*CHINA)
    scene = Scene.of(cities)
    (inset,) = scene.insets
    assert inset.part.name == ("South China Sea Islands", "南海诸岛")
    assert 0.35 <= inset.scale <= 0.60
    assert scene.home.tolist() == [-1] * (len(cities) - 1) + [0]
    # The islands are in the frame and nowhere else; Hainan is in both.
    frame = shapely.box(*inset.box)
    assert shapely.covers(frame.buffer(1.0), scene.shapes[-1])
    assert len(shapely.get_parts(scene.shapes[84])) == 2
    # It lies on no land of the map, and the map ends where the rest does.
    main = shapely.union_all([shape for shape in scene.main if shape is not None])
    assert not shapely.intersects(frame, main)
    assert scene.main[-1] is None
    assert any("South China Sea Islands at" in note for note in scene.notes("en"))
    assert any("南海诸岛比例为主图的" in note for note in scene.notes("zh"))
    assert Scene.of(cities, inset=None).insets == ()


def test_alaska_and_hawaii_get_frames_over_the_antimeridian_too() -> None:
    cities = boxes(*STATES, size=0.9)
    scene = Scene.of(cities)
    assert [inset.part.name[0] for inset in scene.insets] == ["Alaska", "Hawaii"]
    assert [inset.scale for inset in scene.insets] == [0.34, 1.0]
    assert scene.home[-4:].tolist() == [0, 1, 0, 0]
    assert scene.notes("en")[1:] == ["Alaska at 34% of the scale, moved", "Hawaii at full scale, moved"]
    main = shapely.union_all(scene.shapes[:84])
    for inset in scene.insets:
        assert not shapely.intersects(shapely.box(*inset.box), main)
    one, two = (shapely.box(*inset.box) for inset in scene.insets)
    assert not shapely.intersects(one, two)
    # Areas in a frame are to its scale.
    area = shapely.area(scene.shapes[-4]) / 0.34**2
    alone = on_the_ellipsoid(cities.geometry.iloc[-4])
    assert area == pytest.approx(alone, rel=2e-3)


def test_few_units_far_away_get_frames_and_a_country_does_not() -> None:
    france = boxes(*grid(-1, 44, 5, 5, 1.0), (55.4, -21.2), (-61.7, 16.0))
    scene = Scene.of(france)
    assert len(scene.insets) == 2
    assert scene.notes("en")[-1] == "2 far units are drawn in frames, not to scale"
    assert scene.notes("zh")[-1] == "2 个远处单元另框绘出，比例不同"
    for inset, unit in zip(scene.insets, (0, 1), strict=True):
        assert shapely.covers(shapely.box(*inset.box), scene.shapes[scene.home == unit]).all()
    assert far_parts(np.asarray(boxes(*grid(-1, 44, 6, 5, 1.0)).geometry.array)) == []
    # A country in two halves stays as it is.
    halves = boxes(*grid(0, 0, 5, 3, 1.0), *grid(40, 0, 5, 3, 1.0))
    assert Scene.of(halves).insets == ()


def test_frames_and_extents_are_given_in_the_cities_coordinates() -> None:
    cities = boxes(*grid(100, 30, 4, 4, 1.0)).to_crs(32647)
    west, south, east, north = cities.total_bounds
    half = Scene.of(cities, extent=(west, south, (west + east) / 2, north))
    assert half.extent[2] - half.extent[0] == pytest.approx((east - west) / 2, rel=0.05)


def test_points_of_units_in_frames_move_with_them() -> None:
    cities = boxes(*STATES, size=0.9)
    scene = Scene.of(cities)
    xy = scene.points(np.asarray(cities.representative_point().array), cities.crs)
    for row in (0, 40, -4, -3):
        assert shapely.contains(scene.shapes[row], shapely.Point(xy[row]))
    assert len(scene.centers) == len(cities)


def test_shapes_that_a_projection_cannot_show_are_refused() -> None:
    sides = boxes((0.0, 0.0), (179.0, 0.0))
    with pytest.raises(DataError, match=r"have no place in the projection .*: choose another with crs="):
        Scene.of(sides, crs="+proj=ortho +lat_0=0 +lon_0=0")


# ---- borders
def test_each_border_is_drawn_once_and_by_kind() -> None:
    shapes = np.array([shapely.box(k, 0, k + 1, 1) for k in range(4)])
    within, between, coast = border_lines(shapes, np.array([0, 0, 1, 1]))
    assert sum(len(line) - 1 for line in within) == 2
    assert [sorted(line.tolist()) for line in between] == [[[2.0, 0.0], [2.0, 1.0]]]
    length = sum(shapely.length(shapely.LineString(line)) for line in (*within, *between, *coast))
    assert length == pytest.approx(3 + 10)  # 3 shared edges and the outline


def test_borders_are_found_in_real_maps_after_projection(nc: Any) -> None:
    scene = Scene.of(nc)
    within, between, coast = border_lines(scene.shapes)
    assert between == []
    # Outside truth: GEOS's union of the coverage has the coast; twice the inner borders are the rest.
    outline = shapely.length(shapely.coverage_union_all(scene.shapes))
    drawn = [sum(shapely.length(shapely.LineString(line)) for line in lines) for lines in (within, coast)]
    assert drawn[1] == pytest.approx(outline, rel=1e-6)
    assert 2 * drawn[0] + drawn[1] == pytest.approx(shapely.length(scene.shapes).sum(), rel=1e-6)
