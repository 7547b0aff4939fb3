r"""Maximum likelihood with random effects of units, in two forms.

.. math:: y_t = \lambda W y_t + Z_t b + u_t, \qquad
          \text{KKP: } u_t = \rho M u_t + \mu + v_t, \qquad
          \text{BSK: } u_t = \mu + (I - \rho M)^{-1}v_t

Kapoor, Kelejian and Prucha (2007): the filter is on effects and innovations; Baltagi, Song and Koh (2003): on
the innovations alone.  With :math:`\psi = \sigma_v^2/(\sigma_v^2 + T\sigma_\mu^2)` the deviations from unit
means and the means are two independent samples, the second with its own covariance:

.. math:: \text{KKP: } \sigma_v^2\psi^{-1}(R'R)^{-1}, \qquad
          \text{BSK: } \sigma_v^2\{(\psi^{-1} - 1)I + (R'R)^{-1}\}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import linalg

from spatial.errors import DataError
from spatial.models.data.effects import within
from spatial.models.data.instruments import triangular_factor

from .determinants import Anchored
from .model import Model

__all__ = ["RandomForm", "RandomMaximum", "RandomProfile", "maximise_random", "random_profile"]

Float = NDArray[np.float64]
Free = NDArray[np.bool_]
Loss = Callable[[Float], float]
RandomForm = Literal["kkp", "bsk"]

BSK_UNITS = 2_000
_LEAST = 1e-8
_SHARES = (0.01, 0.1, 0.4, 0.8)


@dataclass(frozen=True, eq=False)
class RandomProfile:
    """The likelihood with coefficients and the variance concentrated out: a function of (lambda, rho, psi).

    Parameters
    ----------
    model : Model
    form : "kkp" or "bsk"
    fixed : (int, float), optional
        A parameter that is not sought: one of the other terms, -2 lambda, -1 rho.
    """

    model: Model
    form: RandomForm
    fixed: tuple[int, float] | None = None

    @property
    def times(self) -> int:
        """T."""
        return self.model.design.layout.n_times

    @property
    def n(self) -> int:
        """Observations, time effects out."""
        return self.model.design.n_effective

    @property
    def groups(self) -> int:
        """N, or N - 1 where time effects are out."""
        return self.n // self.times

    @cached_property
    def _parts(self) -> tuple[tuple[Float, Float], tuple[Float, Float]]:
        """Columns as they are and lagged by M, of deviations and of scaled means; triangular factors."""
        plain, layout = self.model.plain, self.model.design.layout
        lagged = np.zeros_like(plain) if self.model.lagged is None else self.model.lagged
        q = plain.shape[1]
        both = np.concatenate([plain, lagged], axis=1)
        left = triangular_factor(within(both, layout, True, False))
        means = both.reshape(layout.n_times, layout.n_units, -1).mean(axis=0) * np.sqrt(layout.n_times)
        if self.form == "kkp":
            means = triangular_factor(means)
        return (left[:, :q], left[:, q:]), (means[:, :q], means[:, q:])

    @cached_property
    def _M(self) -> Float:
        assert self.model.error is not None
        return np.asarray(self.model.matrix(self.model.error).toarray())

    def columns(self, place: Float) -> tuple[Float, float]:
        """Return all columns weighted to unit variance, and the terms of the log-likelihood beside them."""
        _, rho, psi = place
        (a, a1), (b, b1) = self._parts
        deviations, means = a - rho * a1, b - rho * b1
        if self.form == "kkp" or self.model.error is None:
            return np.vstack([deviations, np.sqrt(psi) * means]), self.groups / 2 * float(np.log(psi))
        R = np.eye(len(self._M)) - rho * self._M
        root = linalg.cholesky(np.eye(len(R)) + (1 / psi - 1) * R @ R.T, lower=True)
        weighted = linalg.solve_triangular(root, means, lower=True)
        return np.vstack([deviations, weighted]), -float(np.sum(np.log(np.diag(root))))

    def solved(self, place: Float) -> tuple[float, Float, float, Float]:
        """Return the log-likelihood, the coefficients, the variance and the inverse of Z'Z."""
        columns, value = self.columns(place)
        own = 1 + (self.model.lag is not None)
        y, Z = columns[:, 0] - (place[0] * columns[:, 1] if own == 2 else 0.0), columns[:, own:]
        if self.fixed is not None and self.fixed[0] >= 0:
            k, held = self.fixed
            y, Z = y - held * Z[:, k], np.delete(Z, k, axis=1)
        Q, R = np.linalg.qr(Z)
        b = np.linalg.solve(R, Q.T @ y)
        e = y - Z @ b
        variance = float(e @ e) / self.n
        value -= self.n / 2 * (float(np.log(2 * np.pi * variance)) + 1)
        for a, name in zip(place[:2], (self.model.lag, self.model.error), strict=True):
            jacobian = self.model.jacobian(name)
            value += 0.0 if jacobian is None else jacobian(float(a))[0]
        inverse = np.linalg.inv(R)
        return value, b, variance, np.asarray(inverse @ inverse.T)

    @property
    def free(self) -> list[int]:
        """Which of (lambda, rho, psi) are sought."""
        names = (self.model.lag, self.model.error)
        held = None if self.fixed is None else self.fixed[0] + 2
        return [k for k, name in enumerate(names) if name is not None and k != held] + [2]

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """The range of each that is sought."""
        names = (self.model.lag, self.model.error)
        found = [self.model.jacobian(names[k]) for k in self.free[:-1]]
        return [j.determinant.bounds for j in found if j is not None] + [(_LEAST, 1.0)]

    def highest(self, near: Float) -> float:
        """Return the maximum, with a parameter held, searched from a place near it."""
        start, free, (low, high) = near.copy(), self.free, np.array(self.bounds).T
        if self.fixed is not None and self.fixed[0] < 0:
            start[self.fixed[0] + 2] = self.fixed[1]

        def loss(x: Float) -> float:
            place = start.copy()
            place[free] = x
            return -self.solved(place)[0]

        begins = [np.clip(start[free], low, high)]
        if free == [0, 1, 2]:  # a lag and an error may change places
            begins.append(np.clip(start[[1, 0, 2]], low, high))
        options = {"ftol": 1e-13}
        found = [
            scipy.optimize.minimize(loss, x, method="L-BFGS-B", bounds=self.bounds, options=options)
            for x in begins
        ]
        return -min(float(f.fun) for f in found)


