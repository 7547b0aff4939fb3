"""Arguments of another type than is needed: one error of ours, which says what was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError, SpatialError, WeightsError

IDS = list("abc")
SEATS = gpd.GeoDataFrame(index=IDS, geometry=gpd.points_from_xy([0, 1, 2], [0, 1, 2]), crs=4326)
JOBS = pd.Series([1.0, 2.0, 3.0], IDS, name="jobs")


@pytest.fixture
def panel() -> sp.Panel:
    cube = np.ones((2, 3, 2)) + np.arange(3)[None, :, None]
    cube[1, 0, 1] = 5
    return sp.Panel.from_cube(cube, units=IDS, times=[1, 2], columns=["it", "all"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"power": "1"}, "power must be a positive number for the power decay; got '1'"),
        ({"own": None}, 'own must be a finite number or "area"; got None'),
        ({"cutoff_km": "500"}, "cutoff_km must be a positive number of kilometres, or None; got '500'"),
        ({"unit_km": "km"}, "unit_km must be a positive number of kilometres; got 'km'"),
        ({"tolerance": "a"}, r"tolerance must be 0 \(exact\) or between 1e-9 and 1; got 'a'"),
        ({"decay": "gaussian", "bandwidth_km": "9"}, "bandwidth_km must be a positive number"),
    ],
)
def test_distance_decay(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        sp.distance_decay(JOBS, SEATS, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"power": "1"}, "power must be a positive number"),
        ({"own": np.nan}, "own must be a finite number; got nan"),
        ({"own": "1"}, "own must be a finite number; got '1'"),
        ({"cutoff_km": "500"}, "cutoff_km must be a positive number of kilometres, or None"),
    ],
)
def test_virtual_agglomeration(panel: sp.Panel, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        sp.virtual_agglomeration(panel, "it", "all", SEATS, **options)


def test_virtual_agglomeration_takes_a_table_by_unit_and_time(panel: sp.Panel) -> None:
    table = panel.frame.sample(frac=1, random_state=1)
    found = sp.virtual_agglomeration(table, "it", "all", SEATS)  # type: ignore[arg-type, unused-ignore]
    wanted = sp.virtual_agglomeration(panel, "it", "all", SEATS)
    pd.testing.assert_frame_equal(found.frame, wanted.frame)
    for given in (None, panel.at(1)):
        with pytest.raises(DataError, match="virtual_agglomeration needs a Panel, or a DataFrame indexed by"):
            sp.virtual_agglomeration(given, "it", "all", SEATS)  # type: ignore[arg-type]


def test_the_cities_are_named_as_what_they_are(panel: sp.Panel) -> None:
    with pytest.raises(sp.AlignmentError, match="the panel and the cities must have the same ids") as caught:
        sp.virtual_agglomeration(panel, "it", "all", SEATS.iloc[:2])
    assert "weights" not in str(caught.value)


@pytest.mark.parametrize("share", ["a", None, (0.1,), (0.1, 0.1, 0.1), 0.6])
def test_winsorize(panel: sp.Panel, share: Any) -> None:
    with pytest.raises(DataError, match=r"share= must be between 0 and 0\.5"):
        panel.winsorize("it", share)


def test_entropy_index(panel: sp.Panel) -> None:
    with pytest.raises(DataError, match=r"scope must be .* got \[1\]"):
        sp.entropy_index(panel, ["it"], ["all"], scope=[1])
    with pytest.raises(DataError, match=r"shift must be zero or positive, such as 0\.0001; got 'a'"):
        sp.entropy_index(panel, ["it"], ["all"], shift="a")  # type: ignore[arg-type]
    left_out = sp.entropy_index(panel, ["it", "all"], None)  # type: ignore[arg-type]
    pd.testing.assert_series_equal(left_out.index, sp.entropy_index(panel, ["it", "all"]).index)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sp.Weights.from_graph(1), "A libpysal Graph is needed; got int"),
        (lambda: sp.Weights.from_w("w"), "A legacy libpysal W is needed; got str"),
        (
            lambda: sp.Weights.from_frame([1, 2]),
            "Links must be a DataFrame with columns i, j and w; got list",
        ),  # type: ignore[arg-type]
        (lambda: sp.weights.read(None), "read from the path of a file; got NoneType"),  # type: ignore[arg-type]
    ],
)
def test_weights(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        call()


def test_links_and_values_that_are_text() -> None:
    links = pd.DataFrame({"i": ["a"], "j": ["b"], "w": ["x"]})
    with pytest.raises(SpatialError, match="Weights of links must be numbers"):
        sp.Weights.from_frame(links)
    names = pd.Series(["x", "y", "z"], IDS, name="name")
    with pytest.raises(DataError, match="'name' must be numbers"):
        sp.moran(names, sp.weights.knn(SEATS, 1))
