"""Fixed effects without space, OLS and IV: the system of one equation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypedDict, Unpack, get_args, overload

from spatial.errors import DataError, FormulaError, did_you_mean, hinted
from spatial.models.data.cells import Unbalanced
from spatial.models.data.given import Lags
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.estimate import Constant
from spatial.models.estimation.steps import Method
from spatial.models.formula.grammar import parse_formula
from spatial.panel.panel import PanelLike
from spatial.weights.value import WeightsLike

from .grouped import GroupFits, GroupsLike, fit_groups
from .results import SystemFit
from .system import SpatialSystem

__all__ = ["fixed_effects"]


class _Options(TypedDict, total=False):
    """Arguments besides the formula, the data and the groups."""

    effects: str | Iterable[str]
    cov: str | Covariance
    weights: WeightsLike | Mapping[str, WeightsLike] | None
    unbalanced: Unbalanced
    constant: Constant
    where: str | None
    lags: Lags


@overload
def fixed_effects(
    formula: str, panel: PanelLike, *, by: None = None, **options: Unpack[_Options]
) -> SystemFit: ...


@overload
def fixed_effects(
    formula: str, panel: PanelLike, *, by: GroupsLike, **options: Unpack[_Options]
) -> GroupFits: ...


@hinted
def fixed_effects(
    formula: str,
    panel: PanelLike,
    *,
    effects: str | Iterable[str] = ("unit", "time"),
    cov: str | Covariance = "cluster",
    weights: WeightsLike | Mapping[str, WeightsLike] | None = None,
    unbalanced: Unbalanced = "raise",
    constant: Constant = "mean",
    where: str | None = None,
    lags: Lags = "full",
    by: GroupsLike | None = None,
) -> SystemFit | GroupFits:
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
    constant : "mean", "first" or "none"
        Which constant `cons` is, and tables print: the mean of the effects, as ``reghdfe``; that of the
        first time, as ``xtreg, fe`` with dummies of the other times prints it (balanced, effects of time,
        or of unit and time); or none.  No slope depends on it.
    where, lags
        Which rows are used, as in `SpatialSystem.fit`.
    by : str or Series, optional
        One fit for each group of rows, in one table: a column, or labels as `spatial.group` makes them.

    Returns
    -------
    SystemFit, or GroupFits where there are groups
        With `r_squared`, `r_squared_within`, `r_squared_adjusted` and the constant `cons`.

    Raises
    ------
    FormulaError
        For lags of the outcome, and endogenous regressors without instruments.
    DataError
        For another `constant`, and for that of the first time where effects or cells do not give it.

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

    def estimate(system: SpatialSystem) -> SystemFit:
        method: Method = "2sls" if _endogenous(system) else "ols"
        _check_constant(system, constant)
        fit = system.fit(method, cov=cov, small=True)
        return replace(fit, asked=replace(fit.asked, constant=constant))

    return estimate(system) if by is None else fit_groups(system, by, estimate, lags)


def _check_constant(system: SpatialSystem, constant: str) -> None:
    """Refuse a constant that is none, or that the effects and cells of this system do not give."""
    known = get_args(Constant)
    if constant not in known:
        raise DataError(
            f"constant is 'mean', 'first' or 'none'; got {constant!r}.{did_you_mean(str(constant), known)}"
        )
    if constant != "first":
        return
    effects, layout = system.design.effects.names, system.design.layout
    if set(effects) not in ({("time",)}, {("unit",), ("time",)}):
        shown = ", ".join(":".join(product) for product in effects) or "none"
        raise DataError(
            "constant='first' is the constant of the first time beside dummies of the others: it needs "
            f"effects of time, or of unit and time, and no others; got {shown}. Use constant='mean'."
        )
    if not layout.is_balanced:
        raise DataError(
            "constant='first' needs each unit at each time; "
            f"{layout.n_units * layout.n_times - layout.n_rows} of {layout.n_units * layout.n_times} cells "
            "are missing. Use constant='mean', or balance the panel."
        )


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
