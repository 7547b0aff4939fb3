r"""Moments for the spatially autoregressive error :math:`u = \rho M u + \varepsilon`.

The moments of Kelejian and Prucha (2010) are :math:`E\,\varepsilon' A_q \varepsilon = 0` with zero-diagonal

.. math:: A_1 = M'M - \operatorname{diag}(M'M), \qquad A_2 = (M + M')/2 ,

robust to heteroskedasticity over units and, in panels, to any dependence over time within a unit.  Those of
Kelejian and Prucha (1999) assume equal variances.  Both criteria are quartics in rho: all stationary
points are roots of a cubic, so there is no optimiser and no starting value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.effects import Effects
from spatial.models.data.layout import LagOperator
from spatial.models.products.projection import Projection

__all__ = [
    "ErrorMoments",
    "RhoFit",
    "build_moments",
    "centred_moments",
    "fit_rho",
    "fit_rho_1999",
    "fit_rho_forms",
    "fit_rho_profile",
    "rho_bound",
    "unweighted_scale",
]

Float = NDArray[np.float64]

_INSIDE = 0.999
_PROBES = 64
_GRID = 21


@dataclass(frozen=True, eq=False)
class ErrorMoments:
    r"""The two quadratic forms of one error matrix.

    Parameters
    ----------
    operator : LagOperator
        M.
    diagonal : array (2, R)
        What is added on the diagonals of M'M and (M + M')/2: minus their own diagonal, and the centring
        that takes the mean of the moment to zero after effects have been partialled out.
    n : float
        Effective sample size.
    trace : float
        tr(M'M) / N.
    """

    operator: LagOperator
    diagonal: Float
    n: float
    trace: float

    def apply(self, values: Float) -> Float:
        """Return [A_1 v, A_2 v] for (R,) values; (2, R)."""
        lagged = self.operator(values)
        first = self.operator.transpose(lagged)
        second = 0.5 * (lagged + self.operator.transpose(values))
        return np.stack([first, second]) + self.diagonal * values

    def forms(self, x: Float, y: Float) -> tuple[Float, Float, Float]:
        """Return [x'A_q x], [x'A_q y] and [y'A_q y], for q = 1, 2."""
        Mx, My = self.operator(x), self.operator(y)
        return (
            np.array([Mx @ Mx, x @ Mx]) + self.diagonal @ (x * x),
            np.array([Mx @ My, 0.5 * (x @ My + y @ Mx)]) + self.diagonal @ (x * y),
            np.array([My @ My, y @ My]) + self.diagonal @ (y * y),
        )

    def form(self, x: Float) -> Float:
        """Return [x'A_1 x, x'A_2 x]."""
        Mx = self.operator(x)
        return np.array([Mx @ Mx, x @ Mx]) + self.diagonal @ (x * x)


@dataclass(frozen=True)
class RhoFit:
    """An estimate of rho.

    Parameters
    ----------
    rho : float
    at_bound : bool
        Whether the minimum lies at the edge of the admissible region.
    jacobian : array (2,)
        Minus the derivative of the moments at rho.
    """

    rho: float
    at_bound: bool
    jacobian: Float


def rho_bound(operator: LagOperator) -> float:
    r"""Return the largest absolute rho that keeps I - rho M nonsingular, less a little.

    It is 0.999 over the spectral radius: 0.999 for row-standardized and for spectrally normalised M.
    """
    radius = operator.radius
    return _INSIDE / radius if radius > 0 else _INSIDE


def build_moments(operator: LagOperator, effects: Effects) -> ErrorMoments:
    """Prepare the moments of M for a sample with these effects."""
    means = effects.is_within and (effects.commutes_with(operator) or not effects.has_time)
    return _centred(operator, effects, effects.project, effects.n_effective, means)


def centred_moments(operator: LagOperator, space: Projection) -> ErrorMoments:
    """Prepare the quadratic forms of any matrix under a projector that does not depend on rho."""
    return _centred(operator, space.effects, space.project, space.n, space.is_within)


def _centred(
    operator: LagOperator, effects: Effects, project: Callable[[Float], Float], n: float, means: bool
) -> ErrorMoments:
    squares = operator.column_squares
    diagonal = np.stack([-squares, -operator.own])
    layout = operator.layout
    plain = ErrorMoments(operator, diagonal, n, float(squares.sum()) / layout.n_rows)
    if not effects.any or (means and not effects.has_time):
        # Unit means of a balanced panel leave the moments at zero: A_q has no diagonal.
        return plain
    if means and layout.n_units > 2:
        sums = plain.apply(np.ones(layout.n_rows))
        centring = np.stack([_time_centring(row, layout.n_units) for row in sums])
    else:
        centring = -_trace_per_row(plain, project)[:, None] * np.ones(layout.n_rows)
    return ErrorMoments(operator, diagonal + centring, plain.n, plain.trace)


def _time_centring(sums: Float, n: int) -> Float:
    r"""Return d with :math:`\operatorname{diag}(J(A + \operatorname{diag} d)J) = 0`, J = I - 11'/N; (R,)."""
    # A has a zero diagonal, so (JAJ)_ii = -2 (A1)_i / N + 1'A1 / N^2.
    inner = -2.0 * sums / n + sums[:n].sum() / n**2
    s = -inner[:n].sum() * n / (n - 1)
    return np.asarray((-inner - s / n**2) / (1.0 - 2.0 / n))


def _trace_per_row(moments: ErrorMoments, project: Callable[[Float], Float]) -> Float:
    """Return tr(P A_q P) / n by Hutchinson's estimator, with tr(A_q) = 0 known; (2,)."""
    random = np.random.default_rng(np.random.SeedSequence(20040118))
    probes = random.choice(np.array([-1.0, 1.0]), size=(moments.operator.layout.n_rows, _PROBES))
    swept = project(probes)
    total = np.zeros(2)
    for k in range(_PROBES):
        x, y = probes[:, k].copy(), swept[:, k].copy()
        total += moments.form(y) - moments.form(x)
    return total / _PROBES / moments.n


def unweighted_scale(bound: float) -> Float:
    """Return what the two moments are multiplied by, to be those of M over its spectral radius.

    They are multiplied by a^2 and a where M is multiplied by a: squares of the plain ones would make rho
    depend on the unit in which distances are measured.
    """
    scale = bound / _INSIDE
    return np.array([scale**2, scale])


def _weight(weight: Float | None, bound: float) -> Float:
    return np.diag(unweighted_scale(bound) ** 2) if weight is None else weight


def fit_rho(a: Float, b: Float, moments: ErrorMoments, weight: Float | None, bound: float) -> RhoFit:
    r"""Minimise m(rho)' Upsilon m(rho), with :math:`\varepsilon(\rho) = a - \rho b`.

    Parameters
    ----------
    a, b : arrays (R,)
        The residual and its lag by M, effects partialled out of each.
    moments : ErrorMoments
    weight : array (2, 2), optional
        Upsilon: the inverse of Psi last; first none, the identity for M of spectral radius one.
    bound : float
        The minimum is sought in [-bound, bound].
    """
    return fit_rho_forms(*moments.forms(a, b), moments.n, weight, bound)


def fit_rho_forms(aa: Float, ab: Float, bb: Float, n: float, weight: Float | None, bound: float) -> RhoFit:
    """Return the same from the forms a'A_q a, a'A_q b and b'A_q b alone; (2,) each."""
    g, linear, square = aa / n, 2.0 * ab / n, -bb / n
    rho = _minimum(_criterion(g, linear, square, _weight(weight, bound)), bound)
    return RhoFit(rho, abs(rho) >= bound, linear + 2.0 * rho * square)


def fit_rho_1999(a: Float, b: Float, c: Float, moments: ErrorMoments, bound: float) -> tuple[RhoFit, float]:
    r"""Minimise the three moments of Kelejian and Prucha (1999, eq. 7) over rho and sigma squared.

    Parameters
    ----------
    a, b, c : arrays (R,)
        u, Mu and MMu, effects partialled out.

    Returns
    -------
    RhoFit, float
        rho with its moments after sigma squared is concentrated out, and sigma squared.
    """
    n = moments.n
    g = np.array([a @ a, b @ b, a @ b]) / n
    linear = np.array([2 * (a @ b), 2 * (c @ b), a @ c + b @ b]) / n
    square = -np.array([b @ b, c @ c, b @ c]) / n
    unit = bound / _INSIDE  # as if the spectral radius of M were one
    each = np.array([1.0, unit**2, unit])
    g, linear, square = each * g, each * linear, each * square
    scale = each * np.array([1.0, moments.trace, 0.0])
    free = np.eye(3) - np.outer(scale, scale) / (scale @ scale)
    rho = _minimum(_criterion(g, linear, square, free), bound)
    left = g - linear * rho - square * rho**2
    variance = float(scale @ left / (scale @ scale))
    return RhoFit(rho, abs(rho) >= bound, linear + 2.0 * rho * square), variance


def fit_rho_profile(
    residual: Callable[[float], Float], moments: ErrorMoments, weight: Float | None, bound: float
) -> RhoFit:
    """Minimise the criterion where the projector depends on rho: a grid, then Brent's method.

    Parameters
    ----------
    residual : function of rho
        Returns the filtered residual with the filtered effects partialled out; (R,).
    """
    from scipy.optimize import minimize_scalar

    upsilon = _weight(weight, bound)

    def moment(rho: float) -> Float:
        return moments.form(residual(rho)) / moments.n

    def criterion(rho: float) -> float:
        m = moment(rho)
        return float(m @ upsilon @ m)

    grid = np.linspace(-bound, bound, _GRID)
    values = [criterion(float(r)) for r in grid]
    best = int(np.argmin(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    found = minimize_scalar(criterion, bounds=(low, high), method="bounded", options={"xatol": 1e-10 * bound})
    rho = float(found.x) if found.fun <= values[best] else float(grid[best])
    step = 1e-4 * bound
    slope = (moment(min(rho + step, bound)) - moment(max(rho - step, -bound))) / (
        min(rho + step, bound) - max(rho - step, -bound)
    )
    return RhoFit(rho, bound - abs(rho) < 1e-6 * bound, -slope)


def _criterion(g: Float, linear: Float, square: Float, weight: Float) -> Float:
    """Return the coefficients of m'Um, highest power first, for m = g - linear r - square r^2."""
    terms = (-square, -linear, g)
    out = np.zeros(5)
    for i, left in enumerate(terms):
        for j, right in enumerate(terms):
            out[i + j] += left @ weight @ right
    return out


def _minimum(polynomial: Float, bound: float) -> float:
    """Return the global minimum of a quartic on [-bound, bound]."""
    roots = np.roots(np.polyder(polynomial))
    real = roots[np.abs(roots.imag) < 1e-8 * np.maximum(1.0, np.abs(roots))].real
    candidates = np.concatenate([real[np.abs(real) < bound], [-bound, bound]])
    return float(candidates[np.argmin(np.polyval(polynomial, candidates))])
