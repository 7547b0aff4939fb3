r"""Error components two- and three-stage least squares: random effects of units in systems.

.. math:: y_g = Z_g\delta_g + u_g, \quad u_g = \rho_g M_g u_g + \varepsilon_g, \quad
          \varepsilon_{git} = \mu_{gi} + v_{git}, \qquad
          \Omega = \Sigma_1 \otimes Q_1 + \Sigma_v \otimes Q_0, \quad \Sigma_1 = \Sigma_v + T\Sigma_\mu

with Q_1 the means of units and Q_0 = I - Q_1 (Baltagi 1981; with spatial lags and errors Baltagi and Deng
2015; effects and innovations are filtered alike, as in Kapoor, Kelejian and Prucha 2007).  Instruments are
Q_0 H and Q_1 H, weighted by the inverses of Sigma_v and Sigma_1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, NotIdentifiedError
from spatial.models.data.checks import refuse_own_instruments
from spatial.models.data.design import Design
from spatial.models.data.effects import build_effects
from spatial.models.estimation.clusters import cluster_codes, count_of
from spatial.models.estimation.covariance import Cluster
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.estimation.inference import Inference, infer
from spatial.models.estimation.least_squares import LinearFit, two_stage
from spatial.models.estimation.scores import cluster_scores
from spatial.models.estimation.steps import (
    ONE_BY_ONE,
    SPATIAL_ERRORS,
    Numbers,
    SingularSigmaError,
    Workspace,
    residuals_of,
)
from spatial.models.formula.structure import Structure, Term
from spatial.models.hypothesis import HypothesisTest

__all__ = ["ErrorComponentsEstimate", "estimate_error_components", "infer_error_components"]

Float = NDArray[np.float64]

NO_RHO = (
    "rho by the moments of the deviations from the means of units, without a standard error; fit('ml') has "
    "one for one equation"
)


@dataclass(frozen=True, eq=False)
class ErrorComponentsEstimate(Estimate):
    """The estimate, with its variance components.

    Parameters
    ----------
    sigma_v, sigma_1 : array (G, G)
        Covariances of the deviations, and T times those of the means of units.
    asked : Request
        To estimate again with the means of units among the regressors.
    """

    sigma_v: Float
    sigma_1: Float
    asked: Request

    @property
    def sigma_mu(self) -> Float:
        """Covariance of the random effects between equations; a variance may come out below zero."""
        return (self.sigma_1 - self.sigma_v) / self.design.layout.n_times

    def tests(self) -> list[HypothesisTest]:
        """Return Mundlak's test of random against fixed effects, by equation."""
        return mundlak_tests(self)


def estimate_error_components(request: Request) -> ErrorComponentsEstimate:
    """Estimate by 2SLS or 3SLS with random effects, filtered by rho where the method does so."""
    _check(request)
    return _estimated(request, _with_instruments(request.design))


def infer_error_components(found: Estimate, asked: Request) -> Inference:
    """Return the inference of the same estimates under another covariance by clusters."""
    _check(asked)
    return _inference(found.space, found.numbers, asked)


def _check(request: Request) -> None:
    design, cov = request.design, request.covariance
    refuse_own_instruments(design.structure, "effects='random'")
    if not design.layout.is_balanced or design.layout.n_times < 2:
        raise DataError(
            "Random effects of systems need a balanced panel of two times or more: unbalanced='balance', or "
            "effects='unit'."
        )
    if any(name != ("time",) for name in design.effects.names):
        raise DataError(
            "Beside random effects of units a system has fixed effects of times only; write others as "
            "C(column)."
        )
    if not isinstance(cov, Cluster):
        raise DataError(
            f"With random effects cov is 'cluster', or Cluster(by=...) of whole units; got {cov.label}: "
            "their innovations depend on each other within a unit."
        )
    if request.iv != "lags" or request.rho_moments != "kp2010":
        raise DataError("With random effects iv is 'lags' and rho_moments 'kp2010'.")


def _means(design: Design, values: Float) -> Float:
    """Return Q_1 of (R, m) values of a balanced panel."""
    cube = values.reshape(design.layout.n_times, design.layout.n_units, -1)
    means = np.broadcast_to(cube.mean(axis=0), cube.shape)
    return np.asarray(means.reshape(values.shape))


def _with_instruments(design: Design) -> Design:
    """Return the design whose instruments are [Q_0 H, Q_1 H]."""
    H = design.instruments
    between = _means(design, H)
    names = tuple(f"{part} {name}" for part in ("within", "between") for name in design.instrument_names)
    return replace(design, instruments=np.column_stack([H - between, between]), instrument_names=names)


