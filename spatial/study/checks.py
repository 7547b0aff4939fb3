"""Names in a study that must mean something: weights, fits, columns and times, before anything is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spatial.errors import SpatialError, did_you_mean, name_ids
from spatial.models.formula.grammar import Formula, parse_effects, parse_formula, parse_terms
from spatial.models.formula.tokens import Name, walk
from spatial.models.specs import covariance_columns, covariance_of

from .checks_weights import check_bridges, check_weights
from .data import Loaded, expression, file_stem, time_of
from .problems import Problem, named_twice, unknown
from .schema import outputs
from .schema import study as schema
from .weights import column_of

__all__ = ["check_columns", "check_references", "fit_names", "weights_names"]


def fit_names(study: schema.Study) -> dict[str, tuple[int, str] | None]:
    """Return the fits: name to (system, method), or None for a regression."""
    found: dict[str, tuple[int, str] | None] = {}
    for k, system in enumerate(study.systems):
        found[system.name] = (k, system.method)
        found |= {f"{system.name}.{method}": (k, method) for method in system.compare}
    return found | {regression.name: None for regression in study.regressions}


def weights_names(study: schema.Study, part: Any) -> list[str]:
    """Return the weights that formulas of a system or regression may call."""
    return list(study.weights) if part.weights is None else list(part.weights)


# ---- references, which need no data
def check_references(study: schema.Study, folder: Path) -> list[Problem]:
    """Check names of weights, fits and files, weights' texts, covariances and formulas."""
    return [
        *_check_names(study),
        *check_weights(study, folder),
        *_check_weights_used(study),
        *_check_fits_used(study),
        *_check_models(study),
        *_check_variables(study),
    ]


def _check_names(study: schema.Study) -> Iterator[Problem]:
    sections: dict[str, Any] = {s: getattr(study, s) for s in ("tables", "figures", "layers")}
    for section, parts in sections.items():
        for k in named_twice([p.name for p in parts]):
            yield Problem(f"{section}[{k}].name", f"{parts[k].name!r} is the name of another one before.")
    yield from _check_made(study)
    models = _models(study)
    taken = [f"{s.name}.{method}" for s in study.systems for method in s.compare]
    for k in named_twice([*taken, *(part.name for _, part in models)]):
        if k < len(taken):
            yield Problem("systems", f"the fit {taken[k]!r} is there twice: compare= names a method twice.")
        else:
            where, part = models[k - len(taken)]
            yield Problem(f"{where}.name", f"{part.name!r} is the name of another fit.")
    pairs = [
        (f"diagnostics[{k}].columns[{j}]", (column, part.weights or next(iter(study.weights), "")))
        for k, part in enumerate(study.diagnostics)
        for j, column in enumerate(part.columns)
    ]
    for k, (where, pair) in enumerate(pairs):
        if pair in [other for _, other in pairs[:k]]:
            yield Problem(where, f"{pair[0]!r} with weights {pair[1]!r} is there twice.")


def _check_made(study: schema.Study) -> Iterator[Problem]:
    """Refuse names of files that other steps make."""
    made = {"cleaning", "describe", *(f"weights_{name}" for name in study.weights)}
    for system in study.systems:
        made |= {f"{system.name}_{k}" for k in ("identification", "estimates", "diagnostics", "impacts")}
    made |= {f"{regression.name}_estimates" for regression in study.regressions}
    stems = tuple(file_stem(column) for part in study.diagnostics for column in part.columns)
    begin = {
        "tables": [f"{kind}_{stem}" for kind in ("moran", "local_moran") for stem in stems],
        "figures": [f"{kind}_{stem}" for kind in ("moran", "moran_scatter", "clusters") for stem in stems],
    }
    lowered = {name.casefold() for name in made}
    parts: dict[str, Any] = {"tables": study.tables, "figures": study.figures}
    for section, found in parts.items():
        for k, part in enumerate(found):
            name = part.name.casefold()
            own = section == "tables" and name in lowered
            if own or name.startswith(tuple(start.casefold() for start in begin[section])):
                text = f"{part.name!r} is the name of a file that another step makes: choose another."
                yield Problem(f"{section}[{k}].name", text)


def _models(study: schema.Study) -> list[tuple[str, schema.System | schema.Regression]]:
    found: list[tuple[str, schema.System | schema.Regression]] = []
    found += [(f"systems[{k}]", part) for k, part in enumerate(study.systems)]
    return found + [(f"regressions[{k}]", part) for k, part in enumerate(study.regressions)]


