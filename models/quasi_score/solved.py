"""The expected slope with several matrices: the reduced form solved for means and for random signs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, lu_solve

from .moments import Moments
from .slope import assembled, exogenous_part
from .traces import rademacher, swept_forms, swept_forms_of_units

__all__ = ["SolvedSlope"]

Float = NDArray[np.float64]

_EXACT, _DENSE, _CELLS = 130, 1_500, 100_000  # probes are solved for anew at each step: fewer than for powers
_TOLERANCE, _ROUNDS = 1e-10, 5_000


@dataclass(frozen=True, eq=False)
class SolvedSlope:
    """The slope where lags and errors have several matrices, or they change over time.

    Up to 130 units of a balanced panel the traces are exact, else by Rademacher probes.

    Parameters
    ----------
    moments : Moments
    """

    moments: Moments

    @cached_property
    def _by_units(self) -> bool:
        """Whether one time stands for all."""
        operators = self.moments.design.operators
        return self.moments.columns.space.is_within and all(operators[n].is_constant for n in self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        lags = [q.weights for q in self.moments.parameters if q.weights is not None]
        return tuple(dict.fromkeys([*lags, *self.moments.columns.names, *self.moments.matrices]))

    @cached_property
    def _size(self) -> int:
        layout = self.moments.design.layout
        return layout.n_units if self._by_units else layout.n_rows

    @cached_property
    def _probes(self) -> tuple[Float, Float]:
        """Random signs, (size, probes), and P A'P of them, (matrices, 3, size, probes)."""
        space = self.moments.columns.space
        exact = self._by_units and self._size <= _EXACT
        v = np.eye(self._size) if exact else rademacher(self._size, _CELLS)
        swept = swept_forms_of_units if self._by_units else swept_forms
        left = np.stack([np.stack(swept(c, space, v)) for c in self.moments.centred])
        return v, left if exact else left / v.shape[1]

    def _lag(self, name: str, values: Float) -> Float:
        """Return the lag of (size, ...) values."""
        operator = self.moments.design.operators[name]
        flat = values.reshape(len(values), -1)
        out = operator.matrices[0] @ flat if len(values) < operator.layout.n_rows else operator(flat)
        return np.asarray(out).reshape(values.shape)

    # ---- the reduced form
    def _system(self, theta: Float) -> tuple[Float, dict[str, Float]]:
        G = self.moments.n_equations
        B, Lambda = np.zeros((G, G)), {name: np.zeros((G, G)) for name in self._names}
        for k, q in enumerate(self.moments.parameters):
            if q.outcome >= 0:
                (B if q.weights is None else Lambda[q.weights])[q.equation, q.outcome] += theta[k]
        inverse = np.asarray(np.linalg.inv(np.eye(G) - B), dtype=np.float64)
        return inverse, {name: inverse @ L for name, L in Lambda.items() if L.any()}

    def gamma_radius(self, theta: Float) -> float:
        """Return the spectral radius of the reduced form; where a bound of it is small, the bound."""
        _, gammas = self._system(theta)
        operators = self.moments.design.operators
        sizes = [np.abs(gamma) * operators[name].radius for name, gamma in gammas.items()]
        if not sizes:
            return 0.0
        bound = float(np.abs(np.linalg.eigvals(np.sum(sizes, axis=0))).max())
        if bound < 0.9:
            return bound
        x = np.random.default_rng(np.random.SeedSequence(7)).normal(
            size=(self.moments.n_equations, self._size, 2)
        )
        growth = []
        for _ in range(60):
            x = self._fed_back(gammas, x)
            size = float(np.linalg.norm(x))
            if size == 0:
                return 0.0
            growth.append(size)
            x /= size
        return min(bound, float(np.exp(np.mean(np.log(growth[-20:])))))

    def _fed_back(self, gammas: dict[str, Float], x: Float) -> Float:
        out = np.zeros_like(x)
        for name, gamma in gammas.items():
            lagged = np.stack([self._lag(name, part) for part in x])
            out += np.tensordot(gamma, lagged, axes=1)
        return out

    def _solve(self, gammas: dict[str, Float], right: Float) -> Float:
        """Solve x = right + sum of Gamma W x, (G, size, columns)."""
        G, size, _ = right.shape
        if not gammas:
            return right
        if self._by_units and G * size <= _DENSE:
            matrix = np.eye(G * size)
            for name, gamma in gammas.items():
                matrix -= np.kron(gamma, self.moments.design.operators[name].matrices[0].toarray())
            return np.asarray(np.linalg.solve(matrix, right.reshape(G * size, -1))).reshape(right.shape)
        out = term = right
        scale = float(np.abs(right).max())
        for _ in range(_ROUNDS):
            term = self._fed_back(gammas, term)
            out = out + term
            if float(np.abs(term).max()) <= _TOLERANCE * scale:
                break
        return out

    def _unfiltered(self, g: int, rho: float, v: Float) -> Float:
        """Return (I - rho M)^-1 v of equation g."""
        name = self.moments.design.structure.equations[g].error
        if name is None or rho == 0.0:
            return v
        if self._by_units and self._size <= _DENSE:
            M = self.moments.design.operators[name].matrices[0].toarray()
            return np.asarray(lu_solve(lu_factor(np.eye(self._size) - rho * M), v))
        out = term = v
        scale = float(np.abs(v).max(initial=0.0))
        for _ in range(_ROUNDS):
            term = rho * self._lag(name, term)
            out = out + term
            if float(np.abs(term).max(initial=0.0)) <= _TOLERANCE * scale:
                break
        return out

    def _filtered(self, g: int, rho: float, values: Float) -> Float:
        name = self.moments.design.structure.equations[g].error
        return values if name is None else values - rho * self._lag(name, values)

    # ---- the slope
    @cached_property
    def _exogenous(self) -> tuple[Float, Float]:
        places, load = exogenous_part(self.moments)
        return self.moments.design.columns[:, places], load

    def __call__(self, theta: Float) -> Float:
        """Return the expected slope; (M, parameters)."""
        moments, rho = self.moments, self.moments.rho(theta)
        inverse, gammas = self._system(theta)
        lines = self._lines(theta, rho, inverse, gammas)
        v, left = self._probes
        G, count = moments.n_equations, len(moments.parameters)
        traces = np.zeros((count, G, len(moments.matrices), 3))
        for source in range(G):
            u = self._unfiltered(source, rho[source], v)
            x = self._solve(gammas, inverse[:, source, None, None] * u)
            for k, q in enumerate(moments.parameters):
                if q.outcome >= 0:
                    spread = x[q.outcome] if q.weights is None else self._lag(q.weights, x[q.outcome])
                    spread = self._filtered(q.equation, rho[q.equation], spread)
                elif q.column < 0 and q.equation == source:
                    spread = self._lag(str(moments.design.structure.equations[source].error), u)
                else:
                    continue
                traces[k, source] = np.tensordot(left, spread, axes=2)
        return assembled(moments, theta, lines, traces)

    def _lines(self, theta: Float, rho: Float, inverse: Float, gammas: dict[str, Float]) -> Float:
        """Return Q' of the expected value of each lag or level of an outcome; (parameters, p)."""
        moments = self.moments
        X, load = self._exogenous
        G = moments.n_equations
        beta = np.zeros((G, X.shape[1]))
        for k, q in enumerate(moments.parameters):
            beta[q.equation] += load[k] * theta[k] if q.column >= 0 else 0.0
        layout = moments.design.layout
        means = X @ beta.T  # (R, G)
        if self._by_units:
            shaped = means.reshape(layout.n_times, layout.n_units, G).transpose(2, 1, 0)
        else:
            shaped = means.T[:, :, None]
        expected = self._solve(gammas, np.tensordot(inverse, shaped, axes=1))
        out = np.zeros((len(moments.parameters), moments.columns.Q.shape[1]))
        for k, q in enumerate(moments.parameters):
            if q.outcome < 0:
                continue
            z = expected[q.outcome]
            z = self._filtered(
                q.equation, rho[q.equation], z if q.weights is None else self._lag(q.weights, z)
            )
            out[k] = moments.columns.Q.T @ (z.T.ravel() if self._by_units else z[:, 0])
        return out
