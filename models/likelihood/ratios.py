r"""Intervals from the profile likelihood: all values that the likelihood ratio does not reject.

.. math:: \{v : 2[L(\hat\theta) - \max_{\theta:\,\theta_k = v} L(\theta)] \le \chi^2_{1, level}\}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import scipy
from numpy.typing import NDArray

from spatial.models.estimation.inference import Inference
from spatial.models.estimation.laws import NORMAL, Law

from .model import Model, lag_place
from .profile import Maximum, Profile, maximise

__all__ = ["NO_EDGES", "Reading", "position", "ratio_intervals", "ratio_statistic", "small_sample", "walked"]

Float = NDArray[np.float64]

_STEPS = 60
_CLOSE = 1e-7  # of a standard error
NO_EDGES = (-np.inf, np.inf)


@dataclass(frozen=True)
class Reading:
    r"""Against what a likelihood ratio with one degree of freedom is read.

    The chi-square, or with the degrees of freedom of a t the :math:`F(1, df)` of which it is an increasing
    function in a regression, :math:`LR = n\log(1 + F/df)`: exact there, and closer to the level in few rows.

    Parameters
    ----------
    law : Law
        Of the t statistics of the same fit.
    n : int
        Effective observations.

    Examples
    --------
    >>> round(Reading(NORMAL, 100).threshold(0.95), 3), round(Reading(Law(96.0), 100).threshold(0.95), 3)
    (3.841, 4.022)
    """

    law: Law
    n: int

    def threshold(self, level: float) -> float:
        """Return the ratio that is not passed with probability `level`."""
        square = self.law.quantile(level) ** 2
        return square if self.law.df is None else float(self.n * np.log1p(square / self.law.df))

    def p_value(self, statistic: float) -> float:
        """Return the probability of a larger ratio."""
        df = self.law.df
        square = statistic if df is None else df * float(np.expm1(statistic / self.n))
        return float(self.law.p_value(np.sqrt(square)))


def small_sample(found: Inference, model: Model) -> Inference:
    """Return variances times n/(n - p), p with lambda and rho, and t(n - p) to read them by."""
    df = model.n - (model.n_parameters - 1)
    return replace(found, cov=found.cov * (model.n / df), law=Law(float(df)))


def position(model: Model, k: int) -> int:
    """Return which parameter of the profile stands at k of (terms, rho): a regressor, -2 lambda or -1 rho."""
    if k == len(model.equation.terms):
        return -1
    if k == lag_place(model.design.structure) and model.lag is not None:
        return -2
    return model.terms.index(k)


def ratio_statistic(profile: Profile, found: Maximum, place: int, value: float) -> float:
    """Return the likelihood ratio statistic of one parameter at a value."""
    fixed = profile.fixing(place, value)
    near = found.place.copy()
    if place < 0:
        near[place] = value
    return max(0.0, 2 * (found.value - maximise(fixed, near).value))


def ratio_intervals(
    model: Model, found: Maximum, errors: Float, level: float, law: Law = NORMAL
) -> tuple[Float, Float]:
    """Return p-values of zero, (parameters,), and intervals, (parameters, 2).

    Parameters
    ----------
    model : Model
    found : Maximum
    errors : array (parameters,)
        Standard errors, for strides.
    level : float
    law : Law
        Of the t statistics of the same fit.
    """
    profile, order = model.profile, model.order()
    values = np.empty(len(order))
    values[order] = [
        *found.point.slopes,
        *([found.place[0]] if model.lag is not None else []),
        *([found.place[1]] if model.error is not None else []),
    ]
    places = [position(model, k) for k in range(len(order))]

    def statistic(k: int, value: float) -> float:
        return ratio_statistic(profile, found, places[k], value)

    edges = [profile.bounds(2 + place) if place < 0 else NO_EDGES for place in places]
    return walked(statistic, values, errors, edges, level, Reading(law, model.n))


def walked(
    statistic: Callable[[int, float], float],
    values: Float,
    errors: Float,
    edges: Sequence[tuple[float, float]],
    level: float,
    reading: Reading,
) -> tuple[Float, Float]:
    """Return p-values of zero, (parameters,), and intervals, (parameters, 2), of any likelihood.

    Parameters
    ----------
    statistic : callable
        The likelihood ratio statistic of the k-th parameter at a value.
    values, errors : array (parameters,)
        Estimates, and standard errors for strides.
    edges : sequence of (float, float)
        The range of each parameter.
    level : float
    reading : Reading
    """
    # The root of the ratio is nearly linear in the value: a bound takes half as many evaluations.
    quantile, count = float(np.sqrt(reading.threshold(level))), len(values)
    tests, bounds = np.empty(count), np.empty((count, 2))
    for k in range(count):
        tests[k] = reading.p_value(statistic(k, 0.0))
        for side, sign in enumerate((-1.0, 1.0)):

            @cache  # the search asks for its ends again
            def excess(value: float, k: int = k) -> float:
                return float(np.sqrt(statistic(k, value))) - quantile

            stride = sign * float(errors[k])
            bounds[k, side] = _bound(excess, float(values[k]), stride, edges[k][side])
    return tests, bounds


def _bound(excess: Callable[[float], float], value: float, stride: float, edge: float) -> float:
    """Walk outward from the estimate until the ratio passes the quantile, then find where."""
    inside, outside = value, value + stride
    for _ in range(_STEPS):
        beyond = abs(outside - value) >= abs(edge - value)
        outside = edge if beyond else outside
        if excess(outside) > 0:
            return float(scipy.optimize.brentq(excess, inside, outside, xtol=_CLOSE * abs(stride)))
        if beyond:
            return float(edge)
        inside, outside = outside, outside + stride
    return float(edge)
