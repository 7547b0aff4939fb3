"""The one loop over the names that sections use: each kind of name is checked by one function."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from spatial.errors import SpatialError, did_you_mean, name_ids
from spatial.models.formula.grammar import parse_effects
from spatial.models.formula.structure import CONSTANT
from spatial.models.formula.tokens import Name, walk
from spatial.models.policy.spillovers import CARRY_NEIGHBOURS
from spatial.models.specs import covariance_columns, covariance_of
from spatial.panel.conditions import parse_condition
from spatial.study.calls import time_of
from spatial.study.columns import expression_columns
from spatial.study.fits.formulas import formula_columns, formula_of, terms_of
from spatial.study.fits.named import named_fits, resolved, weights_of
from spatial.study.problems import Fault, unknown
from spatial.study.schema.base import Use
from spatial.study.schema.measures import EntropyIndex
from spatial.study.schema.models import Did
from spatial.study.schema.tables import IndexTable

from .known import Known

__all__ = ["check_uses"]

Check = Callable[[Known, Use], Iterable[Fault]]


def check_uses(known: Known) -> Iterator[Fault]:
    """Yield what is wrong with each name that a section uses.

    Without data, names of columns and times are left alone; with them, only these are checked, so that
    nothing is said twice.
    """
    with_data = known.loaded is not None
    checks = dict(_WITH_DATA if with_data else _BEFORE)
    if known.groups:  # names of groups are known with the data only
        for what in ("fit", "system"):
            checks.pop(what, None)
            if with_data:
                checks[what] = _BEFORE[what]
    for use in known.study.uses():
        if use.what in checks:
            yield from checks[use.what](known, use)


# ---- without data
def _weights(known: Known, use: Use) -> Iterator[Fault]:
    names = known.study.weights
    if use.name is None:
        if not names:
            yield Fault(use.location, "weights are needed, and the study has none: add [weights.W].")
    elif use.name not in names:
        yield unknown(use.location, "weights", use.name, names)


def _diagnosed_weights(known: Known, use: Use) -> Iterator[Fault]:
    found = list(_weights(known, use))
    yield from found
    first = next(iter(known.study.weights), None)
    if not found and (use.name or first) not in {d.weights or first for d in known.study.diagnostics}:
        where = use.location[:-1]
        yield Fault(where, "no [[diagnostics]] have these weights: there is no Moran's I to show.")


def _error_weights(known: Known, use: Use) -> Iterator[Fault]:
    allowed = weights_of(known.study, use.section)
    if use.name not in allowed:
        yield unknown(use.location, "weights", use.name, allowed)


def _fit(known: Known, use: Use) -> Iterator[Fault]:
    if use.name.endswith(".*"):
        if use.location[-1] == "like" or not named_fits([use.name], known.fits):
            yield unknown(
                use.location, "fits", use.name, [*known.fits, *(f"{name}.*" for name in known.fits)]
            )
    elif use.name not in known.fits:
        yield unknown(use.location, "fits", use.name, known.fits)
    elif use.location[-1] == "like":
        own = str(use.location[0])
        if known.fits[use.name].section != own:
            yield Fault(use.location, f"{use.name!r} is of another kind: like = names one of [[{own}]].")


def _system(known: Known, use: Use) -> Iterator[Fault]:
    if use.name not in known.systems:
        yield unknown(use.location, "systems", use.name, known.systems)


def _policy(known: Known, use: Use) -> Iterator[Fault]:
    parts = {part.name: part for part in known.study.did}
    if use.name not in parts:
        yield unknown(use.location, "policies of [did]", use.name, parts)
        return
    kind = getattr(use.section, "kind", "")
    kind = "match" if kind == "balance" else kind
    if kind in type(parts[use.name]).model_fields and not getattr(parts[use.name], kind):
        yield Fault(use.location, f"did.{use.name} has no {kind}: give it the key {kind} = ....")


def _regression(known: Known, use: Use) -> Iterator[Fault]:
    names = [part.name for part in known.study.regressions]
    if use.name not in names:
        yield unknown(use.location, "regressions", use.name, names)


def _varied_fit(known: Known, use: Use) -> Iterator[Fault]:
    yield from _of_sections(known, use, ("systems", "regressions", "did"))


def _linear_fit(known: Known, use: Use) -> Iterator[Fault]:
    yield from _of_sections(known, use, ("systems", "regressions"))


def _of_sections(known: Known, use: Use, allowed: tuple[str, ...]) -> Iterator[Fault]:
    names = [name for name, found in known.fits.items() if found.section in allowed]
    if use.name not in names:
        yield unknown(use.location, f"fits of {', '.join(allowed)}", use.name, names)


def _printed(known: Known, use: Use) -> Iterator[Fault]:
    if use.name not in known.study.printed:
        yield unknown(use.location, "printed tables", use.name, known.study.printed)


def _term_of_fit(known: Known, use: Use) -> Iterator[Fault]:
    """Say that none of the fits of a section has a term."""
    names = named_fits(
        list(getattr(use.section, "fits", None) or [getattr(use.section, "of", "")]), known.fits
    )
    found = [known.fits[name] for name in names if name in known.fits]
    if any(one.section not in ("systems", "regressions") for one in found) or not found:
        return  # said with the fit, or a term of another kind, as ATT
    terms: list[str] = []
    for one in found:
        try:
            part = resolved(known.study, one.section, one.number)
            read = [formula_of(text, {}, weights_of(known.study, part)) for text in part.texts]
        except (SpatialError, StopIteration):
            return  # said with the formula
        terms += [term.name for formula in read for term in (*formula.terms, *formula.endogenous)]
    if use.name not in terms:
        yield unknown(use.location, "terms", use.name, dict.fromkeys(terms))


def _analysis(known: Known, use: Use) -> Iterator[Fault]:
    section = SECTION_OF.get(kind := str(getattr(use.section, "kind", "")), kind)
    names = [part.name for part in getattr(known.study, section)]
    if use.name not in names:
        yield unknown(use.location, section, use.name, names)


def _sample(known: Known, use: Use) -> Iterator[Fault]:
    if use.name not in known.study.samples:
        yield unknown(use.location, "samples", use.name, known.study.samples)


def _system_section(known: Known, use: Use) -> Iterator[Fault]:
    names = [system.name for system in known.study.systems]
    regressions = [part.name for part in known.study.regressions if part.by is None]
    if use.name not in [*names, *regressions]:
        yield unknown(use.location, "systems", use.name, [*names, *regressions])
    if use.name not in regressions:
        return
    found = known.fits[use.name]
    with contextlib.suppress(SpatialError, StopIteration):  # said with the formula
        part = resolved(known.study, found.section, found.number)
        if not formula_of(part.formula, {}, weights_of(known.study, part)).endogenous:
            yield Fault(use.location, f"{use.name!r} has no endogenous regressor: it has no first stage.")


def _measure(known: Known, use: Use) -> Iterator[Fault]:
    names = {part.name: part for part in known.study.measures}
    if use.name not in names:
        yield unknown(use.location, "measures", use.name, names)
    elif isinstance(use.section, IndexTable) and not isinstance(names[use.name], EntropyIndex):
        kinds = [name for name, part in names.items() if isinstance(part, EntropyIndex)]
        text = f"{use.name!r} is no composite index. There are: {', '.join(map(repr, kinds)) or 'none'}."
        yield Fault(use.location, text)


def _effect_of_fit(known: Known, use: Use) -> Iterator[Fault]:
    fit, outcome, term = use.name
    found = known.fits.get(fit)
    if found is not None and found.section == "did":
        yield from _effect_of_policy(known, use, resolved(known.study, found.section, found.number))
        return
    if found is None or fit not in known.systems:
        yield unknown((*use.location, "fit"), "systems", fit, known.systems)
        return
    try:
        part = resolved(known.study, found.section, found.number)
        formulas = [formula_of(text, {}, weights_of(known.study, part)) for text in part.texts]
    except (SpatialError, StopIteration):
        return  # said with the formula
    outcomes = [f.outcome.name for f in formulas]
    if outcome is not None and outcome not in outcomes:
        yield unknown((*use.location, "outcome"), "equations", outcome, outcomes)
    terms = list(dict.fromkeys(t.name for f in formulas for t in f.terms))
    if term is not None and term not in terms:
        yield unknown((*use.location, "term"), "terms", term, terms)


def _effect_of_policy(known: Known, use: Use, part: Did) -> Iterator[Fault]:
    fit, outcome, term = use.name
    method = known.fits[fit].method
    if part.exposure != "both" or method not in CARRY_NEIGHBOURS:
        why = f'{fit!r} has no slope of W(D): give exposure = "both", W = ... and method = "twfe" or '
        yield Fault((*use.location, "fit"), why + '"borusyak-jaravel-spiess".')
        return
    for key, given, own in (("outcome", outcome, part.outcome), ("term", term, "D")):
        if given is not None and given != own:
            yield unknown((*use.location, key), f"{key}s", given, [str(own)])


def _readable(read: Callable[[Known, Use], object]) -> Check:
    """Return a check that a text can be read."""

    def check(known: Known, use: Use) -> Iterator[Fault]:
        try:
            read(known, use)
        except SpatialError as error:
            yield Fault(use.location, str(error))

    return check


def _formula(known: Known, use: Use) -> list[str]:
    return formula_columns(formula_of(use.name, known.study.terms, weights_of(known.study, use.section)))


def _terms(known: Known, use: Use) -> list[str]:
    weights = getattr(use.section, "weights", None)
    names = list(weights) if isinstance(weights, list) else list(known.study.weights)
    names = [] if isinstance(use.section, Did) else names
    lists = {} if use.location[0] == "terms" else known.study.terms
    found = terms_of(use.name, lists, names)
    # A list inside a list is refused by its own name.
    nodes = [n for term in found for f in term.factors for n in walk(f) if isinstance(n, Name)]
    # The rows of a table have the constant too.
    apart = {*known.study.terms, *((CONSTANT,) if use.location[0] == "tables" else ())}
    return [node.name for node in nodes if node.name not in apart]


def _parts_of_effect(_: Known, use: Use) -> list[str]:
    return sorted({part for product in parse_effects([use.name]) for part in product})


SECTION_OF = {
    "mechanism": "mechanisms",
    "moderation": "moderations",
    "marginal_effects": "moderations",
    "u_test": "tests",
    "leave_one_out": "sensitivity",
    "plausibly_exogenous": "sensitivity",
    "specification_curve": "robustness",
    "sweep": "robustness",
}
"""The section that a table or figure shows, where it is called otherwise."""

_BEFORE: dict[str, Check] = {
    "weights": _weights,
    "diagnosed weights": _diagnosed_weights,
    "error weights": _error_weights,
    "fit": _fit,
    "system": _system,
    "sample": _sample,
    "regression": _regression,
    "analysis": _analysis,
    "varied fit": _varied_fit,
    "regression or system": _linear_fit,
    "terms of a fit": _term_of_fit,
    "printed table": _printed,
    "policy": _policy,
    "system section": _system_section,
    "measure": _measure,
    "effect of a fit": _effect_of_fit,
    "formula": _readable(_formula),
    "terms": _readable(_terms),
    "term": _readable(_terms),
    "effect": _readable(_parts_of_effect),
    "expression": _readable(lambda _, use: expression_columns(use.name)),
    "condition": _readable(lambda _, use: parse_condition(use.name)),
    "covariance": _readable(lambda _, use: covariance_of(use.name, None, 0)),
}


# ---- with data
def no_column(
    location: tuple[str | int, ...], name: str, columns: Iterable[str], also: Iterable[str] = ()
) -> Fault:
    """Say that the data have no column of a name."""
    given = list(columns)
    hint = did_you_mean(name, [*given, *also])
    return Fault(location, f"the data have no column {name!r}.{hint} They have: {name_ids(given, 12)}.")


def _named(read: Callable[[Known, Use], Iterable[str]], levels: bool = True) -> Check:
    """Return a check of the columns in a text; a text that cannot be read was said before."""

    def check(known: Known, use: Use) -> Iterator[Fault]:
        try:
            names = list(read(known, use))
        except SpatialError:
            return
        columns, also = known.columns_at(use.location), known.levels if levels else []
        for name in names:
            if name not in columns and name not in also:
                yield no_column(use.location, name, columns, also)

    return check


def _map_column(known: Known, use: Use) -> Iterator[Fault]:
    if use.name not in known.map_columns and use.location[0] != "data":  # said by the reader of the data
        yield unknown(use.location, "columns of the map", use.name, known.map_columns)


def _column_of_panel_or_map(known: Known, use: Use) -> Iterator[Fault]:
    columns, other = known.columns_at(use.location), known.map_columns
    if use.name in columns:
        return
    if use.name not in other:
        yield no_column(use.location, use.name, columns, other)
    elif getattr(use.section, "times", None):
        text = f"{use.name!r} is a column of the map, which has no times: leave times out."
        yield Fault((*use.location[:-1], "times"), text)


def _time(known: Known, use: Use) -> Iterator[Fault]:
    assert known.loaded is not None
    try:
        time_of(known.loaded.panel, use.name)
    except SpatialError as error:
        yield Fault(use.location, str(error))


def _table(known: Known, use: Use) -> Iterator[Fault]:
    if use.name not in known.tables:
        none = "" if known.tables else " Add [data.industries.NAME], or take a sample that has tables."
        fault = unknown(use.location, "tables of industries", use.name, known.tables)
        yield Fault(fault.location, fault.message + none)


def _industry(known: Known, use: Use) -> Iterator[Fault]:
    table = known.tables.get(getattr(use.section, "table", ""))
    if table is not None and use.name not in table.columns:
        yield unknown(use.location, "industries", use.name, [str(c) for c in table.columns])


_WITH_DATA: dict[str, Check] = {
    "column": _named(lambda _, use: [use.name], levels=False),
    "column of the map": _map_column,
    "column of panel or map": _column_of_panel_or_map,
    "time": _time,
    "time or all": lambda known, use: () if use.name in ("all", "pooled") else _time(known, use),
    "table": _table,
    "industry": _industry,
    "formula": _named(_formula),
    "terms": _named(_terms),
    "term": _named(_terms),
    "effect": _named(_parts_of_effect),
    "expression": _named(lambda _, use: expression_columns(use.name)),
    "condition": _named(lambda _, use: parse_condition(use.name).columns),
    "covariance": _named(lambda _, use: covariance_columns(use.name)),
}
