r"""The joint estimator ``aqs``: coefficients and rho together from adjusted quasi-scores.

.. math:: \psi(\theta) = \mathcal D(\theta)'\Omega_0(\Sigma(\theta))^{-1}m(\theta) = 0, \qquad
          V = G^{-1}\Omega_\psi G^{-\prime}, \quad G = \mathcal D'\Omega_0^{-1}\,\partial m/\partial\theta'

The equations are as many as the unknowns: no moments are left to weigh, and the estimate is consistent
whether or not the weights are right.  For normal innovations the score is that of the likelihood
of Lee and Yu (2010) less the terms of a unit with itself, so that the mean squared error is that of maximum
likelihood, without its inconsistency under heteroskedasticity and serial correlation.  It adjusts a
quasi-score to mean zero as Liu and Yang (2015) do for one equation, with best instruments (Lee 2003) and
quadratic forms without diagonal (Lin and Lee 2010; Kelejian and Prucha 2010), for systems and clusters.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, SpatialWarning, warn
from spatial.models.data.checks import own_instruments
from spatial.models.data.design import Design
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.estimation.covariance import (
    Cluster,
    Covariance,
    Heteroskedastic,
    Homoskedastic,
)
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.laws import NORMAL, Law
from spatial.models.estimation.least_squares import LinearFit
from spatial.models.estimation.steps import BoundaryWarning, Numbers, estimate

from .inverted import ByDistance, ScoreInference
from .moments import Moments, moments_of
from .notes import NO_ROOT, cell_notes, root_notes
from .roots import ExpectedSlope, Root, find_root
from .slope import SeriesSlope
from .solved import SolvedSlope
from .weights import Dependence, ModelWeights, score_covariance

__all__ = [
    "NoRootWarning",
    "QuasiScoreEstimate",
    "estimate_by_quasi_score",
    "infer_by_quasi_score",
    "refusal",
    "score_inference",
    "solve_equations",
]

Float = NDArray[np.float64]


class NoRootWarning(SpatialWarning):
    """The estimating equations have no solution; the point nearest to one is reported."""


@dataclass(frozen=True, eq=False)
class QuasiScoreEstimate(ByDistance, Estimate):
    """The estimate, with what intervals need.

    Parameters
    ----------
    moments : Moments
    a : array (parameters, M)
        Weights of the moments at the estimate.
    root : Root
    expected : array (M, parameters)
        The slope of the moments that the model implies at the estimate.
    """

    moments: Moments
    a: Float
    root: Root
    expected: Float

    @property
    def solved(self) -> bool:
        """Whether the quasi-score is zero at the estimate."""
        return self.root.converged

    @property
    def score_inference(self) -> ScoreInference:
        """The covariance of theta, and that of the score."""
        assert isinstance(self.inference, ScoreInference)
        return self.inference

    def linear_moments(self, equations: Sequence[int]) -> tuple[Float, Float]:
        """Return Q'e of equations and the expected slopes by their coefficients, (G p,) and (G p, K)."""
        p = self.moments.columns.Q.shape[1]
        rows = np.concatenate([np.arange(g * p, (g + 1) * p) for g in equations])
        places = [self.moments.slices[g] for g in equations]
        columns = np.concatenate([np.arange(s.start, s.stop) for s in places])
        return self.moments.values(self.theta)[rows], self.expected[np.ix_(rows, columns)]


def refusal(design: Design, cov: Covariance) -> str:
    """Say why a design cannot be estimated jointly; empty where it can."""
    structure = design.structure
    spatial = any(
        t.weights is not None and t.shift == 0 and structure.is_outcome(t) for _, t in structure.terms
    )
    if not (spatial or structure.has_error):
        return (
            "method='aqs' is for spatial lags of outcomes and spatial errors, and this system has neither: "
            "use method='3sls'"
        )
    if structure.has_own_instruments:
        return own_instruments(structure, "method='aqs'")
    if _dependence(cov) is None:
        return (
            "method='aqs' takes units as independent: cov is 'cluster' (by unit), 'het' or 'hom'; got "
            f"{cov.label}. Use method='gs3sls' for other covariances of the coefficients"
        )
    choice = design.choice
    if choice is not None and choice.lags == "full" and any(choice.outside.values()):
        return (
            "method='aqs' needs the units whose lags are used, and some of them are outside the chosen rows "
            f"({choice.condition}): use lags='within', or method='gs3sls'"
        )
    return ""


def _dependence(cov: Covariance) -> Dependence | None:
    match cov:
        case Cluster(by="unit", small="cr1"):
            return "cluster"
        case Heteroskedastic():
            return "heteroskedastic"
        case Homoskedastic():
            return "homoskedastic"
    return None


