"""The meat of sandwich covariances, from scores (R, K), as functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.models.data.effects import Effects
from spatial.models.data.layout import Codes, Layout

from .laws import NORMAL, Law

__all__ = [
    "Meat",
    "Scores",
    "bartlett_lags",
    "cluster_meat",
    "cluster_scores",
    "cluster_sums",
    "conley_meat",
    "driscoll_kraay_meat",
    "great_circle_pairs",
    "kernel_weights",
    "nearest_psd",
    "outer_meat",
    "scores",
    "two_way_meat",
]

Float = NDArray[np.float64]

EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True, eq=False)
class Scores:
    r"""The scores of an estimator, computed as they are asked for.

    .. math:: s_{it} = \sum_g \hat\varepsilon_{git} \Gamma_g q_{it}

    Parameters
    ----------
    Q : array (R, p)
        Orthonormal instruments.
    residuals : array (G, R)
    gamma : array (G, K, p)
        From `LinearFit`.
    sigma : array (G, G)
        Covariance of the innovations.
    inflation : float
        Rows over effective rows: partialling effects out shrinks residuals, and this is what Helmert rows
        would give.
    bread : array (K, K), optional
        From `LinearFit`.
    effects : Effects, optional
        What was partialled out.
    """

    Q: Float
    residuals: Float
    gamma: Float
    sigma: Float
    inflation: float = 1.0
    bread: Float | None = None
    effects: Effects | None = None

    @cached_property
    def values(self) -> Float:
        """The scores, (R, K)."""
        return scores(self.Q, self.residuals, self.gamma)

    def sums(self, codes: Codes) -> Float:
        """Return the sums by cluster, (C, K), without making the scores."""
        return cluster_scores(self.Q, self.residuals, self.gamma, codes)

    @property
    def homoskedastic(self) -> Float:
        """The expected outer product where the innovations have one covariance; (K, K)."""
        g, sigma, gamma = len(self.gamma), self.sigma, self.gamma
        return np.asarray(sum(sigma[a, b] * gamma[a] @ gamma[b].T for a in range(g) for b in range(g)))


@dataclass(frozen=True, eq=False)
class Meat:
    """The middle of a sandwich covariance.

    Parameters
    ----------
    matrix : array (K, K)
    clusters : tuple of int
        How many clusters there are, in each direction.
    notes : tuple of str
        What a reader should know.
    may_be_indefinite : bool
        Whether negative eigenvalues have to be set to zero.
    law : Law
        Against which t statistics are read.
    """

    matrix: Float
    clusters: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    may_be_indefinite: bool = False
    law: Law = NORMAL


def scores(Q: Float, residuals: Float, gamma: Float) -> Float:
    r"""Return :math:`s_{it} = \sum_g \hat\varepsilon_{git} \Gamma_g q_{it}`; (R, K).

    Parameters
    ----------
    Q : array (R, p)
        Orthonormal instruments.
    residuals : array (G, R)
    gamma : array (G, K, p)
        From `LinearFit`.
    """
    out = np.zeros((Q.shape[0], gamma.shape[1]))
    for e, block in zip(residuals, gamma, strict=True):
        out += e[:, None] * (Q @ block.T)
    return out


def cluster_sums(values: Float, codes: Codes, scale: Float | None = None) -> Float:
    """Sum the rows of (R, K) by cluster, each times `scale` where given; (C, K)."""
    rows = len(codes)
    weights = np.ones(rows) if scale is None else scale
    # A column for each row, with one entry: built without sorting.
    indicator = sp.csc_array((weights, codes, np.arange(rows + 1)), shape=(int(codes.max()) + 1, rows))
    return np.asarray(indicator @ values)


def cluster_scores(Q: Float, residuals: Float, gamma: Float, codes: Codes) -> Float:
    """Return the sums by cluster of `scores`, without making these; (C, K)."""
    parts = [cluster_sums(Q, codes, e) @ block.T for e, block in zip(residuals, gamma, strict=True)]
    return np.asarray(sum(parts))


def cluster_meat(values: Float, codes: Codes, factor: float | None = None) -> Float:
    """Return sum_c s_c s_c', times C/(C-1) unless another factor is given."""
    return outer_meat(cluster_sums(values, codes), factor)


def outer_meat(sums: Float, factor: float | None = None) -> Float:
    """Return the same from the sums of the clusters, (C, K)."""
    count = len(sums)
    return np.asarray(sums.T @ sums) * (count / (count - 1) if factor is None else factor)


