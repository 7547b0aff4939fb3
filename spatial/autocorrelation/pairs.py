"""W + W' and what the global statistics take of W: of large weights and open ones some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.conditional import row_sums_of
from spatial.compute.threads import Workers, free_bytes
from spatial.errors import WeightsError
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.normalization import row_sums

from .inference import symmetric_part
from .moments import Constants, constants_of_rows
from .sample import Rows, Sample

if TYPE_CHECKING:
    from spatial.compute.links import Links

__all__ = ["Pairs", "walk"]

Float = NDArray[np.float64]

_ROWS = 1 << 17  # of stored weights, at a time
_PAIR, _UNIT, _LANES = 16, 80, 64  # bytes of a pair, of a unit, and of a unit for each thread that permutes


@dataclass(frozen=True, eq=False)
class Pairs:
    """What the global statistics take of the weights.

    Parameters
    ----------
    constants : Constants
    lag, sums, squares : array, (N,)
        W times the values, and the row sums of W and of its squares, by sorted id.
    islands : bool array, (N,)
        Units without links, in the order of the weights.
    symmetric : CSR or Links or None
        W + W', for permutations: of open weights each pair once.
    """

    constants: Constants
    lag: Float
    sums: Float
    squares: Float
    islands: NDArray[np.bool_]
    symmetric: sp.csr_array | Links | None


def walk(data: Sample, values: Float, permutations: int, workers: Workers = 1) -> Pairs:
    """Go over the rows of W and of W + W' once, by sorted id.

    Sums are taken row by row, and then over all rows, so that blocks give the bits of the whole.

    Parameters
    ----------
    data : Sample
    values : array, (N,)
        By sorted id.
    permutations : int
        Of 0, W + W' is not kept.
    workers : int or Cluster
        Where permutations will run.
    """
    opened = isinstance(data.links, OpenWeights)
    if opened and permutations:
        _require_memory(data, workers)
    names = ("lag", "alone", "sums", "own", "both", "squares")
    found = {name: np.empty(data.n) for name in names}
    islands, stored = np.empty(data.n, dtype=bool), None
    # Each pair has a link one way at least; what is not filled takes no memory.
    kept = _Kept(data.links.n_links if opened and permutations else 0)
    for rows, symmetric in _symmetric_rows(data, whole=bool(permutations)):
        of_rows = (
            rows.matrix @ values,
            row_sums_of(rows.matrix, np.square),
            row_sums(rows.matrix),
            rows.own,
            row_sums(symmetric),
            row_sums_of(symmetric, np.square),
        )
        for name, part in zip(names, of_rows, strict=True):
            found[name][rows.units] = part
        islands[data.places(rows.units)] = np.diff(rows.matrix.indptr) == 0
        if permutations and opened:
            kept.add(rows, symmetric)
        elif permutations:
            stored = symmetric
    of_w = found.pop("lag"), found["sums"], found.pop("alone")
    constants = constants_of_rows(**found)
    if not constants.S0 > 0:
        raise WeightsError(
            "The statistic needs links between units, with a positive sum; the links of these weights sum to "
            f"{constants.S0:g}."
        )
    if not permutations or not opened:
        return Pairs(constants, *of_w, islands, stored)
    from spatial.compute.links import links_of_pairs

    return Pairs(constants, *of_w, islands, links_of_pairs(data.n, *kept.filled()))


def _require_memory(data: Sample, workers: Workers) -> None:
    """Refuse permutations that the memory which is free does not hold."""
    threads = workers if isinstance(workers, int) else 0  # of a cluster, the workers' own memory
    pairs, units, free = _PAIR * data.links.n_links / 2, (_UNIT + _LANES * threads) * data.n, free_bytes()
    if pairs + units > free:
        raise WeightsError(
            f"Permutations keep each pair of W + W' once, of {data.links!r} {pairs / 1e9:,.1f} GB, and for "
            f"its units on {threads} threads {units / 1e9:,.1f} GB; {free / 1e9:,.1f} GB are free. Without "
            "them nothing is kept: permutations=0 gives the analytic p-values; executor=1 takes least."
        )


class _Kept:
    """The entries of W + W' left of the diagonal: row, column and weight, filled a block at a time."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self.heads, self.tails, self.weights = (
            np.empty(most, np.int32),
            np.empty(most, np.int32),
            np.empty(most),
        )

    def add(self, rows: Rows, symmetric: sp.csr_array) -> None:
        """Add those of some rows."""
        heads = np.repeat(rows.units.astype(np.int32), np.diff(symmetric.indptr))
        below = symmetric.indices < heads
        part = slice(self.count, self.count + int(below.sum()))
        self.heads[part], self.tails[part] = heads[below], symmetric.indices[below]
        self.weights[part] = symmetric.data[below]
        self.count = part.stop

    def filled(self) -> tuple[NDArray[np.int32], NDArray[np.int32], Float]:
        """Return what was added."""
        return self.heads[: self.count], self.tails[: self.count], self.weights[: self.count]


def _symmetric_rows(data: Sample, *, whole: bool) -> Iterator[tuple[Rows, sp.csr_array]]:
    """Give rows of W with the same rows of W + W'; all of stored weights if they are wanted `whole`."""
    if not isinstance(data.links, OpenWeights):
        if whole or data.n <= _ROWS:
            yield Rows(np.arange(data.n), data.matrix), symmetric_part(data)
            return
        turned = sp.csr_array(data.matrix.T)
        for first in range(0, data.n, _ROWS):
            units = np.arange(first, min(first + _ROWS, data.n))
            matrix = data.matrix[first : first + _ROWS]
            yield Rows(units, matrix), sp.csr_array(matrix + turned[first : first + _ROWS])
        return
    across = _Across(data)
    for number, rows in enumerate(data.rows()):
        yield rows, sp.csr_array(rows.matrix + across.turned(number, rows))


class _Across:
    """The links of W from one block of rows to another, which are few, by the block that they lead to."""

    def __init__(self, data: Sample) -> None:
        self.block = np.full(data.n, -1, np.int32)
        self.place = np.empty(data.n, np.int32)
        parts = []
        for number, rows in enumerate(data.rows()):
            self.block[rows.units] = number
            heads = np.repeat(rows.units, np.diff(rows.matrix.indptr))
            out = self.block[rows.matrix.indices] != number
            parts.append((heads[out], rows.matrix.indices[out], rows.matrix.data[out]))
        heads, tails, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        into = self.block[tails]
        order = np.argsort(into, kind="stable")
        self.heads, self.tails, self.weights = heads[order], tails[order], weights[order]
        self.edges = np.searchsorted(into[order], np.arange(len(parts) + 1))

    def turned(self, number: int, rows: Rows) -> sp.csr_array:
        """Return the rows of W' of a block, (R, N)."""
        matrix, units = rows.matrix, rows.units
        self.place[units] = np.arange(len(units), dtype=np.int32)
        inside = self.block[matrix.indices] == number
        heads = np.repeat(units, np.diff(matrix.indptr))
        part = slice(self.edges[number], self.edges[number + 1])
        tails = np.concatenate([matrix.indices[inside], self.tails[part]])
        columns = np.concatenate([heads[inside], self.heads[part]])
        weights = np.concatenate([matrix.data[inside], self.weights[part]])
        turned = sp.coo_array((weights, (self.place[tails], columns)), shape=matrix.shape).tocsr()
        turned.sort_indices()
        return turned
