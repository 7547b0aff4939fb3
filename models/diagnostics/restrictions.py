"""Restrictions on the spatial terms of an equation: no lag, Durbin against lag, Durbin against error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from spatial.models.data.layout import LagOperator
from spatial.models.estimation.errors import build_moments, fit_rho, fit_rho_profile, rho_bound
from spatial.models.formula.structure import Term
from spatial.models.hypothesis import HypothesisTest, cluster_sums, wald
from spatial.models.solving import generalised_inverse, least_squares

from .subject import Subject

__all__ = ["restriction_tests"]

Float = NDArray[np.float64]

COMMON = "Wald: Durbin against error"
COMMON_NULL = "W x enters only through the errors (d + lambda c = 0)"


def restriction_tests(subject: Subject, g: int) -> list[HypothesisTest]:
    """Return Wald tests on the spatial terms: no lag, Durbin against lag, Durbin against error."""
    structure = subject.design.structure
    terms, name = structure.equations[g].terms, subject.names[g]
    place = structure.slices[g]
    delta = subject.estimate.delta[place]
    covariance = subject.estimate.cov[place, place]
    lags = [j for j, t in enumerate(terms) if t.weights and structure.is_outcome(t) and not t.shift]
    durbin = [j for j, t in enumerate(terms) if t.weights and not structure.is_outcome(t)]
    out = []
    if lags:
        out.append(
            wald(
                "Wald: spatial lags of outcomes",
                "outcomes of neighbours have no effect (lambda = 0)",
                delta[lags],
                covariance[np.ix_(lags, lags)],
                equation=name,
            )
        )
    if durbin:
        out.append(
            wald(
                "Wald: Durbin against lag",
                "regressors of neighbours have no effect (d = 0)",
                delta[durbin],
                covariance[np.ix_(durbin, durbin)],
                equation=name,
            )
        )
        out.append(_common_factor(subject, g, lags, durbin))
    return out


def _common_factor(subject: Subject, g: int, lags: list[int], durbin: list[int]) -> HypothesisTest:
    r"""Test the common factor in the regression of y on X, WX and W^2X, with spatial errors filtered out.

    .. math:: y = Xb + WXg + W^2Xh + u, \qquad u = \rho Wu + \varepsilon, \qquad H_0: g = 0

    The mean of y in a Durbin model is :math:`Xc + WX(d + \lambda c) + \dots`.  Under the null W(y) is a
    combination of X and WX, and lambda cannot be estimated from instruments: a Wald test of its estimate is
    of no use exactly where it matters.
    """
    design = subject.design
    structure, name = design.structure, subject.names[g]
    terms = structure.equations[g].terms
    others = [t for t in terms if structure.is_outcome(t) and t.variable != structure.outcomes[g]]
    own = [j for j in lags if terms[j].variable == structure.outcomes[g]]
    if others or len(own) != 1 or len(lags) != 1:
        reason = "a common factor is a restriction only where the own spatial lag is the one feedback"
        return HypothesisTest.failed(COMMON, COMMON_NULL, reason, equation=name)
    weights = str(terms[own[0]].weights)
    lagged = [
        j for j in durbin if terms[j].weights == weights and _level(terms, terms[j].variable) is not None
    ]
    moving = [t.name for j, t in enumerate(terms) if t.is_endogenous and j != own[0]]
    if not lagged or moving:
        reason = "no regressor enters both as it is and as its spatial lag"
        if moving:
            reason = (
                f"{moving[0]} is endogenous: the regression on X, WX and W^2X is for exogenous regressors"
            )
        return HypothesisTest.failed(COMMON, COMMON_NULL, reason, equation=name)
    operator = design.operators[weights]
    columns = design.raw[:, list(design.regressors[g])]
    rest = [j for j in range(len(terms)) if j not in lagged and j != own[0]]
    Z = np.column_stack([columns[:, lagged], columns[:, rest], operator(columns[:, lagged])])
    y = design.raw[:, design.outcomes[g]]
    return _filtered_wald(y, Z, len(lagged), operator, subject, name)


def _filtered_wald(
    y: Float, Z: Float, tested: int, operator: LagOperator, subject: Subject, name: str
) -> HypothesisTest:
    """Return the Wald test of the first coefficients, by least squares on filtered data, clustered."""
    effects = subject.design.effects
    both = np.column_stack([y, Z])
    data = effects.project(both)
    kept = 1 + _independent(data[:, 1:])
    if not set(range(1, 1 + tested)) <= set(kept.tolist()):
        reason = "the lags of the regressors depend on the regressors"
        return HypothesisTest.failed(COMMON, COMMON_NULL, reason, equation=name)
    both, data = both[:, [0, *kept]], data[:, [0, *kept]]
    slopes = least_squares(data[:, 1:], data[:, 0])
    u = both @ np.concatenate([[1.0], -slopes])
    Mu, moments, bound = operator(u), build_moments(operator, effects), rho_bound(operator)
    if effects.commutes_with(operator):
        a, b = effects.project(np.column_stack([u, Mu])).T
        rho = fit_rho(a, b, moments, None, bound).rho
    else:
        rho = fit_rho_profile(lambda r: effects.project(u - r * Mu, operator, r), moments, None, bound).rho
    data = effects.project(both - rho * operator(both), operator, rho)
    Z = data[:, 1:]
    bread = generalised_inverse(Z.T @ Z)
    slopes = bread @ (Z.T @ data[:, 0])
    sums = cluster_sums(Z * (data[:, 0] - Z @ slopes)[:, None], subject.codes) @ bread
    count = len(sums)
    V = sums.T @ sums * count / (count - 1)
    found = wald(COMMON, COMMON_NULL, slopes[:tested], V[:tested, :tested], equation=name)
    return found.as_f(count - 1, f"y on X, WX, W2X; rho = {rho:.3f} filtered out; clustered by unit")


def _independent(Z: Float) -> NDArray[np.intp]:
    """Return the columns that do not depend on those before them."""
    size = np.linalg.norm(Z, axis=0)
    R = qr(Z / np.where(size > 0, size, 1.0), mode="r")[0]
    return np.flatnonzero(np.abs(np.diag(R)) > 1e-8)


def _level(terms: tuple[Term, ...], variable: str) -> int | None:
    for j, t in enumerate(terms):
        if t.variable == variable and t.weights is None and not t.shift:
            return j
    return None
