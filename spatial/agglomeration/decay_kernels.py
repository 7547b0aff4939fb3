"""Compiled sums over all pairs of places, in blocks: distance from the chord, weight from the distance.

The angle of a chord of squared length s on the unit sphere is theta = 2 asin(sqrt(s) / 2).  It is written as
2 sqrt(z) P(z) with z = min(s/4, 1 - s/4) <= 1/2, so that one polynomial serves both hemispheres and the loop
runs in vector registers; the largest relative error against `math.asin` is 3.4e-16.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from spatial.compute.compiled import compiled

__all__ = ["EXPONENTIAL", "GAUSSIAN", "LINEAR", "OPTIONS", "POWER", "angle", "pair_sums", "weigh"]

POWER, EXPONENTIAL, GAUSSIAN, LINEAR = 0, 1, 2, 3
_BLOCK = 1024
# Fused multiply-add and reordered sums are harmless here; NaN and infinity keep their meaning.
OPTIONS: dict[str, Any] = {"fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}

_V = nb.types.Array(nb.float64, 1, "C")
_M = nb.types.Array(nb.float64, 2, "C")


@compiled(nb.float64(nb.float64, nb.float64), **OPTIONS)
def angle(s, opposite):  # type: ignore[no-untyped-def]
    """Return theta from the squared chord `s`, with `opposite` = 4 - s computed without cancellation."""
    near = s <= opposite
    z = 0.25 * (s if near else opposite)
    # Chebyshev fit of asin(sqrt(z)) / sqrt(z) on [0, 1/2], degree 18, error 2e-17.
    p = 0.8892904367638688
    p = p * z - 3.278933156739812
    p = p * z + 5.7579408313146985
    p = p * z - 6.229299875397985
    p = p * z + 4.6420689099888435
    p = p * z - 2.4908808126226116
    p = p * z + 1.0082016650534187
    p = p * z - 0.2968705430689824
    p = p * z + 0.07871611357002127
    p = p * z - 0.002601537848299688
    p = p * z + 0.013191002571753903
    p = p * z + 0.01380344589589198
    p = p * z + 0.017364281439103527
    p = p * z + 0.022371584779320355
    p = p * z + 0.030381963396751827
    p = p * z + 0.044642856762615
    p = p * z + 0.07500000000401816
    p = p * z + 0.16666666666664987
    p = p * z + 1.0
    theta = 2.0 * np.sqrt(z) * p
    return theta if near else np.pi - theta


@compiled(nb.void(_V, nb.int64, nb.int64, nb.float64), **OPTIONS)
def weigh(distance, count, kind, parameter):  # type: ignore[no-untyped-def]
    """Turn the first `count` distances into weights, in place; `parameter` is the power or the bandwidth."""
    if kind == POWER:
        if parameter == 1.0:
            for j in range(count):
                distance[j] = 1.0 / distance[j]
        elif parameter == 2.0:
            for j in range(count):
                distance[j] = 1.0 / (distance[j] * distance[j])
        elif parameter == 0.5:
            for j in range(count):
                distance[j] = 1.0 / np.sqrt(distance[j])
        else:
            for j in range(count):
                distance[j] = np.exp(-parameter * np.log(distance[j]))
    elif kind == EXPONENTIAL:
        for j in range(count):
            distance[j] = np.exp(-distance[j] / parameter)
    elif kind == GAUSSIAN:
        for j in range(count):
            distance[j] = np.exp(-0.5 * (distance[j] / parameter) ** 2)
    else:
        for j in range(count):
            distance[j] = max(0.0, 1.0 - distance[j] / parameter)


@compiled(nb.void(_V, _V, _V, nb.float64, nb.float64, nb.float64, nb.boolean, nb.float64, _V), **OPTIONS)
def _distances(x, y, z, px, py, pz, on_sphere, scale, out):  # type: ignore[no-untyped-def]
    """Write the distances from (px, py, pz) to the points."""
    if on_sphere:
        for j in range(x.size):
            dx, dy, dz = x[j] - px, y[j] - py, z[j] - pz
            ex, ey, ez = x[j] + px, y[j] + py, z[j] + pz
            out[j] = scale * angle(dx * dx + dy * dy + dz * dz, ex * ex + ey * ey + ez * ez)
    else:
        for j in range(x.size):
            dx, dy, dz = x[j] - px, y[j] - py, z[j] - pz
            out[j] = scale * np.sqrt(dx * dx + dy * dy + dz * dz)


@compiled(
    nb.void(_V, _V, _V, _M, nb.int64, nb.int64, nb.boolean, nb.float64, nb.int64, nb.float64, nb.float64, _M),
    **OPTIONS,
)
def pair_sums(x, y, z, values, first, last, on_sphere, scale, kind, parameter, cutoff, out):  # type: ignore[no-untyped-def]
    """Sum f(D_ij) x_j over all j != i for targets first..last; no two places may coincide.

    Parameters
    ----------
    x, y, z : (N,) coordinates: unit vectors on the sphere, or a plane.
    values : (k, N) the columns.
    scale : multiplies the angle (or planar distance) into the unit of the decay.
    kind, parameter : the decay and its power or bandwidth, as in `weigh`.
    cutoff : farther places count nothing, in the same unit; infinity for none.
    out : (k, N), written for the targets.
    """
    n = x.size
    weight = np.empty(_BLOCK)
    for i in range(first, last):
        for k in range(values.shape[0]):
            out[k, i] = 0.0
        for start in range(0, n, _BLOCK):
            stop = min(start + _BLOCK, n)
            count = stop - start
            # Slices, not offsets: an index that might be negative keeps the loops out of vector registers.
            bx, by, bz = x[start:stop], y[start:stop], z[start:stop]
            _distances(bx, by, bz, x[i], y[i], z[i], on_sphere, scale, weight)
            own = i - start
            if 0 <= own < count:
                weight[own] = np.inf
            if cutoff < np.inf:
                for j in range(count):
                    weight[j] = weight[j] if weight[j] <= cutoff else np.inf
            weigh(weight, count, kind, parameter)
            for k in range(values.shape[0]):
                column = values[k, start:stop]
                total = 0.0
                for j in range(count):
                    total += weight[j] * column[j]
                out[k, i] += total
