"""The steps of GS3SLS from sums alone: the same formulas as in memory, on a Gram matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from spatial.errors import DataError, NotIdentifiedError, name_ids
from spatial.models.estimation.errors import RhoFit, fit_rho_forms, rho_bound
from spatial.models.estimation.least_squares import LinearFit, precision_of, three_stage, two_stage
from spatial.models.estimation.steps import ONE_BY_ONE, SPATIAL_ERRORS, Method, SingularSigmaError
from spatial.models.formula.structure import CONSTANT

from .columns import Plan
from .sums import Form, Sums

__all__ = ["GramSpace", "Step", "estimate_from_sums"]

Float = NDArray[np.float64]

LEAST_DIGITS = 8.0
_DEPENDENT = 1e-12  # of its variance that a column has beside the others: below, it depends on them


@dataclass(frozen=True, eq=False)
class Step:
    """Estimates from sums.

    Parameters
    ----------
    fit : LinearFit
    rho : array (G,)
    sigma : array (G, G)
    """

    fit: LinearFit
    rho: Float
    sigma: Float


@dataclass(frozen=True, eq=False)
class GramSpace:
    """What the formulas need of the sums.

    Parameters
    ----------
    plan : Plan
    sums : Sums
    forms : tuple of Form
    n : int
        Rows less the rank of the effects.
    """

    plan: Plan
    sums: Sums
    forms: tuple[Form, ...]
    n: int

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """The instruments that do not depend on those before them, as columns of the Gram matrix."""
        return self._factor[0]

    @cached_property
    def inverse(self) -> Float:
        """What makes the kept instruments orthonormal: Q = H times this; (p, p)."""
        return self._factor[1]

    @cached_property
    def digits(self) -> float:
        """Decimal digits that the Gram matrix keeps of the coefficients."""
        return self._factor[2]

    @cached_property
    def _factor(self) -> tuple[tuple[int, ...], Float, float]:
        self._check_levels()
        own = [j for j in self.sums.instruments if self.sums.gram[j, j] > 1e-20 * self.sums.raw[j]]
        size = np.sqrt(np.diag(self.sums.gram)[own])
        correlation = self.sums.gram[np.ix_(own, own)] / np.outer(size, size)
        rows: list[Float] = []
        kept: list[int] = []
        for j in range(len(own)):
            # Cholesky, one row after the other; a pivot of rounding alone is a dependent column.
            row = np.zeros(len(own))
            for k, i in enumerate(kept):
                row[k] = (correlation[j, i] - row[:k] @ rows[k][:k]) / rows[k][k]
            pivot = 1.0 - row @ row
            if pivot > _DEPENDENT:
                row[len(kept)] = math.sqrt(pivot)
                rows.append(row)
                kept.append(j)
        lower = np.stack(rows)[:, : len(kept)]
        chosen = correlation[np.ix_(kept, kept)]
        least = float(np.linalg.eigvalsh(chosen)[0])
        share = float(self.sums.share[[own[j] for j in kept]].min())
        digits = -math.log10(2.0**-53 / max(least * share, 2.0**-53))
        names = [self.sums.names[own[j]] for j in kept]
        if digits < LEAST_DIGITS:
            raise DataError(
                f"A Gram matrix would keep {digits:.1f} digits of the instruments; {LEAST_DIGITS:.0f} are "
                f"needed: {', '.join(names[:9])} nearly depend on each other, or hardly vary within units. "
                "Leave some out, lower iv_order, or fit in memory: panel.read()."
            )
        inverse = solve_triangular(lower.T, np.eye(len(kept))) / size[kept][:, None]
        return tuple(own[j] for j in kept), np.asarray(inverse), digits

    def _check_levels(self) -> None:
        """Refuse columns that a constant all but explains: without effects nothing takes their level out."""
        if CONSTANT not in self.sums.names:
            return
        one, gram = self.sums.names.index(CONSTANT), self.sums.gram
        size = np.diag(gram)[: len(self.sums.names)]
        left = 1.0 - gram[one, : len(size)] ** 2 / (size * size[one])
        rungs = self.plan.map.rungs
        left[[rung == rungs[one] for rung in rungs]] = 1.0  # itself
        far = [name for name, v in zip(self.sums.names, left, strict=True) if v < 2.0**-53 * 10**LEAST_DIGITS]
        if far:
            raise DataError(
                f"The level of {name_ids(far)} is so far above its deviations that sums would not keep "
                f"{LEAST_DIGITS:.0f} digits of these. Subtract a constant from it, or take effects='unit' or "
                "'time', which do."
            )

    def check_residuals(self, rho: Float, delta: Float) -> None:
        """Refuse residuals that are differences of sums as large as their digits allow."""
        slices = self.plan.structure.slices
        V = np.stack([self.weights(g, float(rho[g]), delta[s]) for g, s in enumerate(slices)])
        left = np.einsum("gk,kl,gl->g", V, self.sums.gram, V)
        whole = np.einsum("gk,kl,gl->g", np.abs(V), np.abs(self.sums.gram), np.abs(V))
        bad = [
            name
            for name, part, size in zip(self.plan.structure.names, left, whole, strict=True)
            if not part > 2.0**-53 * 10**LEAST_DIGITS * size
        ]
        if bad:
            raise DataError(
                f"The residuals of {name_ids(bad)} are so small beside its columns that sums do not keep "
                f"{LEAST_DIGITS:.0f} digits of them. Subtract constants from the columns, take effects, or "
                "fit in memory: panel.read()."
            )

    @cached_property
    def _projected(self) -> Float:
        """Q'Z, (p, K)."""
        return np.asarray(self.inverse.T @ self.sums.gram[list(self.kept)])

    def places(self, g: int) -> list[int]:
        """Return the columns [outcome, terms] of equation g."""
        return [self.plan.outcomes[g], *self.plan.regressors[g]]

    def lag_start(self, g: int) -> int | None:
        """Return where the lags by the error matrix of equation g begin; None without one."""
        name = self.plan.structure.equations[g].error
        if name is None:
            return None
        which = [form.name for form in self.forms].index(name)
        return len(self.sums.names) + which * self.sums.n_equation

    def form(self, g: int) -> int:
        """Return which error matrix equation g has."""
        name = self.plan.structure.equations[g].error
        return [form.name for form in self.forms].index(str(name))

    def bound(self, g: int) -> float:
        """Return the largest absolute rho that is sought for equation g."""
        return rho_bound(self.forms[self.form(g)].moments.operator)

    def instrumented(self, g: int, rho: float) -> Float:
        """Return Q'[y*, Z*] of equation g; (p, 1 + k_g)."""
        places, start = self.places(g), self.lag_start(g) if rho else None
        plain = self._projected[:, places]
        if start is None:
            return plain
        return np.asarray(plain - rho * self._projected[:, [start + j for j in places]])

    def weights(self, g: int, rho: float, delta: Float) -> Float:
        """Return what makes y* - Z* delta of all columns; (K,)."""
        out, own = np.zeros(len(self.sums.gram)), self.combination(g, delta)
        out[: len(own)] = own
        start = self.lag_start(g) if rho else None
        if start is not None:
            out[start : start + len(own)] = -rho * own
        return out

    def combination(self, g: int, delta: Float) -> Float:
        """Return what makes y - Z delta of the columns of the equations; (m,)."""
        out = np.zeros(self.sums.n_equation)
        out[self.plan.outcomes[g]] = 1.0
        for place, value in zip(self.plan.regressors[g], delta, strict=True):
            out[place] -= value
        return out

    def sigma(self, rho: Float, delta: Float) -> Float:
        """Return the covariance of the innovations, divisor n; (G, G)."""
        slices = self.plan.structure.slices
        V = np.stack([self.weights(g, float(rho[g]), delta[s]) for g, s in enumerate(slices)])
        return np.asarray(V @ self.sums.gram @ V.T) / self.n

    def rho(self, g: int, delta: Float, weight: Float | None) -> RhoFit:
        """Estimate rho of equation g from the residuals that `delta` leaves."""
        own, F = self.combination(g, delta), self.sums.forms[self.form(g)][:2]
        m = self.sums.n_equation
        a, b = np.concatenate([own, np.zeros(m)]), np.concatenate([np.zeros(m), own])
        return fit_rho_forms(a @ F @ a, a @ F @ b, b @ F @ b, self.n, weight, self.bound(g))

    def slope(self, g: int, rho: float, delta: Float) -> Float:
        """Return the derivative of the moments of equation g by its coefficients; (2, k_g)."""
        own, F = self.combination(g, delta), self.sums.forms[self.form(g)][:2]
        e = np.concatenate([own, -rho * own])
        along = e @ F
        m, places = self.sums.n_equation, list(self.plan.regressors[g])
        return np.asarray(-2.0 / self.n * (along[:, places] - rho * along[:, [m + j for j in places]]))


