"""Solve the reduced form with sparse systems: several weights, single units, no inverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse import csgraph
from scipy.sparse import linalg as sparse_linalg

from spatial.errors import ConvergenceError

from .multipliers import Multipliers

__all__ = ["Bilinear", "ExponentialForm", "ReducedForm", "bilinear", "dense_draws", "probe_columns"]

Float = NDArray[np.float64]
Sparse = Any  # scipy CSR array (N, N)

DIRECT_LIMIT = 20_000  # rows of S for which a sparse factorisation is quick whatever the graph
EXACT_LIMIT = 2_000  # rows of S up to which every unit is a probe
_FULL, _DENSE_LIMIT = 0.15, 4_000  # a matrix with a larger share of entries is factored by dense arithmetic
_TOLERANCE = 1e-11


@dataclass(frozen=True, eq=False)
class ReducedForm:
    r"""The matrix :math:`S = (I - B) \otimes I - \sum_r \Lambda_r \otimes W_r`, never inverted.

    Parameters
    ----------
    B : (G, G)
    Lambda : (R, G, G)
    matrices : sequence of sparse (N, N)
    """

    B: Float
    Lambda: Float
    matrices: Sequence[Sparse]

    @property
    def n(self) -> int:
        """Number of units."""
        return int(self.matrices[0].shape[0])

    @property
    def g(self) -> int:
        """Number of equations."""
        return len(self.B)

    @cached_property
    def matrix(self) -> Sparse:
        """S, sparse, (GN, GN)."""
        out = sparse.kron(sparse.csr_array(np.eye(self.g) - self.B), sparse.eye_array(self.n), format="csr")
        for coefficients, W in zip(self.Lambda, self.matrices, strict=True):
            out = out - sparse.kron(sparse.csr_array(coefficients), W, format="csr")
        return sparse.csr_array(out)

    @cached_property
    def _factor(self) -> Any:
        if self.matrix.nnz > _FULL * self.matrix.shape[0] ** 2 and self.matrix.shape[0] <= _DENSE_LIMIT:
            return _DenseFactor(*linalg.lu_factor(self.matrix.toarray(), overwrite_a=True))
        return sparse_linalg.splu(sparse.csc_array(self.matrix))

    def solve(self, right: Float, *, transposed: bool = False) -> Float:
        """Solve S x = right, or S'x = right, for right (GN, columns).

        A factorisation for up to 20,000 rows; else BiCGSTAB with (I - B)^-1 as preconditioner.
        """
        if self.matrix.shape[0] <= DIRECT_LIMIT:
            return np.asarray(self._factor.solve(np.asarray(right), trans="T" if transposed else "N"))
        system = self.matrix.T if transposed else self.matrix
        inverse = np.linalg.inv(np.eye(self.g) - (self.B.T if transposed else self.B))
        condition = sparse_linalg.LinearOperator(
            system.shape, matvec=lambda v: (inverse @ v.reshape(self.g, -1)).ravel(), dtype=np.float64
        )
        columns = [self._iterate(system, column, condition) for column in right.T]
        return np.column_stack(columns)

    def _iterate(self, system: Sparse, right: Float, condition: Any) -> Float:
        size = float(np.linalg.norm(right))
        if size == 0:
            return np.zeros_like(right)
        found, _ = sparse_linalg.bicgstab(system, right, rtol=_TOLERANCE, M=condition, maxiter=2_000)
        gap = float(np.linalg.norm(system @ found - right)) / size
        if gap > 1e-8:
            raise ConvergenceError(
                f"The reduced form was not solved (relative residual {gap:.1e} after 2000 steps): the system "
                "is close to the edge of stability. See fit.stability()."
            )
        return np.asarray(found)

    def series_radius(self) -> float:
        r"""Return the spectral radius of :math:`(I - B)^{-1} \sum_r \Lambda_r \otimes W_r`."""
        inverse = np.linalg.inv(np.eye(self.g) - self.B)
        return _radius(self, [inverse @ coefficients for coefficients in self.Lambda], np.zeros_like(self.B))

    def best_reply_radius(self) -> float:
        r"""Return the spectral radius of :math:`B \otimes I + \sum_r \Lambda_r \otimes W_r`."""
        return _radius(self, list(self.Lambda), self.B)

    def sign_is_one(self) -> bool:
        """Whether det S > 0, from the factorisation."""
        diagonal, swaps = _pivots(self._factor)
        if (np.abs(diagonal) < 1e-13 * np.abs(diagonal).max()).any():
            return False
        return bool(np.prod(np.sign(diagonal)) * swaps > 0)


@dataclass(frozen=True, eq=False)
class _DenseFactor:
    """The factorisation of a matrix with few zeros by dense arithmetic, as SuperLU's is used."""

    lu: Float
    swapped: NDArray[np.int32]

    def solve(self, right: Float, trans: str = "N") -> Float:
        return np.asarray(linalg.lu_solve((self.lu, self.swapped), right, trans=int(trans == "T")))


