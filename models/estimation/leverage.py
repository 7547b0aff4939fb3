r"""CR2: residuals of clusters corrected for their leverage, and the degrees of freedom of what they give.

.. math::

    V = M \sum_c X_c'A_c e_c e_c'A_c X_c M, \quad M = (X'X)^{-1}, \quad A_c = (I - H_{cc})^{-1/2}

Bell and McCaffrey (2002); Pustejovsky and Tipton (2018), equations 5, 6, 11 and 17.  X are the regressors as
the instruments give them, weighted as they were in estimation; H counts the effects too.  Unbiased where
errors are independent with one variance (one covariance between equations).

With an orthonormal basis B of X and of the effects that cross clusters, and :math:`W_c = B_c'B_c`, all is of
the size of B's columns: :math:`B_c'A_ce_c = (I - W_c)^{-1/2}B_c'e_c`; effects within clusters drop out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.data.effects import Effects
from spatial.models.data.layout import Codes

from .clusters import count_of
from .laws import Law
from .scores import Meat, Scores, cluster_sums

__all__ = ["ClusterLeverage", "bias_reduced_meat", "cluster_leverage", "random_effects_law"]

Float = NDArray[np.float64]

_DETERMINED = 1e-10
_MOST_LEVELS = 300


@dataclass(frozen=True, eq=False)
class ClusterLeverage:
    """The leverage of each cluster, and its scores.

    Parameters
    ----------
    half : array (K, K)
        A root of M, `half half' = M`; B's first columns are X half.
    sums : array (C, L)
        B_c'e_c.
    values, vectors : arrays (C, L) and (C, L, L)
        Of W_c.
    """

    half: Float
    sums: Float
    values: Float
    vectors: Float

    @property
    def free(self) -> Float:
        """1 - w: infinite in directions that a cluster alone determines, which have no residual."""
        return np.where(1 - self.values > _DETERMINED, 1 - self.values, np.inf)

    def meat(self) -> Float:
        """Return the middle of the sandwich, (K, K)."""
        k = len(self.half)
        turned = np.einsum("cab,ca->cb", self.vectors, self.sums) / np.sqrt(self.free)
        adjusted = np.einsum("cab,cb->ca", self.vectors, turned)[:, :k]
        size = np.linalg.norm(self.half, axis=1)
        inverse = np.linalg.pinv(self.half / size[:, None]) / size
        return np.asarray(inverse.T @ (adjusted.T @ adjusted) @ inverse)

    def df(self, contrasts: Float) -> Float:
        r"""Return the degrees of freedom of each contrast, a column of (K, m).

        .. math:: \nu = \frac{(\operatorname{tr} G)^2}{\operatorname{tr}(G^2)}, \qquad
                  G_{cd} = p_c'(I - H)_{cd}\,p_d, \qquad p_c = A_cX_cM\ell
        """
        own, cross = self._products(contrasts)
        own = np.einsum("ckk->ck", own)
        size = np.einsum("cak,cak->ck", cross, cross)
        inner = np.einsum("cak,cbk->kab", cross, cross, optimize=True)
        trace = (own - size).sum(axis=0)
        square = (own**2 - 2 * own * size).sum(axis=0) + (inner**2).sum(axis=(1, 2))
        return np.asarray(trace**2 / square)

    def wald_df(self, contrasts: Float) -> float:
        r"""Return eta of several contrasts: their Wald statistic Q is read as a Hotelling T2,

        .. math:: \frac{\eta - q + 1}{\eta q} Q \sim F(q, \eta - q + 1) .

        Contrasts are first made independent of variance one under equal variances.
        """
        root = self.half.T @ contrasts
        values, vectors = np.linalg.eigh(root.T @ root)
        kept = values > 1e-12 * values[-1]
        own, cross = self._products(contrasts @ (vectors[:, kept] / np.sqrt(values[kept])))
        q = int(kept.sum())
        # Var d_st is the sum over c, d of G^ss_cd G^tt_cd + G^st_cd G^st_dc, where G^st_cd = -x_cs'x_dt, and
        # own_c[s, t] more if c = d.
        near = np.einsum("cas,cat->cst", cross, cross, optimize=True)
        far = np.einsum("cas,cbt->stab", cross, cross, optimize=True)
        own_s, near_s = (np.einsum("css->cs", a) for a in (own, near))
        straight = own_s.T @ own_s - own_s.T @ near_s - near_s.T @ own_s + (far**2).sum(axis=(2, 3))
        crossed = (own**2 - 2 * own * near).sum(axis=0) + np.einsum("stab,tsab->st", far, far)
        return float(q * (q + 1) / (straight + crossed).sum())

    def _products(self, contrasts: Float) -> tuple[Float, Float]:
        """Return p_c'p_c of each pair of contrasts, (C, m, m), and B_c'p_c, (C, L, m)."""
        turned = np.einsum("cab,ak->cbk", self.vectors[:, : len(self.half)], self.half.T @ contrasts)
        own = np.einsum("cbk,cb,cbm->ckm", turned, self.values / self.free, turned, optimize=True)
        cross = np.einsum(
            "cab,cb,cbk->cak", self.vectors, self.values / np.sqrt(self.free), turned, optimize=True
        )
        return own, cross


def cluster_leverage(scores: Scores, codes: Codes) -> ClusterLeverage:
    """Return the leverage of the clusters in the regressors of an estimate.

    Parameters
    ----------
    scores : Scores
        With the bread, and the effects that were partialled out.
    codes : int array (R,)
    """
    root = _working_root(scores)
    g, k = len(scores.gamma), scores.gamma.shape[1]
    half = _root(scores.bread)
    errors = np.linalg.solve(root, scores.residuals)
    crossing = _crossing(scores.effects, codes)
    width = crossing.shape[1]
    basis = np.zeros((g, len(codes), k + g * width))
    for h in range(g):
        basis[h, :, :k] = scores.Q @ np.tensordot(root[h], scores.gamma, 1).T @ half
        basis[h, :, k + h * width : k + (h + 1) * width] = crossing
    values, vectors = np.linalg.eigh(_grams(basis, codes))
    sums = sum(cluster_sums(basis[h], codes, errors[h]) for h in range(g))
    return ClusterLeverage(half, np.asarray(sums), values, vectors)


def bias_reduced_meat(scores: Scores, codes: Codes) -> Meat:
    """Return that of CR2, with the degrees of freedom of each coefficient (Bell and McCaffrey 2002)."""
    found = cluster_leverage(scores, codes)
    df = found.df(np.eye(scores.gamma.shape[1]))
    said = f"CR2 (Bell and McCaffrey), degrees of freedom {df.min():.1f} to {df.max():.1f}"
    law = Law(float(df.min()), said=said, each=tuple(df.tolist()))
    return Meat(found.meat(), (count_of(codes),), (said,), law=law)


def random_effects_law(scores: Scores, several: Sequence[Codes]) -> Law:
    r"""Return the laws of t statistics whose variance is V_1 + V_2 - V_12, sums over two kinds of clusters.

    .. math:: \nu = \frac{(\sum_a \sum_{c} g_{ac} - \sum_i g_i)^2}{\sum_a \sum_c g_{ac}^2}, \qquad
              g_{ac} = (\sigma^2 - \sigma_a^2) \sum_{i \in c} p_i^2 + \sigma_a^2 (\sum_{i \in c} p_i)^2

    g is the variance of a cluster's sum of p'e where errors share an effect in each cluster, as Imbens and
    Kolesar (2016, section II) take it for the degrees of freedom; sums of different clusters are taken as
    independent, as Satterthwaite.  A regressor that is the same for all rows of a cluster, with errors that
    are too, leaves few clusters that count (Carter, Schnepel and Steigerwald 2017): if it is normal, about a
    third of them.

    Parameters
    ----------
    scores : Scores
        With the bread.
    several : sequence of int array (R,)
        The kinds of clusters.
    """
    if scores.bread is None:
        raise DataError(
            "small='satterthwaite' needs the influence of each row: it is for estimates in memory."
        )
    p = np.stack([scores.Q @ block.T @ scores.bread for block in scores.gamma])  # (G, R, K)
    e, rows = scores.residuals, len(several[0])
    total = e @ e.T / rows
    both = np.einsum("grk,hrk,gh->rk", p, p, total, optimize=True)
    expected, spread = -both.sum(axis=0), np.zeros(p.shape[2])
    for codes in several:
        sums = np.stack([cluster_sums(one, codes) for one in p])
        shocks = np.stack([cluster_sums(one[:, None], codes)[:, 0] for one in e])
        pairs = float(np.sum(np.bincount(codes) * (np.bincount(codes) - 1.0)))
        shared = (shocks @ shocks.T - e @ e.T) / max(pairs, 1.0)
        values, vectors = np.linalg.eigh(shared)
        shared = (vectors * np.maximum(values, 0.0)) @ vectors.T
        own = np.einsum("grk,hrk,gh->rk", p, p, total - shared, optimize=True)
        g = cluster_sums(own, codes) + np.einsum("gck,hck,gh->ck", sums, sums, shared, optimize=True)
        expected, spread = expected + g.sum(axis=0), spread + (g**2).sum(axis=0)
    most = min(count_of(codes) for codes in several) - 1.0
    df = np.clip(expected**2 / np.where(spread > 0, spread, 1.0), 1.0, max(most, 1.0))
    said = f"Satterthwaite under random effects, degrees of freedom {df.min():.1f} to {df.max():.1f}"
    return Law(float(df.min()), said=said, each=tuple(df.tolist()))


def _root(bread: Float | None) -> Float:
    """Return a root of M, on the scale of its diagonal; directions without variance are left out."""
    assert bread is not None
    size = np.sqrt(np.diag(bread))
    values, vectors = np.linalg.eigh(bread / np.outer(size, size))
    return np.asarray(size[:, None] * vectors * np.sqrt(np.where(values > 1e-13 * values[-1], values, 0.0)))


def _working_root(scores: Scores) -> Float:
    """Return the root of the covariance between equations by which the estimator weighted them."""
    g = len(scores.gamma)
    assert scores.bread is not None
    alone = np.asarray(sum(block @ block.T for block in scores.gamma))
    if _close(alone @ scores.bread @ alone, alone):
        return np.eye(g)
    together = scores.homoskedastic
    if not _close(together @ scores.bread @ together, together):
        raise DataError("small='cr2' is for least squares, 2SLS and 3SLS, with or without spatial errors.")
    values, vectors = np.linalg.eigh(scores.sigma)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def _close(found: Float, gram: Float) -> bool:
    """Whether both are equal in the units of their columns."""
    size = np.sqrt(np.where((own := np.diag(gram)) > 0, own, 1.0))
    return bool(np.allclose(found / np.outer(size, size), gram / np.outer(size, size), atol=1e-6))


def _crossing(effects: Effects | None, codes: Codes) -> Float:
    """Return an orthonormal basis of the effects that cross clusters, less those within them."""
    rows = len(codes)
    if effects is None or not effects.any:
        return np.zeros((rows, 0))
    pairs = [np.unique(c.astype(np.int64) * rows + codes) for c in effects.codes]
    inside = [len(p) == int(c.max()) + 1 for p, c in zip(pairs, effects.codes, strict=True)]
    within = [c for c, there in zip(effects.codes, inside, strict=True) if there]
    others = [c for c, there in zip(effects.codes, inside, strict=True) if not there]
    levels = sum(int(c.max()) + 1 for c in others)
    if levels > _MOST_LEVELS:
        raise DataError(
            f"small='cr2' needs effects within clusters, or few that cross them: {levels} do, and at most "
            f"{_MOST_LEVELS} may. Cluster by what the effects lie in."
        )
    dummies = np.hstack([np.zeros((rows, 0)), *(np.eye(int(c.max()) + 1)[c] for c in others)])
    for _ in range(100 if len(within) > 1 else 1):  # of several that do not nest, by turns
        for c in within:
            dummies -= (cluster_sums(dummies, c) / np.bincount(c)[:, None])[c]
    vectors, values, _ = np.linalg.svd(dummies, full_matrices=False)
    return np.asarray(vectors[:, values > 1e-9 * max(values.max(initial=0.0), 1.0)])


def _grams(basis: Float, codes: Codes) -> Float:
    """Return B_c'B_c of each cluster, (C, L, L)."""
    wide = basis.shape[2]
    out = np.empty((int(codes.max()) + 1, wide, wide))
    for j in range(wide):
        out[:, :, j] = sum(cluster_sums(block * block[:, [j]], codes) for block in basis)
    return out
