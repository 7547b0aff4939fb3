"""The steps of the estimator: 2SLS, rho, filtered 2SLS, Sigma, 3SLS or GMM, and again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, NotIdentifiedError, SpatialWarning, warn
from spatial.models.data.design import Design
from spatial.models.data.layout import Codes

from .errors import ErrorMoments, RhoFit, build_moments, fit_rho, fit_rho_1999, fit_rho_profile, rho_bound
from .least_squares import LinearFit, chosen, gmm, innovation_covariance, precision_of, three_stage, two_stage
from .scores import cluster_sums

__all__ = [
    "METHODS",
    "BoundaryWarning",
    "Method",
    "Numbers",
    "RhoMoments",
    "SingularSigmaError",
    "Workspace",
    "estimate",
]

Float = NDArray[np.float64]
Method = Literal["gs3sls", "gs2sls", "3sls", "2sls", "gmm", "ols", "aqs", "ml", "mess"]
RhoMoments = Literal["kp2010", "kp1999"]

METHODS: tuple[Method, ...] = ("gs3sls", "gs2sls", "3sls", "2sls", "gmm", "ols")
SPATIAL_ERRORS = frozenset(("gs3sls", "gs2sls", "gmm", "aqs", "ml"))
ONE_BY_ONE = frozenset(("gs2sls", "2sls", "ols"))


class SingularSigmaError(DataError):
    """The residuals of the equations depend on each other linearly."""


class BoundaryWarning(SpatialWarning):
    """An estimate of rho lies at the edge of the admissible region."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """What estimation leaves behind, as arrays.

    Parameters
    ----------
    fit : LinearFit
        Coefficients of the last step.
    rho : array (G,)
        By which each equation was filtered; 0 where it has no error matrix.
    residuals : array (G, R)
        Innovations: filtered, effects out.
    sigma : array (G, G)
        From the residuals of 2SLS on the filtered data, divisor n: the weight of 3SLS.
    method : str
        What was done, after any fall-back.
    moment_covariance : array (Gp, Gp), optional
        S of two-step GMM.
    first : LinearFit, optional
        The first step of two-step GMM, from which S was made.
    notes : tuple of str
    """

    fit: LinearFit
    rho: Float
    residuals: Float
    sigma: Float
    method: Method
    moment_covariance: Float | None = None
    first: LinearFit | None = None
    notes: tuple[str, ...] = ()


@dataclass(eq=False)
class Workspace:
    """Filtered and projected columns of a design, made once where the filter and the effects commute."""

    design: Design
    _lagged: dict[str, Float] = field(default_factory=dict)
    _moments: dict[str, ErrorMoments] = field(default_factory=dict)
    _instrumented: dict[str, Float] = field(default_factory=dict)
    _filtered: dict[tuple[int, float], Float] = field(default_factory=dict)

    def is_fast(self, g: int) -> bool:
        """Whether the projector of equation g does not depend on rho."""
        return self.design.effects.commutes_with(self.design.error_operator(g))

    def lagged(self, g: int) -> Float:
        """Return the columns lagged by M of equation g, effects out; (R, m)."""
        name = str(self.design.structure.equations[g].error)
        if name not in self._lagged:
            operator = self.design.operators[name]
            self._lagged[name] = self.design.effects.project(operator(self.design.columns))
        return self._lagged[name]

    def moments(self, g: int) -> ErrorMoments:
        """Return the quadratic forms of M of equation g."""
        name = str(self.design.structure.equations[g].error)
        if name not in self._moments:
            self._moments[name] = build_moments(self.design.operators[name], self.design.effects)
        return self._moments[name]

    def bound(self, g: int) -> float:
        """Return the largest absolute rho that is sought for equation g."""
        return rho_bound(self.moments(g).operator)

    def filtered(self, g: int, rho: float) -> Float:
        """Return [y*, Z*] of equation g; (R, 1 + k_g)."""
        places = self.design.equation_columns(g)
        operator = self.design.error_operator(g)
        if operator is None or rho == 0.0:
            return self.design.projected[:, places]
        if self.is_fast(g):
            return self.design.projected[:, places] - rho * self.lagged(g)[:, places]
        key = (g, rho)
        if key not in self._filtered:
            raw = self.design.columns[:, places]
            self._filtered[key] = self.design.effects.project(raw - rho * operator(raw), operator, rho)
        return self._filtered[key]

    def instrumented(self, g: int, rho: float) -> Float:
        """Return Q'[y*, Z*] of equation g; (p, 1 + k_g)."""
        Q, places = self.design.basis.Q, self.design.equation_columns(g)
        if not self.is_fast(g) and rho != 0.0:
            return np.asarray(Q.T @ self.filtered(g, rho))
        if "" not in self._instrumented:
            self._instrumented[""] = Q.T @ self.design.projected
        plain = self._instrumented[""][:, places]
        if rho == 0.0:
            return plain
        name = str(self.design.structure.equations[g].error)
        if name not in self._instrumented:
            self._instrumented[name] = Q.T @ self.lagged(g)
        return plain - rho * self._instrumented[name][:, places]

    def combine(self, g: int, rho: float, delta: Float) -> Float:
        """Return y* - Z* delta of equation g; (R,)."""
        if not self.is_fast(g) and rho != 0.0:
            return np.asarray(self.filtered(g, rho) @ np.concatenate([[1.0], -delta]))
        full = self._combination(g, delta)
        out = self.design.projected @ full
        return out if rho == 0.0 else out - rho * (self.lagged(g) @ full)

    def cross(self, g: int, rho: float, values: Float) -> Float:
        """Return values @ Z* of equation g, for (..., R) values."""
        places = self.design.equation_columns(g)[1:]
        if not self.is_fast(g) and rho != 0.0:
            return np.asarray(values @ self.filtered(g, rho)[:, 1:])
        out = (values @ self.design.projected)[..., places]
        return out if rho == 0.0 else out - rho * (values @ self.lagged(g))[..., places]

    def _combination(self, g: int, delta: Float) -> Float:
        """Return the weights of all columns that make y - Z delta; (m,)."""
        full = np.zeros(self.design.columns.shape[1])
        full[self.design.outcomes[g]] = 1.0
        full[list(self.design.regressors[g])] -= delta
        return full

    def rho(self, g: int, delta: Float, kind: RhoMoments, weight: Float | None) -> RhoFit:
        """Estimate rho of equation g from the residuals that `delta` leaves."""
        design, moments = self.design, self.moments(g)
        operator = moments.operator
        full = self._combination(g, delta)
        bound = self.bound(g)
        if self.is_fast(g):
            a, b = design.projected @ full, self.lagged(g) @ full
            if kind == "kp2010":
                return fit_rho(a, b, moments, weight, bound)
            twice = operator(operator(design.columns @ full))
            return fit_rho_1999(a, b, design.effects.project(twice), moments, bound)[0]
        if kind == "kp1999":
            raise DataError(
                "rho_moments='kp1999' needs effects that the spatial filter leaves as they are: those of "
                "units in a balanced panel, and of times where all rows of the error weights have one sum. "
                "Use rho_moments='kp2010'."
            )
        u = design.columns @ full
        Mu = operator(u)
        return fit_rho_profile(
            lambda r: design.effects.project(u - r * Mu, operator, r), moments, weight, bound
        )


