"""The connectivity map: who neighbours whom, drawn over the outlines of the cities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean
from spatial.ids.alignment import indexer
from spatial.weights.value import Weights, as_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["connectivity_map", "title_of"]

Float = NDArray[np.float64]
Pairs = tuple[NDArray[Any], NDArray[Any], Float]

_KINDS = {"knn": "k nearest neighbours", "given": "given weights"}
# Parameters worth a place in the title, of those the builders record.
_SHOWN = {
    "k": "k = {:g}",
    "km": "within {:g} km",
    "bandwidth_km": "bandwidth {:g} km",
    "power": "power {:g}",
    "cutoff_km": "cut-off {:g} km",
}
# Blue and vermilion of Okabe and Ito (2008), apart for all common colour vision; land in light greys.
_LINK, _ISLAND, _LAND, _BORDER, _TEXT = "#0072b2", "#d55e00", "#f2f1ee", "#cfcdc8", "#333333"
_SMALL, _LARGE = 50, 3000  # units between which nodes and borders shrink
_GRID, _SAMPLES = 20, 16
_CROWDED, _FEW = 25, 4  # mean neighbours beyond which only the few strongest links are drawn


def connectivity_map(
    W: Any,
    cities: Any,
    ax: Axes | None = None,
    *,
    points: str | None = None,
    link_color: str = _LINK,
    island_color: str = _ISLAND,
    outlines: bool = True,
    strongest: int | None = None,
    title: str | None = None,
) -> Axes:
    """Draw links as lines between the cities, islands marked.

    The stronger a link, relative to the strongest of its unit, the darker its line; where weights are all
    alike, all lines are.  Longitude and latitude are drawn with equal kilometres at the middle latitude.  A
    map that reaches over the antimeridian is cut where it is widest empty; where no cut is free, a link over
    the antimeridian leaves the map at one side and enters at the other.

    Parameters
    ----------
    W : Weights, or a libpysal Graph or W
    cities : GeoDataFrame
        Indexed by the same ids, in any order.
    ax : Axes, optional
        Default, a new figure in the shape of the map.
    points : str, optional
        Column of points that the lines join; default ``"seat"`` where there is one, else centroids.
    link_color, island_color : str
    outlines : bool
        Draw the polygons in light grey.
    strongest : int, optional
        Draw only the `strongest` links of each unit, with those as strong as the last of them.  Default, all,
        but 4 where the weights differ and units have more than 25 neighbours on average; the caption says so.
        `W.n` draws all.
    title : str, optional
        Default, the kind with its main parameter, and the numbers of units and links.

    Returns
    -------
    Axes

    Raises
    ------
    AlignmentError
        Where the ids of the cities and the weights differ.
    DataError
        For cities without geometry, or a column of points that does not exist.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=gpd.points_from_xy([0, 1], [0, 1]), crs=4326)
    >>> W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=["a", "b"])
    >>> ax = connectivity_map(W, cities.set_index("id"))
    >>> ax.get_title(loc="left")
    'Given weights: 2 units, 2 links'
    >>> import matplotlib.pyplot as plt; plt.close(ax.figure)
    """
    weights = as_weights(W)
    shapes, xy, lonlat = _geometry(weights, cities, points)
    if lonlat:
        shapes, xy = _centred(shapes, xy)
    bounds = _bounds(shapes, xy)
    if ax is None:
        ax = _new_axes(bounds, lonlat)
    scale = _scale(weights.n)
    if outlines:
        _draw_land(ax, shapes, scale)
    few = _few(weights) if strongest is None else strongest
    pairs = _pairs(weights, few)
    _draw_links(ax, pairs, xy, bounds, lonlat, link_color)
    _draw_points(ax, weights, shapes, xy, scale, link_color, island_color)
    _frame(ax, bounds, lonlat)
    text = title_of(weights.meta.kind, weights.meta.parameters, weights.n, weights.n_links)
    ax.set_title(text if title is None else title, loc="left", fontsize=12, color=_TEXT)
    _caption(ax, weights, few, len(pairs[0]), island_color)
    return ax


# ---- where things are
def _geometry(W: Weights, cities: Any, points: str | None) -> tuple[NDArray[Any], Float, bool]:
    """Return shapes and points in the order of the weights, and whether they are in degrees."""
    if not hasattr(cities, "geometry") or not hasattr(cities, "crs"):
        raise DataError(
            f"A connectivity map needs cities with geometry, a GeoDataFrame; got {type(cities).__name__}. "
            "Read them with sp.read_cities."
        )
    order = indexer(pd.Index(cities.index), W.ids, "the cities")
    shapes = np.asarray(cities.geometry.array)[order]
    if points is None:
        column = cities["seat"] if "seat" in getattr(cities, "columns", ()) else None
    elif points in cities.columns:
        column = cities[points]
    else:
        raise DataError(f"The cities have no column {points!r}.{did_you_mean(points, cities.columns)}")
    spots = shapely.centroid(shapes if column is None else np.asarray(column)[order])
    xy = shapely.get_coordinates(spots)
    if len(xy) != W.n or not np.isfinite(xy).all():
        raise DataError(
            "A connectivity map needs a point for each unit; some geometries are empty or missing."
        )
    return shapes, xy, bool(cities.crs is not None and cities.crs.is_geographic)


def _centred(shapes: NDArray[Any], xy: Float) -> tuple[NDArray[Any], Float]:
    """Move what lies west of the widest empty band of longitudes to the east of the rest."""
    parts = shapely.bounds(shapely.get_parts(shapes))
    west = np.concatenate([parts[:, 0], xy[:, 0]])
    east = np.concatenate([parts[:, 2], xy[:, 0]])
    order = np.argsort(west)
    west, reached = west[order], np.maximum.accumulate(east[order])
    gaps = west[1:] - reached[:-1]
    if not len(gaps) or gaps.max() <= 360 - (reached[-1] - west[0]):
        return shapes, xy
    cut = reached[int(gaps.argmax())] + gaps.max() / 2

    def moved(coordinates: Float) -> Float:
        return np.asarray(coordinates + 360.0 * np.array([1, 0]) * (coordinates[:, :1] < cut))

    return np.asarray(shapely.transform(shapes, moved)), moved(xy)


def _bounds(shapes: NDArray[Any], xy: Float) -> Float:
    """Return xmin, ymin, xmax, ymax with a margin."""
    box = np.array(shapely.total_bounds(shapes))
    box = np.concatenate([np.minimum(box[:2], xy.min(axis=0)), np.maximum(box[2:], xy.max(axis=0))])
    margin = 0.03 * max(box[2] - box[0], box[3] - box[1], 1e-9)
    return np.asarray(box + margin * np.array([-1, -1, 1, 1]))


def _aspect(bounds: Float, lonlat: bool) -> float:
    """Return the length of a unit of y over one of x: degrees of longitude shrink towards the poles."""
    middle = np.clip((bounds[1] + bounds[3]) / 2, -85, 85)
    return float(1 / np.cos(np.radians(middle))) if lonlat else 1.0


def _new_axes(bounds: Float, lonlat: bool) -> Axes:
    import matplotlib.pyplot as plt

    tall = (bounds[3] - bounds[1]) / (bounds[2] - bounds[0]) * _aspect(bounds, lonlat)
    width = float(np.clip(10 / np.sqrt(max(tall, 0.1)), 5, 11))
    height = float(np.clip(width * tall, 3, 10)) + 0.6
    ax: Axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return ax


def _scale(n: int) -> float:
    """Return 1 for few units, down to 0.2 for many."""
    place = np.log(max(n, 1) / _SMALL) / np.log(_LARGE / _SMALL)
    return float(1 - 0.8 * np.clip(place, 0, 1))


# ---- layers
def _draw_land(ax: Axes, shapes: NDArray[Any], scale: float) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    patches = []
    for polygon in shapely.get_parts(shapes):
        if shapely.get_type_id(polygon) != 3:
            continue
        rings = [polygon.exterior, *polygon.interiors]
        patches.append(PathPatch(Path.make_compound_path(*(Path(shapely.get_coordinates(r)) for r in rings))))
    if patches:
        style = {"facecolor": _LAND, "edgecolor": _BORDER, "linewidth": 0.3 + 0.4 * scale, "zorder": 1}
        ax.add_collection(PatchCollection(patches, match_original=False, **style))


def _draw_links(ax: Axes, pairs: Pairs, xy: Float, bounds: Float, lonlat: bool, color: str) -> None:
    """Draw each pair once, the weak first."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    heads, tails, strength = pairs
    lines, which = _segments(xy[heads], xy[tails], lonlat)
    strength = strength[which]
    width = float(np.clip(1.3 - 0.28 * np.log10(max(len(lines), 1) / 100), 0.4, 1.2))
    colors = np.tile(to_rgba(color), (len(lines), 1))
    colors[:, 3] = _opacity(lines, bounds, width) * (0.15 + 0.85 * strength)
    order = np.argsort(strength, kind="stable")
    ax.add_collection(
        LineCollection(
            list(lines[order]),
            colors=colors[order],
            linewidths=width,
            capstyle="round",
            zorder=2,
            rasterized=len(lines) > 20_000,
        ),
        autolim=False,
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


def _segments(start: Float, end: Float, lonlat: bool) -> tuple[Float, NDArray[np.intp]]:
    """Return line segments, and the pair each belongs to; a link over the antimeridian gives two."""
    which = np.arange(len(start))
    lines = np.stack([start, end], axis=1)
    if not lonlat or not len(lines):
        return lines, which
    turn = np.where(
        end[:, 0] - start[:, 0] > 180, -360.0, np.where(end[:, 0] - start[:, 0] < -180, 360.0, 0.0)
    )
    over = np.flatnonzero(turn)
    out, back = lines.copy(), lines[over].copy()
    out[over, 1, 0] += turn[over]
    back[:, 0, 0] -= turn[over]
    return np.concatenate([out, back]), np.concatenate([which, over])


def _draw_points(
    ax: Axes, W: Weights, shapes: NDArray[Any], xy: Float, scale: float, color: str, island_color: str
) -> None:
    alone = W.cardinalities.to_numpy() == 0
    ax.scatter(xy[~alone, 0], xy[~alone, 1], s=1 + 13 * scale**2, color=color, linewidths=0, zorder=3)
    if not alone.any():
        return
    polygons = shapes[alone]
    _tint(ax, polygons[shapely.get_dimensions(polygons) == 2], island_color)
    size = 14 + 50 * scale
    label = f"{int(alone.sum())} island{'s' if alone.sum() > 1 else ''} (no neighbours)"
    ax.scatter(
        xy[alone, 0],
        xy[alone, 1],
        s=size,
        facecolor="white",
        edgecolor=island_color,
        linewidths=1.6,
        zorder=4,
        label=label,
    )


def _tint(ax: Axes, polygons: NDArray[Any], color: str) -> None:
    from matplotlib.collections import PolyCollection

    rings = [shapely.get_coordinates(part.exterior) for part in shapely.get_parts(polygons)]
    if rings:
        ax.add_collection(PolyCollection(rings, facecolor=color, alpha=0.25, edgecolor="none", zorder=1.5))


# ---- frame
def _frame(ax: Axes, bounds: Float, lonlat: bool) -> None:
    ax.set_xlim(bounds[0], bounds[2])
    ax.set_ylim(bounds[1], bounds[3])
    ax.set_aspect(_aspect(bounds, lonlat))
    ax.set_axis_off()


def title_of(kind: str, parameters: Mapping[str, Any], n: int, n_links: int) -> str:
    """Return the kind in words with its main parameter, and the numbers of units and links."""
    words = _KINDS.get(kind, kind.replace("_", " "))
    if kind == "contiguity" and isinstance(parameters.get("rook"), bool):
        words = f"{'rook' if parameters['rook'] else 'queen'} contiguity"
    shown = [text.format(parameters[key]) for key, text in _SHOWN.items() if _is_number(parameters.get(key))]
    detail = f" ({', '.join(shown)})" if shown else ""
    return f"{words[:1].upper()}{words[1:]}{detail}: {n:,} units, {n_links:,} links"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _caption(ax: Axes, W: Weights, few: int | None, drawn: int, island_color: str) -> None:
    text = f"{W.cardinalities.mean():.1f} neighbours on average"
    if few is not None and few < W.n:
        text += f"; drawn are the {few} strongest links of each unit, {drawn:,} pairs"
    ax.text(0, 0, text, transform=ax.transAxes, fontsize=8.5, color="#666666", va="top")
    if len(W.islands):
        ax.legend(loc="lower right", frameon=False, fontsize=9, labelcolor=island_color)