def random_profile(model: Model, form: RandomForm) -> RandomProfile:
    """Return the profile of a model with random effects, or refuse it."""
    layout = model.design.layout
    if layout.n_times < 2:
        raise DataError("Random effects need at least two times: with one they are the errors.")
    if not layout.is_balanced or not model.is_constant:
        raise DataError(
            "Random effects by likelihood are for balanced panels with the same weights at all times: use "
            "unbalanced='balance', or fixed effects and method='gs2sls'."
        )
    if model.direct:
        raise DataError("compat='direct' is about fixed effects: with random ones all rows count.")
    if form == "bsk" and model.error is not None:
        if model.has_time:
            raise DataError("random='bsk' has no time effects beside it: use random='kkp'.")
        if layout.n_units > BSK_UNITS:
            raise DataError(
                f"random='bsk' needs a dense factorisation of {layout.n_units} units at each step, and is "
                f"offered up to {BSK_UNITS}: use random='kkp'."
            )
    return RandomProfile(model, form)


@dataclass(frozen=True, eq=False)
class RandomMaximum:
    """Where the search ended.

    Parameters
    ----------
    place : array (3,)
        lambda, rho and psi.
    value : float
    slopes : array (k,)
    variance : float
        Of v.
    covariance : array (k + sought, k + sought)
        Of the slopes and of those of (lambda, rho, psi) that were sought, by the observed information.
    at_bound : tuple of bool
        Of lambda, rho and psi.
    converged : bool
    """

    place: Float
    value: float
    slopes: Float
    variance: float
    covariance: Float
    at_bound: tuple[bool, bool, bool]
    converged: bool


def maximise_random(profile: RandomProfile) -> RandomMaximum:
    """Search from several shares of the effects, and end with Newton steps by differences."""
    free, bounds = profile.free, profile.bounds

    def full(x: Float) -> Float:
        place = np.array([0.0, 0.0, 1.0])
        place[free] = x
        return place

    def loss(x: Float) -> float:
        return -profile.solved(full(x))[0]

    begins = [np.array([*(0.0 for _ in bounds[1:]), share]) for share in _SHARES]
    begins += [np.array([*(0.4 * high for _, high in bounds[:-1]), 0.1])]
    found = [scipy.optimize.minimize(loss, x, method="L-BFGS-B", bounds=bounds) for x in begins]
    best = np.asarray(min(found, key=lambda f: float(f.fun)).x, dtype=np.float64)
    low, high = np.array(bounds).T
    width = high - low
    inside = (best > low + 1e-6 * width) & (best < high - 1e-6 * width)
    best, converged = _polished(loss, best, inside, low, high)
    while _refined(profile, loss, full, best, inside):
        best, converged = _polished(loss, best, inside, low, high)
    value, slopes, variance, gram = profile.solved(full(best))
    covariance = _covariance(profile, full, best, inside, variance * gram)
    bound = np.zeros(3, dtype=bool)
    bound[free] = ~inside
    hit = (bool(bound[0]), bool(bound[1]), bool(bound[2]))
    return RandomMaximum(full(best), value, slopes, variance, covariance, hit, converged)


