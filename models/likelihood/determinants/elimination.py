r"""log|I - aW| by Gaussian elimination along a nested dissection, front by front (Duff and Reid 1983).

.. math:: F = \begin{pmatrix} F_{11} & F_{12}\\ F_{21} & F_{22}\end{pmatrix}, \qquad
          \log|F| = \log|F_{11}| + \log|F_{22} - F_{21}F_{11}^{-1}F_{12}|

A front holds the units that it eliminates and those that border on them; what is left of the border goes to
its parent.  No factor is kept.  There is no pivoting between fronts, and within the admissible range there
need not be: I - aW is then an H-matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numba import types
from numpy.typing import NDArray
from scipy import linalg

from spatial.compute.compiled import compiled

from .dissection import Dissection

__all__ = ["Elimination", "elimination"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Short = NDArray[np.int32]

_COMPILED = 200
_i8, _f8 = types.int64, types.float64
_int, _short, _float = _i8[::1], types.int32[::1], _f8[::1]


@dataclass(frozen=True, eq=False)
class _Depth:
    """All fronts of one depth.

    Parameters
    ----------
    own, border : int array (fronts,)
        How many units are eliminated, and how many border on them.
    first : int array (fronts + 1,)
        Where the entries of each front begin.
    rows, columns : int array (entries,)
        Where in the front an entry of I - aW stands.
    source : int array (entries,)
        Which entry it is: of W, then of I.
    begin : int array (children + 1,)
        Where the places of each child begin.
    places : int array
        Where in the front each unit on the border of a child stands.
    """

    own: Int
    border: Int
    first: Int
    rows: Short
    columns: Short
    source: Short
    begin: Int
    places: Short

    @property
    def starts(self) -> Int:
        """Where what is left of each front begins among those of its depth; (fronts + 1,)."""
        return np.concatenate([[0], np.cumsum(self.border**2)])


@dataclass(frozen=True, eq=False)
class Elimination:
    """The steps of an elimination, for any a.

    Parameters
    ----------
    depths : list of _Depth
        From the root.
    weights : array (entries of W,)
    n : int
    """

    depths: list[_Depth]
    weights: Float
    n: int

    def __call__(self, a: float) -> float:
        """Return log|I - aW|."""
        values = np.concatenate([-a * self.weights, np.ones(self.n)])
        total, below = 0.0, (np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64), np.zeros(0))
        for depth in reversed(self.depths):
            part, left = _eliminated(depth, values, *below)
            total += part
            below = depth.border, depth.starts, left
        return total


def elimination(W: sp.csr_array, order: Dissection) -> Elimination:
    """Return the steps of an elimination of I - aW in an order.

    Examples
    --------
    >>> from spatial.models.likelihood.determinants.dissection import dissected
    >>> path = sp.diags_array([np.full(199, 0.5), np.full(199, 0.5)], offsets=[-1, 1], format="csr")
    >>> steps = elimination(sp.csr_array(path), dissected(sp.csr_array(path)))
    >>> abs(steps(0.8) - np.linalg.slogdet(np.eye(200) - 0.8 * path.toarray())[1]) < 1e-9
    np.True_
    """
    n, node, rank = order.n, order.node, order.rank
    units = np.arange(n, dtype=np.int64)
    rows = np.concatenate([np.repeat(units, np.diff(W.indptr)), units])
    columns = np.concatenate([W.indices, units])
    front = node[np.where(rank[rows] < rank[columns], rows, columns)]
    source = np.argsort(front)
    front = front[source]
    first_rank = np.zeros(2 ** len(order.borders), dtype=np.int64)
    eliminated = np.bincount(node, minlength=len(first_rank))
    first_rank[::-1] = np.cumsum(eliminated[::-1]) - eliminated[::-1]

    def place(keys: Int, fronts: Int, unit_rank: Int, inside: NDArray[np.bool_], begin: Int) -> Short:
        """Return where units stand in their fronts."""
        out = unit_rank - first_rank[fronts]
        other = ~inside
        t, r = fronts[other], unit_rank[other]
        out[other] = eliminated[t] + np.searchsorted(keys, t * n + r) - begin[t - begin_front]
        return out.astype(np.int32)

    depths = []
    for depth, (keys, (own, border)) in enumerate(zip(order.borders, order.sizes, strict=True)):
        begin_front = 1 << depth
        begin = np.concatenate([[0], np.cumsum(border)])
        low, high = np.searchsorted(front, [begin_front, 2 * begin_front])
        t, entry = front[low:high], source[low:high]
        i, j = rows[entry], columns[entry]
        below = order.borders[depth + 1] if depth + 1 < len(order.borders) else keys[:0]
        child, r = below // n, below % n
        is_own = (r >= first_rank[child >> 1]) & (r < first_rank[child >> 1] + eliminated[child >> 1])
        depths.append(
            _Depth(
                own,
                border,
                np.searchsorted(t, np.arange(begin_front, 2 * begin_front + 1)),
                place(keys, t, rank[i], node[i] == t, begin),
                place(keys, t, rank[j], node[j] == t, begin),
                entry.astype(np.int32),
                np.searchsorted(child, np.arange(2 * begin_front, 4 * begin_front + 1)),
                place(keys, child >> 1, r, is_own, begin),
            )
        )
    return Elimination(depths, np.asarray(W.data, dtype=np.float64), n)


def _eliminated(
    depth: _Depth, values: Float, child_border: Int, child_starts: Int, children: Float
) -> tuple[float, Float]:
    """Return the sum of the logarithms of the pivots of a depth, and what is left of all borders."""
    starts = depth.starts
    left = np.empty(int(starts[-1]))
    sizes = depth.own + depth.border
    work = np.empty(int(sizes.max(initial=0)) ** 2)
    inputs = (depth.own, depth.border, depth.first, depth.rows, depth.columns, values[depth.source])
    below = (depth.begin, depth.places, child_border, child_starts, children)
    small = sizes <= _COMPILED
    total = float(_sweep(np.flatnonzero(small), *inputs, *below, starts, left, work))
    for t in np.flatnonzero(~small):
        _assemble(int(t), *inputs, *below, work)
        own, size = int(depth.own[t]), int(sizes[t])
        F = work[: size**2].reshape(size, size)
        factor = linalg.lu_factor(F[:own, :own], check_finite=False)
        total += float(np.sum(np.log(np.abs(np.diag(factor[0])))))
        rest = F[own:, own:]
        rest -= F[own:, :own] @ linalg.lu_solve(factor, F[:own, own:], check_finite=False)
        left[starts[t] : starts[t + 1]] = rest.ravel()
    return total, left


_INPUTS = (_int, _int, _int, _short, _short, _float, _int, _short, _int, _int, _float)


@compiled(types.void(_i8, *_INPUTS, _float))
def _assemble(t, own, border, first, rows, columns, values, begin, places, sizes, starts, children, work):  # type: ignore[no-untyped-def]
    """Sum the entries of I - aW and what the children left into the front, by rows."""
    size = own[t] + border[t]
    work[: size * size] = 0.0
    for k in range(first[t], first[t + 1]):
        work[rows[k] * size + columns[k]] += values[k]
    if len(sizes) == 0:
        return
    for child in range(2 * t, 2 * t + 2):
        b, at, from_ = sizes[child], begin[child], starts[child]
        for i in range(b):
            row = places[at + i] * size
            for j in range(b):
                work[row + places[at + j]] += children[from_ + i * b + j]


@compiled(types.float64(_int, *_INPUTS, _int, _float, _float), fastmath=True)
def _sweep(  # type: ignore[no-untyped-def]
    fronts, own, border, first, rows, columns, values, begin, places, sizes, starts, children, out, left, work
):
    """Eliminate small fronts; return the sum of the logarithms of their pivots."""
    total = 0.0
    for t in fronts:
        _assemble(t, own, border, first, rows, columns, values, begin, places, sizes, starts, children, work)
        size = own[t] + border[t]
        F = work[: size * size].reshape((size, size))
        for k in range(own[t]):
            total += np.log(np.abs(F[k, k]))
            inverse = 1.0 / F[k, k]
            for i in range(k + 1, size):
                share = F[i, k] * inverse
                if share != 0.0:
                    for j in range(k + 1, size):
                        F[i, j] -= share * F[k, j]
        at = out[t]
        for i in range(own[t], size):
            for j in range(own[t], size):
                left[at] = F[i, j]
                at += 1
    return total
