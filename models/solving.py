r"""Least squares and inverses that do not depend on the units in which columns are measured.

A column in yuan beside one in shares makes cross-products of :math:`10^{20}` and :math:`10^{-10}`: what a
singular value decomposition then takes for nothing is a regressor.  Columns are first brought to norms near
one, by powers of two, which rounds nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["generalised_inverse", "in_unit_columns", "least_squares"]

Float = NDArray[np.float64]


def in_unit_columns(X: Float) -> tuple[Float, Float]:
    """Return the columns with norms between .7 and 1.5, and by what each was divided."""
    return X / (by := _powers(np.linalg.norm(X, axis=0))), by


def least_squares(X: Float, y: Float) -> Float:
    """Return the coefficients of y, (rows,) or (rows, m), on X."""
    scaled, by = in_unit_columns(X)
    found = np.asarray(np.linalg.lstsq(scaled, y, rcond=None)[0], dtype=np.float64)
    return found / (by[:, None] if found.ndim == 2 else by)


def generalised_inverse(S: Float) -> Float:
    """Return an inverse of a symmetric positive semi-definite matrix on the space that it spans."""
    by = _powers(np.sqrt(np.abs(np.diag(S))))
    return np.asarray(np.linalg.pinv(S / np.outer(by, by), hermitian=True) / np.outer(by, by))


def _powers(size: Float) -> Float:
    return np.exp2(np.round(np.log2(np.where(size > 0, size, 1.0))))
