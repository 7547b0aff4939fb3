r"""Nested dissection of a sparse matrix: which unit is eliminated when, so that little fills in.

The graph of the weights is cut in two by units without which no link joins the halves (a separator), each
half again, and so on.  Separators are eliminated after what they separate (George 1973).  Where the halves
lie is read from the graph alone: the numbers of links from four units at its far ends stand for coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse import csgraph

__all__ = ["Dissection", "dissected"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_LEAF, _ROUNDS = 60, 4


@dataclass(frozen=True, eq=False)
class Dissection:
    """A binary tree of fronts; front t has the children 2t and 2t + 1, and the root is 1.

    Parameters
    ----------
    node : int array (N,)
        The front in which each unit is eliminated.
    rank : int array (N,)
        When each unit is eliminated: all of a front one after the other, children before their parent.
    borders : list of int array
        For each depth, from the root: t N + rank, sorted, of the units that border on front t and are
        eliminated later.
    """

    node: Int
    rank: Int
    borders: list[Int]

    @property
    def n(self) -> int:
        """N."""
        return len(self.node)

    @cached_property
    def sizes(self) -> list[tuple[Int, Int]]:
        """For each depth, how many units each front eliminates, and how many border on it."""
        eliminated = np.bincount(self.node, minlength=2 ** len(self.borders))
        out = []
        for depth, keys in enumerate(self.borders):
            fronts = 1 << depth
            bordering = np.bincount(keys // self.n - fronts, minlength=fronts)
            out.append((eliminated[fronts : 2 * fronts], bordering))
        return out

    @property
    def operations(self) -> float:
        """How many additions and multiplications one elimination takes."""
        return float(sum(np.sum(2 / 3 * p**3.0 + 2.0 * p * b * (p + b)) for p, b in self.sizes))


def dissected(W: sp.csr_array) -> Dissection:
    """Return the nested dissection of the links of W, in either direction.

    Parameters
    ----------
    W : CSR array (N, N)

    Examples
    --------
    >>> path = sp.diags_array([np.ones(199), np.ones(199)], offsets=[-1, 1], format="csr")
    >>> found = dissected(sp.csr_array(path))
    >>> [len(keys) for keys in found.borders]  # the root borders on nothing; its halves, on one unit each
    [0, 2, 6]
    """
    links = sp.csr_matrix(abs(W) + abs(W.T))  # opposite signs must not cancel
    links.data[:] = 1.0
    depth = max(0, int(np.ceil(np.log2(max(1, W.shape[0]) / _LEAF))))
    code = _halved(_coordinates(links), depth)
    upper = sp.triu(links, 1).tocoo()
    ends = upper.row.astype(np.int64), upper.col.astype(np.int64)
    node = _separated(code, depth, *ends)
    rank = np.empty(len(node), dtype=np.int64)
    rank[np.argsort(-node, kind="stable")] = np.arange(len(node))
    return Dissection(node, rank, _borders(node, rank, depth, *ends))


def _coordinates(links: sp.csr_matrix) -> Float:
    """Return differences of distances, in links, from two pairs of units far apart, smoothed; (N, 2)."""
    n = links.shape[0]
    count, label = csgraph.connected_components(links, directed=False)
    joined = links
    if count > 1:  # parts without a link between them stand in a row
        first = np.unique(label, return_index=True)[1]
        row = sp.csr_matrix((np.ones(count - 1), (first[:-1], first[1:])), shape=(n, n))
        joined = sp.csr_matrix(links + row + row.T)
    one = _distances(joined, int(np.argmax(_distances(joined, 0))))
    two = _distances(joined, int(np.argmax(one)))
    three = _distances(joined, int(np.argmax(np.minimum(one, two))))
    four = _distances(joined, int(np.argmax(three)))
    out = np.column_stack([one - two, three - four]).astype(np.float64)
    weight = 1 / (1 + np.diff(links.indptr))[:, None]
    for _ in range(_ROUNDS):
        out = weight * (out + links @ out)
    return np.asarray(out)


def _distances(links: sp.csr_matrix, start: int) -> Int:
    """Return how many links lie between a unit and each other."""
    order, before = csgraph.breadth_first_order(links, start, directed=True)
    place = np.empty(links.shape[0], dtype=np.int64)
    place[order] = np.arange(len(order))
    parents = place[before[order[1:]]]  # never falling: those of one distance stand together
    steps, first, last, step = np.zeros(len(order), dtype=np.int64), 0, 1, 0
    while last < len(order):
        step += 1
        first, last = last, int(np.searchsorted(parents, last)) + 1
        steps[first:last] = step
    out = np.empty(links.shape[0], dtype=np.int64)
    out[order] = steps
    return out


def _halved(places: Float, depth: int) -> Int:
    """Return in which of 2^depth parts each unit lies: halves of halves along the longer axis."""
    n = len(places)
    part = np.zeros(n, dtype=np.int64)
    for level in range(depth):
        count = np.bincount(part, minlength=1 << level)
        spread = []
        for x in places.T:
            mean = np.bincount(part, x, 1 << level) / count
            spread.append(np.bincount(part, (x - mean[part]) ** 2, 1 << level))
        along = np.where((spread[0] >= spread[1])[part], places[:, 0], places[:, 1])
        low, high = along.min(), along.max()
        # The part is the integer and the place the fraction of one key.
        order = np.argsort(part + 0.999 * (along - low) / max(high - low, 1e-300))
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        within = np.empty(n, dtype=np.int64)
        within[order] = np.arange(n) - first[part[order]]
        part = 2 * part + (within >= (count[part] + 1) // 2)
    return part


def _separated(code: Int, depth: int, i: Int, j: Int) -> Int:
    """Return the front of each unit: the first cut at which a link to the other half is taken out with it."""
    apart = code[i] ^ code[j]
    level = np.where(apart > 0, depth - np.frexp(apart.astype(np.float64))[1], depth)
    node = np.full(len(code), -1, dtype=np.int64)
    for cut in range(depth):
        across = np.flatnonzero(level == cut)
        across = across[(node[i[across]] < 0) & (node[j[across]] < 0)]
        a, b = i[across], j[across]
        is_left = (code[a] >> (depth - 1 - cut)) & 1 == 0
        sides = np.unique(np.where(is_left, a, b)), np.unique(np.where(is_left, b, a))
        where = [code[side] >> (depth - cut) for side in sides]
        left, right = (np.bincount(at, minlength=1 << cut) for at in where)
        fewer = left <= right
        for side, at, chosen in zip(sides, where, (fewer, ~fewer), strict=True):
            node[side[chosen[at]]] = (1 << cut) + at[chosen[at]]
    rest = node < 0
    node[rest] = (1 << depth) + code[rest]
    return node


def _borders(node: Int, rank: Int, depth: int, i: Int, j: Int) -> list[Int]:
    """Return the borders of all fronts: what their units and their children's are linked to, later on."""
    n = len(node)
    across = node[i] != node[j]
    i, j = i[across], j[across]
    later = rank[i] > rank[j]
    keys = np.unique(np.where(later, node[j], node[i]) * n + np.where(later, rank[i], rank[j]))
    front = np.empty(n, dtype=np.int64)
    front[rank] = node
    out, from_below = [], np.zeros(0, dtype=np.int64)
    for level in range(depth, -1, -1):
        low, high = np.searchsorted(keys, [(1 << level) * n, (2 << level) * n])
        found = np.unique(np.concatenate([keys[low:high], from_below]))
        found = found[front[found % n] != found // n]
        out.append(found)
        from_below = (found // n >> 1) * n + found % n
    return out[::-1]
