"""Addresses of databases: taken apart, shown without the password, refused in words; no server, no driver."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spatial as sp
from spatial.errors import DataError
from spatial.gis import postgis as postgis_write
from spatial.gis.layers import write_layers
from spatial.gis.postgis import check_table_names
from spatial.io import postgis
from spatial.io.postgis_address import parse_address
from spatial.io.sources import is_database, kind_of, without_password


@pytest.fixture
def cities() -> gpd.GeoDataFrame:
    points = gpd.points_from_xy([116.4, 117.2], [39.9, 39.1])
    return gpd.GeoDataFrame(
        {"gdp": [1.0, 2.0]}, geometry=points, index=pd.Index(["a", "b"], name="id"), crs=4326
    )


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("postgresql://anna@host/db", True),
        ("postgres://host/db", True),
        ("postgresql+psycopg://host/db", True),
        ("POSTGRESQL:///db?host=/run", True),
        ("mysql://host/db", False),
        ("https://host/postgresql.gpkg", False),
        ("postgresql", False),
        (Path("postgresql://host/db"), False),
    ],
)
def test_which_sources_are_databases(source: Any, is_one: bool) -> None:
    assert is_database(source) is is_one


def test_schema_is_ours_and_the_rest_goes_to_the_driver_as_written() -> None:
    address = parse_address(
        "postgres://an%20na@[::1]:5433/d%2Fb?sslmode=require&schema=%E5%9C%B0%20%22x&application_name=a%26b"
    )
    assert address.url == "postgresql://an%20na@[::1]:5433/d%2Fb?sslmode=require&application_name=a%26b"
    assert address.schema == '地 "x'
    assert address.options == ("sslmode", "application_name")
    assert parse_address("postgresql:///db?schema=a+b").schema == "a+b"  # libpq keeps plus signs too
    assert parse_address("postgresql://host/db").schema is None


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("postgresql://anna:s3cret@host:5432/db", "postgresql://anna:***@host:5432/db"),
        ("postgresql://:s3cret@host/db", "postgresql://:***@host/db"),
        ("postgresql://anna:s3@cret@host/db", "postgresql://anna:***@host/db"),
        ("postgresql://anna:/s3cret?#@host/db", "postgresql://anna:***@host/db"),
        ("postgresql://anna@host/db?password=s3cret&sslmode=require", "postgresql://anna@host/db?password=***&sslmode=require"),
        ("postgresql://host/db?sslpassword=s3cret", "postgresql://host/db?sslpassword=***"),
        ("mysql://anna:s3cret@host/db", "mysql://anna:***@host/db"),
        ("postgresql:/anna:s3cret@host/db", "postgresql:/anna:***@host/db"),
        ("https://anna:s3cret@host/a.gpkg", "https://anna:***@host/a.gpkg"),
        ("postgresql://anna@host:5432/db", "postgresql://anna@host:5432/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
    ],
)  # fmt: skip
def test_the_password_is_not_shown(source: str, shown: str) -> None:
    assert without_password(source) == shown


@given(password=st.text(min_size=8))
def test_no_password_survives_in_what_is_shown(password: str) -> None:
    written = quote(password, safe="", errors="replace")
    address = parse_address(f"postgresql://anna:{written}@host/db")
    assert address.shown == "postgresql://anna:***@host/db"
    assert f":{written}@" not in repr(address)
    assert address.scrub(f'bad "{written}"') == 'bad "***"'


@pytest.mark.parametrize("sign", ["@", "/", "#", "?"])
def test_signs_in_a_password_must_be_written_out(sign: str) -> None:
    source = f"postgresql://anna:s3{sign}cret@host/db"
    with pytest.raises(DataError, match="In a password write @ as %40, / as %2F") as caught:
        parse_address(source)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("postgresql://host/db\nx", "holds a control character"),
        ("postgresql://host/db?schema=", "must name one schema"),
        ("postgresql://host/db?schema=a&schema=b", "must name one schema"),
    ],
)
def test_addresses_that_cannot_be_meant(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_address(source)


_CALLS: list[Any] = [
    lambda source, _: sp.read_cities(source, id="id", layer="t"),
    lambda source, _: sp.read_panel(source, unit="id", time="year", sheet="t"),
    lambda source, cities: write_layers(source, cities, {"t": cities["gdp"]}),
]


@pytest.mark.parametrize("call", _CALLS)
def test_without_the_driver_the_extra_is_named(
    call: Any, cities: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DataError, match=r"needs psycopg.*pip install 'spatial-cities\[postgis\]'") as caught:
        call("postgresql://anna:s3cret@host/db", cities)
    assert "s3cret" not in str(caught.value)


def test_other_databases_are_refused_without_their_password(cities: Any) -> None:
    for call in (
        lambda: sp.read_cities("mysql://anna:s3cret@host/db", id="id"),
        lambda: sp.read_panel("postgre://anna:s3cret@host/db", unit="id", time="year"),
        lambda: sp.read_cities(Path("postgresql://anna:s3cret@host/db"), id="id"),
        lambda: write_layers("mysql://anna:s3cret@host/db", cities, {"t": cities["gdp"]}),
        lambda: write_layers(Path("postgresql://anna:s3cret@host/db"), cities, {"t": cities["gdp"]}),
    ):
        with pytest.raises(DataError, match="postgresql") as caught:
            call()
        assert "s3cret" not in str(caught.value)


def test_a_misspelt_scheme_is_put_right() -> None:
    with pytest.raises(DataError, match=r"Did you mean 'postgresql'\?"):
        sp.read_cities("postgresq://host/db", id="id")


def test_options_of_files_are_refused() -> None:
    with pytest.raises(DataError, match="encoding= is for files"):
        sp.read_cities("postgresql://host/db", id="id", encoding="gb18030")
    with pytest.raises(DataError, match="encoding= is for files"):
        sp.read_panel("postgresql://host/db", unit="id", time="year", encoding="gb18030")
    with pytest.raises(DataError, match=r"sheet= is the name of a table; got 0"):
        sp.read_panel("postgresql://host/db", unit="id", time="year", sheet=0)


def test_layers_names_for_tables(cities: Any) -> None:
    check_table_names({'a "quoted"; drop table x': None, "局" * 21: None})
    with pytest.raises(DataError, match=r"at most 63 bytes \(21 Chinese"):
        check_table_names({"局" * 22: None})
    with pytest.raises(DataError, match="cannot be called 'layer_styles'"):
        write_layers("postgresql://host/db", cities, {"layer_styles": cities["gdp"]})
    with pytest.raises(DataError, match="differ only in case"):
        write_layers("postgresql://host/db", cities, {"a": cities["gdp"], "A": cities["gdp"]})
    with pytest.raises(DataError, match="the cities have none: name theirs with set_crs"):
        write_layers("postgresql://host/db", cities.set_crs(None, allow_override=True), {"a": cities["gdp"]})


@pytest.mark.parametrize("module", [postgis, postgis_write])
def test_no_statement_is_put_together_from_text(module: Any) -> None:
    """Values go as parameters and names as sql.Identifier: no f-string or % reaches a statement."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    statements = [c.args[0] for c in calls if c.func.attr in ("execute", "copy") and c.args]  # type: ignore[attr-defined]
    assert len(statements) >= 4
    for node in statements:
        assert not isinstance(node, (ast.JoinedStr, ast.BinOp)), ast.unparse(node)
    pieces = [c.args[0] for c in calls if c.func.attr == "SQL"]  # type: ignore[attr-defined]
    texts = {ast.unparse(node) for node in pieces if not isinstance(node, ast.Constant)}
    # The type of a column and of a geometry, from fixed lists.
    assert texts <= {"t", "upload.shape"}


def test_a_path_keeps_its_kind() -> None:
    assert kind_of("results.gpkg") == ".gpkg"
    assert without_password("data/a@b:c.gpkg") == "data/a@b:c.gpkg"
