"""Delaunay triangles of points, planar or on the sphere: edges, and triangles that share one circle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import WeightsError, name_ids
from spatial.places.points import Points
from spatial.places.sphere import unit_vectors

__all__ = ["Triangles", "triangles_of"]

Float = NDArray[np.float64]
Pairs = NDArray[np.int64]

_SAME_CIRCLE = 1e-9  # of the radius: centres nearer than this are one
_SMALL_KM = 400.0  # within it, a stereographic plane keeps more digits than the hull of unit vectors


@dataclass(frozen=True)
class Triangles:
    """Edges i < j, (E, 2); all pairs of points on a common circle, (M, 2); and the edges that are diagonals.

    A diagonal, (D, 2), is an edge across which the cells of two points meet in one point only.
    """

    edges: Pairs
    on_circle: Pairs
    diagonals: Pairs


def triangles_of(points: Points) -> Triangles:
    """Triangulate `points`; the answer does not depend on the order of the rows."""
    empty = np.empty((0, 2), dtype=np.int64)
    if points.n < 2:
        return Triangles(empty, empty, empty)
    # Where four points lie on one circle there are two triangulations: sorted points always get the same.
    order = np.lexsort((points.y, points.x))
    flat, corners = _corners(points, order)
    if corners is None:
        return Triangles(_sorted_pairs(_chain(flat, order)), empty, empty)
    found = _of_corners(flat, corners)
    return Triangles(
        *(_sorted_pairs(order[part]) for part in (found.edges, found.on_circle, found.diagonals))
    )


def _corners(points: Points, order: Any) -> tuple[Float, NDArray[np.int64] | None]:
    """Return coordinates in the sorted order and the corners of the triangles, None for points on a line."""
    from scipy.spatial import ConvexHull, Delaunay, QhullError

    if points.lonlat:
        place = unit_vectors(points.x[order], points.y[order])
        middle = place.mean(axis=0)
        length = float(np.linalg.norm(middle))
        near = length > 0 and float((place @ middle).min() / length) > np.cos(_SMALL_KM / 6371.0)
        flat = _stereographic(place, middle / length) if near else place
    else:
        flat = np.column_stack([points.x[order], points.y[order]])
        flat = flat - flat.mean(axis=0)
    if len(flat) < 3 or _on_a_line(flat):
        return flat, None
    if flat.shape[1] == 3 and len(flat) == 3:
        return flat, np.array([[0, 1, 2]])
    try:
        if flat.shape[1] == 2:
            found = Delaunay(flat)
            if len(found.coplanar):
                bad = points.ids[order[found.coplanar[:, 0]]]
                raise WeightsError(
                    f"Points too near to each other to be triangulated: {name_ids(bad)}. Correct or dissolve "
                    "them, or give each its own seat point."
                )
            return flat, found.simplices.astype(np.int64)
        hull = ConvexHull(flat)
    except QhullError:  # all on one circle of the sphere: the plane of that circle keeps it a circle
        axes = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[2][:2]
        return flat, Delaunay((flat - flat.mean(axis=0)) @ axes.T).simplices.astype(np.int64)
    # A face seen from the centre of the Earth spans a circle smaller than half of the sphere.
    return flat, hull.simplices[hull.equations[:, 3] < 0].astype(np.int64)


def _stereographic(place: Float, middle: Float) -> Float:
    """Project from the antipode of `middle`: circles stay circles, so that empty ones stay empty."""
    east = np.cross(np.eye(3)[int(np.argmin(np.abs(middle)))], middle)
    east /= np.linalg.norm(east)
    axes = np.column_stack([east, np.cross(middle, east)])
    return np.asarray(2 * (place @ axes) / (1 + place @ middle)[:, None])


def _on_a_line(flat: Float) -> bool:
    """Whether all points lie on a line of the plane, or on a great circle of the sphere."""
    spread = np.linalg.svd(flat, compute_uv=False)
    return bool(spread[-1] <= 1e-12 * spread[0])


def _chain(flat: Float, order: Any) -> Pairs:
    """Link each point on a line with the next; on a great circle, round it where no gap is half of it."""
    if len(flat) == 2:
        return np.asarray([order], dtype=np.int64)
    axes = np.linalg.svd(flat, full_matrices=False)[2]
    if flat.shape[1] == 2:
        row = np.argsort(flat @ axes[0], kind="stable")
        return np.column_stack([order[row[:-1]], order[row[1:]]])
    angle = np.arctan2(flat @ axes[1], flat @ axes[0])
    row = np.argsort(angle, kind="stable")
    gap = np.diff(np.append(angle[row], angle[row[0]] + 2 * np.pi))
    pairs = np.column_stack([order[row], order[np.roll(row, -1)]])
    return pairs[gap < np.pi]


def _of_corners(flat: Float, corners: NDArray[np.int64]) -> Triangles:
    """Return the edges of triangles, and what lies on common circles, in the numbers of `corners`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(corners)
    ends = np.sort(corners[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1)
    owner = np.repeat(np.arange(count), 3)
    key = ends[:, 0] * len(flat) + ends[:, 1]
    row = np.argsort(key, kind="stable")
    twice = key[row[1:]] == key[row[:-1]]
    one, other = owner[row[:-1][twice]], owner[row[1:][twice]]
    centre, radius = _circles(flat, corners)
    same = np.linalg.norm(centre[one] - centre[other], axis=1) <= _SAME_CIRCLE * radius[one]
    shared = row[:-1][twice][same]
    links = coo_array((np.ones(int(same.sum())), (one[same], other[same])), shape=(count, count))
    group = connected_components(links, directed=False)[1]
    size = np.bincount(group)
    members = [np.unique(corners[group == g]) for g in np.flatnonzero(size > 1)] if same.any() else []
    empty = np.empty((0, 2), dtype=np.int64)
    pairs = [np.column_stack([m[i] for i in np.triu_indices(len(m), k=1)]) for m in members]
    return Triangles(ends, np.concatenate([empty, *pairs]), ends[shared])


def _circles(flat: Float, corners: NDArray[np.int64]) -> tuple[Float, Float]:
    """Return centres and radii of the circles about triangles: in the plane, or as the axis on the sphere."""
    a, b, c = (flat[corners[:, k]] for k in range(3))
    if flat.shape[1] == 3:
        axis = np.cross(b - a, c - a)
        axis *= np.sign((axis * a).sum(axis=1))[:, None]
        axis /= np.linalg.norm(axis, axis=1)[:, None]
        return axis, np.linalg.norm(axis - a, axis=1)
    u, v = b - a, c - a
    double = 2 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):  # a flat triangle at the rim has no circle
        uu, vv = (u**2).sum(axis=1), (v**2).sum(axis=1)
        x = (v[:, 1] * uu - u[:, 1] * vv) / double
        y = (u[:, 0] * vv - v[:, 0] * uu) / double
    shift = np.column_stack([x, y])
    shift[~np.isfinite(shift).all(axis=1)] = np.inf
    return a + shift, np.hypot(shift[:, 0], shift[:, 1])


def _sorted_pairs(pairs: Pairs) -> Pairs:
    """Return each pair once, the lower row first."""
    return np.unique(np.sort(pairs.reshape(-1, 2), axis=1), axis=0).astype(np.int64)
