"""The estimate with random effects of units, its tests, and Mundlak's test against fixed ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, warn
from spatial.models.data.effects import within
from spatial.models.estimation.covariance import Covariance, Observed
from spatial.models.estimation.estimate import Effects, Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.least_squares import LinearFit
from spatial.models.estimation.steps import BoundaryWarning, Numbers, Workspace
from spatial.models.hypothesis import NORMAL, HypothesisTest

from .comparisons import NO_ERROR, NO_LAG, criteria, determinant_notes, maximum_of, variance_test
from .held import Held, effect_ratios
from .information import Information
from .model import Model, model_names, model_of
from .profile import Maximum, Point
from .random_effects import RandomMaximum, RandomProfile, maximise_random, random_profile
from .ratios import NO_EDGES, Reading, position, small_sample, walked

__all__ = ["RandomEstimate", "estimate_random", "infer_random", "mundlak_test"]

Float = NDArray[np.float64]

DRAWN = "effects drawn from one normal distribution"
NO_EFFECTS = "units have no effects of their own (sigma_mu = 0)"
UNRELATED = "the effects are not correlated with the regressors (their unit means have no slopes)"


@dataclass(frozen=True, eq=False)
class RandomInformation(Information):
    r"""The expected information of quasi-demeaned data, with which spatial filters commute.

    Parameters
    ----------
    share : float
        sqrt(psi), of the means of units that is left.
    """

    share: float

    @cached_property
    def _filtered(self) -> Float:
        return self._quasi(self.model.filtered(float(self.found.place[1])))

    def _swept_column(self, column: Float) -> Float:
        return self._quasi(super()._swept_column(column)[:, None])[:, 0]

    def _quasi(self, columns: Float) -> Float:
        left = within(columns, self.model.design.layout, True, False)
        return np.asarray(left + self.share * (columns - left))


@dataclass(frozen=True, eq=False)
class RandomEstimate(Estimate):
    """The estimate, with the likelihood that it maximises.

    Parameters
    ----------
    profile : RandomProfile
    found : RandomMaximum
    """

    profile: RandomProfile
    found: RandomMaximum

    @property
    def model(self) -> Model:
        """The equation."""
        return self.profile.model

    @property
    def _form(self) -> str:
        return self.profile.form.upper() if self.model.error is not None else ""

    @property
    def title(self) -> str:
        """The model in full."""
        short, name = model_names(self.design.structure)
        form = f" ({self._form})" if self._form else ""
        return f"{name} ({short}) with random effects of units{form} by maximum likelihood"

    @property
    def label(self) -> str:
        """The model in short, and ML."""
        return f"{model_names(self.design.structure)[0]} RE (ML)"

    @property
    def log_likelihood(self) -> float:
        """The maximum."""
        return self.found.value

    @property
    def facts(self) -> tuple[tuple[str, float | str], ...]:
        """Log-likelihood and criteria (both variances count), and the standard deviations."""
        psi, times, s2 = float(self.found.place[2]), self.profile.times, self.found.variance
        return (
            ("random_effects", self._form or "yes"),
            *criteria(self.found.value, self.model.n_parameters + 1, self.profile.n),
            ("sigma_u", float(np.sqrt(s2 * (1 / psi - 1) / times))),
            ("sigma_e", float(np.sqrt(s2))),
        )

    @property
    def solved(self) -> bool:
        """Whether the search ended at a maximum inside the admissible region."""
        return self.found.converged and not any(self.found.at_bound)

    @property
    def uses_instruments(self) -> bool:
        """No."""
        return False

    def ratio_intervals(self, level: float) -> tuple[Float, Float]:
        """Return p-values of zero and intervals of coefficients and rho by likelihood ratios."""
        model, count = self.model, len(self.inference.cov)
        places = [position(model, k) for k in range(count)]
        values = np.concatenate([self.delta, self.inference.rho])

        def statistic(k: int, value: float) -> float:
            held = replace(self.profile, fixed=(places[k], value))
            return max(0.0, 2 * (self.found.value - held.highest(self.found.place)))

        names = {-2: model.lag, -1: model.error}
        edges = []
        for place in places:
            jacobian = model.jacobian(names.get(place))
            edges.append(NO_EDGES if jacobian is None else jacobian.determinant.bounds)
        errors = np.sqrt(np.diag(self.inference.cov))
        return walked(statistic, values, errors, edges, level, Reading(self.inference.law, self.profile.n))

    def effect_ratios(self, effects: Effects, level: float, errors: Float) -> tuple[Float, Float]:
        """Return p-values of zero and intervals of effects by likelihood ratios."""
        return effect_ratios(self.held, effects, errors, level, Reading(self.inference.law, self.profile.n))

    @property
    def held(self) -> Held:
        """The likelihood, to hold effects at values."""
        profile, place = self.profile, self.found.place

        def solved(x: Float) -> tuple[float, Float, float, Float]:
            moved = place.copy()
            moved[profile.free] = x
            return profile.solved(moved)

        return Held(solved, profile.bounds, place[profile.free], self.found.value, self.model)

    def residual_moran(self, weights: str) -> tuple[Float, float, float]:
        """Return the quasi-demeaned innovations e, and the mean and the variance of e'We."""
        if self.profile.form == "bsk" and self.model.error is not None:
            raise DataError(
                "Moran's I of residuals is not offered for random='bsk' with a spatial error, whose effects "
                "and innovations have no common filter: compare random='kkp', or effects='unit'."
            )
        found = self.found
        point = Point(found.value, np.zeros(2), np.zeros((2, 2)), found.slopes, found.variance)
        place = Maximum(found.place[:2], point, found.at_bound[:2], -np.inf, found.converged)
        information = RandomInformation(self.model, place, float(np.sqrt(found.place[2])))
        return information.moran_moments(weights)

    def tests(self) -> list[HypothesisTest]:
        """Return likelihood ratios of the parts, of the effects, and Mundlak's test of fixed ones."""
        model, name, top = self.model, self.model.equation.name, self.found.value
        out, effects = [], f"{NORMAL}; {DRAWN}"
        parts = (
            ("LR: spatial lag", NO_LAG, model.lag, model.with_parts(None, model.error, model.terms)),
            ("LR: spatial error", NO_ERROR, model.error, model.with_parts(model.lag, None, model.terms)),
        )
        for label, null, weights, restricted in parts:
            if weights is not None:
                value = maximise_random(replace(self.profile, model=restricted)).value
                ratio = max(0.0, 2 * (top - value))
                out.append(HypothesisTest(label, null, ratio, "chi2", 1, equation=name, detail=effects))
        pooled = maximum_of(model)
        statistic = max(0.0, 2 * (top - pooled))
        label = "LR: random effects"
        out.append(HypothesisTest(label, NO_EFFECTS, statistic, "chibar2", 1, equation=name, detail=effects))
        out.append(mundlak_test(self.profile, top))
        out.append(variance_test(model, self.numbers.residuals[0]))
        return out


