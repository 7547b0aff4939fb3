"""QGIS styles (QML) as text: categories for clusters, classes for numbers, lines for weights.

Everything goes through ElementTree, so markup in names and labels comes out as text.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from spatial.errors import DataError
from spatial.figures.palette import COLORS

__all__ = ["Class", "Style", "add_aliases", "add_renderer", "clean", "style_qml"]

# What XML 1.0 cannot hold at all, even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SYMBOLS = {
    "polygon": ("fill", "SimpleFill"),
    "line": ("line", "SimpleLine"),
    "point": ("marker", "SimpleMarker"),
}


@dataclass(frozen=True)
class Class:
    """One entry of a legend: a category by its `value`, or a range by its ends.

    Attributes
    ----------
    label : str
    color : str
        As ``#rrggbb``.
    value : str, optional
        Of a category.
    lower, upper : float, optional
        Of a range; QGIS takes the first range that holds a number, so ranges are (lower, upper].
    missing : bool
        Of units without a number, drawn hatched.  QGIS's graduated renderer leaves them out, so a style with
        such a class has rules instead.
    """

    label: str
    color: str
    value: str | None = None
    lower: float | None = None
    upper: float | None = None
    missing: bool = False


@dataclass(frozen=True)
class Style:
    """How a layer is drawn.

    Attributes
    ----------
    field : str
        The field that the classes read; "" for one symbol.
    classes : sequence of Class
        Categories or ranges; one class without either is a single symbol.
    geometry : {"polygon", "line", "point"}
    aliases : mapping
        Field to the name that QGIS shows.
    comments : mapping
        Field to a sentence about it.
    """

    field: str
    classes: Sequence[Class]
    geometry: str
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    comments: Mapping[str, str] = dataclasses.field(default_factory=dict)


def style_qml(style: Style) -> str:
    """Return the style as the text of a .qml file.

    Examples
    --------
    >>> qml = style_qml(Style("cluster", [Class("High <b>", "#ca0020", "HH")], "polygon", {"cluster": "类"}))
    >>> 'label="High &lt;b&gt;"' in qml, 'attr="cluster"' in qml
    (True, True)
    """
    root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology|Fields")
    add_renderer(root, style)
    add_aliases(root, style)
    ET.indent(root, " ")
    body = ET.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n"


def add_renderer(root: ET.Element, style: Style) -> None:
    """Add how features are drawn, as a style file and a project have it."""
    if style.geometry not in _SYMBOLS:
        raise DataError(f"A layer is drawn as {', '.join(_SYMBOLS)}; got {style.geometry!r}.")
    kinds = {_kind(entry) for entry in style.classes if not entry.missing}
    missing = any(entry.missing for entry in style.classes)
    if len(kinds) != 1 or (missing and kinds == {"singleSymbol"}):
        raise DataError(
            f"A style has categories or ranges or one symbol, not a mixture; got {sorted(kinds)}."
        )
    # Graduated renderers leave out units without a number.
    gaps = missing and kinds == {"graduatedSymbol"}
    kind = "RuleRenderer" if gaps else kinds.pop()
    renderer = ET.SubElement(
        root, "renderer-v2", type=kind, forceraster="0", symbollevels="0", enableorderby="0"
    )
    if gaps:
        _add_rules(renderer, style)
    else:
        _add_classes(renderer, style)
    symbols = ET.SubElement(renderer, "symbols")
    for number, entry in enumerate(style.classes):
        _add_symbol(symbols, number, entry, style.geometry)


def add_aliases(root: ET.Element, style: Style) -> None:
    """Add the names of the fields, and what each holds, which QGIS shows as its tip."""
    aliases = ET.SubElement(root, "aliases")
    for index, (name, alias) in enumerate(style.aliases.items()):
        ET.SubElement(aliases, "alias", field=clean(name), index=str(index), name=clean(alias))
    if style.comments:
        settings = ET.SubElement(root, "fieldConfiguration")
        for name, comment in style.comments.items():
            ET.SubElement(settings, "field", name=clean(name), comment=clean(comment))


def _kind(entry: Class) -> str:
    if entry.value is not None:
        return "categorizedSymbol"
    return "graduatedSymbol" if entry.upper is not None else "singleSymbol"


def _add_classes(renderer: ET.Element, style: Style) -> None:
    kind = renderer.get("type")
    if kind == "singleSymbol":
        return
    renderer.set("attr", clean(style.field))
    if kind == "graduatedSymbol":
        renderer.set("graduatedMethod", "GraduatedColor")
    group = ET.SubElement(renderer, "categories" if kind == "categorizedSymbol" else "ranges")
    for number, entry in enumerate(style.classes):
        shared = {"symbol": str(number), "label": clean(entry.label), "render": "true"}
        if kind == "categorizedSymbol":
            # The category of the empty text takes units without a value.
            value = "" if entry.missing else clean(entry.value)
            ET.SubElement(group, "category", {"value": value, "type": "string"} | shared)
        else:
            # repr keeps each digit: a rounded end would lose the unit that lies on it.
            ends = {"lower": repr(float(entry.lower or 0.0)), "upper": repr(float(entry.upper or 0.0))}
            ET.SubElement(group, "range", ends | shared)


def _add_rules(renderer: ET.Element, style: Style) -> None:
    field = '"' + clean(style.field).replace('"', '""') + '"'
    rules = ET.SubElement(renderer, "rules", key="rules")
    for number, entry in enumerate(style.classes):
        above = ">=" if number == 0 else ">"
        condition = f"{field} {above} {entry.lower!r} AND {field} <= {entry.upper!r}"
        ET.SubElement(
            rules,
            "rule",
            key=f"rule-{number}",
            symbol=str(number),
            label=clean(entry.label),
            filter=f"{field} IS NULL" if entry.missing else condition,
        )


def _add_symbol(symbols: ET.Element, number: int, entry: Class, geometry: str) -> None:
    kind, layer_class = _SYMBOLS[geometry]
    symbol = _symbol(symbols, str(number), kind)
    color = _rgba(entry.color)
    if not entry.missing or geometry == "line":
        _layer(symbol, layer_class, _properties(geometry, color))
    elif geometry == "point":
        hollow = {"color": "255,255,255,0", "outline_color": color}
        _layer(symbol, layer_class, _properties(geometry, color) | hollow)
    else:
        hatch = {"line_color": color, "line_width": "0.45", "line_width_unit": "Point", "line_style": "solid"}
        gaps = {"angle": "45", "distance": "3", "distance_unit": "Point", "color": color}
        lines = _layer(symbol, "LinePatternFill", gaps)
        _layer(_symbol(lines, f"@{number}@0", "line"), "SimpleLine", hatch)
        _layer(symbol, layer_class, _properties(geometry, color) | {"style": "no"})


def _symbol(parent: ET.Element, name: str, kind: str) -> ET.Element:
    return ET.SubElement(parent, "symbol", name=name, type=kind, alpha="1", clip_to_extent="1", force_rhr="0")


def _layer(symbol: ET.Element, kind: str, properties: Mapping[str, str]) -> ET.Element:
    layer = ET.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    options = ET.SubElement(layer, "Option", type="Map")
    for name, value in properties.items():
        ET.SubElement(options, "Option", name=name, type="QString", value=value)
    return layer


def _properties(geometry: str, color: str) -> dict[str, str]:
    if geometry == "line":
        return {"line_color": color, "line_style": "solid", "line_width": "0.2", "line_width_unit": "MM"}
    edge = {"outline_color": _rgba(COLORS["group"][0]), "outline_style": "solid", "outline_width_unit": "MM"}
    if geometry == "point":
        return {
            "name": "circle",
            "color": color,
            "size": "2.2",
            "size_unit": "MM",
            "outline_width": "0.1",
            **edge,
        }
    return {"style": "solid", "color": color, "outline_width": "0.1", "joinstyle": "round", **edge}


def _rgba(color: str) -> str:
    if not re.fullmatch("#[0-9a-fA-F]{6}", color):
        raise DataError(f"A colour is written #rrggbb; got {color!r}.")
    return ",".join(str(int(color[k : k + 2], 16)) for k in (1, 3, 5)) + ",255"


def clean(text: object) -> str:
    """Return text without what XML 1.0 cannot hold at all, even escaped."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))
