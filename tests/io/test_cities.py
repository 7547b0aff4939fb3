"""Cities are read with unique ids, a geometry each, and coordinates that their CRS can have."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spatial as sp
from spatial.errors import DataError, SpatialWarning
from spatial.ids.kinds import clean_ids
from spatial.ids.times import clean_times
from spatial.io.cities import read_cities
from spatial.io.shapefile import write_shapefile
from spatial.io.sources import need

EXAMPLES = Path(libpysal.__file__).parent / "examples"


@pytest.fixture
def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "adcode": ["110000", "120000", "010000"],
            "名称": ["北京市", "天津市", "某市"],
            "number": [3.0, 1.0, 2.0],
            "lon": [116.4, 117.2, 118.5],
            "lat": [39.9, 39.1, 39.5],
        },
        geometry=[
            shapely.box(116, 39, 117, 40),
            shapely.box(117, 39, 118, 40),
            shapely.box(118, 39, 119, 40),
        ],
        crs=4326,
    )


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


# ---- geometry and CRS
def test_geometries(frame: gpd.GeoDataFrame) -> None:
    holes = frame.set_geometry([frame.geometry[0], None, frame.geometry[2]], crs=4326)
    with pytest.raises(DataError, match="a geometry for each unit; it is missing for '120000'"):
        read_cities(holes, id="adcode")
    holes = frame.set_geometry([frame.geometry[0], shapely.Polygon(), shapely.Point()], crs=4326)
    with pytest.raises(DataError, match="it is empty for '120000', '010000'"):
        read_cities(holes, id="adcode")
    wild = frame.set_geometry([shapely.Point(np.inf, 1), *frame.geometry[1:]], crs=32650)
    with pytest.raises(DataError, match="not finite, for '110000'"):
        read_cities(wild, id="adcode")
    bowtie = shapely.Polygon([(116, 39), (117, 40), (117, 39), (116, 40)])
    assert len(read_cities(frame.set_geometry([bowtie, *frame.geometry[1:]], crs=4326), id="adcode")) == 3


def test_no_crs(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    bare = frame.set_crs(None, allow_override=True)
    with pytest.warns(SpatialWarning, match=r"states no coordinate reference system.*Pass crs="):
        cities = read_cities(bare, id="adcode")
    # nothing is measured by contiguity; every distance is refused
    assert sp.weights.contiguity(cities).n_links == 4
    for measured in (lambda: sp.weights.knn(cities, 1), lambda: sp.weights.distance_band(cities, 100)):
        with pytest.raises(DataError, match=r"coordinate reference system"):
            measured()
    with (
        pytest.warns(SpatialWarning, match="states no"),
        pytest.raises(DataError, match=r"Seats are places on Earth, and The layer states no CRS.*pass crs="),
    ):
        read_cities(bare, id="adcode", seat=("lon", "lat"))
    assert read_cities(bare, id="adcode", crs="EPSG:4490").crs.to_epsg() == 4490
    path = write_shapefile(bare, tmp_path / "a.shp")
    assert read_cities(path, id="adcode", crs=4326).crs.to_epsg() == 4326
    with pytest.raises(DataError, match="crs='EPSG:99' is not known"):
        read_cities(bare, id="adcode", crs="EPSG:99")
    with pytest.warns(SpatialWarning, match=r"coordinates look like degrees .*pass crs='EPSG:4326'"):
        read_cities(bare, id="adcode", crs="EPSG:32650")


def test_a_crs_that_the_file_contradicts(frame: gpd.GeoDataFrame) -> None:
    assert read_cities(frame, id="adcode", crs="EPSG:4326").crs == frame.crs
    with pytest.raises(DataError, match=r"is in WGS 84; crs= says China Geodetic.*cities.to_crs"):
        read_cities(frame, id="adcode", crs=4490)


# As R's sf writes a layer without a CRS into a GeoPackage.
UNDEFINED = (
    'ENGCRS["Undefined Cartesian SRS with unknown unit",EDATUM["Unknown engineering datum"],CS[Cartesian,2],'
    'AXIS["X",unspecified,ORDER[1],LENGTHUNIT["unknown",0]],AXIS["Y",unspecified,ORDER[2],'
    'LENGTHUNIT["unknown",0]]]'
)


@pytest.mark.parametrize("local", ['LOCAL_CS["desk"]', UNDEFINED])
def test_a_local_plane_says_as_little_as_no_crs(tmp_path: Path, frame: gpd.GeoDataFrame, local: str) -> None:
    here = frame.to_crs(32650).set_crs(local, allow_override=True)
    here.to_file(tmp_path / "a.gpkg")
    for source in (here, tmp_path / "a.gpkg"):
        assert read_cities(source, id="adcode", crs=32650).crs.to_epsg() == 32650
        with pytest.warns(SpatialWarning, match=r"states no coordinate reference system but a local one \("):
            assert read_cities(source, id="adcode").crs is None


def test_projected_coordinates_under_degrees() -> None:
    # fixtures of libpysal that are wrong in this way
    with pytest.raises(
        DataError, match=r"baltimore.geojson has a CRS in degrees and coordinates that look projected"
    ):
        read_cities(EXAMPLES / "baltim" / "baltimore.geojson", id="STATION")
    street = next((EXAMPLES / "street_net_pts").glob("*.shp"))
    with pytest.raises(DataError, match=r"look projected \(x from 723368 to 728718"):
        read_cities(street, id=gpd.read_file(street, rows=1).columns[0])


def test_a_crs_for_coordinates_that_cannot_be_degrees(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    # GeoJSON counts as degrees; where the numbers say no, crs= may name the right system
    cities = read_cities(EXAMPLES / "baltim" / "baltimore.geojson", id="STATION", crs="EPSG:2248")
    assert cities.crs.to_epsg() == 2248
    frame.to_file(tmp_path / "a.geojson")
    with pytest.raises(DataError, match="is in WGS 84; crs= says"):
        read_cities(tmp_path / "a.geojson", id="adcode", crs=32650)
    frame.to_crs(32650).to_file(tmp_path / "b.geojson")
    with pytest.raises(DataError, match="is in WGS 84 / UTM zone 50N; crs= says"):
        read_cities(tmp_path / "b.geojson", id="adcode", crs=2248)


def swapped(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.set_geometry(shapely.transform(frame.geometry, lambda xy: xy[:, ::-1]), crs=frame.crs)


def test_lon_and_lat_swapped(frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(
        DataError, match=r"look swapped: x from 39 to 40, y from 116 to 119; latitudes beyond 90"
    ):
        read_cities(swapped(frame), id="adcode")
    # in range either way, and told by where the CRS is meant for
    ohio = frame.set_geometry([shapely.box(-84 + i, 39, -83 + i, 40) for i in range(3)], crs=4269)
    assert len(read_cities(ohio, id="adcode")) == 3
    with pytest.raises(DataError, match=r"look swapped: none lies where it should"):
        read_cities(swapped(ohio), id="adcode")


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((200, 10, 201, 11), r"longitudes beyond 180 \(.*\), for '120000'\. If they run from 0 to 360"),
        ((116, 95, 117, 96), r"coordinates out of range for degrees \(.*\), for '120000'"),
        ((5e5, 4e6, 5.1e5, 4.1e6), r"look projected .* for '120000'"),
    ],
)
def test_coordinates_out_of_range(frame: gpd.GeoDataFrame, box: tuple[float, ...], message: str) -> None:
    wrong = frame.set_geometry([frame.geometry[0], shapely.box(*box), frame.geometry[2]], crs=4326)
    with pytest.raises(DataError, match=message):
        read_cities(wrong, id="adcode")


# ---- seats
def test_seats_in_the_layers_crs(frame: gpd.GeoDataFrame) -> None:
    cities = read_cities(frame, id="adcode", seat=("lon", "lat"))
    assert isinstance(cities["seat"], gpd.GeoSeries)
    assert cities["seat"].crs == cities.crs
    assert cities["seat"].x.tolist() == frame["lon"].tolist()
    assert cities.geometry.name == "geometry"
    planar = read_cities(frame.to_crs(32650), id="adcode", seat=("lon", "lat"))
    assert planar["seat"].crs.to_epsg() == 32650
    # UTM 50N: central meridian 117 E, false easting 500 km, scale 0.9996
    assert planar["seat"].x.loc["120000"] == pytest.approx(
        500_000 + 0.2 * 111_320 * 0.9996 * np.cos(np.radians(39.1)), rel=1e-3
    )


def test_seats_that_are_points(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    points = gpd.GeoSeries(gpd.points_from_xy(frame.lon, frame.lat), crs=4326)
    with_points = frame.assign(capital=points.to_crs(32650))
    assert read_cities(with_points, id="adcode", seat="capital")["seat"].x.to_numpy() == pytest.approx(
        frame["lon"]
    )
    path = tmp_path / "a.parquet"
    frame.assign(seat=points).to_parquet(path)
    assert read_cities(path, id="adcode", seat="seat")["seat"].x.tolist() == frame["lon"].tolist()
    with pytest.raises(DataError, match="already has a column 'seat'"):
        read_cities(path, id="adcode", seat=("lon", "lat"))
    with pytest.raises(DataError, match="seat='lon' must be a column of points; it is float64"):
        read_cities(frame, id="adcode", seat="lon")
    areas = frame.assign(capital=frame.geometry)
    with pytest.raises(DataError, match="Seats must be points; column 'capital' is not for '110000'"):
        read_cities(areas, id="adcode", seat="capital")


def test_seats_that_are_refused(frame: gpd.GeoDataFrame) -> None:
    def read(lon: list[Any], lat: list[Any]) -> None:
        read_cities(frame.assign(lon=lon, lat=lat), id="adcode", seat=("lon", "lat"))

    lon, lat = frame["lon"].tolist(), frame["lat"].tolist()
    with pytest.raises(DataError, match=r"seats \(columns 'lon', 'lat'\) look swapped"):
        read(lat, lon)
    with pytest.raises(DataError, match=r"Each unit needs a seat; .* are missing for '120000'"):
        read([116, None, 118], lat)
    with pytest.raises(DataError, match=r"longitudes beyond 180 .* for '010000'"):
        read([116, 117, 300], lat)
    with pytest.raises(DataError, match="Column 'lon' of The layer must hold numbers; it holds text"):
        read(["116E", "117E", "118E"], lat)
    with pytest.raises(DataError, match=r"no column 'latt' for the seat. Did you mean 'lat'\?"):
        read_cities(frame, id="adcode", seat=("lon", "latt"))
    with pytest.raises(DataError, match="seat= takes"):
        read_cities(frame, id="adcode", seat=("lon", "lat", "number"))  # type: ignore[arg-type]


def test_seats_swapped_in_europe(frame: gpd.GeoDataFrame) -> None:
    # both are in range: the layer itself tells
    spain = frame.set_geometry([shapely.box(-4 + i, 40, -3 + i, 41) for i in range(3)], crs=4326)
    spain = spain.assign(lon=[-3.5, -2.5, -1.5], lat=[40.5, 40.2, 40.7])
    assert len(read_cities(spain, id="adcode", seat=("lon", "lat"))) == 3
    with pytest.raises(DataError, match="look swapped"):
        read_cities(spain, id="adcode", seat=("lat", "lon"))


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
