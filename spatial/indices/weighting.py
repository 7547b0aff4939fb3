"""Weights of indicators from their spread: functions of normalised arrays, indicators along the columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from spatial.errors import DataError

__all__ = [
    "WEIGHTINGS",
    "critic_weights",
    "entropy_weights",
    "equal_weights",
    "minmax",
    "principal_weights",
    "topsis_score",
    "variation_weights",
]

Float = NDArray[np.float64]


def minmax(values: Float, low: Float, high: Float, reverse: NDArray[np.bool_]) -> Float:
    """Return ``(x - low) / (high - low)``, or ``(high - x) / (high - low)`` where `reverse`; (R, J)."""
    scaled = np.where(reverse, high - values, values - low)
    return np.asarray(scaled / (high - low))


def entropy_weights(z: Float) -> Float:
    """Return entropy weights, (J,), of not negative values (R, J); ``0 ln 0`` is 0."""
    share = z / z.sum(axis=0)
    # 1 - e_j as the divergence from equal shares: never below zero by rounding
    spread = np.maximum(xlogy(share, share * len(z)).sum(axis=0) / np.log(len(z)), 0.0)
    return _normed(spread, "the entropies of all indicators are one: none varies")


def critic_weights(z: Float) -> Float:
    """Return CRITIC weights (Diakoulaki et al. 1995): spread times conflict with the others."""
    if z.shape[1] == 1:
        return np.ones(1)
    spread = z.std(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        conflict = np.nansum(1 - np.corrcoef(z, rowvar=False), axis=0)
    return _normed(spread * np.where(spread > 0, conflict, 0.0), "the indicators are perfectly correlated")


def variation_weights(z: Float) -> Float:
    """Return weights in proportion to the coefficients of variation."""
    return _normed(z.std(axis=0) / z.mean(axis=0), "no indicator varies")


def principal_weights(z: Float) -> Float:
    """Return squared loadings of the components with eigenvalues above 1, weighted by these.

    Eigenvectors have length one, so that the weights sum to one and none is negative, whatever the signs.
    """
    if z.shape[1] == 1:
        return np.ones(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        values, vectors = np.linalg.eigh(np.corrcoef(z, rowvar=False))
    keep = values >= min(values[-1], 1.0) - 1e-9  # Kaiser's rule; the largest always, ties with it
    return np.asarray((vectors[:, keep] ** 2 * values[keep]).sum(axis=1) / values[keep].sum())


def equal_weights(z: Float) -> Float:
    """Return 1/J for each indicator."""
    return np.full(z.shape[1], 1 / z.shape[1])


def topsis_score(weighted: Float) -> Float:
    """Return the relative closeness to the best values, (R,), of weighted normalised values (R, J)."""
    best = np.sqrt(((weighted.max(axis=0) - weighted) ** 2).sum(axis=1))
    worst = np.sqrt(((weighted - weighted.min(axis=0)) ** 2).sum(axis=1))
    return np.asarray(worst / (best + worst))


def _normed(values: Float, fault: str) -> Float:
    total = values.sum()
    if not total > 1e-12:  # rounding of zero
        raise DataError(f'These indicators leave the weights open: {fault}. Use weights="equal".')
    return np.asarray(values / total)


WEIGHTINGS: Mapping[str, Callable[[Float], Float]] = {
    "entropy": entropy_weights,
    "critic": critic_weights,
    "variation": variation_weights,
    "pca": principal_weights,
    "equal": equal_weights,
}
