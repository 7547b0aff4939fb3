"""A section is one public function and its keys are that function's arguments: data, cleaning and outputs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import spatial as sp
from spatial.study.run import StudyError, check_study
from spatial.study.schema import data, figures, layers, tables, weights
from spatial.study.schema import models as fits
from spatial.study.schema.base import Section
from spatial.study.schema.study import Study

LABELS = {"name", "en", "zh", "unit", "kind", "do", "format", "formats"}
TABLE = {"labels", "lang"}
FIGURE = {"ax", "lang", "captions"}
MAP = {"ax", "cmap", "options"}
MAP_KEYS = {"crs", "extent", "inset", "group", "labels", "background", "outline", "scale_bar", "north_arrow"}
MAP_KEYS |= {"subtitle", "note", "title"}
"""Of `options`: see `spatial.maps.maps.MapOptions`."""

# section: function, keys that are no arguments (they name rows, weights or labels), arguments without a key
# (they come from the study, or stay at what a careful author would do), keys under another name
Row = tuple[Any, set[str], set[str], dict[str, str]]
FUNCTIONS: dict[type[Section], Row] = {
    data.CitiesFile: (sp.read_cities, set(), {"drop_empty"}, {"file": "source"}),
    data.PanelFile: (sp.read_panel, {"table"}, {"decimal"}, {"file": "source"}),
    data.Industries: (sp.read_industries, {"format", "reference"}, set(), {"file": "source"}),
    data.Policy: (sp.read_calendar, set(), {"panel"}, {"file": "source"}),
    data.Group: (sp.group, {"column"}, {"values"}, {}),
    data.Interpolate: (sp.Panel.interpolate, set(), set(), {}),
    data.Winsorize: (sp.Panel.winsorize, set(), {"quantile"}, {}),
    data.Log: (sp.Panel.log, set(), set(), {"name": "name"}),
    data.Shift: (sp.Panel.shift, set(), set(), {"name": "name"}),
    data.Deflate: (sp.Panel.deflate, set(), set(), {"name": "name"}),
    data.Balance: (sp.Panel.balance, set(), set(), {}),
    data.ParseNumbers: (sp.Panel.parse_numbers, set(), set(), {}),
    data.Restrict: (sp.Panel.restrict, set(), set(), {}),
    data.Where: (sp.Panel.where, set(), set(), {"formula": "condition"}),
    weights.Economic: (
        sp.weights.economic, {"column", "times", "normalisation"}, {"values"}, {},
    ),
    weights.Gravity: (sp.weights.gravity, {"times", "normalisation"}, {"cities", "ellipsoid"}, {}),
    weights.Nested: (
        sp.weights.nested, {"weights", "normalisation"}, {"W_distance", "W_economic"}, {},
    ),
    weights.Weights: (sp.weights.from_spec, {"bridge", "normalisation"}, {"cities"}, {}),
    fits.Diagnostics: (
        sp.local_moran, {"columns", "weights", "times", "local"},
        {"x", "W", "seed", "fdr", "alternative", "moments", "missing", "keep_simulations", "workers",
         "executor", "folder", "progress", "stop_after"}, {},
    ),
    tables.RegressionTable: (
        sp.regression_table, {"printed"}, TABLE | {"effects_rows", "draws", "seed"}, {},
    ),
    tables.DescriptiveTable: (sp.descriptive_table, {"printed", "sample"}, TABLE | {"data", "stars"}, {}),
    tables.CorrelationTable: (sp.correlation_table, {"sample"}, TABLE | {"data", "style", "stars"}, {}),
    tables.MoranTable: (
        sp.moran_table, {"weights"}, TABLE | {"moran", "p", "style", "stars"}, {},
    ),
    tables.IdentificationTable: (sp.identification_table, {"system"}, TABLE | {"found"}, {}),
    tables.WeightsTable: (sp.weights_table, set(), {"lang"}, {}),
    figures.Connectivity: (
        sp.weights.Weights.plot, {"weights", "title"}, {"self", "cities", "ax", "options"}, {},
    ),
    figures.Neighbours: (sp.neighbour_histogram, {"title"}, FIGURE, {"weights": "W"}),
    figures.ValuesMap: (
        sp.map_values, {"column", "at", *MAP_KEYS},
        MAP | {"cities", "values", "hinge", "center", "legend_title"}, {"classes": "k"},
    ),
    figures.SmallMultiples: (
        sp.small_multiples, MAP_KEYS, MAP | {"cities", "panel", "center", "n_columns"}, {"classes": "k"},
    ),
    figures.EffectsMap: (
        sp.map_values, {"fit", "outcome", "term", "effect", *MAP_KEYS},
        MAP | {"cities", "values", "hinge", "center", "legend_title"}, {"classes": "k"},
    ),
    figures.CohortMap: (
        sp.map_cohorts, MAP_KEYS, {"cities", "ax", "options"}, {"cohort": "cohorts"},
    ),
    figures.Density: (
        sp.density_ridges, {"title"}, FIGURE | {"panel", "bandwidth", "overlap", "cmap"}, {},
    ),
    figures.Coefficients: (sp.coefficient_plot, {"names", "title"}, FIGURE | {"labels"}, {}),
    figures.ImpactsFigure: (sp.impacts_plot, {"title"}, FIGURE | {"labels"}, {"fit": "impacts"}),
    figures.MoranScatter: (
        sp.moran_scatter, {"times", "title"}, FIGURE | {"moran", "labels", "n_labels", "local", "name"},
        {"weights": "W"},
    ),
    figures.ThresholdFigure: (sp.figures.threshold_plot, {"title"}, FIGURE | {"labels"}, {"of": "fit"}),
    layers.Layers: (
        sp.write_layers, {"include", "effects", "fits", "at"},
        {"path", "cities", "layers", "labels", "info", "lang"}, {},
    ),
    layers.Report: (
        sp.explore, set(),
        {"cities", "panel", "path", "lang", "logs", "outline", "alpha", "seed", "alternative", "tables"},
        {"name": "names", "weights": "W"},
    ),
}  # fmt: skip
# Tables and pictures of a result by its own `tidy` and `plot`, and parts of other sections.
RESULTS: set[type[Section]] = {
    tables.MeasuresTable, tables.IndexTable, tables.TruthTable, tables.PolicyTable, tables.AnalysisTable,
    tables.SelectTable, tables.CheckTable, tables.SamplesTable, tables.CleaningTable,
    figures.AnalysisFigure, figures.PolicyFigure, layers.UnitEffect, data.Data, data.Rows, data.Variable,
    Study,
}  # fmt: skip


@pytest.mark.parametrize("section", FUNCTIONS, ids=lambda section: section.__name__)
def test_the_keys_are_the_arguments(section: type[Section]) -> None:
    function, own, left, renamed = FUNCTIONS[section]
    parameters = set(inspect.signature(function).parameters) - {"self"}
    keys = {renamed.get(k, k) for k in section.model_fields if k not in own | LABELS - set(renamed)}
    keys |= {"unit"} & set(section.model_fields)  # of files, the column of the units
    assert keys | (left - {"self"}) == parameters, (keys | left) ^ parameters
    assert not keys & left


def test_every_section_is_compared_with_its_function() -> None:
    """A section that is added stands in the table above, or in that of the tests of its own room."""
    here = {section for section in _concrete() if section.__module__.split(".")[-1] in OUTPUTS}
    assert here == set(FUNCTIONS) - {fits.Diagnostics} | RESULTS


OUTPUTS = ("data", "weights", "tables", "figures", "layers", "study")


def _concrete(section: type[Section] = Section) -> Iterator[type[Section]]:
    below = section.__subclasses__()
    if not below:
        yield section
    for one in below:
        yield from _concrete(one)


def _written(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _problems(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(StudyError) as caught:
        check_study(_written(folder, text))
    return {p.place: p.message for p in caught.value.problems}


def test_outputs_of_one_section_are_named_by_a_text_or_a_list_of_it(tmp_path: Path) -> None:
    """Tables show several sections, figures one: both spellings are read, and several are refused."""
    text = """
