"""What the sections that estimate call: systems, their fits and effects, regressions, Tobits, policies."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from spatial.errors import SpatialError
from spatial.models.formula.grammar import parse_effects
from spatial.models.formula.tokens import Name, walk
from spatial.models.specs import covariance_columns
from spatial.panel.conditions import parse_condition
from spatial.study.calls import Item, Ref, call, method
from spatial.study.schema.models import Did, Regression, System, Threshold, Tobit
from spatial.study.schema.study import Study

from .formulas import formula_columns, formula_of, named_in, terms_of
from .named import FitName, weights_of

__all__ = [
    "covariance_call",
    "fit_call",
    "fit_columns",
    "given_keys",
    "impacts_call",
    "policy_call",
    "policy_kinds",
    "rows_of",
    "spare_weights",
    "system_call",
]


def fit_columns(study: Study, part: Any) -> list[str]:
    """Return the columns that a fit reads; `part` is resolved."""
    weights = weights_of(study, part)
    found = [name for text in part.texts for name in formula_columns(formula_of(text, {}, weights))]
    if isinstance(part.effects, list):
        found += [name for product in parse_effects(part.effects) for name in product]
    texts = [*getattr(part, "instruments", ()), *getattr(part, "controls", ())]
    for text in [*texts, *filter(None, [getattr(part, "term", None)])]:
        terms = terms_of(text, {}, weights)
        found += [n.name for term in terms for f in term.factors for n in walk(f) if isinstance(n, Name)]
    keys = ("outcome", "cohort", "by")
    found += [value for key in keys if (value := getattr(part, key, None)) is not None]
    found += list(getattr(part, "policies", ()))
    if getattr(part, "drop_one", None) not in (None, "unit"):
        found.append(part.drop_one)
    if part.where is not None:
        found += _condition_columns(part.where)
    return list(dict.fromkeys([*found, *covariance_columns(part.cov or "hom")]))


def _condition_columns(text: str) -> list[str]:
    try:
        return list(parse_condition(text).columns)
    except SpatialError:  # said with the condition
        return []


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


def spare_weights(study: Study, part: Any) -> list[str]:
    """Return the weights that formulas of a section may call and that no text of it names."""
    error = getattr(part, "error", None)
    texts = [*part.texts, *getattr(part, "instruments", ()), *getattr(part, "controls", ())]
    texts += [text for text in (error.values() if isinstance(error, dict) else [error]) if text]
    named = {getattr(part, "W", None)}.union(*(named_in(text) for text in texts))
    return [name for name in weights_of(study, part) if name not in named]


def _weights(study: Study, part: Any, without: Collection[str]) -> dict[str, Ref]:
    return {name: Ref("weights", name) for name in weights_of(study, part) if name not in without}


def rows_of(part: Any, group: Any = None) -> dict[str, Any]:
    """Return where= and lags= of a fit, those of its group among them."""
    conditions = [part.where] if part.where is not None else []
    if group is not None:
        column = part.by if part.by.isidentifier() else f"`{part.by}`"
        conditions.append(f"{column} == {_literal(group)}")
    if not conditions:
        return {}
    text = conditions[0] if len(conditions) == 1 else " and ".join(f"({one})" for one in conditions)
    lags = {} if part.lags in (None, "full") else {"lags": part.lags}
    return {"where": text, **lags}


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if "'" in value else f"'{value}'"
    return f"{value:g}"


def given_keys(part: Any, *keys: str) -> dict[str, Any]:
    """Return keys that are not at their defaults."""
    fields = type(part).model_fields
    values = {key: getattr(part, key) for key in keys}
    return {k: v for k, v in values.items() if v != fields[k].get_default(call_default_factory=True)}


def system_call(study: Study, part: System, group: Any = None, without: Collection[str] = ()) -> Any:
    """Return what makes a system, aligned and not estimated; weights of `without` are not given to it."""
    effects = part.effects if isinstance(part.effects, str) else tuple(part.effects)
    options: dict[str, Any] = {"effects": effects} if effects else {}
    options |= given_keys(part, "error", "instruments", "iv_order", "unbalanced")
    weights = _weights(study, part, without) or None
    return call(
        "models.SpatialSystem", part.formulas, Ref("panel"), weights, **options, **rows_of(part, group)
    )


def fit_call(study: Study, part: Any, found: FitName, without: Collection[str] = ()) -> Any:
    """Return what estimates a fit; weights of `without` are not given to it."""
    cov = None if part.cov is None else covariance_call(part.cov, study.seed)
    rows = rows_of(part, found.group)
    given = _weights(study, part, without)
    weights = {} if part.weights is None and not study.weights else {"weights": given}
    match part:
        case System():
            system = part.name if found.group is None else f"{part.name}.{found.group}"
            options = given_keys(part, "rho_moments", "passes", "iv", "small", "random", "force")
            options |= {} if part.intervals == "default" else {"intervals": part.intervals}
            named = () if found.method is None else (found.method,)
            options |= {} if cov is None else {"cov": cov}
            return method(Ref("system", system), "fit", *named, **options)
        case Regression():
            effects = tuple(part.effects)
            options = {**weights, **given_keys(part, "unbalanced", "constant"), **rows}
            return call(
                "models.fixed_effects", part.formula, Ref("panel"), effects=effects, cov=cov, **options
            )
        case Tobit():
            kind = None if found.method == "none" else found.method
            options = {**given_keys(part, "lower", "upper", "points"), **weights, **rows}
            return call("models.tobit", part.formula, Ref("panel"), effects=kind, cov=cov, **options)
        case Threshold():
            options = given_keys(part, "term", "regimes", "trim", "bootstrap", "grid", "level")
            options |= {"effects": tuple(part.effects), "cov": cov, "seed": study.seed, **weights, **rows}
            return call("models.threshold", part.formula, Ref("panel"), part.by, **options)
    return _did_call(study, part, found, cov, rows)


def _did_call(study: Study, part: Did, found: FitName, cov: Any, rows: dict[str, Any]) -> Any:
    options = given_keys(
        part, "controls", "base", "control_group", "anticipation", "rings", "exposure", "match"
    )
    options |= given_keys(part, "policies", "fewest_far")
    if part.effects != ["unit", "time"]:
        options["effects"] = tuple(part.effects)
    if part.window is not None:
        options["window"] = tuple(part.window)
    if part.W is not None:
        options["W"] = Ref("weights", part.W)
    if part.rings is not None:
        options["cities"] = Ref("cities")
    options |= {"cov": cov, "seed": study.seed, **rows}
    return call("models.did", Ref("panel"), part.outcome, part.cohort, method=found.method, **options)


def policy_kinds(part: Did) -> list[str]:
    """Return what is done with the effects of a policy."""
    wanted = {"bacon": part.bacon, "honest": part.honest, "placebo": part.placebo, "drop_one": part.drop_one}
    wanted |= {"balance": part.match}
    return [kind for kind, given in wanted.items() if given]


def policy_call(part: Did, kind: str, seed: int) -> Any:
    """Return what is called on the effects of a policy."""
    fit = Ref("fit", part.name)
    match kind:
        case "honest":
            return method(fit, "honest", part.honest)
        case "placebo":
            return method(fit, "placebo", part.placebo, seed=seed, progress=False)
        case "drop_one":
            if part.drop_one == "unit":
                return method(fit, "drop_one")
            groups = method(Item(Ref("panel"), part.drop_one), "groupby", level=0)
            return method(fit, "drop_one", method(groups, "first"))
    return method(fit, kind)


def impacts_call(name: str, draws: int | None, seed: int) -> Any:
    """Return what computes the effects of a fit; those of a policy take no draws."""
    if draws is None:
        return method(Ref("fit", name), "impacts")
    return method(Ref("fit", name), "impacts", draws=draws, seed=seed)
