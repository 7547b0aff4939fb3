"""Styles of layers: the classes, colours and words of our maps, and no data hatched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.figures.classes import Classes, build_classes
from spatial.figures.palette import (
    CATEGORIES,
    COLORS,
    FAMILIES,
    ISLAND,
    NOT_SIGNIFICANT,
    cluster_color,
    cluster_label,
    ramp,
)
from spatial.figures.words import word

from .qml import Class, Style

__all__ = ["build_style", "first_number", "time_styles"]

_PLAIN = ramp("sequential", 5, "light")[1]


def build_style(frame: gpd.GeoDataFrame, fields: Sequence[str], geometry: str, lang: str) -> Style:
    """Return how a layer is drawn: by its clusters, else by the first of its `fields` that holds a number."""
    if "cluster" in fields and (codes := _family(frame["cluster"])):
        return Style("cluster", _clusters(frame["cluster"], codes, lang), geometry)
    if geometry == "line":
        # Pale classes of thin lines would not be seen.
        return Style("", [Class("", COLORS["links"][0])], geometry)
    field = first_number(frame, fields)
    if field is None:
        named = next((f for f in fields if _kinds(frame[f])), None)
        if named is not None:
            return Style(named, _categories(frame[named], lang), geometry)
        return Style("", [Class("", _PLAIN)], geometry)
    numbers = frame[field].to_numpy(dtype=np.float64)
    return _graduated(field, numbers, build_classes(numbers), geometry, lang)


def time_styles(
    frame: gpd.GeoDataFrame, fields: Mapping[Any, str], geometry: str, lang: str
) -> dict[Any, Style]:
    """Return a style for the field of each time, with one set of classes, so that times compare."""
    values = {time: frame[field].to_numpy(dtype=np.float64) for time, field in fields.items()}
    classes = build_classes(np.concatenate(list(values.values())))
    return {time: _graduated(fields[time], values[time], classes, geometry, lang) for time in fields}


def _graduated(field: str, numbers: Any, classes: Classes, geometry: str, lang: str) -> Style:
    codes = classes.codes(numbers)
    ends = [classes.lowest, *classes.bounds.tolist()]
    entries = [
        Class(label, color, lower=ends[k], upper=ends[k + 1])
        for k, (label, color) in enumerate(zip(classes.legend(codes, lang), classes.colors(), strict=True))
    ]
    gaps = int((~np.isfinite(numbers)).sum())
    return Style(field, [*entries, *_no_data(gaps, lang)], geometry)


def _no_data(count: int, lang: str) -> list[Class]:
    label = f"{word('missing', lang)} ({count:,})"
    return [Class(label, COLORS["hatch"][0], missing=True)] if count else []


# ---- clusters
def _family(clusters: pd.Series[Any]) -> tuple[str, ...]:
    """Return the clusters of the statistic in the order of legends; none where the values are others."""
    found = set(clusters.dropna().unique()) - {NOT_SIGNIFICANT, ISLAND}
    return next((codes for codes in FAMILIES if found <= set(codes)), ())


def _clusters(clusters: pd.Series[Any], codes: Sequence[str], lang: str) -> list[Class]:
    counts = clusters.value_counts()
    shown = [*codes, NOT_SIGNIFICANT, *([ISLAND] if counts.get(ISLAND, 0) else [])]
    entries = [
        Class(f"{cluster_label(code, lang)} ({counts.get(code, 0):,})", cluster_color(code), code)
        for code in shown
    ]
    return [*entries, *_no_data(int(clusters.isna().sum()), lang)]


def _kinds(values: pd.Series[Any]) -> list[str]:
    """Return the different texts of a field, if they are few enough to be told apart by colour."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return []
    found = values.dropna().unique().tolist()
    few = 0 < len(found) <= min(len(CATEGORIES[0]), len(values) // 2)
    return sorted(found) if few and all(isinstance(one, str) for one in found) else []


def _categories(values: pd.Series[Any], lang: str) -> list[Class]:
    """Return one class for each text, as our maps of groups have them."""
    counts, kinds = values.value_counts(), _kinds(values)
    entries = [
        Class(f"{kind} ({counts[kind]:,})", shade, kind)
        for kind, shade in zip(kinds, CATEGORIES[0], strict=False)
    ]
    return [*entries, *_no_data(int(values.isna().sum()), lang)]


def first_number(frame: gpd.GeoDataFrame, fields: Sequence[str]) -> str | None:
    """Return the first field that holds a number."""
    kinds = (pd.api.types.is_float_dtype, pd.api.types.is_integer_dtype)
    numbers = [field for field in fields if any(is_kind(frame[field].dtype) for is_kind in kinds)]
    usable = [field for field in numbers if np.isfinite(frame[field].to_numpy(dtype=np.float64)).any()]
    return usable[0] if usable else None
