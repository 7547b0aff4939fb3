"""Neighbour search on a k-d tree, and sparse matrices of what it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.places.points import SAME_PLACE_KM, TIE_KM, Points
from spatial.weights.checks import links_fit

__all__ = ["all_pairs", "by_distance", "nearest", "rows_to_csr", "rows_within", "within"]

Float = NDArray[np.float64]
Int = NDArray[np.int32]
Weigh = Callable[[Float], Float]

_QUERY_CELLS = 1 << 24  # neighbours asked of the tree at once: 256 MB


def nearest(points: Points, k: int, rows: Any = None, *, distinct: str = "", cure: str = "") -> Int:
    """Return the `k` nearest other points of each of `rows`, (R, k), in no order.

    Among points at the same distance (within a micrometre) the lower id is taken.  `distinct` names
    what cannot be had with coincident points, which are then refused.
    """
    # In the order of the tree, one search finds in the cache what the one before it read.
    slots = points.tree.indices if rows is None else np.arange(len(rows))
    who = _Who(None if rows is None else np.asarray(rows))
    found = np.empty((len(slots), k), dtype=np.int32)
    asked = min(k + 2, points.n)
    left = []
    for slot in _parts(slots, asked):
        part = who[slot]
        chord, index = points.tree.query(points.axes[part], k=asked, workers=-1)
        if distinct and (chord[:, 1] <= points.reach(SAME_PLACE_KM)).any():
            points.refuse_coincident(distinct, cure)
        found[slot] = index[:, 1 : k + 1]
        # Settled where the point itself came first and a gap follows the k-th.
        settled = index[:, 0] == part
        if asked > k + 1:
            settled &= points.floor_km(chord[:, -1]) > _ceil_km(points, chord[:, k])
        left.append(slot[~settled])
    unsettled = np.concatenate(left)
    while len(unsettled):
        asked = min(2 * asked, points.n)
        parts = _parts(unsettled, asked)
        unsettled = np.concatenate([_settle(points, part, who, k, asked, found) for part in parts])
    return found


class _Who:
    """Which point a slot of the answer is for: itself, or the row of that number."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __getitem__(self, slots: Any) -> Any:
        return slots if self.rows is None else self.rows[slots]


def by_distance(points: Points, rows: Any, index: Int) -> tuple[Int, Float]:
    """Return `index` (R, k) sorted by distance, then by id, and the distances in km."""
    km = points.km(np.repeat(rows, index.shape[1]), index.ravel()).reshape(index.shape)
    order = np.lexsort((points.rank[index], np.round(km / TIE_KM)), axis=1)
    return np.take_along_axis(index, order, axis=1), np.take_along_axis(km, order, axis=1)


def _ceil_km(points: Points, radius: Float) -> Float:
    """Return the most that a point found at the tree distance `radius` can be away."""
    high = points.floor_km(radius) + 4 * TIE_KM
    return high * 1.02 if points.ellipsoid else high


def _parts(rows: Any, asked: int) -> list[Any]:
    step = max(1, _QUERY_CELLS // asked)
    return [rows[start : start + step] for start in range(0, len(rows), step)]


def _settle(points: Points, slots: Any, who: _Who, k: int, asked: int, found: Int) -> Any:
    """Fill `found` for those `slots` that `asked` neighbours settle; return the others."""
    rows = who[slots]
    radius, index = points.tree.query(points.axes[rows], k=asked, workers=-1)
    km = points.km(np.repeat(rows, asked), index.ravel()).reshape(index.shape)
    steps = np.round(km / TIE_KM)
    steps[index == rows[:, None]] = np.inf
    order = np.lexsort((points.rank[index], steps), axis=1)[:, :k]
    last = np.take_along_axis(steps, order[:, -1:], axis=1)[:, 0] * TIE_KM
    # Whatever lies outside the search is farther than the k-th, by more than a tie.
    done = np.full(len(rows), True) if asked == points.n else points.floor_km(radius[:, -1]) > last + TIE_KM
    found[slots[done]] = np.take_along_axis(index, order, axis=1)[done]
    return slots[~done]


def rows_to_csr(index: Int, values: Float | None = None, *, of: int | None = None) -> sp.csr_array:
    """Return CSR of (R, k) column numbers, which are sorted in place, and weights (default 1).

    `of` is the number of columns; R by default.
    """
    n, k = index.shape
    indptr = np.arange(n + 1, dtype=np.int64 if n * k > np.iinfo(np.int32).max else np.int32) * k
    shape = (n, n if of is None else of)
    if values is None:
        index.sort(axis=1)
        return sp.csr_array((np.ones(n * k), index.ravel(), indptr), shape=shape)
    order = np.argsort(index, axis=1)
    data = np.take_along_axis(values, order, axis=1).ravel()
    return sp.csr_array((data, np.take_along_axis(index, order, axis=1).ravel(), indptr), shape=shape)


def rows_within(points: Points, km: float, rows: Int, weigh: Weigh) -> sp.csr_array:
    """Return rows (R, N) of what `within` returns."""
    from scipy.spatial import cKDTree

    near = cKDTree(points.axes[rows])
    pairs = near.sparse_distance_matrix(points.tree, points.reach(km), output_type="ndarray")
    i, j = pairs["i"].astype(np.int32), pairs["j"].astype(np.int32)
    del pairs
    others = rows[i] != j
    i, j = i[others], j[others]
    distance = points.km(rows[i], j)
    inside = distance <= km + TIE_KM
    matrix = sp.csr_array((weigh(distance[inside]), (i[inside], j[inside])), shape=(len(rows), points.n))
    matrix.sort_indices()
    return matrix


def within(points: Points, km: float, weigh: Weigh, what: str) -> sp.csr_array:
    """Return the symmetric CSR of ``weigh(distance)`` over all pairs within `km`, ends included."""
    radius = points.reach(km)
    if points.n > 20_000:
        links_fit(_expected_links(points, radius), what, "Shorten the distance, or use knn(cities, k).")
    pairs = points.tree.query_pairs(radius, output_type="ndarray")
    i, j = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32)
    del pairs
    distance = points.km(i, j)
    inside = distance <= km + TIE_KM
    if not inside.all():
        i, j, distance = i[inside], j[inside], distance[inside]
    upper = sp.csr_array((weigh(distance), (i, j)), shape=(points.n, points.n))
    del i, j, distance, inside
    return upper + sp.csr_array(upper.T)


def _expected_links(points: Points, radius: float) -> float:
    """Estimate the links from 1,000 points spread over the tree."""
    sample = points.tree.indices[:: max(1, points.n // 1000)]
    counts = points.tree.query_ball_point(points.axes[sample], radius, return_length=True, workers=-1)
    return float(np.mean(counts) * points.n)


def all_pairs(n: int, weigh: Callable[[Any, Any], Float]) -> sp.csr_array:
    """Return the full matrix of ``weigh(i, j)`` without its diagonal, made in blocks of rows."""
    data, indices = np.empty(n * (n - 1)), np.empty(n * (n - 1), dtype=np.int32)
    step = max(1, (1 << 20) // n)
    for start in range(0, n, step):
        rows = np.arange(start, min(start + step, n))
        i, j = np.repeat(rows, n), np.tile(np.arange(n), len(rows))
        other = i != j
        part = slice(start * (n - 1), (rows[-1] + 1) * (n - 1))
        data[part], indices[part] = weigh(i[other], j[other]), j[other]
    return sp.csr_array((data, indices, np.arange(n + 1, dtype=np.int32) * (n - 1)), shape=(n, n))
