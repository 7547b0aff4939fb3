"""The generic population check: can the user's own X and W tell the equations apart?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from spatial.compute.products import product
from spatial.models.data.layout import LagOperator

from .rank import Pattern

__all__ = ["DRAWS", "population_strength"]

Float = NDArray[np.float64]
Transform = Callable[[Float], Float]

DRAWS = 5
# Feedback of the random systems: small enough for a quick power series, large enough to matter.
CONTRACTION = 0.6


@dataclass(frozen=True)
class _Draw:
    """Random coefficients in the shapes of the pattern, stable by construction."""

    B: Float
    Lambda: Float
    C: Float
    D: Float
    external: Float


def _coefficients(pattern: Pattern, bounds: Sequence[float], rng: np.random.Generator) -> _Draw:
    def free(mask: NDArray[np.bool_], *, signed: bool) -> Float:
        size = rng.uniform(0.3, 1.0, mask.shape)
        sign = rng.choice([-1.0, 1.0], mask.shape) if signed else 1.0
        return np.where(mask, size * sign, 0.0)

    B, Lambda = free(pattern.B, signed=False), free(pattern.Lambda, signed=False)
    Lambda = Lambda / np.asarray(bounds).reshape(-1, 1, 1) if len(Lambda) else Lambda
    feedback = B + sum((m * b for m, b in zip(Lambda, bounds, strict=True)), np.zeros_like(B))
    radius = float(np.abs(np.linalg.eigvals(feedback)).max()) if feedback.any() else 0.0
    if radius > CONTRACTION:
        B, Lambda = B * CONTRACTION / radius, Lambda * CONTRACTION / radius
    C, D, outside = (free(mask, signed=True) for mask in (pattern.C, pattern.D, pattern.external))
    return _Draw(B, Lambda, C, D, outside)


def expected_outcomes(
    draws: Sequence[_Draw],
    X: Float,
    lagged: Sequence[Float],
    external: Float,
    operators: Sequence[LagOperator],
    *,
    excluded_row: int | None = None,
    tolerance: float = 1e-13,
) -> Float:
    r"""Return E[Y] of each draw, (rows, draws, G), by the power series of the reduced form.

    .. math:: E[Y] = F + E[Y]B' + \sum_r W_r E[Y]\Lambda_r', \qquad F = XC' + \sum_r W_r X D_r' + QE'
    """
    rows, g, count = len(X), len(draws[0].B), len(draws)
    forcing = np.empty((rows, count, g))
    for d, draw in enumerate(draws):
        outside = draw.external.copy()
        if excluded_row is not None:
            outside[excluded_row] = 0.0
        forcing[:, d] = X @ draw.C.T + external @ outside.T
        for r, values in enumerate(lagged):
            forcing[:, d] += values @ draw.D[r].T
    # All draws at once: block-diagonal coefficients turn each step into one product.
    return _series(
        forcing.reshape(rows, -1),
        linalg.block_diag(*[draw.B.T for draw in draws]),
        [linalg.block_diag(*[draw.Lambda[r].T for draw in draws]) for r in range(len(operators))],
        operators,
        tolerance,
    ).reshape(forcing.shape)


def _series(
    forcing: Float, B: Float, Lambda: Sequence[Float], operators: Sequence[LagOperator], tolerance: float
) -> Float:
    """Sum ``F + (B + sum W Lambda) F + ...`` until a step adds nothing."""
    rows, columns = forcing.shape
    constant = bool(operators) and all(op.is_constant for op in operators)
    lags: list[Transform] = list(operators)
    step = forcing
    if constant:
        # Units first: one sparse product serves all periods and draws.
        layout = operators[0].layout
        step = np.ascontiguousarray(forcing.reshape(layout.n_times, layout.n_units, -1).transpose(1, 0, 2))
        step = step.reshape(rows, columns)
        lags = [partial(_lag_units_first, op.matrices[0]) for op in operators]
    total, floor = step.copy(), tolerance * (float(np.abs(step).max()) or 1.0)
    for _ in range(2_000):
        new = step @ B
        for lag, coefficients in zip(lags, Lambda, strict=True):
            new += lag(step) @ coefficients
        total += new
        step = new
        if float(np.abs(step).max()) <= floor:
            break
    if constant:
        cube = total.reshape(layout.n_units, layout.n_times, columns)
        total = np.ascontiguousarray(cube.transpose(1, 0, 2)).reshape(rows, columns)
    return total


def _lag_units_first(matrix: Any, values: Float) -> Float:
    return product(matrix, values.reshape(matrix.shape[0], -1)).reshape(values.shape)


def population_strength(
    pattern: Pattern,
    X: Float,
    external: Float,
    operators: Sequence[LagOperator],
    bases: Sequence[Float],
    transform: Transform,
    *,
    equations: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Float:
    r"""Return the smallest singular value of :math:`P_H E[Z_g]` for each equation: the median of a few draws.

    Random coefficients in the places that the formulas leave free; :math:`E[Y]` from the user's X and W;
    the regressors with the effects taken out and columns of length one; projected on the instruments.
    Zero: some combination of the regressors cannot be told from the others however large the sample is.

    Parameters
    ----------
    pattern : Pattern
        Equations without structural form (endogenous regressors that have no equation) come last.
    X : (rows, K)
        Exogenous variables, in the order of `pattern.C`.
    external : (rows, Q)
        Outside instruments.
    operators : sequence of LagOperator
        In the order of `pattern.Lambda`.
    bases : sequence of (rows, p)
        Orthonormal instruments after the effects are out: one for all equations, or one for each.
    transform : callable
        (rows, m) -> (rows, m), removes the effects.
    equations : int, optional
        How many of the first equations to test; all by default.

    Returns
    -------
    array (equations,)
    """
    tested = pattern.equations if equations is None else equations
    rng = np.random.default_rng(seed)
    X, external = _unit_scale(X, transform), _unit_scale(external, transform)
    bounds = [max(op.radius_bound, 1e-300) for op in operators]
    systems = [_coefficients(pattern, bounds, rng) for _ in range(draws)]
    lagged = [op(X) for op in operators]
    clean = _apart_from_the_constant(X, pattern, transform)
    cleaned = [clean(v) for v in (X, *lagged)]
    found = np.empty((draws, tested))
    Y = None
    for g in range(tested):
        basis = bases[g % len(bases)]
        if g < len(bases):
            known = [basis.T @ v for v in cleaned]
        if Y is None or external.shape[1] or len(bases) > 1:
            Y = expected_outcomes(systems, X, lagged, external, operators, excluded_row=g)
            flat = Y.reshape(len(X), -1)
            moved = [
                (basis.T @ clean(v)).reshape(basis.shape[1], draws, Y.shape[-1])
                for v in (flat, *(op(flat) for op in operators))
            ]
        for d in range(draws):
            found[d, g] = _smallest_singular_value(pattern, g, [m[:, d] for m in moved], known)
    return np.asarray(np.median(found, axis=0))


def _smallest_singular_value(
    pattern: Pattern, g: int, moved: Sequence[Float], known: Sequence[Float]
) -> float:
    blocks = [moved[0][:, pattern.B[g]], known[0][:, pattern.C[g]]]
    blocks += [values[:, mask[g]] for values, mask in zip(moved[1:], pattern.Lambda, strict=True)]
    blocks += [values[:, mask[g]] for values, mask in zip(known[1:], pattern.D, strict=True)]
    Z = np.hstack(blocks)
    if Z.shape[1] == 0:
        return 1.0
    if Z.shape[1] > Z.shape[0]:
        return 0.0
    return float(np.linalg.svd(Z, compute_uv=False)[-1])


def _unit_scale(values: Float, transform: Transform) -> Float:
    if not values.shape[1]:
        return values
    size = np.sqrt(np.mean(transform(values) ** 2, axis=0))
    raw = np.sqrt(np.mean(values**2, axis=0))
    return np.asarray(values / np.where(size > 1e-9 * raw, size, np.where(raw > 0, raw, 1.0)))


def _apart_from_the_constant(X: Float, pattern: Pattern, transform: Transform) -> Transform:
    """Return the map to unit columns, about their means where every equation has the constant.

    The constant takes up what a column's mean adds: a log around 6 would else look like the constant, and
    the verdict would depend on units of measurement.
    """
    constant = [k for k in range(X.shape[1]) if X[0, k] != 0 and np.ptp(X[:, k]) == 0]
    if not constant or not pattern.C[:, constant[0]].all():
        return lambda values: _normalised(transform(values))
    unit = transform(X[:, constant[:1]])
    unit = unit / max(float(np.linalg.norm(unit)), 1e-300)

    def clean(values: Float) -> Float:
        moved = transform(values)
        about = moved - unit @ (unit.T @ moved)
        size, left = np.linalg.norm(moved, axis=0), np.linalg.norm(about, axis=0)
        return _normalised(np.where(left > 1e-9 * size, about, moved))  # the constant itself stays

    return clean


def _normalised(values: Float) -> Float:
    size = np.linalg.norm(values, axis=0)
    return np.asarray(values / np.where(size > 0, size, 1.0))
