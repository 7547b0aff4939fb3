r"""The log-determinant as a power series in the traces of W, exact and estimated, with its error.

.. math:: \log|I - aW| = -\sum_{m \ge 1} \frac{a^m}{m}\operatorname{tr}(W^m), \qquad
          \widehat{\operatorname{tr}}(W^m) = \frac{1}{p}\sum_{j=1}^{p} v_j'W^mv_j

with random signs v (Hutchinson; Barry and Pace 1999).  The traces of the first four powers, which carry
nearly all of the variance, are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse import csgraph

from spatial.compute.products import product

__all__ = ["PowerSeries"]

Float = NDArray[np.float64]

_PROBES, _BATCH = 16, 8
_SHAPE_PROBES, _SHAPE_POWERS = 4, 40
_FIRST, _MORE, _MOST = 30, 30, 3_000
_ROWS = 100_000
_SMALL, _SURE = 1e-6, 3.0
_NEAR = 0.999


@dataclass(eq=False)
class PowerSeries:
    """The series, carried as far as the values that are asked for need.

    Parameters
    ----------
    W : CSR array (N, N)
        Scaled to a spectral radius of at most 1, units in an order in which neighbours are near.
    radius : float
        By which it was scaled.
    seed : int
    probes : int
        How many random vectors.
    exact : int
        How many traces are exact.
    powers : int, optional
        How many, whatever is asked for.
    """

    W: sp.csr_array
    radius: float
    seed: int
    probes: int = _PROBES
    exact: int = 4
    powers: int | None = None
    traces: Float = field(init=False)
    _state: list[tuple[Float, Float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin without powers."""
        self.traces = np.zeros((self.probes, 0))

    @classmethod
    def of(cls, W: sp.csr_array, radius: float, seed: int) -> PowerSeries:
        """Order the units and scale."""
        order = csgraph.reverse_cuthill_mckee(sp.csr_matrix(W), symmetric_mode=False)
        scaled = sp.csr_array(sp.csr_matrix(W)[order][:, order]) / radius
        return cls(sp.csr_array(scaled), radius, seed)

    @classmethod
    def shape(cls, W: sp.csr_array, radius: float, order: NDArray[np.int64]) -> PowerSeries:
        """Return a rough one, whose errors are taken off elsewhere."""
        scaled = sp.csr_array(sp.csr_matrix(W)[order][:, order]) / radius
        return cls(sp.csr_array(scaled), radius, 0, _SHAPE_PROBES, 0, _SHAPE_POWERS)

    @property
    def n(self) -> int:
        """N."""
        return int(self.W.shape[0])

    @property
    def method(self) -> str:
        """How many probes and powers, in words."""
        return f"{self.probes} random probes, {self.traces.shape[1]} powers, the first four traces exact"

    @property
    def bounds(self) -> tuple[float, float]:
        """The inverse of the spectral radius, on both sides."""
        return -_NEAR / self.radius, _NEAR / self.radius

    @property
    def starts(self) -> Float:
        """Points that need few powers."""
        return np.array([-0.6, -0.3, 0.0, 0.3, 0.6]) / self.radius

    def _carry(self, top: int) -> None:
        """Multiply the probes on until there are `top` powers."""
        if not self._state:
            random = np.random.default_rng(np.random.SeedSequence(self.seed))
            batch = min(self.probes, _BATCH)
            for _ in range(self.probes // batch):
                signs = random.integers(0, 2, size=(self.n, batch), dtype=np.int8) * 2 - 1
                self._state.append((np.asarray(signs, dtype=np.float64),) * 2)
        done = self.traces.shape[1]
        if done >= top:
            return
        found = np.zeros((self.probes, top))
        found[:, :done] = self.traces
        for k, (v, x) in enumerate(self._state):
            for m in range(done, top):
                x = product(self.W, x)
                batch = v.shape[1]
                found[k * batch : (k + 1) * batch, m] = np.einsum("ij,ij->j", v, x)
            self._state[k] = v, x
        if self.exact:
            found[:, : self.exact] = exact_traces(self.W) if done == 0 else self.traces[0, : self.exact]
        self.traces = found

    def _powers(self, z: float) -> int:
        """Return how many powers leave a tail below a millionth a unit."""
        if self.powers is not None:
            return self.powers
        top = _FIRST
        while abs(z) ** (top + 1) / ((top + 1) * (1 - abs(z))) > _SMALL and top < _MOST:
            top += _MORE
        return top

    def __call__(self, a: float) -> tuple[float, float, float]:
        """Return f, f' and f'' at a."""
        value, slope, curve = self._sums(a).mean(axis=1)
        return float(value), float(slope), float(curve)

    def _sums(self, a: float) -> Float:
        z = a * self.radius
        self._carry(self._powers(z))
        orders = np.arange(1, self.traces.shape[1] + 1)
        powers = z ** (orders - 1.0)
        first = self.traces @ powers
        second = self.traces[:, 1:] @ ((orders[1:] - 1) * z ** (orders[1:] - 2.0))
        value = self.traces @ (powers * z / orders)
        return -np.stack([value, first * self.radius, second * self.radius**2])

    def error(self, a: float) -> float:
        """Return three standard errors over the probes, and the tail of the series."""
        return _SURE * float(self.spread(a)[0]) + self._tail(a)

    def spread(self, a: float) -> Float:
        """Return the standard errors of f, f' and f'' over the probes; (3,)."""
        return np.asarray(self._sums(a).std(axis=1, ddof=1) / np.sqrt(self.probes))

    def refine(self, a: float, width: float) -> bool:  # noqa: ARG002 - the error stays what it is
        """Return that nothing is gained."""
        return False

    def _tail(self, a: float) -> float:
        z, top = abs(a * self.radius), self.traces.shape[1]
        return float(self.n * z ** (top + 1) / ((top + 1) * (1 - z)))


def exact_traces(W: sp.csr_array) -> Float:
    """Return tr W, ..., tr W^4, from W^2 some rows at a time."""
    n = W.shape[0]
    turned = sp.csr_array(W.T)
    out = np.array([W.diagonal().sum(), W.multiply(turned).sum(), 0.0, 0.0])
    for first in range(0, n, _ROWS):
        rows = slice(first, first + _ROWS)
        ahead, back = W[rows] @ W, turned[rows] @ turned
        out[2] += ahead.multiply(turned[rows]).sum()
        out[3] += ahead.multiply(back).sum()
    return out