def _pivots(factor: Any) -> tuple[Float, int]:
    """Return the diagonal of U, and the sign of the exchanges of rows and columns."""
    if isinstance(factor, _DenseFactor):
        exchanges = int(np.sum(factor.swapped != np.arange(len(factor.swapped))))
        return factor.lu.diagonal(), 1 - 2 * (exchanges % 2)
    return factor.U.diagonal(), _parity(factor.perm_r) * _parity(factor.perm_c)


def _parity(permutation: NDArray[Any]) -> int:
    """Return 1 for an even and -1 for an odd permutation, by its cycles."""
    n = len(permutation)
    graph = sparse.csr_array((np.ones(n), (np.arange(n), permutation)), shape=(n, n))
    cycles = int(csgraph.connected_components(graph, directed=False, return_labels=False))
    return 1 if (n - cycles) % 2 == 0 else -1


def _radius(system: ReducedForm, coefficients: Sequence[Float], level: Float) -> float:
    """Return the largest modulus of an eigenvalue of ``level (x) I + sum coefficients_r (x) W_r``."""
    n, g = system.n, system.g

    def apply(v: Float) -> Float:
        values = v.reshape(g, n)
        out = level @ values
        for c, W in zip(coefficients, system.matrices, strict=True):
            out = out + c @ (W @ values.T).T
        return np.asarray(out.ravel())

    if n * g <= 150:
        dense = np.column_stack([apply(e) for e in np.eye(n * g)])
        return float(np.abs(np.linalg.eigvals(dense)).max())
    operator = sparse_linalg.LinearOperator((n * g, n * g), matvec=apply, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=n * g)
    try:
        found = sparse_linalg.eigs(operator, k=1, v0=start, maxiter=500, tol=1e-6, return_eigenvectors=False)
        return float(np.abs(found).max())
    except sparse_linalg.ArpackNoConvergence:
        sizes = [float(np.abs(W).sum(axis=1).max()) for W in system.matrices]
        bound = np.abs(level) + sum(np.abs(c) * s for c, s in zip(coefficients, sizes, strict=True))
        return float(np.abs(np.linalg.eigvals(bound)).max())


@dataclass(frozen=True, eq=False)
class ExponentialForm:
    r"""The reduced form :math:`e^{\alpha W}` of one equation, in the place of an inverse.

    Parameters
    ----------
    powers : sparse (N, N)
        alpha W.
    """

    powers: Sparse
    g: int = 1

    def solve(self, right: Float, *, transposed: bool = False) -> Float:
        """Return e^(alpha W) times right, or its transpose times right, (N, columns)."""
        return np.asarray(sparse_linalg.expm_multiply(self.powers.T if transposed else self.powers, right))


@dataclass(frozen=True)
class Bilinear:
    r"""Means of :math:`v'(S^{-1})_{gh} W_r v / N` over columns v, and their derivatives.

    Parameters
    ----------
    values : (1 + R, G, G)
        The first for the identity in place of W_r.
    gradient_B : (1 + R, G, G, G, G)
        Last two axes: by b_ab.
    gradient_Lambda : (R, 1 + R, G, G, G, G)
        First axis and last two: by lambda_s,ab.
    """

    values: Float
    gradient_B: Float
    gradient_Lambda: Float


