r"""Dynamic models, y with its own past: quasi-maximum likelihood with the bias of the score taken off.

.. math:: y_t = \lambda Wy_t + \tau y_{t-1} + \eta Wy_{t-1} + Z_tb + \mu + u_t, \qquad u_t = \rho Mu_t + e_t

With unit effects out, the past of y is correlated with the mean of the innovations, and so is the score
(Nickell 1981; Yu, de Jong and Lee 2008).  Its expectation, given the first observation, is known: with
:math:`\omega` the eigenvalues of W (without that of the constant where time effects are out) and

.. math:: a = \frac{\tau + \eta\omega}{1 - \lambda\omega}, \qquad
          c(a) = \sum_{h=0}^{T-2}\Bigl(1 - \frac{h + 1}{T}\Bigr)a^h, \qquad
          E\,\psi_\tau = -\sum\frac{c(a)}{1 - \lambda\omega}, \quad
          E\,\psi_\eta = -\sum\frac{\omega c(a)}{1 - \lambda\omega}, \quad
          E\,\psi_\lambda = -\sum\frac{\omega a c(a)}{1 - \lambda\omega}.

A spatial error changes none of these, for its filter R stands in them as :math:`R\,\cdot\,R^{-1}`, and the
score of rho has no bias.  The estimate is where the score equals its expectation: to first order the bias
correction of Yu, de Jong and Lee (2008) and, with time effects, of Lee and Yu (2010); exact in T, as the
M-estimator of Yang (2018).  Where the equation has no root, which happens in about one of a hundred samples
with four times, the one step of 2008 is made, and said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.formula.structure import Term

from .determinants import Eigenvalues
from .model import Model
from .profile import Maximum, maximise

__all__ = ["MOST_UNITS", "Corrected", "corrected", "past_terms"]

Float = NDArray[np.float64]

MOST_UNITS = 3_000


def past_terms(model: Model) -> tuple[int | None, int | None]:
    """Return which of the other terms are the past of y, and its spatial lag."""
    own = lagged = None
    for k, j in enumerate(model.terms):
        term = model.equation.terms[j]
        if term.role == "predetermined":
            if term.weights is None:
                own = k
            else:
                lagged = k
    return own, lagged


@dataclass(frozen=True, eq=False)
class Corrected:
    """The estimate where the score equals its expectation.

    Parameters
    ----------
    found : Maximum
        At the corrected values.
    first : Maximum
        Of the likelihood itself.
    covariance : array (k + 0 to 2, same)
        Of the other terms, then lambda and rho where they are.
    largest : float
        The largest absolute a: below 1 the process is stationary.
    rooted : bool
        Whether the adjusted score has a root; else one step of the correction was made from the maximum.
    """

    found: Maximum
    first: Maximum
    covariance: Float
    largest: float
    rooted: bool = True


@dataclass(frozen=True, eq=False)
class _Score:
    model: Model

    @cached_property
    def omega(self) -> NDArray[np.complex128]:
        """Eigenvalues of W, without that of the constant where time effects are out; zeros without W."""
        model, n = self.model, self.model.design.layout.n_units
        name = model.lag or next((t.weights for t in self._past if t.weights is not None), None)
        if name is None:
            return np.zeros(n - model.has_time, dtype=np.complex128)
        if n > MOST_UNITS:
            raise DataError(
                f"The bias of dynamic models needs the eigenvalues of the weights, and is computed up to "
                f"{MOST_UNITS} units: use method='gs2sls'."
            )
        values = Eigenvalues.of(model.matrix(name)).values
        if model.has_time:
            row_sum = model.operator(name).constant_row_sum or 0.0
            values = np.delete(values, int(np.argmin(np.abs(values - row_sum))))
        return values

    @property
    def _past(self) -> list[Term]:
        return [self.model.equation.terms[j] for j in self.model.terms if self.model.equation.terms[j].shift]

    def roots(self, b: Float, lam: float) -> NDArray[np.complex128]:
        """Return a, one for each eigenvalue."""
        own, lagged = past_terms(self.model)
        tau = b[own] if own is not None else 0.0
        eta = b[lagged] if lagged is not None else 0.0
        return np.asarray((tau + eta * self.omega) / (1 - lam * self.omega))

    def bias(self, b: Float, lam: float) -> tuple[Float, float]:
        """Return minus the expected score of the other terms and of lambda."""
        out = np.zeros(len(b))
        if not self.model.has_unit:
            return out, 0.0
        times, a = self.model.design.layout.n_times, self.roots(b, lam)
        orders = np.arange(times - 1)
        share = (1 - (orders + 1) / times) @ a[None, :] ** orders[:, None]
        own, lagged = past_terms(self.model)
        spread = share / (1 - lam * self.omega)
        if own is not None:
            out[own] = float(np.real(spread.sum()))
        if lagged is not None:
            out[lagged] = float(np.real((self.omega * spread).sum()))
        return out, float(np.real((self.omega * a * spread).sum()))

    def place(self, theta: Float) -> Float:
        """Return lambda and rho, inside their range: a search may try what no process has."""
        profile, out = self.model.profile, np.zeros(2)
        for j, k in enumerate(profile.free, start=profile.Z.shape[2]):
            out[k] = np.clip(theta[j], *profile.bounds(k))
        return out

    def __call__(self, theta: Float, adjusted: bool = True) -> Float:
        """Return the score of (other terms, lambda, rho, variance), less its expectation."""
        profile, place = self.model.profile, self.place(theta)
        k, lam = profile.Z.shape[2], float(place[0])
        b, s2 = theta[:k], float(theta[-1])
        y, w, Z = profile.parts(place)
        e = y - Z @ b
        shift, shift_lam = self.bias(b, lam) if adjusted else (np.zeros(k), 0.0)
        parts = [*(Z.T @ e / s2 + shift)]
        if profile.lag is not None:
            parts.append(float(w @ e) / s2 + profile.lag(lam)[1] + shift_lam)
        if profile.error is not None:
            v = profile.y[1] - lam * profile.w[1] - profile.Z[1] @ b
            parts.append(float(v @ e) / s2 + profile.error(float(place[1]))[1])
        parts.append(float(e @ e) / (2 * s2**2) - profile.n / (2 * s2))
        return np.array(parts)


def corrected(model: Model) -> Corrected:
    """Return the estimate of a dynamic model with the bias of its score taken off.

    Standard errors: :math:`H^{-1}IH^{-\\prime}` with H minus the slope of the adjusted score and I the
    observed information.
    """
    profile = model.profile
    first, score = maximise(profile), _Score(model)
    free, k = list(profile.free), profile.Z.shape[2]
    start = np.array([*first.point.slopes, *first.place[free], first.point.variance])
    low, high = np.array([profile.bounds(j) for j in free]).reshape(-1, 2).T
    # Coefficients count by what their columns add in standard deviations: the root has no units.
    size = np.sqrt(np.sum(profile.parts(first.place)[2] ** 2, axis=0) / (profile.n * start[-1]))
    unit = np.array([*(1.0 / np.where(size > 0, size, 1.0)), *np.ones(len(free)), start[-1]])

    def scaled(u: Float, adjusted: bool = True) -> Float:
        return np.asarray(score(u * unit, adjusted) * unit)

    rooted, at = True, start / unit
    if model.has_unit:
        with np.errstate(over="ignore", invalid="ignore"):
            solved = scipy.optimize.root(scaled, at, method="lm", options={"xtol": 1e-14, "ftol": 1e-14})
        at = np.asarray(solved.x, dtype=np.float64)
        rooted = bool(at[-1] > 0 and np.abs(scaled(at)).max() <= 1e-6 * model.n)
        rooted &= bool(((low < at[k:-1]) & (at[k:-1] < high)).all())
        if not rooted:
            at = start / unit
            at = at - np.linalg.solve(_slope(lambda u: scaled(u, False), at), scaled(at))
            at[k:-1] = np.clip(at[k:-1], low, high)
    theta = at * unit
    place = score.place(theta)
    H = -_slope(scaled, at)
    information = -_slope(lambda u: scaled(u, False), at)
    bread = np.linalg.inv(H)
    V = bread @ information @ bread.T * np.outer(unit, unit)
    value, point = _value(model, theta, place), profile(place)
    moved = type(point)(value, point.gradient, point.hessian, theta[:k], float(theta[-1]))
    found = Maximum(place, moved, first.at_bound, -np.inf, first.converged)
    largest = float(np.abs(score.roots(theta[:k], float(place[0]))).max(initial=0.0))
    return Corrected(found, first, V[:-1, :-1], largest, rooted)


def _value(model: Model, theta: Float, place: Float) -> float:
    """Return the log-likelihood at any values."""
    profile = model.profile
    y, _, Z = profile.parts(place)
    e = y - Z @ theta[: Z.shape[1]]
    s2 = float(theta[-1])
    value = -profile.n / 2 * float(np.log(2 * np.pi * s2)) - float(e @ e) / (2 * s2)
    jacobians = zip(profile.jacobians, place, strict=True)
    return value + sum(j(float(a))[0] for j, a in jacobians if j is not None)


def _slope(function: Callable[[Float], Float], theta: Float) -> Float:
    """Return derivatives by central differences; column j by parameter j."""
    steps = 1e-5 * np.maximum(np.abs(theta), 1e-2)
    out = np.empty((len(theta), len(theta)))
    for j, h in enumerate(steps):
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        out[:, j] = (function(up) - function(down)) / (2 * h)
    return out
