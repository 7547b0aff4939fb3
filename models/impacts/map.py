"""Effects as functions of the coefficients: for one draw or a thousand, by the cheapest exact way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial.models.formula.structure import CONSTANT, Structure

from .multipliers import Multipliers, effects, matrix_exponential, one_matrix, scalar_multipliers
from .solve import ReducedForm, bilinear, dense_draws, probe_columns
from .traces import Traces, power_traces

__all__ = ["Coefficients", "EffectMap", "Horizon"]

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Sparse = Any  # scipy CSR array (N, N)
Horizon = Literal["short", "long"]

DENSE_DRAWS = 300  # rows of S up to which several weights are simulated, 1,000 inverses in a second or two


@dataclass(frozen=True)
class Coefficients:
    """Matrices of the reduced form; leading axes of all but the first axis of Lambda and D are draws.

    Parameters
    ----------
    B : (..., G, G)
    Lambda : (R, ..., G, G)
    C : (..., G, K)
    D : (R, ..., G, K)
    """

    B: Float
    Lambda: Float
    C: Float
    D: Float


@dataclass(frozen=True, eq=False)
class EffectMap:
    """From parameters to direct and total effects.

    Parameters
    ----------
    structure : Structure
    matrices : mapping of str to sparse (N, N)
        By weights name.
    horizon : "short" or "long"
        Long: lagged outcomes equal to today's.
    seed : int
        Of random probes.
    exponential : bool
        Whether outcomes feed back through e^(alpha W); for one equation and one weights matrix.
    """

    structure: Structure
    matrices: Mapping[str, Sparse]
    horizon: Horizon = "short"
    seed: int = 0
    exponential: bool = False

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Regressors whose effects are asked for, then a structural shock for each equation."""
        return (*self._merged, *(f"shock in {name}" for name in self.structure.names))

    @property
    def n_regressors(self) -> int:
        """How many of the terms are regressors."""
        return len(self._merged)

    @cached_property
    def _merged(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._base(name) for name in self._regressors))

    @cached_property
    def _regressors(self) -> tuple[str, ...]:
        return tuple(name for name in self.structure.regressors if name != CONSTANT)

    def _base(self, name: str) -> str:
        """Return what a regressor counts as: in the long run lag(x, 1) is x."""
        shifted = re.fullmatch(r"lag\((.+), \d+\)", name)
        return shifted.group(1) if shifted and self.horizon == "long" else name

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """Weights that the equations use."""
        return self.structure.weights

    def coefficients(self, parameters: Float) -> Coefficients:
        """Place parameters (..., P) in the matrices, shocks appended to the regressors."""
        found = self.structure.system_matrices(parameters)
        g = self.structure.n_equations
        lead = found.B.shape[:-2]
        B, C = np.array(found.B), self._columns(found.C)
        Lambda = np.array([found.Lambda[w] for w in self.weights]).reshape(-1, *lead, g, g)
        D = np.array([self._columns(found.D[w]) for w in self.weights]).reshape(len(self.weights), *C.shape)
        if self.horizon == "long":
            B = B + sum(found.B_shift.values(), np.zeros_like(B))
            for lagged in found.Lambda_shift.values():
                Lambda = Lambda + np.array([lagged[w] for w in self.weights]).reshape(Lambda.shape)
        identity = np.broadcast_to(np.eye(g), (*lead, g, g))
        C = np.concatenate([C, identity], axis=-1)
        D = np.concatenate([D, np.zeros((len(self.weights), *lead, g, g))], axis=-1)
        return Coefficients(B, Lambda, C, D)

    def _columns(self, values: Float) -> Float:
        out = np.zeros((*values.shape[:-1], len(self._merged)))
        for column, name in enumerate(self.structure.regressors):
            if name != CONSTANT:
                out[..., self._merged.index(self._base(name))] += values[..., column]
        return out

    # ---- which way
    @cached_property
    def feedback(self) -> tuple[int, ...]:
        """Positions of the weights through which outcomes feed back."""
        free = self.structure.free
        shifts = list(free.Lambda_shift.values()) if self.horizon == "long" else []
        return tuple(
            k for k, w in enumerate(self.weights) if free.Lambda[w].any() or any(s[w].any() for s in shifts)
        )

    @cached_property
    def durbin(self) -> tuple[int, ...]:
        """Positions of the weights that lag a regressor."""
        return tuple(k for k, w in enumerate(self.weights) if self.structure.free.D[w].any())

    @property
    def way(self) -> Literal["closed", "traces", "solves"]:
        """No feedback over space; one weights matrix; several."""
        if not self.feedback:
            return "closed"
        return "traces" if set(self.feedback) | set(self.durbin) == {self.feedback[0]} else "solves"

    @cached_property
    def traces(self) -> Traces:
        """Of the one weights matrix."""
        return power_traces(self.matrices[self.weights[self.feedback[0]]], seed=self.seed)

    @property
    def how(self) -> str:
        """How the multipliers are found, in words."""
        if self.way == "traces":
            return f"traces of powers of W by {self.traces.method}"
        return "closed form" if self.way == "closed" else probe_columns(self._n, self._g)[1]

    @property
    def _n(self) -> int:
        return int(next(iter(self.matrices.values())).shape[0])

    @property
    def _g(self) -> int:
        return self.structure.n_equations

    @property
    def can_simulate(self) -> bool:
        """Whether a thousand draws are cheap."""
        return self.way != "solves" or self._n * self._g <= DENSE_DRAWS

    # ---- values
    def evaluate(self, parameters: Float) -> tuple[Float, Float, Bool, Float]:
        """Return direct and total effects (..., G, K), where stable, and the truncation bound."""
        c = self.coefficients(parameters)
        if self.way == "closed":
            found = self._closed(c)
        elif self.way == "traces":
            return self._by_traces(c, self.traces)
        else:
            found = self._solved(c)
        direct, total = effects(found, c.C, c.D)
        return direct, total, found.stable, found.truncation

    def _by_traces(self, c: Coefficients, traces: Traces) -> tuple[Float, Float, Bool, Float]:
        k = self.feedback[0]
        feeds = matrix_exponential if self.exponential else one_matrix
        found = feeds(c.B, c.Lambda[k], traces)
        direct, total = effects(found, c.C, c.D[[k]])
        return direct, total, found.stable, found.truncation

    def probe_error(self, parameters: Float) -> float:
        r"""Return the standard error, at most, that random probes leave in direct effects; 0 without probes.

        .. math:: |\partial M / \partial \tau| \cdot \operatorname{se}(\hat\tau)

        The traces come from the same probes: they are taken to err together, each by its standard error, all
        to one side or in turn, whichever moves an effect most.
        """
        if self.way != "traces" or not self.traces.std_errors.any():
            return 0.0
        c, errors = self.coefficients(parameters), self.traces.std_errors
        turns = np.where(np.arange(len(errors)) % 2, -1.0, 1.0)
        direct = []
        for step in (0.0 * errors, errors, turns * errors):
            direct.append(self._by_traces(c, replace(self.traces, values=self.traces.values + step))[0])
        return float(np.nanmax(np.abs(np.array(direct[1:]) - direct[0]), initial=0.0))

    def multipliers_at(self, lam: float) -> tuple[float, float, Float, Float]:
        """Return the multipliers of a single equation whose spatial lag is `lam`, quickly.

        Of the regressors the mean diagonal and the mean row sum, then of their lags by each of the weights.
        """
        if self.way == "closed":
            found = self._closed_at_zero
        elif self.exponential:
            found = matrix_exponential(np.zeros((1, 1)), np.array([[lam]]), self.traces)
        else:
            own, whole, *later = scalar_multipliers(lam, self.traces)
            return float(own), float(whole), *self._in_place(*later)
        own_lag, whole_lag = found.direct_lag[:, 0, 0], found.total_lag[:, 0, 0]
        if self.way != "closed":
            own_lag, whole_lag = self._in_place(float(own_lag[0]), float(whole_lag[0]))
        return float(found.direct[0, 0]), float(found.total[0, 0]), own_lag, whole_lag

    def _in_place(self, own: float, whole: float) -> tuple[Float, Float]:
        """Return what one of the weights multiplies, among all."""
        unit = np.eye(len(self.weights))[self.feedback[0]]
        return own * unit, whole * unit

    @cached_property
    def _closed_at_zero(self) -> Multipliers:
        return self._closed(self.coefficients(np.zeros(self.structure.n_parameters)))

    def _closed(self, c: Coefficients) -> Multipliers:
        identity = np.broadcast_to(np.eye(self._g), c.B.shape)
        stable = np.linalg.det(identity - c.B) > 0
        regular = np.abs(np.linalg.det(identity - c.B)) > 1e-12
        inverse = np.linalg.inv(np.where(regular[..., None, None], identity - c.B, identity))
        inverse = np.where(regular[..., None, None], inverse, np.nan)
        graphs = [self.matrices[w] for w in self.weights]
        own = [float(W.diagonal().mean()) for W in graphs]
        sums = [float(W.sum()) / W.shape[0] for W in graphs]
        lags = np.array([inverse * value for value in own]).reshape(len(graphs), *inverse.shape)
        totals = np.array([inverse * value for value in sums]).reshape(len(graphs), *inverse.shape)
        return Multipliers(inverse, inverse, lags, totals, stable, np.zeros(inverse.shape[:-2]))

    def _solved(self, c: Coefficients) -> Multipliers:
        graphs = [self.matrices[w] for w in self.weights]
        if c.B.ndim == 3:
            return dense_draws(c.B, c.Lambda, graphs)
        system = ReducedForm(c.B, c.Lambda, graphs)
        direct = bilinear(system, self._probes, gradient=False).values
        total = bilinear(system, np.ones((self._n, 1)), gradient=False).values
        stable = np.array(system.series_radius() < 1 and np.linalg.det(np.eye(self._g) - c.B) > 0)
        return Multipliers(direct[0], total[0], direct[1:], total[1:], stable, np.array(0.0))

    @cached_property
    def _probes(self) -> Float:
        return probe_columns(self._n, self._g, seed=self.seed)[0]

    # ---- derivatives
    def jacobian(self, parameters: Float, scale: Float) -> tuple[Float, Float]:
        """Return derivatives (P, G, K) of direct and of total effects.

        Central differences of the trace polynomial, all parameters at once; with several weights the
        exact derivative of the solved system.

        Parameters
        ----------
        parameters : (P,)
        scale : (P,)
            Standard errors: steps are a thousandth of them.
        """
        if self.way == "solves":
            return self._solved_jacobian(parameters)
        step = 1e-3 * np.where(scale > 0, scale, 1e-3)
        moves = np.concatenate([np.diag(step), -np.diag(step)])
        direct, total, _, _ = self.evaluate(parameters + moves)
        count = len(parameters)
        half = (2 * step)[:, None, None]
        return (direct[:count] - direct[count:]) / half, (total[:count] - total[count:]) / half

    def _solved_jacobian(self, parameters: Float) -> tuple[Float, Float]:
        c = self.coefficients(parameters)
        system = ReducedForm(c.B, c.Lambda, [self.matrices[w] for w in self.weights])
        unit = self.coefficients(np.eye(len(parameters)))
        zero = self.coefficients(np.zeros(len(parameters)))
        dB, dL = unit.B - zero.B, unit.Lambda - zero.Lambda[:, None]
        dC, dD = unit.C - zero.C, unit.D - zero.D[:, None]
        out = []
        for V in (self._probes, np.ones((self._n, 1))):
            found = bilinear(system, V)
            moved = np.einsum("rghab,pab->prgh", found.gradient_B, dB)
            moved += np.einsum("srghab,spab->prgh", found.gradient_Lambda, dL)
            stacked = np.concatenate([c.C[None], c.D])
            change = np.concatenate([dC[None], dD])
            out.append(
                np.einsum("prgh,rhk->pgk", moved, stacked) + np.einsum("rgh,rphk->pgk", found.values, change)
            )
        return out[0], out[1]