def estimate(
    design: Design,
    method: Method,
    rho_moments: RhoMoments,
    passes: int,
    clusters: Codes,
) -> tuple[Numbers, Workspace]:
    """Run the steps of GS3SLS, or the part of them that `method` names.

    Parameters
    ----------
    design : Design
    method : str
        One of `METHODS`; ``2sls`` and ``3sls`` leave spatial errors out.
    rho_moments : "kp2010" or "kp1999"
    passes : int
        How often rho and Sigma are estimated again from the last residuals.
    clusters : int array (R,)
        Clusters of the GMM weights.
    """
    space = Workspace(design)
    if method == "ols":
        _refuse_endogenous(design)
    _check_order(design)
    count = design.structure.n_equations
    with_errors = method in SPATIAL_ERRORS and design.structure.has_error
    rho = np.zeros(count)
    if with_errors:
        first, _ = _two_stage(space, rho)
        rho = _all_rho(space, first.delta, rho_moments)
    _refuse_passes(method, with_errors, passes)
    for step in range(passes + 1 if with_errors else 1):
        numbers = _one_pass(space, rho, method, clusters)
        if with_errors and step < passes:
            rho = _all_rho(space, numbers.fit.delta, rho_moments)
    if not with_errors and passes > 1:
        numbers = _iterated(space, numbers, passes)
    return replace(numbers, notes=(*numbers.notes, *_own_notes(design))), space


