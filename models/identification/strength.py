"""How strong the instruments are: one first stage, several statistics, homoskedastic and clustered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.models.hypothesis import CLUSTERED, IID, HypothesisTest, cluster_sums
from spatial.models.solving import generalised_inverse, in_unit_columns, least_squares

__all__ = [
    "FirstStage",
    "bias_critical_value",
    "cragg_donald",
    "effective_critical_value",
    "effective_f",
    "first_stage",
    "first_stage_f",
    "first_stage_lm",
    "kleibergen_paap",
    "sanderson_windmeijer_f",
    "shea_r2",
    "strength_of",
]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class FirstStage:
    """Endogenous regressors and excluded instruments, both free of the included regressors.

    Parameters
    ----------
    Y : (n, m)
        Endogenous regressors, residuals from the included exogenous ones.
    Z : (n, L)
        Orthonormal basis of the excluded instruments, orthogonal to the included ones.
    pi : (L, m)
        First-stage coefficients, Z'Y.
    residuals : (n, m)
        Y - Z pi.
    df : float
        Residual degrees of freedom: n_effective - L - k_included.
    codes : (n,) or None
        Cluster of each row; None for homoskedastic statistics only.
    """

    Y: Float
    Z: Float
    pi: Float
    residuals: Float
    df: float
    codes: Codes | None = None

    @property
    def n_endogenous(self) -> int:
        """Number of endogenous regressors, m."""
        return int(self.Y.shape[1])

    @property
    def n_instruments(self) -> int:
        """Number of linearly independent excluded instruments, L."""
        return int(self.Z.shape[1])


def first_stage(
    endogenous: Float, included: Float, basis: Float, *, n_effective: float, codes: Codes | None = None
) -> FirstStage:
    r"""Partial the included exogenous regressors out of the endogenous ones and of the instruments.

    .. math:: \tilde Y = M_X Y = \tilde Z \Pi + V

    Parameters
    ----------
    endogenous : (n, m)
    included : (n, k)
        Exogenous regressors of the equation.
    basis : (n, p)
        Orthonormal basis of all instruments, the included regressors among them.
    n_effective : float
        Rows less the number of fixed effects.
    codes : (n,), optional
        Cluster codes from 0.
    """
    coordinates = in_unit_columns(basis.T @ included)[0]
    excluded = basis
    residual = endogenous
    if included.shape[1]:
        left, size, _ = np.linalg.svd(coordinates, full_matrices=True)
        rank = int(np.sum(size > 1e-10 * size[0])) if len(size) else 0
        excluded = basis @ left[:, rank:]
        inside = basis @ left[:, :rank]
        residual = endogenous - inside @ (inside.T @ endogenous)
        k = rank
    else:
        k = 0
    pi = excluded.T @ residual
    return FirstStage(
        residual, excluded, pi, residual - excluded @ pi, n_effective - excluded.shape[1] - k, codes
    )


def _score_covariance(Z: Float, v: Float, codes: Codes) -> Float:
    """Return sum_c (sum_{i in c} z_i v_i)(...)', for one residual v (n,)."""
    sums = cluster_sums(Z * v[:, None], codes)
    return sums.T @ sums


def _small_sample(stage: FirstStage) -> float:
    """Return the factor G/(G-1) (n-1)/(n-k) of Stata's clustered F."""
    assert stage.codes is not None
    clusters = int(stage.codes.max()) + 1
    # n counts the rows net of fixed effects, as for the homoskedastic F.
    return clusters / (clusters - 1) * (stage.df + stage.n_instruments - 1) / stage.df


def first_stage_f(stage: FirstStage, column: int, *, clustered: bool = False) -> HypothesisTest:
    r"""Return the ordinary first-stage F of one endogenous regressor.

    .. math:: F_j = \frac{y_j' P y_j / L}{y_j' M y_j / (n - L - k)}

    Necessary, not sufficient: with several endogenous regressors all of these can be large while the
    equation is not identified (Sanderson and Windmeijer 2016).
    """
    null = "the excluded instruments do not explain the regressor"
    name = "First-stage F"
    pi, residual = stage.pi[:, column], stage.residuals[:, column]
    return _f_test(stage, pi, residual, stage.n_instruments, clustered, name, null)


