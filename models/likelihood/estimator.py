r"""Maximum likelihood of one spatial equation: ``SpatialSystem(...).fit("ml")``.

.. math:: y_t = \lambda W y_t + X_t b + W X_t d + \mu + \gamma_t 1 + u_t, \qquad u_t = \rho M u_t + e_t,
          \qquad e_{it} \sim (0, \sigma^2)

Effects are transformed out (Lee and Yu 2010), not corrected for: n = N(T - 1) with unit effects, (N - 1)T
with time effects, (N - 1)(T - 1) with both.  The restrictions have names: OLS, SLX, SAR, SEM, SDM, SDEM, SAC.
Under variances that differ between units the estimates are inconsistent (Lin and Lee 2010): the fit tests it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, SpatialWarning, warn
from spatial.models.data.design import Design
from spatial.models.estimation.covariance import (
    Covariance,
    Expected,
    Homoskedastic,
    Observed,
    QuasiLikelihood,
)
from spatial.models.estimation.estimate import Effects, Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.least_squares import LinearFit
from spatial.models.estimation.steps import BoundaryWarning, Numbers, Workspace
from spatial.models.hypothesis import HypothesisTest

from .comparisons import criteria, determinant_notes, dynamic_tests, likelihood_tests, variance_test
from .determinants import PowerSeries
from .dynamic import Corrected, corrected
from .held import Held, effect_ratios
from .information import Information
from .model import Model, lag_place, model_names, model_of, refuse_perfect
from .profile import Maximum, maximise
from .random_estimate import estimate_random, infer_random
from .ratios import Reading, ratio_intervals, small_sample

__all__ = [
    "HeteroskedasticityWarning",
    "LikelihoodEstimate",
    "estimate_by_likelihood",
    "infer_by_likelihood",
    "information_of",
]

Float = NDArray[np.float64]

_EXPECTED_UNITS = 1_000
_WARNED = 0.01
_MODES = 2.0


class HeteroskedasticityWarning(SpatialWarning):
    """Variances differ between cells, under which maximum likelihood is inconsistent."""


@dataclass(frozen=True, eq=False)
class LikelihoodEstimate(Estimate):
    """The estimate, with the likelihood that it maximises.

    Parameters
    ----------
    model : Model
    found : Maximum
    dynamic : Corrected, optional
        Where the past of the outcome is among the terms.
    """

    model: Model
    found: Maximum
    dynamic: Corrected | None = None

    @cached_property
    def information(self) -> Information:
        """Information matrices at the maximum."""
        return Information(self.model, self.found)

    @property
    def title(self) -> str:
        """The model in full."""
        short, name = model_names(self.design.structure)
        if self.dynamic is not None:
            return f"Dynamic {name[0].lower()}{name[1:]} ({short}) by bias-corrected quasi-maximum likelihood"
        how = "maximum likelihood" + (" of all rows (direct)" if self.model.direct else "")
        return f"{name} ({short}) by {how}"

    @property
    def label(self) -> str:
        """The model in short, and ML."""
        return f"{model_names(self.design.structure)[0]} (ML)"

    @property
    def log_likelihood(self) -> float:
        """The maximum; of the transformed data where effects are out."""
        return self.found.value

    @property
    def facts(self) -> tuple[tuple[str, float | str], ...]:
        """The log-likelihood, Akaike's and Schwarz's criteria; the variance counts as a parameter."""
        return criteria(self.log_likelihood, self.model.n_parameters, self.model.n)

    @property
    def solved(self) -> bool:
        """Whether the search ended at a maximum inside the admissible region."""
        return self.found.converged and not any(self.found.at_bound)

    @property
    def uses_instruments(self) -> bool:
        """No: all regressors but W(y) are exogenous."""
        return False

    def tests(self) -> list[HypothesisTest]:
        """Return likelihood ratios, Wald and Lagrange multiplier tests of the model."""
        if self.dynamic is not None:
            values = np.concatenate([self.delta, self.inference.rho])
            return dynamic_tests(self.model, values, self.inference.cov, self.information.residuals)
        return likelihood_tests(self.model, self.found, self.information, self.inference.cov)

    def refuse_ratios(self) -> None:
        """Refuse them for dynamic models with unit effects."""
        if self.dynamic is not None and self.model.has_unit:
            raise DataError(
                "Intervals by likelihood ratios are of the likelihood, which is biased in dynamic models "
                "with unit effects: use method='wald', whose estimates and errors have the bias taken off."
            )

    def ratio_intervals(self, level: float) -> tuple[Float, Float]:
        """Return p-values of zero and intervals by likelihood ratios, of coefficients and rho."""
        self.refuse_ratios()
        errors = np.sqrt(np.diag(self.inference.cov))
        return ratio_intervals(self.model, self.found, errors, level, self.inference.law)

    def effect_ratios(self, effects: Effects, level: float, errors: Float) -> tuple[Float, Float]:
        """Return p-values of zero and intervals of effects by likelihood ratios."""
        self.refuse_ratios()
        reading = Reading(self.inference.law, self.model.n)
        return effect_ratios(self.held, effects, errors, level, reading)

    @property
    def held(self) -> Held:
        """The likelihood, to hold effects at values."""
        profile, place = self.model.profile, self.found.place
        free = list(profile.free)

        def solved(x: Float) -> tuple[float, Float, float, Float]:
            moved = place.copy()
            moved[free] = x
            return profile.solved(moved)

        return Held(solved, [profile.bounds(k) for k in free], place[free], self.found.value, self.model)

    def residual_moran(self, weights: str) -> tuple[Float, float, float]:
        """Return the innovations, and the mean and the variance of e'We."""
        if self.dynamic is not None and self.model.has_unit:
            raise DataError(
                "Moran's I of residuals is not offered for dynamic models with unit effects, whose estimate "
                "is no maximum of a likelihood: compare fit('gs2sls').moran(), or an error in "
                "SpatialSystem(..., error='W').fit('gs2sls')."
            )
        return self.information.moran_moments(weights)


