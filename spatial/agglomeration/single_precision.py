r"""Sums over all pairs in single precision, block by block, where a bound on their relative error allows it.

With u = 2^-24 a coordinate of at most r is off by ur, so a chord of length c by a share of
:math:`2 \sqrt 3 u r / c`.  The pairs of a block are at least as far apart as the boxes of its places, which
bounds that share; the decay multiplies it by :math:`|f'(d) d / f(d)|`.  Sums of at most 256 terms that are
not negative add 256 u.  Blocks whose bound is above the tolerance, as of near places, go in double.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from spatial.compute.compiled import compiled

from .decay_kernels import EXPONENTIAL, GAUSSIAN, HEMISPHERE, OPTIONS, POWER, chord_bounds, pair_sums
from .exponentials import exponential_single, logarithm_single

__all__ = ["block_sums"]

_BLOCK = 256  # places
_UNIT = 2.0**-24  # of rounding
_SUMS = (_BLOCK + 8) * _UNIT
_LEAST, _MOST = 1e-18, 1e18  # weights and values, whose products are normal numbers

_S = nb.float32
_V, _M = nb.types.Array(nb.float64, 1, "C"), nb.types.Array(nb.float64, 2, "C")
_V4, _M4 = nb.types.Array(nb.float32, 1, "C"), nb.types.Array(nb.float32, 2, "C")
_I = nb.types.Array(nb.int64, 1, "C")


@compiled(nb.void(_V4, _V4, _V4, _S, _S, _S, nb.boolean, _S, _V4), **OPTIONS)
def _distances(x, y, z, px, py, pz, on_sphere, scale, out):  # type: ignore[no-untyped-def]
    """Write the distances from (px, py, pz), on the sphere for squared chords of at most 2."""
    for j in range(x.size):
        dx, dy, dz = x[j] - px, y[j] - py, z[j] - pz
        out[j] = dx * dx + dy * dy + dz * dz
    if on_sphere:
        for j in range(x.size):
            s = out[j]
            # 2 asin(sqrt(s) / 2) / sqrt(s), a Chebyshev fit to 2e-8.
            p = _S(6.69396870e-06)
            p = p * s - _S(2.19937052e-05)
            p = p * s + _S(7.37692908e-05)
            p = p * s + _S(6.53569880e-05)
            p = p * s + _S(7.26263273e-04)
            p = p * s + _S(4.68007153e-03)
            p = p * s + _S(4.16673867e-02)
            p = p * s + _S(9.99999989e-01)
            out[j] = scale * np.sqrt(s) * p
    else:
        for j in range(x.size):
            out[j] = scale * np.sqrt(out[j])


@compiled(nb.void(_V4, nb.int64, _S), **OPTIONS)
def _weigh(distance, kind, parameter):  # type: ignore[no-untyped-def]
    """Turn distances into weights, in place, as `decay_kernels.weigh` does."""
    one = _S(1.0)
    if kind == POWER:
        if parameter == one:
            for j in range(distance.size):
                distance[j] = one / distance[j]
        elif parameter == _S(2.0):
            for j in range(distance.size):
                distance[j] = one / (distance[j] * distance[j])
        else:
            for j in range(distance.size):
                distance[j] = exponential_single(-parameter * logarithm_single(distance[j]))
    elif kind == EXPONENTIAL:
        inverse = -one / parameter
        for j in range(distance.size):
            distance[j] = exponential_single(distance[j] * inverse)
    elif kind == GAUSSIAN:
        inverse = _S(-0.5) / (parameter * parameter)
        for j in range(distance.size):
            distance[j] = exponential_single(distance[j] * distance[j] * inverse)
    else:
        inverse = one / parameter
        for j in range(distance.size):
            distance[j] = one - distance[j] * inverse


@compiled(nb.float64(nb.float64, nb.int64, nb.float64), **OPTIONS)
def _weight(d, kind, parameter):  # type: ignore[no-untyped-def]
    if kind == POWER:
        return d**-parameter
    if kind == EXPONENTIAL:
        return np.exp(-d / parameter)
    return np.exp(-0.5 * (d / parameter) ** 2) if kind == GAUSSIAN else 1.0 - d / parameter


@compiled(nb.float64(nb.float64, nb.float64, nb.float64, nb.float64, nb.int64, nb.float64), **OPTIONS)
def _error(chord, nearest, farthest, reach, kind, parameter):  # type: ignore[no-untyped-def]
    """Bound the relative error of sums over pairs that lie between `nearest` and `farthest`; infinity: none.

    `chord` is that of the nearest, `reach` the largest coordinate.
    """
    if not chord > 0.0:
        return np.inf
    left, right = _weight(nearest, kind, parameter), _weight(farthest, kind, parameter)
    if not (right >= _LEAST and left <= _MOST):
        return np.inf
    of_distance = (3.5 * reach / chord + 8.0) * _UNIT
    if kind == POWER:
        argument = parameter * max(abs(np.log(nearest)), abs(np.log(farthest)))
        return _SUMS + parameter * of_distance + (4.0 * argument + 8.0) * _UNIT
    share = farthest / parameter
    if kind == EXPONENTIAL:
        return _SUMS + share * of_distance + (4.0 * share + 8.0) * _UNIT
    if kind == GAUSSIAN:
        return _SUMS + share * share * of_distance + (4.0 * share * share + 8.0) * _UNIT
    return _SUMS + share / (1.0 - share) * (of_distance + 2.0 * _UNIT) + 4.0 * _UNIT


@compiled(
    nb.void(
        _V4, _V4, _V4, _M4, nb.int64, nb.int64, nb.int64, nb.int64, nb.boolean, _S, nb.int64, _S, _V4, _M
    ),
    **OPTIONS,
)  # fmt: skip
def _far_sums(x, y, z, values, a, b, c, d, on_sphere, scale, kind, parameter, weight, out):  # type: ignore[no-untyped-def]
    """Add f(D_ij) x_j to i and f(D_ij) x_i to j, for i in a..b and j in c..d, at most `_BLOCK` of each."""
    w = weight[: d - c]
    bx, by, bz = x[c:d], y[c:d], z[c:d]
    rows = np.zeros((values.shape[0], d - c), dtype=np.float32)
    for i in range(a, b):
        _distances(bx, by, bz, x[i], y[i], z[i], on_sphere, scale, w)
        _weigh(w, kind, parameter)
        for k in range(values.shape[0]):
            column, given = values[k, c:d], rows[k]
            own, total = values[k, i], _S(0.0)
            for j in range(w.size):
                total += w[j] * column[j]
            for j in range(w.size):
                given[j] += w[j] * own
            out[k, i] += total
    for k in range(values.shape[0]):
        for j in range(d - c):
            out[k, c + j] += rows[k, j]


@compiled(
    nb.void(
        _V, _V, _V, _M, _I, _I, nb.boolean, nb.boolean, nb.float64, nb.int64, nb.float64, nb.float64,
        nb.float64, nb.float64, _M,
    ),
    **OPTIONS,
)  # fmt: skip
def block_sums(  # type: ignore[no-untyped-def]
    x, y, z, values, ours, theirs, same, on_sphere, scale, kind, parameter, cutoff, reach, tolerance, out
):
    """Add the sums of `decay_kernels.pair_sums`, block by block, off by a share of at most `tolerance`.

    Parameters
    ----------
    x, y, z, values, on_sphere, scale, kind, parameter, cutoff, out : as there; values from 0 to 1.
    ours, theirs : where blocks of at most `_BLOCK` places start, and the last one ends.
    same : whether these are the same places, each pair of which counts once.
    reach : the largest coordinate.
    tolerance : 0 for double precision throughout.
    """
    singles = x.astype(np.float32), y.astype(np.float32), z.astype(np.float32), values.astype(np.float32)
    weight = np.empty(_BLOCK, dtype=np.float32)
    for p in range(ours.size - 1):
        a, b = ours[p], ours[p + 1]
        for q in range(p if same else 0, theirs.size - 1):
            c, d = theirs[q], theirs[q + 1]
            low, high = chord_bounds(x, y, z, a, b, c, d)
            far = np.inf
            if not on_sphere or high <= HEMISPHERE:
                chord, most = np.sqrt(low), np.sqrt(high)
                nearest = scale * (2.0 * np.arcsin(0.5 * chord) if on_sphere else chord)
                farthest = scale * (2.0 * np.arcsin(0.5 * most) if on_sphere else most)
                if farthest <= cutoff:
                    far = _error(chord, nearest, farthest, reach, kind, parameter)
            if far <= tolerance:
                _far_sums(*singles, a, b, c, d, on_sphere, _S(scale), kind, _S(parameter), weight, out)
            else:
                pair_sums(x, y, z, values, a, b, c, d, on_sphere, scale, kind, parameter, cutoff, out)
