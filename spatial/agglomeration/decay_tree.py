r"""A tree code on the sphere: far groups of places by their moments, with a guaranteed relative error.

On the unit sphere the squared chord to place j is :math:`s_j = 2 - 2 t \cdot x_j`.  For a group with centre
c and mean :math:`s_0`, :math:`s_j = s_0 + e_j` with :math:`e_j = -2 t \cdot (x_j - c)` linear in x, so

.. math:: \sum_j m_j \varphi(s_j) \approx \sum_{q=0}^{3} \frac{\varphi^{(q)}(s_0)}{q!} \sum_j m_j e_j^q

needs only the moments of the group up to order three.  For each unit of mass the remainder is at most
:math:`\max |\varphi^{(4)}| \, \delta^2 \, E(e^2) / 24` with :math:`\delta = \max |e_j|`.  A group is taken
only where that is below `tolerance` times the smallest weight in it, so the error of a sum of nonnegative
values is at most `tolerance` times the sum.  (Barnes and Hut, 1986, Nature 324, have the tree with a
heuristic in place of the bound.)
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from spatial.compute.compiled import compiled

from .decay_kernels import HEMISPHERE, OPTIONS, SHORT, angle, inverse_distances, raise_inverse, short

__all__ = ["MOMENTS", "build_order", "group_moments", "spread_ratio", "tree_sums"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# 1 + 3 + 6 + 10 monomials of (x - c) up to order three.
MOMENTS = 20
_SECOND = np.array([[4, 7, 8], [7, 5, 9], [8, 9, 6]])  # the places of those of order two
_LANES = 8  # points that the processor takes at once
_NODES = 1 << 16  # of the tree, whose second moments are copied at once

_V = nb.types.Array(nb.float64, 1, "C")
_M = nb.types.Array(nb.float64, 2, "C")
_C = nb.types.Array(nb.float64, 3, "C")
_I = nb.types.Array(nb.int64, 1, "C")


def build_order(points: Float, levels: int) -> tuple[NDArray[np.signedinteger[Any]], Int, Int]:
    """Sort the points into a balanced binary tree: node i has the children 2i + 1 and 2i + 2.

    Nodes hold a multiple of eight points, all but one of a level: loops over 30 points take three times as
    long as loops over 32.

    Parameters
    ----------
    points : (N, 3) unit vectors, in the caller's order.
    levels : depth; the leaves are the last 2**levels nodes.

    Returns
    -------
    order, starts, stops : the permutation (N,), and the slice of each node in it.
    """
    kind = np.int32 if len(points) < 2**31 else np.int64
    order: NDArray[np.signedinteger[Any]] = np.arange(len(points), dtype=kind)
    starts, stops = (np.zeros(2 ** (levels + 1) - 1, dtype=np.int64) for _ in range(2))
    stops[0] = len(points)
    for node in range(2**levels - 1):
        part = order[starts[node] : stops[node]]
        places = points[part]
        half = (len(part) // 2 + _LANES // 2) // _LANES * _LANES
        widest = np.argmax(places.max(axis=0) - places.min(axis=0))
        part[:] = part[np.argpartition(places[:, widest], half)]
        starts[2 * node + 1], stops[2 * node + 1] = starts[node], starts[node] + half
        starts[2 * node + 2], stops[2 * node + 2] = starts[node] + half, stops[node]
    return order, starts, stops


@compiled(nb.void(_V, _V, _V, _M, _I, _I, nb.int64, nb.int64, _M, _C), **OPTIONS)
def group_moments(x, y, z, values, starts, stops, first, last, shape, moments):  # type: ignore[no-untyped-def]
    """Fill centre, mean squared radius and radius in `shape` (nodes, 6), and `moments` (nodes, k, 20)."""
    for node in range(first, last):
        a, b = starts[node], stops[node]
        cx, cy, cz = x[a:b].mean(), y[a:b].mean(), z[a:b].mean()
        spread, radius = 0.0, 0.0
        for j in range(a, b):
            square = (x[j] - cx) ** 2 + (y[j] - cy) ** 2 + (z[j] - cz) ** 2
            spread += square
            radius = max(radius, square)
        shape[node, 0], shape[node, 1], shape[node, 2] = cx, cy, cz
        shape[node, 3], shape[node, 4] = spread / (b - a), np.sqrt(radius)
        for k in range(values.shape[0]):
            m = moments[node, k]
            m[:] = 0.0
            for j in range(a, b):
                w, u, v, t = values[k, j], x[j] - cx, y[j] - cy, z[j] - cz
                m[0] += w
                m[1] += w * u
                m[2] += w * v
                m[3] += w * t
                m[4] += w * u * u
                m[5] += w * v * v
                m[6] += w * t * t
                m[7] += w * u * v
                m[8] += w * u * t
                m[9] += w * v * t
                m[10] += w * u * u * u
                m[11] += w * v * v * v
                m[12] += w * t * t * t
                m[13] += w * u * u * v
                m[14] += w * u * u * t
                m[15] += w * u * v * v
                m[16] += w * v * v * t
                m[17] += w * u * t * t
                m[18] += w * v * t * t
                m[19] += w * u * v * t


def spread_ratio(shape: Float, moments: Float) -> None:
    """Set shape[:, 5] to the largest E(h.u)**2 / r**2 over directions u and columns, at most 1."""
    m = moments
    largest = np.empty(m.shape[:2])
    for start in range(0, len(m), _NODES):
        part = slice(start, start + _NODES)
        largest[part] = np.linalg.eigvalsh(m[part][..., _SECOND])[..., -1]
    mass = m[..., 0] * shape[:, None, 4] ** 2
    ratio = np.divide(largest, mass, out=np.zeros_like(largest), where=mass > 0)
    shape[:, 5] = np.clip(ratio.max(axis=1) * (1 + 1e-9), 0.0, 1.0)


@compiled(nb.float64(nb.float64, nb.float64, nb.float64), **OPTIONS)
def _fourth(low, high, p):  # type: ignore[no-untyped-def]
    """Bound the fourth derivative of theta(s)**-p over [low, high], term by term."""
    theta = angle(low, 4.0 - low)
    q = min(low * (4.0 - low), high * (4.0 - high))
    if q <= 0.0:
        return np.inf
    a = max(abs(2.0 - low), abs(2.0 - high))
    d1 = 1.0 / np.sqrt(q)
    cube = d1 / q
    d2 = a * cube
    d3 = cube * (1.0 + 3.0 * a * a / q)
    d4 = cube / q * a * (9.0 + 15.0 * a * a / q)
    f = 1.0 / theta if p == 1.0 else theta**-p
    return (
        p * (p + 1.0) * (p + 2.0) * (p + 3.0) * f * (d1 / theta) ** 4
        + 6.0 * p * (p + 1.0) * (p + 2.0) * f / (theta * q) * d2 / (theta * theta)
        + p * (p + 1.0) * f / (theta * theta) * (4.0 * d1 * d3 + 3.0 * d2 * d2)
        + p * f / theta * d4
    )


@compiled(nb.boolean(_V, _V, nb.float64, nb.float64), **OPTIONS)
def _far_enough(target, group, p, tolerance):  # type: ignore[no-untyped-def]
    """Whether `group` may be taken by its moments for every target of the leaf `target` (rows of `shape`)."""
    gap, sum_, dot, norm = 0.0, 0.0, 0.0, 0.0
    for axis in range(3):
        gap += (target[axis] - group[axis]) ** 2
        sum_ += (target[axis] + group[axis]) ** 2
        dot += target[axis] * group[axis]
        norm += group[axis] ** 2
    gap, sum_, norm = np.sqrt(gap), np.sqrt(sum_), np.sqrt(norm)
    spread, radius, reach = group[3], group[4], target[4]
    near, far = gap - reach, gap + reach
    if near <= radius or norm < 0.1:
        return False
    # h = x - c is tangential but for r**2 / (2 |c|) along c, because x is on the sphere.
    square = target[0] ** 2 + target[1] ** 2 + target[2] ** 2 - (dot / norm) ** 2
    across = np.sqrt(max(square, 0.0)) + reach
    normal = radius * radius / (2.0 * norm)
    delta = 2.0 * (across * radius + normal)
    typical = 2.0 * (across * radius * np.sqrt(group[5]) + normal)
    low = max((near - radius) ** 2, near * near + spread - delta)
    high = min((far + radius) ** 2, far * far + spread + delta)
    high = min(high, 4.0 - max(sum_ - reach - radius, 0.0) ** 2)
    if high >= 4.0:
        return False
    widest = angle(high, 4.0 - high)
    smallest = 1.0 / widest if p == 1.0 else widest**-p
    remainder = _fourth(low, high, p) * (delta * min(typical, delta)) ** 2 / 24.0
    return remainder <= tolerance * smallest


@compiled(nb.void(_V, _V, _V, _V, nb.float64, _M, nb.float64, _V, _V, _V, _V, nb.int64, _M), **OPTIONS)
def _add_far(x, y, z, group, p, moments, largest, f, g1, g2, g3, start, out):  # type: ignore[no-untyped-def]
    """Add the expansion of one group to all targets, from place `start` of `out` on.

    No squared chord is above `largest`; f, g1, g2, g3 are workspace of the number of targets or more.
    """
    cx, cy, cz, spread = group[0], group[1], group[2], group[3]
    n = x.size
    for i in range(n):
        dx, dy, dz = x[i] - cx, y[i] - cy, z[i] - cz
        g1[i] = dx * dx + dy * dy + dz * dz + spread
    if largest <= SHORT:
        for i in range(n):
            f[i] = short(g1[i]) / np.sqrt(g1[i])
    else:
        for i in range(n):
            f[i] = 1.0 / angle(g1[i], 4.0 - g1[i])
    for i in range(n):
        g2[i] = f[i]
    raise_inverse(g2[:n], p)
    for i in range(n):
        s, t1, value = g1[i], f[i], g2[i]
        d1 = 1.0 / np.sqrt(s * (4.0 - s))
        cube = d1 * d1 * d1
        d2 = -(2.0 - s) * cube
        d3 = cube + 3.0 * (2.0 - s) * (2.0 - s) * cube * d1 * d1
        f1 = -p * value * t1
        f2 = -(p + 1.0) * f1 * t1
        f3 = -(p + 2.0) * f2 * t1
        # Derivatives in s by the chain rule, with the factors (-2)**q / q! of e = -2 t.h folded in.
        f[i] = value
        g1[i] = -2.0 * f1 * d1
        g2[i] = 2.0 * (f2 * d1 * d1 + f1 * d2)
        g3[i] = -4.0 / 3.0 * (f3 * cube + 3.0 * f2 * d1 * d2 + f1 * d3)
    for k in range(moments.shape[0]):
        m, row = moments[k], out[k, start : start + n]
        for i in range(n):
            u, v, t = x[i], y[i], z[i]
            one = m[1] * u + m[2] * v + m[3] * t
            two = m[4] * u * u + m[5] * v * v + m[6] * t * t
            two += 2.0 * (m[7] * u * v + m[8] * u * t + m[9] * v * t)
            three = m[10] * u * u * u + m[11] * v * v * v + m[12] * t * t * t
            three += 3.0 * (m[13] * u * u * v + m[14] * u * u * t + m[15] * u * v * v)
            three += 3.0 * (m[16] * v * v * t + m[17] * u * t * t + m[18] * v * t * t)
            three += 6.0 * m[19] * u * v * t
            row[i] += f[i] * m[0] + g1[i] * one + g2[i] * two + g3[i] * three


@compiled(
    nb.void(
        _V, _V, _V, _V, _V, _V, _M, nb.int64, nb.int64, nb.float64, nb.float64, _V, nb.int64, _M
    ),
    **OPTIONS,
)  # fmt: skip
def _add_near(tx, ty, tz, x, y, z, values, begin, shift, p, largest, workspace, start, out):  # type: ignore[no-untyped-def]
    """Add the exact weights of one leaf, whose values begin at `begin`, to the targets from `start` on.

    Target i is place i + shift of the leaf where that exists.
    """
    weight = workspace[: x.size]
    for i in range(tx.size):
        px, py, pz = tx[i], ty[i], tz[i]
        own = i + shift
        if largest <= HEMISPHERE:
            inverse_distances(x, y, z, px, py, pz, 1.0, largest, weight)
        else:
            for j in range(x.size):
                dx, dy, dz = x[j] - px, y[j] - py, z[j] - pz
                ex, ey, ez = x[j] + px, y[j] + py, z[j] + pz
                weight[j] = 1.0 / angle(dx * dx + dy * dy + dz * dz, ex * ex + ey * ey + ez * ez)
        if 0 <= own < x.size:
            weight[own] = 0.0
        raise_inverse(weight, p)
        for k in range(values.shape[0]):
            column = values[k, begin : begin + x.size]
            total = 0.0
            for j in range(x.size):
                total += weight[j] * column[j]
            out[k, start + i] += total


@compiled(nb.float64(_V, _V), **OPTIONS)
def _largest_chord(target, group):  # type: ignore[no-untyped-def]
    """Bound the squared chords between the places of two nodes (rows of `shape`)."""
    gap = 0.0
    for axis in range(3):
        gap += (target[axis] - group[axis]) ** 2
    return (np.sqrt(gap) + target[4] + group[4]) ** 2


@compiled(
    nb.void(_V, _V, _V, _M, _I, _I, _M, _C, nb.int64, nb.int64, nb.int64, nb.float64, nb.float64, _M),
    **OPTIONS,
)
def tree_sums(x, y, z, values, starts, stops, shape, moments, levels, first, last, p, tolerance, out):  # type: ignore[no-untyped-def]
    """Sum theta**-p * value over all other places, for leaves first..last, in tree order, into `out`.

    The targets too are taken in groups: from the smallest node that holds these leaves down to the leaves,
    each takes the groups that are far enough from all of it, and leaves the rest to its halves.
    """
    leaves = 2**levels - 1
    top, other = leaves + first, leaves + last - 1
    while top != other:
        top, other = (top - 1) // 2, (other - 1) // 2
    # Each split is within four points of the middle, so that a leaf has fewer than eight beyond its share.
    origin, most = starts[top], max(stops[top] - starts[top], x.size // 2**levels + 2 * _LANES)
    f, g1, g2, g3 = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    stack = np.empty(4 * (levels + 2), np.int64)
    # What a target at some depth leaves to its halves: waiting[edge[depth + 1] : edge[depth + 2]].
    waiting, edge = np.zeros(1 << 12, np.int64), np.zeros(levels + 3, np.int64)
    edge[1] = 1
    targets, depths = np.empty(levels + 2, np.int64), np.empty(levels + 2, np.int64)
    targets[0], depths[0] = top, 0
    todo = 1
    out[:] = 0.0
    while todo:
        todo -= 1
        target, depth = targets[todo], depths[todo]
        a, b = starts[target], stops[target]
        tx, ty, tz = x[a:b], y[a:b], z[a:b]
        end = edge[depth + 1]
        for place in range(edge[depth], edge[depth + 1]):
            size = 1
            stack[0] = waiting[place]
            while size:
                size -= 1
                node = stack[size]
                largest = _largest_chord(shape[target], shape[node])
                if _far_enough(shape[target], shape[node], p, tolerance):
                    group = shape[node]
                    _add_far(tx, ty, tz, group, p, moments[node], largest, f, g1, g2, g3, a - origin, out)
                elif node < leaves and (target >= leaves or shape[node, 4] >= shape[target, 4]):
                    stack[size], stack[size + 1] = 2 * node + 1, 2 * node + 2
                    size += 2
                elif target >= leaves:
                    c, d = starts[node], stops[node]
                    nx, ny, nz = x[c:d], y[c:d], z[c:d]
                    _add_near(tx, ty, tz, nx, ny, nz, values, c, a - c, p, largest, f, a - origin, out)
                else:
                    if end == waiting.size:
                        more = np.empty(2 * end, np.int64)
                        more[:end] = waiting
                        waiting = more
                    waiting[end] = node
                    end += 1
        if target < leaves:
            edge[depth + 2] = end
            targets[todo], depths[todo] = 2 * target + 2, depth + 1
            targets[todo + 1], depths[todo + 1] = 2 * target + 1, depth + 1
            todo += 2
