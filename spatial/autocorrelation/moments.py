"""Constants of a weights matrix, and the moments of autocorrelation statistics under the null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.weights.normalization import column_sums, row_sums

__all__ = [
    "Constants",
    "Moments",
    "build_constants",
    "geary_moments",
    "general_g_moments",
    "local_moran_moments",
    "moran_moments",
    "plain_moran_moments",
]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Constants:
    r"""Sums over a weights matrix (Cliff and Ord 1981, p. 19), without its diagonal, and the diagonal.

    .. math:: S_0 = \sum_{i \ne j} w_{ij}, \quad S_1 = \tfrac12 \sum_{i \ne j} (w_{ij} + w_{ji})^2, \quad
              S_2 = \sum_i (w_{i\cdot} + w_{\cdot i})^2

    Parameters
    ----------
    n : int
    S0, S1, S2 : float
    degree : array, (N,)
        Row sum plus column sum of each unit, without its own weight.
    own : array, (N,)
        Diagonal.
    """

    n: int
    S0: float
    S1: float
    S2: float
    degree: Float
    own: Float

    @property
    def total(self) -> float:
        """Sum of all weights, own weights included."""
        return self.S0 + float(self.own.sum())


@dataclass(frozen=True)
class Moments:
    """Mean and variance of a statistic, under normality and under randomisation."""

    expected: float
    variance_normality: float
    variance_randomisation: float


def build_constants(matrix: sp.csr_array, symmetric: sp.csr_array | None = None) -> Constants:
    """Return the constants of W; `symmetric` is W + W' where it is at hand."""
    both = sp.csr_array(matrix + matrix.T) if symmetric is None else symmetric
    own = np.asarray(matrix.diagonal(), dtype=np.float64)
    degree = row_sums(matrix) + column_sums(matrix) - 2.0 * own
    squares = float(both.data @ both.data) - 4.0 * float(own @ own)
    return Constants(
        n=matrix.shape[0],
        S0=float(matrix.data.sum() - own.sum()),
        S1=0.5 * squares,
        S2=float(degree @ degree),
        degree=degree,
        own=own,
    )


def plain_moran_moments(n: int, S0: float, S1: float, S2: float, kurtosis: float) -> Moments:
    """Return the moments of I for weights without own weights (Cliff and Ord 1981, 1.37, 1.38, 1.39)."""
    mean = -1.0 / (n - 1)
    normal = (n * n * S1 - n * S2 + 3 * S0**2) / (S0**2 * (n * n - 1)) - mean**2
    left = n * (S1 * (n * n - 3 * n + 3) - n * S2 + 3 * S0**2)
    right = kurtosis * (S1 * (n * n - n) - 2 * n * S2 + 6 * S0**2)
    random = (left - right) / ((n - 1.0) * (n - 2) * (n - 3) * S0**2) - mean**2
    return Moments(mean, normal, random)


def moran_moments(z: Float, w: Constants) -> Moments:
    r"""Return the moments of :math:`I = (n / \sum w_{ij}) z'Wz / z'z` for values about their mean.

    Without own weights these are Cliff and Ord's.  With them, :math:`z'Wz = z'Az + \sum d_i z_i^2`, and the
    variance and covariance of the second sum are added, so that kernel weights are right too.
    """
    n = w.n
    s2, s4 = float(z @ z), float((z**2) @ (z**2))
    plain = plain_moran_moments(n, w.S0, w.S1, w.S2, n * s4 / s2**2)
    if not w.own.any():
        return plain
    total, trace = w.total, float(w.own.sum())
    mean = (trace - w.S0 / (n - 1)) / total
    spread = float(((w.own - w.own.mean()) ** 2).sum())
    # Randomisation: three parts of the variance of z'Wz, each times (n / (total s2))^2.
    scale = (n / (total * s2)) ** 2
    off = plain.variance_randomisation * (w.S0 * s2 / n) ** 2
    own = spread * (s4 - s2**2 / n) / (n - 1)
    cube, pair = -s4 / (n * (n - 1)), (2 * s4 - s2**2) / (n * (n - 1) * (n - 2.0))
    product = float(w.own @ (w.degree * cube + (w.S0 - w.degree) * pair))
    apart = trace * s2 / n * (-w.S0 * s2 / (n * (n - 1)))
    random = scale * (off + own + 2 * (product - apart))
    # Normality: moments of a ratio of quadratic forms in M W M, where M takes off the mean.
    full = w.degree + 2 * w.own
    squares = (2 * w.S1 + 4 * float(w.own @ w.own)) / 4
    trace_one = trace - total / n
    trace_two = squares - float(full @ full) / (2 * n) + (total / n) ** 2
    second = (n / total) ** 2 * (trace_one**2 + 2 * trace_two) / ((n - 1.0) * (n + 1))
    return Moments(mean, second - mean**2, random)


