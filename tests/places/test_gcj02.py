"""GCJ-02 to WGS-84: published pairs, the round trip, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.shapefiles._gcj02 import BOX, from_wgs84, geometry_to_wgs84, to_wgs84

# WGS-84 lon, lat -> GCJ-02 lon, lat.  The first three: the test suite of googollee/eviltransform (Shanghai,
# Shenzhen, Beijing); then wandergis/coordtransform, test/app.js; the last was computed by npm gcoord.
PUBLISHED = [
    (121.5272106, 31.1774276, 121.531541859215, 31.17530398364597),
    (113.912316, 22.543847, 113.9171764808363, 22.540796131694766),
    (116.377817, 39.911954, 116.38404722455657, 39.91334545536069),
    (116.404, 39.915, 116.41024449916938, 39.91640428150164),
    (116.403988, 39.914266, 116.41023240747266, 39.915670251113426),
]


@pytest.mark.parametrize(("lon", "lat", "gcj_lon", "gcj_lat"), PUBLISHED)
def test_published_pairs(lon: float, lat: float, gcj_lon: float, gcj_lat: float) -> None:
    # 1e-12 degree: the formula is the same, only the order of its sums may differ.
    forward = from_wgs84(np.array([lon]), np.array([lat]))
    np.testing.assert_allclose(np.ravel(forward), [gcj_lon, gcj_lat], rtol=0, atol=1e-12)
    backward = to_wgs84(np.array([gcj_lon]), np.array([gcj_lat]))
    np.testing.assert_allclose(np.ravel(backward), [lon, lat], rtol=0, atol=1e-10)


def test_round_trip_over_the_whole_box() -> None:
    random = np.random.default_rng(0)
    west, south, east, north = BOX
    lon = random.uniform(west + 0.02, east - 0.02, 100_000)
    lat = random.uniform(south + 0.02, north - 0.02, 100_000)
    moved = from_wgs84(lon, lat)
    back = to_wgs84(*moved)
    assert np.abs(np.subtract(back, (lon, lat))).max() < 1e-9
    # Hundreds of metres over the land, as everyone who has drawn the two on one map knows.
    land = (lon > 75) & (lon < 133) & (lat > 19) & (lat < 52)
    metres = np.hypot((moved[0] - lon) * np.cos(np.radians(lat)), moved[1] - lat) * 111_195
    assert 300 < np.median(metres[land]) < 600
    assert metres[land].max() < 800


@given(st.floats(73.0, 136.0), st.floats(3.0, 54.0))
def test_inverse_undoes_the_formula(lon: float, lat: float) -> None:
    back = to_wgs84(*from_wgs84(np.array([lon]), np.array([lat])))
    assert abs(back[0][0] - lon) < 1e-7
    assert abs(back[1][0] - lat) < 1e-7


@pytest.mark.parametrize("point", [(-81.5, 36.2), (151.2, -33.9), (2.35, 48.86), (140.0, 35.0), (10.0, 90.0)])
def test_outside_china_nothing_moves(point: tuple[float, float]) -> None:
    lon, lat = np.array([point[0]]), np.array([point[1]])
    for convert in (from_wgs84, to_wgs84):
        out = convert(lon, lat)
        assert (out[0][0], out[1][0]) == point


def test_input_is_not_written_to() -> None:
    lon, lat = np.array([116.4]), np.array([39.9])
    to_wgs84(lon, lat)
    from_wgs84(lon, lat)
    assert (lon[0], lat[0]) == (116.4, 39.9)


def test_shared_vertices_stay_shared() -> None:
    left = shapely.box(116.0, 39.0, 116.5, 39.5)
    right = shapely.box(116.5, 39.0, 117.0, 39.5)
    converted = geometry_to_wgs84(np.array([left, right]))
    assert shapely.intersection(*converted).geom_type == "LineString"
    corners = [set(map(tuple, shapely.get_coordinates(shape))) for shape in converted]
    assert len(corners[0] & corners[1]) == 2
    assert not shapely.equals(converted[0], left)
