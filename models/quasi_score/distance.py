r"""Intervals and p-values by inverting a distance, instead of 1.96 standard errors.

Estimates of the spatial lag and of rho lie on a ridge, :math:`\lambda + \rho` nearly constant, and are
skewed: intervals from true standard errors cover too seldom.  For any function h of theta

.. math:: d_h(v) = \min_{\theta:\,h(\theta) = v} \psi(\theta)'\Omega_\psi^{-1}\psi(\theta), \qquad
          \psi(\theta) = a\,m(\theta) ,

with a and :math:`\Omega_\psi` held at the estimate, is chi-square with one degree of freedom at the true
value; F(1, N - 1) is used.  The interval holds the v with a distance below the quantile, found by walking
outward from the estimate on its branch, and does not depend on how theta is written.  A branch may end far
from the estimate, where a second solution with lag and error exchanged takes over; the root of the
distance is continued there as a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .moments import Moments

__all__ = ["Coordinate", "Distance", "Target"]

Float = NDArray[np.float64]

_FIRM = 9.0  # beyond, a branch that is hard to follow counts as ended
_STEPS, _ROUGH, _FINE, _VALUE = 40, 3e-3, 2e-5, 1e-10
_STRIDE, _WALK, _GROWTH, _FAR, _CERTAIN = 0.35, 16, 1.5, 1e4, 16.0


class Target(Protocol):
    """A function of theta of which an interval is wanted."""

    def __call__(self, theta: Float) -> tuple[float, Float]:
        """Return the value and its gradient; NaN where it does not exist."""


@dataclass(frozen=True)
class Coordinate:
    """One element of theta.

    Parameters
    ----------
    k : int
    size : int
        Length of theta.
    """

    k: int
    size: int

    def __call__(self, theta: Float) -> tuple[float, Float]:
        """Return the element and a unit vector."""
        gradient = np.zeros(self.size)
        gradient[self.k] = 1.0
        return float(theta[self.k]), gradient


@dataclass(frozen=True, eq=False)
class _Point:
    value: float
    distance: float
    theta: Float


@dataclass(frozen=True, eq=False)
class _Branch:
    points: list[_Point]
    ended: bool

    @property
    def slope(self) -> float:
        """How fast the root of the distance grows at the end, at least half of its mean rate."""
        first, last = self.points[0], self.points[-1]
        if len(self.points) == 1:
            return float("nan")
        before = self.points[-2]
        rate = (np.sqrt(last.distance) - np.sqrt(before.distance)) / abs(last.value - before.value)
        return float(max(rate, 0.5 * np.sqrt(last.distance) / abs(last.value - first.value)))


@dataclass(frozen=True, eq=False)
class Distance:
    """The distance of an estimate, contracted to small arrays.

    Parameters
    ----------
    moments : Moments
    theta : array (parameters,)
        Where the score is zero: the estimate, or beyond the admissible region.
    cov : array (parameters, parameters)
        Its covariance, for strides.
    a : array (parameters, M)
        Weights of the moments at the estimate.
    omega : array (parameters, parameters)
        Covariance of the score.
    """

    moments: Moments
    theta: Float
    cov: Float
    a: Float
    omega: Float
    _linear: Float = field(init=False, repr=False)
    _pairs: tuple[tuple[int, int, Float], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Of each score by its own spread: what counts as nothing must not depend on the units of columns.
        spread = np.sqrt(np.diag(self.omega))
        spread = np.where(spread > 0, spread, 1.0)
        values, vectors = np.linalg.eigh(self.omega / np.outer(spread, spread))
        kept = values > 1e-12 * values[-1]
        whitened = (vectors[:, kept] / np.sqrt(values[kept])).T @ (self.a / spread[:, None])
        moments, G = self.moments, self.moments.n_equations
        p, cut = moments.columns.Q.shape[1], moments.n_linear
        linear = [whitened[:, g * p : (g + 1) * p] @ moments.columns.L for g in range(G)]
        object.__setattr__(self, "_linear", np.stack(linear))
        pairs = []
        for g, h in dict.fromkeys((f.g, f.h) for f in moments.forms):
            mine = [r for r, f in enumerate(moments.forms) if (f.g, f.h) == (g, h)]
            block = np.tensordot(whitened[:, [cut + r for r in mine]], moments.stacked[mine], axes=1)
            pairs.append((g, h, block + block.transpose(0, 2, 1) if g == h else block))
        object.__setattr__(self, "_pairs", tuple(pairs))

    def _score(self, theta: Float) -> tuple[Float, Float]:
        """Return the whitened score and its slope."""
        c, dc = self.moments.weights_and_slopes(theta)
        up = self._linear.copy()  # the derivative of the score by c of each equation; (G, scores, m)
        value = sum((line @ w for line, w in zip(self._linear, c, strict=True)), np.zeros(up.shape[1]))
        for g, h, block in self._pairs:
            ahead = block @ c[h]
            up[g] += ahead
            if g == h:
                value = value + 0.5 * (ahead @ c[g])
            else:
                up[h] += c[g] @ block
                value = value + ahead @ c[g]
        slope = np.stack([u @ dc.T for u in up])  # of each equation; only its own parameters count
        slope = slope[self.moments.equation, :, np.arange(len(dc))].T
        return value, slope

    def at(
        self, target: Target, value: float, start: Float | None = None, tolerance: float = _FINE
    ) -> tuple[float, Float]:
        """Return the distance at h = value, and where it is reached, from a start on the branch.

        The last step, in standard errors, is below `tolerance`; the distance is right to its square.
        """
        theta = self.theta.copy() if start is None else start.copy()
        size = len(theta)
        system = np.zeros((size + 1, size + 1))
        scale = np.sqrt(np.diag(self.cov))
        r, J = self._score(theta)
        for _ in range(_STEPS):
            h, gradient = target(theta)
            if not np.isfinite(h):
                return float("nan"), theta
            # In units of standard errors, so that the system is well conditioned.
            Js, gs = J * scale, gradient * scale
            rate = float(np.linalg.norm(gs))
            if not rate > 0:
                return float("nan"), theta
            system[:size, :size] = Js.T @ Js
            system[size, :size] = system[:size, size] = gs / rate
            right = np.concatenate([-Js.T @ r, [(value - h) / rate]])
            try:
                step = np.linalg.solve(system, right)[:size]
            except np.linalg.LinAlgError:
                return float("nan"), theta
            longest = float(np.abs(step).max())
            theta = theta + step * scale * min(1.0, 2.0 / longest if longest > 0 else 1.0)
            r, J = self._score(theta)
            if longest < tolerance and abs(value - h) < _VALUE * max(rate, abs(value)):
                break
        else:
            return float("nan"), theta
        return float(r @ r), theta

    def interval(self, target: Target, critical: float) -> tuple[float, float]:
        """Return where the distance crosses `critical` on both sides; infinite where it does not."""
        value, error = self._start(target)
        if not error > 0:
            return float("nan"), float("nan")
        low, high = (self._edge(target, value, sign * error, critical) for sign in (-1.0, 1.0))
        return low, high

    def walked(self, target: Target, value: float) -> float:
        """Return the distance at h = value, on the branch of the estimate."""
        here, error = self._start(target)
        if not error > 0:
            return float("nan")
        if value == here:
            return 0.0
        count = int(np.clip(np.ceil(abs(value - here) / (_STRIDE * error)), 1, 60))
        branch = self._branch(target, here, (value - here) / count, error, _CERTAIN, value)
        last = branch.points[-1]
        if last.value == value and not branch.ended:
            return last.distance
        return float((np.sqrt(last.distance) + branch.slope * abs(value - last.value)) ** 2)

    def _start(self, target: Target) -> tuple[float, float]:
        """Return the value at the estimate, and its standard error."""
        value, gradient = target(self.theta)
        return value, float(np.sqrt(gradient @ self.cov @ gradient)) if np.isfinite(value) else float("nan")

    def _edge(self, target: Target, value: float, error: float, critical: float) -> float:
        branch = self._branch(target, value, _STRIDE * error, abs(error), critical)
        last = branch.points[-1]
        if last.distance > critical:
            return self._crossing(target, branch.points[-2], last, critical, abs(error))
        if not branch.ended:
            return float(np.copysign(np.inf, error))
        rest = (np.sqrt(critical) - np.sqrt(last.distance)) / branch.slope
        return float(last.value + np.copysign(rest, error))

    def _branch(
        self,
        target: Target,
        value: float,
        stride: float,
        error: float,
        critical: float,
        end: float | None = None,
    ) -> _Branch:
        """Walk outward from the estimate, each search started at the last solution.

        A branch ends where the distance falls, the solution jumps, or rho leaves its region: beyond, another
        branch has taken over, with spatial lag and error exchanged, which is no part of the interval.
        """
        points = [_Point(value, 0.0, self.theta)]
        scale, cuts = np.sqrt(np.diag(self.cov)), 0
        for k in range(400):
            near = points[-1]
            far = near.value + stride
            if end is not None and (end - far) * np.sign(stride) <= 1e-12 * error:
                far = end
            start = near.theta
            if len(points) > 1:  # straight on
                before = points[-2]
                start = start + (far - near.value) / (near.value - before.value) * (start - before.theta)
            d, there = self.at(target, far, start, _FINE if far == end else _ROUGH)
            jump = float(np.abs((there - near.theta) / scale).max())
            smooth = np.isfinite(d) and d >= 0.999 * near.distance and self._inside(there)
            if not smooth or jump > 4 * abs(far - near.value) / error + 0.5:
                cuts, stride = cuts + 1, stride / 4
                if cuts > 3 or near.distance > _FIRM:
                    return _Branch(points, True)
                continue
            points.append(_Point(far, d, there))
            if d > critical or far == end or abs(far - value) > _FAR * error:
                break
            if k >= _WALK and end is None:
                stride *= _GROWTH
        return _Branch(points, False)

    def _inside(self, theta: Float) -> bool:
        """Whether every rho is admissible that is at the estimate."""
        for g, k in self.moments.rho_places.items():
            operator = self.moments.design.error_operator(g)
            radius = 0.0 if operator is None else operator.radius
            if abs(theta[k]) * radius > 1.0 >= abs(self.theta[k]) * radius:
                return False
        return True

    def _crossing(self, target: Target, near: _Point, far: _Point, critical: float, error: float) -> float:
        """Return where the distance is critical, between two points, by the secant and the middle."""
        for k in range(60):
            if abs(far.value - near.value) <= 1e-11 * max(error, abs(near.value)):
                break
            # The root of a quadratic distance is better met on the scale of its square root.
            a, b = np.sqrt(near.distance), np.sqrt(far.distance)
            share = (np.sqrt(critical) - a) / (b - a) if b > a else 0.5
            share = float(np.clip(share, 0.001, 0.999)) if k % 4 != 3 else 0.5
            middle = near.value + (far.value - near.value) * share
            start = near.theta + (middle - near.value) / (far.value - near.value) * (far.theta - near.theta)
            d, there = self.at(target, middle, start)
            if not np.isfinite(d):
                break
            if abs(d - critical) < 3e-8 * critical:
                return middle
            point = _Point(middle, d, there)
            near, far = (near, point) if d > critical else (point, far)
        return (near.value + far.value) / 2
