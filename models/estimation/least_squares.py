r"""Two- and three-stage least squares and GMM as functions of small arrays.

All take the regressors already multiplied by the orthonormal instruments: :math:`R_g = Q'Z_g` (p, k_g) and
:math:`r_g = Q'y_g` (p,).  Each returns the same value, because each estimator is linear in the moments:

.. math:: \hat\delta = A^{-1} \sum_g \Gamma_g Q'y_g .
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, solve_triangular

from spatial.errors import NotIdentifiedError

__all__ = ["LinearFit", "chosen", "gmm", "innovation_covariance", "precision_of", "three_stage", "two_stage"]

Float = NDArray[np.float64]
Selection = Sequence[Float] | None


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Coefficients, and what maps moments to them.

    Parameters
    ----------
    delta : array (K,)
        Coefficients of all equations, stacked.
    bread : array (K, K)
        Inverse of A; not symmetric by `chosen`.
    gamma : array (G, K, p)
        Maps the moments Q'e_g of each equation to the score.
    """

    delta: Float
    bread: Float
    gamma: Float


def two_stage(R: Sequence[Float], r: Sequence[Float], selection: Selection = None) -> LinearFit:
    r"""Each equation by itself: :math:`\hat\delta_g = (R_g'R_g)^{-1}R_g'r_g`.

    Parameters
    ----------
    R, r : sequences of arrays (p, k_g) and (p,)
    selection : sequence of arrays (p, p_g), optional
        The instruments of each equation in terms of the common basis, where they differ.
    """
    slices, total = _slices(R)
    bread = np.zeros((total, total))
    gamma = np.zeros((len(R), total, R[0].shape[0]))
    delta = np.empty(total)
    for g, place in enumerate(slices):
        own = R[g] if selection is None else selection[g].T @ R[g]
        target = r[g] if selection is None else selection[g].T @ r[g]
        delta[place], bread[place, place] = _least_squares(own, target)
        gamma[g, place] = own.T if selection is None else own.T @ selection[g].T
    return LinearFit(delta, bread, gamma)


def three_stage(
    R: Sequence[Float], r: Sequence[Float], precision: Float, selection: Selection = None
) -> LinearFit:
    r"""All equations together, weighted by the inverse of Sigma (Zellner and Theil 1962).

    .. math:: A = [\sigma^{gh} R_g'R_h], \qquad v_g = \sum_h \sigma^{gh} R_g' r_h .

    Parameters
    ----------
    R, r : sequences of arrays (p, k_g) and (p,)
        From one common instrument matrix.
    precision : array (G, G)
        Inverse of Sigma.
    selection : sequence of arrays (p, p_g), optional
        The instruments of each equation, where they differ.  The formula is then inconsistent (Schmidt 1990),
        and GMM with the block-diagonal instruments and weights is what is done (Wooldridge 2010, section
        8.3.5); the same numbers where they do not differ.
    """
    if selection is not None:
        sigma, each = np.linalg.inv(precision), range(len(R))
        S = np.block([[sigma[g, h] * selection[g].T @ selection[h] for h in each] for g in each])
        return _distance(R, r, S, selection)
    slices, total = _slices(R)
    root = np.linalg.cholesky(precision)
    # Least squares on (L' (x) I) blkdiag(R) keeps the condition number; A itself squares it.
    stacked = np.vstack([np.hstack([root[g, row] * R[g] for g in range(len(R))]) for row in range(len(R))])
    target = np.concatenate([sum(root[g, row] * r[g] for g in range(len(R))) for row in range(len(R))])
    delta, bread = _least_squares(stacked, target)
    gamma = np.zeros((len(R), total, R[0].shape[0]))
    for g in range(len(R)):
        for h, place in enumerate(slices):
            gamma[g, place] = precision[h, g] * R[h].T
    return LinearFit(delta, bread, gamma)


