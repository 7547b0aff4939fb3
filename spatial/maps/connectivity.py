"""The connectivity map: who neighbours whom, drawn over the cities on the frame of all maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, did_you_mean, hinted, name_ids
from spatial.figures.palette import color
from spatial.ids.matching import in_kind_of, why_apart
from spatial.weights.value import Weights, as_weights
from spatial.words import check_language, said

from .frame import Frame, MapOptions
from .sheet import missing_entry, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["connectivity_map", "title_of"]

Float = NDArray[np.float64]
Pairs = tuple[NDArray[Any], NDArray[Any], Float]

_WORDS: Mapping[str, tuple[str, str]] = {
    "queen": ("Queen contiguity", "Queen 邻接"),
    "rook": ("Rook contiguity", "Rook 邻接"),
    "contiguity": ("Contiguity", "邻接"),
    "knn": ("K nearest neighbours", "K 近邻"),
    "distance_band": ("Distance band", "距离带"),
    "inverse_distance": ("Inverse distance", "反距离"),
    "kernel": ("Kernel", "核权重"),
    "economic": ("Economic distance", "经济距离"),
    "gravity": ("Gravity", "引力模型"),
    "nested": ("Nested", "嵌套权重"),
    "block": ("Blocks", "分块权重"),
    "higher_order": ("Higher order", "高阶邻接"),
    "given": ("Given weights", "给定的权重"),
    "k": ("k = {value:g}", "k = {value:g}"),
    "km": ("within {value:g} km", "{value:g} 千米内"),
    "bandwidth_km": ("bandwidth {value:g} km", "带宽 {value:g} 千米"),
    "power": ("power {value:g}", "幂次 {value:g}"),
    "cutoff_km": ("cut-off {value:g} km", "截断 {value:g} 千米"),
    "links": ("{links:,} link{s} ({entries:,} entries)", "{links:,} 对相邻（{entries:,} 个元素）"),
    "one_way": ("{entries:,} links, some of one direction", "{entries:,} 个有向连接"),
    "mean": ("{mean:.1f} neighbours on average", "平均 {mean:.1f} 个邻居"),
    "parts": ("{count:,} components", "{count:,} 个连通分量"),
    "part": ("one component", "1 个连通分量"),
    "few": (
        "Drawn are the {few} strongest links of each unit, {drawn:,} pairs",
        "仅绘出各单元最强的 {few} 个连接，共 {drawn:,} 对",
    ),
    "islands": ("Hollow dots have no neighbours ({count:,})", "空心：无邻居（{count:,} 个）"),
    "hatched": ("Hatched units are not in the weights ({count:,})", "斜线单元不在权重中（{count:,} 个）"),
    "dots": ("Dots grow with the number of neighbours", "圆点随邻居数增大"),
}
_SHOWN = ("k", "km", "bandwidth_km", "power", "cutoff_km")  # parameters worth a place in the title
_GRID, _SAMPLES = 20, 16
_CROWDED, _FEW = 25, 4  # mean neighbours beyond which only the few strongest links are drawn


@hinted
def connectivity_map(
    W: Any,
    cities: Any,
    ax: Axes | None = None,
    *,
    points: str | None = None,
    link_color: str | None = None,
    island_color: str | None = None,
    outlines: bool = True,
    strongest: int | None = None,
    **options: Unpack[MapOptions],
) -> Axes:
    """Draw links as lines between the cities; units without neighbours are hollow.

    The stronger a link, relative to the strongest of its unit, the darker its line; where weights are all
    alike, all lines are.  Units of the map that the weights lack are hatched.  On a map of the world a link
    over its edge leaves at one side and enters at the other.

    Parameters
    ----------
    W : Weights, or a libpysal Graph or W
    cities : GeoDataFrame
        With the units of the weights, and any others, in any order.
    ax : Axes, optional
        Default, a new figure in the shape of the map.
    points : str, optional
        Column of points that the lines join; default ``"seat"`` where there is one, else centroids.
    link_color, island_color : str, optional
    outlines : bool
        Draw the polygons in light grey.
    strongest : int, optional
        Draw only the `strongest` links of each unit, with those as strong as the last of them.  Default, all,
        but 4 where the weights differ and units have more than 25 neighbours on average; the note says so.
        `W.n` draws all.
    **options
        See `MapOptions`: crs, extent, inset, background, outline, group, scale_bar, north_arrow, labels,
        title, subtitle, note, titles, lang.

    Returns
    -------
    Axes

    Raises
    ------
    AlignmentError
        Where the weights have ids that the cities lack.
    DataError
        For cities without geometry, or a column of points that does not exist.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=gpd.points_from_xy([0, 1], [0, 1]), crs=4326)
    >>> W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=["a", "b"])
    >>> ax = connectivity_map(W, cities.set_index("id"))
    >>> ax.figure.alt
    'Given weights. 1 link (2 entries), 1.0 neighbours on average, one component'
    """
    weights = as_weights(W)
    frame = Frame.from_options(cities, options)
    rows = _rows(frame.cities.index, weights.ids)
    outside = np.ones(len(frame.cities), dtype=bool)
    outside[rows] = False
    places = _places(frame, points)
    few = _few(weights) if strongest is None else strongest
    pairs = _pairs(weights, few)
    lines, which = _segments(places, rows[pairs[0]], rows[pairs[1]], frame)
    alone = weights.cardinalities.to_numpy() == 0
    words = frame.words(
        title=title_of(weights.meta.kind, weights.meta.parameters, frame.lang),
        subtitle=_numbers_of(weights, frame.lang),
        notes=_notes(weights, few, len(pairs[0]), int(alone.sum()), int(outside.sum()), frame.lang),
    )

    def paint(axes: Axes) -> None:
        if outlines and not frame.sketch.points:
            fill = [color("paper") if gap else color("land") for gap in outside]
            frame.paint(axes, fill, outside, edge=color("land-edge"))
        _draw_links(axes, lines, pairs[2][which], link_color or color("links"))
        _draw_dots(axes, places[rows], weights, alone, island_color or color("HH"))

    entries = missing_entry(int(outside.sum()), frame.lang) if outlines else []
    return sheet(ax, frame, paint, entries, "", words)


# ---- where things are
def _rows(have: pd.Index[Any], wanted: pd.Index[Any]) -> NDArray[np.intp]:
    """Return the row of the cities for each unit of the weights."""
    given = in_kind_of(wanted, have)
    rows = have.get_indexer(given)
    if (rows < 0).any():
        extra, absent = given[rows < 0], have.difference(given, sort=False)
        reason = why_apart(extra, absent, "the weights", "the cities")
        raise AlignmentError(
            f"the cities and the weights must have the same ids; in the weights only: {name_ids(extra)} "
            f"({len(given)} units; the cities have {len(have)}). {reason}".rstrip()
        )
    return np.asarray(rows, dtype=np.intp)


def _places(frame: Frame, points: str | None) -> Float:
    """Return the point of each city on the paper."""
    cities = frame.cities
    if points is not None and points not in cities.columns:
        raise DataError(f"The cities have no column {points!r}.{did_you_mean(points, cities.columns)}")
    column = points if points is not None else ("seat" if "seat" in cities.columns else None)
    shapes = np.asarray((cities.geometry if column is None else cities[column]).array)
    spots = shapely.centroid(shapes)
    bad = shapely.is_missing(spots) | shapely.is_empty(spots)
    if bad.any():
        raise DataError(
            f"A connectivity map needs a point for each unit; {column!r} is empty at "
            f"{name_ids(cities.index[bad])}."
        )
    if column is not None:
        return frame.scene.points(spots, getattr(cities[column], "crs", None) or cities.crs)
    xy = frame.scene.points(spots, cities.crs)
    # A frame may show part of a unit only: its point lies within that part.
    return np.where((frame.scene.home >= 0)[:, None], frame.scene.centers, xy)


def _segments(
    places: Float, heads: NDArray[np.intp], tails: NDArray[np.intp], frame: Frame
) -> tuple[Float, NDArray[np.intp]]:
    """Return line segments, and the pair each belongs to; a link over the edge of the world gives two."""
    lines = np.stack([places[heads], places[tails]], axis=1)
    which = np.arange(len(lines))
    if frame.scene.projection.cut is None or not len(lines):
        return lines, which
    west, _, east, _ = frame.scene.extent
    # The short way round: beyond half the map, the link leaves it.
    apart = lines[:, 1, 0] - lines[:, 0, 0]
    turn = np.where(np.abs(apart) > (east - west) / 2, -np.sign(apart) * (east - west), 0.0)
    over = np.flatnonzero(turn)
    out, back = lines.copy(), lines[over].copy()
    out[over, 1, 0] += turn[over]
    back[:, 0, 0] -= turn[over]
    return np.concatenate([out, back]), np.concatenate([which, over])


# ---- layers
def _draw_links(ax: Axes, lines: Float, strength: Float, ink: str) -> None:
    """Draw each pair once, the weak first."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    width = 0.8 if len(lines) < 3000 else 0.5
    colors = np.tile(to_rgba(ink), (len(lines), 1))
    opacity = _opacity(lines, np.array([x0, y0, x1, y1]), width)
    colors[:, 3] = opacity * (0.15 + 0.85 * strength)
    order = np.argsort(strength, kind="stable")
    drawn = LineCollection(
        list(lines[order]),
        colors=colors[order],
        linewidths=width,
        capstyle="round",
        zorder=3.2,
        rasterized=len(lines) > 20_000,
        gid="links",
    )
    ax.add_collection(drawn, autolim=False)


