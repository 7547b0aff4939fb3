"""Polygons as arcs, each border once (TopoJSON), and the same polygons as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

__all__ = ["STEP", "Topology", "build_topology"]

STEP = 1e-5  # degrees: about a metre
_DECIMALS = 5

Vertex = tuple[int, int]
Line = tuple[Vertex, ...]


@dataclass(frozen=True)
class Topology:
    """Arcs on a grid of `STEP` degrees from `origin`; a unit's polygons are lists of rings of arcs.

    Attributes
    ----------
    origin : (float, float)
        West and south.
    arcs : list of lines
    units : list (N) of list of list of list of int
        Polygons, rings, arcs; ``~k`` is arc k backwards, as TopoJSON has it.
    """

    origin: tuple[float, float]
    arcs: list[Line]
    units: list[list[list[list[int]]]]

    def ring(self, parts: Sequence[int]) -> list[Vertex]:
        """Return the vertices of a ring, the first again at the end."""
        found: list[Vertex] = []
        for k in parts:
            arc = self.arcs[k] if k >= 0 else self.arcs[~k][::-1]
            found += arc if not found else arc[1:]
        return found

    def degrees(self, vertex: Vertex) -> list[float]:
        """Return longitude and latitude."""
        return [round(base + STEP * at, _DECIMALS) for base, at in zip(self.origin, vertex, strict=True)]

    def polygons(self, unit: int) -> list[list[list[list[float]]]]:
        """Return the coordinates of a unit as a GeoJSON MultiPolygon."""
        return [
            [[self.degrees(vertex) for vertex in self.ring(ring)] for ring in polygon]
            for polygon in self.units[unit]
        ]

    def written(self) -> list[list[list[int]]]:
        """Return the arcs as steps from vertex to vertex."""
        return [
            np.diff(np.array(arc), axis=0, prepend=np.zeros((1, 2), np.int64)).tolist() for arc in self.arcs
        ]


def build_topology(shapes: Any) -> Topology:
    """Return the arcs of polygons in degrees.

    A vertex where more than two others meet ends arcs; a border is found once from either side.

    Examples
    --------
    >>> found = build_topology(np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
    >>> len(found.arcs), [len(arcs) for unit in found.units for polygon in unit for arcs in polygon]
    (3, [2, 2])
    """
    west, south, _, _ = shapely.total_bounds(shapes)
    origin = round(float(west), _DECIMALS), round(float(south), _DECIMALS)
    rings = [
        [[_grid(ring, origin) for ring in _rings(part)] for part in shapely.get_parts(s)] for s in shapes
    ]
    units = [_drawn(unit) for unit in rings]
    near: dict[Vertex, set[Vertex]] = {}
    for unit in units:
        for polygon in unit:
            for ring in polygon:
                for one, two in zip(ring, [*ring[1:], ring[0]], strict=True):
                    near.setdefault(one, set()).add(two)
                    near.setdefault(two, set()).add(one)
    known: dict[Line, int] = {}
    found = [
        [[[_number(line, known) for line in _split(ring, near)] for ring in polygon] for polygon in unit]
        for unit in units
    ]
    return Topology(origin, list(known), found)


def _rings(polygon: Any) -> list[Any]:
    # Outsides run against the clock, holes with it (RFC 7946).
    turned = shapely.geometry.polygon.orient(polygon)
    return [turned.exterior, *turned.interiors]


def _grid(ring: Any, origin: tuple[float, float]) -> list[Vertex]:
    """Return the vertices of a ring on the grid, each once, without the last, which is the first."""
    xy = np.round((shapely.get_coordinates(ring) - origin) / STEP).astype(np.int64)
    keep = np.append(True, (np.diff(xy, axis=0) != 0).any(axis=1))
    places = [(int(x), int(y)) for x, y in xy[keep]]
    return places[:-1] if len(places) > 1 and places[0] == places[-1] else places


def _drawn(unit: list[list[list[Vertex]]]) -> list[list[list[Vertex]]]:
    """Leave out rings that collapse on the grid; a unit of nothing else becomes a triangle of one step."""
    found = [[ring for ring in polygon if len(ring) >= 3] for polygon in unit if len(polygon[0]) >= 3]
    if found:
        return found
    x, y = unit[0][0][0]
    return [[[(x, y), (x + 1, y), (x, y + 1)]]]


def _split(ring: list[Vertex], near: dict[Vertex, set[Vertex]]) -> list[Line]:
    """Cut a ring at the vertices where others meet it; an undisturbed one starts at its least vertex."""
    ends = [k for k, vertex in enumerate(ring) if len(near[vertex]) != 2]
    if not ends:
        start = ring.index(min(ring))
        turned = ring[start:] + ring[:start]
        return [(*turned, turned[0])]
    turned = ring[ends[0] :] + ring[: ends[0]]
    cuts = [(k - ends[0]) % len(ring) for k in ends] + [len(ring)]
    closed = [*turned, turned[0]]
    return [tuple(closed[one : two + 1]) for one, two in pairwise(cuts)]


def _number(line: Line, known: dict[Line, int]) -> int:
    back = line[::-1]
    if back in known:
        return ~known[back]
    return known.setdefault(line, len(known))
