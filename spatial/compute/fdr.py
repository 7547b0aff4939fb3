"""False discovery rate: Benjamini and Hochberg's adjusted p-values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fdr_adjusted", "fdr_of_counts"]

Float = NDArray[np.float64]


def fdr_adjusted(p_values: Float) -> Float:
    r"""Return adjusted p-values; rejecting those at or below :math:`\alpha` keeps the FDR at :math:`\alpha`.

    .. math:: \tilde p_{(i)} = \min_{j \ge i} \min\{1,\; m\, p_{(j)} / j\}

    (Benjamini and Hochberg 1995), over the m values that are not NaN; NaN stays NaN.

    Examples
    --------
    >>> fdr_adjusted(np.array([0.01, 0.02, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.04, 0.04, 0.5]
    """
    m = len(p_values) - int(np.isnan(p_values).sum())
    # NaN are sorted behind all others.
    order = np.argsort(p_values, kind="stable")[:m]
    scaled = p_values[order]
    scaled *= m
    scaled /= np.arange(1, m + 1)
    back = scaled[::-1]
    np.minimum.accumulate(back, out=back)
    np.minimum(scaled, 1.0, out=scaled)
    out = np.full(p_values.shape, np.nan)
    out[order] = scaled
    return out


def fdr_of_counts(p_values: Float, counts: NDArray[np.int64]) -> Float:
    """Return the adjusted p-value of each distinct p-value, by how often it occurs: those of `fdr_adjusted`.

    Permutations give few distinct p-values, so that millions of units need no more than their counts.

    Parameters
    ----------
    p_values : array, (K,)
        Distinct, ascending, without NaN.
    counts : int array, (K,)

    Examples
    --------
    >>> fdr_of_counts(np.array([0.01, 0.02, 0.5]), np.array([1, 2, 1])).round(4).tolist()
    [0.0267, 0.0267, 0.5]
    """
    # Of equal p-values the last in rank is adjusted least, and gives the others its value.
    scaled = p_values * counts.sum() / np.cumsum(counts)
    return np.asarray(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0))
