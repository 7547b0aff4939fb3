"""How a fit becomes columns: one for each equation, whichever program estimated it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean
from spatial.languages.names import METHODS
from spatial.models.estimation.estimate import interval_method
from spatial.models.results import SystemFit
from spatial.results import Fit

__all__ = ["CONSTANT", "Column", "System", "columns_of"]

CONSTANT = "Intercept"
_CONSTANTS = {"const", "_cons", "(Intercept)", "Intercept", "constant", "CONSTANT"}
# What classes of other programs estimate.
_CLASSES = {"Feols": "OLS", "Feiv": "2SLS", "Fepois": "Poisson", "Feglm": "GLM", "IV2SLS": "2SLS"}
ESTIMATES = ["estimate", "std_error", "statistic", "p_value"]
WITH_ENDS = [*ESTIMATES, "conf_low", "conf_high"]


@dataclass(frozen=True, eq=False)
class System:
    """Structural coefficients of a system: (G, G) within units, and one (G, G) for each weights matrix."""

    names: tuple[str, ...]
    B: Any
    Lambda: Mapping[str, Any]
    stable: bool | None = None


@dataclass(frozen=True, eq=False)
class Column:
    """One equation of one model; NaN and empty where the program does not say.

    Parameters
    ----------
    model : str
        Name of the model.
    number : int
        Which model of the table.
    equation : str
        The outcome.
    estimates : DataFrame
        By term: estimate, std_error, statistic, p_value; the constant is ``Intercept``.
    rho : DataFrame
        The same, of the spatial error, by the name of its weights.
    effects : tuple of str
        Fixed effects.
    n_units, n_times, n_obs : float
    r2, r2_within : float
    r2_kind : "structural", "plain" or "foreign"
    j, j_p, first_stage_f : float
    f_kind : "conditional" or "plain"
    covariance : str
    df : float
        Degrees of freedom of the t statistics; infinite for the normal distribution.
    weights : mapping of str to Meta
    stamps : tuple of str
    system : System, optional
    impacts : DataFrame, optional
        Effects on this outcome: term, effect, and the columns of `estimates`.
    impacts_how : tuple, optional
        Method, draws, seed, stable.
    labels : mapping of str to str
        Labels that the program keeps.
    sample : str
        The condition of the rows; empty for all.
    n_links : float
        Links of the weights from the chosen rows; NaN where rows were not chosen.
    method : str
        Of a system: the name of its estimator.
    lacks : str
        What of the spatial parts of other models is left out: "lags", "errors", "terms" for all.
    constant : "mean" or "first"
        Which constant stands for the effects.
    show : "t", "se" or "ci"
        What stands below a coefficient.
    inverted : "distance", "lr" or ""
        What p-values come from inverting, where they do not come from the statistics shown.
    facts : tuple of (key, value)
        More rows below the coefficients, by a key of `spatial.tables.words`, as ``("sigma_u", 0.8)``.
    """

    model: str
    number: int
    equation: str
    estimates: pd.DataFrame
    rho: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ESTIMATES))
    effects: tuple[str, ...] = ()
    n_units: float = math.nan
    n_times: float = math.nan
    n_obs: float = math.nan
    r2: float = math.nan
    r2_within: float = math.nan
    r2_kind: str = "plain"
    j: float = math.nan
    j_p: float = math.nan
    first_stage_f: float = math.nan
    f_kind: str = "conditional"
    covariance: str = ""
    df: float = math.inf
    weights: Mapping[str, Any] = field(default_factory=dict)
    stamps: tuple[str, ...] = ()
    system: System | None = None
    impacts: pd.DataFrame | None = None
    impacts_how: tuple[str, int, int, bool] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    sample: str = ""
    n_links: float = math.nan
    method: str = ""
    lacks: str = ""
    constant: str = "mean"
    show: str = "t"
    inverted: str = ""
    f_critical: float = math.nan
    facts: tuple[tuple[str, Any], ...] = ()

    @property
    def is_unbalanced(self) -> bool:
        """Whether cells of the panel are missing."""
        return self.n_obs < self.n_units * self.n_times


def columns_of(fit: Any, number: int, name: str | None, impacts: Mapping[str, Any] | None) -> list[Column]:
    """Return the columns of one fit.

    Parameters
    ----------
    fit : SystemFit, or a result that maketables understands
    number : int
        Which model of the table.
    name : str, optional
        Name of the model; its method by default.
    impacts : mapping, optional
        Options of ``fit.impacts``, where effects in equilibrium are wanted.
    """
    if isinstance(fit, SystemFit):
        shown = name or fit.estimate.label or METHODS.get(fit.method, fit.method.upper())
        columns = _system_columns(fit, number, shown)
        if impacts is None or not _has_equilibrium(fit):
            return columns
        return _with_impacts(columns, fit, impacts)
    inner = getattr(fit, "fit", None)
    if isinstance(fit, Fit) and isinstance(inner, SystemFit):
        facts = getattr(fit, "facts", ())
        return [replace(c, facts=facts) for c in columns_of(inner, number, name, impacts)]
    if isinstance(fit, Fit):
        method = str(getattr(fit, "method", type(fit).__name__))
        return [_own_column(fit, number, name or METHODS.get(method, method))]
    return [_foreign_column(fit, number, name)]


# ---- our own
def _system_columns(fit: Any, number: int, name: str) -> list[Column]:
    table, within = fit.tidy(), bool(fit.effects)
    simultaneous = any(fit.structure.is_outcome(term) for _, term in fit.structure.terms)
    tests = fit.equation_tests()
    system = _system(fit)
    out = []
    for g, equation in enumerate(fit.structure.equations):
        mine = table[table["equation"] == equation.name].set_index("term").reindex(columns=WITH_ENDS)
        is_rho = (mine.index == "rho") & (equation.name in fit.rho.index)
        r2 = float(fit.r_squared[equation.name])
        r2_within = float(fit.r_squared_within[equation.name]) if within else math.nan
        used = dict.fromkeys(t.weights for t in equation.terms if t.weights)
        used |= {equation.error: None} if equation.error and is_rho.any() else {}
        out.append(
            Column(
                name,
                number,
                equation.name,
                _with_cons(mine[~is_rho], fit, equation.name),
                mine[is_rho].set_axis([equation.error or ""] * int(is_rho.sum())),
                fit.effects,
                fit.n_units,
                fit.n_times,
                fit.n_obs,
                math.nan if within and simultaneous else r2,
                r2_within,
                "structural" if simultaneous else "plain",
                float(tests["j"].iloc[g]),
                float(tests["j_p_value"].iloc[g]),
                float(tests["first_stage_f"].iloc[g]),
                "conditional",
                fit.covariance.label,
                math.inf if fit.df is None else fit.df,
                {w: fit.weights[w] for w in used},
                fit.stamps,
                system,
                method=fit.method,
                constant=fit.asked.constant,
                inverted="" if (by := interval_method(None, 0.95, fit.estimate)) == "wald" else by,
                f_critical=float(tests["first_stage_critical"].iloc[g]),
                facts=fit.facts,
                **_choice(fit.estimate.design.choice),
            )
        )
    return out


def _with_cons(estimates: pd.DataFrame, fit: Any, equation: str) -> pd.DataFrame:
    """Add the constant that effects absorb, as papers print it; it is no coefficient of the fit."""
    found = fit.cons
    mine = found[found["equation"] == equation].reindex(columns=WITH_ENDS)
    return estimates if mine.empty else pd.concat([estimates, mine.set_axis([CONSTANT])])


def _system(fit: Any) -> System | None:
    """Return the coefficients among outcomes, and whether they allow a stable equilibrium."""
    matrices = fit.structure.system_matrices(fit.params.to_numpy())
    if not np.any(matrices.B) and not any(np.any(part) for part in matrices.Lambda.values()):
        return None
    return System(fit.structure.names, matrices.B, dict(matrices.Lambda), fit.stability().stable)


def _has_equilibrium(fit: Any) -> bool:
    """Whether effects differ from coefficients: there are spatial lags, or outcomes on the right."""
    return any(term.weights or fit.structure.is_outcome(term) for _, term in fit.structure.terms)


def _with_impacts(columns: list[Column], fit: Any, options: Mapping[str, Any]) -> list[Column]:
    found = fit.impacts(**options)
    table = found.tidy()
    method = str(table["method"].iloc[0]) if len(table) else "delta"
    how = (method, int(found.draws), int(found.seed), bool(found.stable))
    kept = ["term", "effect", *WITH_ENDS]
    return [
        replace(
            c,
            impacts=table[table["outcome"] == c.equation].reindex(columns=kept).reset_index(drop=True),
            impacts_how=how,
        )
        for c in columns
    ]


def _own_column(fit: Any, number: int, name: str) -> Column:
    """Return the column of a result with one equation: what it has of the usual facts, and its own."""
    table, facts = fit.tidy().set_index("term"), getattr(fit, "facts", ())
    table = table.drop(index=[key for key, _ in facts if key in table.index])  # stands below the coefficients
    return Column(
        name,
        number,
        fit.equation,
        table.reindex(columns=WITH_ENDS),
        effects=tuple(fit.effects),
        n_units=fit.n_units,
        n_times=fit.n_times,
        n_obs=fit.n_obs,
        r2=getattr(fit, "r_squared", math.nan),
        r2_within=getattr(fit, "r_squared_within", math.nan),
        first_stage_f=getattr(fit, "first_stage_f", math.nan),
        f_kind="plain",
        covariance=fit.covariance.label,
        df=getattr(fit, "df", math.inf),
        stamps=getattr(fit, "stamps", ()),
        facts=facts,
        **_choice(getattr(fit, "choice", None)),
    )


def _choice(choice: Any) -> dict[str, Any]:
    """Return which rows were chosen, and how many links they have."""
    if choice is None:
        return {}
    links = sum(choice.links.values())
    return {"sample": choice.condition, "n_links": float(links) if choice.links else math.nan}


# ---- of other programs, through maketables
def _foreign_column(fit: Any, number: int, name: str | None) -> Column:
    extractor = _extractor(fit)
    table = extractor.coef_table(fit)
    if missing := [c for c in ("b", "se", "p") if c not in table.columns]:
        raise DataError(
            f"A coefficient table for maketables needs columns b, se and p; that of {type(fit).__name__} "
            f"lacks {', '.join(missing)}."
        )
    b, se = table["b"].to_numpy(dtype=float), table["se"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = table["t"].to_numpy(dtype=float) if "t" in table.columns else b / se
    terms = [CONSTANT if str(term) in _CONSTANTS else str(term) for term in table.index]
    if len(set(terms)) < len(terms):
        again = next(term for term in terms if terms.count(term) > 1)
        raise DataError(f"The {type(fit).__name__} has several coefficients named {again!r}; rename them.")
    p = table["p"].to_numpy(dtype=float)
    ends = [table[c].to_numpy(dtype=float) if c in table.columns else np.nan for c in ("ci95l", "ci95u")]
    frame = pd.DataFrame(dict(zip(WITH_ENDS, (b, se, t, p, *ends), strict=True)), index=pd.Index(terms))

    def stat(key: str) -> float:
        try:
            return float(extractor.stat(fit, key))
        except (TypeError, ValueError, KeyError, AttributeError):
            return math.nan

    effects = extractor.fixef_string(fit)
    return Column(
        name or _class_name(fit),
        number,
        str(extractor.depvar(fit)),
        frame,
        effects=tuple(part.strip() for part in str(effects).split("+")) if effects else (),
        n_obs=stat("N"),
        r2=stat("r2"),
        r2_within=stat("r2_within"),
        r2_kind="foreign",
        first_stage_f=stat("f_statistic"),
        f_kind="plain",
        covariance=_covariance_label(extractor.vcov_info(fit)),
        df=math.nan,
        labels=_labels(extractor, fit),
    )


def _class_name(fit: Any) -> str:
    """Return the estimator: the class of the model that some results keep, else of the result."""
    model = getattr(fit, "model", None)
    found = type(fit if model is None or isinstance(model, str) else model).__name__
    return _CLASSES.get(found, found)


def _extractor(fit: Any) -> Any:
    from maketables import get_extractor

    try:
        return get_extractor(fit)
    except TypeError:
        raise DataError(
            "regression_table takes fits of spatial.models, and results that maketables understands "
            f"(pyfixest, statsmodels, linearmodels, its plug-in protocol); got {type(fit).__name__}."
            f"{did_you_mean(type(fit).__name__, ['SystemFit'])}"
        ) from None


def _covariance_label(info: Mapping[str, Any] | None) -> str:
    known = dict(info or {})
    kind = str(known.get("vcov_type") or "")
    clusters = known.get("clustervar")
    if clusters:
        names = [clusters] if isinstance(clusters, str) else list(clusters)
        return f"clustered by {' and '.join(map(str, names))}"
    plain = {"iid": "homoskedastic", "nonrobust": "homoskedastic", "unadjusted": "homoskedastic"}
    robust = {"hetero": "heteroskedastic", "robust": "heteroskedastic"}
    return {**plain, **robust}.get(kind.lower(), kind)


def _labels(extractor: Any, fit: Any) -> Mapping[str, str]:
    found = extractor.var_labels(fit)
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}
