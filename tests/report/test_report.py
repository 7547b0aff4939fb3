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
from spatial.report.building import explore
from spatial.report.figures import figures_json
from spatial.report.foreign_tables import clean_html, titled_tables
from spatial.report.page import script_json
from spatial.report.payload import ISLAND_CODE, MISSING_CODE, QUADRANTS, build_report_data, display_names
from spatial.report.shapes import build_shapes, simplified
from spatial.report.words import report_words, weights_words

EVIL = "<script>alert('x')</script>\"&'</script>\u2028"
DTYPES = {"f8": "<f8", "f4": "<f4", "u1": "u1", "u2": "<u2", "u4": "<u4"}


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


def array(data: dict[str, Any], name: str, shape: tuple[int, ...] = (-1,)) -> Any:
    kind, text = data["arrays"][name]
    return np.frombuffer(base64.b64decode(text), DTYPES[kind]).reshape(shape)


def write(parts: Any, folder: Path, columns: Any = "x", **options: Any) -> Path:
    cities, panel, W = parts
    return explore(cities, panel, columns, W, folder / "r.html", **{"permutations": 99, **options})


@pytest.mark.evidence("explore", source="local_moran and moran of each time", kind="identity")
@pytest.mark.slow
def test_numbers_are_those_of_local_moran_and_moran(counties: Any, tmp_path: Path) -> None:
    _, panel, W = counties
    data = payload(write(counties, tmp_path, ["crmrte", "polpc"], permutations=199, seed=3))
    shape = (2, 7, 90)
    values = array(data, "values", shape)
    at = data["times"].index("1984")
    x = panel.at(1984)["polpc"]
    local = sp.local_moran(x, W, permutations=199, seed=3)
    frame = local.frame.loc[data["ids"]]
    assert data["ids"] == list(W.ids)
    np.testing.assert_array_equal(values[1, at], x.loc[data["ids"]])
    z = (values[1, at] - data["mean"][1][at]) / data["sd"][1][at]
    np.testing.assert_allclose(z, frame["z"], rtol=1e-9)
    np.testing.assert_allclose(array(data, "lag", shape)[1, at], frame["lag"], rtol=1e-6)  # float32
    np.testing.assert_allclose(array(data, "p_sim", shape)[1, at], frame["p_sim"], rtol=1e-6)
    np.testing.assert_allclose(array(data, "p_fdr", shape)[1, at], frame["p_fdr"], rtol=1e-6)
    assert [QUADRANTS[q] for q in array(data, "quadrant", shape)[1, at]] == frame["quadrant"].tolist()
    for kind in ("sim", "fdr"):
        passed = array(data, f"passed_{kind}", shape)[1, at]
        for rank, level in enumerate(data["levels"]):
            np.testing.assert_array_equal(passed > rank, frame[f"p_{kind}"] <= level)
    whole = sp.moran(x, W, permutations=199, seed=3)
    assert data["I"][1][at] == pytest.approx(whole.I, rel=1e-12)
    assert data["p"][1][at] == whole.p_sim


def test_a_p_value_exactly_at_the_level_is_within_it(grid: Any) -> None:
    cities, panel, W = grid
    data = build_report_data(
        cities, panel, "x", W, names=None, lang="en", alpha=0.02, permutations=99, seed=0
    )
    exact = sp.local_moran(panel.at(2000)["x"], W, permutations=99).frame.loc[data.ids, "p_sim"]
    assert data.levels == (0.05, 0.02, 0.01, 0.001)
    assert float(np.float32(0.05)) > 0.05  # why levels are not compared with what the page holds
    np.testing.assert_array_equal(data.passed_sim[0, 0] >= 2, exact <= 0.02)


def test_neighbours_are_those_of_the_weights(counties: Any, tmp_path: Path) -> None:
    _, _, W = counties
    data = payload(write(counties, tmp_path, "crmrte"))
    starts, found = array(data, "indptr"), array(data, "indices")
    for i in (0, 17, 89):
        ids = {data["ids"][j] for j in found[starts[i] : starts[i + 1]]}
        assert ids == set(W.ids[W.sparse[[i]].indices])
    np.testing.assert_array_equal(array(data, "neighbours"), W.cardinalities.loc[data["ids"]])


def test_dense_weights_list_the_heaviest_links(china: Any, tmp_path: Path) -> None:
    W = sp.weights.inverse_distance(china).row_standardized()
    x = pd.DataFrame({"x": np.arange(len(china), dtype=float)}, index=china.index)
    path = write((china, x, W), tmp_path, permutations=9)
    data = payload(path)
    assert set(np.diff(array(data, "indptr"))) == {30}
    assert set(array(data, "neighbours")) == {335}
    row = W.sparse[[0]].toarray()[0]
    heaviest = np.sort(row)[-30:].min()
    assert (row[array(data, "indices")[:30]] >= heaviest).all()
    assert "the 30 neighbours with the largest weights" in path.read_text(encoding="utf-8")


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
    values, quadrant = array(data, "values", (1, 2, 9)), array(data, "quadrant", (1, 2, 9))
    assert np.argwhere(np.isnan(values[0])).tolist() == [[0, 1], [1, 2]]
    np.testing.assert_array_equal(quadrant == MISSING_CODE, np.isnan(values))
    assert np.isnan(array(data, "p_sim", (1, 2, 9))[0, 0, 1])
    x = frame[frame["year"] == 2000].set_index("city")["x"].dropna()
    left = sp.moran(x, W.subset(x.index).row_standardized(), permutations=99)
    assert data["I"][0][0] == pytest.approx(left.I, rel=1e-12)


