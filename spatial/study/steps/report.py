"""The report of a study: its variables on the map, its tables and effects in their sections."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from spatial.errors import SpatialError, warn
from spatial.report.building import write_report
from spatial.report.findings import weak_finding
from spatial.report.foreign_tables import table_html
from spatial.report.payload import ReportData, Settings, build_report_data
from spatial.report.sections import Block, Sections, effects_section, pair_table
from spatial.study.cache import digest
from spatial.study.data import labels_of
from spatial.study.fits.results import stamps_of
from spatial.study.schema.layers import Report
from spatial.study.values import Values

from .step import Output
from .tables import built_table, table_key

__all__ = ["log_columns", "make_report", "report_key", "report_keys"]

_LOG = re.compile(r"log\([^()]+\)")
_DATA = frozenset({"descriptive", "correlation", "moran", "measures", "index", "cleaning"})


def report_key(values: Values, part: Report) -> str:
    """Return a digest of what the report depends on."""
    tables = [(t.model_dump(), table_key(values, t)) for t in values.study.tables]
    systems = [(values.system_key(s.name), values.impacts_key(s.name)) for s in _systems(values)]
    return digest(values.panel_key, values.weights_key(part.weights), tables, systems, values.study.seed)


def make_report(values: Values, part: Report, out: Output) -> None:
    """Write the report."""
    labels = _labels(values)
    data = values.kept_once("report", _data_key(values, part), lambda: _data(values, part, labels))
    title = part.title or values.study.heading
    write_report(
        out.path("report.html"),
        values.map,
        data,
        _tables(values) + _effects(values, labels) + _files(values),
        lang=values.study.language,
        names=part.name,
        group=part.group,
        title=(title, title) if title else None,
        stamp=_stamp(values),
        labels=labels,
        history=values.panel.history_frame(),
    )


def _data(values: Values, part: Report, labels: dict[str, tuple[str, str]]) -> ReportData:
    return build_report_data(
        values.labelled,
        list(part.columns),
        values.weights(part.weights),
        Settings(permutations=part.permutations, seed=values.study.seed),
        labels=labels,
        logs=log_columns(values, part),
    )


def report_keys(values: Values) -> list[str]:
    """Return the keys of what is kept for a report; of a study without one, none."""
    part = values.study.report
    return [] if part is None else [_data_key(values, part)]


def _data_key(values: Values, part: Report) -> str:
    how = (part.columns, part.permutations, values.study.seed, log_columns(values, part), _labels(values))
    return digest("report", values.panel_key, values.weights_key(part.weights), how)


def log_columns(values: Values, part: Report) -> list[str]:
    """Return the columns of a report that the study makes as logarithms: shown in units."""
    made = values.study.variables
    return [
        name for name in part.columns if name in made and _LOG.fullmatch((made[name].formula or "").strip())
    ]


def _labels(values: Values) -> dict[str, tuple[str, str]]:
    """Return the words of each column and of its spatial lags, in both languages."""
    pair = [
        labels_of(values.study.model_copy(update={"language": code}), values.loaded, values.panel)
        for code in ("en", "zh")
    ]
    found = {name: (pair[0].get(name, name), pair[1].get(name, name)) for name in {**pair[0], **pair[1]}}
    lags = {
        f"{w}({name})": (f"{w}×{text[0]}", f"{w}×{text[1]}")
        for w in values.study.weights
        for name, text in found.items()
    }
    return {**lags, **found}


def _stamp(values: Values) -> tuple[str, str]:
    said = [stamps_of(values.study, values.loaded, lang) for lang in ("en", "zh")]
    return " ".join(said[0]), "".join(said[1])


def _tried(what: str, make: Callable[[], Sections]) -> Sections:
    """Return a part of the report; one that cannot be made does not keep the report from being written."""
    try:
        return make()
    except SpatialError as error:
        warn(f"The report leaves {what} out: {error}")
        return Sections()


def _tables(values: Values) -> Sections:
    found = Sections()
    for part in values.study.tables:
        found += _tried(f"table {part.name!r}", partial(_table, values, part))
    return found


def _table(values: Values, part: Any) -> Sections:
    texts = []
    for place, lang in enumerate(("en", "zh")):
        spoken = copy.copy(values)  # the same values, in the words of another language
        spoken.study = values.study.model_copy(update={"language": lang})
        texts.append(table_html(built_table(spoken, part), part.name)[place])
    block = Block((part.heading("en") or part.name, part.heading("zh") or part.name), (texts[0], texts[1]))
    if part.kind == "weights":
        return Sections(weights=(block,))
    return Sections(data=(block,)) if part.kind in _DATA else Sections(models=(block,))


def _systems(values: Values) -> list[Any]:
    return [s for s in values.study.systems if s.expect == "fit" and s.impacts]


def _effects(values: Values, labels: dict[str, tuple[str, str]]) -> Sections:
    found = Sections()
    for part in _systems(values):
        found += _tried(f"the effects of {part.name!r}", partial(_effects_of, values, part.name, labels))
    return found


def _effects_of(values: Values, name: str, labels: dict[str, tuple[str, str]]) -> Sections:
    # A likelihood has no instruments, and so none that are weak.
    by_likelihood = values.part(name).method in ("ml", "mess")
    weak = () if by_likelihood else tuple(weak_finding(values.system(name).identification(), labels))
    found = values.impacts(name)
    # Multipliers may exist where the outcomes of a unit would never settle: no finding either.
    stable = found.stable and values.fit(name).stability().stable
    return effects_section(found.frame, ("", ""), labels, stable=stable) + Sections(weak=weak)


def _files(values: Values) -> Sections:
    if not values.files:
        return Sections()
    rows = [[name, found[:16]] for name, found in values.files.items()]
    table = pair_table([("File", "文件"), ("SHA-256, first 16", "SHA-256 前 16 位")], rows, text=2)
    return Sections(record=(Block(("Files that were read", "读取的文件"), table),))