def estimate_from_sums(space: GramSpace, method: Method, passes: int) -> Step:
    """Run the steps of `spatial.models.estimation.steps.estimate` on sums."""
    structure = space.plan.structure
    _check_order(space)
    with_errors = method in SPATIAL_ERRORS and structure.has_error
    rho = np.zeros(structure.n_equations)
    if with_errors:
        rho = _all_rho(space, _moments(space, rho)[0].delta)
    for step in range(passes + 1 if with_errors else 1):
        found = _one_pass(space, rho, method)
        if with_errors and step < passes:
            rho = _all_rho(space, found.fit.delta)
    space.check_residuals(found.rho, found.fit.delta)
    return found


def _moments(space: GramSpace, rho: Float) -> tuple[LinearFit, list[Float], list[Float]]:
    found = [space.instrumented(g, float(r)) for g, r in enumerate(rho)]
    R, r = [m[:, 1:] for m in found], [m[:, 0] for m in found]
    return two_stage(R, r), R, r


def _all_rho(space: GramSpace, delta: Float) -> Float:
    structure = space.plan.structure
    found = np.zeros(structure.n_equations)
    for g, place in enumerate(structure.slices):
        if structure.equations[g].error is not None:
            found[g] = space.rho(g, delta[place], None).rho
    return found


def _one_pass(space: GramSpace, rho: Float, method: Method) -> Step:
    fit, R, r = _moments(space, rho)
    sigma = space.sigma(rho, fit.delta)
    if method in ONE_BY_ONE:
        return Step(fit, rho, sigma)
    precision = precision_of(sigma)
    if precision is None:
        raise SingularSigmaError(
            "The residuals of the equations depend on each other linearly, so Sigma has no inverse: drop one "
            "equation, or estimate with method='gs2sls'."
        )
    return replace(Step(fit, rho, sigma), fit=three_stage(R, r, precision))


def _check_order(space: GramSpace) -> None:
    p = len(space.kept)
    for equation in space.plan.structure.equations:
        if len(equation.terms) > p:
            raise NotIdentifiedError(
                f"Equation {equation.name!r} has {len(equation.terms)} coefficients, and there are {p} "
                "instruments that do not depend on each other. Add exogenous variables that it leaves out, "
                "or instruments=."
            )
