"""Exact log-determinants: from eigenvalues, and by elimination at the nodes of an interpolant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy import linalg
from scipy.sparse.linalg import splu

from spatial.errors import ConvergenceError
from spatial.models.impacts.traces import symmetrizer

__all__ = ["Eigenvalues", "Factorised", "Interpolant"]

Float = NDArray[np.float64]

_NEAR = 0.9999
_TOLERANCE, _MOST_NODES, _CHECKS, _REACH = 1e-8, 513, 8, float(np.arctanh(0.999))


def factorised(W: sp.csr_array, a: float) -> float:
    """Return log|I - aW| by sparse LU, without pivoting: within the range it needs none."""
    matrix = sp.csc_matrix(sp.eye_array(W.shape[0], format="csr") - a * W)
    found = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return float(np.sum(np.log(np.abs(found.U.diagonal()))))


@dataclass(frozen=True, eq=False)
class Factorised:
    """log|I - aW| of an a, by sparse LU.

    Parameters
    ----------
    W : CSR array (N, N)
    """

    W: sp.csr_array

    def __call__(self, a: float) -> float:
        """Return it; within the range, no pivoting is needed."""
        return factorised(self.W, a)


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

    def refine(self, a: float, width: float) -> bool:  # noqa: ARG002 - exact everywhere
        """Return that nothing is gained."""
        return False


@dataclass(frozen=True, eq=False)
class Interpolant:
    """A Chebyshev interpolant in artanh(a radius) of exact values, each by one elimination.

    Parameters
    ----------
    exact : callable
        log|I - aW| for an a.
    n : int
        N.
    radius : float
        A bound of the spectral radius.
    how : str
        The elimination, in words.
    """

    exact: Callable[[float], float]
    n: int
    radius: float
    how: str = "sparse LU"

    @property
    def method(self) -> str:
        """How many eliminations, in words."""
        return f"{self.how} at {len(self._fitted[0])} nodes"

    @property
    def bounds(self) -> tuple[float, float]:
        """The inverse of the spectral radius, on both sides."""
        edge = float(np.tanh(_REACH)) / self.radius
        return -edge, edge

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
            if gap < _TOLERANCE * max(1.0, self.n / 1_000):
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

    def refine(self, a: float, width: float) -> bool:  # noqa: ARG002 - as exact everywhere
        """Return that nothing is gained."""
        return False


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
