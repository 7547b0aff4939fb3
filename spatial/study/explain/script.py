"""A study as a Python script that does the same: each section is a line, from the calls that a run makes."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import plain
from spatial.io.sources import is_database, without_password
from spatial.study.calls import Get, Ref, call, method, refs, written
from spatial.study.columns import lines
from spatial.study.fits.estimates import impacts_call, policy_call, policy_kinds, system_call
from spatial.study.fits.named import analyses, sections
from spatial.study.schema.models import Did
from spatial.study.steps.figures import figure_call
from spatial.study.steps.layers import layers_call
from spatial.study.steps.report import log_columns
from spatial.study.steps.tables import WRITERS, script_of
from spatial.study.values import Values
from spatial.study.weights import other_weights, weights_call

__all__ = ["as_python"]

_RESERVED = {"sp", "pd", "panel", "cities", "sample", *keyword.kwlist}


def as_python(values: Values) -> str:
    """Return the script of a study, to go on from; it runs in the folder of the study file."""
    return _Script(values).text()


class _Script:
    """Lines in an order that runs: what a line needs is written before it, once."""

    def __init__(self, values: Values) -> None:
        self.values, self.study = values, values.study
        self.body: list[str] = []
        self.names: dict[Ref, str] = {Ref("panel"): "panel", Ref("cities"): "cities", Ref("map"): "cities"}
        self.taken = set(_RESERVED)

    def text(self) -> str:
        self._data()
        self._panel()
        for number, part in enumerate(self.study.diagnostics):
            for column in part.columns:
                self._comment(f"Moran's I of {column}")
                self.need(Ref("moran of", (number, column)))
        for section, _, part in sections(self.study):
            self._comment(f"[{section}] {part.name}")
            self._fits(section, part)
        for section, _, analysis in analyses(self.study):
            self._comment(f"[{section}] {analysis.name}")
            if self.values.analysis_call(analysis.name) is None:
                self.body.append("# draws of the sample are made of the study itself: see its files")
            else:
                self.need(Ref("analysis", analysis.name))
        self._outputs()
        head = [f'"""{self.study.heading}"""' if self.study.heading else "", "import spatial as sp"]
        for module, name in (("pandas", "pd"), ("geopandas", "gpd")):
            if any(f"{name}." in line for line in self.body):
                head.insert(1, f"import {module} as {name}")
        return "\n".join([*filter(None, head), "", *self.body, ""])

    # ---- writing
    def _comment(self, text: str) -> None:
        self.body += ["", f"# {text}"]

    def write(self, part: Any, target: str = "") -> None:
        """Write a line, after those that it needs."""
        for ref in sorted(refs(part), key=str):
            self.need(ref)
        text = written(part, self.name)
        self.body.append(f"{target} = {text}" if target else text)

    def name(self, ref: Ref) -> str:
        """Return how a line calls a value."""
        if ref.kind == "time":
            time = plain(self.values.panel.times[-1] if ref.name is None else ref.name)
            return f'pd.Timestamp("{time}")' if isinstance(time, pd.Timestamp) else repr(time)
        return self.names[ref]

    def _variable(self, ref: Ref, wanted: str) -> str:
        stem = re.sub(r"\W+", "_", wanted).strip("_") or "value"
        stem = f"_{stem}" if stem[0].isdigit() else stem
        name, number = stem, 2
        while name in self.taken:
            name, number = f"{stem}_{number}", number + 1
        self.taken.add(name)
        self.names[ref] = name
        return name

    # ---- data
    def _data(self) -> None:
        data = self.study.data
        self._comment("data")
        if data.sample is not None:
            self.body.append(f'sample = sp.shapefiles.load_sample("{data.sample}")')
            self.body.append("cities, panel = sample")
        if data.cities is not None:
            self.write(self._cities(data.cities), "cities")
        if data.panel is not None:
            self.write(self._read_panel(data.panel), "panel")
        elif data.sample is None:
            self.body.append('panel = sp.Panel.from_frame(cities.drop(columns="geometry").assign(period=0)')
            self.body[-1] += ', unit=cities.index.name, time="period")'
        if data.common or data.sample is not None:
            self.names[Ref("map")] = "whole_map"
            self.taken.add("whole_map")
            self.body.append("whole_map = cities")
            self.body.append("shared = cities.index.intersection(panel.units)")
            self.body.append("cities, panel = cities.loc[shared], panel.restrict(units=shared)")
        if data.join_map:
            columns = ", ".join(f'"{column}"' for column in data.join_map)
            self.body.append(f"panel = panel.join(cities[[{columns}]])")

        for name, policy in data.policies.items():
            given = {"sheet": policy.sheet, "encoding": policy.encoding}
            options = {key: value for key, value in given.items() if value is not None}
            words = {"unit": policy.unit, "start": policy.start, **options}
            made = call("read_calendar", policy.file, Ref("panel"), **words)
            self.write(method(Ref("panel"), "join", method(made, "to_frame", name)), "panel")

    def _cities(self, part: Any) -> Any:
        seat = tuple(part.seat) if isinstance(part.seat, list) else part.seat
        window = None if part.bbox is None else tuple(part.bbox)
        given = {
            "crs": part.crs,
            "layer": part.layer,
            "encoding": part.encoding,
            "seat": seat,
            "bbox": window,
        }
        options = {key: value for key, value in given.items() if value is not None}
        return call("read_cities", _source(part.file), id=part.id, **options)

    def _read_panel(self, part: Any) -> Any:
        sheet = part.sheet if part.table is None else part.table
        given = {"sheet": sheet, "encoding": part.encoding, "columns": part.columns}
        options = {key: value for key, value in given.items() if value is not None}
        return call("read_panel", _source(part.file), unit=part.unit, time=part.time, **options)

    def _panel(self) -> None:
        self._comment("cleaning, measures, variables: in an order that their names give")
        whole = {name for part in self.study.weights for name in self._means(part)}
        if whole and any(line.chooses for line in lines(self.study, self.values.raw)):
            self.body.append("panel_all = panel  # all times as read, for weights made of columns")
            self.names[Ref("panel all")] = "panel_all"
            for line in lines(self.study, self.values.raw, whole):
                if not line.chooses:
                    self._panel_line(line, "panel_all")
        made = lines(self.study, self.values.raw)
        chosen = [k for k, line in enumerate(made) if line.chooses]
        for k, line in enumerate(made):
            self._panel_line(line, "panel")
            if chosen and k == chosen[-1]:
                if self.names[Ref("map")] == "cities":
                    self.names[Ref("map")] = "whole_map"
                    self.body.append("whole_map = cities")
                self.body.append("cities = cities.loc[panel.units]  # weights are of the units that stay")
        own = [*(part.name for part in self.study.measures), *self.study.variables]
        labels = {name: self.values.labels[name] for name in own if name in self.values.labels}
        if labels:
            self.write(method(Ref("panel"), "with_labels", labels), "panel")

    def _panel_line(self, line: Any, panel: str) -> None:
        self.names[Ref("panel")] = panel
        target = panel if line.target == Ref("panel") else self.names.get(line.target)
        wanted = target or self._variable(line.target, f"{line.target.name}_measured")
        self.write(line.call, wanted)
        self.names[Ref("panel")] = "panel"

    def _means(self, weights: str) -> set[str]:
        found = refs(weights_call(self.study, weights, self.values.folder, self.values.raw))
        return {ref.name[0] for ref in found if ref.kind == "mean"}

    # ---- values
    def need(self, ref: Ref) -> None:
        """Write what makes a value, if nothing has made it."""
        if ref in self.names or ref.kind == "time":
            return
        values = self.values
        match ref:
            case Ref(kind="weights", name=name):
                # A file is named as in the study: the script runs in its folder.
                made = weights_call(self.study, name, Path(), values.raw)
                self.write(made, self._variable(ref, name))
            case Ref(kind="mean", name=(column, times)):
                panel = self.names.get(Ref("panel all"), "panel")
                table = f'{panel}["{column}"].unstack()'
                table += "" if times is None else f"[{list(times)!r}]"
                target = self._variable(ref, f"{column}_mean")
                self.body.append(f"{target} = {table}.mean(axis=1, skipna=False)")
            case Ref(kind="map column", name=name):
                self.names[ref] = f'cities["{name}"]'
            case Ref(kind="table", name=name):
                if name in self.study.data.industries:
                    self._industries(ref, name)
                else:
                    self.names[ref] = f'sample.tables["{name}"]'
            case Ref(kind="reference", name=name):
                if name in self.study.data.industries:
                    self._reference(ref, name)
                else:
                    self.names[ref] = f'sample.references["{name}"]'
            case Ref(kind="moran of", name=(number, column)):
                part = self.study.diagnostics[number]
                self.write(values.moran_call(part, column), self._variable(ref, f"moran_{column}"))
            case Ref(kind="moran", name=name):
                numbers = [
                    (number, column)
                    for number, part in enumerate(self.study.diagnostics)
                    for column in part.columns
                    if values.default_weights(part.weights) == name
                ]
                made = call("pd.concat", [Ref("moran of", one) for one in numbers], ignore_index=True)
                self.write(made, self._variable(ref, f"moran_{name}"))
            case Ref(kind="local", name=(number, column, given)):
                made = values.local_call(self.study.diagnostics[number], column, given)
                self.write(made, self._variable(ref, f"local_{column}"))
            case Ref(kind="system", name=name):
                part, group = values.part(name), values.fits[name].group
                self.write(system_call(self.study, part, group), self._variable(ref, f"{name}_system"))
            case Ref(kind="fit", name=name):
                self.write(values.fit_call(name), self._variable(ref, name))
            case Ref(kind="impacts", name=name):
                made = impacts_call(name, getattr(values.part(name), "draws", None), self.study.seed)
                self.write(made, self._variable(ref, f"{name}_impacts"))
            case Ref(kind="other weights", name=(name, spec)):
                made = weights_call(other_weights(self.study, name, spec), name, Path(), values.raw)
                self.write(made, self._variable(ref, f"{name}_{spec}"))
            case Ref(kind="shapes", name=name):
                self.names[ref] = f'gpd.read_file("{name}")'
            case Ref(kind="printed", name=name):
                self.write(self.study.printed[name].typed(), self._variable(ref, f"printed_{name}"))
            case Ref(kind="analysis", name=name):
                self.write(values.analysis_call(name), self._variable(ref, name))
            case Ref(kind="policy", name=(name, kind)):
                made = policy_call(values.part(name), kind, values.study.seed)
                self.write(made, self._variable(ref, f"{name}_{kind}"))
            case Ref(kind="table labels"):
                self.names[ref] = "panel"
            case Ref(kind="term labels"):
                self.names[ref] = "panel.labels"
            case _:
                raise KeyError(ref)

    def _industries(self, ref: Ref, name: str) -> None:
        part = self.study.data.industries[name]
        keys = ("industry", "value", "columns", "sheet", "encoding")
        options = {key: getattr(part, key) for key in keys if getattr(part, key) is not None}
        options |= {} if part.codes == "GB/T 4754-2017" else {"codes": part.codes}
        made = call("read_industries", part.file, unit=part.unit, time=part.time, **options)
        self.write(made, self._variable(ref, name))

    def _reference(self, ref: Ref, name: str) -> None:
        part = self.study.data.industries[name]
        columns = Get(Ref("table", name), "columns")
        made = call("read_reference", part.reference, time=part.time, columns=columns, codes=part.codes)
        self.write(made, self._variable(ref, f"{name}_nation"))

    # ---- fits and outputs
    def _fits(self, section: str, part: Any) -> None:
        if part.expect == "refusal":
            self.body.append(f"# {part.name} is refused; it shows why: see [{section}] in the study")
            return
        names = self.values.fits_of(part.name)
        for name in names:
            self.need(Ref("fit", name))
        if section == "systems" and part.name in names and part.impacts:
            self.need(Ref("impacts", part.name))
        for kind in policy_kinds(part) if isinstance(part, Did) else ():
            self.need(Ref("policy", (part.name, kind)))

    def _outputs(self) -> None:
        language = self.study.language
        for part in self.study.tables:
            self._comment(f"[tables] {part.name}")
            made = script_of(self.values, part)
            if made is None:
                self.body.append(f"# kind = {part.kind!r} is made of the study itself: see its files")
                continue
            table = self._variable(Ref("table of", part.name), f"table_{part.name}")
            self.write(made, table)
            for kind in part.formats:
                if kind in WRITERS:
                    self.body.append(f'{table}.{WRITERS[kind]}("{part.file(language)}.{kind}")')
        for figure in self.study.figures:
            self._comment(f"[figures] {figure.name}")
            if figure.kind == "monte_carlo":
                self.body.append("# draws of the sample are made of the study itself: see its files")
                continue
            drawn = figure_call(self.values, figure)
            self.write(call("save_figure", drawn, f"{figure.file(language)}.{figure.format}"))
        for layers in self.study.layers:
            self._comment(f"[layers] {layers.name}")
            self.write(layers_call(self.values, layers, f"{layers.name}.{layers.format}"))
        if self.study.report is not None:
            self._comment("[report]")
            self._report()

    def _report(self) -> None:
        part = self.study.report
        assert part is not None
        weights = Ref("weights", self.values.default_weights(part.weights))
        words: dict[str, Any] = {"lang": self.study.language, "names": part.name, "group": part.group}
        words |= {"logs": log_columns(self.values, part) or None}
        words |= {"title": part.title or self.study.heading or None}
        draws = {"permutations": part.permutations, "seed": self.study.seed}
        given = (Ref("cities"), Ref("panel"), list(part.columns), weights, "report.html")
        said = {key: value for key, value in words.items() if value is not None}
        self.write(call("explore", *given, **said, **draws))


def _source(text: str) -> str:
    return without_password(text) if is_database(text) else text
