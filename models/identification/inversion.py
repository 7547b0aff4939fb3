"""The Anderson-Rubin statistic along one slope, and the values that it does not reject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .score_test import ScoreProducts

__all__ = ["Intervals", "Line", "intervals_of", "window"]

Float = NDArray[np.float64]
Intervals = tuple[tuple[float, float], ...]

_ANGLES, _TURNS = 61, 32
_FINE, _WINDOW = 201, 41


@dataclass(frozen=True, eq=False)
class Line:
    """The statistic along one slope, the other (if any) chosen to make it least.

    A slope is an angle: :math:`s = \\hat s + \\sigma \\tan\\varphi`, so that the line without bound is the
    interval from -pi/2 to pi/2, ends included.
    """

    products: ScoreProducts
    estimate: Float
    unit: Float

    def smallest(self, slopes: Float, j: int) -> Float:
        """Return the smallest F with slope j at each of these values."""
        return self.at_angles(np.arctan((slopes - self.estimate[j]) / self.unit[j]), j)

    def slope(self, angle: Float, j: int) -> Float:
        """Return the slope at an angle."""
        return np.asarray(self.estimate[j] + self.unit[j] * np.tan(angle))

    def at_angles(self, angles: Float, j: int) -> Float:
        """Return the smallest F at each angle of slope j."""
        cos, sin = np.cos(angles), np.sin(angles)
        own = cos * self.estimate[j] + sin * self.unit[j]
        if len(self.estimate) == 1:
            return self.products.statistic(np.stack([cos, own], axis=1))[0]
        other = 1 - j
        # Multiples of the direction of the other slope are added: an angle once more.
        grid = np.linspace(-np.pi / 2, np.pi / 2, _TURNS, endpoint=False)

        def value(turn: Float) -> Float:
            """Return F, (angles, turns), for (angles, turns) of the other slope."""
            c, s = np.cos(turn), np.sin(turn)
            w = np.empty((*turn.shape, 3))
            w[..., 0] = cos[:, None] * c
            w[..., 1 + j] = own[:, None] * c
            w[..., 1 + other] = cos[:, None] * c * self.estimate[other] + s * self.unit[other]
            return self.products.statistic(w.reshape(-1, 3))[0].reshape(turn.shape)

        F = value(np.broadcast_to(grid, (len(angles), len(grid))))
        best = np.argmin(F, axis=1)
        step = grid[1] - grid[0]
        centre = grid[best]
        least = F[np.arange(len(angles)), best]
        for _ in range(4):  # the bracket shrinks to a third each time
            turn = centre[:, None] + step * np.linspace(-1, 1, 7)
            found = value(turn)
            best = np.argmin(found, axis=1)
            centre, step = turn[np.arange(len(angles)), best], step / 3
            least = np.minimum(least, found[np.arange(len(angles)), best])
        return np.asarray(least)


def intervals_of(line: Line, j: int, critical: float) -> Intervals:
    """Return the values of slope j that are not rejected."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, _ANGLES)
    inside = line.at_angles(angles, j) <= critical
    inside[-1] = inside[0]  # the two ends are one point
    if inside.all():
        return ((-np.inf, np.inf),)
    low = np.flatnonzero(inside[1:] != inside[:-1])
    edges = _edges(line, j, critical, angles[low], angles[low + 1], inside[low])
    points = [float(line.slope(np.array(e), j)) for e in edges]
    if inside[0]:
        points = [-np.inf, *points, np.inf]
    return tuple((points[k], points[k + 1]) for k in range(0, len(points), 2))


def _edges(line: Line, j: int, critical: float, a: Float, b: Float, inside: NDArray[np.bool_]) -> Float:
    """Bisect between angles a, of which `inside` tells whether they are accepted, and b, which are not so."""
    if not len(a):
        return a
    low, high = (np.stack([e, line.at_angles(e, j) - critical]) for e in (a, b))
    for k in range(14):  # the secant and the middle in turn: F is smooth, and the bracket stays a bracket
        gap = np.where(np.isfinite(low[1] - high[1]), low[1] - high[1], np.inf)
        secant = low[0] + (high[0] - low[0]) * np.clip(np.nan_to_num(low[1] / gap), 0.02, 0.98)
        middle = secant if k % 3 else (low[0] + high[0]) / 2
        new = np.stack([middle, line.at_angles(middle, j) - critical])
        same = (new[1] <= 0) == inside
        low, high = np.where(same, new, low), np.where(same, high, new)
    return np.asarray((low[0] + high[0]) / 2)


def window(intervals: Intervals, estimate: float, unit: float, count: int) -> Float:
    """Return slopes for a figure: the set with a margin, or twelve standard errors around the estimate."""
    finite = [edge for pair in intervals for edge in pair if np.isfinite(edge)]
    bounded = finite and len(finite) == 2 * len(intervals)
    far = [estimate - 12 * unit, estimate + 12 * unit]
    ends = [*finite, estimate] if bounded else [*far, *np.clip(np.array(finite), far[0], far[1])]
    low, high = min(ends), max(ends)
    margin = 0.15 * (high - low) if high > low else unit
    return np.linspace(low - margin, high + margin, _FINE if count == 1 else _WINDOW)
