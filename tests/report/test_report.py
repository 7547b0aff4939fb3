"""The report's numbers, shapes, words and safety, as they stand in the file; see test_report_browser."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import spatial as sp
from spatial.errors import AlignmentError, DataError
from spatial.report import packing
from spatial.report.building import explore
from spatial.report.findings import findings_of
from spatial.report.foreign_tables import clean_html, dressed, titled_tables
from spatial.report.page import MODULES, script_json, script_text, static_text, style_text
from spatial.report.payload import Settings, build_links, build_report_data, display_names
from spatial.report.sections import section_of
from spatial.report.shapes import GRID, build_shapes, simplified
from spatial.report.words import PAIRS, report_words, weights_words

EVIL = "<script>alert('x')</script>\"&'</script>\u2028"
DTYPES = {"f8": "<f8", "f4": "<f4", "u2": "<u2", "u4": "<u4"}


@pytest.fixture(scope="module")
def counties(nc: Any, nc_crime: Any) -> Any:
    """Map, panel and weights of the counties with crimes."""
    cities = nc.loc[nc_crime.units]
    return cities, nc_crime, sp.weights.contiguity(cities, islands="nearest").row_standardized()


@pytest.fixture
def grid() -> Any:
    """Nine squares, a panel of two years, and their weights."""
    cells = [shapely.box(i, j, i + 1, j + 1) for i in range(3) for j in range(3)]
    cities = gpd.GeoDataFrame({"name": list("ABCDEFGHI")}, geometry=cells, index=list("abcdefghi"), crs=3857)
    rows = [(i, t, float(k * (t - 1999)) + (k % 2)) for t in (2000, 2001) for k, i in enumerate("abcdefghi")]
    panel = sp.Panel.from_frame(pd.DataFrame(rows, columns=["city", "year", "x"]), unit="city", time="year")
    return cities, panel, sp.weights.contiguity(cities).row_standardized()


def payload(path: Path) -> dict[str, Any]:
    """Read what the page's script reads."""
    page = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def array(packed: list[str], shape: tuple[int, ...] = (-1,)) -> Any:
    kind, text = packed
    return np.frombuffer(base64.b64decode(text), DTYPES[kind]).reshape(shape)


def p_values(data: dict[str, Any], k: int = 0) -> Any:
    """Return the p-values of a variable as the page reads them, (T, N)."""
    counts = array(data["variables"][k]["counts"], (len(data["times"]), data["n"]))
    none = counts == np.iinfo(counts.dtype).max
    return np.where(none, np.nan, counts / (2 * (data["permutations"] + 1)))


def values_of(data: dict[str, Any], k: int = 0) -> Any:
    return array(data["variables"][k]["values"], (len(data["times"]), data["n"]))


def unpacked(text: str) -> list[int]:
    """Read whole numbers of seven bits a byte, one by one."""
    found, value, scale = [], 0, 1
    for byte in base64.b64decode(text):
        value += (byte & 127) * scale
        scale *= 128
        if byte < 128:
            found.append(-(value + 1) // 2 if value % 2 else value // 2)
            value, scale = 0, 1
    return found


def report_data(parts: Any, columns: Any = "x", **options: Any) -> Any:
    _, panel, W = parts
    settings = Settings(**{"permutations": 99, **options})
    return build_report_data(panel, columns, W, settings)


def write(parts: Any, folder: Path, columns: Any = "x", **options: Any) -> Path:
    cities, panel, W = parts
    return explore(cities, panel, columns, W, folder / "r.html", **{"permutations": 99, **options})


@pytest.mark.evidence("explore", source="local_moran and moran of each time", kind="identity")
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "geoda"])
def test_values_and_p_values_are_those_of_local_moran_to_the_last_bit(
    counties: Any, tmp_path: Path, alternative: Any
) -> None:
    _, panel, W = counties
    options = {"permutations": 199, "seed": 3, "alternative": alternative}
    data = payload(write(counties, tmp_path, ["crmrte", "polpc"], **options))
    at = data["times"].index("1984")
    x = panel.at(1984)["polpc"]
    frame = sp.local_moran(x, W, **options).frame.loc[data["ids"][: data["n"]]]
    assert data["ids"][: data["n"]] == list(W.ids)
    np.testing.assert_array_equal(values_of(data, 1)[at], x.loc[list(W.ids)])
    np.testing.assert_array_equal(p_values(data, 1)[at], frame["p_sim"])
    whole = sp.moran(x, W, **options)
    variable = data["variables"][1]
    assert variable["I"][at] == pytest.approx(whole.I, rel=1e-12)
    assert variable["p"][at] == whole.p_sim
    assert [variable["low"][at], variable["high"][at]] == np.quantile(
        whole.simulated, [0.025, 0.975]
    ).tolist()
    assert data["least"] == whole.smallest_p


