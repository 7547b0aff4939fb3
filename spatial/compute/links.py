"""The links of W + W', each once, or of W for the kernels, units in an order that keeps neighbours near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee

from spatial.errors import WeightsError

from .compiled import compiled
from .threads import free_bytes

__all__ = ["LAGS", "PAIRS", "QUADRATIC", "Links", "build_links", "links_of_pairs", "links_of_rows"]

Float = NDArray[np.float64]

QUADRATIC, PAIRS, LAGS = 0, 1, 2
"""Forms that are permuted: z'Wz, x'Wy where pairs (x, y) change places, and (Wx)'(Wy) of such pairs."""

MOST_ORDERED = 2**31 - 1
"""Entries of a matrix whose rows scipy puts in order: it counts them by 32 bits."""
_ORDERING = 84  # bytes of a pair, beside those that are kept
_NEAR = 4096  # a window of so many rows fits the second-level cache


@compiled(
    "int64(int64[::1], int32[::1], float64[::1], int32[::1], int64[::1], int64[::1], int32[::1], int32[::1],"
    "float64[::1])"
)
def _lower_links(indptr, indices, data, order, place, first, heads, tails, weights):  # type: ignore[no-untyped-def]
    """List the links i > j of a symmetric matrix after reordering; return the largest i - j.

    Returns -1 where there are more of them than places: the matrix is not symmetric.
    """
    reach, k = 0, 0
    for i in range(order.shape[0]):
        first[i] = k
        row = order[i]
        for link in range(indptr[row], indptr[row + 1]):
            j = place[indices[link]]
            if j < i:
                if k == heads.shape[0]:
                    return -1
                heads[k] = i
                tails[k] = j
                weights[k] = data[link]
                reach = max(reach, i - j)
                k += 1
    first[order.shape[0]] = k
    return reach


@dataclass(frozen=True, eq=False)
class Links:
    """The links i > j of W + W', with units in an order that keeps neighbours near; or all links of W.

    Parameters
    ----------
    order : int32 array, (N,)
        ``order[i]`` is the row of W in place i.
    first : int64 array, (N + 1,)
        Link numbers ``first[i] : first[i + 1]`` have head i.
    heads, tails : int32 array, (L,)
        Of all links of W heads are left out.
    weights : float64 array, (L,)
        :math:`w_{ij} + w_{ji}`, or :math:`w_{ij}`.
    reach : int
        Largest distance between head and tail.
    """

    order: NDArray[np.int32]
    first: NDArray[np.int64]
    heads: NDArray[np.int32]
    tails: NDArray[np.int32]
    weights: Float
    reach: int


def links_of_pairs(n: int, heads: NDArray[np.int32], tails: NDArray[np.int32], weights: Float) -> Links:
    """Return what `build_links` does of W + W', from each of its pairs once.

    Parameters
    ----------
    n : int
    heads, tails : int32 array, (L,)
        Rows of W, heads above tails, tails of a head ascending.
    weights : array, (L,)
    """
    reach = int((heads - tails).max(initial=0))
    if reach > _NEAR:
        if 2 * len(heads) > MOST_ORDERED:
            raise WeightsError(
                "Permutations put neighbours that are far apart in the order of the ids near each other, of "
                f"at most {MOST_ORDERED:,} links; W + W' has {2 * len(heads):,}. Sort the units along the "
                "map before the weights are built, or pass permutations=0."
            )
        needed, free = float(_ORDERING) * len(heads), free_bytes()
        if needed > free:
            raise WeightsError(
                f"Putting {len(heads):,} pairs of W + W' in order takes {needed / 1e9:,.1f} GB, and "
                f"{free / 1e9:,.1f} GB are free. Sort the units along the map before weights are built (of "
                "a grid, let rows be the longer side), or pass permutations=0."
            )
        lower = sp.csr_array((weights, (heads, tails)), shape=(n, n))
        return build_links(sp.csr_array(lower + lower.T))
    if (np.diff(heads) < 0).any():
        order = np.argsort(heads, kind="stable")
        heads, tails, weights = heads[order], tails[order], weights[order]
    first = np.concatenate([[0], np.cumsum(np.bincount(heads, minlength=n))])
    return Links(np.arange(n, dtype=np.int32), first, heads, tails, weights, reach)


def build_links(symmetric: sp.csr_array) -> Links:
    """Order the units and list the links of `symmetric`, the matrix W + W'; its diagonal is left out."""
    n = symmetric.shape[0]
    indptr = symmetric.indptr.astype(np.int64)
    indices = symmetric.indices.astype(np.int32)
    data = np.require(symmetric.data, np.float64, ["C", "W"])
    heads = np.repeat(np.arange(n, dtype=np.int32), np.diff(indptr))
    apart = np.abs(heads - indices)
    count = int((apart > 0).sum()) // 2
    order = np.arange(n, dtype=np.int32)
    if len(apart) and int(apart.max()) > _NEAR:
        order = reverse_cuthill_mckee(sp.csr_matrix(symmetric), symmetric_mode=True).astype(np.int32)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    del heads, apart
    first = np.empty(n + 1, dtype=np.int64)
    head, tail, weight = np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count)
    reach = _lower_links(indptr, indices, data, order, place, first, head, tail, weight)
    if reach < 0:
        raise ValueError("build_links needs W + W', a symmetric matrix.")
    return Links(order, first, head, tail, weight, int(reach))


def links_of_rows(matrix: sp.csr_array) -> Links:
    """Return all links of W by their heads, its diagonal too."""
    n = matrix.shape[0]
    order = np.arange(n, dtype=np.int32)
    reach = _reach(matrix)
    if reach > _NEAR:
        order = reverse_cuthill_mckee(sp.csr_matrix(matrix), symmetric_mode=False).astype(np.int32)
        matrix = sp.csr_array(matrix[order][:, order])
        matrix.sort_indices()
        reach = _reach(matrix)
    first, tails = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)
    weights = np.require(matrix.data, np.float64, ["C"])
    return Links(order, first, np.empty(0, np.int32), tails, weights, reach)


def _reach(matrix: sp.csr_array) -> int:
    apart = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    apart -= matrix.indices.astype(np.int32, copy=False)
    return int(np.abs(apart).max(initial=0))
