r"""The matrix exponential spatial model (LeSage and Pace 2007): a likelihood without a determinant.

.. math:: e^{-\alpha W}y_t = Z_tb + \mu + \gamma_t1 + e_t, \qquad
          \log|e^{-\alpha W}| = -\alpha\operatorname{tr}W = 0

With time effects the constant vector is out, and :math:`\alpha r` stays of the log-determinant for each time,
r the sum of the rows.  :math:`1 - e^{-\alpha}` is what :math:`\lambda` is in a lag model with the same total
effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import expm_multiply

from spatial.errors import DataError, warn
from spatial.models.data.design import Design
from spatial.models.data.instruments import triangular_factor
from spatial.models.estimation.covariance import Covariance, Homoskedastic, Observed
from spatial.models.estimation.estimate import Effects, Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.least_squares import LinearFit
from spatial.models.estimation.steps import BoundaryWarning, Numbers, Workspace
from spatial.models.hypothesis import NORMAL, HypothesisTest, wald
from spatial.models.solving import least_squares

from .comparisons import NO_DURBIN, NO_LAG, criteria, maximum_of, variance_test
from .held import Held, effect_ratios
from .information import Information
from .model import Model, model_of, refuse_perfect
from .profile import Maximum, Point
from .ratios import NO_EDGES, Reading, position, small_sample, walked

__all__ = [
    "ExponentialEstimate",
    "estimate_exponential",
    "infer_exponential",
    "no_stamps",
    "observed_of",
]

Float = NDArray[np.float64]

_ORDER, _WIDEST, _GRID = 30, 3.0, 61


@dataclass(frozen=True, eq=False)
class ExponentialProfile:
    """The likelihood with coefficients and variance concentrated out, from the Gram root of W^j y and Z.

    Parameters
    ----------
    model : Model
    lags : array (r, 31)
        The outcome and its spatial lags in the coordinates of the root.
    Z : array (r, k)
        The other regressors.
    fixed : (int, float), optional
        One of them whose coefficient is not sought.
    """

    model: Model
    lags: Float
    Z: Float
    fixed: tuple[int, float] | None = None

    @classmethod
    def of(cls, model: Model) -> ExponentialProfile:
        """Compute the root."""
        column = model.raw[:, 0]
        powers = [column]
        for _ in range(_ORDER):
            column = model.operator(str(model.lag))(column)
            powers.append(column)
        lagged = model.design.effects.project(np.column_stack(powers))
        root = np.asarray(triangular_factor(np.concatenate([lagged, model.plain[:, 2:]], axis=1)))
        return cls(model, root[:, : _ORDER + 1], root[:, _ORDER + 1 :])

    @cached_property
    def radius(self) -> float:
        """The spectral radius of W, or a bound of it."""
        return self.model.operator(str(self.model.lag)).radius or 1.0

    @property
    def slope(self) -> float:
        """The derivative of the log-determinant by alpha."""
        row_sum = self.model.operator(str(self.model.lag)).constant_row_sum or 0.0
        return self.model.removed * row_sum

    def outcome(self, alpha: float, derivative: int = 0) -> Float:
        """Return e^(-alpha W) y, or a derivative of it by alpha, in the coordinates of the root."""
        orders = np.arange(derivative, _ORDER + 1)
        weights = np.array([(-alpha) ** (j - derivative) / math.factorial(j - derivative) for j in orders])
        return np.asarray(self.lags[:, orders] @ weights * (-1) ** derivative)

    def solved(self, alpha: float) -> tuple[float, Float, float]:
        """Return the log-likelihood, the coefficients and the variance."""
        y, Z, n = self.outcome(alpha), self.Z, self.model.n
        if self.fixed is not None:
            k, value = self.fixed
            y, Z = y - value * Z[:, k], np.delete(Z, k, axis=1)
        b = least_squares(Z, y)
        e = y - Z @ b
        variance = float(e @ e) / n
        value = -n / 2 * (float(np.log(2 * np.pi * variance)) + 1) + self.slope * alpha
        return value, b, variance

    def maximised(self) -> float:
        """Return alpha, from a grid and by bounded search between its neighbours."""
        grid = np.linspace(-_WIDEST, _WIDEST, _GRID) / self.radius
        values = [self.solved(float(a))[0] for a in grid]
        best, gap = float(grid[int(np.argmax(values))]), float(grid[1] - grid[0])
        found = scipy.optimize.minimize_scalar(
            lambda a: -self.solved(float(a))[0],
            bounds=(best - gap, best + gap),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return float(found.x)

    def covariance(self, alpha: float) -> Float:
        """Return that of (other terms, alpha) by the observed information."""
        _, b, s2 = self.solved(alpha)
        Z, first, second = self.Z, self.outcome(alpha, 1), self.outcome(alpha, 2)
        e, k = self.outcome(alpha) - Z @ b, len(b)
        out = np.zeros((k + 2, k + 2))
        out[:k, :k] = Z.T @ Z / s2
        out[:k, k] = out[k, :k] = -Z.T @ first / s2
        out[k, k] = (first @ first + e @ second) / s2
        out[k, k + 1] = out[k + 1, k] = -(e @ first) / s2**2
        out[k + 1, k + 1] = e @ e / s2**3 - self.model.n / (2 * s2**2)
        return np.asarray(np.linalg.inv(out)[: k + 1, : k + 1])


@dataclass(frozen=True, eq=False)
class ExponentialInformation(Information):
    r"""The expected information: of e the derivative by alpha is -W(Zb + e), where a lag has -G(Zb + e).

    Parameters
    ----------
    innovations : array (R,)
    """

    innovations: Float

    @cached_property
    def forms(self) -> tuple[Float, Float]:
        """J W J; there is no error."""
        W = self.model.matrix(str(self.model.lag)).toarray()
        W = self.swept(W) if self.model.has_time else W
        return W, np.zeros_like(W)

    @cached_property
    def expected_lag(self) -> Float:
        """P W (Z b)."""
        column = self.model.operator(str(self.model.lag))(self.model.raw[:, 2:] @ self.found.point.slopes)
        return np.asarray(self.model.design.effects.project(column))

    @cached_property
    def residuals(self) -> Float:
        """Innovations, effects out."""
        return self.innovations


@dataclass(frozen=True, eq=False)
class ExponentialEstimate(Estimate):
    """The estimate; the coefficient of W(y) is alpha.

    Parameters
    ----------
    model : Model
    profile : ExponentialProfile
    alpha, value : float
        And the log-likelihood.
    """

    model: Model
    profile: ExponentialProfile
    alpha: float
    value: float

    @property
    def title(self) -> str:
        """The model in full."""
        return "Matrix exponential spatial model (MESS) by maximum likelihood"

    @property
    def label(self) -> str:
        """The model in short."""
        return "MESS"

    @property
    def facts(self) -> tuple[tuple[str, float | str], ...]:
        """The log-likelihood and the criteria."""
        return criteria(self.value, self.model.n_parameters, self.model.n)

    @property
    def solved(self) -> bool:
        """Whether the search ended inside its range."""
        return not _at_end(self.profile, self.alpha)

    @property
    def uses_instruments(self) -> bool:
        """No."""
        return False

    def ratio_intervals(self, level: float) -> tuple[Float, Float]:
        """Return p-values of zero and intervals by likelihood ratios."""
        places = [position(self.model, k) for k in range(len(self.delta))]

        def statistic(k: int, value: float) -> float:
            if places[k] < 0:
                best = self.profile.solved(value)[0]
            else:
                fixed = replace(self.profile, fixed=(places[k], value))
                best = fixed.solved(fixed.maximised())[0]
            return max(0.0, 2 * (self.value - best))

        end = _WIDEST / self.profile.radius
        edges = [(-end, end) if place < 0 else NO_EDGES for place in places]
        errors = np.sqrt(np.diag(self.inference.cov))
        return walked(statistic, self.delta, errors, edges, level, Reading(self.inference.law, self.model.n))

    def effect_ratios(self, effects: Effects, level: float, errors: Float) -> tuple[Float, Float]:
        """Return p-values of zero and intervals of effects by likelihood ratios."""
        return effect_ratios(self.held, effects, errors, level, Reading(self.inference.law, self.model.n))

    @property
    def held(self) -> Held:
        """The likelihood, to hold effects at values."""
        profile, end = self.profile, _WIDEST / self.profile.radius
        inverse = np.asarray(np.linalg.inv(profile.Z.T @ profile.Z))
        return Held(
            lambda x: (*profile.solved(float(x[0])), inverse),
            [(-end, end)],
            np.array([self.alpha]),
            self.value,
            self.model,
        )

    @property
    def exponential(self) -> bool:
        """Yes: the reduced form is e^(alpha W)."""
        return True

    def structural_residuals(self) -> Float:
        """Return e^(-alpha W) y - Z b, effects out; (R, 1)."""
        return self.numbers.residuals.T

    def reduced_form(self) -> Float:
        """Return e^(alpha W) of the exogenous part and the effects; (R, 1)."""
        W = sp.csc_array(self.model.matrix(str(self.model.lag)))
        shape = (-1, W.shape[0])
        y = self.model.raw[:, 0].reshape(shape).T
        filtered = expm_multiply(-self.alpha * W, y).T.reshape(-1)
        exogenous = filtered - self.structural_residuals()[:, 0]
        return np.asarray(expm_multiply(self.alpha * W, exogenous.reshape(shape).T).T.reshape(-1, 1))

    def residual_moran(self, weights: str) -> tuple[Float, float, float]:
        """Return the innovations, and the mean and the variance of e'We."""
        _, b, s2 = self.profile.solved(self.alpha)
        point = Point(self.value, np.zeros(2), np.zeros((2, 2)), b, s2)
        found = Maximum(np.array([self.alpha, 0.0]), point, (False, False), -np.inf, True)
        information = ExponentialInformation(self.model, found, self.numbers.residuals[0])
        return information.moran_moments(weights)

    def tests(self) -> list[HypothesisTest]:
        """Return tests of alpha, of spatial lags of regressors, and of equal variances."""
        model, name = self.model, self.model.equation.name
        out, place = [], model.order()[len(model.terms)]
        plain = maximum_of(model.with_parts(None, None, model.terms))
        statistic = max(0.0, 2 * (self.value - plain))
        out.append(
            HypothesisTest("LR: spatial lag", NO_LAG, statistic, "chi2", 1, equation=name, detail=NORMAL)
        )
        cov = self.inference.cov
        out.append(
            wald("Wald: spatial lag", NO_LAG, self.delta[[place]], cov[[place]][:, [place]], equation=name)
        )
        terms = model.equation.terms
        durbin = [
            j for j in model.terms if terms[j].weights and not model.design.structure.is_outcome(terms[j])
        ]
        if durbin:
            V = cov[np.ix_(durbin, durbin)]
            label = "Wald: no spatial lags of regressors"
            out.append(wald(label, NO_DURBIN, self.delta[durbin], V, equation=name))
        return [*out, variance_test(model, self.numbers.residuals[0])]


