"""Names of fields and styles, as functions of text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import DataError
from spatial.figures.palette import CATEGORIES
from spatial.gis.features import field_slugs
from spatial.gis.qml import Class, Style, style_qml
from spatial.gis.styles import build_style


# ---- names and styles alone
@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=70), unique=True, max_size=8))
def test_field_names_are_ascii_and_unique(names: list[str]) -> None:
    slugs = field_slugs(names)
    assert len({slug.lower() for slug in slugs}) == len(names)
    assert all(
        slug.isascii() and slug.replace("_", "a").isalnum() and not slug[0].isdigit() for slug in slugs
    )
    assert not {"fid", "geom"} & {slug.lower() for slug in slugs}


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text())
def test_any_text_makes_a_well_formed_style(label: str, alias: str) -> None:
    root = ET.fromstring(style_qml(Style("x", [Class(label, "#ca0020", "HH")], "polygon", {"x": alias})))
    assert len(root.findall(".//category")) == 1


def test_style_refusals() -> None:
    with pytest.raises(DataError, match="A layer is drawn as polygon, line, point; got 'mesh'"):
        style_qml(Style("x", [Class("a", "#000000")], "mesh", {}))
    with pytest.raises(DataError, match="not a mixture"):
        style_qml(Style("x", [Class("a", "#000000", "HH"), Class("b", "#000000", upper=1.0)], "line", {}))
    with pytest.raises(DataError, match="A colour is written #rrggbb; got 'red'"):
        style_qml(Style("x", [Class("a", "red")], "line", {}))


def test_a_layer_of_groups_is_drawn_by_its_words() -> None:
    squares = gpd.GeoSeries([shapely.box(k, 0, k + 1, 1) for k in range(6)], crs=3857)
    frame = gpd.GeoDataFrame({"part": ["east", "west", "east", None, "west", "east"]}, geometry=squares)
    style = build_style(frame, ["part"], "polygon", "en")
    found = [(one.value, one.label, one.color) for one in style.classes]
    assert style.field == "part"
    assert found[:2] == [("east", "east (3)", CATEGORIES[0][0]), ("west", "west (2)", CATEGORIES[0][1])]
    assert found[2][1] == "No data (1)"
    # Names are no groups, and a number is drawn before a word.
    named = frame.assign(part=list("abcdef"))
    assert build_style(named, ["part"], "polygon", "en").field == ""
    assert build_style(frame.assign(x=range(6)), ["part", "x"], "polygon", "en").field == "x"
