"""Rows that a condition chooses of a panel on disk: some units at some times, lags on the whole map first.

The columns of the whole map, cut to the rows, are the stems of a plan of their own, whose only lags are those
by the error matrices among the chosen units.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.models.data.rows import outcome_columns, warn_outcome
from spatial.models.formula.tokens import Node
from spatial.panel.choosing import ChosenRows, truth
from spatial.panel.conditions import Condition, parse_condition

from .columns import Plan
from .ladder import Ladder, Rung, ladder_of

__all__ = ["ChosenPlan", "choose"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ChosenPlan(Plan):
    """The plan of some units at some times.

    Parameters
    ----------
    whole : Plan
    mask : bool array (N,)
        Which units of the whole map.
    numbers : tuple of int
        Which of its times.
    """

    whole: Plan
    mask: NDArray[np.bool_]
    numbers: tuple[int, ...]

    @property
    def map(self) -> Plan:
        """The plan of the whole map."""
        return self.whole

    @property
    def n_times(self) -> int:
        """Times in use."""
        return len(self.numbers)

    @property
    def nodes(self) -> dict[str, Node]:
        """The columns of the equations."""
        return self.whole.nodes

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of all instruments."""
        return self.whole.instruments

    @property
    def _found(self) -> tuple[dict[str, Node], tuple[Rung, ...]]:
        """Each column is a stem."""
        node = next(iter(self.nodes.values()))
        return dict.fromkeys(self.names, node), tuple((j, ()) for j in range(len(self.names)))

    @cached_property
    def _columns(self) -> Ladder:
        return ladder_of(self.whole.rungs, len(self.whole.stems))

    def changed(self, iv_order: int, joint: bool) -> Plan:
        """Return the plan with other instruments, or for the joint estimator."""
        return replace(self, whole=self.whole.changed(iv_order, joint), iv_order=iv_order, joint=joint)

    def read(self, number: int) -> Float:
        """Return the columns at a time in use, cut to the units, (N, c)."""
        stems = self.whole.read(self.numbers[number])
        steps = self._columns.climb(stems, self.whole.operators, 1)
        every = np.hstack([step[self.mask] for step in steps])
        return np.ascontiguousarray(every[:, self._columns.places(self.whole.rungs)])


def choose(plan: Plan, where: str) -> ChosenPlan:
    """Return the plan of the rows that meet a condition: the same units at each time that has any."""
    condition = parse_condition(where)
    found = [_chosen_at(plan, condition, number) for number in range(plan.n_times)]
    used = [number for number, mask in enumerate(found) if mask.any()]
    if not used:
        raise DataError(f"No row meets {condition.text}.")
    mask = found[used[0]]
    count = sum(int(one.sum()) for one in found)
    if count == plan.n_times * len(mask):
        raise DataError(
            f"Every one of the {count} rows meets {condition.text}: it chooses nothing. Leave it out."
        )
    for number in used:
        other = np.flatnonzero(found[number] != mask)
        if len(other):
            times = plan.panel.times[[used[0] + plan.shift, number + plan.shift]]
            raise DataError(
                f"Of a panel on disk a condition chooses the same units at each time; {condition.text} "
                f"differs between {times[0]} and {times[1]} in {name_ids(plan.units[other])}, and such rows "
                f"need the panel in memory: panel.read(), {plan.panel.size()}."
            )
    chosen = ChosenRows(condition, np.concatenate([found[number] for number in used]), 0)
    warn_outcome(chosen, outcome_columns(plan.structure.outcomes))
    units = plan.units[mask]
    cut = {
        name: plan.weights[name] if mask.all() else plan.weights[name].subset(units, islands="keep")
        for name in plan.error_names
    }
    own = {f.name: getattr(plan, f.name) for f in fields(Plan)} | {"units": units, "weights": cut}
    return ChosenPlan(**own, whole=plan, mask=mask, numbers=tuple(used))


def _chosen_at(plan: Plan, condition: Condition, number: int) -> NDArray[np.bool_]:
    """Return which units meet the condition at a time; (N,)."""
    panel, time = plan.panel, plan.panel.times[number + plan.shift]
    names = [c for c in condition.columns if c in panel.columns]
    frame = panel.read(names or list(panel.columns[:1]), times=[time]).frame
    places = frame.index.get_level_values(0).get_indexer(plan.units)
    if (places < 0).any():
        raise DataError(
            f"Each unit of the weights must be in the panel; at {time} are not: "
            f"{name_ids(plan.units[places < 0])}."
        )
    found = truth(condition, frame).fillna(False).to_numpy(dtype=bool)
    return np.asarray(found[places])
