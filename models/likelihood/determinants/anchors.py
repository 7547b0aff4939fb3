r"""A rough log-determinant that is made exact where it is needed: at places about the maximum.

.. math:: f(a) = s(a) + D(a), \qquad D(a_k) = \log|I - a_kW| - s(a_k)

s is a power series from a few random vectors, D a polynomial through exact values.  D is small and smooth; it
has as many places as it takes to meet the next one.  At 0 it is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from spatial.compute.threads import check_workers, run_tasks

from .power_series import PowerSeries

__all__ = ["Anchored", "Window"]

Float = NDArray[np.float64]

# The ends, the middle, then between: each place is the check of those before.
_PLACES = np.array([0.0, 1.0, -1.0, 0.5, -0.5, 0.75, -0.75, 0.25, -0.25])
_FEWEST, _TOLERANCE, _ROUNDING = 4, 1e-6, 1e-14
_ROOM, _SECONDS = 0.5, 2e-6


@dataclass(frozen=True, eq=False)
class Window:
    """D as a polynomial over an interval.

    Parameters
    ----------
    middle, half : float
        Of the interval.
    coefficients : array
        Of powers of (a - middle) / half.
    gap : float
        By how much the last place was missed before it was taken in.
    """

    middle: float
    half: float
    coefficients: Float
    gap: float

    def distance(self, a: float) -> float:
        """Return how far outside a lies; 0 inside."""
        return max(0.0, abs(a - self.middle) - self.half)

    def __call__(self, a: float) -> Float:
        """Return D and two derivatives; beyond the ends it goes on in a straight line."""
        if self.half == 0:
            return np.zeros(3)
        place = (a - self.middle) / self.half
        x = float(np.clip(place, -1, 1))
        value, slope, curve = (
            float(polynomial.polyval(x, polynomial.polyder(self.coefficients, k))) for k in range(3)
        )
        if x != place:
            value, curve = value + slope * (place - x), 0.0
        return np.array([value, slope / self.half, curve / self.half**2])


@dataclass(frozen=True, eq=False)
class _Exact:
    """log|I - aW| as the job of threads."""

    function: Callable[[float], float]

    def prepare(self) -> Callable[[float], float]:
        """Return what computes one value; it has no workspace to share."""
        return self.function


@dataclass(eq=False)
class Anchored:
    """A power series with exact values about the places that were asked for.

    Parameters
    ----------
    exact : callable
        log|I - aW| for an a.
    shape : PowerSeries
    """

    exact: Callable[[float], float]
    shape: PowerSeries
    windows: list[Window] = field(default_factory=lambda: [Window(0.0, 0.0, np.zeros(1), 0.0)])

    @property
    def method(self) -> str:
        """How many eliminations, in words."""
        places = sum(len(w.coefficients) for w in self.windows[1:])
        return f"elimination (nested dissection) at {places} places"

    @property
    def bounds(self) -> tuple[float, float]:
        """The inverse of the spectral radius, on both sides."""
        return self.shape.bounds

    @property
    def starts(self) -> Float:
        """Points that need few powers."""
        return self.shape.starts

    def _nearest(self, a: float) -> Window:
        return min(self.windows, key=lambda w: (w.distance(a), -w.middle))

    def __call__(self, a: float) -> tuple[float, float, float]:
        """Return f, f' and f'' at a."""
        value, slope, curve = np.array(self.shape(a)) + self._nearest(a)(a)
        return float(value), float(slope), float(curve)

    def error(self, a: float) -> float:
        """Return a bound where exact values are near, else three standard errors of the series."""
        nearest = self._nearest(a)
        if a == 0:
            return 0.0
        if nearest.distance(a) > 0:
            return self.shape.error(a)
        return nearest.gap + _ROUNDING * self.shape.n

    def _several(self, places: list[float]) -> list[float]:
        """Return exact values, on threads."""
        out: list[float] = []

        def collect(place: float, value: float) -> int:  # noqa: ARG001 - in the order of the places
            out.append(value)
            return len(out)

        run_tasks(
            places,
            _Exact(self.exact),
            collect,
            workers=check_workers(None),
            total=len(places),
            seconds=_SECONDS * self.shape.n * len(places),
            progress=False,
            label="log|I - aW|",
        )
        return out

    def refine(self, a: float, width: float) -> bool:
        """Make f exact within a width of a; return whether it changed."""
        if a == 0:
            return False
        low, high = self.bounds
        if any(w.half > 0 and abs(a - w.middle) <= _ROOM * w.half for w in self.windows):
            return False
        half = min(width, (high - low) / 4)
        middle = float(np.clip(a, low + half, high - half))
        places = [middle + half * float(x) for x in _PLACES]
        values = self._several(places[:_FEWEST])
        known: list[float] = []
        coefficients: Float = np.zeros(1)
        gap = np.inf
        for k, (x, place) in enumerate(zip(_PLACES, places, strict=True)):
            value = values[k] if k < _FEWEST else self.exact(place)
            known.append(value - self.shape(place)[0])
            gap = abs(float(polynomial.polyval(x, coefficients)) - known[-1])
            vander = np.vander(_PLACES[: len(known)], increasing=True)
            coefficients = np.asarray(np.linalg.solve(vander, known), dtype=np.float64)
            if len(known) >= _FEWEST and gap < _TOLERANCE:
                break
        self.windows.append(Window(middle, half, coefficients, gap))
        return True
