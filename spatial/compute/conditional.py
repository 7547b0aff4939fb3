"""Conditional permutation for local statistics: each unit draws its own neighbours from the others.

Unit i keeps its value; its k neighbours are k distinct others, drawn anew for each permutation and each
unit (esda shares one set of draws among all units, so that their p-values move together).  Draws are a
function of (seed, unit, permutation), where the unit counts by its place among the sorted ids.  Few units
go on arrays, many through compiled kernels; both are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .counters import BLOCK, FEW, GAMMA, MANY, REDRAW, mix_array, stream_key
from .threads import Workers, progress_bar, wants_bar

if TYPE_CHECKING:
    from .conditional_kernels import Pool

__all__ = ["Counts", "Draws", "row_sums_of"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Count = NDArray[np.int32]
Words = NDArray[np.uint64]

_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_BITS = 0xFFFFFFFFFFFFFFFF
_CELLS = 1 << 19  # draws in one go
_MOST_SECONDS = 1.2  # on arrays, up to which starting the compiled kernels takes as long


@dataclass(frozen=True, eq=False)
class Counts:
    """Permuted lags at or above, and at or below, the observed ones.

    Parameters
    ----------
    above, below : int32 array, (R,)
        A tie, up to rounding, counts in both.  Where tails stop: twice the count, and a tie adds one.
    lags : array (R, permutations) or None
    drawn : int32 array (R, 2) or None
        Where tails stop: the draws that the upper and the lower one took.
    """

    above: Count
    below: Count
    lags: Float | None
    drawn: Count | None


@dataclass(frozen=True, eq=False)
class Draws:
    r"""Values, and the units whose neighbours' values are drawn from them: whole, or a block after the other.

    Parameters
    ----------
    values : array, (M, N)
        y, in the order of the sorted ids.
    most : int
        The most neighbours of any unit, which decides how all draw.
    permutations, seed, stream : int
    stop_after : int
        A tail stops counting at so many; 0 for no stop.
    gaps : bool
        Of the one row y the statistic is the lag :math:`\sum_j w_{ij} y_j`; with `gaps`
        :math:`\sum_m \sum_j w_{ij} (y_{mj} - y_{mi})^2`.
    """

    values: Float
    most: int
    permutations: int
    seed: int
    stream: int = 0
    stop_after: int = 0
    gaps: bool = False

    @cached_property
    def key(self) -> np.uint64:
        """The 64 bits that start the draws."""
        return stream_key(self.seed, self.stream)

    @cached_property
    def pool(self) -> Pool:
        """What compiled kernels draw from."""
        from .conditional_kernels import pool_of

        return pool_of(self.values, self.most, self.key)

    @cached_property
    def _size(self) -> float:
        if self.gaps:
            return float((self.values**2).sum(axis=0).max())
        return float(np.abs(self.values).max())

    def observed(self, neighbours: sp.csr_array, units: NDArray[np.integer[Any]]) -> Float:
        """Return the statistic of some units: rows (R, N) of W without its diagonal, and their numbers."""
        if not self.gaps:
            return np.asarray(neighbours @ self.values[0])
        heads = np.repeat(units, np.diff(neighbours.indptr))
        squared = np.zeros(len(heads))
        for y in self.values:
            gap = y[neighbours.indices]
            gap -= y[heads]
            gap *= gap
            squared += gap
        squared *= neighbours.data
        return row_sums_of(neighbours, lambda _: squared)

    def count(
        self,
        neighbours: sp.csr_array,
        units: NDArray[np.integer[Any]] | None = None,
        *,
        keep: bool = False,
        workers: Workers,
        progress: bool | None,
        label: str,
    ) -> Counts:
        """Count the permuted statistics of some units at or above, and at or below, the observed ones.

        Parameters
        ----------
        neighbours : CSR, (R, N)
            Rows of W without its diagonal, columns by sorted id.
        units : array, (R,), optional
            Which units the rows are; all by default.
        keep : bool
            Also return the permuted statistics, (R, permutations).

        Returns
        -------
        Counts
            Of units without neighbours: all permutations.
        """
        n, permutations, R = self.values.shape[1], self.permutations, neighbours.shape[0]
        numbers = np.arange(R) if units is None else units.astype(np.int64)
        weights = np.require(neighbours.data, np.float64, ["C"])
        indptr = neighbours.indptr.astype(np.int64)
        observed = self.observed(neighbours, numbers)
        # Equal sums added up in another order differ in the last digits.
        slack = 1e-12 * row_sums_of(neighbours, np.abs) * self._size
        above, below = np.empty(R, np.int32), np.empty(R, np.int32)
        kept = np.empty((R, permutations) if keep else (0, 0))
        drawn = np.empty((R if self.stop_after else 0, 2), np.int32)
        # Windows are for compiled kernels alone, however short the block.
        whole = n < MANY or self.most > FEW
        if whole and permutations * _seconds(np.diff(indptr), n - 1) <= _MOST_SECONDS:
            with progress_bar(R, label, wants_bar(progress, 0.0)) as bar:
                _on_arrays(self, numbers, indptr, weights, observed, slack, above, below, kept, drawn, bar)
        else:
            from .conditional_kernels import count_units

            count_units(
                self.pool,
                self.gaps,
                numbers.astype(np.int32),
                indptr,
                weights,
                observed,
                slack,
                permutations,
                self.key,
                above,
                below,
                kept,
                self.stop_after,
                drawn,
                workers=workers,
                progress=progress,
                label=label,
            )
        return Counts(above, below, kept if keep else None, drawn if self.stop_after else None)


def row_sums_of(matrix: sp.csr_array, function: Callable[[Float], Float]) -> Float:
    """Return the row sums of a function of each weight, without a second copy of the matrix."""
    values = function(matrix.data)
    return np.asarray(
        sp.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape).sum(axis=1)
    ).ravel()


def _first_then_look(k: Any, others: int) -> Any:
    return (k <= FEW) & (4 * k * k <= others)


def _seconds(counts: Int, others: int) -> float:
    """Return the time that arrays take for one permutation of all units, measured."""
    each = np.where(_first_then_look(counts, others), 35e-9, 30e-9 + 4e-9 * counts)
    return float((counts * each).sum())


def _on_arrays(
    draws: Draws,
    numbers: Int,
    indptr: Int,
    weights: Float,
    observed: Float,
    slack: Float,
    above: Count,
    below: Count,
    kept: Float,
    drawn: Count,
    bar: Any,
) -> None:
    """Fill the counts, the units with equally many neighbours together."""
    counts, permutations = np.diff(indptr), draws.permutations
    for k in np.unique(counts):
        units = np.flatnonzero(counts == k)
        step = max(1, _CELLS // (permutations * max(int(k), 1)))
        for start in range(0, len(units), step):
            part = units[start : start + step]
            w = weights[indptr[part][:, None] + np.arange(k)]
            sums = _drawn_sums(draws, w, numbers[part])
            upper = sums >= (observed - slack)[part][:, None]
            lower = sums <= (observed + slack)[part][:, None]
            if draws.stop_after:
                ties = upper & lower
                above[part], drawn[part, 0] = _stopped(2 * upper - ties, draws.stop_after)
                below[part], drawn[part, 1] = _stopped(2 * lower - ties, draws.stop_after)
            else:
                above[part], below[part] = upper.sum(axis=1), lower.sum(axis=1)
            if len(kept):
                kept[part] = sums
            bar.update(len(part))


def _stopped(counted: Int, stop_after: int) -> tuple[Int, Int]:
    """Return what each row counts until it has twice `stop_after`, and after how many draws."""
    total = counted.cumsum(axis=1)
    enough = total >= 2 * stop_after
    last = np.where(enough.any(axis=1), enough.argmax(axis=1), counted.shape[1] - 1)
    return total[np.arange(len(total)), last], last + 1


def _drawn_sums(draws: Draws, w: Float, units: Int) -> Float:
    """Return the permuted sums (units, permutations) of units with k neighbours of weights w (units, k)."""
    n, permutations = draws.values.shape[1], draws.permutations
    sums = np.zeros((len(units), permutations))
    for s, chosen in enumerate(_neighbours(n, w.shape[1], units, permutations, draws.key)):
        for y in draws.values:
            drawn = y[chosen]
            if draws.gaps:
                drawn -= y[units][:, None]
                drawn *= drawn
            drawn *= w[:, s, None]
            sums += drawn
    return sums


def _neighbours(n: int, k: int, units: Int, permutations: int, key: np.uint64) -> list[Int]:
    """Return the k neighbours drawn by each unit, in order, each (units, permutations)."""
    if k == 0:
        return []
    unit = mix_array(key ^ mix_array((units + 1).astype(np.uint64) * GAMMA))
    again = mix_array(unit ^ REDRAW)
    shape = (len(units), permutations)
    if _first_then_look(k, n - 1):
        chosen, redo = _first_draws(unit, k, n - 1, permutations)
    else:
        chosen, redo = [np.empty(shape, dtype=np.int64) for _ in range(k)], np.ones(shape, dtype=bool)
    row, p = np.nonzero(redo)
    if len(row):
        streams = mix_array(again[row] + (p + 1).astype(np.uint64) * GAMMA)
        for one, cards in zip(chosen, _deal(streams, k, n - 1), strict=True):
            one[row, p] = cards
    # The unit itself is kept out of the draw: it changes places with the last.
    return [np.where(one == units[:, None], n - 1, one) for one in chosen]


def _first_draws(unit: Words, k: int, others: int, permutations: int) -> tuple[list[Int], NDArray[np.bool_]]:
    """Draw k of the others without looking, and say which draws must be made again."""
    pairs = (k + 1) // 2
    p = np.arange(permutations, dtype=np.uint64)
    block = p // np.uint64(BLOCK)
    bound = np.uint64(others)
    least = np.uint64((1 << 32) % others)
    doubt = np.zeros((len(unit), permutations), dtype=bool)
    chosen: list[Int] = []
    for h in range(pairs):
        # The kernel's counters: block by block, pair by pair.
        counter = (block * np.uint64(pairs) + np.uint64(h)) * np.uint64(BLOCK) + p % np.uint64(BLOCK)
        x = mix_array(unit[:, None] + (counter * GAMMA)[None, :])
        for word in (x & _MASK, x >> _HALF):
            product = word * bound
            doubt |= (product & _MASK) < least
            chosen.append((product >> _HALF).astype(np.int64))
    for s in range(1, k):
        for t in range(s):
            doubt |= chosen[s] == chosen[t]
    return chosen[:k], doubt


def _deal(streams: Words, k: int, others: int) -> list[Int]:
    """Deal k distinct cards of `others` for each stream: a Fisher-Yates shuffle that stops after k."""
    picks, rare = np.empty((k, len(streams)), dtype=np.int64), np.zeros(len(streams), dtype=bool)
    counters = np.arange(1, k + 1, dtype=np.uint64) * GAMMA
    for s in range(k):
        bound = np.uint64(others - s)
        product = (mix_array(streams + counters[s]) & _MASK) * bound
        rare |= (product & _MASK) < np.uint64((1 << 32) % (others - s))
        picks[s] = s + (product >> _HALF).astype(np.int64)
    for lane in np.flatnonzero(rare):
        picks[:, lane] = _careful_picks(int(streams[lane]), k, others)
    cards: list[Int] = []
    moved: list[Int] = []
    for s in range(k):
        # What lies at place s and at the place picked: what the last swap put there, or its own number.
        card, head = picks[s].copy(), np.full(len(streams), s, dtype=np.int64)
        for r in range(s):
            card = np.where(picks[r] == picks[s], moved[r], card)
            head = np.where(picks[r] == s, moved[r], head)
        cards.append(card)
        moved.append(head)
    return cards


def _careful_picks(key: int, k: int, others: int) -> list[int]:
    """Return the picks of one stream, drawing again what would favour some cards."""
    picks, used = [], 0
    for s in range(k):
        bound = others - s
        least = (1 << 32) % bound
        while True:
            used += 1
            product = (int(mix_array((key + used * int(GAMMA)) & _BITS)[0]) & 0xFFFFFFFF) * bound
            if product & 0xFFFFFFFF >= least:
                break
        picks.append(s + (product >> 32))
    return picks