def _estimated(request: Request, design: Design) -> ErrorComponentsEstimate:
    method, structure = request.method, design.structure
    space = Workspace(design)
    within = _is_within(design)
    rho = np.zeros(structure.n_equations)
    filters = method in SPATIAL_ERRORS and structure.has_error
    fit = two_stage(*_moments(space, rho))
    # Large effects make a first estimate poor, and what it leaves of the deviations large: once more, by
    # default, from the residuals of the weighted estimate.
    for step in range(request.passes + 1):
        if filters:
            rho = _rho(design, fit.delta)
            fit = two_stage(*_moments(space, rho)) if step == 0 else fit
        sigma_v, sigma_1 = _components(design, residuals_of(space, rho, fit.delta))
        weights = [_precision(s, method, design) for s in (sigma_v, sigma_1)]
        fit = _weighted(*_moments(space, rho), within, weights[0], weights[1])
    residuals = residuals_of(space, rho, fit.delta)
    notes = ("random effects of units: error components, instruments within and between units",)
    numbers = Numbers(fit, rho, residuals, sigma_v, method, notes=notes)
    inference = _inference(space, numbers, request)
    asked = replace(request, design=replace(design, random=True))
    return ErrorComponentsEstimate(design, request.source, space, numbers, inference, sigma_v, sigma_1, asked)


