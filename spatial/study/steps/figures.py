"""Figures of a study: what each kind calls, and the file that is written."""

from __future__ import annotations

from typing import Any

from spatial.errors import DataError
from spatial.figures import save_figure
from spatial.figures.canvas import append_note
from spatial.figures.words import word
from spatial.study.cache import digest
from spatial.study.calls import Item, Ref, call, method
from spatial.study.schema import figures as schema
from spatial.study.values import Values

from .step import Output
from .terms import groups_of, head_of, models_of, variant_labels

__all__ = ["figure_call", "figure_key", "make_figure", "stamp"]


def figure_key(values: Values, part: Any) -> str:
    """Return a digest of what a figure depends on."""
    match part:
        case schema.Connectivity() | schema.Neighbours():
            return values.weights_key(part.weights)
        case schema.Coefficients(fits=fits):
            return digest([values.fit_key(name) for name in values.named(fits)])
        case schema.PolicyFigure(of=of):
            return digest(values.fit_key(of), values.part(of).model_dump())
        case schema.AnalysisFigure(of=of):
            return values.analysis_key(of)
        case schema.ThresholdFigure(of=of):
            return values.fit_key(of)
        case schema.MoranScatter(column=column, weights=weights):
            return digest(values.columns_key([column]), values.weights_key(weights), values.study.seed)
        case schema.CohortMap(cohort=cohort):
            return values.columns_key([cohort])
        case schema.ImpactsFigure(fit=fit) | schema.EffectsMap(fit=fit):
            return values.impacts_key(fit)
    return values.columns_key([part.column])


def make_figure(values: Values, part: Any, out: Output) -> None:
    """Draw and write a figure."""
    axes = values.run(figure_call(values, part))
    stamp(values, axes)
    save_figure(axes, out.path("figures", f"{part.file(values.study.language)}.{part.format}"))


def stamp(values: Values, axes: Any) -> None:
    """Write below a figure that its data were drawn."""
    for text in values.stamps:
        append_note(axes, text)


def figure_call(values: Values, part: Any) -> Any:
    """Return what draws a figure."""
    lang = values.study.language
    own = _own_title(part, lang)
    match part:
        case schema.Connectivity():
            weights = Ref("weights", values.default_weights(part.weights))
            return method(weights, "plot", Ref("map"), lang=lang, **own)
        case schema.Neighbours():
            weights = Ref("weights", values.default_weights(part.weights))
            return call("neighbour_histogram", weights, lang=lang, **own)
        case schema.Density():
            return call("density_ridges", Ref("panel"), part.column, _times(part), lang=lang, **own)
        case schema.Coefficients():
            named = values.named(part.fits)
            models = part.names or models_of(values, named)
            fits = {text: Ref("fit", name) for text, name in zip(models, named, strict=True)}
            words = {"labels": Ref("term labels"), "equation": part.equation, "lang": lang, **own}
            return call("coefficient_plot", fits, terms=part.terms, **words)
        case schema.PolicyFigure(kind="rings", of=of):
            return call("figures.decay_plot", Ref("fit", of), labels=Ref("term labels"), lang=lang, **own)
        case schema.PolicyFigure(kind=kind, of=of):
            if kind == "event_study":
                return method(Ref("fit", of), "plot", labels=Ref("term labels"), lang=lang, **own)
            words = {"labels": Ref("term labels")} if kind == "balance" else {}
            return method(Ref("policy", (of, kind)), "plot", **words, lang=lang, **own)
        case schema.AnalysisFigure():
            return _analysis(values, part, lang)
        case schema.ThresholdFigure():
            number = {} if part.number is None else {"number": part.number}
            return method(Ref("fit", part.of), "plot", **number, labels=Ref("term labels"), lang=lang, **own)
        case schema.MoranScatter():
            weights = Ref("weights", values.default_weights(part.weights))
            words = {"column": part.column, "name": values.label(part.column), "lang": lang, **own}
            words |= {"permutations": part.permutations, "at": _at(part)}
            return call("moran_scatter", Ref("panel"), weights, **words)
        case schema.ImpactsFigure():
            outcome = part.outcome or str(values.impacts(part.fit).tidy()["outcome"].iloc[0])
            words = {"labels": Ref("term labels"), "lang": lang, **own}
            return call("impacts_plot", Ref("impacts", part.fit), outcome=outcome, **words)
    return _map(values, part, lang)


def _own_title(part: Any, lang: str) -> dict[str, Any]:
    heading = part.heading(lang)
    return {} if heading is None else {"title": heading}


def _at(part: Any) -> Any:
    if part.times is not None:
        return [Ref("time", time) for time in part.times]
    return part.at if part.at in ("all", "pooled") else Ref("time", part.at)


def _times(part: Any) -> list[Ref] | None:
    return None if part.times is None else [Ref("time", time) for time in part.times]