def observed_of(design: Design) -> Covariance:  # noqa: ARG001 - one for all
    """Return the one covariance that there is."""
    return Observed()


def no_stamps(design: Design, force: bool) -> tuple[str, ...]:  # noqa: ARG001 - nothing to refuse
    """Return that tables need say nothing."""
    return ()


def estimate_exponential(request: Request) -> ExponentialEstimate:
    """Estimate one equation with a matrix exponential of the weights by maximum likelihood."""
    _check(request.covariance)
    # A number taken off y is no number taken off e^(-alpha W) y: columns as the data have them.
    design = replace(request.design, columns=request.design.raw, shift=None)
    model = model_of(design)
    _refuse(model)
    profile = ExponentialProfile.of(model)
    alpha = profile.maximised()
    value, b, s2 = profile.solved(alpha)
    refuse_perfect(model, s2)
    order = model.order()
    delta = np.empty(len(order))
    delta[order] = [*b, alpha]
    place = np.argsort(order)
    cov = profile.covariance(alpha)[np.ix_(place, place)]
    e = _innovations(model, alpha, b)
    count = len(delta)
    fit = LinearFit(delta, np.zeros((count, count)), np.zeros((1, count, 0)))
    equivalent = 1 - math.exp(-alpha * (model.operator(str(model.lag)).constant_row_sum or 1.0))
    notes = (
        f"the coefficient of W({model.equation.outcome}) is alpha of e^(-alpha W) y; a lag model with the "
        f"same total effects has lambda = {equivalent:.4f}",
        *(("alpha lies at the end of the range that is searched",) if _at_end(profile, alpha) else ()),
    )
    if _at_end(profile, alpha):
        warn(
            f"alpha of {model.equation.name} lies at the end of the range that is searched, "
            f"{_WIDEST / profile.radius:.3g}: the likelihood still rises there. The outcome may have a unit "
            "root in space, or the weights are not those of the process; read no standard error.",
            BoundaryWarning,
        )
    numbers = Numbers(fit, np.zeros(1), e[None], np.array([[s2]]), "mess", notes=notes)
    plain, space = Inference(cov, np.zeros(0)), Workspace(design)
    inference = small_sample(plain, model) if request.small else plain
    return ExponentialEstimate(
        design, request.source, space, numbers, inference, model, profile, alpha, value
    )


