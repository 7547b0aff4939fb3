r"""Eigenvalues of weights that bound the spatial parameter: where :math:`I - \lambda W` stays regular.

Weights :math:`w_{ij} = d_i^{-1} s_{ij}` with symmetric :math:`s`, such as row-standardised contiguity, have
the eigenvalues of the symmetric matrix :math:`\sqrt{w_{ij} w_{ji}}`, all real (Ord 1975).  For
others (k nearest neighbours) eigenvalues can be complex, and only the real ones make
:math:`I - \lambda W` singular (LeSage and Pace 2009, chapter 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from spatial.weights.normalization import _recurrent, column_sums, row_sums

__all__ = ["Spectrum", "spectrum"]

_DENSE_SYMMETRIC, _DENSE = 1000, 400
_STEPS = 6_000_000  # restarts times N: 60 at 100,000 units, about a second


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues, the range of the spatial parameter they allow, and how they were found.

    Parameters
    ----------
    radius : float
        Spectral radius, or an upper bound of it where `method` says bound.
    least, largest : float
        The most negative and the largest real eigenvalue; NaN where there is none, or none was found.
    lower, upper : float
        :math:`I - \\lambda W` is regular for each lambda between them.
    method : str
        In words.
    """

    radius: float
    least: float
    largest: float
    lower: float
    upper: float
    method: str


def spectrum(matrix: sp.csr_array) -> Spectrum:
    """Return the real eigenvalues at both ends, exactly for small N, by Arnoldi or as a bound for large."""
    if matrix.nnz == 0:
        return Spectrum(0.0, 0.0, 0.0, -np.inf, np.inf, "exact: no links")
    # Rows and columns off every cycle have the eigenvalue 0, which rounding would blur where it is defective.
    own = sp.csr_array(_recurrent(matrix), copy=True)  # Cython refuses read-only arrays
    if own.nnz == 0:
        return Spectrum(0.0, 0.0, 0.0, -np.inf, np.inf, "exact: no link is on a cycle")
    symmetric = _symmetric_twin(own)
    n = own.shape[0]
    if n <= (_DENSE_SYMMETRIC if symmetric is not None else _DENSE):
        values = np.linalg.eigvals(own.toarray()) if symmetric is None else _symmetric_values(symmetric)
        return _all(values, matrix)
    return _ends(own, symmetric, _known_radius(matrix))


def _symmetric_values(symmetric: sp.csr_array) -> np.ndarray:
    return np.linalg.eigvalsh(symmetric.toarray())


def _all(values: np.ndarray, matrix: sp.csr_array) -> Spectrum:
    real = values[values.imag == 0].real
    radius = float(np.abs(values).max())
    least, largest = (float(real.min()), float(real.max())) if len(real) else (np.nan, np.nan)
    how = "exact" if np.isrealobj(values) or (values.imag == 0).all() else "exact, in part complex"
    if len(values) < matrix.shape[0]:
        least, largest = np.fmin(least, 0.0), np.fmax(largest, 0.0)
    known = _known_radius(matrix)
    return _with_range(radius if np.isnan(known) else known, float(least), float(largest), how)


def _known_radius(matrix: sp.csr_array) -> float:
    """Return the radius where row sums tell it exactly, as 1 for row-standardised weights, else NaN."""
    sums = row_sums(matrix)
    sums = sums[np.diff(matrix.indptr) > 0]
    equal = bool((matrix.data > 0).all()) and bool(np.ptp(sums) <= 1e-12 * sums.max())
    # Rows of islands are zero, and take nothing from the others unless these are neighbours of theirs.
    if not equal or not _some_never_reach_an_empty_row(matrix):
        return np.nan
    common = float(np.median(sums))
    return 1.0 if abs(common - 1) <= 1e-12 else common


def _some_never_reach_an_empty_row(matrix: sp.csr_array) -> bool:
    """Whether some units, by whatever links, reach only rows with the common sum: it is their radius."""
    empty = np.flatnonzero(np.diff(matrix.indptr) == 0)
    if not len(empty):
        return True
    leads_out = np.zeros(matrix.shape[0], dtype=bool)
    leads_out[empty] = True
    transposed = sp.csr_array(matrix.T)
    front = empty
    while len(front):
        reached = np.unique(transposed[front].indices)
        front = reached[~leads_out[reached]]
        leads_out[front] = True
    return not leads_out.all()


