"""From results to layers: one table by id each, with short ASCII fields, their aliases and a style."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import DataError, name_ids
from spatial.figures.canvas import matched
from spatial.figures.classes import Classes, build_classes, class_colors
from spatial.figures.palette import CLUSTER_COLORS, CLUSTERS, cluster_label
from spatial.figures.words import word

from .qml import Class, Style

__all__ = ["Layer", "build_layer", "field_slugs"]

# Field: English and Chinese alias.  All fit into the ten bytes of a Shapefile.
_KNOWN: Mapping[str, tuple[str, str, str]] = {
    "Ii": ("local_i", "Local Moran's I", "局部莫兰指数"),
    "z": ("z", "Standardised value", "标准化值"),
    "lag": ("lag", "Spatial lag of the standardised value", "标准化值的空间滞后"),
    "quadrant": ("quadrant", "Quadrant of the Moran scatter plot", "莫兰散点图象限"),
    "expected": ("expected", "Expected value", "期望值"),
    "variance": ("variance", "Variance", "方差"),
    "z_value": ("z_value", "z-value", "z值"),
    "p_value": ("p_value", "p-value", "p值"),
    "p_sim": ("p_sim", "Permutation p-value", "置换检验p值"),
    "p_fdr": ("p_fdr", "p-value after FDR", "FDR校正p值"),
    "cluster": ("cluster", "Cluster", "聚类类型"),
    "direct": ("direct", "Direct effect", "直接效应"),
    "indirect": ("indirect", "Indirect effect", "间接效应"),
    "total": ("total", "Total effect", "总效应"),
    "residual": ("residual", "Residual", "残差"),
    "fitted": ("fitted", "Fitted value", "拟合值"),
    "i": ("i", "From", "起点"),
    "j": ("j", "To", "终点"),
    "w": ("w", "Weight", "权重"),
    "km": ("km", "Distance in km", "距离（千米）"),
}
_RESERVED = {"fid", "geom", "geometry", "ogc_fid", "rowid"}
_DIVERGING = "RdBu_r"


@dataclass(frozen=True)
class Layer:
    """One layer to be written.

    Attributes
    ----------
    name : str
    frame : GeoDataFrame
        A row a unit, or a link; fields ready to be written, no index.
    titles : mapping
        Field to its (English, Chinese) title.
    style : Style
    """

    name: str
    frame: gpd.GeoDataFrame
    titles: Mapping[str, tuple[str, str]]
    style: Style


def build_layer(
    name: str,
    result: Any,
    cities: gpd.GeoDataFrame,
    *,
    attributes: Sequence[str],
    labels: Mapping[str, str],
    lang: str,
) -> Layer:
    """Match `result` to the cities by id and make its layer."""
    if _is_weights(result):
        return _weights_layer(name, result, cities, lang)
    table = _table(name, result, cities)
    order = [cities.index.name or "id", *attributes, *map(str, table.columns)]
    slugs = field_slugs(order)
    titles = {slug: _title(column, labels) for slug, column in zip(slugs, order, strict=True)}
    columns: dict[str, Any] = {slugs[0]: cities.index.to_numpy()}
    for slug, column in zip(slugs[1:], attributes, strict=False):
        columns[slug] = _storable(cities[column], column)
    for slug, column in zip(slugs[1 + len(attributes) :], table.columns, strict=True):
        columns[slug] = _storable(table[column], str(column))
    frame = gpd.GeoDataFrame(columns, geometry=cities.geometry.to_numpy(), crs=cities.crs)
    own = slugs[1 + len(attributes) :]
    kind = "point" if (cities.geom_type == "Point").all() else "polygon"
    return Layer(name, frame, titles, _style(frame, own, titles, kind, lang))


# ---- what the result is
def _is_weights(result: Any) -> bool:
    kinds = {f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(result).__mro__}
    return bool(kinds & {"spatial.Weights", "libpysal.Graph", "libpysal.W"})


def _table(name: str, result: Any, cities: gpd.GeoDataFrame) -> pd.DataFrame:
    if result is None:
        plain = cities.drop(
            columns=[c for c in cities if isinstance(cities[c].dtype, gpd.array.GeometryDtype)]
        )
        return pd.DataFrame(plain)
    found = getattr(result, "frame", result)
    if isinstance(found, pd.Series):
        found = found.to_frame(found.name if found.name is not None else name)
    if not isinstance(found, pd.DataFrame):
        raise DataError(
            f"Layer {name!r} needs a result with a frame by id (such as local_moran()), a Series or "
            f"DataFrame by id, Weights, or None for the cities alone; got {type(result).__name__}."
        )
    shapes = [c for c in found.columns if isinstance(found[c].dtype, gpd.array.GeometryDtype)]
    found = pd.DataFrame(found.drop(columns=shapes))
    if found.columns.empty:
        raise DataError(f"Layer {name!r} has no column to write.")
    if found.index.nlevels == 2:
        found = _wide(found, name)
    return pd.DataFrame(matched(found, cities.index, f"layer {name!r}"))


def _wide(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Spread (unit, time) rows into a column for each time."""
    if not frame.index.is_unique:
        raise DataError(
            f"Layer {name!r} has rows that repeat: {name_ids(frame.index[frame.index.duplicated()])}."
        )
    wide = frame.unstack(level=1)
    wide.columns = [f"{column}_{time}" for column, time in wide.columns]
    return wide


