r"""Intervals from the profile likelihood: all values that the likelihood ratio does not reject.

.. math:: \{v : 2[L(\hat\theta) - \max_{\theta:\,\theta_k = v} L(\theta)] \le \chi^2_{1, level}\}
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from .model import Model, lag_place
from .profile import Maximum, Profile, maximise

__all__ = ["ratio_intervals", "ratio_statistic"]

Float = NDArray[np.float64]

_STEPS = 60


def _position(model: Model, k: int) -> int:
    """Return which parameter of the profile stands at k of (terms, rho): a regressor, -2 lambda or -1 rho."""
    if k == len(model.equation.terms):
        return -1
    if k == lag_place(model.design.structure) and model.lag is not None:
        return -2
    return model.terms.index(k)


def ratio_statistic(profile: Profile, found: Maximum, position: int, value: float) -> float:
    """Return the likelihood ratio statistic of one parameter at a value."""
    fixed = profile.fixing(position, value)
    near = found.place.copy()
    if position < 0:
        near[position] = value
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
    profile, quantile = model.profile, float(stats.chi2.ppf(level, 1))
    order = model.order()
    values = np.empty(len(order))
    values[order] = [
        *found.point.slopes,
        *([found.place[0]] if model.lag is not None else []),
        *([found.place[1]] if model.error is not None else []),
    ]
    tests, bounds = np.empty(len(order)), np.empty((len(order), 2))
    for k in range(len(order)):
        position = _position(model, k)
        tests[k] = stats.chi2.sf(ratio_statistic(profile, found, position, 0.0), 1)
        for side, sign in enumerate((-1.0, 1.0)):
            bounds[k, side] = _bound(
                profile, found, position, float(values[k]), sign * float(errors[k]), quantile
            )
    return tests, bounds


def _bound(
    profile: Profile, found: Maximum, position: int, value: float, stride: float, quantile: float
) -> float:
    """Walk outward from the estimate until the ratio passes the quantile, then find where."""
    edge = np.copysign(np.inf, stride)
    if position < 0:
        edge = profile.bounds(2 + position)[int(stride > 0)]

    def excess(v: float) -> float:
        return ratio_statistic(profile, found, position, v) - quantile

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