def mundlak_test(profile: RandomProfile, top: float) -> HypothesisTest:
    r"""Test random against fixed effects: unit means of the regressors beside them (Mundlak 1978).

    .. math:: 2(L_{\bar Z} - L) \sim \chi^2(\text{regressors that vary over time})

    Parameters
    ----------
    profile : RandomProfile
    top : float
        Its maximum.
    """
    model, layout = profile.model, profile.model.design.layout
    label, name = "LR: Mundlak, random against fixed effects", model.equation.name
    own = 1 + (model.lag is not None)
    Z = model.raw[:, own:]
    moving = np.linalg.norm(within(Z, layout, True, False), axis=0) > 1e-10 * np.linalg.norm(Z, axis=0)
    means = Z[:, moving].reshape(layout.n_times, layout.n_units, -1).mean(axis=0)
    means = means - means.mean(axis=0)
    kept = np.linalg.norm(means, axis=0) > 1e-10 * np.linalg.norm(Z[:, moving], axis=0)
    if not kept.any():
        reason = "no regressor varies both over time and between units"
        return HypothesisTest.failed(label, UNRELATED, reason, equation=name)
    extra = np.tile(means[:, kept], (layout.n_times, 1))
    value = maximise_random(replace(profile, model=replace(model, extra=extra))).value
    statistic = max(0.0, 2 * (value - top))
    detail = f"{NORMAL}; {DRAWN}"
    return HypothesisTest(label, UNRELATED, statistic, "chi2", int(kept.sum()), equation=name, detail=detail)