def _check_weights_used(study: schema.Study) -> Iterator[Problem]:
    used: list[tuple[str, str | None]] = []
    for k, part in enumerate(study.diagnostics):
        used.append((f"diagnostics[{k}].weights", part.weights))
    for k, figure in enumerate(study.figures):
        if isinstance(figure, (outputs.Connectivity, outputs.Neighbours)):
            used.append((f"figures[{k}].weights", figure.weights))
    for k, table in enumerate(study.tables):
        if isinstance(table, outputs.MoranTable):
            used.append((f"tables[{k}].weights", table.weights))
        if isinstance(table, outputs.WeightsTable):
            named = [None] if table.weights is None else table.weights
            used += [(f"tables[{k}].weights", name) for name in named]
    if study.report is not None:
        used.append(("report.weights", study.report.weights))
    for where, model in _models(study):
        used += [(f"{where}.weights[{j}]", name) for j, name in enumerate(model.weights or ())]
    for where, name in used:
        if name is None and not study.weights:
            yield Problem(where, "weights are needed, and the study has none: add [weights.W].")
        elif name is not None and name not in study.weights:
            yield unknown(where, "weights", name, study.weights)


def _check_fits_used(study: schema.Study) -> Iterator[Problem]:
    known = fit_names(study)
    systems = {name for name, found in known.items() if found is not None}
    for k, table in enumerate(study.tables):
        if isinstance(table, outputs.RegressionTable):
            for j, name in enumerate(table.fits):
                if name not in known:
                    yield unknown(f"tables[{k}].fits[{j}]", "fits", name, known)
            if table.names is not None and len(table.names) != len(table.fits):
                text = f"{len(table.fits)} names are needed, one for each fit; got {len(table.names)}."
                yield Problem(f"tables[{k}].names", text)
        if isinstance(table, outputs.IdentificationTable):
            names = [system.name for system in study.systems]
            if table.system not in names:
                yield unknown(f"tables[{k}].system", "systems", table.system, names)
        if isinstance(table, outputs.MoranTable) and not _moran_columns(study, table):
            yield Problem(
                f"tables[{k}]", "no [[diagnostics]] have these weights: there is no Moran's I to show."
            )
    for k, figure in enumerate(study.figures):
        if isinstance(figure, outputs.Coefficients):
            for j, name in enumerate(figure.fits):
                if name not in known:
                    yield unknown(f"figures[{k}].fits[{j}]", "fits", name, known)
        if isinstance(figure, outputs.ImpactsFigure):
            yield from _check_effect(study, f"figures[{k}]", figure.fit, figure.outcome, None)
        if isinstance(figure, outputs.EffectsMap):
            yield from _check_effect(study, f"figures[{k}]", figure.fit, figure.outcome, figure.term)
    for k, layers in enumerate(study.layers):
        for j, effect in enumerate(layers.effects):
            where = f"layers[{k}].effects[{j}]"
            yield from _check_effect(study, where, effect.fit, effect.outcome, effect.term)
        for j, name in enumerate(layers.fits or ()):
            if name not in systems:
                yield unknown(f"layers[{k}].fits[{j}]", "systems", name, systems)


def _moran_columns(study: schema.Study, table: outputs.MoranTable) -> list[str]:
    """Return the columns of the diagnostics with the weights of a table."""
    first = next(iter(study.weights), None)
    wanted = table.weights or first
    return [c for d in study.diagnostics if (d.weights or first) == wanted for c in d.columns]


def _check_effect(
    study: schema.Study, where: str, fit: str, outcome: str | None, term: str | None
) -> Iterator[Problem]:
    found = fit_names(study).get(fit)
    if found is None:
        systems = [name for name, f in fit_names(study).items() if f is not None]
        yield unknown(f"{where}.fit", "systems", fit, systems)
        return
    parsed = [f for _, f in _parsed(study, study.systems[found[0]], [])]
    formulas = [f for f in parsed if f is not None]
    if len(formulas) < len(parsed):
        return  # said with the formula
    outcomes = [f.outcome.name for f in formulas]
    if outcome is not None and outcome not in outcomes:
        yield unknown(f"{where}.outcome", "equations", outcome, outcomes)
    terms = list(dict.fromkeys(t.name for f in formulas for t in f.terms))
    if term is not None and term not in terms:
        yield unknown(f"{where}.term", "terms", term, terms)


