"""What the diagnostics of a fit share: its filtered arrays, two-stage residuals and covariances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from spatial.models.data.design import Design
from spatial.models.estimation.estimate import Estimate
from spatial.models.estimation.least_squares import (
    LinearFit,
    innovation_covariance,
    precision_of,
    three_stage,
    two_stage,
)
from spatial.models.estimation.scores import scores
from spatial.models.estimation.steps import SPATIAL_ERRORS, Workspace
from spatial.models.hypothesis import HypothesisTest, cluster_sums
from spatial.models.quasi_score.estimator import QuasiScoreEstimate

__all__ = ["Subject"]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Subject:
    """An estimate, opened for tests; everything is computed when first asked for.

    Parameters
    ----------
    estimate : Estimate
    clustered_first : bool
        Whether the clustered form of a test comes before the homoskedastic one.
    """

    estimate: Estimate
    clustered_first: bool = True

    def ordered(self, tests: list[HypothesisTest]) -> list[HypothesisTest]:
        """Return [homoskedastic, clustered] tests with the form that is meant to be read first."""
        return tests[::-1] if self.clustered_first else tests

    @property
    def design(self) -> Design:
        """The aligned arrays."""
        return self.estimate.design

    @property
    def space(self) -> Workspace:
        """Filtered columns."""
        return self.estimate.space

    @property
    def codes(self) -> Codes:
        """Clusters: units."""
        return self.design.layout.unit

    @property
    def n(self) -> int:
        """Effective observations."""
        return self.design.n_effective

    @property
    def names(self) -> tuple[str, ...]:
        """Equations."""
        return self.design.structure.names

    @cached_property
    def rho(self) -> Float:
        """By which each equation was filtered; 0 where it was not."""
        return self.estimate.numbers.rho

    @property
    def filters(self) -> bool:
        """Whether spatial errors were filtered out."""
        return self.estimate.method in SPATIAL_ERRORS and bool(np.any(self.rho != 0))

    def data(self, g: int) -> Float:
        """Return [y*, Z*] of equation g, (rows, 1 + k)."""
        return self.space.filtered(g, float(self.rho[g]))

    def endogenous(self, g: int) -> NDArray[np.bool_]:
        """Which terms of equation g need instruments."""
        return np.array([t.is_endogenous for t in self.design.structure.equations[g].terms])

    @cached_property
    def instrument_coordinates(self) -> Float:
        """The instruments in use in terms of their orthonormal basis, (p, p)."""
        design = self.design
        kept = design.instruments[:, list(design.basis.kept)]
        return np.asarray(design.basis.Q.T @ design.effects.project(kept))

    @property
    def joint(self) -> QuasiScoreEstimate | None:
        """The estimate, where it is a root of the joint estimator."""
        found = self.estimate
        return found if isinstance(found, QuasiScoreEstimate) and found.solved else None

    @property
    def residuals(self) -> Float:
        """Residuals that weight the clustered J: of the joint estimate, else of two stages; (rows, G)."""
        return self.two_stage_residuals if self.joint is None else self.joint.numbers.residuals.T

    @property
    def bases(self) -> list[Float]:
        """Orthonormal instruments of each equation; (rows, p_g)."""
        return [self.design.seen_by(g).basis.Q for g in range(len(self.names))]

    def alone(self, g: int) -> Subject:
        """Return equation g by itself where its instruments are its own; else the same."""
        if not self.design.structure.has_own_instruments:
            return self
        design, numbers = self.design.alone(g), self.estimate.numbers
        own = replace(
            numbers, rho=numbers.rho[[g]], residuals=numbers.residuals[[g]], sigma=numbers.sigma[[g]][:, [g]]
        )
        found = replace(self.estimate, design=design, space=Workspace(design), numbers=own)
        return replace(self, estimate=found)

    def linear_moments(self, equations: Sequence[int]) -> tuple[Float, Float]:
        """Return the moments by instruments of equations and their slopes, (G p,) and (G p, K).

        At the joint estimate Q'e, and their expected slopes by the coefficients; else Q'y* and Q'Z*, the
        distance of which is smallest at the GMM estimate.
        """
        if self.joint is not None:
            return self.joint.linear_moments(equations)
        both = [self.space.instrumented(g, float(self.rho[g])) for g in equations]
        if self.design.selection is not None:
            both = [self.design.selection[g].T @ m for g, m in zip(equations, both, strict=True)]
        return np.concatenate([m[:, 0] for m in both]), linalg.block_diag(*[m[:, 1:] for m in both])

    # ---- estimators for comparison
    def _moments(self, rho: Float) -> tuple[list[Float], list[Float]]:
        both = [self.space.instrumented(g, float(r)) for g, r in enumerate(rho)]
        return [m[:, 1:] for m in both], [m[:, 0] for m in both]

    @cached_property
    def two_stage(self) -> LinearFit:
        """2SLS of each equation on the filtered data."""
        return two_stage(*self._moments(self.rho), self.design.selection)

    @cached_property
    def two_stage_residuals(self) -> Float:
        """(rows, G)."""
        return self._residuals(self.rho, self.two_stage.delta)

    @cached_property
    def sigma(self) -> Float:
        """Covariance of the two-stage residuals, (G, G)."""
        return innovation_covariance(list(self.two_stage_residuals.T), self.n)

    @property
    def is_singular(self) -> bool:
        """Whether the residuals of the equations depend on each other linearly."""
        return precision_of(self.sigma) is None

    @property
    def _precision(self) -> Float:
        found = precision_of(self.sigma)
        assert found is not None
        return found

    @cached_property
    def three_stage(self) -> LinearFit:
        """3SLS on the filtered data, with the weights of `sigma`."""
        return three_stage(*self._moments(self.rho), self._precision, self.design.selection)

    @cached_property
    def three_stage_residuals(self) -> Float:
        """(rows, G)."""
        return self._residuals(self.rho, self.three_stage.delta)

    @cached_property
    def unfiltered(self) -> LinearFit:
        """2SLS that leaves spatial errors in."""
        if not self.filters:
            return self.two_stage
        return two_stage(*self._moments(np.zeros(len(self.names))), self.design.selection)

    @cached_property
    def unfiltered_residuals(self) -> Float:
        """(rows, G)."""
        rho = np.zeros(len(self.names))
        return self._residuals(rho, self.unfiltered.delta) if self.filters else self.two_stage_residuals

    def _residuals(self, rho: Float, delta: Float) -> Float:
        slices = self.design.structure.slices
        return np.column_stack(
            [self.space.combine(g, float(rho[g]), delta[place]) for g, place in enumerate(slices)]
        )

    @cached_property
    def purged(self) -> tuple[LinearFit, LinearFit]:
        r"""2SLS and 3SLS with the outcomes on the right replaced by their structural fit.

        .. math:: F = (\text{all but } Y)\hat\delta\,(I - B')^{-1}

        Their covariances are those of the estimates to first order; but where :math:`Q'y_h` is a regressor it
        holds the error of equation h, and V2 - V3 takes that for a difference between the estimators.
        """
        structure, Q = self.design.structure, self.design.basis.Q
        R, r = self._moments(self.rho)
        B = structure.system_matrices(self.three_stage.delta).B
        inverse = np.linalg.inv(np.eye(len(B)) - B).T
        for g in range(len(R)):
            level = self._outcome_terms(g)
            if level:
                fitted = self._structural_part(g, Q) @ inverse
                R[g] = R[g].copy()
                for j, h in level.items():
                    R[g][:, j] = fitted[:, h]
        selection = self.design.selection
        return two_stage(R, r, selection), three_stage(R, r, self._precision, selection)

    def _outcome_terms(self, g: int) -> dict[int, int]:
        """Return which terms of equation g are outcomes as they are, and whose."""
        structure = self.design.structure
        return {
            j: structure.outcomes.index(t.variable)
            for j, t in enumerate(structure.equations[g].terms)
            if structure.is_outcome(t) and t.weights is None and not t.shift
        }

    def _structural_part(self, g: int, Q: Float) -> Float:
        """Return Q' of what each equation adds beside the other outcomes, filtered as equation g; (p, G)."""
        design, rho = self.design, float(self.rho[g])
        operator = design.error_operator(g)
        if operator is None or rho == 0.0:
            columns = design.projected
        elif self.space.is_fast(g):
            columns = design.projected - rho * self.space.lagged(g)
        else:
            columns = design.effects.project(design.columns - rho * operator(design.columns), operator, rho)
        moments = Q.T @ columns
        out = np.zeros((Q.shape[1], len(self.names)))
        for h, place in enumerate(design.structure.slices):
            delta = self.three_stage.delta[place]
            others = [j for j in range(len(delta)) if j not in self._outcome_terms(h)]
            out[:, h] = moments[:, [design.regressors[h][j] for j in others]] @ delta[others]
        return out

    # ---- covariances
    def homoskedastic(self, fit: LinearFit) -> Float:
        """Return the covariance with `sigma`, cross-equation blocks included."""
        g = len(self.names)
        meat = sum(self.sigma[a, b] * fit.gamma[a] @ fit.gamma[b].T for a in range(g) for b in range(g))
        return np.asarray(fit.bread @ meat @ fit.bread)

    def influence(self, fit: LinearFit, residuals: Float) -> Float:
        """Return what each unit contributes to the estimate, (units, K)."""
        return cluster_sums(scores(self.design.basis.Q, residuals.T, fit.gamma), self.codes) @ fit.bread

    def clustered(self, fit: LinearFit, residuals: Float) -> Float:
        """Return the covariance clustered by unit."""
        psi = self.influence(fit, residuals)
        return np.asarray(psi.T @ psi) * len(psi) / (len(psi) - 1)