def _analysis(values: Values, part: Any, lang: str) -> Any:
    found, kind = Ref("analysis", part.of), part.kind
    words = _own_title(part, lang) | ({} if part.term is None else {"term": part.term})
    match kind:
        case "u_test":
            first = Item(found, values.analysis_part(part.of).fits[0])
            return method(first, "plot", labels=Ref("term labels"), lang=lang, **_own_title(part, lang))
        case "sweep":
            words |= {"axis": axis} if (axis := _axis(values, part)) else {}
            return call("figures.decay_plot", found, **words, labels=Ref("term labels"), lang=lang)
        case "marginal_effects":
            words |= {} if part.by is None else {"by": part.by}
            words |= {"labels": Ref("term labels")}
        case "specification_curve" | "heterogeneity" | "monte_carlo":
            words |= {} if part.equation is None else {"equation": part.equation}
    if kind == "monte_carlo":
        fits = values.named(values.analysis_part(part.of).fits)
        words |= {"labels": {**values.term_labels, **{name: head_of(values, name) for name in fits}}}
        number = _printed_number(values, part)
        words |= {} if number is None else {"printed": number}
    if kind == "specification_curve":
        robustness = values.analysis_part(part.of)
        shown = part.term or next(iter(robustness.terms or []), "")
        words |= {"labels": variant_labels(values, robustness)}
        words |= {"name": values.term_labels[shown]} if shown in values.term_labels else {}
    if kind in ("leave_one_out", "plausibly_exogenous", "mechanism"):
        words |= {"labels": Ref("term labels")}
    if kind == "heterogeneity":
        words |= {"labels": {**values.term_labels, **groups_of(values, values.analysis_part(part.of))}}
    return method(found, "plot", **words, lang=lang)


def _axis(values: Values, part: Any) -> str:
    """Return what the numbers of a sweep are, where they are no distances."""
    each = values.analysis_part(part.of).each
    key, given = next(iter(each.items()), ("", [""]))
    if key.startswith("weights."):
        return word("neighbours", values.study.language) if str(given[0]).startswith("knn") else ""
    return "" if key in ("cov", "rings") else key.split(".")[-1]


def _printed_number(values: Values, part: Any) -> float | None:
    """Return the printed coefficient of the term of a figure."""
    if part.printed is None:
        return None
    typed = values.study.printed[part.printed].typed()
    for equation, term, text in zip(typed["equation"], typed["term"], typed["coefficient"], strict=True):
        if term == part.term and part.equation in (None, equation):
            return float(str(text).strip("*"))
    raise DataError(f"printed.{part.printed} has no {part.term!r} in the equation of {part.equation!r}.")


def _map_options(part: Any) -> dict[str, Any]:
    """Return the options of a map that are given."""
    found: dict[str, Any] = {}
    for key in ("crs", "scale_bar", "group", "subtitle", "note"):
        found |= {} if getattr(part, key) is None else {key: getattr(part, key)}
    if part.inset != "auto":
        found["inset"] = None if part.inset == "none" else tuple(part.inset)
    if part.extent is not None:
        found["extent"] = tuple(part.extent)
    if part.labels is not None:
        found["labels"] = Item(Ref("map"), part.labels)
    for key in ("background", "outline"):
        found |= {} if getattr(part, key) is None else {key: Ref("shapes", getattr(part, key))}
    return found | ({"north_arrow": True} if part.north_arrow else {})


def _map(values: Values, part: Any, lang: str) -> Any:
    own = {
        **_map_options(part),
        **_own_title(part, lang),
        "lang": lang,
    }
    if isinstance(part, schema.CohortMap):
        first = Item(method(Ref("panel"), "at", Ref("time", None)), part.cohort)
        return call("map_cohorts", Ref("map"), first, **own)
    classes = {"scheme": part.scheme, "k": part.classes, **own}
    if isinstance(part, schema.SmallMultiples):
        return call("small_multiples", Ref("map"), Ref("panel"), part.column, _times(part), **classes)
    if isinstance(part, schema.EffectsMap):
        effect = method(Ref("impacts", part.fit), "by_unit", part.outcome, part.term, part.effect)
        return call("map_values", Ref("map"), effect, legend_title=_effect_words(values, part), **classes)
    shown = Item(method(Ref("panel"), "at", Ref("time", part.at)), part.column)
    if part.subtitle is None and len(values.loaded.panel.times) > 1:  # a map says of which time it is
        time = str(values.time(None) if part.at is None else part.at)
        classes |= {"subtitle": time} if time not in str(own.get("title")) else {}
    return call("map_values", Ref("map"), shown, legend_title=values.label(part.column), **classes)


_EFFECTS = {
    "en": {
        "sent": "Effect of\n{term} here on\n{outcome} everywhere",
        "received": "Effect of\n{term} everywhere on\n{outcome} here",
        "direct": "Effect of\n{term} here on\n{outcome} here",
    },
    "zh": {
        "sent": "本地{term}对\n全部地区{outcome}的效应",
        "received": "全部地区{term}对\n本地{outcome}的效应",
        "direct": "本地{term}对\n本地{outcome}的效应",
    },
}


def _effect_words(values: Values, part: Any) -> str:
    text = _EFFECTS[values.study.language][part.effect]
    return text.format(term=values.label(part.term), outcome=values.label(part.outcome))
