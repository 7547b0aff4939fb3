"""Maps: which colour each unit gets, what the legend says, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import mapclassify
import matplotlib
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from pyproj import CRS, Geod
from small_font import register_font

from spatial.autocorrelation.hot_spots import getis_ord
from spatial.autocorrelation.lisa import local_moran
from spatial.errors import AlignmentError, DataError
from spatial.figures import palette, save_figure
from spatial.figures.classes import build_classes
from spatial.figures.palette import CLUSTER_COLORS, COLORS, SEQUENTIAL, SIGNIFICANCE_COLORS, cluster_label
from spatial.figures.style.captions import wrap
from spatial.maps import maps, multiples
from spatial.maps.furniture import bar_length, north_angle
from spatial.panel.panel import Panel
from spatial.weights import contiguity, great_circle_km

IDS = [f"u{k:02d}" for k in range(16)]


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


@pytest.fixture
def cities() -> gpd.GeoDataFrame:
    shapes = [shapely.box(100 + k % 4, 30 + k // 4, 101 + k % 4, 31 + k // 4) for k in range(16)]
    return gpd.GeoDataFrame({"gdp": np.arange(16.0)}, geometry=shapes, index=IDS, crs=4326)


@pytest.fixture
def local() -> SimpleNamespace:
    frame = pd.DataFrame({"quadrant": ["HH", "LL", "LH", "HL"] * 4}, index=IDS)
    frame["p_sim"] = [0.001] * 4 + [0.03] * 4 + [0.2] * 8
    frame["p_fdr"] = [0.004] * 4 + [0.08] * 4 + [0.4] * 8
    frame["cluster"] = frame["quadrant"].where(frame["p_sim"] <= 0.05, "not significant")
    frame.loc["u15", ["quadrant", "cluster"]] = ["LL", "island"]
    return SimpleNamespace(frame=frame.sample(frac=1, random_state=5))


def faces(axes: Any) -> list[str]:
    (units,) = [c for c in axes.collections if c.get_gid() == "units"]
    return [matplotlib.colors.to_hex(color) for color in units.get_facecolors()]


def legend(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def hatched(axes: Any) -> int:
    return sum(len(c.get_paths()) for c in axes.collections if c.get_gid() == "missing")


def words(axes: Any, gid: str) -> list[str]:
    texts = [t for t in (*axes.figure.texts, *axes.texts) if t.get_gid() == gid]
    return [t.get_text().replace("\N{NO-BREAK SPACE}", " ") for t in texts]


def pixel(axes: Any, x: float, y: float) -> str:
    """Return the colour that is drawn at a place of the map."""
    canvas = FigureCanvasAgg(axes.figure)
    canvas.draw()
    column, row = axes.transData.transform((x, y)).round().astype(int)
    image = np.asarray(canvas.buffer_rgba())
    return matplotlib.colors.to_hex(image[image.shape[0] - 1 - row, column] / 255)


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


# ---- values
def test_quantiles_with_intervals_counts_and_missing(cities: Any) -> None:
    cities.loc["u03", "gdp"] = np.nan
    axes = maps.map_values(cities, "gdp", k=3, cmap=["#111111", "#222222", "#333333"])
    assert legend(axes) == ["0–5.7 (5)", "5.7–10 (5)", "10–15 (5)", "No data (1)"]
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


# Fisher-Jenks: Slocum's example of two gaps; equal intervals by hand.
def test_classifiers() -> None:
    values = np.array([1.0, 2, 3, 20, 21, 22, 50, 51])
    assert build_classes(values, "natural_breaks", 3).bounds.tolist() == [3, 22, 51]
    assert build_classes(values, "equal_interval", 2).bounds.tolist() == [26, 51]
    assert build_classes(values, [10, 60], 5).codes(values).tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert build_classes(values, [10.0], 5).bounds.tolist() == [10, 51]
    assert build_classes(values, "BoxPlot", 5).scheme == "BoxPlot"
    assert build_classes(values, "HeadTailBreaks", 5).codes(values).max() < 6
    tied = np.array([0.0] * 9 + [1.0])
    assert build_classes(tied, "quantiles", 5).bounds.tolist() == [0, 1]
    assert build_classes(np.full(4, 7.0), "natural_breaks", 5).labels == ["7"]


@pytest.mark.evidence(
    "map_values",
    digits=2,
    source="mapclassify EqualInterval and Quantiles",
    differs="quantiles are rounded to the fewest digits that leave the classes",
)
def test_quantiles_and_equal_intervals_are_mapclassifys() -> None:
    values = np.random.default_rng(5).gamma(5.0, size=400)
    for k in (2, 5, 9):
        expected = mapclassify.EqualInterval(values, k=k)
        np.testing.assert_allclose(
            build_classes(values, "equal_interval", k).bounds, expected.bins, rtol=1e-14
        )
        # Quantiles are rounded to the fewest digits that leave each class within a tenth of its size.
        exact, ours = mapclassify.Quantiles(values, k=k), build_classes(values, "quantiles", k)
        counts = np.bincount(ours.codes(values))
        assert (np.abs(counts - exact.counts) <= 0.1 * exact.counts).all()
        assert all(len(f"{bound:.12g}".strip("0.").replace(".", "")) <= 4 for bound in ours.bounds[:-1])
        np.testing.assert_allclose(ours.bounds, exact.bins, rtol=0.05)


def test_zero_has_a_class_of_its_own_where_it_is_common() -> None:
    values = np.r_[np.zeros(60), np.arange(1.0, 101.0)]
    classes = build_classes(values, None, 5)
    assert classes.legend(classes.codes(values)) == [
        "0 (60)",
        "> 0–26 (26)",
        "26–50 (24)",
        "50–75 (25)",
        "75–100 (25)",
    ]


def test_values_of_both_signs_get_classes_symmetric_round_zero() -> None:
    values = np.random.default_rng(1).normal(size=500)
    classes = build_classes(values, None, 5)
    np.testing.assert_allclose(classes.bounds[:4], -classes.bounds[:4][::-1])
    assert classes.colors() == palette.ramp("diverging", 5)
    four = build_classes(values, None, 4)
    assert four.bounds[1] == 0
    # Few on the other side: one way, by magnitude.
    shifted = build_classes(values + 2.5, None, 5)
    assert shifted.center is None
    assert shifted.colors() == list(SEQUENTIAL[0])
    about = build_classes(values + 2.5, None, 5, center=2.5)
    assert about.colors() == palette.ramp("diverging", 5)


def test_negative_values_go_by_magnitude() -> None:
    values = -np.random.default_rng(2).lognormal(size=300)
    classes = build_classes(values, None, 5)
    assert classes.colors() == list(SEQUENTIAL[0])[::-1]
    # A dash would read as a sign.
    assert all(" – " in label for label in classes.labels)


def test_given_bounds_take_their_colours_from_the_centre() -> None:
    values = np.linspace(-3, 6, 100)
    colors = build_classes(values, [-1, 0, 2, 4, 6]).colors()
    assert colors[0] == palette.DIVERGING[0][1] or colors[0] in palette.ramp("diverging", 6)
    assert colors[1] in palette.ramp("diverging", 6)[:3]
    assert colors[4] == palette.DIVERGING[0][-1]


# GeoDa's maps.  The box of Tukey (1977): quartiles by hand for 1..11 with one far value.
def test_box_maps_have_geodas_six_classes() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100])
    classes = build_classes(values, "box")
    # Quartiles 3.5, 6, 8.5: fences -4 and 16.
    assert classes.bounds[1:5].tolist() == [3.5, 6.0, 8.5, 16.0]
    assert classes.legend(classes.codes(values)) == [
        "Lower outlier (0)",
        "Below 25%: 1–3.5 (3)",
        "25–50%: 3.5–6 (3)",
        "50–75%: 6–8.5 (2)",
        "Above 75%: 8.5–16 (2)",
        "Upper outlier: 16–100 (1)",
    ]
    assert classes.legend(classes.codes(values), "zh")[0] == "低值离群 (0)"
    wide = build_classes(values, "box", hinge=20.0)
    assert np.bincount(wide.codes(values), minlength=6)[[0, 5]].tolist() == [0, 0]
    edge = np.array(
        [0.0, 4, 4, 6, 6, 9]
    )  # the fence is 1: what lies on it is none, and 9 = 6 + 1.5 x 2 is none
    assert np.bincount(build_classes(edge, "box").codes(edge), minlength=6)[[0, 5]].tolist() == [1, 0]
    with pytest.raises(DataError, match=r"hinge must be a positive number, as 1\.5 or 3; got 0"):
        build_classes(values, "box", hinge=0)


def test_percentile_and_standard_deviation_maps() -> None:
    values = np.arange(1.0, 201.0)
    found = build_classes(values, "percentile")
    assert np.bincount(found.codes(values)).tolist() == [2, 18, 80, 80, 18, 2]
    assert found.legend(found.codes(values))[0] == "< 1%: 1–2.99 (2)"
    normal = np.random.default_rng(0).normal(10, 2, size=5000)
    deviations = build_classes(normal, "standard_deviation")
    np.testing.assert_allclose(deviations.bounds[:5], normal.mean() + normal.std(ddof=1) * np.arange(-2, 3))
    assert len(deviations.colors()) == 6


def test_unique_values_have_colours_without_an_order(cities: Any) -> None:
    cities["zone"] = ["east", "west", "mid", None] * 4
    axes = maps.map_values(cities, "zone", scheme="unique")
    assert legend(axes) == ["east (4)", "mid (4)", "west (4)", "No data (4)"]
    assert faces(axes)[:3] == [palette.CATEGORIES[0][k] for k in (0, 2, 1)]
    cities["many"] = np.arange(16)
    with pytest.raises(DataError, match=r"have 16 different values .* at most 6 colours without an order"):
        maps.map_values(cities, "many", scheme="unique")
    with pytest.raises(DataError, match="hold nothing at all"):
        maps.map_values(cities.assign(zone=None), "zone", scheme="unique")


@pytest.mark.parametrize("scheme", ["quantiles", "natural_breaks", "equal_interval", None])
def test_each_value_lies_in_the_interval_that_its_legend_says(scheme: str | None) -> None:
    values = np.random.default_rng(3).lognormal(size=200)
    classes = build_classes(values, scheme, 5)
    codes = classes.codes(values)
    ends = np.concatenate([[classes.lowest], classes.bounds])
    assert set(codes) == set(range(len(classes.bounds)))
    assert (values <= ends[codes + 1]).all()
    assert ((values > ends[codes]) | (codes == 0)).all()
    assert len(set(classes.labels)) == len(classes.labels)


def test_legend_numbers_have_the_digits_that_they_need() -> None:
    assert build_classes(np.array([0.011, 0.02, 0.031]), [0.011, 0.02, 0.031], 3).labels == [
        "0.011",
        "> 0.011–0.02",
        "0.02–0.031",
    ]
    assert build_classes(np.array([-1500.0, 2500.0]), [0, 2500], 2).labels == ["−1,500 – 0", "0–2,500"]
    assert build_classes(np.array([1.0e-7, 2.5e12]), [1, 2.5e12], 2).labels == ["1×10⁻⁷–1", "1–2.5×10¹²"]
    assert build_classes(np.array([1234.567, 9999.0]), [2000.5, 9999], 2).labels == [
        "1,234.6–2,000.5",
        "2,000.5–9,999",
    ]


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


# ---- small multiples
@pytest.fixture
def panel() -> Panel:
    rows = [(i, t, k + 10.0 * t) for k, i in enumerate(IDS) for t in (1, 2, 3)]
    frame = pd.DataFrame(rows, columns=["city", "year", "x"]).sample(frac=1, random_state=0)
    return Panel.from_frame(frame, unit="city", time="year", labels={"x": "income"})


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
