"""Traces of the powers of W, once per matrix: all that system impacts need to know of one W."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse import csgraph

from spatial.compute.products import product
from spatial.compute.threads import Workers, check_workers, run_tasks
from spatial.models.data.layout import common_value
from spatial.weights.blocks.walk import BlockMatrix
from spatial.weights.normalization import radius_bound

__all__ = ["Traces", "constant_row_sum", "eigenvalues", "power_traces", "symmetrizer"]

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Sparse = Any  # scipy CSR array (N, N)

ORDER = 100
DENSE_LIMIT = 600  # eigenvalues of a general matrix: 0.1 s
SYMMETRIC_LIMIT = 3_000  # and of one that is similar to a symmetric matrix: 1 s
POWERS_LIMIT = 3_000  # exact traces by N unit vectors
PROBES, PROBE_CELLS = 48, 5_000_000
_BLOCK = 16
_CHEAP = 5e7  # links that W times W follows
_CELLS = 80_000_000  # numbers of probes that a walk over blocks holds
_MANY = 2_000_000
_HELD = 40_000_000  # links that are read whole: half a gigabyte, and four times that at work


@dataclass(frozen=True)
class Traces:
    r"""Moments of one weights matrix W, scaled by its spectral radius.

    .. math:: \tau_m = \operatorname{tr}(W^m)/N, \qquad t_m = 1'W^m1/N, \qquad m = 0, \dots, M

    Parameters
    ----------
    values : (M + 1,)
        tau_m of W / radius.
    std_errors : (M + 1,)
        Of the values; 0 where exact.
    totals : (M + 1,)
        t_m of W / radius; exact.
    radius : float
        Spectral radius of W, or an upper bound of it.
    bounds : (float, float)
        Interval that contains the real eigenvalues of W; exact where `eigenvalues` are known.
    row_sum : float or None
        The common sum of all rows of W; None where they differ.
    method : str
        "eigenvalues", "exact powers" or "48 random probes".
    eigenvalues : (N,) complex or None
        Of W itself.
    """

    values: Float
    std_errors: Float
    totals: Float
    radius: float
    bounds: tuple[float, float]
    row_sum: float | None
    method: str
    eigenvalues: Complex | None = None

    @property
    def order(self) -> int:
        """M, the highest power."""
        return len(self.values) - 1


_CACHE: OrderedDict[tuple[str | BlockMatrix, int, int | None, int], Traces] = OrderedDict()
_CACHE_SIZE = 8


def power_traces(
    W: Sparse,
    *,
    order: int = ORDER,
    probes: int | None = None,
    seed: int = 0,
    workers: Workers | None = None,
) -> Traces:
    """Return the traces of W, W^2, ..., kept from the last call with equal weights.

    Up to 600 units, or 3,000 where W is similar to a symmetric matrix (row-standardized contiguity), from
    the eigenvalues; up to 3,000 units by exact powers; above by Hutchinson's estimator with common
    Rademacher probes, where ``tr W^(a+b)`` is the mean of ``(W'^b v)'(W^a v)``, so that half the
    products serve (Barry and Pace 1999; LeSage and Pace 2009, chapter 4).  tau_1 to tau_3 are exact.

    Parameters
    ----------
    W : sparse (N, N) or BlockMatrix
        Weights by blocks give the numbers of stored ones but for rounding; few enough are read whole.
    order : int
        Highest power.
    probes : int, optional
        Number of probes; by default 48, and more for fewer units.
    seed : int
        Of the probes.
    workers : int or Cluster, optional
        From `spatial.compute.threads.check_workers`; all cores by default.  The same bits on any.

    Examples
    --------
    >>> ring = sparse.csr_array(np.roll(np.eye(4), 1, axis=1) / 2 + np.roll(np.eye(4), -1, axis=1) / 2)
    >>> power_traces(ring, order=4).values.round(3).tolist()
    [1.0, 0.0, 0.5, 0.0, 0.5]
    """
    if isinstance(W, BlockMatrix) and W.weights.n_links <= _HELD:
        W = W.whole
    W = W if isinstance(W, BlockMatrix) else sparse.csr_array(W)
    key = (W if isinstance(W, BlockMatrix) else _digest(W), order, probes, seed)
    if key in _CACHE:
        _CACHE.move_to_end(key)
        return _CACHE[key]
    found = _compute(W, order, probes, seed, check_workers(None) if workers is None else workers)
    _CACHE[key] = found
    if len(_CACHE) > _CACHE_SIZE:
        _CACHE.popitem(last=False)
    return found


def _digest(W: Sparse) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in (W.indptr, W.indices, W.data):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _compute(W: Sparse, order: int, probes: int | None, seed: int, workers: Workers) -> Traces:
    n = W.shape[0]
    if isinstance(W, BlockMatrix):
        return _compute_by_blocks(W, order, probes, seed, workers)
    omega = eigenvalues(W) if probes is None else None
    row_sum = constant_row_sum(W)
    radius = radius_bound(W) if omega is None else float(np.abs(omega).max(initial=0.0))
    scaled = W / radius if radius > 0 else W
    totals = _total_moments(scaled, order)
    errors = np.zeros(order + 1)
    if omega is not None:
        real = np.real(omega[np.abs(np.imag(omega)) <= 1e-9 * max(radius, 1e-300)])
        bounds = (float(real.min(initial=0.0)), float(real.max(initial=0.0)))
        powers = np.vander(omega / (radius or 1.0), order + 1, increasing=True)
        values = np.real(powers.mean(axis=0))
        exact = _exact_traces(scaled)[: order + 1]
        values[: len(exact)] = exact  # zero where there are no loops, not 1e-17
        return Traces(values, errors, totals, radius, bounds, row_sum, "eigenvalues", omega)
    bounds = (-radius, radius)
    # Traces do not depend on the order of the units; neighbours near each other in memory are 4x faster.
    nearby = csgraph.reverse_cuthill_mckee(scaled, symmetric_mode=False)
    scaled = sparse.csr_array(scaled[nearby][:, nearby])
    if probes is None and n <= POWERS_LIMIT:
        values = _by_units(scaled, order, workers)
        return Traces(values, errors, totals, radius, bounds, row_sum, "exact powers")
    count = _n_probes(probes, n)
    found = _quadratic(scaled, order, count, seed, workers, nearby)
    values, errors = _means(found, n, count, _exact_traces(scaled))
    return Traces(values, errors, totals, radius, bounds, row_sum, f"{count} random probes")


def _compute_by_blocks(W: BlockMatrix, order: int, probes: int | None, seed: int, workers: Workers) -> Traces:
    """Return the same by walks over the blocks, where W times W is too much to be exact."""
    n, radius = W.shape[0], W.radius_bound()
    scale = radius if radius > 0 else 1.0
    totals = _total_moments(W, order) / scale ** np.arange(order + 1)
    exact = [1.0, float(W.diagonal().sum()) / n / scale, W.answered() / n / scale**2]
    count = min(_n_probes(probes, n), _BLOCK if n > _MANY else n)  # a walk is dear, and many units err little
    found = _quadratic(W, order, count, seed, workers, scale=scale)
    values, errors = _means(found, n, count, np.array(exact))
    how = f"{count} random probes"
    return Traces(values, errors, totals, radius, (-radius, radius), constant_row_sum(W), how)


def _n_probes(probes: int | None, n: int) -> int:
    return probes or int(np.clip(PROBE_CELLS // n, PROBES, 1_000))


def constant_row_sum(W: Sparse) -> float | None:
    """Return the sum of every row where it is the same in all, else None."""
    return common_value(np.asarray(W.sum(axis=1)).ravel())


def symmetrizer(W: Sparse) -> Float | None:
    r"""Return d > 0 with diag(d) W symmetric, or None: W then has real eigenvalues.

    Row-standardized symmetric weights have it: d is the row sum before.
    """
    n = W.shape[0]
    back = sparse.csr_array(W.T)
    back.sort_indices()
    forward = W.copy()
    forward.sort_indices()
    if not (np.array_equal(forward.indptr, back.indptr) and np.array_equal(forward.indices, back.indices)):
        return None
    if (forward.data <= 0).any():
        return None
    log_d = np.full(n, np.nan)
    log_ratio = np.log(forward.data) - np.log(back.data)
    _, label = csgraph.connected_components(forward, directed=False)
    for component in range(int(label.max(initial=-1)) + 1):
        _walk(forward, log_ratio, log_d, int(np.argmax(label == component)))
    d = np.exp(log_d)
    scaled = sparse.diags_array(d) @ forward
    gap = abs(scaled - scaled.T)
    if gap.nnz and gap.max() > 1e-10 * abs(scaled).max():
        return None
    return np.asarray(d)


def _walk(W: Sparse, log_ratio: Float, log_d: Float, root: int) -> None:
    """Carry d along the links, one breadth-first level at a time: d_j = d_i w_ij / w_ji."""
    log_d[root] = 0.0
    level = np.array([root])
    while len(level):
        counts = np.diff(W.indptr)[level]
        links = np.repeat(W.indptr[level] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        targets = W.indices[links]
        new = np.isnan(log_d[targets])
        log_d[targets[new]] = (np.repeat(log_d[level], counts) + log_ratio[links])[new]
        level = np.unique(targets[new])


def eigenvalues(W: Sparse) -> Complex | None:
    """Return all eigenvalues where N is small enough (see `power_traces`), else None."""
    n = W.shape[0]
    if n <= SYMMETRIC_LIMIT:
        d = symmetrizer(W)
        if d is not None:
            root = np.sqrt(d)
            dense = (sparse.diags_array(root) @ W @ sparse.diags_array(1 / root)).toarray()
            return np.asarray(linalg.eigvalsh((dense + dense.T) / 2), dtype=np.complex128)
    if n <= DENSE_LIMIT:
        return np.asarray(linalg.eigvals(W.toarray()), dtype=np.complex128)
    return None


def _total_moments(W: Sparse, order: int) -> Float:
    x = np.ones(W.shape[0])
    out = np.empty(order + 1)
    for m in range(order + 1):
        out[m] = x.mean()
        x = W @ x
    return out


def _exact_traces(W: Sparse) -> Float:
    """Return tau_0 to tau_3, the last where W @ W is cheap."""
    n = W.shape[0]
    back = sparse.csr_array(W.T)
    first = [1.0, float(W.diagonal().sum()) / n, float(W.multiply(back).sum()) / n]
    work = float(np.diff(W.indptr)[W.indices].sum())
    if work <= _CHEAP:
        first.append(float((W @ W).multiply(back).sum()) / n)
    return np.array(first)


def _half_products(W: Sparse, back: Sparse, V: Float, order: int) -> Float:
    """Return (order + 1, columns): v'W^m v for each column v, by ``(W'^b v)'(W^a v)``."""
    out = np.empty((order + 1, V.shape[1]))
    ahead, behind = V, V
    out[0] = np.einsum("ij,ij->j", V, V)
    for m in range(1, order + 1):
        if m % 2:
            ahead = product(W, ahead, workers=1)
        else:
            behind = product(back, behind, workers=1)
        out[m] = np.einsum("ij,ij->j", behind, ahead)
    return out


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The job of the traces: a task is a block of columns, unit vectors or random signs.

    Signs are those of the units, wherever the rows of W put them (`places`).
    """

    W: Sparse
    back: Sparse
    order: int
    count: int
    seeds: tuple[np.random.SeedSequence, ...] = ()
    places: NDArray[np.intp] | None = None
    scale: float = 1.0

    def prepare(self) -> Callable[[int], Float]:
        n = self.W.shape[0]

        def work(start: int) -> Float:
            if self.seeds:
                # One seed for each block: who works on it changes nothing.
                shape = (n, min(_BLOCK, self.count - start))
                signs = np.random.default_rng(self.seeds[start // _BLOCK]).integers(
                    0, 2, shape, dtype=np.int8
                )
                if isinstance(self.W, BlockMatrix):
                    return _forward(self.W, signs, self.order, self.scale)
                V = np.where(signs if self.places is None else signs[self.places], 1.0, -1.0)
            else:
                columns = np.arange(start, min(start + _BLOCK * 2, n))
                V = np.zeros((n, len(columns)))
                V[columns, np.arange(len(columns))] = 1.0
            return _half_products(self.W, self.back, V, self.order)

        return work


def _forward(W: BlockMatrix, signs: NDArray[np.int8], order: int, scale: float) -> Float:
    """Return what `_half_products` does, some columns at a time, without the transposed weights."""
    n, count = signs.shape
    step = max(1, min(count, _CELLS // n))
    out = np.empty((order + 1, count))
    for start in range(0, count, step):
        mine = slice(start, start + step)
        V = np.where(signs[:, mine], 1.0, -1.0)
        ahead = V
        out[0, mine] = n
        for m in range(1, order + 1):
            ahead = (W @ ahead) / scale
            out[m, mine] = np.einsum("ij,ij->j", V, ahead)
    return out


def _quadratic(
    W: Sparse,
    order: int,
    count: int,
    seed: int | None,
    workers: Workers,
    places: NDArray[np.intp] | None = None,
    scale: float = 1.0,
) -> list[Float]:
    """Return v'W^m v, (order + 1, columns) for each block of columns in order."""
    step = _BLOCK * 2 if seed is None else _BLOCK
    seeds = () if seed is None else tuple(np.random.SeedSequence(seed).spawn(-(-count // _BLOCK)))
    found: list[Float] = []

    def collect(start: int, part: Float) -> int:
        found.append(part)
        return min(step, count - start)

    run_tasks(
        range(0, count, step),
        _Blocks(
            W,
            None if isinstance(W, BlockMatrix) else sparse.csr_array(W.T),
            order,
            count,
            seeds,
            places,
            scale,
        ),
        collect,
        workers=workers,
        total=count,
        seconds=1.5e-9 * (W.weights.n_links if isinstance(W, BlockMatrix) else W.nnz) * order * count,
        progress=None,
        label="traces",
    )
    return found


def _by_units(W: Sparse, order: int, workers: Workers) -> Float:
    n = W.shape[0]
    return np.asarray(sum(part.sum(axis=1) for part in _quadratic(W, order, n, None, workers)) / n)


def _means(found: list[Float], n: int, count: int, known: Float) -> tuple[Float, Float]:
    """Return the means over probes and their standard errors; the first ones are known."""
    quadratic = np.hstack(found) / n
    values, exact = quadratic.mean(axis=1), known[: len(quadratic)]
    errors = quadratic.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(values), np.nan)
    values[: len(exact)], errors[: len(exact)] = exact, 0.0
    return values, errors