def _parsed(
    study: schema.Study, system: schema.System, problems: list[tuple[int, str]]
) -> list[tuple[int, Formula | None]]:
    out: list[tuple[int, Formula | None]] = []
    for j, text in enumerate(system.formulas):
        try:
            out.append((j, parse_formula(text, weights_names(study, system))))
        except SpatialError as error:
            problems.append((j, str(error)))
            out.append((j, None))
    return out


def _check_models(study: schema.Study) -> Iterator[Problem]:
    for k, system in enumerate(study.systems):
        found: list[tuple[int, str]] = []
        _parsed(study, system, found)
        yield from (Problem(f"systems[{k}].formulas[{j}]", text) for j, text in found)
        errors = system.error if isinstance(system.error, dict) else {"": system.error}
        for equation, name in errors.items():
            if name is not None and name not in weights_names(study, system):
                where = f"systems[{k}].error" + (f".{equation}" if equation else "")
                yield unknown(where, "weights", name, weights_names(study, system))
        yield from _check_covariance(f"systems[{k}].cov", system.cov)
    for k, regression in enumerate(study.regressions):
        try:
            parse_formula(regression.formula, weights_names(study, regression))
        except SpatialError as error:
            yield Problem(f"regressions[{k}].formula", str(error))
        yield from _check_covariance(f"regressions[{k}].cov", regression.cov)


def _check_covariance(where: str, text: str) -> Iterator[Problem]:
    try:
        covariance_of(text, None, 0)
    except SpatialError as error:
        yield Problem(where, str(error))


def _check_variables(study: schema.Study) -> Iterator[Problem]:
    formulas = {f"variables.{n}.formula": v.formula for n, v in study.variables.items() if v.formula}
    for k, step in enumerate(study.cleaning):
        if isinstance(step, schema.Where):
            formulas[f"cleaning[{k}].formula"] = step.formula
    for where, text in formulas.items():
        try:
            expression(text)
        except SpatialError as error:
            yield Problem(where, str(error))


# ---- columns and times, which need the data
class _Columns:
    """The columns known so far, and the problems with those that are not."""

    def __init__(self, loaded: Loaded) -> None:
        panel = loaded.panel
        self.known = [str(c) for c in panel.columns]
        self.levels = [panel.unit_name, panel.time_name]
        self.panel = panel
        self.problems: list[Problem] = []

    def need(self, where: str, names: Iterable[str], also: Iterable[str] = ()) -> None:
        allowed = {*self.known, *also}
        for name in names:
            if name not in allowed:
                self.problems.append(_no_column(where, name, self.known, also))

    def need_items(self, where: str, names: Iterable[str]) -> None:
        for j, name in enumerate(names):
            self.need(f"{where}[{j}]", [name])

    def add(self, names: Iterable[str]) -> None:
        self.known = list(dict.fromkeys([*self.known, *names]))

    def need_times(self, where: str, times: Iterable[Any]) -> None:
        for time in times:
            try:
                time_of(self.panel, time)
            except SpatialError as error:
                self.problems.append(Problem(where, str(error)))


def _no_column(where: str, name: str, known: list[str], also: Iterable[str]) -> Problem:
    hint = did_you_mean(name, [*known, *also])
    return Problem(where, f"the data have no column {name!r}.{hint} They have: {name_ids(known, 12)}.")


def check_columns(study: schema.Study, loaded: Loaded) -> list[Problem]:
    """Check that every column and time that is named will be there, step by step as they are made."""
    columns = _Columns(loaded)
    for k, step in enumerate(study.cleaning):
        _check_step(columns, f"cleaning[{k}]", step)
    for name, variable in study.variables.items():
        if variable.formula is not None:
            _check_text(columns, f"variables.{name}.formula", variable.formula)
            columns.add([name])
        else:
            columns.need(f"variables.{name}", [name])
    for k, part in enumerate(study.diagnostics):
        columns.need_items(f"diagnostics[{k}].columns", part.columns)
        columns.need_times(f"diagnostics[{k}].times", part.times or ())
    attributes = [str(c) for c in loaded.cities.columns.drop(loaded.cities.geometry.name)]
    _check_weights_columns(columns, study, attributes)
    columns.problems += check_bridges(study, loaded)
    _check_formulas(columns, study)
    _check_outputs(columns, study, attributes)
    return columns.problems


