"""Sparse times dense for wide blocks: units in an order that keeps neighbours near, rows in registers.

The bits are those of scipy, which adds up the links of a row in the same order.  Below some 30 columns moving
values into that order and back takes what it saves, as do kernels of 8 and 16 columns: scipy serves there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .threads import check_workers, run_tasks

__all__ = ["is_wide", "wide_product"]

Float = NDArray[np.float64]
Int = NDArray[np.int32]

_WORK = 100_000_000  # links times columns, from which the kernels are worth loading
_COLUMNS = 32
_NEAR = 4096  # rows whose neighbours are no farther apart are left as they are
_RANGE = 4096  # units that a task takes


@dataclass(frozen=True, eq=False)
class _Ordered:
    """A matrix whose units are in `order`, their own unless `moved`; the links of each row as they stood."""

    order: Int
    moved: bool
    indptr: NDArray[np.int64]
    indices: Int
    data: Float


_kept: dict[int, _Ordered] = {}


def is_wide(matrix: sp.csr_array, columns: int) -> bool:
    """Whether a product with so many columns is large enough for `wide_product`."""
    small = max(matrix.nnz, matrix.shape[0]) <= np.iinfo(np.int32).max
    return bool(small and columns >= _COLUMNS and matrix.nnz * columns >= _WORK)


def wide_product(matrix: sp.csr_array, values: Float) -> Float:
    """Return W x for (N, m) values, on all cores.

    Examples
    --------
    >>> W = sp.csr_array(np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    >>> wide_product(W, np.arange(6.0).reshape(3, 2)).tolist()
    [[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]]
    """
    held, n = _ordered(matrix), len(values)
    rows = values[held.order] if held.moved else values
    out = np.empty(values.shape)
    run_tasks(
        range(0, n, _RANGE),
        _Product(held, rows.ravel(), out.ravel(), values.shape[1]),
        lambda first, _: min(_RANGE, n - first),
        workers=check_workers(None),
        total=n,
        seconds=1e-9 * matrix.nnz * values.shape[1],
        progress=False,
        label="spatial lag",
    )
    return out


def _ordered(matrix: sp.csr_array) -> _Ordered:
    """Return the matrix with near units in near rows; kept for weights, whose arrays nobody can change."""
    if id(matrix) in _kept:
        return _kept[id(matrix)]
    found = _reordered(matrix)
    if not (matrix.data.flags.writeable or matrix.indices.flags.writeable):
        _kept[id(matrix)] = found
        weakref.finalize(matrix, _kept.pop, id(matrix), None)
    return found


def _reordered(matrix: sp.csr_array) -> _Ordered:
    n, counts = matrix.shape[0], np.diff(matrix.indptr)
    heads = np.repeat(np.arange(n, dtype=np.int32), counts)
    order = np.arange(n, dtype=np.int32)
    moved = bool(np.abs(heads - matrix.indices).max(initial=0) > _NEAR)
    if moved:
        from scipy.sparse.csgraph import reverse_cuthill_mckee  # here: it loads much of scipy

        order = reverse_cuthill_mckee(sp.csr_matrix(matrix)).astype(np.int32)
    place = np.empty(n, dtype=np.int32)
    place[order] = np.arange(n, dtype=np.int32)
    indptr = np.append(0, np.cumsum(counts[order], dtype=np.int64))
    links = np.arange(indptr[-1]) + np.repeat(matrix.indptr[order] - indptr[:-1], counts[order])
    data = matrix.data[links].astype(np.float64)
    return _Ordered(order, moved, indptr, place[matrix.indices[links]], data)


@dataclass(frozen=True, eq=False)
class _Product:
    """The job of `wide_product`: a task is the number of the first of some units, in order."""

    held: _Ordered
    rows: Float
    out: Float
    columns: int

    def prepare(self) -> Callable[[int], None]:
        from .product_kernels import multiply

        held, last = self.held, len(self.held.order)

        def work(first: int) -> None:
            stop = min(first + _RANGE, last)
            links = (held.indptr, held.indices, held.data, held.order)
            multiply(*links, self.rows, self.out, self.columns, first, stop)

        return work