def test_numbers_take_four_bytes_only_where_these_hold_them() -> None:
    assert packing.numbers(np.array([0.5, np.nan, 3.0]))[0] == "f4"
    assert packing.numbers(np.array([0.1]))[0] == "f8"
    assert packing.numbers(np.array([1e300]))[0] == "f8"


@pytest.mark.parametrize(("permutations", "kind"), [(99, "u2"), (999, "u2"), (99_999, "u4")])
def test_counters_lose_nothing(permutations: int, kind: str) -> None:
    p = np.append((np.arange(2 * permutations + 1) + 1) / (2 * (permutations + 1)), np.nan)
    packed = packing.counts(p, permutations)
    assert packed[0] == kind
    found = array(packed)
    np.testing.assert_array_equal(found[:-1] / (2 * (permutations + 1)), p[:-1])
    assert found[-1] == np.iinfo(found.dtype).max


def test_varints_come_back() -> None:
    values = np.array([0, -1, 63, 64, -64, -65, 8191, -8192, 2**20, -(2**31)])
    assert unpacked(base64.b64encode(packing.varints(values)).decode()) == values.tolist()


def test_neighbours_are_those_of_the_weights(counties: Any, tmp_path: Path) -> None:
    _, _, W = counties
    data = payload(write(counties, tmp_path, "crmrte"))
    links = data["links"]
    starts, found = array(links["indptr"]), array(links["indices"])
    for i in (0, 17, 89):
        ids = {data["ids"][j] for j in found[starts[i] : starts[i + 1]]}
        assert ids == set(W.ids[W.sparse[[i]].indices])
    np.testing.assert_array_equal(array(links["count"]), W.cardinalities.loc[data["ids"][: data["n"]]])
    assert links["standard"] is True
    assert "lag" not in data["variables"][0]  # the page works it out


@pytest.mark.parametrize("kind", ["binary", "own", "distance", "minmax"])
def test_lags_are_in_the_file_where_the_page_could_not_derive_them(
    grid: Any, tmp_path: Path, kind: str
) -> None:
    cities, panel, W = grid
    binary = sp.weights.contiguity(cities)
    weights = {
        "binary": binary,
        "own": sp.weights.kernel(cities, bandwidth_km=0.0025, own="kernel"),
        "distance": sp.weights.inverse_distance(cities, cutoff_km=0.0025).row_standardized(),
        "minmax": binary.minmax_normalized(),
    }[kind]
    frame = panel.to_frame()
    frame.loc[(frame["city"] == "b") & (frame["year"] == 2000), "x"] = np.nan
    holes = sp.Panel.from_frame(frame, unit="city", time="year")
    data = payload(write((cities, holes, weights), tmp_path))
    # Binary weights are equal within a row; min-max ones too, but they are normalised again without "b".
    assert ("lag" in data["variables"][0]) == (kind != "binary")
    if kind == "binary":
        assert array(data["links"]["weight"]).tolist() == [1.0] * 9
    else:
        x = holes.at(2000)["x"].dropna()
        lag = sp.local_moran(holes.at(2000)["x"], weights, permutations=9, missing="drop").frame["lag"]
        found = array(data["variables"][0]["lag"], (2, 9))[0]
        np.testing.assert_array_equal(found[list(W.ids.get_indexer(x.index))], lag.loc[x.index])


def test_a_value_at_the_mean_has_its_side_in_the_file(grid: Any) -> None:
    cities, _, W = grid
    x = pd.DataFrame({"x": [1.0, 3.0, 2.0, 2.0, 1.0, 3.0, 2.0, 1.0, 3.0]}, index=cities.index)
    data = report_data((cities, x, W))
    frame = sp.local_moran(x["x"], W, permutations=99).frame
    near = {i for i, z in enumerate(frame["z"]) if abs(z) < 1e-9}
    assert near == {2, 3, 6}
    found = {i: code for _, _, i, code in data.sides}
    assert near <= set(found)
    assert all(["HH", "LL", "LH", "HL"][found[i]] == frame["quadrant"].iloc[i] for i in found)