def _ends(matrix: sp.csr_array, symmetric: sp.csr_array | None, radius: float) -> Spectrum:
    positive = bool((matrix.data > 0).all())
    how = []
    if np.isnan(radius):
        which = "LA" if positive and symmetric is not None else "LR" if positive else "LM"
        found = _extreme(matrix, symmetric, which)
        radius = np.nan if found is None else abs(found)
        how.append("radius by Arnoldi iterations")
    else:
        how.append("radius from the row sums")
    if np.isnan(radius):
        radius = float(min(row_sums(abs(matrix)).max(), column_sums(abs(matrix)).max()))
        return Spectrum(
            radius, np.nan, np.nan, -1 / radius, 1 / radius, "a bound from row and column sums, always safe"
        )
    least = _extreme(matrix, symmetric, "SA" if symmetric is not None else "SR")
    largest: Any = radius
    if not positive:
        largest = _extreme(matrix, symmetric, "LA" if symmetric is not None else "LR")
    real = [np.nan if end is None or end.imag != 0 else float(end.real) for end in (least, largest)]
    if np.isnan(real).any():
        how.append("ends without a real eigenvalue at hand bounded by 1 over the radius, always safe")
    else:
        how.append("ends by Arnoldi iterations")
    return _with_range(radius, real[0], real[1], "; ".join(how))


def _extreme(matrix: sp.csr_array, symmetric: sp.csr_array | None, which: str) -> Any:
    """Return one eigenvalue at the end `which`, or None where the iterations do not settle in time."""
    from scipy.sparse.linalg import ArpackNoConvergence, eigs, eigsh

    n = matrix.shape[0]
    # A fixed start gives one answer; a drawn one has a part of each eigenvector.
    start = np.random.default_rng(0).standard_normal(n)
    options = {
        "k": 1,
        "v0": start,
        # Of the residual: the error of a symmetric eigenvalue is of its square.
        "tol": 1e-8 if symmetric is None else 1e-6,
        "maxiter": int(np.clip(_STEPS / n, 10, 1000)),
        "return_eigenvectors": False,
    }
    try:
        values = (
            eigs(matrix, which=which, ncv=20, **options)
            if symmetric is None
            else eigsh(symmetric, which=which, ncv=12, **options)
        )
    except ArpackNoConvergence:
        return None
    return complex(values[0])


def _with_range(radius: float, least: float, largest: float, method: str) -> Spectrum:
    """Complete the range; an end without a known eigenvalue is bounded by the radius."""
    largest = radius if abs(largest - radius) <= 1e-9 * radius else largest
    # An eigenvalue 0 comes as rounding noise of either sign.
    least, largest = (0.0 if abs(end) <= 1e-13 * radius else end for end in (least, largest))
    bound = np.inf if radius == 0 else 1 / radius
    lower = -bound if np.isnan(least) else 1 / least if least < 0 else -np.inf
    upper = bound if np.isnan(largest) else 1 / largest if largest > 0 else np.inf
    return Spectrum(radius, least, largest, float(lower), float(upper), method)


# ---- the symmetric matrix with the same eigenvalues
def _symmetric_twin(matrix: sp.csr_array) -> sp.csr_array | None:
    """Return the symmetric matrix similar to `matrix` by a diagonal scaling, or None where there is none."""
    other = sp.csr_array(matrix.T)
    other.sort_indices()
    if not (
        np.array_equal(matrix.indptr, other.indptr) and np.array_equal(matrix.indices, other.indices)
    ) or bool((np.sign(matrix.data) != np.sign(other.data)).any()):
        return None
    values = np.sign(matrix.data) * np.sqrt(np.abs(matrix.data)) * np.sqrt(np.abs(other.data))
    if not np.allclose(matrix.data, other.data, rtol=1e-12, atol=0) and not _is_scaled(matrix, other):
        return None
    return sp.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def _is_scaled(matrix: sp.csr_array, other: sp.csr_array) -> bool:
    """Whether some d > 0 has d_i w_ij = d_j w_ji: take d along a spanning forest, then try each link."""
    ratio = np.log(np.abs(matrix.data)) - np.log(np.abs(other.data))  # log d_j - log d_i
    heads = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    potential = _potential(matrix, ratio, heads)
    return bool(np.allclose(potential[matrix.indices] - potential[heads], ratio, rtol=0, atol=1e-9))


def _potential(matrix: sp.csr_array, ratio: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Sum `ratio` along a spanning forest from the root of each component."""
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    n = matrix.shape[0]
    _, labels = connected_components(matrix, directed=False)
    roots = np.unique(labels, return_index=True)[1]
    # One more node, linked to a root in each component, makes the forest a tree.
    indices = np.concatenate([matrix.indices, roots]).astype(np.int32)
    indptr = np.append(matrix.indptr, len(indices)).astype(np.int32)
    joined = sp.csr_array((np.ones(len(indices)), indices, indptr), shape=(n + 1, n + 1))
    before = breadth_first_order(joined, n, directed=True)[1]
    before[n] = n
    step = np.zeros(n + 1)
    on_tree = before[matrix.indices] == heads
    step[matrix.indices[on_tree]] = ratio[on_tree]
    total, ahead = step, before
    for _ in range(int(n + 1).bit_length()):  # each round doubles the length of path summed
        total, ahead = total + total[ahead], ahead[ahead]
    return total[:n]
