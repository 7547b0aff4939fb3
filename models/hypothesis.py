"""A hypothesis test is a value: statistic, null in words, distribution, p-value from ``sf``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy import sparse

from spatial.languages.shown import shown
from spatial.results import Result
from spatial.words import tell

__all__ = [
    "CLUSTERED",
    "IID",
    "NORMAL",
    "HypothesisTest",
    "cluster_sums",
    "frame_of",
    "quadratic_form",
    "score_test",
    "wald",
]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]
Distribution = Literal["chi2", "chibar2", "F", "normal", ""]

# What tests take for granted, in the words that stand in their `detail`.
IID, CLUSTERED = "homoskedastic, independent over time", "clustered by unit"
NORMAL = "normal errors of one variance, independent over time"


@dataclass(frozen=True, repr=False)
class HypothesisTest(Result):
    """One test, or the reason why it cannot be computed.

    Parameters
    ----------
    name : str
        The test's name in the literature.
    null : str
        What is true if the test does not reject, in words.
    statistic : float
        NaN where the test cannot be computed.
    distribution : {"chi2", "chibar2", "F", "normal", ""}
        Reference distribution under the null; "normal" is two-sided, "chibar2" is half at zero and half chi2,
        for a variance that is zero under the null (Self and Liang 1987).
    df, df_denominator : float
        Degrees of freedom; `df_denominator` for F only.
    equation : str
        The equation tested; empty for the system.
    reason : str
        Why there is no number; empty when there is one.
    detail : str
        What the number takes for granted (covariance, errors), and how it was made.

    Examples
    --------
    >>> test = HypothesisTest("Wald", "the slope is 0", 3.84, "chi2", 1)
    >>> round(test.p_value, 2)
    0.05
    >>> print(test)
    Wald: chi2(1) = 3.8400, p = 0.0500. H0: the slope is 0.
    >>> print(HypothesisTest.failed("Hansen J", "all instruments are valid", "exactly identified"))
    Hansen J: not computed: exactly identified. H0: all instruments are valid.
    """

    name: str
    null: str
    statistic: float
    distribution: Distribution = "chi2"
    df: float = float("nan")
    df_denominator: float = float("nan")
    equation: str = ""
    reason: str = ""
    detail: str = ""

    @classmethod
    def failed(cls, name: str, null: str, reason: str, *, equation: str = "") -> HypothesisTest:
        """Return the same object with the reason in place of a number."""
        return cls(name, null, float("nan"), "", equation=equation, reason=reason)

    def as_f(self, df_denominator: float, detail: str = "") -> HypothesisTest:
        """Return a chi2 test as F(q, df), for few clusters."""
        if not self.computed or self.distribution != "chi2":
            return self
        value = self.statistic / self.df
        return replace(
            self,
            statistic=value,
            distribution="F",
            df_denominator=df_denominator,
            detail=detail or self.detail,
        )

    @property
    def computed(self) -> bool:
        """Whether there is a number."""
        return not self.reason

    @property
    def p_value(self) -> float:
        """Upper tail probability under the null; NaN where the test cannot be computed."""
        if not self.computed or not np.isfinite(self.statistic):
            return float("nan")
        if self.distribution == "chi2":
            return float(scipy.stats.chi2.sf(self.statistic, self.df))
        if self.distribution == "chibar2":
            return 1.0 if self.statistic <= 0 else float(0.5 * scipy.stats.chi2.sf(self.statistic, self.df))
        if self.distribution == "F":
            return float(scipy.stats.f.sf(self.statistic, self.df, self.df_denominator))
        if self.distribution == "normal":
            return float(2 * scipy.stats.norm.sf(abs(self.statistic)))
        return float("nan")

    @property
    def reference(self) -> str:
        """The distribution in words: ``chi2(3)``, ``F(2, 140)``, ``N(0, 1)``."""
        if self.distribution == "chi2":
            return f"chi2({self.df:g})"
        if self.distribution == "chibar2":
            return f"chibar2(0{self.df:g})"
        if self.distribution == "F":
            return f"F({self.df:g}, {self.df_denominator:g})"
        return "N(0, 1)" if self.distribution == "normal" else ""

    def tidy(self) -> pd.DataFrame:
        """Return one row: equation, test, statistic, distribution, df, p_value, null, reason."""
        return frame_of([self])

    def glance(self) -> pd.DataFrame:
        """Return the same row."""
        return self.tidy()

    def headline(self) -> str:
        """Return the test in one line."""
        return self.summary()

    def summary(self) -> str:
        """Return the test in one line: statistic, p-value, the null, and what the test assumes."""
        where = f"{shown(self.name)} [{self.equation}]" if self.equation else shown(self.name)
        if not self.computed:
            return tell(
                f"{where}: not computed: {self.reason}. H0: {self.null}.",
                f"{where}：未计算：{shown(self.reason)}。H0：{shown(self.null)}。",
            )
        value = f"{self.reference} = " if self.reference else ""
        value += f"{self.statistic:.4f}, p = {self.p_value:.4f}"
        assumed = f" [{shown(self.detail)}]" if self.detail else ""
        return tell(
            f"{where}: {value}. H0: {self.null}.{assumed}",
            f"{where}：{value}。H0：{shown(self.null)}。{assumed}",
        )


def frame_of(tests: Iterable[HypothesisTest]) -> pd.DataFrame:
    """Return a frame with one row for each test."""
    rows = [
        {
            "equation": test.equation,
            "test": test.name,
            "statistic": test.statistic,
            "distribution": test.reference,
            "df": float(test.df),
            "p_value": test.p_value,
            "null": test.null,
            "detail": test.detail,
            "reason": test.reason,
        }
        for test in tests
    ]
    columns = ["equation", "test", "statistic", "distribution", "df", "p_value", "null", "detail", "reason"]
    return pd.DataFrame(rows, columns=columns)


def quadratic_form(vector: Float, covariance: Float, *, rtol: float = 1e-10) -> tuple[float, int]:
    """Return ``v' V^+ v`` and rank(V) for a symmetric positive semi-definite V.

    The generalised inverse keeps eigenvalues above `rtol` times the largest of the matrix scaled to a
    unit diagonal, so that the answer does not depend on the units of the parameters.
    """
    scale = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    keep = scale > 0
    if not keep.any():
        return 0.0, 0
    scale = scale[keep]
    correlation = covariance[np.ix_(keep, keep)] / np.outer(scale, scale)
    values, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    used = values > rtol * values[-1]
    rotated = vectors[:, used].T @ (vector[keep] / scale)
    return float(np.sum(rotated**2 / values[used])), int(used.sum())


def wald(
    name: str,
    null: str,
    estimate: Float,
    covariance: Float,
    *,
    equation: str = "",
    detail: str = "",
) -> HypothesisTest:
    """Return the Wald test that every element of `estimate` is 0.

    .. math:: W = r' V^{+} r \\sim \\chi^2(\\operatorname{rank} V)

    Examples
    --------
    >>> wald("Wald", "both are 0", np.array([1.0, 2.0]), np.diag([1.0, 4.0])).statistic
    2.0
    """
    if len(estimate) == 0:
        return HypothesisTest.failed(name, null, "there is nothing to test", equation=equation)
    if not (np.isfinite(estimate).all() and np.isfinite(covariance).all()):
        return HypothesisTest.failed(name, null, "the covariance is not finite", equation=equation)
    statistic, rank = quadratic_form(estimate, covariance)
    if rank == 0:
        return HypothesisTest.failed(name, null, "the covariance is zero", equation=equation)
    return HypothesisTest(name, null, statistic, "chi2", rank, equation=equation, detail=detail)


def score_test(name: str, null: str, sums: Float, *, equation: str = "", detail: str = "") -> HypothesisTest:
    r"""Return the test that scores have mean zero, from their sums by cluster at the null (C, q).

    .. math:: F = \frac{C - q}{qC} \, s'\Big(\sum_c (s_c - \bar s)(s_c - \bar s)'\Big)^{-1} s
              \sim F(q, C - q), \qquad s = \sum_c s_c

    Hotelling's T2.  Residuals of the null have not been fitted to what is tested, so that its variance is
    not too small, as that of a Wald statistic is with few clusters or clusters of different weight.

    Examples
    --------
    With one score, the square of the t of a mean.

    >>> from scipy import stats
    >>> s = np.random.default_rng(0).normal(size=(30, 1))
    >>> bool(np.isclose(score_test("", "", s).statistic, stats.ttest_1samp(s[:, 0], 0).statistic ** 2))
    True
    """
    clusters, centred = len(sums), sums - sums.mean(axis=0)
    found = wald(name, null, sums.sum(axis=0), centred.T @ centred, equation=equation, detail=detail)
    if not found.computed:
        return found
    q = int(found.df)
    if clusters <= q:
        return HypothesisTest.failed(
            name, null, f"{clusters} clusters for {q} restrictions", equation=equation
        )
    scaled = replace(found, statistic=found.statistic * (clusters - q) / clusters)
    return scaled.as_f(clusters - q)


def cluster_sums(scores: Float, codes: Codes) -> Float:
    """Sum the rows of `scores` (n, k) within each cluster; `codes` (n,) run from 0."""
    n = len(codes)
    indicator = sparse.csr_matrix((np.ones(n), (codes, np.arange(n))), shape=(int(codes.max()) + 1, n))
    return np.asarray(indicator @ scores)
