"""Tests of one estimator against another: 2SLS against 3SLS, least squares against 2SLS."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spatial.models.hypothesis import CLUSTERED, IID, HypothesisTest, cluster_sums, wald

__all__ = ["durbin_wu_hausman", "hausman", "hausman_directions", "hausman_floor", "hausman_robust"]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]

COINCIDE = "the two estimators coincide to first order"


def hausman_directions(
    cov_efficient: Float, cov_consistent: Float, floor: float = 1e-8
) -> tuple[Float, Float]:
    """Return the combinations (K, r) in which the estimators differ, and the variance of each, (r,).

    Parameters
    ----------
    floor : float
        Smallest gain in variance, relative to that of the consistent estimator, that counts.

    Raises
    ------
    ValueError
        Where the difference of the covariances is not positive semi-definite.
    """
    scale = np.sqrt(np.clip(np.diag(cov_consistent), 1e-300, None))
    difference = (cov_consistent - cov_efficient) / np.outer(scale, scale)
    values, vectors = np.linalg.eigh((difference + difference.T) / 2)
    if values[0] < -1e-8:
        raise ValueError("the covariances differ by a matrix that is not positive semi-definite")
    # Directions in which the two estimators coincide have no variance: noise is not a difference.
    used = values > floor
    return vectors[:, used] / scale[:, None], values[used]


def hausman_floor(sigma: Float, n_instruments: int, n_effective: float) -> float:
    """Return the gain in variance that the noise of the first stages can feign.

    3SLS gains over 2SLS in proportion to the squared correlation of the errors; the estimated first stages
    add a share of about p/n of that in directions where there is nothing to gain.
    """
    scale = np.sqrt(np.diag(sigma))
    correlation = np.abs(np.tril(sigma / np.outer(scale, scale), -1)).max(initial=0.0)
    return max(1e-8, 5.0 * n_instruments / n_effective * float(correlation) ** 2)


def hausman(
    efficient: Float,
    consistent: Float,
    cov_efficient: Float,
    cov_consistent: Float,
    floor: float = 1e-8,
) -> HypothesisTest:
    r"""Return Hausman's (1978) test of an efficient against a consistent estimator.

    .. math:: H = (\hat\delta_3 - \hat\delta_2)'(V_2 - V_3)^{+}(\hat\delta_3 - \hat\delta_2)
              \sim \chi^2(\operatorname{rank}(V_2 - V_3))

    Both covariances must use the same estimate of the error covariance, or V2 - V3 need not be
    positive semi-definite; and regressors free of the errors.  With the outcomes themselves on the right-hand
    side the projected regressors of one equation hold the error of another: V2 - V3 then has a rank that it
    has not in the population, H becomes Sargan's J on too few degrees of freedom, and every second true null
    is rejected (`Subject.purged` gives the covariances to use, `hausman_floor` the floor).
    """
    name = "Hausman: 2SLS against 3SLS"
    null = "the system estimator is consistent: every equation is specified correctly"
    try:
        directions, values = hausman_directions(cov_efficient, cov_consistent, floor)
    except ValueError as error:
        return HypothesisTest.failed(name, null, str(error))
    if not len(values):
        return HypothesisTest.failed(name, null, COINCIDE)
    value = float(np.sum((directions.T @ (efficient - consistent)) ** 2 / values))
    return HypothesisTest(name, null, value, "chi2", len(values), detail=IID)


def hausman_robust(
    efficient: Float,
    consistent: Float,
    influence_efficient: Float,
    influence_consistent: Float,
    directions: Float,
) -> HypothesisTest:
    r"""Return the Hausman test with the clustered covariance of the difference itself.

    .. math:: \hat V = \frac{N}{N - 1} \sum_i (\psi_{2i} - \psi_{3i})(\psi_{2i} - \psi_{3i})',
              \qquad \frac{N - q}{q(N - 1)} H \sim F(q, N - q)

    as Hotelling's T2.

    Parameters
    ----------
    efficient, consistent : (K,)
    influence_efficient, influence_consistent : (clusters, K)
        Sums of the influence function within each cluster: estimate - truth = their sum.
    directions : (K, r)
        The combinations in which the estimators differ; see `hausman_directions`.
    """
    name = "Hausman (clustered): 2SLS against 3SLS"
    null = "2SLS and 3SLS estimate the same coefficients"
    count, r = len(influence_efficient), directions.shape[1]
    if r == 0:
        return HypothesisTest.failed(name, null, COINCIDE)
    if count <= r:
        return HypothesisTest.failed(name, null, f"{count} clusters for {r} differences")
    gap = (influence_efficient - influence_consistent) @ directions
    covariance = gap.T @ gap * count / (count - 1)
    found = wald(name, null, directions.T @ (efficient - consistent), covariance, detail=CLUSTERED)
    q = found.df
    return replace(found, statistic=found.statistic * (count - q) / (count - 1)).as_f(count - q)


def durbin_wu_hausman(
    y: Float,
    regressors: Float,
    first_stage_residuals: Float,
    n_effective: float,
    codes: Codes | None = None,
    *,
    equation: str = "",
) -> HypothesisTest:
    r"""Test endogeneity by the control function: first-stage residuals added to the equation.

    .. math:: y = Z\delta + \hat V\theta + e, \qquad H_0: \theta = 0

    Parameters
    ----------
    y : (rows,)
    regressors : (rows, k)
    first_stage_residuals : (rows, m)
    n_effective : float
        Rows less fixed effects.
    codes : (rows,), optional
        Clusters; None for the F test with homoskedastic errors.
    """
    name, null = "Durbin-Wu-Hausman", "the regressors are exogenous: least squares is consistent"
    m = first_stage_residuals.shape[1]
    if m == 0:
        return HypothesisTest.failed(
            name, null, "the equation has no endogenous regressor", equation=equation
        )
    design = np.hstack([regressors, first_stage_residuals])
    gram = design.T @ design
    scale = np.sqrt(np.diag(gram))
    if (scale == 0).any() or np.linalg.eigvalsh(gram / np.outer(scale, scale))[0] < 1e-12:
        return HypothesisTest.failed(
            name, null, "the first-stage residuals are collinear with the regressors", equation=equation
        )
    bread = np.linalg.inv(gram)
    slopes = bread @ (design.T @ y)
    error = y - design @ slopes
    df = n_effective - design.shape[1]
    theta = slopes[-m:]
    if codes is None:
        covariance = bread[-m:, -m:] * float(error @ error) / df
        value = float(theta @ np.linalg.solve(covariance, theta)) / m
        return HypothesisTest(name, null, value, "F", m, df, equation=equation, detail=IID)
    clusters = int(codes.max()) + 1
    if clusters <= m:
        return HypothesisTest.failed(name, null, f"{clusters} clusters for {m} residuals", equation=equation)
    sums = cluster_sums(design * error[:, None], codes)
    covariance = bread @ (sums.T @ sums) @ bread * clusters / (clusters - 1)
    return wald(name, null, theta, covariance[-m:, -m:], equation=equation, detail=CLUSTERED)