def information_of(design: Design) -> Covariance:
    """Return the default: expected information up to 1,000 units, where traces are cheap, else observed."""
    past = any(t.role == "predetermined" for _, t in design.structure.terms)
    layout = design.layout
    # Where times differ in their units the matrices stand side by side.
    size = layout.n_units if layout.is_balanced else layout.n_rows
    plain = size <= _EXPECTED_UNITS and not design.random and not past
    return Expected() if plain else Observed()


def estimate_by_likelihood(request: Request) -> Estimate:
    """Estimate one equation by maximum likelihood."""
    return estimate_random(request) if request.design.random else _estimate(request)


def _estimate(request: Request) -> LikelihoodEstimate:
    kind = _kind(request.covariance)
    model = model_of(request.design, request.seed, request.compat == "direct")
    if model.is_dynamic and model.direct:
        raise DataError("compat='direct' is of static models: in dynamic ones its bias is taken off.")
    dynamic = corrected(model) if model.is_dynamic else None
    found = maximise(model.profile) if dynamic is None else dynamic.found
    refuse_perfect(model, found.point.variance)
    information = Information(model, found)
    space, s2 = Workspace(request.design), information.variance
    residuals = information.residuals
    count = request.design.structure.n_parameters
    fit = LinearFit(
        _coefficients(model, found),
        np.zeros((count, count)),
        np.zeros((1, count, 0)),
    )
    inference = _inference(information, kind, model, dynamic, request.small)
    notes = (
        *_notes(model, found, residuals, information.condition),
        *_dynamic_notes(model, dynamic),
        *_random_notes(model, found, np.sqrt(np.diag(inference.cov))),
    )
    rho = found.place[1:].copy()
    numbers = Numbers(fit, rho, residuals[None], np.array([[s2]]), "ml", notes=notes)
    return LikelihoodEstimate(
        request.design, request.source, space, numbers, inference, model, found, dynamic
    )


def infer_by_likelihood(found: Estimate, asked: Request) -> Inference:
    """Return the inference of the same estimates under the covariance that is asked for."""
    if not isinstance(found, LikelihoodEstimate):
        return infer_random(found, asked)
    return _inference(found.information, _kind(asked.covariance), found.model, found.dynamic, asked.small)


def _kind(cov: Covariance) -> str:
    match cov:
        case Expected() | Homoskedastic():
            return "expected"
        case Observed():
            return "observed"
        case QuasiLikelihood():
            return "qml"
    raise DataError(
        "method='ml' takes innovations as iid: cov is 'expected', 'observed' or 'qml' (innovations that are "
        f"not normal); got {cov.label}. For dependence within units, or variances that differ, use "
        "method='aqs' or 'gs2sls'."
    )


def _coefficients(model: Model, found: Maximum) -> Float:
    """Return the coefficients in the order of the terms."""
    values = [*found.point.slopes]
    if model.lag is not None:
        values.append(float(found.place[0]))
    out = np.empty(len(values))
    out[model.order()[: len(values)]] = values
    return out


