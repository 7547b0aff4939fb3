"""Tests of a system: overidentification, and correlated equations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spatial.models.hypothesis import CLUSTERED, IID, HypothesisTest, cluster_sums, wald
from spatial.models.solving import least_squares

__all__ = [
    "VALID",
    "clustered_j",
    "diagonal_sigma",
    "difference_in_j",
    "joint_j",
    "least_distance",
    "reduced_j",
    "robust_j",
    "sargan",
    "system_j",
    "uncentred_j",
]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]

VALID = "all instruments are valid"


def _overidentifying(name: str, df: int, equation: str) -> HypothesisTest | None:
    if df > 0:
        return None
    reason = "exactly identified, as many instruments as coefficients"
    return HypothesisTest.failed(name, VALID, reason, equation=equation)


def sargan(
    basis: Float, residual: Float, n_effective: float, n_coefficients: int, *, equation: str = ""
) -> HypothesisTest:
    r"""Return Sargan's test of one equation, for homoskedastic errors.

    .. math:: J_g = \frac{(Q'\hat\varepsilon_g)'(Q'\hat\varepsilon_g)}
                         {\hat\varepsilon_g'\hat\varepsilon_g / n} \sim \chi^2(p - k_g)

    Parameters
    ----------
    basis : (rows, p)
        Orthonormal basis Q of the instruments.
    residual : (rows,)
        2SLS residuals.
    n_effective : float
        Rows less fixed effects.
    """
    name, df = "Sargan J", basis.shape[1] - n_coefficients
    refused = _overidentifying(name, df, equation)
    if refused:
        return refused
    moments = basis.T @ residual
    value = float(moments @ moments) / (float(residual @ residual) / n_effective)
    return HypothesisTest(name, VALID, value, "chi2", df, equation=equation, detail=IID)


def system_j(
    bases: Float | Sequence[Float], residuals: Float, sigma: Float, n_coefficients: int
) -> HypothesisTest:
    r"""Return the Hansen-Sargan J of a system, for homoskedastic errors.

    .. math:: J = \hat m'\hat V^{-1}\hat m \sim \chi^2(\textstyle\sum_g p_g - K), \qquad
              \hat m_g = Q_g'\hat\varepsilon_g, \quad \hat V_{gh} = \hat\sigma_{gh}Q_g'Q_h

    Parameters
    ----------
    bases : (rows, p), or sequence of (rows, p_g)
        One for all equations, or one for each.
    residuals : (rows, G)
        3SLS residuals.
    sigma : (G, G)
        The covariance of the errors that weighted the estimator.
    """
    bases = [bases] * residuals.shape[1] if isinstance(bases, np.ndarray) else bases
    name, df = "Hansen-Sargan J", sum(Q.shape[1] for Q in bases) - n_coefficients
    refused = _overidentifying(name, df, "")
    if refused:
        return refused
    moments = [Q.T @ e for Q, e in zip(bases, residuals.T, strict=True)]
    if all(Q is bases[0] for Q in bases):
        one = np.stack(moments, axis=1)
        value = float(np.sum(np.linalg.inv(sigma) * (one.T @ one)))
    else:
        each = range(len(bases))
        V = np.block([[sigma[g, h] * bases[g].T @ bases[h] for h in each] for g in each])
        stacked = np.concatenate(moments)
        value = float(stacked @ np.linalg.solve(V, stacked))
    return HypothesisTest(name, VALID, value, "chi2", df, detail=IID)


def joint_j(moments: Float, slopes: Float, sigma: Float, *, equation: str = "") -> HypothesisTest:
    r"""Return Sargan's test, or with several equations J, at the joint estimate, for homoskedastic errors.

    .. math:: J = \min_d (\hat m + D d)'(\hat\Sigma^{-1} \otimes I_p)(\hat m + D d) \sim \chi^2(Gp - K)

    Parameters
    ----------
    moments, slopes : (G p,) and (G p, K)
        As of `robust_j`.
    sigma : (G, G)
        Covariance of the innovations.
    """
    name = "Sargan J" if equation else "Hansen-Sargan J"
    df = len(moments) - slopes.shape[1]
    refused = _overidentifying(name, df, equation)
    if refused:
        return refused
    weights = np.asarray(np.kron(sigma, np.eye(len(moments) // len(sigma))), dtype=np.float64)
    value = least_distance(weights, moments, slopes)
    return HypothesisTest(
        name, VALID, value, "chi2", df, equation=equation, detail=f"at the joint estimate, {IID}"
    )


def clustered_j(
    basis: Float,
    regressors: Sequence[Float],
    outcomes: Float,
    residuals: Float,
    codes: Codes,
    *,
    equation: str = "",
) -> HypothesisTest:
    r"""Return the cluster-robust Hansen J, at the two-step GMM estimate.

    .. math:: \hat S = \sum_c m_c m_c', \quad m_c = \sum_{i \in c} \varepsilon_i \otimes q_i, \qquad
              J = \bar m(\hat\delta_{GMM})' \hat S^{-1} \bar m(\hat\delta_{GMM})

    S is not centred, so that J cannot exceed the number of clusters C: with many moments it never rejects.
    The test is of the centred :math:`J_c`, by Hotelling's law, with q = Gp - K:

    .. math:: J_c = \frac{J}{1 - J/C}, \qquad F = \frac{C - q}{q\,C} J_c \sim F(q, C - q)

    Parameters
    ----------
    basis : (rows, p)
        Orthonormal basis Q of the instruments.
    regressors : sequence of (rows, k_g)
        Transformed regressors of each equation.
    outcomes : (rows, G)
    residuals : (rows, G)
        First-step residuals: they make the weights.
    codes : (rows,)
        Cluster of each row.
    """
    from scipy import linalg

    target = (basis.T @ outcomes).T.ravel()
    slopes = linalg.block_diag(*[basis.T @ z for z in regressors])
    return robust_j([basis] * residuals.shape[1], target, slopes, residuals, codes, equation=equation)


def robust_j(
    bases: Sequence[Float],
    moments: Float,
    slopes: Float,
    residuals: Float,
    codes: Codes,
    *,
    equation: str = "",
    where: str = "two-step GMM",
) -> HypothesisTest:
    r"""Return the same for linear moments and their slopes, of the sample or expected.

    .. math:: J = \min_d (\hat m + D d)'\hat S^{-1}(\hat m + D d)

    At the joint estimate :math:`\hat m = Q'\hat\varepsilon`, equation by equation, and D is the expected
    slope: a part of the error of the sample slope goes with the moments, so that J, made smallest along
    the sample slope, is too small where there are many instruments.

    Parameters
    ----------
    bases : sequence of (rows, p_g)
        Orthonormal instruments of each equation.
    moments : (G p,)
    slopes : (G p, K)
        Derivatives by the coefficients, with either sign.
    residuals : (rows, G)
        They make the weights.
    codes : (rows,)
    where : str
        The estimate at which it is.
    """
    name, g = "Hansen J (clustered)", residuals.shape[1]
    refused = _overidentifying(name, len(moments) - slopes.shape[1], equation)
    if refused:
        return refused
    clusters = int(codes.max()) + 1
    if clusters <= len(moments):
        reason = f"{clusters} clusters cannot weight {len(moments)} moment conditions"
        return HypothesisTest.failed(name, VALID, reason, equation=equation)
    sums = np.hstack([cluster_sums(bases[h] * residuals[:, [h]], codes) for h in range(g)])
    value = least_distance(sums.T @ sums, moments, slopes)
    return _centred_j(name, VALID, value, len(moments) - slopes.shape[1], clusters, equation, where)


def _centred_j(
    name: str, null: str, value: float, q: int, clusters: int, equation: str, where: str = "two-step GMM"
) -> HypothesisTest:
    """Return the F test of a J statistic with weights that are not centred."""
    if clusters <= q:
        reason = f"{clusters} clusters for {q} restrictions"
        return HypothesisTest.failed(name, null, reason, equation=equation)
    left = max(1.0 - value / clusters, 1e-12)
    detail = f"{where}, clustered by unit; J = {value:.4f}, centred {value / left:.4f}"
    value = (clusters - q) / (q * clusters) * value / left
    return HypothesisTest(name, null, value, "F", q, clusters - q, equation=equation, detail=detail)


def reduced_j(value: float, q: int, clusters: int) -> HypothesisTest:
    """Return the J test of a value found with given weights, for `difference_in_j`."""
    if q == 0:  # nothing to test, and the value is 0
        return HypothesisTest("Hansen J", VALID, 0.0, "F", 0, clusters)
    return _centred_j("Hansen J", VALID, value, q, clusters, "")


def uncentred_j(test: HypothesisTest) -> float:
    """Return the J statistic, with weights that are not centred, of a clustered J test."""
    clusters = test.df + test.df_denominator
    if test.df == 0:
        return 0.0
    centred = test.statistic * test.df * clusters / test.df_denominator
    return float(centred / (1 + centred / clusters))


def least_distance(weights: Float, moments: Float, slopes: Float) -> float:
    """Return the smallest ``(m + D d)' S^-1 (m + D d)`` over d."""
    from scipy import linalg

    root = np.linalg.cholesky(weights)
    m, D = (linalg.solve_triangular(root, v, lower=True) for v in (moments, slopes))
    return float(np.sum((m - D @ least_squares(D, m)) ** 2))


def difference_in_j(
    full: HypothesisTest, reduced: HypothesisTest, subset: str, *, equation: str = ""
) -> HypothesisTest:
    r"""Return the C test: are the instruments that only `full` uses valid too?

    .. math:: C = J_{full} - J_{reduced}, \qquad q = df_{full} - df_{reduced}

    read as `clustered_j` is.  For a non-negative C take both J with the weights of the full set.
    """
    name, null = "Difference in J", f"{subset} are valid instruments, given the others"
    for test in (full, reduced):
        if not test.computed:
            return HypothesisTest.failed(name, null, test.reason, equation=equation)
    df = int(full.df - reduced.df)
    if df <= 0:
        return HypothesisTest.failed(name, null, "the subset adds no instrument", equation=equation)
    value = max(uncentred_j(full) - uncentred_j(reduced), 0.0)
    clusters = int(full.df + full.df_denominator)
    return _centred_j(name, null, value, df, clusters, equation)


def diagonal_sigma(
    residuals: Float,
    n_effective: float,
    slopes: Float | None = None,
    covariance: Float | None = None,
    influence: Float | None = None,
    codes: Codes | None = None,
) -> HypothesisTest:
    r"""Return the LM test that errors of different equations are uncorrelated (Breusch and Pagan 1980).

    .. math:: m_{gh} = \hat e_g'\hat e_h, \qquad c_{gh} = (Z_g'\hat e_h;\, Z_h'\hat e_g), \qquad
              \mathrm{Var}(m_{gh}) = n\,\sigma_{gg}\sigma_{hh} + c'V c

    The second part is what estimating the coefficients adds: nothing with exogenous regressors, much where
    one outcome is a regressor of the other's equation.  Clustered: :math:`\psi_i = \sum_t e_{git}e_{hit} -
    c'\psi_{\delta,i}`, and :math:`m'(\sum_i \psi_i\psi_i')^{-1}m`.

    Parameters
    ----------
    residuals : (rows, G)
        Residuals of the equations estimated one by one.
    n_effective : float
    slopes : (G (G - 1)/2, K), optional
        c for each pair g < h; None for 0.
    covariance : (K, K), optional
        V of the coefficients under the null, with a diagonal Sigma.
    influence : (clusters, K), optional
        What each cluster adds to the coefficients: for the clustered form.
    codes : (rows,), optional
        Clusters.
    """
    clustered = influence is not None and codes is not None
    name = "Breusch-Pagan LM" + (" (clustered)" if clustered else "")
    null = "the errors of the equations are uncorrelated"
    g = residuals.shape[1]
    if g < 2:
        return HypothesisTest.failed(name, null, "there is one equation")
    first, second = np.triu_indices(g, 1)
    products = residuals[:, first] * residuals[:, second]
    m = products.sum(axis=0)
    c = np.zeros((len(m), 1)) if slopes is None else slopes
    if clustered:
        assert influence is not None
        assert codes is not None
        if len(influence) <= len(m):
            return HypothesisTest.failed(name, null, f"{len(influence)} clusters for {len(m)} pairs")
        psi = cluster_sums(products, codes) - influence @ c.T
        return wald(name, null, m, psi.T @ psi, detail=CLUSTERED)
    variances = np.sum(residuals**2, axis=0) / n_effective
    V = np.zeros((c.shape[1], c.shape[1])) if covariance is None else covariance
    total = np.diag(n_effective * variances[first] * variances[second]) + c @ V @ c.T
    return wald(name, null, m, total, detail=IID)