def expected_slope(moments: Moments) -> ExpectedSlope:
    """Return the expected slope: by power series where there is one matrix, else by solving."""
    lags = [q.weights for q in moments.parameters if q.weights is not None]
    names = list(dict.fromkeys([*lags, *moments.columns.names, *moments.matrices]))
    if len(names) != 1:
        return SolvedSlope(moments)
    operator = moments.design.operators[names[0]]
    return SeriesSlope(moments, names[0], operator.radius if operator.radius > 0 else 1.0)


def estimate_by_quasi_score(request: Request) -> QuasiScoreEstimate:
    """Estimate coefficients and rho jointly, from one pass of GS3SLS as the start."""
    design = request.design
    reason = refusal(design, request.covariance)
    if reason:
        raise DataError(f"{reason}.")
    with warnings.catch_warnings():
        # What the start is warned of is mended by what follows.
        warnings.simplefilter("ignore", SpatialWarning)
        codes = cluster_codes("unit", design.layout, request.lookup)
        first, space = estimate(design, "gs3sls", "kp2010", 1, codes)
    moments = moments_of(design)
    start = np.concatenate([first.fit.delta, [first.rho[g] for g in moments.rho_places]])
    weights, slope = ModelWeights(moments), expected_slope(moments)
    root, a, expected, notes = solve_equations(moments, weights, slope, start)
    sigma = moments.sigma(root.theta)
    count = design.structure.n_parameters
    zero = np.zeros((count, count))
    fit = LinearFit(
        root.theta[:count], zero, np.zeros((moments.n_equations, count, moments.columns.Q.shape[1]))
    )
    numbers = Numbers(fit, moments.rho(root.theta), moments.residuals(root.theta), sigma, "aqs", notes=notes)
    inference = _inference(moments, a, root, request.covariance)
    return QuasiScoreEstimate(design, request.source, space, numbers, inference, moments, a, root, expected)


def solve_equations(
    moments: Moments, weights: ModelWeights, slope: ExpectedSlope, start: Float
) -> tuple[Root, Float, Float, tuple[str, ...]]:
    """Return the root, the weights of the moments and their expected slope there, and what to say of it."""
    root = find_root(moments, weights, slope, start)
    notes = (*root_notes(moments, root), *cell_notes(moments))
    if root.centre is None:
        _warn_no_root(moments)
    elif not root.converged:
        warn(f"{notes[0][0].upper()}{notes[0][1:]}.", BoundaryWarning)
    expected = slope(root.theta)
    return root, weights.weighted(expected, moments.sigma(root.theta)), expected, notes


def _warn_no_root(moments: Moments) -> None:
    design, p, n = moments.design, moments.columns.Q.shape[1], moments.design.n_effective
    warn(
        f"{NO_ROOT[0].upper() + NO_ROOT[1:]}: the point with the smallest distance is reported, and its "
        f"intervals, by standard errors, may be too short. There are {design.layout.n_times} times and {p} "
        f"instruments for an effective sample of {n}: more times help, or fewer instruments (iv_order=1); "
        "and fit.anderson_rubin() gives sets that hold.",
        NoRootWarning,
    )


def _inference(moments: Moments, a: Float, root: Root, cov: Covariance) -> ScoreInference:
    dependence = _dependence(cov)
    if dependence is None:
        raise DataError(f"{refusal(moments.design, cov)}.")
    return score_inference(
        moments, a, root, dependence, score_covariance(moments, a, root.middle, dependence)
    )


def score_inference(
    moments: Moments, a: Float, root: Root, dependence: Dependence, omega: Float
) -> ScoreInference:
    """Return the inference of theta from the covariance of the score."""
    centre = root.middle
    bread = np.linalg.inv(a @ moments.slope(centre))
    V = bread @ omega @ bread.T
    design = moments.design
    at_bound, edges = [], []
    for g, k in moments.rho_places.items():
        operator = design.error_operator(g)
        radius = operator.radius if operator is not None and operator.radius > 0 else 1.0
        at_bound.append(bool(abs(root.theta[k]) * radius >= 0.995 - 1e-9))
        edges.append(design.structure.names[g])
    names = [name for name, hit in zip(edges, at_bound, strict=True) if hit]
    if names and (root.centre is None or root.converged):
        warn(
            f"rho of {', '.join(names)} lies at the bound of the admissible region: the errors do not follow "
            "the model, or the lag of the outcome stands in for them. Read neither rho nor its error.",
            BoundaryWarning,
        )
    units = design.layout.n_units
    clusters = (units,) if dependence == "cluster" else ()
    law = Law(units - 1) if dependence == "cluster" else NORMAL
    rho = np.array([root.theta[k] for k in moments.rho_places.values()])
    return ScoreInference((V + V.T) / 2, rho, tuple(at_bound), (), clusters, (), law, omega)


def infer_by_quasi_score(found: Estimate, asked: Request) -> Inference:
    """Return the inference of the same estimates under the covariance that is asked for."""
    assert isinstance(found, QuasiScoreEstimate)
    return _inference(found.moments, found.a, found.root, asked.covariance)
