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

from .exponentials import exponential, logarithm

__all__ = [
    "EXPONENTIAL",
    "GAUSSIAN",
    "HEMISPHERE",
    "LINEAR",
    "OPTIONS",
    "POWER",
    "SHORT",
    "angle",
    "chord_bounds",
    "inverse_distances",
    "pair_sums",
    "raise_inverse",
    "short",
    "weigh",
]

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
                distance[j] = exponential(-parameter * logarithm(distance[j]))
    elif kind == EXPONENTIAL:
        for j in range(count):
            distance[j] = exponential(-distance[j] / parameter)
    elif kind == GAUSSIAN:
        for j in range(count):
            distance[j] = exponential(-0.5 * (distance[j] / parameter) ** 2)
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


# 1 / theta = R(s) / sqrt(s), with R a polynomial in the squared chord s: Chebyshev fits, to 4e-16, on
# [0, 1/4] (3,200 km), [0, 4/5] (5,900 km) and [0, 2] (the near hemisphere).
SHORT, _MIDDLE, HEMISPHERE = 0.25, 0.8, 2.0
_ONE = nb.float64(nb.float64)


@compiled(_ONE, **OPTIONS)
def short(s):  # type: ignore[no-untyped-def]
    """Return R(s) for s up to 1/4."""
    p = -4.828065992023836e-07
    p = p * s - 1.9515199541520314e-06
    p = p * s - 1.057553649849735e-05
    p = p * s - 5.997709290800106e-05
    p = p * s - 0.00037925766872343587
    p = p * s - 0.0029513888869151694
    p = p * s - 0.041666666666690215
    return p * s + 1.0


@compiled(_ONE, **OPTIONS)
def _middle(s):  # type: ignore[no-untyped-def]
    """Return R(s) for s up to 4/5."""
    p = -9.904622170652423e-09
    p = p * s - 2.24891084434886e-09
    p = p * s - 9.66638392608395e-08
    p = p * s - 3.802273720687934e-07
    p = p * s - 1.9951539040880855e-06
    p = p * s - 1.0565779939445306e-05
    p = p * s - 5.997833099879213e-05
    p = p * s - 0.0003792575799136828
    p = p * s - 0.002951388890226666
    p = p * s - 0.04166666666663981
    return p * s + 0.9999999999999999


@compiled(_ONE, **OPTIONS)
def _hemisphere(s):  # type: ignore[no-untyped-def]
    """Return R(s) for s up to 2."""
    p = -5.525127411807576e-11
    p = p * s + 7.020257877454983e-10
    p = p * s - 4.2686930533904436e-09
    p = p * s + 1.5748903266433787e-08
    p = p * s - 3.9778275008610294e-08
    p = p * s + 6.994664999478887e-08
    p = p * s - 9.5627920110133e-08
    p = p * s + 7.172987839937921e-08
    p = p * s - 1.423150658128487e-07
    p = p * s - 3.5980461782531603e-07
    p = p * s - 2.00181099129615e-06
    p = p * s - 1.0564220605639873e-05
    p = p * s - 5.997858191203651e-05
    p = p * s - 0.0003792575545350862
    p = p * s - 0.0029513888916083133
    p = p * s - 0.04166666666660978
    return p * s + 0.9999999999999998


@compiled(nb.void(_V, _V, _V, nb.float64, nb.float64, nb.float64, nb.float64, nb.float64, _V), **OPTIONS)
def inverse_distances(x, y, z, px, py, pz, scale, largest, out):  # type: ignore[no-untyped-def]
    """Write 1 / (scale * theta) from (px, py, pz), all squared chords being at most `largest`, at most 2."""
    factor = 1.0 / scale
    if largest <= SHORT:
        for j in range(x.size):
            dx, dy, dz = x[j] - px, y[j] - py, z[j] - pz
            s = dx * dx + dy * dy + dz * dz
            out[j] = factor * short(s) / np.sqrt(s)
    elif largest <= _MIDDLE:
        for j in range(x.size):
            dx, dy, dz = x[j] - px, y[j] - py, z[j] - pz
            s = dx * dx + dy * dy + dz * dz
            out[j] = factor * _middle(s) / np.sqrt(s)
    else:
        for j in range(x.size):
            dx, dy, dz = x[j] - px, y[j] - py, z[j] - pz
            s = dx * dx + dy * dy + dz * dz
            out[j] = factor * _hemisphere(s) / np.sqrt(s)


