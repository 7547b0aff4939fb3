"""Joint covariance of the coefficients and the rho, for any choice of covariance."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, SpatialWarning, name_ids
from spatial.ids.alignment import indexer
from spatial.models.data.design import Design
from spatial.models.data.layout import Codes, Layout

from . import covariance as choice
from .errors import RhoFit
from .pairs import Kind, moment_covariance
from .scores import (
    bartlett_lags,
    cluster_scores,
    conley_meat,
    driscoll_kraay_meat,
    kernel_weights,
    nearest_psd,
    outer_meat,
    scores,
    two_way_meat,
)
from .steps import BoundaryWarning, Numbers, RhoMoments, Workspace

__all__ = ["Inference", "cluster_codes", "infer"]

Float = NDArray[np.float64]

FEW_CLUSTERS = 30


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
    """

    cov: Float
    rho: Float
    at_bound: tuple[bool, ...] = ()
    weights: tuple[Float, ...] = ()
    n_clusters: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def infer(
    space: Workspace,
    numbers: Numbers,
    cov: choice.Covariance,
    rho_moments: RhoMoments,
    lookup: Callable[[str], Any],
    known: Inference | None = None,
) -> Inference:
    """Compute the covariance, and rho with efficient weights.

    Parameters
    ----------
    lookup : function of a column name
        Returns the (R,) values of a column of the data, for clusters and coordinates.
    known : Inference, optional
        Of the same estimates under another covariance: its rho and weights are kept.
    """
    V, counts, notes = _coefficient_covariance(space.design, numbers, cov, lookup)
    active = [g for g, r in enumerate(numbers.rho) if _has_rho(space, numbers, g)]
    if not active:
        return Inference(V, np.zeros(0), n_clusters=counts, notes=notes)
    if rho_moments == "kp1999":
        note = "rho by the moments of Kelejian and Prucha (1999): no standard error"
        known = known or Inference(V, numbers.rho[active], _at_bound(space, numbers, active))
        return Inference(_padded(V, len(active)), known.rho, known.at_bound, (), counts, (*notes, note))
    kind, caution = _rho_kind(cov, space.design.layout, lookup)
    joint = _joint(space, numbers, V, active, kind or "cluster", known)
    if kind is None:
        joint.cov[len(V) :, :] = joint.cov[:, len(V) :] = np.nan
    return Inference(joint.cov, joint.rho, joint.at_bound, joint.weights, counts, (*notes, *caution))


def _has_rho(space: Workspace, numbers: Numbers, g: int) -> bool:
    from .steps import SPATIAL_ERRORS

    return numbers.method in SPATIAL_ERRORS and space.design.error_operator(g) is not None


def _at_bound(space: Workspace, numbers: Numbers, active: list[int]) -> tuple[bool, ...]:
    found = [abs(float(numbers.rho[g])) >= space.bound(g) * (1 - 1e-9) for g in active]
    _warn_bound(space, active, found)
    return tuple(found)


def _padded(V: Float, extra: int) -> Float:
    out = np.full((len(V) + extra, len(V) + extra), np.nan)
    out[: len(V), : len(V)] = V
    return out


# ---- the coefficients
def _coefficient_covariance(
    design: Design, numbers: Numbers, cov: choice.Covariance, lookup: Callable[[str], Any]
) -> tuple[Float, tuple[int, ...], tuple[str, ...]]:
    bread, gamma = numbers.fit.bread, numbers.fit.gamma
    if isinstance(cov, choice.Homoskedastic):
        count = len(gamma)
        meat = sum(numbers.sigma[g, h] * gamma[g] @ gamma[h].T for g in range(count) for h in range(count))
        return _symmetric(bread @ meat @ bread), (), ()
    meat, counts, notes = _meat(numbers, design, cov, lookup)
    V = _symmetric(bread @ meat @ bread)
    if isinstance(cov, (choice.TwoWay, choice.Conley)):
        V, fixed = nearest_psd(V)
        if fixed:
            notes = (*notes, "negative eigenvalues of the covariance were set to zero")
    return V, counts, notes


def _symmetric(matrix: Float) -> Float:
    return np.asarray((matrix + matrix.T) / 2)