def _own_notes(design: Design) -> tuple[str, ...]:
    """Say that equations have instruments of their own, and what is then done."""
    equations = design.structure.equations
    if not design.structure.has_own_instruments:
        return ()
    told = "; ".join(f"{e.name}: {', '.join(e.instruments or ('all',))}" for e in equations)
    return (
        f"declared instruments by equation ({told}): the moments of each are its own, weighted together by "
        "GMM, as 3SLS with such instruments would be inconsistent",
    )


def _refuse_passes(method: Method, with_errors: bool, passes: int) -> None:
    if not with_errors and passes > 1 and method in (*ONE_BY_ONE, "gmm"):
        raise DataError(
            f"passes={passes}: {method} without spatial errors has nothing to estimate again; passes is for "
            "spatial errors (rho and Sigma), and for 3sls (Sigma)."
        )


def _iterated(space: Workspace, numbers: Numbers, passes: int) -> Numbers:
    """Estimate Sigma again from the residuals of 3SLS, and 3SLS with it, until nothing changes."""
    design, method = space.design, numbers.method
    moments = [space.instrumented(g, float(r)) for g, r in enumerate(numbers.rho)]
    R, r = [m[:, 1:] for m in moments], [m[:, 0] for m in moments]
    fit, residuals, sigma = numbers.fit, numbers.residuals, numbers.sigma
    for count in range(2, passes + 1):
        sigma = innovation_covariance(list(residuals), design.n_effective)
        before, fit = fit, _weighted(design, R, r, _precision(sigma, design))
        residuals = residuals_of(space, numbers.rho, fit.delta)
        scale = np.sqrt(np.diag(fit.bread))
        if (np.abs(fit.delta - before.delta) <= 1e-10 * scale).all():
            note = f"3SLS iterated: Sigma estimated {count} times, nothing changes any more"
            break
    else:
        note = f"3SLS iterated: Sigma estimated {passes} times, the coefficients still change"
    return Numbers(fit, numbers.rho, residuals, sigma, method, notes=(*numbers.notes, note))


def _refuse_endogenous(design: Design) -> None:
    for equation in design.structure.equations:
        moving = [t.name for t in equation.terms if t.is_endogenous]
        if moving:
            raise DataError(
                f"Least squares is inconsistent: {', '.join(moving)} of equation {equation.name!r} "
                f"{'is' if len(moving) == 1 else 'are'} endogenous. Use '2sls' or 'gs2sls'."
            )


def _check_order(design: Design) -> None:
    for g, equation in enumerate(design.structure.equations):
        seen = design.seen_by(g)
        p = seen.basis.rank
        if len(equation.terms) > p:
            endogenous = [t.name for t in equation.terms if t.is_endogenous]
            raise NotIdentifiedError(
                f"Equation {equation.name!r} has {len(equation.terms)} coefficients, and there are {p} "
                f"instruments ({', '.join(seen.kept_instruments[:9])}). Endogenous: "
                f"{', '.join(endogenous)}. Add exogenous variables that it leaves out, or instruments=."
            )
    p = design.basis.rank
    if p > 0.1 * design.n_effective:
        warn(
            f"{p} instruments for an effective sample of {design.n_effective}: with more than one for ten, "
            "estimates lean towards least squares. Lower iv_order, or use fewer weights."
        )


