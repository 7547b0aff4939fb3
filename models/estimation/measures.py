"""How well an estimate fits: R2 of each equation and of the system; and frames of coefficients."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import SpatialWarning

from .estimate import Constant, Estimate, Request
from .laws import NORMAL, Law
from .least_squares import precision_of
from .scores import Scores

__all__ = ["constants", "fitted_values", "inference_frame", "mcelroy_r_squared", "r_squared"]

Float = NDArray[np.float64]


def r_squared(found: Estimate) -> pd.DataFrame:
    r"""Return R2, R2 within and adjusted R2 of each equation, from its structural residuals u = y - Z delta.

    .. math:: R^2 = 1 - \frac{u'u}{\sum (y - \bar y)^2}, \quad R^2_w = 1 - \frac{u'u}{(Py)'(Py)}, \quad
              \bar R^2 = 1 - (1 - R^2)\frac{R - 1}{n - k}

    P takes the effects out (all of them: with unit and time effects the two-way deviations), or the mean;
    effects count as explained in R2; n is the number of rows less the rank of the effects.
    """
    design, rows = found.design, []
    for g, place in enumerate(design.structure.slices):
        data = design.projected[:, design.equation_columns(g)]
        u = _structural(found, g, data, found.delta[place])
        raw = design.columns[:, design.outcomes[g]]
        total = float(np.sum((raw - raw.mean()) ** 2))
        y = data[:, 0] if design.effects.any else data[:, 0] - data[:, 0].mean()
        left = float(u @ u)
        overall, free = 1.0 - left / total, design.n_effective - (place.stop - place.start)
        rows.append(
            {
                "r_squared": overall,
                "r_squared_within": 1.0 - left / float(y @ y),
                "r_squared_adjusted": 1.0 - (1.0 - overall) * (len(raw) - 1) / free,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(design.structure.names, name="equation"))


def _structural(found: Estimate, g: int, data: Float, delta: Float) -> Float:
    """Return the structural residual of one equation, effects out; (R,)."""
    own = found.structural_residuals()
    return np.asarray(data @ np.concatenate([[1.0], -delta]) if own is None else own[:, g])


def constants(found: Estimate, asked: Request) -> tuple[Float, Float, Law]:
    r"""Return the constant of each equation whose effects absorb it, its standard error, (G,), and its law.

    .. math:: a_g = \sum_{it} w_{it} (y_{git} - z_{git}'\hat\delta_g), \qquad
              \hat a_g - a_g = \sum_{it} w_{it} \varepsilon_{git}
              - \Big(\sum_{it} w_{it} z_{git}\Big)'(\hat\delta_g - \delta_g)

    With equal w = 1/R it is the mean of the effects, as Stata's ``xtreg, fe`` and ``reghdfe`` print
    ``_cons``: that of a regression with the effects taken out and the means of all rows added again.  With
    w = 1/N at the first time it is that of ``xtreg, fe`` with dummies of the other times.
    """
    design, numbers, layout = found.design, found.numbers, found.design.layout
    G, K, p = numbers.fit.gamma.shape
    w = _constant_weights(found, asked.constant)
    root = np.sqrt(float(w @ w))
    Q = np.column_stack([design.basis.Q, w / root])
    gamma = np.zeros((G, K + G, p + 1))
    gamma[:, :K, :p] = np.stack([numbers.fit.bread @ block for block in numbers.fit.gamma])
    values, moves = np.empty(G), np.zeros((G, K + G))
    for g, place in enumerate(design.structure.slices):
        gamma[g, K + g, p] = root
        means = w @ design.raw[:, design.equation_columns(g)]
        values[g] = means[0] - means[1:] @ found.delta[place]
        moves[g, place], moves[g, K + g] = -means[1:], 1.0
    cov = asked.covariance.of_constants
    scores = Scores(Q, numbers.residuals, gamma, numbers.sigma, layout.n_rows / design.n_effective)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)  # said when the fit was made
        meat = cov.meat(scores, layout, found.lookup)
    factor = cov.small_factor(design, K / G, found.lookup) if asked.small else 1.0
    errors = np.sqrt(np.maximum(factor * np.einsum("gk,kl,gl->g", moves, meat.matrix, moves), 0.0))
    return values, errors, meat.law if found.inference.law.each else found.inference.law


def _constant_weights(found: Estimate, constant: Constant) -> Float:
    """Return what each row counts in the constant; (R,)."""
    layout = found.design.layout
    if constant == "first":
        return np.where(layout.time == 0, 1.0 / layout.n_units, 0.0)
    return np.full(layout.n_rows, 1.0 / layout.n_rows)


def fitted_values(found: Estimate) -> Float:
    """Return y less the structural residual, the effects in; (R, G)."""
    design, out = found.design, []
    for g, place in enumerate(design.structure.slices):
        data = design.projected[:, design.equation_columns(g)]
        u = _structural(found, g, data, found.delta[place])
        out.append(design.raw[:, design.outcomes[g]] - u)
    return np.column_stack(out)


def mcelroy_r_squared(found: Estimate) -> float:
    r"""Return 1 - e'(Sigma^-1 (x) I)e / y'(Sigma^-1 (x) I)y of the filtered data (McElroy 1977).

    Sigma is that of the residuals e themselves, as in R's systemfit, not that which weighted the estimator.
    """
    space, numbers = found.space, found.numbers
    y = np.stack([space.filtered(g, float(r))[:, 0] for g, r in enumerate(numbers.rho)])
    if not found.design.effects.any:
        y = y - y.mean(axis=1, keepdims=True)
    e = numbers.residuals
    precision = precision_of(e @ e.T / found.design.n_effective)
    if precision is None:
        return float("nan")
    return float(1.0 - np.sum(precision * (e @ e.T)) / np.sum(precision * (y @ y.T)))


def inference_frame(
    estimate: Float, error: Float, level: float, index: pd.MultiIndex, law: Law = NORMAL
) -> pd.DataFrame:
    """Return estimates with their tests against zero, read against a law."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / error
    p_values, quantiles = law.of_coefficients(np.asarray(statistic), level)
    half = quantiles * error
    return pd.DataFrame(
        {
            "equation": index.get_level_values(0),
            "term": index.get_level_values(1),
            "estimate": estimate,
            "std_error": error,
            "statistic": statistic,
            "p_value": p_values,
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )
