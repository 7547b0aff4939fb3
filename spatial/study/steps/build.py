"""The steps of a study: what each makes, from which values; first data, weights and diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from spatial.autocorrelation.global_moran import moran
from spatial.figures import moran_over_time, moran_scatter, save_figure
from spatial.figures.words import word
from spatial.io.atomic import file_stem, write_csv
from spatial.languages.messages import in_language
from spatial.languages.shown import digits, frame_text
from spatial.maps.maps import map_clusters
from spatial.study.cache import digest
from spatial.study.measured import measures_frame, weights_of_index
from spatial.study.schema import models as schema
from spatial.study.values import Values
from spatial.words import in_force, tell

from .figures import figure_key, make_figure, stamp
from .layers import layers_key, make_layers
from .models import analysis_steps, model_steps
from .report import make_report, report_key
from .step import Output, Step
from .tables import make_table, table_key

__all__ = ["build_steps"]


def build_steps(values: Values) -> list[Step]:
    """Return all steps of a study in order."""
    steps = [
        Step("data", digest(values.panel_key, values.words_key), lambda out: _data(values, out)),
        *_measures_steps(values),
        *_weights_steps(values),
        *_diagnostics_steps(values),
        *model_steps(values),
        *analysis_steps(values),
        *_output_steps(values),
    ]
    spoken = values.study.language  # each writes or shows words
    return steps if spoken == "en" else [replace(s, key=digest(spoken, s.key)) for s in steps]


def _output_steps(values: Values) -> Iterator[Step]:
    study = values.study
    makers: tuple[tuple[str, Any, Callable[..., None], Callable[..., str]], ...] = (
        ("tables", study.tables, make_table, table_key),
        ("figures", study.figures, make_figure, figure_key),
        ("layers", study.layers, make_layers, layers_key),
    )
    for section, parts, make, key_of in makers:
        for part in parts:
            key = digest(values.words_key, part.model_dump(), key_of(values, part))
            yield Step(f"{section}: {part.name}", key, _bound(make, values, part))
    if study.report is not None:
        key = digest(values.words_key, study.report.model_dump(), report_key(values, study.report))
        yield Step("report", key, _bound(make_report, values, study.report))


def _bound(make: Callable[..., None], values: Values, part: Any) -> Callable[[Output], None]:
    return lambda out: make(values, part, out)


# ---- data
def _data(values: Values, out: Output) -> None:
    panel = values.labelled
    if values.loaded.cut:
        both, cut = panel.n_units, in_language(values.loaded.cut, in_force())
        out.show(tell(f"Units in both map and panel: {both}; {cut}.", f"地图与面板共有个体：{both}；{cut}。"))
    write_csv(panel.history_frame(), out.path("tables", "cleaning.csv"), index=True)
    write_csv(panel.describe(), out.path("tables", "describe.csv"), index=True)


# ---- measures
def _measures_steps(values: Values) -> Iterator[Step]:
    names = [part.name for part in values.study.measures]
    if names:
        key = digest(values.columns_key(names), values.words_key)
        yield Step("measures", key, lambda out: _measures(values, out))


def _measures(values: Values, out: Output) -> None:
    frame = measures_frame(values)
    write_csv(frame, out.path("tables", "measures.csv"))
    out.facts += frame.astype(object).where(frame.notna(), None).to_dict("records")
    for part in values.study.measures:
        found = weights_of_index(values, part)
        if found is not None:
            write_csv(found, out.path("tables", f"measure_{file_stem(part.name)}.csv"))
    rows = frame[["name", "function", "rows", "missing", "mean", "min", "max"]]
    out.show(f"{tell('Measures', '测度')}\n{frame_text(rows, digits(4))}")


# ---- weights
def _weights_steps(values: Values) -> Iterator[Step]:
    for name in values.study.weights:
        yield Step(
            f"weights: {name}",
            values.weights_key(name),
            lambda out, name=name: _weights(values, name, out),  # type: ignore[misc]
        )


def _weights(values: Values, name: str, out: Output) -> None:
    W = values.weights(name)
    out.text(W.report().summary(), "tables", f"weights_{name}.txt")
    W.write(out.path("tables", f"weights_{name}.csv"))


# ---- diagnostics
def _diagnostics_steps(values: Values) -> Iterator[Step]:
    for part in values.study.diagnostics:
        weights = values.default_weights(part.weights)
        for column in part.columns:
            key = digest(
                values.columns_key([column]),
                values.words_key,
                values.weights_key(weights),
                part.model_dump(exclude={"columns", "weights"}),
                values.study.seed,
                column,
            )
            yield Step(
                f"diagnostics: {column}, {weights}",
                key,
                lambda out, part=part, column=column: _diagnose(values, part, column, out),  # type: ignore[misc]
            )


def _stem(values: Values, part: schema.Diagnostics, column: str) -> str:
    weights = values.default_weights(part.weights)
    first = weights == values.default_weights(None)
    return file_stem(column) if first else f"{file_stem(column)}_{weights}"


def _diagnose(values: Values, part: schema.Diagnostics, column: str, out: Output) -> None:
    stem, lang, seed = _stem(values, part, column), values.study.language, values.study.seed
    W = values.weights(part.weights)
    table = values.moran(part, column)
    write_csv(table, out.path("tables", f"moran_{stem}.csv"))
    name = values.default_weights(part.weights)
    label = values.label(column)
    title = tell(
        f"Moran's I of {label} ({column}), weights {name}", f"{label}（{column}）的莫兰指数，权重矩阵 {name}"
    )
    out.show(f"{title}\n{_by_time(table)}")
    if values.panel.n_times > 1:
        axes = moran_over_time(table, labels={column: values.label(column)}, lang=lang, alpha=part.alpha)
        stamp(values, axes)
        save_figure(axes, out.path("figures", f"moran_{stem}.png"))
    for given in _times(part):
        time = values.time(given)
        suffix = f"{stem}_{file_stem(str(time))}" if values.panel.n_times > 1 else stem
        result = moran(values.at(column, time), W, permutations=part.permutations, seed=seed)
        label = values.label(column)
        in_time = f"（{time}）" if lang == "zh" else f" ({time})"
        shown = f"{label}{in_time}" if values.panel.n_times > 1 else label
        title = word("scatter", lang, name=shown)
        local = values.local(part, column, given) if part.local else None
        axes = moran_scatter(result, name=label, lang=lang, title=title, local=local)
        stamp(values, axes)
        save_figure(axes, out.path("figures", f"moran_scatter_{suffix}.png"))
        if local is not None:
            write_csv(local.frame, out.path("tables", f"local_moran_{suffix}.csv"), index=True)
            title = word("clusters", lang, name=shown)
            axes = map_clusters(local, values.map, alpha=part.alpha, lang=lang, title=title)
            stamp(values, axes)
            save_figure(axes, out.path("figures", f"clusters_{suffix}.png"))


def _times(part: schema.Diagnostics) -> list[Any]:
    return [None] if part.times is None else list(part.times)


def _by_time(table: Any) -> str:
    rows = table[["time", "n", "I", "z_randomisation", "p_randomisation", "p_sim"]]
    return frame_text(rows, digits(4))
