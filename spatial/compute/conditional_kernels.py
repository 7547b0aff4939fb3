"""Compiled kernels of conditional permutation; see `conditional`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numba import types
from numpy.typing import NDArray

from .compiled import compiled, mix
from .counters import BLOCK, FEW, GAMMA, MANY, REDRAW, mix_array
from .permutation_kernels import permutation_rows
from .threads import Workers, run_tasks

__all__ = ["Pool", "count_units", "pool_of"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Count = NDArray[np.int32]

_V, _I, _DECK = types.float64[::1], types.int64[::1], types.int32[::1]
_N, _W, _T, _PAIR = types.int64, types.uint64, types.float64[:, ::1], types.int32[:, ::1]
_KEPT = types.Array(types.float64, 1, "C", readonly=True)  # weights cannot be written, and are not copied

# Globals of this module: kernels take them as constants.
_BLOCK, _FEW, _REDRAW = BLOCK, FEW, REDRAW
_SECONDS = 1.6e-9  # for each draw, one thread
_DRAWS_A_TASK = 20_000_000

WINDOW = 8192
"""Values in a window: 64 kB."""

_GROUP = np.uint64(8)  # 256 units in a row share their windows, which stay in the cache
_WINDOW, _SHUFFLE = np.uint64(0x8CB92BA72F3D8DD7), np.uint64(0xABC98388FB8FAC03)
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)


@compiled(types.float64(_T, _V, _N, _N, _DECK, _I, _KEPT, _N, _N, _N, _W))
def _draw_sum(values, mine, gaps, origin, deck, picks, weights, a, k, others, key):  # type: ignore[no-untyped-def]
    """Sum weights times k distinct values of the `others` from `origin` on: a Fisher-Yates deal, undone.

    With `gaps`, times their squared differences from `mine`.
    """
    total, used = 0.0, np.uint64(0)
    for s in range(k):
        bound = np.uint64(others - s)
        used += _ONE
        product = (mix(key + used * GAMMA) & _MASK) * bound
        if (product & _MASK) < bound:
            least = (_MASK + _ONE) % bound
            while (product & _MASK) < least:
                used += _ONE
                product = (mix(key + used * GAMMA) & _MASK) * bound
        j = s + np.int64(product >> _HALF)
        card = deck[j]
        deck[j] = deck[s]
        deck[s] = card
        picks[s] = j
        if gaps:
            for m in range(mine.shape[0]):
                gap = values[m, origin + card] - mine[m]
                total += weights[a + s] * (gap * gap)
        else:
            total += weights[a + s] * values[0, origin + card]
    for s in range(k - 1, -1, -1):
        j = picks[s]
        card = deck[j]
        deck[j] = deck[s]
        deck[s] = card
    return total


@compiled(
    types.void(
        _T, _T, _N, _DECK, _DECK, _N, _DECK, _I, _KEPT, _V, _V, _N, _N, _N, _W, _DECK, _DECK, _T, _N, _PAIR
    )
)
def _count_units(  # type: ignore[no-untyped-def]
    given,
    values,
    gaps,
    deck,
    place,
    others,
    units,
    indptr,
    weights,
    observed,
    slack,
    begin,
    end,
    permutations,
    key,
    above,
    below,
    kept,
    stop_after,
    drawn_for,
):
    """Count, for rows begin..end, the permuted sums at or above, and at or below, the observed one.

    `values`, a copy of `given`, and `deck`, 0 up to `others`, are the thread's own, left as they were.

    Row r is that of unit ``i = units[r]``, whose value is ``given[0, place[i]]``.  It draws from `others`
    values: all but its own, or for each block of permutations those of a window at a random place.  The sum
    is of weights times values; with `gaps`, times squared differences from its own, over the rows of `given`.

    With `stop_after` a sum counts two and a tie one, each tail counts until it has twice `stop_after`, and
    `drawn_for` gets the draws that the upper and the lower tail took; a row ends when both have enough.
    """
    variables, n = given.shape
    mine = np.empty(variables)
    bound = np.uint64(others)
    least = (_MASK + _ONE) % bound
    most = 0
    for i in range(begin, end):
        most = max(most, indptr[i + 1] - indptr[i])
    picks = np.empty(most, np.int64)
    spare = np.uint64(n - 1 - others)
    # A draw that repeats a value, or falls into the part that would favour some values, is made again.
    drawn = np.empty((_FEW + 2, _BLOCK), np.uint32)
    doubt = np.empty(_BLOCK, np.uint32)
    sums = np.empty(_BLOCK)
    for row in range(begin, end):
        i, a = int(units[row]), indptr[row]
        k = indptr[row + 1] - a
        unit = mix(key ^ mix(np.uint64(i + 1) * GAMMA))
        again = mix(unit ^ _REDRAW)
        pairs = (k + 1) // 2
        few = k <= _FEW and 4 * k * k <= others
        high, low = observed[row] - slack[row], observed[row] + slack[row]
        count_high, count_low = 0, 0
        took_high, took_low = permutations, permutations
        for start in range(0, permutations, _BLOCK):
            m = min(_BLOCK, permutations - start)
            if stop_after and count_high >= 2 * stop_after and count_low >= 2 * stop_after:
                break
            origin = np.int64(0)
            if spare:
                group = mix(key ^ mix(_WINDOW + (np.uint64(i) >> _GROUP)))
                word = mix(group + np.uint64(start + 1) * GAMMA)
                origin = np.int64(((word >> _HALF) * (spare + _ONE)) >> _HALF)
            # The unit's own value is kept out of the draw: it changes places with the one behind the window.
            own = np.int64(place[i])
            for v in range(variables):
                mine[v] = given[v, own]
                if origin <= own < origin + others:
                    values[v, own] = given[v, origin + others]
            if few:
                # Written out here: as a function of its own it takes twice as long, because the compiler
                # then cannot tell that these arrays do not overlap.
                for p in range(_BLOCK):
                    doubt[p] = 0
                    sums[p] = 0.0
                for h in range(pairs):
                    base = unit + np.uint64(start * pairs + h * _BLOCK) * GAMMA
                    left, right = drawn[2 * h], drawn[2 * h + 1]
                    for p in range(_BLOCK):
                        x = mix(base + np.uint64(p) * GAMMA)
                        first = (x & _MASK) * bound
                        second = (x >> _HALF) * bound
                        left[p] = np.uint32(first >> _HALF)
                        right[p] = np.uint32(second >> _HALF)
                        doubt[p] |= np.uint32(((first & _MASK) < least) | ((second & _MASK) < least))
                for s in range(1, k):
                    later = drawn[s]
                    for t in range(s):
                        earlier = drawn[t]
                        for p in range(_BLOCK):
                            doubt[p] |= np.uint32(later[p] == earlier[p])
                for s in range(k):
                    w, chosen = weights[a + s], drawn[s]
                    if not gaps:
                        window = values[0, origin:]
                        for p in range(_BLOCK):
                            sums[p] += w * window[chosen[p]]
                        continue
                    for v in range(variables):
                        window, here = values[v, origin:], mine[v]
                        for p in range(_BLOCK):
                            gap = window[chosen[p]] - here
                            sums[p] += w * (gap * gap)
            for p in range(m):
                if (not few) or doubt[p]:
                    stream = mix(again + np.uint64(start + p + 1) * GAMMA)
                    sums[p] = _draw_sum(
                        values, mine, gaps, origin, deck, picks, weights, a, k, others, stream
                    )
            if stop_after:
                for p in range(m):
                    upper, lower = sums[p] >= high, sums[p] <= low
                    if count_high < 2 * stop_after:
                        count_high += 2 * upper - (upper & lower)
                        took_high = start + p + 1
                    if count_low < 2 * stop_after:
                        count_low += 2 * lower - (upper & lower)
                        took_low = start + p + 1
            else:
                for p in range(m):
                    count_high += sums[p] >= high
                    count_low += sums[p] <= low
            if kept.shape[0]:
                for p in range(m):
                    kept[row - begin, start + p] = sums[p]
            for v in range(variables):
                values[v, own] = mine[v]
        above[row - begin], below[row - begin] = count_high, count_low
        if stop_after:
            drawn_for[row - begin, 0], drawn_for[row - begin, 1] = took_high, took_low


@dataclass(frozen=True, eq=False)
class Pool:
    """The values that units draw from.

    Parameters
    ----------
    given : array, (M, N)
        Unit i has its values at ``given[:, place[i]]``.
    place : int32 array, (N,)
    others : int
        How many values a unit draws from: all but its own, or a window.
    spare : list
        Copies of `given` and decks that no thread is using, from one block of units to the next.
    """

    given: Float
    place: Count
    others: int
    spare: list[tuple[Float, Count]] = field(default_factory=list)

    def __getstate__(self) -> dict[str, object]:
        """Leave the copies behind where a job is sent to another process."""
        return self.__dict__ | {"spare": []}

    def workspace(self) -> tuple[Float, Count]:
        """Take a copy of the values and a deck, made where none is spare."""
        try:
            return self.spare.pop()
        except IndexError:
            return self.given.copy(), np.arange(self.others, dtype=np.int32)


def pool_of(values: Float, most: int, key: np.uint64) -> Pool:
    """Return what units with at most `most` neighbours draw from.

    A million values do not fit the cache, and draws from anywhere among them wait for memory.  From
    `MANY` units on the values are shuffled once, and each block of 128 permutations draws from a window of
    8,192 shuffled values at a random place, the same for 256 units in a row: a simple random sample of all
    others.  P-values mean what they did; their Monte Carlo variance is some 10 percent larger.
    """
    n = values.shape[1]
    if n < MANY or most > FEW:
        return Pool(values, np.arange(n, dtype=np.int32), n - 1)
    moved = permutation_rows(n, 0, 1, mix_array(key ^ _SHUFFLE)[0])[:, 0]
    shuffled, place = np.ascontiguousarray(values[:, moved]), np.empty(n, np.int32)
    place[moved] = np.arange(n, dtype=np.int32)
    return Pool(shuffled, place, WINDOW)


def count_units(
    pool: Pool,
    gaps: bool,
    units: Count,
    indptr: NDArray[np.int64],
    weights: Float,
    observed: Float,
    slack: Float,
    permutations: int,
    key: np.uint64,
    above: Count,
    below: Count,
    kept: Float,
    stop_after: int,
    drawn_for: Count,
    *,
    workers: Workers,
    progress: bool | None,
    label: str,
) -> None:
    """Fill `above`, `below` and, where they have rows, `kept` and `drawn_for`; threads share out the rows."""
    keep = bool(len(kept))
    job = _Counts(pool, gaps, units, indptr, weights, observed, slack, permutations, key, keep, stop_after)

    def collect(task: tuple[int, int], part: tuple[Count, Count, Float, Count]) -> int:
        begin, end = task
        above[begin:end], below[begin:end] = part[0], part[1]
        if keep:
            kept[begin:end] = part[2]
        if stop_after:
            drawn_for[begin:end] = part[3]
        return end - begin

    # Where there is nothing half of the units have enough after four times as many draws.
    expected = min(permutations, 10 * stop_after) if stop_after else permutations
    run_tasks(
        _tasks(indptr, expected),
        job,
        collect,
        workers=workers,
        total=len(units),
        seconds=_SECONDS * expected * len(weights),
        progress=progress,
        label=label,
    )


@dataclass(frozen=True, eq=False)
class _Counts:
    """The job of `count_units`: a run of rows a task, from one number to before another."""

    shared: ClassVar[str] = "pool"

    pool: Pool
    gaps: bool
    units: Count
    indptr: Int
    weights: Float
    observed: Float
    slack: Float
    permutations: int
    key: np.uint64
    keep: bool
    stop_after: int

    def prepare(self) -> Callable[[tuple[int, int]], tuple[Count, Count, Float, Count]]:
        pool = self.pool

        def work(task: tuple[int, int]) -> tuple[Count, Count, Float, Count]:
            begin, end = task
            values, deck = pool.workspace()
            above, below = np.empty(end - begin, np.int32), np.empty(end - begin, np.int32)
            kept = np.empty((end - begin, self.permutations) if self.keep else (0, 0))
            drawn_for = np.empty((end - begin if self.stop_after else 0, 2), np.int32)
            _count_units(
                pool.given,
                values,
                self.gaps,
                deck,
                pool.place,
                pool.others,
                self.units,
                self.indptr,
                self.weights,
                self.observed,
                self.slack,
                begin,
                end,
                self.permutations,
                self.key,
                above,
                below,
                kept,
                self.stop_after,
                drawn_for,
            )
            pool.spare.append((values, deck))
            return above, below, kept, drawn_for

        return work


def _tasks(indptr: NDArray[np.int64], permutations: int) -> list[tuple[int, int]]:
    """Cut the units into runs of about the same number of draws."""
    n = len(indptr) - 1
    draws = (indptr + np.arange(n + 1)) * max(permutations, 1)
    marks = np.arange(_DRAWS_A_TASK, draws[-1], _DRAWS_A_TASK)
    edges = np.unique(np.concatenate([[0], np.searchsorted(draws, marks), [n]]))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
