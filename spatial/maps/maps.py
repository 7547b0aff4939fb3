"""Maps of cities: choropleths, Moran clusters and their significance, small multiples through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.figures.canvas import check_columns, drawing, matched
from spatial.figures.classes import Classes, build_classes, class_colors
from spatial.figures.clusters import check_levels, cluster_codes, decide, p_value_title, p_values
from spatial.figures.palette import (
    CLUSTER_COLORS,
    CLUSTERS,
    MISSING_COLOR,
    NOT_SIGNIFICANT,
    cluster_label,
    significance_color,
)
from spatial.figures.words import word

from .frame import Entry, Frame, MapOptions, add_legend, draw_map
from .furniture import add_note
from .shapes import figure_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["map_clusters", "map_significance", "map_values", "small_multiples"]

Float = NDArray[np.float64]

_ISLAND_HATCH = "////"
_MISSING_HATCH = "/////"


def map_clusters(
    local: Any,
    cities: Any,
    *,
    ax: Axes | None = None,
    significance: str | None = None,
    alpha: float | None = None,
    **options: Unpack[MapOptions],
) -> Axes:
    """Map the local Moran clusters, with their counts in the legend.

    High-High is red, Low-Low blue, Low-High pale blue, High-Low pale red, units without neighbours hatched.

    Parameters
    ----------
    local : LocalMoran
        Its ``frame`` has ``quadrant``, ``cluster`` and the p-values, by id.
    cities : GeoDataFrame
        By the same ids.
    ax : Axes, optional
    significance : {"p_sim", "p_fdr", "p_value"}, optional
        Which p-value decides: by permutation, adjusted by Benjamini and Hochberg, or analytic; default the
        one that the result's own clusters go by.
    alpha : float, optional
        Units with a p-value above it are pale grey; default the level of the result, or 0.05.
    **options
        See `MapOptions`: crs, extent, inset, background, outline, scale_bar, north_arrow, labels, title,
        note, lang.

    Returns
    -------
    Axes

    Raises
    ------
    AlignmentError
        Where the ids of result and cities differ.
    DataError
        For an unknown significance or option, or an alpha that is no probability.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from types import SimpleNamespace
    >>> shapes = gpd.points_from_xy([0, 1], [0, 0]).buffer(0.4)
    >>> cities = gpd.GeoDataFrame(geometry=shapes, index=["a", "b"], crs=4326)
    >>> frame = pd.DataFrame({"quadrant": ["HH", "LL"], "p_sim": [0.01, 0.3]}, index=["b", "a"])
    >>> frame["cluster"] = ["HH", "not significant"]
    >>> axes = map_clusters(SimpleNamespace(frame=frame), cities)
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['High-High (1)', 'Not significant (1)']
    """
    frame = Frame.from_options(cities, options)
    decision = decide(local, significance, alpha)
    codes = cluster_codes(local, frame.cities.index, decision)
    counts = codes.value_counts()
    shown = [code for code in CLUSTERS if counts.get(code, 0)]
    hatch = {"island": _ISLAND_HATCH}
    entries = [
        Entry(f"{cluster_label(code, frame.lang)} ({counts[code]})", CLUSTER_COLORS[code], hatch.get(code))
        for code in shown
    ]
    title = f"{p_value_title(decision[0], frame.lang)} ≤ {decision[1]:g}"
    return draw_map(
        ax,
        frame,
        [CLUSTER_COLORS[code] for code in codes],
        [hatch.get(code) for code in codes],
        entries,
        f"{word('clusters', frame.lang)}\n{title}",
    )


def map_significance(
    local: Any,
    cities: Any,
    *,
    ax: Axes | None = None,
    significance: str | None = None,
    levels: Sequence[float] = (0.05, 0.01, 0.001),
    **options: Unpack[MapOptions],
) -> Axes:
    """Map how significant the local statistic is, the darker the smaller the p-value.

    Parameters
    ----------
    local : LocalMoran
    cities : GeoDataFrame
    ax : Axes, optional
    significance : {"p_sim", "p_fdr", "p_value"}, optional
        As in `map_clusters`.
    levels : sequence of float
        At most four.  With 999 permutations no p-value is below 0.001.
    **options
        See `MapOptions`.

    Returns
    -------
    Axes
    """
    steps = sorted({float(level) for level in levels}, reverse=True)
    check_levels(*steps)
    frame = Frame.from_options(cities, options)
    column, _ = decide(local, significance, None)
    p, island = p_values(local, frame.cities.index, column)
    rank = np.sum([p <= step for step in steps], axis=0) - 1
    rank[island] = -2
    colors = {-1: CLUSTER_COLORS[NOT_SIGNIFICANT], -2: CLUSTER_COLORS["island"]}
    colors |= {k: significance_color(k, len(steps)) for k in range(len(steps))}
    words = {
        -1: word("not_significant", frame.lang, alpha=f"{steps[0]:g}"),
        -2: cluster_label("island", frame.lang),
    }
    words |= {k: word("significant", frame.lang, alpha=f"{step:g}") for k, step in enumerate(steps)}
    order = [k for k in (*range(len(steps)), -1, -2) if (rank == k).any()]
    hatch = {-2: _ISLAND_HATCH}
    entries = [Entry(f"{words[k]} ({int((rank == k).sum())})", colors[k], hatch.get(k)) for k in order]
    title = p_value_title(column, frame.lang)
    return draw_map(ax, frame, [colors[k] for k in rank], [hatch.get(k) for k in rank], entries, title)


def map_values(
    cities: Any,
    values: Any,
    *,
    ax: Axes | None = None,
    scheme: str | Sequence[float] = "quantiles",
    k: int = 5,
    cmap: Any = "YlGnBu",
    legend_title: str | None = None,
    **options: Unpack[MapOptions],
) -> Axes:
    """Map numbers in classes, with intervals and counts in the legend; units without a number are hatched.

    Parameters
    ----------
    cities : GeoDataFrame
    values : str or Series
        A column of `cities`, or numbers by id.
    ax : Axes, optional
    scheme : str or sequence of float
        "quantiles", "natural_breaks" (Fisher-Jenks), "equal_interval" or any classifier of mapclassify; or
        the upper bounds themselves.
    k : int
        Number of classes.
    cmap : str, Colormap or list of colours
    legend_title : str, optional
        Default the name of the values.
    **options
        See `MapOptions`.

    Returns
    -------
    Axes

    Raises
    ------
    AlignmentError
        Where the ids of values and cities differ; NaN is allowed, an absent id is not.
    DataError
        For a column that is not there or holds no numbers, infinity, or an unknown scheme.

    Examples
    --------
    >>> import geopandas as gpd
    >>> shapes = gpd.points_from_xy([0, 1, 2], [0, 0, 0]).buffer(0.4)
    >>> cities = gpd.GeoDataFrame({"gdp": [1.0, 2.0, None]}, geometry=shapes, crs=4326)
    >>> axes = map_values(cities, "gdp", k=2)
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['[1, 1] (1)', '(1, 2] (1)', 'No data (1)']
    """
    frame = Frame.from_options(cities, options)
    name, numbers = _numbers_by_id(cities, values, frame.cities.index)
    classes, codes = _classified(numbers, scheme, k)
    shades = class_colors(cmap, len(classes.bounds))
    entries = [
        Entry(f"{label} ({int((codes == number).sum())})", shades[number])
        for number, label in enumerate(classes.labels)
    ]
    entries += _missing_entry(int((codes < 0).sum()), frame.lang)
    return draw_map(
        ax,
        frame,
        [shades[code] if code >= 0 else MISSING_COLOR for code in codes],
        [None if code >= 0 else _MISSING_HATCH for code in codes],
        entries,
        name if legend_title is None else legend_title,
    )


def _missing_entry(count: int, lang: str) -> list[Entry]:
    return [Entry(f"{word('missing', lang)} ({count})", MISSING_COLOR, _MISSING_HATCH)] if count else []


def _numbers_by_id(cities: Any, values: Any, ids: pd.Index[Any]) -> tuple[str, Float]:
    if isinstance(values, str):
        values = check_columns(cities, [values], "cities")[values]
    if not isinstance(values, pd.Series):
        raise DataError(
            f"values must be a column of the cities or a Series by id; got {type(values).__name__}. "
            "A bare array has no ids: use pd.Series(values, index=ids)."
        )
    name = "" if values.name is None else str(values.name)
    what = repr(name) if name else "the values"
    aligned = matched(values, ids, what)
    return name, _floats(aligned, what)


def _floats(values: pd.Series[Any], what: str) -> Float:
    try:
        numbers: Float = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(f"{what} must be numbers to be classified; they are {values.dtype}.") from None
    if np.isinf(numbers).any():
        raise DataError(f"{what} must be finite; infinity at {name_ids(values.index[np.isinf(numbers)])}.")
    if np.isnan(numbers).all():
        raise DataError(f"{what} hold no number at all: there is nothing to map.")
    return numbers


def _classified(numbers: Float, scheme: str | Sequence[float], k: int) -> tuple[Classes, NDArray[np.intp]]:
    classes = build_classes(numbers, scheme, k)
    return classes, classes.codes(numbers)


def small_multiples(
    cities: Any,
    panel: Any,
    column: str,
    times: Sequence[Any] | None = None,
    *,
    ax: Axes | None = None,
    scheme: str | Sequence[float] = "quantiles",
    k: int = 5,
    cmap: Any = "YlGnBu",
    n_columns: int | None = None,
    **options: Unpack[MapOptions],
) -> Axes:
    """Map one variable at several times, with classes that stay the same, so that colours can be compared.

    Parameters
    ----------
    cities : GeoDataFrame
    panel : Panel
        With the same units as `cities`.
    column : str
    times : sequence, optional
        Default: up to six, evenly through the panel.
    ax : Axes, optional
        Its place is divided among the maps.
    scheme, k, cmap
        As in `map_values`; the classes are those of all `times` together.
    n_columns : int, optional
        Maps in a row.
    **options
        See `MapOptions`; crs, extent, background, outline, title, note and lang are used.

    Returns
    -------
    Axes
        The whole; the maps are its ``child_axes``, in the order of `times`, each titled with its time.
    """
    frame = Frame.from_options(cities, options)
    chosen = _times(panel, times)
    label = panel.label(panel.require(column)[0])
    cube = _panel_numbers(panel, column, chosen, frame.cities.index)
    classes, codes = _classified(cube, scheme, k)
    shades = class_colors(cmap, len(classes.bounds))
    entries = [Entry(text, shades[number]) for number, text in enumerate(classes.labels)]
    if (codes < 0).any():
        entries.append(Entry(word("missing", frame.lang), MISSING_COLOR, _MISSING_HATCH))
    across = n_columns or min(len(chosen), 3 if len(chosen) != 4 else 2)
    down = -(-len(chosen) // across)
    width, height = figure_size(frame.extent, frame.cities.crs, width=7.4 / across, extra=0.25)
    with drawing(
        ax,
        [*frame.words, label, *(e.label for e in entries), *map(str, chosen)],
        size=(width * across + 1.5, height * down + 0.5),
    ) as axes:
        axes.set_axis_off()
        for number, time in enumerate(chosen):
            place = (number % across / across, 1 - (number // across + 1) / down, 0.97 / across, 0.90 / down)
            small = axes.inset_axes(place)
            colors = [shades[code] if code >= 0 else MISSING_COLOR for code in codes[number]]
            hatches = [None if code >= 0 else _MISSING_HATCH for code in codes[number]]
            frame.paint(small, colors, hatches, frame.extent, scale=1.2 / across)
            small.set_title(str(time), loc="center", fontsize=9)
        add_legend(axes, entries, label, loc="center left", bbox_to_anchor=(1.0, 0.5), borderaxespad=0.0)
        if frame.title:
            axes.set_title(frame.title)
        if frame.note:
            add_note(axes, frame.note, width * across * 72)
    return axes


def _times(panel: Any, times: Sequence[Any] | None) -> list[Any]:
    if not hasattr(panel, "cube") or not hasattr(panel, "times"):
        raise DataError(f"A Panel is needed (see read_panel); got {type(panel).__name__}.")
    have = list(panel.times)
    if times is None:
        places = np.unique(np.linspace(0, len(have) - 1, min(6, len(have))).round().astype(int))
        return [have[place] for place in places]
    chosen = list(times)
    unknown = [time for time in chosen if time not in have]
    if unknown or not chosen:
        raise DataError(f"The panel has no time {name_ids(unknown)}; it has {name_ids(have, 30)}.")
    return chosen


def _panel_numbers(panel: Any, column: str, times: Sequence[Any], ids: pd.Index[Any]) -> Float:
    matched(pd.Series(0.0, index=panel.units), ids, "the panel")
    cube: Float = panel.cube([column], units=ids)[:, :, 0]
    rows = pd.Index(panel.times).get_indexer(pd.Index(times))
    flat = pd.Series(cube[rows].ravel(), index=np.tile(np.asarray(ids, dtype=object), len(rows)))
    return _floats(flat, repr(column)).reshape(len(rows), len(ids))