def bilinear(system: ReducedForm, V: Float, *, gradient: bool = True) -> Bilinear:
    r"""Solve for each column v of V (N, m), forward and transposed.

    .. math:: \frac{\partial S^{-1}}{\partial \lambda_{s,ab}} = S^{-1}(E_{ab} \otimes W_s)S^{-1}

    so that with x = S^-1 (e_h (x) W_r v) and z = S'^-1 (e_g (x) v) the derivative is z_a' W_s x_b; with
    `gradient` False the derivatives stay zero.
    """
    n, g, r = system.n, system.g, len(system.matrices)
    values = np.zeros((1 + r, g, g))
    by_B = np.zeros((1 + r, g, g, g, g))
    by_Lambda = np.zeros((r, 1 + r, g, g, g, g))
    block = max(1, 4_000_000 // (n * g * (1 + r) * g))
    for start in range(0, V.shape[1], block):
        part = V[:, start : start + block]
        m = part.shape[1]
        starts = np.stack([part, *(W @ part for W in system.matrices)])
        right = np.zeros((g, n, g, 1 + r, m))
        left = np.zeros((g, n, g, m))
        for h in range(g):
            right[h, :, h] = starts.transpose(1, 0, 2)
            left[h, :, h] = part
        x = system.solve(right.reshape(g * n, -1)).reshape(right.shape)
        values += np.einsum("nm,gnhrm->rgh", part, x)
        if not gradient:
            continue
        z = system.solve(left.reshape(g * n, -1), transposed=True).reshape(left.shape)
        by_B += np.einsum("angm,bnhrm->rghab", z, x, optimize=True)
        for s, W in enumerate(system.matrices):
            back = (W.T @ z.transpose(1, 0, 2, 3).reshape(n, -1)).reshape(n, g, g, m)
            by_Lambda[s] += np.einsum("nagm,bnhrm->rghab", back, x, optimize=True)
    scale = 1.0 / (n * V.shape[1])
    return Bilinear(values * scale, by_B * scale, by_Lambda * scale)


def probe_columns(n: int, g: int, *, probes: int = 32, seed: int = 0) -> tuple[Float, str]:
    """Return columns whose mean quadratic form is the trace over N: exact for small systems."""
    if n * g <= EXACT_LIMIT:
        return np.eye(n) * np.sqrt(n), "exact solves"
    signs = np.random.default_rng(seed).integers(0, 2, (n, probes), dtype=np.int8)
    return np.where(signs == 1, 1.0, -1.0), f"sparse solves, {probes} random probes"


def dense_draws(B: Float, Lambda: Float, matrices: Sequence[Sparse]) -> Multipliers:
    """Return the multipliers of each draw by dense inverses: for small systems, GN at most 300.

    Parameters
    ----------
    B : (draws, G, G)
    Lambda : (R, draws, G, G)
    """
    n, g, r = matrices[0].shape[0], B.shape[-1], len(matrices)
    direct, total = np.empty(B.shape), np.empty(B.shape)
    lags, totals = np.empty((r, *B.shape)), np.empty((r, *B.shape))
    stable = np.empty(len(B), dtype=bool)
    dense = [W.toarray() for W in matrices]
    sums = [W.sum(axis=1) for W in dense]
    for s in range(len(B)):
        system = np.kron(np.eye(g) - B[s], np.eye(n))
        for coefficients, W in zip(Lambda[:, s], dense, strict=True):
            system -= np.kron(coefficients, W)
        sign, size = np.linalg.slogdet(system)
        stable[s] = sign > 0 and np.isfinite(size) and np.linalg.det(np.eye(g) - B[s]) > 0
        inverse = np.linalg.inv(system).reshape(g, n, g, n)
        direct[s], total[s] = np.einsum("gihi->gh", inverse) / n, inverse.sum(axis=(1, 3)) / n
        for k, W in enumerate(dense):
            lags[k, s] = np.einsum("gihj,ji->gh", inverse, W) / n
            totals[k, s] = np.einsum("gihj,j->gh", inverse, sums[k]) / n
    return Multipliers(direct, total, lags, totals, stable, np.zeros(len(B)))
