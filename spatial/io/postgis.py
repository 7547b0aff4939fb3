"""Cities and panels from PostgreSQL with PostGIS: one read-only transaction, names always quoted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import DataError, did_you_mean, name_ids

from .frames import Options, Table
from .postgis_address import Address, parse_address
from .sources import need

__all__ = ["connected", "postgis_schema", "read_database_layer", "read_database_table", "schema_named"]

_GEOMETRIES = ("geometry", "geography")
_WHOLE = ("int2", "int4", "int8")
_TEXT = ("text", "varchar", "bpchar", "name")
# What arrives as a value of Python; everything else is asked for as text.
_PLAIN = (*_WHOLE, *_TEXT, "float4", "float8", "numeric", "bool", "date", "timestamp", "timestamptz")
_SECONDS = 10

# Tables, views and foreign tables of people; what an extension brought is not theirs.
_RELATIONS = """
SELECT n.nspname::text, c.relname::text, c.oid::bigint, pg_catalog.pg_table_is_visible(c.oid),
    ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
          JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND t.typname IN ('geometry', 'geography') ORDER BY a.attnum)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema'
  AND left(n.nspname::text, 3) <> 'pg_'
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
                  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
ORDER BY 1, 2"""

_COLUMNS = """
SELECT a.attname::text, COALESCE(b.typname, t.typname)::text,
    pg_catalog.format_type(COALESCE(b.oid, t.oid), CASE WHEN b.oid IS NULL THEN a.atttypmod
                                                        ELSE t.typtypmod END),
    pg_catalog.col_description(a.attrelid, a.attnum)
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

_SCHEMAS = (
    "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE left(nspname::text, 3) <> 'pg_' ORDER BY 1"
)
_EXTENSION = """
SELECT n.nspname::text FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'"""


