"""Borders drawn once, by kind: within a group, between groups, coast."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["BETWEEN", "COAST", "WITHIN", "border_lines"]

Float = NDArray[np.float64]

WITHIN, BETWEEN, COAST = 0, 1, 2


def border_lines(shapes: NDArray[Any], groups: NDArray[Any] | None = None) -> tuple[list[Float], ...]:
    """Return the lines between units of one group, between groups, and round the land.

    An edge that two shapes share is found by its ends, to a billionth of the map, and belongs to one line.

    Parameters
    ----------
    shapes : array of polygons, one for each unit
    groups : array of int, optional
        Of each unit; default all in one.

    Examples
    --------
    >>> within, between, coast = border_lines(np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
    >>> len(within), len(between), sum(len(line) - 1 for line in coast)
    (1, 0, 6)
    """
    parts, unit = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return [], [], []
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    west, south, east, north = shapely.total_bounds(rings)
    grid = max(east - west, north - south, 1e-300) * 1e-9
    cell = np.round((xy - [west, south]) / grid).astype(np.int64)
    _, vertex = np.unique(cell[:, 0] * (2**31) + cell[:, 1], return_inverse=True)
    first = np.flatnonzero((ring[:-1] == ring[1:]) & (vertex[:-1] != vertex[1:]))
    low = np.minimum(vertex[first], vertex[first + 1])
    high = np.maximum(vertex[first], vertex[first + 1])
    _, at, edge, times = np.unique(
        low * (int(vertex.max()) + 1) + high, return_index=True, return_inverse=True, return_counts=True
    )
    owner = unit[part[ring[first]]]
    group = np.zeros(len(shapes), dtype=np.intp) if groups is None else np.asarray(groups)
    own = group[owner]
    lowest = np.full(len(at), np.iinfo(np.intp).max)
    highest = np.full(len(at), -1)
    np.minimum.at(lowest, edge, own)
    np.maximum.at(highest, edge, own)
    kind = np.where(times == 1, COAST, np.where(lowest != highest, BETWEEN, WITHIN))[edge]
    drawn = np.zeros(len(first), dtype=bool)
    drawn[at] = True
    return tuple(_chains(xy, first[drawn & (kind == k)]) for k in (WITHIN, BETWEEN, COAST))


def _chains(xy: Float, starts: NDArray[np.intp]) -> list[Float]:
    """Join edges that follow each other to lines."""
    if not len(starts):
        return []
    breaks = np.flatnonzero(np.diff(starts) != 1) + 1
    return [xy[run[0] : run[-1] + 2] for run in np.split(starts, breaks)]
