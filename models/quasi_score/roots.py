r"""Roots of the quasi-score :math:`\psi(\theta) = a(\theta)m(\theta) = 0`, with safeguards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.layout import LagOperator

from .moments import Moments
from .weights import ModelWeights

__all__ = ["ExpectedSlope", "Root", "find_root"]

Float = NDArray[np.float64]

_STEPS, _TOLERANCE = 200, 1e-6
_RADIUS, _START, _RHO = 0.98, 0.95, 0.995
_LONGEST, _APART = 0.3, 1e-3
_STILL, _FIXED, _FAR = 1e-9, 1e-11, 50.0


class ExpectedSlope(Protocol):
    """The slope of the moments that the model implies, and how far its series is from divergence."""

    def __call__(self, theta: Float) -> Float:
        """Return the slope; (M, parameters)."""

    def gamma_radius(self, theta: Float) -> float:
        """Return the spectral radius of the reduced form."""


@dataclass(frozen=True, eq=False)
class Root:
    """Where the search ended.

    Parameters
    ----------
    theta : array (parameters,)
    converged : bool
        Whether the quasi-score is zero there.
    distance : float
        :math:`m'\\Omega_0^{-1}m`, by which roots are chosen.
    centre : array (parameters,), optional
        Where the score with the weights of theta is zero: theta itself, or a point beyond the admissible
        region when the search ended at its edge; None where there is none.
    """

    theta: Float
    converged: bool
    distance: float
    centre: Float | None = None

    @property
    def middle(self) -> Float:
        """Where the covariance is taken: the centre, or theta where there is none."""
        return self.theta if self.centre is None else self.centre


@dataclass(frozen=True, eq=False)
class _Search:
    moments: Moments
    weights: ModelWeights
    slope: ExpectedSlope
    scale: Float  # by which steps are free of units: see `_scale`

    def run(self, start: Float) -> Root:
        """Iterate from a start: damped Newton steps with a(theta) not differentiated, then undamped."""
        moments, theta = self.moments, self._inside(start)
        share, last, converged = 1.0, np.inf, False
        for _ in range(_STEPS):
            a = self.weights.weighted(self.slope(theta), moments.sigma(theta))
            try:
                step = -np.asarray(
                    np.linalg.solve(a @ moments.slope(theta), a @ moments.values(theta)), dtype=np.float64
                )
            except np.linalg.LinAlgError:
                break
            longest = float(np.abs(step * self.scale).max())
            if not np.isfinite(longest):
                break
            if longest > last:
                share = max(0.25, 0.7 * share)
            last = longest
            new = self._moved(theta, step, min(share, _LONGEST / longest) if longest > 0 else share)
            if new is None:
                break
            still = float(np.abs((new - theta) * self.scale).max()) < _STILL
            theta = new
            if longest < _TOLERANCE:
                converged = True
                break
            if still:  # at the edge of the region, with steps that lead out of it
                break
        if converged:
            theta = self._polished(theta)
        value = self.weights.distance(moments.values(theta), moments.sigma(theta))
        return Root(theta, converged, value, theta if converged else None)

    def beyond(self, edge: Root) -> Root:
        """Return the same point with the root of its score, a kept, wherever that is."""
        a, theta = self.weights.weighted(self.slope(edge.theta), self.moments.sigma(edge.theta)), edge.theta
        share, last = 1.0, np.inf
        for _ in range(_STEPS):
            try:
                step = -np.linalg.solve(a @ self.moments.slope(theta), a @ self.moments.values(theta))
            except np.linalg.LinAlgError:
                break
            longest = float(np.abs(step * self.scale).max())
            if longest < _FIXED:
                return replace(edge, centre=theta)
            if longest > last:
                share = max(0.25, 0.7 * share)
            last = longest
            theta = theta + min(share, _LONGEST / longest) * step
            if not float(np.abs((theta - edge.theta) * self.scale).max()) < _FAR:
                break
        return edge

    def _polished(self, theta: Float) -> Float:
        """Go on to rounding, while the steps shrink: where they need damping, undamped they lead away."""
        last = np.inf
        for _ in range(30):
            a = self.weights.weighted(self.slope(theta), self.moments.sigma(theta))
            step = -np.linalg.solve(a @ self.moments.slope(theta), a @ self.moments.values(theta))
            longest = float(np.abs(step * self.scale).max())
            if not longest < last:
                break
            theta, last = theta + step, longest
            if longest < 1e-12:
                break
        return theta

    def _inside(self, start: Float) -> Float:
        """Shrink the spatial lags of a start until the reduced form exists."""
        theta = self._clipped(start)
        lags = [k for k, q in enumerate(self.moments.parameters) if q.outcome >= 0]
        for _ in range(200):
            if self.slope.gamma_radius(theta) < _START:
                break
            theta[lags] *= 0.95
        return theta

    def _clipped(self, theta: Float) -> Float:
        out = theta.copy()
        for k in self.moments.rho_places.values():
            bound = _RHO / self.scale[k]
            out[k] = np.clip(out[k], -bound, bound)
        return out

    def _moved(self, theta: Float, step: Float, share: float) -> Float | None:
        for _ in range(60):
            new = self._clipped(theta + share * step)
            if self.slope.gamma_radius(new) < _RADIUS:
                return new
            share /= 2
        return None


def find_root(moments: Moments, weights: ModelWeights, slope: ExpectedSlope, start: Float) -> Root:
    """Return the root of the quasi-score that is nearest in the metric of the model's weights.

    The equations can have a second root with the spatial lag and the spatial error exchanged.  The
    search runs from the start and from the exchange; where these differ, or one fails, also from
    exchanges in one equation and from rho = 0.  Of the roots the one with the smallest distance is kept;
    without a root, the point with the smallest, and the root of the score with its weights, which mostly lies
    beyond the admissible region.
    """
    scale = _scale(moments, start)
    search = _Search(moments, weights, slope, scale)
    pairs = _exchanges(moments)
    first = search.run(start)
    if not pairs:
        return first if first.converged else search.beyond(first)
    found = [first, search.run(_exchanged(start, pairs))]
    same = float(np.abs((found[0].theta - found[1].theta) * scale).max()) < _APART
    if not (same and found[0].converged and found[1].converged):
        without = start.copy()
        without[list(moments.rho_places.values())] = 0.0
        others = [without]
        if len(pairs) > 1:
            others += [_exchanged(start, [pair]) for pair in pairs]
        found += [search.run(other) for other in others]
    roots = [r for r in found if r.converged]
    if roots:
        return min(roots, key=lambda r: r.distance)
    edges = sorted(found, key=lambda r: r.distance)
    return next((r for edge in edges if (r := search.beyond(edge)).centre is not None), edges[0])


def _scale(moments: Moments, start: Float) -> Float:
    """Return by what steps of theta are free of units: innovations of each equation, radius of each rho.

    A coefficient counts by what its regressor, as it varies, adds in standard deviations of the innovations;
    that of an outcome or of its lag by the ratio of the innovations of both equations, and the radius of the
    weights of the lag.
    """

    def radius(operator: LagOperator | None) -> float:
        return operator.radius if operator is not None and operator.radius > 0 else 1.0

    innovation = np.sqrt(np.diag(moments.sigma(start)))
    size = np.sqrt(np.diag(moments.columns.gram) / moments.n)
    scale = np.ones(len(start))
    for k, q in enumerate(moments.parameters):
        if q.column < 0:
            scale[k] = radius(moments.design.error_operator(q.equation))
            continue
        column = moments.columns.plain(q.equation)[1 + q.column]
        scale[k] = (innovation[q.outcome] if q.outcome >= 0 else size[column]) / innovation[q.equation]
        if q.outcome >= 0 and q.weights is not None:
            scale[k] *= radius(moments.design.operators[q.weights])
    return np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)


def _exchanges(moments: Moments) -> list[tuple[int, int]]:
    """Return (lag of the own outcome, rho) of each equation that has both, by the same matrix."""
    out = []
    for g, k in moments.rho_places.items():
        error = moments.design.structure.equations[g].error
        for j, q in enumerate(moments.parameters):
            if q.equation == g and q.outcome == g and q.weights == error:
                out.append((j, k))
    return out


def _exchanged(theta: Float, pairs: list[tuple[int, int]]) -> Float:
    out = theta.copy()
    for lag, rho in pairs:
        out[lag], out[rho] = theta[rho], theta[lag]
    return out
