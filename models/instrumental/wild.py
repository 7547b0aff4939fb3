r"""Wild restricted efficient bootstrap for few clusters (Davidson and MacKinnon 2010), for 2SLS and 3SLS.

Under the null the structural residuals e and those of the reduced form of the endogenous regressors,
:math:`U = Y - Q\Pi`, are multiplied by one weight for each cluster; regressors and outcomes are made anew,
and the model is estimated again.  Everything needed is a cross-product of a cluster, so that a replication
costs as much as a few rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, warn
from spatial.models.data.checks import refuse_own_instruments
from spatial.models.data.layout import Codes
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.estimation.covariance import WildBootstrap
from spatial.models.estimation.scores import cluster_sums
from spatial.models.estimation.steps import Numbers, Workspace

__all__ = ["Clustered", "cluster_products", "wild_bootstrap", "wild_draws", "wild_p_value"]

Float = NDArray[np.float64]

_FEW, _MOST = 12, 500
_FEW_TREATED = 5


def wild_draws(replications: int, clusters: int, seed: int) -> Float:
    """Return weights of mean 0 and variance 1, (replications, clusters).

    Rademacher; below 12 clusters, where there are few different Rademacher draws, the six points of
    Webb (2023).
    """
    random = np.random.default_rng(np.random.SeedSequence(seed))
    if clusters >= _FEW:
        return random.choice(np.array([-1.0, 1.0]), size=(replications, clusters))
    points = np.sqrt(np.array([0.5, 1.0, 1.5]))
    return random.choice(np.concatenate([-points, points]), size=(replications, clusters))


@dataclass(frozen=True, eq=False)
class Clustered:
    """Cross-products by cluster, of G equations with K coefficients in all.

    Parameters
    ----------
    Z : array (C, p, K)
        Q'Z of each cluster; the columns of all equations.
    e : array (C, p, G)
        Q'e of each cluster, at the estimate.
    Q : array (C, p, p)
        Q'Q of each cluster.
    ZZ, Ze, ee : arrays (K, K), (K, G), (G, G)
        Cross-products over all rows.
    endogenous : bool array (K,)
    equation : int array (K,)
        Which equation each coefficient belongs to.
    precision : array (G, G)
        Weights of the equations: the inverse of Sigma, or the identity for 2SLS.
    delta : array (K,)
    """

    Z: Float
    e: Float
    Q: Float
    ZZ: Float
    Ze: Float
    ee: Float
    endogenous: NDArray[np.bool_]
    equation: NDArray[np.intp]
    precision: Float
    delta: Float

    @property
    def weights(self) -> Float:
        """The weight of each pair of coefficients; (K, K)."""
        return self.precision[np.ix_(self.equation, self.equation)]

    @property
    def member(self) -> Float:
        """1 where a coefficient belongs to an equation; (K, G)."""
        return np.eye(len(self.precision))[self.equation]


def cluster_products(space: Workspace, numbers: Numbers, codes: Codes) -> Clustered:
    """Return the cross-products of a fit."""
    if numbers.method == "gmm":
        raise DataError("WildBootstrap is for 2SLS and 3SLS; for 'gmm' use Cluster.")
    count = int(codes.max()) + 1
    if count > _MOST:
        raise DataError(
            f"WildBootstrap is for few clusters, at most {_MOST}; there are {count}. Use Cluster."
        )
    refuse_own_instruments(space.design.structure, "WildBootstrap")
    structure, Q = space.design.structure, space.design.basis.Q
    Z = np.hstack([space.filtered(g, float(r))[:, 1:] for g, r in enumerate(numbers.rho)])
    E = numbers.residuals
    joint = numbers.method in ("3sls", "gs3sls")
    return Clustered(
        np.stack([cluster_sums(Q, codes, z) for z in Z.T], axis=2),
        np.stack([cluster_sums(Q, codes, e) for e in E], axis=2),
        np.stack([cluster_sums(Q, codes, q) for q in Q.T], axis=2),
        Z.T @ Z,
        Z.T @ E.T,
        E @ E.T,
        np.array([t.is_endogenous for _, t in structure.terms]),
        np.repeat(np.arange(structure.n_equations), [len(e.terms) for e in structure.equations]),
        np.asarray(np.linalg.inv(numbers.sigma) if joint else np.eye(len(E)), dtype=np.float64),
        numbers.fit.delta,
    )


def _error(c: Clustered, R: Float, moments: Float, j: int) -> tuple[Float, Float]:
    """Return A^-1 e_j, (B, K), and the clustered standard error of coefficient j, (B,).

    Parameters
    ----------
    R : array (B, p, K)
        Q'Z of each replication.
    moments : array (B, C, p, G)
        Q'e of each cluster.
    """
    A = (R.transpose(0, 2, 1) @ R) * c.weights
    unit = np.zeros((len(A), A.shape[1], 1))
    unit[:, j] = 1.0
    direction = np.linalg.solve(A, unit)[:, :, 0]
    # What multiplies the moments of equation h: the sum over g of sigma^gh R_g a_g.
    loading = np.einsum("bpk,bk,kg,gh->bph", R, direction, c.member, c.precision, optimize=True)
    influence = np.einsum("bph,bcph->bc", loading, moments, optimize=True)
    count = len(c.Z)
    squares: Float = np.sum(influence**2, axis=1)
    return np.asarray(direction, dtype=np.float64), np.sqrt(count / (count - 1) * squares)


def wild_p_value(c: Clustered, j: int, value: float, v: Float) -> float:
    """Return the p-value of coefficient j being `value`, two-sided and symmetric.

    Parameters
    ----------
    v : array (B, C)
        Weights of the clusters.
    """
    R = c.Z.sum(axis=0)
    direction, error = _error(c, R[None], c.e[None], j)
    move = direction[0] / direction[0, j] * (c.delta[j] - value)  # estimate less the restricted one
    shift = c.member * move[:, None]  # (K, G): Z shift is added to the residuals
    e = c.e + c.Z @ shift
    Pi, U = _reduced_form(c, e, shift)
    R_star = np.repeat(R[None], len(v), axis=0)
    R_star[:, :, c.endogenous] = Pi + np.tensordot(v, U, axes=1)
    pushed = np.tensordot(v, e, axes=1)  # (B, p, G): Q'(v e)
    gap = _estimates(c, R_star, pushed)
    moments = _moments(c, e, U, Pi, gap, v)
    _, errors = _error(c, R_star, moments, j)
    observed = abs((c.delta[j] - value) / error[0])
    return float(np.mean(np.abs(gap[:, j]) >= observed * errors * (1 - 1e-12)))


def _reduced_form(c: Clustered, e: Float, shift: Float) -> tuple[Float, Float]:
    """Return Pi, (p, k), from Y on [Q, restricted residuals], and Q'U of each cluster; (C, p, k)."""
    Y = c.Z[:, :, c.endogenous]
    Qe = e.sum(axis=0)
    ee = c.ee + c.Ze.T @ shift + shift.T @ c.Ze + shift.T @ c.ZZ @ shift
    eY = (c.Ze + c.ZZ @ shift).T[:, c.endogenous]
    QY = Y.sum(axis=0)
    slope = np.linalg.lstsq(ee - Qe.T @ Qe, eY - Qe.T @ QY, rcond=None)[0]
    Pi = QY - Qe @ slope
    return Pi, Y - c.Q @ Pi


