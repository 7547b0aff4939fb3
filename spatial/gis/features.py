"""From results to layers: one table by id each, with the names of the units, short fields and a style."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import DataError, name_ids
from spatial.figures.canvas import on_map
from spatial.figures.palette import theme
from spatial.ids.times import time_text

from .fields import Title, field_slugs, storable, title_of
from .qml import Style
from .styles import build_style, time_styles
from .words import word

__all__ = ["Layer", "LayerInfo", "build_layer", "name_columns"]

# What a column with the names of units is called, small letters, in the order that layers carry them.
_NAMES = (
    "name", "names", "city", "cityname", "county", "nam", "名称", "名字", "城市", "城市名", "市", "县",
    "地区", "地级市", "name_zh", "name_cn", "name_en", "省", "省份", "province", "prov", "state",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayerInfo:
    """What is known of a layer beside its result.

    Parameters
    ----------
    title : str
        What it shows, in the language of the layers; by default made of the statistic and its variable.
    values : Series by id, optional
        The variable itself, which becomes the field ``value``.
    time : int, float, str or Timestamp, optional
        Of the values: the field ``year``, and the group of the layer in the QGIS project.
    note : str
        How it was made; goes into the metadata.
    """

    title: str = ""
    values: pd.Series[Any] | None = None
    time: Hashable | None = None
    note: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer to be written.

    Attributes
    ----------
    name : str
    frame : GeoDataFrame
        A row a unit, or a link; fields ready to be written, no index.
    titles : mapping
        Field to its title.
    style : Style
    title : str
        What the layer is called where people see it.
    note : str
        How it was made.
    time : str
        Group of the layer in a project; empty for none.
    by_time : mapping
        Time to its own style, of a layer with a field for each time.
    lang : {"en", "zh"}
    """

    name: str
    frame: gpd.GeoDataFrame
    titles: Mapping[str, Title]
    style: Style
    title: str = ""
    note: str = ""
    time: str = ""
    by_time: Mapping[str, Style] | None = None
    lang: str = "en"

    @property
    def aliases(self) -> dict[str, str]:
        """Field to its title in the language of the layer."""
        return {field: title.name(self.lang) for field, title in self.titles.items()}


def name_columns(cities: gpd.GeoDataFrame) -> list[str]:
    """Return the columns that hold the names of the units, so that a layer can be read.

    Examples
    --------
    >>> name_columns(gpd.GeoDataFrame({"gdp": [1.0], "名称": ["甲"]}, geometry=[shapely.Point(0, 0)]))
    ['名称']
    """
    if not hasattr(cities, "columns"):
        raise DataError(f"cities must be a GeoDataFrame indexed by id; got {type(cities).__name__}.")
    known = {str(column).lower(): column for column in cities.columns}
    found = [known[name] for name in _NAMES if name in known]
    return [str(c) for c in found if not pd.api.types.is_numeric_dtype(cities[c].dtype)]


def build_layer(
    name: str,
    result: Any,
    cities: gpd.GeoDataFrame,
    *,
    attributes: Sequence[str],
    labels: Mapping[str, str],
    lang: str,
    info: LayerInfo | None = None,
) -> Layer:
    """Match `result` to the cities by id and make its layer; units that it lacks have no data."""
    known = info or LayerInfo()
    with theme("light"):
        if _is_weights(result):
            made = _weights_layer(name, result, cities, lang)
        else:
            table, times = _table(name, result, cities)
            shown = [] if result is None else list(attributes)
            made = _units_layer(name, table, times, cities, shown, labels, lang, known)
    comments = {field: title.comment(lang) for field, title in made.titles.items()}
    comments = {field: text for field, text in comments.items() if text}

    def worded(style: Style) -> Style:
        return replace(style, aliases=made.aliases, comments=comments)

    title = known.title or _title(name, result, labels, lang)
    field = made.style.field
    if (
        isinstance(result, pd.DataFrame)
        and result.shape[1] > 1
        and not made.by_time
        and field in made.aliases
    ):
        title += ("：" if lang == "zh" else ": ") + made.aliases[field]  # which of its columns is drawn
    return replace(
        made,
        style=worded(made.style),
        by_time=made.by_time and {time: worded(style) for time, style in made.by_time.items()},
        title=f"{title}, {time_text(known.time)}" if known.time is not None and not known.title else title,
        note=known.note or _how(result),
        time="" if known.time is None else time_text(known.time),
    )


