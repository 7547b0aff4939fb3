"""Against what a t statistic is read: the normal, Student's t, or the fixed-b law of an HAC covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

__all__ = ["NORMAL", "Law", "fixed_b_law", "matched_law"]

Float = NDArray[np.float64]

# Kiefer and Vogelsang (2005), table 1, Bartlett: upper .95, .975 and .99 points as polynomials in b.
_FIXED_B = {
    0.95: (1.6449, 2.1859, 0.3142, -0.3427),
    0.975: (1.9600, 2.9694, 0.4160, -0.5324),
    0.99: (2.3263, 4.1618, 0.5368, -0.9060),
}


@dataclass(frozen=True)
class Law:
    """The distribution of a statistic under its null: `scale` times Student's t.

    Parameters
    ----------
    df : float, optional
        Degrees of freedom; None for the normal distribution.
    scale : float
    said : str
        How it was chosen, for a summary.

    Examples
    --------
    >>> round(Law(49).quantile(0.95), 3)
    2.01
    >>> round(float(Law().p_value(1.96)), 3)
    0.05
    """

    df: float | None = None
    scale: float = 1.0
    said: str = ""

    def quantile(self, level: float) -> float:
        """Return what the absolute statistic stays below with probability `level`."""
        point = 0.5 + level / 2
        found = stats.norm.ppf(point) if self.df is None else stats.t.ppf(point, self.df)
        return float(self.scale * found)

    def p_value(self, statistic: Float | float) -> Float:
        """Return the two-sided p-value of each statistic."""
        size = np.abs(np.asarray(statistic, dtype=np.float64)) / self.scale
        tail = stats.norm.sf(size) if self.df is None else stats.t.sf(size, self.df)
        return np.asarray(2 * tail, dtype=np.float64)

    @property
    def label(self) -> str:
        """The distribution in words."""
        name = "normal" if self.df is None else f"t({self.df:.4g})"
        return name if self.scale == 1.0 else f"{self.scale:.3g} {name}"


NORMAL = Law()


def matched_law(upper: float, far: float, said: str, points: tuple[float, float] = (0.975, 0.99)) -> Law:
    """Return the scaled t with these upper `points` (by default .975 and .99).

    Examples
    --------
    >>> law = matched_law(2.5, 3.1, "")
    >>> round(law.quantile(0.95), 6), round(law.quantile(0.98), 6)
    (2.5, 3.1)
    """
    near, beyond = points
    wanted = far / upper

    def excess(inverse: float) -> float:
        df = 1.0 / inverse
        return float(stats.t.ppf(beyond, df) / stats.t.ppf(near, df)) - wanted

    if excess(1e-6) >= 0:
        return Law(None, float(upper / stats.norm.ppf(near)), said)
    if excess(1.0) <= 0:
        return Law(1.0, float(upper / stats.t.ppf(near, 1.0)), said)
    df = 1.0 / optimize.brentq(excess, 1e-6, 1.0, xtol=1e-12)
    return Law(float(df), float(upper / stats.t.ppf(near, df)), said)


def fixed_b_law(b: float) -> Law:
    r"""Return the fixed-b law of a t statistic with a Bartlett kernel (Kiefer and Vogelsang 2005).

    .. math:: c_{.975}(b) = 1.96 + 2.9694 b + .416 b^2 - .5324 b^3, \qquad b = (L + 1)/T

    Parameters
    ----------
    b : float
        Bandwidth over the number of times, at most 1.

    Examples
    --------
    >>> round(fixed_b_law(0.3).quantile(0.95), 4)
    2.8739
    """
    powers = np.array([1.0, b, b**2, b**3])
    upper, far = (float(powers @ np.array(_FIXED_B[p])) for p in (0.975, 0.99))
    return matched_law(upper, far, f"fixed-b, b = {b:.2g}")
