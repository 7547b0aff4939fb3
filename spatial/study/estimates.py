"""What the sections that estimate call: systems, their fits and effects, regressions."""

from __future__ import annotations

from typing import Any

from spatial.models.formula.grammar import parse_effects
from spatial.models.specs import covariance_columns

from .calls import Ref, call, method
from .fits import FitName, weights_of
from .formulas import formula_columns, formula_of, terms_of
from .schema.models import Regression, System
from .schema.study import Study

__all__ = ["covariance_call", "fit_call", "fit_columns", "impacts_call", "system_call"]


def fit_columns(study: Study, part: Any) -> list[str]:
    """Return the columns that a fit reads; `part` is resolved."""
    weights = weights_of(study, part)
    texts = part.formulas if isinstance(part, System) else [part.formula]
    found = [name for text in texts for name in formula_columns(formula_of(text, {}, weights))]
    found += [name for product in parse_effects(part.effects) for name in product]
    for text in getattr(part, "instruments", ()):
        found += [name for term in terms_of(text, {}, weights) for name in formula_columns_of(term)]
    return list(dict.fromkeys([*found, *covariance_columns(part.cov)]))


def formula_columns_of(term: Any) -> list[str]:
    """Return the columns of one term."""
    from spatial.models.formula.tokens import Name, walk

    return [node.name for factor in term.factors for node in walk(factor) if isinstance(node, Name)]


def covariance_call(text: str, seed: int) -> Any:
    """Return a covariance that a text names: the text where a fit takes it, else the value.

    Examples
    --------
    >>> covariance_call("het", 0)
    'het'
    >>> covariance_call("driscoll-kraay:2", 0).function
    'models.DriscollKraay'
    """
    name, *parts = text.split(":")
    match name:
        case "cluster" if parts:
            return call("models.Cluster", *parts)
        case "twoway":
            return call("models.TwoWay", *parts)
        case "wild":
            return call("models.WildBootstrap", *(parts or ["unit"]), seed=seed)
        case "driscoll-kraay":
            return call("models.DriscollKraay", *(int(part) for part in parts))
        case "conley":
            lags = [int(part) for part in parts[1:]]
            return call("models.Conley", float(parts[0]), *lags, coordinates=Ref("cities"))
    return text


def _weights(study: Study, part: Any) -> dict[str, Ref]:
    return {name: Ref("weights", name) for name in weights_of(study, part)}


def system_call(study: Study, part: System) -> Any:
    """Return what makes a system, aligned and not estimated."""
    options: dict[str, Any] = {}
    if part.effects:
        options["effects"] = tuple(part.effects)
    if part.error is not None:
        options["error"] = part.error
    if part.instruments:
        options["instruments"] = part.instruments
    if part.iv_order != 2:
        options["iv_order"] = part.iv_order
    if part.unbalanced != "raise":
        options["unbalanced"] = part.unbalanced
    return call("models.SpatialSystem", part.formulas, Ref("panel"), _weights(study, part) or None, **options)


def fit_call(study: Study, part: Any, found: FitName) -> Any:
    """Return what estimates a fit."""
    cov = covariance_call(part.cov, study.seed)
    if isinstance(part, Regression):
        options: dict[str, Any] = {"effects": tuple(part.effects), "cov": cov}
        weights = _weights(study, part)
        options |= {"weights": weights} if weights else {}
        options |= {} if part.unbalanced == "raise" else {"unbalanced": part.unbalanced}
        return call("models.fixed_effects", part.formula, Ref("panel"), **options)
    options = {"cov": cov}
    options |= {} if part.rho_moments == "kp2010" else {"rho_moments": part.rho_moments}
    options |= {} if part.passes == 1 else {"passes": part.passes}
    options |= {"force": True} if part.force else {}
    return method(Ref("system", part.name), "fit", found.method, **options)


def impacts_call(name: str, draws: int, seed: int) -> Any:
    """Return what computes the effects of a fit."""
    return method(Ref("fit", name), "impacts", draws=draws, seed=seed)
