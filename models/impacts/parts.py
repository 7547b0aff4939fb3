"""Effects taken apart: by order of neighbour, and unit by unit."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError

from .map import Coefficients
from .multipliers import order_terms
from .solve import DIRECT_LIMIT, ExponentialForm, ReducedForm
from .traces import Traces

__all__ = [
    "Kind",
    "order_effects_exponential",
    "order_effects_one",
    "order_effects_several",
    "unit_effects",
]

Float = NDArray[np.float64]
Sparse = Any  # scipy CSR array (N, N)
Kind = Literal["sent", "received", "direct"]

OWN_LIMIT = 6_000


def order_effects_one(
    B: Float, Lambda: Float, C: Float, D: Float, traces: Traces, orders: int
) -> tuple[Float, Float]:
    r"""Return direct and total effects by power of W, each (orders + 1, G, K).

    .. math:: E = \sum_m W^m \otimes \bigl[\Gamma^m (I - B)^{-1} C + \Gamma^{m-1} (I - B)^{-1} D\bigr]
    """
    lagged = _shifted(B, Lambda, orders, traces.radius)
    out = []
    for terms, moments in zip(
        order_terms(B, Lambda, traces, orders), (traces.values, traces.totals), strict=True
    ):
        values = terms @ C
        # A lag in the regressor raises the power of W by one.
        values[1:] += lagged @ D * moments[1 : orders + 1, None, None]
        out.append(values)
    return out[0], out[1]


def _shifted(B: Float, Lambda: Float, orders: int, radius: float) -> Float:
    """Return Gamma^(m-1) (I - B)^-1 for m = 1..orders, in units of W / radius."""
    inverse = np.linalg.inv(np.eye(len(B)) - B)
    gamma, power, out = inverse @ Lambda * radius, inverse * radius, []
    for _ in range(orders):
        out.append(power)
        power = gamma @ power
    return np.array(out).reshape(orders, *B.shape)


def order_effects_several(
    c: Coefficients, matrices: Sequence[Sparse], probes: Float, orders: int
) -> tuple[Float, Float]:
    """Return the same with several weights: the order counts how often any of them was applied."""
    found = []
    for V in (probes, np.ones((probes.shape[0], 1))):
        total = np.zeros((orders + 1, *c.C.shape))
        for column in V.T:
            total += _orders_of(c, matrices, column, orders)
        found.append(total / V.size)
    return found[0], found[1]


def _orders_of(c: Coefficients, matrices: Sequence[Sparse], v: Float, orders: int) -> Float:
    """Return v' (what order m adds) v for m = 0..orders, (orders + 1, G, K)."""
    inverse = np.linalg.inv(np.eye(len(c.B)) - c.B)
    state = np.einsum("gk,n->gkn", inverse @ c.C, v)
    out = [state @ v]
    for m in range(1, orders + 1):
        moved = np.zeros_like(state)
        for r, W in enumerate(matrices):
            lagged = np.asarray((W @ state.reshape(-1, len(v)).T).T).reshape(state.shape)
            moved += np.einsum("gh,hkn->gkn", inverse @ c.Lambda[r], lagged)
            if m == 1:
                moved += np.einsum("gk,n->gkn", inverse @ c.D[r], W @ v)
        state = moved
        out.append(state @ v)
    return np.array(out)


def order_effects_exponential(c: Coefficients, traces: Traces, orders: int) -> tuple[Float, Float]:
    r"""Return direct and total effects by power of W of one equation, each (orders + 1, 1, K).

    .. math:: E = \sum_m W^m\Bigl[\frac{\alpha^m}{m!}c + \frac{\alpha^{m-1}}{(m-1)!}d\Bigr]
    """
    alpha = float(c.Lambda.sum()) * traces.radius
    powers = np.array([alpha**m / factorial(m) for m in range(orders + 1)])
    lagged = np.concatenate([[0.0], powers[:-1]]) * traces.radius
    values = powers[:, None, None] * c.C + lagged[:, None, None] * c.D.sum(axis=0)
    direct, total = (moments[: orders + 1, None, None] * values for moments in (traces.values, traces.totals))
    return direct, total


def unit_effects(
    c: Coefficients,
    matrices: Sequence[Sparse],
    outcome: int,
    term: int,
    kind: Kind,
    n: int,
    exponential: bool = False,
) -> Float:
    r"""Return one number for each unit, (N,), for E the N x N effects of a term on an outcome.

    sent: :math:`1'E`; received: :math:`E1`; direct: :math:`\operatorname{diag} E`.
    """
    g = len(c.B)
    used = list(matrices) or [_empty(n)]
    Lambda = c.Lambda if len(matrices) else np.zeros((1, g, g))
    system: ReducedForm | ExponentialForm = ReducedForm(c.B, Lambda, used)
    if exponential:
        powers = sum(float(a.sum()) * W for a, W in zip(Lambda, used, strict=True))
        system = ExponentialForm(powers)
    slope, lagged = c.C[:, term], c.D[:, :, term]
    if kind == "sent":
        right = np.zeros((g, n))
        right[outcome] = 1.0
        z = system.solve(right.reshape(-1, 1), transposed=True).reshape(g, n)
        back = slope @ z
        for r, W in enumerate(matrices):
            back = back + W.T @ (lagged[r] @ z)
        return np.asarray(back)
    if kind == "received":
        ones = np.ones(n)
        right = np.outer(slope, ones)
        for r, W in enumerate(matrices):
            right = right + np.outer(lagged[r], W @ ones)
        return np.asarray(system.solve(right.reshape(-1, 1)).reshape(g, n)[outcome])
    return _own_effects(system, slope, lagged, matrices, outcome, n)


def _empty(n: int) -> Sparse:
    from scipy import sparse

    return sparse.csr_array((n, n))


def _own_effects(
    system: ReducedForm | ExponentialForm,
    slope: Float,
    lagged: Float,
    matrices: Sequence[Sparse],
    outcome: int,
    n: int,
) -> Float:
    g = system.g
    if n * g > OWN_LIMIT:
        raise DataError(
            f"The direct effect of each unit needs one solution for each of {n} units; that is offered up to "
            f"{OWN_LIMIT // g} units with {g} equations. kind='sent' and kind='received' need one in all."
        )
    assert n * g <= DIRECT_LIMIT
    out = np.empty(n)
    for start in range(0, n, 256):
        places = np.arange(start, min(start + 256, n))
        columns = np.zeros((n, len(places)))
        columns[places, np.arange(len(places))] = 1.0
        right = slope[:, None, None] * columns
        for r, W in enumerate(matrices):
            right = right + lagged[r][:, None, None] * (W @ columns)
        x = system.solve(right.reshape(g * n, -1)).reshape(g, n, -1)
        out[places] = x[outcome, places, np.arange(len(places))]
    return out