def infer_exponential(found: Estimate, asked: Request) -> Inference:
    """Return the inference of the same estimates."""
    _check(asked.covariance)
    return found.inference


def _check(cov: Covariance) -> None:
    if not isinstance(cov, (Observed, Homoskedastic)):
        raise DataError(
            f"method='mess' has the covariance of the observed information, cov='observed'; got {cov.label}."
        )


def _refuse(model: Model) -> None:
    if model.lag is None:
        raise DataError("method='mess' is for a spatial lag of the outcome: write W(y) into the formula.")
    if model.error is not None:
        raise DataError("method='mess' has no spatial error beside it: leave error= out, or use 'ml'.")
    if model.is_dynamic:
        raise DataError("method='mess' is for static models: use method='ml' for lag(y, 1).")
    terms = model.equation.terms
    other = [terms[j].name for j in model.terms if terms[j].weights not in (None, model.lag)]
    if other:
        raise DataError(f"method='mess' takes spatial lags in the weights of W(y), not {', '.join(other)}.")


def _at_end(profile: ExponentialProfile, alpha: float) -> bool:
    return abs(alpha) * profile.radius > _WIDEST - 0.01


def _innovations(model: Model, alpha: float, b: Float) -> Float:
    """Return e^(-alpha W) y - Z b on the rows, effects out."""
    operator, column = model.operator(str(model.lag)), model.raw[:, 0]
    total = term = column
    for j in range(1, _ORDER + 1):
        term = operator(term) * (-alpha / j)
        total = total + term
    left = model.design.effects.project(total[:, None])[:, 0]
    return np.asarray(left - model.plain[:, 2:] @ b)