def _units_layer(
    name: str,
    table: pd.DataFrame,
    times: Mapping[Any, str],
    cities: gpd.GeoDataFrame,
    attributes: Sequence[str],
    labels: Mapping[str, str],
    lang: str,
    known: LayerInfo,
) -> Layer:
    """Return the layer of a table by id: ids, names, the value, its year, then the columns of the result."""
    parts: list[tuple[str, Any, Title]] = [
        (
            str(cities.index.name or "id"),
            cities.index.to_numpy(),
            title_of(str(cities.index.name or "id"), labels, lang),
        )
    ]
    parts += [(c, storable(cities[c], c), title_of(c, labels, lang)) for c in attributes]
    parts += _given(known, cities, labels, lang)
    fixed = len(parts)
    parts += [(str(c), storable(table[c], str(c)), title_of(str(c), labels, lang)) for c in table.columns]
    slugs = field_slugs([column for column, _, _ in parts])
    columns = {slug: values for slug, (_, values, _) in zip(slugs, parts, strict=True)}
    titles = {slug: title for slug, (_, _, title) in zip(slugs, parts, strict=True)}
    frame = gpd.GeoDataFrame(columns, geometry=cities.geometry.to_numpy(), crs=cities.crs)
    points = shapely.get_type_id(cities.geometry.to_numpy()) == shapely.GeometryType.POINT
    kind = "point" if points.all() else "polygon"
    own = dict(zip(map(str, table.columns), slugs[fixed:], strict=True))
    style = build_style(frame, list(own.values()), kind, lang)
    by_time = _by_time(frame, {time: own[column] for time, column in times.items()}, kind, lang)
    if by_time:
        style = list(by_time.values())[-1]
    return Layer(name, frame, titles, style, by_time=by_time, lang=lang)


def _given(
    known: LayerInfo, cities: gpd.GeoDataFrame, labels: Mapping[str, str], lang: str
) -> list[tuple[str, Any, Title]]:
    """Return the fields of the value and of its year."""
    parts: list[tuple[str, Any, Title]] = []
    if known.values is not None:
        values, column = known.values, str(known.values.name or "value")
        found = on_map(values, cities.index, f"the values of {column}")
        shown = title_of(column, labels, lang) if column != "value" else title_of("value", {})
        parts.append(("value", storable(found, column), shown))
    if known.time is not None:
        time = known.time if isinstance(known.time, int | np.integer) else time_text(known.time)
        parts.append(("year", np.full(len(cities), time), title_of("year", labels, lang)))
    return parts


def _by_time(
    frame: gpd.GeoDataFrame, fields: Mapping[Any, str], kind: str, lang: str
) -> dict[str, Style] | None:
    numeric = {t: f for t, f in fields.items() if pd.api.types.is_numeric_dtype(frame[f].dtype)}
    if len(numeric) < 2 or not np.isfinite(frame[list(numeric.values())].to_numpy(dtype=np.float64)).any():
        return None
    return {time_text(time): style for time, style in time_styles(frame, numeric, kind, lang).items()}


def _title(name: str, result: Any, labels: Mapping[str, str], lang: str) -> str:
    """Return what a layer shows: the statistic and its variable, the label of a series, the weights."""
    if _is_weights(result):
        return word("links", lang, name=name)
    variable = getattr(result, "name", None)
    if variable is None or not str(variable):
        return name
    shown = title_of(str(variable), labels, lang).name(lang)
    statistic = getattr(type(result), "title", None)
    return (
        shown
        if not isinstance(statistic, str)
        else word("statistic", lang, statistic=_statistic(statistic, lang), name=shown)
    )


