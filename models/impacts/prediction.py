"""What a system predicts: the outcomes that its exogenous variables and effects imply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.estimation.estimate import Estimate

from .solve import ReducedForm

__all__ = ["reduced_form"]

Float = NDArray[np.float64]


def reduced_form(found: Estimate, fitted: Float) -> Float:
    r"""Return the outcomes without the errors, (R, G).

    .. math:: \hat y = S^{-1}(X\hat c + \sum_r W_r X \hat d_r + D\hat\kappa), \qquad
              S = (I - \hat B) \otimes I - \sum_r \hat\Lambda_r \otimes W_r

    Endogenous regressors that have no equation are taken as observed.

    Parameters
    ----------
    found : Estimate
    fitted : array (R, G)
        The structural fit of each equation, effects in.
    """
    if found.exponential:
        return found.reduced_form()
    design, structure = found.design, found.structure
    exogenous = fitted.copy()
    for g, (equation, place) in enumerate(zip(structure.equations, structure.slices, strict=True)):
        for term, column, slope in zip(equation.terms, design.regressors[g], found.delta[place], strict=True):
            if structure.is_outcome(term) and not term.shift:
                exogenous[:, g] -= slope * design.raw[:, column]
    matrices = structure.system_matrices(found.delta)
    Lambda = np.array([matrices.Lambda[w] for w in structure.weights])
    if not np.any(matrices.B) and not np.any(Lambda):
        return exogenous
    if not structure.weights:
        return np.asarray(exogenous @ np.linalg.inv(np.eye(len(matrices.B)) - matrices.B).T)
    operators = [design.operators[w] for w in structure.weights]
    G, layout = len(matrices.B), design.layout
    if all(o.is_constant for o in operators):  # one factorisation for all times
        right = exogenous.reshape(layout.n_times, -1, G).transpose(2, 1, 0).reshape(-1, layout.n_times)
        found_all = ReducedForm(matrices.B, Lambda, [o.matrices[0] for o in operators]).solve(right)
        out = found_all.reshape(G, -1, layout.n_times).transpose(2, 1, 0).reshape(-1, G)
    else:
        out = np.empty_like(exogenous)
        blocks = [o.blocks() for o in operators]
        for t, (first, last) in enumerate(layout.bounds):
            graphs = [block[t][2] for block in blocks]
            solved = ReducedForm(matrices.B, Lambda, graphs).solve(exogenous[first:last].T.reshape(-1, 1))
            out[first:last] = solved.reshape(G, -1).T
    if not np.isfinite(out).all():
        raise DataError("The system has no reduced form at these estimates: see fit.stability().")
    return out
