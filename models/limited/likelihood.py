r"""The likelihood of censored outcomes, pooled and with a random effect of the unit.

.. math::

    y^*_{it} = x_{it}'\beta + \sigma_u u_i + \sigma_e \epsilon_{it}, \qquad
    y_{it} = \min\{\max\{y^*_{it}, L\}, U\}

The parameter vector is :math:`(\beta, \log\sigma_e)`, or :math:`(\beta, \sigma_u, \log\sigma_e)`.  The
integral over u is taken by adaptive Gauss-Hermite quadrature: nodes stand around the mode of the integrand of
each unit, with its curvature as scale (Naylor and Smith 1982; Liu and Pierce 1994).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp

from spatial.errors import ConvergenceError

__all__ = [
    "Censored",
    "Grid",
    "Maximum",
    "Quadrature",
    "adapted_grid",
    "maximise",
    "pooled_scores",
    "random_effects_scores",
]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]

_LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)
_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class Censored:
    """Data of a censored outcome; rows sorted by unit.

    Parameters
    ----------
    y : array (R,)
    X : array (R, k)
    unit : int array (R,)
        0..N-1, ascending.
    lower, upper : float
        Limits; infinite where there is none.  Values at or beyond a limit are censored.
    """

    y: Float
    X: Float
    unit: Codes
    lower: float
    upper: float

    @cached_property
    def left(self) -> NDArray[np.bool_]:
        """At or below the lower limit."""
        return np.asarray(self.y <= self.lower)

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """At or above the upper limit."""
        return np.asarray(self.y >= self.upper)

    @cached_property
    def starts(self) -> Codes:
        """First row of each unit."""
        return np.flatnonzero(np.r_[True, np.diff(self.unit) > 0]).astype(np.intp)

    @property
    def n_units(self) -> int:
        """N."""
        return len(self.starts)

    def by_unit(self, rows: Float) -> Float:
        """Sum (R, ...) over the rows of each unit; (N, ...)."""
        return np.asarray(np.add.reduceat(rows, self.starts, axis=0))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Log densities and derivatives by eta = x'beta + sigma_u u and by log sigma_e; all of one shape."""

    value: Float
    slope: Float
    by_scale: Float
    curvature: Float


def _rows(data: Censored, eta: Float, scale: float) -> _Rows:
    """Evaluate rows; `eta` is (R,) or (R, M)."""
    wide = eta.ndim == 2
    y = data.y[:, None] if wide else data.y
    r = (y - eta) / scale
    value = -np.log(scale) - _LOG_ROOT_2PI - 0.5 * r * r
    slope, by_scale = r / scale, r * r - 1.0
    curvature = np.full_like(eta, -1.0 / scale**2)
    for mask, limit, sign in ((data.left, data.lower, 1.0), (data.right, data.upper, -1.0)):
        if not mask.any():
            continue
        z = sign * (limit - eta[mask]) / scale
        log_p = log_ndtr(z)
        mills = np.exp(-0.5 * z * z - _LOG_ROOT_2PI - log_p)
        value[mask] = log_p
        slope[mask] = -sign * mills / scale
        by_scale[mask] = -mills * z
        curvature[mask] = -mills * (mills + z) / scale**2
    return _Rows(value, slope, by_scale, curvature)


@dataclass(frozen=True, eq=False)
class Scores:
    """`log_likelihood` by row or by unit (n,), and its derivatives (n, p)."""

    log_likelihood: Float
    scores: Float


def pooled_scores(data: Censored, theta: Float) -> Scores:
    """Return the log-likelihood and the score of each row at theta = (beta, log sigma_e)."""
    k = data.X.shape[1]
    rows = _rows(data, data.X @ theta[:k], float(np.exp(theta[k])))
    return Scores(rows.value, np.column_stack([rows.slope[:, None] * data.X, rows.by_scale]))


@dataclass(frozen=True, eq=False)
class Quadrature:
    """Gauss-Hermite nodes and log weights, for the weight exp(-z^2)."""

    nodes: Float
    log_weights: Float

    @classmethod
    def of(cls, points: int) -> Quadrature:
        """Return the rule with so many points."""
        nodes, weights = np.polynomial.hermite.hermgauss(points)
        return cls(nodes, np.log(weights))


@dataclass(frozen=True, eq=False)
class Grid:
    """Where u is evaluated for each unit: nodes (N, M) and log weights (N, M)."""

    u: Float
    log_weights: Float


def adapted_grid(data: Censored, theta: Float, rule: Quadrature) -> Grid:
    """Place the nodes by the mode and the curvature of the integrand of each unit at theta."""
    k = data.X.shape[1]
    index, spread, scale = data.X @ theta[:k], float(theta[k]), float(np.exp(theta[k + 1]))
    mode, width = _modes(data, index, spread, scale)
    u = mode[:, None] + np.sqrt(2.0) * width[:, None] * rule.nodes
    return Grid(u, np.log(np.sqrt(2.0) * width)[:, None] + rule.log_weights + rule.nodes**2)


