"""Against what a t statistic is read: the normal, Student's t, or the fixed-b law of an HAC covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.languages.shown import shown
from spatial.models.data.layout import Layout
from spatial.words import tell

__all__ = ["NORMAL", "Law", "fixed_b_law", "matched_law", "satterthwaite_law", "welch_law"]

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
    each : tuple of float
        Degrees of freedom of each coefficient, where they differ; `df` is the fewest.
    scales : tuple of float
        The scale of each coefficient, where they differ.

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
    each: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def of_coefficients(self, statistics: Float, level: float) -> tuple[Float, Float]:
        """Return the p-values of statistics, one a coefficient, and the quantiles of their intervals."""
        if not self.each:
            return self.p_value(statistics), np.full(len(statistics), self.quantile(level))
        df = np.full(len(statistics), self.df, dtype=np.float64)  # of rho, which follow: the fewest
        df[: len(self.each)] = self.each
        scale = np.array(self.scales) if self.scales else np.full(len(statistics), self.scale)
        tail = scipy.stats.t.sf(np.abs(statistics) / scale, df)
        return 2 * tail, scale * scipy.stats.t.ppf(0.5 + level / 2, df)

    def quantile(self, level: float) -> float:
        """Return what the absolute statistic stays below with probability `level`."""
        point = 0.5 + level / 2
        found = scipy.stats.norm.ppf(point) if self.df is None else scipy.stats.t.ppf(point, self.df)
        return float(self.scale * found)

    def p_value(self, statistic: Float | float) -> Float:
        """Return the two-sided p-value of each statistic."""
        size = np.abs(np.asarray(statistic, dtype=np.float64)) / self.scale
        tail = scipy.stats.norm.sf(size) if self.df is None else scipy.stats.t.sf(size, self.df)
        return np.asarray(2 * tail, dtype=np.float64)

    @property
    def label(self) -> str:
        """The distribution in words."""
        name = "normal" if self.df is None else f"t({self.df:.4g})"
        return name if self.scale == 1.0 else f"{self.scale:.3g} {name}"

    @property
    def words(self) -> str:
        """The distribution, and how it was chosen.

        Examples
        --------
        >>> Law(14).words, Law(13.1, 1.12, "fixed-b, b = 0.15").words
        ('t(14)', '1.12 t(13.1) (fixed-b, b = 0.15)')
        """
        if self.each or self.said.startswith("t("):
            text = shown(self.said)
            return tell(f"t by {text}", f"t 分布（{text}）") if self.each else text
        normal = tell("the normal distribution", "正态分布")
        label = normal if self.df is None and self.scale == 1.0 else self.label
        return f"{label} ({shown(self.said)})" if self.said else label


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
        return float(scipy.stats.t.ppf(beyond, df) / scipy.stats.t.ppf(near, df)) - wanted

    if excess(1e-6) >= 0:
        return Law(None, float(upper / scipy.stats.norm.ppf(near)), said)
    if excess(1.0) <= 0:
        return Law(1.0, float(upper / scipy.stats.t.ppf(near, 1.0)), said)
    df = 1.0 / scipy.optimize.brentq(excess, 1e-6, 1.0, xtol=1e-12)
    return Law(float(df), float(upper / scipy.stats.t.ppf(near, df)), said)


def welch_law(sums: Float, groups: NDArray[np.intp], variances: Float) -> Law:
    r"""Return the laws of t statistics whose squared errors are sums over groups with means of their own.

    .. math:: \hat V = \sum_g v_g, \quad v_g = \sum_{c \in g} s_c^2, \quad
              s^2 = \frac{1}{\hat V}\sum_g \frac{n_g}{n_g - 1} v_g, \quad
              \nu = \frac{\big(\sum_g \frac{n_g}{n_g - 1} v_g\big)^2}
                         {\sum_g \big(\frac{n_g}{n_g - 1} v_g\big)^2 / (n_g - 1)}

    Welch (1947, Biometrika 34, 28-35): means of groups are estimated, so that the sum of squares of n_g
    clusters has n_g - 1 degrees of freedom and is too small by one in n_g.

    Parameters
    ----------
    sums : array (C, K)
        Influence of each cluster on each estimate.
    groups : int array (C,)
    variances : array (K,)
        As they are printed; s is not below 1, for those that have a factor already.

    Examples
    --------
    Two groups of four and of twenty, each with its mean taken out: the t test of Welch.

    >>> rng = np.random.default_rng(0)
    >>> x = np.r_[rng.normal(size=4), rng.normal(size=20)]
    >>> small = np.arange(24) < 4
    >>> s = np.where(small, (x - x[small].mean()) / 4, (x - x[~small].mean()) / 20)[:, None]
    >>> law = welch_law(s, small.astype(int), (s**2).sum(axis=0))
    >>> found = scipy.stats.ttest_ind(x[small], x[~small], equal_var=False)
    >>> bool(np.isclose(law.each[0], found.df))
    True
    """
    count = np.bincount(groups)
    free = np.maximum(count - 1, 1)
    squares = np.zeros((len(count), sums.shape[1]))
    np.add.at(squares, groups, sums**2)
    parts = squares * (np.where(count > 1, count, 1) / free)[:, None]
    total, spread = parts.sum(axis=0), (parts**2 / free[:, None]).sum(axis=0)
    known = (total > 0) & (variances > 0)
    df = np.where(known, total**2 / np.where(known, spread, 1.0), 1.0)
    scale = np.sqrt(np.maximum(np.where(known, total / np.where(known, variances, 1.0), 1.0), 1.0))
    fewest = float(df.min()) if len(df) else 1.0
    said = f"Welch's degrees of freedom by cohort, {fewest:.1f} and more"
    return Law(fewest, said=said, each=tuple(df.tolist()), scales=tuple(scale.tolist()))


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


def satterthwaite_law(layout: Layout, weights: sp.csr_array, *, within: bool) -> Law:
    r"""Return the law of a t statistic whose variance is a weighted sum of products of pairs of scores.

    .. math:: \hat V = e'MKMe, \qquad M = I - 11'/R, \qquad s^2 = \frac{R}{\operatorname{tr}(MK)}, \qquad
              \nu = \frac{\operatorname{tr}(MK)^2}{\operatorname{tr}(MKMK)}

    for independent normal e: V is too small by s^2 on average, and varies as a chi2 with nu degrees of
    freedom (Satterthwaite).  Scores sum to zero, as estimation makes them.

    Parameters
    ----------
    layout : Layout
    weights : CSR array (N, N)
        K between units at one time, with ones on the diagonal.
    within : bool
        Whether all pairs of times of a unit count fully.

    Examples
    --------
    Without pairs it is the t of independent rows.

    >>> import pandas as pd
    >>> from spatial.models.data.layout import balanced_layout
    >>> places = balanced_layout(pd.RangeIndex(40), pd.RangeIndex(1))
    >>> law = satterthwaite_law(places, sp.csr_array(sp.eye_array(40)), within=False)
    >>> round(law.df), round(law.scale, 4)
    (39, 1.0127)
    """
    rows = layout.n_rows
    sums, squares = np.empty(rows), 0.0
    counts = np.bincount(layout.unit, minlength=layout.n_units)
    for first, last in layout.bounds:
        units = layout.unit[first:last]
        block = weights if last - first == layout.n_units else weights[units][:, units]
        sums[first:last] = np.asarray(block.sum(axis=1)).ravel()
        squares += float(block.multiply(block).sum())
    if within:
        sums = sums + counts[layout.unit] - 1
        squares += float(np.sum(counts * (counts - 1.0)))
    mean = float(sums.sum()) / rows
    trace = rows - mean
    square = squares - 2 * float(sums @ sums) / rows + mean**2
    if trace <= 0:
        return Law(1.0, 1.0, "the bandwidth covers the map")
    df = max(trace**2 / square, 1.0)
    return Law(df, float(np.sqrt(rows / trace)), f"t({df:.4g}), by the pairs within the bandwidth")
