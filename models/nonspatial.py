"""Fixed effects without space, OLS and IV: the system of one equation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from spatial.errors import FormulaError
from spatial.models.data.cells import Unbalanced
from spatial.models.data.given import Lags
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.steps import Method
from spatial.models.formula.grammar import parse_formula
from spatial.panel.panel import Panel
from spatial.weights.value import WeightsLike

from .results import SystemFit
from .system import SpatialSystem

__all__ = ["fixed_effects"]


def fixed_effects(
    formula: str,
    panel: Panel | pd.DataFrame,
    *,
    effects: str | Iterable[str] = ("unit", "time"),
    cov: str | Covariance = "cluster",
    weights: WeightsLike | Mapping[str, WeightsLike] | None = None,
    unbalanced: Unbalanced = "raise",
    where: str | None = None,
    lags: Lags = "full",
) -> SystemFit:
    r"""Estimate a panel model with fixed effects, the case W = 0 of `SpatialSystem`.

    .. math:: y_{it} = x_{it}'\beta + \mu_i + \gamma_t + \varepsilon_{it}

    ``SpatialSystem(formula, panel, weights, effects=effects, iv_order=0).fit("ols" or "2sls", small=True)``:
    the same result, with the same tests, under the conventions of fixest and of Stata's ``reghdfe``.

    Parameters
    ----------
    formula : str
        ``"y ~ x1 + W(x2)"``, or with instruments ``"y ~ x | unit + time | endog ~ z"``.  Effects in the
        formula replace `effects`.
    panel : Panel or DataFrame
    effects : tuple of str
        Among ``"unit"``, ``"time"``, columns, and products such as ``"region:time"``.
    cov : str or Covariance
        ``"cluster"`` by unit, ``"hom"``, ``"het"``, or any value, as ``Conley(km=200)``.
    weights : Weights, Graph, W or dict, optional
        For spatial lags of exogenous variables; a lag of the outcome needs `SpatialSystem`.
    unbalanced : "raise", "balance" or "induced"
        As in `SpatialSystem`; absent rows need it only where there are spatial lags.
    where, lags
        Which rows are used, as in `SpatialSystem.fit`.

    Returns
    -------
    SystemFit
        With `r_squared`, `r_squared_within`, `r_squared_adjusted` and the constant `cons`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.panel.panel import Panel
    >>> rng = np.random.default_rng(0)
    >>> grid = pd.MultiIndex.from_product([range(50), range(4)], names=["city", "year"]).to_frame(index=False)
    >>> data = grid.assign(x=rng.normal(size=200))
    >>> data["y"] = 2 * data.x + data.city + rng.normal(size=200)
    >>> fit = fixed_effects("y ~ x", Panel.from_frame(data, unit="city", time="year"))
    >>> fit.params.round(1).to_dict()
    {('y', 'x'): 2.0}
    """
    if not isinstance(formula, str):
        raise FormulaError(f"fixed_effects takes one formula; got {type(formula).__name__}.")
    names = tuple(weights) if isinstance(weights, Mapping) else ("W",) if weights is not None else ()
    inside = parse_formula(formula, names).effects
    system = SpatialSystem(
        formula,
        panel,
        weights,
        effects=() if inside is not None else effects,
        iv_order=0,
        unbalanced=unbalanced,
        where=where,
        lags=lags,
    )
    method: Method = "2sls" if _endogenous(system) else "ols"
    return system.fit(method, cov=cov, small=True)


def _endogenous(system: SpatialSystem) -> list[str]:
    """Return the endogenous regressors; refuse lags of the outcome, and regressors without instruments."""
    structure = system.structure
    moving = [term for _, term in structure.terms if term.is_endogenous]
    for term in moving:
        if structure.is_outcome(term):
            raise FormulaError(
                f"{term.name} is a spatial lag of the outcome: least squares is inconsistent. Use "
                "SpatialSystem(formula, panel, weights, effects=...).fit('gs2sls')."
            )
    names = [term.name for term in moving]
    if names and not system.design.external:
        raise FormulaError(f"{', '.join(names)} is endogenous: name instruments, '| endog ~ instruments'.")
    return names