def _storable(values: pd.Series[Any], column: str) -> Any:
    """Return values of a type that each format keeps: int, float, bool, text or date."""
    kind = values.dtype
    if pd.api.types.is_bool_dtype(kind) and not values.isna().any():
        return values.to_numpy(dtype=bool)
    if pd.api.types.is_unsigned_integer_dtype(kind) and values.max() > np.iinfo(np.int64).max:
        return values.astype(str).to_numpy(dtype=object)
    if pd.api.types.is_integer_dtype(kind) and not values.isna().any():
        return values.to_numpy(dtype=np.int64)
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_datetime64_any_dtype(kind):
        return values.to_numpy()
    plain = values.astype(object).where(values.notna(), None)
    if pd.api.types.is_complex_dtype(kind) or any(isinstance(v, (list, dict, set, tuple)) for v in plain):
        raise DataError(
            f"Column {column!r} holds {kind} values that no layer keeps; turn them into numbers or text."
        )
    return plain.map(lambda v: None if v is None else str(v)).to_numpy()


def _title(column: str, labels: Mapping[str, str]) -> tuple[str, str]:
    known = _KNOWN.get(column)
    if column in labels:
        return (known[1] if known else column), labels[column]
    return (known[1], known[2]) if known else (column, column)


def field_slugs(names: Iterable[str]) -> list[str]:
    """Give each name a readable ASCII field name, unique without regard to case.

    Examples
    --------
    >>> field_slugs(["Ii", "W(crmrte)", "人均GDP", "产值", "fid", "w_crmrte"])
    ['local_i', 'W_crmrte', 'GDP', 'field', 'fid_1', 'w_crmrte_1']
    """
    taken = set(_RESERVED)
    out = []
    for name in names:
        known = _KNOWN.get(name)
        stem = known[0] if known else re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:50]
        if not stem or stem[0].isdigit():
            stem = f"field_{stem}".strip("_")
        slug = stem
        number = 0
        while slug.lower() in taken:
            number += 1
            slug = f"{stem}_{number}"
        taken.add(slug.lower())
        out.append(slug)
    return out


