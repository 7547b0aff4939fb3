"""What other programs do, exactly, so that a published table can be reproduced, and then put right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from spatial.errors import FormulaError, hinted, warn
from spatial.models.data.design import Design
from spatial.models.estimation.covariance import Homoskedastic
from spatial.models.estimation.estimate import Request
from spatial.models.estimation.laws import Law
from spatial.models.formula.grammar import parse_formula, parse_terms
from spatial.models.formula.tokens import Call, Node, walk
from spatial.models.identification.verdict import structural_identification
from spatial.models.instrumental.estimator import estimate_by_instruments
from spatial.panel.panel import Panel
from spatial.weights.value import WeightsLike, as_weights

from .results import SystemFit
from .system import SpatialSystem

__all__ = ["stata_gs3sls"]

STAMP = "Stata gs3sls: pooled, no fixed effects, no spatial error, own and cross lags in both equations"


@hinted
def stata_gs3sls(
    formulas: Sequence[str] | Mapping[str, str],
    data: Panel | pd.DataFrame,
    W: WeightsLike,
    *,
    aux: str | Sequence[str] | None = None,
    order: int = 1,
    stand: bool = False,
    constant: bool = True,
) -> SystemFit:
    r"""Do what the Stata command ``gs3sls y1 X1, var2(y2 X2)`` does (E. A. Shehata, SSC, version 3.0, 2013).

    .. math::

        y_1 = \lambda_{11} W y_1 + \lambda_{12} W y_2 + b_{12} y_2 + X_1 c_1 + A a_1 + u_1 , \\
        y_2 = \lambda_{22} W y_2 + \lambda_{21} W y_1 + b_{21} y_1 + X_2 c_2 + A a_2 + u_2

    by 3SLS (``reg3, small``) with instruments 1, X, WX, W^2 X and A, where X holds the regressors of both
    equations; Sigma has divisor NT; t statistics have 2 NT - k_1 - k_2 degrees of freedom.  There are no
    fixed effects (put dummies into `aux`) and no spatial errors.  The output is stamped, and also says
    where the system is not identified: with X_1 = X_2 it never is.

    Parameters
    ----------
    formulas : two formulas, or a dict of two
        ``"y1 ~ x1 + x2"``: exogenous regressors only; the command adds the endogenous ones.
    data : Panel or DataFrame
        Panels are pooled; W holds within each time.
    W : Weights, Graph or W
        As it is: the command's default is not to row-standardise.
    aux : str or list of str, optional
        Terms added to both equations and to the instruments, not lagged: ``"C(city) + C(year)"``.
    order : int
        1 and 2 give the same instruments, up to W^2 X, as in the command; 3 and 4 add powers.
    stand : bool
        Row-standardise W first.
    constant : bool
        False is the option ``noconstant``.

    Returns
    -------
    SystemFit
        Terms in the order of the command, the constant last.

    Raises
    ------
    FormulaError
        If there are not two formulas, or one has endogenous terms of its own.
    WeightsError
        If `W` is not of the units of the data.
    DataError
        If the data are no panel or table of units.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.weights import Weights
    >>> rng = np.random.default_rng(3)
    >>> ring = np.roll(np.eye(80), 1, axis=1) + np.roll(np.eye(80), -1, axis=1)
    >>> data = pd.DataFrame(rng.normal(size=(80, 4)), columns=["y1", "y2", "x1", "x2"])
    >>> fit = stata_gs3sls(["y1 ~ x1", "y2 ~ x2"], data, Weights.from_dense(ring), stand=True)
    >>> list(fit.params["y1"].index), fit.df
    (['W(y1)', 'W(y2)', 'y2', 'x1', 'Intercept'], 150)
    """
    if isinstance(formulas, str) or not isinstance(formulas, Iterable):
        raise FormulaError(f"Stata's gs3sls takes a list or a dict of two formulas; got {formulas!r}.")
    texts = dict(formulas) if isinstance(formulas, Mapping) else {str(k): t for k, t in enumerate(formulas)}
    if len(texts) != 2:
        raise FormulaError(
            f"Stata's gs3sls has two equations; got {len(texts)}. Use SpatialSystem for others."
        )
    if order not in (1, 2, 3, 4):
        raise FormulaError(f"order is 1, 2, 3 or 4; got {order!r}.")
    extra = "" if aux is None else aux if isinstance(aux, str) else " + ".join(aux)
    weights = as_weights(W)
    system = SpatialSystem(
        _stata_formulas(texts, extra, constant, isinstance(formulas, Mapping)),
        data,
        weights.row_standardized() if stand else weights,
        iv_order=max(2, order),
    )
    design = _without_lags(system, [t.key for t in parse_terms(extra)] if extra else [])
    request = Request(design, system._source, "3sls", Homoskedastic(), passes=0)
    found = estimate_by_instruments(request)
    df = 2 * design.layout.n_rows - design.structure.n_parameters
    found = replace(found, inference=replace(found.inference, law=Law(df)))
    return SystemFit(found, request, _stamps(design))


def _stata_formulas(texts: Mapping[str, str], aux: str, constant: bool, named: bool) -> dict[str, str]:
    parsed = [parse_formula(text, ("W",)) for text in texts.values()]
    for formula in parsed:
        lags = [t.name for t in formula.terms if any(_calls_weights(f) for f in t.factors)]
        if lags:
            raise FormulaError(
                f"Stata's gs3sls adds the spatial lags W(y1), W(y2) and the other outcome by itself: leave "
                f"{', '.join(lags)} out of {formula.text!r}, and name exogenous regressors only."
            )
    out: dict[str, str] = {}
    names = [f.outcome.name for f in parsed]
    for g, (label, formula) in enumerate(zip(texts, parsed, strict=True)):
        if formula.effects is not None or formula.endogenous or formula.instruments:
            raise FormulaError(
                f"Stata's gs3sls has no effects and no declared instruments: {formula.text!r}."
            )
        own, other = names[g], names[1 - g]
        right = [f"W({own})", f"W({other})", other, *(t.name for t in formula.terms)]
        right += [aux] if aux else []
        right += [] if constant and formula.intercept else ["0"]
        out[label if named else own] = f"{own} ~ {' + '.join(right)}"
    return out


def _calls_weights(node: Node) -> bool:
    return any(isinstance(n, Call) and n.function == "W" for n in walk(node))


def _without_lags(system: SpatialSystem, aux: list[str]) -> Design:
    """Leave out the lags of the auxiliary variables, and put the constant last, as the command does."""
    design = system.design
    lags: set[str] = set()
    for name in design.instrument_names:
        if any(name == key or name.startswith(f"{key}[") for key in aux):
            lags.update(f"{'W(' * k}{name}{')' * k}" for k in range(1, 5))
    kept = [j for j, name in enumerate(design.instrument_names) if name not in lags]
    structure = design.structure
    order = [
        [*range(1, len(e.terms)), 0] if e.terms[0].role == "constant" else list(range(len(e.terms)))
        for e in structure.equations
    ]
    equations = tuple(
        replace(e, terms=tuple(e.terms[j] for j in row))
        for e, row in zip(structure.equations, order, strict=True)
    )
    regressors = tuple(
        tuple(columns[j] for j in row) for columns, row in zip(design.regressors, order, strict=True)
    )
    return replace(
        design,
        structure=replace(structure, equations=equations),
        regressors=regressors,
        instruments=np.ascontiguousarray(design.instruments[:, kept]),
        instrument_names=tuple(design.instrument_names[j] for j in kept),
    )


def _stamps(design: Design) -> tuple[str, ...]:
    found = structural_identification(design.structure)
    if found.identified:
        return (STAMP,)
    warn(
        "This system is not identified, though the command prints numbers for it: see "
        "SpatialSystem(...).identification()."
    )
    return (STAMP, "not identified")
