"""Kernel functions of u = distance / bandwidth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["KERNELS", "UNBOUNDED"]

Float = NDArray[np.float64]


def _parzen(u: Float) -> Float:
    return np.where(u <= 0.5, 1 - 6 * u**2 + 6 * u**3, 2 * (1 - u) ** 3)


KERNELS: dict[str, Callable[[Float], Float]] = {
    "triangular": lambda u: 1 - u,
    "bartlett": lambda u: 1 - u,
    "uniform": lambda u: np.full_like(u, 0.5),
    "epanechnikov": lambda u: 0.75 * (1 - u**2),
    "quartic": lambda u: 15 / 16 * (1 - u**2) ** 2,
    "parzen": _parzen,
    "gaussian": lambda u: np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi),
    "exponential": lambda u: np.exp(-u),
}

UNBOUNDED = {"gaussian": 4.0, "exponential": 10.0}
"""Kernels without an end, and the number of bandwidths at which they are cut by default."""
