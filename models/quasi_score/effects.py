r"""Effects in equilibrium as functions of theta with their gradients, for intervals by distance.

With one weights matrix, :math:`\Gamma = (I - B)^{-1}\Lambda` and moments :math:`\tau_m` (of the diagonal, of
row sums, or of one unit) an effect is an element of

.. math:: F(\Gamma; \tau_0, \tau_1, \dots)(I - B)^{-1}C + F(\Gamma; \tau_1, \tau_2, \dots)(I - B)^{-1}D,
          \qquad F = \sum_m \tau_m \Gamma^m ,

and F and its derivative follow from the eigenvalues of Gamma: the cost does not depend on N.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.impacts.map import EffectMap

from .distance import Target

__all__ = ["EffectTarget", "EffectTargets", "unit_moments"]

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Reduced = tuple[Float, Complex, Complex]

_CLOSE = 1e-6
_OWN_UNITS = 3_000


@dataclass(frozen=True, eq=False)
class EffectTargets:
    """What the effects of one map share.

    Parameters
    ----------
    effect_map : EffectMap
        With one weights matrix, or without spatial feedback.
    size : int
        Length of theta; coefficients come first.
    """

    effect_map: EffectMap
    size: int
    _linear: tuple[Float, ...] = field(init=False, repr=False)
    _last: list[tuple[bytes, Reduced | None]] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        count = self.effect_map.structure.n_parameters
        zero = self.effect_map.coefficients(np.zeros(count))
        unit = self.effect_map.coefficients(np.eye(count))
        r = self._feedback
        parts = [unit.B - zero.B, unit.C - zero.C]
        base = [zero.B, zero.C]
        for name in ("Lambda", "D"):
            moved, still = getattr(unit, name), getattr(zero, name)
            parts.append(
                moved[r] - still[r] if len(moved) else np.zeros_like(parts[0 if name == "Lambda" else 1])
            )
            base.append(still[r] if len(still) else np.zeros_like(base[0 if name == "Lambda" else 1]))
        object.__setattr__(self, "_linear", (*parts, *base))

    @property
    def _feedback(self) -> int:
        used = (*self.effect_map.feedback, *self.effect_map.durbin)
        return used[0] if used else 0

    @cached_property
    def radius(self) -> float:
        """The spectral radius of the weights; 1 where nothing feeds back."""
        return self.effect_map.traces.radius if self.effect_map.feedback else 1.0

    @cached_property
    def moments(self) -> tuple[Float, Float]:
        """Moments of the diagonal and of the row sums of W / radius."""
        if self.effect_map.feedback:
            return self.effect_map.traces.values, self.effect_map.traces.totals
        graphs = [self.effect_map.matrices[w] for w in self.effect_map.weights]
        if not graphs:
            return np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0])
        W = graphs[self._feedback]
        n = W.shape[0]
        return np.array([1.0, float(W.diagonal().mean()), 0.0, 0.0]), np.array(
            [1.0, float(W.sum()) / n, 0.0, 0.0]
        )

    def parts(self, theta: Float) -> list[Float]:
        """Return B, Lambda, C and D at theta."""
        base, slopes = self._flat
        flat = base + theta[: len(slopes)] @ slopes
        G, K = self._linear[0].shape[1], self._linear[1].shape[2]
        ends = np.cumsum([0, G * G, G * G, G * K, G * K])
        shapes = ((G, G), (G, G), (G, K), (G, K))
        return [flat[i:j].reshape(s) for i, j, s in zip(ends[:-1], ends[1:], shapes, strict=True)]

    @cached_property
    def _flat(self) -> tuple[Float, Float]:
        """The same linear map in one matrix: where it starts, and its slopes."""
        dB, dC, dL, dD, B, C, L, D = self._linear
        base = np.concatenate([part.ravel() for part in (B, L, C, D)])
        count = len(dB)
        return base, np.concatenate([part.reshape(count, -1) for part in (dB, dL, dC, dD)], axis=1)

    @cached_property
    def moving(self) -> NDArray[np.intp]:
        """The coefficients of B and Lambda."""
        dB, _, dL = self._linear[:3]
        return np.flatnonzero(dB.any(axis=(1, 2)) | dL.any(axis=(1, 2)))

    @cached_property
    def slopes(self) -> tuple[Float, Float, Float, Float]:
        """Return the derivatives of B and Lambda by the coefficients that move them, of C and D by all."""
        dB, dC, dL, dD = self._linear[:4]
        return dB[self.moving], dL[self.moving], dC, dD

    def reduced(self, B: Float, L: Float) -> Reduced | None:
        """Return (I - B)^-1, and the eigenvalues and vectors of Gamma; None where there is no reduced form.

        Two effects of which one is taken from the other ask for it at the same theta: the last is kept.
        """
        key = B.tobytes() + L.tobytes()
        for asked, kept in self._last:
            if asked == key:
                return kept
        found: Reduced | None = None
        left = np.eye(len(B)) - B
        if not np.linalg.det(left) <= 1e-12:
            inverse = np.asarray(np.linalg.inv(left))
            values, vectors = np.linalg.eig(inverse @ L * self.radius)
            if not np.abs(values).max() >= 1 - 1e-9:
                found = inverse, values, vectors
        self._last[:] = [(key, found)]  # at once, whatever other threads do
        return found

    def of(self, outcome: int, term: int) -> tuple[Target, Target, Target]:
        """Return the direct, the indirect and the total effect."""
        own, sums = self.moments
        row_sum = self.effect_map.traces.row_sum if self.effect_map.feedback else None
        direct = EffectTarget(self, outcome, term, own)
        total = EffectTarget(self, outcome, term, sums, row_sum)
        return direct, _Less(total, direct), total

    def by_unit(self, outcome: int, term: int, kind: str) -> Iterator[Target]:
        """Yield the effect of each unit: what it sends or receives, or its own."""
        if not self.effect_map.weights:
            own = EffectTarget(self, outcome, term, self.moments[0])
            yield from [own] * int(next(iter(self.effect_map.matrices.values())).shape[0])
            return
        W = self.effect_map.matrices[self.effect_map.weights[self._feedback]]
        orders = len(self.moments[0])
        for moments in unit_moments(W, self.radius, kind, orders).T:
            yield EffectTarget(self, outcome, term, np.ascontiguousarray(moments))


@dataclass(frozen=True, eq=False)
class _Less:
    """The difference of two targets."""

    first: Target
    second: Target

    def __call__(self, theta: Float) -> tuple[float, Float]:
        a, b = self.first(theta), self.second(theta)
        return a[0] - b[0], a[1] - b[1]


@dataclass(frozen=True, eq=False)
class EffectTarget:
    """One effect: of a term on an outcome, for some moments.

    Parameters
    ----------
    targets : EffectTargets
    outcome, term : int
    moments : array (orders,)
        tau_m, of W / radius.
    row_sum : float, optional
        The common sum of all rows where the moments are those of row sums: exact without a series.
    """

    targets: EffectTargets
    outcome: int
    term: int
    moments: Float
    row_sum: float | None = None

    def __call__(self, theta: Float) -> tuple[float, Float]:
        """Return the effect and its gradient; NaN outside the region where the reduced form exists."""
        B, L, C, D = self.targets.parts(theta)
        dB, dL, dC, dD = self.targets.slopes
        G = len(B)
        reduced = self.targets.reduced(B, L)
        if reduced is None:
            return float("nan"), np.zeros(self.targets.size)
        inverse, values, vectors = reduced
        g, k = self.outcome, self.term
        if self.row_sum is not None:
            whole = np.asarray(np.linalg.inv(np.eye(G) - B - self.row_sum * L))
            slope = C[:, k] + self.row_sum * D[:, k]
            effect = whole @ slope
            moved = (dC[:, :, k] + self.row_sum * dD[:, :, k]) @ whole[g]
            moved[self.targets.moving] += ((dB + self.row_sum * dL) @ effect) @ whole[g]
            return float(effect[g]), self._padded(moved)
        back = np.asarray(np.linalg.inv(vectors))
        series, differences = _series_and_differences(values, self.moments)
        radius = self.targets.radius
        right = np.stack([inverse @ C[:, k], inverse @ D[:, k] * radius])
        ahead = (vectors[g] * series) @ back  # (2, G): for C and for D
        value = float(np.real(np.sum(ahead * right)))
        # (I - B)^-1 and Gamma move with B and Lambda.
        d_inverse = inverse @ dB @ inverse
        turned = back @ (radius * (d_inverse @ L + inverse @ dL)) @ vectors
        moved = np.zeros(len(dC), dtype=np.complex128)
        weighted = np.einsum("a,sab,sb->ab", vectors[g], differences, right @ back.T)
        own = self.targets.moving
        moved[own] = np.einsum("pab,ab->p", turned, weighted)
        moved[own] += (d_inverse @ C[:, k]) @ ahead[0] + (d_inverse @ D[:, k]) @ ahead[1] * radius
        moved += dC[:, :, k] @ (ahead[0] @ inverse) + dD[:, :, k] @ (ahead[1] @ inverse) * radius
        return value, self._padded(np.real(moved))

    def _padded(self, gradient: Float) -> Float:
        out = np.zeros(self.targets.size)
        out[: len(gradient)] = gradient
        return out


def _series_and_differences(x: Complex, moments: Float) -> tuple[Complex, Complex]:
    """Return the sum of tau_m x^m at each eigenvalue, and its divided differences at each pair.

    For the moments, and for those that begin one later: (2, G) and (2, G, G).  Even and odd moments beyond
    the last count as constant.
    """
    count = len(x)
    points = np.concatenate([x, ((x[:, None] + x[None, :]) / 2).ravel()])
    value, slope = _sums(points, moments)
    gap = x[:, None] - x[None, :]
    close = np.abs(gap) < _CLOSE
    middle = slope[:, count:].reshape(2, count, count)
    ahead = value[:, :count]
    apart = (ahead[:, :, None] - ahead[:, None, :]) / np.where(close, 1.0, gap)
    return ahead, np.where(close, middle, apart)


def _sums(x: Complex, moments: Float) -> tuple[Complex, Complex]:
    """Return the series and their derivatives at points, of both sets of moments; (2, points)."""
    last, before, top = moments[-1], moments[-2], len(moments) - 1
    orders = np.arange(top + 1)
    powers = x[:, None] ** orders
    gap = 1 - x**2
    tail = (last + before * x) / gap
    d_tail = before / gap + (last + before * x) * 2 * x / gap**2
    value = powers[:, :top] @ moments[:top] + powers[:, top] * tail
    slope = powers[:, : top - 1] @ (orders[1:top] * moments[1:top]) + powers[:, top] * d_tail
    slope = slope + top * powers[:, top - 1] * tail
    # Those that begin one later: (F - tau_0) / x, term by term so that x may be 0.
    later = powers[:, : top - 1] @ moments[1:top] + powers[:, top - 1] * tail
    d_later = powers[:, : top - 2] @ (orders[1 : top - 1] * moments[2:top]) + powers[:, top - 1] * d_tail
    d_later = d_later + (top - 1) * powers[:, max(top - 2, 0)] * tail
    return np.stack([value, later]), np.stack([slope, d_later])


def unit_moments(W: sparse.csr_array, radius: float, kind: str, orders: int) -> Float:
    """Return the moments of each unit, (orders, N): of columns summed, of rows summed, or of the diagonal."""
    n = W.shape[0]
    scaled = sparse.csr_array(W / radius)
    if kind in ("sent", "received"):
        matrix = sparse.csr_array(scaled.T) if kind == "sent" else scaled
        x, out = np.ones(n), []
        for _ in range(orders):
            out.append(x)
            x = matrix @ x
        return np.stack(out)
    if n > _OWN_UNITS:
        raise DataError(
            f"The direct effect of each unit needs the diagonals of the powers of W; that is offered up to "
            f"{_OWN_UNITS} units, and there are {n}. kind='sent' and kind='received' need vectors only."
        )
    power, diagonals = np.eye(n), []
    for _ in range(orders):
        diagonals.append(power.diagonal().copy())
        power = scaled @ power
    return np.stack(diagonals)