def _check_step(columns: _Columns, where: str, step: Any) -> None:
    columns.need_items(f"{where}.columns", getattr(step, "columns", ()))
    match step:
        case schema.Log(name=name) | schema.Deflate(name=name):
            columns.add(name.replace("{column}", column) for column in step.columns)
        case schema.Shift(periods=periods):
            template = step.name or f"{'L' if periods > 0 else 'F'}{abs(periods)}_{{column}}"
            columns.add(template.replace("{column}", column) for column in step.columns)
        case schema.Where(formula=formula):
            _check_text(columns, f"{where}.formula", formula)
        case schema.Restrict(times=times):
            columns.need_times(f"{where}.times", times or ())
    if isinstance(step, schema.Deflate):
        columns.need(f"{where}.by", [step.by])
        columns.need_times(f"{where}.base", [step.base])


def _check_weights_columns(columns: _Columns, study: schema.Study, attributes: list[str]) -> None:
    for name, part in study.weights.items():
        found = column_of(part)
        if found is None:
            continue
        key, column = found
        times = getattr(part, "times", None) or ()
        columns.need(f"weights.{name}.{key}", [column], attributes)
        if column not in columns.known and column in attributes and times:
            text = f"{column!r} is a column of the map, which has no times: leave times out."
            columns.problems.append(Problem(f"weights.{name}.times", text))
        columns.need_times(f"weights.{name}.times", times)


def _check_text(columns: _Columns, where: str, text: str) -> None:
    try:
        node = expression(text)
    except SpatialError:
        return  # said with the references
    columns.need(where, [n.name for n in walk(node) if isinstance(n, Name)], columns.levels)


def _check_formulas(columns: _Columns, study: schema.Study) -> None:
    texts: list[tuple[str, str, Any]] = []
    for k, system in enumerate(study.systems):
        texts += [(f"systems[{k}].formulas[{j}]", text, system) for j, text in enumerate(system.formulas)]
        for j, text in enumerate(system.instruments):
            columns.need(
                f"systems[{k}].instruments[{j}]", _names_of_terms(text, study, system), columns.levels
            )
    texts += [(f"regressions[{k}].formula", r.formula, r) for k, r in enumerate(study.regressions)]
    for where, text, part in texts:
        try:
            formula = parse_formula(text, weights_names(study, part))
        except SpatialError:
            continue
        columns.need(where, _names_of(formula), [*columns.levels, "unit", "time"])
    for where, model in _models(study):
        _check_effects(columns, f"{where}.effects", model.effects)
        also = [*columns.levels, "unit", "time"]
        columns.need(f"{where}.cov", covariance_columns(model.cov), also)


def _check_effects(columns: _Columns, where: str, effects: list[str]) -> None:
    try:
        parts = {part for product in parse_effects(effects) for part in product}
    except SpatialError as error:
        columns.problems.append(Problem(where, str(error)))
        return
    columns.need(where, sorted(parts), [*columns.levels, "unit", "time"])


def _names_of_terms(text: str, study: schema.Study, part: Any) -> list[str]:
    try:
        terms = parse_terms(text, weights_names(study, part))
    except SpatialError:
        return []
    return [n.name for term in terms for f in term.factors for n in walk(f) if isinstance(n, Name)]


def _names_of(formula: Formula) -> list[str]:
    terms = (formula.outcome, *formula.terms, *formula.endogenous, *formula.instruments)
    names = [n.name for term in terms for f in term.factors for n in walk(f) if isinstance(n, Name)]
    names += [part for product in formula.effects or () for part in product]
    return list(dict.fromkeys(names))


def _check_outputs(columns: _Columns, study: schema.Study, attributes: list[str]) -> None:
    for k, table in enumerate(study.tables):
        if isinstance(table, (outputs.DescriptiveTable, outputs.CorrelationTable)):
            columns.need_items(f"tables[{k}].columns", table.columns or ())
    for k, figure in enumerate(study.figures):
        if isinstance(figure, (outputs.ValuesMap, outputs.SmallMultiples, outputs.Density)):
            columns.need(f"figures[{k}].column", [figure.column])
            columns.need_times(f"figures[{k}].times", getattr(figure, "times", None) or ())
        if isinstance(figure, outputs.ValuesMap) and figure.at is not None:
            columns.need_times(f"figures[{k}].at", [figure.at])
    for k, layers in enumerate(study.layers):
        for j, name in enumerate(layers.attributes):
            if name not in attributes:
                where = f"layers[{k}].attributes[{j}]"
                columns.problems.append(unknown(where, "columns of the map", name, attributes))
        columns.need_times(f"layers[{k}].at", [] if layers.at is None else [layers.at])
    if study.report is not None:
        columns.need_items("report.columns", study.report.columns)
        if study.report.name is not None and study.report.name not in attributes:
            columns.problems.append(
                unknown("report.name", "columns of the map", study.report.name, attributes)
            )
