"""PostgreSQL with PostGIS: what write_layers leaves there, looked at with SQL."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from postgres_server import INJECTIONS, Database, Server, grid, refused, running_server

import spatial as sp
from spatial.gis.layers import write_layers
from spatial.weights import Weights, contiguity

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m +no_defs"

pytestmark = pytest.mark.postgis


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from running_server()


@pytest.fixture
def database(server: Server) -> Database:
    return server.new_database()


@pytest.fixture
def cities() -> gpd.GeoDataFrame:
    return grid()


@pytest.fixture
def weights(cities: Any) -> Weights:
    return contiguity(cities).row_standardized()


# ---- layers
def test_layers_come_back_as_they_were(database: Database, cities: Any, weights: Weights) -> None:
    local = sp.local_moran(cities["gdp"], weights, permutations=99)
    shown = write_layers(database.url, cities, {"lisa": local, "links": weights}, attributes=["名称"])
    assert shown == database.url
    back = sp.read_cities(database.url, id="adcode", layer="lisa")
    assert back.index.equals(cities.index)
    np.testing.assert_array_equal(back["local_i"], local.frame["Ii"])
    assert back["cluster"].tolist() == local.frame["cluster"].tolist()
    assert back["name"].tolist() == cities["名称"].tolist()
    assert all(a.equals(b) for a, b in zip(back.geometry, cities.geometry, strict=True))
    links = database.sql("SELECT i, j, w, ST_Length(geom), ST_SRID(geom) FROM links ORDER BY i, j")
    assert len(links) == weights.sparse.nnz
    k = {city: number for number, city in enumerate(cities.index)}
    dense = weights.sparse.toarray()
    assert all(w == dense[k[i], k[j]] for i, j, w, *_ in links)
    assert {srid for *_, srid in links} == {4326}
    # What the server itself says of the shapes and of the table.
    kinds = "SELECT type, srid, coord_dimension FROM geometry_columns WHERE f_table_name = 'lisa'"
    assert database.sql(kinds) == [("MULTIPOLYGON", 4326, 2)]
    assert database.sql("SELECT sum(ST_Area(geom)), bool_and(ST_IsValid(geom)) FROM lisa") == [(16.0, True)]
    keys = database.sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'lisa'")
    assert any("UNIQUE INDEX" in key and "(adcode)" in key for (key,) in keys)
    assert any("USING gist (geom)" in key for (key,) in keys)


def test_values_of_each_type(database: Database, cities: Any) -> None:
    table = pd.DataFrame(
        {
            "n": np.arange(16),
            "f": [np.nan, np.inf, 0.1, *np.linspace(0, 1e300, 13)],
            "b": np.arange(16) % 2 == 0,
            "t": [None, "tab\tnew\nline\\N", "", "\\.", "'\"<b>", *"abcdefghijk"],
            "d": pd.date_range("2001-01-01 00:00:00.000001", periods=16, freq="D"),
            "tz": pd.date_range("2001-01-01", periods=16, freq="D", tz="Asia/Shanghai"),
        },
        index=cities.index,
    )
    table.loc[table.index[1], "d"] = pd.NaT
    write_layers(database.url, cities, {"t": table})
    back = sp.read_cities(database.url, id="adcode", layer="t")
    assert database.sql("SELECT count(*) FROM t WHERE f IS NULL") == [(1,)]
    np.testing.assert_array_equal(back["f"], table["f"])
    assert back["n"].tolist() == table["n"].tolist()
    assert back["b"].dtype == bool
    assert back["b"].tolist() == table["b"].tolist()
    assert back["t"].isna().tolist() == [True] + [False] * 15
    assert back["t"].tolist()[1:] == table["t"].tolist()[1:]
    assert back["d"].isna().tolist()[:3] == [False, True, False]
    assert back["d"].iloc[0] == table["d"].iloc[0]
    assert (pd.to_datetime(back["tz"], utc=True) == table["tz"].dt.tz_convert("UTC")).all()


def test_reference_systems_are_found_or_added_once(database: Database, cities: Any) -> None:
    one = {"t": cities["gdp"]}
    write_layers(f"{database.url}", cities.to_crs("OGC:CRS84"), {"a": cities["gdp"]})
    write_layers(f"{database.url}", cities.to_crs(4490), {"b": cities["gdp"]})
    write_layers(f"{database.url}", cities.to_crs("ESRI:102025"), {"c": cities["gdp"]})
    for _ in range(2):
        write_layers(database.url, cities.to_crs(ALBERS), one)
    write_layers(database.url, cities.to_crs(ALBERS.replace("105", "110")), {"u": cities["gdp"]})
    found = dict(database.sql("SELECT f_table_name, srid FROM geometry_columns"))
    assert found == {"a": 4326, "b": 4490, "c": 102025, "t": 910000, "u": 910001}
    assert database.sql("SELECT count(*) FROM spatial_ref_sys WHERE srid >= 910000") == [(2,)]
    back = sp.read_cities(database.url, id="adcode", layer="t")
    assert back.to_crs(4326).geometry.iloc[5].distance(cities.geometry.iloc[5].centroid) == 0
    np.testing.assert_allclose(back.to_crs(4326).total_bounds, cities.total_bounds, rtol=0, atol=1e-9)
    # The server transforms from it to the same place.
    west = database.sql("SELECT ST_XMin(ST_Extent(ST_Transform(geom, 4326))) FROM t")[0][0]
    assert abs(west - 100) < 1e-9


def test_shapes_of_other_kinds(database: Database, cities: Any) -> None:
    points = cities.set_geometry(cities.geometry.representative_point())
    solid = cities.set_geometry(
        gpd.GeoSeries(shapely.force_3d(cities.geometry.array, 7.0), index=cities.index, crs=4326)
    )
    write_layers(database.url, points, {"points": None})
    write_layers(database.url, solid, {"solid": None})
    query = "SELECT f_table_name, type, coord_dimension FROM geometry_columns ORDER BY 1"
    assert database.sql(query) == [("points", "POINT", 2), ("solid", "MULTIPOLYGON", 3)]
    assert database.sql("SELECT DISTINCT ST_ZMax(geom) FROM solid") == [(7.0,)]


def test_upsert_changes_its_rows_and_no_others(database: Database, cities: Any) -> None:
    database.sql("CREATE TABLE bystander (x int)", "INSERT INTO bystander VALUES (1)")
    write_layers(database.url, cities, {"t": cities["gdp"], "kept": cities["gdp"]})
    others = (
        "SELECT adcode, gdp, ctid::text, xmin::text FROM t WHERE adcode BETWEEN '01008' AND '02' ORDER BY 1"
    )
    before = database.sql(others)
    kept = database.sql("SELECT adcode, gdp, xmin::text FROM kept ORDER BY 1")
    half = cities.iloc[:8].sample(frac=1, random_state=1)
    moved = half.set_geometry(half.geometry.translate(0.5))
    new = cities.iloc[:1].set_axis(["09999"]).rename_axis("adcode")
    write_layers(database.url, pd.concat([moved, new]), {"t": pd.concat([-half["gdp"], new["gdp"]])})
    assert database.sql(others) == before
    assert database.sql("SELECT adcode, gdp, xmin::text FROM kept ORDER BY 1") == kept
    changed = database.sql("SELECT gdp FROM t WHERE adcode < '01008' ORDER BY adcode")
    assert changed == [(-float(k**2),) for k in range(8)]
    assert database.sql("SELECT ST_XMin(geom) FROM t WHERE adcode = '01000'") == [(100.5,)]
    assert database.sql("SELECT count(*) FROM t") == [(17,)]
    assert database.sql("SELECT * FROM bystander") == [(1,)]


def test_links_of_an_older_weights_do_not_stay(database: Database, cities: Any, weights: Weights) -> None:
    write_layers(database.url, cities, {"w": weights})
    database.sql("INSERT INTO w SELECT 'elsewhere', '01000', 1, geom FROM w LIMIT 1")
    near = sp.weights.knn(cities, 1)
    write_layers(database.url, cities, {"w": near})
    found = database.sql("SELECT i, count(*) FROM w GROUP BY i")
    assert dict(found) == {**dict.fromkeys(cities.index, 1), "elsewhere": 1}


def test_nothing_is_changed_when_one_layer_fails(database: Database, cities: Any) -> None:
    write_layers(database.url, cities, {"a": cities["gdp"], "b": cities["gdp"]})
    database.sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not today'; END $$",
        "CREATE TRIGGER no BEFORE UPDATE ON b FOR EACH ROW WHEN (NEW.gdp < -200) EXECUTE FUNCTION no()",
    )
    everything = "SELECT 'a', adcode, gdp FROM a UNION ALL SELECT 'b', adcode, gdp FROM b ORDER BY 1, 2"
    styles = "SELECT id, f_table_name, update_time FROM layer_styles ORDER BY 1"
    before, styled = database.sql(everything), database.sql(styles)
    layers = {"new": cities["gdp"], "a": -cities["gdp"], "b": -cities["gdp"]}
    message = refused(
        lambda: write_layers(database.url, cities.to_crs(ALBERS), {"new": cities["gdp"], "a": cities["gdp"]}),
        "910000",
    )
    assert "Nothing was changed" in message
    message = refused(lambda: write_layers(database.url, cities, layers), "not today")
    assert "Nothing in it was changed" in message
    assert database.sql(everything) == before
    assert database.sql(styles) == styled
    assert database.sql("SELECT to_regclass('public.new')") == [(None,)]
    assert database.sql("SELECT count(*) FROM spatial_ref_sys WHERE srid >= 910000") == [(0,)]


def test_an_interrupt_changes_nothing(
    database: Database, cities: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spatial.gis import postgis as postgis_write

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(postgis_write, "_store_styles", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_layers(database.url, cities, {"t": cities["gdp"]})
    assert database.sql("SELECT to_regclass('public.t')") == [(None,)]


def test_columns_that_differ_are_named(database: Database, cities: Any) -> None:
    write_layers(database.url, cities, {"t": cities["gdp"]})
    two = pd.DataFrame({"gdp": np.arange(16), "pop": 1.0}, index=cities.index)
    message = refused(
        lambda: write_layers(database.url, cities, {"t": two}),
        "'public.t' has other columns than the layer 't'",
    )
    assert "it lacks 'pop'; 'gdp' is double precision there and bigint here" in message
    database.sql("ALTER TABLE t ADD COLUMN remark text")
    refused(lambda: write_layers(database.url, cities, {"t": cities["gdp"]}), "it has besides 'remark'")
    database.sql("ALTER TABLE t DROP COLUMN remark")
    points = cities.set_geometry(cities.geometry.representative_point())
    refused(
        lambda: write_layers(database.url, points, {"t": cities["gdp"]}),
        r"'geom' is geometry\(MultiPolygon,4326\) there and geometry\(Point,4326\) here",
    )
    write_layers(database.url, cities, {"t": cities["gdp"]})


def test_tables_made_by_hand(database: Database, cities: Any) -> None:
    make = "CREATE TABLE {} (adcode varchar(6){}, gdp double precision, geom geometry(Geometry, 4326))"
    database.sql(
        make.format("good", " PRIMARY KEY"), make.format("keyless", ""), "CREATE VIEW v AS SELECT 1 AS x"
    )
    write_layers(database.url, cities, {"good": cities["gdp"]}, attributes=[])
    assert database.sql("SELECT count(*), count(DISTINCT ST_GeometryType(geom)) FROM good") == [(16, 1)]
    for table, message in (
        ("keyless", "no primary key on 'adcode'"),
        ("v", "'public.v' is no table but a view"),
    ):
        refused(partial(write_layers, database.url, cities, {table: cities["gdp"]}, attributes=[]), message)


def test_nasty_names_are_written_as_names(database: Database, cities: Any) -> None:
    database.sql("CREATE TABLE keep (id int)")
    for name in INJECTIONS:
        quoted = '"' + name.replace('"', '""') + '"'
        database.sql(f"CREATE SCHEMA {quoted}")
        url = f"{database.url}&schema={quote(name, safe='')}"
        named = cities.rename_axis(name)
        for _ in range(2):
            write_layers(
                url, named, {name: pd.Series(1.5, index=named.index, name=name)}, labels={name: name}
            )
        assert database.sql(f"SELECT count(*) FROM {quoted}.{quoted}") == [(16,)]
        styles = (
            "SELECT count(*) FROM layer_styles "
            "WHERE f_table_schema = %s AND f_table_name = %s AND stylename = %s"
        )
        assert database.sql((styles, [name] * 3)) == [(1,)]
        labels = "SELECT col_description(%s::regclass, 3)"  # after the id and the name
        assert name in database.sql((labels, [f"{quoted}.{quoted}"]))[0][0]
    assert database.sql("SELECT count(*) FROM keep") == [(0,)]


def test_comments_in_both_languages_become_labels_again(
    database: Database, cities: Any, weights: Weights
) -> None:
    cities.attrs["note"] = "Cells; '); DROP TABLE lisa; --"
    local = sp.local_moran(cities["gdp"], weights, permutations=99)
    write_layers(database.url, cities, {"lisa": local})
    (comment,) = database.sql("SELECT col_description('lisa'::regclass, 3)")[0]
    assert comment == "局部莫兰指数 / Local Moran's I"
    assert database.sql("SELECT obj_description('lisa'::regclass)") == [("Cells; '); DROP TABLE lisa; --",)]
    database.sql("ALTER TABLE lisa ADD COLUMN year int DEFAULT 2000")
    panel = sp.read_panel(database.url, unit="adcode", time="year", sheet="lisa")
    assert panel.labels["local_i"] == "局部莫兰指数 / Local Moran's I"
    assert panel.labels["p_sim"] == "置换检验p值 / Permutation p-value"


def test_styles_are_where_qgis_looks(database: Database, cities: Any, weights: Weights) -> None:
    local = sp.local_moran(cities["gdp"], weights, permutations=99)
    for _ in range(2):
        write_layers(database.url, cities, {"lisa": local, "w": weights}, lang="zh")
    rows = database.sql(
        "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, useasdefault, "
        "styleqml::text, stylesld FROM public.layer_styles ORDER BY f_table_name"
    )
    assert [row[:6] for row in rows] == [
        (database.name, "public", "lisa", "geom", "lisa", True),
        (database.name, "public", "w", "geom", "w", True),
    ]
    root = ET.fromstring(rows[0][6].partition("\n")[2])
    renderer = root.find("renderer-v2")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("attr")) == ("categorizedSymbol", "cluster")
    assert {alias.get("field"): alias.get("name") for alias in root.iter("alias")}[
        "local_i"
    ] == "局部莫兰指数"
    links = ET.fromstring(rows[1][6].partition("\n")[2])
    assert [r.get("type") for r in links.iter("renderer-v2")] == ["singleSymbol"]
    assert [f.get("name") for f in links.iter("field")][-1] == "w"


def test_a_style_of_the_user_stays_the_default(database: Database, cities: Any) -> None:
    write_layers(database.url, cities, {"t": cities["gdp"]})
    database.sql(
        "UPDATE layer_styles SET useasdefault = false",
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
        "stylename, styleqml, useasdefault) "
        "VALUES (current_database(), 'public', 't', 'geom', 'mine', '<qgis/>', true)",
    )
    write_layers(database.url, cities, {"t": cities["gdp"]})
    assert database.sql("SELECT stylename, useasdefault FROM layer_styles ORDER BY 1") == [
        ("mine", True),
        ("t", False),
    ]


def test_styles_table_as_older_programs_made_it(database: Database, cities: Any) -> None:
    database.sql(
        "CREATE TABLE layer_styles (id serial PRIMARY KEY, f_table_catalog varchar(256), "
        "f_table_schema varchar(256), f_table_name varchar(256), f_geometry_column varchar(256), "
        "stylename varchar(30), styleqml text, stylesld text, useasdefault boolean, description text, "
        "owner varchar(30), ui text, update_time timestamp)"
    )
    write_layers(database.url, cities, {"t": cities["gdp"]})
    assert database.sql("SELECT left(styleqml, 14) FROM layer_styles") == [("<!DOCTYPE qgis",)]


def test_text_that_the_database_cannot_hold(database: Database, cities: Any) -> None:
    bad = pd.Series(["a\x00b", *"cdefghijklmnopq"], index=cities.index, name="x")
    refused(lambda: write_layers(database.url, cities, {"t": bad}), "NUL.*Nothing in it was changed")
    write_layers(database.url, cities, {"t": cities["gdp"]}, labels={"gdp": "nul \x00 here"})
