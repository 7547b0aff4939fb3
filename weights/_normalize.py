"""Normalisations of a weights matrix, as functions of sparse arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import WeightsError, name_ids

__all__ = [
    "column_sums",
    "minmax_normalize",
    "row_standardize",
    "row_sums",
    "spectral_normalize",
    "spectral_radius",
]

Float = NDArray[np.float64]


def row_sums(matrix: sp.csr_array) -> Float:
    """Sum over each row, (N,)."""
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()


def column_sums(matrix: sp.csr_array) -> Float:
    """Sum over each column, (N,)."""
    return np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()


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
    """Return the largest absolute eigenvalue; dense below 200 units, Arnoldi above."""
    if matrix.nnz == 0:
        return 0.0
    if matrix.shape[0] < 200:
        return float(np.abs(np.linalg.eigvals(matrix.toarray())).max())
    from scipy.sparse.linalg import eigs

    # A fixed start makes the result the same in each run.
    start = np.ones(matrix.shape[0])
    values = eigs(matrix, k=1, which="LM", v0=start, return_eigenvectors=False, tol=1e-12)
    return float(np.abs(values).max())
