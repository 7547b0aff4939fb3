"""The cells of a raster as blocks of rows, which are made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from .value import Block

__all__ = ["Stencil"]

ROWS = 250_000
"""Units of a block: making one takes as much memory again as it has."""


@dataclass(frozen=True, eq=False)
class Stencil:
    """Which cells of a raster are neighbours.

    Parameters
    ----------
    filled : bool array, (rows, columns)
        Which cells are units.
    rook : bool
        A common side, else a common corner.
    """

    filled: NDArray[np.bool_]
    rook: bool

    @cached_property
    def place(self) -> NDArray[np.signedinteger[Any]]:
        """The number of each cell among the units, from 0; of a cell that is none, of the one before it."""
        kind = np.int32 if self.filled.size * len(self.offsets) <= np.iinfo(np.int32).max else np.int64
        place: NDArray[np.signedinteger[Any]] = np.cumsum(self.filled.ravel(), dtype=kind)
        place -= 1
        return place

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Steps to the neighbours, in the order of the cells, so that rows come out sorted."""
        if self.rook:
            return [(-1, 0), (0, -1), (0, 1), (1, 0)]
        return [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]

    @property
    def n(self) -> int:
        """Units."""
        return int(self.place[-1]) + 1

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return -(-self.n // ROWS)

    @cached_property
    def n_links(self) -> int:
        """Pairs of neighbours, both ways."""
        F = self.filled
        rows, columns = F.shape
        total = 0
        for a, b in self.offsets:
            here = F[max(-a, 0) : rows - max(a, 0), max(-b, 0) : columns - max(b, 0)]
            there = F[max(a, 0) : rows - max(-a, 0), max(b, 0) : columns - max(-b, 0)]
            total += int((here & there).sum())
        return total

    @property
    def most(self) -> int:
        """The most neighbours that a cell can have."""
        return len(self.offsets)

    def block(self, number: int) -> Block:
        """Return some rows."""
        start, stop = number * ROWS, min((number + 1) * ROWS, self.n)
        return Block(np.arange(start, stop, dtype=np.int32), self.rows(start, stop))

    def rows(self, start: int, stop: int) -> sparse.csr_array:
        """Return the rows of these units, (stop - start, N)."""
        rows, columns = self.filled.shape
        place, filled = self.place, self.filled.ravel()
        first, last = np.searchsorted(place, [start, stop - 1])
        ids = first + np.flatnonzero(filled[first : last + 1])
        row, column = (part.astype(place.dtype) for part in divmod(ids, columns))
        shape = (len(ids), len(self.offsets))
        near, there = np.empty(shape, dtype=place.dtype), np.empty(shape, dtype=bool)
        for k, (down, right) in enumerate(self.offsets):
            a, b = row + down, column + right
            there[:, k] = (a >= 0) & (a < rows) & (b >= 0) & (b < columns)
            cell = np.where(there[:, k], a * columns + b, 0)
            there[:, k] &= filled[cell]
            near[:, k] = place[cell]
        indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(place.dtype)
        indices = near[there]
        return sparse.csr_array((np.ones(len(indices)), indices, indptr), shape=(len(ids), self.n))
