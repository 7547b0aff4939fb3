"""Spatial lags some rows at a time, of weights in memory or on disk: the same bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.threads import run_tasks
from spatial.models.data.layout import LagOperator, Layout, common_value
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.value import Weights

__all__ = ["RowLag", "links_around", "ranges", "row_numbers", "tiles"]

Float = NDArray[np.float64]
Places = NDArray[np.intp]

ROWS = 16_384
"""Rows of a tile: fixed, as the order of sums must be; its columns stay in the cache of a core."""
_SMALL = 5_000  # units whose weights are read whole for their spectral radius
_RANGE = 524_288  # units whose links are gathered at once


def tiles(n: int) -> list[slice]:
    """Return the rows of each tile."""
    return [slice(start, min(start + ROWS, n)) for start in range(0, n, ROWS)]


def ranges(n: int) -> list[tuple[int, int]]:
    """Return the first unit and the one after the last of each range whose links are gathered."""
    return [(start, min(start + _RANGE, n)) for start in range(0, n, _RANGE)]


def row_numbers(rows: Any) -> Places:
    """Return the numbers of the rows of a block."""
    return np.arange(rows.start, rows.stop) if isinstance(rows, slice) else np.asarray(rows, np.intp)


@dataclass(frozen=True, eq=False)
class RowLag(LagOperator):
    """The lag operator of one time, whose weights are walked by blocks of rows.

    Parameters
    ----------
    matrices : tuple of one CSR array or OpenWeights
    layout : Layout
        Of one time.
    """

    @classmethod
    def of(cls, weights: Weights | OpenWeights, layout: Layout) -> RowLag:
        """Return the operator of weights."""
        held: Any = weights if isinstance(weights, OpenWeights) else weights.sparse
        return cls((held,), layout)

    @property
    def is_constant(self) -> bool:
        """It is: there is one time."""
        return True

    @property
    def _full(self) -> None:
        """Never dense: rows are walked, to the same bits whatever holds them."""

    @property
    def count(self) -> int:
        """How many blocks of rows there are."""
        held = self.matrices[0]
        return held.source.count if isinstance(held, OpenWeights) else -(-self.layout.n_units // ROWS)

    def block(self, number: int) -> tuple[Any, sp.csr_array]:
        """Return which rows, and these rows (R, N); of a matrix in memory a view."""
        held = self.matrices[0]
        if isinstance(held, OpenWeights):
            found = held.block(number)
            return found.rows, found.matrix
        rows = slice(number * ROWS, min((number + 1) * ROWS, self.layout.n_units))
        first, last = held.indptr[rows.start], held.indptr[rows.stop]
        parts = (held.data[first:last], held.indices[first:last])
        pointers = held.indptr[rows.start : rows.stop + 1] - first
        return rows, sp.csr_array((*parts, pointers), shape=(rows.stop - rows.start, held.shape[1]))

    def lagged(self, values: Float, threads: int) -> Float:
        """Return the lag of (N, k) values."""
        out = np.empty(values.shape)
        run_tasks(
            range(self.count),
            _Lag(self, values, out),
            lambda _, done: done,
            workers=threads,
            total=self.count,
            seconds=1e-8 * values.size,
            progress=False,
            label="lag",
        )
        return out

    def transpose(self, values: Float) -> Float:
        """Return the lag of (N,) values by the transposed weights."""
        out = np.empty(len(values))
        for first, last, rows, links in self.gathered():
            out[first:last] = links[:, first:last].T @ values[rows]
        return out

    def gathered(self) -> Iterator[tuple[int, int, Places, sp.csr_array]]:
        """Yield ranges of units with the rows that lead there or start there; see `gather`."""
        for first, last in ranges(self.layout.n_units):
            yield first, last, *self.gather(first, last)

    def gather(self, first: int, last: int) -> tuple[Places, sp.csr_array]:
        """Return the rows, ascending, that have a link to units first, ..., last - 1 or are these; (R, N)."""
        kept, parts = [], []
        for number, (low, high) in enumerate(self._spans):
            if low >= last or high < first:
                continue
            rows, matrix = self.block(number)
            units = row_numbers(rows)
            within = np.append(0, np.cumsum((matrix.indices >= first) & (matrix.indices < last)))
            reached = within[matrix.indptr[1:]] > within[matrix.indptr[:-1]]
            wanted = np.flatnonzero(reached | ((units >= first) & (units < last)))
            if len(wanted):
                kept.append(units[wanted])
                parts.append(matrix[wanted])
        places = np.concatenate(kept)
        order = np.argsort(places, kind="stable")
        links = sp.csr_array(sp.vstack(parts, format="csr"))
        return places[order], links if (order[1:] > order[:-1]).all() else links[order]

    @cached_property
    def _facts(self) -> tuple[list[tuple[int, int]], Float, Float, float, NDArray[np.bool_]]:
        """From one walk: the least and largest unit of each block, row sums, own weights, |W|, islands."""
        n, spans = self.layout.n_units, []
        sums, own, norm, alone = np.empty(n), np.zeros(n), 0.0, np.empty(n, dtype=bool)
        for number in range(self.count):
            rows, matrix = self.block(number)
            sums[rows] = np.asarray(matrix.sum(axis=1)).ravel()
            units = row_numbers(rows)
            heads = np.repeat(units, np.diff(matrix.indptr))
            here = np.flatnonzero(heads == matrix.indices)
            own[heads[here]] = matrix.data[here]
            norm = max(norm, float(np.asarray(abs(matrix).sum(axis=1)).max(initial=0.0)))
            alone[rows] = np.diff(matrix.indptr) == (own[rows] != 0)
            ends = [int(units[0]), int(units[-1])]
            if matrix.nnz:
                ends += [int(matrix.indices.min()), int(matrix.indices.max())]
            spans.append((min(ends), max(ends)))
        return spans, sums, own, norm, alone

    @property
    def _spans(self) -> list[tuple[int, int]]:
        return self._facts[0]

    @property
    def own(self) -> Float:
        """The diagonal, (N,)."""
        return self._facts[2]

    @property
    def islands(self) -> NDArray[np.bool_]:
        """Which units have no neighbours in weights whose other rows sum to one; (N,)."""
        sums, alone = self._facts[1], self._facts[4]
        filled = sums[sums != 0]
        standardized = len(filled) > 0 and np.allclose(filled, 1.0, rtol=0, atol=1e-12)
        return alone & standardized

    @property
    def norm(self) -> float:
        """The largest sum of a row without signs: no lag is larger, on the largest value."""
        return self._facts[3]

    @cached_property
    def column_squares(self) -> Float:
        """Diagonal of M'M; (N,)."""
        out = np.empty(self.layout.n_units)
        for first, last, _, links in self.gathered():
            reached = links[:, first:last]
            out[first:last] = np.asarray(reached.multiply(reached).sum(axis=0)).ravel()
        return out

    @cached_property
    def constant_row_sum(self) -> float | None:
        """The sum of every row, where it is the same in all; else None."""
        return common_value(self._facts[1])

    @cached_property
    def radius(self) -> float:
        """The spectral radius, or where it does not settle an upper bound of it."""
        held = self.matrices[0]
        if not isinstance(held, OpenWeights):
            return LagOperator((held,), self.layout).radius
        if self.layout.n_units <= _SMALL:
            return LagOperator((held.matrix(),), self.layout).radius
        return self.norm


