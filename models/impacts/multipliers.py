r"""Multipliers of a system: mean diagonal and mean row sum of :math:`S^{-1}` and of :math:`S^{-1}W`.

.. math:: S = (I_G - B) \otimes I_N - \sum_r \Lambda_r \otimes W_r, \qquad
          \frac{\partial y_g}{\partial x_k'} = \sum_h (S^{-1})_{gh} (c_{hk} I + \sum_r d_{rhk} W_r)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .traces import Traces

__all__ = [
    "Multipliers",
    "effects",
    "gamma_matrix",
    "matrix_exponential",
    "one_matrix",
    "order_terms",
    "scalar_multipliers",
]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Multipliers:
    """Mean diagonals and mean row sums of the blocks of the inverse; leading axes are draws.

    Parameters
    ----------
    direct : (..., G, G)
        ``tr (S^-1)_gh / N``.
    total : (..., G, G)
        ``1' (S^-1)_gh 1 / N``.
    direct_lag, total_lag : (R, ..., G, G)
        The same for ``(S^-1)_gh W_r``.
    stable : bool (...)
        Whether the power series converges, and S has the sign of I: the reduced form means something.
    truncation : float (...)
        Bound of what the powers beyond the last trace could add to a direct multiplier.
    """

    direct: Float
    total: Float
    direct_lag: Float
    total_lag: Float
    stable: NDArray[np.bool_]
    truncation: Float


def effects(found: Multipliers, C: Float, D: Float) -> tuple[Float, Float]:
    """Return direct and total effects (..., G, K) of regressors with C (..., G, K) and D (R, ..., G, K)."""
    direct, total = found.direct @ C, found.total @ C
    for r in range(len(D)):
        direct = direct + found.direct_lag[r] @ D[r]
        total = total + found.total_lag[r] @ D[r]
    return direct, total


def gamma_matrix(B: Float, Lambda: Float) -> tuple[Float, Float, NDArray[np.bool_]]:
    r"""Return :math:`\Gamma = (I - B)^{-1}\Lambda`, :math:`(I - B)^{-1}`, and where it exists."""
    identity = np.broadcast_to(np.eye(B.shape[-1]), B.shape)
    determinant = np.linalg.det(identity - B)
    regular = np.abs(determinant) > 1e-12
    safe = np.where(regular[..., None, None], identity - B, identity)
    inverse = np.linalg.inv(safe)
    return inverse @ Lambda, inverse, regular & (determinant > 0)


def matrix_exponential(B: Float, Lambda: Float, traces: Traces) -> Multipliers:
    r"""Multipliers of :math:`e^{\alpha W}`, from the traces of the powers of W.

    .. math:: e^{\alpha W} = \sum_m \frac{\alpha^m}{m!}W^m

    Parameters
    ----------
    B : (..., 1, 1)
        Zero: one equation.
    Lambda : (..., 1, 1)
        alpha.
    traces : Traces
    """
    orders = np.arange(min(40, traces.order))
    steps = np.concatenate([[0.0], np.log(np.arange(1, len(orders)))]).cumsum()
    scaled = Lambda[..., 0] * traces.radius
    powers = np.sign(scaled) ** orders * np.exp(orders * np.log(np.abs(scaled) + 1e-300) - steps)
    powers = np.where(scaled == 0, orders == 0, powers)

    def summed(moments: Float) -> Float:
        return np.asarray((powers @ moments)[..., None, None])

    own, sums = traces.values, traces.totals
    count, shape = len(orders), B.shape[:-2]
    return Multipliers(
        summed(own[:count]),
        summed(sums[:count]),
        summed(own[1 : count + 1])[None] * traces.radius,
        summed(sums[1 : count + 1])[None] * traces.radius,
        np.ones(shape, dtype=bool),
        np.zeros(shape),
    )


def one_matrix(B: Float, Lambda: Float, traces: Traces) -> Multipliers:
    r"""Multipliers for one weights matrix, from its traces; exact up to their error.

    .. math:: S^{-1} = \sum_m \Gamma^m (I - B)^{-1} \otimes W^m, \qquad \Gamma = (I - B)^{-1}\Lambda

    Where the series does not converge and the eigenvalues of W are known, the mean of
    :math:`(I - B - \omega_i\Lambda)^{-1}` over them; where they are not, NaN.

    Parameters
    ----------
    B, Lambda : (..., G, G)
    traces : Traces
    """
    gamma, inverse, positive = gamma_matrix(B, Lambda)
    gamma = gamma * traces.radius
    size = np.abs(np.linalg.eigvals(gamma)).max(axis=-1)
    converges = size < 1 - 1e-9
    used = np.where(converges[..., None, None], gamma, 0.0)
    direct, truncation = _power_sum(used, traces.values)
    direct_next, _ = _power_sum(used, traces.values[1:])
    if traces.row_sum is None:
        total, total_next = (_power_sum(used, traces.totals[k:])[0] for k in (0, 1))
    else:
        total = total_next = np.zeros_like(direct)
    blocks = [block @ inverse for block in (direct, direct_next, total, total_next)]
    blocks[1], blocks[3] = blocks[1] * traces.radius, blocks[3] * traces.radius
    blocks = _without_series(B, Lambda, traces, converges, blocks)
    if traces.row_sum is not None:
        blocks[2] = _exact_total(B, Lambda, traces.row_sum)
        blocks[3] = blocks[2] * traces.row_sum
    return Multipliers(
        blocks[0], blocks[2], blocks[1][None], blocks[3][None], converges & positive, truncation
    )


def scalar_multipliers(lam: float, traces: Traces) -> Float:
    r"""Return the mean diagonal and row sum of :math:`S^{-1}` of one equation, then of :math:`S^{-1}W`.

    The same numbers as `one_matrix` a hundred times as fast, for searches; NaN where the reduced form is not
    known.

    Parameters
    ----------
    lam : float
    traces : Traces
    """
    z, radius = lam * traces.radius, traces.radius
    known = traces.eigenvalues
    if known is not None:
        inverse = 1 / (1 - lam * known)
        own = float(np.real(inverse).mean()), float(np.real(known * inverse).mean())
    else:
        own = _series(z, traces.values, radius)
    if traces.row_sum is not None:
        whole = 1 / (1 - lam * traces.row_sum)
        return np.array([own[0], whole, own[1], whole * traces.row_sum])
    whole, lagged = _series(z, traces.totals, radius)
    return np.array([own[0], whole, own[1], lagged])


def _series(z: float, moments: Float, radius: float) -> tuple[float, float]:
    """Return the sums of tau_m z^m and of tau_(m+1) z^m radius, the tail as in `_power_sum`."""
    if abs(z) >= 1 - 1e-9:
        return float("nan"), float("nan")
    top = len(moments) - 1
    powers = z ** np.arange(top + 1)
    gap = 1 - z**2
    here = powers[:top] @ moments[:top] + powers[top] * (moments[-1] + moments[-2] * z) / gap
    later = powers[: top - 1] @ moments[1:top] + powers[top - 1] * (moments[-1] + moments[-2] * z) / gap
    return float(here), float(later * radius)


def _power_sum(gamma: Float, moments: Float) -> tuple[Float, Float]:
    r"""Return :math:`\sum_m \Gamma^m \tau_m` by Horner's rule, and the size of the tail that is extrapolated.

    Beyond the last moments the even and the odd ones are taken as constant: W is scaled to radius one,
    and what is left of tau_m then comes from eigenvalues near 1 and -1.
    """
    identity = np.broadcast_to(np.eye(gamma.shape[-1]), gamma.shape)
    last, before = moments[-1], moments[-2]
    tail = np.linalg.solve(identity - gamma @ gamma, last * identity + before * gamma)
    out = tail
    for moment in moments[-2::-1]:
        out = moment * identity + gamma @ out
    beyond = np.abs(tail - last * identity).sum(axis=-1).max(axis=-1)
    radius = np.abs(np.linalg.eigvals(gamma)).max(axis=-1)
    return out, np.asarray(beyond * radius ** (len(moments) - 1))


def _exact_total(B: Float, Lambda: Float, row_sum: float) -> Float:
    system = np.eye(B.shape[-1]) - B - row_sum * Lambda
    singular = np.abs(np.linalg.det(system)) < 1e-12
    safe = np.where(singular[..., None, None], np.eye(B.shape[-1]), system)
    return np.where(singular[..., None, None], np.nan, np.linalg.inv(safe))


def _without_series(
    B: Float, Lambda: Float, traces: Traces, converges: NDArray[np.bool_], blocks: list[Float]
) -> list[Float]:
    """Replace the draws whose series diverges: by eigenvalues for the direct parts, else by NaN."""
    if converges.all():
        return blocks
    bad = ~converges
    blocks = [np.array(block) for block in blocks]
    for block in blocks:
        block[bad] = np.nan
    if traces.eigenvalues is None:
        return blocks
    identity = np.eye(B.shape[-1])
    flat_B, flat_L = B[bad].reshape(-1, *identity.shape), Lambda[bad].reshape(-1, *identity.shape)
    omega = traces.eigenvalues[:, None, None]
    direct, lagged = np.empty(flat_B.shape), np.empty(flat_B.shape)
    for s in range(len(flat_B)):
        system = identity - flat_B[s] - omega * flat_L[s]
        if np.abs(np.linalg.det(system)).min() < 1e-10:
            direct[s] = lagged[s] = np.nan
            continue
        resolvent = np.linalg.inv(system)
        direct[s] = np.real(resolvent.mean(axis=0))
        lagged[s] = np.real((omega * resolvent).mean(axis=0))
    blocks[0][bad], blocks[1][bad] = direct.reshape(B[bad].shape), lagged.reshape(B[bad].shape)
    return blocks


def order_terms(B: Float, Lambda: Float, traces: Traces, orders: int) -> tuple[Float, Float]:
    r"""Return what each power of W adds to the direct and total multipliers: (orders + 1, G, G) twice.

    Order m: :math:`\Gamma^m (I - B)^{-1} \tau_m` and :math:`\Gamma^m (I - B)^{-1} t_m`.
    """
    gamma, inverse, _ = gamma_matrix(B, Lambda)
    gamma = gamma * traces.radius
    power = inverse
    direct, total = [], []
    for m in range(orders + 1):
        direct.append(power * traces.values[m])
        total.append(power * traces.totals[m])
        power = gamma @ power
    return np.array(direct), np.array(total)
