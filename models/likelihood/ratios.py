r"""Intervals from the profile likelihood: all values that the likelihood ratio does not reject.

.. math:: \{v : 2[L(\hat\theta) - \max_{\theta:\,\theta_k = v} L(\theta)] \le \chi^2_{1, level}\}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from .model import Model, lag_place
from .profile import Maximum, Profile, maximise

__all__ = ["NO_EDGES", "position", "ratio_intervals", "ratio_statistic", "walked"]

Float = NDArray[np.float64]

_STEPS = 60
NO_EDGES = (-np.inf, np.inf)


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


def ratio_intervals(model: Model, found: Maximum, errors: Float, level: float) -> tuple[Float, Float]:
    """Return p-values of zero, (parameters,), and intervals, (parameters, 2).

    Parameters
    ----------
    model : Model
    found : Maximum
    errors : array (parameters,)
        Standard errors, for strides.
    level : float
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
    return walked(statistic, values, errors, edges, level)


def walked(
    statistic: Callable[[int, float], float],
    values: Float,
    errors: Float,
    edges: Sequence[tuple[float, float]],
    level: float,
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
    """
    quantile, count = float(stats.chi2.ppf(level, 1)), len(values)
    tests, bounds = np.empty(count), np.empty((count, 2))
    for k in range(count):
        tests[k] = stats.chi2.sf(statistic(k, 0.0), 1)
        for side, sign in enumerate((-1.0, 1.0)):

            def excess(value: float, k: int = k) -> float:
                return statistic(k, value) - quantile

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
            return float(optimize.brentq(excess, inside, outside, xtol=1e-10 * max(1.0, abs(value))))
        if beyond:
            return float(edge)
        inside, outside = outside, outside + stride
    return float(edge)