@compiled(nb.void(_V, nb.float64), **OPTIONS)
def raise_inverse(inverse, power):  # type: ignore[no-untyped-def]
    """Raise inverse distances to the power, in place."""
    if power == 2.0:
        for j in range(inverse.size):
            inverse[j] *= inverse[j]
    elif power == 0.5:
        for j in range(inverse.size):
            inverse[j] = np.sqrt(inverse[j])
    elif power != 1.0:
        for j in range(inverse.size):
            inverse[j] = exponential(power * logarithm(inverse[j]))


_TWO = nb.types.UniTuple(nb.float64, 2)  # type: ignore[no-untyped-call, unused-ignore]


@compiled(_TWO(_V, _V, _V, nb.int64, nb.int64, nb.int64, nb.int64), **OPTIONS)
def chord_bounds(x, y, z, a, b, c, d):  # type: ignore[no-untyped-def]
    """Bound the squared chords between the places a..b and c..d, from below and above, by their boxes."""
    smallest, largest = 0.0, 0.0
    for axis in range(3):
        v = x if axis == 0 else (y if axis == 1 else z)
        low, high, left, right = v[a], v[a], v[c], v[c]
        for i in range(a, b):
            low, high = min(low, v[i]), max(high, v[i])
        for j in range(c, d):
            left, right = min(left, v[j]), max(right, v[j])
        near, far = max(left - high, low - right, 0.0), max(right - low, high - left)
        smallest += near * near
        largest += far * far
    return smallest, largest


@compiled(
    nb.void(
        _V, _V, _V, _M, nb.int64, nb.int64, nb.int64, nb.int64, nb.boolean, nb.float64, nb.int64, nb.float64,
        nb.float64, _M,
    ),
    **OPTIONS,
)  # fmt: skip
def pair_sums(x, y, z, values, a, b, c, d, on_sphere, scale, kind, parameter, cutoff, out):  # type: ignore[no-untyped-def]
    """Add f(D_ij) x_j to i and f(D_ij) x_i to j, for each pair of a place i in a..b and a place j in c..d.

    Each pair once: the two ranges are the same one, or have no place in common.  No two places may coincide.

    Parameters
    ----------
    x, y, z : (N,) coordinates: unit vectors on the sphere, or a plane.
    values : (k, N) the columns.
    scale : multiplies the angle (or planar distance) into the unit of the decay.
    kind, parameter : the decay and its power or bandwidth, as in `weigh`.
    cutoff : farther places count nothing, in the same unit; infinity for none.
    out : (k, N), added to.
    """
    weight = np.empty(_BLOCK)
    plain = on_sphere and kind == POWER and cutoff == np.inf
    # Squared chords of which no pair counts; a little more, for the boxes are rounded too.
    reach = (min(cutoff, parameter) if kind == LINEAR else cutoff) / scale * (1.0 + 1e-9)
    beyond = reach * reach if not on_sphere else (4.0 * np.sin(0.5 * reach) ** 2 if reach < np.pi else np.inf)
    for first in range(a, b, _BLOCK):
        last = min(first + _BLOCK, b)
        for start in range(first if a == c else c, d, _BLOCK):
            stop = min(start + _BLOCK, d)
            near, largest = chord_bounds(x, y, z, first, last, start, stop)
            if near > beyond:
                continue
            largest = largest if plain else np.inf
            for i in range(first, last):
                begin = max(start, i + 1) if a == c else start
                # Slices, not offsets: an index that might be negative keeps loops out of vector registers.
                bx, by, bz, w = x[begin:stop], y[begin:stop], z[begin:stop], weight[: stop - begin]
                if largest <= HEMISPHERE:
                    inverse_distances(bx, by, bz, x[i], y[i], z[i], scale, largest, w)
                    raise_inverse(w, parameter)
                else:
                    _distances(bx, by, bz, x[i], y[i], z[i], on_sphere, scale, w)
                    if cutoff < np.inf:
                        for j in range(w.size):
                            w[j] = w[j] if w[j] <= cutoff else np.inf
                    weigh(w, w.size, kind, parameter)
                for k in range(values.shape[0]):
                    column, row = values[k, begin:stop], out[k, begin:stop]
                    own, total = values[k, i], 0.0
                    for j in range(w.size):
                        total += w[j] * column[j]
                    for j in range(w.size):
                        row[j] += w[j] * own
                    out[k, i] += total