def test_a_time_that_cannot_be_measured_says_why(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    frame = panel.to_frame()
    frame.loc[frame["year"] == 2000, "x"] = 7.0
    data = payload(write((cities, sp.Panel.from_frame(frame, unit="city", time="year"), W), tmp_path))
    assert "needs values that vary" in data["problems"][0][0]
    assert data["problems"][0][1] == ""
    assert data["I"][0][0] is None
    assert data["mean"][0][0] is None
    assert (array(data, "quadrant", (2, 9))[0] == MISSING_CODE).all()
    np.testing.assert_array_equal(array(data, "values", (2, 9))[0], 7.0)


def test_islands_have_a_code_of_their_own(grid: Any) -> None:
    cities, panel, _ = grid
    apart = cities.copy()
    apart.loc["a", "geometry"] = shapely.box(9, 9, 10, 10)
    W = sp.weights.contiguity(apart, islands="keep").row_standardized()
    data = build_report_data(apart, panel, "x", W, names=None, lang="en", alpha=0.05, permutations=9, seed=0)
    assert data.quadrant[0, 0, 0] == ISLAND_CODE
    assert data.passed_sim[0, 0, 0] == 0


def test_cross_section_has_one_time(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    data = payload(write((cities, panel.at(2000), W), tmp_path))
    assert len(data["times"]) == 1
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


def test_shapes_come_back_from_the_grid(nc: Any) -> None:
    shapes = build_shapes(nc, nc.index[::-1])
    assert shapes.coordinates.max() == 65535
    step = max(shapes.extent) / 65535
    assert step == pytest.approx(1.0)
    flat = nc.to_crs("+proj=laea +lat_0=35.2353 +lon_0=-79.8906 +datum=WGS84").geometry
    scale = max(flat.total_bounds[2] - flat.total_bounds[0], 0) / 65535
    area = []
    for unit in range(len(nc)):
        total = 0.0
        for polygon in range(shapes.units[unit], shapes.units[unit + 1]):
            rings = range(shapes.polygons[polygon], shapes.polygons[polygon + 1])
            parts = [shapes.coordinates[shapes.rings[r] : shapes.rings[r + 1]].astype(float) for r in rings]
            total += shapely.Polygon(parts[0], parts[1:]).area
        area.append(total * scale**2)
    np.testing.assert_allclose(area, flat.area[::-1], rtol=2e-3)


@pytest.mark.slow
def test_points_are_drawn_as_points(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    points = cities.set_geometry(cities.geometry.centroid)
    data = payload(write((points, panel, W), tmp_path))
    assert data["points"] is True
    assert array(data, "centres", (9, 2))[0].tolist() == [0, 0]
    assert len(array(data, "coordinates")) == 0
    figures = {
        points: json.dumps(figures_json(report_words("en"), points=points)) for points in (True, False)
    }
    assert "MultiPolygons" in figures[False]
    assert "xs" in figures[False]


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
    assert data["names"] == [EVIL] * 9
    assert data["labels"] == [EVIL + "!"]
    body = page[page.index("</head>") :]
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 4  # Bokeh, its level, the data, ours
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
    assert "<td>0.1235</td>" in found[0][1]
    assert found[1][1] == "<table><tr><td>1</td></tr></table>"
    assert "<th>u</th>" in re.sub(r"\s", "", found[2][1])
    assert "nan" not in found[2][1].lower()
    assert titled_tables(None) == []
    assert titled_tables({"T": frame})[0][0] == "T"
    assert len(titled_tables(frame)) == 1


# ---- the file
@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_and_asks_for_nothing(grid: Any, tmp_path: Path) -> None:
    first = write(grid, tmp_path)
    text = first.read_text(encoding="utf-8")
    assert write(grid, tmp_path / "deeper").read_text(encoding="utf-8") == text
    assert sorted(p.name for p in (tmp_path / "deeper").iterdir()) == ["r.html"]  # nothing half-written
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", text)
    assert len(text) < 2_000_000


def test_chinese_pages_speak_chinese(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    cities.attrs = {"note": "示意边界", "source": "测试"}
    page = write((cities, panel, W), tmp_path, lang="zh").read_text(encoding="utf-8")
    for words in (
        'lang="zh-CN"',
        "x的空间格局",
        "示意边界",
        "邻接，40 条连接，行标准化",
        "99 次置换",
        "测试",
    ):
        assert words in page


@pytest.mark.slow
def test_a_report_of_340_cities_20_years_5_columns_is_below_5_mb(china: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cube = random.normal(size=(20, len(china), 5))
    panel = sp.Panel.from_cube(
        cube, units=china.index, times=range(2003, 2023), columns=list("abcde"), unit="adcode", time="year"
    )
    W = sp.weights.contiguity(china, islands="nearest").row_standardized()
    path = explore(china, panel, list("abcde"), W, tmp_path / "r.html", permutations=99)
    assert path.stat().st_size < 5_000_000


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
    assert data["columns"] == ["crmrte", "polpc"]
    cities = nc.loc[nc_crime.units]
    W = sp.weights.contiguity(cities, islands="nearest").row_standardized()
    here = payload(explore(cities, nc_crime, ["crmrte", "polpc"], W, tmp_path / "here.html", permutations=49))
    assert data["arrays"] == here["arrays"]


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
    assert payload(tmp_path / "r.html")["names"][0] == "Alamance"
    assert isinstance(run(*files, "--columns", " , ").exception, DataError)
