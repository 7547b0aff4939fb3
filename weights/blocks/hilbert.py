"""The Hilbert curve: an order of points in which those that are near in it are near on the map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hilbert_order"]

_BITS = 16


def hilbert_order(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the rows along a Hilbert curve through the bounding box (Hilbert 1891); ties by row.

    Examples
    --------
    >>> hilbert_order(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])).tolist()
    [0, 2, 3, 1]
    """
    a, b = _cells(x), _cells(y)
    code: NDArray[np.uint32] = np.zeros(len(a), np.uint32)
    for bit in range(_BITS - 1, -1, -1):
        right, up = (a >> np.uint32(bit)) & np.uint32(1), (b >> np.uint32(bit)) & np.uint32(1)
        code = (code << np.uint32(2)) | ((np.uint32(3) * right) ^ up)
        # The curve in each quarter is a turned copy: the lower two are reflected about a diagonal.
        low = up == 0
        flip = low & (right == 1)
        a, b = np.where(flip, ~a, a), np.where(flip, ~b, b)
        a, b = np.where(low, b, a), np.where(low, a, b)
    return np.argsort(code, kind="stable").astype(np.int32)


def _cells(values: NDArray[np.float64]) -> NDArray[np.uint32]:
    low, high = float(values.min()), float(values.max())
    scale = (2**_BITS - 1) / (high - low) if high > low else 0.0
    return ((values - low) * scale).astype(np.uint32)
