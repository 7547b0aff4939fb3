"""Shapefiles with Chinese names: written by us and read back, written by others and read at all.

The files of others are built here byte by byte, as the dBASE III layout has them
(https://www.clicketyclick.dk/databases/xbase/format/dbf.html), so that no reader's habit is baked in.
"""

from __future__ import annotations

import csv
import struct
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.errors import DataError, SpatialWarning
from spatial.io.cities import read_cities
from spatial.io.dbf import read_dbf_header
from spatial.io.encoding import decode_cut, looks_chinese, sniff
from spatial.io.shapefile import field_names, read_shapefile, write_shapefile

WGS84 = 4326


def write_dbf(
    path: Path, names: list[bytes], rows: list[list[bytes]], widths: list[int], language: int = 0
) -> None:
    """Write text fields as bytes; a name is cut at ten bytes, a value at its width."""
    start, length = 32 + 32 * len(names) + 1, 1 + sum(widths)
    out = struct.pack("<4BIHH17xB2x", 3, 126, 1, 1, len(rows), start, length, language)
    for name, width in zip(names, widths, strict=True):
        out += struct.pack("<11sc4xBB14x", name[:10], b"C", width, 0)
    out += b"\r"
    for row in rows:
        out += b" " + b"".join(v[:w].ljust(w, b" ") for v, w in zip(row, widths, strict=True))
    path.write_bytes(out + b"\x1a")


def foreign(
    folder: Path,
    names: list[bytes],
    rows: list[list[bytes]],
    *,
    cpg: str | None,
    width: int = 40,
    language: int = 0,
) -> Path:
    """Write a Shapefile as another program would: points, a .prj, the bytes of the table as given."""
    path = folder / "foreign.shp"
    points = gpd.GeoDataFrame(
        {"x": range(len(rows))}, geometry=[shapely.Point(100 + i, 30) for i in range(len(rows))], crs=WGS84
    )
    points.to_file(path)
    path.with_suffix(".cpg").unlink()
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    write_dbf(path.with_suffix(".dbf"), names, rows, [width] * len(names), language)
    return path


NAMES = ["城市代码", "名称", "地区生产总值"]
ROWS = [["110000", "北京市", "高"], ["310000", "上海市", "中"], ["460300", "三沙市", "低"]]


def encoded(encoding: str) -> tuple[list[bytes], list[list[bytes]]]:
    return [n.encode(encoding) for n in NAMES], [[v.encode(encoding) for v in row] for row in ROWS]


@pytest.mark.parametrize("cpg", [None, "UTF-8", "ISO-8859-1", "GB18030", "936", "nonsense"])
@pytest.mark.parametrize("language", [0, 0x4D, 0x57])
def test_gb18030_is_found_whatever_the_cpg_says(tmp_path: Path, cpg: str | None, language: int) -> None:
    names, rows = encoded("gb18030")
    frame = read_shapefile(foreign(tmp_path, names, rows, cpg=cpg, language=language))
    # ten bytes hold five characters of GB18030
    assert list(frame.columns) == ["城市代码", "名称", "地区生产总", "geometry"]
    assert frame.drop(columns="geometry").to_numpy().tolist() == ROWS


