"""What comes after a fit - mechanisms, groups, robustness, tests, sensitivity - each a public function."""

from __future__ import annotations

from typing import Any

from spatial.models.formula.grammar import parse_effects
from spatial.panel.conditions import parse_condition
from spatial.study.calls import Get, Item, Ref, call, method
from spatial.study.schema import questions as ask
from spatial.study.schema.analyses import Heterogeneity, Mechanism, Moderation
from spatial.study.schema.study import Study
from spatial.study.schema.variants import Robustness

from .estimates import covariance_call, given_keys, rows_of
from .formulas import expanded, formula_columns, formula_of
from .named import FitName, resolved, sections
from .varied import changes

__all__ = [
    "analysis_call",
    "analysis_columns",
    "fit_of_analysis",
    "of_fits",
]


def of_fits(part: Any) -> list[str]:
    """Return the names of the fits that an analysis takes further."""
    return list(part.fits) if hasattr(part, "fits") else [part.of] if hasattr(part, "of") else []


def analysis_columns(study: Study, part: Any) -> list[str]:
    """Return the columns that it reads besides those of its fit."""
    found: list[str] = [use.name for use in part.uses() if use.what == "column"]
    if isinstance(part, ask.Select):
        found += formula_columns(formula_of(part.formula, study.terms, []))
        found += [name for product in parse_effects(part.effects) for name in product]
        found += list(parse_condition(part.where).columns) if part.where is not None else []
    by = getattr(part, "by", None)
    return list(
        dict.fromkeys([*found, *([by] if isinstance(by, str) and by not in ("unit", "time") else [])])
    )


def fit_of_analysis(study: Study, found: FitName) -> Any:
    """Return where a fit of an analysis is found in its result."""
    part = getattr(study, found.section)[found.number]
    return Item(Get(Ref("analysis", part.name), "fits"), found.method)


def analysis_call(study: Study, part: Any) -> Any:
    """Return what an analysis calls; of tests a mapping of fits to calls."""
    match part:
        case Mechanism():
            section, number = next((s, k) for s, k, one in sections(study) if one.name == part.of)
            of = resolved(study, section, number)
            options = given_keys(part, "style", "bootstrap", "interval", "level")
            options |= {"seed": study.seed, "effects": tuple(of.effects)}
            options |= {"cov": covariance_call(of.cov, study.seed)}
            options |= {} if part.W is None else {"W": Ref("weights", part.W)}
            given = (of.formula, Ref("panel"), part.treatment, part.mediators)
            return call("models.mechanism", *given, **options, **rows_of(of))
        case Moderation():
            options = given_keys(part, "centre", "equation", "level")
            return call("models.moderation", Ref("fit", part.of), part.treatment, part.by, **options)
        case Heterogeneity():
            options = given_keys(part, "test", "terms", "permutations")
            return call("models.heterogeneity", Ref("fit", part.of), part.by, **options, seed=study.seed)
        case Robustness():
            options = {} if part.terms is None else {"terms": part.terms}
            return call("models.robustness", Ref("fit", part.of), _variants(study, part), **options)
        case ask.LeaveOneOut() | ask.Oster() | ask.PlausiblyExogenous():
            own = [
                key
                for key in type(part).model_fields
                if key not in ("name", "en", "zh", "of", "kind", "term")
            ]
            given_range = {"range": tuple(part.range)} if isinstance(part, ask.PlausiblyExogenous) else {}
            options = {**given_keys(part, *(key for key in own if key != "range")), **given_range}
            return call(part.function, Ref("fit", part.of), part.term, **options)
        case ask.Select():
            name = next(iter(study.weights)) if part.weights is None else part.weights
            options = {"effects": tuple(part.effects), **given_keys(part, "alpha", "where")}
            text = expanded(part.formula, study.terms, [name])
            return call("models.select", text, Ref("panel"), {name: Ref("weights", name)}, **options)
        case ask.Hausman(fits=(a, b), form=form):
            options = {} if form == "classic" else {"kind": form}
            options |= given_keys(part, "covariance")
            return {f"{a}, {b}": call(part.function, Ref("fit", a), Ref("fit", b), **options)}
    return {name: _test(study, part, Ref("fit", name)) for name in part.fits}


def _test(study: Study, part: Any, fit: Ref) -> Any:
    match part:
        case ask.Mundlak():
            return call(part.function, fit, kind="mundlak", **given_keys(part, "covariance"))
        case ask.UTest():
            return call(part.function, fit, part.term, **given_keys(part, "square", "equation", "level"))
        case ask.SerialCorrelation():
            options = {} if part.form == "differences" else {"kind": part.form}
            return call(part.function, fit, **options, **given_keys(part, "covariance"))
        case ask.MoranResiduals():
            weights = next(iter(study.weights), None) if part.weights is None else part.weights
            return method(fit, part.function, weights, permutations=part.permutations, seed=study.seed)
        case ask.Wald():
            return call(part.function, fit, part.hypothesis, **given_keys(part, "equation"))
        case ask.AndersonRubin():
            return method(fit, part.function, **given_keys(part, "level", "equation"))
        case ask.LagrangeMultipliers():
            return method(fit, part.function)
    return call(
        part.function, fit, **(given_keys(part, "equation") if isinstance(part, ask.PesaranCD) else {})
    )


# ---- robustness
def _variants(study: Study, part: Robustness) -> dict[str, Any]:
    of = next((one for *_, one in sections(study) if one.name == part.of.split(".")[0]), None)
    policy = of is not None and hasattr(of, "cohort")
    found = {}
    for name, change in changes(part):
        done = dict(change)
        if "cov" in done:
            done["cov"] = covariance_call(done["cov"], study.seed)
        if "sample" in done:
            sample = study.samples[done.pop("sample")]
            done |= {"where": sample.where} | ({} if sample.lags == "full" else {"lags": sample.lags})
        if "weights" in done:
            other = {key: Ref("other weights", (key, spec)) for key, spec in done["weights"].items()}
            done["weights"] = other
            if policy:
                done["W"] = next(iter(done.pop("weights").values()))
        if "W" in done and isinstance(done["W"], str):
            done["W"] = Ref("weights", done["W"])
        if "error" in done:
            done["error"] = done["error"] or None
        for key in ("add", "drop", "instruments"):
            if key in done:
                done[key] = [term for text in done[key] for term in study.terms.get(text, [text])]
        found[name] = done
    return found
