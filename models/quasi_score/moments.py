r"""The moments of the joint estimator: linear, own quadratic and cross-equation quadratic.

.. math::

    \ell_g = Q'\varepsilon_g, \qquad q_{gr} = \varepsilon_g'(I_T \otimes A_r)\varepsilon_g, \qquad
    q_{ghr} = \varepsilon_g'(I_T \otimes A_r)\varepsilon_h \; (g < h)

with :math:`A \in \{K'K, K\}` for an equation and :math:`\{K'K, K, K'\}` for a pair, for each spatial matrix
K of the equations, their diagonals replaced by the centring of `spatial.models.estimation.errors`.  Only
products of two different units enter, so that the moments have mean zero under any heteroskedasticity
and any dependence within a unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.design import Design
from spatial.models.estimation.errors import ErrorMoments, centred_moments
from spatial.models.products.columns import Columns, columns_of

__all__ = ["Form", "Moments", "Parameter", "moments_from", "moments_of"]

Float = NDArray[np.float64]

Kind = Literal[0, 1, 2]
SQUARE, PLAIN, TRANSPOSED = 0, 1, 2
_OWN: tuple[Kind, ...] = (0, 1)
_CROSS: tuple[Kind, ...] = (0, 1, 2)
TRANSPOSE: tuple[Kind, Kind, Kind] = (0, 2, 1)


@dataclass(frozen=True)
class Form:
    """One quadratic moment.

    Parameters
    ----------
    g, h : int
        Equations; equal for an own form.
    matrix : int
        Position of K among the matrices.
    kind : 0, 1 or 2
        K'K, K or K'.
    """

    g: int
    h: int
    matrix: int
    kind: Kind


@dataclass(frozen=True)
class Parameter:
    """One element of theta: a coefficient, or rho of an equation.

    Parameters
    ----------
    equation : int
    column : int
        Position among the regressors of the equation; -1 for rho.
    outcome : int
        Which outcome the regressor is, or is the lag of; -1 for other variables and rho.
    weights : str, optional
        By which it is lagged.
    is_fixed : bool
        Whether the regressor is exogenous or predetermined.
    """

    equation: int
    column: int
    outcome: int = -1
    weights: str | None = None
    is_fixed: bool = False


@dataclass(frozen=True, eq=False)
class Moments:
    """The moments of a design, as functions of theta = (delta, rho) at a cost that does not depend on N.

    Parameters
    ----------
    columns : Columns
    matrices : tuple of str
        Names of the spatial matrices of the forms.
    centred : tuple of ErrorMoments
        Of these matrices.
    forms : tuple of Form
    parameters : tuple of Parameter
        Coefficients of all equations, then rho of those with an error matrix.
    """

    columns: Columns
    matrices: tuple[str, ...]
    centred: tuple[ErrorMoments, ...]
    forms: tuple[Form, ...]
    parameters: tuple[Parameter, ...]

    @property
    def design(self) -> Design:
        """The aligned arrays."""
        return self.columns.design

    @property
    def n(self) -> float:
        """Effective sample size."""
        return self.columns.n

    @property
    def n_equations(self) -> int:
        """G."""
        return self.design.structure.n_equations

    @property
    def n_linear(self) -> int:
        """G p."""
        return self.n_equations * int(self.columns.Q.shape[1])

    @cached_property
    def quadratic(self) -> Float:
        """E'K'KE and E'KE, centred, of each matrix; (matrices, 2, m, m)."""
        m = self.columns.E.shape[1]
        found = [self.columns.forms(c) for c in self.centred]
        return np.stack(found) if found else np.zeros((0, 2, m, m))

    def form_matrix(self, form: Form) -> Float:
        """Return E'(I (x) A)E of a form."""
        if form.kind == TRANSPOSED:
            return np.asarray(self.quadratic[form.matrix, PLAIN].T)
        return np.asarray(self.quadratic[form.matrix, form.kind])

    @cached_property
    def stacked(self) -> Float:
        """The same of all forms; (forms, m, m)."""
        m = self.columns.E.shape[1]
        return np.stack([self.form_matrix(f) for f in self.forms]) if self.forms else np.zeros((0, m, m))

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where the coefficients of each equation stand in theta."""
        return self.design.structure.slices

    @cached_property
    def rho_places(self) -> dict[int, int]:
        """Where rho of an equation stands in theta."""
        return {p.equation: k for k, p in enumerate(self.parameters) if p.column < 0}

    def rho(self, theta: Float) -> Float:
        """Return rho of all equations, 0 where there is no error matrix; (G,)."""
        out = np.zeros(self.n_equations)
        for g, k in self.rho_places.items():
            out[g] = theta[k]
        return out

    @cached_property
    def _places(self) -> tuple[Float, Float, Float, Float]:
        """Where outcomes and regressors, and their lags by the error matrix, stand in E, as dummies.

        (G, m), (G, m), (parameters, m) and (parameters, m); the last two with minus one, as they enter.
        """
        m, columns = self.columns.E.shape[1], self.columns
        outcome, outcome_lag = np.zeros((2, self.n_equations, m))
        slope, slope_lag = np.zeros((2, len(self.parameters), m))
        for g in range(self.n_equations):
            plain, lagged = columns.plain(g), columns.lagged(g)
            outcome[g, plain[0]] = 1.0
            if lagged is not None:
                outcome_lag[g, lagged[0]] = 1.0
            for j, k in enumerate(range(self.slices[g].start, self.slices[g].stop)):
                slope[k, plain[1 + j]] -= 1.0
                if lagged is not None:
                    slope_lag[k, lagged[1 + j]] -= 1.0
        return outcome, outcome_lag, slope, slope_lag

    @cached_property
    def equation(self) -> NDArray[np.intp]:
        """The equation of each parameter."""
        return np.array([q.equation for q in self.parameters], dtype=np.intp)

    @cached_property
    def _member(self) -> Float:
        """One where a coefficient belongs to an equation; (G, parameters)."""
        coefficients = np.array([q.column >= 0 for q in self.parameters])
        return np.asarray(np.eye(self.n_equations)[:, self.equation] * coefficients)

    def weights(self, theta: Float) -> Float:
        """Return c_g, by which E gives the residuals of each equation; (G, m)."""
        return self.weights_and_slopes(theta)[0]

    def weights_and_slopes(self, theta: Float) -> tuple[Float, Float]:
        """Return c_g, (G, m), and its derivative by each parameter of the equation, (parameters, m)."""
        outcome, outcome_lag, slope, slope_lag = self._places
        rho = self.rho(theta)
        dc = slope - rho[self.equation][:, None] * slope_lag
        share = self._member * theta
        c = outcome - rho[:, None] * outcome_lag + share @ dc
        if self.rho_places:
            lagged = outcome_lag + share @ slope_lag
            for g, k in self.rho_places.items():
                dc[k] = -lagged[g]
        return c, dc

    def values(self, theta: Float) -> Float:
        """Return m(theta): linear moments, equation by equation, then the forms; (M,)."""
        c = self.weights(theta)
        linear = (self.columns.L @ c.T).T.ravel()
        ends = self._ends
        ahead = np.einsum("fij,fj->fi", self.stacked, c[ends[1]])
        return np.concatenate([linear, np.einsum("fi,fi->f", ahead, c[ends[0]])])

    @cached_property
    def _ends(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The equations of each form."""
        g = np.array([f.g for f in self.forms], dtype=np.intp)
        return g, np.array([f.h for f in self.forms], dtype=np.intp)

    def slope(self, theta: Float) -> Float:
        """Return the derivative of m(theta), of the sample; (M, parameters)."""
        c, dc = self.weights_and_slopes(theta)
        G, p = self.n_equations, self.columns.Q.shape[1]
        lines = self.columns.L @ dc.T
        linear = np.where(self.equation == np.arange(G)[:, None, None], lines, 0.0).reshape(G * p, -1)
        left, right = self._ends
        ahead = np.einsum("fij,fj->fi", self.stacked, c[right]) @ dc.T
        back = np.einsum("fij,fi->fj", self.stacked, c[left]) @ dc.T
        forms = ahead * (self.equation == left[:, None]) + back * (self.equation == right[:, None])
        return np.concatenate([linear, forms])

    def sigma(self, theta: Float) -> Float:
        """Return the covariance of the innovations, (G, G)."""
        c = self.weights(theta)
        return np.asarray(c @ self.columns.gram @ c.T) / self.n

    def residuals(self, theta: Float) -> Float:
        """Return the innovations; (G, R)."""
        return np.asarray((self.columns.E @ self.weights(theta).T).T)