@pytest.mark.parametrize("cpg", [None, "UTF-8", "ISO-8859-1", "GB18030"])
def test_utf8_names_cut_inside_a_character(tmp_path: Path, cpg: str | None) -> None:
    names, rows = encoded("utf-8")
    frame = read_cities(foreign(tmp_path, names, rows, cpg=cpg), id="城市代")
    assert list(frame.columns) == ["名称", "地区生", "geometry"]
    assert frame["名称"].tolist() == [row[1] for row in ROWS]
    assert frame.index.tolist() == ["110000", "310000", "460300"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("width", [7, 8, 9])
def test_values_cut_by_their_field(tmp_path: Path, encoding: str, width: int) -> None:
    value = "呼和浩特市".encode(encoding)
    path = foreign(tmp_path, [b"id"], [[value], ["乌海".encode(encoding)]], cpg=None, width=width)
    whole = width // (3 if encoding == "utf-8" else 2)
    assert read_shapefile(path)["id"].tolist() == ["呼和浩特市"[:whole], "乌海"]


def test_a_number_that_gdal_put_behind_half_a_character(tmp_path: Path) -> None:
    # "地区生产总值增长率" as geopandas writes it after "地区生产总值": eight bytes and _1
    names = ["地区生产".encode()[:10], "地区生产".encode()[:8] + b"_1"]
    path = foreign(tmp_path, names, [["甲".encode(), "乙".encode()]], cpg="UTF-8")
    assert list(read_shapefile(path).columns) == ["地区生", "地区_1", "geometry"]


def test_equal_names_are_both_read(tmp_path: Path) -> None:
    names = ["地区生产总值".encode(), "地区生产率".encode()]
    path = foreign(tmp_path, names, [[b"1", b"2"]], cpg=None)
    with pytest.warns(SpatialWarning, match="'地区生_1'"):
        frame = read_shapefile(path)
    assert frame.drop(columns="geometry").iloc[0].to_dict() == {"地区生": "1", "地区生_1": "2"}


def test_latin_text_needs_its_cpg_or_a_word(tmp_path: Path) -> None:
    rows = [["Orléans".encode("latin-1")], ["Besançon".encode("latin-1")]]
    path = foreign(tmp_path, [b"name"], rows, cpg="ISO-8859-1")
    assert read_shapefile(path)["name"].tolist() == ["Orléans", "Besançon"]
    path.with_suffix(".cpg").unlink()
    with pytest.raises(
        DataError, match=r"foreign.dbf is neither UTF-8 nor Chinese in GB18030.*Pass encoding="
    ):
        read_shapefile(path)
    assert read_cities(path, id="name", encoding="cp1252").index.tolist() == ["Orléans", "Besançon"]


def test_a_cpg_that_python_does_not_know(tmp_path: Path) -> None:
    rows = [["Orléans".encode("latin-1")]]
    for cpg in ("nonsense", "hex"):
        path = foreign(tmp_path, [b"name"], rows, cpg=cpg)
        with pytest.raises(DataError, match=r"Pass encoding="):
            read_shapefile(path)
    # the language byte of the header says the same as a .cpg
    path = foreign(tmp_path, [b"name"], rows, cpg=None, language=0x03)
    assert read_shapefile(path)["name"].tolist() == ["Orléans"]


def test_a_table_without_rows_or_with_bytes_to_spare(tmp_path: Path) -> None:
    path = foreign(tmp_path, encoded("gb18030")[0], [], cpg=None)
    assert list(read_shapefile(path).columns) == ["城市代码", "名称", "地区生产总", "geometry"]
    # a full field that is neither UTF-8 nor GB18030
    path = foreign(tmp_path, [b"name"], [[b"\xff\xff\xff"]], cpg="latin-1", width=3)
    assert read_shapefile(path)["name"].tolist() == ["ÿÿÿ"]


def test_a_wrong_encoding_is_refused(tmp_path: Path) -> None:
    names, rows = encoded("gb18030")
    path = foreign(tmp_path, [b"id", b"b", b"c"], rows, cpg=None)
    with pytest.raises(DataError, match=r"cannot be read as utf-8, at rows 0, 1, 2\. Leave encoding= out"):
        read_shapefile(path, "utf-8")
    with pytest.raises(DataError, match="encoding='utf-99' is not known"):
        read_shapefile(path, "utf-99")
    path = foreign(tmp_path, names, rows, cpg=None)
    with pytest.raises(DataError, match=r"The field name .* cannot be read as utf-8"):
        read_shapefile(path, "utf-8")


def test_today_geopandas_cannot_read_such_names(tmp_path: Path) -> None:
    """The upstream fault that this module is for; when it is gone, this fails and the module can shrink."""
    # the bytes that geopandas writes for a field called 城市代码
    path = foreign(tmp_path, ["城市代码".encode()], [[b"1"]], cpg="UTF-8")
    with pytest.raises(UnicodeDecodeError):
        gpd.read_file(path)
    assert read_cities(path, id="城市代").index.tolist() == ["1"]


# ---- our own
@pytest.fixture
def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "城市代码": ["01001", "110000", "460300"],
            "地区生产总值": [1.5, np.nan, 1e-7],
            "地区生产总值增长率": [3, -4, 0],
            "城市名称（全称）": ["北京市", None, "三沙市"],
            "GDP总量": [1.0, 2.0, 3.0],
            "population_density": [1, 2, 3],
            "population_share": [0.1, 0.2, 0.7],
            "Population_growth": [0.0, 0.5, 1.0],
            "coastal": [True, False, True],
        },
        geometry=[shapely.box(i, 30, i + 1, 31) for i in (116, 117, 118)],
        crs=4490,
    )