def _statistic(title: str, lang: str) -> str:
    return word("local_moran", lang) if title == "Local Moran's I" else title


def _how(result: Any) -> str:
    """Return how a local statistic was computed: its weights, level and permutations."""
    facts = [
        getattr(result, key, None) for key in ("weights", "permutations", "seed", "alternative", "alpha")
    ]
    if not isinstance(facts[0], str) or facts[1] is None:
        return ""
    weights, permutations, seed, side, alpha = facts
    return f"Weights: {weights}; {permutations} permutations, seed {seed}; {side}, alpha {alpha:g}."


# ---- what the result is
def _is_weights(result: Any) -> bool:
    kinds = {f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(result).__mro__}
    return bool(kinds & {"spatial.Weights", "libpysal.Graph", "libpysal.W"})


def _table(name: str, result: Any, cities: gpd.GeoDataFrame) -> tuple[pd.DataFrame, dict[Any, str]]:
    """Return the columns of a result by id; of a panel with one column also which is of which time."""
    if result is None:
        plain = cities.drop(
            columns=[c for c in cities if isinstance(cities[c].dtype, gpd.array.GeometryDtype)]
        )
        return pd.DataFrame(plain), {}
    found = getattr(result, "frame", result)
    if isinstance(found, pd.Series):
        found = found.to_frame(found.name if found.name is not None else name)
    if not isinstance(found, pd.DataFrame):
        raise DataError(
            f"Layer {name!r} needs a result with a frame by id (such as local_moran()), a Series or "
            f"DataFrame by id, Weights, or None for the cities alone; got {type(result).__name__}."
        )
    shapes = [c for c in found.columns if isinstance(found[c].dtype, gpd.array.GeometryDtype)]
    found = pd.DataFrame(found.drop(columns=shapes) if shapes else found)
    if found.columns.empty:
        raise DataError(f"Layer {name!r} has no column to write.")
    times: dict[Any, str] = {}
    if found.index.nlevels == 2:
        found, times = _wide(found, name)
    return pd.DataFrame(on_map(found, cities.index, f"layer {name!r}")), times


def _wide(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, dict[Any, str]]:
    """Spread (unit, time) rows into a column for each time."""
    if not frame.index.is_unique:
        raise DataError(
            f"Layer {name!r} has rows that repeat: {name_ids(frame.index[frame.index.duplicated()])}."
        )
    wide = frame.unstack(level=1)
    first = wide.columns[0][0]
    times = {time: f"{column}_{time}" for column, time in wide.columns if column == first}
    wide.columns = [f"{column}_{time}" for column, time in wide.columns]
    return wide, times


# ---- weights as lines
def _weights_layer(name: str, result: Any, cities: gpd.GeoDataFrame, lang: str) -> Layer:
    from spatial.weights.value import as_weights

    weights = as_weights(result)
    linked = on_map(pd.Series(1.0, index=weights.ids), cities.index, f"the weights of layer {name!r}")
    cities = cities.loc[linked.notna().to_numpy()]  # units beyond them have no links
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
    titles = {field: title_of(field, {}) for field in ("i", "j", "w")}
    if len(frame) == 0:
        raise DataError(f"The weights of layer {name!r} have no links: there are no lines to write.")
    return Layer(name, frame, titles, build_style(frame, ["w"], "line", lang), lang=lang)


def _centres(cities: gpd.GeoDataFrame) -> Any:
    """Return the seats where the cities have them, else a point inside each unit."""
    if "seat" in cities.columns and isinstance(cities["seat"].dtype, gpd.array.GeometryDtype):
        return (
            gpd.GeoSeries(cities["seat"]).to_crs(cities.crs).array
            if cities.crs is not None
            else cities["seat"].array
        )
    return cities.geometry.representative_point().array
