"""QGIS styles (QML) as text: categories for clusters, classes for numbers, lines for weights.

Everything goes through ElementTree, so markup in names and labels comes out as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from spatial.errors import DataError

__all__ = ["Class", "Style", "style_qml"]

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
    """

    field: str
    classes: Sequence[Class]
    geometry: str
    aliases: Mapping[str, str]


def style_qml(style: Style) -> str:
    """Return the style as the text of a .qml file.

    Examples
    --------
    >>> qml = style_qml(Style("cluster", [Class("High <b>", "#ca0020", "HH")], "polygon", {"cluster": "类"}))
    >>> 'label="High &lt;b&gt;"' in qml, 'attr="cluster"' in qml
    (True, True)
    """
    if style.geometry not in _SYMBOLS:
        raise DataError(f"A layer is drawn as {', '.join(_SYMBOLS)}; got {style.geometry!r}.")
    root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology|Fields")
    kinds = {_kind(entry) for entry in style.classes if not entry.missing}
    gaps = len(kinds) == 1 and any(entry.missing for entry in style.classes)
    if len(kinds) != 1 or (gaps and kinds != {"graduatedSymbol"}):
        raise DataError(
            f"A style has categories or ranges or one symbol, not a mixture; got {sorted(kinds)}."
        )
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
    aliases = ET.SubElement(root, "aliases")
    for index, (field, alias) in enumerate(style.aliases.items()):
        ET.SubElement(aliases, "alias", field=_clean(field), index=str(index), name=_clean(alias))
    ET.indent(root, " ")
    body = ET.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n"


def _kind(entry: Class) -> str:
    if entry.value is not None:
        return "categorizedSymbol"
    return "graduatedSymbol" if entry.upper is not None else "singleSymbol"


def _add_classes(renderer: ET.Element, style: Style) -> None:
    kind = renderer.get("type")
    if kind == "singleSymbol":
        return
    renderer.set("attr", _clean(style.field))
    if kind == "graduatedSymbol":
        renderer.set("graduatedMethod", "GraduatedColor")
    group = ET.SubElement(renderer, "categories" if kind == "categorizedSymbol" else "ranges")
    for number, entry in enumerate(style.classes):
        shared = {"symbol": str(number), "label": _clean(entry.label), "render": "true"}
        if kind == "categorizedSymbol":
            ET.SubElement(group, "category", {"value": _clean(entry.value), "type": "string"} | shared)
        else:
            # repr keeps each digit: a rounded end would lose the unit that lies on it.
            ends = {"lower": repr(float(entry.lower or 0.0)), "upper": repr(float(entry.upper or 0.0))}
            ET.SubElement(group, "range", ends | shared)


def _add_rules(renderer: ET.Element, style: Style) -> None:
    field = '"' + _clean(style.field).replace('"', '""') + '"'
    rules = ET.SubElement(renderer, "rules", key="rules")
    for number, entry in enumerate(style.classes):
        above = ">=" if number == 0 else ">"
        condition = f"{field} {above} {entry.lower!r} AND {field} <= {entry.upper!r}"
        ET.SubElement(
            rules,
            "rule",
            key=f"rule-{number}",
            symbol=str(number),
            label=_clean(entry.label),
            filter=f"{field} IS NULL" if entry.missing else condition,
        )


def _add_symbol(symbols: ET.Element, number: int, entry: Class, geometry: str) -> None:
    kind, layer_class = _SYMBOLS[geometry]
    symbol = ET.SubElement(
        symbols, "symbol", name=str(number), type=kind, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    layer = ET.SubElement(symbol, "layer", {"class": layer_class, "enabled": "1", "locked": "0", "pass": "0"})
    options = ET.SubElement(layer, "Option", type="Map")
    properties = _properties(geometry, _rgba(entry.color))
    if entry.missing and geometry == "polygon":
        properties |= {"style": "b_diagonal"}
    for name, value in properties.items():
        ET.SubElement(options, "Option", name=name, type="QString", value=value)


def _properties(geometry: str, color: str) -> dict[str, str]:
    if geometry == "line":
        return {"line_color": color, "line_style": "solid", "line_width": "0.2", "line_width_unit": "MM"}
    edge = {"outline_color": "190,190,190,255", "outline_style": "solid", "outline_width_unit": "MM"}
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


def _clean(text: object) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))
