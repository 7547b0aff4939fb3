"""Names that a study gives: each once, none that means something else, none that another step writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from spatial.errors import SpatialError, name_ids
from spatial.io.atomic import file_stem
from spatial.study.columns import circle, expression_columns, made_columns
from spatial.study.fits.estimates import fit_columns
from spatial.study.fits.formulas import expanded, refuse_list_name
from spatial.study.fits.named import analyses, like_circle, resolved, sections
from spatial.study.problems import Fault, named_twice
from spatial.study.schema import data as schema
from spatial.study.schema.base import Section
from spatial.study.schema.study import Study
from spatial.study.schema.tables import TruthTable

from .known import Known
from .uses import no_column

__all__ = ["check_names", "check_names_with_data"]

_TWINS = ({"gs3sls", "3sls"}, {"gs2sls", "2sls"})


def check_names(known: Known) -> Iterator[Fault]:
    """Check what needs no data."""
    study = known.study
    yield from _faults_of_sections(study)
    for section in ("measures", "tables", "figures", "layers"):
        parts: list[Any] = getattr(study, section)
        for k in named_twice([part.name for part in parts]):
            yield Fault((section, k, "name"), f"{parts[k].name!r} is the name of another one before.")
    yield from _made_files(study)
    yield from _fits(study)
    yield from _compared(study)
    yield from _terms(study)
    yield from _diagnostics(study)


def check_names_with_data(known: Known) -> Iterator[Fault]:
    """Check names against the columns of the data."""
    study = known.study
    assert known.loaded is not None
    for k, table in enumerate(study.tables):
        if isinstance(table, TruthTable) and not known.loaded.simulated:
            yield Fault(("tables", k), "true values are known of simulated samples only.")
    for k in range(len(study.monte_carlo)):
        if not known.loaded.simulated:
            yield Fault(("monte_carlo", k), "draws are of simulated samples only.")
    for k, part in enumerate(study.measures):
        if part.name in known.raw:
            text = f"the data have a column {part.name!r} already: give the measure another name."
            yield Fault(("measures", k, "name"), text)
        if part.name in study.variables and study.variables[part.name].formula is not None:
            yield Fault(("measures", k, "name"), f"{part.name!r} is made in [variables] too: choose one.")
    for name, group in study.groups.items():
        if group.labels_only(name):
            continue
        if name in known.raw or name in study.variables or name in {m.name for m in study.measures}:
            yield Fault(
                ("groups", name),
                f"{name!r} is the name of a column: give a group that is made of it another.",
            )
    for name, variable in study.variables.items():
        columns = known.columns_at(("variables", name))
        if variable.formula is None and name not in columns:
            yield no_column(("variables", name), name, columns)
    for name in study.terms:
        if name in known.columns_at(("terms", name)):
            text = (
                f"{name!r} is a column too: a formula could not tell the list from it. Choose another name."
            )
            yield Fault(("terms", name), text)
    needs = made_columns(study, known.raw)
    found = circle(needs)
    if found:
        section = "measures" if any(part.name == found[0] for part in study.measures) else "variables"
        said = ", ".join(f"{a} needs {b}" for a, b in pairwise(found))
        yield Fault((section,), f"{said}: one of them must be made of data.")
    yield from _rows_of_measures(known, set(needs))


def _rows_of_measures(known: Known, made: set[str]) -> Iterator[Fault]:
    made = {name for name in made if name not in known.raw}
    for k, step in enumerate(known.study.cleaning):
        names: set[str] = set()
        match step:
            case schema.Where(formula=formula):
                try:
                    names = expression_columns(formula)
                except SpatialError:
                    continue
            case schema.Balance(columns=columns):
                names = set(columns)
        late = sorted(names & made)
        if late:
            text = (
                f"{name_ids(late)} is made after the steps that choose rows, which come first: "
                "choose rows by the columns of the data."
            )
            yield Fault(("cleaning", k), text)


def _faults_of_sections(study: Study) -> Iterator[Fault]:
    def visit(value: Any, location: tuple[str | int, ...]) -> Iterator[Fault]:
        if isinstance(value, Section):
            for place, text in value.faults():
                yield Fault((*location, *place), text)
            for key in type(value).model_fields:
                yield from visit(getattr(value, key), (*location, key))
        elif isinstance(value, list):
            for k, item in enumerate(value):
                yield from visit(item, (*location, k))
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from visit(item, (*location, key))

    yield from visit(study, ())


def _made_files(study: Study) -> Iterator[Fault]:
    """Refuse names of files that other steps make."""
    made = {"cleaning", "describe", "measures", *(f"weights_{name}" for name in study.weights)}
    for system in study.systems:
        made |= {f"{system.name}_{k}" for k in ("identification", "estimates", "diagnostics", "impacts")}
    made |= {f"{part.name}_estimates" for *_, part in sections(study)}
    made |= {f"{part.name}_analysis" for *_, part in analyses(study)}
    made |= {
        f"{part.name}_{kind}"
        for part in study.did
        for kind in ("bacon", "honest", "placebo", "drop_one", "balance")
    }
    stems = tuple(file_stem(column) for part in study.diagnostics for column in part.columns)
    begin = {
        "tables": [f"{kind}_{stem}" for kind in ("moran", "local_moran") for stem in stems],
        "figures": [f"{kind}_{stem}" for kind in ("moran", "moran_scatter", "clusters") for stem in stems],
    }
    lowered = {name.casefold() for name in made}
    parts: dict[str, Any] = {"tables": study.tables, "figures": study.figures}
    for section, found in parts.items():
        files = [part.file(study.language).casefold() for part in found]
        for k in set(named_twice(files)).difference(named_twice([part.name for part in found])):
            text = f"its file {found[k].file(study.language)!r} is that of another one."
            yield Fault((section, k), text)
        for k, name in enumerate(files):
            own = section == "tables" and name in lowered
            if own or name.startswith(tuple(start.casefold() for start in begin[section])):
                said = found[k].file(study.language)
                text = f"{said!r} is the name of a file that another step makes: choose another."
                yield Fault((section, k, "name"), text)


def _fits(study: Study) -> Iterator[Fault]:
    parts = list(sections(study))
    taken = [f"{part.name}.{method}" for *_, part in parts for method in getattr(part, "compare", ())]
    names = [*dict.fromkeys(taken), *(part.name for *_, part in parts)]
    skip = len(names) - len(parts)
    for k in named_twice(names):
        if k >= skip:
            section, number, part = parts[k - skip]
            yield Fault((section, number, "name"), f"{part.name!r} is the name of another fit.")
    known = {part.name: section for section, _, part in parts}
    for section, number, part in parts:
        way = like_circle(study, part)
        if way and way[-1] == part.name:
            yield Fault((section, number, "like"), f"{' -> '.join(way)}: one of them must have a formula.")
        elif part.swap and not way and (part.like is None or known.get(part.like) == section):
            yield from _swap(study, section, number, part)


def _compared(study: Study) -> Iterator[Fault]:
    """Refuse methods that differ by spatial errors alone, where there are none."""
    for number, part in enumerate(study.systems):
        methods = [part.method or "gs3sls", *part.compare]
        for k, method in enumerate(part.compare):
            twin = next((m for m in methods[: k + 1] if {m, method} in _TWINS), None)
            try:
                same = twin is not None and not resolved(study, "systems", number).error
            except (SpatialError, StopIteration):
                continue  # said with the formula
            if same:
                text = (
                    f"without spatial errors {method!r} gives the numbers of {twin!r}: name error = ..., or "
                    "compare with a system of its own whose formulas leave the spatial lags out."
                )
                yield Fault(("systems", number, "compare", k), text)


def _swap(study: Study, section: str, number: int, part: Any) -> Iterator[Fault]:
    try:
        # As before the swap: what it puts in must not hide what it takes out.
        before = resolved(_without_swap(study, section, number), section, number)
        used = set(fit_columns(study, before))
    except (SpatialError, StopIteration):
        return  # said with the formula
    for name in part.swap:
        if name not in used:
            yield Fault(
                (section, number, "swap", name), f"{name!r} is not in its formulas: there is nothing to swap."
            )


def _without_swap(study: Study, section: str, number: int) -> Study:
    parts = list(getattr(study, section))
    parts[number] = parts[number].model_copy(update={"swap": {}})
    return study.model_copy(update={section: parts})


def _terms(study: Study) -> Iterator[Fault]:
    for name, terms in study.terms.items():
        try:
            refuse_list_name(name)
        except SpatialError as error:
            yield Fault(("terms", name), str(error))
        if name in study.weights:
            yield Fault(("terms", name), f"{name!r} is the name of weights too: choose another.")
        for k, text in enumerate(terms):
            try:
                nested = expanded(text, study.terms, list(study.weights)) != text
            except SpatialError:
                nested = False
            if nested:
                yield Fault(
                    ("terms", name, k), f"{text!r}: a list of terms inside a list; write out its terms."
                )


def _diagnostics(study: Study) -> Iterator[Fault]:
    pairs = [
        (("diagnostics", k, "columns", j), (column, part.weights or next(iter(study.weights), "")))
        for k, part in enumerate(study.diagnostics)
        for j, column in enumerate(part.columns)
    ]
    for k, (where, pair) in enumerate(pairs):
        if pair in [other for _, other in pairs[:k]]:
            yield Fault(where, f"{pair[0]!r} with weights {pair[1]!r} is there twice.")