[data]
sample = "smart-city-simulated"
join_map = ["region"]
[groups]
region = { column = "region", labels = { east = { zh = "东部" } } }
[regressions]
twfe = { formula = "InnRes ~ PGDP", by = "region" }
[did.att]
outcome = "InnRes"
cohort = "cohort"
method = "borusyak-jaravel-spiess"
rings = [0, 100]
drop_one = true
[figures]
a = { kind = "event_study", of = ["att"] }
b = { kind = "rings", of = "att" }
c = { kind = "drop_one", of = "att" }
"""
    study = check_study(_written(tmp_path, text))
    assert [figure.of for figure in study.figures] == ["att", "att", "att"]  # type: ignore[union-attr]
    assert study.did[0].drop_one == "unit"
    assert _problems(tmp_path, text.replace('["att"]', '["att", "att"]')) == {
        "figures.a.of": "a text is needed; got ['att', 'att']."
    }
    none = _problems(tmp_path, text.replace("rings = [0, 100]\n", "").replace("drop_one = true\n", ""))
    assert "did.att has no rings" in none["figures.b.of"]
    assert "did.att has no drop_one" in none["figures.c.of"]
    split = _problems(tmp_path, text.replace('"region", labels', '"region", split = "median", labels'))
    assert "give a group that is made of it another" in split["groups.region"]
