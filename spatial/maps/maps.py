"""Maps of cities: choropleths, clusters and their significance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted, name_ids
from spatial.figures.canvas import check_columns, on_map
from spatial.figures.classes import build_classes, class_colors
from spatial.figures.clusters import (
    check_levels,
    check_reached,
    cluster_codes,
    decide,
    decision_words,
    family,
    p_value_title,
    p_values,
    reached,
)
from spatial.figures.palette import (
    CATEGORIES,
    ISLAND,
    NOT_SIGNIFICANT,
    cluster_color,
    cluster_label,
    color,
    current_theme,
    significance_color,
)
from spatial.figures.words import word
from spatial.ids.numbers import Refused, Values, read_float
from spatial.places.points import CitiesLike

from .frame import Entry, Frame, MapOptions
from .shapes import DOTS
from .sheet import draw_map, missing_entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from spatial.autocorrelation.local_inference import LocalStatistic
    from spatial.autocorrelation.on_disk import OpenLocal

__all__ = ["as_numbers", "map_clusters", "map_significance", "map_values"]

Float = NDArray[np.float64]


@hinted
def map_clusters(
    local: LocalStatistic | OpenLocal,
    cities: CitiesLike,
    *,
    ax: Axes | None = None,
    significance: str | None = None,
    alpha: float | None = None,
    palette: Literal["screen", "print"] = "screen",
    **options: Unpack[MapOptions],
) -> Axes:
    """Map the clusters of a local statistic, with their counts in the legend.

    Of local Moran's I, High-High is dark red, Low-Low dark blue, and the outliers are paler.  Units of the
    map that the result lacks are hatched as "No data".

    Parameters
    ----------
    local : LocalMoran, GetisOrd or another local result
        Its ``frame`` has ``quadrant`` (what a unit is where significant), ``cluster`` and the p-values.
    cities : GeoDataFrame
        With the units of the result, and any others.
    ax : Axes, optional
    significance : {"p_sim", "p_fdr", "p_value"}, optional
        Which p-value decides: by permutation, adjusted by Benjamini and Hochberg, or analytic; default the
        one that the result's own clusters go by.
    alpha : float, optional
        Units with a p-value above it are pale grey; default the level of the result, or 0.05.
    palette : {"screen", "print"}
        "print" dots Low-Low, which is as dark as High-High on a grey printer.
    **options
        See `MapOptions`: crs, extent, inset, background, outline, group, scale_bar, north_arrow, labels,
        title, subtitle, note, titles, lang.

    Returns
    -------
    Axes

    Raises
    ------
    AlignmentError
        Where the result has ids that the cities lack.
    DataError
        For an unknown significance or option, or an alpha that is no probability.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from types import SimpleNamespace
    >>> shapes = gpd.points_from_xy([0, 1, 2], [0, 0, 0]).buffer(0.4)
    >>> cities = gpd.GeoDataFrame(geometry=shapes, index=["a", "b", "c"], crs=4326)
    >>> frame = pd.DataFrame({"quadrant": ["HH", "LL"], "p_sim": [0.01, 0.3]}, index=["b", "a"])
    >>> frame["cluster"] = ["HH", "not significant"]
    >>> axes = map_clusters(SimpleNamespace(frame=frame), cities)
    >>> [text.get_text() for text in axes.get_legend().get_texts()][-2:]
    ['Not significant (1)', 'No data (1)']
    """
    if palette not in ("screen", "print"):
        raise DataError(f"palette must be 'screen' or 'print'; got {palette!r}.")
    frame = Frame.from_options(cities, options)
    decision = decide(local, significance, alpha)
    codes = cluster_codes(local, frame.cities.index, decision)
    missing = codes.isna().to_numpy()
    counts = codes.value_counts()
    shown = [*family(local), NOT_SIGNIFICANT, *([ISLAND] if counts.get(ISLAND, 0) else [])]
    low = {"LL", "cold spot"} if palette == "print" else set()
    entries = [
        Entry(
            f"{cluster_label(code, frame.lang)} ({counts.get(code, 0):,})",
            cluster_color(code),
            DOTS if code in low else None,
            color("paper") if code in low else None,
        )
        for code in shown
    ]
    return draw_map(
        ax,
        frame,
        [
            color("paper") if gap else cluster_color(str(code))
            for code, gap in zip(codes, missing, strict=True)
        ],
        missing,
        [*entries, *missing_entry(int(missing.sum()), frame.lang)],
        "",
        frame.words(
            title=_of(local, "clusters", frame.lang),
            subtitle=_statistic(local, frame.lang) + decision_words(local, decision, frame.lang),
            notes=_hatched(missing, frame.lang),
        ),
        codes.isin(low).to_numpy() if low else None,
    )


def _of(local: Any, key: str, lang: str) -> str:
    name = str(getattr(local, "name", "") or "")
    return word(key, lang, name=name) if name else word("clusters_plain", lang)


def _statistic(local: Any, lang: str) -> str:
    kind = type(local).__name__
    key = f"statistic_{kind if kind in ('LocalMoran', 'GetisOrd') else 'other'}"
    return word(key, lang) + ("，" if lang == "zh" else ", ")


def _hatched(missing: NDArray[np.bool_], lang: str) -> list[str]:
    count = int(missing.sum())
    return [word("hatched", lang, count=f"{count:,}")] if count else []


@hinted
def map_significance(
    local: LocalStatistic | OpenLocal,
    cities: CitiesLike,
    *,
    ax: Axes | None = None,
    significance: str | None = None,
    levels: Sequence[float] | None = None,
    **options: Unpack[MapOptions],
) -> Axes:
    """Map how significant the local statistic is, the darker the smaller the p-value.

    Parameters
    ----------
    local : LocalMoran or another local result
    cities : GeoDataFrame
    ax : Axes, optional
    significance : {"p_sim", "p_fdr", "p_value"}, optional
        As in `map_clusters`.
    levels : sequence of float, optional
        At most four; default those of 0.05, 0.01 and 0.001 that the permutations can reach (999 two-sided
        ones give no p-value below 0.002).
    **options
        See `MapOptions`.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        If `local` is no local statistic, or a level is below what its permutations can reach.
    AlignmentError
        If the ids are not those of the cities.

    Examples
    --------
    >>> from spatial.autocorrelation.lisa import local_moran
    >>> from spatial.shapefiles import load
    >>> from spatial.weights import contiguity
    >>> counties = load("nc")
    >>> axes = map_significance(local_moran(counties["bir74"], contiguity(counties)), counties)
    >>> axes.figure.alt.split(". ")[-1]
    'p ≤ 0.01 (3); p ≤ 0.05 (9); Not significant (p > 0.05) (88)'
    """
    frame = Frame.from_options(cities, options)
    column, _ = decide(local, significance, None)
    if levels is None:
        usual = (0.05, 0.01, 0.001)
        levels = [level for level in usual if reached(local, column, level)] or [local.smallest_p]
    steps = sorted({float(level) for level in levels}, reverse=True)
    check_levels(*steps)
    for step in steps:
        check_reached(local, column, step)
    p, island, missing = p_values(local, frame.cities.index, column)
    rank = np.sum([p <= step for step in steps], axis=0) - 1
    rank[island] = -2
    rank[missing] = -3
    colors = {-1: cluster_color(NOT_SIGNIFICANT), -2: cluster_color(ISLAND), -3: color("paper")}
    colors |= {k: significance_color(k, len(steps)) for k in range(len(steps))}
    words = {
        -1: word("not_significant", frame.lang, alpha=f"{steps[0]:g}"),
        -2: cluster_label(ISLAND, frame.lang),
    }
    words |= {k: word("significant", frame.lang, alpha=f"{step:g}") for k, step in enumerate(steps)}
    # Each level counts what is not counted at a smaller one.
    order = [*reversed(range(len(steps))), -1, *([-2] if island.any() else [])]
    entries = [Entry(f"{words[k]} ({int((rank == k).sum()):,})", colors[k]) for k in order]
    return draw_map(
        ax,
        frame,
        [colors[k] for k in rank],
        missing,
        [*entries, *missing_entry(int(missing.sum()), frame.lang)],
        "",
        frame.words(
            title=_of(local, "significance_of", frame.lang),
            subtitle=_statistic(local, frame.lang)
            + _side(local, frame.lang)
            + p_value_title(column, frame.lang),
            notes=_hatched(missing, frame.lang),
        ),
    )


def _side(local: Any, lang: str) -> str:
    side = str(getattr(local, "alternative", "two-sided")).replace("-", "_")
    return word(f"side_{side}", lang) + ("" if lang == "zh" else " ")


@hinted
def map_values(
    cities: CitiesLike,
    values: Values | str,
    *,
    ax: Axes | None = None,
    scheme: str | Sequence[float] | None = None,
    k: int = 5,
    cmap: str | Colormap | Sequence[str] | None = None,
    hinge: float = 1.5,
    center: float | None = None,
    legend_title: str | None = None,
    **options: Unpack[MapOptions],
) -> Axes:
    """Map numbers in classes, with intervals and counts in the legend; units without a number are hatched.

    Parameters
    ----------
    cities : GeoDataFrame
    values : str or Series
        A column of `cities`, or numbers by id (or anything, with ``scheme="unique"``).
    ax : Axes, optional
    scheme : str or sequence of float, optional
        "quantiles", "natural_breaks" (Fisher-Jenks), "equal_interval", "box", "percentile",
        "standard_deviation", "unique" or any classifier of mapclassify; or the upper bounds themselves.
        Default fifths, zero apart where more than a fifth are zero, and classes symmetric round zero where
        both signs occur.
    k : int
        Number of classes.
    cmap : str, Colormap or list of colours, optional
        Default: pale to dark by magnitude; brown to teal from the centre outwards.
    hinge : float
        Of box maps, 1.5 or 3: outliers lie beyond so many interquartile ranges from the quartiles.
    center : float, optional
        Where colours change sides; default zero, if at least a twentieth of the values are on either side.
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
        Where the values have ids that the cities lack; units of the map without a value are hatched.
    DataError
        For a column that is not there or holds no numbers, infinity, or an unknown scheme.

    Examples
    --------
    >>> import geopandas as gpd
    >>> shapes = gpd.points_from_xy([0, 1, 2], [0, 0, 0]).buffer(0.4)
    >>> cities = gpd.GeoDataFrame({"gdp": [1.0, 2.0, None]}, geometry=shapes, crs=4326)
    >>> axes = map_values(cities, "gdp", k=2)
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['1 (1)', '> 1–2 (1)', 'No data (1)']
    """
    frame = Frame.from_options(cities, options)
    name, given = _by_id(cities, values, frame.cities.index)
    if isinstance(scheme, str) and scheme.lower() in ("unique", "unique_values"):
        labels, codes, shades = _categories(given, name, cmap)
    else:
        numbers = as_numbers(given, repr(name) if name else "the values")
        classes = build_classes(numbers, scheme, k, hinge=hinge, center=center)
        codes = classes.codes(numbers)
        labels = classes.legend(codes, frame.lang)
        shades = classes.colors() if cmap is None else class_colors(cmap, len(classes.bounds))
    missing = codes < 0
    entries = [Entry(label, shade) for label, shade in zip(labels, shades, strict=True)]
    return draw_map(
        ax,
        frame,
        [color("paper") if code < 0 else shades[code] for code in codes],
        missing,
        [*entries, *missing_entry(int(missing.sum()), frame.lang)],
        name if legend_title is None else legend_title,
        frame.words(notes=_hatched(missing, frame.lang)),
    )


def _by_id(cities: Any, values: Any, ids: pd.Index[Any]) -> tuple[str, pd.Series[Any]]:
    if isinstance(values, str):
        values = check_columns(cities, [values], "cities")[values]
    if not isinstance(values, pd.Series):
        raise DataError(
            f"values must be a column of the cities or a Series by id; got {type(values).__name__}. "
            "A bare array has no ids: use pd.Series(values, index=ids)."
        )
    name = "" if values.name is None else str(values.name)
    return name, on_map(values, ids, repr(name) if name else "the values")


def as_numbers(values: pd.Series[Any], what: str) -> Float:
    """Return `values` as floats, or refuse what cannot be classified."""
    numbers = read_float(values)
    if isinstance(numbers, Refused):
        raise DataError(f"{what} must be numbers to be classified; they are {values.dtype}.")
    if np.isinf(numbers).any():
        raise DataError(f"{what} must be finite; infinity at {name_ids(values.index[np.isinf(numbers)])}.")
    if np.isnan(numbers).all():
        raise DataError(f"{what} hold no number at all: there is nothing to map.")
    return numbers


def _categories(
    values: pd.Series[Any], name: str, cmap: Any
) -> tuple[list[str], NDArray[np.intp], list[str]]:
    """Return one class for each value, in the order of values, in colours without an order."""
    kinds = values.dropna().unique()
    if len(kinds) == 0:
        raise DataError(f"{name or 'The values'} hold nothing at all: there is nothing to map.")
    ordered = sorted(kinds, key=lambda kind: (isinstance(kind, str), kind))
    own = CATEGORIES[current_theme() == "dark"]
    if cmap is None and len(ordered) > len(own):
        raise DataError(
            f"{name or 'The values'} have {len(ordered)} different values ({name_ids(ordered, 4)}), and at "
            f"most {len(own)} colours without an order can be told apart: group them, choose another scheme, "
            "or give cmap= a list of colours."
        )
    shades = list(own[: len(ordered)]) if cmap is None else class_colors(cmap, len(ordered))
    codes = pd.Categorical(values, categories=ordered).codes.astype(np.intp)
    counts = np.bincount(codes[codes >= 0], minlength=len(ordered))
    words = [f"{kind} ({count:,})" for kind, count in zip(ordered, counts, strict=True)]
    return words, codes, shades
