r"""Weights of the moments, as the model implies them, and the covariance of the score that the data imply.

.. math:: \Omega_0 = \operatorname{blkdiag}(\Sigma \otimes I_p, \Phi_0), \qquad
          \Phi_0[(g,h,r),(k,l,s)] = \frac{n}{R}\sum_t\sum_{i \ne j}
          (a_{r,ij}a_{s,ij}\sigma_{gk}\sigma_{hl} + a_{r,ij}a_{s,ji}\sigma_{gl}\sigma_{hk})
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.models.data.layout import LagOperator, Layout
from spatial.models.estimation.pairs import product, rows_at_a_time
from spatial.models.estimation.scores import cluster_sums

from .moments import Moments

__all__ = [
    "Dependence",
    "ModelWeights",
    "inverse",
    "pair_covariance",
    "pair_products",
    "score_covariance",
]

Float = NDArray[np.float64]
Dependence = Literal["cluster", "heteroskedastic", "homoskedastic"]
Index = NDArray[np.int64]
Pairs = tuple[Index, Index, Float]

_LOAD, _FULL = 400_000, 0.1


@dataclass(frozen=True, eq=False)
class ModelWeights:
    r"""The covariance of the moments for homoskedastic innovations, :math:`\Omega_0(\Sigma)`."""

    moments: Moments

    @cached_property
    def _products(self) -> tuple[Float, Float]:
        """Sums over i != j of a_r,ij a_s,ij and of a_r,ij a_s,ji, scaled; (3 K, 3 K) twice."""
        moments = self.moments
        operators = [c.operator for c in moments.centred]
        total = np.zeros((2, 3 * len(operators), 3 * len(operators)))
        for times, matrices in _distinct_times(operators):
            total += times * pair_products(matrices)
        same, turned = total * (moments.n / moments.design.layout.n_rows)
        return same, turned

    def forms(self, sigma: Float) -> Float:
        """Return Phi_0 at Sigma; (forms, forms)."""
        same, turned = self._products
        place = [3 * f.matrix + f.kind for f in self.moments.forms]
        g = [f.g for f in self.moments.forms]
        h = [f.h for f in self.moments.forms]
        gg, hh, gh, hg = (sigma[np.ix_(a, b)] for a, b in ((g, g), (h, h), (g, h), (h, g)))
        cells = np.ix_(place, place)
        return np.asarray(same[cells] * gg * hh + turned[cells] * gh * hg)

    def weighted(self, slope: Float, sigma: Float) -> Float:
        """Return a = D' Omega_0^-1; (parameters, M)."""
        G, cut = len(sigma), self.moments.n_linear
        lines = slope[:cut].reshape(G, -1, slope.shape[1])
        left = np.einsum("gh,hpk->kgp", inverse(sigma), lines).reshape(slope.shape[1], -1)
        if not self.moments.forms:
            return np.asarray(left)
        return np.concatenate([left, slope[cut:].T @ inverse(self.forms(sigma))], axis=1)

    def covariance(self, sigma: Float) -> Float:
        """Return Omega_0; (M, M)."""
        cut, p = self.moments.n_linear, self.moments.columns.Q.shape[1]
        out = np.zeros((cut + len(self.moments.forms),) * 2)
        out[:cut, :cut] = np.kron(sigma, np.eye(p))
        out[cut:, cut:] = self.forms(sigma)
        return out

    def distance(self, values: Float, sigma: Float) -> float:
        """Return m' Omega_0^-1 m."""
        G, cut = len(sigma), self.moments.n_linear
        linear = values[:cut].reshape(G, -1)
        out = float(np.sum(inverse(sigma) * (linear @ linear.T)))
        if self.moments.forms:
            out += float(values[cut:] @ inverse(self.forms(sigma)) @ values[cut:])
        return out


