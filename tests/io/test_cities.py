"""Cities are read with unique ids, a geometry each, and coordinates that their CRS can have."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.errors import DataError
from spatial.ids.kinds import clean_ids
from spatial.ids.times import clean_times
from spatial.io.cities import read_cities
from spatial.io.shapefile import write_shapefile
from spatial.io.sources import need
from spatial.panel.reading import read_panel


def changed(frame: gpd.GeoDataFrame, column: str, values: list[Any]) -> gpd.GeoDataFrame:
    out = frame.copy()
    out[column] = values
    return out


# ---- formats
@pytest.mark.evidence("read_cities", source="one map in six formats", kind="identity")
@pytest.mark.parametrize("name", ["a.shp", "a.gpkg", "a.geojson", "a.json", "a.parquet", "a.fgb"])
def test_every_format_gives_the_same(tmp_path: Path, frame: gpd.GeoDataFrame, name: str) -> None:
    path = tmp_path / name
    if name == "a.shp":
        write_shapefile(frame, path)
    elif name == "a.parquet":
        frame.to_parquet(path)
    elif name == "a.json":
        frame.to_file(path, driver="GeoJSON")
    else:
        frame.to_file(path)
    cities = read_cities(path, id="adcode")
    assert cities.index.name == "adcode"
    assert "adcode" not in cities.columns
    expected = frame.set_index("adcode")
    assert set(cities.index) == set(expected.index)
    assert cities.crs == expected.crs
    expected = expected.loc[cities.index]  # FlatGeobuf orders by place
    assert cities["名称"].tolist() == expected["名称"].tolist()
    assert cities.geometry.geom_equals(expected.geometry, align=False).all()
    assert read_cities(str(path), id="adcode").equals(cities)
    assert read_cities(path, id="number").index.dtype == np.int64


def test_ids_and_times_may_be_written_without_their_names(frame: gpd.GeoDataFrame) -> None:
    assert read_cities(frame, "adcode").equals(read_cities(frame, id="adcode"))
    table = frame.drop(columns="geometry").assign(year=2003)
    assert read_panel(table, "adcode", "year").frame.equals(
        read_panel(table, unit="adcode", time="year").frame
    )


def test_the_note_of_a_sample_is_there_in_chinese() -> None:
    assert read_cities("china_cities").attrs["note_zh"] == "城市驻地的泰森多边形，不是行政边界"


def test_a_frame_is_copied_and_never_changed(frame: gpd.GeoDataFrame) -> None:
    before = frame.copy()
    cities = read_cities(frame, id="adcode", seat=("lon", "lat"))
    cities["number"] = 0.0
    assert frame.equals(before)
    assert list(frame.columns) == list(before.columns)
    by_index = read_cities(frame.set_index("adcode"), id="adcode")
    assert by_index.index.equals(cities.index)


def test_order_of_the_rows_is_kept_and_means_nothing(frame: gpd.GeoDataFrame) -> None:
    shuffled = frame.sample(frac=1.0, random_state=3)
    cities, again = (
        read_cities(frame, id="adcode", seat=("lon", "lat")),
        read_cities(shuffled, id="adcode", seat=("lon", "lat")),
    )
    assert again.index.tolist() == shuffled["adcode"].tolist()
    assert again.loc[cities.index].equals(cities)


def test_layers(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = tmp_path / "a.gpkg"
    frame.to_file(path, layer="cities")
    assert len(read_cities(path, id="adcode")) == 3
    frame.iloc[:2].to_file(path, layer="省份")
    with pytest.raises(
        DataError, match=r"a.gpkg has 2 layers with geometry: 'cities', '省份'\. Name one with layer="
    ):
        read_cities(path, id="adcode")
    assert len(read_cities(path, id="adcode", layer="省份")) == 2
    with pytest.raises(DataError, match=r"has no layer 'citys'. Did you mean 'cities'\?"):
        read_cities(path, id="adcode", layer="citys")


def test_a_table_of_styles_is_no_layer(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    import pyogrio

    path = tmp_path / "a.gpkg"
    frame.to_file(path, layer="cities")
    pyogrio.write_dataframe(pd.DataFrame({"style": ["red"]}), path, layer="layer_styles", append=True)
    assert len(pyogrio.list_layers(path)) == 2
    assert len(read_cities(path, id="adcode")) == 3


def test_layer_of_a_single_layer_file(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp")
    assert len(read_cities(path, id="adcode", layer="a")) == 3
    with pytest.raises(DataError, match=r"one layer, 'a'; got layer='b'"):
        read_cities(path, id="adcode", layer="b")
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="leave layer= and encoding= out"):
        read_cities(tmp_path / "a.parquet", id="adcode", layer="a")


@pytest.mark.parametrize("encoding", [None, "gb18030"])
def test_geojson_in_gb18030(tmp_path: Path, frame: gpd.GeoDataFrame, encoding: str | None) -> None:
    path = tmp_path / "a.geojson"
    frame.to_file(path)
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    assert read_cities(path, id="名称", encoding=encoding).index.tolist() == ["北京市", "天津市", "某市"]


def test_urls_and_zips(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = write_shapefile(frame, tmp_path / "a.shp")
    assert len(read_cities(path.as_uri(), id="adcode")) == 3
    frame[["adcode", "geometry"]].to_file(tmp_path / "plain.shp")  # no table of names beside it
    assert len(read_cities((tmp_path / "plain.shp").as_uri(), id="adcode")) == 3
    frame.to_file(tmp_path / "城市 1.geojson")
    assert len(read_cities(f"file://{tmp_path.as_posix()}/城市 1.geojson", id="adcode")) == 3
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in tmp_path.glob("a.*"):
            if part != packed:
                archive.write(part, f"folder/{part.name}")
    assert read_cities(packed, id="adcode")["名称"].tolist() == frame["名称"].tolist()
    with pytest.raises(DataError, match=r"could not be read: .*Download it by hand"):
        read_cities((tmp_path / "b.geojson").as_uri(), id="adcode")
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("b.geojson", "{}")
    with pytest.raises(DataError, match=r"one file that can be read; a.zip has b.geojson, folder/a.shp"):
        read_cities(packed, id="adcode")
    packed.write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"a.zip is not a whole zip"):
        read_cities(packed, id="adcode")


# ---- files that cannot be read
@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet", ".fgb"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file(tmp_path: Path, frame: gpd.GeoDataFrame, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(
        DataError, match=rf"a{suffix} (cannot be read; it may be cut short|has no layer|is empty)"
    ):
        read_cities(path, id="adcode")


def test_files_that_are_not_there(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    frame.to_file(tmp_path / "cities.gpkg")
    with pytest.raises(DataError, match=r"There is no file '.*city.gpkg'\. Did you mean 'cities.gpkg'\?"):
        read_cities(tmp_path / "city.gpkg", id="adcode")
    with pytest.raises(DataError, match=r"Nor is there a folder"):
        read_cities(tmp_path / "nowhere" / "city.gpkg", id="adcode")
    (tmp_path / "folder.gpkg").mkdir()
    with pytest.raises(DataError, match=r"is a folder; name the file in it"):
        read_cities(tmp_path / "folder.gpkg", id="adcode")


@pytest.mark.parametrize("source", ["a.docx", "mongodb://host/db", "a"])
def test_kinds_that_cannot_be_read(source: str) -> None:
    with pytest.raises(DataError, match=r"Cities cannot be read from .*Kinds that can: .*\.geojson"):
        read_cities(source, id="adcode")


def test_other_things_than_a_source(frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(DataError, match=r"got DataFrame. For a table with coordinates"):
        read_cities(pd.DataFrame({"id": [1]}), id="id")
    with pytest.raises(DataError, match="The layer has no geometry"):
        read_cities(gpd.GeoDataFrame({"id": [1]}), id="id")
    with pytest.raises(DataError, match="The layer is empty: it has no units"):
        read_cities(frame.iloc[:0], id="adcode")


def test_an_optional_library_that_is_absent() -> None:
    with pytest.raises(
        DataError, match=r"Reading X needs no_such_library.*pip install 'spatial-cities\[parquet\]'"
    ):
        need("no_such_library", "parquet", "Reading X")


# ---- ids
def test_ids(frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(
        DataError, match=r"no column 'adcod' for the ids. Did you mean 'adcode'\? It has: 'adcode'"
    ):
        read_cities(frame, id="adcod")
    with pytest.raises(DataError, match="no column 'geometry' for the ids"):
        read_cities(frame, id="geometry")
    with pytest.raises(DataError, match=r"must have unique ids; these appear more than once: '北京市'"):
        read_cities(changed(frame, "名称", ["北京市", "北京市", "某市"]), id="名称")
    for missing in (None, "", "  ", np.nan):
        with pytest.raises(DataError, match=r"must be filled in each row; 1 of 3 are missing, at rows 1 "):
            read_cities(changed(frame, "名称", ["北京市", missing, "某市"]), id="名称")
    with pytest.raises(DataError, match=r"ids must be text or whole numbers; got 1\.5"):
        read_cities(changed(frame, "number", [1.5, 2.0, 3.0]), id="number")
    with pytest.raises(DataError, match=r"ids all of one kind, text or whole numbers; it holds int, str"):
        read_cities(changed(frame, "number", [1, "1", 2]), id="number")
    with pytest.raises(DataError, match="it holds True and False"):
        read_cities(changed(frame, "number", [True, False, True]), id="number")
    double = frame[["adcode", "number", "number", "geometry"]]
    with pytest.raises(DataError, match="more than one column 'number'"):
        read_cities(double, id="number")


def test_kinds_of_ids() -> None:
    assert clean_ids(pd.Series([3, 1], dtype="Int64"), "x").dtype == np.int64
    assert clean_ids(pd.Series([3, 1], dtype="uint8"), "x").dtype == np.int64
    assert clean_ids(pd.Series(["b", "a"], dtype="category"), "x").tolist() == ["b", "a"]
    assert clean_ids(pd.Series(["01", "a"], dtype="string"), "x").tolist() == ["01", "a"]
    assert clean_ids(pd.Series([3.0, 1], dtype=object), "x").tolist() == [3, 1]
    with pytest.raises(DataError, match="text or whole numbers"):
        clean_ids(pd.Series([2.0**60]), "x")
    with pytest.raises(DataError, match="Timestamp"):
        clean_ids(pd.Series(pd.to_datetime(["2001-01-01"])), "x")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([2001.0, 2002.0], [2001, 2002]),
        (["2001", " 2002"], [2001, 2002]),
        (["2001年", "2002年"], [2001, 2002]),
        (["2001Q1", "2001q4"], [pd.Period("2001Q1"), pd.Period("2001Q4")]),
        (["2001-01", "2001-12"], [pd.Period("2001-01"), pd.Period("2001-12")]),
        (["2001m1", "2001m12"], [pd.Period("2001-01"), pd.Period("2001-12")]),
        (["2001-01-31", "2001-12-31"], [pd.Timestamp("2001-01-31"), pd.Timestamp("2001-12-31")]),
        ([pd.Timestamp("2001-01-31").date()] * 2, [pd.Timestamp("2001-01-31")] * 2),
    ],
)
def test_times(given: list[Any], expected: list[Any]) -> None:
    assert clean_times(pd.Series(given), "year").tolist() == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["before", "after"], "years, months .* got 'before', 'after'. Recode"),
        (["2001-13", "2001-14"], "got '2001-13'"),
        (["2001-02-31", "2001-03-31"], "got '2001-02-31'"),
        ([2001.5], "whole numbers, dates or periods; got 2001.5"),
        ([True], "it holds True"),
        ([2001, "2002"], "it holds 2001, '2002'"),
        ([None, 2001], "1 of 2 are missing, at rows 0"),
    ],
)
def test_times_that_are_none(values: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        clean_times(pd.Series(values), "year")


# ---- round trips
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists(st.text("01９城市aé-", min_size=1, max_size=8), min_size=1, max_size=6, unique=True),
    suffix=st.sampled_from([".gpkg", ".geojson", ".parquet", ".shp"]),
)
def test_ids_survive_every_format(tmp_path: Path, ids: list[str], suffix: str) -> None:
    frame = gpd.GeoDataFrame({"代码": ids}, geometry=[shapely.Point(i, i) for i in range(len(ids))], crs=4326)
    path = tmp_path / f"a{suffix}"
    if suffix == ".shp":
        write_shapefile(frame, path)
    elif suffix == ".parquet":
        frame.to_parquet(path)
    else:
        path.unlink(missing_ok=True)
        frame.to_file(path)
    assert read_cities(path, id="代码").index.tolist() == ids


def test_geojson_written_by_hand(tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"id": 7, "x": None},
        "geometry": {"type": "Point", "coordinates": [1, 2]},
    }
    (tmp_path / "a.json").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    cities = read_cities(tmp_path / "a.json", id="id")
    assert cities.index.tolist() == [7]
    (tmp_path / "b.json").write_text('{"no": "geometry"}')
    with pytest.raises(DataError, match=r"b.json cannot be read"):
        read_cities(tmp_path / "b.json", id="id")
