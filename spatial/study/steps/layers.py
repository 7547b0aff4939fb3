"""Steps of a study that write layers for GIS."""

from __future__ import annotations

from typing import Any

from spatial.io.atomic import file_stem
from spatial.study.cache import digest
from spatial.study.calls import Get, Item, Ref, call, method
from spatial.study.fits.labels import group_label
from spatial.study.schema.layers import Layers, UnitEffect
from spatial.study.values import Values

from .step import Output

__all__ = ["layers_call", "layers_key", "make_layers"]


def layers_key(values: Values, part: Layers) -> str:
    """Return a digest of what layers depend on."""
    keys = [values.panel_key, values.words_key]
    if "local" in part.include:
        for d in values.study.diagnostics:
            keys += [values.weights_key(d.weights), digest(d.model_dump(), values.study.seed)]
    if "weights" in part.include:
        keys += [values.weights_key(name) for name in values.study.weights]
    keys += [values.fit_key(name) for name in _residual_fits(values, part)]
    return digest(keys, [values.impacts_key(e.fit) for e in part.effects])


def _residual_fits(values: Values, part: Layers) -> list[str]:
    if "residuals" not in part.include:
        return []
    return [s.name for s in values.study.systems] if part.fits is None else part.fits


def make_layers(values: Values, part: Layers, out: Output) -> None:
    """Write layers."""
    values.run(layers_call(values, part, out.path("gis", f"{part.name}.{part.format}")))


def layers_call(values: Values, part: Layers, path: Any) -> Any:
    """Return what writes layers to a file."""
    layers: dict[str, Any] = {}
    info: dict[str, Any] = {}
    dated, chinese = values.panel.n_times > 1, values.study.language == "zh"
    if "data" in part.include:
        rows = method(Ref("panel"), "at", Ref("time", part.at))
        layers["data"] = method(rows, "select_dtypes", "number")
        title = "数据" if chinese else "Data"
        when = {"title": f"{title}, {values.time(part.at)}", "time": Ref("time", part.at)} if dated else {}
        info["data"] = call("LayerInfo", **{"title": title, **when})
    for name in values.study.groups if "groups" in part.include else ():
        layers[f"group_{name}"] = _group(values, name, part.at)
        info |= {f"group_{name}": call("LayerInfo", time=Ref("time", part.at))} if dated else {}
    if "local" in part.include:
        for name, (number, column, given) in _local_layers(values).items():
            layers[name] = Ref("local", (number, column, given))
            value = Item(method(Ref("panel"), "at", Ref("time", given)), column)
            when = {"time": Ref("time", given)} if dated else {}
            info[name] = call("LayerInfo", values=value, **when)
    for name in _residual_fits(values, part):
        layers[f"residuals_{name}"] = Get(Ref("fit", name), "residuals")
        title = f"{name} 的残差" if chinese else f"Residuals of {name}"
        info[f"residuals_{name}"] = call("LayerInfo", title=title)
    if part.effects:
        layers["effects"] = _effects_frame(part.effects)
    if "weights" in part.include:
        layers |= {f"weights_{name}": Ref("weights", name) for name in values.study.weights}
    lang = values.study.language
    words = {} if part.attributes is None else {"attributes": part.attributes}
    # Of the whole map: units that were cut are hatched, and leave no holes.
    return call(
        "write_layers", path, Ref("map"), layers, labels=Ref("term labels"), info=info, lang=lang, **words
    )


def _group(values: Values, name: str, at: Any) -> Any:
    """Return the group of each unit, in words where the study has some."""
    column = Item(method(Ref("panel"), "at", Ref("time", at)), name)
    levels = values.panel[name].dropna().unique().tolist()
    said = {level: group_label(values, name, level) for level in levels}
    return column if all(level == text for level, text in said.items()) else method(column, "map", said)


def _local_layers(values: Values) -> dict[str, tuple[int, str, Any]]:
    """Return the names of layers with local results: the diagnostic, the column and the time of each."""
    found: dict[str, tuple[int, str, Any]] = {}
    for number, part in enumerate(values.study.diagnostics):
        if not part.local:
            continue
        weights = values.default_weights(part.weights)
        suffix = "" if weights == values.default_weights(None) else f"_{weights}"
        for column in part.columns:
            for given in [None] if part.times is None else part.times:
                when = f"_{values.time(given)}" if values.panel.n_times > 1 else ""
                found[file_stem(f"local_{column}{suffix}{when}")] = (number, column, given)
    return found


def _effects_frame(effects: list[UnitEffect]) -> Any:
    columns: dict[str, Any] = {}
    for part in effects:
        name = f"{part.effect} {part.term} on {part.outcome}"
        name = name if name not in columns else f"{name}, {part.fit}"
        columns[name] = method(Ref("impacts", part.fit), "by_unit", part.outcome, part.term, part.effect)
    return call("pd.DataFrame", columns)
