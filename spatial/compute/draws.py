"""Uniform random permutations and signs on arrays, from the counters that the compiled kernels use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .counters import BUCKET, GAMMA, mix_array, stream_key

__all__ = ["BUCKET", "random_signs", "uniform_permutations"]

Float = NDArray[np.float64]
Rows = NDArray[np.int32]
Words = NDArray[np.uint64]

_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_BITS = 0xFFFFFFFFFFFFFFFF


def uniform_permutations(n: int, start: int, count: int, *, seed: int, stream: int = 0) -> Rows:
    """Return permutations number ``start .. start + count - 1``, the columns of (n, count).

    Place i of permutation p holds the number of the unit whose value it gets.  They are those of
    `permute_quadratic`: a function of (seed, stream, permutation) alone.
    """
    key = stream_key(seed, stream)
    if n > BUCKET:
        from .permutation_kernels import permutation_rows

        return permutation_rows(n, start, count, key)
    numbers = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    keys = mix_array(key ^ mix_array(numbers * GAMMA))
    places = _places(n, mix_array(keys ^ (np.uint64(1) << _HALF)))
    # Inside-out Fisher-Yates, all permutations at once.
    moved = np.empty((n, count), dtype=np.int32)
    columns = np.arange(count)
    flat = moved.reshape(-1)
    for t in range(n):
        j = places[t]
        at = j * count + columns
        moved[t] = flat[at]
        flat[at] = t
    return moved


def _places(m: int, keys: Words) -> NDArray[np.int64]:
    """Return ``places[t, p]``, uniform on 0..t, for each key: Lemire (2019), with his rejection."""
    pairs = (m + 1) // 2
    steps = np.arange(1, pairs + 1, dtype=np.uint64)[:, None]
    x = mix_array(keys[None, :] + steps * GAMMA)
    low_bound = 2 * steps - np.uint64(1)
    places = np.empty((2 * pairs, len(keys)), dtype=np.int64)
    product = (x & _MASK) * low_bound
    doubt = ((product & _MASK) < low_bound).any(axis=0)
    places[0::2] = product >> _HALF
    product = (x >> _HALF) * (low_bound + np.uint64(1))
    doubt |= ((product & _MASK) < low_bound + np.uint64(1)).any(axis=0)
    places[1::2] = product >> _HALF
    for p in np.flatnonzero(doubt):
        places[:m, p] = _careful_places(m, int(keys[p]), x[:, p])
    return places[:m]


def _careful_places(m: int, key: int, x: Words) -> NDArray[np.int64]:
    """Return the places of one permutation, drawing again what would favour some of them."""
    bounds = np.arange(1, m + 1, dtype=np.uint64)
    words = np.empty(2 * len(x), dtype=np.uint64)
    words[0::2], words[1::2] = x & _MASK, x >> _HALF
    products = words[:m] * bounds
    least = (np.uint64(1) << _HALF) % bounds
    spare = len(x)
    for t in np.flatnonzero((products & _MASK) < least):
        product = int(products[t])
        while product & 0xFFFFFFFF < int(least[t]):
            spare += 1
            word = mix_array((key + spare * int(GAMMA)) & _BITS)[0]
            product = (int(word) & 0xFFFFFFFF) * (int(t) + 1)
        products[t] = product
    return np.asarray(products >> _HALF, dtype=np.int64)


def random_signs(n: int, count: int, *, seed: int, stream: int = 0) -> Float:
    """Return independent signs, -1.0 or 1.0, (count, n).

    Examples
    --------
    >>> random_signs(3, 2, seed=0).shape, bool((abs(random_signs(3, 2, seed=0)) == 1).all())
    ((2, 3), True)
    """
    start: Any = stream_key(seed, stream)
    counter = np.arange(1, count * n + 1, dtype=np.uint64).reshape(count, n)
    return np.where(mix_array(start + counter * GAMMA) >> np.uint64(63), 1.0, -1.0)