def _meat(
    numbers: Numbers, design: Design, cov: choice.Covariance, lookup: Callable[[str], Any]
) -> tuple[Float, tuple[int, ...], tuple[str, ...]]:
    layout, parts = design.layout, (design.basis.Q, numbers.residuals, numbers.fit.gamma)
    # Partialling effects out shrinks residuals: rows / n is what Helmert rows would give.
    inflate = layout.n_rows / design.n_effective
    if isinstance(cov, (choice.Cluster, choice.WildBootstrap)):
        codes = cluster_codes(cov.by, layout, lookup)
        warn_few(cov, [codes], layout)
        return outer_meat(cluster_scores(*parts, codes)), (int(codes.max()) + 1,), ()
    values = scores(*parts)
    match cov:
        case choice.Heteroskedastic():
            return values.T @ values * inflate, (), ()
        case choice.TwoWay(first=first, second=second):
            one, two = (cluster_codes(b, layout, lookup) for b in (first, second))
            warn_few(cov, [one, two], layout)
            return two_way_meat(values, one, two), (int(one.max()) + 1, int(two.max()) + 1), ()
        case choice.DriscollKraay(lags=lags):
            if layout.n_times < 2:
                raise DataError(
                    "Driscoll-Kraay sums over time: at least two times are needed, better twenty."
                )
            chosen = bartlett_lags(layout.n_times) if lags is None else min(lags, layout.n_times - 1)
            note = f"Driscoll-Kraay with {chosen} lags of {layout.n_times} times"
            return driscoll_kraay_meat(values, layout, chosen) * inflate, (), (note,)
        case choice.Conley(km=km, lags=lags, kernel=kernel):
            lon, lat = coordinates(cov.coordinates, layout, lookup)
            weights = kernel_weights(lon, lat, km, kernel)
            used = min(lags, layout.n_times - 1)
            return conley_meat(values, layout, weights, used) * inflate, (), ()
    raise DataError(f"This covariance is not known here: {cov!r}.")


def cluster_codes(by: Any, layout: Layout, lookup: Callable[[str], Any]) -> Codes:
    """Return the cluster of each row, 0..C-1."""
    if isinstance(by, str) and by in ("unit", "time"):
        if (layout.n_units if by == "unit" else layout.n_times) < 2:
            raise DataError(f"Two clusters or more are needed; there is one {by}.")
        return layout.unit if by == "unit" else layout.time
    if isinstance(by, str):
        found: Any = lookup(by)
    elif isinstance(by, pd.Series):
        place = indexer(by.index, layout.units, f"clusters {choice.name_of(by)}")
        found = by.to_numpy()[place][layout.unit]
    else:
        raise DataError(f"Clusters are a column name or a Series indexed by unit; got {type(by).__name__}.")
    codes, levels = pd.factorize(pd.Series(found))
    if (codes < 0).any():
        missing = layout.units[np.unique(layout.unit[codes < 0])]
        raise DataError(
            f"Every cell needs a cluster; {choice.name_of(by)} is missing at {name_ids(missing)}."
        )
    if len(levels) < 2:
        raise DataError(f"Two clusters or more are needed; {choice.name_of(by)} has {len(levels)}.")
    return np.asarray(codes, dtype=np.intp)


def warn_few(cov: choice.Covariance, codes: list[Codes], layout: Layout) -> None:
    """Warn where clusters are too few for the normal approximation."""
    fewest = min(int(c.max()) + 1 for c in codes)
    if fewest >= FEW_CLUSTERS or isinstance(cov, choice.WildBootstrap) or fewest == layout.n_rows:
        return
    warnings.warn(
        f"Only {fewest} clusters ({getattr(cov, 'label', '')}): standard errors are too small below about "
        f"{FEW_CLUSTERS}. Use cov=WildBootstrap(by=...).",
        SpatialWarning,
        stacklevel=6,
    )


def coordinates(given: Any, layout: Layout, lookup: Callable[[str], Any]) -> tuple[Float, Float]:
    """Return longitude and latitude of the units, in degrees."""
    if isinstance(given, (tuple, list)) and len(given) == 2 and all(isinstance(c, str) for c in given):
        first = np.unique(layout.unit, return_index=True)[1]
        lon, lat = (_degrees(c, lookup)[first] for c in given)
    elif isinstance(given, pd.DataFrame):
        place = indexer(given.index, layout.units, "the coordinates")
        if "geometry" in given.columns:
            points = given.geometry.representative_point().to_crs(4326)
            lon, lat = points.x.to_numpy()[place], points.y.to_numpy()[place]
        else:
            lon, lat = (given.iloc[:, k].to_numpy(dtype=np.float64)[place] for k in (0, 1))
    else:
        raise DataError("Conley's coordinates are two column names, a frame indexed by unit, or cities.")
    bad = ~(np.isfinite(lon) & np.isfinite(lat)) | (np.abs(lat) > 90) | (np.abs(lon) > 360)
    if bad.any():
        raise DataError(
            f"Longitude and latitude in degrees are needed; not so at {name_ids(layout.units[bad])}."
        )
    return lon, lat


