r"""Traces :math:`\operatorname{tr}(P A_r P W^m)` and products :math:`Q'W^mX`, for the expected slope."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.models.data.layout import LagOperator
from spatial.models.estimation.errors import ErrorMoments
from spatial.models.products.projection import Projection

__all__ = [
    "LINEAR_ORDER",
    "ORDER",
    "form_traces",
    "instrument_powers",
    "rademacher",
    "swept_forms",
    "swept_forms_of_units",
    "within_factor",
]

Float = NDArray[np.float64]

ORDER = 80
LINEAR_ORDER = 40
_EXACT, _FULL = 600, 0.3
_PROBE_CELLS, _FEWEST, _MOST = 500_000, 4, 400
_CACHE: OrderedDict[tuple[object, ...], Float] = OrderedDict()
_CACHE_SIZE = 8


def within_factor(space: Projection) -> tuple[int, bool]:
    """Return how often each time counts, T or T - 1, and whether time means are out, where P is so simple."""
    layout = space.effects.layout
    units = ("unit",) in space.effects.kept
    return layout.n_times - units, space.effects.has_time


def form_traces(moments: ErrorMoments, W: LagOperator, space: Projection, radius: float) -> Float:
    """Return tr(P A P (W / radius)^m), m = 0..80, of A = K'K, K and K'; (3, 81).

    Exact up to 600 units with unit and time effects; else by Rademacher probes, whose error costs
    efficiency only: the estimating equations hold with any weights.
    """
    if not (space.is_within and W.is_constant and moments.operator.is_constant):
        return _by_row_probes(moments, W, space, radius)
    K, w = moments.operator.matrices[0], W.matrices[0] / radius
    factor, centred = within_factor(space)
    key = (_digest(K), _digest(w), centred)
    if key not in _CACHE:
        diagonal = moments.diagonal[:, : K.shape[0]]
        found = _exact if K.shape[0] <= _EXACT else _by_probes
        _CACHE[key] = found(K, diagonal, w, centred)
        if len(_CACHE) > _CACHE_SIZE:
            _CACHE.popitem(last=False)
    return np.asarray(factor * _CACHE[key])


def _digest(matrix: sparse.csr_array) -> bytes:
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    for part in (matrix.indptr, matrix.indices, matrix.data):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.digest()


def _swept(values: Float, centred: bool) -> Float:
    return values - values.mean(axis=0) if centred else values


def _applied(K: sparse.csr_array, diagonal: Float, values: Float) -> list[Float]:
    """Return A'v for A = K'K, K and K', centring included."""
    squares, own = diagonal[:, :, None]
    ahead, behind = K @ values, K.T @ values
    return [K.T @ ahead + squares * values, behind + own * values, ahead + own * values]


def _exact(K: sparse.csr_array, diagonal: Float, W: sparse.csr_array, centred: bool) -> Float:
    n = K.shape[0]
    J = _swept(np.eye(n), centred)
    # tr(J A J W^m) is the sum of the elements of (J A J)' and W^m.
    left = np.stack([_swept(a, centred).ravel() for a in _applied(K, diagonal, J)])
    power, out = np.eye(n), np.empty((3, ORDER + 1))
    for m in range(ORDER + 1):
        out[:, m] = left @ power.ravel()
        power = W @ power
    return out


def _by_probes(K: sparse.csr_array, diagonal: Float, W: sparse.csr_array, centred: bool) -> Float:
    n = K.shape[0]
    v = rademacher(n)
    left = [_swept(a, centred) for a in _applied(K, diagonal, _swept(v, centred))]
    full = W.toarray() if W.nnz > _FULL * n * n else W
    return np.asarray(_powers(left, v, lambda x: full @ x) / v.shape[1])


def _powers(left: list[Float], v: Float, lag: Callable[[Float], Float]) -> Float:
    out = np.empty((3, ORDER + 1))
    for m in range(ORDER + 1):
        out[:, m] = [float(np.vdot(a, v)) for a in left]
        v = lag(v)
    return out


def _by_row_probes(moments: ErrorMoments, W: LagOperator, space: Projection, radius: float) -> Float:
    v = rademacher(W.layout.n_rows)
    return np.asarray(_powers(swept_forms(moments, space, v), v, lambda x: W(x) / radius) / v.shape[1])


def rademacher(size: int, cells: int = _PROBE_CELLS) -> Float:
    """Return random signs, (size, probes): fewer for larger samples, whose traces vary less."""
    count = int(np.clip(cells // size, _FEWEST, _MOST))
    random = np.random.default_rng(np.random.SeedSequence(20150701))
    return np.asarray(random.choice(np.array([-1.0, 1.0]), size=(size, count)))


def swept_forms(moments: ErrorMoments, space: Projection, v: Float) -> list[Float]:
    """Return P A'P v for A = K'K, K and K', v (R, probes)."""
    swept, K = space.project(v), moments.operator
    squares, own = moments.diagonal[:, :, None]
    ahead, behind = K(swept), K.transpose(swept)
    parts = [K.transpose(ahead) + squares * swept, behind + own * swept, ahead + own * swept]
    return [space.project(a) for a in parts]


def swept_forms_of_units(moments: ErrorMoments, space: Projection, v: Float) -> list[Float]:
    """Return the same for one time of a balanced panel with unit and time effects, v (N, probes)."""
    K = moments.operator.matrices[0]
    factor, centred = within_factor(space)
    applied = _applied(K, moments.diagonal[:, : K.shape[0]], _swept(v, centred))
    return [factor * _swept(a, centred) for a in applied]


def instrument_powers(Q: Float, X: Float, W: LagOperator, radius: float) -> Float:
    """Return Q'(W / radius)^m X for m = 0, 1, ... until nothing is left, 40 at most; (orders, p, k)."""
    out = [Q.T @ X]
    size = float(np.abs(out[0]).max(initial=0.0))
    for _ in range(LINEAR_ORDER):
        X = W(X) / radius
        out.append(Q.T @ X)
        if float(np.abs(out[-1]).max(initial=0.0)) <= 1e-7 * size:
            break
    return np.stack(out)
