"""The columns of a system at one time, read from an open panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, name_ids
from spatial.models.data.blueprint import Blueprint
from spatial.models.data.columns import RowEvaluator, base_expressions, cell_values, largest_shift
from spatial.models.data.design import build_instruments
from spatial.models.data.effects import Effects
from spatial.models.data.layout import LagOperator, Layout, balanced_layout
from spatial.models.data.source import Source
from spatial.models.formula.structure import CONSTANT, Structure
from spatial.models.formula.tokens import Call, Name, Node, Number, canonical, walk
from spatial.panel.folder import OpenPanel
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.value import Weights

from .ladder import Ladder, Rung, ladder_of, lagged
from .lags import RowLag

__all__ = ["OpenSource", "Plan"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OpenSource(Source):
    """Columns of some times of an open panel, as a `Source`."""

    @property
    def index_names(self) -> tuple[str, ...]:
        """Names of the unit and the time."""
        return (self.data.unit_name, self.data.time_name)

    def load(self, columns: list[str]) -> None:
        """Nothing: what is needed was given."""

    def numbers(self, column: str) -> Float:
        """Return a column, (T, N)."""
        return self._cache[column]

    def categories(self, column: str) -> tuple[Float, list[Any]]:
        """Refuse: the levels of a category are known when all of it was read."""
        raise DataError(
            f"C({column}) is not for a panel on disk: write a column of 0 and 1 for each level, or read the "
            f"panel: {self.data.size(len(self.data.columns))} in memory."
        )


@dataclass(frozen=True, eq=False)
class Plan:
    """Which columns a system has, and how each time gives them.

    Parameters
    ----------
    blueprint : Blueprint
    panel : OpenPanel
    units : Index
        Ids of the weights, in their order.
    weights : mapping of str to Weights or OpenWeights
        Of the formulas and of the errors.
    effects : tuple of str
        Among "unit" and "time".
    iv_order : int
    order_given : bool
        Whether the user named the order.
    joint : bool
        Whether the quadratic forms are those of the joint estimator.
    whole_ids, places : Index and int array, optional
        Ids of the weights as they were given, and which of them the units are, where some were dropped.
    """

    blueprint: Blueprint
    panel: OpenPanel
    units: pd.Index[Any]
    weights: Mapping[str, Weights | OpenWeights]
    effects: tuple[str, ...]
    iv_order: int
    order_given: bool = True
    joint: bool = False
    whole_ids: pd.Index[Any] | None = None
    places: NDArray[np.intp] | None = None

    @property
    def map(self) -> Plan:
        """The plan of the whole map: itself, where no rows are chosen."""
        return self

    def changed(self, iv_order: int, joint: bool) -> Plan:
        """Return the plan with other instruments, or for the joint estimator."""
        return replace(self, iv_order=iv_order, joint=joint)

    @property
    def structure(self) -> Structure:
        """Equations and terms."""
        return self.blueprint.structure

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The columns of the equations, each once."""
        every = (*self.blueprint.outcomes, *(n for row in self.blueprint.terms for n in row))
        return {canonical(n): n for n in every}

    @cached_property
    def _base(self) -> dict[str, Node]:
        nodes = [*self.nodes.values(), *self.blueprint.instruments.values()]
        return base_expressions(nodes, tuple(self.weights))

    @cached_property
    def _variables(self) -> list[str]:
        found = [n.name for node in self._base.values() for n in walk(node) if isinstance(n, Name)]
        return [name for name in dict.fromkeys(found) if self.panel.has(name)]

    @cached_property
    def shift(self) -> int:
        """The most times that any lag( ) shifts by."""
        return largest_shift([*self.nodes.values(), *self.blueprint.instruments.values()])

    @property
    def n_times(self) -> int:
        """Times in use."""
        return self.panel.n_times - self.shift

    @property
    def n_rows(self) -> int:
        """Cells in use."""
        return len(self.units) * self.n_times

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, for the summary."""
        if not self.shift:
            return ()
        return (f"the first {self.shift} of {self.panel.n_times} times serve as lags only",)

    @cached_property
    def layout(self) -> Layout:
        """Of one time."""
        return balanced_layout(self.units, self.panel.times[:1])

    @cached_property
    def operators(self) -> dict[str, RowLag]:
        """Lag operators of one time."""
        return {name: RowLag.of(w, self.layout) for name, w in self.weights.items()}

    @cached_property
    def outcomes(self) -> tuple[int, ...]:
        """Which column is the outcome of each equation."""
        place = {key: j for j, key in enumerate(self.nodes)}
        return tuple(place[canonical(n)] for n in self.blueprint.outcomes)

    @cached_property
    def regressors(self) -> tuple[tuple[int, ...], ...]:
        """Which columns are the terms of each equation."""
        place = {key: j for j, key in enumerate(self.nodes)}
        return tuple(tuple(place[canonical(n)] for n in row) for row in self.blueprint.terms)

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """Names of all instruments: those of a panel without units."""
        none = balanced_layout(self.units[:0], self.panel.times[:1])
        operators = {name: LagOperator((sp.csr_array((0, 0)),), none) for name in self.weights}
        evaluate = RowEvaluator({key: np.zeros(0) for key in self._base}, operators, none)
        effects = Effects((), tuple((e,) for e in self.effects), (), none)
        return build_instruments(self.blueprint, evaluate, operators, self.iv_order, effects)[1]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Columns: those of the equations, then the instruments that are not among them."""
        return (*self.nodes, *(name for name in self.instruments if name not in self.nodes))

    @cached_property
    def _found(self) -> tuple[dict[str, Node], tuple[Rung, ...]]:
        """The stems, and which stem each column is, and by what it is lagged."""
        stems: dict[str, Node] = {}

        def rung(node: Node) -> Rung:
            path: list[str] = []
            while isinstance(node, Call) and node.function in self.weights:
                path.insert(0, node.function)
                node = node.arguments[0]
            stems.setdefault(canonical(node), node)
            return list(stems).index(canonical(node)), tuple(path)

        known = {name: rung(node) for name, node in self.nodes.items()}
        for label in self.instruments:
            if label in known:
                continue
            if label == CONSTANT:
                known[label] = rung(Number(1.0, 0, 0))
            elif label in self.blueprint.instruments:
                known[label] = rung(self.blueprint.instruments[label])
            else:  # a lag of one before it
                name, inner = label[:-1].split("(", 1)
                stem, path = known[inner] if inner in known else rung(self.blueprint.instruments[inner])
                known[label] = stem, (*path, name)
        return stems, tuple(known[name] for name in self.names)

    @property
    def stems(self) -> dict[str, Node]:
        """The columns that are no lags of others, of which all columns are lags of some order."""
        return self._found[0]

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """Which stem each column is, and by what it is lagged."""
        return self._found[1]

    @property
    def error_names(self) -> tuple[str, ...]:
        """Names of the error matrices."""
        return tuple(dict.fromkeys(e.error for e in self.structure.equations if e.error is not None))

    @property
    def lag_names(self) -> tuple[str, ...]:
        """Names of the weights that lag an outcome at the same time."""
        structure = self.structure
        return tuple(
            dict.fromkeys(
                t.weights
                for _, t in structure.terms
                if t.weights is not None and t.shift == 0 and structure.is_outcome(t)
            )
        )

    @property
    def form_names(self) -> tuple[str, ...]:
        """Names of the matrices of quadratic forms: of the errors, jointly of the lags of outcomes too."""
        return tuple(dict.fromkeys((*self.error_names, *(self.lag_names if self.joint else ()))))

    def form_columns(self, name: str) -> list[Rung]:
        """Return the columns of the equations, and their lags by an error matrix."""
        own = list(self.rungs[: len(self.nodes)])
        return [*own, *lagged(own, name)] if name in self.error_names else own

    @cached_property
    def filtered(self) -> list[Rung]:
        """The columns, then the lags of those of the equations by each error matrix."""
        own = self.rungs[: len(self.nodes)]
        return [*self.rungs, *(rung for name in self.error_names for rung in lagged(own, name))]

    @cached_property
    def ladder(self) -> Ladder:
        """Of what the sums need: the columns, and those of the equations lagged twice by error matrices."""
        rungs = [*self.filtered]
        for name in self.form_names:
            rungs += lagged(self.form_columns(name), name)
        return ladder_of(rungs, len(self.stems))

    @cached_property
    def short_ladder(self) -> Ladder:
        """Of what residuals and scores need."""
        return ladder_of(self.filtered, len(self.stems))

    @cached_property
    def keeps_constants(self) -> bool:
        """Whether the lag of a constant is a constant, by all weights."""
        return all(operator.constant_row_sum is not None for operator in self.operators.values())

    def read(self, number: int) -> Float:
        """Return the stems at time `number`, (N, s)."""
        base = self.cells(number)
        for key, values in base.items():
            bad = ~np.isfinite(values)
            if bad.any():
                raise DataError(
                    f"Every cell must be filled and finite; {key} is not at {self.panel.time_name} "
                    f"{self.panel.times[number + self.shift]} in {int(bad.sum())} units: "
                    f"{name_ids(self.units[bad])}. Fill the cells, or choose unbalanced='balance' (drop "
                    "these units) or unbalanced='induced' (leave these cells out)."
                )
        return self._stems(RowEvaluator(base, self.operators, self.layout))

    def _stems(self, evaluate: RowEvaluator) -> Float:
        columns = np.empty((evaluate.layout.n_rows, len(self.stems)))
        for j, node in enumerate(self.stems.values()):
            columns[:, j] = evaluate(node)
        return columns

    def cells(self, number: int, absent: bool = False) -> dict[str, Float]:
        """Return the expressions without spatial lags at time `number`, (N,); NaN where missing.

        With `absent` a unit may be absent at a time; without it is refused.
        """
        last = number + self.shift
        window = self.panel.times[number : last + 1]
        read = [self._read(t, absent) for t in window]
        given = {
            name: np.stack([one[:, k] for one in read]) if self.shift else read[0][None, :, k]
            for k, name in enumerate(self._variables)
        }
        source = OpenSource(self.panel, self.units, window, given)
        shape = (len(window), len(self.units))
        return {
            key: np.ascontiguousarray(np.broadcast_to(cell_values(node, source), shape)[-1])
            for key, node in self._base.items()
        }

    def _read(self, time: Any, absent: bool) -> Float:
        if self.whole_ids is not None:
            return self.panel.period(time, self._variables, self.whole_ids, absent=True)[self.places]
        try:
            return self.panel.period(time, self._variables, self.units, absent=absent)
        except AlignmentError as error:
            if absent:
                raise
            raise AlignmentError(
                f"{error} Where units are absent at some times: unbalanced='balance' (drop them) or "
                "unbalanced='induced' (weights among those observed)."
            ) from None