def pair_products(matrices: list[sparse.csr_array], within: tuple[int, int] | None = None) -> Float:
    """Return the sums over i != j of a_r,ij a_s,ij and of a_r,ij a_s,ji; (2, 3 K, 3 K).

    Parameters
    ----------
    matrices : list of K CSR arrays (N, N)
    within : (int, int), optional
        The first of the smaller of i and j, and the one after the last; all by default.
    """
    size = 3 * len(matrices)
    out = np.zeros((2, size, size))
    order = [3 * (k // 3) + (0, 2, 1)[k % 3] for k in range(size)]
    for _, _, values in _upper_pairs(matrices, within):
        back = values[order]  # a_ji for i < j
        out[0] += values @ values.T + back @ back.T
        out[1] += values @ back.T + back @ values.T
    return out


def inverse(matrix: Float) -> Float:
    """Invert a covariance; by a generalised inverse where moments repeat, as with a symmetric K."""
    scale = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    unit = matrix / np.outer(scale, scale)
    try:
        safe = float(np.diag(np.linalg.cholesky(unit)).min()) > 1e-4
    except np.linalg.LinAlgError:
        safe = False
    if safe:
        return np.asarray(np.linalg.inv(unit) / np.outer(scale, scale))
    return np.asarray(np.linalg.pinv(unit, rcond=1e-11, hermitian=True) / np.outer(scale, scale))


def score_covariance(moments: Moments, a: Float, theta: Float, kind: Dependence) -> Float:
    r"""Return the covariance of the score a m(theta); (parameters, parameters).

    .. math:: \frac{N}{N - 1}\sum_i s_is_i' + \sum_{i<j} w_{ij}w_{ij}', \qquad
              s_i = a_\ell \sum_t \varepsilon_{it} \otimes Q_{it}, \qquad
              w_{ij} = a_q (a_{r,ij}\,\varepsilon_{gi}\cdot\varepsilon_{hj}
                       + a_{r,ji}\,\varepsilon_{gj}\cdot\varepsilon_{hi})_r

    Pairs are uncorrelated with each other and with the linear terms: in each product some unit stands alone.

    Parameters
    ----------
    kind : "cluster", "heteroskedastic" or "homoskedastic"
        Any dependence within a unit; none, a variance for each cell; or Omega_0.
    """
    if kind == "homoskedastic":
        return np.asarray(a @ ModelWeights(moments).covariance(moments.sigma(theta)) @ a.T)
    residuals, layout, cut = moments.residuals(theta), moments.design.layout, moments.n_linear
    p = moments.columns.Q.shape[1]
    codes = layout.unit if kind == "cluster" else np.arange(layout.n_rows)
    scores = sum(
        cluster_sums(moments.columns.Q, codes, e) @ a[:, g * p : (g + 1) * p].T
        for g, e in enumerate(residuals)
    )
    factor = layout.n_units / (layout.n_units - 1) if kind == "cluster" else layout.n_rows / moments.n
    out = np.asarray(scores).T @ np.asarray(scores) * factor
    if moments.forms:
        out = out + a[:, cut:] @ _form_covariance(moments, residuals, kind) @ a[:, cut:].T
    return np.asarray(out * (_lost(moments) if kind == "cluster" else 1.0))


def _lost(moments: Moments) -> float:
    """Return by how much effects that are not of units, lagged too, make clustered residuals small.

    Those of units are nested in the clusters, and those of times count with the clusters, N / (N - 1).
    """
    space, layout = moments.columns.space, moments.design.layout
    if not space.filters:
        return 1.0
    units = layout.n_units if ("unit",) in space.effects.kept else 0
    return float((layout.n_rows - units) / moments.n)


def _form_covariance(moments: Moments, residuals: Float, kind: Dependence) -> Float:
    operators = [c.operator for c in moments.centred]
    layout = moments.design.layout
    if not all(o.is_constant for o in operators):
        return _varying(moments, residuals, kind, layout)
    cube = residuals.reshape(len(residuals), layout.n_times, layout.n_units)
    return pair_covariance(moments, cube, [o.matrices[0] for o in operators], kind)


def pair_covariance(
    moments: Moments,
    cube: Float,
    matrices: list[sparse.csr_array],
    kind: Dependence,
    within: tuple[int, int] | None = None,
) -> Float:
    """Return the covariance of the forms from innovations (G, T, N); pairs as in `pair_products`."""
    periods = [cube] if kind == "cluster" else [cube[:, t : t + 1] for t in range(cube.shape[1])]
    out = np.zeros((len(moments.forms),) * 2)
    for i, j, values in _upper_pairs(matrices, within):
        for part in periods:
            f = _pair_terms(moments, part, i, j, values)
            out += f @ f.T
    return out


def _pair_terms(moments: Moments, part: Float, i: Index, j: Index, values: Float) -> Float:
    """Return a_ij e_gi.e_hj + a_ji e_gj.e_hi of each form and pair; (forms, pairs)."""
    wide = [np.ascontiguousarray(e.T) for e in part]
    left, right = [e[i] for e in wide], [e[j] for e in wide]
    known: dict[tuple[int, int], Float] = {}
    for f in moments.forms:
        for g, h in ((f.g, f.h), (f.h, f.g)):
            if (g, h) not in known:
                known[g, h] = np.einsum("pt,pt->p", left[g], right[h])
    out = np.empty((len(moments.forms), len(i)))
    for r, f in enumerate(moments.forms):
        ahead = values[3 * f.matrix + f.kind]
        back = values[3 * f.matrix + (0, 2, 1)[f.kind]]
        # e_gj . e_hi is the product of e_h at i and e_g at j.
        out[r] = ahead * known[f.g, f.h] + back * known[f.h, f.g]
    return out


def _varying(moments: Moments, residuals: Float, kind: Dependence, layout: Layout) -> Float:
    """The same where the matrices differ between times: sums over time of pairs of units, sparse."""
    n, forms = layout.n_units, moments.forms
    blocks = [c.operator.blocks() for c in moments.centred]
    out = np.zeros((len(forms),) * 2)
    totals: list[sparse.csr_array] = [sparse.csr_array((n, n)) for _ in forms]
    for t, (first, last) in enumerate(layout.bounds):
        units = layout.unit[first:last]
        rows = np.arange(last - first)
        place = [sparse.csr_array((e[first:last], (rows, units)), shape=(len(rows), n)) for e in residuals]
        for r, f in enumerate(forms):
            m = blocks[f.matrix][t][2]
            A = (m.T @ m, m, m.T)[f.kind]
            found = sparse.csr_array(place[f.g].T @ (A @ place[f.h]))
            totals[r] = totals[r] + found if kind == "cluster" else found
        if kind != "cluster":
            out += _pair_sums(totals)
    return out if kind != "cluster" else _pair_sums(totals)


def _pair_sums(totals: list[sparse.csr_array]) -> Float:
    upper = [sparse.csr_array(sparse.triu(F + F.T, k=1)) for F in totals]
    return np.array([[float(a.multiply(b).sum()) for b in upper] for a in upper])


def _distinct_times(operators: list[LagOperator]) -> Iterator[tuple[int, list[sparse.csr_array]]]:
    """Yield how many times the matrices serve, and the matrices."""
    if not operators:
        return
    if all(o.is_constant for o in operators):
        yield operators[0].layout.n_times, [o.matrices[0] for o in operators]
        return
    for blocks in zip(*(o.blocks() for o in operators), strict=True):
        yield 1, [m for _, _, m in blocks]


def _upper_pairs(matrices: list[sparse.csr_array], within: tuple[int, int] | None = None) -> Iterator[Pairs]:
    """Yield i < j and the entries there of K'K, K and K' of each matrix, some rows at a time."""
    n = matrices[0].shape[0]
    turned = [sparse.csr_array(m.T) for m in matrices]
    for first, last in rows_at_a_time(matrices, turned, _LOAD, within):
        yield _joined(matrices, turned, first, last, n)


def _joined(
    matrices: list[sparse.csr_array], turned: list[sparse.csr_array], first: int, last: int, n: int
) -> Pairs:
    found = []
    for m, t in zip(matrices, turned, strict=True):
        for block in (product(t[first:last], m), m[first:last], t[first:last]):
            entries = sparse.coo_array(block)
            row, column = entries.row.astype(np.int64) + first, entries.col.astype(np.int64)
            above = row < column
            found.append((row[above] * n + column[above], entries.data[above]))
    cells = (last - first) * n
    if len(found[0][0]) > _FULL * cells:  # most pairs are there: each cell has a place without a search
        full = np.zeros((len(found), cells))
        for line, (key, data) in zip(full, found, strict=True):
            np.add.at(line, key - first * n, data)
        kept = np.flatnonzero(full.any(axis=0))
        return kept // n + first, kept % n, full[:, kept]
    keys = np.unique(np.concatenate([k for k, _ in found]))
    values = np.zeros((len(found), len(keys)))
    for line, (key, data) in zip(values, found, strict=True):
        np.add.at(line, np.searchsorted(keys, key), data)
    return keys // n, keys % n, values
