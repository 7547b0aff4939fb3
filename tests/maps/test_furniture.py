"""Scale bars, north, notes, frames, legends and small multiples."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from map_cases import IDS, faces, hatched, legend, words
from matplotlib.figure import Figure
from pyproj import CRS, Geod
from small_font import register_font

from spatial.errors import AlignmentError, DataError
from spatial.figures.palette import cluster_label
from spatial.figures.style.captions import wrap
from spatial.maps import maps, multiples
from spatial.maps.furniture import bar_length, north_angle
from spatial.panel.panel import Panel
from spatial.weights import great_circle_km


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


# ---- proportions and furniture
def test_proportions_are_those_of_the_ground(cities: Any) -> None:
    assert maps.map_values(cities, "gdp").get_aspect() == 1.0  # projected
    assert maps.map_values(cities, "gdp", crs=4326).get_aspect() == pytest.approx(1 / np.cos(np.radians(32)))
    assert maps.map_values(cities, "gdp", crs=3857).get_aspect() == 1.0


def test_scale_bar_is_the_great_circle_at_the_maps_latitude(cities: Any) -> None:
    axes = maps.map_values(cities, "gdp", scale_bar=True, crs=4326)
    (bar,) = [line for line in axes.lines if line.get_gid() == "scale-bar"]
    length = bar.get_xdata()[1] - bar.get_xdata()[0]
    middle = sum(axes.get_ylim()) / 2
    label = next(t.get_text() for t in axes.texts if "km" in t.get_text())
    assert great_circle_km(0.0, middle, length, middle) == pytest.approx(float(label.split()[0]), rel=1e-9)


def test_scale_bars_stand_where_one_scale_holds_all_over(cities: Any) -> None:
    def bars(shapes: Any) -> int:
        return sum(line.get_gid() == "scale-bar" for line in maps.map_values(shapes, "gdp").lines)

    assert bars(cities) == 1
    wide = cities.set_geometry(cities.geometry.affine_transform([12, 0, 0, 10, -1100, -280]))
    assert bars(wide) == 0  # 48 by 40 degrees
    bare = cities.set_crs(None, allow_override=True)
    assert bars(bare) == 0


def test_scale_bar_undoes_a_projection() -> None:
    # Outside truth: pyproj's geodesic on a sphere of the mean radius, at 60 degrees north in Web Mercator.
    crs = CRS(3857)
    x, y = gpd.GeoSeries([shapely.Point(25, 60)], crs=4326).to_crs(crs).iloc[0].coords[0]
    length = bar_length(10.0, x, y, crs)
    ends = gpd.GeoSeries(gpd.points_from_xy([x, x + length], [y, y]), crs=crs).to_crs(4326)
    _, _, metres = Geod(a=6371008.8, f=0).inv(ends.x[0], ends.y[0], ends.x[1], ends.y[1])
    assert metres == pytest.approx(10_000, rel=1e-5)
    assert bar_length(10.0, 500000, 4e6, CRS(2229)) == pytest.approx(10_000 / 0.3048006, rel=2e-2)  # feet


def test_scale_bar_refusals(cities: Any) -> None:
    with pytest.raises(DataError, match="A scale bar needs the cities' CRS"):
        maps.map_values(cities.set_crs(None, allow_override=True), "gdp", scale_bar=True)
    with pytest.raises(DataError, match="does not fit round the Earth at latitude 90"):
        bar_length(1000.0, 0.0, 90.0, CRS(4326))


def test_north_points_north() -> None:
    assert north_angle(100, 30, CRS(4326)) == 0.0
    albers = CRS("+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84")
    x, y = gpd.GeoSeries([shapely.Point(130, 45)], crs=4326).to_crs(albers).iloc[0].coords[0]
    # Meridians of a cone turn by n (lon - lon0), n = (sin 25 + sin 47) / 2 on the sphere.
    n = (np.sin(np.radians(25)) + np.sin(np.radians(47))) / 2
    assert north_angle(x, y, albers) == pytest.approx(n * 25, abs=0.1)


def test_note_is_drawn_whenever_the_cities_carry_one(cities: Any, local: Any) -> None:
    cities.attrs["note"] = "Cells of the seats, not boundaries."
    cities.attrs["note_zh"] = "单元不是行政边界。"
    for axes, expected in (
        (maps.map_clusters(local, cities), cities.attrs["note"]),
        (maps.map_values(cities, "gdp", lang="zh"), cities.attrs["note_zh"]),
        (maps.map_values(cities, "gdp", crs=3857, note="Source: us."), "Source: us."),
    ):
        written = " ".join(reversed(words(axes, "note")))
        assert expected in axes.figure.note
        assert written.replace(" ", "") == axes.figure.note.replace(" ", "")
    quiet = maps.map_clusters(local, cities, titles=False)
    assert quiet.figure.texts == []
    assert cities.attrs["note"] in quiet.figure.note


def test_wrapping_keeps_all_text_and_holds_comparisons_together() -> None:
    text = "单元为城市驻地的泰森多边形，并非行政边界 (cells, not boundaries)."
    for width in (40, 64, 160, 800):
        lines = wrap(text, width, 8.0)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert not any(line.startswith("，") for line in lines)
    for width in range(40, 200, 7):
        assert not any(
            line.endswith("p") for line in wrap("two-sided permutation p ≤ 0.05 of 999", width, 8.0)
        )


def test_inset_shows_the_far_island_and_the_map_the_rest(cities: Any) -> None:
    cities.loc["u15", "geometry"] = shapely.box(110, 5, 110.5, 5.5)
    axes = maps.map_values(cities, "gdp", inset=(109, 4, 112, 7))
    assert len(faces(axes)) == 16
    (frame,) = [line for line in axes.lines if line.get_gid() == "inset"]
    (units,) = [c for c in axes.collections if c.get_gid() == "units"]
    box = units.get_paths()[15].get_extents()
    assert box.x0 > frame.get_xdata().min()
    assert box.x1 < frame.get_xdata().max()
    assert "Inset at" in axes.figure.note
    none = maps.map_values(cities, "gdp", inset=None)
    assert not [line for line in none.lines if line.get_gid() == "inset"]


@pytest.mark.parametrize("own", [True, False])
def test_furniture_covers_no_unit_and_not_each_other(cities: Any, own: bool) -> None:
    # Room in the south-west only: the legend goes there, or beside the map.
    sparse = cities.loc[["u03", "u07", "u11", "u12", "u13", "u14", "u15"]]
    ax = None if own else Figure(figsize=(7, 7)).subplots()
    axes = maps.map_values(sparse, "gdp", k=2, north_arrow=True, scale_bar=True, crs=4326, ax=ax)
    axes.figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    data = box.transformed(axes.transData.inverted())
    assert not shapely.box(*data.extents).intersects(sparse.union_all())


def test_legend_goes_beside_a_full_map(cities: Any) -> None:
    axes = maps.map_values(cities, "gdp")
    axes.figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    assert box.x0 >= axes.get_window_extent().x1
    assert box.x1 <= axes.figure.bbox.x1


def test_legend_goes_below_wide_maps_in_given_axes(cities: Any) -> None:
    wide = cities.iloc[:4]
    wide.attrs["note"] = "Cells, not boundaries."
    one, _ = Figure(figsize=(9, 3), layout="constrained").subplots(1, 2)
    maps.map_values(wide, "gdp", ax=one)
    one.figure.draw_without_rendering()
    (note,) = [t for t in one.texts if t.get_gid() == "note"]
    assert one.get_legend().get_window_extent().y1 <= note.get_window_extent().y0
    assert one.get_window_extent().width > 400


def test_names_of_units(cities: Any) -> None:
    axes = maps.map_values(cities, "gdp", labels=pd.Series({"u05": "Five <b>", "u10": None}), scale_bar=False)
    assert [t.get_text() for t in axes.texts if t.get_gid() is None and "km" not in t.get_text()] == [
        "Five <b>"
    ]
    (units,) = [c for c in axes.collections if c.get_gid() == "units"]
    assert units.get_paths()[5].contains_point(axes.texts[0].xy)


def test_background_and_outline_are_put_into_the_same_crs(cities: Any) -> None:
    land = gpd.GeoDataFrame(geometry=[shapely.box(95, 25, 110, 40)], crs=4326).to_crs(3857)
    axes = maps.map_values(cities, "gdp", background=land, outline=cities.dissolve(), crs=4326)
    assert axes.get_xlim()[0] == pytest.approx(95 - 0.15, abs=0.01)
    gids = {c.get_gid() for c in axes.collections}
    assert {"background", "outline"} <= gids
    assert "borders-coast" not in gids  # the caller's outline is in its place
    with pytest.raises(DataError, match="must both have a CRS, or neither"):
        maps.map_values(cities, "gdp", background=land.set_crs(None, allow_override=True))


@pytest.mark.evidence("small_multiples", source="the colour of each unit in each year", kind="hand")
def test_small_multiples_share_their_classes(cities: Any, panel: Panel) -> None:
    axes = multiples.small_multiples(
        cities, panel, "x", [1, 3], scheme=[20, 30, 50], cmap=["#111111", "#222222", "#333333"]
    )
    one, three = axes.child_axes
    assert [one.get_title(loc="left"), three.get_title(loc="left")] == ["1", "3"]
    assert faces(one) == ["#111111"] * 11 + ["#222222"] * 5
    assert faces(three) == ["#222222"] + ["#333333"] * 15
    assert axes.get_legend().get_title().get_text() == "income"
    assert len(multiples.small_multiples(cities, panel, "x").child_axes) == 3


def test_small_multiples_mark_missing_cells(cities: Any, panel: Panel) -> None:
    short = Panel(panel.frame.drop(("u04", 2)), panel.labels)
    axes = multiples.small_multiples(cities, short, "x", lang="zh")
    assert legend(axes)[-1] == "无数据 (1)"
    assert [hatched(small) for small in axes.child_axes] == [0, 1, 0]
    assert "1 个单元部分年份无数据" in axes.figure.note


def test_small_multiples_keep_units_that_the_panel_lacks(cities: Any, panel: Panel) -> None:
    short = Panel(panel.frame.drop("u04", level=0), panel.labels)
    axes = multiples.small_multiples(cities, short, "x")
    assert [hatched(small) for small in axes.child_axes] == [1, 1, 1]
    assert [len(faces(small)) for small in axes.child_axes] == [16] * 3
    assert "Hatched in all years: no data (1)" in axes.figure.note


def test_small_multiples_draw_all_years_or_say_which(cities: Any) -> None:
    rows = [(i, t, float(k + t)) for k, i in enumerate(IDS) for t in range(1990, 2020)]
    long = Panel.from_frame(pd.DataFrame(rows, columns=["city", "year", "x"]), unit="city", time="year")
    axes = multiples.small_multiples(cities, long, "x")
    drawn = [int(small.get_title(loc="left")) for small in axes.child_axes]
    assert drawn == [*range(1990, 2020, 2), 2019]
    assert "16 of the 30 times from 1990 to 2019: one in 2, and the last" in axes.figure.note
    assert len(multiples.small_multiples(cities, long, "x", range(1990, 2014)).child_axes) == 24


# The design's own examples: North Carolina (aspect 2.6, 7 years) 2 x 4, China (1.2, 21 years) 4 x 6.
def test_grids_are_shaped_to_the_map() -> None:
    assert multiples.grid_shape(8, 1 / 2.6, 510, 610) == (2, 4)
    assert multiples.grid_shape(22, 1 / 1.2, 510, 610) == (4, 6)
    assert multiples.grid_shape(2, 3.0, 510, 610) == (2, 1)


def test_small_multiple_refusals(cities: Any, panel: Panel) -> None:
    with pytest.raises(DataError, match="no time 9; it has 1, 2, 3"):
        multiples.small_multiples(cities, panel, "x", [9])
    with pytest.raises(DataError, match="no column 'y'"):
        multiples.small_multiples(cities, panel, "y")
    with pytest.raises(AlignmentError, match="In the panel only: 'u00'"):
        multiples.small_multiples(cities.drop("u00"), panel, "x")
    with pytest.raises(DataError, match="n_columns must be a number of maps in a row, at least 1; got 0"):
        multiples.small_multiples(cities, panel, "x", n_columns=0)
    with pytest.raises(DataError, match="A Panel is needed"):
        multiples.small_multiples(cities, panel.frame, "x")


def test_palette_refusals() -> None:
    with pytest.raises(
        DataError, match=r"A cluster is one of HH, LL, LH, HL, not significant, island, .*; got 'XX'"
    ):
        cluster_label("XX")
