"""What a system is, without any data: equations, terms, and where each parameter stands in the matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONSTANT", "Equation", "Structure", "SystemMatrices", "Term"]

CONSTANT = "Intercept"

Array = NDArray[Any]  # float64 coefficients, or the same shapes in bool
Role = Literal["endogenous", "exogenous", "predetermined", "constant"]


@dataclass(frozen=True)
class Term:
    """One regressor, one coefficient.

    Parameters
    ----------
    name : str
        As written in the formula: ``"W(crmrte)"``, ``"log(x)"``, ``"lag(y, 1)"``, ``"Intercept"``.
    variable : str
        What is lagged, in canonical spelling: ``"crmrte"`` for ``W(lag(crmrte, 1))``.  A time shift of
        an exogenous variable is a variable of its own (``"lag(x, 1)"``); only outcomes are split off
        into `variable` and `shift`.
    operator : "level" or "lag"
        Whether the variable enters as it is or as its spatial lag.
    weights : str, optional
        Name of the weights of a spatial lag; None for levels.
    shift : int
        Time shift, of outcomes only; 0 is the same period.
    role : "endogenous", "exogenous", "predetermined" or "constant"
        Predetermined: a time shift of an outcome.
    """

    name: str
    variable: str
    operator: Literal["level", "lag"] = "level"
    weights: str | None = None
    shift: int = 0
    role: Role = "exogenous"

    @property
    def is_endogenous(self) -> bool:
        """Whether the term needs instruments."""
        return self.role == "endogenous"


@dataclass(frozen=True)
class Equation:
    """One equation: its name, its outcome and its terms in order.

    Parameters
    ----------
    name : str
        Name in tables; the left-hand side as written unless the user gave another.
    outcome : str
        Left-hand side in canonical spelling; terms of other equations refer to it by this.
    terms : tuple of Term
        Right-hand side, in the order of the coefficients.
    error : str, optional
        Name of the weights of the spatially autoregressive error; None for none.
    instruments : tuple of str, optional
        Variables of the declared instruments that are valid in it; None where all are.
    """

    name: str
    outcome: str
    terms: tuple[Term, ...]
    error: str | None = None
    instruments: tuple[str, ...] | None = None


@dataclass(frozen=True)
class SystemMatrices:
    r"""Coefficients as matrices; leading axes (draws) of the parameters are kept.

    .. math:: Y_t = Y_t B' + \sum_r W_r Y_t \Lambda_r' + X_t C' + \sum_r W_r X_t D_r'
              + \sum_s (Y_{t-s} B_s' + \sum_r W_r Y_{t-s} \Lambda_{sr}') + U_t

    Parameters
    ----------
    B : array (..., G, G)
        Row g: coefficients of the other outcomes in equation g; zero diagonal.
    Lambda : mapping of str to array (..., G, G)
        By weights name: coefficients of the spatial lags of the outcomes.
    C : array (..., G, K)
        Coefficients of `Structure.regressors` in levels.
    D : mapping of str to array (..., G, K)
        By weights name: coefficients of their spatial lags.
    B_shift : mapping of int to array (..., G, G)
        By time shift s >= 1: coefficients of ``lag(y, s)``.
    Lambda_shift : mapping of int to mapping of str to array (..., G, G)
        By time shift and weights name: coefficients of ``W(lag(y, s))``.
    """

    B: Array
    Lambda: Mapping[str, Array]
    C: Array
    D: Mapping[str, Array]
    B_shift: Mapping[int, Array]
    Lambda_shift: Mapping[int, Mapping[str, Array]]


@dataclass(frozen=True)
class Structure:
    """The equations of a system, and the map from the parameter vector to its matrices.

    The parameter vector stacks the terms of equation 1, then of equation 2, and so on: length P.

    Parameters
    ----------
    equations : tuple of Equation
    weights : tuple of str
        Names of all weights, as in the formulas.
    instruments : tuple of Term
        Excluded instruments that the user declared; exogenous, in no equation.

    Examples
    --------
    >>> police = Term("polpc", "polpc", role="endogenous")
    >>> lagged = Term("W(crime)", "crime", "lag", "W", role="endogenous")
    >>> crime = Equation("crime", "crime", (police, lagged, Term("tax", "tax")))
    >>> other = Equation("polpc", "polpc", (Term("density", "density"),))
    >>> structure = Structure((crime, other), ("W",))
    >>> structure.outcomes, structure.regressors, structure.n_parameters
    (('crime', 'polpc'), ('tax', 'density'), 4)
    >>> structure.system_matrices(np.array([0.3, 0.4, 1.0, 2.0])).B
    array([[0. , 0.3],
           [0. , 0. ]])
    """

    equations: tuple[Equation, ...]
    weights: tuple[str, ...] = ()
    instruments: tuple[Term, ...] = ()

    @property
    def n_equations(self) -> int:
        """G."""
        return len(self.equations)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the equations."""
        return tuple(e.name for e in self.equations)

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """Left-hand sides, in canonical spelling."""
        return tuple(e.outcome for e in self.equations)

    @cached_property
    def n_parameters(self) -> int:
        """P, the number of coefficients of all equations."""
        return sum(len(e.terms) for e in self.equations)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each equation stands in the parameter vector."""
        ends = np.cumsum([len(e.terms) for e in self.equations]).tolist()
        return tuple(slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True))

    @cached_property
    def terms(self) -> tuple[tuple[str, Term], ...]:
        """(equation name, term) for each parameter."""
        return tuple((e.name, t) for e in self.equations for t in e.terms)

    def is_outcome(self, term: Term) -> bool:
        """Whether `term` is an outcome, its spatial lag or its time shift: it stands in B or Lambda."""
        return term.variable in self.outcomes

    @cached_property
    def regressors(self) -> tuple[str, ...]:
        """The K variables that are no outcomes, in order of appearance; `Intercept` is one where present."""
        found = [t.variable for _, t in self.terms if not self.is_outcome(t)]
        return tuple(dict.fromkeys(found))

    @cached_property
    def exogenous(self) -> tuple[str, ...]:
        """Those of the regressors that are exogenous in every equation; without the constant."""
        found = [t.variable for _, t in self.terms if not self.is_outcome(t) and t.role == "exogenous"]
        return tuple(dict.fromkeys(found))

    @cached_property
    def other_endogenous(self) -> tuple[str, ...]:
        """Endogenous regressors without an equation of their own: declared, or functions of an outcome."""
        found = [t.variable for _, t in self.terms if not self.is_outcome(t) and t.is_endogenous]
        return tuple(dict.fromkeys(found))

    @property
    def has_own_instruments(self) -> bool:
        """Whether equations name different instruments."""
        return any(e.instruments is not None for e in self.equations)

    @cached_property
    def has_error(self) -> bool:
        """Whether any equation has spatially autoregressive errors."""
        return any(e.error is not None for e in self.equations)

    @cached_property
    def has_lag_and_error(self) -> bool:
        """Whether some equation has a spatial lag of an outcome and a spatial error in the same weights."""
        return any(
            e.error is not None and t.weights == e.error and not t.shift and self.is_outcome(t)
            for e in self.equations
            for t in e.terms
        )

    @cached_property
    def has_lag_beside_error(self) -> bool:
        """Whether some equation has a spatial lag of an outcome and a spatial error, in whatever weights."""
        return any(
            e.error is not None and t.weights is not None and not t.shift and self.is_outcome(t)
            for e in self.equations
            for t in e.terms
        )

    @cached_property
    def shifts(self) -> tuple[int, ...]:
        """Time shifts of the outcomes among the terms."""
        return tuple(sorted({t.shift for _, t in self.terms if self.is_outcome(t) and t.shift}))

    def system_matrices(self, parameters: Array) -> SystemMatrices:
        """Place `parameters`, shape (..., P), in the matrices of the system."""
        given = np.asarray(parameters)
        if given.shape[-1:] != (self.n_parameters,):
            raise ValueError(f"{self.n_parameters} parameters are needed; got shape {given.shape}.")
        return self._place(given)

    @cached_property
    def free(self) -> SystemMatrices:
        """Which entries of the matrices are free: the same shapes, boolean."""
        return self._place(np.ones(self.n_parameters, dtype=bool))

    def _place(self, given: Array) -> SystemMatrices:
        g, k, lead = self.n_equations, len(self.regressors), given.shape[:-1]

        def zeros(columns: int) -> Array:
            return np.zeros((*lead, g, columns), dtype=given.dtype)

        out = SystemMatrices(
            zeros(g),
            {w: zeros(g) for w in self.weights},
            zeros(k),
            {w: zeros(k) for w in self.weights},
            {s: zeros(g) for s in self.shifts},
            {s: {w: zeros(g) for w in self.weights} for s in self.shifts},
        )
        row_of = {name: row for row, name in enumerate(self.names)}
        for position, (equation, term) in enumerate(self.terms):
            target, column = self._home(out, term)
            target[..., row_of[equation], column] = given[..., position]
        return out

    def _home(self, out: SystemMatrices, term: Term) -> tuple[Array, int]:
        """Return the matrix and the column in which `term` stands."""
        if not self.is_outcome(term):
            matrix = out.C if term.weights is None else out.D[term.weights]
            return matrix, self.regressors.index(term.variable)
        column = self.outcomes.index(term.variable)
        if term.shift:
            level, lagged = out.B_shift[term.shift], out.Lambda_shift[term.shift]
        else:
            level, lagged = out.B, out.Lambda
        return (level if term.weights is None else lagged[term.weights]), column