@dataclass(frozen=True)
class _Relation:
    """A table or view, and its columns of geometry."""

    schema: str
    name: str
    oid: int
    visible: bool
    geometries: tuple[str, ...]

    @property
    def full(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    declared: str
    comment: str | None


# ---- what the readers of cities and panels call
def read_database_layer(source: str, layer: str | None, encoding: str | None, id: str) -> gpd.GeoDataFrame:
    """Read a table with geometry; rows in the order of their ids, since a table has none of its own."""
    _refuse_encoding(encoding)
    with connected(parse_address(source), read_only=True) as connection:
        relation, geometry = _with_geometry(_chosen(connection, source, layer, "layer"), layer)
        columns = _columns(connection, relation)
        values = _values(connection, relation, columns)
        frame = gpd.GeoDataFrame(
            {
                c.name: _shapes(connection, values[c.name], f"{relation.full}({c.name})")
                if _is_geometry(c)
                else _series(values[c.name], c)
                for c in columns
            },
            geometry=geometry,
        )
    if id in [column.name for column in columns if not _is_geometry(column)]:
        frame = frame.sort_values(id, kind="stable", ignore_index=True)
    return frame


def read_database_table(source: str, options: Options) -> Table:
    """Read a table for a panel; comments on columns become labels."""
    _refuse_encoding(options.encoding)
    if options.sheet is not None and not isinstance(options.sheet, str):
        raise DataError(f"In a database, sheet= is the name of a table; got {options.sheet!r}.")
    with connected(parse_address(source), read_only=True) as connection:
        relation, _ = _chosen(connection, source, options.sheet, "sheet")
        columns = _columns(connection, relation)
        kept = [column for column in columns if not _is_geometry(column)]
        values = _values(connection, relation, kept)
    frame = pd.DataFrame({column.name: _series(values[column.name], column) for column in kept})
    notes = [f"table {relation.full}"]
    if relation.geometries:
        notes.append(f"without the geometry in {name_ids(relation.geometries)}")
    return Table(frame, {c.name: c.comment for c in kept if c.comment}, tuple(notes))


# ---- the connection
@contextmanager
def connected(address: Address, *, read_only: bool) -> Iterator[Any]:
    """Open a connection for one transaction: kept whole if the block ends well, else nothing is changed."""
    need("psycopg", "postgis", "A database")
    try:
        import psycopg
    except ImportError as error:  # installed without its library
        raise DataError(
            f"A database needs psycopg, which does not load ({error}). "
            "Run: pip install 'spatial-cities[postgis]'."
        ) from None
    waits = "connect_timeout" in address.options or "PGCONNECT_TIMEOUT" in os.environ
    given: dict[str, Any] = {} if waits else {"connect_timeout": _SECONDS}
    try:
        connection = psycopg.connect(address.url, client_encoding="utf8", prepare_threshold=None, **given)
    except (psycopg.Error, ValueError) as error:
        raise DataError(_not_opened(address, error)) from None
    # The driver's own errors may quote the address: none is chained.
    try:
        connection.read_only = read_only
        connection.execute("SET TIME ZONE 'UTC'")
        yield connection
    except (psycopg.Error, UnicodeError) as error:
        connection.close()
        fate = "" if read_only else " Nothing in it was changed."
        raise DataError(
            f"The database {address.shown} reports: {address.scrub(error)}.{fate}{_rights(error)}"
        ) from None
    except BaseException:
        connection.close()
        raise
    try:
        connection.commit()
    except psycopg.Error as error:
        raise DataError(
            f"The database {address.shown} did not confirm the end of the transaction: "
            f"{address.scrub(error)}. Look whether the change is there before you repeat it."
        ) from None
    finally:
        connection.close()


def _not_opened(address: Address, error: Exception) -> str:
    said = address.scrub(error)
    if re.search(r'database ".*" does not exist', said):
        advice = "Correct the name behind the last / of the address, or create it: createdb NAME."
    elif re.search("password|authentication|role .* does not exist|no pg_hba", said):
        advice = (
            "Correct the user; keep the password in ~/.pgpass or PGPASSWORD, or write it as user:password@."
        )
    elif re.search("refused|could not translate|resolve|timeout|No such file|Is the server", said):
        advice = "Is the server running, and are host and port right?"
    else:
        advice = "An address is postgresql://user@host:port/database."
    return f"The database {address.shown} cannot be opened: {said}. {advice}"


def _rights(error: Exception) -> str:
    if type(error).__name__ != "InsufficientPrivilege":
        return ""
    return (
        " Reading needs SELECT; writing needs CREATE in the schema (or to own its tables), and to write "
        "public.layer_styles: ask the database's owner for it, or name a schema of your own with ?schema=."
    )


def _refuse_encoding(encoding: str | None) -> None:
    if encoding is not None:
        raise DataError("encoding= is for files; a database knows its own: leave it out.")


# ---- which table
def schema_named(connection: Any, name: str | None) -> str:
    """Return the schema to work in; one that does not exist is refused."""
    if name is None:
        (found,) = connection.execute("SELECT pg_catalog.current_schema()::text").fetchone()
        if found is None:
            raise DataError("The database has no schema by default for this user: add ?schema=name.")
        return str(found)
    names = [str(row[0]) for row in connection.execute(_SCHEMAS)]
    if name not in names:
        raise DataError(
            f"The database has no schema {name!r}.{did_you_mean(name, names)} It has: {name_ids(names)}."
        )
    return name


def _chosen(connection: Any, source: str, name: str | None, option: str) -> tuple[_Relation, str | None]:
    """Return the table of that name, compared letter by letter, and the geometry in brackets behind it."""
    wanted = parse_address(source).schema
    if wanted is not None:
        schema_named(connection, wanted)
    relations = [
        _Relation(schema, table, oid, visible, tuple(geometries))
        for schema, table, oid, visible, geometries in connection.execute(_RELATIONS)
    ]
    if name is None:
        return _only(relations, wanted, option), None
    found, geometry = _matching(relations, wanted, name), None
    brackets = re.fullmatch(r"(.+?) ?\(([^()]+)\)", name, re.DOTALL)
    if not found and brackets:
        found, geometry = _matching(relations, wanted, brackets[1]), brackets[2]
    if len(found) == 1:
        return found[0], geometry
    if found:
        raise DataError(f"{option}={name!r} may be {name_ids([r.full for r in found])}: name its schema too.")
    names = [r.full for r in relations if wanted in (None, r.schema)]
    close = did_you_mean(name, [*names, *(r.name for r in relations)])
    raise DataError(f"The database has no table {name!r}.{close} It has: {name_ids(names) or 'none'}.")


def _matching(relations: Sequence[_Relation], schema: str | None, name: str) -> list[_Relation]:
    full = [r for r in relations if r.full == name]
    if full:
        return full
    plain = [r for r in relations if r.name == name and schema in (None, r.schema)]
    return [r for r in plain if r.visible] or plain if schema is None else plain


def _only(relations: Sequence[_Relation], schema: str | None, option: str) -> _Relation:
    what = "tables with geometry" if option == "layer" else "tables"
    usable = [
        r
        for r in relations
        if schema in (None, r.schema) and r.name != "layer_styles" and (r.geometries or option != "layer")
    ]
    if len(usable) != 1:
        names = f": {name_ids([r.full for r in usable])}" if usable else ""
        where = "The database" if schema is None else f"The schema {schema!r}"
        raise DataError(
            f"{where} has {len(usable) or 'no'} {what}{names}. Name one with {option}='schema.table'."
        )
    return usable[0]


def _with_geometry(found: tuple[_Relation, str | None], layer: str | None) -> tuple[_Relation, str]:
    relation, geometry = found
    if not relation.geometries:
        raise DataError(
            f"The table {relation.full!r} has no geometry column (of PostGIS type geometry or geography). "
            "A table by unit and time is read by read_panel(..., sheet=)."
        )
    if geometry is None and len(relation.geometries) > 1:
        example = f"{layer or relation.full}({relation.geometries[0]})"
        raise DataError(
            f"The table {relation.full!r} has {len(relation.geometries)} geometry columns: "
            f"{name_ids(relation.geometries)}. Name the cities' one in brackets: layer={example!r}."
        )
    if geometry is not None and geometry not in relation.geometries:
        raise DataError(
            f"The table {relation.full!r} has no geometry column {geometry!r}."
            f"{did_you_mean(geometry, relation.geometries)} It has: {name_ids(relation.geometries)}."
        )
    return relation, geometry or relation.geometries[0]


# ---- what is in it
def _columns(connection: Any, relation: _Relation) -> list[_Column]:
    return [_Column(*row) for row in connection.execute(_COLUMNS, [relation.oid])]


def _is_geometry(column: _Column) -> bool:
    return column.kind in _GEOMETRIES


def _values(connection: Any, relation: _Relation, columns: Sequence[_Column]) -> dict[str, list[Any]]:
    from psycopg import sql

    wanted = [
        sql.Identifier(c.name) if c.kind in _PLAIN else sql.SQL("{}::text").format(sql.Identifier(c.name))
        for c in columns
    ]
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(wanted), sql.Identifier(relation.schema, relation.name)
    )
    rows = connection.execute(query).fetchall()
    return {column.name: [row[k] for row in rows] for k, column in enumerate(columns)}