def chosen(C: Sequence[Float], R: Sequence[Float], r: Sequence[Float], weights: Float) -> LinearFit:
    r"""Each equation by instruments of its own, as many as it has coefficients.

    .. math:: \sum_h w_{gh}\, C_g'(r_h - R_h\delta_h) = 0, \qquad g = 1..G

    Exactly identified, so that instruments may differ by equation, unlike in `three_stage`.

    Parameters
    ----------
    C : sequence of arrays (p, k_g)
        The instruments of each equation in terms of the common basis.
    weights : array (G, G)
        The inverse of Sigma, or the identity for one equation at a time.
    """
    slices, total = _slices(R)
    A, gamma = np.empty((total, total)), np.zeros((len(R), total, R[0].shape[0]))
    for g, row in enumerate(slices):
        for h, place in enumerate(slices):
            A[row, place] = weights[g, h] * C[g].T @ R[h]
            gamma[h, row] = weights[g, h] * C[g].T
    size = np.sqrt(np.abs(np.diag(A)))
    if (size == 0).any() or np.linalg.cond(A / np.outer(size, size)) > 1e13:
        raise NotIdentifiedError(
            "The best instruments do not tell the regressors apart: use iv='lags', and ask "
            "system.identification() why."
        )
    bread = np.asarray(np.linalg.inv(A), dtype=np.float64)
    target = np.sum([gamma[h] @ r[h] for h in range(len(R))], axis=0)
    return LinearFit(np.asarray(bread @ target, dtype=np.float64), bread, gamma)


def gmm(
    R: Sequence[Float], r: Sequence[Float], moment_covariance: Float, selection: Selection = None
) -> LinearFit:
    r"""Minimise :math:`\bar m' S^{-1} \bar m` with S, (Gp, Gp), the covariance of the stacked moments."""
    if selection is None:
        return _distance(R, r, moment_covariance, [np.eye(len(block)) for block in R])
    C = block_diag(*selection)
    return _distance(R, r, np.asarray(C.T @ moment_covariance @ C), selection)


def _distance(R: Sequence[Float], r: Sequence[Float], S: Float, selection: Sequence[Float]) -> LinearFit:
    """Minimise the distance of the moments that each equation has, S their covariance."""
    root = np.linalg.cholesky(S)
    own = [C.T @ block for C, block in zip(selection, R, strict=True)]
    target = np.concatenate([C.T @ part for C, part in zip(selection, r, strict=True)])
    design = solve_triangular(root, block_diag(*own), lower=True)
    delta, bread = _least_squares(design, solve_triangular(root, target, lower=True))
    weighted = solve_triangular(root, design, lower=True, trans="T").T
    ends = np.cumsum([0, *(C.shape[1] for C in selection)]).tolist()
    parts = zip(pairwise(ends), selection, strict=True)
    return LinearFit(delta, bread, np.stack([weighted[:, a:b] @ C.T for (a, b), C in parts]))


def innovation_covariance(residuals: Sequence[Float], n: int) -> Float:
    """Return Sigma, (G, G), with divisor n, the effective sample size."""
    stacked = np.stack(list(residuals))
    return np.asarray(stacked @ stacked.T) / n


def precision_of(sigma: Float, least: float = 1e-12) -> Float | None:
    """Return the inverse of Sigma; None where the residuals of equations depend on each other linearly."""
    scale = np.sqrt(np.diag(sigma))
    if not (scale > 0).all():
        return None
    correlation = sigma / np.outer(scale, scale)
    if np.linalg.eigvalsh(correlation).min() < least:
        return None
    return np.asarray(np.linalg.inv(correlation) / np.outer(scale, scale))


def _slices(R: Sequence[Float]) -> tuple[list[slice], int]:
    ends = np.cumsum([0, *(block.shape[1] for block in R)]).tolist()
    return [slice(a, b) for a, b in pairwise(ends)], ends[-1]


def _least_squares(design: Float, target: Float) -> tuple[Float, Float]:
    """Return the coefficients and the inverse of design'design, by QR."""
    size = np.linalg.norm(design, axis=0)
    if design.shape[0] < design.shape[1] or (size == 0).any():
        raise NotIdentifiedError(
            f"{design.shape[1]} coefficients need at least as many independent instruments; there are "
            f"{design.shape[0]}. Add exogenous variables, or raise iv_order."
        )
    basis, factor = np.linalg.qr(design / size)
    diagonal = np.abs(np.diag(factor))
    if diagonal.min() < 1e-13 * diagonal.max():
        raise NotIdentifiedError(
            "The instruments give no independent variation to the endogenous regressors: a combination of "
            "them is, after projection, a combination of the others. Ask system.identification() why."
        )
    inverse = solve_triangular(factor, np.eye(design.shape[1])) / size[:, None]
    return inverse @ (basis.T @ target), inverse @ inverse.T
