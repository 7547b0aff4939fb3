r"""The variance of two-step GMM with what its estimated weights add (Windmeijer 2005).

.. math:: V_W = V + DV + VD' + D V_1 D', \qquad D_j = -V R'S^{-1} S_j S^{-1} \bar m(\hat\delta_2), \qquad
          S_j = \frac{\partial S}{\partial\delta_j} = -\sum_c (m_c z_{cj}' + z_{cj} m_c')

with :math:`m_c` the moments of cluster c at the first step, and :math:`z_{cj}` its cross-products of the
instruments with regressor j.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, cho_factor, cho_solve

from spatial.models.data.layout import Codes

from .least_squares import LinearFit
from .scores import cluster_scores, cluster_sums, outer_meat
from .steps import Numbers, Workspace, residuals_of

__all__ = ["windmeijer_covariance", "windmeijer_slopes"]

Float = NDArray[np.float64]


def windmeijer_covariance(space: Workspace, numbers: Numbers, first: LinearFit, clusters: Codes) -> Float:
    """Return the corrected covariance of the coefficients, (K, K), times C/(C - 1).

    Parameters
    ----------
    space : Workspace
    numbers : Numbers
        Of two-step GMM, with its S.
    first : LinearFit
        The first step.
    clusters : int array (R,)
        Those of S.
    """
    Q, S = space.design.basis.Q, numbers.moment_covariance
    assert S is not None
    D, e = windmeijer_slopes(space, numbers.rho, numbers.fit, first.delta, numbers.residuals, S, clusters)
    V, count = numbers.fit.bread, int(clusters.max()) + 1
    V1 = first.bread @ outer_meat(cluster_scores(Q, e, first.gamma, clusters), 1.0) @ first.bread
    out = V + D @ V + V @ D.T + D @ V1 @ D.T
    return np.asarray((out + out.T) / 2 * count / (count - 1))


def windmeijer_slopes(
    space: Workspace, rho: Float, fit: LinearFit, delta: Float, residuals: Float, S: Float, clusters: Codes
) -> tuple[Float, Float]:
    """Return D, (K, K), the derivative of the second step by the first, and the first residuals (G, R).

    Parameters
    ----------
    fit : LinearFit
        The second step.
    delta : array (K,)
        The first step.
    residuals : array (G, R)
        Of the second step.
    S : array (Gp, Gp)
    """
    Q, slices = space.design.basis.Q, space.design.structure.slices
    p, total = Q.shape[1], slices[-1].stop
    e = residuals_of(space, rho, delta)
    M = np.hstack([cluster_sums(Q, clusters, part) for part in e])
    C = np.eye(len(S)) if space.design.selection is None else block_diag(*space.design.selection)
    moments = C.T @ (Q.T @ residuals.T).T.ravel()
    weighted = C @ cho_solve(cho_factor(C.T @ S @ C), moments)  # S^-1 m at the second step
    gamma, D = np.hstack(list(fit.gamma)), np.zeros((total, total))  # gamma: R'S^-1, (K, Gp)
    for g, place in enumerate(slices):
        block = slice(g * p, (g + 1) * p)
        Z = space.filtered(g, float(rho[g]))[:, 1:]
        for j, column in zip(range(place.start, place.stop), Z.T, strict=True):
            z = cluster_sums(Q, clusters, np.ascontiguousarray(column))
            slope = -(M.T @ (z @ weighted[block]))
            slope[block] -= z.T @ (M @ weighted)
            D[:, j] = -fit.bread @ (gamma @ slope)
    return D, e
