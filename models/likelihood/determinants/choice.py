r"""The log-determinant of :math:`I - aW` as a function of a, by a method that W chooses.

.. math:: f(a) = \log|I - aW|, \qquad f'(a) = -\operatorname{tr} G, \qquad
          f''(a) = -\operatorname{tr} G^2, \qquad G = W(I - aW)^{-1}

* up to 250 units, and for dense weights beyond, the eigenvalues: exact;
* up to 30,000 units one elimination at each node of a Chebyshev interpolant, whose nodes are doubled until
  points between them are met to 1e-8 a thousand units (Pace and Barry 1997, the error checked);
* beyond, where the links lie as on a map, eliminations at a few places about the maximum, and a shape between
  them: exact there;
* beyond, where elimination would fill in, the power series (Barry and Pace 1999) with the traces of the first
  four powers exact and the others from random signs; the error is stated.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.weights.normalization import radius_bound

from .anchors import Anchored
from .dissection import Dissection, dissected
from .exact import Eigenvalues, Factorised, Interpolant
from .power_series import PowerSeries

__all__ = ["INTERPOLATED_UNITS", "LogDeterminant", "log_determinant"]

Float = NDArray[np.float64]

_EIGENVALUES, _DENSE_EIGENVALUES, _DENSE = 250, 1_500, 0.05
_FACTORISED = 3_000  # the compiled elimination is loaded beyond
INTERPOLATED_UNITS = 30_000
_MOST_OPERATIONS, _MOST_LINKS = 2e11, 200


class LogDeterminant(Protocol):
    """The log-determinant, its derivatives, and how far it may be off."""

    @property
    def method(self) -> str:
        """How it is computed, in words."""

    @property
    def bounds(self) -> tuple[float, float]:
        """The admissible range of a, a little inside."""

    @property
    def starts(self) -> Float:
        """Where a search may begin: cheap points over the range."""

    def __call__(self, a: float) -> tuple[float, float, float]:
        """Return f, f' and f'' at a."""

    def error(self, a: float) -> float:
        """Return what f may be off by; 0 where it is exact."""

    def refine(self, a: float, width: float) -> bool:
        """Make f exact within a width of a; return whether it changed."""


_CACHE: OrderedDict[tuple[str, int | None], LogDeterminant] = OrderedDict()
_CACHE_SIZE = 8


def log_determinant(W: sp.csr_array, seed: int | None = None) -> LogDeterminant:
    """Return the log-determinant of I - aW, kept from the last call with equal weights.

    Parameters
    ----------
    W : CSR array (N, N)
    seed : int, optional
        Of random signs; needed above 30,000 units only, and only where elimination would fill in.

    Examples
    --------
    >>> ring = sp.csr_array(np.roll(np.eye(4), 1, axis=1) / 2 + np.roll(np.eye(4), -1, axis=1) / 2)
    >>> found = log_determinant(ring)
    >>> round(found(0.5)[0], 6), round(float(np.log(np.linalg.det(np.eye(4) - 0.5 * ring.toarray()))), 6)
    (-0.287682, -0.287682)
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (W.indptr, W.indices, W.data):
        digest.update(np.ascontiguousarray(part).tobytes())
    key = digest.hexdigest(), seed if W.shape[0] > INTERPOLATED_UNITS else None
    if key not in _CACHE:
        _CACHE[key] = _by_size(W, seed)
        if len(_CACHE) > _CACHE_SIZE:
            _CACHE.popitem(last=False)
    _CACHE.move_to_end(key)
    return _CACHE[key]


def _by_size(W: sp.csr_array, seed: int | None) -> LogDeterminant:
    n = W.shape[0]
    dense = W.nnz > _DENSE * n**2
    if n <= _EIGENVALUES or (n <= _DENSE_EIGENVALUES and dense):
        return Eigenvalues.of(W)
    radius = float(radius_bound(W)) if W.nnz else 1.0
    if n <= _FACTORISED:
        return Interpolant(Factorised(W), n, radius)
    order = dissected(W) if W.nnz <= _MOST_LINKS * n else None
    if order is not None and order.operations <= _MOST_OPERATIONS:
        return _eliminated(W, order, radius)
    if seed is None:
        cost = f"{W.nnz / n:.0f} links a unit" if order is None else f"{order.operations:.0e} operations"
        raise DataError(
            f"The weights join {n} units so closely that elimination would fill in ({cost}): log|I - aW| is "
            "then estimated from random signs. Give their seed, fit('ml', seed=1), so that the numbers can "
            "be made again."
        )
    return PowerSeries.of(W, radius, seed)


def _eliminated(W: sp.csr_array, order: Dissection, radius: float) -> LogDeterminant:
    """Return the interpolant over the whole range, or the shape with places about the maximum."""
    from .elimination import elimination  # compiled: half a second to load

    steps = elimination(W, order)
    if W.shape[0] <= INTERPOLATED_UNITS:
        return Interpolant(steps, W.shape[0], radius, "elimination (nested dissection)")
    return Anchored(steps, PowerSeries.shape(W, radius, np.argsort(order.rank)))