def random_effects_scores(data: Censored, theta: Float, rule: Quadrature, grid: Grid | None = None) -> Scores:
    """Return the log-likelihood and the score of each unit at theta = (beta, sigma_u, log sigma_e).

    Parameters
    ----------
    grid : Grid, optional
        Nodes that stay where they are, so that the score is the exact slope of the value; by default those
        adapted to theta.
    """
    k = data.X.shape[1]
    index, spread, scale = data.X @ theta[:k], float(theta[k]), float(np.exp(theta[k + 1]))
    grid = grid or adapted_grid(data, theta, rule)
    u = grid.u
    rows = _rows(data, index[:, None] + spread * u[data.unit], scale)
    terms = data.by_unit(rows.value) - 0.5 * u * u - _LOG_ROOT_2PI + grid.log_weights
    value = np.asarray(logsumexp(terms, axis=1))
    weight = np.exp(terms - value[:, None])
    slope = rows.slope * weight[data.unit]
    by_beta = data.by_unit(slope.sum(axis=1)[:, None] * data.X)
    by_spread = (data.by_unit(slope) * u).sum(axis=1)
    by_scale = data.by_unit((rows.by_scale * weight[data.unit]).sum(axis=1))
    return Scores(value, np.column_stack([by_beta, by_spread, by_scale]))


def _modes(data: Censored, index: Float, spread: float, scale: float) -> tuple[Float, Float]:
    """Return the mode of the integrand of each unit, and its scale; the integrand is log-concave."""
    u = np.zeros(data.n_units)
    for _ in range(60):
        rows = _rows(data, index + spread * u[data.unit], scale)
        slope = spread * data.by_unit(rows.slope) - u
        curvature = spread**2 * data.by_unit(rows.curvature) - 1.0
        step = -slope / curvature
        u = u + np.clip(step, -2.0, 2.0)
        if np.max(np.abs(step)) < 1e-9:
            break
    rows = _rows(data, index + spread * u[data.unit], scale)
    return u, 1.0 / np.sqrt(1.0 - spread**2 * data.by_unit(rows.curvature))


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the likelihood is largest.

    Parameters
    ----------
    theta : array (p,)
    log_likelihood : float
    scores : array (n, p)
        Of rows or units.
    hessian : array (p, p)
    steps : int
    """

    theta: Float
    log_likelihood: float
    scores: Float
    hessian: Float
    steps: int


def maximise(function_at: Callable[[Float], Callable[[Float], Scores]], start: Float) -> Maximum:
    """Climb by Newton's method, or by the outer product of the scores where the Hessian is not negative.

    The Hessian is the central difference of the analytic score.

    Parameters
    ----------
    function_at : function
        Returns the function to climb around a point: for quadrature, with the nodes adapted there.
    start : array (p,)
    """
    theta = start.copy()
    for step in range(1, _MOST_STEPS + 1):
        function = function_at(theta)
        found = function(theta)
        gradient = found.scores.sum(axis=0)
        direction = np.linalg.lstsq(found.scores.T @ found.scores, gradient, rcond=1e-10)[0]
        # Near the top Newton is faster, and exact; and where sigma_u is 0 its scores vanish.
        if float(gradient @ direction) < 1.0 or step > 5:
            hessian = _hessian(function, theta)
            if _is_negative(hessian):
                direction = -np.linalg.solve(hessian, gradient)
                if float(gradient @ direction) < 1e-12:
                    return Maximum(theta, float(found.log_likelihood.sum()), found.scores, hessian, step)
        theta = _line_search(function, theta, direction, float(found.log_likelihood.sum()))
    raise ConvergenceError(
        f"The Tobit likelihood has no maximum that {_MOST_STEPS} steps find. Look for a regressor that "
        "separates the censored rows from the others, and leave it out; with random effects, raise points=."
    )


def _line_search(function: Callable[[Float], Scores], theta: Float, direction: Float, before: float) -> Float:
    """Halve the step until the value rises; the whole step where rounding hides a rise."""
    length = 1.0
    for _ in range(30):
        trial = theta + length * direction
        after = float(function(trial).log_likelihood.sum())
        if np.isfinite(after) and after >= before - 1e-13 * abs(before):
            return trial
        length /= 2
    return theta + length * direction


def _hessian(function: Callable[[Float], Scores], theta: Float) -> Float:
    out = np.empty((len(theta), len(theta)))
    for j in range(len(theta)):
        h = 1e-5 * max(1.0, abs(theta[j]))
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        out[:, j] = (function(up).scores.sum(axis=0) - function(down).scores.sum(axis=0)) / (2 * h)
    return np.asarray((out + out.T) / 2)


def _is_negative(hessian: Float) -> bool:
    size = np.sqrt(np.abs(np.diag(hessian)))
    if not np.isfinite(hessian).all() or (size == 0).any():
        return False
    return bool(np.linalg.eigvalsh(hessian / np.outer(size, size))[-1] < 0)
