r"""The log-determinant of :math:`I - aW` as a function of a, by a method that the size of W chooses.

.. math:: f(a) = \log|I - aW|, \qquad f'(a) = -\operatorname{tr} G, \qquad
          f''(a) = -\operatorname{tr} G^2, \qquad G = W(I - aW)^{-1}

* up to 250 units, and for dense weights beyond, the eigenvalues: exact;
* up to 30,000 units one sparse LU factorisation at each node of a Chebyshev interpolant, whose nodes are
  doubled until points between them are met to 1e-8 a thousand units (Pace and Barry 1997, the error checked);
* beyond, the power series (Barry and Pace 1999) with the traces of the first four powers exact and the
  others from random signs; the error is stated.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy import linalg
from scipy.sparse.linalg import splu

from spatial.errors import ConvergenceError, DataError
from spatial.models.impacts.traces import symmetrizer
from spatial.weights.normalization import radius_bound

from .power_series import PowerSeries

__all__ = ["EXACT_UNITS", "LogDeterminant", "factorised", "log_determinant"]

Float = NDArray[np.float64]

_EIGENVALUES, _DENSE_EIGENVALUES, _DENSE = 250, 1_500, 0.05
EXACT_UNITS = 30_000
_NEAR = 0.9999
_TOLERANCE, _MOST_NODES, _CHECKS, _REACH = 1e-8, 513, 8, float(np.arctanh(0.999))


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


_CACHE: OrderedDict[tuple[str, int | None], LogDeterminant] = OrderedDict()
_CACHE_SIZE = 8


def log_determinant(W: sp.csr_array, seed: int | None = None) -> LogDeterminant:
    """Return the log-determinant of I - aW, kept from the last call with equal weights.

    Parameters
    ----------
    W : CSR array (N, N)
    seed : int, optional
        Of the random signs; needed above 30,000 units only.

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
    key = digest.hexdigest(), seed if W.shape[0] > EXACT_UNITS else None
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
    if n <= EXACT_UNITS:
        return Interpolant(sp.csc_array(W), _radius(W))
    if seed is None:
        raise DataError(
            f"The weights join {n} units: beyond {EXACT_UNITS} log|I - aW| is estimated from random signs. "
            "Give their seed, fit('ml', seed=1), so that the numbers can be made again."
        )
    return PowerSeries.of(W, _radius(W), seed)


def _radius(W: sp.csr_array) -> float:
    return float(radius_bound(W)) if W.nnz else 1.0


def factorised(W: sp.csc_array, a: float) -> object:
    """Return the sparse LU factorisation of I - aW, without pivoting: within the range it needs none."""
    matrix = sp.csc_matrix(sp.eye_array(W.shape[0], format="csc") - a * W)
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


@dataclass(frozen=True, eq=False)
class Eigenvalues:
    """From all eigenvalues of W: exact.

    Parameters
    ----------
    values : complex array (N,)
    """

    values: NDArray[np.complex128]
    method = "eigenvalues"

    @classmethod
    def of(cls, W: sp.csr_array) -> Eigenvalues:
        """Compute them; of a similar symmetric matrix where there is one."""
        d = symmetrizer(W) if W.nnz else None
        if d is None:
            return cls(np.asarray(linalg.eigvals(W.toarray()), dtype=np.complex128))
        root = np.sqrt(d)
        similar = (sp.diags_array(root) @ W @ sp.diags_array(1 / root)).toarray()
        return cls(np.asarray(linalg.eigvalsh((similar + similar.T) / 2), dtype=np.complex128))

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Between the inverses of the least and the largest real eigenvalue."""
        size = float(np.abs(self.values).max(initial=0.0))
        if size == 0.0:
            return -1e6, 1e6
        real = np.real(self.values[np.abs(np.imag(self.values)) <= 1e-9 * size])
        low, high = float(real.min(initial=0.0)), float(real.max(initial=0.0))
        # Without a negative real eigenvalue the range is that of the power series.
        below = 1 / low if low < -1e-9 * size else -1 / size
        above = 1 / high if high > 1e-9 * size else 1 / size
        return _NEAR * below, _NEAR * above

    def __call__(self, a: float) -> tuple[float, float, float]:
        """Return f, f' and f'' at a."""
        g = self.values / (1 - a * self.values)
        value = float(np.sum(np.log(np.abs(1 - a * self.values))))
        return value, -float(np.real(g.sum())), -float(np.real((g * g).sum()))

    @property
    def starts(self) -> Float:
        """Points over the whole range."""
        return spread_over(self.bounds)

    def error(self, a: float) -> float:  # noqa: ARG002 - exact everywhere
        """Return 0."""
        return 0.0