def _all_rho(space: Workspace, delta: Float, kind: RhoMoments) -> Float:
    structure = space.design.structure
    out = np.zeros(structure.n_equations)
    for g, place in enumerate(structure.slices):
        if structure.equations[g].error is not None:
            out[g] = space.rho(g, delta[place], kind, None).rho
    return out


def _two_stage(space: Workspace, rho: Float) -> tuple[LinearFit, list[Float]]:
    moments = [space.instrumented(g, float(r)) for g, r in enumerate(rho)]
    R, r = [m[:, 1:] for m in moments], [m[:, 0] for m in moments]
    if space.design.own_instruments is None:
        return two_stage(R, r, space.design.selection), moments
    return _weighted(space.design, R, r, np.eye(len(R))), moments


def _weighted(design: Design, R: list[Float], r: list[Float], precision: Float) -> LinearFit:
    """Estimate all equations together; by the best instruments, as many as coefficients."""
    if design.own_instruments is None:
        return three_stage(R, r, precision, design.selection)
    return chosen([design.own_coordinates(g) for g in range(len(R))], R, r, precision)


def residuals_of(space: Workspace, rho: Float, delta: Float) -> Float:
    """Return y* - Z* delta of each equation; (G, R)."""
    slices = space.design.structure.slices
    return np.stack([space.combine(g, float(rho[g]), delta[place]) for g, place in enumerate(slices)])


def _one_pass(space: Workspace, rho: Float, method: Method, clusters: Codes) -> Numbers:
    design = space.design
    first, moments = _two_stage(space, rho)
    fit = first
    residuals = residuals_of(space, rho, fit.delta)
    sigma = innovation_covariance(list(residuals), design.n_effective)
    if method in ONE_BY_ONE:
        return Numbers(fit, rho, residuals, sigma, method)
    R, r = [m[:, 1:] for m in moments], [m[:, 0] for m in moments]
    notes: tuple[str, ...] = ()
    S: Float | None = None
    if method == "gmm":
        _precision(sigma, design)
        S = cluster_moments(design.basis.Q, residuals, clusters)
        method, S, notes = _gmm_or_fallback(S, int(clusters.max()) + 1)
    own = design.selection
    fit = _weighted(design, R, r, _precision(sigma, design)) if S is None else gmm(R, r, S, own)
    left = residuals_of(space, rho, fit.delta)
    return Numbers(fit, rho, left, sigma, method, S, None if S is None else first, notes)


def cluster_moments(Q: Float, residuals: Float, clusters: Codes) -> Float:
    """Return S, the sum over clusters of the outer products of the stacked moments; (Gp, Gp)."""
    sums = np.hstack([cluster_sums(Q, clusters, e) for e in residuals])
    return np.asarray(sums.T @ sums)


def _gmm_or_fallback(S: Float, count: int) -> tuple[Method, Float | None, tuple[str, ...]]:
    if count >= 3 * len(S):
        return "gmm", S, ()
    message = (
        f"two-step GMM needs many more clusters than moments ({count} clusters, {len(S)} moments): "
        "3SLS with a robust covariance was done instead"
    )
    warn(message[0].upper() + message[1:] + ".")
    return "gs3sls", None, (message,)


def _precision(sigma: Float, design: Design) -> Float:
    found = precision_of(sigma)
    if found is None:
        raise SingularSigmaError(
            "The residuals of the equations depend on each other linearly, so Sigma has no inverse: the "
            f"equations ({', '.join(design.structure.names)}) hold an identity, or are multiples of one "
            "another. Drop one of them, or estimate with method='gs2sls'."
        )
    return found
