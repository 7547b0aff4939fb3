r"""Covariance of the quadratic moments: sums over pairs of units that an error matrix joins.

.. math:: \Phi_{gq,hr} = \frac{2}{n^2} \sum_{i \ne j} a_{q,ij} a_{r,ij}\, \omega_{gh,ij}

Only the pattern of M'M and M + M' is visited, a block of rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .errors import ErrorMoments

__all__ = ["Kind", "moment_covariance", "pair_sums", "product", "rows_at_a_time"]

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Kind = Literal["homoskedastic", "heteroskedastic", "cluster"]

_PAIRS, _FULL = 1_000_000, 0.3  # a product of matrices with more entries is dense


def moment_covariance(residuals: Sequence[Float], moments: Sequence[ErrorMoments], kind: Kind) -> Float:
    r"""Return Phi, (2E, 2E), for the E equations that have an error matrix.

    Parameters
    ----------
    residuals : sequence of arrays (R,)
        Filtered residuals of these equations.
    moments : sequence of ErrorMoments
        Their error matrices; one value may serve several equations.
    kind : "homoskedastic", "heteroskedastic" or "cluster"
        What is assumed of the innovations: omega is T sigma_gh^2, or the sum over t of the products, or the
        product of the sums over t (any dependence within a unit).
    """
    layout = moments[0].operator.layout
    count, n = len(residuals), moments[0].n
    distinct = list({id(m): m for m in moments}.values())
    which = [next(k for k, d in enumerate(distinct) if d is m) for m in moments]
    total = np.zeros((count, 2, count, 2))
    if kind == "cluster" and not all(m.operator.is_constant for m in distinct):
        total += _varying_cluster(residuals, moments)
    else:
        sigma = np.stack(list(residuals)) @ np.stack(list(residuals)).T / n
        for first, last, matrices in _periods(distinct):
            units = [np.ascontiguousarray(e[first:last].reshape(-1, _size(matrices)).T) for e in residuals]
            weight = n / layout.n_rows * units[0].shape[1]
            total += pair_sums(units, matrices, which, kind, sigma, weight)
    return 4.0 * total.reshape(2 * count, 2 * count) / n**2  # each unordered pair stands for two


def pair_sums(
    units: Sequence[Any],
    matrices: list[sp.csr_array],
    which: list[int],
    kind: Kind,
    sigma: Float,
    weight: float,
    within: tuple[int, int] | None = None,
) -> Float:
    """Sum over pairs i < j of the products of matrices that do not change over time; (E, 2, E, 2).

    Parameters
    ----------
    units : sequence of E arrays (N, T), or what gives rows of them by ``[places]``
        Filtered residuals.
    matrices : list of CSR (N, N)
        The distinct error matrices.
    which : list of int
        Which of them each equation has.
    sigma : array (E, E)
    weight : float
        Times, less the share that effects take.
    within : (int, int), optional
        The first i, and the one after the last; all by default.
    """
    total = np.zeros((len(which), 2, len(which), 2))
    for i, j, values in _pairs(matrices, within):
        _add(total, values, _omega(units, i, j, kind, sigma, weight), which)
    return total


def _size(matrices: list[sp.csr_array]) -> int:
    """Return the number of units."""
    return int(matrices[0].shape[0])


def _periods(distinct: list[ErrorMoments]) -> Iterator[tuple[int, int, list[sp.csr_array]]]:
    """Yield (first row, last row, matrices): all rows at once where the matrices are constant."""
    operators = [m.operator for m in distinct]
    if all(o.is_constant for o in operators):
        yield 0, operators[0].layout.n_rows, [o.matrices[0] for o in operators]
        return
    blocks = [o.blocks() for o in operators]
    for period in zip(*blocks, strict=True):
        yield period[0][0], period[0][1], [m for _, _, m in period]


def _pairs(
    matrices: list[sp.csr_array], within: tuple[int, int] | None
) -> Iterator[tuple[Index, Index, Float]]:
    """Yield i < j and, for each matrix and q, the entry of A_q there: (pairs,), (pairs,), (M, 2, pairs)."""
    n = _size(matrices)
    transposed = [sp.csr_array(m.T) for m in matrices]
    for first, last in rows_at_a_time(matrices, transposed, _PAIRS, within):
        yield _block(matrices, transposed, first, last, n)


def rows_at_a_time(
    matrices: list[sp.csr_array],
    transposed: list[sp.csr_array],
    most: int,
    within: tuple[int, int] | None = None,
) -> Iterator[tuple[int, int]]:
    """Yield first and last row of parts in which M'M, M and M' have about `most` entries."""
    n = _size(matrices)
    start, stop = within or (0, n)
    load = np.zeros(n)
    for m, t in zip(matrices, transposed, strict=True):
        steps = t.astype(bool).astype(np.float64) @ np.diff(m.indptr).astype(np.float64)
        # A row of the product has no more entries than there are units.
        load += np.minimum(steps, n) + np.diff(m.indptr) + np.diff(t.indptr)
    load = load[start:stop]
    cuts = np.searchsorted(np.cumsum(load), np.arange(most, load.sum() + most, most), side="left") + 1
    first = start
    for cut in [*np.minimum(start + cuts, stop).tolist(), stop]:
        if cut > first:
            yield first, cut
            first = cut


def product(left: sp.csr_array, right: sp.csr_array) -> sp.csr_array:
    """Return the product of sparse matrices, by dense arithmetic where they are full."""
    if left.nnz < _FULL * left.shape[0] * left.shape[1]:
        return left @ right
    return sp.csr_array(left.toarray() @ right.toarray())


def _block(
    matrices: list[sp.csr_array], transposed: list[sp.csr_array], first: int, last: int, n: int
) -> tuple[Index, Index, Float]:
    found: list[tuple[Index, NDArray[np.complex128]]] = []
    for m, t in zip(matrices, transposed, strict=True):
        rows = t[first:last]
        # A_1 as the real and A_2 as the imaginary part: one sparse sum joins their patterns.
        found.append(_upper(product(rows, m) + 0.5j * (m[first:last] + rows), first, n))
    if len(found) == 1:
        keys, data = found[0]
        values = np.stack([data.real, data.imag])[None]
    else:
        keys = np.unique(np.concatenate([k for k, _ in found]))
        values = np.zeros((len(found), 2, len(keys)))
        for row, (key, data) in enumerate(found):
            values[row][:, np.searchsorted(keys, key)] = np.stack([data.real, data.imag])
    return keys // n, keys % n, values


def _upper(block: sp.csr_array, first: int, n: int) -> tuple[Index, NDArray[np.complex128]]:
    entries = sp.coo_array(block)
    row, column = entries.row.astype(np.int64) + first, entries.col.astype(np.int64)
    above = row < column
    return row[above] * n + column[above], entries.data[above]


def _omega(units: Sequence[Any], i: Index, j: Index, kind: Kind, sigma: Float, weight: float) -> Float:
    """Return omega_gh at each pair; (E, E, pairs), or (E, E, 1) where it is the same at all."""
    count = len(units)
    if kind == "homoskedastic":
        return np.asarray(weight * sigma**2)[:, :, None]
    left, right = [e[i] for e in units], [e[j] for e in units]
    out = np.empty((count, count, len(i)))
    if kind == "cluster":
        joint = np.stack([np.einsum("pt,pt->p", x, y) for x, y in zip(left, right, strict=True)])
        return np.asarray(joint[:, None, :] * joint[None, :, :])
    for g in range(count):
        for h in range(g, count):
            out[g, h] = out[h, g] = np.einsum("pt,pt,pt,pt->p", left[g], left[h], right[g], right[h])
    return out


def _add(total: Float, values: Float, omega: Float, which: list[int]) -> None:
    for g, a in enumerate(which):
        for h, b in enumerate(which):
            total[g, :, h, :] += (values[a] * omega[g, h]) @ values[b].T


def _varying_cluster(residuals: Sequence[Float], moments: Sequence[ErrorMoments]) -> Float:
    """Sum over pairs of (sum over t of a_ijt e_it e_jt) products, where M differs over time."""
    layout = moments[0].operator.layout
    n = layout.n_units
    sums: list[list[sp.csr_array]] = []
    for e, moment in zip(residuals, moments, strict=True):
        totals = [sp.csr_array((n, n)), sp.csr_array((n, n))]
        for first, last, m in moment.operator.blocks():
            place = sp.csr_array(
                (e[first:last], (np.arange(last - first), layout.unit[first:last])), shape=(last - first, n)
            )
            for q, a in enumerate((m.T @ m, 0.5 * (m + m.T))):
                totals[q] = totals[q] + sp.csr_array(place.T @ (a @ place))
        sums.append([sp.csr_array(sp.triu(t, k=1)) for t in totals])
    count = len(residuals)
    out = np.zeros((count, 2, count, 2))
    for g in range(count):
        for h in range(count):
            for q in (0, 1):
                for r in (0, 1):
                    out[g, q, h, r] = sums[g][q].multiply(sums[h][r]).sum()
    return out
