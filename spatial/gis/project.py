"""A QGIS project beside a GeoPackage: its layers in their styles, by time, in the projection of our maps."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from spatial.io.atomic import atomic_path
from spatial.maps.projection import projection_of
from spatial.maps.scene import parts_apart

from .features import Layer
from .qml import Style, add_aliases, add_renderer, clean
from .words import word

__all__ = ["write_project"]

_VERSION = "3.22.0"  # what is written is read by this release and by all later ones
_GEOMETRY = {"polygon": "Polygon", "line": "Line", "point": "Point"}
_WKB = {"polygon": "MultiPolygon", "line": "LineString", "point": "Point"}
_ID = "spatial_layer_"  # QGIS gives a layer another id where its own has ten characters or fewer
_ROOM = 0.03  # of the width, round what is shown


@dataclass(frozen=True, eq=False)
class _Shown:
    """A layer as the project lists it: one for each time of a table with several."""

    id: str
    table: str
    title: str
    group: str
    layer: Layer
    style: Style


def write_project(path: Path, layers: Sequence[Layer], lang: str) -> Path:
    """Write ``NAME.qgz`` beside ``NAME.gpkg``; layers of an older one that are still in the file stay.

    The projection is the area-true one of our maps; only the first layer of the last time is switched on.
    """
    target = path.with_suffix(".qgz")
    shown = [entry for layer in layers for entry in _entries(layer)]
    root = ET.Element("qgis", projectname=clean(path.stem), version=_VERSION)
    ET.SubElement(root, "homePath", path="")
    ET.SubElement(root, "title").text = clean(f"{word('project', lang)}: {path.stem}")
    crs, bounds, named = _view(layers, lang)
    _add_crs(ET.SubElement(root, "projectCrs"), crs, named)
    kept = _kept(target, path, {entry.table for entry in shown})
    _add_tree(root, path.name, shown, kept)
    _add_canvas(root, bounds, crs, named)
    found = ET.SubElement(root, "projectlayers")
    for entry in shown:
        _add_layer(found, path.name, entry)
    found.extend(node for _, _, node in kept)
    settings = ET.SubElement(root, "properties")
    ET.SubElement(ET.SubElement(settings, "Paths"), "Absolute", type="bool").text = "false"
    # Without it QGIS leaves the projection of the project unread.
    ET.SubElement(ET.SubElement(settings, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    _zip(root, target)
    return target


def _entries(layer: Layer) -> list[_Shown]:
    if not layer.by_time:
        return [_Shown(f"{_ID}{layer.name}", layer.name, layer.title, layer.time, layer, layer.style)]
    return [
        _Shown(f"{_ID}{layer.name}_{time}", layer.name, f"{layer.title}, {time}", time, layer, style)
        for time, style in layer.by_time.items()
    ]


def _view(layers: Sequence[Layer], lang: str) -> tuple[Any, tuple[float, float, float, float], str]:
    """Return the projection of our maps for these layers, what it shows of them, and its name."""
    frame = layers[0].frame
    if frame.crs is None:
        west, south, east, north = (float(side) for side in frame.total_bounds)
        return None, (west, south, east, north), ""
    shapes = frame.geometry.to_numpy()
    parts = parts_apart(shapes, frame.crs)
    main = shapes[~np.any([part.units for part in parts], axis=0)] if parts else shapes
    found = projection_of(main, frame.crs, None)
    # What is of one country is seen whole; Alaska and Hawaii would leave the rest no room.
    seen = shapes if any(part.window is not None for part in parts) else main
    west, south, east, north = found.bounds(seen, frame.crs)
    room = _ROOM * max(east - west, north - south)
    return found.crs, (west - room, south - room, east + room, north + room), found.name(lang)


# ---- an older project
def _kept(target: Path, data: Path, replaced: set[str]) -> list[tuple[str, str, ET.Element]]:
    """Return (group, title, layer) of an older project whose tables are still in the file."""
    import pyogrio

    if not target.exists():
        return []
    try:
        with zipfile.ZipFile(target) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".qgs"))
            root = ET.fromstring(archive.read(name))
    except (zipfile.BadZipFile, StopIteration, ET.ParseError):
        return []
    tables = {str(table) for table, _ in pyogrio.list_layers(data)} - replaced
    groups = {
        str(layer.get("id")): str(group.get("name") or "")
        for group in root.iter("layer-tree-group")
        for layer in group.findall("layer-tree-layer")
    }
    return [
        (groups.get(node.findtext("id", ""), ""), node.findtext("layername", ""), node)
        for node in root.findall("projectlayers/maplayer")
        if node.findtext("datasource", "").partition("layername=")[2] in tables
    ]


# ---- parts of the file
def _add_tree(
    root: ET.Element, file: str, shown: Sequence[_Shown], kept: Iterable[tuple[str, str, ET.Element]]
) -> None:
    tree = ET.SubElement(root, "layer-tree-group")
    ET.SubElement(tree, "customproperties")
    rows = [(entry.group, entry.title, entry.id, entry.table) for entry in shown]
    rows += [
        (group, title, node.findtext("id", ""), node.findtext("datasource", "").partition("=")[2])
        for group, title, node in kept
    ]
    groups = sorted(dict.fromkeys(row[0] for row in rows), key=lambda time: (time != "", time), reverse=True)
    lines = {entry.id for entry in shown if entry.style.geometry == "line"}
    first = next((row[2] for time in groups for row in rows if row[0] == time and row[2] not in lines), "")
    for time in groups:
        mine = [row for row in rows if row[0] == time]
        on = any(row[2] == first for row in mine)
        parent = tree
        if time:
            state = {"expanded": str(int(on)), "checked": "Qt::Checked" if on else "Qt::Unchecked"}
            parent = ET.SubElement(tree, "layer-tree-group", {"name": clean(time), **state})
            ET.SubElement(parent, "customproperties")
        # What lies above hides what lies below: lines first.
        for _, title, key, table in sorted(mine, key=lambda row: row[2] not in lines):
            ET.SubElement(
                parent,
                "layer-tree-layer",
                {
                    "id": clean(key),
                    "name": clean(title),
                    "source": clean(f"./{file}|layername={table}"),
                    "providerKey": "ogr",
                    "expanded": str(int(key == first)),
                    "checked": "Qt::Checked" if key == first else "Qt::Unchecked",
                },
            )


def _add_canvas(root: ET.Element, bounds: Sequence[float], crs: Any, named: str) -> None:
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas")
    _add_extent(canvas, bounds)
    _add_crs(ET.SubElement(canvas, "destinationsrs"), crs, named)


def _add_extent(parent: ET.Element, bounds: Sequence[float]) -> None:
    extent = ET.SubElement(parent, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), bounds, strict=True):
        ET.SubElement(extent, name).text = repr(float(value))


def _add_crs(parent: ET.Element, crs: Any, named: str = "") -> None:
    system = ET.SubElement(parent, "spatialrefsys")
    if crs is None:
        return
    authority = crs.to_authority(min_confidence=100)
    ET.SubElement(system, "wkt").text = crs.to_wkt("WKT2_2019").replace('["unknown"', f'["{named}"', 1)
    ET.SubElement(system, "authid").text = ":".join(authority) if authority else ""
    ET.SubElement(system, "description").text = clean(named or crs.name)
    ET.SubElement(system, "geographicflag").text = str(crs.is_geographic).lower()


def _add_layer(parent: ET.Element, file: str, entry: _Shown) -> None:
    layer, style = entry.layer, entry.style
    node = ET.SubElement(
        parent, "maplayer", type="vector", geometry=_GEOMETRY[style.geometry], wkbType=_WKB[style.geometry]
    )
    _add_extent(node, layer.frame.total_bounds)
    ET.SubElement(node, "id").text = clean(entry.id)
    ET.SubElement(node, "datasource").text = clean(f"./{file}|layername={entry.table}")
    ET.SubElement(node, "layername").text = clean(entry.title)
    _add_crs(ET.SubElement(node, "srs"), layer.frame.crs)
    about = ET.SubElement(node, "resourceMetadata")
    for name, text in (("type", "dataset"), ("title", entry.title), ("abstract", layer.note)):
        ET.SubElement(about, name).text = clean(text)
    ET.SubElement(node, "provider", encoding="UTF-8").text = "ogr"
    add_renderer(node, style)
    add_aliases(node, replace(style, aliases=layer.aliases))
    names = [field for field, title in layer.titles.items() if title.en.lower() in ("name", "names")]
    if names:
        ET.SubElement(node, "previewExpression").text = f'"{names[0]}"'


def _zip(root: ET.Element, target: Path) -> None:
    """Write the project, the same bytes each time."""
    ET.indent(root, " ")
    text = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(
        root, encoding="unicode"
    )
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        info = zipfile.ZipInfo(f"{target.stem}.qgs", (1980, 1, 1, 0, 0, 0))
        archive.writestr(info, text.encode("utf-8"), zipfile.ZIP_DEFLATED)
    with atomic_path(target) as temporary:
        temporary.write_bytes(memory.getvalue())
