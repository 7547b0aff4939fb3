"""Tests of a panel: dependence across units, fixed effects, correlated effects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spatial.models.hypothesis import CLUSTERED, IID, HypothesisTest, cluster_sums, wald
from spatial.models.solving import generalised_inverse

__all__ = ["effects_f", "mundlak", "pesaran_cd"]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]


def pesaran_cd(residual: Float, *, classic: bool = False, equation: str = "") -> HypothesisTest:
    r"""Return Pesaran's (2004) CD test of dependence across units, with the variance that it has.

    .. math:: CD = \frac{\sum_{i<j} \hat\rho_{ij}}{\sqrt{\sum_{i<j} \hat\rho_{ij}^2}} \sim N(0, 1)

    Pesaran divides by :math:`\sqrt{N(N-1)/(2T)}`, which takes each correlation to have the variance 1/T: too
    little where errors are correlated over time, or T is short.  Both sums are found from the residuals,
    standardised, at cost NT^2 and not N^2 T.  With time effects the sum over units is zero in each period, so
    CD drifts downwards whatever the errors are: that form is refused.

    Parameters
    ----------
    residual : (T, N)
    classic : bool
        With Pesaran's divisor, as plm has it.
    """
    name, null = "Pesaran CD", "the errors of different units are uncorrelated"
    periods, n = residual.shape
    if periods < 3 or n < 2:
        return HypothesisTest.failed(
            name, null, f"needs three periods and two units; got T = {periods}, N = {n}", equation=equation
        )
    centred = residual - residual.mean(axis=0)
    scale = np.sqrt(np.sum(centred**2, axis=0))
    if (scale <= 1e-12 * scale.max()).any():
        return HypothesisTest.failed(name, null, "a unit has constant residuals", equation=equation)
    standard = centred / scale
    sums = standard.sum(axis=1)
    pairs = (float(sums @ sums) - n) / 2
    squares = (float(np.sum((standard @ standard.T) ** 2)) - n) / 2
    if not classic and squares <= 1e-12 * n:
        return HypothesisTest.failed(name, null, "all correlations are zero", equation=equation)
    value = pairs / np.sqrt(n * (n - 1) / (2 * periods) if classic else squares)
    average = 2 * pairs / (n * (n - 1))
    over_time = "independent over time" if classic else "any dependence over time"
    detail = f"average correlation {average:.4f}; {over_time}"
    return HypothesisTest(name, null, float(value), "normal", equation=equation, detail=detail)


def effects_f(
    restricted_ssr: float, ssr: float, n_effects: int, df_residual: float, what: str, *, equation: str = ""
) -> HypothesisTest:
    r"""Return the F test that fixed effects are jointly zero.

    .. math:: F = \frac{(SSR_0 - SSR_1)/q}{SSR_1/(n - k)} \sim F(q, n - k)

    Examples
    --------
    >>> effects_f(120.0, 100.0, 10, 100, "unit effects").statistic
    2.0
    """
    name, null = f"F: {what}", f"there are no {what}"
    if n_effects < 1 or df_residual < 1:
        return HypothesisTest.failed(name, null, "there are no degrees of freedom", equation=equation)
    value = max(restricted_ssr - ssr, 0.0) / n_effects / (ssr / df_residual)
    return HypothesisTest(name, null, value, "F", n_effects, df_residual, equation=equation, detail=IID)


def mundlak(
    y: Float, X: Float, means: Float, codes: Codes, theta: float, *, equation: str = "", robust: bool = True
) -> HypothesisTest:
    r"""Test correlated effects: unit means added to a random-effects regression (Mundlak 1978).

    .. math:: y_{it} - \theta\bar y_i = (x_{it} - \theta\bar x_i)'\beta + (1 - \theta)\bar x_i'\pi + e_{it},
              \qquad H_0: \pi = 0

    With :math:`\theta` of the random-effects model and homoskedastic errors it is Hausman's test of
    fixed against random effects; clustered, it stays valid where Hausman's is not.

    Parameters
    ----------
    y : (rows,)
    X : (rows, k)
        Regressors with a constant.
    means : (rows, q)
        Unit means of the regressors that vary over time.
    codes : (rows,)
        Unit of each row.
    theta : float
        Share of the unit mean that is taken out; 0 for pooled least squares.
    """
    name, null = "Mundlak", "the effects are uncorrelated with the regressors"
    q = means.shape[1]
    counts = np.bincount(codes)
    if q == 0 or len(counts) <= X.shape[1] + q:
        reason = f"{len(counts)} units for {X.shape[1] + q} coefficients"
        return HypothesisTest.failed(name, null, reason, equation=equation)

    def quasi_demeaned(values: Float) -> Float:
        average = cluster_sums(values, codes) / counts[:, None]
        return np.asarray(values - theta * average[codes])

    design = quasi_demeaned(np.hstack([X, means]))
    target = quasi_demeaned(y[:, None])[:, 0]
    gram = design.T @ design
    bread = generalised_inverse(gram)
    slopes = bread @ (design.T @ target)
    error = target - design @ slopes
    if robust:
        sums = cluster_sums(design * error[:, None], codes)
        covariance = bread @ (sums.T @ sums) @ bread
    else:
        covariance = bread * float(error @ error) / (len(target) - design.shape[1])
    detail = CLUSTERED if robust else IID
    return wald(name, null, slopes[-q:], covariance[-q:, -q:], equation=equation, detail=detail)
