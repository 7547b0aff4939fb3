"""Steps of a study that show: tables, figures, layers and the report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

import spatial as sp
from spatial.errors import SpatialError, SpatialWarning
from spatial.study.cache import digest
from spatial.study.schema import outputs
from spatial.study.values import Values

from .step import Output, Step
from .tables import built_table, make_table, table_key

__all__ = ["output_steps"]


def output_steps(values: Values) -> Iterator[Step]:
    """Return the steps of [[tables]], [[figures]], [[layers]] and [report]."""
    study = values.study
    makers: tuple[tuple[str, Any, Callable[..., None], Callable[..., str]], ...] = (
        ("tables", study.tables, make_table, table_key),
        ("figures", study.figures, _figure, _figure_key),
        ("layers", study.layers, _layers, _layers_key),
    )
    for section, parts, make, key_of in makers:
        for part in parts:
            key = digest(values.words_key, part.model_dump(), key_of(values, part))
            yield Step(f"{section}: {part.name}", key, _bound(make, values, part))
    if study.report is not None:
        key = digest(values.words_key, study.report.model_dump(), _report_key(values, study.report))
        yield Step("report", key, _bound(_report, values, study.report))


def _bound(make: Callable[..., None], values: Values, part: Any) -> Callable[[Output], None]:
    return lambda out: make(values, part, out)


# ---- figures
def _figure_key(values: Values, part: Any) -> str:
    match part:
        case outputs.Connectivity() | outputs.Neighbours():
            return values.weights_key(part.weights)
        case outputs.Coefficients(fits=fits):
            return digest([values.fit_key(name) for name in fits])
        case outputs.ImpactsFigure(fit=fit) | outputs.EffectsMap(fit=fit):
            return values.impacts_key(fit)
    return values.panel_key


def _figure(values: Values, part: Any, out: Output) -> None:
    axes = _axes(values, part)
    if part.title is not None:
        axes.set_title(part.title)
    sp.save_figure(axes, out.path("figures", f"{part.name}.{part.format}"))


def _axes(values: Values, part: Any) -> Any:
    lang = values.study.language
    match part:
        case outputs.Connectivity():
            return values.weights(part.weights).plot(values.cities)
        case outputs.Neighbours():
            return sp.neighbour_histogram(values.weights(part.weights), lang=lang)
        case outputs.Density():
            times = None if part.times is None else [values.time(t) for t in part.times]
            return sp.density_ridges(values.labelled, part.column, times, lang=lang)
        case outputs.Coefficients():
            fits = {name: values.fit(name) for name in part.fits}
            return sp.coefficient_plot(
                fits, terms=part.terms, labels=values.term_labels, equation=part.equation, lang=lang
            )
        case outputs.ImpactsFigure():
            found = values.impacts(part.fit)
            outcome = part.outcome or str(found.tidy()["outcome"].iloc[0])
            return sp.impacts_plot(found, labels=values.term_labels, outcome=outcome, lang=lang)
    return _map(values, part, lang)


def _map(values: Values, part: Any, lang: Any) -> Any:
    classes = {"scheme": part.scheme, "k": part.classes, "lang": lang}
    if isinstance(part, outputs.SmallMultiples):
        times = None if part.times is None else [values.time(t) for t in part.times]
        return sp.small_multiples(values.cities, values.labelled, part.column, times, **classes)
    if isinstance(part, outputs.EffectsMap):
        effect = values.impacts(part.fit).by_unit(part.outcome, part.term, part.effect)
        return sp.map_values(values.cities, effect, legend_title=_effect_words(values, part), **classes)
    shown = values.at(part.column, values.time(part.at))
    return sp.map_values(values.cities, shown, legend_title=values.label(part.column), **classes)


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


# ---- layers
def _layers_key(values: Values, part: outputs.Layers) -> str:
    keys = [values.panel_key]
    if "local" in part.include:
        for d in values.study.diagnostics:
            keys += [values.weights_key(d.weights), digest(d.model_dump(), values.study.seed)]
    if "weights" in part.include:
        keys += [values.weights_key(name) for name in values.study.weights]
    keys += [values.fit_key(name) for name in _residual_fits(values, part)]
    return digest(keys, [values.impacts_key(e.fit) for e in part.effects])


def _residual_fits(values: Values, part: outputs.Layers) -> list[str]:
    if "residuals" not in part.include:
        return []
    return [s.name for s in values.study.systems] if part.fits is None else part.fits


def _layers(values: Values, part: outputs.Layers, out: Output) -> None:
    layers: dict[str, Any] = {}
    if "data" in part.include:
        layers["data"] = values.labelled.at(values.time(part.at)).select_dtypes("number")
    if "local" in part.include:
        layers |= _local_layers(values)
    layers |= {f"residuals_{name}": values.fit(name).residuals for name in _residual_fits(values, part)}
    if part.effects:
        layers["effects"] = _effects_frame(values, part.effects)
    if "weights" in part.include:
        layers |= {f"weights_{name}": values.weights(name) for name in values.study.weights}
    chinese = {n: v.zh for n, v in values.study.variables.items() if v.zh}
    path = out.path("gis", f"{part.name}.{part.format}")
    lang = values.study.language
    sp.write_layers(path, values.cities, layers, attributes=part.attributes, labels=chinese, lang=lang)


def _local_layers(values: Values) -> dict[str, Any]:
    found = {}
    for part in values.study.diagnostics:
        if not part.local:
            continue
        weights = values.default_weights(part.weights)
        suffix = "" if weights == values.default_weights(None) else f"_{weights}"
        for column in part.columns:
            for given in [None] if part.times is None else part.times:
                time = values.time(given)
                when = f"_{time}" if values.panel.n_times > 1 else ""
                found[f"local_{column}{suffix}{when}"] = values.local(part, column, time)
    return found


def _effects_frame(values: Values, effects: list[outputs.UnitEffect]) -> pd.DataFrame:
    columns = {}
    for part in effects:
        name = f"{part.effect} {part.term} on {part.outcome}"
        name = name if name not in columns else f"{name}, {part.fit}"
        columns[name] = values.impacts(part.fit).by_unit(part.outcome, part.term, part.effect)
    return pd.DataFrame(columns)


# ---- report
def _report_key(values: Values, part: outputs.Report) -> str:
    tables = [(t.model_dump(), table_key(values, t)) for t in values.study.tables]
    return digest(values.panel_key, values.weights_key(part.weights), tables, values.study.seed)


def _report(values: Values, part: outputs.Report, out: Output) -> None:
    from spatial.report.building import explore

    explore(
        values.cities,
        values.labelled,
        list(part.columns),
        values.weights(part.weights),
        out.path("report.html"),
        lang=values.study.language,
        names=part.name,
        permutations=part.permutations,
        seed=values.study.seed,
        tables=_report_tables(values) or None,
        title=part.title or values.study.title or None,
    )


def _report_tables(values: Values) -> dict[str, Any]:
    """Return the tables that can be made; one that cannot does not keep the report from being written."""
    found: dict[str, Any] = {}
    for part in values.study.tables:
        try:
            # Titles stand above the tables of the report already.
            found[part.title or part.name] = replace(built_table(values, part), title="")
        except SpatialError as error:
            warnings.warn(f"The report leaves table {part.name!r} out: {error}", SpatialWarning, stacklevel=2)
    return found
