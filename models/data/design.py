"""The aligned arrays of a system: every column once, effects, instruments; all that the estimators need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import blas_on_one_thread
from spatial.errors import DataError, name_ids
from spatial.ids.alignment import check_scale
from spatial.models.formula.structure import CONSTANT, Structure
from spatial.models.formula.tokens import Call, Name, Node, canonical, walk
from spatial.panel.choosing import ChosenRows
from spatial.weights.value import Weights

from .blueprint import Blueprint
from .cells import Sample, Unbalanced, build_sample, notes_of_lonely, operators_for
from .checks import checked, without_absorbed, without_empty
from .columns import RowEvaluator, base_expressions, cell_values, largest_shift
from .effects import Effects, build_effects
from .instruments import (
    Basis,
    column_norms,
    instrument_columns,
    lagged_variable,
    orthonormal_basis,
)
from .layout import LagOperator, Layout
from .rows import RowChoice, chosen_rows
from .source import Source

__all__ = ["Design", "build_design", "build_instruments", "design_of_rows"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Design:
    """Arrays of a system; rows are cells, R in all.

    Parameters
    ----------
    structure : Structure
        Without the terms that the effects absorb.
    layout : Layout
    effects : Effects
    columns : array (R, m)
        Each distinct column of the equations once, as it is: no filter, no effects out.
    outcomes : tuple of int, length G
        Which column is the outcome of each equation.
    regressors : tuple of tuple of int
        Which columns are the terms of each equation.
    instruments : array (R, p0)
        H before effects are out.
    instrument_names : tuple of str, length p0
    weights : mapping of str to Weights
    operators : mapping of str to LagOperator
        By weights name, errors included.
    levels : mapping of str to array (R,)
        The variables that are no outcomes (`Structure.regressors`), not lagged.
    external : mapping of str to array (R,)
        Declared instruments.
    absorbed : tuple of (equation, term)
        What the effects absorb, left out by name.
    notes : tuple of str
        What was done to the sample.
    spare : mapping of str to Weights
        Given, and called by no formula: for tests of spatial dependence.
    shift : array (m,), optional
        What was taken off each of `columns`; see `spatial.models.data.centring`.
    whole : Design, optional
        The design of the whole map, where rows were chosen after the lags; its matrices multiply effects.
    choice : RowChoice, optional
        The condition of the rows.
    random : bool
        Whether effects of units are random, beside the fixed ones.
    own_instruments : tuple of tuple of int, optional
        Which of the instruments each equation uses, as many as it has terms; default all of them.
    """

    structure: Structure
    layout: Layout
    effects: Effects
    columns: Float
    outcomes: tuple[int, ...]
    regressors: tuple[tuple[int, ...], ...]
    instruments: Float
    instrument_names: tuple[str, ...]
    weights: Mapping[str, Weights]
    operators: Mapping[str, LagOperator]
    levels: Mapping[str, Float]
    external: Mapping[str, Float]
    absorbed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    spare: Mapping[str, Weights] = field(default_factory=dict)
    shift: Float | None = None
    whole: Design | None = None
    choice: RowChoice | None = None
    random: bool = False
    own_instruments: tuple[tuple[int, ...], ...] | None = None

    @property
    def n_effective(self) -> int:
        """Rows less the rank of the effects."""
        return self.effects.n_effective

    @cached_property
    def projected(self) -> Float:
        """Columns with the effects out; (R, m)."""
        return self.effects.project(self.columns)

    @cached_property
    def basis(self) -> Basis:
        """Orthonormal instruments, effects out."""
        return orthonormal_basis(self.effects.project(self.instruments), self.instrument_sizes)

    @cached_property
    def sizes(self) -> Float:
        """Norm of each column before the effects are out, against which nothing is left of it; (m,)."""
        return column_norms(self.columns)

    @cached_property
    def instrument_sizes(self) -> Float:
        """The same of each instrument; (p0,)."""
        return column_norms(self.instruments)

    def of_columns(self, places: Sequence[int]) -> Float:
        """Return some of the projected columns; (R, k)."""
        every = list(places) == list(range(self.columns.shape[1]))
        return self.projected if every else self.projected[:, list(places)]

    def seen_by(self, g: int) -> Design:
        """Return the design with the instruments of equation g alone; itself where all have the same."""
        return self._seen[g] if self._seen else self

    @cached_property
    def _seen(self) -> tuple[Design, ...]:
        structure = self.structure
        if not structure.has_own_instruments:
            return ()
        plain = replace(structure, equations=tuple(replace(e, instruments=None) for e in structure.equations))
        out = []
        for g in range(structure.n_equations):
            kept = self._valid(g)
            names = tuple(self.instrument_names[j] for j in kept)
            columns = np.ascontiguousarray(self.instruments[:, kept])
            out.append(replace(self, structure=plain, instruments=columns, instrument_names=names))
        return tuple(out)

    def _valid(self, g: int) -> list[int]:
        """Return which instruments are valid in equation g: those it names, and all that is exogenous."""
        mine = self.structure.equations[g].instruments
        barred = set() if mine is None else {*self.external} - {*mine, *self.levels}
        count = range(len(self.instrument_names))
        return [j for j in count if lagged_variable(self.instrument_names[j], self.operators) not in barred]

    def alone(self, g: int) -> Design:
        """Return the design of equation g by itself, with its instruments."""
        seen = self.seen_by(g)
        structure = replace(seen.structure, equations=(seen.structure.equations[g],))
        return replace(
            seen, structure=structure, outcomes=(self.outcomes[g],), regressors=(self.regressors[g],)
        )

    @cached_property
    def selection(self) -> list[Float] | None:
        """Orthonormal instruments of each equation in terms of the basis, (p, p_g); None where one."""
        if not self._seen:
            return None
        return [np.asarray(self.basis.Q.T @ seen.basis.Q) for seen in self._seen]

    def own_coordinates(self, g: int) -> Float:
        """Return the instruments of equation g in terms of the basis; (p, k_g)."""
        assert self.own_instruments is not None
        mine = self.instruments[:, list(self.own_instruments[g])]
        return np.asarray(self.basis.Q.T @ self.effects.project(mine))

    @property
    def kept_instruments(self) -> tuple[str, ...]:
        """Names of the instruments in use."""
        return tuple(self.instrument_names[j] for j in self.basis.kept)

    @property
    def dropped_instruments(self) -> tuple[str, ...]:
        """Names of those that depend on the others, or are absorbed."""
        return tuple(self.instrument_names[j] for j in self.basis.dropped)

    @property
    def raw(self) -> Float:
        """The columns as the data have them."""
        return self.columns if self.shift is None else self.columns + self.shift

    @cached_property
    def spare_operators(self) -> dict[str, LagOperator]:
        """Lag operators of the weights that no formula calls, among the units in use."""
        units = self.layout.units
        cut = {
            name: w if w.ids.equals(units) else w.subset(units, islands="keep")
            for name, w in self.spare.items()
        }
        return operators_for(Sample(self.layout, np.arange(0), cut))

    def tested_weights(self, g: int) -> dict[str, LagOperator]:
        """Return the weights that tests of equation g use: of its error, of the formulas, or spare ones."""
        error = self.structure.equations[g].error
        if error is not None:
            return {error: self.operators[error]}
        used = {name: self.operators[name] for name in self.structure.weights}
        return used or self.spare_operators

    def equation_columns(self, g: int) -> list[int]:
        """Return the columns [outcome, terms] of equation g."""
        return [self.outcomes[g], *self.regressors[g]]

    def error_operator(self, g: int) -> LagOperator | None:
        """Return M of equation g."""
        name = self.structure.equations[g].error
        return None if name is None else self.operators[name]


@blas_on_one_thread()
def build_design(
    blueprint: Blueprint,
    source: Source,
    weights: Mapping[str, Weights],
    effects: tuple[tuple[str, ...], ...],
    iv_order: int,
    unbalanced: Unbalanced,
    keep: NDArray[np.bool_] | None = None,
    spare: Mapping[str, Weights] | None = None,
    random: bool = False,
) -> Design:
    """Evaluate, choose the sample, lag, and build the instruments.

    Parameters
    ----------
    blueprint : Blueprint
    source : Source
    weights : mapping of str to Weights
        Those of the formulas and of the errors, over the units of the source.
    effects : tuple of tuple of str
        ``unit``, ``time`` or columns; products as tuples.
    iv_order : int
        Highest power of the weights in the instruments; one more where exogenous variables are lagged; 0
        for the exogenous terms and the declared instruments alone.
    keep : bool array (T, N), optional
        The cells that a condition chose; W is cut to them.
    spare : mapping of str to Weights, optional
        Given, and called by no formula.
    random : bool
        Whether effects of units are random.
    """
    structure = blueprint.structure
    nodes = [
        *blueprint.outcomes,
        *(n for row in blueprint.terms for n in row),
        *blueprint.instruments.values(),
    ]
    source.load([n for node in nodes for n in _names(node) if source.has(n)])
    base = {key: cell_values(node, source) for key, node in base_expressions(nodes, tuple(weights)).items()}
    sample = build_sample(base, source, weights, largest_shift(nodes), unbalanced, keep)
    shape = (len(source.times), len(source.units))
    operators = operators_for(sample)
    rows = {key: sample.take(values, shape) for key, values in base.items()}
    evaluate = RowEvaluator(rows, operators, sample.layout)
    built = build_effects(effects, _effect_codes(effects, source, sample, shape), sample.layout)
    _check_size(built)
    keys: dict[str, Node] = {}
    for node in (*blueprint.outcomes, *(n for row in blueprint.terms for n in row)):
        keys.setdefault(canonical(node), node)
    columns = np.column_stack([check_scale(evaluate(node), key, 4) for key, node in keys.items()])
    place = {key: j for j, key in enumerate(keys)}
    H, names = build_instruments(blueprint, evaluate, operators, iv_order, built)
    design = Design(
        structure,
        sample.layout,
        built,
        columns,
        tuple(place[canonical(n)] for n in blueprint.outcomes),
        tuple(tuple(place[canonical(n)] for n in row) for row in blueprint.terms),
        H,
        names,
        sample.weights,
        operators,
        _levels(blueprint, evaluate),
        {t.variable: evaluate(blueprint.instruments[t.variable]) for t in structure.instruments},
        notes=(*sample.notes, *notes_of_lonely(operators)),
        spare=spare or {},
        random=random,
    )
    return checked(without_absorbed(design if keep is None else without_empty(design)))


def design_of_rows(design: Design, source: Source, chosen: ChosenRows, grid: NDArray[np.bool_]) -> Design:
    """Return the rows that a condition chose of a design whose lags are of the whole map, checked again."""
    found = chosen_rows(design, source, chosen, grid)
    _check_size(found.effects)
    return checked(without_absorbed(without_empty(found)))


def _levels(blueprint: Blueprint, evaluate: RowEvaluator) -> dict[str, Float]:
    out: dict[str, Float] = {}
    for equation, row in zip(blueprint.structure.equations, blueprint.terms, strict=True):
        for term, node in zip(equation.terms, row, strict=True):
            if blueprint.structure.is_outcome(term) or term.variable in out:
                continue
            inner = node.arguments[0] if isinstance(node, Call) and term.weights is not None else node
            out[term.variable] = evaluate(inner)
    return out


def _names(node: Node) -> list[str]:
    return [n.name for n in walk(node) if isinstance(n, Name)]


def _effect_codes(
    effects: tuple[tuple[str, ...], ...], source: Source, sample: Sample, shape: tuple[int, int]
) -> dict[str, NDArray[np.intp]]:
    out: dict[str, NDArray[np.intp]] = {}
    for column in {part for name in effects for part in name} - {"unit", "time"}:
        codes, _ = source.categories(column)
        taken = sample.take(codes, shape)
        if np.isnan(taken).any():
            units = source.units[np.unique(sample.layout.unit[np.isnan(taken)])]
            raise DataError(f"Effects by {column!r} need a value in each cell; missing at {name_ids(units)}.")
        out[column] = taken.astype(np.intp)
    return out


_LONG = " A DataFrame is one time; sp.read_panel(frame, unit=, time=) makes a panel of a long table."


def _check_size(effects: Effects) -> None:
    layout = effects.layout
    if ("unit",) in effects.names and layout.n_times < 2:
        raise DataError(
            f"Unit effects need at least two times; the data have {layout.n_times}, so each of the "
            f"{layout.n_units} units would have an effect of its own and nothing would be left.{_LONG}"
        )
    if effects.n_effective <= 0:
        raise DataError(f"The effects ({effects.rank}) leave none of the {layout.n_rows} cells free.")


def build_instruments(
    blueprint: Blueprint,
    evaluate: RowEvaluator,
    operators: Mapping[str, LagOperator],
    iv_order: int,
    effects: Effects,
) -> tuple[Float, tuple[str, ...]]:
    """Return the instruments before effects are out, (R, p0), and their names."""
    structure = blueprint.structure
    if iv_order == 0:
        return _plain_instruments(blueprint, evaluate, effects)
    exogenous = list(blueprint.instruments.values())
    errors = tuple(dict.fromkeys(e.error for e in structure.equations if e.error is not None))
    used = structure.weights or errors
    durbin = any(t.operator == "lag" and t.role == "exogenous" for _, t in structure.terms)
    order = iv_order + 1 if durbin else iv_order
    rows = evaluate.layout.n_rows
    X = np.column_stack([evaluate(n) for n in exogenous]) if exogenous else np.zeros((rows, 0))
    return instrument_columns(
        X,
        tuple(blueprint.instruments),
        {w: operators[w] for w in used},
        order,
        {m: operators[m] for m in errors if m not in used},
        constant=any(t.role == "constant" for _, t in structure.terms) and not effects.any,
    )


def _plain_instruments(
    blueprint: Blueprint, evaluate: RowEvaluator, effects: Effects
) -> tuple[Float, tuple[str, ...]]:
    """Return the exogenous terms as they are and the declared instruments, and no lags of them."""
    structure = blueprint.structure
    nodes: dict[str, Node] = {}
    for equation, row in zip(structure.equations, blueprint.terms, strict=True):
        for term, node in zip(equation.terms, row, strict=True):
            if term.role in ("exogenous", "predetermined"):
                nodes.setdefault(canonical(node), node)
    for term in structure.instruments:
        nodes.setdefault(term.variable, blueprint.instruments[term.variable])
    columns = [evaluate(node) for node in nodes.values()]
    names = tuple(nodes)
    if any(t.role == "constant" for _, t in structure.terms) and not effects.any:
        columns, names = [np.ones(evaluate.layout.n_rows), *columns], (CONSTANT, *names)
    return np.column_stack(columns) if columns else np.zeros((evaluate.layout.n_rows, 0)), names
