"""Places by their coordinates alone are those of a GeoDataFrame of points."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import AlignmentError, DataError, WeightsError


def both(crs: int = 4326, n: int = 300) -> tuple[gpd.GeoDataFrame, pd.Series, pd.Series]:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(80, 130, n), rng.uniform(20, 50, n)
    if crs != 4326:
        x, y = x * 1e4, y * 1e5
    ids = [f"p{i}" for i in range(n)]
    frame = gpd.GeoDataFrame(index=ids, geometry=gpd.points_from_xy(x, y, crs=crs))
    return frame, pd.Series(x, index=ids), pd.Series(y, index=ids)


@pytest.mark.evidence(
    "points", kind="identity", source="weights and sums of a GeoDataFrame of the same points"
)
@pytest.mark.parametrize("crs", [4326, 32650])
def test_points_give_what_a_frame_of_points_gives(crs: int, tmp_path: Path) -> None:
    frame, x, y = both(crs)
    places = sp.points(x, y.sample(frac=1, random_state=0), crs=crs)
    for function, option in ((sp.weights.knn, 5), (sp.weights.distance_band, 300)):
        a, b = function(frame, option), function(places, option)
        assert a.equals(b)
        assert a.meta == b.meta
    values = pd.Series(np.arange(300.0), index=frame.index, name="x")
    assert np.array_equal(sp.distance_decay(values, frame), sp.distance_decay(values, places))
    sp.map_raster(values, frame, tmp_path / "a", width=50)
    sp.map_raster(values, places, tmp_path / "b", width=50)
    for name in ("map.png", "map.pgw", "map.prj"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_points_on_an_ellipsoid_are_those_of_a_frame() -> None:
    frame, x, y = both()
    places = sp.points(x, y)
    assert sp.weights.knn(frame, 3, ellipsoid="WGS84").equals(sp.weights.knn(places, 3, ellipsoid="WGS84"))


def test_coordinates_that_are_none_are_refused_by_id() -> None:
    with pytest.raises(DataError, match=r"Units: 'b'"):
        sp.points([0.0, 500.0], [0.0, 1.0], ids=["a", "b"])
    with pytest.raises(DataError, match="one number for each place"):
        sp.points(np.zeros((2, 2)), [0.0, 1.0])
    with pytest.raises(AlignmentError):
        sp.points([0.0, 1.0], [0.0])
    with pytest.raises(AlignmentError):
        sp.points(pd.Series({"a": 0.0}), pd.Series({"b": 0.0}))
    with pytest.raises(DataError, match="leave ids out"):
        sp.points(pd.Series({"a": 0.0}), pd.Series({"a": 0.0}), ids=["a"])
    with pytest.raises(DataError, match="an id each"):
        sp.points([0.0, 1.0], [0.0, 1.0], ids=["a"])
    with pytest.raises(DataError, match="crs is a code"):
        sp.points([0.0], [0.0], crs="no such system")
    with pytest.raises(WeightsError, match="2 of 3 points lie within a millimetre"):
        sp.weights.knn(sp.points([0.0, 0.0, 1.0], [0.0, 0.0, 1.0]), 1)
    with pytest.raises(DataError, match="got Points"):
        sp.distance_decay([1.0, 2.0], sp.points([0.0, 1.0], [0.0, 1.0]), own="area")