def _steps(x: Float) -> Float:
    return np.asarray(1e-4 * np.maximum(np.abs(x), 0.01))


def _curvature(loss: Loss, x: Float, free: Free) -> tuple[Float, Float]:
    """Return the gradient and the Hessian by central differences, of the free elements."""
    places, h, middle = np.flatnonzero(free).tolist(), _steps(x), loss(x)
    k = len(places)
    gradient, hessian = np.empty(k), np.empty((k, k))

    def at(*moves: tuple[int, float]) -> float:
        moved = x.copy()
        for place, sign in moves:
            moved[place] += sign * h[place]
        return float(loss(moved))

    for i, p in enumerate(places):
        up, down = at((p, 1)), at((p, -1))
        gradient[i], hessian[i, i] = (up - down) / (2 * h[p]), (up - 2 * middle + down) / h[p] ** 2
        for j, q in enumerate(places[:i]):
            total = at((p, 1), (q, 1)) - at((p, 1), (q, -1)) - at((p, -1), (q, 1)) + at((p, -1), (q, -1))
            hessian[i, j] = hessian[j, i] = total / (4 * h[p] * h[q])
    return gradient, hessian


def _polished(loss: Loss, x: Float, free: Free, low: Float, high: Float) -> tuple[Float, bool]:
    """Take Newton steps while they lead downhill."""
    for _ in range(8):
        if not free.any():
            return x, True
        gradient, hessian = _curvature(loss, x, free)
        step = np.linalg.solve(hessian, gradient)
        new = x.copy()
        new[free] -= step
        if ((new < low) | (new > high)).any() or not loss(new) <= loss(x) + 1e-9:
            return x, bool(np.abs(step).max() < 1e-3)
        x = new
        if float(np.abs(step).max()) < 1e-9:
            break
    return x, True


def _refined(
    profile: RandomProfile, loss: Loss, full: Callable[[Float], Float], x: Float, free: Free
) -> bool:
    """Make log-determinants that are rough exact about a maximum; return whether they changed."""
    rough = {
        k: jacobian.determinant
        for k, name in enumerate((profile.model.lag, profile.model.error))
        if (jacobian := profile.model.jacobian(name)) is not None
        and isinstance(jacobian.determinant, Anchored)
        and free[profile.free.index(k)]
    }
    if not rough:
        return False
    spread = np.zeros(3)
    variances = np.diag(np.linalg.inv(_curvature(loss, x, free)[1]))
    spread[np.array(profile.free)[free]] = np.sqrt(np.abs(variances))
    changed = False
    for k, found in rough.items():
        changed |= found.refine(float(full(x)[k]), 3 * float(spread[k]))
    return changed


def _covariance(
    profile: RandomProfile, full: Callable[[Float], Float], x: Float, inside: Free, gram: Float
) -> Float:
    r"""Return the inverse of the observed information from that of the profile.

    .. math:: V_\eta = (-\partial^2 L_c)^{-1}, \qquad V_b = \sigma^2(Z'Z)^{-1} + BV_\eta B', \qquad
              B = \partial\hat b/\partial\eta'
    """
    k, count = len(gram), len(x)
    V = np.zeros((count, count))
    if inside.any():
        _, hessian = _curvature(lambda z: -profile.solved(full(z))[0], x, inside)
        V[np.ix_(inside, inside)] = np.linalg.inv(hessian)
    slope, h = np.zeros((k, count)), _steps(x)
    for p in np.flatnonzero(inside):
        up, down = x.copy(), x.copy()
        up[p] += h[p]
        down[p] -= h[p]
        slope[:, p] = (profile.solved(full(up))[1] - profile.solved(full(down))[1]) / (2 * h[p])
    out = np.zeros((k + count, k + count))
    out[:k, :k] = gram + slope @ V @ slope.T
    out[:k, k:] = slope @ V
    out[k:, :k] = out[:k, k:].T
    out[k:, k:] = V
    return out