# ---- weights as lines
def _weights_layer(name: str, result: Any, cities: gpd.GeoDataFrame, lang: str) -> Layer:
    from spatial.weights.value import as_weights

    weights = as_weights(result)
    matched(pd.Series(0, index=weights.ids), cities.index, f"the weights of layer {name!r}")
    weights = weights.reordered(cities.index)
    rows = np.repeat(np.arange(weights.n), np.diff(weights.sparse.indptr))
    columns, values = weights.sparse.indices, weights.sparse.data
    off = rows != columns  # a unit's own weight has no length
    xy = shapely.get_coordinates(_centres(cities))
    lines = shapely.linestrings(np.stack([xy[rows[off]], xy[columns[off]]], axis=1))
    ids = cities.index.to_numpy()
    frame = gpd.GeoDataFrame(
        {"i": ids[rows[off]], "j": ids[columns[off]], "w": values[off]}, geometry=lines, crs=cities.crs
    )
    titles = {field: (_KNOWN[field][1], _KNOWN[field][2]) for field in ("i", "j", "w")}
    if len(frame) == 0:
        raise DataError(f"The weights of layer {name!r} have no links: there are no lines to write.")
    return Layer(name, frame, titles, _style(frame, ["w"], titles, "line", lang))


def _centres(cities: gpd.GeoDataFrame) -> Any:
    """Return the seats where the cities have them, else a point inside each unit."""
    if "seat" in cities.columns and isinstance(cities["seat"].dtype, gpd.array.GeometryDtype):
        return (
            gpd.GeoSeries(cities["seat"]).to_crs(cities.crs).array
            if cities.crs is not None
            else cities["seat"].array
        )
    return cities.geometry.representative_point().array


# ---- styles
def _style(
    frame: gpd.GeoDataFrame,
    fields: Sequence[str],
    titles: Mapping[str, tuple[str, str]],
    geometry: str,
    lang: str,
) -> Style:
    aliases = {field: pair[lang == "zh"] for field, pair in titles.items()}
    if "cluster" in fields and set(frame["cluster"].dropna()) <= set(CLUSTERS):
        return Style("cluster", _cluster_classes(frame["cluster"], lang), geometry, aliases)
    field = _first_number(frame, fields)
    if field is None:
        return Style("", [Class("", "#a6bddb")], geometry, aliases)
    numbers = frame[field].to_numpy(dtype=np.float64)
    classes = _number_classes(numbers)
    gaps = int((~np.isfinite(numbers)).sum())
    if gaps:
        classes.append(Class(f"{word('missing', lang)} ({gaps})", "#8c8c8c", missing=True))
    return Style(field, classes, geometry, aliases)


def _cluster_classes(clusters: pd.Series[Any], lang: str) -> list[Class]:
    counts = clusters.value_counts()
    return [
        Class(f"{cluster_label(code, lang)} ({counts.get(code, 0)})", CLUSTER_COLORS[code], code)
        for code in CLUSTERS
    ]


def _first_number(frame: gpd.GeoDataFrame, fields: Sequence[str]) -> str | None:
    """Return the field to colour by: the first that holds a number."""
    numbers = [
        field
        for field in fields
        if pd.api.types.is_float_dtype(frame[field].dtype)
        or pd.api.types.is_integer_dtype(frame[field].dtype)
    ]
    usable = [field for field in numbers if np.isfinite(frame[field].to_numpy(dtype=np.float64)).any()]
    return usable[0] if usable else None


def _number_classes(values: Any) -> list[Class]:
    finite = values[np.isfinite(values)]
    if finite.min() < 0 < finite.max():
        classes = _symmetric(finite)
        colors = class_colors(_DIVERGING, len(classes.bounds), (0.05, 0.95))
    else:
        classes = build_classes(finite, "quantiles", 5)
        colors = class_colors("YlGnBu", len(classes.bounds))
    ends = [classes.lowest, *classes.bounds.tolist()]
    return [
        Class(label, color, lower=ends[k], upper=ends[k + 1])
        for k, (label, color) in enumerate(zip(classes.labels, colors, strict=True))
    ]


def _symmetric(values: Any) -> Classes:
    """Return five classes round zero, for numbers of both signs: the middle one is pale."""
    size = np.quantile(np.abs(values), [1 / 3, 2 / 3])
    inner = np.unique([-size[1], -size[0], size[0], size[1]])
    low, high = float(values.min()), float(values.max())
    ends = np.unique([*inner, max(high, inner[-1])])
    return Classes(min(low, float(inner[0])), ends, "symmetric")