def test_dense_weights_list_the_heaviest_links(china: Any) -> None:
    W = sp.weights.inverse_distance(china).row_standardized()
    links = build_links(W)
    assert set(np.diff(links.indptr)) == {30} == {links.listed}
    assert set(links.count) == {335}
    row = W.sparse[[0]].toarray()[0]
    heaviest = np.sort(row)[-30:].min()
    assert (row[links.indices[:30]] >= heaviest).all()
    assert links.weight is None


def test_shuffling_rows_changes_no_byte(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    first = write(grid, tmp_path).read_bytes()
    order = np.random.default_rng(1).permutation(9)
    frame = panel.to_frame().sample(frac=1.0, random_state=1)
    again = sp.Panel.from_frame(frame, unit="city", time="year")
    assert write((cities.iloc[order], again, W), tmp_path).read_bytes() == first


def test_missing_cells_stay_missing(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    frame = panel.to_frame()
    frame.loc[(frame["city"] == "b") & (frame["year"] == 2000), "x"] = np.nan
    frame = frame[~((frame["city"] == "c") & (frame["year"] == 2001))]
    holes = sp.Panel.from_frame(frame, unit="city", time="year")
    data = payload(write((cities, holes, W), tmp_path))
    values = values_of(data)
    assert np.argwhere(np.isnan(values)).tolist() == [[0, 1], [1, 2]]
    np.testing.assert_array_equal(np.isnan(p_values(data)), np.isnan(values))
    x = frame[frame["year"] == 2000].set_index("city")["x"].dropna()
    left = sp.moran(x, W.subset(x.index).row_standardized(), permutations=99)
    assert data["variables"][0]["I"][0] == pytest.approx(left.I, rel=1e-12)


def test_a_time_that_cannot_be_measured_says_why(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    frame = panel.to_frame()
    frame.loc[frame["year"] == 2000, "x"] = 7.0
    data = payload(write((cities, sp.Panel.from_frame(frame, unit="city", time="year"), W), tmp_path))
    variable = data["variables"][0]
    assert "needs values that vary" in variable["problems"][0]
    assert variable["problems"][1] == ""
    assert variable["I"][0] is None
    assert np.isnan(p_values(data)[0]).all()
    np.testing.assert_array_equal(values_of(data)[0], 7.0)


def test_islands_have_a_value_and_no_p_value(grid: Any) -> None:
    cities, panel, _ = grid
    apart = cities.copy()
    apart.loc["a", "geometry"] = shapely.box(9, 9, 10, 10)
    W = sp.weights.contiguity(apart, islands="keep").row_standardized()
    data = report_data((apart, panel, W))
    assert np.isnan(data.p_sim[0, 0, 0])
    assert not np.isnan(data.values[0, 0, 0])
    said = findings_of(data, 9)[-1]
    assert said.caution
    assert said.key == ("1 unit", "1 个单元")
    assert "without neighbours" in said.sentence[0]


def test_units_of_the_map_without_data_are_in_the_file(nc: Any, nc_crime: Any, tmp_path: Path) -> None:
    sub = nc.loc[nc_crime.units]
    W = sp.weights.contiguity(sub, islands="nearest").row_standardized()
    path = write((nc, nc_crime, W), tmp_path, "crmrte")
    data = payload(path)
    assert (len(data["ids"]), data["n"]) == (100, 90)
    assert set(data["ids"][90:]) == set(nc.index) - set(nc_crime.units)
    assert len(unpacked(data["map"]["rings"][0])) == 100
    page = path.read_text(encoding="utf-8")
    assert "90 of 100 units" in page
    assert "10 units of the map are not in the data" in page


def test_logs_are_shown_in_units(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    logs = panel.with_columns(lx=np.log(panel.frame["x"] + 1)).with_labels({"lx": "Income (log)"})
    data = payload(write((cities, logs, W), tmp_path, "lx", logs="lx"))
    variable = data["variables"][0]
    assert variable["label_shown"] == ["Income", "Income"]
    np.testing.assert_array_equal(values_of(data)[0], np.log(panel.at(2000)["x"] + 1))
    assert variable["bounds"][-1] == pytest.approx(panel.frame["x"].max() + 1)
    with pytest.raises(DataError, match="logs must be columns of the report; 'y' are none of"):
        write((cities, logs, W), tmp_path, "lx", logs="y")


def test_cross_section_has_one_time(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    data = payload(write((cities, panel.at(2000), W), tmp_path))
    assert len(data["times"]) == 1
    assert 'id="time-strip" hidden' in (tmp_path / "r.html").read_text(encoding="utf-8")
    both = payload(write((cities, panel.frame, W), tmp_path))
    assert both["times"] == ["2000", "2001"]


# ---- shapes
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
    np.testing.assert_allclose(area, flat.area[::-1], rtol=5e-3)
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
    with pytest.raises(DataError, match="group must be a column of the cities; there is no 'state'"):
        build_shapes(cities, cities.index, "state")


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


# ---- what the page says
def test_findings_are_sentences_of_the_results(grid: Any) -> None:
    cities, panel, W = grid
    data = report_data((cities, panel, W))
    said = findings_of(data, 9)
    frame = sp.local_moran(panel.at(2001)["x"], W, permutations=99).frame
    counts = frame["cluster"].value_counts()
    assert len(said) == 3
    significant = [p <= 0.05 and i > 0 for i, p in zip(data.I[0], data.p[0], strict=True)]
    assert significant == [True, True]
    assert said[0].key == ("2 of 2", "2 / 2 年")
    assert "positive spatial autocorrelation of x" in said[0].sentence[0]
    assert said[1].key[0] == f"{counts['HH']} + {counts['LL']}"
    assert [f.caution for f in said] == [False, False, True]
    assert said[2].key[0] == "≈ 1"


def test_a_finding_that_is_not_significant_says_so(grid: Any) -> None:
    cities, _, W = grid
    x = pd.DataFrame({"x": [5.0, 1.0, 4.0, 3.0, 9.0, 2.0, 8.0, 6.0, 7.0]}, index=cities.index)
    data = report_data((cities, x, W))
    assert data.p[0, 0] > 0.05
    said = findings_of(data, 11)
    assert said[0].key[0].startswith("I = ")
    assert "not significant" in said[0].sentence[0]
    assert "不显著" in said[0].sentence[1]
    assert said[-1].key == ("2 units", "2 个单元")
    assert "without data" in said[-1].sentence[0]


def test_effects_have_a_picture_a_table_and_a_sentence(grid: Any) -> None:
    rows = [
        ("crime", "police", effect, b, p, b - 0.1, b + 0.1)
        for effect, b, p in (("direct", -0.3, 0.001), ("indirect", 0.05, 0.4), ("total", -0.25, 0.01))
    ]
    names = ["outcome", "term", "effect", "estimate", "p_value", "conf_low", "conf_high"]
    frame = pd.DataFrame(rows, columns=names)
    labels = {"police": ("Police", "警力"), "crime": ("Crime", "犯罪")}
    found = section_of({"GS3SLS": frame}, labels)
    assert not found.models
    picture, table = found.effects
    assert picture.title == ("GS3SLS: Crime", "GS3SLS: 犯罪")
    assert picture.html[0].count('class="indirect hollow"') == 1  # its interval holds zero
    assert 'class="total"' in picture.html[0]
    assert "−0.350 – −0.150" in table.html[1]
    said = findings_of(report_data(grid), 9, found.frames, labels)
    assert said[0].key[0] == "−0.250"
    assert said[0].sentence[0].startswith("total effect of Police on Crime")
    none = frame.assign(p_value=0.5)
    assert findings_of(report_data(grid), 9, [none], labels)[0].key == ("0 of 1", "0 / 1")


# ---- refusals
def test_ids_must_be_the_same_everywhere(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    with pytest.raises(AlignmentError, match=r"the cities and the weights must have the same ids.*'i'"):
        write((cities.iloc[:8], panel, W), tmp_path)
    with pytest.raises(AlignmentError, match=r"the panel and the weights must have the same ids.*'i'"):
        write((cities, panel.at(2000).iloc[:8], W), tmp_path)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "y"}, "no column 'y'"),
        ({"columns": []}, "at least one column"),
        ({"permutations": 0}, "permutations must be 1 or more; got 0"),
        ({"permutations": 9.5}, "whole number"),
        ({"alpha": 1.5}, "between 0 and 1"),
        ({"lang": "fr"}, "'en' or 'zh'; got 'fr'"),
        ({"names": "title"}, "there is no 'title'"),
        ({"names": ["A"]}, "a column of the cities or a Series by id; got list"),
        ({"tables": [3]}, r"tables\[0\] must be a DataFrame"),
    ],
)
def test_options_are_checked(grid: Any, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        write(grid, tmp_path, **options)


def test_inputs_of_other_kinds_are_refused(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    with pytest.raises(DataError, match="cities must be a GeoDataFrame by id; got DataFrame"):
        write((pd.DataFrame(index=cities.index), panel, W), tmp_path)
    with pytest.raises(DataError, match=r"explore needs a Panel.*got list"):
        write((cities, [1], W), tmp_path)
    frame = panel.to_frame().assign(x=lambda f: f["x"].where(f["city"] != "c", np.inf))
    with pytest.raises(DataError, match=r"'x' must be finite or missing; infinite at \('c', 2000\)"):
        write((cities, sp.Panel.from_frame(frame, unit="city", time="year"), W), tmp_path)
    same = panel.with_columns(x=1.0)
    with pytest.raises(DataError, match=r"'x' cannot be shown at any time: .*needs values that vary"):
        write((cities, same, W), tmp_path)


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


# ---- names, words, tables
def test_names_are_found_given_or_ids(grid: Any) -> None:
    cities, _, W = grid
    assert display_names(cities, None, W.ids, "en") == list("ABCDEFGHI")
    assert display_names(cities.drop(columns="name"), None, W.ids, "en") == list("abcdefghi")
    named = cities.assign(name_en="English", name_zh="中文")
    assert display_names(named, None, W.ids, "zh")[0] == "中文"
    assert display_names(named, None, W.ids, "en")[0] == "English"
    series = cities["name"].where(cities.index != "b")[::-1]
    assert display_names(cities, series, W.ids, "en") == list("AbCDEFGHI")
    with pytest.raises(AlignmentError, match="the names and the cities must have the same ids"):
        display_names(cities, series.iloc[1:], W.ids, "en")


def test_both_languages_have_the_same_words() -> None:
    english, chinese = report_words("en"), report_words("zh")
    assert english.keys() == chinese.keys()
    fields = re.compile(r"\{\w+\}")
    assert all(sorted(fields.findall(english[k])) == sorted(fields.findall(chinese[k])) for k in english)
    assert (
        weights_words("kernel", "none", 1200, 1, "en")
        == "kernel, 1,200 links, not normalised, 1 without neighbours"
    )


def test_markup_in_data_comes_out_as_text(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    cities = cities.assign(name=EVIL)
    cities.attrs["note"] = EVIL
    frame = panel.to_frame().rename(columns={"x": EVIL})
    evil = sp.Panel.from_frame(frame, unit="city", time="year", labels={EVIL: EVIL + "!"})
    table = pd.DataFrame({EVIL: [EVIL]}, index=[EVIL])
    path = write((cities, evil, W), tmp_path, EVIL, title=EVIL, tables={EVIL: table})
    page, data = path.read_text(encoding="utf-8"), payload(path)
    assert data["names"] == [[EVIL] * 9, None]
    assert data["variables"][0]["label"] == [EVIL + "!"] * 2
    body = page[page.index("</head>") :]
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 2  # the data, ours
    assert not re.search(r"<[^>]* (style|on\w+)=", page[: page.index('id="payload"')])
    assert body.count("&lt;script&gt;alert") >= 6  # title, note, table's title, head, index and cell


def test_json_cannot_end_its_element() -> None:
    text = script_json({"a": "</script><!--&\u2028"})
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == {"a": "</script><!--&\u2028"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<table><tr><td>1</td></tr></table>", "<table><tr><td>1</td></tr></table>"),
        ('<td style="x" onclick=\'y\' rowspan="2" colspan="1;x">a</td>', '<td rowspan="2">a</td>'),
        ("<img src=x onerror=alert(1)>a<svg><td>b</td></svg>", "a"),
        ("<style>td{}</style><a href='http://x'>t</a>", "t"),
        ("a &lt;b&gt; &amp; c<br/>", "a &lt;b&gt; &amp; c<br>"),
        ("</table><table><tr><td>open", "<table><tr><td>open</td></tr></table>"),
        ("<table></td></table>", "<table></table>"),
        ("<!-- x --><b>y</b>", "<b>y</b>"),
    ],
)
def test_only_the_marks_of_tables_pass(given: str, kept: str) -> None:
    assert clean_html(given) == kept


def test_tables_of_all_kinds_have_titles() -> None:
    class Fit:
        title = "A fit"

        def tidy(self) -> pd.DataFrame:
            return pd.DataFrame({"term": ["x"], "estimate": [0.123456]})

    class Page:
        def to_html(self) -> str:
            return "<table onclick=x><tr><td>1</td></tr></table>"

    frame = pd.DataFrame({"a": [1.5, np.nan]}, index=pd.Index(["u", "v"], name="city"))
    frame.attrs["title"] = "Frame"
    found = titled_tables([Fit(), Page(), frame])
    assert [title for title, _ in found] == ["A fit", "", "Frame"]
    assert '<td class="n">0.1235</td>' in found[0][1]
    assert found[1][1] == '<table><tr><td class="n">1</td></tr></table>'
    assert '<th scope="row">u</th>' in found[2][1]
    assert "nan" not in found[2][1].lower()
    assert titled_tables(None) == []
    assert titled_tables({"T": frame})[0][0] == "T"
    assert len(titled_tables(frame)) == 1


def test_numbers_line_up_and_stars_hang() -> None:
    fit = sp.tables.frame_table(pd.DataFrame({"term": ["x", ""], "b": ["-0.3**", "(0.1)"]}))
    text = titled_tables(fit)[0][1]
    assert '<td class="n">−0.3<span class="hang"><sup>**</sup></span></td>' in text
    assert '<td class="n">(0.1<span class="hang">)</span></td>' in text
    assert dressed("<td>a 1</td><td></td>") == '<td>a 1</td><td class="n"></td>'


# ---- the script
def test_the_script_is_its_modules_in_order() -> None:
    script = script_text()
    assert "import " not in re.sub(r"//.*", "", script)
    assert not re.search(r"^export ", script, re.M)
    stored = {path.stem for path in (Path(sp.__file__).parent / "report/static").glob("*.js")}
    assert set(MODULES) == stored
    for place, name in enumerate(MODULES):
        text = static_text(f"{name}.js")
        assert text.count("\n") < 400
        needed = set(re.findall(r'from "\./(\w+)\.js"', text))
        assert needed <= set(MODULES[:place]), name
    tops = [found for name in MODULES for found in declared(static_text(f"{name}.js"))]
    assert len(tops) == len(set(tops))  # one scope: no name twice


def declared(text: str) -> list[str]:
    return re.findall(r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", text, re.M)


def test_every_word_that_the_script_asks_for_has_two_languages() -> None:
    script = script_text()
    asked = set(re.findall(r'say\("([\w-]+)"', script)) | set(
        re.findall(r'(?:data-say|data-label|data-hint)="([\w-]+)"', script)
    )
    page = static_text("page.html.j2")
    asked |= set(re.findall(r'say\("([\w-]+)"\)', page)) | set(
        re.findall(r'data-(?:label|hint)="([\w-]+)"', page)
    )
    assert asked <= set(PAIRS)
    for code in ("HH", "LL", "LH", "HL", "not-significant", "island", "missing"):
        assert report_words("zh")[code]


def test_every_colour_of_the_style_is_in_the_table_of_colours() -> None:
    style = style_text()
    assert set(re.findall(r"var\(--([\w-]+)\)", style)) <= set(re.findall(r"--([\w-]+):", style))
    assert not re.search(r"#[0-9a-f]{6}", static_text("report.css").replace("#0000", ""))
    assert not re.search(r"#[0-9a-fA-F]{6}", script_text())


# ---- the file
@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_and_asks_for_nothing(grid: Any, tmp_path: Path) -> None:
    first = write(grid, tmp_path)
    text = first.read_text(encoding="utf-8")
    assert write(grid, tmp_path / "deeper").read_text(encoding="utf-8") == text
    assert sorted(p.name for p in (tmp_path / "deeper").iterdir()) == ["r.html"]  # nothing half-written
    assert "default-src &#39;none&#39;" in text
    assert "unsafe-inline" not in text
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", text)
    assert len(text) < 200_000


def test_chinese_pages_speak_chinese(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    cities.attrs = {"note": "示意边界", "source": "测试"}
    page = write((cities, panel, W), tmp_path, lang="zh").read_text(encoding="utf-8")
    for words in (
        'lang="zh-CN"',
        "x的相近值在哪里集聚？",
        "示意边界",
        "邻接，40 条连接，行标准化",
        "99 次置换",
        "测试",
    ):
        assert words in page


@pytest.mark.slow
def test_a_report_of_340_cities_20_years_5_columns_is_below_3_mb(china: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cube = random.normal(size=(20, len(china), 5))
    panel = sp.Panel.from_cube(
        cube, units=china.index, times=range(2003, 2023), columns=list("abcde"), unit="adcode", time="year"
    )
    W = sp.weights.contiguity(china, islands="nearest").row_standardized()
    path = explore(china, panel, list("abcde"), W, tmp_path / "r.html", permutations=99)
    assert path.stat().st_size < 3_000_000


@pytest.mark.slow
def test_levels_that_permutations_cannot_reach_are_named(grid: Any, tmp_path: Path) -> None:
    assert "With 99 permutations no p-value is below 0.02;" in write(grid, tmp_path).read_text("utf-8")
    many = write(grid, tmp_path, permutations=1999).read_text("utf-8")
    assert "With 1999 permutations" not in many


# ---- the shell
def run(*arguments: object) -> Any:
    import typer
    from typer.testing import CliRunner

    from spatial.cli.explore import explore_command

    app = typer.Typer()
    app.command("explore")(explore_command)
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.slow
def test_the_shell_writes_the_same_report(tmp_path: Path, nc: Any, nc_crime: Any) -> None:
    files = (sp.shapefiles.path("nc"), "--id", "fips", "--panel", sp.shapefiles.path("nc_crime"), "--common")
    options = ("--columns", "crmrte, polpc", "--islands", "nearest", "--permutations", 49)
    result = run(*files, *options, "--out", tmp_path / "shell.html")
    assert result.exit_code == 0, result.output
    assert "Written: " in result.output
    data = payload(tmp_path / "shell.html")
    assert [variable["key"] for variable in data["variables"]] == ["crmrte", "polpc"]
    cities = nc.loc[nc_crime.units]
    W = sp.weights.contiguity(cities, islands="nearest").row_standardized()
    here = payload(explore(nc, nc_crime, ["crmrte", "polpc"], W, tmp_path / "here.html", permutations=49))
    own = [{key: v[key] for key in ("values", "counts", "I", "bounds")} for v in data["variables"]]
    assert own == [{key: v[key] for key in own[0]} for v in here["variables"]]
    assert data["map"] == here["map"]


def test_the_shell_takes_databases_and_refuses_other_units(
    tmp_path: Path, nc: Any, nc_crime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def panel(source: str, **options: Any) -> Any:
        asked.append((source, options["sheet"]))
        return nc_crime

    monkeypatch.setattr(
        "spatial.io.cities.read_cities", lambda *_, layer, **__: nc if layer == "gis.nc" else None
    )
    monkeypatch.setattr("spatial.panel.reading.read_panel", panel)
    files = ("postgresql://a@h/db", "--id", "fips", "--panel", "postgresql://a@h/db", "--table", "crime")
    options = ("--columns", "crmrte", "--permutations", 9, "--out", tmp_path / "r.html", "--layer", "gis.nc")
    result = run(*files, *options, "--islands", "keep", "--common")
    assert result.exit_code == 0, result.output
    assert asked == [("postgresql://a@h/db", "crime")]
    result = run(*files, *options)
    assert isinstance(result.exception, sp.SpatialError)


def test_the_shell_takes_a_map_alone_and_checks_columns(tmp_path: Path) -> None:
    files = (sp.shapefiles.path("nc"), "--id", "fips", "--permutations", 9, "--out", tmp_path / "r.html")
    assert run(*files, "--columns", "sid74").exit_code == 0
    assert payload(tmp_path / "r.html")["names"][0][0] == "Alamance"
    assert isinstance(run(*files, "--columns", " , ").exception, DataError)
