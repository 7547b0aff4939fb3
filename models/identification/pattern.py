"""From the structure of a system to the masks and the names that the rank condition needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial.models.formula.structure import CONSTANT, Structure, Term

from .rank import Pattern

__all__ = ["SystemPattern", "system_pattern"]


@dataclass(frozen=True)
class SystemPattern:
    """The pattern of a system, and what its columns are called.

    Parameters
    ----------
    pattern : Pattern
        G equations, then one row for each endogenous regressor that has no equation: it may depend on
        every exogenous variable, its lags and every outside instrument.
    endogenous : tuple of str
        Variables of the rows and of the columns of B.
    exogenous : tuple of str
        Variables of the columns of C; time shifts of outcomes as ``lag(y, 1)``.
    external : tuple of str
        Declared instruments that are in no equation.
    weights : tuple of str
        Weights of the formulas, in the order of Lambda.
    """

    pattern: Pattern
    endogenous: tuple[str, ...]
    exogenous: tuple[str, ...]
    external: tuple[str, ...]
    weights: tuple[str, ...]
    structure: Structure

    def term(self, equation: int, block: str, matrix: int, column: int) -> Term:
        """Return the term of an equation that stands at an entry of the pattern."""
        variable = self.endogenous[column] if block in ("B", "Lambda") else self.exogenous[column]
        weights = self.weights[matrix] if block in ("Lambda", "D") else None
        for term in self.structure.equations[equation].terms:
            if shifted_name(term, self.structure) == variable and term.weights == weights:
                return term
        raise LookupError(f"no term at {block}[{matrix}][{equation}, {column}]")


def shifted_name(term: Term, structure: Structure) -> str:
    """Return the variable of a term; a time shift of an outcome is a variable of its own."""
    if structure.is_outcome(term) and term.shift:
        return f"lag({term.variable}, {term.shift})"
    return term.variable


def system_pattern(structure: Structure) -> SystemPattern:
    """Return which variable enters which equation, lags counted as variables of their own."""
    endogenous = (*structure.outcomes, *structure.other_endogenous)
    names = [shifted_name(t, structure) for _, t in structure.terms]
    exogenous = tuple(dict.fromkeys(n for n in names if n not in endogenous))
    # As the instruments are named; an exogenous variable of another equation is no outside instrument.
    declared = [
        t.variable if t.weights is None else f"{t.weights}({t.variable})" for t in structure.instruments
    ]
    external = tuple(dict.fromkeys(name for name in declared if name not in exogenous))
    g, m, k, r = structure.n_equations, len(endogenous), len(exogenous), len(structure.weights)
    B, Lambda = np.zeros((m, m), dtype=bool), np.zeros((r, m, m), dtype=bool)
    C, D = np.zeros((m, k), dtype=bool), np.zeros((r, m, k), dtype=bool)
    rows = {name: row for row, name in enumerate(structure.names)}
    for (equation, term), name in zip(structure.terms, names, strict=True):
        row = rows[equation]
        level, lagged = (B, Lambda) if name in endogenous else (C, D)
        column = endogenous.index(name) if name in endogenous else exogenous.index(name)
        if term.weights is None:
            level[row, column] = True
        else:
            lagged[structure.weights.index(term.weights), row, column] = True
    # No structural form: a reduced form in everything exogenous; the constant is not lagged.
    C[g:] = True
    D[:, g:] = np.array([name != CONSTANT for name in exogenous])
    outside = np.ones((m, len(external)), dtype=bool)
    pattern = Pattern.build(B, Lambda, C, D, outside)
    return SystemPattern(pattern, endogenous, exogenous, external, structure.weights, structure)
