"""Normalisations of a weights matrix, as functions of sparse arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import ConvergenceError, WeightsError, name_ids

__all__ = [
    "column_sums",
    "minmax_normalize",
    "perron_bound",
    "radius_bound",
    "row_standardize",
    "row_sums",
    "spectral_normalize",
    "spectral_radius",
    "sums_to_one",
]

Float = NDArray[np.float64]


def row_sums(matrix: sp.csr_array) -> Float:
    """Sum over each row, (N,)."""
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()


def column_sums(matrix: sp.csr_array) -> Float:
    """Sum over each column, (N,)."""
    return np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()


def sums_to_one(matrix: sp.csr_array) -> bool:
    """Whether each row that has entries with a sum sums to one."""
    sums = row_sums(matrix)
    return bool(np.allclose(sums[sums != 0], 1.0, rtol=0, atol=1e-12)) and matrix.nnz > 0


def row_standardize(matrix: sp.csr_array, ids: pd.Index[Any]) -> sp.csr_array:
    """Divide each row by its sum; rows without entries stay zero."""
    sums = row_sums(matrix)
    filled = np.diff(matrix.indptr) > 0
    if (filled & (sums <= 0)).any():
        bad = ids[filled & (sums <= 0)]
        raise WeightsError(
            f"Row standardisation needs rows with a positive sum; not so at {name_ids(bad)}. "
            "Negative weights cannot be row-standardised: use spectral_normalized()."
        )
    scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=filled)
    data = matrix.data * np.repeat(scale, np.diff(matrix.indptr))
    return sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def spectral_normalize(matrix: sp.csr_array) -> sp.csr_array:
    """Divide by the spectral radius."""
    radius = spectral_radius(matrix)
    if radius <= 0:
        raise WeightsError("Spectral normalisation needs links; the spectral radius of these weights is 0.")
    return matrix * (1.0 / radius)


def minmax_normalize(matrix: sp.csr_array) -> sp.csr_array:
    """Divide by min(max row sum, max column sum) of the absolute weights."""
    size = min(float(row_sums(abs(matrix)).max()), float(column_sums(abs(matrix)).max()))
    if size <= 0:
        raise WeightsError("Min-max normalisation needs links; all row sums of these weights are 0.")
    return matrix * (1.0 / size)


def spectral_radius(matrix: sp.csr_array) -> float:
    """Return the largest absolute eigenvalue: exact where row sums tell it, else dense or by Lanczos.

    Raises
    ------
    ConvergenceError
        Where Arnoldi iterations do not settle.
    """
    # Asked first: row-standardised weights need no more than this.
    constant = _constant_row_sum(matrix)
    if constant is not None:
        return constant
    kept = _recurrent(matrix)
    constant = _constant_row_sum(kept)
    if constant is not None:
        return constant
    if kept.shape[0] < 200:
        return float(np.abs(np.linalg.eigvals(kept.toarray())).max())
    return _arnoldi(kept, bool((kept.data > 0).all()))


def _constant_row_sum(matrix: sp.csr_array) -> float | None:
    """Return the row sum that all rows share, or None; it is the radius of weights above zero (Frobenius)."""
    if matrix.nnz == 0:
        return 0.0
    sums = row_sums(matrix)
    alike = bool((matrix.data > 0).all()) and np.ptp(sums) <= 1e-12 * sums.max()
    return float(sums.mean()) if alike else None


def _recurrent(matrix: sp.csr_array) -> sp.csr_array:
    """Keep the links that lie on a cycle: the others do not change any eigenvalue but 0."""
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(matrix, directed=True, connection="strong")
    rows = np.repeat(part, np.diff(matrix.indptr))
    inside = rows == part[matrix.indices]
    if inside.all():
        kept = matrix
    else:
        data = np.where(inside, matrix.data, 0.0)
        kept = sp.csr_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)
        kept.eliminate_zeros()
    filled = np.diff(kept.indptr) > 0
    return kept if filled.all() else kept[filled][:, filled]


def _arnoldi(matrix: sp.csr_array, positive: bool) -> float:
    from scipy.sparse.linalg import ArpackNoConvergence, eigs, eigsh

    # A fixed start gives the same result in each run; that of a positive eigenvector is positive.
    n = matrix.shape[0]
    start = np.ones(n) if positive else np.random.default_rng(0).uniform(0.5, 1.5, n)
    options = {"k": 1, "v0": start, "ncv": 20, "maxiter": 5000, "return_eigenvectors": False}
    try:
        if (abs(matrix - matrix.T) > 0).nnz == 0:
            # The error of the eigenvalue is the square of the tolerance.
            values = eigsh(matrix, which="LA" if positive else "LM", tol=1e-8, **options)
        else:
            # The radius of weights above zero is itself an eigenvalue, the one farthest to the right.
            values = eigs(matrix, which="LR" if positive else "LM", tol=1e-12, **options)
    except ArpackNoConvergence:
        raise ConvergenceError(
            f"The spectral radius of these weights ({matrix.shape[0]} units) did not settle in 5000 "
            "iterations. Use minmax_normalized(), which needs no eigenvalue."
        ) from None
    return float(np.abs(values).max())


def radius_bound(matrix: sp.csr_array) -> float:
    """Return the spectral radius where the row sums tell it, else an upper bound that is quickly found."""
    known = _constant_row_sum(matrix)
    if known is not None:
        return known
    rows, columns = row_sums(abs(matrix)).max(), column_sums(abs(matrix)).max()
    bound = float(min(rows, columns))
    if matrix.nnz == 0 or matrix.data.min() < 0:
        return bound
    return min(bound, perron_bound(matrix))


def perron_bound(matrix: Any, steps: int = 200) -> float:
    """Return max_i (Wx)_i / x_i after power steps: an upper bound of the radius (Collatz-Wielandt)."""
    x = np.ones(matrix.shape[0])
    bound = np.inf
    for _ in range(steps):
        # The shift keeps x positive and lets bipartite graphs converge.
        y = matrix @ x + 1e-3 * x
        bound = min(bound, float((y / x).max()) - 1e-3)
        x = y / np.abs(y).max()
        x = np.maximum(x, 1e-12)
    return bound
