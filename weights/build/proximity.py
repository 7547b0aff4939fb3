"""Graphs of proximity: Delaunay, Gabriel, relative neighbours, and the cells of Voronoi."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.errors import hinted
from spatial.places.points import CitiesLike, Points, points_of
from spatial.weights.csr import owned
from spatial.weights.meta import Meta
from spatial.weights.value import Weights

from .triangles import triangles_of

__all__ = ["delaunay", "gabriel", "relative_neighbors", "voronoi"]

Pairs = NDArray[np.int64]

_TIE = 1e-9  # of a distance: nearer to it than this is on it


@hinted
def delaunay(cities: CitiesLike) -> Weights:
    r"""Link the corners of the Delaunay triangles of the cities.

    .. math:: w_{ij} = 1 \text{ where some circle through } i \text{ and } j \text{ has no city inside.}

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by unit id; points are the seats, the points, or the centroids.

    Returns
    -------
    Weights
        Binary and symmetric, one component, about six neighbours each.  On a geographic CRS the circles are
        those of the sphere (the triangles are faces of the convex hull of the unit vectors), so that neither
        the antimeridian nor a pole is a border; on a projected one they are planar.

    Raises
    ------
    WeightsError
        For coincident points, by name.
    DataError
        If cities are no GeoDataFrame by id, or cannot be measured.

    Notes
    -----
    Of points on one circle, as in a lattice, one of the triangulations is taken, the same for any order of
    the rows; `voronoi` treats all of them alike.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c", "d"], geometry=gpd.points_from_xy([0, 4, 2, 2], [0, 0, 3, 1]), crs=32650)
    >>> delaunay(cities).neighbors("d").index.tolist()
    ['a', 'b', 'c']
    """
    points = _distinct(cities, "Delaunay triangles")
    return _weights(points, triangles_of(points).edges, "delaunay", {})


@hinted
def gabriel(cities: CitiesLike) -> Weights:
    r"""Link the cities between which no other lies: none in the circle whose diameter they are.

    .. math:: w_{ij} = 1 \text{ where } d_{ik}^2 + d_{jk}^2 > d_{ij}^2 \text{ for all other } k

    in the plane (Gabriel and Sokal 1969, eq. 1); on the sphere, the circle about the middle of the arc.

    Parameters
    ----------
    cities : GeoDataFrame
        As in `delaunay`, of whose links these are a part.

    Returns
    -------
    Weights
        Binary, symmetric, one component.  A city on the circle is between the two.

    Raises
    ------
    WeightsError
        If two cities lie in the same place.
    DataError
        If cities have no coordinate reference system, a missing geometry, or coordinates out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c"], geometry=gpd.points_from_xy([0, 4, 2], [0, 0, 1]), crs=32650)
    >>> gabriel(cities).neighbors("c").index.tolist(), gabriel(cities).neighbors("a").index.tolist()
    (['a', 'b'], ['c'])
    """
    points = _distinct(cities, "Gabriel graphs")
    return _weights(points, _gabriel(points, triangles_of(points).edges), "gabriel", {})


@hinted
def relative_neighbors(cities: CitiesLike) -> Weights:
    r"""Link the cities that have no city nearer to both than they are to each other.

    .. math:: w_{ij} = 1 \text{ where } \max(d_{ik}, d_{jk}) \ge d_{ij} \text{ for all other } k

    (Toussaint 1980).

    Parameters
    ----------
    cities : GeoDataFrame
        As in `delaunay`; these links are a part of those of `gabriel`.

    Returns
    -------
    Weights
        Binary, symmetric, one component.

    Raises
    ------
    WeightsError
        If two cities lie in the same place.
    DataError
        If cities have no coordinate reference system, a missing geometry, or coordinates out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c"], geometry=gpd.points_from_xy([0, 4, 2], [0, 0, 3]), crs=32650)
    >>> relative_neighbors(cities).n_links, gabriel(cities).n_links
    (4, 6)
    """
    points = _distinct(cities, "Relative neighbours")
    edges = _gabriel(points, triangles_of(points).edges)
    return _weights(points, edges[_relative(points, edges)], "relative_neighbors", {})


@hinted
def voronoi(cities: CitiesLike, *, rook: bool = False) -> Weights:
    """Link the cities whose Voronoi (Thiessen) cells touch; a cell is all places nearest to its city.

    Parameters
    ----------
    cities : GeoDataFrame
        As in `delaunay`.
    rook : bool
        Ask for a common border; else cells that meet in one point, as the four about a corner of a lattice,
        are neighbours too.

    Returns
    -------
    Weights
        Binary, symmetric, one component.  Cells are not cut at a frame: those at the rim reach as far as they
        do, so that cities far apart along the rim can be neighbours.  On a geographic CRS cells are those of
        the sphere, within the hull of the cities.

    Raises
    ------
    WeightsError
        If two cities lie in the same place.
    DataError
        If cities have no coordinate reference system, a missing geometry, or coordinates out of range.

    Notes
    -----
    Cells that are cut at the box of the cities, as GeoDa draws them, are polygons: draw them with
    ``libpysal.cg.voronoi_frames`` and use `contiguity`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c", "d"], geometry=gpd.points_from_xy([0, 1, 0, 1], [0, 0, 1, 1]), crs=32650)
    >>> voronoi(cities).neighbors("a").index.tolist()
    ['b', 'c', 'd']
    >>> voronoi(cities, rook=True).neighbors("a").index.tolist()
    ['b', 'c']
    """
    points = _distinct(cities, "Voronoi cells")
    found = triangles_of(points)
    if rook:
        keep = ~np.isin(_key(found.edges, points.n), _key(found.diagonals, points.n))
        edges = found.edges[keep]
    else:
        edges = np.unique(np.concatenate([found.edges, found.on_circle]), axis=0)
    return _weights(points, edges, "voronoi", {"rook": rook})


def _distinct(cities: Any, what: str) -> Points:
    points = points_of(cities)
    if points.n > 1:
        points.refuse_coincident(what)
    return points


def _gabriel(points: Points, edges: Pairs) -> Pairs:
    """Keep the edges whose circle of diameter has no other point in it or on it."""
    if not len(edges):
        return edges
    ends = points.axes[edges]
    middle = ends.mean(axis=1)
    if points.lonlat:
        middle /= np.linalg.norm(middle, axis=1)[:, None]
    radius = np.linalg.norm(ends[:, 0] - middle, axis=1)
    # The two ends lie on the circle; a third point at no greater distance is between them.
    asked = min(3, points.n)
    near, index = points.tree.query(middle, k=asked, workers=-1)
    other = (index != edges[:, :1]) & (index != edges[:, 1:])
    between = (other & (near <= radius[:, None] * (1 + _TIE))).any(axis=1)
    kept: Pairs = edges[~between]
    return kept


def _relative(points: Points, edges: Pairs) -> NDArray[np.bool_]:
    """Return which edges have no point nearer to both ends than these are to each other."""
    keep = np.ones(len(edges), dtype=bool)
    for row, (i, j) in enumerate(edges.tolist()):
        a, b = points.axes[i], points.axes[j]
        length = float(np.linalg.norm(a - b)) * (1 - _TIE)
        # What is nearer than `length` to both lies within .87 of it from the middle of the chord.
        for k in points.tree.query_ball_point((a + b) / 2, 0.8661 * length):
            if k not in (i, j):
                c = points.axes[k]
                if max(np.linalg.norm(a - c), np.linalg.norm(b - c)) < length:
                    keep[row] = False
                    break
    return keep


def _key(edges: Pairs, n: int) -> Pairs:
    return np.asarray(edges[:, 0] * n + edges[:, 1])


def _weights(points: Points, edges: Pairs, kind: str, parameters: dict[str, Any]) -> Weights:
    i, j = edges.astype(np.int32).T
    both = (np.ones(2 * len(edges)), (np.concatenate([i, j]), np.concatenate([j, i])))
    matrix = sparse.csr_array(both, shape=(points.n, points.n))
    meta = Meta(kind, {**parameters, **points.facts}, None, "none", "keep", "cities")
    return Weights(points.ids, owned(matrix), meta)
