r"""Likelihood ratios of effects: the likelihood where a combination of the slopes is held at a value.

An effect is :math:`g(\lambda)'b`, with b the slopes and g the multipliers of the reduced form.  At any
:math:`\eta`, :math:`\lambda` with what else is sought, the slopes are least squares, and holding
the effect at v costs

.. math:: L_v(\eta) = L(\eta) - \frac{n}{2}\log\Bigl\{1 + \frac{(v - g(\lambda)'\hat b_\eta)^2}
                      {n\hat\sigma^2_\eta\; g(\lambda)'(Z_\eta'Z_\eta)^{-1}g(\lambda)}\Bigr\}

so that one likelihood of a few parameters is searched, whatever the number of rows.  Fixed and random
effects and the matrix exponential differ in L alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.estimation.estimate import Effects
from spatial.models.impacts.map import EffectMap

from .model import Model
from .ratios import NO_EDGES, Reading, walked

__all__ = ["Held", "effect_ratios", "effect_weights"]

Float = NDArray[np.float64]
Solved = tuple[float, Float, float, Float]
Weights = Callable[[float], Float]

_REACH, _POINTS, _PEAKS = 6.0, 25, 2
_NOTHING, _IMPOSSIBLE = 1e-12, 1e300


@dataclass(frozen=True, eq=False)
class Held:
    """A likelihood in which slopes and variance are concentrated out, and its maximum.

    Parameters
    ----------
    solved : function of an array (m,)
        Returns the log-likelihood at lambda and what else is sought, the slopes (k,), the variance and the
        inverse of Z'Z, (k, k).
    bounds : list of (float, float)
        The range of each that is sought.
    best : array (m,)
        Where the maximum is.
    top : float
        The maximum.
    model : Model
    """

    solved: Callable[[Float], Solved]
    bounds: list[tuple[float, float]]
    best: Float
    top: float
    model: Model

    @property
    def has_lag(self) -> bool:
        """Whether lambda is sought; it is then the first."""
        return self.model.lag is not None

    def statistic(self, weights: Weights, value: float) -> float:
        """Return the likelihood ratio statistic of a combination of the slopes being `value`.

        Parameters
        ----------
        weights : function of lambda
            Returns what multiplies each slope, (k,).
        value : float
        """

        def cost(found: Solved, lam: float) -> float:
            top, b, s2, inverse = found
            g = weights(lam)
            gap, spread = value - float(g @ b), self.model.n * s2 * float(g @ inverse @ g)
            if not np.isfinite(gap) or not spread > 0.0:
                return _IMPOSSIBLE
            return self.model.n / 2 * float(np.log1p(gap**2 / spread)) - top

        def loss(x: Float) -> float:
            return cost(self.solved(x), float(x[0]) if self.has_lag else 0.0)

        least = min((self._searched(loss, x) for x in self._begins(cost)), default=_IMPOSSIBLE)
        if value == 0.0 and self.has_lag and np.abs(weights(0.0)).max() < _NOTHING:
            # Without a lag there is no such effect, whatever the slopes.
            least = min(least, self._searched(lambda x: -self.solved(x)[0], self._at(0.0), fixed=True))
        return max(0.0, 2 * (self.top + least))

    def _at(self, lam: float) -> Float:
        out = self.best.copy()
        out[0] = lam
        return out

    def _begins(self, cost: Callable[[Solved, float], float]) -> list[Float]:
        """Return the lowest of the points along lambda that are lower than those beside them."""
        if not self.has_lag:
            return [self.best]
        values = np.array([cost(found, lam) for lam, found in self._along])
        framed = np.pad(values, 1, constant_values=np.inf)
        lower = np.flatnonzero((values <= framed[:-2]) & (values <= framed[2:]) & (values < _IMPOSSIBLE))
        return [self._at(self._along[k][0]) for k in lower[np.argsort(values[lower])][:_PEAKS]]

    @cached_property
    def _along(self) -> list[tuple[float, Solved]]:
        """The likelihood along lambda: about its maximum, and over the whole range."""
        low, high = self.bounds[0]
        near = float(self.best[0]) + _REACH * self._error * np.linspace(-1, 1, _POINTS)
        wide = low + (high - low) * np.linspace(0.01, 0.99, _POINTS)
        places = np.unique(np.concatenate([near[(near > low) & (near < high)], wide])).tolist()
        return [(lam, self.solved(self._at(lam))) for lam in places]

    @property
    def _error(self) -> float:
        """A rough standard error of lambda, from the curvature along it."""
        low, high = self.bounds[0]
        step = 1e-3 * (high - low)
        center = float(np.clip(self.best[0], low + step, high - step))
        up, middle, down = (-self.solved(self._at(center + s))[0] for s in (step, 0.0, -step))
        curvature = (up - 2 * middle + down) / step**2
        return float(min(1 / np.sqrt(curvature), high - low)) if curvature > 0 else high - low

    def _searched(self, loss: Callable[[Float], float], begin: Float, fixed: bool = False) -> float:
        """Return the lowest value from a place on; with lambda as it is where `fixed`."""
        moving = np.arange(len(begin)) >= int(fixed)
        if not moving.any():
            return loss(begin)

        def of(x: Float) -> float:
            full = begin.copy()
            full[moving] = x
            return loss(full)

        bounds = [b for b, moves in zip(self.bounds, moving, strict=True) if moves]
        low, high = np.array(bounds).T
        found = scipy.optimize.minimize(
            of,
            np.clip(begin[moving], low, high),
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-14, "gtol": 1e-8},
        )
        return float(found.fun)


def effect_ratios(
    held: Held, effects: Effects, errors: Float, level: float, reading: Reading
) -> tuple[Float, Float]:
    """Return p-values of zero, (3, 1, K), and intervals, (3, 1, K, 2), of direct, indirect and total effects.

    Parameters
    ----------
    held : Held
    effects : EffectMap
    errors : array (3, 1, K)
        Standard errors, for strides.
    level : float
    reading : Reading
    """
    assert isinstance(effects, EffectMap)
    if effects.way == "solves" or effects.horizon == "long":
        raise DataError(
            "Intervals of effects by likelihood ratios are made with one weights matrix and horizon='short': "
            "use method='wald'."
        )
    combine, count = effect_weights(effects, list(held.model.terms)), effects.n_regressors
    # An effect that is zero whatever the slopes, on others without any lag, has no interval to search.
    each = [(e, k) for e in range(3) for k in range(count) if errors[e, 0, k] > 0]

    def weights(place: int) -> Weights:
        e, k = each[place]
        return lambda lam: combine(lam)[e, k]

    lam = float(held.best[0]) if held.has_lag else 0.0
    values = np.einsum("ekj,j->ek", combine(lam), held.solved(held.best)[1])
    at = tuple(np.array(each, dtype=np.intp).reshape(-1, 2).T)
    tests, bounds = np.full(values.shape, np.nan), np.repeat(values[..., None], 2, axis=-1)
    tests[at], bounds[at] = walked(
        lambda place, value: held.statistic(weights(place), value),
        values[at],
        errors[:, 0][at],
        [NO_EDGES] * len(each),
        level,
        reading,
    )
    return tests[:, None], bounds[:, None]


def effect_weights(effects: EffectMap, places: list[int]) -> Callable[[float], Float]:
    """Return the function of lambda that gives what multiplies each slope in each effect; (3, K, k).

    Parameters
    ----------
    effects : EffectMap
    places : list of int
        Which coefficients the slopes are.
    """
    total = effects.structure.n_parameters
    zero, unit = effects.coefficients(np.zeros(total)), effects.coefficients(np.eye(total))
    count = effects.n_regressors
    C = (unit.C - zero.C)[places, 0, :count].T
    D = (unit.D - zero.D[:, None])[:, places, 0, :count].transpose(0, 2, 1)

    @lru_cache(maxsize=4096)  # each effect asks again
    def combine(lam: float) -> Float:
        own, whole, own_lag, whole_lag = effects.multipliers_at(lam)
        direct = own * C + np.einsum("r,rkj->kj", own_lag, D)
        summed = whole * C + np.einsum("r,rkj->kj", whole_lag, D)
        return np.stack([direct, summed - direct, summed])

    return combine