def _is_within(design: Design) -> NDArray[np.bool_]:
    """Which moments are those of deviations from the means of units."""
    return np.array([j < design.instruments.shape[1] // 2 for j in design.basis.kept])


def _moments(space: Workspace, rho: Float) -> tuple[list[Float], list[Float]]:
    both = [space.instrumented(g, float(r)) for g, r in enumerate(rho)]
    return [m[:, 1:] for m in both], [m[:, 0] for m in both]


def _rho(design: Design, delta: Float) -> Float:
    """Estimate rho of each equation from the deviations of the residuals from the means of units."""
    names = (("unit",), *design.effects.names)
    twin = Workspace(replace(design, effects=build_effects(names, {}, design.layout)))
    out = np.zeros(design.structure.n_equations)
    for g, place in enumerate(design.structure.slices):
        if design.structure.equations[g].error is not None:
            out[g] = twin.rho(g, delta[place], "kp2010", None).rho
    return out


def _components(design: Design, e: Float) -> tuple[Float, Float]:
    """Return Sigma_v and Sigma_1 from residuals (G, R)."""
    between = _means(design, e.T).T
    left = e - between
    N, T = design.layout.n_units, design.layout.n_times
    units = N - 1 if design.effects.any else N  # effects of times take one mean of each
    return left @ left.T / (units * (T - 1)), between @ between.T / units


def _precision(sigma: Float, method: str, design: Design) -> Float:
    chosen = np.diag(np.diag(sigma)) if method in ONE_BY_ONE else sigma
    scale = np.sqrt(np.diag(chosen))
    if not (scale > 0).all() or np.linalg.eigvalsh(chosen / np.outer(scale, scale))[0] < 1e-12:
        raise SingularSigmaError(
            f"The residuals of the equations ({', '.join(design.structure.names)}) depend on each other "
            "linearly: drop one of them, or use method='2sls'."
        )
    return np.asarray(np.linalg.inv(chosen), dtype=np.float64)


def _weighted(
    R: list[Float], r: list[Float], within: NDArray[np.bool_], weight_v: Float, weight_1: Float
) -> LinearFit:
    """Solve the weighted moments; the weight of a moment is that of its part, within or between."""
    count = len(R)
    ends = np.cumsum([0, *(block.shape[1] for block in R)])
    places = [slice(int(a), int(b)) for a, b in pairwise(ends)]
    A = np.empty((int(ends[-1]), int(ends[-1])))
    gamma = np.zeros((count, int(ends[-1]), R[0].shape[0]))
    for g, row in enumerate(places):
        for h, place in enumerate(places):
            weighted = R[g].T * np.where(within, weight_v[g, h], weight_1[g, h])
            A[row, place] = weighted @ R[h]
            gamma[h, row] = weighted
    if np.linalg.matrix_rank(A / np.sqrt(np.outer(np.diag(A), np.diag(A)))) < len(A):
        raise NotIdentifiedError(
            "The instruments, within and between units, do not tell the regressors apart: ask "
            "system.identification() why."
        )
    bread = np.asarray(np.linalg.inv(A), dtype=np.float64)
    target = np.sum([gamma[h] @ r[h] for h in range(count)], axis=0)
    return LinearFit(np.asarray(bread @ target, dtype=np.float64), (bread + bread.T) / 2, gamma)


def _inference(space: Workspace, numbers: Numbers, asked: Request) -> Inference:
    # As of a method without spatial errors. What is left out of the estimation of rho is of second order, but
    # not small where an outcome is lagged in the same weights: a note of the fit says so.
    plain = replace(numbers, method="3sls")
    found = infer(space, plain, asked.covariance, "kp2010", asked.lookup, small=asked.small)
    errors = [e.error is not None for e in space.design.structure.equations]
    if not (numbers.method in SPATIAL_ERRORS and any(errors)):
        return found
    K, extra = len(found.cov), sum(errors)
    cov = np.full((K + extra, K + extra), np.nan)
    cov[:K, :K] = found.cov
    rho = numbers.rho[errors]
    bounds = [space.bound(g) for g, has in enumerate(errors) if has]
    edge = tuple(bool(abs(v) >= b * (1 - 1e-9)) for v, b in zip(rho, bounds, strict=True))
    return replace(found, cov=cov, rho=rho, at_bound=edge, notes=(*found.notes, NO_RHO))


def mundlak_tests(found: ErrorComponentsEstimate) -> list[HypothesisTest]:
    r"""Test random against fixed effects: unit means of the exogenous regressors beside them (Mundlak 1978).

    One test for each equation, by the score of its means where they are zero, with those of the other
    equations estimated.  With s_c the score of a cluster less what the estimated coefficients take from it,

    .. math:: S = (\sum_c s_c)'(\sum_c s_cs_c')^{-1}(\sum_c s_c), \qquad
              \frac{S(C - q)}{q(C - S)} \sim F(q, C - q) ,

    Hotelling's test, exact for normal scores; a Wald test rejected .081 with 60 units.
    """
    wide, added = _with_means(found.design)
    name, null = "Mundlak", "the random effects are not correlated with the regressors"
    names = found.design.structure.names
    if not any(added):
        why = "no exogenous regressor varies both within and between units"
        return [HypothesisTest.failed(name, null, why, equation=e) for e in names]
    space, out = Workspace(wide), []
    assert isinstance(found.asked.covariance, Cluster)
    codes = cluster_codes(found.asked.covariance.by, wide.layout, found.asked.lookup)
    for g, (place, terms) in enumerate(zip(wide.structure.slices, added, strict=True)):
        tested = np.isin(np.arange(wide.structure.n_parameters), range(place.stop - len(terms), place.stop))
        q, clusters = len(terms), count_of(codes)
        if not 0 < q < clusters:
            why = f"{clusters} clusters for {q} means of units" if q else "no exogenous regressor varies so"
            out.append(HypothesisTest.failed(name, null, why, equation=names[g]))
            continue
        value = _score(found, space, g, tested, codes)
        test = HypothesisTest(
            name, null, value * (clusters - q) / (q * (clusters - value)), "F", q, clusters - q
        )
        detail = f"means of {', '.join(terms)}, {found.asked.covariance.label}; score form"
        out.append(replace(test, equation=names[g], detail=detail))
    return out


def _score(
    found: ErrorComponentsEstimate,
    space: Workspace,
    g: int,
    tested: NDArray[np.bool_],
    codes: NDArray[np.intp],
) -> float:
    """Return the score statistic of the means of one equation, at the estimate without them."""
    restricted = _estimated(found.asked, _with_means(found.design, but=g)[0])
    numbers, method = restricted.numbers, found.numbers.method
    weights = [_precision(s, method, restricted.design) for s in (restricted.sigma_v, restricted.sigma_1)]
    whole = _weighted(*_moments(space, numbers.rho), _is_within(space.design), *weights)
    scores = cluster_scores(space.design.basis.Q, numbers.residuals, whole.gamma, codes)
    bread = np.linalg.inv(whole.bread)
    scores = scores[:, tested] - scores[:, ~tested] @ np.linalg.solve(
        bread[np.ix_(~tested, ~tested)], bread[np.ix_(~tested, tested)]
    )
    total = scores.sum(axis=0)
    return float(total @ np.linalg.solve(scores.T @ scores, total))


def _with_means(design: Design, but: int = -1) -> tuple[Design, list[list[str]]]:
    """Return the design with the means of units of the exogenous terms, and which were added by equation.

    Parameters
    ----------
    but : int
        The equation without them; none by default.
    """
    columns = [design.columns]
    equations, regressors, added = [], [], []
    count = design.columns.shape[1]
    for g, (equation, row) in enumerate(zip(design.structure.equations, design.regressors, strict=True)):
        terms, places, mine = list(equation.terms), list(row), []
        for term, place in zip(equation.terms, row, strict=True):
            if term.role != "exogenous" or g == but:
                continue
            x = design.effects.project(design.columns[:, [place]])
            between = _means(design, x)
            size = float(np.sum(x**2))
            if not 1e-10 * size < float(np.sum(between**2)) < (1 - 1e-10) * size:
                continue
            label = f"mean({term.name})"
            columns.append(_means(design, design.columns[:, [place]]))
            terms.append(Term(label, label))
            places.append(count)
            count += 1
            mine.append(term.name)
        equations.append(replace(equation, terms=tuple(terms)))
        regressors.append(tuple(places))
        added.append(mine)
    structure: Structure = replace(design.structure, equations=tuple(equations))
    # The means lie in the span of the instruments between units already.
    return (
        replace(design, structure=structure, columns=np.column_stack(columns), regressors=tuple(regressors)),
        added,
    )
