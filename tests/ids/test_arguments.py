"""Arguments that do not fit: what was meant is named, and nothing else of the function changes."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pytest
import shapely

import spatial as sp
from spatial.errors import SpatialWarning, hinted


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda *_: sp.read_cities("nc", ids="fips"), r"'ids'. Did you mean 'id'\? Call it as read_"),
        (lambda *_: sp.read_panel("nc_crime", id="fips"), r"'id'. Did you mean 'unit'\?"),
        (lambda c, _: sp.weights.distance_band(c, threshold=9), r"Did you mean 'km'\? .*_band\(cities, km,"),
        (lambda c, _: sp.weights.knn(c, n=4), r"Did you mean 'k'\?"),
        (lambda c, W: sp.explore(c, ["bir74"], W), r"as explore\(cities, panel, columns, W, path, lang=,"),
        (lambda c, W: sp.moran(c["bir74"], W, permutation=9), r"Did you mean 'permutations'\?"),
        (lambda c, W: sp.moran(c["bir74"], W, 99), r"3 were given. Call it as moran\(x, W, permutations=,"),
        (lambda c, W: sp.moran(y=c["bir74"], w=W), r"'y'. Did you mean 'x'\?"),
        (lambda c, W: sp.moran(c["bir74"], W, qqq=1), r"'qqq'. Call it as"),
    ],
)  # fmt: skip
def test_the_argument_that_was_meant_is_named(call: Callable[[Any, Any], Any], message: str) -> None:
    cities = sp.read_cities("nc")
    with pytest.raises(TypeError, match=message) as caught:
        call(cities, sp.weights.contiguity(cities))
    assert caught.value.__suppress_context__


def test_a_type_error_of_the_function_itself_stays_as_it_is() -> None:
    @hinted
    def halved(x: Any) -> Any:
        return x / 2

    with pytest.raises(TypeError, match=r"^unsupported operand"):
        halved("a")
    assert halved(4) == 2


def test_signature_and_pickle_are_those_of_the_function() -> None:
    assert list(inspect.signature(sp.weights.knn).parameters) == ["cities", "k", "ellipsoid", "coincident"]
    assert pickle.loads(pickle.dumps(sp.moran)) is sp.moran


def test_warnings_point_at_the_line_that_called() -> None:
    frame = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[shapely.box(0, 0, 1, 1), None], crs=3857)
    with pytest.warns(SpatialWarning) as caught:
        sp.read_cities(frame, "id", drop_empty=True)
    assert [found.filename for found in caught] == [__file__]
