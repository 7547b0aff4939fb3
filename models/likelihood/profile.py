r"""The likelihood with coefficients and variance concentrated out: a function of lambda and rho.

.. math::

    e = P(I - \rho M)\{(I - \lambda W)y - Zb\}, \qquad
    L(\lambda, \rho) = -\frac{n}{2}\Bigl(\log\frac{2\pi e'e}{n} + 1\Bigr) + J_W(\lambda) + J_M(\rho),

    J_W(\lambda) = m\log|I - \lambda W| - c\log(1 - \lambda r)

All sums of squares come from the triangular root of one Gram matrix of P[y, Wy, Z, My, MWy, MZ], so that a
value costs the same whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .determinants import LogDeterminant

__all__ = ["Jacobian", "Maximum", "Point", "Profile", "Surface", "maximise"]

Float = NDArray[np.float64]

_STEPS, _TINY = 100, 1e-12
_EDGE = 1e-3
_WINDOW, _REFINED = 3.0, 10  # standard errors about the maximum, and how often they may be looked at


@dataclass(frozen=True, eq=False)
class Jacobian:
    r"""The log-Jacobian of a spatial filter, :math:`m\log|I - aW| - c\log(1 - ar)`.

    Parameters
    ----------
    determinant : LogDeterminant
    copies : int
        m, how many times the matrix serves.
    removed : int
        c, how many constant vectors time effects take out.
    row_sum : float
        r, of each row of W.
    """

    determinant: LogDeterminant
    copies: int
    removed: int = 0
    row_sum: float = 0.0

    def __call__(self, a: float) -> tuple[float, float, float]:
        """Return the value and two derivatives."""
        value, slope, curve = (self.copies * part for part in self.determinant(a))
        if self.removed:
            g = self.row_sum / (1 - a * self.row_sum)
            value -= self.removed * float(np.log1p(-a * self.row_sum))
            slope, curve = slope + self.removed * g, curve + self.removed * g**2
        return value, slope, curve

    def error(self, a: float) -> float:
        """Return what the value may be off by."""
        return self.copies * self.determinant.error(a)


@dataclass(frozen=True, eq=False)
class Point:
    """The profile likelihood at one place.

    Parameters
    ----------
    value : float
    gradient : array (2,)
        By lambda and rho.
    hessian : array (2, 2)
    slopes : array (k,)
        Coefficients of the other terms.
    variance : float
        e'e / n.
    """

    value: float
    gradient: Float
    hessian: Float
    slopes: Float
    variance: float


class Surface(Protocol):
    """What can be maximised over (lambda, rho)."""

    def __call__(self, place: Float) -> Point:
        """Return the value there, with derivatives."""

    def values(self, axes: tuple[Float, Float]) -> Float:
        """Return the values alone over a grid."""

    @property
    def free(self) -> tuple[int, ...]:
        """Which of the two are sought."""

    @property
    def start(self) -> Float:
        """Both, those that are fixed at their values."""

    def bounds(self, k: int) -> tuple[float, float]:
        """Return the range of one of them."""

    def starts(self, k: int) -> Float:
        """Return where the search for it may begin."""

    def refine(self, found: Point, place: Float) -> bool:
        """Make the values about a maximum exact; return whether they changed."""


@dataclass(frozen=True, eq=False)
class Profile:
    """The root of the Gram matrix, in blocks, and the Jacobians.

    Parameters
    ----------
    y, w : arrays (2, r)
        The outcome and its spatial lag: as they are, and lagged by M.
    Z : array (2, r, k)
        The other terms, alike.
    n : int
        Effective observations.
    lag, error : Jacobian, optional
        Of W and M; None where there is none.
    fixed : (float, float)
        lambda and rho where they are not sought; NaN where they are.
    """

    y: Float
    w: Float
    Z: Float
    n: int
    lag: Jacobian | None
    error: Jacobian | None
    fixed: tuple[float, float] = (np.nan, np.nan)

    @property
    def jacobians(self) -> tuple[Jacobian | None, Jacobian | None]:
        """Of the lag and of the error."""
        return self.lag, self.error

    @property
    def free(self) -> tuple[int, ...]:
        """Which of lambda and rho are sought."""
        return tuple(k for k, j in enumerate(self.jacobians) if j is not None and np.isnan(self.fixed[k]))

    @property
    def start(self) -> Float:
        """Both at zero, those fixed at their values."""
        return np.asarray(np.nan_to_num(np.array(self.fixed)), dtype=np.float64)

    def bounds(self, k: int) -> tuple[float, float]:
        """Return the range of lambda or rho."""
        jacobian = self.jacobians[k]
        assert jacobian is not None
        return jacobian.determinant.bounds

    def starts(self, k: int) -> Float:
        """Return where the search for it may begin."""
        jacobian = self.jacobians[k]
        assert jacobian is not None
        return jacobian.determinant.starts

    def refine(self, found: Point, place: Float) -> bool:
        """Make the log-determinants about a maximum exact; return whether they changed."""
        free, changed = list(self.free), False
        curvature = -found.hessian[np.ix_(free, free)]
        values, vectors = np.linalg.eigh(curvature)
        spread = (vectors**2) @ (1 / np.maximum(values, 1e-12 * max(1.0, float(np.abs(values).max()))))
        for k, variance in zip(free, spread, strict=True):
            jacobian = self.jacobians[k]
            assert jacobian is not None
            changed |= jacobian.determinant.refine(float(place[k]), _WINDOW * float(np.sqrt(variance)))
        return changed

    def fixing(self, k: int, value: float) -> Profile:
        """Return the profile with one more parameter at a value: the k-th term, -2 for lambda, -1 for rho."""
        if k < 0:
            fixed = (value, self.fixed[1]) if k == -2 else (self.fixed[0], value)
            return replace(self, fixed=fixed)
        kept = np.delete(np.arange(self.Z.shape[2]), k)
        return replace(self, y=self.y - value * self.Z[:, :, k], Z=self.Z[:, :, kept])

    def parts(self, place: Float) -> tuple[Float, Float, Float]:
        """Return the filtered P R (S y), P R W y and P R Z in the coordinates of the root."""
        lam, rho = place
        y, w, Z = (part[0] - rho * part[1] for part in (self.y, self.w, self.Z))
        return y - lam * w, w, Z

    def values(self, axes: tuple[Float, Float]) -> Float:
        """Return the values over a grid of lambda and rho."""
        lam, rho = axes[0][:, None, None], axes[1][None, :, None]
        y = self.y[0] - lam * self.w[0] - rho * (self.y[1] - lam * self.w[1])
        Z = self.Z[0] - axes[1][:, None, None] * self.Z[1]
        left = y - np.einsum("brk,abk->abr", (Q := np.linalg.qr(Z)[0]), np.einsum("brk,abr->abk", Q, y))
        out = -self.n / 2 * (np.log(2 * np.pi * np.sum(left**2, axis=-1) / self.n) + 1)
        for k, jacobian in enumerate(self.jacobians):
            if jacobian is not None:
                found = np.array([jacobian(float(a))[0] for a in axes[k]])
                out = out + (found[:, None] if k == 0 else found[None])
        return np.asarray(out)

    def solved(self, place: Float) -> tuple[float, Float, float, Float]:
        """Return the log-likelihood there, the coefficients, the variance and the inverse of Z'Z."""
        y, _, Z = self.parts(place)
        Q, R = np.linalg.qr(Z)
        inverse = np.linalg.inv(R)
        b = inverse @ (Q.T @ y)
        variance = float(np.sum((y - Z @ b) ** 2)) / self.n
        value = -self.n / 2 * (float(np.log(2 * np.pi * variance)) + 1)
        for jacobian, a in zip(self.jacobians, place, strict=True):
            value += 0.0 if jacobian is None else jacobian(float(a))[0]
        return value, b, variance, np.asarray(inverse @ inverse.T)

    def __call__(self, place: Float) -> Point:
        """Return the profile likelihood at (lambda, rho), with exact derivatives."""
        lam, n = float(place[0]), self.n
        y, w, Z = self.parts(place)
        Q, R = np.linalg.qr(Z)
        b = np.linalg.solve(R, Q.T @ y) if Z.shape[1] else np.zeros(0)
        e = y - Z @ b
        total = float(e @ e)
        v = self.y[1] - lam * self.w[1] - self.Z[1] @ b  # M u
        moved = np.linalg.solve(R.T @ R, self.Z[1].T @ e + Z.T @ v) if len(b) else b  # -db/drho
        v_left = v - Z @ moved
        cross = float(v_left @ w + e @ self.w[1])
        first = -2 * np.array([e @ w, e @ v])
        w_left = w - Q @ (Q.T @ w)
        second = 2 * np.array([[w_left @ w_left, cross], [cross, v_left @ v - e @ (self.Z[1] @ moved)]])
        value = -n / 2 * (np.log(2 * np.pi * total / n) + 1)
        gradient = -n / 2 * first / total
        hessian = -n / 2 * (second / total - np.outer(first, first) / total**2)
        for k, jacobian in enumerate(self.jacobians):
            if jacobian is not None:
                f, slope, curve = jacobian(float(place[k]))
                value, gradient[k], hessian[k, k] = value + f, gradient[k] + slope, hessian[k, k] + curve
        return Point(float(value), gradient, hessian, b, total / n)


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the search ended.

    Parameters
    ----------
    place : array (2,)
        lambda and rho.
    point : Point
    at_bound : tuple of bool
        Of lambda and rho.
    other : float
        The value of the next best local maximum; minus infinity without one.
    converged : bool
    """

    place: Float
    point: Point
    at_bound: tuple[bool, bool]
    other: float
    converged: bool

    @property
    def value(self) -> float:
        """The log-likelihood."""
        return self.point.value


def maximise(surface: Surface, near: Float | None = None) -> Maximum:
    """Return the highest maximum: over a grid, then by Newton's method from each of its local maxima.

    Parameters
    ----------
    surface : Surface
    near : array (2,), optional
        A place to begin from, instead of the grid.
    """
    free = list(surface.free)
    with np.errstate(divide="ignore", invalid="ignore"):  # at the bounds, and without innovations
        if not free:
            return Maximum(surface.start, surface(surface.start), (False, False), -np.inf, True)
        begins = [near] if near is not None else _peaks(surface, free)
        found = sorted((_climb(surface, free, begin) for begin in begins), key=lambda m: -m.value)
    best = found[0]
    for _ in range(_REFINED):
        if not surface.refine(best.point, best.place):
            break
        best = _climb(surface, free, best.place)
    apart = [m.value for m in found[1:] if np.abs(m.place - best.place).max() > 1e-3]
    return replace(best, other=max(apart, default=-np.inf))


def _peaks(surface: Surface, free: list[int]) -> list[Float]:
    """Return the points of a grid that are higher than those beside them, the highest four."""
    first, second = (surface.starts(k) if k in free else surface.start[k : k + 1] for k in range(2))
    values = surface.values((first, second))
    framed = np.pad(np.where(np.isfinite(values), values, -np.inf), 1, constant_values=-np.inf)
    peaks = [
        (i, j)
        for i, j in np.ndindex(*values.shape)
        if np.isfinite(values[i, j]) and values[i, j] >= framed[i : i + 3, j : j + 3].max()
    ]
    best = sorted(peaks, key=lambda at: -values[at])[:4]
    return [np.array([first[i], second[j]]) for i, j in best] or [surface.start]


def _climb(surface: Surface, free: list[int], begin: Float) -> Maximum:
    """Newton's method, with steps that stay inside and never go down."""
    place, converged = begin.copy(), False
    limits = np.array([surface.bounds(k) for k in free])
    place[free] = np.clip(place[free], limits[:, 0], limits[:, 1])
    point = surface(place)
    for _ in range(_STEPS):
        step = _direction(point.gradient[free], point.hessian[np.ix_(free, free)])
        new, better = _moved(surface, place, point, free, step, limits)
        moved = np.abs(new - place).max()
        place, point = new, better
        if moved <= _TINY * max(1.0, float(np.abs(place).max())):
            converged = True
            break
    width = limits[:, 1] - limits[:, 0]
    near = np.minimum(place[free] - limits[:, 0], limits[:, 1] - place[free]) < _EDGE * width / 2
    bound = [False, False]
    for k, hit in zip(free, near, strict=True):
        bound[k] = bool(hit)
    return Maximum(place, point, (bound[0], bound[1]), -np.inf, converged)


def _direction(gradient: Float, hessian: Float) -> Float:
    """Return the Newton step, with the curvature made negative where it is not."""
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), 1e-10 * max(1.0, float(np.abs(values).max())))
    return np.asarray(vectors @ ((vectors.T @ gradient) / size))


def _moved(
    surface: Surface, place: Float, point: Point, free: list[int], step: Float, limits: Float
) -> tuple[Float, Point]:
    """Return the next place: at most nine tenths of the way to a bound, and not lower."""
    share = 1.0
    room = np.where(step > 0, limits[:, 1] - place[free], limits[:, 0] - place[free])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(step != 0, 0.9 * room / step, np.inf)
    share = min(1.0, float(np.min(ratio, initial=1.0)))
    for _ in range(50):
        new = place.copy()
        new[free] = place[free] + share * step
        found = surface(new)
        if found.value >= point.value - 1e-12 * abs(point.value):
            return new, found
        share /= 2
    return place, point
