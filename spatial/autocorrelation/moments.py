"""Constants of a weights matrix, and the moments of autocorrelation statistics under the null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.conditional import row_sums_of
from spatial.weights.normalization import row_sums

__all__ = [
    "Constants",
    "Moments",
    "build_constants",
    "constants_of_rows",
    "geary_moments",
    "general_g_moments",
    "local_moran_moments",
    "moran_moments",
    "pair_moments",
    "plain_moran_moments",
    "trajectory_moments",
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
    return constants_of_rows(
        sums=row_sums(matrix), own=own, both=row_sums(both), squares=row_sums_of(both, np.square)
    )


def constants_of_rows(sums: Float, own: Float, both: Float, squares: Float) -> Constants:
    """Return the constants from sums over rows, which are the same for blocks of rows and for all.

    Parameters
    ----------
    sums, own : array, (N,)
        Row sums of W, and its diagonal.
    both, squares : array, (N,)
        Row sums of W + W' and of its squares, diagonal and all.
    """
    degree = both - 2.0 * own
    return Constants(
        n=len(sums),
        S0=float(sums.sum() - own.sum()),
        S1=0.5 * (float(squares.sum()) - 4.0 * float(own @ own)),
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
    # m1**2 - m2 without the difference: where one value outweighs all others nothing would be left.
    pairs = float(s @ (s.sum() - s))
    second /= pairs**2 * n * (n - 1) * (n - 2) * (n - 3)
    return mean, second - mean**2


def local_moran_moments(
    z: Float, sums: Float, squares: Float, *, conditional: bool, whole: Float | None = None
) -> tuple[Float, Float]:
    r"""Return mean and variance of :math:`I_i = z_i \sum_j w_{ij} z_j / m_2` (Sokal, Oden and Thomson 1998).

    Parameters
    ----------
    z : array, (N,)
        Values about their mean.
    sums, squares : array, (N,)
        Row sums of W and of its squares, without own weights.
    conditional : bool
        Given the value of unit i (their equations A3, A4), or over all arrangements (A1, A2).
    whole : array, optional
        The values of all units, where `z` are those of some.
    """
    everyone = z if whole is None else whole
    n = len(everyone)
    m2 = float(everyone @ everyone) / n
    if conditional:
        mean = -(z**2) * sums / ((n - 1) * m2)
        variance = (z / m2) ** 2 * (n / (n - 2.0)) * (squares - sums**2 / (n - 1)) * (m2 - z**2 / (n - 1))
        return mean, variance
    b2 = float((everyone**2) @ (everyone**2)) / n / m2**2
    mean = -sums / (n - 1)
    first = (n - b2) / (n - 1) * squares
    second = (2 * b2 - n) / ((n - 1.0) * (n - 2)) * (sums**2 - squares)
    return mean, first + second - mean**2


def trajectory_moments(Z: Float, w: Constants) -> tuple[float, float, float, float]:
    r"""Return the moments of :math:`\Gamma = \sum_t z_t' W z_t` where units move with all their years.

    One permutation serves all years, so that persistence within a unit is kept.  With :math:`G = ZZ'`,
    :math:`c_i = G_{ii}`, :math:`s = Z'1` and :math:`n_{(k)}` falling factorials (Mantel 1967)

    .. math::

        T_0 &= \sum_{i \ne j} g_{ij}, \quad T_1 = 2 \sum_{i \ne j} g_{ij}^2, \quad
        T_2 = 4 \sum_i \Big( \sum_{j \ne i} g_{ij} \Big)^2, \\
        E[\Gamma] &= S_0 T_0 / n_{(2)}, \quad
        E[\Gamma^2] = \frac{S_1 T_1}{2 n_{(2)}} + \frac{(S_2 - 2 S_1)(T_2 - 2 T_1)}{4 n_{(3)}}
        + \frac{(S_0^2 + S_1 - S_2)(T_0^2 + T_1 - T_2)}{n_{(4)}} .

    Under normality the rows of Z are independent draws from one normal distribution over the years, of any
    covariance; given the means and :math:`Z'Z` the centred Z is a random rotation, whose moments are exact.

    Parameters
    ----------
    Z : array, (n, T)
        Values about one mean; of each year, or of all.

    Returns
    -------
    mean and variance by rearrangement, mean and variance under normality
    """
    n = float(w.n)
    level = Z.sum(axis=0)
    c = (Z**2).sum(axis=1)
    apart = Z @ level - c  # sum over the others j of g_ij
    gram = Z.T @ Z
    T0 = float(apart.sum())
    T1 = 2.0 * (float((gram**2).sum()) - float(c @ c))
    T2 = 4.0 * float(apart @ apart)
    n2 = n * (n - 1)
    n3, n4 = n2 * (n - 2), n2 * (n - 2) * (n - 3)
    mean = w.S0 * T0 / n2
    second = w.S1 * T1 / (2 * n2) + (w.S2 - 2 * w.S1) * (T2 - 2 * T1) / (4 * n3)
    second += (w.S0**2 + w.S1 - w.S2) * (T0**2 + T1 - T2) / n4
    variance = second - mean**2
    own, total = float(w.own.sum()), float(c.sum())
    if own or w.own.any():
        # Own weights add sum d_i c_i: its variance, and its covariance with the rest.
        spread = float(((w.own - w.own.mean()) ** 2).sum())
        variance += spread * float(((c - c.mean()) ** 2).sum()) / (n - 1)
        near = float(apart @ c)
        beside, away = near / n2, (T0 * total - 2 * near) / n3
        joint = float(w.own @ (w.degree * beside + (w.S0 - w.degree) * away))
        variance += 2 * (joint - own * total / n * mean)
        mean += own * total / n
    return mean, variance, *_rotation_moments(Z - level / n, level / n, w)


def _rotation_moments(V: Float, level: Float, w: Constants) -> tuple[float, float]:
    """Return mean and variance of ``sum_t z_t'Wz_t`` where the centred V (n, T) is rotated at random."""
    n, m = float(w.n), w.n - 1.0
    full = w.degree + 2 * w.own  # row sum plus column sum
    total = w.total
    squares = (2 * w.S1 + 4 * float(w.own @ w.own)) / 4  # of the symmetric part
    trace = float(w.own.sum()) - total / n
    trace_two = squares - float(full @ full) / (2 * n) + (total / n) ** 2
    gram = V.T @ V
    roots = np.maximum(np.linalg.eigvalsh(gram), 0.0)
    square, cross = float(roots @ roots), float(roots.sum()) ** 2 - float(roots @ roots)
    same = (trace**2 + 2 * trace_two) / (m * (m + 2))
    pair = ((m + 1) * trace**2 - 2 * trace_two) / (m * (m - 1) * (m + 2))
    mean = float(roots.sum()) * trace / m
    variance = square * same + cross * pair - mean**2
    # Levels add a constant and a linear part, which is uncorrelated with the quadratic one.
    pull = float(((full - full.mean()) ** 2).sum())
    variance += pull * float(level @ gram @ level) / m
    return mean + total * float(level @ level), variance


