"""Map files are what their name says, or are not opened; feature numbers; the readers' own warnings."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import spatial as sp
from spatial.errors import DataError, SpatialWarning
from spatial.io import vector

VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{}</SrcDataSource><GeometryType>wkbPoint'
    '</GeometryType><LayerSRS>EPSG:4326</LayerSRS><GeometryField encoding="WKT" field="WKT"/></OGRVRTLayer>'
    "</OGRVRTDataSource>"
)


def boxes(n: int, **columns: Any) -> gpd.GeoDataFrame:
    shapes = [shapely.box(i, 0, i + 1, 1) for i in range(n)]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


@pytest.fixture
def host() -> Iterator[tuple[str, list[str]]]:
    """A web server of this machine, and the requests that reach it."""
    hits: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", hits
    server.shutdown()
    server.server_close()


def feature_collection(**more: Any) -> dict[str, Any]:
    geometry = json.loads(shapely.to_geojson(shapely.box(0, 0, 1, 1)))
    feature = {"type": "Feature", "properties": {"id": "a"}, "geometry": geometry}
    return {"type": "FeatureCollection", "features": [feature], **more}


@pytest.mark.parametrize("name", ["map.gpkg", "map.geojson", "map.json", "map.fgb", "map.shp", "map.parquet"])
def test_a_text_that_names_other_files_or_hosts_is_not_opened(
    tmp_path: Path, host: tuple[str, list[str]], name: str
) -> None:
    address, hits = host
    secret = tmp_path / "secret.csv"
    secret.write_text("id,WKT,password\n1,POINT(1 1),hunter2\n2,POINT(2 2),x\n")
    pipeline = json.dumps(
        {
            "type": "gdal_streamed_alg",
            "command_line": f"gdal vector pipeline ! read {secret} ! write streamed",
        }
    )
    texts = [
        VRT.format(secret),
        VRT.format(f"/vsicurl/{address}/inside.csv"),
        f"<OGRWFSDataSource><URL>{address}/wfs</URL></OGRWFSDataSource>",
        pipeline,
        "\n" + pipeline,
        f'{{"url": "{address}/x"}}',
    ]
    for text in texts:
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(DataError, match=r"cannot be read|A Shapefile is several files"):
            sp.read_cities(path, id="id")
        with zipfile.ZipFile(tmp_path / "map.zip", "w") as archive:
            archive.write(path, name)
        with pytest.raises(DataError):
            sp.read_cities(tmp_path / "map.zip", id="id")
    folder = tmp_path / "map.gdb"
    folder.write_text(VRT.format(secret))
    with pytest.raises(DataError, match="is no file geodatabase"):
        sp.read_cities(folder, id="id")
    assert hits == []


@pytest.mark.parametrize("kind", ["link", "url", "l\\u0069nk"])
def test_a_crs_that_is_an_address_is_not_fetched(
    tmp_path: Path, host: tuple[str, list[str]], kind: str
) -> None:
    address, hits = host
    crs = {
        "type": "KIND",
        "properties": {"href": f"{address}/crs", "url": f"{address}/crs", "type": "ogcwkt"},
    }
    text = json.dumps(feature_collection(crs=crs)).replace("KIND", kind)
    path = tmp_path / "a.geojson"
    path.write_text(text)
    before = pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)
        with contextlib.suppress(DataError):
            sp.read_cities(path, id="id")
    assert hits == []
    assert pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY") == before


def test_a_database_that_is_no_geopackage(tmp_path: Path) -> None:
    frame = boxes(2, id=["a", "b"])
    pyogrio.write_dataframe(frame, tmp_path / "a.sqlite", driver="SQLite")
    (tmp_path / "a.sqlite").rename(tmp_path / "a.gpkg")
    with pytest.raises(DataError, match="cannot be read; it may be cut short or of another kind"):
        sp.read_cities(tmp_path / "a.gpkg", id="id")


# ---- feature numbers
def test_numbers_of_features_are_ids_where_the_format_keeps_them(tmp_path: Path) -> None:
    boxes(2, fid=[101, 102], v=[1.0, 2.0]).to_file(tmp_path / "a.gpkg")
    assert sp.read_cities(tmp_path / "a.gpkg", id="fid").index.tolist() == [101, 102]
    assert sp.read_cities(tmp_path / "a.gpkg", id="fid").columns.tolist() == ["v", "geometry"]
    content = feature_collection()
    for ids in ([101, 102], ["x1", "x2"], [0, 1]):
        features = [{**content["features"][0], "id": i, "properties": {"v": 1}} for i in ids]
        (tmp_path / "a.geojson").write_text(json.dumps({**content, "features": features}))
        assert sp.read_cities(tmp_path / "a.geojson", id="id").index.tolist() == ids
    boxes(2, v=[1.0, 2.0]).to_file(tmp_path / "b.geojson")
    boxes(2, v=[1.0, 2.0]).to_file(tmp_path / "b.fgb")
    boxes(2, v=[1.0, 2.0]).to_file(tmp_path / "b.shp")
    for name, column in (("b.geojson", "id"), ("b.geojson", "fid"), ("b.fgb", "fid"), ("b.shp", "OBJECTID")):
        with pytest.raises(DataError, match="numbers of features are places in this file, not ids"):
            sp.read_cities(tmp_path / name, id=column)


def test_the_id_column_is_asked_for(tmp_path: Path) -> None:
    boxes(3, fips=["01", "02", "03"], name=["a", "b", "b"], area=[1.0, 2.0, 3.0]).to_file(tmp_path / "a.gpkg")
    with pytest.raises(DataError, match=r"Which column of a\.gpkg holds the ids\? Pass id=.*row: 'fips'\."):
        sp.read_cities(tmp_path / "a.gpkg")


# ---- warnings of readers
def test_codes_that_are_mostly_numbers_are_read_without_a_foreign_warning(tmp_path: Path) -> None:
    # DataV's map of China: whole numbers, and text for the line in the South China Sea
    ids = [110000, 120000, "100000_JD"]
    content = feature_collection()
    features = [{**content["features"][0], "properties": {"adcode": i}} for i in ids]
    (tmp_path / "a.json").write_text(json.dumps({**content, "features": features}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cities = sp.read_cities(tmp_path / "a.json", id="adcode")
    assert cities.index.tolist() == ["110000", "120000", "100000_JD"]


def test_what_a_reader_warns_of_is_a_warning_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(*_: Any) -> gpd.GeoDataFrame:
        warnings.warn("rings were closed", RuntimeWarning, stacklevel=1)
        return boxes(1, id=["a"])

    (tmp_path / "a.fgb").write_bytes(b"fgb\x03")
    monkeypatch.setitem(vector.READERS, ".fgb", reader)
    with pytest.warns(SpatialWarning, match="a.fgb: rings were closed"):
        sp.read_cities(tmp_path / "a.fgb", id="id")


# ---- Arrow is a matter of speed
@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".gdb"])
def test_with_and_without_arrow_a_layer_is_the_same(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime

    times = pd.to_datetime(["2000-01-01 10:00", None, "2001-01-01 00:00"])
    frame = boxes(
        3,
        id=["a", "b", "c"],
        whole=[1, 2, 2**53 + 1],
        gap=pd.array([1, None, 3], dtype="Int64"),
        real=[0.1, None, 3.0],
        text=["东", None, ""],
        truth=[True, False, True],
        perhaps=pd.array([True, None, False], dtype="boolean"),
        day=[datetime.date(2000, 1, 1), None, datetime.date(2001, 1, 1)],
        time=times,
        short=np.array([1, 2, 3], dtype="int16"),
        single=np.array([0.5, 2, 3], dtype="float32"),
        nothing=[None, None, None],
    )
    path = tmp_path / f"a{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(frame, path, driver={".gdb": "OpenFileGDB"}.get(suffix), layer="a")
    found = sp.read_cities(path, id="id")
    monkeypatch.setattr(vector, "find_spec", lambda _: None)
    without = sp.read_cities(path, id="id")
    pd.testing.assert_frame_equal(found, without, check_column_type=False)
    assert found.dtypes.equals(without.dtypes)


def test_a_sample_is_read_by_its_name(nc: Any, china: Any) -> None:
    assert sp.read_cities("nc").equals(nc)
    assert sp.read_cities("nc").index.name == "fips"
    found = sp.read_cities("china_cities")
    assert found.equals(china)
    assert found.attrs == china.attrs
    assert "Voronoi" in found.attrs["note"]
    with pytest.raises(DataError, match=r"'nc_crime' is a panel: read it with spatial\.read_panel"):
        sp.read_cities("nc_crime")
