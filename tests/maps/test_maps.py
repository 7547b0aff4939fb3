"""Maps: which colour each unit gets, what the legend says, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from map_cases import faces, hatched, legend, pixel, words
from small_font import register_font

from spatial.autocorrelation.hot_spots import getis_ord
from spatial.autocorrelation.lisa import local_moran
from spatial.errors import AlignmentError, DataError
from spatial.figures import save_figure
from spatial.figures.palette import CLUSTER_COLORS, COLORS, SIGNIFICANCE_COLORS, cluster_label
from spatial.maps import maps
from spatial.weights import contiguity


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


# ---- clusters
@pytest.mark.evidence("map_clusters", source="the colour of each unit", kind="hand")
def test_clusters_have_their_fixed_colors_by_id(cities: Any, local: Any) -> None:
    axes = maps.map_clusters(local, cities)
    found = dict(zip(cities.index, faces(axes), strict=True))
    expected = {i: CLUSTER_COLORS[code] for i, code in local.frame["cluster"].items()}
    assert found == expected
    assert legend(axes) == [
        "High-High (2)",
        "Low-Low (2)",
        "Low-High (2)",
        "High-Low (2)",
        "Not significant (7)",
        "No neighbours (1)",
    ]
    assert hatched(axes) == 0
    assert words(axes, "subtitle") == ["Local statistic, two-sided permutation p ≤ 0.05"]


def test_clusters_that_hold_no_unit_stay_in_the_legend(cities: Any, local: Any) -> None:
    local.frame.loc[local.frame["quadrant"] == "HL", "p_sim"] = 0.9
    assert "High-Low (0)" in legend(maps.map_clusters(local, cities))


def test_units_of_the_map_that_a_result_lacks_are_hatched_and_counted(cities: Any, local: Any) -> None:
    local.frame = local.frame.drop(["u00", "u09"])
    for axes in (
        maps.map_clusters(local, cities),
        maps.map_significance(local, cities),
        maps.map_values(cities, cities["gdp"].drop(["u00", "u09"])),
    ):
        assert legend(axes)[-1] == "No data (2)"
        assert hatched(axes) == 2
        assert len(faces(axes)) == 16
        assert faces(axes)[0] == COLORS["paper"][0]
        assert "Hatched units have no data (2)" in axes.figure.note
    assert legend(maps.map_clusters(local, cities, lang="zh"))[-1] == "无数据 (2)"
    with pytest.raises(DataError, match="has no rows: there is nothing to draw"):
        maps.map_clusters(SimpleNamespace(frame=local.frame.iloc[:0]), cities)


def test_printed_clusters_dot_low_low(cities: Any, local: Any) -> None:
    axes = maps.map_clusters(local, cities, palette="print")
    assert [len(c.get_paths()) for c in axes.collections if c.get_gid() == "dotted"] == [2]
    with pytest.raises(DataError, match="palette must be 'screen' or 'print'; got 'grey'"):
        maps.map_clusters(local, cities, palette="grey")


def test_hot_spots_are_mapped_as_clusters_too(cities: Any) -> None:
    W = contiguity(cities).row_standardized()
    spots = getis_ord(cities["gdp"].rename("x"), W, permutations=99)
    axes = maps.map_clusters(spots, cities)
    counts = spots.frame["cluster"].value_counts()
    assert legend(axes) == [
        f"Hot spot ({counts.get('hot spot', 0)})",
        f"Cold spot ({counts.get('cold spot', 0)})",
        f"Not significant ({counts.get('not significant', 0)})",
    ]
    drawn = dict(zip(cities.index, faces(axes), strict=True))
    assert drawn == {i: COLORS[code][0] for i, code in spots.frame["cluster"].items()}
    assert words(axes, "title") == ["Clusters of x"]


def test_clusters_at_another_level_and_after_fdr(cities: Any, local: Any) -> None:
    strict = maps.map_clusters(local, cities, alpha=0.01)
    assert legend(strict)[:4] == ["High-High (1)", "Low-Low (1)", "Low-High (1)", "High-Low (1)"]
    fdr = maps.map_clusters(local, cities, significance="p_fdr")
    assert faces(fdr) == faces(strict)
    assert words(fdr, "subtitle") == ["Local statistic, two-sided permutation p after FDR ≤ 0.05"]


@pytest.mark.slow
def test_clusters_of_a_real_result_are_its_own(cities: Any) -> None:
    W = contiguity(cities).row_standardized()
    x = cities["gdp"].rename("x")
    for options in ({}, {"fdr": True}, {"permutations": 0}, {"alpha": 0.2}):
        found = local_moran(x, W, **{"permutations": 99, **options})
        drawn = dict(zip(cities.index, faces(maps.map_clusters(found, cities)), strict=True))
        assert drawn == {i: CLUSTER_COLORS[code] for i, code in found.frame["cluster"].items()}
    without = local_moran(x, W, permutations=0)
    with pytest.raises(DataError, match="has no p_sim, as it was made without permutations"):
        maps.map_clusters(without, cities, significance="p_sim")
    assert words(maps.map_significance(without, cities), "subtitle") == [
        "Local Moran’s I, two-sided analytic p"
    ]
    greater = local_moran(x, W, permutations=9, alternative="greater")
    assert words(maps.map_clusters(greater, cities), "subtitle") == [
        "Local Moran’s I, one-sided (greater) permutation p ≤ 0.05 (9 permutations)"
    ]


def test_clusters_in_chinese(cities: Any, local: Any, tmp_path: Path) -> None:
    axes = maps.map_clusters(local, cities, lang="zh", title="聚类", scale_bar=True, north_arrow=True)
    assert legend(axes)[0] == f"{cluster_label('HH', 'zh')} (2)" == "高-高 (2)"
    assert save_figure(axes, tmp_path / "a.svg").stat().st_size > 0


def test_shuffling_the_cities_changes_no_unit(cities: Any, local: Any) -> None:
    mixed = cities.sample(frac=1, random_state=2)
    one = dict(zip(cities.index, faces(maps.map_clusters(local, cities)), strict=True))
    two = dict(zip(mixed.index, faces(maps.map_clusters(local, mixed)), strict=True))
    assert one == two
    assert legend(maps.map_values(mixed, "gdp")) == legend(maps.map_values(cities, "gdp"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"significance": "p"}, "significance must be one of p_sim, p_fdr, p_value; got 'p'"),
        ({"alpha": 5}, "between 0 and 1; got 5"),
        ({"inset": "far"}, "inset must be 'auto', None, or"),
        ({"group": "prov"}, "group must be a column of the cities; 'prov' is none. They have: 'gdp'"),
        ({"labels": True}, "labels=True names at most 12 units, and the map has 16"),
        ({"lang": "de"}, "lang must be 'en' or 'zh'; got 'de'"),
        ({"scalebar": True}, "Unknown map option 'scalebar'"),
        ({"extent": (1, 2, 3)}, r"extent must be four numbers \(west, south, east, north\)"),
        ({"inset": (3, 2, 1, 4)}, "inset must have west < east and south < north"),
        ({"inset": (0, 0, 180, 90)}, "holds all units: nothing would be left"),
        ({"background": 3}, "background must be a GeoDataFrame; got int"),
        ({"labels": ["a"]}, "labels must be a Series of names by id; got list"),
        ({"ax": 3}, "ax must be a matplotlib Axes; got int"),
    ],
)
def test_cluster_refusals(cities: Any, local: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        maps.map_clusters(local, cities, **arguments)


def test_results_of_other_units_are_refused(cities: Any, local: Any) -> None:
    with pytest.raises(AlignmentError, match=r"In the local result only: 'u00'.*cannot be drawn: add it"):
        maps.map_clusters(local, cities.drop("u00"))
    numbered = cities.set_axis(range(16))
    maps.map_values(numbered, pd.Series(range(16), index=[str(k) for k in range(16)]))  # codes are matched
    with pytest.raises(AlignmentError, match="The ids are str in the values, int in the cities"):
        maps.map_values(numbered, pd.Series(1.0, index=[f"u{k}" for k in range(16)]))
    with pytest.raises(DataError, match=r"result of local_moran\(\) is needed; got int"):
        maps.map_clusters(3, cities)
    with pytest.raises(DataError, match="needs the column 'p_fdr'"):
        maps.map_clusters(
            SimpleNamespace(frame=local.frame.drop(columns="p_fdr")), cities, significance="p_fdr"
        )
    with pytest.raises(DataError, match="Quadrants must be HH, LL, LH or HL; got '1'"):
        maps.map_clusters(SimpleNamespace(frame=local.frame.assign(quadrant=1)), cities)
    with pytest.raises(AlignmentError, match="labels name units that are not in the cities: 'x'"):
        maps.map_clusters(local, cities, labels=pd.Series({"x": "X"}))


@pytest.mark.evidence("map_significance", source="the colour of units at each level", kind="hand")
def test_significance_levels(cities: Any, local: Any) -> None:
    axes = maps.map_significance(local, cities)
    found = dict(zip(cities.index, faces(axes), strict=True))
    assert found["u00"] == SIGNIFICANCE_COLORS[2]
    assert found["u04"] == SIGNIFICANCE_COLORS[0]
    assert found["u08"] == CLUSTER_COLORS["not significant"]
    assert found["u15"] == CLUSTER_COLORS["island"]
    assert legend(axes) == [
        "p ≤ 0.001 (4)",
        "p ≤ 0.01 (0)",
        "p ≤ 0.05 (4)",
        "Not significant (p > 0.05) (7)",
        "No neighbours (1)",
    ]
    with pytest.raises(DataError, match="One to 4 significance levels can be drawn; got 5"):
        maps.map_significance(local, cities, levels=[0.1, 0.05, 0.01, 0.005, 0.001])


@pytest.mark.parametrize("options", [{"levels": [0.001]}, {"alpha": 0.001}])
def test_levels_that_permutations_cannot_reach_are_not_drawn_as_empty(
    nc: Any, options: dict[str, Any]
) -> None:
    tested = local_moran(nc["bir74"], contiguity(nc))
    draw: Any = maps.map_significance if "levels" in options else maps.map_clusters
    assert not [text for text in legend(draw(tested, nc)) if "0.001" in text]
    with pytest.raises(DataError, match=r"smallest p-value of 999 permutations is 0\.002"):
        draw(tested, nc, **options)


# ---- values
def test_quantiles_with_intervals_counts_and_missing(cities: Any) -> None:
    cities.loc["u03", "gdp"] = np.nan
    axes = maps.map_values(cities, "gdp", k=3, cmap=["#111111", "#222222", "#333333"])
    assert legend(axes) == ["0.0–5.7 (5)", "5.7–10.0 (5)", "10.0–15.0 (5)", "No data (1)"]
    found = dict(zip(cities.index, faces(axes), strict=True))
    assert (found["u00"], found["u06"], found["u15"], found["u03"]) == (
        "#111111",
        "#222222",
        "#333333",
        "#ffffff",
    )
    assert hatched(axes) == 1
    assert axes.get_legend().get_title().get_text() == "gdp"


def test_values_as_series_are_matched_by_id(cities: Any) -> None:
    series = cities["gdp"].rename("output").sample(frac=1, random_state=1)
    axes = maps.map_values(cities, series)
    assert faces(axes) == faces(maps.map_values(cities, "gdp"))
    assert axes.get_legend().get_title().get_text() == "output"


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        ("gpd", {}, "cities needs the column 'gpd'. Did you mean 'gdp'"),
        ("name", {}, "must be numbers to be classified"),
        ("gdp", {"scheme": "quantile"}, "Unknown scheme 'quantile'. Did you mean 'quantiles'"),
        ("gdp", {"k": 0}, "k must be a number of classes from 1 to 12; got 0"),
        ("gdp", {"scheme": [3, 1]}, "Class bounds must be increasing"),
        ("gdp", {"cmap": "nocolors"}, "matplotlib has no colour map 'nocolors'"),
        ("gdp", {"cmap": ["red"]}, "cmap lists 1 colours for 5 classes"),
        ("empty", {}, "hold no number at all"),
        ("infinite", {}, "must be finite; infinity at 'u02'"),
        (np.arange(16), {}, "A bare array has no ids"),
    ],
)
def test_value_refusals(cities: Any, values: Any, arguments: dict[str, Any], message: str) -> None:
    cities["name"], cities["empty"], cities["infinite"] = "x", np.nan, 1.0
    cities.loc["u02", "infinite"] = np.inf
    with pytest.raises(DataError, match=message):
        maps.map_values(cities, values, **arguments)


def test_shapes_that_cannot_be_drawn_are_refused_by_id(cities: Any) -> None:
    with pytest.raises(DataError, match="must be a GeoDataFrame indexed by id; got DataFrame"):
        maps.map_values(pd.DataFrame(cities[["gdp"]]), "gdp")
    with pytest.raises(DataError, match="these have none: 'u05'"):
        maps.map_values(cities.assign(geometry=cities.geometry.drop("u05")), "gdp")
    mixed = cities.copy()
    mixed.loc["u01", "geometry"] = shapely.Point(0, 0)
    with pytest.raises(DataError, match=r"polygons, or points.*Point, Polygon.*'u01'"):
        maps.map_values(mixed, "gdp")
    with pytest.raises(DataError, match="ids"):
        maps.map_values(cities.set_axis(["a"] * 16), "gdp")
    with pytest.raises(DataError, match="has no CRS, so it cannot be put into another"):
        maps.map_values(cities.set_crs(None, allow_override=True), "gdp", crs=3857)
    with pytest.raises(DataError, match="no rows"):
        maps.map_values(cities.iloc[:0], "gdp")


def test_points_and_parts_and_holes_are_one_shape_each(cities: Any) -> None:
    points = cities.set_geometry(cities.representative_point())
    assert len(faces(maps.map_values(points, "gdp"))) == 16
    # Both rings counter-clockwise, as many files have them: the hole must stay a hole.
    shell = [(100, 30), (101, 30), (101, 31), (100, 31)]
    hole = [(100.4, 30.4), (100.6, 30.4), (100.6, 30.6), (100.4, 30.6)]
    ring = shapely.Polygon(shell, [hole])
    cities.loc["u00", "geometry"] = shapely.MultiPolygon([ring, shapely.box(98, 30, 99, 31)])
    axes = maps.map_values(cities, "gdp", crs=4326)
    (units,) = [c for c in axes.collections if c.get_gid() == "units"]
    assert len(units.get_paths()) == 16
    # By pixel, since a path's contains_point() also says yes inside holes.
    assert pixel(axes, 98.5, 30.5) == pixel(axes, 100.2, 30.2) == faces(axes)[0]
    assert pixel(axes, 100.5, 30.5) == "#ffffff"
