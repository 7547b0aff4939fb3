"""Figures of a study: what each kind calls, and the file that is written."""

from __future__ import annotations

from typing import Any

from spatial.figures import save_figure
from spatial.figures.canvas import append_note
from spatial.study.cache import digest
from spatial.study.calls import Item, Ref, call, method
from spatial.study.schema import figures as schema
from spatial.study.values import Values

from .step import Output
from .terms import head_of

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
        case schema.ImpactsFigure(fit=fit) | schema.EffectsMap(fit=fit):
            return values.impacts_key(fit)
    return values.columns_key([part.column])


def make_figure(values: Values, part: Any, out: Output) -> None:
    """Draw and write a figure."""
    axes = values.run(figure_call(values, part))
    if part.title is not None and isinstance(part, schema.PolicyFigure):
        axes.set_title(part.title)
    stamp(values, axes)
    save_figure(axes, out.path("figures", f"{part.name}.{part.format}"))


def stamp(values: Values, axes: Any) -> None:
    """Write below a figure that its data were drawn."""
    for text in values.stamps:
        append_note(axes, text)


def figure_call(values: Values, part: Any) -> Any:
    """Return what draws a figure."""
    lang = values.study.language
    own = {} if part.title is None else {"title": part.title}
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
            fits = {head_of(values, name): Ref("fit", name) for name in values.named(part.fits)}
            words = {"labels": Ref("term labels"), "equation": part.equation, "lang": lang, **own}
            return call("coefficient_plot", fits, terms=part.terms, **words)
        case schema.PolicyFigure(kind=kind, of=of):
            found = Ref("fit", of) if kind == "event_study" else Ref("policy", (of, kind))
            return method(found, "plot", lang=lang)
        case schema.ImpactsFigure():
            outcome = part.outcome or str(values.impacts(part.fit).tidy()["outcome"].iloc[0])
            words = {"labels": Ref("term labels"), "lang": lang, **own}
            return call("impacts_plot", Ref("impacts", part.fit), outcome=outcome, **words)
    return _map(values, part, lang)


def _times(part: Any) -> list[Ref] | None:
    return None if part.times is None else [Ref("time", time) for time in part.times]


def _map(values: Values, part: Any, lang: str) -> Any:
    classes = {"scheme": part.scheme, "k": part.classes, "lang": lang}
    classes |= {} if part.title is None else {"title": part.title}
    if isinstance(part, schema.SmallMultiples):
        return call("small_multiples", Ref("map"), Ref("panel"), part.column, _times(part), **classes)
    if isinstance(part, schema.EffectsMap):
        effect = method(Ref("impacts", part.fit), "by_unit", part.outcome, part.term, part.effect)
        return call("map_values", Ref("map"), effect, legend_title=_effect_words(values, part), **classes)
    shown = Item(method(Ref("panel"), "at", Ref("time", part.at)), part.column)
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
