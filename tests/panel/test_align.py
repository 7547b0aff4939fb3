"""Map and panel cut to what they share, and what was cut is said."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import AlignmentError, DataError, SpatialWarning


def cities_of(ids: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        index=pd.Index(ids, name="id"),
        geometry=gpd.points_from_xy(range(len(ids)), range(len(ids))),
        crs=4326,
    )


def panel_of(ids: list[Any]) -> sp.Panel:
    frame = pd.DataFrame(
        {"u": np.repeat(ids, 2), "t": [2000, 2001] * len(ids), "x": np.arange(2.0 * len(ids))}
    )
    return sp.Panel.from_frame(frame, unit="u", time="t")


@pytest.mark.evidence("align", source="shared ids by hand", kind="hand")
def test_both_are_cut_and_it_is_said(nc: Any, nc_crime: sp.Panel) -> None:
    with pytest.warns(
        SpatialWarning, match=r"Cut to the 90 units.*not in the panel, cut from the map.*: '37029', "
    ):
        cities, panel = sp.align(nc, nc_crime)
    assert sorted(cities.index) == panel.units.tolist()
    assert cities.index.tolist() == [i for i in nc.index if i in set(panel.units)]
    assert panel.history[-1].action == "align"
    with pytest.warns(SpatialWarning, match=r"not on the map, cut from the panel: 'c'"):
        cities, panel = sp.align(cities_of(["b", "a"]), panel_of(["a", "b", "c"]))
    assert (cities.index.tolist(), panel.units.tolist()) == (["b", "a"], ["a", "b"])
    assert panel.history[-1].cells == 2


def test_nothing_is_said_where_nothing_is_cut() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cities, panel = sp.align(cities_of([2, 1]), panel_of([1, 2]))
    assert cities.index.tolist() == [2, 1]
    assert panel.history == ()


@pytest.mark.parametrize(("on_map", "in_panel"), [(["10", "20"], [20, 10]), ([10, 20], ["20.0", "10.0"])])
def test_codes_of_both_kinds_meet(on_map: list[Any], in_panel: list[Any]) -> None:
    cities, panel = sp.align(cities_of(on_map), panel_of(in_panel))
    assert panel.units.tolist() == cities.index.tolist() == on_map
    W = sp.weights.knn(cities, 1)
    assert sp.spatial_lag(panel, "x", W).n_units == 2


def test_a_table_by_unit_and_time_will_do_and_others_are_refused() -> None:
    cities, panel = sp.align(cities_of(["a", "b"]), panel_of(["a", "b"]).frame)
    assert isinstance(panel, sp.Panel)
    with pytest.raises(AlignmentError, match=r"share no id. The map has 1, 2; the panel has 'a', 'b'"):
        sp.align(cities_of([1, 2]), panel_of(["a", "b"]))
    with pytest.raises(AlignmentError, match=r"Zeros at the front were lost in the panel.*zfill\(5\)"):
        sp.align(cities_of(["01001", "01003"]), panel_of([1001, 1003]))
    with pytest.raises(DataError, match="align needs a GeoDataFrame"):
        sp.align(panel, cities)
    with pytest.raises(DataError, match="align needs a Panel"):
        sp.align(cities, cities)
