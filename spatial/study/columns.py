"""How the columns of a study are made: cleaning, measures, derived columns, in an order that names give.

A column is cleaned as soon as it exists and before anything reads it; steps on one column keep their order.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spatial.errors import DataError, FormulaError, SpatialError
from spatial.models.formula.grammar import parse_terms
from spatial.models.formula.tokens import Name, walk
from spatial.panel.conditions import parse_condition
from spatial.shapefiles import sample_contents

from .calls import Call, Get, Item, Ref, call, evaluate, method, public, time_of
from .schema import data as schema
from .schema.measures import MeasureSection
from .schema.study import Study
from .schema.weights import Economic, Gravity, Nested

__all__ = [
    "Line",
    "circle",
    "cleaned",
    "expression_columns",
    "has_reference",
    "is_condition",
    "lines",
    "made_columns",
    "measure_call",
    "sources",
]

_PANEL = Ref("panel")


@dataclass(frozen=True)
class Line:
    """One step of the making of the panel: what is called, what it makes, and where it stands in the file."""

    place: str
    call: Any
    target: Ref = _PANEL
    chooses: bool = False
    """Whether it chooses rows."""


def expression_columns(text: str) -> set[str]:
    """Return the columns that a formula for one column names, or a condition; refuse a text that is neither.

    Examples
    --------
    >>> sorted(expression_columns("log(gdp / population)"))
    ['gdp', 'population']
    >>> sorted(expression_columns("cohort > 0 and time >= cohort"))
    ['cohort', 'time']
    """
    try:
        terms = parse_terms(f"I({text})", ())
    except FormulaError:
        if is_condition(text):
            return set(parse_condition(text).columns)
        raise
    return {node.name for node in walk(terms[0].factors[0]) if isinstance(node, Name)}


def is_condition(text: str) -> bool:
    """Tell whether a text is a condition on rows."""
    try:
        parse_condition(text)
    except FormulaError:
        return False
    return True


def has_reference(study: Study, table: str) -> bool:
    """Tell whether a table of industries comes with the nation's."""
    part = study.data.industries.get(table)
    if part is not None:
        return part.reference is not None
    return study.data.sample is not None and table in sample_contents(study.data.sample).references


def measure_columns(study: Study, part: MeasureSection) -> set[str]:
    """Return the columns that a measure reads, those behind its weights among them."""
    found = {use.name for use in part.uses() if use.what == "column"}
    names = [use.name for use in part.uses() if use.what == "weights"]
    while names:
        weights = study.weights.get(names.pop())
        match weights:
            case Economic(column=column):
                found.add(column)
            case Gravity(mass=mass):
                found.add(mass)
            case Nested(weights=inner):
                names += inner
    return found


def made_columns(study: Study, raw: Collection[str]) -> dict[str, set[str]]:
    """Return the columns of [measures] and [variables], each with those that it reads."""
    found = {part.name: measure_columns(study, part) for part in study.measures}
    found |= {name: {part.column} for name, part in study.groups.items() if not part.labels_only(name)}
    for name, variable in study.variables.items():
        if variable.formula is None:
            continue
        try:
            found[name] = expression_columns(variable.formula)
        except SpatialError:  # said with the formula
            found[name] = set()
    # A variable may replace a column of the data that it is made of.
    return {name: needs - ({name} if name in raw else set()) for name, needs in found.items()}


def sources(study: Study, raw: Collection[str]) -> dict[str, set[str]]:
    """Return for each column that the study makes all columns that it is made of, itself among them."""
    direct = made_columns(study, raw)
    for step in study.cleaning:
        if isinstance(step, (schema.Log, schema.Shift, schema.Deflate)):
            for column in step.columns:
                also = {step.by} if isinstance(step, schema.Deflate) else set()
                new = step.made(column)
                direct[new] = direct.get(new, set()) | ({column, *also} - {new})
    found: dict[str, set[str]] = {}
    for name in direct:
        reach, rest = {name}, [name]
        while rest:
            for other in direct.get(rest.pop(), set()) - reach:
                reach.add(other)
                rest.append(other)
        found[name] = reach
    return found


