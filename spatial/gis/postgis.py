"""Layers into PostgreSQL with PostGIS: rows by id inserted or updated, all in one transaction."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.errors import DataError, name_ids
from spatial.io.postgis import connected, postgis_schema, schema_named
from spatial.io.postgis_address import parse_address

from .features import Layer
from .qml import style_qml

__all__ = ["check_table_names", "write_database"]

_GEOMETRY = "geom"
_NAME_BYTES = 63  # PostgreSQL cuts longer names off in silence
_MULTI = {"Polygon": "MultiPolygon", "LineString": "MultiLineString"}
_WHOLE = ("bigint", "integer", "smallint")
_OWN_SRIDS = (910000, 998999)  # where PostGIS leaves room for those of users

_TABLE = """
SELECT c.oid::bigint, c.relkind::text FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s"""
_COLUMNS = """
SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod),
    pg_catalog.col_description(attrelid, attnum)
FROM pg_catalog.pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
_KEYS = """
SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))
FROM pg_catalog.pg_index i
WHERE i.indrelid = %s AND i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL"""

# As QGIS makes it, where nobody has yet.
_STYLES = """
CREATE TABLE public.layer_styles (
    id serial PRIMARY KEY, f_table_catalog varchar, f_table_schema varchar, f_table_name varchar,
    f_geometry_column varchar, stylename text, styleqml xml, stylesld xml, useasdefault boolean,
    description text, owner varchar(63) DEFAULT CURRENT_USER, ui xml,
    update_time timestamp DEFAULT CURRENT_TIMESTAMP, type varchar)"""
_PLACE = """
f_table_catalog = pg_catalog.current_database() AND f_table_schema = %(schema)s::text
    AND f_table_name = %(table)s::text AND f_geometry_column = %(geometry)s::text"""
_OLD_STYLE = f"DELETE FROM public.layer_styles WHERE {_PLACE} AND stylename = %(style)s::text"
# The style that somebody has made the default stays it.
_NEW_STYLE = f"""
INSERT INTO public.layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename,
    styleqml, useasdefault, description)
SELECT pg_catalog.current_database(), %(schema)s::text, %(table)s::text, %(geometry)s::text, %(style)s::text,
    XMLPARSE(DOCUMENT %(qml)s::text),
    NOT EXISTS (SELECT 1 FROM public.layer_styles WHERE {_PLACE} AND useasdefault), %(field)s::text"""


@dataclass(frozen=True)
class _Upload:
    """A layer as rows for its table.

    Attributes
    ----------
    layer : Layer
    columns : mapping
        Column to its SQL type, without the geometry, which comes last in each row.
    shape : str
        PostGIS's geometry type.
    key : tuple of str
        Columns that identify a row.
    rows : list of tuple
    """

    layer: Layer
    columns: Mapping[str, str]
    shape: str
    key: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def check_table_names(layers: Mapping[str, Any]) -> None:
    """Refuse layer names that cannot be a table's."""
    for name in layers:
        if len(name.encode("utf-8", "replace")) > _NAME_BYTES:
            raise DataError(
                f"A table's name has at most {_NAME_BYTES} bytes (21 Chinese characters); got {name!r}."
            )
        if name == "layer_styles" or "\x00" in name:
            raise DataError(f"A table cannot be called {name!r}: choose another name for the layer.")


def write_database(source: str, layers: Sequence[Layer], ids: Sequence[Any], note: str) -> str:
    """Write all layers or none; return the address without its password."""
    address = parse_address(source)
    crs = layers[0].frame.crs
    if crs is None:
        raise DataError("A database keeps the CRS, and the cities have none: name theirs with set_crs first.")
    uploads = [_upload(layer) for layer in layers]
    with connected(address, read_only=False) as connection:
        schema, place = schema_named(connection, address.schema), postgis_schema(connection)
        srid = _srid(connection, place, crs)
        for number, upload in enumerate(uploads):
            _write(connection, upload, (schema, place, srid), (number, ids, note))
        _store_styles(connection, schema, layers)
    return address.shown


# ---- a layer's rows
def _upload(layer: Layer) -> _Upload:
    frame = layer.frame
    plain = [str(column) for column in frame.columns if column != frame.geometry.name]
    columns = {name: _sql_type(frame[name]) for name in plain}
    shapes, shape = _shapes(layer)
    cells = [_cells(frame[name]) for name in plain]
    key = ("i", "j") if layer.style.geometry == "line" else (plain[0],)
    return _Upload(layer, columns, shape, key, list(zip(*cells, shapes, strict=True)))