@dataclass(frozen=True, eq=False)
class Interpolant:
    """A Chebyshev interpolant in artanh(a radius) of exact values, each by one sparse LU factorisation.

    Parameters
    ----------
    W : CSC array (N, N)
    radius : float
        A bound of the spectral radius.
    """

    W: sp.csc_array
    radius: float

    @property
    def method(self) -> str:
        """How many factorisations, in words."""
        return f"sparse LU at {len(self._fitted[0])} nodes"

    @property
    def bounds(self) -> tuple[float, float]:
        """The inverse of the spectral radius, on both sides."""
        edge = float(np.tanh(_REACH)) / self.radius
        return -edge, edge

    def exact(self, a: float) -> float:
        """Return log|I - aW| by one factorisation."""
        found = factorised(self.W, a)
        return float(np.sum(np.log(np.abs(found.U.diagonal()))))  # type: ignore[attr-defined]

    @cached_property
    def _fitted(self) -> tuple[Float, float]:
        """The coefficients in the Chebyshev basis, and the largest gap at points between the nodes."""
        count, values = 17, self._at(_nodes(17))
        while True:
            known = _coefficients(values)
            between = np.arange(1, 2 * count - 1, 2)
            checked = between[np.linspace(0, len(between) - 1, _CHECKS).astype(int)]
            new = np.full(2 * count - 1, np.nan)
            new[::2], nodes = values, _nodes(2 * count - 1)
            new[checked] = self._at(nodes[checked])
            gap = float(np.abs(chebyshev.chebval(nodes[checked], known) - new[checked]).max())
            if gap < _TOLERANCE * max(1.0, self.W.shape[0] / 1_000):
                return known, gap
            count = 2 * count - 1
            if count > _MOST_NODES:
                raise ConvergenceError(
                    f"log|I - aW| was not interpolated to {_TOLERANCE:g} with {_MOST_NODES} nodes. "
                    "Row-standardise the weights, or use fit('gs2sls')."
                )
            missing = np.isnan(new)
            new[missing] = self._at(nodes[missing])
            values = new

    def _at(self, nodes: Float) -> Float:
        return np.array([self.exact(float(np.tanh(_REACH * x)) / self.radius) for x in nodes])

    def __call__(self, a: float) -> tuple[float, float, float]:
        """Return f, f' and f'' at a."""
        z = a * self.radius
        t = float(np.arctanh(z))
        known, x = self._fitted[0], t / _REACH
        value, slope, curve = (
            float(chebyshev.chebval(x, chebyshev.chebder(known, k) if k else known)) for k in range(3)
        )
        first = self.radius / (1 - z**2) / _REACH
        second = 2 * z * self.radius**2 / (1 - z**2) ** 2 / _REACH
        return value, slope * first, curve * first**2 + slope * second

    @property
    def starts(self) -> Float:
        """Points over the whole range."""
        return spread_over(self.bounds)

    def error(self, a: float) -> float:  # noqa: ARG002 - one bound everywhere
        """Return the largest gap at points between the nodes."""
        return self._fitted[1]


def spread_over(bounds: tuple[float, float]) -> Float:
    """Return points between two bounds, closer to each other near these."""
    low, high = bounds
    places = np.tanh(np.linspace(-2.5, 2.5, 15))
    return np.where(places < 0, -low * places, high * places)


def _nodes(count: int) -> Float:
    return np.asarray(np.cos(np.pi * np.arange(count) / (count - 1)))


def _coefficients(values: Float) -> Float:
    """Return Chebyshev coefficients from values at cos(pi k / n), k = 0..n."""
    n = len(values) - 1
    mirrored = np.concatenate([values, values[-2:0:-1]])
    found = np.real(np.fft.fft(mirrored))[: n + 1] / n
    found[0] /= 2
    found[-1] /= 2
    return np.asarray(found)
