"""The columns of a system at one time, read from an open panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.models.data.blueprint import Blueprint
from spatial.models.data.columns import RowEvaluator, base_expressions, cell_values, largest_shift
from spatial.models.data.design import build_instruments
from spatial.models.data.effects import Effects
from spatial.models.data.layout import LagOperator, Layout, balanced_layout
from spatial.models.data.source import Source
from spatial.models.formula.structure import Structure
from spatial.models.formula.tokens import Name, Node, canonical, walk
from spatial.panel.folder import OpenPanel
from spatial.weights.value import Weights

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
    weights : mapping of str to Weights
        Of the formulas and of the errors.
    effects : tuple of str
        Among "unit" and "time".
    iv_order : int
    order_given : bool
        Whether the user named the order.
    """

    blueprint: Blueprint
    panel: OpenPanel
    units: pd.Index[Any]
    weights: Mapping[str, Weights]
    effects: tuple[str, ...]
    iv_order: int
    order_given: bool = True

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

    @cached_property
    def layout(self) -> Layout:
        """Of one time."""
        return balanced_layout(self.units, self.panel.times[:1])

    @cached_property
    def operators(self) -> dict[str, LagOperator]:
        """Lag operators of one time."""
        return {name: LagOperator((w.sparse,), self.layout) for name, w in self.weights.items()}

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

    def read(self, number: int) -> tuple[Float, tuple[str, ...]]:
        """Return the columns of time `number`, (N, c), and the names of all instruments.

        Columns are those of the equations, then the instruments that are not among them.
        """
        last = number + self.shift
        window = self.panel.times[number : last + 1]
        read = [self.panel.period(t, self._variables, self.units) for t in window]
        given = {
            name: np.stack([one[:, k] for one in read]) if self.shift else read[0][None, :, k]
            for k, name in enumerate(self._variables)
        }
        source = OpenSource(self.panel, self.units, window, given)
        base = {key: self._now(key, node, source) for key, node in self._base.items()}
        evaluate = RowEvaluator(base, self.operators, self.layout)
        effects = Effects((), tuple((e,) for e in self.effects), (), self.layout)
        H, names = build_instruments(self.blueprint, evaluate, self.operators, self.iv_order, effects)
        further = [j for j, name in enumerate(names) if name not in self.nodes]
        m = len(self.nodes)
        columns = np.empty((len(self.units), m + len(further)))
        columns[:, m:] = H[:, further]
        del H
        for j, node in enumerate(self.nodes.values()):
            columns[:, j] = evaluate(node)
        return columns, names

    def _now(self, key: str, node: Node, source: OpenSource) -> Float:
        values = cell_values(node, source)
        now: Float = np.broadcast_to(values, (len(source.times), len(self.units)))[-1]
        bad = ~np.isfinite(now)
        if bad.any():
            raise DataError(
                f"Every cell must be filled and finite; {key} is not at {self.panel.time_name} "
                f"{source.times[-1]} in {int(bad.sum())} units: {name_ids(self.units[bad])}. A panel on disk "
                "is balanced: fill the cells, or drop these units from it and from the weights."
            )
        return np.ascontiguousarray(now)