def two_way_meat(values: Float, first: Codes, second: Codes) -> Float:
    """Return the meat of Cameron, Gelbach and Miller (2011), with the factor of the fewer clusters."""
    fewest = min(int(first.max()), int(second.max())) + 1
    factor = fewest / (fewest - 1)
    both = np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)[1]
    return (
        cluster_meat(values, first, factor)
        + cluster_meat(values, second, factor)
        - cluster_meat(values, both, factor)
    )


def bartlett_lags(n_times: int) -> int:
    """Return floor(4 (T/100)^(2/9)) (Newey and West 1994), below T."""
    return min(int(4 * (n_times / 100) ** (2 / 9)), n_times - 1)


def driscoll_kraay_meat(values: Float, layout: Layout, lags: int) -> Float:
    """Sum the scores of each time, then weight their autocovariances by Bartlett."""
    sums = cluster_sums(values, layout.time)
    out = sums.T @ sums
    for lag in range(1, lags + 1):
        cross = sums[lag:].T @ sums[:-lag]
        out += (1 - lag / (lags + 1)) * (cross + cross.T)
    return np.asarray(out)


def conley_meat(values: Float, layout: Layout, weights: sp.csr_array, lags: int | None) -> Float:
    """Return pairs within a time weighted by distance, plus Bartlett lags within a unit, or all its pairs.

    Parameters
    ----------
    values : array (R, K)
    layout : Layout
    weights : CSR array (N, N)
        K(d_ij / b), with ones on the diagonal.
    lags : int or None
        None: all pairs of times of a unit.
    """
    cube = layout.dense(values)
    out = np.zeros((values.shape[1], values.shape[1]))
    for period in cube:
        out += period.T @ (weights @ period)
    if lags is None:
        sums = cluster_sums(values, layout.unit)
        return out + sums.T @ sums - values.T @ values
    for lag in range(1, lags + 1):
        cross = np.einsum("tik,til->kl", cube[lag:], cube[:-lag])
        out += (1 - lag / (lags + 1)) * (cross + cross.T)
    return out


_KERNELS: dict[str, Callable[[Float], Float]] = {
    "bartlett": lambda u: 1 - u,
    "uniform": lambda u: np.ones_like(u),
    "epanechnikov": lambda u: 1 - u**2,
    "parzen": lambda u: np.where(u <= 0.5, 1 - 6 * u**2 + 6 * u**3, 2 * (1 - u) ** 3),
}


def great_circle_pairs(lon: Float, lat: Float, km: float) -> tuple[Codes, Codes, Float]:
    """Return pairs i < j within `km`, and their great-circle distances."""
    from scipy.spatial import cKDTree

    phi, lam = np.radians(lat), np.radians(lon)
    points = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    chord = 2 * np.sin(min(km / EARTH_RADIUS_KM, np.pi) / 2)
    pairs = cKDTree(points).query_pairs(chord * (1 + 1e-12), output_type="ndarray")
    i, j = pairs[:, 0], pairs[:, 1]
    distance = np.linalg.norm(points[i] - points[j], axis=1)
    return i, j, 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(distance / 2, 1.0))


def kernel_weights(lon: Float, lat: Float, km: float, kernel: str) -> sp.csr_array:
    """Return K(d_ij / km) as a symmetric sparse matrix with a unit diagonal; (N, N)."""
    i, j, distance = great_circle_pairs(lon, lat, km)
    value = _KERNELS[kernel](np.minimum(distance / km, 1.0))
    n = len(lon)
    upper = sp.csr_array((value, (i, j)), shape=(n, n))
    return sp.csr_array(upper + upper.T + sp.eye_array(n))


def nearest_psd(matrix: Float) -> tuple[Float, bool]:
    """Set negative eigenvalues to zero; return the matrix and whether there were any of weight."""
    symmetric = (matrix + matrix.T) / 2
    size = np.sqrt(np.maximum(np.abs(np.diag(symmetric)), np.finfo(float).tiny))
    # On the correlation scale: coefficients in different units must not decide what is small.
    values, vectors = np.linalg.eigh(symmetric / np.outer(size, size))
    if values.min() >= 0:
        return symmetric, False
    fixed = (vectors * np.maximum(values, 0.0)) @ vectors.T * np.outer(size, size)
    return fixed, bool(values.min() < -1e-10 * values.max())
