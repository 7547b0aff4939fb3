"""Which polygons touch: exact predicates on pairs, with a tolerance for the rounding of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.places.centroids import ring_coordinates
from spatial.places.sphere import EARTH_RADIUS_KM, haversine_km

__all__ = ["Plane", "touching"]

Float = NDArray[np.float64]
Rows = NDArray[np.integer[Any]]

ROUNDING = 1e-10
"""Gaps below this share of the largest coordinate (2 mm in degrees) are rounding, not gaps."""

_BORDER = 10.0  # a common border is longer than this many tolerances; less is a point
# However small the tolerance, a corner of one degree runs within it for 57 times its size.  So one asks again
# with a tolerance `_WIDER` times as large: what meets in a point grows with it, a border does not.
_WIDER, _GROWN = 4.0, 2.0
_KM_PER_DEGREE = EARTH_RADIUS_KM * np.pi / 180
_ALIKE = 8  # polygons about one vertex that are paired by its hash; more are left to the exact predicates
_BLOCK = 4096  # pairs whose geometries are copied at once


@dataclass(frozen=True)
class Plane:
    """What the coordinates are: degrees where `lonlat`, times `factor` degrees or kilometres."""

    lonlat: bool = False
    factor: float = 1.0


def touching(polygons: Any, *, rook: bool, plane: Plane, snap_km: float | None) -> NDArray[np.int64]:
    """Return the pairs i < j, (M, 2), of polygons that touch.

    Queen: they share a point.  Rook: they share a border, or overlap.  On `plane.lonlat` polygons that
    touch at 180 degrees, or at a pole, touch.
    """
    import shapely

    bounds = shapely.bounds(polygons)
    tolerance = ROUNDING * float(np.abs(bounds).max())
    margin = _margin(bounds, plane, snap_km, tolerance)
    parts, owner = polygons, np.arange(len(polygons))
    if plane.lonlat:
        parts, owner, margin = _wrapped(polygons, bounds, margin, 180.0 / plane.factor)
    i, j = _candidates(parts, owner, margin)
    near = _near(parts, i, j, plane, snap_km, tolerance, margin)
    i, j = i[near], j[near]
    if rook:
        border = _shared(parts, i, j, segments=True)
        rest = np.flatnonzero(~border)
        border[rest] = _common_border(parts, i[rest], j[rest], plane, None, tolerance)
        if snap_km is not None:  # what is near along a stretch is added to what has a border
            rest = np.flatnonzero(~border)
            border[rest] = _common_border(parts, i[rest], j[rest], plane, snap_km, tolerance)
        i, j = i[border], j[border]
    pairs = np.column_stack([owner[i], owner[j]]).astype(np.int64, copy=False)
    if plane.lonlat and not rook:
        pairs = np.concatenate([pairs, *_at_poles(bounds, 90.0 / plane.factor, tolerance)])
    low, high = np.minimum(*pairs.T), np.maximum(*pairs.T)
    keys = low * len(polygons) + high
    if (keys[1:] > keys[:-1]).all():  # as they come, unless copies were added
        return np.column_stack([low, high])
    keys = np.sort(keys)
    keys = keys[np.diff(keys, prepend=-1) > 0]  # faster than np.unique
    return np.column_stack([keys // len(polygons), keys % len(polygons)])


def _margin(bounds: Float, plane: Plane, snap_km: float | None, tolerance: float) -> Float:
    """Return how far each box is widened, (N, 2), in the coordinates of the layer."""
    if snap_km is None:
        return np.full((len(bounds), 2), tolerance)
    if not plane.lonlat:
        return np.full((len(bounds), 2), snap_km / plane.factor)
    up = 1.001 * snap_km / _KM_PER_DEGREE
    highest = np.abs(bounds[:, [1, 3]] * plane.factor).max(axis=1) + up
    # Meridians meet at a pole: there, the box goes all the way round.
    side = np.where(highest < 89, up / np.cos(np.radians(np.minimum(highest, 89))), 360.0)
    return np.column_stack([side, np.full(len(side), up)]) / plane.factor


def _wrapped(polygons: Any, bounds: Float, margin: Float, half: float) -> tuple[Any, NDArray[np.intp], Float]:
    """Add copies, moved one turn west, of the polygons that reach 180 degrees east."""
    import shapely

    east = np.flatnonzero(bounds[:, 2] + margin[:, 0] >= half)
    if not (len(east) and (bounds[:, 0] - margin[:, 0] <= -half).any()):
        return polygons, np.arange(len(polygons)), margin
    copies = shapely.transform(polygons[east], lambda xy: xy - [2 * half, 0.0])
    owner = np.concatenate([np.arange(len(polygons)), east])
    return np.concatenate([polygons, copies]), owner, margin[owner]


def _candidates(parts: Any, owner: Rows, margin: Float) -> tuple[Rows, Rows]:
    """Return pairs i < j of parts whose widened boxes meet, in order."""
    import shapely

    bounds = shapely.bounds(parts)
    # A line from corner to corner has the same box, and is made in half the time.
    corners = np.stack([bounds[:, :2] - margin, bounds[:, 2:] + margin], axis=1)
    boxes = shapely.linestrings(corners)
    first, second = shapely.STRtree(boxes).query(boxes)
    keep = first < second
    keys = np.sort(first[keep].astype(np.int64) * len(parts) + second[keep])
    i, j = np.divmod(keys, len(parts))
    other = owner[i] != owner[j]
    return (i, j) if other.all() else (i[other], j[other])


def _near(
    parts: Any, i: Rows, j: Rows, plane: Plane, snap_km: float | None, tolerance: float, margin: Float
) -> NDArray[np.bool_]:
    import shapely

    near = _shared(parts, i, j, segments=False)
    rest = np.flatnonzero(~near)
    left = np.zeros(len(parts), dtype=bool)
    left[i[rest]] = True
    shapely.prepare(parts[left])
    near[rest] = shapely.dwithin(parts[i[rest]], parts[j[rest]], tolerance)
    if snap_km is None:
        return near
    rest = rest[~near[rest]]
    # The widest margin is enough in each direction; what it lets through is then measured.
    widest = np.maximum(margin[i[rest]].max(axis=1), margin[j[rest]].max(axis=1))
    rest = rest[shapely.dwithin(parts[i[rest]], parts[j[rest]], widest)]
    for start in range(0, len(rest), _BLOCK):
        block = rest[start : start + _BLOCK]
        near[block] = _gap_km(parts[i[block]], parts[j[block]], plane) <= snap_km
    return near


def _gap_km(a: Any, b: Any, plane: Plane) -> Float:
    """Return the distance in km between polygons, elementwise."""
    import shapely

    if not plane.lonlat:
        return np.asarray(shapely.distance(a, b)) * plane.factor
    north = _common_north(a, b)
    for _ in range(3):  # the narrowest place sets the scale of the plane it is measured in
        shrink = np.maximum(np.cos(np.radians(north * plane.factor)), 1e-6)
        ends = shapely.get_coordinates(shapely.shortest_line(_squeezed(a, shrink), _squeezed(b, shrink)))
        x, y = ends[:, 0].reshape(-1, 2) / shrink[:, None], ends[:, 1].reshape(-1, 2)
        north = y.mean(axis=1)
    degrees = [np.ascontiguousarray(c) * plane.factor for c in (x[:, 0], y[:, 0], x[:, 1], y[:, 1])]
    return haversine_km(*degrees)


def _common_north(a: Any, b: Any) -> Float:
    """Return the latitude in the middle of what the boxes of `a` and `b` have in common, or between them."""
    import shapely

    one, two = shapely.bounds(a), shapely.bounds(b)
    return np.asarray((np.maximum(one[:, 1], two[:, 1]) + np.minimum(one[:, 3], two[:, 3])) / 2)


def _squeezed(geometry: Any, shrink: Float) -> Any:
    import shapely

    xy, which = shapely.get_coordinates(geometry, return_index=True)
    xy[:, 0] *= shrink[which]
    return shapely.set_coordinates(geometry.copy(), xy)


def _shared(parts: Any, i: Rows, j: Rows, *, segments: bool) -> NDArray[np.bool_]:
    """Return which pairs have a vertex, or a whole segment, in common, by a hash of it: sure where true."""
    xy, ring, owner = ring_coordinates(parts)
    place, unit = _hash(xy), owner[ring]
    if segments:
        same = (ring[1:] == ring[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
        # A sum does not mind the direction in which a neighbour walks the segment.
        place, unit = (place[1:] + place[:-1])[same], unit[:-1][same]
    else:  # the last vertex of a ring is its first
        once = np.append(ring[1:] == ring[:-1], False)
        place, unit = place[once], unit[once]
    order = np.argsort(place)
    place, unit = place[order], unit[order].astype(np.int64)
    keys = []
    for step in range(1, _ALIKE + 1):
        twin = np.flatnonzero(place[step:] == place[:-step])
        if not len(twin):
            break
        a, b = unit[twin], unit[twin + step]
        keys.append(np.minimum(a, b) * len(parts) + np.maximum(a, b))
    if not keys:
        return np.zeros(len(i), dtype=bool)
    return _among(i.astype(np.int64, copy=False) * len(parts) + j, np.concatenate(keys))


def _among(wanted: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    keys = np.append(np.sort(keys), -1)  # -1 for what lies beyond the last
    return np.asarray(keys[np.searchsorted(keys[:-1], wanted)] == wanted)


def _hash(xy: Float) -> NDArray[np.uint64]:
    """Return 64 well-mixed bits of each (x, y)."""
    bits = (xy + 0.0).view(np.uint64)  # + 0.0: minus zero is zero
    out = bits[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ (bits[:, 1] + np.uint64(0x632BE59BD9B4E019))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        out ^= out >> np.uint64(shift)
        out *= np.uint64(factor)
    return np.asarray(out ^ (out >> np.uint64(31)))


def _common_border(
    parts: Any, i: Rows, j: Rows, plane: Plane, snap_km: float | None, tolerance: float
) -> NDArray[np.bool_]:
    """Return which pairs run along each other, or overlap, for longer than a point contact."""
    import shapely

    if snap_km is not None:
        tolerance = snap_km if plane.lonlat else snap_km / plane.factor
    out = np.zeros(len(i), dtype=bool)
    if snap_km is None:
        one, two = shapely.bounds(parts[i]), shapely.bounds(parts[j])
        overlap = np.minimum(one[:, 2:], two[:, 2:]) - np.maximum(one[:, :2], two[:, :2])
        long = np.flatnonzero(overlap.max(axis=1) > _BORDER * tolerance)
    else:
        long = np.arange(len(i))
    for start in range(0, len(long), _BLOCK):
        block = long[start : start + _BLOCK]
        a, b = parts[i[block]], parts[j[block]]
        if snap_km is not None and plane.lonlat:
            a, b = _in_km(a, b, plane)
        try:
            out[block] = _runs_along(a, b, tolerance)
        except shapely.errors.GEOSException:  # overlays can fail where predicates, without tolerance, do not
            out[block] = shapely.relate_pattern(a, b, "****1****") | shapely.relate_pattern(a, b, "T********")
    return out


def _in_km(a: Any, b: Any, plane: Plane) -> tuple[Any, Any]:
    """Return `a` and `b` in kilometres on the plane of the latitude that they have in common."""
    import shapely

    shrink = np.maximum(np.cos(np.radians(_common_north(a, b) * plane.factor)), 1e-6)
    scale = _KM_PER_DEGREE * plane.factor
    return (
        shapely.transform(_squeezed(a, shrink), lambda xy: xy * scale),
        shapely.transform(_squeezed(b, shrink), lambda xy: xy * scale),
    )


def _runs_along(a: Any, b: Any, tolerance: float) -> NDArray[np.bool_]:
    """Return which pairs have a border in common: long beside the tolerance, and no longer in a wider one."""
    length = _border_length(a, b, tolerance)
    border = length > _BORDER * tolerance
    asked = np.flatnonzero(border)
    wider = _border_length(a[asked], b[asked], _WIDER * tolerance)
    border[asked] = wider < _GROWN * length[asked]
    return border


def _border_length(a: Any, b: Any, tolerance: float) -> Float:
    """Return the longer of the borders of each that lie within `tolerance` of the other."""
    import shapely

    one, two = shapely.bounds(a), shapely.bounds(b)
    low = np.maximum(one[:, :2], two[:, :2]) - 4 * tolerance
    high = np.minimum(one[:, 2:], two[:, 2:]) + 4 * tolerance
    window = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    lengths = []
    for this, other in ((a, b), (b, a)):
        line = shapely.intersection(shapely.boundary(this), window)
        zone = shapely.buffer(shapely.intersection(other, window), tolerance, quad_segs=4)
        lengths.append(shapely.length(shapely.intersection(line, zone)))
    return np.asarray(np.maximum(*lengths))


def _at_poles(bounds: Float, pole: float, tolerance: float) -> list[NDArray[np.int64]]:
    """Return all pairs among the polygons that reach each pole: they share that point."""
    out = []
    for there in (bounds[:, 1] <= -pole + tolerance, bounds[:, 3] >= pole - tolerance):
        rows = np.flatnonzero(there)
        first, second = np.triu_indices(len(rows), k=1)
        out.append(np.column_stack([rows[first], rows[second]]).astype(np.int64))
    return out
