"""Weights of a study that must mean something: kinds, files, columns, times, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spatial.errors import SpatialError, did_you_mean, warn
from spatial.io.sources import without_password
from spatial.models.formula.grammar import FUNCTIONS
from spatial.models.formula.tokens import Call, Name, walk
from spatial.study.calls import time_of
from spatial.study.columns import sources
from spatial.study.data import Loaded, file_of
from spatial.study.fits.formulas import formula_of
from spatial.study.fits.named import resolved, sections, weights_of
from spatial.study.problems import Fault
from spatial.study.schema.data import Restrict
from spatial.study.schema.study import Study
from spatial.study.schema.weights import Nested, Weights
from spatial.study.weights import column_of, nested_in
from spatial.weights.build.islands import resolve_bridge
from spatial.weights.specs import SPECS, _numbers

__all__ = ["check_bridges", "check_weights", "warn_endogenous"]


def check_weights(study: Study, folder: Path) -> Iterator[Fault]:
    """Check names, texts, files and nested weights, which needs no data."""
    for name, part in study.weights.items():
        where = ("weights", name)
        if not name.isidentifier() or name in (*FUNCTIONS, "C", "I", "lag"):
            yield Fault(where, "weights are called in formulas, as W(x): this is not a name that can be.")
        match part:
            case Weights():
                yield from _check_text(where, part, folder)
            case Nested():
                circle = _circle(study, name)
                if circle:
                    text = f"{name!r} is nested in itself: {' -> '.join(circle)}."
                    yield Fault((*where, "weights"), text)


def _check_text(where: tuple[str, str], part: Weights, folder: Path) -> Iterator[Fault]:
    kind, *parts = part.spec.split(":")
    try:
        if kind in SPECS:
            _numbers(part.spec, kind, parts)
        elif not file_of(part.spec, folder).is_file():
            yield Fault(
                (*where, "spec"),
                f"{without_password(part.spec)!r} is neither a kind of weights nor a file in the study's "
                "folder."
                f"{did_you_mean(kind, SPECS)} Kinds: {', '.join(SPECS)}.",
            )
    except SpatialError as error:
        yield Fault((*where, "spec"), str(error))
    if part.bridge and kind not in ("queen", "rook"):
        yield Fault((*where, "bridge"), f"a bridge links polygons of queen or rook; got {part.spec!r}.")


def _circle(study: Study, name: str) -> list[str]:
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


def check_bridges(study: Study, loaded: Loaded) -> Iterator[Fault]:
    """Check that the units of bridges are on the map."""
    for name, part in study.weights.items():
        for j, pair in enumerate(part.bridge if isinstance(part, Weights) else []):
            try:
                resolve_bridge(loaded.cities, loaded.cities.index, [tuple(pair)])
            except SpatialError as error:
                yield Fault(("weights", name, "bridge", j), str(error))


# ---- weights that are computed from an outcome
def warn_endogenous(study: Study, loaded: Loaded) -> None:
    """Warn of weights of a model that are computed from its outcome, but for values before the sample."""
    made = sources(study, [str(c) for c in loaded.panel.columns])
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
                warn(
                    f"weights.{name}: {same}, which makes the weights endogenous: take times before the "
                    "sample, another column, or distances."
                )


def _models(study: Study) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield the place of each model, the columns of its outcomes, and the weights that it uses."""
    for section, number, _ in sections(study):
        part = resolved(study, section, number)
        formulas = [formula_of(text, {}, weights_of(study, part)) for text in part.texts]
        nodes = [
            node
            for f in formulas
            for term in (f.outcome, *f.terms, *f.endogenous, *f.instruments)
            for factor in term.factors
            for node in walk(factor)
        ]
        error = getattr(part, "error", None)
        used = list(error.values()) if isinstance(error, dict) else [error]
        used += [getattr(part, "W", None)]
        used += [node.function for node in nodes if isinstance(node, Call)]
        inner = [inside for name in used if name in study.weights for inside in nested_in(study, name)]
        left = [n.name for f in formulas for x in f.outcome.factors for n in walk(x) if isinstance(n, Name)]
        left += [part.outcome] if section == "did" else []
        yield f"{section}[{number}]", list(dict.fromkeys(left)), list(dict.fromkeys(inner))


def _same_source(column: str, outcome: str, made: dict[str, set[str]]) -> bool:
    """Tell whether one is made of the other, or the column of all that the outcome is made of."""
    of_column, of_outcome = made.get(column, {column}), made.get(outcome, {outcome})
    roots = {name for name in of_outcome if name not in made}
    return outcome in of_column or column in of_outcome or (bool(roots) and roots <= of_column)


def _before_sample(study: Study, name: str, loaded: Loaded) -> bool:
    """Tell whether the values of weights are all of times that [[cleaning]] leaves out as too early."""
    times = getattr(study.weights[name], "times", None)
    known = loaded.panel.times.tolist()
    place = {time: k for k, time in enumerate(known)}
    starts = [s.times[0] for s in study.cleaning if isinstance(s, Restrict) and s.times]
    if not times or not starts:
        return False
    start = max(place[time_of(loaded.panel, time)] for time in starts)
    return all(place[time_of(loaded.panel, time)] < start for time in times)