def sanderson_windmeijer_f(stage: FirstStage, column: int, *, clustered: bool = False) -> HypothesisTest:
    r"""Return the conditional F of Sanderson and Windmeijer (2016), eq. (16).

    .. math:: v = y_j - Y_{-j}\hat\delta_j, \qquad
              F_j = \frac{v' P v / (L - m + 1)}{v' M v / (n - L - k)}

    with the two-stage least-squares slopes of :math:`y_j` on the other endogenous regressors.
    """
    null = "the regressor is not identified once the other endogenous regressors are instrumented"
    name = "Sanderson-Windmeijer F"
    m, count = stage.n_endogenous, stage.n_instruments
    others = [h for h in range(m) if h != column]
    df = count - m + 1
    if df < 1:
        reason = f"{count} excluded instruments for {m} endogenous regressors"
        return HypothesisTest.failed(name, null, reason)
    slopes = least_squares(stage.pi[:, others], stage.pi[:, column])
    pi = stage.pi[:, column] - stage.pi[:, others] @ slopes
    residual = stage.residuals[:, column] - stage.residuals[:, others] @ slopes
    return _f_test(stage, pi, residual, df, clustered, name, null)


def _f_test(
    stage: FirstStage, pi: Float, residual: Float, df: int, clustered: bool, name: str, null: str
) -> HypothesisTest:
    if df < 1:
        return HypothesisTest.failed(name, null, "there is no excluded instrument")
    if stage.df < 1:
        return HypothesisTest.failed(name, null, "there are more instruments than observations")
    if not clustered:
        sigma2 = float(residual @ residual) / stage.df
        if sigma2 <= 0:
            return HypothesisTest.failed(name, null, "the instruments explain the regressor exactly")
        return HypothesisTest(name, null, float(pi @ pi) / sigma2 / df, "F", df, stage.df, detail=IID)
    if stage.codes is None:
        return HypothesisTest.failed(name, null, "there are no clusters")
    clusters = int(stage.codes.max()) + 1
    if clusters <= df:
        return HypothesisTest.failed(name, null, f"{clusters} clusters for {df} restrictions")
    meat = _score_covariance(stage.Z, residual, stage.codes) * _small_sample(stage)
    value = float(pi @ generalised_inverse(meat) @ pi) / df
    return HypothesisTest(name, null, value, "F", df, clusters - 1, detail=CLUSTERED)


def first_stage_lm(stage: FirstStage, column: int, *, conditional: bool = False) -> HypothesisTest:
    r"""Return the clustered LM test that the instruments do not move one endogenous regressor.

    .. math:: LM = \hat\pi_j' \Bigl(\sum_c Z_c' v_c v_c' Z_c\Bigr)^{-1} \hat\pi_j \sim \chi^2(L - m + 1)

    with v the regressor itself, as under the null: the Kleibergen-Paap rk LM of one regressor, which keeps
    its size where the F statistics do not.  Conditional: v free of the other endogenous regressors.
    """
    name = "Conditional first-stage LM" if conditional else "First-stage LM"
    null = "the excluded instruments do not move the regressor"
    others = [h for h in range(stage.n_endogenous) if h != column] if conditional else []
    df = stage.n_instruments - len(others)
    if df < 1 or stage.codes is None:
        return HypothesisTest.failed(name, null, "there are too few instruments, or no clusters")
    slopes = least_squares(stage.pi[:, others], stage.pi[:, column])
    pi = stage.pi[:, column] - stage.pi[:, others] @ slopes
    series = stage.Y[:, column] - stage.Y[:, others] @ slopes
    clusters = int(stage.codes.max()) + 1
    if clusters <= df:
        return HypothesisTest.failed(name, null, f"{clusters} clusters for {df} restrictions")
    meat = _score_covariance(stage.Z, series, stage.codes)
    value = float(pi @ generalised_inverse(meat) @ pi)
    return HypothesisTest(name, null, value, "chi2", df, detail=CLUSTERED)


def shea_r2(stage: FirstStage, column: int) -> float:
    """Return the partial R2 of Shea (1997), a ratio of variance factors; NaN without enough instruments."""
    if stage.n_instruments < stage.n_endogenous:
        return float("nan")
    full = generalised_inverse(stage.Y.T @ stage.Y)
    fitted = generalised_inverse(stage.pi.T @ stage.pi)
    return float(full[column, column] / fitted[column, column])


