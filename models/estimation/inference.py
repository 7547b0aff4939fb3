"""Joint covariance of the coefficients and the rho, for any choice of covariance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spatial.errors import warn

from .clusters import Lookup, cluster_codes
from .covariance import Covariance
from .errors import RhoFit
from .laws import NORMAL, Law
from .pairs import Kind, moment_covariance
from .scores import Scores, nearest_psd
from .steps import SPATIAL_ERRORS, BoundaryWarning, Numbers, RhoMoments, Workspace
from .windmeijer import windmeijer_covariance

__all__ = ["Inference", "infer", "joint_inference", "warn_bound"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Inference:
    """Covariance of (delta, rho), and the last rho.

    Parameters
    ----------
    cov : array (K + E, K + E)
        Coefficients, then rho of the E equations with an error matrix; NaN where it is not known.
    rho : array (E,)
    at_bound : tuple of bool
    weights : tuple of array (2, 2)
        Upsilon of each rho.
    n_clusters : tuple of int
    notes : tuple of str
    law : Law
        Against which t statistics are read.
    """

    cov: Float
    rho: Float
    at_bound: tuple[bool, ...] = ()
    weights: tuple[Float, ...] = ()
    n_clusters: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    law: Law = NORMAL


def infer(
    space: Workspace,
    numbers: Numbers,
    cov: Covariance,
    rho_moments: RhoMoments,
    lookup: Lookup,
    known: Inference | None = None,
    small: bool = False,
) -> Inference:
    """Compute the covariance, and rho with efficient weights.

    Parameters
    ----------
    lookup : function of a column name
        Returns the (R,) values of a column of the data, for clusters and coordinates.
    known : Inference, optional
        Of the same estimates under another covariance: its rho and weights are kept.
    small : bool
        Whether variances get the small-sample factors of Stata and fixest.
    """
    plain = _coefficient_inference(space, numbers, cov, lookup, small)
    V = plain.cov
    active = [g for g, r in enumerate(numbers.rho) if _has_rho(space, numbers, g)]
    if not active:
        return plain
    if rho_moments == "kp1999":
        note = "rho by the moments of Kelejian and Prucha (1999): no standard error"
        known = known or Inference(V, numbers.rho[active], _at_bound(space, numbers, active))
        return replace(
            plain,
            cov=_padded(V, len(active)),
            rho=known.rho,
            at_bound=known.at_bound,
            notes=(*plain.notes, note),
        )
    kind, caution = cov.rho_kind(space.design.layout, lookup)
    joint = _joint(space, numbers, V, active, kind or "cluster", known)
    if kind is None:
        joint.cov[len(V) :, :] = joint.cov[:, len(V) :] = np.nan
    return replace(joint, n_clusters=plain.n_clusters, notes=(*plain.notes, *caution), law=plain.law)


def _has_rho(space: Workspace, numbers: Numbers, g: int) -> bool:
    return numbers.method in SPATIAL_ERRORS and space.design.error_operator(g) is not None


def _at_bound(space: Workspace, numbers: Numbers, active: list[int]) -> tuple[bool, ...]:
    found = [abs(float(numbers.rho[g])) >= space.bound(g) * (1 - 1e-9) for g in active]
    warn_bound(space.design.structure.names, active, found)
    return tuple(found)


def _padded(V: Float, extra: int) -> Float:
    out = np.full((len(V) + extra, len(V) + extra), np.nan)
    out[: len(V), : len(V)] = V
    return out


# ---- the coefficients
def _coefficient_inference(
    space: Workspace, numbers: Numbers, cov: Covariance, lookup: Lookup, small: bool
) -> Inference:
    design = space.design
    fit, layout = numbers.fit, design.layout
    inflation = layout.n_rows / design.n_effective
    scores = Scores(
        design.basis.Q, numbers.residuals, fit.gamma, numbers.sigma, inflation, fit.bread, design.effects
    )
    found = cov.meat(scores, layout, lookup)
    V, notes, law = _symmetric(fit.bread @ found.matrix @ fit.bread.T), found.notes, found.law
    if numbers.first is not None and cov.gmm_clusters is not None:
        codes = cluster_codes(cov.gmm_clusters, layout, lookup)
        V = windmeijer_covariance(space, numbers, numbers.first, codes)
        notes = (*notes, "standard errors of two-step GMM as corrected by Windmeijer (2005)")
    if found.may_be_indefinite:
        V, fixed = nearest_psd(V)
        if fixed:
            notes = (*notes, "negative eigenvalues of the covariance were set to zero")
    if small:
        k = len(V) / len(numbers.residuals)
        V = V * cov.small_factor(design, k, lookup)
        if law is NORMAL:
            law = Law(design.n_effective * len(numbers.residuals) - len(V))
    return Inference(V, np.zeros(0), n_clusters=found.clusters, notes=notes, law=law)


def _symmetric(matrix: Float) -> Float:
    return np.asarray((matrix + matrix.T) / 2)


# ---- rho
def _joint(
    space: Workspace, numbers: Numbers, V: Float, active: list[int], kind: Kind, known: Inference | None
) -> Inference:
    r"""Covariance of all; :math:`\mathrm{Cov}(\hat\delta, \hat\rho_g) = V_{\cdot g}D_g'K_g'`."""
    slices = space.design.structure.slices
    residuals = [numbers.residuals[g] for g in active]
    Phi = moment_covariance(residuals, [space.moments(g) for g in active], kind)

    def fitted(k: int, weight: Float) -> RhoFit:
        return space.rho(active[k], numbers.fit.delta[slices[active[k]]], "kp2010", weight)

    slopes = [_slope(space, numbers, g) for g in active]
    found = joint_inference(
        V, Phi, slopes, [slices[g] for g in active], fitted, known.weights if known else None
    )
    warn_bound(space.design.structure.names, active, found.at_bound)
    return found if known is None else replace(found, rho=known.rho)


def joint_inference(
    V: Float,
    Phi: Float,
    slopes: Sequence[Float],
    slices: Sequence[slice],
    fitted: Callable[[int, Float], RhoFit],
    weights: Sequence[Float] | None = None,
) -> Inference:
    r"""Return the covariance of all, and rho with efficient weights.

    .. math:: \mathrm{Cov}(\hat\delta, \hat\rho_g) = V_{\cdot g}D_g'K_g'

    Parameters
    ----------
    V : array (K, K)
        Of the coefficients.
    Phi : array (2E, 2E)
        Of the moments of the E equations with an error matrix.
    slopes : sequence of array (2, k_g)
        Derivatives of the moments by the coefficients of their equation.
    slices : sequence of slice
        Where these coefficients stand.
    fitted : function of the place k and a weight, (2, 2)
        Estimates rho of the k-th of the E equations.
    weights : sequence of array (2, 2), optional
        In place of the efficient ones.
    """
    size, kept, fits, influence = len(V), [], [], []
    for k, (D, at) in enumerate(zip(slopes, slices, strict=True)):
        own = slice(2 * k, 2 * k + 2)
        Psi = Phi[own, own] + D @ V[at, at] @ D.T
        # A generalised inverse: where each unit has one neighbour, M'M = I and the first moment is empty.
        weight = weights[k] if weights else np.asarray(np.linalg.pinv(Psi, hermitian=True), np.float64)
        fit = fitted(k, weight)
        J = fit.jacobian
        influence.append(J @ weight / (J @ weight @ J))
        fits.append(fit)
        kept.append(weight)
    total = _padded(V, len(fits))
    for k, at in enumerate(slices):
        total[:size, size + k] = total[size + k, :size] = V[:, at] @ slopes[k].T @ influence[k]
        for m, other in enumerate(slices):
            block = Phi[2 * k : 2 * k + 2, 2 * m : 2 * m + 2] + slopes[k] @ V[at, other] @ slopes[m].T
            total[size + k, size + m] = influence[k] @ block @ influence[m]
    return Inference(total, np.array([f.rho for f in fits]), tuple(f.at_bound for f in fits), tuple(kept))


def _slope(space: Workspace, numbers: Numbers, g: int) -> Float:
    """Return the derivative of the moments of equation g by its coefficients; (2, k_g)."""
    moments = space.moments(g)
    weighted = moments.apply(numbers.residuals[g])
    return np.asarray(-2.0 / moments.n * space.cross(g, float(numbers.rho[g]), weighted))


def warn_bound(names: Sequence[str], active: list[int], at_bound: Sequence[bool]) -> None:
    """Warn of the equations, of all that have `names`, whose rho lies at the bound."""
    hit = [names[g] for g, at in zip(active, at_bound, strict=True) if at]
    if hit:
        warn(
            f"rho of {', '.join(hit)} lies at the bound of the admissible region: the errors do not follow "
            "the model, or the lag of the outcome stands in for them. Read neither rho nor its error.",
            BoundaryWarning,
        )
