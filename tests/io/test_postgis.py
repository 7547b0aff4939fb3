"""PostgreSQL with PostGIS: what is read was put there by SQL; set-ups, rights, passwords, messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from postgres_server import (
    INJECTIONS,
    PASSWORD,
    PASSWORD_WRITTEN,
    Database,
    Server,
    free_port,
    grid,
    refused,
    running_server,
)

import spatial as sp
from spatial.errors import DataError
from spatial.gis.layers import write_layers

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


POINTS = (
    "CREATE TABLE places (id text, x int, geom geometry(Point, 4326))",
    "INSERT INTO places VALUES ('02', 1, 'SRID=4326;POINT(117 39)'), ('01', 2, 'SRID=4326;POINT(116 40)')",
)


PANEL = (
    "CREATE TABLE gdp (city text, year int, gdp numeric(12, 2), pop int, geom geometry)",
    "INSERT INTO gdp VALUES ('02', 2001, 3.25, NULL), ('01', 2001, 1, 5), "
    "('01', 2000, 0.5, 4), ('02', 2000, 2, 6)",
    "COMMENT ON COLUMN gdp.gdp IS '地区生产总值 \"x\"'",
)


# ---- cities
def test_cities_are_read_in_the_order_of_their_ids(database: Database) -> None:
    database.sql(*POINTS)
    cities = sp.read_cities(database.url, id="id", layer="public.places")
    assert cities.index.tolist() == ["01", "02"]
    assert cities.crs == 4326
    assert cities["x"].tolist() == [2, 1]
    assert cities.geometry.x.tolist() == [116, 117]
    assert shapely.get_srid(cities.geometry.array).tolist() == [0, 0]
    pd.testing.assert_frame_equal(sp.read_cities(database.url, id="id"), cities)
    pd.testing.assert_frame_equal(sp.read_cities(database.url, id="id", layer="places"), cities)
    database.sql("UPDATE places SET x = x WHERE id = '02'", "CREATE VIEW seen AS SELECT * FROM places")
    pd.testing.assert_frame_equal(sp.read_cities(database.url, id="id", layer="seen"), cities)


def test_columns_keep_their_types_and_null_is_missing(database: Database) -> None:
    database.sql(
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "CREATE DOMAIN code AS varchar(6)",
        "CREATE TABLE t (id code, small smallint, big bigint, gap int, huge bigint, n numeric, "
        "whole numeric(20, 0), "
        "f real, b boolean, bgap boolean, c char(8), d date, ts timestamp, tz timestamptz, m mood, j json, "
        "a int[], nothing text, nan float, geom geometry(Point, 4490))",
        "INSERT INTO t VALUES ('001', 1, 9007199254740993, NULL, 9007199254740993, 1.5, 12, 0.1, true, "
        "true, 'ab', "
        "'2001-02-03', '1600-01-01 00:00:00.000001', '2001-01-01 08:00+08', 'bad', '{\"k\": 1}', "
        "'{1,2}', NULL, 'NaN', 'SRID=4490;POINT(116 40)'), ('002', 2, 2, 3, NULL, NULL, 13, NULL, false, "
        "NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL, NULL, NULL, 1, 'SRID=4490;POINT(117 40)')",
    )
    frame = sp.read_cities(database.url, id="id", layer="t")
    assert frame.index.tolist() == ["001", "002"]
    assert frame.crs.to_epsg() == 4490
    assert frame["small"].dtype == frame["big"].dtype == frame["whole"].dtype == np.int64
    assert frame.loc["001", "big"] == 9007199254740993
    assert frame["huge"].tolist()[0] == 9007199254740993
    assert frame["huge"].isna().tolist() == [False, True]
    np.testing.assert_array_equal(frame["gap"], [np.nan, 3])
    np.testing.assert_array_equal(frame["n"], [1.5, np.nan])
    np.testing.assert_array_equal(frame["f"], [0.1, np.nan])
    np.testing.assert_array_equal(frame["nan"], [np.nan, 1])
    assert frame["b"].dtype == bool
    assert frame["bgap"].tolist() == [True, None]
    assert frame["c"].tolist()[0] == "ab"
    assert frame["d"].tolist()[0] == pd.Timestamp(2001, 2, 3)
    assert str(frame["ts"].iloc[0]) == "1600-01-01 00:00:00.000001"
    assert frame["tz"].iloc[0] == pd.Timestamp("2001-01-01", tz="UTC")
    assert frame["m"].iloc[0] == "bad"
    assert frame["j"].iloc[0] == '{"k": 1}'
    assert frame["a"].iloc[0] == "{1,2}"
    assert frame[["c", "d", "ts", "tz", "m", "j", "a"]].iloc[1].isna().all()
    assert frame["nothing"].isna().all()


def test_whole_numbers_as_ids_whatever_their_type(database: Database) -> None:
    database.sql(
        "CREATE TABLE t (id numeric(6, 0), other float, geom geography)",
        "INSERT INTO t VALUES (110000, 310000, 'POINT(116 40)'), (120000, 320000, 'POINT(117 39)')",
    )
    assert sp.read_cities(database.url, id="id").index.tolist() == [110000, 120000]
    by_float = sp.read_cities(database.url, id="other")
    assert by_float.index.tolist() == [310000, 320000]
    assert by_float.crs == 4326


def test_names_of_tables_and_columns_are_only_names(database: Database) -> None:
    database.sql("CREATE TABLE keep (id int)")
    for name in INJECTIONS:
        quoted = '"' + name.replace('"', '""') + '"'
        database.sql(
            f"CREATE SCHEMA {quoted}",
            f"CREATE TABLE {quoted}.{quoted} ({quoted} text, geom geometry(Point, 4326))",
            f"INSERT INTO {quoted}.{quoted} VALUES ('a', 'SRID=4326;POINT(116 40)')",
        )
        cities = sp.read_cities(database.url, id=name, layer=f"{name}.{name}")
        assert cities.index.tolist() == ["a"]
        assert cities.index.name == name
        refused(lambda name=name: sp.read_cities(database.url, id=name, layer=name + "'"), "has no table")
    assert database.sql("SELECT count(*) FROM keep") == [(0,)]


def test_schema_in_the_address(database: Database) -> None:
    database.sql(
        *POINTS,
        'CREATE SCHEMA "my maps"',
        'CREATE TABLE "my maps".places (id text, geom geometry(Point, 4326))',
        """INSERT INTO "my maps".places VALUES ('99', 'SRID=4326;POINT(116 40)')""",
        'CREATE SCHEMA "other"',
        "CREATE TABLE other.places (id text)",
    )
    url = f"{database.url}&schema=my%20maps"
    assert sp.read_cities(url, id="id").index.tolist() == ["99"]
    assert sp.read_cities(url, id="id", layer="places").index.tolist() == ["99"]
    assert sp.read_cities(url, id="id", layer="public.places").index.tolist() == ["01", "02"]
    assert sp.read_cities(database.url, id="id", layer="places").index.tolist() == ["01", "02"]
    refused(
        lambda: sp.read_cities(f"{database.url}&schema=my_maps", id="id"),
        "has no schema 'my_maps'. Did you mean 'my maps'",
    )
    database.sql("DROP TABLE public.places")
    refused(
        lambda: sp.read_cities(database.url, id="id", layer="places"),
        "may be 'my maps.places', 'other.places': name its schema",
    )


def test_several_geometries_are_told_apart_by_brackets(database: Database) -> None:
    database.sql(
        "CREATE TABLE t (id int, area geometry(Polygon, 4326), seat geometry(Point, 4326))",
        "INSERT INTO t VALUES (1, 'SRID=4326;POLYGON((1 1, 2 1, 2 2, 1 1))', 'SRID=4326;POINT(1.5 1.2)')",
    )
    message = refused(
        lambda: sp.read_cities(database.url, id="id", layer="t"), "has 2 geometry columns: 'area', 'seat'"
    )
    assert "layer='t(area)'" in message
    cities = sp.read_cities(database.url, id="id", layer="t(area)", seat="seat")
    assert cities.geometry.geom_type.tolist() == ["Polygon"]
    assert cities["seat"].x.tolist() == [1.5]
    points = sp.read_cities(database.url, id="id", layer="public.t (seat)")
    assert points.geometry.geom_type.tolist() == ["Point"]
    refused(
        lambda: sp.read_cities(database.url, id="id", layer="t(areas)"),
        "no geometry column 'areas'. Did you mean 'area'",
    )


def test_reference_systems(database: Database) -> None:
    database.sql(
        "CREATE TABLE none (id int, geom geometry)",
        "INSERT INTO none VALUES (1, 'POINT(116 40)')",
        "CREATE TABLE mixed (id int, geom geometry)",
        "INSERT INTO mixed VALUES (1, 'SRID=4326;POINT(1 1)'), (2, 'SRID=4490;POINT(1 1)')",
        "CREATE TABLE odd (id int, geom geometry)",
        "INSERT INTO odd VALUES (1, 'SRID=777777;POINT(1 1)')",
    )
    with pytest.warns(sp.SpatialWarning, match="The table 'none' states no coordinate"):
        assert sp.read_cities(database.url, id="id", layer="none").crs is None
    assert sp.read_cities(database.url, id="id", layer="none", crs="EPSG:4490").crs.to_epsg() == 4490
    refused(
        lambda: sp.read_cities(database.url, id="id", layer="mixed"), r"mixes .*SRID 4326, 4490.*ST_Transform"
    )
    refused(
        lambda: sp.read_cities(database.url, id="id", layer="odd"),
        "SRID 777777, which the database's spatial_ref_sys",
    )


def test_tables_that_are_no_cities(database: Database) -> None:
    refused(
        lambda: sp.read_cities(database.url, id="id"), "The database has no tables with geometry. Name one"
    )
    refused(lambda: sp.read_cities(database.url, id="id", layer="x"), "has no table 'x'. It has: none")
    database.sql(
        *POINTS,
        "CREATE TABLE other (id int, geom geometry)",
        "CREATE TABLE plain (id int)",
        "CREATE TABLE curves (id int, geom geometry)",
        "INSERT INTO curves VALUES (1, 'CIRCULARSTRING(0 0, 1 1, 2 0)')",
        "CREATE TABLE gaps (id int, geom geometry(Point, 4326))",
        "INSERT INTO gaps VALUES (1, 'SRID=4326;POINT(1 1)'), (2, NULL)",
    )
    url = database.url
    refused(
        lambda: sp.read_cities(url, id="id"), "has 4 tables with geometry: 'public.curves', 'public.gaps'"
    )
    refused(
        lambda: sp.read_cities(url, id="id", layer="public.placs"),
        "Did you mean 'public.places'. It has: 'public.c",
    )
    refused(lambda: sp.read_cities(url, id="id", layer="Places"), "Did you mean 'places'")
    refused(
        lambda: sp.read_cities(url, id="id", layer="plain"),
        "'public.plain' has no geometry column.*read_panel",
    )
    refused(
        lambda: sp.read_cities(url, id="id", layer="curves"),
        r"curves\(geom\) holds a geometry that cannot be read.*ST_CurveToLine",
    )
    refused(lambda: sp.read_cities(url, id="id", layer="gaps"), "The table 'gaps'.*2")
    refused(
        lambda: sp.read_cities(url, id="idd", layer="places"),
        "The table 'places' has no column 'idd'.*Did you mean 'id'",
    )


def test_reading_changes_nothing(database: Database) -> None:
    database.sql(
        *POINTS,
        "CREATE TABLE log (id int)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO log VALUES (1) RETURNING 1'",
        "CREATE VIEW tricky AS SELECT id, f() AS x, geom FROM places",
    )
    refused(lambda: sp.read_cities(database.url, id="id", layer="tricky"), "read-only transaction")
    assert database.sql("SELECT count(*) FROM log") == [(0,)]


# ---- panels
def test_panels_with_labels_from_comments(database: Database) -> None:
    database.sql(*PANEL)
    panel = sp.read_panel(database.url, unit="city", time="year", sheet="public.gdp")
    assert panel.frame.index.tolist() == [("01", 2000), ("01", 2001), ("02", 2000), ("02", 2001)]
    assert panel.frame["gdp"].tolist() == [0.5, 1, 2, 3.25]
    np.testing.assert_array_equal(panel.frame["pop"], [4, 5, 6, np.nan])
    assert dict(panel.labels) == {"gdp": '地区生产总值 "x"'}
    assert "table public.gdp; without the geometry in 'geom'" in panel.history[0].detail
    only = sp.read_panel(database.url, unit="city", time="year", columns={"gdp": "y"})
    assert dict(only.labels) == {"y": '地区生产总值 "x"'}


def test_panels_times_may_be_dates(database: Database) -> None:
    database.sql("CREATE TABLE t AS SELECT 7 AS city, date '2001-03-31' AS day, true AS x")
    panel = sp.read_panel(database.url, unit="city", time="day")
    assert panel.frame.index.tolist() == [(7, pd.Timestamp(2001, 3, 31))]


def test_panel_messages(database: Database) -> None:
    url = database.url
    refused(
        lambda: sp.read_panel(url, unit="city", time="year"),
        "The database has no tables. Name one with sheet='schema.table'",
    )
    database.sql(*PANEL, "CREATE TABLE empty (city text, year int)")
    refused(
        lambda: sp.read_panel(url, unit="city", time="year"), "has 2 tables: 'public.empty', 'public.gdp'"
    )
    refused(
        lambda: sp.read_panel(url, unit="city", time="year", sheet="gpd"),
        "no table 'gpd'. Did you mean 'gdp'",
    )
    refused(
        lambda: sp.read_panel(url, unit="town", time="year", sheet="gdp"),
        "The table 'gdp' has no column 'town'",
    )
    refused(lambda: sp.read_panel(url, unit="city", time="year", sheet="empty"), "The table 'empty' is empty")


# ---- other set-ups of the server
def test_postgis_in_a_schema_of_its_own(server: Server, cities: Any) -> None:
    server.execute("postgres", "CREATE DATABASE apart")
    database = Database(server, "apart")
    refused(
        lambda: write_layers(database.url, cities, {"t": cities["gdp"]}),
        "no PostGIS.*CREATE EXTENSION postgis",
    )
    database.sql(
        "CREATE SCHEMA gis_here",
        "CREATE EXTENSION postgis SCHEMA gis_here",
        "ALTER DATABASE apart SET search_path = ''",
    )
    refused(
        lambda: write_layers(database.url, cities, {"t": cities["gdp"]}),
        r"no schema by default.*\?schema=name",
    )
    url = f"{database.url}&schema=public"
    for _ in range(2):
        write_layers(url, cities, {"t": cities["gdp"]})
    back = sp.read_cities(url, id="adcode", layer="t")
    assert back.crs == 4326
    assert back["gdp"].tolist() == cities["gdp"].tolist()


def test_rights_are_explained(database: Database, cities: Any) -> None:
    database.sql(*POINTS, "CREATE ROLE guest LOGIN")
    url = database.server.url(database.name, "guest")
    refused(lambda: sp.read_cities(url, id="id", layer="places"), "permission denied.*needs SELECT")
    message = refused(
        lambda: write_layers(url, cities, {"t": cities["gdp"]}), "permission denied for schema public"
    )
    assert "Nothing in it was changed. Reading needs SELECT; writing needs CREATE" in message
    # Without owning the table, its rows can be kept up to date.
    write_layers(database.url, cities, {"t": cities["gdp"]})
    database.sql(
        "GRANT SELECT, INSERT, UPDATE ON t TO guest",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON layer_styles TO guest",
        "GRANT USAGE ON SEQUENCE layer_styles_id_seq TO guest",
    )
    write_layers(url, cities, {"t": -cities["gdp"]})
    assert database.sql("SELECT min(gdp) FROM t") == [(-225.0,)]


def test_the_password_is_used_and_never_shown(database: Database, cities: Any) -> None:
    server = database.server
    database.sql(*POINTS, *PANEL, f"CREATE ROLE anna LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    name = database.name.replace(" ", "%20")
    url = server.password_url(name, "anna", PASSWORD_WRITTEN)
    assert len(sp.read_cities(url, id="id", layer="places")) == 2
    assert PASSWORD_WRITTEN not in str(write_layers(url, cities, {"t": cities["gdp"]}))
    panel = sp.read_panel(url, unit="city", time="year", sheet="gdp")
    kept = repr(panel.history)
    assert PASSWORD not in kept
    assert PASSWORD_WRITTEN not in kept
    option = f"postgresql://anna@127.0.0.1:{server.port}/{name}?password={PASSWORD_WRITTEN}"
    assert "password" not in repr(sp.read_panel(option, unit="city", time="year", sheet="gdp").history)
    for bad in (
        server.password_url(name, "anna", PASSWORD_WRITTEN + "x"),
        server.password_url("missing", "anna", PASSWORD_WRITTEN),
        server.password_url(f"{name}?sslmode=nonsense", "anna", PASSWORD_WRITTEN),
        server.password_url(f"{name}?port=99999", "anna", PASSWORD_WRITTEN),
        url.replace(str(server.port), str(free_port())),
        url + "?schema=none",
    ):
        with pytest.raises(DataError) as caught:
            sp.read_cities(bad, id="id", layer="places")
        message = str(caught.value)
        assert PASSWORD not in message
        assert PASSWORD_WRITTEN not in message
        assert caught.value.__cause__ is None
    database.sql("DROP OWNED BY anna", "DROP ROLE anna")


def test_servers_that_cannot_be_reached(server: Server) -> None:
    def opened(url: str) -> Callable[[], Any]:
        return lambda: sp.read_cities(url, id="id", layer="t")

    refused(
        opened(f"postgresql://a@127.0.0.1:{free_port()}/db"),
        "cannot be opened.*refused.*Is the server running",
    )
    refused(opened(f"postgresql:///db?host={server.folder}/none"), "cannot be opened.*Is the server running")
    message = refused(opened(server.url("missing")), 'database "missing" does not exist. Correct the name')
    assert "createdb" in message
    refused(opened(server.url("gis", "nobody")), 'role "nobody" does not exist.*Correct the user')
    refused(
        opened(f"postgresql://a@127.0.0.1:{server.port}/gis"),
        "Correct the user; keep the password in ~/.pgpass",
    )
    refused(opened("postgresql://host/db?nonsense=1"), 'nonsense".*An address is postgresql://')
