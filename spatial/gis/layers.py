"""Results as layers for QGIS, ArcGIS and others: styled, with short field names and readable aliases."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.io.atomic import atomic_path, atomic_text, guarded_cell, locked
from spatial.io.sources import is_database, without_password
from spatial.languages.names import given_labels
from spatial.maps.shapes import check_cities
from spatial.panel import Panel
from spatial.places.points import CitiesLike
from spatial.words import check_language

from .features import Layer, LayerInfo, build_layer, name_columns
from .geopackage import copy_database, describe_layers, write_layer
from .project import write_project
from .qml import style_qml

__all__ = ["LayerInfo", "write_layers"]

_BAD_SIGNS = '/ \\ : * ? " < > |'
_LONGEST = 120
_BAD_CHARACTERS = (set(_BAD_SIGNS) | {chr(code) for code in range(32)} | {"\x7f"}) - {" "}


@hinted
def write_layers(
    path: str | Path,
    cities: CitiesLike,
    layers: Mapping[str, Any],
    *,
    attributes: Sequence[str] | Literal["names", "all"] = "names",
    labels: Mapping[str, str] | Panel | None = None,
    info: Mapping[str, LayerInfo] | None = None,
    lang: str | None = None,
) -> Path | str:
    """Write results as layers that open coloured in QGIS.

    Parameters
    ----------
    path : str or Path
        .gpkg: one file with all layers; layers already in it are kept, those of the same name replaced.
        Beside it goes a QGIS project of the same name (.qgz), its layers grouped by time.
        .shp, .geojson, .parquet: that file for one layer; for several, a folder of that name with a file for
        each.  Beside go QGIS styles (.qml), and for all but .gpkg the table of field names (.fields.csv).
        ``postgresql://user@host/db?schema=name``: a table for each layer in a PostGIS database (extra
        ``postgis``), its rows inserted or updated by id.
    cities : GeoDataFrame
        By id.  A column ``seat`` of points gives the ends of weights' lines, else a point inside each unit.
    layers : mapping
        Layer name to what it holds: a result with ``frame`` by id (`local_moran`), a Series or DataFrame by
        id, one by (unit, time), which gets a field for each time, Weights (lines with i, j, w), or None for
        the cities with their own columns.  Units that a result lacks have no data, and are hatched.
    attributes : sequence of str, "names" or "all"
        Columns of the cities that each layer of units carries; by default those with names of the units.
    labels : mapping or Panel, optional
        Column to its title in `lang`, beyond those known here.
    info : mapping, optional
        Layer name to its `LayerInfo`: title, the values themselves, their time, how they were made.
    lang : {"en", "zh"}
        Of titles, legends, aliases and comments.

    Returns
    -------
    Path or str
        The file or the folder; for a database its address without the password.

    Raises
    ------
    AlignmentError
        Where a result has ids that the cities lack.
    DataError
        For a name, result, suffix or value that cannot be written; nothing is changed then.

    Notes
    -----
    GeoPackage fields are ASCII; ``gpkg_data_columns`` keeps the title and a sentence on what each holds.
    Colours and classes are those of our maps; the project is in their area-true projection, and a run
    replaces it but for layers that only it has: save your own project under another name.
    GeoJSON is in WGS 84, as RFC 7946 has it.  Each file is written beside and moved into place.

    *Databases.*  All layers are written in one transaction, or none.  A table that exists must have the
    layer's columns and a primary key on the id; rows of other ids stay as they are.  Of weights, whose key is
    (i, j), all links from each of the cities are replaced, so that no link of an older W stays among them.
    Titles become comments on the columns, and styles go to ``public.layer_styles``, where QGIS looks for
    them; a style of your own that is a table's default stays it.  A CRS that the database does not know is
    added to its ``spatial_ref_sys``.

    Examples
    --------
    >>> import tempfile, geopandas as gpd, pandas as pd, pyogrio
    >>> cities = gpd.GeoDataFrame(geometry=gpd.points_from_xy([116, 117], [40, 39]).buffer(0.3),
    ...                           index=["110000", "120000"], crs=4326)
    >>> effect = pd.Series([0.2, 0.1], index=["120000", "110000"], name="direct")
    >>> path = write_layers(Path(tempfile.mkdtemp()) / "results.gpkg", cities, {"impacts": effect})
    >>> pyogrio.read_dataframe(path, layer="impacts")["direct"].tolist()
    [0.1, 0.2]
    """
    target = Path(path)
    writer = None if is_database(path) else _writer(path)
    drawn = check_cities(cities)
    lang = check_language(lang)
    _check_names(layers, is_file=writer is not None)
    carried, known, given = _attributes(attributes, drawn), _checked_info(info, layers), given_labels(labels)
    built = [
        build_layer(name, result, drawn, attributes=carried, labels=given, lang=lang, info=known.get(name))
        for name, result in layers.items()
    ]
    note = str(cities.attrs.get(f"note_{lang}") or cities.attrs.get("note") or "")
    if writer is None:
        from .postgis import write_database

        return write_database(str(path), built, drawn.index.tolist(), note)
    return writer(target, built, note)


# ---- checks
def _check_names(layers: Mapping[str, Any], *, is_file: bool) -> None:
    if not isinstance(layers, Mapping) or not layers:
        raise DataError(f"layers must map at least one name to a result; got {layers!r:.80}.")
    seen: dict[str, str] = {}
    for name in layers:
        if not isinstance(name, str) or not name.strip() or name != name.strip():
            raise DataError(f"A layer's name must be text without blanks round it; got {name!r}.")
        if name.lower() in seen:
            raise DataError(f"Layers {seen[name.lower()]!r} and {name!r} differ only in case: rename one.")
        seen[name.lower()] = name
        if is_file:
            _check_file_name(name)
    if not is_file:
        from .postgis import check_table_names

        check_table_names(layers)


def _check_file_name(name: str) -> None:
    if set(name) & _BAD_CHARACTERS or name.startswith("."):
        raise DataError(
            f"A layer's name is also a file's, so it has none of {_BAD_SIGNS} and no dot at its start; "
            f"got {name!r}."
        )
    if len(name.encode("utf-8", "replace")) > _LONGEST:
        raise DataError(f"A layer's name is also a file's, of at most {_LONGEST} bytes; got {name[:30]!r}...")
    if name.lower().startswith(("gpkg_", "sqlite_", "rtree_")) or name.lower() == "layer_styles":
        raise DataError(f"A GeoPackage keeps {name!r} for itself: choose another name for the layer.")


def _checked_info(info: Mapping[str, LayerInfo] | None, layers: Mapping[str, Any]) -> Mapping[str, LayerInfo]:
    for name, one in (info or {}).items():
        if name not in layers or not isinstance(one, LayerInfo):
            raise DataError(
                f"info maps names of layers to LayerInfo; got {name!r}: {type(one).__name__}."
                f"{did_you_mean(name, layers)}"
            )
    return info or {}


def _attributes(attributes: Sequence[str], cities: Any) -> list[str]:
    """Return the columns of the cities that layers carry."""
    if attributes == "names":
        return name_columns(cities)
    if attributes == "all":
        shapes = [c for c in cities.columns if str(cities[c].dtype) == "geometry"]
        return [str(column) for column in cities.columns if column not in shapes]
    if isinstance(attributes, str):
        raise DataError(
            f'attributes must be "names", "all" or a list of columns; got {attributes!r}: write '
            f"[{attributes!r}]."
        )
    for column in attributes:
        if column not in cities.columns or column == cities.geometry.name:
            raise DataError(
                f"The cities have no attribute {column!r}.{did_you_mean(column, cities.columns)} "
                f"They have: {name_ids(cities.columns, 20)}."
            )
    return list(attributes)


# ---- one writer for each format
_Writer = Callable[[Path, list[Layer], str], Path]


def _writer(path: str | Path) -> _Writer:
    target = Path(path)
    kinds: dict[str, _Writer] = {
        ".gpkg": _write_geopackage,
        ".geojson": lambda path, layers, _: _write_files(path, layers, _geojson),
        ".parquet": lambda path, layers, _: _write_files(path, layers, _parquet),
        ".shp": lambda path, layers, _: _write_files(path, layers, _shapefile),
    }
    if target.suffix.lower() not in kinds:
        raise DataError(
            f"Layers are written as {', '.join(kinds)}; got {without_password(path)!r}. "
            "A database is postgresql://user@host/name."
        )
    return kinds[target.suffix.lower()]


def _write_geopackage(target: Path, layers: list[Layer], note: str) -> Path:
    # Another run may be adding its layers: what is copied must still be there when it is replaced.
    with locked(target), atomic_path(target) as temporary:
        if target.exists():
            copy_database(target, temporary)
        for layer in layers:
            _guarded(lambda part, _layer=layer: write_layer(part, _layer, note), temporary, layer.name)  # type: ignore[misc]
        describe_layers(temporary, layers)
    write_project(target, layers, layers[0].lang)
    for layer in layers:
        atomic_text(target.with_name(f"{target.stem}.{layer.name}.qml"), style_qml(layer.style))
    return target


def _write_files(target: Path, layers: list[Layer], write: Callable[[Path, Layer], None]) -> Path:
    """Write one file, or a folder with one for each layer."""
    if len(layers) == 1:
        _write_one(target, layers[0], write)
        return target
    folder = target.with_suffix("")
    for layer in layers:
        _write_one(folder / f"{layer.name}{target.suffix.lower()}", layer, write)
    return folder


def _write_one(path: Path, layer: Layer, write: Callable[[Path, Layer], None]) -> None:
    _guarded(lambda part: write(part, layer), path, layer.name)
    atomic_text(path.with_suffix(".qml"), style_qml(layer.style))


def _guarded(write: Callable[[Path], None], path: Path, name: str) -> None:
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        with _quiet("pyogrio"):
            write(path)
    except (DataLayerError, DataSourceError) as error:
        raise DataError(f"Layer {name!r} could not be written: {error}") from None


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Keep counts of records off the screen, unless the user has set a level for them.

    pyogrio logs them at INFO; importing pyfixest shows that level of every library.
    """
    found = logging.getLogger(logger)
    inherits = found.level == logging.NOTSET
    if inherits:
        found.setLevel(logging.WARNING)
    try:
        yield
    finally:
        if inherits:
            found.setLevel(logging.NOTSET)