def geary_moments(z: Float, w: Constants) -> Moments:
    """Return the moments of Geary's C (Cliff and Ord 1981, 1.40 to 1.43); own weights play no part."""
    n, S0, S1, S2 = w.n, w.S0, w.S1, w.S2
    kurtosis = n * float((z**2) @ (z**2)) / float(z @ z) ** 2
    normal = ((2 * S1 + S2) * (n - 1) - 4 * S0**2) / (2 * (n + 1) * S0**2)
    random = (n - 1.0) * S1 * (n * n - 3 * n + 3 - kurtosis * (n - 1))
    random -= 0.25 * (n - 1.0) * S2 * (n * n + 3 * n - 6 - kurtosis * (n * n - n + 2))
    random += S0**2 * (n * n - 3 - kurtosis * (n - 1) ** 2)
    return Moments(1.0, normal, random / (n * (n - 2.0) * (n - 3) * S0**2))


def general_g_moments(x: Float, w: Constants) -> tuple[float, float]:
    """Return mean and variance of the general G under randomisation (Getis and Ord 1992, p. 195)."""
    n, S0, S1, S2 = float(w.n), w.S0, w.S1, w.S2
    mean = S0 / (n * (n - 1))
    s = x / x.mean()  # G has no unit, and fourth powers of large numbers lose digits
    m1, m2, m3, m4 = (float((s**k).sum()) for k in (1, 2, 3, 4))
    b0 = (n * n - 3 * n + 3) * S1 - n * S2 + 3 * S0**2
    b1 = -((n * n - n) * S1 - 2 * n * S2 + 6 * S0**2)
    b2 = -(2 * n * S1 - (n + 3) * S2 + 6 * S0**2)
    b3 = 4 * (n - 1) * S1 - 2 * (n + 1) * S2 + 8 * S0**2
    b4 = S1 - S2 + S0**2
    second = b0 * m2**2 + b1 * m4 + b2 * m1**2 * m2 + b3 * m1 * m3 + b4 * m1**4
    second /= (m1**2 - m2) ** 2 * n * (n - 1) * (n - 2) * (n - 3)
    return mean, second - mean**2


def local_moran_moments(z: Float, sums: Float, squares: Float, *, conditional: bool) -> tuple[Float, Float]:
    r"""Return mean and variance of :math:`I_i = z_i \sum_j w_{ij} z_j / m_2` (Sokal, Oden and Thomson 1998).

    Parameters
    ----------
    z : array, (N,)
        Values about their mean.
    sums, squares : array, (N,)
        Row sums of W and of its squares, without own weights.
    conditional : bool
        Given the value of unit i (their equations A3, A4), or over all arrangements (A1, A2).
    """
    n = len(z)
    m2 = float(z @ z) / n
    if conditional:
        mean = -(z**2) * sums / ((n - 1) * m2)
        variance = (z / m2) ** 2 * (n / (n - 2.0)) * (squares - sums**2 / (n - 1)) * (m2 - z**2 / (n - 1))
        return mean, variance
    b2 = float((z**2) @ (z**2)) / n / m2**2
    mean = -sums / (n - 1)
    first = (n - b2) / (n - 1) * squares
    second = (2 * b2 - n) / ((n - 1.0) * (n - 2)) * (sums**2 - squares)
    return mean, first + second - mean**2