def _degrees(column: str, lookup: Callable[[str], Any]) -> Float:
    try:
        return np.asarray(lookup(column), dtype=np.float64)
    except DataError as error:
        raise DataError(
            f"{error} Conley needs longitude and latitude: Conley(km, coordinates=cities)."
        ) from None


# ---- rho
def _rho_kind(
    cov: choice.Covariance, layout: Layout, lookup: Callable[[str], Any]
) -> tuple[Kind | None, tuple[str, ...]]:
    """Return what the moments of rho assume under this covariance; None where they contradict it."""
    match cov:
        case choice.Homoskedastic():
            return "homoskedastic", ()
        case choice.Heteroskedastic():
            return "heteroskedastic", ()
        case choice.Cluster(by=by) | choice.WildBootstrap(by=by):
            if isinstance(by, str) and by == "unit":
                return "cluster", ()
            codes = cluster_codes(by, layout, lookup)
            if len(np.unique(codes * layout.n_units + layout.unit)) == int(codes.max()) + 1:
                return "cluster", ()
            return None, ("clusters that join units contradict the moments of rho: its error is not given",)
    return "cluster", ("the standard error of rho takes units as independent once rho is filtered out",)


def _joint(
    space: Workspace, numbers: Numbers, V: Float, active: list[int], kind: Kind, known: Inference | None
) -> Inference:
    r"""Covariance of all; :math:`\mathrm{Cov}(\hat\delta, \hat\rho_g) = V_{\cdot g}D_g'K_g'`."""
    slices = space.design.structure.slices
    moments = [space.moments(g) for g in active]
    residuals = [numbers.residuals[g] for g in active]
    Phi = moment_covariance(residuals, moments, kind)
    slopes: list[Float] = []
    fits: list[RhoFit] = []
    weights: list[Float] = []
    influence: list[Float] = []
    for k, g in enumerate(active):
        D = _slope(space, numbers, g)
        own = slice(2 * k, 2 * k + 2)
        Psi = Phi[own, own] + D @ V[slices[g], slices[g]] @ D.T
        # A generalised inverse: where each unit has one neighbour, M'M = I and the first moment is empty.
        weight = known.weights[k] if known else np.asarray(np.linalg.pinv(Psi, hermitian=True), np.float64)
        fit = space.rho(g, numbers.fit.delta[slices[g]], "kp2010", weight)
        J = fit.jacobian
        influence.append(J @ weight / (J @ weight @ J))
        slopes.append(D)
        fits.append(fit)
        weights.append(weight)
    _warn_bound(space, active, [f.at_bound for f in fits])
    total = _padded(V, len(active))
    for k, g in enumerate(active):
        cross = V[:, slices[g]] @ slopes[k].T @ influence[k]
        total[: len(V), len(V) + k] = total[len(V) + k, : len(V)] = cross
        for m, h in enumerate(active):
            block = Phi[2 * k : 2 * k + 2, 2 * m : 2 * m + 2]
            block = block + slopes[k] @ V[slices[g], slices[h]] @ slopes[m].T
            total[len(V) + k, len(V) + m] = influence[k] @ block @ influence[m]
    rho = np.array([f.rho for f in fits]) if known is None else known.rho
    return Inference(total, rho, tuple(f.at_bound for f in fits), tuple(weights))


def _slope(space: Workspace, numbers: Numbers, g: int) -> Float:
    """Return the derivative of the moments of equation g by its coefficients; (2, k_g)."""
    moments = space.moments(g)
    weighted = moments.apply(numbers.residuals[g])
    return np.asarray(-2.0 / moments.n * space.cross(g, float(numbers.rho[g]), weighted))


def _warn_bound(space: Workspace, active: list[int], at_bound: list[bool]) -> None:
    names = [space.design.structure.names[g] for g, hit in zip(active, at_bound, strict=True) if hit]
    if names:
        warnings.warn(
            f"rho of {', '.join(names)} lies at the bound of the admissible region: the errors do not follow "
            "the model, or the lag of the outcome stands in for them. Read neither rho nor its error.",
            BoundaryWarning,
            stacklevel=5,
        )
