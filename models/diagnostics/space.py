"""Tests for spatial dependence: after instrumental variables, and on least-squares panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from spatial.models.data.layout import LagOperator
from spatial.models.hypothesis import HypothesisTest, wald

__all__ = ["anselin_kelejian", "common_factor", "lagrange_multipliers", "trace_ww"]

Float = NDArray[np.float64]
Sparse = Any  # scipy CSR array (N, N)

NO_ERROR_DEPENDENCE = "the errors are not spatially correlated"


def trace_ww(W: Sparse) -> float:
    """Return ``tr(WW + W'W)`` without forming a product.

    Examples
    --------
    >>> from scipy import sparse
    >>> trace_ww(sparse.csr_array(np.array([[0.0, 1.0], [0.5, 0.0]])))
    2.25
    """
    return float(W.multiply(W.T).sum() + W.multiply(W).sum())


def _symmetric_part(M: Sparse) -> Sparse:
    """Return (M + M')/2 with a zero diagonal, as sorted links."""
    links = ((M + M.T) / 2).tocoo()
    off = links.row != links.col
    return sparse.csr_array((links.data[off], (links.row[off], links.col[off])), shape=links.shape)


def centring(A: Sparse) -> Float:
    r"""Return d with ``diag(J (A + diag d) J) = 0``, J = I - 11'/N: exact mean zero under time effects.

    .. math:: d_i = \frac{-(JAJ)_{ii} - s/N^2}{1 - 2/N}, \qquad s = -\operatorname{tr}(JAJ) \frac{N}{N-1}
    """
    n = A.shape[0]
    sums = np.asarray(A.sum(axis=1)).ravel()
    projected = A.diagonal() - 2 * sums / n + sums.sum() / n**2
    s = -projected.sum() * n / (n - 1)
    return np.asarray((-projected - s / n**2) / (1 - 2 / n))


def clustered_variance(parts: Sequence[Sparse], operator: LagOperator, e: Float) -> float:
    r"""Return ``2 sum_{i != j} (sum_t a_ijt e_it e_jt)^2``: the variance of e'Ae, clustered by unit.

    Parameters
    ----------
    parts : sequence of sparse
        A for each block of `operator`: one, or one for each time.
    e : (rows,)
    """
    layout = operator.layout
    n = layout.n_units
    if operator.is_constant:
        return _constant_variance(parts[0], np.ascontiguousarray(layout.dense(e).T))
    total = sparse.csr_array((n, n))
    for (first, last), A in zip(layout.bounds, parts, strict=True):
        links = A.tocoo()
        unit, value = layout.unit[first:last], e[first:last]
        data = links.data * value[links.row] * value[links.col]
        total = total + sparse.csr_array((data, (unit[links.row], unit[links.col])), shape=(n, n))
    return 2 * float(np.sum(total.data**2))


def _constant_variance(A: Sparse, by_unit: Float) -> float:
    links = A.tocoo()
    total, block = 0.0, 2_000_000  # links at a time, so that memory does not grow with them
    for start in range(0, len(links.data), block):
        part = slice(start, start + block)
        inner = np.einsum("ij,ij->i", by_unit[links.row[part]], by_unit[links.col[part]])
        total += float(np.sum((links.data[part] * inner) ** 2))
    return 2 * total


def anselin_kelejian(
    residual: Float,
    regressors: Float,
    covariance: Float,
    operator: LagOperator,
    *,
    n_effective: float,
    time_effects: bool,
    clustered: bool = True,
    equation: str = "",
) -> HypothesisTest:
    r"""Test spatial correlation of the errors after instrumental variables (Anselin and Kelejian 1997).

    .. math:: m = \hat\varepsilon'(I_T \otimes A)\hat\varepsilon, \quad A = (M + M')/2, \quad
              D = -2\hat\varepsilon'(I_T \otimes A)Z, \quad
              AK = \frac{m^2}{\varphi + D V_\delta D'} \sim \chi^2(1)

    with :math:`\varphi = 2\sum_{i \ne j} a_{ij}^2 \omega_{ij}`: the squared error variance times the
    effective number of periods, or, clustered by unit, :math:`(\sum_t \varepsilon_{it}\varepsilon_{jt})^2`.

    Parameters
    ----------
    residual : (rows,)
        Transformed residuals of the model without spatial errors.
    regressors : (rows, k)
        Transformed regressors.
    covariance : (k, k)
        Covariance of the coefficients, of the same kind (clustered or not).
    operator : LagOperator
        The weights M.
    n_effective : float
        Rows less fixed effects.
    time_effects : bool
        Whether A is centred for the time effects.
    """
    name = "Anselin-Kelejian" + (" (clustered)" if clustered else "")
    parts = [_symmetric_part(M) for M in operator.matrices]
    squares = [float(A.multiply(A).sum()) for A in parts]
    if sum(squares) == 0:
        return HypothesisTest.failed(name, NO_ERROR_DEPENDENCE, "the weights are empty", equation=equation)
    applied = LagOperator(tuple(parts), operator.layout)(residual)
    if time_effects and operator.is_constant and operator.layout.n_units > 2:
        applied = applied + residual * np.tile(centring(parts[0]), operator.layout.n_times)
    m = float(residual @ applied)
    D = -2 * (applied @ regressors)
    if clustered:
        phi = clustered_variance(parts, operator, residual)
    else:
        sigma2 = float(residual @ residual) / n_effective
        rows = len(residual)
        total = squares[0] * operator.layout.n_times if len(squares) == 1 else sum(squares)
        phi = 2 * n_effective / rows * sigma2**2 * total
    value = m**2 / (phi + float(D @ covariance @ D))
    return HypothesisTest(name, NO_ERROR_DEPENDENCE, value, "chi2", 1, equation=equation)


def lagrange_multipliers(
    y: Float,
    X: Float,
    operator: LagOperator,
    *,
    transform: Callable[[Float], Float] | None = None,
    periods_lost: int = 0,
    variance_divisor: float,
    equation: str = "",
) -> tuple[HypothesisTest, ...]:
    r"""Return LM lag, LM error, their robust forms and the joint test, for exogenous regressors only.

    .. math:: LM_{err} = \frac{[e'We/\hat\sigma^2]^2}{T\,T_W}, \quad
              LM_{lag} = \frac{[e'Wy/\hat\sigma^2]^2}{J}, \quad
              J = \frac{(WX\hat\beta)'M_X(WX\hat\beta)}{\hat\sigma^2} + T\,T_W

    with :math:`T_W = \operatorname{tr}(WW + W'W)` and W standing for :math:`I_T \otimes W` (Anselin, Le
    Gallo and Jayet 2008; Elhorst 2010).  With unit effects T is T - 1.

    Parameters
    ----------
    y : (rows,)
        Outcome before fixed effects are removed.
    X : (rows, k)
        Regressors, the constant included where there is no effect.
    operator : LagOperator
        W.
    transform : callable, optional
        (rows, m) -> (rows, m), removes the fixed effects; None for none.
    periods_lost : int
        1 with unit effects, else 0.
    variance_divisor : float
        Divisor of the residual sum of squares: NT without effects, n effective with them.
    """
    stacked = np.column_stack([y, operator(y), X, operator(X)])
    within = stacked if transform is None else transform(stacked)
    k = X.shape[1]
    y_t, wy_t, x_t, wx_t = within[:, 0], within[:, 1], within[:, 2 : 2 + k], within[:, 2 + k :]
    beta = np.linalg.lstsq(x_t, y_t, rcond=None)[0]
    e = y_t - x_t @ beta
    sigma2 = float(e @ e) / variance_divisor
    fitted_lag = wx_t @ beta
    fitted_lag = fitted_lag - x_t @ np.linalg.lstsq(x_t, fitted_lag, rcond=None)[0]
    periods = operator.layout.n_times
    traces = [trace_ww(M) for M in operator.matrices]
    total = traces[0] * periods if len(traces) == 1 else sum(traces)
    t_w = total * (periods - periods_lost) / periods
    j = float(fitted_lag @ fitted_lag) / sigma2 + t_w
    # e is orthogonal to the effects, so the projected lag of e needs no projection here.
    return _lm_family(float(e @ operator(e)) / sigma2, float(e @ wy_t) / sigma2, t_w, j, equation)


def _lm_family(
    d_error: float, d_lag: float, t_w: float, j: float, equation: str
) -> tuple[HypothesisTest, ...]:
    no_lag = "there is no spatial lag of the dependent variable"
    rows = [
        ("LM lag", no_lag, d_lag**2 / j, 1),
        ("LM error", NO_ERROR_DEPENDENCE, d_error**2 / t_w, 1),
        ("Robust LM lag", f"{no_lag}, allowing for an error", (d_lag - d_error) ** 2 / (j - t_w), 1),
        (
            "Robust LM error",
            f"{NO_ERROR_DEPENDENCE}, allowing for a lag",
            (d_error - t_w / j * d_lag) ** 2 / (t_w * (1 - t_w / j)),
            1,
        ),
        (
            "LM SARMA",
            "there is neither a spatial lag nor a spatial error",
            (d_lag - d_error) ** 2 / (j - t_w) + d_error**2 / t_w,
            2,
        ),
    ]
    return tuple(
        HypothesisTest(name, null, value, "chi2", df, equation=equation) for name, null, value, df in rows
    )


def common_factor(
    lam: float, slopes: Float, lagged_slopes: Float, covariance: Float, *, equation: str = ""
) -> HypothesisTest:
    r"""Return the Wald test of the common factor: a spatial Durbin model is a spatial error model.

    .. math:: H_0: d_k + \lambda c_k = 0, \qquad R = [\,c \mid \lambda I \mid I\,]

    Parameters
    ----------
    lam : float
        Coefficient of the own spatial lag.
    slopes, lagged_slopes : (q,)
        c and d of the same regressors, in the same order.
    covariance : (1 + 2q, 1 + 2q)
        Covariance of (lambda, c, d).

    Examples
    --------
    >>> c = np.array([1.0, 2.0])
    >>> common_factor(0.5, c, -0.5 * c, np.eye(5)).statistic
    0.0
    """
    name = "Wald: Durbin against error"
    null = "W x enters only through the errors (d + lambda c = 0)"
    q = len(slopes)
    if q == 0:
        reason = "no regressor enters both as it is and as its spatial lag"
        return HypothesisTest.failed(name, null, reason, equation=equation)
    gradient = np.hstack([slopes[:, None], lam * np.eye(q), np.eye(q)])
    restriction = lagged_slopes + lam * slopes
    return wald(name, null, restriction, gradient @ covariance @ gradient.T, equation=equation)
