r"""The Anderson-Rubin statistic in score form, from cross-products: the cost does not depend on N.

For the hypothesis that the slopes of the endogenous regressors of an equation are :math:`s_0`:

1. rho under the null: iterate the least-squares slopes of :math:`P(I-\rho M)(y - Ys_0)` on
   :math:`P(I-\rho M)X`, and rho by the moments of Kelejian and Prucha (2010) of :math:`y - Ys_0 - X\beta`,
   which is consistent however weak the instruments are;
2. r, the residual of that regression, and :math:`m_c = \sum_{i \in c} \tilde z_i r_i` for each cluster c,
   with :math:`\tilde Z` the L excluded instruments, orthogonal to the included regressors;
3. :math:`S = (\sum_c m_c)'(\sum_c m_c m_c')^{-1}(\sum_c m_c)`, and

.. math:: F = \frac{S\,(C - L)}{L\,(C - S)} \sim F(L, C - L) ,

because S is a monotone map of Hotelling's T-squared for the mean of C vectors: exact for normal scores.  The
residuals obey the null and the reference knows how many instruments there are; a Wald test with unrestricted
residuals against chi-square does neither, and rejects true slopes far too often.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.design import Design
from spatial.models.data.layout import Codes
from spatial.models.estimation.errors import centred_moments, rho_bound, unweighted_scale
from spatial.models.estimation.scores import cluster_sums
from spatial.models.products.columns import Columns, columns_of

__all__ = ["ScoreProducts", "score_products"]

Float = NDArray[np.float64]

_ROUNDS, _GRID, _STEPS = 60, 41, 7


@dataclass(frozen=True, eq=False)
class ScoreProducts:
    """What the statistic needs to know of one equation.

    Slopes are given as rows w = (w_0, w_1, ..., w_m) with :math:`s = w_{1:} / w_0`: the statistic does not
    depend on the length of w, and w_0 = 0 is the limit of slopes without bound.

    Parameters
    ----------
    totals : array (p, 2, 1 + k)
        Q' of [y, Z] and of M[y, Z].
    squares : array (2 + 2 k, p, 2 + 2 k, p)
        Sums over clusters of the products of their moments.
    gram : array (2 + 2 k, 2 + 2 k)
        Cross-products of [y, Z, My, MZ].
    forms : array (2, 2 + 2 k, 2 + 2 k), optional
        Their quadratic forms of the error matrix; None without one.
    moving : bool array (k,)
        Which regressors are endogenous.
    bound : float
        The largest absolute rho.
    clusters : int
        C.
    """

    totals: Float
    squares: Float
    gram: Float
    forms: Float | None
    moving: NDArray[np.bool_]
    bound: float
    clusters: int

    @property
    def count(self) -> int:
        """L, the number of excluded instruments."""
        return int(self.totals.shape[0] - np.sum(~self.moving))

    def statistic(self, w: Float) -> tuple[Float, Float]:
        """Return F and rho at each row of `w`, (points, 1 + m)."""
        rho, beta = self._profiled(w)
        c = self._weights(w, rho, beta)
        excluded = self._excluded(rho)  # (points, p, L)
        mean = np.einsum("ps,ns->np", self._flat, c)
        m = np.einsum("npl,np->nl", excluded, mean)
        S, p = c.shape[1], len(self.totals)
        pairs = (c[:, :, None] * c[:, None, :]).reshape(len(c), -1)
        omega = (pairs @ self.squares.transpose(0, 2, 1, 3).reshape(S * S, p * p)).reshape(-1, p, p)
        omega = excluded.transpose(0, 2, 1) @ omega @ excluded
        score = np.einsum("nl,nl->n", m, _solved(omega, m))
        C, L = self.clusters, self.count
        with np.errstate(divide="ignore"):
            F = np.where(score < C, score * (C - L) / (L * np.maximum(C - score, 0.0)), np.inf)
        return F, rho

    @property
    def _flat(self) -> Float:
        return self.totals.reshape(len(self.totals), -1)

    def _weights(self, w: Float, rho: Float, beta: Float) -> Float:
        """Return the weights of [y, Z, My, MZ] that make the residual; (points, 2 + 2 k)."""
        plain = np.zeros((len(w), 1 + len(self.moving)))
        plain[:, 0] = w[:, 0]
        plain[:, 1:][:, self.moving] = -w[:, 1:]
        plain[:, 1:][:, ~self.moving] = -beta
        return np.concatenate([plain, -rho[:, None] * plain], axis=1)

    def _excluded(self, rho: Float) -> Float:
        """Return coordinates of the excluded instruments, orthogonal to the filtered X; (points, p, L)."""
        p, k = self.totals.shape[0], int(np.sum(~self.moving))
        if k == 0:
            return np.broadcast_to(np.eye(p), (len(rho), p, p))
        fixed = self.totals[:, :, 1:][:, :, ~self.moving]
        X = fixed[None, :, 0] - rho[:, None, None] * fixed[None, :, 1]
        left = np.linalg.qr(X, mode="complete")[0]
        return np.asarray(left[:, :, k:])

    def _profiled(self, w: Float) -> tuple[Float, Float]:
        """Return rho and the slopes of the included regressors under the null, of each row of `w`."""
        rho = np.zeros(len(w))
        beta = self._slopes(w, rho)
        if self.forms is None:
            return rho, beta
        for _ in range(_ROUNDS):
            new = self._rho(w, beta)
            moved = float(np.abs(new - rho).max(initial=0.0))
            rho, beta = new, self._slopes(w, new)
            if moved < 1e-7 * self.bound:
                break
        return rho, beta

    def _slopes(self, w: Float, rho: Float) -> Float:
        """Least squares of (I - rho M)(y - Ys) on (I - rho M)X; (points, number of X)."""
        size = 1 + len(self.moving)
        blocks = self.gram.reshape(2, size, 2, size)
        r = rho[:, None, None]
        gram = blocks[0, :, 0] - r * (blocks[0, :, 1] + blocks[1, :, 0]) + r**2 * blocks[1, :, 1]
        fixed = np.concatenate([[False], ~self.moving])
        y = np.zeros((len(w), size))
        y[:, 0] = w[:, 0]
        y[:, 1:][:, self.moving] = -w[:, 1:]
        right = np.einsum("nab,nb->na", gram[:, fixed], y)
        return _solved(gram[:, fixed][:, :, fixed], right)

    def _rho(self, w: Float, beta: Float) -> Float:
        assert self.forms is not None
        size = 1 + len(self.moving)
        a = self._weights(w, np.zeros(len(w)), beta)[:, :size]
        blocks = self.forms.reshape(2, 2, size, 2, size).transpose(2, 4, 0, 1, 3).reshape(size * size, 8)
        pairs = (a[:, :, None] * a[:, None, :]).reshape(len(a), -1)
        form = (pairs @ blocks).reshape(len(a), 2, 2, 2)
        g, linear, square = form[:, :, 0, 0], form[:, :, 0, 1] + form[:, :, 1, 0], -form[:, :, 1, 1]
        unit = unweighted_scale(self.bound)
        return _least(unit * g, unit * linear, unit * square, self.bound)


def _solved(matrix: Float, right: Float) -> Float:
    """Solve a stack of symmetric systems; by a generalised inverse where one is singular."""
    if right.shape[1] == 0:
        return right
    scale = np.sqrt(np.einsum("nii->ni", matrix))
    scale = np.where(scale > 0, scale, 1.0)
    unit = matrix / (scale[:, :, None] * scale[:, None, :])
    out = np.full(right.shape, np.nan)
    with contextlib.suppress(np.linalg.LinAlgError):
        out = np.linalg.solve(unit, (right / scale)[:, :, None])[:, :, 0]
    size = np.abs(out).max(axis=1) * 1e-10 <= np.abs(right / scale).max(axis=1)
    bad = ~(np.isfinite(out).all(axis=1) & size)
    if bad.any():
        values, vectors = np.linalg.eigh(unit[bad])
        kept = values > 1e-12 * values[:, -1:]
        inner = np.einsum("nij,ni->nj", vectors, (right / scale)[bad])
        inner = np.where(kept, inner / np.where(kept, values, 1.0), 0.0)
        out[bad] = np.einsum("nij,nj->ni", vectors, inner)
    return np.asarray(out / scale)


def _least(g: Float, linear: Float, square: Float, bound: float) -> Float:
    """Return where the squares of g - linear r - square r^2, summed, are least in [-bound, bound]."""
    quartic = np.stack(
        [
            np.sum(g * g, axis=1),
            -2 * np.sum(g * linear, axis=1),
            np.sum(linear * linear - 2 * g * square, axis=1),
            2 * np.sum(linear * square, axis=1),
            np.sum(square * square, axis=1),
        ],
        axis=1,
    )
    grid = np.linspace(-bound, bound, _GRID)
    best = np.argmin(quartic @ np.vander(grid, 5, increasing=True).T, axis=1)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, _GRID - 1)]
    r = grid[best]
    _, c1, c2, c3, c4 = quartic.T
    for _ in range(_STEPS):  # Newton's steps, kept between the neighbours by bisection
        slope = c1 + r * (2 * c2 + r * (3 * c3 + r * 4 * c4))
        bend = 2 * c2 + r * (6 * c3 + r * 12 * c4)
        low, high = np.where(slope > 0, low, r), np.where(slope > 0, r, high)
        step = r - slope / np.where(bend > 0, bend, np.inf)
        r = np.where((bend > 0) & (step >= low) & (step <= high), step, (low + high) / 2)
    return np.asarray(r)


def score_products(design: Design, g: int, codes: Codes, columns: Columns | None = None) -> ScoreProducts:
    """Prepare the statistic of one equation.

    Parameters
    ----------
    design : Design
    g : int
        Position of the equation.
    codes : int array (R,)
        Clusters.
    columns : Columns, optional
        Of this design, where they are known.
    """
    known = columns_of(design.seen_by(g)) if columns is None else columns
    plain, lagged = known.plain(g), known.lagged(g)
    used = np.concatenate([plain, plain if lagged is None else lagged])
    E = known.E[:, used]
    if lagged is None:
        E[:, len(plain) :] = 0.0
    sums = np.stack([cluster_sums(known.Q, codes, e) for e in E.T], axis=1)  # (C, columns, p)
    flat = sums.reshape(len(sums), -1)
    squares = (flat.T @ flat).reshape(sums.shape[1], sums.shape[2], sums.shape[1], sums.shape[2])
    operator = design.error_operator(g)
    forms, bound = None, 0.0
    if operator is not None:
        forms = known.forms(centred_moments(operator, known.space), used)
        forms, bound = (forms + forms.transpose(0, 2, 1)) / 2, rho_bound(operator)
    moving = np.array([t.is_endogenous for t in design.structure.equations[g].terms])
    totals = (known.Q.T @ E).reshape(-1, 2, len(plain))
    return ScoreProducts(totals, squares, E.T @ E, forms, moving, bound, len(sums))
