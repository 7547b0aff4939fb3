"""Weights of a study that must mean something: kinds, files, columns, times, and what they are made of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spatial.errors import SpatialError, SpatialWarning, did_you_mean
from spatial.io.sources import without_password
from spatial.models.formula.grammar import FUNCTIONS, parse_formula
from spatial.models.formula.tokens import Call, Name, walk
from spatial.study.schema.weights import Nested, Weights
from spatial.weights.build.islands import resolve_bridge
from spatial.weights.specs import SPECS, _numbers

from .data import Loaded, expression, file_of, time_of
from .problems import Problem, unknown
from .schema import study as schema
from .weights import column_of, nested_in

__all__ = ["check_bridges", "check_weights", "warn_endogenous"]


def check_weights(study: schema.Study, folder: Path) -> Iterator[Problem]:
    """Check names, texts, files and nested weights, which needs no data."""
    for name, part in study.weights.items():
        where = f"weights.{name}"
        if not name.isidentifier() or name in (*FUNCTIONS, "C", "I", "lag"):
            yield Problem(where, "weights are called in formulas, as W(x): this is not a name that can be.")
        match part:
            case Weights():
                yield from _check_text(where, part, folder)
            case Nested(weights=names):
                for j, other in enumerate(names):
                    if other not in study.weights:
                        yield unknown(f"{where}.weights[{j}]", "weights", other, study.weights)
                circle = _circle(study, name)
                if circle:
                    text = f"{name!r} is nested in itself: {' -> '.join(circle)}."
                    yield Problem(f"{where}.weights", text)


def _check_text(where: str, part: Weights, folder: Path) -> Iterator[Problem]:
    kind, *parts = part.spec.split(":")
    try:
        if kind in SPECS:
            _numbers(part.spec, kind, parts)
        elif not file_of(part.spec, folder).is_file():
            yield Problem(
                f"{where}.spec",
                f"{without_password(part.spec)!r} is neither a kind of weights nor a file in the study's "
                "folder."
                f"{did_you_mean(kind, SPECS)} Kinds: {', '.join(SPECS)}.",
            )
    except SpatialError as error:
        yield Problem(f"{where}.spec", str(error))
    if part.bridge and kind not in ("queen", "rook"):
        yield Problem(f"{where}.bridge", f"a bridge links polygons of queen or rook; got {part.spec!r}.")


def _circle(study: schema.Study, name: str) -> list[str]:
    """Return the way from nested weights back to themselves, or nothing."""
    ways = [[name]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        part = study.weights.get(way[-1])
        for other in part.weights if isinstance(part, Nested) else []:
            if other == name:
                return [*way, other]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


def check_bridges(study: schema.Study, loaded: Loaded) -> Iterator[Problem]:
    """Check that the units of bridges are on the map."""
    for name, part in study.weights.items():
        for j, pair in enumerate(part.bridge if isinstance(part, Weights) else []):
            try:
                resolve_bridge(loaded.cities, loaded.cities.index, [tuple(pair)])
            except SpatialError as error:
                yield Problem(f"weights.{name}.bridge[{j}]", str(error))


# ---- weights that are computed from an outcome
def warn_endogenous(study: schema.Study, loaded: Loaded) -> None:
    """Warn of weights of a model that are computed from its outcome, but for values before the sample."""
    made = _made_from(study)
    for where, outcomes, used in _models(study):
        for name in used:
            found = column_of(study.weights[name])
            if found is None or _before_sample(study, name, loaded):
                continue
            column = found[1]
            shared = [y for y in outcomes if _same_source(column, y, made)]
            if shared:
                same = f"{column!r} is the outcome of {where}"
                if column not in shared:
                    same = (
                        f"{column!r} and the outcome {shared[0]!r} of {where} are computed from the same data"
                    )
                warnings.warn(
                    f"weights.{name}: {same}, which makes the weights endogenous: take times before the "
                    "sample, another column, or distances.",
                    SpatialWarning,
                    stacklevel=3,
                )


def _models(study: schema.Study) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield the place of each model, the columns of its outcomes, and the weights that it uses."""
    parts: list[tuple[str, Any, list[str]]] = []
    parts += [(f"systems[{k}]", s, s.formulas) for k, s in enumerate(study.systems)]
    parts += [(f"regressions[{k}]", r, [r.formula]) for k, r in enumerate(study.regressions)]
    for where, part, texts in parts:
        known = list(study.weights) if part.weights is None else list(part.weights)
        formulas = [parse_formula(text, known) for text in texts]
        nodes = [
            node
            for f in formulas
            for term in (f.outcome, *f.terms, *f.endogenous, *f.instruments)
            for factor in term.factors
            for node in walk(factor)
        ]
        error = getattr(part, "error", None)
        used = list(error.values()) if isinstance(error, dict) else [error]
        used += [node.function for node in nodes if isinstance(node, Call)]
        inner = [inside for name in used if name in study.weights for inside in nested_in(study, name)]
        left = [n.name for f in formulas for x in f.outcome.factors for n in walk(x) if isinstance(n, Name)]
        yield where, list(dict.fromkeys(left)), list(dict.fromkeys(inner))


def _made_from(study: schema.Study) -> dict[str, set[str]]:
    """Return for each column that the study makes the columns that it is made of, itself among them."""
    made: dict[str, set[str]] = {}
    for step in study.cleaning:
        template = getattr(step, "name", None)
        if isinstance(step, schema.Shift) and template is None:
            template = f"{'L' if step.periods > 0 else 'F'}{abs(step.periods)}_{{column}}"
        for column in getattr(step, "columns", ()) if template else ():
            new = str(template).replace("{column}", column)
            made[new] = {new, *made.get(column, {column})}
    for name, variable in study.variables.items():
        if variable.formula is not None:
            names = {n.name for n in walk(expression(variable.formula)) if isinstance(n, Name)}
            made[name] = {name}.union(*(made.get(n, {n}) for n in names))
    return made


def _same_source(column: str, outcome: str, made: dict[str, set[str]]) -> bool:
    """Tell whether one is made of the other, or the column of all that the outcome is made of."""
    of_column, of_outcome = made.get(column, {column}), made.get(outcome, {outcome})
    roots = {name for name in of_outcome if name not in made}
    return outcome in of_column or column in of_outcome or (bool(roots) and roots <= of_column)


def _before_sample(study: schema.Study, name: str, loaded: Loaded) -> bool:
    """Tell whether the values of weights are all of times that [[cleaning]] leaves out as too early."""
    times = getattr(study.weights[name], "times", None)
    known = loaded.panel.times.tolist()
    place = {time: k for k, time in enumerate(known)}
    starts = [s.times[0] for s in study.cleaning if isinstance(s, schema.Restrict) and s.times]
    if not times or not starts:
        return False
    start = max(place[time_of(loaded.panel, time)] for time in starts)
    return all(place[time_of(loaded.panel, time)] < start for time in times)
