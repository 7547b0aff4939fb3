"""Estimates whose intervals and p-values invert the distance of the quasi-score."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spatial.models.estimation.estimate import Effects, UnitEffect
from spatial.models.estimation.inference import Inference
from spatial.models.impacts.map import EffectMap

from .distance import Coordinate, Distance, Target
from .effects import EffectTargets
from .moments import Moments
from .roots import Root

__all__ = ["ByDistance", "ScoreInference"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScoreInference(Inference):
    """The covariance of theta, and that of the score behind it.

    Parameters
    ----------
    omega : array (parameters, parameters)
    """

    omega: Float = field(default_factory=lambda: np.zeros((0, 0)))


class ByDistance:
    """What is inverted for intervals and p-values, of an estimate with these attributes."""

    moments: Moments
    a: Float
    root: Root

    @property
    def score_inference(self) -> ScoreInference:
        """The covariance of theta, and that of the score."""
        raise NotImplementedError

    @property
    def has_distance(self) -> bool:
        """Whether there is a root, in the admissible region or beyond, to measure a distance from."""
        return self.root.centre is not None

    @property
    def theta(self) -> Float:
        """Coefficients, then rho; (parameters,)."""
        return self.root.theta

    @cached_property
    def distance(self) -> Distance:
        """The distance whose inversion gives intervals."""
        assert self.root.centre is not None
        found = self.score_inference
        return Distance(self.moments, self.root.centre, found.cov, self.a, found.omega)

    def p_value(self, target: Target, value: float = 0.0) -> float:
        """Return the p-value of h(theta) = value: the root of the distance is read as a t statistic."""
        return float(self.score_inference.law.p_value(np.sqrt(self.distance.walked(target, value))))

    def interval(self, target: Target, level: float) -> tuple[float, float]:
        """Return the confidence interval of h(theta)."""
        return self.distance.interval(target, self.score_inference.law.quantile(level) ** 2)

    @cached_property
    def _known(self) -> dict[float, tuple[Float, Float]]:
        return {}

    def intervals(self, level: float) -> tuple[Float, Float] | None:
        """Return p-values of 0, (parameters,), and intervals, (parameters, 2); kept.  None without a root."""
        if not self.has_distance:
            return None
        if level not in self._known:
            size = len(self.theta)
            bounds = np.array([self.interval(Coordinate(k, size), level) for k in range(size)])
            for g, k in self.moments.rho_places.items():
                operator = self.moments.design.error_operator(g)
                edge = 1.0 / operator.radius if operator is not None and operator.radius > 0 else np.inf
                bounds[k] = np.clip(bounds[k], -edge, edge)
            tests = np.array([self.p_value(Coordinate(k, size)) for k in range(size)])
            self._known[level] = tests, bounds
        return self._known[level]

    def effect_intervals(self, effects: Effects, level: float, terms: int) -> tuple[Float, Float] | None:
        """Return p-values of zero and intervals of direct, indirect and total effects; kept."""
        if not self.has_distance or not isinstance(effects, EffectMap) or effects.way == "solves":
            return None
        key = (level, terms, effects.horizon, effects.seed, effects.exponential)
        known = self._kept_effects.get(key)
        if known is None or not _of_one_model(known[0], effects):
            known = self._kept_effects[key] = effects, self._effect_intervals(effects, level, terms)
        return known[1]

    @cached_property
    def _kept_effects(self) -> dict[Hashable, tuple[EffectMap, tuple[Float, Float] | None]]:
        return {}

    def _effect_intervals(self, effects: EffectMap, level: float, terms: int) -> tuple[Float, Float] | None:
        targets = EffectTargets(effects, len(self.theta))
        if self._has_no_effects(targets):
            return None
        G, K = self.moments.n_equations, terms
        tests, bounds = np.empty((3, G, K)), np.empty((3, G, K, 2))
        for g in range(G):
            for k in range(K):
                for e, target in enumerate(targets.of(g, k)):
                    tests[e, g, k] = self.p_value(target)
                    bounds[e, g, k] = self.interval(target, level)
        return tests, bounds

    def _has_no_effects(self, targets: EffectTargets) -> bool:
        """Whether the root lies where there is no reduced form: intervals of effects start nowhere."""
        return bool(np.isnan(targets.of(0, 0)[0](self.distance.theta)[0]))

    def unit_intervals(self, effects: Effects, place: UnitEffect, level: float) -> Float | None:
        """Return intervals of one effect of each unit; (N, 2)."""
        if not self.has_distance or not isinstance(effects, EffectMap) or effects.way == "solves":
            return None
        targets = EffectTargets(effects, len(self.theta))
        if self._has_no_effects(targets):
            return None
        found = list(targets.by_unit(*place))
        return np.array([self.interval(target, level) for target in found])


def _of_one_model(first: EffectMap, second: EffectMap) -> bool:
    """Whether two maps have the same equations and the same matrices, in the same place."""
    same = first.structure is second.structure and first.matrices.keys() == second.matrices.keys()
    return same and all(matrix is second.matrices[name] for name, matrix in first.matrices.items())