def _sql_type(values: Any) -> str:
    kind = values.dtype
    if pd.api.types.is_bool_dtype(kind):
        return "boolean"
    if pd.api.types.is_integer_dtype(kind):
        return "bigint"
    if pd.api.types.is_float_dtype(kind):
        return "double precision"
    if isinstance(kind, pd.DatetimeTZDtype):
        return "timestamp with time zone"
    return "timestamp without time zone" if pd.api.types.is_datetime64_any_dtype(kind) else "text"


def _cells(values: Any) -> list[Any]:
    """Return values of Python; missing ones as None, since styles ask for NULL."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)  # the connection is in UTC too
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return list(values.to_numpy(dtype="datetime64[us]").tolist())
    return [None if gap else value for value, gap in zip(values.tolist(), values.isna(), strict=True)]


def _shapes(layer: Layer) -> tuple[list[str], str]:
    """Return geometries as hexadecimal WKB without SRID, and their common type."""
    shapes = np.asarray(layer.frame.geometry.array, dtype=object)
    if layer.style.geometry == "polygon":  # single and multiple parts in one column, as in a GeoPackage
        shapes = np.array([_promoted(shape) for shape in shapes], dtype=object)
    has_z = bool(shapely.has_z(shapes).any())
    if has_z:
        shapes = shapely.force_3d(shapes)
    kinds = {shape.geom_type for shape in shapes}
    kind = kinds.pop() if len(kinds) == 1 else "Geometry"
    return shapely.to_wkb(shapes, hex=True).tolist(), f"{kind}Z" if has_z else kind


def _promoted(shape: Any) -> Any:
    multi = _MULTI.get(shape.geom_type)
    return shape if multi is None else getattr(shapely, multi)([shape])


# ---- the reference system
def _srid(connection: Any, place: str, crs: Any) -> int:
    """Return the database's number of a CRS; one that it does not know is added to its list."""
    from psycopg import sql

    systems = sql.Identifier(place, "spatial_ref_sys")
    authority = ("EPSG", "4326") if crs.equals(4326, ignore_axis_order=True) else None
    authority = authority or crs.to_authority(min_confidence=100)
    if authority is not None and authority[1].isdigit():
        row = connection.execute(
            sql.SQL("SELECT srid FROM {} WHERE upper(auth_name) = %s AND auth_srid = %s").format(systems),
            [authority[0].upper(), int(authority[1])],
        ).fetchone()
        if row is not None:
            return int(row[0])
    text, proj4 = _descriptions(crs)
    query = sql.SQL("SELECT min(srid) FROM {} WHERE srtext = %s").format(systems)
    (known,) = connection.execute(query, [text]).fetchone()
    if known is not None:
        return int(known)
    (new,) = connection.execute(
        sql.SQL(
            "INSERT INTO {0} (srid, srtext, proj4text) SELECT COALESCE(max(srid) + 1, %s), %s, %s FROM {0} "
            "WHERE srid >= %s AND srid < %s RETURNING srid"
        ).format(systems),
        [_OWN_SRIDS[0], text, proj4, *_OWN_SRIDS],
    ).fetchone()
    return int(new)


def _descriptions(crs: Any) -> tuple[str, str]:
    import pyproj

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that PROJ.4 cannot say all: the WKT beside it does
        try:
            return str(crs.to_wkt("WKT1_GDAL")), str(crs.to_proj4())
        except pyproj.exceptions.CRSError as error:
            raise DataError(
                f"{crs.name} cannot be described to the database ({error}): use to_crs first."
            ) from None


# ---- a table
def _write(
    connection: Any, upload: _Upload, where: tuple[str, str, int], what: tuple[int, Sequence[Any], str]
) -> None:
    from psycopg import sql

    schema, place, srid = where
    number, ids, note = what
    name = upload.layer.name
    target, temporary = sql.Identifier(schema, name), sql.Identifier(f"spatial_upload_{number}")
    row = connection.execute(_TABLE, [schema, name]).fetchone()
    if row is None:
        _create(connection, upload, target, (place, srid), note)
        row = connection.execute(_TABLE, [schema, name]).fetchone()
    else:
        _check_table(connection, upload, f"{schema}.{name}", row, srid)
    _describe(connection, upload, target, row[0])
    definition = sql.SQL(", ").join(
        [
            *(sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(t)) for c, t in upload.columns.items()),
            sql.SQL("{} text").format(sql.Identifier(_GEOMETRY)),
        ]
    )
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(temporary, definition))
    statement = sql.SQL("COPY pg_temp.{} FROM STDIN").format(temporary)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for cells in upload.rows:
            copy.write_row(cells)
    if upload.layer.style.geometry == "line":
        # A unit's links are replaced together: one of an older W among them would be a different W.
        connection.execute(sql.SQL("DELETE FROM {} WHERE i = ANY(%s)").format(target), [list(ids)])
    connection.execute(_upsert(upload, target, temporary, (place, srid)))