def pair_moments(x: Float, y: Float, w: Constants, rows: Float, squares: float) -> tuple[float, float]:
    r"""Return mean and variance of :math:`\sum_{i \ne j} w_{ij} x_i y_j` where pairs (x, y) change places.

    x and y are about their means; W, symmetric or not, has no own weights.  A product of two terms is a sum
    over six patterns of equal and unequal places (Mantel 1967), each of W times the mean of its pattern
    over the pairs.

    Parameters
    ----------
    w : Constants
    rows : array, (N,)
        Row sums of W.
    squares : float
        The sum of its squares.
    """
    n = float(len(x))
    # S1 is the sum of w_ij^2 and of w_ij w_ji.
    columns, turned = w.degree - rows, w.S1 - squares
    both = x * y
    cross, square = float(both.sum()), float(both @ both)
    # The sums over i != j, and the same sums of g_ab = x_a y_b: all row and column sums are -x_a y_a.
    of_w = np.array(
        [
            squares,
            turned,
            float(rows @ rows) - squares,
            float(columns @ columns) - squares,
            2 * (float(rows @ columns) - turned),
        ]
    )
    g_squares, g_turned = float(x @ x) * float(y @ y) - square, cross**2 - square
    of_g = np.array([g_squares, g_turned, square - g_squares, square - g_squares, square - g_turned])
    n2 = n * (n - 1)
    n3, n4 = n2 * (n - 2), n2 * (n - 2) * (n - 3)
    total = float(rows.sum())
    second = float((of_w * of_g / np.array([n2, n2, n3, n3, n3])).sum())
    rest = cross**2 - float(of_g.sum()) - float(of_g[4])
    second += (total**2 - float(of_w.sum())) * rest / n4
    mean = -total * cross / n2
    return mean, second - mean**2