def _inference(
    information: Information, kind: str, model: Model, dynamic: Corrected | None, small: bool
) -> Inference:
    found = information.found
    if dynamic is not None and kind != "observed":
        raise DataError("Dynamic models have one covariance, of the bias-corrected score: cov='observed'.")
    if dynamic is None:
        cov = information.covariance(kind)
    else:
        place = np.argsort(model.order())
        cov = dynamic.covariance[np.ix_(place, place)]
    has_rho = model.error is not None
    hit = [name for name, at in zip(("lambda", "rho"), found.at_bound, strict=True) if at]
    if hit:
        warn(
            f"{' and '.join(hit)} of {model.equation.name} "
            f"{'lies' if len(hit) == 1 else 'lie'} at the bound of the admissible region: the likelihood "
            "still rises there. The outcome may have a unit root in space, or the weights are not those of "
            "the process; read no standard error.",
            BoundaryWarning,
        )
    rho = found.place[1:].copy() if has_rho else np.zeros(0)
    plain = Inference(cov, rho, (found.at_bound[1],) if has_rho else ())
    return small_sample(plain, model) if small else plain


def _random_notes(model: Model, found: Maximum, errors: Float) -> tuple[str, ...]:
    """Say by how much random signs may move lambda or rho: the error of the slope over the information."""
    out = []
    places = {"lambda": (model.lag, 0, lag_place(model.design.structure)), "rho": (model.error, 1, -1)}
    for name, (weights, k, place) in places.items():
        jacobian = model.jacobian(weights)
        if jacobian is None or place is None or not isinstance(jacobian.determinant, PowerSeries):
            continue
        spread = jacobian.copies * float(jacobian.determinant.spread(float(found.place[k]))[1])
        share = spread * float(errors[place])
        out.append(f"other random signs would move {name} by about {share:.1g} of its standard error")
    return tuple(out)


def _dynamic_notes(model: Model, dynamic: Corrected | None) -> tuple[str, ...]:
    if dynamic is None:
        return ()
    said = (
        "stationary" if dynamic.largest < 1 else "NOT stationary: neither the estimates nor their errors hold"
    )
    out = [f"largest |(tau + eta omega) / (1 - lambda omega)| = {dynamic.largest:.3f}: {said}"]
    if model.has_unit:
        moved = dynamic.found.point.slopes - dynamic.first.point.slopes
        own = [model.equation.terms[j] for j in model.terms]
        text = ", ".join(
            f"{t.name} by {m:+.3f}" for t, m in zip(own, moved, strict=True) if t.role == "predetermined"
        )
        out.append(f"the bias of unit effects with few times is taken off: it moved {text}")
    if not dynamic.rooted:
        out.append(
            "the bias-corrected score has no root: the correction is that of one step (Yu, de Jong and Lee "
            "2008), which leaves some bias with few times; see fit('gs2sls')"
        )
    return tuple(out)


def _notes(model: Model, found: Maximum, residuals: Float, condition: float) -> tuple[str, ...]:
    out = determinant_notes(model, found.place)
    if model.lag is not None and model.lag == model.error:
        out.append(
            "lag and error in the same weights compete for the same correlation: condition number of the "
            f"information {condition:.3g}"
        )
    if found.value - found.other < _MODES:
        out.append(
            f"the likelihood has a second maximum, lower by {found.value - found.other:.2f} only: read "
            "intervals by likelihood ratios, confint(method='lr')"
        )
    if not found.converged:
        out.append("the search for the maximum did not settle: read the estimates with care")
    if model.direct:
        out.append(
            "compat='direct': the likelihood counts all rows, and with effects the variance and the errors "
            "are too small for few times"
        )
    test = variance_test(model, residuals)
    if test.computed:
        out.append(
            "maximum likelihood is inconsistent where variances differ between units; Breusch-Pagan "
            f"(Koenker) {test.reference} = {test.statistic:.2f}, p = {test.p_value:.3f}"
            + (": compare fit('gs2sls') or fit('aqs')" if test.p_value < 0.05 else "")
        )
        if test.p_value < _WARNED:
            warn(
                f"The variance of the innovations moves with the regressors (Breusch-Pagan, Koenker: "
                f"{test.reference} = {test.statistic:.2f}, p = {test.p_value:.4f}): maximum likelihood is "
                "then inconsistent. fit('gs2sls'), or fit('aqs') with a lag and an error, are not.",
                HeteroskedasticityWarning,
            )
    return tuple(out)
