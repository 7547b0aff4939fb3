r"""Information matrices: observed, expected (Lee and Yu 2010), the sandwich for errors that are not normal.

.. math::

    I_{bb} = \frac{Z_s'Z_s}{\sigma^2}, \quad I_{b\lambda} = \frac{Z_s'q}{\sigma^2}, \quad
    I_{\lambda\lambda} = m\operatorname{tr}[(\bar G + \bar G')\bar G] + \frac{q'q}{\sigma^2}, \quad
    I_{\rho\rho} = m\operatorname{tr}[(H + H')H], \quad I_{\lambda\rho} = m\operatorname{tr}[(H + H')\bar G]

with :math:`\bar G = RGR^{-1}`, :math:`H = MR^{-1}`, :math:`Z_s = PRZ`, :math:`q = PRGZb`, and traces of
:math:`J\,\cdot\,J`, :math:`J = I - 11'/N`, where time effects are out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError

from .model import Model, lag_place
from .profile import Maximum

__all__ = ["DENSE_UNITS", "Information"]

Float = NDArray[np.float64]

DENSE_UNITS = 4_000


@dataclass(frozen=True, eq=False)
class Information:
    """The information at the maximum, in the order: terms, lambda, rho, variance.

    Parameters
    ----------
    model : Model
    found : Maximum
    """

    model: Model
    found: Maximum

    @property
    def variance(self) -> float:
        """sigma^2."""
        return self.found.point.variance

    @cached_property
    def _active(self) -> list[int]:
        """Rows of the full matrix that belong to parameters of the model."""
        k = len(self.model.terms)
        kept = list(range(k))
        kept += [k] if self.model.lag is not None else []
        kept += [k + 1] if self.model.error is not None else []
        return [*kept, k + 2]

    def _cut(self, full: Float) -> Float:
        return full[np.ix_(self._active, self._active)]

    @cached_property
    def observed(self) -> Float:
        """Minus the second derivatives of the log-likelihood."""
        profile, s2, point = self.model.profile, self.variance, self.found.point
        y, w, Z = profile.parts(self.found.place)
        b = point.slopes
        e = y - Z @ b
        v = profile.y[1] - self.found.place[0] * profile.w[1] - profile.Z[1] @ b
        k = len(b)
        out = np.zeros((k + 3, k + 3))
        out[:k, :k] = Z.T @ Z / s2
        out[:k, k] = Z.T @ w / s2
        out[:k, k + 1] = (profile.Z[1].T @ e + Z.T @ v) / s2
        curves = [
            0.0 if j is None else j(float(a))[2]
            for j, a in zip(profile.jacobians, self.found.place, strict=True)
        ]
        out[k, k] = w @ w / s2 - curves[0]
        out[k, k + 1] = (profile.w[1] @ e + w @ v) / s2
        out[k + 1, k + 1] = v @ v / s2 - curves[1]
        out[k, k + 2] = w @ e / s2**2
        out[k + 1, k + 2] = v @ e / s2**2
        out[k + 2, k + 2] = e @ e / s2**3 - profile.n / (2 * s2**2)
        return self._cut(_mirrored(out))

    @cached_property
    def expected(self) -> Float:
        """The expected second derivatives, at the estimates."""
        forms, s2, m = self.forms, self.variance, self.model.copies
        Z, q = self.regressors, self.expected_lag
        k = Z.shape[1]
        out = np.zeros((k + 3, k + 3))
        out[:k, :k] = Z.T @ Z / s2
        out[:k, k] = Z.T @ q / s2
        out[k, k] = q @ q / s2
        for a, A in enumerate(forms):
            for b, B in enumerate(forms[a:], start=a):
                out[k + a, k + b] += m * float(np.sum(A * B.T) + np.sum(A * B))
            out[k + a, k + 2] = m * float(np.trace(A)) / s2
        out[k + 2, k + 2] = self.model.n / (2 * s2**2)
        return self._cut(_mirrored(out))

    @cached_property
    def forms(self) -> tuple[Float, Float]:
        """J R G R^-1 J and J M R^-1 J, dense; zero where there is no lag or no error."""
        model, (lam, rho) = self.model, self.found.place
        names = [name for name in (model.lag, model.error) if name is not None]
        if not names:
            return np.zeros((1, 1)), np.zeros((1, 1))
        n = model.matrix(names[0]).shape[0]
        if n > DENSE_UNITS:
            raise DataError(
                f"This needs dense matrices of {n} by {n}, and is computed up to {DENSE_UNITS}: use "
                "cov='observed'."
            )
        identity, zero = np.eye(n), np.zeros((n, n))
        M = zero if model.error is None else model.matrix(model.error).toarray()
        H = M @ np.linalg.inv(identity - rho * M) if model.error is not None else zero
        G = zero
        if model.lag is not None:
            W = model.matrix(model.lag).toarray()
            G = W @ np.linalg.inv(identity - lam * W)
            if model.error is not None and model.error != model.lag:
                R = identity - rho * M
                G = R @ G @ np.linalg.inv(R)
        if model.has_time and not model.direct:
            G, H = self.swept(G), self.swept(H)
        return G, H

    def swept(self, A: Float) -> Float:
        """Return J A J, by times where they differ."""
        out, bounds = A.copy(), [(0, len(A))]
        if not self.model.is_constant:
            bounds = self.model.design.layout.bounds
        for first, last in bounds:
            block = out[first:last, first:last]
            block -= block.mean(axis=0, keepdims=True)
            block -= block.mean(axis=1, keepdims=True)
        return out

    @cached_property
    def _filtered(self) -> Float:
        return self.model.filtered(float(self.found.place[1]))

    @property
    def regressors(self) -> Float:
        """P R Z."""
        return self._filtered[:, 1 + (self.model.lag is not None) :]

    @cached_property
    def expected_lag(self) -> Float:
        """q = P R G Z b, less what was taken off the column of W(y)."""
        model, design = self.model, self.model.design
        if model.lag is None:
            return np.zeros(design.layout.n_rows)
        places = design.equation_columns(0)
        raw = design.raw[:, [places[1 + j] for j in model.terms]]
        mean = raw @ self.found.point.slopes + self._intercept_shift()
        W = model.matrix(model.lag).toarray()
        cube = mean.reshape(-1, len(W)).T
        expected = W @ np.linalg.solve(np.eye(len(W)) - float(self.found.place[0]) * W, cube)
        column = expected.T.ravel() - self._shifts()[1]
        if model.error is not None:
            column = column - float(self.found.place[1]) * model.operator(model.error)(column)
        return self._swept_column(column)

    def _swept_column(self, column: Float) -> Float:
        """Take the effects out."""
        return np.asarray(self.model.design.effects.project(column))

    def _shifts(self) -> tuple[float, float, Float]:
        """Return what was taken off y, off W(y) and off the other terms."""
        design, model = self.model.design, self.model
        place = lag_place(design.structure)
        if design.shift is None:
            return 0.0, 0.0, np.zeros(len(model.terms))
        moved = design.shift[design.equation_columns(0)]
        lag = float(moved[1 + place]) if place is not None and model.lag is not None else 0.0
        return float(moved[0]), lag, moved[[1 + j for j in model.terms]]

    def _intercept_shift(self) -> float:
        """Return what the constant differs by where columns are measured from their means."""
        y, lag, others = self._shifts()
        return y - float(others @ self.found.point.slopes) - lag * float(self.found.place[0])

    # ---- errors that are not normal
    @cached_property
    def residuals(self) -> Float:
        """Innovations, effects out; (R,)."""
        combination = [1.0, *(-self.found.point.slopes)]
        if self.model.lag is not None:
            combination.insert(1, -float(self.found.place[0]))
        return np.asarray(self._filtered @ np.array(combination))

    @cached_property
    def score_covariance(self) -> Float:
        r"""The covariance of the score with the third and fourth moments of the errors (Lee 2004).

        .. math:: I + (\mu_4 - 3\sigma^4)\sum_i D_iD_i' + \mu_3\sum_i (a_iD_i' + D_ia_i')

        a and D: the linear part and the diagonal of the quadratic part of the score.
        """
        s2, (third, fourth) = self.variance, self.moments
        Z, q = self.regressors, self.expected_lag
        rows, k = Z.shape
        own = self._own_share
        diagonals = [np.tile(np.diag(A), rows // len(A)) * own / s2 for A in self.forms]
        whole = np.full(rows, self._projector_diagonal / (2 * s2**2))
        linear = np.column_stack([Z / s2, q / s2, np.zeros((rows, 2))])
        D = np.column_stack([np.zeros((rows, k)), *diagonals, whole])
        full = (fourth - 3 * s2**2) * D.T @ D + third * (linear.T @ D + D.T @ linear)
        return self.expected + self._cut(np.asarray(full))

    @property
    def _own_share(self) -> float:
        times = self.model.design.layout.n_times
        return 1 - 1 / times if self.model.has_unit else 1.0

    @property
    def _projector_diagonal(self) -> float:
        return self.model.design.n_effective / self.model.design.layout.n_rows

    @property
    def moments(self) -> tuple[float, float]:
        """Third and fourth moments of the errors before effects are out, from those of the residuals."""
        e, s2 = self.residuals, self.variance
        layout = self.model.design.layout
        n, times = layout.n_rows / layout.n_times, layout.n_times
        sums = []
        for power in (3, 4):
            unit = _projector_sum(times, power) if self.model.has_unit else float(times)
            time = _projector_sum(n, power) if self.model.has_time else float(n)
            sums.append(unit * time)
        squares = layout.n_rows * self._projector_diagonal**2
        third = float(np.sum(e**3)) / sums[0] if abs(sums[0]) > 1e-9 * layout.n_rows else 0.0
        fourth = (float(np.sum(e**4)) - 3 * s2**2 * squares) / sums[1] + 3 * s2**2
        return third, float(fourth)

    def covariance(self, kind: str) -> Float:
        """Return the covariance of (terms in their order, rho) by "expected", "observed" or "qml"."""
        if kind == "qml":
            bread = _inverse(self.expected)
            full = bread @ self.score_covariance @ bread
        else:
            full = _inverse(self.expected if kind == "expected" else self.observed)
        return self.ordered(full)

    def ordered(self, full: Float) -> Float:
        """Return a covariance with lambda where W(y) stands among the terms, the variance left out."""
        place = np.argsort(self.model.order())
        return np.asarray(full[np.ix_(place, place)])

    @property
    def condition(self) -> float:
        """The condition number of the observed information, scaled to a unit diagonal."""
        scale = np.sqrt(np.abs(np.diag(self.observed)))
        return float(np.linalg.cond(self.observed / np.outer(scale, scale)))

    def moran_moments(self, name: str) -> tuple[Float, float, float]:
        """Return the innovations e, and the mean and the variance of e'We, or refuse what is too large."""
        size = self.model.matrix(name).shape[0]
        if size > DENSE_UNITS:
            raise DataError(
                f"Moran's I of residuals by likelihood needs dense matrices of {size} by {size}, and is "
                f"computed up to {DENSE_UNITS}: compare fit('gs2sls').moran()."
            )
        s2 = self.variance
        _, mean, variance = self.residual_form(name)
        return self.residuals, mean * s2, variance * s2**2

    def residual_form(self, name: str) -> tuple[float, float, float]:
        r"""Return e'We / sigma^2, its mean and its variance at the estimates: Moran's I of the innovations.

        .. math:: m\operatorname{tr}[(A + A')A] - I_{\tau\theta}I_{\theta\theta}^{-1}I_{\theta\tau},
                  \qquad A = JWJ

        the variance of the score of an error process in W beside the model.
        """
        model, s2, m = self.model, self.variance, self.model.copies
        A = model.matrix(name).toarray()
        if model.has_time and not model.direct:
            A = self.swept(A)
        e = self.residuals
        cross = np.zeros(len(model.terms) + 3)
        for k, B in enumerate(self.forms):
            if B.shape == A.shape:
                cross[len(model.terms) + k] = m * float(np.sum(A * B.T) + np.sum(A * B))
        cross[-1] = m * float(np.trace(A)) / s2
        cross = cross[self._active]
        own = m * float(np.sum(A * A.T) + np.sum(A * A))
        variance = own - float(cross @ np.linalg.solve(self.expected, cross))
        return float(e @ model.operator(name)(e)) / s2, m * float(np.trace(A)), variance


def _mirrored(upper: Float) -> Float:
    return np.asarray(np.triu(upper) + np.triu(upper, 1).T)


def _projector_sum(n: float, power: int) -> float:
    """Return the sum of the powers of all entries of I - 11'/n."""
    return float(n * (1 - 1 / n) ** power + n * (n - 1) * (-1 / n) ** power)


def _inverse(information: Float) -> Float:
    """Invert, scaled to a unit diagonal."""
    scale = np.sqrt(np.abs(np.diag(information)))
    unit = information / np.outer(scale, scale)
    return np.asarray(np.linalg.inv(unit) / np.outer(scale, scale))
