"""GIS layers: read back with GDAL, styled for QGIS, whole or not at all."""

from __future__ import annotations

import csv
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from spatial.autocorrelation.lisa import local_moran
from spatial.errors import AlignmentError, DataError
from spatial.figures.palette import CLUSTER_COLORS
from spatial.gis.layers import write_layers
from spatial.io.shapefile import read_shapefile
from spatial.weights import Weights, contiguity

IDS = [f"{110000 + 100 * k}" for k in range(16)]
NASTY = "<script>alert(\"x\")</script> & 'q' %s =HYPERLINK(1) \\frac{$ \x07 单元"


@pytest.fixture
def cities() -> gpd.GeoDataFrame:
    shapes = [shapely.box(100 + k % 4, 30 + k // 4, 101 + k % 4, 31 + k // 4) for k in range(16)]
    frame = gpd.GeoDataFrame(
        {"gdp": np.arange(16.0) ** 2, "名称": [f"城市{k}" for k in range(16)]},
        geometry=shapes,
        index=pd.Index(IDS, name="adcode"),
        crs=4326,
    )
    frame.attrs["note"] = "Cells, not boundaries."
    return frame


@pytest.fixture
def weights(cities: Any) -> Weights:
    return contiguity(cities).row_standardized()


@pytest.fixture
def local(cities: Any, weights: Weights) -> Any:
    return local_moran(cities["gdp"], weights, permutations=99)


def rows(path: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query, values).fetchall()


def style_of(path: Path, layer: str) -> ET.Element:
    ((text,),) = rows(path, "SELECT styleQML FROM layer_styles WHERE f_table_name = ?", layer)
    return ET.fromstring(text)


# ---- GeoPackage
@pytest.mark.evidence("write_layers", source="pyogrio reads back what was written", kind="identity")
def test_results_read_back_by_id(tmp_path: Path, cities: Any, local: Any) -> None:
    path = write_layers(tmp_path / "r.gpkg", cities, {"lisa": local}, attributes=["名称"])
    back = pyogrio.read_dataframe(path, layer="lisa").set_index("adcode")
    assert back.index.tolist() == IDS
    assert back["name"].tolist() == cities["名称"].tolist()
    np.testing.assert_array_equal(back["local_i"], local.frame["Ii"].loc[IDS])
    assert back["cluster"].tolist() == local.frame["cluster"].astype(str).loc[IDS].tolist()
    assert back.crs == cities.crs
    assert shapely.equals(back.geometry.array, cities.geometry.array).all()
    assert max(map(len, back.columns)) <= 10
    assert all(name.isascii() for name in back.columns)


@pytest.mark.parametrize("name", ["r.gpkg", "r.geojson", "r.shp"])
def test_nothing_is_said_where_a_library_turned_logging_on(
    tmp_path: Path, cities: Any, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Importing pyfixest sets the level of all loggers to INFO, at which pyogrio counts its records."""
    logger = logging.getLogger("pyogrio")
    with caplog.at_level(logging.INFO):
        write_layers(tmp_path / name, cities, {"a": cities["gdp"]})
        assert caplog.messages == []
        assert logger.level == logging.NOTSET
        caplog.set_level(logging.INFO, "pyogrio")  # who asks for them has them
        write_layers(tmp_path / name, cities, {"a": cities["gdp"]})
    # Through Arrow, as GeoPackage is written, pyogrio counts nothing.
    assert caplog.messages == ([] if name == "r.gpkg" else ["Created 16 records"])


def test_shuffled_rows_give_the_same_units(tmp_path: Path, cities: Any, local: Any) -> None:
    series = cities["gdp"].rename("effect")
    one = write_layers(tmp_path / "a.gpkg", cities, {"lisa": local, "effect": series})
    mixed = cities.sample(frac=1, random_state=1)
    two = write_layers(tmp_path / "b.gpkg", mixed, {"lisa": local, "effect": series.sample(frac=1)})
    for layer in ("lisa", "effect"):
        first, second = (pyogrio.read_dataframe(p, layer=layer).set_index("adcode") for p in (one, two))
        pd.testing.assert_frame_equal(
            first.drop(columns="geometry"), second.loc[first.index].drop(columns="geometry")
        )
        assert ET.tostring(style_of(one, layer)) == ET.tostring(style_of(two, layer))


def test_the_style_row_is_what_qgis_asks_for(tmp_path: Path, cities: Any, local: Any) -> None:
    path = write_layers(tmp_path / "r.gpkg", cities, {"lisa": local}, lang="zh")
    found = rows(
        path,
        "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column, useAsDefault "
        "FROM layer_styles",
    )
    assert found == [("", "", "lisa", "geom", 1)]
    assert ("geom",) in rows(path, "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = 'lisa'")
    assert ("layer_styles", "attributes") in rows(path, "SELECT table_name, data_type FROM gpkg_contents")
    renderer = style_of(path, "lisa").find("renderer-v2")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("attr")) == ("categorizedSymbol", "cluster")
    colors = {}
    for category in renderer.findall("categories/category"):
        option = renderer.find(
            f"symbols/symbol[@name='{category.get('symbol')}']/layer/Option/Option[@name='color']"
        )
        assert option is not None
        red, green, blue, _ = map(int, option.get("value", "").split(","))
        colors[category.get("value")] = f"#{red:02x}{green:02x}{blue:02x}"
    shown = {code: shade for code, shade in CLUSTER_COLORS.items() if code != "island"}
    assert colors == shown  # nobody is an island, so none is named
    counts = local.frame["cluster"].value_counts()
    assert renderer.find("categories/category[@value='LL']").get("label") == f"低-低 ({counts['LL']})"
    beside = (tmp_path / "r.lisa.qml").read_text(encoding="utf-8")
    assert ET.tostring(ET.fromstring(beside)) == ET.tostring(style_of(path, "lisa"))


def test_ranges_hold_each_number_once(tmp_path: Path, cities: Any) -> None:
    values = pd.Series(np.random.default_rng(0).normal(size=16), index=IDS, name="residual")
    path = write_layers(tmp_path / "r.gpkg", cities, {"res": values, "gdp": cities["gdp"]})
    for layer, numbers in (("res", values), ("gdp", cities["gdp"])):
        ranges = style_of(path, layer).findall("renderer-v2/ranges/range")
        ends = [(float(r.get("lower", "")), float(r.get("upper", ""))) for r in ranges]
        assert ends[0][0] <= numbers.min()
        assert ends[-1][1] == numbers.max()
        assert [a[1] for a in ends[:-1]] == [b[0] for b in ends[1:]]
        assert 2 <= len(ends) <= 5
    lower, upper = (
        float(style_of(path, "res").findall("renderer-v2/ranges/range")[2].get(e, ""))
        for e in ("lower", "upper")
    )
    assert lower == -upper  # the pale class lies round zero


def test_units_without_a_number_are_drawn_too(tmp_path: Path, cities: Any) -> None:
    values = cities["gdp"].where(cities["gdp"] != 9).rename("share")
    path = write_layers(tmp_path / "r.gpkg", cities, {"share": values})
    renderer = style_of(path, "share").find("renderer-v2")
    assert renderer.get("type") == "RuleRenderer"
    rules = [(r.get("label"), r.get("filter")) for r in renderer.findall("rules/rule")]
    assert rules[-1] == ("No data (1)", '"share" IS NULL')
    counted = [len(pyogrio.read_dataframe(path, layer="share", where=condition)) for _, condition in rules]
    assert sum(counted) == 16
    assert counted[-1] == 1
    hatch, outline = renderer.find("symbols")[-1].findall("layer")
    assert hatch.get("class") == "LinePatternFill"
    colour = hatch.find("symbol/layer/Option/Option[@name='line_color']").get("value")
    assert colour == "134,139,146,255"  # the hatch of our maps
    assert outline.find("Option/Option[@name='style']").get("value") == "no"


def test_columns_have_chinese_titles(tmp_path: Path, cities: Any, local: Any) -> None:
    path = write_layers(
        tmp_path / "r.gpkg",
        cities,
        {"lisa": local},
        attributes=["gdp"],
        labels={"gdp": "地区生产总值"},
        lang="zh",
    )
    titles = {
        field: (title, description)
        for field, title, description in rows(
            path, "SELECT column_name, title, description FROM gpkg_data_columns WHERE table_name = 'lisa'"
        )
    }
    assert titles["cluster"] == ("聚类类型", "显著时为所在象限，否则为不显著；无邻居者为孤岛")
    assert titles["gdp"] == ("地区生产总值", "gdp")
    assert set(titles) == set(pyogrio.read_info(path, layer="lisa")["fields"])
    aliases = {a.get("field"): a.get("name") for a in style_of(path, "lisa").findall("aliases/alias")}
    assert aliases["cluster"] == "聚类类型"
    assert len(rows(path, "SELECT * FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'")) == 2


def test_other_layers_and_their_styles_are_kept(tmp_path: Path, cities: Any, local: Any) -> None:
    path = tmp_path / "r.gpkg"
    pyogrio.write_dataframe(cities.reset_index(), path, layer="mine", driver="GPKG")
    write_layers(path, cities, {"lisa": local, "x": cities["gdp"]})
    before = rows(path, "SELECT styleQML FROM layer_styles WHERE f_table_name = 'lisa'")
    write_layers(path, cities, {"x": -cities["gdp"]})
    assert {name for name, _ in pyogrio.list_layers(path)} == {"mine", "lisa", "x", "layer_styles"}
    assert len(pyogrio.read_dataframe(path, layer="mine")) == 16
    assert pyogrio.read_dataframe(path, layer="x")["gdp"].tolist() == (-cities["gdp"]).tolist()
    assert rows(path, "SELECT styleQML FROM layer_styles WHERE f_table_name = 'lisa'") == before
    assert rows(path, "SELECT count(*) FROM layer_styles WHERE f_table_name = 'x'") == [(1,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_failed_write_leaves_the_old_file_as_it_was(tmp_path: Path, cities: Any, local: Any) -> None:
    path = write_layers(tmp_path / "r.gpkg", cities, {"lisa": local})
    before = path.read_bytes()
    with pytest.raises(
        AlignmentError, match=r"In layer 'bad' only: '110000' \(16 units; the cities have 15\)"
    ):
        write_layers(path, cities.iloc[1:], {"lisa": -cities["gdp"].iloc[1:], "bad": cities["gdp"]})
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.gpkg", "r.lisa.qml", "r.qgz"]


def test_an_open_or_foreign_file_is_refused(tmp_path: Path, cities: Any) -> None:
    path = tmp_path / "r.gpkg"
    path.write_bytes(b"something else entirely, not a database")
    with pytest.raises(DataError, match=r"r\.gpkg exists and is no GeoPackage"):
        write_layers(path, cities, {"x": cities["gdp"]})
    assert path.read_bytes().startswith(b"something")
    path.unlink()
    write_layers(path, cities, {"x": cities["gdp"]})
    (tmp_path / "r.gpkg-wal").write_bytes(b"changes")
    with pytest.raises(DataError, match="is open in another program, such as QGIS"):
        write_layers(path, cities, {"x": cities["gdp"]})


def test_an_old_version_for_old_readers(tmp_path: Path, cities: Any) -> None:
    path = write_layers(tmp_path / "r.gpkg", cities, {"x": cities["gdp"]})
    assert rows(path, "PRAGMA user_version") == [(10200,)]
    assert rows(path, "SELECT description FROM gpkg_contents WHERE table_name = 'x'") == [
        ("Cells, not boundaries.",)
    ]


def test_markup_in_names_and_labels_comes_out_as_text(tmp_path: Path, cities: Any) -> None:
    cities["名称"] = NASTY
    layer = "rob'); DROP TABLE x;--"
    path = write_layers(
        tmp_path / "r.gpkg",
        cities,
        {layer: cities["gdp"].rename(NASTY)},
        attributes=["名称"],
        labels={"名称": NASTY},
    )
    back = pyogrio.read_dataframe(path, layer=layer)
    assert back["name"].tolist()[0].startswith("<script>")
    aliases = [a.get("name") for a in style_of(path, layer).findall("aliases/alias")]
    assert NASTY.replace("\x07", "\N{REPLACEMENT CHARACTER}") in aliases
    assert all(name.isascii() and "<" not in name for name in back.columns)


# ---- what can be a layer
def test_weights_are_lines_between_seats(tmp_path: Path, cities: Any, weights: Weights) -> None:
    cities["seat"] = cities.geometry.representative_point().translate(0.1)
    path = write_layers(tmp_path / "r.gpkg", cities.sample(frac=1, random_state=4), {"W": weights})
    back = pyogrio.read_dataframe(path, layer="W")
    expected = weights.to_frame().set_index(["i", "j"])["w"]
    found = back.set_index(["i", "j"])["w"]
    pd.testing.assert_series_equal(found.sort_index(), expected.sort_index(), check_index_type=False)
    first = back.iloc[0]
    ends = [shapely.Point(first.geometry.coords[k]) for k in (0, -1)]
    assert ends == [cities["seat"][first["i"]], cities["seat"][first["j"]]]
    graph = write_layers(tmp_path / "g.gpkg", cities, {"W": weights.to_graph()})
    assert len(pyogrio.read_dataframe(graph, layer="W")) == weights.n_links


def test_panels_of_residuals_get_a_field_for_each_time(tmp_path: Path, cities: Any) -> None:
    index = pd.MultiIndex.from_product([IDS[::-1], [2001, 2002]], names=["unit", "time"])
    residuals = pd.DataFrame({"residual": np.arange(32.0)}, index=index)
    path = write_layers(tmp_path / "r.gpkg", cities, {"res": residuals})
    back = pyogrio.read_dataframe(path, layer="res").set_index("adcode")
    assert back.loc[IDS[-1], ["residual_2001", "residual_2002"]].tolist() == [0.0, 1.0]


def test_cities_alone_and_points(tmp_path: Path, cities: Any) -> None:
    points = cities.set_geometry(cities.representative_point())
    path = write_layers(tmp_path / "r.gpkg", points.drop(columns="gdp"), {"cities": None})
    assert style_of(path, "cities").find("renderer-v2").get("type") == "singleSymbol"
    assert style_of(path, "cities").find("renderer-v2/symbols/symbol").get("type") == "marker"


def test_column_types_that_are_kept(tmp_path: Path, cities: Any) -> None:
    frame = pd.DataFrame(
        {
            "whole": np.arange(16),
            "maybe": pd.array([None, *range(15)], dtype="Int64"),
            "flag": [True] * 16,
            "kind": pd.Categorical(["a", None] * 8),
            "day": pd.Timestamp("2020-01-02"),
        },
        index=IDS,
    )
    back = pyogrio.read_dataframe(write_layers(tmp_path / "r.gpkg", cities, {"t": frame}), layer="t")
    assert back["whole"].tolist() == list(range(16))
    assert np.isnan(back["maybe"][0])
    assert back["maybe"][15] == 14
    assert back["flag"].all()
    assert back["kind"][0] == "a"
    assert pd.isna(back["kind"][1])
    assert back["day"][0] == pd.Timestamp("2020-01-02")
    with pytest.raises(DataError, match="Column 'c' holds complex128 values that no layer keeps"):
        write_layers(tmp_path / "r.gpkg", cities, {"t": pd.Series(1j, index=IDS, name="c")})


# ---- other formats
def test_shapefiles_have_short_names_and_a_table_of_them(tmp_path: Path, cities: Any, local: Any) -> None:
    path = write_layers(tmp_path / "lisa.shp", cities, {"lisa": local}, attributes=["名称"], lang="zh")
    back = read_shapefile(path)
    np.testing.assert_allclose(back.set_index("adcode")["local_i"], local.frame["Ii"].loc[IDS], rtol=1e-9)
    assert pyogrio.read_dataframe(path)["name"].tolist() == cities["名称"].tolist()
    table = list(csv.reader((tmp_path / "lisa.fields.csv").read_text("utf-8-sig").splitlines()))
    assert ["local_i", "局部莫兰指数"] in [row[:2] for row in table]
    assert ET.fromstring((tmp_path / "lisa.qml").read_text("utf-8")).find("renderer-v2") is not None


@pytest.mark.parametrize("suffix", [".geojson", ".parquet", ".shp"])
def test_several_layers_are_a_folder(
    tmp_path: Path, cities: Any, local: Any, weights: Weights, suffix: str
) -> None:
    projected = cities.to_crs(3857)
    projected.index.name = "adcode"
    folder = write_layers(tmp_path / f"out{suffix}", projected, {"lisa": local, "W": weights})
    assert folder == tmp_path / "out"
    for layer in ("lisa", "W"):
        assert (folder / f"{layer}.qml").exists()
        assert (folder / f"{layer}.fields.csv").exists()
    read = gpd.read_parquet if suffix == ".parquet" else pyogrio.read_dataframe
    back = read(folder / f"lisa{suffix}")
    assert back["adcode"].tolist() == IDS
    assert back.crs == (4326 if suffix == ".geojson" else 3857)
    assert len(read(folder / f"W{suffix}")) == weights.n_links


def test_geojson_needs_a_crs(tmp_path: Path, cities: Any) -> None:
    with pytest.raises(DataError, match="GeoJSON is in WGS 84, and the cities have no CRS"):
        write_layers(tmp_path / "a.geojson", cities.set_crs(None, allow_override=True), {"x": cities["gdp"]})
    assert not (tmp_path / "a.geojson").exists()


# ---- refusals
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../out", "none of / "),
        ("a:b", "none of / "),
        (".hidden", "no dot at its start"),
        ("tab\t", "without blanks round it"),
        ("line\nbreak", "none of / "),
        ("", "text without blanks"),
        (3, "text without blanks round it; got 3"),
        ("gpkg_contents", "keeps 'gpkg_contents' for itself"),
        ("Layer_Styles", "keeps 'Layer_Styles' for itself"),
    ],
)
def test_layer_names_that_are_refused(tmp_path: Path, cities: Any, name: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_layers(tmp_path / "r.gpkg", cities, {name: cities["gdp"]})
    assert list(tmp_path.iterdir()) == []


def test_other_refusals(tmp_path: Path, cities: Any, weights: Weights) -> None:
    path = tmp_path / "r.gpkg"
    with pytest.raises(DataError, match=r"written as \.gpkg, \.geojson, \.parquet, \.shp; got .*r\.kml"):
        write_layers(tmp_path / "r.kml", cities, {"x": cities["gdp"]})
    with pytest.raises(DataError, match="'a' and 'A' differ only in case"):
        write_layers(path, cities, {"a": cities["gdp"], "A": cities["gdp"]})
    with pytest.raises(DataError, match="layers must map at least one name"):
        write_layers(path, cities, {})
    with pytest.raises(DataError, match=r"Layer 'x' needs a result with a frame by id.*got ndarray"):
        write_layers(path, cities, {"x": np.arange(16)})
    with pytest.raises(DataError, match=r"no attribute 'gdpp'\. Did you mean 'gdp'"):
        write_layers(path, cities, {"x": cities["gdp"]}, attributes=["gdpp"])
    with pytest.raises(DataError, match=r"attributes must be .* or a list of columns.*\['gdp'\]"):
        write_layers(path, cities, {"x": cities["gdp"]}, attributes="gdp")
    with pytest.raises(DataError, match="no column to write"):
        write_layers(path, cities, {"x": pd.DataFrame(index=IDS)})
    with pytest.raises(AlignmentError, match="the weights of layer 'W'"):
        write_layers(path, cities.iloc[1:], {"W": weights})
    with pytest.raises(DataError, match="have no links"):
        write_layers(path, cities, {"W": Weights.from_dense(np.zeros((16, 16)), IDS)})
    twice = pd.Series(1.0, index=pd.MultiIndex.from_tuples([(i, 1) for i in IDS] + [(IDS[0], 1)]), name="r")
    with pytest.raises(DataError, match="rows that repeat"):
        write_layers(path, cities, {"r": twice})
    with pytest.raises(DataError, match="lang must be"):
        write_layers(path, cities, {"x": cities["gdp"]}, lang="fr")
    assert list(tmp_path.iterdir()) == []