def test_chinese_names_survive(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "城市.shp", labels={"地区生产总值": "GDP, 亿元"})
    back = read_shapefile(path)
    assert list(back.columns) == list(frame.columns)
    assert back.crs == frame.crs
    assert back["城市代码"].tolist() == frame["城市代码"].tolist()
    assert back["城市名称（全称）"].fillna("none").tolist() == ["北京市", "none", "三沙市"]
    np.testing.assert_allclose(back["地区生产总值"], frame["地区生产总值"])
    assert back.geometry.geom_equals(frame.geometry).all()
    cities = read_cities(path, id="城市代码")
    assert cities.index.tolist() == ["01001", "110000", "460300"]
    assert read_shapefile(write_shapefile(cities, tmp_path / "again.shp")).columns[0] == "城市代码"


def test_the_sidecar_and_the_fields(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp", labels={"地区生产总值": "GDP, 亿元"})
    with path.with_suffix(".fields.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "field": "field2",
        "alias": "GDP, 亿元",
        "original": "地区生产总值",
        "label": "GDP, 亿元",
    }
    assert rows[4] == {"field": "GDP1", "alias": "GDP总量", "original": "GDP总量", "label": ""}
    header = read_dbf_header(path.with_suffix(".dbf"))
    assert [n.decode("ascii") for n in header.names] == [r["field"] for r in rows]
    assert path.with_suffix(".cpg").read_text() == "UTF-8"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.cpg", "a.dbf", "a.fields.csv", "a.prj", "a.shp", "a.shx"
    ]  # fmt: skip


def test_field_names() -> None:
    assert field_names(["a", "A", "面积", "field1", "2001", "x" * 11, "x" * 12]) == [
        "a", "A1", "field2", "field1", "field3", "x" * 10, "x" * 9 + "1"
    ]  # fmt: skip


@given(st.lists(st.text(min_size=1, max_size=14), unique=True, max_size=30))
def test_field_names_are_short_unique_ascii(names: list[str]) -> None:
    fields = field_names(names)
    assert fields == field_names(names)
    assert all(f.isascii() and 0 < len(f) <= 10 for f in fields)
    assert len({f.lower() for f in fields}) == len(fields)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.text("城市代码地区生产总值abAB_1", min_size=1, max_size=12), min_size=1, max_size=5, unique=True
    ),
    values=st.lists(st.text("京津冀沪é x", max_size=12).map(str.strip), min_size=1, max_size=4),
)
def test_round_trip(tmp_path: Path, names: list[str], values: list[str]) -> None:
    frame = gpd.GeoDataFrame(
        {name: values for name in names if name != "geometry"},
        geometry=[shapely.Point(i, i) for i in range(len(values))],
        crs=WGS84,
    )
    back = read_shapefile(write_shapefile(frame, tmp_path / "a.shp"))
    assert list(back.columns) == list(frame.columns)
    for name in names:
        assert back[name].fillna("").tolist() == values


@pytest.mark.parametrize(
    "values",
    [
        ["字" * 100, "b", "c"],
        [1e-20, 1.0, 2.0],
        [2**60 + 1, 1, 2],
        pd.to_datetime(["2001-01-01 12:00"] * 3),
    ],
)
def test_what_a_shapefile_would_lose_is_refused(tmp_path: Path, frame: gpd.GeoDataFrame, values: Any) -> None:
    with pytest.raises(DataError, match="cannot hold the values of '备注' as they are"):
        write_shapefile(frame.assign(备注=values), tmp_path / "a.shp")
    assert list(tmp_path.iterdir()) == []