def _draw_dots(ax: Axes, xy: Float, W: Weights, alone: NDArray[np.bool_], ink: str) -> None:
    """Draw dots whose area grows with the number of neighbours, hollow where there are none."""
    size = float(np.clip(60 / np.sqrt(max(W.n, 1)), 0.6, 6.0))
    counts = W.cardinalities.to_numpy()
    area = size * (0.5 + 1.5 * counts / max(float(counts.mean()), 1.0))
    linked = ~alone
    ax.scatter(
        xy[linked, 0],
        xy[linked, 1],
        s=area[linked],
        color=color("ink"),
        linewidths=0.3 if W.n < 1000 else 0.0,
        edgecolors=color("paper"),
        zorder=3.4,
        gid="units-linked",
    )
    if alone.any():
        ax.scatter(
            xy[alone, 0],
            xy[alone, 1],
            s=14 + 2 * size,
            facecolors=color("paper"),
            edgecolors=ink,
            linewidths=1.2,
            zorder=3.5,
            gid="islands",
        )


def _opacity(lines: Float, bounds: Float, width: float) -> float:
    """Return the opacity at which lines cover four fifths of the paper where they are thickest."""
    if not len(lines):
        return 1.0
    # How often a spot is drawn over: length of lines times their width, by cells of the map.
    place = (np.arange(_SAMPLES) + 0.5)[:, None, None] / _SAMPLES
    spots = lines[:, 0] + place * (lines[:, 1] - lines[:, 0])
    x, y = ((spots[..., k] - bounds[k]) / (bounds[k + 2] - bounds[k]) for k in (0, 1))
    inside = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    cell = (_GRID * x[inside]).astype(int) * _GRID + (_GRID * y[inside]).astype(int)
    length = np.hypot(*(lines[:, 1] - lines[:, 0]).T) / np.sqrt(np.prod(bounds[2:] - bounds[:2]))
    ink = np.bincount(cell, np.broadcast_to(length / _SAMPLES, x.shape)[inside]) * width / 600 * _GRID**2
    layers = float(np.quantile(ink[ink > 0], 0.97)) if (ink > 0).any() else 1.0
    return float(np.clip(1 - 0.2 ** (1 / max(layers, 1e-9)), 0.008, 0.85))


