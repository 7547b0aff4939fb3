"""Permutation distribution of z'Wz, or of forms of pairs: eight shuffled vectors in one pass over the links.

A million units need three things.  Shuffles that stay in the cache: units are first dealt at random into
buckets, then each bucket is shuffled (Rao 1961, Sandelius 1962), which is exactly uniform.  Units ordered
so that neighbours are near (reverse Cuthill-McKee), and eight shuffled vectors side by side, so that one
cache line holds the eight values of a unit.  A sliding window over these rows, so that they are never
written to memory.  Random numbers are a function of (seed, stream, permutation, place), so no result
depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from .compiled import compiled, mix
from .counters import BUCKET, GAMMA, stream_key
from .links import PAIRS, QUADRATIC, Links
from .threads import Workers, run_tasks

__all__ = ["permutation_rows", "permute_links"]

Float = NDArray[np.float64]

_I, _WORD = types.int64, types.uint64
_V, _T = types.float64[::1], types.float64[:, ::1]
_ENDS, _KEPT = (types.Array(kind, 1, "C", readonly=True) for kind in (types.int32, types.float64))

LANES = 8
_BUCKET = BUCKET  # a global of this module: kernels take it as a constant
_SECONDS = 7e-9  # for each unit and permutation, one thread

_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_EIGHT = np.uint64(LANES)


def _eight_products(typing: Any, sums: Any, at: Any, weight: Any, rows: Any, i: Any, j: Any) -> Any:  # noqa: ARG001
    """``sums[at:at+8] += weight * rows[i:i+8] * rows[j:j+8]`` as one vector operation.

    Written in LLVM's terms because numba unrolls a loop of eight into scalars and then does not join them.
    """
    signature = types.void(sums, types.uint64, types.float64, rows, types.uint64, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.DoubleType(), LANES)
        words = ir.IntType(32)
        target, offset, factor, table, left, right = arguments

        def place(kind: Any, array: Any, start: Any) -> Any:
            data = context.make_array(kind)(context, builder, array).data
            return builder.bitcast(builder.gep(data, [start]), lanes.as_pointer())

        def load(pointer: Any) -> Any:
            value = builder.load(pointer)
            value.align = 8
            return value

        total = place(signature.args[0], target, offset)
        empty = ir.Constant(lanes, ir.Undefined)
        first = builder.insert_element(empty, factor, ir.Constant(words, 0))
        spread = builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(words, LANES), [0] * LANES))
        product = builder.fmul(
            load(place(signature.args[3], table, left)), load(place(signature.args[3], table, right))
        )
        stored = builder.store(builder.fadd(load(total), builder.fmul(spread, product)), total)
        stored.align = 8
        return context.get_dummy_value()

    return signature, generate


_add_products: Any = intrinsic(_eight_products)


@compiled("void(float64[::1], uint64, float64[::1], int64[::1], uint64[::1], int64)")
def _deal(pool, key, out, starts, words, buckets):  # type: ignore[no-untyped-def]
    """Deal `pool` at random into buckets, laid out one after the other in `out`; a byte decides for each."""
    for t in range(words.shape[0]):
        words[t] = mix(key + np.uint64(t + 1) * GAMMA)
    choice = words.view(np.uint8)
    keep = np.uint8(buckets - 1)
    starts[:] = 0
    for i in range(pool.shape[0]):
        starts[np.uint64(choice[i] & keep) + _ONE] += 1
    for b in range(buckets):
        starts[b + 1] += starts[b]
    place = starts[:buckets].copy()
    for i in range(pool.shape[0]):
        chosen = np.uint64(choice[i] & keep)
        p = place[chosen]
        out[np.uint64(p)] = pool[i]
        place[chosen] = p + 1


@compiled("void(int64, uint64, uint32[::1])")
def draw_places(m, key, places):  # type: ignore[no-untyped-def]
    """Draw ``places[t]`` uniformly from 0..t for t < m: Lemire (2019), with his rejection, so exact."""
    pairs = (m + 1) // 2
    doubt = np.uint64(0)
    for h in range(pairs):
        x = mix(key + np.uint64(h + 1) * GAMMA)
        low_bound = np.uint64(2 * h + 1)
        low = (x & _MASK) * low_bound
        high = (x >> _HALF) * (low_bound + _ONE)
        places[2 * h] = np.uint32(low >> _HALF)
        places[2 * h + 1] = np.uint32(high >> _HALF)
        doubt |= np.uint64((low & _MASK) < low_bound) | np.uint64((high & _MASK) < low_bound + _ONE)
    if doubt == 0:
        return
    spare = np.uint64(pairs)
    for t in range(m):
        bound = np.uint64(t + 1)
        x = mix(key + np.uint64(t // 2 + 1) * GAMMA)
        product = ((x >> _HALF) if t % 2 else (x & _MASK)) * bound
        least = (_MASK + _ONE) % bound
        while (product & _MASK) < least:
            spare += _ONE
            product = (mix(key + spare * GAMMA) & _MASK) * bound
        places[t] = np.uint32(product >> _HALF)


@compiled("void(float64[::1], int64, int64, uint32[::1], float64[::1], uint64)")
def _shuffle_into(source, start, m, places, target, ring):  # type: ignore[no-untyped-def]
    """Shuffle ``source[start:start+m]`` into these places of `target`, a ring (inside-out Fisher-Yates)."""
    first = np.uint64(start)
    for t in range(m):
        i = (first + np.uint64(t)) & ring
        j = (first + np.uint64(places[t])) & ring
        target[i] = target[j]
        target[j] = source[first + np.uint64(t)]


@compiled(
    "void(float64[:, ::1], int64, int64, uint64, float64[::1], uint64, float64[::1], float64[::1],"
    "float64[::1])"
)
def _interleave(lanes, start, stop, ring, rows, window, linear, square, sums):  # type: ignore[no-untyped-def]
    """Put the eight values of each unit side by side, and add ``linear*z + square*z**2``."""
    a, b, c, d = lanes[0], lanes[1], lanes[2], lanes[3]
    e, f, g, h = lanes[4], lanes[5], lanes[6], lanes[7]
    for i in range(start, stop):
        s = np.uint64(i) & ring
        o = (np.uint64(i) & window) * _EIGHT
        rows[o] = a[s]
        rows[o + np.uint64(1)] = b[s]
        rows[o + np.uint64(2)] = c[s]
        rows[o + np.uint64(3)] = d[s]
        rows[o + np.uint64(4)] = e[s]
        rows[o + np.uint64(5)] = f[s]
        rows[o + np.uint64(6)] = g[s]
        rows[o + np.uint64(7)] = h[s]
    if linear.shape[0] == 0:
        return
    for i in range(start, stop):
        o = (np.uint64(i) & window) * _EIGHT
        for lane in range(LANES):
            z = rows[o + np.uint64(lane)]
            sums[lane] += z * (linear[i] + square[i] * z)


@compiled("int64(int64)")
def _power_of_two(least):  # type: ignore[no-untyped-def]
    size = 1
    while size < least:
        size *= 2
    return size


@compiled(types.void(_V, _I, _I, types.int64[::1], _ENDS, _KEPT, _WORD, _WORD, _V, _V, _I))
def _add_rows(lag, start, stop, first, tails, weights, window, ones, rows, sums, form):  # type: ignore[no-untyped-def]
    """Add x_i or the lag of x, times the lag of y, of units start..stop; four lanes of x, then four of y."""
    for i in range(start, stop):
        lag[:] = 0.0
        for k in range(first[i], first[i + 1]):
            _add_products(lag, np.uint64(0), weights[k], rows, ones, (np.uint64(tails[k]) & window) * _EIGHT)
        o, s = (np.uint64(i) & window) * _EIGHT, np.uint64(i & 3) * _EIGHT
        for lane in range(LANES // 2):
            one = np.uint64(lane)
            left = rows[o + one] if form == PAIRS else lag[lane]
            sums[s + one] += left * lag[LANES // 2 + lane]


@compiled(
    types.void(_T, _I, types.int64[::1], _ENDS, _ENDS, _KEPT, _V, _V, _I, _I, _WORD, _T, _V),
)
def _permute_eight(  # type: ignore[no-untyped-def]
    pool, form, first, heads, tails, weights, linear, square, reach, permutation, key, dealt, out
):
    """Fill ``out[0:8]`` with the statistic under permutations ``permutation .. permutation + 7``.

    Of two rows of values, which are shuffled alike, `out[0:4]` under four.
    """
    n, lanes_each = pool.shape[1], LANES // pool.shape[0]
    buckets = 1
    while buckets < 256 and n > buckets * _BUCKET:
        buckets *= 2
    words = np.empty((n + 7) // 8, np.uint64)
    starts = np.empty((LANES, buckets + 1), np.int64)
    keys = np.empty(LANES, np.uint64)
    for lane in range(LANES):
        keys[lane] = mix(key ^ mix(np.uint64(permutation + lane % lanes_each + 1) * GAMMA))
        _deal(pool[lane // lanes_each], keys[lane], dealt[lane], starts[lane], words, buckets)
    # How much of each lane, and of the rows, must be at hand at once.
    behind = 0 if form == QUADRATIC else reach  # a unit waits for those that follow it
    largest, spread, span, ready = 0, 0, 0, 0
    for b in range(buckets):
        low, high = n, 0
        for lane in range(LANES):
            low = min(low, starts[lane, b + 1])
            high = max(high, starts[lane, b + 1])
            largest = max(largest, starts[lane, b + 1] - starts[lane, b])
        spread = max(spread, high - ready)
        span = max(span, low - max(0, ready - behind - reach))
        ready = low
    ring, window = _power_of_two(spread), _power_of_two(span)
    lanes = np.empty((LANES, ring))
    rows = np.ones((window + 1) * LANES)  # the last stay ones
    places = np.empty(largest + 2, np.uint32)
    sums = np.zeros(4 * LANES)
    ring_mask, window_mask = np.uint64(ring - 1), np.uint64(window - 1)
    ready, done, lag, ones = 0, 0, np.empty(LANES), np.uint64(window * LANES)
    for b in range(buckets):
        low = n
        for lane in range(LANES):
            m = starts[lane, b + 1] - starts[lane, b]
            draw_places(m, mix(keys[lane] ^ (np.uint64(b + 1) << _HALF)), places)
            _shuffle_into(dealt[lane], starts[lane, b], m, places, lanes[lane], ring_mask)
            low = min(low, starts[lane, b + 1])
        _interleave(lanes, ready, low, ring_mask, rows, window_mask, linear, square, sums)
        if form != QUADRATIC:
            stop = n if low == n else max(done, low - reach)
            _add_rows(lag, done, stop, first, tails, weights, window_mask, ones, rows, sums, form)
            ready, done = low, stop
            continue
        # Four sets of sums in turn: adding to the same one waits for the last addition.
        for k in range(first[ready], first[low]):
            i = (np.uint64(heads[k]) & window_mask) * _EIGHT
            j = (np.uint64(tails[k]) & window_mask) * _EIGHT
            _add_products(sums, np.uint64(k & 3) * _EIGHT, weights[k], rows, i, j)
        ready = low
    for lane in range(LANES):
        out[lane] = (sums[lane] + sums[LANES + lane]) + (sums[2 * LANES + lane] + sums[3 * LANES + lane])


@compiled("void(float64[::1], int64, uint64, float64[::1], float64[::1])")
def _permute_one(pool, permutation, key, dealt, out):  # type: ignore[no-untyped-def]
    """Fill `out` with `pool` under one permutation: the same as a lane of `_permute_eight`."""
    n = pool.shape[0]
    buckets = 1
    while buckets < 256 and n > buckets * _BUCKET:
        buckets *= 2
    words = np.empty((n + 7) // 8, np.uint64)
    starts = np.empty(buckets + 1, np.int64)
    own = mix(key ^ mix(np.uint64(permutation + 1) * GAMMA))
    _deal(pool, own, dealt, starts, words, buckets)
    largest = 0
    for b in range(buckets):
        largest = max(largest, starts[b + 1] - starts[b])
    places = np.empty(largest + 2, np.uint32)
    for b in range(buckets):
        m = starts[b + 1] - starts[b]
        draw_places(m, mix(own ^ (np.uint64(b + 1) << _HALF)), places)
        _shuffle_into(dealt, starts[b], m, places, out, _ALL)


def permutation_rows(n: int, start: int, count: int, key: np.uint64) -> NDArray[np.int32]:
    """Return permutations as columns, (n, count); see `uniform_permutations`."""
    pool, dealt, out = np.arange(n, dtype=np.float64), np.empty(n), np.empty(n)
    moved = np.empty((n, count), dtype=np.int32)
    for p in range(count):
        _permute_one(pool, start + p, key, dealt, out)
        moved[:, p] = out
    return moved


def permute_links(
    values: Float,
    links: Links,
    *,
    form: int = QUADRATIC,
    linear: Float | None = None,
    square: Float | None = None,
    permutations: int,
    seed: int,
    stream: int = 0,
    workers: Workers,
    progress: bool | None,
    label: str,
) -> Float:
    """Return the statistic of `permute_quadratic` for one row of values; links instead of W + W'.

    Of two rows of values, that of `permute_bilinear` in a form of pairs.
    """
    rows = np.require(np.atleast_2d(values), np.float64, ["C", "W"])
    each, n = LANES // len(rows), rows.shape[1]
    none = np.empty(0)
    own = linear is not None or square is not None
    c = none if not own else np.zeros(n) if linear is None else np.ascontiguousarray(linear[links.order])
    d = none if not own else np.zeros(n) if square is None else np.ascontiguousarray(square[links.order])
    job = _Eights(rows, form, links, c, d, stream_key(seed, stream))
    out = np.empty(permutations)

    def collect(start: int, eight: Float) -> int:
        stop = min(start + each, permutations)
        out[start:stop] = eight[: stop - start]
        return stop - start

    run_tasks(
        range(0, permutations, each),
        job,
        collect,
        workers=workers,
        total=permutations,
        seconds=_SECONDS * permutations * (rows.size + len(links.tails) / 4),
        progress=progress,
        label=label,
    )
    return out


@dataclass(frozen=True, eq=False)
class _Eights:
    """The job of `permute_links`: eight permutations a task, of pairs four, by the number of the first."""

    shared: ClassVar[str] = "links"

    pool: Float
    form: int
    links: Links
    linear: Float
    square: Float
    key: np.uint64

    def prepare(self) -> Callable[[int], Float]:
        links = self.links
        dealt = np.empty((LANES, self.pool.shape[1]))

        def work(start: int) -> Float:
            out = np.empty(LANES)
            _permute_eight(
                self.pool,
                self.form,
                links.first,
                links.heads,
                links.tails,
                links.weights,
                self.linear,
                self.square,
                links.reach,
                start,
                self.key,
                dealt,
                out,
            )
            return out

        return work
