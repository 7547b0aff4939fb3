"""One instrument matrix for all equations: its columns, its rank, its orthonormal basis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from spatial.compute.threads import blas_on_one_thread
from spatial.models.formula.structure import CONSTANT

from .layout import LagOperator

__all__ = [
    "RANK_TOLERANCE",
    "Basis",
    "column_norms",
    "independent_columns",
    "instrument_columns",
    "lagged_variable",
    "orthonormal_basis",
]

Float = NDArray[np.float64]

RANK_TOLERANCE = 1e-9
_BLOCK_ROWS = 16_384
_SAFE = 1e-6
_FAR = 1e-3  # from dependence: Q'Q = I to 1e-13 by one step


@dataclass(frozen=True, eq=False)
class Basis:
    """An orthonormal basis of the instruments after the effects are out.

    Parameters
    ----------
    Q : array (R, p)
    kept : tuple of int
        Columns that are linearly independent of those before them.
    dropped : tuple of int
        The others.
    """

    Q: Float
    kept: tuple[int, ...]
    dropped: tuple[int, ...]

    @property
    def rank(self) -> int:
        """p."""
        return int(self.Q.shape[1])


def instrument_columns(
    X: Float,
    names: Sequence[str],
    operators: Mapping[str, LagOperator],
    order: int,
    error_operators: Mapping[str, LagOperator],
    constant: bool = False,
) -> tuple[Float, tuple[str, ...]]:
    r"""Return :math:`H = [X, W_r X, W_r W_s X, \dots]` up to `order`, and M times all of it.

    Parameters
    ----------
    X : array (R, k)
        Exogenous variables of all equations, and external instruments.
    names : sequence of str
        Their names.
    operators : mapping of str to LagOperator
        The weights of the formulas.
    order : int
        Highest power of the weights; 2 in Kelejian and Prucha (2004).
    error_operators : mapping of str to LagOperator
        Error weights that are none of `operators`: with them (I - rho M) X stays in the span of H.
    constant : bool
        Whether a column of ones comes first.
    """
    blocks, labels = [X], list(names)
    current, current_labels = X, list(names)
    for _ in range(order if operators else 0):
        current = joined([operator(current) for operator in operators.values()])
        current_labels = [f"{w}({label})" for w in operators for label in current_labels]
        blocks.append(current)
        labels += current_labels
    if error_operators:
        H = joined(blocks)
        blocks = [H, *(operator(H) for operator in error_operators.values())]
        labels += [f"{m}({label})" for m in error_operators for label in labels]
    if constant:
        blocks, labels = [np.ones((len(X), 1)), *blocks], [CONSTANT, *labels]
    return joined(blocks), tuple(labels)


def joined(blocks: Sequence[Float]) -> Float:
    """Return the columns of all blocks; one block as it is."""
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)


def lagged_variable(name: str, weights: Iterable[str]) -> str:
    """Return the variable that an instrument is a spatial lag of, however often; itself where it is none.

    Examples
    --------
    >>> lagged_variable("W(W(log(x)))", ["W"]), lagged_variable("log(x)", ["W"])
    ('log(x)', 'log(x)')
    """
    known = tuple(f"{w}(" for w in weights)
    while name.startswith(known) and name.endswith(")"):
        name = name.partition("(")[2][:-1]
    return name


def column_norms(values: Float) -> Float:
    """Return the Euclidean norm of each column; a third of the time of ``np.linalg.norm`` of few columns."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->j", values, values)))


def triangular_factor(values: Float) -> Float:
    """Return R of the QR factorisation of (R, m) values.

    From the Gram matrix where its condition is harmless, which is far quicker; else block by block (TSQR), as
    the Gram matrix squares the condition and would hide dependence below 1e-8.
    """
    return _factor(values)[0]


def _factor(values: Float) -> tuple[Float, float]:
    """Return R, and the smallest eigenvalue of the Gram matrix of the columns in unit length; 0 by QR."""
    if len(values) > values.shape[1]:
        gram = values.T @ values
        size = np.sqrt(np.diag(gram))
        if (size > 0).all():
            gram /= np.outer(size, size)
            smallest = float(np.linalg.eigvalsh(gram)[0])
            if smallest > _SAFE:
                return np.asarray(np.linalg.cholesky(gram).T * size), smallest
    return _tall_qr(values), 0.0


def _tall_qr(values: Float) -> Float:
    rows, columns = values.shape
    step = max(_BLOCK_ROWS, 4 * columns)
    parts = [np.linalg.qr(values[i : i + step], mode="r") for i in range(0, rows, step)]
    while len(parts) > 1:
        stacked = np.vstack(parts)
        if len(stacked) <= step:
            return np.asarray(np.linalg.qr(stacked, mode="r"))
        parts = [np.linalg.qr(stacked[i : i + step], mode="r") for i in range(0, len(stacked), step)]
    return np.asarray(parts[0])


def independent_columns(R: Float, scale: Float, tolerance: float = RANK_TOLERANCE) -> list[int]:
    """Return the columns that do not depend on those before them, by Gram-Schmidt done twice.

    Parameters
    ----------
    R : array (r, p)
        Triangular factor of the columns.
    scale : array (p,)
        Size against which a column counts as zero: its norm before the effects were taken out.
    """
    kept: list[int] = []
    basis = np.zeros((R.shape[0], 0))
    for j in range(R.shape[1]):
        column = R[:, j]
        size = float(np.linalg.norm(column))
        if size <= tolerance * 0.1 * scale[j] or size == 0.0:
            continue
        unit = column / size
        for _ in range(2):
            unit = unit - basis @ (basis.T @ unit)
        left = float(np.linalg.norm(unit))
        if left > tolerance:
            basis = np.column_stack([basis, unit / left])
            kept.append(j)
    return kept


@blas_on_one_thread()
def orthonormal_basis(H: Float, scale: Float, tolerance: float = RANK_TOLERANCE) -> Basis:
    """Return an orthonormal basis of the columns of H, (R, k), and which of them it took.

    A Cholesky step on Q'Q removes the loss of orthogonality that the first triangular solve leaves with
    nearly collinear columns (CholeskyQR2); it is left out where the columns are so far from that that
    nothing is lost.
    """
    R, smallest = _factor(H)
    kept = independent_columns(R, scale, tolerance)
    chosen = H if len(kept) == H.shape[1] else H[:, kept]
    factor = np.linalg.qr(R[:, kept], mode="r")
    Q = chosen @ solve_triangular(factor, np.eye(len(kept)))
    if smallest < _FAR:
        gram = Q.T @ Q
        Q = Q @ solve_triangular(np.linalg.cholesky(gram).T, np.eye(len(kept)))
    dropped = tuple(j for j in range(H.shape[1]) if j not in set(kept))
    return Basis(Q, tuple(kept), dropped)
