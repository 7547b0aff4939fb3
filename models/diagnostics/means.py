"""Are the means of groups equal?  By t or F of Welch, of rows or of clusters that keep rows together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.estimation.laws import welch_law

__all__ = ["MeansTest", "compare_means"]

Float = NDArray[np.float64]
Int = NDArray[np.intp]


@dataclass(frozen=True)
class MeansTest:
    """Means by group, and the test that they are equal.

    Parameters
    ----------
    counts : int array (G,)
        Rows.
    means, sds : array (G,)
        With N - 1 in the denominator; of weighted rows the variance about the weighted mean.
    difference : float
        First mean less the second; NaN of more than two groups.
    std_error : float
        Of the difference.
    statistic : float
        t of two groups, F of more.
    df : (float, float)
        Of F; of t the second.
    p_value : float
    """

    counts: Int
    means: Float
    sds: Float
    difference: float
    std_error: float
    statistic: float
    df: tuple[float, float]
    p_value: float


def compare_means(
    x: Float, group: Int, cluster: Int, n_groups: int, weights: Float | None = None
) -> MeansTest:
    r"""Compare the means of groups.

    .. math::

        t = \frac{\bar x_1 - \bar x_2}{\sqrt{\hat V_1 + \hat V_2}}, \qquad
        \hat V_g = \frac{C_g}{C_g - 1} \sum_{c \in g}
                   \Bigl(\sum_{i \in c} w_i (x_i - \bar x_g) \Big/ \sum_{i \in g} w_i\Bigr)^2

    with the degrees of freedom of Welch (1947), and for more groups the F of Welch (1951): of rows that are
    clusters of their own these are his tests, of balanced clusters his tests of their means.  Clusters that
    have rows of both groups are a third stratum.

    Parameters
    ----------
    x : array (N,)
        Finite.
    group : int array (N,)
        0..G-1.
    cluster : int array (N,)
    n_groups : int
    weights : array (N,), optional

    Examples
    --------
    >>> from scipy import stats
    >>> rng = np.random.default_rng(0)
    >>> x, group = rng.normal(size=24), (np.arange(24) >= 4).astype(int)
    >>> found = compare_means(x, group, np.arange(24), 2)
    >>> other = stats.ttest_ind(x[:4], x[4:], equal_var=False)
    >>> np.allclose([found.statistic, found.df[1], found.p_value], [other.statistic, other.df, other.pvalue])
    True
    """
    # Without units: squares of very large and very small values are no floats.
    unit = float(np.abs(x).max()) if len(x) and np.any(x) else 1.0
    z, w = x / unit, np.ones(len(x)) if weights is None else weights
    counts, total = (np.bincount(group, v, minlength=n_groups) for v in (None, w))
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.bincount(group, w * z, minlength=n_groups) / total
        rest = z - means[group]
        share = w * rest / total[group]
        spread = np.bincount(group, w * rest**2, minlength=n_groups) / total
        sds = np.sqrt(spread * counts / np.where(counts > 1, counts - 1, np.nan))
    names, code = np.unique(cluster, return_inverse=True)
    sums = np.zeros((len(names), n_groups))
    np.add.at(sums, (code, group), share)
    member = np.zeros(sums.shape, dtype=bool)
    member[code, group] = True
    if n_groups == 2:
        statistic, df, p, error = _welch_t(sums, member, float(means[0] - means[1]))
    else:
        statistic, df, p = _welch_f(sums, member, means)
        error = math.nan
    gap = float(means[0] - means[1]) * unit if n_groups == 2 else math.nan
    return MeansTest(counts.astype(np.intp), means * unit, sds * unit, gap, error * unit, statistic, df, p)


def _welch_t(
    sums: Float, member: NDArray[np.bool_], gap: float
) -> tuple[float, tuple[float, float], float, float]:
    from scipy import stats

    none = math.nan, (1.0, math.nan), math.nan, math.nan
    if (member.sum(axis=0) < 2).any():
        return none
    influence = (sums[:, 0] - sums[:, 1])[:, None]
    stratum = np.unique(member.astype(int) @ [1, 2], return_inverse=True)[1]
    raw = float((influence**2).sum())
    if raw <= _SMALL:
        return none
    law = welch_law(influence, stratum, np.array([raw]))
    error = float(np.sqrt(raw)) * law.scales[0]
    statistic, df = gap / error, law.each[0]
    return statistic, (1.0, df), float(2 * stats.t.sf(abs(statistic), df)), error


def _welch_f(
    sums: Float, member: NDArray[np.bool_], means: Float
) -> tuple[float, tuple[float, float], float]:
    from scipy import stats

    k, n = len(means), member.sum(axis=0)
    if (member.sum(axis=1) > 1).any():
        raise DataError(
            f"The test of {k} groups needs clusters that stay in one group; some have rows of several. Give "
            "two groups, groups of units (group(..., of='unit')), or cov='welch'."
        )
    if (n < 2).any():
        return math.nan, (k - 1.0, math.nan), math.nan
    variance = n / (n - 1) * (sums**2).sum(axis=0)
    if (variance <= _SMALL).any():
        return math.nan, (k - 1.0, math.nan), math.nan
    w = 1 / variance
    middle = float(w @ means) / float(w.sum())
    apart = float((((1 - w / w.sum()) ** 2) / (n - 1)).sum())
    between = float(w @ (means - middle) ** 2) / (k - 1)
    statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * apart)
    df = (k - 1.0, (k**2 - 1) / (3 * apart))
    return statistic, df, float(stats.f.sf(statistic, *df))


_SMALL = 1e-28
"""Of the variance of a mean of values of size one: rounding, not spread."""