def test_a_value_almost_zero_beside_large_ones_is_kept(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    """As the expectation of local Moran's I of a unit at the mean: 15 decimals are enough of it."""
    values = [-1 / 3e8, -0.25, -1.75]
    back = read_shapefile(write_shapefile(frame.assign(expected=values), tmp_path / "a.shp"))
    assert back["expected"].tolist() == pytest.approx(values, abs=1e-15)
    with pytest.raises(DataError, match="cannot hold the values of 'expected' as they are"):
        write_shapefile(frame.assign(expected=[1e-9 / 3, 1e-10 / 3, 0.0]), tmp_path / "b.shp")


def test_refusals_on_writing(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(DataError, match=r"ends in \.shp; got 'a.gpkg'"):
        write_shapefile(frame, tmp_path / "a.gpkg")
    with pytest.raises(DataError, match=r"one geometry; 'seat' are geometries too"):
        write_shapefile(frame.assign(seat=frame.geometry.representative_point()), tmp_path / "a.shp")
    mixed = frame.set_geometry([shapely.Point(1, 1), *frame.geometry[1:]], crs=4490)
    with pytest.raises(DataError, match="do not fit into a Shapefile"):
        write_shapefile(mixed, tmp_path / "a.shp")


def test_an_older_file_of_the_name_leaves_nothing_behind(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp")
    (tmp_path / "a.qix").write_text("an index of the older file")
    bare = frame[["geometry", "coastal"]].iloc[:2].set_crs(None, allow_override=True)
    write_shapefile(bare, path)
    assert not (tmp_path / "a.qix").exists()
    assert not (tmp_path / "a.prj").exists()
    assert len(read_shapefile(path)) == 2


# ---- broken files
@pytest.mark.parametrize(
    ("suffix", "share"), [(".shp", 0.9), (".shp", 0.001), (".shx", 0.6), (".dbf", 0.9), (".dbf", 0.01)]
)
def test_parts_cut_short(tmp_path: Path, frame: gpd.GeoDataFrame, suffix: str, share: float) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp")
    part = path.with_suffix(suffix)
    part.write_bytes(part.read_bytes()[: int(part.stat().st_size * share)])
    with pytest.raises(
        DataError, match=rf"a{suffix} (is cut short|ends inside its header).*[Cc]opy the file again"
    ):
        read_cities(path, id="城市代码")


def test_parts_missing_or_of_another_file(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp")
    other = write_shapefile(frame.iloc[:2], tmp_path / "b.shp")
    path.with_suffix(".dbf").write_bytes(other.with_suffix(".dbf").read_bytes())
    with pytest.raises(DataError, match=r"a.shp has 3 geometries and its .dbf has 2 rows"):
        read_shapefile(path)
    path.with_suffix(".dbf").unlink()
    with pytest.raises(DataError, match=r"a.shp is without its .dbf\. Copy all files"):
        read_shapefile(path)


def test_parts_in_capitals(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp")
    for suffix in (".dbf", ".shx", ".cpg", ".prj"):
        path.with_suffix(suffix).rename(path.with_suffix(suffix.upper()))
    assert read_shapefile(path)["城市代码"].tolist() == ["01001", "110000", "460300"]


def test_a_sidecar_of_another_shape_is_refused(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp")
    path.with_suffix(".fields.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"a.fields.csv must be a table with the columns field, alias"):
        read_shapefile(path)


# ---- encodings
def test_sniffing() -> None:
    assert sniff("北京".encode("utf-16"), "a") == "utf-16"
    assert sniff(b"\xef\xbb\xbf" + "北京".encode(), "a") == "utf-8-sig"
    assert sniff(b"plain", "a") == "utf-8"
    # 镕 and 堃 are of GBK, not of GB 2312: rare characters among common ones
    assert sniff("朱镕基、张堃，北京市朝阳区建国路。".encode("gb18030"), "a") == "gb18030"
    with pytest.raises(DataError, match="Pass encoding="):
        sniff("臺北市，高雄市，總計".encode("big5"), "a")
    assert sniff("臺北市，高雄市，總計".encode("big5"), "a", declared="big5") == "big5"
    assert not looks_chinese("Ünïcödé Ångström".encode("latin-1"))


@given(st.text(max_size=20), st.integers(0, 80))
def test_a_cut_text_is_a_beginning(text: str, size: int) -> None:
    for encoding in ("utf-8", "gb18030"):
        assert text.startswith(decode_cut(text.encode(encoding)[:size], encoding))