def _few(W: Weights) -> int | None:
    """Return how many links of a unit to draw: all, unless they are many and of different strength."""
    rows = np.repeat(np.arange(W.n), np.diff(W.sparse.indptr))
    if W.cardinalities.mean() <= _CROWDED:
        return None
    first = W.sparse.data[W.sparse.indptr[rows]]
    return None if np.allclose(W.sparse.data, first, rtol=1e-9, atol=0) else _FEW


def _pairs(W: Weights, strongest: int | None) -> Pairs:
    """Return unordered pairs of rows, and their weight over the largest of either unit."""
    starts = W.sparse.indptr
    rows = np.repeat(np.arange(W.n), np.diff(starts))
    columns, size = W.sparse.indices, np.abs(W.sparse.data)
    apart = rows != columns
    rows, columns, size = rows[apart], columns[apart], size[apart]
    if strongest is not None and len(rows):
        order = np.lexsort((-size, rows))
        counts = np.bincount(rows, minlength=W.n)
        first = np.cumsum(counts) - counts
        last = order[np.minimum(first + max(strongest, 1), first + counts) - 1]
        # As strong as the last one kept, whatever the order of the units.
        kept = size >= size[last][rows] * (1 - 1e-12)
        rows, columns, size = rows[kept], columns[kept], size[kept]
    top = np.zeros(W.n)
    np.maximum.at(top, rows, size)
    share = np.divide(size, top[rows], out=np.zeros_like(size), where=top[rows] > 0)
    low, high = np.minimum(rows, columns), np.maximum(rows, columns)
    pair, place = np.unique(low.astype(np.int64) * W.n + high, return_inverse=True)
    strength = np.zeros(len(pair))
    np.maximum.at(strength, place, share)
    return pair // W.n, pair % W.n, strength