def cragg_donald(stage: FirstStage) -> HypothesisTest:
    r"""Return the Cragg-Donald (1993) Wald F: the smallest eigenvalue of the first stage's F matrix.

    .. math:: g_{min} = \operatorname{mineval}\bigl(\hat\Sigma_{v}^{-1/2\prime} \tilde Y' P \tilde Y
              \hat\Sigma_{v}^{-1/2}\bigr) / L

    Compare with the Stock-Yogo critical values; the statistic has no p-value of its own.
    """
    name = "Cragg-Donald F"
    null = "the instruments identify at most m - 1 of the m endogenous regressors"
    if stage.n_instruments < stage.n_endogenous or stage.df < 1:
        reason = f"{stage.n_instruments} excluded instruments for {stage.n_endogenous} endogenous regressors"
        return HypothesisTest.failed(name, null, reason)
    sigma = stage.residuals.T @ stage.residuals / stage.df
    value = _smallest_root(stage.pi.T @ stage.pi, sigma) / stage.n_instruments
    if not np.isfinite(value):
        return HypothesisTest.failed(name, null, "the endogenous regressors are collinear")
    return HypothesisTest(name, null, value, "", detail="smallest eigenvalue / L")


def _smallest_root(a: Float, b: Float) -> float:
    from scipy import linalg

    try:
        return float(linalg.eigh(a, b, eigvals_only=True)[0])
    except linalg.LinAlgError:
        return float("nan")


def kleibergen_paap(stage: FirstStage) -> tuple[HypothesisTest, HypothesisTest]:
    r"""Return the Kleibergen-Paap (2006) rk tests, clustered: LM (chi2) and Wald F.

    With :math:`\hat\Theta` the matrix of partial canonical correlations, u and v the singular vectors of
    its smallest singular value,

    .. math:: rk = n \hat\lambda' \hat\Omega_\lambda^{-1} \hat\lambda \sim \chi^2(L - m + 1), \qquad
              \hat\lambda = \operatorname{vec}(U_2' \hat\Theta V_2)
    """
    null = "the endogenous regressors are underidentified"
    names = ("Kleibergen-Paap rk LM", "Kleibergen-Paap rk Wald F")
    reason = _rank_reason(stage)
    if reason:
        return (
            HypothesisTest.failed(names[0], null, reason),
            HypothesisTest.failed(names[1], null, reason),
        )
    assert stage.codes is not None
    root = np.linalg.inv(np.linalg.cholesky(stage.Y.T @ stage.Y)).T
    theta = stage.pi @ root
    left, _, right = np.linalg.svd(theta, full_matrices=True)
    m, count = stage.n_endogenous, stage.n_instruments
    last, spare = right.T[:, m - 1], left[:, m - 1 :]
    lam = spare.T @ theta @ last
    scores = stage.Z @ spare
    statistics = []
    for series in (stage.Y, stage.residuals):
        meat = _score_covariance(scores, series @ (root @ last), stage.codes)
        statistics.append(float(lam @ generalised_inverse(meat) @ lam))
    df = count - m + 1
    clusters = int(stage.codes.max()) + 1
    n = stage.df + count
    wald_f = statistics[1] * stage.df / (n - 1) * (clusters - 1) / clusters / count
    lm_test = HypothesisTest(names[0], null, statistics[0], "chi2", df, detail=CLUSTERED)
    return lm_test, HypothesisTest(names[1], null, wald_f, "", detail=f"{CLUSTERED}; no exact distribution")


def _rank_reason(stage: FirstStage) -> str:
    m, count = stage.n_endogenous, stage.n_instruments
    if stage.codes is None:
        return "there are no clusters"
    if count < m or stage.df < 1:
        return f"{count} excluded instruments for {m} endogenous regressors"
    if int(stage.codes.max()) + 1 <= count - m + 1:
        return f"{int(stage.codes.max()) + 1} clusters for {count - m + 1} restrictions"
    scale = np.sqrt(np.sum(stage.Y**2, axis=0))
    if (scale == 0).any() or np.linalg.eigvalsh(stage.Y.T @ stage.Y / np.outer(scale, scale))[0] < 1e-12:
        return "the endogenous regressors are collinear"
    return ""