def _geojson(path: Path, layer: Layer) -> None:
    import pyogrio

    if layer.frame.crs is None:
        raise DataError("GeoJSON is in WGS 84, and the cities have no CRS: name theirs with set_crs first.")
    with atomic_path(path) as temporary:
        pyogrio.write_dataframe(
            layer.frame.to_crs(4326), temporary, driver="GeoJSON", layer_options={"RFC7946": "YES"}
        )
    _write_fields(path, layer)


def _parquet(path: Path, layer: Layer) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise DataError('GeoParquet needs pyarrow: pip install "spatial-cities[parquet]".') from None
    with atomic_path(path) as temporary:
        layer.frame.to_parquet(temporary, index=False)
    _write_fields(path, layer)


def _shapefile(path: Path, layer: Layer) -> None:
    from spatial.io.shapefile import write_shapefile

    write_shapefile(layer.frame, path, labels=layer.aliases)


def _write_fields(path: Path, layer: Layer) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["field", "alias", "comment"])
    rows = ((f, title.name(layer.lang), title.comment(layer.lang)) for f, title in layer.titles.items())
    writer.writerows(map(guarded_cell, row) for row in rows)
    # The mark tells Excel that it is UTF-8.
    atomic_text(path.with_suffix(".fields.csv"), "\ufeff" + text.getvalue())