def _estimates(c: Clustered, R: Float, pushed: Float) -> Float:
    """Return the estimates less the restricted coefficients; (B, K)."""
    A = (R.transpose(0, 2, 1) @ R) * c.weights
    weighted = pushed @ c.precision  # (B, p, G)
    right = np.einsum("bpk,bpg,kg->bk", R, weighted, c.member, optimize=True)
    return np.asarray(np.linalg.solve(A, right[:, :, None])[:, :, 0])


def _moments(c: Clustered, e: Float, U: Float, Pi: Float, gap: Float, v: Float) -> Float:
    """Return Q'e* of each cluster and equation; (B, C, p, G)."""
    out = v[:, :, None, None] * e[None]
    for g in range(e.shape[2]):
        own = c.equation == g
        moving = own & c.endogenous
        fixed = own & ~c.endogenous
        inside = own[c.endogenous]
        if fixed.any():
            out[..., g] -= np.einsum("cpk,bk->bcp", c.Z[:, :, fixed], gap[:, fixed], optimize=True)
        if moving.any():
            step = gap[:, moving]
            out[..., g] -= np.einsum("cpk,bk->bcp", c.Q @ Pi[:, inside], step, optimize=True)
            out[..., g] -= v[:, :, None] * np.einsum("cpk,bk->bcp", U[:, :, inside], step, optimize=True)
    return out


def wild_bootstrap(
    space: Workspace, numbers: Numbers, cov: WildBootstrap, lookup: Callable[[str], Any], level: float
) -> tuple[Float, Float]:
    """Return p-values (K,) of each coefficient being 0, and intervals (K, 2) by inverting the test."""
    codes = cluster_codes(cov.by, space.design.layout, lookup)
    c = cluster_products(space, numbers, codes)
    _warn_few_treated(space, codes)
    v = wild_draws(cov.replications, len(c.Z), cov.seed)
    p_values, bounds = np.empty(len(c.delta)), np.empty((len(c.delta), 2))
    for j in range(len(c.delta)):

        def p_value(value: float, j: int = j) -> float:
            return wild_p_value(c, j, value, v)

        p_values[j] = p_value(0.0)
        error = float(_error(c, c.Z.sum(axis=0)[None], c.e[None], j)[1][0])
        bounds[j] = [_edge(p_value, float(c.delta[j]), sign * error, 1.0 - level) for sign in (-1.0, 1.0)]
    return p_values, bounds


def _warn_few_treated(space: Workspace, codes: Codes) -> None:
    """Warn where a regressor has another value than its usual one in a few clusters only."""
    design, count, few = space.design, int(codes.max()) + 1, []
    for g, equation in enumerate(design.structure.equations):
        for term, place in zip(equation.terms, design.regressors[g], strict=True):
            column = design.columns[:, place]
            values, times = np.unique(column, return_counts=True)
            touched = len(np.unique(codes[column != values[np.argmax(times)]]))
            if 0 < touched < _FEW_TREATED and len(values) > 1:
                few.append(f"{term.name} ({touched} of {count} clusters)")
    if few:
        shown = ", ".join(dict.fromkeys(few))
        warn(
            f"The wild bootstrap cannot work where few clusters are treated: {shown}. Its p-values are then "
            "close to 1, or far too small. Use placebo permutations of the treatment."
        )


def _edge(p_value: Callable[[float], float], centre: float, step: float, alpha: float) -> float:
    """Return where the p-value crosses `alpha`, by bisection from the estimate; infinite if nowhere."""
    near, far = 0.0, 2.0
    for _ in range(8):
        if p_value(centre + far * step) < alpha:
            break
        near, far = far, 2 * far
    else:
        return float(np.inf if step > 0 else -np.inf)
    for _ in range(14):
        middle = (near + far) / 2
        if p_value(centre + middle * step) < alpha:
            far = middle
        else:
            near = middle
    return centre + far * step