def estimate_random(request: Request) -> RandomEstimate:
    """Estimate one equation with random effects of units by maximum likelihood."""
    _check_covariance(request.covariance)
    model = model_of(request.design, request.seed, request.compat == "direct")
    profile = random_profile(model, request.random)
    found = maximise_random(profile)
    residuals = _innovations(profile, found)
    count = request.design.structure.n_parameters
    delta, plain = _ordered(model, found)
    inference = small_sample(plain, model) if request.small else plain
    fit = LinearFit(delta, np.zeros((count, count)), np.zeros((1, count, 0)))
    rho = found.place[1:2].copy()
    notes = _notes(model, found)
    numbers = Numbers(fit, rho, residuals[None], np.array([[found.variance]]), "ml", notes=notes)
    space = Workspace(request.design)
    return RandomEstimate(request.design, request.source, space, numbers, inference, profile, found)


def infer_random(found: Estimate, asked: Request) -> Inference:
    """Return the one covariance that there is."""
    assert isinstance(found, RandomEstimate)
    _check_covariance(asked.covariance)
    return found.inference


def _check_covariance(cov: Covariance) -> None:
    if not isinstance(cov, Observed):
        raise DataError(
            f"With random effects the covariance is that of the observed information, cov='observed'; got "
            f"{cov.label}. For dependence within units use effects='unit' and method='aqs' or 'gs2sls'."
        )


def _innovations(profile: RandomProfile, found: RandomMaximum) -> Float:
    """Return the quasi-demeaned filtered residuals, of variance sigma_v^2; by BSK with the filter on all."""
    model, layout = profile.model, profile.model.design.layout
    columns = model.filtered(float(found.place[1]))
    combination = [1.0, *(-found.slopes)]
    if model.lag is not None:
        combination.insert(1, -float(found.place[0]))
    e = columns @ np.array(combination)
    left = within(e[:, None], layout, True, False)[:, 0]
    return np.asarray(left + np.sqrt(found.place[2]) * (e - left))


def _ordered(model: Model, found: RandomMaximum) -> tuple[Float, Inference]:
    """Return the coefficients in the order of the terms, and the covariance of them and rho."""
    k = len(found.slopes)
    values = [*found.slopes, *([found.place[0]] if model.lag is not None else [])]
    order = model.order()
    delta = np.empty(len(values))
    delta[order[: len(values)]] = values
    count = k + (model.lag is not None) + (model.error is not None)
    place = np.argsort(order)
    cov = found.covariance[:count, :count][np.ix_(place, place)]
    rho = found.place[1:2].copy() if model.error is not None else np.zeros(0)
    hit = [name for name, at in zip(("lambda", "rho"), found.at_bound, strict=False) if at]
    if hit:
        warn(
            f"{' and '.join(hit)} of {model.equation.name} at the bound of the admissible region: the "
            "likelihood still rises there; read no standard error.",
            BoundaryWarning,
        )
    return delta, Inference(cov, rho, (found.at_bound[1],) if model.error is not None else ())


def _notes(model: Model, found: RandomMaximum) -> tuple[str, ...]:
    out = determinant_notes(model, found.place)
    if found.at_bound[2]:
        out.append(
            "the variance of the effects of units is at its bound of 0: the estimates are those pooled"
        )
    if not found.converged:
        out.append("the search for the maximum did not settle: read the estimates with care")
    out.append(
        "random effects are consistent only where they are not correlated with the regressors: see Mundlak's "
        "test in diagnostics()"
    )
    return tuple(out)