@dataclass(frozen=True, eq=False)
class _Lag:
    """The job of `RowLag.lagged`: a task is a block."""

    operator: RowLag
    values: Float
    out: Float

    def prepare(self) -> Callable[[int], int]:
        def work(number: int) -> int:
            rows, matrix = self.operator.block(number)
            self.out[rows] = matrix @ self.values
            return 1

        return work


def links_around(
    operators: list[RowLag], first: int, last: int
) -> tuple[Places, tuple[int, int], list[sp.csr_array]]:
    """Return all that pairs of units first, ..., last - 1 with others need, numbered anew.

    Returns
    -------
    int array (R,)
        The units, ascending.
    (int, int)
        Where first and last - 1 stand among them, the end plus one.
    list of CSR arrays (R, R)
        Their links; rows are whole where they have a link to the range or are of it, else empty.
    """
    n = operators[0].layout.n_units
    found = [operator.gather(first, last) for operator in operators]
    there = np.zeros(n, dtype=bool)
    there[first:last] = True
    for rows, links in found:
        there[rows] = there[links.indices] = True
    units = np.flatnonzero(there)
    place = np.cumsum(there, dtype=np.int32) - np.int32(1)
    matrices = []
    for rows, links in found:
        counts = np.zeros(len(units) + 1, dtype=np.int64)
        counts[place[rows] + 1] = np.diff(links.indptr)
        matrix = sp.csr_array(
            (links.data, place[links.indices], np.cumsum(counts)), shape=(len(units), len(units))
        )
        matrices.append(matrix)
    return units, (int(place[first]), int(place[last - 1]) + 1), matrices