def _upsert(upload: _Upload, target: Any, temporary: Any, reference: tuple[str, int]) -> Any:
    from psycopg import sql

    place, srid = reference
    names = [*upload.columns, _GEOMETRY]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    values = sql.SQL(", ").join(
        [
            *map(sql.Identifier, upload.columns),
            sql.SQL("{}.st_setsrid({}::{}.geometry, {})").format(
                sql.Identifier(place), sql.Identifier(_GEOMETRY), sql.Identifier(place), sql.Literal(srid)
            ),
        ]
    )
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in names if name not in upload.key
    )
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM pg_temp.{} ON CONFLICT ({}) DO UPDATE SET {}").format(
        target, columns, values, temporary, sql.SQL(", ").join(map(sql.Identifier, upload.key)), changes
    )


def _create(connection: Any, upload: _Upload, target: Any, reference: tuple[str, int], note: str) -> None:
    from psycopg import sql

    place, srid = reference
    shape = sql.SQL("{} {}.geometry({}, {}) NOT NULL").format(
        sql.Identifier(_GEOMETRY), sql.Identifier(place), sql.SQL(upload.shape), sql.Literal(srid)
    )
    parts = [sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(t)) for c, t in upload.columns.items()]
    key = sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, upload.key)))
    connection.execute(
        sql.SQL("CREATE TABLE {} ({})").format(target, sql.SQL(", ").join([*parts, shape, key]))
    )
    connection.execute(
        sql.SQL("CREATE INDEX ON {} USING gist ({})").format(target, sql.Identifier(_GEOMETRY))
    )
    if note:
        connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(target, sql.Literal(_text(note))))


def _describe(connection: Any, upload: _Upload, target: Any, oid: int) -> None:
    """Comment each column in both languages, where that is not its comment already."""
    from psycopg import sql

    comments = {name: comment for name, _, comment in connection.execute(_COLUMNS, [oid]).fetchall()}
    for field, title in upload.layer.titles.items():
        comment = _text(title.en if title.en == title.zh else f"{title.zh} / {title.en}")
        if field in comments and comments[field] != comment:
            connection.execute(
                sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                    target, sql.Identifier(field), sql.Literal(comment)
                )
            )


def _text(value: str) -> str:
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")


# ---- a table that is there already
def _check_table(connection: Any, upload: _Upload, full: str, row: tuple[int, str], srid: int) -> None:
    oid, kind = row
    if kind not in ("r", "p"):
        raise DataError(f"{full!r} is no table but a view or the like: choose another name for the layer.")
    there = {name: type_ for name, type_, _ in connection.execute(_COLUMNS, [oid]).fetchall()}
    wanted = {**upload.columns, _GEOMETRY: f"geometry({upload.shape},{srid})"}
    parts = []
    if lacks := [name for name in wanted if name not in there]:
        parts.append(f"it lacks {name_ids(lacks)}")
    if extra := [name for name in there if name not in wanted]:
        parts.append(f"it has besides {name_ids(extra)}")
    for name, here in wanted.items():
        if name in there and not _same(there[name], here, srid):
            parts.append(f"{name!r} is {there[name]} there and {here} here")
    if parts:
        raise DataError(
            f"The table {full!r} has other columns than the layer {upload.layer.name!r}: {'; '.join(parts)}. "
            "Write under another name, or drop the table first. Nothing was changed."
        )
    keys = [set(found[0]) for found in connection.execute(_KEYS, [oid]).fetchall()]
    if set(upload.key) not in keys:
        raise DataError(
            f"The table {full!r} has no primary key on {name_ids(upload.key)}, so its rows cannot be told "
            "apart: add one (ALTER TABLE ... ADD PRIMARY KEY), or write under another name. "
            "Nothing was changed."
        )


def _same(there: str, here: str, srid: int) -> bool:
    """Whether a column can hold these values without changing them."""
    there = re.sub(r"^.*\.(?=geometry\()", "", there)  # PostGIS in a schema of its own
    if here == "text":
        return there == "text" or there.startswith("character varying")
    if here == "bigint":
        return there in _WHOLE
    return there in (here, f"geometry(Geometry,{srid})") if here.startswith("geometry(") else there == here


# ---- styles
def _store_styles(connection: Any, schema: str, layers: Sequence[Layer]) -> None:
    (known,) = connection.execute("SELECT pg_catalog.to_regclass('public.layer_styles')::text").fetchone()
    if known is None:
        connection.execute(_STYLES)
    for layer in layers:
        values = {
            "schema": schema,
            "table": layer.name,
            "geometry": _GEOMETRY,
            "style": layer.name,
            "qml": style_qml(layer.style),
            "field": layer.style.field,
        }
        connection.execute(_OLD_STYLE, values)
        connection.execute(_NEW_STYLE, values)
