"""Random fields over cities and years, and monotone maps that give them the moments of a printed table."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from spatial.errors import DataError

__all__ = ["Fields", "bounded", "placed", "root_between", "standardized"]

Float = NDArray[np.float64]
_CUBES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_STARTS = ((-3.0, -0.5), (-5.0, 0.0), (0.0, 0.0), (3.0, -0.5), (5.0, -1.5))


def standardized(values: Float) -> Float:
    """Return values with mean zero and standard deviation one."""
    return np.asarray((values - values.mean()) / values.std())


class Fields:
    """Draws standardised fields: by unit (N, 1), or by unit and time (N, T).

    Parameters
    ----------
    km : array (N, N)
        Distances.
    times : int
    rng : Generator
    range_km : float
        Of the smooth part, a Gaussian field with covariance :math:`\\exp(-d / range)`.
    """

    def __init__(self, km: Float, times: int, rng: np.random.Generator, range_km: float = 300.0) -> None:
        self.root = np.linalg.cholesky(np.exp(-km / range_km) + 1e-8 * np.eye(len(km)))
        self.n, self.times, self.rng = len(km), times, rng

    def unit(self, smooth: float = 0.5) -> Float:
        """Draw a field that does not move; `smooth` is the share of its variance that is smooth in space."""
        rough = self.rng.normal(size=self.n)
        values = np.sqrt(smooth) * self.root @ rough + np.sqrt(1 - smooth) * self.rng.normal(size=self.n)
        return standardized(values)[:, None]

    def moving(self, persistence: float = 0.7, smooth: float = 0.0) -> Float:
        """Draw a field that moves as an autoregression of order one."""
        rough = self.rng.normal(size=(self.n, self.times))
        shocks = np.sqrt(smooth) * self.root @ rough
        shocks = shocks + np.sqrt(1 - smooth) * self.rng.normal(size=(self.n, self.times))
        values = shocks.copy()
        for t in range(1, self.times):
            values[:, t] = persistence * values[:, t - 1] + np.sqrt(1 - persistence**2) * shocks[:, t]
        return standardized(values)


def bounded(
    field: Float,
    mean: float,
    sd: float,
    low: float,
    high: float,
    near: dict[str, Any] | None = None,
) -> Float:
    """Map a field monotonically so that it has exactly these four moments.

    The map is a scaled logistic of :math:`z + c z^3`, with the smallest c of a short list that reaches them,
    or, for a field with short tails, of :math:`z + c z^5`; ranks are kept, and so is correlation in space
    and time, nearly.  `near` remembers the map between calls for fields that differ little, and is where the
    search begins then.

    Examples
    --------
    >>> made = bounded(np.random.default_rng(0).normal(size=500), 0.2, 0.1, 0.0, 1.0)
    >>> [round(float(f(made)), 6) for f in (np.mean, np.min, np.max)]
    [0.2, 0.0, 1.0]
    """
    z = standardized(field)

    def mapped(p: Float, cube: float, power: int) -> Float:
        v = np.clip(p[0] + np.exp(min(p[1], 50.0)) * (z + cube * z**power), -500, 500)
        s = 1 / (1 + np.exp(-v))
        return np.asarray(low + (high - low) * (s - s.min()) / max(s.max() - s.min(), 1e-300))

    def miss(p: Float, cube: float, power: int) -> list[float]:
        values = mapped(p, cube, power)
        return [float(values.mean() - mean) / sd, float(values.std(ddof=1) - sd) / sd]

    known = [(near["power"], near["cube"], near["start"])] if near else []
    for power, cube, start in [*known, *itertools.product((3, 5), _CUBES, _STARTS)]:
        found = optimize.root(miss, start, args=(cube, power), options={"maxfev": 60, "xtol": 1e-12})
        if np.abs(found.fun).max() < 1e-8:
            if near is not None:
                near.update(power=power, cube=cube, start=tuple(found.x))
            return mapped(found.x, cube, power)
    raise DataError(
        f"No monotone map gives this field the mean {mean:g}, the standard deviation {sd:g} and the range "
        f"from {low:g} to {high:g}: these moments do not fit together with {field.size} cells."
    )


def placed(
    moves: Float,
    shape: Float,
    moments: tuple[float, float, float, float],
    *,
    fill: bool = True,
    room: Float | None = None,
) -> Float:
    """Return unit means that put `moves` (N, T) into a range, with the mean and the deviation of the whole.

    A unit's mean lies between its floor (the range's low end less its smallest move) and its ceiling; in a
    model with unit effects these are free, so no cell is clipped and no error is truncated.

    Parameters
    ----------
    moves : array (N, T)
        Deviations from the unit means.
    shape : array (N, 1)
        Order and spread of the means before they are bounded.
    moments : mean, sd, low, high
    fill : bool
        Let the lowest and the highest unit touch the ends.
    room : array (N, T), optional
        A ceiling by cell.
    """
    mean, sd, low, high = moments
    floor = low - moves.min(axis=1, keepdims=True)
    ceiling = high - moves.max(axis=1, keepdims=True)
    if room is not None:
        ceiling = np.minimum(ceiling, (room - moves).min(axis=1, keepdims=True))
    wanted = np.sqrt(max(sd**2 - float((moves**2).mean()), 1e-9))
    free = np.ones(len(shape), bool) if room is None else room.min(axis=1) > high
    lowest, highest = int(shape.argmin()), int(np.where(free, shape[:, 0], -np.inf).argmax())

    def means(p: Float) -> Float:
        found = np.minimum(np.maximum(p[0] + np.exp(p[1]) * shape, floor), np.maximum(ceiling, floor))
        if fill:
            found[lowest], found[highest] = floor[lowest], ceiling[highest]
        return np.asarray(found)

    def miss(p: Float) -> list[float]:
        found = means(p)
        return [float(found.mean() - mean) / sd, float(found.std() - wanted) / sd]

    return means(optimize.least_squares(miss, [mean, np.log(wanted)]).x)


def root_between(function: Callable[[float], float], low: float, high: float, digits: float = 1e-6) -> float:
    """Return where a function crosses zero."""
    return float(optimize.brentq(function, low, high, xtol=digits))
