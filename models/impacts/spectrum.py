"""Where the eigenvalues of W lie: known exactly for small N, else enclosed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.weights.normalization import radius_bound

from .traces import constant_row_sum, eigenvalues

__all__ = ["Spectrum", "spectrum"]

Complex = NDArray[np.complex128]

QUICK_LIMIT = 600


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues omega of a weights matrix.

    Parameters
    ----------
    points : complex array
        The eigenvalues; or, where `exact` is False, a circle that encloses them.
    real : (float, float)
        Interval that holds the real eigenvalues and zero.
    radius : float
        Largest modulus, or a bound of it.
    row_sum : float or None
        Where all rows have the same sum: itself an eigenvalue.
    exact : bool
    """

    points: Complex
    real: tuple[float, float]
    radius: float
    row_sum: float | None
    exact: bool


def spectrum(W: Any, *, thorough: bool = False) -> Spectrum:
    """Return the eigenvalues for up to 600 units, else a circle around them.

    Parameters
    ----------
    W : sparse (N, N)
    thorough : bool
        Compute eigenvalues up to 3,000 units where W is similar to a symmetric matrix.

    Examples
    --------
    >>> from scipy import sparse
    >>> pair = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> spectrum(pair).real
    (-1.0, 1.0)
    """
    row_sum = constant_row_sum(W)
    omega = eigenvalues(W) if thorough or W.shape[0] <= QUICK_LIMIT else None
    if omega is not None:
        radius = float(np.abs(omega).max(initial=0.0))
        flat = np.real(omega[np.abs(np.imag(omega)) <= 1e-9 * max(radius, 1e-300)])
        real = (float(flat.min(initial=0.0)), float(flat.max(initial=0.0)))
        return Spectrum(omega, real, radius, row_sum, True)
    radius = radius_bound(W)
    circle = radius * np.exp(1j * np.linspace(0, np.pi, 181))
    return Spectrum(circle, (-radius, radius), radius, row_sum, False)
