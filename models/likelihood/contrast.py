r"""Hausman's test of random against fixed effects, with the variance that the difference must have.

With random effects the likelihood is a product: of deviations from unit means, whose likelihood is that with
fixed effects, and of the unit means.  So the information is a sum, and the difference of the two covariances
cannot be negative where both are taken at one place, the estimate with random effects:

.. math:: V_F - V_R = \mathcal{I}_W^{-1} - (\mathcal{I}_W + \mathcal{I}_B)^{-1}

with nuisance parameters out.  Each is the expected information of a normal sample,

.. math:: \mathcal{I}_{ab} = q_a'q_b + m\operatorname{tr}[(F_a + F_a')F_b], \qquad
          q_b = \Omega^{-1/2}RZ, \quad q_\lambda = \Omega^{-1/2}RGZb,

    F_\lambda = \Omega^{-1/2}RGR^{-1}\Omega^{1/2}, \qquad
    F_\rho = \tfrac12\Omega^{-1/2}(MR^{-1} + R^{-1\prime}M')\Omega^{-1/2}\sigma_v^2, \qquad
    F_v = \tfrac12\Omega^{-1/2}(\partial\Omega/\partial v)\Omega^{-1/2},

where :math:`\Omega` is the covariance of the filtered errors: :math:`\sigma_v^2I` of deviations, and of means
:math:`\sigma_v^2I/\psi` (KKP) or :math:`\sigma_v^2\{I + (\psi^{-1} - 1)RR'\}` (BSK).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from spatial.models.data.effects import within
from spatial.models.estimation.estimate import Estimate
from spatial.models.hypothesis import NORMAL, HypothesisTest, wald

from .information import DENSE_UNITS, Information
from .profile import Maximum, Point
from .random_effects import RandomMaximum, RandomProfile
from .random_estimate import DRAWN, RandomEstimate

__all__ = ["hausman_test", "slopes_covariance"]

Float = NDArray[np.float64]

NAME = "Hausman: random against fixed effects"
NULL = "random and fixed effects give the same coefficients"
DETAIL = f"{NORMAL}; {DRAWN}; both covariances at the random estimate"


def hausman_test(fixed: Estimate, random: Estimate) -> HypothesisTest:
    r"""Test random against fixed effects by the coefficients that both have (Hausman 1978).

    .. math:: H = d'(V_F - V_R)^{-1}d, \qquad d = \hat\delta_F - \hat\delta_R

    Parameters
    ----------
    fixed : Estimate
        By maximum likelihood with unit effects; its own covariance is not used.
    random : RandomEstimate
        Of the same equation.
    """
    assert isinstance(random, RandomEstimate)
    name = fixed.structure.equations[0].name
    own = [t.name for t in fixed.structure.equations[0].terms]
    other = [t.name for t in random.structure.equations[0].terms]
    places = _moving(random.profile)
    shared = [other[j] for j in places if other[j] in own]
    units = random.design.layout.n_units
    if not shared:
        return HypothesisTest.failed(NAME, NULL, "the fits share no terms that vary over time", equation=name)
    if units > DENSE_UNITS:
        reason = f"it needs dense matrices of {units} by {units}: read Mundlak's test"
        return HypothesisTest.failed(NAME, NULL, reason, equation=name)
    V = _difference(random.profile, random.found)
    kept = [k for k, j in enumerate(places) if other[j] in own]
    a, b = [own.index(t) for t in shared], [other.index(t) for t in shared]
    d = fixed.delta[a] - random.delta[b]
    return wald(NAME, NULL, d, V[np.ix_(kept, kept)], equation=name, detail=DETAIL)


def _moving(profile: RandomProfile) -> list[int]:
    """Return which terms vary over time, the spatial lag last."""
    model, layout = profile.model, profile.model.design.layout
    Z = model.raw[:, 1 + (model.lag is not None) :]
    varies = np.linalg.norm(within(Z, layout, True, False), axis=0) > 1e-10 * np.linalg.norm(Z, axis=0)
    order = model.order()
    kept = [order[k] for k in np.flatnonzero(varies)]
    return [*kept, order[len(model.terms)]] if model.lag is not None else kept


def slopes_covariance(random: RandomEstimate) -> tuple[list[int], Float]:
    r"""Return the places of the slopes, and their covariance by generalised least squares.

    .. math:: V = (Z'\hat\Omega^{-1}Z)^{-1}

    It takes the variance components, rho and lambda as known.
    """
    inside, between = _information_of_parts(random.profile, random.found)
    order, k = random.profile.model.order(), len(random.found.slopes)
    return list(order[:k]), np.asarray(np.linalg.inv(inside[:k, :k] + between[:k, :k]))


def _difference(profile: RandomProfile, found: RandomMaximum) -> Float:
    """Return V_F - V_R of the terms that vary over time, in the order of `_moving`."""
    model, k = profile.model, len(found.slopes)
    inside, between = _information_of_parts(profile, found)
    both = inside + _without(between, len(between) - 1)
    moving = [j for j in range(k) if inside[j, j] > 1e-20 * both[j, j]]
    places = [*moving, *range(k, len(inside))]
    fixed = np.linalg.inv(inside[np.ix_(places, places)])
    count = len(moving) + (model.lag is not None)
    random = np.linalg.inv(both)[np.ix_(places, places)]
    return np.asarray((fixed - random)[:count, :count])


def _information_of_parts(profile: RandomProfile, found: RandomMaximum) -> tuple[Float, Float]:
    """Return the information of deviations, and that of means with the variance of the effects last."""
    model, layout = profile.model, profile.model.design.layout
    s2, (_, rho, psi), k = found.variance, found.place.tolist(), len(found.slopes)
    point = Point(found.value, np.zeros(2), np.zeros((2, 2)), found.slopes, s2)
    at = Information(model, Maximum(found.place[:2], point, (False, False), -np.inf, found.converged))
    linear = at.regressors if model.lag is None else np.column_stack([at.regressors, at.expected_lag])
    cube = linear.reshape(layout.n_times, layout.n_units, -1)
    means = cube.mean(axis=0) * np.sqrt(layout.n_times)
    forms = [F for F, part in zip(at.forms, (model.lag, model.error), strict=True) if part is not None]
    eye = np.eye(layout.n_units)
    eye = at.swept(eye) if model.has_time else eye
    deviations = within(linear, layout, True, False) / np.sqrt(s2)
    inside = _information(deviations, [*forms, eye / (2 * s2)], k, layout.n_times - 1)
    if profile.form == "bsk" and model.error is not None:
        variances, R = (s2, psi), eye - rho * model.matrix(model.error).toarray()
        between = _shared_effects(means, forms, R, variances, k)
    else:
        own = s2 / psi
        between = _information(means / np.sqrt(own), [*forms, 0 * eye, eye / (2 * own)], k, 1)
    return inside, between


def _shared_effects(
    means: Float, forms: Sequence[Float], R: Float, variances: tuple[float, float], slopes: int
) -> Float:
    """Return the information of unit means where the filter is not on the effects (BSK)."""
    eye, (s2, psi) = np.eye(len(R)), variances
    root = linalg.cholesky(eye + (1 / psi - 1) * R @ R.T, lower=True)

    def whitened(A: Float) -> Float:
        return np.asarray(linalg.solve_triangular(root, A, lower=True))

    *lag, H = forms
    inverse = whitened(eye)
    turned = [whitened(G @ root) for G in lag] + [inverse @ ((H + H.T) / 2) @ inverse.T]
    effects = whitened(R)
    turned += [inverse @ inverse.T / (2 * s2), effects @ effects.T / (2 * s2)]
    return _information(whitened(means) / np.sqrt(s2), turned, slopes, 1)


def _information(linear: Float, forms: Sequence[Float], slopes: int, copies: int) -> Float:
    """Return the information: `linear` has a column of each slope and the lag, `forms` one of each other."""
    size = slopes + len(forms)
    out = np.zeros((size, size))
    own = linear.shape[1]
    out[:own, :own] = linear.T @ linear
    for a, A in enumerate(forms):
        for b, B in enumerate(forms):
            out[slopes + a, slopes + b] += copies * float(np.sum(A * B.T) + np.sum(A * B))
    return out


def _without(information: Float, place: int) -> Float:
    """Return the information of the others, that parameter unknown."""
    kept = np.delete(np.arange(len(information)), place)
    cross = information[kept, place]
    return np.asarray(information[np.ix_(kept, kept)] - np.outer(cross, cross) / information[place, place])
