"""What GDAL does not write into a GeoPackage: styles that QGIS finds, and titles of the columns."""

from __future__ import annotations

import sqlite3
import struct
import warnings
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import DataError

from .features import Layer
from .qml import style_qml

__all__ = ["copy_database", "describe_layers", "write_layer"]

# As QGIS makes it; it asks for the row whose catalog and schema are empty text, not NULL.
_STYLES = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30),
    ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)"""

# The schema extension of GeoPackage 1.2, annex F.9, and the table of extensions, clause 2.3.
_COLUMNS = """
CREATE TABLE IF NOT EXISTS gpkg_data_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,
    mime_type TEXT, constraint_name TEXT,
    CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name)
)"""
_CONSTRAINTS = """
CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (
    constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT,
    min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
    CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value)
)"""
_EXTENSIONS = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (
    table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
    scope TEXT NOT NULL,
    CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name)
)"""
_ONE_POLYGON = struct.pack("<BII", 1, 6, 1)  # little-endian, a multipolygon, of one part
_DEFINITION = "http://www.geopackage.org/spec121/#extension_schema"


def copy_database(source: Path, target: Path) -> None:
    """Copy a GeoPackage as it stands, also what a writer has not yet merged into the file.

    Raises
    ------
    DataError
        Where the file is no GeoPackage, or another program holds it open: its changes would be lost.
    """
    journal = source.with_name(source.name + "-wal")
    if journal.exists() and journal.stat().st_size > 0:
        raise DataError(
            f"{source.name} is open in another program, such as QGIS ({journal.name} holds its changes). "
            "Close it there, or write to another file."
        )
    try:
        # Read-only, so that looking at a file never changes it.
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old:
            old.execute("SELECT count(*) FROM gpkg_contents").fetchone()
            with closing(sqlite3.connect(target)) as new:
                old.backup(new)
    except sqlite3.DatabaseError as error:
        raise DataError(
            f"{source.name} exists and is no GeoPackage ({error}): move it away or choose another name."
        ) from None


def write_layer(path: Path, layer: Layer, note: str) -> None:
    """Write the features of one layer; one of the same name in the file is replaced, others are kept."""
    import pyogrio

    options: dict[str, Any] = {
        "layer": layer.name,
        "driver": "GPKG",
        "layer_options": {
            "IDENTIFIER": layer.name,
            "DESCRIPTION": " ".join(filter(None, [note, layer.note])),
            "GEOMETRY_NAME": "geom",
        },
    }
    if not path.exists():
        # Version 1.2 is read by GDAL since 2.2; of what GDAL now writes by default QGIS 3.22 warns.
        options["dataset_options"] = {"VERSION": "1.2"}
    # The same bytes in two thirds of the time.
    arrow = find_spec("pyarrow") is not None and pyogrio.__gdal_version__ >= (3, 8)
    polygons = layer.style.geometry == "polygon"
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "'crs' was not provided"
        )  # the map has none, and its reader said so
        table = _multipolygons(layer.frame) if arrow and polygons else None
        if table is None:
            pyogrio.write_dataframe(layer.frame, path, promote_to_multi=polygons, use_arrow=arrow, **options)
            return
        crs = layer.frame.crs
        number = None if crs is None else crs.to_epsg()
        pyogrio.write_arrow(
            table,
            path,
            geometry_name=layer.frame.geometry.name,
            geometry_type="MultiPolygon",
            crs=f"EPSG:{number}" if number else crs and crs.to_wkt("WKT1_GDAL"),
            **options,
        )


def _multipolygons(frame: gpd.GeoDataFrame) -> Any:
    """Return flat polygons as a table of multipolygons, or None where columns are neither numbers nor text.

    A multipolygon of one begins with nine bytes more; to build it as an object takes longer than all else.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    geometry = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(geometry)
    fields = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    plain = all(
        kind == "str" or (isinstance(kind, np.dtype) and kind.kind in "fiu") for kind in fields.dtypes
    )
    if not plain or not len(frame) or not np.isin(kinds, (3, 6)).all() or shapely.has_z(geometry).any():
        return None
    wkb = pa.array(shapely.to_wkb(geometry, byte_order=1), pa.binary())
    longer = pc.binary_join_element_wise(pa.scalar(_ONE_POLYGON), wkb, pa.scalar(b""))
    table = pa.Table.from_pandas(fields, preserve_index=False)
    return table.append_column(frame.geometry.name, pc.if_else(pa.array(kinds == 3), longer, wkb))


def describe_layers(path: Path, layers: list[Layer]) -> None:
    """Store each layer's style as its default, and the titles of its columns, in one transaction."""
    with closing(sqlite3.connect(path)) as database, database:
        for statement in (_STYLES, _COLUMNS, _CONSTRAINTS, _EXTENSIONS):
            database.execute(statement)
        _register(database)
        for layer in layers:
            _store_style(database, layer)
            _store_titles(database, layer)
        for layer in layers:
            _store_title(database, layer)


def _register(database: sqlite3.Connection) -> None:
    # GDAL and QGIS list only tables that are named here.
    database.execute(
        "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description) "
        "VALUES (?, ?, ?, ?)",
        ("layer_styles", "attributes", "layer_styles", "Styles of the layers, for QGIS"),
    )
    for table in ("gpkg_data_columns", "gpkg_data_column_constraints"):
        row = (table, "gpkg_schema", _DEFINITION, "read-write")
        known = database.execute(
            "SELECT 1 FROM gpkg_extensions WHERE table_name = ? AND extension_name = ?", row[:2]
        ).fetchone()
        if known is None:
            database.execute(
                "INSERT INTO gpkg_extensions (table_name, extension_name, definition, scope) "
                "VALUES (?, ?, ?, ?)",
                row,
            )


def _store_style(database: sqlite3.Connection, layer: Layer) -> None:
    database.execute("DELETE FROM layer_styles WHERE f_table_name = ?", (layer.name,))
    database.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
        "styleName, styleQML, styleSLD, useAsDefault, description, owner) "
        "VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '')",
        (layer.name, layer.name[:30], style_qml(layer.style), layer.style.field),
    )


def _store_title(database: sqlite3.Connection, layer: Layer) -> None:
    """Set what a layer is called; the file wants no two layers to be called the same."""
    others = {
        row[0]
        for row in database.execute(
            "SELECT identifier FROM gpkg_contents WHERE table_name != ?", (layer.name,)
        ).fetchall()
    }
    title = layer.title if layer.title and layer.title not in others else f"{layer.title} ({layer.name})"
    database.execute("UPDATE gpkg_contents SET identifier = ? WHERE table_name = ?", (title, layer.name))


def _store_titles(database: sqlite3.Connection, layer: Layer) -> None:
    database.execute("DELETE FROM gpkg_data_columns WHERE table_name = ?", (layer.name,))
    names = _unique_names(layer)
    database.executemany(
        "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description) "
        "VALUES (?, ?, ?, ?, ?)",
        [
            (layer.name, field, name, title.name(layer.lang), title.comment(layer.lang))
            for name, (field, title) in zip(names, layer.titles.items(), strict=True)
        ],
    )


def _unique_names(layer: Layer) -> list[str]:
    """Return a name for each column, which GDAL shows as alias and which must not repeat."""
    seen: set[str] = set()
    names = []
    for field, alias in layer.aliases.items():
        names.append(alias if alias not in seen else f"{alias} ({field})")
        seen.add(names[-1])
    return names
