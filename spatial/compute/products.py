"""Sparse times dense for large blocks: on all cores, 16 columns at a time, what comes next asked for.

The bits are those of scipy, which adds up the links of a row in the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .threads import Workers, check_workers, run_tasks

__all__ = ["product"]

Float = NDArray[np.float64]

_WORK = 15_000_000  # links times columns, from which the kernels are worth loading
_ROWS = 16_384  # that a task takes


def product(matrix: Any, values: Float, *, workers: int | None = None) -> Float:
    """Return W x for (N,), (N, m) or (T, N, m) values, each time by itself; of anything that has a product.

    Examples
    --------
    >>> W = sp.csr_array(np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    >>> product(W, np.arange(6.0).reshape(3, 2)).tolist()
    [[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]]
    """
    if _is_large(matrix, values):
        return _large(matrix, np.ascontiguousarray(values), check_workers(workers))
    if values.ndim < 3:
        return np.asarray(matrix @ values)
    return np.stack([matrix @ block for block in values])


def _is_large(matrix: Any, values: Float) -> bool:
    if not (sp.issparse(matrix) and matrix.format == "csr" and values.ndim > 1):
        return False
    fits = max(matrix.nnz, *matrix.shape) <= np.iinfo(np.int32).max and values.shape[-2] == matrix.shape[1]
    floats = matrix.dtype == values.dtype == np.float64
    columns = values.size // max(matrix.shape[1], 1)
    return bool(fits and floats and values.shape[-1] > 1 and matrix.nnz * columns >= _WORK)


def _large(matrix: Any, values: Float, workers: Workers) -> Float:
    from .product_kernels import WIDEST

    rows, columns = matrix.shape[0], values.shape[-1]
    out = np.empty((*values.shape[:-2], rows, columns))
    links = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False), matrix.data
    panels = -(-columns // WIDEST)
    cuts = [columns * k // panels for k in range(panels + 1)]
    times = range(values.size // max(values.shape[-2] * columns, 1))
    # Some columns of all rows before the next ones: what is gathered stays in the caches.
    tasks = [
        (t, a, b, first)
        for t in times
        for a, b in itertools.pairwise(cuts)
        for first in range(0, rows, _ROWS)
    ]
    run_tasks(
        tasks,
        _Product(links, values.ravel(), out.ravel(), values.shape[-2:], rows),
        lambda *_: 1,
        workers=workers,
        total=len(tasks),
        seconds=1e-9 * matrix.nnz * len(times) * columns,
        progress=False,
        label="spatial lag",
    )
    return out


@dataclass(frozen=True, eq=False)
class _Product:
    """The job of `product`: a task is a time, the first and the last column, and the first row."""

    links: tuple[NDArray[np.int64], NDArray[np.int32], Float]
    values: Float
    out: Float
    shape: tuple[int, ...]
    rows: int

    def prepare(self) -> Callable[[tuple[int, int, int, int]], None]:
        from .product_kernels import multiply_of

        (units, columns), rows = self.shape, self.rows

        def work(task: tuple[int, int, int, int]) -> None:
            t, a, b, first = task
            given, made = self.values[t * units * columns + a :], self.out[t * rows * columns + a :]
            multiply_of(b - a)(*self.links, given, made, columns, first, min(first + _ROWS, rows))

        return work
