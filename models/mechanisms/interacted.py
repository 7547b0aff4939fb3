"""Slopes that differ: between regimes, in a system, and along a moderator."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.checks import refuse_own_instruments
from spatial.models.data.design import Design
from spatial.models.estimation.estimate import Request
from spatial.models.formula.structure import CONSTANT, Term
from spatial.models.methods import estimator_of
from spatial.models.results import SystemFit

from .regime_search import regimes_of

__all__ = ["Split", "fit_request", "johnson_neyman", "regime_design", "regime_term"]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]


def regime_term(term: str, label: str) -> str:
    """Name a slope in a regime.

    Examples
    --------
    >>> regime_term("x", "q <= 1.5")
    'x [q <= 1.5]'
    """
    return f"{term} [{label}]"


def regime_design(
    design: Design, codes: Codes, labels: Sequence[str], switching: Collection[tuple[str, str]] | None = None
) -> Design:
    """Return the design with terms that switch between regimes; effects and errors stay shared.

    Spatial lags are products of the regime with the lag as it is, of the whole map.

    Parameters
    ----------
    design : Design
    codes : int array (R,)
        Regime of each row.
    labels : sequence of str
        One a regime.
    switching : collection of (equation, term), optional
        Which slopes switch; default all.
    """
    refuse_own_instruments(design.structure, "a comparison of groups")
    masks = [codes == r for r in range(len(labels))]
    columns = [design.columns]
    levels = dict(design.levels)
    width = design.columns.shape[1]
    equations, regressors = [], []
    for equation, row in zip(design.structure.equations, design.regressors, strict=True):
        terms: list[Term] = []
        places: list[int] = []
        fixed: list[tuple[Term, int]] = []
        for label, mask in zip(labels, masks, strict=True):
            for term, place in zip(equation.terms, row, strict=True):
                if switching is not None and (equation.name, term.name) not in switching:
                    continue
                name = regime_term(term.name, label)
                role = "exogenous" if term.role == "constant" else term.role
                terms.append(Term(name, name, role=role))
                columns.append((design.columns[:, place] * mask)[:, None])
                levels[name] = columns[-1][:, 0]
                places.append(width)
                width += 1
        if switching is not None:
            fixed = [
                (term, place)
                for term, place in zip(equation.terms, row, strict=True)
                if (equation.name, term.name) not in switching
            ]
        levels |= {t.name: design.columns[:, place] for t, place in fixed}
        # A variable of its own: no longer an outcome that stands in the matrices of the system.
        terms += [t if t.name == CONSTANT else Term(t.name, t.name, role=t.role) for t, _ in fixed]
        equations.append(replace(equation, terms=tuple(terms)))
        regressors.append((*places, *(place for _, place in fixed)))
    # A regressor that does not switch is its own instrument, once.
    own = {t.name for e in equations for t in e.terms}
    moving = [j for j, name in enumerate(design.instrument_names) if name not in own]
    H = design.instruments
    H = np.column_stack([H, *(H[:, moving] * mask[:, None] for mask in masks[1:])])
    names = design.instrument_names
    names = (*names, *(regime_term(names[j], label) for label in labels[1:] for j in moving))
    structure = replace(design.structure, equations=tuple(equations), weights=())
    return replace(
        design,
        structure=structure,
        columns=np.column_stack(columns),
        regressors=tuple(regressors),
        instruments=H,
        instrument_names=names,
        levels=levels,
        whole=None,
    )


def fit_request(request: Request, design: Design, stamps: tuple[str, ...] = ()) -> SystemFit:
    """Estimate another design as it was asked."""
    asked = replace(request, design=design)
    return SystemFit(estimator_of(asked.method).estimate(asked), asked, stamps)


def johnson_neyman(b: Float, V: Float, critical: float) -> Float:
    r"""Return the values d at which :math:`(b_1 + b_3 d)^2 = c^2 \operatorname{Var}(b_1 + b_3 d)`, ascending.

    Examples
    --------
    >>> johnson_neyman(np.array([0.0, 1.0]), np.diag([0.25, 0.0]), 2.0)
    array([-1.,  1.])
    """
    c2 = critical**2
    A, B, C = b[1] ** 2 - c2 * V[1, 1], 2 * (b[0] * b[1] - c2 * V[0, 1]), b[0] ** 2 - c2 * V[0, 0]
    under = B**2 - 4 * A * C
    if under <= 0 or A == 0:
        return np.zeros(0)
    return np.sort(np.array([-B - np.sqrt(under), -B + np.sqrt(under)]) / (2 * A))


@dataclass(frozen=True, eq=False)
class Split:
    """A threshold regression, to estimate at given thresholds.

    Parameters
    ----------
    request : Request
        Without regimes.
    q : array (R,)
    switching : set of (equation, term)
    labels : list of str
        Of the regimes.
    """

    request: Request
    q: Float
    switching: set[tuple[str, str]]
    labels: list[str]

    def fit(self, thresholds: Sequence[float]) -> SystemFit:
        """Return the slopes with regimes at these thresholds."""
        design = self.request.design
        split = regime_design(design, regimes_of(self.q, thresholds), self.labels, self.switching)
        return fit_request(replace(self.request, design=split), split)
