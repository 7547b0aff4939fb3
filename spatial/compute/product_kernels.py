"""The compiled part of sparse times dense: numbers without signs keep the loops over columns in registers."""

from __future__ import annotations

import numba as nb
import numpy as np

from .compiled import compiled

__all__ = ["multiply"]

_U = nb.uint64
_INDICES = nb.types.Array(nb.int32, 1, "C", readonly=True)
_POINTERS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_GIVEN = nb.types.Array(nb.float64, 1, "C", readonly=True)
_MADE = nb.types.Array(nb.float64, 1, "C")


@compiled(nb.void(_POINTERS, _INDICES, _GIVEN, _INDICES, _GIVEN, _MADE, nb.int64, nb.int64, nb.int64))
def multiply(indptr, indices, data, order, rows, out, m, start, stop):  # type: ignore[no-untyped-def]
    """Put row i of the product where unit order[i] stands; four links at a time, each added in its turn."""
    columns = _U(m)
    total = np.empty(columns)
    for i in range(start, stop):
        for c in range(columns):
            total[c] = 0.0
        link, last = indptr[i], indptr[i + 1]
        while link + 4 <= last:
            w0, w1, w2, w3 = data[link], data[link + 1], data[link + 2], data[link + 3]
            a, b = _U(indices[link]) * columns, _U(indices[link + 1]) * columns
            d, e = _U(indices[link + 2]) * columns, _U(indices[link + 3]) * columns
            for c in range(columns):
                two = (total[c] + w0 * rows[a + c]) + w1 * rows[b + c]
                total[c] = (two + w2 * rows[d + c]) + w3 * rows[e + c]
            link += 4
        while link < last:
            w0, a = data[link], _U(indices[link]) * columns
            for c in range(columns):
                total[c] += w0 * rows[a + c]
            link += 1
        to = _U(order[i]) * columns
        for c in range(columns):
            out[to + c] = total[c]