def effective_f(stage: FirstStage) -> HypothesisTest:
    r"""Return the effective F of Montiel Olea and Pflueger (2013), for one endogenous regressor.

    .. math:: F_{eff} = \frac{y' P y}{\operatorname{tr}(\hat W_2)}
    """
    name, null = "Effective F", "the instruments are weak"
    if stage.n_endogenous != 1:
        return HypothesisTest.failed(
            name, null, f"defined for one endogenous regressor; there are {stage.n_endogenous}"
        )
    if stage.codes is None or stage.n_instruments == 0:
        return HypothesisTest.failed(name, null, "there are no clusters or no excluded instruments")
    if stage.df < 1:
        return HypothesisTest.failed(name, null, "the instruments leave no degree of freedom")
    meat = _effective_meat(stage)
    value = float(stage.pi[:, 0] @ stage.pi[:, 0] / np.trace(meat))
    critical = effective_critical_value(meat)
    return HypothesisTest(
        name, null, value, "", detail=f"{CLUSTERED}; critical value {critical:.2f} (bias above 10 %, 5 %)"
    )


def _effective_meat(stage: FirstStage) -> Float:
    assert stage.codes is not None
    return _score_covariance(stage.Z, stage.residuals[:, 0], stage.codes) * _small_sample(stage)


def strength_of(stage: FirstStage, column: int) -> tuple[float, float]:
    """Return the statistic that judges a regressor's instruments, and what it must exceed.

    One endogenous regressor: the effective F and its critical value (Montiel Olea and Pflueger 2013).
    Several: the smaller of the homoskedastic and the clustered conditional F, and the value at which the
    bias of 2SLS is a tenth of that of least squares (Skeels and Windmeijer 2018), or 10 where there is none.
    """
    if stage.n_endogenous == 1:
        found = effective_f(stage)
        if not found.computed:
            return float("nan"), float("nan")
        return found.statistic, effective_critical_value(_effective_meat(stage))
    both = [sanderson_windmeijer_f(stage, column, clustered=c).statistic for c in (False, True)]
    critical = bias_critical_value(stage.n_instruments - stage.n_endogenous + 1)
    known = [value for value in both if np.isfinite(value)]
    return min(known, default=float("nan")), critical if np.isfinite(critical) else 10.0


def effective_critical_value(meat: Float, *, bias: float = 0.1, level: float = 0.05) -> float:
    """Return the simplified critical value of Montiel Olea and Pflueger (2013), section 4.

    Examples
    --------
    One instrument: 23.1 at a worst-case bias of 10 percent.

    >>> round(effective_critical_value(np.eye(1)), 1)
    23.1
    """
    from scipy import stats

    x = 1.0 / bias
    meat = meat / np.abs(meat).max()  # fourth powers of the data need not be floats
    trace, largest = float(np.trace(meat)), float(np.linalg.eigvalsh(meat)[-1])
    df = trace**2 * (1 + 2 * x) / (float(np.sum(meat * meat)) + 2 * x * trace * largest)
    return float(stats.ncx2.isf(level, df, x * df) / df)


def bias_critical_value(instruments: int, *, bias: float = 0.1, level: float = 0.05) -> float:
    """Return the weak-instrument critical value for the F of one (conditional) endogenous regressor.

    The 2SLS bias relative to OLS is ``exp(-mu/2) 1F1(L/2 - 1; L/2; mu/2)`` for concentration mu: the
    exact form of Stock and Yogo's (2005) simulated table (Skeels and Windmeijer 2018, table 1).  For the
    Sanderson-Windmeijer F take L - m + 1 instruments.  NaN below two instruments, where there is no bias.

    Examples
    --------
    >>> [round(bias_critical_value(count), 2) for count in (3, 5, 10)]
    [9.18, 10.78, 11.46]
    """
    from scipy import optimize, special, stats

    if instruments < 2:
        return float("nan")
    half = instruments / 2

    def excess(mu: float) -> float:
        return float(np.exp(-mu / 2) * special.hyp1f1(half - 1, half, mu / 2)) - bias

    mu = optimize.brentq(excess, 1e-8, 600.0)
    return float(stats.ncx2.isf(level, instruments, mu) / instruments)
