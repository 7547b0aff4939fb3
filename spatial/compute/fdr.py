"""False discovery rate: Benjamini and Hochberg's adjusted p-values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fdr_adjusted"]

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
