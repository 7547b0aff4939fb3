"""Wild cluster bootstrap with the null imposed, from the cross-products of clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._covariance import cluster_sums
from ._fit import Numbers, Workspace
from ._inference import cluster_codes
from .covariance import WildBootstrap

__all__ = ["wild_bootstrap", "wild_draws", "wild_p_value"]

Float = NDArray[np.float64]

_FEW = 12


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


def wild_p_value(
    bread: Float, scores: Float, hessians: Float, delta: Float, j: int, value: float, v: Float
) -> float:
    r"""Return the p-value of delta_j = value.

    With scores s_c and cross-products A_c of clusters (A = sum A_c, the inverse of `bread`), the estimate
    under the null moves delta along A^-1 e_j; its scores are s_c + A_c (delta - tilde delta).  Each
    replication multiplies them by v_c; the t statistic uses the scores of the replication.

    Parameters
    ----------
    bread : array (K, K)
    scores : array (C, K)
        At the unrestricted estimate.
    hessians : array (C, K, K)
    delta : array (K,)
    j : int
    value : float
    v : array (B, C)
    """
    factor = len(scores) / (len(scores) - 1)
    gap = delta[j] - value
    move = bread[:, j] / bread[j, j] * gap  # delta - restricted delta
    restricted = scores + np.einsum("ckl,l->ck", hessians, move)
    error = np.sqrt(factor * np.sum((scores @ bread[:, j]) ** 2))
    observed = abs(gap / error)
    steps = (v @ restricted) @ bread  # (B, K): replication's estimate less the restricted one
    own = restricted @ bread[:, j]
    cross = np.einsum("k,ckl->cl", bread[:, j], hessians)
    influence = v * own - steps @ cross.T
    errors = np.sqrt(factor * np.sum(influence**2, axis=1))
    return float(np.mean(np.abs(steps[:, j]) >= observed * errors * (1 - 1e-12)))


def wild_bootstrap(
    space: Workspace, numbers: Numbers, cov: WildBootstrap, lookup: Callable[[str], Any], level: float
) -> tuple[Float, Float]:
    """Return p-values (K,) of each coefficient being 0, and intervals (K, 2) by inverting the test."""
    codes = cluster_codes(cov.by, space.design.layout, lookup)
    bread, delta = numbers.fit.bread, numbers.fit.delta
    scores, hessians = _cluster_parts(space, numbers, codes)
    v = wild_draws(cov.replications, len(scores), cov.seed)
    p_values = np.empty(len(delta))
    bounds = np.empty((len(delta), 2))
    error = np.sqrt(np.sum((scores @ bread) ** 2, axis=0) * len(scores) / (len(scores) - 1))
    for j in range(len(delta)):

        def p_value(value: float, j: int = j) -> float:
            return wild_p_value(bread, scores, hessians, delta, j, value, v)

        p_values[j] = p_value(0.0)
        bounds[j] = [
            _edge(p_value, float(delta[j]), sign * float(error[j]), 1.0 - level) for sign in (-1.0, 1.0)
        ]
    return p_values, bounds


def _cluster_parts(space: Workspace, numbers: Numbers, codes: NDArray[np.intp]) -> tuple[Float, Float]:
    """Return the scores (C, K) of clusters, and their share of A, (C, K, K)."""
    Q, gamma, slices = space.design.basis.Q, numbers.fit.gamma, space.design.structure.slices
    count, K = int(codes.max()) + 1, len(numbers.fit.delta)
    scores, hessians = np.zeros((count, K)), np.zeros((count, K, K))
    for g, place in enumerate(slices):
        rows = Q @ gamma[g].T
        Z = space.filtered(g, float(numbers.rho[g]))[:, 1:]
        scores += cluster_sums(rows, codes, numbers.residuals[g])
        for k in range(Z.shape[1]):
            hessians[:, :, place.start + k] += cluster_sums(rows, codes, Z[:, k])
    return scores, hessians


def _edge(p_value: Callable[[float], float], centre: float, step: float, alpha: float) -> float:
    """Return where the p-value crosses `alpha`, by bisection outward from the estimate."""
    near, far = 0.0, 2.0
    for _ in range(12):
        if p_value(centre + far * step) < alpha:
            break
        near, far = far, 2 * far
    else:
        return float(np.inf if step > 0 else -np.inf)
    for _ in range(25):
        middle = (near + far) / 2
        if p_value(centre + middle * step) < alpha:
            far = middle
        else:
            near = middle
    return centre + far * step
