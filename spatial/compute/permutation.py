"""Permutation distribution of quadratic and bilinear forms: on arrays for few units, compiled for many.

Both paths make the same permutations from the same counters and add up in the same order, so that their
results are equal to the last bit.  Few units need no compiler, which takes seconds on a fresh machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .counters import BUCKET
from .draws import uniform_permutations
from .threads import Workers, progress_bar, wants_bar

if TYPE_CHECKING:
    from .links import Links

__all__ = ["permute_bilinear", "permute_quadratic"]

Float = NDArray[np.float64]

_CELLS = 1 << 21  # links times permutations in one go: 16 MB
_MOST_CELLS = 1 << 27  # in all, up to which arrays are as fast as starting the compiler


def permute_quadratic(
    values: Float,
    symmetric: sp.csr_array | Links,
    *,
    linear: Float | None = None,
    square: Float | None = None,
    permutations: int,
    seed: int,
    stream: int = 0,
    workers: Workers,
    progress: bool | None,
    label: str,
) -> Float:
    r"""Return the statistic under uniform random permutations of `values`, (permutations,).

    .. math:: \sum_{i>j} (w_{ij} + w_{ji}) z_i z_j + \sum_i (c_i z_i + d_i z_i^2)

    Parameters
    ----------
    values : array, (N,) or (T, N)
        In an order that does not depend on how the user's rows were sorted.  Of several rows each is
        permuted in the same way, and the statistics are added up.
    symmetric : CSR (N, N), or Links
        W + W'; its diagonal is left out.
    linear, square : array, (N,), optional
        c and d, in the order of the rows of W.
    stream : int
        Independent draws for each stream of one seed.
    """
    rows = np.atleast_2d(values)
    if isinstance(symmetric, sp.csr_array):
        n, cells = rows.shape[1], rows.shape[0] * permutations * (symmetric.nnz // 2 + rows.shape[1])
        if n <= BUCKET and cells <= _MOST_CELLS:
            with progress_bar(permutations, label, wants_bar(progress, 0.0)) as bar:
                return _on_arrays(rows, symmetric, linear, square, permutations, seed, stream, bar)
    from .links import build_links
    from .permutation_kernels import permute_links

    links = build_links(symmetric) if isinstance(symmetric, sp.csr_array) else symmetric
    total = np.zeros(permutations)
    for row in rows:
        total += permute_links(
            row,
            links,
            linear=linear,
            square=square,
            permutations=permutations,
            seed=seed,
            stream=stream,
            workers=workers,
            progress=progress,
            label=label,
        )
    return total


def _on_arrays(
    rows: Float,
    symmetric: sp.csr_array,
    linear: Float | None,
    square: Float | None,
    permutations: int,
    seed: int,
    stream: int,
    bar: Any,
) -> Float:
    n = rows.shape[1]
    heads = np.repeat(np.arange(n), np.diff(symmetric.indptr))
    lower = symmetric.indices < heads
    heads, tails, weights = heads[lower], symmetric.indices[lower], symmetric.data[lower][:, None]
    total = np.zeros(permutations)
    step = max(16, _CELLS // max(len(heads), n))
    for start in range(0, permutations, step):
        stop = min(start + step, permutations)
        moved = uniform_permutations(n, start, stop - start, seed=seed, stream=stream)
        for row in rows:
            z = row[moved]
            terms = z[heads]
            terms *= z[tails]
            terms *= weights
            total[start:stop] += _added(terms, _own_terms(z, linear, square))
        bar.update(stop - start)
    return total


def _own_terms(z: Float, linear: Float | None, square: Float | None) -> Float | None:
    if linear is None and square is None:
        return None
    c: Any = 0.0 if linear is None else linear[:, None]
    d: Any = 0.0 if square is None else square[:, None]
    return np.asarray(z * (c + d * z))


def _added(terms: Float, own: Float | None) -> Float:
    """Add up (L, permutations) as the kernel does: four sums in turn, `own` before the first."""
    sums = []
    for k in range(4):
        part = terms[k::4]
        if k == 0 and own is not None:
            part = np.concatenate([own, part])
        # One row after the other: along the first axis numpy adds in order.
        sums.append(np.add.reduce(part, axis=0) if len(part) else np.zeros(terms.shape[1]))
    return np.asarray((sums[0] + sums[1]) + (sums[2] + sums[3]))


def permute_bilinear(
    x: Float,
    y: Float,
    matrix: sp.csr_array,
    *,
    lags: bool = False,
    permutations: int,
    seed: int,
    stream: int = 0,
    workers: Workers,
    progress: bool | None,
    label: str,
) -> Float:
    r"""Return a form of pairs (x, y) under uniform random permutations of the pairs, (permutations,).

    .. math:: \sum_i x_i \sum_j w_{ij} y_j, \qquad \text{or of both lags} \qquad
              \sum_i \Big(\sum_j w_{ij} x_j\Big) \Big(\sum_j w_{ij} y_j\Big)

    Parameters
    ----------
    x, y : array, (N,)
    matrix : CSR, (N, N)
    lags : bool
        The second form.
    """
    n = len(x)
    if n <= BUCKET and permutations * (matrix.nnz + n) <= _MOST_CELLS:
        with progress_bar(permutations, label, wants_bar(progress, 0.0)) as bar:
            return _pairs_on_arrays(x, y, matrix, lags, permutations, seed, stream, bar)
    from .links import LAGS, PAIRS, links_of_rows
    from .permutation_kernels import permute_links

    return permute_links(
        np.stack([x, y]),
        links_of_rows(matrix),
        form=LAGS if lags else PAIRS,
        permutations=permutations,
        seed=seed,
        stream=stream,
        workers=workers,
        progress=progress,
        label=label,
    )


def _pairs_on_arrays(
    x: Float, y: Float, matrix: sp.csr_array, lags: bool, permutations: int, seed: int, stream: int, bar: Any
) -> Float:
    n = len(x)
    out = np.empty(permutations)
    step = int(np.clip(_CELLS // n, 1, 256))
    for start in range(0, permutations, step):
        stop = min(start + step, permutations)
        moved = uniform_permutations(n, start, stop - start, seed=seed, stream=stream)
        terms = np.asarray(matrix @ y[moved])
        terms *= matrix @ x[moved] if lags else x[moved]
        out[start:stop] = _added(terms, None)
        bar.update(stop - start)
    return out
