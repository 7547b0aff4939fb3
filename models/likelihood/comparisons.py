r"""Tests between the models: likelihood ratios, Wald, Lagrange multiplier, common factor; equal variances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spatial.models.hypothesis import NORMAL, HypothesisTest, wald

from .information import DENSE_UNITS, Information
from .model import Model, lag_place
from .profile import Maximum, maximise

__all__ = [
    "common_factor",
    "criteria",
    "determinant_notes",
    "dynamic_tests",
    "likelihood_tests",
    "maximum_of",
    "ratio_test",
    "variance_test",
]

Float = NDArray[np.float64]

NO_LAG = "there is no spatial lag of the outcome (lambda = 0)"
NO_ERROR = "there is no spatial error (rho = 0)"
NO_PAST = "the outcome has no memory (tau = eta = 0)"
NO_DURBIN = "regressors of neighbours have no effect (d = 0)"
COMMON = "W x enters only through the errors (d + lambda b = 0)"
LEFT = "the innovations are not correlated over space"
BESIDE = (
    "; with a lag and an error together it rejects too often in small samples (.07-.09 at N 60, T 4): read "
    "the LM or the LR test (.05)"
)
EQUAL = "the variance does not move with the regressors"


def criteria(value: float, count: int, n: int) -> tuple[tuple[str, float], ...]:
    """Return the log-likelihood of n rows, and Akaike's and Schwarz's criteria with so many parameters."""
    return (
        ("log_likelihood", value),
        ("aic", 2 * count - 2 * value),
        ("bic", float(np.log(n)) * count - 2 * value),
    )


def likelihood_tests(
    model: Model, found: Maximum, information: Information, cov: Float
) -> list[HypothesisTest]:
    """Return the tests that a fit allows, each as a likelihood ratio and as a Wald test.

    Beside a spatial lag a spatial error is tested by its score first, which keeps its size in small samples.

    Parameters
    ----------
    model : Model
    found : Maximum
    information : Information
    cov : array (parameters, parameters)
        Of the terms of the equation, then rho.
    """
    name, out = model.equation.name, []
    together = model.lag is not None and model.error is not None
    said = BESIDE if together else ""
    estimates = np.empty(len(cov))
    estimates[model.order()] = [
        *found.point.slopes,
        *([found.place[0]] if model.lag is not None else []),
        *([found.place[1]] if model.error is not None else []),
    ]

    def both(label: str, null: str, restricted: Model, tested: list[int], detail: str = "") -> None:
        out.append(ratio_test(f"LR: {label}", null, found.value, restricted, len(tested), name))
        V = cov[np.ix_(tested, tested)]
        out.append(wald(f"Wald: {label}", null, estimates[tested], V, equation=name, detail=detail))

    place = lag_place(model.design.structure)
    if model.lag is not None and place is not None:
        both("spatial lag", NO_LAG, model.with_parts(None, model.error, model.terms), [place], said)
    if model.error is not None:
        alone = model.with_parts(model.lag, None, model.terms)
        if together:
            out.append(_error_beside_lag(model.error, alone))
        both("spatial error", NO_ERROR, alone, [len(cov) - 1], said)
    durbin = [j for j in model.terms if _is_durbin(model, j)]
    if durbin:
        kept = tuple(j for j in model.terms if j not in durbin)
        both(
            "no spatial lags of regressors", NO_DURBIN, model.with_parts(model.lag, model.error, kept), durbin
        )
        if model.lag is not None and model.error is None:
            out += common_factor(model, found, estimates, cov)
    out.append(_left(model, information))
    out.append(variance_test(model, information.residuals))
    return out


def dynamic_tests(model: Model, delta: Float, cov: Float, residuals: Float) -> list[HypothesisTest]:
    """Return Wald tests of the past and of space, and that of equal variances, of a dynamic model."""
    name, terms = model.equation.name, model.equation.terms
    own = model.design.structure.is_outcome
    groups = {
        ("Wald: past of the outcome", NO_PAST): [j for j, t in enumerate(terms) if t.shift],
        ("Wald: spatial lag", NO_LAG): [
            j for j, t in enumerate(terms) if t.weights and own(t) and not t.shift
        ],
        ("Wald: no spatial lags of regressors", NO_DURBIN): [j for j in model.terms if _is_durbin(model, j)],
    }
    out = [
        wald(label, null, delta[tested], cov[np.ix_(tested, tested)], equation=name)
        for (label, null), tested in groups.items()
        if tested
    ]
    if model.error is not None:
        out.append(wald("Wald: spatial error", NO_ERROR, delta[-1:], cov[-1:, -1:], equation=name))
    return [*out, variance_test(model, residuals)]


def _is_durbin(model: Model, j: int) -> bool:
    term = model.equation.terms[j]
    return term.weights is not None and not model.design.structure.is_outcome(term)


def determinant_notes(model: Model, place: Float) -> list[str]:
    """Say how each log-determinant was computed, and what an error of it does to the estimate."""
    out = []
    for k, (name, weights) in enumerate((("lambda", model.lag), ("rho", model.error))):
        if weights is None or (k == 1 and weights == model.lag):
            continue
        jacobian = model.jacobian(weights)
        assert jacobian is not None
        error, value = jacobian.error(float(place[k])), jacobian(float(place[k]))[0]
        said = "exact" if error == 0 else f"error below {error:.1g}"
        if error > 1e-6:
            said += f", {error / max(abs(value), 1e-300):.0e} of its value"
        out.append(f"log|I - {name} {weights}| by {jacobian.determinant.method}: {said}")
    return out


def maximum_of(model: Model) -> float:
    """Return the maximum of the log-likelihood of a model."""
    return maximise(model.profile).value


def ratio_test(
    label: str, null: str, value: float, restricted: Model, df: int, equation: str
) -> HypothesisTest:
    """Return the likelihood ratio test of a restriction."""
    statistic = max(0.0, 2 * (value - maximum_of(restricted)))
    return HypothesisTest(label, null, statistic, "chi2", df, equation=equation, detail=NORMAL)


def common_factor(model: Model, found: Maximum, estimates: Float, cov: Float) -> list[HypothesisTest]:
    r"""Test the Durbin model against the error model: :math:`d + \lambda b = 0` (Burridge 1981)."""
    name, terms = model.equation.name, model.equation.terms
    place = lag_place(model.design.structure)
    pairs = [
        (_level(model, terms[j].variable), j)
        for j in model.terms
        if _is_durbin(model, j) and terms[j].weights == model.lag
    ]
    labels = ("LR: common factor (Durbin against error)", "Wald: common factor (Durbin against error)")
    if place is None or not pairs or any(level is None for level, _ in pairs):
        reason = "each spatial lag of a regressor needs the regressor beside it, in the weights of W(y)"
        return [HypothesisTest.failed(label, COMMON, reason, equation=name) for label in labels]
    lam = estimates[place]
    gap = np.array([estimates[j] + lam * estimates[i] for i, j in pairs if i is not None])
    slope = np.zeros((len(pairs), len(cov)))
    for row, (i, j) in enumerate(pairs):
        assert i is not None
        slope[row, j], slope[row, i], slope[row, place] = 1.0, lam, estimates[i]
    lagged = {j for _, j in pairs}
    kept = tuple(j for j in model.terms if j not in lagged)
    ratio = ratio_test(
        labels[0], COMMON, found.value, model.with_parts(None, model.lag, kept), len(pairs), name
    )
    return [ratio, wald(labels[1], COMMON, gap, slope @ cov @ slope.T, equation=name)]


def _level(model: Model, variable: str) -> int | None:
    for j in model.terms:
        term = model.equation.terms[j]
        if term.variable == variable and term.weights is None and not term.shift:
            return j
    return None


def _left(model: Model, information: Information) -> HypothesisTest:
    """Test whether the innovations are still correlated over space (Anselin 1988)."""
    label, name = "LM: innovations over space", model.equation.name
    weights = model.error or model.lag or next(iter(model.design.tested_weights(0)), None)
    if weights is None:
        return HypothesisTest.failed(label, LEFT, "there are no weights", equation=name)
    return _score_test(label, LEFT, weights, information)


def _error_beside_lag(weights: str, alone: Model) -> HypothesisTest:
    """Test rho = 0 beside a spatial lag by its score in the model with the lag alone (Anselin 1988)."""
    information = Information(alone, maximise(alone.profile))
    return _score_test("LM: spatial error", NO_ERROR, weights, information)


def _score_test(label: str, null: str, weights: str, information: Information) -> HypothesisTest:
    model = information.model
    name = model.equation.name
    if model.matrix(weights).shape[0] > DENSE_UNITS:
        reason = f"the variance needs dense matrices, and is computed up to {DENSE_UNITS} units"
        return HypothesisTest.failed(label, null, reason, equation=name)
    value, mean, variance = information.residual_form(weights)
    if variance <= 0:
        return HypothesisTest.failed(label, null, "the variance is not positive", equation=name)
    statistic = (value - mean) ** 2 / variance
    return HypothesisTest(label, null, statistic, "chi2", 1, equation=name, detail=f"{weights}; {NORMAL}")


def variance_test(model: Model, residuals: Float) -> HypothesisTest:
    """Return the Breusch-Pagan test in the form of Koenker (1981): R R^2 of e^2 on the regressors."""
    label, name = "Breusch-Pagan (Koenker)", model.equation.name
    own = 1 + (model.lag is not None)
    moving = [j for j in range(own, model.raw.shape[1]) if np.ptp(model.raw[:, j]) > 0]
    if not moving:
        return HypothesisTest.failed(label, EQUAL, "there are no regressors that vary", equation=name)
    Z = model.raw[:, moving]
    Z = Z - Z.mean(axis=0)
    Q, R = np.linalg.qr(Z / np.linalg.norm(Z, axis=0))
    Q = Q[:, np.abs(np.diag(R)) > 1e-10]
    squares = residuals**2 - np.mean(residuals**2)
    total = float(squares @ squares)
    if total == 0:
        return HypothesisTest.failed(label, EQUAL, "the innovations are all alike", equation=name)
    statistic = len(residuals) * float(np.sum((Q.T @ squares) ** 2)) / total
    detail = "independent errors, normal or not"
    return HypothesisTest(label, EQUAL, statistic, "chi2", Q.shape[1], equation=name, detail=detail)