def moments_of(design: Design) -> Moments:
    """Choose the forms of a design and prepare the moments: all passes over the data."""
    columns = columns_of(design)
    return moments_from(columns, lambda name: centred_moments(design.operators[name], columns.space))


def moments_from(columns: Columns, centre: Callable[[str], ErrorMoments]) -> Moments:
    """Return the moments of columns, with the centred forms of each matrix by name."""
    design = columns.design
    own = [_spatial(design, g) for g in range(design.structure.n_equations)]
    matrices = tuple(dict.fromkeys(name for names in own for name in names))
    position = {name: k for k, name in enumerate(matrices)}
    forms: list[Form] = []
    for g, names in enumerate(own):
        forms += [Form(g, g, position[name], kind) for name in names for kind in _OWN]
    for g in range(len(own)):
        for h in range(g + 1, len(own)):
            both = dict.fromkeys((*own[g], *own[h]))
            forms += [Form(g, h, position[name], kind) for name in both for kind in _CROSS]
    return Moments(columns, matrices, tuple(map(centre, matrices)), tuple(forms), _parameters(design))


def _spatial(design: Design, g: int) -> tuple[str, ...]:
    """Return the spatial matrices of an equation: that of its error, and those that lag an outcome."""
    equation = design.structure.equations[g]
    lags = [
        t.weights
        for t in equation.terms
        if t.weights is not None and t.shift == 0 and design.structure.is_outcome(t)
    ]
    return tuple(dict.fromkeys(name for name in (equation.error, *lags) if name is not None))


def _parameters(design: Design) -> tuple[Parameter, ...]:
    structure = design.structure
    out = []
    for g, equation in enumerate(structure.equations):
        for j, t in enumerate(equation.terms):
            moving = structure.is_outcome(t) and t.shift == 0
            outcome = structure.outcomes.index(t.variable) if moving else -1
            out.append(Parameter(g, j, outcome, t.weights if moving else None, not t.is_endogenous))
    out += [Parameter(g, -1) for g, e in enumerate(structure.equations) if e.error is not None]
    return tuple(out)
