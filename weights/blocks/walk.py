"""Weights by blocks as a matrix: sums, diagonal, products and the pairs of links that answer each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.weights.normalization import perron_bound

from .value import OpenWeights

__all__ = ["BlockMatrix", "whole_matrix"]

Float = NDArray[np.float64]

_LINKS = 20_000_000  # whose answers are looked for at once


@dataclass(frozen=True)
class _Facts:
    sums: Float
    own: Float
    counts: NDArray[np.int32]
    columns: Float  # sums of columns, without signs
    rows: float  # the largest sum of a row, without signs
    least: float  # the least weight


@dataclass(frozen=True, eq=False)
class BlockMatrix:
    """The matrix of weights of which one block is held, for what asks for sums and products alone.

    Parameters
    ----------
    weights : OpenWeights

    Examples
    --------
    >>> import spatial as sp
    >>> W = BlockMatrix(sp.weights.grid((3, 3), stored=False, rook=True))
    >>> W.sum(), W.answered(), (W @ np.ones((9, 1)))[:2].ravel().tolist()
    (24.0, 24.0, [2.0, 3.0])
    """

    weights: OpenWeights

    @property
    def shape(self) -> tuple[int, int]:
        """(N, N)."""
        return self.weights.shape

    @cached_property
    def whole(self) -> sparse.csr_array:
        """All of it, in memory; refused with its size where it does not fit."""
        return self.weights.matrix()

    @cached_property
    def _facts(self) -> _Facts:
        n = self.shape[0]
        sums, own, counts = np.empty(n), np.zeros(n), np.empty(n, dtype=np.int32)
        columns, rows, least = np.zeros(n), 0.0, np.inf
        for block in self.weights.blocks():
            matrix, size = block.matrix, abs(block.matrix)
            sums[block.rows] = np.asarray(matrix.sum(axis=1)).ravel()
            counts[block.rows] = np.diff(matrix.indptr)
            columns += np.bincount(matrix.indices, weights=size.data, minlength=n)
            own[block.rows] = block.own
            rows = max(rows, float(np.asarray(size.sum(axis=1)).max(initial=0.0)))
            least = min(least, float(matrix.data.min(initial=np.inf)))
        return _Facts(sums, own, counts, columns, rows, least)

    def sum(self, axis: int | None = None) -> Any:
        """Return the sum of all weights, or with axis=1 those of rows, (N,)."""
        return self._facts.sums if axis == 1 else float(self._facts.sums.sum())

    def diagonal(self) -> Float:
        """Own weights, (N,)."""
        return self._facts.own

    def __matmul__(self, values: Float) -> Float:
        return np.asarray(self.weights @ values)

    def radius_bound(self) -> float:
        """Return what `spatial.weights.normalization.radius_bound` does, from walks over the blocks."""
        facts = self._facts
        if not self.weights.n_links:
            return 0.0
        if facts.least > 0 and np.ptp(facts.sums) <= 1e-12 * facts.sums.max():
            return float(facts.sums.mean())
        bound = min(facts.rows, float(facts.columns.max()))
        return bound if facts.least < 0 else min(bound, perron_bound(self))

    def answered(self) -> float:
        """Return the trace of W times W: the sum of each weight times the one that leads back."""
        n, total = self.shape[0], 0.0
        ends = np.cumsum(self._facts.counts, dtype=np.int64)
        cuts = np.searchsorted(ends, np.arange(_LINKS, ends[-1] + _LINKS, _LINKS), side="left") + 1
        first = 0
        for last in np.minimum(cuts, n).tolist():
            if last > first:
                total += self._answered(first, last)
                first = last
        return total

    def _answered(self, first: int, last: int) -> float:
        """Return the same of the rows first, ..., last - 1."""
        ahead: list[tuple[Any, ...]] = []
        back: list[tuple[Any, ...]] = []
        for block in self.weights.blocks():
            heads = np.repeat(block.rows, np.diff(block.matrix.indptr))
            for here, there, kept in (
                (heads, block.matrix.indices, ahead),
                (block.matrix.indices, heads, back),
            ):
                mine = (here >= first) & (here < last)
                kept.append((here[mine] - first, there[mine], block.matrix.data[mine]))
        shape = (last - first, self.shape[0])
        both = []
        for parts in (ahead, back):
            here, there, data = (np.concatenate(found) for found in zip(*parts, strict=True))
            both.append(sparse.csr_array((data, (here, there)), shape=shape))
        return float(both[0].multiply(both[1]).sum())


def whole_matrix(matrix: Any) -> Any:
    """Return a matrix that is held."""
    return matrix.whole if isinstance(matrix, BlockMatrix) else matrix