# ---- words
def title_of(kind: str, parameters: Mapping[str, Any], lang: str | None = None) -> str:
    """Return the kind of weights in words, with its main parameter."""
    lang = check_language(lang)
    key = kind
    if kind == "contiguity" and isinstance(parameters.get("rook"), bool):
        key = "rook" if parameters["rook"] else "queen"
    if key in _WORDS:
        words = said(_WORDS, key, lang)
    else:
        words = key.replace("_", " ")
        words = words[:1].upper() + words[1:]
    shown = [said(_WORDS, k, lang, value=parameters[k]) for k in _SHOWN if _is_number(parameters.get(k))]
    if not shown:
        return words
    return f"{words}（{'，'.join(shown)}）" if lang == "zh" else f"{words} ({', '.join(shown)})"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _numbers_of(W: Weights, lang: str) -> str:
    """Return links, neighbours and components in words, as "215 links (430 entries), 4.8 neighbours ..."."""
    from scipy.sparse.csgraph import connected_components

    pattern = W.sparse != 0
    both = (pattern != pattern.T).nnz == 0
    own = int((W.sparse.diagonal() != 0).sum())
    links = (W.n_links - own) // 2
    count = connected_components(W.sparse, directed=False, return_labels=False)
    parts = [
        said(
            _WORDS, "links" if both else "one_way", lang, links=links, s="s" * (links != 1), entries=W.n_links
        ),
        said(_WORDS, "mean", lang, mean=float(W.cardinalities.mean())),
        said(_WORDS, "part" if count == 1 else "parts", lang, count=int(count)),
    ]
    return ("，" if lang == "zh" else ", ").join(parts)


def _notes(W: Weights, few: int | None, drawn: int, alone: int, outside: int, lang: str) -> list[str]:
    notes = [said(_WORDS, "dots", lang)]
    if few is not None and few < W.n:
        notes.append(said(_WORDS, "few", lang, few=few, drawn=drawn))
    if alone:
        notes.append(said(_WORDS, "islands", lang, count=alone))
    if outside:
        notes.append(said(_WORDS, "hatched", lang, count=outside))
    return notes