def _series(values: list[Any], column: _Column) -> Any:
    """Return a column as pandas keeps it; NULL is missing."""
    kind = column.kind
    if kind == "numeric":
        values = [None if value is None or value.is_nan() else value for value in values]
    has_gaps = any(value is None for value in values)
    if kind in _WHOLE or (kind == "numeric" and column.declared.endswith(",0)")):
        if not has_gaps and all(abs(value) < 2**63 for value in values):
            return pd.Series([int(value) for value in values], dtype=np.int64)
        if any(value is not None and 2**53 < abs(value) < 2**63 for value in values):
            # As floats these would become other numbers.
            return pd.Series([None if value is None else int(value) for value in values], dtype="Int64")
    if kind in (*_WHOLE, "numeric", "float4", "float8"):
        return pd.Series([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    if kind == "bool":
        return pd.Series(values, dtype=object if has_gaps else bool)
    if kind in ("date", "timestamp"):
        return pd.Series(np.array(values, dtype="datetime64[us]"))
    if kind == "timestamptz":
        plain = [None if value is None else value.replace(tzinfo=None) for value in values]
        return pd.Series(np.array(plain, dtype="datetime64[us]")).dt.tz_localize("UTC")
    if kind == "bpchar":  # the blanks that fill it up mean nothing in SQL
        values = [None if value is None else value.rstrip(" ") for value in values]
    return pd.Series(values, dtype=None if any(value is not None for value in values) else object)


def _shapes(connection: Any, values: list[str | None], what: str) -> gpd.GeoSeries:
    try:
        shapes = shapely.from_wkb(np.array(values, dtype=object))
    except (shapely.errors.GEOSException, NotImplementedError) as error:
        raise DataError(
            f"{what} holds a geometry that cannot be read ({error}); curves are straightened by "
            "ST_CurveToLine, in a view."
        ) from None
    known = sorted({int(srid) for srid in shapely.get_srid(shapes[~shapely.is_missing(shapes)])})
    if len(known) > 1:
        raise DataError(
            f"{what} mixes coordinate reference systems, SRID {name_ids(known)}: bring it to one with "
            "ST_Transform."
        )
    crs = _crs(connection, known[0], what) if known and known[0] else None
    return gpd.GeoSeries(shapely.set_srid(shapes, 0), crs=crs)


def postgis_schema(connection: Any) -> str:
    """Return the schema where PostGIS lives, which need not be on the search path."""
    row = connection.execute(_EXTENSION).fetchone()
    if row is None:
        raise DataError("The database has no PostGIS. Its owner adds it once: CREATE EXTENSION postgis;")
    return str(row[0])


def _crs(connection: Any, srid: int, what: str) -> Any:
    import pyproj
    from psycopg import sql

    table = sql.Identifier(postgis_schema(connection), "spatial_ref_sys")
    query = sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s").format(table)
    authority, code, text = connection.execute(query, [srid]).fetchone() or (None, None, None)
    if authority and code:
        try:
            return pyproj.CRS.from_authority(authority, code)
        except pyproj.exceptions.CRSError:
            pass
    try:
        return pyproj.CRS.from_wkt(text or "")
    except pyproj.exceptions.CRSError:
        raise DataError(
            f"{what} has SRID {srid}, which the database's spatial_ref_sys does not describe; "
            "set the right one with UpdateGeometrySRID."
        ) from None