def circle(needs: Mapping[str, set[str]]) -> list[str]:
    """Return names that are made of one another, in their order, or nothing."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name not in done:
            for other in sorted(needs.get(name, ())):
                found = visit(other, [*way, name])
                if found:
                    return found
            done.add(name)
        return []

    for name in needs:
        found = visit(name, [])
        if found:
            return found
    return []


# ---- the lines, in an order that runs
@dataclass(eq=False)
class _Operation:
    """A step on columns, or the making of one.

    Parameters
    ----------
    makes : dict of str to set of str
        Each column that it makes or changes, with those that it reads for it; none for a choice of rows.
    lines : function of list of str
        The lines that make these columns.
    number : int
        Of the step of [[cleaning]]; -1 for what is made.
    rows : set of str
        Columns that a choice of rows reads.
    """

    makes: dict[str, set[str]]
    lines: Callable[[list[str]], list[Line]]
    number: int = -1
    rows: frozenset[str] = frozenset()

    @property
    def reads(self) -> set[str]:
        return set(self.rows).union(*self.makes.values())


def lines(study: Study, raw: Collection[str], wanted: Iterable[str] | None = None) -> list[Line]:
    """Return the lines that make the panel, in order.

    Parameters
    ----------
    study : Study
    raw : collection of str
        The columns as read.
    wanted : iterable of str, optional
        Only what these columns hang on, and the steps that choose rows; default all.
    """
    needs = made_columns(study, raw)
    first, later = _cleaning(study, {name for name in needs if name not in raw})
    operations = [*first, *_sorted([*_making(study, needs), *later])]
    if wanted is None:
        return [line for operation in operations for line in operation.lines(list(operation.makes))]
    kept: list[Line] = []
    open_columns = set(wanted)
    for operation in reversed(operations):
        columns = [column for column in operation.makes if column in open_columns]
        if columns or not operation.makes:
            kept += operation.lines(columns)[::-1]
            open_columns |= operation.rows | set().union(*(operation.makes[c] for c in columns))
    return kept[::-1]


def _cleaning(study: Study, made: set[str]) -> tuple[list[_Operation], list[_Operation]]:
    """Return the steps on columns as read, and those on columns that are made later, a column each."""
    made = set(made)
    first: list[_Operation] = []
    later: list[_Operation] = []
    for number, step in enumerate(study.cleaning):
        if isinstance(step, schema.ROWS):
            first.append(_Operation({}, _lines(number, step, {}), number, frozenset(_row_columns(step))))
            continue
        also = {step.by} if isinstance(step, schema.Deflate) else set()
        new = {column: getattr(step, "made", str)(column) for column in step.columns}
        wait = [column for column in step.columns if column in made or also & made]
        now = [column for column in step.columns if column not in wait]
        made |= {new[column] for column in wait}
        for columns, place in [(now, first), *(([column], later) for column in wait)]:
            if columns:
                makes = {new[column]: {column, *also} for column in columns}
                source = {new[column]: column for column in columns}
                place.append(_Operation(makes, _lines(number, step, source), number))
    return first, later


def _lines(number: int, step: Any, source: dict[str, str]) -> Callable[[list[str]], list[Line]]:
    place = f"cleaning[{number}] ({step.do})"
    if not source:
        return lambda _: [Line(place, _rows(step), chooses=True)]
    return lambda columns: [Line(place, _step(step, [source[column] for column in columns]))]


def _row_columns(step: Any) -> set[str]:
    match step:
        case schema.Where(formula=formula):
            return expression_columns(formula)
        case schema.Balance(columns=columns):
            return set(columns)
    return set()


def _making(study: Study, needs: Mapping[str, set[str]]) -> Iterator[_Operation]:
    for part in study.measures:
        value, place = Ref("measure", part.name), f"measures.{part.name}"
        column = method(_PANEL, "with_columns", {part.name: part.picked(value)})
        found = [Line(place, measure_call(study, part), value), Line(place, column)]
        yield _Operation({part.name: needs[part.name]}, _always(found))
    for name, group in study.groups.items():
        if group.labels_only(name):
            continue
        options = group.model_dump(include={"split", "parts", "of"}, exclude_defaults=True)
        made = method(_PANEL, "with_columns", {name: call("group", Item(_PANEL, group.column), **options)})
        yield _Operation({name: needs[name]}, _always([Line(f"groups.{name}", made)]))
    for name, variable in study.variables.items():
        if variable.formula is not None:
            made = method(_PANEL, "with_columns", {name: call("models.evaluate", variable.formula, _PANEL)})
            yield _Operation({name: needs[name]}, _always([Line(f"variables.{name}", made)]))


def _always(found: list[Line]) -> Callable[[list[str]], list[Line]]:
    return lambda _: found


def _sorted(operations: list[_Operation]) -> list[_Operation]:
    """Order operations: a column is made, then cleaned in the order of the steps, then read."""

    def before(operation: _Operation) -> Iterator[_Operation]:
        for other in operations:
            makes_what_is_read = bool(set(other.makes) & operation.reads)
            cleans_it = other.number >= 0 and bool(other.reads & (operation.reads | set(operation.makes)))
            if operation.number < 0:
                earlier = makes_what_is_read or (cleans_it and bool(set(other.makes) & operation.reads))
            else:
                earlier = other.number < operation.number and (makes_what_is_read or cleans_it)
            if earlier and other is not operation:
                yield other

    done: list[_Operation] = []

    def place(operation: _Operation, way: tuple[_Operation, ...]) -> None:
        if operation in done or operation in way:
            return
        for other in before(operation):
            place(other, (*way, operation))
        done.append(operation)

    for operation in operations:
        place(operation, ())
    return done


# ---- what each section calls
def _step(step: Any, columns: list[str]) -> Call:
    options = step.model_dump(exclude={"do", "columns"}, exclude_defaults=True)
    if isinstance(step, schema.Winsorize):
        options.pop("share", None)
        share = tuple(step.share) if isinstance(step.share, list) else step.share
        return method(_PANEL, "winsorize", columns, share, **options)
    if isinstance(step, schema.Deflate):
        options = {key: value for key, value in options.items() if key not in ("by", "base")}
        return method(_PANEL, "deflate", columns, step.by, Ref("time", step.base), **options)
    return method(_PANEL, step.do, columns, **options)


def _rows(step: Any) -> Call:
    match step:
        case schema.Balance(rule=rule, columns=columns):
            return method(_PANEL, "balance", rule, **({"columns": columns} if columns else {}))
        case schema.Where(formula=formula):
            # lag(x, 1) > 0 is a formula and no condition.
            keeps = formula if is_condition(formula) else call("models.holds", formula, _PANEL)
            return method(_PANEL, "where", keeps)
    options: dict[str, Any] = {}
    if step.units is not None:
        options["units"] = step.units
    if step.times is not None:
        options["times"] = slice(*(Ref("time", time) for time in step.times))
    return method(_PANEL, "restrict", **options)


def measure_call(study: Study, part: MeasureSection) -> Call:
    """Return what a measure calls: arguments without a default in their places, the others by name."""
    found = part.arguments()
    if "reference" in found and not has_reference(study, found["reference"].name):
        del found["reference"]
    function = part.function
    parameters = inspect.signature(public(function)).parameters
    needed = [name for name, one in parameters.items() if one.default is one.empty]
    given = [found.pop(name) for name in needed]
    options = tuple((name, found[name]) for name in parameters if name in found)
    if needed[0] == "self":
        return Call(Get(given[0], function.rpartition(".")[2]), tuple(given[1:]), options)
    return Call(function, tuple(given), options)


# ---- running
def cleaned(
    study: Study,
    panel: Any,
    look: Callable[[Ref], Any] | None = None,
    *,
    wanted: Iterable[str] | None = None,
    keep_rows: bool = False,
    kept: dict[str, Any] | None = None,
) -> Any:
    """Return the panel cleaned, with its measures and derived columns.

    Parameters
    ----------
    look : function of Ref, optional
        Gives the map, tables of industries and weights.
    wanted : iterable of str, optional
        Only what these columns need.
    keep_rows : bool
        Do not apply the steps that choose rows.
    kept : dict, optional
        Filled with the value of each measure, by name.
    """
    values: dict[Ref, Any] = {}

    def find(ref: Ref) -> Any:
        if ref == _PANEL:
            return panel
        if ref.kind == "time":
            return time_of(panel, ref.name)
        return values[ref] if ref in values else (look or _nothing)(ref)

    for line in lines(study, [str(c) for c in panel.columns], wanted):
        if keep_rows and line.chooses:
            continue
        try:
            value = evaluate(line.call, find)
        except SpatialError as error:
            raise type(error)(f"{line.place}: {error}") from None
        if line.target == _PANEL:
            panel = value
        else:
            values[line.target] = value
    if kept is not None:
        kept |= {ref.name: value for ref, value in values.items()}
    return panel


def _nothing(ref: Ref) -> Any:
    raise DataError(f"The study has no {ref.kind} {ref.name!r}.")
